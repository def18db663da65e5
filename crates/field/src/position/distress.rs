//! Calls for help by devices. One of any age alarms at once and shows its age; a cancellation closes nothing, whichever of
//! the two comes first: that is for a person to do.

use kernel::Timestamp;
use kernel::id::SignalId;
use kernel::message::{DistressCancelled, DistressSignalled};
use serde_json::{Value as Json, json};
use store::params;

use crate::alarm::{self, AlarmKind, Call, Cause};
use crate::duress;
use crate::enter;
use crate::error::Error;
use crate::log::NewEntry;
use crate::mission::Mission;
use crate::register::Holder;
use crate::room::Turn;
use crate::speech::{Sentence, say};
use crate::sql;

const MINUTE_US: i64 = 60_000_000;
/// Younger calls need not say their age.
const FRESH_US: i64 = 2 * MINUTE_US;
/// A device that was silent for so long, or took its call back, calls anew. Beacons repeat theirs every few seconds.
const ANEW_US: i64 = 10 * MINUTE_US;

/// The same signal is one act, however often it is told.
async fn is_known(turn: &mut Turn, signal: SignalId) -> Result<bool, Error> {
    Ok(turn.tx.fetch_optional(&sql::KNOWN_SIGNAL, params![signal]).await?.is_some())
}

fn carrier(turn: &Turn, device: &str, label: Option<&str>) -> Holder {
    let (kind, key) = turn.directory.holder_of_device(device);
    let mut holder = enter::holder_by(&turn.directory, &kind, &key, turn.now());
    if kind == "device"
        && let Some(label) = label
    {
        holder.name = label.to_owned();
    }
    holder
}

fn subject(device: &str) -> String {
    format!("sos:device:{}", device.trim().to_uppercase())
}

/// What was said so long ago says so: `…, 6 h 10 min old`.
pub(crate) fn aged(title: Sentence, signalled: Timestamp, now: Timestamp) -> Sentence {
    match age(signalled, now) {
        Some(age) => say!("{title}, {age}", title, age),
        None => title,
    }
}

fn age(signalled: Timestamp, now: Timestamp) -> Option<Sentence> {
    let micros = now.micros() - signalled.micros();
    if micros < FRESH_US {
        return None;
    }
    let minutes = micros / MINUTE_US;
    Some(match (minutes / 60, minutes % 60) {
        (0, minutes) => say!("{minutes} min old", minutes),
        (hours, minutes) if hours < 48 => say!("{hours} h {minutes} min old", hours, minutes),
        (hours, _) => say!("{days} days old", days = hours / 24),
    })
}

/// A device calls for help.
pub(crate) async fn signalled(turn: &mut Turn, signal: &DistressSignalled) -> Result<(), Error> {
    if is_known(turn, signal.signal).await? {
        return Ok(());
    }
    let holder = carrier(turn, &signal.device, signal.label.as_deref());
    let (now, zone) = (turn.now(), turn.directory.clone());
    let mission = enter::mission_of(turn, &holder, signal.signalled).await?;
    let when = crate::line::both(signal.signalled, now, zone.zone());
    let title = title(signal, &holder, mission.as_ref(), now);
    let device = signal.device.trim().to_uppercase();
    let text = duress::clear(&mut turn.tx, signal.text.as_deref().unwrap_or_default()).await?;
    let cancelled = turn.tx.fetch_optional(&sql::CANCEL_AFTER, params![&device, signal.signalled]).await?;
    let cause = Cause {
        kind: AlarmKind::Sos,
        subject: subject(&signal.device),
        title: title.clone(),
        missed: now,
        while_down: false,
        tell: Vec::new(),
    };
    let anew = calls_anew(turn, &device, signal.signalled).await?;
    // A device whose clock is ahead does not silence what it says once it is right.
    let call = Call { anew, ..Call::anew(cause, signal.signalled.min(now), signal.exercise) };
    let (alarm, said) = alarm::call_for_help(turn, call, mission.as_ref()).await?;
    let mut outcome = vec![say!("signalled {when}, code {code}", when, code = signal.code), said];
    if let Some(row) = cancelled {
        let at = crate::line::both(row.time("signalled_us")?, now, zone.zone());
        outcome.push(say!("a cancellation of {at} came before it: it closes nothing", at));
    }
    let kind = if signal.confirms { "confirm" } else { "declare" };
    let mission_id = mission.as_ref().map(|mission| mission.id);
    let row = params![
        signal.signal,
        &device,
        &holder.kind,
        &holder.key,
        kind,
        &signal.code,
        &signal.source,
        signal.signalled,
        signal.received,
        signal.latitude,
        signal.longitude,
        Some(text.line.clone()).filter(|text| !text.is_empty()),
        mission_id,
        Some(alarm.id),
    ];
    turn.tx.execute(&sql::INSERT_SIGNAL, row).await?;
    turn.record("signal.take", signal.signal, Json::Null, json!({ "kind": kind }));
    let entry = NewEntry {
        kind: "sos",
        happened: Some(signal.signalled.min(now)),
        sign: Some(holder.sign.clone()),
        holder: Some(holder.clone()),
        mission: mission_id,
        line: text.line,
        meaning: title,
        outcome,
        ..NewEntry::default()
    };
    let entry = turn.log(entry).await?;
    match text.said {
        Some(said) => enter::raise_silently(turn, &entry, Some(&holder), said, None).await,
        None => Ok(()),
    }
}

/// `BF12 (White van) calls for help by osmand, 6 h 10 min old, on M-0001`.
fn title(signal: &DistressSignalled, holder: &Holder, mission: Option<&Mission>, now: Timestamp) -> Sentence {
    let (sign, name, source) = (&holder.sign, &holder.name, &signal.source);
    let mut title = if signal.confirms {
        say!("{sign} ({name}) confirms its call for help by {source}", sign, name, source)
    } else {
        say!("{sign} ({name}) calls for help by {source}", sign, name, source)
    };
    title = aged(title, signal.signalled, now);
    if let Some(mission) = mission {
        title = say!("{title}, on {label}", title, label = mission.label());
    }
    if signal.exercise { say!("EXERCISE: {title}", title) } else { title }
}

async fn calls_anew(turn: &mut Turn, device: &str, signalled: Timestamp) -> Result<bool, Error> {
    let Some(last) = turn.tx.fetch_optional(&sql::LAST_SIGNAL, params![device, signalled]).await? else {
        return Ok(true);
    };
    let quiet_us = signalled.micros() - last.time("signalled_us")?.micros();
    Ok(quiet_us >= ANEW_US || last.text("kind")? == "cancel")
}

/// A device takes its call back.
pub(crate) async fn cancelled(turn: &mut Turn, signal: &DistressCancelled) -> Result<(), Error> {
    if is_known(turn, signal.signal).await? {
        return Ok(());
    }
    let holder = carrier(turn, &signal.device, signal.label.as_deref());
    let now = turn.now();
    let mission = enter::mission_of(turn, &holder, signal.signalled).await?;
    let open = alarm::open_call(turn, &subject(&signal.device)).await?;
    let when = crate::line::both(signal.signalled, now, turn.directory.zone());
    let text = say!(
        "{sign} ({name}) takes back its call for help, by {source} at {when}",
        sign = holder.sign,
        name = holder.name,
        source = signal.source,
        when
    );
    let outcome = match &open {
        Some(alarm) => vec![say!("{label} stays open: speak to them, then close it", label = alarm.label())],
        None => vec![say!("no call for help of this device is open; one may still be on its way")],
    };
    let row = params![
        signal.signal,
        signal.device.trim().to_uppercase(),
        &holder.kind,
        &holder.key,
        "cancel",
        &signal.code,
        &signal.source,
        signal.signalled,
        signal.received,
        None::<f64>,
        None::<f64>,
        None::<String>,
        mission.as_ref().map(|mission| mission.id),
        open.map(|alarm| alarm.id),
    ];
    turn.tx.execute(&sql::INSERT_SIGNAL, row).await?;
    turn.record("signal.take", signal.signal, Json::Null, json!({ "kind": "cancel" }));
    let entry = NewEntry {
        happened: Some(signal.signalled.min(now)),
        sign: Some(holder.sign.clone()),
        holder: Some(holder),
        mission: mission.map(|mission| mission.id),
        outcome,
        ..NewEntry::words("sos", text)
    };
    turn.log(entry).await.map(drop)
}
