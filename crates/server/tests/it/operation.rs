//! What an operator needs: health, readiness, metrics, settings, and the audit of acts.

use app::Part;
use domain::Role;
use serde_json::json;
use server::ServerOptions;

use crate::house::House;

#[tokio::test]
async fn ready_says_what_is_missing() {
    let house = House::open().await;
    house.get("", "/healthz").await.expect(200);
    house.app.readiness.set("chat", Part::Waiting("loading".to_owned()));
    house.app.readiness.set("embeddings", Part::Ready);
    let reply = house.get("", "/readyz").await.expect(503).json();
    assert_eq!(reply, json!({"ready": false, "parts": {"chat": "loading", "embeddings": "ready"}}));
    house.app.readiness.set("chat", Part::Ready);
    house.get("", "/readyz").await.expect(200);
}

#[tokio::test]
async fn metrics_count_by_route_and_hold_no_ids() {
    let house = House::open().await;
    let admin = house.admin().await;
    let ada = house.person("ada", &[Role::User]).await;
    for _ in 0..3 {
        house.get(&admin, &format!("/api/v1/people/{}", ada.id)).await.expect(200);
    }
    house.get(&admin, &format!("/{}", ada.id)).await.expect(404);
    let metrics = house.get("", "/metrics").await.expect(200).text;
    let line = r#"freehold_http_requests_total{method="GET",route="/api/v1/people/{person}",status="200"} 3"#;
    assert!(metrics.contains(line), "{metrics}");
    assert!(metrics.contains(r#"route="unmatched",status="404"} 1"#), "{metrics}");
    assert!(metrics.contains("# TYPE vllm:num_requests_running gauge"), "{metrics}");
    assert!(!metrics.contains(&ada.id) && !metrics.contains("per_"), "{metrics}");
}

#[tokio::test]
async fn metrics_can_be_closed() {
    let house = House::with(ServerOptions { open_metrics: false, ..ServerOptions::default() }).await;
    let ada = house.person("ada", &[Role::User]).await;
    let operator = house.person("op", &[Role::Operator]).await;
    house.get("", "/metrics").await.refused(401, "missing_api_key");
    house.get(&ada.key, "/metrics").await.refused(403, "role_missing");
    house.get(&operator.key, "/metrics").await.expect(200);
}

#[tokio::test]
async fn settings_change_field_by_field_and_are_acts() {
    let house = House::open().await;
    let admin = house.admin().await;
    let before = house.get(&admin, "/api/v1/settings").await.expect(200).json();
    assert_eq!(before["retention_days"], json!({"default": 365, "tasks": {}}));
    house.put(&admin, "/api/v1/settings", json!({"aliases": {"gpt-4o": "parrot"}})).await.expect(200);
    let after = house.put(&admin, "/api/v1/settings", json!({"retention_days": {"default": 30}})).await.expect(200);
    assert_eq!(after.json()["aliases"], json!({"gpt-4o": "parrot"}), "the other field stays");
    assert_eq!(house.app.settings.get().retention_rules().default_days, 30);
    let acts = house.get(&admin, "/api/v1/audit").await.expect(200).json();
    assert_eq!(acts["data"][0]["verb"], "put_setting");
    assert_eq!(acts["data"][0]["ids"], json!(["retention_days"]));
}

#[tokio::test]
async fn settings_that_cannot_work_change_nothing() {
    let house = House::open().await;
    let admin = house.admin().await;
    for body in [
        json!({"colour": "blue"}),
        json!({"aliases": {"a": 1}}),
        json!({"retention_days": {"default": 0}}),
        json!({"retention_days": {"weekly": 7}}),
        json!({"aliases": {"ok": "parrot"}, "fallbacks": {"a": ["a"]}}),
    ] {
        house.put(&admin, "/api/v1/settings", body.clone()).await.expect(400);
    }
    let settings = house.get(&admin, "/api/v1/settings").await.json();
    assert_eq!(settings["aliases"], json!({}));
    assert_eq!(settings["fallbacks"], json!({}));
}

#[tokio::test]
async fn issuers_are_for_security_even_among_settings() {
    let house = House::open().await;
    let operator = house.person("op", &[Role::Operator]).await;
    let issuer =
        json!({"issuer": "https://idp.example", "audience": "freehold", "jwks_url": "https://idp.example/keys"});
    let body = json!({"issuers": [issuer]});
    house.put(&operator.key, "/api/v1/settings", body.clone()).await.refused(403, "role_missing");
    let admin = house.admin().await;
    let settings = house.put(&admin, "/api/v1/settings", body).await.expect(200).json();
    assert_eq!(settings["issuers"][0], issuer);
}
