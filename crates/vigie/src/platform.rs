//! Wiring: where ports meet implementations.

pub mod decoding;
pub mod detection;
pub mod drop_folder;
pub mod events;
pub mod feed_folders;
pub mod field_keeper;
pub mod file_parts;
pub mod intake_port;
pub mod replica_link;
pub mod revision;
pub mod room_devices;
pub mod rule_history;
pub mod rules;
pub mod samples;
pub mod seal_key;
pub mod systems;
mod tone;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use intake::DecodeLimits;
use kernel::Clock;
use kernel::id::Randomness;
use lake::{Lake, LakeConfig, Replay};
use store::{OsRandomness, Store};

use crate::config::{Config, Resolved};
use decoding::Decoding;

/// What every command that touches data needs.
pub struct Ground {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub decoding: Arc<Decoding>,
}

impl Ground {
    /// From the configuration.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Ground {
        let limits = DecodeLimits {
            record_bytes: usize::try_from(config.max_line_bytes).unwrap_or(usize::MAX),
            ..DecodeLimits::default()
        };
        Ground { config, clock, randomness: Arc::new(OsRandomness), decoding: Arc::new(Decoding { limits }) }
    }

    /// Opens the lake; refuses when another process has it, naming that one.
    pub async fn lake(&self) -> Result<(Lake, Replay)> {
        let config = lake_config(&self.config);
        let opened = Lake::open(config, self.clock.clone(), self.decoding.clone()).await;
        let (lake, replay) = opened.context("opening the lake")?;
        for problem in &replay.problems {
            tracing::warn!(path = %problem.path.display(), severe = problem.severe, "{}", problem.text);
        }
        Ok((lake, replay))
    }

    /// Opens the state database.
    pub async fn store(&self) -> Result<Store> {
        std::fs::create_dir_all(&self.config.data_dir)
            .with_context(|| format!("making {}", self.config.data_dir.display()))?;
        let opened = Store::open(&self.config.database_url, self.clock.clone(), self.randomness.clone()).await;
        opened.context("opening the state database")
    }
}

fn lake_config(config: &Config) -> LakeConfig {
    let mut lake = LakeConfig::new(&config.data_dir);
    lake.tables_url.clone_from(&config.lake_url);
    if config.lake_url.is_some() {
        lake.store_options = store_options(&|name| std::env::var(name).ok());
    }
    lake.segment_bytes = config.lake_segment_bytes;
    lake.segment_age_ms = config.lake_flush_interval_ms;
    lake.min_free_bytes = config.lake_min_free_bytes;
    lake.retention.days = (config.lake_retention_days > 0).then_some(config.lake_retention_days);
    lake.entry_bytes = lake.entry_bytes.max(config.max_body_bytes);
    lake
}

/// Keys and endpoint of an S3-compatible store, under the names that every S3 client reads.
fn store_options(variable: &dyn Fn(&str) -> Option<String>) -> std::collections::BTreeMap<String, String> {
    const NAMES: [(&str, &str); 6] = [
        ("AWS_ACCESS_KEY_ID", "access_key_id"),
        ("AWS_SECRET_ACCESS_KEY", "secret_access_key"),
        ("AWS_SESSION_TOKEN", "session_token"),
        ("AWS_REGION", "region"),
        ("AWS_ENDPOINT_URL", "endpoint"),
        ("AWS_ALLOW_HTTP", "allow_http"),
    ];
    let found = NAMES.iter().filter_map(|(name, option)| Some(((*option).to_owned(), variable(name)?)));
    found.collect()
}

/// Reads the configuration of this process.
pub fn read_config(file: Option<&Path>, overrides: &[(String, String)]) -> Result<Resolved> {
    Ok(Resolved::read(file, &|name| std::env::var(name).ok(), overrides)?)
}

/// A file in the data folder.
pub fn data_file(config: &Config, name: &str) -> PathBuf {
    config.data_dir.join(name)
}
