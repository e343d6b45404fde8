//! Open tables: what the door recorded and what is known, as Apache Iceberg tables of Parquet files that anyone's engine can read.
//!
//! One [`Lake`] for each data folder, in `DIR/lake`. Rows come in by [`Lake::append`], which carries its watermark in
//! the same commit; they leave as [`access::Sealed`]; and [`Lake::erase`] leaves no byte of them in any file. The
//! catalog, which names the newest metadata file of each table, is behind [`CatalogStore`]: `store` keeps it.

mod batch;
mod catalog;
mod commit;
mod compact;
mod copy;
mod decisions;
mod erase;
mod error;
mod export;
mod files;
mod lake;
mod live;
mod naming;
mod relocate;
mod scan;
mod schema;
mod status;
mod sweep;
mod tables;
mod traces;
mod verify;
mod write;

pub use catalog::{CatalogStore, NAMESPACE};
pub use compact::Compacted;
pub use decisions::DecisionQuery;
pub use erase::{Erased, Erasee};
pub use error::LakeError;
pub use export::TraceExport;
pub use files::Faults;
pub use lake::{Lake, LakeOptions};
pub use status::{TableMetadata, TableStatus};
pub use sweep::Retention;
pub use tables::Table;
pub use traces::{StoredTrace, TraceQuery};
pub use verify::Flaw;
