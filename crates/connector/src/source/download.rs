//! One GET of one address (RFC 9110): whole, unchanged, or an error.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, StatusCode};

use super::Taken;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Origin, open};
use crate::secret::Secret;
use crate::trust::Trust;

/// How long an answer may take, from the first byte of the question to the last of the answer.
const ANSWER: Duration = Duration::from_secs(300);

/// What is fetched, and what of it is known.
pub struct Address<'a> {
    /// `https://…`, or `http://` on this machine.
    pub url: &'a str,
    pub trust: &'a Trust,
    /// A header with a secret value: `Authorization`, `X-Api-Key`.
    pub header: Option<(&'a str, &'a Secret)>,
    /// From the last time.
    pub etag: Option<&'a str>,
    pub last_modified: Option<&'a str>,
    pub largest_bytes: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Download {
    /// It is as it was.
    Unchanged,
    Taken(Taken),
}

/// Fetches it. A redirection is not followed: the secret would go where nobody said.
///
/// # Errors
/// [`Transient`](ErrorKind::Transient) when the server is away, busy or breaks off; [`Auth`](ErrorKind::Auth) for a secret or a
/// certificate that does not hold; [`Invalid`](ErrorKind::Invalid) for an address that leads elsewhere or an answer that is too
/// large; [`Garbled`](ErrorKind::Garbled) when a cut answer could not be told from a whole one.
pub async fn download(address: &Address<'_>) -> Result<Download, ConnectorError> {
    let timed = tokio::time::timeout(ANSWER, fetch(address)).await;
    timed.map_err(|_| ConnectorError::transient(format!("the answer took longer than {} s", ANSWER.as_secs())))?
}

/// Whether an address can be fetched.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) when it is none, or plain HTTP to another machine.
pub fn check_address(url: &str) -> Result<(), ConnectorError> {
    Origin::parse(url).map(drop)
}

async fn fetch(address: &Address<'_>) -> Result<Download, ConnectorError> {
    let (origin, _) = Origin::parse(address.url)?;
    let mut sender = open(&origin, address.trust).await?;
    let response = sender.send_request(request(address, &origin)?).await;
    let response = response.map_err(|error| ConnectorError::transient(format!("the connection broke: {error}")))?;
    let (status, headers) = (response.status(), response.headers().clone());
    if status == StatusCode::NOT_MODIFIED {
        return match address.etag.or(address.last_modified) {
            Some(_) => Ok(Download::Unchanged),
            None => Err(ConnectorError::garbled("it says that it is unchanged, and nobody asked")),
        };
    }
    if status != StatusCode::OK {
        return Err(refusal(status, &headers));
    }
    if let Some(coding) = text(&headers, &header::CONTENT_ENCODING).filter(|coding| *coding != "identity") {
        return Err(ConnectorError::garbled(format!("the answer is packed as {coding}, which nobody asked for")));
    }
    let is_framed = headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING);
    if !is_framed {
        return Err(ConnectorError::garbled(
            "the answer says neither its length nor comes in chunks: a cut one could not be told from a whole one",
        ));
    }
    let body = Limited::new(response.into_body(), address.largest_bytes).collect().await;
    let body = body.map_err(|error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
        Some(_) => {
            let most = address.largest_bytes >> 20;
            ConnectorError::invalid(format!(
                "the answer is larger than {most} MiB: raise `largest_mb`, or ask for less"
            ))
        }
        None => ConnectorError::transient(format!("the answer broke off: {error}")),
    })?;
    let known = |name: HeaderName| text(&headers, &name).map(str::to_owned);
    Ok(Download::Taken(Taken {
        body: body.to_bytes().to_vec(),
        records: None,
        etag: known(header::ETAG),
        last_modified: known(header::LAST_MODIFIED),
    }))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn request(address: &Address<'_>, origin: &Origin) -> Result<Request<Full<Bytes>>, ConnectorError> {
    let mut builder = Request::get(path(address.url))
        .header(header::HOST, origin.authority())
        .header(header::ACCEPT, "application/json, application/scim+json, text/csv, application/x-ndjson")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::USER_AGENT, "vigie");
    if let Some((name, secret)) = address.header {
        let mut value = HeaderValue::from_str(secret.reveal())
            .map_err(|_| ConnectorError::new(ErrorKind::Auth, "the secret has characters that no header can have"))?;
        value.set_sensitive(true);
        builder = builder.header(name, value);
    }
    if let Some(etag) = address.etag {
        builder = builder.header(header::IF_NONE_MATCH, etag);
    }
    if let Some(at) = address.last_modified {
        builder = builder.header(header::IF_MODIFIED_SINCE, at);
    }
    builder
        .body(Full::new(Bytes::new()))
        .map_err(|_| ConnectorError::invalid("the address or the header cannot be written"))
}

/// Path and query of an address, without the fragment.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

fn refusal(status: StatusCode, headers: &HeaderMap) -> ConnectorError {
    let raw = |error: ConnectorError| error.with_raw(status.as_u16(), status.canonical_reason().unwrap_or(""));
    match status.as_u16() {
        300..=399 => {
            let to = text(headers, &header::LOCATION).unwrap_or("elsewhere");
            raw(ConnectorError::invalid(format!("it leads to {to}: write that address")))
        }
        401 | 403 => raw(ConnectorError::new(ErrorKind::Auth, "the secret does not open it")),
        404 | 410 => raw(ConnectorError::invalid("there is nothing at this address")),
        408 | 425 | 429 | 500..=599 => {
            let seconds: Option<u64> = text(headers, &header::RETRY_AFTER).and_then(|text| text.trim().parse().ok());
            let retry_after_ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
            raw(ConnectorError { retry_after_ms, ..ConnectorError::transient("the server cannot answer now") })
        }
        _ => raw(ConnectorError::new(ErrorKind::Refused, "the server does not give it")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn path_and_query_travel_and_the_fragment_does_not() {
        assert_eq!(super::path("https://hr.vigie.test/people.json?since=1#top"), "/people.json?since=1");
        assert_eq!(super::path("https://hr.vigie.test"), "/");
        assert_eq!(super::path("https://hr.vigie.test/a/"), "/a/");
    }
}
