//! Predicates that a scan may use to skip files and row groups.
//!
//! A hint is a comparison of one column with constants that every row of interest must pass, or terms that it must have. It
//! travels down to the table, where a comparison becomes a filter in the *stored* types, and terms a question to the term
//! index. The KQL predicate stays where it was: a hint may skip rows, never decide about one.

use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr as DfExpr, Operator, binary_expr};
use kernel::schema::ColumnSchema;
use kernel::{ScalarType, Timestamp, Value};
use kql::algebra::{BinaryOp, Expr, ExprKind, Haystack};

use crate::terms::Wanted;

/// What every row of interest fulfils.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// A comparison of the column at `index` with constants.
    Column {
        index: usize,
        test: Test,
    },
    Terms(Wanted),
    /// A search for constants in the text of the column at `index`.
    Search {
        index: usize,
        search: Expr,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Compare(Operator, Value),
    OneOf(Vec<Value>),
}

/// Elements of a list that are worth testing against statistics.
const MOST_ELEMENTS: usize = 64;

impl Hint {
    /// The hints in `predicate`.
    pub fn of(predicate: &Expr) -> Vec<Hint> {
        let terms = Wanted::of(predicate).map(|wanted| Hint(Kind::Terms(wanted)));
        Hint::comparisons(predicate).into_iter().chain(terms).chain(Hint::search(predicate)).collect()
    }

    /// A search that alone decides whether a row matters.
    fn search(predicate: &Expr) -> Option<Hint> {
        let (value, needles) = match &predicate.kind {
            ExprKind::Binary { op: BinaryOp::And, left, right } => {
                return Hint::search(right).or_else(|| Hint::search(left));
            }
            ExprKind::StringMatch { negated: false, left, right, .. } => (left, std::slice::from_ref(right.as_ref())),
            ExprKind::HasTerms { value, haystack: Haystack::List(items), .. } => (value, items.as_slice()),
            _ => return None,
        };
        let is_constant = needles.iter().all(|needle| matches!(needle.kind, ExprKind::Literal(Value::String(_))));
        let index = column(value).filter(|_| is_constant && value.scalar == ScalarType::String)?;
        Some(Hint(Kind::Search { index, search: predicate.clone() }))
    }

    fn comparisons(predicate: &Expr) -> Vec<Hint> {
        match &predicate.kind {
            ExprKind::Binary { op: BinaryOp::And, left, right } => {
                let mut hints = Hint::comparisons(left);
                hints.extend(Hint::comparisons(right));
                hints
            }
            ExprKind::Binary { op, left, right } => comparison(*op, left, right).into_iter().collect(),
            ExprKind::Between { negated: false, value, low, high } => [(Operator::GtEq, low), (Operator::LtEq, high)]
                .into_iter()
                .filter_map(|(op, bound)| compare(op, value, bound))
                .collect(),
            ExprKind::In { ignore_case: false, negated: false, value, haystack: Haystack::List(items) }
                if items.len() <= MOST_ELEMENTS =>
            {
                let constants: Option<Vec<Value>> = items.iter().map(constant).collect();
                match (column(value), constants) {
                    (Some(index), Some(values)) => vec![Hint(Kind::Column { index, test: Test::OneOf(values) })],
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// The same over the input of a projection, when the columns are merely passed on there.
    pub fn below_project(self, columns: &[Expr]) -> Option<Hint> {
        Some(Hint(match self.0 {
            Kind::Column { index, test } => Kind::Column { index: column(columns.get(index)?)?, test },
            Kind::Terms(wanted) => Kind::Terms(wanted.below_project(columns)?),
            Kind::Search { index, mut search } => {
                let below = columns.get(index)?;
                match &mut search.kind {
                    ExprKind::StringMatch { left: value, .. } | ExprKind::HasTerms { value, .. } => {
                        **value = below.clone();
                    }
                    _ => return None,
                }
                Kind::Search { index: column(below)?, search }
            }
        }))
    }
}

fn column(expr: &Expr) -> Option<usize> {
    match expr.kind {
        ExprKind::Column { index, .. } => Some(index),
        _ => None,
    }
}

fn constant(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Literal(value) if *value != Value::Null => Some(value.clone()),
        _ => None,
    }
}

fn compare(op: Operator, left: &Expr, right: &Expr) -> Option<Hint> {
    Some(Hint(Kind::Column { index: column(left)?, test: Test::Compare(op, constant(right)?) }))
}

fn comparison(op: BinaryOp, left: &Expr, right: &Expr) -> Option<Hint> {
    let op = match op {
        BinaryOp::Equal => Operator::Eq,
        BinaryOp::Less => Operator::Lt,
        BinaryOp::LessOrEqual => Operator::LtEq,
        BinaryOp::Greater => Operator::Gt,
        BinaryOp::GreaterOrEqual => Operator::GtEq,
        _ => return None,
    };
    compare(op, left, right).or_else(|| compare(op.swap()?, right, left))
}

/// Hints as filters over stored columns.
pub fn stored_filters(hints: &[Hint], schema: &[ColumnSchema]) -> Vec<DfExpr> {
    let filter = |hint: &Hint| match &hint.0 {
        Kind::Column { index, test } => stored_filter(test, schema.get(*index)?),
        Kind::Terms(_) | Kind::Search { .. } => None,
    };
    hints.iter().filter_map(filter).collect()
}

/// What the hints ask of the terms of a row.
pub(super) fn wanted_terms(hints: &[Hint]) -> Option<Wanted> {
    let terms = hints.iter().filter_map(|hint| match &hint.0 {
        Kind::Terms(wanted) => Some(wanted.clone()),
        Kind::Column { .. } | Kind::Search { .. } => None,
    });
    Wanted::together(terms.collect())
}

/// Searches that a row of interest passes, over the columns of its table.
pub(super) fn searches(hints: &[Hint]) -> impl Iterator<Item = &Expr> {
    hints.iter().filter_map(|hint| match &hint.0 {
        Kind::Search { search, .. } => Some(search),
        Kind::Column { .. } | Kind::Terms(_) => None,
    })
}

fn stored_filter(test: &Test, column: &ColumnSchema) -> Option<DfExpr> {
    let stored = DfExpr::Column(Column::new_unqualified(column.name.clone()));
    match test {
        Test::Compare(op, value) => {
            // Stored instants are microseconds: a bound between two of them is rounded outwards.
            let outwards = matches!(op, Operator::Lt | Operator::LtEq);
            if outwards && column.scalar == ScalarType::String {
                // A missing string is stored as null but is the least string in KQL.
                return None;
            }
            let op = match (op, column.scalar) {
                (Operator::Lt, ScalarType::DateTime) => Operator::LtEq,
                (Operator::Gt, ScalarType::DateTime) => Operator::GtEq,
                (op, _) => *op,
            };
            Some(binary_expr(stored, op, DfExpr::Literal(stored_value(value, column.scalar, outwards)?, None)))
        }
        Test::OneOf(values) => {
            let constants: Option<Vec<DfExpr>> = values
                .iter()
                .map(|value| Some(DfExpr::Literal(stored_value(value, column.scalar, false)?, None)))
                .collect();
            Some(stored.in_list(constants.filter(|constants| !constants.is_empty())?, false))
        }
    }
}

fn stored_value(value: &Value, scalar: ScalarType, up: bool) -> Option<ScalarValue> {
    Some(match (value, scalar) {
        (Value::DateTime(ticks), ScalarType::DateTime) => {
            let micros = Timestamp::from_ticks(*ticks).micros() + i64::from(up && ticks.rem_euclid(10) != 0);
            ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))
        }
        (Value::Long(number), ScalarType::Long) | (Value::TimeSpan(number), ScalarType::TimeSpan) => {
            ScalarValue::Int64(Some(*number))
        }
        (Value::Int(number), ScalarType::Int) => ScalarValue::Int32(Some(*number)),
        // The empty string is stored as null or as empty; statistics cannot tell.
        (Value::String(text), ScalarType::String) if !text.is_empty() => ScalarValue::Utf8View(Some(text.clone())),
        (Value::Guid(text), ScalarType::Guid) => ScalarValue::Utf8View(Some(text.clone())),
        _ => return None,
    })
}
