//! Need to know (docs/access.md): what is taken out of what somebody may read. Sealed matters, canaries and guarded forms, kept
//! by whoever looks after security; it only ever narrows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access::{Access, Caller, Canary, Drawn, FingerprintKey, Guard, Matter, Narrowed, Reason, Rules, narrow};
use arc_swap::ArcSwapOption;
use domain::{Principal, Provenance};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{NewAct, Store};
use tokio::sync::Mutex;
use utoipa::ToSchema;
use wire::response::{FunctionCallItem, FunctionOutputItem, Item, MessageItem, Part};

use crate::app::App;
use crate::error::AppError;
use crate::shown::holds_more_than_words;

/// The name of the setting.
const SETTING: &str = "need_to_know";
/// Matters, canaries or guards at most.
const MOST: usize = 1_000;
/// Between the parts of what is looked at: stands in none of them.
const BETWEEN: char = '\u{1d}';

/// Everything that is registered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NeedToKnow {
    /// Sealed matters: `{id, terms, inside, outside?: "withhold" | "redact", most_passages?}`.
    #[serde(default)]
    #[schema(value_type = Vec<serde_json::Value>)]
    pub matters: Vec<Matter>,
    /// Texts that should never appear: `{id, text}`. What holds one is withheld, and told in the audit.
    #[serde(default)]
    #[schema(value_type = Vec<serde_json::Value>)]
    pub canaries: Vec<Canary>,
    /// Forms that are taken out for all but some: `{detector, inside?}`.
    #[serde(default)]
    #[schema(value_type = Vec<serde_json::Value>)]
    pub guards: Vec<Guard>,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct LiveRules {
    rules: ArcSwapOption<Rules>,
    /// How often they were set.
    number: AtomicU64,
    /// Held while somebody draws: two answers at once must not draw more than one may.
    drawing: Mutex<()>,
}

impl LiveRules {
    /// As the state has them.
    pub(crate) async fn open(store: &Store, key: &[u8; 32]) -> Result<Self, AppError> {
        let kept = load(store).await?;
        Ok(Self { rules: ArcSwapOption::from(ready(kept, key)?), ..Self::default() })
    }

    /// Which rules these are: another number once they were set again. What was made by others must not go on.
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    fn set(&self, rules: Option<Arc<Rules>>) {
        self.rules.store(rules);
        self.number.fetch_add(1, Ordering::Release);
    }
}

/// What is registered now.
///
/// # Errors
/// The state cannot be read.
pub async fn get(app: &App) -> Result<NeedToKnow, AppError> {
    load(&app.store).await
}

/// Replaces what is registered, in force from the next answer on.
///
/// # Errors
/// Something of it would be found nowhere or everywhere, or twice; nothing has changed then.
pub async fn put(app: &App, caller: &Caller, wanted: NeedToKnow) -> Result<NeedToKnow, AppError> {
    for (param, count) in
        [("matters", wanted.matters.len()), ("canaries", wanted.canaries.len()), ("guards", wanted.guards.len())]
    {
        if count > MOST {
            return Err(AppError::invalid(param, format!("`{param}`: register at most {MOST}")));
        }
    }
    let rules = ready(wanted.clone(), &app.hash_key)?;
    let value = serde_json::to_value(&wanted)
        .map_err(|error| AppError::invalid(SETTING, format!("it cannot be written as JSON ({error})")))?;
    app.store.put_settings(Some(caller.actor()), vec![(SETTING.to_owned(), value)]).await?;
    app.need_to_know.set(rules);
    Ok(wanted)
}

async fn load(store: &Store) -> Result<NeedToKnow, AppError> {
    let Some(setting) = store.setting(SETTING).await? else { return Ok(NeedToKnow::default()) };
    serde_json::from_value(setting.value).map_err(|error| {
        // What narrows must not fall away in silence: without it nobody is let in.
        let message = format!("the rules of need to know cannot be read ({error}): set them again");
        AppError::Unavailable { message, code: "need_to_know_unreadable" }
    })
}

fn ready(wanted: NeedToKnow, key: &[u8; 32]) -> Result<Option<Arc<Rules>>, AppError> {
    let NeedToKnow { matters, canaries, guards } = wanted;
    if matters.is_empty() && canaries.is_empty() && guards.is_empty() {
        return Ok(None);
    }
    let rules = Rules::new(matters, canaries, guards, FingerprintKey::new(*key));
    rules.map(|rules| Some(Arc::new(rules))).map_err(|flaw| AppError::invalid("matters", flaw.to_string()))
}

/// What is left of things for whoever this access is of: each a list of texts that belong together, such as a title and
/// what it heads. None where nothing is left.
///
/// # Errors
/// What somebody has drawn so far could not be read or kept: then nothing leaves.
pub(crate) async fn narrowed(
    app: &App,
    access: &Access,
    things: Vec<Vec<String>>,
) -> Result<Vec<Option<Vec<String>>>, AppError> {
    let Some(rules) = app.need_to_know.rules.load_full() else { return Ok(things.into_iter().map(Some).collect()) };
    let principal = access.principal();
    let _drawing = app.need_to_know.drawing.lock().await;
    let before = app.store.drawn(principal).await?;
    let mut drawn = before.clone();
    let joined: Vec<String> = things.iter().map(|parts| join(parts)).collect();
    let texts: Vec<&str> = joined.iter().map(String::as_str).collect();
    let verdicts = narrow(access, &rules, &mut drawn, &texts);
    if drawn != before {
        app.store.put_drawn(principal, &drawn).await?;
    }
    tell_of_canaries(app, principal, &verdicts).await?;
    let left = joined.iter().zip(&verdicts).zip(&things).map(|((text, verdict), parts)| {
        let left: Vec<String> = verdict.applied(text)?.split(BETWEEN).map(str::to_owned).collect();
        (left.len() == parts.len()).then_some(left)
    });
    Ok(left.collect())
}

/// Whether there are any rules.
pub(crate) fn applies(app: &App) -> bool {
    app.need_to_know.rules.load().is_some()
}

/// What is left of words that were made from what was drawn before, and are not counted again: an answer before it leaves,
/// or when it is taken up again. None where nothing is left.
pub(crate) fn left_of(app: &App, access: &Access, words: String) -> Option<String> {
    let Some(rules) = app.need_to_know.rules.load_full() else { return Some(words) };
    let verdict = narrow(access, &rules, &mut Drawn::default(), &[&words]).pop();
    verdict.and_then(|verdict| verdict.applied(&words))
}

/// What is left of an item that is kept, by the rules of today. What is of its author's words alone is theirs.
pub(crate) fn left_of_item(app: &App, access: &Access, (item, from): (Item, &Provenance)) -> Option<Item> {
    if !holds_more_than_words(from) || !applies(app) {
        return Some(item);
    }
    let left = |words: &str| left_of(app, access, words.to_owned());
    match item {
        Item::Message(MessageItem { content, id, status, role }) => {
            let narrowed = |part: Part| left(part.text()).map(|words| part.with_text(words));
            let content = content.into_iter().map(narrowed).collect::<Option<Vec<Part>>>()?;
            Some(Item::Message(MessageItem { content, id, status, role }))
        }
        Item::FunctionCall(call) => {
            left(&call.arguments).map(|arguments| Item::FunctionCall(FunctionCallItem { arguments, ..call }))
        }
        Item::FunctionCallOutput(returned) => {
            left(&returned.output).map(|output| Item::FunctionCallOutput(FunctionOutputItem { output, ..returned }))
        }
    }
}

/// The same of a structure whose strings are words; none where any of them has to go whole.
pub(crate) fn left_of_value(app: &App, access: &Access, (value, from): (Value, &Provenance)) -> Option<Value> {
    if !holds_more_than_words(from) || !applies(app) {
        return Some(value);
    }
    let inner = |value| left_of_value(app, access, (value, from));
    Some(match value {
        Value::String(words) => Value::String(left_of(app, access, words)?),
        Value::Array(values) => Value::Array(values.into_iter().map(inner).collect::<Option<_>>()?),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| Some((name, inner(value)?))).collect::<Option<_>>()?)
        }
        other => other,
    })
}

fn join(parts: &[String]) -> String {
    let clean: Vec<String> = parts.iter().map(|part| part.replace(BETWEEN, " ")).collect();
    clean.join(BETWEEN.encode_utf8(&mut [0; 4]))
}

/// A canary was met: whoever looks after security finds it in the audit.
async fn tell_of_canaries(app: &App, principal: Principal, verdicts: &[Narrowed]) -> Result<(), AppError> {
    let mut met: BTreeSet<&String> = BTreeSet::new();
    for verdict in verdicts {
        let Narrowed::Withhold(reasons) = verdict else { continue };
        met.extend(reasons.iter().filter_map(|reason| match reason {
            Reason::Canary(id) => Some(id),
            _ => None,
        }));
    }
    for id in met.into_iter().cloned().collect::<Vec<String>>() {
        let detail = serde_json::json!({ "recipient": principal });
        app.store.add_act(NewAct { actor: None, verb: "met_canary".to_owned(), ids: vec![id], detail }).await?;
    }
    Ok(())
}
