//! `/adapters` and `/threads`: what the door changes while the engine runs.

use serde::{Deserialize, Serialize};

/// A loaded adapter; `POST /adapters` loads one by this, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterEntry {
    /// The name requests use.
    pub name: String,
    /// The GGUF adapter file.
    pub path: String,
}

/// `DELETE /adapters`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterName {
    /// The name it was loaded under.
    pub name: String,
}

/// `GET /adapters`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AdapterList {
    /// What is loaded.
    pub data: Vec<AdapterEntry>,
}

/// `POST /threads`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadsRequest {
    /// How many threads compute, at least 1.
    pub threads: u32,
}
