//! The footers of a data file and of its promoted paths as the footer of one file, in which the companion's bytes follow
//! those of the data file.

use std::sync::Arc;

use parquet::errors::Result;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, OffsetIndexBuilder, ParquetMetaData, ParquetMetaDataBuilder, RowGroupMetaData,
};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::schema::types::{SchemaDescriptor, Type};

/// Joins the footers; `None`: the companion has other rows than the file, and is not used.
pub(crate) fn merged(
    data: &ParquetMetaData,
    data_bytes: u64,
    paths: &ParquetMetaData,
) -> Result<Option<ParquetMetaData>> {
    let rows = |metadata: &ParquetMetaData| -> Vec<i64> {
        metadata.row_groups().iter().map(RowGroupMetaData::num_rows).collect()
    };
    let Ok(shift) = i64::try_from(data_bytes) else { return Ok(None) };
    if rows(data) != rows(paths) {
        return Ok(None);
    }
    let (own, added) = (data.file_metadata().schema_descr(), paths.file_metadata().schema_descr());
    let fields = own.root_schema().get_fields().iter().chain(added.root_schema().get_fields()).cloned();
    let root = Type::group_type_builder(own.root_schema().name()).with_fields(fields.collect()).build()?;
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(root)));
    let file = data.file_metadata();
    // Without the Arrow schema that the file may carry: it knows nothing of the added columns.
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        None,
        Arc::clone(&schema),
        None,
    );
    let mut groups = Vec::with_capacity(data.num_row_groups());
    for (group, companion) in data.row_groups().iter().zip(paths.row_groups()) {
        let added = companion.columns().iter().map(|column| shifted(column, shift));
        let mut columns: Vec<ColumnChunkMetaData> = group.columns().to_vec();
        columns.extend(added.collect::<Result<Vec<_>>>()?);
        let built = RowGroupMetaData::builder(Arc::clone(&schema))
            .set_num_rows(group.num_rows())
            .set_total_byte_size(group.total_byte_size() + companion.total_byte_size())
            .set_column_metadata(columns);
        let built = match group.file_offset() {
            Some(offset) => built.set_file_offset(offset),
            None => built,
        };
        groups.push(built.build()?);
    }
    let mut builder = ParquetMetaDataBuilder::new(file).set_row_groups(groups);
    if let (Some(own), Some(added)) = (data.offset_index(), paths.offset_index()) {
        let joined = own
            .iter()
            .zip(added)
            .map(|(own, added)| own.iter().cloned().chain(added.iter().map(|index| moved(index, shift))).collect());
        builder = builder.set_offset_index(Some(joined.collect()));
        if let Some(own) = data.column_index() {
            let width = added_width(paths);
            let joined = own
                .iter()
                .map(|own| own.iter().cloned().chain(std::iter::repeat_n(ColumnIndexMetaData::NONE, width)).collect());
            builder = builder.set_column_index(Some(joined.collect()));
        }
    }
    Ok(Some(builder.build()))
}

fn added_width(paths: &ParquetMetaData) -> usize {
    paths.file_metadata().schema_descr().num_columns()
}

fn shifted(column: &ColumnChunkMetaData, shift: i64) -> Result<ColumnChunkMetaData> {
    let (data, dictionary) = (column.data_page_offset(), column.dictionary_page_offset());
    column
        .clone()
        .into_builder()
        .set_data_page_offset(data + shift)
        .set_dictionary_page_offset(dictionary.map(|offset| offset + shift))
        .set_index_page_offset(None)
        .set_bloom_filter_offset(None)
        .set_offset_index_offset(None)
        .set_column_index_offset(None)
        .build()
}

fn moved(index: &OffsetIndexMetaData, shift: i64) -> OffsetIndexMetaData {
    let mut builder = OffsetIndexBuilder::new();
    let pages = index.page_locations();
    for (at, page) in pages.iter().enumerate() {
        builder.append_offset_and_size(page.offset + shift, page.compressed_page_size);
        // The builder adds up the rows of pages; those of the last one tell it nothing.
        let next = pages.get(at + 1).map_or(page.first_row_index, |next| next.first_row_index);
        builder.append_row_count(next - page.first_row_index);
    }
    builder.build()
}
