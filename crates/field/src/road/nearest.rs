//! Who can help soonest: by road where roads are known, else as the crow flies and said so. Pure.

use geography::{EARTH_RADIUS_M, Vector};
use jiff::tz::TimeZone;
use kernel::Timestamp;

use super::graph::{Graph, Season, Times, Way};
use super::hours::Hours;
use crate::register::Record;
use crate::speech::{Sentence, say};

/// Further from a road nobody is reached by it.
const OFF_ROAD_M: f64 = 10_000.0;
/// Between a road and a place beside it, in metres a second: 15 km/h.
const OFF_ROAD_MPS: f64 = 15.0 / 3.6;
/// As the crow flies: 40 km/h on a way half as long again.
const CROW_MPS: f64 = 40.0 / 3.6 / 1.5;
const DAY_US: i64 = 86_400_000_000;
/// What was not tried for longer is doubtful.
const STALE_DAYS: i64 = 90;

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    pub latitude: f64,
    pub longitude: f64,
    /// `hospital`, `police`, …; `None`: any.
    pub kind: Option<String>,
    /// Words that its capability must have: `trauma`.
    pub capability: Vec<String>,
    pub season: Season,
}

/// A facility, as far away as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Key.
    pub facility: String,
    pub name: String,
    pub kind: String,
    pub capability: String,
    pub phone: String,
    /// Minutes to drive.
    pub minutes: f64,
    pub kilometres: f64,
    /// No road graph led there: a guess by distance.
    pub crow_flies: bool,
    pub hours: String,
    /// When somebody last tried it.
    pub verified: Option<Timestamp>,
    /// What should be known: a detour, a doubtful date.
    pub notes: Vec<Sentence>,
    /// Why it is of no use now.
    pub excluded: Option<Sentence>,
}

/// Facilities in the order in which to call them: those of use first, the soonest first; then the excluded ones, each with
/// its reason.
pub fn nearest(need: &Need, facilities: &[&Record], graph: &Graph, now: Timestamp, zone: &TimeZone) -> Vec<Found> {
    let Some(here) = Vector::from_degrees(need.longitude, need.latitude) else { return Vec::new() };
    let roads = Roads::from(here, graph, need.season);
    let wanted = |facility: &&&Record| need.kind.as_deref().is_none_or(|kind| facility.text("kind") == kind);
    let mut found: Vec<Found> =
        facilities.iter().filter(wanted).filter_map(|facility| measure(need, facility, &roads, now, zone)).collect();
    found.sort_by(|left, right| {
        let rank = |one: &Found| (one.excluded.is_some(), one.minutes);
        let ((left_out, left_min), (right_out, right_min)) = (rank(left), rank(right));
        left_out.cmp(&right_out).then(left_min.total_cmp(&right_min)).then(left.facility.cmp(&right.facility))
    });
    found
}

/// Times by road from here: over open roads, and over all.
struct Roads<'g> {
    here: Vector,
    graph: &'g Graph,
    /// Metres to the first junction; times by open roads; by all, where some are closed.
    from: Option<(f64, Times, Option<Times>)>,
}

enum Reached {
    By(Way),
    /// Only over closed roads.
    Cut(Vec<String>),
    NoRoad,
}

impl<'g> Roads<'g> {
    fn from(here: Vector, graph: &'g Graph, season: Season) -> Roads<'g> {
        let start = graph.nearest(here).filter(|(_, metres)| *metres <= OFF_ROAD_M);
        let over_all = |at| graph.has_closed_roads().then(|| graph.times(at, season, false));
        let from = start.map(|(at, metres)| (metres, graph.times(at, season, true), over_all(at)));
        Roads { here, graph, from }
    }

    fn to(&self, there: Vector) -> (Reached, Option<Way>) {
        let end = self.graph.nearest(there).filter(|(_, metres)| *metres <= OFF_ROAD_M);
        let (Some((start_m, open, all)), Some((to, end_m))) = (&self.from, end) else { return (Reached::NoRoad, None) };
        let beside = |way: Way| {
            let metres = start_m + end_m;
            Way { seconds: way.seconds + metres / OFF_ROAD_MPS, metres: way.metres + metres, ..way }
        };
        let over_all = self.graph.way(all.as_ref().unwrap_or(open), to).map(beside);
        match (self.graph.way(open, to).map(beside), over_all) {
            (Some(way), all) => (Reached::By(way), all),
            (None, Some(all)) => (Reached::Cut(all.closed.clone()), Some(all)),
            (None, None) => (Reached::NoRoad, None),
        }
    }
}

fn measure(need: &Need, facility: &Record, roads: &Roads<'_>, now: Timestamp, zone: &TimeZone) -> Option<Found> {
    let there = Vector::from_degrees(facility.real("longitude")?, facility.real("latitude")?)?;
    let crow_m = roads.here.angle(there) * EARTH_RADIUS_M;
    let mut notes = Vec::new();
    let mut excluded = facility.text_opt("excluded").map(Sentence::from);
    let (minutes, metres, crow_flies) = match roads.to(there) {
        (Reached::By(way), all) => {
            if let Some(all) = all.filter(|all| !all.closed.is_empty() && all.seconds + 60.0 < way.seconds) {
                let roads = all.closed.join("; ");
                notes.push(say!("detour, because closed: {roads}", roads));
            }
            (way.seconds / 60.0, way.metres, false)
        }
        (Reached::Cut(closed), all) => {
            excluded = excluded.or_else(|| Some(say!("the only way is closed: {roads}", roads = closed.join("; "))));
            let all = all.map_or((crow_m / CROW_MPS / 60.0, crow_m), |all| (all.seconds / 60.0, all.metres));
            (all.0, all.1, false)
        }
        (Reached::NoRoad, _) => (crow_m / CROW_MPS / 60.0, crow_m, true),
    };
    let capability = facility.text("capability").to_lowercase();
    let has: Vec<&str> = capability.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
    let lacking: Vec<&str> = need
        .capability
        .iter()
        .flat_map(|words| words.split([' ', ',', ';']))
        .filter(|word| !word.is_empty())
        .filter(|word| !has.contains(&word.to_lowercase().as_str()))
        .collect();
    if excluded.is_none() && !lacking.is_empty() {
        excluded = Some(say!("it has no {lacking}", lacking));
    }
    let hours = facility.text("hours");
    let open = Hours::parse(hours).map_or(true, |hours| hours.is_open(now, zone));
    if excluded.is_none() && !open {
        excluded = Some(say!("closed now: {hours}", hours));
    }
    let verified = facility.whole("verified").map(Timestamp);
    match verified.map(|verified| (now.micros() - verified.micros()) / DAY_US) {
        None => notes.push(say!("never verified")),
        Some(days) if days > STALE_DAYS => notes.push(say!("not verified for {days} days", days)),
        Some(_) => {}
    }
    Some(Found {
        facility: facility.key.clone(),
        name: facility.text("name").to_owned(),
        kind: facility.text("kind").to_owned(),
        capability: facility.text("capability").to_owned(),
        phone: facility.text("phone").to_owned(),
        minutes,
        kilometres: metres / 1_000.0,
        crow_flies,
        hours: hours.to_owned(),
        verified,
        notes,
        excluded,
    })
}
