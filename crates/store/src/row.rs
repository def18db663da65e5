//! One row of an answer, the same from both engines.

use std::str::FromStr;
use std::sync::Arc;

use kernel::id::{Id, Kind};
use kernel::{Severity, Timestamp};

use crate::error::Error;

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
}

/// One row. Columns are read by name; a wrong name or type is [`Error::Corrupt`], which names both.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub(crate) statement: &'static str,
    pub(crate) columns: Arc<[String]>,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    /// All values in the order of the statement.
    pub fn into_cells(self) -> Vec<Cell> {
        self.cells
    }

    fn cell(&self, column: &str) -> Result<&Cell, Error> {
        let at = self.columns.iter().position(|name| name == column);
        at.and_then(|at| self.cells.get(at)).ok_or_else(|| self.corrupt(column, "the statement does not select it"))
    }

    fn corrupt(&self, column: &str, problem: impl Into<String>) -> Error {
        Error::Corrupt { statement: self.statement, column: column.to_owned(), problem: problem.into() }
    }

    fn present<T>(&self, column: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| self.corrupt(column, "it is NULL"))
    }

    /// A text that may be NULL.
    pub fn text_opt(&self, column: &str) -> Result<Option<&str>, Error> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            other => Err(self.corrupt(column, format!("expected text, found {other:?}"))),
        }
    }

    /// A text.
    pub fn text(&self, column: &str) -> Result<&str, Error> {
        self.present(column, self.text_opt(column)?)
    }

    /// A whole number that may be NULL.
    pub fn int_opt(&self, column: &str) -> Result<Option<i64>, Error> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(*value)),
            other => Err(self.corrupt(column, format!("expected a whole number, found {other:?}"))),
        }
    }

    /// A whole number.
    pub fn int(&self, column: &str) -> Result<i64, Error> {
        self.present(column, self.int_opt(column)?)
    }

    /// A count: a whole number that is not negative.
    pub fn count(&self, column: &str) -> Result<u64, Error> {
        u64::try_from(self.int(column)?).map_err(|_| self.corrupt(column, "it is negative"))
    }

    /// A truth value, held as 0 or 1.
    pub fn flag(&self, column: &str) -> Result<bool, Error> {
        Ok(self.int(column)? != 0)
    }

    /// A real number that may be NULL.
    pub fn real_opt(&self, column: &str) -> Result<Option<f64>, Error> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Real(value) => Ok(Some(*value)),
            #[expect(clippy::cast_precision_loss, reason = "SQLite hands back 2.0 as 2 where a column has no type")]
            Cell::Int(value) => Ok(Some(*value as f64)),
            Cell::Text(text) => Err(self.corrupt(column, format!("expected a real number, found `{text}`"))),
        }
    }

    /// A real number.
    pub fn real(&self, column: &str) -> Result<f64, Error> {
        self.present(column, self.real_opt(column)?)
    }

    /// An instant that may be NULL.
    pub fn time_opt(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        Ok(self.int_opt(column)?.map(Timestamp))
    }

    /// An instant.
    pub fn time(&self, column: &str) -> Result<Timestamp, Error> {
        self.int(column).map(Timestamp)
    }

    /// A typed id that may be NULL.
    pub fn id_opt<K: Kind>(&self, column: &str) -> Result<Option<Id<K>>, Error> {
        self.text_opt(column)?.map(|_| self.parse(column)).transpose()
    }

    /// A typed id.
    pub fn id<K: Kind>(&self, column: &str) -> Result<Id<K>, Error> {
        self.parse(column)
    }

    /// Anything with a text form.
    pub fn parse<T: FromStr>(&self, column: &str) -> Result<T, Error>
    where
        T::Err: std::fmt::Display,
    {
        self.text(column)?.parse().map_err(|error: T::Err| self.corrupt(column, error.to_string()))
    }

    /// A severity.
    pub fn severity(&self, column: &str) -> Result<Severity, Error> {
        let text = self.text(column)?;
        Severity::parse(text).ok_or_else(|| self.corrupt(column, format!("`{text}` is not a severity")))
    }

    /// JSON kept as text.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, Error> {
        serde_json::from_str(self.text(column)?).map_err(|error| self.corrupt(column, error.to_string()))
    }

    /// JSON kept as text that may be NULL.
    pub fn json_opt<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.text_opt(column)? else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|error| self.corrupt(column, error.to_string()))
    }
}
