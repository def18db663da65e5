//! The file of promoted paths: sealed with a checksum of its pages, which is looked at before it is used.
//!
//! A damaged page would fail a query that the texts could answer. The footer notes how many bytes come before it and their
//! CRC-32, so the whole of a companion is judged once, when its footer is first read. One without the note was written
//! before there was one, and is taken as it is.

use std::sync::Arc;

use object_store::ObjectStoreExt;
use parquet::arrow::ArrowWriter;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{KeyValue, ParquetMetaData};

use crate::history::FileReader;
use crate::snapshot::DataFile;

/// The key of the note: bytes before the footer, and their CRC-32 in hexadecimal.
const SEAL: &str = "vigie.pages";

/// What lies where the promoted paths of a file should lie.
#[derive(Debug)]
pub(crate) enum Found {
    /// Their footer.
    Whole(Arc<ParquetMetaData>),
    Absent,
    /// With what is wrong with it.
    Damaged(ParquetError),
}

/// Ends the file with the note about its pages.
pub(super) fn sealed(mut writer: ArrowWriter<Vec<u8>>) -> Result<Vec<u8>> {
    writer.flush()?;
    writer.sync().map_err(|error| ParquetError::External(Box::new(error)))?;
    let pages = writer.inner();
    let note = format!("{}:{:08x}", pages.len(), crc32fast::hash(pages));
    writer.append_key_value_metadata(KeyValue::new(SEAL.to_owned(), note));
    writer.into_inner()
}

/// Looks for the promoted paths of `file` in its store, and whether they are as they were written.
pub(crate) async fn open(reader: &FileReader) -> Found {
    let path = super::path(&reader.path);
    let bytes = match reader.store.head(&path).await {
        Ok(found) => found.size,
        Err(object_store::Error::NotFound { .. }) => return Found::Absent,
        Err(error) => return Found::Damaged(ParquetError::External(Box::new(error))),
    };
    let mut companion = FileReader { store: Arc::clone(&reader.store), path, bytes };
    match companion.footer().await {
        Ok(footer) => match broken(&companion, &footer).await {
            Ok(None) => Found::Whole(footer),
            Ok(Some(reason)) => Found::Damaged(ParquetError::General(reason)),
            Err(error) => Found::Damaged(error),
        },
        Err(error) => Found::Damaged(error),
    }
}

/// What is wrong with the pages, as far as the footer says anything of them.
async fn broken(companion: &FileReader, footer: &ParquetMetaData) -> Result<Option<String>> {
    let notes = footer.file_metadata().key_value_metadata();
    let note = notes.and_then(|notes| notes.iter().find(|note| note.key == SEAL));
    let Some(note) = note.and_then(|note| note.value.as_deref()) else { return Ok(None) };
    let parts = note
        .split_once(':')
        .and_then(|(length, crc)| Some((length.parse::<u64>().ok()?, u32::from_str_radix(crc, 16).ok()?)));
    let Some((length, crc)) = parts.filter(|(length, _)| *length <= companion.bytes) else {
        return Ok(Some(format!("its note about its pages makes no sense: {note}")));
    };
    let pages = companion.store.get_range(&companion.path, 0..length).await;
    let pages = pages.map_err(|error| ParquetError::External(Box::new(error)))?;
    Ok((crc32fast::hash(&pages) != crc).then(|| "its pages are not as they were written".to_owned()))
}

/// As [`open`], for maintenance.
pub(crate) async fn open_beside(store: Arc<dyn object_store::ObjectStore>, file: &DataFile) -> Found {
    open(&FileReader { store, path: file.path.clone(), bytes: file.bytes }).await
}
