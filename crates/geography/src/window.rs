//! In which directions an edge may leave a place so that it passes near some places and clear of others (S2's polyline
//! simplifier).

use std::f64::consts::{PI, TAU};

use crate::vector::Vector;

/// The directions that are left.
#[derive(Debug)]
pub(crate) struct Window {
    source: Vector,
    across: Vector,
    along: Vector,
    /// Everything is allowed as long as this is `None`; else from the first direction on, counter-clockwise.
    range: Option<(f64, f64)>,
    /// What is to be avoided while everything else is allowed.
    waiting: Vec<(f64, f64, bool)>,
}

impl Window {
    /// All directions from `source`, counted from that to `towards`.
    pub fn new(source: Vector, towards: Vector) -> Window {
        let across = source.normal_to(towards).cross(source).unit();
        Window { source, across, along: source.cross(across), range: None, waiting: Vec::new() }
    }

    /// Directions that pass within `radius` of the place; false if none are left.
    pub fn pass_near(&mut self, place: Vector, radius: f64) -> bool {
        let Some(half) = self.half_width(place, radius) else { return true };
        let middle = self.direction(place);
        match self.range {
            None => {
                self.range = Some((middle - half, middle + half));
                let waiting = std::mem::take(&mut self.waiting);
                waiting.into_iter().all(|(low, high, left)| self.leave_out(low, high, left))
            }
            Some((low, high)) => {
                let middle = near(middle, low, high);
                self.range = Some((low.max(middle - half), high.min(middle + half)));
                self.is_open()
            }
        }
    }

    /// Directions that stay `radius` away from the place and keep it on its side; false if none are left.
    pub fn pass_clear(&mut self, place: Vector, radius: f64, left: bool) -> bool {
        let Some(half) = self.half_width(place, radius) else { return false };
        let middle = self.direction(place);
        if self.range.is_none() {
            self.waiting.push((middle - half, middle + half, left));
            return true;
        }
        self.leave_out(middle - half, middle + half, left)
    }

    /// Whether an edge to the place is allowed. Edges longer than a quarter of the globe are not.
    pub fn allows(&self, place: Vector) -> bool {
        let direction = self.direction(place);
        let within = |low: f64, high: f64| {
            let direction = near(direction, low, high);
            low <= direction && direction <= high
        };
        self.source.dot(place) >= 0.0
            && self.range.is_none_or(|(low, high)| within(low, high))
            && !self.waiting.iter().any(|(low, high, _)| within(*low, *high))
    }

    fn leave_out(&mut self, low: f64, high: f64, left: bool) -> bool {
        if let Some((from, to)) = self.range {
            let middle = near((low + high) / 2.0, from, to);
            let half = (high - low) / 2.0;
            let (low, high) = (middle - half, middle + half);
            self.range = Some(if from <= low && high <= to {
                if left { (from, low) } else { (high, to) }
            } else if low <= from && from <= high {
                (high, to)
            } else if low <= to && to <= high {
                (from, low)
            } else {
                (from, to)
            });
        }
        self.is_open()
    }

    fn is_open(&self) -> bool {
        self.range.is_none_or(|(low, high)| low <= high)
    }

    /// Half of the angle under which a circle is seen; `None` from inside it.
    fn half_width(&self, place: Vector, radius: f64) -> Option<f64> {
        let distance = self.source.angle(place);
        (distance > radius).then(|| (radius.sin() / distance.sin()).min(1.0).asin())
    }

    fn direction(&self, place: Vector) -> f64 {
        place.dot(self.along).atan2(place.dot(self.across))
    }
}

/// The same direction, within half a turn of the middle of the range.
fn near(direction: f64, low: f64, high: f64) -> f64 {
    let off = (direction - (low + high) / 2.0 + PI).rem_euclid(TAU) - PI;
    (low + high) / 2.0 + off
}
