//! Lists in files of their own: `NAME.access.json` beside a file, `.access.json` for a folder and all below it.
//!
//! INVARIANT: bytes that are no list are no list at all: unknown, and never a part of what they may have meant.

use std::io;
use std::os::fd::AsFd;

use domain::{AccessList, AttributeValue, ListToken, Quality};
use serde::Deserialize;

use super::super::opening::{open_file, read_all};
use super::super::{MOST_TOKENS, Rights};

/// How names of lists end; files named so are no documents.
pub(super) const SUFFIX: &[u8] = b".access.json";
/// Bytes of such a file at most.
const MOST_BYTES: u64 = 8 << 20;
/// Bytes of a sensitivity or of a text in an attribute at most.
const MOST_TEXT_BYTES: usize = 2_048;

/// Such a file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sidecar {
    allow: Vec<ListToken>,
    #[serde(default)]
    deny: Vec<ListToken>,
    #[serde(default)]
    sensitivity: Option<String>,
    #[serde(default)]
    attributes: serde_json::Map<String, serde_json::Value>,
}

/// The rights that a file of this name says; none where there is no such file.
pub(super) fn read(folder: impl AsFd, name: &[u8]) -> Option<Result<Rights, String>> {
    let opened = match open_file(folder, name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        opened => opened,
    };
    let bytes = opened.and_then(|(file, _)| read_all(file, MOST_BYTES)).map_err(|error| error.to_string());
    Some(bytes.and_then(|bytes| parse(&bytes.ok_or_else(|| format!("more than {MOST_BYTES} bytes"))?)))
}

/// Rights that let nobody in, since nobody can say whom.
pub(super) fn unknown() -> Rights {
    let access = AccessList { quality: Quality::Unknown, ..AccessList::default() };
    Rights { access: Some(access), ..Rights::default() }
}

fn parse(bytes: &[u8]) -> Result<Rights, String> {
    let read: Result<Sidecar, _> = serde_json::from_slice(bytes);
    // The place only: the message may quote a name.
    let sidecar = read.map_err(|error| format!("line {}, column {}", error.line(), error.column()))?;
    let Sidecar { allow, deny, sensitivity, attributes } = sidecar;
    if allow.len() + deny.len() > MOST_TOKENS {
        return Err(format!("more than {MOST_TOKENS} entries"));
    }
    if sensitivity.as_ref().is_some_and(|text| text.len() > MOST_TEXT_BYTES || text.chars().any(char::is_control)) {
        return Err("its sensitivity".to_owned());
    }
    let typed = attributes.into_iter().map(|(name, value)| Ok((name, attribute(value)?)));
    let attributes = typed.collect::<Result<_, String>>()?;
    let list =
        AccessList { allow: allow.into_iter().collect(), deny: deny.into_iter().collect(), quality: Quality::Exact };
    Ok(Rights { access: Some(list), sensitivity, attributes })
}

fn attribute(value: serde_json::Value) -> Result<AttributeValue, String> {
    let texts = |value: &AttributeValue| match value {
        AttributeValue::String(text) => text.len() <= MOST_TEXT_BYTES,
        AttributeValue::SetOfString(all) => all.iter().all(|text| text.len() <= MOST_TEXT_BYTES),
        AttributeValue::Bool(_) | AttributeValue::Long(_) => true,
    };
    let typed = serde_json::from_value(value).ok().filter(texts);
    typed.ok_or_else(|| "an attribute that is no text, whole number, boolean or list of texts".to_owned())
}

#[cfg(test)]
mod tests {
    use domain::Token;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let full = br#"{"allow": ["everyone", {"source": "idp", "external_id": "7"}], "deny": [],
            "sensitivity": "high", "attributes": {"grade": 3, "units": ["a"]}}"#;
        let rights = parse(full).unwrap();
        assert_eq!(rights.access.unwrap().allow.len(), 2);
        assert_eq!((rights.sensitivity.as_deref(), rights.attributes.len()), (Some("high"), 2));
        assert_eq!(parse(br#"{"allow": []}"#).unwrap().access, Some(AccessList::default()));
        for damaged in [
            &b""[..],
            b"{}",
            b"null",
            br#"{"allow": ["somebody"]}"#,
            br#"{"allow": ["everyone"], "denny": ["grp_1"]}"#,
            br#"{"allow": ["everyone"], "deny": null}"#,
            br#"{"allow": ["everyone"], "deny": ["x"]}"#,
            br#"{"allow": [], "allow": ["everyone"]}"#,
            br#"{"allow": ["everyone"]} {"deny": []}"#,
            br#"{"allow": ["everyone"], "attributes": {"grade": 1.5}}"#,
            br#"{"allow": ["everyone"], "quality": "exact"}"#,
        ] {
            assert!(parse(damaged).is_err(), "{}", String::from_utf8_lossy(damaged));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list_that_says_all_of_it_or_none(
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..60),
                r#"\{?"?(allow|deny)?"?:? ?\[?"?(everyone|x)?"?\]?,?"?(deny|allow)"?: ?\[("everyone")?\]\}"#
                    .prop_map(String::into_bytes),
            ],
        ) {
            if let Ok(Rights { access: Some(list), .. }) = parse(&bytes) {
                let said: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                let everyone = |field: &str| {
                    let tokens = said.get(field).and_then(serde_json::Value::as_array);
                    tokens.is_some_and(|tokens| tokens.iter().any(|token| token == "everyone"))
                };
                prop_assert_eq!(list.allow.contains(&ListToken::Id(Token::Everyone)), everyone("allow"));
                prop_assert_eq!(list.deny.contains(&ListToken::Id(Token::Everyone)), everyone("deny"));
            }
        }
    }
}
