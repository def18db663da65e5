//! Areas on the sphere, bounded by edges along great circles.

use std::f64::consts::PI;

use crate::predicate::changes_sides;
use crate::ring::{self, ORIGIN, Ring, edges};
use crate::tree::{Box3, Tree};
use crate::vector::Vector;

/// An area: what lies on the left of its rings. Shells run counter-clockwise, holes clockwise; rings neither cross nor
/// share edges.
#[derive(Debug)]
pub struct Region {
    rings: Vec<Ring>,
    edges: Vec<(Vector, Vector)>,
    tree: Tree,
    slabs: Slabs,
    origin_inside: bool,
}

impl Region {
    /// The area of the rings of one polygon in any direction: a ring inside another one is a hole in it. `None` where
    /// they cannot bound an area.
    pub(crate) fn nested(rings: Vec<Ring>) -> Option<Region> {
        if rings.is_empty() || !ring::sound(&rings) || rings.iter().any(|ring| ring::is_thread(ring)) {
            return None;
        }
        let mut rings: Vec<Ring> = rings.into_iter().map(ring::smaller_part).collect();
        let holes: Vec<bool> = (0..rings.len())
            .map(|at| {
                let inside = (rings[at][0] + rings[at][1]).unit();
                let around = |other: &usize| *other != at && ring::holds(&rings[*other], inside);
                (0..rings.len()).filter(around).count() % 2 == 1
            })
            .collect();
        rings.iter_mut().zip(holes).filter(|(_, hole)| *hole).for_each(|(ring, _)| ring.reverse());
        Some(Region::new(rings))
    }

    /// The area on the left of rings that already run as they should.
    pub(crate) fn new(rings: Vec<Ring>) -> Region {
        let all: Vec<(Vector, Vector)> = rings.iter().flat_map(|ring| edges(ring)).collect();
        let tree = Tree::new(all.iter().map(|(a, b)| Box3::around(*a, *b, 1e-15)));
        let slabs = Slabs::new(&all);
        // What lies inside an odd number of the rings, each taken as the smaller part of the sphere.
        let inside = rings.iter().filter(|ring| ring::origin_inside(&ring::smaller_part((*ring).clone())));
        let origin_inside = inside.count() % 2 == 1;
        Region { edges: all, tree, slabs, origin_inside, rings }
    }

    /// Whether nothing lies in it.
    pub fn is_empty(&self) -> bool {
        self.rings.is_empty()
    }

    pub(crate) fn rings(&self) -> &[Ring] {
        &self.rings
    }

    /// All edges with the area on their left.
    pub fn edges(&self) -> &[(Vector, Vector)] {
        &self.edges
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whether the place lies in the area. The corners do; of places on an edge, S2's rule decides, by which each
    /// belongs to one of the two sides.
    pub fn contains(&self, place: Vector) -> bool {
        let mut inside = self.origin_inside;
        let mut corner = false;
        self.slabs.visit(place, |at| {
            let (a, b) = self.edges[at];
            corner |= place == a || place == b;
            inside ^= changes_sides(ORIGIN, place, a, b);
        });
        corner || inside
    }

    /// In steradians.
    pub fn area(&self) -> f64 {
        self.shells()
            .iter()
            .map(|(shell, holes)| ring::area(shell) - holes.iter().map(|hole| ring::area(&reversed(hole))).sum::<f64>())
            .sum()
    }

    /// Length of all outlines, in radians.
    pub fn perimeter(&self) -> f64 {
        self.rings.iter().map(|ring| ring::perimeter(ring)).sum()
    }

    /// The middle of the area; `None` where it has none.
    pub fn centroid(&self) -> Option<Vector> {
        let zero = Vector::new(0.0, 0.0, 0.0);
        let moment = self.rings.iter().fold(zero, |sum, ring| sum + ring::moment(ring));
        (moment.length() > 0.0).then(|| moment.unit())
    }

    /// The nearest place of the area: the place itself where it lies in it.
    pub fn closest(&self, place: Vector) -> Option<Vector> {
        if self.contains(place) { Some(place) } else { nearest_on(&self.edges, &self.tree, place) }
    }

    /// Radians to the nearest place of the area, 0 inside.
    pub fn distance(&self, place: Vector) -> Option<f64> {
        self.closest(place).map(|closest| closest.angle(place))
    }

    /// Radians to the nearest place of the outline, from inside as from outside.
    pub fn distance_to_outline(&self, place: Vector) -> Option<f64> {
        nearest_on(&self.edges, &self.tree, place).map(|nearest| nearest.angle(place))
    }

    /// Each shell with the holes in it.
    pub(crate) fn shells(&self) -> Vec<(&Ring, Vec<&Ring>)> {
        let (shells, holes): (Vec<&Ring>, Vec<&Ring>) = self.rings.iter().partition(|ring| ring::keeps_left(ring));
        let mut grouped: Vec<(&Ring, Vec<&Ring>)> = shells.into_iter().map(|shell| (shell, Vec::new())).collect();
        for hole in holes {
            let inside = (hole[0] + hole[1]).unit();
            let around = grouped.iter_mut().filter(|(shell, _)| ring::holds(shell, inside));
            if let Some((_, known)) = around.min_by(|a, b| ring::area(a.0).total_cmp(&ring::area(b.0))) {
                known.push(hole);
            }
        }
        grouped
    }
}

fn reversed(ring: &Ring) -> Ring {
    ring.iter().rev().copied().collect()
}

/// The nearest place on the edges.
pub(crate) fn nearest_on(edges: &[(Vector, Vector)], tree: &Tree, place: Vector) -> Option<Vector> {
    let (at, _) = tree.nearest(place, |at| closest_on_edge(place, edges[at]).angle(place))?;
    Some(closest_on_edge(place, edges[at]))
}

/// The nearest place on one edge.
pub(crate) fn closest_on_edge(place: Vector, (a, b): (Vector, Vector)) -> Vector {
    let normal = a.normal_to(b);
    if normal.length() > 0.0 && normal.cross(a).dot(place) > 0.0 && normal.cross(b).dot(place) < 0.0 {
        let unit = normal.unit();
        return (place - unit * place.dot(unit)).unit();
    }
    if (place - a).length() <= (place - b).length() { a } else { b }
}

/// Edges by the direction in which one sees them from [`ORIGIN`]: a walk from there to a place meets only edges of its
/// own slab.
#[derive(Debug)]
struct Slabs {
    /// Direction of the middle of all edges; others are counted from it, -π to π.
    zero: f64,
    low: f64,
    high: f64,
    slabs: Vec<Vec<u32>>,
    /// Edges that pass so near the origin that every walk may meet them.
    always: Vec<u32>,
}

/// Directions are approximate; edges are entered this much wider.
const MARGIN: f64 = 1e-9;

impl Slabs {
    fn new(edges: &[(Vector, Vector)]) -> Slabs {
        let zero = edges.first().map_or(0.0, |(a, _)| direction(*a));
        let (mut spans, mut always) = (Vec::with_capacity(edges.len()), Vec::new());
        for (at, (a, b)) in (0..).zip(edges) {
            let from = turned(direction(*a) - zero);
            let to = from + turned(direction(*b) - direction(*a));
            // Near the origin and its opposite directions turn fast.
            let close = [a, b].iter().any(|end| end.cross(ORIGIN).length() < 1e-3);
            if close || (to - from).abs() > 3.0 || to.abs() > PI - MARGIN || from.abs() > PI - MARGIN {
                always.push(at);
            } else {
                spans.push((from.min(to) - MARGIN, from.max(to) + MARGIN, at));
            }
        }
        let low = spans.iter().map(|span| span.0).fold(f64::MAX, f64::min);
        let high = spans.iter().map(|span| span.1).fold(f64::MIN, f64::max);
        let mut known = Slabs { zero, low, high, slabs: vec![Vec::new(); spans.len().clamp(1, 1 << 14)], always };
        for (from, to, at) in spans {
            for slab in known.slab(from)..=known.slab(to) {
                known.slabs[slab].push(at);
            }
        }
        known
    }

    fn slab(&self, direction: f64) -> usize {
        let share = (direction - self.low) / (self.high - self.low);
        ((share * self.slabs.len() as f64) as usize).min(self.slabs.len() - 1)
    }

    fn visit(&self, place: Vector, mut visit: impl FnMut(usize)) {
        self.always.iter().for_each(|at| visit(*at as usize));
        let direction = turned(direction(place) - self.zero);
        if (self.low..=self.high).contains(&direction) {
            self.slabs[self.slab(direction)].iter().for_each(|at| visit(*at as usize));
        }
    }
}

/// Where one sees the place from [`ORIGIN`].
fn direction(place: Vector) -> f64 {
    let across = ORIGIN.cross(Vector::new(1.0, 0.0, 0.0)).unit();
    place.dot(across).atan2(place.dot(across.cross(ORIGIN)))
}

/// The same angle, -π to π.
fn turned(angle: f64) -> f64 {
    if angle > PI {
        angle - 2.0 * PI
    } else if angle < -PI {
        angle + 2.0 * PI
    } else {
        angle
    }
}
