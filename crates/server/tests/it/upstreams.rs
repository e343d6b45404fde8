//! Upstreams as an operator changes them: nobody waits for a server that is down, and what it says of itself is believed
//! once it answers.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::house::House;

/// A server that is busy when it is asked first, and lists `org/big` from then on.
async fn listing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let asked: &'static AtomicUsize = Box::leak(Box::default());
    let list = || async {
        let busy = asked.fetch_add(1, Ordering::Relaxed) == 0;
        let status = if busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        (status, Json(json!({"object": "list", "data": [{"id": "org/big", "max_model_len": 4096}]})))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/v1/models", get(list))).await.unwrap() });
    base_url
}

fn upstream(base_url: &str, locality: &str) -> Value {
    json!({
        "name": "gpu", "kind": {"remote": {"base_url": base_url}}, "locality": locality,
        "models": [{"name": "big", "upstream_name": "org/big"}, {"name": "small", "context_length": 512}],
    })
}

async fn lengths(house: &House, key: &str) -> Value {
    let list = house.get(key, "/v1/models").await.expect(200).json();
    let models = list["data"].as_array().unwrap().iter().filter(|model| model["id"] != "assistant");
    models.map(|model| model["context_length"].clone()).collect()
}

#[tokio::test]
async fn a_server_that_is_busy_at_first_is_asked_again_for_its_context_lengths() {
    let house = House::open().await;
    let admin = house.admin().await;
    let base_url = listing().await;
    house.put(&admin, "/api/v1/upstreams/gpu", upstream(&base_url, "local")).await.expect(200);
    assert_eq!(lengths(&house, &admin).await, json!([null, 512]));
    house.app.tasks.close();
    house.app.tasks.wait().await;
    assert_eq!(lengths(&house, &admin).await, json!([4096, 512]));
    let shown = house.get(&admin, "/api/v1/upstreams/gpu").await.expect(200).json();
    assert_eq!(shown["config"]["models"][0]["context_length"], Value::Null, "what is told is not configured");
}

#[tokio::test]
async fn a_server_that_is_down_or_may_not_be_called_keeps_nobody_waiting() {
    let house = House::open().await;
    let admin = house.admin().await;
    for locality in ["local", "external"] {
        let put = upstream("http://127.0.0.1:9/v1", locality);
        house.put(&admin, "/api/v1/upstreams/gpu", put).await.expect(200);
    }
    // Nobody asks the one that was replaced, and its successor may not be asked.
    house.app.finish().await;
    assert_eq!(lengths(&house, &admin).await, json!([null, 512]));
}
