//! What the checks share: the courier on an opened store, a desk that asks and hears, a channel that does as it is told.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use courier::{Channel, Courier, Limits, Outcome, Outgoing, Piece, Sender};
use kernel::message::{Address, DeliveryState, Dispatch, Means, MessageDelivery, Precedence};
use kernel::{Actor, Fact};
use parking_lot::Mutex;
use store::{Delivery, Entry, HandlerError, Postman, Store, Subscriber};
use testkit::{CountingRandomness, TestClock};

pub struct Rig {
    pub store: Store,
    pub courier: Courier,
    pub clock: Arc<TestClock>,
    ear: Postman<Store>,
    requests: Postman<Store>,
    heard: Arc<Mutex<Vec<Fact>>>,
}

/// Hears everything that the courier tells.
struct Ear(Arc<Mutex<Vec<Fact>>>);

#[async_trait]
impl Subscriber for Ear {
    fn name(&self) -> &'static str {
        "test.ear"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["message-delivery", "message-received", "positions-reported", "distress-signalled", "distress-cancelled"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        self.0.lock().push(delivery.fact.clone());
        Ok(())
    }
}

impl Rig {
    pub async fn open(url: &str) -> Rig {
        Rig::seeded(url, 7).await
    }

    pub async fn seeded(url: &str, seed: u64) -> Rig {
        let clock = TestClock::noon();
        let store = Store::open(url, clock.clone(), CountingRandomness::seeded(seed)).await.unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let courier = Courier::new(store.clone());
        let requests = store.postman(courier.subscriber());
        Rig { ear: store.postman(Arc::new(Ear(heard.clone()))), requests, courier, clock, heard, store }
    }

    /// As after a crash: everything in memory is gone.
    pub async fn restart(&mut self) {
        self.courier = Courier::new(self.store.clone());
        self.requests = self.store.postman(self.courier.subscriber());
        self.courier.resume().await.unwrap();
    }

    /// A desk asks, in a transaction of its own, and the courier hears it.
    pub async fn ask(&mut self, dispatches: Vec<Dispatch>) {
        self.tell(Fact::MessagesRequested { desk: "field".to_owned(), dispatches }).await;
    }

    pub async fn tell(&mut self, fact: Fact) {
        let mut tx = self.store.begin().await.unwrap();
        tx.emit(fact);
        tx.commit(Entry::new(&Actor::system("field"), "test.ask", "test")).await.unwrap();
        let progress = self.requests.round().await.unwrap();
        assert_eq!((progress.parked, progress.waiting_until), (0, None), "the courier refused a fact");
    }

    /// What was told since the last time.
    pub async fn hear(&mut self) -> Vec<Fact> {
        self.ear.round().await.unwrap();
        std::mem::take(&mut self.heard.lock())
    }

    /// States told since the last time, by key.
    pub async fn states(&mut self) -> Vec<(String, DeliveryState)> {
        let news = self.deliveries().await;
        news.into_iter().map(|one| (one.key, one.state)).collect()
    }

    pub async fn deliveries(&mut self) -> Vec<MessageDelivery> {
        let facts = self.hear().await;
        let news = facts.into_iter().filter_map(|fact| match fact {
            Fact::MessageDelivery(news) => Some(news),
            _ => None,
        });
        news.collect()
    }

    /// One pass of a sender over everything that is due.
    pub async fn send(&self, channel: &Arc<Scripted>) -> usize {
        Sender::new(self.courier.clone(), channel.clone()).drain().await.unwrap()
    }
}

pub fn dispatch(key: &str, addresses: &[(Means, &str)]) -> Dispatch {
    Dispatch {
        key: key.to_owned(),
        about: "alarm-7".to_owned(),
        recipient: "Ana Soares".to_owned(),
        addresses: addresses.iter().map(|(means, address)| Address::new(*means, *address)).collect(),
        subject: None,
        text: format!("Are you safe? ({key})"),
        precedence: Precedence::Immediate,
        exercise: false,
        secret: false,
        patience_s: None,
        expires: None,
    }
}

/// A channel that answers from a script, then accepts.
pub struct Scripted {
    means: Means,
    answers: Mutex<VecDeque<Outcome>>,
    pub sent: Mutex<Vec<Outgoing>>,
    pub receipts: bool,
    at_once: usize,
}

impl Scripted {
    pub fn new(means: Means, receipts: bool, answers: Vec<Outcome>) -> Arc<Scripted> {
        Arc::new(Scripted { means, answers: Mutex::new(answers.into()), sent: Mutex::default(), receipts, at_once: 1 })
    }

    /// Accepts everything, so many at once.
    pub fn wide(means: Means, at_once: usize) -> Arc<Scripted> {
        Arc::new(Scripted { means, answers: Mutex::default(), sent: Mutex::default(), receipts: false, at_once })
    }
}

#[async_trait]
impl Channel for Scripted {
    fn name(&self) -> &str {
        self.means.as_str()
    }

    fn means(&self) -> Means {
        self.means
    }

    fn limits(&self) -> Limits {
        Limits { per_second: 0.0, at_once: self.at_once }
    }

    async fn send(&self, message: &Outgoing, _taken: &[Piece]) -> Outcome {
        self.sent.lock().push(message.clone());
        let answer = self.answers.lock().pop_front();
        answer.unwrap_or_else(|| Outcome::Accepted {
            pieces: vec![Piece { number: 1, total: 1, provider_id: format!("{}-{}", message.key, message.place) }],
            receipts_follow: self.receipts,
        })
    }
}
