//! Who is turned away leaves a decision, which whoever looks after security sees and gives again.

use domain::Role;
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use crate::house::{House, request};

async fn decisions(house: &House, key: &str, query: &str) -> Vec<Value> {
    // What nobody waited for is there within a tenth of a second: an exchange that is waited for takes it along.
    let body = json!({"model": "nowhere", "messages": [{"role": "user", "content": "x"}]});
    house.post(key, "/v1/chat/completions", body).await.expect(404);
    let page = house.get(key, &format!("/api/v1/decisions{query}")).await.expect(200).json();
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn refusals_are_recorded_with_their_rules_and_given_again() {
    let house = House::open().await;
    let admin = house.admin().await;
    let ada = house.person("ada", &[Role::User, Role::Operator]).await;
    let narrow = house.key(json!({"person": ada.id, "name": "narrow", "scopes": ["user"]})).await;
    let desk = house.service(json!({"name": "desk"}), json!(["act_for"])).await;
    house.get(&ada.key, "/api/v1/people").await.refused(403, "role_missing");
    house.get(&narrow, "/api/v1/settings").await.refused(403, "role_missing");
    for whom in [ada.id.as_str(), "per_00000000000070008000000000000000"] {
        let mut acting = request(&ada.key, Method::GET, "/api/v1/me", Value::Null);
        acting.headers_mut().insert("freehold-on-behalf-of", HeaderValue::try_from(whom).unwrap());
        house.send(acting).await.refused(403, "act_for_denied");
    }
    let mut acting = request(&desk.key, Method::GET, "/api/v1/me", Value::Null);
    acting.headers_mut().insert("freehold-on-behalf-of", HeaderValue::from_static("per_broken"));
    house.send(acting).await.refused(403, "act_for_denied");
    let found = decisions(&house, &admin, "?allowed=false").await;
    let rules: Vec<&str> = found.iter().rev().map(|one| one["reasons"][0]["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["role_missing", "narrowed", "no_scope", "no_scope", "out_of_reach"]);
    let named: Vec<&Value> = found.iter().rev().map(|one| &one["resource"]["person"]).collect();
    assert_eq!(named[2..], [&json!(ada.id), &Value::Null, &Value::Null], "who is not here is not named");
    assert_eq!(found[4]["resource"]["name"], "GET /api/v1/people");
    assert_eq!(found[4]["resource"]["roles"], json!(["security"]));
    let of_ada = decisions(&house, &admin, &format!("?caller={}", ada.id)).await;
    assert_eq!(of_ada.len(), 4);
    // After everything has changed, each is given again as it was.
    house.patch(&admin, "/api/v1/people/ada", json!({"roles": ["security"]})).await.expect(200);
    house.delete(&admin, "/api/v1/people/ada").await.expect(200);
    let replays = house.get(&admin, "/api/v1/replays").await.expect(200).json();
    assert_eq!(replays["data"].as_array().unwrap().len(), 5);
    for replay in replays["data"].as_array().unwrap() {
        assert_eq!(replay["identical"], true, "{replay}");
        let id = replay["decision"]["id"].as_str().unwrap();
        let one = house.get(&admin, &format!("/api/v1/decisions/{id}/replay")).await.expect(200).json();
        assert_eq!(&one, replay);
        assert_eq!(house.get(&admin, &format!("/api/v1/decisions/{id}")).await.json(), replay["decision"]);
    }
    house.get(&admin, "/api/v1/decisions/dec_broken").await.refused(404, "not_found");
    house.get(&admin, "/api/v1/decisions?caller=nobody").await.expect(400);
}
