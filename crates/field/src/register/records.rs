//! Records of the register as rows.

use std::collections::BTreeMap;

use kernel::Timestamp;
use kernel::id::RecordId;
use store::{Read, Row, Store, Tx, params};

use super::noun::Noun;
use super::value::Value;
use crate::error::Error;

/// Most records of one noun.
pub(crate) const MOST_RECORDS: u32 = 50_000;

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub id: RecordId,
    /// Unique in its noun, in capitals; it never changes.
    pub key: String,
    pub version: i64,
    /// It is no longer used from then on; what names it stays readable.
    pub retired: Option<Timestamp>,
    pub updated: Timestamp,
    /// Filled columns by name.
    pub values: BTreeMap<&'static str, Value>,
}

impl Record {
    /// The text of a column; empty when it is not filled.
    pub fn text(&self, column: &str) -> &str {
        match self.values.get(column) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// The text of a column that is filled.
    pub fn text_opt(&self, column: &str) -> Option<String> {
        Some(self.text(column)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// The whole number of a column.
    pub fn whole(&self, column: &str) -> Option<i64> {
        match self.values.get(column) {
            Some(Value::Whole(value)) => Some(*value),
            _ => None,
        }
    }

    /// The number of a column.
    pub fn real(&self, column: &str) -> Option<f64> {
        match self.values.get(column) {
            Some(Value::Real(value)) => Some(*value),
            _ => None,
        }
    }

    /// Every column as people write it; empty where it is not filled.
    pub fn shown(&self, noun: &Noun) -> Vec<(&'static str, String)> {
        let shown = |column: &super::noun::Column| {
            let value = self.values.get(column.name).map(|value| column.form.show(value));
            (column.name, value.unwrap_or_default())
        };
        noun.columns.iter().map(shown).collect()
    }
}

fn record(noun: &Noun, row: &Row) -> Result<Record, Error> {
    let mut values = BTreeMap::new();
    for column in noun.columns {
        if let Some(value) = column.form.read(row, column.name)? {
            values.insert(column.name, value);
        }
    }
    Ok(Record {
        id: row.id("id")?,
        key: row.text("record_key")?.to_owned(),
        version: row.int("version")?,
        retired: row.time_opt("retired_us")?,
        updated: row.time("updated_us")?,
        values,
    })
}

pub(crate) async fn find(tx: &mut Tx, noun: &Noun, key: &str) -> Result<Option<Record>, Error> {
    let row = tx.fetch_optional(&noun.one, params![key]).await?;
    row.map(|row| record(noun, &row)).transpose()
}

/// All records of a noun, by key, retired ones included.
pub(crate) async fn all(store: &Store, noun: &Noun) -> Result<Vec<Record>, Error> {
    store.fetch_all(&noun.all, params![MOST_RECORDS]).await?.iter().map(|row| record(noun, row)).collect()
}

/// The same, from wherever they are read.
pub(crate) async fn all_in(read: &mut impl Read, noun: &Noun) -> Result<Vec<Record>, Error> {
    read.rows(&noun.all, params![MOST_RECORDS]).await?.iter().map(|row| record(noun, row)).collect()
}

/// Writes a record at its version, if the one before is stored.
pub(crate) async fn save(tx: &mut Tx, noun: &Noun, record: &Record) -> Result<(), store::Error> {
    let mut row = params![record.id, &record.key, record.version, record.retired, record.updated];
    row.extend(noun.columns.iter().map(|column| column.form.bind(record.values.get(column.name))));
    tx.execute_one(&noun.save, row).await
}

/// Marks the register as changed, so that every process reads it anew.
pub(crate) async fn touch(tx: &mut Tx) -> Result<(), store::Error> {
    tx.execute_one(&crate::sql::TOUCH_REGISTER, params![]).await
}
