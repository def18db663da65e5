-- Users and groups that another system provisions to us by SCIM. The body is the resource as JSON without what is kept in
-- columns; a user name belongs to one user, without case.
CREATE TABLE scim_resource (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    external_id TEXT,
    active BIGINT NOT NULL,
    body TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE UNIQUE INDEX scim_user_name ON scim_resource (name_key) WHERE kind = 'User';
CREATE INDEX scim_resource_name ON scim_resource (kind, name_key);
CREATE INDEX scim_resource_external ON scim_resource (kind, external_id);
CREATE INDEX scim_resource_order ON scim_resource (kind, id);

-- Who is directly in which group. A member may be named before it is provisioned; it is kept as it was named.
CREATE TABLE scim_member (
    group_id TEXT NOT NULL REFERENCES scim_resource (id) ON DELETE CASCADE,
    member_id TEXT NOT NULL,
    PRIMARY KEY (group_id, member_id)
);
CREATE INDEX scim_member_member ON scim_member (member_id);
