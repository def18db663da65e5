//! Contracts: a duty station, a unit, a job and a manager, from a day until a day, in the time of the duty station.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::Timestamp;
use kernel::id::{EngagementId, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Read, Row, Tx, params};

use crate::error::Error;
use crate::person::MOST_PEOPLE;
use crate::sql;

kernel::words! {
    /// What the source says of a contract beside its dates.
    Standing {
        Active = "active",
        Suspended = "suspended",
        /// Leave without pay, long illness, parental leave.
        Leave = "leave",
        /// Lent to another organisation.
        Secondment = "secondment",
        /// It was not to be, before it began.
        Cancelled = "cancelled",
    }
}

kernel::words! {
    /// Where a contract is in its life.
    EngagementState {
        Future = "future",
        Active = "active",
        Suspended = "suspended",
        Leave = "leave",
        Secondment = "secondment",
        Ended = "ended",
        Cancelled = "cancelled",
    }
}

impl EngagementState {
    /// Whether it gives access now, be it restricted.
    pub const fn is_live(self) -> bool {
        match self {
            EngagementState::Active
            | EngagementState::Suspended
            | EngagementState::Leave
            | EngagementState::Secondment => true,
            EngagementState::Future | EngagementState::Ended | EngagementState::Cancelled => false,
        }
    }
}

/// What a contract went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    Announced,
    Began,
    Suspended,
    WentOnLeave,
    WasSeconded,
    /// From suspension, leave or secondment.
    CameBack,
    Ended,
    /// An end was taken back.
    Reopened,
    Cancelled,
    /// A beginning was moved into the future again.
    Postponed,
}

/// The step from one state to another; `None`: nothing happened.
pub const fn transition(before: Option<EngagementState>, after: EngagementState) -> Option<Transition> {
    use EngagementState as S;
    match (before, after) {
        (None, S::Future) => Some(Transition::Announced),
        (None | Some(S::Future), S::Active) => Some(Transition::Began),
        (Some(S::Suspended | S::Leave | S::Secondment), S::Active) => Some(Transition::CameBack),
        (Some(S::Ended | S::Cancelled), S::Active | S::Suspended | S::Leave | S::Secondment) => {
            Some(Transition::Reopened)
        }
        (Some(S::Active | S::Leave | S::Secondment | S::Future) | None, S::Suspended) => Some(Transition::Suspended),
        (Some(S::Active | S::Suspended | S::Secondment | S::Future) | None, S::Leave) => Some(Transition::WentOnLeave),
        (Some(S::Active | S::Suspended | S::Leave | S::Future) | None, S::Secondment) => Some(Transition::WasSeconded),
        (Some(S::Active | S::Suspended | S::Leave | S::Secondment | S::Future | S::Cancelled) | None, S::Ended) => {
            Some(Transition::Ended)
        }
        (Some(S::Future | S::Active | S::Suspended | S::Leave | S::Secondment | S::Ended) | None, S::Cancelled) => {
            Some(Transition::Cancelled)
        }
        (Some(S::Active | S::Suspended | S::Leave | S::Secondment | S::Ended | S::Cancelled), S::Future) => {
            Some(Transition::Postponed)
        }
        (Some(S::Future), S::Future)
        | (Some(S::Active), S::Active)
        | (Some(S::Suspended), S::Suspended)
        | (Some(S::Leave), S::Leave)
        | (Some(S::Secondment), S::Secondment)
        | (Some(S::Ended), S::Ended)
        | (Some(S::Cancelled), S::Cancelled) => None,
    }
}

/// A contract as it is known now.
#[derive(Debug, Clone, PartialEq)]
pub struct Engagement {
    pub id: EngagementId,
    pub person: PersonId,
    /// The feed that tells of it.
    pub source: String,
    /// What the feed calls it.
    pub source_key: String,
    pub state: EngagementState,
    /// The first instant of its first day at its duty station.
    pub begins: Timestamp,
    /// The first instant after its last day at its duty station.
    pub ends: Option<Timestamp>,
    pub sheet: EngagementSheet,
    /// Of the row that last told of it.
    pub row_digest: Option<String>,
    pub version: i64,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// What a source says of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngagementSheet {
    pub begins: Date,
    /// Its last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Date>,
    pub standing: Standing,
    /// The key of the duty station, whose time zone counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// The number of the manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// What the organisation keeps beyond that, for templates and rules.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

impl EngagementSheet {
    /// Duty station, unit, job and manager: who changes one of them moves.
    pub(crate) fn place(&self) -> [Option<&str>; 4] {
        [&self.station, &self.org_unit, &self.job, &self.manager].map(Option::as_deref)
    }

    /// Where it is in its life at `now`, with days that begin and end at the duty station.
    pub fn state_at(&self, zone: &TimeZone, now: Timestamp) -> EngagementState {
        if self.standing == Standing::Cancelled {
            return EngagementState::Cancelled;
        }
        if self.ends.is_some_and(|last| day_after(last, zone) <= now) {
            return EngagementState::Ended;
        }
        if now < day_begins(self.begins, zone) {
            return EngagementState::Future;
        }
        match self.standing {
            Standing::Active => EngagementState::Active,
            Standing::Suspended => EngagementState::Suspended,
            Standing::Leave => EngagementState::Leave,
            Standing::Secondment => EngagementState::Secondment,
            Standing::Cancelled => EngagementState::Cancelled,
        }
    }
}

/// The first instant of a day in a zone. Where that day was skipped or midnight was, the first instant after.
pub fn day_begins(day: Date, zone: &TimeZone) -> Timestamp {
    let midnight = day.to_zoned(zone.clone());
    midnight.map_or(Timestamp::MAX, |zoned| Timestamp(zoned.timestamp().as_microsecond()))
}

/// The first instant after a day in a zone.
pub fn day_after(day: Date, zone: &TimeZone) -> Timestamp {
    day.tomorrow().map_or(Timestamp::MAX, |next| day_begins(next, zone))
}

fn engagement(row: &Row) -> Result<Engagement, Error> {
    Ok(Engagement {
        id: row.id("id")?,
        person: row.id("person_id")?,
        source: row.text("source")?.to_owned(),
        source_key: row.text("source_key")?.to_owned(),
        state: row.parse("state")?,
        begins: row.time("begins_us")?,
        ends: row.time_opt("ends_us")?,
        sheet: row.json("sheet")?,
        row_digest: row.text_opt("row_digest")?.map(str::to_owned),
        version: row.int("version")?,
        created: row.time("created_us")?,
        updated: row.time("updated_us")?,
    })
}

/// Writes a contract whose `version` is the one that is stored (0: new), and counts it up.
pub(crate) async fn save(tx: &mut Tx, engagement: &mut Engagement) -> Result<(), Error> {
    engagement.version += 1;
    engagement.updated = tx.now();
    let sheet = &engagement.sheet;
    let row = params![
        engagement.id,
        engagement.person,
        &engagement.source,
        &engagement.source_key,
        engagement.state.as_str(),
        sheet.station.clone(),
        sheet.org_unit.clone(),
        sheet.job.clone(),
        sheet.manager.clone(),
        engagement.begins,
        engagement.ends,
        &json!(sheet),
        engagement.row_digest.clone(),
        engagement.version,
        engagement.created,
        engagement.updated,
    ];
    Ok(tx.execute_one(&sql::SAVE_ENGAGEMENT, row).await?)
}

/// The contracts of a person, the earliest first.
pub(crate) async fn of_person(read: &mut impl Read, person: PersonId) -> Result<Vec<Engagement>, Error> {
    read.rows(&sql::ENGAGEMENTS_OF, params![person]).await?.iter().map(engagement).collect()
}

/// Every contract.
pub(crate) async fn all(read: &mut impl Read) -> Result<Vec<Engagement>, Error> {
    read.rows(&sql::ENGAGEMENTS, params![MOST_PEOPLE]).await?.iter().map(engagement).collect()
}

/// Every contract that a feed told of.
pub(crate) async fn of_source(read: &mut impl Read, source: &str) -> Result<Vec<Engagement>, Error> {
    read.rows(&sql::ENGAGEMENTS_OF_SOURCE, params![source, MOST_PEOPLE]).await?.iter().map(engagement).collect()
}

/// The last instant of a day (`2026-11-30`) in an IANA zone. `None`: the text is no day, or the zone is none.
pub fn end_of_day(day: &str, zone: &str) -> Option<Timestamp> {
    let zone = TimeZone::get(zone).ok()?;
    Some(day_after(day.parse().ok()?, &zone).plus_micros(-1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(begins: &str, ends: &str) -> EngagementSheet {
        EngagementSheet {
            begins: begins.parse().unwrap(),
            ends: (!ends.is_empty()).then(|| ends.parse().unwrap()),
            standing: Standing::Active,
            station: None,
            org_unit: None,
            job: None,
            grade: None,
            manager: None,
            extra: BTreeMap::new(),
        }
    }

    /// The last instant at which the contract is live, and that the next microsecond is after it.
    fn check_end(ends: &str, zone: &str, last: &str) {
        let zone = TimeZone::get(zone).unwrap();
        let sheet = sheet("2000-01-01", ends);
        let last: Timestamp = last.parse().unwrap();
        assert_eq!(sheet.state_at(&zone, last), EngagementState::Active, "{ends} in {zone:?}");
        assert_eq!(sheet.state_at(&zone, last.plus_micros(1)), EngagementState::Ended, "{ends} in {zone:?}");
    }

    #[test]
    fn the_last_day_ends_at_the_duty_station() {
        check_end("2026-11-30", "UTC", "2026-11-30T23:59:59.999999Z");
        check_end("2026-11-30", "Asia/Dili", "2026-11-30T14:59:59.999999Z");
        check_end("2026-11-30", "America/Port-au-Prince", "2026-12-01T04:59:59.999999Z");
        check_end("2026-11-30", "Pacific/Kiritimati", "2026-11-30T09:59:59.999999Z");
        check_end("2026-11-30", "Pacific/Pago_Pago", "2026-12-01T10:59:59.999999Z");
    }

    #[test]
    fn summer_time_leap_days_and_skipped_days_are_honoured() {
        check_end("2026-03-28", "Europe/Paris", "2026-03-28T22:59:59.999999Z");
        check_end("2026-03-29", "Europe/Paris", "2026-03-29T21:59:59.999999Z");
        check_end("2026-10-25", "Europe/Paris", "2026-10-25T22:59:59.999999Z");
        // Midnight itself is skipped here: the next day begins at one.
        check_end("2026-09-05", "America/Santiago", "2026-09-06T03:59:59.999999Z");
        check_end("2028-02-29", "Africa/Nairobi", "2028-02-29T20:59:59.999999Z");
        // Samoa had no 30 December 2011.
        check_end("2011-12-29", "Pacific/Apia", "2011-12-30T09:59:59.999999Z");
        assert!("2027-02-29".parse::<Date>().is_err());
    }

    #[test]
    fn states_follow_dates_and_standing() {
        let zone = TimeZone::get("Africa/Nairobi").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut contract = sheet("2026-03-01", "2026-06-30");
        assert_eq!(contract.state_at(&zone, at("2026-02-28T20:59:59Z")), EngagementState::Future);
        assert_eq!(contract.state_at(&zone, at("2026-02-28T21:00:00Z")), EngagementState::Active);
        contract.standing = Standing::Leave;
        assert_eq!(contract.state_at(&zone, at("2026-04-01T00:00:00Z")), EngagementState::Leave);
        assert_eq!(contract.state_at(&zone, at("2026-07-01T00:00:00Z")), EngagementState::Ended);
        contract.standing = Standing::Cancelled;
        assert_eq!(contract.state_at(&zone, at("2026-04-01T00:00:00Z")), EngagementState::Cancelled);
    }

    #[test]
    fn a_step_to_another_state_has_one_name_and_staying_has_none() {
        for before in EngagementState::ALL {
            for after in EngagementState::ALL {
                assert_eq!(transition(Some(*before), *after).is_none(), before == after, "{before} to {after}");
            }
        }
        assert_eq!(transition(None, EngagementState::Active), Some(Transition::Began));
        assert_eq!(transition(Some(EngagementState::Ended), EngagementState::Active), Some(Transition::Reopened));
    }
}
