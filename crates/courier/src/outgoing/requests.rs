//! What desks ask for, taken from the outbox.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::message::{Address, DeliveryState, Dispatch, MessageDelivery, Precedence};
use kernel::{Actor, Fact};
use serde_json::json;
use store::{Delivery, Entry, HandlerError, Subscriber, Tx, params};

use super::decide::{Happening, after};
use super::record::Outgoing;
use super::rows;
use crate::error::Error;
use crate::room::Courier;
use crate::sql;

/// The same text to the same address more often than this within [`LOOP_US`] is taken for a loop.
const LOOP: i64 = 10;
const LOOP_US: i64 = 600_000_000;

impl Courier {
    /// Hears what desks want sent. To be given to `Store::run_outbox`.
    pub fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::new(Requests { courier: self.clone() })
    }

    /// Has messages sent for somebody at a keyboard or a program: a test, a notice. Known keys are left as they are. Returns how
    /// many are new.
    ///
    /// # Errors
    /// [`Error::Refused`] names the first dispatch that cannot be used; nothing was written then.
    pub async fn request(&self, actor: &Actor, desk: &str, dispatches: &[Dispatch]) -> Result<usize, Error> {
        for dispatch in dispatches {
            if let Some(fault) = rows::fault(dispatch) {
                return Err(Error::refused("dispatches", format!("`{}`: {fault}", dispatch.key)));
            }
        }
        let mut tx = self.store.begin().await?;
        let new = add(&mut tx, desk, dispatches).await?;
        tx.commit(entry(actor, desk, dispatches)).await?;
        self.wake();
        Ok(new)
    }
}

fn entry(actor: &Actor, desk: &str, dispatches: &[Dispatch]) -> Entry {
    let keys: Vec<&str> = dispatches.iter().map(|dispatch| dispatch.key.as_str()).collect();
    Entry::new(actor, "message.request", desk).after(json!({ "keys": keys }))
}

struct Requests {
    courier: Courier,
}

#[async_trait]
impl Subscriber for Requests {
    fn name(&self) -> &'static str {
        "courier.requests"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["messages-requested", "messages-withdrawn"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        match &delivery.fact {
            Fact::MessagesRequested { desk, dispatches } => Ok(self.take(delivery, desk, dispatches).await?),
            Fact::MessagesWithdrawn { desk, keys, reason } => Ok(self.withdraw(delivery, desk, keys, reason).await?),
            _ => Ok(()),
        }
    }
}

impl Requests {
    async fn take(&self, delivery: &Delivery, desk: &str, dispatches: &[Dispatch]) -> Result<(), Error> {
        let mut tx = self.courier.store.begin().await?;
        if !tx.acknowledge(delivery).await? {
            return Ok(());
        }
        add(&mut tx, desk, dispatches).await?;
        tx.commit(entry(&rows::courier(), desk, dispatches)).await?;
        self.courier.wake();
        Ok(())
    }

    async fn withdraw(&self, delivery: &Delivery, desk: &str, keys: &[String], reason: &str) -> Result<(), Error> {
        let mut tx = self.courier.store.begin().await?;
        if !tx.acknowledge(delivery).await? {
            return Ok(());
        }
        let now = tx.now();
        for key in keys {
            let Some(before) = rows::find_by_key(&mut tx, key).await?.filter(|found| found.desk == desk) else {
                continue;
            };
            let happening = Happening::Withdrawn { reason: reason.to_owned() };
            if let Some(entry) = rows::save(&mut tx, &before, after(&before, &happening, now, 0)).await? {
                tx.record(entry);
            }
        }
        let entry =
            Entry::new(&rows::courier(), "message.withdraw", desk).reason(reason).after(json!({ "keys": keys }));
        tx.commit(entry).await?;
        Ok(())
    }
}

/// Adds what is new. What cannot be sent at all becomes a dead letter at once, so that the desk hears of it.
async fn add(tx: &mut Tx, desk: &str, dispatches: &[Dispatch]) -> Result<usize, Error> {
    let mut new = 0;
    for dispatch in dispatches {
        let mut record = Outgoing::asked(tx.id(), desk, dispatch, tx.now());
        let fault = match rows::fault(dispatch) {
            Some(fault) => Some(fault),
            None => repeated(tx, dispatch).await?,
        };
        if let Some(fault) = &fault {
            record.state = DeliveryState::Undeliverable;
            record.open = false;
            record.problem = Some(fault.clone());
        }
        if !rows::insert(tx, &record).await? {
            continue;
        }
        new += 1;
        if let Some(fault) = fault {
            tell_dead(tx, &record, fault);
        }
    }
    Ok(new)
}

fn tell_dead(tx: &mut Tx, record: &Outgoing, problem: String) {
    let (key, about, at) = (record.key.clone(), record.about.clone(), tx.now());
    let (state, address, problem) = (DeliveryState::Undeliverable, None, Some(problem));
    tx.emit(Fact::MessageDelivery(MessageDelivery { key, about, state, address, problem, at }));
}

/// Whether the same text goes to the same address so often that two programs must be talking to each other. A call for help is
/// never held back.
async fn repeated(tx: &mut Tx, dispatch: &Dispatch) -> Result<Option<String>, Error> {
    if dispatch.precedence == Precedence::Distress {
        return Ok(None);
    }
    let Some(Address { means, address }) = dispatch.addresses.first() else { return Ok(None) };
    let since = tx.now().plus_micros(-LOOP_US);
    let row = tx.fetch_optional(&sql::REPETITIONS, params![means.as_str(), address, &dispatch.text, since]).await?;
    let often = row.map_or(Ok(0), |row| row.int("often"))?;
    Ok((often >= LOOP)
        .then(|| format!("the same text went to {address} {often} times in 10 minutes: this looks like a loop")))
}
