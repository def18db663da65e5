//! What a missed promise means, and what comes from outside: messages, positions, calls for help. The engine of the store and
//! the courier say when; here it is decided what then.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Actor, Fact, Timestamp};
use store::{Delivery, HandlerError, Subscriber};

use crate::alarm::{self, ANSWER, AlarmKind, Cause, REMINDER, STEP};
use crate::error::Error;
use crate::headcount::{self, HEADCOUNT, WARDEN};
use crate::log::NewEntry;
use crate::message;
use crate::mission::{self, Acted, CONTACT, DEPARTURE, ONWARD};
use crate::position::{self, TRACKER};
use crate::report;
use crate::retention::{self, POSITIONS, RETENTION};
use crate::room::{Field, Turn};
use crate::round::{self, ROUND};
use crate::speech::{Sentence, say};

impl Field {
    /// Hear of missed promises and messages, of calls for help, of positions: each for itself, so that a call waits for
    /// nothing else. To be given to `Store::run_outbox`.
    pub fn subscribers(&self) -> Vec<Arc<dyn Subscriber>> {
        let hearing = |lane| Arc::new(Hearing { field: self.clone(), lane }) as Arc<dyn Subscriber>;
        [Lane::Distress, Lane::Promises, Lane::Positions].map(hearing).into()
    }
}

struct Hearing {
    field: Field,
    lane: Lane,
}

/// What is heard in the order in which it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Distress,
    Promises,
    Positions,
}

/// So long a turn goes on taking further facts.
const TOGETHER_US: u64 = 20_000;

/// A promise that was not kept.
struct Missed<'a> {
    kind: &'a str,
    subject: &'a str,
    due: Timestamp,
    while_down: bool,
}

#[async_trait]
impl Subscriber for Hearing {
    fn name(&self) -> &'static str {
        match self.lane {
            Lane::Distress => "field.distress",
            Lane::Promises => "field.deadlines",
            Lane::Positions => "field.positions",
        }
    }

    fn topics(&self) -> &'static [&'static str] {
        match self.lane {
            Lane::Distress => &["distress-signalled", "distress-cancelled"],
            Lane::Promises => &["deadline-expired", "report-taken", "message-received", "message-delivery"],
            Lane::Positions => &["positions-reported"],
        }
    }

    /// A fact that cannot be taken in keeps calls for help behind it waiting: for seven seconds, no longer.
    fn tries(&self) -> u32 {
        4
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        self.handle_some(std::slice::from_ref(delivery)).await.map(drop)
    }

    async fn handle_some(&self, deliveries: &[Delivery]) -> Result<usize, HandlerError> {
        match self.hear_some(deliveries).await {
            // A missed contact and a call for help are heard on a full disk, too.
            Err(error) if error.is_disk_full() && self.field.store.spend_reserve() => {
                Ok(self.hear_some(deliveries).await?)
            }
            heard => Ok(heard?),
        }
    }

    async fn parked(&self, delivery: &Delivery, problem: &str) -> Result<(), HandlerError> {
        let mut turn = self.field.urgent_turn(&Actor::system("field"), "it could not be taken in").await?;
        let text =
            say!("{what} could not be taken in: {problem}", what = untaken(&delivery.fact), problem = plain(problem));
        match &delivery.fact {
            Fact::DistressSignalled(_) | Fact::MessageReceived(_) | Fact::DeadlineExpired { .. } => {
                let kind = match &delivery.fact {
                    Fact::DistressSignalled(_) => AlarmKind::Sos,
                    _ => AlarmKind::NeedsHelp,
                };
                let (subject, missed) = (format!("untaken:{}", delivery.seq), turn.now());
                let cause = Cause { kind, subject, title: text, missed, while_down: false, tell: Vec::new() };
                alarm::raise(&mut turn, cause, None).await?;
            }
            _ => drop(turn.log(NewEntry::words("note", text)).await?),
        }
        Ok(turn.finish().await.map(drop)?)
    }
}

/// What cannot be taken in, so that somebody can ask about it.
fn untaken(fact: &Fact) -> Sentence {
    match fact {
        Fact::DistressSignalled(signal) => {
            say!(
                "a call for help of {device} by {source}",
                device = plain(&signal.device),
                source = plain(&signal.source)
            )
        }
        Fact::DistressCancelled(signal) => {
            say!(
                "a call for help of {device} taken back by {source}",
                device = plain(&signal.device),
                source = plain(&signal.source)
            )
        }
        Fact::MessageReceived(message) => {
            say!("a message from {sender} by {means}", sender = plain(&message.sender), means = message.means)
        }
        Fact::DeadlineExpired { kind, subject, .. } => {
            say!("a missed promise ({kind}, {subject})", kind, subject = plain(subject))
        }
        other => say!("a fact ({topic})", topic = other.topic()),
    }
}

/// Short, and without what may have been the trouble.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

impl Hearing {
    /// As many as can be heard within [`TOGETHER_US`], in one turn: a hundred promises that are missed together cost one
    /// commit, and who enters a line meanwhile waits for no more than that.
    async fn hear_some(&self, deliveries: &[Delivery]) -> Result<usize, Error> {
        if let Some(Fact::DeadlineExpired { kind, subject, .. }) = deliveries.first().map(|first| &first.fact)
            && kind == RETENTION
        {
            self.forget(subject).await?;
            return Ok(1);
        }
        // What is of other rooms needs no turn.
        let others = deliveries.iter().take_while(|delivery| !is_ours(&delivery.fact)).count();
        if others > 0 {
            return Ok(others);
        }
        let clock = self.field.store.clock();
        let mut turn = self.field.urgent_turn(&Actor::system("field"), "a promise was not kept").await?;
        let (began_us, mut heard) = (clock.monotonic_us(), 0);
        for delivery in deliveries {
            let alone = matches!(&delivery.fact, Fact::DeadlineExpired { kind, .. } if kind == RETENTION);
            if alone || (heard > 0 && clock.monotonic_us() - began_us > TOGETHER_US) {
                break;
            }
            turn.reason = reason(&delivery.fact).to_owned();
            if is_ours(&delivery.fact) && turn.tx.acknowledge(delivery).await? {
                hear(&mut turn, delivery).await?;
            }
            heard += 1;
        }
        // What was settled between its expiry and now leaves nothing to do, not even an entry.
        turn.finish().await?;
        Ok(heard)
    }
}

/// Of the promises that expired, those of other rooms are not ours.
fn is_ours(fact: &Fact) -> bool {
    !matches!(fact, Fact::DeadlineExpired { kind, .. } if !kind.starts_with("field."))
}

/// For the ledger.
const fn reason(fact: &Fact) -> &'static str {
    match fact {
        Fact::DeadlineExpired { .. } => "a promise was not kept",
        _ => "",
    }
}

impl Hearing {
    /// Whose data are past their time is erased; doing it again does nothing.
    async fn forget(&self, person: &str) -> Result<(), Error> {
        let reason = "their data are past their time";
        match self.field.erase_person(person, &Actor::system("field"), reason).await {
            // They are back, or nobody knows them any more.
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            // They are counted or looked after now: it is tried again tomorrow.
            Err(Error::Refused(_)) => self.field.erase_later(person).await,
            Err(error) => Err(error),
        }
    }
}

async fn hear(turn: &mut Turn, delivery: &Delivery) -> Result<(), Error> {
    match &delivery.fact {
        Fact::DeadlineExpired { kind, subject, due, expired_while_down, .. } => {
            decide(turn, &Missed { kind, subject, due: *due, while_down: *expired_while_down }).await
        }
        Fact::ReportTaken { entry, incident, label, .. } => report::taken(turn, *entry, *incident, label).await,
        Fact::MessageReceived(message) => message::take_received(turn, delivery, message).await,
        Fact::MessageDelivery(news) => message::delivered(turn, news).await,
        Fact::PositionsReported { positions } => position::take(turn, positions).await,
        Fact::DistressSignalled(signal) => position::signalled(turn, signal).await,
        Fact::DistressCancelled(signal) => position::cancelled(turn, signal).await,
        _ => Ok(()),
    }
}

async fn decide(turn: &mut Turn, missed: &Missed<'_>) -> Result<(), Error> {
    let (subject, due, down) = (missed.subject, missed.due, missed.while_down);
    match missed.kind {
        CONTACT => contact(turn, missed).await,
        DEPARTURE => departure(turn, missed).await,
        ONWARD => onward(turn, missed).await,
        STEP => match subject.parse() {
            Ok(id) => alarm::climb_on(turn, id).await,
            Err(_) => unknown(missed),
        },
        REMINDER => match subject.parse() {
            Ok(id) => alarm::remind_of(turn, id).await,
            Err(_) => unknown(missed),
        },
        ANSWER => match subject.split_once('/').map(|(alarm, attempt)| (alarm.parse(), attempt.parse())) {
            Some((Ok(id), Ok(attempt))) => alarm::unanswered(turn, id, attempt).await,
            _ => unknown(missed),
        },
        ROUND => match subject.parse() {
            Ok(id) => round::overdue(turn, id, due, down).await,
            Err(_) => unknown(missed),
        },
        POSITIONS => retention::forget_positions(turn).await,
        TRACKER => position::silent(turn, subject, due).await,
        WARDEN => match subject.split_once('/').map(|(id, zone)| (id.parse(), zone)) {
            Some((Ok(id), zone)) => headcount::silent_warden(turn, id, zone).await,
            _ => unknown(missed),
        },
        HEADCOUNT => match subject.parse() {
            Ok(id) => headcount::overdue(turn, id, due, down).await,
            Err(_) => unknown(missed),
        },
        _ => unknown(missed),
    }
}

/// A promise of an older program, perhaps.
fn unknown(missed: &Missed<'_>) -> Result<(), Error> {
    tracing::warn!(kind = missed.kind, subject = missed.subject, "a promise expired that nobody knows");
    Ok(())
}

async fn contact(turn: &mut Turn, missed: &Missed<'_>) -> Result<(), Error> {
    let Some((id, vehicle)) = alarm::of_mission(missed.subject) else { return unknown(missed) };
    let Some(before) = mission::find(&mut turn.tx, id).await? else { return unknown(missed) };
    if !before.is_ours() {
        return Ok(());
    }
    let Some(after) = mission::miss(&before, vehicle, turn.now()) else { return Ok(()) };
    let acted = Acted { mission: after.clone(), notes: Vec::new(), contact: false };
    mission::write_record(turn, Some(&before), &acted, "miss").await?;
    let last = match vehicle {
        Some(vehicle) => before.convoy.iter().find(|one| one.vehicle == vehicle).and_then(|one| one.last_contact),
        None => before.last_contact,
    };
    let since = match last {
        Some(last) => crate::line::both(last, turn.now(), turn.directory.zone()).into(),
        None => say!("departure"),
    };
    let label = after.label();
    let title = match vehicle {
        Some(vehicle) => say!("{label} {vehicle}: no contact since {since}", label, vehicle, since),
        None => say!("{label}: no contact since {since}", label, since),
    };
    let cause = Cause {
        kind: AlarmKind::ContactOverdue,
        subject: missed.subject.to_owned(),
        title,
        missed: missed.due,
        while_down: missed.while_down,
        tell: Vec::new(),
    };
    alarm::raise(turn, cause, Some(&after)).await.map(drop)
}

async fn departure(turn: &mut Turn, missed: &Missed<'_>) -> Result<(), Error> {
    let Some((id, _)) = alarm::of_mission(missed.subject) else { return unknown(missed) };
    let Some(found) = mission::find(&mut turn.tx, id).await? else { return unknown(missed) };
    let waits = mission::promises(&found).iter().any(|promise| promise.kind == DEPARTURE && promise.due <= turn.now());
    if !waits {
        return Ok(());
    }
    let cause = Cause {
        kind: AlarmKind::NotDeparted,
        subject: format!("departure:{id}"),
        title: say!("{label} was to depart and has not", label = found.label()),
        missed: missed.due,
        while_down: missed.while_down,
        tell: Vec::new(),
    };
    alarm::raise(turn, cause, Some(&found)).await.map(drop)
}

/// Who is in was to go on, or to be done.
async fn onward(turn: &mut Turn, missed: &Missed<'_>) -> Result<(), Error> {
    let Some((id, _)) = alarm::of_mission(missed.subject) else { return unknown(missed) };
    let Some(found) = mission::find(&mut turn.tx, id).await? else { return unknown(missed) };
    let waits = mission::promises(&found).iter().any(|promise| promise.kind == ONWARD && promise.due <= turn.now());
    if !waits {
        return Ok(());
    }
    let since = found.all_in_since().unwrap_or(missed.due);
    let since = crate::line::both(since, turn.now(), turn.directory.zone());
    let label = found.label();
    let title = match (found.has_further_leg(), &found.last_place) {
        (true, Some(place)) => {
            say!("{label} is at {place} since {since} and has not gone on by the log", label, place, since)
        }
        (true, None) => say!("{label} is at its place since {since} and has not gone on by the log", label, since),
        (false, _) => say!("{label} is in since {since} and nobody has closed it", label, since),
    };
    let (subject, while_down) = (format!("onward:{id}"), missed.while_down);
    let cause = Cause { kind: AlarmKind::Waiting, subject, title, missed: missed.due, while_down, tell: Vec::new() };
    alarm::raise(turn, cause, Some(&found)).await.map(drop)
}
