//! Writing entries.

use std::collections::HashSet;

use ldap3::Mod;

use super::config::ClassMapping;
use super::entry::value_bytes;
use super::{ID, Ldap, name};
use crate::error::{ConnectorError, ErrorKind};
use crate::object::{Object, ObjectClass, ObjectId};
use crate::operation::{Change, Effect, NewObject, ObjectKey, Operation, Outcome};
use crate::plan::{Modification, ValueChange};
use crate::reading::Key;
use crate::settle::{Step, Writes, settle};
use crate::value::AttributeValue;

/// What a modification is to LDAP.
pub(crate) fn modify_of(modification: &Modification) -> Vec<Mod<Vec<u8>>> {
    let name = modification.attribute.as_str().as_bytes().to_vec();
    let set = |values: &[AttributeValue]| values.iter().map(value_bytes).collect::<HashSet<_>>();
    match &modification.change {
        ValueChange::Replace(values) => vec![Mod::Replace(name, set(values))],
        ValueChange::AddRemove { add, remove } => {
            let mut changes = Vec::new();
            if !remove.is_empty() {
                changes.push(Mod::Delete(name.clone(), set(remove)));
            }
            if !add.is_empty() {
                changes.push(Mod::Add(name, set(add)));
            }
            changes
        }
    }
}

/// `Replace` with one text, or with nothing.
pub(crate) fn replace(name: &str, value: Option<&str>) -> Mod<Vec<u8>> {
    Mod::Replace(name.as_bytes().to_vec(), value.map(|text| text.as_bytes().to_vec()).into_iter().collect())
}

/// An attribute with its values, as the protocol carries them.
type RawAttribute = (Vec<u8>, HashSet<Vec<u8>>);

impl Ldap {
    pub(super) async fn write_one(&self, operation: &Operation) -> Result<Outcome, ConnectorError> {
        let class = operation.object.class;
        let found = self.find(&operation.object).await?;
        let schema = self.class_schema(class).await?;
        let object = found.as_ref().map(|(object, _)| object);
        let gone = || ConnectorError::not_found(&operation.object);
        match settle(operation, object, &schema)? {
            Step::Done(outcome) => Ok(outcome),
            Step::Create(new) => self.create(&operation.object, new).await,
            Step::Write(writes) => {
                let (object, name) = found.as_ref().ok_or_else(gone)?;
                self.change(class, object, name, &writes).await
            }
            Step::Membership => {
                let (object, name) = found.as_ref().ok_or_else(gone)?;
                self.membership(object, name, &operation.change).await
            }
            Step::Delete => {
                let (object, name) = found.as_ref().ok_or_else(gone)?;
                match self.session.delete(name).await {
                    Ok(()) => Ok(outcome(object, Effect::Applied)),
                    Err(error) if error.kind == ErrorKind::NotFound => Ok(outcome(object, Effect::AlreadyDone)),
                    Err(error) => Err(error),
                }
            }
            Step::Restore => Err(ConnectorError::unsupported("bring back what was deleted")),
        }
    }

    async fn create(&self, key: &ObjectKey, new: &NewObject) -> Result<Outcome, ConnectorError> {
        let mapping = self.mapping(key.class)?;
        let parent = new.container.as_deref().unwrap_or(&mapping.base);
        if !name::is_under(parent, &mapping.base) {
            let reason = format!("`{parent}` is not under `{}`: the entry would not be found again", mapping.base);
            return Err(ConnectorError::invalid(reason));
        }
        let full_name = format!("{},{parent}", name::relative(mapping.naming.as_str(), &new.name));
        self.session.add(&full_name, self.new_attributes(mapping, key, new)?).await?;
        if let Some(password) = &new.password
            && let Err(error) = self.session.set_password(&full_name, password).await
        {
            // Half an account is worse than none; if this fails as well, the next attempt finds an entry nobody can use.
            let _ = self.session.delete(&full_name).await;
            return Err(error);
        }
        let made = self.session.entry(&full_name, &[ID, "entryCSN"]).await?.unwrap_or_default();
        let id = made.text(ID).ok_or_else(|| ConnectorError::garbled(format!("`{full_name}` has no {ID}")))?;
        Ok(Outcome {
            id: ObjectId::new(id),
            name: new.name.clone(),
            effect: Effect::Applied,
            changed: Vec::new(),
            version: made.text("entryCSN").map(str::to_owned),
        })
    }

    fn new_attributes(
        &self,
        mapping: &ClassMapping,
        key: &ObjectKey,
        new: &NewObject,
    ) -> Result<Vec<RawAttribute>, ConnectorError> {
        if new.expires.is_some() {
            return Err(ConnectorError::unsupported("end an account by itself"));
        }
        let mut all = new.attributes.clone();
        if let Key::Attribute { name, value } = &key.key {
            all.set(name.clone(), vec![value.clone()]);
        }
        all.set(mapping.naming.clone(), {
            let mut names = all.values(mapping.naming.as_str()).to_vec();
            if !names.contains(&new.name.as_str().into()) {
                names.push(new.name.as_str().into());
            }
            names
        });
        all.set("objectClass", mapping.object_classes.iter().map(|class| class.as_str().into()).collect());
        if let (Some(enabled), Some(wanted)) = (&mapping.enabled, new.enabled) {
            let value = if wanted { enabled.enabled.as_deref() } else { Some(enabled.disabled.as_str()) };
            if let Some(value) = value {
                all.set(enabled.attribute.clone(), vec![value.into()]);
            }
        }
        if let (ObjectClass::Group, Some(groups)) = (key.class, &self.config.groups)
            && let Some(placeholder) = &groups.placeholder
            && all.values(groups.member.as_str()).is_empty()
        {
            all.set(groups.member.clone(), vec![placeholder.as_str().into()]);
        }
        let pairs = all.iter().filter(|(_, values)| !values.is_empty()).map(|(name, values)| {
            (name.as_str().as_bytes().to_vec(), values.iter().map(value_bytes).collect::<HashSet<_>>())
        });
        Ok(pairs.collect())
    }

    async fn change(
        &self,
        class: ObjectClass,
        object: &Object,
        full_name: &str,
        writes: &Writes<'_>,
    ) -> Result<Outcome, ConnectorError> {
        let mapping = self.mapping(class)?;
        if writes.expires.is_some() {
            return Err(ConnectorError::unsupported("end an account by itself"));
        }
        let mut changes: Vec<_> = writes.modifications.iter().flat_map(modify_of).collect();
        if let Some(wanted) = writes.enabled {
            let Some(enabled) = &mapping.enabled else {
                return Err(ConnectorError::unsupported("disable accounts: no attribute is configured for it"));
            };
            let value = if wanted { enabled.enabled.as_deref() } else { Some(enabled.disabled.as_str()) };
            changes.push(replace(enabled.attribute.as_str(), value));
        }
        if !changes.is_empty() {
            self.session.modify(full_name, changes).await?;
        }
        if let Some((password, _)) = writes.password {
            self.session.set_password(full_name, password).await?;
        }
        if writes.name.is_some() || writes.container.is_some() {
            let (first, _) = name::split(full_name);
            let relative =
                writes.name.map_or_else(|| first.to_owned(), |new| name::relative(mapping.naming.as_str(), new));
            if let Some(parent) = writes.container.filter(|parent| !name::is_under(parent, &mapping.base)) {
                let reason = format!("`{parent}` is not under `{}`: the entry would not be found again", mapping.base);
                return Err(ConnectorError::invalid(reason));
            }
            self.session.rename(full_name, &relative, writes.container).await?;
        }
        Ok(writes.outcome(object, None))
    }

    async fn membership(&self, group: &Object, full_name: &str, change: &Change) -> Result<Outcome, ConnectorError> {
        let groups = self.groups()?;
        let attribute = groups.member.as_str().as_bytes().to_vec();
        let one = |name: String| HashSet::from([name.into_bytes()]);
        let result = match change {
            Change::AddMember { until: Some(_), .. } => {
                return Err(ConnectorError::unsupported("end a membership by itself"));
            }
            Change::AddMember { member, until: None } => {
                let member = self.name_of(member).await?.ok_or_else(|| ConnectorError::not_found(member))?;
                self.session.modify(full_name, vec![Mod::Add(attribute, one(member))]).await
            }
            Change::RemoveMember { member } => {
                // Somebody who is gone cannot be a member any more, except by a name that the server did not clean up.
                let Some(member) = self.name_of(member).await? else { return Ok(outcome(group, Effect::AlreadyDone)) };
                let remove = vec![Mod::Delete(attribute.clone(), one(member.clone()))];
                match (self.session.modify(full_name, remove.clone()).await, &groups.placeholder) {
                    // The schema wants a member and this was the last one.
                    (Err(error), Some(placeholder)) if error.raw.as_ref().is_some_and(|raw| raw.code == "65") => {
                        let mut both = vec![Mod::Add(attribute, one(placeholder.clone()))];
                        both.extend(remove);
                        self.session.modify(full_name, both).await
                    }
                    (other, _) => other,
                }
            }
            _ => return Err(ConnectorError::invalid("not a membership")),
        };
        match result {
            Ok(()) => Ok(outcome(group, Effect::Applied)),
            Err(error) if error.raw.as_ref().is_some_and(|raw| raw.code == "20" || raw.code == "16") => {
                Ok(outcome(group, Effect::AlreadyDone))
            }
            Err(error) => Err(error),
        }
    }

    /// The distinguished name of an object of any class.
    async fn name_of(&self, id: &ObjectId) -> Result<Option<String>, ConnectorError> {
        for class in [ObjectClass::Account, ObjectClass::Group] {
            if class == ObjectClass::Group && self.config.groups.is_none() {
                continue;
            }
            let key = ObjectKey { class, key: Key::Id(id.clone()) };
            if let Some((_, name)) = self.find(&key).await? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
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
