//! Where a field of the rule is read in a row.

use std::collections::BTreeMap;

use kernel::ScalarType;

use super::quote::{name, path_step};
use super::tables::{Bag, Place};
use crate::mapping::Gate;

/// How the fields of a condition are read.
pub(super) struct Fields<'a> {
    place: &'a Place,
    /// The gate whose names the condition uses; `None`: it uses those of the source.
    gate: Option<&'a Gate>,
    /// Columns that the query makes, with what they are.
    pub columns: Vec<(String, String)>,
    made: BTreeMap<String, String>,
}

/// A field as a query reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    /// Such events never have it.
    Never,
    /// The same in every row.
    Known(String),
    /// A whole number.
    Number { column: String },
    /// Text, never null; and in KQL whether the event has the field at all.
    Text { text: String, present: String },
    /// The same for a field that may have several values: they are lines of the text.
    Lines { text: String, present: String },
}

impl<'a> Fields<'a> {
    /// For the condition of a gate.
    pub(super) fn of_gate(place: &'a Place) -> Fields<'a> {
        Fields { place, gate: None, columns: Vec::new(), made: BTreeMap::new() }
    }

    /// For the condition of a rule behind `gate`.
    pub(super) fn of_rule(place: &'a Place, gate: &'a Gate) -> Fields<'a> {
        Fields { gate: Some(gate), ..Fields::of_gate(place) }
    }

    /// How `field` is read; or why it cannot be.
    pub(super) fn access(&mut self, field: &str) -> Result<Access, String> {
        let source = match self.gate {
            None => field,
            Some(gate) => match gate.column(field) {
                None => return Ok(Access::Never),
                Some(source) => source,
            },
        };
        let tables = self.place.tables.join(" and ");
        if let Some(value) = self.place.known.get(source) {
            return Ok(Access::Known(value.clone()));
        }
        if let Some((column, scalar)) = self.place.columns.get(source) {
            return of_column(column, *scalar).ok_or_else(|| format!("the column {column} has no text to compare"));
        }
        if source.starts_with('@') {
            return Err(format!("{tables} does not tell `{source}`"));
        }
        let bag = self.place.bag.as_ref().ok_or_else(|| format!("{tables} has no column for the field `{source}`"))?;
        if bag.without.contains(source) {
            return Err(format!("{tables} does not keep the field `{source}` of a record"));
        }
        if bag.has_several(source) {
            return Err(format!("`{source}` may have several values, and KQL compares one text"));
        }
        let value = value_of(bag, source);
        let present = format!("isnotnull({value})");
        let several = bag.lists.contains(source);
        let text = if several {
            format!("iff(gettype({value}) == \"array\", strcat_array({value}, \"\\n\"), tostring({value}))")
        } else {
            format!("tostring({value})")
        };
        let text = if self.gate.is_some() { self.column(source, text) } else { text };
        Ok(if several { Access::Lines { text, present } } else { Access::Text { text, present } })
    }

    /// The column that holds the text of a field, made when it is first asked for.
    fn column(&mut self, field: &str, text: String) -> String {
        if let Some(column) = self.made.get(field) {
            return column.clone();
        }
        let letters = field.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '_' });
        let mut column: String = letters.collect();
        while self.place.taken.contains(&column) || self.columns.iter().any(|(known, _)| *known == column) {
            column.push('_');
        }
        let column = name(&column);
        self.columns.push((column.clone(), text));
        self.made.insert(field.to_owned(), column.clone());
        column
    }
}

fn of_column(column: &str, scalar: ScalarType) -> Option<Access> {
    match scalar {
        ScalarType::String => Some(Access::Text { text: column.to_owned(), present: format!("isnotempty({column})") }),
        ScalarType::Int | ScalarType::Long => Some(Access::Number { column: column.to_owned() }),
        _ => None,
    }
}

fn value_of(bag: &Bag, field: &str) -> String {
    let steps: String = if bag.nested { field.split('.').map(path_step).collect() } else { path_step(field) };
    format!("{}{steps}", bag.value)
}
