//! Statements of groups.

use store::Statement;

pub const GROUP_LIVES: Statement = Statement::new(
    "identity.group_lives",
    "SELECT entitlement_id, state, reason, members, member_count, native_id, changed_us, changed_by, restore_until_us, \
     version, kept FROM identity_group_life",
);
pub const GROUP_LIFE: Statement = Statement::new(
    "identity.group_life",
    "SELECT entitlement_id, state, reason, members, member_count, native_id, changed_us, changed_by, restore_until_us, \
     version, kept FROM identity_group_life WHERE entitlement_id = $1",
);
pub const SAVE_GROUP_LIFE: Statement = Statement::new(
    "identity.save_group_life",
    "INSERT INTO identity_group_life (entitlement_id, state, reason, members, member_count, native_id, changed_us, \
     changed_by, restore_until_us, version, kept) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (entitlement_id) DO \
     UPDATE SET state = excluded.state, reason = excluded.reason, members = excluded.members, member_count = \
     excluded.member_count, native_id = excluded.native_id, changed_us = excluded.changed_us, changed_by = \
     excluded.changed_by, restore_until_us = excluded.restore_until_us, version = excluded.version, kept = excluded.kept WHERE \
     identity_group_life.version = excluded.version - 1",
);
pub const GROUP_READ: Statement = Statement::new(
    "identity.group_read",
    "SELECT token, reading, pages, members, begun_us, page_us, done_us FROM identity_group_read WHERE entitlement_id = $1",
);
pub const SAVE_GROUP_READ: Statement = Statement::new(
    "identity.save_group_read",
    "INSERT INTO identity_group_read (entitlement_id, token, reading, pages, members, begun_us, page_us, done_us) VALUES ($1, \
     $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (entitlement_id) DO UPDATE SET token = excluded.token, reading = \
     excluded.reading, pages = excluded.pages, members = excluded.members, begun_us = excluded.begun_us, page_us = \
     excluded.page_us, done_us = excluded.done_us",
);
pub const SAVE_GROUP_MEMBER: Statement = Statement::new(
    "identity.save_group_member",
    "INSERT INTO identity_group_member (entitlement_id, native_id, name, class, reading) VALUES ($1, $2, $3, $4, $5) ON \
     CONFLICT (entitlement_id, native_id) DO UPDATE SET name = excluded.name, class = excluded.class, reading = \
     excluded.reading",
);
pub const FORGET_GROUP_MEMBERS: Statement = Statement::new(
    "identity.forget_group_members",
    "DELETE FROM identity_group_member WHERE entitlement_id = $1 AND reading < $2",
);
pub const GROUP_MEMBERS_READ: Statement = Statement::new(
    "identity.group_members_read",
    "SELECT native_id, name, class FROM identity_group_member WHERE entitlement_id = $1 AND reading = $2 ORDER BY native_id",
);
pub const COUNT_GROUP_MEMBERS: Statement = Statement::new(
    "identity.count_group_members",
    "SELECT COUNT(*) AS members FROM identity_group_member WHERE entitlement_id = $1 AND reading = $2",
);

pub const OUTSIDE_MEMBERS: Statement = Statement::new(
    "identity.outside_members",
    "SELECT o.entitlement_id, o.native_id, o.name, o.class FROM identity_group_outside o JOIN identity_entitlement e ON e.id = \
     o.entitlement_id ORDER BY o.entitlement_id, o.name",
);
pub const SAVE_OUTSIDE_MEMBER: Statement = Statement::new(
    "identity.save_outside_member",
    "INSERT INTO identity_group_outside (entitlement_id, native_id, name, class, since_us) VALUES ($1, $2, $3, $4, $5) ON \
     CONFLICT (entitlement_id, native_id) DO UPDATE SET name = excluded.name, class = excluded.class",
);
pub const FORGET_OUTSIDE_MEMBER: Statement = Statement::new(
    "identity.forget_outside_member",
    "DELETE FROM identity_group_outside WHERE entitlement_id = $1 AND native_id = $2",
);
pub const TOLD_OF_MEMBER: Statement = Statement::new(
    "identity.told_of_member",
    "SELECT id FROM identity_finding WHERE kind = $1 AND subject = $2 AND state <> 'gone' LIMIT 1",
);

/// All of them, for the test that prepares each on both engines.
pub const GROUP_STATEMENTS: &[Statement] = &[
    GROUP_LIVES,
    GROUP_LIFE,
    SAVE_GROUP_LIFE,
    GROUP_READ,
    SAVE_GROUP_READ,
    SAVE_GROUP_MEMBER,
    FORGET_GROUP_MEMBERS,
    GROUP_MEMBERS_READ,
    COUNT_GROUP_MEMBERS,
    OUTSIDE_MEMBERS,
    SAVE_OUTSIDE_MEMBER,
    FORGET_OUTSIDE_MEMBER,
    TOLD_OF_MEMBER,
];
