-- Incidents: cases that somebody owns until they are closed.
CREATE TABLE incident_counter (
    id BIGINT PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO incident_counter (id, last) VALUES (1, 0);

CREATE TABLE incident (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    severity TEXT NOT NULL,
    severity_rank BIGINT NOT NULL,
    worst_alert TEXT,
    status TEXT NOT NULL,
    is_closed BIGINT NOT NULL,
    classification TEXT,
    owner TEXT,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    closed_us BIGINT,
    first_event_us BIGINT,
    last_event_us BIGINT,
    alert_count BIGINT NOT NULL,
    techniques TEXT NOT NULL,
    previous_id TEXT REFERENCES incident (id),
    timeline_length BIGINT NOT NULL,
    version BIGINT NOT NULL,
    edited_version BIGINT NOT NULL
);
CREATE INDEX incident_queue ON incident (is_closed, severity_rank, number);

-- The incident that takes the alerts of a group.
CREATE TABLE incident_group (
    group_id TEXT PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES incident (id)
);

CREATE TABLE incident_alert (
    alert_id TEXT PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES incident (id),
    group_id TEXT NOT NULL,
    severity TEXT NOT NULL,
    event_us BIGINT NOT NULL,
    added_us BIGINT NOT NULL
);
CREATE INDEX incident_alert_by_incident ON incident_alert (incident_id, event_us);

-- Alerts too mild to open an incident; they join the one that a worse alert of their group opens.
CREATE TABLE waiting_alert (
    alert_id TEXT PRIMARY KEY,
    group_id TEXT NOT NULL,
    alert TEXT NOT NULL
);
CREATE INDEX waiting_alert_by_group ON waiting_alert (group_id);

CREATE TABLE incident_entity (
    incident_id TEXT NOT NULL REFERENCES incident (id),
    kind TEXT NOT NULL,
    entity_key TEXT NOT NULL,
    name TEXT NOT NULL,
    alert_count BIGINT NOT NULL,
    first_seen_us BIGINT NOT NULL,
    last_seen_us BIGINT NOT NULL,
    PRIMARY KEY (incident_id, kind, entity_key)
);
CREATE INDEX incident_entity_by_key ON incident_entity (kind, entity_key);

-- Append-only.
CREATE TABLE incident_timeline (
    incident_id TEXT NOT NULL REFERENCES incident (id),
    seq BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    body TEXT NOT NULL,
    parameters TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (incident_id, seq)
);

CREATE TABLE incident_comment (
    id TEXT PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES incident (id),
    author TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX incident_comment_by_incident ON incident_comment (incident_id, at_us);

CREATE TABLE incident_task (
    id TEXT PRIMARY KEY,
    incident_id TEXT NOT NULL REFERENCES incident (id),
    title TEXT NOT NULL,
    assignee TEXT,
    state TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    ended_us BIGINT
);
CREATE INDEX incident_task_by_incident ON incident_task (incident_id, created_us);
