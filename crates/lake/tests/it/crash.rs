//! A real process, really killed: what it acknowledged is there, once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kernel::time::SystemClock;
use lake::{Appended, Lake, LakeConfig};
use tempfile::TempDir;

use crate::support::{Dice, HandClock, Lines, TODAY_US, append, config, entry, rows};

const DIR: &str = "VIGIE_CRASH_DIR";
const FROM: &str = "VIGIE_CRASH_FROM";
const T: &str = "Crash_CL";

fn settings(dir: &Path) -> LakeConfig {
    LakeConfig { segment_bytes: 4_000, segment_age_ms: 50, background: true, maintain_ms: 100, ..config(dir) }
}

fn lines(number: u64) -> String {
    (0..3).map(|row| format!("{T}|{}|{number}.{row}\n", TODAY_US + number as i64)).collect()
}

/// Run as a child by the test below: appends until it is killed, saying what was acknowledged.
#[test]
#[ignore = "the child of `killed_at_any_moment_it_keeps_what_it_acknowledged`"]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let from: u64 = std::env::var(FROM).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(SystemClock::new());
        let (lake, _) = Lake::open(settings(Path::new(&dir)), clock, Arc::new(Lines)).await.unwrap();
        say("open".to_owned());
        let workers = (0..4).map(|worker| {
            let lake = lake.clone();
            tokio::spawn(async move {
                for number in (from + worker..).step_by(4) {
                    match append(&lake, entry(number, &lines(number))).await {
                        Ok(Appended::New(ticket)) => {
                            say(format!("ack {number}"));
                            ticket.done();
                        }
                        other => say(format!("bad {number} {other:?}")),
                    }
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
    });
}

fn say(text: String) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n@{text}").unwrap();
    out.flush().unwrap();
}

/// Starts the child, kills it `after` it has opened, and returns what it acknowledged.
fn one_life(dir: &Path, from: u64, after: Duration) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .env(FROM, from.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(said.any(|line| line == "@open"), "the child did not open the lake");
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    said.filter_map(|line| {
        assert!(!line.starts_with("@bad"), "{line}");
        line.strip_prefix("@ack ")?.parse().ok()
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_keeps_what_it_acknowledged() {
    let kills: u64 = std::env::var("VIGIE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(12);
    let dir = TempDir::new().unwrap();
    let mut dice = Dice(std::process::id().into());
    let mut acknowledged = Vec::new();
    for life in 0..kills {
        let after = Duration::from_millis(dice.roll(400));
        acknowledged.extend(one_life(dir.path(), life * 1_000_000, after));
    }
    assert!(acknowledged.len() as u64 > kills, "too little was acknowledged to mean anything");
    let quiet = LakeConfig { background: false, ..settings(dir.path()) };
    let (lake, replay) = Lake::open(quiet, HandClock::new(TODAY_US), Arc::new(Lines)).await.unwrap();
    assert!(replay.problems.iter().all(|problem| !problem.severe), "{:?}", replay.problems);
    for when in ["opened", "flushed"] {
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for (_, text) in rows(&lake, T).await {
            *found.entry(text).or_default() += 1;
        }
        assert!(found.values().all(|count| *count == 1), "{when}: repeated rows");
        for number in &acknowledged {
            for row in 0..3 {
                assert!(found.contains_key(&format!("{number}.{row}")), "{when}: {number}.{row} is lost");
            }
        }
        lake.flush().await.unwrap();
    }
    println!("{kills} kills, {} deliveries acknowledged, 0 rows lost, 0 repeated", acknowledged.len());
}
