//! Shapes with fewer corners, in the way of S2's builder.
//!
//! Of corners closer than the tolerance one stays, the first in the order of S2 cells (a *site*); edges go from site to
//! site. Then chains of edges become one edge as long as it passes within the tolerance of every corner that it
//! replaces. What is smaller than the tolerance disappears. All shapes are taken together, so shared borders stay
//! shared.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::chain::{Arrow, lines, rings};
use crate::predicate::{ordered, side};
use crate::region::closest_on_edge;
use crate::ring;
use crate::square::{FINEST_SQUARE, Square};
use crate::tree::{Box3, Tree};
use crate::window::Window;
use crate::{Error, Line, Region, Vector};

/// The line with fewer places; `None` where all of it lies within the tolerance, in radians.
pub fn simplified_line(line: &Line, tolerance: f64) -> Option<Vec<Vec<Vector>>> {
    let corners: Vec<Vector> = line.chains().iter().flatten().copied().collect();
    let sites = Sites::of(&corners, tolerance);
    let mut graph = Graph::default();
    for (number, (a, b)) in (0..).zip(line.edges()) {
        graph.add_all(&sites.along(*a, *b), Use { layer: 0, number });
    }
    let mut arrows = Vec::new();
    for chain in graph.chains(&sites) {
        graph.replaced(&chain, |_, arrow| arrows.push(arrow));
    }
    let simple = lines(arrows, &sites.places);
    (!simple.is_empty()).then_some(simple)
}

/// The area with fewer corners; empty where all of it lies within the tolerance, in radians.
///
/// # Errors
/// As [`simplified_together`].
pub fn simplified_region(region: &Region, tolerance: f64) -> Result<Region, Error> {
    let simple = simplified_together(std::slice::from_ref(region), tolerance)?;
    Ok(simple.into_iter().next().unwrap_or_else(|| Region::new(Vec::new())))
}

/// As [`simplified_region`]; borders that regions share stay shared. Where rings would cross, the tolerance is halved.
///
/// # Errors
/// [`Error::Tangled`] where the regions cannot be simplified without crossing rings.
pub fn simplified_together(regions: &[Region], tolerance: f64) -> Result<Vec<Region>, Error> {
    let mut tolerance = tolerance.max(FINEST);
    for _ in 0..ATTEMPTS {
        if let Some(simple) = attempt(regions, tolerance) {
            return Ok(simple);
        }
        tolerance /= 2.0;
    }
    Err(Error::Tangled)
}

/// What rounding moves places by; no tolerance is finer.
const FINEST: f64 = 1e-15;
/// So often the tolerance is halved.
const ATTEMPTS: usize = 16;

/// `None` where the answer has rings that cross.
fn attempt(regions: &[Region], tolerance: f64) -> Option<Vec<Region>> {
    let corners: Vec<Vector> = regions.iter().flat_map(|region| region.edges()).map(|(a, _)| *a).collect();
    let sites = Sites::of(&corners, tolerance);
    let mut graph = Graph::default();
    let mut number = 0;
    for (layer, region) in regions.iter().enumerate() {
        for (a, b) in region.edges() {
            graph.add_all(&sites.along(*a, *b), Use { layer, number });
            number += 1;
        }
    }
    let mut arrows: Vec<Vec<Arrow>> = vec![Vec::new(); regions.len()];
    for chain in graph.chains(&sites) {
        graph.replaced(&chain, |layer, arrow| arrows[layer].push(arrow));
    }
    arrows
        .into_iter()
        .map(|arrows| {
            let rings = rings(without_pairs(arrows), &sites.places).ok()?;
            let rings: Vec<ring::Ring> = rings.into_iter().filter(|ring| ring.len() > 2).collect();
            if !ring::sound(&rings) {
                return None;
            }
            let region = Region::new(rings);
            let shells: usize = region.shells().iter().map(|(_, holes)| 1 + holes.len()).sum();
            (shells == region.rings().len()).then_some(region)
        })
        .collect()
}

/// One arrow of those that run alike; none of those that run to and fro.
fn without_pairs(arrows: Vec<Arrow>) -> Vec<Arrow> {
    let mut net: BTreeMap<(u32, u32), (i32, Arrow)> = BTreeMap::new();
    for arrow in arrows {
        let ends = (arrow.from.min(arrow.to), arrow.from.max(arrow.to));
        let step = if arrow.from < arrow.to { 1 } else { -1 };
        let known = net.entry(ends).or_insert((0, arrow));
        known.0 += step;
        known.1.number = known.1.number.min(arrow.number);
    }
    let left = net.into_iter().filter(|(_, (net, _))| *net != 0);
    left.map(|((low, high), (net, arrow))| {
        let (from, to) = if net > 0 { (low, high) } else { (high, low) };
        Arrow { from, to, ..arrow }
    })
    .collect()
}

/// The corners that stay.
struct Sites {
    places: Vec<Vector>,
    tree: Tree,
    tolerance: f64,
    /// The site that each corner became.
    became: HashMap<[u64; 3], u32>,
    /// The corners that each site stands for.
    corners: Vec<Vec<Vector>>,
}

/// An edge stays clear of sites that it does not pass by so much, as a share of the tolerance.
const CLEAR: f64 = 0.5;
/// An edge may be off by so much more than the tolerance where it is long.
const DEVIATION: f64 = 1.1;

impl Sites {
    fn of(corners: &[Vector], tolerance: f64) -> Sites {
        let mut order: Vec<(Option<Square>, [u64; 3], Vector)> =
            corners.iter().map(|corner| (Square::of(*corner, FINEST_SQUARE), corner.key(), *corner)).collect();
        order.sort_by_key(|corner| (corner.0, corner.1));
        order.dedup_by_key(|corner| corner.1);
        let mut grid = Grid { cells: HashMap::new(), places: Vec::new(), tolerance };
        for (_, _, corner) in &order {
            if grid.nearest(*corner).is_none() {
                grid.add(*corner);
            }
        }
        let mut became = HashMap::new();
        let mut members = vec![Vec::new(); grid.places.len()];
        for (_, key, corner) in order {
            if let Some(site) = grid.nearest(corner) {
                became.insert(key, site);
                members[site as usize].push(corner);
            }
        }
        let tree = Tree::new(grid.places.iter().map(|place| Box3::around(*place, *place, 1e-15)));
        Sites { places: grid.places, tree, tolerance, became, corners: members }
    }

    fn place(&self, site: u32) -> Vector {
        self.places[site as usize]
    }

    /// Sites within `distance` of the edge.
    fn beside(&self, a: Vector, b: Vector, distance: f64) -> Vec<u32> {
        let mut found = Vec::new();
        self.tree.overlapping(&Box3::around(a, b, distance), |site| {
            let place = self.places[site];
            if closest_on_edge(place, (a, b)).angle(place) <= distance {
                found.extend(u32::try_from(site));
            }
        });
        found.sort_unstable();
        found
    }

    /// The sites that an edge goes by: at each place of it the nearest one.
    fn along(&self, a: Vector, b: Vector) -> Vec<u32> {
        let (Some(start), Some(end)) = (self.became.get(&a.key()), self.became.get(&b.key())) else {
            return Vec::new();
        };
        let near = self.beside(a, b, self.tolerance);
        let (length, forward) = (a.angle(b), a.normal_to(b).cross(a).unit());
        let mut walk = vec![*start];
        let (mut here, mut at) = (*start, 0.0);
        while here != *end && walk.len() <= near.len() {
            let known = self.place(here);
            // Where another site becomes nearer than this one.
            let turns = near.iter().copied().chain([*end]).filter(|other| !walk.contains(other)).filter_map(|other| {
                let difference = self.place(other) - known;
                let turn = (-difference.dot(a)).atan2(difference.dot(forward));
                (difference.dot(forward) > 0.0 && turn >= at && turn <= length).then_some((turn, other))
            });
            let Some((turn, next)) = turns.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) else { break };
            walk.push(next);
            (here, at) = (next, turn);
        }
        if here != *end {
            walk.push(*end);
        }
        walk
    }

    /// The chain from `start` over `second` on, as `follow` goes on, cut into parts that one edge can stand for.
    fn shortened(&self, start: u32, second: u32, follow: impl Fn(u32, u32) -> Option<u32>) -> Vec<Vec<u32>> {
        let mut parts = Vec::new();
        let (mut here, mut next) = (start, second);
        loop {
            let mut part = vec![here];
            let from = here;
            let mut window = Window::new(self.place(from), self.place(next));
            let short = self.keeps_clear(&mut window, [from, from, next]);
            let finished = loop {
                part.push(next);
                let Some(beyond) = follow(here, next).filter(|_| next != start) else { break true };
                (here, next) = (next, beyond);
                let near = |corner: &Vector, window: &mut Window| window.pass_near(*corner, self.tolerance);
                let goes_on = short
                    && self.corners[here as usize].iter().all(|corner| near(corner, &mut window))
                    && self.keeps_clear(&mut window, [from, here, next])
                    && window.allows(self.place(next));
                if !goes_on {
                    break false;
                }
            };
            parts.push(part);
            if finished {
                return parts;
            }
        }
    }

    /// Whether an edge from the first to the third site, over the second, can stay clear of all other sites. The
    /// distance from the first must grow all the way.
    fn keeps_clear(&self, window: &mut Window, [from, over, to]: [u32; 3]) -> bool {
        let [start, middle, end] = [from, over, to].map(|site| self.place(site));
        let (near, far) = (start.angle(middle), start.angle(end));
        let longest = 2.0 * (self.tolerance.sin() / (DEVIATION * self.tolerance).sin()).min(1.0).acos();
        if far < near || far >= longest {
            return false;
        }
        self.beside(middle, end, (DEVIATION + CLEAR) * self.tolerance).into_iter().all(|site| {
            let place = self.place(site);
            let distance = start.angle(place);
            if [from, over, to].contains(&site) || distance <= near || distance >= far {
                return true;
            }
            let left = if over == from { side(middle, end, place) > 0 } else { ordered(start, end, place, middle) };
            window.pass_clear(place, CLEAR * self.tolerance, left)
        })
    }
}

/// Sites in cells as large as the tolerance.
struct Grid {
    cells: HashMap<[i64; 3], Vec<u32>>,
    places: Vec<Vector>,
    tolerance: f64,
}

impl Grid {
    fn cell(&self, place: Vector) -> [i64; 3] {
        place.axes().map(|axis| (axis / self.tolerance).floor() as i64)
    }

    /// The nearest site closer than the tolerance.
    fn nearest(&self, place: Vector) -> Option<u32> {
        let [x, y, z] = self.cell(place);
        let around = (0..27).map(|at| [x + at % 3 - 1, y + at / 3 % 3 - 1, z + at / 9 - 1]);
        let near = around.filter_map(|cell| self.cells.get(&cell)).flatten().copied();
        let near = near.map(|site| (self.places[site as usize].angle(place), site));
        let near = near.filter(|(distance, _)| *distance < self.tolerance);
        near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, site)| site)
    }

    fn add(&mut self, place: Vector) {
        let site = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.cells.entry(self.cell(place)).or_default().push(site);
        self.places.push(place);
    }
}

/// An edge of a shape that runs between two sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    /// Which shape.
    layer: usize,
    /// Its place in the order of all edges.
    number: u32,
}

/// All edges between sites.
#[derive(Debug, Default)]
struct Graph {
    uses: BTreeMap<(u32, u32), Vec<Use>>,
    beside: HashMap<u32, BTreeSet<u32>>,
}

impl Graph {
    fn add_all(&mut self, walk: &[u32], edge: Use) {
        for pair in walk.windows(2).filter(|pair| pair[0] != pair[1]) {
            self.uses.entry((pair[0], pair[1])).or_default().push(edge);
            self.beside.entry(pair[0]).or_default().insert(pair[1]);
            self.beside.entry(pair[1]).or_default().insert(pair[0]);
        }
    }

    /// How often each shape runs from one site to the other.
    fn layers(&self, from: u32, to: u32) -> Vec<usize> {
        let mut layers: Vec<usize> = self.uses.get(&(from, to)).into_iter().flatten().map(|edge| edge.layer).collect();
        layers.sort_unstable();
        layers
    }

    /// The site after `at` for who comes from `from`; `None` where more or less than one chain passes.
    fn follow(&self, from: u32, at: u32) -> Option<u32> {
        let around = self.beside.get(&at).filter(|around| around.len() == 2)?;
        let next = around.iter().copied().find(|next| *next != from)?;
        let same = self.layers(from, at) == self.layers(at, next) && self.layers(next, at) == self.layers(at, from);
        same.then_some(next)
    }

    /// All chains, each cut into parts that one edge can stand for; each part from one end alone.
    fn chains(&self, sites: &Sites) -> Vec<Vec<u32>> {
        let mut done: BTreeSet<(u32, u32)> = BTreeSet::new();
        let mut parts = Vec::new();
        for rings in [false, true] {
            let backward = self.uses.keys().map(|(from, to)| (*to, *from));
            for (from, to) in self.uses.keys().copied().chain(backward) {
                // A chain begins where none passes, or anywhere on a ring.
                if done.contains(&(from, to)) || !rings && self.follow(to, from).is_some() {
                    continue;
                }
                for part in sites.shortened(from, to, |from, at| self.follow(from, at)) {
                    done.extend(part.windows(2).flat_map(|pair| [(pair[0], pair[1]), (pair[1], pair[0])]));
                    parts.push(part);
                }
            }
        }
        parts
    }

    /// What stands for a part, shape by shape.
    fn replaced(&self, part: &[u32], mut emit: impl FnMut(usize, Arrow)) {
        let (Some(first), Some(last)) = (part.first(), part.last()) else { return };
        if first == last {
            return;
        }
        for (from, to, pairs) in [
            (*first, *last, part.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()),
            (*last, *first, part.windows(2).rev().map(|pair| (pair[1], pair[0])).collect()),
        ] {
            let uses = |pair: &(u32, u32)| self.uses.get(pair).into_iter().flatten().copied();
            for edge in pairs.first().into_iter().flat_map(uses) {
                let numbers = pairs.iter().flat_map(uses).filter(|other| other.layer == edge.layer);
                let number = numbers.map(|other| other.number).min().unwrap_or(edge.number);
                emit(edge.layer, Arrow { from, to, number, step: 0 });
            }
        }
    }
}
