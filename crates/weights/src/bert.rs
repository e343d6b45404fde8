//! Sentence encoders of the BERT family as GGUF: the header llama.cpp's `bert` architecture wants, the names of its
//! tensors, and the conversion of a sentence-transformers folder (`model.safetensors`, `config.json`,
//! `tokenizer.json`). Texts become ids in [`crate::tokenizer`], so the file has no llama.cpp vocabulary; the
//! tokenizer travels in metadata of its own.

use std::io::Write;
use std::path::Path;

use serde::Deserialize;

use crate::WeightsError;
use crate::gguf::{GgufWriter, Header, TensorType};
use crate::safetensors::{Dtype, SafetensorsFile};

/// Metadata key that holds a whole `tokenizer.json`.
pub(crate) const TOKENIZER_JSON: &str = "tokenizer.huggingface.json";
/// llama.cpp's number for the mean over all tokens.
const MEAN_POOLING: u32 = 1;
const MAX_JSON_BYTES: u64 = 64 << 20;

/// The sizes of an encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    pub(crate) hidden: u64,
    pub(crate) layers: u64,
    pub(crate) heads: u64,
    pub(crate) feed_forward: u64,
    pub(crate) vocabulary: u64,
    pub(crate) positions: u64,
    pub(crate) token_types: u64,
    pub(crate) epsilon: f32,
}

impl Shape {
    /// The header without tensors and tokenizer.
    pub(crate) fn header(&self, name: &str, licence: &str, matrices: TensorType) -> Header {
        let mut header = Header::new("bert");
        let small = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
        header.set("general.name", name);
        header.set("general.license", licence);
        header.set("general.file_type", matrices.code());
        header.set("bert.vocab_size", small(self.vocabulary));
        header.set("bert.context_length", small(self.positions));
        header.set("bert.embedding_length", small(self.hidden));
        header.set("bert.feed_forward_length", small(self.feed_forward));
        header.set("bert.block_count", small(self.layers));
        header.set("bert.attention.head_count", small(self.heads));
        header.set("bert.attention.layer_norm_epsilon", self.epsilon);
        header.set("bert.attention.causal", false);
        header.set("bert.pooling_type", MEAN_POOLING);
        header.set("tokenizer.ggml.model", "none");
        header.set("tokenizer.ggml.token_type_count", small(self.token_types));
        header
    }

    /// The tensors in the file's order.
    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        let Self { hidden, feed_forward, vocabulary, positions, token_types, .. } = *self;
        let mut tensors = vec![
            Tensor::matrix("token_embd.weight", "embeddings.word_embeddings.weight", hidden, vocabulary),
            Tensor::table("position_embd.weight", "embeddings.position_embeddings.weight", hidden, positions),
            Tensor::table("token_types.weight", "embeddings.token_type_embeddings.weight", hidden, token_types),
        ];
        tensors.extend(Tensor::norm("token_embd_norm", "embeddings.LayerNorm", hidden));
        for layer in 0..self.layers {
            let mut linear = |ours: &str, theirs: &str, from: u64, to: u64| {
                let (ours, theirs) = (format!("blk.{layer}.{ours}"), format!("encoder.layer.{layer}.{theirs}"));
                tensors.push(Tensor::matrix(&format!("{ours}.weight"), &format!("{theirs}.weight"), from, to));
                tensors.push(Tensor::vector(&format!("{ours}.bias"), &format!("{theirs}.bias"), to));
            };
            linear("attn_q", "attention.self.query", hidden, hidden);
            linear("attn_k", "attention.self.key", hidden, hidden);
            linear("attn_v", "attention.self.value", hidden, hidden);
            linear("attn_output", "attention.output.dense", hidden, hidden);
            linear("ffn_up", "intermediate.dense", hidden, feed_forward);
            linear("ffn_down", "output.dense", feed_forward, hidden);
            let (blk, encoder) = (format!("blk.{layer}"), format!("encoder.layer.{layer}"));
            let (ours, theirs) = (format!("{blk}.attn_output_norm"), format!("{encoder}.attention.output.LayerNorm"));
            tensors.extend(Tensor::norm(&ours, &theirs, hidden));
            let (ours, theirs) = (format!("{blk}.layer_output_norm"), format!("{encoder}.output.LayerNorm"));
            tensors.extend(Tensor::norm(&ours, &theirs, hidden));
        }
        tensors
    }
}

/// One tensor of an encoder: its name in GGUF and in transformers, and its sizes with the row length first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) origin: String,
    pub(crate) dimensions: Vec<u64>,
    /// Whether it is a factor of matrix products, which may be quantised.
    pub(crate) is_matrix: bool,
}

impl Tensor {
    fn matrix(name: &str, origin: &str, row: u64, rows: u64) -> Self {
        Self { name: name.to_owned(), origin: origin.to_owned(), dimensions: vec![row, rows], is_matrix: true }
    }

    fn table(name: &str, origin: &str, row: u64, rows: u64) -> Self {
        Self { is_matrix: false, ..Self::matrix(name, origin, row, rows) }
    }

    fn vector(name: &str, origin: &str, length: u64) -> Self {
        Self { name: name.to_owned(), origin: origin.to_owned(), dimensions: vec![length], is_matrix: false }
    }

    fn norm(name: &str, origin: &str, length: u64) -> [Self; 2] {
        ["weight", "bias"].map(|part| Self::vector(&format!("{name}.{part}"), &format!("{origin}.{part}"), length))
    }
}

#[derive(Deserialize)]
struct Config {
    model_type: String,
    hidden_size: u64,
    num_hidden_layers: u64,
    num_attention_heads: u64,
    intermediate_size: u64,
    vocab_size: u64,
    max_position_embeddings: u64,
    type_vocab_size: u64,
    layer_norm_eps: f32,
    hidden_act: String,
}

/// The files of a sentence-transformers model.
#[derive(Debug, Clone, Copy)]
pub struct Folder<'a> {
    /// `model.safetensors`, 32-bit floats.
    pub weights: &'a Path,
    /// `config.json`.
    pub config: &'a Path,
    /// `tokenizer.json`.
    pub tokenizer: &'a Path,
}

/// Writes the model as GGUF. `context_length` is the number of tokens it was trained to read; the table of positions
/// is cut there, so that no engine can be asked for more.
///
/// # Errors
/// [`WeightsError::Malformed`] when the files are no BERT encoder in 32-bit floats; [`WeightsError::Storage`] when
/// reading or writing fails.
pub fn convert(
    folder: Folder<'_>,
    name: &str,
    licence: &str,
    context_length: u64,
    output: (&Path, impl Write),
) -> Result<(), WeightsError> {
    let shape = shape(folder.config, context_length)?;
    let source = SafetensorsFile::open(folder.weights)?;
    let mut header = shape.header(name, licence, TensorType::F32);
    header.set(TOKENIZER_JSON, text(folder.tokenizer)?);
    let tensors = shape.tensors();
    for tensor in &tensors {
        header.tensor(&tensor.name, TensorType::F32, &tensor.dimensions)?;
    }
    let (path, output) = output;
    let written = |cause| WeightsError::storage("write", path, cause);
    let mut writer = GgufWriter::start(output, header).map_err(written)?;
    for tensor in &tensors {
        writer.tensor(&tensor.name, &read_tensor(&source, tensor)?).map_err(written)?;
    }
    writer.finish().map_err(written)?;
    Ok(())
}

fn shape(config: &Path, context_length: u64) -> Result<Shape, WeightsError> {
    let what = "config.json";
    let config: Config = serde_json::from_str(&text(config)?)
        .map_err(|cause| WeightsError::malformed(what, format!("it does not describe a BERT encoder: {cause}")))?;
    if config.model_type != "bert" || config.hidden_act != "gelu" {
        let reason = format!("it describes '{}' with '{}', not BERT with gelu", config.model_type, config.hidden_act);
        return Err(WeightsError::malformed(what, reason));
    }
    Ok(Shape {
        hidden: config.hidden_size,
        layers: config.num_hidden_layers.min(1000),
        heads: config.num_attention_heads,
        feed_forward: config.intermediate_size,
        vocabulary: config.vocab_size,
        positions: config.max_position_embeddings.min(context_length),
        token_types: config.type_vocab_size,
        epsilon: config.layer_norm_eps,
    })
}

/// The tensor's bytes, or their front where our table has fewer rows.
fn read_tensor(source: &SafetensorsFile, tensor: &Tensor) -> Result<Vec<u8>, WeightsError> {
    let prefixed = format!("bert.{}", tensor.origin);
    let origin = if source.directory().tensor(&tensor.origin).is_some() { &tensor.origin } else { &prefixed };
    let what = "model.safetensors";
    let entry = source
        .directory()
        .tensor(origin)
        .ok_or_else(|| WeightsError::malformed(what, format!("it has no tensor '{}'", tensor.origin)))?;
    let fits = entry.shape.len() == tensor.dimensions.len()
        && entry
            .shape
            .iter()
            .rev()
            .zip(&tensor.dimensions)
            .enumerate()
            .all(|(axis, (theirs, ours))| theirs == ours || (axis == 1 && !tensor.is_matrix && theirs > ours));
    if entry.dtype != Dtype::F32 || !fits {
        let reason = format!(
            "its tensor '{origin}' is {:?} of {:?}, not F32 of {:?}",
            entry.dtype, entry.shape, tensor.dimensions
        );
        return Err(WeightsError::malformed(what, reason));
    }
    let mut bytes = source.tensor_bytes(origin)?;
    let needed = tensor.dimensions.iter().product::<u64>() * Dtype::F32.bytes();
    bytes.truncate(usize::try_from(needed).unwrap_or(usize::MAX));
    Ok(bytes)
}

fn text(path: &Path) -> Result<String, WeightsError> {
    let failed = |cause| WeightsError::storage("read", path, cause);
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_JSON_BYTES {
        return Err(WeightsError::malformed(path.to_string_lossy(), "it is longer than 64 MiB"));
    }
    std::fs::read_to_string(path).map_err(failed)
}

#[cfg(test)]
mod tests;
