//! How an alarm climbs its ladder, without input or output.

use kernel::Timestamp;

use super::alarms::{Alarm, AlarmState, Attempt, AttemptState};
use super::ladder::{Means, Role};
use crate::register::{Callee, Directory};

/// The next step of a ladder (subject: the alarm).
pub const STEP: &str = "field.alarm-step";
/// An answer to an attempt (subject: the alarm and the attempt).
pub const ANSWER: &str = "field.answer";

const MINUTE_US: i64 = 60_000_000;

/// What an alarm owes: its next step, and an answer to each attempt.
pub(crate) fn promises(alarm: &Alarm) -> Vec<(&'static str, String, Timestamp, String)> {
    if !alarm.is_open() {
        return Vec::new();
    }
    let mut owed = Vec::new();
    if let Some(step) = alarm.course.steps.get(alarm.course.next) {
        let due = alarm.missed.plus_micros(step.after_min * MINUTE_US);
        owed.push((STEP, alarm.id.to_string(), due, format!("role:{}", step.role)));
    }
    for attempt in alarm.course.attempts.iter().filter(|attempt| attempt.state == AttemptState::Pending) {
        let subject = format!("{}/{}", alarm.id, attempt.number);
        owed.push((ANSWER, subject, attempt.answer_by, format!("role:{}", attempt.role)));
    }
    owed
}

/// Takes every step that is due and tells what it did.
pub(crate) fn climb(alarm: &mut Alarm, directory: &Directory, now: Timestamp) -> Vec<String> {
    let mut notes = Vec::new();
    while let Some(step) = alarm.course.steps.get(alarm.course.next).copied() {
        if alarm.missed.plus_micros(step.after_min * MINUTE_US) > now {
            break;
        }
        let at = alarm.course.next;
        alarm.course.next += 1;
        let concerned = match step.role {
            Role::FocalPoint => alarm.course.organisations.iter().cloned().map(Some).collect(),
            _ => vec![None],
        };
        for organisation in concerned {
            notes.extend(call(alarm, at, organisation.as_deref(), directory, now));
        }
        if step.lost {
            notes.push("they count as lost from now on".to_owned());
        }
    }
    notes
}

/// Nobody answered an attempt: the next person by the next means. `None`: it had ended.
pub(crate) fn no_answer(alarm: &mut Alarm, number: i64, directory: &Directory, now: Timestamp) -> Option<Vec<String>> {
    let attempt = pending(alarm, number)?;
    (attempt.state, attempt.ended) = (AttemptState::Unanswered, Some(now));
    let (step, organisation) = (attempt.step, attempt.organisation.clone());
    let mut notes = vec![format!("no answer from {} by {}", attempt.name, attempt.means)];
    notes.extend(call(alarm, step, organisation.as_deref(), directory, now));
    Some(notes)
}

/// Somebody answered, by name. `None`: the attempt had ended.
pub(crate) fn answered(alarm: &mut Alarm, number: i64, name: &str, now: Timestamp) -> Option<()> {
    let attempt = pending(alarm, number)?;
    (attempt.state, attempt.ended) = (AttemptState::Acknowledged, Some(now));
    attempt.answered_by = Some(name.to_owned());
    (alarm.state, alarm.all_failed) = (AlarmState::Acknowledged, false);
    alarm.owner = Some(name.to_owned());
    Some(())
}

/// Ends an alarm and what is pending of it.
pub(crate) fn close(alarm: &mut Alarm, outcome: &str, now: Timestamp) {
    (alarm.state, alarm.closed) = (AlarmState::Closed, Some(now));
    alarm.outcome = Some(outcome.to_owned());
    for attempt in alarm.course.attempts.iter_mut().filter(|attempt| attempt.state == AttemptState::Pending) {
        (attempt.state, attempt.ended) = (AttemptState::Withdrawn, Some(now));
    }
}

fn pending(alarm: &mut Alarm, number: i64) -> Option<&mut Attempt> {
    let mut attempts = alarm.course.attempts.iter_mut();
    attempts.find(|attempt| attempt.number == number && attempt.state == AttemptState::Pending)
}

/// Calls the first who has not been tried in this step.
fn call(
    alarm: &mut Alarm,
    step: usize,
    organisation: Option<&str>,
    directory: &Directory,
    now: Timestamp,
) -> Vec<String> {
    let Some(rung) = alarm.course.steps.get(step).copied() else { return Vec::new() };
    let tried = |callee: &Callee| {
        let mut attempts = alarm.course.attempts.iter().filter(|attempt| attempt.step == step);
        attempts.any(|attempt| {
            attempt.contact.as_deref().unwrap_or_default() == callee.contact
                && attempt.organisation.as_deref() == organisation
        })
    };
    let mut callees = chain(directory, rung.role, organisation, rung.means);
    if alarm.course.drill {
        callees.retain(|callee| callee.contact.is_empty());
    }
    let Some(callee) = callees.into_iter().find(|one| !tried(one)) else {
        if alarm.course.drill {
            return vec!["exercise: nobody else is called".to_owned()];
        }
        alarm.all_failed = true;
        let for_whom = organisation.map_or(String::new(), |whose| format!(" of {whose}"));
        return vec![format!("all means failed for {}{for_whom}: nobody is left to call, send a runner", rung.role)];
    };
    let answer_us = rung.answer_min.map_or(alarm.course.answer_us, |minutes| minutes * MINUTE_US);
    let attempt = Attempt {
        number: i64::try_from(alarm.course.attempts.len()).unwrap_or(i64::MAX) + 1,
        step,
        role: rung.role,
        organisation: organisation.map(str::to_owned),
        contact: Some(callee.contact).filter(|contact| !contact.is_empty()),
        name: callee.name,
        means: callee.means,
        address: callee.address,
        state: AttemptState::Pending,
        begun: now,
        answer_by: now.plus_micros(answer_us),
        ended: None,
        answered_by: None,
    };
    let address = if attempt.address.is_empty() { String::new() } else { format!(" {}", attempt.address) };
    let told = format!("tell {} ({}) by {}{address}", attempt.name, attempt.role, attempt.means);
    alarm.course.attempts.push(attempt);
    vec![told]
}

/// Who is tried in a step, one after the other: who has the function, first by the means of the step; then whoever
/// stands in for it.
fn chain(directory: &Directory, role: Role, organisation: Option<&str>, means: Option<Means>) -> Vec<Callee> {
    let mut chain = directory.callees(role, organisation);
    if let Some(means) = means {
        chain.sort_by_key(|callee| callee.means != means);
    }
    if role == Role::Desk {
        let means = means.unwrap_or(Means::Radio);
        let desk = Callee {
            contact: String::new(),
            name: "the desk".to_owned(),
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
