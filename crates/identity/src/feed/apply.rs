//! Writing what a delivery changes: people, contracts, and what was known of them when.

use std::collections::HashSet;

use jiff::civil::Date;
use kernel::id::EngagementId;
use kernel::{Fact, Timestamp};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::batch::finding_kind;
use super::delta::{Change, FeedChange, Held, Quarantined, Suspicion};
use super::mapping::Mapped;
use crate::engagement::{self, Engagement, EngagementSheet, EngagementState, Standing, day_after, day_begins};
use crate::error::Error;
use crate::finding::{self, FindingKind, FindingState, NewFinding};
use crate::person::{self, Anchor, Person};
use crate::room::Turn;
use crate::saying::{Title, saying};
use crate::slice;

/// Writes one change. `at`: the instant of which the delivery tells.
pub(super) async fn change(
    turn: &mut Turn,
    source: &str,
    held: &Held,
    change: &Change,
    at: Timestamp,
    cause: &str,
) -> Result<(), Error> {
    turn.touch(change.person);
    let engagement = held.engagements.get(&change.key);
    let Some(mapped) = &change.mapped else {
        let Some(engagement) = engagement else { return Ok(()) };
        return absent(turn, engagement, at, cause).await;
    };
    write_person(turn, source, held, change, mapped, cause).await?;
    write_engagement(turn, source, change, engagement, mapped, cause).await?;
    let live = engagement.is_some_and(|engagement| engagement.state.is_live());
    if change.kind == FeedChange::Move && live {
        let moved = Fact::PersonMoved { person: change.person, at: turn.now() };
        turn.tx.emit(moved);
    }
    Ok(())
}

async fn write_person(
    turn: &mut Turn,
    source: &str,
    held: &Held,
    change: &Change,
    mapped: &Mapped,
    cause: &str,
) -> Result<(), Error> {
    let now = turn.now();
    let known = held.people.get(&change.person);
    let before = known.map_or(Json::Null, |person| json!(person.sheet));
    if known.is_none_or(|person| person.sheet != mapped.person) && (known.is_some() || change.is_new) {
        let mut person = known.cloned().unwrap_or_else(|| Person::new(change.person, mapped.person.clone(), now));
        person.sheet = mapped.person.clone();
        person::save(&mut turn.tx, &mut person).await?;
        let subject = change.person.to_string();
        let slices = match known {
            Some(_) => slice::history(&mut turn.tx, &subject).await?,
            None => Vec::new(),
        };
        let current: Vec<_> = slices.into_iter().filter(|slice| slice.superseded.is_none()).collect();
        let recorded = slice::record(&current, now, &mapped.person);
        slice::write(turn, &subject, change.person, cause, recorded).await?;
        let verb = if known.is_some() { "person.change" } else { "person.add" };
        turn.record(verb, change.person, before, json!(mapped.person));
    }
    let anchor = Anchor { source: source.to_owned(), anchor: mapped.anchor.clone() };
    if held.anchors.get(&anchor) != Some(&change.person) {
        person::save_anchor(&mut turn.tx, &anchor, change.person).await?;
    }
    Ok(())
}

async fn write_engagement(
    turn: &mut Turn,
    source: &str,
    change: &Change,
    known: Option<&Engagement>,
    mapped: &Mapped,
    cause: &str,
) -> Result<(), Error> {
    let sheet = &mapped.engagement;
    let (begins, ends) = span(turn, sheet);
    let now = turn.now();
    let mut engagement = known.cloned().unwrap_or_else(|| Engagement {
        id: engagement_id(source, &mapped.key),
        person: change.person,
        source: source.to_owned(),
        source_key: mapped.key.clone(),
        // Where it is in its life is decided when the turn ends.
        state: EngagementState::Future,
        begins,
        ends,
        sheet: sheet.clone(),
        row_digest: None,
        version: 0,
        created: now,
        updated: now,
    });
    let before = known.map_or(Json::Null, |engagement| json!(engagement.sheet));
    let told = mapped.effective.map(|day| day_begins(day, turn.known.policy.zone(sheet.station.as_deref())));
    let from = match known {
        None => told.unwrap_or(begins).min(begins),
        Some(_) => told.unwrap_or(now),
    };
    let subject = engagement.id.to_string();
    let current = match known {
        Some(_) => slice::history(&mut turn.tx, &subject).await?,
        None => Vec::new(),
    };
    let mut current: Vec<slice::Slice<EngagementSheet>> =
        current.into_iter().filter(|slice| slice.superseded.is_none()).collect();
    current.sort_by_key(|slice| slice.from);
    let recorded = slice::record(&current, from, sheet);
    slice::write(turn, &subject, change.person, cause, recorded).await?;
    if engagement.person != change.person {
        turn.touch(engagement.person);
    }
    engagement.person = change.person;
    engagement.sheet = sheet.clone();
    engagement.begins = begins;
    engagement.ends = ends;
    engagement.row_digest = Some(mapped.digest.clone());
    engagement::save(&mut turn.tx, &mut engagement).await?;
    turn.record(&format!("engagement.{}", change.kind), engagement.id, before, json!(sheet));
    Ok(())
}

/// A contract that the source no longer has: it ended before the delivery, or was never to be.
async fn absent(turn: &mut Turn, known: &Engagement, at: Timestamp, cause: &str) -> Result<(), Error> {
    let mut engagement = known.clone();
    if known.state == EngagementState::Future {
        engagement.sheet.standing = Standing::Cancelled;
    } else {
        let yesterday = day_of(turn, &known.sheet, at).and_then(|day| day.yesterday().ok());
        let last = yesterday.unwrap_or(known.sheet.begins).max(known.sheet.begins);
        engagement.sheet.ends = Some(known.sheet.ends.map_or(last, |ends| ends.min(last)));
    }
    engagement.row_digest = None;
    (engagement.begins, engagement.ends) = span(turn, &engagement.sheet);
    let subject = known.id.to_string();
    let current = slice::history(&mut turn.tx, &subject).await?;
    let mut current: Vec<slice::Slice<EngagementSheet>> =
        current.into_iter().filter(|slice| slice.superseded.is_none()).collect();
    current.sort_by_key(|slice| slice.from);
    let now = turn.now();
    let recorded = slice::record(&current, now, &engagement.sheet);
    slice::write(turn, &subject, known.person, cause, recorded).await?;
    engagement::save(&mut turn.tx, &mut engagement).await?;
    turn.record("engagement.absent", known.id, json!(known.sheet), json!(engagement.sheet));
    Ok(())
}

/// The first instant of a contract, and the first after it.
pub(super) fn span(turn: &Turn, sheet: &EngagementSheet) -> (Timestamp, Option<Timestamp>) {
    let zone = turn.known.policy.zone(sheet.station.as_deref());
    (day_begins(sheet.begins, zone), sheet.ends.map(|last| day_after(last, zone)))
}

/// The day at the duty station.
fn day_of(turn: &Turn, sheet: &EngagementSheet, at: Timestamp) -> Option<Date> {
    let zone = turn.known.policy.zone(sheet.station.as_deref()).clone();
    let instant = jiff::Timestamp::from_microsecond(at.micros()).ok()?;
    Some(instant.to_zoned(zone).date())
}

/// The id of a contract; the same whenever a source tells of it.
pub(super) fn engagement_id(source: &str, key: &str) -> EngagementId {
    let digest = Sha256::digest(format!("engagement\n{source}\n{key}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    EngagementId::derived(bytes)
}

/// Records that wait become findings. Those of earlier deliveries that are told otherwise by now, or by a full delivery no
/// longer, are gone.
pub(super) async fn quarantine(
    turn: &mut Turn,
    source: &str,
    waiting: &[Quarantined],
    settled: Settled<'_>,
    cause: &str,
) -> Result<(), Error> {
    let subject = |one: &Quarantined| {
        let key = one.mapped.as_ref().map_or_else(|| format!("line {}", one.line), |mapped| mapped.key.clone());
        format!("{source}/{key}")
    };
    let still: HashSet<(FindingKind, String)> =
        waiting.iter().map(|one| (finding_kind(one.suspicion), subject(one))).collect();
    for kind in [FindingKind::Match, FindingKind::NumberReused, FindingKind::BadRow] {
        for open in finding::list(&mut turn.tx, Some(kind), Some(FindingState::Open)).await? {
            let is_ours = open.detail["feed"].as_str() == Some(source);
            let is_over = match settled {
                Settled::All => true,
                Settled::Told(keys) => open.detail["record"]["key"].as_str().is_some_and(|key| keys.contains(key)),
            };
            if is_ours && is_over && !still.contains(&(kind, open.subject.clone())) {
                turn.settle_finding(kind, &open.subject, "a later delivery says it otherwise").await?;
            }
        }
    }
    for one in waiting {
        let finding = NewFinding {
            person: one.candidates.first().copied(),
            detail: json!({
                "feed": source, "batch": cause, "line": one.line, "record": one.mapped, "candidates": one.candidates,
                "kept": one.kept,
            }),
            ..NewFinding::new(finding_kind(one.suspicion), subject(one), title(one))
        };
        turn.find(finding).await?;
    }
    Ok(())
}

/// Why a record waits: of somebody who may be known in every language, of what is wrong with it as it was found.
fn title(one: &Quarantined) -> Title {
    let Some(mapped) = one.mapped.as_ref().filter(|_| one.suspicion == Suspicion::Match) else {
        return one.reason.clone().into();
    };
    let (name, number) = (mapped.person.display_name(), &mapped.anchor);
    let said = match one
        .reason
        .split_once("; the contract ")
        .and_then(|(_, rest)| rest.strip_suffix(" stays as it was"))
    {
        Some(kept) => saying!(
            "{name} under the new number {number} may be somebody who is known; the contract {kept} stays as it was",
            name = name,
            number = number,
            kept = kept
        ),
        None => {
            saying!("{name} under the new number {number} may be somebody who is known", name = name, number = number)
        }
    };
    said.into()
}

/// Which earlier findings a delivery answers.
#[derive(Clone, Copy)]
pub(super) enum Settled<'a> {
    /// It tells of everybody.
    All,
    /// It tells of these contracts.
    Told(&'a HashSet<&'a str>),
}
