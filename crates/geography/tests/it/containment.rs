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
