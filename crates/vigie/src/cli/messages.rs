//! The command line of messages.

use clap::{Args, Subcommand};

/// `vigie courier`
#[derive(Debug, Subcommand)]
pub enum Courier {
    /// Send a test by one means, watermarked as an exercise, and follow it until it is sent.
    ///
    /// The running server sends it. Exit code 0: sent or delivered; 1: it cannot be sent; 2: it still waits.
    Test(CourierTest),
    /// What a text costs as a short message.
    Count {
        /// The text.
        text: String,
    },
}

/// `vigie courier test`
#[derive(Debug, Args)]
pub struct CourierTest {
    /// By what: sms, email, webhook, cot, mqtt.
    #[arg(long, short, default_value = "sms")]
    pub means: kernel::message::Means,
    /// Where to: `+67077231234`, `name@host`, the name of a webhook, a room, a node.
    #[arg(long, short)]
    pub to: String,
    /// What is said besides the watermark.
    #[arg(default_value = "Test of this channel. No answer is needed.")]
    pub text: String,
    /// For how long to follow it, in seconds.
    #[arg(long, default_value_t = 60)]
    pub follow_s: u64,
}
