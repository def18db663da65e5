//! Every statement of the room.

use store::Statement;

use crate::hybrid::sql as hybrid;

pub use crate::batch_sql::{APPLIED_SINCE, BATCH, BATCH_PAST, BATCHES, DECIDE_BATCH, INSERT_BATCH, LAST_BATCH};

pub const REVISION: Statement =
    Statement::new("identity.revision", "SELECT revision FROM identity_revision WHERE id = 1");
pub const TOUCH_REVISION: Statement =
    Statement::new("identity.touch_revision", "UPDATE identity_revision SET revision = revision + 1 WHERE id = 1");
pub const SAVE_DOCUMENT: Statement = Statement::new(
    "identity.save_document",
    "INSERT INTO identity_document (kind, doc_key, title, owner, body, version, retired_us, updated_us, \
     updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (kind, doc_key) DO UPDATE SET title = \
     excluded.title, owner = excluded.owner, body = excluded.body, version = excluded.version, retired_us = \
     excluded.retired_us, updated_us = excluded.updated_us, updated_by = excluded.updated_by WHERE \
     identity_document.version = excluded.version - 1",
);
pub const DOCUMENT: Statement = Statement::new(
    "identity.document",
    "SELECT kind, doc_key, title, owner, body, version, retired_us, updated_us, updated_by FROM \
     identity_document WHERE kind = $1 AND doc_key = $2",
);
pub const DOCUMENTS: Statement = Statement::new(
    "identity.documents",
    "SELECT kind, doc_key, title, owner, body, version, retired_us, updated_us, updated_by FROM \
     identity_document ORDER BY kind, doc_key LIMIT $1",
);
pub const SAVE_PERSON: Statement = Statement::new(
    "identity.save_person",
    "INSERT INTO identity_person (id, kind, state, number, given_name, family_name, birth_date, mail, sponsor, \
     restricted, blocked_us, merged_into, sheet, version, created_us, updated_us) VALUES ($1, $2, $3, $4, $5, \
     $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, \
     state = excluded.state, number = excluded.number, given_name = excluded.given_name, family_name = \
     excluded.family_name, birth_date = excluded.birth_date, mail = excluded.mail, sponsor = excluded.sponsor, \
     restricted = excluded.restricted, blocked_us = excluded.blocked_us, merged_into = excluded.merged_into, \
     sheet = excluded.sheet, version = excluded.version, updated_us = excluded.updated_us WHERE \
     identity_person.version = excluded.version - 1",
);
pub const PERSON: Statement = Statement::new(
    "identity.person",
    "SELECT id, kind, state, number, given_name, family_name, birth_date, mail, sponsor, restricted, \
     blocked_us, merged_into, sheet, version, created_us, updated_us FROM identity_person WHERE id = $1",
);
pub const PEOPLE: Statement = Statement::new(
    "identity.people",
    "SELECT id, kind, state, number, given_name, family_name, birth_date, mail, sponsor, restricted, \
     blocked_us, merged_into, sheet, version, created_us, updated_us FROM identity_person ORDER BY id LIMIT $1",
);
pub const SEARCH_PEOPLE: Statement = Statement::new(
    "identity.search_people",
    "SELECT id, kind, state, number, given_name, family_name, birth_date, mail, sponsor, restricted, \
     blocked_us, merged_into, sheet, version, created_us, updated_us FROM identity_person WHERE \
     LOWER(given_name) LIKE $1 OR LOWER(family_name) LIKE $1 OR LOWER(COALESCE(number, '')) LIKE $1 OR \
     LOWER(COALESCE(mail, '')) LIKE $1 OR LOWER(given_name || ' ' || family_name) LIKE $1 ORDER BY \
     family_name, given_name, id LIMIT $2",
);
pub const ANCHORS: Statement = Statement::new(
    "identity.anchors",
    "SELECT source, anchor, person_id FROM identity_anchor ORDER BY source, anchor LIMIT $1",
);
pub const ANCHORS_OF: Statement = Statement::new(
    "identity.anchors_of",
    "SELECT source, anchor, person_id FROM identity_anchor WHERE person_id = $1 ORDER BY source, anchor",
);
pub const SAVE_ANCHOR: Statement = Statement::new(
    "identity.save_anchor",
    "INSERT INTO identity_anchor (source, anchor, person_id, since_us) VALUES ($1, $2, $3, $4) ON CONFLICT \
     (source, anchor) DO UPDATE SET person_id = excluded.person_id, since_us = excluded.since_us",
);
pub const SAVE_ENGAGEMENT: Statement = Statement::new(
    "identity.save_engagement",
    "INSERT INTO identity_engagement (id, person_id, source, source_key, state, station, org_unit, job, \
     manager, begins_us, ends_us, sheet, row_digest, version, created_us, updated_us) VALUES ($1, $2, $3, $4, \
     $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO UPDATE SET person_id = \
     excluded.person_id, state = excluded.state, station = excluded.station, org_unit = excluded.org_unit, job \
     = excluded.job, manager = excluded.manager, begins_us = excluded.begins_us, ends_us = excluded.ends_us, \
     sheet = excluded.sheet, row_digest = excluded.row_digest, version = excluded.version, updated_us = \
     excluded.updated_us WHERE identity_engagement.version = excluded.version - 1",
);
pub const ENGAGEMENTS_OF: Statement = Statement::new(
    "identity.engagements_of",
    "SELECT id, person_id, source, source_key, state, station, org_unit, job, manager, begins_us, ends_us, \
     sheet, row_digest, version, created_us, updated_us FROM identity_engagement WHERE person_id = $1 ORDER BY \
     begins_us, id",
);
pub const ENGAGEMENTS_OF_SOURCE: Statement = Statement::new(
    "identity.engagements_of_source",
    "SELECT id, person_id, source, source_key, state, station, org_unit, job, manager, begins_us, ends_us, \
     sheet, row_digest, version, created_us, updated_us FROM identity_engagement WHERE source = $1 ORDER BY id \
     LIMIT $2",
);
pub const ENGAGEMENTS: Statement = Statement::new(
    "identity.engagements",
    "SELECT id, person_id, source, source_key, state, station, org_unit, job, manager, begins_us, ends_us, \
     sheet, row_digest, version, created_us, updated_us FROM identity_engagement ORDER BY id LIMIT $1",
);
pub const INSERT_SLICE: Statement = Statement::new(
    "identity.insert_slice",
    "INSERT INTO identity_slice (id, subject, person_id, valid_from_us, valid_until_us, recorded_us, cause, \
     sheet) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
pub const SUPERSEDE_SLICE: Statement = Statement::new(
    "identity.supersede_slice",
    "UPDATE identity_slice SET superseded_us = $2 WHERE id = $1 AND superseded_us IS NULL",
);
pub const SLICES_OF_SUBJECT: Statement = Statement::new(
    "identity.slices_of_subject",
    "SELECT id, subject, person_id, valid_from_us, valid_until_us, recorded_us, superseded_us, cause, sheet, \
     recorded_us AS known_us FROM identity_slice s WHERE subject = $1 ORDER BY recorded_us, valid_from_us, id",
);
pub const SLICES_OF_PERSON: Statement = Statement::new(
    "identity.slices_of_person",
    "SELECT id, subject, person_id, valid_from_us, valid_until_us, recorded_us, superseded_us, cause, sheet, \
     CASE WHEN valid_until_us IS NULL THEN recorded_us ELSE \
     (SELECT MIN(o.recorded_us) FROM identity_slice o WHERE o.subject = s.subject AND o.valid_from_us = \
     s.valid_from_us AND o.sheet = s.sheet) END AS known_us FROM identity_slice s WHERE person_id = $1 AND superseded_us IS NULL ORDER BY subject, valid_from_us",
);
pub const CURRENT_SLICES: Statement = Statement::new(
    "identity.current_slices",
    "SELECT id, subject, person_id, valid_from_us, valid_until_us, recorded_us, superseded_us, cause, sheet, \
     CASE WHEN valid_until_us IS NULL THEN recorded_us ELSE \
     (SELECT MIN(o.recorded_us) FROM identity_slice o WHERE o.subject = s.subject AND o.valid_from_us = \
     s.valid_from_us AND o.sheet = s.sheet) END AS known_us FROM identity_slice s WHERE superseded_us IS NULL AND (valid_until_us IS NULL OR valid_until_us > $1) ORDER \
     BY subject, valid_from_us LIMIT $2",
);
pub const SAVE_ENTITLEMENT: Statement = Statement::new(
    "identity.save_entitlement",
    "INSERT INTO identity_entitlement (id, system, name, native_id, kind, title, owner, risk, privileged, \
     cost_yearly, seen_us, gone_us, version, updated_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
     $12, $13, $14) ON CONFLICT (id) DO UPDATE SET name = excluded.name, native_id = excluded.native_id, kind \
     = excluded.kind, title = excluded.title, owner = excluded.owner, risk = excluded.risk, privileged = \
     excluded.privileged, cost_yearly = excluded.cost_yearly, seen_us = excluded.seen_us, gone_us = \
     excluded.gone_us, version = excluded.version, updated_us = excluded.updated_us WHERE \
     identity_entitlement.version = excluded.version - 1",
);
pub const ENTITLEMENT: Statement = Statement::new(
    "identity.entitlement",
    "SELECT id, system, name, native_id, kind, title, owner, risk, privileged, cost_yearly, seen_us, gone_us, \
     version, updated_us FROM identity_entitlement WHERE id = $1",
);
pub const ENTITLEMENTS: Statement = Statement::new(
    "identity.entitlements",
    "SELECT id, system, name, native_id, kind, title, owner, risk, privileged, cost_yearly, seen_us, gone_us, \
     version, updated_us FROM identity_entitlement ORDER BY system, name LIMIT $1",
);
pub const NESTING: Statement = Statement::new(
    "identity.nesting",
    "SELECT parent_id, child_id FROM identity_nesting ORDER BY parent_id, child_id LIMIT $1",
);
pub const NEST: Statement = Statement::new(
    "identity.nest",
    "INSERT INTO identity_nesting (parent_id, child_id, seen_us) VALUES ($1, $2, $3) ON CONFLICT (parent_id, \
     child_id) DO UPDATE SET seen_us = excluded.seen_us",
);
pub const UNNEST: Statement =
    Statement::new("identity.unnest", "DELETE FROM identity_nesting WHERE parent_id = $1 AND child_id = $2");
pub const INSERT_ASSIGNMENT: Statement = Statement::new(
    "identity.insert_assignment",
    "INSERT INTO identity_assignment (id, person_id, target_kind, target, mode, source, source_ref, reason, \
     approver, valid_from_us, valid_until_us, recorded_us, recorded_by) VALUES ($1, $2, $3, $4, $5, $6, $7, \
     $8, $9, $10, $11, $12, $13)",
);
pub const END_ASSIGNMENT: Statement = Statement::new(
    "identity.end_assignment",
    "UPDATE identity_assignment SET ended_us = $2, ended_by = $3, end_reason = $4 WHERE id = $1 AND ended_us \
     IS NULL",
);
pub const PROLONG_ASSIGNMENT: Statement = Statement::new(
    "identity.prolong_assignment",
    "UPDATE identity_assignment SET valid_until_us = $2 WHERE id = $1 AND ended_us IS NULL",
);
pub const MOVE_ASSIGNMENT: Statement =
    Statement::new("identity.move_assignment", "UPDATE identity_assignment SET person_id = $2 WHERE id = $1");
pub const ASSIGNMENT: Statement = Statement::new(
    "identity.assignment",
    "SELECT id, person_id, target_kind, target, mode, source, source_ref, reason, approver, valid_from_us, \
     valid_until_us, recorded_us, recorded_by, ended_us, ended_by, end_reason FROM identity_assignment WHERE \
     id = $1",
);
pub const ASSIGNMENTS_OF: Statement = Statement::new(
    "identity.assignments_of",
    "SELECT id, person_id, target_kind, target, mode, source, source_ref, reason, approver, valid_from_us, \
     valid_until_us, recorded_us, recorded_by, ended_us, ended_by, end_reason FROM identity_assignment WHERE \
     person_id = $1 AND ended_us IS NULL ORDER BY id",
);
pub const ASSIGNMENT_HISTORY: Statement = Statement::new(
    "identity.assignment_history",
    "SELECT id, person_id, target_kind, target, mode, source, source_ref, reason, approver, valid_from_us, \
     valid_until_us, recorded_us, recorded_by, ended_us, ended_by, end_reason FROM identity_assignment WHERE \
     person_id = $1 ORDER BY id DESC LIMIT 10000",
);
pub const OPEN_ASSIGNMENTS: Statement = Statement::new(
    "identity.open_assignments",
    "SELECT id, person_id, target_kind, target, mode, source, source_ref, reason, approver, valid_from_us, \
     valid_until_us, recorded_us, recorded_by, ended_us, ended_by, end_reason FROM identity_assignment WHERE \
     ended_us IS NULL ORDER BY id LIMIT $1",
);
pub const SAVE_ACCOUNT: Statement = Statement::new(
    "identity.save_account",
    "INSERT INTO identity_account (id, system, person_id, kind, protection, login, native_id, status, \
     progress, wanted, seen, seen_us, plan_id, attempts, retry_us, problem, owner, purpose, expires_us, \
     rotated_us, rotate_days, last_use_us, version, created_us, updated_us) VALUES ($1, $2, $3, $4, $5, $6, \
     $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25) ON CONFLICT \
     (id) DO UPDATE SET person_id = excluded.person_id, kind = excluded.kind, protection = \
     excluded.protection, login = excluded.login, native_id = excluded.native_id, status = excluded.status, \
     progress = excluded.progress, wanted = excluded.wanted, seen = excluded.seen, seen_us = excluded.seen_us, \
     plan_id = excluded.plan_id, attempts = excluded.attempts, retry_us = excluded.retry_us, problem = \
     excluded.problem, owner = excluded.owner, purpose = excluded.purpose, expires_us = excluded.expires_us, \
     rotated_us = excluded.rotated_us, rotate_days = excluded.rotate_days, last_use_us = excluded.last_use_us, \
     version = excluded.version, updated_us = excluded.updated_us WHERE identity_account.version = \
     excluded.version - 1",
);
pub const ACCOUNT: Statement = Statement::new(
    "identity.account",
    "SELECT id, system, person_id, kind, protection, login, native_id, status, progress, wanted, seen, \
     seen_us, plan_id, attempts, retry_us, problem, owner, purpose, expires_us, rotated_us, rotate_days, \
     last_use_us, version, created_us, updated_us FROM identity_account WHERE id = $1",
);
pub const ACCOUNTS_OF: Statement = Statement::new(
    "identity.accounts_of",
    "SELECT id, system, person_id, kind, protection, login, native_id, status, progress, wanted, seen, \
     seen_us, plan_id, attempts, retry_us, problem, owner, purpose, expires_us, rotated_us, rotate_days, \
     last_use_us, version, created_us, updated_us FROM identity_account WHERE person_id = $1 ORDER BY system, \
     id",
);
pub const ACCOUNTS_OF_SYSTEM: Statement = Statement::new(
    "identity.accounts_of_system",
    "SELECT id, system, person_id, kind, protection, login, native_id, status, progress, wanted, seen, \
     seen_us, plan_id, attempts, retry_us, problem, owner, purpose, expires_us, rotated_us, rotate_days, \
     last_use_us, version, created_us, updated_us FROM identity_account WHERE system = $1 ORDER BY id LIMIT $2",
);
pub const ACCOUNTS: Statement = Statement::new(
    "identity.accounts",
    "SELECT id, system, person_id, kind, protection, login, native_id, status, progress, wanted, seen, \
     seen_us, plan_id, attempts, retry_us, problem, owner, purpose, expires_us, rotated_us, rotate_days, \
     last_use_us, version, created_us, updated_us FROM identity_account ORDER BY id LIMIT $1",
);
pub const ACCOUNTS_DUE: Statement = Statement::new(
    "identity.accounts_due",
    "SELECT id, system, person_id, kind, protection, login, native_id, status, progress, wanted, seen, \
     seen_us, plan_id, attempts, retry_us, problem, owner, purpose, expires_us, rotated_us, rotate_days, \
     last_use_us, version, created_us, updated_us FROM identity_account WHERE system = $1 AND (progress = \
     'queued' OR (progress = 'retrying' AND retry_us <= $2)) ORDER BY updated_us, id LIMIT $3",
);
pub const SYSTEMS_DUE: Statement = Statement::new(
    "identity.systems_due",
    "SELECT system, CAST(SUM(CASE WHEN progress = 'queued' THEN 1 ELSE 0 END) AS BIGINT) AS queued, \
     MIN(retry_us) AS retry_us FROM identity_account WHERE progress = 'queued' OR progress = 'retrying' GROUP \
     BY system ORDER BY system",
);
pub const HOLDINGS_OF: Statement =
    Statement::new("identity.holdings_of", "SELECT entitlement_id FROM identity_holding WHERE account_id = $1");
pub const HOLDINGS: Statement = Statement::new(
    "identity.holdings",
    "SELECT account_id, entitlement_id, since_us FROM identity_holding ORDER BY account_id, entitlement_id \
     LIMIT $1",
);
pub const INSERT_HOLDING: Statement = Statement::new(
    "identity.insert_holding",
    "INSERT INTO identity_holding (account_id, entitlement_id, since_us) VALUES ($1, $2, $3) ON CONFLICT \
     (account_id, entitlement_id) DO NOTHING",
);
pub const DELETE_HOLDING: Statement = Statement::new(
    "identity.delete_holding",
    "DELETE FROM identity_holding WHERE account_id = $1 AND entitlement_id = $2",
);
pub const INSERT_FINDING: Statement = Statement::new(
    "identity.insert_finding",
    "INSERT INTO identity_finding (id, kind, subject, person_id, account_id, system, title, detail, state, \
     opened_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
);
pub const OPEN_FINDING: Statement = Statement::new(
    "identity.open_finding",
    "SELECT id, kind, subject, person_id, account_id, system, title, detail, state, opened_us, closed_us, \
     closed_by, decision FROM identity_finding WHERE kind = $1 AND subject = $2 AND state = 'open'",
);
pub const RENEW_FINDING: Statement =
    Statement::new("identity.renew_finding", "UPDATE identity_finding SET title = $2, detail = $3 WHERE id = $1");
pub const SETTLE_FINDING: Statement = Statement::new(
    "identity.settle_finding",
    "UPDATE identity_finding SET state = 'gone', closed_us = $3, decision = $4 WHERE kind = $1 AND subject = \
     $2 AND state = 'open'",
);
pub const DECIDE_FINDING: Statement = Statement::new(
    "identity.decide_finding",
    "UPDATE identity_finding SET state = 'decided', closed_us = $2, closed_by = $3, decision = $4 WHERE id = \
     $1 AND state = 'open'",
);
pub const FINDING: Statement = Statement::new(
    "identity.finding",
    "SELECT id, kind, subject, person_id, account_id, system, title, detail, state, opened_us, closed_us, \
     closed_by, decision FROM identity_finding WHERE id = $1",
);
pub const FINDINGS: Statement = Statement::new(
    "identity.findings",
    "SELECT id, kind, subject, person_id, account_id, system, title, detail, state, opened_us, closed_us, \
     closed_by, decision FROM identity_finding WHERE (CAST($1 AS TEXT) IS NULL OR kind = $1) AND (CAST($2 AS \
     TEXT) IS NULL OR state = $2) ORDER BY opened_us DESC, id DESC LIMIT $3",
);
pub const NAMES: Statement = Statement::new(
    "identity.names",
    "SELECT scope, folded, name, person_id, held_until_us FROM identity_name ORDER BY scope, folded LIMIT $1",
);
pub const NAME: Statement = Statement::new(
    "identity.name",
    "SELECT scope, folded, name, person_id, held_until_us FROM identity_name WHERE scope = $1 AND folded = $2",
);
pub const TAKE_NAME: Statement = Statement::new(
    "identity.take_name",
    "INSERT INTO identity_name (scope, folded, name, person_id) VALUES ($1, $2, $3, $4) ON CONFLICT (scope, \
     folded) DO UPDATE SET name = excluded.name, person_id = excluded.person_id, held_until_us = NULL",
);
pub const HOLD_NAME: Statement = Statement::new(
    "identity.hold_name",
    "UPDATE identity_name SET held_until_us = $3 WHERE scope = $1 AND folded = $2",
);
pub const INSERT_PLAN: Statement = Statement::new(
    "identity.insert_plan",
    "INSERT INTO identity_plan (id, title, cause, cause_ref, state, counts, proposal, revision, created_by, \
     created_us, begun_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);
pub const INSERT_PLAN_ITEM: Statement = Statement::new(
    "identity.insert_plan_item",
    "INSERT INTO identity_plan_item (plan_id, position, person_id, person_name, account_id, system, change, \
     summary, base_version, before, after, why) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
);
pub const PLAN: Statement = Statement::new(
    "identity.plan",
    "SELECT id, title, cause, cause_ref, state, counts, proposal, revision, created_by, created_us, begun_us, \
     ended_us FROM identity_plan WHERE id = $1",
);
pub const PLANS: Statement = Statement::new(
    "identity.plans",
    "SELECT id, title, cause, cause_ref, state, counts, proposal, revision, created_by, created_us, begun_us, \
     ended_us FROM identity_plan ORDER BY created_us DESC, id DESC LIMIT $1",
);
pub const PLAN_ITEMS: Statement = Statement::new(
    "identity.plan_items",
    "SELECT plan_id, position, person_id, person_name, account_id, system, change, summary, base_version, \
     before, after, why FROM identity_plan_item WHERE plan_id = $1 ORDER BY position LIMIT $2",
);
pub const PLAN_ITEMS_OF_PERSON: Statement = Statement::new(
    "identity.plan_items_of_person",
    "SELECT i.plan_id, i.position, i.person_id, i.person_name, i.account_id, i.system, i.change, i.summary, \
     i.base_version, i.before, i.after, i.why FROM identity_plan_item i JOIN identity_plan p ON p.id = \
     i.plan_id WHERE i.person_id = $1 AND p.begun_us IS NOT NULL ORDER BY p.created_us DESC, i.position LIMIT \
     500",
);
pub const PLAN_PROGRESS: Statement = Statement::new(
    "identity.plan_progress",
    "SELECT a.system, a.progress, COUNT(*) AS accounts FROM identity_plan_item i JOIN identity_account a ON \
     a.id = i.account_id WHERE i.plan_id = $1 GROUP BY a.system, a.progress ORDER BY a.system, a.progress",
);
pub const PLAN_EXECUTED: Statement = Statement::new(
    "identity.plan_executed",
    "UPDATE identity_plan SET state = 'done', begun_us = $2, ended_us = $2, cause_ref = $3 WHERE id = $1",
);
pub const CLAIM_PLAN: Statement = Statement::new(
    "identity.claim_plan",
    "UPDATE identity_plan SET state = 'running' WHERE id = $1 AND state = 'simulated'",
);
pub const PLAN_STATE: Statement =
    Statement::new("identity.plan_state", "UPDATE identity_plan SET state = $2 WHERE id = $1");
pub const DROP_PLAN: Statement = Statement::new(
    "identity.drop_plan",
    "UPDATE identity_plan SET state = 'dropped' WHERE id = $1 AND state = 'simulated'",
);
pub const PLANS_DONE: Statement = Statement::new(
    "identity.plans_done",
    "UPDATE identity_plan SET state = 'done', ended_us = $1 WHERE (state = 'running' OR state = 'partial') AND \
     NOT EXISTS (SELECT 1 FROM identity_account a WHERE a.plan_id = identity_plan.id AND a.progress <> \
     'settled')",
);
pub const PLANS_PARTIAL: Statement = Statement::new(
    "identity.plans_partial",
    "UPDATE identity_plan SET state = 'partial' WHERE state = 'running' AND EXISTS (SELECT 1 FROM \
     identity_account a WHERE a.plan_id = identity_plan.id AND (a.progress = 'retrying' OR a.progress = \
     'refused' OR a.progress = 'quarantined'))",
);
pub const SET_ACCOUNT_PLAN: Statement =
    Statement::new("identity.set_account_plan", "UPDATE identity_account SET plan_id = $2 WHERE id = $1");
pub const PEOPLE_IDS: Statement =
    Statement::new("identity.people_ids", "SELECT id FROM identity_person WHERE state = 'active' ORDER BY id");

pub const PAUSE_SYSTEM: Statement = Statement::new(
    "identity.pause_system",
    "UPDATE identity_account SET progress = 'retrying', retry_us = $2, problem = $3, updated_us = $4 WHERE \
     system = $1 AND (progress = 'queued' OR (progress = 'retrying' AND retry_us <= $4))",
);
pub const NEXT_RETRY: Statement = Statement::new(
    "identity.next_retry",
    "SELECT MIN(retry_us) AS retry_us FROM identity_account WHERE system = $1 AND progress = 'retrying'",
);
pub const CURSOR: Statement = Statement::new(
    "identity.cursor",
    "SELECT system, cursor, state, problem, read_us, objects FROM identity_cursor WHERE system = $1",
);
pub const CURSORS: Statement = Statement::new(
    "identity.cursors",
    "SELECT system, cursor, state, problem, read_us, objects FROM identity_cursor ORDER BY system",
);
pub const SAVE_CURSOR: Statement = Statement::new(
    "identity.save_cursor",
    "INSERT INTO identity_cursor (system, cursor, state, problem, read_us, objects) VALUES ($1, $2, $3, $4, \
     $5, $6) ON CONFLICT (system) DO UPDATE SET cursor = excluded.cursor, state = excluded.state, problem = \
     excluded.problem, read_us = excluded.read_us, objects = excluded.objects",
);
pub const SAVE_CURSOR_PROBLEM: Statement = Statement::new(
    "identity.save_cursor_problem",
    "INSERT INTO identity_cursor (system, state, problem, objects) VALUES ($1, $2, $3, 0) ON CONFLICT (system) \
     DO UPDATE SET state = excluded.state, problem = excluded.problem",
);
pub const ACCOUNT_BY_NATIVE: Statement = Statement::new(
    "identity.account_by_native",
    "SELECT id FROM identity_account WHERE system = $1 AND native_id = $2",
);
pub const MOVE_CURSOR: Statement = Statement::new(
    "identity.move_cursor",
    "UPDATE identity_cursor SET cursor = $2, state = 'healthy', problem = NULL, read_us = $3 WHERE system = $1",
);
pub const PROGRESS: Statement = Statement::new(
    "identity.progress",
    "SELECT system, progress, COUNT(*) AS accounts FROM identity_account GROUP BY system, progress ORDER BY \
     system, progress",
);
pub const MAYBE_OWNERS: Statement = Statement::new(
    "identity.maybe_owners",
    "SELECT id FROM identity_person WHERE state = 'active' AND ((LENGTH($2) > 0 AND LOWER(COALESCE(mail, '')) \
     = $2) OR LOWER(COALESCE(number, '')) = $1 OR LOWER(given_name || '.' || family_name) = $1) ORDER BY id \
     LIMIT 10",
);
pub const CALLED_SO: Statement = Statement::new(
    "identity.called_so",
    "SELECT id FROM identity_person WHERE state = 'active' AND (LOWER(COALESCE(number, '')) = $1 OR (LENGTH($2) > 0 AND \
     LOWER(COALESCE(mail, '')) = $2)) ORDER BY id LIMIT 10",
);
pub const DELETE_ACCOUNT: Statement =
    Statement::new("identity.delete_account", "DELETE FROM identity_account WHERE id = $1 AND native_id IS NULL");
pub const PERSON_BY_NUMBER: Statement = Statement::new(
    "identity.person_by_number",
    "SELECT id FROM identity_person WHERE number = $1 AND state = 'active'",
);
pub const PERSON_HERE: Statement = Statement::new(
    "identity.person_here",
    "SELECT p.id FROM identity_person p WHERE p.number = $1 AND p.state = 'active' AND p.blocked_us IS NULL \
     AND EXISTS (SELECT 1 FROM identity_engagement e WHERE e.person_id = p.id AND (e.state = 'active' OR \
     e.state = 'leave' OR e.state = 'secondment'))",
);
pub const ACCOUNTS_OWNED: Statement = Statement::new(
    "identity.accounts_owned",
    "SELECT id, login FROM identity_account WHERE owner = $1 AND (kind = 'service' OR kind = 'shared') AND \
     status <> 'absent'",
);
pub const SPONSORED: Statement = Statement::new(
    "identity.sponsored",
    "SELECT id, given_name, family_name FROM identity_person WHERE sponsor = $1 AND state = 'active'",
);
pub const INSERT_MERGE: Statement = Statement::new(
    "identity.insert_merge",
    "INSERT INTO identity_merge (id, survivor, absorbed, moved, merged_us, merged_by) VALUES ($1, $2, $3, $4, \
     $5, $6)",
);
pub const MERGE: Statement =
    Statement::new("identity.merge", "SELECT id, survivor, absorbed, moved FROM identity_merge WHERE id = $1");
pub const MERGES_OF: Statement = Statement::new(
    "identity.merges_of",
    "SELECT id, absorbed FROM identity_merge WHERE survivor = $1 AND undone_us IS NULL ORDER BY id DESC",
);
pub const UNDO_MERGE: Statement = Statement::new(
    "identity.undo_merge",
    "UPDATE identity_merge SET undone_us = $2, undone_by = $3 WHERE id = $1 AND undone_us IS NULL",
);
pub const MOVE_ENGAGEMENT: Statement =
    Statement::new("identity.move_engagement", "UPDATE identity_engagement SET person_id = $2 WHERE id = $1");
pub const MOVE_SLICES: Statement =
    Statement::new("identity.move_slices", "UPDATE identity_slice SET person_id = $2 WHERE subject = $1");
pub const MOVE_ACCOUNT: Statement = Statement::new(
    "identity.move_account",
    "UPDATE identity_account SET person_id = $2, version = version + 1 WHERE id = $1",
);
pub const RESTRICTED_PEOPLE: Statement =
    Statement::new("identity.restricted_people", "SELECT id FROM identity_person WHERE restricted = 1");

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[Statement] = &[
    hybrid::HYBRIDS,
    hybrid::SAVE_HYBRID,
    hybrid::SAVE_HYBRID_PROBLEM,
    hybrid::HYBRID_VALUES,
    hybrid::INSERT_HYBRID_VALUE,
    hybrid::FORGET_HYBRID_VALUES,
    REVISION,
    TOUCH_REVISION,
    SAVE_DOCUMENT,
    DOCUMENT,
    DOCUMENTS,
    SAVE_PERSON,
    PERSON,
    PEOPLE,
    SEARCH_PEOPLE,
    ANCHORS,
    ANCHORS_OF,
    SAVE_ANCHOR,
    SAVE_ENGAGEMENT,
    ENGAGEMENTS_OF,
    ENGAGEMENTS_OF_SOURCE,
    ENGAGEMENTS,
    INSERT_SLICE,
    SUPERSEDE_SLICE,
    SLICES_OF_SUBJECT,
    SLICES_OF_PERSON,
    CURRENT_SLICES,
    SAVE_ENTITLEMENT,
    ENTITLEMENT,
    ENTITLEMENTS,
    NESTING,
    NEST,
    UNNEST,
    INSERT_ASSIGNMENT,
    END_ASSIGNMENT,
    PROLONG_ASSIGNMENT,
    MOVE_ASSIGNMENT,
    ASSIGNMENT,
    ASSIGNMENTS_OF,
    ASSIGNMENT_HISTORY,
    OPEN_ASSIGNMENTS,
    SAVE_ACCOUNT,
    ACCOUNT,
    ACCOUNTS_OF,
    ACCOUNTS_OF_SYSTEM,
    ACCOUNTS,
    crate::account_sql::ACCOUNT_PAGE,
    crate::account_sql::COUNT_ACCOUNTS,
    ACCOUNTS_DUE,
    SYSTEMS_DUE,
    HOLDINGS_OF,
    HOLDINGS,
    INSERT_HOLDING,
    DELETE_HOLDING,
    INSERT_FINDING,
    OPEN_FINDING,
    RENEW_FINDING,
    SETTLE_FINDING,
    DECIDE_FINDING,
    FINDING,
    FINDINGS,
    NAMES,
    NAME,
    TAKE_NAME,
    HOLD_NAME,
    INSERT_PLAN,
    INSERT_PLAN_ITEM,
    PLAN,
    PLANS,
    PLAN_ITEMS,
    PLAN_ITEMS_OF_PERSON,
    PLAN_PROGRESS,
    PLAN_EXECUTED,
    CLAIM_PLAN,
    PLAN_STATE,
    DROP_PLAN,
    PLANS_DONE,
    PLANS_PARTIAL,
    SET_ACCOUNT_PLAN,
    PEOPLE_IDS,
    LAST_BATCH,
    BATCH,
    BATCHES,
    INSERT_BATCH,
    DECIDE_BATCH,
    BATCH_PAST,
    APPLIED_SINCE,
    PAUSE_SYSTEM,
    NEXT_RETRY,
    CURSOR,
    CURSORS,
    SAVE_CURSOR,
    SAVE_CURSOR_PROBLEM,
    ACCOUNT_BY_NATIVE,
    MOVE_CURSOR,
    PROGRESS,
    MAYBE_OWNERS,
    CALLED_SO,
    DELETE_ACCOUNT,
    PERSON_BY_NUMBER,
    PERSON_HERE,
    ACCOUNTS_OWNED,
    SPONSORED,
    INSERT_MERGE,
    MERGE,
    MERGES_OF,
    UNDO_MERGE,
    MOVE_ENGAGEMENT,
    MOVE_SLICES,
    MOVE_ACCOUNT,
    RESTRICTED_PEOPLE,
];
