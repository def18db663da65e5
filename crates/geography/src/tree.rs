//! Finds edges by place: a tree of boxes around them.

use crate::vector::Vector;

/// A box in space.
#[derive(Debug, Clone, Copy)]
pub struct Box3 {
    low: [f64; 3],
    high: [f64; 3],
}

impl Box3 {
    /// Around the edge `a`–`b`, which bulges out of the straight line between its ends, and `margin` around that.
    pub fn around(a: Vector, b: Vector, margin: f64) -> Box3 {
        let bulge = 1.0 - (a + b).length() / 2.0 + margin;
        let (a, b) = (a.axes(), b.axes());
        Box3 {
            low: std::array::from_fn(|axis| a[axis].min(b[axis]) - bulge),
            high: std::array::from_fn(|axis| a[axis].max(b[axis]) + bulge),
        }
    }

    fn joined(self, other: Box3) -> Box3 {
        Box3 {
            low: std::array::from_fn(|axis| self.low[axis].min(other.low[axis])),
            high: std::array::from_fn(|axis| self.high[axis].max(other.high[axis])),
        }
    }

    fn overlaps(&self, other: &Box3) -> bool {
        (0..3).all(|axis| self.low[axis] <= other.high[axis] && other.low[axis] <= self.high[axis])
    }

    /// Straight distance from `place` to the nearest point of the box.
    fn distance(&self, place: Vector) -> f64 {
        let place = place.axes();
        let squares = (0..3).map(|axis| {
            let outside = (self.low[axis] - place[axis]).max(place[axis] - self.high[axis]).max(0.0);
            outside * outside
        });
        squares.sum::<f64>().sqrt()
    }
}

/// Boxes in groups of groups. Items are positions in the list that the tree was made of.
#[derive(Debug, Default)]
pub struct Tree {
    /// In the order of the leaves.
    items: Vec<(Box3, u32)>,
    /// Levels of groups from the leaves up; each group covers [`FAN`] of the level below.
    levels: Vec<Vec<Box3>>,
}

const FAN: usize = 8;

impl Tree {
    /// A tree over `boxes`.
    pub fn new(boxes: impl Iterator<Item = Box3>) -> Tree {
        let mut items: Vec<(Box3, u32)> = (0..).zip(boxes).map(|(at, bounds)| (bounds, at)).collect();
        arrange(&mut items);
        let mut levels: Vec<Vec<Box3>> = Vec::new();
        let mut below: Vec<Box3> = items.iter().map(|(bounds, _)| *bounds).collect();
        while below.len() > 1 {
            below = below.chunks(FAN).map(joined).collect();
            levels.push(below.clone());
        }
        Tree { items, levels }
    }

    /// Calls `visit` with every item whose box overlaps `bounds`.
    pub fn overlapping(&self, bounds: &Box3, mut visit: impl FnMut(usize)) {
        let mut open: Vec<(usize, usize)> = self.roots();
        while let Some((level, at)) = open.pop() {
            if level == 0 {
                let (known, item) = &self.items[at];
                if known.overlaps(bounds) {
                    visit(*item as usize);
                }
            } else if self.levels[level - 1][at].overlaps(bounds) {
                open.extend(self.children(level, at));
            }
        }
    }

    /// The smallest `measure` of all items. `measure` gives the distance of an item in radians, which is at least the
    /// straight distance to its box.
    pub fn nearest(&self, place: Vector, mut measure: impl FnMut(usize) -> f64) -> Option<(usize, f64)> {
        let mut best: Option<(usize, f64)> = None;
        let mut open: Vec<(usize, usize)> = self.roots();
        while let Some((level, at)) = open.pop() {
            let bounds = if level == 0 { &self.items[at].0 } else { &self.levels[level - 1][at] };
            if best.is_some_and(|(_, known)| bounds.distance(place) > known) {
                continue;
            }
            if level > 0 {
                let mut children: Vec<(usize, usize)> = self.children(level, at).collect();
                let below = |at: usize| if level == 1 { self.items[at].0 } else { self.levels[level - 2][at] };
                children.sort_by(|a, b| below(b.1).distance(place).total_cmp(&below(a.1).distance(place)));
                open.extend(children);
                continue;
            }
            let item = self.items[at].1 as usize;
            let distance = measure(item);
            // Of items equally near, the first in the list.
            if best.is_none_or(|(known, least)| distance < least || distance == least && item < known) {
                best = Some((item, distance));
            }
        }
        best
    }

    fn roots(&self) -> Vec<(usize, usize)> {
        if self.items.is_empty() { Vec::new() } else { vec![(self.levels.len(), 0)] }
    }

    fn children(&self, level: usize, at: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let below = if level == 1 { self.items.len() } else { self.levels[level - 2].len() };
        (at * FAN..below.min((at + 1) * FAN)).map(move |child| (level - 1, child))
    }
}

fn joined(boxes: &[Box3]) -> Box3 {
    boxes.iter().skip(1).fold(boxes[0], |all, one| all.joined(*one))
}

/// Puts neighbours next to each other: halves along the longest axis, again and again.
fn arrange(items: &mut [(Box3, u32)]) {
    if items.len() <= FAN {
        return;
    }
    let centre = |item: &(Box3, u32), axis: usize| item.0.low[axis] + item.0.high[axis];
    let extent = |axis: usize| {
        let values = items.iter().map(|item| centre(item, axis));
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        high - low
    };
    let axis = (0..3).max_by(|a, b| extent(*a).total_cmp(&extent(*b))).unwrap_or(0);
    let middle = items.len() / 2 / FAN * FAN;
    let middle = if middle == 0 { FAN } else { middle };
    items.select_nth_unstable_by(middle, |a, b| centre(a, axis).total_cmp(&centre(b, axis)).then(a.1.cmp(&b.1)));
    let (left, right) = items.split_at_mut(middle);
    arrange(left);
    arrange(right);
}
