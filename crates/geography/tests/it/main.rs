//! What every answer must satisfy, on shapes drawn at random, against slow ways to the same answer.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod cells;
mod containment;
mod distance;
mod overlay;
mod thinning;

use geography::{Region, Vector, geojson};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// Cases of the slower properties.
pub const CASES: u32 = 64;

/// Corners of a polygon around a centre that sees all of them: directions and distances from it, in degrees.
pub fn star(reach: f64) -> impl Strategy<Value = Json> {
    let centre = (-180.0_f64..180.0, -70.0_f64..70.0);
    (centre, prop::collection::vec(0.2_f64..1.0, 3..24), 0.01_f64..reach).prop_map(|(centre, shares, reach)| {
        let middle = Vector::from_degrees(centre.0, centre.1).unwrap();
        let steps = shares.len() as f64;
        let corners = shares.iter().enumerate().map(|(at, share)| {
            let turn = std::f64::consts::TAU * at as f64 / steps;
            json!(around(middle, turn, (reach * share).to_radians()).to_degrees())
        });
        let mut ring: Vec<Json> = corners.collect();
        ring.push(ring[0].clone());
        json!({ "type": "Polygon", "coordinates": [ring] })
    })
}

/// The place so far away in a direction.
pub fn around(middle: Vector, turn: f64, distance: f64) -> Vector {
    let across = middle.perpendicular();
    let along = middle.cross(across);
    (middle * distance.cos() + (across * turn.cos() + along * turn.sin()) * distance.sin()).unit()
}

/// Places around a shape: shares of its width and height, a little beyond both.
pub fn shares() -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((-0.2_f64..1.2, -0.2_f64..1.2), 20)
}

/// The places at these shares of the box around all corners in space, put back on the sphere.
pub fn places(shape: &Json, shares: &[(f64, f64)]) -> Vec<Vector> {
    let region = region(shape);
    let middle = region.centroid().unwrap();
    let reach = region.edges().iter().map(|(a, _)| a.angle(middle)).fold(0.0, f64::max);
    let place = |(turn, far): &(f64, f64)| around(middle, turn * 7.0, far.abs() * reach * 1.2);
    shares.iter().map(place).collect()
}

pub fn region(shape: &Json) -> Region {
    geojson::region(shape).unwrap().unwrap_or_else(|| panic!("not sound: {shape}"))
}
