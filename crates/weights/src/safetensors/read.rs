//! Reading a safetensors header within limits.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::Read;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::{Directory, TensorEntry};
use crate::WeightsError;

/// The format's own limit.
const MAX_HEADER_BYTES: u64 = 100_000_000;
const LENGTH_BYTES: u64 = 8;

/// Reads the header; see [`Directory::read`].
pub(super) fn directory(mut reader: impl Read, total_bytes: u64, what: &str) -> Result<Directory, WeightsError> {
    let cut_short = || {
        let reason =
            format!("it ends after {total_bytes} bytes, inside its header: it is truncated, fetch or copy it again");
        WeightsError::malformed(what, reason)
    };
    let mut length = [0; LENGTH_BYTES as usize];
    reader.read_exact(&mut length).map_err(|_| cut_short())?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER_BYTES {
        return Err(WeightsError::malformed(what, "its header claims more than 100 MB: it is no safetensors file"));
    }
    let data_start = LENGTH_BYTES + length;
    if data_start > total_bytes {
        return Err(cut_short());
    }
    let mut header = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    reader.read_exact(&mut header).map_err(|_| cut_short())?;
    let Json { metadata, mut tensors } = serde_json::from_slice(&header)
        .map_err(|cause| WeightsError::malformed(what, format!("its header is not as it should be: {cause}")))?;
    tensors.sort_by_key(|(_, entry)| entry.data_offsets);
    check_places(&tensors, total_bytes - data_start, what)?;
    Ok(Directory { metadata, tensors, data_start })
}

/// Tensors must follow each other without hole or overlap, and fill the file.
fn check_places(tensors: &[(String, TensorEntry)], data_bytes: u64, what: &str) -> Result<(), WeightsError> {
    let mut place = 0;
    for (name, TensorEntry { dtype, shape, data_offsets: (start, end) }) in tensors {
        let bytes = shape.iter().try_fold(dtype.bytes(), |total, &size| total.checked_mul(size));
        if *start != place || bytes.and_then(|bytes| start.checked_add(bytes)) != Some(*end) {
            let reason = format!("the tensor '{name}' does not lie where its shape and its neighbours say");
            return Err(WeightsError::malformed(what, reason));
        }
        place = *end;
    }
    if place != data_bytes {
        let reason = format!("it holds {data_bytes} bytes of tensors where {place} are listed: fetch or copy it again");
        return Err(WeightsError::malformed(what, reason));
    }
    Ok(())
}

struct Json {
    metadata: BTreeMap<String, String>,
    tensors: Vec<(String, TensorEntry)>,
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut seen = HashSet::new();
        let mut json = Json { metadata: BTreeMap::new(), tensors: Vec::new() };
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("'{name}' stands there twice")));
            }
            if name == "__metadata__" {
                json.metadata = map.next_value()?;
            } else {
                json.tensors.push((name, map.next_value()?));
            }
        }
        Ok(json)
    }
}
