//! Operators with a grammar of their own: join, union, mv-expand, parse, make-series, and those that make rows.

use kernel::value::ScalarType;

use super::{Condition, Parser};
use crate::lexer::{TokenKind, string_value};
use crate::syntax::{ExpandItem, Expr, Name, NamedExpr, Operator, OperatorKind, PatternPart, SeriesItem, Setting};

impl Parser<'_> {
    pub(super) fn relation(&mut self, name: &str) -> OperatorKind {
        match name {
            "join" | "lookup" => self.join(name == "lookup"),
            "union" => self.union(),
            "search" => self.search(),
            "mv-expand" | "mvexpand" => {
                let options = self.settings();
                let items = self.expand_items();
                let limit = self.eat("limit").then(|| self.expr());
                OperatorKind::Expand { options, items, limit }
            }
            "mv-apply" | "mvapply" => self.apply(),
            "parse" | "parse-where" => self.parse_operator(name == "parse-where"),
            "parse-kv" => self.parse_kv(),
            "make-series" | "makeseries" => self.make_series(),
            "range" => {
                let column = self.name("a name for the column");
                self.expect("from");
                let from = self.expr();
                self.expect("to");
                let to = self.expr();
                self.expect("step");
                OperatorKind::Range { column, from, to, step: self.expr() }
            }
            "top-nested" => self.top_nested(),
            "top-hitters" => self.top_hitters(),
            "partition" => self.partition(),
            "fork" => self.fork(),
            "facet" => self.facet(),
            "find" => self.find(),
            "scan" => self.scan(),
            "reduce" => self.reduce(),
            "project-by-names" => self.project_by_names(),
            "make-graph" => self.make_graph(),
            "graph-match" | "graph-shortest-paths" => self.graph_match(name == "graph-shortest-paths"),
            "graph-to-table" => self.graph_to_table(),
            "graph-mark-components" => self.graph_mark_components(),
            "datatable" => self.data_table(),
            "externaldata" | "external_data" => self.external_data(),
            _ => {
                self.skip_operator();
                OperatorKind::Unsupported
            }
        }
    }

    fn join(&mut self, lookup: bool) -> OperatorKind {
        let options = self.settings();
        let right = self.table_operand();
        let mut on = Vec::new();
        if self.eat("on") {
            loop {
                on.push(self.expr());
                if !self.eat(",") {
                    break;
                }
            }
        }
        OperatorKind::Join { lookup, options, right, on }
    }

    /// `(pipe)`, a name or a call, without what follows.
    pub(super) fn table_operand(&mut self) -> Expr {
        if self.is("(") {
            self.at += 1;
            let inner = self.pipe();
            self.close(")");
            return inner;
        }
        self.pattern()
    }

    fn union(&mut self) -> OperatorKind {
        let mut options = self.settings();
        let mut tables = Vec::new();
        while !self.at_operator_end() {
            let star = self.is("*") || (self.is_word(0) && self.is_at(1, "*") && self.touches(0));
            tables.push(if star { self.pattern() } else { self.pipe_in_union() });
            if !self.eat(",") {
                break;
            }
            options.extend(self.settings());
        }
        OperatorKind::Union { options, tables }
    }

    /// An operand of `union` ends before `|` unless it is in brackets.
    fn pipe_in_union(&mut self) -> Expr {
        if self.is("(") { self.table_operand() } else { self.expr() }
    }

    fn search(&mut self) -> OperatorKind {
        let mut options: Vec<Setting> = self.settings();
        let mut tables = Vec::new();
        if self.is("in") && self.is_at(1, "(") {
            self.at += 2;
            while !self.is(")") && self.at < self.tokens.len() {
                tables.push(self.pattern());
                if !self.eat(",") {
                    break;
                }
            }
            self.close(")");
        }
        options.extend(self.settings());
        OperatorKind::Search { options, tables, predicate: self.condition(Condition::Search) }
    }

    fn expand_items(&mut self) -> Vec<ExpandItem> {
        let mut items = Vec::new();
        loop {
            let value = self.named();
            let to = (self.is("to") && self.is_at(1, "typeof")).then(|| {
                self.at += 2;
                self.expect("(");
                let scalar = self.type_name();
                self.expect(")");
                scalar
            });
            items.push(ExpandItem { value, to });
            if !self.eat(",") {
                return items;
            }
        }
    }

    fn apply(&mut self) -> OperatorKind {
        let options = self.settings();
        let items = self.expand_items();
        let limit = self.eat("limit").then(|| self.expr());
        self.expect("on");
        let body = self.bracketed_operators();
        OperatorKind::Apply { options, items, limit, body }
    }

    /// `(operator | operator …)`
    pub(super) fn bracketed_operators(&mut self) -> Vec<Operator> {
        self.expect("(");
        let mut body = vec![self.operator()];
        while self.eat("|") {
            if !self.link() {
                break;
            }
            body.push(self.operator());
        }
        self.close(")");
        body
    }

    fn parse_operator(&mut self, drop_unmatched: bool) -> OperatorKind {
        let options = self.settings();
        let source = self.expr();
        self.expect("with");
        let mut pattern = Vec::new();
        loop {
            self.pattern_follows(pattern.last());
            if self.eat("*") {
                pattern.push(PatternPart::Star);
            } else if self.kind(0) == Some(TokenKind::String) {
                pattern.push(PatternPart::Text(string_value(self.text(0))));
                self.at += 1;
            } else if self.is_word(0) || (self.is("[") && self.is_at(2, "]")) {
                let name = self.given_name("a column");
                let scalar = if self.eat(":") { self.type_name() } else { ScalarType::String };
                pattern.push(PatternPart::Column(name, scalar));
            } else {
                break;
            }
        }
        if pattern.is_empty() {
            self.expected("a pattern such as `* \"user=\" User:string \",\" *`");
        }
        OperatorKind::Parse { drop_unmatched, options, source, pattern }
    }

    /// Where a column ends and where `*` ends must be told by a text.
    fn pattern_follows(&mut self, before: Option<&PatternPart>) {
        let column = self.is_word(0) || self.is("[");
        match before {
            Some(PatternPart::Star) if column || self.is("*") => self.expected("a text after `*`"),
            Some(PatternPart::Column(..)) if column => self.expected("a text between two columns"),
            Some(PatternPart::Column(_, ScalarType::String)) if self.is("*") => {
                self.expected("a text between a string column and `*`");
            }
            _ => {}
        }
    }

    /// `Expression as (Key: type, …) with (setting = value, …)`
    fn parse_kv(&mut self) -> OperatorKind {
        let source = self.expr();
        self.expect("as");
        let columns = self.columns();
        let mut settings = Vec::new();
        if self.eat("with") {
            self.expect("(");
            settings = self.properties(true);
            self.close(")");
        }
        OperatorKind::ParseKv { source, columns, settings }
    }

    fn make_series(&mut self) -> OperatorKind {
        let options = self.settings();
        let mut series = Vec::new();
        loop {
            let value = self.named();
            let default = (self.is("default") && self.is_at(1, "=")).then(|| {
                self.at += 2;
                self.expr()
            });
            series.push(SeriesItem { value, default });
            if !self.eat(",") {
                break;
            }
        }
        self.expect("on");
        let axis = self.axis();
        let (mut from, mut to) = (None, None);
        let step = if self.eat("in") {
            self.at += usize::from(self.is("range"));
            self.expect("(");
            from = Some(self.expr());
            self.expect(",");
            to = Some(self.expr());
            self.expect(",");
            let step = self.expr();
            self.close(")");
            step
        } else {
            if self.eat("from") {
                from = Some(self.expr());
            }
            if self.eat("to") {
                to = Some(self.expr());
            }
            self.expect("step");
            self.expr()
        };
        let by = if self.eat("by") { self.named_list() } else { Vec::new() };
        OperatorKind::MakeSeries { options, series, axis, from, to, step, by }
    }

    /// As a named expression, but `in` does not belong to it.
    fn axis(&mut self) -> NamedExpr {
        let named = self.is_word(0) && self.is_at(1, "=");
        let names = if named { vec![self.given_name("a name")] } else { Vec::new() };
        self.at += usize::from(named);
        NamedExpr { names, value: self.sum() }
    }

    fn data_table(&mut self) -> OperatorKind {
        let columns = self.columns();
        let mut values = Vec::new();
        self.expect("[");
        while !self.is("]") && self.at < self.tokens.len() {
            values.push(self.expr());
            if !self.eat(",") {
                break;
            }
        }
        self.close("]");
        OperatorKind::DataTable { columns, values }
    }

    fn external_data(&mut self) -> OperatorKind {
        let columns = self.columns();
        let mut uris = Vec::new();
        self.expect("[");
        while !self.is("]") && self.at < self.tokens.len() {
            uris.push(self.expr());
            if !self.eat(",") {
                break;
            }
        }
        self.close("]");
        let mut properties: Vec<(Name, Expr)> = Vec::new();
        if self.eat("with") {
            self.expect("(");
            while !self.is(")") && self.at < self.tokens.len() {
                let name = self.name("a property");
                self.expect("=");
                properties.push((name, self.setting_value()));
                if !self.eat(",") {
                    break;
                }
            }
            self.close(")");
        }
        OperatorKind::ExternalData { columns, uris, properties }
    }
}
