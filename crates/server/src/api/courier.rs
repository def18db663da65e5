//! Messages out and in: what waits, what came of it, how the channels fare.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use kernel::Timestamp;
use kernel::message::{Address, DeliveryState, Dispatch, Means, Precedence};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::words::Instant;

/// How a channel fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MessageChannel {
    pub name: String,
    /// What it is: `SMS by SMPP 3.4`, …
    pub kind: String,
    pub connected: bool,
    /// Since when it is as it is.
    pub since: Instant,
    pub problem: Option<String>,
    pub received: u64,
    pub duplicates: u64,
    pub sent: u64,
    pub failed: u64,
    /// Deliveries with something in them that could not be read.
    pub faulty: u64,
    /// What was dropped before it was kept.
    pub dropped: u64,
    pub last_received: Option<Instant>,
}

/// Dispatches that wait, by means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingMessages {
    pub means: String,
    pub waiting: u64,
}

/// How everything fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CourierState {
    pub channels: Vec<MessageChannel>,
    pub waiting: Vec<WaitingMessages>,
}

/// A message that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncomingMessage {
    pub id: String,
    pub means: String,
    pub channel: String,
    pub sender: String,
    pub recipient: String,
    pub subject: Option<String>,
    pub text: String,
    pub sent: Option<Instant>,
    pub received: Instant,
    /// The key of the dispatch that it answers.
    pub answers: Option<String>,
    /// Its network says so; otherwise it is a guess by time.
    pub answers_certain: bool,
    /// A machine wrote it.
    pub automatic: bool,
    pub exercise: bool,
    /// How often its network delivered it.
    pub receipts: u64,
    /// The delivery, for its bytes.
    pub raw: String,
}

/// One means of reaching somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageAddress {
    /// sms, email, webhook, cot or mqtt.
    pub means: String,
    pub address: String,
}

/// A message that goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutgoingMessage {
    pub id: String,
    pub key: String,
    pub desk: String,
    pub about: String,
    pub recipient: String,
    pub addresses: Vec<MessageAddress>,
    /// Which of them is tried now, from 0.
    pub place: usize,
    pub subject: Option<String>,
    /// `None`: it is secret.
    pub text: Option<String>,
    /// distress, immediate, routine or bulk.
    pub precedence: String,
    pub exercise: bool,
    /// queued, sent, delivered, undeliverable, expired or withdrawn.
    pub state: String,
    /// Something may still be done about it.
    pub open: bool,
    pub tries: u32,
    pub requested: Instant,
    pub due: Instant,
    pub expires: Instant,
    pub problem: Option<String>,
    pub updated: Instant,
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageTry {
    pub number: u64,
    pub channel: String,
    pub means: String,
    pub address: String,
    pub began: Instant,
    pub ended: Option<Instant>,
    /// accepted, failed, refused, or unknown when the program ended meanwhile.
    pub outcome: Option<String>,
    pub problem: Option<String>,
}

/// A message that goes out, with its tries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutgoingWithTries {
    pub message: OutgoingMessage,
    pub tries: Vec<MessageTry>,
}

/// Bytes as a network delivered them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChannelDelivery {
    pub id: String,
    pub channel: String,
    pub received: Instant,
    /// `text`, or `base64` when the bytes are not text.
    pub encoding: String,
    pub body: String,
    /// What could not be read.
    pub findings: Vec<String>,
}

/// A test of a channel, which is watermarked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestMessage {
    /// sms, email, webhook, cot or mqtt.
    pub means: String,
    pub address: String,
    /// What is said besides the watermark.
    pub text: String,
}

/// What a text costs as a short message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SegmentCount {
    /// gsm7 or ucs2.
    pub coding: String,
    pub segments: usize,
    /// Characters of this alphabet that the last segment still takes.
    pub left: usize,
}

/// A text to count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TextToCount {
    pub text: String,
}

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Only older ones.
    before: Option<Instant>,
    /// At most so many, 500 at most.
    limit: Option<u32>,
}

/// Which dispatches.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DispatchPage {
    /// Only of this state; `undeliverable` are the dead letters.
    state: Option<String>,
    /// Only those that changed earlier.
    before: Option<Instant>,
    /// At most so many, 500 at most.
    limit: Option<u32>,
}

/// Which dispatch.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ByKey {
    /// The key that the desk gave it.
    key: String,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_courier_state, Action::ReadField, courier_state);
    routes.add(__path_list_messages, Action::ReadField, list_messages);
    routes.add(__path_list_dispatches, Action::ReadField, list_dispatches);
    routes.add(__path_get_dispatch, Action::ReadField, get_dispatch);
    routes.add(__path_list_faulty_deliveries, Action::ReadField, list_faulty_deliveries);
    routes.add(__path_get_channel_delivery, Action::ReadField, get_channel_delivery);
    routes.add(__path_count_segments, Action::ReadField, count_segments);
    routes.add(__path_send_test_message, Action::OperateField, send_test_message);
}

/// How the channels fare, and what waits.
#[utoipa::path(get, path = "/api/v1/courier", tag = "courier", responses((status = 200, body = CourierState)))]
async fn courier_state(State(app): State<Arc<App>>) -> Result<Json<CourierState>, Problem> {
    let channel = |state: courier::ChannelState| MessageChannel {
        name: state.name,
        kind: state.kind,
        connected: state.connected,
        since: state.since.into(),
        problem: state.problem,
        received: state.received,
        duplicates: state.duplicates,
        sent: state.sent,
        failed: state.failed,
        faulty: state.faulty,
        dropped: state.dropped,
        last_received: state.last_received.map(Into::into),
    };
    let waiting = app.courier.waiting().await?.into_iter();
    Ok(Json(CourierState {
        channels: app.courier.channel_states().into_iter().map(channel).collect(),
        waiting: waiting.map(|(means, waiting)| WaitingMessages { means, waiting }).collect(),
    }))
}

/// Messages that came in, the newest first.
#[utoipa::path(get, path = "/api/v1/courier/messages", tag = "courier", params(Page), responses((status = 200, body = Vec<IncomingMessage>)))]
async fn list_messages(
    State(app): State<Arc<App>>,
    Filter(page): Filter<Page>,
) -> Result<Json<Vec<IncomingMessage>>, Problem> {
    let before = page.before.map_or(Timestamp::MAX, |at| at.0);
    let messages = app.courier.messages(before, page.limit.unwrap_or(100)).await?;
    let word = |message: courier::ReceivedMessage| IncomingMessage {
        id: message.id.to_string(),
        means: message.means,
        channel: message.channel,
        sender: message.sender,
        recipient: message.recipient,
        subject: message.subject,
        text: message.text,
        sent: message.sent.map(Into::into),
        received: message.received.into(),
        answers: message.answers,
        answers_certain: message.answers_certain,
        automatic: message.automatic,
        exercise: message.exercise,
        receipts: message.receipts,
        raw: message.raw.to_string(),
    };
    Ok(Json(messages.into_iter().map(word).collect()))
}

/// Messages that go out, the latest change first; the dead letters by `state=undeliverable`.
#[utoipa::path(get, path = "/api/v1/courier/dispatches", tag = "courier", params(DispatchPage), responses((status = 200, body = Vec<OutgoingMessage>)))]
async fn list_dispatches(
    State(app): State<Arc<App>>,
    Filter(page): Filter<DispatchPage>,
) -> Result<Json<Vec<OutgoingMessage>>, Problem> {
    let state = page.state.map(|word| word.parse::<DeliveryState>().map_err(Problem::invalid)).transpose()?;
    let before = page.before.map_or(Timestamp::MAX, |at| at.0);
    let all = app.courier.dispatches(before, state, page.limit.unwrap_or(100)).await?;
    Ok(Json(all.into_iter().map(outgoing).collect()))
}

/// One message that goes out, with its tries.
#[utoipa::path(get, path = "/api/v1/courier/dispatch", tag = "courier", params(ByKey), responses((status = 200, body = OutgoingWithTries)))]
async fn get_dispatch(
    State(app): State<Arc<App>>,
    Filter(by): Filter<ByKey>,
) -> Result<Json<OutgoingWithTries>, Problem> {
    let (message, tries) = app.courier.dispatch(&by.key).await?;
    let word = |one: courier::Try| MessageTry {
        number: one.number,
        channel: one.channel,
        means: one.means,
        address: one.address,
        began: one.began.into(),
        ended: one.ended.map(Into::into),
        outcome: one.outcome,
        problem: one.problem,
    };
    Ok(Json(OutgoingWithTries { message: outgoing(message), tries: tries.into_iter().map(word).collect() }))
}

/// Deliveries in which something could not be read, the newest first.
#[utoipa::path(get, path = "/api/v1/courier/faulty", tag = "courier", responses((status = 200, body = Vec<ChannelDelivery>)))]
async fn list_faulty_deliveries(State(app): State<Arc<App>>) -> Result<Json<Vec<ChannelDelivery>>, Problem> {
    Ok(Json(app.courier.faulty(100).await?.into_iter().map(delivery).collect()))
}

/// The bytes of a delivery.
#[utoipa::path(get, path = "/api/v1/courier/deliveries/{id}", tag = "courier", params(("id" = String, Path)), responses((status = 200, body = ChannelDelivery)))]
async fn get_channel_delivery(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<ChannelDelivery>, Problem> {
    let parsed = id.parse().map_err(|_| Problem::not_found("delivery", &id))?;
    Ok(Json(delivery(app.courier.raw(parsed).await?)))
}

/// What a text costs as a short message.
#[utoipa::path(post, path = "/api/v1/courier/segments", tag = "courier", request_body = TextToCount, responses((status = 200, body = SegmentCount)))]
async fn count_segments(Body(request): Body<TextToCount>) -> Json<SegmentCount> {
    let count = courier::sms::count(&request.text);
    let coding = match count.coding {
        courier::sms::Coding::Gsm7 => "gsm7",
        courier::sms::Coding::Ucs2 => "ucs2",
    };
    Json(SegmentCount { coding: coding.to_owned(), segments: count.segments, left: count.left })
}

/// Sends a test by one means. It says that it is one, whatever else it says.
#[utoipa::path(post, path = "/api/v1/courier/test", tag = "courier", request_body = TestMessage, responses((status = 200, body = OutgoingWithTries)))]
async fn send_test_message(
    state: State<Arc<App>>,
    caller: Caller,
    Body(request): Body<TestMessage>,
) -> Result<Json<OutgoingWithTries>, Problem> {
    let means: Means =
        request.means.parse().map_err(|error: kernel::message::NotAMeans| Problem::invalid(error.to_string()))?;
    let key = format!("test/{}", hex::encode(state.store.random::<12>()));
    let dispatch = Dispatch {
        key: key.clone(),
        about: "test".to_owned(),
        recipient: request.address.clone(),
        addresses: vec![Address::new(means, request.address)],
        subject: Some("TEST".to_owned()),
        text: request.text,
        precedence: Precedence::Routine,
        exercise: true,
        secret: false,
        patience_s: None,
        expires: Some(state.store.now().plus_micros(3_600_000_000)),
    };
    state.courier.request(&caller.actor(), "test", &[dispatch]).await?;
    get_dispatch(state, Filter(ByKey { key })).await
}

fn outgoing(message: courier::Outgoing) -> OutgoingMessage {
    let address = |one: Address| MessageAddress { means: one.means.to_string(), address: one.address };
    OutgoingMessage {
        id: message.id.to_string(),
        key: message.key,
        desk: message.desk,
        about: message.about,
        recipient: message.recipient,
        addresses: message.addresses.into_iter().map(address).collect(),
        place: message.place,
        subject: message.subject.filter(|_| !message.secret),
        text: (!message.secret).then_some(message.text),
        precedence: message.precedence.as_str().to_owned(),
        exercise: message.exercise,
        state: message.state.as_str().to_owned(),
        open: message.open,
        tries: message.tries,
        requested: message.requested.into(),
        due: message.due.into(),
        expires: message.expires.into(),
        problem: message.problem,
        updated: message.updated.into(),
    }
}

fn delivery(raw: courier::RawDelivery) -> ChannelDelivery {
    ChannelDelivery {
        id: raw.id.to_string(),
        channel: raw.channel,
        received: raw.received.into(),
        encoding: raw.encoding,
        body: raw.body,
        findings: raw.findings,
    }
}
