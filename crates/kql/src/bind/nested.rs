//! top-nested and partition: operators that work within parts of their input.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::{Names, automatic};
use super::pipeline::{option, over};
use super::project::{pick, projected};
use super::{Binder, Collected, Row, convert, expr, source};
use crate::algebra::{AggregateCall, BinaryOp, Expr, ExprKind, JoinKey, JoinKind, Node, Plan, SortKey};
use crate::codes;
use crate::syntax::{self, NestedLevel, PartitionBody};

/// One level of `top-nested`, bound.
struct Level {
    rows: Option<u64>,
    /// The value of the one row that stands for the rest.
    others: Option<Expr>,
    calls: Vec<AggregateCall>,
    /// Over the outputs of `calls`, from position 0.
    measure: Expr,
    descending: bool,
    key: ColumnSchema,
    measured: ColumnSchema,
}

impl Binder<'_> {
    /// `partition by column (operators)`
    pub(super) fn partition(
        &mut self,
        input: Plan,
        options: &[syntax::Setting],
        by: &syntax::Expr,
        body: &PartitionBody,
        span: Span,
    ) -> Plan {
        if let Some((strategy, at)) = option(options, "hint.strategy")
            && !matches!(strategy, "native" | "shuffle" | "legacy")
        {
            self.error(codes::SYNTAX, at, format!("there is no strategy `{strategy}`"))
                .help("strategies: native, shuffle, legacy");
        }
        let Some(key) = self.column_named(&input.schema, by) else { return input };
        if input.schema[key].scalar == ScalarType::Dynamic {
            let message = format!("`{}` is dynamic; rows cannot be divided by it", input.schema[key].name);
            self.error(codes::WRONG_TYPE, by.span, message).help("`extend` it with `tostring(…)` first");
            return input;
        }
        let operators = match body {
            PartitionBody::Operators(operators) => operators,
            PartitionBody::Query(query) => {
                self.error(
                    codes::UNSUPPORTED,
                    query.span,
                    "a body of `partition` with a source of its own is not supported",
                )
                .help("`join` the other table with the values, or write the body in round brackets");
                return input;
            }
        };
        let mut body = Plan { node: Node::ApplyInput, schema: input.schema.clone(), span };
        for operator in operators {
            body = self.operator(body, operator);
        }
        let body = self.no_graph(body);
        partitioned(input, vec![key], body, span)
    }

    /// `top-hitters n of a by b`: exact, where the language promises an estimate.
    pub(super) fn top_hitters(
        &mut self,
        input: Plan,
        rows: &syntax::Expr,
        of: &syntax::NamedExpr,
        by: Option<&syntax::Expr>,
        span: Span,
    ) -> Plan {
        let wanted = self.row_count(rows);
        let call = |function: &str, args: Vec<syntax::Argument>| {
            let function = syntax::Name { text: function.to_owned(), span };
            syntax::Expr { kind: syntax::ExprKind::Call { function, args }, span }
        };
        let (measure, prefix, measured) = match by {
            Some(by) => (call("sum", vec![syntax::Argument { name: None, value: by.clone() }]), "sum", by),
            None => (call("count", Vec::new()), "count", &of.value),
        };
        let stem = automatic(measured).unwrap_or_default();
        let name = syntax::Name { text: format!("approximate_{prefix}_{stem}"), span };
        let aggregate = syntax::NamedExpr { names: vec![name], value: measure };
        let grouped = self.summarize(input, &[aggregate], std::slice::from_ref(of), span);
        if grouped.schema.is_empty() {
            return grouped;
        }
        top_of(grouped, 0, wanted, true, span)
    }

    /// `top-nested n of a by f, top-nested m of b by g, …`
    pub(super) fn top_nested(&mut self, input: Plan, levels: &[NestedLevel], span: Span) -> Plan {
        if !self.spend(u32::try_from(levels.len()).unwrap_or(u32::MAX).saturating_mul(8), span) {
            return source::nothing(span);
        }
        let mut row = Row::of(&input.schema);
        let width = input.schema.len();
        let mut names = Names::default();
        let mut schema = input.schema.clone();
        let mut columns: Vec<Expr> = (0..width).map(|at| expr::at(&input.schema, at, span)).collect();
        let mut bound = Vec::with_capacity(levels.len());
        for level in levels {
            let Some((level, key)) = self.nested_level(level, &mut row, &mut names) else {
                return source::nothing(span);
            };
            schema.push(ColumnSchema { name: format!("${}", schema.len()), scalar: key.scalar });
            columns.push(key);
            bound.push(level);
        }
        if row.window {
            self.error(codes::MISPLACED, span, "window functions cannot stand in `top-nested`")
                .help("compute them with `extend` first");
        }
        let rows = projected(input, schema, columns, false, span);
        let rows = self.share(rows);
        self.nested(rows, width, &bound, span)
    }

    fn nested_level(&mut self, level: &NestedLevel, row: &mut Row, names: &mut Names) -> Option<(Level, Expr)> {
        let rows = level.rows.as_ref().map(|rows| self.row_count(rows));
        let key = self.scalar(&level.of.value, row);
        if matches!(key.kind, ExprKind::Invalid) {
            return None;
        }
        if key.scalar == ScalarType::Dynamic {
            self.error(codes::WRONG_TYPE, key.span, "rows cannot be grouped by a dynamic value")
                .help("use `tostring(…)`");
            return None;
        }
        let others = match &level.others {
            Some(others) => {
                let bound = self.scalar(others, &mut Row::default());
                if !matches!(bound.kind, ExprKind::Literal(_) | ExprKind::Invalid) {
                    self.error(codes::NOT_CONSTANT, others.span, "`others` is a constant");
                    return None;
                }
                Some(self.force(bound, key.scalar))
            }
            None => None,
        };
        row.aggregates = Some(Collected::default());
        let measure = self.scalar(&level.by.value.value, row);
        let calls = row.aggregates.take().unwrap_or_default().calls;
        if matches!(measure.kind, ExprKind::Invalid) {
            return None;
        }
        if measure.scalar == ScalarType::Dynamic {
            self.error(codes::WRONG_TYPE, measure.span, "a dynamic value has no order");
            return None;
        }
        if calls.is_empty() {
            self.error(codes::MISPLACED, measure.span, "`top-nested` orders by an aggregate")
                .help("write `by count()`");
            return None;
        }
        let written = |named: &syntax::NamedExpr| named.names.first().map(|name| name.text.clone());
        let name = written(&level.of).or_else(|| automatic(&level.of.value));
        let name = names.automatic(name);
        let measured = written(&level.by.value).unwrap_or_else(|| format!("aggregated_{name}"));
        let measured = names.free(&measured);
        let (key_column, measured) =
            (ColumnSchema { name, scalar: key.scalar }, ColumnSchema { name: measured, scalar: measure.scalar });
        let descending = !level.by.ascending.unwrap_or(false);
        Some((Level { rows, others, calls, measure, descending, key: key_column, measured }, key))
    }

    /// The levels over `rows`, whose keys stand from position `first` on.
    fn nested(&mut self, rows: Plan, first: usize, levels: &[Level], span: Span) -> Plan {
        let mut tops: Vec<Plan> = Vec::with_capacity(levels.len());
        let mut rest = Vec::new();
        for (at, level) in levels.iter().enumerate() {
            let within = match tops.last() {
                Some(parents) => matching(JoinKind::LeftSemi, rows.clone(), first, parents.clone(), at, span),
                None => rows.clone(),
            };
            let all = measured(within.clone(), first, at + 1, &[level], span);
            let top = match level.rows {
                Some(wanted) => top_of(all, at, wanted, level.descending, span),
                None => all,
            };
            let top = self.share(top);
            if level.others.is_some() {
                let left_out = matching(JoinKind::LeftAnti, within, first, top.clone(), at + 1, span);
                rest.push(self.others(left_out, first, levels, at, &tops, span));
            }
            tops.push(top);
        }
        let Some(last) = tops.pop() else { return source::nothing(span) };
        let main = with_parents(last, levels.len() - 1, &tops, span);
        let schema: Vec<ColumnSchema> =
            levels.iter().flat_map(|level| [level.key.clone(), level.measured.clone()]).collect();
        let depth = levels.len();
        let columns = (0..depth)
            .flat_map(|at| {
                // Keys, then the last measure, then those of the parents.
                let measure = if at + 1 == depth { depth } else { depth + 1 + at };
                [at, measure]
            })
            .map(|at| expr::at(&main.schema, at, span))
            .collect();
        let main = projected(main, schema.clone(), columns, false, span);
        if rest.is_empty() {
            return main;
        }
        let inputs =
            std::iter::once(main).chain(rest.into_iter().map(|plan| Plan { schema: schema.clone(), ..plan })).collect();
        Plan { node: Node::Union { inputs }, schema, span }
    }

    /// One row for all that level `at` left out, within each parent. Lower levels have their own word for the rest, or
    /// nothing.
    fn others(&mut self, left_out: Plan, first: usize, levels: &[Level], at: usize, tops: &[Plan], span: Span) -> Plan {
        let summed: Vec<&Level> = levels[at..].iter().filter(|level| level.others.is_some()).collect();
        let grouped = measured(left_out, first, at, &summed, span);
        let grouped = with_parents_of(grouped, at, at + summed.len(), &tops[..at], span);
        let mut columns = Vec::with_capacity(levels.len() * 2);
        let mut next = at;
        for (place, level) in levels.iter().enumerate() {
            let null = |scalar| {
                convert::convert(
                    Expr { kind: ExprKind::Literal(Value::Null), scalar: ScalarType::Dynamic, span },
                    scalar,
                )
            };
            if place < at {
                columns.push(expr::at(&grouped.schema, place, span));
                columns.push(expr::at(&grouped.schema, at + summed.len() + place, span));
                continue;
            }
            match &level.others {
                Some(word) => {
                    columns.push(word.clone());
                    columns.push(expr::at(&grouped.schema, next, span));
                    next += 1;
                }
                None => {
                    columns.push(null(level.key.scalar));
                    columns.push(null(level.measured.scalar));
                }
            }
        }
        let schema = levels.iter().flat_map(|level| [level.key.clone(), level.measured.clone()]).collect();
        projected(grouped, schema, columns, false, span)
    }
}

/// `body` for the rows of each value of `keys`.
fn partitioned(input: Plan, keys: Vec<usize>, body: Plan, span: Span) -> Plan {
    let schema = body.schema.clone();
    let keys = keys.into_iter().map(|at| expr::at(&input.schema, at, span)).collect();
    Plan { node: Node::Partition { input: Box::new(input), keys, body: Box::new(body) }, schema, span }
}

/// The measures of `levels` by the first `keys` keys of `rows`: the keys, then the measures. No rows: no row.
fn measured(rows: Plan, first: usize, keys: usize, levels: &[&Level], span: Span) -> Plan {
    let grouping: Vec<Expr> = (first..first + keys).map(|at| expr::at(&rows.schema, at, span)).collect();
    let mut schema: Vec<ColumnSchema> = (first..first + keys).map(|at| rows.schema[at].clone()).collect();
    let mut calls = Vec::new();
    let mut columns: Vec<Expr> = (0..keys).map(|at| expr::at(&schema, at, span)).collect();
    for level in levels {
        let offset = schema.len();
        for call in &level.calls {
            calls.push(call.clone());
            let outputs = call.outputs.iter().map(|scalar| ColumnSchema { name: String::new(), scalar: *scalar });
            schema.extend(outputs);
        }
        columns.push(shifted(&level.measure, offset));
    }
    let mut counted = None;
    if keys == 0 {
        counted = crate::functions::aggregate("count");
    }
    if let Some(function) = counted {
        calls.push(AggregateCall { function, args: Vec::new(), filter: None, outputs: vec![ScalarType::Long], span });
        schema.push(ColumnSchema { name: String::new(), scalar: ScalarType::Long });
    }
    number(&mut schema);
    let node = Node::Aggregate { input: Box::new(rows), keys: grouping, aggregates: calls };
    let mut grouped = Plan { node, schema, span };
    if counted.is_some() {
        let rows = expr::at(&grouped.schema, grouped.schema.len() - 1, span);
        let zero = Expr { kind: ExprKind::Literal(Value::Long(0)), scalar: ScalarType::Long, span };
        let kind = ExprKind::Binary { op: BinaryOp::Greater, left: Box::new(rows), right: Box::new(zero) };
        let predicate = Expr { kind, scalar: ScalarType::Bool, span };
        grouped = over(grouped, span, |input| Node::Filter { input, predicate });
    }
    let mut schema: Vec<ColumnSchema> =
        columns.iter().map(|column| ColumnSchema { name: String::new(), scalar: column.scalar }).collect();
    number(&mut schema);
    projected(grouped, schema, columns, false, span)
}

/// The `wanted` greatest (or least) by the last column within each combination of the first `keys` columns.
fn top_of(all: Plan, keys: usize, wanted: u64, descending: bool, span: Span) -> Plan {
    let measure = all.schema.len() - 1;
    let key = SortKey { expr: expr::at(&all.schema, measure, span), descending, nulls_first: !descending };
    let first = |plan: Plan| {
        let sorted = over(plan, span, |input| Node::Sort { input, keys: vec![key] });
        over(sorted, span, |input| Node::Take { input, rows: wanted })
    };
    if keys == 0 {
        return first(all);
    }
    let part = Plan { node: Node::ApplyInput, schema: all.schema.clone(), span };
    partitioned(all, (0..keys).collect(), first(part), span)
}

/// Rows whose first `keys` keys (from position `first`) do or do not occur among those of `others`.
fn matching(kind: JoinKind, rows: Plan, first: usize, others: Plan, keys: usize, span: Span) -> Plan {
    let pairs = (0..keys)
        .map(|at| JoinKey { left: expr::at(&rows.schema, first + at, span), right: expr::at(&others.schema, at, span) })
        .collect();
    let schema = rows.schema.clone();
    let node = Node::Join { kind, left: Box::new(rows), right: Box::new(others), keys: pairs };
    Plan { node, schema, span }
}

/// `rows` (`depth + 1` keys and a measure) with the measures of all parents after it.
fn with_parents(rows: Plan, depth: usize, tops: &[Plan], span: Span) -> Plan {
    with_parents_of(rows, depth, depth + 2, tops, span)
}

/// The first `width` columns of `rows`, of which the first `depth` are keys, then the measure of each parent.
fn with_parents_of(rows: Plan, depth: usize, width: usize, tops: &[Plan], span: Span) -> Plan {
    let mut plan = rows;
    for (at, top) in tops.iter().enumerate().take(depth) {
        let keys = (0..=at)
            .map(|key| JoinKey { left: expr::at(&plan.schema, key, span), right: expr::at(&top.schema, key, span) })
            .collect();
        let mut schema: Vec<ColumnSchema> = plan.schema.iter().chain(&top.schema).cloned().collect();
        number(&mut schema);
        let own = plan.schema.len();
        let node = Node::Join { kind: JoinKind::Inner, left: Box::new(plan), right: Box::new(top.clone()), keys };
        let joined = Plan { node, schema, span };
        let kept: Vec<usize> = (0..own).chain([own + at + 1]).collect();
        plan = pick(joined, &kept, span);
    }
    debug_assert_eq!(plan.schema.len(), width + tops.len().min(depth));
    plan
}

/// Columns that nobody names.
fn number(schema: &mut [ColumnSchema]) {
    schema.iter_mut().enumerate().for_each(|(at, column)| column.name = format!("${at}"));
}

/// `expr` over columns that stand `by` places further on.
fn shifted(expr: &Expr, by: usize) -> Expr {
    let mut moved = expr.clone();
    shift(&mut moved, by);
    moved
}

fn shift(expr: &mut Expr, by: usize) {
    if let ExprKind::Column { index, .. } = &mut expr.kind {
        *index += by;
    }
    expr.operands_mut().into_iter().for_each(|operand| shift(operand, by));
}
