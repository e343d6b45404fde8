//! Whether the installation can answer. The supervisor says what is still missing; the door tells whoever asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The parts that must be there before questions are answered, and how each stands.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<BTreeMap<String, Part>>);

/// How a part stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// It can be used.
    Ready,
    /// Not yet, and why: `loading`, `fetching weights: 12 of 98 MiB`. Never content, never a path.
    Waiting(String),
}

impl Readiness {
    /// Says how a part (`chat`, `embeddings`, ...) stands.
    pub fn set(&self, name: &str, part: Part) {
        self.lock().insert(name.to_owned(), part);
    }

    /// Every part and how it stands. The installation is ready when none is waiting.
    #[must_use]
    pub fn parts(&self) -> BTreeMap<String, Part> {
        self.lock().clone()
    }

    /// Whether parts are known and none of them is waiting.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let parts = self.lock();
        !parts.is_empty() && parts.values().all(|part| *part == Part::Ready)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Part>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_waiting_part_is_enough_to_wait() {
        let readiness = Readiness::default();
        assert!(!readiness.is_ready());
        readiness.set("chat", Part::Waiting("loading".to_owned()));
        readiness.set("embeddings", Part::Ready);
        assert!(!readiness.is_ready());
        readiness.set("chat", Part::Ready);
        assert!(readiness.is_ready());
    }
}
