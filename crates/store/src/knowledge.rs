//! What is known besides people: sources, documents with their versions and lists, policies. Every change that rights
//! depend on takes an epoch and goes through [`Store::amend`](crate::Store) like those of identity.

mod documents;
mod history;
mod load;
mod passages;
mod read;
mod records;
mod rename;
mod sync;

pub use documents::{NewDocument, PutDocument};
pub(crate) use history::{KnowledgeRow, expected};
pub(crate) use load::{load_knowledge, policies_put_at};
pub(crate) use passages::vectors_in;
pub use passages::{IndexChange, IndexFailure, PassageName, PassageText, StoredPassage};
pub use read::{StoredDocument, StoredText};
pub use records::{
    Amendment, DocumentContent, DocumentRights, DocumentVersion, PolicyRecord, SourceKind, SourceRecord,
};
pub(crate) use records::{PUT_POLICIES, VersionRow};
pub(crate) use rename::name_by_id;
pub use sync::KnownDocument;
