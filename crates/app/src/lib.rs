//! The verbs of Freehold: short functions that read aloud. HTTP, the command line and jobs call these and nothing
//! below them.

mod app;
mod error;
mod ids;

pub use app::{App, AppOptions};
pub use error::AppError;
pub use ids::Ids;
