//! Term indexes and promoted paths: questions are answered as without them, whatever has become of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::Schema;
use kernel::port::QueryRequest;
use kernel::{ColumnSchema, ScalarType, TableSchema};
use lake::query::{EngineConfig, QueryEngine};
use lake::{Lake, TableRows, Tables};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::{NOW, printed};
use crate::support::{DAY_US, Dice, HandClock, Lines, TODAY_US, config, entry};

const DAYS: i64 = 2;
const ROWS: usize = 4_500;

const COMMON: [&str; 9] = ["cmd", "svchost", "-k", "C:\\Windows", "élan", "Жук", "user_1", "64", "e.x"];
const RARE: [&str; 8] =
    ["mimikatz.exe", "Mimikatz64", "ÉLÉPHANT", "жук-7", "K\u{212a}elvin", "a_b.c", "٣٤", "x\u{301}y"];

fn phrase(dice: &mut Dice) -> String {
    let mut words: Vec<&str> = (0..dice.roll(4)).map(|_| COMMON[dice.roll(9) as usize]).collect();
    if dice.roll(900) == 0 {
        words.insert(0, RARE[dice.roll(8) as usize]);
    }
    words.join([" ", ",", "/"][dice.roll(3) as usize])
}

/// JSON and what sources send instead.
fn bag(dice: &mut Dice) -> Option<String> {
    let word = serde_json::Value::from(phrase(dice)).to_string();
    let (number, color) = (dice.roll(5), ["red", "green", "blue"][dice.roll(3) as usize]);
    Some(match dice.roll(40) {
        0 => return None,
        1 => "{\"a\":{\"b\":\"first\"},\"a\":{\"b\":\"second\"}}".to_owned(),
        2 => "{\"a\":{\"b\":\"\\u006dimikatz \\u00e9t\\u00e9\\n\\\\x\"},\"color\":null}".to_owned(),
        3 => "{\"n\":1e400,\"a\":{\"b\":null}}".to_owned(),
        4 => match dice.roll(60) {
            0 => "{\"a\":{\"b\":\"cut \\u006d".to_owned(),
            _ => "{\"a\":{\"b\":\"cut".to_owned(),
        },
        5 => "no JSON \\u006d at all".to_owned(),
        6 => "[1,2,{\"a\":1}]".to_owned(),
        7 => " { \"color\" : \"red\" , \"tags\":[ ] } ".to_owned(),
        _ => format!(
            "{{\"a\":{{\"b\":{word},\"c\":\"{color}\"}},\"n\":{number},\"color\":\"{color}\",\"tags\":[\"{color}\",\"t{number}\"]}}"
        ),
    })
}

fn schema() -> TableSchema {
    let columns = [
        ("Number", ScalarType::Long),
        ("Text", ScalarType::String),
        ("Other", ScalarType::String),
        ("Bag", ScalarType::Dynamic),
    ];
    let columns = columns.map(|(name, scalar)| ColumnSchema { name: name.to_owned(), scalar });
    TableSchema { name: "Odd_CL".into(), columns: columns.into() }.with_standard_columns()
}

fn batch(dice: &mut Dice, day: i64, count: usize) -> RecordBatch {
    let table = schema();
    let columns: Vec<ColumnSchema> = table.columns.iter().take(5).cloned().collect();
    let arrow = Arc::new(Schema::new(columns.iter().map(ColumnSchema::arrow).collect::<Vec<_>>()));
    let numbers: Int64Array = (0..count as i64).map(|row| Some(row * row + day)).collect();
    let texts: StringArray = (0..count).map(|_| (dice.roll(30) > 0).then(|| phrase(dice))).collect();
    let others: StringArray = (0..count).map(|_| Some(phrase(dice))).collect();
    let bags: StringArray = (0..count).map(|_| bag(dice)).collect();
    let start = TODAY_US - day * DAY_US;
    let times: TimestampMicrosecondArray = (0..count as i64).map(|row| Some(start + row * 1_000_000)).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(numbers),
        Arc::new(texts),
        Arc::new(others),
        Arc::new(bags),
        Arc::new(times.with_timezone("UTC")),
    ];
    RecordBatch::try_new(arrow, columns).unwrap()
}

/// A lake with two days of odd rows in files, and some that are still hot.
async fn ground() -> (TempDir, Lake) {
    ground_of(ROWS).await
}

/// The same with `count` rows a day.
async fn ground_of(count: usize) -> (TempDir, Lake) {
    let dir = TempDir::new().unwrap();
    let clock = HandClock::new(NOW.0);
    let (lake, _) = Lake::open(config(dir.path()), clock, Arc::new(Lines)).await.unwrap();
    let mut dice = Dice(11);
    for day in 0..=DAYS {
        let rows = TableRows { table: "Odd_CL".into(), batch: batch(&mut dice, day, count) };
        let rows = if day == DAYS { TableRows { batch: rows.batch.slice(0, 50), ..rows } } else { rows };
        lake.append(entry(day as u64, "x"), vec![rows]).await.unwrap();
        if day < DAYS {
            lake.flush().await.unwrap();
        }
    }
    (dir, lake)
}

fn engine(lake: &Lake) -> QueryEngine {
    engine_on(lake, 2)
}

fn engine_on(lake: &Lake, threads: usize) -> QueryEngine {
    let spill = std::env::temp_dir().join("vigie-query-tests");
    std::fs::create_dir_all(&spill).unwrap();
    let config = EngineConfig { threads, spill, spill_bytes: 1 << 30, prune: true };
    QueryEngine::start(Arc::new(lake.clone()), None, testkit::TestClock::noon(), config).unwrap()
}

async fn ask(engine: &QueryEngine, query: &str) -> (String, u64) {
    let answer = engine.query(QueryRequest::new(query, NOW)).await;
    let answer = answer.unwrap_or_else(|error| panic!("{error}\n{query}"));
    (printed(&answer), answer.rows_scanned)
}

fn companions(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_path_buf()];
    while let Some(folder) = left.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => left.push(path),
                false if path.to_string_lossy().ends_with(&format!(".{kind}.companion")) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// A predicate over texts.
fn predicate(dice: &mut Dice, depth: u64) -> String {
    if depth > 0 {
        let (left, right) = (predicate(dice, depth - 1), predicate(dice, depth - 1));
        return match dice.roll(3) {
            0 => format!("({left} and {right})"),
            1 => format!("({left} or {right})"),
            _ => format!("(not({left}) and {right})"),
        };
    }
    let texts = ["Text", "Other", "tostring(Bag.a.b)", "Bag.a.b", "tostring(Bag)", "tostring(Bag.color)"];
    let needles = [
        "mimikatz",
        "mimikatz.exe",
        "MIMIKATZ64",
        "éléphant",
        "жук",
        ".exe",
        "a_b",
        "b.c",
        "K\u{212a}elvin",
        "k",
        "absent",
        "été",
        "cmd svchost",
        "-",
        "x",
        "٣٤",
        "first",
        "red",
    ];
    let text = texts[dice.roll(6) as usize];
    let mut needle = || format!("'{}'", needles[dice.roll(18) as usize]);
    let (one, two) = (needle(), needle());
    match dice.roll(16) {
        0 => format!("{text} has_cs {one}"),
        1 => format!("{text} hasprefix {one}"),
        2 => format!("{text} hassuffix {one}"),
        3 => format!("{text} contains {one}"),
        4 => format!("{text} startswith {one}"),
        5 => format!("{text} endswith {one}"),
        6 => format!("{text} == {one}"),
        7 => format!("{text} =~ {one}"),
        8 => format!("{text} in ({one}, {two})"),
        9 => format!("{text} in~ ({one}, {two})"),
        10 => format!("{text} has_any ({one}, {two})"),
        11 => format!("{text} has_all ({one}, {two})"),
        12 => format!("{text} !has {one}"),
        _ => format!("{text} has {one}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_term_index_leaves_no_row_out() {
    let (dir, lake) = ground().await;
    let mut dice = Dice(5);
    let mut questions: Vec<String> = (0..60)
        .map(|number| {
            let predicate = predicate(&mut dice, number % 3);
            format!("Odd_CL | where {predicate} | summarize Rows=count(), Sum=sum(Number)")
        })
        .collect();
    questions.extend([
        "search 'mimikatz' | summarize Rows=count(), Sum=sum(Number)".to_owned(),
        "Odd_CL | extend T=tostring(Bag.a.b), U=Text | where T has 'été' or U has '٣٤' | summarize Rows=count(), Sum=sum(Number)"
            .to_owned(),
        "union Odd_CL, (Odd_CL | where Number > 4) | where Text has 'mimikatz' | summarize Rows=count(), Sum=sum(Number)"
            .to_owned(),
    ]);
    let indexes = companions(dir.path(), "terms");
    assert_eq!(indexes.len() as i64, DAYS);
    let (_, scanned) = ask(&engine(&lake), "Odd_CL | where Text has 'Mimikatz64' | count").await;
    assert!(scanned < ROWS as u64 * DAYS as u64, "{scanned} rows were read for a rare term");
    let indexed = engine(&lake);
    let mut answers = Vec::new();
    for question in &questions {
        answers.push(ask(&indexed, question).await.0);
    }
    let whole: Vec<Vec<u8>> = indexes.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let check = async |what: &str, every: usize| {
        let engine = engine(&lake);
        for (question, expected) in questions.iter().zip(&answers).step_by(every) {
            assert_eq!(ask(&engine, question).await.0, *expected, "{what}: {question}");
        }
    };
    indexes.iter().for_each(|path| std::fs::write(path, b"VTI1 and then nothing").unwrap());
    check("damaged", 7).await;
    indexes.iter().zip(&whole).for_each(|(path, bytes)| std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap());
    check("cut short", 7).await;
    indexes.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    check("missing", 1).await;
    lake.maintain().await.unwrap();
    let again = companions(dir.path(), "terms");
    assert!(!again.is_empty(), "maintenance makes indexes that are missing");
    check("made anew", 7).await;
    assert!(ask(&engine(&lake), "Odd_CL | where Text has 'Mimikatz64' | count").await.1 < ROWS as u64 * DAYS as u64);
}

const PATH_QUESTIONS: [&str; 12] = [
    "Odd_CL | summarize Rows=count(), Sum=sum(Number) by Color=tostring(Bag.color) | sort by Color asc",
    "Odd_CL | where Bag.color == 'red' | summarize Rows=count(), Sum=sum(Number) by tostring(Bag.a.c) | sort by Bag_a_c asc",
    "Odd_CL | where isnull(Bag.color) | summarize Rows=count(), Sum=sum(Number)",
    "Odd_CL | where isnotempty(Bag.a.c) and tolong(Bag.n) == 3 | summarize Rows=count(), Sum=sum(Number)",
    "Odd_CL | summarize Rows=count() by Kind=gettype(Bag.n) | sort by Kind asc",
    "Odd_CL | extend B=Bag | where tostring(B.color) has 'blue' | extend C=B.a | summarize Rows=count() by tostring(C.c) | sort by Rows asc",
    "Odd_CL | mv-expand Tag=Bag.tags to typeof(string) | summarize Rows=count() by Tag | sort by Tag asc",
    "Odd_CL | summarize Rows=count() by First=tostring(Bag.tags[0]), Last=tostring(Bag['tags'][-1]) | sort by First asc, Last asc",
    "Odd_CL | project Number, Color=tostring(Bag.color) | join kind=inner (Odd_CL | project Number, N=toint(Bag.n)) on Number | summarize Rows=count(), Sum=sum(N) by Color | sort by Color asc",
    "Odd_CL | summarize Bag=take_any(Bag) by Text=tostring(Bag), Number | summarize Rows=count() by tostring(Bag.color) | sort by Rows asc",
    "union (Odd_CL | project C=Bag.color), (Odd_CL | project C=Bag.a.c) | summarize Rows=count() by tostring(C) | sort by Rows asc",
    "Odd_CL | sort by Number asc | serialize Before=prev(Bag) | summarize Rows=count() by tostring(Before.color) | sort by Rows asc",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promoted_paths_are_what_following_them_gives() {
    let (dir, lake) = ground().await;
    let promoted = companions(dir.path(), "paths");
    assert_eq!(promoted.len() as i64, DAYS, "paths that repeat a few values are promoted");
    let fast = engine(&lake);
    let mut answers = Vec::new();
    for question in PATH_QUESTIONS {
        answers.push(ask(&fast, question).await.0);
    }
    // One file with, one without.
    std::fs::remove_file(&promoted[0]).unwrap();
    for (question, expected) in PATH_QUESTIONS.iter().zip(&answers) {
        assert_eq!(ask(&engine(&lake), question).await.0, *expected, "one companion missing: {question}");
    }
    std::fs::write(&promoted[1], b"no Parquet").unwrap();
    for (question, expected) in PATH_QUESTIONS.iter().zip(&answers) {
        assert_eq!(ask(&engine(&lake), question).await.0, *expected, "no companion left: {question}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_a_file_are_the_file() {
    // Two files for five threads: each is cut, and the parts are worth it.
    let (_dir, lake) = ground_of(30_000).await;
    let (one, many) = (engine_on(&lake, 1), engine_on(&lake, 5));
    let mut dice = Dice(17);
    let counted = |predicate| format!("Odd_CL | where {predicate} | summarize Rows=count(), Sum=sum(Number)");
    let searches: Vec<String> = (0..24).map(|number| counted(predicate(&mut dice, number % 2))).collect();
    for question in searches.iter().map(String::as_str).chain(PATH_QUESTIONS) {
        assert_eq!(ask(&many, question).await.0, ask(&one, question).await.0, "{question}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promoted_paths_are_read_instead_of_the_texts() {
    let (dir, lake) = ground().await;
    for path in companions(dir.path(), "paths") {
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&path).unwrap()).unwrap();
        let (schema, rows) = (reader.schema().clone(), reader.metadata().file_metadata().num_rows() as usize);
        let forged: ArrayRef = Arc::new(StringArray::from(vec!["\"forged\""; rows]));
        let batch = RecordBatch::try_new(schema.clone(), vec![forged; schema.fields().len()]).unwrap();
        let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
    let (answer, _) =
        ask(&engine(&lake), "Odd_CL | summarize Rows=count() by C=tostring(Bag.color) | top 1 by Rows").await;
    assert_eq!(answer, format!("C:string | Rows:long\nforged | {}", ROWS as i64 * DAYS));
}

/// A byte in the middle of each column in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_promoted_paths_give_way_to_the_texts_and_are_made_anew() {
    let (dir, lake) = ground().await;
    let question = PATH_QUESTIONS[0];
    let whole = ask(&engine(&lake), question).await.0;
    let files = companions(dir.path(), "paths");
    let before: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let mut remade = lake.status().await.unwrap().remade_companions;
    let middles = |path: &PathBuf| -> Vec<usize> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
        let columns = reader.metadata().row_group(0).columns().iter().map(|column| column.byte_range());
        columns.map(|(start, length)| (start + length / 2) as usize).collect()
    };
    let places: Vec<Vec<usize>> = files.iter().map(middles).collect();
    for part in 0..places[0].len() {
        for ((path, bytes), places) in files.iter().zip(&before).zip(&places) {
            let mut bytes = bytes.clone();
            bytes[places[part]] ^= 0x5a;
            std::fs::write(path, bytes).unwrap();
        }
        let engine = engine(&lake);
        for _ in 0..2 {
            // The second question tells maintenance what the first has found.
            assert_eq!(ask(&engine, question).await.0, whole, "column {part}");
        }
        lake.maintain().await.unwrap();
        let after: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
        assert!(after == before, "column {part}: made anew");
        let count = lake.status().await.unwrap().remade_companions;
        assert_eq!(count - remade, files.len() as u64, "column {part}: counted");
        remade = count;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_was_asked_for_is_promoted_in_files_to_come() {
    let (dir, lake) = ground().await;
    ask(&engine(&lake), "Odd_CL | where tostring(Bag.only.asked) == 'x' | count").await;
    lake.flush().await.unwrap();
    let newest =
        companions(dir.path(), "paths").into_iter().max_by_key(|path| path.metadata().unwrap().modified().unwrap());
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(newest.unwrap()).unwrap()).unwrap();
    assert!(reader.schema().index_of("Bag[\"only\",\"asked\"]").is_ok(), "{:?}", reader.schema());
}

#[tokio::test]
async fn a_column_has_a_dictionary_where_its_values_repeat() {
    let dir = TempDir::new().unwrap();
    let (lake, _) = Lake::open(config(dir.path()), HandClock::new(NOW.0), Arc::new(Lines)).await.unwrap();
    let rows = batch(&mut Dice(3), 0, ROWS);
    let mut columns = rows.columns().to_vec();
    columns[1] = Arc::new((0..ROWS).map(|row| Some(format!("value {row}"))).collect::<StringArray>());
    columns[2] = Arc::new((0..ROWS).map(|row| Some(format!("value {}", row % 40))).collect::<StringArray>());
    let batch = RecordBatch::try_new(rows.schema(), columns).unwrap();
    lake.append(entry(0, "x"), vec![TableRows { table: "Odd_CL".into(), batch }]).await.unwrap();
    lake.flush().await.unwrap();
    let path = lake.snapshot("Odd_CL").await.unwrap().unwrap().files[0].path.clone();
    let file = std::fs::File::open(Path::new("/").join(path.as_ref())).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let has_dictionary = |name: &str| {
        let columns = reader.metadata().row_group(0).columns();
        let column = columns.iter().find(|column| column.column_path().string() == name).unwrap();
        column.dictionary_page_offset().is_some()
    };
    assert_eq!((has_dictionary("Text"), has_dictionary("Other")), (false, true));
}
