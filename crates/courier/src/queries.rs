//! What people ask of the room.

use kernel::Timestamp;
use kernel::id::{MessageId, RawId};
use kernel::message::DeliveryState;
use serde::Serialize;
use store::{Row, params};

use crate::error::Error;
use crate::outgoing::{Outgoing, outgoing};
use crate::room::Courier;
use crate::sql;

/// Most rows of one answer.
const MOST: u32 = 500;

/// A message that came in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReceivedMessage {
    pub id: MessageId,
    pub means: String,
    pub channel: String,
    pub provider_id: Option<String>,
    pub sender: String,
    pub recipient: String,
    pub subject: Option<String>,
    pub text: String,
    pub sent: Option<Timestamp>,
    pub received: Timestamp,
    pub answers: Option<String>,
    pub answers_certain: bool,
    pub automatic: bool,
    pub exercise: bool,
    /// How often its network delivered it.
    pub receipts: u64,
    pub raw: RawId,
}

/// One try of a dispatch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Try {
    pub number: u64,
    pub channel: String,
    pub means: String,
    pub address: String,
    pub began: Timestamp,
    pub ended: Option<Timestamp>,
    pub outcome: Option<String>,
    pub problem: Option<String>,
}

/// Bytes as a network delivered them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RawDelivery {
    pub id: RawId,
    pub channel: String,
    pub received: Timestamp,
    /// `text`, or `base64` when the bytes are not text.
    pub encoding: String,
    pub body: String,
    pub findings: Vec<String>,
}

impl Courier {
    /// Messages received before an instant, the newest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn messages(&self, before: Timestamp, limit: u32) -> Result<Vec<ReceivedMessage>, Error> {
        let rows = self.store.fetch_all(&sql::MESSAGES, params![before, limit.min(MOST)]).await?;
        Ok(rows.iter().map(received).collect::<Result<_, _>>()?)
    }

    /// Dispatches changed before an instant, the newest first; of one state, or all.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn dispatches(
        &self,
        before: Timestamp,
        state: Option<DeliveryState>,
        limit: u32,
    ) -> Result<Vec<Outgoing>, Error> {
        let state = state.map(DeliveryState::as_str);
        let rows = self.store.fetch_all(&sql::DISPATCHES, params![before, state, limit.min(MOST)]).await?;
        Ok(rows.iter().map(outgoing).collect::<Result<_, _>>()?)
    }

    /// One dispatch by its key, with its tries.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Store`] when the database fails.
    pub async fn dispatch(&self, key: &str) -> Result<(Outgoing, Vec<Try>), Error> {
        let row = self.store.fetch_optional(&sql::DISPATCH_BY_KEY, params![key]).await?;
        let row = row.ok_or_else(|| Error::NotFound { what: "dispatch", id: key.to_owned() })?;
        let found = outgoing(&row)?;
        let tries = self.store.fetch_all(&sql::TRIES, params![found.id]).await?;
        Ok((found, tries.iter().map(one_try).collect::<Result<_, _>>()?))
    }

    /// The bytes of a delivery.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they are gone or never were, [`Error::Store`] when the database fails.
    pub async fn raw(&self, id: RawId) -> Result<RawDelivery, Error> {
        let row = self.store.fetch_optional(&sql::RAW, params![id]).await?;
        let row = row.ok_or_else(|| Error::NotFound { what: "delivery", id: id.to_string() })?;
        Ok(raw(&row)?)
    }

    /// Deliveries in which something could not be read, the newest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn faulty(&self, limit: u32) -> Result<Vec<RawDelivery>, Error> {
        let rows = self.store.fetch_all(&sql::FAULTY_RAW, params![limit.min(MOST)]).await?;
        Ok(rows.iter().map(raw).collect::<Result<_, _>>()?)
    }

    /// How many dispatches wait, by means.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn waiting(&self) -> Result<Vec<(String, u64)>, Error> {
        let rows = self.store.fetch_all(&sql::QUEUED_MEANS, params![]).await?;
        let pair = |row: &Row| Ok((row.text("means")?.to_owned(), row.count("waiting")?));
        Ok(rows.iter().map(pair).collect::<Result<_, store::Error>>()?)
    }
}

fn received(row: &Row) -> Result<ReceivedMessage, store::Error> {
    let text = |name: &str| row.text(name).map(str::to_owned);
    let text_opt = |name: &str| Ok::<_, store::Error>(row.text_opt(name)?.map(str::to_owned));
    Ok(ReceivedMessage {
        id: row.id("id")?,
        means: text("means")?,
        channel: text("channel")?,
        provider_id: text_opt("provider_id")?,
        sender: text("sender")?,
        recipient: text("recipient")?,
        subject: text_opt("subject")?,
        text: text("body")?,
        sent: row.time_opt("sent_us")?,
        received: row.time("received_us")?,
        answers: text_opt("answers")?,
        answers_certain: row.flag("answers_certain")?,
        automatic: row.flag("automatic")?,
        exercise: row.flag("exercise")?,
        receipts: row.count("receipts")?,
        raw: row.id("raw_id")?,
    })
}

fn one_try(row: &Row) -> Result<Try, store::Error> {
    Ok(Try {
        number: row.count("number")?,
        channel: row.text("channel")?.to_owned(),
        means: row.text("means")?.to_owned(),
        address: row.text("address")?.to_owned(),
        began: row.time("began_us")?,
        ended: row.time_opt("ended_us")?,
        outcome: row.text_opt("outcome")?.map(str::to_owned),
        problem: row.text_opt("problem")?.map(str::to_owned),
    })
}

fn raw(row: &Row) -> Result<RawDelivery, store::Error> {
    Ok(RawDelivery {
        id: row.id("id")?,
        channel: row.text("channel")?.to_owned(),
        received: row.time("received_us")?,
        encoding: row.text("encoding")?.to_owned(),
        body: row.text("body")?.to_owned(),
        findings: row.json("findings")?,
    })
}
