-- The radio room. Its register: who and what it knows. Keys are what people say; they never change.
CREATE TABLE field_revision (
    id BIGINT PRIMARY KEY,
    revision BIGINT NOT NULL
);
INSERT INTO field_revision (id, revision) VALUES (1, 0);

CREATE TABLE field_counter (
    name TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO field_counter (name, last) VALUES ('log', 0);
INSERT INTO field_counter (name, last) VALUES ('mission', 0);
INSERT INTO field_counter (name, last) VALUES ('alarm', 0);
INSERT INTO field_counter (name, last) VALUES ('round', 0);
INSERT INTO field_counter (name, last) VALUES ('headcount', 0);
INSERT INTO field_counter (name, last) VALUES ('shift', 0);

CREATE TABLE field_organisation (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, kind TEXT
);
CREATE TABLE field_zone (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, warden TEXT, alternate TEXT
);
CREATE TABLE field_person (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, category TEXT, organisation TEXT, zone TEXT, presence TEXT, relies_on TEXT
);
CREATE TABLE field_vehicle (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, organisation TEXT, seats BIGINT, armoured BIGINT
);
CREATE TABLE field_premises (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, kind TEXT, organisation TEXT, zone TEXT, time_zone TEXT,
    latitude DOUBLE PRECISION, longitude DOUBLE PRECISION
);
CREATE TABLE field_area (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, risk TEXT, contact_interval_min BIGINT, ladder TEXT
);
CREATE TABLE field_contact (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, role TEXT, person TEXT, name TEXT, organisation TEXT, means TEXT, address TEXT,
    priority BIGINT, verified BIGINT
);

-- Who held a call sign from when until when.
CREATE TABLE field_call_sign (
    id TEXT PRIMARY KEY,
    sign TEXT NOT NULL,
    holder_kind TEXT NOT NULL,
    holder TEXT NOT NULL,
    network TEXT,
    from_us BIGINT NOT NULL,
    until_us BIGINT
);
CREATE INDEX field_call_sign_by_sign ON field_call_sign (sign, from_us);

-- Words that look like others and mean duress, as salted digests.
CREATE TABLE field_duress (
    id TEXT PRIMARY KEY,
    salt TEXT NOT NULL,
    digest TEXT NOT NULL,
    words BIGINT NOT NULL,
    shown_as TEXT NOT NULL,
    tell TEXT NOT NULL,
    set_us BIGINT NOT NULL
);

-- The duty log. Append-only: a correction is another entry.
CREATE TABLE field_log (
    number BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    happened_us BIGINT NOT NULL,
    entered_us BIGINT NOT NULL,
    wall_us BIGINT NOT NULL,
    clock_suspect BIGINT NOT NULL,
    author TEXT NOT NULL,
    sign TEXT,
    holder_kind TEXT,
    holder TEXT,
    holder_name TEXT,
    mission_id TEXT,
    line TEXT NOT NULL,
    meaning TEXT NOT NULL,
    outcome TEXT NOT NULL,
    corrects BIGINT
);
CREATE INDEX field_log_by_mission ON field_log (mission_id, number);
CREATE INDEX field_log_by_correction ON field_log (corrects);
CREATE INDEX field_log_by_entered ON field_log (entered_us);

-- Missions. The sheet (legs, convoy, manifest) is JSON beside the columns that are asked for.
CREATE TABLE field_mission (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    contact TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    area TEXT NOT NULL,
    custody TEXT,
    exercise BIGINT NOT NULL,
    due_us BIGINT,
    last_contact_us BIGINT,
    last_place TEXT,
    planned_departure_us BIGINT,
    departed_us BIGINT,
    ended_us BIGINT,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    sheet TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX field_mission_open ON field_mission (is_open, due_us);

-- Who is on a mission, in which vehicle, from when until when.
CREATE TABLE field_manifest (
    mission_id TEXT NOT NULL REFERENCES field_mission (id),
    position BIGINT NOT NULL,
    kind TEXT NOT NULL,
    member TEXT NOT NULL,
    vehicle TEXT,
    from_us BIGINT NOT NULL,
    until_us BIGINT,
    PRIMARY KEY (mission_id, position)
);
CREATE INDEX field_manifest_by_member ON field_manifest (kind, member);

CREATE TABLE field_alarm (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    is_silent BIGINT NOT NULL,
    subject TEXT NOT NULL,
    mission_id TEXT,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    missed_us BIGINT NOT NULL,
    raised_us BIGINT NOT NULL,
    while_down BIGINT NOT NULL,
    owner TEXT,
    all_failed BIGINT NOT NULL,
    closed_us BIGINT,
    outcome TEXT,
    course TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX field_alarm_open ON field_alarm (is_open, raised_us);
CREATE INDEX field_alarm_by_subject ON field_alarm (subject, is_open);

CREATE TABLE field_round (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    network TEXT,
    state TEXT NOT NULL,
    fault TEXT,
    started_us BIGINT NOT NULL,
    ended_us BIGINT
);
CREATE TABLE field_round_call (
    round_id TEXT NOT NULL REFERENCES field_round (id),
    sign TEXT NOT NULL,
    holder_kind TEXT NOT NULL,
    holder TEXT NOT NULL,
    holder_name TEXT NOT NULL,
    organisation TEXT,
    hearing TEXT,
    attempts BIGINT NOT NULL,
    at_us BIGINT,
    PRIMARY KEY (round_id, sign)
);

CREATE TABLE field_headcount (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    scope_key TEXT,
    state TEXT NOT NULL,
    started_us BIGINT NOT NULL,
    ended_us BIGINT
);
CREATE TABLE field_headcount_person (
    headcount_id TEXT NOT NULL REFERENCES field_headcount (id),
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    organisation TEXT,
    joined BIGINT NOT NULL,
    safety TEXT NOT NULL,
    answered_us BIGINT,
    answered_by TEXT,
    PRIMARY KEY (headcount_id, person)
);

-- Who has the desk. The relief is responsible from the second signature on.
CREATE TABLE field_shift (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    officer TEXT NOT NULL,
    began_us BIGINT NOT NULL,
    signed_us BIGINT,
    sheet TEXT,
    ended_us BIGINT,
    relief TEXT
);
