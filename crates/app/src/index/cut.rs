//! A document's text to passages that an embedding model can take whole.

use knowledge::chunk::{ChunkOptions, chunk};
use knowledge::parse::Block;
use store::{DocumentContent, PassageText};

/// Short enough that a few of them fit into a prompt on a small machine, long enough to say something.
const OPTIONS: ChunkOptions = ChunkOptions { target_tokens: 220, max_tokens: 400, overlap_sentences: 1 };

/// The passages of a text. One without words has one empty passage, so that its title can be found.
pub(super) fn passages(content: &DocumentContent) -> Vec<PassageText> {
    let blocks: Option<Vec<Block>> =
        content.structure.clone().and_then(|structure| serde_json::from_value(structure).ok());
    let chunks = chunk(&content.text, &blocks.unwrap_or_default(), &OPTIONS, &about_tokens);
    let mut passages: Vec<PassageText> = chunks
        .into_iter()
        .map(|chunk| PassageText {
            start: chunk.start,
            end: chunk.end,
            text: chunk.text,
            headings: chunk.headings,
            context: chunk.context,
            page: chunk.page,
        })
        .collect();
    if passages.is_empty() {
        passages.push(PassageText {
            start: 0,
            end: 0,
            text: String::new(),
            headings: Vec::new(),
            context: None,
            page: None,
        });
    }
    passages
}

/// At most so many tokens, roughly, in the vocabularies of multilingual models: three letters each in Latin script, two in
/// others, one for each character of scripts without spaces, for a digit pair and for a sign.
pub(crate) fn about_tokens(text: &str) -> usize {
    let mut sixths = 0;
    for letter in text.chars() {
        sixths += match letter {
            _ if letter.is_whitespace() => 0,
            'a'..='z' | 'A'..='Z' => 2,
            '0'..='9' => 3,
            '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' => 6,
            _ if letter.is_alphabetic() => 3,
            _ => 6,
        };
    }
    sixths / 6 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_rather_too_many_than_too_few() {
        assert_eq!(about_tokens(""), 1);
        assert!((9..=30).contains(&about_tokens("Every employee may take twenty-five days of leave.")));
        assert!(about_tokens("每位员工每年可以休二十五天年假") >= 15);
    }

    #[test]
    fn a_text_without_words_has_one_empty_passage() {
        let cut = passages(&DocumentContent { text: " \n ".to_owned(), structure: None });
        assert_eq!(cut.len(), 1);
        assert_eq!((cut[0].start, cut[0].end, cut[0].text.as_str()), (0, 0, ""));
    }
}
