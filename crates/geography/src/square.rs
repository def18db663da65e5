//! S2 cells: the grid of the six faces of a cube, cut in four 30 times over.

use s2::cell::Cell;
use s2::cellid::CellID;
use s2::point::Point;
use s2::r3::vector::Vector as Triple;
use serde_json::{Value as Json, json};

use crate::geojson;
use crate::vector::Vector;

/// Finest level.
pub const FINEST_SQUARE: u64 = 30;

/// A cell of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Square(CellID);

impl Square {
    /// The cell of `level` that the place lies in; `None` for levels that the grid does not have.
    pub fn of(place: Vector, level: u64) -> Option<Square> {
        let leaf = CellID::from(Point(Triple { x: place.x, y: place.y, z: place.z }));
        (level <= FINEST_SQUARE).then(|| Square(leaf.parent(level)))
    }

    /// The six cells of level 0.
    pub(crate) fn faces() -> [Square; 6] {
        std::array::from_fn(|face| Square(CellID::from_face(face as u64)))
    }

    /// The cell of a token: hexadecimal digits, at most 16, trailing zeros left out.
    pub fn read(token: &str) -> Option<Square> {
        let digits = (1..=16).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_hexdigit());
        let cell = CellID(u64::from_str_radix(token, 16).ok().filter(|_| digits)? << (4 * (16 - token.len())));
        cell.is_valid().then_some(Square(cell))
    }

    pub fn token(self) -> String {
        format!("{:016x}", self.0.0).trim_end_matches('0').to_owned()
    }

    pub fn level(self) -> u64 {
        self.0.level()
    }

    pub fn centre(self) -> Vector {
        vector(Point::from(self.0))
    }

    /// Counter-clockwise.
    pub fn corners(self) -> [Vector; 4] {
        Cell::from(self.0).vertices().map(vector)
    }

    /// All cells of the same level that share a side or a corner, in S2's order.
    pub fn neighbours(self) -> Vec<Square> {
        let mut cells: Vec<Square> = Vec::with_capacity(8);
        for cell in self.0.all_neighbors(self.level()) {
            if !cells.contains(&Square(cell)) {
                cells.push(Square(cell));
            }
        }
        cells
    }

    pub(crate) fn children(self) -> [Square; 4] {
        self.0.children().map(Square)
    }

    /// All cells of `level` in this one.
    pub(crate) fn descendants(self, level: u64) -> impl Iterator<Item = Square> {
        self.0.child_iter_at_level(level).map(Square)
    }

    /// The cell as `Polygon`.
    pub fn polygon(self) -> Json {
        json!({ "type": "Polygon", "coordinates": [geojson::ring_written(&self.corners())] })
    }
}

fn vector(point: Point) -> Vector {
    Vector::new(point.0.x, point.0.y, point.0.z).unit()
}
