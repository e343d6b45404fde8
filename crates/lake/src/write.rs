//! Columns to Parquet files: sorted by owner, so that one person's rows lie together, one file for each partition.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ord::sort::{SortColumn, lexsort_to_indices};
use arrow_schema::{ArrowError, SchemaRef as ArrowSchemaRef};
use arrow_select::take::take_record_batch;
use iceberg::arrow::schema_to_arrow_schema;
use iceberg::spec::{DataFile, Literal, Struct};
use iceberg::writer::file_writer::{FileWriter, FileWriterBuilder, ParquetWriterBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::error::{LakeError, of_table};
use crate::files::{Scratch, name_of};
use crate::live::Live;
use crate::tables::Definition;

/// Rows of one group: what a reader of one person's rows must read at least.
const ROWS_IN_A_GROUP: usize = 16_384;
/// Rows of one page: what it must decode at least.
const ROWS_IN_A_PAGE: usize = 2_048;

/// A day (since 1970, UTC) and a task: rows of one partition are in files of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Partition {
    pub(crate) day: i32,
    pub(crate) task: String,
}

impl Partition {
    pub(crate) fn of(file: &DataFile) -> Option<Self> {
        match file.partition().fields() {
            [Some(day), Some(task)] => {
                let day = day.as_primitive_literal().and_then(|day| match day {
                    iceberg::spec::PrimitiveLiteral::Int(day) => Some(day),
                    _ => None,
                })?;
                let task = task.as_primitive_literal().and_then(|task| match task {
                    iceberg::spec::PrimitiveLiteral::String(task) => Some(task),
                    _ => None,
                })?;
                Some(Self { day, task })
            }
            _ => None,
        }
    }

    fn to_struct(&self) -> Struct {
        Struct::from_iter([Some(Literal::date(self.day)), Some(Literal::string(&self.task))])
    }
}

/// The columns as the table's files have them.
pub(crate) fn arrow_schema(live: &Live) -> Result<ArrowSchemaRef, LakeError> {
    let schema = schema_to_arrow_schema(live.table.metadata().current_schema());
    schema.map(Arc::new).map_err(of_table(live.definition.name))
}

/// Rows by owner, then by id.
pub(crate) fn sorted(definition: &'static Definition, batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
    let keys = ["owner", "id"].into_iter().filter_map(|name| batch.column_by_name(name));
    let keys: Vec<SortColumn> = keys.map(|values| SortColumn { values: values.clone(), options: None }).collect();
    let sorted = lexsort_to_indices(&keys, None).and_then(|order| take_record_batch(batch, &order));
    sorted.map_err(of_columns(definition))
}

pub(crate) fn of_columns(definition: &'static Definition) -> impl Fn(ArrowError) -> LakeError {
    move |error| LakeError::Damaged { table: definition.name, detail: error.to_string() }
}

/// Writes sorted rows of one partition as one file, durably. It belongs to the table once it is committed.
pub(crate) async fn write_file(live: &Live, partition: &Partition, rows: &RecordBatch) -> Result<DataFile, LakeError> {
    let failed = of_table(live.definition.name);
    let metadata = live.table.metadata();
    let scratch = Scratch::new();
    let builder = ParquetWriterBuilder::new(properties(live.definition), metadata.current_schema().clone());
    let mut writer = builder.build(scratch.output().map_err(&failed)?).await.map_err(&failed)?;
    writer.write(rows).await.map_err(&failed)?;
    let written = writer.close().await.map_err(&failed)?;
    let nothing = || LakeError::Record { table: live.definition.name, detail: "a file without rows".to_owned() };
    let mut file = written.into_iter().next().ok_or_else(nothing)?;
    let bytes = scratch.bytes().await.map_err(&failed)?;
    let address = format!("{}/data/{}-{}.parquet", metadata.location(), partition.day, name_of(&bytes));
    let output = live.table.file_io().new_output(&address).map_err(&failed)?;
    output.write(bytes).await.map_err(&failed)?;
    file.file_path(address)
        .partition(partition.to_struct())
        .partition_spec_id(metadata.default_partition_spec_id())
        .sort_order_id(i32::try_from(metadata.default_sort_order_id()).unwrap_or_default());
    file.build().map_err(|error| LakeError::Record { table: live.definition.name, detail: error.to_string() })
}

/// Statistics only of columns that readers skip by: those of content would carry it into metadata.
fn properties(definition: &'static Definition) -> WriterProperties {
    let properties = WriterProperties::builder()
        .set_compression(zstd())
        .set_max_row_group_row_count(Some(ROWS_IN_A_GROUP))
        .set_data_page_row_count_limit(ROWS_IN_A_PAGE)
        .set_write_batch_size(ROWS_IN_A_PAGE)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by("freehold".to_owned());
    let bounded = definition.columns.iter().filter(|column| column.is_bounded());
    let page = |column: &str| ColumnPath::from(column);
    bounded
        .fold(properties, |properties, column| {
            properties.set_column_statistics_enabled(page(column.name), EnabledStatistics::Page)
        })
        .build()
}

/// A third of the size of what is said, at hundreds of megabytes a second.
pub(crate) fn zstd() -> Compression {
    ZstdLevel::try_new(3).map_or(Compression::SNAPPY, Compression::ZSTD)
}
