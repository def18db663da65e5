//! Where rows come from: tables, functions, constants, other places.

use std::rc::Rc;

use kernel::diagnostic::{Diagnostic, Span};
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::{Names, nearest};
use super::{Binder, Meaning, Row, convert};
use crate::algebra::{Expr, ExprKind, ExternalSource, Node, Plan};
use crate::codes;
use crate::syntax::{self, NamedExpr, Statement};

/// Functions that name another workspace or database; here there is one.
pub(super) fn is_place(function: &str) -> bool {
    matches!(function, "workspace" | "database" | "cluster" | "app" | "adx")
}

impl Binder<'_> {
    /// Binds a tabular expression.
    pub(super) fn table(&mut self, expr: &syntax::Expr) -> Plan {
        let plan = self.table_or_graph(expr);
        self.no_graph(plan)
    }

    /// As [`Self::table`], where a graph will do.
    pub(super) fn table_or_graph(&mut self, expr: &syntax::Expr) -> Plan {
        if self.columns_in_scope {
            self.error(codes::UNSUPPORTED, expr.span, "a function that is called with columns cannot read a table")
                .help("`join` or `lookup` the table instead");
            return nothing(expr.span);
        }
        if self.calls_pattern(expr) {
            return self.pattern_table(expr);
        }
        match &expr.kind {
            syntax::ExprKind::Pipe { source, operators } => self.pipe(source.as_deref(), operators, expr.span),
            syntax::ExprKind::Name(name) => self.named_table(name, expr.span),
            syntax::ExprKind::Call { function, args } => self.table_call(function, args, expr.span),
            syntax::ExprKind::Member { base, name } if self.is_tabular(expr) => {
                if let syntax::ExprKind::Call { function, .. } = &base.kind
                    && self.is_resource_graph(function)
                {
                    return self.resource_graph(name, expr.span);
                }
                self.error(codes::UNSUPPORTED, base.span, "other workspaces and databases cannot be reached from here")
                    .help(format!("write `{}` for the table of this lake", name.text));
                nothing(expr.span)
            }
            syntax::ExprKind::Missing => {
                if !self.gaps_reported {
                    self.error(codes::SYNTAX, expr.span, "a table is missing here");
                }
                nothing(expr.span)
            }
            _ => {
                self.error(codes::WRONG_SHAPE, expr.span, "a table is needed here, this is a value")
                    .help("name a table, or write `print …`");
                nothing(expr.span)
            }
        }
    }

    fn named_table(&mut self, name: &str, span: Span) -> Plan {
        match self.inline(name, span) {
            Some(Meaning::Table(plan)) => return Plan { span, ..Plan::clone(&plan) },
            Some(Meaning::Scalar(Expr { kind: ExprKind::Invalid, .. })) => return nothing(span),
            Some(Meaning::Scalar(_)) => {
                self.error(codes::WRONG_SHAPE, span, format!("`{name}` is a value, a table is needed here"));
                return nothing(span);
            }
            Some(Meaning::Pattern { .. }) => {
                self.error(codes::WRONG_SHAPE, span, format!("`{name}` is a pattern; call it with its texts"));
                return nothing(span);
            }
            // A function without arguments may be named like a table.
            Some(Meaning::Function { .. }) => {
                return self.table_call(&syntax::Name { text: name.to_owned(), span }, &[], span);
            }
            None => {}
        }
        if let Some(table) = self.catalog.table(name) {
            return Plan { node: Node::Table { name: name.to_owned() }, schema: table.columns.clone(), span };
        }
        if let Some(function) = self.catalog.function(name).cloned() {
            return self.stored_table(&function, &[], span);
        }
        if name == "_GetWatchlistAlias" {
            return self.watchlist_names(span);
        }
        self.unknown_table(name, span);
        nothing(span)
    }

    fn unknown_table(&mut self, name: &str, span: Span) {
        if name.is_empty() {
            return;
        }
        self.table_lost = true;
        let near = nearest(name, self.catalog.tables().map(|table| table.name.as_str())).map(str::to_owned);
        let reported = self.error(codes::UNKNOWN_TABLE, span, format!("there is no table called `{name}`"));
        if let Some(near) = near {
            reported.help(format!("did you mean `{near}`?"));
        }
    }

    fn table_call(&mut self, function: &syntax::Name, args: &[syntax::Argument], span: Span) -> Plan {
        match self.lookup(&function.text) {
            Some(Meaning::Function { function: body, environment }) => {
                let (body, environment) = (Rc::clone(body), environment.clone());
                let Some(arguments) = self.arguments(&function.text, &body, args, span, &mut Row::default()) else {
                    return nothing(span);
                };
                return self
                    .inside(environment, arguments, span, |binder| binder.body(&body.body, span))
                    .unwrap_or_else(|| nothing(span));
            }
            // `T()` for a table `T` that a `let` defined by `view () {…}`.
            Some(Meaning::Table(_)) if args.is_empty() => return self.named_table(&function.text, span),
            _ => {}
        }
        match function.text.as_str() {
            "materialize" => {
                let Some(argument) = args.first() else { return nothing(span) };
                let plan = self.table(&argument.value);
                return self.share(plan);
            }
            "_GetWatchlist" => return self.watchlist(args, span),
            "_GetWatchlistAlias" => return self.watchlist_names(span),
            "table" | "materialized_view" => {
                let name = args.first().map(|argument| self.scalar(&argument.value, &mut Row::default()));
                if let Some(Expr { kind: ExprKind::Literal(Value::String(name)), .. }) = name {
                    return self.named_table(&name, span);
                }
                self.error(codes::NOT_CONSTANT, span, format!("`{}(…)` needs a constant name", function.text));
                return nothing(span);
            }
            _ => {}
        }
        if let Some(stored) = self.catalog.function(&function.text).cloned() {
            return self.stored_table(&stored, args, span);
        }
        if args.is_empty() && self.catalog.table(&function.text).is_some() {
            return self.named_table(&function.text, span);
        }
        if let Some(reason) = super::refused::table(&function.text) {
            let message = format!("`{}` is not supported: {reason}", function.text);
            self.error(codes::UNSUPPORTED, function.span, message);
            return nothing(span);
        }
        let known = self.catalog.functions().map(|function| function.name.as_str());
        let near = nearest(&function.text, known).map(str::to_owned);
        let reported = self.error(
            codes::UNKNOWN_FUNCTION,
            function.span,
            format!("there is no function `{}` that gives a table", function.text),
        );
        if let Some(near) = near {
            reported.help(format!("did you mean `{near}`?"));
        }
        nothing(span)
    }

    /// The statements of a tabular function.
    pub(super) fn body(&mut self, statements: &[Statement], span: Span) -> Plan {
        let mut answer = None;
        for statement in statements {
            answer = self.statement(statement).or(answer);
        }
        match answer {
            Some(body) => Plan { span, ..self.table_or_graph(body) },
            None => nothing(span),
        }
    }

    /// `T | invoke f(…)`: the input is the first argument.
    pub(super) fn invoke(&mut self, input: Plan, call: &syntax::Expr, span: Span) -> Plan {
        let syntax::ExprKind::Call { function, args } = &call.kind else {
            self.error(codes::SYNTAX, call.span, "`invoke` needs a call: `invoke name()`");
            return input;
        };
        let stored = self.catalog.function(&function.text).is_some() || self.lookup(&function.text).is_some();
        if function.text == "FileProfile" && !stored && self.catalog.enriches() {
            return self.file_profile(input, args, span);
        }
        let outer = self.environment.clone();
        // The input gets a name that no query can write.
        self.define("$input", Meaning::Table(Rc::new(input)));
        let input_name = syntax::Expr { kind: syntax::ExprKind::Name("$input".to_owned()), span: call.span };
        let mut all = vec![syntax::Argument { name: None, value: input_name }];
        all.extend(args.iter().cloned());
        let plan = self.table_call(function, &all, span);
        self.environment = outer;
        plan
    }

    pub(super) fn print(&mut self, items: &[NamedExpr], span: Span) -> Plan {
        let mut row = Row::default();
        let mut names = Names::default();
        let (mut schema, mut values) = (Vec::new(), Vec::new());
        for (at, item) in items.iter().enumerate() {
            if super::project::sorted_together(&item.value).is_some() {
                let several = self.items(std::slice::from_ref(item), &mut row);
                let (columns, exprs) = self.columns(several, &mut names, span);
                schema.extend(columns);
                values.extend(exprs);
                continue;
            }
            let value = self.scalar(&item.value, &mut row);
            let name = item.names.first().map_or_else(|| format!("print_{at}"), |name| name.text.clone());
            if !names.declare(&name) {
                self.error(codes::DUPLICATE_NAME, item.value.span, format!("there are two columns called `{name}`"));
            }
            schema.push(ColumnSchema { name, scalar: value.scalar });
            values.push(value);
        }
        print(values, schema, span)
    }

    pub(super) fn range(
        &mut self,
        column: &syntax::Name,
        from: &syntax::Expr,
        to: &syntax::Expr,
        step: &syntax::Expr,
        span: Span,
    ) -> Plan {
        let row = &mut Row::default();
        let (start, stop, step) = (self.scalar(from, row), self.scalar(to, row), self.scalar(step, row));
        let scalar = convert::common(start.scalar, stop.scalar);
        let scalar = match (scalar, step.scalar) {
            (Some(ScalarType::DateTime), ScalarType::TimeSpan) => Some(ScalarType::DateTime),
            (Some(ScalarType::TimeSpan), ScalarType::TimeSpan) => Some(ScalarType::TimeSpan),
            (Some(wide), other) if convert::is_numeric(wide) => {
                convert::common(wide, other).filter(|wide| convert::is_numeric(*wide))
            }
            _ => None,
        };
        let Some(scalar) = scalar.map(|scalar| if scalar == ScalarType::Int { ScalarType::Long } else { scalar })
        else {
            if ![&start, &stop, &step].iter().any(|expr| matches!(expr.kind, ExprKind::Invalid)) {
                let message = format!(
                    "`range` needs numbers, or instants with a timespan step; here are {}, {} and {}",
                    start.scalar, stop.scalar, step.scalar
                );
                self.error(codes::BAD_OPERANDS, span, message);
            }
            return nothing(span);
        };
        let step_type = if scalar == ScalarType::DateTime { ScalarType::TimeSpan } else { scalar };
        let node = Node::Range {
            start: convert::convert(start, scalar),
            stop: convert::convert(stop, scalar),
            step: convert::convert(step, step_type),
        };
        Plan { node, schema: vec![ColumnSchema { name: column.text.clone(), scalar }], span }
    }

    pub(super) fn data_table(
        &mut self,
        columns: &[(syntax::Name, ScalarType)],
        values: &[syntax::Expr],
        span: Span,
    ) -> Plan {
        let schema = self.declared(columns);
        if schema.is_empty() || !values.len().is_multiple_of(schema.len()) {
            let message = format!("{} values do not fill rows of {} columns", values.len(), schema.len());
            self.error(codes::BAD_ARGUMENTS, span, message);
            return nothing(span);
        }
        let mut rows = Vec::with_capacity(values.len() / schema.len());
        for chunk in values.chunks(schema.len()) {
            let mut row = Vec::with_capacity(schema.len());
            for (value, column) in chunk.iter().zip(&schema) {
                row.push(self.constant(value, column.scalar));
            }
            rows.push(row);
        }
        Plan { node: Node::Values { rows }, schema, span }
    }

    /// A constant of this type; a text or number that reads as it will do.
    fn constant(&mut self, value: &syntax::Expr, scalar: ScalarType) -> Value {
        let bound = self.scalar(value, &mut Row::default());
        let ExprKind::Literal(literal) = &bound.kind else {
            if !matches!(bound.kind, ExprKind::Invalid) {
                self.error(codes::NOT_CONSTANT, value.span, "`datatable` holds constants only")
                    .help("use `print` and `union` for computed rows");
            }
            return Value::Null;
        };
        if let Some(value) = convert::constant(literal, scalar) {
            return value;
        }
        let message = format!("this {} is no {scalar}, so the cell is null", bound.scalar);
        self.ignored(value.span, &message);
        Value::Null
    }

    pub(super) fn declared(&mut self, columns: &[(syntax::Name, ScalarType)]) -> Vec<ColumnSchema> {
        let mut names = Names::default();
        for (name, _) in columns {
            if !names.declare(&name.text) {
                self.error(codes::DUPLICATE_NAME, name.span, format!("there are two columns called `{}`", name.text));
            }
        }
        columns.iter().map(|(name, scalar)| ColumnSchema { name: name.text.clone(), scalar: *scalar }).collect()
    }

    pub(super) fn external(
        &mut self,
        columns: &[(syntax::Name, ScalarType)],
        uris: &[syntax::Expr],
        with: &[(syntax::Name, syntax::Expr)],
        span: Span,
    ) -> Plan {
        let schema = self.declared(columns);
        let mut places = Vec::new();
        for uri in uris {
            let bound = self.scalar(uri, &mut Row::default());
            match bound.kind {
                ExprKind::Literal(Value::String(address)) => places.push((address, uri.span)),
                ExprKind::Invalid => {}
                // It names no place; which ones there are is told where they are looked up.
                ExprKind::Literal(value) => places.push((value.to_json().to_string(), uri.span)),
                // Nor is one known that has yet to be computed.
                _ => places.push(("what is computed here".to_owned(), uri.span)),
            }
        }
        self.check_addresses(&places);
        for (name, value) in with {
            let told = match &value.kind {
                syntax::ExprKind::Name(_) => true,
                syntax::ExprKind::Literal(_, scalar) => !matches!(scalar, ScalarType::Dynamic | ScalarType::TimeSpan),
                _ => false,
            };
            if !told {
                let message = format!("`{}` is a word, a text, a number, `true` or `false`", name.text);
                self.error(codes::WRONG_TYPE, value.span, message);
            }
        }
        let uris = places.into_iter().map(|(address, _)| address).collect();
        let source = ExternalSource { uris, properties: properties(with) };
        Plan { node: Node::External(source), schema, span }
    }

    /// Warns once about something that has no effect.
    pub(super) fn ignored(&mut self, span: Span, message: &str) {
        self.diagnostics.push(Diagnostic::warning(codes::IGNORED, self.at.unwrap_or(span), message));
    }
}

/// Properties with their values as text.
pub(super) fn properties(properties: &[(syntax::Name, syntax::Expr)]) -> Vec<(String, String)> {
    let text = |expr: &syntax::Expr| match &expr.kind {
        syntax::ExprKind::Literal(Value::String(text), _) | syntax::ExprKind::Name(text) => text.clone(),
        syntax::ExprKind::Literal(value, _) => value.to_json().to_string(),
        _ => String::new(),
    };
    properties.iter().map(|(name, value)| (name.text.clone(), text(value))).collect()
}

/// One row without columns, under the expressions of a `print`.
pub(super) fn print(values: Vec<Expr>, schema: Vec<ColumnSchema>, span: Span) -> Plan {
    let row = Plan { node: Node::Values { rows: vec![Vec::new()] }, schema: Vec::new(), span };
    Plan { node: Node::Project { input: Box::new(row), columns: values }, schema, span }
}

/// No rows and no columns: stands in for what could not be bound.
pub(super) fn nothing(span: Span) -> Plan {
    Plan { node: Node::Values { rows: Vec::new() }, schema: Vec::new(), span }
}

/// No rows of these columns.
pub(super) fn empty(schema: Vec<ColumnSchema>, span: Span) -> Plan {
    Plan { node: Node::Values { rows: Vec::new() }, schema, span }
}

/// What `getschema` gives.
pub(super) fn schema_rows(columns: &[ColumnSchema], span: Span) -> Plan {
    let rows = columns.iter().enumerate().map(|(at, column)| {
        let ordinal = Value::Long(i64::try_from(at).unwrap_or(i64::MAX));
        let text = |text: &str| Value::String(text.to_owned());
        vec![text(&column.name), ordinal, text(net_type(column.scalar)), text(column.scalar.as_str())]
    });
    let column = |name: &str, scalar| ColumnSchema { name: name.to_owned(), scalar };
    let schema = vec![
        column("ColumnName", ScalarType::String),
        column("ColumnOrdinal", ScalarType::Long),
        column("DataType", ScalarType::String),
        column("ColumnType", ScalarType::String),
    ];
    Plan { node: Node::Values { rows: rows.collect() }, schema, span }
}

/// The .NET name that KQL prints in `getschema`.
fn net_type(scalar: ScalarType) -> &'static str {
    match scalar {
        ScalarType::Bool => "System.SByte",
        ScalarType::Int => "System.Int32",
        ScalarType::Long => "System.Int64",
        ScalarType::Real => "System.Double",
        ScalarType::Decimal => "System.Data.SqlTypes.SqlDecimal",
        ScalarType::String => "System.String",
        ScalarType::DateTime => "System.DateTime",
        ScalarType::TimeSpan => "System.TimeSpan",
        ScalarType::Guid => "System.Guid",
        ScalarType::Dynamic => "System.Object",
    }
}
