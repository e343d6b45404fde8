//! What may be a name, an external id or an attribute: short, printable, and never mistaken for an id.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::AppError;

/// The longest name or external id, bytes of UTF-8.
pub(crate) const NAME_LIMIT: usize = 512;
const ATTRIBUTES_LIMIT: usize = 64;
const ID_PREFIXES: [&str; 4] = ["per_", "grp_", "svc_", "key_"];

/// Refuses what cannot be a name: empty, too long, with control characters or line breaks, with space around it, or in
/// the form of an id, which could then be taken for somebody else's.
pub(crate) fn check_name(param: &str, text: &str) -> Result<(), AppError> {
    let problem = if text.is_empty() {
        "it is empty: give at least one character".to_owned()
    } else if text.len() > NAME_LIMIT {
        format!("it is longer than {NAME_LIMIT} bytes: shorten it")
    } else if text.chars().any(char::is_control) {
        "it holds control characters: leave them out".to_owned()
    } else if text.trim() != text {
        "it begins or ends with a space: trim it".to_owned()
    } else if ID_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
        format!("it begins like an id ({}): choose another name", ID_PREFIXES.join(", "))
    } else {
        return Ok(());
    };
    Err(AppError::invalid(param, format!("`{param}`: {problem}")))
}

/// What is shown of somebody: like a name, without the rule on ids.
pub(crate) fn check_text(param: &str, text: &str) -> Result<(), AppError> {
    if text.len() > NAME_LIMIT || text.chars().any(char::is_control) {
        let message = format!("`{param}`: use at most {NAME_LIMIT} bytes without control characters or line breaks");
        return Err(AppError::invalid(param, message));
    }
    Ok(())
}

/// Attributes are typed (string, whole number, boolean, list of strings), so that policies can name them.
pub(crate) fn check_attributes(attributes: &BTreeMap<String, Value>) -> Result<(), AppError> {
    if attributes.len() > ATTRIBUTES_LIMIT {
        let message = format!("`attributes`: there are {}, at most {ATTRIBUTES_LIMIT} are kept", attributes.len());
        return Err(AppError::invalid("attributes", message));
    }
    for (name, value) in attributes {
        let param = format!("attributes.{name}");
        check_name(&param, name)?;
        if !is_attribute(value) {
            let message = format!("`{param}`: use a string, a whole number, a boolean or a list of strings");
            return Err(AppError::invalid(param, message));
        }
    }
    Ok(())
}

fn is_attribute(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Bool(_) => true,
        Value::Number(number) => number.is_i64(),
        Value::Array(items) => items.iter().all(Value::is_string),
        Value::Null | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_short_printable_and_no_ids() {
        for good in ["ada", "Legal & Compliance", "Ünïcode 名前", "perdita"] {
            assert!(check_name("name", good).is_ok(), "{good}");
        }
        let long = "x".repeat(NAME_LIMIT + 1);
        for bad in ["", " ada", "ada\n", "a\u{0}b", "per_1", "grp_x", long.as_str()] {
            assert!(check_name("name", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn attributes_have_the_types_that_policies_know() {
        let of = |value: Value| BTreeMap::from([("level".to_owned(), value)]);
        for good in [json!("x"), json!(3), json!(true), json!(["a", "b"])] {
            assert!(check_attributes(&of(good)).is_ok());
        }
        for bad in [json!(null), json!(1.5), json!({"a": 1}), json!([1])] {
            assert!(check_attributes(&of(bad)).is_err());
        }
    }
}
