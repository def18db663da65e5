//! Fewer places and more places: how far the answer lies from the shape; shapes as text.

use geography::densify::Densify;
use geography::{Vector, geojson, simplify, wkt};
use proptest::prelude::*;
use serde_json::json;

use crate::{region, star};

fn place(position: &serde_json::Value) -> Vector {
    Vector::from_degrees(position[0].as_f64().unwrap(), position[1].as_f64().unwrap()).unwrap()
}

proptest! {
    #[test]
    fn a_simple_line_keeps_to_the_line(shape in star(5.0), tolerance in 0.000_01_f64..0.02) {
        let mut path = shape["coordinates"][0].clone();
        path.as_array_mut().unwrap().pop();
        let line = geojson::line(&json!({ "type": "LineString", "coordinates": path })).unwrap();
        let Some(chains) = simplify::simplified_line(&line, tolerance) else { return Ok(()) };
        let simple = geojson::line(&geojson::lines_written(&chains)).unwrap();
        let known: Vec<Vector> = line.edges().iter().flat_map(|(a, b)| [*a, *b]).collect();
        prop_assert!(chains.iter().flatten().all(|place| known.iter().any(|other| (*place - *other).length() < 1e-14)));
        prop_assert!(simple.edges().iter().all(|(a, b)| a.angle(*b) >= tolerance - 1e-14));
        let off = known.iter().map(|place| simple.distance(*place).unwrap()).fold(0.0, f64::max);
        prop_assert!(off <= 1.1 * tolerance + 1e-12, "{off} {tolerance}");
    }

    #[test]
    fn a_simple_region_keeps_to_the_region(shape in star(5.0), tolerance in 0.000_01_f64..0.02) {
        let known = region(&shape);
        let simple = simplify::simplified_region(&known, tolerance).unwrap();
        prop_assert!(simple.edges().len() <= known.edges().len());
        let difference = (known.area() - simple.area()).abs();
        prop_assert!(difference <= known.perimeter() * 2.0 * tolerance + 1e-12);
        if !simple.is_empty() {
            prop_assert!(geojson::region(&geojson::area_written(&simple)).unwrap().is_some());
        }
    }

    #[test]
    fn a_dense_line_keeps_to_the_straight_line(
        from in (-179.0_f64..179.0, -85.0_f64..85.0), to in (-179.0_f64..179.0, -85.0_f64..85.0), metres in 100.0_f64..10_000.0,
    ) {
        prop_assume!((from.0 - to.0).hypot(from.1 - to.1) > 1e-3);
        let tolerance = metres / geography::EARTH_RADIUS_M;
        let shape = json!({ "type": "LineString", "coordinates": [[from.0, from.1], [to.0, to.1]] });
        let dense = Densify { tolerance, preserve_crossing: false }.line(&shape).unwrap();
        let line = geojson::line(&dense).unwrap();
        for step in 0..=100 {
            let share = f64::from(step) / 100.0;
            let flat = [from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share];
            let flat = Vector::from_degrees(flat[0], flat[1]).unwrap();
            prop_assert!(line.distance(flat).unwrap() <= tolerance * 1.001);
        }
        let ends = dense["coordinates"].as_array().unwrap();
        prop_assert_eq!(place(&ends[0]), place(&json!([from.0, from.1])));
    }

    #[test]
    fn well_known_text_never_panics(text in "[A-Za-z0-9(), .+-]{0,60}") {
        let _ = wkt::read(&text);
    }
}

/// Two squares with a crooked border between them.
#[test]
fn shared_borders_stay_shared() {
    let border = [[1.0, 0.0], [1.01, 0.25], [0.99, 0.5], [1.01, 0.75], [1.0, 1.0]];
    let west: Vec<[f64; 2]> = [[0.0, 1.0], [0.0, 0.0]].into_iter().chain(border).chain([[0.0, 1.0]]).collect();
    let east = border.into_iter().rev().chain([[2.0, 0.0], [2.0, 1.0]]).chain([[1.0, 1.0]]);
    let east: Vec<[f64; 2]> = east.collect();
    let regions = [west, east].map(|ring| region(&json!({ "type": "Polygon", "coordinates": [ring] })));
    let simple = simplify::simplified_together(&regions, 0.02_f64.to_radians()).unwrap();
    assert!(simple.iter().all(|region| region.edges().len() == 4));
    let together = geography::overlay::union(&simple[0], &simple[1]).unwrap();
    assert!((together.area() - simple[0].area() - simple[1].area()).abs() < 1e-15);
}

#[test]
fn well_known_text_becomes_geojson() {
    let check = |text: &str, wanted: serde_json::Value| assert_eq!(wkt::read(text), Some(wanted), "{text}");
    check("POINT (1 2)", json!({"type": "Point", "coordinates": [1, 2]}));
    check("point z(1.5 -2e1 3)", json!({"type": "Point", "coordinates": [1.5, -20.0, 3]}));
    check("LINESTRING(1 2,3 4)", json!({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}));
    check(
        "POLYGON ((0 0, 1 0, 1 1, 0 0), (2 2, 3 3, 4 2, 2 2))",
        json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]], [[2, 2], [3, 3], [4, 2], [2, 2]]]}),
    );
    check("MULTIPOINT ((1 2), 3 4)", json!({"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}));
    check(
        "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))",
        json!({"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]}),
    );
    check(
        "GEOMETRYCOLLECTION (POINT(1 2), LINESTRING EMPTY)",
        json!({"type": "GeometryCollection", "geometries": [
            {"type": "Point", "coordinates": [1, 2]}, {"type": "LineString", "coordinates": []},
        ]}),
    );
    for text in
        ["", "POINT", "POINT (1)", "POINT (1 2", "POINT (1 2) x", "CIRCLE (1 2)", "POINT (a b)", "LINESTRING (1 2,)"]
    {
        assert_eq!(wkt::read(text), None, "{text}");
    }
}
