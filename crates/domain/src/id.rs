//! Ids: a UUIDv7 behind a prefix that says what it names, `per_0192...` with 32 lower-case hex digits.
//!
//! An id is never reused. UUIDv7 begins with the time, so ids sort by creation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not an id of this kind: expected '{prefix}' and 32 hex digits")]
pub struct IdError {
    /// The text that was given, cut to 64 characters.
    pub text: String,
    /// The prefix that ids of this kind carry, underscore included.
    pub prefix: &'static str,
}

fn parse(text: &str, prefix: &'static str) -> Result<Uuid, IdError> {
    let wrong = || IdError { text: text.chars().take(64).collect(), prefix };
    let hex = text.strip_prefix(prefix).ok_or_else(wrong)?;
    let lower = hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if hex.len() != 32 || !lower {
        return Err(wrong());
    }
    Uuid::try_parse(hex).map_err(|_| wrong())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of this kind of id, underscore included.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID; new ones come from `App`'s id source, which makes UUIDv7.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }

            /// The UUID behind the prefix.
            #[must_use]
            pub const fn uuid(self) -> Uuid { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = Uuid::encode_buffer();
                f.write_str($prefix)?;
                f.write_str(self.0.simple().encode_lower(&mut buffer))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> { parse(text, $prefix).map(Self) }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A human.
    PersonId "per_";
    /// People and groups.
    GroupId "grp_";
    /// An application or agent with a key of its own.
    ServiceId "svc_";
    /// An API key (not its secret).
    KeyId "key_";
    /// A one-time sign-in link.
    LinkId "lnk_";
    /// Where documents come from.
    SourceId "src_";
    /// A document.
    DocumentId "doc_";
    /// One recorded exchange.
    TraceId "trc_";
    /// One recorded answer to who may do what.
    DecisionId "dec_";
    /// A rating, correction, outcome or comment on a trace.
    FeedbackId "fbk_";
    /// A named job for a model.
    TaskId "tsk_";
    /// A conversation kept here.
    ConversationId "cnv_";
    /// A stored reply of the Responses API.
    ResponseId "resp_";
    /// A dataset.
    DatasetId "dst_";
    /// A training run.
    RunId "run_";
    /// An adapter, a linear head or a cascade.
    AdapterId "adp_";
    /// An evaluation report.
    ReportId "rpt_";
    /// A background job.
    JobId "job_";
    /// A break-glass: asked for by one person, agreed to by another.
    BreakGlassId "brk_";
    /// An erasure.
    ErasureId "era_";
    /// A server that answers for models: the embedded engine or an outside one.
    UpstreamId "ups_";
    /// One HTTP request, for logs and error envelopes.
    RequestId "req_";
}

impl ServiceId {
    /// The service of this installation that indexes documents. It has no key: nobody can ask as it.
    pub const INDEXER: Self = Self(Uuid::nil());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_reads_back_and_names_its_kind() {
        let id = PersonId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string(), "per_00000000000000000000000000000007");
        assert_eq!(id.to_string().parse(), Ok(id));
        let error = id.to_string().parse::<GroupId>().unwrap_err();
        assert_eq!(error.prefix, "grp_");
    }

    #[test]
    fn one_id_has_one_spelling() {
        for text in [
            "per_0000000000000000000000000000000A",
            "per_00000000-0000-0000-0000-00000000000a",
            "per_",
            "",
            "per_0000000000000000000000000000000g",
        ] {
            assert!(text.parse::<PersonId>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_id_or_an_error(text in ".{0,80}") {
            if let Ok(id) = text.parse::<TraceId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn every_uuid_reads_back(bits: u128) {
            let id = KeyId::from_uuid(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<KeyId>(&json).unwrap(), id);
        }
    }
}
