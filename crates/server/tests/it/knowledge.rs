//! Sources, documents, lists, policies: who may read what through the door, and why.

use domain::Role;
use http::Method;
use serde_json::{Value, json};

use crate::house::{House, Reply, Somebody};

struct Office {
    house: House,
    admin: String,
    ada: Somebody,
    bob: Somebody,
}

async fn office() -> Office {
    let house = House::open().await;
    let admin = house.admin().await;
    let (ada, bob) = (house.person("ada", &[Role::User]).await, house.person("bob", &[Role::User]).await);
    house.post(&admin, "/api/v1/sources", json!({"name": "wiki", "kind": "push"})).await.expect(201);
    Office { house, admin, ada, bob }
}

impl Office {
    async fn put(&self, external_id: &str, document: Value) -> Reply {
        self.house.put(&self.admin, &format!("/api/v1/sources/wiki/documents/{external_id}"), document).await
    }

    async fn text(&self, whose: &Somebody, id: &str) -> Reply {
        self.house.get(&whose.key, &format!("/api/v1/documents/{id}/text")).await
    }

    async fn explain(&self, key: &str, person: &str, resource: &str) -> Reply {
        let path = format!("/api/v1/access/explain?person={person}&action=read&resource={resource}");
        self.house.get(key, &path).await
    }
}

/// The same but for the id of the request.
fn masked(reply: &Reply) -> (u16, String) {
    let id = reply.headers["x-request-id"].to_str().unwrap();
    (reply.status.as_u16(), reply.text.replace(id, "req"))
}

#[tokio::test]
async fn a_document_is_read_by_who_is_on_its_list_and_is_not_there_for_others() {
    let office = office().await;
    let Office { house, admin, ada, bob } = &office;
    let list = json!({"allow": [ada.id]});
    let put = office.put("plan", json!({"title": "The\nplan", "text": "one canary", "access": list})).await.expect(200);
    let id = put.field("id");
    assert_eq!(put.json()["version"], 1);
    let text = office.text(ada, &id).await.expect(200).json();
    assert_eq!(text["text"], "one canary");
    let shown = house.get(&ada.key, &format!("/api/v1/documents/{id}")).await.expect(200).json();
    assert_eq!((&shown["title"], &shown["external_id"]), (&json!("The plan"), &json!("plan")));
    // Bob, a person without any document, and administrators get what an id that never was gets.
    let never = "doc_00000000000070008000000000000000";
    for path in ["", "/text"] {
        let hidden = |id: &str| format!("/api/v1/documents/{id}{path}");
        for key in [&bob.key, admin] {
            let (found, absent) = (house.get(key, &hidden(&id)).await, house.get(key, &hidden(never)).await);
            assert_eq!(masked(&found), masked(&absent));
            assert_eq!(found.status.as_u16(), 404);
        }
    }
    // The same again changes nothing; another list and another text do.
    let again = office.put("plan", json!({"title": "The plan", "text": "one canary"})).await.expect(200);
    assert_eq!(again.json(), put.json());
    let list = json!({"allow": [ada.id, bob.id]});
    let path = "/api/v1/sources/wiki/documents/plan/access";
    let epoch = house.put(admin, path, list).await.expect(200).json()["epoch"].as_u64().unwrap();
    assert_eq!(office.text(bob, &id).await.expect(200).json()["text"], "one canary");
    office.put("plan", json!({"title": "The plan", "text": "two"})).await.expect(200);
    assert_eq!(office.text(bob, &id).await.expect(200).json()["version"], 2);
    // Revoked: the next question is refused.
    house.put(admin, path, json!({"allow": []})).await.expect(200);
    office.text(ada, &id).await.refused(404, "not_found");
    house.put(admin, path, json!({"allow": ["everyone"], "deny": [bob.id]})).await.expect(200);
    office.text(ada, &id).await.expect(200);
    office.text(bob, &id).await.refused(404, "not_found");
    house.delete(admin, "/api/v1/sources/wiki/documents/plan").await.expect(200);
    office.text(ada, &id).await.refused(404, "not_found");
    // All of it was decided and is decided again, as it was then.
    house.post(&ada.key, "/v1/chat/completions", json!({"model": "x", "messages": []})).await;
    let replays = house.get(admin, "/api/v1/replays?limit=100").await.expect(200).json();
    assert!(replays["data"].as_array().unwrap().len() >= 12, "{replays}");
    assert!(replays["data"].as_array().unwrap().iter().all(|replay| replay["identical"] == true), "{replays}");
    let then = format!("/api/v1/access/explain?person=bob&action=read&resource={id}&epoch={epoch}");
    assert_eq!(house.get(admin, &then).await.expect(200).json()["allowed"], true);
    assert_eq!(office.explain(admin, "bob", &id).await.expect(200).json()["allowed"], false);
}

#[tokio::test]
async fn a_list_by_groups_and_the_default_of_a_source_are_explained() {
    let office = office().await;
    let Office { house, admin, ada, bob } = &office;
    let team = house.post(admin, "/api/v1/groups", json!({"name": "Team", "members": ["ada"]})).await.expect(201);
    let team = team.field("id");
    let by_group = json!({"title": "t", "text": "x", "access": {"allow": [team]}});
    let id = office.put("by%2Fgroup", by_group).await.expect(200).field("id");
    let why = office.explain(admin, "ada", &id).await.expect(200).json();
    assert_eq!((&why["allowed"], &why["reasons"][0]["rule"]), (&json!(true), &json!("list_allows")));
    assert_eq!(why["reasons"][0]["via"][0], json!(ada.id));
    assert!(why["reasons"][0]["via"].as_array().unwrap().contains(&json!(team)), "{why}");
    assert_eq!(office.explain(admin, "bob", &id).await.json()["reasons"][0]["rule"], "not_on_list");
    // To others: what they themselves may do, and nothing else.
    office.explain(&ada.key, "ada", &id).await.expect(200);
    for (key, person) in [(&bob.key, "bob"), (&bob.key, "ada"), (&ada.key, "bob")] {
        office.explain(key, person, &id).await.refused(404, "not_found");
    }
    explanations_are_kept(&office, &id).await;
    house.delete(admin, &format!("/api/v1/groups/{team}/members/ada")).await.expect(200);
    office.text(ada, &id).await.refused(404, "not_found");
    // Without a list: the source's default, which is its owner alone.
    let owned = office.put("owned", json!({"title": "t", "text": "x"})).await.expect(200).field("id");
    assert_eq!(office.explain(admin, "admin", &owned).await.json()["allowed"], true);
    office.text(ada, &owned).await.refused(404, "not_found");
    let open = json!({"name": "open", "kind": "push", "default_access": {"allow": ["everyone"]}});
    house.post(admin, "/api/v1/sources", open).await.expect(201);
    let path = "/api/v1/sources/open/documents/a";
    let id = house.put(admin, path, json!({"title": "t", "text": "x"})).await.expect(200).field("id");
    office.text(ada, &id).await.expect(200);
    let listed = house.get(admin, "/api/v1/sources/wiki/documents").await.expect(200).json();
    assert_eq!(listed["data"][0]["external_id"], "by/group");
    assert!(!listed.to_string().contains("title"), "operators see ids alone");
}

/// Who looks after security leaves an act; others a decision of their own, and none about somebody else.
async fn explanations_are_kept(Office { house, admin, ada, bob }: &Office, document: &str) {
    let acts = house.get(admin, "/api/v1/audit?limit=1").await.expect(200).json();
    assert_eq!(acts["data"][0]["verb"], "explain_access");
    assert_eq!(acts["data"][0]["ids"], json!([bob.id, document]));
    assert_eq!(acts["data"][0]["detail"]["allowed"], false);
    // An exchange takes along what nobody waited for.
    house.post(&ada.key, "/v1/chat/completions", json!({"model": "x", "messages": []})).await;
    for (who, allowed) in [(ada, true), (bob, false)] {
        let path = format!("/api/v1/decisions?caller={}&allowed={allowed}", who.id);
        let decisions = house.get(admin, &path).await.expect(200).json();
        let about: Vec<&Value> = decisions["data"].as_array().unwrap().iter().map(|one| &one["resource"]).collect();
        assert_eq!(about.iter().filter(|about| about["document"] == *document).count(), 1, "{decisions}");
    }
}

#[tokio::test]
async fn policies_only_narrow_and_wrong_ones_change_nothing() {
    let office = office().await;
    let Office { house, admin, ada, .. } = &office;
    let document = |grade: Value| json!({"title": "t", "text": "x", "access": {"allow": ["everyone"]}, "attributes": {"grade": grade}});
    let low = office.put("low", document(json!(1))).await.expect(200).field("id");
    let high = office.put("high", document(json!(3))).await.expect(200).field("id");
    let without = json!({"title": "t", "text": "x", "access": {"allow": ["everyone"]}});
    let without = office.put("without", without).await.expect(200).field("id");
    let cedar = "forbid(principal, action, resource) when { resource.grade > 2 };";
    let policies = json!({"cedar": cedar, "attributes": {"grade": "long"}});
    let put = house.put(admin, "/api/v1/policies", policies).await.expect(200).json();
    assert_eq!(put["hash"].as_str().unwrap().len(), 64);
    office.text(ada, &low).await.expect(200);
    office.text(ada, &high).await.refused(404, "not_found");
    // What policies need and is not there denies.
    office.text(ada, &without).await.refused(404, "not_found");
    let why = office.explain(admin, "ada", &high).await.json();
    assert_eq!((&why["reasons"][0]["rule"], &why["policy_hash"]), (&json!("policy_forbids"), &put["hash"]));
    for wrong in ["forbid(principal", "forbid(principal, action, resource) when { resource.colour == 1 };"] {
        let body = json!({"cedar": wrong, "attributes": {"grade": "long"}});
        let reply = house.put(admin, "/api/v1/policies", body).await.refused(400, "invalid_policies");
        assert_eq!(reply.json()["error"]["param"], "cedar");
    }
    assert_eq!(house.get(admin, "/api/v1/policies").await.expect(200).json(), put);
    office.put("low", document(json!("high"))).await.expect(400);
    house.put(admin, "/api/v1/policies", json!({"cedar": "", "attributes": {}})).await.expect(200);
    office.text(ada, &high).await.expect(200);
    house.put(&ada.key, "/api/v1/policies", json!({"cedar": "", "attributes": {}})).await.refused(403, "role_missing");
}

#[tokio::test]
async fn many_documents_come_as_lines_and_a_wrong_one_is_told_beside_its_name() {
    let office = office().await;
    let Office { house, admin, ada, .. } = &office;
    let lines = [
        json!({"external_id": "a", "title": "t", "text": "one", "access": {"allow": ["everyone"]}}).to_string(),
        json!({"external_id": "b", "title": "t", "colour": 1}).to_string(),
        "not json".to_owned(),
        json!({"title": "t", "text": "x"}).to_string(),
        String::new(),
        json!({"external_id": "a", "title": "t", "text": "two"}).to_string(),
        json!({"external_id": "c", "title": "t", "content_base64": "eA=="}).to_string(),
    ];
    let mut sent = crate::house::request(admin, http::Method::POST, "/api/v1/sources/wiki/documents", Value::Null);
    *sent.body_mut() = axum::body::Body::from(lines.join("\n"));
    let reply = house.send(sent).await.expect(200);
    let told: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<&str> = told.iter().map(|line| line["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["ok", "error", "error", "error", "ok", "error"], "{}", reply.text);
    assert_eq!(told[1]["external_id"], "b");
    assert!(told[1]["error"].as_str().unwrap().contains("colour"), "{}", reply.text);
    assert_eq!(told[0]["id"], told[4]["id"]);
    let text = office.text(ada, told[0]["id"].as_str().unwrap()).await.expect(200).json();
    assert_eq!((&text["text"], &text["version"]), (&json!("two"), &json!(2)));
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_with_what_to_do() {
    let office = office().await;
    let Office { house, admin, ada, .. } = &office;
    for (body, param) in [
        (json!({"text": "x"}), "title"),
        (json!({"title": "t"}), "text"),
        (json!({"title": "t", "text": "x", "colour": 1}), "colour"),
        (json!({"title": "t", "text": "x", "access": {"deny": []}}), "access.allow"),
        (json!({"title": "t", "text": "x", "access": {"allow": [], "quality": "unknown"}}), "access.quality"),
        (json!({"title": "t", "text": "x", "url": "a\u{0}b"}), "url"),
        (json!({"title": "t", "text": "x", "attributes": {"a": 1.5}}), "attributes.a"),
    ] {
        let reply = office.put("d", body.clone()).await.expect(400);
        assert_eq!(reply.json()["error"]["param"], json!(param), "{body}: {}", reply.text);
    }
    office.put(&"x".repeat(513), json!({"title": "t", "text": "x"})).await.expect(400);
    house
        .put(admin, "/api/v1/sources/none/documents/d", json!({"title": "t", "text": "x"}))
        .await
        .refused(404, "not_found");
    for body in [
        json!({"name": "a", "kind": "carrier pigeon"}),
        json!({"name": "a", "kind": "push", "config": {"path": "/"}}),
        json!({"name": "a", "kind": "push", "on_delete": "burn"}),
        json!({"name": "", "kind": "push"}),
    ] {
        house.post(admin, "/api/v1/sources", body).await.expect(400);
    }
    house.post(admin, "/api/v1/sources", json!({"name": "wiki", "kind": "push"})).await.expect(409);
    house
        .put(&ada.key, "/api/v1/sources/wiki/documents/d", json!({"title": "t", "text": "x"}))
        .await
        .refused(403, "role_missing");
}

#[tokio::test]
async fn a_key_for_one_source_reads_and_writes_there_alone() {
    let house = House::open().await;
    let admin = house.admin().await;
    let ada = house.person("ada", &[Role::User]).await;
    let mut known = Vec::new();
    for source in ["wiki", "ledger"] {
        let body = json!({"name": source, "kind": "push", "default_access": {"allow": ["everyone"]}});
        let source_id = house.post(&admin, "/api/v1/sources", body).await.expect(201).field("id");
        let body = json!({"title": source, "text": format!("What stands in the {source}.")});
        let document = house.put(&admin, &format!("/api/v1/sources/{source}/documents/d"), body).await.expect(200);
        known.push((source_id, document.field("id")));
    }
    let [(wiki, in_wiki), (_, in_ledger)] = known.as_slice() else { panic!("two sources") };
    let scope = format!("source:{wiki}");
    let narrow = house.key(json!({"person": ada.id, "name": "narrow", "scopes": [scope]})).await;
    house.get(&ada.key, &format!("/api/v1/documents/{in_ledger}")).await.expect(200);
    house.get(&narrow, &format!("/api/v1/documents/{in_wiki}/text")).await.expect(200);
    house.get(&narrow, &format!("/api/v1/documents/{in_ledger}")).await.refused(404, "not_found");
    let discovers = json!({"person": ada.id, "name": "blind", "scopes": ["action:discover"]});
    let blind = house.key(discovers).await;
    house.get(&blind, &format!("/api/v1/documents/{in_wiki}/text")).await.refused(404, "not_found");

    let writer =
        house.key(json!({"person": "admin", "name": "writer", "scopes": [scope, "operator", "security"]})).await;
    let change = || json!({"title": "x", "text": "y"});
    house.put(&writer, "/api/v1/sources/wiki/documents/e", change()).await.expect(200);
    for (method, path, body) in [
        (Method::PUT, "/api/v1/sources/ledger/documents/e", change()),
        (Method::DELETE, "/api/v1/sources/ledger/documents/d", Value::Null),
        (Method::PUT, "/api/v1/sources/ledger/documents/d/access", json!({"allow": []})),
        (Method::GET, "/api/v1/sources/ledger", Value::Null),
        (Method::DELETE, "/api/v1/sources/ledger", Value::Null),
        (Method::POST, "/api/v1/sources/ledger/documents", Value::Null),
        (Method::GET, "/api/v1/sources/ledger/documents", Value::Null),
        (Method::POST, "/api/v1/sources/ledger/sync", Value::Null),
    ] {
        house.call(&writer, method, path, body).await.refused(404, "not_found");
    }
    let sources = house.get(&writer, "/api/v1/sources").await.expect(200).json();
    assert_eq!(sources["data"].as_array().map(Vec::len), Some(1));
    let new = json!({"name": "third", "kind": "push"});
    house.post(&writer, "/api/v1/sources", new).await.refused(403, "key_is_narrowed");

    // What is about the whole installation is not for it either.
    for path in ["/api/v1/settings", "/api/v1/upstreams", "/api/v1/index", "/api/v1/jobs", "/api/v1/lake"] {
        house.get(&writer, path).await.refused(403, "role_missing");
    }
    house.post(&writer, "/api/v1/backups", Value::Null).await.refused(403, "role_missing");
    // They are recorded a moment later.
    let mut replays = Vec::new();
    for _ in 0..500 {
        let page = house.get(&admin, "/api/v1/replays?allowed=false").await.expect(200).json();
        replays = page["data"].as_array().unwrap().clone();
        if replays.len() >= 6 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(replays.len() >= 6 && replays.iter().all(|replay| replay["identical"] == true), "{replays:?}");
    // What reaches all sources is not done with a key for one, nor with one for reading.
    let heir = || json!({"person": "admin", "name": "heir"});
    house.post(&writer, "/api/v1/keys", heir()).await.refused(403, "role_missing");
    house.post(&writer, "/api/v1/erasures", json!({"document": in_ledger})).await.refused(403, "role_missing");
    let reader = house.key(json!({"person": "admin", "name": "reader", "scopes": ["action:read"]})).await;
    house.put(&reader, "/api/v1/sources/wiki/documents/e", change()).await.refused(403, "role_missing");
    let scopes = json!(["action:read", "action:administer"]);
    let both = house.key(json!({"person": "admin", "name": "both", "scopes": scopes})).await;
    let made = house.post(&both, "/api/v1/keys", heir()).await.expect(201).field("id");
    let made = house.get(&admin, &format!("/api/v1/keys/{made}")).await.expect(200).json();
    assert_eq!(made["scopes"], json!(["action:read", "action:administer"]), "as narrow as what made it");
    let wider = json!({"person": "admin", "name": "wider", "scopes": ["action:read", "action:train"]});
    house.post(&both, "/api/v1/keys", wider).await.refused(403, "key_is_narrowed");
}
