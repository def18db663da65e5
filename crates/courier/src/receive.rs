//! The one way in: what a network delivered is kept as it came, told apart from what came before, and told to the desks.
//!
//! All of a delivery is one transaction. Whoever delivered it is answered after that, so that what is not kept is delivered again.

use base64::Engine;
use kernel::id::{Id, Kind, RawId};
use kernel::message::{DistressCancelled, DistressSignalled, MessageReceived, PositionReported, Quirk};
use kernel::{Actor, Fact, Timestamp};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{Entry, Tx, params};

use crate::arrival::{Call, Distress, Item, Position, Reading, Segment, Text};
use crate::error::Error;
use crate::outgoing::take_receipt;
use crate::room::Courier;
use crate::sql;

/// The same words of the same sender to the same address within this time are one message, when the network gives no ids.
const SAME_US: i64 = 300_000_000;
/// What was sent longer ago is not what a message answers.
const ANSWER_US: i64 = 86_400_000_000;
/// A long short message that is not complete after this is told with its gaps.
const SEGMENTS_US: i64 = 600_000_000;
const FUTURE_US: i64 = 60_000_000;
const LATE_US: i64 = 600_000_000;
/// Degrees around 0, 0 in which nobody is.
const NULL_ISLAND: f64 = 0.0001;
/// Decisions about what is new are taken one after the other.
const DOOR: &str = "courier.door";

/// Items that are taken in one transaction: whoever calls for help or enters a line waits for no more than these.
const AT_ONCE: usize = 500;

/// What became of a delivery. It is durable when this is returned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Taken {
    pub messages: u32,
    pub positions: u32,
    pub distress: u32,
    pub receipts: u32,
    /// Items that had been delivered before.
    pub duplicates: u32,
    /// What could not be read, each with its place and the remedy.
    pub findings: Vec<String>,
}

impl Courier {
    /// Takes what a channel delivered: many items in several transactions, calls for help first. An item that comes again is
    /// the same item, so a delivery that ended half-way is simply delivered again.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails: nothing was kept, and the sender should deliver again.
    pub async fn take(&self, channel: &str, raw: &[u8], reading: Reading) -> Result<Taken, Error> {
        let Reading { mut items, findings } = self.only_allowed(channel, reading);
        if items.len() > AT_ONCE {
            items.sort_by_key(|item| !matches!(item, Item::Distress(_)));
        }
        let (first, rest) = items.split_at(items.len().min(AT_ONCE));
        let mut delivery = Delivered { channel, raw, findings: &findings, kept: None };
        let mut taken = self.take_urgently(&mut delivery, first).await?;
        for items in rest.chunks(AT_ONCE) {
            taken.add(&self.take_urgently(&mut delivery, items).await?);
        }
        taken.findings = findings;
        let received = self.now();
        self.note(channel, |state| {
            state.received += 1;
            state.duplicates += u64::from(taken.duplicates);
            state.faulty += u64::from(!taken.findings.is_empty());
            state.last_received = Some(received);
        });
        self.wake();
        Ok(taken)
    }

    /// A call for help is taken on a full disk, too.
    async fn take_urgently(&self, delivery: &mut Delivered<'_>, items: &[Item]) -> Result<Taken, Error> {
        let urgent = items.iter().any(|item| matches!(item, Item::Distress(_)));
        let taken = match self.store.begin().await {
            Ok(tx) => take_in(tx, delivery, items).await,
            Err(error) => Err(error.into()),
        };
        match taken {
            Err(Error::Store(error)) if error.is_disk_full() && urgent && self.store.spend_reserve() => {
                take_in(self.store.begin_urgent().await?, delivery, items).await
            }
            taken => taken,
        }
    }

    /// Tells long short messages whose other segments never came, with their gaps.
    pub(crate) async fn complete_old_segments(&self) -> Result<(), Error> {
        let before = self.now().plus_micros(-SEGMENTS_US);
        for row in self.store.fetch_all(&sql::OLD_SEGMENTS, params![before]).await? {
            let channel = row.text("channel")?.to_owned();
            let number = |name: &str| row.count(name);
            let segment = Segment {
                sender: row.text("sender")?.to_owned(),
                recipient: row.text("recipient")?.to_owned(),
                reference: u16::try_from(number("reference")?).unwrap_or(u16::MAX),
                total: u8::try_from(number("total")?).unwrap_or(u8::MAX),
                number: 0,
                text: String::new(),
            };
            let mut tx = self.store.begin().await?;
            tx.lock(DOOR).await?;
            let received = tx.now();
            let kept = tx.fetch_all(&sql::SEGMENTS, segment_key(&channel, &segment)).await?;
            let Some(first) = kept.first() else { continue };
            let raw_id: RawId = first.id("raw_id")?;
            let mut turn =
                Turn { tx, channel: &channel, raw_id, received, taken: Taken::default(), positions: Vec::new() };
            turn.join(&segment).await?;
            let entry = Entry::new(&Actor::system("courier"), "courier.incomplete", raw_id);
            turn.tx.commit(entry.reason("segments are missing after ten minutes")).await?;
        }
        Ok(())
    }
}

/// What came, and as what it is kept.
struct Delivered<'a> {
    channel: &'a str,
    raw: &'a [u8],
    findings: &'a [String],
    /// With the first of its items.
    kept: Option<RawId>,
}

async fn take_in(mut tx: Tx, delivery: &mut Delivered<'_>, items: &[Item]) -> Result<Taken, Error> {
    tx.lock(DOOR).await?;
    let channel = delivery.channel;
    let raw_id = match delivery.kept {
        Some(raw_id) => raw_id,
        None => keep_raw(&mut tx, channel, delivery.raw, delivery.findings).await?,
    };
    let received = tx.now();
    let mut turn = Turn { tx, channel, raw_id, received, taken: Taken::default(), positions: Vec::new() };
    for item in items {
        turn.item(item.clone()).await?;
    }
    let Turn { mut tx, taken, positions, .. } = turn;
    if !positions.is_empty() {
        tx.emit(Fact::PositionsReported { positions });
    }
    let summary = json!({ "channel": channel, "messages": taken.messages, "positions": taken.positions,
        "distress": taken.distress, "receipts": taken.receipts, "duplicates": taken.duplicates,
        "findings": delivery.findings.len() });
    tx.commit(Entry::new(&Actor::system("courier"), "courier.receive", raw_id).after(summary)).await?;
    delivery.kept = Some(raw_id);
    Ok(taken)
}

impl Taken {
    fn add(&mut self, more: &Taken) {
        self.messages += more.messages;
        self.positions += more.positions;
        self.distress += more.distress;
        self.receipts += more.receipts;
        self.duplicates += more.duplicates;
    }
}

/// One delivery on its way into the house.
struct Turn<'a> {
    tx: Tx,
    channel: &'a str,
    raw_id: RawId,
    received: Timestamp,
    taken: Taken,
    positions: Vec<PositionReported>,
}

impl Turn<'_> {
    async fn item(&mut self, item: Item) -> Result<(), Error> {
        match item {
            Item::Text(text) => self.text(text).await,
            Item::Segment(segment) => self.segment(segment).await,
            Item::Position(position) => self.position(&position).await.map(drop),
            Item::Distress(distress) => self.distress(distress).await,
            Item::Receipt(receipt) => {
                self.taken.receipts += 1;
                for entry in take_receipt(&mut self.tx, self.channel, &receipt).await? {
                    self.tx.record(entry);
                }
                Ok(())
            }
        }
    }

    /// Counts a delivery of something. True: it is the first.
    async fn is_new<K: Kind>(&mut self, id: Id<K>) -> Result<bool, Error> {
        let received = self.received;
        let seen = self.tx.fetch_optional(&sql::SEE, params![id, received]).await?;
        let new = seen.map_or(Ok(1), |row| row.int("receipts"))? == 1;
        self.taken.duplicates += u32::from(!new);
        Ok(new)
    }

    async fn text(&mut self, text: Text) -> Result<(), Error> {
        let words =
            hex::encode(digest(&[text.means.as_str(), self.channel, &text.sender, &text.recipient, &text.text]));
        let id = match &text.provider_id {
            // A gateway or a device that was restarted counts from one again: other words are another message.
            Some(provider) => Id::derived(digest(&["message", self.channel, provider, &words])),
            None => self.same_or_fresh(&words).await?,
        };
        if !self.is_new(id).await? {
            return Ok(());
        }
        self.taken.messages += 1;
        let (answers, certain) = self.answered(&text).await?;
        let row = params![
            id,
            text.means.as_str(),
            self.channel,
            text.provider_id.clone(),
            &text.sender,
            &text.recipient,
            text.subject.clone(),
            &text.text,
            &words,
            text.sent,
            self.received,
            answers.clone(),
            certain,
            text.automatic,
            text.exercise,
            self.raw_id
        ];
        self.tx.execute(&sql::INSERT_MESSAGE, row).await?;
        self.tx.emit(Fact::MessageReceived(Box::new(MessageReceived {
            message: id,
            means: text.means,
            channel: self.channel.to_owned(),
            provider_id: text.provider_id,
            sender: text.sender,
            recipient: text.recipient,
            subject: text.subject,
            text: text.text,
            sent: text.sent,
            received: self.received,
            answers,
            answers_certain: certain,
            precedence: text.precedence,
            relayed_by: text.relayed_by,
            automatic: text.automatic,
            exercise: text.exercise,
            raw: self.raw_id,
        })));
        Ok(())
    }

    /// Without an id of the network: the same words lately are the same message.
    async fn same_or_fresh<K: Kind>(&mut self, digest: &str) -> Result<Id<K>, Error> {
        let since = self.received.plus_micros(-SAME_US);
        let same = self.tx.fetch_optional(&sql::SAME_MESSAGE, params![digest, since]).await?;
        Ok(same.map(|row| row.id("id")).transpose()?.unwrap_or_else(|| self.tx.id()))
    }

    /// Which dispatch a message answers: what the network says, else the only one lately.
    async fn answered(&mut self, text: &Text) -> Result<(Option<String>, bool), Error> {
        if let Some(ours) = &text.answers
            && let Some(row) = self.tx.fetch_optional(&sql::DISPATCH, params![ours]).await?
        {
            return Ok((Some(row.text("dispatch_key")?.to_owned()), true));
        }
        let since = self.received.plus_micros(-ANSWER_US);
        let sent = self.tx.fetch_all(&sql::LATELY_SENT, params![text.means.as_str(), &text.sender, since]).await?;
        match sent.as_slice() {
            [only] => Ok((Some(only.text("dispatch_key")?.to_owned()), false)),
            _ => Ok((None, false)),
        }
    }

    async fn segment(&mut self, segment: Segment) -> Result<(), Error> {
        let row = params![
            self.channel,
            &segment.sender,
            &segment.recipient,
            u32::from(segment.reference),
            u32::from(segment.total),
            u32::from(segment.number),
            &segment.text,
            self.received,
            self.raw_id
        ];
        if self.tx.execute(&sql::INSERT_SEGMENT, row).await? == 0 {
            self.taken.duplicates += 1;
            return Ok(());
        }
        let kept = self.tx.fetch_all(&sql::SEGMENTS, segment_key(self.channel, &segment)).await?;
        if kept.len() < usize::from(segment.total) {
            return Ok(());
        }
        self.join(&segment).await
    }

    /// Makes one message of the segments that are there, and says which are not.
    async fn join(&mut self, segment: &Segment) -> Result<(), Error> {
        let kept = self.tx.fetch_all(&sql::SEGMENTS, segment_key(self.channel, segment)).await?;
        let mut whole = String::new();
        for number in 1..=i64::from(segment.total) {
            let mut found = None;
            for row in &kept {
                if row.int("number")? == number {
                    found = Some(row.text("body")?);
                }
            }
            match found {
                Some(text) => whole.push_str(text),
                None => whole.push_str(&format!("[part {number} of {} is missing]", segment.total)),
            }
        }
        self.tx.execute(&sql::DELETE_SEGMENTS, segment_key(self.channel, segment)).await?;
        let means = kernel::message::Means::Sms;
        let text = Text::plain(means, segment.sender.clone(), segment.recipient.clone(), whole);
        Box::pin(self.text(text)).await
    }

    /// Takes a position; also one that was delivered before, so that a call for help can name it.
    async fn position(&mut self, position: &Position) -> Result<kernel::id::PositionId, Error> {
        let fix_time = position.fix_time.unwrap_or(self.received);
        let place = format!("{:.7} {:.7}", position.latitude, position.longitude);
        let time = position.fix_time.map_or_else(|| self.raw_id.to_string(), |at| at.to_string());
        let id = Id::derived(digest(&["position", position.source, &position.device, &time, &place]));
        if !self.is_new(id).await? {
            return Ok(id);
        }
        self.taken.positions += 1;
        self.positions.push(PositionReported {
            position: id,
            device: position.device.clone(),
            label: position.label.clone(),
            source: position.source.to_owned(),
            fix_time,
            received: self.received,
            latitude: position.latitude,
            longitude: position.longitude,
            altitude_m: position.altitude_m,
            accuracy_m: position.accuracy_m,
            speed_mps: position.speed_mps,
            course_deg: position.course_deg,
            battery_percent: position.battery_percent,
            quirks: quirks(position, self.received),
            raw: self.raw_id,
        });
        Ok(id)
    }

    async fn distress(&mut self, distress: Distress) -> Result<(), Error> {
        let signalled = distress.signalled.unwrap_or(self.received);
        let time = distress.signalled.map_or_else(|| self.raw_id.to_string(), |at| at.to_string());
        let signal = Id::derived(digest(&["signal", distress.source, &distress.device, &distress.code, &time]));
        if !self.is_new(signal).await? {
            return Ok(());
        }
        self.taken.distress += 1;
        let (source, code, device, label) =
            (distress.source.to_owned(), distress.code, distress.device, distress.label);
        let (received, raw) = (self.received, self.raw_id);
        let fact = match distress.call {
            Call::Cancel => Fact::DistressCancelled(Box::new(DistressCancelled {
                signal,
                device,
                label,
                source,
                code,
                signalled,
                received,
                raw,
            })),
            Call::Declare | Call::Confirm => {
                let same = |one: &&PositionReported| one.device == device && one.fix_time == signalled;
                let position = self.positions.iter().rev().find(same).map(|one| one.position);
                Fact::DistressSignalled(Box::new(DistressSignalled {
                    signal,
                    device,
                    label,
                    source,
                    code,
                    confirms: distress.call == Call::Confirm,
                    signalled,
                    received,
                    position,
                    latitude: distress.place.map(|place| place.0),
                    longitude: distress.place.map(|place| place.1),
                    text: distress.text,
                    exercise: distress.exercise,
                    raw,
                }))
            }
        };
        // Before the positions of the same delivery, so that the alarm does not wait for them.
        self.tx.emit(fact);
        Ok(())
    }
}

fn segment_key(channel: &str, segment: &Segment) -> Vec<store::Param> {
    let (reference, total) = (u32::from(segment.reference), u32::from(segment.total));
    params![channel, &segment.sender, &segment.recipient, reference, total]
}

/// What can be seen from a report alone.
pub(crate) fn quirks(position: &Position, received: Timestamp) -> Vec<Quirk> {
    let mut quirks = Vec::new();
    if position.latitude.abs() < NULL_ISLAND && position.longitude.abs() < NULL_ISLAND {
        quirks.push(Quirk::NullIsland);
    }
    match position.fix_time {
        None => quirks.push(Quirk::NoTime),
        Some(at) if at > received.plus_micros(FUTURE_US) => quirks.push(Quirk::Future),
        Some(at) if at < received.plus_micros(-LATE_US) => quirks.push(Quirk::Late),
        Some(_) => {}
    }
    if position.no_fix {
        quirks.push(Quirk::NoFix);
    }
    if position.by_network {
        quirks.push(Quirk::Network);
    }
    quirks
}

async fn keep_raw(tx: &mut Tx, channel: &str, raw: &[u8], findings: &[String]) -> Result<RawId, Error> {
    let id: RawId = tx.id();
    let (encoding, body) = match std::str::from_utf8(raw) {
        // PostgreSQL keeps no NUL in a text.
        Ok(text) if !text.contains('\0') => ("text", text.to_owned()),
        _ => ("base64", base64::engine::general_purpose::STANDARD.encode(raw)),
    };
    let now = tx.now();
    tx.execute(&sql::INSERT_RAW, params![id, channel, now, encoding, body, &json!(findings)]).await?;
    Ok(id)
}

/// The first half of SHA-256 over parts that cannot run into each other.
fn digest(parts: &[&str]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let whole = hash.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}
