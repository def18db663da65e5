//! Patterns of graphs: what a match must be, and what is taken of it.
//!
//! A condition that speaks of one node or edge is computed for every node or edge before the search and cuts it short;
//! the rest is a filter on the matches.

use std::collections::BTreeSet;

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::{ScalarType, Value};

use super::pipeline::{option, over};
use super::project::projected;
use super::{Binder, Row, expr, source};
use crate::algebra::{
    BinaryOp, Cycles, Expr, ExprKind, Graph, GraphMatch, GraphStep, MatchOutput, Method, Node, PathFold, Plan,
};
use crate::codes;
use crate::syntax::{self, GraphPattern};

/// Edges that one part of a pattern may follow.
const MOST_EDGES: u32 = 1_000;

/// What the variables of a pattern stand for.
#[derive(Debug, Default)]
pub(super) struct GraphScope {
    nodes: Vec<ColumnSchema>,
    edges: Vec<ColumnSchema>,
    variables: Vec<(String, Variable)>,
    /// Columns of the match before the collected ones.
    width: usize,
    collected: Vec<OfPath>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variable {
    Node(usize),
    Edge(usize),
    Path(usize),
}

/// `map(path, expr)` and its kin.
#[derive(Debug)]
struct OfPath {
    edge: usize,
    /// Over the nodes between the edges.
    inner: bool,
    fold: PathFold,
    expr: Expr,
}

/// A table of the graph with columns that the search needs.
struct Extended {
    schema: Vec<ColumnSchema>,
    columns: Vec<Expr>,
}

impl Extended {
    fn of(table: &Plan, span: Span) -> Extended {
        let columns = (0..table.schema.len()).map(|at| expr::at(&table.schema, at, span)).collect();
        Extended { schema: table.schema.clone(), columns }
    }

    fn push(&mut self, expr: Expr) -> usize {
        self.schema.push(ColumnSchema { name: format!("${}", self.schema.len()), scalar: expr.scalar });
        self.columns.push(expr);
        self.schema.len() - 1
    }
}

impl Binder<'_> {
    pub(super) fn graph_match(&mut self, graph: Graph, pattern: &GraphPattern, name: Span, span: Span) -> Plan {
        let mut scope = GraphScope {
            nodes: graph.nodes.schema.clone(),
            edges: graph.edges.schema.clone(),
            ..GraphScope::default()
        };
        let Some(mut found) = self.shape(pattern, &mut scope, name) else { return source::nothing(span) };
        let (mut nodes, mut edges) = (Extended::of(&graph.nodes, span), Extended::of(&graph.edges, span));
        let mut rest = Vec::new();
        for conjunct in pattern.predicate.as_ref().map(conjuncts).unwrap_or_default() {
            if !self.pushed(conjunct, &scope, &mut found, (&mut nodes, &mut edges)) {
                rest.push(conjunct);
            }
        }
        let (columns, mut outputs) = columns_of(&scope);
        scope.width = columns.len();
        let tuples = scope.variables.iter().map(|(name, _)| name.clone()).collect();
        let mut row = Row { columns, tuples, graph: Some(scope), ..Row::default() };
        let mut predicates = Vec::new();
        for conjunct in rest {
            self.check_shortest(conjunct, pattern, &row);
            let bound = self.scalar(conjunct, &mut row);
            predicates.push(self.expect(bound, ScalarType::Bool));
        }
        let items = self.items(&pattern.project, &mut row);
        let (schema, project) = self.columns(items, &mut super::name::Names::default(), span);
        let mut matched = row.columns;
        for one in row.graph.map(|scope| scope.collected).unwrap_or_default() {
            let scalar = if one.fold == PathFold::Array { ScalarType::Dynamic } else { ScalarType::Bool };
            matched.push(ColumnSchema { name: format!("${}", matched.len()), scalar });
            let column = if one.inner { nodes.push(one.expr) } else { edges.push(one.expr) };
            outputs.push(MatchOutput::Path { edge: one.edge, inner: one.inner, column, fold: one.fold });
        }
        found.outputs = outputs;
        let inputs = vec![
            projected(graph.nodes, nodes.schema, nodes.columns, false, span),
            projected(graph.edges, edges.schema, edges.columns, false, span),
        ];
        let node = Node::Derive { inputs, method: Method::GraphMatch(found) };
        let mut plan = Plan { node, schema: matched, span };
        if !predicates.is_empty() {
            let predicate = expr::balanced(BinaryOp::And, predicates, span);
            plan = over(plan, span, |input| Node::Filter { input, predicate });
        }
        projected(plan, schema, project, false, span)
    }

    /// What may come twice, and whether all shortest paths are wanted.
    fn match_options(&mut self, pattern: &GraphPattern) -> Option<(Cycles, bool)> {
        let cycles = match option(&pattern.options, "cycles") {
            None | Some(("unique_edges", _)) => Cycles::UniqueEdges,
            Some(("all", _)) => Cycles::All,
            Some(("none", _)) => Cycles::None,
            Some((other, at)) => {
                self.error(codes::SYNTAX, at, format!("`{other}` is no way to treat cycles"))
                    .help("write all, unique_edges or none");
                return None;
            }
        };
        let all = match option(&pattern.options, "output") {
            None | Some(("any", _)) => false,
            Some(("all", _)) => true,
            Some((other, at)) => {
                self.error(codes::SYNTAX, at, format!("there is no output `{other}`")).help("write any or all");
                return None;
            }
        };
        Some((cycles, all))
    }

    /// Numbers the nodes and edges of the pattern.
    fn shape(&mut self, pattern: &GraphPattern, scope: &mut GraphScope, name: Span) -> Option<GraphMatch> {
        let (cycles, all) = self.match_options(pattern)?;
        let shortest = pattern.shortest.then_some(all);
        let mut found = GraphMatch { shortest, cycles, nodes: Vec::new(), edges: Vec::new(), outputs: Vec::new() };
        for sequence in &pattern.sequences {
            let mut left = self.node_of(sequence.nodes.first()?.as_ref(), scope, &mut found)?;
            for (edge, node) in sequence.edges.iter().zip(&sequence.nodes[1..]) {
                let right = self.node_of(node.as_ref(), scope, &mut found)?;
                let length = match &edge.length {
                    Some((least, most)) => Some((self.path_length(least)?, self.path_length(most)?)),
                    None => None,
                };
                if length.is_some_and(|(least, most)| least > most) {
                    self.error(codes::BAD_ARGUMENTS, edge.span, "the least length is above the greatest");
                    return None;
                }
                let at = found.edges.len();
                if let Some(name) = &edge.name {
                    let variable = if length.is_some() { Variable::Path(at) } else { Variable::Edge(at) };
                    if scope.variables.iter().any(|(known, _)| *known == name.text) {
                        self.error(codes::DUPLICATE_NAME, name.span, format!("`{}` stands here already", name.text))
                            .help("an edge comes once in a pattern");
                        return None;
                    }
                    scope.variables.push((name.text.clone(), variable));
                }
                let direction = edge.direction;
                found.edges.push(GraphStep { left, right, direction, length, constraints: Vec::new() });
                left = right;
            }
        }
        let several = pattern.sequences.len() > 1 || found.edges.iter().all(|edge| edge.length.is_none());
        if pattern.shortest && several {
            self.error(
                codes::SYNTAX,
                name,
                "shortest paths are sought along one sequence with an edge of variable length",
            )
            .help("write `(a)-[path*1..5]->(b)`");
            return None;
        }
        let nodes = pattern.sequences.first().map_or(&[][..], |sequence| &sequence.nodes);
        let inner = nodes.get(1..nodes.len().saturating_sub(1)).unwrap_or_default();
        let again = inner
            .iter()
            .flatten()
            .find(|name| nodes.iter().flatten().filter(|other| other.text == name.text).count() > 1);
        if let Some(again) = again.filter(|_| pattern.shortest) {
            self.error(codes::UNSUPPORTED, again.span, "a node between the ends of a shortest path comes once")
                .help("use `graph-match` and keep the shortest with `summarize arg_min(…)`");
            return None;
        }
        Some(found)
    }

    fn node_of(
        &mut self,
        name: Option<&syntax::Name>,
        scope: &mut GraphScope,
        found: &mut GraphMatch,
    ) -> Option<usize> {
        if let Some(name) = name {
            match scope.variables.iter().find(|(known, _)| *known == name.text) {
                Some((_, Variable::Node(at))) => return Some(*at),
                Some(_) => {
                    self.error(codes::DUPLICATE_NAME, name.span, format!("`{}` is an edge already", name.text));
                    return None;
                }
                None => scope.variables.push((name.text.clone(), Variable::Node(found.nodes.len()))),
            }
        }
        found.nodes.push(Vec::new());
        Some(found.nodes.len() - 1)
    }

    fn path_length(&mut self, length: &syntax::Expr) -> Option<u32> {
        let bound = self.scalar(length, &mut Row::default());
        let number = match bound.kind {
            ExprKind::Literal(Value::Long(number)) => u32::try_from(number).ok(),
            ExprKind::Invalid => return None,
            _ => None,
        };
        let within = number.filter(|number| *number <= MOST_EDGES);
        if within.is_none() {
            let message = format!("a length is a constant whole number up to {MOST_EDGES}");
            self.error(codes::NOT_CONSTANT, length.span, message);
        }
        within
    }

    /// Makes a condition on one variable a column of its table that the search looks at.
    fn pushed(
        &mut self,
        conjunct: &syntax::Expr,
        scope: &GraphScope,
        found: &mut GraphMatch,
        (nodes, edges): (&mut Extended, &mut Extended),
    ) -> bool {
        // `all(path, condition)` holds for each edge.
        if let syntax::ExprKind::Call { function, args } = &conjunct.kind
            && let ("all", [path, condition]) = (function.text.as_str(), args.as_slice())
            && let syntax::ExprKind::Name(name) = &path.value.kind
            && let Some(Variable::Path(at)) = scope.variable(name)
            && scope.mentioned(&condition.value).is_some_and(|mentioned| mentioned.is_empty())
        {
            let bound = self.scalar(&condition.value, &mut Row::of(&scope.edges));
            let bound = self.expect(bound, ScalarType::Bool);
            found.edges[at].constraints.push(edges.push(bound));
            return true;
        }
        let Some(mentioned) = scope.mentioned(conjunct) else { return false };
        let (1, Some(name)) = (mentioned.len(), mentioned.first()) else { return false };
        let Some(variable) = scope.variable(name) else { return false };
        let of = if matches!(variable, Variable::Node(_)) { &scope.nodes } else { &scope.edges };
        let bound = self.scalar(conjunct, &mut Self::tuple_row(of, name));
        let bound = self.expect(bound, ScalarType::Bool);
        match variable {
            Variable::Node(at) => found.nodes[at].push(nodes.push(bound)),
            Variable::Edge(at) | Variable::Path(at) => found.edges[at].constraints.push(edges.push(bound)),
        }
        true
    }

    /// A condition on whole matches may only compare the two ends where the shortest path is sought.
    fn check_shortest(&mut self, conjunct: &syntax::Expr, pattern: &GraphPattern, row: &Row) {
        let Some(scope) = row.graph.as_ref().filter(|_| pattern.shortest) else { return };
        let ends = scope.mentioned(conjunct).is_some_and(|mentioned| {
            let sequence = &pattern.sequences[0].nodes;
            let end = |name: &String| {
                [sequence.first(), sequence.last()].into_iter().flatten().flatten().any(|node| node.text == *name)
            };
            mentioned.iter().all(end)
        });
        if !ends {
            let message = "a condition of `graph-shortest-paths` is about one node or edge, or about the two ends";
            self.error(codes::UNSUPPORTED, conjunct.span, message)
                .help("use `graph-match` and keep the shortest with `summarize arg_min(…)`");
        }
    }

    /// `map`, `all`, `any`, `node_degree_in`, … in a pattern's conditions and columns.
    pub(super) fn graph_call(
        &mut self,
        name: &syntax::Name,
        args: &[syntax::Argument],
        span: Span,
        row: &mut Row,
    ) -> Option<Expr> {
        match name.text.as_str() {
            "node_degree_in" | "node_degree_out" => Some(self.degree(name, args, span, row)),
            "node_id" if row.graph.is_some() => Some(self.degree(name, args, span, row)),
            "map" | "all" | "any" if row.graph.is_some() => Some(self.of_path(name, args, span, row)),
            "inner_nodes" if row.graph.is_some() => {
                self.error(codes::MISPLACED, span, "`inner_nodes` stands in `map`, `all` or `any`")
                    .help("write `map(inner_nodes(path), property)`");
                Some(Self::invalid(span))
            }
            // Graphs that queries make have no labels.
            "labels" if row.graph.is_some() => {
                let kind = ExprKind::Literal(Value::Dynamic(serde_json::Value::Array(Vec::new())));
                Some(Expr { kind, scalar: ScalarType::Dynamic, span })
            }
            _ => None,
        }
    }

    /// What is known of a node besides its properties: its id, and how many edges it has.
    fn degree(&mut self, name: &syntax::Name, args: &[syntax::Argument], span: Span, row: &Row) -> Expr {
        let column = match name.text.as_str() {
            "node_id" => super::graph::ID,
            "node_degree_in" => super::graph::IN,
            _ => super::graph::OUT,
        };
        let column = match args {
            [] => column.to_owned(),
            [argument] => match &argument.value.kind {
                syntax::ExprKind::Name(node) => format!("{node}.{column}"),
                _ => String::new(),
            },
            _ => String::new(),
        };
        let found = expr::column(&row.columns, &column, span);
        if let (Some(id), "node_id") = (&found, name.text.as_str()) {
            return self.call_by_name("tostring", vec![id.clone()], span);
        }
        found.unwrap_or_else(|| {
            let message =
                format!("`{}` takes a node of the pattern, or nothing inside `map(inner_nodes(…), …)`", name.text);
            self.error(codes::BAD_ARGUMENTS, span, message);
            Self::invalid(span)
        })
    }

    fn of_path(&mut self, name: &syntax::Name, args: &[syntax::Argument], span: Span, row: &mut Row) -> Expr {
        let fold = match name.text.as_str() {
            "map" => PathFold::Array,
            "all" => PathFold::All,
            _ => PathFold::Any,
        };
        let Some(scope) = &row.graph else { return Self::invalid(span) };
        let found = match args {
            [path, value] => scope.path(&path.value).map(|(edge, inner)| (edge, inner, value)),
            _ => None,
        };
        let Some((edge, inner, value)) = found else {
            let message =
                format!("`{}` takes an edge of variable length, or `inner_nodes` of one, and an expression", name.text);
            self.error(codes::BAD_ARGUMENTS, span, message).help(format!("write `{}(path, Property)`", name.text));
            return Self::invalid(span);
        };
        let of = if inner { scope.nodes.clone() } else { scope.edges.clone() };
        let bound = self.scalar(&value.value, &mut Row::of(&of));
        let bound = if fold == PathFold::Array { bound } else { self.expect(bound, ScalarType::Bool) };
        if matches!(bound.kind, ExprKind::Invalid) {
            return bound;
        }
        self.collected(OfPath { edge, inner, fold, expr: bound }, span, row)
    }

    fn collected(&mut self, one: OfPath, span: Span, row: &mut Row) -> Expr {
        let scalar = if one.fold == PathFold::Array { ScalarType::Dynamic } else { ScalarType::Bool };
        let Some(scope) = &mut row.graph else { return Self::invalid(span) };
        let index = scope.width + scope.collected.len();
        scope.collected.push(one);
        Expr { kind: ExprKind::Column { index, name: format!("${index}") }, scalar, span }
    }

    /// Is `name` an edge of variable length?
    pub(super) fn names_path(&self, name: &str, row: &Row) -> bool {
        row.graph.as_ref().is_some_and(|scope| matches!(scope.variable(name), Some(Variable::Path(_))))
    }

    /// `path`: an array with a bag for each edge along it.
    pub(super) fn path_itself(&mut self, name: &str, span: Span, row: &mut Row) -> Expr {
        let Some(scope) = &row.graph else { return Self::invalid(span) };
        let Some(Variable::Path(edge)) = scope.variable(name) else { return Self::invalid(span) };
        let shown = (0..scope.edges.len()).filter(|at| !scope.edges[*at].name.starts_with('$'));
        let properties: Vec<Expr> = shown.map(|at| expr::at(&scope.edges, at, span)).collect();
        let bag = self.packed(properties, span);
        self.collected(OfPath { edge, inner: false, fold: PathFold::Array, expr: bag }, span, row)
    }

    /// `path.property`: an array of the values along a path. `None` where `variable` is no path.
    pub(super) fn path_property(
        &mut self,
        variable: &str,
        name: &syntax::Name,
        span: Span,
        row: &mut Row,
    ) -> Option<Expr> {
        let scope = row.graph.as_ref()?;
        let Some(Variable::Path(edge)) = scope.variable(variable) else { return None };
        let column = expr::column(&scope.edges, &name.text, span)?;
        Some(self.collected(OfPath { edge, inner: false, fold: PathFold::Array, expr: column }, span, row))
    }
}

impl GraphScope {
    fn variable(&self, name: &str) -> Option<Variable> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, variable)| *variable)
    }

    /// The path that `expr` names, and whether its inner nodes are meant.
    fn path(&self, expr: &syntax::Expr) -> Option<(usize, bool)> {
        match &expr.kind {
            syntax::ExprKind::Name(name) => match self.variable(name)? {
                Variable::Path(edge) => Some((edge, false)),
                Variable::Node(_) | Variable::Edge(_) => None,
            },
            syntax::ExprKind::Call { function, args } if function.text == "inner_nodes" && args.len() == 1 => {
                self.path(&args[0].value).map(|(edge, _)| (edge, true))
            }
            _ => None,
        }
    }

    /// The variables that `expr` speaks of; `None` where it looks along a path.
    fn mentioned(&self, expr: &syntax::Expr) -> Option<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        self.note(expr, &mut found).then_some(found)
    }

    fn note(&self, expr: &syntax::Expr, found: &mut BTreeSet<String>) -> bool {
        use syntax::ExprKind as Kind;
        match &expr.kind {
            Kind::Name(name) => {
                if self.variable(name).is_some() {
                    found.insert(name.clone());
                }
                true
            }
            Kind::Member { base, .. } | Kind::Negate(base) => self.note(base, found),
            Kind::Index { base, index } => self.note(base, found) && self.note(index, found),
            Kind::Call { function, args } => {
                !matches!(function.text.as_str(), "map" | "all" | "any" | "inner_nodes")
                    && args.iter().all(|argument| self.note(&argument.value, found))
            }
            Kind::Logical { operands, .. } => operands.iter().all(|operand| self.note(operand, found)),
            Kind::Infix { left, right, .. } => self.note(left, found) && self.note(right, found),
            Kind::Membership { value, list, .. } => {
                self.note(value, found) && list.iter().all(|item| self.note(item, found))
            }
            Kind::Between { value, low, high, .. } => [value, low, high].into_iter().all(|one| self.note(one, found)),
            Kind::Literal(..) | Kind::Pipe { .. } | Kind::TypeOf(_) | Kind::Star | Kind::Missing => true,
        }
    }
}

/// The columns of a match under `variable.property`.
fn columns_of(scope: &GraphScope) -> (Vec<ColumnSchema>, Vec<MatchOutput>) {
    let (mut columns, mut outputs) = (Vec::new(), Vec::new());
    for (variable, what) in &scope.variables {
        let of = match what {
            Variable::Node(_) => &scope.nodes,
            Variable::Edge(_) => &scope.edges,
            Variable::Path(_) => continue,
        };
        for (column, property) in of.iter().enumerate() {
            columns.push(ColumnSchema { name: format!("{variable}.{}", property.name), scalar: property.scalar });
            outputs.push(match *what {
                Variable::Edge(edge) => MatchOutput::Edge { edge, column },
                Variable::Node(node) | Variable::Path(node) => MatchOutput::Node { node, column },
            });
        }
    }
    (columns, outputs)
}

fn conjuncts(predicate: &syntax::Expr) -> Vec<&syntax::Expr> {
    match &predicate.kind {
        syntax::ExprKind::Logical { all: true, operands } => operands.iter().flat_map(conjuncts).collect(),
        _ => vec![predicate],
    }
}
