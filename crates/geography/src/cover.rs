//! S2 cells that cover a shape.

use crate::predicate::{Crossing, crossing};
use crate::region::closest_on_edge;
use crate::square::Square;
use crate::{Line, Region, Vector};

/// A shape and all places within a distance of it.
pub struct Reach<'s> {
    edges: &'s [(Vector, Vector)],
    inside: Option<&'s Region>,
    /// Radians.
    distance: f64,
}

impl<'s> Reach<'s> {
    /// All places within `distance` radians of the region.
    pub fn of_region(region: &'s Region, distance: f64) -> Reach<'s> {
        Reach { edges: region.edges(), inside: Some(region), distance }
    }

    /// All places within `distance` radians of the line.
    pub fn of_line(line: &'s Line, distance: f64) -> Reach<'s> {
        Reach { edges: line.edges(), inside: None, distance }
    }

    /// All cells of `level` that have a place in common with it, in order of their tokens; `None` where these are more
    /// than `most`.
    pub fn squares(&self, level: u64, most: usize) -> Option<Vec<Square>> {
        let mut found = Vec::new();
        let edges: Vec<usize> = (0..self.edges.len()).collect();
        for face in Square::faces() {
            self.descend(face, &edges, level, most, &mut found)?;
        }
        Some(found)
    }

    fn descend(&self, cell: Square, edges: &[usize], level: u64, most: usize, found: &mut Vec<Square>) -> Option<()> {
        match self.within(cell, edges) {
            Part::None => Some(()),
            Part::All => {
                let many = 1_usize.checked_shl(u32::try_from(2 * (level - cell.level())).ok()?)?;
                (found.len().checked_add(many)? <= most).then(|| found.extend(cell.descendants(level)))
            }
            Part::Some(_) if cell.level() == level => {
                found.push(cell);
                (found.len() <= most).then_some(())
            }
            Part::Some(edges) => {
                cell.children().into_iter().try_for_each(|child| self.descend(child, &edges, level, most, found))
            }
        }
    }

    /// A few cells of any level divisible by three that cover it, none of which holds another. Coarser where it is
    /// large.
    pub fn rough_squares(&self) -> Vec<Square> {
        let all: Vec<usize> = (0..self.edges.len()).collect();
        let mut cells: Vec<(Square, Part)> = Square::faces().map(|face| (face, self.within(face, &all))).into();
        cells.retain(|(_, part)| !matches!(part, Part::None));
        loop {
            let finer: Vec<(Square, Part)> = cells.iter().flat_map(|(cell, part)| self.refined(*cell, part)).collect();
            let deeper = finer.iter().any(|(cell, _)| cells.iter().all(|(known, _)| known != cell));
            if !deeper || finer.len() > ROUGH {
                return cells.into_iter().map(|(cell, _)| cell).collect();
            }
            cells = finer;
        }
    }

    fn refined(&self, cell: Square, part: &Part) -> Vec<(Square, Part)> {
        match part {
            Part::Some(edges) if cell.level() + ROUGH_STEP <= crate::square::FINEST_SQUARE => {
                let parts = cell.descendants(cell.level() + ROUGH_STEP).map(|child| (child, self.within(child, edges)));
                parts.filter(|(_, part)| !matches!(part, Part::None)).collect()
            }
            part => vec![(cell, part.clone())],
        }
    }

    /// What of the cell belongs to the reach. Only `edges` are near it.
    fn within(&self, cell: Square, edges: &[usize]) -> Part {
        let corners = cell.corners();
        let near: Vec<usize> =
            edges.iter().copied().filter(|at| near(&corners, self.edges[*at], self.distance)).collect();
        if near.is_empty() {
            let inside = self.inside.is_some_and(|region| region.contains(cell.centre()));
            return if inside { Part::All } else { Part::None };
        }
        // All of it, where even its farthest corner is near enough.
        let (centre, half) =
            (cell.centre(), corners.iter().map(|corner| corner.angle(cell.centre())).fold(0.0, f64::max));
        let whole = |at: &usize| closest_on_edge(centre, self.edges[*at]).angle(centre) + half <= self.distance;
        if half < self.distance && near.iter().any(whole) { Part::All } else { Part::Some(near) }
    }
}

/// Levels between rough cells.
pub const ROUGH_STEP: u64 = 3;
/// Most rough cells of a shape.
const ROUGH: usize = 64;

#[derive(Debug, Clone)]
enum Part {
    None,
    All,
    /// These edges are near the cell.
    Some(Vec<usize>),
}

/// Whether the edge comes within `distance` of the cell with these corners.
fn near(corners: &[Vector; 4], edge: (Vector, Vector), distance: f64) -> bool {
    // Rounding of places on the border of two cells.
    let distance = distance + 1e-15;
    let sides: [(Vector, Vector); 4] = std::array::from_fn(|at| (corners[at], corners[(at + 1) % 4]));
    let holds = |place: Vector| sides.iter().all(|(a, b)| a.cross(*b).dot(place) >= 0.0);
    holds(edge.0)
        || sides.iter().any(|(a, b)| {
            crossing(*a, *b, edge.0, edge.1) != Crossing::Apart
                || closest_on_edge(*a, edge).angle(*a) <= distance
                || [edge.0, edge.1].iter().any(|end| closest_on_edge(*end, (*a, *b)).angle(*end) <= distance)
        })
}
