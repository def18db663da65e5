//! What a line means, in words, for the eye before Enter.

use kernel::Timestamp;

use super::parse::Line;
use super::statement::{Act, CheckLine, CountLine, CountScope, Hearing, IncidentLine, Place, Safety, Statement, Word};
use super::time::both;
use crate::register::Directory;

/// The meaning of a line in words: what happened then, as it is read `now`.
pub fn echo(line: &Line, directory: &Directory, happened: Option<Timestamp>, now: Timestamp) -> String {
    let at = happened.unwrap_or(now);
    let mut text = match &line.statement {
        Statement::Traffic { sign, act: Act::Position { .. } } if !line.is_usable() => {
            format!("{} is at a position that cannot be read", who(&sign.text, directory, at))
        }
        Statement::Traffic { sign, act } => format!("{} {}", who(&sign.text, directory, at), traffic(act, directory)),
        Statement::Check(check) => check_line(check),
        Statement::Count(count) => count_line(count, directory, at),
        Statement::Incident(incident) => incident_line(incident, directory, at),
        Statement::Correction { number, text } => return format!("corrects entry {number}: {}", text.text),
        Statement::Situation { report, text } => return format!("situation report on IR-{report:04}: {}", text.text),
        Statement::Equipment { key, state, level_percent } => {
            let level = level_percent.map_or(String::new(), |level| format!(", {level} %"));
            format!("{} {state}{level}", directory.name("equipment", &key.text))
        }
        Statement::Misuse { sign, what } => {
            let who = who(&sign.text, directory, at);
            format!("{who} uses the net against its rules: {}; to be told so", what.text)
        }
        Statement::Note => "note".to_owned(),
    };
    if let Some(words) = &line.words {
        text.push_str(&format!(": {}", words.text));
    }
    if let Some(happened) = happened {
        text.push_str(&format!("; {}", both(happened, now, directory.zone())));
    }
    text
}

/// `BF12 (Ana Soares)`.
fn who(sign: &str, directory: &Directory, at: Timestamp) -> String {
    match directory.holder(sign, at) {
        Some(holder) if holder.name != holder.sign => format!("{} ({})", holder.sign, holder.name),
        Some(holder) => holder.sign,
        None => format!("{} (nobody is known under it)", sign.to_uppercase()),
    }
}

fn traffic(act: &Act, directory: &Directory) -> String {
    let to = |said: &Place, lead: &str, same: &str| match said {
        Place::Same => same.to_owned(),
        Place::Named(word) => format!("{lead}{}", place(word, directory)),
        Place::Unsaid => String::new(),
    };
    match act {
        Act::Arrive { place, overnight } => {
            let stays = if *overnight { ", contacts go on overnight" } else { "" };
            match place {
                Place::Unsaid | Place::Same => format!("has arrived where the sheet says, everybody is out{stays}"),
                said if said.is_all() => format!("has arrived with the whole convoy, everybody is out{stays}"),
                said => format!("has arrived{}, everybody is out{stays}", to(said, " at ", "")),
            }
        }
        Act::Abandon(said) => format!("stays behind, empty{}", to(said, " at ", " where it was")),
        Act::NotArrived { all: true } => {
            "has not arrived, nor has the convoy: on the road again, a contact is owed".to_owned()
        }
        Act::NotArrived { all: false } => "has not arrived: on the road again, a contact is owed".to_owned(),
        Act::Depart(said) => format!("departs{}", to(said, " for ", " as the sheet says")),
        Act::Halt(said) => format!("halts{}", to(said, " at ", " where it was")),
        Act::At(said) => format!("is{}", to(said, " at ", " where it was")),
        Act::Position { latitude, longitude } => format!("is at {}", degrees(*latitude, *longitude)),
        Act::Okay => "is well".to_owned(),
        Act::Resume => "goes on".to_owned(),
        Act::Sos => "calls for help: an alarm is raised at once".to_owned(),
        Act::Say => "says".to_owned(),
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

fn check_line(check: &CheckLine) -> String {
    match check {
        CheckLine::Start { kind, network } => {
            let kind = kind.as_ref().map_or("staff", |kind| kind.text.as_str());
            let on = network.as_ref().map_or(String::new(), |network| format!(" on {}", network.text.to_uppercase()));
            format!("radio check ({kind}){on} begins: everybody with a call sign there is on the roster")
        }
        CheckLine::Fault(what) => format!("radio check: {} is at fault, nobody is blamed", what.text),
        CheckLine::End => "radio check ends".to_owned(),
        CheckLine::Calls(calls) => {
            let of = |hearing| {
                let signs = calls.iter().filter(|call| call.hearing == hearing);
                signs.map(|call| call.sign.text.to_uppercase()).collect::<Vec<_>>().join(" ")
            };
            let parts = [("heard", Hearing::Heard), ("not heard", Hearing::NotHeard), ("by phone", Hearing::ByPhone)];
            let parts = parts.map(|(says, hearing)| (says, of(hearing)));
            let parts: Vec<String> = parts
                .iter()
                .filter(|(_, signs)| !signs.is_empty())
                .map(|(says, signs)| format!("{says} {signs}"))
                .collect();
            format!("radio check: {}", parts.join(", "))
        }
    }
}

fn count_line(count: &CountLine, directory: &Directory, at: Timestamp) -> String {
    match count {
        CountLine::Start { scope, exercise } => {
            let drill = if *exercise { "EXERCISE: " } else { "" };
            let whom = match scope {
                CountScope::All => "everybody".to_owned(),
                CountScope::Of("mission", key) => format!("mission {}", key.text),
                CountScope::Of(noun, key) => format!("{noun} {}", directory.name(noun, &key.text)),
            };
            format!("{drill}headcount of {whom} begins")
        }
        CountLine::Answer { who: person, safety, by } => {
            let by = by.as_ref().map_or(String::new(), |by| format!(", says {}", counted(by, directory, at)));
            format!("headcount: {} {}{by}", counted(person, directory, at), is(*safety))
        }
        CountLine::Join(person) => format!("headcount: {} came after it began", counted(person, directory, at)),
        CountLine::End => "headcount ends".to_owned(),
    }
}

/// A person, by key or by call sign.
fn counted(word: &Word, directory: &Directory, at: Timestamp) -> String {
    match directory.record("person", &word.text) {
        Some(record) => format!("{} ({})", record.text("name"), record.key),
        None => who(&word.text, directory, at),
    }
}

/// How somebody is, in words.
pub(crate) const fn is(safety: Safety) -> &'static str {
    match safety {
        Safety::Unknown => "has not answered",
        Safety::Excused => "is not expected to answer",
        Safety::Safe => "is safe",
        Safety::SafeByProxy => "is said to be safe",
        Safety::Unreachable => "cannot be reached",
        Safety::NeedsHelp => "needs help",
    }
}

fn incident_line(incident: &IncidentLine, directory: &Directory, at: Timestamp) -> String {
    let mut text = if incident.exercise { "EXERCISE: incident" } else { "incident" }.to_owned();
    if let Some(severity) = incident.severity {
        text.push_str(&format!(" ({severity})"));
    }
    let said = |word: &Option<Word>| word.as_ref().map(|word| word.text.clone());
    let person = incident.who.as_ref().map(|word| match directory.holder(&word.text, at) {
        Some(_) => who(&word.text, directory, at),
        None => word.text.clone(),
    });
    let at_place = incident.place.as_ref().map(|word| place(word, directory));
    for (says, value) in [("who", person), ("where", at_place), ("what", said(&incident.what))] {
        text.push_str(&format!("; {says}: {}", value.as_deref().unwrap_or("not said yet")));
    }
    text
}
