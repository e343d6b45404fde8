//! Ids of answers and of function calls, and seeds: numbers nobody can foretell.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::Timestamp;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A random number: SipHash under keys that the standard library draws from the system.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}

/// `prefix` and 24 random letters and digits.
pub(crate) fn id(prefix: &str) -> String {
    format!("{prefix}{}", letters(24))
}

/// Random letters and digits.
pub(crate) fn letters(count: usize) -> String {
    let mut state = 0;
    let letter = |place: usize| {
        if place.is_multiple_of(8) {
            state = random();
        }
        let digit = usize::try_from(state % 62).unwrap_or(0);
        state /= 62;
        char::from(LETTERS[digit])
    };
    (0..count).map(letter).collect()
}

/// Now, in Unix seconds.
pub(crate) fn now() -> i64 {
    since_epoch().map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Now, for templates that print the date.
pub(crate) fn timestamp() -> Timestamp {
    Timestamp::from_micros(since_epoch().map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX)))
}

fn since_epoch() -> Option<Duration> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_have_their_length() {
        let (one, two) = (id("call_"), id("call_"));
        assert_ne!(one, two);
        assert_eq!(one.len(), "call_".len() + 24);
        assert!(letters(9).chars().all(|letter| letter.is_ascii_alphanumeric()));
    }
}
