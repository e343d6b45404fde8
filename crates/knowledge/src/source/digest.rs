//! What names bytes: versions of messages and conversations, ids of mails that have none. The first half of SHA-256.

use sha2::{Digest as _, Sha256};

/// A digest in the making.
#[derive(Debug, Clone, Default)]
pub(super) struct Digest(Sha256);

impl Digest {
    /// The digest of some bytes, 32 hex digits.
    pub(super) fn of(bytes: &[u8]) -> String {
        let mut digest = Self::default();
        digest.add(bytes);
        digest.short()
    }

    /// Goes on with more bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The first 128 bits, 32 hex digits.
    pub(super) fn short(self) -> String {
        self.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_half_of_the_standards_example() {
        assert_eq!(Digest::of(b"abc"), "ba7816bf8f01cfea414140de5dae2223");
    }
}
