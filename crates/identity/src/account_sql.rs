//! Statements that find accounts for people who look.

use store::Statement;

pub const ACCOUNT_PAGE: Statement = Statement::new(
    "identity.account_page",
    "SELECT a.id, a.system, a.person_id, a.kind, a.protection, a.login, a.native_id, a.status, a.progress, a.wanted, a.seen, \
     a.seen_us, a.plan_id, a.attempts, a.retry_us, a.problem, a.owner, a.purpose, a.expires_us, a.rotated_us, a.rotate_days, \
     a.last_use_us, a.version, a.created_us, a.updated_us FROM identity_account a LEFT JOIN identity_person p ON p.id = a.person_id WHERE (CAST($1 AS TEXT) IS NULL OR a.system = $1) \
     AND (CAST($2 AS TEXT) IS NULL OR a.progress = $2) AND (CAST($3 AS TEXT) IS NULL OR a.kind = $3) AND (CAST($4 AS TEXT) IS NULL \
     OR LOWER(a.login) LIKE $4 ESCAPE '!' OR a.id LIKE $4 ESCAPE '!' OR LOWER(COALESCE(p.number, '')) LIKE $4 ESCAPE '!' OR LOWER(p.given_name || ' ' || \
     p.family_name) LIKE $4 ESCAPE '!') AND ($5 = 1 OR COALESCE(p.restricted, 0) = 0) AND (CAST($6 AS TEXT) IS NULL OR (LOWER(a.login), a.id) > (SELECT \
     LOWER(c.login), c.id FROM identity_account c WHERE c.id = $6)) ORDER BY LOWER(a.login), a.id LIMIT $7",
);
pub const COUNT_ACCOUNTS: Statement = Statement::new(
    "identity.count_accounts",
    "SELECT COUNT(*) AS found FROM identity_account a LEFT JOIN identity_person p ON p.id = a.person_id WHERE (CAST($1 AS TEXT) IS NULL OR a.system = $1) \
     AND (CAST($2 AS TEXT) IS NULL OR a.progress = $2) AND (CAST($3 AS TEXT) IS NULL OR a.kind = $3) AND (CAST($4 AS TEXT) IS NULL \
     OR LOWER(a.login) LIKE $4 ESCAPE '!' OR a.id LIKE $4 ESCAPE '!' OR LOWER(COALESCE(p.number, '')) LIKE $4 ESCAPE '!' OR LOWER(p.given_name || ' ' || \
     p.family_name) LIKE $4 ESCAPE '!') AND ($5 = 1 OR COALESCE(p.restricted, 0) = 0)",
);
