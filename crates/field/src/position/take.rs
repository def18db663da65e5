//! Reports are taken: each kept and judged, each fence asked, in the order of fix times.

use std::collections::BTreeMap;

use kernel::Timestamp;
use kernel::id::PositionId;
use kernel::message::PositionReported;
use serde_json::{Value as Json, json};
use store::params;

use super::fence::{Crossing, Fence, FenceKind, Side, Standing, crossings, stands_since};
use super::judge::{Doubt, Fix, Judgement, Trust, judge, judge_all};
use super::records::{self, Position};
use super::tracker;
use crate::alarm::{self, AlarmKind, Call, Cause};
use crate::enter;
use crate::error::Error;
use crate::log::NewEntry;
use crate::mission::{Mission, MissionState};
use crate::register::{Directory, Holder};
use crate::retention;
use crate::room::Turn;
use crate::speech::{Sentence, say};
use crate::sql;

/// What a vehicle can do at most: 216 km/h.
const FASTEST_MPS: f64 = 60.0;
/// What an aircraft can do at most: 1,080 km/h.
const FASTEST_IN_THE_AIR_MPS: f64 = 300.0;
/// A fix that comes late has its fences asked again from so long before it.
const BACK_US: i64 = 48 * 3_600 * 1_000_000;
/// A position so long after a mission was called off is a surprise.
const SURPRISE_US: i64 = 24 * 3_600 * 1_000_000;
/// From where it was then, if it is so far away.
const WENT_M: f64 = 1_000.0;
/// Whether somebody stands still is seen within so long.
const STANDING_US: i64 = 60 * 60_000_000;

/// Who or what carries a device.
struct Carrier {
    holder: Holder,
    fastest_mps: f64,
    mission: Option<Mission>,
    /// Of those who are on none: the one that was called off last.
    cancelled: Option<Mission>,
}

/// Takes reports, each once.
pub(crate) async fn take(turn: &mut Turn, reports: &[PositionReported]) -> Result<(), Error> {
    retention::watch_positions(turn).await?;
    let mut earliest: BTreeMap<(String, String), Timestamp> = BTreeMap::new();
    let mut carriers: BTreeMap<(String, String), Carrier> = BTreeMap::new();
    let mut new = 0;
    for report in reports {
        let key = turn.directory.holder_of_device(&report.device);
        if !carriers.contains_key(&key) {
            let carrier = carrier(turn, &key, &report.device, report.fix_time).await?;
            carriers.insert(key.clone(), carrier);
        }
        let Some(carrier) = carriers.get(&key) else { continue };
        let position = position(report, carrier);
        if !records::insert(turn, &position).await? {
            continue;
        }
        new += 1;
        tracker::heard(turn, report, carrier.mission.as_ref()).await?;
        if position.trust != Trust::Quarantined {
            let at = earliest.entry(key).or_insert(position.fix.at);
            *at = (*at).min(position.fix.at);
        }
    }
    for (key, from) in earliest {
        if let Some(carrier) = carriers.get(&key) {
            follow(turn, carrier, from).await?;
        }
    }
    if new > 0 {
        turn.record("position.take", "positions", Json::Null, json!({ "positions": new }));
    }
    Ok(())
}

async fn carrier(turn: &mut Turn, key: &(String, String), device: &str, at: Timestamp) -> Result<Carrier, Error> {
    let directory = turn.directory.clone();
    let (kind, holder) = key;
    let holder = enter::holder_by(&directory, kind, holder, turn.now());
    let flies = directory.record("device", device).is_some_and(|device| device.text("kind") == "aircraft");
    let fastest_mps = if flies { FASTEST_IN_THE_AIR_MPS } else { FASTEST_MPS };
    let mission = match kind.as_str() {
        "device" => None,
        _ => enter::mission_of(turn, &holder, at).await?,
    };
    let cancelled = match (&mission, kind.as_str()) {
        (None, "vehicle" | "person") => enter::cancelled_of(turn, &holder).await?,
        _ => None,
    };
    Ok(Carrier { holder, fastest_mps, mission, cancelled })
}

/// The report by itself; the one before is looked at in [`follow`].
fn position(report: &PositionReported, carrier: &Carrier) -> Position {
    let fix = Fix {
        at: report.fix_time,
        received: report.received,
        latitude: report.latitude,
        longitude: report.longitude,
        accuracy_m: Fix::radius(report.accuracy_m, &report.quirks),
        quirks: report.quirks.clone(),
    };
    let Judgement { trust, doubts } = judge(&fix, None, carrier.fastest_mps);
    let covers = |mission: &&Mission| {
        let departed = mission.departed.is_some_and(|departed| departed <= fix.at);
        departed && mission.ended.is_none_or(|ended| fix.at <= ended)
    };
    Position {
        id: report.position,
        device: report.device.trim().to_uppercase(),
        holder_kind: carrier.holder.kind.clone(),
        holder: carrier.holder.key.clone(),
        organisation: carrier.holder.organisation.clone(),
        source: report.source.clone(),
        mission: carrier.mission.as_ref().filter(covers).map(|mission| mission.id),
        fix,
        altitude_m: report.altitude_m,
        speed_mps: report.speed_mps,
        course_deg: report.course_deg,
        trust,
        doubts,
    }
}

/// Judges what lies after the earliest new fix again, and asks the fences.
async fn follow(turn: &mut Turn, carrier: &Carrier, from: Timestamp) -> Result<(), Error> {
    let key = (carrier.holder.kind.as_str(), carrier.holder.key.as_str());
    let before = records::trusted_before(turn, key, from).await?;
    let track = records::track(&mut turn.tx, key, from).await?;
    let fixes: Vec<Fix> = track.iter().map(|(_, fix, _)| fix.clone()).collect();
    let judged = judge_all(before.as_ref(), &fixes, carrier.fastest_mps);
    judge_again(turn, carrier, before.as_ref(), &track, &judged).await?;
    let trusted: Vec<Fix> = (fixes.into_iter().zip(&judged))
        .filter(|(_, judged)| judged.trust == Trust::Good)
        .map(|(fix, _)| fix)
        .collect();
    if trusted.is_empty() || carrier.holder.kind == "device" {
        return Ok(());
    }
    if let Some(over) = &carrier.cancelled {
        moves_after(turn, carrier, over, &trusted).await?;
    }
    let directory = turn.directory.clone();
    for fence in directory.fences() {
        if let Some(leg) = watched_since(fence, carrier) {
            ask(turn, carrier, fence, leg, &trusted).await?;
        }
    }
    Ok(())
}

/// A mission was called off, and its vehicle goes all the same: somebody should ask.
async fn moves_after(turn: &mut Turn, carrier: &Carrier, over: &Mission, trusted: &[Fix]) -> Result<(), Error> {
    let Some(ended) = over.ended else { return Ok(()) };
    let key = (carrier.holder.kind.as_str(), carrier.holder.key.as_str());
    let Some(then) = records::trusted_before(turn, key, ended).await? else { return Ok(()) };
    let away =
        |fix: &&Fix| fix.at > ended && fix.at.micros() - ended.micros() < SURPRISE_US && then.distance_m(fix) > WENT_M;
    let Some(fix) = trusted.iter().find(away) else { return Ok(()) };
    let title = say!(
        "{who} is on the move, but {label} is {state}",
        who = name(carrier),
        label = over.label(),
        state = over.state
    );
    let (kind, subject) = (AlarmKind::UnexpectedTraffic, format!("traffic:{}", over.id));
    let cause = Cause { kind, subject, title, missed: fix.at, while_down: false, tell: Vec::new() };
    alarm::raise(turn, cause, None).await.map(drop)
}

/// Writes what is judged otherwise than it stands, and tells the desk of the first that is not believed.
async fn judge_again(
    turn: &mut Turn,
    carrier: &Carrier,
    before: Option<&Fix>,
    track: &[(PositionId, Fix, Judgement)],
    judged: &[Judgement],
) -> Result<(), Error> {
    let mut doubted = false;
    for ((id, fix, stands), judged) in track.iter().zip(judged) {
        if stands == judged {
            doubted |= judged.doubts.contains(&Doubt::Jump);
            continue;
        }
        turn.tx.execute_one(&sql::JUDGE_POSITION, params![*id, judged.trust.as_str(), &json!(judged.doubts)]).await?;
        if judged.doubts.contains(&Doubt::Jump) && !doubted {
            doubted = true;
            let away_km = before.map_or(0.0, |before| before.distance_m(fix) / 1_000.0);
            let text = say!(
                "{who} seems to be {away_km} km from where it was: not believed, ask them",
                who = name(carrier),
                away_km = format!("{away_km:.0}")
            );
            let entry = NewEntry {
                sign: Some(carrier.holder.sign.clone()),
                holder: Some(carrier.holder.clone()),
                mission: carrier.mission.as_ref().map(|mission| mission.id),
                ..NewEntry::words("position", text)
            };
            turn.log(entry).await?;
        }
    }
    Ok(())
}

/// Since when a fence is watched for somebody: areas always, a corridor while its leg is driven. `None`: it is not.
fn watched_since(fence: &Fence, carrier: &Carrier) -> Option<Timestamp> {
    match fence.kind {
        FenceKind::NoGo | FenceKind::Site => Some(Timestamp::MIN),
        FenceKind::Corridor => {
            let mission = carrier.mission.as_ref().filter(|mission| mission.state.is_on_the_road())?;
            let leg = mission.legs.get(mission.leg)?;
            (leg.corridor.as_deref() == Some(fence.key.as_str())).then_some(mission.leg_began())?
        }
    }
}

/// Asks one fence: by where they stood, when all is newer; from the track before, when something came late.
async fn ask(
    turn: &mut Turn,
    carrier: &Carrier,
    fence: &Fence,
    watched: Timestamp,
    trusted: &[Fix],
) -> Result<(), Error> {
    let key = (carrier.holder.kind.as_str(), carrier.holder.key.as_str());
    let row = turn.tx.fetch_optional(&sql::STANDING, params![key.0, key.1, &fence.key]).await?;
    let (Some(first), Some(last)) = (trusted.first(), trusted.last()) else { return Ok(()) };
    let stood = match row {
        Some(row) => Some((
            Standing {
                side: row.parse("side")?,
                other_count: row.int("other_count")?,
                other_since: row.time_opt("other_since_us")?,
            },
            row.time("last_us")?,
        )),
        None => None,
    };
    let stood = stood.filter(|(_, at)| *at >= watched);
    let (standing, until) = match stood {
        Some((standing, at)) if first.at > at => {
            let (after, found) = crossings(fence, standing, trusted);
            for crossing in found {
                cross(turn, carrier, fence, crossing, after.side).await?;
            }
            (after, last.at)
        }
        stood => {
            let from = first.at.plus_micros(-BACK_US).max(watched);
            let after = ask_again(turn, carrier, fence, from).await?;
            (after, stood.map_or(last.at, |(_, at)| at.max(last.at)))
        }
    };
    let row =
        params![key.0, key.1, &fence.key, standing.side.as_str(), standing.other_count, standing.other_since, until,];
    turn.tx.execute(&sql::SAVE_STANDING, row).await?;
    if fence.kind == FenceKind::NoGo && standing.side == Side::Inside {
        stop(turn, carrier, fence, last.at).await?;
    }
    Ok(())
}

/// The crossings since an instant, reckoned anew: what turns out never to have been is withdrawn.
async fn ask_again(turn: &mut Turn, carrier: &Carrier, fence: &Fence, from: Timestamp) -> Result<Standing, Error> {
    let key = (carrier.holder.kind.as_str(), carrier.holder.key.as_str());
    let known = turn.tx.fetch_all(&sql::CROSSINGS, params![key.0, key.1, &fence.key]).await?;
    let known: Vec<Crossing> = known
        .iter()
        .map(|row| Ok::<_, Error>(Crossing { at: row.time("at_us")?, side: row.parse("side")? }))
        .collect::<Result<_, _>>()?;
    let side = known.iter().rfind(|one| one.at < from).map_or(fence.first_side(), |one| one.side);
    let track = records::track(&mut turn.tx, key, from).await?;
    let fixes: Vec<Fix> =
        track.into_iter().filter(|(_, _, judged)| judged.trust == Trust::Good).map(|(_, fix, _)| fix).collect();
    let (after, found) = crossings(fence, Standing::on(side), &fixes);
    let now = turn.now();
    for gone in known.iter().filter(|one| one.at >= from && !found.contains(one)) {
        turn.tx.execute(&sql::WITHDRAW_CROSSING, params![key.0, key.1, &fence.key, gone.at, now]).await?;
        let text = say!(
            "a fix that came late shows that {who} was not {side} {name} then",
            who = name(carrier),
            side = Sentence::word(gone.side.as_str()),
            name = fence.name
        );
        match alarm::open_about(turn, &subject(carrier, fence)).await? {
            Some(alarm) => alarm::note(turn, alarm.id, text).await?,
            None => drop(turn.log(entry(carrier, text)).await?),
        }
    }
    for new in found.iter().filter(|one| !known.contains(one)) {
        cross(turn, carrier, fence, *new, after.side).await?;
    }
    Ok(after)
}

fn name(carrier: &Carrier) -> String {
    format!("{} ({})", carrier.holder.sign, carrier.holder.name)
}

fn subject(carrier: &Carrier, fence: &Fence) -> String {
    format!("fence:{}:{}:{}", carrier.holder.kind, carrier.holder.key, fence.key)
}

fn entry(carrier: &Carrier, text: Sentence) -> NewEntry {
    NewEntry {
        sign: Some(carrier.holder.sign.clone()),
        holder: Some(carrier.holder.clone()),
        mission: carrier.mission.as_ref().map(|mission| mission.id),
        ..NewEntry::words("fence", text)
    }
}

/// Somebody changed sides. `stands` is the side on which they are by now.
async fn cross(
    turn: &mut Turn,
    carrier: &Carrier,
    fence: &Fence,
    crossing: Crossing,
    stands: Side,
) -> Result<(), Error> {
    let (at, side) = (crossing.at, crossing.side);
    let mission = carrier.mission.as_ref();
    let holder = &carrier.holder;
    let row = params![&holder.kind, &holder.key, &fence.key, at, side.as_str(), mission.map(|mission| mission.id)];
    turn.tx.execute(&sql::INSERT_CROSSING, row).await?;
    let when = crate::line::both(at, turn.now(), turn.directory.zone());
    let kind = match (fence.kind, side) {
        (FenceKind::NoGo, Side::Inside) => Some(AlarmKind::NoGo),
        (FenceKind::Corridor, Side::Outside) => Some(AlarmKind::OffRoute),
        _ => None,
    };
    let text = say!("{crossing}, by position at {when}", crossing = crossed(&name(carrier), fence, side), when);
    let subject = subject(carrier, fence);
    match kind {
        // What is over already is told and wakes nobody.
        Some(kind) if stands == side => {
            // A later crossing rings again, whatever somebody has seen to before; and never under a drill.
            let cause = Cause { kind, subject, title: text, missed: at, while_down: false, tell: Vec::new() };
            alarm::call_for_help(turn, Call::anew(cause, at, false), mission).await.map(drop)
        }
        _ => match alarm::open_call(turn, &subject).await? {
            Some(alarm) => alarm::note(turn, alarm.id, text).await,
            None => turn.log(entry(carrier, text)).await.map(drop),
        },
    }
}

fn crossed(who: &str, fence: &Fence, side: Side) -> Sentence {
    let name = &fence.name;
    match (fence.kind, side) {
        (FenceKind::NoGo, Side::Inside) => say!("{who} is in the no-go area {name}", who, name),
        (FenceKind::NoGo, Side::Outside) => say!("{who} has left the no-go area {name}", who, name),
        (FenceKind::Corridor, Side::Outside) => say!("{who} has left the corridor {name}", who, name),
        (FenceKind::Corridor, Side::Inside) => say!("{who} is back in the corridor {name}", who, name),
        (FenceKind::Site, Side::Inside) => say!("{who} is at {name}", who, name),
        (FenceKind::Site, Side::Outside) => say!("{who} has left {name}", who, name),
    }
}

/// Somebody stands still where nobody is to be, and no halt was announced: an alarm, even when every contact is on time.
async fn stop(turn: &mut Turn, carrier: &Carrier, fence: &Fence, until: Timestamp) -> Result<(), Error> {
    let announced = carrier.mission.as_ref().is_some_and(|mission| mission.state == MissionState::Halted);
    if announced {
        return Ok(());
    }
    let key = (carrier.holder.kind.as_str(), carrier.holder.key.as_str());
    let track = records::track(&mut turn.tx, key, until.plus_micros(-STANDING_US)).await?;
    let fixes: Vec<Fix> = track
        .into_iter()
        .filter(|(_, fix, judged)| judged.trust == Trust::Good && fix.at <= until)
        .map(|(_, fix, _)| fix)
        .collect();
    let Some(since) = stands_since(&fixes) else { return Ok(()) };
    let subject = format!("stop:{}:{}:{}", key.0, key.1, fence.key);
    let raised = turn.tx.fetch_optional(&sql::LAST_ALARM_ABOUT, params![&subject]).await?;
    let last = raised.map(|row| row.time("missed_us")).transpose()?;
    // A stop has one alarm, whoever closed it.
    if last.is_some_and(|last| until.micros() - last.micros() < STANDING_US) {
        return Ok(());
    }
    let when = crate::line::both(since, turn.now(), turn.directory.zone());
    let title = say!(
        "{who} stands in the no-go area {name} since {when}, unannounced",
        who = name(carrier),
        name = fence.name,
        when
    );
    let cause = Cause { kind: AlarmKind::NoGoStop, subject, title, missed: since, while_down: false, tell: Vec::new() };
    alarm::raise(turn, cause, carrier.mission.as_ref()).await.map(drop)
}

/// The fences of the register, ready to be asked; one whose shape cannot be read is left out.
pub(crate) fn fences(directory: &Directory) -> Vec<Fence> {
    let fence = |record: &crate::register::Record| {
        let shape: Json = serde_json::from_str(record.text("shape")).ok()?;
        let kind = record.text("kind").parse().ok()?;
        #[expect(clippy::cast_precision_loss, reason = "metres up to fifty thousand")]
        let width_m = record.whole("width_m").unwrap_or(1_000) as f64;
        Fence::new(&record.key, record.text("name"), kind, &shape, width_m)
    };
    directory.records("fence").filter_map(fence).collect()
}
