//! How much of an exchange is kept. What a mode does not keep never reaches a disk or a log.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much of an exchange is kept, from least to most: the order is the rule, a request only narrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// Counters only: no row.
    None,
    /// A row of counts, ids and timings; no content.
    Usage,
    /// Content with what the detectors find (secrets, identifiers) replaced.
    Redacted,
    /// Everything.
    #[default]
    Full,
}

impl Capture {
    /// All modes, from least to most.
    pub const ALL: [Self; 4] = [Self::None, Self::Usage, Self::Redacted, Self::Full];

    /// The narrower of two modes.
    #[must_use]
    pub fn narrowed_to(self, other: Self) -> Self {
        self.min(other)
    }

    /// The name in JSON, in headers and in the state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Usage => "usage",
            Self::Redacted => "redacted",
            Self::Full => "full",
        }
    }
}

impl FromStr for Capture {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_only_narrows() {
        assert_eq!(Capture::Usage.narrowed_to(Capture::Full), Capture::Usage);
        assert_eq!(Capture::Full.narrowed_to(Capture::None), Capture::None);
        for mode in Capture::ALL {
            assert_eq!(mode.as_str().parse(), Ok(mode));
            assert!(mode.narrowed_to(Capture::None) <= mode);
        }
    }
}
