//! `mv-apply`: a subquery over the elements of each row.
//!
//! Every input row gets a number; the columns that the result keeps travel with it as context through the
//! subquery, where grouping, order and `take` happen within each number.

use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr as DfExpr, ExprFunctionExt, LogicalPlanBuilder, cast, lit};
use kernel::{ScalarType, Span};
use kql::algebra::{AggregateCall, Expr, Node, Plan, SortKey};

use super::super::aggregate::pick::Extreme;
use super::super::aggregate::{Kind, KqlAggregate};
use super::expr::{lower, typed};
use super::{Col, LowerError, Lowered, Lowering, refused};

/// What the subquery reads: the expansion's columns, then its context.
#[derive(Debug, Clone)]
pub struct ApplyInput {
    rows: Lowered,
}

impl Lowering<'_> {
    pub(super) fn apply(
        &mut self,
        input: &Plan,
        body: &Plan,
        keep: &[usize],
        span: Span,
    ) -> Result<Lowered, LowerError> {
        let Node::Expand { input: source, .. } = &input.node else {
            return Err(refused(span, "mv-apply over something else than an expansion"));
        };
        if self.apply.is_some() {
            return Err(refused(span, "mv-apply over the rows of another one"));
        }
        let source = self.plan(source, Vec::new())?;
        self.apply_over(source, 0, input, body, keep)
    }

    /// As [`Self::apply`] over `source`, the last `outer` columns of which are the context of an `mv-apply` around it;
    /// they are the last of the result too.
    fn apply_over(
        &mut self,
        source: Lowered,
        outer: usize,
        input: &Plan,
        body: &Plan,
        keep: &[usize],
    ) -> Result<Lowered, LowerError> {
        let Node::Expand { columns, index, limit, bag_as_array, .. } = &input.node else {
            return Err(refused(input.span, "mv-apply over something else than an expansion"));
        };
        let own = source.columns.len() - outer;
        let numbered = self.numbered(source)?;
        // Context follows the expansion's own columns, under names of its own.
        let context: Vec<Col> = std::iter::once(numbered.columns.len() - 1)
            .chain(keep.iter().copied())
            .chain(own..own + outer)
            .filter_map(|at| numbered.columns.get(at).cloned())
            .collect();
        let width = input.schema.len();
        let mut schema = input.schema.clone();
        let mut expressions: Vec<(DfExpr, ScalarType)> =
            numbered.columns.iter().take(own).map(|column| (column.expr(), column.scalar)).collect();
        expressions.resize_with(own.max(width), || (lit(0_i64), ScalarType::Long));
        for column in &context {
            let copy = self.fresh();
            expressions.push((column.expr().alias(copy.clone()), column.scalar));
            schema.push(kernel::ColumnSchema { name: copy, scalar: column.scalar });
        }
        let wide = self.projected(numbered.plan, expressions, numbered.order)?;
        let rows = self.expand(wide, columns, *index, *limit, *bag_as_array, &schema)?;
        let around = self.apply.replace(ApplyInput { rows });
        let result = self.body(body, context.len());
        self.apply = around;
        let result = result?;
        let body_width = result.columns.len() - context.len();
        let (made, carried) = result.columns.split_at(body_width);
        let (kept, outer) = carried[1..].split_at(keep.len());
        let outputs = kept.iter().chain(made).chain(outer).map(|column| (column.expr(), column.scalar)).collect();
        self.projected(result.plan, outputs, Vec::new())
    }

    /// `partition` with a body for which [`body_is_grouped`]: the key travels as context.
    pub(super) fn partition(
        &mut self,
        input: &Plan,
        keys: &[Expr],
        body: &Plan,
        span: Span,
    ) -> Result<Lowered, LowerError> {
        let [key] = keys else { return Err(refused(span, "partition by several keys")) };
        if self.apply.is_some() {
            return Err(refused(span, "partition inside mv-apply or partition"));
        }
        let input = self.plan(input, Vec::new())?;
        let mut expressions: Vec<(DfExpr, ScalarType)> =
            input.columns.iter().map(|column| (column.expr(), column.scalar)).collect();
        let copy = self.fresh();
        expressions.push((lower(key, &input.columns)?.alias(copy), key.scalar));
        let rows = self.projected(input.plan, expressions, input.order)?;
        self.apply = Some(ApplyInput { rows });
        let result = self.body(body, 1);
        self.apply = None;
        let result = result?;
        let width = result.columns.len() - 1;
        let outputs = result.columns[..width].iter().map(|column| (column.expr(), column.scalar)).collect();
        self.projected(result.plan, outputs, Vec::new())
    }

    pub(super) fn apply_input(&mut self, span: Span) -> Result<Lowered, LowerError> {
        match &self.apply {
            Some(input) => Ok(input.rows.clone()),
            None => Err(refused(span, "the rows of mv-apply outside of it")),
        }
    }

    /// `source` with a row number as its last column.
    fn numbered(&mut self, source: Lowered) -> Result<Lowered, LowerError> {
        let number = row_number();
        let name = number.schema_name().to_string();
        let plan = LogicalPlanBuilder::from(source.plan).window(vec![number])?.build()?;
        let mut expressions: Vec<(DfExpr, ScalarType)> =
            source.columns.iter().map(|column| (column.expr(), column.scalar)).collect();
        let number = DfExpr::Column(datafusion::common::Column::new_unqualified(name));
        expressions.push((cast(number, arrow_schema::DataType::Int64), ScalarType::Long));
        self.projected(plan, expressions, source.order)
    }

    /// Lowers the subquery; the last `context` columns of the result are the context.
    fn body(&mut self, plan: &Plan, context: usize) -> Result<Lowered, LowerError> {
        match &plan.node {
            Node::ApplyInput => self.apply_input(plan.span),
            Node::Filter { input, predicate } => {
                let input = self.body(input, context)?;
                let predicate = lower(predicate, &input.columns)?;
                let plan = LogicalPlanBuilder::from(input.plan).filter(predicate)?.build()?;
                Ok(Lowered { plan, ..input })
            }
            Node::Project { input, columns } => {
                let input = self.body(input, context)?;
                let mut outputs = columns.iter().map(|c| typed(c, &input.columns)).collect::<Result<Vec<_>, _>>()?;
                outputs.extend(context_of(&input, context).iter().map(|column| (column.expr(), column.scalar)));
                self.projected(input.plan, outputs, input.order)
            }
            Node::Aggregate { input, keys, aggregates } => {
                let input = self.body(input, context)?;
                self.body_aggregate(input, keys, aggregates, context)
            }
            Node::Sort { input, keys } => {
                let input = self.body(input, context)?;
                let order = order_of(keys, &input.columns)?;
                let plan = LogicalPlanBuilder::from(input.plan).sort(order.clone())?.build()?;
                Ok(Lowered { plan, columns: input.columns, order })
            }
            Node::Take { input, rows } => match &input.node {
                Node::Sort { input, keys } => {
                    let input = self.body(input, context)?;
                    self.body_top(input, keys, *rows, context)
                }
                _ => {
                    let input = self.body(input, context)?;
                    self.body_take(input, *rows, context)
                }
            },
            Node::Apply { input, body, keep } => {
                let Node::Expand { input: source, .. } = &input.node else {
                    return Err(refused(plan.span, "mv-apply over something else than an expansion"));
                };
                let source = self.body(source, context)?;
                self.apply_over(source, context, input, body, keep)
            }
            Node::Expand { input, columns, index, limit, bag_as_array } => {
                let input = self.body(input, context)?;
                let mut schema = plan.schema.clone();
                let extra = context_of(&input, context).to_vec();
                if schema.len() + extra.len() != input.columns.len() {
                    return Err(refused(plan.span, "mv-expand with new columns inside mv-apply"));
                }
                schema.extend(extra.iter().map(|c| kernel::ColumnSchema { name: c.name.clone(), scalar: c.scalar }));
                self.expand(input, columns, *index, *limit, *bag_as_array, &schema)
            }
            _ => Err(refused(plan.span, "this operator inside mv-apply")),
        }
    }

    fn body_aggregate(
        &mut self,
        input: Lowered,
        keys: &[Expr],
        calls: &[AggregateCall],
        context: usize,
    ) -> Result<Lowered, LowerError> {
        let own = keys.len();
        let mut group = keys.iter().map(|key| typed(key, &input.columns)).collect::<Result<Vec<_>, _>>()?;
        let carried = context_of(&input, context).to_vec();
        group.push((carried[0].expr(), carried[0].scalar));
        // The kept columns are the same in every row of a group.
        let types: Vec<ScalarType> = carried[1..].iter().map(|column| column.scalar).collect();
        let args: Vec<DfExpr> = carried[1..].iter().map(Col::expr).collect();
        let measured =
            calls.iter().map(|call| self.measure(call, &input.columns, &input.order)).collect::<Result<Vec<_>, _>>()?;
        let mut aggregates: Vec<DfExpr> =
            measured.iter().map(|measured| measured.expr.clone().alias(measured.column.clone())).collect();
        let row = self.fresh();
        if !args.is_empty() {
            let function = KqlAggregate::udaf(Kind::Pick(Extreme::Any), &types, &[], ScalarType::Dynamic);
            aggregates.push(function.call(args).alias(row.clone()));
        }
        let mut grouped = Vec::new();
        let mut keyed: Vec<(DfExpr, ScalarType)> = Vec::new();
        for (key, scalar) in group {
            let name = self.fresh();
            grouped.push(key.alias(name.clone()));
            keyed.push((Col { name, scalar }.expr(), scalar));
        }
        let plan = LogicalPlanBuilder::from(input.plan).aggregate(grouped, aggregates)?.build()?;
        let mut outputs: Vec<(DfExpr, ScalarType)> = keyed[..own].to_vec();
        outputs.extend(measured.into_iter().flat_map(|measured| measured.outputs));
        outputs.push(keyed[own].clone());
        let row = DfExpr::Column(datafusion::common::Column::new_unqualified(row));
        for (at, scalar) in types.into_iter().enumerate() {
            outputs.push((datafusion::functions::core::expr_fn::get_field(row.clone(), format!("f{at}")), scalar));
        }
        self.projected(plan, outputs, Vec::new())
    }

    /// The first rows of each number in the order of `keys`, which may be expressions.
    fn body_top(&mut self, input: Lowered, keys: &[SortKey], rows: u64, context: usize) -> Result<Lowered, LowerError> {
        let mut outputs = keys.iter().map(|key| typed(&key.expr, &input.columns)).collect::<Result<Vec<_>, _>>()?;
        outputs.extend(input.columns.iter().map(|column| (column.expr(), column.scalar)));
        let keyed = self.projected(input.plan, outputs, Vec::new())?;
        let order = keys
            .iter()
            .zip(&keyed.columns)
            .map(|(key, column)| column.expr().sort(!key.descending, key.nulls_first))
            .collect();
        let first = self.body_take(Lowered { order, ..keyed }, rows, context)?;
        let outputs = first.columns[keys.len()..].iter().map(|column| (column.expr(), column.scalar)).collect();
        // The order of an expression has no name once the rows are chosen; that of columns has.
        self.projected(first.plan, outputs, Vec::new())
    }

    /// The first rows of each number.
    fn body_take(&mut self, input: Lowered, rows: u64, context: usize) -> Result<Lowered, LowerError> {
        let number = context_of(&input, context)[0].expr();
        let rank = row_number().partition_by(vec![number]);
        let rank = if input.order.is_empty() { rank } else { rank.order_by(input.order.clone()) }.build()?;
        let name = rank.schema_name().to_string();
        let ranked = DfExpr::Column(datafusion::common::Column::new_unqualified(name));
        let limit = i64::try_from(rows).unwrap_or(i64::MAX);
        let plan = LogicalPlanBuilder::from(input.plan)
            .window(vec![rank.clone()])?
            .filter(cast(ranked, arrow_schema::DataType::Int64).lt_eq(lit(limit)))?
            .build()?;
        let outputs = input.columns.iter().map(|column| (column.expr(), column.scalar)).collect();
        self.projected(plan, outputs, input.order)
    }
}

/// Can the body of `mv-apply` run over the elements of all rows at once?
pub fn applies_at_once(body: &Plan) -> bool {
    match &body.node {
        Node::ApplyInput => true,
        Node::Filter { input, .. } | Node::Project { input, .. } | Node::Aggregate { input, .. } => {
            applies_at_once(input)
        }
        Node::Take { input, .. } => match &input.node {
            Node::Sort { input, .. } => applies_at_once(input),
            _ => applies_at_once(input),
        },
        Node::Sort { input, keys } => {
            applies_at_once(input)
                && keys.iter().all(|key| matches!(key.expr.kind, kql::algebra::ExprKind::Column { .. }))
        }
        Node::Expand { input, .. } => input.schema.len() == body.schema.len() && applies_at_once(input),
        Node::Apply { input, body, .. } => match &input.node {
            Node::Expand { input, .. } => applies_at_once(input) && applies_at_once(body),
            _ => false,
        },
        _ => false,
    }
}

/// Can the body of `partition` run over all parts at once, with the key as one more thing to group by?
pub fn body_is_grouped(body: &Plan) -> bool {
    match &body.node {
        Node::ApplyInput => true,
        Node::Filter { input, .. }
        | Node::Project { input, .. }
        | Node::Aggregate { input, .. }
        | Node::Take { input, .. } => body_is_grouped(input),
        Node::Sort { input, keys } => {
            body_is_grouped(input)
                && keys.iter().all(|key| matches!(key.expr.kind, kql::algebra::ExprKind::Column { .. }))
        }
        _ => false,
    }
}

fn context_of(lowered: &Lowered, context: usize) -> &[Col] {
    &lowered.columns[lowered.columns.len() - context..]
}

fn order_of(keys: &[SortKey], columns: &[Col]) -> Result<Vec<datafusion::logical_expr::SortExpr>, LowerError> {
    keys.iter()
        .map(|key| {
            let expr = lower(&key.expr, columns)?;
            // Only columns can be named as an order later on.
            match expr {
                DfExpr::Column(_) => Ok(expr.sort(!key.descending, key.nulls_first)),
                _ => Err(refused(key.expr.span, "sorting by an expression inside mv-apply (extend it first)")),
            }
        })
        .collect()
}
