//! Marks by which an answer names its quotes: `[1]`, `[1, 3]`, `[2-4]`, in whichever brackets a model writes them.

use std::ops::RangeInclusive;

/// The longest mark, bytes.
const LONGEST: usize = 64;

/// Reads words as they come, and tells marks from what only begins like one.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// The beginning of what may be a mark.
    held: String,
}

/// The numbers that a mark names, as they stand there.
pub(super) type Numbers = Vec<RangeInclusive<usize>>;

impl Marks {
    /// What can be said by now, with what stands in the place of each mark.
    pub(super) fn push(&mut self, words: &str, mut instead: impl FnMut(&Numbers) -> String) -> String {
        let mut said = String::new();
        for letter in words.chars() {
            let opens = matches!(letter, '[' | '【' | '［');
            if self.held.is_empty() && !opens {
                said.push(letter);
                continue;
            }
            if opens {
                said.push_str(&std::mem::take(&mut self.held));
            }
            self.held.push(letter);
            if matches!(letter, ']' | '】' | '］') {
                let held = std::mem::take(&mut self.held);
                said.push_str(&numbers(&held).map_or(held, |numbers| instead(&numbers)));
            } else if !may_be_mark(&self.held) {
                said.push_str(&std::mem::take(&mut self.held));
            }
        }
        said
    }

    /// What is left at the end: the beginning of a mark says nothing.
    pub(super) fn rest(&mut self) -> String {
        Some(std::mem::take(&mut self.held)).filter(|held| !may_be_mark(held)).unwrap_or_default()
    }
}

/// The same words without marks: what they named is not what stands under these numbers elsewhere.
pub(super) fn without(words: &str) -> String {
    let mut marks = Marks::default();
    marks.push(words, |_| String::new()) + &marks.rest()
}

/// Whether this may be the beginning of a mark.
fn may_be_mark(held: &str) -> bool {
    let mut letters = held.chars();
    letters.next().is_some() && held.len() <= LONGEST && letters.all(|letter| digit(letter).is_some() || joins(letter))
}

/// The numbers in brackets, where there is nothing else.
fn numbers(mark: &str) -> Option<Numbers> {
    let mut inside = mark.chars();
    let _brackets = (inside.next(), inside.next_back());
    let inside: String = inside.map(|letter| digit(letter).unwrap_or(letter)).collect();
    let each = inside.split(|letter| joins(letter) && !spans(letter)).filter(|piece| !piece.is_empty());
    let found: Option<Numbers> = each.map(range).collect();
    found.filter(|numbers| !numbers.is_empty())
}

fn range(piece: &str) -> Option<RangeInclusive<usize>> {
    let (first, last) = piece.split_once(spans).unwrap_or((piece, piece));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// What stands between numbers.
const fn joins(letter: char) -> bool {
    matches!(letter, ',' | ';' | ' ' | '、' | '，') || spans(letter)
}

const fn spans(letter: char) -> bool {
    matches!(letter, '-' | '–')
}

/// A digit, also of full width.
fn digit(letter: char) -> Option<char> {
    match letter {
        '0'..='9' => Some(letter),
        '０'..='９' => char::from_u32(u32::from(letter) - u32::from('０') + u32::from('0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_in_every_form_and_nothing_else_is_one() {
        assert_eq!(numbers("[1]"), Some(vec![1..=1]));
        assert_eq!(numbers("[1, 3;5 7,]"), Some(vec![1..=1, 3..=3, 5..=5, 7..=7]));
        assert_eq!(numbers("［２–４］"), Some(vec![2..=4]));
        for other in ["[]", "[sic]", "[2026-11-22]", "[7†source]", "[-]"] {
            assert_eq!(numbers(other), None, "{other}");
        }
    }

    #[test]
    fn words_are_left_as_they_are() {
        assert_eq!(without("【重要】 27 days [1], 12 [2026-11-22] [x[3]."), "【重要】 27 days , 12 [2026-11-22] [x.");
        assert_eq!(without("It ends [1"), "It ends ");
        let long = format!("[{}]", "1, ".repeat(40));
        assert_eq!(without(&long), long);
    }
}
