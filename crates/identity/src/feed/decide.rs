//! Decisions of people: on a batch that is held, and on a record that waits.

use std::collections::HashSet;

use kernel::id::{BatchId, FindingId, PersonId};
use kernel::{Actor, Timestamp};
use serde_json::Value as Json;
use store::params;

use super::batch::{
    Batch, BatchState, Compared, SHOWN, apply_all, batch, compare, decided, describe, feed_of, held_state,
};
use super::decode::{Manifest, decode};
use super::delta::{Change, Delta, FeedChange, Held, new_person_id};
use super::guard::Verdict;
use super::mapping::Mapped;
use super::{Feed, Scope, apply, undo};
use crate::error::{Error, Refusal, said};
use crate::finding::{Finding, FindingKind};
use crate::room::{Identity, Turn};
use crate::{merge, person, sql};

impl Identity {
    /// Releases a batch that is held, with everything that it does now, or refuses it. One approval is enough.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is not held, when it would do more harm now than what was looked at, or when what it says
    /// was told anew since: it would bring back what is no longer so.
    pub async fn decide_batch(&self, id: BatchId, release: bool, why: &str, actor: &Actor) -> Result<Batch, Error> {
        let why = said("reason", why, 2_000)?;
        let mut turn = self.turn(actor, &why).await?;
        let row = turn.tx.fetch_optional(&sql::BATCH, params![id]).await?;
        let row = row.ok_or_else(|| Error::missing("batch", id))?;
        let mut held = batch(&row)?;
        if held.state != BatchState::Held {
            let allowed = Vec::new();
            return Err(
                Refusal::NotNow { what: "batch", command: "decide", state: held.state.to_string(), allowed }.into()
            );
        }
        held.decided = Some(turn.now());
        held.decided_by = Some(actor.to_string());
        held.decision = Some(why);
        if !release {
            held.state = BatchState::Refused;
            return decided(turn, held).await;
        }
        let content: Json = row.json("content")?;
        let body = content["body"].as_str().unwrap_or_default().as_bytes().to_vec();
        let manifest: Manifest = serde_json::from_value(content["manifest"].clone()).unwrap_or_default();
        let feed = feed_of(&turn, &held.feed)?;
        let decoded = decode(&feed, &body, &manifest).map_err(|faults| Refusal::rule(faults.join("; ")))?;
        let compared = compare(&mut turn, &held, &feed, &decoded).await?;
        let compared = compared.map_err(|faults| Refusal::rule(faults.join("; ")))?;
        if let Verdict::Reject(reasons) = &compared.verdict {
            return Err(Refusal::rule(format!("it cannot be used any more: {}", reasons.join("; "))).into());
        }
        if let Some(harm) = harm(&held, &compared.delta) {
            return Err(Refusal::rule(harm).into());
        }
        if let Some(outdated) = outdated(&mut turn, &held, &feed, &compared).await? {
            return Err(Refusal::rule(outdated).into());
        }
        describe(&mut held, &compared);
        held.state = BatchState::Applied;
        apply_all(&mut turn, &mut held, &compared).await?;
        decided(turn, held).await
    }

    /// Decides on a record that waits: it is that person, it is somebody new, or it is nobody.
    ///
    /// # Errors
    /// [`Error::Refused`] when it was decided already, or when the finding is of another kind.
    pub async fn decide_record(
        &self,
        id: FindingId,
        decision: &RecordDecision,
        why: &str,
        actor: &Actor,
    ) -> Result<(), Error> {
        let why = said("reason", why, 2_000)?;
        let mut turn = self.turn(actor, &why).await?;
        let finding = turn.decide_finding(id, &format!("{}: {why}", decision.word())).await?;
        if !matches!(finding.kind, FindingKind::Match | FindingKind::NumberReused) {
            return Err(Refusal::rule(format!("a finding of the kind {} is not decided this way", finding.kind)).into());
        }
        let source = finding.detail["feed"].as_str().unwrap_or_default().to_owned();
        let record: Mapped = serde_json::from_value(finding.detail["record"].clone())
            .map_err(|error| Refusal::rule(format!("the record cannot be read any more: {error}")))?;
        let (person, is_new) = match decision {
            RecordDecision::Nobody => {
                let held = held_state(&mut turn, &source).await?;
                undo::keep(&mut turn, id, (&source, &record), None, &held).await?;
                turn.finish().await?;
                return Ok(());
            }
            RecordDecision::Same(person) => {
                merge::must_be_somebody_elses(&mut turn, &[*person], actor).await?;
                person::must(&mut turn.tx, *person).await?;
                (*person, false)
            }
            RecordDecision::New => (new_person_id(&source, &record), true),
        };
        let held = held_state(&mut turn, &source).await?;
        must_fit(&mut turn, &finding, (&source, &record, person, is_new), &held).await?;
        undo::keep(&mut turn, id, (&source, &record), Some(person), &held).await?;
        let kind = if held.engagements.contains_key(&record.key) { FeedChange::Update } else { FeedChange::Join };
        let change = Change { kind, person, is_new, leaver: false, key: record.key.clone(), mapped: Some(record) };
        let now = turn.now();
        apply::change(&mut turn, &source, &held, &change, now, "decision").await?;
        turn.finish().await?;
        Ok(())
    }
}

/// What a person says of a record that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordDecision {
    Same(PersonId),
    New,
    Nobody,
}

impl RecordDecision {
    const fn word(&self) -> &'static str {
        match self {
            RecordDecision::Same(_) => "same person",
            RecordDecision::New => "somebody new",
            RecordDecision::Nobody => "nobody",
        }
    }
}

/// Refuses what is based on the people of a feed at an instant, if it has delivered since.
pub(crate) async fn must_be_latest(turn: &mut Turn, feed: &str, at: Timestamp) -> Result<(), Error> {
    let since = turn.tx.fetch_optional(&sql::APPLIED_SINCE, params![feed, at]).await?;
    match since.as_ref().map(batch).transpose()? {
        None => Ok(()),
        Some(since) => Err(Refusal::rule(format!(
            "the feed {feed} has delivered since ({}): simulate again, and look again",
            since.id
        ))
        .into()),
    }
}

/// A record is decided on as long as the source says so, for somebody whom it may be, and never over what is another's.
async fn must_fit(
    turn: &mut Turn,
    finding: &Finding,
    (source, record, person, is_new): (&str, &Mapped, PersonId, bool),
    held: &Held,
) -> Result<(), Error> {
    if feed_of(turn, source)?.scope == Scope::Full && !is_told_still(turn, finding).await? {
        let text = "the source has delivered since and says this no longer: what it says now is what counts";
        return Err(Refusal::rule(text).into());
    }
    let candidates = finding.detail["candidates"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !is_new && !candidates.iter().any(|one| one.as_str() == Some(&person.to_string())) {
        let text = "this is none of those who it may be: put the two records together once it is known as somebody new";
        return Err(Refusal::bad("person", text).into());
    }
    match held.engagements.get(&record.key).filter(|contract| contract.person != person) {
        None => Ok(()),
        Some(contract) => {
            let whose = held.people.get(&contract.person).map(|one| one.sheet.display_name()).unwrap_or_default();
            let key = &record.key;
            let text = format!("the contract {key} is that of {whose}: the source has to give this one another number");
            Err(Refusal::rule(text).into())
        }
    }
}

/// Whether no delivery was applied after the one that a finding is of.
pub(super) async fn is_told_still(turn: &mut Turn, finding: &Finding) -> Result<bool, Error> {
    let Some(id) = finding.detail["batch"].as_str().and_then(|id| id.parse::<BatchId>().ok()) else { return Ok(false) };
    let row = turn.tx.fetch_optional(&sql::BATCH, params![id]).await?;
    let Some(told) = row.as_ref().map(batch).transpose()? else { return Ok(false) };
    let at = told.decided.unwrap_or(told.received);
    Ok(turn.tx.fetch_optional(&sql::APPLIED_SINCE, params![told.feed, at]).await?.is_none())
}

/// Who would leave now and was not among those whom a person looked at.
fn harm(held: &Batch, delta: &Delta) -> Option<String> {
    let again = "send it again, and look again";
    let now = delta.leavers.people;
    if i64::try_from(now).unwrap_or(i64::MAX) > held.leavers {
        return Some(format!("{now} people would leave now; {} when it was held: {again}", held.leavers));
    }
    let shown = held.changes.as_array().map(Vec::as_slice).unwrap_or_default();
    if shown.len() >= SHOWN {
        return None;
    }
    let looked_at: HashSet<&str> = shown.iter().filter_map(|change| change["person"].as_str()).collect();
    let leaving = delta.changes.iter().filter(|change| change.leaver);
    let other = leaving.filter(|change| !looked_at.contains(change.person.to_string().as_str())).count();
    (other > 0).then(|| format!("{other} people would leave now who would not when it was held: {again}"))
}

/// Why what was held is no longer the latest that is known. A full delivery is outdated by any that was applied since; one
/// of changes only by those that told of the same people or contracts.
async fn outdated(turn: &mut Turn, held: &Batch, feed: &Feed, compared: &Compared) -> Result<Option<String>, Error> {
    let since = turn.tx.fetch_optional(&sql::APPLIED_SINCE, params![&held.feed, held.received]).await?;
    let Some(since) = since.as_ref().map(batch).transpose()? else { return Ok(None) };
    let at = since.decided.unwrap_or(since.received);
    let told = format!("the delivery {} was applied on {at}, after this one was received", since.id);
    let changed = |change: &&Change| {
        let contract = compared.held.engagements.get(&change.key).map(|one| one.updated);
        let person = compared.held.people.get(&change.person).map(|one| one.updated);
        contract.max(person).is_some_and(|updated| updated > held.received)
    };
    match feed.scope {
        Scope::Full => Ok(Some(format!("{told}, and says otherwise: refuse this one, and send a new one"))),
        Scope::Partial => {
            let other = compared.delta.changes.iter().find(changed);
            Ok(other.map(|change| format!("{told}; the contract {} was told of since: send a new one", change.key)))
        }
    }
}
