//! The server is killed at random points while it takes deliveries; nothing acknowledged may be lost or repeated.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use super::input::Scratch;
use super::report::Section;
use crate::api::{Api, SourceToken};
use crate::platform::{self, Platform, Profile};

const LINES: u64 = 50;

/// `--points N`, 200 by default.
pub fn run(arguments: &[String]) -> Result<Section> {
    let at = arguments.iter().position(|argument| argument == "--points");
    let points: u64 = at.and_then(|at| arguments.get(at + 1)).and_then(|text| text.parse().ok()).unwrap_or(200);
    let binary = platform::build(Profile::Release)?;
    let scratch = Scratch::new("kill")?;
    let mut running = Platform::start(&binary, &scratch.0, 0)?;
    running.setup()?;
    let token = running.api.connect_source("victim", "json")?;
    let (mut acknowledged, mut next) = (Vec::new(), 0_u64);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for point in 0..points {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let delay = Duration::from_millis(random >> 33 & 0xff);
        let (done, first) = deliver_until_killed(&mut running, &token, delay, next)?;
        acknowledged.extend(first..first + done);
        // The delivery that was under way may be in or not; the client sends it again under the same key.
        next = first + done;
        running = Platform::start(&binary, &scratch.0, 0)?;
        if point % 20 == 19 {
            println!("{} of {points} kills, {} deliveries acknowledged", point + 1, acknowledged.len());
        }
    }
    let api = &mut running.api;
    api.login(platform::ADMINISTRATOR, platform::PASSWORD)?;
    let rows = api.query("Victim_CL | summarize Rows = count() by Delivery = tolong(Delivery)")?;
    let (mut lost, mut repeated) = (0, 0);
    let counts: std::collections::HashMap<i64, i64> =
        rows.iter().filter_map(|row| Some((row.first()?.as_i64()?, row.get(1).and_then(Value::as_i64)?))).collect();
    for delivery in &acknowledged {
        match counts.get(&i64::try_from(*delivery)?).copied().unwrap_or(0) {
            found if found < LINES as i64 => lost += LINES as i64 - found,
            found => repeated += found - LINES as i64,
        }
    }
    if acknowledged.is_empty() {
        bail!("no delivery was acknowledged between two kills: the measurement says nothing");
    }
    Ok(Section {
        name: "kill",
        what: format!(
            "kill -9 at {points} random points during ingest, restart, and again; {} deliveries of {LINES} rows were acknowledged.",
            acknowledged.len()
        ),
        rows: vec![
            ["acknowledged rows lost".into(), "0".into(), lost.to_string()],
            ["rows repeated".into(), "0".into(), repeated.to_string()],
        ],
    })
}

/// Delivers one batch after the other until the server is killed after `delay`; returns how many were acknowledged.
fn deliver_until_killed(
    running: &mut Platform,
    token: &SourceToken,
    delay: Duration,
    first: u64,
) -> Result<(u64, u64)> {
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let url = running.url.clone();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let api = Api::new(&url);
            while !stop.load(Ordering::Relaxed) {
                let delivery = first + done.load(Ordering::Relaxed);
                let body: String =
                    (0..LINES).map(|line| format!("{{\"Delivery\":{delivery},\"Line\":{line}}}\n")).collect();
                match api.ingest_plain("victim", token, body.as_bytes(), &format!("delivery-{delivery}")) {
                    Ok(_) => done.fetch_add(1, Ordering::Relaxed),
                    Err(_) => break,
                };
            }
        });
        std::thread::sleep(delay);
        let killed = running.kill();
        stop.store(true, Ordering::Relaxed);
        killed
    })?;
    Ok((done.load(Ordering::Relaxed), first))
}
