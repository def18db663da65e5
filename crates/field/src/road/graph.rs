//! Roads as a graph, and the time that it takes to drive them. Pure.
//!
//! Roads meet where their ends do: a junction ends every road that meets there, as road graphs of maps are cut.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use geography::{EARTH_RADIUS_M, Line, Vector};
use kernel::words;

words! {
    /// What a road is made of.
    Surface {
        Paved = "paved",
        Gravel = "gravel",
        Track = "track",
    }
}

words! {
    /// How dry it is.
    Season {
        Dry = "dry",
        Wet = "wet",
    }
}

impl Surface {
    /// What can be driven when the road does not say, in km/h.
    pub const fn usual_kmh(self, season: Season) -> f64 {
        match (self, season) {
            (Surface::Paved, Season::Dry) => 60.0,
            (Surface::Paved, Season::Wet) => 50.0,
            (Surface::Gravel, Season::Dry) => 40.0,
            (Surface::Gravel, Season::Wet) => 25.0,
            (Surface::Track, Season::Dry) => 20.0,
            (Surface::Track, Season::Wet) => 8.0,
        }
    }
}

/// A road between two junctions.
#[derive(Debug)]
pub struct Road {
    pub key: String,
    pub name: String,
    pub line: Line,
    /// Its ends.
    pub ends: [Vector; 2],
    /// Dry and wet.
    pub kmh: [f64; 2],
    pub one_way: bool,
    /// Why nobody can drive it.
    pub closed: Option<String>,
}

#[derive(Debug)]
struct Edge {
    key: String,
    name: String,
    /// Seconds, dry and wet.
    seconds: [f64; 2],
    metres: f64,
    closed: Option<String>,
}

/// Roads, ready to be asked.
#[derive(Debug, Default)]
pub struct Graph {
    places: Vec<Vector>,
    edges: Vec<Edge>,
    /// From each place: the edge, and where it leads.
    ways: Vec<Vec<(usize, usize)>>,
    /// Places from south to north.
    by_latitude: Vec<usize>,
}

/// How long it takes from one place to all others.
#[derive(Debug)]
pub struct Times {
    /// By place; infinite where no road leads.
    pub seconds: Vec<f64>,
    /// The edge by which each is reached, and from where.
    via: Vec<Option<(usize, usize)>>,
}

/// A way in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    pub seconds: f64,
    pub metres: f64,
    /// Closed roads on it, each as `name: reason`.
    pub closed: Vec<String>,
}

impl Graph {
    /// From roads. Ends within a metre are the same junction.
    pub fn new(roads: &[Road]) -> Graph {
        let mut graph = Graph::default();
        let mut known: HashMap<[i64; 2], usize> = HashMap::new();
        for road in roads {
            let [from, to] = road.ends.map(|place| graph.junction(&mut known, place));
            let metres = road.line.length() * EARTH_RADIUS_M;
            let seconds = road.kmh.map(|kmh| metres / (kmh.max(1.0) / 3.6));
            let edge = graph.edges.len();
            let (key, name, closed) = (road.key.clone(), road.name.clone(), road.closed.clone());
            graph.edges.push(Edge { key, name, seconds, metres, closed });
            graph.ways[from].push((edge, to));
            if !road.one_way {
                graph.ways[to].push((edge, from));
            }
        }
        graph.by_latitude = (0..graph.places.len()).collect();
        let places = &graph.places;
        graph.by_latitude.sort_by(|left, right| places[*left].z.total_cmp(&places[*right].z));
        graph
    }

    /// Some road cannot be driven.
    pub fn has_closed_roads(&self) -> bool {
        self.edges.iter().any(|edge| edge.closed.is_some())
    }

    #[expect(clippy::cast_possible_truncation, reason = "degrees in hundred thousandths")]
    fn junction(&mut self, known: &mut HashMap<[i64; 2], usize>, place: Vector) -> usize {
        let key = place.to_degrees().map(|degrees| (degrees * 1e5).round() as i64);
        *known.entry(key).or_insert_with(|| {
            self.places.push(place);
            self.ways.push(Vec::new());
            self.places.len() - 1
        })
    }

    /// No roads are known.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// The junction nearest to a place, and metres to it.
    ///
    /// Searched from the place's latitude to the north and to the south, until the difference of latitude alone is more
    /// than the distance to the best so far.
    pub fn nearest(&self, place: Vector) -> Option<(usize, f64)> {
        let start = self.by_latitude.partition_point(|at| self.places[*at].z < place.z);
        let mut best: Option<(usize, f64)> = None;
        let mut visit = |at: usize| {
            let other = self.places[at];
            let north = (other.z - place.z).powi(2);
            let chord = north + (other.x - place.x).powi(2) + (other.y - place.y).powi(2);
            if best.is_none_or(|(known, least)| chord < least || (chord == least && at < known)) {
                best = Some((at, chord));
            }
            best.is_some_and(|(_, least)| north <= least)
        };
        let (south, north) = self.by_latitude.split_at(start);
        let _ = north.iter().all(|at| visit(*at));
        let _ = south.iter().rev().all(|at| visit(*at));
        best.map(|(at, _)| (at, place.angle(self.places[at]) * EARTH_RADIUS_M))
    }

    /// Times from a junction to all others (Dijkstra). `open`: closed roads are not driven.
    pub fn times(&self, from: usize, season: Season, open: bool) -> Times {
        let mut times = Times { seconds: vec![f64::INFINITY; self.places.len()], via: vec![None; self.places.len()] };
        let Some(start) = times.seconds.get_mut(from) else { return times };
        *start = 0.0;
        let mut queue = BinaryHeap::from([(Reverse(Ordered(0.0)), from)]);
        while let Some((Reverse(Ordered(seconds)), at)) = queue.pop() {
            if seconds > times.seconds[at] {
                continue;
            }
            for (edge, to) in &self.ways[at] {
                let road = &self.edges[*edge];
                if open && road.closed.is_some() {
                    continue;
                }
                let then = seconds + road.seconds[season as usize];
                if then < times.seconds[*to] {
                    times.seconds[*to] = then;
                    times.via[*to] = Some((*edge, at));
                    queue.push((Reverse(Ordered(then)), *to));
                }
            }
        }
        times
    }

    /// The way to a junction; `None`: no road leads there.
    pub fn way(&self, times: &Times, to: usize) -> Option<Way> {
        let seconds = *times.seconds.get(to).filter(|seconds| seconds.is_finite())?;
        let mut way = Way { seconds, metres: 0.0, closed: Vec::new() };
        let mut at = to;
        while let Some((edge, before)) = times.via.get(at).copied().flatten() {
            let road = &self.edges[edge];
            way.metres += road.metres;
            if let Some(reason) = &road.closed {
                let name = if road.name.is_empty() { &road.key } else { &road.name };
                way.closed.push(format!("{name}: {reason}"));
            }
            at = before;
        }
        way.closed.reverse();
        Some(way)
    }
}

/// Seconds, in their order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Ordered) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Ordered) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn place(at: usize) -> [f64; 2] {
        #[expect(clippy::cast_precision_loss, reason = "a few places on a grid")]
        let at = (at % 4) as f64 * 0.05 + (at / 4) as f64 * 0.013;
        [125.0 + at, -8.0 - at / 2.0]
    }

    fn road(key: usize, from: usize, to: usize, kmh: f64, one_way: bool, closed: bool) -> Road {
        let line = geography::geojson::line(&json!({ "type": "LineString", "coordinates": [place(from), place(to)] }));
        let ends = [from, to].map(|at| Vector::from_degrees(place(at)[0], place(at)[1]).unwrap());
        let closed = closed.then(|| "bridge down".to_owned());
        Road {
            key: key.to_string(),
            name: String::new(),
            line: line.unwrap(),
            ends,
            kmh: [kmh, kmh / 2.0],
            one_way,
            closed,
        }
    }

    #[test]
    fn a_closed_bridge_is_gone_round_or_named() {
        let roads =
            [road(1, 0, 1, 60.0, false, true), road(2, 0, 2, 60.0, false, false), road(3, 2, 1, 60.0, false, false)];
        let graph = Graph::new(&roads);
        let [from, to] = [0, 1].map(|at| graph.nearest(roads[0].ends[at]).unwrap().0);
        let open = graph.way(&graph.times(from, Season::Dry, true), to).unwrap();
        let direct = graph.way(&graph.times(from, Season::Dry, false), to).unwrap();
        assert!(open.seconds > direct.seconds && open.closed.is_empty());
        assert_eq!(direct.closed, ["1: bridge down"]);
        let wet = graph.way(&graph.times(from, Season::Wet, true), to).unwrap();
        assert!((wet.seconds - 2.0 * open.seconds).abs() < 1e-6);
        let cut = Graph::new(&roads[..1]);
        assert_eq!(cut.way(&cut.times(0, Season::Dry, true), 1), None);
    }

    proptest! {
        /// The slow twin: every junction measured.
        #[test]
        fn the_nearest_junction_is_that_of_the_slow_way(
            places in prop::collection::vec((-180.0_f64..180.0, -90.0_f64..90.0), 2..60),
            from in (-180.0_f64..180.0, -90.0_f64..90.0),
        ) {
            let vectors: Vec<Vector> =
                places.iter().map(|place| Vector::from_degrees(place.0, place.1).unwrap()).collect();
            let roads: Vec<Road> = vectors
                .windows(2)
                .map(|ends| Road { ends: [ends[0], ends[1]], ..road(0, 0, 1, 60.0, false, false) })
                .collect();
            let graph = Graph::new(&roads);
            let here = Vector::from_degrees(from.0, from.1).unwrap();
            let slow = graph.places.iter().map(|place| here.angle(*place)).fold(f64::INFINITY, f64::min);
            let (_, metres) = graph.nearest(here).unwrap();
            prop_assert!((metres - slow * EARTH_RADIUS_M).abs() < 1e-3, "{metres} {}", slow * EARTH_RADIUS_M);
        }

        /// The slow twin: every edge relaxed until nothing changes.
        #[test]
        fn times_are_those_of_the_slow_way(
            roads in prop::collection::vec((0_usize..9, 0_usize..9, 5.0_f64..90.0, any::<bool>(), any::<bool>()), 1..30),
        ) {
            let roads: Vec<Road> = (0..)
                .zip(roads)
                .filter(|(_, (from, to, ..))| place(*from) != place(*to))
                .map(|(key, (from, to, kmh, one_way, closed))| road(key, from, to, kmh, one_way, closed))
                .collect();
            prop_assume!(!roads.is_empty());
            let graph = Graph::new(&roads);
            for open in [true, false] {
                let quick = graph.times(0, Season::Dry, open).seconds;
                let mut slow = vec![f64::INFINITY; quick.len()];
                slow[0] = 0.0;
                for _ in 0..quick.len() {
                    for (at, ways) in graph.ways.iter().enumerate() {
                        for (edge, to) in ways.iter().filter(|(edge, _)| !open || graph.edges[*edge].closed.is_none()) {
                            slow[*to] = slow[*to].min(slow[at] + graph.edges[*edge].seconds[0]);
                        }
                    }
                }
                for (quick, slow) in quick.iter().zip(&slow) {
                    prop_assert!(quick == slow || (quick - slow).abs() < 1e-6, "{quick} {slow}");
                }
            }
        }
    }
}
