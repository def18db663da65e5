-- How people are reached, so that a headcount can ask them.
ALTER TABLE field_person ADD COLUMN phone TEXT;
ALTER TABLE field_person ADD COLUMN email TEXT;

CREATE TABLE field_device (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, kind TEXT, vehicle TEXT, person TEXT, interval_min BIGINT
);
CREATE TABLE field_fence (
    id TEXT NOT NULL UNIQUE, record_key TEXT PRIMARY KEY, version BIGINT NOT NULL, retired_us BIGINT,
    updated_us BIGINT NOT NULL, name TEXT, kind TEXT, shape TEXT, width_m BIGINT
);

-- What the room is told once: the address under which people reach its server.
CREATE TABLE field_setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Where devices were, each report judged. Judged again when an earlier one arrives late.
CREATE TABLE field_position (
    id TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    holder_kind TEXT NOT NULL,
    holder TEXT NOT NULL,
    organisation TEXT,
    source TEXT NOT NULL,
    fix_us BIGINT NOT NULL,
    received_us BIGINT NOT NULL,
    latitude DOUBLE PRECISION NOT NULL,
    longitude DOUBLE PRECISION NOT NULL,
    altitude_m DOUBLE PRECISION,
    accuracy_m DOUBLE PRECISION NOT NULL,
    speed_mps DOUBLE PRECISION,
    course_deg DOUBLE PRECISION,
    trust TEXT NOT NULL,
    doubts TEXT NOT NULL,
    quirks TEXT NOT NULL,
    mission_id TEXT
);
CREATE INDEX field_position_by_holder ON field_position (holder_kind, holder, fix_us);
CREATE INDEX field_position_by_received ON field_position (received_us);

-- A device as it is heard. Silence of a device says nothing of the people: that is a mission's contact.
CREATE TABLE field_tracker (
    device TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    last_fix_us BIGINT NOT NULL,
    last_received_us BIGINT NOT NULL,
    battery_percent DOUBLE PRECISION,
    since_us BIGINT NOT NULL
);

-- On which side of a fence somebody is, and the fixes that speak for the other side.
CREATE TABLE field_standing (
    holder_kind TEXT NOT NULL,
    holder TEXT NOT NULL,
    fence TEXT NOT NULL,
    side TEXT NOT NULL,
    other_count BIGINT NOT NULL,
    other_since_us BIGINT,
    last_us BIGINT NOT NULL,
    PRIMARY KEY (holder_kind, holder, fence)
);
CREATE TABLE field_crossing (
    holder_kind TEXT NOT NULL,
    holder TEXT NOT NULL,
    fence TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    side TEXT NOT NULL,
    mission_id TEXT,
    withdrawn_us BIGINT,
    PRIMARY KEY (holder_kind, holder, fence, at_us)
);

-- Calls for help by devices, and their cancellations.
CREATE TABLE field_signal (
    id TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    holder_kind TEXT NOT NULL,
    holder TEXT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    source TEXT NOT NULL,
    signalled_us BIGINT NOT NULL,
    received_us BIGINT NOT NULL,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    words TEXT,
    mission_id TEXT,
    alarm_id TEXT
);
CREATE INDEX field_signal_by_device ON field_signal (device, signalled_us);

-- Messages: what came in and what was done with it, what goes out and what became of it.
CREATE TABLE field_message_in (
    id TEXT PRIMARY KEY,
    means TEXT NOT NULL,
    sender TEXT NOT NULL,
    person TEXT,
    name TEXT NOT NULL,
    organisation TEXT,
    subject TEXT,
    body TEXT NOT NULL,
    precedence TEXT,
    relayed_by TEXT NOT NULL,
    sent_us BIGINT,
    received_us BIGINT NOT NULL,
    answers TEXT,
    taken_as TEXT NOT NULL,
    entry_number BIGINT NOT NULL,
    seen_us BIGINT
);
CREATE INDEX field_message_in_by_received ON field_message_in (received_us);
CREATE TABLE field_message_out (
    dispatch TEXT PRIMARY KEY,
    about TEXT NOT NULL,
    recipient TEXT NOT NULL,
    addresses TEXT NOT NULL,
    body TEXT NOT NULL,
    precedence TEXT NOT NULL,
    exercise BIGINT NOT NULL,
    asked_us BIGINT NOT NULL,
    state TEXT NOT NULL,
    state_us BIGINT NOT NULL,
    means TEXT,
    problem TEXT
);
CREATE INDEX field_message_out_by_about ON field_message_out (about);

-- Headcounts: links for one person each, as digests; whose lists went to whom; and who is under duress, which no list shows.
ALTER TABLE field_headcount_person ADD COLUMN zone TEXT;
ALTER TABLE field_headcount_person ADD COLUMN means TEXT;
CREATE TABLE field_headcount_link (
    digest TEXT PRIMARY KEY,
    headcount_id TEXT NOT NULL REFERENCES field_headcount (id),
    person TEXT NOT NULL,
    expires_us BIGINT NOT NULL
);
CREATE TABLE field_headcount_list (
    headcount_id TEXT NOT NULL REFERENCES field_headcount (id),
    zone TEXT NOT NULL,
    warden TEXT NOT NULL,
    given_us BIGINT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (headcount_id, zone, warden)
);
CREATE TABLE field_headcount_duress (
    headcount_id TEXT NOT NULL REFERENCES field_headcount (id),
    person TEXT NOT NULL,
    alarm_id TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    PRIMARY KEY (headcount_id, person)
);

-- Whose people a user of the console answers for, and who they are in the register.
CREATE TABLE field_affiliation (
    user_id TEXT PRIMARY KEY,
    organisation TEXT,
    person TEXT
);
-- Sight of another organisation's people, for a reason and a time.
CREATE TABLE field_break_glass (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    organisation TEXT NOT NULL,
    reason TEXT NOT NULL,
    begun_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    views BIGINT NOT NULL
);
CREATE INDEX field_break_glass_by_user ON field_break_glass (user_id, expires_us);
