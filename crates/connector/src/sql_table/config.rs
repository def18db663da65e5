//! Which tables and columns hold what.

use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;
use crate::secret::Secret;
use crate::value::AttributeName;

/// How to reach the database and read its tables.
#[derive(Debug, Clone)]
pub struct SqlTableConfig {
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
    pub url: Secret,
    pub accounts: TableMapping,
    pub groups: Option<TableMapping>,
    pub members: Option<LinkMapping>,
}

/// A table of objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableMapping {
    /// `table` or `schema.table`.
    pub table: String,
    /// The primary key. Its values come from the database, or from the attribute of the same mapping when it has one.
    pub id: String,
    /// What people sign in with or call the group; unique.
    pub name: String,
    #[serde(default)]
    pub container: Option<String>,
    #[serde(default)]
    pub enabled: Option<EnabledColumn>,
    /// When the account ends: an integer of seconds since 1970, or text as RFC 3339.
    #[serde(default)]
    pub expires: Option<ColumnMapping>,
    /// Grows with every change of a row (a sequence or a time kept by a trigger): makes deltas possible.
    #[serde(default)]
    pub version: Option<String>,
    /// Who changed the row last, kept by the application.
    #[serde(default)]
    pub changed_by: Option<String>,
    /// Marks rows as deleted instead of deleting them.
    #[serde(default)]
    pub deleted: Option<EnabledColumn>,
    /// Set to the id of the operation with every write.
    #[serde(default)]
    pub operation: Option<String>,
    #[serde(default)]
    pub attributes: Vec<ColumnMapping>,
}

/// A column and the attribute that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMapping {
    pub attribute: AttributeName,
    pub column: String,
    #[serde(default)]
    pub kind: ColumnType,
    /// The database fills it (a default, a trigger); it is never written.
    #[serde(default)]
    pub read_only: bool,
}

impl ColumnMapping {
    /// An attribute in a column of the same name.
    pub fn text(name: &str) -> ColumnMapping {
        ColumnMapping { attribute: name.into(), column: name.to_owned(), kind: ColumnType::Text, read_only: false }
    }
}

/// What the values of a column are to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    #[default]
    Text,
    Integer,
    Boolean,
}

/// A column that says yes or no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnabledColumn {
    pub column: String,
    /// The value for yes: `1`, `true`, `active`. For a boolean column any spelling of true.
    pub yes: String,
    pub no: String,
}

impl EnabledColumn {
    /// A boolean or integer column.
    pub fn boolean(column: &str) -> EnabledColumn {
        EnabledColumn { column: column.to_owned(), yes: "1".to_owned(), no: "0".to_owned() }
    }

    /// What a stored text means; `None`: neither.
    pub(super) fn read(&self, text: &str) -> Option<bool> {
        let same = |word: &str| {
            let spellings: &[&str] = match word {
                "1" => &["1", "true", "t"],
                "0" => &["0", "false", "f"],
                _ => &[],
            };
            text.eq_ignore_ascii_case(word) || spellings.contains(&text)
        };
        if same(&self.yes) {
            Some(true)
        } else if same(&self.no) {
            Some(false)
        } else {
            None
        }
    }

    pub(super) fn write(&self, yes: bool) -> String {
        if yes { self.yes.clone() } else { self.no.clone() }
    }
}

/// The table that says who is in which group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkMapping {
    pub table: String,
    /// Holds the group's id.
    pub group: String,
    /// Holds the member's id.
    pub member: String,
    /// When the membership ends: text as RFC 3339 or a timestamp column.
    #[serde(default)]
    pub until: Option<String>,
}

/// An identifier, quoted. Names of tables may have a schema before a dot.
pub(super) fn quote(identifier: &str) -> Result<String, ConnectorError> {
    let parts: Vec<&str> = identifier.split('.').collect();
    let plain = |part: &&str| !part.is_empty() && part.len() <= 63 && !part.contains(['"', '\0']);
    if parts.len() > 2 || !parts.iter().all(plain) {
        let reason = format!("`{}` is no name of a table or column", identifier.escape_debug());
        return Err(ConnectorError::invalid(reason));
    }
    Ok(parts.iter().map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quote("hr.people").unwrap(), "\"hr\".\"people\"");
        for bad in ["", "a\"; DROP TABLE x; --", "a.b.c", "a\0b", "."] {
            assert!(quote(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn yes_and_no_are_read_as_engines_write_them() {
        let column = EnabledColumn::boolean("active");
        for (text, meaning) in
            [("1", Some(true)), ("true", Some(true)), ("f", Some(false)), ("0", Some(false)), ("?", None)]
        {
            assert_eq!(column.read(text), meaning, "{text}");
        }
        let word = EnabledColumn { column: "s".into(), yes: "active".into(), no: "left".into() };
        assert_eq!((word.read("ACTIVE"), word.read("1")), (Some(true), None));
    }
}
