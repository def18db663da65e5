//! Places on Earth: distances and angles on the sphere, geohashes.
//!
//! Longitude comes before latitude, both in degrees. Places outside the ranges give null (texts: empty).

use std::f64::consts::TAU;

use geography::EARTH_RADIUS_M;
use kernel::Value;
use serde_json::json;

use super::strings::{number, text};
use super::{Entry, rows};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    rows("geo_distance_2points", |args| match (Place::at(args, 0), Place::at(args, 2)) {
        (Some(from), Some(to)) => Value::Real(EARTH_RADIUS_M * from.angle_to(to)),
        _ => Value::Null,
    }),
    rows("geo_azimuth", |args| match (Place::at(args, 0), Place::at(args, 2)) {
        (Some(from), Some(to)) => from.azimuth_to(to).map_or(Value::Null, Value::Real),
        _ => Value::Null,
    }),
    rows("geo_angle", |args| match (Place::at(args, 0), Place::at(args, 2), Place::at(args, 4)) {
        (Some(first), Some(corner), Some(last)) => match (corner.azimuth_to(first), corner.azimuth_to(last)) {
            (Some(from), Some(to)) => Value::Real((to - from).rem_euclid(TAU)),
            _ => Value::Null,
        },
        _ => Value::Null,
    }),
    rows("geo_point_in_circle", |args| {
        let radius = args.get(4).and_then(convert::to_real).filter(|radius| *radius >= 0.0);
        match (Place::at(args, 0), Place::at(args, 2), radius) {
            (Some(place), Some(centre), Some(radius)) => Value::Bool(EARTH_RADIUS_M * centre.angle_to(place) <= radius),
            _ => Value::Null,
        }
    }),
    rows("geo_point_to_geohash", |args| {
        let length = if args.len() > 2 { number(args, 2) } else { Some(5) };
        let hash = Place::at(args, 0).zip(length.and_then(|length| usize::try_from(length).ok()));
        let hash = hash.filter(|(_, length)| (1..=MOST_CHARACTERS).contains(length));
        Value::String(hash.map(|(place, length)| Cell::of(place, length).text()).unwrap_or_default())
    }),
    rows("geo_geohash_to_central_point", |args| match Cell::read(text(args, 0)) {
        Some(cell) => {
            let ([west, south], [east, north]) = cell.corners();
            let centre = json!([(west + east) / 2.0, (south + north) / 2.0]);
            Value::Dynamic(json!({ "type": "Point", "coordinates": centre }))
        }
        None => Value::Null,
    }),
    rows("geo_geohash_to_polygon", |args| match Cell::read(text(args, 0)) {
        Some(cell) => {
            let ([west, south], [east, north]) = cell.corners();
            let ring = json!([[west, south], [east, south], [east, north], [west, north], [west, south]]);
            Value::Dynamic(json!({ "type": "Polygon", "coordinates": [ring] }))
        }
        None => Value::Null,
    }),
    rows("geo_geohash_neighbors", |args| match Cell::read(text(args, 0)) {
        Some(cell) => {
            let around = NEIGHBOURS.iter().filter_map(|(east, north)| Some(cell.moved(*east, *north)?.text()));
            Value::Dynamic(geography::hashed(around).into())
        }
        None => Value::Null,
    }),
];

/// Characters of the longest geohash.
const MOST_CHARACTERS: usize = 18;
/// Steps to the east and to the north, row by row from the north.
const NEIGHBOURS: [(i128, i128); 8] = [(-1, 1), (0, 1), (1, 1), (-1, 0), (1, 0), (-1, -1), (0, -1), (1, -1)];
const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// A place on the sphere, in radians.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    longitude: f64,
    latitude: f64,
}

impl Place {
    /// The place whose longitude and latitude are the arguments from `at` on.
    fn at(args: &[Value], at: usize) -> Option<Place> {
        let longitude = args.get(at).and_then(convert::to_real).filter(|number| number.abs() <= 180.0)?;
        let latitude = args.get(at + 1).and_then(convert::to_real).filter(|number| number.abs() <= 90.0)?;
        Some(Place { longitude: longitude.to_radians(), latitude: latitude.to_radians() })
    }

    /// Angle between the two places as seen from the centre, by the haversine formula.
    fn angle_to(self, other: Place) -> f64 {
        let across = ((other.longitude - self.longitude) / 2.0).sin();
        let along = ((other.latitude - self.latitude) / 2.0).sin();
        let half_chord = along * along + self.latitude.cos() * other.latitude.cos() * across * across;
        2.0 * half_chord.sqrt().min(1.0).asin()
    }

    /// Clockwise from north, 0 up to a whole turn; `None` between equal places and opposite ones.
    fn azimuth_to(self, other: Place) -> Option<f64> {
        let angle = self.angle_to(other);
        if angle < 1e-15 || (std::f64::consts::PI - angle).abs() < 1e-15 {
            return None;
        }
        let turn = other.longitude - self.longitude;
        let east = turn.sin() * other.latitude.cos();
        let north =
            self.latitude.cos() * other.latitude.sin() - self.latitude.sin() * other.latitude.cos() * turn.cos();
        Some(east.atan2(north).rem_euclid(TAU))
    }
}

/// A cell of the geohash grid: its column from the west, its row from the south.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    column: i128,
    row: i128,
    characters: usize,
}

impl Cell {
    /// Columns and rows of the grid, as powers of two.
    fn bits(characters: usize) -> (usize, usize) {
        ((characters * 5).div_ceil(2), characters * 5 / 2)
    }

    fn of(place: Place, characters: usize) -> Cell {
        let (column_bits, row_bits) = Cell::bits(characters);
        let step = |degrees: f64, half: f64, bits: usize| {
            let cells = 1_i128 << bits;
            (((degrees + half) / (2.0 * half) * cells as f64).floor() as i128).clamp(0, cells - 1)
        };
        Cell {
            column: step(place.longitude.to_degrees(), 180.0, column_bits),
            row: step(place.latitude.to_degrees(), 90.0, row_bits),
            characters,
        }
    }

    fn read(text: &str) -> Option<Cell> {
        if !(1..=MOST_CHARACTERS).contains(&text.len()) {
            return None;
        }
        let mut cell = Cell { column: 0, row: 0, characters: text.len() };
        for (at, byte) in text.bytes().enumerate() {
            let value = ALPHABET.iter().position(|known| *known == byte.to_ascii_lowercase())?;
            for bit in 0..5 {
                let axis = if (at * 5 + bit) % 2 == 0 { &mut cell.column } else { &mut cell.row };
                *axis = *axis << 1 | (value >> (4 - bit) & 1) as i128;
            }
        }
        Some(cell)
    }

    fn text(self) -> String {
        let (column_bits, row_bits) = Cell::bits(self.characters);
        let bit = |at: usize| {
            let (axis, bits) = if at.is_multiple_of(2) { (self.column, column_bits) } else { (self.row, row_bits) };
            (axis >> (bits - 1 - at / 2) & 1) as usize
        };
        let value = |at: usize| (0..5).fold(0, |value, place| value << 1 | bit(at * 5 + place));
        (0..self.characters).map(|at| char::from(ALPHABET[value(at)])).collect()
    }

    /// South-western and north-eastern corner, in degrees.
    fn corners(self) -> ([f64; 2], [f64; 2]) {
        let (column_bits, row_bits) = Cell::bits(self.characters);
        let degrees = |at: i128, bits: usize, whole: f64| at as f64 / (1_i128 << bits) as f64 * whole - whole / 2.0;
        (
            [degrees(self.column, column_bits, 360.0), degrees(self.row, row_bits, 180.0)],
            [degrees(self.column + 1, column_bits, 360.0), degrees(self.row + 1, row_bits, 180.0)],
        )
    }

    /// The cell so many steps away; the grid closes in the east and ends at the poles.
    fn moved(self, east: i128, north: i128) -> Option<Cell> {
        let (column_bits, row_bits) = Cell::bits(self.characters);
        let column = (self.column + east).rem_euclid(1 << column_bits);
        let row = Some(self.row + north).filter(|row| (0..1 << row_bits).contains(row))?;
        Some(Cell { column, row, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_lies_in_its_cell(longitude in -180.0_f64..180.0, latitude in -90.0_f64..90.0, characters in 1_usize..=12) {
            let place = Place { longitude: longitude.to_radians(), latitude: latitude.to_radians() };
            let cell = Cell::of(place, characters);
            prop_assert_eq!(Cell::read(&cell.text()), Some(cell));
            let ([west, south], [east, north]) = cell.corners();
            let margin = 1e-9;
            prop_assert!(west - margin <= longitude && longitude <= east + margin);
            prop_assert!(south - margin <= latitude && latitude <= north + margin);
        }
    }
}
