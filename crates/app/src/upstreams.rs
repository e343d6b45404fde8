//! Upstreams: the servers that answer for models, as an operator changes them while the door is open. Those of the
//! configuration file and the embedded engines are shown too, and changed where they are written.

mod lengths;

use access::Caller;
pub use lengths::ask_all as ask_lengths;
pub use models::UpstreamConfig;
use models::UpstreamSnapshot;
use serde::Serialize;

use crate::app::App;
use crate::error::AppError;
use crate::listing::{Listing, Slice};

/// An upstream: how it is configured, without its secrets, and how it stands.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamView {
    /// How it is configured; secrets show as `{"hidden": true}`.
    pub config: UpstreamConfig,
    /// How it stands, and what it did since the start.
    pub state: UpstreamSnapshot,
    /// Whether it is kept here and can be changed here; else the configuration file or the supervisor has it.
    pub editable: bool,
}

/// All upstreams, by name.
///
/// # Errors
/// The listing is wrong, or the state could not be read.
pub async fn list(app: &App, listing: &Listing) -> Result<Slice<UpstreamView>, AppError> {
    let kept = names(app).await?;
    let after = listing.after.as_deref().unwrap_or_default();
    let mut snapshots: Vec<_> = app.models.snapshots().into_iter().filter(|snapshot| *snapshot.name > *after).collect();
    let limit = listing.limit()? as usize;
    let has_more = snapshots.len() > limit;
    snapshots.truncate(limit);
    let view = |snapshot| view(app, snapshot, &kept);
    Ok(Slice { data: snapshots.into_iter().map(view).collect::<Result<_, _>>()?, has_more })
}

/// One upstream.
///
/// # Errors
/// Not found, or the state could not be read.
pub async fn show(app: &App, name: &str) -> Result<UpstreamView, AppError> {
    let kept = names(app).await?;
    let snapshot = app.models.snapshots().into_iter().find(|snapshot| snapshot.name == name);
    view(app, snapshot.ok_or_else(AppError::not_found)?, &kept)
}

/// Writes an upstream, in force from the next request on. Secrets that are sent back hidden stay as they are.
///
/// # Errors
/// The configuration cannot work, the name belongs to one that is configured elsewhere, or the state could not be
/// written. Nothing has changed then.
pub async fn put(app: &App, caller: &Caller, name: &str, config: UpstreamConfig) -> Result<UpstreamView, AppError> {
    if config.name != name {
        return Err(AppError::invalid("name", format!("the name in the path is '{name}': give the same in the body")));
    }
    if config.is_embedded() {
        return Err(AppError::invalid("kind", "embedded engines are started by the supervisor: name a remote server"));
    }
    check_secrets(&config)?;
    let config = match app.models.config(name) {
        Ok(_) if !names(app).await?.iter().any(|kept| kept == name) => return Err(configured_elsewhere(name)),
        // A secret that nobody here can see stays with the server it was given for.
        Ok(previous) if previous.kind == config.kind => config.with_secrets_of(&previous),
        _ => config,
    };
    let stored = config.to_stored();
    let before = app.models.config(name).ok();
    app.models.put(config)?;
    if let Err(error) = app.store.put_upstream(Some(caller.actor()), name, &stored).await {
        restore(app, name, before);
        return Err(error.into());
    }
    lengths::ask(app, name);
    show(app, name).await
}

/// Takes an upstream away; requests under way end undisturbed.
///
/// # Errors
/// Not found, configured elsewhere, or the state could not be written.
pub async fn remove(app: &App, caller: &Caller, name: &str) -> Result<(), AppError> {
    show(app, name).await?;
    if !app.store.remove_upstream(Some(caller.actor()), name).await? {
        return Err(configured_elsewhere(name));
    }
    Ok(app.models.remove(name)?)
}

/// Over the API a secret is given in place: a name of a variable or a file would read out this server's own.
fn check_secrets(config: &UpstreamConfig) -> Result<(), AppError> {
    let headers = config.headers.iter().map(|(name, secret)| (format!("headers.{name}"), secret));
    let secrets = config.api_key.iter().map(|secret| ("api_key".to_owned(), secret)).chain(headers);
    match secrets.into_iter().find(|(_, secret)| secret.is_named()) {
        Some((field, _)) => Err(AppError::invalid(
            &field,
            format!("`{field}`: give the secret itself; `env` and `file` are for the configuration file"),
        )),
        None => Ok(()),
    }
}

/// What could not be written must not be in force.
fn restore(app: &App, name: &str, before: Option<UpstreamConfig>) {
    let restored = match before {
        Some(config) => app.models.put(config),
        None => app.models.remove(name),
    };
    if let Err(error) = restored {
        tracing::error!(%error, upstream = name, "an upstream that could not be kept stays in force until a restart");
    }
}

async fn names(app: &App) -> Result<Vec<String>, AppError> {
    Ok(app.store.upstreams().await?.into_iter().map(|upstream| upstream.name).collect())
}

fn view(app: &App, state: UpstreamSnapshot, kept: &[String]) -> Result<UpstreamView, AppError> {
    let config = app.models.config(&state.name)?;
    Ok(UpstreamView { config, editable: kept.contains(&state.name), state })
}

fn configured_elsewhere(name: &str) -> AppError {
    AppError::Conflict {
        message: format!(
            "'{name}' is in the configuration file or an engine of this program: change it there, or use another name"
        ),
        code: "configured_elsewhere",
    }
}
