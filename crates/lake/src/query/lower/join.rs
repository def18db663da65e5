//! Joins. Null keys meet null keys; what is absent in an outer join is null, or empty for strings.

use datafusion::common::{Column, JoinType, NullEquality};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlanBuilder};
use kernel::ScalarType;
use kql::algebra::{JoinKey, JoinKind, Plan};

use super::super::aggregate::pick::Extreme;
use super::super::aggregate::{Kind, KqlAggregate};
use super::aggregate::never_null;
use super::expr::lower;
use super::{Col, LowerError, Lowered, Lowering};

impl Lowering<'_> {
    pub(super) fn join(
        &mut self,
        kind: JoinKind,
        left: &Plan,
        right: &Plan,
        keys: &[JoinKey],
    ) -> Result<Lowered, LowerError> {
        let left = self.plan(left, Vec::new())?;
        let right = self.plan(right, Vec::new())?;
        let left_keys = keys.iter().map(|key| Ok((lower(&key.left, &left.columns)?, key.left.scalar)));
        let left_keys = left_keys.collect::<Result<Vec<_>, LowerError>>()?;
        let right_keys = keys.iter().map(|key| Ok((lower(&key.right, &right.columns)?, key.right.scalar)));
        let right_keys = right_keys.collect::<Result<Vec<_>, LowerError>>()?;
        let (left, left_names) = self.keyed(left, left_keys)?;
        let (right, right_names) = self.keyed(right, right_keys)?;
        let left = if kind == JoinKind::InnerUnique { self.one_per_key(left, &left_names)? } else { left };
        let join_type = match kind {
            JoinKind::InnerUnique | JoinKind::Inner => JoinType::Inner,
            JoinKind::LeftOuter => JoinType::Left,
            JoinKind::RightOuter => JoinType::Right,
            JoinKind::FullOuter => JoinType::Full,
            JoinKind::LeftSemi => JoinType::LeftSemi,
            JoinKind::RightSemi => JoinType::RightSemi,
            JoinKind::LeftAnti => JoinType::LeftAnti,
            JoinKind::RightAnti => JoinType::RightAnti,
        };
        let columns = |side: &Lowered, names: &[String]| -> Vec<Col> {
            side.columns.iter().filter(|column| !names.contains(&column.name)).cloned().collect()
        };
        let (left_columns, right_columns) = (columns(&left, &left_names), columns(&right, &right_names));
        let on = |names: &[String]| names.iter().map(|name| Column::new_unqualified(name.clone())).collect::<Vec<_>>();
        let plan = LogicalPlanBuilder::from(left.plan)
            .join_detailed(
                right.plan,
                join_type,
                (on(&left_names), on(&right_names)),
                None,
                NullEquality::NullEqualsNull,
            )?
            .build()?;
        let (keep_left, keep_right) = match join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => (true, false),
            JoinType::RightSemi | JoinType::RightAnti => (false, true),
            _ => (true, true),
        };
        let absent_left = matches!(join_type, JoinType::Right | JoinType::Full);
        let absent_right = matches!(join_type, JoinType::Left | JoinType::Full);
        let mut outputs: Vec<(DfExpr, ScalarType)> = Vec::new();
        for (side, keep, absent) in [(left_columns, keep_left, absent_left), (right_columns, keep_right, absent_right)]
        {
            for column in side.into_iter().filter(|_| keep) {
                let expr = if absent { never_null(&column.expr(), column.scalar)? } else { column.expr() };
                outputs.push((expr, column.scalar));
            }
        }
        self.projected(plan, outputs, Vec::new())
    }

    /// `side` with its key expressions as extra columns, and their names.
    fn keyed(&mut self, side: Lowered, keys: Vec<(DfExpr, ScalarType)>) -> Result<(Lowered, Vec<String>), LowerError> {
        let mut expressions: Vec<DfExpr> = side.columns.iter().map(Col::expr).collect();
        let mut columns = side.columns.clone();
        let mut names = Vec::with_capacity(keys.len());
        for (key, scalar) in keys {
            let name = self.fresh();
            expressions.push(key.alias(name.clone()));
            columns.push(Col { name: name.clone(), scalar });
            names.push(name);
        }
        let plan = LogicalPlanBuilder::from(side.plan).project(expressions)?.build()?;
        Ok((Lowered { plan, columns, order: Vec::new() }, names))
    }

    /// One whole row of `side` for each value of the keys.
    fn one_per_key(&mut self, side: Lowered, keys: &[String]) -> Result<Lowered, LowerError> {
        let carried: Vec<Col> = side.columns.iter().filter(|column| !keys.contains(&column.name)).cloned().collect();
        let group: Vec<DfExpr> =
            side.columns.iter().filter(|column| keys.contains(&column.name)).map(Col::expr).collect();
        if carried.is_empty() {
            let plan = LogicalPlanBuilder::from(side.plan).project(group)?.distinct()?.build()?;
            return Ok(Lowered { plan, ..side });
        }
        let types: Vec<ScalarType> = carried.iter().map(|column| column.scalar).collect();
        let function = KqlAggregate::udaf(Kind::Pick(Extreme::Any), &types, &[], ScalarType::Dynamic);
        let args = carried.iter().map(Col::expr).collect();
        let row = self.fresh();
        let pick = DfExpr::AggregateFunction(AggregateFunction::new_udf(function, args, false, None, Vec::new(), None));
        let plan = LogicalPlanBuilder::from(side.plan).aggregate(group.clone(), vec![pick.alias(row.clone())])?;
        let row = DfExpr::Column(Column::new_unqualified(row));
        let mut outputs: Vec<DfExpr> = Vec::new();
        for (at, column) in carried.iter().enumerate() {
            let field = datafusion::functions::core::expr_fn::get_field(row.clone(), format!("f{at}"));
            outputs.push(field.alias(column.name.clone()));
        }
        outputs.extend(group);
        let plan = plan.project(outputs)?.build()?;
        let key_columns = side.columns.iter().filter(|column| keys.contains(&column.name)).cloned();
        let columns = carried.iter().cloned().chain(key_columns).collect();
        Ok(Lowered { plan, columns, order: Vec::new() })
    }
}
