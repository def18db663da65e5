//! Every statement of the room.

use store::Statement;

const fn statement(name: &'static str, sql: &'static str) -> Statement {
    Statement::new(name, sql)
}

macro_rules! rule_columns {
    () => {
        "SELECT rule.id, rule.kind, rule.title, rule.severity, rule.state, rule.status, rule.log_source, rule.techniques, \
         rule.tags, rule.origin, rule.description, rule.author, rule.refs, rule.false_positives, rule.text, rule.digest, \
         rule.problems, rule.schedule, rule.changed_us, rule.version, rule.severity_override, rule.revision, \
         (SELECT COUNT(*) FROM alert WHERE alert.rule_id = rule.id) AS alert_count, \
         (SELECT MAX(alert.raised_us) FROM alert WHERE alert.rule_id = rule.id) AS last_alert_us FROM rule "
    };
}

/// The page of rules; empty texts and 0 filter nothing.
pub const LIST_RULES: Statement = statement(
    "detect.list_rules",
    concat!(
        rule_columns!(),
        "WHERE ($1 = '' OR rule.kind = $1) AND ($2 = '' OR rule.state = $2) AND rule.severity_rank >= $3 \
         AND ($4 = '' OR rule.techniques LIKE $4) \
         AND ($5 = '' OR LOWER(rule.title) LIKE $5 OR LOWER(rule.id) LIKE $5 OR LOWER(rule.tags) LIKE $5 OR LOWER(rule.log_source) LIKE $5) \
         AND ($6 = '' OR rule.title > $6 OR (rule.title = $6 AND rule.id > $7)) ORDER BY rule.title, rule.id LIMIT $8"
    ),
);
pub const GET_RULE: Statement = statement("detect.get_rule", concat!(rule_columns!(), "WHERE rule.id = $1"));
pub const COUNT_RULES: Statement =
    statement("detect.count_rules", "SELECT state, COUNT(*) AS rules FROM rule GROUP BY state");
pub const RULE_DIGESTS: Statement = statement(
    "detect.rule_digests",
    "SELECT id, digest, state, severity_override, revision, problems, version FROM rule WHERE kind = $1",
);
pub const INSERT_RULE: Statement = statement(
    "detect.insert_rule",
    "INSERT INTO rule (id, kind, title, severity, severity_rank, state, status, log_source, techniques, tags, origin, \
     description, author, refs, false_positives, text, digest, problems, schedule, revision, changed_us, version) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 1)",
);
pub const REPLACE_RULE: Statement = statement(
    "detect.replace_rule",
    "UPDATE rule SET title = $2, severity = $3, severity_rank = $4, state = $5, status = $6, log_source = $7, \
     techniques = $8, tags = $9, origin = $10, description = $11, author = $12, refs = $13, false_positives = $14, \
     text = $15, digest = $16, problems = $17, schedule = $18, revision = $19, changed_us = $20, version = version + 1 \
     WHERE id = $1 AND version = $21",
);
pub const SWITCH_RULE: Statement = statement(
    "detect.switch_rule",
    "UPDATE rule SET state = $2, changed_us = $3, version = version + 1 WHERE id = $1 AND version = $4",
);
pub const OVERRIDE_SEVERITY: Statement = statement(
    "detect.override_severity",
    "UPDATE rule SET severity_override = $2, severity_rank = $3, changed_us = $4, version = version + 1 \
     WHERE id = $1 AND version = $5",
);
pub const DELETE_RULE: Statement =
    statement("detect.delete_rule", "DELETE FROM rule WHERE id = $1 AND version = $2 AND kind = 'kql'");

macro_rules! exception_columns {
    () => {
        "SELECT id, rule_id, title, detection, owner, reason, state, trial, created_us, expires_us, version \
         FROM rule_exception "
    };
}

pub const INSERT_EXCEPTION: Statement = statement(
    "detect.insert_exception",
    "INSERT INTO rule_exception (id, rule_id, title, detection, owner, reason, state, trial, created_us, expires_us, \
     version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)",
);
pub const GET_EXCEPTION: Statement = statement("detect.get_exception", concat!(exception_columns!(), "WHERE id = $1"));
/// Empty texts filter nothing.
pub const LIST_EXCEPTIONS: Statement = statement(
    "detect.list_exceptions",
    concat!(
        exception_columns!(),
        "WHERE ($1 = '' OR rule_id = $1) AND ($2 = '' OR state = $2) ORDER BY created_us DESC, id LIMIT 1000"
    ),
);
pub const PROLONG_EXCEPTION: Statement = statement(
    "detect.prolong_exception",
    "UPDATE rule_exception SET expires_us = $2, version = version + 1 WHERE id = $1 AND version = $3",
);
pub const CLOSE_EXCEPTION: Statement = statement(
    "detect.close_exception",
    "UPDATE rule_exception SET state = $2, version = version + 1 WHERE id = $1 AND version = $3",
);
pub const EVENTS_OF_RULE: Statement =
    statement("detect.events_of_rule", "SELECT events FROM alert WHERE rule_id = $1 ORDER BY raised_us DESC LIMIT $2");

/// Rules on a schedule with where they are in it.
pub const DUE_RULES: Statement = statement(
    "detect.due_rules",
    "SELECT rule.id, rule.digest, rule.schedule, rule_schedule.covered_us FROM rule \
     LEFT JOIN rule_schedule ON rule_schedule.rule_id = rule.id \
     WHERE rule.kind = 'kql' AND rule.state = 'enabled' AND COALESCE(rule_schedule.next_us, 0) <= $1 \
     ORDER BY COALESCE(rule_schedule.next_us, 0), rule.id",
);
pub const NEXT_DUE: Statement = statement(
    "detect.next_due",
    "SELECT MIN(COALESCE(rule_schedule.next_us, 0)) AS next_us FROM rule \
     LEFT JOIN rule_schedule ON rule_schedule.rule_id = rule.id WHERE rule.kind = 'kql' AND rule.state = 'enabled'",
);
pub const SAVE_RUN: Statement = statement(
    "detect.save_run",
    "INSERT INTO rule_schedule (rule_id, next_us, covered_us, ran_us, result_rows, elapsed_us, error) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (rule_id) DO UPDATE SET next_us = excluded.next_us, \
     covered_us = excluded.covered_us, ran_us = excluded.ran_us, result_rows = excluded.result_rows, \
     elapsed_us = excluded.elapsed_us, error = excluded.error",
);
pub const LAST_RUN: Statement = statement(
    "detect.last_run",
    "SELECT ran_us, result_rows, elapsed_us, error FROM rule_schedule WHERE rule_id = $1 AND ran_us IS NOT NULL",
);

pub const RULES_WITH_ALERTS: Statement = statement(
    "detect.rules_with_alerts",
    "SELECT rule.id, rule.kind, rule.title, rule.state, rule.techniques, \
     (SELECT COUNT(*) FROM alert WHERE alert.rule_id = rule.id) AS alerts FROM rule",
);
pub const SAVE_EVENT_KINDS: Statement = statement(
    "detect.save_event_kinds",
    "INSERT INTO event_kinds (id, kinds, saved_us) VALUES (1, $1, $2) ON CONFLICT (id) DO UPDATE \
     SET kinds = excluded.kinds, saved_us = excluded.saved_us",
);
pub const EVENT_KINDS: Statement = statement("detect.event_kinds", "SELECT kinds FROM event_kinds WHERE id = 1");

pub const MARK_BATCH: Statement = statement(
    "detect.mark_batch",
    "INSERT INTO detection (batch, time_us) VALUES ($1, $2) ON CONFLICT (batch) DO NOTHING",
);
pub const FORGET_BATCHES: Statement = statement("detect.forget_batches", "DELETE FROM detection WHERE time_us < $1");

pub const FIND_ALIKE: Statement = statement(
    "detect.find_alike",
    "SELECT id, group_id, first_event_us, last_event_us, event_count, kept FROM alert \
     WHERE likeness = $1 AND last_event_us >= $2 AND first_event_us <= $3 ORDER BY last_event_us DESC, id LIMIT 1",
);
pub const GROW_ALERT: Statement = statement(
    "detect.grow_alert",
    "UPDATE alert SET first_event_us = $2, last_event_us = $3, event_count = $4 WHERE id = $1",
);
pub const ALERT_EVENTS: Statement = statement("detect.alert_events", "SELECT events FROM alert WHERE id = $1");
pub const KEEP_EVENTS: Statement =
    statement("detect.keep_events", "UPDATE alert SET events = $2, kept = $3 WHERE id = $1");
pub const INSERT_ALERT: Statement = statement(
    "detect.insert_alert",
    "INSERT INTO alert (id, rule_id, rule_kind, rule_digest, title, severity, severity_rank, techniques, group_id, \
     first_event_us, last_event_us, raised_us, event_count, entities, events, kept, likeness, risk, rule_revision) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
);
pub const RESTATE_ALERT: Statement = statement(
    "detect.restate_alert",
    "UPDATE alert SET first_event_us = $2, last_event_us = $3, event_count = $4, events = $5, kept = $6, \
     withdrawn_us = NULL WHERE id = $1",
);
pub const ALERT_GROUP: Statement = statement("detect.alert_group", "SELECT group_id, title FROM alert WHERE id = $1");
pub const WITHDRAW_ALERT: Statement =
    statement("detect.withdraw_alert", "UPDATE alert SET withdrawn_us = $2 WHERE id = $1 AND withdrawn_us IS NULL");

pub const ADD_CORRELATION_ENTRY: Statement = statement(
    "detect.add_correlation_entry",
    "INSERT INTO correlation_entry (number, entry) VALUES ($1, $2) ON CONFLICT (number) DO NOTHING",
);
pub const CORRELATION_ENTRIES: Statement = statement(
    "detect.correlation_entries",
    "SELECT number, entry FROM correlation_entry WHERE number > $1 ORDER BY number",
);
pub const FORGET_CORRELATION_ENTRIES: Statement =
    statement("detect.forget_correlation_entries", "DELETE FROM correlation_entry WHERE number <= $1");
pub const SAVE_CORRELATION_STATE: Statement = statement(
    "detect.save_correlation_state",
    "INSERT INTO correlation_state (id, number, state, saved_us) VALUES (1, $1, $2, $3) ON CONFLICT (id) DO UPDATE \
     SET number = excluded.number, state = excluded.state, saved_us = excluded.saved_us",
);
pub const CORRELATION_STATE: Statement =
    statement("detect.correlation_state", "SELECT state FROM correlation_state WHERE id = 1");
pub const INSERT_ALERT_ENTITY: Statement = statement(
    "detect.insert_alert_entity",
    "INSERT INTO alert_entity (alert_id, kind, entity_key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
);

/// Groups that share one thing and are near in time.
pub const GROUPS_WITH: Statement = statement(
    "detect.groups_with",
    "SELECT alert_group.id, alert_group.first_us, alert_group.last_us, alert_group.alert_count FROM alert_group \
     JOIN alert_group_entity ON alert_group_entity.group_id = alert_group.id \
     WHERE alert_group_entity.kind = $1 AND alert_group_entity.entity_key = $2 \
     AND alert_group.last_us >= $3 AND alert_group.first_us <= $4 ORDER BY alert_group.last_us DESC LIMIT 20",
);
pub const GROUP_TIES: Statement =
    statement("detect.group_ties", "SELECT kind, entity_key FROM alert_group_entity WHERE group_id = $1");
pub const INSERT_GROUP: Statement = statement(
    "detect.insert_group",
    "INSERT INTO alert_group (id, first_us, last_us, severity, risk, alert_count) VALUES ($1, $2, $3, $4, $5, 0)",
);
pub const TIE_GROUP: Statement = statement(
    "detect.tie_group",
    "INSERT INTO alert_group_entity (group_id, kind, entity_key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
);
pub const GROUP_ALERTS: Statement = statement(
    "detect.group_alerts",
    "SELECT rule_id, severity, techniques FROM alert WHERE group_id = $1 AND withdrawn_us IS NULL",
);
pub const GROUP_SPAN: Statement = statement(
    "detect.group_span",
    "SELECT MIN(first_event_us) AS first_us, MAX(last_event_us) AS last_us FROM alert WHERE group_id = $1",
);
pub const SAVE_GROUP: Statement = statement(
    "detect.save_group",
    "UPDATE alert_group SET first_us = $2, last_us = $3, severity = $4, risk = $5, alert_count = $6 WHERE id = $1",
);

macro_rules! alert_columns {
    ($events:literal) => {
        concat!(
            "SELECT alert.id, alert.rule_id, alert.rule_kind, alert.rule_digest, alert.title, alert.severity, \
             alert.techniques, alert.group_id, alert.first_event_us, alert.last_event_us, alert.raised_us, \
             alert.event_count, alert.entities, alert.risk, alert.rule_revision, alert.withdrawn_us, ",
            $events,
            " AS events FROM alert "
        )
    };
}

pub const LIST_ALERTS: Statement = statement(
    "detect.list_alerts",
    concat!(
        alert_columns!("CAST(NULL AS TEXT)"),
        "WHERE alert.severity_rank >= $1 AND ($2 = '' OR alert.rule_id = $2) \
         AND ($3 = '' OR EXISTS (SELECT 1 FROM alert_entity WHERE alert_entity.alert_id = alert.id \
             AND alert_entity.kind = $3 AND alert_entity.entity_key = $4)) \
         AND ($5 = '' OR alert.techniques LIKE $5) AND ($6 = '' OR alert.group_id = $6) \
         AND alert.raised_us >= $7 AND alert.raised_us < $8 \
         AND (alert.raised_us < $9 OR (alert.raised_us = $9 AND alert.id < $10)) \
         ORDER BY alert.raised_us DESC, alert.id DESC LIMIT $11"
    ),
);
pub const GET_ALERT: Statement =
    statement("detect.get_alert", concat!(alert_columns!("alert.events"), "WHERE alert.id = $1"));

pub const ALERTS_BY_SEVERITY: Statement = statement(
    "detect.alerts_by_severity",
    "SELECT severity, COUNT(*) AS alerts FROM alert WHERE raised_us >= $1 AND raised_us < $2 GROUP BY severity",
);
pub const ALERTS_BY_STEP: Statement = statement(
    "detect.alerts_by_step",
    "SELECT (raised_us - $1) / $3 AS step, COUNT(*) AS alerts FROM alert \
     WHERE raised_us >= $1 AND raised_us < $2 GROUP BY (raised_us - $1) / $3 ORDER BY step",
);
pub const ALERTS_OF_RULE_BY_DAY: Statement = statement(
    "detect.alerts_of_rule_by_day",
    "SELECT (raised_us - $2) / 86400000000 AS day, COUNT(*) AS alerts FROM alert \
     WHERE rule_id = $1 AND raised_us >= $2 GROUP BY (raised_us - $2) / 86400000000 ORDER BY day",
);
pub const TOP_RULES: Statement = statement(
    "detect.top_rules",
    "SELECT rule_id, MIN(title) AS title, COUNT(*) AS alerts FROM alert WHERE raised_us >= $1 AND raised_us < $2 \
     GROUP BY rule_id ORDER BY alerts DESC, rule_id LIMIT $3",
);
pub const TOP_ENTITIES: Statement = statement(
    "detect.top_entities",
    "SELECT alert_entity.kind, alert_entity.entity_key, COUNT(*) AS alerts FROM alert_entity \
     JOIN alert ON alert.id = alert_entity.alert_id WHERE alert.raised_us >= $1 AND alert.raised_us < $2 \
     GROUP BY alert_entity.kind, alert_entity.entity_key ORDER BY alerts DESC, alert_entity.entity_key LIMIT $3",
);
pub const TECHNIQUES: Statement = statement(
    "detect.techniques",
    "SELECT techniques, COUNT(*) AS alerts FROM alert WHERE raised_us >= $1 AND raised_us < $2 GROUP BY techniques",
);

/// For the test that prepares each on both engines.
pub const STATEMENTS: &[Statement] = &[
    LIST_RULES,
    GET_RULE,
    COUNT_RULES,
    RULE_DIGESTS,
    INSERT_RULE,
    REPLACE_RULE,
    SWITCH_RULE,
    OVERRIDE_SEVERITY,
    DELETE_RULE,
    INSERT_EXCEPTION,
    GET_EXCEPTION,
    LIST_EXCEPTIONS,
    PROLONG_EXCEPTION,
    CLOSE_EXCEPTION,
    EVENTS_OF_RULE,
    DUE_RULES,
    NEXT_DUE,
    SAVE_RUN,
    LAST_RUN,
    RULES_WITH_ALERTS,
    SAVE_EVENT_KINDS,
    EVENT_KINDS,
    MARK_BATCH,
    FORGET_BATCHES,
    FIND_ALIKE,
    GROW_ALERT,
    ALERT_EVENTS,
    KEEP_EVENTS,
    INSERT_ALERT,
    RESTATE_ALERT,
    ALERT_GROUP,
    WITHDRAW_ALERT,
    ADD_CORRELATION_ENTRY,
    CORRELATION_ENTRIES,
    FORGET_CORRELATION_ENTRIES,
    SAVE_CORRELATION_STATE,
    CORRELATION_STATE,
    INSERT_ALERT_ENTITY,
    GROUPS_WITH,
    GROUP_TIES,
    INSERT_GROUP,
    TIE_GROUP,
    GROUP_ALERTS,
    GROUP_SPAN,
    SAVE_GROUP,
    LIST_ALERTS,
    GET_ALERT,
    ALERTS_BY_SEVERITY,
    ALERTS_BY_STEP,
    ALERTS_OF_RULE_BY_DAY,
    TOP_RULES,
    TOP_ENTITIES,
    TECHNIQUES,
];
