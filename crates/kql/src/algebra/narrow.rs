//! What a query asks of its tables that a database can judge: conditions and limits, moved down to the scan.
//!
//! They stay in the query as well, so a scan that gives more rows changes no answer.

use std::collections::BTreeMap;

use kernel::port::{FactCondition, FactTest};
use kernel::value::{ScalarType, Value};

use super::Query;
use super::expr::{BinaryOp, Expr, ExprKind, Haystack};
use super::plan::{Node, Plan};

/// What every use of a table in a query agrees on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Narrowing {
    pub conditions: Vec<FactCondition>,
    /// More rows than this are not asked for.
    pub limit: Option<u64>,
}

/// The narrowing of each table. Constants should have been folded before.
pub fn narrowing(query: &Query) -> BTreeMap<String, Narrowing> {
    let mut found = Found::default();
    for plan in query.plans() {
        found.walk(plan, Wanted::default());
    }
    found.uses.into_iter().map(|(table, uses)| (table, agreed(uses))).collect()
}

/// One use keeps its own; of several only what all of them say is true of every row that is wanted.
fn agreed(mut uses: Vec<Narrowing>) -> Narrowing {
    let Some(first) = uses.pop() else { return Narrowing::default() };
    if uses.is_empty() {
        return first;
    }
    let by_all = |condition: &FactCondition| uses.iter().all(|other| other.conditions.contains(condition));
    Narrowing { conditions: first.conditions.into_iter().filter(by_all).collect(), limit: None }
}

/// What operators above a plan want of its rows: tests on its columns by position.
#[derive(Debug, Clone, Default)]
struct Wanted {
    tests: Vec<(usize, FactTest)>,
    limit: Option<u64>,
}

#[derive(Default)]
struct Found {
    uses: BTreeMap<String, Vec<Narrowing>>,
}

impl Found {
    fn walk(&mut self, plan: &Plan, wanted: Wanted) {
        plan.expressions().into_iter().for_each(|expr| self.subplans(expr));
        match &plan.node {
            Node::Table { name } => {
                let named = |(at, test): (usize, FactTest)| {
                    plan.schema.get(at).map(|column| FactCondition { column: column.name.clone(), test })
                };
                let conditions = wanted.tests.into_iter().filter_map(named).collect();
                self.uses.entry(name.clone()).or_default().push(Narrowing { conditions, limit: wanted.limit });
            }
            Node::Filter { input, predicate } => {
                let mut tests = wanted.tests;
                conjuncts(predicate, &mut tests);
                self.walk(input, Wanted { tests, limit: None });
            }
            Node::Project { input, columns } => {
                let below = |(at, test): (usize, FactTest)| match columns.get(at).map(|expr| &expr.kind) {
                    Some(ExprKind::Column { index, .. }) => Some((*index, test)),
                    _ => None,
                };
                let tests = wanted.tests.into_iter().filter_map(below).collect();
                self.walk(input, Wanted { tests, limit: wanted.limit });
            }
            Node::Sort { input, .. } | Node::Distinct { input } => {
                self.walk(input, Wanted { limit: None, ..wanted });
            }
            // What is asked of the rows that are left says nothing of those that were not taken.
            Node::Take { input, rows } => {
                self.walk(input, Wanted { tests: Vec::new(), limit: Some(*rows) });
            }
            Node::Union { inputs } => {
                inputs.iter().for_each(|input| self.walk(input, wanted.clone()));
            }
            _ => plan.inputs().into_iter().for_each(|input| self.walk(input, Wanted::default())),
        }
    }

    fn subplans(&mut self, expr: &Expr) {
        expr.subplan().into_iter().for_each(|plan| self.walk(plan, Wanted::default()));
        expr.operands().into_iter().for_each(|operand| self.subplans(operand));
    }
}

/// The parts of a condition that test one column against constants.
fn conjuncts(predicate: &Expr, tests: &mut Vec<(usize, FactTest)>) {
    match &predicate.kind {
        ExprKind::Binary { op: BinaryOp::And, left, right } => {
            conjuncts(left, tests);
            conjuncts(right, tests);
        }
        ExprKind::Binary { op, left, right } => {
            let (column, value, op) = match (column_of(left), constant(right)) {
                (Some(column), Some(value)) => (column, value, *op),
                _ => match (column_of(right), constant(left)) {
                    (Some(column), Some(value)) => (column, value, mirrored(*op)),
                    _ => return,
                },
            };
            let test = match op {
                BinaryOp::Equal => FactTest::OneOf(vec![value]),
                BinaryOp::Greater | BinaryOp::GreaterOrEqual => FactTest::AtLeast(value),
                BinaryOp::Less | BinaryOp::LessOrEqual => FactTest::AtMost(value),
                _ => return,
            };
            tests.push((column, test));
        }
        ExprKind::Between { negated: false, value, low, high } => {
            let (Some(column), Some(low), Some(high)) = (column_of(value), constant(low), constant(high)) else {
                return;
            };
            tests.push((column, FactTest::AtLeast(low)));
            tests.push((column, FactTest::AtMost(high)));
        }
        ExprKind::In { ignore_case: false, negated: false, value, haystack: Haystack::List(items) } => {
            let values: Option<Vec<Value>> = items.iter().map(constant).collect();
            if let (Some(column), Some(values)) = (column_of(value), values) {
                tests.push((column, FactTest::OneOf(values)));
            }
        }
        _ => {}
    }
}

/// A column as it is, or widened without loss.
fn column_of(expr: &Expr) -> Option<usize> {
    match &expr.kind {
        ExprKind::Column { index, .. } => Some(*index),
        ExprKind::Convert { operand } if (operand.scalar, expr.scalar) == (ScalarType::Int, ScalarType::Long) => {
            column_of(operand)
        }
        _ => None,
    }
}

fn constant(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Literal(Value::Null) => None,
        ExprKind::Literal(value) => Some(value.clone()),
        _ => None,
    }
}

/// The operator that says the same with its sides exchanged.
const fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessOrEqual => BinaryOp::GreaterOrEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterOrEqual => BinaryOp::LessOrEqual,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: &str) {
        let schemas = r#"{"T": {"A": "string", "N": "long", "I": "int", "At": "datetime"}, "U": {"A": "string"}}"#;
        let catalog = crate::catalog::Catalog::new(kernel::schema::parse_tables(schemas).unwrap());
        let mut bound = crate::compile(query, &catalog).query.expect(query);
        super::super::prune(&mut bound);
        let told: Vec<String> = narrowing(&bound)
            .into_iter()
            .map(|(table, Narrowing { conditions, limit })| {
                let conditions = conditions.into_iter().map(|FactCondition { column, test }| match test {
                    FactTest::OneOf(values) => format!("{column} in {:?}", json(&values)),
                    FactTest::AtLeast(value) => format!("{column} >= {}", value.to_json()),
                    FactTest::AtMost(value) => format!("{column} <= {}", value.to_json()),
                });
                let conditions: Vec<String> = conditions.collect();
                let limit = limit.map(|rows| format!(" take {rows}")).unwrap_or_default();
                format!("{table}: {}{limit}", conditions.join(", "))
            })
            .collect();
        assert_eq!(told.join("; "), expected, "{query}");
    }

    fn json(values: &[Value]) -> Vec<String> {
        values.iter().map(|value| value.to_json().to_string()).collect()
    }

    #[test]
    fn conditions_and_limits_reach_the_table() {
        check("T", "T: ");
        check("T | where A == 'x' and N >= 3", r#"T: A in ["\"x\""], N >= 3"#);
        check("T | where 3 > N | where A in ('x', 'y')", r#"T: A in ["\"x\"", "\"y\""], N <= 3"#);
        check("T | where N between (1 .. 5) or A == 'x'", "T: ");
        check("T | where N between (1 .. 5) | project B = A, N", "T: N >= 1, N <= 5");
        check("T | project B = A, M = N + 1 | where B == 'x' and M == 2", r#"T: A in ["\"x\""]"#);
        check("T | where I == 5", r#"T: I in ["5"]"#);
        check("T | where A =~ 'x' or A !in ('y')", "T: ");
        check("T | take 5", "T:  take 5");
        check("T | project A | take 5 | where A == 'x'", "T:  take 5");
        check("T | where A == 'x' | take 5", r#"T: A in ["\"x\""]"#);
        check("T | sort by N | take 5", "T: ");
        check("T | summarize N = count() by A | where A == 'x'", "T: ");
        check("T | where A == 'x' | join (T | where A == 'x' and N > 1) on N", r#"T: A in ["\"x\""]"#);
        check("T | where A == 'x' | union (T | where A == 'y')", "T: ");
        check("union T, U | where A == 'x'", r#"T: A in ["\"x\""]; U: A in ["\"x\""]"#);
        check("T | where A in ((U | where A == 'z' | project A))", r#"T: ; U: A in ["\"z\""]"#);
        check("T | where At > datetime(2026-11-21)", r#"T: At >= "2026-11-21T00:00:00.0000000Z""#);
    }
}
