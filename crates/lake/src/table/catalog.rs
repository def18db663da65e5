//! The names and columns of all tables in one small file, so that a start need not read every Delta log. A cache:
//! without it, or where it lacks a table, the logs are read.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use kernel::{ScalarType, TableSchema};

use crate::disk::{Disk, replace_file};

type Columns = serde_json::Map<String, serde_json::Value>;

/// The tables that the file knows.
pub fn read(disk: &dyn Disk, path: &Path) -> Vec<TableSchema> {
    let bytes = match disk.read(path, 0..u64::MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the catalog cannot be read; reading every Delta log");
            return Vec::new();
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    kernel::schema::parse_tables(&text).unwrap_or_else(|error| {
        tracing::warn!(path = %path.display(), %error, "the catalog is damaged; reading every Delta log");
        Vec::new()
    })
}

/// Replaces the file.
pub fn write(disk: &dyn Disk, path: &Path, tables: &[TableSchema]) -> io::Result<()> {
    let document: BTreeMap<&str, Columns> = tables.iter().map(|table| (table.name.as_str(), columns(table))).collect();
    replace_file(disk, path, &serde_json::to_vec(&document)?)
}

fn columns(table: &TableSchema) -> Columns {
    let name_of = |scalar: ScalarType| serde_json::Value::from(scalar.as_str());
    table.columns.iter().map(|column| (column.name.clone(), name_of(column.scalar))).collect()
}
