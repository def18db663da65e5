//! The only door: HTTP API, sign-in, authorisation, live stream, embedded console.
//!
//! **Owns** HTTP, sessions, passwords, tokens, who may do what (Cedar), TLS, the contract `openapi.json`, kept
//! queries, and the list of sources that were connected over the API.
//!
//! **Never does** anything that the API does not show: the console is a client like any other. It never reaches the
//! lake or the intake but through their ports, and never decides what an alert or an incident is.
//!
//! **Invariants**
//! - An operation that is not registered with an action cannot be reached; what the policies do not permit is denied.
//! - Every change goes to the ledger with who and why, in the same transaction.
//! - Passwords, session values and token secrets are stored as digests only.
//! - Every body has a limit, in bytes and in time; every refusal has an id that the log has, too.

pub mod action;
mod answer;
mod answer_page;
pub mod api;
mod app;
mod auth;
pub mod authorise;
mod body;
mod compression;
mod config;
mod console;
mod detection;
mod edge;
mod error;
mod guard;
mod patience;
mod problem;
mod reader;
mod restricted;
mod routes;
mod serve;
pub mod sql;
pub mod table_rights;
mod tls;
mod unchanged;

pub use app::{Looked, RuleHistory, Server, ServerParts, SetupLink};
pub use config::ServerConfig;
pub use console::Console;
pub use error::Error;
pub use problem::ProblemBody;
pub use routes::{Operation, Operations, openapi_json};
pub use serve::listen;
pub use tls::{Tls, TlsSource};
