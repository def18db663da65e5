-- Groups on their way out: proposed, emptied, deleted, brought back with whoever was in them.
CREATE TABLE identity_group_life (
    entitlement_id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    members TEXT NOT NULL,
    member_count BIGINT NOT NULL,
    native_id TEXT,
    changed_us BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    restore_until_us BIGINT,
    version BIGINT NOT NULL
);

-- How far the members of a group have been read at its system: the next page is where another process goes on.
CREATE TABLE identity_group_read (
    entitlement_id TEXT PRIMARY KEY,
    token TEXT,
    reading BIGINT NOT NULL,
    pages BIGINT NOT NULL,
    members BIGINT NOT NULL,
    begun_us BIGINT NOT NULL,
    page_us BIGINT NOT NULL,
    done_us BIGINT
);
CREATE TABLE identity_group_member (
    entitlement_id TEXT NOT NULL,
    native_id TEXT NOT NULL,
    name TEXT NOT NULL,
    class TEXT,
    reading BIGINT NOT NULL,
    PRIMARY KEY (entitlement_id, native_id)
);
