//! A correction: the entry stays as it is, and of what it did, that is undone by which people would not be followed or looked
//! for: an arrival, a contact, an answer to a headcount.

use crate::error::{Error, Refusal};
use crate::headcount;
use crate::line::{self, Act, Statement};
use crate::log::{self, LogEntry, NewEntry};
use crate::mission::{self, Acted, Command, Mission, decide};
use crate::room::Turn;
use crate::speech::{Sentence, say};

/// Enters a correction of an entry. An arrival or a contact that was none is withdrawn.
///
/// # Errors
/// [`Error::NotFound`] when there is no such entry.
pub(crate) async fn enter(turn: &mut Turn, entry: &mut NewEntry, number: i64, text: &str) -> Result<(), Error> {
    let wrong = log::numbered(&mut turn.tx, number).await?.ok_or_else(|| Error::missing("entry", number))?;
    (entry.mission, entry.corrects) = (wrong.mission, Some(number));
    let mission = match wrong.mission {
        Some(id) => mission::find(&mut turn.tx, id).await?,
        None => None,
    };
    let Some(mission) = mission else {
        entry.outcome.extend(besides_missions(turn, &wrong, text).await?);
        return Ok(());
    };
    let notes = match undoing(turn, &wrong, text) {
        Undoing::Arrival => withdraw(turn, mission, &wrong).await?,
        Undoing::Contact => withdraw_contact(turn, mission, &wrong).await?,
        Undoing::Overnight => overnight(turn, mission).await?,
        Undoing::Stands => vec![say!("that stands; its time and place on the sheet are not changed by this")],
        Undoing::Nothing => vec![say!("what the entry did to the mission is not undone by this: do it on the sheet")],
    };
    entry.outcome.extend(notes);
    Ok(())
}

/// What becomes of an entry that is of no mission. Words did nothing.
async fn besides_missions(turn: &mut Turn, wrong: &LogEntry, text: &str) -> Result<Vec<Sentence>, Error> {
    if wrong.kind == "headcount"
        && let Some(notes) = headcount::take_back(turn, wrong, text).await?
    {
        return Ok(notes);
    }
    let acted = ["headcount", "radio-check", "incident", "equipment", "misuse", "sos"].contains(&wrong.kind.as_str());
    let note = || say!("what the entry did is not undone by this: say what is true in a line of its own");
    Ok(acted.then(note).into_iter().collect())
}

/// What a correction takes back of what its entry did.
enum Undoing {
    Arrival,
    Contact,
    /// The same people say the like of it.
    Stands,
    /// They are in, and stay: contacts go on.
    Overnight,
    Nothing,
}

fn undoing(turn: &Turn, wrong: &LogEntry, text: &str) -> Undoing {
    let directory = &turn.directory;
    let read = |text: &str| match line::parse(text, &|word| directory.knows_sign(word)).statement {
        Statement::Traffic { sign, act } => Some((sign.text.to_uppercase(), act)),
        _ => None,
    };
    let (was, is) = (read(&wrong.line), read(text));
    let arrival = |said: &Option<(String, Act)>| match said {
        Some((sign, Act::Arrive { place, .. })) => Some((sign.clone(), place.is_all())),
        _ => None,
    };
    let same_sign = was.as_ref().map(|said| &said.0) == is.as_ref().map(|said| &said.0);
    match wrong.kind.as_str() {
        "arrival" if arrival(&was) == arrival(&is) => match is {
            Some((_, Act::Arrive { overnight: true, .. })) => Undoing::Overnight,
            _ => Undoing::Stands,
        },
        "arrival" => Undoing::Arrival,
        "contact" | "position" | "halt" | "resume" if same_sign => Undoing::Stands,
        "contact" | "position" | "halt" | "resume" => Undoing::Contact,
        _ => Undoing::Nothing,
    }
}

/// Who arrived stays overnight, which was not said.
async fn overnight(turn: &mut Turn, mission: Mission) -> Result<Vec<Sentence>, Error> {
    let command = Command::Arrive { vehicle: None, place: None, overnight: true };
    if !mission.is_all_in() || mission.overnight {
        return Ok(vec![say!("that stands; its time and place on the sheet are not changed by this")]);
    }
    match carry_out(turn, &mission, &command).await? {
        Ok(acted) => Ok(next_contact(turn, &acted.mission).into_iter().collect()),
        Err(refusal) => Ok(vec![refusal.said()]),
    }
}

/// Decides a command as of now and writes what came of it; else why it is not possible.
async fn carry_out(turn: &mut Turn, mission: &Mission, command: &Command) -> Result<Result<Acted, Refusal>, Error> {
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
async fn withdraw_contact(turn: &mut Turn, mission: Mission, wrong: &LogEntry) -> Result<Vec<Sentence>, Error> {
    let by_it = |last| last == Some(wrong.happened);
    let vehicle = mission.on_the_way().find(|one| by_it(one.last_contact)).map(|one| one.vehicle.clone());
    let vehicle = vehicle.filter(|_| mission.is_part_arrived());
    if vehicle.is_none() && !by_it(mission.last_contact) {
        let label = mission.label();
        return Ok(vec![say!("{label} has its last contact not by this entry: nothing of it is undone", label)]);
    }
    let command = Command::NotHeard { vehicle };
    let acted = match carry_out(turn, &mission, &command).await? {
        Ok(acted) => acted,
        Err(refusal) => {
            return Ok(vec![say!("the contact is not withdrawn by this: {refusal}", refusal = refusal.said())]);
        }
    };
    let mut notes = acted.notes;
    notes.extend(next_contact(turn, &acted.mission));
    notes.push(say!("what they did say is a line of its own"));
    Ok(notes)
}

/// Takes back what an entry said was in, as far as that is still what the sheet has it from.
async fn withdraw(turn: &mut Turn, mut mission: Mission, wrong: &LogEntry) -> Result<Vec<Sentence>, Error> {
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
        match carry_out(turn, &mission, &command).await? {
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
    notes.push(say!("what they did say is a line of its own"));
    Ok(notes)
}
