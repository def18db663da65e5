//! Closed outlines: orientation, area, what lies on their left.

use std::f64::consts::PI;

use crate::predicate::{Crossing, changes_sides, corner_inside, crossing, side};
use crate::region::closest_on_edge;
use crate::tree::{Box3, Tree};
use crate::vector::Vector;

/// Corners in order; the last is joined to the first. What is meant lies on the left.
pub(crate) type Ring = Vec<Vector>;

/// A place that no outline has as a corner, from which walks to other places begin (S2's choice).
pub(crate) const ORIGIN: Vector =
    Vector::new(-0.009_999_466_435_025_02, 0.002_592_454_260_932_412, 0.999_946_643_502_502);

pub(crate) fn edges(ring: &[Vector]) -> impl Iterator<Item = (Vector, Vector)> {
    ring.iter().copied().zip(ring.iter().cycle().skip(1).copied())
}

/// Area on the left, in steradians, 0 to 4π.
pub(crate) fn area(ring: &[Vector]) -> f64 {
    let area = signed_area(ring);
    if area.abs() < SLIVER {
        // Too thin for the sign to mean anything.
        return if keeps_left(ring) { area.max(0.0) } else { 4.0 * PI + area.min(0.0) };
    }
    if area < 0.0 { area + 4.0 * PI } else { area }
}

/// Whether the ring is thinner than the rounding errors of its corners, so that it bounds nothing.
pub(crate) fn is_thread(ring: &[Vector]) -> bool {
    signed_area(ring).abs() <= perimeter(ring) * THREAD
}

/// Widest thread, in radians: 60 nanometres on Earth.
const THREAD: f64 = 1e-14;
/// Areas below this, in steradians, are not known to their sign.
const SLIVER: f64 = 1e-12;

/// Whether the smaller part of the sphere lies on the left. Of a ring on less than half of the sphere, the corner
/// farthest from the middle tells, which is exact however thin the ring is.
pub(crate) fn keeps_left(ring: &[Vector]) -> bool {
    let middle = ring.iter().fold(Vector::new(0.0, 0.0, 0.0), |sum, corner| sum + *corner).unit();
    // As a difference: the cosines of small angles are all alike.
    let away = |at: &usize| (ring[*at] - middle).length();
    let farthest = (0..ring.len()).max_by(|a, b| away(a).total_cmp(&away(b)));
    match farthest.filter(|at| ring[*at].dot(middle) > 0.1) {
        Some(at) => {
            let (before, after) = (ring[(at + ring.len() - 1) % ring.len()], ring[(at + 1) % ring.len()]);
            side(before, ring[at], after) > 0
        }
        None => {
            let area = signed_area(ring);
            (if area < 0.0 { area + 4.0 * PI } else { area }) <= 2.0 * PI
        }
    }
}

/// Area on the left, or that on the right as a negative number where the triangles of the outline say so.
pub(crate) fn signed_area(ring: &[Vector]) -> f64 {
    ring.windows(2).skip(1).map(|pair| triangle_area(ring[0], pair[0], pair[1])).sum()
}

/// Signed area of a triangle (Eriksson 1990), from differences, so that small triangles are precise.
fn triangle_area(a: Vector, b: Vector, c: Vector) -> f64 {
    let volume = a.dot((b - a).cross(c - a));
    2.0 * volume.atan2(1.0 + a.dot(b) + b.dot(c) + c.dot(a))
}

/// The integral of all places on the left over the area: the direction of the centroid.
pub(crate) fn moment(ring: &[Vector]) -> Vector {
    let triangles = ring.windows(2).skip(1).map(|pair| triangle_moment(ring[0], pair[0], pair[1]));
    triangles.fold(Vector::new(0.0, 0.0, 0.0), |sum, one| sum + one)
}

/// The moment of one triangle: the edges' normals weighted by their lengths, solved from differences of the corners
/// so that small triangles are precise (Brock 1975, as S2 computes it).
fn triangle_moment(a: Vector, b: Vector, c: Vector) -> Vector {
    let weight = |angle: f64| if angle == 0.0 { 1.0 } else { angle / angle.sin() };
    let (of_a, of_b, of_c) = (weight(b.angle(c)), weight(c.angle(a)), weight(a.angle(b)));
    let x = Vector::new(a.x, b.x - a.x, c.x - a.x);
    let y = Vector::new(a.y, b.y - a.y, c.y - a.y);
    let z = Vector::new(a.z, b.z - a.z, c.z - a.z);
    let weights = Vector::new(of_a, of_b - of_a, of_c - of_a);
    Vector::new(y.cross(z).dot(weights), z.cross(x).dot(weights), x.cross(y).dot(weights)) * 0.5
}

/// Sum of the lengths of the edges, in radians.
pub(crate) fn perimeter(ring: &[Vector]) -> f64 {
    edges(ring).map(|(a, b)| a.angle(b)).sum()
}

/// Turned so that the smaller of the two parts of the sphere lies on the left.
pub(crate) fn smaller_part(mut ring: Ring) -> Ring {
    if !keeps_left(&ring) {
        ring.reverse();
    }
    ring
}

/// Whether [`ORIGIN`] lies on the left.
pub(crate) fn origin_inside(ring: &[Vector]) -> bool {
    let [first, second, third, ..] = ring else { return false };
    let walked = edges(ring).filter(|(a, b)| changes_sides(ORIGIN, *second, *a, *b)).count() % 2 == 1;
    corner_inside(*first, *second, *third) != walked
}

/// Whether the place lies on the left; edge by edge.
pub(crate) fn holds(ring: &[Vector], place: Vector) -> bool {
    let walked = edges(ring).filter(|(a, b)| changes_sides(ORIGIN, place, *a, *b)).count() % 2 == 1;
    origin_inside(ring) != walked
}

/// Whether a corner lies on an edge between its ends, as near as rounding can tell.
fn touches(corner: Vector, edge: (Vector, Vector)) -> bool {
    let end = |end: Vector| (corner - end).length() <= THREAD;
    !end(edge.0) && !end(edge.1) && closest_on_edge(corner, edge).angle(corner) <= THREAD
}

/// Whether the rings can bound an area: three corners and more, none twice in a ring, no edge of half the globe, no
/// two edges that cross, coincide or touch but for their ends.
pub(crate) fn sound(rings: &[Ring]) -> bool {
    for ring in rings {
        let mut corners: Vec<[u64; 3]> = ring.iter().map(|place| place.key()).collect();
        corners.sort_unstable();
        let twice = corners.windows(2).any(|pair| pair[0] == pair[1]);
        if ring.len() < 3 || twice || edges(ring).any(|(a, b)| (a + b).length() < 1e-15) {
            return false;
        }
    }
    let all: Vec<(Vector, Vector)> = rings.iter().flat_map(|ring| edges(ring)).collect();
    let tree = Tree::new(all.iter().map(|(a, b)| Box3::around(*a, *b, THREAD)));
    all.iter().enumerate().all(|(at, (a, b))| {
        let mut good = true;
        tree.overlapping(&Box3::around(*a, *b, THREAD), |other| {
            if other > at {
                let (c, d) = all[other];
                let same = *a == c && *b == d || *a == d && *b == c;
                let touch = touches(*a, (c, d)) || touches(*b, (c, d)) || touches(c, (*a, *b)) || touches(d, (*a, *b));
                good &= !same && !touch && crossing(*a, *b, c, d) != Crossing::Proper;
            }
        });
        good
    })
}
