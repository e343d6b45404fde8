//! Exports of Slack: conversations, whose they are, zipped and not.

use knowledge::source::Source;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::build::package;
use super::scratch::Scratch;
use super::{has_flaw, later, lists, read, text};

fn files() -> Vec<(&'static str, Value)> {
    let said = |text: &str| json!([{"type": "message", "user": "U1", "ts": "1767254400.000100", "text": text}]);
    vec![
        (
            "users.json",
            json!([
                {"id": "U1", "name": "ada", "profile": {"real_name": "Ada", "email": "ADA@x.org"}},
                {"id": "U2", "name": "bob", "profile": {"email": "bob@x.org"}},
                {"id": "U3", "name": "robot", "profile": {}},
            ]),
        ),
        (
            "channels.json",
            json!([{"id": "C1", "name": "general", "members": ["U1", "U2", "U3"]}, {"id": "C2", "name": "odd"}]),
        ),
        ("groups.json", json!([{"id": "G1", "name": "private", "members": ["U1"]}])),
        ("dms.json", json!([{"id": "D1", "members": ["U1", "U2"]}])),
        ("mpims.json", json!([{"id": "M1", "name": "mpdm-1", "members": ["U2", "U3", 7]}])),
        (
            "general/2026-01-01.json",
            json!([
                {"type": "message", "user": "U1", "ts": "1767254400.000100", "thread_ts": "1767254400.000100", "text": "Who?"},
                {"type": "message", "user": "U2", "ts": "1767254460.000100", "text": "hello <@U1>"},
            ]),
        ),
        (
            "general/2026-01-02.json",
            json!([
                {"type": "message", "user": "U2", "ts": "1767340800.000100", "thread_ts": "1767254400.000100", "text": "me"},
            ]),
        ),
        ("odd/2026-01-01.json", said("odd")),
        ("private/2026-01-01.json", said("private")),
        ("D1/2026-01-01.json", said("direct")),
        ("mpdm-1/2026-01-01.json", said("several")),
        ("stranger/2026-01-01.json", said("stranger")),
    ]
}

fn export(scratch: &Scratch, name: &str, people: &str) -> Source {
    let config = json!({"path": scratch.path().join(name), "people_source": "slack", "people": people});
    Source::from_settings("slack_export", config).unwrap()
}

fn write(scratch: &Scratch, files: &[(&str, Value)]) {
    for (name, value) in files {
        scratch.write(&format!("export/{name}"), value.to_string());
    }
    let parts: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, value)| (*name, value.to_string().into_bytes())).collect();
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    scratch.write("export.zip", package(&parts));
}

#[test]
fn members_of_a_conversation_see_it_and_nobody_else() {
    let scratch = Scratch::new();
    write(&scratch, &files());
    let unpacked = export(&scratch, "export", "id");
    let inventory = unpacked.list(later()).unwrap();
    let shown: Vec<String> = lists(&inventory).iter().map(|(id, list)| format!("{id}: {list}")).collect();
    assert_eq!(
        shown,
        [
            "C1/2026-01-01: U1 U2 U3",
            "C1/thread/1767254400.000100: U1 U2 U3",
            "C2/2026-01-01: Unknown ",
            "D1/2026-01-01: U1 U2",
            "G1/2026-01-01: U1",
            "M1/2026-01-01: Approximated U2 U3",
        ]
    );
    assert!(has_flaw(&inventory, "odd", "nobody") && has_flaw(&inventory, "stranger", "no list"));
    assert!(inventory.unlisted.is_empty());
    let zipped = export(&scratch, "export.zip", "id");
    assert_eq!(zipped.list(later()).unwrap(), inventory);
    let items = read(&zipped, &inventory);
    let thread = text(items["C1/thread/1767254400.000100"].as_ref().unwrap());
    assert_eq!(thread, "[2026-01-01 08:00] Ada: Who?\n[2026-01-02 08:00] bob: me");
    let direct = items["D1/2026-01-01"].as_ref().unwrap();
    assert_eq!(
        (direct.title.as_str(), text(direct).as_str()),
        ("Messages between Ada, bob, 2026-01-01", "[2026-01-01 08:00] Ada: direct")
    );
    assert_eq!(items, read(&unpacked, &inventory));
}

#[test]
fn members_may_be_known_by_address() {
    let scratch = Scratch::new();
    write(&scratch, &files());
    let inventory = export(&scratch, "export.zip", "email").list(later()).unwrap();
    let lists = lists(&inventory);
    assert_eq!(lists["C1/2026-01-01"], "Approximated ada@x.org bob@x.org");
    assert_eq!(lists["D1/2026-01-01"], "ada@x.org bob@x.org");
}

#[test]
fn what_cannot_be_read_is_not_gone() {
    let scratch = Scratch::new();
    write(&scratch, &files());
    scratch.write("export/general/2026-01-02.json", "[{");
    scratch.write("export/groups.json", "{}");
    let inventory = export(&scratch, "export", "id").list(later()).unwrap();
    assert!(
        has_flaw(&inventory, "general/2026-01-02.json", "line 1") && has_flaw(&inventory, "groups.json", "no list")
    );
    assert!(inventory.may_hold("G1/2026-01-01") && inventory.unlisted.contains(&"C1".to_owned()));
    assert!(lists(&inventory).contains_key("D1/2026-01-01") && !lists(&inventory).contains_key("G1/2026-01-01"));
}

#[test]
fn a_folder_that_two_conversations_claim_is_for_nobody() {
    let scratch = Scratch::new();
    let mut files = files();
    files[1].1 = json!([{"id": "C1", "name": "private", "members": ["U1", "U2"]}]);
    write(&scratch, &files);
    let inventory = export(&scratch, "export", "id").list(later()).unwrap();
    assert_eq!(lists(&inventory)["C1/2026-01-01"], "Unknown ");
}

#[test]
fn what_is_no_export_is_refused() {
    let scratch = Scratch::new();
    scratch.write("export/users.json", "[]");
    scratch.write("export.zip", "PK no zip");
    assert!(export(&scratch, "export", "id").list(later()).is_err());
    assert!(export(&scratch, "export.zip", "id").list(later()).is_err());
    assert!(export(&scratch, "nowhere", "id").list(later()).is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!("U1")),
        Just(json!("C1")),
        Just(json!("1.0")),
        any::<i32>().prop_map(|n| json!(n))
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let keys = prop_oneof!["id", "name", "members", "ts", "text", "thread_ts", "user", "type", "profile", "files"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((keys, inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_json_is_an_export_and_shows_nobody_what_they_are_no_member_of(
        users in any_json(), channels in any_json(), day in any_json(), members in any_json(),
    ) {
        let scratch = Scratch::new();
        let named = members.as_array().is_some_and(|members| members.iter().any(|member| member == "U1"));
        write(&scratch, &[
            ("users.json", users),
            ("groups.json", channels),
            ("channels.json", json!([{"id": "X1", "name": "x", "members": members}])),
            ("x/2026-01-01.json", json!([day, {"ts": "5.0", "text": "said"}])),
        ]);
        let source = export(&scratch, "export", "id");
        let inventory = source.list(later()).unwrap();
        let items = read(&source, &inventory);
        prop_assert!(items.values().all(Result::is_ok));
        for (id, list) in lists(&inventory).iter().filter(|(id, _)| id.starts_with("X1/")) {
            prop_assert!(named || !list.contains("U1"), "{} {}", id, list);
        }
    }
}
