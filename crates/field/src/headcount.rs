//! Headcounts: everybody by name. Whom it counts is settled when it begins; who comes later is counted apart.

use std::collections::BTreeMap;

use kernel::id::HeadcountId;
use kernel::{Diagnostic, Timestamp, words};
use serde_json::{Value as Json, json};
use store::{Deadline, Due, Row, params};

use crate::alarm::{self, AlarmKind, Cause};
use crate::error::{Error, Refusal};
use crate::line::{CountLine, CountScope, Safety, Word};
use crate::mission;
use crate::register::{Directory, Record};
use crate::room::{Field, Read, Turn, next_number};
use crate::sql;

/// The end of a headcount (subject: the headcount).
pub const HEADCOUNT: &str = "field.headcount";
/// Who has not answered by then is asked for.
const LONGEST_US: i64 = 60 * 60_000_000;
const MOST: u32 = 500;

words! {
    /// Where a headcount stands.
    HeadcountState {
        Open = "open",
        Ended = "ended",
    }
}

/// A headcount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headcount {
    pub id: HeadcountId,
    /// Counts up from 1.
    pub number: i64,
    /// `all`, `zone`, `organisation` or `mission`.
    pub scope: String,
    pub scope_key: Option<String>,
    pub state: HeadcountState,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
}

/// Somebody who is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Key.
    pub person: String,
    pub name: String,
    pub organisation: Option<String>,
    /// They came after the count began, and are not in its sum.
    pub joined: bool,
    pub safety: Safety,
    pub answered: Option<Timestamp>,
    /// The key or sign of who answered for them.
    pub answered_by: Option<String>,
}

/// A headcount in numbers. They add up to `total`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Settled when the count began.
    pub total: usize,
    pub by_safety: BTreeMap<Safety, usize>,
    /// Came later; not in the total.
    pub joined: usize,
}

impl Headcount {
    /// `HC-0042`.
    pub fn label(&self) -> String {
        format!("HC-{:04}", self.number)
    }
}

impl Tally {
    /// The numbers of a list.
    pub fn of(people: &[Counted]) -> Tally {
        let mut tally = Tally::default();
        for one in people {
            if one.joined {
                tally.joined += 1;
            } else {
                tally.total += 1;
                *tally.by_safety.entry(one.safety).or_default() += 1;
            }
        }
        tally
    }

    fn count(&self, safety: Safety) -> usize {
        self.by_safety.get(&safety).copied().unwrap_or(0)
    }

    /// Those of whom it is known that they are well, or that they are not expected.
    pub fn accounted(&self) -> usize {
        [Safety::Safe, Safety::SafeByProxy, Safety::Excused].into_iter().map(|safety| self.count(safety)).sum()
    }

    /// `61 of 63, 2 unknown: call P-7, P-9`.
    pub fn words(&self, people: &[Counted]) -> String {
        let mut text = format!("{} of {}", self.accounted(), self.total);
        let parts = [
            (Safety::NeedsHelp, "in need of help"),
            (Safety::Unreachable, "unreachable"),
            (Safety::Unknown, "unknown"),
        ];
        for (safety, says) in parts.into_iter().filter(|(safety, _)| self.count(*safety) > 0) {
            text.push_str(&format!(", {} {says}", self.count(safety)));
        }
        let open: Vec<&str> = people
            .iter()
            .filter(|one| matches!(one.safety, Safety::Unknown | Safety::Unreachable | Safety::NeedsHelp))
            .map(|one| one.person.as_str())
            .collect();
        if !open.is_empty() {
            let more = if open.len() > 10 { ", …" } else { "" };
            text.push_str(&format!(": call {}{more}", open[..open.len().min(10)].join(", ")));
        }
        if self.joined > 0 {
            text.push_str(&format!("; {} came later", self.joined));
        }
        text
    }
}

impl Field {
    /// Headcounts, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn headcounts(&self, limit: u32) -> Result<Vec<Headcount>, Error> {
        self.store.fetch_all(&sql::HEADCOUNTS, params![limit.min(MOST)]).await?.iter().map(headcount).collect()
    }

    /// A headcount and everybody in it, those who need attention first.
    ///
    /// # Errors
    /// [`Error::NotFound`], besides.
    pub async fn counted(&self, id: HeadcountId) -> Result<(Headcount, Vec<Counted>), Error> {
        let row = self.store.fetch_optional(&sql::HEADCOUNT, params![id]).await?;
        let found = row.map(|row| headcount(&row)).transpose()?.ok_or_else(|| Error::missing("headcount", id))?;
        let rows = self.store.fetch_all(&sql::COUNTED, params![id]).await?;
        Ok((found, rows.iter().map(counted).collect::<Result<_, _>>()?))
    }
}

/// Carries out a line of a headcount, and tells what followed.
pub(crate) async fn enter(turn: &mut Turn, line: &CountLine, at: Timestamp) -> Result<Vec<String>, Error> {
    let open = open(&mut turn.tx).await?;
    match (line, open) {
        (CountLine::Start(_), Some(open)) => {
            Err(Refusal::rule(format!("{} is not over: `hc end` first", open.label())).into())
        }
        (CountLine::Start(scope), None) => start(turn, scope, at).await,
        (_, None) => Err(Refusal::rule("no headcount is open: the answer is not counted; `hc start` first").into()),
        (CountLine::Answer { who, safety, by }, Some(open)) => answer(turn, &open, who, *safety, by.as_ref(), at).await,
        (CountLine::Join(who), Some(open)) => join(turn, &open, who).await,
        (CountLine::End, Some(open)) => end(turn, &open, at).await,
    }
}

async fn start(turn: &mut Turn, scope: &CountScope, at: Timestamp) -> Result<Vec<String>, Error> {
    let (scope, key) = match scope {
        CountScope::All => ("all", None),
        CountScope::Of(noun, key) => (*noun, Some(key)),
    };
    let people = people(turn, scope, key).await?;
    if people.is_empty() {
        return Err(Refusal::rule("nobody is in that scope: there is nobody to count").into());
    }
    let number = next_number(&mut turn.tx, "headcount").await?;
    let scope_key = key.map(|word| word.text.to_uppercase());
    let (scope, state) = (scope.to_owned(), HeadcountState::Open);
    let open = Headcount { id: turn.tx.id(), number, scope, scope_key, state, started: at, ended: None };
    let row = params![open.id, number, &open.scope, open.scope_key.clone(), state.as_str(), open.started];
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
    Ok(vec![format!("{}: {} to be counted", open.label(), people.len())])
}

async fn insert(turn: &mut Turn, open: &Headcount, one: &Record, joined: bool, safety: Safety) -> Result<(), Error> {
    let (name, organisation) = (one.text("name"), one.text_opt("organisation"));
    let row = params![open.id, &one.key, name, organisation, joined, safety.as_str()];
    Ok(turn.tx.execute_one(&sql::INSERT_COUNTED, row).await?)
}

/// Whom a scope holds, each once.
async fn people(turn: &mut Turn, scope: &str, key: Option<&Word>) -> Result<Vec<Record>, Error> {
    let directory = turn.directory.clone();
    let Some(key) = key else { return Ok(directory.records("person").cloned().collect()) };
    let unknown = || vec![Diagnostic::error("FLD0104", key.span, format!("there is no {scope} `{}`", key.text))];
    if scope == "mission" {
        let number = key.text.trim_start_matches(['m', 'M']).trim_start_matches('-').parse().ok();
        let number: i64 = number.ok_or_else(|| Error::Line(unknown()))?;
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
    if let Some(record) = directory.record("person", &word.text) {
        return Ok(record.key.clone());
    }
    match directory.holder(&word.text, at) {
        Some(holder) if holder.kind == "person" => Ok(holder.key),
        _ => Err(Error::Line(vec![
            Diagnostic::error("FLD0105", word.span, format!("`{}` is nobody in the register", word.text))
                .with_help("a person's key, or a call sign that a person holds"),
        ])),
    }
}

async fn answer(
    turn: &mut Turn,
    open: &Headcount,
    who: &Word,
    safety: Safety,
    by: Option<&Word>,
    at: Timestamp,
) -> Result<Vec<String>, Error> {
    let directory = turn.directory.clone();
    let person = meant(&directory, who, at)?;
    let by = by.map(|by| meant(&directory, by, at)).transpose()?;
    let people = list(turn, open.id).await?;
    let Some(before) = people.iter().find(|one| one.person == person) else {
        let problem = format!("{person} is not in {}: `hc join {person}` first", open.label());
        return Err(Error::Line(vec![Diagnostic::error("FLD0106", who.span, problem)]));
    };
    let mut outcome = Vec::new();
    if weaker(before.safety, safety) {
        outcome.push(format!(
            "{} {}, as was said before: it stays so until they answer for themselves",
            before.name,
            crate::line::is(before.safety)
        ));
    } else {
        turn.tx.execute_one(&sql::ANSWER, params![open.id, &person, safety.as_str(), at, by]).await?;
    }
    let people = list(turn, open.id).await?;
    outcome.push(format!("{}: {}", open.label(), Tally::of(&people).words(&people)));
    Ok(outcome)
}

/// What somebody else says does not make good what is worse, nor replace what they said themselves.
fn weaker(before: Safety, now: Safety) -> bool {
    now == Safety::SafeByProxy && matches!(before, Safety::NeedsHelp | Safety::Safe)
        || now == Safety::Excused && before == Safety::NeedsHelp
        || now == Safety::Unreachable && before == Safety::NeedsHelp
}

async fn join(turn: &mut Turn, open: &Headcount, who: &Word) -> Result<Vec<String>, Error> {
    let directory = turn.directory.clone();
    let person = meant(&directory, who, turn.now())?;
    let people = list(turn, open.id).await?;
    if people.iter().any(|one| one.person == person) {
        return Err(Refusal::rule(format!("{person} is counted already")).into());
    }
    let record = directory.record("person", &person).cloned().ok_or_else(|| Error::missing("person", &person))?;
    insert(turn, open, &record, true, Safety::Unknown).await?;
    Ok(vec![format!("{}: {person} came later, and is counted apart", open.label())])
}

async fn end(turn: &mut Turn, open: &Headcount, at: Timestamp) -> Result<Vec<String>, Error> {
    let people = list(turn, open.id).await?;
    turn.tx.execute_one(&sql::END_HEADCOUNT, params![open.id, at]).await?;
    turn.tx.keep_deadline(HEADCOUNT, &open.id.to_string()).await?;
    alarm::close_about(turn, &open.id.to_string(), "the headcount is over").await?;
    let words = Tally::of(&people).words(&people);
    turn.record("headcount.end", open.id, Json::Null, json!({ "outcome": words }));
    Ok(vec![format!("{}: {words}", open.label())])
}

/// A headcount was open for too long.
pub(crate) async fn overdue(turn: &mut Turn, id: HeadcountId, due: Timestamp, while_down: bool) -> Result<(), Error> {
    let Some(open) = open(&mut turn.tx).await?.filter(|open| open.id == id) else { return Ok(()) };
    let people = list(turn, open.id).await?;
    let title = format!("{} is still open: {}", open.label(), Tally::of(&people).words(&people));
    let (kind, subject) = (AlarmKind::HeadcountOpen, id.to_string());
    let cause = Cause { kind, subject, title, missed: due, while_down, tell: Vec::new() };
    alarm::raise(turn, cause, None).await.map(drop)
}

pub(crate) async fn open(read: &mut impl Read) -> Result<Option<Headcount>, Error> {
    read.rows(&sql::OPEN_HEADCOUNT, params![]).await?.first().map(headcount).transpose()
}

async fn list(turn: &mut Turn, id: HeadcountId) -> Result<Vec<Counted>, Error> {
    turn.tx.fetch_all(&sql::COUNTED, params![id]).await?.iter().map(counted).collect()
}

fn headcount(row: &Row) -> Result<Headcount, Error> {
    Ok(Headcount {
        id: row.id("id")?,
        number: row.int("number")?,
        scope: row.text("scope")?.to_owned(),
        scope_key: row.text_opt("scope_key")?.map(str::to_owned),
        state: row.parse("state")?,
        started: row.time("started_us")?,
        ended: row.time_opt("ended_us")?,
    })
}

fn counted(row: &Row) -> Result<Counted, Error> {
    Ok(Counted {
        person: row.text("person")?.to_owned(),
        name: row.text("name")?.to_owned(),
        organisation: row.text_opt("organisation")?.map(str::to_owned),
        joined: row.flag("joined")?,
        safety: row.parse("safety")?,
        answered: row.time_opt("answered_us")?,
        answered_by: row.text_opt("answered_by")?.map(str::to_owned),
    })
}
