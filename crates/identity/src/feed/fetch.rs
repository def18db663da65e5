//! Asking the source of a feed: on its schedule, or because a person wants it now. What it gives goes the way of every
//! delivery, through the same guards; a source that fails writes nothing but that it failed.

use connector::source::Taken;
use kernel::id::BatchId;
use kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use store::{Deadline, Due, Read, Row, Statement, params};

use super::Feed;
use super::ask::Asked;
use super::batch::{Batch, Delivery};
use super::decode::Manifest;
use crate::error::Error;
use crate::finding::{FindingKind, NewFinding};
use crate::policy::Policy;
use crate::provision::Targets;
use crate::room::{Identity, Turn};

/// When a source is asked.
pub(crate) const FETCH: &str = "identity.feed";
const MINUTE_US: i64 = 60_000_000;
/// After so long a wait somebody has to know.
const LONGEST_WAIT_US: i64 = 1_440 * MINUTE_US;

const SOURCE: Statement = Statement::new(
    "identity.feed_source",
    "SELECT feed, document, state, etag, last_modified, tried_us, taken_us, failures, problem, batch_id, waiting_us FROM \
     identity_feed_source WHERE feed = $1",
);
const SAVE_SOURCE: Statement = Statement::new(
    "identity.save_feed_source",
    "INSERT INTO identity_feed_source (feed, document, state, etag, last_modified, tried_us, taken_us, failures, problem, \
     batch_id, waiting_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (feed) DO UPDATE SET document = \
     excluded.document, state = excluded.state, etag = excluded.etag, last_modified = excluded.last_modified, tried_us = \
     excluded.tried_us, taken_us = excluded.taken_us, failures = excluded.failures, problem = excluded.problem, batch_id = \
     excluded.batch_id, waiting_us = excluded.waiting_us",
);

/// All of them, for the test that prepares each on both engines.
pub const FEED_SOURCE_STATEMENTS: &[Statement] = &[SOURCE, SAVE_SOURCE];

kernel::words! {
    /// What came of asking a source.
    FetchState {
        /// It gave a delivery; its batch says what became of it.
        Taken = "taken",
        /// It has nothing new.
        Unchanged = "unchanged",
        /// Those who push to it are at it, or have not begun: half of what they send is not taken.
        Waiting = "waiting",
        /// It could not be asked, or gave what is no delivery.
        Failed = "failed",
    }
}

/// What is known of a source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceState {
    pub state: FetchState,
    pub tried: Timestamp,
    /// When it last gave a delivery.
    pub taken: Option<Timestamp>,
    /// Times that it failed since it last did not.
    pub failures: i64,
    /// Why it failed, or what it waits for.
    pub problem: Option<String>,
    /// Since when it waits.
    pub waiting: Option<Timestamp>,
    /// The batch of what it gave last.
    pub batch: Option<BatchId>,
    #[serde(skip)]
    document: String,
    #[serde(skip)]
    pub(super) etag: Option<String>,
    #[serde(skip)]
    pub(super) last_modified: Option<String>,
}

/// A feed with how it is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedView {
    pub key: String,
    pub feed: Feed,
    /// `None`: it is not asked, or was not yet.
    pub source: Option<SourceState>,
    /// Its latest delivery, by whichever way.
    pub last: Option<Batch>,
}

impl Identity {
    /// Feeds in use, by key, with the last that is known of each.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn feeds(&self) -> Result<Vec<FeedView>, Error> {
        let policy = self.policy().await?;
        let mut views = Vec::new();
        for (key, feed) in &policy.feeds {
            let source = state_of(&mut self.store.clone(), key).await?;
            let last = self.last_batch(key).await?;
            views.push(FeedView { key: key.clone(), feed: feed.clone(), source, last });
        }
        Ok(views)
    }

    /// Asks the source of a feed now. The next time by itself is counted from here.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a feed that there is not, or that is not asked. A source that fails is no error: the state says
    /// why.
    pub async fn fetch_feed(
        &self,
        key: &str,
        targets: &dyn Targets,
        actor: &Actor,
    ) -> Result<(SourceState, Option<Batch>), Error> {
        let policy = self.policy().await?;
        let feed = policy.feeds.get(key).ok_or_else(|| unknown_feed(&policy, key))?;
        let source = feed.source.as_ref().ok_or_else(|| Error::missing("source of feed", key))?;
        let document = hex::encode(Sha256::digest(json!(feed).to_string()));
        let before = state_of(&mut self.store.clone(), key).await?;
        // Another document may read the same bytes otherwise: it is asked as if for the first time.
        let known = before.as_ref().filter(|before| before.document == document);
        let asked = self.ask_source(key, source, known, targets).await;
        let now = self.now();
        let mut after = SourceState {
            state: FetchState::Failed,
            tried: now,
            taken: before.as_ref().and_then(|before| before.taken),
            failures: 0,
            problem: None,
            waiting: None,
            batch: before.as_ref().and_then(|before| before.batch),
            document,
            etag: known.and_then(|known| known.etag.clone()),
            last_modified: known.and_then(|known| known.last_modified.clone()),
        };
        let (mut batch, mut pause_us) = (None, source.every_minutes().saturating_mul(MINUTE_US));
        match asked {
            Ok(Asked::Unchanged) => after.state = FetchState::Unchanged,
            Ok(Asked::Waiting { why, pause_us: pause }) => {
                after.state = FetchState::Waiting;
                after.problem = Some(why);
                after.waiting = before.and_then(|before| before.waiting).or(Some(now));
                pause_us = pause_us.min(pause);
            }
            Ok(Asked::Taken(Taken { body, records, etag, last_modified }, snapshot)) => {
                let manifest = Manifest { records, snapshot, ..Manifest::default() };
                let taken = self.receive(&Delivery { feed: key.to_owned(), body, manifest }, actor).await?;
                let is_new = after.batch != Some(taken.id);
                after.state = if is_new { FetchState::Taken } else { FetchState::Unchanged };
                (after.batch, after.taken) = (Some(taken.id), Some(now));
                (after.etag, after.last_modified) = (etag, last_modified);
                batch = Some(taken);
            }
            Err(error) => {
                after.failures = before.map_or(0, |before| before.failures) + 1;
                after.problem = Some(error.to_string());
                pause_us = pause_us.min(failure_pause_us(after.failures));
            }
        }
        self.note(key, feed, &after, pause_us, actor).await?;
        Ok((after, batch))
    }

    async fn note(
        &self,
        key: &str,
        feed: &Feed,
        after: &SourceState,
        pause_us: i64,
        actor: &Actor,
    ) -> Result<(), Error> {
        let mut turn = self.turn(actor, &format!("feed {key}")).await?;
        let row = params![
            key,
            &after.document,
            after.state.as_str(),
            after.etag.clone(),
            after.last_modified.clone(),
            after.tried,
            after.taken,
            after.failures,
            after.problem.clone(),
            after.batch,
            after.waiting,
        ];
        turn.tx.execute_one(&SAVE_SOURCE, row).await?;
        let subject = format!("feed:{key}");
        let waits_long = after.waiting.is_some_and(|since| after.tried.micros() - since.micros() >= LONGEST_WAIT_US);
        match (&after.problem, after.state) {
            (Some(problem), state) if state == FetchState::Failed || waits_long => {
                let cannot = if waits_long { "has waited for a day" } else { "cannot be asked" };
                let title = format!("{} {cannot}: {problem}", feed.title);
                let detail =
                    json!({ "feed": key, "failures": after.failures, "last": after.taken.map(|at| at.to_string()) });
                turn.find(NewFinding { detail, ..NewFinding::new(FindingKind::FeedFailed, &subject, title) }).await?;
            }
            // It is not known yet whether it can be taken.
            (Some(_), _) => {}
            (None, _) => drop(turn.settle_finding(FindingKind::FeedFailed, &subject, "it could be asked").await?),
        }
        promise(&mut turn, key, pause_us).await?;
        turn.record("feed.fetch", subject, Json::Null, json!(after));
        turn.finish().await.map(drop)
    }
}

/// There is no such feed; these there are.
pub(super) fn unknown_feed(policy: &Policy, key: &str) -> Error {
    let known: Vec<&str> = policy.feeds.keys().map(String::as_str).collect();
    let known =
        if known.is_empty() { "there is none yet".to_owned() } else { format!("there are {}", known.join(", ")) };
    Error::Unknown { what: "feed", id: key.to_owned(), known }
}

/// Five minutes after the first failure, then twice as long each time.
fn failure_pause_us(failures: i64) -> i64 {
    (5 * MINUTE_US).saturating_mul(1 << (failures - 1).clamp(0, 20))
}

/// Sets the next time that a source is asked.
async fn promise(turn: &mut Turn, key: &str, pause_us: i64) -> Result<(), Error> {
    let deadline = Deadline {
        kind: FETCH.to_owned(),
        subject: key.to_owned(),
        owes: "system:identity".to_owned(),
        due: Due::After(pause_us.max(MINUTE_US)),
        otherwise: format!("the source of {key} is asked again"),
    };
    turn.tx.deadline(deadline).await?;
    Ok(())
}

/// A document of a feed was saved or retired: what it is asked for begins within the minute, or ends.
pub(crate) async fn begin(turn: &mut Turn, key: &str, feed: Option<&Feed>) -> Result<(), Error> {
    if feed.is_some_and(|feed| feed.source.is_some()) {
        return promise(turn, key, MINUTE_US).await;
    }
    turn.tx.cancel_deadline(FETCH, key).await?;
    turn.settle_finding(FindingKind::FeedFailed, &format!("feed:{key}"), "it is not asked any more").await?;
    Ok(())
}

async fn state_of(read: &mut impl Read, key: &str) -> Result<Option<SourceState>, Error> {
    read.rows(&SOURCE, params![key]).await?.first().map(state).transpose()
}

fn state(row: &Row) -> Result<SourceState, Error> {
    let text = |column: &str| Ok::<_, Error>(row.text_opt(column)?.map(str::to_owned));
    Ok(SourceState {
        state: row.parse("state")?,
        tried: row.time("tried_us")?,
        taken: row.time_opt("taken_us")?,
        failures: row.int("failures")?,
        problem: text("problem")?,
        batch: row.id_opt("batch_id")?,
        waiting: row.time_opt("waiting_us")?,
        document: row.text("document")?.to_owned(),
        etag: text("etag")?,
        last_modified: text("last_modified")?,
    })
}
