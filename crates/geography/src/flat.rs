//! Polygons on a flat map, longitude across and latitude up, as the H3 library fills them: here, unlike everywhere
//! else, edges are straight on the map.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value as Json;

use crate::geojson::place_at;
use crate::hexagon::Hexagon;

/// One polygon or several.
#[derive(Debug)]
pub struct FlatArea {
    polygons: Vec<FlatPolygon>,
}

#[derive(Debug)]
struct FlatPolygon {
    rings: Vec<Vec<[f64; 2]>>,
    /// It lies across the antimeridian: western longitudes count on beyond 180.
    across: bool,
}

impl FlatArea {
    /// The area of a `Polygon` or `MultiPolygon` that is known to be sound.
    pub fn read(shape: &Json) -> Option<FlatArea> {
        let coordinates = shape.get("coordinates")?.as_array()?;
        let polygons = match shape.get("type")?.as_str()? {
            "Polygon" => vec![FlatPolygon::read(coordinates)?],
            "MultiPolygon" => {
                coordinates.iter().map(|rings| FlatPolygon::read(rings.as_array()?)).collect::<Option<_>>()?
            }
            _ => return None,
        };
        Some(FlatArea { polygons })
    }

    /// Whether the place lies in one of the polygons.
    pub fn contains(&self, place: [f64; 2]) -> bool {
        self.polygons.iter().any(|polygon| polygon.contains(place))
    }

    /// The H3 cells whose middle lies in the area, in order of their indexes; `None` for a resolution that the grid
    /// does not have and for more than `most` cells.
    pub fn hexagons(&self, resolution: i64, most: usize) -> Option<Vec<Hexagon>> {
        let mut found: BTreeSet<Hexagon> = BTreeSet::new();
        let mut seen: HashSet<Hexagon> = HashSet::new();
        let mut open: Vec<Hexagon> = Vec::new();
        // The cells along the outlines, then inward from them.
        for polygon in &self.polygons {
            for (from, to) in polygon.edges() {
                let reach = Hexagon::of(folded(from[0]), from[1], resolution)?.reach();
                let length = (to[0] - from[0]).hypot(to[1] - from[1]);
                let steps = (length / (reach / 2.0)).ceil().max(1.0);
                if steps > (OUTLINE_SHARE * most) as f64 {
                    return None;
                }
                for step in 0..=steps as usize {
                    let share = step as f64 / steps;
                    let at = |axis: usize| from[axis] + (to[axis] - from[axis]) * share;
                    let cell = Hexagon::of(folded(at(0)), at(1), resolution)?;
                    open.extend(std::iter::once(cell).chain(cell.neighbours()).filter(|cell| seen.insert(*cell)));
                }
                if seen.len() > OUTLINE_SHARE * most {
                    return None;
                }
            }
        }
        while let Some(cell) = open.pop() {
            if self.contains(cell.middle()) {
                found.insert(cell);
                if found.len() > most {
                    return None;
                }
                open.extend(cell.neighbours().into_iter().filter(|cell| seen.insert(*cell)));
            }
        }
        Some(found.into_iter().collect())
    }
}

impl FlatPolygon {
    fn read(rings: &[Json]) -> Option<FlatPolygon> {
        let ring = |ring: &Json| ring.as_array()?.iter().map(place_at).collect::<Option<Vec<[f64; 2]>>>();
        let mut rings: Vec<Vec<[f64; 2]>> = rings.iter().map(ring).collect::<Option<_>>()?;
        let longitudes = || rings.iter().flatten().map(|position| position[0]);
        let across = longitudes().fold(f64::MIN, f64::max) - longitudes().fold(f64::MAX, f64::min) > 180.0;
        if across {
            rings.iter_mut().flatten().filter(|position| position[0] < 0.0).for_each(|position| position[0] += 360.0);
        }
        Some(FlatPolygon { rings, across })
    }

    fn edges(&self) -> impl Iterator<Item = ([f64; 2], [f64; 2])> {
        self.rings.iter().flat_map(|ring| ring.windows(2).map(|pair| (pair[0], pair[1])))
    }

    /// Inside an odd number of the rings.
    fn contains(&self, [longitude, latitude]: [f64; 2]) -> bool {
        let longitude = if self.across && longitude < 0.0 { longitude + 360.0 } else { longitude };
        let crossed = self.edges().filter(|(from, to)| {
            let between = (from[1] > latitude) != (to[1] > latitude);
            between && longitude < from[0] + (to[0] - from[0]) * (latitude - from[1]) / (to[1] - from[1])
        });
        crossed.count() % 2 == 1
    }
}

/// An outline may go through so many times the cells that are listed at most.
const OUTLINE_SHARE: usize = 16;

/// The longitude from -180 to 180.
fn folded(longitude: f64) -> f64 {
    if longitude > 180.0 { longitude - 360.0 } else { longitude }
}
