//! WordPiece, as a `tokenizer.json` describes it.

use std::str::FromStr;

use serde::de::IgnoredAny;

use crate::WeightsError;

const WHAT: &str = "the model's tokenizer.json";

#[derive(Debug)]
pub(super) struct WordPiece {
    tokenizer: tokenizers::Tokenizer,
}

impl WordPiece {
    pub(super) fn from_json(json: &str) -> Result<Self, WeightsError> {
        let refuse = |cause: tokenizers::Error| WeightsError::malformed(WHAT, cause.to_string());
        // The library panics where a part of a file that is no JSON reaches it.
        serde_json::from_str::<IgnoredAny>(json).map_err(|cause| refuse(cause.into()))?;
        let mut tokenizer = tokenizers::Tokenizer::from_str(json).map_err(refuse)?;
        // Cutting and padding are decisions of whoever calls; published files carry those of some training run.
        tokenizer.with_truncation(None).map_err(refuse)?.with_padding(None);
        tokenizer.set_encode_special_tokens(true);
        Ok(Self { tokenizer })
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, WeightsError> {
        let encoding = self.tokenizer.encode_fast(text, true);
        encoding
            .map(|encoding| encoding.get_ids().to_vec())
            .map_err(|cause| WeightsError::malformed(WHAT, cause.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JSON: &str = r###"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [
        {"id": 0, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "a": 1, "##b": 2}}}"###;

    #[test]
    fn a_small_file_is_read() {
        assert_eq!(WordPiece::from_json(JSON).unwrap().encode("AB a x").unwrap(), [1, 2, 1, 0]);
    }

    proptest! {
        #[test]
        fn a_file_of_any_or_mutated_text_is_read_or_refused(
            text in "\\PC{0,40}",
            changes in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}\":,0-9a-z]"), 1..4),
        ) {
            let mut mutated: Vec<String> = JSON.chars().map(String::from).collect();
            for (place, by) in changes {
                let place = place.index(mutated.len());
                mutated[place] = by;
            }
            for json in [text, mutated.concat()] {
                match WordPiece::from_json(&json) {
                    Ok(read) => { let _ = read.encode("ab A\u{301} x"); }
                    Err(error) => prop_assert!(error.to_string().contains(WHAT)),
                }
            }
        }
    }
}
