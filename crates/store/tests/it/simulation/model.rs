//! A database whose calls are all or nothing and wait before and after, and a subscriber on it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use kernel::id::DeadlineId;
use kernel::{Fact, Timestamp};
use store::{Cursor, DeadlinePort, Delivery, Expiring, HandlerError, OutboxPort, Pending, StoredFact};

use super::world::{State, World, instant, since_start};

#[derive(Clone)]
pub struct Model(pub Arc<World>);

/// A place where a process may crash, and where another may go first.
async fn wait() {
    let mut waited = false;
    poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// One call of the database.
async fn call<T>(act: impl FnOnce() -> T) -> Result<T, Infallible> {
    wait().await;
    let result = act();
    wait().await;
    Ok(result)
}

fn id(at: usize) -> DeadlineId {
    let mut digest = [0; 16];
    digest[8..].copy_from_slice(&(at as u64).to_be_bytes());
    DeadlineId::derived(digest)
}

fn position(id: DeadlineId) -> usize {
    let bytes = id.uuid().into_bytes();
    // The variant lies in the two highest bits of byte 8.
    usize::from(u16::from_be_bytes([bytes[14], bytes[15]]))
}

impl DeadlinePort for Model {
    type Error = Infallible;

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Pending>, Infallible> {
        call(|| {
            let disk = self.0.disk.lock();
            let mut due: Vec<Pending> = (disk.deadlines.iter().enumerate())
                .filter(|(_, record)| record.state == State::Pending && instant(record.due) <= now)
                .map(|(at, record)| Pending {
                    id: id(at),
                    kind: "kind".to_owned(),
                    subject: at.to_string(),
                    owes: String::new(),
                    otherwise: String::new(),
                    due: instant(record.due),
                    set: instant(record.set),
                    version: record.version,
                })
                .collect();
            due.sort_by_key(|pending| pending.due);
            due.truncate(limit as usize);
            due
        })
        .await
    }

    async fn fire(&self, expiring: &[Expiring], _: Timestamp) -> Result<u32, Infallible> {
        call(|| expiring.iter().map(|one| u32::from(self.expire(one))).sum()).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Infallible> {
        call(|| {
            let disk = self.0.disk.lock();
            let pending = disk.deadlines.iter().filter(|record| record.state == State::Pending);
            pending.map(|record| instant(record.due)).min()
        })
        .await
    }

    async fn save_time(&self, now: Timestamp) -> Result<(), Infallible> {
        call(|| {
            let mut disk = self.0.disk.lock();
            disk.house_time = disk.house_time.max(Some(now));
        })
        .await
    }
}

impl Model {
    fn expire(&self, expiring: &Expiring) -> bool {
        let pending = &expiring.pending;
        let mut disk = self.0.disk.lock();
        let record = &mut disk.deadlines[position(pending.id)];
        if record.state != State::Pending || record.version != pending.version {
            return false;
        }
        (record.state, record.fired) = (State::Expired, record.fired + 1);
        self.0.check_not_early(since_start(pending.due));
        let mut totals = self.0.totals.lock();
        totals.fired += 1;
        totals.while_down += u64::from(expiring.while_down);
        disk.facts.push(Fact::DeadlineExpired {
            deadline: pending.id.to_string(),
            kind: pending.kind.clone(),
            subject: pending.subject.clone(),
            due: pending.due,
            expired_while_down: expiring.while_down,
        });
        true
    }
}

impl OutboxPort for Model {
    type Error = Infallible;

    async fn cursor(&self, _: &'static str) -> Result<Cursor, Infallible> {
        call(|| self.0.disk.lock().cursor).await
    }

    async fn facts_after(&self, seq: i64, limit: u32) -> Result<Vec<StoredFact>, Infallible> {
        call(|| {
            let disk = self.0.disk.lock();
            let stored = |(fact, seq): (&Fact, i64)| StoredFact {
                seq,
                time: instant(0),
                topic: fact.topic().to_owned(),
                fact: Ok(fact.clone()),
            };
            let facts = disk.facts.iter().zip(1..).skip(usize::try_from(seq).unwrap());
            facts.take(limit as usize).map(stored).collect()
        })
        .await
    }

    async fn retries(&self, _: &'static str) -> Result<Vec<StoredFact>, Infallible> {
        Ok(Vec::new())
    }

    async fn advance(&self, _: &'static str, seq: i64) -> Result<(), Infallible> {
        call(|| {
            let mut disk = self.0.disk.lock();
            if disk.cursor.seq < seq {
                disk.cursor = Cursor { seq, ..Cursor::default() };
            }
        })
        .await
    }

    async fn postpone(&self, _: &'static str, attempts: u32, next: Timestamp, _: &str) -> Result<(), Infallible> {
        call(|| {
            let mut disk = self.0.disk.lock();
            disk.cursor = Cursor { attempts, next_attempt: next, ..disk.cursor };
        })
        .await
    }

    async fn park(&self, name: &'static str, seq: i64, _: u32, _: &str, _: Timestamp) -> Result<(), Infallible> {
        self.0.disk.lock().parked.push(seq);
        self.advance(name, seq).await
    }

    async fn unpark(&self, _: &'static str, _: i64) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Has one effect per fact, in the transaction that holds the marker, as [`store::Tx::acknowledge`] offers it. It takes up
/// to three facts in one transaction.
pub struct Subscriber {
    world: Arc<World>,
    /// How often it still fails before its effect: of several facts, then of one.
    failing: AtomicU32,
}

/// Facts of one transaction.
const TOGETHER: usize = 3;

impl Subscriber {
    pub fn new(world: &Arc<World>, failing: bool) -> Arc<Subscriber> {
        Arc::new(Subscriber { world: world.clone(), failing: AtomicU32::new(if failing { 2 } else { 0 }) })
    }

    fn take(&self, delivery: &Delivery) {
        let mut disk = self.world.disk.lock();
        if delivery.seq <= disk.cursor.seq || disk.markers.insert(delivery.seq, ()).is_some() {
            self.world.totals.lock().handled_again += 1;
            return;
        }
        *disk.effects.entry(delivery.seq).or_default() += 1;
        disk.order.push(delivery.seq);
    }
}

#[async_trait]
impl store::Subscriber for Subscriber {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["deadline-expired"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        self.handle_some(std::slice::from_ref(delivery)).await.map(drop)
    }

    async fn handle_some(&self, deliveries: &[Delivery]) -> Result<usize, HandlerError> {
        wait().await;
        let left = self.failing.load(Ordering::Relaxed);
        if left > 0 {
            self.failing.store(left - 1, Ordering::Relaxed);
            self.world.totals.lock().failures += 1;
            return Err("it failed before its effect".into());
        }
        let together = &deliveries[..deliveries.len().min(TOGETHER)];
        call(|| together.iter().for_each(|delivery| self.take(delivery))).await?;
        Ok(together.len())
    }
}
