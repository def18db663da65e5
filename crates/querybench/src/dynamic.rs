//! What a dynamic column could be at rest: JSON text, Variant, shredded Variant, or text with promoted paths; its size, and
//! how long it takes to count the rows that have a value at a path.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Fields, Schema};
use bytes::Bytes;
use lake::query::dynamic::{Dynamic, Step};
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet_variant::VariantPath;
use parquet_variant_compute::{GetOptions, json_to_variant, shred_variant, variant_get};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::{Value as Json, json};

use crate::measure::processor_s;

const BATCH_ROWS: usize = 8_192;
const ROUNDS: usize = 3;

/// A path and the text that is looked for there.
const QUESTIONS: [(&str, &str); 3] = [
    ("eventName", "ConsoleLogin"),
    ("userIdentity.sessionContext.attributes.mfaAuthenticated", "true"),
    ("requestParameters.bucketName", "backups-007"),
];

/// Sizes of the four forms, and processor time of each question.
pub fn dynamic(rows: usize) -> Result<Json> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let texts: Vec<ArrayRef> = (0..rows.div_ceil(BATCH_ROWS))
        .map(|batch| {
            let count = BATCH_ROWS.min(rows - batch * BATCH_ROWS);
            Arc::new((0..count).map(|_| Some(event(&mut random))).collect::<StringArray>()) as ArrayRef
        })
        .collect();
    let forms: [(&str, Form); 4] = [
        ("JSON text", text_form(&texts)?),
        ("Variant", variant_form(&texts, None)?),
        ("Variant, the three paths shredded", variant_form(&texts, Some(&shredded_type()))?),
        ("JSON text and promoted paths", promoted_form(&texts)?),
    ];
    let mut lines = Vec::new();
    let mut expected: Option<Vec<usize>> = None;
    for (name, form) in &forms {
        let mut counts = Vec::new();
        let mut seconds = Vec::new();
        for (path, wanted) in QUESTIONS {
            let mut best = f64::INFINITY;
            let mut count = 0;
            for _ in 0..ROUNDS {
                let begun = processor_s();
                count = form.count(path, wanted)?;
                best = best.min(processor_s() - begun);
            }
            counts.push(count);
            seconds.push(best);
        }
        let expected = expected.get_or_insert_with(|| counts.clone());
        ensure!(*expected == counts, "{name} finds {counts:?} rows, the text {expected:?}");
        lines.push(json!({"name": name, "bytes": form.file.len(), "seconds": seconds, "rows": counts}));
    }
    Ok(json!({"rows": rows, "lines": lines}))
}

/// How values lie, and the file that they lie in.
struct Form {
    kind: Kind,
    file: Bytes,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Variant,
    Promoted,
}

impl Form {
    /// The rows that have `wanted` at `path`.
    fn count(&self, path: &str, wanted: &str) -> Result<usize> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(self.file.clone())?.with_batch_size(BATCH_ROWS);
        let column = match self.kind {
            Kind::Text | Kind::Variant => "event",
            Kind::Promoted => path,
        };
        let place = builder.schema().index_of(column)?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), [place]);
        let mut count = 0;
        for batch in builder.with_projection(mask).build()? {
            let column = Arc::clone(batch?.column(0));
            count += match self.kind {
                Kind::Text => {
                    let steps: Vec<Step> = path.split('.').map(|key| Step::Member(key.to_owned())).collect();
                    let texts = column.as_string::<i32>();
                    let at = |text| Dynamic::new(text).path(&steps).is_some_and(|value| value.to_text() == wanted);
                    texts.iter().flatten().filter(|text| at(text)).count()
                }
                Kind::Promoted => {
                    let texts = column.as_string::<i32>();
                    texts.iter().flatten().filter(|text| Dynamic::new(text).to_text() == wanted).count()
                }
                Kind::Variant => {
                    let field = Arc::new(Field::new("found", DataType::Utf8, true));
                    let path = VariantPath::try_from(path).context("the path of a question")?;
                    let found = variant_get(&column, GetOptions::new_with_path(path).with_as_type(Some(field)))?;
                    found.as_string::<i32>().iter().flatten().filter(|text| *text == wanted).count()
                }
            };
        }
        Ok(count)
    }
}

fn text_form(texts: &[ArrayRef]) -> Result<Form> {
    let schema = Arc::new(Schema::new(vec![Field::new("event", DataType::Utf8, true)]));
    let batches = texts.iter().map(|texts| Ok(RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(texts)])?));
    Ok(Form { kind: Kind::Text, file: written(batches)? })
}

fn variant_form(texts: &[ArrayRef], shredded: Option<&DataType>) -> Result<Form> {
    let batches = texts.iter().map(|texts| {
        let mut variant = json_to_variant(texts)?;
        if let Some(as_type) = shredded {
            variant = shred_variant(&variant, as_type)?;
        }
        let column: ArrayRef = Arc::new(variant.into_inner());
        let schema = Schema::new(vec![Field::new("event", column.data_type().clone(), true)]);
        Ok(RecordBatch::try_new(Arc::new(schema), vec![column])?)
    });
    Ok(Form { kind: Kind::Variant, file: written(batches)? })
}

fn promoted_form(texts: &[ArrayRef]) -> Result<Form> {
    let names = QUESTIONS.map(|(path, _)| path);
    let all = ["event"].into_iter().chain(names);
    let schema = Arc::new(Schema::new(all.map(|name| Field::new(name, DataType::Utf8, true)).collect::<Vec<_>>()));
    let batches = texts.iter().map(|texts| {
        let mut columns = vec![Arc::clone(texts)];
        for name in names {
            let steps: Vec<Step> = name.split('.').map(|key| Step::Member(key.to_owned())).collect();
            let found = texts.as_string::<i32>().iter().flatten().map(|text| Dynamic::new(text).path(&steps));
            columns.push(Arc::new(found.map(|value| value.map(Dynamic::stored)).collect::<StringArray>()));
        }
        Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
    });
    Ok(Form { kind: Kind::Promoted, file: written(batches)? })
}

fn written(batches: impl Iterator<Item = Result<RecordBatch>>) -> Result<Bytes> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(131_072))
        .build();
    let mut writer = None;
    for batch in batches {
        let batch = batch?;
        let writer = match &mut writer {
            Some(writer) => writer,
            None => writer.insert(ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.clone()))?),
        };
        writer.write(&batch)?;
    }
    Ok(writer.context("there are rows")?.into_inner()?.into())
}

/// The three paths as typed fields.
fn shredded_type() -> DataType {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let bag = |name: &str, inside: Field| Field::new(name, DataType::Struct(Fields::from(vec![inside])), true);
    DataType::Struct(Fields::from(vec![
        text("eventName"),
        bag("userIdentity", bag("sessionContext", bag("attributes", text("mfaAuthenticated")))),
        bag("requestParameters", text("bucketName")),
    ]))
}

/// An event as CloudTrail writes them.
fn event(random: &mut ChaCha8Rng) -> String {
    const NAMES: [&str; 12] = [
        "AssumeRole",
        "DescribeInstances",
        "GetObject",
        "PutObject",
        "ListBuckets",
        "ConsoleLogin",
        "CreateUser",
        "Decrypt",
        "DeleteObject",
        "GetCallerIdentity",
        "RunInstances",
        "StopInstances",
    ];
    let mut draw = |sides: u32| random.next_u32() % sides;
    let (name, account, user, region) = (NAMES[(draw(12) * draw(12) / 11) as usize], draw(40), draw(3_000), draw(6));
    let (mfa, bucket, id) = (draw(4) == 0, draw(400), (draw(u32::MAX), draw(u32::MAX), draw(u32::MAX)));
    let (address, second) = ((draw(256), draw(256)), draw(86_400));
    json!({
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": format!("AROAEXAMPLE{account:03}:session-{user}"),
            "arn": format!("arn:aws:sts::1234567890{account:02}:assumed-role/ops/session-{user}"),
            "accountId": format!("1234567890{account:02}"),
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "userName": "ops"},
                "attributes": {"creationDate": "2026-10-01T08:00:00Z", "mfaAuthenticated": mfa.to_string()},
            },
        },
        "eventTime": format!("2026-10-01T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60),
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": format!("eu-west-{region}"),
        "sourceIPAddress": format!("203.0.{}.{}", address.0, address.1),
        "userAgent": "aws-cli/2.17.0",
        "requestParameters": {"bucketName": format!("backups-{bucket:03}"), "key": format!("day/{:08x}.tar", id.0)},
        "responseElements": null,
        "requestID": format!("{:08X}{:08X}", id.1, id.2),
        "eventID": format!("{:08x}-{:04x}-{:08x}", id.0, id.1 & 0xffff, id.2),
        "readOnly": name.starts_with("Get") || name.starts_with("List"),
        "resources": [{"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::backups-{bucket:03}/*")}],
        "recipientAccountId": format!("1234567890{account:02}"),
    })
    .to_string()
}
