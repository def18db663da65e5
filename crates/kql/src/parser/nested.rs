//! Operators that hold others, or whose operands have a form of their own: top-nested, partition, find, scan, reduce.

use super::{Condition, Parser};
use crate::syntax::{
    Expr, ExprKind, FindOutput, ForkBranch, Name, NestedLevel, OperatorKind, ParameterDecl, ParameterKind,
    PartitionBody, ScanStep,
};

impl Parser<'_> {
    /// `top-nested 3 of a with others="rest" by count(), top-nested of b by sum(c) asc`
    pub(super) fn top_nested(&mut self) -> OperatorKind {
        let mut levels = Vec::new();
        loop {
            let start = self.here();
            let rows = (!self.is("of")).then(|| self.expr());
            self.expect("of");
            let of = self.named();
            let others = (self.is("with") && self.is_at(1, "others")).then(|| {
                self.at += 2;
                self.expect("=");
                self.expr()
            });
            self.expect("by");
            let by = self.order_key();
            levels.push(NestedLevel { rows, of, others, by, span: self.since(start) });
            if !self.eat(",") {
                return OperatorKind::TopNested(levels);
            }
            // The name of the operator stands before each level.
            if self.is("top") && self.is_at(1, "-") && self.is_at(2, "nested") {
                self.at += 3;
            } else {
                self.expected("`top-nested`");
                return OperatorKind::TopNested(levels);
            }
        }
    }

    /// `top-hitters 3 of a by b`
    pub(super) fn top_hitters(&mut self) -> OperatorKind {
        let rows = self.expr();
        self.expect("of");
        let of = self.named();
        let by = self.eat("by").then(|| self.expr());
        OperatorKind::TopHitters { rows, of, by }
    }

    /// `partition hint.strategy=native by Column (operators)` or `{ query }`
    pub(super) fn partition(&mut self) -> OperatorKind {
        let mut options = self.settings();
        self.expect("by");
        let by = match self.try_name() {
            Some(name) => Expr { kind: ExprKind::Name(name.text), span: name.span },
            None => {
                self.expected("a column");
                Expr::missing(self.here())
            }
        };
        options.extend(self.settings());
        let body = if self.eat("{") {
            let query = self.pipe();
            self.close("}");
            PartitionBody::Query(query)
        } else {
            PartitionBody::Operators(self.bracketed_operators())
        };
        OperatorKind::Partition { options, by, body }
    }

    /// `fork name=(operators) (operators) …`
    pub(super) fn fork(&mut self) -> OperatorKind {
        let mut branches = Vec::new();
        while branches.is_empty() || !self.at_operator_end() {
            let named = self.is_word(0) && self.is_at(1, "=");
            let name = named.then(|| self.given_name("a name"));
            self.at += usize::from(named);
            let before = self.at;
            branches.push(ForkBranch { name, body: self.bracketed_operators() });
            if self.at == before {
                break;
            }
        }
        OperatorKind::Fork(branches)
    }

    /// `facet by Column, … with (operators)`
    pub(super) fn facet(&mut self) -> OperatorKind {
        self.expect("by");
        let mut columns = vec![self.pattern()];
        while self.eat(",") {
            columns.push(self.pattern());
        }
        let body =
            self.eat("with").then(|| if self.is("(") { self.bracketed_operators() } else { vec![self.operator()] });
        OperatorKind::Facet { columns, body }
    }

    /// `find withsource=name in (tables) where predicate project …`
    pub(super) fn find(&mut self) -> OperatorKind {
        let mut options = self.settings();
        let mut tables = Vec::new();
        if self.is("in") && self.is_at(1, "(") {
            self.at += 2;
            while !self.is(")") && self.at < self.tokens.len() {
                tables.push(if self.is("(") { self.table_operand() } else { self.pattern() });
                if !self.eat(",") {
                    break;
                }
            }
            self.close(")");
            self.expect("where");
        } else {
            self.eat("where");
        }
        options.extend(self.settings());
        let predicate = self.condition(Condition::Search);
        let output = if self.is("project") && self.is_at(1, "-") && self.is_at(2, "smart") {
            self.at += 3;
            FindOutput::Smart
        } else if self.eat("project") {
            self.find_columns()
        } else {
            FindOutput::Smart
        };
        OperatorKind::Find { options, tables, predicate, output }
    }

    fn find_columns(&mut self) -> FindOutput {
        let (mut columns, mut packed) = (Vec::new(), false);
        loop {
            if (self.is("pack_all") && self.is_at(1, "(")) || (self.is("pack") && self.is_at(1, "(")) {
                self.at += 2;
                self.eat("*");
                self.close(")");
                packed = true;
            } else {
                let name = self.name("a column");
                let scalar = self.eat(":").then(|| self.type_name());
                columns.push((name, scalar));
            }
            if !self.eat(",") {
                return FindOutput::Columns(columns, packed);
            }
        }
    }

    /// `project-by-names "a", dynamic(["b*"])`
    pub(super) fn project_by_names(&mut self) -> OperatorKind {
        let mut names = vec![self.expr()];
        while self.eat(",") {
            names.push(self.expr());
        }
        OperatorKind::ProjectByNames(names)
    }

    /// `scan with_match_id=id declare (name: type = default, …) with (step name: condition => name = value; …)`
    pub(super) fn scan(&mut self) -> OperatorKind {
        let mut match_id = None;
        if self.is("with_match_id") && self.is_at(1, "=") {
            self.at += 2;
            match_id = Some(self.name("a name for the column"));
        }
        let mut declared = Vec::new();
        if self.eat("declare") {
            declared = self.declarations();
        }
        self.expect("with");
        self.expect("(");
        let mut steps = Vec::new();
        while self.is("step") {
            steps.push(self.scan_step());
        }
        if steps.is_empty() {
            self.expected("`step name: condition;`");
        }
        self.close(")");
        OperatorKind::Scan { match_id, declared, steps }
    }

    /// `(name: type = default, …)`
    fn declarations(&mut self) -> Vec<ParameterDecl> {
        let mut declared = Vec::new();
        self.expect("(");
        while !self.is(")") && self.at < self.tokens.len() {
            let name = self.name("a name");
            self.expect(":");
            let kind = ParameterKind::Scalar(self.type_name());
            let default = self.eat("=").then(|| self.expr());
            declared.push(ParameterDecl { name, kind, default });
            if !self.eat(",") {
                break;
            }
        }
        self.close(")");
        declared
    }

    fn scan_step(&mut self) -> ScanStep {
        self.at += 1;
        let name = self.name("a name for the step");
        let optional = self.eat("optional");
        let output = (self.is("output") && self.is_at(1, "=")).then(|| {
            self.at += 2;
            self.name("`all`, `last` or `none`")
        });
        self.expect(":");
        let condition = self.expr();
        let mut assignments: Vec<(Name, Expr)> = Vec::new();
        if self.eat("=>") {
            loop {
                let name = self.name("a column");
                self.expect("=");
                assignments.push((name, self.expr()));
                if !self.eat(",") {
                    break;
                }
            }
        }
        self.expect(";");
        ScanStep { name, optional, output, condition, assignments }
    }

    /// `reduce kind=source by expr with threshold=0.1, characters="-"`
    pub(super) fn reduce(&mut self) -> OperatorKind {
        let options = self.settings();
        self.expect("by");
        let by = self.expr();
        let mut settings = Vec::new();
        if self.eat("with") {
            loop {
                let name = self.name("`threshold` or `characters`");
                self.expect("=");
                settings.push((name, self.expr()));
                if !self.eat(",") {
                    break;
                }
            }
        }
        OperatorKind::Reduce { options, by, settings }
    }
}
