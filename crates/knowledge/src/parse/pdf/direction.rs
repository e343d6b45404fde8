//! Lines that run from right to left: a page places glyphs, and text has them in the order in which they are spoken.

use unicode_normalization::UnicodeNormalization;

/// Whether a text has letters of a script that runs from right to left.
pub(super) fn is_right_to_left(text: &str) -> bool {
    text.chars().any(is_right_to_left_letter)
}

const fn is_right_to_left_letter(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{5ff}' | '\u{608}' | '\u{60b}' | '\u{60d}' | '\u{61b}'..='\u{65f}'
        | '\u{66d}'..='\u{6ef}' | '\u{6fa}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// The logical order of pieces that stand from left to right on the page. The line runs as most of its letters do; what
/// runs the other way keeps its own order (the reverse of UAX #9, without levels above the second).
pub(super) fn logical(pieces: Vec<String>) -> String {
    let backwards = pieces.iter().filter(|piece| is_right_to_left(piece)).count();
    let letters = pieces.iter().filter(|piece| piece.chars().any(char::is_alphabetic)).count();
    let line_backwards = backwards * 2 >= letters;
    let mut runs: Vec<(bool, Vec<String>)> = Vec::new();
    for piece in pieces {
        let direction = if is_right_to_left(&piece) {
            Some(true)
        } else {
            piece.chars().any(char::is_alphanumeric).then_some(false)
        };
        match (runs.last_mut(), direction) {
            // What has no direction goes with what it follows.
            (Some((_, run)), None) => run.push(piece),
            (Some((last, run)), Some(direction)) if *last == direction => run.push(piece),
            (_, direction) => runs.push((direction.unwrap_or(line_backwards), vec![piece])),
        }
    }
    let mut ordered: Vec<(bool, Vec<String>)> =
        runs.into_iter().flat_map(|run| split_neutral_end(run, line_backwards)).collect();
    if line_backwards {
        ordered.reverse();
    }
    let spoken = |(backwards, run): (bool, Vec<String>)| match backwards {
        true => run.into_iter().rev().collect::<String>(),
        false => run.concat(),
    };
    ordered.into_iter().map(spoken).collect()
}

/// Spaces and signs between two directions go with the line.
fn split_neutral_end((direction, mut run): (bool, Vec<String>), line: bool) -> Vec<(bool, Vec<String>)> {
    let neutral = |piece: &String| !piece.chars().any(char::is_alphanumeric);
    let kept = run.iter().rposition(|piece| !neutral(piece)).map_or(0, |last| last + 1);
    let rest = run.split_off(kept);
    [(direction, run), (line, rest)].into_iter().filter(|(_, run)| !run.is_empty()).collect()
}

/// Letters in place of the forms that they take in a word, and of ligatures.
pub(super) fn plain_forms(text: &str) -> String {
    let form =
        |letter: char| matches!(letter, '\u{fb00}'..='\u{fb4f}' | '\u{fb50}'..='\u{fdfb}' | '\u{fe70}'..='\u{fefc}');
    if !text.contains(form) {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match form(letter) {
            true => plain.extend(letter.nfkc()),
            false => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(visual: &str, expected: &str) {
        assert_eq!(logical(visual.chars().map(String::from).collect()), expected);
    }

    #[test]
    fn lines_are_put_into_the_order_of_speech() {
        check("םולש", "שלום");
        check("2026 תנשב", "בשנת 2026");
        check("the word םולש is a greeting", "the word שלום is a greeting");
        check("abc", "abc");
    }

    #[test]
    fn forms_become_letters() {
        assert_eq!(plain_forms("oﬃce ﻻ"), "office لا");
    }
}
