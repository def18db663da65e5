//! What a room does to hear of facts.

use async_trait::async_trait;
use kernel::{Fact, Timestamp};

/// Why a subscriber could not handle a fact. It is told again later.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// One fact on its way to one subscriber.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub subscriber: &'static str,
    /// The fact's place in the outbox; with the subscriber's name it identifies the delivery.
    pub seq: i64,
    pub fact: Fact,
    /// When it became true.
    pub time: Timestamp,
}

/// A room that acts on facts.
///
/// A delivery may come again after a crash. A handler that writes to the state database calls
/// [`Tx::acknowledge`](crate::Tx::acknowledge) in the same transaction and stops when that returns false.
#[async_trait]
pub trait Subscriber: Send + Sync {
    /// Stable for ever: its place in the outbox is kept under this name.
    fn name(&self) -> &'static str;
    /// The topics it hears: see [`Fact::topic`].
    fn topics(&self) -> &'static [&'static str];
    /// How often a fact is told before it is parked: about twenty minutes. Who must not keep others waiting says fewer.
    fn tries(&self) -> u32 {
        10
    }
    /// Acts on a fact.
    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError>;
    /// Acts on the first of several facts, or on as many of the first as it likes in one transaction, and tells on how
    /// many. There is at least one. When it fails none of them has had an effect, and the first is told again alone.
    async fn handle_some(&self, deliveries: &[Delivery]) -> Result<usize, HandlerError> {
        let Some(first) = deliveries.first() else { return Ok(0) };
        self.handle(first).await.map(|()| 1)
    }
    /// A fact is parked because of this problem: what has to be said to whoever counts on it being handled.
    async fn parked(&self, _delivery: &Delivery, _problem: &str) -> Result<(), HandlerError> {
        Ok(())
    }
}
