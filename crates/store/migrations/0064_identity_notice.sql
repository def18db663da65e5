-- Messages of the Access desk to people, and what became of each.
CREATE TABLE identity_notice (
    dispatch TEXT PRIMARY KEY,
    about TEXT NOT NULL,
    kind TEXT NOT NULL,
    person_id TEXT NOT NULL,
    language TEXT NOT NULL,
    subject TEXT NOT NULL,
    asked_us BIGINT NOT NULL,
    state TEXT NOT NULL,
    state_us BIGINT NOT NULL,
    problem TEXT
);
CREATE INDEX identity_notice_by_about ON identity_notice (about, asked_us);
