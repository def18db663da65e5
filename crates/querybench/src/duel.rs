//! Each question to the query engine and to the peer in turn, cold and warm, and whether they say the same.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use kernel::port::{QueryLimits, QueryRequest};
use kernel::time::SystemClock;
use kernel::{Timestamp, Value};
use lake::{EngineConfig, Lake, QueryEngine, Tables};
use serde_json::{Value as Json, json};

use crate::events::{DAY_US, DAYS, START_US};
use crate::fill::{Size, fill, open};
use crate::measure::{forget, processor_s, stopwatch};
use crate::peer::{Peer, Timed};
use crate::questions::{Question, questions};

const SEED: u64 = 20_261_130;
/// Threads on either side.
const THREADS: usize = 2;

/// Fills the lake in `folder` unless it is filled, and asks everything `rounds` times.
pub fn duel(folder: &Path, size: Size, rounds: usize, python: &Path, script: &Path) -> Result<Json> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let marker = folder.join("filled");
    let known = std::fs::read_to_string(&marker).ok().and_then(|text| serde_json::from_str::<Json>(&text).ok());
    let known = known.filter(|known| known["rows"] == json!(size.process_rows) && known["seed"] == json!(SEED));
    let filled = match known {
        Some(known) => known,
        None => {
            ensure!(!folder.join("wal").exists(), "{} holds another lake; name an empty folder", folder.display());
            let cost = runtime.block_on(fill(folder, size, SEED))?;
            let filled = json!({
                "rows": size.process_rows, "seed": SEED, "filled_s": cost.filled_s, "companions_s": cost.companions_s
            });
            eprintln!("{filled}");
            std::fs::write(&marker, filled.to_string()).context("noting that the lake is filled")?;
            filled
        }
    };
    let lake = runtime.block_on(open(folder))?;
    let bout = Bout { folder, lake, runtime };
    let files = bout.files()?;
    let views: Vec<(&str, Vec<PathBuf>)> =
        [("process", 0), ("signins", 1), ("identities", 2)].map(|(name, at)| (name, files[at].clone())).into();
    let mut peer = Peer::start(python, script, THREADS, &views)?;
    let version = peer.version()?;
    let wanted = std::env::var("QUERYBENCH_ONLY").unwrap_or_default();
    let mut lines = Vec::new();
    for question in questions().iter().filter(|question| question.name.contains(&wanted)) {
        let line = bout.compare(question, &mut peer, rounds, &files.concat())?;
        eprintln!("{line}");
        lines.push(line);
    }
    Ok(json!({
        "peer": version,
        "threads": THREADS,
        "filled": filled,
        "rows": size.process_rows,
        "bytes": bytes_of(&files.concat()),
        "companions": companions(folder),
        "files": files.concat().len(),
        "lines": lines,
    }))
}

/// An engine over one lake, for a fixed time of day.
pub struct Asker {
    engine: QueryEngine,
    now: Timestamp,
}

/// What one question cost.
pub struct Judged {
    pub wall_s: f64,
    pub processor_s: f64,
    pub rows_scanned: u64,
}

impl Asker {
    /// Over the lake in `folder`, as if it were `now_us`.
    pub fn start(folder: &Path, lake: Lake, now_us: i64) -> Result<Asker> {
        Ok(Asker { engine: engine(folder, &lake)?, now: Timestamp(now_us) })
    }

    pub fn judged(&self, runtime: &tokio::runtime::Runtime, kql: &str) -> Result<Judged> {
        let (wall, before) = (stopwatch(), processor_s());
        let answer = runtime.block_on(self.engine.query(QueryRequest::new(kql, self.now)));
        let rows_scanned = answer.with_context(|| kql.to_owned())?.rows_scanned;
        Ok(Judged { wall_s: wall.elapsed().as_secs_f64(), processor_s: processor_s() - before, rows_scanned })
    }
}

/// An engine that has answered nothing yet.
fn engine(folder: &Path, lake: &Lake) -> Result<QueryEngine> {
    let spill = folder.join("spill");
    std::fs::create_dir_all(&spill)?;
    let config = EngineConfig { threads: THREADS, spill, spill_bytes: 8 << 30, prune: true };
    Ok(QueryEngine::start(Arc::new(lake.clone()), None, Arc::new(SystemClock::new()), config)?)
}

struct Bout<'a> {
    folder: &'a Path,
    lake: Lake,
    runtime: tokio::runtime::Runtime,
}

impl Bout<'_> {
    /// Data files of each table.
    fn files(&self) -> Result<[Vec<PathBuf>; 3]> {
        let of = |table: &str| -> Result<Vec<PathBuf>> {
            let snapshot = self.runtime.block_on(self.lake.snapshot(table))?;
            let snapshot = snapshot.with_context(|| format!("the lake has no table {table}"))?;
            ensure!(snapshot.hot.is_empty(), "{table} has rows that are not in files");
            Ok(snapshot.files.iter().map(|file| Path::new("/").join(file.path.as_ref())).collect())
        };
        Ok([of("ProcessEvents_CL")?, of("SignIns_CL")?, of("Identities_CL")?])
    }

    fn ask(&self, engine: &QueryEngine, kql: &str) -> Result<Timed> {
        let now = Timestamp(START_US + DAYS * DAY_US);
        let limits = QueryLimits { memory_bytes: 4 << 30, rows: 1_000_000, ..QueryLimits::default() };
        let request = QueryRequest { limits, ..QueryRequest::new(kql, now) };
        let (wall, before) = (stopwatch(), processor_s());
        let answer = self.runtime.block_on(engine.query(request)).with_context(|| kql.to_owned())?;
        let (wall_s, processor_s) = (wall.elapsed().as_secs_f64(), processor_s() - before);
        if let Some(warning) = answer.warnings.first() {
            bail!("{kql}: {}", warning.message);
        }
        let rows = answer.rows.iter().map(|row| row.iter().map(plain).collect()).collect();
        Ok(Timed { wall_s, processor_s, rows })
    }

    fn compare(&self, question: &Question, peer: &mut Peer, rounds: usize, files: &[PathBuf]) -> Result<Json> {
        let drop_pages = || files.iter().for_each(|file| forget(file));
        drop_pages();
        forget_companions(self.folder);
        let engine = engine(self.folder, &self.lake)?;
        let cold = self.ask(&engine, &question.kql)?;
        drop_pages();
        let peer_cold = peer.run(&question.sql, true)?;
        let expected = match &question.exact {
            Some(exact) => peer.run(exact, false)?.rows,
            None => peer_cold.rows.clone(),
        };
        let same = agree(&cold.rows, &expected, question.ordered);
        if !same {
            eprintln!("ours: {:?}\npeer: {:?}", sample(&cold.rows), sample(&expected));
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(self.ask(&engine, &question.kql)?);
            theirs.push(peer.run(&question.sql, false)?);
        }
        let least = |all: &[Timed], of: fn(&Timed) -> f64| all.iter().map(of).fold(f64::INFINITY, f64::min);
        Ok(json!({
            "name": question.name,
            "target": question.target,
            "same": same,
            "rows": cold.rows.len(),
            "cold_s": cold.wall_s, "peer_cold_s": peer_cold.wall_s,
            "wall_s": least(&ours, |timed| timed.wall_s), "peer_wall_s": least(&theirs, |timed| timed.wall_s),
            "processor_s": least(&ours, |timed| timed.processor_s),
            "peer_processor_s": least(&theirs, |timed| timed.processor_s),
        }))
    }
}

fn sample(rows: &[Vec<Json>]) -> Vec<&Vec<Json>> {
    rows.iter().take(3).collect()
}

/// A value as both sides write it: instants in microseconds, texts for everything that is a text.
fn plain(value: &Value) -> Json {
    match value {
        Value::DateTime(ticks) => json!(Timestamp::from_ticks(*ticks).micros()),
        Value::Dynamic(array @ Json::Array(_)) => array.clone(),
        Value::Dynamic(json) => Json::String(json.to_string()),
        other => other.to_json(),
    }
}

fn agree(ours: &[Vec<Json>], theirs: &[Vec<Json>], ordered: bool) -> bool {
    let texts = |rows: &[Vec<Json>]| -> Vec<String> {
        let mut all: Vec<String> = rows.iter().map(|row| Json::from(row.clone()).to_string()).collect();
        if !ordered {
            all.sort();
        }
        all
    };
    texts(ours) == texts(theirs)
}

fn bytes_of(files: &[PathBuf]) -> u64 {
    files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|file| file.len()).sum()
}

/// Files that were derived from data files: bytes by the kind that their name ends in.
fn companions(folder: &Path) -> Json {
    let mut sizes = serde_json::Map::new();
    each_companion(folder, &mut |path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let kind = name.trim_end_matches(".companion").rsplit('.').next().unwrap_or_default().to_owned();
        let size = std::fs::metadata(path).map_or(0, |file| file.len());
        let sum = sizes.get(&kind).and_then(Json::as_u64).unwrap_or(0) + size;
        sizes.insert(kind, json!(sum));
    });
    Json::Object(sizes)
}

fn forget_companions(folder: &Path) {
    each_companion(folder, &mut |path| forget(path));
}

pub fn each_companion(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            each_companion(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "companion") {
            visit(&path);
        }
    }
}
