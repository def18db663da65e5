//! Links to TAK: a server that we connect to, clients that connect to us.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use kernel::message::Means;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::door::{Door, Speaker};
use super::event::{Event, chat, read_event};
use super::frame::{Frame, Frames};
use super::proto::from_proto;
use crate::arrival::Reading;
use crate::channel::{Channel, Limits, Outcome};
use crate::error::Error;
use crate::outgoing::Outgoing;
use crate::retry::Backoff;
use crate::room::Courier;
use crate::tls;

/// The name of the channel.
const NAME: &str = "cot";
/// Events that a slow peer may be behind; it is disconnected then.
const QUEUE: usize = 256;

/// Where and as whom.
#[derive(Clone)]
pub struct CotSettings {
    /// Where clients that a certificate vouches for are let in.
    pub door: Option<Door>,
    /// `tcp://host:8087`, or `ssl://host:8089`.
    pub server: Option<String>,
    /// What we call ourselves in chats.
    pub call_sign: String,
    pub tls: Arc<ClientConfig>,
}

/// The channel.
pub struct Cot {
    settings: CotSettings,
    server: Option<(String, u16, bool)>,
    peers: Mutex<BTreeMap<u64, mpsc::Sender<Arc<[u8]>>>>,
    next: AtomicU64,
}

impl Cot {
    /// Reads the settings; connects when it is [run](Cot::run).
    ///
    /// # Errors
    /// [`Error::Configuration`] names what cannot be used.
    pub fn new(settings: CotSettings) -> Result<Cot, Error> {
        let server = settings.server.as_deref().map(server_of).transpose()?;
        Ok(Cot { settings, server, peers: Mutex::default(), next: AtomicU64::new(1) })
    }

    /// Serves until it is dropped, which is safe at any moment. The listeners are bound by the caller, who can then say what is
    /// wrong: one for whoever connects, one for those whom the door lets in.
    pub async fn run(self: Arc<Self>, courier: Courier, open: Option<TcpListener>, guarded: Option<TcpListener>) {
        courier.expect_channel(NAME, "Cursor-on-Target");
        let door = self.settings.door.clone();
        tokio::join!(
            self.clone().accept(&courier, open, None),
            self.clone().accept(&courier, guarded.filter(|_| door.is_some()), door),
            self.keep_server(&courier)
        );
    }

    async fn accept(self: Arc<Self>, courier: &Courier, listener: Option<TcpListener>, door: Option<Door>) {
        let Some(listener) = listener else { return };
        courier.note_connection(NAME, Ok(()));
        let mut clients = tokio::task::JoinSet::new();
        loop {
            let (stream, from) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, channel = NAME, "a client could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (channel, courier, door) = (self.clone(), courier.clone(), door.clone());
            clients.spawn(async move { channel.serve(&courier, stream, from, door).await });
            while clients.try_join_next().is_some() {}
        }
    }

    /// One client, until it goes.
    async fn serve(&self, courier: &Courier, stream: TcpStream, from: SocketAddr, door: Option<Door>) {
        let Some(door) = door else {
            tracing::info!(%from, "a Cursor-on-Target client has connected");
            return self.talk(courier, stream, None).await;
        };
        match door.admit(stream).await {
            Ok((stream, speaker)) => {
                tracing::info!(%from, name = speaker.name(), "a Cursor-on-Target client has connected");
                self.talk(courier, stream, Some(speaker)).await;
            }
            Err(problem) => {
                tracing::warn!(%from, problem, "a Cursor-on-Target client was not let in");
                courier.note_dropped(NAME);
            }
        }
    }

    async fn talk(&self, courier: &Courier, stream: impl AsyncRead + AsyncWrite, speaker: Option<Speaker>) {
        let (number, events) = self.register();
        let (reader, writer) = tokio::io::split(stream);
        tokio::select! {
            () = receive(courier, reader, speaker) => {}
            () = write_all(writer, events) => {}
        }
        self.peers.lock().remove(&number);
    }

    fn register(&self) -> (u64, mpsc::Receiver<Arc<[u8]>>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, events) = mpsc::channel(QUEUE);
        self.peers.lock().insert(number, sender);
        (number, events)
    }

    async fn keep_server(&self, courier: &Courier) {
        let Some((host, port, encrypted)) = &self.server else { return };
        let mut backoff = Backoff::new();
        loop {
            let tls = encrypted.then_some(&self.settings.tls);
            let problem = match tls::connect(host, *port, tls).await {
                Ok(stream) => {
                    backoff.reset();
                    courier.note_connection(NAME, Ok(()));
                    courier.wake();
                    self.talk(courier, stream, None).await;
                    format!("{host}:{port} closed the connection")
                }
                Err(problem) => problem,
            };
            tracing::warn!(channel = NAME, problem, "no link to the TAK server; trying again");
            courier.note_connection(NAME, Err(problem));
            let chance = courier.store.random::<1>()[0];
            tokio::time::sleep(backoff.pause(chance)).await;
        }
    }

    /// Hands an event to every peer. Returns to how many.
    fn hand_out(&self, event: &Event) -> usize {
        let bytes: Arc<[u8]> = event.write().into_bytes().into();
        let mut peers = self.peers.lock();
        peers.retain(|_, peer| peer.try_send(bytes.clone()).is_ok());
        peers.len()
    }
}

fn server_of(text: &str) -> Result<(String, u16, bool), Error> {
    let refuse = |problem: String| Error::configuration("cot_server", problem);
    let url = url::Url::parse(text).map_err(|error| refuse(format!("{text}: {error}")))?;
    let encrypted = match url.scheme() {
        "tcp" => false,
        "ssl" | "tls" => true,
        other => return Err(refuse(format!("`{other}` is not possible; write tcp://host:8087 or ssl://host:8089"))),
    };
    let host = url.host_str().ok_or_else(|| refuse(format!("{text} names no host")))?;
    Ok((host.to_owned(), url.port().unwrap_or(if encrypted { 8089 } else { 8087 }), encrypted))
}

/// Takes what a peer says until it ends: of a speaker whom a certificate names, what they say of themselves.
async fn receive(courier: &Courier, mut reader: impl AsyncRead + Unpin, speaker: Option<Speaker>) {
    let mut frames = Frames::default();
    let mut buffer = vec![0; 16 << 10];
    let mut dropped = 0;
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => frames.push(&buffer[..length]),
        }
        while let Some(frame) = frames.next_frame() {
            let (raw, read) = match &frame {
                Frame::Xml(bytes) => (bytes, read_event(bytes)),
                Frame::Proto(bytes) => (bytes, from_proto(bytes)),
            };
            let mut reading = read.map_or_else(Reading::only, |event| event.tell());
            if let Some(speaker) = &speaker {
                reading = speaker.only_own(reading);
            }
            if reading.items.is_empty() && reading.findings.is_empty() {
                continue;
            }
            if let Err(error) = courier.take(NAME, raw, reading).await {
                // The protocol cannot ask for it again: the peer is told by the end of the link, and sends its state anew.
                tracing::error!(%error, channel = NAME, "an event could not be kept; the link is closed");
                courier.note_dropped(NAME);
                return;
            }
        }
        while dropped < frames.dropped {
            dropped += 1;
            courier.note_dropped(NAME);
        }
    }
}

async fn write_all(mut writer: impl AsyncWrite + Unpin, mut events: mpsc::Receiver<Arc<[u8]>>) {
    while let Some(event) = events.recv().await {
        if writer.write_all(&event).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}

#[async_trait]
impl Channel for Cot {
    fn name(&self) -> &str {
        NAME
    }

    fn means(&self) -> Means {
        Means::Cot
    }

    fn limits(&self) -> Limits {
        Limits { per_second: 20.0, at_once: 1 }
    }

    async fn send(&self, message: &Outgoing, _taken: &[crate::channel::Piece]) -> Outcome {
        let room = &message.address().address;
        let event = chat(&message.id.to_string(), &self.settings.call_sign, room, &message.body(), message.requested);
        match self.hand_out(&event) {
            0 => Outcome::failed("no TAK server or client is connected"),
            _ => Outcome::Accepted { pieces: Vec::new(), receipts_follow: false },
        }
    }
}
