//! `graph-shortest-paths`: for each pair of ends the shortest walk along the pattern.
//!
//! From each target the distance of every place is found backwards: a place is a node, an edge of the pattern, and how
//! many edges were walked of it. A search forwards then follows only places from which the target is in reach, so it
//! meets nothing but shortest walks. Where one uses an edge twice (a least length can force it), longer ones are tried.

use std::collections::VecDeque;

use datafusion::error::Result;
use kql::algebra::Cycles;

use super::Budget;
use super::graph::{Found, Indexed};

const FAR: u32 = u32::MAX;

pub(super) fn search(graph: &Indexed<'_>, found: &mut Found<'_>, budget: &mut Budget<'_>) -> Result<()> {
    let pattern = graph.pattern;
    let (Some(first), Some(last)) = (pattern.edges.first(), pattern.edges.last()) else { return Ok(()) };
    let all = pattern.shortest == Some(true);
    let places = Places::new(graph);
    budget.keep(places.count() * 4)?;
    let starts: Vec<usize> = fitting(&graph.node_fits[first.left]);
    for target in fitting(&graph.node_fits[last.right]) {
        let distances = places.distances(target, budget)?;
        for start in &starts {
            if first.left == last.right && *start != target {
                continue;
            }
            let nearest = distances[places.at(*start, 0, 0)];
            if nearest == FAR {
                continue;
            }
            for length in nearest..=places.longest {
                let mut walk = Walk {
                    graph,
                    places: &places,
                    distances: &distances,
                    nodes: vec![*start; pattern.nodes.len()],
                    paths: vec![Vec::new(); pattern.edges.len()],
                    target,
                    all,
                    found: 0,
                };
                walk.step(*start, 0, 0, length, found, budget)?;
                if walk.found > 0 {
                    break;
                }
            }
        }
    }
    Ok(())
}

fn fitting(fits: &[bool]) -> Vec<usize> {
    fits.iter().enumerate().filter(|(_, fits)| **fits).map(|(node, _)| node).collect()
}

/// Every (node, edge of the pattern, edges walked of it), numbered.
struct Places<'a> {
    graph: &'a Indexed<'a>,
    nodes: usize,
    /// The first number of each edge of the pattern, and one after the last.
    first: Vec<usize>,
    longest: u32,
}

impl<'a> Places<'a> {
    fn new(graph: &'a Indexed<'a>) -> Places<'a> {
        let mut first = vec![0];
        let mut longest = 0;
        for step in &graph.pattern.edges {
            let most = step.length.map_or(1, |(_, most)| most);
            longest += most;
            first.push(first.last().copied().unwrap_or(0) + most as usize + 1);
        }
        Places { graph, nodes: graph.leaving.len(), first, longest }
    }

    fn count(&self) -> usize {
        self.first.last().copied().unwrap_or(0) * self.nodes
    }

    fn at(&self, node: usize, edge: usize, taken: u32) -> usize {
        (self.first[edge] + taken as usize) * self.nodes + node
    }

    /// How many edges lie between each place and the end of the pattern at `target`.
    fn distances(&self, target: usize, budget: &mut Budget<'_>) -> Result<Vec<u32>> {
        let pattern = self.graph.pattern;
        let mut distances = vec![FAR; self.count()];
        budget.spend((self.count() / 64) as u64)?;
        let mut queue = VecDeque::new();
        let last = pattern.edges.len() - 1;
        self.ending(target, last, 0, &mut distances, &mut queue);
        while let Some((node, edge, taken)) = queue.pop_front() {
            let distance = distances[self.at(node, edge, taken)];
            // The start of an edge is the end of the one before.
            if taken == 0 && edge > 0 && self.graph.node_fits[pattern.edges[edge].left][node] {
                self.ending(node, edge - 1, distance, &mut distances, &mut queue);
            }
            if taken == 0 {
                continue;
            }
            for (_, from) in self.graph.steps(edge, node, true) {
                budget.spend(1)?;
                let place = self.at(from, edge, taken - 1);
                if distances[place] == FAR {
                    distances[place] = distance + 1;
                    queue.push_back((from, edge, taken - 1));
                }
            }
        }
        Ok(distances)
    }

    /// Notes that `edge` may end at `node`, after any length that it allows.
    fn ending(
        &self,
        node: usize,
        edge: usize,
        distance: u32,
        distances: &mut [u32],
        queue: &mut VecDeque<(usize, usize, u32)>,
    ) {
        let (least, most) = self.graph.pattern.edges[edge].length.unwrap_or((1, 1));
        for taken in least..=most {
            let place = self.at(node, edge, taken);
            if distances[place] == FAR {
                distances[place] = distance;
                // Places at this distance come before all farther ones.
                queue.push_front((node, edge, taken));
            }
        }
    }
}

/// Walks of one length from one start to one target.
struct Walk<'a> {
    graph: &'a Indexed<'a>,
    places: &'a Places<'a>,
    distances: &'a [u32],
    nodes: Vec<usize>,
    paths: Vec<Vec<(usize, usize)>>,
    target: usize,
    all: bool,
    found: usize,
}

impl Walk<'_> {
    fn step(
        &mut self,
        node: usize,
        edge: usize,
        taken: u32,
        left: u32,
        found: &mut Found<'_>,
        budget: &mut Budget<'_>,
    ) -> Result<()> {
        budget.spend(1)?;
        let pattern = self.graph.pattern;
        let distance = self.distances[self.places.at(node, edge, taken)];
        if distance == FAR || distance > left || (self.found > 0 && !self.all) {
            return Ok(());
        }
        let step = &pattern.edges[edge];
        let (least, most) = step.length.unwrap_or((1, 1));
        if taken == 0 {
            self.nodes[step.left] = node;
        }
        if taken >= least {
            if edge + 1 < pattern.edges.len() {
                if self.graph.node_fits[step.right][node] {
                    self.step(node, edge + 1, 0, left, found, budget)?;
                }
            } else if left == 0 && node == self.target {
                self.nodes[step.right] = node;
                if self.once() {
                    self.found += 1;
                    found.push(&self.nodes, &self.paths, budget)?;
                }
                return Ok(());
            }
        }
        if taken >= most || left == 0 {
            return Ok(());
        }
        for (at, to) in self.graph.steps(edge, node, false) {
            self.paths[edge].push((at, to));
            self.step(to, edge, taken + 1, left - 1, found, budget)?;
            self.paths[edge].pop();
        }
        Ok(())
    }

    /// Does no edge (or, without cycles, no node) come twice?
    fn once(&self) -> bool {
        let mut seen = std::collections::HashSet::new();
        let walked = self.paths.iter().flatten();
        match self.graph.pattern.cycles {
            Cycles::All => true,
            Cycles::UniqueEdges => walked.into_iter().all(|(edge, _)| seen.insert(*edge)),
            Cycles::None => {
                let start = self.graph.pattern.edges.first().map(|step| self.nodes[step.left]);
                seen.extend(start);
                walked.into_iter().all(|(_, node)| seen.insert(*node))
            }
        }
    }
}
