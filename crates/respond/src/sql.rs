//! Every statement of the room.

use store::Statement;

macro_rules! incident_columns {
    () => {
        "i.id, i.number, i.title, i.description, i.severity, i.worst_alert, i.status, i.classification, i.owner, \
         i.created_us, i.updated_us, i.closed_us, i.first_event_us, i.last_event_us, i.alert_count, i.techniques, \
         i.previous_id, i.timeline_length, i.version, i.edited_version"
    };
}

pub const NEXT_NUMBER: Statement =
    Statement::new("respond.next_number", "UPDATE incident_counter SET last = last + 1 WHERE id = 1 RETURNING last");
pub const INSERT_INCIDENT: Statement = Statement::new(
    "respond.insert_incident",
    "INSERT INTO incident (id, number, title, description, severity, severity_rank, worst_alert, status, is_closed, \
     classification, owner, created_us, updated_us, closed_us, first_event_us, last_event_us, alert_count, techniques, \
     previous_id, timeline_length, version, edited_version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
     $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
);
pub const UPDATE_INCIDENT: Statement = Statement::new(
    "respond.update_incident",
    "UPDATE incident SET title = $3, description = $4, severity = $5, severity_rank = $6, worst_alert = $7, \
     status = $8, is_closed = $9, classification = $10, owner = $11, updated_us = $12, closed_us = $13, \
     first_event_us = $14, last_event_us = $15, alert_count = $16, techniques = $17, timeline_length = $18, \
     version = $19, edited_version = $20 WHERE id = $1 AND version = $2",
);
pub const INCIDENT: Statement =
    Statement::new("respond.incident", concat!("SELECT ", incident_columns!(), " FROM incident i WHERE i.id = $1"));
/// Changes nothing and holds the row, so that who decides on it decides on the latest.
pub const HOLD_INCIDENT: Statement =
    Statement::new("respond.hold_incident", "UPDATE incident SET updated_us = updated_us WHERE id = $1");
pub const INCIDENT_OF_GROUP: Statement =
    Statement::new("respond.incident_of_group", "SELECT incident_id FROM incident_group WHERE group_id = $1");
/// Open ones first, worst first, newest first. The cursor is the last of the page before.
pub const QUEUE: Statement = Statement::new(
    "respond.queue",
    concat!(
        "SELECT ",
        incident_columns!(),
        " FROM incident i WHERE (i.is_closed, 0 - i.severity_rank, 0 - i.number) > ($1, $2, $3) \
         AND (CAST($4 AS TEXT) IS NULL OR i.status = $4) AND (CAST($5 AS BIGINT) IS NULL OR i.is_closed = $5) \
         AND i.severity_rank >= $6 AND (CAST($7 AS BIGINT) = 0 OR i.owner IS NULL) \
         AND (CAST($8 AS TEXT) IS NULL OR i.owner = $8) AND (CAST($9 AS TEXT) IS NULL OR EXISTS \
         (SELECT 1 FROM incident_entity e WHERE e.incident_id = i.id AND e.kind = $9 AND e.entity_key = $10)) \
         ORDER BY i.is_closed, 0 - i.severity_rank, 0 - i.number LIMIT $11"
    ),
);
pub const OPEN_COUNTS: Statement = Statement::new(
    "respond.open_counts",
    "SELECT severity, COUNT(*) AS incidents, CAST(SUM(CASE WHEN owner IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS unowned \
     FROM incident WHERE is_closed = 0 GROUP BY severity",
);

pub const FOLLOW_GROUP: Statement = Statement::new(
    "respond.follow_group",
    "INSERT INTO incident_group (group_id, incident_id) VALUES ($1, $2) \
     ON CONFLICT (group_id) DO UPDATE SET incident_id = excluded.incident_id",
);
pub const INCIDENT_OF_ALERT: Statement =
    Statement::new("respond.incident_of_alert", "SELECT incident_id FROM incident_alert WHERE alert_id = $1");
pub const INSERT_ALERT: Statement = Statement::new(
    "respond.insert_alert",
    "INSERT INTO incident_alert (alert_id, incident_id, group_id, severity, event_us, added_us) \
     VALUES ($1, $2, $3, $4, $5, $6)",
);
pub const ALERTS: Statement = Statement::new(
    "respond.alerts",
    "SELECT alert_id, group_id, severity, event_us, added_us FROM incident_alert \
     WHERE incident_id = $1 ORDER BY event_us, alert_id LIMIT $2",
);
pub const INSERT_WAITING: Statement = Statement::new(
    "respond.insert_waiting",
    "INSERT INTO waiting_alert (alert_id, group_id, alert) VALUES ($1, $2, $3) ON CONFLICT (alert_id) DO NOTHING",
);
pub const WAITING: Statement = Statement::new("respond.waiting", "SELECT alert FROM waiting_alert WHERE group_id = $1");
pub const FORGET_WAITING: Statement =
    Statement::new("respond.forget_waiting", "DELETE FROM waiting_alert WHERE alert_id = $1");
pub const COUNT_ENTITY: Statement = Statement::new(
    "respond.count_entity",
    "INSERT INTO incident_entity (incident_id, kind, entity_key, name, alert_count, first_seen_us, last_seen_us) \
     VALUES ($1, $2, $3, $4, 1, $5, $5) ON CONFLICT (incident_id, kind, entity_key) DO UPDATE SET \
     alert_count = incident_entity.alert_count + 1, first_seen_us = CASE WHEN excluded.first_seen_us < \
     incident_entity.first_seen_us THEN excluded.first_seen_us ELSE incident_entity.first_seen_us END, \
     last_seen_us = CASE WHEN excluded.last_seen_us > incident_entity.last_seen_us THEN excluded.last_seen_us \
     ELSE incident_entity.last_seen_us END",
);
pub const ENTITIES: Statement = Statement::new(
    "respond.entities",
    "SELECT kind, entity_key, name, alert_count, first_seen_us, last_seen_us FROM incident_entity \
     WHERE incident_id = $1 ORDER BY alert_count DESC, kind, entity_key LIMIT $2",
);

pub const INSERT_LINE: Statement = Statement::new(
    "respond.insert_line",
    "INSERT INTO incident_timeline (incident_id, seq, at_us, kind, actor, body, parameters, reason) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
pub const TIMELINE: Statement = Statement::new(
    "respond.timeline",
    "SELECT seq, at_us, kind, actor, body, parameters, reason FROM incident_timeline \
     WHERE incident_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
);
pub const INSERT_COMMENT: Statement = Statement::new(
    "respond.insert_comment",
    "INSERT INTO incident_comment (id, incident_id, author, at_us, body) VALUES ($1, $2, $3, $4, $5)",
);
pub const COMMENTS: Statement = Statement::new(
    "respond.comments",
    "SELECT id, author, at_us, body FROM incident_comment WHERE incident_id = $1 ORDER BY at_us, id",
);
pub const INSERT_TASK: Statement = Statement::new(
    "respond.insert_task",
    "INSERT INTO incident_task (id, incident_id, title, assignee, state, created_by, created_us) \
     VALUES ($1, $2, $3, $4, 'open', $5, $6)",
);
pub const SET_TASK: Statement = Statement::new(
    "respond.set_task",
    "UPDATE incident_task SET state = $3, ended_us = $4 WHERE id = $1 AND state = $2",
);
pub const TASKS: Statement = Statement::new(
    "respond.tasks",
    "SELECT id, title, assignee, state, created_by, created_us, ended_us FROM incident_task \
     WHERE incident_id = $1 ORDER BY created_us, id",
);

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[Statement] = &[
    NEXT_NUMBER,
    INSERT_INCIDENT,
    UPDATE_INCIDENT,
    INCIDENT,
    HOLD_INCIDENT,
    INCIDENT_OF_GROUP,
    QUEUE,
    OPEN_COUNTS,
    FOLLOW_GROUP,
    INCIDENT_OF_ALERT,
    INSERT_ALERT,
    ALERTS,
    INSERT_WAITING,
    WAITING,
    FORGET_WAITING,
    COUNT_ENTITY,
    ENTITIES,
    INSERT_LINE,
    TIMELINE,
    INSERT_COMMENT,
    COMMENTS,
    INSERT_TASK,
    SET_TASK,
    TASKS,
];
