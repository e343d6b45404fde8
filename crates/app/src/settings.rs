//! Settings that administrators change while the server runs: typed, versioned in the state, each write an act.
//!
//! Each field is a setting of its own in the state, so that two administrators who change different ones do not undo
//! each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::Caller;
use arc_swap::ArcSwap;
use domain::Role;
use models::Catalog;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{RetentionRules, Store};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::issuers::{self, Issuer};
use crate::naming::check_name;

/// How long exchanges are kept where nothing else is said, days.
pub const DEFAULT_RETENTION_DAYS: u32 = 365;
const LONGEST_RETENTION_DAYS: u32 = 36_500;

/// The settings as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Settings {
    /// Names that clients insist on, each for a model or task: `{"gpt-4o": "..."}`.
    pub aliases: BTreeMap<String, String>,
    /// By model, the ones that may answer in its place when it cannot, in order. Without an entry nothing replaces it.
    pub fallbacks: BTreeMap<String, Vec<String>>,
    /// How long exchanges are kept.
    pub retention_days: RetentionDays,
    /// Issuers whose tokens say for whom a service acts.
    pub issuers: Vec<Issuer>,
}

/// What is to change: a field that is given replaces that one whole, the others stay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
pub struct SettingsChange {
    /// Names that clients insist on, each for a model or task.
    pub aliases: Option<BTreeMap<String, String>>,
    /// By model, the ones that may answer in its place when it cannot, in order.
    pub fallbacks: Option<BTreeMap<String, Vec<String>>>,
    /// How long exchanges are kept.
    pub retention_days: Option<RetentionDays>,
    /// Issuers whose tokens say for whom a service acts. Needs the role `security` too.
    pub issuers: Option<Vec<Issuer>>,
}

/// How long exchanges, replies and conversations are kept, days: 1 to 36,500.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionDays {
    /// For tasks and models without a number of their own, for replies that are stored, and for conversations in which
    /// nothing was said for so long.
    #[serde(default = "default_days")]
    pub default: u32,
    /// By task or model.
    #[serde(default)]
    pub tasks: BTreeMap<String, u32>,
}

impl Default for RetentionDays {
    fn default() -> Self {
        Self { default: DEFAULT_RETENTION_DAYS, tasks: BTreeMap::new() }
    }
}

const fn default_days() -> u32 {
    DEFAULT_RETENTION_DAYS
}

impl Settings {
    /// The rules by which the store sweeps.
    #[must_use]
    pub fn retention_rules(&self) -> RetentionRules {
        let RetentionDays { default, tasks } = self.retention_days.clone();
        RetentionRules { default_days: default, per_task: tasks }
    }
}

/// The settings in force, shared by all requests.
#[derive(Debug)]
pub struct LiveSettings {
    current: ArcSwap<Settings>,
    writing: tokio::sync::Mutex<()>,
}

impl LiveSettings {
    /// As the state has them.
    pub(crate) async fn open(store: &Store, models: &Catalog) -> Result<Self, AppError> {
        let settings = load(store).await?;
        if let Err(error) = in_force(models, Some(&settings.aliases), Some(&settings.fallbacks)) {
            tracing::error!(%error, "aliases or fallbacks are not in force: set them again");
        }
        Ok(Self { current: ArcSwap::from_pointee(settings), writing: tokio::sync::Mutex::new(()) })
    }

    /// The settings in force.
    #[must_use]
    pub fn get(&self) -> Arc<Settings> {
        self.current.load_full()
    }
}

/// Changes settings, in force from the next request on.
///
/// # Errors
/// A value cannot work, or the caller lacks the role that a field needs. Nothing has changed then.
pub async fn update(app: &App, caller: &Caller, wanted: SettingsChange) -> Result<Arc<Settings>, AppError> {
    if wanted.issuers.is_some() {
        caller.require_any(&[Role::Security])?;
    }
    check(&wanted)?;
    let _writing = app.settings.writing.lock().await;
    let before = app.settings.get();
    let written = async {
        in_force(&app.models, wanted.aliases.as_ref(), wanted.fallbacks.as_ref())?;
        app.store.put_settings(Some(caller.actor()), named(wanted)?).await?;
        load(&app.store).await
    };
    match written.await {
        Ok(settings) => app.settings.current.store(Arc::new(settings)),
        Err(error) => {
            in_force(&app.models, Some(&before.aliases), Some(&before.fallbacks))?;
            return Err(error);
        }
    }
    Ok(app.settings.get())
}

/// What the catalog must know of the settings; it refuses what cannot work with the models it has.
pub(crate) fn in_force(
    models: &Catalog,
    aliases: Option<&BTreeMap<String, String>>,
    fallbacks: Option<&BTreeMap<String, Vec<String>>>,
) -> Result<(), AppError> {
    aliases.map_or(Ok(()), |aliases| models.set_aliases(aliases.clone()))?;
    fallbacks.map_or(Ok(()), |fallbacks| models.set_fallbacks(fallbacks.clone()))?;
    Ok(())
}

fn named(wanted: SettingsChange) -> Result<Vec<(String, Value)>, AppError> {
    let SettingsChange { aliases, fallbacks, retention_days, issuers } = wanted;
    let fields = [
        ("aliases", aliases.map(serde_json::to_value)),
        ("fallbacks", fallbacks.map(serde_json::to_value)),
        ("retention_days", retention_days.map(serde_json::to_value)),
        ("issuers", issuers.map(serde_json::to_value)),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
    given
        .map(|(name, value)| match value {
            Ok(value) => Ok((name.to_owned(), value)),
            Err(error) => Err(AppError::invalid(name, format!("`{name}`: it cannot be written as JSON ({error})"))),
        })
        .collect()
}

async fn load(store: &Store) -> Result<Settings, AppError> {
    let mut stored: BTreeMap<String, Value> =
        store.settings().await?.into_iter().map(|setting| (setting.name, setting.value)).collect();
    let mut take = |name: &str| stored.remove(name).unwrap_or_default();
    Ok(Settings {
        aliases: read("aliases", take("aliases")),
        fallbacks: read("fallbacks", take("fallbacks")),
        retention_days: read("retention_days", take("retention_days")),
        issuers: read("issuers", take("issuers")),
    })
}

/// A setting that this version cannot read is as if it were not set: the server starts, and the log says so.
fn read<T: DeserializeOwned + Default>(name: &str, value: Value) -> T {
    if value.is_null() {
        return T::default();
    }
    serde_json::from_value(value).unwrap_or_else(|error| {
        tracing::error!(setting = name, %error, "a setting cannot be read and is not in force: set it again");
        T::default()
    })
}

fn check(wanted: &SettingsChange) -> Result<(), AppError> {
    check_aliases(wanted.aliases.as_ref())?;
    check_fallbacks(wanted.fallbacks.as_ref())?;
    check_retention(wanted.retention_days.as_ref())?;
    check_issuers(wanted.issuers.as_deref().unwrap_or_default())
}

fn check_aliases(aliases: Option<&BTreeMap<String, String>>) -> Result<(), AppError> {
    let Some(aliases) = aliases else { return Ok(()) };
    for (alias, target) in aliases {
        let param = format!("aliases.{alias}");
        check_name(&param, alias)?;
        check_name(&param, target)?;
        if aliases.contains_key(target) {
            let message =
                format!("`{param}`: '{target}' is an alias itself: name the model or task that it stands for");
            return Err(AppError::invalid(param, message));
        }
    }
    Ok(())
}

fn check_fallbacks(fallbacks: Option<&BTreeMap<String, Vec<String>>>) -> Result<(), AppError> {
    let Some(fallbacks) = fallbacks else { return Ok(()) };
    for (model, others) in fallbacks {
        let param = format!("fallbacks.{model}");
        check_name(&param, model)?;
        others.iter().try_for_each(|other| check_name(&param, other))?;
        if others.contains(model) {
            return Err(AppError::invalid(param.clone(), format!("`{param}`: a model cannot stand in for itself")));
        }
    }
    Ok(())
}

fn check_retention(retention: Option<&RetentionDays>) -> Result<(), AppError> {
    let Some(RetentionDays { default, tasks }) = retention else { return Ok(()) };
    let of_tasks = tasks.iter().map(|(task, days)| (format!("retention_days.tasks.{task}"), *days));
    for (param, days) in std::iter::once(("retention_days.default".to_owned(), *default)).chain(of_tasks) {
        if !(1..=LONGEST_RETENTION_DAYS).contains(&days) {
            let message =
                format!("`{param}`: use 1 to {LONGEST_RETENTION_DAYS} days; to keep nothing, use capture `none`");
            return Err(AppError::invalid(param, message));
        }
    }
    Ok(())
}

fn check_issuers(given: &[Issuer]) -> Result<(), AppError> {
    for (index, issuer) in given.iter().enumerate() {
        let param = format!("issuers[{index}]");
        issuers::check(issuer).map_err(|problem| AppError::invalid(&param, format!("`{param}`: {problem}")))?;
        if given[..index].iter().any(|other| other.issuer == issuer.issuer) {
            let message = format!("`{param}`: the issuer '{}' stands in the list twice", issuer.issuer);
            return Err(AppError::invalid(&param, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn param(wanted: Value) -> Option<String> {
        let wanted: SettingsChange = serde_json::from_value(wanted).unwrap();
        check(&wanted).err().map(|error| error.param().unwrap_or_default().to_owned())
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (wanted, at) in [
            (json!({"aliases": {"a": "b", "b": "c"}}), "aliases.a"),
            (json!({"aliases": {"a": "a"}}), "aliases.a"),
            (json!({"aliases": {"": "b"}}), "aliases."),
            (json!({"fallbacks": {"a": ["b", "a"]}}), "fallbacks.a"),
            (json!({"retention_days": {"default": 0}}), "retention_days.default"),
            (json!({"retention_days": {"tasks": {"x": 40_000}}}), "retention_days.tasks.x"),
            (json!({"issuers": [{"issuer": "a", "audience": "b"}]}), "issuers[0]"),
            (
                json!({"issuers": [{"issuer": "a", "audience": "b", "jwks_url": "http://idp.example/keys"}]}),
                "issuers[0]",
            ),
            (json!({"issuers": [{"issuer": "a", "audience": "b", "jwks": {"keys": []}}]}), "issuers[0]"),
        ] {
            assert_eq!(param(wanted.clone()).as_deref(), Some(at), "{wanted}");
        }
        let issuer = json!({"issuer": "a", "audience": "b", "jwks_url": "https://idp.example/keys"});
        assert_eq!(param(json!({"issuers": [issuer, issuer]})).as_deref(), Some("issuers[1]"));
        assert_eq!(param(json!({"issuers": [issuer], "aliases": {"a": "b"}, "retention_days": {"default": 30}})), None);
    }
}
