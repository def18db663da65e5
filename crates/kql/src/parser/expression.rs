//! Expressions: pipes, infix operators by precedence, calls, paths.

use kernel::diagnostic::{Diagnostic, Span};

use super::operator::makes_rows;
use super::{Condition, Parser};
use crate::codes;
use crate::lexer::TokenKind;
use crate::parser::scalar_type;
use crate::syntax::{Argument, Expr, ExprKind, Name, NamedExpr};

/// Operators on texts; they bind more tightly than arithmetic.
const ON_TEXTS: [&str; 34] = [
    "=~",
    "!~",
    "has",
    "!has",
    "has_cs",
    "!has_cs",
    "hasprefix",
    "!hasprefix",
    "hasprefix_cs",
    "!hasprefix_cs",
    "hassuffix",
    "!hassuffix",
    "hassuffix_cs",
    "!hassuffix_cs",
    "contains",
    "!contains",
    "contains_cs",
    "!contains_cs",
    "containscs",
    "startswith",
    "!startswith",
    "startswith_cs",
    "!startswith_cs",
    "endswith",
    "!endswith",
    "endswith_cs",
    "!endswith_cs",
    "like",
    "notlike",
    "likecs",
    "notlikecs",
    "notcontains",
    "notcontainscs",
    ":",
];

/// They bind more loosely than arithmetic and do not chain.
const RELATIONS: [&str; 4] = ["<", "<=", ">", ">="];

/// They bind more loosely than relations and do not chain.
const EQUALITIES: [&str; 4] = ["==", "!=", "<>", "="];

const MEMBERSHIPS: [&str; 8] = ["in", "!in", "in~", "!in~", "has_any", "!has_any", "has_all", "!has_all"];

impl Parser<'_> {
    /// An expression that may be a whole pipe.
    pub(super) fn pipe(&mut self) -> Expr {
        self.scoped(Self::pipe_inner, Expr::missing)
    }

    /// The condition of `where` or `search`.
    pub(super) fn condition(&mut self, condition: Condition) -> Expr {
        let outer = std::mem::replace(&mut self.condition, condition);
        let expr = self.expr();
        self.condition = outer;
        expr
    }

    fn pipe_inner(&mut self) -> Expr {
        let start = self.here();
        let mut operators = Vec::new();
        let source = if self.starts_rows() {
            operators.push(self.operator());
            None
        } else {
            Some(Box::new(self.disjunction()))
        };
        while self.eat("|") {
            if !self.link() {
                break;
            }
            operators.push(self.operator());
        }
        match source {
            Some(source) if operators.is_empty() => *source,
            source => Expr { kind: ExprKind::Pipe { source, operators }, span: self.since(start) },
        }
    }

    /// Does an operator that makes rows of nothing start here?
    fn starts_rows(&self) -> bool {
        if self.is("macro") && self.is_at(1, "-") && self.is_at(2, "expand") {
            return true;
        }
        makes_rows(self.text(0))
            && self.is_word(0)
            && match self.text(0) {
                "range" => self.is_word(1) || self.is_at(1, "["),
                "datatable" | "externaldata" | "external_data" => self.is_at(1, "("),
                _ => {
                    self.token(1).is_some()
                        && !["|", ";", ")", ",", "=", ".", "=="].iter().any(|sign| self.is_at(1, sign))
                }
            }
    }

    /// A scalar expression.
    pub(super) fn expr(&mut self) -> Expr {
        self.scoped(Self::disjunction, Expr::missing)
    }

    fn disjunction(&mut self) -> Expr {
        let first = self.conjunction();
        self.logical(first, "or", false, Self::conjunction)
    }

    fn conjunction(&mut self) -> Expr {
        let first = self.comparison();
        self.logical(first, "and", true, Self::comparison)
    }

    fn logical(&mut self, first: Expr, word: &str, all: bool, operand: fn(&mut Self) -> Expr) -> Expr {
        if !self.is(word) {
            return first;
        }
        let start = first.span;
        let mut operands = vec![first];
        // Operands stand beside one another, so the tallest counts.
        let mut tallest = self.height;
        while self.eat(word) {
            self.height = 0;
            operands.push(operand(self));
            tallest = tallest.max(self.height);
        }
        self.height = tallest + 1;
        Expr { kind: ExprKind::Logical { all, operands }, span: self.since(start) }
    }

    /// `a == b`, `a in (…)`, `a between (…)`: one of them, no chain.
    fn comparison(&mut self) -> Expr {
        let left = self.relation_of_values();
        let (word, op_span) = (self.text(0), self.here());
        let start = left.span;
        let kind = if !self.is(word) {
            return left;
        } else if MEMBERSHIPS.contains(&word) {
            self.at += 1;
            let op = Name { text: word.to_owned(), span: op_span };
            ExprKind::Membership { op, value: Box::new(left), list: self.list() }
        } else if word == "between" || word == "!between" {
            self.at += 1;
            self.between(left, word.starts_with('!'))
        } else if EQUALITIES.contains(&word) && self.allowed_here(word) {
            self.infix(left, word, op_span, Self::relation_of_values)
        } else {
            return left;
        };
        self.link();
        Expr { kind, span: self.since(start) }
    }

    /// `a < b`: one, no chain.
    fn relation_of_values(&mut self) -> Expr {
        let left = self.sum();
        let (word, op_span, start) = (self.text(0), self.here(), left.span);
        if !(self.is(word) && RELATIONS.contains(&word)) {
            return left;
        }
        let kind = self.infix(left, word, op_span, Self::sum);
        self.link();
        Expr { kind, span: self.since(start) }
    }

    /// `a has b`: one, no chain.
    fn on_texts(&mut self) -> Expr {
        let left = self.unary();
        let (word, op_span, start) = (self.text(0), self.here(), left.span);
        let kind = if self.is("matches") && self.is_at(1, "regex") {
            self.at += 2;
            let op = Name { text: "matches regex".to_owned(), span: self.since(op_span) };
            ExprKind::Infix { op, left: Box::new(left), right: Box::new(self.unary()) }
        } else if self.is(word) && ON_TEXTS.contains(&word) && self.allowed_here(word) {
            self.infix(left, word, op_span, Self::unary)
        } else {
            return left;
        };
        self.link();
        Expr { kind, span: self.since(start) }
    }

    fn infix(&mut self, left: Expr, word: &str, op_span: Span, operand: fn(&mut Self) -> Expr) -> ExprKind {
        self.at += 1;
        let op = Name { text: word.to_owned(), span: op_span };
        ExprKind::Infix { op, left: Box::new(left), right: Box::new(operand(self)) }
    }

    /// `:` compares in `search` only. A single `=` in a condition is a mistake that is easily made.
    fn allowed_here(&self, word: &str) -> bool {
        match word {
            ":" => self.condition == Condition::Search,
            "=" => self.condition != Condition::None,
            _ => true,
        }
    }

    fn between(&mut self, value: Expr, negated: bool) -> ExprKind {
        self.expect("(");
        let low = self.expr();
        self.expect("..");
        let high = self.expr();
        self.expect(")");
        ExprKind::Between { negated, value: Box::new(value), low: Box::new(low), high: Box::new(high) }
    }

    /// `(a, b, …)`, elements may be pipes.
    fn list(&mut self) -> Vec<Expr> {
        let mut items = Vec::new();
        if !self.expect("(") {
            return items;
        }
        while !self.is(")") && self.at < self.tokens.len() {
            items.push(self.pipe());
            if !self.eat(",") {
                break;
            }
            if self.is(")") {
                self.expected("a value");
            }
        }
        if items.is_empty() && self.is(")") {
            self.expected("a value");
        }
        self.close(")");
        items
    }

    /// Expects a closing bracket; looks for it a little further when something else stands here.
    pub(super) fn close(&mut self, bracket: &str) {
        if self.eat(bracket) {
            return;
        }
        self.expected(&format!("`,` or `{bracket}`"));
        let before = self.at;
        self.skip_operator();
        if !self.eat(bracket) {
            self.at = before;
        }
    }

    pub(super) fn sum(&mut self) -> Expr {
        let first = self.product();
        self.chain(first, &["+", "-"], Self::product)
    }

    fn product(&mut self) -> Expr {
        let first = self.on_texts();
        self.chain(first, &["*", "/", "%"], Self::on_texts)
    }

    fn chain(&mut self, mut left: Expr, signs: &[&str], operand: fn(&mut Self) -> Expr) -> Expr {
        while signs.iter().any(|sign| self.is(sign)) && self.kind(0) == Some(TokenKind::Punctuation) {
            let op = Name { text: self.text(0).to_owned(), span: self.here() };
            self.at += 1;
            let right = operand(self);
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Infix { op, left: Box::new(left), right: Box::new(right) }, span };
            if !self.link() {
                break;
            }
        }
        left
    }

    fn unary(&mut self) -> Expr {
        let start = self.here();
        if self.is("-") || self.is("+") {
            let negative = self.is("-");
            self.at += 1;
            let operand = self.scoped(Self::unary, Expr::missing);
            if !negative {
                return operand;
            }
            return Expr { kind: ExprKind::Negate(Box::new(operand)), span: self.since(start) };
        }
        let primary = self.primary();
        self.postfix(primary)
    }

    fn postfix(&mut self, mut base: Expr) -> Expr {
        loop {
            let start = base.span;
            let kind = if self.is(".") && self.is_at(1, "[") {
                // `a.[0]` is `a[0]`.
                self.at += 1;
                continue;
            } else if self.is(".") && self.is_word(1) {
                self.at += 1;
                let name = self.name("a name");
                self.no_word_used(&name);
                ExprKind::Member { base: Box::new(base), name }
            } else if self.is(".") {
                self.at += 1;
                self.expected("a name");
                ExprKind::Member { base: Box::new(base), name: Name { text: String::new(), span: self.here() } }
            } else if self.is("[") {
                self.at += 1;
                let index = self.expr();
                self.close("]");
                ExprKind::Index { base: Box::new(base), index: Box::new(index) }
            } else {
                return base;
            };
            base = Expr { kind, span: self.since(start) };
            if !self.link() {
                return base;
            }
        }
    }

    fn primary(&mut self) -> Expr {
        let start = self.here();
        if let Some(literal) = self.literal() {
            return literal;
        }
        if self.eat("(") {
            let inner = self.pipe();
            self.close(")");
            return Expr { span: self.since(start), ..inner };
        }
        if self.eat("*") {
            return Expr { kind: ExprKind::Star, span: start };
        }
        if self.is("typeof") && self.is_at(1, "(") {
            self.at += 2;
            let scalar = self.type_name();
            self.expect(")");
            return Expr { kind: ExprKind::TypeOf(scalar), span: self.since(start) };
        }
        if matches!(self.text(0), "and" | "or" | "by" | "on" | "with") && self.is_word(0) {
            self.expected("an expression");
            return Expr::missing(start);
        }
        match self.try_name() {
            Some(function) if self.is("(") => self.call(function),
            Some(name) => {
                self.no_word_used(&name);
                Expr { kind: ExprKind::Name(name.text), span: name.span }
            }
            None => {
                self.expected("an expression");
                Expr::missing(Span::new(start.start, start.start))
            }
        }
    }

    fn call(&mut self, function: Name) -> Expr {
        let mut args = Vec::new();
        let outer = std::mem::replace(&mut self.condition, Condition::None);
        self.at += 1;
        while !self.is(")") && self.at < self.tokens.len() {
            let name = (self.is_word(0) && self.is_at(1, "=")).then(|| {
                let name = self.name("a name");
                self.at += 1;
                name
            });
            args.push(Argument { name, value: self.pipe() });
            if !self.eat(",") {
                break;
            }
            if self.is(")") {
                self.expected("an argument");
            }
        }
        self.close(")");
        self.condition = outer;
        if scalar_type(&function.text).is_none() {
            self.no_word_called(&function);
        } else {
            let message = format!("`{}(…)` takes a constant", function.text);
            let diagnostic = Diagnostic::error(codes::BAD_NUMBER, function.span, message);
            self.diagnostics.push(diagnostic.with_help(format!("use `to{}(…)` to convert a value", function.text)));
        }
        let span = self.since(function.span);
        Expr { kind: ExprKind::Call { function, args }, span }
    }

    /// `a, b = f(x), (c, d) = g(y)` up to something else.
    pub(super) fn named_list(&mut self) -> Vec<NamedExpr> {
        let mut items = Vec::new();
        loop {
            items.push(self.named());
            if !self.eat(",") {
                return items;
            }
        }
    }

    pub(super) fn named(&mut self) -> NamedExpr {
        if let Some(length) = self.tuple_length() {
            let mut names = Vec::new();
            self.at += 1;
            for _ in 0..length {
                names.push(self.given_name("a name"));
                self.at += 1;
            }
            self.at += 1;
            return NamedExpr { names, value: self.expr() };
        }
        let texts = (1..).take_while(|ahead| self.kind(*ahead) == Some(TokenKind::String)).count();
        let bracketed = self.is("[") && self.is_at(texts + 1, "]") && self.is_at(texts + 2, "=");
        if bracketed || (self.is_word(0) && self.is_at(1, "=")) {
            let name = self.given_name("a name");
            self.at += 1;
            return NamedExpr { names: vec![name], value: self.expr() };
        }
        NamedExpr { names: Vec::new(), value: self.expr() }
    }

    /// How many names stand in `(a, b) =` here.
    fn tuple_length(&self) -> Option<usize> {
        if !self.is("(") {
            return None;
        }
        let mut ahead = 1;
        for length in 1.. {
            if !self.is_word(ahead) {
                return None;
            }
            if self.is_at(ahead + 1, ")") {
                return self.is_at(ahead + 2, "=").then_some(length);
            }
            if !self.is_at(ahead + 1, ",") {
                return None;
            }
            ahead += 2;
        }
        None
    }
}
