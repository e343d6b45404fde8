//! Turns an error of the parser into words for the one who sent the body. Values are not repeated: they
//! may be private, and errors are logged. Codes are OpenAI's.

use std::borrow::Cow;
use std::fmt::Display;

use domain::ErrorKind;
use serde_json::error::Category;

use super::MAX_DEPTH;
use super::tracked::{UNKNOWN, push_field};

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidParameter {
    /// The parameter, as a JSON path (`messages[2].content[0].type`); none where the body is no JSON.
    pub param: Option<String>,
    /// The case, for programs: `unknown_parameter`, `missing_required_parameter`, `invalid_type`,
    /// `invalid_value`, `unsupported_value`, `invalid_json`.
    pub code: &'static str,
    /// What was wrong and what to do.
    pub message: String,
}

impl InvalidParameter {
    /// A value that is of the right type and yet wrong: `message` goes on after "Invalid value for `param`: ".
    pub fn value(param: impl Display, message: impl Display) -> Self {
        let message = format!("Invalid value for `{param}`: {message}.");
        Self { param: Some(param.to_string()), code: "invalid_value", message }
    }

    /// A value that OpenAI takes and we do not: `message` goes on after "Unsupported value for `param`: ".
    pub fn unsupported(param: impl Display, message: impl Display) -> Self {
        let message = format!("Unsupported value for `{param}`: {message}.");
        Self { param: Some(param.to_string()), code: "unsupported_value", message }
    }

    /// A parameter that is needed and absent.
    pub fn missing(param: impl Display) -> Self {
        let message = format!("Missing required parameter: `{param}`.");
        Self { param: Some(param.to_string()), code: "missing_required_parameter", message }
    }

    /// Always [`ErrorKind::Invalid`].
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// What is wrong, given the parser's error and the path of its place.
pub(super) fn explain(body: &[u8], error: &serde_json::Error, path: String) -> InvalidParameter {
    match error.classify() {
        Category::Data => explain_data(&without_position(error), path),
        _ => InvalidParameter { param: None, code: "invalid_json", message: explain_syntax(body, error) },
    }
}

fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}

fn explain_syntax(body: &[u8], error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if body.trim_ascii().is_empty() {
        return "The request has no body: send a JSON object.".to_owned();
    }
    if let Err(utf8) = std::str::from_utf8(body) {
        return format!("The body is not UTF-8 from byte {} on: send JSON in UTF-8.", utf8.valid_up_to());
    }
    let text = without_position(error);
    if text == "recursion limit exceeded" {
        return format!("The JSON is nested deeper than {MAX_DEPTH} levels at line {line}, column {column}.");
    }
    format!("The body is not valid JSON: {text} at line {line}, column {column}.")
}

fn explain_data(text: &str, mut path: String) -> InvalidParameter {
    if text == UNKNOWN {
        let message = format!("Unknown parameter: `{path}`.{}", hint(&path));
        return InvalidParameter { param: Some(path), code: "unknown_parameter", message };
    }
    if let Some(field) = quoted(text, "missing field `") {
        push_field(&mut path, field);
        return InvalidParameter::missing(path);
    }
    if let Some(field) = quoted(text, "duplicate field `") {
        push_field(&mut path, field);
        return InvalidParameter::value(path, "it is given twice; send it once");
    }
    if let Some((got, expected)) = text.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected "))
    {
        return wrong_type(path, got, expected);
    }
    if let Some((got, expected)) = text.strip_prefix("invalid value: ").and_then(|rest| rest.rsplit_once(", expected "))
    {
        return named(path, |path| {
            InvalidParameter::value(path, format_args!("expected {}, but got {}", expectation(expected), number(got)))
        });
    }
    if let Some((_, expected)) =
        text.strip_prefix("unknown variant `").and_then(|rest| rest.rsplit_once("`, expected "))
    {
        return named(path, |path| InvalidParameter::value(path, format_args!("expected {expected}")));
    }
    if let Some((field, message)) = text.strip_prefix('`').and_then(|rest| rest.split_once("`: ")) {
        push_field(&mut path, field);
        return InvalidParameter::value(path, message);
    }
    named(path, |path| InvalidParameter::value(path, text))
}

/// The top has no name: errors there are about the body.
fn named(path: String, make: impl FnOnce(String) -> InvalidParameter) -> InvalidParameter {
    if path.is_empty() {
        let mut invalid = make("body".to_owned());
        invalid.param = None;
        return invalid;
    }
    make(path)
}

fn wrong_type(path: String, got: &str, expected: &str) -> InvalidParameter {
    named(path, |path| {
        let (expected, got) = (expectation(expected), kind(got));
        let message = format!("Invalid type for `{path}`: expected {expected}, but got {got}.");
        InvalidParameter { param: Some(path), code: "invalid_type", message }
    })
}

fn quoted<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.strip_prefix(prefix)?.strip_suffix('`')
}

/// What a type wants, in JSON's words.
fn expectation(expected: &str) -> Cow<'_, str> {
    Cow::Borrowed(match expected {
        "a map" => "an object",
        "a sequence" => "an array",
        "f32" | "f64" => "a number",
        "u32" => "a whole number from 0 to 4294967295",
        "u8" => "a whole number from 0 to 255",
        "i32" => "a whole number from -2147483648 to 2147483647",
        "i64" => "a whole number of at most 64 bits",
        text if text.starts_with("struct ") => "an object",
        text => text,
    })
}

/// What was sent, in JSON's words and without its content.
fn kind(got: &str) -> &'static str {
    match got.split([' ', '`']).next().unwrap_or_default() {
        "string" => "a string",
        "boolean" => "a boolean",
        "integer" => "a whole number",
        "floating" => "a number with a fraction, or too large",
        "map" => "an object",
        "sequence" => "an array",
        "null" => "null",
        _ => "something else",
    }
}

/// A number may be repeated; anything else only by its kind.
fn number(got: &str) -> Cow<'_, str> {
    match quoted(got, "integer `") {
        Some(digits) => Cow::Borrowed(digits),
        None => Cow::Borrowed(kind(got)),
    }
}

/// What to do instead, for parameters that clients of other servers send.
fn hint(path: &str) -> &'static str {
    let field = path.rsplit('.').next().unwrap_or(path);
    match field {
        "functions" => " Use `tools`.",
        "function_call" => " Use `tool_choice` and `tool_calls`.",
        "image_url" | "input_audio" | "file" => " Send `text` parts only.",
        "reasoning" | "reasoning_effort" => " Reasoning cannot be set here.",
        "suffix" => " Only continuing a prompt is offered.",
        // Chat's names, sent to the Responses API.
        "messages" => " Use `input`.",
        "max_tokens" | "max_completion_tokens" => " Use `max_output_tokens`.",
        "response_format" => " Use `text.format`.",
        _ => " Remove it, or check its spelling.",
    }
}
