//! Statements of the comparison of two systems.

use store::Statement;

pub const HYBRIDS: Statement =
    Statement::new("identity.hybrids", "SELECT hybrid, at_us, report, problem FROM identity_hybrid ORDER BY hybrid");
pub const SAVE_HYBRID: Statement = Statement::new(
    "identity.save_hybrid",
    "INSERT INTO identity_hybrid (hybrid, at_us, report) VALUES ($1, $2, $3) ON CONFLICT (hybrid) DO UPDATE SET at_us = \
     excluded.at_us, report = excluded.report, problem = NULL",
);
pub const SAVE_HYBRID_PROBLEM: Statement = Statement::new(
    "identity.save_hybrid_problem",
    "INSERT INTO identity_hybrid (hybrid, at_us, report, problem) VALUES ($1, 0, '', $2) ON CONFLICT (hybrid) DO UPDATE \
     SET problem = excluded.problem",
);
pub const HYBRID_VALUES: Statement = Statement::new(
    "identity.hybrid_values",
    "SELECT side, object, attribute, at_us, value FROM identity_hybrid_value WHERE hybrid = $1 ORDER BY at_us",
);
pub const INSERT_HYBRID_VALUE: Statement = Statement::new(
    "identity.insert_hybrid_value",
    "INSERT INTO identity_hybrid_value (hybrid, side, object, attribute, at_us, value) VALUES ($1, $2, $3, $4, $5, $6)",
);
pub const FORGET_HYBRID_VALUES: Statement = Statement::new(
    "identity.forget_hybrid_values",
    "DELETE FROM identity_hybrid_value WHERE hybrid = $1 AND at_us < $2",
);
