//! Infix operators: which types they take and what they give.

use kernel::diagnostic::Span;
use kernel::value::{ScalarType, Value};
use serde_json::Value as Json;

use super::convert::{common, convert, cost, element, is_numeric, known_types, never_equal, shape};
use super::{Binder, Row};
use crate::algebra::{BinaryOp, Expr, ExprKind, Haystack, StringOp};
use crate::{codes, syntax};

impl Binder<'_> {
    pub(super) fn infix(&mut self, op: &syntax::Name, left: Expr, right: Expr, span: Span) -> Expr {
        if matches!(left.kind, ExprKind::Invalid) || matches!(right.kind, ExprKind::Invalid) {
            return Self::invalid(span);
        }
        let (left, right) = known_types(left, right);
        if let Some((string_op, negated)) = string_op(&op.text) {
            return self.string_match(op, string_op, negated, left, right, span);
        }
        if op.text == "=" && !self.compares(op, &right) {
            return Self::invalid(span);
        }
        let op_kind = match op.text.as_str() {
            "==" | "=" => BinaryOp::Equal,
            "!=" | "<>" => BinaryOp::NotEqual,
            "<" => BinaryOp::Less,
            "<=" => BinaryOp::LessOrEqual,
            ">" => BinaryOp::Greater,
            ">=" => BinaryOp::GreaterOrEqual,
            "+" => BinaryOp::Add,
            "-" => BinaryOp::Subtract,
            "*" => BinaryOp::Multiply,
            "/" => BinaryOp::Divide,
            "%" => BinaryOp::Modulo,
            ":" => return self.string_match(op, StringOp::Has, false, left, right, span),
            other => {
                self.error(codes::UNSUPPORTED, op.span, format!("the operator `{other}` is not supported"));
                return Self::invalid(span);
            }
        };
        // Parts of dynamic values are computed with as reals.
        let arithmetic = matches!(op.text.as_str(), "+" | "-" | "*" | "/" | "%");
        let of_dynamics = arithmetic && left.scalar == ScalarType::Dynamic && right.scalar == ScalarType::Dynamic;
        if never_equal(op_kind, left.scalar, right.scalar) {
            return self.unequal(op_kind, &left, &right, span);
        }
        let typed =
            if arithmetic { self.arithmetic(op_kind, left, right) } else { self.comparison(op_kind, left, right) };
        match typed {
            Ok((left, right, scalar)) => {
                let kind = ExprKind::Binary { op: op_kind, left: Box::new(left), right: Box::new(right) };
                let computed = Expr { kind, scalar, span };
                if of_dynamics { convert(computed, ScalarType::Dynamic) } else { computed }
            }
            Err((left, right)) => self.mismatch(op, left, right, span),
        }
    }

    /// A single `=` in a condition gives a name, and does so to no use. Where a bool follows, the condition would be
    /// that bool alone; it is taken for the comparison that was meant.
    fn compares(&mut self, op: &syntax::Name, right: &Expr) -> bool {
        let help = "compare with `==`, or with `=~` to ignore case";
        if right.scalar == ScalarType::Bool {
            self.ignored(op.span, "`=` is read as `==` here");
            return true;
        }
        self.error(codes::SYNTAX, op.span, "`=` gives a name; it does not compare").help(help);
        false
    }

    /// `==` between types that have no value in common. The language accepts it; whoever wrote it should know.
    fn unequal(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Expr {
        let message = format!("a {} never equals a {}", left.scalar, right.scalar);
        self.ignored(span, &message);
        let kind = ExprKind::Literal(Value::Bool(op == BinaryOp::NotEqual));
        Expr { kind, scalar: ScalarType::Bool, span }
    }

    fn mismatch(&mut self, op: &syntax::Name, left: ScalarType, right: ScalarType, span: Span) -> Expr {
        let message = format!("`{}` is not defined between {left} and {right}", op.text);
        let help = match (left, right) {
            (ScalarType::Dynamic, ScalarType::Dynamic) => {
                "convert the parts with `tolong(…)`, `todouble(…)` or `tostring(…)`"
            }
            (ScalarType::DateTime, _) | (_, ScalarType::DateTime) => {
                "write an instant as datetime(2026-11-21) or convert with `todatetime(…)`"
            }
            (ScalarType::String, ScalarType::String) if op.text.starts_with(['<', '>']) => {
                "texts are compared by `strcmp(a, b) < 0`"
            }
            (ScalarType::String, _) | (_, ScalarType::String) => "convert one side with `tostring(…)`",
            _ => "convert one side to the type of the other",
        };
        self.error(codes::BAD_OPERANDS, span, message).help(help);
        Self::invalid(span)
    }

    fn string_match(
        &mut self,
        op: &syntax::Name,
        string_op: StringOp,
        negated: bool,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Expr {
        let fits = |expr: &Expr| matches!(expr.scalar, ScalarType::String | ScalarType::Dynamic);
        // What is known not to be a text has no terms to look for.
        let looks_for_terms = op.text.trim_start_matches('!').starts_with("has");
        if !fits(&left) || !fits(&right) || (looks_for_terms && shape(&right).is_some()) {
            return self.mismatch(op, left.scalar, right.scalar, span);
        }
        let left = Box::new(convert(left, ScalarType::String));
        let right = Box::new(convert(right, ScalarType::String));
        Expr { kind: ExprKind::StringMatch { op: string_op, negated, left, right }, scalar: ScalarType::Bool, span }
    }

    /// Both sides in one type, or the types that do not meet.
    fn comparison(
        &mut self,
        op: BinaryOp,
        left: Expr,
        right: Expr,
    ) -> Result<(Expr, Expr, ScalarType), (ScalarType, ScalarType)> {
        let types = (left.scalar, right.scalar);
        let ordering = !matches!(op, BinaryOp::Equal | BinaryOp::NotEqual);
        if ordering && !have_order(types.0, types.1) {
            return Err(types);
        }
        let (left, right) = match common(left.scalar, right.scalar) {
            Some(scalar) => (convert(left, scalar), convert(right, scalar)),
            // A string meets another type in that type: `Flag == "0"`, `Count == "5"`.
            None if !ordering && types.0 == ScalarType::String => (self.force(left, types.1), right),
            None if !ordering && types.1 == ScalarType::String => {
                let right = self.force(right, types.0);
                (left, right)
            }
            // A number meets a truth value as one: `IsAdmin == 1`.
            None if !ordering && types.0 == ScalarType::Bool && is_numeric(types.1) => {
                let right = self.force(right, ScalarType::Bool);
                (left, right)
            }
            None if !ordering && types.1 == ScalarType::Bool && is_numeric(types.0) => {
                (self.force(left, ScalarType::Bool), right)
            }
            None if types.0 == ScalarType::Bool && is_numeric(types.1) => {
                let left = self.force(left, ScalarType::Long);
                return self.comparison(op, left, right);
            }
            None if types.1 == ScalarType::Bool && is_numeric(types.0) => {
                let right = self.force(right, ScalarType::Long);
                return self.comparison(op, left, right);
            }
            None => return Err(types),
        };
        Ok((left, right, ScalarType::Bool))
    }

    fn arithmetic(
        &mut self,
        op: BinaryOp,
        left: Expr,
        right: Expr,
    ) -> Result<(Expr, Expr, ScalarType), (ScalarType, ScalarType)> {
        use ScalarType::{DateTime, Decimal, Dynamic, Int, Long, Real, TimeSpan};
        let types = (left.scalar, right.scalar);
        let scale = |scalar: ScalarType| if scalar == Real { Real } else { Long };
        Ok(match (op, left.scalar, right.scalar) {
            (BinaryOp::Add | BinaryOp::Subtract, DateTime, TimeSpan) | (BinaryOp::Add, TimeSpan, DateTime) => {
                (left, right, DateTime)
            }
            (BinaryOp::Subtract, DateTime, DateTime) => (left, right, TimeSpan),
            (BinaryOp::Divide, TimeSpan, TimeSpan) => (left, right, Real),
            // An instant is the time since the year 1.
            (BinaryOp::Divide, DateTime, TimeSpan) => {
                let span = left.span;
                let first = Expr { kind: ExprKind::Literal(Value::DateTime(0)), scalar: DateTime, span };
                let kind = ExprKind::Binary { op: BinaryOp::Subtract, left: Box::new(left), right: Box::new(first) };
                (Expr { kind, scalar: TimeSpan, span }, right, Real)
            }
            (BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Modulo, TimeSpan, TimeSpan) => (left, right, TimeSpan),
            (BinaryOp::Multiply | BinaryOp::Divide, TimeSpan, Int | Long | Real) => {
                let to = scale(right.scalar);
                (left, convert(right, to), TimeSpan)
            }
            (BinaryOp::Multiply, Int | Long | Real, TimeSpan) => {
                let to = scale(left.scalar);
                (convert(left, to), right, TimeSpan)
            }
            (BinaryOp::Multiply | BinaryOp::Divide, TimeSpan, Decimal) => {
                let right = self.force(right, Real);
                (left, right, TimeSpan)
            }
            (BinaryOp::Multiply, Decimal, TimeSpan) => (self.force(left, Real), right, TimeSpan),
            (BinaryOp::Subtract, Dynamic, DateTime) => (convert(left, DateTime), right, TimeSpan),
            (BinaryOp::Subtract, DateTime, Dynamic) => (left, convert(right, DateTime), TimeSpan),
            (BinaryOp::Add, Dynamic, DateTime) => (convert(left, TimeSpan), right, DateTime),
            (BinaryOp::Add, DateTime, Dynamic) => (left, convert(right, TimeSpan), DateTime),
            (BinaryOp::Add | BinaryOp::Subtract, Dynamic, TimeSpan) => (convert(left, TimeSpan), right, TimeSpan),
            (BinaryOp::Add | BinaryOp::Subtract, TimeSpan, Dynamic) => (left, convert(right, TimeSpan), TimeSpan),
            (_, Dynamic, Dynamic) => (convert(left, Real), convert(right, Real), Real),
            (_, a, b) => match common(a, b) {
                Some(Int) => (convert(left, Long), convert(right, Long), Long),
                Some(scalar) if is_numeric(scalar) => (convert(left, scalar), convert(right, scalar), scalar),
                _ => return Err(types),
            },
        })
    }

    pub(super) fn between(&mut self, negated: bool, value: Expr, low: Expr, high: Expr, span: Span) -> Expr {
        if [&value, &low, &high].iter().any(|expr| matches!(expr.kind, ExprKind::Invalid)) {
            return Self::invalid(span);
        }
        // `between (start .. span)`: the end is start + span.
        let (value, low) = known_types(value, low);
        let (value, high) = if high.scalar == ScalarType::TimeSpan { (value, high) } else { known_types(value, high) };
        let high = if value.scalar == ScalarType::DateTime && high.scalar == ScalarType::TimeSpan {
            let kind =
                ExprKind::Binary { op: BinaryOp::Add, left: Box::new(low.clone()), right: Box::new(high.clone()) };
            Expr { kind, scalar: ScalarType::DateTime, span: high.span }
        } else {
            high
        };
        let found = common(value.scalar, low.scalar).and_then(|scalar| common(scalar, high.scalar));
        let types = [value.scalar, low.scalar, high.scalar];
        let one = types.iter().all(|scalar| *scalar == value.scalar);
        // A dynamic lies between numbers alone.
        let ordered = |scalar: ScalarType| {
            scalar != ScalarType::String && (one || is_numeric(scalar)) && scalar != ScalarType::Dynamic
        };
        let Some(scalar) = found.filter(|scalar| ordered(*scalar)) else {
            let message = format!(
                "`between` needs one ordered type; here are {}, {} and {}",
                value.scalar, low.scalar, high.scalar
            );
            self.error(codes::BAD_OPERANDS, span, message);
            return Self::invalid(span);
        };
        let of = |expr| Box::new(convert(expr, scalar));
        let kind = ExprKind::Between { negated, value: of(value), low: of(low), high: of(high) };
        Expr { kind, scalar: ScalarType::Bool, span }
    }

    pub(super) fn membership(
        &mut self,
        op: &syntax::Name,
        value: &syntax::Expr,
        list: &[syntax::Expr],
        span: Span,
        row: &mut Row,
    ) -> Expr {
        let value = self.scalar(value, row);
        let word = op.text.trim_start_matches('!');
        let negated = op.text.starts_with('!');
        let textual = matches!(word, "in~" | "has_any" | "has_all");
        if negated && word.starts_with("has") {
            self.error(codes::UNSUPPORTED, op.span, format!("`{}` is not an operator", op.text))
                .help("write `not(… has_any (…))`");
            return Self::invalid(span);
        }
        let value = if textual { self.textual(op, value) } else { value };
        let Some((value, haystack)) = self.haystack(value, list, textual, row) else { return Self::invalid(span) };
        if matches!(value.kind, ExprKind::Invalid) {
            return Self::invalid(span);
        }
        let value = Box::new(value);
        let kind = match word {
            "has_any" | "has_all" => ExprKind::HasTerms { all: word == "has_all", value, haystack },
            _ => ExprKind::In { ignore_case: word == "in~", negated, value, haystack },
        };
        Expr { kind, scalar: ScalarType::Bool, span }
    }

    /// A string or dynamic as string.
    fn textual(&mut self, op: &syntax::Name, value: Expr) -> Expr {
        match value.scalar {
            ScalarType::String | ScalarType::Dynamic => convert(value, ScalarType::String),
            other => {
                let message = format!("`{}` needs a string, this is a {other}", op.text);
                self.error(codes::BAD_OPERANDS, value.span, message).help("convert it with `tostring(…)`");
                Self::invalid(value.span)
            }
        }
    }

    fn haystack(
        &mut self,
        value: Expr,
        list: &[syntax::Expr],
        textual: bool,
        row: &mut Row,
    ) -> Option<(Expr, Haystack)> {
        if let [only] = list
            && self.is_tabular(only)
            && !row
                .columns
                .iter()
                .any(|column| matches!(&only.kind, syntax::ExprKind::Name(name) if *name == column.name))
        {
            let plan = self.table(only);
            let first = plan.schema.first()?.scalar;
            // The value meets the table's column in the column's type.
            let value = if textual || first == ScalarType::Dynamic { value } else { self.force(value, first) };
            return Some((value, Haystack::Table(Box::new(plan))));
        }
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            let item = self.scalar(item, row);
            match &item.kind {
                ExprKind::Invalid => return None,
                ExprKind::Literal(Value::Dynamic(Json::Array(elements))) => {
                    items.extend(elements.iter().map(|json| element(json, item.span)));
                }
                ExprKind::Literal(_) => items.push(item),
                _ if item.scalar == ScalarType::Dynamic && list.len() == 1 => {
                    return Some((value, Haystack::Array(Box::new(item))));
                }
                _ => items.push(item),
            }
        }
        let to = if textual {
            ScalarType::String
        } else if value.scalar == ScalarType::Dynamic {
            items
                .iter()
                .map(|item| item.scalar)
                .find(|scalar| *scalar != ScalarType::Dynamic)
                .unwrap_or(ScalarType::String)
        } else {
            items.iter().map(|item| item.scalar).fold(value.scalar, |wide, item| match common(wide, item) {
                Some(scalar) if is_numeric(scalar) => scalar,
                _ => wide,
            })
        };
        let value = if cost(value.scalar, to).is_some() { convert(value, to) } else { self.force(value, to) };
        let items = items.into_iter().map(|item| self.force(item, to)).collect();
        Some((value, Haystack::List(items)))
    }
}

/// The string operator of this spelling, and whether it is negated.
fn string_op(spelling: &str) -> Option<(StringOp, bool)> {
    let negated = spelling.starts_with('!') || spelling.starts_with("not");
    let plain = spelling.trim_start_matches('!').trim_start_matches("not");
    let op = match plain {
        "=~" => StringOp::EqualsIgnoreCase,
        "~" if negated => StringOp::EqualsIgnoreCase,
        "has" => StringOp::Has,
        "has_cs" => StringOp::HasCs,
        "hasprefix" => StringOp::HasPrefix,
        "hasprefix_cs" => StringOp::HasPrefixCs,
        "hassuffix" => StringOp::HasSuffix,
        "hassuffix_cs" => StringOp::HasSuffixCs,
        "contains" => StringOp::Contains,
        "contains_cs" | "containscs" => StringOp::ContainsCs,
        "startswith" => StringOp::StartsWith,
        "startswith_cs" => StringOp::StartsWithCs,
        "endswith" => StringOp::EndsWith,
        "endswith_cs" => StringOp::EndsWithCs,
        "matches regex" => StringOp::MatchesRegex,
        _ => return None,
    };
    Some((op, negated))
}

/// Whether `<` and its kin are defined: texts have no order, and a dynamic is ordered as a number alone.
fn have_order(left: ScalarType, right: ScalarType) -> bool {
    use ScalarType::{DateTime, Dynamic, Guid, String, TimeSpan};
    let unordered = |scalar: ScalarType| matches!(scalar, String | DateTime | TimeSpan | Guid);
    match (left, right) {
        (String, _) | (_, String) => false,
        (Dynamic, other) | (other, Dynamic) => !unordered(other),
        _ => true,
    }
}
