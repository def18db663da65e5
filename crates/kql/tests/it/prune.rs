//! Pruning: what is left is well formed, gives the same columns, and reads no more than it needs.

use kernel::schema::ColumnSchema;
use kql::algebra::{Expr, ExprKind, Method, Node, Plan, Query, prune};

/// Prunes `bound` and checks every position that is left; `text` names it.
pub fn check(bound: &Query, text: &str) {
    let mut query = bound.clone();
    prune(&mut query);
    let shared = |query: &Query| query.shared.iter().map(|plan| plan.schema.clone()).collect::<Vec<_>>();
    assert_eq!((&query.plan.schema, shared(&query)), (&bound.plan.schema, shared(bound)), "{text}");
    for plan in query.plans() {
        well_formed(plan, text);
    }
    let mut again = query.clone();
    prune(&mut again);
    assert_eq!(again, query, "pruning twice differs from pruning once: {text}");
}

fn well_formed(plan: &Plan, text: &str) {
    plan.inputs().into_iter().for_each(|input| well_formed(input, text));
    let empty = Vec::new();
    let inputs = plan.inputs();
    let input = inputs.first().map_or(&empty, |input| &input.schema);
    match &plan.node {
        Node::Join { left, right, keys, .. } => {
            for key in keys {
                reads(&key.left, &left.schema, text);
                reads(&key.right, &right.schema, text);
            }
        }
        Node::Derive { method: Method::Scan(scan), .. } => {
            let row = &plan.schema[..scan.width + scan.defaults.len()];
            let wide: Vec<ColumnSchema> = (0..=scan.steps.len()).flat_map(|_| row.iter().cloned()).collect();
            plan.expressions().into_iter().for_each(|expr| reads(expr, &wide, text));
        }
        _ => plan.expressions().into_iter().for_each(|expr| reads(expr, input, text)),
    }
    let width = match &plan.node {
        Node::Project { columns, .. } | Node::Window { columns, .. } => columns.len(),
        Node::Aggregate { keys, aggregates, .. } => {
            keys.len() + aggregates.iter().map(|call| call.outputs.len()).sum::<usize>()
        }
        Node::Values { rows } => rows.first().map_or(plan.schema.len(), Vec::len),
        Node::Filter { .. } | Node::Sort { .. } | Node::Take { .. } | Node::Sample { .. } | Node::Distinct { .. } => {
            assert_eq!(input, &plan.schema, "{text}");
            input.len()
        }
        Node::Union { inputs } => {
            let types = |schema: &[ColumnSchema]| schema.iter().map(|column| column.scalar).collect::<Vec<_>>();
            inputs.iter().for_each(|leg| assert_eq!(types(&leg.schema), types(&plan.schema), "{text}"));
            plan.schema.len()
        }
        _ => plan.schema.len(),
    };
    assert_eq!(width, plan.schema.len(), "{text}: {:?}", plan.node);
}

fn reads(expr: &Expr, schema: &[ColumnSchema], text: &str) {
    if let ExprKind::Column { index, name } = &expr.kind {
        let column = schema.get(*index).unwrap_or_else(|| panic!("{text}: {name} is beyond the input"));
        assert_eq!(column.scalar, expr.scalar, "{text}: {name}");
    }
    expr.operands().into_iter().for_each(|operand| reads(operand, schema, text));
    expr.subplan().into_iter().for_each(|plan| well_formed(plan, text));
}

/// The columns that are read of each table, in the order of the plan.
fn tables(plan: &Plan, found: &mut Vec<String>) {
    if let Node::Table { name } = &plan.node {
        let columns: Vec<_> = plan.schema.iter().map(|column| column.name.as_str()).collect();
        found.push(format!("{name}({})", columns.join(" ")));
    }
    plan.inputs().into_iter().for_each(|input| tables(input, found));
}

fn read_of(text: &str) -> String {
    let mut query = kql::compile(text, &super::specs::catalog()).query.expect(text);
    prune(&mut query);
    let mut found = Vec::new();
    tables(&query.plan, &mut found);
    found.join(", ")
}

#[test]
fn only_what_is_read_is_left() {
    let cases = [
        ("T | project s", "T(s)"),
        ("T | where l > 1 | project s", "T(s l)"),
        ("T | count", "T(s)"),
        ("T | summarize n = count(), m = max(r) by b | project n", "T(b)"),
        ("T | summarize arg_max(t, *) by g | project g, s", "T(s t g)"),
        ("T | sort by t asc | extend x = l + 1 | project s", "T(s t)"),
        ("T | join kind=inner U on s | project l, u", "T(s l), U(s u)"),
        ("T | join kind=leftsemi U on s | project l", "T(s l), U(s)"),
        ("union T, U | project s", "T(s), U(s)"),
        ("union T, U, Logins | count", "T(s), U(s), Logins(TimeGenerated)"),
        ("T | mv-expand d | project s", "T(s d)"),
        ("T | parse s with * 'a' b2 'c' | project b2, l", "T(s l)"),
        ("T | distinct s, l | project s", "T(s l)"),
        ("T | make-series count() on t step 1d by s | project s", "T(s t)"),
        ("T | where s in ((U | project u, s | project s)) | project l", "T(s l)"),
    ];
    for (text, expected) in cases {
        assert_eq!(read_of(text), expected, "{text}");
    }
}
