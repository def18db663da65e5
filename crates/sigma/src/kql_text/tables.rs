//! Which tables hold the events behind a gate, and where their fields stand: `content/sigma_tables.yml`.

use std::collections::{BTreeMap, BTreeSet};

use kernel::ScalarType;
use serde::Deserialize;

use crate::detection::{Item, Test};
use crate::mapping::{BadMapping, Gate};
use crate::pattern::{Pattern, Shape, fold};

/// The tables that rules are written over.
#[derive(Debug, Clone)]
pub struct Tables {
    places: Vec<Place>,
}

/// Where the events of some gates stand.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Tables of one form.
    pub tables: Vec<String>,
    gates: Vec<BTreeMap<String, String>>,
    /// What is true of every row.
    pub known: BTreeMap<String, String>,
    /// Source field to column.
    pub columns: BTreeMap<String, (String, ScalarType)>,
    pub bag: Option<Bag>,
    /// Every column, so that a new one does not hide one of them.
    pub taken: BTreeSet<String>,
}

/// A dynamic value with one entry for each source field that has no column.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bag {
    /// In KQL: `EventData`, `parse_json(_RawData)`.
    pub value: String,
    /// Whether a point in a field's name is a step into the value.
    #[serde(default)]
    pub nested: bool,
    /// Fields that events have and that are not in it.
    #[serde(default)]
    pub without: BTreeSet<String>,
    /// Fields that may have several values of which KQL sees none, as patterns.
    #[serde(default)]
    pub several: Vec<String>,
    /// Fields whose value may be a list of texts.
    #[serde(default)]
    pub lists: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceFile {
    tables: Vec<String>,
    gates: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    known: BTreeMap<String, String>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
    bag: Option<Bag>,
}

const SHIPPED: &str = include_str!("../../../../content/sigma_tables.yml");

impl Tables {
    /// Those that Vigie ships.
    pub fn shipped() -> Tables {
        Tables::parse("sigma_tables.yml", SHIPPED).expect("the shipped tables are checked by a test")
    }

    /// Reads one file.
    pub fn parse(name: &str, text: &str) -> Result<Tables, BadMapping> {
        let bad = |reason: String| BadMapping { file: name.to_owned(), reason };
        let files: Vec<PlaceFile> = yaml_serde::from_str(text).map_err(|error| bad(error.to_string()))?;
        let schemas = kernel::schema::shipped_tables();
        let places = files.into_iter().map(|file| {
            let mut columns = BTreeMap::new();
            let mut taken = BTreeSet::new();
            for table in &file.tables {
                let schema = schemas.iter().find(|schema| schema.name == *table);
                let schema = schema.ok_or_else(|| bad(format!("no table is called {table}")))?;
                taken.extend(schema.columns.iter().map(|column| column.name.clone()));
                for (field, column) in &file.columns {
                    let found = schema.column(column);
                    let found = found.ok_or_else(|| bad(format!("the table {table} has no column {column}")))?;
                    columns.insert(field.clone(), (column.clone(), found.scalar));
                }
            }
            Ok(Place { tables: file.tables, gates: file.gates, known: file.known, columns, bag: file.bag, taken })
        });
        Ok(Tables { places: places.collect::<Result<_, _>>()? })
    }

    /// Where the events behind `gate` stand.
    pub(super) fn of(&self, gate: &Gate) -> Option<&Place> {
        let mut items = Vec::new();
        gate.condition.for_each_item(&mut |_, item| items.push(item));
        self.places.iter().find(|place| {
            place
                .gates
                .iter()
                .any(|asked| asked.iter().all(|(field, value)| items.iter().any(|item| asks(item, field, value))))
        })
    }
}

/// Whether a gate's item asks for the field, and for this value unless that is `*`.
fn asks(item: &Item, field: &str, value: &str) -> bool {
    let equal = |test: &Test| match test {
        Test::Text { pattern, .. } => pattern.shape() == Shape::Exact(value) || exact_folded(pattern, value),
        _ => false,
    };
    item.field.as_deref() == Some(field) && (value == "*" || item.tests.iter().all(equal))
}

fn exact_folded(pattern: &Pattern, value: &str) -> bool {
    pattern.as_literal().is_some_and(|text| fold(text) == fold(value))
}

impl Bag {
    /// Whether the field may have several values.
    pub(super) fn has_several(&self, field: &str) -> bool {
        self.several.iter().any(|pattern| Pattern::parse(pattern).matches(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_names_tables_and_columns_that_exist() {
        assert!(!Tables::shipped().places.is_empty());
    }

    #[test]
    fn a_broken_file_names_the_place() {
        let check = |text: &str, expected: &str| {
            let bad = Tables::parse("t.yml", text).expect_err("must be refused");
            assert!(bad.to_string().starts_with("t.yml: ") && bad.reason.contains(expected), "{bad}");
        };
        check("- { tables: [Nowhere], gates: [] }", "no table is called Nowhere");
        check("- { tables: [Syslog], gates: [], columns: { A: B } }", "the table Syslog has no column B");
        check("- { tables: [Syslog], gate: [] }", "gate");
    }
}
