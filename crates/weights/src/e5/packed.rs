//! The packed file: a header of sizes, unigram pieces with scores, a table of code points, and a directory of tensors.
//! Little-endian throughout; every length is checked before it is used.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use crate::WeightsError;
use crate::bert::{Shape, Tensor};
use crate::gguf::TensorType;

const MAGIC: [u8; 4] = *b"E5S1";
const VERSION: u32 = 1;
const BLOCK: u64 = 32;
const MAX_FILE_BYTES: u64 = 4 << 30;
const WHAT: &str = "the packed E5 file";

/// A whole file, taken apart.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) shape: Shape,
    pub(super) tokenizer: Tokenizer,
    pub(super) tensors: Tensors,
}

/// Pieces and normalisation as flat arrays.
#[derive(Debug)]
pub(super) struct Tokenizer {
    pub(super) pieces: Vec<String>,
    pub(super) scores: Vec<f32>,
    pub(super) begin: u32,
    pub(super) end: u32,
    pub(super) padding: u32,
    pub(super) unknown: u32,
    /// Code points that are replaced, ascending.
    pub(super) code_points: Vec<u32>,
    /// How many code points replace each.
    pub(super) lengths: Vec<u8>,
    /// The replacements, one after another.
    pub(super) replacements: Vec<u32>,
}

/// The tensors' bytes.
#[derive(Debug)]
pub(super) struct Tensors {
    file: Vec<u8>,
    places: HashMap<String, (TensorType, Range<usize>)>,
}

impl Packed {
    pub(super) fn open(path: &Path) -> Result<Self, WeightsError> {
        let failed = |cause| WeightsError::storage("read", path, cause);
        if std::fs::metadata(path).map_err(failed)?.len() > MAX_FILE_BYTES {
            return Err(WeightsError::malformed(WHAT, "it is longer than 4 GiB"));
        }
        Self::parse(std::fs::read(path).map_err(failed)?)
    }

    pub(super) fn parse(file: Vec<u8>) -> Result<Self, WeightsError> {
        let mut input = Input { bytes: &file, position: 0 };
        if input.array::<4>()? != MAGIC || input.u32()? != VERSION {
            return Err(WeightsError::malformed(WHAT, "it does not begin with 'E5S1' version 1: fetch it again"));
        }
        let shape = shape(&mut input)?;
        let tokenizer = tokenizer(&mut input)?;
        let places = places(&mut input)?;
        Ok(Self { shape, tokenizer, tensors: Tensors { file, places } })
    }
}

impl Tensors {
    /// The bytes of an encoder's tensor, which must have the type and the size expected there.
    pub(super) fn bytes(&self, tensor: &Tensor) -> Result<&[u8], WeightsError> {
        let kind = if tensor.is_matrix { TensorType::Q4_0 } else { TensorType::F32 };
        let name = packed_name(&tensor.name);
        let found = self
            .places
            .get(&name)
            .filter(|(found, place)| *found == kind && kind.bytes(&tensor.dimensions) == Some(place.len() as u64));
        found.and_then(|(_, place)| self.file.get(place.clone())).ok_or_else(|| {
            WeightsError::malformed(WHAT, format!("its tensor '{name}' is missing or has the wrong size"))
        })
    }
}

/// What the packed file calls a tensor: `blk.3.attn_q.weight` is `l3.q.w` there.
fn packed_name(name: &str) -> String {
    let (stem, part) = name.rsplit_once('.').unwrap_or((name, ""));
    let part = if part == "bias" { "b" } else { "w" };
    let (front, role) = match stem.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) {
        Some((layer, role)) => (format!("l{layer}."), role),
        None => (String::new(), stem),
    };
    let short = match role {
        "token_embd" => return "emb.word".to_owned(),
        "position_embd" => return "emb.pos".to_owned(),
        "token_types" => return "emb.type".to_owned(),
        "token_embd_norm" => "emb.ln",
        "attn_q" => "q",
        "attn_k" => "k",
        "attn_v" => "v",
        "attn_output" => "ao",
        "attn_output_norm" => "aln",
        "ffn_up" => "fi",
        "ffn_down" => "fo",
        "layer_output_norm" => "oln",
        other => other,
    };
    format!("{front}{short}.{part}")
}

fn shape(input: &mut Input<'_>) -> Result<Shape, WeightsError> {
    let [hidden, layers, heads, feed_forward, vocabulary, positions, token_types] =
        [input.size()?, input.size()?, input.size()?, input.size()?, input.size()?, input.size()?, input.size()?];
    let epsilon = f32::from_le_bytes(input.array()?);
    let sizes_fit = heads > 0 && layers <= 1000 && hidden.is_multiple_of(heads) && hidden.is_multiple_of(BLOCK);
    if input.size()? != BLOCK || !sizes_fit {
        return Err(WeightsError::malformed(WHAT, "its sizes do not belong to a 4-bit encoder: fetch it again"));
    }
    Ok(Shape { hidden, layers, heads, feed_forward, vocabulary, positions, token_types, epsilon })
}

fn tokenizer(input: &mut Input<'_>) -> Result<Tokenizer, WeightsError> {
    let count = input.count()?;
    let [begin, end, padding, unknown] = [input.u32()?, input.u32()?, input.u32()?, input.u32()?];
    let text_bytes = usize::try_from(u64::from_le_bytes(input.array()?)).unwrap_or(usize::MAX);
    let ends = input.numbers(count.saturating_add(1))?;
    let scores = input.numbers(count)?.into_iter().map(f32::from_bits).collect();
    let text = input.take(text_bytes)?;
    let pieces = ends.windows(2).map(|pair| piece(text, pair)).collect::<Option<Vec<_>>>();
    let pieces = pieces.ok_or_else(|| WeightsError::malformed(WHAT, "its vocabulary is damaged: fetch it again"))?;
    if [begin, end, padding, unknown].iter().any(|&id| id as usize >= count) {
        return Err(WeightsError::malformed(WHAT, "its special tokens are not in its vocabulary: fetch it again"));
    }
    let (code_points, lengths, replacements) = normalizer(input)?;
    Ok(Tokenizer { pieces, scores, begin, end, padding, unknown, code_points, lengths, replacements })
}

fn piece(text: &[u8], ends: &[u32]) -> Option<String> {
    let range = usize::try_from(*ends.first()?).ok()?..usize::try_from(*ends.get(1)?).ok()?;
    String::from_utf8(text.get(range)?.to_vec()).ok()
}

type Normalizer = (Vec<u32>, Vec<u8>, Vec<u32>);

fn normalizer(input: &mut Input<'_>) -> Result<Normalizer, WeightsError> {
    let count = input.count()?;
    let bytes = input.count()?;
    let mut table = Input { bytes: input.take(bytes)?, position: 0 };
    let (mut code_points, mut lengths, mut replacements) = Normalizer::default();
    for _ in 0..count {
        code_points.push(table.u32()?);
        let [length] = table.array::<1>()?;
        lengths.push(length);
        replacements.extend(table.numbers(length.into())?);
    }
    Ok((code_points, lengths, replacements))
}

fn places(input: &mut Input<'_>) -> Result<HashMap<String, (TensorType, Range<usize>)>, WeightsError> {
    let mut places = HashMap::new();
    for _ in 0..input.count()? {
        let length = u16::from_le_bytes(input.array()?);
        let name = String::from_utf8_lossy(input.take(length.into())?).into_owned();
        let kind = match input.array()? {
            [0] => TensorType::F32,
            [1] => TensorType::Q4_0,
            [other] => {
                return Err(WeightsError::malformed(WHAT, format!("its tensor '{name}' has the unknown type {other}")));
            }
        };
        let _elements = input.u32()?;
        let start = usize::try_from(u64::from_le_bytes(input.array()?)).unwrap_or(usize::MAX);
        let bytes = usize::try_from(u64::from_le_bytes(input.array()?)).unwrap_or(usize::MAX);
        places.insert(name, (kind, start..start.saturating_add(bytes)));
    }
    Ok(places)
}

struct Input<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], WeightsError> {
        let end = self.position.saturating_add(length);
        let bytes = self.bytes.get(self.position..end).ok_or_else(|| {
            WeightsError::malformed(
                WHAT,
                format!("it ends after {} bytes, too early: fetch it again", self.bytes.len()),
            )
        })?;
        self.position = end;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32, WeightsError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn size(&mut self) -> Result<u64, WeightsError> {
        Ok(self.u32()?.into())
    }

    fn count(&mut self) -> Result<usize, WeightsError> {
        Ok(usize::try_from(self.u32()?).unwrap_or(usize::MAX))
    }

    fn numbers(&mut self, count: usize) -> Result<Vec<u32>, WeightsError> {
        let bytes = self.take(count.saturating_mul(4))?;
        Ok(bytes.as_chunks().0.iter().map(|chunk| u32::from_le_bytes(*chunk)).collect())
    }
}
