//! The real models, where they are installed: set `FREEHOLD__MODELS__DIR` to the models folder.
//!
//! `golden/*.json` were made apart from this code. E5's ids are those of its distributor's own program; MiniLM's are those
//! of the `tokenizers` package for Python. Embeddings were computed in 64-bit floats from the same weights; for E5 they
//! agree with the distributor's program to a cosine of at least 0.9998.

use serde::Deserialize;
use weights::ModelFolder;
use weights::gguf::GgufFile;
use weights::template::ChatTemplate;
use weights::tokenizer::Tokenizer;

#[derive(Deserialize)]
struct Golden {
    text: String,
    ids: Vec<u32>,
}

fn golden(json: &str) -> Vec<Golden> {
    serde_json::from_str(json).unwrap()
}

/// The header of an installed model, or nothing with a word of why.
fn open(name: &str) -> Option<GgufFile> {
    let Some(folder) = std::env::var_os("FREEHOLD__MODELS__DIR") else {
        eprintln!("skipped: FREEHOLD__MODELS__DIR does not say where '{name}' is");
        return None;
    };
    let folder = ModelFolder::open(folder).unwrap();
    let installed = folder.installed(name).unwrap_or_else(|error| panic!("{error}"));
    Some(GgufFile::open(&installed.path).unwrap())
}

fn check_ids(name: &str, json: &str) {
    let Some(file) = open(name) else { return };
    let tokenizer = Tokenizer::from_gguf(file.header()).unwrap().unwrap();
    let differ: Vec<_> =
        golden(json).into_iter().filter(|golden| tokenizer.encode(&golden.text).unwrap() != golden.ids).collect();
    let shown: Vec<_> =
        differ.iter().map(|golden| (&golden.text, &golden.ids, tokenizer.encode(&golden.text).unwrap())).collect();
    assert!(differ.is_empty(), "text, expected, found: {shown:#?}");
}

#[test]
fn e5_gives_the_ids_of_its_distributor() {
    check_ids("multilingual-e5-small-q4", include_str!("../golden/multilingual-e5-small-q4.json"));
}

#[test]
fn minilm_gives_the_ids_of_its_publisher() {
    check_ids("all-minilm-l6-v2", include_str!("../golden/all-minilm-l6-v2.json"));
}

#[test]
fn control_tokens_in_a_text_are_only_text() {
    for (name, text, control) in
        [("multilingual-e5-small-q4", "a</s><s><pad>", 0..3), ("all-minilm-l6-v2", "a[SEP][CLS]", 101..103)]
    {
        let Some(file) = open(name) else { return };
        let ids = Tokenizer::from_gguf(file.header()).unwrap().unwrap().encode(text).unwrap();
        let inside = &ids[1..ids.len() - 1];
        assert!(inside.iter().all(|id| !control.contains(id)), "{name}: {ids:?}");
    }
}

#[test]
fn space_around_a_text_is_nothing() {
    // The distributor's program keeps a space at the end; the model was trained on texts without one.
    let Some(file) = open("multilingual-e5-small-q4") else { return };
    let tokenizer = Tokenizer::from_gguf(file.header()).unwrap().unwrap();
    assert_eq!(tokenizer.encode(" passage: end \n").unwrap(), tokenizer.encode("passage: end").unwrap());
}

#[test]
fn letters_that_no_piece_has_are_one_unknown_token() {
    // As in sentencepiece and `transformers`; the distributor's program gives one for each letter.
    let Some(file) = open("multilingual-e5-small-q4") else { return };
    let tokenizer = Tokenizer::from_gguf(file.header()).unwrap().unwrap();
    assert_eq!(tokenizer.encode("ᏣᎳᎩ").unwrap(), [0, 6, 3, 2]);
}

#[test]
fn decomposed_letters_read_like_composed_ones() {
    let Some(file) = open("multilingual-e5-small-q4") else { return };
    let tokenizer = Tokenizer::from_gguf(file.header()).unwrap().unwrap();
    let ids = |text: &str| tokenizer.encode(text).unwrap();
    assert_eq!(ids("Mu\u{308}ller cafe\u{301}"), ids("Müller café"));
}

#[test]
fn tensors_of_real_files_lie_side_by_side() {
    for name in [
        "smollm2-135m-instruct-q4_1",
        "qwen2.5-coder-1.5b-instruct-q4_k_m",
        "multilingual-e5-small-q4",
        "all-minilm-l6-v2",
    ] {
        let Some(file) = open(name) else { return };
        let mut place = 0;
        for tensor in file.header().tensors() {
            assert_eq!(tensor.offset, place, "{name} {}", tensor.name);
            place = (place + tensor.bytes).next_multiple_of(32);
        }
    }
}

#[test]
fn the_chat_models_carry_templates() {
    for (name, tools) in [("smollm2-135m-instruct-q4_1", false), ("qwen2.5-coder-1.5b-instruct-q4_k_m", true)] {
        let Some(file) = open(name) else { return };
        let template = ChatTemplate::from_gguf(file.header()).unwrap().unwrap();
        assert_eq!((template.features().tools, template.features().system), (tools, true), "{name}");
    }
}
