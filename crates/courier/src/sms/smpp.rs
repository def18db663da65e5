//! The SMPP 3.4 client: one transceiver session, kept up, with submissions in a window.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use futures::{Stream, StreamExt};
use kernel::message::Means;
use parking_lot::Mutex;
use rusmpp::pdus::{BindTransceiver, DeliverSm, DeliverSmResp, SubmitSm};
use rusmpp::tlvs::TlvValue;
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::types::{COctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, InterfaceVersion, Npi, RegisteredDelivery, Ton};
use rusmpp::{Command, CommandStatus, Pdu};
use rusmppc::{Client, ConnectionBuilder, Event, error::Error as SmppError};
use rustls::ClientConfig;
use tokio_util::codec::Encoder;

use super::deliver::{self, Deliver};
use super::segment::{Header, MOST_SEGMENTS, plan};
use crate::channel::{Channel, Limits, Outcome, Piece};
use crate::error::Error;
use crate::outgoing::Outgoing;
use crate::retry::Backoff;
use crate::room::Courier;
use crate::tls;

/// The name of the channel.
pub const SMS: &str = "sms";
/// Longer than a link by satellite takes.
const ANSWER: Duration = Duration::from_secs(30);

/// Where and how to connect.
#[derive(Clone)]
pub struct SmppSettings {
    /// `smpp://host:2775`, or `smpps://host:2776` for TLS.
    pub url: String,
    pub system_id: String,
    pub password: String,
    pub system_type: String,
    /// What messages come from: a number, a short code or a name of up to 11 letters.
    pub source: String,
    pub per_second: f64,
    /// Submissions that wait for their answer.
    pub window: usize,
    /// How often the link is checked.
    pub enquire_link_s: u64,
    pub tls: Arc<ClientConfig>,
}

/// The channel.
pub struct Smpp {
    settings: SmppSettings,
    host: String,
    port: u16,
    encrypted: bool,
    link: Mutex<Result<Client, String>>,
}

impl Smpp {
    /// Reads the settings; connects when it is [run](Smpp::run).
    ///
    /// # Errors
    /// [`Error::Configuration`] names what cannot be used.
    pub fn new(settings: SmppSettings) -> Result<Smpp, Error> {
        let refuse = |problem: String| Error::configuration("sms_url", problem);
        let url = url::Url::parse(&settings.url).map_err(|error| refuse(format!("{}: {error}", settings.url)))?;
        let encrypted = match url.scheme() {
            "smpp" => false,
            "smpps" | "ssmpp" => true,
            other => {
                return Err(refuse(format!("`{other}` is not possible; write smpp://host:2775 or smpps://host:2776")));
            }
        };
        let host = url.host_str().ok_or_else(|| refuse("it names no host".to_owned()))?.to_owned();
        let port = url.port().unwrap_or(if encrypted { 2776 } else { 2775 });
        bind_of(&settings)?;
        source_of(&settings.source)?;
        let link = Mutex::new(Err("not connected yet".to_owned()));
        Ok(Smpp { settings, host, port, encrypted, link })
    }

    /// Keeps the session up until it is dropped, which is safe at any moment: what was not answered is delivered again.
    pub async fn run(self: Arc<Self>, courier: Courier) {
        courier.expect_channel(SMS, "SMS by SMPP 3.4");
        let mut backoff = Backoff::new();
        loop {
            let problem = match self.connect().await {
                Ok((client, events)) => {
                    backoff.reset();
                    *self.link.lock() = Ok(client.clone());
                    courier.note_connection(SMS, Ok(()));
                    courier.wake();
                    let problem = receive(&courier, &client, events).await;
                    let _ = client.close().await;
                    problem
                }
                Err(problem) => problem,
            };
            tracing::warn!(channel = SMS, problem, "no session with the SMSC; trying again");
            *self.link.lock() = Err(problem.clone());
            courier.note_connection(SMS, Err(problem));
            let chance = courier.store.random::<1>()[0];
            tokio::time::sleep(backoff.pause(chance)).await;
        }
    }

    async fn connect(&self) -> Result<(Client, impl Stream<Item = Event> + Unpin + use<>), String> {
        let tls = self.encrypted.then_some(&self.settings.tls);
        let stream = tls::connect(&self.host, self.port, tls).await?;
        let (client, events) = ConnectionBuilder::new()
            .enquire_link_interval(Duration::from_secs(self.settings.enquire_link_s.max(1)))
            .enquire_link_response_timeout(ANSWER)
            .response_timeout(ANSWER)
            .disable_interface_version_check()
            .connected(stream);
        let bind = bind_of(&self.settings).map_err(|error| error.to_string())?;
        client.bind_transceiver(bind).await.map_err(|error| format!("bind: {}", told(&error)))?;
        Ok((client, events))
    }

    fn submission(&self, to: &str, bytes: &[u8], header: Option<Header>, coding: u8) -> Result<SubmitSm, String> {
        let (ton, npi, source) = source_of(&self.settings.source).map_err(|error| error.to_string())?;
        let (dest_ton, dest_npi, destination) = number_of(to)?;
        let header = header.map(|header| {
            let reference = header.reference.to_be_bytes()[1];
            Header::bytes(reference, header.total, header.number)
        });
        let esm_class = EsmClass::from(if header.is_some() { 0x40 } else { 0 });
        let payload = [header.as_ref().map_or(&[][..], |header| &header[..]), bytes].concat();
        Ok(SubmitSm::builder()
            .source_addr_ton(ton)
            .source_addr_npi(npi)
            .source_addr(source)
            .dest_addr_ton(dest_ton)
            .dest_addr_npi(dest_npi)
            .destination_addr(destination)
            .esm_class(esm_class)
            .registered_delivery(RegisteredDelivery::request_all())
            .data_coding(DataCoding::from(coding))
            .short_message(OctetString::from_vec(payload).map_err(|error| error.to_string())?)
            .build())
    }
}

/// Takes what the network delivers until the session ends; returns why.
async fn receive(courier: &Courier, client: &Client, mut events: impl Stream<Item = Event> + Unpin) -> String {
    while let Some(event) = events.next().await {
        let command = match event {
            Event::Incoming(command) => command,
            Event::Error(error) => return told(&error),
        };
        match command.pdu() {
            Some(Pdu::DeliverSm(pdu)) => {
                let mut raw = BytesMut::new();
                if CommandCodec::new().encode(command.clone(), &mut raw).is_err() {
                    raw.extend_from_slice(pdu.short_message().as_ref());
                }
                let reading = deliver::read(&fields(pdu));
                // What could not be kept is asked for again: ESME_RX_T_APPN.
                let status = match courier.take(SMS, &raw, reading).await {
                    Ok(_) => CommandStatus::EsmeRok,
                    Err(error) => {
                        tracing::error!(%error, "a short message could not be kept; the SMSC delivers it again");
                        CommandStatus::EsmeRxTAppn
                    }
                };
                let answer = client.status(status).deliver_sm_resp(command.sequence_number(), DeliverSmResp::default());
                if let Err(error) = answer.await {
                    return told(&error);
                }
            }
            Some(Pdu::Unbind) => {
                let _ = client.unbind_resp(command.sequence_number()).await;
                return "the SMSC ended the session".to_owned();
            }
            _ => {
                let _ = client.generic_nack(command.sequence_number()).await;
            }
        }
    }
    "the connection was closed".to_owned()
}

fn fields(pdu: &DeliverSm) -> Deliver {
    let mut deliver = Deliver {
        esm_class: u8::from(pdu.esm_class),
        data_coding: u8::from(pdu.data_coding),
        source_ton: u8::from(pdu.source_addr_ton),
        source: pdu.source_addr.as_str().to_owned(),
        destination_ton: u8::from(pdu.dest_addr_ton),
        destination: pdu.destination_addr.as_str().to_owned(),
        payload: pdu.short_message().as_ref().to_vec(),
        ..Deliver::default()
    };
    let (mut reference, mut total, mut number) = (None, None, None);
    for value in pdu.tlvs().iter().filter_map(|tlv| tlv.value()) {
        match value {
            TlvValue::MessagePayload(payload) => deliver.payload = payload.value.as_ref().to_vec(),
            TlvValue::ReceiptedMessageId(id) => deliver.receipted = Some(id.as_str().to_owned()),
            TlvValue::MessageState(state) => deliver.state = Some(u8::from(*state)),
            TlvValue::SarMsgRefNum(value) => reference = Some(*value),
            TlvValue::SarTotalSegments(value) => total = Some(*value),
            TlvValue::SarSegmentSeqnum(value) => number = Some(*value),
            _ => {}
        }
    }
    if let (Some(reference), Some(total), Some(number)) = (reference, total, number) {
        deliver.sar = Some((reference, total, number));
    }
    deliver
}

#[async_trait]
impl Channel for Smpp {
    fn name(&self) -> &str {
        SMS
    }

    fn means(&self) -> Means {
        Means::Sms
    }

    fn limits(&self) -> Limits {
        Limits { per_second: self.settings.per_second, at_once: self.settings.window }
    }

    async fn send(&self, message: &Outgoing, taken: &[Piece]) -> Outcome {
        let link = self.link.lock().clone();
        let client = match link {
            Ok(client) => client,
            Err(problem) => return Outcome::failed(format!("no session with the SMSC: {problem}")),
        };
        let plan = plan(&message.body());
        if plan.segments.len() > MOST_SEGMENTS {
            let problem =
                format!("the text needs {} short messages; {MOST_SEGMENTS} are possible", plan.segments.len());
            return Outcome::Refused { problem };
        }
        let total = u32::try_from(plan.segments.len()).unwrap_or(u32::MAX);
        // The same reference at every try, so that a phone completes what an earlier try began.
        let reference = u16::from(message.id.uuid().as_bytes()[15]);
        let mut pieces = Vec::new();
        for (number, segment) in (1_u32..).zip(&plan.segments) {
            if taken.iter().any(|piece| piece.number == number) {
                continue;
            }
            let header = (total > 1).then(|| Header {
                reference,
                total: u8::try_from(total).unwrap_or(u8::MAX),
                number: u8::try_from(number).unwrap_or(u8::MAX),
            });
            let coding = plan.coding.data_coding();
            let submission = match self.submission(&message.address().address, segment, header, coding) {
                Ok(submission) => submission,
                Err(problem) => return Outcome::Refused { problem },
            };
            match client.submit_sm(submission).await {
                Ok(answer) => {
                    let provider_id = answer.message_id().as_str().to_owned();
                    pieces.push(Piece { number, total, provider_id });
                }
                Err(error) => return refusal(&error, pieces),
            }
        }
        // A network that gives no ids can send no receipts that could be told apart.
        let receipts_follow = taken.iter().chain(&pieces).all(|piece| !piece.provider_id.is_empty());
        pieces.retain(|piece| !piece.provider_id.is_empty());
        Outcome::Accepted { pieces, receipts_follow }
    }
}

/// What an error of a submission means. SMPP 3.4, 5.1.3.
fn refusal(error: &SmppError, pieces: Vec<Piece>) -> Outcome {
    let problem = told(error);
    let SmppError::UnexpectedResponse { response } = error else {
        return Outcome::Failed { pieces, problem, retry_after_s: None };
    };
    match response.status() {
        CommandStatus::EsmeRthrottled | CommandStatus::EsmeRmsgqful => {
            Outcome::Failed { pieces, problem, retry_after_s: Some(2) }
        }
        CommandStatus::EsmeRinvdstadr
        | CommandStatus::EsmeRinvdstton
        | CommandStatus::EsmeRinvdstnpi
        | CommandStatus::EsmeRinvsrcadr
        | CommandStatus::EsmeRinvmsglen
        | CommandStatus::EsmeRprohibited => Outcome::Refused { problem },
        _ => Outcome::Failed { pieces, problem, retry_after_s: None },
    }
}

fn told(error: &SmppError) -> String {
    match error {
        SmppError::UnexpectedResponse { response } => {
            let status: Command = (**response).clone();
            format!("the SMSC answers {:?} (0x{:08x})", status.status(), u32::from(status.status()))
        }
        other => other.to_string(),
    }
}

fn bind_of(settings: &SmppSettings) -> Result<BindTransceiver, Error> {
    let text = |key: &'static str, what: &str, most: usize| {
        Error::configuration(key, format!("`{what}` is too long or not ASCII; at most {most} characters"))
    };
    let system_id = COctetString::from_str(&settings.system_id);
    let password = COctetString::from_str(&settings.password);
    let system_type = COctetString::from_str(&settings.system_type);
    Ok(BindTransceiver::builder()
        .system_id(system_id.map_err(|_| text("sms_system_id", &settings.system_id, 15))?)
        .password(password.map_err(|_| text("sms_password", "the password", 8))?)
        .system_type(system_type.map_err(|_| text("sms_system_type", &settings.system_type, 12))?)
        .interface_version(InterfaceVersion::Smpp3_4)
        .build())
}

type Numbered = (Ton, Npi, COctetString<1, 21>);

/// What messages come from, with its type of number.
fn source_of(source: &str) -> Result<Numbered, Error> {
    let refuse = |problem: &str| Error::configuration("sms_source", format!("`{source}` {problem}"));
    if let Ok(numbered) = number_of(source) {
        return Ok(numbered);
    }
    if source.is_empty() || source.len() > 11 || !source.is_ascii() {
        return Err(refuse("is neither a number nor a name of 1 to 11 ASCII letters"));
    }
    let name = COctetString::from_str(source).map_err(|_| refuse("cannot be used"))?;
    Ok((Ton::Alphanumeric, Npi::Unknown, name))
}

/// A number as SMPP wants it: digits, international when it begins with a plus sign.
fn number_of(address: &str) -> Result<Numbered, String> {
    let digits: String =
        address.chars().filter(|character| !matches!(character, ' ' | '-' | '(' | ')' | '.')).collect();
    let (ton, digits) = match digits.strip_prefix('+') {
        Some(rest) => (Ton::International, rest),
        None => (Ton::Unknown, digits.as_str()),
    };
    if digits.is_empty() || digits.len() > 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{address}` is not a number; write it as +67077231234"));
    }
    let digits = COctetString::from_str(digits).map_err(|error| format!("`{address}`: {error:?}"))?;
    Ok((ton, Npi::Isdn, digits))
}
