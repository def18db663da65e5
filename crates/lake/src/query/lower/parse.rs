//! `parse` and `parse-where`: the pattern becomes one regular expression, its captures become columns.

use datafusion::logical_expr::{Expr as DfExpr, LogicalPlanBuilder};
use kernel::{ScalarType, Value};
use kql::algebra::{Expr, ParseKind, ParsePart, Plan};

use super::expr::{call, lower, typed};
use super::relation::constant;
use super::{LowerError, Lowered, Lowering, refused};

/// What the operator says beside its source.
pub(super) struct Spec<'a> {
    pub kind: ParseKind,
    pub flags: &'a str,
    pub pattern: &'a [ParsePart],
    pub drop_unmatched: bool,
}

/// The whole pattern as a regular expression, with one group for each column.
fn regex_of(spec: &Spec<'_>) -> String {
    let simple = spec.kind != ParseKind::Regex;
    let flags: String = spec.flags.chars().filter(|flag| "imsU".contains(*flag)).collect();
    let flags = if simple { format!("s{flags}") } else { flags };
    let mut regex = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
    if simple {
        regex.push('^');
    }
    for (at, part) in spec.pattern.iter().enumerate() {
        let last = at + 1 == spec.pattern.len();
        match part {
            ParsePart::Text(text) if simple => regex.push_str(&regex::escape(text)),
            ParsePart::Text(text) => regex.push_str(&format!("(?:{text})")),
            ParsePart::Skip if last && simple => regex.push_str(".*"),
            ParsePart::Skip => regex.push_str(".*?"),
            ParsePart::Column { .. } if last => regex.push_str(&format!("(?P<vigie{at}>.*)")),
            ParsePart::Column { scalar, .. } => {
                let (before, body) = capture(*scalar, spec.kind);
                regex.push_str(&format!("{before}(?P<vigie{at}>{body})"));
            }
        }
    }
    if simple {
        regex.push('$');
    }
    regex
}

/// What stands before a column, and the column, as regular expressions. Groups of the query's own have other names.
fn capture(scalar: ScalarType, kind: ParseKind) -> (&'static str, &'static str) {
    let whole = matches!(scalar, ScalarType::Int | ScalarType::Long);
    let number = matches!(scalar, ScalarType::Real | ScalarType::Decimal);
    match kind {
        ParseKind::Simple if whole => (r"\s*", r"[-+]?\d+"),
        ParseKind::Simple if number => (r"\s*", r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"),
        ParseKind::Relaxed if whole => (r"\s*", r"[-+]?\d+|.*?"),
        ParseKind::Relaxed if number => (r"\s*", r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?|.*?"),
        ParseKind::Regex if whole => (r"\s*", r"[-+]?\d+"),
        ParseKind::Regex if number => (r"\s*", r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"),
        ParseKind::Regex => ("", ".*"),
        ParseKind::Simple | ParseKind::Relaxed => ("", ".*?"),
    }
}

impl Lowering<'_> {
    pub(super) fn parse(
        &mut self,
        input: &Plan,
        source: &Expr,
        spec: &Spec<'_>,
        plan: &Plan,
    ) -> Result<Lowered, LowerError> {
        let input = self.plan(input, Vec::new())?;
        let pattern = regex_of(spec);
        if let Err(error) = super::super::functions::check_pattern(&pattern) {
            return Err(refused(plan.span, format!("this pattern ({error}); parse")));
        }
        let text = |value: String| constant(&Value::String(value), ScalarType::String);
        let types: Vec<&str> = spec
            .pattern
            .iter()
            .filter_map(|part| match part {
                ParsePart::Column { scalar, .. } => Some(scalar.as_str()),
                _ => None,
            })
            .collect();
        // With a strict pattern, one conversion that fails undoes the whole row.
        let strict = if spec.kind == ParseKind::Relaxed { String::new() } else { types.join(",") };
        let args = vec![
            (lower(source, &input.columns)?, ScalarType::String),
            (text(pattern)?, ScalarType::String),
            (text(strict)?, ScalarType::String),
        ];
        let captures = self.fresh();
        let mut expressions: Vec<DfExpr> = input.columns.iter().map(super::Col::expr).collect();
        expressions.push(call("op_parse", args, ScalarType::Dynamic, plan.span)?.alias(captures.clone()));
        let mut builder = LogicalPlanBuilder::from(input.plan).project(expressions)?;
        let found = super::Col { name: captures, scalar: ScalarType::Dynamic }.expr();
        if spec.drop_unmatched {
            builder = builder.filter(found.clone().is_not_null())?;
        }
        let mut outputs: Vec<Option<(DfExpr, ScalarType)>> =
            input.columns.iter().map(|column| Some((column.expr(), column.scalar))).collect();
        outputs.resize(plan.schema.len(), None);
        let columns = spec.pattern.iter().filter_map(|part| match part {
            ParsePart::Column { output, scalar } => Some((*output, *scalar)),
            _ => None,
        });
        for (group, (output, scalar)) in columns.enumerate() {
            let index = constant(&Value::Long(i64::try_from(group).unwrap_or(0)), ScalarType::Long)?;
            let step = vec![(found.clone(), ScalarType::Dynamic), (index, ScalarType::Long)];
            let captured = call("op_step", step, ScalarType::Dynamic, plan.span)?;
            let text = call("op_convert", vec![(captured, ScalarType::Dynamic)], ScalarType::String, plan.span)?;
            let value = match scalar {
                ScalarType::String => text,
                ScalarType::Dynamic => call("parse_json", vec![(text, ScalarType::String)], scalar, plan.span)?,
                other => call("op_convert", vec![(text, ScalarType::String)], other, plan.span)?,
            };
            if let Some(place) = outputs.get_mut(output) {
                *place = Some((value, scalar));
            }
        }
        let outputs = outputs.into_iter().flatten().collect();
        self.projected(builder.build()?, outputs, input.order)
    }

    /// Lowers `columns` over `input`.
    pub(super) fn typed_all(&self, columns: &[Expr], input: &Lowered) -> Result<Vec<(DfExpr, ScalarType)>, LowerError> {
        columns.iter().map(|column| typed(column, &input.columns)).collect()
    }
}
