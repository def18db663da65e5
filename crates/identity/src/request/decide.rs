//! The state machine of a request: pure.

use kernel::Timestamp;
use kernel::id::PersonId;
use serde::{Deserialize, Serialize};

use super::package::Need;
use super::record::{Decision, Request, RequestState, StageRun, StageState};
use crate::approver::{Candidate, Via};
use crate::error::{Refusal, said};

/// What somebody wants done with a request.
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
    Withdraw,
    /// Asks somebody else in place of who is asked, and says why. Who is replaced is told.
    Appoint {
        seat: usize,
        person: PersonId,
        #[serde(default)]
        reason: String,
    },
    /// Nobody answered in time: the next are asked.
    AskNext,
    /// These left, or are away or locked out: who is asked in their place is asked now.
    PassOver {
        absent: Vec<PersonId>,
    },
}

impl Command {
    /// The name in code and API.
    pub const fn name(&self) -> &'static str {
        match self {
            Command::Agree { .. } => "agree",
            Command::Refuse { .. } => "refuse",
            Command::Withdraw => "withdraw",
            Command::Appoint { .. } => "appoint",
            Command::AskNext => "ask-next",
            Command::PassOver { .. } => "pass-over",
        }
    }
}

const POSSIBLE: [&str; 4] = ["agree", "refuse", "withdraw", "appoint"];

/// Carries out a command of a person (`None`: the house itself). `stage_us`: how long a stage waits.
///
/// The result is [`RequestState::Granted`] when everybody agreed; the caller then gives the access or says why not.
///
/// # Errors
/// Why it is not possible.
pub fn decide(
    request: &Request,
    command: &Command,
    by: Option<PersonId>,
    now: Timestamp,
    stage_us: i64,
) -> Result<Request, Refusal> {
    if !request.state.is_open() {
        let state = request.state.to_string();
        return Err(Refusal::NotNow { what: "request", command: command.name(), state, allowed: Vec::new() });
    }
    let mut after = request.clone();
    match (command, by) {
        (Command::Withdraw, Some(by)) => withdraw(&mut after, by)?,
        (Command::Agree { comment }, Some(by)) => answer(&mut after, by, true, comment, now)?,
        (Command::Refuse { comment }, Some(by)) => {
            answer(&mut after, by, false, &said("comment", comment, 2_000)?, now)?;
        }
        (Command::Appoint { seat, person, reason }, Some(by)) => appoint(&mut after, *seat, (*person, reason), by)?,
        (Command::AskNext, None) => ask_next(&mut after, now, stage_us),
        (Command::PassOver { absent }, None) => pass_over(&mut after, absent, now, stage_us),
        (Command::AskNext | Command::PassOver { .. }, Some(_)) | (_, None) => {
            let (state, allowed) = (request.state.to_string(), POSSIBLE.to_vec());
            return Err(Refusal::NotNow { what: "request", command: command.name(), state, allowed });
        }
    }
    move_on(&mut after, now, stage_us);
    Ok(after)
}

fn withdraw(request: &mut Request, by: PersonId) -> Result<(), Refusal> {
    if by != request.requester && by != request.person {
        return Err(Refusal::rule("only who asked for it, or whom it is for, can withdraw a request"));
    }
    request.state = RequestState::Withdrawn;
    Ok(())
}

fn answer(request: &mut Request, by: PersonId, agrees: bool, comment: &str, now: Timestamp) -> Result<(), Refusal> {
    // Before anything else: on no path does anybody decide on what they gain by.
    if by == request.requester || by == request.person {
        return Err(Refusal::rule("nobody decides on their own request, whatever their function"));
    }
    let place = request.open_stage().ok_or_else(|| Refusal::rule("no stage is open"))?;
    let stage = &mut request.stages[place];
    let mine = stage.seats.iter_mut().filter(|seat| seat.decision.is_none());
    let mut mine: Vec<_> = mine.filter(|seat| seat.holder().is_some_and(|holder| holder.person == by)).collect();
    if mine.is_empty() {
        let decided = stage.seats.iter().filter_map(|seat| seat.decision.as_ref()).any(|decision| decision.by == by);
        let problem = if decided { "you have decided already" } else { "you are not asked in this stage" };
        return Err(Refusal::rule(problem));
    }
    for seat in &mut mine {
        let via = seat.holder().map_or(Via::Function, |holder| holder.via);
        seat.decision = Some(Decision { by, via, agrees, comment: comment.trim().to_owned(), at: now });
    }
    Ok(())
}

fn appoint(
    request: &mut Request,
    seat: usize,
    (person, reason): (PersonId, &str),
    by: PersonId,
) -> Result<(), Refusal> {
    let because = Some(said("reason", reason, 2_000)?);
    if person == request.requester || person == request.person {
        return Err(Refusal::rule("nobody decides on their own request, by appointment neither"));
    }
    if by == request.requester || by == request.person {
        return Err(Refusal::rule("who asks does not choose who decides"));
    }
    if by == person {
        return Err(Refusal::rule("nobody appoints themselves: another officer has to"));
    }
    let place = request.open_stage().ok_or_else(|| Refusal::rule("no stage is open"))?;
    let stage = &mut request.stages[place];
    let seat = stage.seats.get_mut(seat).ok_or_else(|| Refusal::bad("seat", "the open stage has no such seat"))?;
    if seat.decision.is_some() {
        return Err(Refusal::rule("it was decided there already"));
    }
    let instead_of = seat.holder().map(|holder| holder.person);
    seat.candidates.insert(seat.turn, Candidate { person, via: Via::Appointment, instead_of, because });
    Ok(())
}

/// Everybody who has not answered gives way to the next; nobody is passed over into a yes.
fn ask_next(request: &mut Request, now: Timestamp, stage_us: i64) {
    let Some(place) = request.open_stage() else { return };
    let stage = &mut request.stages[place];
    for seat in stage.seats.iter_mut().filter(|seat| seat.decision.is_none()) {
        seat.turn = (seat.turn + 1).min(seat.candidates.len());
    }
    stage.due = Some(now.plus_micros(stage_us));
}

/// Who is not here gives way at once, and whoever takes their place has the whole time of the stage.
fn pass_over(request: &mut Request, absent: &[PersonId], now: Timestamp, stage_us: i64) {
    let Some(place) = request.open_stage() else { return };
    let stage = &mut request.stages[place];
    for seat in stage.seats.iter_mut().filter(|seat| seat.decision.is_none()) {
        while seat.holder().is_some_and(|holder| absent.contains(&holder.person)) {
            seat.turn += 1;
        }
    }
    stage.due = Some(now.plus_micros(stage_us));
}

/// What follows from decisions: stages end, the next opens, and in the end the request does.
fn move_on(request: &mut Request, now: Timestamp, stage_us: i64) {
    while request.state == RequestState::Pending {
        let Some(place) = request.open_stage() else {
            match request.stages.iter().position(|stage| stage.state == StageState::Waiting) {
                Some(next) => open(&mut request.stages[next], now, stage_us),
                None => request.state = RequestState::Granted,
            }
            continue;
        };
        let stage = &mut request.stages[place];
        match outcome(stage) {
            Some(StageState::Agreed) => stage.state = StageState::Agreed,
            Some(StageState::Refused) => {
                stage.state = StageState::Refused;
                let words = stage.seats.iter().filter_map(|seat| seat.decision.as_ref());
                let mut refused = words.filter(|decision| !decision.agrees).map(|decision| decision.comment.clone());
                request.closed_because = refused.next_back();
                request.state = RequestState::Refused;
            }
            _ if is_lost(stage) => {
                request.state = RequestState::Lapsed;
                request.closed_because = Some(format!("nobody is left to ask in stage `{}`", stage.title));
            }
            _ => return,
        }
    }
}

/// Opens a stage.
fn open(stage: &mut StageRun, now: Timestamp, stage_us: i64) {
    stage.state = StageState::Open;
    stage.opened = Some(now);
    stage.due = Some(now.plus_micros(stage_us));
}

/// How a stage ends. `None`: not yet.
fn outcome(stage: &StageRun) -> Option<StageState> {
    let decisions: Vec<Option<bool>> =
        stage.seats.iter().map(|seat| seat.decision.as_ref().map(|decision| decision.agrees)).collect();
    if decisions.contains(&Some(false)) {
        return Some(StageState::Refused);
    }
    let agreed = decisions.iter().filter(|decision| **decision == Some(true)).count();
    let enough = match stage.need {
        Need::All => !decisions.is_empty() && agreed == decisions.len(),
        Need::Any => agreed > 0,
    };
    enough.then_some(StageState::Agreed)
}

/// Nobody who is left can bring the stage to its end.
fn is_lost(stage: &StageRun) -> bool {
    let mut open = stage.seats.iter().filter(|seat| seat.decision.is_none());
    match stage.need {
        Need::All => stage.seats.is_empty() || open.any(|seat| seat.holder().is_none()),
        Need::Any => open.all(|seat| seat.holder().is_none()),
    }
}
