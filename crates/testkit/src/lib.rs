//! What tests stand on. Development only: the product never links it.
//!
//! **Owns** the seeded scenario, test doubles of the kernel's ports (a clock turned by hand, seeded randomness), and
//! both databases, with the private PostgreSQL cluster that a test starts for itself.
//!
//! **Never does** anything that a test could not repeat: time and chance are parameters.
//!
//! **Invariants**
//! - The same seed gives the same ids.
//! - A cluster listens on a socket in its own temporary directory and nowhere else, and ends with its test.

mod cluster;
mod databases;
pub mod scenario;
mod shared_data;
mod time;

pub use cluster::{Cluster, NoCluster};
pub use databases::{TestDatabase, sqlite};
pub use shared_data::shared_data;
pub use time::{CountingRandomness, TestClock};
