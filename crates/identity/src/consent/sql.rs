//! Statements of consents and of what a tenant decides by itself.

use store::Statement;

pub const CONSENTS: Statement = Statement::new(
    "identity.consents",
    "SELECT id, system, application, application_name, publisher, kind, risk, score, state, people, sheet, first_us, \
     scored_us, gone_us, version FROM identity_consent WHERE (CAST($1 AS TEXT) IS NULL OR system = $1) ORDER BY score \
     DESC, application_name, id LIMIT $2",
);
pub const CONSENT: Statement = Statement::new(
    "identity.consent",
    "SELECT id, system, application, application_name, publisher, kind, risk, score, state, people, sheet, first_us, \
     scored_us, gone_us, version FROM identity_consent WHERE id = $1",
);
pub const SAVE_CONSENT: Statement = Statement::new(
    "identity.save_consent",
    "INSERT INTO identity_consent (id, system, application, application_name, publisher, kind, risk, score, state, people, \
     sheet, first_us, scored_us, gone_us, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
     $15) ON CONFLICT (id) DO UPDATE SET application_name = excluded.application_name, publisher = excluded.publisher, \
     risk = excluded.risk, score = excluded.score, state = excluded.state, people = excluded.people, sheet = \
     excluded.sheet, scored_us = excluded.scored_us, gone_us = excluded.gone_us, version = excluded.version WHERE \
     identity_consent.version = excluded.version - 1",
);

pub const TENANTS: Statement =
    Statement::new("identity.tenants", "SELECT system, at_us, directory, problem FROM identity_tenant ORDER BY system");
pub const SAVE_TENANT: Statement = Statement::new(
    "identity.save_tenant",
    "INSERT INTO identity_tenant (system, at_us, directory) VALUES ($1, $2, $3) ON CONFLICT (system) DO UPDATE SET at_us = \
     excluded.at_us, directory = excluded.directory, problem = NULL",
);
pub const SAVE_TENANT_PROBLEM: Statement = Statement::new(
    "identity.save_tenant_problem",
    "INSERT INTO identity_tenant (system, at_us, problem) VALUES ($1, 0, $2) ON CONFLICT (system) DO UPDATE SET problem = \
     excluded.problem",
);
pub const TENANT_POLICIES: Statement = Statement::new(
    "identity.tenant_policies",
    "SELECT system, policy, title, state, body, changed_us, gone_us FROM identity_tenant_policy WHERE (CAST($1 AS TEXT) IS \
     NULL OR system = $1) ORDER BY system, title, policy",
);
pub const SAVE_TENANT_POLICY: Statement = Statement::new(
    "identity.save_tenant_policy",
    "INSERT INTO identity_tenant_policy (system, policy, title, state, body, changed_us) VALUES ($1, $2, $3, $4, $5, $6) ON \
     CONFLICT (system, policy) DO UPDATE SET title = excluded.title, state = excluded.state, body = excluded.body, \
     changed_us = excluded.changed_us, gone_us = NULL",
);
pub const LOSE_TENANT_POLICY: Statement = Statement::new(
    "identity.lose_tenant_policy",
    "UPDATE identity_tenant_policy SET gone_us = $3 WHERE system = $1 AND policy = $2",
);

/// All of them, for the test that prepares each on both engines.
pub const CONSENT_STATEMENTS: &[Statement] = &[
    CONSENTS,
    CONSENT,
    SAVE_CONSENT,
    TENANTS,
    SAVE_TENANT,
    SAVE_TENANT_PROBLEM,
    TENANT_POLICIES,
    SAVE_TENANT_POLICY,
    LOSE_TENANT_POLICY,
];
