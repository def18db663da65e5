//! A correction: the entry stays as it is, and of what it did, that is undone by which people would not be followed or looked
//! for: an arrival, a contact, an answer to a headcount. What it should have said is then done as of when it happened.

use kernel::Timestamp;

use crate::enter::{Happened, carry_out};
use crate::error::{Error, Refusal};
use crate::headcount;
use crate::line::{self, Act, CheckLine, CountLine, Line, Safety, Statement};
use crate::log::{self, LogEntry, NewEntry};
use crate::mission::{self, Acted, Command, Mission, MissionState, decide};
use crate::possible;
use crate::room::Turn;
use crate::speech::{Sentence, say};

/// Takes back what an entry did, as far as people would not be followed or looked for by it, and does what it should have said, as
/// of when it happened; what is not possible any more is told. Gives the line that was done, if one was.
///
/// # Errors
/// [`Error::NotFound`] when there is no such entry.
pub(crate) async fn enter(
    turn: &mut Turn,
    entry: &mut NewEntry,
    number: i64,
    text: &str,
) -> Result<Option<Line>, Error> {
    let wrong = log::numbered(&mut turn.tx, number).await?.ok_or_else(|| Error::missing("entry", number))?;
    (entry.mission, entry.corrects) = (wrong.mission, Some(number));
    let instead = said_instead(turn, &wrong, text, &mut entry.outcome);
    let mission = match wrong.mission {
        Some(id) => mission::find(&mut turn.tx, id).await?,
        None => None,
    };
    let undoing = undoing(turn, &wrong, instead.as_ref());
    // What an entry of a mission that is over should have said is no news of the one that is on the road now.
    let is_news = |said: &Line| cries(said) || mission.as_ref().is_none_or(|mission| !mission.state.is_final());
    let instead = instead.filter(|(said, _)| is_news(said));
    let carries = instead.is_some() && !matches!(undoing, Undoing::Stands | Undoing::Overnight);
    let notes = match (mission, undoing) {
        (_, Undoing::Stands) if wrong.kind == "headcount" => Vec::new(),
        (None, _) => besides_missions(turn, &wrong, carries).await?,
        (Some(mission), Undoing::Arrival) => withdraw(turn, mission, &wrong, carries).await?,
        (Some(mission), Undoing::Contact) => withdraw_contact(turn, mission, &wrong, carries).await?,
        (Some(mission), Undoing::Overnight) => overnight(turn, mission).await?,
        (_, Undoing::Stands) => vec![say!("that stands; its time and place on the sheet are not changed by this")],
        (_, Undoing::Nothing) => {
            vec![say!("what the entry did to the mission is not undone by this: do it on the sheet")]
        }
        (_, Undoing::Heard) => Vec::new(),
    };
    entry.outcome.extend(notes);
    let Some((said, at)) = instead.filter(|_| carries) else { return Ok(None) };
    match carry_out(turn, entry, &said, Happened { at, said: Some(at) }, true).await {
        Ok(()) => return Ok(Some(said)),
        Err(Error::Line(findings)) => entry.outcome.extend(findings.into_iter().map(|finding| finding.message)),
        Err(Error::Refused(refusal)) => entry.outcome.push(refusal.said()),
        Err(error) => return Err(error),
    }
    Ok(None)
}

/// What the entry should have said, and when that happened: then, unless it says otherwise. `None`: words, or a line that a
/// correction does not stand for.
fn said_instead(turn: &Turn, wrong: &LogEntry, text: &str, outcome: &mut Vec<Sentence>) -> Option<(Line, Timestamp)> {
    let directory = &turn.directory;
    let mut said = line::parse(text, &|word| directory.knows_sign(word));
    let stands_for = match &said.statement {
        Statement::Traffic { .. } => true,
        Statement::Count(count) => matches!(count, CountLine::Answer { .. }),
        Statement::Check(check) => matches!(check, CheckLine::Calls(_)),
        // What is wrong of an incident is said by a situation report.
        Statement::Incident(_) => wrong.kind != "incident",
        _ => false,
    };
    if !stands_for {
        return None;
    }
    let happened = possible::check(&mut said, text, directory, wrong.entered);
    outcome.extend(said.findings.iter().map(|finding| finding.message.clone()));
    said.is_usable().then(|| (said, happened.unwrap_or(wrong.happened)))
}

/// Somebody is in need by it.
fn cries(said: &Line) -> bool {
    match &said.statement {
        Statement::Traffic { act, .. } => *act == Act::Sos,
        Statement::Count(CountLine::Answer { safety, .. }) => *safety == Safety::NeedsHelp,
        Statement::Incident(_) => true,
        _ => false,
    }
}

/// What becomes of an entry that is of no mission. Words did nothing.
async fn besides_missions(turn: &mut Turn, wrong: &LogEntry, carries: bool) -> Result<Vec<Sentence>, Error> {
    if wrong.kind == "headcount"
        && let Some(notes) = headcount::take_back(turn, wrong, carries).await?
    {
        return Ok(notes);
    }
    let acted = ["headcount", "radio-check", "incident", "equipment", "misuse", "sos"].contains(&wrong.kind.as_str());
    Ok(acted.then(|| not_undone(carries)).into_iter().collect())
}

fn not_undone(carries: bool) -> Sentence {
    if carries {
        say!("what the entry did is not undone by this")
    } else {
        say!("what the entry did is not undone by this: say what is true in a line of its own")
    }
}

/// What a correction takes back of what its entry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Undoing {
    Arrival,
    Contact,
    /// They were heard then, and say something else.
    Heard,
    /// The same people say the like of it.
    Stands,
    /// They are in, and stay: contacts go on.
    Overnight,
    Nothing,
}

fn undoing(turn: &Turn, wrong: &LogEntry, instead: Option<&(Line, Timestamp)>) -> Undoing {
    let directory = &turn.directory;
    let was = line::parse(&wrong.line, &|word| directory.knows_sign(word)).statement;
    let same_time = instead.is_none_or(|(_, at)| *at == wrong.happened);
    let is = instead.map(|(line, _)| &line.statement);
    if same_time && said_the_same(&was, is) {
        return Undoing::Stands;
    }
    let traffic = |said: Option<&Statement>| match said {
        Some(Statement::Traffic { sign, act }) => Some((sign.text.to_uppercase(), act.clone())),
        _ => None,
    };
    let (was, is) = (traffic(Some(&was)), traffic(is));
    let same_sign = matches!((&was, &is), (Some((was, _)), Some((is, _))) if was == is);
    let arrival = |said: &Option<(String, Act)>| match said {
        Some((sign, Act::Arrive { place, .. })) => Some((sign.clone(), place.is_all())),
        _ => None,
    };
    match wrong.kind.as_str() {
        "arrival" if arrival(&was) == arrival(&is) => match is {
            Some((_, Act::Arrive { overnight: true, .. })) => Undoing::Overnight,
            _ => Undoing::Stands,
        },
        "arrival" => Undoing::Arrival,
        "contact" | "position" | "halt" | "resume" | "departure" if same_sign && same_time => match is {
            Some((_, Act::At(_) | Act::Position { .. } | Act::Okay | Act::Say)) => Undoing::Stands,
            _ => Undoing::Heard,
        },
        "contact" | "position" | "halt" | "resume" | "departure" => Undoing::Contact,
        _ => Undoing::Nothing,
    }
}

/// Whether a correction says what the entry said, perhaps in other words besides.
fn said_the_same(was: &Statement, is: Option<&Statement>) -> bool {
    match (was, is) {
        (Statement::Traffic { sign: one, act: was }, Some(Statement::Traffic { sign: other, act: is })) => {
            one.text.eq_ignore_ascii_case(&other.text) && was.name() == is.name() && !matches!(is, Act::Arrive { .. })
        }
        (
            Statement::Count(CountLine::Answer { who: one, safety: was, .. }),
            Some(Statement::Count(CountLine::Answer { who: other, safety: is, .. })),
        ) => one.text.eq_ignore_ascii_case(&other.text) && was == is,
        _ => false,
    }
}

pub(crate) fn said_apart() -> Sentence {
    say!("what they did say is a line of its own")
}

/// Who arrived stays overnight, which was not said.
async fn overnight(turn: &mut Turn, mission: Mission) -> Result<Vec<Sentence>, Error> {
    let command = Command::Arrive { vehicle: None, place: None, overnight: true };
    if !mission.is_all_in() || mission.overnight {
        return Ok(vec![say!("that stands; its time and place on the sheet are not changed by this")]);
    }
    match command_now(turn, &mission, &command).await? {
        Ok(acted) => Ok(next_contact(turn, &acted.mission).into_iter().collect()),
        Err(refusal) => Ok(vec![refusal.said()]),
    }
}

/// Decides a command as of now and writes what came of it; else why it is not possible.
async fn command_now(turn: &mut Turn, mission: &Mission, command: &Command) -> Result<Result<Acted, Refusal>, Error> {
    let moment = mission::moment(turn, mission, command, None);
    let acted = match decide(mission, command, moment) {
        Ok(acted) => acted,
        Err(refusal) => return Ok(Err(refusal)),
    };
    mission::write(turn, Some(mission), &acted, command.name()).await?;
    Ok(Ok(acted))
}

fn next_contact(turn: &Turn, mission: &Mission) -> Option<Sentence> {
    let due = line::both(mission.due?, turn.now(), turn.directory.zone());
    Some(say!("{label}: next contact by {due}", label = mission.label(), due))
}

/// Takes back a contact that was another's, as far as it is still what counts.
async fn withdraw_contact(
    turn: &mut Turn,
    mission: Mission,
    wrong: &LogEntry,
    carries: bool,
) -> Result<Vec<Sentence>, Error> {
    let by_it = |last| last == Some(wrong.happened);
    let vehicle = mission.on_the_way().find(|one| by_it(one.last_contact)).map(|one| one.vehicle.clone());
    let vehicle = vehicle.filter(|_| mission.is_part_arrived());
    if vehicle.is_none() && !by_it(mission.last_contact) {
        let label = mission.label();
        return Ok(vec![say!("{label} has its last contact not by this entry: nothing of it is undone", label)]);
    }
    let mut mission = mission;
    if wrong.kind == "halt" && mission.state == MissionState::Halted {
        // Whoever halted was not they.
        mission.state = MissionState::EnRoute;
    }
    let command = Command::NotHeard { vehicle };
    let acted = match command_now(turn, &mission, &command).await? {
        Ok(acted) => acted,
        Err(refusal) => {
            return Ok(vec![say!("the contact is not withdrawn by this: {refusal}", refusal = refusal.said())]);
        }
    };
    let mut notes = acted.notes;
    notes.extend(next_contact(turn, &acted.mission));
    notes.extend((!carries).then(said_apart));
    Ok(notes)
}

/// Takes back what an entry said was in, as far as that is still what the sheet has it from.
async fn withdraw(
    turn: &mut Turn,
    mut mission: Mission,
    wrong: &LogEntry,
    carries: bool,
) -> Result<Vec<Sentence>, Error> {
    let by_it = |mission: &Mission| -> Vec<Option<String>> {
        let of_it: Vec<_> = mission.convoy.iter().filter(|one| one.arrived == Some(wrong.happened)).collect();
        if of_it.len() == mission.convoy.len() && mission.last_contact >= Some(wrong.happened) {
            return vec![None];
        }
        of_it.into_iter().map(|one| Some(one.vehicle.clone())).collect()
    };
    let mut notes = Vec::new();
    for vehicle in by_it(&mission) {
        let command = Command::NotArrived { vehicle };
        match command_now(turn, &mission, &command).await? {
            Ok(acted) => {
                notes = acted.notes;
                mission = acted.mission;
            }
            Err(refusal) => {
                return Ok(vec![say!("the arrival is not withdrawn by this: {refusal}", refusal = refusal.said())]);
            }
        }
    }
    if notes.is_empty() {
        let (label, state) = (mission.label(), mission.state);
        return Ok(vec![say!("{label} is {state}, and not by this entry: nothing of it is undone", label, state)]);
    }
    notes.extend(next_contact(turn, &mission));
    notes.extend((!carries).then(said_apart));
    Ok(notes)
}
