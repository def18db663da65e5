//! Operators whose columns depend on the data: `bag_unpack` and `pivot` without a declared schema.
//!
//! The first binding gives a query that asks for the columns; with its answer the text is bound again.

use kernel::diagnostic::{Diagnostic, Span};
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};
use serde_json::Value as Json;

use super::name::Names;
use super::project::projected;
use super::{Binder, Collected, Row, Unknown, convert, expr};
use crate::algebra::{AggregateCall, ExpandColumn, Expr, ExprKind, Node, PathStep, Plan, Query};
use crate::{codes, syntax};

/// Operators in one query whose columns have to be asked for.
const MOST_QUESTIONS: usize = 16;
/// Columns that data may give to one operator.
const MOST_COLUMNS: usize = 1_000;

/// What has to be known before a query can be bound.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenColumns {
    /// Rows of two strings: the name of a column and the type of one of its values, as `gettype` tells it.
    pub question: Query,
    /// The operator.
    pub span: Span,
}

impl OpenColumns {
    /// The columns, in order of name, from the rows of [`Self::question`]. Values of several types make a dynamic.
    ///
    /// # Errors
    /// The asker's data gives a column without a name, or too many.
    pub fn columns(&self, rows: &[(String, String)]) -> Result<Vec<ColumnSchema>, Box<Diagnostic>> {
        let mut columns = std::collections::BTreeMap::<&str, Option<ScalarType>>::new();
        for (name, kind) in rows {
            let scalar = match kind.as_str() {
                "null" => None,
                "long" | "int" => Some(ScalarType::Long),
                "real" | "double" => Some(ScalarType::Real),
                "bool" => Some(ScalarType::Bool),
                "string" => Some(ScalarType::String),
                _ => Some(ScalarType::Dynamic),
            };
            let known = columns.entry(name).or_insert(scalar);
            match (*known, scalar) {
                (None, _) => *known = scalar,
                (Some(one), Some(other)) if one != other => *known = Some(ScalarType::Dynamic),
                _ => {}
            }
        }
        let problem = if columns.contains_key("") {
            Some("a value that names a column is empty".to_owned())
        } else if columns.len() > MOST_COLUMNS {
            Some(format!("the data gives {} columns; the limit is {MOST_COLUMNS}", columns.len()))
        } else {
            None
        };
        if let Some(problem) = problem {
            return Err(Box::new(
                Diagnostic::error(codes::LIMIT, self.span, problem).with_help("filter with `where` first"),
            ));
        }
        let column = |(name, scalar): (&str, Option<ScalarType>)| ColumnSchema {
            name: name.to_owned(),
            scalar: scalar.unwrap_or(ScalarType::Dynamic),
        };
        Ok(columns.into_iter().map(column).collect())
    }
}

/// What `bag_unpack` was asked besides the column.
#[derive(Default)]
pub(super) struct Unpacking {
    pub(super) prefix: String,
    conflict: Conflict,
    ignored: Vec<String>,
}

impl Unpacking {
    /// A key that was to be left out.
    pub(super) fn ignores(&self, key: &str) -> bool {
        self.ignored.iter().any(|ignored| ignored == key)
    }

    /// A key takes the place of a column of its name.
    pub(super) fn replaces(&self) -> bool {
        self.conflict == Conflict::ReplaceSource
    }
}

/// A key that is already a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Conflict {
    #[default]
    Error,
    ReplaceSource,
    KeepSource,
}

impl Binder<'_> {
    /// The known columns of the next open operator, or `None` after noting what has to be asked.
    fn known_columns(
        &mut self,
        question: impl FnOnce(&mut Self) -> Plan,
        name: &str,
        span: Span,
    ) -> Option<Vec<ColumnSchema>> {
        if let Some(columns) = self.known.get(self.known_used) {
            self.known_used += 1;
            self.unknown_is_null = Some(Unknown::Data);
            return Some(columns.clone());
        }
        if self.known_used >= MOST_QUESTIONS {
            let message = format!("more than {MOST_QUESTIONS} operators have columns that depend on the data");
            self.error(codes::LIMIT, span, message).help("declare the columns: `evaluate …(…) : (Name: type, …)`");
            return None;
        }
        if self.open.is_none() {
            let plan = question(self);
            let shared = self.shared.clone();
            let message = format!("the columns of `{name}` are known only when the query runs, which it does twice");
            self.diagnostics.push(
                Diagnostic::warning(codes::IGNORED, span, message)
                    .with_help(format!("declare them: `evaluate {name}(…) : (Name: type, …)`")),
            );
            self.open = Some(OpenColumns { question: Query::new(plan, shared), span });
        }
        None
    }

    /// `bag_unpack(column [, prefix] [, columnsConflict] [, ignoredProperties])`: a column for each key of the bags.
    pub(super) fn unpack_all(&mut self, input: Plan, args: &[syntax::Argument], at: Span, span: Span) -> Plan {
        let mut row = Row::of(&input.schema);
        let Some(bag) = args.first().map(|argument| self.scalar(&argument.value, &mut row)) else {
            self.error(codes::BAD_ARGUMENTS, span, "`bag_unpack` needs a column");
            return input;
        };
        let ExprKind::Column { index, .. } = bag.kind else {
            if !matches!(bag.kind, ExprKind::Invalid) {
                self.error(codes::WRONG_SHAPE, bag.span, "`bag_unpack` takes a column").help("`extend` the bag first");
            }
            return input;
        };
        if bag.scalar != ScalarType::Dynamic {
            let message = format!("`bag_unpack` reads a dynamic, this is a {}", bag.scalar);
            self.error(codes::WRONG_TYPE, bag.span, message).help("read it with `parse_json(…)` first");
            return input;
        }
        let Some(unpacking) = self.unpacking(&args[1..]) else { return input };
        let Some(keys) = self.known_columns(|binder| binder.keys_of(input.clone(), index, span), "bag_unpack", at)
        else {
            return input;
        };
        let mut kept: Vec<usize> = (0..input.schema.len()).filter(|at| *at != index).collect();
        let mut added = Vec::new();
        for key in keys.into_iter().filter(|key| !unpacking.ignores(&key.name)) {
            let name = format!("{}{}", unpacking.prefix, key.name);
            let existing = kept.iter().position(|at| input.schema[*at].name == name);
            match (existing, unpacking.conflict) {
                // The column takes the place that the key would have.
                (Some(place), Conflict::KeepSource) => {
                    let at = kept.remove(place);
                    added.push((input.schema[at].clone(), expr::at(&input.schema, at, span)));
                    continue;
                }
                (Some(place), Conflict::ReplaceSource) => {
                    kept.remove(place);
                }
                (Some(_), Conflict::Error) => {
                    let message = format!("the bags have a key `{}`, and there is a column `{name}`", key.name);
                    self.error(codes::DUPLICATE_NAME, span, message)
                        .help("say which counts: `columnsConflict='replace_source'` or `'keep_source'`");
                }
                (None, _) => {}
            }
            let value = Self::key_of(&bag, &key.name, key.scalar, span);
            added.push((ColumnSchema { name, scalar: key.scalar }, value));
        }
        let mut schema: Vec<ColumnSchema> = kept.iter().map(|at| input.schema[*at].clone()).collect();
        let mut columns: Vec<Expr> = kept.iter().map(|at| expr::at(&input.schema, *at, span)).collect();
        for (column, value) in added {
            schema.push(column);
            columns.push(value);
        }
        projected(input, schema, columns, false, span)
    }

    pub(super) fn unpacking(&mut self, args: &[syntax::Argument]) -> Option<Unpacking> {
        let mut unpacking = Unpacking::default();
        for (at, argument) in args.iter().enumerate() {
            let positional = ["prefix", "columnsConflict", "ignoredProperties"].get(at).copied().unwrap_or("");
            let name = argument.name.as_ref().map_or(positional, |name| name.text.as_str());
            let bound = self.scalar(&argument.value, &mut Row::default());
            match (name, bound.kind) {
                ("prefix" | "OutputColumnPrefix", ExprKind::Literal(Value::String(text))) => unpacking.prefix = text,
                ("columnsConflict", ExprKind::Literal(Value::String(text))) if text == "error" => {}
                ("columnsConflict", ExprKind::Literal(Value::String(text))) if text == "replace_source" => {
                    unpacking.conflict = Conflict::ReplaceSource;
                }
                ("columnsConflict", ExprKind::Literal(Value::String(text))) if text == "keep_source" => {
                    unpacking.conflict = Conflict::KeepSource;
                }
                ("ignoredProperties", ExprKind::Literal(Value::Dynamic(Json::Array(names)))) => {
                    unpacking.ignored = names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
                }
                (_, ExprKind::Invalid) => return None,
                _ => {
                    self.error(codes::BAD_ARGUMENTS, argument.value.span, "`bag_unpack` does not take this").help(
                        "it is bag_unpack(column, prefix, columnsConflict='error' | 'replace_source' | 'keep_source', ignoredProperties=dynamic([…]))",
                    );
                    return None;
                }
            }
        }
        Some(unpacking)
    }

    /// The value under a key, as a type.
    pub(super) fn key_of(bag: &Expr, key: &str, scalar: ScalarType, span: Span) -> Expr {
        let kind = ExprKind::Path { base: Box::new(bag.clone()), step: PathStep::Key(key.to_owned()) };
        convert::convert(Expr { kind, scalar: ScalarType::Dynamic, span }, scalar)
    }

    /// The question of `bag_unpack`: keys and types of the values.
    fn keys_of(&mut self, input: Plan, bag: usize, span: Span) -> Plan {
        let schema = vec![ColumnSchema { name: "pair".to_owned(), scalar: ScalarType::Dynamic }];
        let bag = expr::at(&input.schema, bag, span);
        let bags = projected(input, schema.clone(), vec![bag], false, span);
        let is_bag = {
            let kind = self.call_by_name("gettype", vec![expr::at(&schema, 0, span)], span);
            self.equal(kind, text("dictionary", span), span)
        };
        let bags = super::pipeline::over(bags, span, |input| Node::Filter { input, predicate: is_bag });
        let columns = vec![ExpandColumn { source: expr::at(&schema, 0, span), output: 0 }];
        let node = Node::Expand { input: Box::new(bags), columns, index: None, limit: None, bag_as_array: true };
        let pairs = Plan { node, schema: schema.clone(), span };
        let pair = expr::at(&schema, 0, span);
        let value = Expr {
            kind: ExprKind::Path { base: Box::new(pair.clone()), step: PathStep::Index(1) },
            scalar: ScalarType::Dynamic,
            span,
        };
        let kind = self.call_by_name("gettype", vec![value], span);
        question(pairs, Self::output(&pair, 0, ScalarType::String), kind, span)
    }

    /// `pivot(column [, aggregate] [, column …])`: a column for each value of one.
    pub(super) fn pivot(&mut self, input: Plan, args: &[syntax::Argument], at: Span, span: Span) -> Plan {
        let input = self.with_named_by_data(input, args, span);
        let Some(Pivot { column, call, others, aggregated }) = self.pivot_arguments(&input, args, span) else {
            return input;
        };
        let spread = expr::at(&input.schema, column, span);
        let name = self.call_by_name("tostring", vec![spread], span);
        let asked = name.clone();
        let source = input.clone();
        let Some(values) = self.known_columns(|_| question(source, asked, text("string", span), span), "pivot", at)
        else {
            return input;
        };
        let keys: Vec<usize> = if others.is_empty() {
            (0..input.schema.len()).filter(|at| *at != column && !aggregated.contains(at)).collect()
        } else {
            others
        };
        for key in &keys {
            if input.schema[*key].scalar == ScalarType::Dynamic {
                let message = format!("`{}` is dynamic; rows cannot be grouped by it", input.schema[*key].name);
                self.error(codes::WRONG_TYPE, span, message).help("`extend` it with `tostring(…)` first");
            }
        }
        let mut schema: Vec<ColumnSchema> = keys.iter().map(|at| input.schema[*at].clone()).collect();
        let mut names = Names::of(schema.iter().map(|column| column.name.as_str()));
        let scalar = call.outputs.first().copied().unwrap_or(ScalarType::Long);
        let mut aggregates = Vec::with_capacity(values.len());
        for value in values {
            let filter = self.equal(name.clone(), text(&value.name, span), span);
            schema.push(ColumnSchema { name: names.free(&value.name), scalar });
            aggregates.push(AggregateCall { filter: Some(filter), ..call.clone() });
        }
        let keys = keys.iter().map(|at| expr::at(&input.schema, *at, span)).collect();
        Plan { node: Node::Aggregate { input: Box::new(input), keys, aggregates }, schema, span }
    }

    /// Columns that `pivot` names and the data does not give now are there and empty.
    fn with_named_by_data(&mut self, input: Plan, args: &[syntax::Argument], span: Span) -> Plan {
        if self.unknown_is_null.is_none() {
            return input;
        }
        let mut missing: Vec<ColumnSchema> = Vec::new();
        for argument in args {
            let syntax::ExprKind::Name(name) = &argument.value.kind else { continue };
            let known = input.schema.iter().chain(&missing).any(|column| column.name == *name);
            if !known && self.lookup(name).is_none() {
                self.ignored(argument.value.span, &format!("the data has no column `{name}` now, so it is empty"));
                missing.push(ColumnSchema { name: name.clone(), scalar: ScalarType::String });
            }
        }
        super::union::with_nulls(input, &missing, span)
    }

    fn pivot_arguments(&mut self, input: &Plan, args: &[syntax::Argument], span: Span) -> Option<Pivot> {
        let Some((first, rest)) = args.split_first() else {
            self.error(codes::BAD_ARGUMENTS, span, "`pivot` needs a column");
            return None;
        };
        let column = self.column_named(&input.schema, &first.value)?;
        let mut row = Row::of(&input.schema);
        let mut others = Vec::new();
        let mut calls = Vec::new();
        for (at, argument) in rest.iter().enumerate() {
            if let (0, syntax::ExprKind::Call { function, args }) = (at, &argument.value.kind)
                && let Some(aggregate) = crate::functions::aggregate(&function.text)
            {
                row.aggregates = Some(Collected::default());
                self.aggregate_in_expression(function, aggregate, args, argument.value.span, &mut row);
                calls = row.aggregates.take().unwrap_or_default().calls;
                if calls.is_empty() {
                    return None;
                }
                continue;
            }
            others.push(self.column_named(&input.schema, &argument.value)?);
        }
        let call = match calls.pop() {
            Some(call) if call.outputs.len() == 1 && call.filter.is_none() => call,
            Some(call) => {
                self.error(codes::BAD_ARGUMENTS, call.span, "`pivot` does not take this aggregate").help(
                    "it takes min, max, take_any, sum, dcount, avg, stdev, variance, make_list, make_bag, make_set, count",
                );
                return None;
            }
            None => AggregateCall {
                function: crate::functions::aggregate("count")?,
                args: Vec::new(),
                filter: None,
                outputs: vec![ScalarType::Long],
                span,
            },
        };
        let mut aggregated = Vec::new();
        call.args.iter().for_each(|arg| columns_in(arg, &mut aggregated));
        Some(Pivot { column, call, others, aggregated })
    }

    fn equal(&mut self, left: Expr, right: Expr, span: Span) -> Expr {
        self.infix(&syntax::Name { text: "==".to_owned(), span }, left, right, span)
    }
}

/// What `pivot` was asked.
struct Pivot {
    column: usize,
    call: AggregateCall,
    others: Vec<usize>,
    /// Columns that the aggregate reads.
    aggregated: Vec<usize>,
}

fn columns_in(expr: &Expr, found: &mut Vec<usize>) {
    if let ExprKind::Column { index, .. } = expr.kind {
        found.push(index);
    }
    expr.operands().into_iter().for_each(|operand| columns_in(operand, found));
}

/// Names and types, once each.
fn question(input: Plan, name: Expr, kind: Expr, span: Span) -> Plan {
    let column = |name: &str| ColumnSchema { name: name.to_owned(), scalar: ScalarType::String };
    let pairs = projected(input, vec![column("name"), column("kind")], vec![name, kind], false, span);
    super::pipeline::over(pairs, span, |input| Node::Distinct { input })
}

fn text(text: &str, span: Span) -> Expr {
    Expr { kind: ExprKind::Literal(Value::String(text.to_owned())), scalar: ScalarType::String, span }
}
