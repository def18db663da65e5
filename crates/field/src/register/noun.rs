//! What a noun of the register is made of.

use kernel::ScalarType;
use store::{FactTable, Statement};

use super::value::Form;

/// Whether a column must be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Needed,
    Optional,
}

/// One column of a noun.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// In the API, in CSV and in the database: `contact_interval_min`.
    pub name: &'static str,
    pub form: Form,
    pub need: Need,
    /// What it is, for people.
    pub says: &'static str,
}

/// A kind of record.
#[derive(Debug, Clone, Copy)]
pub struct Noun {
    /// `person`.
    pub name: &'static str,
    /// What the key is, for people.
    pub key_says: &'static str,
    pub columns: &'static [Column],
    /// As KQL reads it.
    pub table: FactTable,
    pub(crate) save: Statement,
    pub(crate) one: Statement,
    pub(crate) all: Statement,
}

impl Noun {
    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// The type under which KQL reads a form.
pub(crate) const fn scalar(form: Form) -> ScalarType {
    match form {
        Form::Whole { .. } => ScalarType::Long,
        Form::Real { .. } => ScalarType::Real,
        Form::Day => ScalarType::DateTime,
        Form::Flag => ScalarType::Bool,
        Form::Text
        | Form::Phone
        | Form::Word(_)
        | Form::Zone
        | Form::Key(_)
        | Form::Ladder
        | Form::Shape
        | Form::Hours => ScalarType::String,
    }
}

/// Declares a noun: its table, its KQL name, and each column with its KQL name, its place in the statement that saves
/// it (the first five are id, key, version, retirement and time), its form and what it says.
macro_rules! noun {
    ($(#[$doc:meta])* $constant:ident = $name:literal in $table:literal as $kql:literal, key $key_says:literal {
        $($column:literal $pascal:literal $place:literal = $form:expr, $need:ident, $says:literal;)*
    }) => {
        $(#[$doc])*
        pub const $constant: Noun = Noun {
            name: $name,
            key_says: $key_says,
            columns: &[$(Column { name: $column, form: $form, need: Need::$need, says: $says }),*],
            table: FactTable {
                name: $kql,
                columns: &[
                    FactColumn::new("TimeGenerated", ScalarType::DateTime, "updated_us"),
                    FactColumn::new("Key", ScalarType::String, "record_key"),
                    $(FactColumn::new($pascal, scalar($form), $column),)*
                    FactColumn::new("Retired", ScalarType::DateTime, "retired_us"),
                    FactColumn::new("Version", ScalarType::Long, "version"),
                    FactColumn::new("RecordId", ScalarType::String, "id"),
                ],
                from: $table,
                time: "updated_us",
            },
            save: Statement::new(
                concat!("field.save_", $table),
                concat!(
                    "INSERT INTO ", $table, " (id, record_key, version, retired_us, updated_us",
                    $(", ", $column,)* ") VALUES ($1, $2, $3, $4, $5", $(", ", $place,)* ") ",
                    "ON CONFLICT (record_key) DO UPDATE SET version = excluded.version, ",
                    "retired_us = excluded.retired_us, updated_us = excluded.updated_us",
                    $(", ", $column, " = excluded.", $column,)*
                    " WHERE ", $table, ".version = excluded.version - 1"
                ),
            ),
            one: Statement::new(
                concat!("field.one_", $table),
                concat!(
                    "SELECT id, record_key, version, retired_us, updated_us", $(", ", $column,)*
                    " FROM ", $table, " WHERE record_key = $1"
                ),
            ),
            all: Statement::new(
                concat!("field.all_", $table),
                concat!(
                    "SELECT id, record_key, version, retired_us, updated_us", $(", ", $column,)*
                    " FROM ", $table, " ORDER BY record_key LIMIT $1"
                ),
            ),
        };
    };
}
pub(crate) use noun;
