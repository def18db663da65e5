//! Headcounts: everybody by name. Whom it counts is settled when it begins; who comes later is counted apart.

mod ask;
mod lines;
mod link;
mod reply;
mod tally;
mod wardens;

use kernel::id::HeadcountId;
use kernel::{Actor, Timestamp, words};
use store::{Read, Row, params};

use crate::alarm::Course;
use crate::error::Error;
use crate::line::Safety;
use crate::room::Field;
use crate::speech::Sentence;
use crate::sql;

pub use link::{LinkAnswer, Linked};
pub use tally::Tally;

pub(crate) use ask::not_reached;
pub(crate) use lines::{enter, mission_number, overdue, person_meant, take_back};
pub(crate) use reply::{Reply, meant, reply, under_duress};
pub(crate) use wardens::silent_warden;

/// The end of a headcount (subject: the headcount).
pub const HEADCOUNT: &str = "field.headcount";
/// A warden answers for themselves (subject: the headcount and the zone).
pub const WARDEN: &str = "field.warden";
const MOST: u32 = 500;

words! {
    /// Where a headcount stands.
    HeadcountState {
        Open = "open",
        Ended = "ended",
    }
}

words! {
    /// By what somebody answered.
    Means {
        /// Said to the desk: by radio, by phone, in person.
        Desk = "desk",
        Sms = "sms",
        Email = "email",
        Satellite = "satellite",
        /// The link that was sent to them alone.
        Link = "link",
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
    /// A drill.
    pub exercise: bool,
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
    pub zone: Option<String>,
    /// They came after the count began, and are not in its sum.
    pub joined: bool,
    pub safety: Safety,
    pub answered: Option<Timestamp>,
    /// The key or sign of who answered for them.
    pub answered_by: Option<String>,
    pub means: Option<Means>,
    /// They used a duress word. Only those who are told of it ever read `true` here.
    pub duress: bool,
}

/// Who was given the list of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WardenList {
    pub zone: String,
    /// Key of the person.
    pub warden: String,
    pub given: Timestamp,
    /// `warden`, or why the alternate has it.
    pub why: Sentence,
}

impl Headcount {
    /// `HC-0042`; `EXERCISE HC-0042`.
    pub fn label(&self) -> String {
        let exercise = if self.exercise { "EXERCISE " } else { "" };
        format!("{exercise}{}", self.number_label())
    }

    /// `HC-0042`, for messages, which have their own watermark.
    pub(crate) fn number_label(&self) -> String {
        format!("HC-{:04}", self.number)
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

    /// A headcount and everybody in it, those who need attention first, as `reader` may know it.
    ///
    /// # Errors
    /// [`Error::NotFound`], besides.
    pub async fn counted(&self, id: HeadcountId, reader: &Actor) -> Result<(Headcount, Vec<Counted>), Error> {
        let row = self.store.fetch_optional(&sql::HEADCOUNT, params![id]).await?;
        let found = row.map(|row| headcount(&row)).transpose()?.ok_or_else(|| Error::missing("headcount", id))?;
        let rows = self.store.fetch_all(&sql::COUNTED, params![id]).await?;
        let mut people = rows.iter().map(counted).collect::<Result<Vec<_>, _>>()?;
        let Actor::User(reader) = reader else { return Ok((found, people)) };
        for row in self.store.fetch_all(&sql::UNDER_DURESS, params![id]).await? {
            let course: Course = row.json("course")?;
            if course.tell.contains(reader) {
                let person = row.text("person")?;
                people.iter_mut().filter(|one| one.person == person).for_each(|one| one.duress = true);
            }
        }
        people.sort_by_key(|one| !one.duress);
        Ok((found, people))
    }

    /// To whom the lists of the zones were given.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn warden_lists(&self, id: HeadcountId) -> Result<Vec<WardenList>, Error> {
        wardens::lists(&mut self.store.clone(), id).await
    }
}

pub(crate) async fn open(read: &mut impl Read) -> Result<Option<Headcount>, Error> {
    read.rows(&sql::OPEN_HEADCOUNT, params![]).await?.first().map(headcount).transpose()
}

/// The headcount and the person that a dispatch was for.
pub(crate) fn of_key(key: &str) -> Option<(HeadcountId, &str)> {
    let (headcount, person) = key.split_once("/person/")?;
    Some((headcount.parse().ok()?, person))
}

/// The name of the dispatch that asks somebody.
fn key_of(id: HeadcountId, person: &str) -> String {
    format!("{id}/person/{person}")
}

pub(crate) async fn one(read: &mut impl Read, id: HeadcountId, person: &str) -> Result<Option<Counted>, Error> {
    read.rows(&sql::COUNTED_ONE, params![id, person]).await?.first().map(counted).transpose()
}

fn headcount(row: &Row) -> Result<Headcount, Error> {
    Ok(Headcount {
        id: row.id("id")?,
        number: row.int("number")?,
        scope: row.text("scope")?.to_owned(),
        scope_key: row.text_opt("scope_key")?.map(str::to_owned),
        exercise: row.flag("exercise")?,
        state: row.parse("state")?,
        started: row.time("started_us")?,
        ended: row.time_opt("ended_us")?,
    })
}

fn counted(row: &Row) -> Result<Counted, Error> {
    let means = row.text_opt("means")?.is_some();
    Ok(Counted {
        person: row.text("person")?.to_owned(),
        name: row.text("name")?.to_owned(),
        organisation: row.text_opt("organisation")?.map(str::to_owned),
        zone: row.text_opt("zone")?.map(str::to_owned),
        joined: row.flag("joined")?,
        safety: row.parse("safety")?,
        answered: row.time_opt("answered_us")?,
        answered_by: row.text_opt("answered_by")?.map(str::to_owned),
        means: if means { Some(row.parse("means")?) } else { None },
        duress: false,
    })
}
