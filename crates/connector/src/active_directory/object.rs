//! Entries of the domain as objects.

use super::ActiveDirectory;
use super::config::ALWAYS;
use super::value::{self, ACCOUNT_DISABLED, BUILT_IN, MACHINES};
use crate::ldap::entry::{Entry, attribute_value};
use crate::ldap::name;
use crate::object::{Attribution, Object, ObjectClass};
use crate::protection::Protection;
use crate::schema::{AttributeSchema, ClassSchema, Matching, Schema};
use crate::value::{AttributeName, AttributeValue, Attributes};

/// An object with what writing it needs.
pub(super) struct Located {
    pub object: Object,
    /// Its distinguished name.
    pub name: String,
    /// userAccountControl as it was read.
    pub control: Option<i64>,
}

/// Attributes that have a place of their own, or are none of a target's business.
const APART: [&str; 8] = [
    "objectGUID",
    "objectClass",
    "memberOf",
    "uSNChanged",
    "uSNCreated",
    "unicodePwd",
    "member",
    "isCriticalSystemObject",
];

/// Attributes that only the directory writes, or that have operations of their own.
const READ_ONLY: [&str; 9] = [
    "objectSid",
    "distinguishedName",
    "cn",
    "userAccountControl",
    "accountExpires",
    "adminCount",
    "whenChanged",
    "whenCreated",
    "isDeleted",
];

const DISTINGUISHED: [&str; 4] = ["manager", "managedBy", "secretary", "lastKnownParent"];
const SEVERAL: [&str; 5] = ["proxyAddresses", "otherMailbox", "servicePrincipalName", "otherTelephone", "url"];

/// The condition that finds a class.
pub(super) fn class_filter(class: ObjectClass) -> Option<&'static str> {
    match class {
        ObjectClass::Account => Some("(&(objectCategory=person)(objectClass=user))"),
        ObjectClass::Group => Some("(objectClass=group)"),
        ObjectClass::OrganizationalUnit => Some("(objectClass=organizationalUnit)"),
        _ => None,
    }
}

/// What an entry is.
pub(super) fn class_of(entry: &Entry) -> Option<ObjectClass> {
    let has = |wanted: &str| entry.texts("objectClass").any(|class| class.eq_ignore_ascii_case(wanted));
    if has("computer") || has("msDS-GroupManagedServiceAccount") {
        None
    } else if has("user") {
        Some(ObjectClass::Account)
    } else if has("group") {
        Some(ObjectClass::Group)
    } else if has("organizationalUnit") {
        Some(ObjectClass::OrganizationalUnit)
    } else {
        None
    }
}

impl ActiveDirectory {
    pub(super) fn wanted(&self) -> Vec<&str> {
        let mut wanted: Vec<&str> = ALWAYS.to_vec();
        let more = self.config.attributes.iter().map(AttributeName::as_str);
        wanted.extend(more.filter(|name| !ALWAYS.iter().any(|always| always.eq_ignore_ascii_case(name))));
        wanted
    }

    pub(super) fn known_schema(&self) -> Schema {
        let attribute = |name: &str| AttributeSchema {
            read_only: READ_ONLY.iter().any(|known| known.eq_ignore_ascii_case(name)),
            multi_valued: SEVERAL.iter().any(|known| known.eq_ignore_ascii_case(name)),
            matching: if DISTINGUISHED.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                Matching::DistinguishedName
            } else {
                Matching::Exact
            },
            ..AttributeSchema::text(name)
        };
        let names =
            self.wanted().into_iter().filter(|name| !APART.iter().any(|apart| apart.eq_ignore_ascii_case(name)));
        let class = ClassSchema::of(names.chain(["distinguishedName", "name"]).map(attribute));
        let classes = [ObjectClass::Account, ObjectClass::Group, ObjectClass::OrganizationalUnit];
        Schema { classes: classes.into_iter().map(|one| (one, class.clone())).collect() }
    }

    /// Understands an entry.
    pub(super) fn located(&self, class: ObjectClass, entry: &Entry) -> Result<Located, String> {
        let (_, full_name) = value::extended_name(&entry.name);
        let guid = entry.bytes("objectGUID").first().and_then(|bytes| value::guid_text(bytes));
        let guid = guid.ok_or_else(|| format!("`{full_name}` has no objectGUID"))?;
        let (first, parent) = name::split(full_name);
        let mut object = Object::new(class, guid, name::value(first));
        object.container = Some(parent.to_owned());
        object.version = entry.text("uSNChanged").map(str::to_owned);
        let mut attributes = Attributes::new().with("distinguishedName", full_name);
        for (name, values) in &entry.attributes {
            if !APART.iter().any(|apart| name.as_str().eq_ignore_ascii_case(apart)) {
                attributes.set(name.clone(), values.iter().map(|bytes| attribute_value(bytes)).collect());
            }
        }
        let sid = entry.bytes("objectSid").first();
        if let Some(text) = sid.and_then(|bytes| value::sid_text(bytes)) {
            attributes.set("objectSid", vec![AttributeValue::Text(text)]);
        }
        let control = entry.integer("userAccountControl");
        if class == ObjectClass::Account {
            object.enabled = control.map(|flags| flags & ACCOUNT_DISABLED == 0);
            object.expires = entry.integer("accountExpires").and_then(value::expires);
        }
        object.attributes = attributes;
        object.protection = self.protection(class, entry, &object, control);
        Ok(Located { object, name: full_name.to_owned(), control })
    }

    fn protection(
        &self,
        class: ObjectClass,
        entry: &Entry,
        object: &Object,
        control: Option<i64>,
    ) -> Option<Protection> {
        let built_in = |what: &str| Some(Protection::BuiltIn { what: what.to_owned() });
        let relative = entry.bytes("objectSid").first().and_then(|sid| value::relative_id(sid));
        let critical = entry.text("isCriticalSystemObject") == Some("TRUE");
        if class == ObjectClass::Account {
            if let Some((_, what)) = BUILT_IN.iter().find(|(id, _)| relative == Some(*id)) {
                return built_in(what);
            }
            if let Some((_, what)) = MACHINES.iter().find(|(flag, _)| control.is_some_and(|flags| flags & flag != 0)) {
                return built_in(what);
            }
            if self.is_ourselves(object) {
                return Some(Protection::SyncAccount);
            }
        }
        if let Some(protection) = self.rules.of(object) {
            return Some(protection);
        }
        if critical && class == ObjectClass::Account {
            return built_in("an object that Windows calls critical");
        }
        (critical || entry.integer("adminCount").is_some_and(|count| count > 0)).then_some(Protection::PrivilegedMark)
    }

    /// The account that we sign in with: `name@domain`, `DOMAIN\name` or a distinguished name.
    fn is_ourselves(&self, object: &Object) -> bool {
        let ours = self.session.bind_name();
        let text = |name: &str| object.attributes.text(name).unwrap_or_default();
        let login = ours.rsplit_once('\\').map_or(ours, |(_, login)| login);
        let login = login.split_once('@').map_or(login, |(login, _)| login);
        text("userPrincipalName").eq_ignore_ascii_case(ours)
            || (!ours.contains('=') && text("sAMAccountName").eq_ignore_ascii_case(login))
            || Matching::DistinguishedName.key(&text("distinguishedName").into())
                == Matching::DistinguishedName.key(&ours.into())
    }
}

/// The directory keeps the time of a change and not its author; authors are in its security log (events 4738, 5136).
pub(super) fn attribution(entry: &Entry) -> Option<Attribution> {
    let at = entry.text("whenChanged").and_then(crate::ldap::generalized_time)?;
    Some(Attribution { actor: None, at: Some(at), evidence: "whenChanged".to_owned() })
}
