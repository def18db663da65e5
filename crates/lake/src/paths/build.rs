//! Builds the companion of a file's promoted paths while its rows are written.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use kernel::ScalarType;
use kernel::schema::KQL_TYPE_METADATA;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::Result;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::DynamicPath;
use super::choose::{MOST_PROMOTED, choose};
use crate::query::dynamic::{Dynamic, Kind, PathTree};

/// Paths that queries asked for are promoted on top of those that are chosen, up to so many.
const MOST_ASKED: usize = 32;

/// Takes rows in their order and gives the companion of them all.
#[derive(Debug)]
pub(crate) struct Builder {
    /// Dynamic columns, by their place.
    dynamic: Vec<usize>,
    asked: Vec<DynamicPath>,
    /// `None`: the caller ends them.
    row_group_rows: Option<usize>,
    /// From the first rows on.
    begun: Option<Begun>,
}

#[derive(Debug)]
struct Begun {
    schema: SchemaRef,
    /// Place of a dynamic column, and its paths: where each is among those of the file.
    trees: Vec<(usize, PathTree)>,
    writer: ArrowWriter<Vec<u8>>,
}

impl Builder {
    /// For batches of the columns of `schema`; `asked` are promoted in any case.
    pub fn new(schema: &Schema, asked: &[DynamicPath], row_group_rows: Option<usize>) -> Builder {
        let dynamic = ScalarType::Dynamic.as_str();
        let is_dynamic = |place: &usize| {
            schema.field(*place).metadata().get(KQL_TYPE_METADATA).is_some_and(|scalar| scalar == dynamic)
        };
        let dynamic = (0..schema.fields().len()).filter(is_dynamic).collect();
        Builder { dynamic, asked: asked.to_vec(), row_group_rows, begun: None }
    }

    /// Adds the rows of `batch`.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.dynamic.is_empty() || batch.num_rows() == 0 {
            return Ok(());
        }
        if self.begun.is_none() {
            self.begun = Some(self.begin(batch)?);
        }
        let Some(begun) = self.begun.as_mut().filter(|begun| !begun.trees.is_empty()) else { return Ok(()) };
        let columns = extract(batch, &begun.trees, begun.schema.fields().len());
        let columns = columns.into_iter().map(|column| Arc::new(column) as ArrayRef).collect();
        begun.writer.write(&RecordBatch::try_new(Arc::clone(&begun.schema), columns)?)
    }

    /// Ends a row group here, whatever its size.
    pub fn end_group(&mut self) -> Result<()> {
        self.begun.as_mut().map_or(Ok(()), |begun| begun.writer.flush())
    }

    fn begin(&self, first: &RecordBatch) -> Result<Begun> {
        let mut paths: BTreeSet<DynamicPath> = choose(first, &self.dynamic).into_iter().collect();
        let place = |path: &DynamicPath| first.schema_ref().index_of(&path.column).ok();
        let usable = |path: &&DynamicPath| place(path).is_some_and(|place| self.dynamic.contains(&place));
        let asked = self.asked.iter().filter(usable).filter(|path| path.keys().is_some());
        let asked: Vec<DynamicPath> = asked.take(MOST_ASKED).cloned().collect();
        paths.extend(asked);
        debug_assert!(paths.len() <= MOST_PROMOTED + MOST_ASKED);
        let mut trees: Vec<(usize, PathTree)> = Vec::new();
        for (slot, path) in paths.iter().enumerate() {
            let (Some(place), Some(keys)) = (place(path), path.keys()) else { continue };
            match trees.iter_mut().find(|(known, _)| *known == place) {
                Some((_, tree)) => tree.insert(&keys, slot),
                None => {
                    let mut tree = PathTree::default();
                    tree.insert(&keys, slot);
                    trees.push((place, tree));
                }
            }
        }
        let fields: Vec<Field> = paths.iter().map(|path| Field::new(path.name(), DataType::Utf8, true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_created_by("vigie".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(self.row_group_rows)
            .set_statistics_enabled(EnabledStatistics::None)
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))?;
        Ok(Begun { schema, trees, writer })
    }

    /// The companion as it lies beside the file; `None`: no path is promoted.
    pub fn finish(self) -> Result<Option<Vec<u8>>> {
        match self.begun {
            Some(begun) if !begun.trees.is_empty() => Ok(Some(super::file::sealed(begun.writer)?)),
            _ => Ok(None),
        }
    }
}

/// What lies at the paths of `trees` in each row: `slots` columns.
fn extract(batch: &RecordBatch, trees: &[(usize, PathTree)], slots: usize) -> Vec<StringArray> {
    let mut builders: Vec<StringBuilder> = (0..slots).map(|_| StringBuilder::new()).collect();
    let mut found: Vec<Option<&str>> = vec![None; slots];
    for row in 0..batch.num_rows() {
        found.fill(None);
        for (place, tree) in trees {
            if let Some(texts) = batch.column(*place).as_string_opt::<i32>().filter(|texts| texts.is_valid(row)) {
                tree.follow(texts.value(row), &mut found);
            }
        }
        for (builder, text) in builders.iter_mut().zip(&found) {
            builder
                .append_option(text.map(Dynamic::new).filter(|value| value.kind() != Kind::Null).map(Dynamic::stored));
        }
    }
    builders.iter_mut().map(StringBuilder::finish).collect()
}
