//! WordPiece, as a `tokenizer.json` describes it.

use std::str::FromStr;

use crate::WeightsError;

const WHAT: &str = "the model's tokenizer.json";

#[derive(Debug)]
pub(super) struct WordPiece {
    tokenizer: tokenizers::Tokenizer,
}

impl WordPiece {
    pub(super) fn from_json(json: &str) -> Result<Self, WeightsError> {
        let refuse = |cause: tokenizers::Error| WeightsError::malformed(WHAT, cause.to_string());
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
