//! Which part of a passage to show for a question: whole sentences in a row, at their exact place.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::chunk::sentences;
use crate::lexical::telling_words;

/// What a text is compared by: the beginnings of the words that say something, its numbers, and pairs of characters where
/// words are not told apart by spaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(BTreeSet<String>);

impl Words {
    /// Of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(telling_words(text))
    }

    /// How many both have.
    #[must_use]
    pub fn shared(&self, other: &Self) -> usize {
        self.0.intersection(&other.0).count()
    }
}

/// The sentences in a row that share most with a question, as bytes of the passage: as many as fit into `max_tokens` by
/// `count_tokens`, and at least one. The first of those that share as much; without anything shared, the beginning.
#[must_use]
pub fn best(passage: &str, question: &Words, max_tokens: usize, count_tokens: &dyn Fn(&str) -> usize) -> Range<usize> {
    let whole = passage.len() - passage.trim_start().len()..passage.trim_end().len();
    if whole.is_empty() || passage.get(whole.clone()).is_some_and(|text| count_tokens(text) <= max_tokens) {
        return if whole.start < whole.end { whole } else { 0..0 };
    }
    let sentences = sentences(passage);
    let mut best: Option<(usize, Range<usize>)> = None;
    for first in 0..sentences.len() {
        let window = window(passage, sentences.get(first..).unwrap_or_default(), max_tokens, count_tokens);
        let shared = passage.get(window.clone()).map_or(0, |text| Words::of(text).shared(question));
        if best.as_ref().is_none_or(|(most, _)| shared > *most) {
            best = Some((shared, window));
        }
    }
    best.map_or(whole, |(_, window)| window)
}

/// The first of these sentences, and as many after it as fit.
fn window(
    passage: &str,
    sentences: &[Range<usize>],
    max_tokens: usize,
    count_tokens: &dyn Fn(&str) -> usize,
) -> Range<usize> {
    let Some(first) = sentences.first() else { return 0..0 };
    let fits = |end: usize| passage.get(first.start..end).is_some_and(|text| count_tokens(text) <= max_tokens);
    let last = sentences.iter().take_while(|sentence| fits(sentence.end)).last();
    first.start..last.map_or(first.end, |last| last.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn letters(text: &str) -> usize {
        text.chars().count()
    }

    fn quoted<'t>(passage: &'t str, question: &str, most: usize) -> &'t str {
        &passage[best(passage, &Words::of(question), most, &letters)]
    }

    #[test]
    fn the_sentences_that_speak_of_the_question_are_quoted() {
        let passage = "The canteen opens at eight. Every employee has twenty-seven days of holidays a year. Ask your \
            head in good time. Visitors wear a yellow badge.";
        assert_eq!(
            quoted(passage, "How many holiday days has an employee?", 60),
            "Every employee has twenty-seven days of holidays a year."
        );
        assert_eq!(quoted(passage, "yellow badge of visitors", 40), "Visitors wear a yellow badge.");
        assert_eq!(quoted(passage, "nothing of it", 30), "The canteen opens at eight.");
        assert_eq!(quoted(passage, "anything", 500), passage);
        let japanese = "食堂は八時に開きます。有給休暇は年に二十七日です。来客は黄色い名札を付けます。";
        assert_eq!(quoted(japanese, "有給休暇は何日ですか", 16), "有給休暇は年に二十七日です。");
    }

    proptest! {
        #[test]
        fn any_quote_stands_in_its_passage_and_fits_or_is_one_sentence(
            passage in "[a-zäß。 .!?\n\u{200b}]{0,200}", question in "[a-z ]{0,40}", most in 1_usize..80,
        ) {
            let range = best(&passage, &Words::of(&question), most, &letters);
            let quote = passage.get(range.clone());
            prop_assert!(quote.is_some());
            let quote = quote.unwrap();
            prop_assert_eq!(quote.trim().is_empty(), passage.trim().is_empty());
            let one = crate::chunk::sentences(&passage).contains(&range);
            prop_assert!(letters(quote) <= most || one || range == (0..0), "{quote:?}");
        }
    }
}
