//! The stable codes of diagnostics. A code is never reused.

/// A character that starts no token.
pub const BAD_CHARACTER: &str = "KQL0001";
/// A string without its closing quote.
pub const OPEN_STRING: &str = "KQL0002";
/// A number or literal that cannot be read.
pub const BAD_NUMBER: &str = "KQL0003";
/// Something else was expected here.
pub const SYNTAX: &str = "KQL0004";
/// Nesting, length or expansion beyond the limit.
pub const LIMIT: &str = "KQL0005";
/// No table of this name.
pub const UNKNOWN_TABLE: &str = "KQL0010";
/// No column or variable of this name.
pub const UNKNOWN_COLUMN: &str = "KQL0011";
/// No function of this name.
pub const UNKNOWN_FUNCTION: &str = "KQL0012";
/// Arguments do not fit the function.
pub const BAD_ARGUMENTS: &str = "KQL0013";
/// Operand types do not fit the operator.
pub const BAD_OPERANDS: &str = "KQL0014";
/// A value of another type is needed.
pub const WRONG_TYPE: &str = "KQL0015";
/// A constant is needed.
pub const NOT_CONSTANT: &str = "KQL0016";
/// A table is needed, or a scalar.
pub const WRONG_SHAPE: &str = "KQL0017";
/// An aggregate outside `summarize`, or none inside.
pub const MISPLACED: &str = "KQL0018";
/// The same column name twice.
pub const DUPLICATE_NAME: &str = "KQL0019";
/// Part of the language, not supported here.
pub const UNSUPPORTED: &str = "KQL0030";
/// Accepted, but it has no effect here.
pub const IGNORED: &str = "KQL0040";
