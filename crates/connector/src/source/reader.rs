//! GETs of one place (RFC 9110), one after the other on one connection: each answer is whole or an error.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, StatusCode};

use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Origin, open};
use crate::secret::Secret;
use crate::trust::Trust;

/// How long an answer may take, from the first byte of the question to the last of the answer.
const ANSWER: Duration = Duration::from_secs(300);

/// Who is asked, and how.
pub struct Reader<'a> {
    origin: Origin,
    trust: &'a Trust,
    header: Option<(&'a str, &'a Secret)>,
    accept: &'static str,
    live: Option<SendRequest<Full<Bytes>>>,
    largest_bytes: usize,
    /// Bytes that may still come.
    left: usize,
}

/// What is known of an address from the last time.
#[derive(Clone, Copy, Default)]
pub struct Seen<'a> {
    pub etag: Option<&'a str>,
    pub last_modified: Option<&'a str>,
}

/// An answer.
pub struct Got {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Got {
    pub fn text(&self, name: &HeaderName) -> Option<&str> {
        text(&self.headers, name)
    }
}

impl<'a> Reader<'a> {
    /// Nothing is asked yet. All answers together have at most `largest_bytes`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for an address that is none, or plain HTTP to another machine.
    pub fn new(
        url: &str,
        trust: &'a Trust,
        header: Option<(&'a str, &'a Secret)>,
        accept: &'static str,
        largest_bytes: usize,
    ) -> Result<Reader<'a>, ConnectorError> {
        let (origin, _) = Origin::parse(url)?;
        Ok(Reader { origin, trust, header, accept, live: None, largest_bytes, left: largest_bytes })
    }

    /// What was read so far does not count any more.
    pub fn begin_again(&mut self) {
        self.left = self.largest_bytes;
    }

    /// One answer; `None`: it is as it was seen. A redirection is not followed: the secret would go where nobody said.
    ///
    /// # Errors
    /// As [`super::download`].
    pub async fn get(&mut self, path: &str, seen: Seen<'_>) -> Result<Option<Got>, ConnectorError> {
        let timed = tokio::time::timeout(ANSWER, self.ask(path, seen)).await;
        timed.map_err(|_| ConnectorError::transient(format!("the answer took longer than {} s", ANSWER.as_secs())))?
    }

    async fn ask(&mut self, path: &str, seen: Seen<'_>) -> Result<Option<Got>, ConnectorError> {
        let idle = self.live.take().filter(|sender| !sender.is_closed());
        let reused = idle.is_some();
        let mut sender = match idle {
            Some(sender) => sender,
            None => open(&self.origin, self.trust).await?,
        };
        let response = match sender.send_request(self.request(path, seen)?).await {
            // The other side may have closed a connection that was used before; to ask twice does no harm.
            Err(_) if reused => {
                sender = open(&self.origin, self.trust).await?;
                sender.send_request(self.request(path, seen)?).await
            }
            other => other,
        };
        let response = response.map_err(|error| ConnectorError::transient(format!("the connection broke: {error}")))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status == StatusCode::NOT_MODIFIED {
            return match seen.etag.or(seen.last_modified) {
                Some(_) => Ok(None),
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
        let body = Limited::new(response.into_body(), self.left).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
            Some(_) => {
                let most = self.largest_bytes >> 20;
                ConnectorError::invalid(format!(
                    "the answer is larger than {most} MiB: raise `largest_mb`, or ask for less"
                ))
            }
            None => ConnectorError::transient(format!("the answer broke off: {error}")),
        })?;
        let body = body.to_bytes();
        self.left -= body.len().min(self.left);
        self.live = Some(sender);
        Ok(Some(Got { headers, body }))
    }

    fn request(&self, path: &str, seen: Seen<'_>) -> Result<Request<Full<Bytes>>, ConnectorError> {
        let mut builder = Request::get(path)
            .header(header::HOST, self.origin.authority())
            .header(header::ACCEPT, self.accept)
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::USER_AGENT, "vigie");
        if let Some((name, secret)) = self.header {
            let mut value = HeaderValue::from_str(secret.reveal()).map_err(|_| {
                ConnectorError::new(ErrorKind::Auth, "the secret has characters that no header can have")
            })?;
            value.set_sensitive(true);
            builder = builder.header(name, value);
        }
        if let Some(etag) = seen.etag {
            builder = builder.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(at) = seen.last_modified {
            builder = builder.header(header::IF_MODIFIED_SINCE, at);
        }
        builder
            .body(Full::new(Bytes::new()))
            .map_err(|_| ConnectorError::invalid("the address or the header cannot be written"))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn refusal(status: StatusCode, headers: &HeaderMap) -> ConnectorError {
    let raw = |error: ConnectorError| error.with_raw(status.as_u16(), status.canonical_reason().unwrap_or(""));
    match status.as_u16() {
        300..=399 => {
            let to = text(headers, &header::LOCATION).unwrap_or("elsewhere");
            raw(ConnectorError::invalid(format!("it leads to {to}: write that address")))
        }
        401 | 403 => raw(ConnectorError::new(ErrorKind::Auth, "the secret does not open it")),
        404 | 410 => raw(ConnectorError::new(ErrorKind::NotFound, "there is nothing at this address")),
        408 | 425 | 429 | 500..=599 => {
            let seconds: Option<u64> = text(headers, &header::RETRY_AFTER).and_then(|text| text.trim().parse().ok());
            let retry_after_ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
            raw(ConnectorError { retry_after_ms, ..ConnectorError::transient("the server cannot answer now") })
        }
        _ => raw(ConnectorError::new(ErrorKind::Refused, "the server does not give it")),
    }
}
