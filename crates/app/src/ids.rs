//! Ids and secrets come from here, so that tests can fix them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use uuid::Uuid;

/// Makes UUIDv7 ids and 256-bit secrets, from the system's randomness or, in tests, from a seed.
#[derive(Debug)]
pub struct Ids {
    seeded: Option<AtomicU64>,
    last: Mutex<(i64, u16)>,
}

impl Ids {
    /// From the system's randomness.
    #[must_use]
    pub const fn random() -> Self {
        Self { seeded: None, last: Mutex::new((0, 0)) }
    }

    /// The same ids in every run: for tests.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { seeded: Some(AtomicU64::new(seed)), last: Mutex::new((0, 0)) }
    }

    /// A UUIDv7 (RFC 9562): milliseconds, a counter within the millisecond so that ids sort by creation, then
    /// 62 random bits.
    #[must_use]
    pub fn uuid(&self, now: Timestamp) -> Uuid {
        let (millis, counter) = self.tick(now.micros().max(0) / 1000);
        let mut bytes = [0_u8; 16];
        self.fill(&mut bytes[8..]);
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6] = 0x70 | (counter >> 8) as u8 & 0x0f;
        bytes[7] = (counter & 0xff) as u8;
        bytes[8] = 0x80 | bytes[8] & 0x3f;
        Uuid::from_bytes(bytes)
    }

    /// 256 random bits as 43 characters of base64url.
    #[must_use]
    pub fn secret(&self) -> String {
        let mut bytes = [0_u8; 32];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Never goes back: a clock that does keeps the last millisecond and counts on.
    fn tick(&self, millis: i64) -> (i64, u16) {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = match *last {
            (then, _) if millis > then => (millis, 0),
            (then, 0x0fff) => (then + 1, 0),
            (then, counter) => (then, counter + 1),
        };
        *last
    }

    fn fill(&self, bytes: &mut [u8]) {
        match &self.seeded {
            Some(state) => fill_seeded(state, bytes),
            // The system's randomness fails only before boot is done; going on without it would make guessable keys.
            None => getrandom::fill(bytes).unwrap_or_else(|_| std::process::abort()),
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn fill_seeded(state: &AtomicU64, bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(8) {
        let mut word = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_creation_even_when_the_clock_stands_or_goes_back() {
        let ids = Ids::random();
        let times = [5_000, 5_000, 5_999, 4_000, 9_000];
        let made: Vec<Uuid> = times.iter().map(|micros| ids.uuid(Timestamp::from_micros(*micros))).collect();
        assert!(made.is_sorted());
        let many: Vec<Uuid> = (0..10_000).map(|_| ids.uuid(Timestamp::from_micros(9_000))).collect();
        assert!(many.is_sorted_by(|a, b| a < b));
        assert_eq!(many[0].get_version_num(), 7);
    }

    #[test]
    fn secrets_have_256_bits_and_a_seed_repeats_them() {
        assert_eq!(Ids::random().secret().len(), 43);
        assert_ne!(Ids::random().secret(), Ids::random().secret());
        assert_eq!(Ids::seeded(1).secret(), Ids::seeded(1).secret());
    }
}
