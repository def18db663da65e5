//! Connectors against what they connect to.

mod emergency;
mod memory;
