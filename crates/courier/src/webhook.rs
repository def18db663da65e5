//! Webhooks out: a signed POST to an address of the configuration.
//!
//! Signed as *Standard Webhooks* 1.0: `webhook-id`, `webhook-timestamp` and `webhook-signature`, an HMAC-SHA256 over
//! `id.timestamp.body`. The id is the same at every try, so that the receiver can tell a repetition.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use kernel::Timestamp;
use kernel::message::Means;
use rustls::ClientConfig;
use serde_json::json;
use sha2::Sha256;

use crate::channel::{Channel, Limits, Outcome, Piece};
use crate::error::Error;
use crate::outgoing::Outgoing;
use crate::room::Courier;
use crate::tls;

const NAME: &str = "webhook";
const ANSWER: Duration = Duration::from_secs(30);
/// What of an answer is read, to show it.
const MOST_ANSWER: usize = 4 << 10;

/// Where.
#[derive(Clone)]
pub struct WebhookSettings {
    /// By name: `https://host/path`.
    pub places: BTreeMap<String, String>,
    /// The shared secret; `whsec_…` is base64, anything else is taken as it is.
    pub secret: String,
    pub tls: Arc<ClientConfig>,
}

/// The channel.
pub struct Webhook {
    places: BTreeMap<String, url::Url>,
    key: Vec<u8>,
    tls: Arc<ClientConfig>,
    courier: Courier,
}

impl Webhook {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`Error::Configuration`] names what cannot be used.
    pub fn new(settings: WebhookSettings, courier: Courier) -> Result<Webhook, Error> {
        if settings.secret.is_empty() {
            return Err(Error::configuration("webhook_secret", "webhooks are signed; set it in the environment"));
        }
        let key = match settings.secret.strip_prefix("whsec_") {
            Some(encoded) => {
                STANDARD.decode(encoded).map_err(|error| Error::configuration("webhook_secret", error.to_string()))?
            }
            None => settings.secret.clone().into_bytes(),
        };
        let mut places = BTreeMap::new();
        for (name, address) in settings.places {
            let refuse = |problem: String| Error::configuration("webhooks", format!("{name}: {problem}"));
            let url = url::Url::parse(&address).map_err(|error| refuse(error.to_string()))?;
            let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
            if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
                return Err(refuse(format!("`{address}` is not https://…; http is for this machine alone")));
            }
            places.insert(name, url);
        }
        courier.expect_channel(NAME, "webhooks");
        Ok(Webhook { places, key, tls: settings.tls, courier })
    }

    async fn post(&self, url: &url::Url, id: &str, body: String) -> Result<(StatusCode, Option<u32>, String), String> {
        let host = url.host_str().ok_or("the address names no host")?.to_owned();
        let port = url.port_or_known_default().ok_or("the address names no port")?;
        let tls = (url.scheme() == "https").then_some(&self.tls);
        let stream = tls::connect(&host, port, tls).await?;
        let told = |error: hyper::Error| format!("{host}:{port}: {error}");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
        let timestamp = self.courier.now().micros().div_euclid(1_000_000);
        let signature = sign(&self.key, id, timestamp, body.as_bytes());
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let request = Request::post(target)
            .header("host", if url.port().is_some() { format!("{host}:{port}") } else { host.clone() })
            .header("content-type", "application/json")
            .header("user-agent", "Vigie")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let answer = async move {
            let response = sender.send_request(request).await.map_err(told)?;
            let status = response.status();
            let retry =
                response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let text = Limited::new(response.into_body(), MOST_ANSWER).collect().await;
            let text = text.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default();
            Ok((status, retry, text))
        };
        // Together: the connection carries the answer, and ends when the sender is gone.
        let (answered, ended) = tokio::join!(answer, connection);
        answered.map_err(|problem: String| match ended {
            Ok(()) => problem,
            Err(error) => format!("{problem}: {error}"),
        })
    }
}

/// `v1,` and the base64 of the HMAC.
pub fn sign(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// What is posted.
fn content(message: &Outgoing, at: Timestamp) -> String {
    let body = json!({
        "type": "message.requested",
        "timestamp": at.to_string(),
        "data": {
            "id": message.id, "about": message.about, "subject": message.headline(), "text": message.body(),
            "precedence": message.precedence, "exercise": message.exercise, "requested": message.requested.to_string(),
        },
    });
    body.to_string()
}

#[async_trait]
impl Channel for Webhook {
    fn name(&self) -> &str {
        NAME
    }

    fn means(&self) -> Means {
        Means::Webhook
    }

    fn limits(&self) -> Limits {
        Limits { per_second: 20.0, at_once: 8 }
    }

    async fn send(&self, message: &Outgoing, _taken: &[Piece]) -> Outcome {
        let name = &message.address().address;
        let Some(url) = self.places.get(name) else {
            let known: Vec<&str> = self.places.keys().map(String::as_str).collect();
            let problem = format!("no webhook is called `{name}`; these are: {}", known.join(", "));
            return Outcome::Refused { problem };
        };
        let id = message.id.to_string();
        let posted = tokio::time::timeout(ANSWER, self.post(url, &id, content(message, message.requested))).await;
        let outcome = match posted {
            Err(_) => Outcome::failed(format!("`{name}` does not answer within 30 s")),
            Ok(Err(problem)) => Outcome::failed(problem),
            Ok(Ok((status, _, _))) if status.is_success() => {
                let pieces = vec![Piece { number: 1, total: 1, provider_id: id }];
                Outcome::Accepted { pieces, receipts_follow: false }
            }
            Ok(Ok((status, retry_after_s, text))) => {
                let said: String = text.chars().take(200).collect();
                let problem = format!("`{name}` answers {status}: {said}");
                let busy = status.is_server_error() || matches!(status.as_u16(), 401 | 403 | 408 | 425 | 429);
                if busy {
                    Outcome::Failed { pieces: Vec::new(), problem, retry_after_s }
                } else {
                    Outcome::Refused { problem }
                }
            }
        };
        self.courier.note_connection(
            NAME,
            match &outcome {
                Outcome::Failed { problem, .. } => Err(problem.clone()),
                Outcome::Accepted { .. } | Outcome::Refused { .. } => Ok(()),
            },
        );
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
