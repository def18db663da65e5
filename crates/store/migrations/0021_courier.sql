-- Messages in and out. What a network delivered, as it came.
CREATE TABLE courier_raw (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    received_us BIGINT NOT NULL,
    encoding TEXT NOT NULL,
    body TEXT NOT NULL,
    findings TEXT NOT NULL
);
CREATE INDEX courier_raw_by_received ON courier_raw (received_us);

-- Every report by the id that its content gives it, and how often it was delivered.
CREATE TABLE courier_seen (
    id TEXT PRIMARY KEY,
    receipts BIGINT NOT NULL,
    first_us BIGINT NOT NULL,
    last_us BIGINT NOT NULL
);

-- Messages that reached us.
CREATE TABLE courier_message (
    id TEXT PRIMARY KEY,
    means TEXT NOT NULL,
    channel TEXT NOT NULL,
    provider_id TEXT,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    sent_us BIGINT,
    received_us BIGINT NOT NULL,
    answers TEXT,
    answers_certain BIGINT NOT NULL,
    automatic BIGINT NOT NULL,
    exercise BIGINT NOT NULL,
    raw_id TEXT NOT NULL
);
CREATE INDEX courier_message_by_received ON courier_message (received_us);
CREATE INDEX courier_message_by_digest ON courier_message (digest, received_us);

-- Segments of long short messages that are not complete yet.
CREATE TABLE courier_segment (
    channel TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    reference BIGINT NOT NULL,
    total BIGINT NOT NULL,
    number BIGINT NOT NULL,
    body TEXT NOT NULL,
    received_us BIGINT NOT NULL,
    raw_id TEXT NOT NULL,
    PRIMARY KEY (channel, sender, recipient, reference, total, number)
);

-- Messages that go out: one row for each dispatch.
CREATE TABLE courier_dispatch (
    id TEXT PRIMARY KEY,
    dispatch_key TEXT NOT NULL UNIQUE,
    desk TEXT NOT NULL,
    about TEXT NOT NULL,
    recipient TEXT NOT NULL,
    addresses TEXT NOT NULL,
    place BIGINT NOT NULL,
    means TEXT NOT NULL,
    address TEXT NOT NULL,
    subject TEXT,
    body TEXT NOT NULL,
    lane BIGINT NOT NULL,
    exercise BIGINT NOT NULL,
    secret BIGINT NOT NULL,
    patience_s BIGINT NOT NULL,
    requested_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    state TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    since_us BIGINT NOT NULL,
    due_us BIGINT NOT NULL,
    problem TEXT,
    updated_us BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX courier_dispatch_due ON courier_dispatch (is_open, means, lane, due_us);
CREATE INDEX courier_dispatch_by_address ON courier_dispatch (means, address, updated_us);
CREATE INDEX courier_dispatch_by_state ON courier_dispatch (state, updated_us);

-- Each try, written before it is made: what began and has no end was cut off by a crash.
CREATE TABLE courier_try (
    dispatch_id TEXT NOT NULL REFERENCES courier_dispatch (id),
    number BIGINT NOT NULL,
    channel TEXT NOT NULL,
    means TEXT NOT NULL,
    address TEXT NOT NULL,
    began_us BIGINT NOT NULL,
    ended_us BIGINT,
    outcome TEXT,
    problem TEXT,
    PRIMARY KEY (dispatch_id, number)
);
CREATE INDEX courier_try_by_began ON courier_try (began_us);

-- What the next hop called the pieces that it took, and what it said of each later.
CREATE TABLE courier_piece (
    channel TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    dispatch_id TEXT NOT NULL REFERENCES courier_dispatch (id),
    place BIGINT NOT NULL,
    number BIGINT NOT NULL,
    total BIGINT NOT NULL,
    accepted_us BIGINT NOT NULL,
    said TEXT,
    said_us BIGINT,
    PRIMARY KEY (channel, provider_id)
);
CREATE INDEX courier_piece_by_dispatch ON courier_piece (dispatch_id, place);

-- Receipts that came before the answer that named what they are about.
CREATE TABLE courier_stray (
    channel TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    said TEXT NOT NULL,
    problem TEXT,
    received_us BIGINT NOT NULL,
    PRIMARY KEY (channel, provider_id)
);

-- How far a channel has read.
CREATE TABLE courier_cursor (
    channel TEXT PRIMARY KEY,
    place TEXT NOT NULL
);
