//! Statements of duties, requests, activations and reviews.

use store::Statement;

pub const LOGIN: Statement =
    Statement::new("identity.login", "SELECT person_id FROM identity_login WHERE user_id = $1");
pub const LOGINS: Statement =
    Statement::new("identity.logins", "SELECT user_id, person_id FROM identity_login ORDER BY user_id LIMIT $1");
pub const SAVE_LOGIN: Statement = Statement::new(
    "identity.save_login",
    "INSERT INTO identity_login (user_id, person_id, since_us) VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE SET \
     person_id = excluded.person_id, since_us = excluded.since_us",
);
pub const DELETE_LOGIN: Statement =
    Statement::new("identity.delete_login", "DELETE FROM identity_login WHERE user_id = $1");
pub const DELEGATIONS: Statement = Statement::new(
    "identity.delegations",
    "SELECT person_id, delegate_id FROM identity_delegation WHERE from_us <= $1 AND until_us > $1 ORDER BY person_id, \
     from_us DESC, delegate_id",
);
pub const SAVE_DELEGATION: Statement = Statement::new(
    "identity.save_delegation",
    "INSERT INTO identity_delegation (person_id, delegate_id, from_us, until_us, set_by) VALUES ($1, $2, $3, $4, $5) ON \
     CONFLICT (person_id, delegate_id) DO UPDATE SET from_us = excluded.from_us, until_us = excluded.until_us, set_by = \
     excluded.set_by",
);
pub const END_DELEGATIONS: Statement =
    Statement::new("identity.end_delegations", "DELETE FROM identity_delegation WHERE person_id = $1");
pub const DELEGATIONS_OF: Statement = Statement::new(
    "identity.delegations_of",
    "SELECT person_id, delegate_id, from_us, until_us, set_by FROM identity_delegation WHERE (person_id = $1 OR delegate_id = \
     $1) AND until_us > $2 ORDER BY from_us, person_id, delegate_id",
);

pub const SAVE_VIOLATION: Statement = Statement::new(
    "identity.save_violation",
    "INSERT INTO identity_violation (id, rule, scope, person_id, risk, state, sides, exception_id, found_us, gone_us, \
     version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO UPDATE SET risk = excluded.risk, \
     state = excluded.state, sides = excluded.sides, exception_id = excluded.exception_id, found_us = \
     excluded.found_us, gone_us = excluded.gone_us, version = excluded.version WHERE identity_violation.version = \
     excluded.version - 1",
);
pub const VIOLATIONS: Statement = Statement::new(
    "identity.violations",
    "SELECT id, rule, scope, person_id, risk, state, sides, exception_id, found_us, gone_us, version FROM \
     identity_violation WHERE (CAST($1 AS TEXT) IS NULL OR person_id = $1) AND (CAST($2 AS TEXT) IS NULL OR state = $2) \
     ORDER BY found_us DESC, id LIMIT $3",
);
pub const VIOLATION: Statement = Statement::new(
    "identity.violation",
    "SELECT id, rule, scope, person_id, risk, state, sides, exception_id, found_us, gone_us, version FROM \
     identity_violation WHERE id = $1",
);
pub const INSERT_SOD_EXCEPTION: Statement = Statement::new(
    "identity.insert_sod_exception",
    "INSERT INTO identity_sod_exception (id, rule, person_id, risk_owner, mitigation, reason, state, until_us, given_by, \
     given_us) VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $8, $9)",
);
pub const END_SOD_EXCEPTION: Statement = Statement::new(
    "identity.end_sod_exception",
    "UPDATE identity_sod_exception SET state = $2, ended_us = $3, ended_by = $4 WHERE id = $1 AND state = 'active'",
);
pub const SOD_EXCEPTION: Statement = Statement::new(
    "identity.sod_exception",
    "SELECT id, rule, person_id, risk_owner, mitigation, reason, state, until_us, given_by, given_us, ended_us, ended_by \
     FROM identity_sod_exception WHERE id = $1",
);
pub const SOD_EXCEPTIONS: Statement = Statement::new(
    "identity.sod_exceptions",
    "SELECT id, rule, person_id, risk_owner, mitigation, reason, state, until_us, given_by, given_us, ended_us, ended_by \
     FROM identity_sod_exception WHERE (CAST($1 AS TEXT) IS NULL OR state = $1) ORDER BY given_us DESC, id LIMIT $2",
);

pub const SAVE_REQUEST: Statement = Statement::new(
    "identity.save_request",
    "INSERT INTO identity_request (id, requester_id, person_id, state, is_open, risk, sheet, version, created_us, \
     updated_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET state = excluded.state, \
     is_open = excluded.is_open, risk = excluded.risk, sheet = excluded.sheet, version = excluded.version, updated_us = \
     excluded.updated_us WHERE identity_request.version = excluded.version - 1",
);
pub const REQUEST: Statement =
    Statement::new("identity.request", "SELECT sheet, version FROM identity_request WHERE id = $1");
pub const REQUESTS: Statement = Statement::new(
    "identity.requests",
    "SELECT r.sheet, r.version FROM identity_request r WHERE (CAST($1 AS TEXT) IS NULL OR r.person_id = $1 OR \
     r.requester_id = $1) AND (CAST($2 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM identity_request_seat s WHERE \
     s.request_id = r.id AND s.person_id = $2)) AND ($3 = 0 OR r.is_open = 1) ORDER BY r.created_us DESC, r.id LIMIT $4",
);
pub const CLEAR_SEATS: Statement =
    Statement::new("identity.clear_seats", "DELETE FROM identity_request_seat WHERE request_id = $1");
pub const SAVE_SEAT: Statement = Statement::new(
    "identity.save_seat",
    "INSERT INTO identity_request_seat (request_id, stage, seat, person_id) VALUES ($1, $2, $3, $4)",
);

pub const SAVE_ACTIVATION: Statement = Statement::new(
    "identity.save_activation",
    "INSERT INTO identity_activation (id, person_id, eligible_id, target_kind, target, ticket, reason, state, is_open, \
     assignment_id, asked_us, began_us, until_us, ended_us, end_cause, exposure_us, verified_us, sheet, version) VALUES \
     ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) ON CONFLICT (id) DO UPDATE \
     SET state = excluded.state, is_open = excluded.is_open, assignment_id = excluded.assignment_id, began_us = \
     excluded.began_us, until_us = excluded.until_us, ended_us = excluded.ended_us, end_cause = excluded.end_cause, \
     exposure_us = excluded.exposure_us, verified_us = excluded.verified_us, sheet = excluded.sheet, version = \
     excluded.version WHERE identity_activation.version = excluded.version - 1",
);
pub const ACTIVATION: Statement =
    Statement::new("identity.activation", "SELECT sheet, version FROM identity_activation WHERE id = $1");
pub const ACTIVATIONS: Statement = Statement::new(
    "identity.activations",
    "SELECT sheet, version FROM identity_activation WHERE (CAST($1 AS TEXT) IS NULL OR person_id = $1) AND ($2 = 0 OR \
     is_open = 1) ORDER BY asked_us DESC, id LIMIT $3",
);
pub const ACTIVATIONS_OF_TICKET: Statement = Statement::new(
    "identity.activations_of_ticket",
    "SELECT sheet, version FROM identity_activation WHERE ticket = $1 AND is_open = 1 ORDER BY id",
);

pub const SAVE_CAMPAIGN: Statement = Statement::new(
    "identity.save_campaign",
    "INSERT INTO identity_campaign (id, title, state, due_us, items, sheet, version, created_us, closed_us) VALUES ($1, \
     $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_us = excluded.due_us, \
     items = excluded.items, sheet = excluded.sheet, version = excluded.version, closed_us = excluded.closed_us WHERE \
     identity_campaign.version = excluded.version - 1",
);
pub const CAMPAIGN: Statement =
    Statement::new("identity.campaign", "SELECT sheet, version FROM identity_campaign WHERE id = $1");
pub const CAMPAIGNS: Statement = Statement::new(
    "identity.campaigns",
    "SELECT sheet, version FROM identity_campaign ORDER BY created_us DESC, id LIMIT $1",
);
pub const SAVE_REVIEW_ITEM: Statement = Statement::new(
    "identity.save_review_item",
    "INSERT INTO identity_review_item (id, campaign_id, person_id, entitlement_id, reviewer_id, risk, score, state, \
     decision, decided_by, decided_us, shown_us, is_canary, sheet, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, \
     $10, $11, $12, $13, $14, $15) ON CONFLICT (id) DO UPDATE SET reviewer_id = excluded.reviewer_id, risk = \
     excluded.risk, score = excluded.score, state = excluded.state, decision = excluded.decision, decided_by = \
     excluded.decided_by, decided_us = excluded.decided_us, shown_us = excluded.shown_us, sheet = excluded.sheet, version \
     = excluded.version WHERE identity_review_item.version = excluded.version - 1",
);
pub const REVIEW_ITEM: Statement =
    Statement::new("identity.review_item", "SELECT sheet, version FROM identity_review_item WHERE id = $1");
pub const REVIEW_ITEMS: Statement = Statement::new(
    "identity.review_items",
    "SELECT sheet, version FROM identity_review_item WHERE campaign_id = $1 AND (CAST($2 AS TEXT) IS NULL OR reviewer_id \
     = $2) ORDER BY score DESC, id LIMIT $3",
);

pub const SECOND_FACTOR: Statement = Statement::new(
    "identity.second_factor",
    "SELECT secret, enrolled_us, confirmed_us, last_step, failures, locked_us FROM identity_second_factor WHERE \
     person_id = $1",
);
pub const SAVE_SECOND_FACTOR: Statement = Statement::new(
    "identity.save_second_factor",
    "INSERT INTO identity_second_factor (person_id, secret, enrolled_us, last_step, failures) VALUES ($1, $2, $3, 0, 0) \
     ON CONFLICT (person_id) DO UPDATE SET secret = excluded.secret, enrolled_us = excluded.enrolled_us, last_step = 0",
);
pub const NOTE_SECOND_FACTOR: Statement = Statement::new(
    "identity.note_second_factor",
    "UPDATE identity_second_factor SET last_step = $2, failures = $3, locked_us = $4, confirmed_us = $5 WHERE person_id \
     = $1",
);
pub const SECOND_FACTORS: Statement = Statement::new(
    "identity.second_factors",
    "SELECT person_id, secret FROM identity_second_factor ORDER BY person_id",
);
pub const RESEAL_SECOND_FACTOR: Statement = Statement::new(
    "identity.reseal_second_factor",
    "UPDATE identity_second_factor SET secret = $2 WHERE person_id = $1",
);
pub const DELETE_SECOND_FACTOR: Statement =
    Statement::new("identity.delete_second_factor", "DELETE FROM identity_second_factor WHERE person_id = $1");

/// All of them, for the test that prepares each on both engines.
pub const DUTY_STATEMENTS: &[Statement] = &[
    SECOND_FACTOR,
    SAVE_SECOND_FACTOR,
    NOTE_SECOND_FACTOR,
    SECOND_FACTORS,
    RESEAL_SECOND_FACTOR,
    DELETE_SECOND_FACTOR,
    LOGIN,
    LOGINS,
    SAVE_LOGIN,
    DELETE_LOGIN,
    DELEGATIONS,
    SAVE_DELEGATION,
    END_DELEGATIONS,
    DELEGATIONS_OF,
    SAVE_VIOLATION,
    VIOLATIONS,
    VIOLATION,
    INSERT_SOD_EXCEPTION,
    END_SOD_EXCEPTION,
    SOD_EXCEPTION,
    SOD_EXCEPTIONS,
    SAVE_REQUEST,
    REQUEST,
    REQUESTS,
    CLEAR_SEATS,
    SAVE_SEAT,
    SAVE_ACTIVATION,
    ACTIVATION,
    ACTIVATIONS,
    ACTIVATIONS_OF_TICKET,
    SAVE_CAMPAIGN,
    CAMPAIGN,
    CAMPAIGNS,
    SAVE_REVIEW_ITEM,
    REVIEW_ITEM,
    REVIEW_ITEMS,
];
