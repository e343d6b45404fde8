//! The open tables as data: name, columns, and where each column stands in the JSON of a record. Counts, ids and
//! timings stand apart from content, so that one can be granted without the other.

mod knowledge;

/// One of the open tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Counts, ids and timings of exchanges.
    Traces,
    /// What was said in them, where it was kept.
    TraceContents,
    /// Who said something about an exchange afterwards, and when.
    Feedback,
    /// What was said.
    FeedbackContents,
    /// Who asked for what, the answer, and the rules that gave it.
    Decisions,
    /// Versions of documents: ids, counts and times.
    Documents,
    /// What they say, and what they are called at their source.
    DocumentContents,
    /// What was said of the rights of documents, write by write.
    DocumentLists,
    /// Where the passages of a version begin and end.
    Passages,
    /// The vectors of passages.
    Vectors,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Traces,
        Self::TraceContents,
        Self::Feedback,
        Self::FeedbackContents,
        Self::Decisions,
        Self::Documents,
        Self::DocumentContents,
        Self::DocumentLists,
        Self::Passages,
        Self::Vectors,
    ];

    /// The name in the catalog.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.definition().name
    }

    /// Whether it holds what people said, or what documents say. Lists do as well, for they may hold addresses, and so
    /// do vectors, from which words can be guessed.
    #[must_use]
    pub const fn is_content(self) -> bool {
        match self {
            Self::TraceContents | Self::FeedbackContents => true,
            Self::DocumentContents | Self::DocumentLists | Self::Vectors => true,
            Self::Traces | Self::Feedback | Self::Decisions | Self::Documents | Self::Passages => false,
        }
    }

    /// Whether its rows go after the days that are set for their task. What is known stays until it is erased.
    #[must_use]
    pub const fn ages(self) -> bool {
        match self {
            Self::Traces | Self::TraceContents | Self::Feedback | Self::FeedbackContents | Self::Decisions => true,
            Self::Documents | Self::DocumentContents | Self::DocumentLists | Self::Passages | Self::Vectors => false,
        }
    }

    /// The table of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    pub(crate) const fn definition(self) -> &'static Definition {
        match self {
            Self::Traces => &TRACES,
            Self::TraceContents => &TRACE_CONTENTS,
            Self::Feedback => &FEEDBACK,
            Self::FeedbackContents => &FEEDBACK_CONTENTS,
            Self::Decisions => &DECISIONS,
            Self::Documents => &knowledge::DOCUMENTS,
            Self::DocumentContents => &knowledge::DOCUMENT_CONTENTS,
            Self::DocumentLists => &knowledge::DOCUMENT_LISTS,
            Self::Passages => &knowledge::PASSAGES,
            Self::Vectors => &knowledge::VECTORS,
        }
    }
}

/// What a table looks like. Every table has the columns `id`, `owner` and `task`.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) columns: &'static [Column],
    /// The column whose day (UTC), together with the task, is the partition.
    pub(crate) time: &'static str,
    /// Columns that hold a person, service or subject whose erasure takes the row.
    pub(crate) people: &'static [&'static str],
    /// The column of JSON that may name others, whose erasure takes the row as well.
    pub(crate) mentions: Option<&'static str>,
    /// The column that holds the document whose erasure takes the row.
    pub(crate) document: Option<&'static str>,
}

impl Definition {
    pub(crate) fn column(&self, name: &str) -> Option<(usize, &'static Column)> {
        self.columns.iter().enumerate().find(|(_, column)| column.name == name)
    }
}

/// One column.
#[derive(Debug)]
pub(crate) struct Column {
    /// Iceberg's field id: never reused.
    pub(crate) id: i32,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Where it stands in the record: a JSON pointer.
    pub(crate) at: &'static str,
    pub(crate) required: bool,
    pub(crate) about: &'static str,
}

impl Column {
    /// Whether the smallest and largest value of each file are kept, for readers to skip files by. Never of content.
    pub(crate) fn is_bounded(&self) -> bool {
        matches!(self.name, "id" | "owner" | "task" | "trace" | "document") || matches!(self.kind, Kind::Time)
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// Any JSON, as text.
    Json,
    Long,
    Double,
    Truth,
    /// Microseconds, UTC; RFC 3339 in the record.
    Time,
    /// A list of 32-bit numbers, whose elements have this field id. JSON has no word for what is not a number: null.
    Floats(i32),
}

const fn column(id: i32, name: &'static str, kind: Kind, at: &'static str, about: &'static str) -> Column {
    Column { id, name, kind, at, required: false, about }
}

const fn required(id: i32, name: &'static str, kind: Kind, at: &'static str, about: &'static str) -> Column {
    Column { id, name, kind, at, required: true, about }
}

use Kind::{Double, Json, Long, Text, Time, Truth};

static TRACES: Definition = Definition {
    name: "traces",
    about: "Exchanges: counts, ids and timings. What was said is in trace_contents.",
    time: "created_at",
    people: &["owner", "subject"],
    mentions: Some("provenance"),
    document: None,
    columns: &[
        required(1, "id", Text, "/id", "trc_ and a UUIDv7, which begins with the time"),
        required(2, "created_at", Time, "/created_at", "when the request was received"),
        required(3, "task", Text, "/task", "the task, or the model where none is named"),
        required(4, "task_version", Long, "/task_version", "0 for a base model"),
        required(5, "owner", Text, "/caller/principal", "the person, or the service for itself"),
        column(6, "via", Json, "/caller/via", "services that carried it, outermost first, as JSON"),
        column(7, "key", Text, "/caller/key", "the key that opened the door"),
        column(8, "purpose", Text, "/caller/purpose", "what for, where the client says"),
        column(9, "subject", Text, "/caller/subject", "the outside customer a service speaks with"),
        required(10, "epoch", Long, "/epoch", "the epoch of permissions at which it began"),
        required(11, "capture", Text, "/capture", "full, redacted or usage"),
        required(12, "outcome", Text, "/outcome", "answered, refused or failed"),
        column(13, "reason", Text, "/reason", "why, where refused or failed: a code"),
        column(14, "model", Text, "/model", "the model that answered"),
        column(15, "adapter", Text, "/adapter", "the adapter on top of it"),
        column(16, "weights_hash", Text, "/weights_hash", "hash of the weights, hex"),
        column(17, "upstream", Text, "/upstream", "the upstream that answered"),
        column(18, "prompt_hash", Text, "/prompt_hash", "keyed hash of the rendered prompt, hex"),
        column(19, "configuration_hash", Text, "/configuration_hash", "hash of the configuration in force, hex"),
        required(20, "provenance", Json, "/provenance", "what everything in context was made from, as JSON"),
        required(21, "prompt_tokens", Long, "/tokens/prompt", "cached ones included"),
        required(22, "cached_tokens", Long, "/tokens/cached", "of the prompt, from a cache"),
        required(23, "completion_tokens", Long, "/tokens/completion", "of the answer"),
        column(24, "logprob_mean", Double, "/logprobs/mean", "mean log-probability per token, natural logarithm"),
        column(25, "logprob_min", Double, "/logprobs/min", "of the least likely token"),
        column(26, "logprob_tokens", Long, "/logprobs/tokens", "how many tokens"),
        required(27, "stages", Json, "/stages", "where the time went: [{name, ms}], as JSON"),
        required(28, "cost_micro_usd", Long, "/cost_micro_usd", "millionths of a US dollar"),
    ],
};

/// What an export holds of an exchange besides the columns of `traces`: what was said in it and about it.
pub(crate) static SAID: [Column; 5] = [
    column(101, "input", Json, "/input", "before templating, as JSON"),
    column(102, "output", Json, "/output", "the assistant's message, or the code of an error, as JSON"),
    column(103, "passages", Json, "/passages", "passages placed in context, as JSON"),
    column(104, "metadata", Json, "/metadata", "what the client attached, as JSON"),
    column(105, "feedback", Json, "/feedback", "what was said about it afterwards, as JSON"),
];

static TRACE_CONTENTS: Definition = Definition {
    name: "trace_contents",
    about: "What was said in exchanges, where it was kept. Joined with traces by id.",
    time: "created_at",
    people: &["owner", "subject"],
    mentions: Some("provenance"),
    document: None,
    columns: &[
        required(1, "id", Text, "/id", "the exchange"),
        required(2, "created_at", Time, "/created_at", "when the request was received"),
        required(3, "task", Text, "/task", "the task, or the model where none is named"),
        required(4, "owner", Text, "/owner", "the person, or the service for itself"),
        column(5, "subject", Text, "/subject", "the outside customer a service speaks with"),
        required(6, "provenance", Json, "/provenance", "what everything in context was made from, as JSON"),
        required(7, "input", Json, "/content/input", "before templating, as JSON"),
        required(8, "output", Json, "/content/output", "the assistant's message, or the code of an error, as JSON"),
        required(9, "passages", Json, "/content/passages", "passages placed in context: [{document, score}], as JSON"),
        column(10, "metadata", Json, "/content/metadata", "what the client attached, as JSON"),
    ],
};

static FEEDBACK: Definition = Definition {
    name: "feedback",
    about: "Who said something about an exchange afterwards, and when. What was said is in feedback_contents.",
    time: "trace_created_at",
    people: &["owner", "by", "subject"],
    mentions: None,
    document: None,
    columns: &[
        required(1, "id", Text, "/id", "its id"),
        required(2, "trace", Text, "/trace", "the exchange it is about"),
        required(3, "trace_created_at", Time, "/trace_created_at", "when the exchange's request was received"),
        required(4, "task", Text, "/task", "the exchange's task"),
        required(5, "owner", Text, "/owner", "whose exchange it is"),
        column(6, "subject", Text, "/subject", "the exchange's outside customer"),
        required(7, "by", Text, "/by", "who said it"),
        required(8, "created_at", Time, "/created_at", "when it was said"),
        required(9, "kind", Text, "/kind", "rating, correction, outcome or comment"),
    ],
};

static FEEDBACK_CONTENTS: Definition = Definition {
    name: "feedback_contents",
    about: "What was said about exchanges afterwards. Joined with feedback by id.",
    time: "trace_created_at",
    people: &["owner", "by", "subject"],
    mentions: None,
    document: None,
    columns: &[
        required(1, "id", Text, "/id", "the feedback"),
        required(2, "trace", Text, "/trace", "the exchange it is about"),
        required(3, "trace_created_at", Time, "/trace_created_at", "when the exchange's request was received"),
        required(4, "task", Text, "/task", "the exchange's task"),
        required(5, "owner", Text, "/owner", "whose exchange it is"),
        column(6, "subject", Text, "/subject", "the exchange's outside customer"),
        required(7, "by", Text, "/by", "who said it"),
        required(8, "value", Json, "/value", "what was said, as JSON"),
    ],
};

static DECISIONS: Definition = Definition {
    name: "decisions",
    about: "Who asked for what, the answer, and the rules that gave it: enough to give it again.",
    time: "created_at",
    people: &["owner"],
    mentions: Some("resource"),
    document: None,
    columns: &[
        required(1, "id", Text, "/id", "dec_ and a UUIDv7, which begins with the time"),
        required(2, "created_at", Time, "/created_at", "when"),
        column(3, "trace", Text, "/trace", "the exchange that it was about"),
        required(4, "task", Text, "/task", "the exchange's task; empty where there is none"),
        required(5, "owner", Text, "/caller/principal", "who asked: the person, or the service for itself"),
        column(6, "via", Json, "/caller/via", "services that carried it, outermost first, as JSON"),
        column(7, "key", Text, "/caller/key", "the key that opened the door"),
        column(8, "purpose", Text, "/caller/purpose", "what for, where the client says"),
        required(9, "action", Text, "/action", "what for: use, read, act_for, ..."),
        required(10, "resource", Json, "/resource", "on what, with what the answer depends on, as JSON"),
        required(11, "allowed", Truth, "/allowed", "yes or no"),
        required(12, "reasons", Json, "/reasons", "the rules that gave the answer: [{rule, via}], as JSON"),
        required(13, "epoch", Long, "/epoch", "the epoch of permissions"),
        column(14, "policy_hash", Text, "/policy_hash", "hash of the policies in force, hex"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_what_the_verbs_rely_on() {
        for table in Table::ALL {
            let definition = table.definition();
            let elements = definition.columns.iter().filter_map(|column| match column.kind {
                Kind::Floats(element) => Some(element),
                _ => None,
            });
            let ids: Vec<i32> = definition.columns.iter().map(|column| column.id).chain(elements).collect();
            // The table format's library numbers the fields of a new table so, nested ones last.
            assert_eq!(ids, (1..=i32::try_from(ids.len()).unwrap()).collect::<Vec<_>>(), "{table:?}");
            let named = [definition.mentions, definition.document].into_iter().flatten().collect::<Vec<_>>();
            for name in ["id", "owner", "task", definition.time].iter().chain(definition.people).chain(&named) {
                assert!(definition.column(name).is_some(), "{table:?} has {name}");
            }
            assert_eq!(Table::named(table.name()), Some(table));
        }
    }
}
