//! KQL's rules for the names of columns that were given none, and suggestions for misspelt ones.

use std::collections::HashSet;

use kernel::value::Value;

use crate::syntax::{Expr, ExprKind};

/// Functions whose result is named after their first argument.
const FIRST_ARGUMENT: [&str; 59] = [
    "tostring",
    "parse_json",
    "todynamic",
    "toobject",
    "parsejson",
    "split",
    "bin",
    "floor",
    "bin_at",
    "bin_auto",
    "toint",
    "tolong",
    "todouble",
    "toreal",
    "todecimal",
    "tobool",
    "toboolean",
    "todatetime",
    "totimespan",
    "totime",
    "toguid",
    "tohex",
    "startofday",
    "parse_xml",
    "parse_csv",
    "format_bytes",
    "format_datetime",
    "format_timespan",
    "round",
    "ceiling",
    "abs",
    "sqrt",
    "pow",
    "exp",
    "exp2",
    "exp10",
    "log",
    "log2",
    "log10",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "atan2",
    "binary_and",
    "binary_or",
    "binary_xor",
    "binary_not",
    "binary_shift_left",
    "binary_shift_right",
    "bitset_count_ones",
    "take_any",
    "take_anyif",
    "binary_all_and",
    "binary_all_or",
    "binary_all_xor",
    "arg_max",
];

/// Functions whose result is `prefix_argument`.
const PREFIXED: [(&str, &str); 21] = [
    ("hll_merge", "hll_merge"),
    ("tdigest_merge", "merge_tdigests"),
    ("merge_tdigest", "merge_tdigests"),
    ("merge_tdigests", "merge_tdigests"),
    ("dcount_hll", "dcount_hll"),
    ("strlen", "strlen"),
    ("string_size", "string_size"),
    ("repeat", "repeat"),
    ("gettype", "type"),
    ("treepath", "tree"),
    ("make_set", "set"),
    ("makeset", "set"),
    ("make_set_if", "set"),
    ("make_list", "list"),
    ("makelist", "list"),
    ("make_list_if", "list"),
    ("make_list_with_nulls", "list"),
    ("make_bag", "bag"),
    ("buildschema", "schema"),
    ("make_bag_if", "bag"),
    ("make_dictionary", "dictionary"),
];

/// The name that an expression gives itself; `None`: `Column1` and so on.
pub(super) fn automatic(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Member { base, name } => match automatic(base) {
            Some(base) if !base.starts_with('$') => Some(format!("{base}_{}", name.text)),
            _ => Some(name.text.clone()),
        },
        ExprKind::Index { base, index } => {
            let base = automatic(base)?;
            Some(match &index.kind {
                ExprKind::Literal(Value::String(key), _) => format!("{base}_{key}"),
                ExprKind::Literal(Value::Long(index), _) => format!("{base}_{index}"),
                _ => format!("{base}_"),
            })
        }
        ExprKind::Call { function, args } => {
            let function = function.text.as_str();
            // `bin(Hour = Timestamp, 1h)` is `Hour`.
            let argument = args.first().and_then(|argument| match &argument.name {
                Some(name) => Some(name.text.clone()),
                None => automatic(&argument.value),
            });
            if FIRST_ARGUMENT.contains(&function) {
                return argument;
            }
            let prefix = PREFIXED.iter().find(|(name, _)| *name == function).map(|(_, prefix)| *prefix);
            if let Some(prefix) = prefix {
                return Some(format!("{prefix}_{}", argument.unwrap_or_default()));
            }
            if matches!(function, "array_sort_asc" | "array_sort_desc") {
                return Some(format!("{}_sorted", argument.unwrap_or_default()));
            }
            crate::functions::aggregate(function)
                .filter(|_| crate::functions::scalar(function).is_none())
                .map(|_| format!("{function}_{}", argument.unwrap_or_default()))
        }
        _ => None,
    }
}

/// Gives out names that are not taken, as KQL does: `x`, `x1`, `x2`; `Column1`, `Column2`.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    pub(super) fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Names {
        Names { taken: names.into_iter().map(str::to_owned).collect() }
    }

    /// Takes exactly this name; false when it is taken.
    pub(super) fn declare(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }

    /// Takes this name, or the first free one with a number after it.
    pub(super) fn free(&mut self, name: &str) -> String {
        if self.declare(name) {
            return name.to_owned();
        }
        self.numbered(name)
    }

    /// Takes an automatic name, or `Column1` and so on where there is none.
    pub(super) fn automatic(&mut self, name: Option<String>) -> String {
        match name {
            Some(name) => self.free(&name),
            None => self.numbered("Column"),
        }
    }

    /// Takes `stem1`, `stem2`, …: the first free one.
    pub(super) fn numbered(&mut self, stem: &str) -> String {
        for number in 1_u32.. {
            let name = format!("{stem}{number}");
            if self.declare(&name) {
                return name;
            }
        }
        stem.to_owned()
    }
}

/// The nearest of `known` to a name that is not there: same but for case, or two edits away at most.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let limit = match name.chars().count() {
        0..=2 => 0,
        3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    let scored = known.into_iter().filter_map(|candidate| {
        if candidate.eq_ignore_ascii_case(name) {
            return Some((0, candidate));
        }
        let near = candidate.len().abs_diff(name.len()) <= limit;
        near.then(|| (edits(name, candidate), candidate)).filter(|(distance, _)| *distance <= limit)
    });
    scored.min().map(|(_, candidate)| candidate)
}

/// Levenshtein distance, case ignored.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Whether `name` fits a pattern with `*`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abc", true),
            ("a*d", "abc", false),
            ("abc", "abc", true),
            ("*", "", true),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn suggestions() {
        let known = ["TimeGenerated", "Computer", "Account"];
        for (name, expected) in
            [("timegenerated", Some("TimeGenerated")), ("Compter", Some("Computer")), ("Zebra", None)]
        {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }
}
