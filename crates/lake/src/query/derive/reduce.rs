//! `reduce`: texts that share their common words, in their places, are one group.
//!
//! After R. Vaarandi, "A Data Clustering Algorithm for Mining Patterns From Event Logs" (2003): words that stand at one
//! place in more than a share of the texts are kept, the rest becomes a wildcard; texts with the same result are one
//! group, and texts without any common word are the others.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use datafusion::error::Result;
use kernel::{ColumnSchema, Value};

use super::{Budget, Rows, Table, long};

/// The pattern of texts that share nothing.
const OTHERS: &str = "others";

pub(super) fn reduce(
    threshold: f64,
    separators: &str,
    keep_rows: bool,
    input: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let separates = |c: char| {
        if separators.is_empty() { !c.is_ascii_alphanumeric() } else { separators.contains(c) }
    };
    let mut common = HashMap::<(usize, &str), usize>::new();
    for row in 0..input.rows {
        for (place, word) in words(input.columns[0].text(row), separates) {
            budget.spend(1)?;
            *common.entry((place, word)).or_default() += 1;
        }
    }
    budget.keep(common.len() * 64)?;
    let least = threshold * input.rows as f64;
    common.retain(|_, count| *count as f64 > least);
    // Number of the group, its size and first text, in the order of appearance.
    let mut groups: Vec<(String, usize, usize)> = Vec::new();
    let mut places = HashMap::<String, usize>::new();
    let mut of_row = Vec::with_capacity(input.rows);
    for row in 0..input.rows {
        let pattern = pattern(input.columns[0].text(row), separates, &common);
        let next = groups.len();
        let at = *places.entry(pattern.clone()).or_insert(next);
        if at == next {
            budget.keep(pattern.len() * 2 + 64)?;
            groups.push((pattern, 0, row));
        }
        groups[at].1 += 1;
        of_row.push(at);
    }
    let described = |at: usize| {
        let (pattern, count, first) = &groups[at];
        let text = if pattern == OTHERS { String::new() } else { input.columns[0].text(*first).to_owned() };
        [Value::String(pattern.clone()), long(*count), Value::String(text)]
    };
    let mut rows = Rows::new(schema);
    if keep_rows {
        for (row, at) in of_row.into_iter().enumerate() {
            let kept = input.columns[1..].iter().map(|cells| cells.value(row));
            rows.push(kept.chain(described(at)).collect::<Vec<_>>(), budget)?;
        }
        return rows.finish(schema);
    }
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(groups[*at].1), *at));
    for at in order {
        rows.push(described(at), budget)?;
    }
    rows.finish(schema)
}

/// The words of `text` with their places.
fn words(text: &str, separates: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    text.split(separates).filter(|word| !word.is_empty()).enumerate()
}

/// Common words stay, with what separates them; runs of others become `*`.
fn pattern(text: &str, separates: impl Fn(char) -> bool + Copy, common: &HashMap<(usize, &str), usize>) -> String {
    let mut pattern = String::new();
    let (mut any, mut end) = (false, 0);
    for (place, word) in words(text, separates) {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let between = &text[end..start];
        let is_common = common.contains_key(&(place, word));
        // Separators stay between common words; beside a wildcard only white space does.
        let stays = (is_common && !pattern.ends_with('*')) || between.chars().all(char::is_whitespace);
        if is_common {
            pattern.push_str(if stays { between } else { "" });
            pattern.push_str(word);
            any = true;
        } else if !pattern.ends_with('*') {
            pattern.push_str(if stays { between } else { "" });
            pattern.push('*');
        }
        end = start + word.len();
    }
    if !pattern.ends_with('*') {
        pattern.push_str(&text[end..]);
    }
    if any { pattern } else { OTHERS.to_owned() }
}
