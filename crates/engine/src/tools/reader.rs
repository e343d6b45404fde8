//! Splits an answer, as it arrives, into its words and its function calls.

use super::Style;
use super::call::{CallScanner, Progress};

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// More words.
    Content(String),
    /// A call begins.
    Open { index: u32, name: String },
    /// More of a call's arguments.
    Arguments { index: u32, more: String },
}

enum State {
    /// Words; the end that could begin the opening marker is held back.
    Words { held: String },
    /// Inside a call. `raw` is all of it, until its name is known.
    Call { scanner: CallScanner, raw: String, open: bool },
    /// After a call of a form with markers.
    Between { held: String },
}

/// The state of one answer.
pub(crate) struct CallReader {
    style: Style,
    state: State,
    calls: u32,
    /// Without a marker no call can come after words.
    only_words: bool,
}

impl CallReader {
    /// A reader of one form. Where the form has no marker, an answer that begins with `{` is tried as a call.
    pub(crate) fn new(style: Style) -> Self {
        Self { style, state: State::Words { held: String::new() }, calls: 0, only_words: false }
    }

    /// Whether a call has begun.
    pub(crate) fn has_calls(&self) -> bool {
        self.calls > 0
    }

    /// Takes in more text.
    pub(crate) fn push(&mut self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for character in text.chars() {
            self.take(character, &mut pieces);
        }
        merge(pieces)
    }

    /// What was held back, once no more text comes. A call that never got a name is words.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        let last = match std::mem::replace(&mut self.state, State::Between { held: String::new() }) {
            State::Words { held } => held,
            State::Call { raw, open: false, .. } => format!("{}{raw}", self.style.opening().unwrap_or_default()),
            State::Call { .. } | State::Between { .. } => String::new(),
        };
        if last.is_empty() { Vec::new() } else { vec![Piece::Content(last)] }
    }

    fn take(&mut self, character: char, pieces: &mut Vec<Piece>) {
        match &mut self.state {
            State::Words { held } => {
                held.push(character);
                match self.style.opening() {
                    Some(opening) => self.seek(opening, pieces),
                    None => self.seek_brace(pieces),
                }
            }
            State::Between { held } => {
                held.push(character);
                self.after_call(character, pieces);
            }
            State::Call { .. } => self.in_call(character, pieces),
        }
    }

    /// Between calls: the closing marker and space pass, another call may open, anything else is words.
    fn after_call(&mut self, character: char, pieces: &mut Vec<Piece>) {
        let State::Between { held } = &mut self.state else { return };
        match self.style {
            Style::Parameters | Style::Plain => held.clear(),
            Style::Listed if character == '{' => {
                self.begin_call();
                self.in_call(character, pieces);
            }
            Style::Listed => held.clear(),
            Style::Tagged => {
                let rest = held.trim();
                let markers = [self.style.opening(), self.style.closing()];
                if self.style.opening() == Some(rest) {
                    self.begin_call();
                } else if self.style.closing() == Some(rest) {
                    held.clear();
                } else if !markers.iter().flatten().any(|marker| marker.starts_with(rest)) {
                    let words = std::mem::take(held);
                    self.state = State::Words { held: String::new() };
                    pieces.push(Piece::Content(words));
                }
            }
        }
    }

    /// Releases words up to where the opening marker may begin; starts a call where it is complete.
    fn seek(&mut self, opening: &'static str, pieces: &mut Vec<Piece>) {
        let State::Words { held } = &mut self.state else { return };
        if let Some(words) = held.strip_suffix(opening) {
            if !words.trim().is_empty() {
                pieces.push(Piece::Content(words.to_owned()));
            }
            self.begin_call();
            return;
        }
        let overlap = (1..opening.len()).rev().find(|length| held.ends_with(&opening[..*length])).unwrap_or(0);
        let keep = held.len() - overlap;
        // Space before a call belongs to the call.
        let keep = if held[..keep].trim().is_empty() { 0 } else { keep };
        let rest = held.split_off(keep);
        let words = std::mem::replace(held, rest);
        if !words.is_empty() {
            pieces.push(Piece::Content(words));
        }
    }

    /// Without a marker only an answer that begins with a brace can be a call.
    fn seek_brace(&mut self, pieces: &mut Vec<Piece>) {
        let State::Words { held } = &mut self.state else { return };
        if !self.only_words && held.trim_start() == "{" {
            self.begin_call();
            self.in_call('{', pieces);
        } else if !held.trim().is_empty() {
            let words = std::mem::take(held);
            pieces.push(Piece::Content(words));
            self.only_words = true;
        }
    }

    fn begin_call(&mut self) {
        self.state = State::Call { scanner: CallScanner::default(), raw: String::new(), open: false };
    }

    fn in_call(&mut self, character: char, pieces: &mut Vec<Piece>) {
        let listed = self.style == Style::Listed;
        let State::Call { scanner, raw, open } = &mut self.state else { return };
        if listed && raw.is_empty() && matches!(character, '[' | ' ') {
            return;
        }
        let mut progress = Progress::default();
        scanner.push(character, &mut progress);
        raw.push(character);
        if let Some(name) = progress.name {
            *open = true;
            pieces.push(Piece::Open { index: self.calls, name });
            self.calls += 1;
        }
        if !progress.arguments.is_empty() {
            pieces.push(Piece::Arguments { index: self.calls.saturating_sub(1), more: progress.arguments });
        }
        if progress.broken && !*open {
            let words = format!("{}{raw}", self.style.opening().unwrap_or_default());
            self.only_words = true;
            self.state = State::Words { held: String::new() };
            pieces.push(Piece::Content(words));
        } else if progress.done || progress.broken {
            self.state = State::Between { held: String::new() };
        }
    }
}

/// Joins neighbours of one kind, so that one token makes one piece.
fn merge(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (merged.last_mut(), piece) {
            (Some(Piece::Content(words)), Piece::Content(more)) => words.push_str(&more),
            (Some(Piece::Arguments { index, more }), Piece::Arguments { index: same, more: rest })
                if *index == same =>
            {
                more.push_str(&rest);
            }
            (_, piece) => merged.push(piece),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Words and calls, whatever the split of the text.
    fn read(style: Style, text: &str, size: usize) -> (String, Vec<(String, String)>) {
        let mut reader = CallReader::new(style);
        let characters: Vec<char> = text.chars().collect();
        let mut pieces: Vec<Piece> =
            characters.chunks(size).flat_map(|chunk| reader.push(&chunk.iter().collect::<String>())).collect();
        pieces.extend(reader.finish());
        let (mut words, mut calls) = (String::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Content(more) => words.push_str(&more),
                Piece::Open { index, name } => {
                    assert_eq!(usize::try_from(index), Ok(calls.len()));
                    calls.push((name, String::new()));
                }
                Piece::Arguments { index, more } => calls[index as usize].1.push_str(&more),
            }
        }
        (words, calls)
    }

    fn call(name: &str, arguments: &str) -> (String, String) {
        (name.to_owned(), arguments.to_owned())
    }

    #[test]
    fn tagged_calls_follow_words() {
        let text = "Let me see.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call>";
        for size in 1..9 {
            let (words, calls) = read(Style::Tagged, text, size);
            assert_eq!(words, "Let me see.", "in pieces of {size}");
            assert_eq!(calls, [call("f", "{\"a\": 1}"), call("g", "{}")]);
        }
    }

    #[test]
    fn listed_calls_are_told_apart() {
        let text = r#"[TOOL_CALLS] [{"name": "f", "arguments": {"a": [1, 2]}}, {"name": "g", "arguments": {}}]"#;
        for size in 1..9 {
            assert_eq!(read(Style::Listed, text, size).1, [call("f", r#"{"a": [1, 2]}"#), call("g", "{}")]);
        }
    }

    #[test]
    fn an_answer_that_begins_with_a_brace_may_be_a_call() {
        let text = r#"{"name": "f", "parameters": {"a": 1}}"#;
        assert_eq!(read(Style::Parameters, text, 3), (String::new(), vec![call("f", r#"{"a": 1}"#)]));
        assert_eq!(read(Style::Parameters, "{not a call", 3), ("{not a call".to_owned(), vec![]));
        assert_eq!(read(Style::Plain, "So {\"name\": \"f\"}", 3), ("So {\"name\": \"f\"}".to_owned(), vec![]));
    }

    #[test]
    fn a_call_cut_short_before_its_name_is_words() {
        assert_eq!(read(Style::Tagged, "<tool_call>\n{\"na", 2).0, "<tool_call>\n{\"na");
        assert_eq!(read(Style::Tagged, "a <tool", 2).0, "a <tool");
        let (words, calls) = read(Style::Tagged, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a", 2);
        assert_eq!((words.as_str(), calls), ("", vec![call("f", "{\"a")]));
    }

    proptest! {
        #[test]
        fn words_without_a_marker_pass_unchanged(text in "[a-z<>_/ {}\n]{0,30}", size in 1usize..5) {
            prop_assume!(!text.contains("<tool_call>"));
            prop_assert_eq!(read(Style::Tagged, &text, size).0, text);
        }
    }
}
