//! What a position report is worth. Pure: a judgement depends on the report and on the trusted one before it.
//!
//! Nothing here makes an arrival or a contact: people are in when somebody says so, and a car that moves may be stolen.

use geography::{EARTH_RADIUS_M, Vector};
use kernel::message::Quirk;
use kernel::{Timestamp, words};

/// A clock may be ahead of ours by so much before its report is set aside.
const AHEAD_US: i64 = 60_000_000;
/// What a fix from satellites is good to, when its device does not say.
const USUAL_ACCURACY_M: f64 = 30.0;
/// What a network's own guess is good to (Iridium: for four of five).
const NETWORK_ACCURACY_M: f64 = 10_000.0;
/// From this radius on a fix is a circle on the map and satisfies no fence.
pub const COARSE_M: f64 = 1_000.0;
/// Within so much no speed is reckoned: receivers wander.
const WANDER_M: f64 = 2_000.0;
/// 0, 0 is what devices say that have no fix.
const NULL_ISLAND_DEG: f64 = 0.0001;

words! {
    /// What a position is worth.
    Trust {
        Good = "good",
        /// Shown with a dotted line; the operator is asked.
        Low = "low",
        /// Kept and shown in its list, and never anybody's latest position.
        Quarantined = "quarantined",
    }
}

words! {
    /// Why a position is not trusted, or what it cannot tell.
    Doubt {
        NullIsland = "null-island",
        /// Dated after it was received.
        Future = "future",
        /// Too far from the one before for any vehicle.
        Jump = "jump",
        /// A circle of a kilometre and more.
        Coarse = "coarse",
        /// The device itself says that it is no fix.
        NoFix = "no-fix",
        /// The device gave no time.
        NoTime = "no-time",
    }
}

/// A report of where something was.
#[derive(Debug, Clone, PartialEq)]
pub struct Fix {
    /// When it was there.
    pub at: Timestamp,
    pub received: Timestamp,
    /// Degrees.
    pub latitude: f64,
    pub longitude: f64,
    /// Radius of the circle in which it was.
    pub accuracy_m: f64,
    pub quirks: Vec<Quirk>,
}

/// A judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub trust: Trust,
    pub doubts: Vec<Doubt>,
}

impl Fix {
    /// The radius, where the device gave one, or what is usual for how it was made.
    pub fn radius(given_m: Option<f64>, quirks: &[Quirk]) -> f64 {
        let usual = if quirks.contains(&Quirk::Network) { NETWORK_ACCURACY_M } else { USUAL_ACCURACY_M };
        given_m.filter(|radius| radius.is_finite() && *radius > 0.0).unwrap_or(usual)
    }

    /// Its place on the sphere; `None` outside of the globe.
    pub fn place(&self) -> Option<Vector> {
        Vector::from_degrees(self.longitude, self.latitude)
    }

    /// Metres to another.
    pub fn distance_m(&self, other: &Fix) -> f64 {
        match (self.place(), other.place()) {
            (Some(here), Some(there)) => here.angle(there) * EARTH_RADIUS_M,
            _ => f64::INFINITY,
        }
    }
}

/// Judges one fix by the trusted one before it. `fastest_mps` is what its carrier can do at most.
pub fn judge(fix: &Fix, before: Option<&Fix>, fastest_mps: f64) -> Judgement {
    let mut doubts = Vec::new();
    let is_null = fix.latitude.abs() <= NULL_ISLAND_DEG && fix.longitude.abs() <= NULL_ISLAND_DEG;
    if is_null || fix.quirks.contains(&Quirk::NullIsland) {
        doubts.push(Doubt::NullIsland);
    }
    if fix.at.micros() > fix.received.micros() + AHEAD_US {
        doubts.push(Doubt::Future);
    }
    if fix.quirks.contains(&Quirk::NoFix) {
        doubts.push(Doubt::NoFix);
    }
    if fix.quirks.contains(&Quirk::NoTime) {
        doubts.push(Doubt::NoTime);
    }
    if fix.accuracy_m >= COARSE_M {
        doubts.push(Doubt::Coarse);
    }
    if before.is_some_and(|before| is_jump(before, fix, fastest_mps)) {
        doubts.push(Doubt::Jump);
    }
    let trust = if doubts.contains(&Doubt::NullIsland) || doubts.contains(&Doubt::Future) {
        Trust::Quarantined
    } else if doubts.contains(&Doubt::Jump) || doubts.contains(&Doubt::NoFix) {
        Trust::Low
    } else {
        Trust::Good
    };
    Judgement { trust, doubts }
}

/// Too far for the time between, even when each lies at the rim of its circle.
#[expect(clippy::cast_precision_loss, reason = "microseconds between two fixes")]
fn is_jump(before: &Fix, fix: &Fix, fastest_mps: f64) -> bool {
    let seconds = (fix.at.micros() - before.at.micros()).max(0) as f64 / 1e6;
    before.distance_m(fix) - before.accuracy_m - fix.accuracy_m > WANDER_M + fastest_mps * seconds
}

/// Judges fixes in the order of their fix times, from the trusted one before the first. The judgement of a fix does not
/// depend on the order in which fixes came.
pub fn judge_all(before: Option<&Fix>, fixes: &[Fix], fastest_mps: f64) -> Vec<Judgement> {
    let mut trusted = before;
    fixes
        .iter()
        .map(|fix| {
            let judgement = judge(fix, trusted, fastest_mps);
            if judgement.trust == Trust::Good {
                trusted = Some(fix);
            }
            judgement
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_262_400_000_000;
    const SECOND: i64 = 1_000_000;

    fn fix(at_s: i64, latitude: f64, longitude: f64) -> Fix {
        let at = Timestamp(NOON + at_s * SECOND);
        Fix { at, received: at, latitude, longitude, accuracy_m: 20.0, quirks: Vec::new() }
    }

    fn check(fix: &Fix, before: Option<&Fix>, trust: Trust, doubts: &[Doubt]) {
        let judged = judge(fix, before, 60.0);
        assert_eq!((judged.trust, judged.doubts.as_slice()), (trust, doubts), "{fix:?}");
    }

    #[test]
    fn a_fix_is_judged_by_itself_and_by_the_one_before() {
        let dili = fix(0, -8.55, 125.57);
        check(&dili, None, Trust::Good, &[]);
        check(&fix(60, -8.55, 125.58), Some(&dili), Trust::Good, &[]);
        check(&fix(60, 0.0, 0.0), Some(&dili), Trust::Quarantined, &[Doubt::NullIsland, Doubt::Jump]);
        check(&fix(600, -8.55, 129.2), Some(&dili), Trust::Low, &[Doubt::Jump]);
        check(&fix(3 * 3_600, -8.55, 129.2), Some(&dili), Trust::Good, &[]);
        let late = Fix { received: Timestamp(NOON + 6 * 3_600 * SECOND), ..fix(60, -8.55, 125.58) };
        check(&late, Some(&dili), Trust::Good, &[]);
        let future = Fix { received: Timestamp(NOON), ..fix(3_600, -8.55, 125.58) };
        check(&future, Some(&dili), Trust::Quarantined, &[Doubt::Future]);
        let circle = Fix { accuracy_m: 10_000.0, ..fix(60, -8.60, 125.60) };
        check(&circle, Some(&dili), Trust::Good, &[Doubt::Coarse]);
        let none = Fix { quirks: vec![Quirk::NoFix], ..fix(60, -8.55, 125.57) };
        check(&none, Some(&dili), Trust::Low, &[Doubt::NoFix]);
        assert!((Fix::radius(None, &[Quirk::Network]) - 10_000.0).abs() < 1.0);
        assert!((Fix::radius(Some(-3.0), &[]) - 30.0).abs() < 1.0);
    }

    #[test]
    fn what_was_not_believed_is_believed_when_there_was_time_to_get_there() {
        let path =
            [fix(0, -8.55, 125.57), fix(600, -8.55, 129.2), fix(7_200, -8.55, 129.21), fix(7_260, -8.55, 129.22)];
        let trust: Vec<Trust> = judge_all(None, &path, 60.0).into_iter().map(|one| one.trust).collect();
        assert_eq!(trust, [Trust::Good, Trust::Low, Trust::Good, Trust::Good]);
    }
}
