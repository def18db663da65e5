//! The way in: a delivery is decoded, logged, visible, counted, and handed to detection.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use intake::{Decoded, Format, SourceRegistry, SourceZone};
use kernel::id::Randomness;
use kernel::port::{Delivery, DeliveryError, IntakePort, Receipt, SourceDefinition, SourceStatus};
use kernel::{Clock, LogSource, TableSchema, schema};
use lake::{Appended, Entry, Lake, LakeError, Ticket};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::decoding::{Decoding, Recipe, rows};
use super::detection::DetectionQueue;

/// The name under which Vigie's own rows arrive.
pub const OWN_SOURCE: &str = "vigie";

/// Problems of a delivery that its receipt describes.
const DESCRIBED: usize = 10;

/// Everything between a source and the lake.
pub struct Pipeline {
    lake: Lake,
    decoding: Arc<Decoding>,
    registry: Arc<SourceRegistry>,
    sources: RwLock<BTreeMap<String, SourceDefinition>>,
    /// `None`: nobody detects; deliveries are done when they are stored.
    detection: Option<DetectionQueue>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    /// Deliveries that are decoded at one time: each takes memory and a core.
    decoders: Arc<Semaphore>,
    shipped: BTreeMap<String, TableSchema>,
}

/// A delivery whose way is known.
struct Order {
    source: String,
    table: Option<String>,
    format: Format,
    zone: Option<String>,
    log_source: LogSource,
    key: [u8; 32],
    body: Bytes,
}

impl Pipeline {
    /// Into `lake`; decoded events go to `detection`.
    pub fn new(
        lake: Lake,
        decoding: Arc<Decoding>,
        detection: Option<DetectionQueue>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Pipeline {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shipped = schema::shipped_tables().into_iter().map(|table| (table.name.clone(), table)).collect();
        Pipeline {
            lake,
            decoding,
            registry: Arc::new(SourceRegistry::new()),
            sources: RwLock::default(),
            detection,
            clock,
            randomness,
            decoders: Arc::new(Semaphore::new(cores)),
            shipped,
        }
    }

    /// The counters of all sources.
    pub fn registry(&self) -> Arc<SourceRegistry> {
        self.registry.clone()
    }

    /// Takes a part of a file under the name of a source.
    pub async fn accept_chunk(
        &self,
        source: &str,
        table: Option<&str>,
        chunk: intake::files::FileChunk,
    ) -> Result<Receipt, DeliveryError> {
        let known = self.sources.read().get(source).cloned();
        let (zone, log_source) = known.map(|known| (known.time_zone, known.log_source)).unwrap_or_default();
        let key = key_of(&[source.as_bytes(), table.unwrap_or_default().as_bytes(), &chunk.key]);
        let (source, table) = (source.to_owned(), table.map(str::to_owned));
        let (format, body) = (chunk.format, chunk.payload);
        self.take(Order { source, table, format, zone, log_source, key, body }).await
    }

    fn order(&self, delivery: Delivery) -> Result<Order, DeliveryError> {
        let known = self.sources.read().get(&delivery.source).cloned();
        let (format, table, zone, log_source) = match (known, delivery.table) {
            // A table that somebody names takes JSON rows with its columns.
            (known, Some(table)) => {
                let (zone, log_source) = known.map(|known| (known.time_zone, known.log_source)).unwrap_or_default();
                (Format::Json, Some(table), zone, log_source)
            }
            (Some(known), None) => {
                let format = known.format.parse().map_err(malformed)?;
                (format, known.table, known.time_zone, known.log_source)
            }
            (None, None) => return Err(DeliveryError::UnknownTarget(delivery.source)),
        };
        let target = table.as_deref().unwrap_or_default().as_bytes();
        let key = match &delivery.key {
            Some(key) => key_of(&[delivery.source.as_bytes(), target, b"named", key.as_bytes()]),
            // Nobody sends a datagram twice: two that are equal are two.
            None if format == Format::Syslog => Entry::NO_KEY,
            None => key_of(&[delivery.source.as_bytes(), target, &delivery.body]),
        };
        Ok(Order { source: delivery.source, table, format, zone, log_source, key, body: delivery.body })
    }

    async fn take(&self, order: Order) -> Result<Receipt, DeliveryError> {
        // Another delivery may give a new table its columns at the same moment; then decode again by those.
        for _ in 0..3 {
            match self.try_take(&order).await {
                Err(LakeError::TypeConflict { .. }) => {}
                outcome => return outcome.map_err(refusal),
            }
        }
        self.try_take(&order).await.map_err(refusal)
    }

    async fn try_take(&self, order: &Order) -> Result<Receipt, LakeError> {
        let now = self.clock.now();
        let recipe = Recipe {
            format: order.format.as_str().to_owned(),
            zone: order.zone.clone(),
            log_source: order.log_source.clone(),
            schema: self.custom_schema(order),
        };
        let entry = Entry {
            id: self.randomness.id(now),
            source: order.source.clone(),
            format: recipe.to_text(),
            table: order.table.clone(),
            received: now,
            key: order.key,
            payload: order.body.clone(),
        };
        let decoded = Arc::new(self.decode(&entry, recipe).await?);
        let id = entry.id.to_string();
        match self.lake.append(entry, rows(&decoded)).await? {
            Appended::Duplicate => {
                self.registry.duplicate(&order.source, now);
                Ok(Receipt {
                    accepted: decoded.accepted,
                    unparsed: decoded.unparsed,
                    duplicate: true,
                    problems: Vec::new(),
                })
            }
            Appended::New(ticket) => {
                self.registry.accepted(&order.source, order.format.as_str(), order.body.len() as u64, &decoded, now);
                self.detect(id, &decoded, order.body.len(), ticket).await;
                let problems = decoded.problems.iter().take(DESCRIBED).map(ToString::to_string).collect();
                Ok(Receipt { accepted: decoded.accepted, unparsed: decoded.unparsed, duplicate: false, problems })
            }
        }
    }

    /// The columns of a table that is not a shipped one, as they are now.
    fn custom_schema(&self, order: &Order) -> Option<TableSchema> {
        let table = order.table.as_deref().filter(|table| !self.shipped.contains_key(*table))?;
        self.lake.schema(table).map(|schema| schema.as_ref().clone())
    }

    async fn decode(&self, entry: &Entry, recipe: Recipe) -> Result<Decoded, LakeError> {
        let place = self.decoders.clone().acquire_owned().await.map_err(|_| LakeError::Closed)?;
        let (decoding, entry) = (self.decoding.clone(), entry.clone());
        let work = tokio::task::spawn_blocking(move || {
            let decoded = decoding.decode(&entry, &recipe);
            drop(place);
            decoded
        });
        let outcome = work.await.map_err(|error| LakeError::Columns {
            table: "*".to_owned(),
            reason: format!("decoding broke off: {error}"),
        })?;
        outcome.map_err(|error| LakeError::Columns { table: "*".to_owned(), reason: error.to_string() })
    }

    async fn detect(&self, entry: String, decoded: &Arc<Decoded>, bytes: usize, ticket: Ticket) {
        match &self.detection {
            Some(queue) => queue.push(entry, decoded.events.clone(), bytes, ticket).await,
            None => ticket.done(),
        }
    }
}

/// Parts with their lengths, so that no two lists of parts share a key.
fn key_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn malformed(error: intake::IntakeError) -> DeliveryError {
    DeliveryError::Malformed(error.to_string())
}

/// Who is to blame decides what the sender is told.
fn refusal(error: LakeError) -> DeliveryError {
    match error {
        LakeError::TooLarge { bytes, limit_bytes } => DeliveryError::TooLarge { bytes, limit: limit_bytes },
        LakeError::BadName { .. } | LakeError::TypeConflict { .. } | LakeError::Columns { .. } => {
            DeliveryError::Malformed(error.to_string())
        }
        LakeError::Locked { .. }
        | LakeError::DiskFull { .. }
        | LakeError::Behind { .. }
        | LakeError::BadConfig { .. }
        | LakeError::Damaged { .. }
        | LakeError::Io { .. }
        | LakeError::Delta { .. }
        | LakeError::Closed => DeliveryError::Unavailable(error.to_string()),
    }
}

#[async_trait]
impl IntakePort for Pipeline {
    async fn connect(&self, source: SourceDefinition) -> Result<(), DeliveryError> {
        let format: Format = source.format.parse().map_err(malformed)?;
        if let Some(zone) = &source.time_zone {
            SourceZone::named(zone).map_err(malformed)?;
        }
        self.registry.register(&source.name, format.as_str(), self.clock.now());
        self.sources.write().insert(source.name.clone(), source);
        Ok(())
    }

    fn formats(&self) -> Vec<String> {
        Format::ALL.iter().map(|format| format.as_str().to_owned()).collect()
    }

    async fn accept(&self, delivery: Delivery) -> Result<Receipt, DeliveryError> {
        let order = self.order(delivery)?;
        self.take(order).await
    }

    fn sources(&self) -> Vec<SourceStatus> {
        self.registry.statuses(self.clock.now())
    }
}
