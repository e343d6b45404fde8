//! Where sentences and words end, by the rules of Unicode (UAX #29) and, for scripts without spaces, by dictionaries.

use std::ops::Range;

use icu_segmenter::options::{SentenceBreakInvariantOptions, WordBreakInvariantOptions};
use icu_segmenter::{SentenceSegmenter, WordSegmenter};

/// The sentences of a paragraph, without the white space around them. A line break within a paragraph ends none.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let joined = text.replace('\n', " ");
    let ends = SentenceSegmenter::new(SentenceBreakInvariantOptions::default()).segment_str(&joined).skip(1);
    cut(text, ends)
}

/// The lines of a text, without the white space around them.
pub(super) fn lines(text: &str) -> Vec<Range<usize>> {
    cut(text, text.match_indices('\n').map(|(at, _)| at + 1).chain([text.len()]))
}

/// Pieces of at most `max` by `count`: whole words, and of a word that is too long itself as many characters as fit.
pub(super) fn pieces(text: &str, max: usize, count: &dyn Fn(&str) -> usize) -> Vec<Range<usize>> {
    let ends = places_to_cut(text, max, count);
    let mut cuts = Vec::new();
    let (mut start, mut next) = (0, 0);
    while let Some(rest) = ends.get(next..).filter(|rest| !rest.is_empty()) {
        let fits = |end: usize| text.get(start..end).is_some_and(|piece| count(piece.trim()) <= max);
        // A single character goes alone, even where it is too long.
        next += last_fitting(rest, fits).unwrap_or(0) + 1;
        start = ends.get(next - 1).copied().unwrap_or(text.len());
        cuts.push(start);
    }
    cut(text, cuts.into_iter())
}

/// The ends of words, and of every character of a word that is too long.
fn places_to_cut(text: &str, max: usize, count: &dyn Fn(&str) -> usize) -> Vec<usize> {
    let words = WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()).segment_str(text).skip(1);
    let mut ends = Vec::new();
    let mut start = 0;
    for end in words {
        let word = text.get(start..end).unwrap_or_default();
        match count(word) > max {
            true => ends.extend(word.char_indices().map(|(at, letter)| start + at + letter.len_utf8())),
            false => ends.push(end),
        }
        start = end;
    }
    ends
}

/// The last of the ends that fits: doubling steps, then halving ones. Nothing where not even the first one fits.
fn last_fitting(ends: &[usize], fits: impl Fn(usize) -> bool) -> Option<usize> {
    let fits = |place: usize| ends.get(place).is_some_and(|end| fits(*end));
    if !fits(0) {
        return None;
    }
    let mut known = 0;
    let mut step = 1;
    while fits(known + step) {
        known += step;
        step *= 2;
    }
    while step > 1 {
        step /= 2;
        if fits(known + step) {
            known += step;
        }
    }
    Some(known)
}

/// The stretches between ends, without the white space around them.
fn cut(text: &str, ends: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut cuts = Vec::new();
    for end in ends {
        cuts.extend(trimmed(text, start..end));
        start = end;
    }
    cuts
}

/// A stretch without the white space around it.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let piece = text.get(range.clone())?;
    let start = range.start + (piece.len() - piece.trim_start().len());
    let length = piece.trim().len();
    (length > 0).then_some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sentences_end_in_every_language() {
        check("One day off. Or 3.5 days?\nAsk first!", &["One day off.", "Or 3.5 days?", "Ask first!"]);
        check("员工可以休假。请提前申请！可以吗？", &["员工可以休假。", "请提前申请！", "可以吗？"]);
        check("هل يمكنني أخذ إجازة؟ نعم. اسأل أولا.", &["هل يمكنني أخذ إجازة؟", "نعم.", "اسأل أولا."]);
        check("छुट्टी मिलेगी। पहले पूछें।", &["छुट्टी मिलेगी।", "पहले पूछें।"]);
        check("A line\nthat goes on.", &["A line\nthat goes on."]);
    }

    #[test]
    fn a_long_sentence_is_cut_at_words() {
        let letters = |text: &str| text.chars().count();
        let cut =
            |text: &str, max| pieces(text, max, &letters).into_iter().map(|range| text[range].to_owned()).collect();
        let found: Vec<String> = cut("one two three", 7);
        assert_eq!(found, ["one two", "three"]);
        let found: Vec<String> = cut("abcdefghij kl", 4);
        assert_eq!(found, ["abcd", "efgh", "ij", "kl"]);
        let found: Vec<String> = cut("พนักงานทุกคนลาพักร้อนได้", 10);
        assert_eq!(found, ["พนักงานทุก", "คนลาพัก", "ร้อนได้"]);
    }
}
