//! Columns that nobody reads are not computed.
//!
//! The binder keeps every column of every table, because any of them may be asked for. A `union *` over thirty
//! tables of fifty columns is then 1,500 columns wide in each of thirty branches, and a planner that sees all of it
//! needs minutes. Here each operator is told which of its columns are read above it and keeps those, so that what a
//! plan costs depends on what the question reads.
//!
//! Rows are never changed: an operator whose columns decide about rows (`distinct`, keys, sort keys, predicates, what
//! `mv-expand` unfolds) keeps them.

use std::collections::BTreeSet;

use kernel::schema::ColumnSchema;

use super::{AggregateCall, Expr, ExprKind, GraphMatch, JoinKind, Method, Node, ParsePart, Plan, Query};

/// Positions of columns.
type Columns = BTreeSet<usize>;

/// Takes out of `query` every column that nobody reads. The result has the same columns and rows as before.
pub fn prune(query: &mut Query) {
    query.plans_mut().for_each(keep_all);
}

fn keep_all(plan: &mut Plan) {
    let all = (0..plan.schema.len()).collect();
    narrow(plan, &all);
}

/// Where the columns of an operator went: the new position by the old one, nothing for one that is gone.
struct Moved(Vec<Option<usize>>);

impl Moved {
    fn nothing(width: usize) -> Moved {
        Moved((0..width).map(Some).collect())
    }

    fn keeping(width: usize, kept: &Columns) -> Moved {
        let mut next = 0..;
        Moved((0..width).map(|at| if kept.contains(&at) { next.next() } else { None }).collect())
    }

    fn to(&self, old: usize) -> usize {
        let new = self.0.get(old).copied().flatten();
        debug_assert!(new.is_some(), "column {old} is read and was pruned");
        new.unwrap_or(0)
    }

    /// The old positions that are still there, in order.
    fn kept(&self) -> Columns {
        self.0.iter().enumerate().filter(|(_, new)| new.is_some()).map(|(old, _)| old).collect()
    }

    /// Corrects what `expr` reads of these columns.
    fn apply(&self, expr: &mut Expr) {
        if let ExprKind::Column { index, .. } = &mut expr.kind {
            *index = self.to(*index);
        }
        expr.operands_mut().into_iter().for_each(|operand| self.apply(operand));
    }
}

/// The columns that `exprs` read.
fn read_by<'e>(exprs: impl IntoIterator<Item = &'e Expr>) -> Columns {
    fn note(expr: &Expr, found: &mut Columns) {
        if let ExprKind::Column { index, .. } = expr.kind {
            found.insert(index);
        }
        expr.operands().into_iter().for_each(|operand| note(operand, found));
    }
    let mut found = Columns::new();
    exprs.into_iter().for_each(|expr| note(expr, &mut found));
    found
}

fn only<T>(items: &mut Vec<T>, kept: &Columns) {
    let mut at = 0;
    items.retain(|_| {
        at += 1;
        kept.contains(&(at - 1))
    });
}

/// At least one column, so that rows can be counted by any engine.
fn at_least_one(needed: &Columns, width: usize) -> Columns {
    if needed.is_empty() && width > 0 { Columns::from([0]) } else { needed.clone() }
}

/// Prunes `plan` so that it gives exactly the columns `needed`, in their order.
fn narrow(plan: &mut Plan, needed: &Columns) {
    let moved = pruned(plan, needed);
    if moved.kept() == *needed {
        return;
    }
    let span = plan.span;
    let column = |old: usize| {
        let index = moved.to(old);
        let ColumnSchema { name, scalar } = &plan.schema[index];
        Expr { kind: ExprKind::Column { index, name: name.clone() }, scalar: *scalar, span }
    };
    let columns: Vec<Expr> = needed.iter().map(|old| column(*old)).collect();
    let schema = needed.iter().map(|old| plan.schema[moved.to(*old)].clone()).collect();
    let input = std::mem::replace(plan, Plan { node: Node::ApplyInput, schema, span });
    plan.node = Node::Project { input: Box::new(input), columns };
}

/// Prunes `plan`, of which `needed` is read; tells where its columns went. More than `needed` may stay.
fn pruned(plan: &mut Plan, needed: &Columns) -> Moved {
    for expr in plan.expressions_mut() {
        subplans(expr);
    }
    let width = plan.schema.len();
    let moved = match &mut plan.node {
        Node::Table { .. } => Moved::keeping(width, &at_least_one(needed, width)),
        Node::Values { rows } => {
            rows.iter_mut().for_each(|row| only(row, needed));
            Moved::keeping(width, needed)
        }
        // A shared plan is computed whole for whoever reads it; the rest has few columns.
        Node::Range { .. } | Node::Shared(_) | Node::External(_) | Node::ApplyInput => Moved::nothing(width),
        Node::Filter { input, predicate } => {
            let moved = pruned(input, &(needed | &read_by([&*predicate])));
            moved.apply(predicate);
            moved
        }
        Node::Sort { input, keys } => {
            let moved = pruned(input, &(needed | &read_by(keys.iter().map(|key| &key.expr))));
            keys.iter_mut().for_each(|key| moved.apply(&mut key.expr));
            moved
        }
        Node::Take { input, .. } | Node::Sample { input, .. } => pruned(input, needed),
        Node::Distinct { input } => {
            narrow(input, &(0..width).collect());
            Moved::nothing(width)
        }
        Node::Project { input, columns } | Node::Window { input, columns } => {
            let kept = at_least_one(needed, width);
            only(columns, &kept);
            below(input, columns.iter_mut().collect());
            Moved::keeping(width, &kept)
        }
        Node::Aggregate { input, keys, aggregates } => {
            let kept = aggregated(keys.len(), aggregates, needed);
            let calls = aggregates.iter_mut().flat_map(|call| call.args.iter_mut().chain(&mut call.filter));
            below(input, keys.iter_mut().chain(calls).collect());
            Moved::keeping(width, &kept)
        }
        Node::Union { inputs } => {
            let kept = at_least_one(needed, width);
            inputs.iter_mut().for_each(|input| narrow(input, &kept));
            Moved::keeping(width, &kept)
        }
        Node::Join { .. } => joined(plan, needed),
        Node::Expand { .. } | Node::Parse { .. } => appended(plan, needed),
        Node::Apply { .. }
        | Node::Partition { .. }
        | Node::Derive { .. }
        | Node::Graph(_)
        | Node::MakeSeries { .. } => over_whole_inputs(plan, needed),
    };
    only(&mut plan.schema, &moved.kept());
    moved
}

/// As [`pruned`], for operators that read whole inputs or run a body over them.
fn over_whole_inputs(plan: &mut Plan, needed: &Columns) -> Moved {
    let width = plan.schema.len();
    match &mut plan.node {
        Node::Apply { input, .. } => {
            // The body reads the expansion by position and the result the expansion's input: both stay as they are.
            if let Node::Expand { input, .. } = &mut input.node {
                keep_all(input);
            }
            Moved::nothing(width)
        }
        Node::Partition { input, .. } => {
            keep_all(input);
            Moved::nothing(width)
        }
        Node::Derive { inputs, method } => {
            inputs.iter_mut().for_each(keep_all);
            match method {
                Method::GraphMatch(GraphMatch { outputs, .. }) => {
                    let kept = at_least_one(needed, width);
                    only(outputs, &kept);
                    Moved::keeping(width, &kept)
                }
                _ => Moved::nothing(width),
            }
        }
        Node::Graph(_) => Moved::nothing(width),
        Node::MakeSeries { .. } => {
            let mut inner = std::mem::replace(&mut plan.node, Node::ApplyInput);
            if let Node::MakeSeries { input, series, axis, from, to, step, keys, .. } = &mut inner {
                let calls = series
                    .iter_mut()
                    .flat_map(|one| one.calls.iter_mut())
                    .flat_map(|call| call.args.iter_mut().chain(&mut call.filter));
                below(input, calls.chain([axis, step]).chain(from).chain(to).chain(keys).collect());
            }
            plan.node = inner;
            Moved::nothing(width)
        }
        _ => Moved::nothing(width),
    }
}

/// Prunes `input` down to what `exprs` read, and corrects them.
fn below(input: &mut Plan, exprs: Vec<&mut Expr>) {
    let moved = pruned(input, &read_by(exprs.iter().map(|expr| &**expr)));
    exprs.into_iter().for_each(|expr| moved.apply(expr));
}

/// Prunes the plans inside `expr`: of each, the first column is read.
fn subplans(expr: &mut Expr) {
    if let Some(plan) = expr.subplan_mut() {
        let first = (0..plan.schema.len().min(1)).collect();
        narrow(plan, &first);
    }
    expr.operands_mut().into_iter().for_each(subplans);
}

/// Drops aggregates that are not `needed`; returns what stays. Keys make the groups and stay.
fn aggregated(keys: usize, aggregates: &mut Vec<AggregateCall>, needed: &Columns) -> Columns {
    let mut kept: Columns = (0..keys).collect();
    let (mut first, mut stay) = (keys, Columns::new());
    for (at, call) in aggregates.iter_mut().enumerate() {
        let width = call.outputs.len();
        let mut mine: Columns = (0..width).filter(|output| needed.contains(&(first + output))).collect();
        // Without keys, an aggregate is what makes the one row.
        let only_one = keys == 0 && needed.is_empty() && at == 0;
        if !mine.is_empty() || only_one {
            stay.insert(at);
            match call.function.name {
                // One output for each argument; the first argument decides which row is picked.
                "arg_max" | "arg_min" => {
                    mine.insert(0);
                    only(&mut call.args, &mine);
                    only(&mut call.outputs, &mine);
                }
                _ => mine = (0..width).collect(),
            }
            kept.extend(mine.iter().map(|output| first + output));
        }
        first += width;
    }
    only(aggregates, &stay);
    kept
}

/// [`Node::Join`]: each side keeps what is needed of it and its keys.
fn joined(plan: &mut Plan, needed: &Columns) -> Moved {
    let width = plan.schema.len();
    let Node::Join { kind, left, right, keys } = &mut plan.node else { return Moved::nothing(width) };
    let (gives_left, gives_right) = match kind {
        JoinKind::LeftSemi | JoinKind::LeftAnti => (true, false),
        JoinKind::RightSemi | JoinKind::RightAnti => (false, true),
        JoinKind::InnerUnique | JoinKind::Inner | JoinKind::LeftOuter | JoinKind::RightOuter | JoinKind::FullOuter => {
            (true, true)
        }
    };
    let border = if gives_left { left.schema.len() } else { 0 };
    let mut of_left = read_by(keys.iter().map(|key| &key.left));
    let mut of_right = read_by(keys.iter().map(|key| &key.right));
    if gives_left {
        of_left.extend(needed.iter().filter(|at| **at < border));
    }
    if gives_right {
        of_right.extend(needed.iter().filter(|at| **at >= border).map(|at| at - border));
    }
    let (of_left, of_right) = (pruned(left, &of_left), pruned(right, &of_right));
    for key in keys {
        of_left.apply(&mut key.left);
        of_right.apply(&mut key.right);
    }
    let mut kept = Columns::new();
    if gives_left {
        kept.extend(of_left.kept());
    }
    if gives_right {
        kept.extend(of_right.kept().into_iter().map(|at| at + border));
    }
    Moved::keeping(width, &kept)
}

/// [`Node::Expand`] and [`Node::Parse`]: the input's columns, some replaced in place, then new ones. What is made is
/// kept, because it decides about rows.
fn appended(plan: &mut Plan, needed: &Columns) -> Moved {
    let width = plan.schema.len();
    let made: Columns = match &plan.node {
        Node::Expand { columns, index, .. } => columns.iter().map(|column| column.output).chain(*index).collect(),
        Node::Parse { pattern, .. } => pattern.iter().filter_map(output_of).collect(),
        _ => return Moved::nothing(width),
    };
    let mut reads = read_by(plan.expressions());
    let Some(input) = plan.inputs_mut().pop() else { return Moved::nothing(width) };
    let border = input.schema.len();
    reads.extend(needed.iter().chain(&made).filter(|at| **at < border));
    let moved = pruned(input, &reads);
    let kept: Columns = moved.kept().into_iter().chain(border..width).collect();
    plan.expressions_mut().into_iter().for_each(|expr| moved.apply(expr));
    let moved = Moved::keeping(width, &kept);
    match &mut plan.node {
        Node::Expand { columns, index, .. } => {
            columns.iter_mut().for_each(|column| column.output = moved.to(column.output));
            *index = index.map(|at| moved.to(at));
        }
        Node::Parse { pattern, .. } => {
            for part in pattern {
                if let ParsePart::Column { output, .. } = part {
                    *output = moved.to(*output);
                }
            }
        }
        _ => {}
    }
    moved
}

fn output_of(part: &ParsePart) -> Option<usize> {
    match part {
        ParsePart::Column { output, .. } => Some(*output),
        ParsePart::Text(_) | ParsePart::Skip => None,
    }
}
