//! MQTT: positions and texts of OwnTracks and Meshtastic from a broker, texts to a mesh through its gateway.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::message::Means;
use parking_lot::Mutex;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, Publish, QoS, Transport};
use rustls::ClientConfig;
use serde_json::json;

use crate::arrival::Reading;
use crate::channel::{Channel, Limits, Outcome, Piece};
use crate::error::Error;
use crate::feed::{meshtastic, owntracks};
use crate::outgoing::Outgoing;
use crate::retry::Backoff;
use crate::room::Courier;

const NAME: &str = "mqtt";
/// The largest packet that is taken.
const MOST_BYTES: usize = 256 << 10;

/// Where, as whom, and what is listened to.
#[derive(Clone)]
pub struct MqttSettings {
    /// `mqtt://host:1883`, or `mqtts://host:8883`.
    pub url: String,
    /// Stable, so that the broker keeps what came while we were away.
    pub client_id: String,
    pub user: String,
    pub password: String,
    /// `owntracks/#`, `msh/+/2/json/#`.
    pub topics: Vec<String>,
    /// Where a gateway of Meshtastic takes what is to be sent: `msh/EU_868/2/json/mqtt/`. Empty: nothing is sent.
    pub send_topic: String,
    pub tls: Arc<ClientConfig>,
}

/// The connection.
pub struct Mqtt {
    settings: MqttSettings,
    options: MqttOptions,
    client: Mutex<Option<AsyncClient>>,
}

impl Mqtt {
    /// Reads the settings; connects when it is [run](Mqtt::run).
    ///
    /// # Errors
    /// [`Error::Configuration`] names what cannot be used.
    pub fn new(settings: MqttSettings) -> Result<Mqtt, Error> {
        let refuse = |problem: String| Error::configuration("mqtt_url", problem);
        let url = url::Url::parse(&settings.url).map_err(|error| refuse(format!("{}: {error}", settings.url)))?;
        let encrypted = match url.scheme() {
            "mqtt" => false,
            "mqtts" => true,
            other => return Err(refuse(format!("`{other}` is not possible; write mqtt://host or mqtts://host"))),
        };
        let host = url.host_str().ok_or_else(|| refuse("it names no host".to_owned()))?;
        let port = url.port().unwrap_or(if encrypted { 8883 } else { 1883 });
        let mut options = MqttOptions::new(&settings.client_id, host, port);
        // A session that stays, and messages that we acknowledge ourselves: what was not kept comes again.
        options.set_clean_session(false).set_manual_acks(true).set_keep_alive(Duration::from_secs(30));
        options.set_max_packet_size(MOST_BYTES, MOST_BYTES);
        if encrypted {
            let tls = rumqttc::TlsConfiguration::Rustls(settings.tls.clone());
            options.set_transport(Transport::tls_with_config(tls));
        }
        if !settings.user.is_empty() {
            options.set_credentials(&settings.user, &settings.password);
        }
        Ok(Mqtt { settings, options, client: Mutex::new(None) })
    }

    /// Whether texts can be sent.
    pub fn sends(&self) -> bool {
        !self.settings.send_topic.is_empty()
    }

    /// Listens until it is dropped, which is safe at any moment.
    pub async fn run(self: Arc<Self>, courier: Courier) {
        courier.expect_channel(NAME, "MQTT: OwnTracks, Meshtastic");
        let mut backoff = Backoff::new();
        loop {
            let problem = self.session(&courier, &mut backoff).await;
            *self.client.lock() = None;
            tracing::warn!(channel = NAME, problem, "no connection to the broker; trying again");
            courier.note_connection(NAME, Err(problem));
            let chance = courier.store.random::<1>()[0];
            tokio::time::sleep(backoff.pause(chance)).await;
        }
    }

    async fn session(&self, courier: &Courier, backoff: &mut Backoff) -> String {
        let (client, mut events) = AsyncClient::new(self.options.clone(), 64);
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    backoff.reset();
                    for topic in &self.settings.topics {
                        if let Err(error) = client.try_subscribe(topic, QoS::AtLeastOnce) {
                            return error.to_string();
                        }
                    }
                    *self.client.lock() = Some(client.clone());
                    courier.note_connection(NAME, Ok(()));
                    courier.wake();
                }
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    let reading = read(&publish);
                    if let Err(error) = courier.take(NAME, &publish.payload, reading).await {
                        return format!("a packet could not be kept: {error}; the broker sends it again");
                    }
                    if let Err(error) = client.try_ack(&publish) {
                        return error.to_string();
                    }
                }
                Ok(Event::Incoming(Packet::Disconnect)) => return "the broker ended the connection".to_owned(),
                Ok(_) => {}
                Err(error) => return error.to_string(),
            }
        }
    }
}

/// What a packet says, by its topic.
fn read(publish: &Publish) -> Reading {
    let topic = &publish.topic;
    if topic.starts_with("msh/") || topic.contains("/json/") {
        return meshtastic::read(&publish.payload);
    }
    // OwnTracks sends a zero-length payload to forget a retained one.
    if publish.payload.is_empty() {
        return Reading::only("the payload is empty");
    }
    owntracks::read(Some(owntracks::device_of_topic(topic)), &publish.payload)
}

#[async_trait]
impl Channel for Mqtt {
    fn name(&self) -> &str {
        NAME
    }

    fn means(&self) -> Means {
        Means::Mqtt
    }

    fn limits(&self) -> Limits {
        // A mesh has little air time.
        Limits { per_second: 0.5, at_once: 1 }
    }

    async fn send(&self, message: &Outgoing, _taken: &[Piece]) -> Outcome {
        let Some(client) = self.client.lock().clone() else { return Outcome::failed("the broker is not connected") };
        let address = &message.address().address;
        let mut packet = json!({ "type": "sendtext", "payload": message.body() });
        if address != "all" {
            let Some(node) = address.strip_prefix('!').and_then(|hex| u32::from_str_radix(hex, 16).ok()) else {
                let problem = format!("`{address}` is neither `all` nor a node such as !7efeee00");
                return Outcome::Refused { problem };
            };
            packet["to"] = json!(node);
        }
        let published = client.publish(&self.settings.send_topic, QoS::AtLeastOnce, false, packet.to_string());
        match published.await {
            Ok(()) => Outcome::Accepted { pieces: Vec::new(), receipts_follow: false },
            Err(error) => Outcome::failed(error.to_string()),
        }
    }
}
