-- What a person proves themselves with beside their password: a time-based code (RFC 6238).
CREATE TABLE identity_second_factor (
    person_id TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    enrolled_us BIGINT NOT NULL,
    confirmed_us BIGINT,
    last_step BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    locked_us BIGINT
);
