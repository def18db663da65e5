//! The sockets of syslog.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Sender, channel, error::TrySendError};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::batch::{Message, run};
use super::{FrameDecoder, FrameEvent, ListenContext, ListenOptions};
use crate::error::IntakeError;
use crate::registry::Drop;

/// A client has this long to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After an error of the socket itself (no more file descriptors), wait instead of spinning.
const PAUSE: Duration = Duration::from_millis(100);

/// Receives syslog datagrams until stopped. What does not fit in the queue is dropped and counted.
pub async fn syslog_udp(socket: UdpSocket, context: ListenContext, options: ListenOptions) -> Result<(), IntakeError> {
    context.registry.register(&options.source, "syslog", context.clock.now());
    let (sender, receiver) = channel(options.queue_messages.max(1));
    let batches = tokio::spawn(run(receiver, context.clone(), options.clone()));
    let mut buffer = vec![0; 65_536];
    let mut last_peer: Option<(std::net::IpAddr, Arc<str>)> = None;
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            () = context.stop.cancelled() => break,
        };
        let (length, from) = match received {
            Ok(received) => received,
            Err(error) => {
                tracing::warn!(source = %options.source, %error, "receive a datagram");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if length > options.message_bytes {
            context.registry.dropped(&options.source, Drop::Oversize, 1);
            continue;
        }
        let peer = match &last_peer {
            Some((address, text)) if *address == from.ip() => Arc::clone(text),
            _ => {
                let text: Arc<str> = from.ip().to_canonical().to_string().into();
                last_peer = Some((from.ip(), Arc::clone(&text)));
                text
            }
        };
        match sender.try_send(Message { peer, bytes: buffer[..length].to_vec() }) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => {
                context.registry.dropped(&options.source, Drop::QueueFull, 1);
            }
        }
    }
    drop(sender);
    batches.await.map_err(|error| IntakeError::io("hand over the last messages", std::io::Error::other(error)))
}

/// Receives syslog over TCP, or over TLS where `tls` is given, until stopped. A full queue makes senders wait.
pub async fn syslog_tcp(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    context: ListenContext,
    options: ListenOptions,
) -> Result<(), IntakeError> {
    context.registry.register(&options.source, "syslog", context.clock.now());
    let (sender, receiver) = channel(options.queue_messages.max(1));
    let batches = tokio::spawn(run(receiver, context.clone(), options.clone()));
    let slots = Arc::new(Semaphore::new(options.connections.max(1)));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = connections.join_next(), if !connections.is_empty() => continue,
            () = context.stop.cancelled() => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(source = %options.source, %error, "accept a connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            tracing::warn!(source = %options.source, %from, limit = options.connections, "too many connections; refused");
            continue;
        };
        let peer: Arc<str> = from.ip().to_canonical().to_string().into();
        let connection =
            Connection { peer, sender: sender.clone(), context: context.clone(), options: options.clone() };
        let tls = tls.clone();
        connections.spawn(async move {
            match tls {
                None => connection.read(stream).await,
                Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
                    Ok(Ok(stream)) => connection.read(stream).await,
                    Ok(Err(error)) => tracing::warn!(%from, %error, "TLS was not agreed on"),
                    Err(_) => tracing::warn!(%from, "TLS was not agreed on in time"),
                },
            }
            drop(slot);
        });
    }
    drop(sender);
    while connections.join_next().await.is_some() {}
    batches.await.map_err(|error| IntakeError::io("hand over the last messages", std::io::Error::other(error)))
}

/// One TCP client.
struct Connection {
    peer: Arc<str>,
    sender: Sender<Message>,
    context: ListenContext,
    options: ListenOptions,
}

impl Connection {
    /// Reads until the client ends, is idle for too long, breaks the framing, or the listener stops.
    async fn read(self, mut stream: impl AsyncRead + Unpin) {
        let mut decoder = FrameDecoder::new(self.options.message_bytes);
        let mut buffer = vec![0; 32 << 10];
        let idle = Duration::from_millis(self.options.idle_ms);
        loop {
            let read = tokio::select! {
                read = timeout(idle, stream.read(&mut buffer)) => read,
                () = self.context.stop.cancelled() => break,
            };
            match read {
                Ok(Ok(0)) => break,
                Ok(Ok(length)) => decoder.push(&buffer[..length]),
                Ok(Err(error)) => {
                    tracing::debug!(peer = %self.peer, %error, "the connection broke");
                    break;
                }
                Err(_) => {
                    tracing::info!(peer = %self.peer, "idle for too long; closed");
                    break;
                }
            }
            while let Some(event) = decoder.next_event() {
                if !self.take(event).await {
                    return;
                }
            }
        }
        if let Some(event) = decoder.finish() {
            self.take(event).await;
        }
    }

    /// Passes a message on; false when the connection must end.
    async fn take(&self, event: FrameEvent) -> bool {
        match event {
            FrameEvent::Message(bytes) if bytes.is_empty() => true,
            FrameEvent::Message(bytes) => {
                self.sender.send(Message { peer: Arc::clone(&self.peer), bytes }).await.is_ok()
            }
            FrameEvent::Oversize => {
                self.context.registry.dropped(&self.options.source, Drop::Oversize, 1);
                true
            }
            FrameEvent::Broken => {
                tracing::warn!(source = %self.options.source, peer = %self.peer, "the framing is broken; closed");
                self.context.registry.dropped(&self.options.source, Drop::BadFrame, 1);
                false
            }
        }
    }
}
