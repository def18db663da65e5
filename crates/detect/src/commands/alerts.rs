//! Hits become alerts, alerts join groups, other rooms are told.

use std::collections::{BTreeMap, BTreeSet};

use kernel::fact::AlertRaised;
use kernel::id::{AlertGroupId, AlertId};
use kernel::{Actor, Fact, Severity, Timestamp};
use sha2::{Digest, Sha256};
use store::{Entry, Tx, params};

use crate::alert::{AlertEvent, Hit, KEPT_EVENTS};
use crate::commands::correlations;
use crate::correlating::Correlated;
use crate::error::Error;
use crate::grouping::{self, Candidate, Tie};
use crate::{Detect, risk, sql};

/// What became of a batch of hits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// New alerts.
    pub raised: Vec<AlertId>,
    /// Alerts that were there and grew.
    pub grown: u64,
    /// Alerts that late events undid.
    pub withdrawn: u64,
    /// The batch had been recorded before.
    pub repeated: bool,
}

/// Hits that are one alert, or a part of one.
pub(super) struct Bundle {
    pub likeness: String,
    pub first: Hit,
    pub events: Vec<AlertEvent>,
    pub count: u64,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Batches are remembered for so long; the log that could repeat them is gone by then.
const REMEMBERED_US: i64 = 30 * 86_400_000_000;

impl Detect {
    /// Stores the hits of one batch (a delivery, or a run of a scheduled rule) under its name. The same batch again
    /// changes nothing.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails: nothing was written, try again.
    pub async fn record(&self, batch: &str, hits: Vec<Hit>) -> Result<Recorded, Error> {
        self.record_with(batch, &hits, &Correlated::default()).await
    }

    /// As [`Detect::record`], with what the batch made of correlations, in the same transaction.
    ///
    /// # Errors
    /// As [`Detect::record`]; to be tried again with the same `correlated`.
    pub async fn record_with(&self, batch: &str, hits: &[Hit], correlated: &Correlated) -> Result<Recorded, Error> {
        if hits.is_empty() && correlated.told.is_empty() {
            self.keep_entry(correlated).await?;
            return Ok(Recorded::default());
        }
        let total = hits.len();
        let bundles = bundle(hits.to_vec());
        let mut tx = self.store.begin().await?;
        tx.lock("detect.grouping").await?;
        let now = tx.now();
        if tx.execute(&sql::MARK_BATCH, params![batch, now]).await? == 0 {
            return Ok(Recorded { repeated: true, ..Recorded::default() });
        }
        tx.execute(&sql::FORGET_BATCHES, params![now.plus_micros(-REMEMBERED_US)]).await?;
        let mut recorded = Recorded::default();
        let mut touched = BTreeSet::new();
        for bundle in bundles {
            match grow(&mut tx, &bundle).await? {
                Some(group) => {
                    recorded.grown += 1;
                    touched.insert(group);
                }
                None => {
                    let id: AlertId = derived(&[batch, &bundle.likeness, "alert", &bundle.from.to_string()]);
                    touched.insert(raise(&mut tx, batch, id, &bundle).await?);
                    recorded.raised.push(id);
                }
            }
        }
        for told in &correlated.told {
            touched.extend(correlations::tell(&mut tx, batch, told, &mut recorded).await?);
        }
        correlations::add_entry(&mut tx, correlated).await?;
        for group in touched {
            settle(&mut tx, group).await?;
        }
        let after = serde_json::json!({
            "hits": total, "raised": recorded.raised, "grown": recorded.grown, "withdrawn": recorded.withdrawn,
        });
        let entry = Entry::new(&Actor::system("detect"), "alerts.record", format!("batch/{batch}"));
        tx.commit(entry.after(after)).await?;
        Ok(recorded)
    }
}

/// Hits by likeness, in order of time; a pause longer than the rule's quiet time begins a new bundle.
fn bundle(mut hits: Vec<Hit>) -> Vec<Bundle> {
    hits.sort_by(|a, b| {
        (a.event.time, &a.event.item_id, &a.rule_id).cmp(&(b.event.time, &b.event.item_id, &b.rule_id))
    });
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    let mut bundles: Vec<Bundle> = Vec::new();
    for hit in hits {
        let likeness = hit.likeness();
        let known = open.get(&likeness).copied();
        let fitting = known.filter(|&at| hit.event.time <= bundles[at].to.plus_micros(hit.quiet_us));
        match fitting {
            Some(at) => bundles[at].add(hit),
            None => {
                open.insert(likeness.clone(), bundles.len());
                bundles.push(Bundle::new(likeness, hit));
            }
        }
    }
    bundles
}

impl Bundle {
    fn new(likeness: String, hit: Hit) -> Bundle {
        let (from, to, count) = (hit.event.time, hit.until, 1 + hit.further);
        Bundle { likeness, events: vec![hit.event.clone()], count, from, to, first: hit }
    }

    fn add(&mut self, hit: Hit) {
        self.count += 1 + hit.further;
        self.to = self.to.max(hit.until);
        self.first.severity = self.first.severity.max(hit.severity);
        if self.events.len() < KEPT_EVENTS {
            self.events.push(hit.event);
        }
    }
}

/// Adds the bundle to an alert of the same likeness that is near in time; tells its group. `None`: there is none.
async fn grow(tx: &mut Tx, bundle: &Bundle) -> Result<Option<AlertGroupId>, Error> {
    let (from, to) = (bundle.from.plus_micros(-bundle.first.quiet_us), bundle.to.plus_micros(bundle.first.quiet_us));
    let Some(row) = tx.fetch_optional(&sql::FIND_ALIKE, params![&bundle.likeness, from, to]).await? else {
        return Ok(None);
    };
    let id: AlertId = row.id("id")?;
    let seen = if row.count("kept")? < KEPT_EVENTS as u64 { keep_events(tx, id, &bundle.events).await? } else { 0 };
    let first = row.time("first_event_us")?.min(bundle.from);
    let last = row.time("last_event_us")?.max(bundle.to);
    let count = (row.count("event_count")? + bundle.count).saturating_sub(seen);
    tx.execute(&sql::GROW_ALERT, params![id, first, last, count]).await?;
    Ok(Some(row.id("group_id")?))
}

/// Adds events to those that an alert keeps; tells how many of them it had already.
async fn keep_events(tx: &mut Tx, id: AlertId, more: &[AlertEvent]) -> Result<u64, Error> {
    let Some(row) = tx.fetch_optional(&sql::ALERT_EVENTS, params![id]).await? else { return Ok(0) };
    let mut events: Vec<AlertEvent> = row.json("events")?;
    let known: BTreeSet<&str> = events.iter().map(|event| event.item_id.as_str()).collect();
    let fresh: Vec<AlertEvent> = more.iter().filter(|event| !known.contains(event.item_id.as_str())).cloned().collect();
    let seen = (more.len() - fresh.len()) as u64;
    if !fresh.is_empty() {
        events.extend(fresh);
        events.sort_by(|a, b| (a.time, &a.item_id).cmp(&(b.time, &b.item_id)));
        events.truncate(KEPT_EVENTS);
        tx.execute(&sql::KEEP_EVENTS, params![id, json(&events), events.len()]).await?;
    }
    Ok(seen)
}

/// Makes an alert of the bundle, in the group that it belongs to or a new one.
pub(super) async fn raise(tx: &mut Tx, batch: &str, id: AlertId, bundle: &Bundle) -> Result<AlertGroupId, Error> {
    let hit = &bundle.first;
    let ties = grouping::ties_of(&hit.entities);
    let group = match grouping::choose(&ties, bundle.from, &candidates(tx, &ties, bundle.from).await?) {
        Some(group) => group,
        None => {
            let group: AlertGroupId = derived(&[batch, &bundle.likeness, "group", &bundle.from.to_string()]);
            let weight = risk::weight(hit.severity);
            tx.execute(&sql::INSERT_GROUP, params![group, bundle.from, bundle.to, hit.severity, weight]).await?;
            group
        }
    };
    for (kind, key) in &ties {
        tx.execute(&sql::TIE_GROUP, params![group, kind.as_str(), key]).await?;
    }
    let now = tx.now();
    tx.execute(
        &sql::INSERT_ALERT,
        params![
            id,
            &hit.rule_id,
            hit.rule_kind.as_str(),
            &hit.rule_digest,
            &hit.title,
            hit.severity,
            hit.severity as i64,
            json(&hit.techniques),
            group,
            bundle.from,
            bundle.to,
            now,
            bundle.count,
            json(&hit.entities),
            json(&bundle.events),
            bundle.events.len(),
            &bundle.likeness,
            risk::weight(hit.severity),
            hit.rule_revision.as_deref(),
        ],
    )
    .await?;
    for entity in &hit.entities {
        tx.execute(&sql::INSERT_ALERT_ENTITY, params![id, entity.kind.as_str(), &entity.key]).await?;
    }
    // The next alert of this batch must see how far the group reaches by now.
    settle(tx, group).await?;
    tx.emit(Fact::AlertRaised(AlertRaised {
        alert: id,
        group,
        rule_id: hit.rule_id.clone(),
        title: hit.title.clone(),
        severity: hit.severity,
        event_time: bundle.from,
        entities: hit.entities.clone(),
        techniques: hit.techniques.clone(),
    }));
    Ok(group)
}

async fn candidates(tx: &mut Tx, ties: &BTreeSet<Tie>, at: Timestamp) -> Result<Vec<Candidate>, Error> {
    let (from, to) = (at.plus_micros(-grouping::WINDOW_US), at.plus_micros(grouping::WINDOW_US));
    let mut found: BTreeMap<AlertGroupId, Candidate> = BTreeMap::new();
    for (kind, key) in ties {
        for row in tx.fetch_all(&sql::GROUPS_WITH, params![kind.as_str(), key, from, to]).await? {
            let id: AlertGroupId = row.id("id")?;
            found.entry(id).or_insert(Candidate {
                id,
                first: row.time("first_us")?,
                last: row.time("last_us")?,
                alert_count: row.count("alert_count")?,
                ties: BTreeSet::new(),
            });
        }
    }
    for candidate in found.values_mut() {
        for row in tx.fetch_all(&sql::GROUP_TIES, params![candidate.id]).await? {
            let kind = serde_json::from_value(row.text("kind")?.into());
            if let Ok(kind) = kind {
                candidate.ties.insert((kind, row.text("entity_key")?.to_owned()));
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Brings the group's span, severity, risk and count to what its alerts say.
async fn settle(tx: &mut Tx, group: AlertGroupId) -> Result<(), Error> {
    let Some(span) = tx.fetch_optional(&sql::GROUP_SPAN, params![group]).await? else { return Ok(()) };
    let (mut rules, mut techniques) = (Vec::new(), BTreeSet::new());
    for row in tx.fetch_all(&sql::GROUP_ALERTS, params![group]).await? {
        rules.push((row.text("rule_id")?.to_owned(), row.severity("severity")?));
        techniques.extend(row.json::<Vec<String>>("techniques")?);
    }
    let severity = rules.iter().map(|(_, severity)| *severity).max().unwrap_or(Severity::Informational);
    let risk = risk::of_group(&rules, techniques.len());
    let (first, last) = (span.time("first_us")?, span.time("last_us")?);
    tx.execute(&sql::SAVE_GROUP, params![group, first, last, severity, risk, rules.len()]).await?;
    Ok(())
}

pub(super) fn derived<K: kernel::id::Kind>(parts: &[&str]) -> kernel::id::Id<K> {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    let digest: [u8; 32] = digest.finalize().into();
    let mut short = [0; 16];
    short.copy_from_slice(&digest[..16]);
    kernel::id::Id::derived(short)
}

pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and times are always JSON")
}
