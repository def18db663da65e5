//! Data files between Parquet, the transaction log and the snapshot that queries see.

use std::sync::Arc;

use deltalake_core::DeltaTable;
use deltalake_core::kernel::{Action, Add, Remove};
use kernel::Timestamp;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};
use uuid::Uuid;

use super::encode::{Encoded, FileStats};
use super::{DAY_COLUMN, day_text, partition_values};
use crate::error::LakeError;
use crate::paths;
use crate::snapshot::DataFile;
use crate::terms;

/// A file that was written and is not yet committed.
#[derive(Debug)]
pub struct Written {
    /// Path in the table's directory.
    relative: String,
    stats: FileStats,
    pub file: Arc<DataFile>,
}

/// Writes one file under a name that nothing else has.
pub async fn write(
    store: &dyn ObjectStore,
    table_path: &Path,
    table: &str,
    encoded: Encoded,
) -> Result<Written, LakeError> {
    let day = encoded.day.map_or_else(|| "__HIVE_DEFAULT_PARTITION__".to_owned(), day_text);
    let (dir, name) = (format!("{DAY_COLUMN}={day}"), format!("part-{}.parquet", Uuid::new_v4()));
    let relative = format!("{dir}/{name}");
    let path = table_path.clone().join(dir).join(name);
    let bytes = encoded.bytes.len() as u64;
    store.put(&path, encoded.bytes.into()).await.map_err(|error| LakeError::delta(table, error))?;
    keep_beside(store, &terms::file::path(&path), encoded.terms).await;
    if let Some(promoted) = encoded.paths {
        keep_beside(store, &paths::path(&path), promoted).await;
    }
    let stats = encoded.stats;
    let file = DataFile {
        path,
        bytes,
        rows: stats.rows,
        day: encoded.day,
        time: stats.time,
        received: stats.received.map(|(_, newest)| newest),
    };
    Ok(Written { relative, stats, file: Arc::new(file) })
}

/// Writes a companion. Without it questions take longer, and maintenance makes it.
pub async fn keep_beside(store: &dyn ObjectStore, path: &Path, bytes: Vec<u8>) {
    if let Err(error) = store.put(path, bytes.into()).await {
        tracing::debug!(%path, %error, "a companion was not written");
    }
}

impl Written {
    /// The action that adds it.
    pub fn add(&self, now: Timestamp, data_change: bool) -> Action {
        Action::Add(Add {
            path: self.relative.clone(),
            partition_values: partition_values(self.file.day),
            size: i64::try_from(self.file.bytes).unwrap_or(i64::MAX),
            modification_time: now.micros() / 1_000,
            data_change,
            stats: Some(stats_json(&self.stats).to_string()),
            ..Add::default()
        })
    }
}

/// The action that removes a file of a table.
pub fn remove(table_path: &Path, file: &DataFile, now: Timestamp, data_change: bool) -> Action {
    Action::Remove(Remove {
        path: relative_path(table_path, &file.path),
        data_change,
        deletion_timestamp: Some(now.micros() / 1_000),
        extended_file_metadata: Some(true),
        partition_values: Some(partition_values(file.day)),
        size: Some(i64::try_from(file.bytes).unwrap_or(i64::MAX)),
        ..Remove::default()
    })
}

fn relative_path(table_path: &Path, path: &Path) -> String {
    let parts: Option<Vec<_>> =
        path.prefix_match(table_path).map(|parts| parts.map(|part| part.as_ref().to_owned()).collect());
    parts.map_or_else(|| path.to_string(), |parts| parts.join("/"))
}

fn stats_json(stats: &FileStats) -> Value {
    let mut document = json!({"numRecords": stats.rows, "minValues": {}, "maxValues": {}, "nullCount": {}});
    document["nullCount"]["TimeGenerated"] = stats.time_nulls.into();
    for (column, range) in [("TimeGenerated", stats.time), ("_TimeReceived", stats.received)] {
        if let Some((least, greatest)) = range {
            document["minValues"][column] = least.to_string().into();
            document["maxValues"][column] = greatest.to_string().into();
        }
    }
    document
}

/// The files that are active in the table's present state.
pub fn active(delta: &DeltaTable, table: &str, table_path: &Path) -> Result<Vec<Arc<DataFile>>, LakeError> {
    let state = delta.snapshot().map_err(|error| LakeError::delta(table, error))?;
    let views = state.log_data();
    if let Some(view) = views.iter().find(|view| view.deletion_vector_descriptor().is_some()) {
        let reason = format!(
            "another program deleted rows of {} by a deletion vector, which Vigie does not read; rewrite the table without",
            view.path()
        );
        return Err(LakeError::columns(table, reason));
    }
    let files = views.iter().map(|view| {
        let stats: Value = view.stats().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let bound = |bounds: &str, column: &str| stats[bounds][column].as_str()?.parse::<Timestamp>().ok();
        let day = view.partition_values_map().remove(DAY_COLUMN).flatten();
        let least = bound("minValues", "TimeGenerated");
        // Other writers may cut the greatest value to milliseconds.
        let greatest = bound("maxValues", "TimeGenerated").map(|greatest| match greatest.micros() % 1_000 {
            0 => greatest.plus_micros(999),
            _ => greatest,
        });
        let file = DataFile {
            path: Path::from_iter(table_path.parts().chain(view.object_store_path().parts())),
            bytes: u64::try_from(view.size()).unwrap_or(0),
            rows: stats["numRecords"].as_u64().unwrap_or(0),
            day: day.and_then(|text| day_number(&text)),
            time: least.zip(greatest),
            received: bound("maxValues", "_TimeReceived"),
        };
        Arc::new(file)
    });
    Ok(files.collect())
}

fn day_number(text: &str) -> Option<i32> {
    let midnight: Timestamp = format!("{text}T00:00:00Z").parse().ok()?;
    i32::try_from(midnight.epoch_day()).ok()
}
