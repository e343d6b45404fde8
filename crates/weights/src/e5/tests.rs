//! Conversion of a made-up packed file: blocks copied to where llama.cpp looks for them, ids as unigram gives them.

use proptest::prelude::*;

use super::packed::Packed;
use super::{convert, keys};
use crate::gguf::{Gguf, TensorType, Value};
use crate::tokenizer::Tokenizer;

const PIECES: [(&str, f32); 9] = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("\u{2581}", -4.0),
    ("\u{2581}ab", -5.0),
    ("a", -6.0),
    ("b", -6.5),
    ("é", -7.0),
];

/// A file of a made-up encoder: hidden size 32, one layer, two heads, nine pieces.
fn sample() -> Vec<u8> {
    let mut file = b"E5S1".to_vec();
    let numbers = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    file.extend(numbers(&[1, 32, 1, 2, 64, 9, 16, 2]));
    file.extend(1e-12_f32.to_le_bytes());
    file.extend(numbers(&[32, PIECES.len() as u32, 0, 2, 1, 3]));
    let text: String = PIECES.iter().map(|(piece, _)| *piece).collect();
    file.extend((text.len() as u64).to_le_bytes());
    let mut end = 0;
    let ends: Vec<u32> = std::iter::once(0)
        .chain(PIECES.iter().map(|(piece, _)| {
            end += piece.len() as u32;
            end
        }))
        .collect();
    file.extend(numbers(&ends));
    file.extend(PIECES.iter().flat_map(|(_, score)| score.to_le_bytes()));
    file.extend(text.bytes());
    let table = [numbers(&[9]), vec![1], numbers(&[32]), numbers(&[0xff21]), vec![2], numbers(&[97, 98])].concat();
    file.extend(numbers(&[2, table.len() as u32]));
    file.extend(table);
    let tensors = tensors();
    let directory: usize = 4 + tensors.iter().map(|(name, ..)| 2 + name.len() + 1 + 4 + 16).sum::<usize>();
    let mut place = file.len() + directory;
    file.extend(numbers(&[tensors.len() as u32]));
    for (name, kind, data) in &tensors {
        file.extend((name.len() as u16).to_le_bytes());
        file.extend(name.bytes());
        file.push(*kind);
        file.extend(0_u32.to_le_bytes());
        file.extend((place as u64).to_le_bytes());
        file.extend((data.len() as u64).to_le_bytes());
        place += data.len();
    }
    tensors.into_iter().for_each(|(_, _, data)| file.extend(data));
    file
}

/// Name, type and bytes; every tensor is filled with its own number.
fn tensors() -> Vec<(String, u8, Vec<u8>)> {
    let floats = [("emb.pos", 16 * 32), ("emb.type", 2 * 32), ("emb.ln.w", 32), ("emb.ln.b", 32)];
    let matrices = [("q", 32, 32), ("k", 32, 32), ("v", 32, 32), ("ao", 32, 32), ("fi", 32, 64), ("fo", 64, 32)];
    let mut all = vec![("emb.word".to_owned(), 1, 9 * 18)];
    all.extend(floats.map(|(name, count)| (name.to_owned(), 0, count * 4)));
    for (name, row, rows) in matrices {
        all.push((format!("l0.{name}.w"), 1, row / 32 * 18 * rows));
        all.push((format!("l0.{name}.b"), 0, rows * 4));
    }
    all.extend(["aln.w", "aln.b", "oln.w", "oln.b"].map(|name| (format!("l0.{name}"), 0, 32 * 4)));
    all.into_iter().enumerate().map(|(place, (name, kind, bytes))| (name, kind, vec![place as u8 + 1; bytes])).collect()
}

fn converted(file: &[u8]) -> Result<Vec<u8>, crate::WeightsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packed.bin");
    std::fs::write(&path, file).unwrap();
    let mut output = Vec::new();
    convert(&path, "sample", "MIT", (&path, &mut output))?;
    Ok(output)
}

#[test]
fn blocks_are_copied_to_where_llama_cpp_looks_for_them() {
    let bytes = converted(&sample()).unwrap();
    let header = Gguf::read(bytes.as_slice(), bytes.len() as u64, "converted").unwrap();
    assert_eq!(header.architecture_number("context_length"), Some(16));
    assert_eq!(header.architecture_number("pooling_type"), Some(1));
    assert_eq!(header.architecture_number("vocab_size"), Some(9));
    assert!(header.summary().embeds);
    let origin = tensors();
    let check = |name: &str, from: &str, kind: TensorType, dimensions: &[u64]| {
        let tensor = header.tensor(name).unwrap();
        assert_eq!((tensor.kind, tensor.dimensions.as_slice()), (kind, dimensions), "{name}");
        let start = (header.data_start() + tensor.offset) as usize;
        let expected = &origin.iter().find(|(name, ..)| name == from).unwrap().2;
        assert_eq!(&bytes[start..start + tensor.bytes as usize], expected, "{name}");
    };
    check("token_embd.weight", "emb.word", TensorType::Q4_0, &[32, 9]);
    check("position_embd.weight", "emb.pos", TensorType::F32, &[32, 16]);
    check("token_types.weight", "emb.type", TensorType::F32, &[32, 2]);
    check("token_embd_norm.bias", "emb.ln.b", TensorType::F32, &[32]);
    check("blk.0.attn_k.weight", "l0.k.w", TensorType::Q4_0, &[32, 32]);
    check("blk.0.attn_output.bias", "l0.ao.b", TensorType::F32, &[32]);
    check("blk.0.ffn_up.weight", "l0.fi.w", TensorType::Q4_0, &[32, 64]);
    check("blk.0.ffn_down.weight", "l0.fo.w", TensorType::Q4_0, &[64, 32]);
    check("blk.0.attn_output_norm.weight", "l0.aln.w", TensorType::F32, &[32]);
    check("blk.0.layer_output_norm.weight", "l0.oln.w", TensorType::F32, &[32]);
    assert_eq!(header.tensors().len(), origin.len());
}

#[test]
fn its_tokenizer_splits_words_where_scores_are_best() {
    let bytes = converted(&sample()).unwrap();
    let header = Gguf::read(bytes.as_slice(), bytes.len() as u64, "converted").unwrap();
    let tokenizer = Tokenizer::from_gguf(&header).unwrap().unwrap();
    let check = |text: &str, expected: &[u32]| assert_eq!(tokenizer.encode(text).unwrap(), expected, "{text:?}");
    check("ab", &[0, 5, 2]);
    check("\tab  ba ", &[0, 5, 4, 7, 6, 2]);
    check("\u{ff21}", &[0, 5, 2]);
    check("e\u{301}", &[0, 4, 8, 2]);
    // What is not in the vocabulary is one unknown token, however long; control tokens are not in it.
    check("a???", &[0, 4, 6, 3, 2]);
    check("</s>", &[0, 4, 3, 2]);
    check("", &[0, 2]);
}

#[test]
fn every_truncation_is_named() {
    let whole = sample();
    for length in 0..whole.len() {
        let error = converted(&whole[..length]).unwrap_err().to_string();
        assert!(
            error.contains("fetch it again") || error.contains("missing or has the wrong size"),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_damaged_tokenizer_is_refused() {
    let bytes = converted(&sample()).unwrap();
    let header = Gguf::read(bytes.as_slice(), bytes.len() as u64, "converted").unwrap();
    for key in [keys::TOKENS, keys::SCORES, keys::UNKNOWN, keys::LENGTHS] {
        let mut damaged = crate::gguf::Header::new("bert");
        for (name, value) in header.metadata().iter().filter(|(name, _)| name != key) {
            damaged.set(name, value.clone());
        }
        let bytes = crate::gguf::GgufWriter::start(Vec::new(), damaged.clone()).unwrap().finish().unwrap();
        let header = Gguf::read(bytes.as_slice(), bytes.len() as u64, "damaged").unwrap();
        assert!(Tokenizer::from_gguf(&header).unwrap_err().to_string().contains(key));
        damaged.set(key, Value::U32(1000));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Packed::parse(bytes.clone());
        let _ = Packed::parse([b"E5S1\x01\0\0\0".as_slice(), &bytes].concat());
    }

    #[test]
    fn mutations_never_panic(changes in proptest::collection::vec((0_usize..600, any::<u8>()), 1..6)) {
        let mut bytes = sample();
        for (place, value) in changes {
            bytes[place] = value;
        }
        let _ = converted(&bytes);
    }
}
