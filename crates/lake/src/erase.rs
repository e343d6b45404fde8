//! Erasure: rows go out of the tables, and every file that ever held them goes from the disk.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use domain::{DocumentId, Principal};
use iceberg::spec::{DataFile, Operation};

use crate::commit::Change;
use crate::error::LakeError;
use crate::lake::{Changing, Lake};
use crate::live::Live;
use crate::scan::{may_hold, rows};
use crate::tables::{Definition, Table};
use crate::write::{arrow_schema, of_columns, write_file};

/// Whose rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasee {
    /// A person or service: rows that are theirs, that they said, or that were made from their words.
    Principal(Principal),
    /// An outside customer of a service: rows of exchanges that name them.
    Subject(String),
    /// A document: the rows of all its versions. What was made from it stays, and is closed to everybody.
    Document(DocumentId),
}

impl Erasee {
    /// The columns that can name it.
    fn columns(&self, definition: &Definition) -> Vec<&'static str> {
        let of_subjects = matches!(self, Self::Subject(_));
        match self {
            Self::Document(_) => definition.document.into_iter().collect(),
            _ => definition.people.iter().copied().filter(|name| (*name == "subject") == of_subjects).collect(),
        }
    }

    /// The column of JSON that can name it.
    fn mentions(&self, definition: &Definition) -> Option<&'static str> {
        definition.mentions.filter(|_| matches!(self, Self::Principal(_)))
    }

    fn text(&self) -> String {
        match self {
            Self::Principal(principal) => principal.to_string(),
            Self::Subject(subject) => subject.clone(),
            Self::Document(document) => document.to_string(),
        }
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

impl Lake {
    /// The exchanges that were made from a document, by their ids.
    ///
    /// # Errors
    /// A damaged table, or a disk that cannot be read.
    pub async fn made_from(&self, document: DocumentId) -> Result<BTreeSet<String>, LakeError> {
        let named = format!("\"{document}\"");
        self.reading(move |lake| async move {
            let (live, mut found) = (lake.live(Table::Traces), BTreeSet::new());
            for file in live.files() {
                for batch in rows(&live, file, None, Some(&["id", "provenance"])).await? {
                    let text = |name: &str| batch.column_by_name(name).and_then(|array| array.as_string_opt::<i32>());
                    let Some((ids, made_from)) = text("id").zip(text("provenance")) else { continue };
                    let made =
                        ids.iter().zip(made_from).filter(|(_, from)| from.is_some_and(|from| from.contains(&named)));
                    found.extend(made.filter_map(|(id, _)| id).map(str::to_owned));
                }
            }
            Ok(found)
        })
        .await
    }
}

/// Looks only at the columns that can name it: most files name others.
async fn is_named(live: &Live, file: &DataFile, erasee: &Erasee) -> Result<bool, LakeError> {
    let mut columns = erasee.columns(live.definition);
    columns.extend(erasee.mentions(live.definition));
    let in_column = |column: &str| column != "document" || may_hold(live, file, column, &erasee.text());
    if !columns.iter().any(|column| in_column(column)) {
        return Ok(false);
    }
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
    let mentions = erasee.mentions(definition).and_then(text).zip(Some(format!("\"{whom}\"")));
    let is_named = |row: usize| {
        let by_column = names.iter().any(|array| array.is_valid(row) && array.value(row) == whom);
        by_column || mentions.as_ref().is_some_and(|(array, whom)| array.value(row).contains(whom.as_str()))
    };
    Ok((0..rows.num_rows()).map(|row| Some(is_named(row))).collect())
}
