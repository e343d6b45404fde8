//! How passages lie in the index, and what is written of each.

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{TextAnalyzer, WhitespaceTokenizer};
use tantivy::{Index, TantivyDocument};

use super::LexicalPassage;
use super::stems::Stems;
use super::words::{Word, words};

/// The name of the analysis, kept in the index: change it with anything that changes words or stems, and indexes made
/// before are refused.
const ANALYSIS: &str = "freehold-1";

/// The fields of a passage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) slot: Field,
    pub(super) version: Field,
    pub(super) number: Field,
    /// Which rules cut the stems; nothing where none are known for the language.
    pub(super) language: Field,
    pub(super) words: Field,
    pub(super) stems: Field,
}

/// The schema, with the name of the analysis in it.
pub(super) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let text = |analysis: &str, option, norms| {
        let indexing = TextFieldIndexing::default().set_tokenizer(analysis);
        TextOptions::default().set_indexing_options(indexing.set_index_option(option).set_fieldnorms(norms))
    };
    let numbers = NumericOptions::default() | FAST;
    let fields = Fields {
        slot: builder.add_u64_field("slot", numbers.clone() | INDEXED),
        version: builder.add_u64_field("version", numbers.clone()),
        number: builder.add_u64_field("number", numbers),
        language: builder.add_text_field("language", text(ANALYSIS, IndexRecordOption::Basic, false)),
        words: builder.add_text_field("words", text(ANALYSIS, IndexRecordOption::WithFreqs, true)),
        stems: builder.add_text_field("stems", text(ANALYSIS, IndexRecordOption::WithFreqs, true)),
    };
    (builder.build(), fields)
}

/// Words come to the index already found, with spaces between them.
pub(super) fn register_analysis(index: &Index) {
    index.tokenizers().register(ANALYSIS, TextAnalyzer::from(WhitespaceTokenizer::default()));
}

impl Fields {
    /// What is written of all passages of a document.
    pub(super) fn documents(
        &self,
        (slot, version): (u32, u32),
        language: Option<&str>,
        passages: &[LexicalPassage<'_>],
    ) -> Vec<TantivyDocument> {
        let mut stems = language.and_then(Stems::of);
        passages.iter().map(|passage| self.document((slot, version), passage, stems.as_mut())).collect()
    }

    /// What is written of a passage. Its title and headings are words of it like any other.
    fn document(
        &self,
        (slot, version): (u32, u32),
        passage: &LexicalPassage<'_>,
        stems: Option<&mut Stems>,
    ) -> TantivyDocument {
        let (all, stemmed) = written(passage, stems);
        let mut document = TantivyDocument::default();
        document.add_u64(self.slot, slot.into());
        document.add_u64(self.version, version.into());
        document.add_u64(self.number, passage.number.into());
        document.add_text(self.words, all);
        if let Some((code, stemmed)) = stemmed {
            document.add_text(self.language, code);
            document.add_text(self.stems, stemmed);
        }
        document
    }
}

/// The words of a passage and, where its language has rules, the stems, each as one string.
fn written(passage: &LexicalPassage<'_>, mut stems: Option<&mut Stems>) -> (String, Option<(&'static str, String)>) {
    let (mut all, mut stemmed) = (String::new(), String::new());
    let mut add = |word: Word| {
        all.push_str(&word.folded);
        all.push(' ');
        if let Some(stems) = &mut stems {
            stemmed.push_str(&stems.stem(&word));
            stemmed.push(' ');
        }
    };
    let parts = [passage.title].into_iter().chain(passage.headings.iter().map(String::as_str)).chain([passage.text]);
    parts.for_each(|part| words(part, &mut add));
    let code = stems.as_ref().map(|stems| stems.code());
    (all, code.map(|code| (code, stemmed)))
}
