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
    "UPDATE identity_batch SET state = $2, plan_id = $3, decided_by = $4, decided_us = $5, decision = $6, \
     content = NULL WHERE id = $1 AND state = 'held'",
);

pub const BATCH_PAST: Statement = Statement::new(
    "identity.batch_past",
    "SELECT MAX(snapshot_us) AS snapshot_us, CAST(SUM(CASE WHEN received_us >= $2 THEN leavers ELSE 0 END) AS \
     BIGINT) AS leavers FROM identity_batch WHERE feed = $1 AND state = 'applied'",
);
pub const BATCH: Statement =
    Statement::new("identity.batch", concat!("SELECT ", batch_columns!(), " FROM identity_batch WHERE id = $1"));
