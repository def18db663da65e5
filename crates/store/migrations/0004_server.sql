-- People who may sign in.
CREATE TABLE app_user (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    roles TEXT NOT NULL,
    password_hash TEXT,
    disabled BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    last_login_us BIGINT,
    version BIGINT NOT NULL
);

-- One-time links. Without a user: the first administrator's.
CREATE TABLE invitation (
    digest TEXT PRIMARY KEY,
    user_id TEXT REFERENCES app_user (id),
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);

CREATE TABLE session (
    digest TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES app_user (id),
    address TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    last_seen_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    ended_us BIGINT
);
CREATE INDEX session_by_user ON session (user_id);

-- Tokens of programs.
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    scopes TEXT NOT NULL,
    target TEXT,
    owner TEXT NOT NULL REFERENCES app_user (id),
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    revoked_us BIGINT
);

CREATE TABLE token_use (
    token_id TEXT PRIMARY KEY,
    last_used_us BIGINT NOT NULL
);

CREATE TABLE saved_query (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    query TEXT NOT NULL,
    owner TEXT NOT NULL REFERENCES app_user (id),
    shared BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- Sources that were connected over the API; those of the configuration file are not here.
CREATE TABLE source (
    name TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    format TEXT NOT NULL,
    table_name TEXT,
    time_zone TEXT,
    created_us BIGINT NOT NULL
);
