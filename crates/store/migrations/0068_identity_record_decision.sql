-- What a person's decision on a record that waited changed, so that it can be taken back.
CREATE TABLE identity_record_decision (
    finding_id TEXT NOT NULL PRIMARY KEY,
    feed TEXT NOT NULL,
    person_id TEXT,
    source_key TEXT NOT NULL,
    anchor TEXT NOT NULL,
    record TEXT NOT NULL,
    before TEXT NOT NULL,
    decided_us BIGINT NOT NULL,
    undone_us BIGINT,
    undone_by TEXT,
    undone_why TEXT
);
CREATE INDEX identity_record_decision_by_feed ON identity_record_decision (feed, undone_us);
