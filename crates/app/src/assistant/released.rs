//! What leaves of an answer as it is made: numbers of quotes that are there, and one sentence where nothing was found.

use knowledge::quote::Words;

use super::marks::{Marks, Numbers};
use super::prompt::NOTHING;

/// So much of what is said where nothing was found is no answer, where it stops there.
const FEWEST_LETTERS: usize = 3;

/// One answer on its way out.
#[derive(Debug)]
pub(super) struct Released {
    quotes: Vec<String>,
    nothing: &'static str,
    state: State,
    marks: Marks,
    said: String,
    cites: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// It may still turn out that nothing was found.
    Beginning(String),
    /// It answers.
    Answering,
    /// Nothing was found: what else comes is not shown.
    Nothing,
}

impl Released {
    /// Of an answer that rests on these quotes, numbered from 1.
    pub(super) fn new(quotes: Vec<String>, nothing: &'static str) -> Self {
        let state = State::Beginning(String::new());
        Self { quotes, nothing, state, marks: Marks::default(), said: String::new(), cites: false }
    }

    /// A whole answer.
    pub(super) fn all_of(mut self, words: &str) -> String {
        let first = self.push(words);
        first + &self.finish()
    }

    /// What may leave after these words.
    pub(super) fn push(&mut self, words: &str) -> String {
        match &mut self.state {
            State::Nothing => String::new(),
            State::Answering => self.marked(words),
            State::Beginning(begun) => {
                begun.push_str(words);
                match says_nothing(begun) {
                    Some(true) => {
                        self.state = State::Nothing;
                        return self.nothing.to_owned();
                    }
                    None => return String::new(),
                    Some(false) => {}
                }
                let begun = std::mem::take(begun);
                self.state = State::Answering;
                self.marked(begun.trim_start())
            }
        }
    }

    /// What may leave at the end. An answer that names no quote is given the number of the one that it shares most with.
    pub(super) fn finish(&mut self) -> String {
        let begun = match std::mem::replace(&mut self.state, State::Nothing) {
            State::Nothing => return String::new(),
            State::Answering => String::new(),
            State::Beginning(begun) if stops_at_nothing(&begun) => return self.nothing.to_owned(),
            State::Beginning(begun) => self.marked(begun.trim_start()),
        };
        let rest = self.marks.rest();
        let rest = self.say(rest);
        if self.said.trim().is_empty() {
            return self.nothing.to_owned();
        }
        let number = (!self.cites).then(|| self.nearest()).flatten();
        let mark = number.map(|number| format!(" [{number}]")).unwrap_or_default();
        begun + &rest + &mark
    }

    fn say(&mut self, words: String) -> String {
        self.said.push_str(&words);
        words
    }

    /// The words with the numbers that are there, each in a mark of its own.
    fn marked(&mut self, words: &str) -> String {
        let (quotes, cites) = (self.quotes.len(), &mut self.cites);
        let checked = |numbers: &Numbers| {
            let there = (1..=quotes).filter(|number| numbers.iter().any(|range| range.contains(number)));
            let there: String = there.map(|number| format!("[{number}]")).collect();
            *cites |= !there.is_empty();
            there
        };
        let words = self.marks.push(words, checked);
        self.say(words)
    }

    fn nearest(&self) -> Option<usize> {
        let said = Words::of(&self.said);
        let shared = (1..).zip(&self.quotes).map(|(number, quote)| (Words::of(quote).shared(&said), number));
        let best = shared.max_by_key(|(shared, number)| (*shared, std::cmp::Reverse(*number)));
        best.filter(|(shared, _)| *shared > 0 || self.quotes.len() == 1).map(|(_, number)| number)
    }
}

/// Whether an answer begins by saying that nothing was found; none where more of it has to come.
fn says_nothing(begun: &str) -> Option<bool> {
    let words = telling(begun);
    match words.strip_prefix(NOTHING) {
        Some(after) => after.chars().next().map(|next| !next.is_alphanumeric()),
        None if NOTHING.starts_with(words.trim_end()) => None,
        None => Some(false),
    }
}

/// Whether an answer ends within saying that nothing was found.
fn stops_at_nothing(begun: &str) -> bool {
    let (words, is_said) = (telling(begun), begun.chars().all(|letter| !letter.is_lowercase()));
    let words = words.trim_end();
    words == NOTHING || (words.len() >= FEWEST_LETTERS && is_said)
}

/// The words alone, in capital letters, without what stands before the first: a number, or signs.
fn telling(begun: &str) -> String {
    let begun = begun.trim_start_matches(|letter: char| !letter.is_alphabetic()).to_uppercase();
    let ends = begun.ends_with(|letter: char| !letter.is_alphanumeric());
    let words = begun.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ") + if ends { " " } else { "" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn released(words: &[&str]) -> String {
        let quotes = ["Every employee has 27 days.", "Osaka closes for Obon."].map(str::to_owned);
        let mut released = Released::new(quotes.to_vec(), "Nothing.");
        let pushed: String = words.iter().map(|words| released.push(words)).collect();
        pushed + &released.finish()
    }

    #[test]
    fn numbers_of_quotes_that_are_there_leave_and_others_do_not() {
        assert_eq!(released(&["27 days [", "1", "], and Obon [1, 2][7]."]), "27 days [1], and Obon [1][2].");
        assert_eq!(released(&["It is [sic] 27 【1】 [12"]), "It is [sic] 27 [1] ");
        assert_eq!(released(&["[x[1]"]), "[x[1]");
        assert_eq!(released(&["All of it [1-", "7]."]), "All of it [1][2].");
    }

    #[test]
    fn an_answer_without_a_number_is_given_the_nearest() {
        assert_eq!(released(&["The office closes for Obon."]), "The office closes for Obon. [2]");
        assert_eq!(released(&["Unrelated."]), "Unrelated.");
    }

    #[test]
    fn where_nothing_was_found_one_sentence_leaves() {
        for words in [
            &["NOT FOUND"][..],
            &["no", "t fou", "nd. But the secret is 7"],
            &["**NOT", " FOUND**"],
            &["NOT_FOUND"],
            &["[1] NOT\nFOUND"],
            &["NOT"],
            &["NOT FOU"],
            &[""],
            &["  "],
        ] {
            assert_eq!(released(words), "Nothing.", "{words:?}");
        }
        assert_eq!(released(&["Not", " for 27 days [1]"]), "Not for 27 days [1]");
        assert_eq!(released(&["Not found", "ed in Osaka"]), "Not founded in Osaka [2]");
        assert_eq!(released(&["No"]), "No");
    }

    proptest! {
        #[test]
        fn any_cut_of_an_answer_gives_the_same(words in "[NOTFUD a-c0-9,\\[\\]【】é]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..6)) {
            let letters: Vec<char> = words.chars().collect();
            let mut places: Vec<usize> = cuts.into_iter().map(|cut| cut.min(letters.len())).collect();
            places.extend([0, letters.len()]);
            places.sort_unstable();
            let pieces: Vec<String> = places.windows(2).map(|ends| letters[ends[0]..ends[1]].iter().collect()).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            prop_assert_eq!(released(&pieces), released(&[&words]));
        }
    }
}
