//! What people keep for their queries: stored functions, watchlists, reference tables in the place of addresses.

use std::rc::Rc;

use kernel::diagnostic::{Diagnostic, Level, Span};
use kernel::library::watchlist_table;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::nearest;
use super::source::nothing;
use super::{Binder, Meaning, Row, source};
use crate::algebra::{Expr, ExprKind, Node, Plan};
use crate::catalog::{Catalog, StoredFunction};
use crate::syntax::{self, Statement};
use crate::{Parsed, codes};

/// What stands before the parameters where a stored function is read as a `let`.
const HEAD: &str = "let stored = ";
/// And what after the body, which may end in a comment.
const TAIL: &str = "\n};";

/// A stored function, read.
#[derive(Debug)]
pub(super) struct Stored {
    name: String,
    /// The text that was parsed, to which the places inside belong.
    text: String,
    /// Where the body begins in it.
    body_at: u32,
    parsed: Parsed,
}

impl Stored {
    fn read(stored: &StoredFunction) -> Stored {
        let head = format!("{HEAD}{} {{", stored.parameters);
        let body_at = u32::try_from(head.len()).unwrap_or(u32::MAX);
        let text = format!("{head}{}{TAIL}", stored.body);
        let parsed = crate::parse(&text);
        Stored { name: stored.name.clone(), text, body_at, parsed }
    }

    fn function(&self) -> Option<&syntax::Function> {
        match self.parsed.script.statements.as_slice() {
            [Statement::LetFunction { function, .. }] => Some(function),
            _ => None,
        }
    }

    fn problem(&self) -> Option<&Diagnostic> {
        self.parsed.diagnostics.iter().find(|diagnostic| diagnostic.level == Level::Error)
    }

    /// Where in the function a span of its text lies: a line of the body, or its parameters.
    fn place(&self, span: Span) -> String {
        if span.start < self.body_at {
            return "the parameters".to_owned();
        }
        let body = &self.text[self.body_at as usize..self.text.len() - TAIL.len()];
        let at = (span.start - self.body_at).min(u32::try_from(body.len()).unwrap_or(u32::MAX));
        format!("line {}", Span::new(at, at).line_column(body).0)
    }
}

/// Stored functions as a binding meets them.
#[derive(Debug, Default)]
pub(super) struct StoredCalls {
    /// Those that were read, by name.
    read: std::cell::RefCell<std::collections::HashMap<String, Rc<Stored>>>,
    /// Calls inside one another, outermost first.
    calls: Vec<Rc<Stored>>,
    /// Those of which is being asked whether they give tables.
    asked: std::cell::RefCell<Vec<String>>,
    /// Every one that was called.
    used: std::collections::BTreeSet<String>,
}

impl Binder<'_> {
    fn read_stored(&self, stored: &StoredFunction) -> Rc<Stored> {
        let mut read = self.stored.read.borrow_mut();
        Rc::clone(read.entry(stored.name.clone()).or_insert_with(|| Rc::new(Stored::read(stored))))
    }

    /// Does the stored function give a table? Judged where it is stored, not where it is called.
    pub(super) fn stored_is_tabular(&self, stored: &StoredFunction) -> bool {
        // One that asks itself is none; calling it will say so.
        if self.stored.asked.borrow().contains(&stored.name) {
            return false;
        }
        let read = self.read_stored(stored);
        let Some(function) = read.function() else { return true };
        let elsewhere = Binder::new(self.catalog);
        let asked = self.stored.asked.borrow().iter().cloned().chain([stored.name.clone()]).collect();
        *elsewhere.stored.asked.borrow_mut() = asked;
        elsewhere.function_is_tabular(function)
    }

    /// A call of a stored function that gives a table.
    pub(super) fn stored_table(&mut self, stored: &StoredFunction, args: &[syntax::Argument], span: Span) -> Plan {
        let called = self
            .call_stored(stored, args, span, &mut Row::default(), |binder, function| binder.body(&function.body, span));
        called.unwrap_or_else(|| nothing(span))
    }

    /// A call of a stored function that gives a value.
    pub(super) fn stored_value(
        &mut self,
        stored: &StoredFunction,
        args: &[syntax::Argument],
        span: Span,
        row: &mut Row,
    ) -> Expr {
        let read = self.read_stored(stored);
        let called = self
            .call_stored(stored, args, span, row, |binder, function| binder.value_of_body(&read.name, function, span));
        called.unwrap_or_else(|| Self::invalid(span))
    }

    fn call_stored<T>(
        &mut self,
        stored: &StoredFunction,
        args: &[syntax::Argument],
        span: Span,
        row: &mut Row,
        body: impl FnOnce(&mut Self, &syntax::Function) -> T,
    ) -> Option<T> {
        let name = &stored.name;
        self.stored.used.insert(name.clone());
        if let Some(first) = self.stored.calls.iter().position(|call| call.name == *name) {
            let cycle = self.stored.calls[first..].iter().map(|call| call.name.as_str()).chain([name.as_str()]);
            let message =
                format!("the stored function `{name}` calls itself: {}", cycle.collect::<Vec<_>>().join(" → "));
            self.error(codes::LIMIT, span, message).help("a function of KQL cannot call itself");
            return None;
        }
        let read = self.read_stored(stored);
        let problem = read.problem().map(|problem| (problem.message.clone(), read.place(problem.span)));
        let function = read.function().filter(|_| problem.is_none());
        let Some(function) = function else {
            let (message, place) = problem.unwrap_or_else(|| ("it is no function".to_owned(), "all".to_owned()));
            let message = format!("the stored function `{name}` is not valid ({place} of it): {message}");
            self.error(codes::UNKNOWN_FUNCTION, span, message);
            return None;
        };
        let arguments = self.arguments(name, function, args, span, row)?;
        let with_columns =
            arguments.iter().any(|(_, meaning)| matches!(meaning, Meaning::Scalar(expr) if expr.reads_columns()));
        let outer = self.columns_in_scope;
        self.columns_in_scope = outer || with_columns;
        let outer_at = self.at;
        let result = self.inside(None, arguments, span, |binder| {
            binder.at = Some(outer_at.unwrap_or(span));
            binder.stored.calls.push(Rc::clone(&read));
            let result = body(binder, function);
            binder.stored.calls.pop();
            result
        });
        self.columns_in_scope = outer;
        result
    }

    /// Says of a problem inside a stored function in which one it is, and where.
    pub(super) fn in_stored(&self, span: Span, message: String) -> String {
        match self.stored.calls.last() {
            Some(call) => format!("{} of the stored function `{}`: {message}", call.place(span), call.name),
            None => message,
        }
    }

    /// `_GetWatchlist('name')`.
    pub(super) fn watchlist(&mut self, args: &[syntax::Argument], span: Span) -> Plan {
        let name = args.first().map(|argument| self.scalar(&argument.value, &mut Row::default()));
        let Some(Expr { kind: ExprKind::Literal(Value::String(name)), .. }) = name else {
            if !matches!(name, Some(Expr { kind: ExprKind::Invalid, .. })) {
                self.error(codes::NOT_CONSTANT, span, "`_GetWatchlist` takes the name of a watchlist in quotes");
            }
            return nothing(span);
        };
        if let Some(watchlist) = self.catalog.watchlist(&name) {
            let schema = watchlist.columns.clone();
            return Plan { node: Node::Table { name: watchlist_table(&name) }, schema, span };
        }
        if self.catalog.stands_for_everything() {
            self.ignored(
                span,
                &format!("the watchlist `{name}` is not there, so it is empty; its columns are not known"),
            );
            self.unknown_is_null = Some(super::Unknown::Table);
            return source::empty(Vec::new(), span);
        }
        let near = nearest(&name, self.catalog.watchlists().map(|one| one.name.as_str())).map(str::to_owned);
        let help = near.map_or_else(
            || format!("upload it: `vigie watchlists put {name} FILE.csv --key COLUMN`"),
            |near| format!("did you mean `{near}`?"),
        );
        self.table_lost = true;
        self.error(codes::UNKNOWN_TABLE, span, format!("there is no watchlist called `{name}`")).help(help);
        nothing(span)
    }

    /// `_GetWatchlistAlias`: the names of all watchlists.
    pub(super) fn watchlist_names(&self, span: Span) -> Plan {
        let rows = self.catalog.watchlists().map(|one| vec![Value::String(one.name.clone())]).collect();
        let schema = vec![ColumnSchema { name: "WatchlistAlias".to_owned(), scalar: ScalarType::String }];
        Plan { node: Node::Values { rows }, schema, span }
    }

    /// Refuses the addresses of an `externaldata` for which no reference table stands.
    pub(super) fn check_addresses(&mut self, addresses: &[(String, Span)]) {
        for (address, span) in addresses {
            if !self.catalog.answers_for(address) {
                let message = format!("`externaldata` fetches nothing: no reference table stands for `{address}`");
                self.error(codes::UNSUPPORTED, *span, message).help(format!(
                    "download the file and upload it: `vigie references put NAME FILE --address {address}`"
                ));
            }
        }
    }
}

/// What binding a stored function by itself shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FunctionFindings {
    /// Their places are in the body; those of the parameters are at its beginning and say so.
    pub diagnostics: Vec<Diagnostic>,
    /// Stored functions that it calls, directly or through others.
    pub uses: std::collections::BTreeSet<String>,
}

/// Binds a stored function as if it were called: scalar parameters without value are null, tables have the columns that
/// they must have. With a parameter `(*)` columns cannot be judged; then only grammar, names of functions and
/// recursion are.
pub fn check_function(function: &StoredFunction, catalog: &Catalog) -> FunctionFindings {
    let stored = Stored::read(function);
    let mut found = FunctionFindings { diagnostics: stored.parsed.diagnostics.clone(), ..FunctionFindings::default() };
    if let (Some(read), None) = (stored.function(), stored.problem()) {
        let catalog = catalog.clone().with_function(function.clone());
        let mut binder = Binder::new(&catalog);
        let open = binder.stand_in(read);
        binder.stored.calls.push(Rc::new(Stored::read(function)));
        let body = read.body.iter().fold(None, |answer, statement| binder.statement(statement).or(answer));
        if let Some(body) = body {
            drop(binder.answer(body));
        }
        binder.stored.calls.clear();
        found.uses = std::mem::take(&mut binder.stored.used);
        let judged = |diagnostic: &Diagnostic| {
            !open || matches!(diagnostic.code.as_str(), codes::LIMIT | codes::UNKNOWN_FUNCTION | codes::SYNTAX)
        };
        found.diagnostics.extend(binder.diagnostics.into_iter().filter(judged));
    } else if stored.problem().is_none() {
        let message = "this is no function: the parameters are `(name: type, …)`, the body is a query";
        found.diagnostics.push(Diagnostic::error(codes::SYNTAX, Span::new(0, 0), message));
    }
    found.diagnostics.iter_mut().for_each(|diagnostic| into_body(diagnostic, &stored, function));
    found
}

/// Moves a place in the text that was parsed to one in the body.
fn into_body(diagnostic: &mut Diagnostic, stored: &Stored, function: &StoredFunction) {
    let end = u32::try_from(function.body.len()).unwrap_or(u32::MAX);
    let moved = |at: u32| at.saturating_sub(stored.body_at).min(end);
    if diagnostic.span.start < stored.body_at {
        diagnostic.message = format!("parameters: {}", diagnostic.message);
    }
    diagnostic.span = Span::new(moved(diagnostic.span.start), moved(diagnostic.span.end));
}

impl Binder<'_> {
    /// Defines what the parameters stand for when nobody calls. True: a table of unknown columns is among them.
    fn stand_in(&mut self, function: &syntax::Function) -> bool {
        let mut open = false;
        for parameter in &function.parameters {
            let span = parameter.name.span;
            let meaning = match (&parameter.kind, &parameter.default) {
                (syntax::ParameterKind::Scalar(scalar), Some(default)) => {
                    let value = self.scalar(default, &mut Row::default());
                    Meaning::Scalar(self.expect(value, *scalar))
                }
                (syntax::ParameterKind::Scalar(scalar), None) => {
                    let value = if *scalar == ScalarType::String { Value::String(String::new()) } else { Value::Null };
                    Meaning::Scalar(Expr { kind: ExprKind::Literal(value), scalar: *scalar, span })
                }
                (syntax::ParameterKind::Table { columns, any }, _) => {
                    open |= *any;
                    let schema = self.declared(columns);
                    Meaning::Table(Rc::new(source::empty(schema, span)))
                }
            };
            self.define(&parameter.name.text, meaning);
        }
        open
    }
}
