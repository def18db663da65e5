//! Every statement of the store.

use crate::statement::Statement;

pub const LIVED: Statement = Statement::new(
    "store.lived",
    "SELECT MAX(time_us) AS time_us FROM (SELECT time_us FROM house_clock UNION ALL \
     SELECT time_us FROM ledger WHERE seq = (SELECT seq FROM ledger_head WHERE id = 1)) AS lived",
);
pub const SAVE_HOUSE_TIME: Statement = Statement::new(
    "store.save_house_time",
    "INSERT INTO house_clock (id, time_us) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET time_us = excluded.time_us \
     WHERE house_clock.time_us < excluded.time_us",
);
pub const SET_HOUSE_TIME: Statement = Statement::new(
    "store.set_house_time",
    "INSERT INTO house_clock (id, time_us) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET time_us = excluded.time_us",
);
pub const TAKE_LOCK: Statement = Statement::new(
    "store.take_lock",
    "INSERT INTO named_lock (name, taken) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET taken = named_lock.taken + 1",
);

pub const HEAD: Statement =
    Statement::new("store.ledger_head", "SELECT seq, hash, fact_seq FROM ledger_head WHERE id = 1");
pub const TAKE_HEAD: Statement = Statement::new(
    "store.take_ledger_head",
    "UPDATE ledger_head SET seq = seq + $1, fact_seq = fact_seq + $2 WHERE id = 1 RETURNING seq, hash, fact_seq",
);
pub const SET_HEAD: Statement =
    Statement::new("store.set_ledger_head", "UPDATE ledger_head SET hash = $1 WHERE id = 1");
pub const INSERT_ENTRY: Statement = Statement::new(
    "store.insert_ledger_entry",
    "INSERT INTO ledger (seq, time_us, actor, verb, entity, commitment, previous, hash) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
pub const INSERT_PAYLOAD: Statement = Statement::new(
    "store.insert_ledger_payload",
    "INSERT INTO ledger_payload (seq, salt, payload) VALUES ($1, $2, $3)",
);
pub const ERASE_PAYLOAD: Statement = Statement::new(
    "store.erase_ledger_payload",
    "UPDATE ledger_payload SET salt = NULL, payload = NULL WHERE seq = $1 AND payload IS NOT NULL",
);
pub const ERASURE_OF: Statement =
    Statement::new("store.erasure_of", "SELECT seq FROM ledger WHERE verb = $1 AND entity = $2 AND seq > $3 LIMIT 1");
pub const LEDGER_PAGE: Statement = Statement::new(
    "store.ledger_page",
    "SELECT l.seq, l.time_us, l.actor, l.verb, l.entity, l.commitment, l.previous, l.hash, p.salt, p.payload \
     FROM ledger l LEFT JOIN ledger_payload p ON p.seq = l.seq WHERE l.seq > $1 AND l.seq <= $2 ORDER BY l.seq LIMIT $3",
);
pub const READ_LEDGER: Statement = Statement::new(
    "store.read_ledger",
    "SELECT l.seq, l.time_us, l.actor, l.verb, l.entity, l.hash, p.payload \
     FROM ledger l LEFT JOIN ledger_payload p ON p.seq = l.seq \
     WHERE l.seq < $1 AND (CAST($2 AS TEXT) IS NULL OR l.entity = $2) AND (CAST($3 AS TEXT) IS NULL OR l.actor = $3) \
     AND (CAST($4 AS TEXT) IS NULL OR l.verb = $4 OR substr(l.verb, 1, length($4) + 1) = $4 || '.') \
     ORDER BY l.seq DESC LIMIT $5",
);

pub const INSERT_ACT: Statement = Statement::new(
    "store.insert_act",
    "INSERT INTO act (id, actor, verb, entity, opened_us, expected_us, state, version) \
     VALUES ($1, $2, $3, $4, $5, $6, 'open', 1)",
);
pub const END_ACT: Statement = Statement::new(
    "store.end_act",
    "UPDATE act SET state = $2, ended_us = $3, version = version + 1 WHERE id = $1 AND state = 'open'",
);
pub const OVERDUE_ACTS: Statement = Statement::new(
    "store.overdue_acts",
    "SELECT id, actor, verb, entity, opened_us FROM act WHERE state = 'open' AND expected_us <= $1 ORDER BY expected_us",
);

pub const SET_DEADLINE: Statement = Statement::new(
    "store.set_deadline",
    "INSERT INTO deadline (id, kind, subject, owes, due_us, otherwise, state, set_us, expired_while_down, version) \
     VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, 0, 1) \
     ON CONFLICT (kind, subject) WHERE state = 'pending' DO UPDATE SET owes = excluded.owes, due_us = excluded.due_us, \
     otherwise = excluded.otherwise, set_us = excluded.set_us, version = deadline.version + 1 RETURNING id",
);
pub const END_DEADLINE: Statement = Statement::new(
    "store.end_deadline",
    "UPDATE deadline SET state = $3, ended_us = $4, version = version + 1 \
     WHERE kind = $1 AND subject = $2 AND state = 'pending'",
);
pub const EXPIRE_DEADLINE: Statement = Statement::new(
    "store.expire_deadline",
    "UPDATE deadline SET state = 'expired', ended_us = $3, expired_while_down = $4, version = version + 1 \
     WHERE id = $1 AND version = $2 AND state = 'pending'",
);
pub const DUE_DEADLINES: Statement = Statement::new(
    "store.due_deadlines",
    "SELECT id, kind, subject, owes, otherwise, due_us, set_us, version FROM deadline \
     WHERE state = 'pending' AND due_us <= $1 ORDER BY due_us, id LIMIT $2",
);
pub const NEXT_DUE: Statement =
    Statement::new("store.next_due", "SELECT MIN(due_us) AS due_us FROM deadline WHERE state = 'pending'");
pub const DEADLINES_ABOUT: Statement = Statement::new(
    "store.deadlines_about",
    "SELECT id, kind, subject, owes, due_us, otherwise, state, set_us, ended_us, expired_while_down FROM deadline \
     WHERE subject = $1 ORDER BY set_us DESC, id DESC",
);
pub const PENDING_DEADLINES: Statement = Statement::new(
    "store.pending_deadlines",
    "SELECT id, kind, subject, owes, due_us, otherwise, state, set_us, ended_us, expired_while_down FROM deadline \
     WHERE state = 'pending' AND SUBSTR(kind, 1, LENGTH(CAST($1 AS TEXT))) = $1 ORDER BY due_us, kind, subject \
     LIMIT 10000",
);

pub const INSERT_FACT: Statement = Statement::new(
    "store.insert_fact",
    "INSERT INTO outbox (seq, id, topic, fact, time_us) VALUES ($1, $2, $3, $4, $5)",
);
pub const REPLACE_FACT: Statement = Statement::new("store.replace_fact", "UPDATE outbox SET fact = $2 WHERE seq = $1");
pub const FACTS_AFTER: Statement = Statement::new(
    "store.facts_after",
    "SELECT seq, topic, fact, time_us FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2",
);
pub const CURSOR: Statement = Statement::new(
    "store.outbox_cursor",
    "SELECT s.cursor_seq, s.attempts, s.next_attempt_us, \
     (SELECT COUNT(*) FROM parked p WHERE p.subscriber = s.name AND p.retry = 1) > 0 AS retries \
     FROM subscriber s WHERE s.name = $1",
);
pub const ADVANCE: Statement = Statement::new(
    "store.advance",
    "INSERT INTO subscriber (name, cursor_seq, attempts, next_attempt_us) VALUES ($1, $2, 0, 0) \
     ON CONFLICT (name) DO UPDATE SET cursor_seq = excluded.cursor_seq, attempts = 0, next_attempt_us = 0, \
     last_error = NULL WHERE subscriber.cursor_seq < excluded.cursor_seq",
);
pub const POSTPONE: Statement = Statement::new(
    "store.postpone",
    "INSERT INTO subscriber (name, cursor_seq, attempts, next_attempt_us, last_error) VALUES ($1, 0, $2, $3, $4) \
     ON CONFLICT (name) DO UPDATE SET attempts = excluded.attempts, next_attempt_us = excluded.next_attempt_us, \
     last_error = excluded.last_error",
);
pub const MARK_DELIVERED: Statement = Statement::new(
    "store.mark_delivered",
    "INSERT INTO delivered (subscriber, fact_seq) SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT) \
     WHERE NOT EXISTS (SELECT 1 FROM subscriber WHERE name = $1 AND cursor_seq >= $2) \
     OR EXISTS (SELECT 1 FROM parked WHERE parked.subscriber = $1 AND parked.fact_seq = $2) \
     ON CONFLICT (subscriber, fact_seq) DO NOTHING",
);
/// The last thousand stay: another process may be about to deliver a fact that it read before the cursor moved.
pub const FORGET_MARKERS: Statement = Statement::new(
    "store.forget_markers",
    "DELETE FROM delivered WHERE subscriber = $1 AND fact_seq <= $2 - 1000 AND NOT EXISTS \
     (SELECT 1 FROM parked WHERE parked.subscriber = $1 AND parked.fact_seq = delivered.fact_seq)",
);
pub const PARK: Statement = Statement::new(
    "store.park",
    "INSERT INTO parked (subscriber, fact_seq, attempts, error, time_us, retry) VALUES ($1, $2, $3, $4, $5, 0) \
     ON CONFLICT (subscriber, fact_seq) DO UPDATE SET attempts = parked.attempts + excluded.attempts, \
     error = excluded.error, time_us = excluded.time_us, retry = 0",
);
pub const UNPARK: Statement =
    Statement::new("store.unpark", "DELETE FROM parked WHERE subscriber = $1 AND fact_seq = $2");
pub const RETRY_PARKED: Statement =
    Statement::new("store.retry_parked", "UPDATE parked SET retry = 1 WHERE subscriber = $1 AND fact_seq = $2");
pub const RETRIES: Statement = Statement::new(
    "store.retries",
    "SELECT o.seq, o.topic, o.fact, o.time_us FROM parked p JOIN outbox o ON o.seq = p.fact_seq \
     WHERE p.subscriber = $1 AND p.retry = 1 ORDER BY o.seq",
);
pub const PARKED: Statement = Statement::new(
    "store.parked",
    "SELECT p.subscriber, p.fact_seq, o.topic, o.fact, p.attempts, p.error, p.time_us, p.retry \
     FROM parked p JOIN outbox o ON o.seq = p.fact_seq ORDER BY p.fact_seq, p.subscriber",
);
pub const SUBSCRIBERS: Statement = Statement::new(
    "store.subscribers",
    "SELECT s.name, s.attempts, s.last_error, h.fact_seq - s.cursor_seq AS behind \
     FROM subscriber s JOIN ledger_head h ON h.id = 1 ORDER BY s.name",
);
pub const PRUNE_OUTBOX: Statement = Statement::new(
    "store.prune_outbox",
    "DELETE FROM outbox WHERE time_us < $1 AND seq <= (SELECT MIN(cursor_seq) FROM subscriber) \
     AND NOT EXISTS (SELECT 1 FROM parked WHERE parked.fact_seq = outbox.seq)",
);

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[Statement] = &[
    LIVED,
    SAVE_HOUSE_TIME,
    SET_HOUSE_TIME,
    TAKE_LOCK,
    HEAD,
    TAKE_HEAD,
    SET_HEAD,
    INSERT_ENTRY,
    INSERT_PAYLOAD,
    ERASE_PAYLOAD,
    ERASURE_OF,
    LEDGER_PAGE,
    READ_LEDGER,
    INSERT_ACT,
    END_ACT,
    OVERDUE_ACTS,
    SET_DEADLINE,
    END_DEADLINE,
    EXPIRE_DEADLINE,
    DUE_DEADLINES,
    NEXT_DUE,
    DEADLINES_ABOUT,
    PENDING_DEADLINES,
    INSERT_FACT,
    REPLACE_FACT,
    FACTS_AFTER,
    CURSOR,
    ADVANCE,
    POSTPONE,
    MARK_DELIVERED,
    FORGET_MARKERS,
    PARK,
    UNPARK,
    RETRY_PARKED,
    RETRIES,
    PARKED,
    SUBSCRIBERS,
    PRUNE_OUTBOX,
];
