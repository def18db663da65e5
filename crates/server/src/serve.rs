//! Listening: connections with bounded number, bounded patience, and an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, Server};
use crate::error::Error;
use crate::patience::Patient;
use crate::tls::Tls;

/// After a failed accept (no file descriptors left), so long until the next.
const ACCEPT_PAUSE_MS: u64 = 100;

/// Takes the address. Any but a loopback address needs TLS, because passwords would travel in the clear.
///
/// # Errors
/// [`Error::TlsRequired`], or [`Error::Listen`] when the port cannot be had.
pub async fn listen(address: SocketAddr, tls: Option<&Tls>) -> Result<TcpListener, Error> {
    if tls.is_none() && !address.ip().to_canonical().is_loopback() {
        return Err(Error::TlsRequired(address));
    }
    TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
}

impl Server {
    /// Serves until `shutdown`, then lets what is running come to its end for a bounded time.
    pub async fn serve(&self, listener: TcpListener, tls: Option<Tls>, shutdown: CancellationToken) {
        let acceptor = tls.map(|tls| TlsAcceptor::from(tls.config));
        let places = Arc::new(Semaphore::new(self.app.config.connections));
        let tracker = TaskTracker::new();
        tracker.spawn(crate::api::live::send_pulses(self.app.clone(), shutdown.clone()));
        loop {
            let place = tokio::select! {
                () = shutdown.cancelled() => break,
                place = places.clone().acquire_owned() => place,
            };
            let Ok(place) = place else { break };
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
                    continue;
                }
            };
            let connection =
                Connection { app: self.app.clone(), router: self.router(), peer, shutdown: shutdown.clone() };
            let acceptor = acceptor.clone();
            tracker.spawn(async move {
                connection.run(stream, acceptor).await;
                drop(place);
            });
        }
        drop(listener);
        // Live listeners have no end of their own.
        self.app.stopping.cancel();
        tracker.close();
        let patience = Duration::from_millis(self.app.config.shutdown_ms);
        if tokio::time::timeout(patience, tracker.wait()).await.is_err() {
            tracing::warn!(connections = tracker.len(), "some requests did not end in time and were cut off");
        }
    }
}

/// One connection.
struct Connection {
    app: Arc<App>,
    router: Router,
    peer: SocketAddr,
    shutdown: CancellationToken,
}

impl Connection {
    async fn run(self, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let Some(acceptor) = acceptor else { return self.http(stream).await };
        let patience = Duration::from_millis(self.app.config.header_ms);
        match tokio::time::timeout(patience, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.http(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, peer = %self.peer, "TLS handshake"),
            Err(_) => tracing::debug!(peer = %self.peer, "TLS handshake took too long"),
        }
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let peer = self.peer;
        let stream = Patient::new(stream, Duration::from_millis(self.app.config.send_idle_ms));
        let router = self.router.layer(axum::Extension(ConnectInfo(peer)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(self.app.config.header_ms))
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, %peer, "connection");
        }
    }
}
