//! Records to columns and back: a record is JSON, a column is found in it by its JSON pointer.

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, SchemaRef};
use domain::Timestamp;
use serde_json::{Map, Value};

use crate::error::LakeError;
use crate::tables::{Column, Definition, Kind};

/// Columns of some records of a table.
pub(crate) fn columns_of(
    table: &'static str,
    columns: impl IntoIterator<Item = &'static Column>,
    schema: SchemaRef,
    records: &[&Value],
) -> Result<RecordBatch, LakeError> {
    let arrays = columns.into_iter().map(|column| {
        array(column, &schema, records)
            .map_err(|detail| LakeError::Record { table, detail: format!("{}: {detail}", column.name) })
    });
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema, arrays).map_err(|error| LakeError::Record { table, detail: error.to_string() })
}

fn array(column: &Column, schema: &SchemaRef, records: &[&Value]) -> Result<ArrayRef, String> {
    let values = records.iter().map(|record| record.pointer(column.at).filter(|value| !value.is_null()));
    Ok(match column.kind {
        Kind::Text => {
            let texts = values.map(|value| value.map(|value| value.as_str().ok_or("no text")).transpose());
            Arc::new(texts.collect::<Result<StringArray, _>>()?)
        }
        Kind::Json => Arc::new(values.map(|value| json_text(column, value)).collect::<StringArray>()),
        Kind::Long => {
            let numbers = values.map(|value| value.map(whole_number).transpose());
            Arc::new(numbers.collect::<Result<Int64Array, _>>()?)
        }
        Kind::Double => {
            let numbers = values.map(|value| value.map(|value| value.as_f64().ok_or("no number")).transpose());
            Arc::new(numbers.collect::<Result<Float64Array, _>>()?)
        }
        Kind::Truth => {
            let truths =
                values.map(|value| value.map(|value| value.as_bool().ok_or("neither true nor false")).transpose());
            Arc::new(truths.collect::<Result<BooleanArray, _>>()?)
        }
        Kind::Time => {
            let times = values.map(|value| value.map(micros).transpose());
            Arc::new(times.collect::<Result<TimestampMicrosecondArray, _>>()?.with_timezone("+00:00"))
        }
        Kind::Floats(_) => {
            let field = schema.field_with_name(column.name).map_err(|error| error.to_string())?;
            Arc::new(lists(values, field.data_type())?)
        }
    })
}

/// Lists of numbers, in the type that the table's files have: its elements carry their field id.
fn lists<'v>(values: impl Iterator<Item = Option<&'v Value>>, kind: &DataType) -> Result<ListArray, String> {
    let DataType::List(element) = kind else { return Err("a column of another type".to_owned()) };
    let mut lists = ListBuilder::new(Float32Builder::new()).with_field(element.clone());
    for value in values {
        let list = value.map(|value| value.as_array().ok_or("no list")).transpose()?;
        for number in list.into_iter().flatten() {
            // The nearest number of 32 bits: what was one is the same again.
            let number = if number.is_null() { f64::NAN } else { number.as_f64().ok_or("no number")? };
            lists.values().append_value(number as f32);
        }
        lists.append(list.is_some());
    }
    Ok(lists.finish())
}

/// JSON's null is a value of a required column.
fn json_text(column: &Column, value: Option<&Value>) -> Option<String> {
    value.map(Value::to_string).or_else(|| column.required.then(|| "null".to_owned()))
}

/// What is beyond 2^63 - 1 stays at that, as in the state.
fn whole_number(value: &Value) -> Result<i64, &'static str> {
    let clamped = || value.as_u64().map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    value.as_i64().or_else(clamped).ok_or("no whole number")
}

fn micros(value: &Value) -> Result<i64, &'static str> {
    let time: Option<Timestamp> = value.as_str().and_then(|text| text.parse().ok());
    time.map(Timestamp::micros).ok_or("no time")
}

/// The records in these columns. Columns that were not read are absent from the records.
pub(crate) fn records_of(definition: &'static Definition, batch: &RecordBatch) -> Result<Vec<Value>, LakeError> {
    let mut records = vec![Value::Object(Map::new()); batch.num_rows()];
    for column in definition.columns {
        let Some(array) = batch.column_by_name(column.name) else { continue };
        for (row, record) in records.iter_mut().enumerate() {
            if array.is_null(row) {
                continue;
            }
            let damaged = |detail: &str| LakeError::Damaged {
                table: definition.name,
                detail: format!("{}: {detail}", column.name),
            };
            put(record, column.at, value(column, array, row).map_err(damaged)?);
        }
    }
    Ok(records)
}

fn value(column: &Column, array: &ArrayRef, row: usize) -> Result<Value, &'static str> {
    const OTHER: &str = "a column of another type";
    Ok(match column.kind {
        Kind::Text => array.as_string_opt::<i32>().ok_or(OTHER)?.value(row).into(),
        Kind::Json => {
            let text = array.as_string_opt::<i32>().ok_or(OTHER)?.value(row);
            serde_json::from_str(text).map_err(|_| "no JSON")?
        }
        Kind::Long => array.as_primitive_opt::<Int64Type>().ok_or(OTHER)?.value(row).into(),
        Kind::Double => array.as_primitive_opt::<Float64Type>().ok_or(OTHER)?.value(row).into(),
        Kind::Truth => array.as_boolean_opt().ok_or(OTHER)?.value(row).into(),
        Kind::Floats(_) => {
            let numbers = array.as_list_opt::<i32>().ok_or(OTHER)?.value(row);
            let numbers = numbers.as_primitive_opt::<Float32Type>().ok_or(OTHER)?;
            numbers.iter().map(|number| Value::from(number.unwrap_or(f32::NAN))).collect()
        }
        Kind::Time => {
            let micros = array.as_primitive_opt::<TimestampMicrosecondType>().ok_or(OTHER)?.value(row);
            Timestamp::from_micros(micros).to_string().into()
        }
    })
}

/// Puts a value where the pointer says, making the objects on the way.
fn put(record: &mut Value, pointer: &str, value: Value) {
    let mut place = record;
    for name in pointer.split('/').skip(1) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(fields) = place else { return };
        place = fields.entry(name).or_insert(Value::Null);
    }
    *place = value;
}
