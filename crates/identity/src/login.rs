//! Who signs in as whom. Everything that asks whether somebody gains by a decision stands on it, so it is no one's to say of
//! themselves, one person is one user, and what was said once is taken back before it is said otherwise.

use kernel::Actor;
use kernel::id::PersonId;
use serde_json::{Value as Json, json};
use store::{Read, Row, params};

use crate::duty_sql;
use crate::error::{Error, Refusal, said};
use crate::finding::{FindingKind, NewFinding};
use crate::person::{self, Person};
use crate::room::{Identity, Turn};

impl Identity {
    /// Lets a user of Vigie be a person on record. In a house where nobody is linked yet the first may link themselves, and a
    /// finding says so.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is the officer's own user, when somebody else signs in as this person, or when the user is
    /// somebody already; [`Error::NotFound`] when there is no such person.
    pub async fn link_login(&self, user: &str, person: PersonId, actor: &Actor) -> Result<(), Error> {
        let mut turn = self.turn(actor, "").await?;
        let who = person::survivor(&mut turn.tx, person).await?;
        let person = who.id;
        let all = all(&mut turn.tx).await?;
        let is_own = *actor == Actor::User(user.to_owned());
        if is_own && !all.is_empty() {
            return Err(Refusal::rule("nobody says who they are themselves: another officer links your user").into());
        }
        if let Some((other, _)) = all.iter().find(|(_, linked)| *linked == person) {
            if other == user {
                return Ok(());
            }
            let name = who.sheet.display_name();
            return Err(Refusal::rule(format!("{name} signs in as {other} already: unlink that user first")).into());
        }
        if let Some((_, other)) = all.iter().find(|(linked, _)| linked == user) {
            return Err(Refusal::rule(format!("{user} is {other} already: unlink it first")).into());
        }
        let (now, before) = (turn.now(), turn.open_finding(FindingKind::LoginChanged, &subject(person)).await?);
        turn.tx.execute_one(&duty_sql::SAVE_LOGIN, params![user, person, now]).await?;
        turn.record("login.link", format!("user:{user}"), Json::Null, json!({ "person": person }));
        if is_own {
            tell(&mut turn, &who, user, "was linked to the first user of the house by that user").await?;
        } else if before {
            tell(&mut turn, &who, user, "signs in as another user now").await?;
        }
        turn.finish().await.map(drop)
    }

    /// Takes back who a user is. Whoever signs in as that user is nobody on record from then on.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is the officer's own user; [`Error::NotFound`] when the user is nobody.
    pub async fn unlink_login(&self, user: &str, why: &str, actor: &Actor) -> Result<(), Error> {
        let why = said("reason", why, 2_000)?;
        let mut turn = self.turn(actor, &why).await?;
        if *actor == Actor::User(user.to_owned()) {
            return Err(Refusal::rule("nobody says who they are themselves: another officer unlinks your user").into());
        }
        let rows = turn.tx.rows(&duty_sql::LOGIN, params![user]).await?;
        let person = rows.first().ok_or_else(|| Error::missing("login", user))?.id("person_id")?;
        let who = person::must(&mut turn.tx, person).await?;
        turn.tx.execute_one(&duty_sql::DELETE_LOGIN, params![user]).await?;
        turn.record("login.unlink", format!("user:{user}"), json!({ "person": person }), Json::Null);
        tell(&mut turn, &who, user, "is no longer who signs in as this user").await?;
        turn.finish().await.map(drop)
    }
}

/// Users and the people that they are.
async fn all(read: &mut impl Read) -> Result<Vec<(String, PersonId)>, Error> {
    let login = |row: &Row| Ok((row.text("user_id")?.to_owned(), row.id("person_id")?));
    read.rows(&duty_sql::LOGINS, params![crate::labels::MOST_LOGINS]).await?.iter().map(login).collect()
}

/// The users that a person signs in as.
pub(crate) async fn of_person(read: &mut impl Read, person: PersonId) -> Result<Vec<String>, Error> {
    Ok(all(read).await?.into_iter().filter(|(_, linked)| *linked == person).map(|(user, _)| user).collect())
}

fn subject(person: PersonId) -> String {
    format!("login:{person}")
}

async fn tell(turn: &mut Turn, who: &Person, user: &str, what: &str) -> Result<(), Error> {
    let title = format!("{} {what}: see what was decided as them since", who.sheet.display_name());
    let detail = json!({ "user": user, "by": turn.actor.to_string() });
    let new = NewFinding {
        person: Some(who.id),
        detail,
        ..NewFinding::new(FindingKind::LoginChanged, subject(who.id), title)
    };
    turn.find(new).await.map(drop)
}
