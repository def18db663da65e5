-- What people keep for their queries.
CREATE TABLE kept_function (
    name TEXT PRIMARY KEY,
    parameters TEXT NOT NULL,
    body TEXT NOT NULL,
    description TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- Columns and items are JSON: an item has an id, a time and its cells.
CREATE TABLE watchlist (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    search_key TEXT NOT NULL,
    columns TEXT NOT NULL,
    item_count BIGINT NOT NULL,
    items TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- Texts that stand for addresses.
CREATE TABLE reference_table (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    addresses TEXT NOT NULL,
    content TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- Grows with every change of these three, so that who has read them knows whether to read again.
CREATE TABLE library_revision (
    id BIGINT PRIMARY KEY,
    revision BIGINT NOT NULL
);
INSERT INTO library_revision (id, revision) VALUES (1, 0);
