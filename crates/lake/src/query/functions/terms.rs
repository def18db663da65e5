//! String predicates: `has`, `contains`, `startswith`, … and their case-respecting and negated forms, `has_any`,
//! `has_all`, `in~`, `=~`.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_buffer::BooleanBuffer;
use datafusion::error::Result;
use kernel::Value;

use super::{Call, Entry, columns};
use crate::query::cells::Cells;
use crate::query::convert;
use crate::query::needle::{Needle, Place};

pub(super) const ENTRIES: &[Entry] = &[
    columns("op_equals_ignore_case", |call| matched(call, Place::Whole, false)),
    columns("op_has", |call| matched(call, Place::Term, false)),
    columns("op_has_cs", |call| matched(call, Place::Term, true)),
    columns("op_has_prefix", |call| matched(call, Place::TermStart, false)),
    columns("op_has_prefix_cs", |call| matched(call, Place::TermStart, true)),
    columns("op_has_suffix", |call| matched(call, Place::TermEnd, false)),
    columns("op_has_suffix_cs", |call| matched(call, Place::TermEnd, true)),
    columns("op_contains", |call| matched(call, Place::Anywhere, false)),
    columns("op_contains_cs", |call| matched(call, Place::Anywhere, true)),
    columns("op_starts_with", |call| matched(call, Place::Start, false)),
    columns("op_starts_with_cs", |call| matched(call, Place::Start, true)),
    columns("op_ends_with", |call| matched(call, Place::End, false)),
    columns("op_ends_with_cs", |call| matched(call, Place::End, true)),
    columns("op_has_any", |call| has_terms(call, false)),
    columns("op_has_all", |call| has_terms(call, true)),
    columns("op_in_ignore_case", in_ignore_case),
    columns("has_any_index", has_any_index),
];

/// A predicate of a text and a needle that may differ by row.
fn matched(call: &Call<'_>, place: Place, case: bool) -> Result<ArrayRef> {
    let [text, needle] = call.args else { return wrong_arguments() };
    if needle.is_constant() {
        let needle = Needle::new(needle.text(0), place, case);
        return Ok(truths(call.rows, |row| needle.matches(text.text(row))));
    }
    let mut last: Option<(String, Needle)> = None;
    Ok(truths(call.rows, |row| {
        let wanted = needle.text(row);
        if last.as_ref().is_none_or(|(known, _)| known != wanted) {
            last = Some((wanted.to_owned(), Needle::new(wanted, place, case)));
        }
        last.as_ref().is_some_and(|(_, needle)| needle.matches(text.text(row)))
    }))
}

fn truths(rows: usize, truth: impl FnMut(usize) -> bool) -> ArrayRef {
    Arc::new(BooleanArray::new(BooleanBuffer::collect_bool(rows, truth), None))
}

fn wrong_arguments<T>() -> Result<T> {
    datafusion::common::internal_err!("a string predicate takes a text and a needle")
}

/// The needles of `has_any (…)`: every further argument is one, a dynamic array is spread.
fn needles(cells: &[Cells], row: usize) -> Vec<String> {
    let mut found = Vec::new();
    for cell in cells {
        match cell.value(row) {
            Value::Dynamic(serde_json::Value::Array(elements)) => {
                found.extend(elements.iter().map(|json| convert::to_text(&convert::scalar_of(json))));
            }
            value => found.push(convert::to_text(&value)),
        }
    }
    found
}

/// `has_any` and `has_all` in one pass per needle; constant needles are prepared once.
fn has_terms(call: &Call<'_>, all: bool) -> Result<ArrayRef> {
    let [text, rest @ ..] = call.args else { return wrong_arguments() };
    let prepare = |row: usize| -> Vec<Needle> {
        needles(rest, row).iter().map(|needle| Needle::new(needle, Place::Term, false)).collect()
    };
    let judge = |needles: &[Needle], text: &str| {
        if all { needles.iter().all(|needle| needle.matches(text)) } else { Needle::any(needles, text) }
    };
    if rest.iter().all(Cells::is_constant) {
        let prepared = prepare(0);
        return Ok(truths(call.rows, |row| judge(&prepared, text.text(row))));
    }
    Ok(truths(call.rows, |row| judge(&prepare(row), text.text(row))))
}

fn has_any_index(call: &Call<'_>) -> Result<ArrayRef> {
    let [text, list] = call.args else { return wrong_arguments() };
    let mut builder = crate::query::cells::CellsBuilder::new(call.returns);
    for row in 0..call.rows {
        let found = needles(std::slice::from_ref(list), row)
            .iter()
            .position(|needle| Needle::new(needle, Place::Term, false).matches(text.text(row)));
        builder.push(Value::Long(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)));
    }
    Ok(builder.finish())
}

/// `value in~ (list)` with the list as a constant or computed dynamic array of strings.
fn in_ignore_case(call: &Call<'_>) -> Result<ArrayRef> {
    let [text, rest @ ..] = call.args else { return wrong_arguments() };
    let folded = |row: usize| -> std::collections::HashSet<String> {
        needles(rest, row).iter().map(|needle| crate::query::needle::fold(needle).into_owned()).collect()
    };
    let held = |set: &std::collections::HashSet<String>, text: &str| set.contains(&*crate::query::needle::fold(text));
    if rest.iter().all(Cells::is_constant) {
        let set = folded(0);
        return Ok(truths(call.rows, |row| held(&set, text.text(row))));
    }
    Ok(truths(call.rows, |row| held(&folded(row), text.text(row))))
}
