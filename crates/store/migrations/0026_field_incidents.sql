-- Who can help, and by which roads they are reached.
CREATE TABLE field_facility (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, kind TEXT, capability TEXT, hours TEXT, phone TEXT,
    latitude DOUBLE PRECISION, longitude DOUBLE PRECISION, verified BIGINT, excluded TEXT
);
CREATE TABLE field_road (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, shape TEXT, surface TEXT, speed_kmh BIGINT, wet_speed_kmh BIGINT,
    one_way BIGINT, closed TEXT
);
CREATE TABLE field_equipment (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, kind TEXT, network TEXT, premises TEXT, repairer TEXT, test_days BIGINT
);

INSERT INTO field_counter (name, last) VALUES ('report', 0);
INSERT INTO field_counter (name, last) VALUES ('anomaly', 0);

-- Incidents as the room keeps them: the first words, who is involved, and all that was said and done after.
CREATE TABLE field_report (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    who TEXT NOT NULL,
    place TEXT,
    what TEXT NOT NULL,
    severity TEXT NOT NULL,
    happened_us BIGINT NOT NULL,
    opened_us BIGINT NOT NULL,
    exercise BIGINT NOT NULL,
    people TEXT NOT NULL,
    vehicles TEXT NOT NULL,
    organisations TEXT NOT NULL,
    mission_id TEXT,
    alarm_id TEXT,
    incident_id TEXT,
    incident_label TEXT,
    situations BIGINT NOT NULL,
    closed_us BIGINT,
    outcome TEXT
);
CREATE TABLE field_report_line (
    report_id TEXT NOT NULL REFERENCES field_report (id),
    line BIGINT NOT NULL,
    kind TEXT NOT NULL,
    number BIGINT,
    body TEXT NOT NULL,
    author TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    PRIMARY KEY (report_id, line)
);
CREATE TABLE field_report_link (
    report_id TEXT NOT NULL REFERENCES field_report (id),
    incident_id TEXT NOT NULL,
    label TEXT NOT NULL,
    linked_us BIGINT NOT NULL,
    PRIMARY KEY (report_id, incident_id)
);

-- Channels, repeaters, terminals, power: what was found, and what is wrong until it is repaired.
CREATE TABLE field_reading (
    id TEXT PRIMARY KEY,
    equipment TEXT NOT NULL,
    state TEXT NOT NULL,
    level_percent BIGINT,
    words TEXT NOT NULL,
    author TEXT NOT NULL,
    at_us BIGINT NOT NULL
);
CREATE INDEX field_reading_by_equipment ON field_reading (equipment, at_us);
CREATE TABLE field_anomaly (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    equipment TEXT NOT NULL,
    title TEXT NOT NULL,
    told TEXT,
    opened_us BIGINT NOT NULL,
    closed_us BIGINT,
    outcome TEXT
);
CREATE INDEX field_anomaly_by_equipment ON field_anomaly (equipment, closed_us);
CREATE TABLE field_misuse (
    entry_number BIGINT PRIMARY KEY,
    sign TEXT NOT NULL,
    holder_kind TEXT,
    holder TEXT,
    holder_name TEXT,
    organisation TEXT,
    network TEXT,
    what TEXT NOT NULL,
    at_us BIGINT NOT NULL
);
