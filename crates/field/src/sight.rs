//! Whose people somebody sees. The room's own staff see everybody; a partner sees the people of one organisation, and
//! those of another for a reason and a time, and each look is written down.

use kernel::id::RecordId;
use kernel::{Actor, Timestamp};
use serde_json::{Value as Json, json};
use store::{Row, params};

use crate::error::{Error, Refusal, said};
use crate::log::NewEntry;
use crate::register::not_in_register;
use crate::room::Field;
use crate::speech::say;
use crate::sql;

/// Longest sight of another organisation, in minutes.
pub const LONGEST_GLASS_MIN: i64 = 240;

/// Sight of another organisation's people, in force for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glass {
    pub id: RecordId,
    /// The text of a user id.
    pub user: String,
    pub organisation: String,
    pub reason: String,
    pub begun: Timestamp,
    pub expires: Timestamp,
    /// Looks taken through it.
    pub views: i64,
}

/// What somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Everybody: staff of the room.
    Whole,
    /// The people of one organisation, and of those whose glass was broken.
    Partial { own: Option<String>, broken: Vec<Glass> },
}

impl Sight {
    /// Whether people of an organisation are seen.
    pub fn shows(&self, organisation: Option<&str>) -> bool {
        match self {
            Sight::Whole => true,
            Sight::Partial { own, broken } => organisation.is_some_and(|wanted| {
                own.as_deref() == Some(wanted) || broken.iter().any(|glass| glass.organisation == wanted)
            }),
        }
    }
}

impl Field {
    /// What a partner sees now.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn partial_sight(&self, user: &str) -> Result<Sight, Error> {
        let own = self.directory().await?.affiliation(user).and_then(|known| known.organisation.clone());
        let rows = self.store.fetch_all(&sql::GLASSES_OF, params![user, self.now()]).await?;
        Ok(Sight::Partial { own, broken: rows.iter().map(glass).collect::<Result<_, _>>()? })
    }

    /// Opens the sight of an organisation for a reason and some minutes. It is in the ledger and in the duty log.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no such organisation or the time is too long.
    pub async fn break_glass(
        &self,
        user: &str,
        organisation: &str,
        minutes: i64,
        reason: &str,
        actor: &Actor,
    ) -> Result<Glass, Error> {
        let reason = said("reason", reason, 500)?;
        if !(1..=LONGEST_GLASS_MIN).contains(&minutes) {
            return Err(Refusal::bad("minutes", say!("1 to {most}", most = LONGEST_GLASS_MIN)).into());
        }
        let mut turn = self.turn(actor, &reason).await?;
        let organisation = organisation.trim().to_uppercase();
        let known = turn.directory.record("organisation", &organisation).is_some_and(|record| record.retired.is_none());
        if !known {
            return Err(Refusal::bad("organisation", not_in_register("organisation", &organisation)).into());
        }
        let begun = turn.now();
        let expires = begun.plus_micros(minutes * 60_000_000);
        let (id, views) = (turn.tx.id(), 0);
        let glass = Glass { id, user: user.to_owned(), organisation, reason, begun, expires, views };
        let row = params![glass.id, &glass.user, &glass.organisation, &glass.reason, begun, expires];
        turn.tx.execute(&sql::INSERT_GLASS, row).await?;
        let after = json!({ "organisation": glass.organisation, "expires": expires.to_string() });
        turn.record("glass.break", glass.id, Json::Null, after);
        let text = say!(
            "sight of the people of {organisation} opened for {minutes} min: {reason}",
            organisation = glass.organisation,
            minutes,
            reason = glass.reason
        );
        turn.log(NewEntry::words("sight", text)).await?;
        turn.finish().await?;
        Ok(glass)
    }

    /// Writes down that somebody looked through broken glass at people of these organisations.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; then nothing is to be shown.
    pub async fn looked(&self, sight: &Sight, at: &[String], what: &str, actor: &Actor) -> Result<(), Error> {
        let Sight::Partial { own, broken } = sight else { return Ok(()) };
        let through: Vec<&Glass> = broken
            .iter()
            .filter(|glass| own.as_ref() != Some(&glass.organisation) && at.contains(&glass.organisation))
            .collect();
        if through.is_empty() {
            return Ok(());
        }
        let mut turn = self.turn(actor, "").await?;
        for glass in through {
            turn.tx.execute(&sql::COUNT_VIEW, params![glass.id]).await?;
            let after = json!({ "organisation": glass.organisation, "what": what });
            turn.reason.clone_from(&glass.reason);
            turn.record("glass.look", glass.id, Json::Null, after);
        }
        turn.finish().await.map(drop)
    }

    /// Every glass that was broken, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn glasses(&self, limit: u32) -> Result<Vec<Glass>, Error> {
        self.store.fetch_all(&sql::GLASSES, params![limit]).await?.iter().map(glass).collect()
    }
}

fn glass(row: &Row) -> Result<Glass, Error> {
    Ok(Glass {
        id: row.id("id")?,
        user: row.text("user_id")?.to_owned(),
        organisation: row.text("organisation")?.to_owned(),
        reason: row.text("reason")?.to_owned(),
        begun: row.time("begun_us")?,
        expires: row.time("expires_us")?,
        views: row.int("views")?,
    })
}
