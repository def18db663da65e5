//! Missions as rows.

use kernel::Timestamp;
use kernel::id::MissionId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Read, Row, Store, Tx, params};

use super::sheet::{ConvoyVehicle, Leg, Mission, Origin, Seat};
use crate::error::Error;
use crate::sql;

/// Most missions of one answer.
const MOST: u32 = 10_000;

/// What lies in JSON beside the columns.
#[derive(Debug, Serialize, Deserialize)]
struct Sheet {
    legs: Vec<Leg>,
    leg: usize,
    convoy: Vec<ConvoyVehicle>,
    manifest: Vec<Seat>,
    leader: Option<String>,
    deputy: Option<String>,
    overnight: bool,
    custody_offered: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offer: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heard_before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place_before: Option<String>,
}

fn mission(row: &Row) -> Result<Mission, Error> {
    let sheet: Sheet = row.json("sheet")?;
    Ok(Mission {
        id: row.id("id")?,
        number: row.int("number")?,
        title: row.text("title")?.to_owned(),
        state: row.parse("state")?,
        contact: row.parse("contact")?,
        area: row.text("area")?.to_owned(),
        legs: sheet.legs,
        leg: sheet.leg,
        convoy: sheet.convoy,
        manifest: sheet.manifest,
        leader: sheet.leader,
        deputy: sheet.deputy,
        planned_departure: row.time_opt("planned_departure_us")?,
        departed: row.time_opt("departed_us")?,
        due: row.time_opt("due_us")?,
        last_contact: row.time_opt("last_contact_us")?,
        heard_before: sheet.heard_before,
        last_place: row.text_opt("last_place")?.map(str::to_owned),
        place_before: sheet.place_before,
        overnight: sheet.overnight,
        custody: row.text_opt("custody")?.map(str::to_owned),
        custody_offered: sheet.custody_offered,
        offer: sheet.offer,
        origin: sheet.origin,
        claimed: sheet.claimed,
        exercise: row.flag("exercise")?,
        created: row.time("created_us")?,
        updated: row.time("updated_us")?,
        ended: row.time_opt("ended_us")?,
        version: row.int("version")?,
    })
}

/// Writes a mission and its manifest. `before` is the version that is stored; 0 for a new one.
pub(crate) async fn save(tx: &mut Tx, before: Option<&Mission>, mission: &Mission) -> Result<(), Error> {
    let sheet = json!(Sheet {
        legs: mission.legs.clone(),
        leg: mission.leg,
        convoy: mission.convoy.clone(),
        manifest: mission.manifest.clone(),
        leader: mission.leader.clone(),
        deputy: mission.deputy.clone(),
        overnight: mission.overnight,
        custody_offered: mission.custody_offered.clone(),
        offer: mission.offer,
        origin: mission.origin.clone(),
        claimed: mission.claimed.clone(),
        heard_before: mission.heard_before,
        place_before: mission.place_before.clone(),
    });
    let row = params![
        mission.id,
        mission.number,
        &mission.title,
        mission.state.as_str(),
        mission.contact.as_str(),
        !mission.state.is_final(),
        &mission.area,
        mission.custody.clone(),
        mission.exercise,
        mission.due,
        mission.last_contact,
        mission.last_place.clone(),
        mission.planned_departure,
        mission.departed,
        mission.ended,
        mission.created,
        mission.updated,
        &sheet,
        mission.version,
    ];
    tx.execute_one(&sql::SAVE_MISSION, row).await?;
    let left = |mission: &Mission| mission.convoy.iter().map(|one| one.left.is_some()).collect::<Vec<_>>();
    let seats = |mission: &Mission| (mission.manifest.clone(), left(mission));
    if before.map(seats) != Some(seats(mission)) {
        save_manifest(tx, mission).await?;
    }
    Ok(())
}

async fn save_manifest(tx: &mut Tx, mission: &Mission) -> Result<(), Error> {
    tx.execute(&sql::CLEAR_MANIFEST, params![mission.id]).await?;
    let vehicles = mission
        .convoy
        .iter()
        .map(|one| ("vehicle", &one.vehicle, None, mission.created, one.left.as_ref().map(|left| left.at)));
    let people =
        mission.manifest.iter().map(|seat| ("person", &seat.person, seat.vehicle.clone(), seat.from, seat.until));
    for (position, (kind, member, vehicle, from, until)) in vehicles.chain(people).enumerate() {
        let row = params![mission.id, position, kind, member, vehicle, from, until];
        tx.execute(&sql::INSERT_MANIFEST, row).await?;
    }
    Ok(())
}

pub(crate) async fn find(tx: &mut Tx, id: MissionId) -> Result<Option<Mission>, Error> {
    let row = tx.fetch_optional(&sql::MISSION, params![id]).await?;
    row.map(|row| mission(&row)).transpose()
}

pub(crate) async fn by_number(read: &mut impl Read, number: i64) -> Result<Option<Mission>, Error> {
    read.rows(&sql::MISSION_BY_NUMBER, params![number]).await?.first().map(mission).transpose()
}

/// Missions on which a vehicle or a person is or was, open ones first, the latest first; at most ten.
pub(crate) async fn of_member(read: &mut impl Read, kind: &str, member: &str) -> Result<Vec<Mission>, Error> {
    let rows = read.rows(&sql::MISSIONS_OF, params![kind, member]).await?;
    rows.iter().map(mission).collect()
}

/// Missions that are not over, the most urgent first; with `all` also the others, the latest first.
pub(crate) async fn open(store: &Store, all: bool) -> Result<Vec<Mission>, Error> {
    let statement = if all { &sql::MISSIONS } else { &sql::OPEN_MISSIONS };
    store.fetch_all(statement, params![MOST]).await?.iter().map(mission).collect()
}

/// Missions that are not over, from wherever they are read.
pub(crate) async fn open_in(read: &mut impl Read) -> Result<Vec<Mission>, Error> {
    read.rows(&sql::OPEN_MISSIONS, params![MOST]).await?.iter().map(mission).collect()
}

/// One mission.
pub(crate) async fn one(store: &Store, id: MissionId) -> Result<Option<Mission>, Error> {
    let row = store.fetch_optional(&sql::MISSION, params![id]).await?;
    row.map(|row| mission(&row)).transpose()
}
