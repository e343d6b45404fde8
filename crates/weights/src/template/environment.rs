//! The Jinja in which chat templates are written: that of Python's `transformers`, with limits on steps and output.

use std::io;

use domain::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::WHAT;
use crate::WeightsError;

/// Variable that holds the moment of rendering, in microseconds since 1970.
pub(super) const NOW: &str = "freehold_now_micros";
/// Steps of the template's machine; long conversations take some tens of thousands.
const MAX_STEPS: u64 = 5_000_000;
const MAX_OUTPUT_BYTES: usize = 64 << 20;
const MAX_INDENT: usize = 16;

/// An empty environment with everything that templates expect.
pub(super) fn new() -> Result<Environment<'static>, WeightsError> {
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    let mut environment = Environment::new();
    environment.set_syntax(syntax.map_err(refusal)?);
    environment.set_fuel(Some(MAX_STEPS));
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_formatter(format);
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    environment.add_filter("tojson", to_json);
    Ok(environment)
}

/// `transformers` marks the assistant's words in some templates; the marks are transparent to rendering.
pub(super) fn without_marks(source: &str) -> String {
    let mut result = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{%") {
        let Some((inside, behind)) = after.split_once("%}") else { break };
        let bare = inside.trim_matches(['-', '+']).trim();
        let inside = match bare {
            "generation" => inside.replace(bare, "if true"),
            "endgeneration" => inside.replace(bare, "endif"),
            _ => inside.to_owned(),
        };
        result.extend([before, "{%", &inside, "%}"]);
        rest = behind;
    }
    result.push_str(rest);
    result
}

/// An error of a template as an error of this crate.
pub(super) fn refusal(error: Error) -> WeightsError {
    let reason = match error.kind() {
        ErrorKind::OutOfFuel => "it runs without end: use another model or template".to_owned(),
        ErrorKind::WriteFailure => "its prompt is longer than 64 MiB: shorten the conversation".to_owned(),
        _ => format!("it does not accept this conversation: {error:#}"),
    };
    WeightsError::malformed(WHAT, reason)
}

/// Python prints its constants with a capital.
fn format(output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let text = match value.kind() {
        ValueKind::None => "None",
        ValueKind::Bool if value.is_true() => "True",
        ValueKind::Bool => "False",
        _ => return minijinja::escape_formatter(output, state, value),
    };
    output.write_str(text).map_err(Error::from)
}

fn raise_exception(message: &str) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.to_owned()))
}

fn strftime_now(state: &State<'_, '_>, format: &str) -> Result<String, Error> {
    let micros = state.lookup(NOW).and_then(|value| i64::try_from(value).ok()).unwrap_or(0);
    let moment = jiff::Timestamp::from_microsecond(Timestamp::from_micros(micros).micros()).unwrap_or_default();
    jiff::fmt::strtime::format(format, moment).map_err(|cause| {
        Error::new(ErrorKind::InvalidOperation, format!("its date format '{format}' is unknown: {cause}"))
    })
}

/// JSON as Python's `json.dumps(ensure_ascii=False)` writes it.
fn to_json(value: &Value, arguments: Kwargs) -> Result<String, Error> {
    let indent = arguments.get::<Option<usize>>("indent")?;
    // Keys keep their order and letters stay letters: the other arguments of Python ask for what is done anyway.
    let _ = (arguments.get::<Option<bool>>("ensure_ascii")?, arguments.get::<Option<bool>>("sort_keys")?);
    let mut bytes = Vec::new();
    let written = match indent {
        None => value.serialize(&mut Serializer::with_formatter(&mut bytes, PythonFormatter)),
        Some(indent) => {
            let spaces = " ".repeat(indent.min(MAX_INDENT));
            value
                .serialize(&mut Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(spaces.as_bytes())))
        }
    };
    let fault = |cause: String| Error::new(ErrorKind::InvalidOperation, format!("cannot write JSON: {cause}"));
    written.map_err(|cause| fault(cause.to_string()))?;
    String::from_utf8(bytes).map_err(|cause| fault(cause.to_string()))
}

/// `", "` between items and `": "` after keys.
struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

/// Takes in as much as a prompt may be.
#[derive(Debug, Default)]
pub(super) struct Bounded {
    bytes: Vec<u8>,
}

impl Bounded {
    pub(super) fn into_text(self) -> Result<String, WeightsError> {
        String::from_utf8(self.bytes).map_err(|_| WeightsError::malformed(WHAT, "it writes broken text"))
    }
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(bytes.len()) > MAX_OUTPUT_BYTES {
            return Err(io::Error::other("the prompt is longer than 64 MiB"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
