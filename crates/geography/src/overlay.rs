//! Union and intersection of shapes.
//!
//! Both shapes are cut where they meet; of every piece it is known what lies on its left and right, so a piece bounds
//! the answer where exactly one of its sides belongs to it. No projection is involved: edges stay on great circles.

use std::collections::{BTreeMap, BTreeSet};

use crate::arrangement::{Arrangement, Owner, Piece, numbered};
use crate::chain::{Arrow, lines, rings};
use crate::line::Line;
use crate::predicate::{Crossing, crossing};
use crate::region::{Region, closest_on_edge};
use crate::tree::{Box3, Tree};
use crate::vector::Vector;
use crate::{Error, ring};

/// Radii within which places count as one, in radians: rounding errors, then up to six millimetres on Earth for
/// outlines that run so close to each other that rounding decides how they lie.
const SNAPS: [f64; 6] = [1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9];

/// What two shapes have in common.
#[derive(Debug)]
pub struct Common {
    /// Places that belong to none of the others.
    pub places: Vec<Vector>,
    /// Lines that do not bound the area.
    pub lines: Vec<Vec<Vector>>,
    pub area: Region,
}

/// The area that belongs to one of the regions or to both.
///
/// # Errors
/// As [`common_area`].
pub fn union(first: &Region, second: &Region) -> Result<Region, Error> {
    let edges = numbered(first.edges(), second.edges());
    attempt(|snap| {
        let arrangement = Arrangement::of(&edges, snap);
        outline(&arrangement, [first, second], |in_first, in_second| in_first || in_second).map(|(area, _)| area)
    })
}

/// The area of all regions together. The two of the fewest corners first, as S2 does it: the order decides where
/// rings begin.
///
/// # Errors
/// As [`common_area`].
pub fn union_all(regions: Vec<Region>) -> Result<Region, Error> {
    let mut order = 0_usize;
    let mut waiting: BTreeMap<(usize, usize), Region> = BTreeMap::new();
    for region in regions.into_iter().filter(|region| !region.is_empty()) {
        waiting.insert((region.edges().len(), order), region);
        order += 1;
    }
    while waiting.len() > 1 {
        let (Some(((size, _), first)), Some(((other_size, _), second))) = (waiting.pop_first(), waiting.pop_first())
        else {
            break;
        };
        waiting.insert((size + other_size, order), union(&first, &second)?);
        order += 1;
    }
    Ok(waiting.pop_first().map_or_else(|| Region::new(Vec::new()), |(_, region)| region))
}

/// What two regions have in common, their outlines included.
///
/// # Errors
/// [`Error::MoreThanHalf`] where the answer is too large to be written, [`Error::Tangled`] where outlines run so close
/// to each other that rounding decides how they lie.
pub fn common_area(first: &Region, second: &Region) -> Result<Common, Error> {
    let edges = numbered(first.edges(), second.edges());
    attempt(|snap| {
        let arrangement = Arrangement::of(&edges, snap);
        let (area, mut covered) = outline(&arrangement, [first, second], |in_first, in_second| in_first && in_second)?;
        let mut touching = Vec::new();
        for group in arrangement.groups() {
            let (of_first, of_second) = (net(group, Owner::First), net(group, Owner::Second));
            if of_first * of_second < 0 {
                touching.push(arrow(&group[0], of_first > 0));
            }
        }
        covered.extend(touching.iter().flat_map(|arrow| [arrow.from, arrow.to]));
        Ok(Common { places: rest(&arrangement, &covered), lines: lines(touching, &arrangement.places), area })
    })
}

/// What a line and a region have in common.
pub fn common_line(line: &Line, region: &Region) -> Common {
    let edges = numbered(line.edges(), region.edges());
    let arrangement = Arrangement::of(&edges, SNAPS[0]);
    let mut kept = Vec::new();
    for group in arrangement.groups() {
        if group[0].owner == Owner::First || group.iter().any(|piece| piece.owner == Owner::First) {
            let on_outline = group.iter().any(|piece| piece.owner == Owner::Second);
            if on_outline || region.contains(arrangement.middle(&group[0])) {
                kept.extend(first_of(group, Owner::First));
            }
        }
    }
    common_pieces(&arrangement, kept)
}

/// What two lines have in common.
pub fn common_of_lines(first: &Line, second: &Line) -> Common {
    let edges = numbered(first.edges(), second.edges());
    let arrangement = Arrangement::of(&edges, SNAPS[0]);
    let both = |group: &&[Piece]| {
        [Owner::First, Owner::Second].iter().all(|owner| group.iter().any(|piece| piece.owner == *owner))
    };
    let kept: Vec<Arrow> =
        arrangement.groups().filter(both).filter_map(|group| first_of(group, Owner::First)).collect();
    common_pieces(&arrangement, kept)
}

/// All places of the lines, each stretch once; lines that cross are cut there.
pub fn union_of_lines(all: &[Line]) -> Vec<Vec<Vector>> {
    let edges: Vec<(Vector, Vector)> = all.iter().flat_map(|line| line.edges().iter().copied()).collect();
    let arrangement = Arrangement::of(&numbered(&edges, &[]), SNAPS[0]);
    let kept = arrangement.groups().filter_map(|group| first_of(group, Owner::First)).collect();
    lines(kept, &arrangement.places)
}

/// Whether two regions have a place in common, their outlines included.
pub fn regions_meet(first: &Region, second: &Region) -> bool {
    let inside = |one: &Region, other: &Region| one.rings().iter().any(|ring| other.contains(ring[0]));
    edges_meet(first.edges(), second.edges(), second.tree()) || inside(first, second) || inside(second, first)
}

/// Whether a line and a region have a place in common.
pub fn line_meets_region(line: &Line, region: &Region) -> bool {
    let inside = || line.chains().iter().any(|chain| region.contains(chain[0]));
    edges_meet(line.edges(), region.edges(), region.tree()) || inside()
}

/// Whether two lines have a place in common.
pub fn lines_meet(first: &Line, second: &Line) -> bool {
    edges_meet(first.edges(), second.edges(), second.tree())
}

fn edges_meet(edges: &[(Vector, Vector)], others: &[(Vector, Vector)], tree: &Tree) -> bool {
    edges.iter().any(|(a, b)| {
        let mut meet = false;
        tree.overlapping(&Box3::around(*a, *b, SNAPS[0]), |other| {
            let (c, d) = others[other];
            let touch = || on(*a, (c, d)) || on(*b, (c, d)) || on(c, (*a, *b)) || on(d, (*a, *b));
            meet = meet || crossing(*a, *b, c, d) != Crossing::Apart || touch();
        });
        meet
    })
}

/// Whether the place lies on the edge, as near as overlays look.
fn on(place: Vector, edge: (Vector, Vector)) -> bool {
    closest_on_edge(place, edge).angle(place) <= SNAPS[0]
}

fn attempt<T>(mut overlay: impl FnMut(f64) -> Result<T, Error>) -> Result<T, Error> {
    let mut outcome = overlay(SNAPS[0]);
    for snap in &SNAPS[1..] {
        if !matches!(outcome, Err(Error::Tangled)) {
            break;
        }
        outcome = overlay(*snap);
    }
    outcome
}

/// The area of all places for which `keep` holds, and the places of its corners.
fn outline(
    arrangement: &Arrangement,
    regions: [&Region; 2],
    keep: fn(bool, bool) -> bool,
) -> Result<(Region, BTreeSet<u32>), Error> {
    let mut arrows = Vec::new();
    for group in arrangement.groups() {
        let mut left = [false; 2];
        let mut right = [false; 2];
        for (at, owner) in [Owner::First, Owner::Second].into_iter().enumerate() {
            let net = net(group, owner);
            if net == 0 {
                let collapsed = group.iter().any(|piece| piece.owner == owner);
                let inside = regions[at].contains(beside(arrangement, &group[0], collapsed));
                (left[at], right[at]) = (inside, inside);
            } else {
                (left[at], right[at]) = (net > 0, net < 0);
            }
        }
        let (on_left, on_right) = (keep(left[0], left[1]), keep(right[0], right[1]));
        if on_left != on_right {
            arrows.push(arrow(&group[0], on_left));
        }
    }
    let corners = arrows.iter().flat_map(|arrow| [arrow.from, arrow.to]).collect();
    let mut rings = rings(arrows, &arrangement.places)?;
    rings.retain(|ring| !ring::is_thread(ring));
    if rings.iter().any(|ring| ring.len() < 3) {
        return Err(Error::Tangled);
    }
    let area = Region::new(rings);
    let written: usize = area.shells().iter().map(|(_, holes)| 1 + holes.len()).sum();
    if written == area.rings().len() { Ok((area, corners)) } else { Err(Error::MoreThanHalf) }
}

/// A place on the piece, or next to it where what ran along it on both sides fell together, so that the place on it
/// says nothing.
fn beside(arrangement: &Arrangement, piece: &Piece, off: bool) -> Vector {
    let (low, high) = (arrangement.place(piece.low), arrangement.place(piece.high));
    let step = if off { (low.angle(high) / 8.0).min(1e-10) } else { 0.0 };
    (arrangement.middle(piece) + low.normal_to(high).unit() * step).unit()
}

/// How often edges of `owner` run forward in the group, less how often backward.
fn net(group: &[Piece], owner: Owner) -> i32 {
    group.iter().filter(|piece| piece.owner == owner).map(|piece| if piece.forward { 1 } else { -1 }).sum()
}

fn arrow(piece: &Piece, forward: bool) -> Arrow {
    let (from, to) = if forward { (piece.low, piece.high) } else { (piece.high, piece.low) };
    Arrow { from, to, number: piece.number, step: piece.step }
}

/// The first piece of `owner` in the group, as its edge runs.
fn first_of(group: &[Piece], owner: Owner) -> Option<Arrow> {
    group.iter().find(|piece| piece.owner == owner).map(|piece| arrow(piece, piece.forward))
}

fn common_pieces(arrangement: &Arrangement, kept: Vec<Arrow>) -> Common {
    let covered = kept.iter().flat_map(|arrow| [arrow.from, arrow.to]).collect();
    let places = rest(arrangement, &covered);
    Common { places, lines: lines(kept, &arrangement.places), area: Region::new(Vec::<ring::Ring>::new()) }
}

/// Places of both shapes that are not `covered`.
fn rest(arrangement: &Arrangement, covered: &BTreeSet<u32>) -> Vec<Vector> {
    let shared = arrangement.shared_places().into_iter().filter(|place| !covered.contains(place));
    shared.map(|place| arrangement.place(place)).collect()
}
