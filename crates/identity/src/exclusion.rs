//! What somebody shall not have although a rule gives it. A review makes exclusions, with its reason; the rule does not give it
//! again at the next turn; a person lifts them.

use kernel::id::{EntitlementId, PersonId};
use kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::{Read, Row, Statement, params};

use crate::error::{Error, Refusal, said};
use crate::room::{Identity, Turn};

const LONGEST: usize = 2_000;
const MOST: u32 = 1_000_000;

const INSERT: Statement = Statement::new(
    "identity.insert_exclusion",
    "INSERT INTO identity_exclusion (person_id, entitlement_id, made_us, made_by, reason, source_ref) VALUES ($1, $2, $3, $4, \
     $5, $6)",
);
const LIFT: Statement = Statement::new(
    "identity.lift_exclusion",
    "UPDATE identity_exclusion SET lifted_us = $3, lifted_by = $4, lift_reason = $5 WHERE person_id = $1 AND entitlement_id = \
     $2 AND lifted_us IS NULL",
);
const OF_PERSON: Statement = Statement::new(
    "identity.exclusions_of",
    "SELECT person_id, entitlement_id, made_us, made_by, reason, source_ref, lifted_us, lifted_by, lift_reason FROM \
     identity_exclusion WHERE person_id = $1 ORDER BY made_us DESC, entitlement_id",
);
const IN_FORCE: Statement = Statement::new(
    "identity.exclusions_in_force",
    "SELECT person_id, entitlement_id, made_us, made_by, reason, source_ref, lifted_us, lifted_by, lift_reason FROM \
     identity_exclusion WHERE lifted_us IS NULL ORDER BY person_id, entitlement_id LIMIT $1",
);

/// All of them, for the test that prepares each on both engines.
pub const EXCLUSION_STATEMENTS: &[Statement] = &[INSERT, LIFT, OF_PERSON, IN_FORCE];

/// One exclusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exclusion {
    pub person: PersonId,
    pub entitlement: EntitlementId,
    pub at: Timestamp,
    pub by: String,
    pub reason: String,
    /// The item of a review that made it.
    pub source: Option<String>,
    pub lifted: Option<Timestamp>,
    pub lifted_by: Option<String>,
    pub lift_reason: Option<String>,
}

fn exclusion(row: &Row) -> Result<Exclusion, Error> {
    let text = |column: &str| Ok::<_, Error>(row.text_opt(column)?.map(str::to_owned));
    Ok(Exclusion {
        person: row.id("person_id")?,
        entitlement: row.id("entitlement_id")?,
        at: row.time("made_us")?,
        by: row.text("made_by")?.to_owned(),
        reason: row.text("reason")?.to_owned(),
        source: text("source_ref")?,
        lifted: row.time_opt("lifted_us")?,
        lifted_by: text("lifted_by")?,
        lift_reason: text("lift_reason")?,
    })
}

pub(crate) async fn of_person(read: &mut impl Read, person: PersonId) -> Result<Vec<Exclusion>, Error> {
    read.rows(&OF_PERSON, params![person]).await?.iter().map(exclusion).collect()
}

pub(crate) async fn in_force(read: &mut impl Read) -> Result<Vec<Exclusion>, Error> {
    read.rows(&IN_FORCE, params![MOST]).await?.iter().map(exclusion).collect()
}

impl Turn {
    /// Keeps rules from giving something to somebody. False: it is kept from them already.
    pub(crate) async fn exclude(
        &mut self,
        person: PersonId,
        entitlement: EntitlementId,
        why: &str,
        source: Option<String>,
    ) -> Result<bool, Error> {
        let why = said("reason", why, LONGEST)?;
        let known = of_person(&mut self.tx, person).await?;
        if known.iter().any(|one| one.entitlement == entitlement && one.lifted.is_none()) {
            return Ok(false);
        }
        let (now, actor) = (self.now(), self.actor.to_string());
        self.tx.execute_one(&INSERT, params![person, entitlement, now, &actor, &why, source.clone()]).await?;
        let after = json!({ "entitlement": entitlement, "reason": why, "source": source });
        self.record("exclusion.make", person, Json::Null, after);
        self.touch(person);
        Ok(true)
    }
}

impl Identity {
    /// What rules are kept from giving to somebody, and what they were kept from.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn exclusions(&self, person: PersonId) -> Result<Vec<Exclusion>, Error> {
        of_person(&mut self.store.clone(), person).await
    }

    /// Lets rules give it again.
    ///
    /// # Errors
    /// [`Error::Refused`] when nothing is kept from them.
    pub async fn lift_exclusion(
        &self,
        person: PersonId,
        entitlement: EntitlementId,
        why: &str,
        actor: &Actor,
    ) -> Result<(), Error> {
        let why = said("reason", why, LONGEST)?;
        let mut turn = self.turn(actor, &why).await?;
        let (now, by) = (turn.now(), actor.to_string());
        if turn.tx.execute(&LIFT, params![person, entitlement, now, &by, &why]).await? == 0 {
            return Err(Refusal::rule("nothing of that name is kept from this person").into());
        }
        turn.record("exclusion.lift", person, json!({ "entitlement": entitlement }), Json::Null);
        turn.touch(person);
        turn.finish().await.map(drop)
    }
}
