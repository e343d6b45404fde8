//! The closed set of error kinds. Each crate has its own error enum; each variant maps to one of these, and
//! `server` maps these to HTTP once.

use serde::{Deserialize, Serialize};

/// What kind of failure this is, seen from the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request is wrong and will stay wrong (400).
    Invalid,
    /// Nobody is named, or the key is not good (401).
    Unauthenticated,
    /// A whole route or act that the caller's roles or scopes lack (403).
    Forbidden,
    /// There is no such object, or the caller may not see it: the two are one (404).
    NotFound,
    /// It exists already, or its state does not allow this now (409).
    Conflict,
    /// The body, a file or a number is over its limit (413).
    TooLarge,
    /// A limit, a budget or a full queue; later it may go through (429).
    RateLimited,
    /// Something took longer than it may (504).
    Timeout,
    /// A part that is needed is not there now; later it may be (503).
    Unavailable,
    /// Our own fault (500).
    Internal,
}
