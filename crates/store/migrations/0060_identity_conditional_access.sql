-- Every version of a policy on sign-ins; the one in force is the document.
CREATE TABLE identity_conditional_version (
    policy TEXT NOT NULL,
    version BIGINT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    cedar TEXT NOT NULL,
    saved_us BIGINT NOT NULL,
    saved_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (policy, version)
);

-- The last look at what a tenant decides by itself.
CREATE TABLE identity_tenant (
    system TEXT PRIMARY KEY,
    at_us BIGINT NOT NULL,
    directory TEXT,
    problem TEXT
);

-- The tenant's own policies on sign-ins, whole.
CREATE TABLE identity_tenant_policy (
    system TEXT NOT NULL,
    policy TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    changed_us BIGINT NOT NULL,
    gone_us BIGINT,
    PRIMARY KEY (system, policy)
);

-- What applications were given by consent: one row for an application, a resource and a kind of consent.
CREATE TABLE identity_consent (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    application TEXT NOT NULL,
    application_name TEXT NOT NULL,
    publisher TEXT,
    kind TEXT NOT NULL,
    risk TEXT NOT NULL,
    score BIGINT NOT NULL,
    state TEXT NOT NULL,
    people BIGINT NOT NULL,
    sheet TEXT NOT NULL,
    first_us BIGINT NOT NULL,
    scored_us BIGINT NOT NULL,
    gone_us BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX identity_consent_by_system ON identity_consent (system, state);
