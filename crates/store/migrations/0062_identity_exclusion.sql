-- What somebody shall not have although a rule gives it: decided by a person, with the reason, until a person lifts it.
CREATE TABLE identity_exclusion (
    person_id TEXT NOT NULL,
    entitlement_id TEXT NOT NULL,
    made_us BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    source_ref TEXT,
    lifted_us BIGINT,
    lifted_by TEXT,
    lift_reason TEXT,
    PRIMARY KEY (person_id, entitlement_id, made_us)
);
CREATE INDEX identity_exclusion_by_entitlement ON identity_exclusion (entitlement_id);
