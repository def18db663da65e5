//! What keeps the tables small and young: merging, retention, deleting what is out of use.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use deltalake_core::protocol::checkpoints;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::companion;
use crate::core::Core;
use crate::delta::files::{self, Written};
use crate::delta::{self, Purpose, encode};
use crate::disk::PARTIAL;
use crate::error::LakeError;
use crate::paths::file::Found;
use crate::paths::{self, DynamicPath};
use crate::snapshot::DataFile;
use crate::table::{Log, Table};
use crate::terms;

const DAY_US: i64 = 86_400_000_000;
/// Files of a table that are looked at for companions in one round.
const COMPLETED_FILES: usize = 512;
/// Bytes of files that are read for companions in one round.
const COMPLETED_BYTES: u64 = 256 << 20;

impl Core {
    /// One round over all tables that have files. A table that fails does not hold up the others; the first error
    /// is returned.
    pub async fn maintain_all(&self) -> Result<(), LakeError> {
        let mut first = Ok(());
        for name in self.home.list().await? {
            let Some(table) = self.table(&name) else { continue };
            if let Err(error) = self.maintain_table(&table).await {
                tracing::warn!(table = name, %error, "maintenance failed; it is tried again in the next round");
                first = first.and(Err(error));
            }
        }
        first
    }

    async fn maintain_table(&self, table: &Table) -> Result<(), LakeError> {
        self.reload(table).await?;
        self.expire(table).await?;
        self.compact(table).await?;
        self.complete(table).await?;
        self.sweep(table).await
    }

    /// Takes in what other nodes committed.
    async fn reload(&self, table: &Table) -> Result<(), LakeError> {
        let mut log = table.delta.lock().await;
        log.uncertain = true;
        self.refresh(table, &mut log).await
    }

    pub async fn refresh(&self, table: &Table, log: &mut Log) -> Result<(), LakeError> {
        table.refresh(log, &self.home, &self.nodes, self.clock.now(), &self.meter).await
    }

    /// Removes whole days that are too old: both what happened and its arrival lie so far back, since evidence of an old
    /// case that is ingested today is not for the next sweep.
    pub async fn expire(&self, table: &Table) -> Result<(), LakeError> {
        let Some(days) = self.config.retention.days_of(&table.name) else { return Ok(()) };
        let now = self.clock.now();
        let first_day = now.epoch_day() - i64::from(days);
        let is_old = |file: &DataFile| match (file.day, file.received) {
            (day, Some(received)) => {
                day.is_none_or(|day| i64::from(day) < first_day) && received.epoch_day() < first_day
            }
            (Some(day), None) => i64::from(day) < first_day,
            (None, None) => false,
        };
        let mut log = table.delta.lock().await;
        self.refresh(table, &mut log).await?;
        let old: Vec<_> = table.files().unwrap_or_default().iter().filter(|file| is_old(file)).cloned().collect();
        if old.is_empty() {
            return Ok(());
        }
        let path = self.home.table_path(&table.name);
        let actions = old.iter().map(|file| files::remove(&path, file, now, true)).collect();
        let before_day = kernel::Timestamp(first_day.saturating_mul(DAY_US)).date_text();
        self.replace(table, &mut log, actions, &old, &[], Purpose::Expire { before_day }).await?;
        self.counters.expired_files.fetch_add(old.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Merges small files, day by day. Running it twice, or from two nodes at once, changes nothing but files.
    pub async fn compact(&self, table: &Table) -> Result<(), LakeError> {
        let files = table.files().unwrap_or_default();
        let mut small: BTreeMap<Option<i32>, Vec<Arc<DataFile>>> = BTreeMap::new();
        for file in files.iter().filter(|file| file.bytes < self.config.target_file_bytes / 2) {
            small.entry(file.day).or_default().push(Arc::clone(file));
        }
        drop(files);
        for (day, mut files) in small {
            files.sort_by(|left, right| (left.time, &left.path).cmp(&(right.time, &right.path)));
            for group in groups(files, self.config.target_file_bytes, self.config.compact_files) {
                self.merge(table, day, &group).await?;
            }
        }
        Ok(())
    }

    async fn merge(&self, table: &Table, day: Option<i32>, inputs: &[Arc<DataFile>]) -> Result<(), LakeError> {
        let mut contents = Vec::with_capacity(inputs.len());
        for file in inputs {
            let got = self.home.store.get(&file.path).await.map_err(|error| LakeError::delta(&table.name, error))?;
            contents.push(got.bytes().await.map_err(|error| LakeError::delta(&table.name, error))?);
        }
        let arrow = table.schema().arrow();
        let style = encode::Style { zstd: self.config.zstd_level + 2, asked: table.asked_paths() };
        let merged = self.on_encoder(move || encode::merge(&contents, &arrow, day, &style)).await?;
        let merged = merged.map_err(|error| LakeError::columns(&table.name, error))?;
        let written = self.write_files(table, vec![merged]).await?;
        let mut log = table.delta.lock().await;
        self.refresh(table, &mut log).await?;
        let active = table.files().unwrap_or_default();
        if !inputs.iter().all(|input| active.iter().any(|file| file.path == input.path)) {
            self.delete_written(&written).await;
            return Ok(());
        }
        drop(active);
        let (now, path) = (self.clock.now(), self.home.table_path(&table.name));
        let removes = inputs.iter().map(|file| files::remove(&path, file, now, false));
        let actions = removes.chain(written.iter().map(|file| file.add(now, false))).collect();
        let purpose = Purpose::Compact { target_bytes: self.config.target_file_bytes };
        self.replace(table, &mut log, actions, inputs, &written, purpose).await?;
        self.counters.compactions.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Commits that `written` stand for `old`, and shows it.
    async fn replace(
        &self,
        table: &Table,
        log: &mut Log,
        actions: Vec<deltalake_core::kernel::Action>,
        old: &[Arc<DataFile>],
        written: &[Written],
        purpose: Purpose,
    ) -> Result<(), LakeError> {
        let Some(delta) = &mut log.table else { return Ok(()) };
        log.uncertain = true;
        log.doubtful.extend(written.iter().map(|file| file.file.path.clone()));
        delta::commit(delta, &table.name, actions, None, purpose).await?;
        let change = |files: Vec<Arc<DataFile>>| {
            let stays = |file: &Arc<DataFile>| !old.iter().any(|old| old.path == file.path);
            let added = written.iter().map(|file| Arc::clone(&file.file));
            files.into_iter().filter(stays).chain(added).collect()
        };
        table.settle(&[], change, self.clock.now(), &self.meter);
        log.uncertain = false;
        log.doubtful.clear();
        delta::checkpoint_if_due(delta, &table.name, self.config.checkpoint_commits).await;
        Ok(())
    }

    /// Deletes files that neither the table nor a snapshot needs, and what crashes left; then old log entries.
    pub async fn sweep(&self, table: &Table) -> Result<(), LakeError> {
        let failed = |error| LakeError::delta(&table.name, error);
        // Held so that no file of a flush under way is taken for a stray.
        let mut log = table.delta.lock().await;
        self.refresh(table, &mut log).await?;
        let now = self.clock.now();
        let grace_us = i64::try_from(self.config.grace_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let before = now.plus_micros(-grace_us);
        let mut swept = 0;
        for file in table.take_gone(before) {
            match self.home.store.delete(&file.path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => swept += 1,
                Err(error) => {
                    table.return_gone(file, before);
                    return Err(failed(error));
                }
            }
        }
        let known = table.known_paths();
        let path = self.home.table_path(&table.name);
        let strays: Vec<_> = self
            .home
            .store
            .list(Some(&path))
            .try_filter(|object| {
                let name = object.location.filename().unwrap_or_default();
                let data = name.ends_with(".parquet") && !object.location.as_ref().contains("/_delta_log/");
                let unused = companion::owner(&object.location).is_some_and(|file| !known.contains(&file));
                let stray = name.starts_with(PARTIAL) || unused || data && !known.contains(&object.location);
                let old = object.last_modified.timestamp_micros() < before.micros();
                std::future::ready(stray && old)
            })
            .try_collect()
            .await
            .map_err(failed)?;
        for stray in strays {
            self.home.store.delete(&stray.location).await.map_err(failed)?;
            swept += 1;
        }
        self.counters.swept_files.fetch_add(swept, Ordering::Relaxed);
        if let Some(delta) = &log.table {
            checkpoints::cleanup_metadata(delta, None).await.map_err(|error| LakeError::delta(&table.name, error))?;
        }
        Ok(())
    }
}

impl Core {
    /// Makes term indexes and promoted paths that files lack: those of other writers, and those whose companion was lost or
    /// is damaged. The newest files first, a bounded amount in a round. Promoted paths that are there stay as they are,
    /// because queries may be reading them; a path that was asked for since comes with the next merging.
    pub async fn complete(&self, table: &Table) -> Result<(), LakeError> {
        let asked = table.asked_paths();
        let mut files: Vec<Arc<DataFile>> = table.files().unwrap_or_default().as_ref().clone();
        files.retain(|file| !table.is_complete(&file.path));
        files.sort_by_key(|file| std::cmp::Reverse(file.time));
        files.truncate(COMPLETED_FILES);
        let mut read_bytes = 0;
        for file in files {
            if read_bytes > COMPLETED_BYTES || self.is_short_of_disk() {
                break;
            }
            let has_terms = terms::file::open(self.home.store.as_ref(), &file.path, file.rows).await.is_some();
            let found = paths::file::open_beside(Arc::clone(&self.home.store), &file).await;
            let has_paths = matches!(found, Found::Whole(_));
            let lacks_paths = !has_paths && (matches!(found, Found::Damaged(_)) || !asked.is_empty());
            if !has_terms || lacks_paths {
                read_bytes += file.bytes;
                self.make_companions(table, &file, &asked, has_paths).await?;
            }
            table.note_complete(&file.path);
        }
        Ok(())
    }

    async fn make_companions(
        &self,
        table: &Table,
        file: &DataFile,
        asked: &[DynamicPath],
        has_paths: bool,
    ) -> Result<(), LakeError> {
        let failed = |error| LakeError::delta(&table.name, error);
        let got = self.home.store.get(&file.path).await.map_err(failed)?;
        let (bytes, arrow) = (got.bytes().await.map_err(failed)?, table.schema().arrow());
        let asked = asked.to_vec();
        match self.on_encoder(move || encode::companions(&bytes, &arrow, &asked)).await? {
            Ok((index, promoted)) => {
                files::keep_beside(self.home.store.as_ref(), &terms::file::path(&file.path), index).await;
                let place = paths::path(&file.path);
                if let Some(promoted) = promoted.filter(|_| !has_paths) {
                    files::keep_beside(self.home.store.as_ref(), &place, promoted).await;
                }
                self.counters.remade_companions.fetch_add(1, Ordering::Relaxed);
            }
            // Another writer's file can have columns in types that only the query engine converts.
            Err(error) => tracing::debug!(path = %file.path, %error, "the file gets no term index"),
        }
        Ok(())
    }
}

/// Files to merge with each other: runs whose sizes add up to at most `target`, each of at least `least` files.
fn groups(files: Vec<Arc<DataFile>>, target: u64, least: usize) -> Vec<Vec<Arc<DataFile>>> {
    let mut groups: Vec<(u64, Vec<Arc<DataFile>>)> = Vec::new();
    for file in files {
        match groups.last_mut() {
            Some((bytes, group)) if *bytes + file.bytes <= target => {
                *bytes += file.bytes;
                group.push(file);
            }
            _ => groups.push((file.bytes, vec![file])),
        }
    }
    groups.into_iter().map(|(_, group)| group).filter(|group| group.len() >= least.max(2)).collect()
}
