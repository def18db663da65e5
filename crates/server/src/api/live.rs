//! The live stream: server-sent events `alert`, `incident`, `pulse` and `lagged`.

use std::sync::Arc;
use std::time::Duration;

use crate::action::Action;
use crate::api::{alerts, incidents};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::users::Names;
use crate::detection;
use crate::problem::Problem;
use crate::routes::Routes;
use async_trait::async_trait;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use kernel::Fact;
use serde::{Deserialize, Serialize};
use store::{Delivery, HandlerError, Subscriber};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::api::alerts::Alert;
use crate::api::incidents::Incident;
use crate::api::words::Instant;

/// The data of each event; the event's name is in its field `event`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
pub enum LiveEvent {
    /// An alert was raised.
    Alert(Alert),
    /// An incident was opened or changed.
    Incident(Incident),
    /// Something changed in the radio room.
    Field(FieldNews),
    /// Every few seconds: also the heartbeat.
    Pulse(Pulse),
    /// This listener was too slow and missed some events: load the lists again.
    Lagged(Lagged),
}

/// What changed in the radio room: load it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldNews {
    /// `log`, `mission`, `alarm` or `position`.
    pub what: String,
    pub id: String,
    pub at: Instant,
    /// The users who may hear of it; nobody is named: all.
    #[serde(skip)]
    pub tell: Vec<String>,
}

/// The state of the house in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pulse {
    pub at: Instant,
    /// Over the last minute, all sources.
    pub events_per_s: f64,
    pub records: u64,
    pub unparsed: u64,
    pub dropped: u64,
    pub sources: u64,
    pub silent_sources: Vec<String>,
    pub open_incidents: u64,
    pub alerts_last_hour: u64,
}

/// How many events were missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lagged {
    pub missed: u64,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_live, Action::ReadOverview, live);
}

/// Events as they happen.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", responses((status = 200, body = LiveEvent, content_type = "text/event-stream")))]
async fn live(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    // A silent alarm is heard by people who are told of it, never by a program.
    let listens = caller.session().ok().map(|session| session.user.id.to_string());
    let listener = BroadcastStream::new(app.live.subscribe()).filter(move |event| {
        let hears = match event {
            Ok(event) => match &**event {
                LiveEvent::Field(news) => {
                    news.tell.is_empty() || listens.as_ref().is_some_and(|user| news.tell.contains(user))
                }
                _ => true,
            },
            Err(_) => true,
        };
        std::future::ready(hears)
    });
    let first = LiveEvent::Pulse(pulse(&app).await?);
    let events = listener.map(|event| match event {
        Ok(event) => to_sse(&event),
        Err(BroadcastStreamRecvError::Lagged(missed)) => to_sse(&LiveEvent::Lagged(Lagged { missed })),
    });
    let events = futures::stream::iter([to_sse(&first)]).chain(events);
    // Who may listen is decided anew when the browser comes back.
    let turn = tokio::time::sleep(Duration::from_secs(TURN_S));
    let stopping = app.stopping.clone().cancelled_owned();
    let locked_out = locked_out(app.clone(), caller.person()?.to_string());
    let end = async move {
        tokio::select! { () = turn => {}, () = stopping => {}, () = locked_out => {} }
    };
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(HEARTBEAT_S));
    Ok(Sse::new(events.take_until(Box::pin(end))).keep_alive(keep_alive).into_response())
}

/// Ends when whoever listens is locked out of everything.
async fn locked_out(app: Arc<App>, user: String) {
    loop {
        tokio::time::sleep(Duration::from_secs(LOOK_S)).await;
        match app.identity.is_locked_out(&user).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "whether a listener is locked out is not known"),
        }
    }
}

/// So often it is looked whether a listener is locked out.
const LOOK_S: u64 = 15;
/// A comment line is sent after so long without an event, so that proxies keep the connection.
const HEARTBEAT_S: u64 = 15;
/// A listener is let go after so long; browsers come back by themselves.
const TURN_S: u64 = 900;
const HOUR_US: i64 = 3_600_000_000;

fn to_sse(event: &LiveEvent) -> Result<Event, axum::Error> {
    let name = match event {
        LiveEvent::Alert(_) => "alert",
        LiveEvent::Incident(_) => "incident",
        LiveEvent::Field(_) => "field",
        LiveEvent::Pulse(_) => "pulse",
        LiveEvent::Lagged(_) => "lagged",
    };
    Event::default().event(name).json_data(event)
}

/// Sends the state of the house to all listeners, as long as there are any, until `shutdown`.
pub async fn send_pulses(app: Arc<App>, shutdown: CancellationToken) {
    let mut turns = tokio::time::interval(Duration::from_millis(app.config.pulse_ms));
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = turns.tick() => {}
        }
        if app.live.receiver_count() == 0 {
            continue;
        }
        match pulse(&app).await {
            Ok(pulse) => drop(app.live.send(Arc::new(LiveEvent::Pulse(pulse)))),
            Err(problem) => tracing::warn!(code = problem.code(), "no pulse could be sent"),
        }
    }
}

/// The state of the house now.
///
/// # Errors
/// 503 when the database fails.
pub async fn pulse(app: &App) -> Result<Pulse, Problem> {
    let sources = app.intake.sources();
    Ok(Pulse {
        at: app.store.now().into(),
        events_per_s: sources.iter().map(|source| source.rate_per_s).sum(),
        records: sources.iter().map(|source| source.records).sum(),
        unparsed: sources.iter().map(|source| source.unparsed).sum(),
        dropped: sources.iter().map(|source| source.dropped).sum(),
        sources: sources.len() as u64,
        silent_sources: sources.iter().filter(|source| source.silent).map(|source| source.name.clone()).collect(),
        open_incidents: app.respond.open_counts().await?.iter().map(|row| row.incidents).sum(),
        alerts_last_hour: {
            let now = app.store.now();
            let counts = app.detect.alerts_by_severity(now.plus_micros(-HOUR_US), now.plus_micros(1)).await?;
            counts.iter().map(|row| row.alerts).sum()
        },
    })
}

impl Pulse {
    /// Nothing is known yet.
    pub fn empty(at: kernel::Timestamp) -> Pulse {
        Pulse {
            at: at.into(),
            events_per_s: 0.0,
            records: 0,
            unparsed: 0,
            dropped: 0,
            sources: 0,
            silent_sources: Vec::new(),
            open_incidents: 0,
            alerts_last_hour: 0,
        }
    }
}

/// Hears facts of other rooms and shows them to whoever listens. It keeps nothing, so hearing one twice is harmless.
pub struct LiveSubscriber {
    app: Arc<App>,
}

impl LiveSubscriber {
    /// For the listeners of one server.
    pub fn new(app: Arc<App>) -> LiveSubscriber {
        LiveSubscriber { app }
    }

    async fn event(&self, fact: &Fact) -> Result<Option<LiveEvent>, Problem> {
        let app = &self.app;
        match fact {
            Fact::AlertRaised(raised) => {
                let mut alert = detection::alert_word(&app.detect.alert(raised.alert).await?);
                alerts::fill_incidents(app, std::slice::from_mut(&mut alert)).await?;
                Ok(Some(LiveEvent::Alert(alert)))
            }
            Fact::IncidentChanged { incident, .. } => {
                let incident = app.respond.incident(*incident).await?;
                let names = Names::load(&app.store).await?;
                Ok(Some(LiveEvent::Incident(incidents::summary(app, &incident, &names).await?)))
            }
            Fact::DutyLogged { entry, at, .. } => Ok(Some(field_news("log", entry, *at))),
            Fact::MissionChanged { mission, at, .. } => Ok(Some(field_news("mission", mission, *at))),
            Fact::AlarmChanged { alarm, at, .. } => Ok(Some(field_news("alarm", alarm, *at))),
            Fact::SilentAlarmChanged { alarm, tell, at, .. } => {
                let (what, id) = ("alarm".to_owned(), alarm.to_string());
                Ok(Some(LiveEvent::Field(FieldNews { what, id, at: (*at).into(), tell: tell.clone() })))
            }
            Fact::PositionsReported { positions } => {
                Ok(positions.last().map(|last| field_news("position", &last.position, last.received)))
            }
            Fact::NodeRecordChanged { kind, subject, at, .. } if kind == "mission" => {
                Ok(Some(field_news("custody", subject, *at)))
            }
            Fact::NodeRecordChanged { .. }
            | Fact::IncidentReported(_)
            | Fact::ReportTaken { .. }
            | Fact::AlertWithdrawn { .. }
            | Fact::IncidentClosed { .. }
            | Fact::DeadlineExpired { .. }
            | Fact::SourceSilent { .. }
            | Fact::MessagesRequested { .. }
            | Fact::MessagesWithdrawn { .. }
            | Fact::MessageDelivery(_)
            | Fact::MessageReceived(_)
            | Fact::MessageConcealed { .. }
            | Fact::DuressUsed(_)
            | Fact::DistressSignalled(_)
            | Fact::DistressCancelled(_)
            | Fact::PersonJoined { .. }
            | Fact::PersonMoved { .. }
            | Fact::PersonLeft { .. }
            | Fact::ProvisioningDue { .. }
            | Fact::ScimChanged { .. }
            | Fact::SodViolationFound { .. }
            | Fact::RequestChanged { .. }
            | Fact::ActivationChanged { .. }
            | Fact::CampaignChanged { .. }
            | Fact::AccountDisabled { .. } => Ok(None),
        }
    }
}

fn field_news(what: &str, id: &dyn std::fmt::Display, at: kernel::Timestamp) -> LiveEvent {
    LiveEvent::Field(FieldNews { what: what.to_owned(), id: id.to_string(), at: at.into(), tell: Vec::new() })
}

#[async_trait]
impl Subscriber for LiveSubscriber {
    fn name(&self) -> &'static str {
        "server.live"
    }

    fn topics(&self) -> &'static [&'static str] {
        &[
            "alert-raised",
            "incident-changed",
            "duty-logged",
            "mission-changed",
            "alarm-changed",
            "silent-alarm-changed",
            "positions-reported",
            "node-record-changed",
        ]
    }

    /// All that there are at once: a hundred lines of news cost one step of the cursor.
    async fn handle_some(&self, deliveries: &[Delivery]) -> Result<usize, HandlerError> {
        for delivery in deliveries {
            self.handle(delivery).await?;
        }
        Ok(deliveries.len())
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        if self.app.live.receiver_count() == 0 {
            return Ok(());
        }
        // A fact that cannot be shown is not worth telling again later: the lists show it.
        match self.event(&delivery.fact).await {
            Ok(Some(event)) => drop(self.app.live.send(Arc::new(event))),
            Ok(None) => {}
            Err(problem) => tracing::warn!(code = problem.code(), seq = delivery.seq, "a fact was not shown live"),
        }
        Ok(())
    }
}
