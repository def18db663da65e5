//! Delta Lake: where the tables lie, how their logs are read and committed to.

pub(crate) mod days;
pub(crate) mod encode;
pub(crate) mod files;

use std::collections::HashMap;
use std::path::Path as FsPath;
use std::sync::Arc;

use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, MetadataExt, StructField, StructType, Transaction};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::protocol::{DeltaOperation, SaveMode, checkpoints};
use deltalake_core::{DeltaTable, DeltaTableError};
use kernel::TableSchema;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreScheme};
use url::Url;
use uuid::Uuid;

use crate::config::LakeConfig;
use crate::error::LakeError;
use crate::table::schema;

/// The partition column: the UTC day of `TimeGenerated`, Hive style.
pub const DAY_COLUMN: &str = "_Day";

/// Where all tables lie.
#[derive(Debug, Clone)]
pub struct TableHome {
    /// The whole disk or bucket.
    pub store: Arc<dyn ObjectStore>,
    /// The directory of all tables, with a `/` at its end.
    url: Url,
    /// The same as a path in `store`.
    pub path: Path,
    checkpoint_commits: u32,
}

impl TableHome {
    /// Tables under a directory of `store`, whose root is the root of the file system.
    pub fn local(store: Arc<dyn ObjectStore>, dir: &FsPath, config: &LakeConfig) -> Result<TableHome, LakeError> {
        let bad = || LakeError::BadConfig {
            setting: "data_dir",
            reason: format!("{} cannot be written as a URL; use an absolute path of UTF-8 text", dir.display()),
        };
        let url = Url::from_directory_path(dir).map_err(|()| bad())?;
        let path = Path::from_absolute_path(dir).map_err(|_| bad())?;
        Ok(TableHome { store, url, path, checkpoint_commits: config.checkpoint_commits })
    }

    /// Tables on the object store that `config.tables_url` names.
    pub fn remote(text: &str, config: &LakeConfig) -> Result<TableHome, LakeError> {
        let bad = |reason: String| LakeError::BadConfig { setting: "tables_url", reason };
        let url = parse_dir_url(text).map_err(bad)?;
        let options = config.store_options.iter().map(|(name, value)| (name.clone(), value.clone()));
        let (store, path) = object_store::parse_url_opts(&url, options)
            .map_err(|error| bad(format!("{text} cannot be opened: {error}; use s3://bucket/prefix")))?;
        Ok(TableHome { store: store.into(), url, path, checkpoint_commits: config.checkpoint_commits })
    }

    /// Tables on a store that the caller made, under the path of `url`.
    pub fn on(store: Arc<dyn ObjectStore>, url: &str, config: &LakeConfig) -> Result<TableHome, LakeError> {
        let bad = |reason: String| LakeError::BadConfig { setting: "tables_url", reason };
        let url = parse_dir_url(url).map_err(bad)?;
        let (_, path) = ObjectStoreScheme::parse(&url).map_err(|error| bad(error.to_string()))?;
        Ok(TableHome { store, url, path, checkpoint_commits: config.checkpoint_commits })
    }

    /// The directory of one table in [`TableHome::store`].
    pub fn table_path(&self, table: &str) -> Path {
        self.path.clone().join(table)
    }

    /// The tables that have a directory.
    pub async fn list(&self) -> Result<Vec<String>, LakeError> {
        let listed = self.store.list_with_delimiter(Some(&self.path)).await;
        let listed = listed.map_err(|error| LakeError::delta("(all)", error))?;
        let names = listed.common_prefixes.iter().filter_map(|path| path.filename());
        Ok(names.filter(|name| schema::check_table_name(name).is_ok()).map(str::to_owned).collect())
    }

    fn log_store(&self, table: &str) -> Result<LogStoreRef, LakeError> {
        let url = self
            .url
            .join(table)
            .map_err(|error| LakeError::BadConfig { setting: "tables_url", reason: error.to_string() })?;
        let prefixed = Arc::new(PrefixStore::new(Arc::clone(&self.store), self.table_path(table)));
        Ok(default_logstore(prefixed, Arc::clone(&self.store), &url, &StorageConfig::default()))
    }

    /// The table's state from its last checkpoint and what follows; `None`: it was never written.
    pub async fn load(&self, table: &str) -> Result<Option<DeltaTable>, LakeError> {
        let mut delta = DeltaTable::new(self.log_store(table)?);
        match delta.load().await {
            Ok(()) => Ok(Some(delta)),
            Err(DeltaTableError::NotATable(_) | DeltaTableError::InvalidTableLocation(_)) => Ok(None),
            Err(error) => match delta.verify_deltatable_existence().await {
                Ok(false) => Ok(None),
                _ => Err(LakeError::delta(table, error)),
            },
        }
    }

    /// Makes the table with its first version.
    pub async fn create(&self, table: &TableSchema) -> Result<DeltaTable, LakeError> {
        let failed = |error| LakeError::delta(&table.name, error);
        let schema = struct_of(table)?;
        DeltaTable::new(self.log_store(&table.name)?)
            .create()
            .with_table_name(&table.name)
            .with_columns(schema.fields().cloned())
            .with_partition_columns([DAY_COLUMN])
            .with_save_mode(SaveMode::Ignore)
            .with_configuration([
                ("delta.checkpointInterval", Some(self.checkpoint_commits.to_string())),
                ("delta.dataSkippingStatsColumns", Some("TimeGenerated,_TimeReceived".to_owned())),
                ("delta.logRetentionDuration", Some("interval 2 days".to_owned())),
            ])
            .await
            .map_err(failed)
    }
}

fn parse_dir_url(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| format!("{text} is no URL: {error}"))?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// What a commit is for.
pub enum Purpose {
    /// New rows of a node's log, up to a segment.
    Flush { node: Uuid, segment: u64 },
    /// The same rows in fewer files.
    Compact { target_bytes: u64 },
    /// Rows that are too old.
    Expire { before_day: String },
}

/// Commits `actions`; when `schema` is given, the table gets these columns with it. `delta` moves to the new version.
pub async fn commit(
    delta: &mut DeltaTable,
    table: &str,
    mut actions: Vec<Action>,
    schema: Option<&TableSchema>,
    purpose: Purpose,
) -> Result<(), LakeError> {
    let failed = |error| LakeError::delta(table, error);
    let state = delta.snapshot().map_err(failed)?.clone();
    if let Some(schema) = schema {
        let metadata = state.metadata().clone().with_schema(&struct_of(schema)?);
        let metadata = metadata.map_err(|error| LakeError::delta(table, error))?;
        actions.insert(0, Action::Metadata(metadata));
    }
    let properties = CommitProperties::default().with_create_checkpoint(false).with_cleanup_expired_logs(Some(false));
    let (properties, operation) = match purpose {
        Purpose::Flush { node, segment } => {
            let version = i64::try_from(segment).unwrap_or(i64::MAX);
            let properties = properties.with_application_transaction(Transaction::new(node, version));
            let partition_by = Some(vec![DAY_COLUMN.to_owned()]);
            (properties, DeltaOperation::Write { mode: SaveMode::Append, partition_by, predicate: None })
        }
        Purpose::Compact { target_bytes } => {
            let target_size = i64::try_from(target_bytes).unwrap_or(i64::MAX);
            (properties, DeltaOperation::Optimize { predicate: None, target_size })
        }
        Purpose::Expire { before_day } => {
            let predicate = Some(format!("{DAY_COLUMN} < '{before_day}'"));
            (properties, DeltaOperation::Delete { predicate })
        }
    };
    let built = CommitBuilder::from(properties).with_actions(actions).build(Some(&state), delta.log_store(), operation);
    let finished = built.await.map_err(failed)?;
    delta.state = Some(finished.snapshot());
    Ok(())
}

/// Writes a checkpoint when the version is due for one. A failure costs time at the next start, nothing else.
pub async fn checkpoint_if_due(delta: &DeltaTable, table: &str, every: u32) {
    let due = delta.version().is_some_and(|version| version > 0 && version % u64::from(every) == 0);
    if due && let Err(error) = checkpoints::create_checkpoint(delta, None).await {
        tracing::warn!(table, %error, "checkpoint of the Delta log failed; the next one will be tried");
    }
}

/// The last segment of `node` that the table has; `None`: nothing of it.
pub async fn committed(delta: &DeltaTable, table: &str, node: Uuid) -> Result<Option<u64>, LakeError> {
    let failed = |error| LakeError::delta(table, error);
    let state = delta.snapshot().map_err(failed)?;
    let version = state.transaction_version(&delta.log_store(), node).await.map_err(failed)?;
    Ok(version.and_then(|version| u64::try_from(version).ok()))
}

/// The columns that the table's log declares, without the partition column.
pub fn schema_of(delta: &DeltaTable, table: &str) -> Result<TableSchema, LakeError> {
    let state = delta.snapshot().map_err(|error| LakeError::delta(table, error))?;
    let arrow = state.snapshot().arrow_schema();
    let kept: Vec<_> = arrow.fields().iter().filter(|field| field.name() != DAY_COLUMN).cloned().collect();
    let columns = kept
        .iter()
        .map(|field| Ok(kernel::ColumnSchema { name: field.name().clone(), scalar: schema::scalar_of(table, field)? }))
        .collect::<Result<_, LakeError>>()?;
    Ok(TableSchema { name: table.to_owned(), columns })
}

fn struct_of(table: &TableSchema) -> Result<StructType, LakeError> {
    let failed = |error: &dyn std::fmt::Display| LakeError::columns(&table.name, error);
    let arrow = table.arrow();
    let stored: StructType = arrow.as_ref().try_into_kernel().map_err(|error| failed(&error))?;
    let day = StructField::nullable(DAY_COLUMN, deltalake_core::kernel::DataType::DATE);
    StructType::try_new(stored.fields().cloned().chain([day])).map_err(|error| failed(&error))
}

/// Partition values as the transaction log writes them.
pub fn partition_values(day: Option<i32>) -> HashMap<String, Option<String>> {
    HashMap::from([(DAY_COLUMN.to_owned(), day.map(day_text))])
}

/// `2026-11-21` for days since 1970.
pub fn day_text(day: i32) -> String {
    kernel::Timestamp(i64::from(day) * 86_400_000_000).date_text()
}
