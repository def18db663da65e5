-- What was found of people who have an account on the premises and one in the cloud; the last look, whole.
CREATE TABLE identity_hybrid (
    hybrid TEXT PRIMARY KEY,
    at_us BIGINT NOT NULL,
    report TEXT NOT NULL,
    problem TEXT
);

-- Values of attributes that two sides do not agree on, as they were seen, so that going back and forth shows.
CREATE TABLE identity_hybrid_value (
    hybrid TEXT NOT NULL,
    side TEXT NOT NULL,
    object TEXT NOT NULL,
    attribute TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (hybrid, side, object, attribute, at_us)
);
