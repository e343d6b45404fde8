//! Model files: registry entries, sources and checksums, GGUF and safetensors, tokenizers, chat templates.
//!
//! [`ModelFolder`] holds the verbs a person uses (list, pull, verify, remove, import, hold). The engine reads
//! [`gguf`], [`tokenizer`] and [`template`]. Nothing here runs a model, and nothing here is `unsafe`.

pub mod bert;
pub mod e5;
mod error;
pub mod folder;
pub mod gguf;
mod hash;
pub mod pull;
pub mod registry;
pub mod safetensors;
pub mod template;
pub mod tokenizer;

pub use error::WeightsError;
pub use folder::{Held, Import, Installed, Model, ModelFolder};
pub use pull::{Network, Progress, Stage, http_client};
pub use registry::{Defaults, Entry, Kind, Licence, Prefixes, Registry, SourceAddress};
