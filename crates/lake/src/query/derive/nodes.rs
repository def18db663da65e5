//! The nodes of a graph: gathered from edges and tables, and their components.

use std::collections::HashMap;

use arrow_array::{Array, RecordBatch};
use datafusion::error::Result;
use kernel::{ColumnSchema, Value};
use kql::algebra::GraphNodes;

use super::{Budget, Rows, Table, batch, long};
use crate::query::cells::column_of;
use kernel::ScalarType;

/// A node while it is gathered.
struct Gathered {
    id: Value,
    properties: Vec<Option<Value>>,
    edges_in: usize,
    edges_out: usize,
}

/// One row for each id: those of the tables first, in their order, then those that only edges have.
pub(super) fn nodes(
    made: &GraphNodes,
    inputs: &[Table],
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let mut places = HashMap::<String, usize>::new();
    let mut all: Vec<Gathered> = Vec::new();
    let mut place = |table: &Table, column: usize, row: usize, all: &mut Vec<Gathered>| {
        *places.entry(table.key(column, row)).or_insert_with(|| {
            let id = table.columns[column].value(row);
            all.push(Gathered { id, properties: vec![None; made.properties], edges_in: 0, edges_out: 0 });
            all.len() - 1
        })
    };
    for (table, columns) in inputs[1..].iter().zip(&made.tables) {
        for row in 0..table.rows {
            let at = place(table, 0, row, &mut all);
            for (column, property) in columns.iter().enumerate() {
                let cells = &table.columns[column + 1];
                if !cells.is_null(row) {
                    all[at].properties[*property].get_or_insert_with(|| cells.value(row));
                }
            }
        }
    }
    let edges = &inputs[0];
    for row in 0..edges.rows {
        let from = place(edges, 0, row, &mut all);
        all[from].edges_out += 1;
        let to = place(edges, 1, row, &mut all);
        all[to].edges_in += 1;
    }
    let mut rows = Rows::new(schema);
    for mut node in all {
        for property in &made.ids {
            node.properties[*property].get_or_insert_with(|| node.id.clone());
        }
        let properties = node.properties.into_iter().map(|value| value.unwrap_or(Value::Null));
        let degrees = [long(node.edges_in), long(node.edges_out)];
        rows.push(std::iter::once(node.id).chain(properties).chain(degrees), budget)?;
    }
    rows.finish(schema)
}

/// Which node an edge leaves and which it enters, by their rows.
#[derive(Debug)]
pub(super) struct Ends {
    pub from: Vec<usize>,
    pub to: Vec<usize>,
}

impl Ends {
    /// `nodes` has the id first, `edges` source and target; every end is a node.
    pub(super) fn of(nodes: &Table, edges: &Table, budget: &mut Budget<'_>) -> Result<Ends> {
        budget.keep((nodes.rows + edges.rows) * 64)?;
        let places: HashMap<String, usize> = (0..nodes.rows).map(|row| (nodes.key(0, row), row)).collect();
        let end = |column: usize| {
            (0..edges.rows).map(|row| places.get(&edges.key(column, row)).copied().unwrap_or(usize::MAX)).collect()
        };
        Ok(Ends { from: end(0), to: end(1) })
    }
}

/// The nodes with the number of their component.
pub(super) fn components(
    strong: bool,
    nodes: &Table,
    edges: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let ends = Ends::of(nodes, edges, budget)?;
    budget.spend((nodes.rows + edges.rows) as u64)?;
    let found = if strong { strongly(nodes.rows, &ends) } else { weakly(nodes.rows, &ends) };
    // Numbered in the order in which they are met.
    let mut numbers = HashMap::<usize, usize>::new();
    let numbered = found.into_iter().map(|component| {
        let next = numbers.len();
        *numbers.entry(component).or_insert(next)
    });
    let number = column_of(ScalarType::Long, numbered.map(long));
    let columns: Vec<_> = nodes.columns.iter().map(|cells| cells.array().clone()).chain([number]).collect();
    debug_assert!(columns.iter().all(|column| column.len() == nodes.rows));
    batch(columns, nodes.rows, schema)
}

/// A representative for each node, the same for all that edges join.
fn weakly(nodes: usize, ends: &Ends) -> Vec<usize> {
    fn root(parents: &mut [usize], mut node: usize) -> usize {
        while parents[node] != node {
            parents[node] = parents[parents[node]];
            node = parents[node];
        }
        node
    }
    let mut parents: Vec<usize> = (0..nodes).collect();
    for (from, to) in ends.from.iter().zip(&ends.to) {
        let (from, to) = (root(&mut parents, *from), root(&mut parents, *to));
        parents[from.max(to)] = from.min(to);
    }
    (0..nodes).map(|node| root(&mut parents, node)).collect()
}

/// Tarjan's algorithm without recursion: a number for each strongly connected component.
fn strongly(nodes: usize, ends: &Ends) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (from, to) in ends.from.iter().zip(&ends.to) {
        next[*from].push(*to);
    }
    let mut index = vec![UNSEEN; nodes];
    let mut low = vec![0; nodes];
    let mut component = vec![UNSEEN; nodes];
    let (mut stack, mut counter, mut found) = (Vec::new(), 0, 0);
    for start in 0..nodes {
        if index[start] != UNSEEN {
            continue;
        }
        let mut work = vec![(start, 0)];
        while let Some((node, edge)) = work.pop() {
            if edge == 0 {
                index[node] = counter;
                low[node] = counter;
                counter += 1;
                stack.push(node);
            }
            if let Some(&neighbour) = next[node].get(edge) {
                work.push((node, edge + 1));
                if index[neighbour] == UNSEEN {
                    work.push((neighbour, 0));
                } else if component[neighbour] == UNSEEN {
                    low[node] = low[node].min(index[neighbour]);
                }
                continue;
            }
            if low[node] == index[node] {
                while let Some(member) = stack.pop() {
                    component[member] = found;
                    if member == node {
                        break;
                    }
                }
                found += 1;
            }
            if let Some((parent, _)) = work.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
        }
    }
    component
}
