//! The state machine of an activation: pure.

use kernel::Timestamp;
use kernel::id::PersonId;
use serde::{Deserialize, Serialize};

use super::policy::{ActivationPolicy, TicketState};
use super::record::{Activation, ActivationState, EndCause};
use crate::error::{Refusal, said};

const HOUR_US: i64 = 3_600_000_000;
const MINUTE_US: i64 = 60_000_000;
/// So often it is looked for at the target before somebody has to see to it.
const MOST_LOOKS: i64 = 6;

/// What somebody, or the clock, wants done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    Agree {
        #[serde(default)]
        comment: String,
    },
    Refuse {
        comment: String,
    },
    /// Ends it before its time, for the cause given.
    End {
        cause: EndCause,
    },
    /// Nobody answered within the window.
    WindowOver,
    /// The target was read since the end; whether it still shows the access (`None`: it was not read since).
    Looked {
        shows: Option<bool>,
    },
}

impl Command {
    /// The name in code and API.
    pub const fn name(&self) -> &'static str {
        match self {
            Command::Agree { .. } => "agree",
            Command::Refuse { .. } => "refuse",
            Command::End { .. } => "end",
            Command::WindowOver => "window-over",
            Command::Looked { .. } => "looked",
        }
    }
}

/// What is known when somebody asks for an activation.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub ticket: Option<TicketState>,
    pub second_factor: bool,
    /// Somebody can be asked.
    pub has_candidates: bool,
    pub now: Timestamp,
}

/// Whether an activation may begin, and how: the first state of it.
///
/// # Errors
/// What the policy wants and is not there.
pub fn first(policy: &ActivationPolicy, mut asked: Activation, facts: Facts) -> Result<Activation, Refusal> {
    asked.reason = said("reason", &asked.reason, 2_000)?;
    if asked.hours < 1 || asked.hours > policy.max_hours {
        return Err(Refusal::bad("hours", format!("between 1 and {}", policy.max_hours)));
    }
    match facts.ticket {
        None if policy.needs_ticket => {
            return Err(Refusal::bad("ticket", "name the incident or the mission for which it is needed"));
        }
        Some(TicketState::Unknown) => return Err(Refusal::bad("ticket", "there is no such incident or mission")),
        Some(TicketState::Closed) => return Err(Refusal::bad("ticket", "it is closed")),
        Some(TicketState::NotBegun) => {
            return Err(Refusal::bad("ticket", "the mission has not departed: the access is for its duration"));
        }
        None | Some(TicketState::Open) => {}
    }
    if policy.needs_second_factor && !facts.second_factor {
        return Err(Refusal::rule("sign in with a second factor first: the policy of this access wants one"));
    }
    asked.verify_minutes = policy.verify_minutes.max(1);
    if policy.approver.is_none() {
        begin(&mut asked, facts.now);
        return Ok(asked);
    }
    if !facts.has_candidates {
        return Err(Refusal::rule("nobody can agree to it: who should is away or gains by it"));
    }
    asked.state = ActivationState::Waiting;
    asked.window = Some(facts.now.plus_micros(policy.window_minutes.max(1) * MINUTE_US));
    Ok(asked)
}

fn begin(activation: &mut Activation, now: Timestamp) {
    activation.state = ActivationState::Active;
    activation.began = Some(now);
    activation.until = Some(now.plus_micros(activation.hours * HOUR_US));
}

/// Carries out a command of a person (`None`: the house itself).
///
/// # Errors
/// Why it is not possible.
pub fn decide(
    before: &Activation,
    command: &Command,
    by: Option<PersonId>,
    now: Timestamp,
) -> Result<Activation, Refusal> {
    use ActivationState::{Active, Ended, Ending, NotRevoked, Refused, Void, Waiting};
    let mut after = before.clone();
    match (before.state, command) {
        (Waiting, Command::Agree { comment }) => {
            let by = may_decide(before, by)?;
            (after.decided_by, after.comment) = (Some(by), Some(comment.trim().to_owned()));
            // Whether or not the deadline has fired: an approval after the window does not count.
            if before.window.is_some_and(|window| now >= window) {
                after.state = Void;
            } else {
                begin(&mut after, now);
            }
        }
        (Waiting, Command::Refuse { comment }) => {
            let by = may_decide(before, by)?;
            (after.decided_by, after.comment) = (Some(by), Some(said("comment", comment, 2_000)?));
            after.state = Refused;
        }
        (Waiting, Command::WindowOver) => after.state = Void,
        (Waiting, Command::End { cause }) => {
            may_end(before, *cause, by)?;
            (after.state, after.end_cause, after.ended) = (Void, Some(*cause), Some(now));
        }
        (Active, Command::End { cause }) => {
            may_end(before, *cause, by)?;
            (after.state, after.end_cause, after.ended) = (Ending, Some(*cause), Some(now));
            after.exposure_us = before.until.map_or(0, |until| (now.micros() - until.micros()).max(0));
        }
        (Ending | NotRevoked, Command::Looked { shows }) => {
            after.looked += 1;
            match shows {
                Some(false) => (after.state, after.verified) = (Ended, Some(now)),
                Some(true) | None if after.looked >= MOST_LOOKS => after.state = NotRevoked,
                Some(true) | None => {}
            }
        }
        (Waiting | Active | Ending | NotRevoked | Ended | Refused | Void, _) => {
            let (what, state) = ("activation", before.state.to_string());
            let allowed = match before.state {
                Waiting => vec!["agree", "refuse", "end"],
                Active => vec!["end"],
                Ending | NotRevoked | Ended | Refused | Void => Vec::new(),
            };
            return Err(Refusal::NotNow { what, command: command.name(), state, allowed });
        }
    }
    Ok(after)
}

fn may_decide(activation: &Activation, by: Option<PersonId>) -> Result<PersonId, Refusal> {
    let by = by.ok_or_else(|| Refusal::rule("only a person can agree to it"))?;
    if by == activation.person {
        return Err(Refusal::rule("nobody agrees to their own activation, whatever their function"));
    }
    let is_asked = activation.candidates.iter().any(|one| one.person == by);
    if is_asked { Ok(by) } else { Err(Refusal::rule("you are not asked about this activation")) }
}

fn may_end(activation: &Activation, cause: EndCause, by: Option<PersonId>) -> Result<(), Refusal> {
    match (cause, by) {
        (EndCause::Person, Some(by)) if by == activation.person => Ok(()),
        (EndCause::Person, _) => Err(Refusal::rule("only whoever has it can give it back; an officer takes it away")),
        (EndCause::Officer, Some(_)) => Ok(()),
        (EndCause::Time | EndCause::Ticket | EndCause::Place | EndCause::Eligibility, None) => Ok(()),
        (EndCause::Officer | EndCause::Time | EndCause::Ticket | EndCause::Place | EndCause::Eligibility, _) => {
            Err(Refusal::rule("that cause is not yours to give"))
        }
    }
}
