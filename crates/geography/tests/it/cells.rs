//! Cells: there and back, and over shapes.

use geography::cover::Reach;
use geography::flat::FlatArea;
use geography::hexagon::Hexagon;
use geography::square::Square;
use geography::{Vector, geojson};
use proptest::prelude::*;

use crate::{CASES, places, region, shares, star};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn s2_cells_go_there_and_back(longitude in -180.0_f64..180.0, latitude in -90.0_f64..90.0, level in 0_u64..=30) {
        let place = Vector::from_degrees(longitude, latitude).unwrap();
        let cell = Square::of(place, level).unwrap();
        prop_assert_eq!(Square::read(&cell.token()), Some(cell));
        prop_assert_eq!(Square::of(cell.centre(), level), Some(cell));
        let outline = region(&cell.polygon());
        prop_assert!(outline.distance(place).unwrap() < 1e-15 && outline.contains(cell.centre()));
        for neighbour in cell.neighbours() {
            prop_assert!(neighbour != cell && neighbour.neighbours().contains(&cell));
        }
    }

    #[test]
    fn h3_cells_go_there_and_back(longitude in -180.0_f64..180.0, latitude in -90.0_f64..90.0, resolution in 0_i64..=15) {
        let cell = Hexagon::of(longitude, latitude, resolution).unwrap();
        prop_assert_eq!(Hexagon::read(&cell.text()), Some(cell));
        let middle = &cell.central_point()["coordinates"];
        let (longitude, latitude) = (middle[0].as_f64().unwrap(), middle[1].as_f64().unwrap());
        prop_assert_eq!(Hexagon::of(longitude, latitude, resolution), Some(cell));
        prop_assert_eq!(i64::from(cell.resolution()), resolution);
        for neighbour in cell.neighbours() {
            prop_assert!(neighbour.neighbours().contains(&cell));
        }
        if resolution < 15 {
            prop_assert!(cell.children(None).unwrap().iter().all(|child| child.parent(None) == Some(cell)));
        }
    }

    #[test]
    fn a_cell_and_its_neighbours_are_one_area(longitude in -180.0_f64..180.0, latitude in -85.0_f64..85.0, size in 1_i64..=14) {
        let hexagon = Hexagon::of(longitude, latitude, size).unwrap();
        let square = Square::of(Vector::from_degrees(longitude, latitude).unwrap(), 2 * size as u64).unwrap();
        let hexagons = hexagon.neighbours().into_iter().chain([hexagon]).map(|cell| cell.polygon());
        let squares = square.neighbours().into_iter().chain([square]).map(|cell| cell.polygon());
        for cells in [hexagons.collect::<Vec<_>>(), squares.collect()] {
            let cells: Vec<_> = cells.iter().map(region).collect();
            let sum: f64 = cells.iter().map(|cell| cell.area()).sum();
            let union = geography::overlay::union_all(cells).unwrap();
            prop_assert!((union.area() - sum).abs() <= 1e-9 * sum + 1e-15, "{} {sum}", union.area());
            let written = geojson::area_written(&union);
            prop_assert_eq!((&written["type"], written["coordinates"].as_array().unwrap().len()), (&"Polygon".into(), 1));
        }
    }

    #[test]
    fn s2_cells_cover_the_shape_and_no_more(shape in star(3.0), shares in shares(), distance in 0.0_f64..0.01) {
        let region = region(&shape);
        let reach = region.edges().iter().map(|(a, _)| a.angle(region.centroid().unwrap())).fold(0.0, f64::max);
        // A level whose cells are about a tenth of the shape.
        let level = ((10.0 / (reach + distance)).log2().floor().max(0.0) as u64).min(30);
        let cells = Reach::of_region(&region, distance).squares(level, 65_536).unwrap();
        prop_assert!(cells.windows(2).all(|pair| pair[0] < pair[1]));
        let rough = Reach::of_region(&region, distance).rough_squares();
        for place in places(&shape, &shares) {
            if region.distance(place).unwrap() <= distance {
                prop_assert!(cells.contains(&Square::of(place, level).unwrap()));
                let around = (0..=30).filter(|level| rough.contains(&Square::of(place, *level).unwrap()));
                prop_assert_eq!(around.count(), 1);
            }
        }
        for cell in cells {
            let outline = geojson::region(&cell.polygon()).unwrap().unwrap();
            let near = region.edges().iter().any(|(a, _)| outline.distance(*a).unwrap() <= distance + 1e-12)
                || cell.corners().iter().any(|corner| region.distance(*corner).unwrap() <= distance + 1e-12)
                || geography::overlay::regions_meet(&region, &outline);
            prop_assert!(near);
        }
    }

    #[test]
    fn h3_cells_are_those_whose_middle_lies_inside(shape in star(2.0), shares in shares(), finer in 0_i64..2) {
        let area = FlatArea::read(&shape).unwrap();
        let resolution = 4 + finer;
        let cells = area.hexagons(resolution, 61_680).unwrap();
        for cell in &cells {
            let middle = &cell.central_point()["coordinates"];
            prop_assert!(area.contains([middle[0].as_f64().unwrap(), middle[1].as_f64().unwrap()]));
        }
        for place in places(&shape, &shares) {
            let [longitude, latitude] = place.to_degrees();
            let cell = Hexagon::of(longitude, latitude, resolution).unwrap();
            let middle = &cell.central_point()["coordinates"];
            let inside = area.contains([middle[0].as_f64().unwrap(), middle[1].as_f64().unwrap()]);
            prop_assert_eq!(cells.contains(&cell), inside);
        }
    }
}

/// Tokens and indexes that name no cell.
#[test]
fn what_names_no_cell_is_refused() {
    for token in ["", "a", "0", "zz", "ffffffffffffffff", "89c2590000000000000", "-89c259"] {
        assert_eq!(Square::read(token), None, "{token}");
    }
    for index in ["", "abc", "zz", "862a1072ffffff", "-862a1072fffffff", "+862a1072fffffff"] {
        assert_eq!(Hexagon::read(index), None, "{index}");
    }
}
