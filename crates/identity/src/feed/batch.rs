//! Deliveries: taken in, compared, written or held.

use std::collections::HashSet;

use kernel::id::{BatchId, PlanId};
use kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use store::{Read, Row, params};

use super::apply::{self, Settled};
use super::decode::{Decoded, Manifest, decode};
use super::delta::{Delta, FeedChange, Held, Suspicion, delta};
use super::guard::{Past, Told, Verdict, guard};
use super::mapping::Mapper;
use super::undo::undone_since;
use super::{Change, Feed, Scope};
use crate::engagement;
use crate::error::{Error, Refusal};
use crate::finding::FindingKind;
use crate::person;
use crate::room::{Identity, Turn};
use crate::sql;

const DAY_US: i64 = 86_400_000_000;
/// Changes that a batch shows by name.
pub(super) const SHOWN: usize = 2_000;

kernel::words! {
    /// What became of a delivery.
    BatchState {
        Applied = "applied",
        /// A person has to look; nothing was written.
        Held = "held",
        /// It cannot be used; nothing was written.
        Rejected = "rejected",
        /// It was held, and a person said no.
        Refused = "refused",
    }
}

/// A delivery as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The key of the feed.
    pub feed: String,
    pub body: Vec<u8>,
    pub manifest: Manifest,
}

/// A delivery with what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Batch {
    pub id: BatchId,
    pub feed: String,
    /// SHA-256 of the delivery.
    pub digest: String,
    pub state: BatchState,
    pub snapshot: Option<Timestamp>,
    pub records: i64,
    pub joiners: i64,
    pub movers: i64,
    pub leavers: i64,
    pub unchanged: i64,
    pub quarantined: i64,
    /// What is wrong with it, or why it is held.
    pub findings: Vec<String>,
    /// What it changes, by name; at most 2,000.
    pub changes: Json,
    pub plan: Option<PlanId>,
    pub received_by: String,
    pub received: Timestamp,
    pub decided_by: Option<String>,
    pub decided: Option<Timestamp>,
    pub decision: Option<String>,
}

/// A delivery that was read and compared.
pub(super) struct Compared {
    pub(super) delta: Delta,
    pub(super) held: Held,
    told: Told,
    pub(super) verdict: Verdict,
}

impl Identity {
    /// Takes a delivery in. What it says is written unless a guard objects. The same delivery twice has no effect: the
    /// batch of the first is the answer.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown feed. A delivery that cannot be used is no error: its batch says why.
    pub async fn receive(&self, delivery: &Delivery, actor: &Actor) -> Result<Batch, Error> {
        let mut turn = self.turn(actor, &format!("feed {}", delivery.feed)).await?;
        let digest = hex::encode(Sha256::digest(&delivery.body));
        let last = turn.tx.fetch_optional(&sql::LAST_BATCH, params![&delivery.feed]).await?;
        if let Some(last) = last.as_ref().map(batch).transpose()?.filter(|last| last.digest == digest)
            && !undone_since(&mut turn, &delivery.feed, last.decided.unwrap_or(last.received)).await?
        {
            return Ok(last);
        }
        let feed = feed_of(&turn, &delivery.feed)?;
        let mut new = empty(&turn, &delivery.feed, digest);
        let compared = match decode(&feed, &delivery.body, &delivery.manifest) {
            Ok(decoded) => compare(&mut turn, &new, &feed, &decoded).await?,
            Err(faults) => Err(faults),
        };
        let compared = match compared {
            Ok(compared) => compared,
            Err(faults) => {
                new.findings = faults;
                return finish(turn, new, None).await;
            }
        };
        describe(&mut new, &compared);
        match &compared.verdict {
            Verdict::Reject(reasons) => new.findings.clone_from(reasons),
            Verdict::Hold(reasons) => {
                new.state = BatchState::Held;
                new.findings.clone_from(reasons);
            }
            Verdict::Apply => {
                new.state = BatchState::Applied;
                apply_all(&mut turn, &mut new, &compared).await?;
            }
        }
        let body = (new.state == BatchState::Held).then(|| {
            json!({ "body": String::from_utf8_lossy(&delivery.body), "manifest": delivery.manifest }).to_string()
        });
        finish(turn, new, body).await
    }

    /// What a delivery would change, without keeping anything of it.
    ///
    /// # Errors
    /// As [`Identity::receive`].
    pub async fn try_delivery(
        &self,
        delivery: &Delivery,
        actor: &Actor,
    ) -> Result<(Batch, crate::plan::Proposal), Error> {
        let mut turn = self.turn(actor, "a trial").await?;
        let feed = feed_of(&turn, &delivery.feed)?;
        let mut new = empty(&turn, &delivery.feed, hex::encode(Sha256::digest(&delivery.body)));
        let compared = match decode(&feed, &delivery.body, &delivery.manifest) {
            Ok(decoded) => compare(&mut turn, &new, &feed, &decoded).await?,
            Err(faults) => Err(faults),
        };
        let proposal = crate::plan::Proposal::Delivery {
            feed: delivery.feed.clone(),
            body: String::from_utf8_lossy(&delivery.body).into_owned(),
            manifest: delivery.manifest.clone(),
        };
        match compared {
            Ok(compared) => {
                describe(&mut new, &compared);
                match compared.verdict {
                    Verdict::Reject(reasons) => new.findings = reasons,
                    Verdict::Hold(reasons) => {
                        new.state = BatchState::Held;
                        new.findings = reasons;
                    }
                    Verdict::Apply => new.state = BatchState::Applied,
                }
            }
            Err(faults) => new.findings = faults,
        }
        Ok((new, proposal))
    }

    /// The latest batch of a feed.
    pub(super) async fn last_batch(&self, feed: &str) -> Result<Option<Batch>, Error> {
        let row = self.store.fetch_optional(&sql::LAST_BATCH, params![feed]).await?;
        row.as_ref().map(batch).transpose()
    }

    /// Batches of a feed or of all, the latest first; at most 500.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn batches(&self, feed: Option<&str>) -> Result<Vec<Batch>, Error> {
        self.store.fetch_all(&sql::BATCHES, params![feed, 500]).await?.iter().map(batch).collect()
    }

    /// One batch.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id.
    pub async fn batch(&self, id: BatchId) -> Result<Batch, Error> {
        let row = self.store.fetch_optional(&sql::BATCH, params![id]).await?;
        batch(&row.ok_or_else(|| Error::missing("batch", id))?)
    }
}

pub(super) fn feed_of(turn: &Turn, key: &str) -> Result<Feed, Error> {
    let policy = &turn.known.policy;
    policy.feeds.get(key).cloned().ok_or_else(|| super::fetch::unknown_feed(policy, key))
}

fn empty(turn: &Turn, feed: &str, digest: String) -> Batch {
    Batch {
        id: turn.tx.id(),
        feed: feed.to_owned(),
        digest,
        state: BatchState::Rejected,
        snapshot: None,
        records: 0,
        joiners: 0,
        movers: 0,
        leavers: 0,
        unchanged: 0,
        quarantined: 0,
        findings: Vec::new(),
        changes: Json::Array(Vec::new()),
        plan: None,
        received_by: turn.actor.to_string(),
        received: turn.now(),
        decided_by: None,
        decided: None,
        decision: None,
    }
}

/// Everything that is known of a feed's people.
pub(super) async fn held_state(turn: &mut Turn, source: &str) -> Result<Held, Error> {
    let anchors = person::anchors(&mut turn.tx).await?;
    let people = person::all(&mut turn.tx).await?.into_iter().map(|person| (person.id, person)).collect();
    let engagements = engagement::of_source(&mut turn.tx, source).await?;
    let engagements = engagements.into_iter().map(|engagement| (engagement.source_key.clone(), engagement)).collect();
    Ok(Held { anchors, people, engagements })
}

/// Compares what was read of a delivery with what is known. What makes it unusable as a whole is the inner error.
pub(super) async fn compare(
    turn: &mut Turn,
    batch: &Batch,
    feed: &Feed,
    decoded: &Decoded,
) -> Result<Result<Compared, Vec<String>>, Error> {
    let snapshot = match decoded.snapshot.as_deref().map(instant) {
        Some(Err(fault)) => return Ok(Err(vec![fault])),
        Some(Ok(snapshot)) => Some(snapshot),
        None => None,
    };
    let source = batch.feed.as_str();
    let (mapped, bad) = match Mapper::new(source, feed)?.map(decoded) {
        Ok(mapped) => mapped,
        Err(fault) => return Ok(Err(vec![fault])),
    };
    let held = held_state(turn, source).await?;
    let now = turn.now();
    let delta = delta(&turn.known.policy.clone(), source, feed, &held, mapped, bad, now);
    let past = past(&mut turn.tx, batch, feed, now).await?;
    let told = Told { records: decoded.records.len() as u64, is_whole: decoded.is_whole, snapshot };
    let verdict = guard(&feed.guards, &delta, &told, &past, now);
    Ok(Ok(Compared { delta, held, told, verdict }))
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let day = || format!("{text}T00:00:00Z").parse::<Timestamp>();
    text.parse::<Timestamp>()
        .or_else(|_| day())
        .map_err(|_| format!("`{text}` is no day of which a delivery could tell"))
}

async fn past(read: &mut impl Read, batch: &Batch, feed: &Feed, now: Timestamp) -> Result<Past, Error> {
    let since = now.plus_micros(-feed.guards.window_days.saturating_mul(DAY_US));
    let rows = read.rows(&sql::BATCH_PAST, params![&batch.feed, since, &batch.digest]).await?;
    let row = rows.first().ok_or_else(|| Error::missing("past of feed", &batch.feed))?;
    let (applied, same) = (row.time_opt("applied_us")?, row.time_opt("same_us")?);
    Ok(Past {
        snapshot: row.time_opt("snapshot_us")?,
        window_leavers: u64::try_from(row.int_opt("leavers")?.unwrap_or(0)).unwrap_or(0),
        repeats: same.filter(|same| applied.is_some_and(|applied| *same < applied)),
    })
}

pub(super) fn describe(batch: &mut Batch, compared: &Compared) {
    let delta = &compared.delta;
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    batch.snapshot = compared.told.snapshot;
    batch.records = count(compared.told.records);
    batch.joiners = count(delta.count(&[FeedChange::Join, FeedChange::Reopen]));
    batch.movers = count(delta.count(&[FeedChange::Move]));
    batch.leavers = count(delta.leavers.people);
    batch.unchanged = count(delta.unchanged);
    batch.quarantined = delta.quarantine.len() as i64;
    let name = |change: &Change| match (&change.mapped, compared.held.people.get(&change.person)) {
        (Some(mapped), _) => mapped.person.display_name(),
        (None, Some(person)) => person.sheet.display_name(),
        (None, None) => String::new(),
    };
    // Who leaves is looked at first.
    let rank = |change: &&Change| match change.kind {
        _ if change.leaver => 0,
        kind if kind.takes() => 1,
        FeedChange::Reopen | FeedChange::Move => 2,
        FeedChange::Join => 3,
        _ => 4,
    };
    let mut changes: Vec<&Change> = delta.changes.iter().collect();
    changes.sort_by_key(rank);
    let shown = changes.iter().take(SHOWN);
    let shown = shown.map(|change| {
        json!({
            "change": change.kind, "leaver": change.leaver, "key": change.key, "person": change.person,
            "name": name(change),
        })
    });
    batch.changes = shown.collect();
}

pub(super) async fn apply_all(turn: &mut Turn, batch: &mut Batch, compared: &Compared) -> Result<(), Error> {
    let at = compared.told.snapshot.unwrap_or(turn.now());
    let source = batch.feed.clone();
    let cause = batch.id.to_string();
    for change in &compared.delta.changes {
        apply::change(turn, &source, &compared.held, change, at, &cause).await?;
    }
    quarantine(turn, &source, compared, &cause).await?;
    turn.cause = ("feed".to_owned(), Some(cause));
    batch.plan = crate::plan::settle(turn).await?;
    // Sponsors may be in the same delivery: they are looked for when everybody is here.
    for change in &compared.delta.changes {
        let told = change.mapped.as_ref().map(|mapped| &mapped.person).filter(|person| person.kind.needs_sponsor());
        if let Some((person, sponsor)) = told.and_then(|person| Some((person, person.sponsor.as_deref()?))) {
            crate::desk::look_at_sponsor(turn, change.person, &person.display_name(), sponsor).await?;
        }
    }
    Ok(())
}

async fn quarantine(turn: &mut Turn, source: &str, compared: &Compared, cause: &str) -> Result<(), Error> {
    let told: HashSet<&str> = compared.delta.changes.iter().map(|change| change.key.as_str()).collect();
    let settled = match feed_of(turn, source)?.scope {
        Scope::Full => Settled::All,
        Scope::Partial => Settled::Told(&told),
    };
    apply::quarantine(turn, source, &compared.delta.quarantine, settled, cause).await
}

async fn finish(mut turn: Turn, batch: Batch, body: Option<String>) -> Result<Batch, Error> {
    insert(&mut turn, &batch, body).await?;
    turn.finish().await?;
    Ok(batch)
}

async fn insert(turn: &mut Turn, batch: &Batch, body: Option<String>) -> Result<(), Error> {
    let row = params![
        batch.id,
        &batch.feed,
        &batch.digest,
        batch.state.as_str(),
        batch.snapshot,
        batch.records,
        batch.joiners,
        batch.movers,
        batch.leavers,
        batch.unchanged,
        batch.quarantined,
        &json!(batch.findings),
        &batch.changes,
        body,
        batch.plan,
        &batch.received_by,
        batch.received,
    ];
    turn.tx.execute_one(&sql::INSERT_BATCH, row).await?;
    record(turn, batch, "receive");
    Ok(())
}

pub(super) async fn decided(mut turn: Turn, batch: Batch) -> Result<Batch, Error> {
    let row = params![
        batch.id,
        batch.state.as_str(),
        batch.plan,
        batch.decided_by.clone(),
        batch.decided,
        batch.decision.clone(),
        batch.records,
        batch.joiners,
        batch.movers,
        batch.leavers,
        batch.unchanged,
        batch.quarantined,
        &batch.changes,
    ];
    turn.tx.execute_one(&sql::DECIDE_BATCH, row).await?;
    record(&mut turn, &batch, "decide");
    turn.finish().await?;
    Ok(batch)
}

fn record(turn: &mut Turn, batch: &Batch, verb: &str) {
    let after = json!({
        "feed": batch.feed, "digest": batch.digest, "state": batch.state, "records": batch.records,
        "joiners": batch.joiners, "movers": batch.movers, "leavers": batch.leavers, "findings": batch.findings,
    });
    turn.record(&format!("batch.{verb}"), batch.id, Json::Null, after);
}

pub(super) fn batch(row: &Row) -> Result<Batch, Error> {
    let text = |column: &str| Ok::<_, Error>(row.text_opt(column)?.map(str::to_owned));
    Ok(Batch {
        id: row.id("id")?,
        feed: row.text("feed")?.to_owned(),
        digest: row.text("digest")?.to_owned(),
        state: row.parse("state")?,
        snapshot: row.time_opt("snapshot_us")?,
        records: row.int("records")?,
        joiners: row.int("joiners")?,
        movers: row.int("movers")?,
        leavers: row.int("leavers")?,
        unchanged: row.int("unchanged")?,
        quarantined: row.int("quarantined")?,
        findings: row.json("findings")?,
        changes: row.json("delta")?,
        plan: row.id_opt("plan_id")?,
        received_by: row.text("received_by")?.to_owned(),
        received: row.time("received_us")?,
        decided_by: text("decided_by")?,
        decided: row.time_opt("decided_us")?,
        decision: text("decision")?,
    })
}

/// Which finding a suspicion becomes.
pub(super) const fn finding_kind(suspicion: Suspicion) -> FindingKind {
    match suspicion {
        Suspicion::Match => FindingKind::Match,
        Suspicion::NumberReused => FindingKind::NumberReused,
        Suspicion::Bad => FindingKind::BadRow,
    }
}

impl Identity {
    /// What a delivery would do to accounts: it is written in a transaction that is dropped.
    pub(crate) async fn rehearse_delivery(
        &self,
        delivery: &Delivery,
        actor: &Actor,
    ) -> Result<Vec<crate::plan::PlanItem>, Error> {
        let mut turn = self.turn(actor, "a rehearsal").await?;
        self.apply_rehearsed(&mut turn, delivery, false).await?;
        match crate::plan::settle(&mut turn).await? {
            Some(plan) => crate::plan::items_of(&mut turn.tx, plan).await,
            None => Ok(Vec::new()),
        }
    }

    /// Writes a delivery that a person looked at: limits hold it no more, faults do.
    pub(crate) async fn apply_rehearsed(&self, turn: &mut Turn, delivery: &Delivery, keep: bool) -> Result<(), Error> {
        let feed = feed_of(turn, &delivery.feed)?;
        let faults = |faults: Vec<String>| Error::from(Refusal::rule(faults.join("; ")));
        let decoded = decode(&feed, &delivery.body, &delivery.manifest).map_err(faults)?;
        let mut new = empty(turn, &delivery.feed, hex::encode(Sha256::digest(&delivery.body)));
        let compared = compare(turn, &new, &feed, &decoded).await?.map_err(faults)?;
        if let Verdict::Reject(reasons) = compared.verdict {
            return Err(faults(reasons));
        }
        let at = compared.told.snapshot.unwrap_or(turn.now());
        for change in &compared.delta.changes {
            apply::change(turn, &delivery.feed, &compared.held, change, at, "plan").await?;
        }
        quarantine(turn, &delivery.feed, &compared, &new.id.to_string()).await?;
        if keep {
            describe(&mut new, &compared);
            new.state = BatchState::Applied;
            insert(turn, &new, None).await?;
        }
        Ok(())
    }
}
