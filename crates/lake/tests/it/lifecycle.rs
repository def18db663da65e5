//! What becomes of a delivery: stored once, shown once, merged, kept as long as it should be, and no longer.

use std::sync::Arc;

use lake::{Appended, DAY_COLUMN, Entry, Lake, LakeConfig, LakeError, Ports, Replay, Retention, Tables, Ticket};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use tempfile::TempDir;

use crate::support::{DAY_US, HandClock, Lines, TODAY_US, append, config, entry, rows, texts};

const T: &str = "Life_CL";

async fn open(config: &LakeConfig, clock: &Arc<HandClock>) -> (Lake, Replay) {
    Lake::open(config.clone(), clock.clone(), Arc::new(Lines)).await.unwrap()
}

async fn fresh() -> (TempDir, LakeConfig, Arc<HandClock>, Lake) {
    let dir = TempDir::new().unwrap();
    let (config, clock) = (config(dir.path()), HandClock::new(TODAY_US));
    let (lake, _) = open(&config, &clock).await;
    (dir, config, clock, lake)
}

fn line(text: &str) -> String {
    format!("{T}|{TODAY_US}|{text}\n")
}

async fn store(lake: &Lake, number: u64, lines: &str) -> Ticket {
    match append(lake, entry(number, lines)).await.unwrap() {
        Appended::New(ticket) => ticket,
        Appended::Duplicate => panic!("{number} is a duplicate"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_visible_at_once_and_stays_one_row() {
    let (_dir, config, clock, lake) = fresh().await;
    store(&lake, 1, &(line("a") + &line("b"))).await.done();
    assert_eq!(texts(&lake, T).await, ["a", "b"]);
    lake.flush().await.unwrap();
    assert_eq!(texts(&lake, T).await, ["a", "b"]);
    store(&lake, 2, &line("c")).await.done();
    assert_eq!(texts(&lake, T).await, ["a", "b", "c"]);
    lake.close().await.unwrap();
    drop(lake);
    let (lake, replay) = open(&config, &clock).await;
    assert_eq!((replay.entries, replay.problems.len()), (0, 0));
    assert_eq!(texts(&lake, T).await, ["a", "b", "c"]);
    let status = lake.status().await.unwrap();
    assert_eq!((status.hot_rows, status.tables[0].rows, status.tables[0].files), (0, 3, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_delivery_is_stored_once_however_often_it_comes() {
    let (_dir, config, clock, lake) = fresh().await;
    let sends = (0..8).map(|_| {
        let lake = lake.clone();
        tokio::spawn(async move { append(&lake, entry(1, &line("once"))).await.unwrap() })
    });
    let mut new = 0;
    for send in sends.collect::<Vec<_>>() {
        if let Appended::New(ticket) = send.await.unwrap() {
            new += 1;
            ticket.done();
        }
    }
    assert_eq!(new, 1);
    lake.flush().await.unwrap();
    assert_eq!(lake.status().await.unwrap().log_segments, 0, "flushed and detected: the segment is gone");
    drop(lake);
    let (lake, _) = open(&config, &clock).await;
    assert!(matches!(append(&lake, entry(1, &line("once"))).await.unwrap(), Appended::Duplicate));
    assert_eq!(texts(&lake, T).await, ["once"]);
    clock.turn(8 * DAY_US);
    lake.retire().await.unwrap();
    assert!(matches!(append(&lake, entry(1, &line("once"))).await.unwrap(), Appended::New(_)), "keys are kept 7 days");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_without_a_key_are_never_duplicates() {
    let (_dir, _, _, lake) = fresh().await;
    for number in 1..=2 {
        let entry = Entry { key: Entry::NO_KEY, ..entry(number, &line("same")) };
        assert!(matches!(append(&lake, entry).await.unwrap(), Appended::New(_)));
    }
    assert_eq!(texts(&lake, T).await, ["same", "same"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_lake_on_one_directory_names_the_first() {
    let (_dir, config, clock, lake) = fresh().await;
    let Err(refused) = Lake::open(config.clone(), clock.clone(), Arc::new(Lines)).await else {
        panic!("two lakes have one directory");
    };
    let text = refused.to_string();
    assert!(text.contains(&format!("in use by process {}", std::process::id())), "{text}");
    assert!(text.contains("since 2026-11-21T00:00:00"), "{text}");
    drop(lake);
    open(&config, &clock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn detection_not_done_is_handed_out_again() {
    let (_dir, config, clock, lake) = fresh().await;
    store(&lake, 1, &line("seen")).await.done();
    drop(store(&lake, 2, &line("unseen")).await);
    lake.flush().await.unwrap();
    assert_eq!(lake.status().await.unwrap().dropped_tickets, 1);
    drop(lake);
    let (lake, mut replay) = open(&config, &clock).await;
    // Segments are the unit: the first is handed out again with its neighbour, which detection must bear.
    assert_eq!(replay.entries, 2);
    let mut again = Vec::new();
    while let Some((entry, ticket)) = replay.next_entry().unwrap() {
        again.push(String::from_utf8(entry.payload.to_vec()).unwrap());
        ticket.done();
    }
    assert_eq!(again, [line("seen"), line("unseen")]);
    assert_eq!(texts(&lake, T).await, ["seen", "unseen"], "rows are not replayed twice");
    lake.retire().await.unwrap();
    assert_eq!(lake.status().await.unwrap().log_segments, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_out_of_any_reason_do_not_make_partitions() {
    let (_dir, _, _, lake) = fresh().await;
    let year_1 = kernel::Timestamp::MIN.micros();
    let year_9999 = kernel::Timestamp::MAX.micros();
    let lines = format!("{T}|{year_1}|first\n{T}|{year_9999}|last\n{T}|-|none\n{}", line("now"));
    store(&lake, 1, &lines).await.done();
    lake.flush().await.unwrap();
    let snapshot = lake.snapshot(T).await.unwrap().unwrap();
    let mut days: Vec<_> = snapshot.files.iter().map(|file| (file.day, file.rows)).collect();
    days.sort();
    assert_eq!(days, [(None, 3), (Some((TODAY_US / DAY_US) as i32), 1)]);
    let odd = snapshot.files.iter().find(|file| file.day.is_none()).unwrap();
    assert_eq!(odd.time, Some((kernel::Timestamp::MIN, kernel::Timestamp::MAX)));
    assert!(odd.path.as_ref().contains(&format!("{DAY_COLUMN}=__HIVE_DEFAULT_PARTITION__")), "{}", odd.path);
    assert_eq!(texts(&lake, T).await, ["first", "last", "none", "now"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_of_many_days_makes_a_bounded_number_of_partitions() {
    let dir = TempDir::new().unwrap();
    let (config, clock) = (LakeConfig { days_per_flush: 5, ..config(dir.path()) }, HandClock::new(TODAY_US));
    let (lake, _) = open(&config, &clock).await;
    let lines: String = (0..40).map(|day| format!("{T}|{}|day {day}\n", TODAY_US - day * DAY_US)).collect();
    store(&lake, 1, &lines).await.done();
    lake.flush().await.unwrap();
    let snapshot = lake.snapshot(T).await.unwrap().unwrap();
    assert_eq!(snapshot.files.len(), 6);
    assert_eq!(snapshot.rows(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_files_are_merged_without_harm_to_a_reader() {
    let (_dir, config, clock, lake) = fresh().await;
    for number in 0..4 {
        store(&lake, number, &format!("{T}|{}|{number}\n", TODAY_US + number as i64)).await.done();
        lake.flush().await.unwrap();
    }
    let reader = lake.snapshot(T).await.unwrap().unwrap();
    assert_eq!(reader.files.len(), 4);
    lake.maintain().await.unwrap();
    let after = lake.snapshot(T).await.unwrap().unwrap();
    assert_eq!((after.files.len(), after.rows()), (1, 4));
    assert_eq!(texts(&lake, T).await, ["0", "1", "2", "3"]);
    clock.turn(DAY_US);
    lake.maintain().await.unwrap();
    for file in &reader.files {
        assert!(reader.store.head(&file.path).await.is_ok(), "{} is deleted under a reader", file.path);
    }
    let paths: Vec<_> = reader.files.iter().map(|file| file.path.clone()).collect();
    let store_of = reader.store.clone();
    drop(reader);
    lake.maintain().await.unwrap();
    for path in paths {
        assert!(store_of.head(&path).await.is_err(), "{path} is out of use and stays");
    }
    lake.close().await.unwrap();
    drop(lake);
    let (lake, _) = open(&config, &clock).await;
    assert_eq!(texts(&lake, T).await, ["0", "1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_beyond_retention_go_as_a_whole() {
    let dir = TempDir::new().unwrap();
    let retention = Retention { days: Some(30), by_table: [("Kept_CL".to_owned(), None)].into() };
    let config = LakeConfig { retention, ..config(dir.path()) };
    let clock = HandClock::new(TODAY_US);
    let (lake, _) = open(&config, &clock).await;
    let old = TODAY_US - 31 * DAY_US;
    let lines = format!("{T}|{old}|old\n{T}|{TODAY_US}|new\n{T}|-|timeless\nKept_CL|{old}|old\n");
    store(&lake, 1, &lines).await.done();
    lake.flush().await.unwrap();
    clock.turn(29 * DAY_US);
    lake.maintain().await.unwrap();
    assert_eq!(texts(&lake, T).await, ["new", "old", "timeless"], "what arrived old is kept from its arrival on");
    let late_us = TODAY_US + 29 * DAY_US;
    let late = Entry { received: kernel::Timestamp(late_us), ..entry(2, &format!("{T}|{late_us}|late\n")) };
    match append(&lake, late).await.unwrap() {
        Appended::New(ticket) => ticket.done(),
        Appended::Duplicate => panic!("it was never stored"),
    }
    lake.flush().await.unwrap();
    clock.turn(2 * DAY_US);
    lake.maintain().await.unwrap();
    assert_eq!(texts(&lake, T).await, ["late"]);
    assert_eq!(texts(&lake, "Kept_CL").await, ["old"]);
    clock.turn(32 * DAY_US);
    lake.maintain().await.unwrap();
    assert!(texts(&lake, T).await.is_empty(), "rows without a time go by their receipt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_left_is_swept() {
    let (dir, _, clock, lake) = fresh().await;
    store(&lake, 1, &line("a")).await.done();
    lake.flush().await.unwrap();
    let table = dir.path().join("tables").join(T);
    let strays = [table.join("_Day=2026-11-21/part-x.parquet"), table.join("_delta_log/.partial-x")];
    for stray in &strays {
        std::fs::write(stray, b"half").unwrap();
    }
    // The test's clock stands in the past of the file system's.
    clock.turn(400 * 365 * DAY_US / 10);
    lake.maintain().await.unwrap();
    for stray in &strays {
        assert!(!stray.exists(), "{}", stray.display());
    }
    assert_eq!(texts(&lake, T).await, ["a"]);
}

/// The one whole row group of each file of the table.
async fn pieces(lake: &Lake) -> Vec<lake::Piece> {
    let mut history = lake::History::new(lake.snapshot(T).await.unwrap().unwrap(), None);
    let mut pieces = Vec::new();
    while let Some(piece) = history.next().await {
        pieces.push(piece.unwrap());
    }
    pieces
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_beside_a_file_is_read_in_part_and_goes_with_it() {
    let (_dir, _, clock, lake) = fresh().await;
    store(&lake, 0, &line("hot")).await.done();
    let hot = pieces(&lake).await.remove(0);
    let texts = |values: [&str; 3]| -> arrow_array::DictionaryArray<arrow_array::types::UInt32Type> {
        values.into_iter().collect()
    };
    let columns = arrow_array::RecordBatch::try_from_iter([
        ("Image", Arc::new(texts(["a", "b", "a"])) as arrow_array::ArrayRef),
        ("User", Arc::new(texts(["x", "y", "z"]))),
    ])
    .unwrap();
    assert!(!lake.keep_beside(&hot, columns.clone(), String::new()).await.unwrap(), "hot rows become a file later");
    lake.flush().await.unwrap();
    let piece = pieces(&lake).await.remove(0);
    assert!(piece.companion().await.unwrap().is_none());
    for note in ["first", "second"] {
        assert!(lake.keep_beside(&piece, columns.clone(), note.to_owned()).await.unwrap());
        let companion = piece.companion().await.unwrap().unwrap();
        assert_eq!((companion.note(), companion.rows()), (note, 3));
        assert_eq!(companion.read(|_| true, None).await.unwrap(), columns);
        let part = companion.read(|name| name == "User", Some(&[0, 2])).await.unwrap();
        let user =
            part.column(0).as_any().downcast_ref::<arrow_array::DictionaryArray<arrow_array::types::UInt32Type>>();
        let user = user.unwrap().downcast_dict::<arrow_array::StringArray>().unwrap();
        assert_eq!(user.into_iter().collect::<Vec<_>>(), [Some("x"), Some("z")]);
    }
    store(&lake, 1, &line("b")).await.done();
    lake.flush().await.unwrap();
    // The file is in use: its companion stays. Merged with the other, it goes, and the companion with it.
    clock.turn(400 * 365 * DAY_US / 10);
    lake.maintain().await.unwrap();
    assert!(piece.companion().await.unwrap().is_some());
    let merged = pieces(&lake).await.remove(0);
    assert!(lake.keep_beside(&merged, columns, String::new()).await.unwrap());
    let (store_of, path) = (lake.snapshot(T).await.unwrap().unwrap().store, piece.companion_path().unwrap());
    drop((piece, hot));
    for _ in 0..2 {
        clock.turn(DAY_US);
        lake.maintain().await.unwrap();
    }
    assert!(store_of.head(&path).await.is_err(), "{path} is of no use and stays");
    assert!(merged.companion().await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_to_do() {
    let dir = TempDir::new().unwrap();
    let clock = HandClock::new(TODAY_US);
    let check = |config: LakeConfig, lines: String| {
        let clock = clock.clone();
        async move {
            let (lake, _) = open(&config, &clock).await;
            match append(&lake, entry(1, &lines)).await {
                Ok(_) => "accepted".to_owned(),
                Err(error) => error.to_string(),
            }
        }
    };
    let full = check(LakeConfig { min_free_bytes: 1 << 60, ..config(dir.path()) }, line("a")).await;
    assert!(full.contains("free space or move the data directory"), "{full}");
    let large = check(LakeConfig { entry_bytes: 60, ..config(dir.path()) }, line("a")).await;
    assert!(large.contains("over the limit of 60; send it in parts"), "{large}");
    let name = check(config(dir.path()), format!("../up|{TODAY_US}|a")).await;
    assert!(name.contains("`../up` cannot name a table or column"), "{name}");
    let case = check(config(dir.path()), format!("{T}|{TODAY_US}|a\nlife_cl|{TODAY_US}|a")).await;
    assert!(case.contains("other letter case"), "{case}");
    let zero = LakeConfig { segment_bytes: 0, ..config(dir.path()) };
    let refused = Lake::open(zero, clock.clone(), Arc::new(Lines)).await.err().unwrap();
    assert_eq!(refused.to_string(), "setting segment_bytes: must be above 0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_bounded_and_waiting_ends_with_room() {
    let dir = TempDir::new().unwrap();
    let (config, clock) = (LakeConfig { hot_bytes: 1, ..config(dir.path()) }, HandClock::new(TODAY_US));
    let (lake, _) = open(&config, &clock).await;
    store(&lake, 1, &line("a")).await.done();
    let behind = append(&lake, entry(2, &line("b"))).await.err().unwrap();
    assert!(matches!(behind, LakeError::Behind { .. }), "{behind}");
    lake.flush().await.unwrap();
    store(&lake, 2, &line("b")).await.done();
    assert_eq!(texts(&lake, T).await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_log_is_reported_and_the_rest_is_read() {
    let (dir, config, clock, lake) = fresh().await;
    for number in 1..=3 {
        drop(store(&lake, number, &line(&format!("row {number}"))).await);
    }
    drop(lake);
    let segment = dir.path().join("wal/00000000000000000001.wal");
    let mut bytes = std::fs::read(&segment).unwrap();
    let second = bytes.windows(5).position(|window| window == b"row 2").unwrap();
    bytes[second] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let (lake, replay) = open(&config, &clock).await;
    assert_eq!(replay.problems.len(), 1, "{:?}", replay.problems);
    assert!(replay.problems[0].severe && replay.problems[0].text.contains("damaged; what follows was read"));
    assert_eq!(texts(&lake, T).await, ["row 1", "row 3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_catalog_is_read_from_the_tables() {
    let (dir, config, clock, lake) = fresh().await;
    store(&lake, 1, &line("a")).await.done();
    lake.close().await.unwrap();
    drop(lake);
    std::fs::write(dir.path().join("catalog.json"), b"{ not json").unwrap();
    let (lake, _) = open(&config, &clock).await;
    assert!(lake.schemas().iter().any(|table| table.name == T && table.column("Text").is_some()));
    assert_eq!(texts(&lake, T).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_lie_on_an_object_store_as_well() {
    let dir = TempDir::new().unwrap();
    let store_of: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let clock = HandClock::new(TODAY_US);
    let ports = || Ports {
        store: Some((Arc::clone(&store_of), "memory:///lake/tables".to_owned())),
        ..Ports::of_machine(clock.clone(), Arc::new(Lines))
    };
    let (lake, _) = Lake::open_on(config(dir.path()), ports()).await.unwrap();
    for number in 1..=3 {
        store(&lake, number, &line(&number.to_string())).await.done();
        lake.flush().await.unwrap();
    }
    lake.maintain().await.unwrap();
    lake.close().await.unwrap();
    drop(lake);
    assert!(!dir.path().join("tables").exists());
    let (lake, _) = Lake::open_on(config(dir.path()), ports()).await.unwrap();
    assert_eq!(texts(&lake, T).await, ["1", "2", "3"]);
    let listed = store_of.list_with_delimiter(Some(&"lake/tables/Life_CL/_delta_log".into())).await.unwrap();
    assert!(listed.objects.iter().any(|object| object.location.as_ref().ends_with(".checkpoint.parquet")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_store_url_is_understood_or_refused_by_name() {
    let dir = TempDir::new().unwrap();
    let clock = HandClock::new(TODAY_US);
    let url = |text: &str| LakeConfig { tables_url: Some(text.to_owned()), ..config(dir.path()) };
    let refused = Lake::open(url("nonsense"), clock.clone(), Arc::new(Lines)).await.err().unwrap();
    assert!(refused.to_string().starts_with("setting tables_url: nonsense is no URL"), "{refused}");
    let tables = TempDir::new().unwrap();
    let local = format!("file://{}", tables.path().display());
    let (lake, _) = Lake::open(url(&local), clock.clone(), Arc::new(Lines)).await.unwrap();
    store(&lake, 1, &line("a")).await.done();
    lake.close().await.unwrap();
    assert_eq!(rows(&lake, T).await.len(), 1);
    assert!(tables.path().join(T).join("_delta_log").is_dir());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_background_flushes_old_segments_by_itself() {
    let dir = TempDir::new().unwrap();
    let config = LakeConfig { background: true, segment_age_ms: 1_000, ..config(dir.path()) };
    let clock = HandClock::new(TODAY_US);
    let (lake, _) = open(&config, &clock).await;
    store(&lake, 1, &line("a")).await.done();
    clock.turn(2_000_000);
    for _ in 0..100 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let status = lake.status().await.unwrap();
        if status.hot_rows == 0 && status.log_segments == 0 {
            assert_eq!(texts(&lake, T).await, ["a"]);
            return;
        }
    }
    panic!("not flushed in ten seconds: {:?}", lake.status().await);
}
