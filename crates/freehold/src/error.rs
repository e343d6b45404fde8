//! What can go wrong on the command line: each error says what was wrong and what to do, and has an exit code.

use std::io;
use std::path::{Path, PathBuf};

use app::AppError;
use domain::ErrorKind;
use models::ModelsError;
use store::StoreError;
use weights::WeightsError;

/// What can go wrong on the command line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FreeholdError {
    /// A setting: where it stands, what is wrong with it, what is allowed.
    #[error("{place}: {problem}")]
    Config { place: String, problem: String, mend: String },
    /// Arguments that do not go together.
    #[error("{problem}")]
    Usage { problem: String, mend: String },
    /// A file or folder that cannot be used.
    #[error("{action} {} failed: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    /// The address is taken or may not be used.
    #[error("cannot listen on {address}: {source}")]
    Listen { address: String, source: io::Error },
    /// No server answered.
    #[error("no answer from {target}: {detail}")]
    Unreachable { target: String, detail: String, mend: String },
    /// The server said no.
    #[error("{message}")]
    Refused { status: u16, code: Option<String>, message: String, request_id: Option<String> },
    /// Something that was found wrong by a check the user asked for.
    #[error("{problem}")]
    Failed { problem: String, mend: String },
    /// A verb.
    #[error(transparent)]
    App(#[from] AppError),
    /// The state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The models.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The weights.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The embedded engine.
    #[error(transparent)]
    Engine(#[from] engine::EngineError),
}

impl FreeholdError {
    /// For `map_err`: what was being done to which file.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }

    /// Arguments that do not go together, and what to do.
    pub(crate) fn usage(problem: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Usage { problem: problem.into(), mend: mend.into() }
    }

    /// The kind of this error.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { .. } | Self::Usage { .. } => ErrorKind::Invalid,
            Self::File { source, .. } => kind_of_io(source),
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
            Self::Listen { .. } | Self::Store(StoreError::Locked { .. }) => ErrorKind::Conflict,
            Self::Unreachable { .. } => ErrorKind::Unavailable,
            Self::Refused { status, .. } => kind_of_status(*status),
            Self::Failed { .. } => ErrorKind::Internal,
            Self::App(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Models(error) => error.kind(),
            Self::Weights(error) => error.kind(),
            Self::Engine(error) => error.kind(),
        }
    }

    /// What to do about it, where the message alone does not say.
    pub(crate) fn mend(&self) -> Option<String> {
        match self {
            Self::Config { mend, .. } | Self::Usage { mend, .. } => Some(mend.clone()),
            Self::Unreachable { mend, .. } | Self::Failed { mend, .. } => Some(mend.clone()),
            Self::File { path, source, .. } => mend_of_io(path, source),
            Self::Listen { address, source } => Some(mend_of_listen(address, source)),
            Self::Store(StoreError::Locked { .. }) => Some(
                "name another folder with --data DIR; commands such as `freehold keys list` speak to the running server \
                 by themselves"
                    .to_owned(),
            ),
            Self::Refused { status, code, request_id, .. } => {
                mend_of_refusal(*status, code.as_deref(), request_id.as_deref())
            }
            Self::App(_) | Self::Store(_) | Self::Models(_) | Self::Weights(_) | Self::Engine(_) => None,
        }
    }

    /// The stable code for scripts (`--json`).
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Config { .. } => "invalid_configuration",
            Self::Usage { .. } => "invalid_usage",
            Self::File { .. } => "file_error",
            Self::Listen { .. } => "cannot_listen",
            Self::Unreachable { .. } => "unreachable",
            Self::Refused { code, .. } => code.as_deref().unwrap_or("refused"),
            Self::Failed { .. } => "failed",
            Self::App(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Models(error) => error.code(),
            Self::Weights(_) => "weights_error",
            Self::Engine(_) => "engine_error",
        }
    }

    /// The exit code, as the help of every command documents it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind() {
            ErrorKind::Internal => 1,
            ErrorKind::Invalid | ErrorKind::TooLarge => 2,
            ErrorKind::Unauthenticated | ErrorKind::Forbidden | ErrorKind::NotFound => 3,
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited => 4,
            ErrorKind::Conflict => 5,
        }
    }
}

fn kind_of_io(source: &io::Error) -> ErrorKind {
    match source.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Forbidden,
        _ => ErrorKind::Internal,
    }
}

fn kind_of_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimited,
        502 | 503 => ErrorKind::Unavailable,
        504 => ErrorKind::Timeout,
        400..=499 => ErrorKind::Invalid,
        _ => ErrorKind::Internal,
    }
}

/// Most refusals say themselves what to do.
fn mend_of_refusal(status: u16, code: Option<&str>, request_id: Option<&str>) -> Option<String> {
    match (status, code, request_id) {
        (404, Some("not_found"), _) => Some(
            "check the name or id: `freehold people list`, `groups list`, `services list`, `keys list` and `traces list` \
             show what there is"
                .to_owned(),
        ),
        (404, Some("model_not_found"), _) => {
            Some("`freehold models list` shows the models of this machine".to_owned())
        }
        (500.., _, Some(id)) => Some(format!("the server's log names this request {id}")),
        _ => None,
    }
}

fn mend_of_io(path: &Path, source: &io::Error) -> Option<String> {
    let path = path.display();
    match source.kind() {
        io::ErrorKind::NotFound => Some(format!("check that {path} exists")),
        io::ErrorKind::PermissionDenied => {
            Some(format!("give this user the right to use {path} (`ls -ld {path}` shows who has it), or name another"))
        }
        io::ErrorKind::ReadOnlyFilesystem => Some(format!("{path} is on a read-only file system: name another folder")),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => Some(format!(
            "{path} or a part of it is a file where a folder is needed: move it away, or name another folder"
        )),
        io::ErrorKind::InvalidData => Some(format!("save {path} as text in UTF-8")),
        io::ErrorKind::StorageFull => Some(format!("free some room on the disk of {path}")),
        _ => None,
    }
}

fn mend_of_listen(address: &str, source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program has this port: stop it (`ss -ltnp` shows which), or choose another with --listen, such as \
             --listen {}",
            next_port(address)
        ),
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege: choose a higher one with --listen".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: use 127.0.0.1 or 0.0.0.0 with --listen".to_owned()
        }
        _ => "choose another address with --listen".to_owned(),
    }
}

fn next_port(address: &str) -> String {
    address.parse::<std::net::SocketAddr>().map_or_else(
        |_| "127.0.0.1:7879".to_owned(),
        |mut address| {
            address.set_port(address.port().checked_add(1).unwrap_or(7878));
            address.to_string()
        },
    )
}
