//! A query is plain words. Each is looked up as it is, and by its stem in every language that is in the index: the stems
//! of a language are in passages of that language alone, so that others change nothing.

use std::collections::HashSet;

use tantivy::Term;

use super::frequent::is_frequent;
use super::layout::Fields;
use super::rank::{STEMS, STEPS, WORDS, WeighedTerm};
use super::statistics::Statistics;
use super::stems::Stems;
use super::view::View;
use super::words::{Word, words};
use crate::KnowledgeError;

/// What is longer is cut.
const MAX_QUERY_CHARS: usize = 100_000;
/// So many different words of a query are looked up.
const MAX_WORDS: usize = 64;

/// The different words of a query in their order. Of too many the first stay, those that say little going first.
pub(super) fn query_words(query: &str) -> Vec<Word> {
    let end = query.char_indices().nth(MAX_QUERY_CHARS).map_or(query.len(), |(at, _)| at);
    let (mut seen, mut all) = (HashSet::new(), Vec::new());
    words(query.get(..end).unwrap_or_default(), &mut |word| {
        if seen.insert(word.clone()) {
            all.push(word);
        }
    });
    if all.len() > MAX_WORDS {
        all.sort_by_key(|word| is_frequent(&word.folded));
        all.truncate(MAX_WORDS);
    }
    all
}

/// The terms of a query that are worth looking up in a view, each once, with what they weigh; and the score, in steps, of a
/// passage of mean length that has each word once, as it is and by its stem.
pub(super) fn weigh(
    words: &[Word],
    view: &View,
    fields: &Fields,
    statistics: &Statistics,
) -> Result<(Vec<WeighedTerm>, u64), KnowledgeError> {
    let mut languages: Vec<Stems> = view.languages.iter().filter_map(|code| Stems::of(code)).collect();
    let (mut seen, mut weighed, mut all) = (HashSet::new(), Vec::new(), 0);
    for word in words {
        let whole = Term::from_field_text(fields.words, &word.folded);
        let stems = languages.iter_mut().map(|stems| Term::from_field_text(fields.stems, &stems.stem(word)));
        for (field, term) in std::iter::once((WORDS, whole)).chain(stems.map(|term| (STEMS, term))) {
            if seen.insert(term.clone()) {
                let weight = statistics.weight(view, &term, &word.folded)?;
                weighed.push(WeighedTerm { term, field, weight });
                all += if field == WORDS { (weight * 2.0 * STEPS) as u64 } else { 0 };
            }
        }
    }
    Ok((weighed, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_query_keeps_the_words_that_say_most() {
        let many: Vec<String> = (0..100).map(|number| format!("the and word{number}")).collect();
        let kept = query_words(&many.join(" "));
        assert_eq!(kept.len(), MAX_WORDS);
        assert!(kept.iter().all(|word| word.folded.starts_with("word")));
        assert_eq!(query_words("The the THE").len(), 1);
    }
}
