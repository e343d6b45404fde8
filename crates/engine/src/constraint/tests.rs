//! Grammars over the test model's real vocabulary.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::native::Model;

fn vocabulary() -> Arc<Vocabulary> {
    let folder = std::env::var_os("FREEHOLD__MODELS__DIR").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/freehold/models"),
        PathBuf::from,
    );
    let file = folder.join("smollm2-135m-instruct-q4_1/SmolLM2-135M-Instruct.Q4_1.gguf");
    let model = Model::load(&file, &mut |_| ()).expect("run `freehold models pull smollm2-135m-instruct-q4_1`");
    Arc::new(Vocabulary::new(&Arc::new(model)))
}

/// Feeds text as tokens; the text that was accepted.
fn feed(constraint: &mut Constraint, text: &str, vocabulary: &Vocabulary) -> String {
    let mut accepted = String::new();
    for token in vocabulary.tokenize(text, false, false) {
        let piece = String::from_utf8_lossy(vocabulary.answer_bytes(token)).into_owned();
        if constraint.is_active() {
            if !constraint.accept(token).expect("the grammar works") {
                break;
            }
        } else {
            assert_eq!(constraint.watch(&piece).as_deref().unwrap_or(""), "");
        }
        accepted.push_str(&piece);
    }
    accepted
}

#[test]
fn a_grammar_accepts_its_language_and_masks_the_rest() {
    let vocabulary = vocabulary();
    let grammars = Grammars::new(&vocabulary).expect("grammars");
    let schema = json!({"type": "object", "properties": {"a": {"enum": ["x", "yy"]}}, "required": ["a"], "additionalProperties": false});
    let fresh = || grammars.compile(&Grammar::json(&schema)).expect("it compiles");

    let mut constraint = fresh();
    let text = "{\n \"a\": \"yy\"}";
    assert_eq!(feed(&mut constraint, text, &vocabulary), text);
    assert!(constraint.is_complete());
    // No text may follow, and what ends an answer is not text.
    assert!(feed(&mut fresh(), "{\"a\": \"z", &vocabulary).len() < 8);
    let end = vocabulary.ending_tokens()[0];
    assert!(!fresh().accept(end).expect("the grammar works"));

    let mut constraint = fresh();
    feed(&mut constraint, "{\"a\": \"", &vocabulary);
    let mut logits = vec![1.0; vocabulary.len()];
    constraint.mask(&mut logits).expect("the grammar works");
    let allowed: Vec<&[u8]> =
        (0..).zip(&logits).filter(|(_, logit)| **logit > 0.0).map(|(token, _)| vocabulary.bytes(token)).collect();
    assert!(!allowed.is_empty());
    let fits = |bytes: &&[u8]| [&b"x\"}"[..], b"yy\"}"].iter().any(|rest| rest.starts_with(bytes));
    // Whitespace may follow the closing quote.
    assert!(allowed.iter().all(|bytes| fits(bytes) || bytes.contains(&b'"')), "{allowed:?}");
}

#[test]
fn a_grammar_with_a_trigger_binds_what_follows_it_again_and_again() {
    let vocabulary = vocabulary();
    let grammars = Grammars::new(&vocabulary).expect("grammars");
    let rules = format!(
        "start: call \"</tool_call>\"\ncall: {}\n",
        function_call(
            "f",
            "arguments",
            &json!({"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": false})
        )
    );
    let grammar = |repeats| Grammar::after("<tool_call>", rules.clone(), repeats);
    let call = "{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>";

    let mut constraint = grammars.compile(&grammar(true)).expect("it compiles");
    for _ in 0..2 {
        assert!(!constraint.is_active());
        feed(&mut constraint, "Let me see. <tool_call>", &vocabulary);
        assert!(constraint.is_active());
        assert_eq!(feed(&mut constraint, call, &vocabulary), call);
        assert!(!constraint.is_complete());
    }
    let mut constraint = grammars.compile(&grammar(false)).expect("it compiles");
    feed(&mut constraint, "<tool_call>", &vocabulary);
    assert!(feed(&mut constraint, "{\"name\": \"g\"", &vocabulary).len() < 11);
    assert_eq!(feed(&mut constraint, "", &vocabulary), "");
    let mut constraint = grammars.compile(&grammar(false)).expect("it compiles");
    feed(&mut constraint, "<tool_call>", &vocabulary);
    feed(&mut constraint, call, &vocabulary);
    assert!(constraint.is_complete());
}

#[test]
fn formats_that_are_promised_are_known_to_the_compiler() {
    let grammars = Grammars::new(&vocabulary()).expect("grammars");
    for format in ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"] {
        let schema = enforceable(&json!({"type": "string", "format": format})).expect("it can be enforced");
        assert!(grammars.compile(&Grammar::json(&schema)).is_ok(), "{format}");
    }
}
