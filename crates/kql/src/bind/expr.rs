//! Scalar expressions: names, paths, constants; operators and calls are beside.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::name::nearest;
use super::{Binder, Meaning, Row, Unknown, convert};
use crate::algebra::{BinaryOp, Expr, ExprKind, PathStep, UnaryOp};
use crate::{codes, syntax};

/// Functions that give an array, whatever their arguments.
const ARRAYS: [&str; 4] = ["split", "extract_all", "pack_array", "range"];

impl Binder<'_> {
    /// Binds a scalar expression over `row`.
    pub(super) fn scalar(&mut self, expr: &syntax::Expr, row: &mut Row) -> Expr {
        let span = expr.span;
        match &expr.kind {
            syntax::ExprKind::Literal(value, scalar) => {
                Expr { kind: ExprKind::Literal(null_or(value, *scalar)), scalar: *scalar, span }
            }
            syntax::ExprKind::Name(name) if self.names_path(name, row) => self.path_itself(name, span, row),
            syntax::ExprKind::Name(name) => self.name(name, span, row),
            syntax::ExprKind::Member { base, name } => self.member(base, name, span, row),
            syntax::ExprKind::Index { base, index } => self.index(base, index, span, row),
            syntax::ExprKind::Call { function, args } => self.call(function, args, span, row),
            syntax::ExprKind::Negate(operand) => self.negate(operand, span, row),
            syntax::ExprKind::Logical { all, operands } => {
                let op = if *all { BinaryOp::And } else { BinaryOp::Or };
                let operands: Vec<Expr> = operands
                    .iter()
                    .map(|operand| {
                        let bound = self.scalar(operand, row);
                        // A dynamic serves as an operand, though not as the whole condition.
                        match bound.scalar {
                            ScalarType::Dynamic => self.force(bound, ScalarType::Bool),
                            _ => self.expect(bound, ScalarType::Bool),
                        }
                    })
                    .collect();
                balanced(op, operands, span)
            }
            syntax::ExprKind::Infix { op, left, right } if matches!(left.kind, syntax::ExprKind::Star) => {
                self.any_column(op, left.span, right, span, row)
            }
            syntax::ExprKind::Infix { op, left, right } => {
                let left = self.scalar(left, row);
                let right = self.scalar(right, row);
                self.infix(op, left, right, span)
            }
            syntax::ExprKind::Membership { op, value, list } => self.membership(op, value, list, span, row),
            syntax::ExprKind::Between { negated, value, low, high } => {
                let value = self.scalar(value, row);
                let (low, high) = (self.scalar(low, row), self.scalar(high, row));
                self.between(*negated, value, low, high, span)
            }
            syntax::ExprKind::Pipe { .. } => {
                self.error(codes::WRONG_SHAPE, span, "a value is needed here, this is a table")
                    .help("take one value of it with `toscalar(…)`");
                Self::invalid(span)
            }
            syntax::ExprKind::TypeOf(_) => {
                self.error(codes::MISPLACED, span, "`typeof(…)` has no meaning here");
                Self::invalid(span)
            }
            syntax::ExprKind::Star => {
                self.error(codes::MISPLACED, span, "`*` has no meaning here").help("name a column");
                Self::invalid(span)
            }
            syntax::ExprKind::Missing => {
                if !self.gaps_reported {
                    self.silent_gap(span);
                }
                Self::invalid(span)
            }
        }
    }

    /// A gap always has a diagnostic of the parser; this one makes sure that no query leaves with one.
    fn silent_gap(&mut self, span: Span) {
        self.error(codes::SYNTAX, span, "an expression is missing here");
    }

    fn name(&mut self, name: &str, span: Span, row: &Row) -> Expr {
        if row.aggregates.is_none()
            && let Some(column) = column(&row.columns, name, span)
        {
            return column;
        }
        match self.inline(name, span) {
            Some(Meaning::Scalar(expr)) => return Expr { span, ..expr },
            Some(Meaning::Table(_)) => {
                let message = format!("`{name}` is a table, a value is needed here");
                self.error(codes::WRONG_SHAPE, span, message).help("take one value of it with `toscalar(…)`");
                return Self::invalid(span);
            }
            // A function that needs nothing may be written without parentheses.
            Some(Meaning::Function { function, environment })
                if function.parameters.iter().all(|parameter| parameter.default.is_some()) =>
            {
                return self.user_function(name, &function, environment, &[], span, &mut Row::default());
            }
            Some(Meaning::Pattern { .. }) => {
                let message = format!("`{name}` is a pattern, which gives tables; a value is needed here");
                self.error(codes::WRONG_SHAPE, span, message);
                return Self::invalid(span);
            }
            Some(Meaning::Function { .. }) => {
                let message = format!("`{name}` is a function");
                self.error(codes::WRONG_SHAPE, span, message).help(format!("call it: `{name}(…)`"));
                return Self::invalid(span);
            }
            None => {}
        }
        if row.tuples.iter().any(|tuple| tuple == name) {
            let message = format!("`{name}` stands for several values");
            self.error(codes::WRONG_SHAPE, span, message).help(format!("take one of them: `{name}.Property`"));
            return Self::invalid(span);
        }
        if row.aggregates.is_some() && row.columns.iter().any(|column| column.name == name) {
            let message = format!("`{name}` stands outside an aggregate");
            let help = format!("write `take_any({name})` or group `by {name}`");
            self.error(codes::MISPLACED, span, message).help(help);
        } else if let Some(unknown) = self.unknown_is_null.filter(|_| !name.is_empty()) {
            return self.unknown_as_null(unknown, name, span, row);
        } else if !name.is_empty() {
            self.unknown_column(name, span, row);
        } else if !self.gaps_reported {
            self.silent_gap(span);
        }
        Self::invalid(span)
    }

    /// A name stands for nothing, not for a mistake: a rule that names a key must not fail in the hour in which no event
    /// has it, and a fuzzy union was written for tables that may not be there.
    fn unknown_as_null(&mut self, unknown: Unknown, name: &str, span: Span, row: &Row) -> Expr {
        let near = nearest(name, row.columns.iter().map(|column| column.name.as_str()));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        self.ignored(
            span,
            &match unknown {
                Unknown::Data => format!("the data has no column `{name}` now, so it is null{hint}"),
                Unknown::Table => format!("no table that is there has a column `{name}`, so it is null{hint}"),
            },
        );
        Expr { kind: ExprKind::Literal(Value::Null), scalar: ScalarType::Dynamic, span }
    }

    fn unknown_column(&mut self, name: &str, span: Span, row: &Row) {
        if self.table_lost && row.columns.is_empty() {
            return;
        }
        let right = row.right.iter().flatten();
        let near = nearest(name, row.columns.iter().chain(right).map(|column| column.name.as_str())).map(str::to_owned);
        let reported =
            self.error(codes::UNKNOWN_COLUMN, span, format!("there is no column or variable called `{name}`"));
        match near {
            Some(near) => reported.help(format!("did you mean `{near}`?")),
            None if row.columns.is_empty() => {}
            None => {
                let some: Vec<&str> = row.columns.iter().take(8).map(|column| column.name.as_str()).collect();
                let more = if row.columns.len() > 8 { ", …" } else { "" };
                reported.help(format!("columns here: {}{more}", some.join(", ")));
            }
        }
    }

    fn member(&mut self, base: &syntax::Expr, name: &syntax::Name, span: Span, row: &mut Row) -> Expr {
        if let syntax::ExprKind::Name(side) = &base.kind
            && (side == "$left" || side == "$right")
        {
            return self.side(side == "$left", name, span, row);
        }
        if let syntax::ExprKind::Name(tuple) = &base.kind
            && row.tuples.contains(tuple)
        {
            return self.property(tuple, name, span, row);
        }
        let base = self.scalar(base, row);
        self.path(base, PathStep::Key(name.text.clone()), span)
    }

    /// `tuple.name`: a property of a node or edge of a pattern, a column of what a step matched.
    fn property(&mut self, tuple: &str, name: &syntax::Name, span: Span, row: &mut Row) -> Expr {
        if let Some(column) = column(&row.columns, &format!("{tuple}.{}", name.text), span) {
            return column;
        }
        if let Some(along) = self.path_property(tuple, name, span, row) {
            return along;
        }
        let prefix = format!("{tuple}.");
        let known = row.columns.iter().filter_map(|column| column.name.strip_prefix(prefix.as_str()));
        let near = nearest(&name.text, known).map(str::to_owned);
        let reported =
            self.error(codes::UNKNOWN_COLUMN, name.span, format!("`{tuple}` has no property called `{}`", name.text));
        if let Some(near) = near {
            reported.help(format!("did you mean `{near}`?"));
        }
        Self::invalid(span)
    }

    fn side(&mut self, left: bool, name: &syntax::Name, span: Span, row: &Row) -> Expr {
        let Some(right) = &row.right else {
            self.error(codes::MISPLACED, span, "`$left` and `$right` belong into `on` of a join");
            return Self::invalid(span);
        };
        let columns = if left { &row.columns } else { right };
        column(columns, &name.text, span).unwrap_or_else(|| {
            let here = Row::of(columns);
            self.unknown_column(&name.text, name.span, &here);
            Self::invalid(span)
        })
    }

    fn index(&mut self, base: &syntax::Expr, index: &syntax::Expr, span: Span, row: &mut Row) -> Expr {
        let base = self.scalar(base, row);
        let index = self.scalar(index, row);
        if index.scalar == ScalarType::String
            && let ExprKind::Call { function, .. } = &base.kind
            && ARRAYS.contains(&function.name)
        {
            let message = format!("`{}` gives an array; its elements have numbers from 0", function.name);
            self.error(codes::WRONG_TYPE, index.span, message);
            return Self::invalid(span);
        }
        let step = match (&index.kind, index.scalar) {
            (ExprKind::Literal(Value::String(key)), _) => PathStep::Key(key.clone()),
            (ExprKind::Literal(Value::Long(at)), _) => PathStep::Index(*at),
            (ExprKind::Invalid, _) => return Self::invalid(span),
            (_, ScalarType::String | ScalarType::Long) => PathStep::Computed(Box::new(index)),
            (_, ScalarType::Int) => PathStep::Computed(Box::new(convert::convert(index, ScalarType::Long))),
            (_, ScalarType::Dynamic) => PathStep::Computed(Box::new(convert::convert(index, ScalarType::String))),
            _ => {
                let message = format!("an index is a string or a whole number, this is a {}", index.scalar);
                self.error(codes::WRONG_TYPE, index.span, message);
                return Self::invalid(span);
            }
        };
        self.path(base, step, span)
    }

    fn path(&mut self, base: Expr, step: PathStep, span: Span) -> Expr {
        if matches!(base.kind, ExprKind::Invalid) {
            return base;
        }
        if base.scalar != ScalarType::Dynamic {
            let message = format!("only a dynamic value has parts, this is a {}", base.scalar);
            self.error(codes::WRONG_TYPE, base.span, message).help("read it with `parse_json(…)` first");
            return Self::invalid(span);
        }
        Expr { kind: ExprKind::Path { base: Box::new(base), step }, scalar: ScalarType::Dynamic, span }
    }

    fn negate(&mut self, operand: &syntax::Expr, span: Span, row: &mut Row) -> Expr {
        let operand = self.scalar(operand, row);
        let folded = match &operand.kind {
            ExprKind::Literal(Value::Int(value)) => value.checked_neg().map(Value::Int),
            ExprKind::Literal(Value::Long(value)) => value.checked_neg().map(Value::Long),
            ExprKind::Literal(Value::Real(value)) => Some(Value::Real(-value)),
            ExprKind::Literal(Value::TimeSpan(value)) => value.checked_neg().map(Value::TimeSpan),
            ExprKind::Invalid => return operand,
            _ => None,
        };
        if let Some(value) = folded {
            return Expr { kind: ExprKind::Literal(value), scalar: operand.scalar, span };
        }
        let operand = match operand.scalar {
            ScalarType::Int => convert::convert(operand, ScalarType::Long),
            ScalarType::Long | ScalarType::Real | ScalarType::Decimal | ScalarType::TimeSpan => operand,
            ScalarType::Dynamic => convert::convert(operand, ScalarType::Real),
            other => {
                let message = format!("a {other} has no sign");
                self.error(codes::BAD_OPERANDS, span, message);
                return Self::invalid(span);
            }
        };
        let scalar = operand.scalar;
        Expr { kind: ExprKind::Unary { op: UnaryOp::Negate, operand: Box::new(operand) }, scalar, span }
    }
}

/// A null of type string is the empty string.
fn null_or(value: &Value, scalar: ScalarType) -> Value {
    match (value, scalar) {
        (Value::Null, ScalarType::String) => Value::String(String::new()),
        (value, _) => value.clone(),
    }
}

/// The column called `name` as an expression.
pub(super) fn column(columns: &[ColumnSchema], name: &str, span: Span) -> Option<Expr> {
    let index = columns.iter().position(|column| column.name == name)?;
    Some(at(columns, index, span))
}

/// The column at `index` as an expression.
pub(super) fn at(columns: &[ColumnSchema], index: usize, span: Span) -> Expr {
    let column = &columns[index];
    Expr { kind: ExprKind::Column { index, name: column.name.clone() }, scalar: column.scalar, span }
}

/// A long chain as a tree of logarithmic height, so that nothing downstream recurses deeply.
pub(super) fn balanced(op: BinaryOp, mut operands: Vec<Expr>, span: Span) -> Expr {
    while operands.len() > 1 {
        let mut next = Vec::with_capacity(operands.len().div_ceil(2));
        let mut pairs = operands.into_iter();
        while let Some(left) = pairs.next() {
            next.push(match pairs.next() {
                Some(right) => {
                    let span = left.span.to(right.span);
                    let kind = ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) };
                    Expr { kind, scalar: ScalarType::Bool, span }
                }
                None => left,
            });
        }
        operands = next;
    }
    let only = operands.pop();
    only.map_or_else(|| Binder::invalid(span), |only| Expr { span, ..only })
}
