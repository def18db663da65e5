//! What a line means, in words, for the eye before Enter.

use kernel::Timestamp;

use super::parse::{Line, parse};
use super::statement::{
    Act, CheckCall, CheckLine, CountLine, CountScope, Hearing, IncidentLine, Place, Safety, Statement, Word,
};
use super::time::both;
use crate::register::Directory;
use crate::speech::{Sentence, Speaks, say};

/// The meaning of a line in words: what happened then, as it is read `now`.
pub fn echo(line: &Line, directory: &Directory, happened: Option<Timestamp>, now: Timestamp) -> Sentence {
    let at = happened.unwrap_or(now);
    let mut meaning = match &line.statement {
        Statement::Traffic { sign, act: Act::Position { .. } } if !line.is_usable() => {
            say!("{who} is at a position that cannot be read", who = who(&sign.text, directory, at))
        }
        Statement::Traffic { sign, act } => traffic(&who(&sign.text, directory, at), act, directory),
        Statement::Check(check) => check_line(check),
        Statement::Count(count) => count_line(count, directory, at),
        Statement::Incident(incident) => incident_line(incident, directory, at),
        Statement::Correction { number, text } => {
            let said = parse(&text.text, &|word| directory.knows_sign(word));
            if matches!(said.statement, Statement::Note) {
                return say!("corrects entry {number}: {text}", number, text = text.text);
            }
            let text = echo(&said, directory, None, now);
            return say!("corrects entry {number}: {text}", number, text);
        }
        Statement::Situation { report, text } => {
            let label = format!("IR-{report:04}");
            return say!("situation report on {label}: {text}", label, text = text.text);
        }
        Statement::Equipment { key, state, level_percent } => {
            let name = directory.name("equipment", &key.text);
            match level_percent {
                Some(level) => say!("{name} {state}, {level} %", name, state, level),
                None => say!("{name} {state}", name, state),
            }
        }
        Statement::Misuse { sign, what } => {
            let who = who(&sign.text, directory, at);
            say!("{who} uses the net against its rules: {what}; to be told so", who, what = what.text)
        }
        Statement::Note => say!("note"),
    };
    if let Some(words) = &line.words {
        meaning = say!("{meaning}: {words}", meaning, words = words.text);
    }
    if let Some(happened) = happened {
        meaning = say!("{meaning}; {when}", meaning, when = both(happened, now, directory.zone()));
    }
    meaning
}

/// `BF12 (Ana Soares)`.
fn who(sign: &str, directory: &Directory, at: Timestamp) -> Sentence {
    match directory.holder(sign, at) {
        Some(holder) if holder.name != holder.sign => format!("{} ({})", holder.sign, holder.name).into(),
        Some(holder) => holder.sign.into(),
        None => say!("{sign} (nobody is known under it)", sign = sign.to_uppercase()),
    }
}

fn traffic(who: &Sentence, act: &Act, directory: &Directory) -> Sentence {
    match act {
        Act::Arrive { place, overnight } => {
            let arrives = arrives(who, place, directory);
            if *overnight { say!("{arrives}, contacts go on overnight", arrives) } else { arrives }
        }
        Act::Abandon(Place::Named(word)) => {
            say!("{who} stays behind, empty at {place}", who, place = place(word, directory))
        }
        Act::Abandon(Place::Same) => say!("{who} stays behind, empty where it was", who),
        Act::Abandon(Place::Unsaid) => say!("{who} stays behind, empty", who),
        Act::NotArrived { all: true } => {
            say!("{who} has not arrived, nor has the convoy: on the road again, a contact is owed", who)
        }
        Act::NotArrived { all: false } => say!("{who} has not arrived: on the road again, a contact is owed", who),
        Act::Depart(Place::Named(word)) => say!("{who} departs for {place}", who, place = place(word, directory)),
        Act::Depart(Place::Same) => say!("{who} departs as the sheet says", who),
        Act::Depart(Place::Unsaid) => say!("{who} departs", who),
        Act::Halt(Place::Named(word)) => say!("{who} halts at {place}", who, place = place(word, directory)),
        Act::Halt(Place::Same) => say!("{who} halts where it was", who),
        Act::Halt(Place::Unsaid) => say!("{who} halts", who),
        Act::At(Place::Named(word)) => say!("{who} is at {place}", who, place = place(word, directory)),
        Act::At(Place::Same) => say!("{who} is where it was", who),
        Act::At(Place::Unsaid) => say!("{who} is", who),
        Act::Position { latitude, longitude } => {
            say!("{who} is at {place}", who, place = degrees(*latitude, *longitude))
        }
        Act::Okay => say!("{who} is well", who),
        Act::Resume => say!("{who} goes on", who),
        Act::Sos => say!("{who} calls for help: an alarm is raised at once", who),
        Act::Say => say!("{who} says", who),
    }
}

fn arrives(who: &Sentence, said: &Place, directory: &Directory) -> Sentence {
    match said {
        Place::Unsaid | Place::Same => say!("{who} has arrived where the sheet says, everybody is out", who),
        Place::Named(_) if said.is_all() => say!("{who} has arrived with the whole convoy, everybody is out", who),
        Place::Named(word) => {
            say!("{who} has arrived at {place}, everybody is out", who, place = place(word, directory))
        }
    }
}

fn degrees(latitude: f64, longitude: f64) -> String {
    let (north, east) = (if latitude < 0.0 { "S" } else { "N" }, if longitude < 0.0 { "W" } else { "E" });
    format!("{}° {north} {}° {east}", latitude.abs(), longitude.abs())
}

fn place(word: &Word, directory: &Directory) -> String {
    match directory.place(&word.text) {
        Some(record) => format!("{} ({})", record.text("name"), record.key),
        None => word.text.clone(),
    }
}

fn check_line(check: &CheckLine) -> Sentence {
    match check {
        CheckLine::Start { kind, network } => {
            let kind = Sentence::word(kind.as_ref().map_or("staff", |kind| kind.text.as_str()));
            match network {
                Some(network) => say!(
                    "radio check ({kind}) on {network} begins: everybody with a call sign there is on the roster",
                    kind,
                    network = network.text.to_uppercase()
                ),
                None => {
                    say!("radio check ({kind}) begins: everybody with a call sign there is on the roster", kind)
                }
            }
        }
        CheckLine::Fault(what) => say!("radio check: {what} is at fault, nobody is blamed", what = what.text),
        CheckLine::End => say!("radio check ends"),
        CheckLine::Calls(calls) => {
            let heard = signs(calls, Hearing::Heard).map(|signs| say!("heard {signs}", signs));
            let silent = signs(calls, Hearing::NotHeard).map(|signs| say!("not heard {signs}", signs));
            let phoned = signs(calls, Hearing::ByPhone).map(|signs| say!("by phone {signs}", signs));
            let calls: Vec<Sentence> = [heard, silent, phoned].into_iter().flatten().collect();
            say!("radio check: {calls}", calls)
        }
    }
}

fn signs(calls: &[CheckCall], hearing: Hearing) -> Option<String> {
    let signs = calls.iter().filter(|call| call.hearing == hearing).map(|call| call.sign.text.to_uppercase());
    let signs = signs.collect::<Vec<_>>().join(" ");
    (!signs.is_empty()).then_some(signs)
}

fn count_line(count: &CountLine, directory: &Directory, at: Timestamp) -> Sentence {
    match count {
        CountLine::Start { scope, exercise } => {
            let begins = match scope {
                CountScope::All => say!("headcount of everybody begins"),
                CountScope::Of("mission", key) => say!("headcount of mission {key} begins", key = key.text),
                CountScope::Of(noun, key) => say!(
                    "headcount of {noun} {name} begins",
                    noun = Sentence::word(noun),
                    name = directory.name(noun, &key.text)
                ),
            };
            if *exercise { say!("EXERCISE: {title}", title = begins) } else { begins }
        }
        CountLine::Answer { who, safety, by } => {
            let state = is(counted(who, directory, at), *safety);
            match by {
                Some(by) => say!("headcount: {state}, says {by}", state, by = counted(by, directory, at)),
                None => say!("headcount: {state}", state),
            }
        }
        CountLine::Join(who) => say!("headcount: {who} came after it began", who = counted(who, directory, at)),
        CountLine::End => say!("headcount ends"),
    }
}

/// A person, by key or by call sign.
fn counted(word: &Word, directory: &Directory, at: Timestamp) -> Sentence {
    match directory.record("person", &word.text) {
        Some(record) => format!("{} ({})", record.text("name"), record.key).into(),
        None => who(&word.text, directory, at),
    }
}

/// How somebody is, in words.
pub(crate) fn is(who: impl Speaks, safety: Safety) -> Sentence {
    match safety {
        Safety::Unknown => say!("{who} has not answered", who),
        Safety::Excused => say!("{who} is not expected to answer", who),
        Safety::Safe => say!("{who} is safe", who),
        Safety::SafeByProxy => say!("{who} is said to be safe", who),
        Safety::Unreachable => say!("{who} cannot be reached", who),
        Safety::NeedsHelp => say!("{who} needs help", who),
    }
}

fn incident_line(incident: &IncidentLine, directory: &Directory, at: Timestamp) -> Sentence {
    let unsaid = || say!("not said yet");
    let person = incident.who.as_ref().map_or_else(unsaid, |word| match directory.holder(&word.text, at) {
        Some(_) => who(&word.text, directory, at),
        None => word.text.as_str().into(),
    });
    let place = incident.place.as_ref().map_or_else(unsaid, |word| place(word, directory).into());
    let what = incident.what.as_ref().map_or_else(unsaid, |word| word.text.as_str().into());
    let incident_said = match incident.severity {
        Some(severity) => {
            say!("incident ({severity}); who: {who}; where: {place}; what: {what}", severity, who = person, place, what)
        }
        None => say!("incident; who: {who}; where: {place}; what: {what}", who = person, place, what),
    };
    if incident.exercise { say!("EXERCISE: {title}", title = incident_said) } else { incident_said }
}
