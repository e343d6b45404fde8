//! Adapters: loaded, chosen per request, kept apart in the cache, and unloaded.

use std::fs::File;
use std::path::Path;

use serde_json::json;
use weights::gguf::{GgufWriter, Header, TensorType};

use crate::harness::{Running, began_alike, greedy};

/// Width of the test model's hidden state and of its attention's output.
const WIDTH: u64 = 576;
const RANK: u64 = 2;

/// Writes an adapter whose effect grows with `strength`; 0 changes nothing.
fn write_adapter(path: &Path, strength: f32) {
    let mut header = Header::new("llama");
    header.set("general.type", "adapter");
    header.set("adapter.type", "lora");
    header.set("adapter.lora.alpha", 2.0_f32);
    let names: Vec<String> = (0..30).map(|layer| format!("blk.{layer}.attn_output.weight")).collect();
    for name in &names {
        header.tensor(&format!("{name}.lora_a"), TensorType::F32, &[WIDTH, RANK]).expect("a tensor");
        header.tensor(&format!("{name}.lora_b"), TensorType::F32, &[RANK, WIDTH]).expect("a tensor");
    }
    let mut writer = GgufWriter::start(File::create(path).expect("a file"), header).expect("a header");
    let bytes = |scale: f32| -> Vec<u8> {
        let wave = (0..WIDTH * RANK).map(|place| ((place * 37 % 101) as f32 / 50.0 - 1.0) * scale);
        wave.flat_map(f32::to_le_bytes).collect()
    };
    for name in &names {
        writer.tensor(&format!("{name}.lora_a"), &bytes(0.2)).expect("room");
        writer.tensor(&format!("{name}.lora_b"), &bytes(strength)).expect("room");
    }
    writer.finish().expect("room");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_answers_only_who_asks_for_it() {
    let engine = Running::start(|_| ()).await;
    let (strong, none) = (engine.folder.path().join("strong.gguf"), engine.folder.path().join("none.gguf"));
    write_adapter(&strong, 8.0);
    write_adapter(&none, 0.0);
    let entry = |name: &str, path: &Path| json!({"name": name, "path": path});
    for (name, path) in [("strong", &strong), ("none", &none)] {
        assert_eq!(engine.post("/adapters", entry(name, path)).await.status, 200);
    }
    // The same again changes nothing; another file under the name is refused.
    assert_eq!(engine.post("/adapters", entry("none", &none)).await.status, 200);
    assert_eq!(engine.post("/adapters", entry("none", &strong)).await.status, 409);
    assert_eq!(engine.get("/adapters").await.body["data"].as_array().map(Vec::len), Some(2));

    let ask = |adapter: Option<&str>| {
        let mut body = greedy("Tell me about the sea and its colours.", 12);
        body["engine"] = json!({"adapter": adapter, "labels": ["ada"]});
        body["logprobs"] = json!(true);
        body["top_logprobs"] = json!(6);
        body
    };
    let bare = engine.chat(ask(None)).await;
    // All three at once: batches are grouped by adapter and must not mix.
    let (with_strong, with_none, again) =
        tokio::join!(engine.chat(ask(Some("strong"))), engine.chat(ask(Some("none"))), engine.chat(ask(None)));
    assert!(began_alike(&with_none, &bare) && began_alike(&again, &bare), "{with_none} {again} {bare}");
    assert!(!began_alike(&with_strong, &bare), "{with_strong} {bare}");
    // State computed with one adapter is never used with another.
    assert_eq!(with_none["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
    assert!(again["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64() > Some(0));

    let unknown = engine.post("/v1/chat/completions", ask(Some("other"))).await;
    assert_eq!((unknown.status, &unknown.body["error"]["code"]), (404, &json!("adapter_not_found")));
    assert_eq!(engine.delete("/adapters", json!({"name": "strong"})).await.status, 200);
    assert_eq!(engine.delete("/adapters", json!({"name": "strong"})).await.status, 404);
    assert_eq!(engine.post("/v1/chat/completions", ask(Some("strong"))).await.status, 404);
    assert!(began_alike(&engine.chat(ask(None)).await, &bare));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_in_use_stays_and_a_broken_file_is_named() {
    let engine = Running::start(|_| ()).await;
    let file = engine.folder.path().join("a.gguf");
    write_adapter(&file, 0.1);
    engine.post("/adapters", json!({"name": "a", "path": file})).await;
    let mut body = greedy("Go on.", 4000);
    body["engine"] = json!({"adapter": "a", "ignore_eos": true});
    body["stream"] = json!(true);
    let response = engine.send("POST", "/v1/chat/completions", body.to_string().into_bytes()).await;
    engine.until("running", |running| running == 1).await;
    let refused = engine.delete("/adapters", json!({"name": "a"})).await;
    assert_eq!((refused.status, &refused.body["error"]["code"]), (409, &json!("adapter_conflict")));
    drop(response);
    engine.until("running", |running| running == 0).await;
    assert_eq!(engine.delete("/adapters", json!({"name": "a"})).await.status, 200);

    let broken = engine.folder.path().join("broken.gguf");
    std::fs::write(&broken, b"GGUF\x03\0\0\0 and then nothing").expect("room");
    let refused = engine.post("/adapters", json!({"name": "b", "path": broken})).await;
    assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("invalid_adapter")));
    let missing = engine.post("/adapters", json!({"name": "b", "path": "/nowhere.gguf"})).await;
    assert_eq!(missing.status, 400);
}
