//! How long it takes to fill the full-text index and to search it, by how much of it one may see.
//!
//! `cargo run --release -p knowledge --example lexical -- 200000 FOLDER` makes the index in the folder, which must not
//! exist, and deletes it at the end. Passages of 120 words, five to a document, from 200,000 words by Zipf's law.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use knowledge::KnowledgeError;
use knowledge::lexical::{LexicalIndex, LexicalPassage, PublicDocuments};

const WORDS: u64 = 200_000;
const WORDS_IN_A_PASSAGE: u64 = 120;
const PASSAGES_IN_A_DOCUMENT: u32 = 5;
const DOCUMENTS_IN_A_COMMIT: u32 = 5_000;
const QUERIES: u64 = 300;

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

    /// The rank of a word, with a frequency of about one over the rank.
    fn rank(&mut self) -> u64 {
        let share = self.roll(1 << 40) as f64 / (1_u64 << 40) as f64;
        ((WORDS as f64).powf(share) as u64).min(WORDS - 1)
    }
}

/// A word by its rank: the frequent ones are those of English, the others are syllables that spell a number.
fn word(rank: u64) -> String {
    const FIRST: [&str; 10] = ["the", "of", "and", "in", "to", "is", "for", "that", "with", "as"];
    if let Some(first) = usize::try_from(rank).ok().and_then(|rank| FIRST.get(rank)) {
        return (*first).to_owned();
    }
    const SYLLABLES: [&str; 16] =
        ["ba", "ke", "li", "mo", "nu", "pra", "se", "ti", "vo", "zu", "dra", "fe", "gi", "ho", "ju", "stel"];
    let (mut word, mut rest) = (String::new(), rank);
    while rest > 0 {
        word.push_str(SYLLABLES.get((rest % 16) as usize).copied().unwrap_or_default());
        rest /= 16;
    }
    word
}

fn text(dice: &mut Dice, words: u64) -> String {
    (0..words).map(|_| word(dice.rank())).collect::<Vec<_>>().join(" ")
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn report(name: &str, mut times: Vec<Duration>) -> io::Result<()> {
    times.sort_unstable();
    let at = |share: f64| times.get(((times.len() as f64 - 1.0) * share) as usize).copied().unwrap_or_default();
    let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| millis(at(share)));
    writeln!(
        io::stdout(),
        "{name:<44} p50 {p50:>8.3} ms   p95 {p95:>8.3} ms   p99 {p99:>8.3} ms   ({} times)",
        times.len()
    )
}

/// Fills the index, and says how long the puts and the commits took.
fn fill(index: &LexicalIndex, passages: u32) -> Result<(), KnowledgeError> {
    let (mut dice, mut put, mut commit) = (Dice(1), Duration::ZERO, Duration::ZERO);
    let documents = passages / PASSAGES_IN_A_DOCUMENT;
    for slot in 0..documents {
        let texts: Vec<String> = (0..PASSAGES_IN_A_DOCUMENT).map(|_| text(&mut dice, WORDS_IN_A_PASSAGE)).collect();
        let title = text(&mut dice, 4);
        let passage = |(text, number)| LexicalPassage { number, title: &title, headings: &[], text };
        let passages: Vec<LexicalPassage<'_>> = texts.iter().map(String::as_str).zip(0..).map(passage).collect();
        let start = Instant::now();
        index.put(slot, 1, Some("eng"), &passages)?;
        put += start.elapsed();
        if slot % DOCUMENTS_IN_A_COMMIT == DOCUMENTS_IN_A_COMMIT - 1 || slot + 1 == documents {
            let start = Instant::now();
            index.commit(slot.into())?;
            commit += start.elapsed();
        }
    }
    let (put, commit) = (millis(put), millis(commit));
    let rate = f64::from(passages) / (put + commit) * 1e3;
    let line = format!("{passages} passages: put {put:.0} ms, commits {commit:.0} ms, {rate:.0} passages a second");
    writeln!(io::stdout(), "{line}").map_err(unwritten)
}

fn unwritten(cause: io::Error) -> KnowledgeError {
    KnowledgeError::IndexUnusable { detail: cause.to_string() }
}

/// Searches by one who may see one document in so many. Public: everything, or nothing, which is when constants count.
fn search(index: &LexicalIndex, one_in: u32, counted: bool) -> Result<(), KnowledgeError> {
    let everything = |_: u32| counted;
    let public = PublicDocuments { generation: counted.into(), contains: &everything };
    let allowed = |slot: u32| (slot.wrapping_mul(2_654_435_761) / 16).is_multiple_of(one_in);
    let (mut dice, mut times, mut hits) = (Dice(99), Vec::new(), 0);
    for _ in 0..QUERIES {
        let length = 2 + dice.roll(7);
        let query = text(&mut dice, length);
        // The first time counts how frequent the words are; that is remembered.
        index.search(&query, &allowed, &public, 100)?;
        let start = Instant::now();
        hits += index.search(&query, &allowed, &public, 100)?.len();
        times.push(start.elapsed());
    }
    let kind = if counted { "counted weights" } else { "constant weights" };
    let name = format!("1 in {one_in}, {kind}, {:.0} hits", hits as f64 / QUERIES as f64);
    report(&name, times).map_err(unwritten)
}

fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

fn measure(passages: u32, folder: &Path) -> Result<(), KnowledgeError> {
    let index = LexicalIndex::open(folder)?;
    fill(&index, passages)?;
    for one_in in [1_000, 100, 10, 1] {
        search(&index, one_in, true)?;
        search(&index, one_in, false)?;
    }
    let start = Instant::now();
    index.purge()?;
    let purged = millis(start.elapsed());
    drop(index);
    let start = Instant::now();
    LexicalIndex::open(folder)?;
    let (opened, bytes) = (millis(start.elapsed()), size(folder) / u64::from(passages));
    let line = format!("purged in {purged:.0} ms, opened and checked in {opened:.0} ms, {bytes} bytes a passage");
    writeln!(io::stdout(), "{line}").map_err(unwritten)
}

fn main() -> Result<(), KnowledgeError> {
    let mut arguments = std::env::args().skip(1);
    let passages = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(200_000);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "lexical.index".to_owned()));
    if folder.exists() {
        let detail = format!("{} exists: name a folder that does not", folder.display());
        return Err(KnowledgeError::IndexUnusable { detail });
    }
    let measured = measure(passages, &folder);
    std::fs::remove_dir_all(&folder).map_err(unwritten)?;
    measured
}
