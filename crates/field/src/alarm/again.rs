//! Calls for help, and what else may happen a second time before its alarm is closed. One whose alarm is open already is never filed under what somebody has seen to: it rings again.

use kernel::Timestamp;

use super::alarms::{Alarm, AlarmKind, AlarmState};
use super::climb::{climb, withdraw};
use super::commands::{Cause, Concerned, begin, concerned, marked, open_about, save, steps};
use super::ladder::Step;
use crate::error::Error;
use crate::mission::Mission;
use crate::room::Turn;
use crate::speech::{Sentence, say};

/// After so long, the ladder counts from the new call.
const RENEW_US: i64 = 600_000_000;

/// Somebody calls for help.
pub(crate) struct Call {
    /// Of kind `sos` or `needs-help`.
    pub(crate) cause: Cause,
    /// When they called.
    pub(crate) at: Timestamp,
    /// They called anew: a device that goes on repeating its call does not.
    pub(crate) anew: bool,
    /// An exercise or a test.
    pub(crate) drill: bool,
    /// They say that it is none, whatever they are on.
    pub(crate) earnest: bool,
    /// Whom it concerns besides those of the mission that it is about.
    pub(crate) others: Concerned,
}

impl Call {
    /// A new call, of those of one mission at most.
    pub(crate) fn anew(cause: Cause, at: Timestamp, drill: bool) -> Call {
        Call { cause, at, anew: true, drill, earnest: false, others: Concerned::default() }
    }
}

/// The alarm of a call for help, raised or ringing again, and what to say of it in the log.
pub(crate) async fn call_for_help(
    turn: &mut Turn,
    call: Call,
    about: Option<&Mission>,
) -> Result<(Alarm, Sentence), Error> {
    let Call { mut cause, at, anew, drill, earnest, others } = call;
    let drill = !earnest && (drill || about.is_some_and(|mission| mission.exercise));
    if drill {
        // A call in earnest never waits behind a drill.
        cause.subject.push_str(EXERCISE);
    }
    let concerned = about.map(|mission| concerned(turn, mission)).unwrap_or_default().and(others);
    let Some(before) = open_about(turn, &cause.subject).await? else {
        let alarm = begin(turn, cause, about, drill, concerned, Some(at)).await?;
        let said = say!("{label} raised: {title}", label = alarm.label(), title = alarm.title);
        return Ok((alarm, said));
    };
    let told_until = before.course.called.unwrap_or(before.raised);
    if !anew || at <= told_until {
        let said = say!("{label} is open until somebody has seen to it", label = before.label());
        return Ok((before, said));
    }
    let mut alarm = before.clone();
    (alarm.title, alarm.course.called) = (marked(cause.title, drill), Some(at));
    if cause.kind == AlarmKind::Sos {
        alarm.kind = AlarmKind::Sos;
    }
    alarm.mission = about.map(|mission| mission.id).or(alarm.mission);
    for (known, more) in
        [(&mut alarm.course.organisations, concerned.organisations), (&mut alarm.course.people, concerned.people)]
    {
        known.extend(more);
        known.sort_unstable();
        known.dedup();
    }
    let mut notes = match alarm.kind {
        AlarmKind::Sos | AlarmKind::NeedsHelp => vec![say!("they call again")],
        _ => vec![say!("it happens again")],
    };
    if rings_again(&before) {
        let steps = steps(turn, alarm.kind, about, drill);
        notes.extend(before.owner.iter().map(|owner| say!("{owner} saw to the call before", owner)));
        start_over(&mut alarm, steps, turn.now());
        let directory = turn.directory.clone();
        notes.extend(climb(&mut alarm, &directory, turn.now()));
    }
    save(turn, Some(&before), &mut alarm, "again", notes).await?;
    let said = say!("{label} rings again: {title}", label = alarm.label(), title = alarm.title);
    Ok((alarm, said))
}

/// What stands behind the subject of an alarm that is a drill.
const EXERCISE: &str = ":exercise";

/// The open alarm of a call for help: the one in earnest before a drill.
pub(crate) async fn open_call(turn: &mut Turn, subject: &str) -> Result<Option<Alarm>, Error> {
    match open_about(turn, subject).await? {
        Some(alarm) => Ok(Some(alarm)),
        None => open_about(turn, &format!("{subject}{EXERCISE}")).await,
    }
}

/// Somebody had seen to what was known, or nobody is left to be called: all are called anew. Else the ladder is on its way.
fn rings_again(alarm: &Alarm) -> bool {
    alarm.state == AlarmState::Acknowledged || alarm.course.next >= alarm.course.steps.len()
}

/// From the first rung, with everybody as if they had not been called.
fn start_over(alarm: &mut Alarm, steps: Vec<Step>, now: Timestamp) {
    withdraw(alarm, now);
    let at_end = alarm.course.next >= alarm.course.steps.len();
    if at_end || now.micros() - alarm.missed.micros() >= RENEW_US {
        alarm.missed = now;
    }
    for attempt in &mut alarm.course.attempts {
        attempt.earlier = true;
    }
    (alarm.course.steps, alarm.course.next) = (steps, 0);
    (alarm.course.reminders, alarm.course.reminded) = (0, None);
    (alarm.state, alarm.owner, alarm.all_failed) = (AlarmState::Open, None, false);
}
