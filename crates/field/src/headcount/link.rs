//! The link that was sent to one person alone. Whoever has it can answer for that person, in that headcount, until it ends.

use kernel::{Actor, Timestamp};
use store::{Read, params};

use super::{Headcount, HeadcountState, Means, Reply, headcount, one, reply};
use crate::alarm::{self, AlarmKind, Call, Cause};
use crate::duress;
use crate::earnest::is_meant;
use crate::enter;
use crate::error::Error;
use crate::line::Safety;
use crate::log::NewEntry;
use crate::room::{Field, Turn};
use crate::speech::{Sentence, say};
use crate::sql;

/// Longest remark beside an answer, in characters.
const LONGEST_REMARK: usize = 300;

/// What a link shows: no more than its owner knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// `HC-0042`.
    pub label: String,
    pub name: String,
    /// What they have answered.
    pub safety: Safety,
    /// The headcount is over, or the link has expired.
    pub over: bool,
    pub expires: Timestamp,
}

/// What somebody answers by their link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAnswer {
    pub safe: bool,
    pub remark: String,
}

impl Field {
    /// What a link shows.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a link that was never given.
    pub async fn linked(&self, secret: &str) -> Result<Linked, Error> {
        let now = self.now();
        find(&mut self.store.clone(), secret, now).await.map(|(linked, _, _)| linked)
    }

    /// Answers by a link. It shows what is known after.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a link that was never given; one that is over changes nothing and says so.
    pub async fn answer_link(&self, secret: &str, answer: &LinkAnswer) -> Result<Linked, Error> {
        let mut turn = self.turn(&Actor::system("link"), "").await?;
        let now = turn.now();
        let (linked, headcount, person) = find(&mut turn.tx, secret, now).await?;
        let remark: String = answer.remark.trim().chars().take(LONGEST_REMARK).collect();
        let cleared = duress::clear(&mut turn.tx, &remark).await?;
        let safety = if answer.safe { Safety::Safe } else { Safety::NeedsHelp };
        let (from, asked, at) = (person.as_str(), Some(headcount.id), now);
        let (earnest, means) = (is_meant(&remark), Means::Link);
        let given =
            Reply { from, about: None, safety, sos: false, drill: false, earnest, asked, certain: true, at, means };
        let outcome = if linked.over {
            too_late(&mut turn, &linked, &person, answer.safe).await?
        } else {
            reply(&mut turn, &given).await?.unwrap_or_default()
        };
        log(&mut turn, &linked, &person, answer.safe, &cleared, outcome).await?;
        turn.finish().await?;
        self.linked(secret).await
    }
}

/// What comes after the end is not counted; a call for help is heard all the same.
async fn too_late(turn: &mut Turn, linked: &Linked, person: &str, safe: bool) -> Result<Vec<Sentence>, Error> {
    let mut outcome = vec![say!("{label} is over, or the link has expired: not counted", label = linked.label)];
    if !safe {
        let title = say!("{name} ({person}) needs help, by an old link", name = linked.name, person);
        let (kind, subject, missed) = (AlarmKind::NeedsHelp, format!("needs-help:{person}"), turn.now());
        let cause = Cause { kind, subject, title, missed, while_down: false, tell: Vec::new() };
        let call = Call::anew(cause, turn.now(), false);
        outcome.push(alarm::call_for_help(turn, call, None).await?.1);
    }
    Ok(outcome)
}

async fn log(
    turn: &mut Turn,
    linked: &Linked,
    person: &str,
    safe: bool,
    cleared: &duress::Cleared,
    outcome: Vec<Sentence>,
) -> Result<(), Error> {
    let meaning = if safe {
        say!("{name} ({person}) is safe, by link", name = linked.name, person)
    } else {
        say!("{name} ({person}) needs help, by link", name = linked.name, person)
    };
    let entry = NewEntry { line: cleared.line.clone(), outcome, ..NewEntry::words("headcount", meaning) };
    let entry = turn.log(entry).await?;
    turn.record("headcount.link", person, serde_json::Value::Null, serde_json::json!({ "safe": safe }));
    match &cleared.said {
        Some(said) => enter::raise_silently(turn, &entry, None, said.clone(), Some(person)).await,
        None => Ok(()),
    }
}

async fn find(read: &mut impl Read, secret: &str, now: Timestamp) -> Result<(Linked, Headcount, String), Error> {
    let missing = || Error::missing("link", "that was given");
    let rows = read.rows(&sql::LINK, params![super::ask::digest(secret)]).await?;
    let row = rows.first().ok_or_else(missing)?;
    let person = row.text("person")?.to_owned();
    let expires = row.time("expires_us")?;
    let id: kernel::id::HeadcountId = row.id("headcount_id")?;
    let rows = read.rows(&sql::HEADCOUNT, params![id]).await?;
    let found = rows.first().map(headcount).transpose()?.ok_or_else(missing)?;
    let counted = one(read, id, &person).await?.ok_or_else(missing)?;
    let over = found.state == HeadcountState::Ended || expires <= now;
    let linked = Linked { label: found.label(), name: counted.name, safety: counted.safety, over, expires };
    Ok((linked, found, person))
}
