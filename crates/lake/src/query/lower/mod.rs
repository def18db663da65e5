//! KQL algebra to DataFusion logical plans.
//!
//! Every column of a lowered plan has a name that is unique in the query (`c17`) and the Arrow type of
//! [`plan_type`]; KQL's names exist only at the result. So DataFusion resolves positions, never names, and has
//! nothing to coerce. The tables that a plan reads were opened before ([`Sources`]), and plans inside
//! expressions were computed before (see `resolve`), so lowering itself is a pure function.

mod aggregate;
mod apply;
mod expand;
mod expr;
mod hints;
mod join;
mod parse;
mod relation;
mod series;
mod window;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Field;
use datafusion::common::{Column, DFSchema};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlan, LogicalPlanBuilder, Projection, SortExpr};
use kernel::port::TimeRange;
use kernel::{ColumnSchema, Diagnostic, ScalarType, Span};
use kql::algebra::{Node, Plan};

use super::cells::plan_type;
use super::source::LakeTable;

pub use hints::Hint;

/// What a plan reads.
#[derive(Debug, Default)]
pub struct Sources {
    /// Tables by name, in stored types.
    pub tables: HashMap<String, Source>,
    /// Results of shared plans and of operators that were computed before, in plan types.
    pub shared: HashMap<usize, Vec<RecordBatch>>,
}

/// One table.
#[derive(Debug, Clone)]
pub enum Source {
    /// Columns in stored types; can be pruned by stored values. Only rows within the range count. `empty`: there is
    /// no row at all.
    Lake { provider: Arc<LakeTable>, range: Option<TimeRange>, empty: bool },
    /// Rows in plan types.
    Rows { columns: Vec<ColumnSchema>, batch: RecordBatch },
}

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LowerError {
    /// The query asks for something that the engine does not have.
    #[error("{}", .0.message)]
    Refused(Box<Diagnostic>),
    /// A defect of Vigie.
    #[error("{0}")]
    Engine(#[from] DataFusionError),
}

/// A refusal of `what` at `span`.
pub fn refused(span: Span, what: impl std::fmt::Display) -> LowerError {
    LowerError::Refused(Box::new(Diagnostic::error("KQL0900", span, format!("the engine does not support {what} yet"))))
}

/// A plan and its columns.
#[derive(Debug, Clone)]
pub struct Lowered {
    pub plan: LogicalPlan,
    pub columns: Vec<Col>,
    /// The order of its rows, while one is known.
    pub order: Vec<SortExpr>,
}

/// A column of a lowered plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Col {
    pub name: String,
    pub scalar: ScalarType,
}

impl Col {
    /// The column as an expression.
    pub fn expr(&self) -> DfExpr {
        DfExpr::Column(Column::new_unqualified(self.name.clone()))
    }
}

/// Lowers one query.
#[derive(Debug)]
pub struct Lowering<'a> {
    pub(super) sources: &'a Sources,
    next: usize,
    /// Rows of one expansion, while the body of `mv-apply` is lowered.
    apply: Option<apply::ApplyInput>,
}

impl<'a> Lowering<'a> {
    /// Reads from `sources`.
    pub fn new(sources: &'a Sources) -> Lowering<'a> {
        Lowering { sources, next: 0, apply: None }
    }

    /// Lowers `plan`.
    pub fn lower(&mut self, plan: &Plan) -> Result<Lowered, LowerError> {
        self.plan(plan, Vec::new())
    }

    /// A name that no other column of the query has.
    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("c{}", self.next)
    }

    /// Lowers `plan`; only rows that pass all `hints` matter to the caller.
    fn plan(&mut self, plan: &Plan, hints: Vec<Hint>) -> Result<Lowered, LowerError> {
        match &plan.node {
            Node::Table { name } => self.table(name, plan, &hints),
            Node::Values { rows } => self.values(rows, &plan.schema),
            Node::Range { start, stop, step } => self.range(start, stop, step, plan),
            Node::Shared(id) => {
                let batches = self.sources.shared.get(&id.0).cloned().unwrap_or_default();
                self.rows(batches, &plan.schema)
            }
            Node::External(_) => {
                Err(refused(plan.span, "`externaldata` here; give it a name by `let` before the query"))
            }
            Node::ApplyInput => self.apply_input(plan.span),
            Node::Filter { input, predicate } => self.filter(input, predicate, hints),
            Node::Project { input, columns } => self.project(input, columns, hints),
            Node::Window { input, columns } => self.window(input, columns),
            Node::Aggregate { input, keys, aggregates } => self.aggregate(input, keys, aggregates),
            Node::Distinct { input } => {
                let input = self.plan(input, hints)?;
                let plan = LogicalPlanBuilder::from(input.plan).distinct()?.build()?;
                Ok(Lowered { plan, columns: input.columns, order: Vec::new() })
            }
            Node::Sort { input, keys } => self.sort(input, keys, hints),
            Node::Take { input, rows } => self.take(input, *rows),
            Node::Sample { input, rows } => self.sample(input, *rows),
            Node::Join { kind, left, right, keys } => self.join(*kind, left, right, keys),
            Node::Union { inputs } => self.union(inputs, &plan.schema, &hints),
            Node::Expand { input, columns, index, limit, bag_as_array } => {
                let input = self.plan(input, Vec::new())?;
                self.expand(input, columns, *index, *limit, *bag_as_array, &plan.schema)
            }
            Node::Apply { input, body, keep } => self.apply(input, body, keep, plan.span),
            Node::Partition { input, keys, body } => self.partition(input, keys, body, plan.span),
            Node::Parse { input, source, kind, flags, pattern, drop_unmatched } => {
                let spec = parse::Spec { kind: *kind, flags, pattern, drop_unmatched: *drop_unmatched };
                self.parse(input, source, &spec, plan)
            }
            Node::MakeSeries { input, series, axis, from, to, step, keys, nonempty } => {
                let (from, to) = (from.as_ref(), to.as_ref());
                let range = series::Axis { value: axis, from, to, step, nonempty: *nonempty };
                self.make_series(input, series, &range, keys, plan)
            }
            // A method that reads the part of `mv-apply` around it cannot be computed before.
            other @ (Node::Derive { .. } | Node::Graph(_)) => {
                Err(refused(plan.span, format!("this operator ({})", name_of(other))))
            }
        }
    }

    /// Projects `input` to `expressions`, each under a fresh name.
    fn projected(
        &mut self,
        input: LogicalPlan,
        expressions: Vec<(DfExpr, ScalarType)>,
        order: Vec<SortExpr>,
    ) -> Result<Lowered, LowerError> {
        let mut passed_on = HashSet::new();
        let mut columns = Vec::with_capacity(expressions.len());
        let mut aliased = Vec::with_capacity(expressions.len());
        for (expression, scalar) in expressions {
            // A column that is merely passed on keeps its name, so that an order by it stays valid.
            if let DfExpr::Column(column) = &expression
                && passed_on.insert(column.name.clone())
            {
                columns.push(Col { name: column.name.clone(), scalar });
                aliased.push(expression);
                continue;
            }
            let name = self.fresh();
            aliased.push(expression.alias(name.clone()));
            columns.push(Col { name, scalar });
        }
        let kept = order
            .iter()
            .take_while(|key| matches!(&key.expr, DfExpr::Column(column) if passed_on.contains(&column.name)));
        let order = kept.cloned().collect();
        let plan = projection(input, aliased, &columns)?;
        Ok(Lowered { plan, columns, order })
    }
}

/// A projection whose columns are known. The plan builder would look each one up by name among all others, which for
/// the 1,500 columns of a `union *` takes seconds.
fn projection(input: LogicalPlan, expressions: Vec<DfExpr>, columns: &[Col]) -> Result<LogicalPlan, LowerError> {
    let fields = columns.iter().map(|column| Field::new(&column.name, plan_type(column.scalar), true));
    let schema = DFSchema::from_unqualified_fields(fields.collect(), HashMap::new())?;
    Ok(LogicalPlan::Projection(Projection::try_new_with_schema(expressions, Arc::new(input), Arc::new(schema))?))
}

fn name_of(node: &Node) -> String {
    let text = format!("{node:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

/// An expression that reads no column.
pub fn lower_constant(expr: &kql::algebra::Expr) -> Result<DfExpr, LowerError> {
    expr::lower(expr, &[])
}

/// `expr` over columns that are named.
pub fn lower_over(expr: &kql::algebra::Expr, columns: &[Col]) -> Result<DfExpr, LowerError> {
    expr::lower(expr, columns)
}

pub use aggregate::SUPPORTED as SUPPORTED_AGGREGATES;
pub use apply::{applies_at_once, body_is_grouped};
pub use relation::{batch_of, plan_schema};
