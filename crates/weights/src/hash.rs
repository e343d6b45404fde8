//! sha256 of files, hexadecimal.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::WeightsError;

const CHUNK_BYTES: usize = 1 << 20;

/// The sha256 of a whole file. `step` hears the bytes done so far and may stop the work by an error.
pub(crate) fn file(path: &Path, step: &dyn Fn(u64) -> Result<(), WeightsError>) -> Result<String, WeightsError> {
    let failed = |cause| WeightsError::storage("read", path, cause);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut done = 0;
    loop {
        let count = file.read(&mut chunk).map_err(failed)?;
        if count == 0 {
            return Ok(hexadecimal(&hasher.finalize()));
        }
        hasher.update(chunk.get(..count).unwrap_or_default());
        done += count as u64;
        step(done)?;
    }
}

/// The sha256 of a text.
pub(crate) fn text(text: &str) -> String {
    hexadecimal(&Sha256::digest(text))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
