//! The command line.

mod identity;
mod kept;
mod messages;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::identity::{Access, Explain, Form, Identity, List, Simulate};
pub use kept::{Functions, References, Watchlists};
pub use messages::{Courier, CourierTest};

/// Vigie keeps one watch over an organisation's machines, accounts and people.
#[derive(Debug, Parser)]
#[command(name = "vigie", version, about, max_term_width = 110, propagate_version = true)]
pub struct Cli {
    /// Configuration file; without it `vigie.toml` in the working folder, if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Overrides one setting, such as `--set query.rows=10`. May be given several times.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub overrides: Vec<(String, String)>,
    #[command(subcommand)]
    pub command: Command,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.to_owned()));
    pair.ok_or_else(|| format!("`{text}` is not KEY=VALUE, such as query.rows=10"))
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Put Sigma rules to files, without a server: EVTX, NDJSON, JSON, CSV, syslog; plain, gz, zst or zip; folders.
    ///
    /// Exit code 0: no alert; 1: alerts; 2: something could not be read or used.
    Scan(Scan),
    /// Read files into the lake. What was read before is recognised and not stored again.
    Ingest(Ingest),
    /// Put Sigma rules to the history in the lake: the alerts that they would have given, at the time of the events.
    ///
    /// With --compare: what a change of rules would have done. Exit code 0: no alert, or no difference; 1: alerts, or a
    /// difference; 2: something could not be read or used.
    Hunt(Hunt),
    /// Ask the lake in KQL.
    Query(Query),
    /// Look after files of KQL.
    Kql {
        #[command(subcommand)]
        command: Kql,
    },
    /// Look after stored functions: queries under a name, with parameters.
    Functions {
        #[command(subcommand)]
        command: Functions,
    },
    /// Look after watchlists: named lists for queries.
    Watchlists {
        #[command(subcommand)]
        command: Watchlists,
    },
    /// Look after reference tables: files that answer for the addresses of `externaldata`.
    References {
        #[command(subcommand)]
        command: References,
    },
    /// Look after rules.
    Rules {
        #[command(subcommand)]
        command: Rules,
    },
    /// Look after the ledger.
    Ledger {
        #[command(subcommand)]
        command: Ledger,
    },
    /// Look after the lake.
    Lake {
        #[command(subcommand)]
        command: Lake,
    },
    /// What each source delivered, as the lake knows it.
    Sources,
    /// Look after messages out and in.
    Courier {
        #[command(subcommand)]
        command: Courier,
    },
    /// Look after people and their access: what a feed would do, who has what and why, who had what on a day.
    Identity {
        #[command(subcommand)]
        command: Identity,
    },
    /// Run the platform: console, API, live sources, detection.
    Serve,
    /// Look after the configuration.
    Config {
        #[command(subcommand)]
        command: Config,
    },
    /// Print the OpenAPI document of the HTTP API.
    #[command(name = "openapi")]
    OpenApi,
}

/// `vigie scan`
#[derive(Debug, Args)]
pub struct Scan {
    /// Files, folders and archives.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Folders or files of Sigma rules.
    #[arg(long, short, required = true, value_name = "DIR", num_args = 1..)]
    pub rules: Vec<PathBuf>,
    /// How alerts are written.
    #[arg(long, short, value_enum, default_value_t = AlertFormat::Table)]
    pub format: AlertFormat,
    /// Write alerts to a file instead of the terminal.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave out rules below this level.
    #[arg(long, default_value = "informational", value_parser = severity)]
    pub min_level: kernel::Severity,
    /// Read every file as this instead of looking at its content.
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub as_format: Option<intake::Format>,
    /// What Sigma rules call the log, where the records do not say it: `category=proxy`, `product=okta,service=okta`.
    #[arg(long, value_name = "NAME=WORD,…")]
    pub log_source: Option<kernel::LogSource>,
    /// The summary at the end, on the error output: by rule, host and technique; as one line of JSON; or none.
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub summary: SummaryFormat,
}

/// `vigie ingest`
#[derive(Debug, Args)]
pub struct Ingest {
    /// Files, folders and archives.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The source they are from; becomes `_SourceName`.
    #[arg(long, default_value = "files")]
    pub source: String,
    /// Read every file as this instead of looking at its content.
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub as_format: Option<intake::Format>,
    /// What Sigma rules call the log, where the records do not say it: `category=proxy`, `product=okta,service=okta`.
    #[arg(long, value_name = "NAME=WORD,…")]
    pub log_source: Option<kernel::LogSource>,
    /// The table for JSON, CSV and text that no parser recognises.
    #[arg(long)]
    pub table: Option<String>,
}

/// `vigie hunt`
#[derive(Debug, Args)]
pub struct Hunt {
    /// Folders or files of Sigma rules; `shipped`: those in the binary; `in-force`: all that the server has in force, with
    /// exceptions, severities and what is switched off.
    #[arg(long, short, required = true, value_name = "DIR", num_args = 1..)]
    pub rules: Vec<PathBuf>,
    /// The rules that are replaced, named likewise: prints what the rules of --rules would have done in their place, over
    /// the last 90 days unless --from says otherwise.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub compare: Option<Vec<PathBuf>>,
    /// Only events from this instant on: 2026-11-21T08:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    pub from: Option<kernel::Timestamp>,
    /// Only events before this instant.
    #[arg(long, value_name = "INSTANT")]
    pub to: Option<kernel::Timestamp>,
    /// Only rows of these tables.
    #[arg(long, value_name = "TABLE", num_args = 1..)]
    pub table: Vec<String>,
    /// What Sigma rules call the logs of sources that were not said to be anything when they were connected, such as
    /// ingested files: `category=proxy`.
    #[arg(long, value_name = "NAME=WORD,…")]
    pub log_source: Option<kernel::LogSource>,
    /// How alerts, or differences, are written.
    #[arg(long, short, value_enum, default_value_t = AlertFormat::Table)]
    pub format: AlertFormat,
    /// Write them to a file instead of the terminal.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave out rules below this level.
    #[arg(long, default_value = "informational", value_parser = severity)]
    pub min_level: kernel::Severity,
    /// The summary at the end, on the error output: by rule, host and technique; as one line of JSON; or none.
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub summary: SummaryFormat,
}

/// `vigie query`
#[derive(Debug, Args)]
pub struct Query {
    /// The query; `-` reads it from the standard input.
    #[arg(value_name = "KQL", required_unless_present = "batch", conflicts_with = "batch")]
    pub text: Option<String>,
    /// Answer many: each line `{"id", "query", "tables"?}` of the file (`-`: the standard input) with one line
    /// `{"id", "columns", "rows"}` or `{"id", "error", "span"}`. `tables` declares empty tables for that line:
    /// `{"Badges": "(Door: string, At: datetime)"}`.
    #[arg(long, value_name = "QUERIES.jsonl")]
    pub batch: Option<PathBuf>,
    /// Ask typed, empty tables instead of the lake: a file `{"Table": {"Column": "type"}}`. Needs no data folder.
    #[arg(long, value_name = "FILE")]
    pub schemas: Option<PathBuf>,
    /// How the answer is written.
    #[arg(long, short, value_enum, default_value_t = AnswerFormat::Table, conflicts_with = "batch")]
    pub format: AnswerFormat,
    /// Only events from this instant on: 2026-11-21T08:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    pub from: Option<kernel::Timestamp>,
    /// Only events before this instant.
    #[arg(long, value_name = "INSTANT")]
    pub to: Option<kernel::Timestamp>,
}

/// `vigie kql`
#[derive(Debug, Subcommand)]
pub enum Kql {
    /// Check queries in files against the tables: plain KQL (.kql, .csl, .txt), Sentinel's YAML of rules and parsers,
    /// and the code blocks kusto and kql of Markdown. Functions that the files define can be called in all of them.
    ///
    /// Exit code 0: nothing is wrong; 1: a query is; 2: something could not be read.
    Check(CheckKql),
}

/// `vigie kql check`
#[derive(Debug, Args)]
pub struct CheckKql {
    /// Files and folders. A .txt file is read where it is named, not where a folder holds it.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The tables: a file `{"Table": {"Column": "type"}}`. Without it those that come with Vigie, and those of the lake
    /// where there is a data folder.
    #[arg(long, value_name = "FILE")]
    pub schemas: Option<PathBuf>,
    /// How findings are written.
    #[arg(long, short, value_enum, default_value_t = FindingFormat::Text)]
    pub format: FindingFormat,
    /// Warnings count as errors do.
    #[arg(long)]
    pub deny_warnings: bool,
}

/// `vigie rules`
#[derive(Debug, Subcommand)]
pub enum Rules {
    /// Load every rule: what is refused and why, what cannot fire and why, what could be better.
    Check {
        #[arg(required = true, value_name = "DIR")]
        paths: Vec<PathBuf>,
        /// Print findings as JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Why a rule did not fire on files: what reached it, which fields were filled, which event came nearest.
    Why(Why),
    /// Run the tests that rules name: files of events that must match, or must not. Exit code 1 when one fails.
    Test(TestRules),
    /// A rule as KQL, to open and to edit.
    Kql(RuleAsKql),
    /// Which ATT&CK techniques the rules would see, given the events in the lake, and which they saw.
    Coverage(Coverage),
}

/// `vigie rules test`
#[derive(Debug, Args)]
pub struct TestRules {
    /// Folders or files of Sigma rules. The files of events are looked for from the folders above each rule.
    #[arg(required = true, value_name = "DIR")]
    pub paths: Vec<PathBuf>,
    /// Let tests pass whose files are not there.
    #[arg(long)]
    pub allow_missing: bool,
    /// Print each test as a line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `vigie rules kql`
#[derive(Debug, Args)]
pub struct RuleAsKql {
    /// Folders or files of Sigma rules.
    #[arg(long, short, required = true, value_name = "DIR", num_args = 1..)]
    pub rules: Vec<PathBuf>,
    /// The rule: its id or its title.
    #[arg(long, value_name = "ID_OR_TITLE")]
    pub rule: String,
}

/// `vigie rules why`
#[derive(Debug, Args)]
pub struct Why {
    /// Files, folders and archives.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Folders or files of Sigma rules.
    #[arg(long, short, required = true, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// The rule: its id or its title.
    #[arg(long, value_name = "ID_OR_TITLE")]
    pub rule: String,
    /// Read every file as this instead of looking at its content.
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub as_format: Option<intake::Format>,
    /// What Sigma rules call the log, where the records do not say it: `category=proxy`, `product=okta,service=okta`.
    #[arg(long, value_name = "NAME=WORD,…")]
    pub log_source: Option<kernel::LogSource>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `vigie rules coverage`
#[derive(Debug, Args)]
pub struct Coverage {
    /// Folders or files of Sigma rules, `shipped` for those in the binary; without it the rules in force.
    #[arg(long, short, value_name = "DIR", num_args = 1..)]
    pub rules: Vec<PathBuf>,
    /// Write a layer for the ATT&CK Navigator (format 4.5).
    #[arg(long, value_name = "FILE")]
    pub layer: Option<PathBuf>,
    /// Look at events from this instant on; without it, at those of the last 30 days.
    #[arg(long, value_name = "INSTANT")]
    pub from: Option<kernel::Timestamp>,
    /// Print techniques as JSON lines.
    #[arg(long)]
    pub json: bool,
}

/// `vigie ledger`
#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Verify the chain and name the first bad entry. Exit code 1 when there is one.
    Verify,
}

/// `vigie lake`
#[derive(Debug, Subcommand)]
pub enum Lake {
    /// Tables, rows, files, bytes, and what waits in the write-ahead log.
    Status,
    /// Merge small files, apply retention, delete what is out of use.
    Compact,
}

/// `vigie config`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Every value and where it came from.
    Show,
    /// A commented `vigie.toml` with every default.
    Example,
    /// The reference page in Markdown.
    Reference,
}

/// How alerts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AlertFormat {
    Table,
    Jsonl,
    Csv,
}

/// How the summary of a scan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SummaryFormat {
    Text,
    Json,
    None,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FindingFormat {
    /// For people: place, message, the line with a mark, the remedy.
    Text,
    /// A line of JSON for each finding.
    Json,
    /// One SARIF 2.1.0 document, as code hosts read it.
    Sarif,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    Table,
    Json,
    Csv,
}

fn severity(text: &str) -> Result<kernel::Severity, String> {
    let words = || kernel::Severity::ALL.map(kernel::Severity::as_str).join(", ");
    kernel::Severity::parse(text).ok_or_else(|| format!("use one of: {}", words()))
}

fn format(text: &str) -> Result<intake::Format, String> {
    text.parse().map_err(|error: intake::IntakeError| error.to_string())
}
