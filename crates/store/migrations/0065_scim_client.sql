-- Which client provisions a resource, by the name of its token, so that what one system tells of people can be read as a
-- whole, and when that last changed.
ALTER TABLE scim_resource ADD COLUMN client TEXT NOT NULL DEFAULT '';
UPDATE scim_resource SET client =
    COALESCE((SELECT t.name FROM token t WHERE 'token:' || t.id = scim_resource.changed_by), changed_by);
CREATE INDEX scim_resource_client ON scim_resource (client, kind, id);

CREATE TABLE scim_client (
    client TEXT PRIMARY KEY,
    changed_us BIGINT NOT NULL,
    -- Grows with each change.
    changes BIGINT NOT NULL
);
INSERT INTO scim_client (client, changed_us, changes)
    SELECT client, MAX(updated_us), COUNT(*) FROM scim_resource GROUP BY client;
