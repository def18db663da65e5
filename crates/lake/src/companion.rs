//! Companions: columns that were derived from one row group of a data file, kept beside it so that they need not be
//! derived again.
//!
//! A companion is a Parquet file of one row group with a note of whoever made it, who alone knows what it means and
//! whether it is still true. It lies in `_companions` beside the data file, is called after it, and does not end in
//! `.parquet`, so that no reader of the table takes it for data. Data files never change, so neither does what was
//! derived from them. A companion is worth nothing without its file, and goes with it in a sweep; lost or damaged, it is
//! made anew.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::{ArrowWriter, ProjectionMask, async_reader::ParquetRecordBatchStreamBuilder};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::error::LakeError;
use crate::history::{FileReader, Piece};
use crate::lake::Lake;

/// The directory of companions in that of their files.
const DIR: &str = "_companions";
/// How their names end.
const SUFFIX: &str = ".companion";
/// The key of the note in the file's metadata.
const NOTE: &str = "vigie.note";
/// A dictionary may grow to this many bytes; so large that no column of a row group falls back to plain values.
const DICTIONARY_BYTES: usize = 1 << 30;

/// What was kept beside a row group.
#[derive(Debug)]
pub struct Companion {
    reader: FileReader,
    metadata: ArrowReaderMetadata,
}

/// Where the companion of a row group of `data_file` lies.
fn path(data_file: &Path, group: usize) -> Path {
    named(data_file, &group.to_string())
}

/// Where the companion of `data_file` lies that says `what` of it: the number of a row group, or the name
/// of something about all of the file.
pub(crate) fn named(data_file: &Path, what: &str) -> Path {
    let mut parts: Vec<_> = data_file.parts().collect();
    let name = parts.pop();
    let name = name.as_ref().map_or("", |name| name.as_ref());
    Path::from_iter(parts).join(DIR).join(format!("{name}.{what}{SUFFIX}"))
}

/// The data file whose companion is at `path`; `None`: that is no companion.
pub(crate) fn owner(path: &Path) -> Option<Path> {
    let mut parts: Vec<_> = path.parts().collect();
    let name = parts.pop()?;
    let (name, _what) = name.as_ref().strip_suffix(SUFFIX)?.rsplit_once('.')?;
    (parts.pop()?.as_ref() == DIR).then(|| Path::from_iter(parts).join(name))
}

/// One row group with everything in `columns`, and the note.
fn encode(columns: &RecordBatch, note: &str) -> Result<Vec<u8>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by("vigie".to_owned())
        // Read often and by the column: what costs per column counts for more than size.
        .set_compression(Compression::LZ4_RAW)
        .set_max_row_group_row_count(Some(columns.num_rows().max(1)))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_key_value_metadata(Some(vec![KeyValue::new(NOTE.to_owned(), note.to_owned())]))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), columns.schema(), Some(properties))?;
    writer.write(columns)?;
    writer.into_inner()
}

impl Companion {
    /// `None`: there is none.
    pub(crate) async fn open(store: Arc<dyn ObjectStore>, path: Path) -> Result<Option<Companion>, ParquetError> {
        let bytes = match store.head(&path).await {
            Ok(found) => found.size,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(ParquetError::External(Box::new(error))),
        };
        let mut reader = FileReader { store, path, bytes };
        let metadata = ArrowReaderMetadata::load_async(&mut reader, ArrowReaderOptions::new()).await?;
        Ok(Some(Companion { reader, metadata }))
    }

    /// What its maker noted.
    pub fn note(&self) -> &str {
        let known = self.metadata.metadata().file_metadata().key_value_metadata();
        let note = known.and_then(|pairs| pairs.iter().find(|pair| pair.key == NOTE));
        note.and_then(|note| note.value.as_deref()).unwrap_or_default()
    }

    /// Its rows.
    pub fn rows(&self) -> usize {
        usize::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// What it says is not what its maker wrote, for this reason.
    pub fn damaged(&self, reason: &str) -> LakeError {
        LakeError::damaged(&self.reader.path, reason)
    }

    /// The columns for which `wanted` holds, of the rows `rows` (ascending; `None`: of all), as one batch.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] when it cannot be read. It can be made anew.
    pub async fn read(&self, wanted: impl Fn(&str) -> bool, rows: Option<&[u32]>) -> Result<RecordBatch, LakeError> {
        let failed = |error: ParquetError| LakeError::damaged(&self.reader.path, error);
        let fields = self.metadata.schema().fields();
        let chosen: Vec<usize> = (0..fields.len()).filter(|place| wanted(fields[*place].name())).collect();
        let schema: SchemaRef =
            Arc::new(self.metadata.schema().project(&chosen).map_err(|error| failed(error.into()))?);
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), chosen);
        let mut builder =
            ParquetRecordBatchStreamBuilder::new_with_metadata(self.reader.clone(), self.metadata.clone())
                .with_batch_size(self.rows().max(1))
                .with_projection(mask);
        if let Some(rows) = rows {
            builder = builder.with_row_selection(selection(rows, self.rows()));
        }
        let batches: Vec<RecordBatch> = builder.build().map_err(failed)?.try_collect().await.map_err(failed)?;
        match batches.as_slice() {
            [one] => Ok(one.clone()),
            several => concat_batches(&schema, several).map_err(|error| failed(error.into())),
        }
    }
}

impl Piece {
    /// What was kept beside these rows; `None`: nothing, or nothing can be, because they are not a whole row group.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] when there is something that cannot be read. It can be made anew.
    pub async fn companion(&self) -> Result<Option<Companion>, LakeError> {
        let Some(path) = self.companion_path() else { return Ok(None) };
        Companion::open(self.store(), path.clone()).await.map_err(|error| LakeError::damaged(&path, error))
    }

    /// Whether something can be kept beside these rows: they are all rows of a row group.
    pub fn may_have_companion(&self) -> bool {
        self.row_group().is_some()
    }

    /// Where it is kept; `None`: nowhere.
    pub fn companion_path(&self) -> Option<Path> {
        self.row_group().map(|(file, group)| path(file, group))
    }
}

impl Lake {
    /// Keeps `columns` and a `note` beside the rows of `piece`, in the place of what was kept before. False: nothing
    /// was kept, because nothing can be beside these rows, or because the disk has little room left, which is for what
    /// still arrives.
    ///
    /// # Errors
    /// When the file cannot be encoded or written. What was kept before is then still there.
    pub async fn keep_beside(&self, piece: &Piece, columns: RecordBatch, note: String) -> Result<bool, LakeError> {
        let Some(path) = piece.companion_path().filter(|_| !self.is_short_of_disk()) else { return Ok(false) };
        let core = self.core();
        let encoded = core.on_encoder(move || encode(&columns, &note)).await?;
        let encoded = encoded.map_err(|error| LakeError::columns(piece.table(), error))?;
        let put = piece.store().put(&path, encoded.into()).await;
        put.map(|_| true).map_err(|error| LakeError::delta(piece.table(), error))
    }
}

/// The rows numbered `rows`, which ascend, of `total`.
pub(crate) fn selection(rows: &[u32], total: usize) -> RowSelection {
    let ranges = rows.chunk_by(|row, next| row + 1 == *next).map(|run| {
        let start = run[0] as usize;
        start..start + run.len()
    });
    RowSelection::from_consecutive_ranges(ranges, total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_companion_knows_its_file() {
        let file = Path::from("tables/Doors_CL/_Day=2026-11-20/part-00000-c000.snappy.parquet");
        let beside = path(&file, 12);
        assert_eq!(
            beside.as_ref(),
            "tables/Doors_CL/_Day=2026-11-20/_companions/part-00000-c000.snappy.parquet.12.companion"
        );
        assert_eq!(owner(&beside), Some(file.clone()));
        assert_eq!(owner(&named(&file, "terms")), Some(file.clone()));
        assert_eq!(owner(&file), None);
        assert_eq!(owner(&Path::from("tables/Doors_CL/other/x.parquet.1.companion")), None);
    }

    #[test]
    fn rows_are_selected_in_runs() {
        let check = |rows: &[u32], expected: &str| {
            let selected = selection(rows, 10);
            let text: Vec<String> = Vec::<parquet::arrow::arrow_reader::RowSelector>::from(selected)
                .iter()
                .map(|selector| format!("{}{}", if selector.skip { "-" } else { "+" }, selector.row_count))
                .collect();
            assert_eq!(text.join(" "), expected, "{rows:?}");
        };
        check(&[], "-10");
        check(&[0, 1, 2, 5, 9], "+3 -2 +1 -3 +1");
        check(&[9], "-9 +1");
        check(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "+10");
    }
}
