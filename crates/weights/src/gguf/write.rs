//! Writing a GGUF file front to back: the header is declared whole, then each tensor's bytes follow in order.
//! The writer refuses tensors out of order, of a wrong length, or missing, so a finished file is a whole one.

use std::io::{self, Write};

use super::{Array, DEFAULT_ALIGNMENT, MAGIC, TensorEntry, TensorType, Value};
use crate::WeightsError;

const VERSION: u32 = 3;

/// The header to be written.
#[derive(Debug, Clone, Default)]
pub struct Header {
    metadata: Vec<(String, Value)>,
    tensors: Vec<TensorEntry>,
    data_bytes: u64,
}

impl Header {
    /// A header for a model of this architecture.
    #[must_use]
    pub fn new(architecture: &str) -> Self {
        let mut header = Self::default();
        header.set("general.architecture", architecture);
        header
    }

    /// Sets a metadata value; an earlier one of the same key is replaced.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.metadata.iter_mut().find(|(name, _)| name == key) {
            Some(pair) => pair.1 = value,
            None => self.metadata.push((key.to_owned(), value)),
        }
    }

    /// Announces the next tensor; `dimensions` has the row length first.
    ///
    /// # Errors
    /// [`WeightsError::Invalid`] for a shape that the type cannot have, or a name that was announced before.
    pub fn tensor(&mut self, name: &str, kind: TensorType, dimensions: &[u64]) -> Result<(), WeightsError> {
        let bytes = kind.bytes(dimensions).filter(|_| dimensions.len() <= 4).ok_or_else(|| {
            WeightsError::invalid(format!("a tensor of type {} cannot have the shape {dimensions:?}", kind.name))
        })?;
        if self.tensors.iter().any(|tensor| tensor.name == name) {
            return Err(WeightsError::invalid(format!("the tensor '{name}' was announced twice")));
        }
        let (name, dimensions, offset) = (name.to_owned(), dimensions.to_vec(), self.data_bytes);
        self.data_bytes = offset
            .checked_add(bytes)
            .and_then(|end| end.checked_next_multiple_of(DEFAULT_ALIGNMENT))
            .ok_or_else(|| WeightsError::invalid("the tensors are larger than a file can be"))?;
        self.tensors.push(TensorEntry { name, dimensions, kind, offset, bytes });
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::from(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            text(&mut bytes, key);
            bytes.extend(value.code().to_le_bytes());
            encode_value(&mut bytes, value);
        }
        for tensor in &self.tensors {
            text(&mut bytes, &tensor.name);
            bytes.extend((tensor.dimensions.len() as u32).to_le_bytes());
            bytes.extend(tensor.dimensions.iter().flat_map(|size| size.to_le_bytes()));
            bytes.extend(tensor.kind.code().to_le_bytes());
            bytes.extend(tensor.offset.to_le_bytes());
        }
        let padded = bytes.len().next_multiple_of(DEFAULT_ALIGNMENT as usize);
        bytes.resize(padded, 0);
        bytes
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn encode_value(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::U8(value) => bytes.push(*value),
        Value::I8(value) => bytes.extend(value.to_le_bytes()),
        Value::U16(value) => bytes.extend(value.to_le_bytes()),
        Value::I16(value) => bytes.extend(value.to_le_bytes()),
        Value::U32(value) => bytes.extend(value.to_le_bytes()),
        Value::I32(value) => bytes.extend(value.to_le_bytes()),
        Value::F32(value) => bytes.extend(value.to_le_bytes()),
        Value::Bool(value) => bytes.push(u8::from(*value)),
        Value::Text(value) => text(bytes, value),
        Value::Array(array) => encode_array(bytes, array),
        Value::U64(value) => bytes.extend(value.to_le_bytes()),
        Value::I64(value) => bytes.extend(value.to_le_bytes()),
        Value::F64(value) => bytes.extend(value.to_le_bytes()),
    }
}

fn encode_array(bytes: &mut Vec<u8>, array: &Array) {
    bytes.extend(array.code().to_le_bytes());
    bytes.extend((array.len() as u64).to_le_bytes());
    match array {
        Array::U8(items) => bytes.extend(items),
        Array::I8(items) => bytes.extend(items.iter().flat_map(|item| item.to_le_bytes())),
        Array::U16(items) => bytes.extend(items.iter().flat_map(|item| item.to_le_bytes())),
        Array::I16(items) => bytes.extend(items.iter().flat_map(|item| item.to_le_bytes())),
        Array::U32(items) => bytes.extend(items.iter().flat_map(|item| item.to_le_bytes())),
        Array::I32(items) => bytes.extend(items.iter().flat_map(|item| item.to_le_bytes())),
        Array::F32(items) => bytes.extend(items.iter().flat_map(|item| item.to_le_bytes())),
        Array::Bool(items) => bytes.extend(items.iter().map(|&item| u8::from(item))),
        Array::Text(items) => items.iter().for_each(|item| text(bytes, item)),
        Array::U64(items) => bytes.extend(items.iter().flat_map(|item| item.to_le_bytes())),
        Array::I64(items) => bytes.extend(items.iter().flat_map(|item| item.to_le_bytes())),
        Array::F64(items) => bytes.extend(items.iter().flat_map(|item| item.to_le_bytes())),
    }
}

/// A file that is being written: the header is out, tensors follow.
#[derive(Debug)]
pub struct GgufWriter<W> {
    output: W,
    tensors: std::vec::IntoIter<TensorEntry>,
}

impl<W: Write> GgufWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// What the output says.
    pub fn start(mut output: W, header: Header) -> io::Result<Self> {
        output.write_all(&header.encode())?;
        Ok(Self { output, tensors: header.tensors.into_iter() })
    }

    /// Writes the next announced tensor, whose bytes are `data`.
    ///
    /// # Errors
    /// `InvalidInput` when another tensor or another length was announced; else what the output says.
    pub fn tensor(&mut self, name: &str, data: &[u8]) -> io::Result<()> {
        let expected = self.tensors.next().filter(|next| next.name == name && next.bytes == data.len() as u64);
        if expected.is_none() {
            let reason = format!("the tensor '{name}' of {} bytes was not announced as the next", data.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let padding = data.len().next_multiple_of(DEFAULT_ALIGNMENT as usize) - data.len();
        self.output.write_all(data)?;
        self.output.write_all(&[0; DEFAULT_ALIGNMENT as usize][..padding])
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// `InvalidInput` when an announced tensor was not written; else what the output says.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some(missing) = self.tensors.next() {
            let reason = format!("the tensor '{}' was announced and not written", missing.name);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        self.output.flush()?;
        Ok(self.output)
    }
}
