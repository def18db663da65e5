//! Scalar expressions with resolved types.

use kernel::diagnostic::Span;
use kernel::value::{ScalarType, Value};

use super::plan::Plan;
use crate::functions::{FunctionSpec, Overload};

/// One scalar expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    /// The type of its value.
    pub scalar: ScalarType,
    /// Where it stands in the query text (for an expression from a `let`, where it was used).
    pub span: Span,
}

/// What an expression does. A string is never null: where an operation has no value, a string result is empty.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A constant of type [`Expr::scalar`]. [`Value::Null`] is the typed null (never of type string).
    Literal(Value),
    /// The column at `index` of the operator's input. `name` is for messages only. In [`JoinKey`](super::JoinKey)
    /// the input is the side that the key names.
    Column { index: usize, name: String },
    /// A scalar function with the overload that the argument types chose; `args` already have its parameter types
    /// wherever those are concrete. Window functions (`row_number`, `prev`, …) occur only in
    /// [`Node::Window`](super::Node::Window).
    Call { function: &'static FunctionSpec, overload: &'static Overload, args: Vec<Expr> },
    /// One operand.
    Unary { op: UnaryOp, operand: Box<Expr> },
    /// Logic, comparison, arithmetic.
    Binary { op: BinaryOp, left: Box<Expr>, right: Box<Expr> },
    /// `left op right` on strings. With `negated`, true where the operator is not true, null operands included.
    StringMatch { op: StringOp, negated: bool, left: Box<Expr>, right: Box<Expr> },
    /// `value in (…)`, `value in~ (…)`, `!in`: is `value` one of the haystack? A null value gives false (`!in`: true).
    /// Elements have `value`'s type, except an array, whose elements convert one by one.
    In { ignore_case: bool, negated: bool, value: Box<Expr>, haystack: Haystack },
    /// `value has_any (…)`, or `has_all` with `all`. Terms match as [`StringOp::Has`]. An empty set: `has_all` is
    /// true, `has_any` false.
    HasTerms { all: bool, value: Box<Expr>, haystack: Haystack },
    /// `value between (low .. high)`, both ends included; null as the conjunction of two comparisons. `negated`:
    /// `!between`, true where `between` is not true.
    Between { negated: bool, value: Box<Expr>, low: Box<Expr>, high: Box<Expr> },
    /// Access into a dynamic value. Gives dynamic; null where the step finds nothing.
    Path { base: Box<Expr>, step: PathStep },
    /// Converts `operand` to [`Expr::scalar`]; inserted by the binder, so it never fails: numbers widen
    /// (int to long to real, any to decimal), a dynamic becomes the type asked for as by `tostring`, `tolong`, … (a
    /// JSON string without its quotes; null where it does not fit), a value becomes the dynamic that holds it.
    Convert { operand: Box<Expr> },
    /// `toscalar(plan)`: first column of the first row, computed once per query; null where there is no row.
    Scalar(Box<Plan>),
    /// What could not be bound; a diagnostic tells why. Never in a [`Query`](super::Query) that was given out.
    Invalid,
}

/// Operators of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// Arithmetic minus on int, long, real, decimal, timespan.
    Negate,
}

/// Operators of two operands.
///
/// Both operands have one type, except where datetime meets timespan and where timespan is scaled by a number
/// (long or real).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// Three-valued.
    And,
    /// Three-valued.
    Or,
    /// null with null: null; null with a value: false.
    Equal,
    /// null with null: null; null with a value: true.
    NotEqual,
    /// Null where an operand is null. Also `<=`, `>`, `>=`.
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Numbers; datetime + timespan (either order); timespan + timespan. Integer results are long.
    Add,
    /// As [`Add`](Self::Add); datetime - datetime is timespan.
    Subtract,
    /// Numbers; timespan by number, either order.
    Multiply,
    /// Integers truncate toward zero and give null on zero; reals give infinity or NaN; timespan / timespan is real;
    /// timespan / number is timespan.
    Divide,
    /// Never negative for a positive divisor; null on zero.
    Modulo,
}

/// String predicates. `Cs` forms respect case, the others ignore it (Unicode simple case folding).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StringOp {
    /// `=~` (`!~` when negated).
    EqualsIgnoreCase,
    /// Whole terms: maximal runs of letters and digits of any script; a needle edge that is neither needs no boundary.
    Has,
    HasCs,
    HasPrefix,
    HasPrefixCs,
    HasSuffix,
    HasSuffixCs,
    Contains,
    ContainsCs,
    StartsWith,
    StartsWithCs,
    EndsWith,
    EndsWithCs,
    /// The pattern occurs somewhere; syntax of the Rust `regex` crate, respects case.
    MatchesRegex,
}

/// Where `in`, `has_any` and `has_all` look.
#[derive(Debug, Clone, PartialEq)]
pub enum Haystack {
    /// Expressions, usually constants, of the type of the value. A dynamic array constant was spread into its elements.
    List(Vec<Expr>),
    /// One dynamic expression that holds an array at run time.
    Array(Box<Expr>),
    /// The first column of a plan of one or more columns. Does not depend on the row.
    Table(Box<Plan>),
}

/// One step into a dynamic value.
#[derive(Debug, Clone, PartialEq)]
pub enum PathStep {
    /// `.name` or `["name"]`: a key of a bag, case-sensitive.
    Key(String),
    /// `[n]` with an integer constant; negative counts from the end.
    Index(i64),
    /// `[expr]`: a string (key) or long (index) expression.
    Computed(Box<Expr>),
}
