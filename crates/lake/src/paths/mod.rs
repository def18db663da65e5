//! Promoted paths: what lies at a path inside a dynamic column, kept as a column of its own.
//!
//! A dynamic value is JSON text at rest. A query that groups by `d.a.b` would read all of every text to get at a few
//! bytes. So paths that repeat a few values, and those that queries have asked for, are kept in a companion of the data
//! file whose name ends in `.paths.companion`: a Parquet file with the same rows in the same row groups, one column for
//! each path, called by the column and the path (`AdditionalFields["process","signer"]`). Its values are the JSON text
//! found there, null where nothing or null is: exactly what the path gives in a query ([`extract`] and
//! [`crate::query::dynamic`] share the scanner). Readers of the table need not know of it: the data file has everything.
//!
//! For the query engine, data file and companion are one file ([`merge`]); where there is no companion, or it lacks the
//! path, the path is followed in the text.

pub(crate) mod build;
pub(crate) mod choose;
pub(crate) mod file;
pub(crate) mod merge;

use object_store::path::Path;

use crate::companion;
use crate::query::dynamic::Step;
use crate::query::functions::path_text;

/// A path into a dynamic column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DynamicPath {
    pub column: String,
    /// The path as [`path_text`] writes it: `["process","signer"]`.
    pub path: String,
}

impl DynamicPath {
    /// The path of `steps` into `column`.
    pub fn new(column: &str, steps: &[Step]) -> DynamicPath {
        DynamicPath { column: column.to_owned(), path: path_text(steps) }
    }

    /// What its column is called.
    pub fn name(&self) -> String {
        format!("{}{}", self.column, self.path)
    }

    /// The keys on the way; `None`: it counts elements, too, and is not promoted.
    fn keys(&self) -> Option<Vec<String>> {
        serde_json::from_str(&self.path).ok()
    }
}

/// Where the promoted paths of a data file lie.
pub(crate) fn path(data_file: &Path) -> Path {
    companion::named(data_file, "paths")
}
