//! Writing a safetensors file front to back: tensors are announced first, then their bytes follow in order.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Dtype, TensorEntry};

/// A file that is being written: the header is out, tensors follow.
#[derive(Debug)]
pub struct SafetensorsWriter<W> {
    output: W,
    pending: std::vec::IntoIter<(String, u64)>,
}

impl<W: Write> SafetensorsWriter<W> {
    /// Writes the header for tensors of these names, types and shapes (outermost size first), in this order.
    ///
    /// # Errors
    /// `InvalidInput` for a name given twice or a shape too large; else what the output says.
    pub fn start(
        mut output: W,
        metadata: &BTreeMap<String, String>,
        tensors: &[(String, Dtype, Vec<u64>)],
    ) -> io::Result<Self> {
        let mut header = Map::new();
        if !metadata.is_empty() {
            header.insert("__metadata__".to_owned(), json!(metadata));
        }
        let mut pending = Vec::with_capacity(tensors.len());
        let mut place = 0_u64;
        for (name, dtype, shape) in tensors {
            let bytes = shape.iter().try_fold(dtype.bytes(), |total, &size| total.checked_mul(size));
            let (bytes, end) =
                bytes.and_then(|bytes| Some((bytes, place.checked_add(bytes)?))).ok_or_else(too_large)?;
            let entry = TensorEntry { dtype: *dtype, shape: shape.clone(), data_offsets: (place, end) };
            if header.insert(name.clone(), json!(entry)).is_some() {
                return Err(invalid(format!("the tensor '{name}' was announced twice")));
            }
            pending.push((name.clone(), bytes));
            place = end;
        }
        let mut text = Value::Object(header).to_string();
        // The format's writers pad with spaces, so that tensors begin at a multiple of eight.
        text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
        output.write_all(&(text.len() as u64).to_le_bytes())?;
        output.write_all(text.as_bytes())?;
        Ok(Self { output, pending: pending.into_iter() })
    }

    /// Writes the next announced tensor.
    ///
    /// # Errors
    /// `InvalidInput` when another tensor or another length was announced; else what the output says.
    pub fn tensor(&mut self, name: &str, data: &[u8]) -> io::Result<()> {
        match self.pending.next() {
            Some((next, bytes)) if next == name && bytes == data.len() as u64 => self.output.write_all(data),
            _ => Err(invalid(format!("the tensor '{name}' of {} bytes was not announced as the next", data.len()))),
        }
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// `InvalidInput` when an announced tensor was not written; else what the output says.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some((name, _)) = self.pending.next() {
            return Err(invalid(format!("the tensor '{name}' was announced and not written")));
        }
        self.output.flush()?;
        Ok(self.output)
    }
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

fn too_large() -> io::Error {
    invalid("the tensors are larger than a file can be".to_owned())
}
