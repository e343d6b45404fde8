//! Exchanges as one Parquet file, for whoever may see them: counts, content and feedback together.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::SchemaRef;
use iceberg::arrow::schema_to_arrow_schema;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use crate::batch::columns_of;
use crate::error::{LakeError, of_table};
use crate::schema::schema;
use crate::tables::{Column, SAID, Table};
use crate::write::zstd;

/// What errors call it.
const NAME: &str = "export";

fn columns() -> impl Iterator<Item = &'static Column> {
    Table::Traces.definition().columns.iter().chain(&SAID)
}

/// A Parquet file of exchanges in the making.
pub struct TraceExport {
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
}

impl TraceExport {
    /// Makes the file, readable by its owner only.
    ///
    /// # Errors
    /// There is a file of this name, or the folder cannot be written.
    pub fn create(path: &Path) -> Result<Self, LakeError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| LakeError::of_file(path, error))?;
        let schema = schema(columns()).and_then(|schema| schema_to_arrow_schema(&schema));
        let schema: SchemaRef = Arc::new(schema.map_err(of_table(NAME))?);
        let properties = WriterProperties::builder().set_compression(zstd()).build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties));
        Ok(Self { path: path.to_owned(), schema, writer: writer.map_err(failed(path))? })
    }

    /// Adds exchanges in the form of the API (`GET traces/{id}`).
    ///
    /// # Errors
    /// A record of another form, or a disk that fails.
    pub fn add(&mut self, traces: &[Value]) -> Result<(), LakeError> {
        let rows = columns_of(NAME, columns(), self.schema.clone(), &traces.iter().collect::<Vec<_>>())?;
        self.writer.write(&rows).map_err(failed(&self.path))
    }

    /// Ends the file; it is whole and on the disk then.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn finish(self) -> Result<(), LakeError> {
        let file = self.writer.into_inner().map_err(failed(&self.path))?;
        file.sync_all().map_err(|error| LakeError::of_file(&self.path, error))
    }
}

fn failed(path: &Path) -> impl Fn(ParquetError) -> LakeError {
    move |error| match error {
        ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
            Ok(cause) => LakeError::of_file(path, *cause),
            Err(cause) => LakeError::of_file(path, std::io::Error::other(cause.to_string())),
        },
        error => LakeError::of_file(path, std::io::Error::other(error.to_string())),
    }
}
