//! Positions as rows, and as people see them.

use kernel::Timestamp;
use kernel::id::{MissionId, PositionId};
use kernel::message::Quirk;
use serde_json::json;
use store::{Read, Row, params};

use super::fence::Crossing;
use super::judge::{Doubt, Fix, Judgement, Trust};
use crate::error::Error;
use crate::room::{Field, Turn};
use crate::sql;

/// Most positions of one answer.
pub const MOST: u32 = 5_000;

/// Where something was, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    pub id: PositionId,
    pub device: String,
    /// `vehicle`, `person`, or `device` where nobody knows whose it is.
    pub holder_kind: String,
    pub holder: String,
    pub organisation: Option<String>,
    pub source: String,
    pub fix: Fix,
    pub altitude_m: Option<f64>,
    pub speed_mps: Option<f64>,
    pub course_deg: Option<f64>,
    pub trust: Trust,
    pub doubts: Vec<Doubt>,
    pub mission: Option<MissionId>,
}

/// A device as it is heard, whatever is known of the people.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackerView {
    pub device: String,
    /// `ok` or `silent`.
    pub state: String,
    pub since: Timestamp,
    pub last_fix: Timestamp,
    pub last_received: Timestamp,
    pub battery_percent: Option<f64>,
}

/// Which positions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PositionFilter {
    pub holder: Option<(String, String)>,
    pub mission: Option<MissionId>,
    pub from: Option<Timestamp>,
}

/// Somebody came to be on another side of a fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceCrossing {
    pub holder_kind: String,
    pub holder: String,
    /// Key.
    pub fence: String,
    pub crossing: Crossing,
    pub mission: Option<MissionId>,
    /// A fix that came late showed that it never was.
    pub withdrawn: Option<Timestamp>,
}

/// Which crossings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CrossingFilter {
    pub holder: Option<(String, String)>,
    pub fence: Option<String>,
    pub from: Option<Timestamp>,
    pub before: Option<Timestamp>,
}

impl Field {
    /// The latest position of everybody and everything by fix time, those in quarantine left out.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn latest_positions(&self, since: Timestamp) -> Result<Vec<Position>, Error> {
        self.store.fetch_all(&sql::LATEST_POSITIONS, params![since, MOST]).await?.iter().map(position).collect()
    }

    /// Positions in the order of their fix times, the latest first, those in quarantine included.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn positions(&self, filter: &PositionFilter, limit: u32) -> Result<Vec<Position>, Error> {
        let (kind, holder) = filter.holder.clone().unzip();
        let from = filter.from.unwrap_or(Timestamp::MIN);
        let wanted = params![kind, holder, filter.mission, from, limit.min(MOST)];
        self.store.fetch_all(&sql::POSITIONS, wanted).await?.iter().map(position).collect()
    }

    /// On which side of which fence somebody came to be, in the order of fix times; what was withdrawn is left out.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn crossings(&self, kind: &str, holder: &str) -> Result<Vec<(String, Crossing)>, Error> {
        let rows = self.store.fetch_all(&sql::ALL_CROSSINGS, params![kind, holder]).await?;
        let crossing = |row: &Row| {
            let crossing = Crossing { at: row.time("at_us")?, side: row.parse("side")? };
            Ok((row.text("fence")?.to_owned(), crossing))
        };
        rows.iter().map(crossing).collect()
    }

    /// Crossings of fences, the latest first, those that were withdrawn included.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn fence_crossings(&self, filter: &CrossingFilter, limit: u32) -> Result<Vec<FenceCrossing>, Error> {
        let (kind, holder) = filter.holder.clone().unzip();
        let from = filter.from.unwrap_or(Timestamp::MIN);
        let before = filter.before.unwrap_or(Timestamp::MAX);
        let wanted = params![kind, holder, filter.fence.clone(), from, before, limit.min(MOST)];
        let crossing = |row: &Row| {
            Ok(FenceCrossing {
                holder_kind: row.text("holder_kind")?.to_owned(),
                holder: row.text("holder")?.to_owned(),
                fence: row.text("fence")?.to_owned(),
                crossing: Crossing { at: row.time("at_us")?, side: row.parse("side")? },
                mission: row.id_opt("mission_id")?,
                withdrawn: row.time_opt("withdrawn_us")?,
            })
        };
        self.store.fetch_all(&sql::FENCE_CROSSINGS, wanted).await?.iter().map(crossing).collect()
    }

    /// Devices as they are heard.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn trackers(&self) -> Result<Vec<TrackerView>, Error> {
        let view = |row: &Row| {
            Ok(TrackerView {
                device: row.text("device")?.to_owned(),
                state: row.text("state")?.to_owned(),
                since: row.time("since_us")?,
                last_fix: row.time("last_fix_us")?,
                last_received: row.time("last_received_us")?,
                battery_percent: row.real_opt("battery_percent")?,
            })
        };
        self.store.fetch_all(&sql::TRACKERS, params![MOST]).await?.iter().map(view).collect()
    }
}

/// Fixes of somebody from an instant on, in order, those in quarantine left out; and the id of each.
pub(super) async fn track(
    read: &mut impl Read,
    holder: (&str, &str),
    from: Timestamp,
) -> Result<Vec<(PositionId, Fix, Judgement)>, Error> {
    let rows = read.rows(&sql::TRACK, params![holder.0, holder.1, from]).await?;
    rows.iter()
        .map(|row| {
            let judgement = Judgement { trust: row.parse("trust")?, doubts: row.json("doubts")? };
            Ok((row.id("id")?, fix(row)?, judgement))
        })
        .collect()
}

/// The trusted fix of somebody before an instant.
pub(super) async fn trusted_before(turn: &mut Turn, holder: (&str, &str), at: Timestamp) -> Result<Option<Fix>, Error> {
    let row = turn.tx.fetch_optional(&sql::TRUSTED_BEFORE, params![holder.0, holder.1, at]).await?;
    row.map(|row| fix(&row)).transpose()
}

pub(super) async fn insert(turn: &mut Turn, position: &Position) -> Result<bool, Error> {
    let fix = &position.fix;
    let row = params![
        position.id,
        &position.device,
        &position.holder_kind,
        &position.holder,
        position.organisation.clone(),
        &position.source,
        fix.at,
        fix.received,
        fix.latitude,
        fix.longitude,
        position.altitude_m,
        fix.accuracy_m,
        position.speed_mps,
        position.course_deg,
        position.trust.as_str(),
        &json!(position.doubts),
        &json!(fix.quirks),
        position.mission,
    ];
    Ok(turn.tx.execute(&sql::INSERT_POSITION, row).await? > 0)
}

fn fix(row: &Row) -> Result<Fix, Error> {
    let quirks: Vec<Quirk> = row.json("quirks")?;
    let real = |column| row.real_opt(column).map(|value| value.unwrap_or(f64::NAN));
    Ok(Fix {
        at: row.time("fix_us")?,
        received: row.time("received_us")?,
        latitude: real("latitude")?,
        longitude: real("longitude")?,
        accuracy_m: real("accuracy_m")?,
        quirks,
    })
}

fn position(row: &Row) -> Result<Position, Error> {
    Ok(Position {
        id: row.id("id")?,
        device: row.text("device")?.to_owned(),
        holder_kind: row.text("holder_kind")?.to_owned(),
        holder: row.text("holder")?.to_owned(),
        organisation: row.text_opt("organisation")?.map(str::to_owned),
        source: row.text("source")?.to_owned(),
        fix: fix(row)?,
        altitude_m: row.real_opt("altitude_m")?,
        speed_mps: row.real_opt("speed_mps")?,
        course_deg: row.real_opt("course_deg")?,
        trust: row.parse("trust")?,
        doubts: row.json("doubts")?,
        mission: row.id_opt("mission_id")?,
    })
}
