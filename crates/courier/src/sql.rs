//! Every statement of the room.

use store::Statement;

pub const INSERT_RAW: Statement = Statement::new(
    "courier.insert_raw",
    "INSERT INTO courier_raw (id, channel, received_us, encoding, body, findings) VALUES ($1, $2, $3, $4, $5, $6)",
);
pub const RAW: Statement = Statement::new(
    "courier.raw",
    "SELECT id, channel, received_us, encoding, body, findings FROM courier_raw WHERE id = $1",
);
pub const FAULTY_RAW: Statement = Statement::new(
    "courier.faulty_raw",
    "SELECT id, channel, received_us, encoding, body, findings FROM courier_raw WHERE findings <> '[]' \
     ORDER BY received_us DESC, id LIMIT $1",
);
pub const PRUNE_RAW: Statement = Statement::new("courier.prune_raw", "DELETE FROM courier_raw WHERE received_us < $1");
pub const PRUNE_SEEN: Statement = Statement::new("courier.prune_seen", "DELETE FROM courier_seen WHERE last_us < $1");

pub const SEE: Statement = Statement::new(
    "courier.see",
    "INSERT INTO courier_seen (id, receipts, first_us, last_us) VALUES ($1, 1, $2, $2) \
     ON CONFLICT (id) DO UPDATE SET receipts = courier_seen.receipts + 1, last_us = excluded.last_us \
     RETURNING receipts",
);

pub const INSERT_MESSAGE: Statement = Statement::new(
    "courier.insert_message",
    "INSERT INTO courier_message (id, means, channel, provider_id, sender, recipient, subject, body, digest, sent_us, \
     received_us, answers, answers_certain, automatic, exercise, raw_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
);
pub const CONCEAL_MESSAGE: Statement = Statement::new(
    "courier.conceal_message",
    "UPDATE courier_message SET body = $2, subject = COALESCE($3, subject) WHERE id = $1 RETURNING raw_id",
);
pub const CONCEAL_RAW: Statement =
    Statement::new("courier.conceal_raw", "UPDATE courier_raw SET encoding = 'text', body = $2 WHERE id = $1");
pub const SAME_MESSAGE: Statement = Statement::new(
    "courier.same_message",
    "SELECT id FROM courier_message WHERE digest = $1 AND received_us >= $2 AND provider_id IS NULL \
     ORDER BY received_us LIMIT 1",
);
pub const MESSAGES: Statement = Statement::new(
    "courier.messages",
    "SELECT m.id, m.means, m.channel, m.provider_id, m.sender, m.recipient, m.subject, m.body, m.sent_us, m.received_us, \
     m.answers, m.answers_certain, m.automatic, m.exercise, m.raw_id, s.receipts FROM courier_message m \
     JOIN courier_seen s ON s.id = m.id WHERE m.received_us < $1 ORDER BY m.received_us DESC, m.id LIMIT $2",
);

pub const INSERT_SEGMENT: Statement = Statement::new(
    "courier.insert_segment",
    "INSERT INTO courier_segment (channel, sender, recipient, reference, total, number, body, received_us, raw_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (channel, sender, recipient, reference, total, number) DO NOTHING",
);
pub const SEGMENTS: Statement = Statement::new(
    "courier.segments",
    "SELECT number, body, received_us, raw_id FROM courier_segment WHERE channel = $1 AND sender = $2 AND recipient = $3 \
     AND reference = $4 AND total = $5 ORDER BY number",
);
pub const DELETE_SEGMENTS: Statement = Statement::new(
    "courier.delete_segments",
    "DELETE FROM courier_segment WHERE channel = $1 AND sender = $2 AND recipient = $3 AND reference = $4 AND total = $5",
);
pub const OLD_SEGMENTS: Statement = Statement::new(
    "courier.old_segments",
    "SELECT channel, sender, recipient, reference, total FROM courier_segment \
     GROUP BY channel, sender, recipient, reference, total HAVING MAX(received_us) < $1 LIMIT 100",
);

pub const INSERT_DISPATCH: Statement = Statement::new(
    "courier.insert_dispatch",
    "INSERT INTO courier_dispatch (id, dispatch_key, desk, about, recipient, addresses, place, means, address, subject, \
     body, lane, exercise, secret, patience_s, requested_us, expires_us, state, is_open, tries, since_us, due_us, problem, \
     updated_us, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
     $20, $21, $22, $23, $24, $25) ON CONFLICT (dispatch_key) DO NOTHING",
);
pub const SAVE_DISPATCH: Statement = Statement::new(
    "courier.save_dispatch",
    "UPDATE courier_dispatch SET place = $3, means = $4, address = $5, state = $6, is_open = $7, tries = $8, since_us = $9, \
     due_us = $10, problem = $11, updated_us = $12, version = $13, \
     subject = CASE CAST($14 AS BIGINT) WHEN 1 THEN NULL ELSE subject END, \
     body = CASE CAST($14 AS BIGINT) WHEN 1 THEN '[secret]' ELSE body END WHERE id = $1 AND version = $2",
);
pub const DISPATCH: Statement = Statement::new(
    "courier.dispatch",
    "SELECT id, dispatch_key, desk, about, recipient, addresses, place, subject, body, lane, exercise, secret, patience_s, \
     requested_us, expires_us, state, is_open, tries, since_us, due_us, problem, updated_us, version \
     FROM courier_dispatch WHERE id = $1",
);
pub const DISPATCH_BY_KEY: Statement = Statement::new(
    "courier.dispatch_by_key",
    "SELECT id, dispatch_key, desk, about, recipient, addresses, place, subject, body, lane, exercise, secret, patience_s, \
     requested_us, expires_us, state, is_open, tries, since_us, due_us, problem, updated_us, version \
     FROM courier_dispatch WHERE dispatch_key = $1",
);
pub const DUE_DISPATCHES: Statement = Statement::new(
    "courier.due_dispatches",
    "SELECT id, lane FROM courier_dispatch WHERE is_open = 1 AND state = 'queued' AND means = $1 AND due_us <= $2 \
     AND expires_us > $2 ORDER BY lane, due_us, id LIMIT $3",
);
pub const SETTLING: Statement = Statement::new(
    "courier.settling",
    "SELECT id FROM courier_dispatch WHERE is_open = 1 AND ((state = 'sent' AND due_us <= $1) OR expires_us <= $1) \
     ORDER BY lane, due_us, id LIMIT $2",
);
pub const QUEUED_MEANS: Statement = Statement::new(
    "courier.queued_means",
    "SELECT means, COUNT(*) AS waiting FROM courier_dispatch WHERE is_open = 1 AND state = 'queued' GROUP BY means",
);
pub const QUEUED_BY_MEANS: Statement = Statement::new(
    "courier.queued_by_means",
    "SELECT id FROM courier_dispatch WHERE is_open = 1 AND state = 'queued' AND means = $1 ORDER BY lane, due_us LIMIT $2",
);
pub const DISPATCHES: Statement = Statement::new(
    "courier.dispatches",
    "SELECT id, dispatch_key, desk, about, recipient, addresses, place, subject, body, lane, exercise, secret, patience_s, \
     requested_us, expires_us, state, is_open, tries, since_us, due_us, problem, updated_us, version \
     FROM courier_dispatch WHERE updated_us < $1 AND (CAST($2 AS TEXT) IS NULL OR state = $2) \
     ORDER BY updated_us DESC, id LIMIT $3",
);
/// What was lately sent to an address, for messages that answer.
pub const LATELY_SENT: Statement = Statement::new(
    "courier.lately_sent",
    "SELECT dispatch_key FROM courier_dispatch WHERE means = $1 AND address = $2 AND updated_us >= $3 \
     AND state IN ('sent', 'delivered') ORDER BY updated_us DESC LIMIT 2",
);
/// How often the same text went to the same address.
pub const REPETITIONS: Statement = Statement::new(
    "courier.repetitions",
    "SELECT COUNT(*) AS often FROM courier_dispatch WHERE means = $1 AND address = $2 AND body = $3 AND requested_us >= $4",
);

pub const BEGIN_TRY: Statement = Statement::new(
    "courier.begin_try",
    "INSERT INTO courier_try (dispatch_id, number, channel, means, address, began_us) \
     VALUES ($1, (SELECT COALESCE(MAX(number), 0) + 1 FROM courier_try WHERE dispatch_id = $1), $2, $3, $4, $5) \
     RETURNING number",
);
pub const END_TRY: Statement = Statement::new(
    "courier.end_try",
    "UPDATE courier_try SET ended_us = $3, outcome = $4, problem = $5 WHERE dispatch_id = $1 AND number = $2",
);
pub const CUT_OFF: Statement = Statement::new(
    "courier.cut_off",
    "UPDATE courier_try SET ended_us = $1, outcome = 'unknown', problem = $2 WHERE ended_us IS NULL",
);
pub const TRIES: Statement = Statement::new(
    "courier.tries",
    "SELECT number, channel, means, address, began_us, ended_us, outcome, problem FROM courier_try \
     WHERE dispatch_id = $1 ORDER BY number",
);

pub const INSERT_PIECE: Statement = Statement::new(
    "courier.insert_piece",
    "INSERT INTO courier_piece (channel, provider_id, dispatch_id, place, number, total, accepted_us) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (channel, provider_id) DO UPDATE SET \
     dispatch_id = excluded.dispatch_id, place = excluded.place, number = excluded.number, total = excluded.total, \
     accepted_us = excluded.accepted_us, said = NULL, said_us = NULL",
);
pub const PIECES: Statement = Statement::new(
    "courier.pieces",
    "SELECT provider_id, number, total, said FROM courier_piece WHERE dispatch_id = $1 AND place = $2 ORDER BY number",
);
pub const PIECE: Statement = Statement::new(
    "courier.piece",
    "SELECT dispatch_id, place FROM courier_piece WHERE channel = $1 AND provider_id = $2",
);
pub const SAY_OF_PIECE: Statement = Statement::new(
    "courier.say_of_piece",
    "UPDATE courier_piece SET said = $3, said_us = $4 WHERE channel = $1 AND provider_id = $2 \
     AND (said IS NULL OR said <> 'delivered')",
);
pub const INSERT_STRAY: Statement = Statement::new(
    "courier.insert_stray",
    "INSERT INTO courier_stray (channel, provider_id, said, problem, received_us) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (channel, provider_id) DO UPDATE SET said = excluded.said, problem = excluded.problem, \
     received_us = excluded.received_us",
);
pub const TAKE_STRAY: Statement = Statement::new(
    "courier.take_stray",
    "DELETE FROM courier_stray WHERE channel = $1 AND provider_id = $2 RETURNING said, problem",
);

pub const CURSOR: Statement = Statement::new("courier.cursor", "SELECT place FROM courier_cursor WHERE channel = $1");
pub const SET_CURSOR: Statement = Statement::new(
    "courier.set_cursor",
    "INSERT INTO courier_cursor (channel, place) VALUES ($1, $2) \
     ON CONFLICT (channel) DO UPDATE SET place = excluded.place",
);

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[Statement] = &[
    INSERT_RAW,
    RAW,
    FAULTY_RAW,
    PRUNE_RAW,
    PRUNE_SEEN,
    SEE,
    INSERT_MESSAGE,
    CONCEAL_MESSAGE,
    CONCEAL_RAW,
    SAME_MESSAGE,
    MESSAGES,
    INSERT_SEGMENT,
    SEGMENTS,
    DELETE_SEGMENTS,
    OLD_SEGMENTS,
    INSERT_DISPATCH,
    SAVE_DISPATCH,
    DISPATCH,
    DISPATCH_BY_KEY,
    DUE_DISPATCHES,
    SETTLING,
    QUEUED_MEANS,
    QUEUED_BY_MEANS,
    DISPATCHES,
    LATELY_SENT,
    REPETITIONS,
    BEGIN_TRY,
    END_TRY,
    CUT_OFF,
    TRIES,
    INSERT_PIECE,
    PIECES,
    PIECE,
    SAY_OF_PIECE,
    INSERT_STRAY,
    TAKE_STRAY,
    CURSOR,
    SET_CURSOR,
];
