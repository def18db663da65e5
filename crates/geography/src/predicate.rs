//! Yes-or-no questions about places, answered exactly: on which side of an edge a place lies, whether edges cross.
//!
//! Where places lie on one great circle, S2's symbolic perturbation decides: every place counts as moved by an
//! infinitesimal amount of its own, so that no question is left open and all answers agree with one another.

use robust::{Coord, Coord3D, orient2d, orient3d};

use crate::vector::Vector;

/// How two edges lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    Apart,
    /// They have an end in common.
    Vertex,
    /// They cross inside both.
    Proper,
}

/// Bound of the rounding error of a triple product of unit vectors.
const TRIPLE_ERROR: f64 = 1e-15;

/// 1 if the three places turn to the left, -1 if to the right, 0 only if two are equal.
pub fn side(a: Vector, b: Vector, c: Vector) -> i32 {
    let triple = a.cross(b).dot(c);
    if triple.abs() > TRIPLE_ERROR {
        return sign(triple);
    }
    match exact_side(a, b, c) {
        0 if a == b || b == c || c == a => 0,
        0 => perturbed_side(a, b, c),
        side => side,
    }
}

/// As [`side`], but 0 for places on one great circle.
fn exact_side(a: Vector, b: Vector, c: Vector) -> i32 {
    let [a, b, c] = [a, b, c].map(|place| Coord3D { x: place.x, y: place.y, z: place.z });
    sign(orient3d(a, b, c, Coord3D { x: 0.0, y: 0.0, z: 0.0 }))
}

fn sign(value: f64) -> i32 {
    i32::from(value > 0.0) - i32::from(value < 0.0)
}

/// Exact sign of `a.0 * b.1 - a.1 * b.0`.
fn minor(a: (f64, f64), b: (f64, f64)) -> i32 {
    sign(orient2d(Coord { x: a.0, y: a.1 }, Coord { x: b.0, y: b.1 }, Coord { x: 0.0, y: 0.0 }))
}

/// Side of three different places on one great circle. The order of the tests is the order of magnitude of the
/// perturbations (Edelsbrunner and Mücke, "Simulation of Simplicity").
fn perturbed_side(a: Vector, b: Vector, c: Vector) -> i32 {
    let mut places = [a, b, c];
    let mut permutation = 1;
    for (left, right) in [(0, 1), (1, 2), (0, 1)] {
        if places[left].axes().partial_cmp(&places[right].axes()) == Some(std::cmp::Ordering::Greater) {
            places.swap(left, right);
            permutation = -permutation;
        }
    }
    let [a, b, c] = places;
    let tests = [
        minor((b.x, b.y), (c.x, c.y)),
        minor((b.z, b.x), (c.z, c.x)),
        minor((b.y, b.z), (c.y, c.z)),
        minor((c.x, c.y), (a.x, a.y)),
        sign(c.x),
        -sign(c.y),
        minor((c.z, c.x), (a.z, a.x)),
        sign(c.z),
        minor((a.x, a.y), (b.x, b.y)),
        -sign(b.x),
        sign(b.y),
        sign(a.x),
    ];
    permutation * tests.into_iter().find(|test| *test != 0).unwrap_or(1)
}

/// Whether `a`, `b`, `c` come in this order, counter-clockwise around `centre`.
pub fn ordered(a: Vector, b: Vector, c: Vector, centre: Vector) -> bool {
    let votes =
        u8::from(side(b, centre, a) >= 0) + u8::from(side(c, centre, b) >= 0) + u8::from(side(a, centre, c) > 0);
    votes >= 2
}

/// How the edges `a`–`b` and `c`–`d` lie to each other.
pub fn crossing(a: Vector, b: Vector, c: Vector, d: Vector) -> Crossing {
    if a == c || a == d || b == c || b == d {
        return if a == b || c == d { Crossing::Apart } else { Crossing::Vertex };
    }
    let first = side(a, c, b);
    if first == side(b, d, a) && first == -side(c, d, b) && first == side(c, d, a) && first != 0 {
        Crossing::Proper
    } else {
        Crossing::Apart
    }
}

/// Whether a walk along `a`–`b` changes sides at the edge `c`–`d`, counting a shared end so that every place on an
/// outline belongs to exactly one side of it.
pub fn changes_sides(a: Vector, b: Vector, c: Vector, d: Vector) -> bool {
    match crossing(a, b, c, d) {
        Crossing::Apart => false,
        Crossing::Proper => true,
        Crossing::Vertex if a == c => b == d || ordered(a.perpendicular(), d, b, a),
        Crossing::Vertex if b == d => ordered(b.perpendicular(), c, a, b),
        Crossing::Vertex if a == d => b == c || ordered(a.perpendicular(), c, b, a),
        Crossing::Vertex => ordered(b.perpendicular(), d, a, b),
    }
}

/// Whether the corner `b` of an outline that comes from `a` and goes on to `c` belongs to what lies on its left.
pub fn corner_inside(a: Vector, b: Vector, c: Vector) -> bool {
    !ordered(b.perpendicular(), c, a, b)
}

/// Where two edges that cross properly do so: the place of the first edge between its ends' distances from the second.
/// It lies on both to within rounding even where they are nearly parallel, which the cross product of their normals
/// would not.
pub fn intersection(a: Vector, b: Vector, c: Vector, d: Vector) -> Vector {
    let normal = c.normal_to(d).unit();
    let distance = |place: Vector| {
        let near = if (place - c).length() < (place - d).length() { c } else { d };
        normal.dot(place - near).abs()
    };
    let (from_a, from_b) = (distance(a), distance(b));
    if from_a + from_b == 0.0 { a } else { (a * from_b + b * from_a).unit() }
}
