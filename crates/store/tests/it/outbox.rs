//! Facts and their subscribers on a real database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kernel::{Fact, Timestamp};
use store::{Delivery, HandlerError, Statement, Store, Subscriber, params};

use crate::rig;

/// Counts each fact in a row of its own, in its own transaction.
pub struct Counter {
    pub store: Store,
    pub failing: AtomicBool,
}

/// The count is a version: 1 after the first delivery, 2 after a second.
const COUNT: Statement = Statement::new(
    "test.count",
    "INSERT INTO act (id, actor, verb, entity, opened_us, expected_us, state, version) \
     VALUES ($1, 'a', 'v', 'e', $2, 0, 'effect', 1) ON CONFLICT (id) DO UPDATE SET version = act.version + 1",
);
const COUNTS: Statement =
    Statement::new("test.counts", "SELECT id, version FROM act WHERE state = 'effect' ORDER BY opened_us");

impl Counter {
    pub fn new(store: &Store) -> Arc<Counter> {
        Arc::new(Counter { store: store.clone(), failing: AtomicBool::new(false) })
    }
}

#[async_trait]
impl Subscriber for Counter {
    fn name(&self) -> &'static str {
        "test.counter"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["source-silent", "deadline-expired"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let name = match &delivery.fact {
            Fact::SourceSilent { source, .. } => source.clone(),
            Fact::DeadlineExpired { subject, .. } => subject.clone(),
            other => return Err(format!("not asked for: {other:?}").into()),
        };
        assert_ne!(name, "panics", "this fact makes the subscriber panic");
        if self.failing.load(Ordering::SeqCst) {
            return Err("the remote side does not answer".into());
        }
        let mut tx = self.store.begin().await?;
        if tx.acknowledge(delivery).await? {
            tx.execute(&COUNT, params![&name, delivery.seq]).await?;
            tx.commit(rig::entry("test.count", &name)).await?;
        }
        Ok(())
    }
}

/// Which facts had an effect and how often, in order.
pub async fn effects(store: &Store) -> Vec<(String, i64)> {
    let rows = store.fetch_all(&COUNTS, params![]).await.unwrap();
    rows.iter().map(|row| (row.text("id").unwrap().to_owned(), row.int("version").unwrap())).collect()
}

pub async fn emit(store: &Store, sources: &[&str]) {
    let mut tx = store.begin().await.unwrap();
    for source in sources {
        tx.emit(Fact::SourceSilent { source: (*source).to_owned(), last_seen: Timestamp(0) });
    }
    tx.commit(rig::entry("test.emit", "facts")).await.unwrap();
}

/// Passes on the names of facts as they arrive.
struct Bell(tokio::sync::mpsc::UnboundedSender<String>);

#[async_trait]
impl Subscriber for Bell {
    fn name(&self) -> &'static str {
        "test.bell"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["deadline-expired"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let Fact::DeadlineExpired { subject, .. } = &delivery.fact else { return Ok(()) };
        Ok(self.0.send(subject.clone())?)
    }
}

/// The loops as production runs them, on the machine's clock.
pub async fn the_loops_fire_and_deliver(url: String) {
    let clock = Arc::new(kernel::time::SystemClock::new());
    let store = Store::open(&url, clock, Arc::new(store::OsRandomness)).await.unwrap();
    let (bell, mut rings) = tokio::sync::mpsc::unbounded_channel();
    let (deadlines, outbox) = (store.clone(), store.clone());
    let loops = [
        tokio::spawn(async move { deadlines.run_deadlines().await }),
        tokio::spawn(async move { outbox.run_outbox(vec![Arc::new(Bell(bell))]).await }),
    ];
    for (subject, after_us) in [("already due", 0), ("soon due", 50_000)] {
        crate::deadlines::promise(&store, subject, store::Due::After(after_us)).await;
        let ring = tokio::time::timeout(std::time::Duration::from_secs(20), rings.recv()).await;
        assert_eq!(ring.expect("it rings in time").as_deref(), Some(subject));
    }
    loops.iter().for_each(tokio::task::JoinHandle::abort);
}

pub async fn facts_arrive_in_order_once(url: String) {
    let (store, _) = rig::open(&url).await;
    let mut postman = store.postman(Counter::new(&store));
    emit(&store, &["a", "b"]).await;
    let mut tx = store.begin().await.unwrap();
    let incident = store.id();
    tx.emit(Fact::IncidentClosed { incident, classification: "undetermined".into(), at: Timestamp(0) });
    tx.commit(rig::entry("test.emit", "another topic")).await.unwrap();
    let mut dropped = store.begin().await.unwrap();
    dropped.emit(Fact::SourceSilent { source: "rolled back".into(), last_seen: Timestamp(0) });
    drop(dropped);
    emit(&store, &["c"]).await;

    assert_eq!(postman.round().await.unwrap().delivered, 3);
    assert_eq!(postman.round().await.unwrap().delivered, 0);
    let once = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), 1)).collect::<Vec<_>>();
    assert_eq!(effects(&store).await, once(&["a", "b", "c"]));
    assert_eq!(store.subscribers().await.unwrap()[0].behind, 0);

    // A crash after the effect and before moving on: the cursor goes back, the marker stays.
    let back = "UPDATE subscriber SET cursor_seq = 0";
    rig::tamper(&url, back).await;
    assert_eq!(postman.round().await.unwrap().delivered, 3);
    assert_eq!(effects(&store).await, once(&["a", "b", "c"]), "a repeated delivery has no second effect");
}

/// Fails on one fact, has little patience, and says what it could not handle.
#[derive(Default)]
struct Hurried {
    handled: Mutex<Vec<String>>,
    told: Mutex<Vec<String>>,
}

#[async_trait]
impl Subscriber for Hurried {
    fn name(&self) -> &'static str {
        "test.hurried"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["source-silent"]
    }

    fn tries(&self) -> u32 {
        3
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let Fact::SourceSilent { source, .. } = &delivery.fact else { return Ok(()) };
        if source == "bad" {
            return Err("the data cannot be written".into());
        }
        self.handled.lock().unwrap().push(source.clone());
        Ok(())
    }

    async fn parked(&self, delivery: &Delivery, problem: &str) -> Result<(), HandlerError> {
        let Fact::SourceSilent { source, .. } = &delivery.fact else { return Ok(()) };
        self.told.lock().unwrap().push(format!("{source}: {problem}"));
        Err("nobody listens, and that is no matter".into())
    }
}

pub async fn who_is_in_a_hurry_says_what_it_could_not_handle(url: String) {
    let (store, clock) = rig::open(&url).await;
    let hurried = Arc::new(Hurried::default());
    let mut postman = store.postman(hurried.clone());
    emit(&store, &["first", "bad", "last"]).await;
    for _ in 0..3 {
        postman.round().await.unwrap();
        clock.advance_s(5);
    }
    assert_eq!(*hurried.handled.lock().unwrap(), ["first", "last"]);
    assert_eq!(*hurried.told.lock().unwrap(), ["bad: the data cannot be written"]);
    assert_eq!(store.parked_facts().await.unwrap().len(), 1);
}

/// A text with NUL keeps nothing out.
pub async fn a_nul_is_kept_as_a_sign_for_it(url: String) {
    let (store, _) = rig::open(&url).await;
    let mut tx = store.begin().await.unwrap();
    tx.execute(&COUNT, params!["x\0y", 1]).await.unwrap();
    tx.commit(rig::entry("test.count", "nul")).await.unwrap();
    assert_eq!(effects(&store).await, [("x\u{fffd}y".to_owned(), 1)]);
}

pub async fn failures_are_retried_then_parked(url: String) {
    let (store, clock) = rig::open(&url).await;
    let counter = Counter::new(&store);
    let mut postman = store.postman(counter.clone());
    emit(&store, &["first", "second"]).await;
    counter.failing.store(true, Ordering::SeqCst);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let until = postman.round().await.unwrap().waiting_until.unwrap();
        assert_eq!(postman.round().await.unwrap().waiting_until, Some(until), "no try before its time");
        let pause_us = u64::try_from(until.micros() - store.now().micros()).unwrap();
        pauses.push(pause_us / 1_000_000);
        clock.advance_us(pause_us);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256]);
    let state = &store.subscribers().await.unwrap()[0];
    assert_eq!((state.attempts, state.last_error.as_deref()), (9, Some("the remote side does not answer")));
    assert_eq!(store.parked_facts().await.unwrap(), []);

    counter.failing.store(false, Ordering::SeqCst);
    assert_eq!(postman.round().await.unwrap().delivered, 2, "the tenth try goes well");
    emit(&store, &["panics", "third"]).await;
    for _ in 0..10 {
        postman.round().await.unwrap();
        clock.advance_s(300);
    }
    let parked = store.parked_facts().await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].attempts, parked[0].error.as_str()), (10, "the subscriber panicked; see the log"));
    let names: Vec<String> = effects(&store).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["first", "second", "third"], "what cannot be handled does not hold up the rest");

    store.retry_parked("test.counter", parked[0].seq, &rig::analyst()).await.unwrap();
    postman.round().await.unwrap();
    let parked = store.parked_facts().await.unwrap();
    assert_eq!((parked[0].attempts, parked[0].retry), (11, false), "it still panics and is parked again");
    rig::tamper(
        &url,
        "UPDATE outbox SET fact = '{\"fact\":\"source-silent\",\"source\":\"cured\",\"last_seen\":0}' \
                       WHERE fact LIKE '%panics%'",
    )
    .await;
    store.retry_parked("test.counter", parked[0].seq, &rig::analyst()).await.unwrap();
    postman.round().await.unwrap();
    assert_eq!(store.parked_facts().await.unwrap(), []);
    assert!(effects(&store).await.contains(&("cured".to_owned(), 1)));
    assert!(store.retry_parked("test.counter", 99, &rig::analyst()).await.is_err());

    assert_eq!(store.prune_outbox().await.unwrap(), 0, "young facts are kept");
    clock.advance_s(31 * 86_400);
    assert_eq!(store.prune_outbox().await.unwrap(), 4);
}
