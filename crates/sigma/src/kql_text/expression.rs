//! Boolean expressions over KQL predicates, constants folded.

/// An expression. Every predicate in it is true or false for every row, never null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kql {
    True,
    False,
    /// A predicate that needs no parentheses beside `and` and `or`.
    Leaf(String),
    And(Vec<Kql>),
    Or(Vec<Kql>),
    Not(Box<Kql>),
    AtLeast(usize, Vec<Kql>),
    /// What a detection of the rule asks, under its name.
    Named(String, Box<Kql>),
}

pub(super) fn leaf(text: impl Into<String>) -> Kql {
    Kql::Leaf(text.into())
}

pub(super) fn and(parts: Vec<Kql>) -> Kql {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Kql::True => {}
            Kql::False => return Kql::False,
            Kql::And(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    match flat.len() {
        0 => Kql::True,
        1 => flat.swap_remove(0),
        _ => Kql::And(flat),
    }
}

pub(super) fn or(parts: Vec<Kql>) -> Kql {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            Kql::False => {}
            Kql::True => return Kql::True,
            Kql::Or(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    match flat.len() {
        0 => Kql::False,
        1 => flat.swap_remove(0),
        _ => Kql::Or(flat),
    }
}

pub(super) fn not(inner: Kql) -> Kql {
    match inner {
        Kql::True => Kql::False,
        Kql::False => Kql::True,
        Kql::Not(inner) => *inner,
        other => Kql::Not(Box::new(other)),
    }
}

pub(super) fn at_least(least: usize, parts: Vec<Kql>) -> Kql {
    let sure = parts.iter().filter(|part| **part == Kql::True).count();
    let open: Vec<Kql> = parts.into_iter().filter(|part| !matches!(part, Kql::True | Kql::False)).collect();
    match least.saturating_sub(sure) {
        0 => Kql::True,
        1 => or(open),
        least if least > open.len() => Kql::False,
        least if least == open.len() => and(open),
        least => Kql::AtLeast(least, open),
    }
}

pub(super) fn named(name: &str, inner: Kql) -> Kql {
    match inner {
        Kql::True | Kql::False => inner,
        other => Kql::Named(name.to_owned(), Box::new(other)),
    }
}
