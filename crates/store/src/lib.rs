//! The state database, the ledger, deadlines and the outbox.
//!
//! **Owns** connections to SQLite or PostgreSQL, all migrations, transactions, the hash-chained ledger, the deadlines
//! engine, facts on their way between rooms, and the state tables as KQL reads them.
//!
//! **Never does** decide what a record, a deadline or a fact means: rooms do.
//!
//! **Invariants**
//! - A change and its ledger entry are one transaction: [`Tx::commit`] takes the entry. The only way around is
//!   [`Housekeeping`], which may write listed tables of machinery and nothing else.
//! - Facts become visible in the order in which their transactions were committed, without gaps.
//! - A deadline ends once: kept, cancelled or expired; expiry and its fact are one transaction.
//! - House time ([`Store::now`]) never goes back.
//! - One SQL for both engines; every statement is prepared on both by a test.

mod clock;
mod database;
mod deadlines;
mod error;
mod fact_tables;
mod housekeeping;
mod ledger;
mod migrate;
mod outbox;
mod param;
mod randomness;
mod read;
mod readers;
mod reserve;
mod row;
pub mod sql;
mod statement;
mod store;
mod tx;

pub use clock::{ClockDoubt, HouseTime};
pub use database::Engine;
pub use deadlines::{
    Deadline, DeadlineEngine, DeadlinePort, DeadlineRecord, DeadlineState, Due, Expiring, Pending, Tick,
};
pub use error::{Conflict, Error};
pub use fact_tables::{FactColumn, FactTable};
pub use housekeeping::{Housekeeping, HousekeepingTx};
pub use ledger::act::{Act, Outcome};
pub use ledger::chain::{Hash, Link, commitment};
pub use ledger::entry::{Committed, Entry};
pub use ledger::read::{LedgerEntry, LedgerFilter};
pub use ledger::verify::{Fault, Verification};
pub use outbox::{
    Cursor, Delivery, HandlerError, OutboxPort, ParkedFact, Postman, Progress, StoredFact, Subscriber, SubscriberState,
};
pub use param::{Bind, Param};
pub use randomness::OsRandomness;
pub use read::Read;
pub use row::{Cell, Row};
pub use statement::{Effect, Statement};
pub use store::Store;
pub use tx::Tx;
