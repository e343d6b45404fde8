//! Provenance: the exact list of sources from which something was made (docs/access.md, rule 7).

use serde::{Deserialize, Serialize};

use crate::{AdapterId, DocumentId, Principal, TraceId};

/// One thing that something was made from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// What a person (or a service, for itself) typed, pasted, uploaded or sent as history.
    Words {
        /// Whose words.
        author: Principal,
    },
    /// One version of a document.
    Document {
        /// The document.
        document: DocumentId,
        /// Its version, counted from 1.
        version: u32,
    },
    /// An earlier exchange.
    Trace {
        /// The exchange.
        trace: TraceId,
    },
    /// The adapter that answered.
    Adapter {
        /// The adapter.
        adapter: AdapterId,
    },
}

/// Everything that was placed in context, used or not, without repeats.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Provenance(Vec<Source>);

impl Provenance {
    /// Made from one author's words alone.
    #[must_use]
    pub fn words_of(author: Principal) -> Self {
        Self(vec![Source::Words { author }])
    }

    /// The sources, each once, in order of their first appearance.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.0
    }

    /// Adds a source unless it is there.
    pub fn add(&mut self, source: Source) {
        if !self.0.contains(&source) {
            self.0.push(source);
        }
    }

    /// Adds all of another's sources.
    pub fn extend(&mut self, other: &Self) {
        for source in &other.0 {
            self.add(source.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PersonId;
    use uuid::Uuid;

    #[test]
    fn a_union_keeps_every_source_once() {
        let author = Principal::Person(PersonId::from_uuid(Uuid::from_u128(1)));
        let mut union = Provenance::words_of(author);
        let document = DocumentId::from_uuid(Uuid::from_u128(2));
        let mut other = Provenance::words_of(author);
        other.add(Source::Document { document, version: 3 });
        union.extend(&other);
        union.extend(&other);
        assert_eq!(union.sources().len(), 2);
        let json = serde_json::to_string(&union).unwrap();
        assert_eq!(serde_json::from_str::<Provenance>(&json).unwrap(), union);
    }
}
