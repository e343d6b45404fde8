//! Answers: repeatable, streamed as they are whole, ended where they must end.

use serde_json::{Value, json};

use crate::harness::{Running, began_alike, greedy, streamed, words};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_the_same_whole_streamed_and_beside_others() {
    let engine = Running::start(|_| ()).await;
    let mut question = greedy("What is the capital of France?", 24);
    question["logprobs"] = json!(true);
    question["top_logprobs"] = json!(5);
    let alone = engine.chat(question.clone()).await;
    assert!(words(&alone).len() > 20, "{alone}");
    let events = engine.stream(question.clone()).await;
    assert_eq!(streamed(&events, 0), words(&alone));
    let others = ["Tell a story.", "Count to ten.", "What is a cat?"].map(|other| engine.chat(greedy(other, 24)));
    let (beside, _) = tokio::join!(engine.chat(question), futures::future::join_all(others));
    assert!(began_alike(&beside, &alone), "{beside} {alone}");
    engine.until("finished", |finished| finished == 6).await;
    engine.until("running", |running| running == 0).await;
    assert_eq!(engine.stats().await["waiting"], 0);
    engine.stop().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_repeats_an_answer() {
    let engine = Running::start(|_| ()).await;
    let ask = |seed: i64| {
        let mut body = greedy("Write about a bird.", 24);
        body["temperature"] = json!(1.2);
        body["top_p"] = json!(0.95);
        body["seed"] = json!(seed);
        body
    };
    let first = engine.chat(ask(7)).await;
    assert_eq!(words(&engine.chat(ask(7)).await), words(&first));
    assert_ne!(words(&engine.chat(ask(8)).await), words(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_string_ends_the_answer_and_no_part_of_it_is_sent() {
    let engine = Running::start(|_| ()).await;
    let mut body = greedy("Tell a story about a fox.", 40);
    let whole = engine.chat(body.clone()).await;
    let text = words(&whole).to_owned();
    // A stop string in the middle, that begins within a word and spans tokens.
    let start = text.char_indices().nth(30).expect("a long answer").0;
    let stop: String = text[start..].chars().take(9).collect();
    let expected = &text[..text.find(&stop).expect("it is there")];
    body["stop"] = json!([stop, "never in the answer"]);
    let stopped = engine.chat(body.clone()).await;
    assert_eq!(words(&stopped), expected);
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
    assert_eq!(streamed(&engine.stream(body).await, 0), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_answers_share_one_prompt() {
    let engine = Running::start(|_| ()).await;
    let mut body = greedy("Name an animal.", 12);
    body["n"] = json!(3);
    body["temperature"] = json!(1.5);
    body["seed"] = json!(3);
    body["stream_options"] = json!({"include_usage": true});
    let events = engine.stream(body.clone()).await;
    let answers: Vec<String> = (0..3).map(|index| streamed(&events, index)).collect();
    assert!(answers[0] != answers[1] && answers[1] != answers[2], "{answers:?}");
    let last = events.last().expect("events");
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"].as_u64().map(|tokens| tokens <= 36), Some(true));
    // The prompt was computed once: the others took all of it but the last token.
    let prompt = last["usage"]["prompt_tokens"].as_u64().expect("a number");
    assert_eq!(engine.stats().await["cache_hit_tokens"], 2 * (prompt - 1));
    body.as_object_mut().expect("an object").remove("stream_options");
    let whole = engine.chat(body).await;
    let choices = whole["choices"].as_array().expect("choices");
    let texts: Vec<&str> = choices.iter().map(|choice| choice["message"]["content"].as_str().expect("text")).collect();
    assert_eq!(texts, answers);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_length_are_kept_and_named() {
    let engine = Running::start(|_| ()).await;
    let mut body = greedy("Tell a long story.", 5);
    let short = engine.chat(body.clone()).await;
    assert_eq!(short["choices"][0]["finish_reason"], "length");
    assert_eq!(short["usage"]["completion_tokens"], 5);
    body["max_tokens"] = json!(60);
    body["engine"] = json!({"ignore_eos": true});
    let long = engine.chat(body).await;
    assert_eq!(long["usage"]["completion_tokens"], 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_probabilities_are_those_of_the_model_and_agree_with_scoring() {
    let engine = Running::start(|_| ()).await;
    let mut body = greedy("Say hello.", 10);
    body["logprobs"] = json!(true);
    body["top_logprobs"] = json!(3);
    // A bias changes the choice; the numbers stay those of the raw model.
    body["logit_bias"] = json!({"28": -100});
    let reply = engine.chat(body.clone()).await;
    let entries = reply["choices"][0]["logprobs"]["content"].as_array().expect("entries").clone();
    assert_eq!(entries.len() as u64, reply["usage"]["completion_tokens"].as_u64().expect("a number"));
    let text: String = entries.iter().map(|entry| entry["token"].as_str().expect("text")).collect();
    assert_eq!(text, words(&reply));
    for entry in &entries {
        let top: Vec<f64> = entry["top_logprobs"]
            .as_array()
            .expect("top")
            .iter()
            .map(|top| top["logprob"].as_f64().expect("a number"))
            .collect();
        assert!(top.len() == 3 && top.is_sorted_by(|a, b| a >= b) && entry["logprob"].as_f64() <= Some(top[0] + 1e-6));
    }
    let streamed: Vec<Value> = engine
        .stream(body)
        .await
        .iter()
        .flat_map(|event| event["choices"][0]["logprobs"]["content"].as_array().cloned().unwrap_or_default())
        .collect();
    assert_eq!(streamed, entries);

    let render = engine.post("/render", json!({"messages": [{"role": "user", "content": "Say hello."}]})).await.body;
    let continuation = engine.post("/tokenize", json!({"text": text})).await.body["tokens"].clone();
    let score = engine.post("/score", json!({"prompt": render["tokens"], "continuation": continuation})).await.body;
    assert_eq!(score["tokens"], continuation);
    let logprobs: Vec<f64> = score["logprobs"]
        .as_array()
        .expect("numbers")
        .iter()
        .map(|number| number.as_f64().expect("a number"))
        .collect();
    let own: Vec<f64> = entries.iter().map(|entry| entry["logprob"].as_f64().expect("a number")).collect();
    assert_eq!(logprobs.len(), own.len());
    for (scored, own) in logprobs.iter().zip(&own) {
        assert!((scored - own).abs() < 0.02, "{logprobs:?} against {own:?}");
    }
    assert!((score["sum"].as_f64().expect("a number") - logprobs.iter().sum::<f64>()).abs() < 1e-4);
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_that_span_tokens_arrive_whole() {
    let engine = Running::start(|_| ()).await;
    let text = "naïve 漢字 😀🎉 end";
    let mut body = greedy("Say it.", 60);
    body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "t", "schema": {"const": text}}});
    let events = engine.stream(body.clone()).await;
    let pieces: Vec<&str> =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert!(!pieces.concat().contains('\u{fffd}'), "{pieces:?}");
    assert_eq!(serde_json::from_str::<Value>(&pieces.concat()).expect("JSON"), json!(text));
    // More bytes than tokens' own characters: at least one emoji takes several tokens.
    let tokens = engine.post("/tokenize", json!({"text": "😀"})).await.body["count"].as_u64();
    assert!(tokens > Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_continue_text_and_tokens_alike() {
    let engine = Running::start(|_| ()).await;
    let body = json!({"model": "m", "prompt": "Once upon a time", "max_tokens": 8, "temperature": 0, "echo": true});
    let reply = engine.post("/v1/completions", body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let text = reply.body["choices"][0]["text"].as_str().expect("text");
    assert!(text.starts_with("Once upon a time") && text.len() > 20, "{text}");
    let tokens = engine.post("/tokenize", json!({"text": "Once upon a time"})).await.body["tokens"].clone();
    let body =
        json!({"model": "m", "prompt": [tokens, tokens], "max_tokens": 8, "temperature": 0, "logprobs": 2, "n": 2});
    let reply = engine.post("/v1/completions", body).await.body;
    let choices = reply["choices"].as_array().expect("choices");
    assert_eq!(choices.len(), 4);
    for (index, choice) in choices.iter().enumerate() {
        assert_eq!(choice["index"], index);
        assert_eq!(format!("Once upon a time{}", choice["text"].as_str().expect("text")), text);
        assert_eq!(choice["logprobs"]["tokens"].as_array().map(Vec::len), Some(8));
    }
}
