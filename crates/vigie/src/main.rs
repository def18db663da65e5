//! The binary: command line, configuration, wiring.
//!
//! **Owns** which implementation stands behind which port, and the text that people see on a terminal.
//! **Never does** what a room does.

mod cli;
mod commands;
mod config;
mod history;
mod platform;
mod shipped_rules;
mod terminal;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use kernel::time::SystemClock;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use config::{Config, Resolved};
use platform::Ground;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code when a command could not do its work.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("vigie: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode> {
    let read = || platform::read_config(cli.config.as_deref(), &cli.overrides);
    match &cli.command {
        Command::Config { command } => commands::config::run(command, read).map(|()| ExitCode::SUCCESS),
        Command::OpenApi => terminal::print(&server::openapi_json()).map(|()| ExitCode::SUCCESS),
        Command::Scan(arguments) => commands::scan::run(arguments, &SystemClock::new()),
        Command::Rules { command } => commands::rules::run(command, &SystemClock::new(), |arguments| {
            on_ground(&read()?, |ground| commands::coverage::run(arguments, ground))
        }),
        Command::Ingest(arguments) => on_ground(&read()?, |ground| commands::ingest::run(arguments, ground)),
        Command::Hunt(arguments) => on_ground(&read()?, |ground| commands::hunt::run(arguments, ground)),
        Command::Query(arguments) => on_ground(&read()?, |ground| commands::query::run(arguments, ground)),
        Command::Kql { command: cli::Kql::Check(arguments) } => {
            on_ground(&read()?, |ground| commands::kql::check(arguments, ground))
        }
        Command::Functions { command } => on_ground(&read()?, |ground| commands::kept::functions(command, ground)),
        Command::Watchlists { command } => on_ground(&read()?, |ground| commands::kept::watchlists(command, ground)),
        Command::References { command } => on_ground(&read()?, |ground| commands::kept::references(command, ground)),
        Command::Ledger { command: cli::Ledger::Verify } => {
            on_ground(&read()?, |ground| async move { commands::ledger::verify(&ground).await })
        }
        Command::Lake { command } => on_ground(&read()?, |ground| commands::lake::run(command, ground)),
        Command::Identity { command } => on_ground(&read()?, |ground| commands::identity::run(command, ground)),
        Command::Courier { command } => on_ground(&read()?, |ground| commands::messages::run(command, ground)),
        Command::Sources => on_ground(&read()?, commands::sources::run),
        Command::Serve => {
            on_ground(&read()?, |ground| async { commands::serve::run(ground).await.map(|()| ExitCode::SUCCESS) })
        }
    }
}

/// Runs a command that touches data, with logging and an asynchronous runtime.
fn on_ground<F: Future<Output = Result<ExitCode>>>(
    resolved: &Resolved,
    work: impl FnOnce(Ground) -> F,
) -> Result<ExitCode> {
    let config = Config::from_resolved(resolved)?;
    let filter =
        EnvFilter::try_new(&config.log_filter).with_context(|| format!("log.filter = {}", config.log_filter))?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    runtime.block_on(work(Ground::new(config, Arc::new(SystemClock::new()))))
}
