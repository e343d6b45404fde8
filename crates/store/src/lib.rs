//! The only SQL: identity with its epoch log and history, exchanges and what was said about them, settings, jobs.
//!
//! One [`Store`] for each data folder. State is in SQLite (`DIR/state.db`) or, by URL, in PostgreSQL, through one set
//! of portable SQL. What is acknowledged is durable; content leaves only as [`access::Sealed`].

mod actor;
mod acts;
mod backup;
mod break_glass;
mod contents;
mod conversations;
mod database;
mod decisions;
mod drawn;
mod erasures;
mod error;
mod feedback;
mod folder;
mod identity;
mod jobs;
mod knowledge;
mod lake_catalog;
mod links;
mod migrations;
mod narrowings;
mod notices;
mod replay;
mod responses;
mod retention;
mod roll;
mod secrets;
mod settings;
mod shown;
mod store;
mod traces;
mod upstreams;

pub use acts::{Act, NewAct};
pub use backup::{Backup, BackupFile, restore};
pub use break_glass::{BreakGlassRecord, NewBreakGlass, Owners};
pub use conversations::{Conversation, ConversationItem};
pub use erasures::{Erasure, MOST_QUARANTINED};
pub use error::StoreError;
pub use identity::{EpochEntry, EpochProof};
pub use jobs::{Job, JobState};
pub use knowledge::{
    Amendment, DocumentContent, DocumentRights, DocumentVersion, IndexChange, IndexFailure, KnownDocument, NewDocument,
    PassageName, PassageText, PolicyRecord, PutDocument, SourceKind, SourceRecord, StoredDocument, StoredPassage,
    StoredText,
};
pub use lake::{DecisionQuery, Erasee, Faults, Lake, StoredTrace, TraceQuery};
pub use links::SignInLink;
pub use notices::{NewNotice, Notice};
pub use responses::StoredResponse;
pub use retention::{RetentionRules, Swept};
pub use roll::Rolled;
pub use settings::Setting;
pub use store::{Page, Store, StoreOptions};
pub use traces::{Kept, TraceEntry};
pub use upstreams::StoredUpstream;
