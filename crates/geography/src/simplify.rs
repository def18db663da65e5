//! Shapes with fewer corners.
//!
//! Corners are left out where the edge between those that stay is within the tolerance of all of them (Douglas and
//! Peucker 1973, on the sphere), then where they lie closer than the tolerance to the one before. Rings that would
//! cross are simplified less. What is smaller than the tolerance disappears.

use std::collections::{HashMap, HashSet};

use crate::region::closest_on_edge;
use crate::ring::{self, Ring};
use crate::{Line, Region, Vector};

/// The line with fewer places; `None` where all of it lies within the tolerance, in radians.
pub fn simplified_line(line: &Line, tolerance: f64) -> Option<Vec<Vec<Vector>>> {
    let chains: Vec<Vec<Vector>> = line
        .chains()
        .iter()
        .map(|chain| thinned(chain, tolerance))
        .filter(|chain| !collapsed(chain, tolerance))
        .collect();
    (!chains.is_empty()).then_some(chains)
}

/// The area with fewer corners; empty where all of it lies within the tolerance, in radians.
pub fn simplified_region(region: &Region, tolerance: f64) -> Region {
    simplified_together(std::slice::from_ref(region), tolerance).pop().unwrap_or_else(|| Region::new(Vec::new()))
}

/// As [`simplified_region`]; borders that regions share stay shared.
pub fn simplified_together(regions: &[Region], tolerance: f64) -> Vec<Region> {
    let fixed = junctions(regions);
    let mut known: HashMap<Vec<[u64; 3]>, Vec<Vector>> = HashMap::new();
    regions
        .iter()
        .map(|region| {
            // A tolerance half as large, again and again, until no rings cross.
            let tolerances = std::iter::successors(Some(tolerance), |last| Some(last / 2.0)).take(ATTEMPTS);
            for tolerance in tolerances {
                known.clear();
                let rings: Vec<Ring> = region
                    .rings()
                    .iter()
                    .map(|ring| simplified_ring(ring, tolerance, &fixed, &mut known))
                    .filter(|ring| ring.len() >= 3)
                    .collect();
                if rings.is_empty() || ring::sound(&rings) {
                    return Region::new(rings);
                }
            }
            Region::new(region.rings().to_vec())
        })
        .collect()
}

/// So often the tolerance is halved before a region is left as it is.
const ATTEMPTS: usize = 8;

/// Corners where the borders of three and more areas meet, or where a shared border begins or ends.
fn junctions(regions: &[Region]) -> HashSet<[u64; 3]> {
    let mut neighbours: HashMap<[u64; 3], HashSet<[u64; 3]>> = HashMap::new();
    for (a, b) in regions.iter().flat_map(|region| region.edges()) {
        neighbours.entry(a.key()).or_default().insert(b.key());
        neighbours.entry(b.key()).or_default().insert(a.key());
    }
    neighbours.into_iter().filter(|(_, around)| around.len() > 2).map(|(corner, _)| corner).collect()
}

fn simplified_ring(
    ring: &[Vector],
    tolerance: f64,
    fixed: &HashSet<[u64; 3]>,
    known: &mut HashMap<Vec<[u64; 3]>, Vec<Vector>>,
) -> Ring {
    let mut anchors: Vec<usize> = (0..ring.len()).filter(|at| fixed.contains(&ring[*at].key())).collect();
    if anchors.is_empty() {
        anchors.push(0);
    }
    if anchors.len() == 1 {
        let from = ring[anchors[0]];
        let far = |at: &usize| (ring[*at] - from).length();
        anchors.extend((0..ring.len()).max_by(|a, b| far(a).total_cmp(&far(b)).then(b.cmp(a))));
        anchors.sort_unstable();
    }
    let mut simplified: Ring = Vec::new();
    for (at, start) in anchors.iter().enumerate() {
        let end = anchors.get(at + 1).copied().unwrap_or(anchors[0] + ring.len());
        let arc: Vec<Vector> = (*start..=end).map(|at| ring[at % ring.len()]).collect();
        let arc = simplified_arc(&arc, tolerance, known);
        simplified.extend(&arc[..arc.len() - 1]);
    }
    while simplified.len() > 1
        && spaced(&simplified, tolerance).is_some_and(|at| {
            simplified.remove(at);
            true
        })
    {}
    if simplified.len() < 3 { Vec::new() } else { simplified }
}

/// A corner that lies within the tolerance of the one before.
fn spaced(ring: &[Vector], tolerance: f64) -> Option<usize> {
    (1..ring.len()).find(|at| ring[*at].angle(ring[at - 1]) < tolerance).or_else(|| {
        let last = ring.len() - 1;
        (ring[last].angle(ring[0]) < tolerance).then_some(last)
    })
}

/// The same for both areas that a border belongs to, which run along it in opposite directions.
fn simplified_arc(arc: &[Vector], tolerance: f64, known: &mut HashMap<Vec<[u64; 3]>, Vec<Vector>>) -> Vec<Vector> {
    let forward: Vec<[u64; 3]> = arc.iter().map(|place| place.key()).collect();
    let backward: Vec<[u64; 3]> = forward.iter().rev().copied().collect();
    let turn = backward < forward;
    let key = if turn { backward } else { forward };
    let mut simple = known
        .entry(key)
        .or_insert_with(|| {
            let mut arc = arc.to_vec();
            if turn {
                arc.reverse();
            }
            thinned(&arc, tolerance)
        })
        .clone();
    if turn {
        simple.reverse();
    }
    simple
}

/// The chain with the first and last place and those between that are needed.
fn thinned(chain: &[Vector], tolerance: f64) -> Vec<Vector> {
    let mut keep = vec![false; chain.len()];
    let mut open = vec![(0, chain.len() - 1)];
    while let Some((from, to)) = open.pop() {
        keep[from] = true;
        keep[to] = true;
        let away = |at: usize| closest_on_edge(chain[at], (chain[from], chain[to])).angle(chain[at]);
        let farthest = (from + 1..to).map(|at| (at, away(at))).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        if let Some((at, _)) = farthest.filter(|(_, away)| *away > tolerance) {
            open.push((from, at));
            open.push((at, to));
        }
    }
    let mut thin: Vec<Vector> = Vec::new();
    for (at, place) in chain.iter().enumerate().filter(|(at, _)| keep[*at]) {
        let last = at + 1 == chain.len();
        while last && thin.len() > 1 && thin.last().is_some_and(|known| known.angle(*place) < tolerance) {
            thin.pop();
        }
        if last || thin.last().is_none_or(|known| known.angle(*place) >= tolerance) {
            thin.push(*place);
        }
    }
    thin
}

fn collapsed(chain: &[Vector], tolerance: f64) -> bool {
    chain.len() < 2 || chain.len() == 2 && chain[0].angle(chain[1]) < tolerance
}
