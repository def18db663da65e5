//! Calls: special forms, user-defined functions, and overloads of registered ones.

use std::rc::Rc;

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::convert::{common, convert, cost};
use super::name::nearest;
use super::{Binder, Environment, MAX_CALL_DEPTH, Meaning, Row, expr};
use crate::algebra::{Expr, ExprKind, PathStep};
use crate::functions::{self, Accepts, FunctionClass, FunctionSpec, Overload, Returns};
use crate::{codes, syntax};

impl Binder<'_> {
    pub(super) fn call(&mut self, name: &syntax::Name, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        // A `let` that took a scalar function's name leaves the function callable.
        if let Some(Meaning::Function { function, environment }) = self.lookup(&name.text) {
            let (function, environment) = (Rc::clone(function), environment.clone());
            return self.user_function(&name.text, &function, environment, args, span, row);
        }
        if row.aggregates.is_some()
            && let Some(function) = functions::called_aggregate(&name.text, args.len())
        {
            return self.aggregate_in_expression(name, function, args, span, row);
        }
        if (row.graph.is_some() || name.text.starts_with("node_degree_"))
            && let Some(found) = self.graph_call(name, args, span, row)
        {
            return found;
        }
        match name.text.as_str() {
            "toscalar" => return self.first_value(args, span),
            "column_ifexists" | "columnifexists" => return self.column_if_exists(args, span, row),
            "pack_all" => return self.pack_all(args, span, row),
            "bag_pack_columns" => return self.bag_pack_columns(args, span, row),
            "iscolumnexists" => return self.is_column(args, span, row),
            "estimate_data_size" => return self.data_size(args, span, row),
            "column_names_of" => return self.column_names_of(args, span),
            "ingestion_time" => return self.ingestion_time(span, row),
            "bin_auto" if self.bin_auto[0].is_some() => return self.bin_auto(args, span, row),
            "case" => return self.case(args, span, row),
            "array_sort_asc" | "array_sort_desc" if sorted_arrays(args) > 1 => {
                return self.sort_together(name, args, span, row);
            }
            "indexof" => return self.index_of(args, span, row),
            "extract" | "extract_json" | "extractjson" | "percentile_tdigest"
                if args.last().is_some_and(|arg| matches!(arg.value.kind, syntax::ExprKind::TypeOf(_))) =>
            {
                return self.typed_extract(name, args, span, row);
            }
            _ => {}
        }
        let Some(function) = functions::scalar(&name.text) else {
            if let Some(stored) = self.catalog.function(&name.text).cloned() {
                return self.stored_value(&stored, args, span, row);
            }
            self.unknown_function(name);
            return Self::invalid(span);
        };
        if function.class == FunctionClass::Window {
            row.window = true;
        }
        let args: Vec<Expr> = args.iter().map(|argument| self.scalar(&argument.value, row)).collect();
        self.resolve(function, args, span)
    }

    /// `array_sort_asc(a, b, …, nulls last)`: an array of the arrays, all in the order of the first.
    fn sort_together(&mut self, name: &syntax::Name, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let mut bound: Vec<Expr> = args.iter().map(|argument| self.scalar(&argument.value, row)).collect();
        let last = bound.pop_if(|last| last.scalar == ScalarType::Bool);
        let always = Expr { kind: ExprKind::Literal(Value::Bool(true)), scalar: ScalarType::Bool, span };
        bound.insert(0, last.unwrap_or(always));
        self.internal(&format!("op_sort_together_{}", name.text.trim_start_matches("array_sort_")), bound, span)
    }

    /// `indexof` takes other types by their texts.
    fn index_of(&mut self, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let mut bound: Vec<Expr> = args.iter().map(|argument| self.scalar(&argument.value, row)).collect();
        for text in bound.iter_mut().take(2).filter(|text| !matches!(text.kind, ExprKind::Invalid)) {
            *text = self.force(text.clone(), ScalarType::String);
        }
        self.call_by_name("indexof", bound, span)
    }

    fn unknown_function(&mut self, name: &syntax::Name) {
        if functions::aggregate(&name.text).is_some() {
            let message = format!("`{}` is an aggregate; it belongs into `summarize`", name.text);
            self.error(codes::MISPLACED, name.span, message);
            return;
        }
        let known = functions::all().iter().filter(|spec| spec.class != FunctionClass::Aggregate).map(|spec| spec.name);
        let stored = self.catalog.functions().map(|stored| stored.name.as_str());
        let near = nearest(&name.text, known.chain(stored));
        if let Some(reason) = super::refused::function(&name.text) {
            let message = format!("`{}` is not supported: {reason}", name.text);
            self.error(codes::UNSUPPORTED, name.span, message);
            return;
        }
        let reported =
            self.error(codes::UNKNOWN_FUNCTION, name.span, format!("there is no function called `{}` here", name.text));
        if let Some(near) = near {
            reported.help(format!("did you mean `{near}`?"));
        }
    }

    /// Chooses the overload that costs least and converts the arguments to it.
    pub(super) fn resolve(&mut self, function: &'static FunctionSpec, args: Vec<Expr>, span: Span) -> Expr {
        if args.iter().any(|arg| matches!(arg.kind, ExprKind::Invalid)) {
            return Self::invalid(span);
        }
        let priced = function.overloads.iter().filter_map(|overload| Some((price(overload, &args)?, overload)));
        let Some((_, overload)) = priced.min_by_key(|(price, _)| *price).filter(|_| fits(function, &args)) else {
            self.no_overload(function, &args, span);
            return Self::invalid(span);
        };
        let shared = common_type(overload, &args);
        let args: Vec<Expr> = args
            .into_iter()
            .enumerate()
            .map(|(at, arg)| match parameter(overload, at) {
                Some(Accepts::Type(ScalarType::Real)) if arg.scalar == ScalarType::Decimal => {
                    self.force(arg, ScalarType::Real)
                }
                Some(Accepts::Type(scalar)) => convert_argument(arg, scalar),
                Some(Accepts::Text) => self.force(arg, ScalarType::String),
                Some(Accepts::Common) => convert(arg, shared.unwrap_or(ScalarType::Dynamic)),
                _ => arg,
            })
            .collect();
        let scalar = match overload.returns {
            Returns::Type(scalar) => scalar,
            Returns::SameAs(at) => args.get(at).map_or(ScalarType::Dynamic, |arg| arg.scalar),
            Returns::Common => shared.unwrap_or(ScalarType::Dynamic),
        };
        Expr { kind: ExprKind::Call { function, overload, args }, scalar, span }
    }

    fn no_overload(&mut self, function: &FunctionSpec, args: &[Expr], span: Span) {
        let given: Vec<&str> = args.iter().map(|arg| arg.scalar.as_str()).collect();
        let message = format!("`{}` does not take ({})", function.name, given.join(", "));
        let forms: Vec<&str> = function.overloads.iter().map(|overload| overload.signature.as_str()).collect();
        self.error(codes::BAD_ARGUMENTS, span, message).help(format!("it is {}", forms.join(" or ")));
    }

    /// `case(condition, value, …, default)`: the registry cannot say "in turn".
    fn case(&mut self, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let mut bound: Vec<Expr> = args.iter().map(|argument| self.scalar(&argument.value, row)).collect();
        let Some(function) = functions::scalar("case") else { return Self::invalid(span) };
        if bound.len() < 3 || bound.len().is_multiple_of(2) {
            self.no_overload(function, &bound, span);
            return Self::invalid(span);
        }
        if bound.iter().any(|arg| matches!(arg.kind, ExprKind::Invalid)) {
            return Self::invalid(span);
        }
        let last = bound.len() - 1;
        let is_value = |at: usize| at % 2 == 1 || at == last;
        let types = bound.iter().enumerate().filter(|(at, _)| is_value(*at)).map(|(_, arg)| arg.scalar);
        let scalar = shared_type(types).unwrap_or(ScalarType::Dynamic);
        bound = bound
            .into_iter()
            .enumerate()
            .map(|(at, arg)| if is_value(at) { convert(arg, scalar) } else { self.expect(arg, ScalarType::Bool) })
            .collect();
        Expr { kind: ExprKind::Call { function, overload: &function.overloads[0], args: bound }, scalar, span }
    }

    fn first_value(&mut self, args: &[syntax::Argument], span: Span) -> Expr {
        let [argument] = args else {
            self.error(codes::BAD_ARGUMENTS, span, "`toscalar` takes one table");
            return Self::invalid(span);
        };
        if !self.is_tabular(&argument.value) {
            return self.scalar(&argument.value, &mut Row::default());
        }
        let plan = self.table(&argument.value);
        match plan.schema.first().map(|column| column.scalar) {
            Some(scalar) => Expr { kind: ExprKind::Scalar(Box::new(plan)), scalar, span },
            None => Self::invalid(span),
        }
    }

    fn column_if_exists(&mut self, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let [name, default] = args else {
            self.error(codes::BAD_ARGUMENTS, span, "`column_ifexists` takes a column name and a default");
            return Self::invalid(span);
        };
        let bound = self.scalar(&name.value, &mut Row::default());
        let ExprKind::Literal(Value::String(name)) = bound.kind else {
            self.error(codes::NOT_CONSTANT, name.value.span, "the column name must be a constant string");
            return Self::invalid(span);
        };
        match expr::column(&row.columns, &name, span) {
            Some(column) => column,
            None => self.scalar(&default.value, row),
        }
    }

    /// `iscolumnexists("name")`
    fn is_column(&mut self, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let name = args.first().map(|name| self.scalar(&name.value, &mut Row::default()).kind);
        let (Some(ExprKind::Literal(Value::String(name))), [_]) = (name, args) else {
            self.error(codes::NOT_CONSTANT, span, "`iscolumnexists` takes a constant column name");
            return Self::invalid(span);
        };
        let there = expr::column(&row.columns, &name, span).is_some();
        Expr { kind: ExprKind::Literal(Value::Bool(there)), scalar: ScalarType::Bool, span }
    }

    /// `estimate_data_size(column, …)`, `estimate_data_size(*)`
    fn data_size(&mut self, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let mut values = Vec::new();
        for argument in args {
            match argument.value.kind {
                syntax::ExprKind::Star => {
                    values.extend((0..row.columns.len()).map(|at| expr::at(&row.columns, at, span)));
                }
                _ => values.push(self.scalar(&argument.value, row)),
            }
        }
        if args.is_empty() {
            self.error(codes::BAD_ARGUMENTS, span, "`estimate_data_size` takes columns, or `*` for all of them");
            return Self::invalid(span);
        }
        self.internal("op_data_size", values, span)
    }

    /// `pack_all([ignore_null_empty])`: a bag of all columns.
    fn pack_all(&mut self, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let ignore = match args {
            [] => false,
            [ignore] => match self.scalar(&ignore.value, &mut Row::default()).kind {
                ExprKind::Literal(Value::Bool(ignore)) => ignore,
                _ => {
                    self.error(codes::NOT_CONSTANT, ignore.value.span, "`pack_all` takes a constant bool");
                    return Self::invalid(span);
                }
            },
            _ => {
                self.error(codes::BAD_ARGUMENTS, span, "`pack_all` takes one bool at most");
                return Self::invalid(span);
            }
        };
        let columns: Vec<Expr> = (0..row.columns.len()).map(|at| expr::at(&row.columns, at, span)).collect();
        let packed = self.packed(columns, span);
        if ignore { self.internal("op_without_empty", vec![packed], span) } else { packed }
    }

    /// `bag_pack_columns(column, …)`: a bag of some columns.
    fn bag_pack_columns(&mut self, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let columns: Vec<Expr> = args.iter().map(|argument| self.scalar(&argument.value, row)).collect();
        if columns.iter().any(|column| matches!(column.kind, ExprKind::Invalid)) {
            return Self::invalid(span);
        }
        if columns.is_empty() || columns.iter().any(|column| !matches!(column.kind, ExprKind::Column { .. })) {
            self.error(codes::BAD_ARGUMENTS, span, "`bag_pack_columns` takes columns")
                .help("use `bag_pack(\"name\", value, …)` for other values");
            return Self::invalid(span);
        }
        self.packed(columns, span)
    }

    /// A bag of columns under their names.
    pub(super) fn packed(&mut self, columns: Vec<Expr>, span: Span) -> Expr {
        let mut args = Vec::with_capacity(columns.len() * 2);
        for column in columns {
            let name = match &column.kind {
                ExprKind::Column { name, .. } => name.clone(),
                _ => String::new(),
            };
            args.push(Expr { kind: ExprKind::Literal(Value::String(name)), scalar: ScalarType::String, span });
            args.push(column);
        }
        self.call_by_name("bag_pack", args, span)
    }

    /// `column_names_of(table)`: known without reading a row.
    fn column_names_of(&mut self, args: &[syntax::Argument], span: Span) -> Expr {
        let [argument] = args else {
            self.error(codes::BAD_ARGUMENTS, span, "`column_names_of` takes one table");
            return Self::invalid(span);
        };
        let plan = self.table(&argument.value);
        let names = plan.schema.into_iter().map(|column| column.name.into()).collect();
        let kind = ExprKind::Literal(Value::Dynamic(serde_json::Value::Array(names)));
        Expr { kind, scalar: ScalarType::Dynamic, span }
    }

    /// A call of a function that only the binder knows.
    pub(super) fn internal(&mut self, name: &str, args: Vec<Expr>, span: Span) -> Expr {
        match functions::internal(name) {
            Some(function) => self.resolve(function, args, span),
            None => Self::invalid(span),
        }
    }

    /// When the row was accepted: a column that every lake table has. Where it is gone, or was never there, null, as in
    /// Kusto.
    fn ingestion_time(&mut self, span: Span, row: &Row) -> Expr {
        expr::column(&row.columns, "_TimeReceived", span).unwrap_or_else(|| {
            let message =
                "`ingestion_time()` is null here: it is the column `_TimeReceived`, which these rows do not have";
            self.ignored(span, message);
            Expr { kind: ExprKind::Literal(Value::Null), scalar: ScalarType::DateTime, span }
        })
    }

    /// `bin_auto(value)`: as wide, and counted from where, as `set` said.
    fn bin_auto(&mut self, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let ([argument], [Some(size), at]) = (args, self.bin_auto.clone()) else {
            self.error(codes::BAD_ARGUMENTS, span, "`bin_auto` takes one value").help("write `bin_auto(Column)`");
            return Self::invalid(span);
        };
        let value = self.scalar(&argument.value, row);
        match at {
            Some(at) => self.call_by_name("bin_at", vec![value, size, at], span),
            None => self.call_by_name("bin", vec![value, size], span),
        }
    }

    /// `extract(…, typeof(long))`: the text, then converted.
    fn typed_extract(&mut self, name: &syntax::Name, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let Some((last, rest)) = args.split_last() else { return Self::invalid(span) };
        let syntax::ExprKind::TypeOf(scalar) = last.value.kind else { return Self::invalid(span) };
        let rest: Vec<Expr> = rest.iter().map(|argument| self.scalar(&argument.value, row)).collect();
        let text = self.call_by_name(&name.text, rest, span);
        if matches!(text.kind, ExprKind::Invalid) {
            return text;
        }
        if scalar == ScalarType::Dynamic {
            self.call_by_name("todynamic", vec![text], span)
        } else {
            self.force(text, scalar)
        }
    }

    /// Binds the body of a scalar function with its parameters in force.
    pub(super) fn user_function(
        &mut self,
        name: &str,
        function: &Rc<syntax::Function>,
        environment: Environment,
        args: &[syntax::Argument],
        span: Span,
        row: &mut Row,
    ) -> Expr {
        let Some(arguments) = self.arguments(name, function, args, span, row) else { return Self::invalid(span) };
        let with_columns =
            arguments.iter().any(|(_, meaning)| matches!(meaning, Meaning::Scalar(expr) if expr.reads_columns()));
        let outer = self.columns_in_scope;
        self.columns_in_scope = outer || with_columns;
        let result = self.inside(environment, arguments, span, |binder| binder.value_of_body(name, function, span));
        self.columns_in_scope = outer;
        result.unwrap_or_else(|| Self::invalid(span))
    }

    /// The statements of a scalar function.
    pub(super) fn value_of_body(&mut self, name: &str, function: &syntax::Function, span: Span) -> Expr {
        let mut answer = None;
        for statement in &function.body {
            answer = self.statement(statement).or(answer);
        }
        match answer {
            Some(body) if self.is_tabular(body) => {
                self.error(codes::WRONG_SHAPE, span, format!("`{name}` gives a table, a value is needed here"));
                Self::invalid(span)
            }
            Some(body) => Expr { span, ..self.scalar(body, &mut Row::default()) },
            None => Self::invalid(span),
        }
    }

    /// Runs `body` with a function's own names in force, reporting its problems at the call.
    pub(super) fn inside<T>(
        &mut self,
        environment: Environment,
        arguments: Vec<(String, Meaning)>,
        span: Span,
        body: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        if self.call_depth >= MAX_CALL_DEPTH {
            let message = format!("functions call one another more than {MAX_CALL_DEPTH} levels deep");
            self.error(codes::LIMIT, span, message);
            return None;
        }
        if !self.spend(1, span) {
            return None;
        }
        let outer = std::mem::replace(&mut self.environment, environment);
        let parameters = arguments.iter().map(|(name, _)| name.clone()).collect();
        let outer_declared = std::mem::replace(&mut self.declared, parameters);
        let outer_at = self.at;
        self.call_depth += 1;
        for (name, meaning) in arguments {
            self.define(&name, meaning);
        }
        let result = body(self);
        self.call_depth -= 1;
        self.environment = outer;
        self.declared = outer_declared;
        self.at = outer_at;
        Some(result)
    }

    /// Arguments by position, then by name, then defaults.
    pub(super) fn arguments(
        &mut self,
        name: &str,
        function: &syntax::Function,
        args: &[syntax::Argument],
        span: Span,
        row: &mut Row,
    ) -> Option<Vec<(String, Meaning)>> {
        let mut given = Vec::with_capacity(function.parameters.len());
        let positional: Vec<&syntax::Argument> = args.iter().filter(|arg| arg.name.is_none()).collect();
        if positional.len() > function.parameters.len() {
            let message = format!("`{name}` takes {} arguments, not {}", function.parameters.len(), args.len());
            self.error(codes::BAD_ARGUMENTS, span, message);
            return None;
        }
        for argument in args {
            if let Some(unknown) = &argument.name
                && !function.parameters.iter().any(|parameter| parameter.name.text == unknown.text)
            {
                self.error(
                    codes::BAD_ARGUMENTS,
                    unknown.span,
                    format!("`{name}` has no parameter called `{}`", unknown.text),
                );
                return None;
            }
        }
        // Arguments without a name fill the parameters that no argument names.
        let mut positional = positional.into_iter();
        for parameter in &function.parameters {
            let by_name = |arg: &&syntax::Argument| arg.name.as_ref().is_some_and(|n| n.text == parameter.name.text);
            let value = args.iter().find(by_name).or_else(|| positional.next()).map(|argument| &argument.value);
            let Some(value) = value.or(parameter.default.as_ref()) else {
                let message = format!("`{name}` needs an argument for `{}`", parameter.name.text);
                self.error(codes::BAD_ARGUMENTS, span, message);
                return None;
            };
            let meaning = match &parameter.kind {
                syntax::ParameterKind::Table { columns, .. } => {
                    let plan = self.table(value);
                    for (column, scalar) in columns {
                        let has = |known: &ColumnSchema| known.name == column.text && known.scalar == *scalar;
                        if self.unknown_is_null.is_none() && !plan.schema.iter().any(has) {
                            let message = format!("`{name}` needs a table with a column `{}: {scalar}`", column.text);
                            self.error(codes::BAD_ARGUMENTS, value.span, message);
                            return None;
                        }
                    }
                    Meaning::Table(Rc::new(plan))
                }
                syntax::ParameterKind::Scalar(scalar) => {
                    let bound = self.scalar(value, row);
                    Meaning::Scalar(self.argument(bound, *scalar))
                }
            };
            given.push((parameter.name.text.clone(), meaning));
        }
        Some(given)
    }

    /// An argument as its parameter's type: by the function that converts where there is no other way.
    fn argument(&mut self, value: Expr, to: ScalarType) -> Expr {
        match &value.kind {
            ExprKind::Literal(Value::Long(_)) if to == ScalarType::Int => convert_argument(value, to),
            _ => {
                let known = to == ScalarType::Dynamic || super::convert::is_unknown(&value);
                let invalid = matches!(value.kind, ExprKind::Invalid);
                if !invalid && !known && value.scalar != ScalarType::Dynamic && cost(value.scalar, to).is_none() {
                    let by = super::convert::conversion_function(to);
                    self.ignored(value.span, &format!("this {} becomes a {to} as by `{by}(…)`", value.scalar));
                }
                self.force(value, to)
            }
        }
    }

    /// One output of a function that gives several, as an element of its array.
    pub(super) fn output(call: &Expr, at: usize, scalar: ScalarType) -> Expr {
        let step = PathStep::Index(i64::try_from(at).unwrap_or(0));
        let kind = ExprKind::Path { base: Box::new(call.clone()), step };
        convert(Expr { kind, scalar: ScalarType::Dynamic, span: call.span }, scalar)
    }
}

/// How many arrays a call of `array_sort_asc` has: all arguments but a constant bool at the end.
pub(super) fn sorted_arrays(args: &[syntax::Argument]) -> usize {
    let flag = args.last().is_some_and(|last| {
        matches!(last.value.kind, syntax::ExprKind::Literal(Value::Bool(_), _) | syntax::ExprKind::Infix { .. })
    });
    args.len() - usize::from(flag)
}

fn parameter(overload: &Overload, at: usize) -> Option<Accepts> {
    let last = overload.parameters.last().filter(|_| overload.variadic);
    overload.parameters.get(at).or(last).map(|parameter| parameter.accepts)
}

/// A long constant becomes an int where one is asked for; everything else as usual.
fn convert_argument(arg: Expr, to: ScalarType) -> Expr {
    match (&arg.kind, to) {
        (ExprKind::Literal(Value::Long(value)), ScalarType::Int) => {
            let value = i32::try_from(*value).map_or(Value::Null, Value::Int);
            Expr { kind: ExprKind::Literal(value), scalar: to, span: arg.span }
        }
        _ => convert(arg, to),
    }
}

/// What no signature says: keys of a bag are texts, and what is parsed is text or parsed already.
fn fits(function: &FunctionSpec, args: &[Expr]) -> bool {
    use ScalarType::{Dynamic, String};
    match function.name {
        "parse_json" => args.iter().all(|arg| matches!(arg.scalar, String | Dynamic)),
        "bag_pack" => args.iter().step_by(2).all(|key| key.scalar == String),
        _ => true,
    }
}

/// A constant that is known to be no text.
fn constant_shape(arg: &Expr) -> bool {
    matches!(arg.kind, ExprKind::Literal(_)) && super::convert::shape(arg).is_some()
}

/// What it costs to call `overload` with `args`; `None` where it cannot be.
fn price(overload: &Overload, args: &[Expr]) -> Option<u32> {
    let needed = overload.parameters.iter().filter(|parameter| !parameter.optional).count();
    if args.len() < needed || (args.len() > overload.parameters.len() && !overload.variadic) {
        return None;
    }
    let mut total = 0;
    for (at, arg) in args.iter().enumerate() {
        let numeric = super::convert::is_numeric(arg.scalar);
        total += match parameter(overload, at)? {
            Accepts::Any | Accepts::Common => 0,
            Accepts::Type(ScalarType::String) if constant_shape(arg) => return None,
            // Where a real is wanted a decimal is a number like the others.
            Accepts::Type(ScalarType::Real) if arg.scalar == ScalarType::Decimal => 20,
            Accepts::Type(scalar) => cost(arg.scalar, scalar)?,
            Accepts::Text => 0,
            Accepts::Number if numeric => 0,
            Accepts::Integer if matches!(arg.scalar, ScalarType::Int | ScalarType::Long) => 0,
            Accepts::Ordered if numeric || matches!(arg.scalar, ScalarType::DateTime | ScalarType::TimeSpan) => 0,
            Accepts::Number | Accepts::Integer | Accepts::Ordered => return None,
        };
    }
    Some(total)
}

/// The shared type of the arguments that must have one; dynamic where they have none.
fn common_type(overload: &Overload, args: &[Expr]) -> Option<ScalarType> {
    let shared = args.iter().enumerate().filter(|(at, _)| parameter(overload, *at) == Some(Accepts::Common));
    shared_type(shared.map(|(_, arg)| arg.scalar))
}

/// A dynamic value takes the type of the others; others that do not agree make a dynamic.
fn shared_type(types: impl Iterator<Item = ScalarType>) -> Option<ScalarType> {
    let all: Vec<ScalarType> = types.collect();
    let mut fixed = all.iter().copied().filter(|scalar| *scalar != ScalarType::Dynamic);
    let first = fixed.next().or(all.first().copied())?;
    Some(fixed.try_fold(first, common).unwrap_or(ScalarType::Dynamic))
}
