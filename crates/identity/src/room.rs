//! The room: a handle to the state database and one turn of work in a transaction.

use std::collections::BTreeSet;
use std::sync::Arc;

use kernel::id::PersonId;
use kernel::{Actor, Timestamp};
use parking_lot::RwLock;
use serde_json::Value as Json;
use store::{Committed, Entry, Read, Store, Tx};

use crate::compute::Catalog;
use crate::document;
use crate::error::Error;
use crate::fact_tables::FACT_TABLES;
use crate::policy::Policy;
use crate::second_factor::Seal;

/// Decisions of the desk are taken one after the other.
const DESK: &str = "identity.desk";

/// The room.
#[derive(Clone)]
pub struct Identity {
    pub(crate) store: Store,
    /// Seals secrets of second factors.
    pub(crate) seal: Option<Arc<Seal>>,
    known: Arc<RwLock<Option<Arc<Known>>>>,
}

/// Policy and catalogue as last read; read anew only after they were changed, by whichever process.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) policy: Arc<Policy>,
    pub(crate) catalog: Arc<Catalog>,
}

/// One turn of work: all of it is written, or nothing.
pub(crate) struct Turn {
    pub(crate) tx: Tx,
    pub(crate) actor: Actor,
    pub(crate) reason: String,
    pub(crate) known: Arc<Known>,
    /// What asked for the turn, and its id: kept with the plan that follows.
    pub(crate) cause: (String, Option<String>),
    /// More accounts than this are not closed in this turn.
    pub(crate) limit: Option<usize>,
    /// The fingerprint of the plan that must come out.
    pub(crate) expected: Option<String>,
    /// Whose access has to be computed anew before the turn ends.
    pub(crate) touched: BTreeSet<PersonId>,
    entries: Vec<Entry>,
}

impl Identity {
    /// The room on a state database. Makes its tables known to KQL.
    pub fn new(store: Store) -> Identity {
        store.register_fact_tables(&FACT_TABLES);
        store.register_fact_tables(&crate::duty_tables::DUTY_TABLES);
        Identity { store, seal: None, known: Arc::default() }
    }

    /// With a key that secrets of second factors are sealed with.
    #[must_use]
    pub fn with_seal(mut self, seal: Seal) -> Identity {
        self.seal = Some(Arc::new(seal));
        self
    }

    /// Begins a turn of work.
    pub(crate) async fn turn(&self, actor: &Actor, reason: &str) -> Result<Turn, Error> {
        let mut tx = self.store.begin().await?;
        tx.lock(DESK).await?;
        let known = self.known_in(&mut tx).await?;
        Ok(Turn {
            tx,
            actor: actor.clone(),
            reason: reason.to_owned(),
            known,
            cause: ("person".to_owned(), None),
            limit: None,
            expected: None,
            touched: BTreeSet::new(),
            entries: Vec::new(),
        })
    }

    /// Policy and catalogue as they stand.
    pub(crate) async fn known(&self) -> Result<Arc<Known>, Error> {
        self.known_in(&mut self.store.clone()).await
    }

    async fn known_in(&self, read: &mut impl Read) -> Result<Arc<Known>, Error> {
        let revision = document::revision(read).await?;
        let known = self.known.read().clone();
        if let Some(known) = known.filter(|known| known.policy.revision == revision) {
            return Ok(known);
        }
        let documents = document::all(read).await?;
        let (policy, faults) = Policy::read(revision, &documents);
        for fault in faults {
            tracing::warn!(%fault, revision, "a document of the Access desk is at fault; what it would give is left out");
        }
        let catalog = Catalog::load(read, &policy).await?;
        let fresh = Arc::new(Known { policy: Arc::new(policy), catalog: Arc::new(catalog) });
        *self.known.write() = Some(fresh.clone());
        Ok(fresh)
    }

    /// Policy as it stands.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn policy(&self) -> Result<Arc<Policy>, Error> {
        Ok(self.known().await?.policy.clone())
    }

    /// What systems can give, as it stands.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        Ok(self.known().await?.catalog.clone())
    }

    /// House time.
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }
}

impl Turn {
    /// The one instant of this turn.
    pub(crate) fn now(&self) -> Timestamp {
        self.tx.now()
    }

    /// Has somebody's access computed anew when the turn is finished.
    pub(crate) fn touch(&mut self, person: PersonId) {
        self.touched.insert(person);
    }

    /// Keeps an entry for the ledger, by whoever takes this turn.
    pub(crate) fn record(&mut self, verb: &str, entity: impl std::fmt::Display, before: Json, after: Json) {
        let mut entry = Entry::new(&self.actor, verb, entity);
        if !self.reason.is_empty() {
            entry = entry.reason(&self.reason);
        }
        if !before.is_null() {
            entry = entry.before(before);
        }
        if !after.is_null() {
            entry = entry.after(after);
        }
        self.entries.push(entry);
    }

    /// Writes everything. A turn that changed nothing writes nothing; one that changed rows which no entry speaks of is
    /// written with an entry that names the statements, so that nothing is lost and nothing is unledgered.
    pub(crate) async fn finish(mut self) -> Result<Option<Committed>, Error> {
        crate::plan::settle(&mut self).await?;
        if self.entries.is_empty() {
            let written = self.tx.written();
            if written.is_empty() {
                return Ok(None);
            }
            self.record("desk.turn", "identity", Json::Null, serde_json::json!({ "written": written }));
        }
        let Some(last) = self.entries.pop() else { return Ok(None) };
        for entry in self.entries {
            self.tx.record(entry);
        }
        Ok(Some(self.tx.commit(last).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: store::Statement =
        store::Statement::new("test.ledger", "SELECT payload FROM ledger_payload ORDER BY seq");

    /// Whether a turn that does `what` is written, and which entries it leaves.
    async fn check(room: &Identity, what: impl AsyncFn(&mut Turn), written: bool) -> usize {
        let entries = async || room.store.fetch_all(&ENTRIES, store::params![]).await.unwrap().len();
        let before = entries().await;
        let mut turn = room.turn(&Actor::system("test"), "a check").await.unwrap();
        what(&mut turn).await;
        assert_eq!(turn.finish().await.unwrap().is_some(), written);
        entries().await - before
    }

    #[test]
    fn what_changed_is_written_whether_or_not_an_entry_speaks_of_it() {
        let database = testkit::sqlite();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (clock, chance) = (testkit::TestClock::noon(), testkit::CountingRandomness::seeded(7));
            let room = Identity::new(Store::open(&database.url, clock, chance).await.unwrap());
            let touch = async |turn: &mut Turn| {
                turn.tx.execute(&crate::sql::TOUCH_REVISION, store::params![]).await.unwrap();
            };
            let revision = async || document::revision(&mut room.store.clone()).await.unwrap();
            let before = revision().await;
            assert_eq!(check(&room, async |_: &mut Turn| {}, false).await, 0);
            assert_eq!(check(&room, touch, true).await, 1);
            let spoken_of = async |turn: &mut Turn| {
                touch(turn).await;
                turn.record("policy.touch", "policy", Json::Null, Json::Null);
            };
            assert_eq!(check(&room, spoken_of, true).await, 1);
            assert_eq!(revision().await, before + 2);
            // A finding that is gone is an entry of its own.
            let found = async |turn: &mut Turn| {
                let new = crate::finding::NewFinding::new(crate::finding::FindingKind::Other, "subject", "seen");
                turn.find(new).await.unwrap();
            };
            assert_eq!(check(&room, found, true).await, 1);
            let gone = async |turn: &mut Turn| {
                turn.settle_finding(crate::finding::FindingKind::Other, "subject", "gone").await.unwrap();
            };
            assert_eq!(check(&room, gone, true).await, 1);
            assert_eq!(check(&room, gone, false).await, 0);
        });
    }
}
