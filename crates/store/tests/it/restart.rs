//! Crashes of the real thing: the future is dropped at its n-th wait, for every n until it runs through.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use store::{Due, Store};
use testkit::TestClock;

use crate::{deadlines, outbox, rig};

/// Polls until the future has waited `waits` times and drops it there. True: it finished before.
async fn crash_after(waits: u32, work: impl Future<Output = ()>) -> bool {
    let mut work = pin!(work);
    let mut left = waits;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Fires what is due and tells the subscriber.
async fn turn(store: &Store) {
    store.deadline_engine().tick().await.unwrap();
    store.postman(outbox::Counter::new(store)).round().await.unwrap();
}

async fn restarted(url: &str, clock: &Arc<TestClock>, store: Store) -> Store {
    store.close().await;
    rig::reopen(url, clock).await
}

pub async fn crash_at_every_await_point(url: String) {
    let (mut store, clock) = rig::open(&url).await;
    let mut expected = Vec::new();
    // How often a future waits depends on how fast the database answers: SQLite needs more than one pass.
    for pass in 0.. {
        if expected.len() > 30 {
            break;
        }
        for waits in 0.. {
            let subject = format!("subject-{pass}-{waits:04}");
            deadlines::promise(&store, &subject, Due::After(1_000_000)).await;
            expected.push((subject, 1));
            clock.advance_s(2);
            if crash_after(waits, turn(&store)).await {
                break;
            }
            store = restarted(&url, &clock, store).await;
            // What the crash left undone is done by the next turn, and only that.
            turn(&store).await;
            assert_eq!(outbox::effects(&store).await, expected, "after a crash at wait {waits}");
            assert!(waits < 10_000, "it never finishes");
        }
    }
    assert_eq!(outbox::effects(&store).await, expected);
    assert_eq!(deadlines::expired(&store).await.len(), expected.len(), "each fired once");
    assert_eq!(store.verify_ledger().await.unwrap().fault, None);
}
