//! Edges of two shapes cut where they meet, so that the pieces have no more in common than whole pieces and ends.
//!
//! Places closer than a snap radius become one place. It is the size of rounding errors (S2 snaps likewise), so that
//! shapes that were meant to touch do.

use std::collections::HashMap;

use crate::predicate::{Crossing, crossing, intersection};
use crate::region::closest_on_edge;
use crate::tree::{Box3, Tree};
use crate::vector::Vector;

/// Which of the two shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    First,
    Second,
}

/// One edge before it is cut. `number` is its place in the order of all edges, which decides where rings begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    pub from: Vector,
    pub to: Vector,
    pub owner: Owner,
    pub number: u32,
}

/// All edges of two shapes, numbered.
pub(crate) fn numbered(first: &[(Vector, Vector)], second: &[(Vector, Vector)]) -> Vec<Edge> {
    let first = first.iter().map(|ends| (*ends, Owner::First));
    let second = second.iter().map(|ends| (*ends, Owner::Second));
    (0..).zip(first.chain(second)).map(|(number, ((from, to), owner))| Edge { from, to, owner, number }).collect()
}

/// A piece of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Piece {
    /// The ends, as positions in [`Arrangement::places`]; the lower one first.
    pub low: u32,
    pub high: u32,
    pub number: u32,
    /// How many pieces of its edge come before it.
    pub step: u32,
    pub owner: Owner,
    /// Its edge runs from `low` to `high`.
    pub forward: bool,
}

/// The pieces, equal ones next to each other.
#[derive(Debug)]
pub(crate) struct Arrangement {
    pub places: Vec<Vector>,
    pub pieces: Vec<Piece>,
}

impl Arrangement {
    /// Cuts `edges` where two of them meet, also two of one shape: they may touch within the snap radius.
    pub fn of(edges: &[Edge], snap: f64) -> Arrangement {
        let mut places = Places { list: Vec::new(), grid: HashMap::new(), snap };
        let ends: Vec<(u32, u32)> = edges.iter().map(|edge| (places.put(edge.from), places.put(edge.to))).collect();
        let snapped: Vec<(Vector, Vector)> =
            ends.iter().map(|(from, to)| (places.list[*from as usize], places.list[*to as usize])).collect();
        let tree = Tree::new(snapped.iter().map(|(a, b)| Box3::around(*a, *b, snap)));
        let mut cuts: Vec<Vec<u32>> = vec![Vec::new(); edges.len()];
        for at in 0..edges.len() {
            let (a, b) = snapped[at];
            tree.overlapping(&Box3::around(a, b, snap), |other| {
                if other > at {
                    meet(&mut places, (at, other), &ends, &snapped, &mut cuts);
                }
            });
        }
        let mut pieces = Vec::with_capacity(edges.len());
        for ((edge, (from, to)), mut cuts) in edges.iter().zip(ends).zip(cuts) {
            let start = places.list[from as usize];
            let far = |place: u32| (places.list[place as usize] - start).length();
            cuts.sort_by(|a, b| far(*a).total_cmp(&far(*b)).then(a.cmp(b)));
            let mut here = from;
            let mut step = 0;
            for next in cuts.into_iter().chain([to]) {
                if next != here {
                    let forward = here < next;
                    let (low, high) = (here.min(next), here.max(next));
                    pieces.push(Piece { low, high, number: edge.number, step, owner: edge.owner, forward });
                    step += 1;
                }
                here = next;
            }
        }
        pieces.sort_unstable();
        Arrangement { places: places.list, pieces }
    }

    /// Pieces with the same ends together.
    pub fn groups(&self) -> impl Iterator<Item = &[Piece]> {
        self.pieces.chunk_by(|a, b| (a.low, a.high) == (b.low, b.high))
    }

    pub fn place(&self, at: u32) -> Vector {
        self.places[at as usize]
    }

    /// Half-way along pieces.
    pub fn middle(&self, piece: &Piece) -> Vector {
        (self.place(piece.low) + self.place(piece.high)).unit()
    }

    /// Places that belong to pieces of both shapes.
    pub fn shared_places(&self) -> Vec<u32> {
        let mut owners = vec![[false; 2]; self.places.len()];
        for piece in &self.pieces {
            for end in [piece.low, piece.high] {
                owners[end as usize][usize::from(piece.owner == Owner::Second)] = true;
            }
        }
        (0..).zip(owners).filter(|(_, owners)| *owners == [true; 2]).map(|(at, _)| at).collect()
    }
}

/// Notes where the two edges cut each other.
fn meet(
    places: &mut Places,
    pair: (usize, usize),
    ends: &[(u32, u32)],
    snapped: &[(Vector, Vector)],
    cuts: &mut [Vec<u32>],
) {
    for (edge, other) in [pair, (pair.1, pair.0)] {
        for end in [ends[other].0, ends[other].1] {
            let place = places.list[end as usize];
            let foreign = end != ends[edge].0 && end != ends[edge].1;
            if foreign && closest_on_edge(place, snapped[edge]).angle(place) <= places.snap {
                cuts[edge].push(end);
            }
        }
    }
    let ((a, b), (c, d)) = (snapped[pair.0], snapped[pair.1]);
    if crossing(a, b, c, d) == Crossing::Proper {
        let place = intersection(a, b, c, d);
        // Edges on one great circle cross by perturbation alone, anywhere; there, their ends are all that counts.
        let on = |edge: (Vector, Vector)| closest_on_edge(place, edge).angle(place) <= places.snap;
        if !on((a, b)) || !on((c, d)) {
            return;
        }
        let place = places.put(place);
        for edge in [pair.0, pair.1] {
            if place != ends[edge].0 && place != ends[edge].1 {
                cuts[edge].push(place);
            }
        }
    }
}

/// Places, those within the snap radius of one another as one.
struct Places {
    list: Vec<Vector>,
    grid: HashMap<[i64; 3], Vec<u32>>,
    snap: f64,
}

/// Side of the cells in which places are looked up; much larger than the snap radius.
const CELL: f64 = 1e-8;

impl Places {
    fn put(&mut self, place: Vector) -> u32 {
        let cell = |value: f64| (value / CELL).floor() as i64;
        let ranges = place.axes().map(|axis| cell(axis - self.snap)..=cell(axis + self.snap));
        let [x, y, z] = ranges;
        for x in x {
            for y in y.clone() {
                for z in z.clone() {
                    let near = self.grid.get(&[x, y, z]).into_iter().flatten();
                    let found = near.copied().find(|at| (self.list[*at as usize] - place).length() <= self.snap);
                    if let Some(found) = found {
                        return found;
                    }
                }
            }
        }
        let at = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.grid.entry(place.axes().map(cell)).or_default().push(at);
        self.list.push(place);
        at
    }
}
