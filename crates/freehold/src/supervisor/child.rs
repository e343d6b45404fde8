//! One engine process. It ends when its standard input closes, so it cannot outlive this process, however this one
//! ends; dropping it kills it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use super::EngineSpec;

/// How long a child may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running engine process.
pub(super) struct Engine {
    child: Child,
}

impl Engine {
    /// Starts the engine and passes its lines on to our log.
    ///
    /// # Errors
    /// What the system says when the process cannot be made.
    pub(super) fn start(spec: &EngineSpec) -> io::Result<Self> {
        let mut command = Command::new(own_executable()?);
        command
            .arg0("freehold")
            .args(arguments(spec))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        // A signal to the terminal's group is for the door, which then ends its children in order.
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        if let Some(lines) = child.stderr.take() {
            tokio::spawn(pass_on(lines, spec.name.clone()));
        }
        Ok(Self { child })
    }

    /// Resolves when the process has ended.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        // `Child::wait` closes stdin, which would end the child.
        let stdin = self.child.stdin.take();
        let status = self.child.wait().await;
        drop(stdin);
        status
    }

    /// The process's id.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Closes its standard input, waits a little, then kills it.
    pub(super) async fn stop(mut self) {
        drop(self.child.stdin.take());
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// Kills it at once.
    pub(super) async fn kill(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "an engine could not be killed");
        }
    }
}

/// This executable; where a newer one has taken its place on the disk, still the one that runs.
fn own_executable() -> io::Result<PathBuf> {
    match std::env::current_exe() {
        Ok(path) if path.exists() => Ok(path),
        _ if cfg!(target_os = "linux") => Ok(PathBuf::from("/proc/self/exe")),
        other => other,
    }
}

fn arguments(spec: &EngineSpec) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["engine".into()];
    let mut add = |name: &str, value: OsString| arguments.extend([name.into(), value]);
    add("--model", spec.model.clone().into());
    add("--socket", spec.socket.clone().into());
    add("--slots", spec.slots.to_string().into());
    if let Some(context) = spec.context {
        add("--context", context.to_string().into());
    }
    if let Some(threads) = spec.threads {
        add("--threads", threads.to_string().into());
    }
    if let Some((query, passage)) = &spec.prefixes {
        add("--query-prefix", query.into());
        add("--passage-prefix", passage.into());
    }
    if spec.embeddings {
        arguments.push("--embeddings".into());
    }
    arguments
}

/// Lines begin with their level: see `serve::log_to_parent`.
async fn pass_on(lines: ChildStderr, model: String) {
    let mut lines = BufReader::new(lines).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match line.trim_start().split_once(' ') {
            Some(("ERROR", text)) => tracing::error!(target: "engine", %model, "{text}"),
            Some(("WARN", text)) => tracing::warn!(target: "engine", %model, "{text}"),
            Some(("DEBUG" | "TRACE", text)) => tracing::debug!(target: "engine", %model, "{text}"),
            Some(("INFO", text)) => tracing::info!(target: "engine", %model, "{text}"),
            // Not a line of our own log: a library's, or the last words of a crash.
            _ => tracing::warn!(target: "engine", %model, "{line}"),
        }
    }
}
