//! The forms in which chat templates teach models to write function calls.

/// The form of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `<tool_call>\n{"name": ..., "arguments": ...}\n</tool_call>`, several in a row (Hermes, Qwen).
    Tagged,
    /// `[TOOL_CALLS][{"name": ..., "arguments": ...}, ...]` (Mistral).
    Listed,
    /// The answer is `{"name": ..., "parameters": ...}` (Llama 3).
    Parameters,
    /// The answer is `{"name": ..., "arguments": ...}`: our own form, for templates that know no functions.
    Plain,
}

impl Style {
    /// The form a template's own text shows; none where it shows none we can read.
    pub(crate) fn of_template(source: &str) -> Option<Self> {
        if source.contains("<tool_call>") {
            Some(Self::Tagged)
        } else if source.contains("[TOOL_CALLS]") && !source.contains("[ARGS]") {
            Some(Self::Listed)
        } else if source.contains(r#"{"name": function name, "parameters":"#) {
            Some(Self::Parameters)
        } else {
            None
        }
    }

    /// The text that announces calls; none where the answer is the call.
    pub(crate) fn opening(self) -> Option<&'static str> {
        match self {
            Self::Tagged => Some("<tool_call>"),
            Self::Listed => Some("[TOOL_CALLS]"),
            Self::Parameters | Self::Plain => None,
        }
    }

    /// The text that ends one call.
    pub(crate) fn closing(self) -> Option<&'static str> {
        match self {
            Self::Tagged => Some("</tool_call>"),
            Self::Listed | Self::Parameters | Self::Plain => None,
        }
    }

    /// The key of the arguments.
    pub(crate) fn arguments_key(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::Tagged | Self::Listed | Self::Plain => "arguments",
        }
    }

    /// Length of call ids: Mistral's templates accept nothing but nine characters.
    pub(crate) fn id_length(self) -> Option<usize> {
        (self == Self::Listed).then_some(9)
    }
}

/// Control tokens whose names are part of the forms above and so of the answer's text.
pub(crate) const MARKERS: [&str; 3] = ["<tool_call>", "</tool_call>", "[TOOL_CALLS]"];
