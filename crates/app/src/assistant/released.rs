//! What leaves of an answer as it is made: numbers of quotes that are there, and one sentence where nothing was found.

use knowledge::quote::Words;

use super::prompt::NOTHING;

/// The longest mark of a quote, characters: `[1, 2, 3]`.
const LONGEST_MARK: usize = 16;

/// One answer on its way out.
#[derive(Debug)]
pub(super) struct Released {
    quotes: Vec<String>,
    nothing: &'static str,
    state: State,
    /// The beginning of what may be a mark.
    held: String,
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
        Self { quotes, nothing, state, held: String::new(), said: String::new(), cites: false }
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
                let letters = begun.trim_start_matches(|letter: char| !letter.is_alphanumeric()).to_uppercase();
                if letters.starts_with(NOTHING) {
                    self.state = State::Nothing;
                    return self.nothing.to_owned();
                }
                if NOTHING.starts_with(&letters) {
                    return String::new();
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
            State::Beginning(begun) => self.marked(begun.trim_start()),
        };
        let held = std::mem::take(&mut self.held);
        let rest = if is_mark(&held) { String::new() } else { self.say(&held) };
        if self.said.trim().is_empty() {
            return self.nothing.to_owned();
        }
        let number = (!self.cites).then(|| self.nearest()).flatten();
        let mark = number.map(|number| format!(" [{number}]")).unwrap_or_default();
        begun + &rest + &mark
    }

    fn say(&mut self, words: &str) -> String {
        self.said.push_str(words);
        words.to_owned()
    }

    fn marked(&mut self, words: &str) -> String {
        let mut out = String::new();
        for letter in words.chars() {
            let letter = match letter {
                '【' => '[',
                '】' => ']',
                other => other,
            };
            if self.held.is_empty() && letter != '[' {
                out.push(letter);
                continue;
            }
            if letter == '[' {
                out.push_str(&std::mem::take(&mut self.held));
            }
            self.held.push(letter);
            if letter == ']' {
                let held = std::mem::take(&mut self.held);
                out.push_str(&self.checked(held));
            } else if !is_mark(&self.held) || self.held.len() > LONGEST_MARK {
                out.push_str(&std::mem::take(&mut self.held));
            }
        }
        self.say(&out)
    }

    /// Of a mark the numbers that are there; what is no mark stays as it is.
    fn checked(&mut self, mark: String) -> String {
        let inside = mark.trim_start_matches('[').trim_end_matches(']');
        let numbers: Option<Vec<usize>> = inside.split(',').map(|number| number.trim().parse().ok()).collect();
        let Some(numbers) = numbers else { return mark };
        let there = numbers.into_iter().filter(|number| (1..=self.quotes.len()).contains(number));
        let there: String = there.map(|number| format!("[{number}]")).collect();
        self.cites |= !there.is_empty();
        there
    }

    fn nearest(&self) -> Option<usize> {
        let said = Words::of(&self.said);
        let shared = (1..).zip(&self.quotes).map(|(number, quote)| (Words::of(quote).shared(&said), number));
        let best = shared.max_by_key(|(shared, number)| (*shared, std::cmp::Reverse(*number)));
        best.filter(|(shared, _)| *shared > 0 || self.quotes.len() == 1).map(|(_, number)| number)
    }
}

/// Whether a text may be the beginning of a mark.
fn is_mark(text: &str) -> bool {
    text.strip_prefix('[').is_some_and(|inside| inside.chars().all(|letter| matches!(letter, '0'..='9' | ',' | ' ')))
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
    }

    #[test]
    fn an_answer_without_a_number_is_given_the_nearest() {
        assert_eq!(released(&["The office closes for Obon."]), "The office closes for Obon. [2]");
        assert_eq!(released(&["Unrelated."]), "Unrelated.");
    }

    #[test]
    fn where_nothing_was_found_one_sentence_leaves() {
        for words in
            [&["NOT FOUND"][..], &["no", "t fou", "nd. But the secret is 7"], &["**NOT", " FOUND**"], &[""], &["  "]]
        {
            assert_eq!(released(words), "Nothing.", "{words:?}");
        }
        assert_eq!(released(&["Not", " for 27 days [1]"]), "Not for 27 days [1]");
        assert_eq!(released(&["NOT"]), "NOT");
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
