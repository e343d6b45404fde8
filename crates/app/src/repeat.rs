//! `Idempotency-Key`: a request that is sent again with the same key gets the object that the first one made.
//!
//! The low 62 bits of a new object's id, random otherwise, are a hash of who asks, what kind of object it is and the
//! key. A repeat finds the object by those bits under the same lock that makes new ones: no second record that could
//! disagree with the first, nothing to expire.

use domain::Principal;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::app::App;

/// The mark of a repeatable request, or of one that is not.
#[derive(Debug, Clone, Copy)]
pub struct Repeat(Option<[u8; 8]>);

impl Repeat {
    /// A request that makes an object of this kind (`person`, `key`, ...), with its `Idempotency-Key` if it has one.
    #[must_use]
    pub fn of(caller: Principal, kind: &str, key: Option<&str>) -> Self {
        Self(key.map(|key| {
            let hash = Sha256::digest(format!("{kind}\n{caller}\n{key}").as_bytes());
            let mut mark = [0; 8];
            mark.copy_from_slice(&hash[..8]);
            // The variant of RFC 9562 stands in the upper two bits.
            mark[0] = 0x80 | mark[0] & 0x3f;
            mark
        }))
    }

    /// A new id, with the mark if there is one.
    pub(crate) fn uuid(self, app: &App) -> Uuid {
        let mut bytes = app.ids.uuid(app.now()).into_bytes();
        if let Some(mark) = self.0 {
            bytes[8..].copy_from_slice(&mark);
        }
        Uuid::from_bytes(bytes)
    }

    /// The object that the first request made, if this is a repeat.
    pub(crate) fn find(self, mut made: impl Iterator<Item = Uuid>) -> Option<Uuid> {
        let mark = self.0?;
        made.find(|uuid| uuid.as_bytes()[8..] == mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::PersonId;

    fn caller(number: u128) -> Principal {
        Principal::Person(PersonId::from_uuid(Uuid::from_u128(number)))
    }

    #[test]
    fn only_the_same_caller_kind_and_key_repeat() {
        let mark = |caller, kind, key| Repeat::of(caller, kind, Some(key)).0.unwrap();
        let first = mark(caller(1), "person", "a");
        assert_eq!(first, mark(caller(1), "person", "a"));
        for other in [mark(caller(2), "person", "a"), mark(caller(1), "key", "a"), mark(caller(1), "person", "b")] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn without_a_key_nothing_is_a_repeat() {
        let made = [Uuid::from_u128(1), Uuid::from_u128(2)];
        assert_eq!(Repeat::of(caller(1), "person", None).find(made.into_iter()), None);
    }
}
