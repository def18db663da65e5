//! Union and intersection: area by area and place by place.

use geography::{Region, geojson, overlay};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{CASES, places, region, shares, star};

/// Two polygons that have a good chance to overlap.
fn pair() -> impl Strategy<Value = (Json, Json)> {
    (star(20.0), star(20.0), any::<prop::sample::Index>(), 0.2_f64..1.5).prop_map(|(first, second, at, scale)| {
        let corners = region(&first).edges().iter().map(|(a, _)| *a).collect::<Vec<_>>();
        let (target, from) = (corners[at.index(corners.len())], region(&second));
        let middle = from.centroid().unwrap();
        // The second polygon moved so that its middle is a corner of the first.
        let moved = |place: geography::Vector| {
            let axis = middle.cross(target).unit();
            let angle = middle.angle(target);
            let place =
                place * angle.cos() + axis.cross(place) * angle.sin() + axis * (axis.dot(place) * (1.0 - angle.cos()));
            target.toward(place.unit(), target.angle(place.unit()) * scale)
        };
        let mut ring: Vec<Json> = from.edges().iter().map(|(a, _)| json!(moved(*a).to_degrees())).collect();
        ring.push(ring[0].clone());
        (first, json!({ "type": "Polygon", "coordinates": [ring] }))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn areas_add_up_and_places_agree((first, second) in pair(), shares in shares()) {
        let (a, b) = (region(&first), region(&second));
        let both = overlay::common_area(&a, &b).unwrap().area;
        let either = overlay::union(&a, &b).unwrap();
        let sums = (a.area() + b.area(), both.area() + either.area());
        prop_assert!((sums.0 - sums.1).abs() <= 1e-11, "{sums:?}");
        for place in places(&first, &shares).into_iter().chain(places(&second, &shares)) {
            prop_assert_eq!(either.contains(place), a.contains(place) || b.contains(place));
            prop_assert_eq!(both.contains(place), a.contains(place) && b.contains(place));
        }
        prop_assert_eq!(overlay::regions_meet(&a, &b), !both.is_empty());
    }

    #[test]
    fn a_region_with_itself_is_itself(shape in star(40.0)) {
        let (a, again) = (region(&shape), region(&shape));
        let common = overlay::common_area(&a, &again).unwrap();
        prop_assert_eq!(geojson::common_written(&common), geojson::area_written(&a));
        prop_assert_eq!(geojson::area_written(&overlay::union(&a, &again).unwrap()), geojson::area_written(&a));
    }

    #[test]
    fn what_is_written_is_read_again((first, second) in pair()) {
        let either = overlay::union(&region(&first), &region(&second)).unwrap();
        let again = region(&geojson::area_written(&either));
        prop_assert!((either.area() - again.area()).abs() <= 1e-12);
    }

    #[test]
    fn what_a_line_and_a_region_share_lies_on_both((first, second) in pair()) {
        let mut path = second["coordinates"][0].clone();
        path.as_array_mut().unwrap().pop();
        let line = geojson::line(&json!({ "type": "LineString", "coordinates": path })).unwrap();
        let area = region(&first);
        let common = overlay::common_line(&line, &area);
        for place in common.lines.iter().flatten().chain(&common.places) {
            prop_assert!(line.distance(*place).unwrap() <= 1e-13 && area.distance(*place).unwrap() <= 1e-13);
        }
        let length = |chains: &[Vec<geography::Vector>]| -> f64 {
            chains.iter().flat_map(|chain| chain.windows(2)).map(|pair| pair[0].angle(pair[1])).sum()
        };
        // The stretches inside, sampled.
        let inside = (0..2_000).filter(|at| area.contains(line.at(f64::from(*at) / 2_000.0).unwrap())).count();
        let share = length(&common.lines) / line.length();
        prop_assert!((share - inside as f64 / 2_000.0).abs() <= 0.02);
        prop_assert_eq!(overlay::line_meets_region(&line, &area), !(common.lines.is_empty() && common.places.is_empty()));
    }
}

/// Rings on a coarse grid, where corners, edges and great circles coincide all the time. Most are not sound.
fn on_a_grid() -> impl Strategy<Value = Json> {
    prop::collection::vec((-2_i8..3, -2_i8..3), 3..7).prop_map(|corners| {
        let mut ring: Vec<Json> = corners.iter().map(|(x, y)| json!([x, y])).collect();
        ring.push(ring[0].clone());
        json!({ "type": "Polygon", "coordinates": [ring] })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::with_cases(CASES * 8) })]

    #[test]
    fn shapes_that_coincide_in_part_are_overlaid(first in on_a_grid(), second in on_a_grid()) {
        let (Some(a), Some(b)) = (geojson::region(&first).unwrap(), geojson::region(&second).unwrap()) else {
            return Err(TestCaseError::reject("not sound"));
        };
        let common = overlay::common_area(&a, &b).unwrap();
        let either = overlay::union(&a, &b).unwrap();
        let sums = (a.area() + b.area(), common.area.area() + either.area());
        prop_assert!((sums.0 - sums.1).abs() <= 1e-12, "{sums:?}");
        let nothing = common.area.is_empty() && common.lines.is_empty() && common.places.is_empty();
        prop_assert_eq!(overlay::regions_meet(&a, &b), !nothing);
        for place in common.lines.iter().flatten().chain(&common.places) {
            prop_assert!(a.distance(*place).unwrap() < 1e-14 && b.distance(*place).unwrap() < 1e-14);
        }
    }
}

/// Squares of one degree by their south-western corners.
fn squares(corners: &[(f64, f64)]) -> Vec<Region> {
    let square = |(west, south): &(f64, f64)| {
        let (east, north) = (west + 1.0, south + 1.0);
        let ring = [[*west, *south], [east, *south], [east, north], [*west, north], [*west, *south]];
        region(&json!({ "type": "Polygon", "coordinates": [ring] }))
    };
    corners.iter().map(square).collect()
}

/// Unions of squares that share sides and corners: number of polygons and of their rings.
#[test]
fn shared_sides_vanish_and_holes_appear() {
    let check = |corners: &[(f64, f64)], polygons: usize, rings: usize| {
        let written = geojson::area_written(&overlay::union_all(squares(corners)).unwrap());
        let shells = match written["type"].as_str() {
            Some("Polygon") => vec![written["coordinates"].clone()],
            _ => written["coordinates"].as_array().unwrap().clone(),
        };
        assert_eq!(shells.len(), polygons, "{written}");
        assert_eq!(shells.iter().map(|shell| shell.as_array().unwrap().len()).sum::<usize>(), rings, "{written}");
    };
    check(&[(0.0, 0.0), (1.0, 0.0)], 1, 1);
    check(&[(0.0, 0.0), (1.0, 1.0)], 2, 2);
    check(&[(0.0, 0.0), (5.0, 5.0)], 2, 2);
    let frame = [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (0.0, 1.0), (2.0, 1.0), (0.0, 2.0), (1.0, 2.0), (2.0, 2.0)];
    check(&frame, 1, 2);
    check(&[frame.as_slice(), &[(1.0, 1.0)]].concat(), 1, 1);
}

/// What shapes have in common, as it is written.
#[test]
fn touching_shapes_have_places_and_lines_in_common() {
    let check = |first: &str, second: &str, wanted: &str| {
        let [first, second] = [first, second].map(|text| region(&serde_json::from_str(text).unwrap()));
        let common = overlay::common_area(&first, &second).unwrap();
        let kind = geojson::common_written(&common);
        assert_eq!(kind["type"], wanted, "{kind}");
    };
    let square = r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}"#;
    check(square, r#"{"type":"Polygon","coordinates":[[[1,1],[2,1],[2,2],[1,1]]]}"#, "Point");
    check(square, r#"{"type":"Polygon","coordinates":[[[1,0],[2,0],[1,1],[1,0]]]}"#, "LineString");
    check(square, r#"{"type":"Polygon","coordinates":[[[5,5],[6,5],[6,6],[5,5]]]}"#, "GeometryCollection");
    check(square, r#"{"type":"Polygon","coordinates":[[[0.5,0.5],[2,0],[2,2],[0.5,0.5]]]}"#, "Polygon");
}
