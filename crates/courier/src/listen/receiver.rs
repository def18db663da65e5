//! The office's own receiver: where the base is, and what time the satellites say.

use std::time::Duration;

use kernel::Timestamp;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::arrival::{Item, Position, Reading};
use crate::error::Error;
use crate::feed::nmea::{Receiver, Sentence};
use crate::retry::Backoff;
use crate::room::Courier;
use crate::tls;

const NAME: &str = "nmea";
/// The base does not move: one position in this time is enough, unless it does.
const EVERY_US: i64 = 300_000_000;
/// About fifty metres.
const MOVED_DEG: f64 = 0.0005;
/// A clock that differs by more is said to be wrong.
const CLOCK_US: i64 = 5_000_000;

/// Where the receiver is.
#[derive(Debug, Clone)]
pub struct ReceiverSettings {
    /// `tcp://host:10110`, or the path of a serial line such as `/dev/ttyUSB0`, whose speed is set already.
    pub place: String,
    /// What the base is called as a device.
    pub device: String,
}

/// Listens until it is dropped, which is safe at any moment.
///
/// # Errors
/// [`Error::Configuration`] at once, when the place cannot be used.
pub async fn run_receiver(courier: Courier, settings: ReceiverSettings) -> Result<(), Error> {
    if settings.place.contains("://") {
        address(&settings.place)?;
    }
    courier.expect_channel(NAME, "own receiver by NMEA 0183");
    let mut backoff = Backoff::new();
    loop {
        let problem = match open(&settings.place).await {
            Ok(stream) => {
                backoff.reset();
                courier.note_connection(NAME, Ok(()));
                listen(&courier, &settings.device, stream).await
            }
            Err(problem) => problem,
        };
        tracing::warn!(channel = NAME, problem, "the receiver is not heard; trying again");
        courier.note_connection(NAME, Err(problem));
        let chance = courier.store.random::<1>()[0];
        tokio::time::sleep(backoff.pause(chance)).await;
    }
}

fn address(place: &str) -> Result<(String, u16), Error> {
    let refuse = || Error::configuration("nmea", format!("`{place}` is neither tcp://host:port nor a path"));
    let url = url::Url::parse(place).map_err(|_| refuse())?;
    if url.scheme() != "tcp" {
        return Err(refuse());
    }
    Ok((url.host_str().ok_or_else(refuse)?.to_owned(), url.port().ok_or_else(refuse)?))
}

async fn open(place: &str) -> Result<Box<dyn AsyncRead + Send + Unpin>, String> {
    if place.contains("://") {
        let (host, port) = address(place).map_err(|error| error.to_string())?;
        return Ok(Box::new(tls::connect(&host, port, None).await?));
    }
    let file = tokio::fs::File::open(place).await.map_err(|error| format!("{place}: {error}"))?;
    Ok(Box::new(file))
}

async fn listen(courier: &Courier, device: &str, stream: impl AsyncRead + Unpin) -> String {
    let mut lines = BufReader::new(stream).split(b'\n');
    let mut receiver = Receiver::default();
    let mut told: Option<Position> = None;
    loop {
        let line = match tokio::time::timeout(Duration::from_secs(60), lines.next_segment()).await {
            Err(_) => return "nothing was heard for a minute".to_owned(),
            Ok(Err(error)) => return error.to_string(),
            Ok(Ok(None)) => return "the line has ended".to_owned(),
            Ok(Ok(Some(line))) => line,
        };
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        match receiver.line(device, &text) {
            Ok(Sentence::Fix(position)) => {
                note_clock(courier, position.fix_time);
                if is_news(told.as_ref(), &position) {
                    let reading = Reading { items: vec![Item::Position((*position).clone())], findings: Vec::new() };
                    if let Err(error) = courier.take(NAME, text.trim().as_bytes(), reading).await {
                        tracing::error!(%error, "the own position could not be kept");
                        continue;
                    }
                    told = Some(*position);
                }
            }
            Ok(Sentence::Time(at)) => note_clock(courier, Some(at)),
            Ok(Sentence::NoFix | Sentence::Other) => {}
            Err(problem) => {
                tracing::debug!(problem, "a sentence was left out");
                courier.note_dropped(NAME);
            }
        }
    }
}

fn is_news(told: Option<&Position>, position: &Position) -> bool {
    let Some(told) = told else { return true };
    let moved = (told.latitude - position.latitude).abs().max((told.longitude - position.longitude).abs()) > MOVED_DEG;
    let micros = |position: &Position| position.fix_time.map_or(0, Timestamp::micros);
    moved || micros(position) - micros(told) >= EVERY_US
}

/// Compares the satellites' time with the wall clock and shows what differs.
fn note_clock(courier: &Courier, at: Option<Timestamp>) {
    let Some(at) = at else { return };
    let wall = courier.now().plus_micros(courier.store.wall_clock_error_us());
    let ahead_us = wall.micros() - at.micros();
    courier.note(NAME, |state| {
        let wrong = ahead_us.abs() > CLOCK_US;
        state.problem =
            wrong.then(|| format!("this machine's clock is {} s ahead of the satellites", ahead_us / 1_000_000));
    });
}
