//! The tables of what is known. Their rows are copies: what serves stays in the state.
//!
//! Owner and task are the source of the document. A source's owner may change, and may be erased while the documents
//! stay; rows that were written once cannot follow.

use super::Kind::{Floats, Json, Long, Text, Time};
use super::{Column, Definition, column, required};

const VERSION: Column = required(6, "version", Long, "/version", "of the document, counted from 1");

const fn id(about: &'static str) -> Column {
    required(1, "id", Text, "/id", about)
}

const fn time(name: &'static str, at: &'static str, about: &'static str) -> Column {
    required(2, name, Time, at, about)
}

const CREATED: Column = time("created_at", "/created_at", "when this version came");
const TASK: Column = required(3, "task", Text, "/source", "the source: rows of one source lie together");
const OWNER: Column = required(4, "owner", Text, "/source", "the source");
const DOCUMENT: Column = required(5, "document", Text, "/document", "the document");

pub(super) static DOCUMENTS: Definition = Definition {
    name: "documents",
    about: "Versions of documents: ids, counts and times. What they say is in document_contents.",
    time: "created_at",
    people: &[],
    mentions: None,
    document: Some("document"),
    columns: &[
        id("the version: the document's id, and its number"),
        CREATED,
        TASK,
        OWNER,
        DOCUMENT,
        VERSION,
        required(7, "epoch", Long, "/epoch", "the epoch of permissions at which it came"),
        column(8, "updated_at", Time, "/updated_at", "when it was last changed at its source"),
        required(9, "characters", Long, "/characters", "the length of its text, code points"),
    ],
};

pub(super) static DOCUMENT_CONTENTS: Definition = Definition {
    name: "document_contents",
    about: "What versions of documents say. Joined with documents by id.",
    time: "created_at",
    people: &[],
    mentions: None,
    document: Some("document"),
    columns: &[
        id("the version"),
        CREATED,
        TASK,
        OWNER,
        DOCUMENT,
        VERSION,
        required(7, "external_id", Text, "/external_id", "what its source calls the document"),
        column(8, "source_version", Text, "/source_version", "what its source calls the version"),
        required(9, "title", Text, "/title", "its title"),
        column(10, "url", Text, "/url", "where people find it"),
        required(11, "text", Text, "/text", "its text"),
        column(12, "structure", Json, "/structure", "where headings, paragraphs and rows begin and end, as JSON"),
    ],
};

pub(super) static DOCUMENT_LISTS: Definition = Definition {
    name: "document_lists",
    about: "What was said of the rights of documents, one row for each write. It may name people by address.",
    time: "at",
    people: &[],
    mentions: None,
    document: Some("document"),
    columns: &[
        id("the document's id, and the epoch"),
        time("at", "/at", "when it was said"),
        TASK,
        OWNER,
        DOCUMENT,
        required(6, "from_epoch", Long, "/from_epoch", "holds from this epoch until the next row of the document"),
        required(7, "kind", Text, "/kind", "put_document, set_list or retire_document"),
        column(8, "version", Long, "/version", "the version that was put"),
        column(9, "list", Json, "/rights/listing", "who may read it, as JSON: given, source_default or unchanged"),
        column(10, "sensitivity", Text, "/rights/sensitivity", "how sensitive it is said to be"),
        column(11, "attributes", Json, "/rights/attributes", "what policies may name, as JSON"),
        column(12, "tombstone", Text, "/rights/tombstone", "what stays where it was removed at its source"),
    ],
};

pub(super) static PASSAGES: Definition = Definition {
    name: "passages",
    about: "Into what versions of documents were cut: places, no words.",
    time: "created_at",
    people: &[],
    mentions: None,
    document: Some("document"),
    columns: &[
        id("the version, and the number of the passage"),
        CREATED,
        TASK,
        OWNER,
        DOCUMENT,
        VERSION,
        required(7, "number", Long, "/number", "which passage of the version, from 0"),
        required(8, "start", Long, "/start", "where it begins in the text, code points"),
        required(9, "end", Long, "/end", "where it ends, code points"),
        column(10, "page", Long, "/page", "the page, sheet or slide on which it begins, from 1"),
    ],
};

pub(super) static VECTORS: Definition = Definition {
    name: "vectors",
    about: "The vectors of passages, by the model that made them. Joined with passages by document, version and number.",
    time: "created_at",
    people: &[],
    mentions: None,
    document: Some("document"),
    columns: &[
        id("the version, the model, and the number of the passage"),
        CREATED,
        TASK,
        OWNER,
        DOCUMENT,
        VERSION,
        required(7, "number", Long, "/number", "which passage of the version, from 0"),
        required(8, "model", Text, "/model", "the embedding model"),
        required(9, "vector", Floats(10), "/vector", "what it made of the passage"),
    ],
};
