//! Opening: take the lock, read the log, show again what had not reached the tables.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::time::Clock;
use kernel::{TableSchema, Timestamp};
use object_store::ObjectStore;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::config::LakeConfig;
use crate::core::{Core, catalog_path, wal_dir};
use crate::delta::{self, TableHome};
use crate::disk::{Disk, DiskStore, LocalDisk, LockGuard};
use crate::entry::{Decoder, Entry};
use crate::error::LakeError;
use crate::flush::run_blocking;
use crate::keys;
use crate::table::{Table, catalog, schema};
use crate::ticket::{Problem, Replay};
use crate::wal::format::{HEADER_LEN, SegmentHeader};
use crate::wal::read::{Found, SegmentReader, read_header};
use crate::wal::retired::{Past, RetiredLog};
use crate::wal::segment_number;
use crate::wal::segments::{Segment, Segments};

/// What the lake stands on. [`Ports::of_machine`] for real; tests bring their own.
#[derive(Clone)]
pub struct Ports {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub decoder: Arc<dyn Decoder>,
    /// A store and the URL of the tables in it, instead of what the configuration names.
    pub store: Option<(Arc<dyn ObjectStore>, String)>,
}

impl Ports {
    /// The machine's disk.
    pub fn of_machine(clock: Arc<dyn Clock>, decoder: Arc<dyn Decoder>) -> Ports {
        Ports { disk: Arc::new(LocalDisk), clock, decoder, store: None }
    }
}

/// What the writer goes on from.
pub struct Resume {
    pub node: Uuid,
    pub next_number: u64,
    pub previous: Option<(u64, u64)>,
}

/// Opens everything but the writer and the background tasks.
pub async fn open(config: LakeConfig, ports: Ports) -> Result<(Arc<Core>, Replay, Resume), LakeError> {
    config.check()?;
    let opening = (config.clone(), ports.clone());
    let (config, lock, retired, past) = run_blocking(move || prepare(opening.0, &opening.1)).await??;
    let home = table_home(&config, &ports)?;
    let catalog = catalog::read(ports.disk.as_ref(), &catalog_path(&config));
    let (tables, catalog_stale) = known_tables(&home, catalog).await?;
    let found = list_segments(ports.disk.as_ref(), &wal_dir(&config))?;
    let node = retired.node();
    let nodes: HashSet<Uuid> = found.good.iter().map(|(_, header)| header.node).chain([node]).collect();
    let core = Core {
        encoders: Arc::new(Semaphore::new(config.encode_threads)),
        clock: Arc::clone(&ports.clock),
        disk: Arc::clone(&ports.disk),
        home,
        segments: Arc::new(Mutex::new(Segments::default())),
        retired: Mutex::new(retired),
        keys: keys::KeyIndex::default(),
        tables: RwLock::new(tables),
        meter: Default::default(),
        nodes: nodes.into_iter().collect(),
        counters: Default::default(),
        last_flush: Default::default(),
        flushing: Default::default(),
        work: Default::default(),
        room: Default::default(),
        catalog_stale: catalog_stale.into(),
        closed: false.into(),
        config,
        _lock: lock,
    };
    let core = Arc::new(core);
    let recovering = Arc::clone(&core);
    let (replay, resume) = run_blocking(move || recover(&recovering, ports.decoder.as_ref(), past, found)).await??;
    Ok((core, replay, resume))
}

fn prepare(config: LakeConfig, ports: &Ports) -> Result<(LakeConfig, LockGuard, RetiredLog, Past), LakeError> {
    let disk = &ports.disk;
    let dir = std::path::absolute(&config.data_dir).map_err(|error| LakeError::io(&config.data_dir, error))?;
    let config = LakeConfig { data_dir: dir, ..config };
    let wal = wal_dir(&config);
    disk.create_dir_all(&wal).map_err(|error| LakeError::io(&wal, error))?;
    let lock = take_lock(disk.as_ref(), &config.data_dir, ports.clock.now())?;
    let key_log = wal.join("retired.log");
    let opened = RetiredLog::open(Arc::clone(disk), &key_log, Uuid::new_v4());
    let (retired, past) = opened.map_err(|error| LakeError::io(&key_log, error))?;
    Ok((config, lock, retired, past))
}

fn take_lock(disk: &dyn Disk, dir: &Path, now: Timestamp) -> Result<LockGuard, LakeError> {
    let path = dir.join("lake.lock");
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_else(|_| "this host".to_owned());
    let owner = serde_json::json!({"pid": std::process::id(), "host": host.trim(), "since": now.to_string()});
    let locked = disk.lock(&path, &owner.to_string()).map_err(|error| LakeError::io(&path, error))?;
    locked.map_err(|holder| {
        let holder: serde_json::Value = serde_json::from_str(&holder).unwrap_or_default();
        let text = |name: &str| holder[name].as_str().unwrap_or("unknown").to_owned();
        let pid = holder["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
        LakeError::Locked { path: dir.to_owned(), pid, host: text("host"), since: text("since") }
    })
}

fn table_home(config: &LakeConfig, ports: &Ports) -> Result<TableHome, LakeError> {
    match (&ports.store, &config.tables_url) {
        (Some((store, url)), _) => TableHome::on(Arc::clone(store), url, config),
        (None, Some(url)) => TableHome::remote(url, config),
        (None, None) => {
            let dir = config.data_dir.join("tables");
            ports.disk.create_dir_all(&dir).map_err(|error| LakeError::io(&dir, error))?;
            TableHome::local(Arc::new(DiskStore::new(Arc::clone(&ports.disk))), &dir, config)
        }
    }
}

/// Shipped tables, those of the catalog, and those that only their directory shows. True: the catalog lacks some.
async fn known_tables(
    home: &TableHome,
    catalog: Vec<TableSchema>,
) -> Result<(BTreeMap<String, Arc<Table>>, bool), LakeError> {
    let mut known: BTreeMap<String, TableSchema> =
        catalog.into_iter().map(|table| (table.name.clone(), table)).collect();
    let mut stale = false;
    let listed = match home.list().await {
        Err(error) if !known.is_empty() => {
            // Intake goes to the local log; tables that the catalog lacks wait for the next start.
            tracing::warn!(%error, "the tables cannot be listed now; going on with the catalog");
            Vec::new()
        }
        listed => listed?,
    };
    for name in listed {
        if !known.contains_key(&name)
            && let Some(delta) = home.load(&name).await?
        {
            known.insert(name.clone(), delta::schema_of(&delta, &name)?);
            stale = true;
        }
    }
    for shipped in kernel::schema::shipped_tables() {
        let joined = match known.get(&shipped.name) {
            // What lies on disk has the say; a shipped column of another type is left out.
            Some(stored) => schema::union(stored, &shipped).unwrap_or_else(|error| {
                tracing::warn!(%error, "a shipped table differs from the stored one, which stays as it is");
                stored.clone()
            }),
            None => shipped,
        };
        known.insert(joined.name.clone(), joined);
    }
    Ok((known.into_iter().map(|(name, table)| (name, Arc::new(Table::new(table)))).collect(), stale))
}

struct FoundSegments {
    good: Vec<(PathBuf, SegmentHeader)>,
    problems: Vec<Problem>,
}

fn list_segments(disk: &dyn Disk, dir: &Path) -> Result<FoundSegments, LakeError> {
    let failed = |error| LakeError::io(dir, error);
    let mut found = FoundSegments { good: Vec::new(), problems: Vec::new() };
    for info in disk.list(dir).map_err(failed)? {
        let Some(number) = segment_number(&info.path) else { continue };
        match read_header(disk, &info.path).map_err(failed)? {
            Some(header) if header.number == number => found.good.push((info.path, header)),
            // The header is durable before the first entry is written, so nothing in it was acknowledged.
            _ if info.len <= HEADER_LEN as u64 => disk.remove(&info.path).map_err(failed)?,
            _ => {
                let aside = info.path.with_extension("damaged");
                disk.rename(&info.path, &aside).map_err(failed)?;
                let text = "its header is damaged, so its deliveries cannot be read; the file was set aside".to_owned();
                found.problems.push(Problem { path: aside, text, severe: true });
            }
        }
    }
    found.good.sort_by_key(|(_, header)| header.number);
    Ok(found)
}

fn recover(
    core: &Arc<Core>,
    decoder: &dyn Decoder,
    past: Past,
    found: FoundSegments,
) -> Result<(Replay, Resume), LakeError> {
    for (key, at) in &past.keys {
        core.keys.restore(*key, *at);
    }
    let limits: BTreeMap<u64, u64> = found.good.iter().filter_map(|(_, header)| header.previous).collect();
    let (node, mut highest) = (core.retired.lock().node(), past.highest);
    let mut recovery = Recovery { core, decoder, problems: found.problems, repeated: HashSet::new(), entries: 0 };
    let mut replays = VecDeque::new();
    let mut previous = None;
    for (path, header) in found.good {
        highest = highest.max(header.number);
        if header.node == node && past.retired.contains(&header.number) {
            // A crash came between the note of its end and the end.
            core.disk.remove(&path).map_err(|error| LakeError::io(&path, error))?;
            continue;
        }
        let flushed = header.node == node && header.number <= past.flushed;
        let limit = limits.get(&header.number).copied();
        let Some(segment) = recovery.read(path, &header, limit, flushed)? else { continue };
        previous = Some((segment.number, segment.bytes));
        let reader = recovery.reader(&segment.path, header.salt, segment.bytes);
        replays.push_back((segment.number, reader));
        core.segments.lock().insert(segment);
    }
    let Recovery { problems, repeated, entries, .. } = recovery;
    for problem in &problems {
        tracing::warn!(path = %problem.path.display(), severe = problem.severe, "{}", problem.text);
    }
    let replay = Replay { core: Arc::clone(core), segments: replays, repeated, problems, entries };
    Ok((replay, Resume { node, next_number: highest + 1, previous }))
}

struct Recovery<'a> {
    core: &'a Core,
    decoder: &'a dyn Decoder,
    problems: Vec<Problem>,
    repeated: HashSet<kernel::id::EntryId>,
    entries: u64,
}

impl Recovery<'_> {
    fn reader(&self, path: &Path, salt: u32, end: u64) -> SegmentReader {
        let limit = u64::from(u32::MAX / 2);
        SegmentReader::new(Arc::clone(&self.core.disk), path.to_owned(), salt, end, limit)
    }

    /// Reads one segment, shows its rows and cuts its torn end; `None`: it had no entries and is gone.
    fn read(
        &mut self,
        path: PathBuf,
        header: &SegmentHeader,
        limit: Option<u64>,
        flushed: bool,
    ) -> Result<Option<Segment>, LakeError> {
        let failed = |error| LakeError::io(&path, error);
        let len = self.core.disk.info(&path).map_err(failed)?.len;
        let end = limit.map_or(len, |limit| limit.min(len));
        if limit.is_some_and(|limit| limit > len) {
            self.problem(&path, format!("it is shorter than was acknowledged: {len} of {end} bytes"), true);
        }
        let mut segment = Segment {
            number: header.number,
            node: header.node,
            path: path.clone(),
            bytes: end,
            entries: 0,
            created: header.created,
            begun_us: 0,
            sealed: true,
            flushed,
            open_tickets: 0,
            keys: Vec::new(),
        };
        let mut reader = self.reader(&path, header.salt, end);
        while let Some(found) = reader.next().map_err(failed)? {
            match found {
                Found::Entry(entry) => self.take(&mut segment, *entry),
                Found::Hole { offset, len } => {
                    self.problem(&path, format!("{len} bytes at {offset} are damaged; what follows was read"), true);
                }
                Found::Torn { offset, len } => {
                    // Bytes that a later segment vouches for were acknowledged; others are a write cut short.
                    let severe = limit.is_some();
                    self.problem(&path, format!("the last {len} bytes, from {offset}, are no entry"), severe);
                    segment.bytes = offset;
                }
            }
        }
        if segment.entries == 0 {
            self.core.disk.remove(&path).map_err(failed)?;
            return Ok(None);
        }
        if segment.bytes < len {
            let mut file = self.core.disk.append(&path).map_err(failed)?;
            file.truncate(segment.bytes).and_then(|()| file.sync()).map_err(failed)?;
        }
        Ok(Some(segment))
    }

    fn take(&mut self, segment: &mut Segment, entry: Entry) {
        if entry.key != Entry::NO_KEY {
            let key = keys::digest(&entry.key);
            if !self.core.keys.restore(key, entry.received) {
                self.repeated.insert(entry.id);
                return;
            }
            segment.keys.push((key, entry.received));
        }
        segment.entries += 1;
        segment.open_tickets += 1;
        self.entries += 1;
        if segment.flushed {
            return;
        }
        let mut rows = self.decoder.decode(&entry);
        if let Err(error) = self.core.admit(&rows) {
            // It was admitted when it was appended: the decoder has changed since.
            let text = format!("delivery {} no longer fits its tables: {error}", entry.id);
            self.problem(&segment.path, text, true);
            rows.retain(|rows| self.core.admit(std::slice::from_ref(rows)).is_ok());
        }
        self.core.publish(segment.number, segment.node, rows);
    }

    fn problem(&mut self, path: &Path, text: String, severe: bool) {
        self.problems.push(Problem { path: path.to_owned(), text, severe });
    }
}
