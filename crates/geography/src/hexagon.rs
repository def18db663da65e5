//! H3 cells: hexagons (and twelve pentagons) of sixteen sizes.

use h3o::{CellIndex, LatLng, Resolution};
use serde_json::{Value as Json, json};

use crate::Vector;

/// Finer than the cell itself by at most so much that the number of children stays sensible.
const MOST_STEPS_DOWN: u8 = 5;
/// Farthest ring.
const FARTHEST_RING: u32 = 142;

/// A cell of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hexagon(CellIndex);

impl Hexagon {
    /// The cell that the place at these degrees lies in; `None` outside the ranges, and for resolutions that the grid
    /// does not have.
    pub fn of(longitude: f64, latitude: f64, resolution: i64) -> Option<Hexagon> {
        Vector::from_degrees(longitude, latitude)?;
        let place = LatLng::new(latitude, longitude).ok()?;
        Some(Hexagon(place.to_cell(sized(resolution)?)))
    }

    /// The cell of an index in hexadecimal digits.
    pub fn read(index: &str) -> Option<Hexagon> {
        let digits = index.bytes().all(|byte| byte.is_ascii_hexdigit());
        let index = u64::from_str_radix(index, 16).ok().filter(|_| digits)?;
        CellIndex::try_from(index).ok().map(Hexagon)
    }

    pub fn text(self) -> String {
        self.0.to_string()
    }

    pub fn resolution(self) -> u8 {
        u8::from(self.0.resolution())
    }

    /// The middle as `Point`.
    pub fn central_point(self) -> Json {
        json!({ "type": "Point", "coordinates": self.middle() })
    }

    /// The cell as `Polygon`.
    pub fn polygon(self) -> Json {
        let corners = self.0.boundary();
        let ring: Json = corners.iter().chain(corners.first()).map(|place| json!([place.lng(), place.lat()])).collect();
        json!({ "type": "Polygon", "coordinates": [ring] })
    }

    /// Longitude and latitude of the middle, in degrees.
    pub(crate) fn middle(self) -> [f64; 2] {
        let place = LatLng::from(self.0);
        [place.lng(), place.lat()]
    }

    /// Degrees between the middle and the nearest corner.
    pub(crate) fn reach(self) -> f64 {
        let middle = LatLng::from(self.0);
        self.0.boundary().iter().map(|corner| middle.distance_rads(*corner).to_degrees()).fold(180.0, f64::min)
    }

    /// The cell of a coarser resolution (or the same) around this one; without one, the next coarser.
    pub fn parent(self, resolution: Option<i64>) -> Option<Hexagon> {
        let resolution = resolution.unwrap_or_else(|| i64::from(self.resolution()) - 1);
        self.0.parent(sized(resolution)?).map(Hexagon)
    }

    /// The cells of a finer resolution in this one; without one, of the next finer. `None` where it is coarser or
    /// more than five steps finer.
    pub fn children(self, resolution: Option<i64>) -> Option<Vec<Hexagon>> {
        let resolution = sized(resolution.unwrap_or_else(|| i64::from(self.resolution()) + 1))?;
        let steps = u8::from(resolution).checked_sub(self.resolution())?;
        (steps <= MOST_STEPS_DOWN).then(|| self.0.children(resolution).map(Hexagon).collect())
    }

    /// Cells around this one by distance, itself first. `None` for distances below 0 or above 142.
    pub fn rings(self, distance: i64) -> Option<Vec<Vec<Hexagon>>> {
        let distance = u32::try_from(distance).ok().filter(|distance| *distance <= FARTHEST_RING)?;
        let mut rings = vec![Vec::new(); distance as usize + 1];
        for (cell, away) in self.0.grid_disk_distances::<Vec<(CellIndex, u32)>>(distance) {
            rings[away as usize].push(Hexagon(cell));
        }
        Some(rings)
    }

    /// The cells that share a side with this one.
    pub fn neighbours(self) -> Vec<Hexagon> {
        self.rings(1).and_then(|mut rings| rings.pop()).unwrap_or_default()
    }
}

fn sized(resolution: i64) -> Option<Resolution> {
    u8::try_from(resolution).ok().and_then(|resolution| Resolution::try_from(resolution).ok())
}
