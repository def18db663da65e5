//! Tokens to the syntax tree, with recovery: an error costs the operator that it is in, not the query.

mod declared_pattern;
mod expression;
mod graph;
mod literal;
mod nested;
mod operator;
mod relation;
mod words;

use kernel::diagnostic::{Diagnostic, Span};
use kernel::value::ScalarType;

use crate::lexer::{Token, TokenKind, lex, offset, string_value};
use crate::syntax::{Expr, Function, Name, ParameterDecl, ParameterKind, Script, Statement};
use crate::{MAX_QUERY_BYTES, codes};

pub(crate) use literal::{guid, parse_datetime, parse_timespan, scalar_type};
pub(crate) use operator::{HEADS, OPERATORS};

/// Brackets, calls and bodies inside one another.
const MAX_DEPTH: u32 = 60;
/// Height of the tree: links of a chain and operators of a pipe count one each.
const MAX_HEIGHT: u32 = 250;

/// After so many problems the rest of the text is not looked at.
pub(crate) const MAX_DIAGNOSTICS: usize = 100;

/// A text with its tokens, tree and problems.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    pub text: String,
    /// All tokens, comments included.
    pub tokens: Vec<Token>,
    pub script: Script,
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses any text.
pub fn parse(text: &str) -> Parsed {
    if text.len() > MAX_QUERY_BYTES {
        let message = format!("the query is {} bytes; the limit is {MAX_QUERY_BYTES}", text.len());
        let diagnostic = Diagnostic::error(codes::LIMIT, Span::new(0, 0), message);
        let diagnostics = vec![diagnostic.with_help("put long lists into a table and join with it")];
        return Parsed { text: text.to_owned(), tokens: Vec::new(), script: Script::default(), diagnostics };
    }
    let (tokens, diagnostics) = lex(text);
    let significant: Vec<Token> = tokens.iter().copied().filter(|token| token.kind != TokenKind::Comment).collect();
    let mut parser =
        Parser { text, tokens: &significant, at: 0, depth: 0, height: 0, condition: Condition::None, diagnostics };
    let statements = parser.statements(None);
    let mut diagnostics = parser.diagnostics;
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    Parsed { text: text.to_owned(), tokens, script: Script { statements }, diagnostics }
}

/// In which condition the parser is, for operators that mean something only there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    None,
    Where,
    Search,
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: u32,
    height: u32,
    condition: Condition,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    // --- tokens

    fn token(&self, ahead: usize) -> Option<Token> {
        self.tokens.get(self.at + ahead).copied()
    }

    /// Text of the token `ahead`; empty at the end.
    fn text(&self, ahead: usize) -> &'a str {
        self.token(ahead).map_or("", |token| self.slice(token.span))
    }

    fn slice(&self, span: Span) -> &'a str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn kind(&self, ahead: usize) -> Option<TokenKind> {
        self.token(ahead).map(|token| token.kind)
    }

    fn is_word(&self, ahead: usize) -> bool {
        self.kind(ahead) == Some(TokenKind::Word)
    }

    /// Is the next token this word or sign (not a string that looks like it)?
    fn is(&self, text: &str) -> bool {
        self.is_at(0, text)
    }

    fn is_at(&self, ahead: usize, text: &str) -> bool {
        matches!(self.kind(ahead), Some(TokenKind::Word | TokenKind::Punctuation)) && self.text(ahead) == text
    }

    /// No white space between the token `ahead` and the one after it.
    fn touches(&self, ahead: usize) -> bool {
        matches!((self.token(ahead), self.token(ahead + 1)), (Some(a), Some(b)) if a.span.end == b.span.start)
    }

    /// Where the next token stands; the end of the text when there is none.
    fn here(&self) -> Span {
        let end = offset(self.text.len());
        self.token(0).map_or(Span::new(end, end), |token| token.span)
    }

    fn last_end(&self) -> u32 {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.span.end)
    }

    fn since(&self, start: Span) -> Span {
        Span::new(start.start, self.last_end().max(start.start))
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.is(text);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, text: &str) -> bool {
        let found = self.eat(text);
        if !found {
            self.expected(&format!("`{text}`"));
        }
        found
    }

    /// Reports what is missing here, once per place.
    fn expected(&mut self, what: &str) {
        let span = self.here();
        if self.diagnostics.iter().any(|known| known.span == span && known.code == codes::SYNTAX) {
            return;
        }
        if self.diagnostics.len() >= MAX_DIAGNOSTICS {
            self.at = self.tokens.len();
            return;
        }
        let message = match self.text(0) {
            "" => format!("the query ends here, but {what} is missing"),
            found => format!("expected {what}, found `{}`", found.chars().take(40).collect::<String>()),
        };
        self.diagnostics.push(Diagnostic::error(codes::SYNTAX, span, message));
    }

    // --- limits

    /// Runs `parse` one level deeper, or gives up on the rest of the text at the limit.
    fn scoped<T>(&mut self, parse: impl FnOnce(&mut Self) -> T, gap: impl FnOnce(Span) -> T) -> T {
        if self.depth >= MAX_DEPTH {
            self.give_up();
            return gap(self.here());
        }
        let outer = std::mem::replace(&mut self.height, 0);
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        self.height = outer.max(self.height + 1);
        parsed
    }

    /// Counts one more link of a chain; false at the limit.
    fn link(&mut self) -> bool {
        self.height += 1;
        let within = self.height < MAX_HEIGHT;
        if !within {
            self.give_up();
        }
        within
    }

    fn give_up(&mut self) {
        let span = self.here();
        if !self.diagnostics.iter().any(|known| known.code == codes::LIMIT) {
            let message =
                format!("the query nests deeper than {MAX_DEPTH} levels or chains more than {MAX_HEIGHT} links");
            let diagnostic = Diagnostic::error(codes::LIMIT, span, message);
            self.diagnostics.push(diagnostic.with_help("name parts with `let`, or use `in (…)` and `strcat(…)`"));
        }
        self.at = self.tokens.len();
    }

    // --- recovery

    /// Skips to the next `|`, `;` or closing bracket at this level.
    fn skip_operator(&mut self) {
        let mut open = 0_u32;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "(" | "[" | "{" if self.kind(0) == Some(TokenKind::Punctuation) => open += 1,
                ")" | "]" | "}" if self.kind(0) == Some(TokenKind::Punctuation) => match open.checked_sub(1) {
                    Some(left) => open = left,
                    None => return,
                },
                "|" | ";" if open == 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    // --- statements

    /// Statements up to `close` or the end.
    fn statements(&mut self, close: Option<&str>) -> Vec<Statement> {
        let mut statements = Vec::new();
        loop {
            if self.is(";") {
                self.expected("a statement");
                while self.eat(";") {}
            }
            if self.at >= self.tokens.len() || close.is_some_and(|close| self.is(close)) {
                return statements;
            }
            let start = self.at;
            statements.push(self.statement());
            if self.eat(";") {
                continue;
            }
            if self.at < self.tokens.len() && !self.is(";") && !close.is_some_and(|close| self.is(close)) {
                self.expected("`|`, `;` or the end of the query");
                self.skip_operator();
                if self.at == start || !(self.is("|") || self.is(";") || close.is_some_and(|close| self.is(close))) {
                    self.at += 1;
                }
                if self.is("|") {
                    self.at += 1;
                }
            }
        }
    }

    fn statement(&mut self) -> Statement {
        let start = self.here();
        if self.is("let") && (self.is_word(1) || self.is_at(1, "[")) {
            self.at += 1;
            return self.let_statement();
        }
        if self.is("declare") && self.is_at(1, "query_parameters") && self.is_at(2, "(") {
            self.at += 2;
            return Statement::Parameters(self.parameters());
        }
        if self.is("declare") && self.is_at(1, "pattern") && self.is_word(2) {
            self.at += 2;
            return Statement::Pattern(self.declared_pattern());
        }
        if self.is("set") && self.is_word(1) {
            return self.set_statement();
        }
        if matches!(self.text(0), "declare" | "alias" | "restrict") && self.is_word(1) {
            let name = Name { text: self.text(0).to_owned(), span: start };
            while self.at < self.tokens.len() && !self.is(";") {
                self.at += 1;
            }
            return Statement::Other { name, span: self.since(start) };
        }
        Statement::Query(self.pipe())
    }

    /// `set option` or `set option = value`; what else stands there belongs to another engine.
    fn set_statement(&mut self) -> Statement {
        let start = self.here();
        self.at += 1;
        let option = self.name("an option");
        let value = self.eat("=").then(|| self.expr());
        while self.at < self.tokens.len() && !self.is(";") {
            self.at += 1;
        }
        Statement::Set { option, value, span: self.since(start) }
    }

    fn let_statement(&mut self) -> Statement {
        let name = self.variable_name("a name");
        if !self.expect("=") {
            let span = self.here();
            return Statement::Let { name, value: Expr::missing(span) };
        }
        if self.starts_function() {
            let function =
                self.scoped(Self::function, |span| Function { view: false, parameters: vec![], body: vec![], span });
            return Statement::LetFunction { name, function };
        }
        Statement::Let { name, value: self.pipe() }
    }

    /// `(…) {`, also after `view`.
    fn starts_function(&self) -> bool {
        let mut ahead = usize::from(self.is("view"));
        if !self.is_at(ahead, "(") {
            return false;
        }
        let mut open = 0_u32;
        while let Some(token) = self.token(ahead) {
            if token.kind == TokenKind::Punctuation {
                match self.slice(token.span) {
                    "(" => open += 1,
                    ")" => open -= 1,
                    ";" => return false,
                    _ => {}
                }
            }
            ahead += 1;
            if open == 0 {
                return self.is_at(ahead, "{");
            }
        }
        false
    }

    fn function(&mut self) -> Function {
        let start = self.here();
        let view = self.eat("view");
        let parameters = self.parameters();
        self.expect("{");
        let body = self.statements(Some("}"));
        self.expect("}");
        Function { view, parameters, body, span: self.since(start) }
    }

    /// `(a: long, T: (x: string), b: int = 1)`
    fn parameters(&mut self) -> Vec<ParameterDecl> {
        let mut parameters = Vec::new();
        self.expect("(");
        while !self.is(")") && self.at < self.tokens.len() {
            let name = self.given_name("a parameter");
            self.expect(":");
            let kind = if self.is("(") {
                let any = self.is_at(1, "*");
                ParameterKind::Table { columns: if any { self.skip_star_columns() } else { self.columns() }, any }
            } else {
                ParameterKind::Scalar(self.type_name())
            };
            let default = self.eat("=").then(|| self.expr());
            parameters.push(ParameterDecl { name, kind, default });
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")");
        parameters
    }

    fn skip_star_columns(&mut self) -> Vec<(Name, ScalarType)> {
        self.at += 2;
        self.expect(")");
        Vec::new()
    }

    /// `(*, name: type, …)`; the star becomes a column of that name.
    fn columns_or_star(&mut self) -> Vec<(Name, ScalarType)> {
        if !(self.is("(") && self.is_at(1, "*")) {
            return self.columns();
        }
        self.at += 1;
        let star = Name { text: "*".to_owned(), span: self.here() };
        self.at += 1;
        self.eat(",");
        self.columns_after(vec![(star, ScalarType::Dynamic)])
    }

    /// `(name: type, …)`
    fn columns(&mut self) -> Vec<(Name, ScalarType)> {
        self.expect("(");
        self.columns_after(Vec::new())
    }

    fn columns_after(&mut self, mut columns: Vec<(Name, ScalarType)>) -> Vec<(Name, ScalarType)> {
        while !self.is(")") && self.at < self.tokens.len() {
            let name = self.given_name("a column");
            self.expect(":");
            let scalar = self.type_name();
            columns.push((name, scalar));
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")");
        columns
    }

    fn type_name(&mut self) -> ScalarType {
        let scalar = scalar_type(self.text(0));
        if scalar.is_some() && self.is_word(0) {
            self.at += 1;
        } else {
            self.expected("a type (string, long, int, real, decimal, bool, datetime, timespan, guid, dynamic)");
            if self.is_word(0) {
                self.at += 1;
            }
        }
        scalar.unwrap_or(ScalarType::Dynamic)
    }

    // --- names

    /// `name` or `['any text']`; reports `what` when there is none.
    fn name(&mut self, what: &str) -> Name {
        match self.try_name() {
            Some(name) => name,
            None => {
                self.expected(what);
                Name { text: String::new(), span: self.here() }
            }
        }
    }

    fn try_name(&mut self) -> Option<Name> {
        let start = self.here();
        if self.is_word(0) {
            let text = self.text(0).to_owned();
            self.at += 1;
            return Some(Name { text, span: start });
        }
        let texts = (1..).take_while(|ahead| self.kind(*ahead) == Some(TokenKind::String)).count();
        if self.is("[") && texts > 0 && self.is_at(texts + 1, "]") {
            let text = (1..=texts).map(|ahead| string_value(self.text(ahead))).collect();
            self.at += texts + 2;
            return Some(Name { text, span: self.since(start) });
        }
        None
    }
}
