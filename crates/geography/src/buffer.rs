//! All places within a distance of a shape, as polygons.
//!
//! The outline lies outside the true one and at most the tolerance away from it, so that the answer holds every place
//! within the distance.

use std::f64::consts::{FRAC_PI_2, TAU};

use crate::overlay::union_all;
use crate::ring::Ring;
use crate::{Error, Line, Region, Vector};

/// How far and how precisely, in radians.
#[derive(Debug, Clone, Copy)]
pub struct Buffer {
    /// Of the corners of the polygon that stands for a circle; the middles of its sides lie at the radius.
    outer: f64,
    /// Of the far sides of strips, between the two, so that they cross the sides of circles and do not touch them.
    strip: f64,
    /// Corners of the polygon that stands for a circle.
    corners: usize,
    /// Longest strip whose far side stays within `outer`.
    strip_length: f64,
}

/// The finest tolerance, as a share of the radius.
const FINEST: f64 = 1e-6;

/// Of all circles and strips of a buffer together.
const MOST_CORNERS: f64 = 1_000_000.0;

impl Buffer {
    /// `None` where the radius is not positive or the tolerance is finer than a millionth of it; a tolerance above the
    /// radius counts as the radius.
    ///
    /// # Errors
    /// [`Error::MoreThanHalf`] for radii of a quarter of the globe and more.
    pub fn new(radius: f64, tolerance: f64) -> Result<Option<Buffer>, Error> {
        if !(radius > 0.0 && radius.is_finite() && tolerance >= radius * FINEST) {
            return Ok(None);
        }
        let farthest = radius + tolerance.min(radius);
        if farthest >= FRAC_PI_2 {
            return Err(Error::MoreThanHalf);
        }
        // A side that touches the circle of one radius in its middle ends at the circle of another.
        let half_side = |middle: f64, end: f64| (middle.tan() / end.tan()).clamp(-1.0, 1.0).acos();
        let corners = (TAU / (2.0 * half_side(radius, farthest))).ceil().max(4.0);
        let outer = (radius.tan() / (TAU / 2.0 / corners).cos()).atan();
        let strip = (radius + outer) / 2.0;
        Ok(Some(Buffer { outer, strip, corners: corners as usize, strip_length: 2.0 * half_side(strip, outer) }))
    }

    /// Around a place.
    pub fn of_place(&self, place: Vector) -> Region {
        Region::new(vec![self.circle(place)])
    }

    /// Around a line.
    ///
    /// # Errors
    /// As [`union_all`].
    pub fn of_line(&self, line: &Line) -> Result<Region, Error> {
        union_all(self.around(line.edges())?)
    }

    /// Around a region and with it.
    ///
    /// # Errors
    /// As [`union_all`].
    pub fn of_region(&self, region: &Region) -> Result<Region, Error> {
        let mut parts = self.around(region.edges())?;
        parts.push(Region::new(region.rings().to_vec()));
        union_all(parts)
    }

    /// A circle around each corner, a strip along each edge.
    fn around(&self, edges: &[(Vector, Vector)]) -> Result<Vec<Region>, Error> {
        let length: f64 = edges.iter().map(|(a, b)| a.angle(*b)).sum();
        if edges.len() as f64 * self.corners as f64 + length / self.strip_length > MOST_CORNERS {
            return Err(Error::TooFine);
        }
        let mut parts = Vec::new();
        let mut circled: Option<Vector> = None;
        for (a, b) in edges {
            if circled != Some(*a) {
                parts.push(self.of_place(*a));
            }
            parts.extend(self.strips(*a, *b));
            parts.push(self.of_place(*b));
            circled = Some(*b);
        }
        Ok(parts)
    }

    /// Both sides of an edge. The far sides of strips bulge outward, so long edges have several.
    fn strips(&self, a: Vector, b: Vector) -> Vec<Region> {
        let length = a.angle(b);
        let steps = (length / self.strip_length).ceil().max(1.0) as usize;
        let left = a.normal_to(b).unit();
        let at = |step: usize| if step == steps { b } else { a.toward(b, length * step as f64 / steps as f64) };
        let off = |place: Vector, side: f64| (place * self.strip.cos() + left * (side * self.strip.sin())).unit();
        let along = (0..steps).map(|step| (at(step), at(step + 1)));
        along.map(|(a, b)| Region::new(vec![vec![off(a, -1.0), off(b, -1.0), off(b, 1.0), off(a, 1.0)]])).collect()
    }

    fn circle(&self, centre: Vector) -> Ring {
        let across = centre.perpendicular();
        let along = centre.cross(across);
        let corner = |at: usize| {
            let (sine, cosine) = (TAU * at as f64 / self.corners as f64).sin_cos();
            (centre * self.outer.cos() + (across * cosine + along * sine) * self.outer.sin()).unit()
        };
        (0..self.corners).map(corner).collect()
    }
}
