//! How far a pull, an import or a verification is.

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Asking an index where the file is.
    Locating,
    /// Transferring bytes.
    Fetching,
    /// Taking the model out of what carries it.
    Extracting,
    /// Hashing.
    Verifying,
    /// Writing it in the form an engine loads.
    Converting,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Which part of the file, from 1.
    pub part: usize,
    /// How many parts there are.
    pub parts: usize,
    /// Bytes of this part that are done.
    pub bytes_done: u64,
    /// Bytes of this part, where known.
    pub bytes_total: Option<u64>,
}

impl Progress {
    /// Progress on something in one part.
    #[must_use]
    pub const fn new(stage: Stage, bytes_done: u64, bytes_total: Option<u64>) -> Self {
        Self { stage, part: 1, parts: 1, bytes_done, bytes_total }
    }

    /// How much of this stage is done, over all parts, from 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        let of_part = match self.bytes_total {
            Some(total) if total > 0 => self.bytes_done.min(total) as f64 / total as f64,
            _ => 0.0,
        };
        ((self.part.max(1) - 1) as f64 + of_part) / self.parts.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up() {
        let at =
            |part, done| Progress { stage: Stage::Fetching, part, parts: 4, bytes_done: done, bytes_total: Some(10) };
        assert_eq!(
            [at(1, 0).fraction(), at(1, 10).fraction(), at(3, 5).fraction(), at(4, 99).fraction()],
            [0.0, 0.25, 0.625, 1.0]
        );
        assert_eq!(Progress::new(Stage::Locating, 5, None).fraction(), 0.0);
    }
}
