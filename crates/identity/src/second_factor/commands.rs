//! Enrol, confirm, prove, take away.

use kernel::id::PersonId;
use kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::{Read, params};

use super::judge::{Kept, Verdict, generator, judge};
use super::seal::{self, Seal};
use crate::error::{Error, Refusal, said};
use crate::room::{Identity, Turn};
use crate::{approver, duty_sql, person};

/// Bytes of a secret: as long as the digest (RFC 4226 §4).
const SECRET: usize = 20;

/// What an authenticator needs. It is shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Enrolment {
    /// In base32, to be typed.
    pub secret: String,
    /// `otpauth://totp/…`, to be read from a picture.
    pub uri: String,
}

/// How far somebody is with their second factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecondFactor {
    pub enrolled: Option<Timestamp>,
    /// From then on it counts.
    pub confirmed: Option<Timestamp>,
    /// No code counts until then.
    pub locked: Option<Timestamp>,
}

struct Row {
    kept: Kept,
    enrolled: Timestamp,
    confirmed: Option<Timestamp>,
}

async fn find(read: &mut impl Read, seal: Option<&Seal>, person: PersonId) -> Result<Option<Row>, Error> {
    let rows = read.rows(&duty_sql::SECOND_FACTOR, params![person]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let secret = seal::read(seal, person, row.text("secret")?).ok_or_else(|| {
        Refusal::rule(
            "the second factor cannot be read: the key in `secrets/` is not the one that it was sealed with; put that one back, \
             or have the access officer take the second factor away",
        )
    })?;
    let kept = Kept {
        secret,
        last_step: row.int("last_step")?,
        failures: row.int("failures")?,
        locked: row.time_opt("locked_us")?,
    };
    Ok(Some(Row { kept, enrolled: row.time("enrolled_us")?, confirmed: row.time_opt("confirmed_us")? }))
}

impl Identity {
    /// How far the caller is with their second factor.
    ///
    /// # Errors
    /// [`Error::Refused`] when nobody on record stands behind the caller.
    pub async fn second_factor(&self, actor: &Actor) -> Result<SecondFactor, Error> {
        let mut read = self.store.clone();
        let person = approver::person_of(&mut read, actor).await?;
        let row = find(&mut read, self.seal.as_deref(), person).await?;
        let now = self.now();
        Ok(SecondFactor {
            enrolled: row.as_ref().map(|row| row.enrolled),
            confirmed: row.as_ref().and_then(|row| row.confirmed),
            locked: row.and_then(|row| row.kept.locked).filter(|until| now < *until),
        })
    }

    /// Gives the caller a secret for their authenticator. It counts for nothing until a code of it was shown.
    ///
    /// # Errors
    /// [`Error::Refused`] when they have one: who could replace it with a password alone would have no second factor.
    pub async fn enrol_second_factor(&self, actor: &Actor) -> Result<Enrolment, Error> {
        let mut turn = self.turn(actor, "").await?;
        let person = approver::person_of(&mut turn.tx, actor).await?;
        if find(&mut turn.tx, self.seal.as_deref(), person).await?.is_some_and(|row| row.confirmed.is_some()) {
            let reason = "you have a second factor; when it is lost, have the access officer take it away first";
            return Err(Refusal::rule(reason).into());
        }
        let secret: [u8; SECRET] = self.store.random();
        let now = turn.now();
        let kept = self.kept(person, &secret)?;
        turn.tx.execute_one(&duty_sql::SAVE_SECOND_FACTOR, params![person, kept, now]).await?;
        turn.record("second-factor.enrol", person, Json::Null, Json::Null);
        turn.finish().await?;
        let secret = generator(&secret)?.secret().to_base32();
        let uri =
            format!("otpauth://totp/Vigie:{person}?secret={secret}&issuer=Vigie&algorithm=SHA1&digits=6&period=30");
        Ok(Enrolment { secret, uri })
    }

    /// Takes the first code of a new authenticator; from then on it counts.
    ///
    /// # Errors
    /// [`Error::Refused`] for a wrong code, or when there is nothing to confirm.
    pub async fn confirm_second_factor(&self, code: &str, actor: &Actor) -> Result<SecondFactor, Error> {
        self.present(code, actor, false).await?;
        self.second_factor(actor).await
    }

    /// Takes a code as proof that the caller is who they say, once.
    ///
    /// # Errors
    /// [`Error::Refused`] for a wrong code, one that was used, too many wrong ones, or no second factor.
    pub async fn prove_second_factor(&self, code: &str, actor: &Actor) -> Result<(), Error> {
        self.present(code, actor, true).await
    }

    /// Takes somebody's second factor away, because it is lost. They have to enrol another one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such person; [`Error::Refused`] for one's own.
    pub async fn remove_second_factor(&self, person: PersonId, why: &str, actor: &Actor) -> Result<(), Error> {
        let why = said("reason", why, 2_000)?;
        let mut turn = self.turn(actor, &why).await?;
        person::must(&mut turn.tx, person).await?;
        if approver::person_of(&mut turn.tx, actor).await.is_ok_and(|own| own == person) {
            return Err(Refusal::rule("nobody takes away their own: somebody else has to see that it is you").into());
        }
        turn.tx.execute(&duty_sql::DELETE_SECOND_FACTOR, params![person]).await?;
        turn.record("second-factor.remove", person, Json::Null, Json::Null);
        turn.finish().await.map(drop)
    }

    /// A secret as it is stored.
    fn kept(&self, person: PersonId, secret: &[u8]) -> Result<String, Refusal> {
        match &self.seal {
            Some(seal) => seal
                .close(person, secret, self.store.random())
                .ok_or_else(|| Refusal::rule("the secret cannot be sealed with the key of this house")),
            None => Ok(hex::encode(secret)),
        }
    }

    /// Seals what lies in the open from before there was a key. Returns how many.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn seal_second_factors(&self) -> Result<usize, Error> {
        let mut turn = self.turn(&Actor::system("identity"), "secrets are sealed").await?;
        let mut sealed = 0;
        for row in turn.tx.fetch_all(&duty_sql::SECOND_FACTORS, params![]).await? {
            let (person, text): (PersonId, &str) = (row.id("person_id")?, row.text("secret")?);
            if self.seal.is_none() || seal::is_sealed(text) {
                continue;
            }
            let Some(secret) = seal::read(None, person, text) else { continue };
            let kept = self.kept(person, &secret)?;
            turn.tx.execute_one(&duty_sql::RESEAL_SECOND_FACTOR, params![person, kept]).await?;
            turn.record("second-factor.seal", person, Json::Null, Json::Null);
            sealed += 1;
        }
        turn.finish().await?;
        Ok(sealed)
    }

    async fn present(&self, code: &str, actor: &Actor, confirmed: bool) -> Result<(), Error> {
        let mut turn = self.turn(actor, "").await?;
        let person = approver::person_of(&mut turn.tx, actor).await?;
        let row = find(&mut turn.tx, self.seal.as_deref(), person).await?;
        let row = row.ok_or_else(|| Refusal::rule("you have no second factor yet: enrol an authenticator first"))?;
        match (row.confirmed.is_some(), confirmed) {
            (false, true) => return Err(Refusal::rule("confirm your authenticator with a first code").into()),
            (true, false) => return Err(Refusal::rule("your authenticator is confirmed already").into()),
            (true, true) | (false, false) => {}
        }
        let (verdict, now) = (judge(&row.kept, code, turn.now())?, turn.now());
        let refusal = weigh(&mut turn, person, &row, verdict, now).await?;
        // A wrong code is written down, whatever becomes of what it was shown for.
        turn.finish().await?;
        refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
    }
}

async fn weigh(
    turn: &mut Turn,
    person: PersonId,
    row: &Row,
    verdict: Verdict,
    now: Timestamp,
) -> Result<Option<Refusal>, Error> {
    let (last, failures) = (row.kept.last_step, row.kept.failures + 1);
    let confirmed = row.confirmed;
    let none: Option<Timestamp> = None;
    Ok(match verdict {
        Verdict::Right { step } => {
            let since = confirmed.unwrap_or(now);
            turn.tx.execute_one(&duty_sql::NOTE_SECOND_FACTOR, params![person, step, 0_i64, none, since]).await?;
            turn.record("second-factor.prove", person, Json::Null, json!({ "confirms": confirmed.is_none() }));
            None
        }
        Verdict::Wrong => {
            turn.tx
                .execute_one(&duty_sql::NOTE_SECOND_FACTOR, params![person, last, failures, none, confirmed])
                .await?;
            turn.record("second-factor.fail", person, Json::Null, json!({ "failures": failures }));
            Some(Refusal::bad("code", "it is wrong or was used before; wait for the next one"))
        }
        Verdict::Closed { until } => {
            turn.tx.execute_one(&duty_sql::NOTE_SECOND_FACTOR, params![person, last, 0_i64, until, confirmed]).await?;
            turn.record("second-factor.lock", person, Json::Null, json!({ "until": until.to_string() }));
            Some(closed(until))
        }
        Verdict::Locked { until } => Some(closed(until)),
    })
}

fn closed(until: Timestamp) -> Refusal {
    Refusal::rule(format!("too many wrong codes: none counts until {until}"))
}
