//! Files become text in a child process, so that one which breaks a parser costs one answer.

use std::time::Duration;

use domain::ErrorKind;
use knowledge::KnowledgeError;
use knowledge::parse::{Declared, Limits, ParsedDocument, ParserProcess};
use tokio::sync::Mutex;

pub use knowledge::parse::ParserCommand;

/// How long one document may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The parser of this installation: one document after the other.
#[derive(Debug)]
pub struct Parsers(Mutex<ParserProcess>);

impl Parsers {
    /// Starts its child with the first document.
    #[must_use]
    pub fn new(command: ParserCommand) -> Self {
        Self(Mutex::new(ParserProcess::new(command, Limits::default(), PATIENCE)))
    }

    pub(crate) async fn parse(&self, bytes: &[u8], declared: &Declared) -> Result<ParsedDocument, KnowledgeError> {
        self.0.lock().await.parse(bytes, declared).await
    }
}

/// A document that could not be read is the sender's to mend, a parser that cannot run the operator's.
pub(crate) fn refused(error: &KnowledgeError) -> crate::AppError {
    let (message, code) = (error.to_string(), error.code());
    match error.kind() {
        ErrorKind::Unavailable => crate::AppError::Unavailable { message, code },
        _ => crate::AppError::Invalid { param: Some("content_base64".to_owned()), message, code },
    }
}
