//! Writing to a service.

use hyper::Method;
use serde_json::{Value as Json, json};

use super::attributes::{to_json, unflatten};
use super::{ScimClient, encode};
use crate::error::{ConnectorError, ErrorKind};
use crate::object::{Object, ObjectClass, ObjectId};
use crate::operation::{Change, Effect, NewObject, ObjectKey, Operation, Outcome};
use crate::plan::ValueChange;
use crate::reading::Key;
use crate::schema::ClassSchema;
use crate::settle::{Step, Writes, settle};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

impl ScimClient {
    pub(super) async fn write_one(&self, operation: &Operation) -> Result<Outcome, ConnectorError> {
        let class = operation.object.class;
        let resource = self.resource(&operation.object).await?;
        let object =
            resource.as_ref().map(|one| self.object(class, one)).transpose().map_err(ConnectorError::garbled)?;
        let gone = || ConnectorError::not_found(&operation.object);
        match settle(operation, object.as_ref(), &ClassSchema::default())? {
            Step::Done(outcome) => Ok(outcome),
            Step::Create(new) => self.create(&operation.object, new).await,
            Step::Write(writes) => self.change(class, object.as_ref().ok_or_else(gone)?, &writes).await,
            Step::Membership => self.membership(object.as_ref().ok_or_else(gone)?, &operation.change).await,
            Step::Delete => {
                let object = object.as_ref().ok_or_else(gone)?;
                match self.call(Method::DELETE, &self.address(class, &object.id)?, None).await {
                    Ok(_) => Ok(outcome(object, Effect::Applied)),
                    Err(error) if error.kind == ErrorKind::NotFound => Ok(outcome(object, Effect::AlreadyDone)),
                    Err(error) => Err(error),
                }
            }
            Step::Restore => Err(ConnectorError::unsupported("bring back what was deleted")),
        }
    }

    fn address(&self, class: ObjectClass, id: &ObjectId) -> Result<String, ConnectorError> {
        Ok(format!("{}/{}", self.endpoint(class)?, encode(id.as_str())))
    }

    async fn create(&self, key: &ObjectKey, new: &NewObject) -> Result<Outcome, ConnectorError> {
        if new.expires.is_some() || new.container.is_some() {
            return Err(ConnectorError::unsupported("hold containers or ends of accounts"));
        }
        let mut attributes = new.attributes.clone();
        match &key.key {
            Key::Attribute { name, value } => attributes.set(name.clone(), vec![value.clone()]),
            Key::Id(_) => {
                return Err(ConnectorError::invalid("the service gives ids; create by externalId or userName"));
            }
        }
        let mut body = unflatten(&attributes)?;
        let (name, core) = if key.class == ObjectClass::Group { ("displayName", GROUP) } else { ("userName", USER) };
        body.insert(name.to_owned(), json!(new.name));
        if key.class == ObjectClass::Account {
            body.insert("active".to_owned(), json!(new.enabled.unwrap_or(true)));
            if let Some(password) = &new.password {
                body.insert("password".to_owned(), json!(password.reveal()));
            }
        }
        let extensions = body.keys().filter(|key| key.starts_with("urn:")).cloned();
        let schemas: Vec<String> = std::iter::once(core.to_owned()).chain(extensions).collect();
        body.insert("schemas".to_owned(), json!(schemas));
        let made = self.call(Method::POST, &self.endpoint(key.class)?, Some(&Json::Object(body))).await?;
        let made = self.object(key.class, &made).map_err(ConnectorError::garbled)?;
        Ok(outcome(&made, Effect::Applied))
    }

    async fn change(
        &self,
        class: ObjectClass,
        object: &Object,
        writes: &Writes<'_>,
    ) -> Result<Outcome, ConnectorError> {
        if writes.expires.is_some() || writes.container.is_some() {
            return Err(ConnectorError::unsupported("hold containers or ends of accounts"));
        }
        let mut operations = Vec::new();
        for modification in &writes.modifications {
            let path = modification.attribute.as_str();
            let values = match &modification.change {
                ValueChange::Replace(values) => values.clone(),
                ValueChange::AddRemove { add, remove } => {
                    let kept = object.attributes.values(path).iter().filter(|value| !remove.contains(value));
                    kept.chain(add).cloned().collect()
                }
            };
            operations.push(match (values.as_slice(), object.attributes.mentions(path)) {
                ([], _) => json!({ "op": "remove", "path": path }),
                (values, true) => json!({ "op": "replace", "path": path, "value": to_json(values) }),
                (values, false) => json!({ "op": "add", "path": path, "value": to_json(values) }),
            });
        }
        if let Some(enabled) = writes.enabled {
            operations.push(json!({ "op": "replace", "path": "active", "value": enabled }));
        }
        if let Some(name) = writes.name {
            let path = if class == ObjectClass::Group { "displayName" } else { "userName" };
            operations.push(json!({ "op": "replace", "path": path, "value": name }));
        }
        if let Some((password, _)) = writes.password {
            operations.push(json!({ "op": "replace", "path": "password", "value": password.reveal() }));
        }
        self.patch(class, &object.id, operations).await?;
        Ok(writes.outcome(object, None))
    }

    async fn patch(&self, class: ObjectClass, id: &ObjectId, operations: Vec<Json>) -> Result<Json, ConnectorError> {
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        self.call(Method::PATCH, &self.address(class, id)?, Some(&body)).await
    }

    async fn membership(&self, group: &Object, change: &Change) -> Result<Outcome, ConnectorError> {
        let whole = self.call(Method::GET, &self.address(ObjectClass::Group, &group.id)?, None).await?;
        let has = |member: &ObjectId| {
            whole["members"].as_array().into_iter().flatten().any(|one| one["value"].as_str() == Some(member.as_str()))
        };
        let operation = match change {
            Change::AddMember { until: Some(_), .. } => {
                return Err(ConnectorError::unsupported("end a membership by itself"));
            }
            Change::AddMember { member, .. } if has(member) => return Ok(outcome(group, Effect::AlreadyDone)),
            Change::AddMember { member, .. } => {
                json!({ "op": "add", "path": "members", "value": [{ "value": member.as_str() }] })
            }
            Change::RemoveMember { member } if !has(member) => return Ok(outcome(group, Effect::AlreadyDone)),
            Change::RemoveMember { member } => {
                json!({ "op": "remove", "path": format!("members[value eq {}]", json!(member.as_str())) })
            }
            _ => return Err(ConnectorError::invalid("not a membership")),
        };
        self.patch(ObjectClass::Group, &group.id, vec![operation]).await?;
        Ok(outcome(group, Effect::Applied))
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
