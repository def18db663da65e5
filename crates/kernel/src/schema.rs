//! Tables and columns as KQL sees them, and how a column lies in Arrow and Delta.

mod declared;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::value::ScalarType;

pub use declared::{Declared, declared, declared_tables};

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSchema {
    pub name: String,
    #[serde(rename = "type")]
    pub scalar: ScalarType,
}

/// One table, columns in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    pub name: String,
    pub columns: Vec<ColumnSchema>,
}

/// Columns that every lake table has, whatever its source; they come after the table's own.
///
/// `TimeGenerated` is the event's time. `_TimeReceived` is when Vigie accepted it. `_ItemId` names the row for
/// ever: the delivery's id and the record's number in it. `_SourceName` is the connected source. `_RawData` is the
/// record as it arrived, where it was text.
pub const STANDARD_COLUMNS: [(&str, ScalarType); 5] = [
    ("TimeGenerated", ScalarType::DateTime),
    ("_TimeReceived", ScalarType::DateTime),
    ("_ItemId", ScalarType::String),
    ("_SourceName", ScalarType::String),
    ("_RawData", ScalarType::String),
];

/// Columns that every watchlist has before its own, as `_GetWatchlist` gives them: the item's id, when it was last
/// changed, its value in the column by which the list is searched.
pub const WATCHLIST_COLUMNS: [(&str, ScalarType); 3] = [
    ("_DTItemId", ScalarType::String),
    ("LastUpdatedTimeUTC", ScalarType::DateTime),
    ("SearchKey", ScalarType::String),
];

/// Arrow field metadata that carries the KQL type, so that a reader need not guess.
pub const KQL_TYPE_METADATA: &str = "vigie.kql_type";

impl TableSchema {
    /// The column called `name` (KQL is case-sensitive).
    pub fn column(&self, name: &str) -> Option<&ColumnSchema> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Adds the [`STANDARD_COLUMNS`] that are missing.
    #[must_use]
    pub fn with_standard_columns(mut self) -> TableSchema {
        for (name, scalar) in STANDARD_COLUMNS {
            if self.column(name).is_none() {
                self.columns.push(ColumnSchema { name: name.to_owned(), scalar });
            }
        }
        self
    }

    /// How the table lies in Arrow, in memory and in Parquet.
    pub fn arrow(&self) -> Arc<Schema> {
        let fields: Vec<Field> = self.columns.iter().map(ColumnSchema::arrow).collect();
        Arc::new(Schema::new(fields))
    }
}

impl ColumnSchema {
    /// How the column lies in Arrow. Every column is nullable: an absent value is null at rest, and becomes the
    /// empty string in KQL where the type is string.
    pub fn arrow(&self) -> Field {
        let metadata = [(KQL_TYPE_METADATA.to_owned(), self.scalar.as_str().to_owned())];
        Field::new(&self.name, stored_type(self.scalar), true).with_metadata(metadata.into())
    }
}

/// The Arrow type at rest. `dynamic` is JSON text, `guid` lower-case text, `timespan` 100 ns ticks; instants are
/// UTC microseconds, the finest that Delta Lake knows.
pub fn stored_type(scalar: ScalarType) -> DataType {
    match scalar {
        ScalarType::Bool => DataType::Boolean,
        ScalarType::Int => DataType::Int32,
        ScalarType::Long | ScalarType::TimeSpan => DataType::Int64,
        ScalarType::Real => DataType::Float64,
        ScalarType::Decimal => DataType::Decimal128(38, 18),
        ScalarType::DateTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => DataType::Utf8,
    }
}

/// A file of schemas is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("table schemas: {0}; expected {{\"Table\": {{\"Column\": \"type\"}}}} with KQL type names")]
pub struct BadSchemas(#[from] serde_json::Error);

/// Reads `{"Table": {"Column": "type", …}, …}`, the form of `content/tables.json`.
pub fn parse_tables(json: &str) -> Result<Vec<TableSchema>, BadSchemas> {
    let tables: BTreeMap<String, serde_json::Map<String, serde_json::Value>> = serde_json::from_str(json)?;
    tables
        .into_iter()
        .map(|(name, columns)| {
            let columns = columns
                .into_iter()
                .map(|(name, scalar)| Ok(ColumnSchema { name, scalar: serde_json::from_value(scalar)? }))
                .collect::<Result<_, serde_json::Error>>()?;
            Ok(TableSchema { name, columns })
        })
        .collect()
}

/// The tables that Vigie ships, standard columns included.
pub fn shipped_tables() -> Vec<TableSchema> {
    parse_tables(include_str!("../../../content/tables.json"))
        .expect("content/tables.json is checked by a test")
        .into_iter()
        .map(TableSchema::with_standard_columns)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_tables_have_the_standard_columns() {
        for table in shipped_tables() {
            for (name, scalar) in STANDARD_COLUMNS {
                assert_eq!(table.column(name).map(|column| column.scalar), Some(scalar), "{}.{name}", table.name);
            }
        }
    }
}
