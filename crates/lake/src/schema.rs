//! Iceberg's schema, partitions and sort order of a table.

use std::collections::HashMap;
use std::sync::Arc;

use iceberg::Result;
use iceberg::spec::{
    FormatVersion, ListType, NestedField, NullOrder, PrimitiveType, Schema, SortDirection, SortField, SortOrder,
    TableMetadata, TableMetadataBuilder, Transform, Type, UnboundPartitionSpec,
};

use crate::tables::{Column, Definition, Kind};

/// The metadata of a new and empty table.
pub(crate) fn new_table(definition: &Definition, location: String) -> Result<TableMetadata> {
    let schema = schema(definition.columns)?;
    let field = |name: &str| definition.column(name).map_or(0, |(_, column)| column.id);
    let partitions = UnboundPartitionSpec::builder()
        .add_partition_field(field(definition.time), "day", Transform::Day)?
        .add_partition_field(field("task"), "task_partition", Transform::Identity)?
        .build();
    let sorted_by = |source_id| {
        let sorted = SortField::builder().source_id(source_id).transform(Transform::Identity);
        sorted.direction(SortDirection::Ascending).null_order(NullOrder::First).build()
    };
    let fields = vec![sorted_by(field("owner")), sorted_by(field("id"))];
    let order = SortOrder::builder().with_order_id(1).with_fields(fields).build(&schema)?;
    let properties = HashMap::from([
        ("comment".to_owned(), definition.about.to_owned()),
        // Old metadata files beyond these are no longer listed, and removed.
        ("write.metadata.previous-versions-max".to_owned(), "5".to_owned()),
        ("write.parquet.compression-codec".to_owned(), "zstd".to_owned()),
    ]);
    let builder = TableMetadataBuilder::new(schema, partitions, order, location, FormatVersion::V2, properties)?;
    Ok(builder.build()?.metadata)
}

pub(crate) fn schema(columns: impl IntoIterator<Item = &'static Column>) -> Result<Schema> {
    Schema::builder().with_fields(columns.into_iter().map(field)).build()
}

fn field(column: &Column) -> Arc<NestedField> {
    let kind = match column.kind {
        Kind::Text | Kind::Json => Type::Primitive(PrimitiveType::String),
        Kind::Long => Type::Primitive(PrimitiveType::Long),
        Kind::Double => Type::Primitive(PrimitiveType::Double),
        Kind::Truth => Type::Primitive(PrimitiveType::Boolean),
        Kind::Time => Type::Primitive(PrimitiveType::Timestamptz),
        Kind::Floats(element) => {
            let element = NestedField::list_element(element, Type::Primitive(PrimitiveType::Float), true);
            Type::List(ListType::new(Arc::new(element)))
        }
    };
    let field = NestedField::new(column.id, column.name, kind, column.required);
    Arc::new(field.with_doc(column.about))
}
