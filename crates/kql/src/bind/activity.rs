//! Plugins over who was active when, over rows in their order, and over values that rows share.

mod sequence;

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::Names;
use super::project::projected;
use super::{Binder, Row, convert, expr};
use crate::algebra::{
    Activity, ActivityMeasure, Bins, Expr, ExprKind, FunnelSides, Method, Node, PatternKind, Patterns, Plan,
};
use crate::{codes, syntax};

/// Arguments of one call, taken one after another.
struct Arguments<'a> {
    plugin: &'a str,
    rest: std::slice::Iter<'a, syntax::Argument>,
    span: Span,
    /// How the call should look.
    form: &'static str,
}

impl Binder<'_> {
    /// The plugins whose rows a method makes. `None`: there is no such plugin here.
    pub(super) fn method_plugin(
        &mut self,
        input: &Plan,
        name: &str,
        args: &[syntax::Argument],
        span: Span,
    ) -> Option<Plan> {
        let form = match name {
            "activity_counts_metrics" => "activity_counts_metrics(id, time, start, end, window, dimension …)",
            "activity_metrics" => "activity_metrics(id, time, start, end, window, dimension …)",
            "new_activity_metrics" => {
                "new_activity_metrics(id, time, start, end, window, cohort, dimension …, lookback)"
            }
            "activity_engagement" => "activity_engagement(id, time, start, end, window, outer window, dimension …)",
            "sequence_detect" => {
                "sequence_detect(time, longest pause, longest span, first = condition, second = condition, …, dimension …)"
            }
            "active_users_count" => {
                "active_users_count(id, time, start, end, lookback, period, least periods, bin, dimension …)"
            }
            "session_count" => "session_count(id, time, start, end, bin, lookback, dimension …)",
            "sliding_window_counts" => "sliding_window_counts(id, time, start, end, lookback, bin, dimension …)",
            "rolling_percentile" => "rolling_percentile(value, percent, time, bin, bins, dimension …)",
            "rows_near" => "rows_near(condition, rows, rows after)",
            "funnel_sequence" => "funnel_sequence(id, time, start, end, longest pause, step, state, dynamic([…]))",
            "funnel_sequence_completion" => {
                "funnel_sequence_completion(id, time, start, end, step, state, dynamic([…]), dynamic([1h, …]))"
            }
            "autocluster" => "autocluster(size weight, weight column, seeds, wildcard …)",
            "basket" => "basket(threshold, weight column, most columns, wildcard …)",
            "diffpatterns" => {
                "diffpatterns(column, first value, second value, weight column, threshold, most columns, wildcard …)"
            }
            _ => return None,
        };
        let mut given = Arguments { plugin: name, rest: args.iter(), span, form };
        let plan = match name {
            "rows_near" => self.rows_near(input, &mut given),
            "rolling_percentile" => self.rolling_percentile(input, &mut given),
            "funnel_sequence" => self.funnel(input, &mut given, Some(FunnelSides::Both)),
            "funnel_sequence_completion" => self.funnel(input, &mut given, None),
            "sequence_detect" => self.sequence_detect(input, &mut given),
            "autocluster" | "basket" => self.shared_values(input, &mut given),
            "diffpatterns" => self.different_values(input, &mut given),
            _ => self.activity(input, &mut given),
        };
        // What went wrong was reported; the columns go on, so that nothing else is.
        Some(plan.unwrap_or_else(|| input.clone()))
    }

    fn activity(&mut self, input: &Plan, given: &mut Arguments<'_>) -> Option<Plan> {
        let span = given.span;
        let id = self.column_argument(input, given)?;
        let time = self.column_argument(input, given)?;
        let axis = input.schema[time].scalar;
        self.check_axis(axis, given)?;
        let (start, end) = if given.plugin == "activity_engagement" && self.constants(input, given) < 4 {
            (nowhere(axis, span), nowhere(axis, span))
        } else {
            (self.axis_argument(axis, given)?, self.axis_argument(axis, given)?)
        };
        let (measure, step) = match given.plugin {
            "activity_counts_metrics" => (ActivityMeasure::Counts, self.step_argument(axis, given)?),
            "activity_metrics" => (ActivityMeasure::Metrics, self.step_argument(axis, given)?),
            "new_activity_metrics" => {
                let step = self.step_argument(axis, given)?;
                (ActivityMeasure::NewMetrics { cohort: self.cohort(input, axis, given) }, step)
            }
            "active_users_count" => {
                let lookback = self.step_argument(axis, given)?;
                let period = self.step_argument(axis, given)?;
                let least = self.whole_argument(given)?;
                (ActivityMeasure::ActiveUsers { lookback, period, least }, self.step_argument(axis, given)?)
            }
            "activity_engagement" => {
                let step = self.step_argument(axis, given)?;
                (ActivityMeasure::Engagement { outer: self.step_argument(axis, given)? }, step)
            }
            "session_count" => {
                let step = self.step_argument(axis, given)?;
                (ActivityMeasure::Sessions { lookback: self.step_argument(axis, given)? }, step)
            }
            _ => {
                let lookback = self.step_argument(axis, given)?;
                (ActivityMeasure::SlidingWindow { lookback }, self.step_argument(axis, given)?)
            }
        };
        let mut dimensions = Vec::new();
        let mut lookback = None;
        while let Some(argument) = given.rest.as_slice().first() {
            if given.plugin == "new_activity_metrics" && given.rest.len() == 1 && self.is_tabular(&argument.value) {
                lookback = Some(self.known_ids(&argument.value, input.schema[id].scalar)?);
                break;
            }
            dimensions.push(self.column_argument(input, given)?);
        }
        let mut columns = dimensions.clone();
        columns.extend([id, time]);
        let mut inputs = vec![plain(input, &columns, span)];
        inputs.extend(lookback);
        let time_name = &input.schema[time].name;
        let mut schema = match &measure {
            ActivityMeasure::NewMetrics { .. } => {
                vec![column(&format!("from_{time_name}"), axis), column(&format!("to_{time_name}"), axis)]
            }
            _ => vec![column(time_name, axis)],
        };
        schema.extend(dimensions.iter().map(|at| input.schema[*at].clone()));
        let mut names = Names::of(schema.iter().map(|column| column.name.as_str()));
        for (name, scalar) in measures(&measure) {
            schema.push(column(&names.free(name), *scalar));
        }
        let method = Method::Activity(Activity { measure, span: Bins { start, end, step } });
        Some(Plan { node: Node::Derive { inputs, method }, schema, span })
    }

    /// How many arguments stand before the first that is a column.
    fn constants(&self, input: &Plan, given: &Arguments<'_>) -> usize {
        let is_column = |argument: &&syntax::Argument| matches!(&argument.value.kind, syntax::ExprKind::Name(name) if input.schema.iter().any(|c| c.name == *name));
        given.rest.as_slice().iter().take_while(|argument| !is_column(argument)).count()
    }

    /// The constant instant before the dimensions, if there is one.
    fn cohort(&mut self, input: &Plan, axis: ScalarType, given: &mut Arguments<'_>) -> Option<Expr> {
        let next = given.rest.as_slice().first()?;
        let is_column =
            matches!(&next.value.kind, syntax::ExprKind::Name(name) if input.schema.iter().any(|c| c.name == *name));
        if is_column || self.is_tabular(&next.value) {
            return None;
        }
        self.axis_argument(axis, given)
    }

    /// The ids that a table holds in its last column.
    fn known_ids(&mut self, table: &syntax::Expr, scalar: ScalarType) -> Option<Plan> {
        let plan = self.table(table);
        let at = plan.schema.iter().rposition(|column| column.scalar == scalar);
        let Some(at) = at else {
            self.error(codes::WRONG_TYPE, table.span, format!("the table has no column of ids of type {scalar}"));
            return None;
        };
        Some(super::project::pick(plan, &[at], table.span))
    }

    fn rolling_percentile(&mut self, input: &Plan, given: &mut Arguments<'_>) -> Option<Plan> {
        let span = given.span;
        let value = self.column_argument(input, given)?;
        if !convert::is_numeric(input.schema[value].scalar) {
            let message = format!("`{}` is no number", input.schema[value].name);
            self.error(codes::WRONG_TYPE, span, message).help("convert it with `todouble(…)`");
            return None;
        }
        let percent = self.real_argument(given)?;
        let time = self.column_argument(input, given)?;
        let axis = input.schema[time].scalar;
        self.check_axis(axis, given)?;
        let step = self.step_argument(axis, given)?;
        let bins = u64::try_from(self.whole_argument(given)?).unwrap_or(1);
        let mut columns = Vec::new();
        while !given.rest.as_slice().is_empty() {
            columns.push(self.column_argument(input, given)?);
        }
        let mut schema = vec![input.schema[time].clone()];
        schema.extend(columns.iter().map(|at| input.schema[*at].clone()));
        let shown = percent.to_string().replace('.', "_");
        let name = format!("rolling_{bins}_percentile_{}_{shown}", input.schema[value].name);
        schema.push(column(&name, ScalarType::Real));
        columns.extend([time, value]);
        let inputs = vec![plain(input, &columns, span)];
        let method = Method::RollingPercentile { percent, step, bins };
        Some(Plan { node: Node::Derive { inputs, method }, schema, span })
    }

    fn rows_near(&mut self, input: &Plan, given: &mut Arguments<'_>) -> Option<Plan> {
        let span = given.span;
        let condition = self.next_argument(given)?;
        let mut row = Row::of(&input.schema);
        let condition = self.scalar(&condition.value, &mut row);
        let condition = self.expect(condition, ScalarType::Bool);
        let before = u64::try_from(self.whole_argument(given)?).unwrap_or(0);
        let after = match given.rest.as_slice() {
            [] => before,
            _ => u64::try_from(self.whole_argument(given)?).unwrap_or(0),
        };
        self.no_more(given)?;
        let mut schema = input.schema.clone();
        let mut columns: Vec<Expr> = (0..schema.len()).map(|at| expr::at(&input.schema, at, span)).collect();
        schema.push(column("$near", ScalarType::Bool));
        columns.push(condition);
        let inputs = vec![projected(input.clone(), schema, columns, row.window, span)];
        let method = Method::RowsNear { before, after };
        Some(Plan { node: Node::Derive { inputs, method }, schema: input.schema.clone(), span })
    }

    fn shared_values(&mut self, input: &Plan, given: &mut Arguments<'_>) -> Option<Plan> {
        let span = given.span;
        let basket = given.plugin == "basket";
        let share = self.defaulted(given, if basket { 0.05 } else { 0.5 })?;
        let (low, high) = if basket { (0.015, 1.0) } else { (0.0, 1.0) };
        if !(low..=high).contains(&share) {
            self.error(codes::BAD_ARGUMENTS, span, format!("the first argument lies between {low} and {high}"))
                .help(given.form);
            return None;
        }
        let weight = self.weight_argument(input, given)?;
        let number = self.defaulted(given, if basket { 5.0 } else { 25.0 })?;
        let most_columns = if basket { number.max(1.0) as usize } else { usize::MAX };
        let wildcards = self.wildcards(&input.schema, given)?;
        let kind =
            if basket { PatternKind::Basket { threshold: share } } else { PatternKind::Clusters { size: share } };
        let mut schema = vec![
            column("SegmentId", ScalarType::Long),
            column("Count", ScalarType::Long),
            column("Percent", ScalarType::Real),
        ];
        let mut names = Names::of(schema.iter().map(|column| column.name.as_str()));
        schema.extend(input.schema.iter().map(|known| column(&names.free(&known.name), known.scalar)));
        let method = Method::Patterns(Patterns { kind, weight, most_columns, wildcards });
        Some(Plan { node: Node::Derive { inputs: vec![input.clone()], method }, schema, span })
    }

    fn different_values(&mut self, input: &Plan, given: &mut Arguments<'_>) -> Option<Plan> {
        let span = given.span;
        let split = self.column_argument(input, given)?;
        let first = self.text_argument(given)?;
        let second = self.text_argument(given)?;
        let weight = self.weight_argument(input, given)?;
        let threshold = self.defaulted(given, 0.05)?;
        let most_columns = self.defaulted(given, f64::from(u32::MAX))?.max(1.0) as usize;
        let rest: Vec<usize> = (0..input.schema.len()).filter(|at| *at != split).collect();
        let shown: Vec<ColumnSchema> = rest.iter().map(|at| input.schema[*at].clone()).collect();
        let wildcards = self.wildcards(&shown, given)?;
        // Rows of one of the two sets, which one first.
        let side = expr::at(&input.schema, split, span);
        let side = self.call_by_name("tostring", vec![side], span);
        let equals = |binder: &mut Self, text: &str| {
            let text =
                Expr { kind: ExprKind::Literal(Value::String(text.to_owned())), scalar: ScalarType::String, span };
            binder.infix(&syntax::Name { text: "==".to_owned(), span }, side.clone(), text, span)
        };
        let (is_first, is_second) = (equals(self, &first), equals(self, &second));
        let either = expr::balanced(crate::algebra::BinaryOp::Or, vec![is_first.clone(), is_second], span);
        let rows = super::pipeline::over(input.clone(), span, |input| Node::Filter { input, predicate: either });
        let mut below = vec![column("$first", ScalarType::Bool)];
        below.extend(shown.iter().cloned());
        let mut columns = vec![is_first];
        columns.extend(rest.iter().map(|at| expr::at(&input.schema, *at, span)));
        let inputs = vec![projected(rows, below, columns, false, span)];
        let mut schema = vec![column("SegmentId", ScalarType::Long)];
        schema.extend(["CountA", "CountB"].map(|name| column(name, ScalarType::Long)));
        schema.extend(["PercentA", "PercentB", "PercentDiffAB"].map(|name| column(name, ScalarType::Real)));
        let mut names = Names::of(schema.iter().map(|column| column.name.as_str()));
        schema.extend(shown.iter().map(|known| column(&names.free(&known.name), known.scalar)));
        let weight = weight.and_then(|weight| rest.iter().position(|at| *at == weight)).map(|at| at + 1);
        let kind = PatternKind::Difference { threshold };
        let method = Method::DiffPatterns(Patterns { kind, weight, most_columns, wildcards });
        Some(Plan { node: Node::Derive { inputs, method }, schema, span })
    }

    /// What stands for any value in each column: the constant of its type, or null.
    fn wildcards(&mut self, schema: &[ColumnSchema], given: &mut Arguments<'_>) -> Option<Vec<Expr>> {
        let span = given.span;
        let mut chosen: Vec<Expr> = Vec::new();
        for argument in given.rest.by_ref() {
            let bound = self.scalar(&argument.value, &mut Row::default());
            match bound.kind {
                ExprKind::Literal(_) => chosen.push(bound),
                ExprKind::Invalid => return None,
                _ => {
                    self.error(codes::NOT_CONSTANT, argument.value.span, "a wildcard is a constant").help(given.form);
                    return None;
                }
            }
        }
        let null = Expr { kind: ExprKind::Literal(Value::Null), scalar: ScalarType::Dynamic, span };
        let of = |column: &ColumnSchema| {
            let own = chosen.iter().rev().find(|wildcard| wildcard.scalar == column.scalar);
            own.cloned().unwrap_or_else(|| convert::convert(null.clone(), column.scalar))
        };
        Some(schema.iter().map(of).collect())
    }
}

/// Arguments by kind. Each reports what is wrong and how the call should look.
impl Binder<'_> {
    fn next_argument<'a>(&mut self, given: &mut Arguments<'a>) -> Option<&'a syntax::Argument> {
        let next = given.rest.next();
        if next.is_none() {
            self.error(codes::BAD_ARGUMENTS, given.span, format!("`{}` needs more arguments", given.plugin))
                .help(format!("write `evaluate {}`", given.form));
        }
        next
    }

    fn no_more(&mut self, given: &mut Arguments<'_>) -> Option<()> {
        let Some(extra) = given.rest.next() else { return Some(()) };
        self.error(codes::BAD_ARGUMENTS, extra.value.span, format!("`{}` takes no more arguments", given.plugin))
            .help(format!("write `evaluate {}`", given.form));
        None
    }

    fn column_argument(&mut self, input: &Plan, given: &mut Arguments<'_>) -> Option<usize> {
        let argument = self.next_argument(given)?;
        self.column_named(&input.schema, &argument.value)
    }

    fn check_axis(&mut self, axis: ScalarType, given: &Arguments<'_>) -> Option<()> {
        if matches!(axis, ScalarType::DateTime | ScalarType::TimeSpan | ScalarType::Long | ScalarType::Int) {
            return Some(());
        }
        self.error(codes::WRONG_TYPE, given.span, format!("bins lie on a datetime or a whole number, not on a {axis}"))
            .help("convert the column with `todatetime(…)` or `tolong(…)` first");
        None
    }

    /// A value that is the same for all rows: it sees no column.
    fn fixed(&mut self, argument: &syntax::Argument, scalar: ScalarType) -> Option<Expr> {
        let bound = self.scalar(&argument.value, &mut Row::default());
        let bound = self.expect(bound, scalar);
        (!matches!(bound.kind, ExprKind::Invalid)).then_some(bound)
    }

    fn axis_argument(&mut self, axis: ScalarType, given: &mut Arguments<'_>) -> Option<Expr> {
        let argument = self.next_argument(given)?;
        self.fixed(argument, axis)
    }

    fn step_argument(&mut self, axis: ScalarType, given: &mut Arguments<'_>) -> Option<Expr> {
        let argument = self.next_argument(given)?;
        let step = if axis == ScalarType::DateTime { ScalarType::TimeSpan } else { axis };
        if let syntax::ExprKind::Literal(Value::String(word), _) = &argument.value.kind {
            let message = format!("`{}` takes a step of fixed length, not \"{word}\"", given.plugin);
            self.error(codes::UNSUPPORTED, argument.value.span, message)
                .help("write 7d, or bin the rows with `startofmonth(…)` and `summarize`");
            return None;
        }
        self.fixed(argument, step)
    }

    fn whole_argument(&mut self, given: &mut Arguments<'_>) -> Option<i64> {
        let argument = self.next_argument(given)?;
        let bound = self.fixed(argument, ScalarType::Long)?;
        let ExprKind::Literal(Value::Long(number)) = bound.kind else {
            self.error(codes::NOT_CONSTANT, argument.value.span, "a constant whole number is needed here");
            return None;
        };
        Some(number)
    }

    fn real_argument(&mut self, given: &mut Arguments<'_>) -> Option<f64> {
        let argument = self.next_argument(given)?;
        let bound = self.scalar(&argument.value, &mut Row::default());
        let bound = self.expect(bound, ScalarType::Real);
        match bound.kind {
            ExprKind::Literal(Value::Real(number)) => Some(number),
            ExprKind::Invalid => None,
            _ => {
                self.error(codes::NOT_CONSTANT, argument.value.span, "a constant number is needed here");
                None
            }
        }
    }

    fn text_argument(&mut self, given: &mut Arguments<'_>) -> Option<String> {
        let argument = self.next_argument(given)?;
        let bound = self.scalar(&argument.value, &mut Row::default());
        match bound.kind {
            ExprKind::Literal(value) => Some(text_of(&value.to_json())),
            ExprKind::Invalid => None,
            _ => {
                self.error(codes::NOT_CONSTANT, argument.value.span, "a constant is needed here");
                None
            }
        }
    }

    fn list_argument(&mut self, given: &mut Arguments<'_>) -> Option<Vec<serde_json::Value>> {
        let argument = self.next_argument(given)?;
        let bound = self.scalar(&argument.value, &mut Row::default());
        match bound.kind {
            ExprKind::Literal(Value::Dynamic(serde_json::Value::Array(items))) if !items.is_empty() => Some(items),
            ExprKind::Invalid => None,
            _ => {
                self.error(codes::NOT_CONSTANT, argument.value.span, "a constant list is needed here")
                    .help("write dynamic([\"first\", \"second\"])");
                None
            }
        }
    }

    /// A number, or the default where there is none or `~`.
    fn defaulted(&mut self, given: &mut Arguments<'_>, default: f64) -> Option<f64> {
        match given.rest.as_slice().first() {
            None => Some(default),
            Some(argument) if is_tilde(&argument.value) => {
                given.rest.next();
                Some(default)
            }
            Some(_) => self.real_argument(given),
        }
    }

    fn weight_argument(&mut self, input: &Plan, given: &mut Arguments<'_>) -> Option<Option<usize>> {
        match given.rest.as_slice().first() {
            None => Some(None),
            Some(argument) if is_tilde(&argument.value) => {
                given.rest.next();
                Some(None)
            }
            Some(argument) => {
                let at = self.column_argument(input, given)?;
                if !convert::is_numeric(input.schema[at].scalar) {
                    self.error(codes::WRONG_TYPE, argument.value.span, "a weight is a number");
                    return None;
                }
                Some(Some(at))
            }
        }
    }
}

fn is_tilde(expr: &syntax::Expr) -> bool {
    matches!(&expr.kind, syntax::ExprKind::Literal(Value::String(text), _) if text == "~")
}

fn text_of(json: &serde_json::Value) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// A number, or a timespan as dynamic values hold it.
fn ticks_of(json: &serde_json::Value) -> Option<i64> {
    json.as_i64().or_else(|| crate::parser::parse_timespan(json.as_str()?))
}

/// Columns of `input` that may come more than once, under names of their own.
fn plain(input: &Plan, columns: &[usize], span: Span) -> Plan {
    let schema =
        columns.iter().enumerate().map(|(at, of)| column(&format!("${at}"), input.schema[*of].scalar)).collect();
    let columns = columns.iter().map(|at| expr::at(&input.schema, *at, span)).collect();
    projected(input.clone(), schema, columns, false, span)
}

/// The end of an axis that the rows decide about.
fn nowhere(axis: ScalarType, span: Span) -> Expr {
    Expr { kind: ExprKind::Literal(Value::Null), scalar: axis, span }
}

fn column(name: &str, scalar: ScalarType) -> ColumnSchema {
    ColumnSchema { name: name.to_owned(), scalar }
}

/// Names and types of what a plugin measures.
fn measures(measure: &ActivityMeasure) -> &'static [(&'static str, ScalarType)] {
    use ScalarType::{Long, Real};
    match measure {
        ActivityMeasure::Counts => {
            &[("count", Long), ("dcount", Long), ("new_dcount", Long), ("aggregated_dcount", Long)]
        }
        ActivityMeasure::Metrics => {
            &[("dcount_values", Long), ("dcount_newvalues", Long), ("retention_rate", Real), ("churn_rate", Real)]
        }
        ActivityMeasure::NewMetrics { .. } => &[
            ("dcount_new_values", Long),
            ("dcount_retained_values", Long),
            ("dcount_churn_values", Long),
            ("retention_rate", Real),
            ("churn_rate", Real),
        ],
        ActivityMeasure::ActiveUsers { .. } => &[("dcount", Long)],
        ActivityMeasure::Engagement { .. } => {
            &[("dcount_activities_inner", Long), ("dcount_activities_outer", Long), ("activity_ratio", Real)]
        }
        ActivityMeasure::Sessions { .. } => &[("count_sessions", Long)],
        ActivityMeasure::SlidingWindow { .. } => &[("Count", Long), ("Dcount", Long)],
    }
}
