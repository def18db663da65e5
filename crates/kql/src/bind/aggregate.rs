//! summarize: keys, aggregates, and expressions over aggregates.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::{Names, automatic};
use super::project::projected;
use super::{Binder, Collected, Row, expr};
use crate::algebra::{AggregateCall, Expr, ExprKind, Node, Plan};
use crate::functions::{self, FunctionSpec};
use crate::syntax::NamedExpr;
use crate::{codes, syntax};

/// Aggregates with a condition, and the plain ones behind them; the condition is the last needed argument.
const CONDITIONAL: [(&str, &str); 19] = [
    ("hll_if", "hll"),
    ("countif", "count"),
    ("sumif", "sum"),
    ("avgif", "avg"),
    ("minif", "min"),
    ("maxif", "max"),
    ("dcountif", "dcount"),
    ("count_distinctif", "count_distinct"),
    ("make_set_if", "make_set"),
    ("make_list_if", "make_list"),
    ("make_bag_if", "make_bag"),
    ("take_anyif", "take_any"),
    ("stdevif", "stdev"),
    ("varianceif", "variance"),
    ("stdevpif", "stdevp"),
    ("variancepif", "variancep"),
    ("covarianceif", "covariance"),
    ("covariancepif", "covariancep"),
    ("anyif", "take_any"),
];

impl Binder<'_> {
    pub(super) fn summarize(&mut self, input: Plan, aggregates: &[NamedExpr], by: &[NamedExpr], span: Span) -> Plan {
        let mut row = Row::of(&input.schema);
        let items = self.items(by, &mut row);
        if row.window {
            self.error(codes::MISPLACED, span, "window functions cannot be keys")
                .help("compute them with `extend` first");
        }
        let mut names = Names::default();
        let (mut schema, keys) = self.columns(items, &mut names, span);
        self.check_keys(&keys, &schema);
        let passed: Vec<usize> = keys.iter().filter_map(passed_on).collect();
        row.aggregates = Some(Collected { calls: Vec::new(), next: keys.len() });
        let mut outputs = Vec::new();
        for item in aggregates {
            self.summarized(item, &mut row, &passed, &mut outputs);
        }
        let collected = row.aggregates.take().unwrap_or_default();
        self.name_outputs(&mut outputs, &mut names);
        let mut full: Vec<ColumnSchema> = schema.clone();
        let types = collected.calls.iter().flat_map(|call| call.outputs.iter().copied());
        full.extend(types.enumerate().map(|(at, scalar)| ColumnSchema { name: format!("${at}"), scalar }));
        let direct =
            outputs.iter().enumerate().all(
                |(at, output)| matches!(output.expr.kind, ExprKind::Column { index, .. } if index == keys.len() + at),
            ) && full.len() == keys.len() + outputs.len();
        let width = keys.len();
        if aggregates.is_empty() && by.is_empty() {
            self.error(codes::SYNTAX, span, "`summarize` needs an aggregate or a key");
        }
        let node = Node::Aggregate { input: Box::new(input), keys, aggregates: collected.calls };
        let named: Vec<ColumnSchema> = outputs
            .iter()
            .map(|output| ColumnSchema { name: output.name.clone().unwrap_or_default(), scalar: output.expr.scalar })
            .collect();
        if direct {
            schema.extend(named);
            return Plan { node, schema, span };
        }
        let mut columns: Vec<Expr> = (0..width).map(|at| expr::at(&full, at, span)).collect();
        columns.extend(outputs.into_iter().map(|output| output.expr));
        schema.extend(named);
        projected(Plan { node, schema: full, span }, schema, columns, false, span)
    }

    fn check_keys(&mut self, keys: &[Expr], schema: &[ColumnSchema]) {
        for (key, column) in keys.iter().zip(schema) {
            if key.scalar == ScalarType::Dynamic && !matches!(key.kind, ExprKind::Invalid) {
                let message = format!("`{}` is dynamic; rows cannot be grouped by it", column.name);
                self.error(codes::WRONG_TYPE, key.span, message).help(format!("use `tostring({})`", column.name));
            }
        }
    }

    /// One item of the list: an aggregate with one or several outputs, or an expression over aggregates.
    fn summarized(&mut self, item: &NamedExpr, row: &mut Row, keys: &[usize], outputs: &mut Vec<Output>) {
        if let syntax::ExprKind::Call { function: name, args } = &item.value.kind
            && let Some(function) = functions::called_aggregate(&name.text, args.len())
        {
            let names = self.aggregate(name, function, args, item.value.span, row, keys);
            let first = names.first;
            for (at, (automatic, scalar)) in names.outputs.into_iter().enumerate() {
                let written = item.names.get(at).map(|name| name.text.clone());
                let kind = ExprKind::Column { index: first + at, name: automatic.clone() };
                outputs.push(Output {
                    fixed: written.is_some(),
                    name: written.or(Some(automatic)),
                    expr: Expr { kind, scalar, span: item.value.span },
                });
            }
            return;
        }
        let value = self.scalar(&item.value, row);
        let written = item.names.first().map(|name| name.text.clone());
        if item.names.len() > 1 {
            self.error(
                codes::WRONG_SHAPE,
                item.value.span,
                "this expression gives one value, but several names stand before it",
            );
        }
        outputs.push(Output {
            fixed: written.is_some(),
            name: written.or_else(|| automatic(&item.value)),
            expr: value,
        });
    }

    fn name_outputs(&mut self, outputs: &mut [Output], names: &mut Names) {
        for output in outputs.iter().filter(|output| output.fixed) {
            if let Some(name) = &output.name
                && !names.declare(name)
            {
                self.error(codes::DUPLICATE_NAME, output.expr.span, format!("there are two columns called `{name}`"));
            }
        }
        for output in outputs.iter_mut().filter(|output| !output.fixed) {
            output.name = Some(match &output.name {
                Some(name) => names.free(name),
                None => names.numbered("Column"),
            });
        }
    }

    /// An aggregate inside an expression: its (first) output column.
    pub(super) fn aggregate_in_expression(
        &mut self,
        name: &syntax::Name,
        function: &'static FunctionSpec,
        args: &[syntax::Argument],
        span: Span,
        row: &mut Row,
    ) -> Expr {
        let named = self.aggregate(name, function, args, span, row, &[]);
        match named.outputs.into_iter().next() {
            Some((name, scalar)) => Expr { kind: ExprKind::Column { index: named.first, name }, scalar, span },
            None => Self::invalid(span),
        }
    }

    /// Binds one call, adds it to the collected ones, and tells its output columns with automatic names.
    fn aggregate(
        &mut self,
        name: &syntax::Name,
        function: &'static FunctionSpec,
        args: &[syntax::Argument],
        span: Span,
        row: &mut Row,
        keys: &[usize],
    ) -> Outputs {
        // Arguments see the input's columns and no aggregates.
        let collected = row.aggregates.take().unwrap_or_default();
        let (bound, names) = self.aggregate_arguments(&name.text, function, args, row, keys);
        if row.window {
            self.error(codes::MISPLACED, span, "window functions cannot stand in an aggregate")
                .help("compute them with `extend` first");
            row.window = false;
        }
        let mut collected = collected;
        let first = collected.next;
        let Some(call) = self.aggregate_call(function, bound, span) else {
            row.aggregates = Some(collected);
            return Outputs { first, outputs: Vec::new() };
        };
        let automatic = output_names(&name.text, &call, args, &names);
        let outputs: Vec<(String, ScalarType)> = automatic.into_iter().zip(call.outputs.iter().copied()).collect();
        collected.next += call.outputs.len();
        collected.calls.push(call);
        row.aggregates = Some(collected);
        Outputs { first, outputs }
    }

    /// Arguments with the names that carried columns will have; `*` is every column that is not among `keys`.
    fn aggregate_arguments(
        &mut self,
        name: &str,
        function: &FunctionSpec,
        args: &[syntax::Argument],
        row: &mut Row,
        keys: &[usize],
    ) -> (Vec<Expr>, Vec<String>) {
        let carries = matches!(function.name, "arg_max" | "arg_min" | "take_any");
        let (mut bound, mut names): (Vec<Expr>, Vec<String>) = (Vec::new(), Vec::new());
        for argument in args {
            if matches!(argument.value.kind, syntax::ExprKind::Star) && carries {
                for (at, column) in row.columns.iter().enumerate() {
                    let taken = keys.contains(&at) || names.contains(&column.name);
                    if !taken {
                        bound.push(expr::at(&row.columns, at, argument.value.span));
                        names.push(column.name.clone());
                    }
                }
                continue;
            }
            if matches!(argument.value.kind, syntax::ExprKind::Star) && name == "count" {
                continue;
            }
            bound.push(self.scalar(&argument.value, row));
            let written = argument.name.as_ref().map(|name| name.text.clone());
            names.push(written.or_else(|| automatic(&argument.value)).unwrap_or_default());
        }
        (bound, names)
    }

    /// Checks the types and takes the condition of an `-if` form apart.
    fn aggregate_call(
        &mut self,
        function: &'static FunctionSpec,
        args: Vec<Expr>,
        span: Span,
    ) -> Option<AggregateCall> {
        if let ("count", [argument]) = (function.name, args.as_slice()) {
            // An old form: `count(condition)` counts as `countif` does, of other values every row counts.
            let counted = argument.clone();
            let filter = (counted.scalar == ScalarType::Bool).then_some(counted);
            return Some(AggregateCall { function, args: Vec::new(), filter, outputs: vec![ScalarType::Long], span });
        }
        let resolved = self.resolve(function, args, span);
        let ExprKind::Call { mut args, .. } = resolved.kind else { return None };
        let mut function = function;
        let mut filter = None;
        if let Some((_, plain)) = CONDITIONAL.iter().find(|(conditional, _)| *conditional == function.name) {
            let at = match *plain {
                "count" => 0,
                "covariance" | "covariancep" => 2,
                _ => 1,
            };
            filter = (args.len() > at).then(|| args.remove(at));
            function = functions::aggregate(plain)?;
        }
        let outputs = match function.name {
            "arg_max" | "arg_min" | "take_any" => args.iter().map(|arg| arg.scalar).collect(),
            "percentiles" => vec![resolved.scalar; args.len().saturating_sub(1)],
            "percentilesw" => vec![resolved.scalar; args.len().saturating_sub(2)],
            _ => vec![resolved.scalar],
        };
        let ordered = matches!(function.name, "arg_max" | "arg_min" | "min" | "max");
        if ordered && args.first().is_some_and(|arg| arg.scalar == ScalarType::Dynamic) {
            self.error(
                codes::WRONG_TYPE,
                span,
                format!("`{}` needs values with an order; a dynamic has none", function.name),
            )
            .help("convert it with `tostring(…)`, `tolong(…)` or `todatetime(…)`");
            return None;
        }
        Some(AggregateCall { function, args, filter, outputs, span })
    }
}

/// The column that a key is, unchanged: also `tostring(s)` of a text.
fn passed_on(key: &Expr) -> Option<usize> {
    match &key.kind {
        ExprKind::Column { index, .. } => Some(*index),
        ExprKind::Call { function, args, .. } => match args.as_slice() {
            [Expr { kind: ExprKind::Column { index, .. }, scalar, .. }]
                if *scalar == key.scalar && function.name.strip_prefix("to") == Some(scalar.as_str()) =>
            {
                Some(*index)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The outputs of one call: where the first one is, and their automatic names and types.
struct Outputs {
    first: usize,
    outputs: Vec<(String, ScalarType)>,
}

/// One output column of a `summarize`, keys apart.
struct Output {
    fixed: bool,
    name: Option<String>,
    expr: Expr,
}

fn output_names(spelling: &str, call: &AggregateCall, args: &[syntax::Argument], names: &[String]) -> Vec<String> {
    let argument = args.first().and_then(|argument| automatic(&argument.value));
    match spelling {
        "arg_max" | "arg_min" => {
            let mut names = names.to_vec();
            if let Some(first) = names.first_mut().filter(|first| first.is_empty()) {
                *first = format!("{}_", spelling.trim_start_matches("arg_"));
            }
            names
        }
        "argmax" | "argmin" => {
            let head = format!("{}_{}", spelling.trim_start_matches("arg"), names.first().map_or("", String::as_str));
            let rest = names.iter().skip(1).map(|name| format!("{head}_{name}"));
            std::iter::once(head.clone()).chain(rest).collect()
        }
        "take_any" => names.to_vec(),
        "any" => names.iter().map(|name| format!("any_{name}")).collect(),
        "percentile" | "percentiles" | "percentilew" | "percentilesw" => {
            let values = if spelling.ends_with('w') { 2 } else { 1 };
            let percents = call.args.iter().skip(values).map(|percent| match &percent.kind {
                ExprKind::Literal(Value::Real(percent)) if *percent >= 0.0 => percent.to_string().replace('.', "_"),
                _ => String::new(),
            });
            percents.map(|percent| format!("percentile_{}_{percent}", argument.clone().unwrap_or_default())).collect()
        }
        "percentiles_array" | "percentilesw_array" => vec![format!("percentiles_{}", argument.unwrap_or_default())],
        "take_anyif" => vec![argument.unwrap_or_default()],
        _ => {
            let span = call.span;
            let function = syntax::Name { text: spelling.to_owned(), span };
            let kind = syntax::ExprKind::Call { function, args: args.to_vec() };
            vec![automatic(&syntax::Expr { kind, span }).unwrap_or_default()]
        }
    }
}

/// Series of `make-series`: an expression over aggregates each.
impl Binder<'_> {
    pub(super) fn bin_value(
        &mut self,
        item: &NamedExpr,
        input: &Plan,
    ) -> Option<(Vec<AggregateCall>, Expr, Option<String>)> {
        let mut row = Row::of(&input.schema);
        row.aggregates = Some(Collected::default());
        let mut outputs = Vec::new();
        self.summarized(item, &mut row, &[], &mut outputs);
        let calls = row.aggregates.take().unwrap_or_default().calls;
        let (1, Some(output)) = (outputs.len(), outputs.pop()) else {
            if !outputs.is_empty() {
                self.error(codes::UNSUPPORTED, item.value.span, "a series has one value for each bin")
                    .help("write one series for each of them");
            }
            return None;
        };
        (!matches!(output.expr.kind, ExprKind::Invalid)).then_some((calls, output.expr, output.name))
    }
}
