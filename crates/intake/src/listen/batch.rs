//! From messages to deliveries.

use std::sync::Arc;
use std::time::Duration;

use kernel::port::{Delivery, DeliveryError};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep, timeout_at};

use super::{ListenContext, ListenOptions};
use crate::registry::Drop;
use crate::syslog::write_frame;

/// How long to wait before a delivery is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// One message and who sent it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) peer: Arc<str>,
    pub(super) bytes: Vec<u8>,
}

/// Collects messages until every sender is gone, and hands them over.
pub(super) async fn run(mut messages: Receiver<Message>, context: ListenContext, options: ListenOptions) {
    let mut body = Vec::with_capacity(options.batch_bytes + options.message_bytes.min(1 << 16));
    while let Some(first) = messages.recv().await {
        let deadline = deadline(options.batch_ms);
        write_frame(&first.peer, &first.bytes, &mut body);
        let mut count = 1;
        while body.len() < options.batch_bytes {
            match timeout_at(deadline, messages.recv()).await {
                Ok(Some(message)) => {
                    write_frame(&message.peer, &message.bytes, &mut body);
                    count += 1;
                }
                Ok(None) | Err(_) => break,
            }
        }
        let delivery =
            Delivery { source: options.source.clone(), table: None, body: std::mem::take(&mut body).into(), key: None };
        if let Err(error) = hand_over(&context, delivery).await {
            tracing::error!(source = %options.source, count, %error, "messages dropped");
            context.registry.dropped(&options.source, Drop::Refused, count);
        }
    }
}

fn deadline(after_ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(after_ms)
}

/// Hands a delivery over; waits as long as the lake cannot take records, unless the listener is being stopped.
pub(super) async fn hand_over(context: &ListenContext, delivery: Delivery) -> Result<(), DeliveryError> {
    loop {
        match context.port.accept(delivery.clone()).await {
            Ok(_) => return Ok(()),
            Err(DeliveryError::Unavailable(reason)) if !context.stop.is_cancelled() => {
                tracing::warn!(source = %delivery.source, %reason, "the lake cannot take records; trying again");
                tokio::select! {
                    () = sleep(RETRY) => {}
                    () = context.stop.cancelled() => {}
                }
            }
            Err(error) => return Err(error),
        }
    }
}
