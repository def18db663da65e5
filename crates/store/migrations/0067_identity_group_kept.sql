-- What a group was called and lay in before it was emptied, so that it comes back as it was.
ALTER TABLE identity_group_life ADD COLUMN kept TEXT;

-- Members of groups that lie outside of what is read of their system.
CREATE TABLE identity_group_outside (
    entitlement_id TEXT NOT NULL,
    native_id TEXT NOT NULL,
    name TEXT NOT NULL,
    class TEXT,
    since_us BIGINT NOT NULL,
    PRIMARY KEY (entitlement_id, native_id)
);
