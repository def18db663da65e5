//! Computes [`Node::Derive`], and parts of `partition` whose body needs more than a grouping, before a plan is lowered.

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use datafusion::execution::memory_pool::MemoryConsumer;
use futures::future::BoxFuture;
use kernel::port::{QueryError, QueryRequest};
use kernel::{ColumnSchema, Diagnostic, ScalarType, Span};
use kql::algebra::{Expr, ExprKind, Node, Plan, SharedId, SortKey};

use super::super::engine::{SessionRun, fault};
use super::super::lower::{applies_at_once, body_is_grouped};
use super::{Budget, Table, derive, keeps_order, ordinals};

/// Parts of one `partition` whose body runs once for each.
const MOST_PARTS: usize = 10_000;
/// Where the numbers of derived rows begin, far above those of shared plans.
const FIRST_DERIVED: usize = 1 << 32;

impl SessionRun<'_> {
    /// Replaces what only whole inputs can give by its rows.
    pub(in super::super) fn derive_all<'s>(
        &'s mut self,
        plan: &'s mut Plan,
        request: &'s QueryRequest,
    ) -> BoxFuture<'s, Result<(), QueryError>> {
        Box::pin(async move {
            let mut found = Vec::new();
            outermost(plan, &mut found);
            for plan in found {
                match &plan.node {
                    Node::Derive { .. } => self.derive_one(plan, request).await?,
                    Node::Apply { .. } => self.row_by_row(plan, request).await?,
                    _ => self.part_by_part(plan, request).await?,
                }
            }
            Ok(())
        })
    }

    async fn derive_one(&mut self, plan: &mut Plan, request: &QueryRequest) -> Result<(), QueryError> {
        let (schema, span) = (plan.schema.clone(), plan.span);
        let Node::Derive { inputs, method } = &mut plan.node else { return Ok(()) };
        let mut tables = Vec::with_capacity(inputs.len());
        let mut rooms = Vec::with_capacity(inputs.len());
        for input in inputs.iter_mut() {
            self.prepare(input, request).await?;
            let (batches, room) = self.collect(input).await?;
            tables.push(Table::of(&batches, &input.schema).map_err(|error| fault(&error))?);
            rooms.push(room);
        }
        let room = MemoryConsumer::new("rows that an operator makes").register(&self.runtime.memory_pool);
        let made = tokio::task::block_in_place(|| derive(method, &tables, &schema, &mut Budget::new(&room)));
        let made = made.map_err(|error| placed(fault(&error), span))?;
        let ordered = keeps_order(method);
        self.kept.push(room);
        *plan = self.rows_plan(vec![made], schema, ordered, span)?;
        Ok(())
    }

    /// Runs the body of a `partition` for one part after another.
    async fn part_by_part(&mut self, plan: &mut Plan, request: &QueryRequest) -> Result<(), QueryError> {
        let (schema, span) = (plan.schema.clone(), plan.span);
        let Node::Partition { input, keys, body } = &mut plan.node else { return Ok(()) };
        self.prepare(input, request).await?;
        let (batches, room) = self.collect(input).await?;
        let table = Table::of(&batches, &input.schema).map_err(|error| fault(&error))?;
        let key = match keys.first().map(|key| &key.kind) {
            Some(ExprKind::Column { index, .. }) => *index,
            _ => return Err(QueryError::Engine("a part without a key".to_owned())),
        };
        let mut places = std::collections::HashMap::<String, usize>::new();
        let mut parts: Vec<Vec<u64>> = Vec::new();
        for row in 0..table.rows {
            let place = *places.entry(table.key(key, row)).or_insert_with(|| {
                parts.push(Vec::new());
                parts.len() - 1
            });
            parts[place].push(u64::try_from(row).unwrap_or(u64::MAX));
        }
        if parts.len() > MOST_PARTS {
            let message = format!(
                "this `partition` has {} parts; with a body that is more than filters, groups, orders and limits there can \
                 be {MOST_PARTS}",
                parts.len()
            );
            return Err(QueryError::Invalid(vec![Diagnostic::error("KQL0904", span, message)]));
        }
        let mut made = Vec::new();
        for rows in parts {
            let rows = UInt64Array::from(rows);
            let columns = taken(&table, 0..table.columns.len(), &rows)?;
            let part = super::batch(columns, rows.len(), &input.schema).map_err(|error| fault(&error))?;
            let id = self.keep_rows(vec![part]);
            let mut body = (**body).clone();
            read_part(&mut body, id);
            self.prepare(&mut body, request).await?;
            let (batches, room) = self.collect(&body).await?;
            made.extend(batches);
            self.kept.push(room);
            self.sources.shared.remove(&id.0);
        }
        drop(room);
        *plan = self.rows_plan(made, schema, false, span)?;
        Ok(())
    }

    /// Runs the body of an `mv-apply` for one row after another.
    async fn row_by_row(&mut self, plan: &mut Plan, request: &QueryRequest) -> Result<(), QueryError> {
        let (schema, span) = (plan.schema.clone(), plan.span);
        let Node::Apply { input, body, keep } = &mut plan.node else { return Ok(()) };
        let Node::Expand { input: source, .. } = &mut input.node else {
            return Err(QueryError::Engine("an mv-apply without an expansion".to_owned()));
        };
        self.prepare(source, request).await?;
        let source_schema = source.schema.clone();
        let (batches, room) = self.collect(source).await?;
        let table = Table::of(&batches, &source_schema).map_err(|error| fault(&error))?;
        if table.rows > MOST_PARTS {
            let message = format!(
                "this `mv-apply` has {} rows; with a body that is more than filters, groups, orders and limits there can \
                 be {MOST_PARTS}",
                table.rows
            );
            return Err(QueryError::Invalid(vec![Diagnostic::error("KQL0904", span, message)]));
        }
        let mut made = Vec::new();
        for row in 0..table.rows {
            let number = u64::try_from(row).unwrap_or(u64::MAX);
            let columns = taken(&table, 0..source_schema.len(), &UInt64Array::from(vec![number]))?;
            let one = super::batch(columns, 1, &source_schema).map_err(|error| fault(&error))?;
            let id = self.keep_rows(vec![one]);
            let mut expansion = (**input).clone();
            if let Node::Expand { input, .. } = &mut expansion.node {
                **input = Plan { node: Node::Shared(id), schema: source_schema.clone(), span };
            }
            let mut body = (**body).clone();
            read_expansion(&mut body, &expansion);
            self.prepare(&mut body, request).await?;
            let (batches, room) = self.collect(&body).await?;
            for batch in batches {
                let repeated = UInt64Array::from(vec![number; batch.num_rows()]);
                let mut columns = taken(&table, keep.iter().copied(), &repeated)?;
                columns.extend(batch.columns().iter().cloned());
                made.push(super::batch(columns, batch.num_rows(), &schema).map_err(|error| fault(&error))?);
            }
            self.kept.push(room);
            self.sources.shared.remove(&id.0);
        }
        drop(room);
        *plan = self.rows_plan(made, schema, false, span)?;
        Ok(())
    }

    fn keep_rows(&mut self, batches: Vec<RecordBatch>) -> SharedId {
        let id = FIRST_DERIVED + self.derived;
        self.derived += 1;
        self.sources.shared.insert(id, batches);
        SharedId(id)
    }

    /// A plan that reads `batches`, in their order if that matters.
    fn rows_plan(
        &mut self,
        batches: Vec<RecordBatch>,
        schema: Vec<ColumnSchema>,
        ordered: bool,
        span: Span,
    ) -> Result<Plan, QueryError> {
        if !ordered {
            let id = self.keep_rows(batches);
            return Ok(Plan { node: Node::Shared(id), schema, span });
        }
        let mut wide = schema.clone();
        wide.push(ColumnSchema { name: "$order".to_owned(), scalar: ScalarType::Long });
        let mut numbered = Vec::with_capacity(batches.len());
        for made in batches {
            let rows = made.num_rows();
            let columns = made.columns().iter().cloned().chain([ordinals(rows)]).collect();
            numbered.push(super::batch(columns, rows, &wide).map_err(|error| fault(&error))?);
        }
        let id = self.keep_rows(numbered);
        let at = |index: usize| {
            let ColumnSchema { name, scalar } = &wide[index];
            Expr { kind: ExprKind::Column { index, name: name.clone() }, scalar: *scalar, span }
        };
        let key = SortKey { expr: at(schema.len()), descending: false, nulls_first: true };
        let columns = (0..schema.len()).map(at).collect();
        let rows = Plan { node: Node::Shared(id), schema: wide.clone(), span };
        let sorted = Plan { node: Node::Sort { input: Box::new(rows), keys: vec![key] }, schema: wide.clone(), span };
        Ok(Plan { node: Node::Project { input: Box::new(sorted), columns }, schema, span })
    }
}

/// The outermost operators that must be computed first; bodies that run within parts are left alone.
fn outermost<'p>(plan: &'p mut Plan, found: &mut Vec<&'p mut Plan>) {
    let compute = match &plan.node {
        Node::Derive { .. } => true,
        Node::Partition { body, .. } => !body_is_grouped(body),
        Node::Apply { body, .. } => !applies_at_once(body),
        _ => false,
    };
    if compute {
        // What reads the part around it waits for the part.
        if !plan.reads_part() {
            found.push(plan);
        }
        return;
    }
    // The body of `mv-apply` or `partition` is its last input.
    let bodies = usize::from(matches!(plan.node, Node::Apply { .. } | Node::Partition { .. }));
    let mut inputs = plan.inputs_mut();
    inputs.truncate(inputs.len() - bodies);
    inputs.into_iter().for_each(|input| outermost(input, found));
}

/// Some columns of some rows.
fn taken(
    table: &Table,
    columns: impl IntoIterator<Item = usize>,
    rows: &UInt64Array,
) -> Result<Vec<ArrayRef>, QueryError> {
    let cells = columns.into_iter().filter_map(|at| table.columns.get(at));
    let taken = cells.map(|cells| arrow_select::take::take(cells.array(), rows, None)).collect::<Result<Vec<_>, _>>();
    taken.map_err(|error| fault(&error.into()))
}

/// Makes `body` read `expansion` as its rows.
fn read_expansion(body: &mut Plan, expansion: &Plan) {
    match &mut body.node {
        Node::ApplyInput => *body = expansion.clone(),
        Node::Apply { input, .. } | Node::Partition { input, .. } => read_expansion(input, expansion),
        _ => body.inputs_mut().into_iter().for_each(|input| read_expansion(input, expansion)),
    }
}

/// Makes `body` read the rows kept under `id` as its part.
fn read_part(body: &mut Plan, id: SharedId) {
    match &mut body.node {
        Node::ApplyInput => body.node = Node::Shared(id),
        Node::Apply { input, .. } | Node::Partition { input, .. } => read_part(input, id),
        _ => body.inputs_mut().into_iter().for_each(|input| read_part(input, id)),
    }
}

/// Problems with values are reported at the operator.
fn placed(error: QueryError, span: Span) -> QueryError {
    match error {
        QueryError::Invalid(mut diagnostics) => {
            for diagnostic in diagnostics.iter_mut().filter(|diagnostic| diagnostic.span == Span::default()) {
                diagnostic.span = span;
            }
            QueryError::Invalid(diagnostics)
        }
        other => other,
    }
}
