//! How the text is laid out: a comment on top, a `where` for each part, lines of a width that people read.

use std::collections::BTreeSet;

use super::LeftOut;
use super::expression::{self, Kql};
use crate::rule::Rule;

/// Lines longer than this are broken where they can be.
const WIDTH: usize = 110;
const INDENT: usize = 4;

/// One table, or several alike, and what is asked of it.
pub(super) struct Query {
    /// The names of the gates.
    pub gates: Vec<String>,
    pub tables: Vec<String>,
    /// What the gates ask.
    pub passes: Kql,
    /// Columns that are made, with what they are.
    pub columns: Vec<(String, String)>,
    /// What the rule asks.
    pub holds: Kql,
    /// The values to which the gate holds some fields.
    pub exact: Vec<(String, BTreeSet<String>)>,
}

impl Query {
    /// Whether the rule reads the same behind both.
    pub(super) fn asks_the_same(&self, other: &Query) -> bool {
        self.tables == other.tables && self.columns == other.columns && self.holds == other.holds
    }

    /// Lets pass what `other` lets pass too.
    pub(super) fn widen(&mut self, other: Query) {
        self.gates.extend(other.gates);
        let passes = std::mem::replace(&mut self.passes, Kql::False);
        self.passes = expression::or(vec![passes, other.passes]);
        self.exact.clear();
    }

    /// Whether no row can be in both answers.
    pub(super) fn excludes(&self, other: &Query) -> bool {
        let tables = !self.tables.iter().any(|table| other.tables.contains(table));
        let apart = |(field, values): &(String, BTreeSet<String>)| {
            other.exact.iter().any(|(other, more)| other == field && values.is_disjoint(more))
        };
        tables || self.exact.iter().any(apart)
    }

    fn lines(&self, lines: &mut Vec<String>) {
        lines.push(format!("// {}", one_line(&self.gates.join(", "))));
        match self.tables.as_slice() {
            [table] => lines.push(table.clone()),
            tables => lines.push(format!("union {}", tables.join(", "))),
        }
        condition_lines(&self.passes, lines);
        if !self.columns.is_empty() {
            let columns: Vec<String> = self.columns.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let joined = format!("| extend {}", columns.join(", "));
            if joined.len() <= WIDTH {
                lines.push(joined);
            } else {
                lines.push("| extend".to_owned());
                lines.extend(columns.iter().enumerate().map(|(at, column)| {
                    let comma = if at + 1 < columns.len() { "," } else { "" };
                    format!("{}{column}{comma}", " ".repeat(INDENT))
                }));
            }
        }
        where_lines(&self.holds, lines);
    }
}

/// The whole text.
pub(super) fn text(rule: &Rule, queries: &[Query], overlap: bool, left_out: &[LeftOut]) -> String {
    let mut lines = vec![
        format!("// {}", one_line(&rule.title)),
        format!("// Sigma rule {}, level {}, {}", one_line(&rule.id), rule.severity.as_str(), rule.logsource),
    ];
    for one in left_out {
        lines.push(format!("// Left out: {}, because {}", one_line(&one.gate), one_line(&one.reason)));
    }
    match queries {
        [query] => query.lines(&mut lines),
        queries => {
            lines.push("union".to_owned());
            for (at, query) in queries.iter().enumerate() {
                lines.push("(".to_owned());
                let mut inner = Vec::new();
                query.lines(&mut inner);
                lines.extend(inner.iter().map(|line| format!("{}{line}", " ".repeat(INDENT))));
                lines.push(if at + 1 < queries.len() { ")," } else { ")" }.to_owned());
            }
            if overlap {
                lines.push("// An event may be found in several of these ways.".to_owned());
                lines.push("| summarize arg_max(TimeGenerated, *) by _ItemId".to_owned());
            }
        }
    }
    lines.join("\n") + "\n"
}

/// A `where` for each part of an `and`, under the name of its detection.
fn where_lines(kql: &Kql, lines: &mut Vec<String>) {
    match kql {
        Kql::True => {}
        Kql::And(parts) => parts.iter().for_each(|part| where_lines(part, lines)),
        Kql::Named(name, inner) => {
            lines.push(format!("// {}", one_line(name)));
            where_lines(inner, lines);
        }
        other => {
            let names = names(other);
            if !names.is_empty() {
                lines.push(format!("// {}", one_line(&names.join(", "))));
            }
            condition_lines(other, lines);
        }
    }
}

/// One `where`.
fn condition_lines(kql: &Kql, lines: &mut Vec<String>) {
    if *kql == Kql::True {
        return;
    }
    let mut written = Vec::new();
    block(kql, WIDTH - "| where ".len(), &mut written);
    lines.extend(
        written.iter().enumerate().map(|(at, line)| {
            if at == 0 { format!("| where {line}") } else { format!("{}{line}", " ".repeat(INDENT)) }
        }),
    );
}

/// The detections inside, each once, in order.
fn names(kql: &Kql) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut open = vec![kql];
    while let Some(next) = open.pop() {
        match next {
            Kql::Named(name, inner) => {
                if !found.contains(&name.as_str()) {
                    found.push(name);
                }
                open.push(inner);
            }
            Kql::And(parts) | Kql::Or(parts) | Kql::AtLeast(_, parts) => open.extend(parts.iter().rev()),
            Kql::Not(inner) => open.push(inner),
            Kql::True | Kql::False | Kql::Leaf(_) => {}
        }
    }
    found
}

/// The expression on one line.
pub(super) fn flat(kql: &Kql) -> String {
    let joined = |parts: &[Kql], by: &str| parts.iter().map(beside).collect::<Vec<_>>().join(by);
    match kql {
        Kql::True => "true".to_owned(),
        Kql::False => "false".to_owned(),
        Kql::Leaf(text) => text.clone(),
        Kql::And(parts) => joined(parts, " and "),
        Kql::Or(parts) => joined(parts, " or "),
        Kql::Not(inner) => format!("not({})", flat(inner)),
        Kql::AtLeast(least, parts) => {
            let parts: Vec<String> = parts.iter().map(|part| format!("toint({})", flat(part))).collect();
            format!("{} >= {least}", parts.join(" + "))
        }
        Kql::Named(_, inner) => flat(inner),
    }
}

/// The expression as it stands beside others.
fn beside(kql: &Kql) -> String {
    match unnamed(kql) {
        compound @ (Kql::And(_) | Kql::Or(_)) => format!("({})", flat(compound)),
        other => flat(other),
    }
}

fn unnamed(kql: &Kql) -> &Kql {
    match kql {
        Kql::Named(_, inner) => unnamed(inner),
        other => other,
    }
}

/// The expression over several lines, where one is too narrow.
fn block(kql: &Kql, width: usize, lines: &mut Vec<String>) {
    let one = flat(kql);
    if one.chars().count() <= width {
        return lines.push(one);
    }
    match unnamed(kql) {
        Kql::And(parts) => list(parts, "and ", width, lines),
        Kql::Or(parts) => list(parts, "or ", width, lines),
        Kql::Not(inner) => enclosed("not(", inner, ")", width, lines),
        Kql::AtLeast(least, parts) => {
            for (at, part) in parts.iter().enumerate() {
                let end = if at + 1 < parts.len() { ")".to_owned() } else { format!(") >= {least}") };
                enclosed(if at == 0 { "toint(" } else { "+ toint(" }, part, &end, width, lines);
            }
        }
        _ => lines.push(one),
    }
}

fn list(parts: &[Kql], by: &str, width: usize, lines: &mut Vec<String>) {
    for (at, part) in parts.iter().enumerate() {
        let lead = if at == 0 { "" } else { by };
        match unnamed(part) {
            compound @ (Kql::And(_) | Kql::Or(_)) => enclosed(&format!("{lead}("), compound, ")", width, lines),
            other => {
                let mut inner = Vec::new();
                block(other, width.saturating_sub(INDENT), &mut inner);
                lines.extend(
                    inner
                        .into_iter()
                        .enumerate()
                        .map(|(at, line)| if at == 0 { format!("{lead}{line}") } else { line }),
                );
            }
        }
    }
}

fn enclosed(open: &str, inner: &Kql, close: &str, width: usize, lines: &mut Vec<String>) {
    let one = flat(inner);
    if open.len() + one.chars().count() + close.len() <= width {
        return lines.push(format!("{open}{one}{close}"));
    }
    lines.push(open.to_owned());
    let mut written = Vec::new();
    block(inner, width.saturating_sub(INDENT), &mut written);
    lines.extend(written.iter().map(|line| format!("{}{line}", " ".repeat(INDENT))));
    lines.push(close.to_owned());
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
