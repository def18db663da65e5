//! `vigie serve`: the whole platform in one process.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use courier::Courier;
use detect::Detect;
use field::Field;
use identity::Identity;
use intake::SourceRegistry;
use intake::listen::{self, ListenContext, ListenOptions};
use kernel::port::{EventLake, IntakePort, SourceDefinition};
use kernel::{Clock, Timestamp};
use lake::{EngineConfig, Lake, QueryEngine, Replay};
use library::Library;
use replica::Replica;
use respond::{Policy, Respond};
use server::{Console, Server, ServerConfig, ServerParts, Tls, TlsSource};
use store::Store;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::platform::detection::{Detection, DetectionQueue};
use crate::platform::events::Events;
use crate::platform::field_keeper::FieldKeeper;
use crate::platform::intake_port::{OWN_SOURCE, Pipeline};
use crate::platform::rule_history::LakeHistory;
use crate::platform::samples::RecordSamples;
use crate::platform::systems::SystemTargets;
use crate::platform::{Ground, data_file, drop_folder, feed_folders, replica_link, room_devices, rules, seal_key};
use crate::terminal;

/// How often the schedule of KQL rules is looked at.
const SCHEDULE_TICK: Duration = Duration::from_secs(5);
/// How often the kinds of events are saved.
const EVENT_KINDS_TICK: Duration = Duration::from_secs(300);
/// Sources of the listeners that the configuration opens.
const SYSLOG_UDP: &str = "syslog-udp";
const SYSLOG_TCP: &str = "syslog-tcp";

/// Runs until it is told to stop.
pub async fn run(ground: Ground) -> Result<()> {
    std::fs::create_dir_all(&ground.config.data_dir)
        .with_context(|| format!("making {}", ground.config.data_dir.display()))?;
    // First the lake: its lock says who may be here.
    let (lake, replay) = ground.lake().await?;
    let house = House::build(&ground, lake).await?;
    let outcome = house.run(replay).await;
    house.close().await?;
    outcome
}

/// Everything that runs.
struct House {
    config: Config,
    clock: Arc<dyn Clock>,
    decoding: Arc<crate::platform::decoding::Decoding>,
    lake: Lake,
    store: Store,
    detect: Detect,
    respond: Respond,
    field: Field,
    identity: Identity,
    targets: Arc<SystemTargets>,
    courier: Courier,
    replica: Option<Replica>,
    pipeline: Arc<Pipeline>,
    events: Arc<Events>,
    server: Server,
    queue: DetectionQueue,
    detection: parking_lot::Mutex<Option<Detection>>,
    rules_ready: watch::Sender<bool>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl House {
    async fn build(ground: &Ground, lake: Lake) -> Result<House> {
        let config = ground.config.clone();
        let store = ground.store().await?;
        keep_reserve(&store, &config);
        let samples = RecordSamples::new(&ground.decoding);
        let detect = Detect::new(store.clone()).with_samples(Arc::new(samples));
        let respond = Respond::new(store.clone(), Policy::default());
        let replica = replica_link::this_node(&config.replica, &store)?;
        let field = Field::new(store.clone()).among_nodes(replica.clone());
        let seal = seal_key::read_or_make(&data_file(&config, "secrets"), &*ground.randomness)?;
        let identity = Identity::new(store.clone()).with_seal(seal);
        identity.seal_second_factors().await?;
        let targets = Arc::new(SystemTargets::new(data_file(&config, "secrets"), data_file(&config, "systems")));
        let courier = Courier::new(store.clone());
        let (rules_ready, ready) = watch::channel(false);
        let (queue, detection) = DetectionQueue::new(detect.clone(), ready);
        let pipeline = Arc::new(Pipeline::new(
            lake.clone(),
            ground.decoding.clone(),
            Some(queue.clone()),
            ground.clock.clone(),
            ground.randomness.clone(),
        ));
        pipeline.connect(source(OWN_SOURCE, "json", None)).await?;
        let library = Library::new(store.clone());
        let engine = engine(&lake, &store, &library, ground.clock.clone(), &config)?;
        let events = Arc::new(Events { engine: Arc::new(engine), pipeline: pipeline.clone() });
        let server = Server::build(ServerParts {
            store: store.clone(),
            lake: events.clone(),
            intake: pipeline.clone(),
            history: Arc::new(LakeHistory { lake: lake.clone(), store: store.clone() }),
            detect: detect.clone(),
            respond: respond.clone(),
            field: field.clone(),
            identity: identity.clone(),
            targets: targets.clone(),
            courier: courier.clone(),
            replica: replica.clone(),
            library,
            clock: ground.clock.clone(),
            console: Console::embedded(),
            config: server_config(&config),
        })
        .await?;
        Ok(House {
            clock: ground.clock.clone(),
            decoding: ground.decoding.clone(),
            detection: parking_lot::Mutex::new(Some(detection)),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            config,
            lake,
            store,
            detect,
            respond,
            field,
            identity,
            targets,
            courier,
            replica,
            pipeline,
            events,
            server,
            queue,
            rules_ready,
        })
    }

    async fn run(&self, replay: Replay) -> Result<()> {
        let tls = self.tls()?;
        let listener = server::listen(self.config.listen, tls.as_ref()).await?;
        let address = listener.local_addr().context("the address of the listener")?;
        self.start_listeners().await?;
        self.start_courier().await?;
        self.start_link()?;
        self.start_detection(replay);
        self.start_loops();
        let scheme = if tls.is_some() { "https" } else { "http" };
        self.announce(&format!("{scheme}://{address}"), tls.as_ref()).await?;
        let stop = self.stop.clone();
        tokio::spawn(async move {
            stop_signal().await;
            stop.cancel();
        });
        self.server.serve(listener, tls, self.stop.clone()).await;
        Ok(())
    }

    /// After this everything that was accepted is in the tables.
    async fn close(self) -> Result<()> {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = self.detect.save_correlations(true).await {
            tracing::warn!(%error, "the state of correlations could not be saved; the next start takes longer");
        }
        save_event_kinds(&self.detect).await;
        self.lake.close().await.context("closing the lake")?;
        self.store.close().await;
        Ok(())
    }

    async fn announce(&self, url: &str, tls: Option<&Tls>) -> Result<()> {
        terminal::print(&format!("Vigie {} listens on {url}\n", env!("CARGO_PKG_VERSION")))?;
        if let Some(tls) = tls {
            terminal::print(&format!("certificate, SHA-256: {}\n", tls.fingerprint))?;
        }
        if let Some(link) = self.server.setup_link().await? {
            terminal::print(&format!("Nobody can sign in yet. Choose name and password at\n  {url}{}\n", link.path))?;
        }
        Ok(())
    }

    fn tls(&self) -> Result<Option<Tls>> {
        let source = match (&self.config.tls_certificate, &self.config.tls_key) {
            (Some(certificate), Some(key)) => TlsSource::Files { certificate: certificate.clone(), key: key.clone() },
            (None, None) if self.config.tls_self_signed => TlsSource::SelfSigned {
                folder: data_file(&self.config, "tls"),
                names: vec!["localhost".to_owned(), self.config.listen.ip().to_string()],
            },
            (None, None) => return Ok(None),
            _ => anyhow::bail!("server.tls_certificate and server.tls_key go together; one of them is missing"),
        };
        Ok(Some(Tls::load(&source)?))
    }

    async fn start_listeners(&self) -> Result<()> {
        let zone = Some(self.config.syslog_zone.clone()).filter(|zone| zone != "UTC");
        let context = ListenContext {
            port: self.pipeline.clone(),
            registry: self.pipeline.registry(),
            clock: self.clock.clone(),
            stop: self.stop.clone(),
        };
        if let Some(address) = self.config.syslog_udp {
            self.pipeline.connect(source(SYSLOG_UDP, "syslog", zone.clone())).await?;
            let socket =
                UdpSocket::bind(address).await.with_context(|| format!("intake.syslog_udp: listening on {address}"))?;
            let listening = listen::syslog_udp(socket, context.clone(), self.listen_options(SYSLOG_UDP));
            self.tasks.spawn(async move { report(SYSLOG_UDP, listening.await) });
        }
        if let Some(address) = self.config.syslog_tcp {
            self.pipeline.connect(source(SYSLOG_TCP, "syslog", zone)).await?;
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("intake.syslog_tcp: listening on {address}"))?;
            let listening = listen::syslog_tcp(listener, None, context, self.listen_options(SYSLOG_TCP));
            self.tasks.spawn(async move { report(SYSLOG_TCP, listening.await) });
        }
        if let Some(folder) = self.config.drop_folder.clone() {
            anyhow::ensure!(folder.is_dir(), "intake.drop_folder: {} is not a folder", folder.display());
            let state = data_file(&self.config, "drop-folder.json");
            self.tasks.spawn(drop_folder::watch(self.pipeline.clone(), folder, state, self.stop.clone()));
        }
        let feeds = data_file(&self.config, "feeds");
        self.tasks.spawn(feed_folders::watch(self.identity.clone(), feeds, self.stop.clone()));
        Ok(())
    }

    fn listen_options(&self, source: &str) -> ListenOptions {
        let message_bytes = usize::try_from(self.config.max_line_bytes).unwrap_or(usize::MAX);
        ListenOptions {
            message_bytes: message_bytes.min(ListenOptions::new(source).message_bytes),
            ..ListenOptions::new(source)
        }
    }

    /// Messages out and in, each channel on its own.
    async fn start_courier(&self) -> Result<()> {
        for task in self.courier.start(&self.config.courier).await? {
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                tokio::select! {
                    () = task => {}
                    () = stop.cancelled() => {}
                }
            });
        }
        Ok(())
    }

    /// Dials the other node, where one is named.
    fn start_link(&self) -> Result<()> {
        let Some(replica) = &self.replica else { return Ok(()) };
        let settings = &self.config.replica;
        if let Some(link) = replica_link::dial(replica, settings, self.config.courier.ca_file.as_deref())? {
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                let _ = stop.run_until_cancelled(link.run()).await;
            });
        }
        Ok(())
    }

    /// Compiles the rules beside the start, then lets detection begin: first what the last run left.
    fn start_detection(&self, replay: Replay) {
        let (detect, config, ready) = (self.detect.clone(), self.config.clone(), self.rules_ready.clone());
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = rules::keep_loaded(detect, config, ready) => {}
                () = stop.cancelled() => {}
            }
        });
        let stop = self.stop.clone();
        if let Some(detection) = self.detection.lock().take() {
            self.tasks.spawn(async move {
                tokio::select! {
                    () = detection.run() => {}
                    // What waits keeps its place in the log.
                    () = stop.cancelled() => {}
                }
            });
        }
        let (queue, decoding, stop) = (self.queue.clone(), self.decoding.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            tokio::select! {
                () = queue.replay(replay, decoding) => {}
                () = stop.cancelled() => {}
            }
        });
    }

    /// Facts, deadlines, scheduled rules, silent sources.
    fn start_loops(&self) {
        let until_stop = |work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                tokio::select! {
                    () = work => {}
                    () = stop.cancelled() => {}
                }
            });
        };
        let store = self.store.clone();
        let mut subscribers = vec![
            self.detect.subscriber(),
            self.respond.subscriber(),
            self.identity.subscriber(),
            self.identity.engine(self.targets.clone()),
            self.identity.feed_subscriber(self.targets.clone()),
            self.identity.protection_subscriber(self.targets.clone()),
            self.identity.notice_subscriber(),
            self.courier.subscriber(),
            self.server.subscriber(),
            self.server.duties_subscriber(),
        ];
        subscribers.extend(self.field.subscribers());
        if let Some(replica) = self.replica.clone() {
            subscribers.extend([self.field.teller(replica), self.field.custody_subscriber()]);
        }
        until_stop(Box::pin(async move { store.run_outbox(subscribers).await }));
        let store = self.store.clone();
        until_stop(Box::pin(async move { store.run_deadlines().await }));
        let room = self.field.clone();
        until_stop(Box::pin(async move {
            if let Err(error) = room.watch_log().await {
                tracing::error!(%error, "the duty log could not be compared with the ledger");
            }
        }));
        self.tasks.spawn(room_devices::run(self.field.clone(), self.config.room.clone(), self.stop.clone()));
        let (detect, store, events) = (self.detect.clone(), self.store.clone(), self.events.clone());
        until_stop(Box::pin(run_schedule(detect, store, events, self.server.clone())));
        until_stop(Box::pin(watch_silence(self.pipeline.registry(), self.clock.clone())));
        until_stop(Box::pin(keep_event_kinds(self.detect.clone())));
        let (lake, store, clock) = (self.lake.clone(), self.store.clone(), self.clock.clone());
        self.tasks.spawn(FieldKeeper { lake, store, clock }.run(self.stop.clone()));
    }
}

/// Beside the start: on a slow disk it takes seconds.
fn keep_reserve(store: &Store, config: &Config) {
    let (store, path, bytes) = (store.clone(), data_file(config, "reserve"), config.reserve_bytes);
    if bytes == 0 {
        return;
    }
    tokio::task::spawn_blocking(move || {
        if let Err(error) = store.keep_reserve(&path, bytes) {
            tracing::error!(%error, path = %path.display(), "no room is kept on the disk for calls for help");
        }
    });
}

fn source(name: &str, format: &str, time_zone: Option<String>) -> SourceDefinition {
    SourceDefinition {
        name: name.to_owned(),
        format: format.to_owned(),
        table: None,
        time_zone,
        log_source: kernel::LogSource::default(),
    }
}

fn report(what: &str, outcome: Result<(), intake::IntakeError>) {
    if let Err(error) = outcome {
        tracing::error!(what, %error, "a listener ended");
    }
}

/// The query engine over lake and state database, with what people keep for their queries.
pub fn engine(
    lake: &Lake,
    store: &Store,
    library: &Library,
    clock: Arc<dyn Clock>,
    config: &Config,
) -> Result<QueryEngine> {
    let spill = data_file(config, "spill");
    std::fs::create_dir_all(&spill).with_context(|| format!("making {}", spill.display()))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let settings = EngineConfig { threads, spill, spill_bytes: 8 << 30, prune: true };
    let engine = QueryEngine::start(Arc::new(lake.clone()), Some(Arc::new(store.clone())), clock, settings);
    Ok(engine.context("starting the query engine")?.with_library(Arc::new(library.clone())))
}

fn server_config(config: &Config) -> ServerConfig {
    let bytes = usize::try_from(config.max_body_bytes).unwrap_or(usize::MAX);
    ServerConfig {
        ingest_bytes: bytes,
        ingest_decoded_bytes: bytes,
        query_rows: config.query_rows,
        query_ms: config.query_time_ms,
        query_memory_bytes: config.query_memory_bytes,
        map_file: config.map_file.clone(),
        secure_cookies: config.tls_certificate.is_some() || config.tls_self_signed,
        ..ServerConfig::default()
    }
}

/// Coverage goes by the kinds of events that have arrived, also before the last start.
async fn keep_event_kinds(detect: Detect) {
    if let Err(error) = detect.read_event_kinds().await {
        tracing::warn!(%error, "the kinds of events could not be read; coverage begins anew");
    }
    loop {
        tokio::time::sleep(EVENT_KINDS_TICK).await;
        save_event_kinds(&detect).await;
    }
}

async fn save_event_kinds(detect: &Detect) {
    if let Err(error) = detect.save_event_kinds().await {
        tracing::warn!(%error, "the kinds of events could not be saved");
    }
}

async fn run_schedule(detect: Detect, store: Store, events: Arc<Events>, server: Server) {
    let lake: Arc<dyn EventLake> = events;
    loop {
        if let Err(error) = detect.run_due(store.now(), lake.as_ref(), Some(server.rule_tables())).await {
            tracing::error!(%error, "the schedule could not be looked at; trying again");
        }
        tokio::time::sleep(SCHEDULE_TICK).await;
    }
}

/// Says when a source that used to talk falls silent, and when it is back.
async fn watch_silence(registry: Arc<SourceRegistry>, clock: Arc<dyn Clock>) {
    let mut silent: std::collections::BTreeMap<String, Option<Timestamp>> = std::collections::BTreeMap::new();
    loop {
        for status in registry.statuses(clock.now()) {
            match (status.silent, silent.contains_key(&status.name)) {
                (true, false) => {
                    tracing::warn!(source = status.name, last_seen = ?status.last_seen.map(|at| at.to_string()), "a source has fallen silent");
                    silent.insert(status.name, status.last_seen);
                }
                (false, true) => {
                    tracing::info!(source = status.name, "a silent source is back");
                    silent.remove(&status.name);
                }
                (true, true) | (false, false) => {}
            }
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}

/// Ctrl-C, or the signal with which service managers stop a program.
async fn stop_signal() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(error) => {
                tracing::warn!(%error, "the terminate signal cannot be listened for");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => {
            if let Err(error) = outcome {
                tracing::warn!(%error, "Ctrl-C cannot be listened for");
            }
        }
        () = terminate => {}
    }
    tracing::info!("stopping: what is running comes to its end");
}
