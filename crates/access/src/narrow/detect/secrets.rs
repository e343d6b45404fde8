//! Secrets: blocks of private keys, keys of well-known services, and what only looks random.

use std::collections::BTreeMap;

use super::{is_end, is_start};

/// How keys begin, and how many characters follow at least.
const BEGINNINGS: [(&str, usize); 28] = [
    ("fh_", 20),
    ("sk-", 20),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("sk_test_", 16),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 30),
    ("glpat-", 20),
    ("xoxa-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("xoxr-", 16),
    ("xoxs-", 16),
    ("xapp-", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("hf_", 30),
    ("npm_", 30),
    ("pypi-", 40),
    ("SG.", 40),
    ("dop_v1_", 40),
    ("shpat_", 30),
    ("eyJ", 40),
];
/// What looks random is at least this long, and has at least this many bits for each character.
const FEWEST_RANDOM: usize = 28;
const FEWEST_BITS: f64 = 4.0;

fn says(text: &[char], at: usize, words: &str) -> bool {
    text.get(at..).is_some_and(|rest| words.chars().eq(rest.iter().copied().take(words.len())))
}

/// The end of the first of these words from a place on, within the next few characters.
fn end_of(text: &[char], from: usize, within: usize, words: &str) -> Option<usize> {
    (from..text.len().min(from.saturating_add(within))).find(|at| says(text, *at, words)).map(|at| at + words.len())
}

/// `-----BEGIN ... PRIVATE KEY-----` to the end of the line of `-----END`; to the end of the text where there is none.
pub(super) fn private_key(text: &[char], at: usize) -> Option<usize> {
    const BEGIN: &str = "-----BEGIN ";
    if !says(text, at, BEGIN) {
        return None;
    }
    let label = text.get(at + BEGIN.len()..)?.iter().take(60).take_while(|what| **what != '-').count();
    end_of(text, at + BEGIN.len(), label, "PRIVATE KEY")?;
    let end = end_of(text, at, text.len(), "-----END ");
    Some(end.and_then(|end| end_of(text, end, 80, "-----")).unwrap_or(text.len()))
}

/// A key that begins as those of a known service do, with all that belongs to it.
pub(super) fn api_key(text: &[char], at: usize) -> Option<usize> {
    if !is_start(text, at) {
        return None;
    }
    let (beginning, fewest) = BEGINNINGS.iter().find(|(beginning, _)| says(text, at, beginning))?;
    let dotted = matches!(*beginning, "SG." | "eyJ");
    let is_part = |what: &&char| what.is_ascii_alphanumeric() || matches!(what, '_' | '-') || (dotted && **what == '.');
    let rest = text.get(at + beginning.len()..)?;
    let length = rest.iter().take_while(is_part).count();
    let dots = rest.iter().take(length).rev().take_while(|what| matches!(what, '.' | '-')).count();
    (length - dots >= *fewest).then_some(at + beginning.len() + length - dots)
}

/// A run of capitals, small letters and digits with the entropy of chance (C. E. Shannon, "A Mathematical Theory of
/// Communication", 1948, section 6). `/`, `+` and `=` belong to it, as in base64; but not paths, of which a part is short.
pub(super) fn random_token(text: &[char], at: usize) -> Option<usize> {
    let is_part = |what: &char| what.is_ascii_alphanumeric() || matches!(what, '+' | '/' | '_' | '-' | '=');
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    if before.is_some_and(is_part_of_token) || !text.get(at)?.is_ascii_alphanumeric() {
        return None;
    }
    let length = text.get(at..)?.iter().take_while(|what| is_part(what)).count();
    let token = text.get(at..at + length)?;
    let has = |of: fn(&char) -> bool| token.iter().any(of);
    let mixed = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit);
    let random = length >= FEWEST_RANDOM && mixed && is_end(text, at + length);
    (random && longest_part(token) >= FEWEST_RANDOM / 2 && bits(token) >= FEWEST_BITS).then_some(at + length)
}

fn is_part_of_token(what: &char) -> bool {
    what.is_ascii_alphanumeric() || matches!(what, '+' | '_')
}

fn longest_part(token: &[char]) -> usize {
    token.split(|what| matches!(what, '/' | '-' | '_')).map(<[char]>::len).max().unwrap_or_default()
}

/// Bits for each character, by how often each occurs in it.
fn bits(token: &[char]) -> f64 {
    let mut counts: BTreeMap<char, f64> = BTreeMap::new();
    for what in token {
        *counts.entry(*what).or_default() += 1.0;
    }
    let all = token.len() as f64;
    counts.values().map(|count| count / all).map(|share| -share * share.log2()).sum()
}
