//! Nothing is ignored: every place of every request is bent in every way, and the answer names the place.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire::chat::ChatRequest;
use wire::completion::CompletionRequest;
use wire::conversation::ConversationRequest;
use wire::embedding::EmbeddingRequest;
use wire::response::ResponseRequest;
use wire::strict::{self, InvalidParameter, Request};

use super::bodies;

/// Runs a check for every request type on its fullest body.
macro_rules! for_every_request {
    ($check:ident) => {
        $check::<ChatRequest>(bodies::chat());
        $check::<CompletionRequest>(bodies::completion());
        $check::<EmbeddingRequest>(bodies::embedding());
        $check::<ResponseRequest>(bodies::response());
        $check::<ConversationRequest>(bodies::conversation());
    };
}

fn read<T: Request + Debug>(body: &Value) -> Result<T, InvalidParameter> {
    strict::read(body.to_string().as_bytes())
}

/// Keys below these are the client's own.
fn is_free(path: &str) -> bool {
    let free = ["metadata", "logit_bias", "parameters", "schema", "annotations"];
    path.split('.').any(|segment| free.contains(&segment))
}

/// JSON pointers and paths of all objects whose fields are fixed.
fn objects(value: &Value, pointer: &str, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) if !is_free(path) => {
            found.push((pointer.to_owned(), path.to_owned()));
            for (name, inner) in fields {
                let inner_path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                objects(inner, &format!("{pointer}/{name}"), &inner_path, found);
            }
        }
        Value::Array(elements) => {
            for (index, inner) in elements.iter().enumerate() {
                objects(inner, &format!("{pointer}/{index}"), &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

fn all_objects(body: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    objects(body, "", "", &mut found);
    found
}

fn field(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[test]
fn the_fullest_requests_are_taken_and_written_as_they_came() {
    fn check<T: Request + Debug + Serialize>(body: Value) {
        let request: T = read(&body).unwrap();
        assert_eq!(serde_json::to_value(&request).unwrap(), body);
    }
    for_every_request!(check);
}

#[test]
fn an_unknown_field_anywhere_is_named_by_its_path() {
    fn check<T: Request + Debug>(body: Value) {
        for (pointer, path) in all_objects(&body) {
            for value in [json!(1), json!(null), json!({"a": [1]})] {
                let mut bent = body.clone();
                bent.pointer_mut(&pointer).unwrap()["surprise"] = value;
                let error = read::<T>(&bent).unwrap_err();
                assert_eq!(error.code, "unknown_parameter", "{bent}");
                assert_eq!(error.param, Some(field(&path, "surprise")));
            }
        }
    }
    for_every_request!(check);
}

#[test]
fn a_doubled_field_anywhere_is_named_by_its_path() {
    fn check<T: Request + Debug>(body: Value) {
        for (pointer, path) in all_objects(&body) {
            for (name, value) in body.pointer(&pointer).unwrap().as_object().unwrap() {
                // A marker that a text replacement turns into the same field once more.
                let mut bent = body.clone();
                bent.pointer_mut(&pointer).unwrap()["surprise"] = value.clone();
                let text = bent.to_string().replace("\"surprise\":", &format!("{}:", json!(name)));
                let error = strict::parse::<T>(text.as_bytes()).unwrap_err();
                assert_eq!(error.param, Some(field(&path, name)), "{text}");
                assert!(error.message.contains("given twice"), "{}", error.message);
            }
        }
    }
    for_every_request!(check);
}

#[test]
fn an_array_is_never_taken_for_an_object() {
    fn check<T: Request + Debug>(body: Value) {
        for (pointer, _) in all_objects(&body) {
            let mut bent = body.clone();
            let place = bent.pointer_mut(&pointer).unwrap();
            *place = place.as_object().unwrap().values().cloned().collect();
            assert!(read::<T>(&bent).is_err(), "{pointer}");
        }
    }
    for_every_request!(check);
}

#[test]
fn null_means_absent_for_whatever_may_be_absent() {
    fn check<T: Request + Debug + Serialize>(body: Value) {
        for name in body.as_object().unwrap().keys() {
            let (mut without, mut null) = (body.clone(), body.clone());
            without.as_object_mut().unwrap().shift_remove(name);
            null[name] = Value::Null;
            if let Ok(request) = read::<T>(&without) {
                let same: T = read(&null).unwrap();
                assert_eq!(serde_json::to_value(same).unwrap(), serde_json::to_value(request).unwrap(), "{name}");
            } else {
                let error = read::<T>(&null).unwrap_err();
                assert!(error.param.is_some(), "{name}");
            }
        }
    }
    for_every_request!(check);
}

#[test]
fn a_wrong_type_anywhere_is_named_by_its_path() {
    fn check<T: Request + Debug>(body: Value) {
        for (pointer, path) in all_objects(&body) {
            for name in body.pointer(&pointer).unwrap().as_object().unwrap().keys() {
                let place = field(&path, name);
                // Everything fits where a client may put what it likes.
                if is_free(&place) {
                    continue;
                }
                let mut bent = body.clone();
                bent.pointer_mut(&pointer).unwrap()[name] = json!([[[true]]]);
                let error = read::<T>(&bent).unwrap_err();
                let param = error.param.unwrap();
                assert!(param.starts_with(&place), "{param} is not at {place}: {}", error.message);
            }
        }
    }
    for_every_request!(check);
}

#[test]
fn what_the_client_sent_is_not_repeated_in_the_message() {
    let mut body = bodies::chat();
    body["temperature"] = json!("my secret words");
    let error = read::<ChatRequest>(&body).unwrap_err();
    assert!(!error.message.contains("secret"), "{}", error.message);
    body["temperature"] = json!(1);
    body["service_tier"] = json!("my secret words");
    let error = read::<ChatRequest>(&body).unwrap_err();
    assert!(!error.message.contains("secret"), "{}", error.message);
}

#[test]
fn schemas_keep_the_order_of_their_keys() {
    let request: ChatRequest = read(&bodies::chat()).unwrap();
    let schema = request.tools()[0].function.parameters.as_ref().unwrap();
    assert_eq!(schema.to_string(), r#"{"type":"object","properties":{"z":{},"a":{}}}"#);
}

#[test]
fn the_same_types_read_an_upstreams_words_leniently() {
    let mut body = bodies::chat();
    body["surprise"] = json!(1);
    body["messages"][0]["surprise"] = json!(1);
    assert!(serde_json::from_value::<ChatRequest>(body).is_ok());
}

/// Choices as the configuration of an upstream has them.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Place {
    Here,
    There { url: String },
    Near(Vec<u8>),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Visit {
    place: Place,
}

#[test]
fn a_choice_is_a_word_or_an_object_with_what_belongs_to_it() {
    let place = |text: &str| wire::strict::parse::<Visit>(format!("{{\"place\": {text}}}").as_bytes());
    assert_eq!(place(r#""here""#).unwrap().place, Place::Here);
    assert_eq!(place(r#"{"there": {"url": "x"}}"#).unwrap().place, Place::There { url: "x".to_owned() });
    assert_eq!(place(r#"{"near": [1, 2]}"#).unwrap().place, Place::Near(vec![1, 2]));
    for (wrong, at) in [
        (r#"{"here": null}"#, "place"),
        (r#""there""#, "place"),
        (r#"{}"#, "place"),
        (r#"{"there": {"url": "x"}, "near": []}"#, "place"),
        (r#"{"elsewhere": {}}"#, "place"),
        (r#"{"there": {"url": "x", "port": 1}}"#, "place.there"),
        (r#"{"there": {"url": 1}}"#, "place.there.url"),
        (r#"{"near": [1, "2"]}"#, "place.near[1]"),
        ("4", "place"),
    ] {
        let error = place(wrong).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(at), "{wrong}: {}", error.message);
    }
}
