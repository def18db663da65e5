//! Statements about deliveries of feeds.

use store::Statement;

macro_rules! batch_columns {
    () => {
        "id, feed, digest, state, snapshot_us, records, joiners, movers, leavers, unchanged, quarantined, \
         findings, delta, content, plan_id, received_by, received_us, decided_by, decided_us, decision"
    };
}

pub const LAST_BATCH: Statement = Statement::new(
    "identity.last_batch",
    concat!(
        "SELECT ",
        batch_columns!(),
        " FROM identity_batch WHERE feed = $1 AND (state = 'applied' OR state = 'held') ORDER BY received_us DESC, id DESC LIMIT 1"
    ),
);

pub const BATCHES: Statement = Statement::new(
    "identity.batches",
    concat!(
        "SELECT ",
        batch_columns!(),
        " FROM identity_batch WHERE CAST($1 AS TEXT) IS NULL OR feed = $1 ORDER BY received_us DESC, id DESC LIMIT $2"
    ),
);

pub const INSERT_BATCH: Statement = Statement::new(
    "identity.insert_batch",
    "INSERT INTO identity_batch (id, feed, digest, state, snapshot_us, records, joiners, movers, leavers, \
     unchanged, quarantined, findings, delta, content, plan_id, received_by, received_us) VALUES ($1, $2, $3, \
     $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
);

pub const DECIDE_BATCH: Statement = Statement::new(
    "identity.decide_batch",
    "UPDATE identity_batch SET state = $2, plan_id = $3, decided_by = $4, decided_us = $5, decision = $6, records = $7, \
     joiners = $8, movers = $9, leavers = $10, unchanged = $11, quarantined = $12, delta = $13, content = NULL WHERE id = $1 \
     AND state = 'held'",
);

/// The latest that was written after an instant, whenever it was received.
pub const APPLIED_SINCE: Statement = Statement::new(
    "identity.batch_applied_since",
    concat!(
        "SELECT ",
        batch_columns!(),
        " FROM identity_batch WHERE feed = $1 AND state = 'applied' AND COALESCE(decided_us, received_us) > $2 ORDER BY \
         COALESCE(decided_us, received_us) DESC, id DESC LIMIT 1"
    ),
);

/// A day that had not begun anywhere when it was told is a mistake, and no measure of what comes after.
pub const BATCH_PAST: Statement = Statement::new(
    "identity.batch_past",
    "SELECT MAX(CASE WHEN snapshot_us <= received_us + 86400000000 THEN snapshot_us END) AS snapshot_us, CAST(SUM(CASE \
     WHEN received_us >= $2 THEN leavers ELSE 0 END) AS BIGINT) AS leavers, MAX(COALESCE(decided_us, received_us)) AS \
     applied_us, MAX(CASE WHEN digest = $3 THEN COALESCE(decided_us, received_us) END) AS same_us FROM identity_batch \
     WHERE feed = $1 AND state = 'applied'",
);

pub const BATCH: Statement =
    Statement::new("identity.batch", concat!("SELECT ", batch_columns!(), " FROM identity_batch WHERE id = $1"));
