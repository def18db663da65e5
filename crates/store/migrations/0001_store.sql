-- Ledger: the chain, and beside it what can be erased.
CREATE TABLE ledger_head (
    id BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    fact_seq BIGINT NOT NULL
);
INSERT INTO ledger_head (id, seq, hash, fact_seq)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', 0);

CREATE TABLE ledger (
    seq BIGINT PRIMARY KEY,
    time_us BIGINT NOT NULL,
    actor TEXT NOT NULL,
    verb TEXT NOT NULL,
    entity TEXT NOT NULL,
    commitment TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX ledger_by_entity ON ledger (entity, seq);

CREATE TABLE ledger_payload (
    seq BIGINT PRIMARY KEY REFERENCES ledger (seq),
    salt TEXT,
    payload TEXT
);

-- Remote or long acts: opened before, completed after.
CREATE TABLE act (
    id TEXT PRIMARY KEY,
    actor TEXT NOT NULL,
    verb TEXT NOT NULL,
    entity TEXT NOT NULL,
    opened_us BIGINT NOT NULL,
    expected_us BIGINT NOT NULL,
    state TEXT NOT NULL,
    ended_us BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX act_open ON act (expected_us) WHERE state = 'open';

-- Who owes what, about what, by when, and what happens otherwise.
CREATE TABLE deadline (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    owes TEXT NOT NULL,
    due_us BIGINT NOT NULL,
    otherwise TEXT NOT NULL,
    state TEXT NOT NULL,
    set_us BIGINT NOT NULL,
    ended_us BIGINT,
    expired_while_down BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX deadline_pending ON deadline (kind, subject) WHERE state = 'pending';
CREATE INDEX deadline_due ON deadline (due_us) WHERE state = 'pending';

-- The latest instant that the house has lived through; a wall clock before it is wrong.
CREATE TABLE house_clock (
    id BIGINT PRIMARY KEY,
    time_us BIGINT NOT NULL
);

-- Facts on their way to other rooms.
CREATE TABLE outbox (
    seq BIGINT PRIMARY KEY,
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    fact TEXT NOT NULL,
    time_us BIGINT NOT NULL
);
CREATE TABLE subscriber (
    name TEXT PRIMARY KEY,
    cursor_seq BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_us BIGINT NOT NULL,
    last_error TEXT
);
CREATE TABLE delivered (
    subscriber TEXT NOT NULL,
    fact_seq BIGINT NOT NULL,
    PRIMARY KEY (subscriber, fact_seq)
);
CREATE TABLE parked (
    subscriber TEXT NOT NULL,
    fact_seq BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    error TEXT NOT NULL,
    time_us BIGINT NOT NULL,
    retry BIGINT NOT NULL,
    PRIMARY KEY (subscriber, fact_seq)
);

-- Rows to hold while a room decides on more than one record.
CREATE TABLE named_lock (
    name TEXT PRIMARY KEY,
    taken BIGINT NOT NULL
);
