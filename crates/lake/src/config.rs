//! Every setting of the lake, with its default.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::LakeError;

/// How long events are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retention {
    /// Whole days, for tables not named below; `None`: for ever.
    pub days: Option<u32>,
    /// By table; `None`: for ever.
    pub by_table: BTreeMap<String, Option<u32>>,
}

impl Retention {
    /// Days that rows of `table` are kept; `None`: for ever.
    pub fn days_of(&self, table: &str) -> Option<u32> {
        self.by_table.get(table).copied().unwrap_or(self.days)
    }
}

/// Settings of one lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeConfig {
    /// The log, the lock and, unless `tables_url` says otherwise, the tables lie here.
    pub data_dir: PathBuf,
    /// `s3://bucket/prefix` for tables on an object store; `None`: `data_dir/tables`.
    pub tables_url: Option<String>,
    /// Options of the object store (`endpoint`, `region`, `access_key_id`, `secret_access_key`, `allow_http`, …), by
    /// the names of the `object_store` crate.
    pub store_options: BTreeMap<String, String>,
    /// A log segment is closed when it is this long.
    pub segment_bytes: u64,
    /// Or this old, counted from its first entry.
    pub segment_age_ms: u64,
    /// Appends wait, and at last fail, while hot rows take more than this.
    pub hot_bytes: u64,
    /// How long an append waits for room before it fails.
    pub wait_ms: u64,
    /// The largest delivery.
    pub entry_bytes: u64,
    /// Appends fail while the disk has less than this free, so that flush and state database can still work.
    pub min_free_bytes: u64,
    /// Keys of deliveries are remembered this long.
    pub key_days: u32,
    /// And at most this many, the oldest forgotten first.
    pub key_count: usize,
    /// Threads that sort and encode Parquet.
    pub encode_threads: usize,
    /// Zstandard level of Parquet pages at flush; compaction uses two more.
    pub zstd_level: i32,
    /// Days (partitions) that one flush of one table may write; rows of the least frequent days beyond that go to
    /// the partition without a day, as do rows without a time.
    pub days_per_flush: usize,
    /// Rows whose time is this many days after their receipt, or before 1990, go to the partition without a day.
    pub future_days: u32,
    /// Files of one day are merged up to this size.
    pub target_file_bytes: u64,
    /// Merging starts at this many small files in one day.
    pub compact_files: usize,
    /// Files out of use are deleted this long after the last snapshot let them go.
    pub grace_ms: u64,
    /// Commits between two checkpoints of a Delta log.
    pub checkpoint_commits: u32,
    /// Pause between two rounds of compaction, retention and vacuum.
    pub maintain_ms: u64,
    pub retention: Retention,
    /// Flush and maintain on tasks of their own. Tests switch it off and call [`crate::Lake::flush`] themselves.
    pub background: bool,
}

impl LakeConfig {
    /// Defaults, for a machine of two cores and 4 GB.
    pub fn new(data_dir: impl Into<PathBuf>) -> LakeConfig {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        LakeConfig {
            data_dir: data_dir.into(),
            tables_url: None,
            store_options: BTreeMap::new(),
            segment_bytes: 64 << 20,
            segment_age_ms: 60_000,
            hot_bytes: 384 << 20,
            wait_ms: 10_000,
            entry_bytes: 64 << 20,
            min_free_bytes: 512 << 20,
            key_days: 7,
            key_count: 1_000_000,
            encode_threads: (cores / 2).max(1),
            zstd_level: 1,
            days_per_flush: 64,
            future_days: 2,
            target_file_bytes: 64 << 20,
            compact_files: 8,
            grace_ms: 3_600_000,
            checkpoint_commits: 20,
            maintain_ms: 300_000,
            retention: Retention::default(),
            background: true,
        }
    }

    /// Refuses settings that cannot work, naming the one.
    pub fn check(&self) -> Result<(), LakeError> {
        let bad = |setting, reason: &str| Err(LakeError::BadConfig { setting, reason: reason.to_owned() });
        if self.data_dir.as_os_str().is_empty() {
            return bad("data_dir", "is empty; name a directory");
        }
        if self.segment_bytes == 0 {
            return bad("segment_bytes", "must be above 0");
        }
        if self.entry_bytes > u64::from(u32::MAX / 2) {
            return bad("entry_bytes", "must be at most 2147483647");
        }
        if self.encode_threads == 0 {
            return bad("encode_threads", "must be at least 1");
        }
        if self.days_per_flush == 0 {
            return bad("days_per_flush", "must be at least 1");
        }
        if !(1..=20).contains(&self.zstd_level) {
            return bad("zstd_level", "must be 1 to 20");
        }
        if self.checkpoint_commits == 0 {
            return bad("checkpoint_commits", "must be at least 1");
        }
        Ok(())
    }
}
