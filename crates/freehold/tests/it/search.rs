//! Two hundred people search what their company knows, and ten ask the assistant: each finds what they may read, and
//! nothing betrays the rest.

use std::collections::BTreeMap;

use reqwest::Client;
use serde_json::{Value, json};

use super::company::{self, Company, Paper};
use super::server::{Server, Start, json as command, run};

struct Office {
    server: Server,
    admin: Client,
    company: Company,
    keys: BTreeMap<String, String>,
}

impl Office {
    async fn open(company: Company) -> Self {
        let server = Start::with_model().on_new_folder();
        // Reading the log blocks for a minute at a time: connections that wait would be gone.
        let admin = server.client_that(|client| client.pool_max_idle_per_host(0));
        let office = Self { admin, company, keys: BTreeMap::new(), server };
        let imported = office.post("directory/import?source=staff", office.company.directory()).await;
        assert!(imported["epoch"].is_u64(), "{imported}");
        office.post("sources", json!({"name": "papers", "kind": "push"}).to_string()).await;
        let lines: Vec<String> = office.company.papers.iter().map(|paper| paper.line().to_string()).collect();
        let put = office.send("sources/papers/documents", lines.join("\n")).await;
        assert!(
            put.lines().count() == lines.len() && put.lines().all(|line| line.contains(r#""status":"ok""#)),
            "{put}"
        );
        office.with_keys().await
    }

    async fn with_keys(mut self) -> Self {
        for person in self.company.people.keys().cloned().collect::<Vec<_>>() {
            let made = self.post("keys", json!({"person": person, "name": "search"}).to_string()).await;
            self.keys.insert(person, made["key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned());
        }
        self
    }

    async fn post(&self, path: &str, body: String) -> Value {
        serde_json::from_str(&self.send(path, body).await).unwrap()
    }

    async fn send(&self, path: &str, body: String) -> String {
        let sent = self.admin.post(format!("{}/api/v1/{path}", self.server.url)).body(body);
        sent.header("content-type", "application/json").send().await.unwrap().text().await.unwrap()
    }

    async fn status(&self) -> Value {
        let sent = self.admin.get(format!("{}/api/v1/index", self.server.url));
        sent.send().await.unwrap().json().await.unwrap()
    }

    /// Waits until everything can be found by its words and by what it means.
    async fn settled(&mut self) -> Value {
        loop {
            self.server.wait_for("every document can be found");
            let status = self.status().await;
            if status["pending"] == 0 {
                return status;
            }
        }
    }

    /// The status and the whole body of a search, as it came.
    async fn search(&self, person: &str, query: &str) -> (u16, String) {
        let sent = self.admin.post(format!("{}/api/v1/search", self.server.url)).json(&json!({"query": query}));
        let answer = sent.header("authorization", format!("Bearer {}", self.keys[person])).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Searches, and looks for every canary that this person may not read.
    async fn searches(&self, person: &str, query: &str) -> Value {
        let (status, body) = self.search(person, query).await;
        assert_eq!(status, 200, "{body}");
        self.check_for_leaks(person, query, &body);
        serde_json::from_str(&body).unwrap()
    }

    /// The question itself is not repeated in answers, so that nothing of it can hide a leak.
    fn check_for_leaks(&self, person: &str, query: &str, body: &str) {
        let hidden = self.company.papers.iter().filter(|paper| !self.company.may_read(person, paper));
        let leaked: Vec<&Paper> = hidden.filter(|paper| body.contains(&paper.canary)).collect();
        assert!(leaked.is_empty(), "{person} asked '{query}' and got {}", leaked[0].external_id);
    }

    /// Asks the assistant, and looks for leaks in all that comes, and in the trace that is kept of it.
    async fn asks(&self, person: &str, question: &str) -> String {
        let body = json!({"model": "assistant", "stream": true, "max_tokens": 16, "messages": [
            {"role": "user", "content": question}]});
        let key = format!("Bearer {}", self.keys[person]);
        let sent = self.admin.post(format!("{}/v1/chat/completions", self.server.url)).json(&body);
        let answer = sent.header("authorization", &key).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let trace = answer.headers()["freehold-trace"].to_str().unwrap().to_owned();
        let body = answer.text().await.unwrap();
        self.check_for_leaks(person, question, &body);
        assert!(body.trim_end().ends_with("data: [DONE]") && !body.contains(r#""error""#), "{body}");
        let sent = self.admin.get(format!("{}/api/v1/traces/{trace}", self.server.url));
        let kept: Value = sent.header("authorization", key).send().await.unwrap().json().await.unwrap();
        assert_eq!((&kept["task"], &kept["outcome"]), (&json!("assistant"), &json!("answered")), "{kept}");
        self.check_for_leaks(person, question, &kept["output"].to_string());
        body
    }
}

fn first(found: &Value) -> &str {
    found["passages"][0]["external_id"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn two_hundred_people_find_what_they_may_read_and_nothing_of_the_rest() {
    let Some(folder) = company::data() else {
        return println!("skipped: FREEHOLD_DATA names no folder with `enterprise`");
    };
    let mut office = Office::open(Company::read(&folder, 200, 100)).await;
    let status = office.settled().await;
    assert_eq!((&status["failed"], &status["indexed"]), (&json!(0), &json!(office.company.papers.len())), "{status}");
    let papers = &office.company.papers;
    let mut found_own = 0;
    for (number, person) in office.company.people.keys().enumerate() {
        let mine: Vec<&Paper> = papers
            .iter()
            .filter(|paper| office.company.may_read(person, paper) && !paper.external_id.starts_with("post"))
            .collect();
        let others: Vec<&Paper> = papers.iter().filter(|paper| !office.company.may_read(person, paper)).collect();
        // What is another's, by its canary and by what it is about.
        let other = others[number * 7 % others.len()];
        let found = office.searches(person, &other.canary).await;
        assert!(!found.to_string().contains(&other.external_id));
        let about: Vec<&str> = other.text.split_whitespace().skip(4).take(14).collect();
        office.searches(person, &about.join(" ")).await;
        // One's own, by its canary, comes first.
        if let Some(own) = mine.get(number % mine.len().max(1)) {
            assert_eq!(first(&office.searches(person, &own.canary).await), own.external_id, "{person}");
            found_own += 1;
        }
    }
    assert!(found_own >= 50, "{found_own} people have something of their own");
    asked_and_answered(&office).await;
    explained_and_revoked(&mut office).await;
}

/// Ten people ask the assistant: what another's paper is about, which gives nothing of it, and what their own says, which is
/// quoted to them.
async fn asked_and_answered(office: &Office) {
    let papers = &office.company.papers;
    let mut quoted = 0;
    for (number, person) in office.company.people.keys().enumerate() {
        let own = |paper: &&Paper| office.company.may_read(person, paper) && !paper.external_id.starts_with("post");
        let Some(mine) = papers.iter().filter(own).nth(number % 3) else { continue };
        let others: Vec<&Paper> = papers.iter().filter(|paper| !office.company.may_read(person, paper)).collect();
        let other = others[number * 11 % others.len()];
        let about: Vec<&str> = other.text.split_whitespace().skip(4).take(10).collect();
        office.asks(person, &format!("What do you know of this: {}?", about.join(" "))).await;
        let body = office.asks(person, &format!("What is the reference {} about?", mine.canary)).await;
        assert!(body.contains(&mine.canary), "{person} is shown their own: {body}");
        quoted += 1;
        if quoted == 10 {
            return;
        }
    }
    panic!("{quoted} people have something of their own");
}

/// A revocation is obeyed by the next question, and the rules say why.
async fn explained_and_revoked(office: &mut Office) {
    let papers = &office.company.papers;
    let (person, paper) = office
        .company
        .people
        .keys()
        .find_map(|person| {
            let of_two =
                |paper: &&Paper| paper.external_id.starts_with("talk") && office.company.may_read(person, paper);
            Some((person, papers.iter().find(of_two)?))
        })
        .unwrap();
    let found = office.searches(person, &paper.canary).await;
    let document = found["passages"][0]["document"].as_str().unwrap().to_owned();
    let why = run(&office.server.data, &["can", person, "read", &document, "--why"]);
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(why.starts_with("yes: list_allows: per_"), "{why}");
    let external_id = paper.external_id.replace('/', "%2F");
    let path = format!("{}/api/v1/sources/papers/documents/{external_id}/access", office.server.url);
    let narrowed = office.admin.put(path).json(&json!({"allow": []})).send().await.unwrap();
    assert_eq!(narrowed.status().as_u16(), 200);
    let (_, body) = office.search(person, &paper.canary).await;
    assert!(!body.contains(&paper.canary), "{body}");
    let why = command(&office.server.data, &["can", person, "read", &document, "--json"]);
    assert_eq!(why["allowed"], false, "{why}");
    // Made again from the records, without anything being embedded anew, it finds the same.
    let before = office.search(person, "quarterly performance reviews").await;
    run(&office.server.data, &["index", "rebuild"]);
    let person = person.clone();
    office.server.wait_for("the index was made again and serves");
    assert_eq!(office.search(&person, "quarterly performance reviews").await, before);
}
