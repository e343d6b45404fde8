//! Lists that name somebody by address name them otherwise once they are erased; the rows stay, for who was denied stays
//! denied.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_select::concat::concat_batches;
use iceberg::spec::{DataFile, Operation};
use serde_json::Value;

use crate::commit::Change;
use crate::error::LakeError;
use crate::lake::{Changing, Lake};
use crate::live::Live;
use crate::scan::rows;
use crate::tables::Table;
use crate::write::{arrow_schema, of_columns, write_file};

/// The column of [`Table::DocumentLists`] that names people.
const LIST: &str = "list";

impl Lake {
    /// Puts other names into all lists of documents: each pair is one that goes, and the one in its place, as they stand
    /// in JSON. When it returns, no file of that table holds a name that went. Can be repeated after a failure.
    ///
    /// # Errors
    /// A damaged table, or a disk that fails: then the table is as it was.
    pub async fn rename_in_lists(&self, names: Vec<(Value, Value)>) -> Result<(), LakeError> {
        if names.is_empty() {
            return Ok(());
        }
        self.changing(move |lake| async move {
            rename(&lake, &names).await?;
            lake.forget_older(Table::DocumentLists, i64::MAX).await?;
            lake.sweep_table(Table::DocumentLists).await
        })
        .await
    }
}

async fn rename(lake: &Changing, names: &[(Value, Value)]) -> Result<(), LakeError> {
    let live = lake.live(Table::DocumentLists);
    let mut change = Change::of(Operation::Overwrite);
    change.forget = true;
    for (partition, file) in live.partitioned()? {
        if !is_named(&live, file, names).await? {
            continue;
        }
        let batches = rows(&live, file, None, None).await?;
        let whole = concat_batches(&arrow_schema(&live)?, &batches).map_err(of_columns(live.definition))?;
        change.added.push(write_file(&live, &partition, &renamed(&live, &whole, names)?).await?);
        change.removed.insert(file.file_path().to_owned());
    }
    if change.removed.is_empty() { Ok(()) } else { lake.commit(Table::DocumentLists, &live, change).await }
}

/// Whether a list in the file has one of the names that go.
async fn is_named(live: &Live, file: &DataFile, names: &[(Value, Value)]) -> Result<bool, LakeError> {
    for batch in rows(live, file, None, Some(&[LIST])).await? {
        if lists(&batch).any(|list| list.is_some_and(|list| other_names(list, names).is_some())) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn renamed(live: &Live, rows: &RecordBatch, names: &[(Value, Value)]) -> Result<RecordBatch, LakeError> {
    let failed = of_columns(live.definition);
    let renamed = lists(rows).map(|list| list.map(|list| other_names(list, names).unwrap_or_else(|| list.to_owned())));
    let renamed: ArrayRef = Arc::new(renamed.collect::<StringArray>());
    let place = rows.schema().index_of(LIST).map_err(&failed)?;
    let mut columns = rows.columns().to_vec();
    if let Some(column) = columns.get_mut(place) {
        *column = renamed;
    }
    RecordBatch::try_new(rows.schema(), columns).map_err(failed)
}

fn lists(rows: &RecordBatch) -> impl Iterator<Item = Option<&str>> {
    let column = rows.column_by_name(LIST).and_then(|array| array.as_string_opt::<i32>());
    column.into_iter().flat_map(|array| (0..array.len()).map(move |row| array.is_valid(row).then(|| array.value(row))))
}

/// The list with the other names; none where it has none of those that go.
fn other_names(list: &str, names: &[(Value, Value)]) -> Option<String> {
    let mut value: Value = serde_json::from_str(list).ok()?;
    replace(&mut value, names).then(|| value.to_string())
}

/// Whether there was something to replace.
fn replace(value: &mut Value, names: &[(Value, Value)]) -> bool {
    if let Some((_, other)) = names.iter().find(|(name, _)| name == value) {
        value.clone_from(other);
        return true;
    }
    // Each part: `any` would stop at the first.
    match value {
        Value::Array(parts) => parts.iter_mut().filter_map(|part| replace(part, names).then_some(())).count() > 0,
        Value::Object(fields) => fields.values_mut().filter_map(|part| replace(part, names).then_some(())).count() > 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_place_of_a_name_gets_the_other() {
        let called = |name: &str| json!({"source": "local", "external_id": name});
        let names = [(called("ada"), json!("per_1")), (called("bob"), json!("per_2"))];
        let list = json!({"given": {"allow": [called("ada"), "everyone", called("eve")], "deny": [called("bob")]}});
        let other: Value = serde_json::from_str(&other_names(&list.to_string(), &names).unwrap()).unwrap();
        assert_eq!(other, json!({"given": {"allow": ["per_1", "everyone", called("eve")], "deny": ["per_2"]}}));
        // The same words in another place are not a name.
        assert_eq!(other_names(&json!({"given": {"allow": ["ada"]}}).to_string(), &names), None);
        assert_eq!(other_names("\"source_default\"", &names), None);
    }
}
