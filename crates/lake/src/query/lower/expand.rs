//! `mv-expand`: a list of rows computed per input row, then unnested.

use datafusion::common::{Column, UnnestOptions};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlanBuilder};
use kernel::ScalarType;
use kernel::schema::ColumnSchema;
use kql::algebra::ExpandColumn;

use super::super::expansion::Expansion;
use super::expr::lower;
use super::{LowerError, Lowered, Lowering};

impl Lowering<'_> {
    /// Unfolds `columns` of `input`; `schema` is that of the result.
    pub(super) fn expand(
        &mut self,
        input: Lowered,
        columns: &[ExpandColumn],
        index: Option<usize>,
        limit: Option<u64>,
        bag_as_array: bool,
        schema: &[ColumnSchema],
    ) -> Result<Lowered, LowerError> {
        let types: Vec<ScalarType> =
            columns.iter().map(|column| schema.get(column.output).map_or(ScalarType::Dynamic, |c| c.scalar)).collect();
        let sources =
            columns.iter().map(|column| lower(&column.source, &input.columns)).collect::<Result<Vec<_>, _>>()?;
        let function = Expansion::udf(&types, limit, bag_as_array);
        let list = self.fresh();
        let mut expressions: Vec<DfExpr> = input.columns.iter().map(super::Col::expr).collect();
        expressions.push(DfExpr::ScalarFunction(ScalarFunction::new_udf(function, sources)).alias(list.clone()));
        let options = UnnestOptions::default().with_preserve_nulls(false);
        let plan = LogicalPlanBuilder::from(input.plan)
            .project(expressions)?
            .unnest_column_with_options(Column::new_unqualified(list.clone()), options)?
            .build()?;
        let row = DfExpr::Column(Column::new_unqualified(list));
        let mut outputs: Vec<(DfExpr, ScalarType)> = Vec::with_capacity(schema.len());
        for (at, column) in schema.iter().enumerate() {
            let unfolded = columns.iter().position(|unfolded| unfolded.output == at);
            let expr = match unfolded {
                Some(field) => get_field(row.clone(), format!("f{field}")),
                None if index == Some(at) => get_field(row.clone(), "index"),
                None => input
                    .columns
                    .get(at)
                    .map_or(DfExpr::Literal(datafusion::common::ScalarValue::Null, None), super::Col::expr),
            };
            outputs.push((expr, column.scalar));
        }
        self.projected(plan, outputs, input.order)
    }
}
