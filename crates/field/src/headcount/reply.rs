//! An answer that nobody typed at the desk: by message or by link.

use kernel::Timestamp;
use kernel::id::{AlarmId, HeadcountId};
use store::params;

use super::lines::weaker;
use super::{Counted, Headcount, Means, headcount, one, open, tally, wardens};
use crate::alarm::{self, AlarmKind, Call, Cause};
use crate::error::Error;
use crate::line::Safety;
use crate::position::aged;
use crate::register::Directory;
use crate::room::Turn;
use crate::speech::{Sentence, say};
use crate::sql;

/// What somebody answers.
pub(crate) struct Reply<'a> {
    /// Key of who answers.
    pub(crate) from: &'a str,
    /// Whom they answer for, as they wrote it; `None`: themselves.
    pub(crate) about: Option<&'a str>,
    pub(crate) safety: Safety,
    /// In words of distress.
    pub(crate) sos: bool,
    pub(crate) drill: bool,
    /// They say that it is none.
    pub(crate) earnest: bool,
    /// The headcount that was asked about.
    pub(crate) asked: Option<HeadcountId>,
    /// It is certain that this one was answered.
    pub(crate) certain: bool,
    pub(crate) at: Timestamp,
    pub(crate) means: Means,
}

/// Counts an answer and tells what became of it. `None`: it answers no headcount.
pub(crate) async fn reply(turn: &mut Turn, reply: &Reply<'_>) -> Result<Option<Vec<Sentence>>, Error> {
    let cries = reply.safety == Safety::NeedsHelp;
    let open = open(&mut turn.tx).await?;
    let other = reply.asked.filter(|asked| open.as_ref().is_none_or(|open| open.id != *asked));
    let not_counted = |why: Sentence| if cries { None } else { Some(vec![why]) };
    if let Some(asked) = other.filter(|_| reply.certain || open.is_none()) {
        let label = label(turn, asked).await?;
        return Ok(not_counted(say!("answers {label}, which is over: not counted", label)));
    }
    let Some(open) = open else { return Ok(None) };
    if reply.at < open.started {
        return Ok(not_counted(say!("written before {label} began: not counted", label = open.label())));
    }
    let person = match reply.about {
        None => Some(reply.from.to_owned()),
        Some(said) => meant(&turn.directory, said, reply.at),
    };
    let before = match &person {
        Some(person) => one(&mut turn.tx, open.id, person).await?,
        None => None,
    };
    let Some(before) = before else {
        let who = reply.about.unwrap_or(reply.from).to_uppercase();
        return Ok(not_counted(say!("{who} is not in {label}: not counted", who, label = open.label())));
    };
    apply(turn, &open, &before, reply).await.map(Some)
}

async fn label(turn: &mut Turn, id: HeadcountId) -> Result<Sentence, Error> {
    let row = turn.tx.fetch_optional(&sql::HEADCOUNT, params![id]).await?;
    let known = row.map(|row| headcount(&row)).transpose()?;
    Ok(known.map_or_else(|| say!("a headcount that nobody knows"), |known| known.label().into()))
}

async fn apply(turn: &mut Turn, open: &Headcount, before: &Counted, reply: &Reply<'_>) -> Result<Vec<Sentence>, Error> {
    let mut outcome = Vec::new();
    let stands = before.safety == Safety::NeedsHelp && reply.safety != Safety::NeedsHelp;
    let older = before.answered.is_some_and(|answered| reply.at < answered) && reply.safety < before.safety;
    if stands {
        outcome.push(say!(
            "{name} asked for help before: it stays so until the desk has spoken to them",
            name = before.name
        ));
    } else if older || weaker(before.safety, reply.safety) {
        outcome.push(say!("{state}, as was said before", state = crate::line::is(&before.name, before.safety)));
    } else {
        let by = reply.about.map(|_| reply.from.to_owned());
        let row = params![open.id, &before.person, reply.safety.as_str(), reply.at, by, reply.means.as_str()];
        turn.tx.execute_one(&sql::ANSWER, row).await?;
        outcome.extend(wardens::after_answer(turn, open, &before.person, reply.safety).await?);
    }
    if reply.safety == Safety::NeedsHelp {
        let drill = !reply.earnest && (reply.drill || (open.exercise && !reply.sos));
        let cry = Cry { at: reply.at, sos: reply.sos, drill };
        outcome.push(in_need(turn, open, before, &say!("by {means}", means = reply.means), &cry).await?);
    }
    let words = tally::in_words(&mut turn.tx, open.id).await?;
    outcome.push(say!("{label}: {words}", label = open.label(), words));
    Ok(outcome)
}

/// A cry of somebody who is counted.
pub(super) struct Cry {
    pub(super) at: Timestamp,
    /// In words of distress.
    pub(super) sos: bool,
    pub(super) drill: bool,
}

/// What the alarm of somebody who is counted and in need is about.
pub(super) fn subject(open: &Headcount, person: &str) -> String {
    format!("needs-help:{}:{person}", open.id)
}

/// Raises the alarm of somebody who is counted and in need, or has it ring again. Tells what became of it.
pub(super) async fn in_need(
    turn: &mut Turn,
    open: &Headcount,
    who: &Counted,
    how: &Sentence,
    cry: &Cry,
) -> Result<Sentence, Error> {
    let title = say!("{name} ({person}) needs help, {how}", name = who.name, person = who.person, how);
    let title = aged(title, cry.at, turn.now());
    let title = if cry.drill { say!("EXERCISE: {title}", title) } else { title };
    let subject = subject(open, &who.person);
    let kind = if cry.sos { AlarmKind::Sos } else { AlarmKind::NeedsHelp };
    let cause = Cause { kind, subject, title, missed: turn.now(), while_down: false, tell: Vec::new() };
    let call = Call::anew(cause, cry.at, cry.drill);
    Ok(alarm::call_for_help(turn, call, None).await?.1)
}

/// Somebody who is counted used a duress word: whatever else they say, this stands, and no list shows it.
pub(crate) async fn under_duress(turn: &mut Turn, person: &str, alarm: AlarmId, at: Timestamp) -> Result<(), Error> {
    let Some(open) = open(&mut turn.tx).await? else { return Ok(()) };
    if one(&mut turn.tx, open.id, person).await?.is_some() {
        turn.tx.execute(&sql::INSERT_UNDER_DURESS, params![open.id, person, alarm, at]).await?;
    }
    Ok(())
}

/// The person whom a word means: by key, or by the sign that they hold.
pub(crate) fn meant(directory: &Directory, said: &str, at: Timestamp) -> Option<String> {
    if let Some(record) = directory.record("person", said) {
        return Some(record.key.clone());
    }
    directory.holder(said, at).filter(|holder| holder.kind == "person").map(|holder| holder.key)
}
