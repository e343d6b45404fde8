//! Starts the real executable: as a command that ends, or as a server on a free port that is killed when dropped.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use reqwest::ClientBuilder;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The model of the tests: small and quick.
pub(crate) const MODEL: &str = "smollm2-135m-instruct-q4_1";
/// The default embeddings.
pub(crate) const EMBEDDING: &str = "multilingual-e5-small-q4";
/// A test that waits this long for anything has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// Where the weights of the tests are: `make test` puts them there.
pub(crate) fn models_dir() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let dir = variable("FREEHOLD__MODELS__DIR").or_else(|| Some(cache()?.join("freehold/models"))).unwrap();
    assert!(dir.join(MODEL).is_dir(), "the weights of the tests are not in {}: run `make test`", dir.display());
    dir
}

/// The executable with an environment of its own: nothing of the machine's settings reaches it.
pub(crate) fn freehold(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freehold"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FREEHOLD") {
            command.env_remove(name);
        }
    }
    command.arg("--data").arg(data).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> Output {
    freehold(data).args(arguments).output().unwrap()
}

/// Runs a command that must succeed with `--json`, and reads what it prints.
pub(crate) fn json(data: &Path, arguments: &[&str]) -> Value {
    let output = freehold(data).arg("--json").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Standard error as text without indentation, with the data folder's path replaced by `DIR`.
pub(crate) fn complaint(output: &Output, data: &Path) -> String {
    let text = String::from_utf8_lossy(&output.stderr).replace(&*data.to_string_lossy(), "DIR");
    text.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

/// What a server is started with.
pub(crate) struct Start {
    model: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    ready_when: &'static str,
}

impl Start {
    /// A server with the model of the tests and the default embeddings; it has started when both answer.
    pub(crate) fn with_model() -> Self {
        let dir = models_dir().to_string_lossy().into_owned();
        Self {
            model: MODEL.to_owned(),
            arguments: vec!["--offline".into()],
            environment: Vec::new(),
            ready_when: "ready: questions",
        }
        .environment("FREEHOLD__MODELS__DIR", &dir)
    }

    /// A server without any model of its own: both default models are at a server that is never asked. It has started
    /// when the door is open.
    pub(crate) fn without_model() -> Self {
        let elsewhere = r#"[{ name = "elsewhere", locality = "local", kind = { remote = { base_url = "http://127.0.0.1:9/v1" } },
            models = [{ name = "chat" }, { name = "embedding", kind = "embedding" }] }]"#;
        Self {
            model: "chat".to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            ready_when: "the door is open",
        }
        .environment("FREEHOLD__UPSTREAMS", elsewhere)
        .environment("FREEHOLD__MODELS__EMBEDDING", "embedding")
    }

    /// Names another default chat model.
    pub(crate) fn model(self, name: &str) -> Self {
        Self { model: name.to_owned(), ..self }
    }

    /// Sets a variable of the environment.
    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds arguments of `serve`.
    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Starts it on a new data folder.
    pub(crate) fn on_new_folder(self) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let mut server = self.on(folder.path());
        server.folder = Some(folder);
        server
    }

    /// Starts it on this data folder.
    pub(crate) fn on(self, data: &Path) -> Server {
        let ready_when = self.ready_when;
        let mut server = self.spawn(data);
        let opened = server.wait_for("the door is open");
        server.url = opened["url"].as_str().unwrap().to_owned();
        if ready_when != "the door is open" {
            server.wait_for(ready_when);
        }
        server
    }

    /// The command that starts it.
    pub(crate) fn command(self, data: &Path) -> Command {
        let mut command = freehold(data);
        command.args(["serve", "--model", &self.model]);
        if !self.arguments.iter().any(|argument| argument == "--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(&self.arguments).envs(self.environment).env("FREEHOLD__LOG__FORMAT", "json");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn spawn(self, data: &Path) -> Server {
        let mut child = self.command(data).spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Server { child, lines, log: Vec::new(), url: String::new(), data: data.to_owned(), folder: None }
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<String>,
    log: Vec<String>,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// Its data folder.
    pub(crate) data: PathBuf,
    folder: Option<TempDir>,
}

impl Server {
    /// Reads its log on to the next line with this message, and returns that line.
    pub(crate) fn wait_for(&mut self, message: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let Ok(line) = line else { panic!("no '{message}' in the log:\n{}", self.log.join("\n")) };
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            self.log.push(line);
            if entry["message"].as_str().is_some_and(|found| found.starts_with(message)) {
                return entry;
            }
        }
    }

    /// The last line with this message among those that were read.
    pub(crate) fn logged(&self, message: &str) -> Vec<Value> {
        let entries = self.log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        entries.filter(|entry| entry["message"].as_str().is_some_and(|found| found.starts_with(message))).collect()
    }

    /// A key of the person `admin`.
    pub(crate) fn key(&self) -> String {
        let made = json(&self.data, &["keys", "create", "--person", "admin"]);
        made["key"].as_str().unwrap().to_owned()
    }

    /// A client whose requests carry a key of `admin`.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.client_that(|client| client)
    }

    /// The same, built with more than that.
    pub(crate) fn client_that(&self, adds: impl FnOnce(ClientBuilder) -> ClientBuilder) -> reqwest::Client {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("authorization", format!("Bearer {}", self.key()).parse().unwrap());
        let _ = rustls::crypto::ring::default_provider().install_default();
        adds(reqwest::Client::builder().default_headers(headers).no_proxy()).build().unwrap()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Runs a command on its data folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run(&self.data, arguments)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Text of the path of a file in a folder.
pub(crate) fn in_folder(folder: &Path, name: impl AsRef<OsStr>) -> String {
    folder.join(name.as_ref()).to_string_lossy().into_owned()
}
