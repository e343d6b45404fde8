//! multilingual-e5-small in 4 bits: from the packed file of its distributor to GGUF.
//!
//! The 4-bit blocks of that file are ggml's `Q4_0` blocks, row by row, so matrices are copied as they are. Its table of
//! code points (sentencepiece's `nmt_nfkc`) and its pieces travel in metadata that [`crate::tokenizer`] reads.

mod packed;

use std::io::Write;
use std::path::Path;

use packed::Packed;

use crate::WeightsError;
use crate::gguf::{GgufWriter, TensorType};

/// Metadata keys of the tokenizer of a converted file.
pub(crate) mod keys {
    pub(crate) const TOKENS: &str = "tokenizer.ggml.tokens";
    pub(crate) const SCORES: &str = "tokenizer.ggml.scores";
    pub(crate) const BEGIN: &str = "tokenizer.ggml.bos_token_id";
    pub(crate) const END: &str = "tokenizer.ggml.eos_token_id";
    pub(crate) const UNKNOWN: &str = "tokenizer.ggml.unknown_token_id";
    pub(crate) const PADDING: &str = "tokenizer.ggml.padding_token_id";
    pub(crate) const CODE_POINTS: &str = "freehold.normalizer.code_points";
    pub(crate) const LENGTHS: &str = "freehold.normalizer.lengths";
    pub(crate) const REPLACEMENTS: &str = "freehold.normalizer.replacements";
}

/// Writes the model in the packed file at `input` as GGUF.
///
/// # Errors
/// [`WeightsError::Malformed`] when the file is not of that format; [`WeightsError::Storage`] when reading or writing fails.
pub fn convert(input: &Path, name: &str, licence: &str, output: (&Path, impl Write)) -> Result<(), WeightsError> {
    let packed = Packed::open(input)?;
    let shape = packed.shape;
    let mut header = shape.header(name, licence, TensorType::Q4_0);
    let tokenizer = packed.tokenizer;
    header.set(keys::TOKENS, tokenizer.pieces);
    header.set(keys::SCORES, tokenizer.scores);
    header.set(keys::BEGIN, tokenizer.begin);
    header.set(keys::END, tokenizer.end);
    header.set(keys::UNKNOWN, tokenizer.unknown);
    header.set(keys::PADDING, tokenizer.padding);
    header.set(keys::CODE_POINTS, tokenizer.code_points);
    header.set(keys::LENGTHS, tokenizer.lengths);
    header.set(keys::REPLACEMENTS, tokenizer.replacements);
    let tensors = shape.tensors();
    for tensor in &tensors {
        let kind = if tensor.is_matrix { TensorType::Q4_0 } else { TensorType::F32 };
        header.tensor(&tensor.name, kind, &tensor.dimensions)?;
    }
    let (path, output) = output;
    let written = |cause| WeightsError::storage("write", path, cause);
    let mut writer = GgufWriter::start(output, header).map_err(written)?;
    for tensor in &tensors {
        writer.tensor(&tensor.name, packed.tensors.bytes(tensor)?).map_err(written)?;
    }
    writer.finish().map_err(written)?;
    Ok(())
}

#[cfg(test)]
mod tests;
