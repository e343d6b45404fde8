//! Round trips, truncations and alterations of safetensors headers; no bytes make the reader panic.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Directory, Dtype, SafetensorsFile, SafetensorsWriter};

fn sample() -> Vec<u8> {
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    let tensors = [
        ("a".to_owned(), Dtype::F32, vec![2, 3]),
        ("b".to_owned(), Dtype::Bf16, vec![]),
        ("c".to_owned(), Dtype::U8, vec![0]),
    ];
    let mut writer = SafetensorsWriter::start(Vec::new(), &metadata, &tensors).unwrap();
    writer.tensor("a", &[7; 24]).unwrap();
    writer.tensor("b", &[1, 2]).unwrap();
    writer.tensor("c", &[]).unwrap();
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Directory, crate::WeightsError> {
    Directory::read(bytes, bytes.len() as u64, "sample")
}

#[test]
fn what_was_written_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.safetensors");
    std::fs::write(&path, sample()).unwrap();
    let file = SafetensorsFile::open(&path).unwrap();
    assert_eq!(file.directory().metadata["format"], "pt");
    assert_eq!(file.directory().tensor("a").unwrap().shape, [2, 3]);
    assert_eq!(file.tensor_bytes("a").unwrap(), [7; 24]);
    assert_eq!(file.tensor_bytes("b").unwrap(), [1, 2]);
    assert!(file.tensor_bytes("d").unwrap_err().to_string().contains("no tensor 'd'"));
}

#[test]
fn every_truncation_and_every_surplus_is_named() {
    let whole = sample();
    for length in 0..whole.len() {
        let error = read(&whole[..length]).unwrap_err().to_string();
        assert!(error.contains("copy it again"), "{length}: {error}");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert!(read(&longer).unwrap_err().to_string().contains("27 bytes of tensors where 26 are listed"));
}

#[test]
fn holes_overlaps_and_twins_are_refused() {
    let check = |json: &str, data: usize, expected: &str| {
        let bytes = [&(json.len() as u64).to_le_bytes(), json.as_bytes(), &vec![0; data]].concat();
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{json}: {error}");
    };
    check(r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, 2, "'a' does not lie");
    check(
        r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
        3,
        "'b' does not lie",
    );
    check(r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, 0, "'a' does not lie");
    check(
        r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
        1,
        "'a' stands there twice",
    );
    check(r#"{"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,1]}}"#, 1, "unknown variant");
}

#[test]
fn a_writer_refuses_tensors_out_of_turn() {
    let tensors = [("a".to_owned(), Dtype::U8, vec![2]), ("b".to_owned(), Dtype::U8, vec![1])];
    let start = || SafetensorsWriter::start(Vec::new(), &BTreeMap::new(), &tensors).unwrap();
    assert!(start().tensor("b", &[1]).is_err());
    assert!(start().tensor("a", &[1]).is_err());
    assert!(start().finish().is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn mutations_never_panic(place in 0_usize..300, value in any::<u8>()) {
        let mut bytes = sample();
        let length = bytes.len();
        bytes[place % length] = value;
        if let Ok(directory) = read(&bytes) {
            let end = directory.tensors.last().map_or(0, |(_, entry)| entry.data_offsets.1);
            prop_assert_eq!(directory.data_start + end, length as u64);
        }
    }
}
