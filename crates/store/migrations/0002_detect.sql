-- Rules in force: Sigma rules as they were loaded, KQL rules on a schedule.
CREATE TABLE rule (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    severity TEXT NOT NULL,
    severity_rank BIGINT NOT NULL,
    state TEXT NOT NULL,
    status TEXT,
    log_source TEXT,
    techniques TEXT NOT NULL,
    tags TEXT NOT NULL,
    origin TEXT NOT NULL,
    description TEXT NOT NULL,
    author TEXT,
    refs TEXT NOT NULL,
    false_positives TEXT NOT NULL,
    text TEXT NOT NULL,
    digest TEXT NOT NULL,
    problems TEXT NOT NULL,
    schedule TEXT,
    changed_us BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- When a rule on a schedule ran, and when it runs next.
CREATE TABLE rule_schedule (
    rule_id TEXT PRIMARY KEY,
    next_us BIGINT NOT NULL,
    covered_us BIGINT,
    ran_us BIGINT,
    result_rows BIGINT,
    elapsed_us BIGINT,
    error TEXT
);

-- Alerts that belong together, and what ties them.
CREATE TABLE alert_group (
    id TEXT PRIMARY KEY,
    first_us BIGINT NOT NULL,
    last_us BIGINT NOT NULL,
    severity TEXT NOT NULL,
    risk DOUBLE PRECISION NOT NULL,
    alert_count BIGINT NOT NULL
);
CREATE TABLE alert_group_entity (
    group_id TEXT NOT NULL REFERENCES alert_group (id),
    kind TEXT NOT NULL,
    entity_key TEXT NOT NULL,
    PRIMARY KEY (group_id, kind, entity_key)
);
CREATE INDEX alert_group_by_entity ON alert_group_entity (kind, entity_key);

CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    rule_id TEXT NOT NULL,
    rule_kind TEXT NOT NULL,
    rule_digest TEXT NOT NULL,
    title TEXT NOT NULL,
    severity TEXT NOT NULL,
    severity_rank BIGINT NOT NULL,
    techniques TEXT NOT NULL,
    group_id TEXT NOT NULL REFERENCES alert_group (id),
    first_event_us BIGINT NOT NULL,
    last_event_us BIGINT NOT NULL,
    raised_us BIGINT NOT NULL,
    event_count BIGINT NOT NULL,
    entities TEXT NOT NULL,
    events TEXT NOT NULL,
    kept BIGINT NOT NULL,
    likeness TEXT NOT NULL,
    risk DOUBLE PRECISION NOT NULL
);
CREATE INDEX alert_by_likeness ON alert (likeness, last_event_us);
CREATE INDEX alert_by_group ON alert (group_id, first_event_us);
CREATE INDEX alert_by_time ON alert (raised_us, id);
CREATE INDEX alert_by_rule ON alert (rule_id, raised_us);

CREATE TABLE alert_entity (
    alert_id TEXT NOT NULL REFERENCES alert (id),
    kind TEXT NOT NULL,
    entity_key TEXT NOT NULL,
    PRIMARY KEY (alert_id, kind, entity_key)
);
CREATE INDEX alert_by_entity ON alert_entity (kind, entity_key);

-- Deliveries and runs whose hits are stored: the same one again changes nothing.
CREATE TABLE detection (
    batch TEXT PRIMARY KEY,
    time_us BIGINT NOT NULL
);
