//! How fast records are: `cargo run --release -p store --example records -- FOLDER [ROWS]`. Records exchanges under
//! load, rolls them, reads, joins, erases one person, and prints a line of JSON for each figure. `bench/README.md` says
//! what the figures mean. The folder must be new or empty.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use access::{Access, Caller, Change, Person};
use domain::{
    Action, CallerRecord, Capture, Clock, Decision, DecisionId, ErasureId, Outcome, PersonId, Principal, Provenance,
    Question, Resource, Rule, Stage, Timestamp, TokenCounts, Trace, TraceContent, TraceId, Verdict,
};
use serde_json::json;
use store::{Erasee, Faults, Kept, Store, StoreError, StoreOptions, TraceEntry, TraceQuery};
use uuid::Uuid;

const PEOPLE: u128 = 1_000;
const DAYS: i64 = 30;
const TASKS: [&str; 3] = ["assistant", "support-triage", "invoice-fields"];
/// Callers who wait for their record at the same time.
const CALLERS: u64 = 256;
const WORDS: [&str; 24] = [
    "ledger",
    "invoice",
    "please",
    "refund",
    "the",
    "customer",
    "account",
    "when",
    "order",
    "arrived",
    "broken",
    "new",
    "address",
    "delivery",
    "Straße",
    "paiement",
    "factura",
    "請求書",
    "and",
    "of",
    "monthly",
    "statement",
    "card",
    "limit",
];

type Ended = Result<(), Box<dyn Error>>;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

#[tokio::main]
async fn main() -> Ended {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder, and a number of rows")?);
    let rows: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let clock = Arc::new(SystemClock);
    let options =
        StoreOptions { data_dir: folder.clone(), database_url: None, clock: clock.clone(), faults: Faults::default() };
    let store = Store::open(options).await?;
    let people = (0..PEOPLE).map(|number| Change::PutPerson(person(number))).collect();
    store.commit::<StoreError>(None, |_| Ok(people)).await?;
    let now = clock.now();

    let started = Instant::now();
    let recording: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in (caller..rows).step_by(CALLERS as usize) {
                    store.record(entry(number, now)).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .collect();
    for task in recording {
        task.await??;
    }
    figure("recorded, durable", "per_second", rows as f64 / started.elapsed().as_secs_f64())?;
    figure("state before rolling", "mib", mib(&folder))?;

    let started = Instant::now();
    let rolled = store.roll().await?;
    figure("rolled", "per_second", rolled.traces as f64 / started.elapsed().as_secs_f64())?;
    let started = Instant::now();
    let joined = store.lake().compact(2).await?;
    figure("joined", "seconds", started.elapsed().as_secs_f64())?;
    figure("files before joining", "number", joined.files_before as f64)?;
    figure("files after joining", "number", joined.files_after as f64)?;
    store.lake().expire(clock.now()).await?;
    figure("tables", "mib", mib(&folder.join("lake")))?;
    figure("the same as JSON lines", "mib", jsonl_bytes(rows, now) / f64::from(1 << 20))?;

    let asked = access_of(&store, PEOPLE / 2)?;
    for (name, limit) in [("newest 100 of one person", 100), ("all of one person", 1_000)] {
        let mut times = Vec::new();
        for _ in 0..9 {
            let started = Instant::now();
            let page = store.traces(&asked, TraceQuery { limit, ..TraceQuery::default() }).await?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
            if page.data.is_empty() {
                return Err("nothing was found".into());
            }
        }
        times.sort_by(f64::total_cmp);
        figure(name, "ms_median", times[times.len() / 2])?;
    }
    let id = TraceId::from_uuid(uuid_of(rows / 2, now));
    let started = Instant::now();
    let owner = Principal::Person(person(u128::from(rows / 2) % PEOPLE).id);
    store.trace(owner, id).await?.ok_or("an exchange is missing")?;
    figure("one exchange by id", "ms", started.elapsed().as_secs_f64() * 1e3)?;

    let (started, began) = (Instant::now(), SystemTime::now());
    let erasure = store.erase(ErasureId::from_uuid(Uuid::from_u128(1)), Erasee::Principal(owner), None).await?;
    figure("one person erased", "seconds", started.elapsed().as_secs_f64())?;
    figure("their exchanges", "number", erasure.removed["traces"] as f64)?;
    figure("tables, of which written again", "mib", mib_since(&folder.join("lake"), began))?;

    let quiet = arrivals(&store, rows).await?;
    let tidying = tokio::spawn({
        let store = store.clone();
        async move { while tidy(&store).await.is_ok() {} }
    });
    let busy = arrivals(&store, 2 * rows).await?;
    tidying.abort();
    for (name, times) in
        [("a record while 1,000 a second arrive", quiet), ("the same while they roll and are joined", busy)]
    {
        figure(name, "ms_p50", times[times.len() / 2])?;
        figure(name, "ms_p99", times[times.len() * 99 / 100])?;
    }
    store.close().await;
    Ok(())
}

async fn tidy(store: &Store) -> Result<(), StoreError> {
    store.roll().await?;
    store.lake().compact(2).await?;
    Ok(store.lake().expire(Timestamp::from_micros(i64::MAX)).await?)
}

/// Records 1,000 exchanges a second for ten seconds, whether or not those before are durable; answers how long each took,
/// milliseconds, sorted.
async fn arrivals(store: &Store, first: u64) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut every = tokio::time::interval(Duration::from_millis(1));
    let mut waiting = Vec::new();
    for number in first..first + 10_000 {
        every.tick().await;
        let (store, entry) = (store.clone(), entry(number, SystemClock.now()));
        waiting.push(tokio::spawn(async move {
            let started = Instant::now();
            store.record(entry).await.map(|()| started.elapsed().as_secs_f64() * 1e3)
        }));
    }
    let mut times = Vec::new();
    for task in waiting {
        times.push(task.await??);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn figure(what: &str, unit: &str, value: f64) -> std::io::Result<()> {
    let figure = json!({"what": what, "unit": unit, "value": (value * 100.0).round() / 100.0});
    writeln!(std::io::stdout(), "{figure}")
}

fn access_of(store: &Store, number: u128) -> Result<Access, Box<dyn Error>> {
    let snapshot = store.snapshot();
    let caller = Caller::on_control_socket(snapshot.directory(), person(number).id)?;
    Ok(Access::of(&snapshot, &caller, None, SystemClock.now()))
}

fn person(number: u128) -> Person {
    let name = format!("p{number}");
    Person {
        id: PersonId::from_uuid(Uuid::from_u128(number << 64 | 0x7000_8000)),
        source: "local".to_owned(),
        external_id: name.clone(),
        user_name: name.clone(),
        display_name: name,
        email: None,
        external: false,
        active: true,
        attributes: std::collections::BTreeMap::new(),
        created_at: Timestamp::from_micros(0),
    }
}

/// The day of an exchange: most of them are of the last days.
fn at(number: u64, now: Timestamp) -> Timestamp {
    let day = (number % 97).pow(2) as i64 * DAYS / 97_i64.pow(2);
    now.plus_seconds(-day * 86_400)
}

/// Its time, then its number.
fn uuid_of(number: u64, now: Timestamp) -> Uuid {
    let ms = u128::try_from(at(number, now).micros() / 1_000).unwrap_or(0);
    Uuid::from_u128(ms << 80 | 0x7000_8000 << 48 | u128::from(number))
}

/// Words that look like a conversation: about 700 bytes, no two alike.
fn words(number: u64, count: u64) -> String {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    for _ in 0..count {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 33) as usize % WORDS.len()]);
        text.push_str(if state >> 60 == 0 { ". " } else { " " });
        if state >> 58 == 3 {
            text.push_str(&(state >> 40).to_string());
        }
    }
    text
}

fn entry(number: u64, now: Timestamp) -> TraceEntry {
    let owner = Principal::Person(person(u128::from(number) % PEOPLE).id);
    let ms = (number % 4_000) as f64 / 3.0;
    let trace = Trace {
        id: TraceId::from_uuid(uuid_of(number, now)),
        created_at: at(number, now),
        task: TASKS[number as usize % 3].to_owned(),
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
        prompt_hash: Some(format!("{:064x}", u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c5d))),
        configuration_hash: Some("cd".repeat(32)),
        provenance: Provenance::words_of(owner),
        tokens: TokenCounts { prompt: 100 + number % 300, cached: 20, completion: 30 + number % 70 },
        logprobs: None,
        stages: ["queue", "first_token", "total"].map(|name| Stage { name: name.to_owned(), ms }).to_vec(),
        cost_micro_usd: 45,
    };
    let content = TraceContent {
        input: json!({"messages": [{"role": "user", "content": words(number, 60)}]}),
        output: json!({"role": "assistant", "content": words(!number, 45)}),
        passages: Vec::new(),
        metadata: None,
    };
    let decisions = vec![decision(number, &trace)];
    TraceEntry { trace, content: Some(content), kept: Kept::default(), decisions }
}

/// That the owner may use the model, as the door records it.
fn decision(number: u64, trace: &Trace) -> Decision {
    let owner = trace.caller.principal.to_string();
    Decision {
        id: DecisionId::from_uuid(uuid_of(number, trace.created_at)),
        created_at: trace.created_at,
        trace: Some(trace.id),
        task: trace.task.clone(),
        epoch: trace.epoch,
        policy_hash: None,
        question: Question {
            caller: trace.caller.clone(),
            action: Action::Use,
            resource: Resource::Model { name: trace.model.clone().unwrap_or_default() },
        },
        verdict: Verdict::yes(Rule::Everyone, vec![owner, "everyone".to_owned()]),
    }
}

fn jsonl_bytes(rows: u64, now: Timestamp) -> f64 {
    let sample = rows.min(10_000);
    let bytes: usize = (0..sample)
        .map(|number| {
            let entry = entry(number * (rows / sample), now);
            json!({"trace": entry.trace, "content": entry.content}).to_string().len() + 1
        })
        .sum();
    bytes as f64 * rows as f64 / sample as f64
}

fn mib(folder: &Path) -> f64 {
    mib_since(folder, SystemTime::UNIX_EPOCH)
}

/// The size of files that were written at this moment or later.
fn mib_since(folder: &Path, moment: SystemTime) -> f64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => mib_since(&entry.path(), moment),
            Ok(metadata) if metadata.modified().is_ok_and(|modified| modified >= moment) => {
                metadata.len() as f64 / f64::from(1 << 20)
            }
            _ => 0.0,
        })
        .sum()
}
