//! `vigie identity`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `vigie identity`
#[derive(Debug, Subcommand)]
pub enum Identity {
    /// What a file of a feed would do: who joins, moves and leaves, and which accounts change. Nothing is written but the
    /// simulation, which can be carried out in the console.
    ///
    /// Exit code 0: it would be applied; 1: a guard would hold it, or more would happen than is allowed here; 2: it cannot be used.
    Simulate(Simulate),
    /// What somebody has, and by which contract, rule, role or decision.
    Explain(Explain),
    /// Who had what on a day, and why, as it was known on another: for auditors.
    Access(Access),
}

/// `vigie identity simulate`
#[derive(Debug, Args)]
pub struct Simulate {
    /// The file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The feed whose file it is.
    #[arg(long, value_name = "KEY")]
    pub feed: String,
    /// What the sender says of it: a JSON file with `records`, `sha256`, `snapshot`.
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// More people who leave than this end with exit code 1.
    #[arg(long, value_name = "N")]
    pub max_leavers: Option<u64>,
    /// More accounts that are disabled or deleted than this end with exit code 1.
    #[arg(long, value_name = "N")]
    pub max_closed: Option<u64>,
    /// How it is written.
    #[arg(long, short, value_enum, default_value_t = Form::Text)]
    pub format: Form,
}

/// `vigie identity explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// A number, an address, an id, or a name that is one person's alone.
    #[arg(value_name = "PERSON")]
    pub person: String,
    /// Only this, as roles name it: `ad`, `ad/FIN-Read`.
    #[arg(long, value_name = "GRANT")]
    pub grant: Option<String>,
    /// How it is written.
    #[arg(long, short, value_enum, default_value_t = Form::Text)]
    pub format: Form,
}

/// `vigie identity access`
#[derive(Debug, Args)]
pub struct Access {
    /// A day (its end, in the zone of the house) or an instant: 2026-11-30, 2026-11-30T08:00:00Z. Without it: now.
    #[arg(long, value_name = "WHEN")]
    pub on: Option<String>,
    /// As it was known then; without it: as it is known now.
    #[arg(long, value_name = "WHEN")]
    pub known: Option<String>,
    /// Only this person.
    #[arg(long, value_name = "PERSON")]
    pub person: Option<String>,
    /// Only this system.
    #[arg(long, value_name = "KEY")]
    pub system: Option<String>,
    /// People whose record is seen by few as well.
    #[arg(long)]
    pub restricted: bool,
    /// How it is written.
    #[arg(long, short, value_enum, default_value_t = List::Csv)]
    pub format: List,
}

/// How something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum List {
    /// RFC 4180, with a header.
    Csv,
    /// One JSON object a line.
    Json,
}
