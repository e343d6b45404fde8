//! The model's vocabulary: which bytes a token stands for, which tokens end a text, and tokenization.

use std::collections::HashSet;
use std::sync::Arc;

use crate::native::{Model, Token};
use crate::tools::MARKERS;

/// Shared by all threads; the bytes of all tokens lie in one buffer.
pub(crate) struct Vocabulary {
    model: Arc<Model>,
    bytes: Vec<u8>,
    /// `ends[i]` is where token `i`'s bytes end.
    ends: Vec<usize>,
    control: Vec<bool>,
    ending: Vec<Token>,
    control_names: HashSet<Vec<u8>>,
    control_lengths: Vec<usize>,
    control_starts: [bool; 256],
}

impl Vocabulary {
    pub(crate) fn new(model: &Arc<Model>) -> Self {
        let size = model.vocabulary_size();
        let mut vocabulary = Self {
            model: Arc::clone(model),
            bytes: Vec::with_capacity(size * 6),
            ends: Vec::with_capacity(size),
            control: Vec::with_capacity(size),
            ending: Vec::new(),
            control_names: HashSet::new(),
            control_lengths: Vec::new(),
            control_starts: [false; 256],
        };
        for token in 0..Token::try_from(size).unwrap_or(Token::MAX) {
            vocabulary.take_in(token);
        }
        vocabulary.control_lengths = vocabulary.control_names.iter().map(Vec::len).collect();
        vocabulary.control_lengths.sort_unstable();
        vocabulary.control_lengths.dedup();
        vocabulary
    }

    fn take_in(&mut self, token: Token) {
        let piece = self.model.piece(token);
        // Markers of function calls are part of the answer's text, whatever the file says of them.
        let control = self.model.is_control(token) && !MARKERS.iter().any(|marker| marker.as_bytes() == piece);
        self.bytes.extend_from_slice(&piece);
        self.ends.push(self.bytes.len());
        self.control.push(control);
        if self.model.ends(token) {
            self.ending.push(token);
        }
        if control && piece.len() > 2 {
            self.control_starts[usize::from(piece[0])] = true;
            self.control_names.insert(piece);
        }
    }

    /// Number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    fn place(&self, token: Token) -> Option<usize> {
        usize::try_from(token).ok().filter(|place| *place < self.len())
    }

    /// Whether the id belongs to this vocabulary.
    pub(crate) fn contains(&self, token: Token) -> bool {
        self.place(token).is_some()
    }

    /// All bytes of a token; a control token gives its name.
    pub(crate) fn bytes(&self, token: Token) -> &[u8] {
        let Some(place) = self.place(token) else { return &[] };
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.bytes[start..self.ends[place]]
    }

    /// The bytes a token adds to the answer: none for a control token.
    pub(crate) fn answer_bytes(&self, token: Token) -> &[u8] {
        if self.is_control(token) { &[] } else { self.bytes(token) }
    }

    /// Whether the token steers the model and has no text.
    pub(crate) fn is_control(&self, token: Token) -> bool {
        self.place(token).is_some_and(|place| self.control[place])
    }

    /// Whether the token ends the answer.
    pub(crate) fn ends_answer(&self, token: Token) -> bool {
        self.ending.contains(&token)
    }

    /// The tokens that end an answer.
    pub(crate) fn ending_tokens(&self) -> &[Token] {
        &self.ending
    }

    /// The beginning-of-text token, where prompts begin with one.
    pub(crate) fn opening_token(&self) -> Option<Token> {
        self.model.bos().filter(|_| self.model.adds_bos())
    }

    /// The names of the beginning and end tokens, for chat templates.
    pub(crate) fn marker_texts(&self) -> (String, String) {
        let text = |token: Option<Token>| {
            token.map_or_else(String::new, |token| String::from_utf8_lossy(self.bytes(token)).into_owned())
        };
        (text(self.model.bos()), text(self.model.eos()))
    }

    /// Token ids of a text. `add_special` adds what the model puts around a text; `parse_special` turns names of
    /// control tokens into those tokens: only for text that no outsider wrote.
    pub(crate) fn tokenize(&self, text: &str, add_special: bool, parse_special: bool) -> Vec<Token> {
        if text.is_empty() && !add_special {
            return Vec::new();
        }
        self.model.tokenize(text, add_special, parse_special)
    }

    /// The bytes of several tokens, control tokens by name.
    pub(crate) fn detokenize(&self, tokens: &[Token]) -> Vec<u8> {
        tokens.iter().flat_map(|token| self.bytes(*token)).copied().collect()
    }

    /// Whether the text holds the name of a control token, so that parsing it could forge a turn.
    pub(crate) fn names_control(&self, text: &str) -> bool {
        (0..text.len()).any(|start| self.name_at(text.as_bytes(), start))
    }

    /// The text with a zero-width space after the first character of every control token's name.
    pub(crate) fn break_control_names(&self, text: &str) -> String {
        let mut broken = String::with_capacity(text.len() + 8);
        for (start, character) in text.char_indices() {
            broken.push(character);
            if self.name_at(text.as_bytes(), start) {
                broken.push('\u{200b}');
            }
        }
        broken
    }

    fn name_at(&self, text: &[u8], start: usize) -> bool {
        let rest = &text[start..];
        self.control_starts[usize::from(rest[0])]
            && self
                .control_lengths
                .iter()
                .take_while(|length| **length <= rest.len())
                .any(|length| self.control_names.contains(&rest[..*length]))
    }
}
