//! Where each token's bytes stand in the text it was made from.

use std::ops::Range;

use crate::native::Token;
use crate::vocabulary::Vocabulary;

/// The byte range of each token; none where tokens and text do not agree byte for byte.
pub(super) fn token_places(tokens: &[Token], text: &str, vocabulary: &Vocabulary) -> Option<Vec<Range<usize>>> {
    let text = text.as_bytes();
    let mut cursor = 0;
    let mut places = Vec::with_capacity(tokens.len());
    for (number, token) in tokens.iter().enumerate() {
        let rest = &text[cursor..];
        let bytes = vocabulary.bytes(*token);
        // Some tokenizers put a space before a text, or a beginning that the text does not spell out.
        let length = if rest.starts_with(bytes) {
            bytes.len()
        } else if let Some(bare) = bytes.strip_prefix(b" ").filter(|bare| rest.starts_with(bare)) {
            bare.len()
        } else if number == 0 && vocabulary.opening_token() == Some(*token) {
            0
        } else {
            return None;
        };
        places.push(cursor..cursor + length);
        cursor += length;
    }
    (cursor == text.len()).then_some(places)
}
