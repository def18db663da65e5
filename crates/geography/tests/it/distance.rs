//! Nearest places against a look at every edge; places along lines.

use geography::buffer::Buffer;
use geography::{Vector, geojson};
use proptest::prelude::*;
use serde_json::json;

use crate::{CASES, places, region, shares, star};

/// Smallest distance to places taken along the edge.
fn sampled(place: Vector, a: Vector, b: Vector) -> f64 {
    let steps = 400;
    let at = |step: i32| a.toward(b, a.angle(b) * f64::from(step) / f64::from(steps)).angle(place);
    (0..=steps).map(at).fold(f64::MAX, f64::min)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn the_nearest_place_is_no_farther_than_any_other(shape in star(40.0), shares in shares()) {
        let region = region(&shape);
        let line = geojson::line(&json!({ "type": "LineString", "coordinates": shape["coordinates"][0] })).unwrap();
        for place in places(&shape, &shares) {
            let least = line.edges().iter().map(|(a, b)| sampled(place, *a, *b)).fold(f64::MAX, f64::min);
            let distance = line.distance(place).unwrap();
            prop_assert!(distance <= least + 1e-12 && least - distance <= 0.01, "{distance} {least}");
            let wanted = if region.contains(place) { 0.0 } else { distance };
            prop_assert!((region.distance(place).unwrap() - wanted).abs() <= 1e-12);
        }
    }

    #[test]
    fn a_share_of_a_line_is_found_again(shape in star(40.0), share in 0.0_f64..=1.0) {
        let mut path = shape["coordinates"][0].clone();
        path.as_array_mut().unwrap().pop();
        let line = geojson::line(&json!({ "type": "LineString", "coordinates": path })).unwrap();
        let place = line.at(share).unwrap();
        prop_assert!(line.distance(place).unwrap() <= 1e-14);
        prop_assert!((line.share_before(place).unwrap() - share).abs() <= 1e-9);
    }

    #[test]
    fn a_buffer_holds_what_is_near_and_not_what_is_far(
        shape in star(10.0), shares in shares(), radius in 0.0001_f64..0.05, precision in 0.001_f64..0.5,
    ) {
        let region = region(&shape);
        let tolerance = radius * precision;
        let buffer = Buffer::new(radius, tolerance).unwrap().unwrap();
        let wide = buffer.of_region(&region).unwrap();
        let corner = region.edges()[0].0;
        let around = buffer.of_place(corner);
        let beside = shares.iter().map(|(turn, far)| crate::around(corner, turn * 7.0, far.abs() * radius * 1.5));
        for place in places(&shape, &shares).into_iter().chain(beside) {
            for (area, distance) in [(&wide, region.distance(place).unwrap()), (&around, corner.angle(place))] {
                prop_assert!(distance > radius - 1e-12 || area.contains(place));
                prop_assert!(distance < radius + tolerance + 1e-12 || !area.contains(place));
            }
        }
    }
}

#[test]
fn radii_and_tolerances_have_limits() {
    assert!(Buffer::new(0.0, 0.1).unwrap().is_none());
    assert!(Buffer::new(-1.0, 0.1).unwrap().is_none());
    assert!(Buffer::new(0.1, 0.0).unwrap().is_none());
    assert!(Buffer::new(0.1, 1e-9).unwrap().is_none());
    assert!(Buffer::new(f64::NAN, 0.1).unwrap().is_none());
    assert!(Buffer::new(0.1, 5.0).unwrap().is_some());
    let ring: Vec<[f64; 2]> = (0..1_000).map(|at| [f64::from(at) / 100.0, f64::from(at % 2)]).collect();
    let line = geojson::line(&json!({ "type": "LineString", "coordinates": ring })).unwrap();
    let fine = Buffer::new(0.01, 0.000_000_01).unwrap().unwrap();
    assert_eq!(fine.of_line(&line).unwrap_err(), geography::Error::TooFine);
    assert_eq!(Buffer::new(1.6, 0.1).unwrap_err(), geography::Error::MoreThanHalf);
}
