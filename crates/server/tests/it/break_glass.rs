//! Break-glass through the door: who asks, who agrees, what opens, until when, and who is told.

use domain::{Clock as _, Role};
use serde_json::{Value, json};

use crate::house::{House, Reply, Somebody};

const PATH: &str = "/api/v1/break_glass";
const NEVER: &str = "doc_00000000000070008000000000000000";

/// Ada asks, Bob agrees, Cleo is to read; Olga owns the source of a document that its list gives to nobody.
struct Office {
    house: House,
    ada: Somebody,
    bob: Somebody,
    cleo: Somebody,
    olga: Somebody,
    document: String,
}

async fn office() -> Office {
    let house = House::open().await;
    let [ada, bob] = [house.person("ada", &[Role::Security]).await, house.person("bob", &[Role::Security]).await];
    let cleo = house.person("cleo", &[Role::User]).await;
    let olga = house.person("olga", &[Role::User, Role::Operator]).await;
    house.post(&olga.key, "/api/v1/sources", json!({"name": "wiki", "kind": "push"})).await.expect(201);
    let document = json!({"title": "The plan", "text": "one canary", "access": {"allow": []}});
    let put = house.put(&olga.key, "/api/v1/sources/wiki/documents/plan", document).await.expect(200);
    Office { document: put.field("id"), house, ada, bob, cleo, olga }
}

impl Office {
    fn wanted(&self) -> Value {
        let expires_at = self.house.clock.now().plus_seconds(3_600);
        json!({"person": "cleo", "documents": [self.document], "reason": "a court order", "expires_at": expires_at})
    }

    /// The same with some fields replaced.
    fn wanted_with(&self, fields: Value) -> Value {
        let mut wanted = self.wanted();
        wanted.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        wanted
    }

    async fn asked(&self, wanted: Value) -> String {
        let asked = self.house.post(&self.ada.key, PATH, wanted).await.expect(201);
        assert_eq!(asked.json()["state"], "requested");
        asked.field("id")
    }

    async fn approve(&self, whose: &Somebody, id: &str) -> Reply {
        self.house.post(&whose.key, &format!("{PATH}/{id}/approve"), Value::Null).await
    }

    /// Asked for and agreed to.
    async fn opened(&self) -> String {
        let id = self.asked(self.wanted()).await;
        assert_eq!(self.approve(&self.bob, &id).await.expect(200).json()["state"], "active");
        id
    }

    async fn text(&self, whose: &Somebody) -> Reply {
        self.house.get(&whose.key, &format!("/api/v1/documents/{}/text", self.document)).await
    }

    async fn shown(&self, whose: &Somebody, id: &str) -> Reply {
        self.house.get(&whose.key, &format!("{PATH}/{id}")).await
    }

    async fn notices(&self, whose: &Somebody) -> Vec<Value> {
        let page = self.house.get(&whose.key, "/api/v1/notices").await.expect(200).json();
        page["data"].as_array().unwrap().iter().filter(|notice| notice["kind"] == "break_glass").cloned().collect()
    }

    async fn epoch(&self) -> u64 {
        self.house.get(&self.ada.key, "/api/v1/me").await.expect(200).json()["epoch"].as_u64().unwrap()
    }

    /// Whoever is turned away gets the bytes of a document that never was.
    async fn is_closed_to(&self, whose: &Somebody) {
        for path in ["", "/text"] {
            let [found, never] = [self.document.as_str(), NEVER].map(|id| format!("/api/v1/documents/{id}{path}"));
            let (found, never) = (self.house.get(&whose.key, &found).await, self.house.get(&whose.key, &never).await);
            assert_eq!(masked(&found), masked(&never));
            found.refused(404, "not_found");
        }
    }
}

/// The same but for the id of the request.
fn masked(reply: &Reply) -> (u16, String) {
    let id = reply.headers["x-request-id"].to_str().unwrap();
    (reply.status.as_u16(), reply.text.replace(id, "req"))
}

#[tokio::test]
async fn a_document_opens_to_one_person_once_a_second_one_agreed() {
    let office = office().await;
    let Office { house, ada, bob, cleo, olga, document } = &office;
    let before = office.epoch().await;
    let id = office.asked(office.wanted()).await;
    assert_eq!(office.epoch().await, before, "asking takes no epoch");
    office.is_closed_to(cleo).await;
    let active = office.approve(bob, &id).await.expect(200).json();
    assert_eq!((&active["requested_by"], &active["approved_by"]), (&json!(ada.id), &json!(bob.id)));
    assert_eq!(office.epoch().await, before + 1, "agreeing takes one");
    assert_eq!(office.text(cleo).await.expect(200).json()["text"], "one canary");
    let shown = house.get(&cleo.key, &format!("/api/v1/documents/{document}")).await.expect(200).json();
    assert_eq!(shown["title"], "The plan");
    for other in [ada, bob, olga] {
        office.is_closed_to(other).await;
    }
    // It is opened by its id and not found.
    let found = house.post(&cleo.key, "/api/v1/search", json!({"query": "canary"})).await.expect(200).json();
    assert_eq!(found["passages"], json!([]));
    // What let it through is said, with both names, and is given again.
    let path = format!("/api/v1/access/explain?person=cleo&action=read&resource={document}");
    let why = house.get(&cleo.key, &path).await.expect(200).json();
    assert_eq!(why["reasons"][0]["rule"], "break_glass");
    let via = json!([cleo.id, id, ada.id, bob.id, format!("{document} version 1")]);
    assert_eq!(why["reasons"][0]["via"], via);
    let entry = house.get(&ada.key, &format!("/api/v1/epochs?after={before}")).await.expect(200).json();
    assert_eq!((&entry["data"][0]["kind"], &entry["data"][0]["actor"]), (&json!("break_glass"), &json!(bob.id)));
    assert_eq!(entry["data"][0]["ids"], json!([id, ada.id, cleo.id, document]));
}

#[tokio::test]
async fn one_person_is_not_two() {
    let office = office().await;
    let Office { house, ada, bob, cleo, olga, .. } = &office;
    let id = office.asked(office.wanted()).await;
    office.approve(ada, &id).await.refused(403, "second_person_needed");
    // Who is to read does not agree either, whatever their roles.
    house.locally(http::Method::PATCH, "/api/v1/people/cleo", json!({"roles": ["user", "security"]})).await.expect(200);
    office.approve(cleo, &id).await.refused(403, "second_person_needed");
    house.locally(http::Method::PATCH, "/api/v1/people/cleo", json!({"roles": ["user"]})).await.expect(200);
    // Nor does somebody in another's name, or a service.
    let desk = house.service(json!({"name": "desk"}), json!(["act_for", "security"])).await;
    let path = format!("{PATH}/{id}/approve");
    let mut acting = crate::house::request(&desk.key, http::Method::POST, &path, Value::Null);
    acting.headers_mut().insert("freehold-on-behalf-of", http::HeaderValue::try_from(bob.id.as_str()).unwrap());
    house.send(acting).await.refused(403, "key_is_narrowed");
    for (somebody, code) in [(cleo, "role_missing"), (olga, "role_missing")] {
        office.approve(somebody, &id).await.refused(403, code);
        house.post(&somebody.key, PATH, office.wanted()).await.refused(403, code);
        house.delete(&somebody.key, &format!("{PATH}/{id}")).await.refused(403, code);
    }
    office.is_closed_to(cleo).await;
    // Once is enough, and an id that never was is none.
    office.approve(bob, &id).await.expect(200);
    office.approve(bob, &id).await.refused(409, "not_requested");
    for never in ["brk_00000000000070008000000000000000", "brk_broken"] {
        office.approve(bob, never).await.refused(404, "not_found");
        house.delete(&bob.key, &format!("{PATH}/{never}")).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn who_asked_and_has_no_say_any_more_is_not_agreed_with() {
    let office = office().await;
    let id = office.asked(office.wanted()).await;
    office.house.locally(http::Method::DELETE, "/api/v1/people/ada", Value::Null).await.expect(200);
    office.approve(&office.bob, &id).await.refused(409, "not_requested");
    office.is_closed_to(&office.cleo).await;
}

#[tokio::test]
async fn it_ends_at_its_time_or_when_somebody_ends_it() {
    let office = office().await;
    let Office { house, ada, bob, cleo, .. } = &office;
    let first = office.opened().await;
    house.clock.advance_seconds(3_599);
    office.text(cleo).await.expect(200);
    house.clock.advance_seconds(1);
    office.is_closed_to(cleo).await;
    assert_eq!(office.shown(ada, &first).await.expect(200).json()["state"], "expired");
    let second = office.opened().await;
    office.text(cleo).await.expect(200);
    let before = office.epoch().await;
    let ended = house.delete(&ada.key, &format!("{PATH}/{second}")).await.expect(200).json();
    assert_eq!((&ended["state"], &ended["ended_by"]), (&json!("ended"), &json!(ada.id)));
    assert_eq!(office.epoch().await, before + 1);
    office.is_closed_to(cleo).await;
    // Again changes nothing; a request that is taken back opens nothing any more.
    assert_eq!(house.delete(&bob.key, &format!("{PATH}/{second}")).await.expect(200).json(), ended);
    let third = office.asked(office.wanted()).await;
    house.delete(&ada.key, &format!("{PATH}/{third}")).await.expect(200);
    assert_eq!(office.epoch().await, before + 1, "what opened nothing takes no epoch");
    office.approve(bob, &third).await.refused(409, "not_requested");
    // What was decided meanwhile is decided again as it was then.
    house.post(&cleo.key, "/v1/chat/completions", json!({"model": "x", "messages": []})).await;
    let replays = house.get(&ada.key, "/api/v1/replays?limit=100").await.expect(200).json();
    let replays = replays["data"].as_array().unwrap();
    assert!(replays.iter().all(|replay| replay["identical"] == true), "{replays:?}");
    let by_it = |replay: &&Value| replay["decision"]["reasons"][0]["rule"] == "break_glass";
    assert_eq!(replays.iter().filter(by_it).count(), 2);
}

#[tokio::test]
async fn it_stands_in_for_the_list_and_for_nothing_else() {
    let office = office().await;
    let Office { house, bob, cleo, olga, .. } = &office;
    office.opened().await;
    office.text(cleo).await.expect(200);
    let forbid = json!({"cedar": "forbid(principal, action, resource);", "attributes": {}});
    house.put(&bob.key, "/api/v1/policies", forbid).await.expect(200);
    office.is_closed_to(cleo).await;
    house.put(&bob.key, "/api/v1/policies", json!({"cedar": "", "attributes": {}})).await.expect(200);
    office.text(cleo).await.expect(200);
    house.delete(&olga.key, "/api/v1/sources/wiki/documents/plan").await.expect(200);
    office.is_closed_to(cleo).await;
}

#[tokio::test]
async fn the_owner_is_told_at_once_or_when_the_delay_is_over() {
    let office = office().await;
    let Office { house, ada, bob, cleo, olga, document } = &office;
    let at_once = office.opened().await;
    let told = office.notices(olga).await;
    assert_eq!((told.len(), &told[0]["subject"], &told[0]["actor"]), (1, &json!(at_once), &json!(bob.id)));
    let seen = office.shown(olga, &at_once).await.expect(200).json();
    assert_eq!((&seen["reason"], &seen["documents"]), (&json!("a court order"), &json!([document])));
    let notice_at = house.clock.now().plus_seconds(86_400);
    let delayed = json!({"notice_at": notice_at, "delay_reason": "the owner is under investigation"});
    let later = office.asked(office.wanted_with(delayed)).await;
    office.approve(bob, &later).await.expect(200);
    office.text(cleo).await.expect(200);
    house.clock.advance_seconds(86_399);
    assert_eq!(office.notices(olga).await, told, "not yet");
    office.shown(olga, &later).await.refused(404, "not_found");
    house.clock.advance_seconds(1);
    for _ in 0..2 {
        let told = office.notices(olga).await;
        assert_eq!((told.len(), &told[0]["subject"], &told[0]["at"]), (2, &json!(later), &json!(notice_at)));
    }
    office.shown(olga, &later).await.expect(200);
    let audit = house.get(&ada.key, "/api/v1/audit?limit=100").await.expect(200).json();
    let acts = audit["data"].as_array().unwrap().iter().filter(|act| act["verb"].as_str().unwrap().contains("glass"));
    let acts: Vec<(&str, &str, &str)> = acts
        .map(|act| (&act["verb"], &act["actor"], &act["ids"][0]))
        .map(|(verb, actor, id)| (verb.as_str().unwrap(), actor.as_str().unwrap(), id.as_str().unwrap()))
        .collect();
    let expected = [
        ("delay_break_glass_notice", bob.id.as_str(), later.as_str()),
        ("approve_break_glass", &bob.id, &later),
        ("request_break_glass", &ada.id, &later),
        ("approve_break_glass", &bob.id, &at_once),
        ("request_break_glass", &ada.id, &at_once),
    ];
    assert_eq!(acts, expected);
    assert!(!audit.to_string().contains("court order"), "reasons stand with what was asked for");
}

#[tokio::test]
async fn each_sees_what_is_theirs_to_see() {
    let office = office().await;
    let Office { house, ada, bob, cleo, olga, .. } = &office;
    let theirs = office.opened().await;
    let others = office.asked(office.wanted_with(json!({"person": "bob"}))).await;
    let listed = async |whose: &Somebody| {
        let page = house.get(&whose.key, PATH).await.expect(200).json();
        let ids = page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    for security in [ada, bob] {
        assert_eq!(listed(security).await, [others.clone(), theirs.clone()]);
    }
    assert_eq!(listed(cleo).await, std::slice::from_ref(&theirs));
    assert_eq!(listed(olga).await, Vec::<String>::new());
    office.shown(cleo, &theirs).await.expect(200);
    let never = "brk_00000000000070008000000000000000";
    for somebody in [cleo, olga] {
        let (found, absent) = (office.shown(somebody, &others).await, office.shown(somebody, never).await);
        assert_eq!(masked(&found), masked(&absent));
        found.refused(404, "not_found");
    }
    let page = house.get(&ada.key, &format!("{PATH}?limit=1")).await.expect(200).json();
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (1, &json!(true)));
    let next = house.get(&ada.key, &format!("{PATH}?after={others}")).await.expect(200).json();
    assert_eq!(next["data"][0]["id"], json!(theirs));
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_what_to_do() {
    let office = office().await;
    let Office { house, ada, .. } = &office;
    let at = |seconds| json!(house.clock.now().plus_seconds(seconds));
    for (fields, param) in [
        (json!({"documents": []}), "documents"),
        (json!({"documents": [NEVER]}), "documents[0]"),
        (json!({"documents": vec![office.document.clone(); 101]}), "documents"),
        (json!({"reason": " "}), "reason"),
        (json!({"expires_at": at(0)}), "expires_at"),
        (json!({"expires_at": at(86_401)}), "expires_at"),
        (json!({"notice_at": at(60)}), "delay_reason"),
        (json!({"delay_reason": "x"}), "notice_at"),
        (json!({"notice_at": at(0), "delay_reason": "x"}), "notice_at"),
        (json!({"colour": 1}), "colour"),
    ] {
        let reply = house.post(&ada.key, PATH, office.wanted_with(fields.clone())).await.expect(400);
        assert_eq!(reply.json()["error"]["param"], json!(param), "{fields}: {}", reply.text);
    }
    house.post(&ada.key, PATH, office.wanted_with(json!({"person": "nobody"}))).await.refused(404, "not_found");
    house.post(&ada.key, PATH, office.wanted_with(json!({"expires_at": at(86_400)}))).await.expect(201);
}
