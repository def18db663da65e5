//! What the room wants sent. The courier sends it; what became of each is kept beside the wish.

use kernel::message::{DeliveryState, Dispatch, MessageDelivery};
use kernel::{Fact, Timestamp};
use serde_json::{Value as Json, json};
use store::{Row, params};

use crate::alarm;
use crate::error::Error;
use crate::headcount;
use crate::room::{Field, Turn};
use crate::sql;

/// The room's name with the courier.
const DESK: &str = "field";

/// A message that the room wanted sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Names it for ever.
    pub key: String,
    /// The id of the alarm, headcount or report that it is about.
    pub about: String,
    pub recipient: String,
    /// Empty where it is secret.
    pub text: String,
    pub asked: Timestamp,
    /// `queued`, `sent`, `delivered`, `failed`, `undeliverable`, `expired` or `withdrawn`.
    pub state: String,
    pub state_at: Timestamp,
    pub means: Option<String>,
    pub problem: Option<String>,
}

/// Wants messages sent: one fact for all of them.
pub(crate) async fn send(turn: &mut Turn, dispatches: Vec<Dispatch>) -> Result<(), Error> {
    if dispatches.is_empty() {
        return Ok(());
    }
    let now = turn.now();
    for one in &dispatches {
        let shown = if one.secret { "" } else { one.text.as_str() };
        // A silent alarm leaves nothing that tells of it; the secret of a headcount is its link alone.
        let silent = one.secret && alarm::of_key(&one.key).is_some();
        let (about, recipient) = if silent { ("", "") } else { (one.about.as_str(), one.recipient.as_str()) };
        let addresses = if silent { json!([]) } else { json!(one.addresses) };
        let (precedence, exercise) = (one.precedence.as_str(), one.exercise);
        let row = params![&one.key, about, recipient, &addresses, shown, precedence, exercise, now];
        turn.tx.execute(&sql::INSERT_OUTGOING, row).await?;
    }
    turn.tx.emit(Fact::MessagesRequested { desk: DESK.to_owned(), dispatches });
    Ok(())
}

/// What has not been sent of these is not to be sent any more.
pub(crate) fn withdraw(turn: &mut Turn, keys: Vec<String>, reason: &str) {
    if !keys.is_empty() {
        turn.tx.emit(Fact::MessagesWithdrawn { desk: DESK.to_owned(), keys, reason: reason.to_owned() });
    }
}

/// The courier tells what became of a message. One that no means could carry goes to the next person at once.
pub(crate) async fn delivered(turn: &mut Turn, news: &MessageDelivery) -> Result<(), Error> {
    let means = news.address.as_ref().map(|address| address.means.as_str());
    let row = params![&news.key, news.state.as_str(), news.at, means, news.problem.clone()];
    if turn.tx.execute(&sql::NOTE_OUTGOING, row).await? == 0 {
        return Ok(());
    }
    turn.record("message.delivery", &news.key, Json::Null, json!({ "state": news.state }));
    match news.state {
        DeliveryState::Undeliverable | DeliveryState::Expired => {
            if let Some((id, attempt)) = alarm::of_key(&news.key) {
                return alarm::unanswered(turn, id, attempt).await;
            }
            if let Some((id, person)) = headcount::of_key(&news.key) {
                return headcount::not_reached(turn, id, person).await;
            }
            Ok(())
        }
        DeliveryState::Queued
        | DeliveryState::Sent
        | DeliveryState::Delivered
        | DeliveryState::Failed
        | DeliveryState::Withdrawn => Ok(()),
    }
}

impl Field {
    /// Messages that went out about something, or the latest of all.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn outgoing(&self, about: Option<&str>, limit: u32) -> Result<Vec<Outgoing>, Error> {
        self.store.fetch_all(&sql::OUTGOING, params![about, limit]).await?.iter().map(outgoing).collect()
    }
}

pub(super) fn outgoing(row: &Row) -> Result<Outgoing, Error> {
    Ok(Outgoing {
        key: row.text("dispatch")?.to_owned(),
        about: row.text("about")?.to_owned(),
        recipient: row.text("recipient")?.to_owned(),
        text: row.text("body")?.to_owned(),
        asked: row.time("asked_us")?,
        state: row.text("state")?.to_owned(),
        state_at: row.time("state_us")?,
        means: row.text_opt("means")?.map(str::to_owned),
        problem: row.text_opt("problem")?.map(str::to_owned),
    })
}
