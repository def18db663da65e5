//! Reading bodies: never more than the limit, never slower than is bearable, never a bomb.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use kernel::Clock;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::config::ServerConfig;
use crate::error::too_large;
use crate::problem::Problem;

/// Decompression works in pieces of this size.
const PIECE: usize = 64 << 10;

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Body<T>, Problem> {
        let limit = app.config.body_bytes;
        let (parts, body) = request.into_parts();
        expect_type(&parts.headers, &["application/json"])?;
        let budget = Budget::new(limit.saturating_mul(2));
        let limits = Limits { travelling: limit, decoded: limit };
        let read = read(&parts.headers, body, limits, &budget, &app.config, app.clock.as_ref()).await?;
        from_json(&read.bytes).map(Body)
    }
}

/// A JSON body that carries a file: as large as a delivery may be, from the memory that deliveries share.
#[derive(Debug, Clone)]
pub struct Upload<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Upload<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Upload<T>, Problem> {
        let limits = Limits { travelling: app.config.ingest_bytes, decoded: app.config.ingest_decoded_bytes };
        let (parts, body) = request.into_parts();
        expect_type(&parts.headers, &["application/json"])?;
        let read = read(&parts.headers, body, limits, &app.ingest_memory, &app.config, app.clock.as_ref()).await?;
        from_json(&read.bytes).map(Upload)
    }
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (status, code, title) = match error.classify() {
            serde_json::error::Category::Data => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", "The body has not the expected form")
            }
            _ => (StatusCode::BAD_REQUEST, "invalid-json", "The body is not JSON"),
        };
        Problem::new(status, code, title, error.to_string())
            .help("the form of each body is in /api/v1/openapi.json")
            .with("line", error.line())
            .with("column", error.column())
    })
}

/// The query part of an address.
#[derive(Debug, Clone)]
pub struct Filter<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Filter<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Filter<T>, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Filter(query.0)).map_err(|error| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-filter",
                "The address cannot be used",
                error.body_text(),
            )
            .help("the parameters of each address are in /api/v1/openapi.json")
        })
    }
}

/// Refuses a body of another type.
///
/// # Errors
/// 415 with the types that can be used.
pub fn expect_type(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if types.iter().any(|wanted| essence.eq_ignore_ascii_case(wanted)) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-type",
        "The body has another type",
        format!("Content-Type is `{given}`; this address takes {}", types.join(", ")),
    ))
}

/// How many bytes, as they travel and when they are decoded.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub travelling: usize,
    pub decoded: usize,
}

/// A body that was read, and its share of the memory.
pub struct ReadBody {
    pub bytes: Bytes,
    /// Given back when this is dropped.
    _share: Share,
}

/// Memory that several bodies share.
#[derive(Debug, Clone)]
pub struct Budget {
    left: Arc<AtomicUsize>,
}

impl Budget {
    /// So many bytes for all.
    pub fn new(bytes: usize) -> Budget {
        Budget { left: Arc::new(AtomicUsize::new(bytes)) }
    }

    fn share(&self) -> Share {
        Share { budget: self.clone(), bytes: 0 }
    }
}

/// What one body has of a [`Budget`].
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    bytes: usize,
}

impl Share {
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let taken = self.budget.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(bytes));
        match taken {
            Ok(_) => {
                self.bytes += bytes;
                Ok(())
            }
            Err(_) => Err(Problem::too_many("too many deliveries are on their way; nothing of this one was used", 2)),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

/// Reads a body, decompressed if it says so.
///
/// # Errors
/// 413 with the limit, 408 for a sender that is too slow, 415 for an unknown compression, 400 for a damaged one, 429
/// when the budget is spent.
pub async fn read(
    headers: &HeaderMap,
    body: axum::body::Body,
    limits: Limits,
    budget: &Budget,
    config: &ServerConfig,
    clock: &dyn Clock,
) -> Result<ReadBody, Problem> {
    let gzip = encoding(headers)?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.travelling as u64) {
        return Err(too_large(limits.travelling as u64));
    }
    let mut share = budget.share();
    let travelled = receive(body, limits.travelling, &mut share, config, clock).await?;
    if !gzip {
        return Ok(ReadBody { bytes: travelled, _share: share });
    }
    let decoded = tokio::task::spawn_blocking(move || {
        decompress(&travelled, limits.decoded, &mut share).map(|bytes| (bytes, share))
    });
    let (bytes, share) = decoded.await.map_err(|error| Problem::internal(&error))??;
    Ok(ReadBody { bytes, _share: share })
}

fn encoding(headers: &HeaderMap) -> Result<bool, Problem> {
    match headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default().trim().to_lowercase()) {
        None => Ok(false),
        Some(name) if name.is_empty() || name == "identity" => Ok(false),
        Some(name) if name == "gzip" => Ok(true),
        Some(name) => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-encoding",
            "The body is compressed in another way",
            format!("Content-Encoding is `{name}`; send gzip, or nothing compressed"),
        )),
    }
}

async fn receive(
    mut body: axum::body::Body,
    limit: usize,
    share: &mut Share,
    config: &ServerConfig,
    clock: &dyn Clock,
) -> Result<Bytes, Problem> {
    let started_us = clock.monotonic_us();
    let mut bytes = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(Duration::from_millis(config.body_idle_ms), body.frame()).await;
        let frame = match frame {
            Err(_) => return Err(too_slow(bytes.len())),
            Ok(None) => return Ok(bytes.freeze()),
            Ok(Some(Err(error))) => {
                let detail = format!("the body broke off after {} bytes: {error}", bytes.len());
                return Err(Problem::new(StatusCode::BAD_REQUEST, "broken-off", "The body broke off", detail));
            }
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(too_large(limit as u64));
        }
        share.grow(data.len())?;
        bytes.extend_from_slice(&data);
        let elapsed_ms = (clock.monotonic_us() - started_us) / 1_000;
        let owed_ms = elapsed_ms.saturating_sub(config.body_grace_ms);
        if (bytes.len() as u64) < owed_ms.saturating_mul(config.body_bytes_per_s) / 1_000 {
            return Err(too_slow(bytes.len()));
        }
    }
}

fn too_slow(read: usize) -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "too-slow",
        "The body came too slowly",
        format!("{read} bytes had arrived; nothing of them was used"),
    )
    .help("send it in smaller parts, or compressed with gzip")
    .header(header::CONNECTION, "close")
}

fn decompress(compressed: &[u8], limit: usize, share: &mut Share) -> Result<Bytes, Problem> {
    let mut decoder = MultiGzDecoder::new(compressed);
    let mut bytes = BytesMut::new();
    let mut piece = vec![0; PIECE];
    loop {
        match decoder.read(&mut piece) {
            Ok(0) => return Ok(bytes.freeze()),
            Ok(read) if bytes.len() + read > limit => return Err(too_large(limit as u64).with("decompressed", true)),
            Ok(read) => {
                share.grow(read)?;
                bytes.extend_from_slice(&piece[..read]);
            }
            Err(error) => {
                let detail = format!("gzip is damaged after {} decompressed bytes: {error}", bytes.len());
                return Err(Problem::new(StatusCode::BAD_REQUEST, "damaged-gzip", "The body is damaged", detail));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_bomb_stops_at_the_limit_and_gives_its_memory_back() {
        let bomb = gzip(&vec![b' '; 8 << 20]);
        assert!(bomb.len() < 16 << 10);
        let budget = Budget::new(4 << 20);
        let problem = decompress(&bomb, 1 << 20, &mut budget.share()).unwrap_err();
        assert_eq!(problem.code(), "too-large");
        assert_eq!(budget.left.load(Ordering::Acquire), 4 << 20);
        let problem = decompress(&bomb, 1 << 30, &mut budget.share()).unwrap_err();
        assert_eq!(problem.code(), "too-many", "the budget of all deliveries holds, too");
    }

    #[test]
    fn members_follow_each_other_and_damage_is_named() {
        let budget = Budget::new(1 << 20);
        let two = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(decompress(&two, 1 << 20, &mut budget.share()).unwrap(), "one\ntwo\n");
        let problem = decompress(&two[..two.len() - 6], 1 << 20, &mut budget.share()).unwrap_err();
        assert_eq!(problem.code(), "damaged-gzip");
    }

    #[test]
    fn bad_json_names_its_place() {
        let problem = from_json::<crate::api::session::LoginRequest>(b"{\"name\":\"a\",\n \"passwort\":1}").err();
        let body = problem.expect("it is refused").into_body("x");
        assert_eq!((body.code.as_str(), body.status), ("invalid-body", 422));
        assert!(body.detail.contains("passwort") && body.detail.contains("line 2"), "{}", body.detail);
    }
}
