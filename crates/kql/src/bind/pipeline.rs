//! Pipes: each operator over the plan before it.

use std::rc::Rc;

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::{Binder, Meaning, Row, source};
use crate::algebra::{BinaryOp, Expr, ExprKind, JoinKind, Node, Plan, Render, SharedId, SortKey};
use crate::syntax::{Operator, OperatorKind, OrderBy, Projection};
use crate::{codes, syntax};

/// What an editor wants to know of a binding: the columns that each operator sees, and what names mean.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    pub(crate) active: bool,
    /// Operator and its input.
    pub(crate) inputs: Vec<(Span, Vec<ColumnSchema>)>,
}

/// What `render` can draw.
const CHARTS: [&str; 21] = [
    "table",
    "list",
    "barchart",
    "piechart",
    "ladderchart",
    "timechart",
    "linechart",
    "anomalychart",
    "pivotchart",
    "areachart",
    "stackedareachart",
    "scatterchart",
    "timepivot",
    "columnchart",
    "timeline",
    "3Dchart",
    "card",
    "treemap",
    "plotly",
    "graph",
    "sankey",
];
/// What can be said of a chart, in `with (…)`.
const CHART_PROPERTIES: [&str; 17] = [
    "title",
    "xcolumn",
    "series",
    "ycolumns",
    "anomalycolumns",
    "kind",
    "xtitle",
    "ytitle",
    "xaxis",
    "yaxis",
    "legend",
    "ysplit",
    "accumulate",
    "ymin",
    "ymax",
    "xmin",
    "xmax",
];

impl Binder<'_> {
    pub(super) fn pipe(&mut self, source: Option<&syntax::Expr>, operators: &[Operator], span: Span) -> Plan {
        let mut rest = operators;
        let mut plan = match (source, operators.split_first()) {
            (Some(source), _) => self.table_or_graph(source),
            (None, Some((head, tail))) => {
                rest = tail;
                self.head(head)
            }
            (None, None) => source::nothing(span),
        };
        for operator in rest {
            plan = self.operator(plan, operator);
        }
        plan
    }

    pub(super) fn operator(&mut self, input: Plan, operator: &Operator) -> Plan {
        self.observe_input(operator, &input);
        if !self.spend(1, operator.span) {
            return input;
        }
        use OperatorKind as Kind;
        let of_graph =
            matches!(&operator.kind, Kind::GraphMatch(_) | Kind::GraphToTable(_) | Kind::GraphMarkComponents { .. });
        if of_graph || matches!(input.node, Node::Graph(_)) {
            return self.graph_operator(input, operator);
        }
        match &operator.kind {
            Kind::Where(predicate) => self.filter(input, predicate, operator.span),
            Kind::Projection(projection, items) => self.projection(input, *projection, items, operator.span),
            Kind::Summarize { aggregates, by } => self.summarize(input, aggregates, by, operator.span),
            Kind::Sort(keys) => {
                let keys = self.order(&input, keys);
                over(input, operator.span, |input| Node::Sort { input, keys })
            }
            Kind::Top { rows, keys } => {
                let rows = self.row_count(rows);
                let keys = self.order(&input, keys);
                let sorted = over(input, operator.span, |input| Node::Sort { input, keys });
                over(sorted, operator.span, |input| Node::Take { input, rows })
            }
            Kind::Take(rows) => {
                let rows = self.row_count(rows);
                over(input, operator.span, |input| Node::Take { input, rows })
            }
            Kind::Sample(rows) => {
                let rows = self.row_count(rows);
                over(input, operator.span, |input| Node::Sample { input, rows })
            }
            Kind::SampleDistinct { rows, of } => self.sample_distinct(input, rows, of, operator.span),
            Kind::Count => self.count(input, operator.span),
            Kind::GetSchema => source::schema_rows(&input.schema, operator.span),
            Kind::Join { lookup, options, right, on } => self.join(input, *lookup, options, right, on, operator.span),
            Kind::Union { options, tables } => self.union(Some(input), options, tables, operator.span),
            Kind::Search { tables, predicate, .. } => self.search(Some(input), tables, predicate, operator.span),
            Kind::Expand { options, items, limit } => self.expand(input, options, items, limit.as_ref(), operator),
            Kind::Apply { options, items, limit, body } => {
                self.apply(input, options, items, limit.as_ref(), body, operator)
            }
            Kind::Parse { drop_unmatched, options, source, pattern } => {
                self.parse(input, *drop_unmatched, options, source, pattern, operator.span)
            }
            Kind::ParseKv { source, columns, settings } => {
                self.parse_kv(input, source, columns, settings, operator.span)
            }
            Kind::MakeSeries { .. } => self.make_series(input, operator),
            Kind::Render { visualization, properties } => {
                self.check_render(&input, visualization, properties);
                self.render = Some(Render {
                    visualization: visualization.text.clone(),
                    properties: source::properties(properties),
                });
                input
            }
            Kind::As(name) => self.name_result(input, &name.text),
            Kind::Invoke(call) => self.invoke(input, call, operator.span),
            Kind::Evaluate { call, schema } => self.evaluate(input, call, schema.as_deref(), operator.span),
            _ => self.operator_over_parts(input, operator),
        }
    }

    pub(super) fn observe_input(&mut self, operator: &Operator, input: &Plan) {
        if self.observation.active {
            self.observation.inputs.push((operator.span, input.schema.clone()));
        }
    }

    /// Operators that divide their input, look along its order or make graphs; and what is none.
    fn operator_over_parts(&mut self, input: Plan, operator: &Operator) -> Plan {
        use OperatorKind as Kind;
        match &operator.kind {
            Kind::TopHitters { rows, of, by } => self.top_hitters(input, rows, of, by.as_ref(), operator.span),
            Kind::TopNested(levels) => self.top_nested(input, levels, operator.span),
            Kind::Partition { options, by, body } => self.partition(input, options, by, body, operator.span),
            Kind::Consume => self.consume(input, operator.span),
            Kind::AssertSchema(columns) => self.assert_schema(input, columns, operator.span),
            Kind::ProjectByNames(names) => self.project_by_names(input, names, operator.span),
            Kind::Scan { match_id, declared, steps } => {
                self.scan(input, match_id.as_ref(), declared, steps, operator.span)
            }
            Kind::Fork(_) | Kind::Facet { .. } => {
                let name = &operator.name;
                let message = format!("`{}` gives several tables, so it can only end a query", name.text);
                self.error(codes::MISPLACED, name.span, message).help("send what follows as a query of its own");
                input
            }
            Kind::Reduce { options, by, settings } => self.reduce(input, options, by, settings, operator.span),
            Kind::MakeGraph(shape) => self.make_graph(input, shape, operator.span),
            Kind::GraphMatch(_) | Kind::GraphToTable(_) | Kind::GraphMarkComponents { .. } => {
                self.graph_operator(input, operator)
            }
            Kind::Range { .. } | Kind::DataTable { .. } | Kind::ExternalData { .. } | Kind::Find { .. } => {
                let message = format!("`{}` makes rows and cannot follow a `|`", operator.name.text);
                self.error(codes::MISPLACED, operator.name.span, message);
                input
            }
            Kind::Unsupported => {
                self.unsupported(operator);
                input
            }
            _ => input,
        }
    }

    /// The rows are computed, for what that costs, and none is given.
    fn consume(&mut self, input: Plan, span: Span) -> Plan {
        let counted = self.count(input, span);
        let never = Expr { kind: ExprKind::Literal(Value::Bool(false)), scalar: ScalarType::Bool, span };
        let none = over(counted, span, |input| Node::Filter { input, predicate: never });
        super::project::pick(none, &[], span)
    }

    /// Each column that is declared must be there with its type; others may be too.
    fn assert_schema(&mut self, input: Plan, columns: &[(syntax::Name, ScalarType)], span: Span) -> Plan {
        for (name, scalar) in columns {
            let found = input.schema.iter().find(|column| column.name == name.text).map(|column| column.scalar);
            let message = match found {
                Some(found) if found == *scalar => continue,
                Some(found) => format!("the column `{}` is of type {found}, not {scalar}", name.text),
                None => format!("there is no column `{}: {scalar}`", name.text),
            };
            let listed: Vec<String> =
                input.schema.iter().map(|column| format!("{}: {}", column.name, column.scalar)).collect();
            self.error(codes::WRONG_SHAPE, if name.text.is_empty() { span } else { name.span }, message)
                .help(format!("the columns are ({})", listed.join(", ")));
        }
        input
    }

    /// What `render` is asked is a hint for the console, but it should be understood.
    fn check_render(&mut self, input: &Plan, chart: &syntax::Name, properties: &[(syntax::Name, syntax::Expr)]) {
        if !CHARTS.contains(&chart.text.as_str()) && !chart.text.is_empty() {
            let near = super::name::nearest(&chart.text, CHARTS).map(str::to_owned);
            let reported = self.error(codes::SYNTAX, chart.span, format!("there is no chart called `{}`", chart.text));
            reported.help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("charts: {}", CHARTS.join(", ")),
            });
        }
        for (name, _) in properties.iter().filter(|(name, _)| !CHART_PROPERTIES.contains(&name.text.as_str())) {
            let near = super::name::nearest(&name.text, CHART_PROPERTIES).map(str::to_owned);
            let reported = self.error(codes::SYNTAX, name.span, format!("a chart has no property `{}`", name.text));
            reported.help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("properties: {}", CHART_PROPERTIES.join(", ")),
            });
        }
        for (name, value) in properties.iter().filter(|(name, _)| name.text.ends_with("title")) {
            let bound = self.scalar(value, &mut Row::of(&input.schema));
            let text = matches!(bound.scalar, ScalarType::String | ScalarType::Dynamic);
            if !text && !matches!(bound.kind, ExprKind::Invalid) {
                let message = format!("`{}` is a text, this is a {}", name.text, bound.scalar);
                self.error(codes::WRONG_TYPE, bound.span, message);
            }
        }
    }

    /// Which of the distinct values come is not specified; the first found are as good as any.
    fn sample_distinct(&mut self, input: Plan, rows: &syntax::Expr, of: &syntax::NamedExpr, span: Span) -> Plan {
        let rows = self.row_count(rows);
        let input = self.distinct(input, std::slice::from_ref(of), span);
        over(input, span, |input| Node::Take { input, rows })
    }

    pub(super) fn unsupported(&mut self, operator: &Operator) {
        let name = operator.name.text.as_str();
        if name.is_empty() {
            return;
        }
        if name == "macro-expand" {
            let message = "`macro-expand` runs its body for each cluster and database, and there is one lake here";
            self.error(codes::UNSUPPORTED, operator.name.span, message)
                .help("write the body once, with the tables by their names: `union` takes several");
            return;
        }
        if let Some(graph) = name.strip_prefix("graph-where-") {
            let message = format!("the operator `{name}` is not supported");
            self.error(codes::UNSUPPORTED, operator.name.span, message)
                .help(format!("filter the {graph} before `make-graph`, or in the `where` of `graph-match`"));
            return;
        }
        let near = super::name::nearest(name, crate::parser::OPERATORS).map(str::to_owned);
        let reported = self.error(codes::SYNTAX, operator.name.span, format!("there is no operator called `{name}`"));
        if let Some(near) = near {
            reported.help(format!("did you mean `{near}`?"));
        }
    }

    fn filter(&mut self, input: Plan, predicate: &syntax::Expr, span: Span) -> Plan {
        let mut row = Row::of(&input.schema);
        let bound = self.scalar(predicate, &mut row);
        let predicate = if bound.scalar == ScalarType::Dynamic && !matches!(bound.kind, ExprKind::Invalid) {
            self.error(codes::WRONG_TYPE, bound.span, "a condition is a bool, this is a dynamic")
                .help("convert it with `tobool(…)`");
            Self::invalid(bound.span)
        } else {
            self.expect(bound, ScalarType::Bool)
        };
        if !row.window {
            let input = before_uniqueness(input, &predicate);
            return over(input, span, |input| Node::Filter { input, predicate });
        }
        // A window function in a condition: compute the condition as a column, filter, drop it.
        let width = input.schema.len();
        let mut columns: Vec<Expr> = (0..width).map(|at| super::expr::at(&input.schema, at, span)).collect();
        columns.push(predicate);
        let mut schema = input.schema.clone();
        let original = schema.clone();
        schema.push(ColumnSchema {
            name: super::name::Names::of(schema.iter().map(|c| c.name.as_str())).free("_condition"),
            scalar: ScalarType::Bool,
        });
        let windowed = Plan { node: Node::Window { input: Box::new(input), columns }, schema, span };
        let condition = super::expr::at(&windowed.schema, width, span);
        let filtered = over(windowed, span, |input| Node::Filter { input, predicate: condition });
        let kept = (0..width).map(|at| super::expr::at(&filtered.schema, at, span)).collect();
        Plan { node: Node::Project { input: Box::new(filtered), columns: kept }, schema: original, span }
    }

    pub(super) fn order(&mut self, input: &Plan, keys: &[OrderBy]) -> Vec<SortKey> {
        let mut row = Row::of(&input.schema);
        let mut bound = Vec::with_capacity(keys.len());
        for key in keys {
            let descending = !key.ascending.unwrap_or(false);
            let nulls_first = key.nulls_first.unwrap_or(!descending);
            let mut expr = self.scalar(&key.value.value, &mut row);
            if expr.scalar == ScalarType::Dynamic && !matches!(expr.kind, ExprKind::Invalid) {
                self.error(codes::WRONG_TYPE, expr.span, "a dynamic value has no order")
                    .help("convert it with `tostring(…)`, `tolong(…)` or `todatetime(…)`");
                expr = Self::invalid(expr.span);
            }
            bound.push(SortKey { expr, descending, nulls_first });
        }
        if row.window {
            self.error(codes::MISPLACED, input.span, "window functions cannot be sort keys")
                .help("compute them with `extend` first");
        }
        bound
    }

    /// A constant number of rows.
    pub(super) fn row_count(&mut self, rows: &syntax::Expr) -> u64 {
        let bound = self.scalar(rows, &mut Row::default());
        match &bound.kind {
            ExprKind::Literal(Value::Long(rows)) => u64::try_from(*rows).unwrap_or(0),
            ExprKind::Literal(Value::Int(rows)) => u64::try_from(*rows).unwrap_or(0),
            ExprKind::Invalid => 0,
            _ => {
                self.error(codes::NOT_CONSTANT, rows.span, "the number of rows must be a constant whole number");
                0
            }
        }
    }

    pub(super) fn count(&mut self, input: Plan, span: Span) -> Plan {
        let Some(function) = crate::functions::aggregate("count") else { return input };
        let call = crate::algebra::AggregateCall {
            function,
            args: Vec::new(),
            filter: None,
            outputs: vec![ScalarType::Long],
            span,
        };
        let schema = vec![ColumnSchema { name: "Count".to_owned(), scalar: ScalarType::Long }];
        Plan {
            node: Node::Aggregate { input: Box::new(input), keys: Vec::new(), aggregates: vec![call] },
            schema,
            span,
        }
    }

    /// `as name`: the rows so far, computed once, under a name.
    fn name_result(&mut self, input: Plan, name: &str) -> Plan {
        let plan = self.share(input);
        if let Node::Shared(id) = plan.node {
            self.result_names.insert(id, name.to_owned());
        }
        self.define(name, Meaning::Table(Rc::new(plan.clone())));
        plan
    }

    /// Moves a plan into the shared ones.
    pub(super) fn share(&mut self, plan: Plan) -> Plan {
        if matches!(plan.node, Node::Shared(_)) {
            return plan;
        }
        let (schema, span) = (plan.schema.clone(), plan.span);
        if plan.reads_part() {
            self.error(codes::UNSUPPORTED, span, "the rows of one part cannot be kept under a name or used twice")
                .help("do it before `partition` or `mv-apply`, or after");
            return plan;
        }
        self.shared.push(plan);
        Plan { node: Node::Shared(SharedId(self.shared.len() - 1)), schema, span }
    }

    pub(super) fn head(&mut self, operator: &Operator) -> Plan {
        if !self.spend(1, operator.span) {
            return source::nothing(operator.span);
        }
        match &operator.kind {
            OperatorKind::Projection(Projection::Print, items) => self.print(items, operator.span),
            OperatorKind::Range { column, from, to, step } => self.range(column, from, to, step, operator.span),
            OperatorKind::DataTable { columns, values } => self.data_table(columns, values, operator.span),
            OperatorKind::ExternalData { columns, uris, properties } => {
                self.external(columns, uris, properties, operator.span)
            }
            OperatorKind::Union { options, tables } => self.union(None, options, tables, operator.span),
            OperatorKind::Search { tables, predicate, .. } => self.search(None, tables, predicate, operator.span),
            OperatorKind::Find { options, tables, predicate, output } => {
                self.find(options, tables, predicate, output, operator.span)
            }
            OperatorKind::Evaluate { call, schema } => {
                self.evaluate(source::nothing(operator.span), call, schema.as_deref(), operator.span)
            }
            _ => {
                self.unsupported(operator);
                source::nothing(operator.span)
            }
        }
    }
}

/// A condition on the left columns right after an innerunique join holds before one row is chosen for each key, so a
/// key with a fitting row is in the answer: the language lets conditions pass into the join.
fn before_uniqueness(mut joined: Plan, predicate: &Expr) -> Plan {
    let Node::Join { kind: JoinKind::InnerUnique, left, .. } = &mut joined.node else { return joined };
    let width = left.schema.len();
    for conjunct in conjuncts(predicate) {
        if reads_only(conjunct, width) {
            let (condition, span) = (conjunct.clone(), conjunct.span);
            let side = std::mem::replace(left.as_mut(), source::nothing(span));
            **left = over(side, span, |input| Node::Filter { input, predicate: condition });
        }
    }
    joined
}

fn conjuncts(predicate: &Expr) -> Vec<&Expr> {
    match &predicate.kind {
        ExprKind::Binary { op: BinaryOp::And, left, right } => {
            let mut all = conjuncts(left);
            all.extend(conjuncts(right));
            all
        }
        _ => vec![predicate],
    }
}

/// Does `expr` say the same wherever it is computed, and read none but the first `width` columns?
fn reads_only(expr: &Expr, width: usize) -> bool {
    let steady = match &expr.kind {
        ExprKind::Column { index, .. } => *index < width,
        ExprKind::Call { function, .. } => !matches!(function.name, "rand" | "new_guid"),
        ExprKind::Invalid => false,
        _ => expr.subplan().is_none(),
    };
    steady && expr.operands().into_iter().all(|operand| reads_only(operand, width))
}

/// An operator that keeps its input's columns.
pub(super) fn over(input: Plan, span: Span, node: impl FnOnce(Box<Plan>) -> Node) -> Plan {
    let schema = input.schema.clone();
    Plan { node: node(Box::new(input)), schema, span }
}

/// The option called `name` as a word.
pub(super) fn option<'o>(options: &'o [syntax::Setting], name: &str) -> Option<(&'o str, Span)> {
    options.iter().find(|option| option.name.text == name).map(|option| {
        let text = match &option.value.kind {
            syntax::ExprKind::Name(name) => name.as_str(),
            syntax::ExprKind::Literal(Value::String(text), _) => text.as_str(),
            syntax::ExprKind::Literal(Value::Bool(true), _) => "true",
            _ => "",
        };
        (text, option.value.span)
    })
}
