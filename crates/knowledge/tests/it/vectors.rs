//! The index of vectors beside a plain loop over all of them, through writes, commits, crashes and damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use knowledge::KnowledgeError;
use knowledge::vectors::{Allowed, Neighbour, VectorIndex, VectorShape};
use proptest::prelude::*;

/// A folder that goes when the test does.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("freehold-vectors-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn copy_of(folder: &Path) -> Self {
        let copy = Self::new();
        for entry in fs::read_dir(folder).unwrap().flatten() {
            fs::copy(entry.path(), copy.0.join(entry.file_name())).unwrap();
        }
        copy
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A small generator (SplitMix64, Steele et al. 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// About normal, by the sum of uniform ones.
    fn normal(&mut self) -> f32 {
        (0..6).map(|_| self.roll(1 << 20) as f32 / (1 << 20) as f32 - 0.5).sum::<f32>() * 1.41
    }

    fn vector(&mut self, dimensions: usize) -> Vec<f32> {
        (0..dimensions).map(|_| self.normal()).collect()
    }
}

fn shape(dimensions: usize) -> VectorShape {
    VectorShape { dimensions, model: "a model".to_owned() }
}

fn open(folder: &Path, dimensions: usize) -> VectorIndex {
    VectorIndex::open(folder, shape(dimensions)).unwrap()
}

/// What the index should hold: for each slot the version and the vectors.
type Content = BTreeMap<u32, (u32, Vec<Vec<f32>>)>;

/// A plain loop over everything.
fn oracle(content: &Content, query: &[f32], allowed: impl Fn(u32) -> bool, limit: usize) -> Vec<Neighbour> {
    let length = |vector: &[f32]| vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    let mut every = Vec::new();
    for (slot, (version, vectors)) in content.iter().filter(|(slot, _)| allowed(**slot)) {
        for (number, vector) in (0..).zip(vectors) {
            let dot: f64 = vector.iter().zip(query).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum();
            let score = (dot / length(vector) / length(query)) as f32;
            every.push(Neighbour { slot: *slot, version: *version, number, score });
        }
    }
    every.sort_by(|left, right| {
        right.score.total_cmp(&left.score).then((left.slot, left.number).cmp(&(right.slot, right.number)))
    });
    every.truncate(limit);
    every
}

const WIDTH: usize = 12;

/// Four places hold a half: of length 1, with scores that are exact in any arithmetic, and so many of them equal.
fn halves(seed: u64) -> Vec<f32> {
    let (mut dice, mut vector) = (Dice(seed), vec![0.0; WIDTH]);
    while vector.iter().filter(|value| **value != 0.0).count() < 4 {
        vector[dice.roll(WIDTH as u64) as usize] = if dice.roll(2) == 0 { 0.5 } else { -0.5 };
    }
    vector
}

#[derive(Debug, Clone)]
enum Step {
    Put {
        slot: u32,
        seed: u64,
        count: usize,
    },
    Remove {
        slot: u32,
    },
    Commit,
    Compact,
    /// The process ends and another one opens what is on disk.
    Crash,
    Search {
        seed: u64,
        allowed: u64,
        limit: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..48_u32, 0..500_u64, 0..6_usize).prop_map(|(slot, seed, count)| Step::Put { slot, seed, count }),
        2 => (0..48_u32).prop_map(|slot| Step::Remove { slot }),
        2 => Just(Step::Commit),
        1 => Just(Step::Compact),
        1 => Just(Step::Crash),
        4 => (0..500_u64, any::<u64>(), 0..30_usize)
            .prop_map(|(seed, allowed, limit)| Step::Search { seed, allowed, limit }),
    ]
}

fn play(steps: Vec<Step>) {
    let mut home = Scratch::new();
    let mut index = open(&home.0, WIDTH);
    let (mut now, mut committed, mut stamp) = (Content::new(), Content::new(), 0);
    for step in steps {
        match step {
            Step::Put { slot, seed, count } => {
                let vectors: Vec<_> = (0..count as u64).map(|number| halves(seed + number)).collect();
                index.put(slot, seed as u32, &vectors).unwrap();
                now.insert(slot, (seed as u32, vectors));
            }
            Step::Remove { slot } => {
                index.remove(slot).unwrap();
                now.remove(&slot);
            }
            Step::Commit => {
                stamp += 1;
                index.commit(stamp).unwrap();
                committed.clone_from(&now);
            }
            Step::Compact => while index.compact_if_needed().unwrap() {},
            Step::Crash => {
                let copy = Scratch::copy_of(&home.0);
                index = open(&copy.0, WIDTH);
                home = copy;
                now.clone_from(&committed);
                assert_eq!(index.stamp(), stamp);
            }
            Step::Search { seed, allowed, limit } => {
                let rule = |slot: u32| allowed & (1 << slot) != 0;
                let found = index.search(&halves(seed), &Allowed::of(&rule), limit).unwrap();
                assert_eq!(found, oracle(&now, &halves(seed), rule, limit));
            }
        }
        assert_eq!(index.len(), now.values().map(|(_, vectors)| vectors.len()).sum::<usize>());
    }
    let found = index.search(&halves(7), &Allowed::of(&|_| true), usize::MAX).unwrap();
    assert_eq!(found, oracle(&now, &halves(7), |_| true, usize::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_writes_and_crashes_agree_with_a_plain_loop(steps in prop::collection::vec(step(), 1..80)) {
        play(steps);
    }
}

/// Vectors around topics that differ in size, as sentences about few things are.
fn topics(dice: &mut Dice, count: usize, topics: usize, dimensions: usize) -> Vec<(usize, Vec<f32>)> {
    let centres: Vec<_> = (0..topics).map(|_| dice.vector(dimensions)).collect();
    let draw = |dice: &mut Dice| (dice.roll(topics as u64).min(dice.roll(topics as u64))) as usize;
    let around = |dice: &mut Dice, topic: usize| {
        let vector = dice.vector(dimensions);
        (topic, centres[topic].iter().zip(vector).map(|(centre, stray)| centre + stray * 0.6).collect())
    };
    (0..count).map(|_| draw(dice)).collect::<Vec<_>>().into_iter().map(|topic| around(dice, topic)).collect()
}

const MANY: usize = 48_000;
const DIMENSIONS: usize = 40;

/// Fills an index with documents of four vectors of one topic each, commits, and lets it group them.
fn filled(folder: &Path, drawn: &[(usize, Vec<f32>)]) -> (VectorIndex, Content, Vec<usize>) {
    let index = open(folder, DIMENSIONS);
    let mut sorted: Vec<_> = drawn.to_vec();
    sorted.sort_by_key(|(topic, _)| *topic);
    let (mut content, mut topics) = (Content::new(), Vec::new());
    for (slot, group) in (0..).zip(sorted.chunks(4)) {
        let vectors: Vec<_> = group.iter().map(|(_, vector)| vector.clone()).collect();
        index.put(slot, 1, &vectors).unwrap();
        content.insert(slot, (1, vectors));
        topics.push(group[0].0);
    }
    index.commit(1).unwrap();
    assert!(index.compact_if_needed().unwrap());
    assert!(!index.compact_if_needed().unwrap());
    (index, content, topics)
}

/// The share of the ten nearest that are found, over these queries; no score may be wrong.
fn recall(index: &VectorIndex, content: &Content, queries: &[&Vec<f32>], allowed: impl Fn(u32) -> bool) -> f64 {
    let mut found = 0;
    for query in queries {
        let expected = oracle(content, query, &allowed, 10);
        for neighbour in index.search(query, &Allowed::of(&allowed), 10).unwrap() {
            assert!(allowed(neighbour.slot));
            let same = |other: &&Neighbour| (other.slot, other.number) == (neighbour.slot, neighbour.number);
            if let Some(other) = expected.iter().find(same) {
                assert!((other.score - neighbour.score).abs() < 1e-5);
                found += 1;
            }
        }
    }
    found as f64 / (queries.len() * 10) as f64
}

#[test]
fn nearly_nothing_is_missed_whatever_is_visible() {
    let (home, mut dice) = (Scratch::new(), Dice(3));
    let drawn = topics(&mut dice, MANY + 24, 24, DIMENSIONS);
    let (index, content, topics) = filled(&home.0, &drawn[..MANY]);
    let queries: Vec<_> = drawn[MANY..].iter().map(|(_, vector)| vector).collect();
    let topic = |slot: u32| topics[slot as usize];
    for share in [100, 90, 60] {
        let found = recall(&index, &content, &queries, |slot| slot.wrapping_mul(2_654_435_761) % 100 < share);
        assert!(found >= 0.99, "{share} of 100 visible: {found}");
    }
    let far: Vec<_> = drawn[MANY..].iter().filter(|(topic, _)| *topic < 6).map(|(_, vector)| vector).collect();
    let found = recall(&index, &content, &far, |slot| topic(slot) >= 6);
    assert!(found >= 0.99, "topics visible that nobody asks about: {found}");
    for share in [1, 10, 40] {
        let found = recall(&index, &content, &queries, |slot| slot.wrapping_mul(2_654_435_761) % 100 < share);
        assert!(found == 1.0, "{share} of 100 visible: {found}");
    }
    let found = recall(&index, &content, &far, |slot| topic(slot) >= 12);
    assert!(found == 1.0, "few topics visible that nobody asks about: {found}");
}

#[test]
fn replaced_and_removed_are_not_found_in_a_grouped_index() {
    let (home, mut dice) = (Scratch::new(), Dice(4));
    let drawn = topics(&mut dice, MANY, 24, DIMENSIONS);
    let (index, mut content, _) = filled(&home.0, &drawn);
    for slot in (0..4_000).step_by(2) {
        let vectors = vec![dice.vector(DIMENSIONS)];
        if slot % 4 == 0 {
            index.remove(slot).unwrap();
            content.remove(&slot);
        } else {
            index.put(slot, 2, &vectors).unwrap();
            content.insert(slot, (2, vectors));
        }
    }
    let queries: Vec<_> = drawn[..20].iter().map(|(_, vector)| vector).collect();
    assert!(recall(&index, &content, &queries, |_| true) >= 0.99);
    assert!((recall(&index, &content, &queries, |slot| slot < 4_000) - 1.0).abs() < 1e-9);
    index.commit(2).unwrap();
    while index.compact_if_needed().unwrap() {}
    let index = open(&home.0, DIMENSIONS);
    assert_eq!(index.len(), content.values().map(|(_, vectors)| vectors.len()).sum::<usize>());
    assert!(recall(&index, &content, &queries, |_| true) >= 0.99);
}

/// Documents in files that no commit names yet, one of which replaces what was committed, while segments are merged.
#[test]
fn what_is_not_committed_takes_nothing_away_from_what_is() {
    let home = Scratch::new();
    let index = open(&home.0, WIDTH);
    let mut committed = Content::new();
    for round in 0..3 {
        for slot in 0..9_000 {
            let vectors = vec![halves(u64::from(slot + round))];
            index.put(slot, round, &vectors).unwrap();
            committed.insert(slot, (round, vectors));
        }
        index.commit(u64::from(round)).unwrap();
    }
    for slot in 0..9_000 {
        index.put(slot, 9, &[]).unwrap();
    }
    assert!(index.compact_if_needed().unwrap());
    assert!(index.is_empty());
    for half_written in ["manifest.draft", "00000999.codes", "00000999.vectors"] {
        fs::write(home.0.join(half_written), "half of").unwrap();
    }
    let copy = Scratch::copy_of(&home.0);
    let reopened = open(&copy.0, WIDTH);
    assert_eq!(reopened.stamp(), 2);
    assert!(!copy.0.join("00000999.codes").exists());
    let found = reopened.search(&halves(3), &Allowed::of(&|_| true), 50).unwrap();
    assert_eq!(found, oracle(&committed, &halves(3), |_| true, 50));
}

#[test]
fn many_small_commits_leave_few_files() {
    let home = Scratch::new();
    let index = open(&home.0, WIDTH);
    for slot in 0..200 {
        index.put(slot, 1, &[halves(u64::from(slot))]).unwrap();
        index.commit(u64::from(slot)).unwrap();
    }
    let files = fs::read_dir(&home.0).unwrap().count();
    assert!(files <= 2 * 10 + 1, "{files}");
    assert_eq!(open(&home.0, WIDTH).len(), 200);
}

#[test]
fn another_shape_and_strange_vectors_are_refused() {
    let home = Scratch::new();
    open(&home.0, WIDTH).commit(1).unwrap();
    let refused = |dimensions: usize, model: &str| {
        let shape = VectorShape { dimensions, model: model.to_owned() };
        matches!(VectorIndex::open(&home.0, shape), Err(KnowledgeError::IndexDamaged { .. }))
    };
    assert!(refused(WIDTH + 1, "a model") && refused(WIDTH, "another model") && !refused(WIDTH, "a model"));
    let index = open(&home.0, WIDTH);
    for strange in [vec![1.0; WIDTH + 1], vec![f32::NAN; WIDTH], vec![f32::INFINITY; WIDTH]] {
        assert!(index.search(&strange, &Allowed::of(&|_| true), 1).is_err());
        assert!(index.put(1, 1, &[strange]).is_err());
    }
    index.put(1, 1, &[vec![0.0; WIDTH], vec![3.0; WIDTH]]).unwrap();
    let scores: Vec<f32> =
        index.search(&[2.0; WIDTH], &Allowed::of(&|_| true), 5).unwrap().iter().map(|found| found.score).collect();
    assert!((scores[0] - 1.0).abs() < 1e-6 && scores[1] == 0.0, "{scores:?}");
}

/// An index of a few files, of which one has clusters.
fn whole() -> Scratch {
    let home = Scratch::new();
    let index = open(&home.0, WIDTH);
    for slot in 0..9_000 {
        index.put(slot, 1, &[halves(u64::from(slot))]).unwrap();
    }
    index.commit(1).unwrap();
    for slot in 8_990..15_000 {
        index.put(slot, 1, &[halves(u64::from(slot))]).unwrap();
    }
    index.commit(2).unwrap();
    while index.compact_if_needed().unwrap() {}
    index.put(2, 2, &[halves(1)]).unwrap();
    index.commit(3).unwrap();
    home
}

/// Opens the folder and reads everything in it.
fn read_all(folder: &Path) -> Result<Vec<Neighbour>, KnowledgeError> {
    let index = VectorIndex::open(folder, shape(WIDTH))?;
    index.search(&halves(1), &Allowed::of(&|_| true), usize::MAX)
}

#[test]
fn a_file_of_vectors_that_is_not_as_it_was_written_is_named() {
    let (home, mut dice) = (whole(), Dice(8));
    let good = read_all(&home.0).unwrap();
    assert_eq!(good.len(), 15_000);
    let names: Vec<_> = fs::read_dir(&home.0).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in &names {
        let path = home.0.join(name);
        let before = fs::read(&path).unwrap();
        for kind in 0..24 {
            let (mut bytes, at) = (before.clone(), dice.roll(before.len() as u64) as usize);
            match kind % 4 {
                0 => bytes[at] ^= 1 << dice.roll(8),
                1 => bytes.truncate(at),
                2 => bytes.push(0),
                _ => bytes.swap(at, before.len() - 1 - at),
            }
            fs::write(&path, &bytes).unwrap();
            match read_all(&home.0) {
                Ok(found) => {
                    let harmless = bytes == before || name == "manifest.json";
                    assert!(harmless && found == good, "{name:?} altered ({kind}, {at}) and not found out");
                }
                Err(KnowledgeError::IndexDamaged { detail }) => {
                    assert!(detail.contains(name.to_str().unwrap()), "{name:?}: {detail}");
                }
                Err(other) => panic!("{name:?}: {other}"),
            }
        }
        fs::write(&path, &before).unwrap();
    }
    assert_eq!(read_all(&home.0).unwrap(), good);
    for name in names.iter().filter(|name| *name != "manifest.json") {
        let without = Scratch::copy_of(&home.0);
        fs::remove_file(without.0.join(name)).unwrap();
        let error = read_all(&without.0).unwrap_err().to_string();
        assert!(error.contains(name.to_str().unwrap()) && error.contains("is missing"), "{error}");
    }
}

/// Documents are put, committed and merged while others search: each answer is of one moment.
#[test]
fn searches_go_on_while_documents_are_written() {
    let home = Scratch::new();
    let index = open(&home.0, WIDTH);
    let pair = |version: u32| vec![halves(u64::from(version)); 2];
    for slot in 0..300 {
        index.put(slot, 0, &pair(0)).unwrap();
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut searches = 0;
            while !done.load(Ordering::Relaxed) || searches < 20 {
                let found = index.search(&halves(5), &Allowed::of(&|slot| slot < 300), usize::MAX).unwrap();
                let mut every: Vec<_> = found.iter().map(|found| (found.slot, found.number, found.version)).collect();
                every.sort_unstable();
                assert_eq!(every.len(), 600, "each document once, with both of its vectors");
                assert!(every.chunks(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].2 == pair[1].2));
                searches += 1;
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                index.compact_if_needed().unwrap();
            }
        });
        for round in 1..3_000_u32 {
            index.put(round % 300, round, &pair(round)).unwrap();
            if round % 100 == 0 {
                index.commit(u64::from(round)).unwrap();
            }
            if reader.is_finished() {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    index.commit(9).unwrap();
    assert_eq!(open(&home.0, WIDTH).len(), 600);
}
