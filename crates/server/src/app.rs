//! What every handler can reach, and the door as a whole.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use bytes::Bytes;
use courier::Courier;
use detect::Detect;
use field::Field;
use identity::Identity;
use identity::provision::Targets;
use kernel::Clock;
use kernel::port::{EventLake, IntakePort, TimeRange};
use library::Library;
use parking_lot::Mutex;
use replica::Replica;
use respond::Respond;
use store::{Entry, Store, params};
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use crate::api::duties::activations::DeskTickets;
use crate::api::kql::ColumnValues;
use crate::api::live::{LiveEvent, LiveSubscriber};
use crate::api::overview::EventsKept;
use crate::auth::attempts::Attempts;
use crate::auth::password::Passwords;
use crate::auth::secret::{SETUP_PREFIX, Secret};
use crate::auth::{sessions, users};
use crate::authorise::Authority;
use crate::body::Budget;
use crate::config::ServerConfig;
use crate::console::Console;
use crate::error::Error;
use crate::routes::Operations;
use crate::table_rights::readable_by_rules;
use crate::{answer_page, edge, guard, sql};

/// Live events kept for a listener that is slow; one that is slower is told how many it missed.
const LIVE_QUEUE: usize = 512;

/// Rules on events of the past.
#[async_trait]
pub trait RuleHistory: Send + Sync {
    /// What happened to a rule on the events of a range of time, or on as many of them as a look may take. The error is
    /// the lake's.
    async fn why(&self, rule: Arc<sigma::Rule>, range: TimeRange) -> Result<Looked, String>;
}

/// What a look gave.
pub struct Looked {
    pub report: sigma::near::FiringReport,
    /// All events of the range were looked at.
    pub complete: bool,
}

/// What the server is made of.
pub struct ServerParts {
    pub store: Store,
    pub lake: Arc<dyn EventLake>,
    pub intake: Arc<dyn IntakePort>,
    pub history: Arc<dyn RuleHistory>,
    pub detect: Detect,
    pub respond: Respond,
    pub field: Field,
    /// This node among others; `None`: it has no name, and talks to no other.
    pub replica: Option<Replica>,
    pub identity: Identity,
    /// The systems in which accounts live.
    pub targets: Arc<dyn Targets>,
    pub courier: Courier,
    pub library: Library,
    pub clock: Arc<dyn Clock>,
    pub console: Console,
    pub config: ServerConfig,
}

/// The state of the running server.
pub struct App {
    pub(crate) config: ServerConfig,
    pub(crate) store: Store,
    pub(crate) lake: Arc<dyn EventLake>,
    pub(crate) intake: Arc<dyn IntakePort>,
    pub(crate) history: Arc<dyn RuleHistory>,
    /// Looks at history take a core for minutes.
    pub(crate) looks: Semaphore,
    pub(crate) detect: Detect,
    pub(crate) respond: Respond,
    pub(crate) field: Field,
    pub(crate) replica: Option<Replica>,
    pub(crate) identity: Identity,
    pub(crate) targets: Arc<dyn Targets>,
    pub(crate) courier: Courier,
    pub(crate) library: Library,
    pub(crate) scim: scim::Scim,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) authority: Authority,
    pub(crate) passwords: Passwords,
    pub(crate) attempts: Mutex<Attempts>,
    /// Tries of headcount links, apart from those of passwords.
    pub(crate) link_attempts: Mutex<Attempts>,
    pub(crate) operations: Operations,
    pub(crate) contract: Bytes,
    pub(crate) live: broadcast::Sender<Arc<LiveEvent>>,
    pub(crate) ingest_memory: Budget,
    pub(crate) queries: Arc<Semaphore>,
    pub(crate) column_values: Mutex<ColumnValues>,
    pub(crate) stopping: CancellationToken,
    pub(crate) console: Console,
    pub(crate) events_kept: Mutex<Option<EventsKept>>,
}

/// The door, ready to be opened.
#[derive(Clone)]
pub struct Server {
    pub(crate) app: Arc<App>,
    router: Router,
}

/// The link with which the first administrator chooses name and password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupLink {
    /// Shown once; the server keeps its digest only.
    pub token: String,
    /// To put behind the server's address: `/setup#vgs_…`.
    pub path: String,
    pub expires: kernel::Timestamp,
}

impl Server {
    /// Checks the policies, connects the registered sources, and puts everything together.
    ///
    /// # Errors
    /// [`Error`] names what is wrong and what to do.
    pub async fn build(parts: ServerParts) -> Result<Server, Error> {
        let ServerParts {
            store,
            lake,
            intake,
            history,
            detect,
            respond,
            field,
            replica,
            identity,
            targets,
            courier,
            library,
            clock,
            console,
            config,
        } = parts;
        let (routes, operations, contract) = crate::api::routes().finish();
        let contract = contract.to_pretty_json().expect("the contract holds nothing that JSON cannot carry");
        store.register_fact_tables(sql::FACT_TABLES);
        let app = Arc::new(App {
            authority: Authority::shipped()?,
            passwords: Passwords::new(config.password_checks, store.random())?,
            attempts: Mutex::default(),
            link_attempts: Mutex::default(),
            events_kept: Mutex::default(),
            operations,
            contract: contract.into(),
            live: broadcast::channel(LIVE_QUEUE).0,
            ingest_memory: Budget::new(config.ingest_memory_bytes),
            queries: Arc::new(Semaphore::new(config.queries)),
            column_values: Mutex::default(),
            stopping: CancellationToken::new(),
            config,
            scim: scim::Scim::new(store.clone()),
            store,
            lake,
            intake,
            history,
            looks: Semaphore::new(1),
            detect,
            respond,
            field,
            replica,
            identity,
            targets,
            courier,
            library,
            clock,
            console,
        });
        crate::api::sources::connect_registered(&app).await?;
        let console = app.console.clone();
        let router = routes
            .route("/answer/{secret}", axum::routing::get(answer_page::show).post(answer_page::take))
            .route("/api/{*rest}", axum::routing::any(guard::no_such_operation))
            .route("/scim/{*rest}", axum::routing::any(crate::api::scim::no_such_address))
            .method_not_allowed_fallback(guard::wrong_method)
            .route_layer(from_fn_with_state(app.clone(), guard::guard))
            .fallback(move |request| {
                let console = console.clone();
                async move { console.answer(&request) }
            })
            .layer((from_fn(crate::reader::keep), from_fn(crate::unchanged::unchanged)))
            .layer(crate::compression::layer())
            .layer(from_fn_with_state(app.clone(), edge::edge))
            .with_state(app.clone());
        Ok(Server { app, router })
    }

    /// The router, to be served or asked directly.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// While nobody can run the house: a new one-time link. Links made before end.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn setup_link(&self) -> Result<Option<SetupLink>, Error> {
        let store = &self.app.store;
        if users::somebody_administers(store).await? {
            return Ok(None);
        }
        let secret = Secret::new(SETUP_PREFIX, store.random());
        let mut tx = store.begin().await?;
        let expires = tx.now().plus_micros(sessions::micros(self.app.config.invitation_s));
        tx.execute(&sql::DROP_FIRST_INVITATIONS, params![]).await?;
        let now = tx.now();
        tx.execute(&sql::INSERT_INVITATION, params![secret.digest(), None::<&str>, now, expires]).await?;
        let entry = Entry::new(&kernel::Actor::system("server"), "user.invite-first", "user:first")
            .reason("nobody can administer this server yet");
        tx.commit(entry).await?;
        let token = secret.reveal().to_owned();
        Ok(Some(SetupLink { path: format!("/setup#{token}"), token, expires }))
    }

    /// What has to hear of facts, for [`Store::run_outbox`].
    pub fn subscriber(&self) -> Arc<dyn store::Subscriber> {
        Arc::new(LiveSubscriber::new(self.app.clone()))
    }

    /// What the duties of the Access desk hear, with incidents and missions as tickets.
    pub fn duties_subscriber(&self) -> Arc<dyn store::Subscriber> {
        let (respond, field) = (self.app.respond.clone(), self.app.field.clone());
        self.app.identity.duties_subscriber(Arc::new(DeskTickets { respond, field }), self.app.lake.clone())
    }

    /// Every operation, for the authorisation matrix.
    pub fn operations(&self) -> &Operations {
        &self.app.operations
    }

    /// What scheduled rules may read when they run.
    pub fn rule_tables(&self) -> Arc<[kernel::port::TableGrant]> {
        readable_by_rules(&self.app.authority, &self.app.store, &*self.app.lake).grants
    }
}

impl App {
    /// Milliseconds since an instant of the monotonic clock.
    pub(crate) fn elapsed_ms(&self, started_us: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a duration for people to read")]
        let elapsed_us = self.clock.monotonic_us().saturating_sub(started_us) as f64;
        elapsed_us / 1_000.0
    }
}
