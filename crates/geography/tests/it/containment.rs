//! Inside or outside, against the winding of the outline around the place; areas against triangles.

use geography::{Region, Vector};
use proptest::prelude::*;

use crate::{places, region, shares, star};

/// Turns of the outline around the place, edge by edge.
fn winding(region: &Region, place: Vector) -> f64 {
    let angles = region.edges().iter().map(|(a, b)| {
        let (from, to) = (*a - place * a.dot(place), *b - place * b.dot(place));
        place.dot(from.cross(to)).atan2(from.dot(to))
    });
    angles.sum::<f64>() / std::f64::consts::TAU
}

proptest! {
    #[test]
    fn inside_is_where_the_outline_winds_around(shape in star(60.0), shares in shares()) {
        let region = region(&shape);
        for place in places(&shape, &shares) {
            prop_assert_eq!(region.contains(place), winding(&region, place).round() as i32 == 1);
        }
    }

    #[test]
    fn corners_lie_inside_and_the_direction_of_the_ring_does_not_matter(shape in star(60.0)) {
        let known = region(&shape);
        let mut turned = shape.clone();
        turned["coordinates"][0].as_array_mut().unwrap().reverse();
        let other = region(&turned);
        for (corner, _) in known.edges() {
            prop_assert!(known.contains(*corner) && other.contains(*corner));
        }
        prop_assert!((known.area() - other.area()).abs() <= 1e-12);
    }
}

/// Rings that bound no area.
#[test]
fn unsound_rings_are_no_region() {
    let unsound = [
        "[[[0,0],[10,10],[10,10],[0,0]]]",
        "[[[0,0],[10,10],[0,0]]]",
        "[[[0,0],[10,10],[10,0],[0,5]]]",
        "[[[0,0],[10,10],[10,0],[0,10],[0,0]]]",
        "[[[0,0],[200,10],[10,0],[0,0]]]",
        "[[[0,0],[180,0],[10,10],[0,0]]]",
        "[[[0,0],[10,0],[10,10],[0,10],[0,0]],[[5,5],[15,5],[15,8],[5,5]]]",
        "[[]]",
        "[]",
    ];
    for coordinates in unsound {
        let shape = format!(r#"{{"type":"Polygon","coordinates":{coordinates}}}"#);
        let shape = serde_json::from_str(&shape).unwrap();
        assert!(geography::geojson::region(&shape).unwrap().is_none(), "{shape}");
    }
}

#[test]
fn an_octant_has_an_eighth_of_the_sphere() {
    let octant = serde_json::json!({"type": "Polygon", "coordinates": [[[0, 0], [90, 0], [0, 90], [0, 0]]]});
    let octant = region(&octant);
    assert!((octant.area() - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
    let third = 1.0 / 3.0_f64.sqrt();
    assert!((octant.centroid().unwrap() - Vector::new(third, third, third)).length() < 1e-12);
}

/// Rings that run along the antimeridian or around a pole keep their numbers.
#[test]
fn the_antimeridian_has_either_side() {
    let check = |ring: &str, inside: [f64; 2]| {
        let shape = format!(r#"{{"type":"Polygon","coordinates":[{ring}]}}"#);
        let shape: serde_json::Value = serde_json::from_str(&shape).unwrap();
        let known = region(&shape);
        assert!(known.contains(Vector::from_degrees(inside[0], inside[1]).unwrap()), "{shape}");
        let written = geography::geojson::area_written(&known);
        for (wanted, answer) in
            shape["coordinates"][0].as_array().unwrap().iter().zip(written["coordinates"][0].as_array().unwrap())
        {
            let off = |axis: usize| (wanted[axis].as_f64().unwrap() - answer[axis].as_f64().unwrap()).abs();
            assert!(off(0) < 1e-9 && off(1) < 1e-9, "{written}");
        }
    };
    check("[[-180,0],[-170,0],[-170,10],[-180,10],[-180,0]]", [-175.0, 5.0]);
    check("[[170,0],[180,0],[180,10],[170,10],[170,0]]", [175.0, 5.0]);
    check("[[-180,80],[-90,80],[0,80],[90,80],[180,80],[-180,80]]", [10.0, 89.0]);
    check("[[0,60],[60,60],[30,90],[0,60]]", [30.0, 75.0]);
}
