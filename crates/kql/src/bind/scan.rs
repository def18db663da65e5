//! scan and reduce: rows in their order against steps, texts into groups.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::Names;
use super::pipeline::option;
use super::project::projected;
use super::{Binder, Row, convert, expr};
use crate::algebra::{Expr, ExprKind, Method, Node, Plan, Scan, ScanOutput, ScanStep};
use crate::codes;
use crate::syntax::{self, ParameterDecl, ParameterKind};

impl Binder<'_> {
    pub(super) fn scan(
        &mut self,
        input: Plan,
        match_id: Option<&syntax::Name>,
        declared: &[ParameterDecl],
        steps: &[syntax::ScanStep],
        span: Span,
    ) -> Plan {
        let width = input.schema.len();
        let mut schema = input.schema.clone();
        let mut defaults = Vec::with_capacity(declared.len());
        for column in declared {
            let ParameterKind::Scalar(scalar) = column.kind else { continue };
            defaults.push(self.scan_default(column, scalar, span));
            schema.push(ColumnSchema { name: column.name.text.clone(), scalar });
        }
        let mut wide = schema.clone();
        let mut tuples = Vec::with_capacity(steps.len());
        for step in steps {
            if tuples.contains(&step.name.text) {
                let message = format!("there are two steps called `{}`", step.name.text);
                self.error(codes::DUPLICATE_NAME, step.name.span, message);
            }
            tuples.push(step.name.text.clone());
            wide.extend(Self::tuple_row(&schema, &step.name.text).columns);
        }
        let mut bound = Vec::with_capacity(steps.len());
        for (at, step) in steps.iter().enumerate() {
            // A step sees itself and the steps before it.
            let known = schema.len() * (at + 2);
            let mut row = Row { columns: wide[..known].to_vec(), tuples: tuples[..=at].to_vec(), ..Row::default() };
            bound.extend(self.scan_step(step, &schema, &mut row));
        }
        if let Some(name) = match_id {
            schema.push(ColumnSchema { name: name.text.clone(), scalar: ScalarType::Long });
        }
        self.check_names(&schema, span);
        let scan = Scan { width, defaults, steps: bound, match_id: match_id.is_some() };
        Plan { node: Node::Derive { inputs: vec![input], method: Method::Scan(scan) }, schema, span }
    }

    fn scan_default(&mut self, column: &ParameterDecl, scalar: ScalarType, span: Span) -> Expr {
        let Some(default) = &column.default else {
            let null = Expr { kind: ExprKind::Literal(Value::Null), scalar: ScalarType::Dynamic, span };
            return convert::convert(null, scalar);
        };
        let bound = self.scalar(default, &mut Row::default());
        let bound = if convert::is_numeric(bound.scalar) && convert::is_numeric(scalar) {
            self.force(bound, scalar)
        } else {
            self.expect(bound, scalar)
        };
        if bound.reads_columns() {
            self.error(codes::NOT_CONSTANT, default.span, "a default is a constant");
        }
        bound
    }

    fn scan_step(&mut self, step: &syntax::ScanStep, schema: &[ColumnSchema], row: &mut Row) -> Option<ScanStep> {
        let output = match step.output.as_ref().map(|name| name.text.as_str()) {
            None | Some("all") => ScanOutput::All,
            Some("last") => ScanOutput::Last,
            Some("none") => ScanOutput::None,
            Some(other) => {
                let at = step.output.as_ref().map_or(step.name.span, |name| name.span);
                self.error(codes::SYNTAX, at, format!("a step has no output `{other}`"))
                    .help("write all, last or none");
                return None;
            }
        };
        let condition = self.scalar(&step.condition, row);
        let condition = self.expect(condition, ScalarType::Bool);
        let mut assignments: Vec<(usize, Expr)> = Vec::with_capacity(step.assignments.len());
        for (name, value) in &step.assignments {
            let Some(at) = schema.iter().position(|column| column.name == name.text) else {
                let message = format!("there is no column or declared variable called `{}`", name.text);
                self.error(codes::UNKNOWN_COLUMN, name.span, message)
                    .help("declare it: `scan declare (name: type) with (…)`");
                continue;
            };
            let value = self.scalar(value, row);
            let value = if convert::is_numeric(value.scalar) && convert::is_numeric(schema[at].scalar) {
                self.force(value, schema[at].scalar)
            } else {
                self.expect(value, schema[at].scalar)
            };
            assignments.push((at, value));
        }
        if row.window {
            self.error(codes::MISPLACED, step.condition.span, "window functions cannot stand in `scan`")
                .help("compute them with `extend` first");
            row.window = false;
        }
        Some(ScanStep { optional: step.optional, output, condition, assignments })
    }

    /// `reduce by text with threshold=0.1, characters="-"`
    pub(super) fn reduce(
        &mut self,
        input: Plan,
        options: &[syntax::Setting],
        by: &syntax::Expr,
        settings: &[(syntax::Name, syntax::Expr)],
        span: Span,
    ) -> Plan {
        let keep_rows = match option(options, "kind") {
            None => false,
            Some(("source", _)) => true,
            Some((other, at)) => {
                self.error(codes::SYNTAX, at, format!("there is no `reduce` of kind `{other}`"))
                    .help("the only kind is source");
                false
            }
        };
        let (mut threshold, mut separators) = (0.1, String::new());
        for (name, value) in settings {
            let bound = self.scalar(value, &mut Row::default());
            match (name.text.as_str(), bound.kind) {
                ("threshold", ExprKind::Literal(Value::Real(share))) if (0.0..=1.0).contains(&share) => {
                    threshold = share
                }
                ("threshold", ExprKind::Literal(Value::Long(share))) if (0..=1).contains(&share) => {
                    threshold = share as f64
                }
                ("characters", ExprKind::Literal(Value::String(text))) => separators = text,
                (_, ExprKind::Invalid) => {}
                _ => self
                    .error(codes::BAD_ARGUMENTS, name.span.to(value.span), "`reduce` does not take this")
                    .help("write `with threshold=0.1, characters=\"-_\"`; the threshold lies between 0 and 1"),
            }
        }
        let mut row = Row::of(&input.schema);
        let text = self.scalar(by, &mut row);
        let text = self.force(text, ScalarType::String);
        let width = if keep_rows { input.schema.len() } else { 0 };
        let mut columns = vec![text];
        columns.extend((0..width).map(|at| expr::at(&input.schema, at, span)));
        let mut names = Names::of(input.schema.iter().map(|column| column.name.as_str()));
        let text_column = ColumnSchema { name: names.free("$text"), scalar: ScalarType::String };
        let below = std::iter::once(text_column).chain(input.schema.iter().take(width).cloned()).collect();
        let mut schema: Vec<ColumnSchema> = input.schema.iter().take(width).cloned().collect();
        let mut names = Names::of(schema.iter().map(|column| column.name.as_str()));
        for (name, scalar) in
            [("Pattern", ScalarType::String), ("Count", ScalarType::Long), ("Representative", ScalarType::String)]
        {
            schema.push(ColumnSchema { name: names.free(name), scalar });
        }
        let input = projected(input, below, columns, row.window, span);
        let method = Method::Reduce { threshold, separators, keep_rows };
        Plan { node: Node::Derive { inputs: vec![input], method }, schema, span }
    }
}
