//! Devices that fall silent. Their silence is a fault of equipment: whether the people are heard is another matter, and a
//! device that goes on talking does not make a missed contact good.

use kernel::Timestamp;
use kernel::message::PositionReported;
use serde_json::{Value as Json, json};
use store::{Deadline, Due, params};

use crate::error::Error;
use crate::log::NewEntry;
use crate::mission::{ContactState, Mission};
use crate::room::Turn;
use crate::speech::{Sentence, say};
use crate::{enter, equipment, sql};

/// A device's next report (subject: the device).
pub const TRACKER: &str = "field.tracker";

const MINUTE_US: i64 = 60_000_000;

/// A device was heard. Its next report is waited for while its people are on the road.
pub(super) async fn heard(turn: &mut Turn, report: &PositionReported, mission: Option<&Mission>) -> Result<(), Error> {
    let device = report.device.trim().to_uppercase();
    let row = turn.tx.fetch_optional(&sql::TRACKER_OF, params![&device]).await?;
    let before = match &row {
        Some(row) => Some((row.text("state")?.to_owned(), row.time("last_received_us")?)),
        None => None,
    };
    let was_silent = before.as_ref().is_some_and(|(state, _)| state == "silent");
    let row = params![&device, report.fix_time, report.received, report.battery_percent, turn.now()];
    turn.tx.execute(&sql::HEARD_TRACKER, row).await?;
    if was_silent {
        let text = say!("{name} is heard again", name = name(turn, &device));
        let outcome = equipment::repaired(turn, &device, say!("it is heard again")).await?.into_iter().collect();
        let mission = mission.map(|one| one.id);
        turn.log(NewEntry { mission, outcome, ..NewEntry::words("tracker", text) }).await?;
    }
    let interval = turn.directory.record("device", &device).and_then(|record| record.whole("interval_min"));
    let (Some(interval), Some(mission)) = (interval, mission.filter(|one| one.state.is_on_the_road())) else {
        return Ok(());
    };
    // Twice its interval; one and a half times where the area is dangerous.
    let halves = if turn.directory.is_high_risk(&mission.area) { 3 } else { 4 };
    let newest = before.map_or(report.received, |(_, received)| received.max(report.received));
    let deadline = Deadline {
        kind: TRACKER.to_owned(),
        subject: device.clone(),
        owes: format!("device:{device}"),
        due: Due::At(newest.plus_micros(interval * MINUTE_US * halves / 2)),
        otherwise: format!("{} counts as silent; voice contact is another matter", name(turn, &device)),
    };
    turn.tx.deadline(deadline).await.map(drop).map_err(Into::into)
}

fn name(turn: &Turn, device: &str) -> Sentence {
    let known = turn.directory.name("device", device);
    if known == device { say!("device {device}", device) } else { format!("{known} ({device})").into() }
}

/// A device has not reported for twice its interval.
pub(crate) async fn silent(turn: &mut Turn, device: &str, due: Timestamp) -> Result<(), Error> {
    let (kind, key) = turn.directory.holder_of_device(device);
    let holder = enter::holder_by(&turn.directory, &kind, &key, turn.now());
    let now = turn.now();
    let mission = enter::mission_of(turn, &holder, now).await?.filter(|mission| mission.state.is_on_the_road());
    // Parked at home, it may sleep.
    let Some(mission) = mission else { return Ok(()) };
    if turn.tx.execute(&sql::SILENCE_TRACKER, params![device, now]).await? == 0 {
        return Ok(());
    }
    let since = crate::line::both(due, now, turn.directory.zone());
    let (name, label) = (name(turn, device), mission.label());
    let text = match mission.contact {
        ContactState::Ok | ContactState::Regained => {
            say!("{name} of {label} is silent, due {since}; voice contact is good", name, label, since)
        }
        ContactState::Overdue | ContactState::Lost => {
            say!("{name} of {label} is silent, due {since}; voice contact is missed, too", name, label, since)
        }
    };
    turn.record("tracker.silent", device, Json::Null, json!({ "mission": mission.id }));
    let title = say!("{name} is silent", name);
    let outcome = equipment::fault(turn, device, &title).await?.into_iter().collect();
    turn.log(NewEntry { mission: Some(mission.id), outcome, ..NewEntry::words("tracker", text) }).await.map(drop)
}
