//! Prefix reuse: never across labels, never changing an answer, and once for requests that come together.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Running, began_alike, choices, words};

/// About 400 tokens of instructions.
fn instructions() -> String {
    let rule =
        |number: u32| format!("Rule {number}: when somebody asks about matter {number}, answer calmly and briefly. ");
    (0..20).map(rule).collect()
}

fn ask(question: &str, labels: &Value) -> Value {
    json!({
        "model": "m", "temperature": 0, "max_tokens": 8, "logprobs": true, "top_logprobs": 8, "engine": {"labels": labels},
        "messages": [{"role": "system", "content": instructions()}, {"role": "user", "content": question}],
    })
}

fn cached(reply: &Value) -> u64 {
    reply["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_prefix_changes_nothing_but_the_time() {
    let engine = Running::start(|_| ()).await;
    let cold = engine.chat(ask("What is matter 3?", &json!(["public:t", "ada"]))).await;
    assert_eq!(cached(&cold), 0);
    // Another person shares the task's instructions and nothing of the words.
    let other = engine.chat(ask("What is matter 3?", &json!(["public:t", "bob"]))).await;
    assert!((300..500).contains(&cached(&other)), "{other}");
    assert!(began_alike(&other, &cold), "{other} {cold}");
    // The same person shares both, but for the last token.
    let again = engine.chat(ask("What is matter 3?", &json!(["public:t", "ada"]))).await;
    assert_eq!(cached(&again) + 1, again["usage"]["prompt_tokens"].as_u64().expect("a number"));
    assert!(began_alike(&again, &cold), "{again} {cold}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_equal_label_nothing_is_shared() {
    let engine = Running::start(|_| ()).await;
    engine.chat(ask("What is matter 3?", &json!(["public:t", "ada"]))).await;
    for labels in [json!(["public:u", "ada"]), json!([null, "ada"]), json!([])] {
        assert_eq!(cached(&engine.chat(ask("What is matter 3?", &labels)).await), 0, "{labels}");
    }
    // Nor later with what was never labelled.
    assert_eq!(cached(&engine.chat(ask("What is matter 3?", &json!([]))).await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_together_compute_their_common_beginning_once() {
    let engine = Running::start(|options| options.slots = Some(8)).await;
    let questions: Vec<String> = (0..8).map(|number| format!("What is matter {number}?")).collect();
    let together =
        join_all(questions.iter().map(|question| engine.chat(ask(question, &json!(["public:t", "ada"]))))).await;
    let shared = together.iter().filter(|reply| cached(reply) > 300).count();
    assert_eq!(shared, 7, "{:?}", together.iter().map(cached).collect::<Vec<_>>());
    let fresh = Running::start(|_| ()).await;
    for (question, reply) in questions.iter().zip(&together).take(3) {
        assert!(began_alike(&fresh.chat(ask(question, &json!([]))).await, reply), "{question} {reply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_from_its_own_cache() {
    let engine = Running::start(|_| ()).await;
    let mut body = ask("Tell me about matter 5.", &json!(["public:t", "ada", "ada", "ada"]));
    body["max_tokens"] = json!(24);
    let first = engine.chat(body.clone()).await;
    let turns = body["messages"].as_array_mut().expect("messages");
    turns.push(json!({"role": "assistant", "content": words(&first)}));
    turns.push(json!({"role": "user", "content": "And matter 6?"}));
    let second = engine.chat(body).await;
    let before = first["usage"]["total_tokens"].as_u64().expect("a number");
    // All of the first turn, the answer included; the text of an answer may be cut into other tokens at its end.
    assert!(cached(&second) + 4 >= before, "{} of {before}", cached(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_cache_is_short_answers_wait_and_stay_right() {
    let small = |options: &mut engine::EngineOptions| {
        options.slots = Some(3);
        options.context = Some(256);
        options.cells = Some(512);
    };
    let engine = Running::start(small).await;
    let ask = |number: u32| {
        json!({
            "model": "m", "temperature": 0, "max_tokens": 180, "logprobs": true,
            "engine": {"ignore_eos": true, "labels": ["ada"]},
            "messages": [{"role": "user", "content": format!("Story number {number}.")}],
        })
    };
    // Three answers of 220 tokens each do not fit 512 cells together: one is sent back and computed anew.
    let together = join_all((0..3).map(|number| engine.chat(ask(number)))).await;
    for (number, reply) in (0..3).zip(&together) {
        assert_eq!(reply["usage"]["completion_tokens"], 180);
        let messages = ask(number)["messages"].clone();
        let prompt = engine.post("/render", json!({"messages": messages})).await.body["tokens"].clone();
        let continuation = engine.post("/tokenize", json!({"text": words(reply)})).await.body["tokens"].clone();
        let score = engine.post("/score", json!({"prompt": prompt, "continuation": continuation})).await.body;
        let scored: Vec<f64> =
            score["logprobs"].as_array().expect("numbers").iter().filter_map(Value::as_f64).collect();
        let own = choices(reply);
        // Where the answer's tokens are those of its text, every state it was written from must be right.
        if scored.len() == own.len() {
            for (place, ((token, logprob), again)) in own.iter().zip(&scored).enumerate() {
                assert!((logprob - again).abs() < 0.35, "token {place} {token:?}: {logprob} against {again}");
            }
        }
        let mean = |numbers: &mut dyn Iterator<Item = f64>| numbers.sum::<f64>() / 180.0;
        let (own, again) = (mean(&mut own.iter().map(|choice| choice.1)), mean(&mut scored.into_iter()));
        assert!((own - again).abs() < 0.1, "answer {number}: {own} against {again}");
    }
}
