//! No path reaches what is hidden: every route, every place in it that takes an id or a name, every caller and every kind
//! of thing that this caller does not see. The answer is, byte for byte, that for what never was.
//!
//! There are two worlds, alike to the last id. In one a call names what is hidden, in the other what never was; whatever
//! differs between the answers, now or later, was told by the hidden thing.

mod calls;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use domain::Role;
use http::Method;
use serde_json::Value;
use server::routes::{ROUTES, Route};

use self::calls::{CALLS, Call, PLAIN};
use self::world::{BEHALF, Caller, Thing, World, parrot};
use crate::house::{House, Reply};

/// A reply as it is compared: without its request id, with what is hidden and what never was under one name, and with what
/// was made in the call itself (ids that nobody knew before) under another.
#[derive(Debug, PartialEq)]
struct Said {
    status: u16,
    headers: Vec<(String, String)>,
    text: String,
}

impl Said {
    fn of(reply: &Reply, asked: &[&str], known: &BTreeSet<&str>) -> Self {
        let clean = |text: &str| masked(text, asked, known);
        // The length is that of the text, timings included.
        let compared = reply.headers.iter().filter(|(name, _)| *name != "x-request-id" && *name != "content-length");
        let headers = compared.map(|(name, value)| (name.to_string(), clean(value.to_str().unwrap())));
        Self { status: reply.status.as_u16(), headers: headers.collect(), text: clean(&reply.text) }
    }
}

/// What stands before words that no two calls share: secrets, and timings.
const NEVER_ALIKE: [&str; 3] = ["\"fh_", "?token=", "\"ms\":"];

/// The text without secrets, with every id that is not among the known ones cut to its prefix, and without what was asked:
/// in this order, for a short name may stand in the digits of a new id.
fn masked(text: &str, asked: &[&str], known: &BTreeSet<&str>) -> String {
    let text = NEVER_ALIKE.iter().fold(text.to_owned(), |text, mark| without_word_after(&text, mark));
    let known = known.iter().chain(asked).copied().collect();
    asked.iter().fold(new_ids_masked(&text, &known), |text, asked| text.replace(asked, "(asked)"))
}

fn without_word_after(text: &str, mark: &str) -> String {
    let mut pieces = text.split(mark);
    let first = pieces.next().unwrap_or_default().to_owned();
    let of_word = |next: char| next.is_ascii_alphanumeric() || "-_.".contains(next);
    pieces.fold(first, |text, piece| text + mark + piece.trim_start_matches(of_word))
}

/// The text with every id that is not among the known ones cut to its prefix.
fn new_ids_masked(text: &str, known: &BTreeSet<&str>) -> String {
    const DIGITS: usize = 32;
    let mut masked = String::new();
    let mut rest = text;
    while let Some(place) = rest.find('_') {
        let (before, after) = rest.split_at(place + 1);
        masked.push_str(before);
        rest = after;
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let digits = after.bytes().take(DIGITS).take_while(is_digit).count();
        let prefix = before.len() - before.bytes().rev().skip(1).take_while(u8::is_ascii_lowercase).count() - 1;
        if digits == DIGITS && !known.contains(format!("{}{}", &before[prefix..], &after[..DIGITS]).as_str()) {
            masked.push('*');
            rest = &after[DIGITS..];
        }
    }
    masked + rest
}

/// Two worlds, alike to the last id.
struct Twins {
    one: World,
    other: World,
    calls: usize,
}

impl Twins {
    async fn made() -> Self {
        let parrot = parrot().await;
        Self { one: World::made(&parrot).await, other: World::made(&parrot).await, calls: 0 }
    }

    /// Asks for a hidden thing in one world and for what never was in the other.
    async fn ask(&mut self, call: &Call, place: &str, caller: usize, thing: usize) -> [Said; 2] {
        self.calls += 1;
        let (number, caller) = (self.calls, &self.one.callers[caller]);
        let (hidden, never) = (self.one.hidden[thing].called.as_str(), self.one.hidden[thing].never());
        let names = [hidden, never.as_str()];
        let (one, other) = (&self.one, &self.other);
        let fill =
            |asked: &str| call.filled(|name| if name == place { asked.to_owned() } else { own(one, name, number) });
        [said(one, call, &fill(hidden), caller, &names).await, said(other, call, &fill(&never), caller, &names).await]
    }
}

/// What a caller is told, and what they then see of the exchange itself: its trace must not say more than the answer did.
async fn said(world: &World, call: &Call, filled: &(String, String), caller: &Caller, names: &[&str]) -> Said {
    let (route, known) = (call.route().unwrap(), world.known());
    let mut said = Said::of(&world.call(caller, &route.method, filled).await, names, &known);
    if route.path.starts_with("/v1/") && route.method == Method::POST {
        let newest = ("/api/v1/traces?limit=1".to_owned(), String::new());
        let trace = world.call(caller, &Method::GET, &newest).await;
        said.text.push_str(&Said::of(&trace, names, &known).text);
    }
    said
}

/// What a place holds where nothing else is asked for there.
fn own(world: &World, place: &str, number: usize) -> String {
    let known = world.own.get(place).cloned();
    known.unwrap_or_else(|| format!("{place}-{number}"))
}

/// Whether the route opens for one of the caller's roles.
fn may_call(route: &Route, caller: &Caller) -> bool {
    route.open || route.roles.is_empty() || route.roles.iter().any(|role| caller.roles.contains(role))
}

/// Who asks for what at a place of a call: everybody for everything that they do not see.
fn questions(world: &World, call: &Call) -> Vec<(usize, usize)> {
    let route = call.route().unwrap();
    let mut questions = Vec::new();
    for (number, caller) in world.callers.iter().enumerate().filter(|(_, caller)| !caller.has(call.open_to)) {
        let hidden = (0..world.hidden.len()).filter(|thing| !caller.has(world.hidden[*thing].seen_by));
        // Who may not call the route at all is turned away before anything is looked at: once will do.
        let most = if may_call(route, caller) { usize::MAX } else { 1 };
        questions.extend(hidden.take(most).map(|thing| (number, thing)));
    }
    questions
}

#[tokio::test]
async fn what_is_hidden_answers_on_every_route_like_what_never_was() {
    let mut twins = Twins::made().await;
    let known = twins.one.known();
    assert_eq!(known, twins.other.known(), "the worlds are alike");
    assert!(twins.one.hidden.iter().all(|thing| !known.contains(thing.never().as_str())));
    // What is made on the way has another name in each world: lists are asked for before.
    let is_read = |call: &&Call| call.route().is_some_and(|route| route.method == Method::GET);
    let (reads, writes): (Vec<&Call>, Vec<&Call>) = CALLS.iter().partition(is_read);
    let mut differences = Vec::new();
    for call in reads.into_iter().chain(writes) {
        let questions = questions(&twins.one, call);
        for place in call.places() {
            for (caller, thing) in &questions {
                let [hidden, never] = twins.ask(call, place, *caller, *thing).await;
                if hidden != never {
                    let (name, what) = (twins.one.callers[*caller].name, twins.one.hidden[*thing].what);
                    differences.push(format!("{call}\n  {what} as <{place}> by {name}:\n  {hidden:?}\n  {never:?}"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    assert!(twins.calls > 5_000, "{} questions are too few", twins.calls);
}

#[tokio::test]
async fn nobody_learns_by_a_header_who_is_here() {
    let mut twins = Twins::made().await;
    let secrets = twins.one.old_secrets().await;
    assert_eq!(secrets, twins.other.old_secrets().await);
    let people: Vec<usize> =
        (0..twins.one.hidden.len()).filter(|thing| twins.one.hidden[*thing].what.contains("person")).collect();
    let mut differences = Vec::new();
    for call in CALLS {
        twins.calls += 1;
        let method = &call.route().unwrap().method;
        let (path, body) = call.filled(|place| own(&twins.one, place, twins.calls));
        let sent = (path.as_str(), body.as_str());
        for caller in twins.one.callers.iter().filter(|caller| caller.behalf.is_none()) {
            for thing in people.iter().map(|thing| &twins.one.hidden[*thing]) {
                let mut said = Vec::new();
                let names = [thing.called.clone(), thing.never()];
                let asked = [names[0].as_str(), names[1].as_str()];
                for (world, whom) in [&twins.one, &twins.other].into_iter().zip(&names) {
                    let reply = world.send(&caller.key, method, sent, [(BEHALF, whom.clone())]).await;
                    // An open route asks nobody for whom they call.
                    let is_open = call.route().is_some_and(|route| route.open);
                    assert!(is_open || reply.status == 403, "{call} for {}: {}", thing.what, reply.text);
                    said.push((!is_open).then(|| Said::of(&reply, &asked, &world.known())));
                }
                if said[0] != said[1] {
                    differences.push(format!("{call}\n  for {} by {}: {said:?}", thing.what, caller.name));
                }
            }
        }
        for (what, header, secret) in &secrets {
            let never = Thing { what, called: secret.clone(), seen_by: &[] }.never();
            let known = twins.one.known();
            let old = twins.one.send("", method, sent, [(header.clone(), secret.clone())]).await;
            let none = twins.one.send("", method, sent, [(header.clone(), never.clone())]).await;
            let asked = [secret.as_str(), never.as_str()];
            let said = [Said::of(&old, &asked, &known), Said::of(&none, &asked, &known)];
            if call.route().is_some_and(|route| !route.open) && (said[0] != said[1] || said[0].status != 401) {
                differences.push(format!("{call}\n  with {what}: {said:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

/// What everybody sees of their own and of all lists, where their roles do not show them all there is.
async fn seen(world: &World, is_seen: impl Fn(&Caller) -> bool) -> BTreeMap<String, Said> {
    let known = world.known();
    let mut seen = BTreeMap::new();
    for call in CALLS {
        let route = call.route().unwrap();
        if route.method != Method::GET || route.open {
            continue;
        }
        let filled = call.filled(|place| own(world, place, 0));
        let for_all = route.roles.is_empty() || route.roles.contains(&Role::User);
        let sees_all = |caller: &Caller| may_call(route, caller) && (!for_all || caller.has(call.open_to));
        for caller in world.callers.iter().filter(|caller| is_seen(caller) && !sees_all(caller)) {
            let reply = world.call(caller, &Method::GET, &filled).await;
            // The epoch is one for all, by contract, and moves with whatever anybody does.
            let mut said = Said::of(&reply, &[], &known);
            said.text = without_word_after(&said.text, "\"epoch\":");
            seen.insert(format!("{call} by {}", caller.name), said);
        }
    }
    seen
}

#[tokio::test]
async fn what_others_get_shows_in_nobodys_lists() {
    let parrot = parrot().await;
    let world = World::made(&parrot).await;
    let before = seen(&world, |_| true).await;
    let of_ben: Vec<_> = before.iter().filter(|(call, said)| call.ends_with("by ben") && said.status == 200).collect();
    assert!(of_ben.len() > 10, "Ben sees what is his: {of_ben:?}");
    for number in 1..=3 {
        world.more(number).await;
        assert_eq!(before, seen(&world, |_| true).await, "after {number} more of everything");
    }
    world.more_models(&parrot);
    let of_guests: BTreeMap<_, _> = before.into_iter().filter(|(call, _)| call.ends_with("by gus")).collect();
    assert_eq!(of_guests, seen(&world, |caller| caller.name == "gus").await, "after one more model");
}

#[tokio::test]
async fn what_others_got_shows_in_nothing_that_one_gets_later() {
    let parrot = parrot().await;
    let (busy, quiet) = (World::made(&parrot).await, World::made(&parrot).await);
    for number in 1..=3 {
        busy.more(number).await;
    }
    busy.more_for_ben().await;
    quiet.more_for_ben().await;
    assert_eq!(seen(&busy, |_| true).await, seen(&quiet, |_| true).await);
}

#[tokio::test]
async fn every_route_has_a_call_and_every_field_of_it_is_known() {
    let house = House::open().await;
    let document = house.get("", "/openapi.json").await.expect(200).json();
    for call in CALLS {
        assert!(call.route().is_some(), "{call}: there is no such route (any more): mend it in `foreign/calls.rs`");
    }
    for route in ROUTES {
        let name = format!("{} {}", route.method, route.path);
        let same = |found: &&Route| std::ptr::eq(*found, route);
        let calls: Vec<&Call> = CALLS.iter().filter(|call| call.route().as_ref().is_some_and(same)).collect();
        let todo =
            "add it to `CALLS` in `foreign/calls.rs`, with `<a thing of Ben's>` wherever it takes an id or a name";
        assert!(!calls.is_empty(), "{name} is not called: {todo}");
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let sent: BTreeSet<String> = calls.iter().flat_map(|call| call.fields()).collect();
        for field in fields_of(&document, operation) {
            let is_known = sent.contains(&field) || PLAIN.contains(&field.as_str());
            assert!(is_known, "nobody sends `{field}` to {name}: {todo}, or to `PLAIN` where it never does");
        }
        let has_body = calls.iter().any(|call| !call.filled(|_| String::new()).1.is_empty());
        assert!(has_body || operation["requestBody"].is_null(), "{name} has a body: {todo}");
    }
}

/// The parameters of an operation but those of its path, and the fields of its body where they are listed.
fn fields_of(document: &Value, operation: &Value) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let named = parameters.filter(|parameter| parameter["in"] != "path").map(|parameter| &parameter["name"]);
    let mut fields: Vec<String> = named.filter_map(Value::as_str).map(str::to_owned).collect();
    for content in operation["requestBody"]["content"].as_object().into_iter().flat_map(|content| content.values()) {
        let shape = content["schema"]["$ref"].as_str().unwrap_or_default().trim_start_matches("#/components/schemas/");
        let listed = document["components"]["schemas"][shape]["properties"].as_object();
        fields.extend(listed.into_iter().flat_map(|listed| listed.keys().cloned()));
    }
    fields
}

/// So that nothing is a 404 for want of a good call: with nothing foreign in it, somebody gets through.
#[tokio::test]
async fn every_call_that_names_nothing_hidden_gets_through() {
    let world = World::made(&parrot().await).await;
    let mut stopped = Vec::new();
    for (number, call) in CALLS.iter().enumerate().filter(|(_, call)| !call.places().is_empty()) {
        let method = &call.route().unwrap().method;
        if *method == Method::DELETE {
            continue;
        }
        let filled = call.filled(|place| own(&world, place, number));
        let mut replies = Vec::new();
        for caller in &world.callers {
            replies.push(world.call(caller, method, &filled).await);
        }
        // What is over cannot be cancelled, what is here in full not made again, and documents cannot be erased yet.
        let got_through = |reply: &Reply| reply.status.is_success() || reply.status.as_u16() == 409;
        let not_yet = call.to_string().contains(r#"{"document""#);
        if !not_yet && !replies.iter().any(got_through) {
            let told: Vec<&str> = replies.iter().map(|reply| reply.text.as_str()).collect();
            stopped.push(format!("{call}: {told:#?}"));
        }
    }
    assert!(stopped.is_empty(), "{}", stopped.join("\n"));
}
