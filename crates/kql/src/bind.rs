//! The syntax tree against a catalog: names, types, overloads, and the algebra.

mod activity;
mod aggregate;
mod call;
mod convert;
mod declared_pattern;
mod expr;
mod file_profile;
mod find;
mod graph;
mod join;
mod key_value;
mod name;
mod nested;
mod open;
mod operand;
mod pattern;
mod pipeline;
mod place_lookup;
mod plugin;
mod project;
mod refused;
mod relation;
mod resource_graph;
mod scan;
mod series;
mod source;
mod stored;
mod tables;
mod union;

use std::collections::HashMap;
use std::rc::Rc;

use kernel::diagnostic::{Diagnostic, Level, Span};
use kernel::schema::ColumnSchema;
use kernel::value::ScalarType;

use crate::algebra::{AggregateCall, Expr, ExprKind, Plan, Query, Render, SharedId, Size};
use crate::catalog::Catalog;
use crate::parser::Parsed;
use crate::{codes, syntax};

pub use open::OpenColumns;
use pipeline::Observation;
pub use stored::{FunctionFindings, check_function};

/// Operators in a bound query, inlined `let`s included.
const MAX_OPERATORS: u32 = 5_000;
/// Operators and expressions of a bound query, inlined `let`s included.
const MAX_NODES: usize = 300_000;
/// Depth of what a `let` may stand for.
const MAX_LET_DEPTH: usize = 250;
/// Calls of user-defined functions inside one another.
const MAX_CALL_DEPTH: u32 = 16;
/// Statements in a query.
const MAX_STATEMENTS: usize = 500;

/// What binding gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// Only when no diagnostic is an error.
    pub query: Option<Query>,
    /// Those of the parser, then the binder's, by place.
    pub diagnostics: Vec<Diagnostic>,
    /// There is no query yet because the columns of an operator depend on the data: ask for them, then bind again
    /// by [`compile_with`].
    pub open: Option<OpenColumns>,
}

/// Resolves every name and type of `parsed`.
pub fn bind(parsed: &Parsed, catalog: &Catalog) -> Bound {
    bind_with(parsed, catalog, &[])
}

/// As [`bind`], where the columns of the first operators whose columns depend on the data are known.
fn bind_with(parsed: &Parsed, catalog: &Catalog, known: &[Vec<ColumnSchema>]) -> Bound {
    let mut binder = Binder::new(catalog);
    binder.known = known;
    binder.gaps_reported = !parsed.diagnostics.is_empty();
    let query = binder.script(&parsed.script);
    let mut diagnostics = parsed.diagnostics.clone();
    // A gap in the tree was already reported by the parser; what binding says of it is noise.
    diagnostics.append(&mut binder.diagnostics);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    diagnostics.dedup();
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error);
    let open = binder.open.take().filter(|_| !failed);
    Bound { query: query.filter(|_| !failed && open.is_none()), diagnostics, open }
}

/// Parses and binds.
pub fn compile(text: &str, catalog: &Catalog) -> Bound {
    bind(&crate::parse(text), catalog)
}

/// As [`compile`]; `known` are the columns that were asked for [`Bound::open`], in the order of asking.
pub fn compile_with(text: &str, catalog: &Catalog, known: &[Vec<ColumnSchema>]) -> Bound {
    bind_with(&crate::parse(text), catalog, known)
}

/// The input columns of every operator, for an editor.
pub(crate) fn observe(parsed: &Parsed, catalog: &Catalog) -> Vec<(Span, Vec<ColumnSchema>)> {
    let mut binder = Binder::new(catalog);
    binder.observation.active = true;
    binder.script(&parsed.script);
    binder.observation.inputs
}

/// What the name of a `let`, a parameter or an `as` stands for.
#[derive(Debug, Clone)]
enum Meaning {
    Scalar(Expr),
    Table(Rc<Plan>),
    Function { function: Rc<syntax::Function>, environment: Environment },
    Pattern { pattern: Rc<syntax::Pattern>, environment: Environment },
}

/// Names in force, innermost first.
type Environment = Option<Rc<Definition>>;

#[derive(Debug)]
struct Definition {
    name: String,
    meaning: Meaning,
    size: Size,
    outer: Environment,
}

/// What a scalar expression can see.
#[derive(Debug, Default)]
struct Row {
    columns: Vec<ColumnSchema>,
    /// In a join condition: the columns of the right side.
    right: Option<Vec<ColumnSchema>>,
    /// In `summarize`: aggregates are collected here, and columns are out of reach.
    aggregates: Option<Collected>,
    /// A window function occurred.
    window: bool,
    /// Names whose properties are the columns `name.property`: nodes and edges of a pattern, steps of a scan.
    tuples: Vec<String>,
    /// In a pattern of a graph.
    graph: Option<pattern::GraphScope>,
}

/// Aggregates of one `summarize`.
#[derive(Debug, Default)]
struct Collected {
    calls: Vec<AggregateCall>,
    /// Where the next output column will be.
    next: usize,
}

impl Row {
    fn of(columns: &[ColumnSchema]) -> Row {
        Row { columns: columns.to_vec(), ..Row::default() }
    }
}

/// Why not every column is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// The data gave the columns of an operator, as far as there is data.
    Data,
    /// A table of a fuzzy union is not there.
    Table,
}

struct Binder<'a> {
    catalog: &'a Catalog,
    environment: Environment,
    diagnostics: Vec<Diagnostic>,
    shared: Vec<Plan>,
    /// What `as` called shared plans.
    result_names: HashMap<SharedId, String>,
    render: Option<Render>,
    /// Width and fixed point of `bin_auto()`, as `set` gave them.
    bin_auto: [Option<Expr>; 2],
    operators: u32,
    nodes: usize,
    call_depth: u32,
    /// A function is being bound whose arguments hold columns; a table in it would take them for its own.
    columns_in_scope: bool,
    /// While inlining a function from elsewhere: the call, which is where its problems are reported.
    at: Option<Span>,
    /// The parser reported something, so a gap in the tree is no news.
    gaps_reported: bool,
    /// Names of `let`s and parameters of the block that is being bound.
    declared: Vec<String>,
    /// What completion and hover watch.
    observation: Observation,
    /// Columns of the operators whose columns depend on the data, in the order of binding.
    known: &'a [Vec<ColumnSchema>],
    /// How many of `known` were used.
    known_used: usize,
    /// The first operator whose columns are not known. What follows it cannot be judged, so nothing is reported.
    open: Option<OpenColumns>,
    /// A name that stands for no column is null, not a mistake.
    unknown_is_null: Option<Unknown>,
    /// A table that is not there was named: of what is looked for among no columns nothing is known.
    table_lost: bool,
    /// Stored functions that were met.
    stored: stored::StoredCalls,
}

impl<'a> Binder<'a> {
    fn new(catalog: &'a Catalog) -> Binder<'a> {
        Binder {
            catalog,
            environment: None,
            diagnostics: Vec::new(),
            shared: Vec::new(),
            result_names: HashMap::new(),
            render: None,
            bin_auto: [None, None],
            operators: 0,
            nodes: 0,
            call_depth: 0,
            columns_in_scope: false,
            at: None,
            gaps_reported: false,
            declared: Vec::new(),
            observation: Observation::default(),
            known: &[],
            known_used: 0,
            open: None,
            unknown_is_null: None,
            table_lost: false,
            stored: stored::StoredCalls::default(),
        }
    }

    fn script(&mut self, script: &syntax::Script) -> Option<Query> {
        let mut answers = Vec::new();
        let mut names_tables = false;
        if script.statements.len() > MAX_STATEMENTS {
            let message =
                format!("the query has {} statements; the limit is {MAX_STATEMENTS}", script.statements.len());
            self.error(codes::LIMIT, Span::new(0, 0), message);
            return None;
        }
        for statement in &script.statements {
            if let Some(expr) = self.statement(statement) {
                // `graph-to-table nodes as N, edges as E` is there for its names.
                if std::mem::replace(&mut names_tables, ends_in_names(expr)) {
                    answers.clear();
                }
                answers.extend(self.answers(expr));
            }
        }
        let Some((plan, name, further)) = tables::named(answers) else {
            if !script.statements.is_empty() && !self.gaps_reported {
                let span = Span::new(0, 0);
                self.error(codes::SYNTAX, span, "there is no query after the `let` statements")
                    .help("end with a table or `print`");
            }
            return None;
        };
        let (shared, render) = (std::mem::take(&mut self.shared), self.render.take());
        Some(Query { plan, name, further, shared, render })
    }

    /// Defines, or gives back the expression that is the answer.
    fn statement<'s>(&mut self, statement: &'s syntax::Statement) -> Option<&'s syntax::Expr> {
        match statement {
            syntax::Statement::Query(expr) => return Some(expr),
            syntax::Statement::Let { name, value } => {
                self.declare(name);
                let meaning = self.meaning(value);
                self.define(&name.text, meaning);
            }
            syntax::Statement::LetFunction { name, function } => {
                self.declare(name);
                let environment = self.environment.clone();
                let function = Rc::new(function.clone());
                self.define(&name.text, Meaning::Function { function, environment });
            }
            syntax::Statement::Pattern(pattern) => {
                let environment = self.environment.clone();
                let meaning = Meaning::Pattern { pattern: Rc::new(pattern.clone()), environment };
                self.define(&pattern.name.text, meaning);
            }
            syntax::Statement::Parameters(parameters) => self.query_parameters(parameters),
            syntax::Statement::Set { option, value, span } => self.set_option(option, value.as_ref(), *span),
            syntax::Statement::Other { name, span } => {
                let message = format!("`{}` statements are not supported", name.text);
                self.error(codes::UNSUPPORTED, *span, message).help("use `let` to name values and tables");
            }
        }
        None
    }

    /// The options of `bin_auto()`; others are for another engine.
    fn set_option(&mut self, option: &syntax::Name, value: Option<&syntax::Expr>, span: Span) {
        let place = match option.text.as_str() {
            "query_bin_auto_size" => 0,
            "query_bin_auto_at" => 1,
            _ => {
                self.diagnostics.push(Diagnostic::warning(codes::IGNORED, span, "`set` has no effect here"));
                return;
            }
        };
        let Some(value) = value else {
            let message = format!("`{}` needs a value", option.text);
            self.error(codes::SYNTAX, option.span, message).help(format!("write `set {} = …`", option.text));
            return;
        };
        self.bin_auto[place] = Some(self.scalar(value, &mut Row::default()));
    }

    /// A name means one thing in its block.
    fn declare(&mut self, name: &syntax::Name) {
        if self.declared.contains(&name.text) && !name.text.is_empty() {
            let message = format!("`{}` is declared twice here", name.text);
            self.error(codes::DUPLICATE_NAME, name.span, message).help("give one of them another name");
        }
        self.declared.push(name.text.clone());
    }

    /// Parameters that nobody filled have their defaults.
    fn query_parameters(&mut self, parameters: &[syntax::ParameterDecl]) {
        for parameter in parameters {
            let syntax::ParameterKind::Scalar(scalar) = parameter.kind else {
                self.error(codes::UNSUPPORTED, parameter.name.span, "a query parameter is a value");
                continue;
            };
            let Some(default) = &parameter.default else {
                let message = format!("the parameter `{}` has no value", parameter.name.text);
                self.error(codes::UNSUPPORTED, parameter.name.span, message)
                    .help(format!("give it a default: `{}: {scalar} = …`", parameter.name.text));
                self.define(&parameter.name.text, Meaning::Scalar(Self::invalid(parameter.name.span)));
                continue;
            };
            let bound = self.scalar(default, &mut Row::default());
            let bound = self.expect(bound, scalar);
            self.define(&parameter.name.text, Meaning::Scalar(bound));
        }
    }

    /// A table as it is, a scalar as one row.
    fn answer(&mut self, expr: &syntax::Expr) -> Plan {
        if self.is_tabular(expr) {
            return self.table(expr);
        }
        let value = self.scalar(expr, &mut Row::default());
        let schema = vec![ColumnSchema { name: "print_0".to_owned(), scalar: value.scalar }];
        source::print(vec![value], schema, expr.span)
    }

    fn meaning(&mut self, value: &syntax::Expr) -> Meaning {
        if self.is_tabular(value) {
            return Meaning::Table(Rc::new(self.table_or_graph(value)));
        }
        if let syntax::ExprKind::Name(name) = &value.kind
            && let Some(meaning @ Meaning::Function { .. }) = self.lookup(name)
        {
            return meaning.clone();
        }
        Meaning::Scalar(self.scalar(value, &mut Row::default()))
    }

    fn define(&mut self, name: &str, meaning: Meaning) {
        let size = match &meaning {
            Meaning::Scalar(expr) => expr.size(),
            Meaning::Table(plan) => plan.size(),
            Meaning::Function { .. } | Meaning::Pattern { .. } => Size::default(),
        };
        let outer = self.environment.take();
        self.environment = Some(Rc::new(Definition { name: name.to_owned(), meaning, size, outer }));
    }

    fn lookup(&self, name: &str) -> Option<&Meaning> {
        self.definition(name).map(|definition| &definition.meaning)
    }

    fn definition(&self, name: &str) -> Option<&Rc<Definition>> {
        let mut at = self.environment.as_ref();
        while let Some(definition) = at.filter(|definition| definition.name != name) {
            at = definition.outer.as_ref();
        }
        at
    }

    /// What `name` stands for, to put in its place: counted against the limits.
    fn inline(&mut self, name: &str, span: Span) -> Option<Meaning> {
        let definition = self.definition(name)?.clone();
        let before = self.nodes;
        self.nodes = before.saturating_add(definition.size.nodes);
        if self.nodes <= MAX_NODES && definition.size.depth <= MAX_LET_DEPTH {
            return Some(definition.meaning.clone());
        }
        if before <= MAX_NODES {
            let message = format!("`{name}` makes the query too large once every `let` is put in its place");
            self.error(codes::LIMIT, span, message).help("wrap tables that are used often in materialize()");
        }
        Some(Meaning::Scalar(Self::invalid(span)))
    }

    /// Is it a table rather than a value? Decided by form and by what its head names.
    fn is_tabular(&self, expr: &syntax::Expr) -> bool {
        match &expr.kind {
            syntax::ExprKind::Pipe { .. } => true,
            syntax::ExprKind::Name(name) => match self.lookup(name) {
                Some(Meaning::Table(_)) => true,
                Some(Meaning::Function { function, .. }) => self.function_is_tabular(function),
                Some(Meaning::Scalar(_) | Meaning::Pattern { .. }) => false,
                None => {
                    self.catalog.table(name).is_some()
                        || name == "_GetWatchlistAlias"
                        || self.catalog.function(name).is_some_and(|stored| self.stored_is_tabular(stored))
                }
            },
            syntax::ExprKind::Call { function, args } => self.call_is_tabular(function, args),
            // workspace("…").Table, database("…").Table
            syntax::ExprKind::Member { .. } | syntax::ExprKind::Index { .. } if self.calls_pattern(expr) => true,
            syntax::ExprKind::Member { base, .. } => {
                matches!(
                    &base.kind,
                    syntax::ExprKind::Call { function, .. }
                        if source::is_place(&function.text) || self.is_resource_graph(function)
                ) || matches!(&base.kind, syntax::ExprKind::Member { .. } if self.is_tabular(base))
            }
            _ => false,
        }
    }

    fn call_is_tabular(&self, function: &syntax::Name, args: &[syntax::Argument]) -> bool {
        match self.lookup(&function.text) {
            Some(Meaning::Function { function, .. }) => self.function_is_tabular(function),
            Some(Meaning::Table(_) | Meaning::Pattern { .. }) => true,
            Some(Meaning::Scalar(_)) => false,
            None if function.text == "materialize" => {
                args.first().is_some_and(|argument| self.is_tabular(&argument.value))
            }
            None => {
                matches!(
                    function.text.as_str(),
                    "table" | "materialized_view" | "_GetWatchlist" | "_GetWatchlistAlias" | "externaldata" | "view"
                ) || refused::table(&function.text).is_some()
                    || (crate::functions::scalar(&function.text).is_none()
                        && self.catalog.function(&function.text).is_some_and(|stored| self.stored_is_tabular(stored)))
                    || self.catalog.table(&function.text).is_some()
            }
        }
    }

    fn function_is_tabular(&self, function: &syntax::Function) -> bool {
        let local = |name: &str| {
            function
                .parameters
                .iter()
                .find(|parameter| parameter.name.text == name)
                .map(|parameter| matches!(parameter.kind, syntax::ParameterKind::Table { .. }))
        };
        match function.body.last() {
            Some(syntax::Statement::Query(syntax::Expr { kind: syntax::ExprKind::Name(name), .. })) => local(name)
                .or_else(|| {
                    function.body.iter().find_map(|statement| match statement {
                        syntax::Statement::Let { name: defined, value } if defined.text == *name => {
                            Some(self.is_tabular(value))
                        }
                        _ => None,
                    })
                })
                .unwrap_or_else(|| {
                    self.is_tabular(&syntax::Expr { kind: syntax::ExprKind::Name(name.clone()), span: Span::new(0, 0) })
                }),
            Some(syntax::Statement::Query(expr)) => self.is_tabular(expr),
            _ => false,
        }
    }

    // --- reporting

    /// Reports an error; the remedy can be added to what it gives.
    fn error(&mut self, code: &str, span: Span, message: impl Into<String>) -> Reported<'_> {
        if self.open.is_some() {
            return Reported { diagnostic: None };
        }
        let message = if self.at.is_some() { self.in_stored(span, message.into()) } else { message.into() };
        let span = self.at.unwrap_or(span);
        self.diagnostics.push(Diagnostic::error(code, span, message));
        Reported { diagnostic: self.diagnostics.last_mut() }
    }

    fn invalid(span: Span) -> Expr {
        Expr { kind: ExprKind::Invalid, scalar: ScalarType::Dynamic, span }
    }

    /// Counts operators; beyond the limit reports once.
    fn spend(&mut self, operators: u32, span: Span) -> bool {
        let before = self.operators;
        self.operators = before.saturating_add(operators);
        if self.operators <= MAX_OPERATORS {
            return true;
        }
        if before <= MAX_OPERATORS {
            let message =
                format!("the query comes to more than {MAX_OPERATORS} operators once every `let` is put in its place");
            self.error(codes::LIMIT, span, message).help("wrap tables that are used often in materialize()");
        }
        false
    }
}

fn ends_in_names(expr: &syntax::Expr) -> bool {
    let syntax::ExprKind::Pipe { operators, .. } = &expr.kind else { return false };
    let last = operators.last().map(|operator| &operator.kind);
    matches!(last, Some(syntax::OperatorKind::GraphToTable(tables)) if tables.iter().all(|table| table.alias.is_some()))
}

/// A diagnostic that was just reported.
struct Reported<'d> {
    diagnostic: Option<&'d mut Diagnostic>,
}

impl Reported<'_> {
    /// Adds the remedy.
    fn help(self, help: impl Into<String>) {
        if let Some(diagnostic) = self.diagnostic {
            diagnostic.help = Some(help.into());
        }
    }
}
