//! What the checks share: the room on an opened store with a clock turned by hand.

use std::sync::Arc;

use identity::Identity;
use store::Store;
use testkit::{CountingRandomness, TestClock};

#[expect(dead_code, reason = "the checks that turn the clock come with the commands")]
pub struct Rig {
    pub store: Store,
    pub identity: Identity,
    pub clock: Arc<TestClock>,
}

/// An empty room.
pub async fn empty(url: &str) -> Rig {
    let clock = TestClock::noon();
    let store = Store::open(url, clock.clone(), CountingRandomness::seeded(7)).await.unwrap();
    Rig { identity: Identity::new(store.clone()), store, clock }
}
