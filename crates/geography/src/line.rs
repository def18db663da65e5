//! Lines on the sphere: chains of edges along great circles.

use crate::region::{closest_on_edge, nearest_on};
use crate::tree::{Box3, Tree};
use crate::vector::Vector;

/// One chain or several, each of two places and more.
#[derive(Debug)]
pub struct Line {
    chains: Vec<Vec<Vector>>,
    edges: Vec<(Vector, Vector)>,
    tree: Tree,
}

impl Line {
    /// A line of these chains, places that repeat the one before left out. `None` where a chain has no two different
    /// places, or an edge is half the globe long, so that its way is not determined.
    pub(crate) fn new(mut chains: Vec<Vec<Vector>>) -> Option<Line> {
        chains.iter_mut().for_each(Vec::dedup);
        if chains.is_empty() || chains.iter().any(|chain| chain.len() < 2) {
            return None;
        }
        let edges: Vec<(Vector, Vector)> =
            chains.iter().flat_map(|chain| chain.windows(2).map(|pair| (pair[0], pair[1]))).collect();
        if edges.iter().any(|(a, b)| (*a + *b).length() < 1e-15) {
            return None;
        }
        let tree = Tree::new(edges.iter().map(|(a, b)| Box3::around(*a, *b, 1e-15)));
        Some(Line { chains, edges, tree })
    }

    pub(crate) fn chains(&self) -> &[Vec<Vector>] {
        &self.chains
    }

    pub fn edges(&self) -> &[(Vector, Vector)] {
        &self.edges
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// In radians.
    pub fn length(&self) -> f64 {
        self.edges.iter().map(|(a, b)| a.angle(*b)).sum()
    }

    /// The middle of all places of the line; `None` where it has none.
    pub fn centroid(&self) -> Option<Vector> {
        let moments = self.edges.iter().map(|(a, b)| {
            let (sum, difference) = (*a + *b, *a - *b);
            sum * (difference.length() / sum.length())
        });
        let moment = moments.fold(Vector::new(0.0, 0.0, 0.0), |sum, one| sum + one);
        (moment.length() > 0.0).then(|| moment.unit())
    }

    /// The place at this share of the length, 0 to 1.
    pub fn at(&self, share: f64) -> Option<Vector> {
        if !(0.0..=1.0).contains(&share) {
            return None;
        }
        let mut left = share * self.length();
        for (a, b) in &self.edges {
            let length = a.angle(*b);
            if left < length {
                return Some(a.toward(*b, left));
            }
            left -= length;
        }
        self.edges.last().map(|(_, end)| *end)
    }

    /// Which share of the length lies before the place of the line that is nearest to `place`.
    pub fn share_before(&self, place: Vector) -> Option<f64> {
        let (nearest, _) = self.tree.nearest(place, |at| closest_on_edge(place, self.edges[at]).angle(place))?;
        let before: f64 = self.edges[..nearest].iter().map(|(a, b)| a.angle(*b)).sum();
        let within = self.edges[nearest].0.angle(closest_on_edge(place, self.edges[nearest]));
        Some(((before + within) / self.length()).clamp(0.0, 1.0))
    }

    /// The nearest place of the line.
    pub fn closest(&self, place: Vector) -> Option<Vector> {
        nearest_on(&self.edges, &self.tree, place)
    }

    /// Radians to the nearest place of the line.
    pub fn distance(&self, place: Vector) -> Option<f64> {
        self.closest(place).map(|closest| closest.angle(place))
    }
}
