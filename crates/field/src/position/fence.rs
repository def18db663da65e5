//! On which side of a fence somebody is. Pure.
//!
//! A side changes when the circles of two fixes in a row lie wholly on the other side, each with a margin, so that a
//! receiver that wanders by 100 m at the line crosses nothing.

use geography::{EARTH_RADIUS_M, Line, Region, geojson};
use kernel::{Timestamp, words};
use serde_json::Value as Json;

use super::judge::{COARSE_M, Fix};

/// A circle counts as at least so large.
const LEAST_RADIUS_M: f64 = 100.0;
/// Fixes in a row that make a crossing.
const IN_A_ROW: i64 = 2;
/// Who moves less than this has stopped.
const STANDS_WITHIN_M: f64 = 150.0;
/// And for so long.
pub const STOP_US: i64 = 5 * 60_000_000;

words! {
    /// What a fence is for.
    FenceKind {
        /// Nobody is to be there.
        NoGo = "no-go",
        /// The way of a leg, with a width.
        Corridor = "corridor",
        Site = "site",
    }
}

words! {
    /// A side of a fence.
    Side {
        Inside = "inside",
        Outside = "outside",
    }
}

/// A fence, ready to be asked.
#[derive(Debug)]
pub struct Fence {
    pub key: String,
    pub name: String,
    pub kind: FenceKind,
    ground: Ground,
    /// Circles count as at least so large; less for areas in which one of 100 m has no room.
    least_radius_m: f64,
}

#[derive(Debug)]
enum Ground {
    Area(Region),
    Strip { line: Line, width_m: f64 },
}

impl Fence {
    /// From a shape of the register. `None`: the shape is neither an area nor a line.
    pub fn new(key: &str, name: &str, kind: FenceKind, shape: &Json, width_m: f64) -> Option<Fence> {
        let (key, name) = (key.to_owned(), name.to_owned());
        if let Ok(Some(area)) = geojson::region(shape) {
            let across_m = area.area().sqrt() * EARTH_RADIUS_M;
            let least_radius_m = LEAST_RADIUS_M.min(across_m / 4.0);
            return Some(Fence { key, name, kind, ground: Ground::Area(area), least_radius_m });
        }
        let line = geojson::line(shape)?;
        let least_radius_m = LEAST_RADIUS_M.min(width_m / 2.0);
        Some(Fence { key, name, kind, ground: Ground::Strip { line, width_m }, least_radius_m })
    }

    /// The side on which the whole circle of a fix lies. `None`: it lies across the line, or is too coarse to say.
    pub fn side(&self, fix: &Fix) -> Option<Side> {
        if fix.accuracy_m >= COARSE_M {
            return None;
        }
        let place = fix.place()?;
        let radius_m = fix.accuracy_m.max(self.least_radius_m);
        let (is_inside, outline_m) = match &self.ground {
            Ground::Area(area) => (area.contains(place), area.distance_to_outline(place)? * EARTH_RADIUS_M),
            Ground::Strip { line, width_m } => {
                let away_m = line.distance(place)? * EARTH_RADIUS_M;
                (away_m <= *width_m, (away_m - width_m).abs())
            }
        };
        let side = if is_inside { Side::Inside } else { Side::Outside };
        (outline_m >= radius_m).then_some(side)
    }

    /// The side on which somebody is taken to be of whom nothing is known.
    pub const fn first_side(&self) -> Side {
        match self.kind {
            FenceKind::Corridor => Side::Inside,
            FenceKind::NoGo | FenceKind::Site => Side::Outside,
        }
    }
}

/// Where somebody stands, and what speaks for the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub side: Side,
    /// Fixes in a row on the other side.
    pub other_count: i64,
    /// The first of them.
    pub other_since: Option<Timestamp>,
}

/// Somebody changed sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// The fix time of the first fix on the new side.
    pub at: Timestamp,
    pub side: Side,
}

impl Standing {
    /// On a side, with nothing against it.
    pub const fn on(side: Side) -> Standing {
        Standing { side, other_count: 0, other_since: None }
    }

    /// Takes in what a fix says. A circle across the line says nothing.
    pub fn step(&mut self, seen: Option<Side>, at: Timestamp) -> Option<Crossing> {
        let seen = seen?;
        if seen == self.side {
            *self = Standing::on(self.side);
            return None;
        }
        self.other_count += 1;
        let since = *self.other_since.get_or_insert(at);
        (self.other_count >= IN_A_ROW).then(|| {
            *self = Standing::on(seen);
            Crossing { at: since, side: seen }
        })
    }
}

/// Every crossing of fixes in the order of their fix times.
pub fn crossings(fence: &Fence, from: Standing, fixes: &[Fix]) -> (Standing, Vec<Crossing>) {
    let mut standing = from;
    let found = fixes.iter().filter_map(|fix| standing.step(fence.side(fix), fix.at)).collect();
    (standing, found)
}

/// Since when somebody has stood still, at the last of fixes in the order of their fix times. `None`: they move.
pub fn stands_since(fixes: &[Fix]) -> Option<Timestamp> {
    let last = fixes.last()?;
    let sharp = |fix: &&Fix| fix.accuracy_m < COARSE_M;
    let mut since = None;
    for fix in fixes.iter().rev().filter(sharp) {
        if fix.distance_m(last) > STANDS_WITHIN_M {
            break;
        }
        since = Some(fix.at);
    }
    since.filter(|since| last.at.micros() - since.micros() >= STOP_US)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOON: i64 = 1_795_262_400_000_000;
    const MINUTE: i64 = 60_000_000;
    /// Degrees of longitude or latitude in a metre, near the equator.
    const DEGREE_PER_M: f64 = 1.0 / 111_195.0;

    /// A square of 2 km around 0.5 north, 125 east.
    fn area() -> Fence {
        let half = 1_000.0 * DEGREE_PER_M;
        let corner = |x: f64, y: f64| json!([125.0 + x * half, 0.5 + y * half]);
        let ring = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0), corner(-1.0, -1.0)];
        let shape = json!({ "type": "Polygon", "coordinates": [ring] });
        Fence::new("RIVER", "River", FenceKind::NoGo, &shape, 0.0).unwrap()
    }

    /// Metres east of the middle of the square.
    fn fix(minute: i64, east_m: f64, accuracy_m: f64) -> Fix {
        let at = Timestamp(NOON + minute * MINUTE);
        let longitude = 125.0 + east_m * DEGREE_PER_M;
        Fix { at, received: at, latitude: 0.5, longitude, accuracy_m, quirks: Vec::new() }
    }

    fn sides(path: &[f64]) -> Vec<(i64, Side)> {
        let fixes: Vec<Fix> = (0..).zip(path).map(|(minute, east)| fix(minute, *east, 20.0)).collect();
        let (_, found) = crossings(&area(), Standing::on(Side::Outside), &fixes);
        found.into_iter().map(|one| ((one.at.micros() - NOON) / MINUTE, one.side)).collect()
    }

    #[test]
    fn two_fixes_wholly_across_make_a_crossing() {
        assert_eq!(sides(&[2_000.0, 500.0, 400.0, 300.0]), [(1, Side::Inside)]);
        assert_eq!(sides(&[2_000.0, 500.0, 2_000.0, 500.0]), [], "one alone is nothing");
        assert_eq!(sides(&[500.0, 400.0, 950.0, 2_000.0, 2_100.0]), [(0, Side::Inside), (3, Side::Outside)]);
        let circle = [fix(0, 0.0, 10_000.0), fix(1, 0.0, 10_000.0), fix(2, 0.0, 10_000.0)];
        assert_eq!(
            crossings(&area(), Standing::on(Side::Outside), &circle).1,
            [],
            "a circle of 10 km satisfies no fence"
        );
    }

    #[test]
    fn a_corridor_has_a_width() {
        let line = json!({ "type": "LineString", "coordinates": [[125.0, 0.5], [125.5, 0.5]] });
        let fence = Fence::new("COAST", "Coast road", FenceKind::Corridor, &line, 2_000.0).unwrap();
        let north = |metres: f64| Fix { latitude: 0.5 + metres * DEGREE_PER_M, ..fix(0, 5_000.0, 20.0) };
        assert_eq!(fence.side(&north(0.0)), Some(Side::Inside));
        assert_eq!(fence.side(&north(1_950.0)), None);
        assert_eq!(fence.side(&north(2_200.0)), Some(Side::Outside));
        assert_eq!(fence.first_side(), Side::Inside);
    }

    #[test]
    fn who_stands_for_five_minutes_has_stopped() {
        let at = |minutes: &[i64], east: &[f64]| -> Option<i64> {
            let fixes: Vec<Fix> = minutes.iter().zip(east).map(|(minute, east)| fix(*minute, *east, 20.0)).collect();
            stands_since(&fixes).map(|since| (since.micros() - NOON) / MINUTE)
        };
        assert_eq!(at(&[0, 2, 4], &[0.0, 10.0, 20.0]), None);
        assert_eq!(at(&[0, 3, 6], &[0.0, 10.0, 20.0]), Some(0));
        assert_eq!(at(&[0, 3, 6, 9], &[900.0, 10.0, 20.0, 30.0]), Some(3));
        assert_eq!(at(&[], &[]), None);
    }

    proptest! {
        /// A car parked at the line, its receiver wandering by 100 m, crosses nothing.
        #[test]
        fn nothing_flaps_at_the_line(jitter in prop::collection::vec(-100.0_f64..100.0, 1..200)) {
            let fixes: Vec<Fix> = (0..).zip(&jitter).map(|(minute, east)| fix(minute, 1_000.0 + east, 20.0)).collect();
            for side in [Side::Inside, Side::Outside] {
                prop_assert_eq!(crossings(&area(), Standing::on(side), &fixes).1, []);
            }
        }

        /// Taken in one by one, the crossings are those of the whole.
        #[test]
        fn steps_add_up(path in prop::collection::vec(-2_500.0_f64..2_500.0, 1..60), cut in 0_usize..60) {
            let fixes: Vec<Fix> = (0..).zip(&path).map(|(minute, east)| fix(minute, *east, 20.0)).collect();
            let cut = cut.min(fixes.len());
            let whole = crossings(&area(), Standing::on(Side::Outside), &fixes);
            let (standing, mut first) = crossings(&area(), Standing::on(Side::Outside), &fixes[..cut]);
            let (last, rest) = crossings(&area(), standing, &fixes[cut..]);
            first.extend(rest);
            prop_assert_eq!((last, first), whole);
        }
    }
}
