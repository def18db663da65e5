//! Graph operators: make-graph, patterns of graph-match and graph-shortest-paths, graph-to-table.

use super::Parser;
use crate::algebra::Direction;
use crate::syntax::{GraphEdge, GraphPattern, GraphSequence, GraphShape, GraphTable, Name, OperatorKind};

impl Parser<'_> {
    /// `make-graph source --> target with Nodes on id, … with_node_id=name`
    pub(super) fn make_graph(&mut self) -> OperatorKind {
        let source = self.name("the column with the source of an edge");
        self.expect("-");
        self.expect("-");
        self.expect(">");
        let target = self.name("the column with the target of an edge");
        let (mut nodes, mut node_id) = (Vec::new(), None);
        loop {
            if self.eat("with") {
                loop {
                    let table = self.table_operand();
                    self.expect("on");
                    nodes.push((table, self.name("the column with the id of a node")));
                    if !self.eat(",") {
                        break;
                    }
                }
            } else if self.is("with_node_id") && self.is_at(1, "=") {
                self.at += 2;
                node_id = Some(self.name("a name for the column"));
            } else {
                return OperatorKind::MakeGraph(GraphShape { source, target, nodes, node_id });
            }
        }
    }

    /// `(a)-[e]->(b), (b)--(c) where … project …`
    pub(super) fn graph_match(&mut self, shortest: bool) -> OperatorKind {
        let options = self.settings();
        let mut sequences = vec![self.graph_sequence()];
        while self.eat(",") {
            sequences.push(self.graph_sequence());
        }
        let predicate = self.eat("where").then(|| self.expr());
        let project = if self.expect("project") { self.named_list() } else { Vec::new() };
        OperatorKind::GraphMatch(GraphPattern { shortest, options, sequences, predicate, project })
    }

    fn graph_sequence(&mut self) -> GraphSequence {
        let mut nodes = vec![self.graph_node()];
        let mut edges = Vec::new();
        while (self.is("-") || self.is("<") && self.is_at(1, "-")) && self.link() {
            edges.push(self.graph_edge());
            nodes.push(self.graph_node());
        }
        GraphSequence { nodes, edges }
    }

    fn graph_node(&mut self) -> Option<Name> {
        self.expect("(");
        let name = self.try_name();
        self.close(")");
        name
    }

    /// `-[name*1..3]->`, `<-[…]-`, `-[…]-`, `-->`, `<--`, `--`
    fn graph_edge(&mut self) -> GraphEdge {
        let start = self.here();
        let backward = self.eat("<");
        self.expect("-");
        let (mut name, mut length) = (None, None);
        if self.eat("[") {
            name = self.try_name();
            if self.eat("*") {
                let least = self.sum();
                self.expect("..");
                length = Some((least, self.sum()));
            }
            self.close("]");
        }
        self.expect("-");
        let forward = !backward && self.eat(">");
        let direction = match (backward, forward) {
            (true, _) => Direction::Backward,
            (false, true) => Direction::Forward,
            (false, false) => Direction::Either,
        };
        GraphEdge { name, direction, length, span: self.since(start) }
    }

    /// `nodes as N with_node_id=id, edges as E with_source_id=a with_target_id=b`
    pub(super) fn graph_to_table(&mut self) -> OperatorKind {
        let mut tables = Vec::new();
        loop {
            let kind = self.name("`nodes` or `edges`");
            let alias = self.eat("as").then(|| self.name("a name for the table"));
            let mut ids = Vec::new();
            while self.is_word(0) && self.is_at(1, "=") {
                let option = self.name("an option");
                self.at += 1;
                ids.push((option, self.name("a name for the column")));
            }
            tables.push(GraphTable { kind, alias, ids });
            if !self.eat(",") {
                return OperatorKind::GraphToTable(tables);
            }
        }
    }

    /// `kind=weak with_component_id=name`
    pub(super) fn graph_mark_components(&mut self) -> OperatorKind {
        let mut options = self.settings();
        let component = options.iter().position(|option| option.name.text == "with_component_id").map(|at| {
            let option = options.remove(at);
            let text = match option.value.kind {
                crate::syntax::ExprKind::Name(text) => text,
                _ => String::new(),
            };
            Name { text, span: option.value.span }
        });
        OperatorKind::GraphMarkComponents { options, component }
    }
}
