//! Every statement of the server.

use kernel::ScalarType;
use store::{FactColumn, FactTable, Statement};

/// Columns of a person, in each statement that reads one.
macro_rules! user_columns {
    () => {
        "id, name, display_name, roles, password_hash, disabled, created_us, last_login_us, version"
    };
}

pub const USERS: Statement =
    Statement::new("server.users", concat!("SELECT ", user_columns!(), " FROM app_user ORDER BY name"));
pub const USER: Statement =
    Statement::new("server.user", concat!("SELECT ", user_columns!(), " FROM app_user WHERE id = $1"));
pub const USER_BY_NAME: Statement =
    Statement::new("server.user_by_name", concat!("SELECT ", user_columns!(), " FROM app_user WHERE name = $1"));
pub const INSERT_USER: Statement = Statement::new(
    "server.insert_user",
    "INSERT INTO app_user (id, name, display_name, roles, password_hash, disabled, created_us, last_login_us, version) \
     VALUES ($1, $2, $3, $4, $5, 0, $6, NULL, 1) ON CONFLICT (name) DO NOTHING",
);
pub const UPDATE_USER: Statement = Statement::new(
    "server.update_user",
    "UPDATE app_user SET display_name = $3, roles = $4, disabled = $5, version = version + 1 \
     WHERE id = $1 AND version = $2",
);
pub const SET_PASSWORD: Statement = Statement::new(
    "server.set_password",
    "UPDATE app_user SET password_hash = $2, version = version + 1 WHERE id = $1",
);
pub const SET_LAST_LOGIN: Statement =
    Statement::new("server.set_last_login", "UPDATE app_user SET last_login_us = $2 WHERE id = $1");

pub const INSERT_INVITATION: Statement = Statement::new(
    "server.insert_invitation",
    "INSERT INTO invitation (digest, user_id, created_us, expires_us) VALUES ($1, $2, $3, $4)",
);
pub const INVITATION: Statement =
    Statement::new("server.invitation", "SELECT digest, user_id, expires_us FROM invitation WHERE digest = $1");
pub const DROP_INVITATIONS_OF: Statement =
    Statement::new("server.drop_invitations_of", "DELETE FROM invitation WHERE user_id = $1");
pub const DROP_FIRST_INVITATIONS: Statement =
    Statement::new("server.drop_first_invitations", "DELETE FROM invitation WHERE user_id IS NULL");

pub const INSERT_SESSION: Statement = Statement::new(
    "server.insert_session",
    "INSERT INTO session (digest, id, user_id, address, created_us, last_seen_us, expires_us, ended_us) \
     VALUES ($1, $2, $3, $4, $5, $5, $6, NULL)",
);
pub const SESSION: Statement = Statement::new(
    "server.session",
    "SELECT s.id AS session_id, s.last_seen_us, s.expires_us, s.ended_us, \
     u.id, u.name, u.display_name, u.roles, u.password_hash, u.disabled, u.created_us, u.last_login_us, u.version \
     FROM session s JOIN app_user u ON u.id = s.user_id WHERE s.digest = $1",
);
pub const TOUCH_SESSION: Statement =
    Statement::new("server.touch_session", "UPDATE session SET last_seen_us = $2 WHERE digest = $1");
pub const END_SESSION: Statement =
    Statement::new("server.end_session", "UPDATE session SET ended_us = $2 WHERE digest = $1 AND ended_us IS NULL");
pub const END_SESSIONS_OF: Statement = Statement::new(
    "server.end_sessions_of",
    "UPDATE session SET ended_us = $2 WHERE user_id = $1 AND ended_us IS NULL AND digest <> $3",
);
pub const FORGET_SESSIONS: Statement =
    Statement::new("server.forget_sessions", "DELETE FROM session WHERE expires_us < $1");
pub const KNOWN_PLACE: Statement = Statement::new(
    "server.known_place",
    "SELECT s.id FROM session s JOIN app_user u ON u.id = s.user_id WHERE u.name = $1 AND s.address = $2 LIMIT 1",
);

/// Columns of a token, in each statement that reads one.
macro_rules! token_select {
    () => {
        "SELECT t.id, t.name, t.prefix, t.scopes, t.target, t.created_us, t.expires_us, t.revoked_us, \
         t.owner, u.display_name AS owner_name, u.roles AS owner_roles, u.disabled AS owner_disabled, \
         used.last_used_us FROM token t JOIN app_user u ON u.id = t.owner \
         LEFT JOIN token_use used ON used.token_id = t.id "
    };
}
pub const TOKENS: Statement = Statement::new(
    "server.tokens",
    concat!(token_select!(), "WHERE (CAST($1 AS TEXT) IS NULL OR t.owner = $1) ORDER BY t.created_us DESC, t.id"),
);
pub const TOKEN: Statement = Statement::new("server.token", concat!(token_select!(), "WHERE t.id = $1"));
pub const TOKEN_BY_DIGEST: Statement =
    Statement::new("server.token_by_digest", concat!(token_select!(), "WHERE t.digest = $1"));
pub const INSERT_TOKEN: Statement = Statement::new(
    "server.insert_token",
    "INSERT INTO token (id, digest, name, prefix, scopes, target, owner, created_us, expires_us, revoked_us) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)",
);
pub const REVOKE_TOKEN: Statement =
    Statement::new("server.revoke_token", "UPDATE token SET revoked_us = $2 WHERE id = $1 AND revoked_us IS NULL");
pub const TOUCH_TOKEN: Statement = Statement::new(
    "server.touch_token",
    "INSERT INTO token_use (token_id, last_used_us) VALUES ($1, $2) \
     ON CONFLICT (token_id) DO UPDATE SET last_used_us = excluded.last_used_us",
);

/// Columns of a kept query, in each statement that reads one.
macro_rules! query_select {
    () => {
        "SELECT q.id, q.name, q.description, q.query, q.owner, u.display_name AS owner_name, q.shared, \
         q.created_us, q.updated_us, q.version FROM saved_query q JOIN app_user u ON u.id = q.owner "
    };
}
pub const SAVED_QUERIES: Statement = Statement::new(
    "server.saved_queries",
    concat!(query_select!(), "WHERE q.owner = $1 OR q.shared = 1 ORDER BY q.name, q.id"),
);
pub const SAVED_QUERY: Statement = Statement::new("server.saved_query", concat!(query_select!(), "WHERE q.id = $1"));
pub const INSERT_SAVED_QUERY: Statement = Statement::new(
    "server.insert_saved_query",
    "INSERT INTO saved_query (id, name, description, query, owner, shared, created_us, updated_us, version) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 1)",
);
pub const UPDATE_SAVED_QUERY: Statement = Statement::new(
    "server.update_saved_query",
    "UPDATE saved_query SET name = $3, description = $4, query = $5, shared = $6, updated_us = $7, \
     version = version + 1 WHERE id = $1 AND version = $2",
);
pub const DELETE_SAVED_QUERY: Statement =
    Statement::new("server.delete_saved_query", "DELETE FROM saved_query WHERE id = $1");

pub const SOURCES: Statement = Statement::new(
    "server.sources",
    "SELECT name, format, table_name, time_zone, log_source FROM source ORDER BY name",
);
pub const INSERT_SOURCE: Statement = Statement::new(
    "server.insert_source",
    "INSERT INTO source (name, id, format, table_name, time_zone, log_source, created_us) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING",
);

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[Statement] = &[
    USERS,
    USER,
    USER_BY_NAME,
    INSERT_USER,
    UPDATE_USER,
    SET_PASSWORD,
    SET_LAST_LOGIN,
    INSERT_INVITATION,
    INVITATION,
    DROP_INVITATIONS_OF,
    DROP_FIRST_INVITATIONS,
    INSERT_SESSION,
    SESSION,
    TOUCH_SESSION,
    END_SESSION,
    END_SESSIONS_OF,
    FORGET_SESSIONS,
    KNOWN_PLACE,
    TOKENS,
    TOKEN,
    TOKEN_BY_DIGEST,
    INSERT_TOKEN,
    REVOKE_TOKEN,
    TOUCH_TOKEN,
    SAVED_QUERIES,
    SAVED_QUERY,
    INSERT_SAVED_QUERY,
    UPDATE_SAVED_QUERY,
    DELETE_SAVED_QUERY,
    SOURCES,
    INSERT_SOURCE,
];

/// What KQL may read of the server's tables: people without their passwords, tokens without their digests.
pub const FACT_TABLES: &[FactTable] = &[
    FactTable {
        name: "Users",
        columns: &[
            FactColumn::new("TimeGenerated", ScalarType::DateTime, "created_us"),
            FactColumn::new("UserId", ScalarType::String, "id"),
            FactColumn::new("Name", ScalarType::String, "name"),
            FactColumn::new("DisplayName", ScalarType::String, "display_name"),
            FactColumn::new("Roles", ScalarType::Dynamic, "roles"),
            FactColumn::new("Disabled", ScalarType::Bool, "disabled"),
            FactColumn::new("LastLogin", ScalarType::DateTime, "last_login_us"),
        ],
        from: "app_user",
        time: "created_us",
    },
    FactTable {
        name: "Tokens",
        columns: &[
            FactColumn::new("TimeGenerated", ScalarType::DateTime, "created_us"),
            FactColumn::new("TokenId", ScalarType::String, "id"),
            FactColumn::new("Name", ScalarType::String, "name"),
            FactColumn::new("Scopes", ScalarType::Dynamic, "scopes"),
            FactColumn::new("Target", ScalarType::String, "target"),
            FactColumn::new("OwnerId", ScalarType::String, "owner"),
            FactColumn::new("Expires", ScalarType::DateTime, "expires_us"),
            FactColumn::new("Revoked", ScalarType::DateTime, "revoked_us"),
        ],
        from: "token",
        time: "created_us",
    },
];
