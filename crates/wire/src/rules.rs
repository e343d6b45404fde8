//! Rules that several requests share: ranges, names, metadata, tools. Each names the parameter at fault and
//! says what would be right.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use serde_json::Value;

use crate::chat::{Metadata, Stop, ToolChoice};
use crate::strict::InvalidParameter;

/// Nothing, or what is wrong.
pub(crate) type Verdict = Result<(), InvalidParameter>;

const MAX_STOPS: usize = 16;
const MAX_BIASES: usize = 1024;
const MAX_TOOLS: usize = 128;
const MAX_METADATA: usize = 16;

/// Parameters of sampling, which chat, completions and responses have in common.
#[derive(Default)]
pub(crate) struct Sampling<'a> {
    pub(crate) n: Option<u32>,
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<i32>,
    pub(crate) min_p: Option<f64>,
    pub(crate) presence_penalty: Option<f64>,
    pub(crate) frequency_penalty: Option<f64>,
    pub(crate) stop: Option<&'a Stop>,
    pub(crate) logit_bias: Option<&'a BTreeMap<u32, f64>>,
}

impl Sampling<'_> {
    pub(crate) fn check(&self) -> Verdict {
        within("n", self.n, 1..=8)?;
        within("temperature", self.temperature, 0.0..=2.0)?;
        if self.top_p == Some(0.0) {
            return Err(InvalidParameter::value("top_p", "expected a number above 0, up to 1, but got 0"));
        }
        within("top_p", self.top_p, 0.0..=1.0)?;
        within("top_k", self.top_k, -1..=i32::MAX)?;
        within("min_p", self.min_p, 0.0..=1.0)?;
        within("presence_penalty", self.presence_penalty, -2.0..=2.0)?;
        within("frequency_penalty", self.frequency_penalty, -2.0..=2.0)?;
        self.stop.map_or(Ok(()), check_stop)?;
        self.logit_bias.map_or(Ok(()), check_biases)
    }
}

fn check_stop(Stop(texts): &Stop) -> Verdict {
    at_most("stop", texts.len(), MAX_STOPS, "strings")?;
    match texts.iter().position(String::is_empty) {
        Some(index) => Err(InvalidParameter::value(format_args!("stop[{index}]"), "it is empty; leave it out")),
        None => Ok(()),
    }
}

fn check_biases(biases: &BTreeMap<u32, f64>) -> Verdict {
    at_most("logit_bias", biases.len(), MAX_BIASES, "tokens")?;
    biases.iter().try_for_each(|(token, bias)| within(format_args!("logit_bias.{token}"), Some(*bias), -100.0..=100.0))
}

/// A number that must lie in a range, ends included.
pub(crate) fn within<T: PartialOrd + Display + Copy>(
    param: impl Display,
    value: Option<T>,
    range: RangeInclusive<T>,
) -> Verdict {
    match value {
        Some(value) if !range.contains(&value) => {
            let (from, to) = (range.start(), range.end());
            Err(InvalidParameter::value(param, format_args!("expected a number from {from} to {to}, but got {value}")))
        }
        _ => Ok(()),
    }
}

/// A count of tokens to generate.
pub(crate) fn token_limit(param: &str, value: Option<u32>) -> Verdict {
    if value == Some(0) {
        return Err(InvalidParameter::value(param, "expected a whole number of at least 1, but got 0"));
    }
    Ok(())
}

/// A list that may only be so long.
pub(crate) fn at_most(param: impl Display, count: usize, limit: usize, things: &str) -> Verdict {
    if count > limit {
        return Err(InvalidParameter::value(param, format_args!("expected at most {limit} {things}, but got {count}")));
    }
    Ok(())
}

/// A text of at most so many characters.
pub(crate) fn at_most_characters(param: impl Display, text: &str, limit: usize) -> Verdict {
    // Characters are never more than bytes: count them only where it matters.
    if text.len() > limit { at_most(param, text.chars().count(), limit, "characters") } else { Ok(()) }
}

/// A text that must say something.
pub(crate) fn not_empty(param: impl Display, text: &str) -> Verdict {
    if text.is_empty() {
        return Err(InvalidParameter::value(param, "it is empty"));
    }
    Ok(())
}

/// The name of a model or task.
pub(crate) fn model(name: &str) -> Verdict {
    not_empty("model", name)?;
    at_most_characters("model", name, 256)
}

/// Whom the client asks for.
pub(crate) fn user(user: Option<&String>) -> Verdict {
    user.map_or(Ok(()), |user| at_most_characters("user", user, 512))
}

/// What the client attaches.
pub(crate) fn metadata(metadata: Option<&Metadata>) -> Verdict {
    let Some(pairs) = metadata else { return Ok(()) };
    at_most("metadata", pairs.len(), MAX_METADATA, "pairs")?;
    for (key, value) in pairs {
        if key.chars().count() > 64 {
            return Err(InvalidParameter::value("metadata", "a key has more than 64 characters"));
        }
        at_most_characters(field("metadata", key), value, 512)?;
    }
    Ok(())
}

fn field(parent: &str, name: &str) -> String {
    let mut path = parent.to_owned();
    crate::strict::push_field(&mut path, name);
    path
}

/// The name of a function or a schema: 1 to 64 of `a-z A-Z 0-9 _ -`.
pub(crate) fn identifier(param: impl Display, name: &str) -> Verdict {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(InvalidParameter::value(param, "expected 1 to 64 of the characters a-z, A-Z, 0-9, _ and -"))
}

/// A JSON schema at the top of arguments or an answer.
pub(crate) fn schema(param: impl Display, schema: &Value) -> Verdict {
    if schema.is_object() {
        return Ok(());
    }
    Err(InvalidParameter::value(param, "expected a JSON schema, which is an object"))
}

/// A function on offer, wherever its fields stand.
pub(crate) struct Offer<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: Option<&'a String>,
    pub(crate) parameters: Option<&'a Value>,
}

/// Functions on offer and the choice among them. `inside` is what stands between `tools[i].` and the field.
pub(crate) fn tools<'a>(offers: impl Iterator<Item = Offer<'a>>, choice: Option<&ToolChoice>, inside: &str) -> Verdict {
    let mut names = HashSet::new();
    for (index, Offer { name, description, parameters }) in offers.enumerate() {
        let param = Path { index, inside };
        identifier(format_args!("{param}name"), name)?;
        if let Some(text) = description {
            at_most_characters(format_args!("{param}description"), text, 16_384)?;
        }
        parameters.map_or(Ok(()), |value| schema(format_args!("{param}parameters"), value))?;
        if !names.insert(name) {
            return Err(InvalidParameter::value(format_args!("{param}name"), "another tool has this name"));
        }
    }
    at_most("tools", names.len(), MAX_TOOLS, "tools")?;
    match choice {
        Some(ToolChoice::Named(name)) if !names.contains(name.as_str()) => {
            Err(InvalidParameter::value(format_args!("tool_choice.{inside}name"), "no tool has this name"))
        }
        Some(ToolChoice::Required) if names.is_empty() => {
            Err(InvalidParameter::value("tool_choice", "a call is required, but `tools` offers none"))
        }
        _ => Ok(()),
    }
}

struct Path<'a> {
    index: usize,
    inside: &'a str,
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tools[{}].{}", self.index, self.inside)
    }
}

/// Options of a stream belong to a stream, and padding is not offered.
pub(crate) fn stream_options(given: bool, streams: bool, obfuscation: Option<bool>) -> Verdict {
    if given && !streams {
        return Err(InvalidParameter::value("stream_options", "it needs `stream` to be true"));
    }
    if obfuscation == Some(true) {
        return Err(InvalidParameter::unsupported(
            "stream_options.include_obfuscation",
            "padding is not offered; leave it out or send false",
        ));
    }
    Ok(())
}
