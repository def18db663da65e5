-- Eligible access that is borrowed for a time.
CREATE TABLE identity_activation (
    id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    eligible_id TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target TEXT NOT NULL,
    ticket TEXT,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    assignment_id TEXT,
    asked_us BIGINT NOT NULL,
    began_us BIGINT,
    until_us BIGINT,
    ended_us BIGINT,
    end_cause TEXT,
    exposure_us BIGINT NOT NULL,
    verified_us BIGINT,
    sheet TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX identity_activation_open ON identity_activation (is_open, until_us);
CREATE INDEX identity_activation_by_person ON identity_activation (person_id, asked_us);
CREATE INDEX identity_activation_by_ticket ON identity_activation (ticket, is_open);
