//! What is left to do of an operation, seen what is there. Pure: the half of idempotency that all connectors share.

use kernel::Timestamp;

use crate::error::ConnectorError;
use crate::object::Object;
use crate::operation::{Change, Effect, NewObject, Operation, Outcome};
use crate::plan::{Modification, diff};
use crate::protection::Protection;
use crate::schema::ClassSchema;
use crate::secret::Secret;

/// What a connector has to do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Step<'a> {
    /// Nothing: answer this.
    Done(Outcome),
    Create(&'a NewObject),
    /// Write to the object that was read.
    Write(Writes<'a>),
    /// See the group's members, then add or remove.
    Membership,
    Delete,
    Restore,
}

/// What has to be written to an object that is there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Writes<'a> {
    pub modifications: Vec<Modification>,
    pub enabled: Option<bool>,
    /// `Some(None)`: it shall not end by itself any more.
    pub expires: Option<Option<Timestamp>>,
    pub password: Option<(&'a Secret, bool)>,
    pub name: Option<&'a str>,
    pub container: Option<&'a str>,
    /// Refuse the write when the object has moved on from this version.
    pub if_version: Option<&'a str>,
    /// The object was begun by an earlier attempt.
    pub completing: bool,
}

impl Writes<'_> {
    fn is_empty(&self) -> bool {
        self.modifications.is_empty()
            && self.enabled.is_none()
            && self.expires.is_none()
            && self.password.is_none()
            && self.name.is_none()
            && self.container.is_none()
    }

    /// What to answer when all of it was written.
    pub fn outcome(&self, object: &Object, version: Option<String>) -> Outcome {
        Outcome {
            id: object.id.clone(),
            name: self.name.unwrap_or(&object.name).to_owned(),
            effect: if self.completing { Effect::Completed } else { Effect::Applied },
            changed: self.modifications.iter().map(|modification| modification.attribute.clone()).collect(),
            version,
        }
    }
}

/// Decides. `existing` is what was read under the operation's key just now.
///
/// # Errors
/// [`Protected`](crate::ErrorKind::Protected), [`NotFound`](crate::ErrorKind::NotFound), a version that moved on, a password
/// that was not kept.
pub fn settle<'a>(
    operation: &'a Operation,
    existing: Option<&Object>,
    schema: &ClassSchema,
) -> Result<Step<'a>, ConnectorError> {
    let Some(object) = existing else { return settle_absent(operation) };
    permit(operation, object)?;
    let mut writes = Writes::default();
    match &operation.change {
        Change::Create(new) => complete(&mut writes, new, object, schema),
        Change::Assign { attributes, if_version } => {
            writes.modifications = diff(&object.attributes, attributes, schema);
            if !writes.modifications.is_empty() {
                unmoved(object, if_version.as_deref())?;
                writes.if_version = if_version.as_deref();
            }
        }
        Change::SetEnabled { enabled } => {
            writes.enabled = (object.enabled != Some(*enabled)).then_some(*enabled);
        }
        Change::SetExpiry { at } => writes.expires = (object.expires != *at).then_some(*at),
        Change::SetPassword { password, must_change } => {
            let kept = password.as_ref().ok_or_else(|| {
                ConnectorError::invalid("the password was not kept with the operation; generate another and set that")
            })?;
            writes.password = Some((kept, *must_change));
        }
        Change::Rename { name } => writes.name = (object.name != *name).then_some(name.as_str()),
        Change::Move { container } => {
            let there = object.container.as_deref().is_some_and(|now| same_container(now, container));
            writes.container = (!there).then_some(container.as_str());
        }
        Change::AddMember { .. } | Change::RemoveMember { .. } => return Ok(Step::Membership),
        Change::Delete => return Ok(Step::Delete),
        Change::Restore => {}
    }
    Ok(if writes.is_empty() { Step::Done(already(object)) } else { Step::Write(writes) })
}

fn settle_absent(operation: &Operation) -> Result<Step<'_>, ConnectorError> {
    match &operation.change {
        Change::Create(new) => Ok(Step::Create(new)),
        Change::Restore => Ok(Step::Restore),
        Change::Delete => match &operation.object.key {
            // Somebody was faster, or this is the second attempt.
            crate::Key::Id(id) => Ok(Step::Done(Outcome {
                id: id.clone(),
                name: String::new(),
                effect: Effect::AlreadyDone,
                changed: Vec::new(),
                version: None,
            })),
            crate::Key::Attribute { .. } => Err(ConnectorError::not_found(&operation.object)),
        },
        _ => Err(ConnectorError::not_found(&operation.object)),
    }
}

/// An earlier attempt made the object: what is missing of it is written, the password never again.
fn complete<'a>(writes: &mut Writes<'a>, new: &'a NewObject, object: &Object, schema: &ClassSchema) {
    writes.completing = true;
    writes.modifications = diff(&object.attributes, &new.attributes, schema);
    writes.enabled = new.enabled.filter(|wanted| object.enabled.is_some_and(|now| now != *wanted));
    if new.expires.is_some() && new.expires != object.expires {
        writes.expires = Some(new.expires);
    }
    // One that was made without its password cannot be enabled before it has one.
    if writes.enabled == Some(true) {
        writes.password = new.password.as_ref().map(|password| (password, false));
    }
}

fn already(object: &Object) -> Outcome {
    Outcome {
        id: object.id.clone(),
        name: object.name.clone(),
        effect: Effect::AlreadyDone,
        changed: Vec::new(),
        version: object.version.clone(),
    }
}

fn permit(operation: &Operation, object: &Object) -> Result<(), ConnectorError> {
    match &object.protection {
        None => Ok(()),
        Some(Protection::PrivilegedMark) if operation.privileged => Ok(()),
        Some(protection) => Err(ConnectorError::protected(&object.name, protection)),
    }
}

fn unmoved(object: &Object, if_version: Option<&str>) -> Result<(), ConnectorError> {
    match (if_version, object.version.as_deref()) {
        (Some(wanted), Some(now)) if wanted != now => Err(ConnectorError::conflict(
            format!("`{}` was changed at the target meanwhile (version {now}, read at {wanted})", object.name),
            Some(object.id.clone()),
        )),
        _ => Ok(()),
    }
}

fn same_container(left: &str, right: &str) -> bool {
    let key = |text: &str| crate::Matching::DistinguishedName.key(&text.into());
    key(left) == key(right)
}
