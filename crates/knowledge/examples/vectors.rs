//! How long a search by meaning takes among what somebody may see, and what it finds; `bench/vectors.py` runs it.
//!
//! `vectors FOLDER DIMENSIONS VECTORS SLOTS QUERIES CASES LIMIT`: files of little-endian numbers, f32 for vectors and
//! queries, u32 for the slot of each vector (ascending). Each case is two files, `CASES.NAME.allowed` with a byte for each slot and
//! `CASES.NAME.asked` with u32 numbers of queries. An index that the folder holds already is used as it is.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use knowledge::vectors::{Allowed, VectorIndex, VectorShape};
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn words<T>(path: &str, word: impl Fn([u8; 4]) -> T) -> Outcome<Vec<T>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks().0.iter().map(|bytes| word(*bytes)).collect())
}

/// Resident memory of this process, bytes.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

fn say(line: &serde_json::Value) -> Outcome<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// Fills the index document by document, commits every 1,000 documents, and merges as a server would in the background.
fn fill(index: &VectorIndex, dimensions: usize, vectors: &str, slots: &str) -> Outcome<()> {
    let (vectors, slots) = (words(vectors, f32::from_le_bytes)?, words(slots, u32::from_le_bytes)?);
    let (start, mut first, mut stamp) = (Instant::now(), 0, 0);
    for group in slots.chunk_by(|left, right| left == right) {
        let rows = vectors[first * dimensions..(first + group.len()) * dimensions].chunks_exact(dimensions);
        index.put(group[0], 1, &rows.map(<[f32]>::to_vec).collect::<Vec<_>>())?;
        first += group.len();
        if group[0] % 1000 == 999 {
            stamp += 1;
            index.commit(stamp)?;
        }
    }
    index.commit(stamp + 1)?;
    let filled = start.elapsed().as_secs_f64();
    let start = Instant::now();
    while index.compact_if_needed()? {}
    let compacted = start.elapsed().as_secs_f64();
    say(&json!({"what": "built", "vectors": index.len(), "put_s": filled, "compact_s": compacted}))
}

/// Asks one case's queries, once to warm up and then timed.
fn ask(index: &VectorIndex, dimensions: usize, queries: &[f32], case: &Path, limit: usize) -> Outcome<()> {
    let allowed = std::fs::read(case)?;
    let asked = words(&case.with_extension("asked").to_string_lossy(), u32::from_le_bytes)?;
    let rule = |slot: u32| allowed.get(slot as usize).is_some_and(|byte| *byte != 0);
    let (mut times_ms, mut found) = (Vec::new(), Vec::new());
    for timed in [false, true] {
        for number in &asked {
            let first = *number as usize * dimensions;
            let start = Instant::now();
            let near = index.search(&queries[first..first + dimensions], &Allowed::of(&rule), limit)?;
            if timed {
                times_ms.push(start.elapsed().as_secs_f64() * 1e3);
                found.push(near.iter().map(|near| (near.slot, near.number)).collect::<Vec<_>>());
            }
        }
    }
    let name = case.file_stem().and_then(|stem| Path::new(stem).extension()).map(|name| name.to_string_lossy());
    let mut sorted = times_ms.clone();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get(((sorted.len() as f64 - 1.0) * share) as usize).copied();
    say(&json!({"what": "case", "name": name, "p50_ms": at(0.5), "p95_ms": at(0.95), "found": found}))
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, dimensions, vectors, slots, queries, cases, limit] = arguments.as_slice() else {
        return Err("FOLDER DIMENSIONS VECTORS SLOTS QUERIES CASES LIMIT".into());
    };
    let (dimensions, limit) = (dimensions.parse()?, limit.parse()?);
    let (before, start) = (resident(), Instant::now());
    let index = VectorIndex::open(Path::new(folder), VectorShape { dimensions, model: "measured".to_owned() })?;
    if index.is_empty() {
        fill(&index, dimensions, vectors, slots)?;
    } else {
        let seconds = start.elapsed().as_secs_f64();
        say(&json!({"what": "opened", "vectors": index.len(), "open_s": seconds, "bytes": resident() - before}))?;
    }
    let queries = words(queries, f32::from_le_bytes)?;
    let cases = PathBuf::from(cases);
    let prefix = cases.file_name().ok_or("CASES has no name")?.to_string_lossy().into_owned();
    let folder = cases.parent().ok_or("CASES has no folder")?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let is_case = |path: &&PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(&prefix) && name.ends_with(".allowed")
    };
    for case in files.iter().filter(is_case) {
        ask(&index, dimensions, &queries, case, limit)?;
    }
    Ok(())
}
