//! Sentence embeddings against reference vectors: those of the models' own runtimes.

use serde_json::{Value, json};

use crate::harness::{Running, model_file};

/// Starts an embedding model.
async fn start(name: &str, prefixes: Option<(&str, &str)>) -> Running {
    let running = Running::launch(model_file(name, &format!("{name}.gguf")), |options| {
        options.embeddings = true;
        options.query_prefix = prefixes.map(|(query, _)| query.to_owned());
        options.passage_prefix = prefixes.map(|(_, passage)| passage.to_owned());
    });
    running.ready().await;
    running
}

fn references(name: &str) -> Vec<Value> {
    let path = format!("{}/../weights/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the reference vectors");
    let all: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let with_vectors: Vec<Value> = all.into_iter().filter(|reference| reference["embedding"].is_array()).collect();
    assert!(with_vectors.len() > 2);
    with_vectors
}

fn vector(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn cosine_between(one: &[f64], other: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
}

/// All reference texts in one request, so that they share batches; the smallest cosine to the reference.
async fn smallest_cosine(engine: &Running, name: &str) -> f64 {
    let references = references(name);
    let texts: Vec<&Value> = references.iter().map(|reference| &reference["text"]).collect();
    let reply = engine.post("/v1/embeddings", json!({"model": name, "input": texts})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let data = reply.body["data"].as_array().expect("data");
    assert_eq!(data.len(), references.len());
    let tokens: usize = references.iter().map(|reference| reference["ids"].as_array().expect("ids").len()).sum();
    assert_eq!(reply.body["usage"]["prompt_tokens"], tokens);
    let cosines = references.iter().zip(data).map(|(reference, entry)| {
        let own = vector(&entry["embedding"]);
        assert!((own.iter().map(|value| value * value).sum::<f64>() - 1.0).abs() < 1e-4);
        cosine_between(&own, &vector(&reference["embedding"]))
    });
    cosines.fold(1.0, f64::min)
}

#[tokio::test(flavor = "multi_thread")]
async fn minilm_gives_its_reference_vectors() {
    let name = "all-minilm-l6-v2";
    let engine = start(name, None).await;
    let cosine = smallest_cosine(&engine, name).await;
    assert!(cosine > 0.9999, "{cosine}");
    let refused = engine.post("/v1/embeddings", json!({"model": name, "input": "word ".repeat(600)})).await;
    assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("context_length_exceeded")));
    let refused = engine
        .post("/v1/chat/completions", json!({"model": name, "messages": [{"role": "user", "content": "a"}]}))
        .await;
    assert_eq!((refused.status, refused.body["error"]["param"].as_str()), (400, Some("model")));
    let refused = engine.post("/v1/embeddings", json!({"model": name, "input": "a", "dimensions": 7})).await;
    assert_eq!((refused.status, refused.body["error"]["param"].as_str()), (400, Some("dimensions")));
}

#[tokio::test(flavor = "multi_thread")]
async fn e5_gives_its_reference_vectors_with_the_prefix_of_each_kind() {
    let name = "multilingual-e5-small-q4";
    let engine = start(name, None).await;
    let cosine = smallest_cosine(&engine, name).await;
    assert!(cosine > 0.995, "{cosine}");
    let props = engine.get("/props").await.body;
    assert_eq!((&props["embedding_dimensions"], &props["context_length"]), (&json!(384), &json!(512)));

    let prefixed = start(name, Some(("query: ", "passage: "))).await;
    let embed = async |engine: &Running, body: Value| {
        let reply = engine.post("/v1/embeddings", body).await.body;
        vector(&reply["data"][0]["embedding"])
    };
    let query = embed(&prefixed, json!({"model": name, "input": "where is it", "input_type": "query"})).await;
    let by_hand = embed(&engine, json!({"model": name, "input": "query: where is it"})).await;
    let passage = embed(&prefixed, json!({"model": name, "input": "where is it", "input_type": "passage"})).await;
    assert!(cosine_between(&query, &by_hand) > 0.99999 && cosine_between(&query, &passage) < 0.999);
    // Base64 carries the same numbers.
    let body = json!({"model": name, "input": ["where is it"], "input_type": "query", "encoding_format": "base64"});
    let reply = prefixed.post("/v1/embeddings", body).await.body;
    let encoded: wire::embedding::EmbeddingResponse = serde_json::from_value(reply).expect("the shape");
    let decoded = encoded.data[0].embedding.clone().decode().expect("floats");
    assert!(decoded.iter().zip(&query).all(|(one, other)| (f64::from(*one) - other).abs() < 1e-6));
}
