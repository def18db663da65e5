//! Every statement of the room.

use store::Statement;

macro_rules! columns {
    () => {
        "id, kind, name, external_id, body, created_us, updated_us, version, client"
    };
}

pub const INSERT: Statement = Statement::new(
    "scim.insert",
    "INSERT INTO scim_resource (id, kind, name, name_key, external_id, active, body, changed_by, created_us, updated_us, \
     version, client) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 1, $10)",
);
pub const UPDATE: Statement = Statement::new(
    "scim.update",
    "UPDATE scim_resource SET name = $3, name_key = $4, external_id = $5, active = $6, body = $7, changed_by = $8, \
     updated_us = $9, version = version + 1 WHERE id = $1 AND version = $2",
);
pub const DELETE: Statement = Statement::new("scim.delete", "DELETE FROM scim_resource WHERE id = $1");
pub const RESOURCE: Statement =
    Statement::new("scim.resource", concat!("SELECT ", columns!(), " FROM scim_resource WHERE kind = $1 AND id = $2"));
pub const BY_NAME: Statement = Statement::new(
    "scim.by_name",
    concat!("SELECT ", columns!(), " FROM scim_resource WHERE kind = $1 AND name_key = $2 ORDER BY id"),
);
pub const BY_EXTERNAL_ID: Statement = Statement::new(
    "scim.by_external_id",
    concat!("SELECT ", columns!(), " FROM scim_resource WHERE kind = $1 AND external_id = $2 ORDER BY id"),
);
pub const AFTER: Statement = Statement::new(
    "scim.after",
    concat!("SELECT ", columns!(), " FROM scim_resource WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3"),
);
pub const SKIPPING: Statement = Statement::new(
    "scim.skipping",
    concat!("SELECT ", columns!(), " FROM scim_resource WHERE kind = $1 ORDER BY id LIMIT $2 OFFSET $3"),
);
pub const COUNT: Statement =
    Statement::new("scim.count", "SELECT COUNT(*) AS count FROM scim_resource WHERE kind = $1");
pub const MEMBERS: Statement = Statement::new(
    "scim.members",
    "SELECT m.member_id AS id, r.kind AS kind, r.name AS name FROM scim_member m LEFT JOIN scim_resource r \
     ON r.id = m.member_id WHERE m.group_id = $1 ORDER BY m.member_id",
);
pub const GROUPS: Statement = Statement::new(
    "scim.groups",
    "SELECT r.id AS id, r.kind AS kind, r.name AS name FROM scim_member m JOIN scim_resource r ON r.id = m.group_id \
     WHERE m.member_id = $1 ORDER BY r.id",
);
pub const ADD_MEMBER: Statement = Statement::new(
    "scim.add_member",
    "INSERT INTO scim_member (group_id, member_id) VALUES ($1, $2) ON CONFLICT (group_id, member_id) DO NOTHING",
);
pub const LEAVE_GROUPS: Statement = Statement::new("scim.leave_groups", "DELETE FROM scim_member WHERE member_id = $1");
pub const REMOVE_MEMBER: Statement =
    Statement::new("scim.remove_member", "DELETE FROM scim_member WHERE group_id = $1 AND member_id = $2");
/// A client is written with each change of what it provisions, so that its changes are one after the other.
pub const TOUCH_CLIENT: Statement = Statement::new(
    "scim.touch_client",
    "INSERT INTO scim_client (client, changed_us, changes) VALUES ($1, $2, 1) ON CONFLICT (client) DO UPDATE SET \
     changed_us = excluded.changed_us, changes = scim_client.changes + 1",
);
pub const CLIENTS: Statement = Statement::new(
    "scim.clients",
    "SELECT c.client AS client, c.changed_us AS changed_us, c.changes AS changes, (SELECT COUNT(*) FROM scim_resource r \
     WHERE r.client = c.client AND r.kind = 'User') AS users FROM scim_client c ORDER BY c.client",
);
pub const CLIENT: Statement =
    Statement::new("scim.client", "SELECT client, changed_us, changes FROM scim_client WHERE client = $1");
pub const USERS_OF_CLIENT: Statement = Statement::new(
    "scim.users_of_client",
    concat!(
        "SELECT ",
        columns!(),
        " FROM scim_resource WHERE client = $1 AND kind = 'User' AND id > $2 ORDER BY id LIMIT $3"
    ),
);

/// All of them, for the test that prepares each.
pub const STATEMENTS: &[&Statement] = &[
    &INSERT,
    &UPDATE,
    &DELETE,
    &RESOURCE,
    &BY_NAME,
    &BY_EXTERNAL_ID,
    &AFTER,
    &SKIPPING,
    &COUNT,
    &MEMBERS,
    &GROUPS,
    &ADD_MEMBER,
    &LEAVE_GROUPS,
    &REMOVE_MEMBER,
    &TOUCH_CLIENT,
    &CLIENTS,
    &CLIENT,
    &USERS_OF_CLIENT,
];
