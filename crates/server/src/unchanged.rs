//! What a console knows already is not sent again: answers of the radio room carry a tag of what they say (RFC 9110, sections
//! 8.8.3 and 13.1.2), and one that would say the same is a `304` of a few bytes. On a link of some kilobits this is the
//! difference between a desk that follows and one that lags.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// The clock by which instants of the answer are to be read, when the answer itself is not sent.
const HOUSE_TIME: HeaderName = HeaderName::from_static("x-house-time");
/// The member that says what time it is: it differs with each answer and says nothing new.
const NOW: &[u8] = b"\"now\":\"";
/// More is sent as it is.
const MOST_BYTES: usize = 16 << 20;

/// Compares what a reading of the radio room says with what the asker has.
pub async fn unchanged(request: Request, next: Next) -> Response {
    let reads = request.method() == Method::GET && request.uri().path().starts_with("/api/v1/field/");
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !reads || !is_json || response.status() != StatusCode::OK || response.headers().contains_key(header::ETAG) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MOST_BYTES).await else {
        return Problem::internal(&"an answer of the radio room is larger than it may be").into_response();
    };
    let (tag, now) = tag_of(&bytes);
    let Ok(tag) = HeaderValue::from_str(&tag) else { return Response::from_parts(parts, Body::from(bytes)) };
    parts.headers.insert(header::ETAG, tag.clone());
    if known.is_none_or(|known| !lists(&known, &tag)) {
        return Response::from_parts(parts, Body::from(bytes));
    }
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    response.headers_mut().insert(header::ETAG, tag);
    if let Some(now) = now.and_then(|now| HeaderValue::from_bytes(now).ok()) {
        response.headers_mut().insert(HOUSE_TIME, now);
    }
    response
}

/// The tag of an answer, whatever time it is in it, and that time.
fn tag_of(bytes: &[u8]) -> (String, Option<&[u8]>) {
    let found = bytes.windows(NOW.len()).position(|window| window == NOW).map(|at| at + NOW.len());
    let now = found.and_then(|from| {
        let length = bytes[from..].iter().position(|byte| *byte == b'"')?;
        Some(from..from + length)
    });
    let mut digest = Sha256::new();
    match &now {
        Some(range) => {
            digest.update(&bytes[..range.start]);
            digest.update(&bytes[range.end..]);
        }
        None => digest.update(bytes),
    }
    let tag = hex::encode(&digest.finalize()[..12]);
    (format!("\"{tag}\""), now.map(|range| &bytes[range]))
}

/// Whether a list of tags has this one; weak ones compare as strong ones do.
fn lists(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    known.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_alone_makes_no_other_answer() {
        let (one, now) = tag_of(br#"{"now":"2026-11-30T10:00:00Z","missions":[1]}"#);
        assert_eq!(now, Some(b"2026-11-30T10:00:00Z".as_slice()));
        assert_eq!(tag_of(br#"{"now":"2026-11-30T10:00:07Z","missions":[1]}"#).0, one);
        assert_ne!(tag_of(br#"{"now":"2026-11-30T10:00:07Z","missions":[2]}"#).0, one);
        assert_eq!(tag_of(br#"{"now":"#).1, None);
        let of = |text: &str| HeaderValue::from_str(text).unwrap();
        assert!(lists(&of("\"b\", W/\"a\""), &of("\"a\"")) && !lists(&of("\"b\""), &of("\"a\"")));
    }
}
