//! A directory's export comes in: counts, changes, what is absent, and nothing at all when a line is wrong.

use axum::body::Body;
use domain::Role;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::house::{House, Reply};

async fn import(house: &House, key: &str, query: &str, lines: &[Value]) -> Reply {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let request = Request::builder().method(Method::POST).uri(format!("/api/v1/directory/import{query}"));
    house.send(request.header("authorization", format!("Bearer {key}")).body(Body::from(body)).unwrap()).await
}

fn staff() -> Vec<Value> {
    vec![
        json!({"type": "group", "external_id": "all", "name": "Everybody", "source": "hr", "members": ["legal", "a"]}),
        json!({"type": "person", "external_id": "a", "user_name": "ann", "display_name": "Ann", "attributes": {"level": 2}}),
        json!({"type": "person", "external_id": "b"}),
        json!({"type": "group", "external_id": "legal", "members": ["b"]}),
    ]
}

#[tokio::test]
async fn an_import_makes_updates_and_leaves_alone() {
    let house = House::open().await;
    let key = house.admin().await;
    let counts = import(&house, &key, "", &staff()).await.expect(200).json();
    assert_eq!(counts["people"]["created"], 2);
    assert_eq!(counts["groups"]["created"], 2);
    assert_eq!(counts["members"]["added"], 3);
    assert_eq!(counts["epoch"], json!(house.app.directory().epoch()));
    let again = import(&house, &key, "?source=hr", &staff()).await.expect(200).json();
    assert_eq!(again["people"]["unchanged"], 2);
    assert_eq!(again["epoch"], counts["epoch"], "nothing changed, so no epoch");
    let ann = house.get(&key, "/api/v1/people/ann").await.expect(200).json();
    assert_eq!((&ann["roles"], &ann["source"]), (&json!(["user"]), &json!("hr")));
    let mut changed = staff();
    changed[1]["display_name"] = json!("Anne");
    changed[3]["members"] = json!(["a"]);
    let counts = import(&house, &key, "", &changed).await.expect(200).json();
    assert_eq!(counts["people"]["updated"], 1);
    assert_eq!(counts["members"], json!({"added": 1, "removed": 1}));
}

#[tokio::test]
async fn one_wrong_line_imports_nothing() {
    let house = House::open().await;
    let key = house.admin().await;
    let epoch = house.app.directory().epoch();
    for (bad, word) in [
        (json!({"type": "person", "external_id": "c", "source": "it"}), "import each source by itself"),
        (json!({"type": "person", "external_id": "a"}), "line 2"),
        (json!({"type": "group", "external_id": "g", "members": ["nobody"]}), "nobody"),
        (json!({"type": "person", "external_id": "c", "user_name": "ann"}), "somebody else"),
        (json!({"type": "person", "external_id": "c", "active": "yes"}), "active"),
        (json!({"type": "robot", "external_id": "c"}), "robot"),
    ] {
        let mut lines = staff();
        lines.push(bad.clone());
        let reply = import(&house, &key, "", &lines).await.refused(400, "invalid_line");
        assert!(reply.text.contains("line 5") && reply.text.contains(word), "{bad}: {}", reply.text);
    }
    assert_eq!(house.app.directory().epoch(), epoch);
}

#[tokio::test]
async fn a_complete_import_deactivates_whom_it_no_longer_names_in_its_source_alone() {
    let house = House::open().await;
    let key = house.admin().await;
    let local = house.person("local", &[Role::User]).await;
    import(&house, &key, "", &staff()).await.expect(200);
    let b = house.key(json!({"person": "b", "name": "x"})).await;
    house.get(&b, "/api/v1/me").await.expect(200);
    let rest = [staff()[1].clone(), json!({"type": "group", "external_id": "all", "source": "hr", "members": ["a"]})];
    let counts = import(&house, &key, "?complete=true", &rest).await.expect(200).json();
    assert_eq!(counts["people"]["deactivated"], 1);
    assert_eq!(counts["groups"]["emptied"], 1);
    house.get(&b, "/api/v1/me").await.refused(401, "invalid_api_key");
    house.get(&local.key, "/api/v1/me").await.expect(200);
    // Named again, they come back only where the line says so.
    import(&house, &key, "", &staff()).await.expect(200);
    house.get(&b, "/api/v1/me").await.refused(401, "invalid_api_key");
    let back = json!({"type": "person", "external_id": "b", "source": "hr", "active": true});
    import(&house, &key, "", &[back]).await.expect(200);
    house.get(&b, "/api/v1/me").await.expect(200);
    // The installation's own administrator is in no export.
    import(&house, &key, "?complete=true", &[]).await.expect(200);
    house.get(&key, "/api/v1/me").await.expect(200);
    house.get(&local.key, "/api/v1/me").await.refused(401, "invalid_api_key");
}

#[tokio::test]
async fn two_may_exchange_their_user_names() {
    let house = House::open().await;
    let key = house.admin().await;
    let named = |a: &str, b: &str| {
        [("a", a), ("b", b)].map(|(id, name)| json!({"type": "person", "external_id": id, "user_name": name}))
    };
    import(&house, &key, "?source=hr", &named("x", "y")).await.expect(200);
    import(&house, &key, "?source=hr", &named("y", "x")).await.expect(200);
    assert_eq!(house.get(&key, "/api/v1/people/x").await.json()["external_id"], "b");
}

#[tokio::test]
async fn a_cycle_of_groups_is_harmless() {
    let house = House::open().await;
    let key = house.admin().await;
    let cycle = [
        json!({"type": "group", "external_id": "a", "members": ["b", "p"]}),
        json!({"type": "group", "external_id": "b", "members": ["a"]}),
        json!({"type": "person", "external_id": "p"}),
    ];
    import(&house, &key, "?source=hr", &cycle).await.expect(200);
    let p = house.key(json!({"person": "p", "name": "x"})).await;
    house.get(&p, "/api/v1/me").await.expect(200);
}
