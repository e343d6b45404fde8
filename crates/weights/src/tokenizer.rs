//! Texts to token ids for the sentence encoders whose GGUF files carry their tokenizer in metadata: unigram with
//! sentencepiece's normalisation (E5) and WordPiece (MiniLM).
//!
//! Text is only ever text: a `</s>` or `[SEP]` that somebody wrote is spelled out in pieces and never becomes the
//! control token of that name.

mod normalize;
mod unigram;
mod word_piece;

use unigram::Unigram;
use word_piece::WordPiece;

use crate::WeightsError;
use crate::bert::TOKENIZER_JSON;
use crate::e5::keys;
use crate::gguf::Gguf;

/// A tokenizer, ready to be used from several threads.
#[derive(Debug)]
pub struct Tokenizer {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Unigram(Box<Unigram>),
    WordPiece(Box<WordPiece>),
}

impl Tokenizer {
    /// The tokenizer that a file carries; `None` where the file has a vocabulary of llama.cpp's instead.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] when its parts do not fit together.
    pub fn from_gguf(header: &Gguf) -> Result<Option<Self>, WeightsError> {
        let kind = if let Some(json) = header.text(TOKENIZER_JSON) {
            Kind::WordPiece(Box::new(WordPiece::from_json(json)?))
        } else if header.get(keys::CODE_POINTS).is_some() {
            Kind::Unigram(Box::new(Unigram::from_gguf(header)?))
        } else {
            return Ok(None);
        };
        Ok(Some(Self { kind }))
    }

    /// The ids of a text, from the token that begins a sequence to the one that ends it. Nothing is cut off.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] when the tokenizer cannot express the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, WeightsError> {
        match &self.kind {
            Kind::Unigram(unigram) => unigram.encode(text),
            Kind::WordPiece(word_piece) => word_piece.encode(text),
        }
    }
}
