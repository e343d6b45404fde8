//! What is known besides people: sources, documents with their versions and lists, policies. Every change that rights
//! depend on takes an epoch and goes through [`Store::amend`](crate::Store) like those of identity.

mod documents;
mod history;
mod load;
mod read;
mod records;
mod rename;

pub use documents::{NewDocument, PutDocument};
pub(crate) use history::{KnowledgeRow, expected};
pub(crate) use load::load_knowledge;
pub use read::{StoredDocument, StoredText};
pub(crate) use records::VersionRow;
pub use records::{
    Amendment, DocumentContent, DocumentRights, DocumentVersion, PolicyRecord, SourceKind, SourceRecord,
};
pub(crate) use rename::name_by_id;
