//! Writing to the domain.

use std::collections::HashSet;

use ldap3::Mod;

use super::ActiveDirectory;
use super::object::Located;
use super::read::guid_base;
use super::value::{self, ACCOUNT_DISABLED, NORMAL_ACCOUNT};
use crate::error::{ConnectorError, ErrorKind};
use crate::ldap::entry::value_bytes;
use crate::ldap::{control, modify_of, name, replace};
use crate::object::{Object, ObjectClass, ObjectId};
use crate::operation::{Change, Effect, NewObject, ObjectKey, Operation, Outcome};
use crate::reading::Key;
use crate::settle::{Step, Writes, settle};

/// groupType of a global security group, where the new object says nothing.
const GLOBAL_SECURITY: &str = "-2147483646";

/// Attributes and their values, as an Add takes them.
type NewEntry = Vec<(Vec<u8>, HashSet<Vec<u8>>)>;

impl ActiveDirectory {
    pub(super) async fn write_one(&self, operation: &Operation) -> Result<Outcome, ConnectorError> {
        let found = self.find(&operation.object).await?;
        let schema = self.known_schema().class(operation.object.class);
        let object = found.as_ref().map(|located| &located.object);
        let gone = || ConnectorError::not_found(&operation.object);
        match settle(operation, object, &schema)? {
            Step::Done(outcome) => Ok(outcome),
            Step::Create(new) => self.create(&operation.object, new).await,
            Step::Write(writes) => self.change(found.as_ref().ok_or_else(gone)?, &writes).await,
            Step::Membership => self.membership(found.as_ref().ok_or_else(gone)?, &operation.change).await,
            Step::Delete => {
                let located = found.as_ref().ok_or_else(gone)?;
                match self.session.delete(&located.name).await {
                    Ok(()) => Ok(outcome(&located.object, Effect::Applied)),
                    Err(error) if error.kind == ErrorKind::NotFound => {
                        Ok(outcome(&located.object, Effect::AlreadyDone))
                    }
                    Err(error) => Err(error),
                }
            }
            Step::Restore => self.reanimate(&operation.object).await,
        }
    }

    async fn create(&self, key: &ObjectKey, new: &NewObject) -> Result<Outcome, ConnectorError> {
        let parent = match (&new.container, &self.config.container) {
            (Some(container), _) | (None, Some(container)) => container.clone(),
            (None, None) => {
                return Err(ConnectorError::invalid("name the container of a new object, or configure one"));
            }
        };
        let base = self.base().await?;
        if !name::is_under(&parent, base) {
            let reason = format!("`{parent}` is not under `{base}`: the object would not be found again");
            return Err(ConnectorError::invalid(reason));
        }
        let naming = if key.class == ObjectClass::OrganizationalUnit { "OU" } else { "CN" };
        let full_name = format!("{},{parent}", name::relative(naming, &new.name));
        self.session.add(&full_name, new_entry(key, new)?).await?;
        let made = self.session.entry(&full_name, &["objectGUID", "uSNChanged"]).await?.unwrap_or_default();
        let guid = made.bytes("objectGUID").first().and_then(|bytes| value::guid_text(bytes));
        Ok(Outcome {
            id: ObjectId(guid.ok_or_else(|| ConnectorError::garbled(format!("`{full_name}` has no objectGUID")))?),
            name: new.name.clone(),
            effect: Effect::Applied,
            changed: Vec::new(),
            version: made.text("uSNChanged").map(str::to_owned),
        })
    }

    async fn change(&self, located: &Located, writes: &Writes<'_>) -> Result<Outcome, ConnectorError> {
        let Located { object, name: full_name, control } = located;
        let mut changes: Vec<Mod<Vec<u8>>> = writes.modifications.iter().flat_map(modify_of).collect();
        // The password first: an account without one cannot be enabled.
        if let Some((password, must_change)) = writes.password {
            let secret = value::password_bytes(password.reveal());
            changes.push(Mod::Replace(b"unicodePwd".to_vec(), HashSet::from([secret.to_vec()])));
            if must_change {
                changes.push(replace("pwdLastSet", Some("0")));
            }
        }
        if let Some(enabled) = writes.enabled {
            changes.extend(set_enabled(*control, enabled)?);
        }
        if let Some(at) = writes.expires {
            changes.push(replace("accountExpires", Some(&value::expires_text(at))));
        }
        if !changes.is_empty() {
            self.session.modify(full_name, changes).await?;
        }
        if writes.name.is_some() || writes.container.is_some() {
            if let Some(parent) = writes.container {
                let base = self.base().await?;
                if !name::is_under(parent, base) {
                    let reason = format!("`{parent}` is not under `{base}`: the object would not be found again");
                    return Err(ConnectorError::invalid(reason));
                }
            }
            let (first, _) = name::split(full_name);
            let attribute = first.split_once('=').map_or("CN", |(attribute, _)| attribute);
            let relative = writes.name.map_or_else(|| first.to_owned(), |new| name::relative(attribute, new));
            self.session.rename(full_name, &relative, writes.container).await?;
        }
        let after = self.session.entry(&guid_base(&object.id)?, &["uSNChanged"]).await?.unwrap_or_default();
        Ok(writes.outcome(object, after.text("uSNChanged").map(str::to_owned)))
    }

    async fn membership(&self, group: &Located, change: &Change) -> Result<Outcome, ConnectorError> {
        let one = |member: String| HashSet::from([member.into_bytes()]);
        let (wanted, result) = match change {
            Change::AddMember { until: Some(_), .. } => {
                return Err(ConnectorError::unsupported("end a membership by itself at this functional level"));
            }
            Change::AddMember { member, until: None } => {
                let name = self.name_of(member).await?.ok_or_else(|| ConnectorError::not_found(member))?;
                let add = vec![Mod::Add(b"member".to_vec(), one(name))];
                ((member, true), self.session.modify(&group.name, add).await)
            }
            Change::RemoveMember { member } => {
                let Some(name) = self.name_of(member).await? else {
                    return Ok(outcome(&group.object, Effect::AlreadyDone));
                };
                let remove = vec![Mod::Delete(b"member".to_vec(), one(name))];
                ((member, false), self.session.modify(&group.name, remove).await)
            }
            _ => return Err(ConnectorError::invalid("not a membership")),
        };
        match result {
            Ok(()) => Ok(outcome(&group.object, Effect::Applied)),
            // Windows says "unwilling" (53) or "exists" (68, 20) for the same thing: look instead of guessing.
            Err(error) if matches!(error.kind, ErrorKind::Refused | ErrorKind::Conflict) => {
                let is_member = self.is_member(&group.name, wanted.0).await?;
                if is_member == wanted.1 { Ok(outcome(&group.object, Effect::AlreadyDone)) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    async fn is_member(&self, group: &str, member: &ObjectId) -> Result<bool, ConnectorError> {
        let entry = self.session.entry(&guid_base(member)?, &["memberOf"]).await?.unwrap_or_default();
        let key = |text: &str| crate::Matching::DistinguishedName.key(&text.into());
        Ok(entry.texts("memberOf").any(|name| key(name) == key(group)))
    }

    /// Brings a tombstone back to its last container ([MS-ADTS] 3.1.1.5.3.7). Memberships and what the tombstone did not
    /// keep are not brought back: assign them again.
    async fn reanimate(&self, key: &ObjectKey) -> Result<Outcome, ConnectorError> {
        let Key::Id(id) = &key.key else {
            return Err(ConnectorError::invalid("name a deleted object by its objectGUID"));
        };
        let base = guid_base(id)?;
        let attributes = vec!["isDeleted", "lastKnownParent", "cn", "name", "ou"];
        let query = crate::ldap::session::Query {
            base: &base,
            scope: ldap3::Scope::Base,
            filter: "(isDeleted=TRUE)",
            attributes,
            controls: vec![control::show_deleted()],
        };
        let found = match self.session.search(&query).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Err(ConnectorError::not_found(key)),
            other => other?,
        };
        let entry = found.entries.into_iter().next().ok_or_else(|| ConnectorError::not_found(key))?;
        let parent = entry.text("lastKnownParent").ok_or_else(|| {
            ConnectorError::new(ErrorKind::Refused, "the tombstone does not tell where the object stood")
        })?;
        // The relative name of a tombstone is `CN=Name\0ADEL:guid`.
        let (first, _) = name::split(&entry.name);
        let attribute = first.split_once('=').map_or("CN", |(attribute, _)| attribute);
        let called = name::value(first);
        let called = called.split('\n').next().unwrap_or_default();
        let full_name = format!("{},{parent}", name::relative(attribute, called));
        let changes =
            vec![Mod::Delete(b"isDeleted".to_vec(), HashSet::new()), replace("distinguishedName", Some(&full_name))];
        self.session.modify_with(&entry.name, changes, vec![control::show_deleted()]).await?;
        Ok(Outcome {
            id: id.clone(),
            name: called.to_owned(),
            effect: Effect::Applied,
            changed: Vec::new(),
            version: None,
        })
    }
}

/// Sets or clears the flag, only while the others are what was read: whoever else changed them meanwhile is not undone.
fn set_enabled(control: Option<i64>, enabled: bool) -> Result<Vec<Mod<Vec<u8>>>, ConnectorError> {
    let before = control.ok_or_else(|| ConnectorError::unsupported("disable what is no account"))?;
    let after = if enabled { before & !ACCOUNT_DISABLED } else { before | ACCOUNT_DISABLED };
    let one = |flags: i64| HashSet::from([flags.to_string().into_bytes()]);
    let name = b"userAccountControl".to_vec();
    Ok(vec![Mod::Delete(name.clone(), one(before)), Mod::Add(name, one(after))])
}

/// All of a new object in one request, so that it is there whole or not at all.
fn new_entry(key: &ObjectKey, new: &NewObject) -> Result<NewEntry, ConnectorError> {
    let mut all = new.attributes.clone();
    if let Key::Attribute { name, value } = &key.key {
        all.set(name.clone(), vec![value.clone()]);
    }
    let needs_login =
        || ConnectorError::invalid(format!("`{}`: a new object needs the attribute sAMAccountName", new.name));
    let class = match key.class {
        ObjectClass::Account => {
            all.text("sAMAccountName").ok_or_else(needs_login)?;
            let enabled = new.enabled.unwrap_or(new.password.is_some());
            let flags = if enabled { NORMAL_ACCOUNT } else { NORMAL_ACCOUNT | ACCOUNT_DISABLED };
            all.set("userAccountControl", vec![flags.to_string().into()]);
            all.set("accountExpires", vec![value::expires_text(new.expires).into()]);
            "user"
        }
        ObjectClass::Group => {
            all.text("sAMAccountName").ok_or_else(needs_login)?;
            if !all.mentions("groupType") {
                all.set("groupType", vec![GLOBAL_SECURITY.into()]);
            }
            "group"
        }
        ObjectClass::OrganizationalUnit => "organizationalUnit",
        other => return Err(ConnectorError::unsupported(format!("hold objects of class {other}"))),
    };
    all.set("objectClass", vec![class.into()]);
    let pair = |(name, values): (&crate::AttributeName, &[crate::AttributeValue])| {
        (name.as_str().as_bytes().to_vec(), values.iter().map(value_bytes).collect::<HashSet<_>>())
    };
    let mut entry: NewEntry = all.iter().filter(|(_, values)| !values.is_empty()).map(pair).collect();
    if let Some(password) = &new.password {
        entry.push((b"unicodePwd".to_vec(), HashSet::from([value::password_bytes(password.reveal()).to_vec()])));
    }
    Ok(entry)
}

fn outcome(object: &Object, effect: Effect) -> Outcome {
    Outcome {
        id: object.id.clone(),
        name: object.name.clone(),
        effect,
        changed: Vec::new(),
        version: object.version.clone(),
    }
}
