//! Puts promoted paths into a plan: where a query follows a path into a column of a table, and files have a column for that
//! path, the scan gives the column, and the path is not followed again.
//!
//! Every column of a lowered plan has a name of its own, so a path is known by the name of the column that it leads into
//! and its steps. The scan's column for it goes along with that column, through filters and projections that pass it on.
//! What is left over at the end of a plan, nobody looks at.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, LogicalPlanBuilder, Projection};
use kernel::ScalarType;

use super::dynamic::Step;
use super::functions::{self, KqlScalar, path_text, steps_of};
use super::source::LakeTable;
use crate::paths::DynamicPath;

/// Paths by the name of the column that they lead into.
type Uses = HashMap<String, BTreeSet<String>>;

/// Columns that hold what lies at a path, by the name of the column that it leads into and the path.
type Promoted = HashMap<(String, String), String>;

/// `plan` with the promoted paths that its tables have; and every path into a table that it follows, with the table.
pub(super) async fn promote(plan: LogicalPlan) -> Result<(LogicalPlan, Vec<(String, DynamicPath)>)> {
    let uses = uses_of(&plan)?;
    if uses.is_empty() {
        return Ok((plan, Vec::new()));
    }
    let mut asked = Vec::new();
    let mut tables: HashMap<String, Vec<DynamicPath>> = HashMap::new();
    for (first, table, paths) in scans_of(&plan, &uses)? {
        let found = table.promoted(&paths).await;
        asked.extend(paths.into_iter().map(|path| (table.name().to_owned(), path)));
        if !found.is_empty() {
            tables.insert(first, found);
        }
    }
    if tables.is_empty() {
        return Ok((plan, asked));
    }
    let mut promoted = Promoted::new();
    let plan = plan.transform_up(|node| rewritten(node, &tables, &mut promoted))?.data;
    Ok((plan, asked))
}

/// Every path that is followed into a column.
fn uses_of(plan: &LogicalPlan) -> Result<Uses> {
    let mut uses = Uses::new();
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Some((column, path, _)) = path_call(expr) {
                    uses.entry(column.to_owned()).or_default().insert(path.to_owned());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(uses)
}

/// The column, path and result type of a path that is followed into a column.
fn path_call(expr: &Expr) -> Option<(&str, &str, ScalarType)> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else { return None };
    let returns = match func.name() {
        "kql_op_path(dynamic,string):dynamic" => ScalarType::Dynamic,
        "kql_op_path(dynamic,string):string" => ScalarType::String,
        _ => return None,
    };
    match args.as_slice() {
        [Expr::Column(column), Expr::Literal(ScalarValue::Utf8View(Some(path)), _)] => {
            Some((&column.name, path, returns))
        }
        _ => None,
    }
}

/// A projection right above a scan: the name of its first column, the table, and the paths that could be promoted.
type Scan = (String, Arc<LakeTable>, Vec<DynamicPath>);

/// The projections right above scans whose columns paths lead into.
fn scans_of(plan: &LogicalPlan, uses: &Uses) -> Result<Vec<Scan>> {
    let mut scans = Vec::new();
    plan.apply(|node| {
        if let Some((projection, table)) = over_scan(node) {
            let mut paths = BTreeSet::new();
            for (stored, name) in renamed(projection) {
                let used = uses.get(name).into_iter().flatten();
                paths.extend(
                    used.flat_map(|path| prefixes(path)).map(|path| DynamicPath { column: stored.to_owned(), path }),
                );
            }
            if let (Some(first), false) = (projection.schema.fields().first(), paths.is_empty()) {
                scans.push((first.name().clone(), table, paths.into_iter().collect()));
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(scans)
}

/// The paths of keys alone that `path` begins with, the shortest first.
fn prefixes(path: &str) -> Vec<String> {
    let steps = steps_of(path);
    let keys = steps.iter().take_while(|step| matches!(step, Step::Member(_))).count();
    (1..=keys).map(|length| path_text(&steps[..length])).collect()
}

/// A projection with nothing but filters between it and the scan of a table of the lake.
fn over_scan(node: &LogicalPlan) -> Option<(&Projection, Arc<LakeTable>)> {
    let LogicalPlan::Projection(projection) = node else { return None };
    let mut below = projection.input.as_ref();
    while let LogicalPlan::Filter(filter) = below {
        below = filter.input.as_ref();
    }
    let LogicalPlan::TableScan(scan) = below else { return None };
    let provider = source_as_provider(&scan.source).ok()?;
    Some((projection, Arc::new(provider.downcast_ref::<LakeTable>()?.clone())))
}

/// Columns of the scan that the projection gives as they are, and their names above.
fn renamed(projection: &Projection) -> impl Iterator<Item = (&str, &str)> {
    projection.expr.iter().filter_map(|expr| match expr {
        Expr::Alias(alias) => match alias.expr.as_ref() {
            Expr::Column(column) => Some((column.name.as_str(), alias.name.as_str())),
            _ => None,
        },
        _ => None,
    })
}

fn rewritten(
    node: LogicalPlan,
    tables: &HashMap<String, Vec<DynamicPath>>,
    promoted: &mut Promoted,
) -> Result<Transformed<LogicalPlan>> {
    if let Some((projection, table)) = over_scan(&node) {
        let first = projection.schema.fields().first().map(|field| field.name().as_str());
        return match first.and_then(|first| tables.get(first)) {
            Some(paths) => with_columns(projection, &table, paths, promoted).map(Transformed::yes),
            None => Ok(Transformed::no(node)),
        };
    }
    let inputs: Vec<_> = node.inputs().into_iter().map(|input| Arc::clone(input.schema())).collect();
    let at_hand = |name: &str| inputs.iter().any(|schema| schema.has_column_with_unqualified_name(name));
    let known = &*promoted;
    let node = node.map_expressions(|expr| expr.transform_up(|expr| replaced(expr, known, &at_hand)))?;
    match node.data {
        LogicalPlan::Projection(projection) => passing_on(projection, known, &at_hand, node.transformed),
        LogicalPlan::Join(_) | LogicalPlan::Unnest(_) => Ok(Transformed::yes(node.data.recompute_schema()?)),
        other => Ok(Transformed::new_transformed(other, node.transformed)),
    }
}

/// The projection with a column for each of `paths`.
fn with_columns(
    projection: &Projection,
    table: &LakeTable,
    paths: &[DynamicPath],
    promoted: &mut Promoted,
) -> Result<LogicalPlan> {
    let table = Arc::new(table.with_paths(paths.to_vec()));
    let mut expressions = projection.expr.clone();
    for (stored, name) in renamed(projection) {
        for path in paths.iter().filter(|path| path.column == stored) {
            let column = format!("{name}{}", path.path);
            expressions.push(Expr::Column(Column::new_unqualified(path.name())).alias(column.clone()));
            promoted.insert((name.to_owned(), path.path.clone()), column);
        }
    }
    let input = rescanned(&projection.input, &table)?;
    Ok(LogicalPlan::Projection(Projection::try_new(expressions, Arc::new(input))?))
}

/// Filters over a scan, over a scan of `table` instead.
fn rescanned(plan: &LogicalPlan, table: &Arc<LakeTable>) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Filter(filter) => {
            let input = rescanned(&filter.input, table)?;
            Ok(LogicalPlan::Filter(Filter::try_new(filter.predicate.clone(), Arc::new(input))?))
        }
        LogicalPlan::TableScan(scan) => {
            let source = provider_as_source(Arc::clone(table) as _);
            LogicalPlanBuilder::scan_with_filters(scan.table_name.clone(), source, None, scan.filters.clone())?.build()
        }
        other => Ok(other.clone()),
    }
}

/// A path that is followed, as the column that has it, or followed on from there.
fn replaced(expr: Expr, promoted: &Promoted, at_hand: &impl Fn(&str) -> bool) -> Result<Transformed<Expr>> {
    let Some((column, path, returns)) = path_call(&expr) else { return Ok(Transformed::no(expr)) };
    let steps = steps_of(path);
    let longest = (1..=steps.len()).rev().find_map(|length| {
        let found = promoted.get(&(column.to_owned(), path_text(&steps[..length])))?;
        at_hand(found).then_some((found, length))
    });
    let Some((found, length)) = longest else { return Ok(Transformed::no(expr)) };
    let held = Expr::Column(Column::new_unqualified(found.clone()));
    let made = if length < steps.len() {
        let rest = Expr::Literal(ScalarValue::Utf8View(Some(path_text(&steps[length..]))), None);
        function("op_path", &[ScalarType::Dynamic, ScalarType::String], returns, vec![held, rest])
    } else if returns == ScalarType::String {
        function("op_convert", &[ScalarType::Dynamic], returns, vec![held])
    } else {
        Some(held)
    };
    Ok(made.map_or_else(|| Transformed::no(expr), Transformed::yes))
}

fn function(name: &str, types: &[ScalarType], returns: ScalarType, args: Vec<Expr>) -> Option<Expr> {
    let udf = KqlScalar::udf(functions::entry(name)?, types, returns);
    Some(Expr::ScalarFunction(ScalarFunction::new_udf(udf, args)))
}

/// A projection that passes a column on passes on what lies at paths into it, too.
fn passing_on(
    projection: Projection,
    promoted: &Promoted,
    at_hand: &impl Fn(&str) -> bool,
    transformed: bool,
) -> Result<Transformed<LogicalPlan>> {
    let passes =
        |name: &str| projection.expr.iter().any(|expr| matches!(expr, Expr::Column(column) if column.name == name));
    let mut added: Vec<&String> = promoted
        .iter()
        .filter(|((column, _), held)| passes(column) && !passes(held) && at_hand(held))
        .map(|(_, held)| held)
        .collect();
    if added.is_empty() {
        return Ok(Transformed::new_transformed(LogicalPlan::Projection(projection), transformed));
    }
    added.sort();
    let mut expressions = projection.expr.clone();
    expressions.extend(added.into_iter().map(|held| Expr::Column(Column::new_unqualified(held.clone()))));
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(expressions, projection.input)?)))
}
