//! Which type becomes which, and at what price.

use kernel::diagnostic::Span;
use kernel::value::{ScalarType, Value};
use serde_json::Value as Json;

use super::Binder;
use crate::algebra::{BinaryOp, Expr, ExprKind};
use crate::codes;
use crate::functions;

/// Place in int < long < real < decimal.
pub(super) fn numeric_rank(scalar: ScalarType) -> Option<u32> {
    match scalar {
        ScalarType::Int => Some(0),
        ScalarType::Long => Some(1),
        ScalarType::Real => Some(2),
        ScalarType::Decimal => Some(3),
        _ => None,
    }
}

pub(super) fn is_numeric(scalar: ScalarType) -> bool {
    numeric_rank(scalar).is_some()
}

/// The wider of two numeric types; the same type; what a dynamic meets.
pub(super) fn common(a: ScalarType, b: ScalarType) -> Option<ScalarType> {
    match (numeric_rank(a), numeric_rank(b)) {
        _ if a == b => Some(a),
        (Some(left), Some(right)) => Some(if left > right { a } else { b }),
        _ if a == ScalarType::Dynamic => Some(b),
        _ if b == ScalarType::Dynamic => Some(a),
        _ => None,
    }
}

/// What an implicit conversion costs; `None` where there is none.
pub(super) fn cost(from: ScalarType, to: ScalarType) -> Option<u32> {
    match (numeric_rank(from), numeric_rank(to)) {
        _ if from == to => Some(0),
        (Some(left), Some(right)) if left < right => Some(right - left),
        // Every other type is asked of a dynamic by name: `tolong(d)`.
        _ if (from, to) == (ScalarType::Dynamic, ScalarType::String) => Some(10),
        _ => None,
    }
}

impl Binder<'_> {
    /// `expr` as `to` by an implicit conversion, or an error that names both types.
    pub(super) fn expect(&mut self, expr: Expr, to: ScalarType) -> Expr {
        if matches!(expr.kind, ExprKind::Invalid) || is_unknown(&expr) || cost(expr.scalar, to).is_some() {
            return convert(expr, to);
        }
        // A long constant serves where an int is needed.
        if let (ExprKind::Literal(Value::Long(value)), ScalarType::Int) = (&expr.kind, to)
            && let Ok(value) = i32::try_from(*value)
        {
            return Expr { kind: ExprKind::Literal(Value::Int(value)), scalar: to, span: expr.span };
        }
        let message = format!("a {to} is needed here, this is a {}", expr.scalar);
        let help = format!("convert it with `{}(…)`", conversion_function(to));
        self.error(codes::WRONG_TYPE, expr.span, message).help(help);
        Binder::invalid(expr.span)
    }

    /// `expr` as `to` by the function that converts explicitly (`tolong`, …) where no implicit way exists.
    pub(super) fn force(&mut self, expr: Expr, to: ScalarType) -> Expr {
        if cost(expr.scalar, to).is_some() || to == ScalarType::Dynamic {
            return convert(expr, to);
        }
        let span = expr.span;
        self.call_by_name(conversion_function(to), vec![expr], span)
    }

    /// A call of a registered function with arguments that fit.
    pub(super) fn call_by_name(&mut self, name: &str, args: Vec<Expr>, span: Span) -> Expr {
        match functions::scalar(name) {
            Some(function) => self.resolve(function, args, span),
            None => Binder::invalid(span),
        }
    }
}

/// A null of which nothing is known: it takes every type.
pub(super) fn is_unknown(expr: &Expr) -> bool {
    expr.scalar == ScalarType::Dynamic && matches!(expr.kind, ExprKind::Literal(Value::Null))
}

/// What a dynamic value is known to be before the query runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Array,
    Bag,
    /// A part of one, or a constant of another kind.
    Other,
}

/// The shape of a constant, of what a function gives, of a part of one. `None`: a text, or not known.
pub(super) fn shape(expr: &Expr) -> Option<Shape> {
    match &expr.kind {
        ExprKind::Literal(Value::Dynamic(json)) => Some(match json {
            Json::Array(_) => Shape::Array,
            Json::Object(_) => Shape::Bag,
            _ => Shape::Other,
        }),
        ExprKind::Call { function, .. } => match function.name {
            "split" | "pack_array" | "extract_all" | "bag_keys" | "array_concat" | "set_union" => Some(Shape::Array),
            "bag_pack" | "parse_url" | "parse_xml" | "parse_urlquery" => Some(Shape::Bag),
            _ => None,
        },
        ExprKind::Path { base, .. } => match &base.kind {
            ExprKind::Literal(_) => None,
            _ => shape(base).map(|_| Shape::Other),
        },
        _ => None,
    }
}

/// Whether no value of one type is one of the other.
pub(super) fn never_equal(op: BinaryOp, left: ScalarType, right: ScalarType) -> bool {
    use ScalarType::{Bool, DateTime, Guid, TimeSpan};
    let alone = |scalar: ScalarType| matches!(scalar, DateTime | TimeSpan | Guid);
    let fixed = |scalar: ScalarType| alone(scalar) || scalar == Bool || is_numeric(scalar);
    let equality = matches!(op, BinaryOp::Equal | BinaryOp::NotEqual);
    equality && left != right && fixed(left) && fixed(right) && (alone(left) || alone(right))
}

/// Both in the type of the other where one is unknown.
pub(super) fn known_types(left: Expr, right: Expr) -> (Expr, Expr) {
    match (is_unknown(&left), is_unknown(&right)) {
        (true, false) => (convert(left, right.scalar), right),
        (false, true) => {
            let right = convert(right, left.scalar);
            (left, right)
        }
        _ => (left, right),
    }
}

/// Converts where a way is known to exist.
pub(super) fn convert(expr: Expr, to: ScalarType) -> Expr {
    if expr.scalar == to || matches!(expr.kind, ExprKind::Invalid) {
        return expr;
    }
    let span = expr.span;
    if let ExprKind::Literal(value) = &expr.kind
        && let Some(value) = fold(value, to)
    {
        return Expr { kind: ExprKind::Literal(value), scalar: to, span };
    }
    Expr { kind: ExprKind::Convert { operand: Box::new(expr) }, scalar: to, span }
}

/// A constant in a wider type.
fn fold(value: &Value, to: ScalarType) -> Option<Value> {
    #[expect(clippy::cast_precision_loss, reason = "KQL widens long to real the same way")]
    Some(match (value, to) {
        (Value::Null, ScalarType::String) => Value::String(String::new()),
        (Value::Null, _) => Value::Null,
        (Value::Int(value), ScalarType::Long) => Value::Long(i64::from(*value)),
        (Value::Int(value), ScalarType::Real) => Value::Real(f64::from(*value)),
        (Value::Long(value), ScalarType::Real) => Value::Real(*value as f64),
        (Value::Int(value), ScalarType::Decimal) => Value::Decimal(value.to_string()),
        (Value::Long(value), ScalarType::Decimal) => Value::Decimal(value.to_string()),
        (Value::String(text), ScalarType::Dynamic) => Value::Dynamic(Json::String(text.clone())),
        (Value::Dynamic(Json::String(text)), ScalarType::String) => Value::String(text.clone()),
        _ => return None,
    })
}

pub(super) fn conversion_function(to: ScalarType) -> &'static str {
    match to {
        ScalarType::Bool => "tobool",
        ScalarType::Int => "toint",
        ScalarType::Long => "tolong",
        ScalarType::Real => "todouble",
        ScalarType::Decimal => "todecimal",
        ScalarType::String => "tostring",
        ScalarType::DateTime => "todatetime",
        ScalarType::TimeSpan => "totimespan",
        ScalarType::Guid => "toguid",
        ScalarType::Dynamic => "todynamic",
    }
}

/// An element of a constant dynamic array as an expression.
pub(super) fn element(json: &Json, span: Span) -> Expr {
    let (value, scalar) = match json {
        Json::String(text) => (Value::String(text.clone()), ScalarType::String),
        Json::Bool(value) => (Value::Bool(*value), ScalarType::Bool),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => (Value::Long(whole), ScalarType::Long),
            (None, Some(real)) => (Value::Real(real), ScalarType::Real),
            (None, None) => (Value::Null, ScalarType::Dynamic),
        },
        Json::Null => (Value::Null, ScalarType::Dynamic),
        other => (Value::Dynamic(other.clone()), ScalarType::Dynamic),
    };
    Expr { kind: ExprKind::Literal(value), scalar, span }
}

/// A constant as a value of another type, as `datatable` reads its cells.
pub(super) fn constant(value: &Value, to: ScalarType) -> Option<Value> {
    let text = match value {
        Value::Null if to == ScalarType::String => return Some(Value::String(String::new())),
        Value::Null => return Some(Value::Null),
        Value::Bool(value) if to == ScalarType::Bool => return Some(Value::Bool(*value)),
        Value::TimeSpan(_) if to == ScalarType::TimeSpan => return Some(value.clone()),
        Value::DateTime(_) if to == ScalarType::DateTime => return Some(value.clone()),
        Value::Dynamic(json) if to == ScalarType::Dynamic => return Some(Value::Dynamic(json.clone())),
        Value::String(text) if to == ScalarType::String => return Some(Value::String(text.clone())),
        Value::Dynamic(Json::String(text)) | Value::String(text) => text.trim().to_owned(),
        Value::Bool(value) if to == ScalarType::String => if *value { "True" } else { "False" }.to_owned(),
        Value::TimeSpan(_) | Value::DateTime(_) | Value::Dynamic(_) if to == ScalarType::String => {
            match value.to_json() {
                Json::String(text) => text,
                json => json.to_string(),
            }
        }
        Value::Bool(_) | Value::TimeSpan(_) | Value::DateTime(_) | Value::Dynamic(_) if to != ScalarType::Dynamic => {
            return None;
        }
        Value::Int(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Decimal(text) | Value::Guid(text) => text.clone(),
        Value::Bool(_) | Value::TimeSpan(_) | Value::DateTime(_) | Value::Dynamic(_) => {
            return Some(Value::Dynamic(value.to_json()));
        }
    };
    match to {
        ScalarType::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        ScalarType::Int => text.parse().ok().map(Value::Int),
        ScalarType::Long => text.parse().ok().map(Value::Long),
        ScalarType::Real => text.parse().ok().map(Value::Real),
        ScalarType::Decimal => text.parse::<f64>().ok().map(|_| Value::Decimal(text)),
        ScalarType::DateTime => crate::parser::parse_datetime(&text).map(Value::DateTime),
        ScalarType::TimeSpan => crate::parser::parse_timespan(&text).map(Value::TimeSpan),
        ScalarType::Guid => crate::parser::guid(&text).map(Value::Guid),
        ScalarType::String => Some(Value::String(text)),
        ScalarType::Dynamic => Some(Value::Dynamic(value.to_json())),
    }
}
