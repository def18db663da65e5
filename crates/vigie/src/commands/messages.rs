//! `vigie courier`: a test of a channel, and the length of a text.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use courier::Courier;
use kernel::Actor;
use kernel::message::{Address, DeliveryState, Dispatch, Precedence};

use crate::cli;
use crate::platform::Ground;
use crate::terminal;

/// How often to look.
const LOOK: Duration = Duration::from_millis(500);

/// Does what is asked.
pub async fn run(command: &cli::Courier, ground: Ground) -> Result<ExitCode> {
    match command {
        cli::Courier::Test(arguments) => test(arguments, &ground).await,
        cli::Courier::Count { text } => {
            let count = courier::sms::count(text);
            let line = format!("{:?}: {} segments, {} left in the last\n", count.coding, count.segments, count.left);
            terminal::print(&line)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Puts a test into the queue of the running server and follows it.
async fn test(arguments: &cli::CourierTest, ground: &Ground) -> Result<ExitCode> {
    let store = ground.store().await?;
    let courier = Courier::new(store.clone());
    let key = format!("test/{}", hex::encode(store.random::<12>()));
    let dispatch = Dispatch {
        key: key.clone(),
        about: "test".to_owned(),
        recipient: arguments.to.clone(),
        addresses: vec![Address::new(arguments.means, arguments.to.clone())],
        subject: Some("TEST".to_owned()),
        text: arguments.text.clone(),
        precedence: Precedence::Routine,
        exercise: true,
        secret: false,
        patience_s: None,
        expires: Some(store.now().plus_micros(3_600_000_000)),
    };
    courier.request(&Actor::system("command-line"), "test", &[dispatch]).await?;
    let mut told = String::new();
    let mut waited = Duration::ZERO;
    let code = loop {
        let (message, tries) = courier.dispatch(&key).await?;
        let problem = message.problem.as_deref().map(|problem| format!(": {problem}")).unwrap_or_default();
        let line = format!("{} after {} tries{problem}\n", message.state.as_str(), tries.len());
        if line != told {
            terminal::print(&line)?;
            told = line;
        }
        let done = match message.state {
            DeliveryState::Delivered => true,
            DeliveryState::Sent => !message.open || waited >= Duration::from_secs(arguments.follow_s),
            DeliveryState::Undeliverable | DeliveryState::Expired | DeliveryState::Withdrawn => {
                break ExitCode::FAILURE;
            }
            DeliveryState::Queued | DeliveryState::Failed => false,
        };
        if done {
            break ExitCode::SUCCESS;
        }
        if waited >= Duration::from_secs(arguments.follow_s) {
            terminal::print("it still waits; is `vigie serve` running with this configuration?\n")?;
            break ExitCode::from(2);
        }
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
    };
    store.close().await;
    Ok(code)
}
