//! How the columns of a table grow, and what they refuse. Pure.

use arrow_schema::{DataType, Field, Schema};
use kernel::schema::{KQL_TYPE_METADATA, stored_type};
use kernel::{ColumnSchema, ScalarType, TableSchema};

use crate::delta::DAY_COLUMN;
use crate::error::LakeError;

const ALL_TYPES: [ScalarType; 10] = [
    ScalarType::String,
    ScalarType::Bool,
    ScalarType::Int,
    ScalarType::Long,
    ScalarType::Real,
    ScalarType::Decimal,
    ScalarType::DateTime,
    ScalarType::TimeSpan,
    ScalarType::Guid,
    ScalarType::Dynamic,
];

/// Refuses what cannot name a table: it becomes a directory.
pub fn check_table_name(name: &str) -> Result<(), LakeError> {
    let refuse = |reason| Err(LakeError::BadName { name: name.chars().take(80).collect(), reason });
    if name.is_empty() || name.len() > 128 {
        return refuse("a table name has 1 to 128 characters");
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        return refuse("a table name does not start with a digit");
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return refuse("a table name is made of letters, digits and `_`");
    }
    Ok(())
}

/// The table's schema after taking rows of `offered`; `None`: it stays as it is.
pub fn grow(table: &TableSchema, offered: &Schema) -> Result<Option<TableSchema>, LakeError> {
    let mut grown: Option<TableSchema> = None;
    for field in offered.fields() {
        let known = grown.as_ref().unwrap_or(table).column(field.name()).map(|column| column.scalar);
        match known {
            Some(scalar) => check_type(&table.name, field, scalar)?,
            None => {
                let grown = grown.get_or_insert_with(|| table.clone());
                let scalar = scalar_of(&table.name, field)?;
                check_column_name(grown, field.name())?;
                grown.columns.push(ColumnSchema { name: field.name().clone(), scalar });
            }
        }
    }
    Ok(grown)
}

/// The schema of a new table that takes rows of `offered`, standard columns included.
pub fn create(name: &str, offered: &Schema) -> Result<TableSchema, LakeError> {
    check_table_name(name)?;
    let empty = TableSchema { name: name.to_owned(), columns: Vec::new() };
    let grown = grow(&empty, offered)?.unwrap_or(empty).with_standard_columns();
    // A standard column of another type would be a conflict in every later batch.
    for (column, scalar) in kernel::schema::STANDARD_COLUMNS {
        match grown.column(column) {
            Some(found) if found.scalar != scalar => {
                return Err(LakeError::type_conflict(name, column, scalar, found.scalar));
            }
            _ => {}
        }
    }
    Ok(grown)
}

/// The columns of both, those of `left` first.
pub fn union(left: &TableSchema, right: &TableSchema) -> Result<TableSchema, LakeError> {
    Ok(grow(left, &right.arrow())?.unwrap_or_else(|| left.clone()))
}

fn check_type(table: &str, field: &Field, stored: ScalarType) -> Result<(), LakeError> {
    if field.data_type() == &stored_type(stored) && declared(field).is_none_or(|offered| offered == stored) {
        return Ok(());
    }
    Err(LakeError::type_conflict(table, field.name(), stored, scalar_of(table, field)?))
}

fn check_column_name(table: &TableSchema, name: &str) -> Result<(), LakeError> {
    let refuse = |reason| Err(LakeError::BadName { name: format!("{}.{name}", table.name), reason });
    if name.is_empty() || name.len() > 256 {
        return refuse("a column name has 1 to 256 bytes");
    }
    if name == DAY_COLUMN {
        return refuse("it is the partition column of every table");
    }
    if name.contains(|c: char| " ,;{}()=\n\t".contains(c) || c.is_control()) {
        return refuse("Delta Lake columns have no blanks, controls or any of ,;{}()=");
    }
    if table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)) {
        return refuse("the table has this column in other letter case, which Delta Lake holds for the same");
    }
    Ok(())
}

fn declared(field: &Field) -> Option<ScalarType> {
    let text = field.metadata().get(KQL_TYPE_METADATA)?;
    ALL_TYPES.into_iter().find(|scalar| scalar.as_str() == text)
}

/// The KQL type of a column: as declared, else the plainest that lies so.
pub fn scalar_of(table: &str, field: &Field) -> Result<ScalarType, LakeError> {
    let lies_so = |scalar: &ScalarType| &stored_type(*scalar) == field.data_type();
    if let Some(scalar) = declared(field).filter(lies_so) {
        return Ok(scalar);
    }
    ALL_TYPES.into_iter().find(lies_so).ok_or_else(|| LakeError::TypeConflict {
        table: table.to_owned(),
        column: field.name().clone(),
        stored: "not a column yet".to_owned(),
        offered: type_name(field.data_type()),
    })
}

fn type_name(data_type: &DataType) -> String {
    format!("Arrow {data_type}, which is no stored type")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: &[(&str, ScalarType)], expected: &str) {
        let table = TableSchema {
            name: "T".into(),
            columns: vec![ColumnSchema { name: "Count".into(), scalar: ScalarType::Int }],
        };
        let offered = TableSchema {
            name: "T".into(),
            columns: columns
                .iter()
                .map(|(name, scalar)| ColumnSchema { name: (*name).into(), scalar: *scalar })
                .collect(),
        };
        let outcome = match grow(&table, &offered.arrow()) {
            Ok(None) => "same".to_owned(),
            Ok(Some(grown)) => grown
                .columns
                .iter()
                .map(|column| format!("{}:{}", column.name, column.scalar))
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.to_string(),
        };
        assert_eq!(outcome, expected, "{columns:?}");
    }

    #[test]
    fn columns_are_added_and_never_change_type() {
        check(&[("Count", ScalarType::Int)], "same");
        check(&[("Who", ScalarType::String), ("More", ScalarType::Dynamic)], "Count:int Who:string More:dynamic");
        check(&[("Count", ScalarType::String)], "T.Count is int and cannot take string; use another column name");
        check(
            &[("Who", ScalarType::String), ("Who", ScalarType::Guid)],
            "T.Who is string and cannot take guid; use another column name",
        );
        check(
            &[("count", ScalarType::Int)],
            "`T.count` cannot name a table or column: the table has this column in other letter case, which Delta Lake holds for the same",
        );
        check(
            &[("a b", ScalarType::Int)],
            "`T.a b` cannot name a table or column: Delta Lake columns have no blanks, controls or any of ,;{}()=",
        );
        check(
            &[("_Day", ScalarType::Int)],
            "`T._Day` cannot name a table or column: it is the partition column of every table",
        );
    }

    #[test]
    fn a_table_name_cannot_leave_its_directory() {
        for name in ["", "../x", "a/b", "a b", "9lives", "é"] {
            assert!(check_table_name(name).is_err(), "{name}");
        }
        assert!(check_table_name("_Unparsed").is_ok());
    }
}
