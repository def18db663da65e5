-- What people decided about a rule, and where its text comes from.
ALTER TABLE rule ADD COLUMN severity_override TEXT;
ALTER TABLE rule ADD COLUMN revision TEXT;

-- A correlation that a late event undid; the revision of the rule that matched.
ALTER TABLE alert ADD COLUMN withdrawn_us BIGINT;
ALTER TABLE alert ADD COLUMN rule_revision TEXT;

-- What correlations remember: a state, and what was taken in since. Both go on from there after a restart.
CREATE TABLE correlation_state (
    id BIGINT PRIMARY KEY,
    number BIGINT NOT NULL,
    state TEXT NOT NULL,
    saved_us BIGINT NOT NULL
);
CREATE TABLE correlation_entry (
    number BIGINT PRIMARY KEY,
    entry TEXT NOT NULL
);

-- Exceptions: events on which a rule must not fire, as somebody answers for, until a day.
CREATE TABLE rule_exception (
    id TEXT PRIMARY KEY,
    rule_id TEXT NOT NULL,
    title TEXT NOT NULL,
    detection TEXT NOT NULL,
    owner TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    trial TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX rule_exception_by_rule ON rule_exception (rule_id, state);
