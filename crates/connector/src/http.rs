//! Requests over HTTP/1.1 to targets that speak JSON: one connection, kept while it lasts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::{ConnectorError, ErrorKind};
use crate::secret::Secret;
use crate::trust::Trust;

/// How long a target may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a target may take to answer whole.
const ANSWER: Duration = Duration::from_secs(60);
/// Bytes of the largest answer.
const LARGEST: usize = 64 << 20;

/// Where a target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin and the path of an address.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when it is none, or plain HTTP to another machine: the token would travel in the clear.
    pub fn parse(url: &str) -> Result<(Origin, String), ConnectorError> {
        let bad = || ConnectorError::invalid(format!("`{url}` is no address; write https://HOST/PATH"));
        let (secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(bad()),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() => (host, port.parse().map_err(|_| bad())?),
            _ => (authority, if secure { 443 } else { 80 }),
        };
        if host.is_empty() || host.contains(['@', '[', ' ']) {
            return Err(bad());
        }
        let loopback =
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if !secure && !loopback {
            return Err(ConnectorError::invalid(format!(
                "{host} is not this machine: use https, or the token travels in the clear"
            )));
        }
        Ok((Origin { secure, host: host.to_owned(), port }, path.trim_end_matches('/').to_owned()))
    }

    /// Host and port, as a request names them.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    /// `Null`: none.
    pub body: Json,
    /// `Retry-After` in seconds.
    pub retry_after_s: Option<u64>,
}

/// One request.
pub struct Call<'a> {
    pub method: Method,
    /// Path and query.
    pub path: &'a str,
    /// Media type of question and answer.
    pub kind: &'a str,
    pub body: Body<'a>,
    pub headers: &'a [(&'static str, &'a str)],
    /// `None`: nobody signs in.
    pub token: Option<&'a Secret>,
}

/// What travels with a request.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    None,
    Json(&'a Json),
    /// `application/x-www-form-urlencoded`: a secret may be in it.
    Form(&'a Secret),
}

/// A connection to one target.
pub struct Http {
    origin: Origin,
    trust: Trust,
    token: Secret,
    live: tokio::sync::Mutex<Option<SendRequest<Full<Bytes>>>>,
}

impl Http {
    pub fn new(origin: Origin, trust: Trust, token: Secret) -> Http {
        Http { origin, trust, token, live: tokio::sync::Mutex::new(None) }
    }

    /// Sends a request and reads its answer. Requests of one target take turns.
    ///
    /// # Errors
    /// [`Transient`](ErrorKind::Transient), [`Auth`](ErrorKind::Auth) for a certificate, [`Garbled`](ErrorKind::Garbled); what a
    /// status means is the caller's.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Option<&Json>,
    ) -> Result<Answer, ConnectorError> {
        let body = body.map_or(Body::None, Body::Json);
        self.call(&Call { method, path, kind, body, headers: &[], token: Some(&self.token) }).await
    }

    /// Sends a request with headers and a token of its own.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub async fn call(&self, call: &Call<'_>) -> Result<Answer, ConnectorError> {
        let sending = async {
            let mut live = self.live.lock().await;
            let idle = live.take().filter(|sender| !sender.is_closed());
            let reused = idle.is_some();
            let mut sender = match idle {
                Some(sender) => sender,
                None => open(&self.origin, &self.trust).await?,
            };
            let request = self.request(call)?;
            let response = match sender.send_request(request).await {
                // An idle connection that the target had closed: the request was not seen.
                Err(error) if reused && error.is_canceled() => {
                    sender = open(&self.origin, &self.trust).await?;
                    sender.send_request(self.request(call)?).await
                }
                other => other,
            };
            let response = response.map_err(|error| broken(&error))?;
            let status = response.status();
            let text = |name: header::HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
            let retry_after_s = text(header::RETRY_AFTER).and_then(|text| text.trim().parse().ok());
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            let bytes =
                body.map_err(|error| ConnectorError::transient(format!("the answer broke off: {error}")))?.to_bytes();
            let body = if bytes.is_empty() {
                Json::Null
            } else {
                serde_json::from_slice(&bytes).unwrap_or_else(|_| raw(&bytes))
            };
            *live = Some(sender);
            Ok(Answer { status, body, retry_after_s })
        };
        let timed = tokio::time::timeout(ANSWER, sending).await;
        timed.map_err(|_| ConnectorError::transient("the target does not answer in time"))?
    }

    fn request(&self, call: &Call<'_>) -> Result<Request<Full<Bytes>>, ConnectorError> {
        let (bytes, sent) = match call.body {
            Body::None => (Bytes::new(), None),
            Body::Json(body) => (Bytes::from(body.to_string()), Some(call.kind)),
            Body::Form(form) => {
                (Bytes::copy_from_slice(form.reveal().as_bytes()), Some("application/x-www-form-urlencoded"))
            }
        };
        let mut builder = Request::builder()
            .method(&call.method)
            .uri(call.path)
            .header(header::HOST, self.origin.authority())
            .header(header::ACCEPT, call.kind);
        if let Some(token) = call.token {
            builder = builder.header(header::AUTHORIZATION, format!("Bearer {}", token.reveal()));
        }
        if let Some(sent) = sent {
            builder = builder.header(header::CONTENT_TYPE, sent);
        }
        for (name, value) in call.headers {
            builder = builder.header(*name, *value);
        }
        builder
            .body(Full::new(bytes))
            .map_err(|_| ConnectorError::invalid("the request cannot be written: check address and token"))
    }
}

/// Connects, with TLS where the address says so.
///
/// # Errors
/// [`Transient`](ErrorKind::Transient) when it is away, [`Auth`](ErrorKind::Auth) for a certificate.
pub async fn open(origin: &Origin, trust: &Trust) -> Result<SendRequest<Full<Bytes>>, ConnectorError> {
    let Origin { secure, host, port } = origin;
    let away = |problem: String| ConnectorError::transient(format!("{host}:{port} cannot be reached: {problem}"));
    let tcp = tokio::time::timeout(CONNECT, TcpStream::connect((host.as_str(), *port))).await;
    let tcp = tcp.map_err(|_| away("it does not answer".to_owned()))?.map_err(|error| away(error.to_string()))?;
    let _ = tcp.set_nodelay(true);
    if !secure {
        let (sender, connection) = handshake(TokioIo::new(tcp)).await.map_err(|error| broken(&error))?;
        tokio::spawn(connection);
        return Ok(sender);
    }
    let name =
        ServerName::try_from(host.clone()).map_err(|_| ConnectorError::invalid(format!("`{host}` is no host")))?;
    let tls = TlsConnector::from(Arc::new(trust.client_config()?));
    let tls = tls.connect(name, tcp).await.map_err(|error| {
        let certificate = error.get_ref().is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some());
        let kind = if certificate { ErrorKind::Auth } else { ErrorKind::Transient };
        ConnectorError::new(kind, format!("{host}: the server is not trusted or speaks no TLS: {error}"))
    })?;
    let (sender, connection) = handshake(TokioIo::new(tls)).await.map_err(|error| broken(&error))?;
    tokio::spawn(connection);
    Ok(sender)
}

fn broken(error: &hyper::Error) -> ConnectorError {
    ConnectorError::transient(format!("the connection broke: {error}"))
}

/// Something that is no JSON, for an error to quote.
fn raw(bytes: &[u8]) -> Json {
    Json::String(String::from_utf8_lossy(&bytes[..bytes.len().min(500)]).into_owned())
}

/// A text as part of an address (RFC 3986 §2.3).
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_do_not_travel_in_the_clear() {
        assert!(Origin::parse("https://scim.vigie.test/v2/").is_ok_and(|(_, path)| path == "/v2"));
        assert!(Origin::parse("http://127.0.0.1:8080/v2").is_ok());
        for bad in ["http://scim.vigie.test/v2", "ftp://x", "https://", "https://user@host/"] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(encode("a b\"é"), "a%20b%22%C3%A9");
    }
}
