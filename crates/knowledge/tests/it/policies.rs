//! Real PDFs, where the folder that `FREEHOLD_DATA` names has them: `enterprise/policies/*.pdf`.

use std::path::PathBuf;

use knowledge::chunk::{ChunkOptions, chunk};
use knowledge::parse::{BlockKind, ParsedDocument};

use super::build::{read, text_of};

/// The documents, or nothing where there are none.
fn policies() -> Vec<(PathBuf, ParsedDocument)> {
    let Some(folder) = std::env::var_os("FREEHOLD_DATA").map(|data| PathBuf::from(data).join("enterprise/policies"))
    else {
        println!("skipped: FREEHOLD_DATA names no folder of documents");
        return Vec::new();
    };
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pdfs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "pdf"));
    pdfs.map(|path| {
        let document = read(&path.to_string_lossy(), &std::fs::read(&path).unwrap()).unwrap();
        (path, document)
    })
    .collect()
}

#[test]
fn real_documents_have_their_text_and_headings() {
    for (path, document) in policies() {
        let name = path.file_name().unwrap().to_string_lossy();
        let headings = document.blocks.iter().filter(|block| matches!(block.kind, BlockKind::Heading(_)));
        assert!(headings.count() >= 5, "{name}");
        assert!(document.text.len() > 2_000 && document.warnings.is_empty(), "{name}: {:?}", document.warnings);
        assert_eq!(document.language.unwrap().code, "eng", "{name}");
        assert!(document.blocks.iter().all(|block| block.page.is_some()), "{name}");
        if name.contains("Leave Policy") {
            let rows = (0..document.blocks.len()).filter(|place| document.blocks[*place].kind == BlockKind::TableRow);
            let texts: Vec<String> =
                rows.map(|place| text_of(&read(&name, &std::fs::read(&path).unwrap()).unwrap(), place)).collect();
            assert!(
                texts.iter().any(|row| row == "Study Leave | Subject to approv al | Case-by-case | Case-by-case"),
                "{texts:?}"
            );
        }
    }
}

#[test]
fn passages_of_real_documents_are_whole() {
    let words = |text: &str| text.split_whitespace().count();
    for (path, document) in policies() {
        let options = ChunkOptions { target_tokens: 120, max_tokens: 180, overlap_sentences: 1 };
        let passages = chunk(&document.text, &document.blocks, &options, &words);
        super::chunks::hold(&document.text, &passages, &options, &words);
        let short = passages.iter().filter(|passage| words(&passage.text) < 10).count();
        assert!(short * 5 < passages.len(), "{path:?}: {short} of {} passages are a few words", passages.len());
    }
}
