//! A headcount by lines of the duty log.

use kernel::Timestamp;
use kernel::id::HeadcountId;
use serde_json::{Value as Json, json};
use store::{Deadline, Due, params};

use super::reply::Cry;
use super::{HEADCOUNT, Headcount, HeadcountState, Means, ask, one, open, reply, tally, wardens};
use crate::alarm::{self, AlarmKind, Call, Cause, Concerned};
use crate::correct;
use crate::error::{Error, Refusal};
use crate::finding::Finding;
use crate::line::{self, CountLine, CountScope, Safety, Statement, Word};
use crate::log::LogEntry;
use crate::message;
use crate::mission;
use crate::register::{Directory, Record};
use crate::room::{Turn, next_number};
use crate::speech::{Sentence, say};
use crate::sql;

/// Who has not answered by then is asked for.
const LONGEST_US: i64 = 60 * 60_000_000;

/// Carries out a line of a headcount, and tells what followed. An answer that waited for a link, and comes when its headcount is
/// over, is shown and not counted; somebody in need is an alarm all the same.
pub(crate) async fn enter(
    turn: &mut Turn,
    line: &CountLine,
    at: Timestamp,
    waited: bool,
) -> Result<Vec<Sentence>, Error> {
    let open = open(&mut turn.tx).await?;
    match (line, open) {
        (CountLine::Answer { who, safety, .. }, None) if waited => too_late(turn, who, *safety, at).await,
        (CountLine::Start { .. }, Some(open)) => {
            Err(Refusal::rule(say!("{label} is not over: `hc end` first", label = open.label())).into())
        }
        (CountLine::Start { scope, exercise }, None) => start(turn, scope, *exercise, at).await,
        (_, None) => {
            Err(Refusal::rule(say!("no headcount is open: the answer is not counted; `hc start` first")).into())
        }
        (CountLine::Answer { who, safety, by }, Some(open)) => {
            answer(turn, &open, (who, *safety, by.as_ref()), at, waited).await
        }
        (CountLine::Join(who), Some(open)) => join(turn, &open, who).await,
        (CountLine::End, Some(open)) => end(turn, &open, at).await,
    }
}

async fn start(turn: &mut Turn, scope: &CountScope, exercise: bool, at: Timestamp) -> Result<Vec<Sentence>, Error> {
    let (scope, key) = match scope {
        CountScope::All => ("all", None),
        CountScope::Of(noun, key) => (*noun, Some(key)),
    };
    let people = people(turn, scope, key).await?;
    // A headcount of a mission that is an exercise is one.
    let exercise = exercise || (scope == "mission" && of_exercise(turn, key).await?);
    if people.is_empty() {
        return Err(Refusal::rule(say!("nobody is in that scope: there is nobody to count")).into());
    }
    let number = next_number(&mut turn.tx, "headcount").await?;
    let scope_key = key.map(|word| word.text.to_uppercase());
    let (scope, state) = (scope.to_owned(), HeadcountState::Open);
    let id = turn.tx.id();
    let open = Headcount { id, number, scope, scope_key, exercise, state, started: at, ended: None };
    let row = params![id, number, &open.scope, open.scope_key.clone(), state.as_str(), open.started, exercise];
    turn.tx.execute(&sql::INSERT_HEADCOUNT, row).await?;
    for one in &people {
        // Who is on leave is not waited for, and not forgotten.
        let safety = if one.text("presence") == "present" { Safety::Unknown } else { Safety::Excused };
        insert(turn, &open, one, false, safety).await?;
    }
    let deadline = Deadline {
        kind: HEADCOUNT.to_owned(),
        subject: open.id.to_string(),
        owes: "role:desk".to_owned(),
        due: Due::After(LONGEST_US),
        otherwise: format!("{} is still open: who has not answered?", open.label()),
    };
    turn.tx.deadline(deadline).await?;
    turn.record("headcount.start", open.id, Json::Null, json!({ "number": number, "total": people.len() }));
    let mut outcome = vec![say!("{label}: {count} to be counted", label = open.label(), count = people.len())];
    let present: Vec<&Record> = people.iter().filter(|one| one.text("presence") == "present").collect();
    outcome.extend(ask::everybody(turn, &open, &present).await?);
    outcome.extend(wardens::begin(turn, &open, &present).await?);
    Ok(outcome)
}

async fn of_exercise(turn: &mut Turn, mission: Option<&Word>) -> Result<bool, Error> {
    let Some(number) = mission.and_then(mission_number) else { return Ok(false) };
    Ok(mission::by_number(&mut turn.tx, number).await?.is_some_and(|found| found.exercise))
}

/// `12`, `M-0012`.
pub(crate) fn mission_number(word: &Word) -> Option<i64> {
    word.text.trim_start_matches(['m', 'M']).trim_start_matches('-').parse().ok()
}

async fn insert(turn: &mut Turn, open: &Headcount, one: &Record, joined: bool, safety: Safety) -> Result<(), Error> {
    let (name, organisation, zone) = (one.text("name"), one.text_opt("organisation"), one.text_opt("zone"));
    let row = params![open.id, &one.key, name, organisation, joined, safety.as_str(), zone];
    Ok(turn.tx.execute_one(&sql::INSERT_COUNTED, row).await?)
}

/// Whom a scope holds, each once.
async fn people(turn: &mut Turn, scope: &str, key: Option<&Word>) -> Result<Vec<Record>, Error> {
    let directory = turn.directory.clone();
    let Some(key) = key else { return Ok(directory.records("person").cloned().collect()) };
    let unknown = || {
        vec![Finding::error(
            "FLD0104",
            key.span,
            say!("there is no {noun} `{key}`", noun = Sentence::word(scope), key = key.text),
        )]
    };
    if scope == "mission" {
        let number = mission_number(key).ok_or_else(|| Error::Line(unknown()))?;
        let found = mission::by_number(&mut turn.tx, number).await?.ok_or_else(|| Error::Line(unknown()))?;
        return Ok(found
            .aboard()
            .into_iter()
            .filter_map(|person| directory.record("person", person).cloned())
            .collect());
    }
    let wanted = directory.record(scope, &key.text).ok_or_else(|| Error::Line(unknown()))?.key.clone();
    Ok(directory.records("person").filter(|person| person.text(scope) == wanted).cloned().collect())
}

/// The person whom a word means: by key, or by the sign that they hold.
fn meant(directory: &Directory, word: &Word, at: Timestamp) -> Result<String, Error> {
    reply::meant(directory, &word.text, at).ok_or_else(|| {
        Error::Line(vec![
            Finding::error("FLD0105", word.span, say!("`{word}` is nobody in the register", word = word.text))
                .with_help(say!("a person's key, or a call sign that a person holds")),
        ])
    })
}

/// The person whom a word of an answer means, if it means anybody.
pub(crate) fn person_meant(turn: &Turn, word: &Word, at: Timestamp) -> Option<String> {
    reply::meant(&turn.directory, &word.text, at)
}

async fn answer(
    turn: &mut Turn,
    open: &Headcount,
    (who, safety, by): (&Word, Safety, Option<&Word>),
    at: Timestamp,
    waited: bool,
) -> Result<Vec<Sentence>, Error> {
    let directory = turn.directory.clone();
    let person = meant(&directory, who, at)?;
    let by = by.map(|by| meant(&directory, by, at)).transpose()?;
    let Some(before) = one(&mut turn.tx, open.id, &person).await? else {
        if waited {
            return too_late(turn, who, safety, at).await;
        }
        let problem = say!("{person} is not in {label}: `hc join {person}` first", person, label = open.label());
        return Err(Error::Line(vec![Finding::error("FLD0106", who.span, problem)]));
    };
    if at < open.started && safety != Safety::NeedsHelp {
        return Ok(vec![say!("said before {label} began: not counted", label = open.label())]);
    }
    let mut outcome = Vec::new();
    if weaker(before.safety, safety) {
        outcome.push(say!(
            "{state}, as was said before: it stays so until they answer for themselves",
            state = line::is(&before.name, before.safety)
        ));
    } else {
        let row = params![open.id, &person, safety.as_str(), at, by.clone(), Means::Desk.as_str()];
        turn.tx.execute_one(&sql::ANSWER, row).await?;
        outcome.extend(wardens::after_answer(turn, open, &person, safety).await?);
    }
    if safety == Safety::NeedsHelp {
        let how = by.as_ref().map_or_else(|| say!("at the desk"), |by| say!("says {by}", by));
        outcome.push(reply::in_need(turn, open, &before, &how, &Cry { at, sos: false, drill: open.exercise }).await?);
    }
    let words = tally::in_words(&mut turn.tx, open.id).await?;
    outcome.push(say!("{label}: {words}", label = open.label(), words));
    Ok(outcome)
}

async fn too_late(turn: &mut Turn, who: &Word, safety: Safety, at: Timestamp) -> Result<Vec<Sentence>, Error> {
    let person = meant(&turn.directory, who, at)?;
    let mut outcome = vec![say!("no headcount that is open waits for it: not counted")];
    if safety == Safety::NeedsHelp {
        let title = say!(
            "{name} ({person}) needs help, by a line that waited",
            name = turn.directory.name("person", &person),
            person
        );
        let (kind, subject) = (AlarmKind::NeedsHelp, format!("help:{person}"));
        let cause = Cause { kind, subject, title, missed: turn.now(), while_down: false, tell: Vec::new() };
        let call = Call::anew(cause, at, false);
        outcome.push(alarm::call_for_help(turn, call, None).await?.1);
    }
    Ok(outcome)
}

/// What somebody else says does not make good what is worse, nor replace what they said themselves.
pub(super) fn weaker(before: Safety, now: Safety) -> bool {
    now == Safety::SafeByProxy && matches!(before, Safety::NeedsHelp | Safety::Safe)
        || now == Safety::Excused && before == Safety::NeedsHelp
        || now == Safety::Unreachable && before == Safety::NeedsHelp
}

async fn join(turn: &mut Turn, open: &Headcount, who: &Word) -> Result<Vec<Sentence>, Error> {
    let directory = turn.directory.clone();
    let person = meant(&directory, who, turn.now())?;
    if one(&mut turn.tx, open.id, &person).await?.is_some() {
        return Err(Refusal::rule(say!("{person} is counted already", person)).into());
    }
    let record = directory.record("person", &person).cloned().ok_or_else(|| Error::missing("person", &person))?;
    insert(turn, open, &record, true, Safety::Unknown).await?;
    let mut outcome = vec![say!("{label}: {person} came later, and is counted apart", label = open.label(), person)];
    outcome.extend(ask::everybody(turn, open, &[&record]).await?);
    Ok(outcome)
}

async fn end(turn: &mut Turn, open: &Headcount, at: Timestamp) -> Result<Vec<Sentence>, Error> {
    let words = tally::in_words(&mut turn.tx, open.id).await?;
    turn.tx.execute_one(&sql::END_HEADCOUNT, params![open.id, at]).await?;
    turn.tx.keep_deadline(HEADCOUNT, &open.id.to_string()).await?;
    wardens::end(turn, open).await?;
    let waiting = turn.tx.fetch_all(&sql::QUEUED_ABOUT, params![open.id.to_string()]).await?;
    let keys = waiting.iter().map(|row| row.text("dispatch").map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
    message::withdraw(turn, keys, "the headcount is over");
    alarm::close_about(turn, &open.id.to_string(), say!("the headcount is over")).await?;
    turn.record("headcount.end", open.id, Json::Null, json!({ "outcome": words.english() }));
    Ok(vec![say!("{label}: {words}", label = open.label(), words)])
}

/// A headcount was open for too long.
pub(crate) async fn overdue(turn: &mut Turn, id: HeadcountId, due: Timestamp, while_down: bool) -> Result<(), Error> {
    let Some(open) = open(&mut turn.tx).await?.filter(|open| open.id == id) else { return Ok(()) };
    let words = tally::in_words(&mut turn.tx, open.id).await?;
    let title = say!("{label} is still open: {words}", label = open.label(), words);
    let (kind, subject) = (AlarmKind::HeadcountOpen, id.to_string());
    let cause = Cause { kind, subject, title, missed: due, while_down, tell: Vec::new() };
    alarm::raise_for(turn, cause, None, open.exercise, Concerned::default()).await.map(drop)
}

/// Takes back an answer that the desk entered by mistake, as far as it is still what counts: nobody is known to be safe by an
/// entry that was wrong. `None`: it answered for nobody who is counted now.
pub(crate) async fn take_back(
    turn: &mut Turn,
    wrong: &LogEntry,
    carries: bool,
) -> Result<Option<Vec<Sentence>>, Error> {
    let directory = turn.directory.clone();
    let said = line::parse(&wrong.line, &|word| directory.knows_sign(word)).statement;
    let Statement::Count(CountLine::Answer { who, safety, .. }) = said else { return Ok(None) };
    let Some(person) = reply::meant(&directory, &who.text, wrong.happened) else { return Ok(None) };
    let Some(open) = open(&mut turn.tx).await? else { return Ok(None) };
    let Some(before) = one(&mut turn.tx, open.id, &person).await? else { return Ok(None) };
    if before.answered != Some(wrong.happened) || before.means != Some(Means::Desk) {
        let state = line::is(&before.name, before.safety);
        return Ok(Some(vec![say!("{state}, and not by this entry: nothing of it is undone", state)]));
    }
    let cries = alarm::open_call(turn, &reply::subject(&open, &person)).await?.is_some();
    let safety = if cries && safety != Safety::NeedsHelp { Safety::NeedsHelp } else { Safety::Unknown };
    let nobody: Option<String> = None;
    let row = params![open.id, &person, safety.as_str(), None::<Timestamp>, nobody.clone(), nobody];
    turn.tx.execute_one(&sql::ANSWER, row).await?;
    let mut notes = vec![line::is(&before.name, safety)];
    notes.extend(wardens::after_answer(turn, &open, &person, safety).await?);
    let words = tally::in_words(&mut turn.tx, open.id).await?;
    notes.push(say!("{label}: {words}", label = open.label(), words));
    notes.extend((!carries).then(correct::said_apart));
    Ok(Some(notes))
}
