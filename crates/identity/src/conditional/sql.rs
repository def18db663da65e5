//! Statements of policies on sign-ins.

use store::Statement;

pub const INSERT_CONDITIONAL_VERSION: Statement = Statement::new(
    "identity.insert_conditional_version",
    "INSERT INTO identity_conditional_version (policy, version, title, state, cedar, saved_us, saved_by, reason) VALUES ($1, \
     $2, $3, $4, $5, $6, $7, $8)",
);
pub const CONDITIONAL_VERSIONS: Statement = Statement::new(
    "identity.conditional_versions",
    "SELECT policy, version, title, state, cedar, saved_us, saved_by, reason FROM identity_conditional_version WHERE policy \
     = $1 ORDER BY version DESC LIMIT $2",
);

/// All of them, for the test that prepares each on both engines.
pub const CONDITIONAL_STATEMENTS: &[Statement] = &[INSERT_CONDITIONAL_VERSION, CONDITIONAL_VERSIONS];
