//! Tabular operators: which one it is, and the simple ones.

use kernel::diagnostic::Span;
use kernel::value::{ScalarType, Value};

use super::{Condition, Parser};
use crate::lexer::TokenKind;
use crate::syntax::{Expr, ExprKind, Name, NamedExpr, Operator, OperatorKind, OrderBy, Projection, Setting};

/// Operators that stand at the head of a pipe.
pub(crate) const HEADS: [&str; 9] =
    ["print", "range", "datatable", "union", "search", "find", "externaldata", "external_data", "evaluate"];

/// Every operator that can follow a `|`, as completion offers them.
pub(crate) const OPERATORS: [&str; 54] = [
    "where",
    "extend",
    "summarize",
    "project",
    "join",
    "sort by",
    "order by",
    "distinct",
    "mv-expand",
    "project-reorder",
    "union",
    "top",
    "render",
    "parse",
    "project-away",
    "project-rename",
    "project-keep",
    "take",
    "limit",
    "invoke",
    "make-series",
    "mv-apply",
    "lookup",
    "search",
    "count",
    "serialize",
    "parse-where",
    "parse-kv",
    "getschema",
    "sample",
    "sample-distinct",
    "as",
    "evaluate",
    "filter",
    "print",
    "range",
    "mvexpand",
    "datatable",
    "top-nested",
    "top-hitters",
    "partition",
    "find",
    "fork",
    "facet",
    "scan",
    "reduce",
    "project-by-names",
    "make-graph",
    "graph-match",
    "graph-shortest-paths",
    "graph-to-table",
    "graph-mark-components",
    "consume",
    "assert-schema",
];

pub(crate) fn makes_rows(word: &str) -> bool {
    HEADS.contains(&word)
}

impl Parser<'_> {
    /// One operator; on an error skips to the next one.
    pub(super) fn operator(&mut self) -> Operator {
        let start = self.here();
        let name = self.operator_name();
        let before = self.diagnostics.len();
        let kind = self.scoped(|parser| parser.operands(&name), |_| OperatorKind::Unsupported);
        let ended = self.at >= self.tokens.len() || [")", "|", ";", "}"].iter().any(|end| self.is(end));
        if !ended {
            if self.diagnostics.len() == before {
                self.expected("`|`, `;` or the end of the operator");
            }
            self.skip_operator();
        }
        Operator { name, kind, span: self.since(start) }
    }

    /// `mv-expand` is three tokens that touch.
    fn operator_name(&mut self) -> Name {
        let start = self.here();
        if !self.is_word(0) {
            self.expected("an operator such as `where`, `extend`, `summarize`");
            return Name { text: String::new(), span: start };
        }
        let plain = ["where", "extend", "project", "summarize", "count", "distinct"];
        self.at += 1;
        while self.is("-") && self.is_word(1) && self.touches(0) && self.last_end() == self.here().start {
            let joined = self.slice(Span::new(start.start, self.token(1).map_or(start.end, |token| token.span.end)));
            if plain.contains(&self.slice(self.since(start))) && !joined.starts_with("project-") {
                break;
            }
            self.at += 2;
        }
        let span = self.since(start);
        Name { text: self.slice(span).to_owned(), span }
    }

    fn operands(&mut self, name: &Name) -> OperatorKind {
        use OperatorKind as Kind;
        match name.text.as_str() {
            "where" | "filter" => Kind::Where(self.condition(Condition::Where)),
            "project" => Kind::Projection(Projection::Project, self.optional_list()),
            "extend" => Kind::Projection(Projection::Extend, self.optional_list()),
            "serialize" => Kind::Projection(Projection::Serialize, self.optional_list()),
            "project-away" => Kind::Projection(Projection::Away, self.patterns()),
            "project-keep" => Kind::Projection(Projection::Keep, self.patterns()),
            "project-reorder" => Kind::Projection(Projection::Reorder, self.patterns()),
            "project-rename" => Kind::Projection(Projection::Rename, self.named_list()),
            "distinct" => Kind::Projection(Projection::Distinct, self.named_list()),
            "print" => Kind::Projection(Projection::Print, self.named_list()),
            "summarize" => self.summarize(),
            "sort" | "order" => {
                self.settings();
                self.expect("by");
                Kind::Sort(self.order_keys())
            }
            "top" => {
                let rows = self.expr();
                self.expect("by");
                Kind::Top { rows, keys: self.order_keys() }
            }
            "take" | "limit" => Kind::Take(self.expr()),
            "sample" => Kind::Sample(self.expr()),
            "sample-distinct" => {
                let rows = self.expr();
                self.expect("of");
                Kind::SampleDistinct { rows, of: self.named() }
            }
            "count" => Kind::Count,
            "consume" => {
                self.properties(false);
                Kind::Consume
            }
            "assert-schema" => Kind::AssertSchema(self.columns()),
            "getschema" => Kind::GetSchema,
            "as" => {
                self.settings();
                Kind::As(self.variable_name("a name"))
            }
            "invoke" => Kind::Invoke(self.expr()),
            "render" => self.render(),
            "evaluate" => self.evaluate(),
            _ => self.relation(&name.text),
        }
    }

    fn optional_list(&mut self) -> Vec<NamedExpr> {
        if self.at_operator_end() { Vec::new() } else { self.named_list() }
    }

    pub(super) fn at_operator_end(&self) -> bool {
        self.at >= self.tokens.len() || [")", "|", ";", "}"].iter().any(|end| self.is(end))
    }

    fn summarize(&mut self) -> OperatorKind {
        self.settings();
        let aggregates = if self.is("by") || self.at_operator_end() { Vec::new() } else { self.named_list() };
        let by = if self.eat("by") { self.named_list() } else { Vec::new() };
        OperatorKind::Summarize { aggregates, by }
    }

    fn order_keys(&mut self) -> Vec<OrderBy> {
        let mut keys = vec![self.order_key()];
        while self.eat(",") {
            keys.push(self.order_key());
        }
        keys
    }

    /// `expr asc nulls first`
    pub(super) fn order_key(&mut self) -> OrderBy {
        let value = self.named();
        let ascending = match self.text(0) {
            "asc" => Some(true),
            "desc" => Some(false),
            _ => None,
        };
        self.at += usize::from(ascending.is_some());
        let nulls_first = if self.eat("nulls") {
            let first = self.is("first");
            if !first && !self.is("last") {
                self.expected("`first` or `last`");
            } else {
                self.at += 1;
            }
            Some(first)
        } else {
            None
        };
        OrderBy { value, ascending, nulls_first }
    }

    /// Column names that may hold `*`, with an optional order for `project-reorder`.
    fn patterns(&mut self) -> Vec<NamedExpr> {
        let mut items = Vec::new();
        loop {
            let value = self.pattern();
            let order = ["asc", "desc", "granny-asc", "granny-desc"].iter().find(|order| self.is(order));
            self.at += usize::from(order.is_some());
            let names = order.map(|order| Name { text: (*order).to_owned(), span: value.span }).into_iter().collect();
            items.push(NamedExpr { names, value });
            if !self.eat(",") {
                return items;
            }
        }
    }

    /// A name with `*` in it, or a name.
    pub(super) fn pattern(&mut self) -> Expr {
        let start = self.here();
        let mut length = 0;
        while self.is_word(length)
            || self.is_at(length, "*")
            || (length > 0 && self.kind(length) == Some(TokenKind::Long))
        {
            length += 1;
            if !self.touches(length - 1) {
                break;
            }
        }
        let stars = (0..length).any(|ahead| self.is_at(ahead, "*"));
        if !stars {
            return self.expr();
        }
        self.at += length;
        let span = self.since(start);
        let text = self.slice(span).to_owned();
        if text == "*" {
            return Expr { kind: ExprKind::Star, span };
        }
        Expr { kind: ExprKind::Name(text), span }
    }

    /// `kind=inner hint.strategy=shuffle …`
    pub(super) fn settings(&mut self) -> Vec<Setting> {
        let mut settings = Vec::new();
        loop {
            let dotted = self.is_word(0) && self.is_at(1, ".") && self.is_word(2) && self.is_at(3, "=");
            let plain = self.is_word(0) && self.is_at(1, "=");
            if !(dotted || plain) {
                return settings;
            }
            let known = [
                "kind",
                "withsource",
                "with_source",
                "isfuzzy",
                "flags",
                "bagexpansion",
                "with_itemindex",
                "output",
                "cycles",
                "with_component_id",
            ];
            if !dotted && !known.contains(&self.text(0)) {
                return settings;
            }
            let start = self.here();
            self.at += if dotted { 3 } else { 1 };
            let name = Name { text: self.slice(self.since(start)).to_owned(), span: self.since(start) };
            self.at += 1;
            let value = self.setting_value();
            settings.push(Setting { name, value });
            if self.is(",") && (self.is_at(2, "=") || self.is_at(2, ".")) && self.is_word(1) {
                self.at += 1;
            }
        }
    }

    /// A word or a constant.
    pub(super) fn setting_value(&mut self) -> Expr {
        if let Some(literal) = self.literal() {
            return literal;
        }
        match self.try_name() {
            Some(name) => Expr { kind: ExprKind::Name(name.text), span: name.span },
            None => {
                self.expected("a value");
                Expr::missing(self.here())
            }
        }
    }

    fn render(&mut self) -> OperatorKind {
        let visualization = self.name("a kind of chart such as `timechart`");
        let bracketed = self.eat("with") && self.expect("(");
        let properties = self.properties(bracketed);
        if bracketed {
            self.close(")");
        }
        OperatorKind::Render { visualization, properties }
    }

    /// `name = value, name = a, b, …`
    pub(super) fn properties(&mut self, bracketed: bool) -> Vec<(Name, Expr)> {
        let mut properties: Vec<(Name, Expr)> = Vec::new();
        while self.is_word(0) && self.is_at(1, "=") {
            let name = self.name("a property");
            self.at += 1;
            let start = self.here();
            let mut value = self.expr();
            while self.is(",") && !self.is_at(2, "=") && self.token(1).is_some() {
                self.at += 1;
                self.expr();
                let text = self.slice(self.since(start)).to_owned();
                let kind = ExprKind::Literal(Value::String(text), ScalarType::String);
                value = Expr { kind, span: self.since(start) };
            }
            properties.push((name, value));
            // In brackets they are separated.
            if !self.eat(",") && bracketed {
                break;
            }
        }
        properties
    }

    fn evaluate(&mut self) -> OperatorKind {
        self.settings();
        let call = self.expr();
        let schema = (self.is(":") && self.kind(1) == Some(TokenKind::Punctuation)).then(|| {
            self.at += 1;
            self.columns_or_star()
        });
        OperatorKind::Evaluate { call, schema }
    }
}
