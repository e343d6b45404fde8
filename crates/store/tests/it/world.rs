//! Clocks, ids and records for the tests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use access::{Access, Caller, Directory, Person, Snapshot};
use domain::{
    Action, CallerRecord, Capture, Clock, Decision, DecisionId, KeyId, Outcome, PersonId, Principal, Provenance,
    Question, Resource, ResponseId, Role, Rule, Stage, Timestamp, Token, TokenCounts, Trace, TraceContent, TraceId,
    Verdict,
};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use store::{Faults, Kept, Store, StoreError, StoreOptions, StoredResponse, TraceEntry};
use tempfile::TempDir;
use uuid::Uuid;

/// A clock that stands until it is moved.
pub(crate) struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

impl SetClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_790_000_000_000_000)))
    }

    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

/// Where one store lives: opened, closed and opened again.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<SetClock>,
    database_url: Option<String>,
}

impl Place {
    pub(crate) fn on_sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: SetClock::new(), database_url: None }
    }

    pub(crate) fn on_postgres(database_url: String) -> Self {
        Self { database_url: Some(database_url), ..Self::on_sqlite() }
    }

    pub(crate) const fn is_on_sqlite(&self) -> bool {
        self.database_url.is_none()
    }

    pub(crate) fn options(&self) -> StoreOptions {
        StoreOptions {
            data_dir: self.folder.path().to_owned(),
            database_url: self.database_url.clone(),
            clock: self.clock.clone(),
            faults: Faults::default(),
        }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(self.options()).await.unwrap()
    }

    /// Runs a statement past the store, as somebody with the database in hand would.
    pub(crate) async fn alter(&self, statement: &str) {
        sqlx::any::install_default_drivers();
        let file = format!("sqlite://{}/state.db", self.folder.path().display());
        let mut connection = AnyConnection::connect(self.database_url.as_deref().unwrap_or(&file)).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    pub(crate) async fn reopen(&self, store: Store) -> Store {
        store.close().await;
        drop(store);
        self.open().await
    }
}

/// A clock that never moves, for places that a test makes itself.
pub(crate) async fn open(folder: &Path) -> Result<Store, StoreError> {
    let (data_dir, faults) = (folder.to_owned(), Faults::default());
    Store::open(StoreOptions { data_dir, database_url: None, clock: SetClock::new(), faults }).await
}

pub(crate) fn now() -> Timestamp {
    SetClock::new().now()
}

pub(crate) fn admin(directory: &Directory) -> Arc<Person> {
    directory.person_by_external("local", "admin").unwrap().clone()
}

pub(crate) fn person_id(number: u128) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn trace_id(number: u128) -> TraceId {
    TraceId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn response_id(number: u128) -> ResponseId {
    ResponseId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn key_id(number: u128) -> KeyId {
    KeyId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn person(number: u128) -> Person {
    Person {
        id: person_id(number),
        source: "local".to_owned(),
        external_id: format!("p{number}"),
        user_name: format!("p{number}"),
        display_name: format!("Person {number}"),
        email: None,
        external: false,
        active: true,
        attributes: std::collections::BTreeMap::new(),
        created_at: now(),
    }
}

/// What this person may do now.
pub(crate) fn access_of(directory: &Directory, person: PersonId) -> Access {
    let caller = Caller::on_control_socket(directory, person).unwrap();
    Access::of(&Snapshot::from(directory.clone()), &caller, None, now())
}

/// What this person may do by a snapshot.
pub(crate) fn access_at(snapshot: &Snapshot, person: PersonId) -> Access {
    match Caller::on_control_socket(snapshot.directory(), person) {
        Ok(caller) => Access::of(snapshot, &caller, None, now()),
        Err(_) => panic!("{person} is not active"),
    }
}

pub(crate) fn trace(number: u128, owner: Principal) -> Trace {
    Trace {
        id: trace_id(number),
        created_at: now(),
        task: "assistant".to_owned(),
        task_version: 1,
        caller: CallerRecord { principal: owner, via: Vec::new(), key: None, purpose: None, subject: None },
        epoch: 5,
        capture: Capture::Full,
        outcome: Outcome::Answered,
        reason: None,
        model: Some("qwen2.5-coder-1.5b-instruct-q4_k_m".to_owned()),
        adapter: None,
        weights_hash: Some("cc324af0".repeat(8)),
        upstream: Some("embedded".to_owned()),
        prompt_hash: Some("ab".repeat(32)),
        configuration_hash: Some("cd".repeat(32)),
        provenance: Provenance::words_of(owner),
        tokens: TokenCounts { prompt: 120, cached: 20, completion: 30 },
        logprobs: None,
        stages: vec![
            Stage { name: "queue".to_owned(), ms: 0.012_345_678_9 },
            Stage { name: "first_token".to_owned(), ms: 41.7 },
            Stage { name: "total".to_owned(), ms: 903.25 },
        ],
        cost_micro_usd: 45,
    }
}

pub(crate) fn content(words: &str) -> TraceContent {
    TraceContent {
        input: json!([{"role": "user", "content": words}]),
        output: json!({"role": "assistant", "content": format!("You said: {words}")}),
        passages: Vec::new(),
        metadata: Some(json!({"ticket": "T-1"})),
    }
}

pub(crate) fn entry(number: u128, owner: Principal, words: &str) -> TraceEntry {
    let decisions = vec![decision(number, owner)];
    TraceEntry { trace: trace(number, owner), content: Some(content(words)), kept: Kept::default(), decisions }
}

/// That the owner may use the model, of the exchange of the same number; every third says no.
pub(crate) fn decision(number: u128, owner: Principal) -> Decision {
    let Trace { id, created_at, task, caller, epoch, .. } = trace(number, owner);
    let resource = Resource::Model { name: "smollm2-135m".to_owned() };
    let via = vec![owner.to_string()];
    Decision {
        id: DecisionId::from_uuid(Uuid::from_u128(number)),
        created_at,
        trace: Some(id),
        task,
        epoch,
        policy_hash: None,
        question: Question { caller, action: Action::Use, resource },
        verdict: if number.is_multiple_of(3) {
            Verdict::no(Rule::Guest, via)
        } else {
            Verdict::yes(Rule::Everyone, via)
        },
    }
}

/// An exchange whose reply is kept, and to the same number.
pub(crate) fn entry_with_reply(number: u128, owner: Principal, words: &str) -> TraceEntry {
    let mut entry = entry(number, owner, words);
    entry.kept.response = Some(StoredResponse {
        id: response_id(number),
        owner,
        previous: None,
        trace: Some(trace_id(number)),
        provenance: Provenance::words_of(owner),
        body: json!({"output": words}),
        created_at: now(),
        expires_at: None,
    });
    entry
}

/// Keeps a reply, with an exchange of somebody else's that no list of the owner shows.
pub(crate) async fn keep(store: &Store, response: &StoredResponse) -> Result<(), StoreError> {
    let owner = Principal::Person(person_id(u128::MAX));
    let mut entry = entry(response.id.uuid().as_u128() | 1 << 127, owner, "");
    entry.kept.response = Some(response.clone());
    store.record(entry).await
}

/// Everything that a directory shows, as text that can be compared.
pub(crate) fn shown(directory: &Directory) -> String {
    let mut lines = vec![format!("epoch {}", directory.epoch())];
    for person in directory.people() {
        let principal = Principal::Person(person.id);
        let found = directory.person_by_external(&person.source, &person.external_id).map(|found| found.id);
        lines.push(format!("{person:?} {found:?} {:?} {:?}", directory.closure(principal), directory.roles(principal)));
    }
    for group in directory.groups() {
        let members: Vec<_> = directory.members(group.id).collect();
        let parents: Vec<_> = directory.parents(domain::Member::Group(group.id)).collect();
        let granted: Vec<_> = directory.granted(Token::Group(group.id)).collect();
        let found = directory.group_by_external(&group.source, &group.external_id).map(|found| found.id);
        lines.push(format!("{group:?} {found:?} {members:?} {parents:?} {granted:?}"));
    }
    for service in directory.services() {
        lines.push(format!("{service:?} {:?}", directory.roles(Principal::Service(service.id))));
    }
    lines.push(format!("{:?}", directory.granted(Token::Everyone).collect::<Vec<Role>>()));
    for key in directory.keys() {
        lines.push(format!("{key:?} {:?}", directory.key_by_hash(&key.hash).map(|found| found.id)));
    }
    lines.extend(directory.sessions().map(|session| format!("{session:?} {:?}", session.hash.as_bytes())));
    lines[1..].sort();
    lines.join("\n")
}
