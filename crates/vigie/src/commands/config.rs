//! `vigie config`: what is set, from where, and what could be.

use anyhow::Result;

use crate::cli;
use crate::config::{Config, Resolved, settings};
use crate::terminal;

/// Prints the configuration, the example file or the reference.
pub fn run(command: &cli::Config, read: impl FnOnce() -> Result<Resolved>) -> Result<()> {
    match command {
        cli::Config::Example => terminal::print(&settings::example_file()),
        cli::Config::Reference => terminal::print(&settings::reference()),
        cli::Config::Show => {
            let resolved = read()?;
            // Typing them finds what the kinds alone do not: a port that is no number, an address that is none.
            Config::from_resolved(&resolved)?;
            let mut table = terminal::table(&["setting", "value", "from"]);
            for (key, value, origin) in resolved.rows() {
                table.add_row([key, &value, &origin]);
            }
            terminal::print(&format!("{table}\n"))
        }
    }
}
