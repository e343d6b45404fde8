//! Reading rows of one table: files are chosen by their bounds, row groups and pages by theirs.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::RecordBatch;
use futures::{TryStreamExt, stream};
use iceberg::expr::{Bind, Predicate, Reference};
use iceberg::scan::FileScanTask;
use iceberg::spec::{DataFile, Datum, PrimitiveLiteral};
use serde_json::Value;

use crate::batch::records_of;
use crate::error::{LakeError, of_table};
use crate::live::Live;

/// `column = text`.
pub(crate) fn equals(column: &str, text: &str) -> Predicate {
    Reference::new(column).equal_to(Datum::string(text))
}

/// `column in texts`.
pub(crate) fn is_in(column: &str, texts: &BTreeSet<String>) -> Predicate {
    Reference::new(column).is_in(texts.iter().map(Datum::string))
}

/// Whether a file may hold this text in a column, by its bounds.
pub(crate) fn may_hold(live: &Live, file: &DataFile, column: &str, text: &str) -> bool {
    let (lowest, highest) = bounds(live, file, column);
    lowest.is_none_or(|lowest| lowest <= text) && highest.is_none_or(|highest| text <= highest)
}

/// The largest text in a column of a file, where it is known.
pub(crate) fn highest<'a>(live: &Live, file: &'a DataFile, column: &str) -> Option<&'a str> {
    bounds(live, file, column).1
}

/// The smallest text in a column of a file, where it is known.
pub(crate) fn lowest<'a>(live: &Live, file: &'a DataFile, column: &str) -> Option<&'a str> {
    bounds(live, file, column).0
}

fn bounds<'a>(live: &Live, file: &'a DataFile, column: &str) -> (Option<&'a str>, Option<&'a str>) {
    let id = live.definition.column(column).map_or(0, |(_, column)| column.id);
    (file.lower_bounds().get(&id).and_then(text), file.upper_bounds().get(&id).and_then(text))
}

fn text(datum: &Datum) -> Option<&str> {
    match datum.literal() {
        PrimitiveLiteral::String(text) => Some(text),
        _ => None,
    }
}

/// Rows of a file, in their order: those that match, or all; all columns, or those that are named.
pub(crate) async fn rows(
    live: &Live,
    file: &DataFile,
    matching: Option<Predicate>,
    columns: Option<&[&str]>,
) -> Result<Vec<RecordBatch>, LakeError> {
    let failed = of_table(live.definition.name);
    let schema = live.table.metadata().current_schema().clone();
    let predicate = matching.map(|predicate| predicate.bind(schema.clone(), true)).transpose().map_err(&failed)?;
    let wanted =
        live.definition.columns.iter().filter(|column| columns.is_none_or(|names| names.contains(&column.name)));
    let task = FileScanTask::builder()
        .with_file_size_in_bytes(file.file_size_in_bytes())
        .with_start(0)
        .with_length(file.file_size_in_bytes())
        .with_data_file_path(file.file_path().to_owned())
        .with_data_file_format(file.file_format())
        .with_schema(schema)
        .with_project_field_ids(wanted.map(|column| column.id).collect())
        .with_predicate(predicate)
        .with_case_sensitive(true)
        .build();
    let reader = live.table.reader_builder().with_data_file_concurrency_limit(1);
    let reader = reader.with_row_group_filtering_enabled(true).with_row_selection_enabled(true).build();
    let read = reader.read(Box::pin(stream::iter([Ok(task)]))).map_err(&failed)?;
    read.stream().try_collect().await.map_err(&failed)
}

/// Matching rows of a file as records.
pub(crate) async fn records(live: &Live, file: &DataFile, matching: Predicate) -> Result<Vec<Value>, LakeError> {
    let mut records = Vec::new();
    for batch in rows(live, file, Some(matching), None).await? {
        records.extend(records_of(live.definition, &batch)?);
    }
    Ok(records)
}

/// The newest matching records by id, newest first. Files are read from the newest id down, until no other can hold a
/// newer one than those that were found.
pub(crate) async fn newest(
    live: &Live,
    mut files: Vec<&DataFile>,
    matching: &Predicate,
    limit: u32,
) -> Result<Vec<Value>, LakeError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    files.sort_by(|one, other| highest(live, other, "id").cmp(&highest(live, one, "id")));
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for file in files {
        let full = found.len() >= limit;
        let oldest = found.first_key_value().map(|(id, _)| id.as_str());
        if full && highest(live, file, "id").is_some_and(|highest| Some(highest) < oldest) {
            break;
        }
        for record in records(live, file, matching.clone()).await? {
            found.insert(text_at(&record, "/id").to_owned(), record);
            if found.len() > limit {
                found.pop_first();
            }
        }
    }
    Ok(found.into_values().rev().collect())
}

/// The largest id in a table, as text, where every file says its own.
pub(crate) fn newest_id(live: &Live) -> Option<String> {
    let ids: Option<Vec<&str>> = live.files().map(|file| highest(live, file, "id")).collect();
    ids?.into_iter().max().map(str::to_owned)
}

/// The text at a place of a record; empty where there is none.
pub(crate) fn text_at<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
