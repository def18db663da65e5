//! How an alarm climbs its ladder, and how it is brought back to mind after, without input or output.

use kernel::Timestamp;

use super::alarms::{Alarm, AlarmState, Attempt, AttemptState, THE_DESK};
use super::ladder::{Means, Role, Step};
use crate::register::{Callee, Directory};
use crate::speech::{Sentence, say};

/// The next step of a ladder (subject: the alarm).
pub const STEP: &str = "field.alarm-step";
/// An answer to an attempt (subject: the alarm and the attempt).
pub const ANSWER: &str = "field.answer";
/// An alarm whose ladder is at its end is still open (subject: the alarm).
pub const REMINDER: &str = "field.alarm-reminder";

const MINUTE_US: i64 = 60_000_000;
/// An open alarm that nobody sees to comes back so often.
const REMIND_OPEN_US: i64 = 5 * MINUTE_US;
/// One that somebody sees to.
const REMIND_OWNED_US: i64 = 15 * MINUTE_US;
/// Attempts of earlier reminders that an alarm keeps; the log has them all.
const KEPT_OF_REMINDERS: usize = 40;

/// What an alarm owes: its next step, an answer to each attempt, and after all that to be brought back to mind.
pub(crate) fn promises(alarm: &Alarm) -> Vec<(&'static str, String, Timestamp, String)> {
    if !alarm.is_open() {
        return Vec::new();
    }
    let mut owed = Vec::new();
    let next = next_step(alarm);
    if let Some(step) = next {
        let due = alarm.missed.plus_micros(step.after_min * MINUTE_US);
        owed.push((STEP, alarm.id.to_string(), due, format!("role:{}", step.role)));
    }
    for attempt in alarm.course.attempts.iter().filter(|attempt| attempt.state == AttemptState::Pending) {
        let subject = format!("{}/{}", alarm.id, attempt.number);
        owed.push((ANSWER, subject, attempt.answer_by, format!("role:{}", attempt.role)));
    }
    if owed.is_empty() {
        let every = if alarm.state == AlarmState::Acknowledged { REMIND_OWNED_US } else { REMIND_OPEN_US };
        owed.push((REMINDER, alarm.id.to_string(), last_stir(alarm).plus_micros(every), "role:desk".to_owned()));
    }
    owed
}

/// The step that is still to come. Who has answered a silent alarm sees to it: nobody else is let in then.
fn next_step(alarm: &Alarm) -> Option<Step> {
    let settled = alarm.silent && alarm.state == AlarmState::Acknowledged;
    alarm.course.steps.get(alarm.course.next).copied().filter(|_| !settled)
}

/// When anything of it happened last.
fn last_stir(alarm: &Alarm) -> Timestamp {
    let attempts = alarm.course.attempts.iter().map(|attempt| attempt.ended.unwrap_or(attempt.begun));
    attempts.chain(alarm.course.reminded).fold(alarm.raised, Timestamp::max)
}

/// Takes every step that is due and tells what it did.
pub(crate) fn climb(alarm: &mut Alarm, directory: &Directory, now: Timestamp) -> Vec<Sentence> {
    let mut notes = Vec::new();
    while let Some(step) = next_step(alarm) {
        if alarm.missed.plus_micros(step.after_min * MINUTE_US) > now {
            break;
        }
        let at = alarm.course.next;
        alarm.course.next += 1;
        for whom in concerned(alarm, step.role) {
            notes.extend(call(alarm, at, step, &whom, directory, now));
        }
        if step.lost {
            notes.push(say!("they count as lost from now on"));
        }
    }
    notes
}

/// Brings an open alarm back to mind: to the desk and whoever stands in for it; a silent one to those who are told.
pub(crate) fn remind(alarm: &mut Alarm, directory: &Directory, now: Timestamp) -> Vec<Sentence> {
    if promises(alarm).iter().all(|(kind, _, due, _)| *kind != REMINDER || *due > now) {
        return Vec::new();
    }
    alarm.course.reminders += 1;
    alarm.course.reminded = Some(now);
    forget_earlier_reminders(alarm);
    let (at, step) = reminder_step(alarm);
    let minutes = (now.micros() - alarm.missed.micros()) / MINUTE_US;
    let owner = match &alarm.owner {
        Some(name) => say!("{name} sees to it", name),
        None => say!("nobody sees to it"),
    };
    let mut notes = vec![say!("still open after {minutes} min; {owner}", minutes, owner)];
    for whom in concerned(alarm, step.role) {
        notes.extend(call(alarm, at, step, &whom, directory, now));
    }
    notes
}

/// The rung of the latest reminder, counted on after those of the ladder.
fn reminder_step(alarm: &Alarm) -> (usize, Step) {
    let (role, means) = if alarm.silent { (Role::Told, Some(Means::Screen)) } else { (Role::Desk, None) };
    let step = Step { after_min: 0, role, means, answer_min: None, lost: false };
    (alarm.course.steps.len() + alarm.course.reminders.saturating_sub(1), step)
}

fn forget_earlier_reminders(alarm: &mut Alarm) {
    let steps = alarm.course.steps.len();
    let is_old = |attempt: &Attempt| attempt.step >= steps && attempt.state != AttemptState::Pending;
    let old = alarm.course.attempts.iter().filter(|attempt| is_old(attempt)).count();
    let mut surplus = old.saturating_sub(KEPT_OF_REMINDERS);
    alarm.course.attempts.retain(|attempt| {
        let drop = surplus > 0 && is_old(attempt);
        surplus -= usize::from(drop);
        !drop
    });
}

/// Nobody answered an attempt: the next person by the next means. `None`: it had ended.
pub(crate) fn no_answer(
    alarm: &mut Alarm,
    number: i64,
    directory: &Directory,
    now: Timestamp,
) -> Option<Vec<Sentence>> {
    let attempt = pending(alarm, number)?;
    (attempt.state, attempt.ended) = (AttemptState::Unanswered, Some(now));
    let at = attempt.step;
    let whom = Whom { organisation: attempt.organisation.clone(), user: attempt.user.clone() };
    let mut notes = vec![say!("no answer from {name} by {means}", name = attempt.called(), means = attempt.means)];
    let step = alarm.course.steps.get(at).copied().unwrap_or_else(|| reminder_step(alarm).1);
    notes.extend(call(alarm, at, step, &whom, directory, now));
    Some(notes)
}

/// Somebody answered, by name. `None`: the attempt had ended.
pub(crate) fn answered(alarm: &mut Alarm, number: i64, name: &str, now: Timestamp) -> Option<()> {
    let attempt = pending(alarm, number)?;
    (attempt.state, attempt.ended) = (AttemptState::Acknowledged, Some(now));
    attempt.answered_by = Some(name.to_owned());
    take(alarm, name, now);
    Some(())
}

/// Somebody sees to it from now on. Of a silent alarm, nobody else is called any more.
pub(crate) fn take(alarm: &mut Alarm, name: &str, now: Timestamp) {
    (alarm.state, alarm.all_failed) = (AlarmState::Acknowledged, false);
    alarm.owner = Some(name.to_owned());
    alarm.course.reminded = Some(now);
    if alarm.silent {
        withdraw(alarm, now);
    }
}

/// Ends an alarm and what is pending of it.
pub(crate) fn close(alarm: &mut Alarm, outcome: &Sentence, now: Timestamp) {
    (alarm.state, alarm.closed) = (AlarmState::Closed, Some(now));
    alarm.outcome = Some(outcome.clone());
    withdraw(alarm, now);
}

pub(super) fn withdraw(alarm: &mut Alarm, now: Timestamp) {
    for attempt in alarm.course.attempts.iter_mut().filter(|attempt| attempt.state == AttemptState::Pending) {
        (attempt.state, attempt.ended) = (AttemptState::Withdrawn, Some(now));
    }
}

fn pending(alarm: &mut Alarm, number: i64) -> Option<&mut Attempt> {
    let mut attempts = alarm.course.attempts.iter_mut();
    attempts.find(|attempt| attempt.number == number && attempt.state == AttemptState::Pending)
}

/// For whom a step is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Whom {
    organisation: Option<String>,
    user: Option<String>,
}

/// A focal point for each organisation, each user who is told, else once.
fn concerned(alarm: &Alarm, role: Role) -> Vec<Whom> {
    match role {
        Role::FocalPoint => {
            let of = |name: &String| Whom { organisation: Some(name.clone()), user: None };
            alarm.course.organisations.iter().map(of).collect()
        }
        Role::Told => {
            let of = |user: &String| Whom { organisation: None, user: Some(user.clone()) };
            alarm.course.tell.iter().map(of).collect()
        }
        Role::Desk | Role::DutyOfficer | Role::SecurityAdviser | Role::HeadOfOffice | Role::ResponseTeam => {
            vec![Whom::default()]
        }
    }
}

/// Calls the first who has not been tried in this step.
fn call(alarm: &mut Alarm, at: usize, rung: Step, whom: &Whom, directory: &Directory, now: Timestamp) -> Vec<Sentence> {
    let tried = |callee: &Callee| {
        let mut attempts = alarm.course.attempts.iter().filter(|attempt| attempt.step == at && !attempt.earlier);
        attempts.any(|attempt| {
            attempt.contact.as_deref().unwrap_or_default() == callee.contact
                && attempt.organisation == whom.organisation
                && attempt.user == whom.user
        })
    };
    let mut callees = chain(directory, rung, whom);
    if !alarm.silent {
        callees.retain(|callee| !directory.is_of(&callee.contact, &alarm.course.people));
    }
    if alarm.course.drill {
        callees.retain(|callee| callee.contact.is_empty() || callee.means == Means::Screen);
    }
    let Some(callee) = callees.into_iter().find(|one| !tried(one)) else {
        return nobody_left(alarm, rung, whom);
    };
    if alarm.silent
        && let Some(user) = directory.user_of_contact(&callee.contact)
    {
        // Who is called about it has to be able to see it.
        if !alarm.course.tell.contains(&user) {
            alarm.course.tell.push(user);
        }
    }
    let answer_us = rung.answer_min.map_or(alarm.course.answer_us, |minutes| minutes * MINUTE_US);
    let last = alarm.course.attempts.last().map_or(0, |attempt| attempt.number);
    let attempt = Attempt {
        number: last + 1,
        step: at,
        role: rung.role,
        organisation: whom.organisation.clone(),
        user: whom.user.clone(),
        contact: Some(callee.contact).filter(|contact| !contact.is_empty()),
        name: callee.name,
        means: callee.means,
        address: callee.address,
        state: AttemptState::Pending,
        begun: now,
        answer_by: now.plus_micros(answer_us),
        ended: None,
        answered_by: None,
        earlier: false,
    };
    let (name, role, means) = (attempt.called(), attempt.role, attempt.means);
    let told = match attempt.address.as_str() {
        "" => say!("tell {name} ({role}) by {means}", name, role, means),
        address => say!("tell {name} ({role}) by {means} {address}", name, role, means, address),
    };
    alarm.course.attempts.push(attempt);
    vec![told]
}

fn nobody_left(alarm: &mut Alarm, rung: Step, whom: &Whom) -> Vec<Sentence> {
    if alarm.course.drill {
        return vec![say!("exercise: nobody else is called")];
    }
    if alarm.silent && next_step(alarm).is_some() {
        // One of those who are told cannot be reached; the next step goes to others.
        return Vec::new();
    }
    if alarm.silent && alarm.state == AlarmState::Acknowledged {
        return Vec::new();
    }
    alarm.all_failed = true;
    vec![match &whom.organisation {
        Some(whose) => say!(
            "all means failed for {role} of {whose}: nobody is left to call, send a runner",
            role = rung.role,
            whose
        ),
        None => say!("all means failed for {role}: nobody is left to call, send a runner", role = rung.role),
    }]
}

/// Who is tried in a step, one after the other: who has the function, first by the means of the step; then whoever
/// stands in for it.
fn chain(directory: &Directory, rung: Step, whom: &Whom) -> Vec<Callee> {
    let (role, means) = (rung.role, rung.means);
    if let Some(user) = &whom.user {
        return directory.callees_of_user(user, means == Some(Means::Screen));
    }
    let mut chain = directory.callees(role, whom.organisation.as_deref());
    if let Some(means) = means {
        chain.sort_by_key(|callee| callee.means != means);
    }
    if role == Role::Desk {
        let means = means.unwrap_or(Means::Radio);
        let desk = Callee {
            contact: String::new(),
            name: THE_DESK.to_owned(),
            organisation: None,
            means,
            address: String::new(),
        };
        chain.insert(0, desk);
        chain.extend(directory.callees(Role::DutyOfficer, None));
    }
    if role != Role::HeadOfOffice {
        chain.extend(directory.callees(Role::HeadOfOffice, None));
    }
    chain
}
