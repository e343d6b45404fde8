//! The parent's side: a child that parses, replaced whenever a document was too much for it.
//! INVARIANT: a document that breaks or outlasts its child costs one answer; the next one gets a fresh child.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::frame::{self, Answer, LENGTHS_BYTES, MOST_ANSWER_HEADER_BYTES, Request};
use super::{Declared, Limits, ParsedDocument};
use crate::KnowledgeError;

/// A child is replaced after so many documents, whatever it still holds.
const MOST_DOCUMENTS: u32 = 1_000;
/// How long a child that closed its output may take to end.
const ENDING: Duration = Duration::from_secs(5);
/// What of the environment a program may need to start; the rest may hold secrets.
const KEPT_VARIABLES: &[&str] = &["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// How the child is started. It is to call [`super::serve`] on its standard input and output.
#[derive(Debug, Clone)]
pub struct ParserCommand {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// A child process that parses one document after the other.
#[derive(Debug)]
pub struct ParserProcess {
    command: ParserCommand,
    limits: Limits,
    time: Duration,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    documents: u32,
}

impl ParserProcess {
    /// A parser that starts its child with the first document. Each document may take `time`, by the clock on the wall.
    #[must_use]
    pub const fn new(command: ParserCommand, limits: Limits, time: Duration) -> Self {
        Self { command, limits, time, running: None }
    }

    /// Reads one document in the child. Where this future is dropped, the child is ended.
    ///
    /// # Errors
    /// Every [`KnowledgeError`].
    pub async fn parse(&mut self, bytes: &[u8], declared: &Declared) -> Result<ParsedDocument, KnowledgeError> {
        self.limits.check_bytes(bytes.len())?;
        let request = Request { declared: declared.clone(), limits: self.limits.clone() };
        // Taken out: a child in the middle of a document is never used again.
        let mut running = self.ready()?;
        let most_text = u64::from(self.limits.max_text_chars) * 4;
        match tokio::time::timeout(self.time, running.exchange(&request, bytes, most_text)).await {
            Ok(Ok((answer, text))) => {
                running.documents += 1;
                self.running = Some(running).filter(|running| running.documents < MOST_DOCUMENTS);
                answer.with_text(text)
            }
            Ok(Err(error)) => Err(self.why_it_ended(running, &error).await),
            Err(_) => {
                let _ = running.child.kill().await;
                Err(self.too_slow())
            }
        }
    }

    /// A child that waits for a document.
    fn ready(&mut self) -> Result<Running, KnowledgeError> {
        if let Some(mut running) = self.running.take()
            && matches!(running.child.try_wait(), Ok(None))
        {
            return Ok(running);
        }
        self.start().map_err(|error| KnowledgeError::NoParser { detail: error.to_string() })
    }

    fn start(&self) -> io::Result<Running> {
        let kept = KEPT_VARIABLES.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        let mut child = Command::new(&self.command.program)
            .args(&self.command.arguments)
            .env_clear()
            .envs(kept)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let no_pipe = || io::Error::other("no pipe to the child");
        let input = child.stdin.take().ok_or_else(no_pipe)?;
        let output = child.stdout.take().ok_or_else(no_pipe)?;
        Ok(Running { child, input, output, documents: 0 })
    }

    async fn why_it_ended(&self, mut running: Running, error: &io::Error) -> KnowledgeError {
        if error.kind() == io::ErrorKind::InvalidData {
            let _ = running.child.kill().await;
            return KnowledgeError::died("its answer could not be understood");
        }
        match tokio::time::timeout(ENDING, running.child.wait()).await {
            Ok(Ok(status)) if signal(status) == Some(rustix::process::Signal::XCPU.as_raw()) => self.too_slow(),
            // It never read a request: that is no document's fault.
            Ok(Ok(status)) if running.documents == 0 && status.code().is_some_and(|code| code != 0) => {
                KnowledgeError::NoParser { detail: format!("it ended at once, {status}") }
            }
            Ok(Ok(status)) => KnowledgeError::died(ending(status)),
            _ => KnowledgeError::died("it closed its output"),
        }
    }

    const fn too_slow(&self) -> KnowledgeError {
        KnowledgeError::TimedOut { limit_s: self.time.as_secs() }
    }
}

impl Running {
    async fn exchange(&mut self, request: &Request, bytes: &[u8], most_text: u64) -> io::Result<(Answer, Vec<u8>)> {
        let header = serde_json::to_vec(request)?;
        self.input.write_all(&frame::lengths(&header, bytes)).await?;
        self.input.write_all(&header).await?;
        self.input.write_all(bytes).await?;
        self.input.flush().await?;
        let mut lengths = [0; LENGTHS_BYTES];
        self.output.read_exact(&mut lengths).await?;
        let (header, text) = frame::checked(lengths, MOST_ANSWER_HEADER_BYTES, most_text)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
        let header = self.read(header).await?;
        let answer = serde_json::from_slice(&header).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok((answer, self.read(text).await?))
    }

    async fn read(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.output.read_exact(&mut bytes).await?;
        Ok(bytes)
    }
}

fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// How a child ended, for the person whose document it was.
fn ending(status: ExitStatus) -> String {
    const ABORTED: i32 = rustix::process::Signal::ABORT.as_raw();
    const KILLED: i32 = rustix::process::Signal::KILL.as_raw();
    match signal(status) {
        Some(ABORTED | KILLED) => "most likely it needed more memory than it may have".to_owned(),
        _ => format!("it ended with {status}"),
    }
}
