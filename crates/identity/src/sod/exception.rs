//! Exceptions from rules: a risk owner, a control in its place, a reason and an end. When the end comes, the violation
//! is open again.

use std::collections::BTreeMap;

use kernel::id::{ExceptionId, PersonId};
use kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::{Deadline, Due, Read, Row, params};

use super::violation;
use crate::approver;
use crate::document::{self, DocumentKind};
use crate::duty_sql as sql;
use crate::error::{Error, Refusal, said};
use crate::person;
use crate::room::{Identity, Turn};

/// The deadline of an exception.
pub(crate) const EXCEPTION: &str = "identity.sod-exception";
const MOST: u32 = 100_000;

kernel::words! {
    /// Where an exception is in its life.
    ExceptionState {
        Active = "active",
        Expired = "expired",
        Withdrawn = "withdrawn",
    }
}

/// Somebody may hold what a rule keeps apart, for a time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SodException {
    pub id: ExceptionId,
    /// The rule's key.
    pub rule: String,
    pub person: PersonId,
    /// Who answers for the risk.
    pub risk_owner: PersonId,
    /// What is done in place of keeping the keys apart: "a second signature on each payment".
    pub mitigation: String,
    pub reason: String,
    pub state: ExceptionState,
    pub until: Timestamp,
    pub given_by: String,
    pub given: Timestamp,
    pub ended: Option<Timestamp>,
    pub ended_by: Option<String>,
}

/// An exception to be given.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSodException {
    pub rule: String,
    pub person: PersonId,
    pub risk_owner: PersonId,
    pub mitigation: String,
    pub reason: String,
    pub until: Timestamp,
}

fn exception(row: &Row) -> Result<SodException, Error> {
    Ok(SodException {
        id: row.id("id")?,
        rule: row.text("rule")?.to_owned(),
        person: row.id("person_id")?,
        risk_owner: row.id("risk_owner")?,
        mitigation: row.text("mitigation")?.to_owned(),
        reason: row.text("reason")?.to_owned(),
        state: row.parse("state")?,
        until: row.time("until_us")?,
        given_by: row.text("given_by")?.to_owned(),
        given: row.time("given_us")?,
        ended: row.time_opt("ended_us")?,
        ended_by: row.text_opt("ended_by")?.map(str::to_owned),
    })
}

/// Exceptions in force, by rule and person. One whose time is over is not in force, whether or not its deadline fired.
pub(crate) async fn in_force(
    read: &mut impl Read,
    now: Timestamp,
) -> Result<BTreeMap<(String, PersonId), SodException>, Error> {
    let rows = read.rows(&sql::SOD_EXCEPTIONS, params![Some(ExceptionState::Active.as_str()), MOST]).await?;
    let mut all = BTreeMap::new();
    for row in &rows {
        let one = exception(row)?;
        if now < one.until {
            all.insert((one.rule.clone(), one.person), one);
        }
    }
    Ok(all)
}

/// Gives an exception. Nobody gives one to themselves, nor owns the risk of their own exception.
pub(crate) async fn give(turn: &mut Turn, new: NewSodException) -> Result<SodException, Error> {
    let mitigation = said("mitigation", &new.mitigation, 2_000)?;
    let reason = said("reason", &new.reason, 2_000)?;
    if new.risk_owner == new.person {
        return Err(Refusal::rule("nobody owns the risk of their own exception").into());
    }
    person::must(&mut turn.tx, new.person).await?;
    person::must(&mut turn.tx, new.risk_owner).await?;
    let rule = document::find(&mut turn.tx, DocumentKind::SodRule, &new.rule).await?;
    rule.ok_or_else(|| Error::missing("sod-rule", &new.rule))?;
    let policy = approver::policy(&mut turn.tx).await?;
    let now = turn.now();
    let latest = now.plus_micros(policy.exception_days * 86_400_000_000);
    if new.until <= now || new.until > latest {
        let problem = format!("it must end after now and by {latest} ({} days)", policy.exception_days);
        return Err(Refusal::bad("until", problem).into());
    }
    let id: ExceptionId = turn.tx.id();
    let by = turn.actor.to_string();
    let row = params![id, &new.rule, new.person, new.risk_owner, &mitigation, &reason, new.until, by.as_str(), now];
    turn.tx.execute_one(&sql::INSERT_SOD_EXCEPTION, row).await?;
    turn.tx
        .deadline(Deadline {
            kind: EXCEPTION.to_owned(),
            subject: id.to_string(),
            owes: new.risk_owner.to_string(),
            due: Due::At(new.until),
            otherwise: "the violation is open again".to_owned(),
        })
        .await?;
    let given = SodException {
        id,
        rule: new.rule,
        person: new.person,
        risk_owner: new.risk_owner,
        mitigation,
        reason,
        state: ExceptionState::Active,
        until: new.until,
        given_by: by,
        given: now,
        ended: None,
        ended_by: None,
    };
    turn.record("sod-exception.give", id, Json::Null, json!(given));
    violation::reassess(turn, given.person).await?;
    Ok(given)
}

/// The time of an exception is over.
pub(crate) async fn expired(turn: &mut Turn, id: ExceptionId) -> Result<(), Error> {
    end(turn, id, ExceptionState::Expired).await.map(drop)
}

async fn end(turn: &mut Turn, id: ExceptionId, state: ExceptionState) -> Result<SodException, Error> {
    let row = turn.tx.fetch_optional(&sql::SOD_EXCEPTION, params![id]).await?;
    let before = exception(&row.ok_or_else(|| Error::missing("exception", id))?)?;
    let (now, by) = (turn.now(), turn.actor.to_string());
    if turn.tx.execute(&sql::END_SOD_EXCEPTION, params![id, state.as_str(), now, by.as_str()]).await? == 0 {
        return Ok(before);
    }
    if state != ExceptionState::Expired {
        turn.tx.cancel_deadline(EXCEPTION, &id.to_string()).await?;
    }
    let after = SodException { state, ended: Some(now), ended_by: Some(by), ..before.clone() };
    turn.record(&format!("sod-exception.{state}"), id, json!(before), json!(after));
    violation::reassess(turn, after.person).await?;
    Ok(after)
}

impl Identity {
    /// Gives an exception. Only the rule's owner, who owns the risk, may, and never for themselves.
    ///
    /// # Errors
    /// [`Error::Refused`] for anybody else, for words that are missing and for an end that is too far.
    pub async fn except(&self, new: NewSodException, actor: &Actor) -> Result<SodException, Error> {
        let mut turn = self.turn(actor, &new.reason).await?;
        let by = approver::person_of(&mut turn.tx, actor).await?;
        let rule = document::find(&mut turn.tx, DocumentKind::SodRule, &new.rule).await?;
        let rule: super::SodRule = rule.ok_or_else(|| Error::missing("sod-rule", &new.rule))?.read()?;
        let owner = person::must(&mut turn.tx, by).await?.sheet.number;
        if owner.as_deref() != Some(rule.owner.as_str()) || by != new.risk_owner {
            let problem = format!("only the owner of the risk, number {}, can except from `{}`", rule.owner, new.rule);
            return Err(Refusal::rule(problem).into());
        }
        if by == new.person {
            return Err(Refusal::rule("nobody excepts themselves").into());
        }
        let given = give(&mut turn, new).await?;
        turn.finish().await?;
        Ok(given)
    }

    /// Withdraws an exception before its end.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn withdraw_exception(&self, id: ExceptionId, why: &str, actor: &Actor) -> Result<SodException, Error> {
        let mut turn = self.turn(actor, &said("reason", why, 2_000)?).await?;
        let ended = end(&mut turn, id, ExceptionState::Withdrawn).await?;
        turn.finish().await?;
        Ok(ended)
    }

    /// Exceptions, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn exceptions(&self, state: Option<ExceptionState>) -> Result<Vec<SodException>, Error> {
        let params = params![state.map(ExceptionState::as_str), MOST];
        self.store.fetch_all(&sql::SOD_EXCEPTIONS, params).await?.iter().map(exception).collect()
    }
}
