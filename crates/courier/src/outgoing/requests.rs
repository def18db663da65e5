//! What desks ask for, taken from the outbox.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::id::{MessageId, RawId};
use kernel::message::{Address, DeliveryState, Dispatch, MessageDelivery, Precedence};
use kernel::{Actor, Fact};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{Delivery, Entry, HandlerError, Subscriber, Tx, params};

use super::decide::{Happening, after};
use super::record::{Outgoing, SECRET};
use super::rows;
use crate::error::Error;
use crate::room::Courier;
use crate::sql;

/// The same text to the same address more often than this within [`LOOP_US`] is taken for a loop.
const LOOP: i64 = 10;
const LOOP_US: i64 = 600_000_000;
/// So long a transaction goes on taking further requests.
const TOGETHER_US: u64 = 20_000;

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
        &["messages-requested", "messages-withdrawn", "message-concealed"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        self.handle_some(std::slice::from_ref(delivery)).await.map(drop)
    }

    /// As many as can be taken within [`TOGETHER_US`], in one transaction.
    async fn handle_some(&self, deliveries: &[Delivery]) -> Result<usize, HandlerError> {
        Ok(self.take(deliveries).await?)
    }
}

impl Requests {
    async fn take(&self, deliveries: &[Delivery]) -> Result<usize, Error> {
        let clock = self.courier.store.clock();
        let mut tx = self.courier.store.begin_urgent().await?;
        let (began_us, mut taken, mut entries) = (clock.monotonic_us(), 0, Vec::new());
        for delivery in deliveries {
            if taken > 0 && clock.monotonic_us() - began_us > TOGETHER_US {
                break;
            }
            taken += 1;
            if tx.acknowledge(delivery).await? {
                entries.extend(take_one(&mut tx, &delivery.fact).await?);
                forget_secrets(&mut tx, delivery).await?;
            }
        }
        if let Some(last) = entries.pop() {
            entries.into_iter().for_each(|entry| tx.record(entry));
            tx.commit(last).await?;
            self.courier.wake();
        }
        Ok(taken)
    }
}

/// A message as its desk shows it, from now on here, too. Of the delivery that it came in the digest stays, by which whoever has
/// the bytes can prove what they were.
async fn conceal(tx: &mut Tx, message: MessageId, text: &str, subject: Option<&str>) -> Result<Option<Entry>, Error> {
    let shown = params![message, text, subject];
    let Some(row) = tx.fetch_optional(&sql::CONCEAL_MESSAGE, shown).await? else { return Ok(None) };
    let raw: RawId = row.id("raw_id")?;
    if let Some(kept) = tx.fetch_optional(&sql::RAW, params![raw]).await? {
        let digest = hex::encode(Sha256::digest(kept.text("body")?));
        let shown = format!("[concealed by the desk; SHA-256 of what was kept: {digest}]");
        tx.execute(&sql::CONCEAL_RAW, params![raw, shown]).await?;
    }
    Ok(Some(Entry::new(&rows::courier(), "message.conceal", message)))
}

/// What is secret in a request is kept with the dispatch alone, and there as long as it has to be sent.
async fn forget_secrets(tx: &mut Tx, delivery: &Delivery) -> Result<(), Error> {
    let Fact::MessagesRequested { desk, dispatches } = &delivery.fact else { return Ok(()) };
    if !dispatches.iter().any(|dispatch| dispatch.secret) {
        return Ok(());
    }
    let told = |dispatch: &Dispatch| {
        let known = dispatch.clone();
        if dispatch.secret { Dispatch { subject: None, text: SECRET.to_owned(), ..known } } else { known }
    };
    let fact = Fact::MessagesRequested { desk: desk.clone(), dispatches: dispatches.iter().map(told).collect() };
    Ok(tx.replace_fact(delivery, &fact).await?)
}

/// What a fact asks for, with the entry that tells of it.
async fn take_one(tx: &mut Tx, fact: &Fact) -> Result<Option<Entry>, Error> {
    match fact {
        Fact::MessagesRequested { desk, dispatches } => {
            add(tx, desk, dispatches).await?;
            Ok(Some(entry(&rows::courier(), desk, dispatches)))
        }
        Fact::MessagesWithdrawn { desk, keys, reason } => withdraw(tx, desk, keys, reason).await.map(Some),
        Fact::MessageConcealed { message, text, subject, .. } => conceal(tx, *message, text, subject.as_deref()).await,
        _ => Ok(None),
    }
}

async fn withdraw(tx: &mut Tx, desk: &str, keys: &[String], reason: &str) -> Result<Entry, Error> {
    let now = tx.now();
    for key in keys {
        let Some(before) = rows::find_by_key(tx, key).await?.filter(|found| found.desk == desk) else {
            continue;
        };
        let happening = Happening::Withdrawn { reason: reason.to_owned() };
        if let Some(entry) = rows::save(tx, &before, after(&before, &happening, now, 0)).await? {
            tx.record(entry);
        }
    }
    Ok(Entry::new(&rows::courier(), "message.withdraw", desk).reason(reason).after(json!({ "keys": keys })))
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
            if record.secret {
                (record.subject, record.text) = (None, SECRET.to_owned());
            }
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
