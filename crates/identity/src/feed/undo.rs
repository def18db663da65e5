//! Taking back a decision on a record that waited: number, names and contract are what they were before, and the question
//! is asked again.

use std::collections::BTreeMap;

use kernel::id::{BatchId, FindingId, PersonId};
use kernel::{Actor, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{Statement, params};

use super::batch::held_state;
use super::decide::is_told_still;
use super::delta::Held;
use super::mapping::Mapped;
use crate::engagement::{Engagement, EngagementSheet};
use crate::error::{Error, Refusal, said};
use crate::finding::{self, Finding, NewFinding};
use crate::person::{self, Anchor, PersonSheet, PersonState};
use crate::room::{Identity, Turn};
use crate::slice::{self, Recorded, Slice};
use crate::{engagement, merge, sql};

const INSERT: Statement = Statement::new(
    "identity.insert_record_decision",
    "INSERT INTO identity_record_decision (finding_id, feed, person_id, source_key, anchor, record, before, decided_us) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
const ONE: Statement = Statement::new(
    "identity.record_decision",
    "SELECT feed, person_id, record, before, decided_us, undone_us FROM identity_record_decision WHERE finding_id = $1",
);
const UNDO: Statement = Statement::new(
    "identity.undo_record_decision",
    "UPDATE identity_record_decision SET undone_us = $2, undone_by = $3, undone_why = $4 WHERE finding_id = $1 AND \
     undone_us IS NULL",
);
const UNDONE_SINCE: Statement = Statement::new(
    "identity.record_decision_undone_since",
    "SELECT finding_id FROM identity_record_decision WHERE feed = $1 AND undone_us >= $2 LIMIT 1",
);
const FORGET_ANCHOR: Statement =
    Statement::new("identity.forget_anchor", "DELETE FROM identity_anchor WHERE source = $1 AND anchor = $2");
const FORGET_ENGAGEMENT: Statement =
    Statement::new("identity.forget_engagement", "DELETE FROM identity_engagement WHERE id = $1");

/// Every statement of this module.
pub const UNDO_STATEMENTS: &[Statement] = &[INSERT, ONE, UNDO, UNDONE_SINCE, FORGET_ANCHOR, FORGET_ENGAGEMENT];

/// What was so before a decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Before {
    /// Whose the number was.
    anchor: Option<PersonId>,
    /// Names of the person that was decided for; `None`: nobody of that id was known.
    person: Option<PersonSheet>,
    /// The contract; `None`: it was not known.
    contract: Option<(EngagementSheet, Option<String>)>,
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// Who had been decided for; `None`: nobody.
    pub person: Option<PersonId>,
    /// Contracts that are no longer that person's, by what the feed calls them.
    pub contracts: Vec<String>,
    /// The question that is open again. `None`: the source says this no longer, or its next delivery asks.
    pub asked_again: Option<FindingId>,
}

/// Keeps what a decision is about to change.
pub(super) async fn keep(
    turn: &mut Turn,
    finding: FindingId,
    (source, record): (&str, &Mapped),
    person: Option<PersonId>,
    held: &Held,
) -> Result<(), Error> {
    let anchor = Anchor { source: source.to_owned(), anchor: record.anchor.clone() };
    let contract = held.engagements.get(&record.key);
    let before = Before {
        anchor: held.anchors.get(&anchor).copied(),
        person: person.and_then(|id| held.people.get(&id)).map(|one| one.sheet.clone()),
        contract: contract.map(|one| (one.sheet.clone(), one.row_digest.clone())),
    };
    let now = turn.now();
    let (record_text, before) = (json!(record), json!(before));
    let row = params![finding, source, person, &record.key, &record.anchor, &record_text, &before, now];
    Ok(turn.tx.execute_one(&INSERT, row).await?)
}

/// Whether a decision on a record of a feed was taken back since: the same file says something again.
pub(super) async fn undone_since(turn: &mut Turn, feed: &str, at: Timestamp) -> Result<bool, Error> {
    Ok(turn.tx.fetch_optional(&UNDONE_SINCE, params![feed, at]).await?.is_some())
}

impl Identity {
    /// Takes back what a person decided on a record that waited, and asks again. Everything that followed is computed anew:
    /// accounts and access that the decision gave go, those that it took come back.
    ///
    /// # Errors
    /// [`Error::NotFound`] when nothing was decided on the finding, [`Error::Refused`] when it was taken back already, or when
    /// what it did was built upon: the person's record was merged since, or the number was decided on anew.
    pub async fn undo_record_decision(&self, id: FindingId, why: &str, actor: &Actor) -> Result<Undone, Error> {
        let why = said("reason", why, 2_000)?;
        let mut turn = self.turn(actor, &why).await?;
        let row = turn.tx.fetch_optional(&sql::FINDING, params![id]).await?;
        let finding = finding::finding(&row.ok_or_else(|| Error::missing("finding", id))?)?;
        let row = turn.tx.fetch_optional(&ONE, params![id]).await?;
        let Some(row) = row else {
            let text = "nobody decided on a record here, or it was before decisions could be taken back";
            return Err(Refusal::rule(text).into());
        };
        let (now, by) = (turn.now(), turn.actor.to_string());
        if turn.tx.execute(&UNDO, params![id, now, by, &why]).await? == 0 {
            return Err(Refusal::rule("it was taken back already").into());
        }
        let source = row.text("feed")?.to_owned();
        let person: Option<PersonId> = row.id_opt("person_id")?;
        let (mut record, before): (Mapped, Before) = (row.json("record")?, row.json("before")?);
        let held = held_state(&mut turn, &source).await?;
        let mut asked = is_told_still(&mut turn, &finding).await?.then(|| finding.detail["batch"].clone());
        let mut contracts = Vec::new();
        if let Some(person) = person {
            merge::must_be_somebody_elses(&mut turn, &[person], actor).await?;
            let undoing = Undoing { source: &source, person, held: &held, decided: row.time("decided_us")? };
            undoing.must_stand(&mut turn, &record).await?;
            undoing.anchor(&mut turn, &record, before.anchor).await?;
            undoing.names(&mut turn, &record, before.person.clone()).await?;
            contracts = undoing.contracts(&mut turn, &record, before).await?;
            asked = undoing.asked(&mut turn, &mut record).await?;
            turn.touch(person);
        }
        let asked_again = match asked {
            Some(batch) => Some(ask_again(&mut turn, &finding, &record, batch).await?),
            None => None,
        };
        let undone = Undone { person, contracts, asked_again };
        turn.record("finding.undo", id, json!({ "decision": finding.decision }), json!(undone));
        turn.finish().await?;
        Ok(undone)
    }
}

struct Undoing<'a> {
    source: &'a str,
    person: PersonId,
    held: &'a Held,
    decided: Timestamp,
}

impl Undoing<'_> {
    async fn must_stand(&self, turn: &mut Turn, record: &Mapped) -> Result<(), Error> {
        if person::must(&mut turn.tx, self.person).await?.state == PersonState::Merged {
            return Err(Refusal::rule("this person was put together with another record since: undo that first").into());
        }
        let anchor = Anchor { source: self.source.to_owned(), anchor: record.anchor.clone() };
        if self.held.anchors.get(&anchor).is_some_and(|whose| *whose != self.person) {
            let text = format!("the number {} was decided on again since: take that back first", record.anchor);
            return Err(Refusal::rule(text).into());
        }
        Ok(())
    }

    async fn anchor(&self, turn: &mut Turn, record: &Mapped, before: Option<PersonId>) -> Result<(), Error> {
        let anchor = Anchor { source: self.source.to_owned(), anchor: record.anchor.clone() };
        match before {
            Some(former) if former == self.person => {}
            Some(former) => {
                person::save_anchor(&mut turn.tx, &anchor, former).await?;
                turn.touch(former);
            }
            None => drop(turn.tx.execute(&FORGET_ANCHOR, params![&anchor.source, &anchor.anchor]).await?),
        }
        Ok(())
    }

    /// Names as they were, unless a delivery said them anew since.
    async fn names(&self, turn: &mut Turn, record: &Mapped, before: Option<PersonSheet>) -> Result<(), Error> {
        let mut person = person::must(&mut turn.tx, self.person).await?;
        let Some(before) = before.filter(|_| person.sheet == record.person) else { return Ok(()) };
        if before == person.sheet {
            return Ok(());
        }
        let was = json!(person.sheet);
        person.sheet = before;
        person::save(&mut turn.tx, &mut person).await?;
        let subject = person.id.to_string();
        let slices: Vec<Slice<PersonSheet>> = slice::history(&mut turn.tx, &subject).await?;
        slice::write(turn, &subject, person.id, "undo", taken_back(&slices, self.decided)).await?;
        turn.record("person.change", person.id, was, json!(person.sheet));
        Ok(())
    }

    /// With which delivery the question is asked again: the latest, if it tells of the contract still. The record is then as
    /// it was told last.
    async fn asked(&self, turn: &mut Turn, record: &mut Mapped) -> Result<Option<Json>, Error> {
        let Some(contract) = self.held.engagements.get(&record.key).filter(|one| one.row_digest.is_some()) else {
            return Ok(None);
        };
        record.engagement = contract.sheet.clone();
        record.digest = contract.row_digest.clone().unwrap_or_default();
        let latest = turn.tx.fetch_optional(&sql::APPLIED_SINCE, params![self.source, Timestamp(0)]).await?;
        let id: Option<BatchId> = latest.as_ref().map(|row| row.id("id")).transpose()?;
        Ok(id.map(|id| json!(id.to_string())))
    }

    /// Contracts that are the person's by this decision alone are nobody's now; one that the decision changed is what it was.
    async fn contracts(&self, turn: &mut Turn, record: &Mapped, before: Before) -> Result<Vec<String>, Error> {
        let mut gone = Vec::new();
        let decided = self.held.engagements.get(&record.key).filter(|one| one.person == self.person);
        match (decided, before.contract) {
            (Some(contract), None) => gone.push(contract),
            (Some(contract), Some((sheet, digest))) if contract.sheet == record.engagement => {
                self.restore(turn, contract, sheet, digest).await?;
            }
            _ => {}
        }
        let mut others =
            self.held.anchors.iter().filter(|(one, whose)| one.source == self.source && **whose == self.person);
        // Whoever has no other number of the source had every later contract by this one.
        if before.anchor != Some(self.person) && others.all(|(one, _)| one.anchor == record.anchor) {
            let later = self.held.engagements.values();
            let is_later = |one: &&Engagement| one.person == self.person && one.created > self.decided;
            gone.extend(later.filter(is_later).filter(|one| one.source_key != record.key));
        }
        let by_key: BTreeMap<&str, &Engagement> = gone.into_iter().map(|one| (one.source_key.as_str(), one)).collect();
        for contract in by_key.values() {
            self.forget(turn, contract).await?;
        }
        Ok(by_key.into_keys().map(str::to_owned).collect())
    }

    async fn forget(&self, turn: &mut Turn, contract: &Engagement) -> Result<(), Error> {
        let subject = contract.id.to_string();
        let slices: Vec<Slice<EngagementSheet>> = slice::history(&mut turn.tx, &subject).await?;
        let believed = slices.iter().filter(|slice| slice.superseded.is_none()).map(|slice| slice.id).collect();
        let nothing = Recorded::<EngagementSheet> { superseded: believed, added: Vec::new() };
        slice::write(turn, &subject, self.person, "undo", nothing).await?;
        turn.tx.execute(&FORGET_ENGAGEMENT, params![contract.id]).await?;
        turn.record("engagement.undo", contract.id, json!(contract.sheet), Json::Null);
        Ok(())
    }

    async fn restore(
        &self,
        turn: &mut Turn,
        contract: &Engagement,
        sheet: EngagementSheet,
        digest: Option<String>,
    ) -> Result<(), Error> {
        let mut contract = contract.clone();
        let was = json!(contract.sheet);
        (contract.begins, contract.ends) = super::apply::span(turn, &sheet);
        (contract.sheet, contract.row_digest) = (sheet, digest);
        engagement::save(&mut turn.tx, &mut contract).await?;
        let subject = contract.id.to_string();
        let slices: Vec<Slice<EngagementSheet>> = slice::history(&mut turn.tx, &subject).await?;
        slice::write(turn, &subject, self.person, "undo", taken_back(&slices, self.decided)).await?;
        turn.record("engagement.undo", contract.id, was, json!(contract.sheet));
        Ok(())
    }
}

/// What was believed before `decided` is believed again, in the place of what came at that instant.
fn taken_back<T: Clone>(slices: &[Slice<T>], decided: Timestamp) -> Recorded<T> {
    let came = slices.iter().filter(|slice| slice.recorded == decided && slice.superseded.is_none());
    let went = slices.iter().filter(|slice| slice.superseded == Some(decided));
    Recorded {
        superseded: came.map(|slice| slice.id).collect(),
        added: went.map(|slice| (slice.from, slice.until, slice.sheet.clone())).collect(),
    }
}

async fn ask_again(turn: &mut Turn, before: &Finding, record: &Mapped, batch: Json) -> Result<FindingId, Error> {
    let mut detail = before.detail.clone();
    detail["record"] = json!(record);
    detail["batch"] = batch;
    let again = NewFinding {
        person: before.person,
        detail,
        saying: before.saying.clone(),
        ..NewFinding::new(before.kind, before.subject.clone(), before.title.clone())
    };
    turn.find(again).await
}
