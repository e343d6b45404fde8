//! The unigram model of XLM-R's vocabulary: each word is split where the sum of its pieces' scores is highest.
//! No piece of that vocabulary reaches over a space, so words can be taken one by one.

use tokenizers::Model as _;
use tokenizers::models::unigram::Unigram as Pieces;

use super::normalize::Normalizer;
use crate::WeightsError;
use crate::e5::keys;
use crate::gguf::{Array, Gguf, Value};

/// sentencepiece's mark for the space before a word.
const WORD_START: char = '\u{2581}';
const WHAT: &str = "the model's tokenizer";

pub(super) struct Unigram {
    normalizer: Normalizer,
    pieces: Pieces,
    begin: u32,
    end: u32,
}

impl std::fmt::Debug for Unigram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unigram").field("pieces", &self.pieces).finish_non_exhaustive()
    }
}

impl Unigram {
    pub(super) fn from_gguf(header: &Gguf) -> Result<Self, WeightsError> {
        let array = |key: &str| header.get(key).and_then(Value::as_array).ok_or_else(|| missing(key));
        let numbers = |key: &str| array(key)?.numbers().ok_or_else(|| missing(key));
        let lengths = match array(keys::LENGTHS)? {
            Array::U8(lengths) => lengths,
            _ => return Err(missing(keys::LENGTHS)),
        };
        let normalizer = Normalizer::new(numbers(keys::CODE_POINTS)?, lengths, numbers(keys::REPLACEMENTS)?)?;
        let tokens = array(keys::TOKENS)?.texts().ok_or_else(|| missing(keys::TOKENS))?;
        let scores = array(keys::SCORES)?.floats().ok_or_else(|| missing(keys::SCORES))?;
        let id = |key: &str| {
            let id = header.get(key).and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
            id.filter(|&id| (id as usize) < tokens.len()).ok_or_else(|| missing(key))
        };
        if tokens.len() != scores.len() {
            return Err(missing(keys::SCORES));
        }
        let (begin, end, unknown) = (id(keys::BEGIN)?, id(keys::END)?, id(keys::UNKNOWN)?);
        let vocabulary = tokens.iter().zip(scores).map(|(token, &score)| (surface(token, score), f64::from(score)));
        let pieces = Pieces::from(vocabulary.collect(), Some(unknown as usize), false)
            .map_err(|cause| WeightsError::malformed(WHAT, cause.to_string()))?;
        Ok(Self { normalizer, pieces, begin, end })
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, WeightsError> {
        let normal = self.normalizer.normalize(text);
        let mut ids = vec![self.begin];
        let mut marked = String::new();
        for word in normal.split(' ').filter(|word| !word.is_empty()) {
            marked.clear();
            marked.push(WORD_START);
            marked.push_str(word);
            let tokens = self.pieces.tokenize(&marked);
            let tokens =
                tokens.map_err(|cause| WeightsError::malformed(WHAT, format!("a word has no pieces: {cause}")))?;
            ids.extend(tokens.iter().map(|token| token.id));
        }
        ids.push(self.end);
        Ok(ids)
    }
}

/// What a piece matches in a text. Control tokens have the score zero, which no real piece has; they get a surface
/// that no normalised text contains.
fn surface(token: &str, score: f32) -> String {
    if score == 0.0 { format!("\0{token}") } else { token.to_owned() }
}

fn missing(key: &str) -> WeightsError {
    WeightsError::malformed(WHAT, format!("'{key}' is missing or does not fit the rest: pull the model again"))
}
