//! The way to another node: frames over HTTPS, on one connection for as long as it holds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use courier::tls;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use replica::{Carrier, Link, Replica};
use rustls::ClientConfig;
use store::Store;
use tokio::sync::Mutex;

use crate::config::ReplicaSettings;

const PATH: &str = "/api/v1/replica/exchange";
/// A piece takes a second at 64 kbit/s; a link that is so much worse is down.
const ANSWER: Duration = Duration::from_secs(90);
const MOST_ANSWER: usize = 256 << 10;

/// This node, when it has a name.
pub fn this_node(settings: &ReplicaSettings, store: &Store) -> Result<Option<Replica>> {
    if settings.node.is_empty() {
        ensure!(settings.peer.is_empty() && settings.url.is_empty(), "replica.node is missing: this node needs a name");
        return Ok(None);
    }
    Ok(Some(Replica::new(store.clone(), &settings.node).context("replica.node")?))
}

/// The link to the node that the configuration names; `None`: this one waits to be dialled.
pub fn dial(
    replica: &Replica,
    settings: &ReplicaSettings,
    ca_file: Option<&Path>,
) -> Result<Option<Link<HttpCarrier>>> {
    if settings.peer.is_empty() && settings.url.is_empty() {
        return Ok(None);
    }
    if let Some(fault) = replica::node_fault(&settings.peer) {
        bail!("replica.peer: {fault}");
    }
    ensure!(settings.peer != settings.node, "replica.peer: {} is this node itself", settings.peer);
    ensure!(!settings.token.is_empty(), "replica.token is missing: the other node lets nobody in without");
    let url = url::Url::parse(&settings.url).with_context(|| format!("replica.url: `{}`", settings.url))?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let fits = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    ensure!(fits, "replica.url: `{url}` is not https://…; http is for this machine alone");
    let tls = tls::client(ca_file).context("courier.ca_file")?;
    let token = settings.token.clone();
    let carrier = HttpCarrier { url, token, tls, connection: Mutex::new(None) };
    Ok(Some(Link::new(replica.clone(), &settings.peer, carrier)))
}

/// The host as a socket and a certificate know it: an IPv6 address has brackets in a URL and nowhere else.
fn dialled(url: &url::Url) -> Option<String> {
    Some(match url.host()? {
        url::Host::Domain(name) => name.to_owned(),
        url::Host::Ipv4(address) => address.to_string(),
        url::Host::Ipv6(address) => address.to_string(),
    })
}

/// Carries frames over HTTP.
pub struct HttpCarrier {
    url: url::Url,
    token: String,
    tls: Arc<ClientConfig>,
    connection: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

#[async_trait]
impl Carrier for HttpCarrier {
    async fn exchange(&self, frame: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut connection = self.connection.lock().await;
        // A connection on which something failed is not used again.
        let mut sender = match connection.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let answer = tokio::time::timeout(ANSWER, self.send(&mut sender, frame)).await;
        let answer = answer.map_err(|_| format!("{} does not answer within {} s", self.host(), ANSWER.as_secs()))??;
        *connection = Some(sender);
        Ok(answer)
    }
}

impl HttpCarrier {
    fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let host = dialled(&self.url).ok_or("the address names no host")?;
        let host = host.as_str();
        let port = self.url.port_or_known_default().ok_or("the address names no port")?;
        let encrypted = (self.url.scheme() == "https").then_some(&self.tls);
        let stream = tls::connect(host, port, encrypted).await?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| format!("{host}:{port}: {error}"))?;
        // It ends with its sender.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn send(&self, sender: &mut SendRequest<Full<Bytes>>, frame: Vec<u8>) -> Result<Vec<u8>, String> {
        let host = self.host();
        let told = |error: hyper::Error| format!("{host}: {error}");
        sender.ready().await.map_err(told)?;
        let request = Request::post(PATH)
            .header("host", &host)
            .header("content-type", "application/octet-stream")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Full::new(Bytes::from(frame)))
            .map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(told)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST_ANSWER).collect().await;
        let body = body.map_err(|error| format!("{host}: {error}"))?.to_bytes();
        if status.is_success() {
            return Ok(body.to_vec());
        }
        let said: String = String::from_utf8_lossy(&body).chars().take(300).collect();
        Err(format!("{host} answers {status}: {said}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_dialled_without_the_brackets_of_a_url() {
        let check = |url: &str, host: &str| assert_eq!(dialled(&url::Url::parse(url).unwrap()).as_deref(), Some(host));
        check("https://hq.example.org", "hq.example.org");
        check("https://192.0.2.7:8420", "192.0.2.7");
        check("https://[2001:db8::7]:8420", "2001:db8::7");
    }
}
