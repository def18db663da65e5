//! Iridium's gateway pushes messages to us over TCP, one for each connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::feed::iridium::{confirmation, frame, read};
use crate::room::Courier;

const NAME: &str = "iridium";
/// A message must be whole within this.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves until it is dropped, which is safe at any moment: the gateway sends again what was not taken. With `confirm`, the answer
/// says whether the message is kept, for gateways that are set up so.
pub async fn run_directip(courier: Courier, listener: TcpListener, confirm: bool) {
    courier.expect_channel(NAME, "Iridium SBD by DirectIP");
    courier.note_connection(NAME, Ok(()));
    let mut sessions = tokio::task::JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let courier = courier.clone();
                sessions.spawn(async move {
                    if tokio::time::timeout(PATIENCE, session(&courier, stream, confirm)).await.is_err() {
                        tracing::warn!(%from, "a DirectIP session did not end within a minute");
                        courier.note_dropped(NAME);
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a DirectIP session could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while sessions.try_join_next().is_some() {}
    }
}

async fn session(courier: &Courier, mut stream: TcpStream, confirm: bool) {
    let (mut bytes, mut is_cut_off) = (Vec::new(), false);
    let mut buffer = [0; 4096];
    loop {
        match frame(&bytes) {
            // The declared length counts: what may follow is not waited for.
            Ok(Some(length)) if bytes.len() >= length => break,
            Err(_) => break,
            Ok(_) => {}
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => {
                is_cut_off = true;
                break;
            }
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
        }
    }
    if bytes.is_empty() {
        return;
    }
    let kept = match courier.take(NAME, &bytes, read(&bytes)).await {
        // What there is of it is shown among the faults; the gateway has the whole.
        Ok(_) => !is_cut_off,
        Err(error) => {
            tracing::error!(%error, "a satellite message could not be kept; the gateway sends it again");
            false
        }
    };
    if confirm {
        let _ = stream.write_all(&confirmation(kept)).await;
    }
    if !kept {
        // A reset instead of an orderly end: the gateway counts the session as failed.
        let _ = stream.set_zero_linger();
    }
}
