-- Which person signs in as which user of Vigie: decisions are taken by people.
CREATE TABLE identity_login (
    user_id TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    since_us BIGINT NOT NULL
);
CREATE INDEX identity_login_by_person ON identity_login (person_id);

-- Who decides for whom while they are away.
CREATE TABLE identity_delegation (
    person_id TEXT NOT NULL,
    delegate_id TEXT NOT NULL,
    from_us BIGINT NOT NULL,
    until_us BIGINT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (person_id, delegate_id)
);

-- Duties that must stay apart and do not, with the ways on both sides as they were found.
CREATE TABLE identity_violation (
    id TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    scope TEXT,
    person_id TEXT NOT NULL,
    risk TEXT NOT NULL,
    state TEXT NOT NULL,
    sides TEXT NOT NULL,
    exception_id TEXT,
    found_us BIGINT NOT NULL,
    gone_us BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX identity_violation_by_state ON identity_violation (state, rule);
CREATE INDEX identity_violation_by_person ON identity_violation (person_id, state);

CREATE TABLE identity_sod_exception (
    id TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    person_id TEXT NOT NULL,
    risk_owner TEXT NOT NULL,
    mitigation TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    until_us BIGINT NOT NULL,
    given_by TEXT NOT NULL,
    given_us BIGINT NOT NULL,
    ended_us BIGINT,
    ended_by TEXT
);
CREATE INDEX identity_sod_exception_by_person ON identity_sod_exception (person_id, state);

-- Requests for access. Stages, seats and decisions are in the sheet.
CREATE TABLE identity_request (
    id TEXT PRIMARY KEY,
    requester_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    state TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    risk TEXT NOT NULL,
    sheet TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);
CREATE INDEX identity_request_open ON identity_request (is_open, created_us);
CREATE INDEX identity_request_by_person ON identity_request (person_id, created_us);
-- Who is asked now.
CREATE TABLE identity_request_seat (
    request_id TEXT NOT NULL,
    stage BIGINT NOT NULL,
    seat BIGINT NOT NULL,
    person_id TEXT NOT NULL,
    PRIMARY KEY (request_id, stage, seat)
);
CREATE INDEX identity_request_seat_by_person ON identity_request_seat (person_id);
