//! How long it takes to know what somebody may see, and what that costs in memory.
//!
//! `cargo run --release -p access --example visible -- lists 1000000` (nearly one list a document), or `folders` (1,000
//! lists), or `policies` (1,000 lists with 200 kinds of attributes). 10,000 people, 2,000 nested groups, and 200 writes of
//! lists a second from another thread while the last part runs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::{
    Access, AttributeKind, Caller, Change, Collection, Counts, Directory, Edit, Group, Key, Listing, Person, Policies,
    Snapshot, SourceStanding, authenticate, hash_secret, simulate,
};
use domain::{
    AccessList, Action, AttributeValue, Attributes, DocumentId, GroupId, KeyId, Limits, ListToken, Member, PersonId,
    Principal, SourceId, Timestamp, Token,
};
use uuid::Uuid;

const PEOPLE: u64 = 10_000;
const GROUPS: u64 = 2_000;
const FOLDERS: u64 = 1_000;
const PROJECTIONS: u64 = 200;
const ASKERS: u64 = 200;
const WRITES_A_SECOND: u64 = 200;
const SECONDS: u64 = 20;

/// A small generator (SplitMix64, Steele et al. 2014): the same numbers on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lists,
    Folders,
    Policies,
}

fn uuid(kind: u128, number: u64) -> Uuid {
    Uuid::from_u128((kind << 64) | u128::from(number))
}

fn person_id(number: u64) -> PersonId {
    PersonId::from_uuid(uuid(1, number))
}

fn group_id(number: u64) -> GroupId {
    GroupId::from_uuid(uuid(2, number))
}

fn document_id(number: u64) -> DocumentId {
    DocumentId::from_uuid(uuid(3, number))
}

fn source_id() -> SourceId {
    SourceId::from_uuid(uuid(4, 0))
}

fn now() -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000)
}

/// A tree of groups, four to a parent, and everybody in five of them at random.
fn directory(dice: &mut Dice) -> Directory {
    let mut directory = Directory::default();
    let mut epoch = 0;
    let mut change = |change: Change| {
        epoch += 1;
        directory.apply(epoch, &change);
    };
    for number in 0..GROUPS {
        let (name, source) = (format!("g{number}"), "idp".to_owned());
        let id = group_id(number);
        change(Change::PutGroup(Group { id, source, external_id: name.clone(), name, created_at: now() }));
        if number > 0 {
            change(Change::AddMember(group_id(number / 4), Member::Group(group_id(number))));
        }
    }
    for number in 0..PEOPLE {
        change(Change::PutPerson(person(number)));
        change(Change::AddKey(key(number)));
        for _ in 0..5 {
            change(Change::AddMember(group_id(dice.roll(GROUPS)), Member::Person(person_id(number))));
        }
    }
    directory
}

fn person(number: u64) -> Person {
    let name = format!("p{number}");
    Person {
        id: person_id(number),
        source: "idp".to_owned(),
        external_id: name.clone(),
        user_name: name.clone(),
        display_name: name,
        email: None,
        external: false,
        active: true,
        attributes: [("level".to_owned(), 3.into())].into(),
        created_at: now(),
    }
}

fn key(number: u64) -> Key {
    Key {
        id: KeyId::from_uuid(uuid(5, number)),
        holder: Principal::Person(person_id(number)),
        name: String::new(),
        hash: hash_secret(&number.to_string()),
        scopes: BTreeSet::new(),
        capture: None,
        limits: Limits::default(),
        expires_at: None,
        revoked_at: None,
        created_by: None,
        created_at: now(),
    }
}

/// Two groups, two people, one time in three everyone, and one time in twenty somebody who may not.
fn list(dice: &mut Dice) -> AccessList {
    let groups = [dice.roll(GROUPS), dice.roll(GROUPS)].map(|number| ListToken::from(Token::Group(group_id(number))));
    let people = [dice.roll(PEOPLE), dice.roll(PEOPLE)].map(|number| ListToken::from(Token::Person(person_id(number))));
    let mut list = AccessList::allowing(groups.into_iter().chain(people));
    if dice.roll(3) == 0 {
        list.allow.insert(Token::Everyone.into());
    }
    if dice.roll(20) == 0 {
        list.deny.insert(Token::Person(person_id(dice.roll(PEOPLE))).into());
    }
    list
}

fn collection(kind: Kind, documents: u64, directory: Directory, dice: &mut Dice) -> Collection {
    let mut collection = Collection::new(directory);
    let owner = Principal::Person(person_id(0));
    let standing = SourceStanding { owner, default_list: None, live: true, reconciled_at: Some(now()) };
    collection.apply(1, Edit::PutSource(source_id(), standing));
    if kind == Kind::Policies {
        let text = "forbid(principal, action, resource) when { resource.level > principal.level };
            forbid(principal, action == Freehold::Action::\"train\", resource) when { resource.region == \"r1\" };";
        let declared = [("level", AttributeKind::Long), ("region", AttributeKind::String)];
        let policies = Policies::parse(text, declared.map(|(name, kind)| (name.to_owned(), kind)).into());
        collection.apply(2, Edit::SetPolicies(Arc::new(policies.unwrap_or_default())));
    }
    let folders: Vec<AccessList> = (0..FOLDERS).map(|_| list(dice)).collect();
    for number in 0..documents {
        let list = if kind == Kind::Lists { list(dice) } else { folders[(number % FOLDERS) as usize].clone() };
        collection.apply(3 + number, put(number, list, kind));
    }
    collection
}

fn put(number: u64, list: AccessList, kind: Kind) -> Edit {
    let projection = number / FOLDERS % PROJECTIONS;
    let level = i64::try_from(projection % 5).unwrap_or_default();
    let region = AttributeValue::String(format!("r{}", projection / 5));
    let attributes = [("level".to_owned(), AttributeValue::Long(level)), ("region".to_owned(), region)];
    Edit::PutDocument {
        document: document_id(number),
        source: source_id(),
        version: 1,
        listing: Listing::Given(list),
        sensitivity: None,
        attributes: if kind == Kind::Policies { attributes.into() } else { Attributes::new() },
    }
}

/// Resident memory of this process, bytes.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

fn report(name: &str, mut times: Vec<Duration>) -> io::Result<()> {
    times.sort_unstable();
    let at = |share: f64| times.get(((times.len() as f64 - 1.0) * share) as usize).copied().unwrap_or_default();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    writeln!(
        io::stdout(),
        r#"{{"what": "{name}", "p50_ms": {:.4}, "p99_ms": {:.4}, "worst_ms": {:.4}, "times": {}}}"#,
        millis(at(0.5)),
        millis(at(0.99)),
        millis(at(1.0)),
        times.len()
    )
}

fn timed<T>(times: &mut Vec<Duration>, what: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = what();
    times.push(start.elapsed());
    result
}

/// What each asker sees, from nothing, and again with nothing changed.
fn still(snapshot: &Snapshot, callers: &[Caller]) -> io::Result<()> {
    let [mut accesses, mut anew, mut first, mut again, mut walked] = [const { Vec::new() }; 5];
    let mut counts = Vec::new();
    for caller in callers {
        let access = timed(&mut accesses, || Access::of(snapshot, caller, None, now()));
        counts.push(timed(&mut anew, || access.visible_anew(Action::Read)).count());
        timed(&mut first, || access.visible(Action::Read));
        let visible = timed(&mut again, || access.visible(Action::Read));
        timed(&mut walked, || visible.ordinals().count());
    }
    counts.sort_unstable();
    let middle = counts.get(counts.len() / 2).copied().unwrap_or_default();
    let (classes, projections) = (snapshot.classes(), snapshot.projections());
    writeln!(io::stdout(), "the middle asker sees {middle} of {classes} classes; {projections} projections")?;
    report("access made", accesses)?;
    report("visible, computed from nothing", anew)?;
    report("visible, from nothing and remembered", first)?;
    report("visible, remembered", again)?;
    report("every document asked about", walked)
}

fn lock(current: &Mutex<Snapshot>) -> MutexGuard<'_, Snapshot> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes lists at the agreed rate until it is done, and says how long each took.
fn write_lists(
    collection: &mut Collection,
    documents: u64,
    kind: Kind,
    (current, done): (&Mutex<Snapshot>, &AtomicBool),
) -> Vec<Duration> {
    let (mut dice, mut times, start) = (Dice(7), Vec::new(), Instant::now());
    for number in 0.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let (document, list) = (dice.roll(documents), list(&mut dice));
        let edit = match kind {
            Kind::Lists | Kind::Folders => Edit::SetList(document_id(document), Listing::Given(list)),
            Kind::Policies => put(document, list, kind),
        };
        timed(&mut times, || {
            collection.apply(documents + 10 + number, edit);
            let next = collection.snapshot();
            *lock(current) = next;
        });
        let due = Duration::from_micros(1_000_000 / WRITES_A_SECOND) * u32::try_from(number + 1).unwrap_or(0);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    times
}

/// The same while lists are written by another thread.
fn moving(collection: &mut Collection, callers: &[Caller], documents: u64, kind: Kind) -> io::Result<()> {
    let current = Mutex::new(collection.snapshot());
    let done = AtomicBool::new(false);
    let (mut reads, mut gates) = (Vec::new(), Vec::new());
    let before = collection.snapshot().memo_counts();
    let writes = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write_lists(collection, documents, kind, (&current, &done)));
        let start = Instant::now();
        for caller in callers.iter().cycle() {
            let snapshot = lock(&current).clone();
            let access = Access::of(&snapshot, caller, None, now());
            let visible = timed(&mut reads, || access.visible(Action::Read));
            let document = visible.ordinals().next().and_then(|ordinal| snapshot.document(ordinal));
            if let Some(document) = document {
                timed(&mut gates, || access.may(Action::Read, document, 1));
            }
            if start.elapsed() > Duration::from_secs(SECONDS) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        done.store(true, Ordering::Relaxed);
        writer.join().unwrap_or_default()
    });
    report("visible, under writes", reads)?;
    report("one document decided, with its reasons", gates)?;
    report("a list written and published", writes)?;
    let after = collection.snapshot().memo_counts();
    writeln!(
        io::stdout(),
        "under writes: {} kept, {} patched, {} narrowed, {} from nothing",
        after.kept - before.kept,
        after.patched - before.patched,
        after.narrowed - before.narrowed,
        after.anew - before.anew
    )
}

/// Writes that are rare: somebody joins a group, and a list of 50,000.
fn rare(collection: &mut Collection, documents: u64) -> io::Result<()> {
    let (mut joins, mut long_lists, mut held) = (Vec::new(), Vec::new(), collection.snapshot());
    let mut epoch = documents * 2;
    for number in 0..100 {
        epoch += 1;
        let member = Member::Person(person_id(number));
        let edit = Edit::Directory(Change::AddMember(group_id(number), member));
        timed(&mut joins, || {
            collection.apply(epoch, edit);
            held = collection.snapshot();
        });
    }
    for number in 0..5 {
        epoch += 1;
        let outside = |name| ListToken::External { source: "idp".to_owned(), external_id: format!("x{number}.{name}") };
        let list = AccessList::allowing((0..50_000).map(outside));
        let edit = Edit::SetList(document_id(number), Listing::Given(list));
        timed(&mut long_lists, || {
            collection.apply(epoch, edit);
            held = collection.snapshot();
        });
    }
    report("a member joins, published", joins)?;
    report("a list of 50,000 unknown tokens, published", long_lists)
}

/// What a change would change: somebody joins a group, a list, a default, policies.
fn simulated(snapshot: &Snapshot) -> io::Result<()> {
    let source = |default_list| SourceStanding {
        owner: Principal::Person(person_id(0)),
        default_list,
        live: true,
        reconciled_at: Some(now()),
    };
    let declared = BTreeMap::from([("level".to_owned(), AttributeKind::Long)]);
    let text = "forbid(principal, action, resource) when { resource has level && resource.level > 3 };";
    let policies = Arc::new(Policies::parse(text, declared).unwrap_or_default());
    let everyone = || AccessList::allowing([Token::Everyone]);
    for (name, edit) in [
        ("would change: a list", Edit::SetList(document_id(7), Listing::Given(everyone()))),
        ("would change: a membership", Edit::Directory(Change::AddMember(group_id(1), Member::Person(person_id(1))))),
        ("would change: a default", Edit::PutSource(source_id(), source(Some(everyone())))),
        ("would change: policies", Edit::SetPolicies(policies)),
    ] {
        let mut times = Vec::new();
        let simulation = timed(&mut times, || simulate(snapshot, &[edit], &[Action::Read], None, now()));
        report(name, times)?;
        let Counts { gained, lost } = simulation.pairs(Action::Read);
        writeln!(io::stdout(), "  {gained} gained, {lost} lost")?;
        let mut times = Vec::new();
        timed(&mut times, || simulation.differences(None, 100));
        report("  a page of 100", times)?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let kind = match arguments.next().as_deref() {
        Some("lists") => Kind::Lists,
        Some("policies") => Kind::Policies,
        _ => Kind::Folders,
    };
    let documents = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let mut dice = Dice(1);
    let directory = directory(&mut dice);
    let callers: Vec<Caller> = (0..ASKERS)
        .filter_map(|number| authenticate(&directory, &(number * (PEOPLE / ASKERS)).to_string(), now()).ok())
        .collect();
    let (before, start) = (resident(), Instant::now());
    let mut collection = collection(kind, documents, directory, &mut dice);
    let (seconds, bytes) = (start.elapsed().as_secs_f64(), resident() - before);
    writeln!(
        io::stdout(),
        "{kind:?}: {documents} documents in {} classes, filed in {seconds:.1} s, {} bytes a document",
        collection.snapshot().classes(),
        bytes / documents
    )?;
    still(&collection.snapshot(), &callers)?;
    simulated(&collection.snapshot())?;
    moving(&mut collection, &callers, documents, kind)?;
    rare(&mut collection, documents)?;
    let start = Instant::now();
    collection.compact();
    writeln!(io::stdout(), "everything filed anew in {:.1} s", start.elapsed().as_secs_f64())
}
