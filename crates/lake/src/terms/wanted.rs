//! What a predicate asks of the terms of a row.

use kernel::{ScalarType, Value};
use kql::algebra::{BinaryOp, Expr, ExprKind, Haystack, PathStep, StringOp};

use super::words;

/// A condition on terms that every row of interest fulfils. It can be too weak, never too strong.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wanted {
    /// The text at an input's column has all these terms.
    Terms {
        column: usize,
        terms: Vec<u64>,
    },
    All(Vec<Wanted>),
    Any(Vec<Wanted>),
}

impl Wanted {
    /// The condition in `predicate`; `None`: it asks nothing of terms.
    pub fn of(predicate: &Expr) -> Option<Wanted> {
        match &predicate.kind {
            ExprKind::Binary { op: BinaryOp::And, left, right } => all([Wanted::of(left), Wanted::of(right)]),
            ExprKind::Binary { op: BinaryOp::Or, left, right } => any([Wanted::of(left), Wanted::of(right)]),
            ExprKind::Binary { op: BinaryOp::Equal, left, right } => terms(left, StringOp::EqualsIgnoreCase, right)
                .or_else(|| terms(right, StringOp::EqualsIgnoreCase, left)),
            ExprKind::StringMatch { op, negated: false, left, right } => terms(left, *op, right),
            ExprKind::In { negated: false, value, haystack: Haystack::List(items), .. } => {
                any(items.iter().map(|item| terms(value, StringOp::EqualsIgnoreCase, item)))
            }
            ExprKind::HasTerms { all: true, value, haystack: Haystack::List(items) } => {
                all(items.iter().map(|item| terms(value, StringOp::Has, item)))
            }
            ExprKind::HasTerms { all: false, value, haystack: Haystack::List(items) } => {
                any(items.iter().map(|item| terms(value, StringOp::Has, item)))
            }
            _ => None,
        }
    }

    /// The same over the input of a projection.
    pub fn below_project(self, columns: &[Expr]) -> Option<Wanted> {
        match self {
            Wanted::Terms { column, terms } => Some(Wanted::Terms { column: text_of(columns.get(column)?)?, terms }),
            Wanted::All(parts) => all(parts.into_iter().map(|part| part.below_project(columns))),
            Wanted::Any(parts) => any(parts.into_iter().map(|part| part.below_project(columns))),
        }
    }

    /// Whether a row can fit that has the terms for which `may_have` holds.
    pub fn may_fit(&self, may_have: &impl Fn(u64) -> bool) -> bool {
        match self {
            Wanted::Terms { terms, .. } => terms.iter().all(|term| may_have(*term)),
            Wanted::All(parts) => parts.iter().all(|part| part.may_fit(may_have)),
            Wanted::Any(parts) => parts.iter().any(|part| part.may_fit(may_have)),
        }
    }

    /// Conditions that hold together.
    pub fn together(parts: Vec<Wanted>) -> Option<Wanted> {
        all(parts.into_iter().map(Some))
    }
}

/// A condition that is not known may be left out.
fn all(parts: impl IntoIterator<Item = Option<Wanted>>) -> Option<Wanted> {
    let mut known: Vec<Wanted> = parts.into_iter().flatten().collect();
    if known.len() < 2 { known.pop() } else { Some(Wanted::All(known)) }
}

/// A condition that is not known may hold.
fn any(parts: impl IntoIterator<Item = Option<Wanted>>) -> Option<Wanted> {
    let parts: Vec<Wanted> = parts.into_iter().collect::<Option<_>>()?;
    if parts.is_empty() { None } else { Some(Wanted::Any(parts)) }
}

/// `text op needle` with a constant needle: the terms of the needle that are whole terms of a text that fits.
fn terms(text: &Expr, op: StringOp, needle: &Expr) -> Option<Wanted> {
    use StringOp as Op;
    let column = text_of(text)?;
    let ExprKind::Literal(Value::String(needle)) = &needle.kind else { return None };
    // Whether a term at that end of the needle ends there in the text, too.
    let (start, end) = match op {
        Op::EqualsIgnoreCase | Op::Has | Op::HasCs => (true, true),
        Op::HasPrefix | Op::HasPrefixCs | Op::StartsWith | Op::StartsWithCs => (true, false),
        Op::HasSuffix | Op::HasSuffixCs | Op::EndsWith | Op::EndsWithCs => (false, true),
        Op::Contains | Op::ContainsCs => (false, false),
        Op::MatchesRegex => return None,
    };
    let whole = words::with_edges(needle)
        .into_iter()
        .filter(|(_, at_start, at_end)| (start || !at_start) && (end || !at_end))
        .map(|(term, ..)| term);
    let terms: Vec<u64> = whole.collect();
    if terms.is_empty() { None } else { Some(Wanted::Terms { column, terms }) }
}

/// The column of which `expr` is the text, or a part between borders of terms: a path into a dynamic value.
fn text_of(expr: &Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Column { index, .. } if matches!(expr.scalar, ScalarType::String | ScalarType::Dynamic) => {
            Some(*index)
        }
        ExprKind::Path { base, step: PathStep::Key(_) | PathStep::Index(_) } => text_of(base),
        ExprKind::Convert { operand } if expr.scalar == ScalarType::String => text_of(operand),
        ExprKind::Call { function, args, .. } if function.name == "tostring" && args.len() == 1 => text_of(&args[0]),
        _ => None,
    }
}
