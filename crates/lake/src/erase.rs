//! Erasure: rows go out of the tables, and every file that ever held them goes from the disk.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use domain::Principal;
use iceberg::spec::{DataFile, Operation};

use crate::commit::Change;
use crate::error::LakeError;
use crate::lake::{Changing, Lake};
use crate::live::Live;
use crate::scan::rows;
use crate::tables::{Definition, Table};
use crate::write::{arrow_schema, of_columns, write_file};

/// Whose rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasee {
    /// A person or service: rows that are theirs, that they said, or that were made from their words.
    Principal(Principal),
    /// An outside customer of a service: rows of exchanges that name them.
    Subject(String),
}

impl Erasee {
    /// The columns of people that can name it.
    fn columns(&self, definition: &Definition) -> Vec<&'static str> {
        let of_subjects = matches!(self, Self::Subject(_));
        definition.people.iter().copied().filter(|name| (*name == "subject") == of_subjects).collect()
    }

    fn text(&self) -> String {
        match self {
            Self::Principal(principal) => principal.to_string(),
            Self::Subject(subject) => subject.clone(),
        }
    }

    /// How it stands in JSON, where that can name it.
    fn in_json(&self) -> Option<String> {
        matches!(self, Self::Principal(_)).then(|| format!("\"{}\"", self.text()))
    }
}

/// What an erasure removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erased {
    /// Rows, by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Files that were written again without them.
    pub files_rewritten: u64,
    /// The size of those, bytes.
    pub bytes_rewritten: u64,
}

impl Lake {
    /// Removes every row of the erasee from every table, with all older snapshots, and every file that nothing names
    /// any more. When it returns, no file of the lake holds a byte of those rows. Can be repeated after a failure.
    ///
    /// # Errors
    /// A damaged table, or a disk that fails: what was removed so far stays removed.
    pub async fn erase(&self, erasee: Erasee) -> Result<Erased, LakeError> {
        self.changing(move |lake| async move {
            let mut erased = Erased::default();
            for table in Table::ALL {
                erase_from(&lake, table, &erasee, &mut erased).await?;
                lake.forget_older(table, i64::MAX).await?;
                lake.sweep_table(table).await?;
            }
            Ok(erased)
        })
        .await
    }
}

async fn erase_from(lake: &Changing, table: Table, erasee: &Erasee, erased: &mut Erased) -> Result<(), LakeError> {
    let live = lake.live(table);
    let mut change = Change::of(Operation::Overwrite);
    change.forget = true;
    for (partition, file) in live.partitioned()? {
        if !is_named(&live, file, erasee).await? {
            continue;
        }
        let batches = rows(&live, file, None, None).await?;
        let whole = concat_batches(&arrow_schema(&live)?, &batches).map_err(of_columns(live.definition))?;
        let (kept, gone) = without(live.definition, &whole, erasee)?;
        if kept.num_rows() > 0 {
            let written = write_file(&live, &partition, &kept).await?;
            erased.files_rewritten += 1;
            erased.bytes_rewritten += written.file_size_in_bytes();
            change.added.push(written);
        }
        *erased.rows.entry(live.definition.name).or_default() += gone;
        change.removed.insert(file.file_path().to_owned());
    }
    if change.removed.is_empty() { Ok(()) } else { lake.commit(table, &live, change).await }
}

impl Lake {
    /// All outside customers that exchanges name.
    ///
    /// # Errors
    /// A damaged table, or a disk that cannot be read.
    pub async fn subjects(&self) -> Result<BTreeSet<String>, LakeError> {
        self.reading(|lake| async move {
            let (live, mut found) = (lake.live(Table::Traces), BTreeSet::new());
            for file in live.files() {
                for batch in rows(&live, file, None, Some(&["subject"])).await? {
                    let column = batch.column_by_name("subject").and_then(|array| array.as_string_opt::<i32>());
                    found.extend(column.into_iter().flatten().flatten().map(str::to_owned));
                }
            }
            Ok(found)
        })
        .await
    }
}

/// Looks at the columns of people only: most files name others.
async fn is_named(live: &Live, file: &DataFile, erasee: &Erasee) -> Result<bool, LakeError> {
    let mut columns = erasee.columns(live.definition);
    columns.extend(live.definition.mentions);
    for batch in rows(live, file, None, Some(&columns)).await? {
        if mask(live.definition, &batch, erasee)?.iter().any(|named| named == Some(true)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The rows that stay, and how many go.
fn without(
    definition: &'static Definition,
    rows: &RecordBatch,
    erasee: &Erasee,
) -> Result<(RecordBatch, u64), LakeError> {
    let named = mask(definition, rows, erasee)?;
    let stay: BooleanArray = named.iter().map(|named| Some(named != Some(true))).collect();
    let kept = filter_record_batch(rows, &stay).map_err(of_columns(definition))?;
    let gone = rows.num_rows() - kept.num_rows();
    Ok((kept, u64::try_from(gone).unwrap_or(u64::MAX)))
}

/// Which rows name the erasee.
fn mask(definition: &'static Definition, rows: &RecordBatch, erasee: &Erasee) -> Result<BooleanArray, LakeError> {
    let damaged = || LakeError::Damaged { table: definition.name, detail: "a column is missing".to_owned() };
    let text = |name: &str| rows.column_by_name(name).and_then(|array| array.as_string_opt::<i32>());
    let names = erasee.columns(definition).into_iter().map(|name| text(name).ok_or_else(damaged));
    let (names, whom) = (names.collect::<Result<Vec<_>, _>>()?, erasee.text());
    let mentions = definition.mentions.and_then(text).zip(erasee.in_json());
    let is_named = |row: usize| {
        let by_column = names.iter().any(|array| array.is_valid(row) && array.value(row) == whom);
        by_column || mentions.as_ref().is_some_and(|(array, whom)| array.value(row).contains(whom.as_str()))
    };
    Ok((0..rows.num_rows()).map(|row| Some(is_named(row))).collect())
}
