//! People, groups, services and keys: made, read, changed, and by whom.

use domain::Role;
use http::Method;
use serde_json::{Value, json};

use crate::house::House;

fn ada() -> Value {
    json!({"user_name": "ada", "display_name": "Ada Lovelace"})
}

#[tokio::test]
async fn a_person_has_the_defaults_of_the_contract_and_changes_in_place() {
    let house = House::open().await;
    let key = house.admin().await;
    let made = house.post(&key, "/api/v1/people", ada()).await.expect(201).json();
    for (field, value) in [
        ("roles", json!(["user"])),
        ("active", json!(true)),
        ("external", json!(false)),
        ("source", json!("local")),
        ("external_id", json!("ada")),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    let path = format!("/api/v1/people/{}", made["id"].as_str().unwrap());
    let change = json!({"display_name": "Ada King", "email": "ada@example.com", "attributes": {"level": 3}});
    let changed = house.patch(&key, &path, change).await.expect(200).json();
    assert_eq!(changed["display_name"], "Ada King");
    assert_eq!(changed["user_name"], "ada");
    assert_eq!(house.get(&key, "/api/v1/people/ada").await.expect(200).json(), changed);
    house.patch(&key, &path, json!({"external_id": "other"})).await.refused(400, "unknown_parameter");
    let gone = house.delete(&key, &path).await.expect(200).json();
    assert_eq!(gone["active"], false);
    assert_eq!(house.get(&key, &path).await.expect(200).json(), gone);
}

#[tokio::test]
async fn what_exists_is_a_conflict_within_its_source_alone() {
    let house = House::open().await;
    let key = house.admin().await;
    house.post(&key, "/api/v1/people", ada()).await.expect(201);
    house.post(&key, "/api/v1/people", ada()).await.refused(409, "already_exists");
    let renamed = json!({"user_name": "ada", "display_name": "x", "external_id": "e2"});
    house.post(&key, "/api/v1/people", renamed).await.refused(409, "already_exists");
    let elsewhere = json!({"user_name": "ada", "display_name": "x", "source": "hr"});
    house.post(&key, "/api/v1/people", elsewhere).await.expect(201);
    house.get(&key, "/api/v1/people/ada").await.refused(400, "ambiguous_name");
    for (path, body) in [("/api/v1/groups", json!({"name": "Legal"})), ("/api/v1/services", json!({"name": "desk"}))] {
        house.post(&key, path, body.clone()).await.expect(201);
        house.post(&key, path, body).await.refused(409, "already_exists");
    }
    house.post(&key, "/api/v1/groups", json!({"name": "Legal", "source": "hr"})).await.expect(201);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let house = House::open().await;
    let key = house.admin().await;
    for number in 0..5 {
        house.person(&format!("p{number}"), &[Role::User]).await;
    }
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page = house.get(&key, &format!("/api/v1/people?limit=2{after}")).await.expect(200).json();
        let people = page["data"].as_array().unwrap().clone();
        after = format!("&after={}", people.last().unwrap()["id"].as_str().unwrap());
        names.extend(people.iter().map(|person| person["user_name"].as_str().unwrap().to_owned()));
        if page["has_more"] == json!(false) {
            break;
        }
    }
    assert_eq!(names, ["admin", "p0", "p1", "p2", "p3", "p4"]);
}

#[tokio::test]
async fn only_a_holder_grants_a_role_by_whatever_way() {
    let house = House::open().await;
    let guard = house.person("guard", &[Role::Security]).await;
    let admin = house.admin().await;
    let ops = json!({"name": "Ops", "roles": ["operator"]});
    let ops = house.post(&admin, "/api/v1/groups", ops).await.expect(201).field("id");
    let inner = json!({"name": "Inner"});
    let inner = house.post(&guard.key, "/api/v1/groups", inner).await.expect(201).field("id");
    house.put(&admin, &format!("/api/v1/groups/{ops}/members/{inner}"), Value::Null).await.expect(200);

    let operator = json!({"user_name": "x", "display_name": "x", "roles": ["operator"]});
    house.post(&guard.key, "/api/v1/people", operator).await.refused(403, "role_missing");
    house
        .patch(&guard.key, "/api/v1/people/guard", json!({"roles": ["security", "operator"]}))
        .await
        .refused(403, "role_missing");
    house
        .post(&guard.key, "/api/v1/services", json!({"name": "x", "roles": ["builder"]}))
        .await
        .refused(403, "role_missing");
    house
        .patch(&guard.key, &format!("/api/v1/groups/{inner}"), json!({"roles": ["builder"]}))
        .await
        .refused(403, "role_missing");
    for group in [&ops, &inner] {
        let path = format!("/api/v1/groups/{group}/members/{}", guard.id);
        house.put(&guard.key, &path, Value::Null).await.refused(403, "role_missing");
    }
    let line = json!({"type": "person", "external_id": "y", "roles": ["operator"]});
    house.post(&guard.key, "/api/v1/directory/import", line).await.refused(403, "role_missing");

    // The role of somebody new is the installation's default, and what one holds one grants.
    house.post(&guard.key, "/api/v1/people", ada()).await.expect(201);
    house.patch(&guard.key, "/api/v1/people/ada", json!({"roles": ["user", "security"]})).await.expect(200);
    house.get(&guard.key, "/api/v1/settings").await.refused(403, "role_missing");
    house.put(&admin, &format!("/api/v1/groups/{inner}/members/{}", guard.id), Value::Null).await.expect(200);
    house.get(&guard.key, "/api/v1/settings").await.expect(200);
}

#[tokio::test]
async fn the_last_one_who_administers_stays() {
    let house = House::open().await;
    let key = house.admin().await;
    house.delete(&key, "/api/v1/people/admin").await.refused(409, "last_security");
    house.patch(&key, "/api/v1/people/admin", json!({"roles": ["user"]})).await.refused(409, "last_security");
    house.person("second", &[Role::Security]).await;
    house.patch(&key, "/api/v1/people/admin", json!({"roles": ["user"]})).await.expect(200);
    house.get(&key, "/api/v1/people").await.refused(403, "role_missing");
}

#[tokio::test]
async fn groups_hold_people_and_groups_and_let_them_go() {
    let house = House::open().await;
    let key = house.admin().await;
    let ada = house.post(&key, "/api/v1/people", ada()).await.expect(201).field("id");
    let inner = house.post(&key, "/api/v1/groups", json!({"name": "Inner"})).await.expect(201).field("id");
    let outer = json!({"name": "Outer", "members": ["ada", "Inner"]});
    let outer = house.post(&key, "/api/v1/groups", outer).await.expect(201).json();
    assert_eq!(outer["members"].as_array().unwrap().len(), 2);
    house.delete(&key, "/api/v1/groups/Outer/members/ada").await.expect(200);
    house.delete(&key, "/api/v1/groups/Outer/members/ada").await.refused(404, "not_found");
    assert_eq!(house.get(&key, "/api/v1/groups/Outer").await.json()["members"], json!([inner]));
    house.put(&key, &format!("/api/v1/groups/Outer/members/{ada}"), Value::Null).await.expect(200);
    let epoch = house.put(&key, "/api/v1/groups/Outer/members/ada", Value::Null).await.expect(200).json();
    assert_eq!(epoch["epoch"], json!(house.app.directory().epoch()), "joining twice takes no epoch");
    house.post(&key, "/api/v1/groups", json!({"name": "Bad", "members": ["nobody"]})).await.refused(404, "not_found");
    house.patch(&key, "/api/v1/groups/Outer", json!({"name": "Around"})).await.expect(200);
    house.delete(&key, "/api/v1/groups/Around").await.expect(200);
    house.get(&key, "/api/v1/groups/Around").await.refused(404, "not_found");
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_stops_on_the_next_request() {
    let house = House::open().await;
    let admin = house.admin().await;
    let body = json!({"person": "admin", "name": "laptop", "limits": {"requests_per_minute": 5}, "capture": "usage"});
    let made = house.post(&admin, "/api/v1/keys", body).await.expect(201);
    let (id, key) = (made.field("id"), made.field("key"));
    assert!(key.starts_with("fh_") && key.len() == 46, "{key}");
    let me = house.get(&key, "/api/v1/me").await.expect(200).json();
    assert_eq!(me["key"], json!(id));
    assert_eq!(me["capture"], "usage");
    let shown = house.get(&admin, &format!("/api/v1/keys/{id}")).await.expect(200);
    assert!(!shown.text.contains(&key[3..]), "the secret is not shown again");
    let listed = house.get(&admin, "/api/v1/keys?person=admin&limit=1000").await.expect(200);
    assert!(listed.text.contains(&id) && !listed.text.contains(&key[3..]));
    house.delete(&admin, &format!("/api/v1/keys/{id}")).await.expect(200);
    house.get(&key, "/api/v1/me").await.refused(401, "invalid_api_key");
    let gone = house.get(&admin, &format!("/api/v1/keys/{id}")).await.json();
    assert!(gone["revoked_at"].is_string());
}

#[tokio::test]
async fn a_key_stops_when_it_expires_and_when_its_holder_is_deactivated() {
    let house = House::open().await;
    let admin = house.admin().await;
    let ada = house.person("ada", &[Role::User]).await;
    let soon = house.app.now().plus_seconds(60).to_string();
    let body = json!({"person": "ada", "name": "short", "expires_at": soon});
    let short = house.post(&admin, "/api/v1/keys", body).await.expect(201).field("key");
    house.get(&short, "/api/v1/me").await.expect(200);
    house.clock.advance_seconds(60);
    house.get(&short, "/api/v1/me").await.refused(401, "invalid_api_key");
    let past = json!({"person": "ada", "name": "past", "expires_at": soon});
    house.post(&admin, "/api/v1/keys", past).await.refused(400, "invalid_value");
    house.get(&ada.key, "/api/v1/me").await.expect(200);
    house.delete(&admin, "/api/v1/people/ada").await.expect(200);
    house.get(&ada.key, "/api/v1/me").await.refused(401, "invalid_api_key");
}

#[tokio::test]
async fn a_key_made_for_somebody_else_is_logged_and_told() {
    let house = House::open().await;
    let admin = house.admin().await;
    let ada = house.person("ada", &[Role::User]).await;
    house.post(&admin, "/api/v1/keys", json!({"name": "own"})).await.expect(201);
    let id = house.post(&admin, "/api/v1/keys", json!({"person": "ada", "name": "x"})).await.expect(201).field("id");
    let notices = house.get(&ada.key, "/api/v1/notices").await.expect(200).json();
    assert_eq!(notices["data"][0]["subject"], json!(id));
    let own = house.get(&admin, "/api/v1/notices").await.expect(200).json();
    assert_eq!(own["data"], json!([]), "one's own keys are no news");
    let epochs = house.get(&admin, "/api/v1/epochs?limit=1000").await.expect(200).json();
    let logged = epochs["data"].as_array().unwrap().iter().find(|entry| entry["ids"][0] == json!(id)).unwrap().clone();
    assert_eq!(logged["kind"], "add_key");
    assert!(logged["actor"].as_str().unwrap().starts_with("per_"));
}

#[tokio::test]
async fn the_epoch_log_is_chained_and_comes_in_pages() {
    let house = House::open().await;
    let admin = house.admin().await;
    house.person("ada", &[Role::User]).await;
    let page = |after: u64| {
        let path = format!("/api/v1/epochs?limit=2&after={after}");
        let (house, admin) = (&house, &admin);
        async move { house.get(admin, &path).await.expect(200).json() }
    };
    let (mut after, mut hash) = (0, None);
    loop {
        let part = page(after).await;
        for entry in part["data"].as_array().unwrap() {
            assert_eq!(entry["epoch"], json!(after + 1));
            assert!(hash.is_none_or(|hash: Value| hash == entry["previous_hash"]));
            (after, hash) = (after + 1, Some(entry["hash"].clone()));
        }
        if part["has_more"] == json!(false) {
            break;
        }
    }
    assert_eq!(after, house.app.directory().epoch());
}

#[tokio::test]
async fn keys_that_make_no_sense_are_refused() {
    let house = House::open().await;
    let admin = house.admin().await;
    house.post(&admin, "/api/v1/services", json!({"name": "desk"})).await.expect(201);
    for body in [
        json!({"person": "admin", "service": "desk", "name": "two holders"}),
        json!({"person": "admin", "name": "x", "scopes": ["act_for"]}),
        json!({"person": "admin", "name": ""}),
        json!({"person": "admin", "name": "x", "scopes": ["root"]}),
        json!({"person": "admin", "name": "x", "limits": {"requests_per_year": 1}}),
        json!({"person": "admin"}),
    ] {
        house.post(&admin, "/api/v1/keys", body.clone()).await.expect(400);
    }
    house.post(&admin, "/api/v1/keys", json!({"person": "nobody", "name": "x"})).await.refused(404, "not_found");
    house.post(&admin, "/api/v1/services", json!({"name": "x", "act_for": []})).await.refused(400, "invalid_value");
}

#[tokio::test]
async fn the_control_socket_is_the_administrator_whatever_key_is_sent() {
    let house = House::open().await;
    let me = house.locally(Method::GET, "/api/v1/me", Value::Null).await.expect(200).json();
    assert_eq!(me["name"], "admin");
    assert_eq!(me["roles"], json!(["user", "builder", "operator", "security"]));
    house.get("", "/api/v1/me").await.refused(401, "missing_api_key");
}

#[tokio::test]
async fn without_security_one_sees_oneself_alone() {
    let house = House::open().await;
    let ada = house.person("ada", &[Role::User]).await;
    house.get(&ada.key, "/api/v1/people/ada").await.expect(200);
    house.get(&ada.key, "/api/v1/people/admin").await.refused(404, "not_found");
    let desk = house.service(json!({"name": "desk"}), json!([])).await;
    house.get(&desk.key, "/api/v1/services/desk").await.expect(200);
    house.get(&ada.key, "/api/v1/services/desk").await.refused(404, "not_found");
    assert_eq!(house.get(&desk.key, "/api/v1/me").await.json()["kind"], "service");
}
