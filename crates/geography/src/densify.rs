//! Straight lines of a flat map (longitude across, latitude up) as chains of edges along great circles.

use serde_json::{Value as Json, json};

use crate::geojson::{place_at, region};
use crate::{Error, Vector, geojson};

/// Where the error of an edge is measured, as a share of its length: there it is largest for nearly all edges, and
/// within [`MEASURED_SHARE`] of the largest always (both from S2's edge tessellator).
const MEASURED_AT: f64 = 0.312_156_910_822_483_12;
const MEASURED_SHARE: f64 = 0.838_299_925_698_885_1;

/// How to densify.
#[derive(Debug, Clone, Copy)]
pub struct Densify {
    /// Radians that the answer may lie beside the straight line.
    pub tolerance: f64,
    /// Edges longer than half the globe go the other way, over the antimeridian.
    pub preserve_crossing: bool,
}

impl Densify {
    /// A `LineString` or `MultiLineString` with places added; `None` where it is not a line.
    pub fn line(&self, shape: &Json) -> Option<Json> {
        let coordinates = shape.get("coordinates")?;
        let dense = match shape.get("type")?.as_str()? {
            "LineString" => self.chain(coordinates)?,
            "MultiLineString" => {
                coordinates.as_array()?.iter().map(|chain| self.chain(chain)).collect::<Option<_>>()?
            }
            _ => return None,
        };
        let shape = json!({ "type": shape["type"], "coordinates": dense });
        geojson::line(&shape).map(|_| shape)
    }

    /// A `Polygon` or `MultiPolygon` with places added; `None` where it is not a polygon.
    ///
    /// # Errors
    /// As [`crate::overlay::union_all`].
    pub fn polygon(&self, shape: &Json) -> Result<Option<Json>, Error> {
        let dense = || {
            let coordinates = shape.get("coordinates")?.as_array()?;
            let rings = |rings: &Json| rings.as_array()?.iter().map(|ring| self.chain(ring)).collect::<Option<Json>>();
            let dense = match shape.get("type")?.as_str()? {
                "Polygon" => rings(&Json::Array(coordinates.clone()))?,
                "MultiPolygon" => coordinates.iter().map(rings).collect::<Option<_>>()?,
                _ => return None,
            };
            Some(json!({ "type": shape["type"], "coordinates": dense }))
        };
        let Some(shape) = dense() else { return Ok(None) };
        Ok(region(&shape)?.map(|_| shape))
    }

    fn chain(&self, chain: &Json) -> Option<Json> {
        let positions: Vec<[f64; 2]> = chain.as_array()?.iter().map(place_at).collect::<Option<_>>()?;
        let mut dense: Vec<[f64; 2]> = positions.first().copied().into_iter().collect();
        for pair in positions.windows(2) {
            self.edge(pair[0], self.beside(pair[0], pair[1]), &mut dense)?;
            if let Some(last) = dense.last_mut() {
                *last = pair[1];
            }
        }
        Some(json!(dense))
    }

    /// `to`, on the copy of the map that is nearest to `from` where crossings count.
    fn beside(&self, from: [f64; 2], to: [f64; 2]) -> [f64; 2] {
        let turns = if self.preserve_crossing { ((to[0] - from[0]) / 360.0).round() } else { 0.0 };
        [to[0] - 360.0 * turns, to[1]]
    }

    /// Adds the places of the straight line after `from`, `to` included.
    fn edge(&self, from: [f64; 2], to: [f64; 2], dense: &mut Vec<[f64; 2]>) -> Option<()> {
        if self.error(from, to)? <= MEASURED_SHARE * self.tolerance.max(1e-13) {
            dense.push([folded(to[0]), to[1]]);
            return Some(());
        }
        let middle = between(from, to, 0.5);
        self.edge(from, middle, dense)?;
        self.edge(middle, to, dense)
    }

    /// Angle between the straight line and the edge along the great circle, where it is measured.
    fn error(&self, from: [f64; 2], to: [f64; 2]) -> Option<f64> {
        let place = |[longitude, latitude]: [f64; 2]| Vector::from_degrees(folded(longitude), latitude);
        let (a, b) = (place(from)?, place(to)?);
        if a.dot(b) < -1e-14 {
            return Some(f64::INFINITY);
        }
        let length = a.angle(b);
        let at = |share: f64| {
            let curved = if length == 0.0 { a } else { a.toward(b, length * share) };
            Some(curved.angle(place(between(from, to, share))?))
        };
        Some(at(MEASURED_AT)?.max(at(1.0 - MEASURED_AT)?))
    }
}

fn between(from: [f64; 2], to: [f64; 2], share: f64) -> [f64; 2] {
    std::array::from_fn(|axis| from[axis] + (to[axis] - from[axis]) * share)
}

/// The longitude on the map from -180 to 180.
fn folded(longitude: f64) -> f64 {
    if longitude > 180.0 {
        longitude - 360.0
    } else if longitude < -180.0 {
        longitude + 360.0
    } else {
        longitude
    }
}
