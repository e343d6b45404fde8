//! Search through the door: found by who may read, gone at once for who may not any more, and nothing betrays the rest.

use domain::Role;
use serde_json::{Value, json};

use crate::house::{House, Reply, Somebody};

struct Library {
    house: House,
    admin: String,
    ada: Somebody,
    bob: Somebody,
}

async fn library() -> Library {
    let house = House::open().await;
    tokio::spawn(app::index::follow(house.app.clone()));
    let admin = house.admin().await;
    let (ada, bob) = (house.person("ada", &[Role::User]).await, house.person("bob", &[Role::User]).await);
    for name in ["wiki", "mail"] {
        house.post(&admin, "/api/v1/sources", json!({"name": name, "kind": "push"})).await.expect(201);
    }
    Library { house, admin, ada, bob }
}

impl Library {
    async fn put(&self, place: &str, document: Value) -> Value {
        let (source, external_id) = place.split_once('/').unwrap();
        let path = format!("/api/v1/sources/{source}/documents/{external_id}");
        let put = self.house.put(&self.admin, &path, document).await.expect(200).json();
        self.settled(put["epoch"].as_u64().unwrap()).await;
        put
    }

    /// Until the full text knows this epoch.
    async fn settled(&self, epoch: u64) {
        while self.house.get(&self.admin, "/api/v1/index").await.expect(200).json()["text_epoch"].as_u64() < Some(epoch)
        {
            tokio::task::yield_now().await;
        }
    }

    async fn search(&self, who: &Somebody, body: Value) -> Reply {
        self.house.post(&who.key, "/api/v1/search", body).await
    }

    /// The ids at their sources of what is found.
    async fn found(&self, who: &Somebody, body: Value) -> Vec<String> {
        let answer = self.search(who, body).await.expect(200).json();
        let passages = answer["passages"].as_array().unwrap();
        passages.iter().map(|passage| passage["external_id"].as_str().unwrap().to_owned()).collect()
    }
}

fn ask(query: &str) -> Value {
    json!({"query": query})
}

#[tokio::test]
async fn each_finds_what_they_may_read_and_a_change_of_rights_is_obeyed_at_once() {
    let library = library().await;
    let Library { house, admin, ada, bob } = &library;
    let list = |people: &[&Somebody]| json!({"allow": people.iter().map(|one| one.id.clone()).collect::<Vec<_>>()});
    let text = "# Merger\n\nThe merger with Borealis closes in March. Keep it to yourself until then.";
    let plan = json!({"title": "The merger", "text": text, "url": "https://wiki.example/m", "access": list(&[ada])});
    let plan = library.put("wiki/plan", plan).await;
    library
        .put("wiki/lunch", json!({"title": "Lunch", "text": "Lunch closes at two.", "access": {"allow": ["everyone"]}}))
        .await;
    let answer = library.search(ada, ask("when does the merger close?")).await.expect(200).json();
    let first = &answer["passages"][0];
    assert_eq!((&first["document"], &first["external_id"]), (&plan["id"], &json!("plan")));
    assert_eq!((&first["title"], &first["url"]), (&json!("The merger"), &json!("https://wiki.example/m")));
    let (start, end) = (first["start"].as_u64().unwrap() as usize, first["end"].as_u64().unwrap() as usize);
    let cut: String = text.chars().skip(start).take(end - start).collect();
    assert_eq!(first["text"], json!(cut));
    assert_eq!(answer["searched"], json!(["text"]));
    assert_eq!(library.found(bob, ask("the merger closes?")).await, ["lunch"]);
    // What Bob gets does not depend on what is hidden from him, not in one byte but the id of the request.
    let before = library.search(bob, ask("merger Borealis closes")).await;
    library
        .put("wiki/more", json!({"title": "Borealis closes", "text": "Borealis merger closes", "access": list(&[ada])}))
        .await;
    let after = library.search(bob, ask("merger Borealis closes")).await;
    assert_eq!(before.json()["passages"], after.json()["passages"]);
    // A list changes: nothing is indexed again, and the next search knows it.
    let path = "/api/v1/sources/wiki/documents/plan/access";
    house.put(admin, path, list(&[bob])).await.expect(200);
    assert_eq!(library.found(bob, ask("merger")).await, ["plan"]);
    assert_eq!(library.found(ada, ask("merger")).await, ["more"]);
    // What was found is a decision, given again bit for bit.
    // An exchange waits for its own record, and what was decided before stands in the same line.
    house.post(&bob.key, "/v1/chat/completions", json!({"model": "x", "messages": []})).await;
    let decisions = house.get(admin, &format!("/api/v1/replays?caller={}&limit=100", bob.id)).await.expect(200).json();
    let found = |replay: &&Value| replay["decision"]["resource"]["kind"] == "passages";
    let found: Vec<&Value> = decisions["data"].as_array().unwrap().iter().filter(found).collect();
    assert!(found.len() >= 3 && found.iter().all(|replay| replay["identical"] == true), "{decisions}");
    // Another version: the old one is not found for a moment longer. Retired: gone at once.
    let next = json!({"title": "The merger", "text": "It was called off."});
    library.put("wiki/plan", next).await;
    assert!(library.found(bob, ask("March")).await.is_empty());
    assert_eq!(library.found(bob, ask("called off")).await, ["plan"]);
    house.delete(admin, "/api/v1/sources/wiki/documents/plan").await.expect(200);
    assert!(library.found(bob, ask("called off")).await.is_empty());
}

#[tokio::test]
async fn sources_and_attributes_narrow_and_hidden_sources_are_as_those_that_never_were() {
    let library = library().await;
    let Library { ada, bob, .. } = &library;
    let everyone = json!({"allow": ["everyone"]});
    let tagged = json!({"title": "One", "text": "the common word", "attributes": {"team": "red", "labels": ["a", "b"]},
        "access": everyone});
    library.put("wiki/one", tagged).await;
    library.put("mail/two", json!({"title": "Two", "text": "the common word", "access": {"allow": [ada.id]}})).await;
    library.put("wiki/three", json!({"title": "Three", "text": "another common word", "access": everyone})).await;
    let narrowed = |key: &str, value: Value| json!({"query": "common word", key: value});
    assert_eq!(library.found(ada, narrowed("sources", json!(["mail"]))).await, ["two"]);
    assert_eq!(library.found(ada, narrowed("attributes", json!({"team": "red"}))).await, ["one"]);
    assert_eq!(library.found(ada, narrowed("attributes", json!({"labels": ["a"]}))).await, ["one"]);
    assert!(library.found(ada, narrowed("attributes", json!({"team": "blue"}))).await.is_empty());
    // To Bob the source of what he may not read is no source at all.
    let hidden = library.search(bob, narrowed("sources", json!(["mail"]))).await.refused(400, "invalid_value");
    let never = library.search(bob, narrowed("sources", json!(["none"]))).await.refused(400, "invalid_value");
    let masked = |reply: &Reply| reply.text.replace(reply.headers["x-request-id"].to_str().unwrap(), "");
    assert_eq!(masked(&hidden), masked(&never));
    for wrong in [ask(""), ask(" \u{200b}\n "), json!({"query": "x", "limit": 0}), json!({"query": "x", "limit": 101})]
    {
        let reply = library.search(ada, wrong.clone()).await;
        assert!(reply.status == 400 || reply.json()["passages"] == json!([]), "{wrong}: {}", reply.text);
    }
    assert_eq!(library.search(ada, json!({"query": "a".repeat(100_001)})).await.status, 400);
    assert!(library.found(ada, ask(&"word ".repeat(20_000))).await.len() >= 2);
}

#[tokio::test]
async fn twins_are_shown_once_and_one_that_is_hidden_takes_nobodys_place() {
    let library = library().await;
    let Library { ada, bob, .. } = &library;
    let text = "Trips that cost more than 500 euros need the approval of a manager before they are booked, each time.";
    for (name, who) in [("a", json!([ada.id])), ("b", json!(["everyone"])), ("c", json!(["everyone"]))] {
        let twin = json!({"title": format!("Copy {name}"), "text": text, "access": {"allow": who}});
        library.put(&format!("wiki/{name}"), twin).await;
    }
    assert_eq!(library.found(ada, ask("approval of trips")).await.len(), 1);
    assert_eq!(library.found(bob, ask("approval of trips")).await, ["b"]);
}

#[tokio::test]
async fn the_index_is_made_again_from_the_records() {
    let library = library().await;
    let Library { house, admin, ada, .. } = &library;
    for number in 0..20 {
        let text = format!("The {number}th page about nightingales");
        library
            .put(&format!("wiki/{number}"), json!({"title": "Birds", "text": text, "access": {"allow": ["everyone"]}}))
            .await;
    }
    let before = library.found(ada, ask("nightingales")).await;
    let rebuilt = house.post(admin, "/api/v1/index/rebuild", Value::Null).await.expect(200).json();
    assert_eq!(rebuilt["rebuilding"], true);
    assert_eq!(library.found(ada, ask("nightingales")).await, before);
    // Policies that say otherwise of what may be indexed begin it again by themselves.
    let no_indexing = r#"forbid(principal, action == Freehold::Action::"process", resource);"#;
    let policies = async |cedar: &str| {
        let put = json!({"cedar": cedar, "attributes": {}});
        house.put(admin, "/api/v1/policies", put).await.expect(200);
    };
    policies(no_indexing).await;
    while !library.found(ada, ask("nightingales")).await.is_empty() {
        tokio::task::yield_now().await;
    }
    let status = async || house.get(admin, "/api/v1/index").await.expect(200).json();
    let generation = status().await["generation"].clone();
    policies(r#"forbid(principal, action == Freehold::Action::"process", resource); "#).await;
    library.put("mail/1", json!({"title": "Mail", "text": "A letter", "access": {"allow": ["everyone"]}})).await;
    let now = status().await;
    assert_eq!((&now["generation"], &now["rebuilding"]), (&generation, &json!(false)), "they say the same as before");
    // Others at once after those that say otherwise, before anybody looked: it is made again all the same.
    policies("").await;
    policies(r#"forbid(principal, action == Freehold::Action::"share", resource);"#).await;
    while status().await["rebuilding"] == false {
        tokio::task::yield_now().await;
    }
    house.get(&ada.key, "/api/v1/index").await.refused(403, "role_missing");
}

#[tokio::test]
async fn sealed_matters_are_withheld_from_who_is_outside_and_their_canaries_are_told() {
    let library = library().await;
    let Library { house, admin, ada, bob } = &library;
    let everyone = json!({"allow": ["everyone"]});
    library
        .put("wiki/deal", json!({"title": "Minutes", "text": "We talked about Project Nightjar.", "access": everyone}))
        .await;
    library
        .put(
            "wiki/card",
            json!({"title": "Card", "text": "Nightly backups, call +49 30 901820 for help.", "access": everyone}),
        )
        .await;
    library.put("wiki/trap", json!({"title": "Trap", "text": "The trap says zebrafinch.", "access": everyone})).await;
    let rules = json!({
        "matters": [{"id": "nightjar", "terms": ["project nightjar"], "inside": [ada.id]}],
        "canaries": [{"id": "trap", "text": "zebrafinch"}],
        "guards": [{"detector": "phone", "inside": [ada.id]}],
    });
    house.put(&bob.key, "/api/v1/need_to_know", rules.clone()).await.refused(403, "role_missing");
    let put = house.put(admin, "/api/v1/need_to_know", rules.clone()).await.expect(200).json();
    assert_eq!(put["matters"][0]["terms"], rules["matters"][0]["terms"]);
    assert_eq!(library.found(ada, ask("project nightjar minutes")).await, ["deal"]);
    assert!(library.found(bob, ask("project nightjar minutes")).await.is_empty());
    // A twin whose title says nothing of it is found by who is outside.
    let text = "The keys are handed over on the third of March in the presence of both parties and their counsel.";
    for (name, title) in [("one", "Project Nightjar handover of keys"), ("two", "Handover of keys")] {
        library.put(&format!("wiki/{name}"), json!({"title": title, "text": text, "access": everyone})).await;
    }
    assert_eq!(library.found(bob, ask("nightjar handover of keys")).await, ["two"]);
    let words = |reply: Reply| reply.expect(200).json()["passages"][0]["text"].as_str().unwrap().to_owned();
    assert!(words(library.search(ada, ask("nightly backups")).await).contains("901820"));
    assert_eq!(words(library.search(bob, ask("nightly backups")).await), "Nightly backups, call [redacted] for help.");
    assert!(library.found(ada, ask("trap")).await.is_empty());
    let acts = house.get(admin, "/api/v1/audit").await.expect(200).text;
    assert!(acts.contains("met_canary") && acts.contains(&ada.id), "{acts}");
    // What is taken away leaves its place to the next.
    let notes =
        json!({"title": "Notes", "text": "Project notes of a project for the project team.", "access": everyone});
    library.put("wiki/notes", notes).await;
    let best = json!({"query": "minutes project nightjar", "limit": 1});
    assert_eq!(library.found(ada, best.clone()).await, ["deal"]);
    assert_eq!(library.found(bob, best).await, ["notes"]);
    // Wrong ones change nothing.
    let wrong = json!({"matters": [{"id": "x", "terms": ["--"], "inside": []}]});
    house.put(admin, "/api/v1/need_to_know", wrong).await.refused(400, "invalid_value");
    assert_eq!(library.found(bob, ask("project nightjar minutes")).await, ["notes"]);
}

#[tokio::test]
async fn a_change_is_told_before_it_is_made() {
    let library = library().await;
    let Library { house, admin, ada, bob } = &library;
    let list = json!({"allow": [ada.id]});
    let plan = library.put("wiki/plan", json!({"title": "Plan", "text": "A plan", "access": list})).await;
    let team = house.post(admin, "/api/v1/groups", json!({"name": "Team", "members": ["bob"]})).await.expect(201);
    let change =
        json!({"changes": [{"kind": "set_list", "document": plan["id"], "access": {"allow": [team.field("id")]}}]});
    let told = house.post(admin, "/api/v1/access/simulate", change).await.expect(200).json();
    let turns: Vec<(&str, &str)> = told["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["turn"].as_str().unwrap()))
        .collect();
    assert_eq!(turns.len(), 2, "{told}");
    assert!(turns.contains(&("ada", "loses")) && turns.contains(&("bob", "gains")), "{told}");
    assert_eq!((&told["gained"]["pairs"], &told["lost"]["people"]), (&json!(1), &json!(1)));
    // Nothing has changed.
    assert_eq!(library.found(ada, ask("plan")).await, ["plan"]);
    assert!(library.found(bob, ask("plan")).await.is_empty());
    let policies = json!({"changes": [{"kind": "put_policies", "cedar": "forbid(principal, action, resource);", "attributes": {}}]});
    let told = house.post(admin, "/api/v1/access/simulate", policies).await.expect(200).json();
    assert_eq!(told["lost"]["documents"], 1, "{told}");
    for (change, param) in [
        (json!({"kind": "remove_group", "group": "nobody"}), "changes[0].group"),
        (json!({"kind": "retire", "document": "doc_00000000000070008000000000000000"}), "changes[0].document"),
        (json!({"kind": "put_policies", "cedar": "permit(", "attributes": {}}), "changes[0].cedar"),
    ] {
        let reply = house.post(admin, "/api/v1/access/simulate", json!({"changes": [change]})).await.expect(400);
        assert_eq!(reply.json()["error"]["param"], param, "{}", reply.text);
    }
    house.post(&ada.key, "/api/v1/access/simulate", json!({"changes": []})).await.refused(403, "role_missing");
}
