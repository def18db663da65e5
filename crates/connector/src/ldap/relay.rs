//! The connection to a server: TCP, TLS, and the guard in front of the LDAP library.
//!
//! The library is given one end of a local pair of sockets. We hold the other end and the network, pass on what it sends, and
//! pass back only messages that [`frame`] has seen whole.

use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::frame;
use crate::error::{ConnectorError, ErrorKind};
use crate::trust::Trust;

/// How long a server may take to accept and to agree on TLS.
const CONNECT: Duration = Duration::from_secs(10);
const PIECE: usize = 64 << 10;
/// ExtendedRequest with the OID of StartTLS (RFC 4511 §4.14) as message 1.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// Where a server is and how to know that it is the one.
#[derive(Debug, Clone)]
pub struct Place {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// The name in its certificate, when it is not the host.
    pub server_name: Option<String>,
    pub trust: Trust,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// `ldaps`
    Tls,
    /// `ldap`, then StartTLS before anything else.
    StartTls,
    /// Nothing: passwords travel in the clear. On the loopback interface only.
    Plain,
}

/// The library's end of a connection.
///
/// # Errors
/// [`Transient`](ErrorKind::Transient) when the server is away, [`Auth`](ErrorKind::Auth) when its certificate does not hold.
pub async fn connect(place: &Place) -> Result<StdUnixStream, ConnectorError> {
    let Place { host, port, .. } = place;
    let away = |problem: &str| ConnectorError::transient(format!("{host}:{port} cannot be reached: {problem}"));
    let tcp = tokio::time::timeout(CONNECT, TcpStream::connect((host.as_str(), *port)));
    let mut tcp = tcp.await.map_err(|_| away("it does not answer"))?.map_err(|error| away(&error.to_string()))?;
    let _ = tcp.set_nodelay(true);
    let (ours, theirs) = UnixStream::pair().map_err(|error| away(&error.to_string()))?;
    let theirs = theirs.into_std().map_err(|error| away(&error.to_string()))?;
    match place.security {
        Security::Plain => {
            let loopback = tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
            if !loopback {
                let reason =
                    format!("{host} is not this machine: use ldaps or StartTLS, or passwords travel in the clear");
                return Err(ConnectorError::invalid(reason));
            }
            tokio::spawn(relay(tcp, ours));
        }
        Security::StartTls => {
            start_tls(&mut tcp).await?;
            tokio::spawn(relay(secure(place, tcp).await?, ours));
        }
        Security::Tls => {
            tokio::spawn(relay(secure(place, tcp).await?, ours));
        }
    }
    Ok(theirs)
}

async fn start_tls(tcp: &mut TcpStream) -> Result<(), ConnectorError> {
    let away = |error: std::io::Error| ConnectorError::transient(format!("StartTLS: {error}"));
    tcp.write_all(START_TLS).await.map_err(away)?;
    let mut answer = Vec::new();
    let whole = loop {
        match frame::message_length(&answer) {
            Ok(Some(length)) if length > 4_096 => {
                return Err(ConnectorError::garbled("StartTLS: the answer is too long"));
            }
            Ok(Some(length)) if answer.len() >= length => break length,
            Ok(_) => {}
            Err(bad) => return Err(ConnectorError::garbled(format!("StartTLS: {bad}"))),
        }
        // One byte at a time at the end of it: what follows belongs to TLS.
        let mut byte = [0];
        let read = tokio::time::timeout(CONNECT, tcp.read(&mut byte)).await;
        let read = read.map_err(|_| ConnectorError::transient("StartTLS: no answer"))?.map_err(away)?;
        if read == 0 {
            return Err(ConnectorError::transient("StartTLS: the server hung up"));
        }
        answer.push(byte[0]);
    };
    frame::inspect(&answer[..whole]).map_err(|bad| ConnectorError::garbled(format!("StartTLS: {bad}")))?;
    let refused = || ConnectorError::new(ErrorKind::Unsupported, "the server refuses StartTLS; use ldaps");
    // SEQUENCE { messageID, [APPLICATION 24] { resultCode ENUMERATED, … } }
    let mut message = super::ber::Reader::new(&answer);
    let content = message.expect(super::ber::SEQUENCE, "a message").map_err(|_| refused())?;
    let mut parts = super::ber::Reader::new(content);
    parts.integer(super::ber::INTEGER).map_err(|_| refused())?;
    let response = parts.expect(0x78, "an extended response").map_err(|_| refused())?;
    match super::ber::Reader::new(response).integer(super::ber::ENUMERATED) {
        Ok(0) => Ok(()),
        _ => Err(refused()),
    }
}

async fn secure(place: &Place, tcp: TcpStream) -> Result<tokio_rustls::client::TlsStream<TcpStream>, ConnectorError> {
    let name = place.server_name.as_deref().unwrap_or(&place.host).to_owned();
    let server_name = ServerName::try_from(name.clone())
        .map_err(|_| ConnectorError::invalid(format!("`{name}` cannot be the name in a certificate")))?;
    let config = place.trust.client_config()?;
    let handshake = tokio::time::timeout(CONNECT, TlsConnector::from(Arc::new(config)).connect(server_name, tcp)).await;
    match handshake {
        Err(_) => Err(ConnectorError::transient(format!("{name}: TLS does not come about in time"))),
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => {
            let certificate = error.get_ref().is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some());
            let kind = if certificate { ErrorKind::Auth } else { ErrorKind::Transient };
            Err(ConnectorError::new(kind, format!("{name}: the server is not trusted or speaks no TLS: {error}")))
        }
    }
}

/// Runs until either side ends or the server sends something that cannot be passed on.
async fn relay<S: AsyncRead + AsyncWrite + Send + 'static>(network: S, library: UnixStream) {
    let (mut from_network, mut to_network) = tokio::io::split(network);
    let (mut from_library, mut to_library) = tokio::io::split(library);
    let outwards = async {
        let _ = tokio::io::copy(&mut from_library, &mut to_network).await;
        let _ = to_network.shutdown().await;
    };
    let inwards = async {
        let mut buffer: Vec<u8> = Vec::with_capacity(PIECE);
        loop {
            loop {
                match frame::message_length(&buffer) {
                    Ok(Some(length)) if buffer.len() >= length => {
                        if let Err(bad) = frame::inspect(&buffer[..length]) {
                            tracing::warn!(%bad, "a directory server is cut off");
                            return;
                        }
                        if to_library.write_all(&buffer[..length]).await.is_err() {
                            return;
                        }
                        buffer.drain(..length);
                    }
                    Ok(_) => break,
                    Err(bad) => {
                        tracing::warn!(%bad, "a directory server is cut off");
                        return;
                    }
                }
            }
            match from_network.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    };
    tokio::select! {
        () = outwards => {}
        () = inwards => {}
    }
}
