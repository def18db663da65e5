//! Every statement of this crate.

use store::Statement;

pub const HEADS: Statement =
    Statement::new("replica.heads", "SELECT lane, seq, hash, time_us FROM replica_head WHERE node = $1");
pub const SAVE_HEAD: Statement = Statement::new(
    "replica.save_head",
    "INSERT INTO replica_head (node, lane, seq, hash, time_us) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (node, lane) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, time_us = excluded.time_us",
);
pub const INSERT_ENTRY: Statement = Statement::new(
    "replica.insert_entry",
    "INSERT INTO replica_log (node, lane, seq, time_us, kind, subject, body, hash, salt, commitment) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);
pub const ENTRIES: Statement = Statement::new(
    "replica.entries",
    "SELECT lane, seq, time_us, kind, subject, body, hash, salt, commitment FROM replica_log \
     WHERE node = $1 AND lane = $2 AND seq > $3 AND seq <= $4 ORDER BY seq",
);
pub const ENTRIES_ABOUT: Statement = Statement::new(
    "replica.entries_about",
    "SELECT lane, seq, time_us, kind, subject, body, hash, salt, commitment FROM replica_log \
     WHERE node = $1 AND kind = $2 AND subject = $3 ORDER BY lane, seq",
);
pub const THINGS_WITH: Statement = Statement::new(
    "replica.things_with",
    "SELECT DISTINCT kind, subject FROM replica_log WHERE node = $1 AND body LIKE '%' || $2 || '%'",
);
pub const ERASE_ENTRY: Statement = Statement::new(
    "replica.erase_entry",
    "UPDATE replica_log SET body = '', salt = NULL, commitment = $4 WHERE node = $1 AND lane = $2 AND seq = $3",
);
pub const DELETE_RECORD: Statement = Statement::new(
    "replica.delete_record",
    "DELETE FROM replica_record WHERE node = $1 AND kind = $2 AND subject = $3",
);
pub const RECORD: Statement = Statement::new(
    "replica.record",
    "SELECT node, kind, subject, lane, seq, time_us, body FROM replica_record \
     WHERE node = $1 AND kind = $2 AND subject = $3",
);
pub const RECORDS: Statement = Statement::new(
    "replica.records",
    "SELECT node, kind, subject, lane, seq, time_us, body FROM replica_record \
     WHERE kind = $1 AND (CAST($2 AS TEXT) IS NULL OR node = $2) AND node <> $3 AND time_us < $4 \
     ORDER BY time_us DESC, seq DESC LIMIT $5",
);
/// Nodes of which there are things and with which nothing was ever exchanged.
pub const RELAYED_NODES: Statement = Statement::new(
    "replica.relayed_nodes",
    "SELECT DISTINCT r.node FROM replica_record r WHERE r.node <> $1 \
     AND NOT EXISTS (SELECT 1 FROM replica_peer p WHERE p.node = r.node) ORDER BY r.node",
);
pub const SAVE_RECORD: Statement = Statement::new(
    "replica.save_record",
    "INSERT INTO replica_record (node, kind, subject, lane, seq, time_us, body) VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (node, kind, subject) DO UPDATE SET lane = excluded.lane, seq = excluded.seq, \
     time_us = excluded.time_us, body = excluded.body",
);
pub const PARTS: Statement = Statement::new(
    "replica.parts",
    "SELECT piece FROM replica_part WHERE node = $1 AND lane = $2 ORDER BY offset_bytes",
);
pub const WAITING: Statement = Statement::new(
    "replica.waiting",
    "SELECT lane, first_seq, last_seq, total_bytes, digest, MAX(offset_bytes + piece_bytes) AS there \
     FROM replica_part WHERE node = $1 GROUP BY lane, first_seq, last_seq, total_bytes, digest",
);
pub const INSERT_PART: Statement = Statement::new(
    "replica.insert_part",
    "INSERT INTO replica_part (node, lane, offset_bytes, first_seq, last_seq, total_bytes, digest, piece_bytes, piece) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
pub const DROP_PARTS: Statement =
    Statement::new("replica.drop_parts", "DELETE FROM replica_part WHERE node = $1 AND lane = $2");
pub const PEERS: Statement = Statement::new(
    "replica.peers",
    "SELECT node, heard_us, as_of_us, behind, owed, problem, problem_us, own_lanes, have_lanes FROM replica_peer \
     ORDER BY node",
);
pub const HEARD: Statement = Statement::new(
    "replica.heard",
    "INSERT INTO replica_peer (node, heard_us, as_of_us, behind, owed, problem, problem_us, own_lanes, have_lanes) \
     VALUES ($1, $2, $3, $4, $5, NULL, NULL, $6, $7) ON CONFLICT (node) DO UPDATE SET heard_us = excluded.heard_us, \
     as_of_us = excluded.as_of_us, behind = excluded.behind, owed = excluded.owed, problem = NULL, problem_us = NULL, \
     own_lanes = excluded.own_lanes, have_lanes = excluded.have_lanes",
);
pub const REFUSALS: Statement = Statement::new(
    "replica.refusals",
    "SELECT node, time_us, problem FROM replica_refusal WHERE node = $1 ORDER BY time_us DESC LIMIT $2",
);
pub const INSERT_REFUSAL: Statement = Statement::new(
    "replica.insert_refusal",
    "INSERT INTO replica_refusal (node, time_us, problem) VALUES ($1, $2, $3) \
     ON CONFLICT (node, time_us) DO UPDATE SET problem = excluded.problem",
);
/// All but the latest so many.
pub const FORGET_REFUSALS: Statement = Statement::new(
    "replica.forget_refusals",
    "DELETE FROM replica_refusal WHERE node = $1 AND time_us NOT IN \
     (SELECT time_us FROM replica_refusal WHERE node = $1 ORDER BY time_us DESC LIMIT $2)",
);
pub const FAILED: Statement = Statement::new(
    "replica.failed",
    "INSERT INTO replica_peer (node, heard_us, as_of_us, behind, owed, problem, problem_us) \
     VALUES ($1, 0, 0, 0, 0, $2, $3) ON CONFLICT (node) DO UPDATE SET problem = excluded.problem, \
     problem_us = excluded.problem_us",
);

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[Statement] = &[
    HEADS,
    SAVE_HEAD,
    INSERT_ENTRY,
    ENTRIES,
    ENTRIES_ABOUT,
    THINGS_WITH,
    ERASE_ENTRY,
    DELETE_RECORD,
    RECORD,
    RECORDS,
    RELAYED_NODES,
    SAVE_RECORD,
    PARTS,
    WAITING,
    INSERT_PART,
    DROP_PARTS,
    PEERS,
    HEARD,
    FAILED,
    REFUSALS,
    INSERT_REFUSAL,
    FORGET_REFUSALS,
];
