-- The kinds of events that have arrived, by which rules are told to see or to be blind.
CREATE TABLE event_kinds (
    id BIGINT PRIMARY KEY,
    kinds TEXT NOT NULL,
    saved_us BIGINT NOT NULL
);
