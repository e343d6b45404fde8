//! Round trips, truncations and alterations of GGUF headers; no bytes make the reader panic.

use expect_test::expect;
use proptest::prelude::*;

use super::{Array, Gguf, GgufFile, GgufWriter, Header, TensorType, Value};

fn sample() -> Vec<u8> {
    let mut header = Header::new("llama");
    header.set("llama.context_length", 2048_u32);
    header.set("tokenizer.ggml.tokens", vec!["a".to_owned(), "bé".to_owned()]);
    header.set("tokenizer.ggml.scores", vec![0.5_f32, -1.0]);
    header.set("general.license", "apache-2.0");
    header.set("tokenizer.ggml.add_bos_token", true);
    header.tensor("token_embd.weight", TensorType::Q4_0, &[32, 2]).unwrap();
    header.tensor("output_norm.weight", TensorType::F32, &[3]).unwrap();
    let mut writer = GgufWriter::start(Vec::new(), header).unwrap();
    writer.tensor("token_embd.weight", &[5; 36]).unwrap();
    writer.tensor("output_norm.weight", &[9; 12]).unwrap();
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Gguf, crate::WeightsError> {
    Gguf::read(bytes, bytes.len() as u64, "sample.gguf")
}

#[test]
fn what_was_written_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.gguf");
    std::fs::write(&path, sample()).unwrap();
    let file = GgufFile::open(&path).unwrap();
    assert_eq!(file.header().architecture_number("context_length"), Some(2048));
    assert_eq!(file.tensor_bytes("token_embd.weight").unwrap(), [5; 36]);
    assert_eq!(file.tensor_bytes("output_norm.weight").unwrap(), [9; 12]);
    expect![[r#"
        Summary {
            architecture: "llama",
            name: None,
            licence: Some(
                "apache-2.0",
            ),
            context_length: Some(
                2048,
            ),
            embedding_length: None,
            parameters: 67,
            quantization: "Q4_0",
            embeds: false,
            has_chat_template: false,
        }
    "#]]
    .assert_debug_eq(&file.header().summary());
}

#[test]
fn every_truncation_is_named() {
    let whole = sample();
    // The last tensor's padding may be missing: nothing is lost with it.
    let needed = whole.len() - 20;
    for length in 0..needed {
        let error = read(&whole[..length]).unwrap_err().to_string();
        assert!(error.contains("truncated, fetch or copy it again"), "{length}: {error}");
    }
    assert!(read(&whole[..needed]).is_ok());
}

/// Overwrites bytes at a place and says what the reader then answers.
fn altered(place: usize, with: &[u8]) -> String {
    let mut bytes = sample();
    bytes[place..place + with.len()].copy_from_slice(with);
    read(&bytes).unwrap_err().to_string()
}

#[test]
fn alterations_are_named() {
    expect![
        "sample.gguf cannot be used: it does not begin with 'GGUF', so it is no GGUF file: convert it or choose another"
    ]
    .assert_eq(&altered(0, b"PK"));
    expect!["sample.gguf cannot be used: it is GGUF version 9; versions 2 and 3 can be read"]
        .assert_eq(&altered(4, &9_u32.to_le_bytes()));
    expect!["sample.gguf cannot be used: it is a big-endian GGUF file: convert it to little-endian"]
        .assert_eq(&altered(4, &3_u32.to_be_bytes()));
    expect!["sample.gguf cannot be used: it claims 18446744073709551615 tensors; at most 1000000 are possible, it is damaged"]
        .assert_eq(&altered(8, &u64::MAX.to_le_bytes()));
    expect![
        "sample.gguf cannot be used: it claims 4294967295 bytes of text; at most 65535 are possible, it is damaged"
    ]
    .assert_eq(&altered(24, &u64::from(u32::MAX).to_le_bytes()));
}

/// A header with one key, of which the value is given as raw bytes.
fn with_value(code: u32, raw: &[u8]) -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.push(b'k');
    bytes.extend(code.to_le_bytes());
    bytes.extend(raw);
    bytes
}

#[test]
fn hostile_values_are_refused_without_allocating() {
    let nested = [9_u32.to_le_bytes().as_slice(), &1_u64.to_le_bytes()].concat();
    assert!(read(&with_value(9, &nested)).unwrap_err().to_string().contains("array of arrays"));
    for element in [0_u32, 8, 12] {
        let endless = [element.to_le_bytes().as_slice(), &u64::MAX.to_le_bytes()].concat();
        assert!(read(&with_value(9, &endless)).unwrap_err().to_string().contains("truncated"), "{element}");
    }
    assert!(read(&with_value(13, &[])).unwrap_err().to_string().contains("unknown type 13"));
    let text = [2_u64.to_le_bytes().as_slice(), &[0xff, 0xfe]].concat();
    assert!(read(&with_value(8, &text)).unwrap_err().to_string().contains("not UTF-8"));
}

#[test]
fn types_take_the_bits_that_are_published_for_them() {
    let published = [
        ("F32", 32.0),
        ("F16", 16.0),
        ("BF16", 16.0),
        ("Q4_0", 4.5),
        ("Q4_1", 5.0),
        ("Q5_0", 5.5),
        ("Q5_1", 6.0),
        ("Q8_0", 8.5),
        ("Q2_K", 2.625),
        ("Q3_K", 3.4375),
        ("Q4_K", 4.5),
        ("Q5_K", 5.5),
        ("Q6_K", 6.5625),
        ("IQ1_S", 1.5625),
        ("IQ1_M", 1.75),
        ("IQ2_XXS", 2.0625),
        ("IQ2_XS", 2.3125),
        ("IQ2_S", 2.5625),
        ("IQ3_XXS", 3.0625),
        ("IQ3_S", 3.4375),
        ("IQ4_NL", 4.5),
        ("IQ4_XS", 4.25),
        ("TQ1_0", 1.6875),
        ("TQ2_0", 2.0625),
        ("MXFP4", 4.25),
    ];
    for (name, bits) in published {
        let kind = TensorType::ALL.iter().find(|kind| kind.name == name).unwrap();
        assert_eq!(kind.bytes(&[1024]).unwrap() as f64 * 8.0 / 1024.0, bits, "{name}");
        assert_eq!(TensorType::from_code(kind.code()), Some(*kind));
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let refused = |kind: TensorType, dimensions: &[u64]| Header::new("x").tensor("t", kind, dimensions).is_err();
    assert!(refused(TensorType::Q4_0, &[33]));
    assert!(refused(TensorType::F32, &[]));
    assert!(refused(TensorType::F32, &[1, 1, 1, 1, 1]));
    assert!(refused(TensorType::F32, &[1 << 40, 1 << 40]));
    assert!(!refused(TensorType::Q6_K, &[512, 3]));
}

#[test]
fn a_writer_refuses_tensors_out_of_turn() {
    let start = || {
        let mut header = Header::new("x");
        header.tensor("a", TensorType::F32, &[2]).unwrap();
        assert!(header.tensor("a", TensorType::F32, &[2]).is_err());
        GgufWriter::start(Vec::new(), header).unwrap()
    };
    assert!(start().tensor("b", &[0; 8]).is_err());
    assert!(start().tensor("a", &[0; 7]).is_err());
    assert!(start().finish().is_err());
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u8>().prop_map(Value::U8),
        any::<i64>().prop_map(Value::I64),
        any::<bool>().prop_map(Value::Bool),
        ".{0,20}".prop_map(Value::Text),
        proptest::collection::vec(".{0,5}", 0..5).prop_map(|items| Value::Array(Array::Text(items))),
        proptest::collection::vec(any::<i32>(), 0..5).prop_map(|items| Value::Array(Array::I32(items))),
        proptest::collection::vec(any::<u16>(), 0..5).prop_map(|items| Value::Array(Array::U16(items))),
        proptest::collection::vec(any::<bool>(), 0..5).prop_map(|items| Value::Array(Array::Bool(items))),
    ]
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
        let _ = read(&[b"GGUF\x03\0\0\0".as_slice(), &bytes].concat());
    }

    #[test]
    fn mutations_never_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = sample();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Ok(header) = read(&bytes) {
            for tensor in header.tensors() {
                prop_assert!(header.data_start() + tensor.offset + tensor.bytes <= bytes.len() as u64);
            }
        }
    }

    #[test]
    fn any_header_reads_back(pairs in proptest::collection::btree_map("[a-z.]{1,12}", values(), 0..8), rows in 1_u64..5) {
        let mut header = Header::new("x");
        for (key, value) in &pairs {
            header.set(key, value.clone());
        }
        header.tensor("t", TensorType::F16, &[4, rows]).unwrap();
        let mut writer = GgufWriter::start(Vec::new(), header).unwrap();
        writer.tensor("t", &vec![1; 8 * rows as usize]).unwrap();
        let bytes = writer.finish().unwrap();
        let back = read(&bytes).unwrap();
        for (key, value) in &pairs {
            prop_assert_eq!(back.get(key), Some(value));
        }
        prop_assert_eq!(&back.tensor("t").unwrap().dimensions, &vec![4, rows]);
    }
}
