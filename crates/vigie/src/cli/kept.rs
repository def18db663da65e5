//! The arguments of `vigie functions`, `vigie watchlists` and `vigie references`.

use std::path::PathBuf;

use clap::Subcommand;

/// `vigie functions`
#[derive(Debug, Subcommand)]
pub enum Functions {
    /// What there is, with versions.
    List,
    /// A function as a file would define it.
    Show {
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Keep the functions that files define: `.create-or-alter function Name(parameters) { body }` in .kql and .csl,
    /// parsers in Sentinel's YAML; folders with all below. What is kept so already stays as it is. When one cannot be
    /// kept, none is, and the exit code is 1.
    Put {
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Write every function to a file of its own.
    Export {
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Drop a function that no other calls.
    Delete {
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// `vigie watchlists`
#[derive(Debug, Subcommand)]
pub enum Watchlists {
    /// What there is, with versions.
    List,
    /// The items as CSV.
    Show {
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Keep a CSV file, whose first line names the columns, as a watchlist for `_GetWatchlist('NAME')`. Items that stay
    /// the same keep their ids and times.
    Put {
        #[arg(value_name = "NAME")]
        name: String,
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The column by which the list is searched (`SearchKey`); without it the first one.
        #[arg(long, value_name = "COLUMN")]
        key: Option<String>,
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Drop a watchlist.
    Delete {
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// `vigie references`
#[derive(Debug, Subcommand)]
pub enum References {
    /// What there is, with versions and addresses.
    List,
    /// The text.
    Show {
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Keep a file as what `externaldata` reads from an address. Nothing is ever fetched from there.
    Put {
        #[arg(value_name = "NAME")]
        name: String,
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The address, exactly as queries write it. May be given several times.
        #[arg(long, required = true, value_name = "ADDRESS")]
        address: Vec<String>,
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Drop a reference table.
    Delete {
        #[arg(value_name = "NAME")]
        name: String,
    },
}
