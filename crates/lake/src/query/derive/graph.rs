//! `graph-match`: every way to lay a pattern onto a graph.
//!
//! The search goes from the node with the fewest candidates along the edges of the pattern; conditions on single nodes
//! and edges were computed before and cut it short.

use arrow_array::RecordBatch;
use datafusion::error::Result;
use kernel::{ColumnSchema, Value};
use kql::algebra::{Cycles, Direction, GraphMatch, MatchOutput, PathFold};
use serde_json::Value as Json;

use super::nodes::Ends;
use super::{Budget, Rows, Table, shortest};
use crate::query::convert;

/// Rows of [`GraphMatch::outputs`], one for each match.
pub(super) fn matches(
    pattern: &GraphMatch,
    nodes: &Table,
    edges: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let graph = Indexed::of(pattern, nodes, edges, budget)?;
    let mut rows = Rows::new(schema);
    let mut found = Found { pattern, nodes, edges, rows: &mut rows };
    if pattern.shortest.is_some() {
        shortest::search(&graph, &mut found, budget)?;
    } else {
        let mut search = Search::new(&graph, nodes.rows, edges.rows);
        search.next(0, &mut found, budget)?;
    }
    rows.finish(schema)
}

/// Matches become rows.
pub(super) struct Found<'a> {
    pub pattern: &'a GraphMatch,
    nodes: &'a Table,
    edges: &'a Table,
    rows: &'a mut Rows,
}

impl Found<'_> {
    /// A match: the row of each node, and the rows of the edges of each edge of the pattern with the nodes they lead to,
    /// from left to right.
    pub(super) fn push(
        &mut self,
        nodes: &[usize],
        paths: &[Vec<(usize, usize)>],
        budget: &mut Budget<'_>,
    ) -> Result<()> {
        let mut row = Vec::with_capacity(self.pattern.outputs.len());
        for output in &self.pattern.outputs {
            row.push(match output {
                MatchOutput::Node { node, column } => self.nodes.columns[*column].value(nodes[*node]),
                MatchOutput::Edge { edge, column } => match paths[*edge].first() {
                    Some((at, _)) => self.edges.columns[*column].value(*at),
                    None => Value::Null,
                },
                MatchOutput::Path { edge, inner, column, fold } => {
                    let path = &paths[*edge];
                    let values: Vec<Value> = if *inner {
                        let between = path.len().saturating_sub(1);
                        path[..between].iter().map(|(_, to)| self.nodes.columns[*column].value(*to)).collect()
                    } else {
                        path.iter().map(|(at, _)| self.edges.columns[*column].value(*at)).collect()
                    };
                    budget.keep(values.len() * super::VALUE_BYTES)?;
                    folded(*fold, &values)
                }
            });
        }
        self.rows.push(row, budget)
    }
}

fn folded(fold: PathFold, values: &[Value]) -> Value {
    let is_true = |value: &Value| matches!(value, Value::Bool(true));
    match fold {
        PathFold::Array => {
            Value::Dynamic(values.iter().map(|value| convert::to_dynamic(value).unwrap_or(Json::Null)).collect())
        }
        PathFold::All => Value::Bool(values.iter().all(is_true)),
        PathFold::Any => Value::Bool(values.iter().any(is_true)),
    }
}

/// A graph with what the pattern asks of its parts.
pub(super) struct Indexed<'a> {
    pub pattern: &'a GraphMatch,
    pub ends: Ends,
    /// Edges that leave each node, and that enter it.
    pub leaving: Vec<Vec<usize>>,
    pub entering: Vec<Vec<usize>>,
    /// For each node of the pattern, whether each node of the graph fits.
    pub node_fits: Vec<Vec<bool>>,
    /// For each edge of the pattern, whether each edge of the graph fits.
    pub edge_fits: Vec<Vec<bool>>,
}

impl<'a> Indexed<'a> {
    fn of(pattern: &'a GraphMatch, nodes: &Table, edges: &Table, budget: &mut Budget<'_>) -> Result<Indexed<'a>> {
        let ends = Ends::of(nodes, edges, budget)?;
        budget.keep(nodes.rows * (48 + pattern.nodes.len()) + edges.rows * (16 + pattern.edges.len()))?;
        let (mut leaving, mut entering) = (vec![Vec::new(); nodes.rows], vec![Vec::new(); nodes.rows]);
        for edge in 0..edges.rows {
            leaving[ends.from[edge]].push(edge);
            entering[ends.to[edge]].push(edge);
        }
        let fits = |constraints: &[usize], table: &Table| -> Vec<bool> {
            (0..table.rows).map(|row| constraints.iter().all(|column| table.is_true(*column, row))).collect()
        };
        let node_fits = pattern.nodes.iter().map(|constraints| fits(constraints, nodes)).collect();
        let edge_fits = pattern.edges.iter().map(|step| fits(&step.constraints, edges)).collect();
        Ok(Indexed { pattern, ends, leaving, entering, node_fits, edge_fits })
    }

    /// Edges that fit `step` at `node`, walking from left to right (or back), each with the node that it leads to.
    pub(super) fn steps(&self, step: usize, node: usize, back: bool) -> impl Iterator<Item = (usize, usize)> + '_ {
        let direction = self.pattern.edges[step].direction;
        let leave = direction == Direction::Either || (direction == Direction::Forward) != back;
        let enter = direction == Direction::Either || (direction == Direction::Backward) != back;
        let leaving = self.leaving[node].iter().filter(move |_| leave).map(|edge| (*edge, self.ends.to[*edge]));
        // A loop is one way, not two.
        let both = leave && enter;
        let entering = self.entering[node]
            .iter()
            .filter(move |edge| enter && !(both && self.ends.from[**edge] == self.ends.to[**edge]))
            .map(|edge| (*edge, self.ends.from[*edge]));
        leaving.chain(entering).filter(move |(edge, _)| self.edge_fits[step][*edge])
    }
}

/// A search for all matches.
struct Search<'a> {
    graph: &'a Indexed<'a>,
    /// Edges of the pattern in the order in which they are laid, and whether each is walked back.
    order: Vec<Stage>,
    nodes: Vec<Option<usize>>,
    paths: Vec<Vec<(usize, usize)>>,
    edge_used: Vec<bool>,
    node_used: Vec<u32>,
}

/// One part of the pattern that the search lays.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// A node that nothing laid before leads to.
    Node(usize),
    /// An edge from a node that was laid.
    Edge { edge: usize, back: bool },
}

impl<'a> Search<'a> {
    fn new(graph: &'a Indexed<'a>, nodes: usize, edges: usize) -> Search<'a> {
        let pattern = graph.pattern;
        Search {
            graph,
            order: order(graph),
            nodes: vec![None; pattern.nodes.len()],
            paths: vec![Vec::new(); pattern.edges.len()],
            edge_used: vec![false; edges],
            node_used: vec![0; nodes],
        }
    }

    /// Lays the part at `stage` in every way, and the rest after it.
    fn next(&mut self, stage: usize, found: &mut Found<'_>, budget: &mut Budget<'_>) -> Result<()> {
        let graph = self.graph;
        match self.order.get(stage).copied() {
            None => {
                let nodes: Vec<usize> = self.nodes.iter().map(|node| node.unwrap_or_default()).collect();
                found.push(&nodes, &self.paths, budget)
            }
            Some(Stage::Node(variable)) => {
                for node in 0..self.node_used.len() {
                    budget.spend(1)?;
                    if graph.node_fits[variable][node] && self.may_enter(node) {
                        self.nodes[variable] = Some(node);
                        self.node_used[node] += 1;
                        self.next(stage + 1, found, budget)?;
                        self.node_used[node] -= 1;
                        self.nodes[variable] = None;
                    }
                }
                Ok(())
            }
            Some(Stage::Edge { edge, back }) => {
                let step = &graph.pattern.edges[edge];
                let start = if back { step.right } else { step.left };
                let Some(node) = self.nodes[start] else { return Ok(()) };
                self.walk(stage, (edge, back), node, 0, found, budget)
            }
        }
    }

    /// Walks on along one edge of the pattern, of which `taken` were walked.
    fn walk(
        &mut self,
        stage: usize,
        (edge, back): (usize, bool),
        node: usize,
        taken: u32,
        found: &mut Found<'_>,
        budget: &mut Budget<'_>,
    ) -> Result<()> {
        let graph = self.graph;
        let step = &graph.pattern.edges[edge];
        let (least, most) = step.length.unwrap_or((1, 1));
        if taken >= least {
            self.arrive(stage, (edge, back), node, taken, found, budget)?;
        }
        if taken >= most {
            return Ok(());
        }
        for (at, to) in graph.steps(edge, node, back) {
            budget.spend(1)?;
            if graph.pattern.cycles != Cycles::All && self.edge_used[at] {
                continue;
            }
            if back {
                self.paths[edge].insert(0, (at, node));
            } else {
                self.paths[edge].push((at, to));
            }
            let was = std::mem::replace(&mut self.edge_used[at], true);
            self.walk(stage, (edge, back), to, taken + 1, found, budget)?;
            self.edge_used[at] = was;
            if back {
                self.paths[edge].remove(0);
            } else {
                self.paths[edge].pop();
            }
        }
        Ok(())
    }

    /// An edge of the pattern may end at `node`.
    fn arrive(
        &mut self,
        stage: usize,
        (edge, back): (usize, bool),
        node: usize,
        taken: u32,
        found: &mut Found<'_>,
        budget: &mut Budget<'_>,
    ) -> Result<()> {
        let step = &self.graph.pattern.edges[edge];
        let end = if back { step.left } else { step.right };
        if let Some(known) = self.nodes[end] {
            return if known == node && self.inner_fit(edge, taken) {
                self.next(stage + 1, found, budget)
            } else {
                Ok(())
            };
        }
        if !self.graph.node_fits[end][node] || !self.inner_fit(edge, taken) || !self.may_enter(node) {
            return Ok(());
        }
        self.nodes[end] = Some(node);
        self.node_used[node] += 1;
        self.next(stage + 1, found, budget)?;
        self.node_used[node] -= 1;
        self.nodes[end] = None;
        Ok(())
    }

    fn may_enter(&self, node: usize) -> bool {
        self.graph.pattern.cycles != Cycles::None || self.node_used[node] == 0
    }

    /// Without cycles, no node comes twice within a path either.
    fn inner_fit(&self, edge: usize, taken: u32) -> bool {
        if self.graph.pattern.cycles != Cycles::None || taken < 2 {
            return true;
        }
        let path = &self.paths[edge];
        let inner: Vec<usize> = path[..path.len() - 1].iter().map(|(_, to)| *to).collect();
        let mut once = std::collections::HashSet::new();
        inner.iter().all(|node| self.node_used[*node] == 0 && once.insert(*node))
    }
}

/// The node with the fewest candidates first, then what hangs on it.
fn order(graph: &Indexed<'_>) -> Vec<Stage> {
    let pattern = graph.pattern;
    let candidates = |node: usize| graph.node_fits[node].iter().filter(|fits| **fits).count();
    let mut laid = vec![false; pattern.nodes.len()];
    let mut done = vec![false; pattern.edges.len()];
    let mut order = Vec::new();
    loop {
        let hanging = (0..pattern.edges.len())
            .filter(|edge| !done[*edge] && (laid[pattern.edges[*edge].left] || laid[pattern.edges[*edge].right]))
            // Edges between two known nodes decide at once.
            .min_by_key(|edge| (!(laid[pattern.edges[*edge].left] && laid[pattern.edges[*edge].right]), *edge));
        if let Some(edge) = hanging {
            let step = &pattern.edges[edge];
            order.push(Stage::Edge { edge, back: !laid[step.left] });
            (laid[step.left], laid[step.right], done[edge]) = (true, true, true);
            continue;
        }
        match (0..pattern.nodes.len()).filter(|node| !laid[*node]).min_by_key(|node| (candidates(*node), *node)) {
            Some(node) => {
                order.push(Stage::Node(node));
                laid[node] = true;
            }
            None => return order,
        }
    }
}
