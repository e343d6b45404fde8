//! Reading a GGUF header within limits. Any byte sequence gives a header or an error, never a panic, and memory
//! stays proportional to the bytes that are really there.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::{Array, DEFAULT_ALIGNMENT, Gguf, MAGIC, TensorEntry, TensorType, Value};
use crate::WeightsError;

const MAX_KEYS: u64 = 65_536;
const MAX_TENSORS: u64 = 1_000_000;
const MAX_KEY_BYTES: u64 = 65_535;
const MAX_TEXT_BYTES: u64 = 64 << 20;
/// A header is vocabulary and settings; the largest known ones are some tens of megabytes.
const MAX_HEADER_BYTES: u64 = 1 << 30;
const MAX_ALIGNMENT: u64 = 1 << 20;
const ARRAY_CODE: u32 = 9;

/// Reads the header; see [`Gguf::read`].
pub(super) fn header(reader: impl Read, total_bytes: u64, what: &str) -> Result<Gguf, WeightsError> {
    let mut input = Input { reader, position: 0, end: total_bytes, what };
    let version = opening(&mut input)?;
    let tensor_count = input.count(MAX_TENSORS, "tensors")?;
    let key_count = input.count(MAX_KEYS, "metadata keys")?;
    let metadata = metadata(&mut input, key_count)?;
    let alignment = alignment(&metadata, what)?;
    let tensors = (0..tensor_count).map(|_| tensor(&mut input)).collect::<Result<Vec<_>, _>>()?;
    let data_start = input
        .position
        .checked_next_multiple_of(alignment)
        .ok_or_else(|| WeightsError::malformed(what, "its header is too long"))?;
    check_places(&tensors, alignment, data_start, total_bytes, what)?;
    let tensor_index = index(&tensors, what)?;
    Ok(Gguf { version, metadata, tensors, tensor_index, data_start })
}

fn opening<R: Read>(input: &mut Input<'_, R>) -> Result<u32, WeightsError> {
    if input.array::<4>()? != MAGIC {
        return Err(input.fault("it does not begin with 'GGUF', so it is no GGUF file: convert it or choose another"));
    }
    match u32::from_le_bytes(input.array()?) {
        version @ (2 | 3) => Ok(version),
        1 => Err(input.fault("it is GGUF version 1, which is no longer in use: convert the model again")),
        version if version.swap_bytes() <= 3 => {
            Err(input.fault("it is a big-endian GGUF file: convert it to little-endian"))
        }
        version => Err(input.fault(&format!("it is GGUF version {version}; versions 2 and 3 can be read"))),
    }
}

fn metadata<R: Read>(input: &mut Input<'_, R>, count: u64) -> Result<Vec<(String, Value)>, WeightsError> {
    let mut seen = HashSet::new();
    let mut pairs = Vec::new();
    for _ in 0..count {
        let key = input.text(MAX_KEY_BYTES)?;
        let code = u32::from_le_bytes(input.array()?);
        let value = value(input, code)?;
        if !seen.insert(key.clone()) {
            return Err(input.fault(&format!("the metadata key '{key}' stands there twice")));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

fn value<R: Read>(input: &mut Input<'_, R>, code: u32) -> Result<Value, WeightsError> {
    Ok(match code {
        0 => Value::U8(u8::from_le_bytes(input.array()?)),
        1 => Value::I8(i8::from_le_bytes(input.array()?)),
        2 => Value::U16(u16::from_le_bytes(input.array()?)),
        3 => Value::I16(i16::from_le_bytes(input.array()?)),
        4 => Value::U32(u32::from_le_bytes(input.array()?)),
        5 => Value::I32(i32::from_le_bytes(input.array()?)),
        6 => Value::F32(f32::from_le_bytes(input.array()?)),
        7 => Value::Bool(input.array::<1>()? != [0]),
        8 => Value::Text(input.text(MAX_TEXT_BYTES)?),
        ARRAY_CODE => Value::Array(array(input)?),
        10 => Value::U64(u64::from_le_bytes(input.array()?)),
        11 => Value::I64(i64::from_le_bytes(input.array()?)),
        12 => Value::F64(f64::from_le_bytes(input.array()?)),
        _ => return Err(input.fault(&format!("it has a metadata value of the unknown type {code}"))),
    })
}

fn array<R: Read>(input: &mut Input<'_, R>) -> Result<Array, WeightsError> {
    let code = u32::from_le_bytes(input.array()?);
    let count = u64::from_le_bytes(input.array()?);
    Ok(match code {
        0 => Array::U8(input.items(count, u8::from_le_bytes)?),
        1 => Array::I8(input.items(count, i8::from_le_bytes)?),
        2 => Array::U16(input.items(count, u16::from_le_bytes)?),
        3 => Array::I16(input.items(count, i16::from_le_bytes)?),
        4 => Array::U32(input.items(count, u32::from_le_bytes)?),
        5 => Array::I32(input.items(count, i32::from_le_bytes)?),
        6 => Array::F32(input.items(count, f32::from_le_bytes)?),
        7 => Array::Bool(input.items(count, |byte: [u8; 1]| byte != [0])?),
        8 => Array::Text(texts(input, count)?),
        10 => Array::U64(input.items(count, u64::from_le_bytes)?),
        11 => Array::I64(input.items(count, i64::from_le_bytes)?),
        12 => Array::F64(input.items(count, f64::from_le_bytes)?),
        ARRAY_CODE => return Err(input.fault("it has an array of arrays, which is not supported")),
        _ => return Err(input.fault(&format!("it has an array of the unknown type {code}"))),
    })
}

fn texts<R: Read>(input: &mut Input<'_, R>, count: u64) -> Result<Vec<String>, WeightsError> {
    // Each text takes at least its length field.
    input.need(count.saturating_mul(8))?;
    (0..count).map(|_| input.text(MAX_TEXT_BYTES)).collect()
}

fn alignment(metadata: &[(String, Value)], what: &str) -> Result<u64, WeightsError> {
    let Some((_, value)) = metadata.iter().find(|(key, _)| key == "general.alignment") else {
        return Ok(DEFAULT_ALIGNMENT);
    };
    value
        .as_u64()
        .filter(|alignment| alignment.is_power_of_two() && (8..=MAX_ALIGNMENT).contains(alignment))
        .ok_or_else(|| {
            WeightsError::malformed(what, format!("its alignment {value} is no power of two in 8..=1048576"))
        })
}

fn tensor<R: Read>(input: &mut Input<'_, R>) -> Result<TensorEntry, WeightsError> {
    let name = input.text(MAX_KEY_BYTES)?;
    let rank = u32::from_le_bytes(input.array()?);
    if !(1..=4).contains(&rank) {
        return Err(input.fault(&format!("the tensor '{name}' has {rank} dimensions; one to four are possible")));
    }
    let dimensions = input.items(rank.into(), u64::from_le_bytes)?;
    let code = u32::from_le_bytes(input.array()?);
    let offset = u64::from_le_bytes(input.array()?);
    let kind = TensorType::from_code(code)
        .ok_or_else(|| input.fault(&format!("the tensor '{name}' has the unknown type {code}; a newer format?")))?;
    let bytes = kind.bytes(&dimensions).ok_or_else(|| {
        input.fault(&format!("the tensor '{name}' of type {} cannot have the shape {dimensions:?}", kind.name))
    })?;
    Ok(TensorEntry { name, dimensions, kind, offset, bytes })
}

fn check_places(
    tensors: &[TensorEntry],
    alignment: u64,
    data_start: u64,
    total_bytes: u64,
    what: &str,
) -> Result<(), WeightsError> {
    for TensorEntry { name, offset, bytes, .. } in tensors {
        if !offset.is_multiple_of(alignment) {
            return Err(WeightsError::malformed(
                what,
                format!("the tensor '{name}' does not begin at a multiple of {alignment}"),
            ));
        }
        let end = data_start.checked_add(*offset).and_then(|start| start.checked_add(*bytes));
        if end.is_none_or(|end| end > total_bytes) {
            return Err(cut_short(what, total_bytes, &format!("the tensor '{name}'")));
        }
    }
    Ok(())
}

fn index(tensors: &[TensorEntry], what: &str) -> Result<HashMap<String, usize>, WeightsError> {
    let mut places = HashMap::with_capacity(tensors.len());
    for (place, tensor) in tensors.iter().enumerate() {
        if places.insert(tensor.name.clone(), place).is_some() {
            return Err(WeightsError::malformed(what, format!("the tensor '{}' stands there twice", tensor.name)));
        }
    }
    Ok(places)
}

fn cut_short(what: &str, total_bytes: u64, inside: &str) -> WeightsError {
    WeightsError::malformed(
        what,
        format!("it ends after {total_bytes} bytes, inside {inside}: the file is truncated, fetch or copy it again"),
    )
}

/// Bytes that are read once, front to back, and never past `end`.
struct Input<'a, R> {
    reader: R,
    position: u64,
    end: u64,
    what: &'a str,
}

impl<R: Read> Input<'_, R> {
    fn fault(&self, reason: &str) -> WeightsError {
        WeightsError::malformed(self.what, reason)
    }

    /// Refuses lengths that the file cannot hold, before anything is allocated for them.
    fn need(&self, bytes: u64) -> Result<(), WeightsError> {
        let end = self.position.saturating_add(bytes);
        if end > self.end {
            return Err(cut_short(self.what, self.end, "its header"));
        }
        if end > MAX_HEADER_BYTES {
            return Err(self.fault("its header is longer than 1 GiB: no model needs that, the file is damaged"));
        }
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), WeightsError> {
        self.need(buffer.len() as u64)?;
        self.reader.read_exact(buffer).map_err(|_| cut_short(self.what, self.end, "its header"))?;
        self.position += buffer.len() as u64;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn count(&mut self, limit: u64, of: &str) -> Result<u64, WeightsError> {
        match u64::from_le_bytes(self.array()?) {
            count if count <= limit => Ok(count),
            count => Err(self.fault(&format!("it claims {count} {of}; at most {limit} are possible, it is damaged"))),
        }
    }

    fn text(&mut self, limit: u64) -> Result<String, WeightsError> {
        let length = self.count(limit, "bytes of text")?;
        self.need(length)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| self.fault("a text in its header is not UTF-8: it is damaged"))
    }

    fn items<T, const N: usize>(&mut self, count: u64, decode: impl Fn([u8; N]) -> T) -> Result<Vec<T>, WeightsError> {
        self.need(count.saturating_mul(N as u64))?;
        (0..count).map(|_| self.array().map(&decode)).collect()
    }
}
