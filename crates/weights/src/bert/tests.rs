//! Conversion of a made-up sentence-transformers model: every tensor in its place, the tokenizer whole.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Folder, Shape, convert};
use crate::gguf::{Gguf, TensorType};
use crate::safetensors::{Dtype, SafetensorsWriter};
use crate::tokenizer::Tokenizer;

const SHAPE: Shape = Shape {
    hidden: 8,
    layers: 1,
    heads: 2,
    feed_forward: 16,
    vocabulary: 7,
    positions: 12,
    token_types: 2,
    epsilon: 1e-12,
};

/// The three files of a made-up model.
struct Sample {
    folder: tempfile::TempDir,
}

impl Sample {
    fn new(prefix: &str) -> Self {
        let sample = Self { folder: tempfile::tempdir().unwrap() };
        let tensors: Vec<_> = SHAPE
            .tensors()
            .into_iter()
            .map(|tensor| {
                let shape: Vec<u64> = tensor.dimensions.iter().rev().copied().collect();
                (format!("{prefix}{}", tensor.origin), Dtype::F32, shape)
            })
            .collect();
        let mut writer = SafetensorsWriter::start(Vec::new(), &BTreeMap::new(), &tensors).unwrap();
        for (place, (name, _, shape)) in tensors.iter().enumerate() {
            let numbers = (0..shape.iter().product::<u64>())
                .flat_map(|number| (place as f32 + number as f32 / 1000.0).to_le_bytes());
            writer.tensor(name, &numbers.collect::<Vec<u8>>()).unwrap();
        }
        std::fs::write(sample.path("model.safetensors"), writer.finish().unwrap()).unwrap();
        std::fs::write(sample.path("config.json"), config().to_string()).unwrap();
        std::fs::write(sample.path("tokenizer.json"), tokenizer().to_string()).unwrap();
        sample
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn convert(&self, context_length: u64) -> Result<Vec<u8>, crate::WeightsError> {
        let (weights, config, tokenizer) =
            (self.path("model.safetensors"), self.path("config.json"), self.path("tokenizer.json"));
        let mut output = Vec::new();
        let folder = Folder { weights: &weights, config: &config, tokenizer: &tokenizer };
        convert(folder, "sample", "MIT", context_length, (&self.path("out"), &mut output))?;
        Ok(output)
    }
}

fn config() -> Value {
    json!({"model_type": "bert", "hidden_act": "gelu", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
           "intermediate_size": 16, "vocab_size": 7, "max_position_embeddings": 12, "type_vocab_size": 2, "layer_norm_eps": 1e-12})
}

fn tokenizer() -> Value {
    let special = |id: u32, content: &str| json!({"id": id, "content": content, "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false});
    json!({
        "version": "1.0",
        "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [special(0, "[PAD]"), special(1, "[UNK]"), special(2, "[CLS]"), special(3, "[SEP]")],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}, "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                  "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "ab": 4, "##c": 5, "x": 6}}
    })
}

#[test]
fn a_model_is_converted_whole() {
    for prefix in ["", "bert."] {
        let bytes = Sample::new(prefix).convert(512).unwrap();
        let header = Gguf::read(bytes.as_slice(), bytes.len() as u64, "converted").unwrap();
        assert_eq!(header.tensors().len(), SHAPE.tensors().len());
        assert_eq!(header.architecture_number("attention.head_count"), Some(2));
        for (place, tensor) in SHAPE.tensors().iter().enumerate() {
            let found = header.tensor(&tensor.name).unwrap();
            assert_eq!((found.kind, &found.dimensions), (TensorType::F32, &tensor.dimensions), "{}", tensor.name);
            let start = (header.data_start() + found.offset) as usize;
            assert_eq!(bytes[start..start + 4], (place as f32).to_le_bytes(), "{}", tensor.name);
        }
    }
}

#[test]
fn positions_end_where_training_ended() {
    let bytes = Sample::new("").convert(5).unwrap();
    let header = Gguf::read(bytes.as_slice(), bytes.len() as u64, "converted").unwrap();
    assert_eq!(header.architecture_number("context_length"), Some(5));
    assert_eq!(header.tensor("position_embd.weight").unwrap().dimensions, [8, 5]);
}

#[test]
fn its_tokenizer_neither_cuts_nor_pads() {
    let bytes = Sample::new("").convert(12).unwrap();
    let header = Gguf::read(bytes.as_slice(), bytes.len() as u64, "converted").unwrap();
    let tokenizer = Tokenizer::from_gguf(&header).unwrap().unwrap();
    assert_eq!(tokenizer.encode("ABC x x x x").unwrap(), [2, 4, 5, 6, 6, 6, 6, 3]);
    assert_eq!(tokenizer.encode("").unwrap(), [2, 3]);
    let spelled_out = tokenizer.encode("[SEP]").unwrap();
    assert!(!spelled_out[1..spelled_out.len() - 1].contains(&3), "{spelled_out:?}");
}

#[test]
fn what_is_no_such_model_is_refused() {
    let refused = |file: &str, bytes: &[u8], expected: &str| {
        let sample = Sample::new("");
        std::fs::write(sample.path(file), bytes).unwrap();
        let error = sample.convert(12).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let mut other = config();
    other["model_type"] = json!("roberta");
    refused("config.json", other.to_string().as_bytes(), "not BERT with gelu");
    other = config();
    other["hidden_size"] = json!(16);
    refused("config.json", other.to_string().as_bytes(), "not F32 of [16, 7]");
    other["num_hidden_layers"] = json!(u64::MAX);
    refused("config.json", other.to_string().as_bytes(), "not F32 of");
    refused("config.json", b"{}", "does not describe a BERT encoder");
    refused("model.safetensors", b"x", "truncated");
    let json = r#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#;
    refused(
        "model.safetensors",
        &[&(json.len() as u64).to_le_bytes(), json.as_bytes()].concat(),
        "has no tensor 'embeddings",
    );
}
