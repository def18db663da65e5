//! Writing to a tenant.

use hyper::Method;
use serde_json::{Map, Value as Json, json};

use super::Entra;
use super::read::{place, roles_of};
use super::resource::{body, object};
use super::session::{Ask, BATCH};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::encode;
use crate::object::{Object, ObjectClass, ObjectId};
use crate::operation::{Change, Effect, NewObject, ObjectKey, Operation, Outcome};
use crate::plan::ValueChange;
use crate::reading::Key;
use crate::settle::{Step, Writes, settle};
use crate::value::AttributeValue;

impl Entra {
    pub(super) async fn write_one(&self, operation: &Operation) -> Result<Outcome, ConnectorError> {
        let class = operation.object.class;
        let found = self.find(&operation.object).await?;
        let schema = self.known_schema().class(class);
        let there = || found.as_ref().ok_or_else(|| ConnectorError::not_found(&operation.object));
        match settle(operation, found.as_ref(), &schema)? {
            Step::Done(outcome) => Ok(outcome),
            Step::Create(new) => self.create(&operation.object, new).await,
            Step::Write(writes) => self.change(there()?, &writes).await,
            Step::Membership => self.membership(there()?, operation).await,
            Step::Delete => self.delete(there()?).await,
            Step::Restore => self.restore(&operation.object).await,
        }
    }

    /// Changes of accounts that one request does travel together; everything else goes one by one.
    pub(super) async fn write_many(&self, operations: &[Operation]) -> Vec<Result<Outcome, ConnectorError>> {
        let mut outcomes = Vec::with_capacity(operations.len());
        for some in operations.chunks(BATCH) {
            let mut planned: Vec<(usize, Ask, Outcome)> = Vec::new();
            let mut done: Vec<Option<Result<Outcome, ConnectorError>>> = vec![None; some.len()];
            for (at, operation) in some.iter().enumerate() {
                match self.planned(operation).await {
                    Ok(Some((ask, outcome))) => planned.push((at, ask, outcome)),
                    Ok(None) => done[at] = Some(self.write_one(operation).await),
                    Err(error) => done[at] = Some(Err(error)),
                }
            }
            let asks: Vec<Ask> = planned.iter().map(|(_, ask, _)| ask.clone()).collect();
            for ((at, _, outcome), answer) in planned.into_iter().zip(self.session.ask_all(&asks).await) {
                done[at] = Some(answer.map(|_| outcome));
            }
            let lost = || Err(ConnectorError::transient("an operation was not reached"));
            outcomes.extend(done.into_iter().map(|one| one.unwrap_or_else(lost)));
        }
        outcomes
    }

    /// The one request that an operation needs; `None`: it needs another number of them.
    async fn planned(&self, operation: &Operation) -> Result<Option<(Ask, Outcome)>, ConnectorError> {
        let plain = matches!(operation.change, Change::Assign { .. } | Change::SetEnabled { .. });
        if operation.object.class != ObjectClass::Account || !plain {
            return Ok(None);
        }
        let Some(object) = self.find(&operation.object).await? else { return Ok(None) };
        let schema = self.known_schema().class(ObjectClass::Account);
        match settle(operation, Some(&object), &schema)? {
            Step::Write(writes) => {
                let outcome = writes.outcome(&object, None);
                Ok(Some((patch(&object, &writes)?, outcome)))
            }
            _ => Ok(None),
        }
    }

    async fn create(&self, key: &ObjectKey, new: &NewObject) -> Result<Outcome, ConnectorError> {
        let Key::Attribute { name, value } = &key.key else {
            return Err(ConnectorError::invalid("the service gives ids; create by employeeId or another property"));
        };
        if new.expires.is_some() || new.container.is_some() {
            return Err(ConnectorError::unsupported("hold containers or ends of accounts"));
        }
        let mut attributes = new.attributes.clone();
        attributes.set(name.clone(), vec![value.clone()]);
        let filled = attributes.iter().filter(|(_, values)| !values.is_empty());
        let mut resource = body(filled.map(|(name, values)| (name.as_str(), values)))?;
        match key.class {
            ObjectClass::Account => complete_user(&mut resource, new)?,
            ObjectClass::Group => complete_group(&mut resource, &new.name),
            ObjectClass::AdministrativeUnit => drop(resource.insert("displayName".to_owned(), json!(new.name))),
            other => return Err(ConnectorError::unsupported(format!("make a {other}"))),
        }
        let ask = Ask::send(Method::POST, place(key.class)?, Some(Json::Object(resource)));
        let made = match self.session.ask(&ask).await {
            Ok(made) => object(key.class, &made, &self.rules).map_err(ConnectorError::garbled)?,
            Err(error) if error.kind == ErrorKind::Conflict => return self.made_before(key, new, error).await,
            Err(error) => return Err(error),
        };
        Ok(outcome(&made, Effect::Applied))
    }

    /// The index may lag behind what an earlier attempt made: whoever has the name is looked at itself.
    async fn made_before(
        &self,
        key: &ObjectKey,
        new: &NewObject,
        error: ConnectorError,
    ) -> Result<Outcome, ConnectorError> {
        let Key::Attribute { name, value } = &key.key else { return Err(error) };
        if key.class != ObjectClass::Account {
            return Err(error);
        }
        match self.account(&ObjectId::new(new.name.as_str())).await? {
            Some(other) if other.attributes.values(name.as_str()).contains(value) => {
                Ok(outcome(&other, Effect::AlreadyDone))
            }
            Some(other) => Err(ConnectorError { existing: Some(other.id), ..error }),
            None => Err(error),
        }
    }

    async fn change(&self, object: &Object, writes: &Writes<'_>) -> Result<Outcome, ConnectorError> {
        let changed = self.session.ask(&patch(object, writes)?).await?;
        let version = changed["@odata.etag"].as_str().map(str::to_owned);
        Ok(writes.outcome(object, version))
    }

    async fn delete(&self, object: &Object) -> Result<Outcome, ConnectorError> {
        if object.class == ObjectClass::ConsentGrant {
            self.revoke_grant(&object.id).await?;
            return Ok(outcome(object, Effect::Applied));
        }
        let deletable =
            [ObjectClass::Account, ObjectClass::Group, ObjectClass::AdministrativeUnit].contains(&object.class);
        if !deletable {
            return Err(ConnectorError::unsupported(format!("delete a {}", object.class)));
        }
        let path = format!("{}/{}", place(object.class)?, encode(object.id.as_str()));
        match self.session.ask(&Ask::send(Method::DELETE, path, None)).await {
            Ok(_) => Ok(outcome(object, Effect::Applied)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(outcome(object, Effect::AlreadyDone)),
            Err(error) => Err(error),
        }
    }

    async fn restore(&self, key: &ObjectKey) -> Result<Outcome, ConnectorError> {
        let Key::Id(id) = &key.key else {
            return Err(ConnectorError::invalid("what was deleted is brought back by its id"));
        };
        let path = format!("/directory/deletedItems/{}/restore", encode(id.as_str()));
        let back = self.session.ask(&Ask::send(Method::POST, path, None)).await?;
        let back = object(key.class, &back, &self.rules).map_err(ConnectorError::garbled)?;
        Ok(outcome(&back, Effect::Applied))
    }

    async fn membership(&self, holder: &Object, operation: &Operation) -> Result<Outcome, ConnectorError> {
        let (member, until, joins) = match &operation.change {
            Change::AddMember { member, until } => (member, *until, true),
            Change::RemoveMember { member } => (member, None, false),
            _ => return Err(ConnectorError::invalid("not a membership")),
        };
        if until.is_some() && holder.class != ObjectClass::Role {
            return Err(ConnectorError::unsupported(format!("end a membership of a {} by itself", holder.class)));
        }
        let wrote = match holder.class {
            ObjectClass::Group | ObjectClass::AdministrativeUnit => self.member(holder, member, joins).await?,
            ObjectClass::Licence => self.license(&holder.id, member, joins).await?,
            ObjectClass::Role => self.role(&holder.id, member, joins, until, &operation.id).await?,
            ObjectClass::Application => {
                let Key::Id(application) = &operation.object.key else {
                    return Err(ConnectorError::invalid("an application is named by its id, or ID/ROLE"));
                };
                self.assign_application(application, member, joins).await?
            }
            other => return Err(ConnectorError::unsupported(format!("put somebody into a {other}"))),
        };
        Ok(outcome(holder, if wrote { Effect::Applied } else { Effect::AlreadyDone }))
    }

    /// The service itself says whether it was so before.
    async fn member(&self, holder: &Object, member: &ObjectId, joins: bool) -> Result<bool, ConnectorError> {
        let dynamic = holder.attributes.values("groupTypes").contains(&"DynamicMembership".into());
        if dynamic {
            let rule = holder.attributes.text("membershipRule").unwrap_or_default();
            let reason = format!("who is in `{}` follows from its rule, change that: {rule}", holder.name);
            return Err(ConnectorError::new(ErrorKind::Refused, reason));
        }
        if holder.attributes.first("onPremisesSyncEnabled") == Some(&AttributeValue::Bool(true)) {
            let reason = format!("`{}` comes from the directory on the premises; change it there", holder.name);
            return Err(ConnectorError::new(ErrorKind::Refused, reason));
        }
        let members = format!("{}/{}/members", place(holder.class)?, encode(holder.id.as_str()));
        let ask = if joins {
            let link = format!("{}/directoryObjects/{member}", self.session.url);
            Ask::send(Method::POST, format!("{members}/$ref"), Some(json!({ "@odata.id": link })))
        } else {
            Ask::send(Method::DELETE, format!("{members}/{}/$ref", encode(member.as_str())), None)
        };
        match self.session.ask(&ask).await {
            Ok(_) => Ok(true),
            Err(error) if joins && error.kind == ErrorKind::Conflict => Ok(false),
            Err(error) if !joins && error.kind == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn license(&self, sku: &ObjectId, member: &ObjectId, joins: bool) -> Result<bool, ConnectorError> {
        let account = self.account(member).await?;
        let account = account.ok_or_else(|| ConnectorError::not_found(format!("account `{member}`")))?;
        let has = account.attributes.values("assignedLicenses").contains(&sku.as_str().into());
        if has == joins {
            return Ok(false);
        }
        if joins && account.attributes.text("usageLocation").is_none() {
            let reason = format!("`{}` needs a usageLocation before it can have a licence", account.name);
            return Err(ConnectorError::invalid(reason));
        }
        let (add, remove) = if joins {
            (json!([{ "skuId": sku.as_str(), "disabledPlans": [] }]), json!([]))
        } else {
            (json!([]), json!([sku.as_str()]))
        };
        let body = json!({ "addLicenses": add, "removeLicenses": remove });
        let path = format!("/users/{}/assignLicense", encode(member.as_str()));
        self.session.ask(&Ask::send(Method::POST, path, Some(body))).await?;
        Ok(true)
    }

    /// A role over the whole tenant; with an end it is the service that ends it (privileged identity management).
    async fn role(
        &self,
        role: &ObjectId,
        member: &ObjectId,
        joins: bool,
        until: Option<kernel::Timestamp>,
        why: &str,
    ) -> Result<bool, ConnectorError> {
        let list = self.session.get(&roles_of(member.as_str())).await?;
        let all = list["value"].as_array().into_iter().flatten();
        let held: Vec<&Json> = all.filter(|one| one["roleDefinitionId"] == role.as_str()).collect();
        let whole = held.iter().any(|one| one["directoryScopeId"] == "/");
        if joins && whole {
            return Ok(false);
        }
        let mut order = json!({
            "principalId": member.as_str(), "roleDefinitionId": role.as_str(), "directoryScopeId": "/",
        });
        match (joins, until) {
            (true, None) => {
                let path = "/roleManagement/directory/roleAssignments";
                self.session.ask(&Ask::send(Method::POST, path, Some(order))).await?;
            }
            (true, Some(end)) => {
                order["action"] = json!("adminAssign");
                order["justification"] = json!(why);
                order["scheduleInfo"] =
                    json!({ "expiration": { "type": "afterDateTime", "endDateTime": end.to_string() } });
                let path = "/roleManagement/directory/roleAssignmentScheduleRequests";
                self.session.ask(&Ask::send(Method::POST, path, Some(order))).await?;
            }
            (false, _) => {
                // In parts of the tenant as well: whoever takes a role away means all of it.
                for id in held.iter().filter_map(|one| one["id"].as_str()) {
                    let path = format!("/roleManagement/directory/roleAssignments/{}", encode(id));
                    match self.session.ask(&Ask::send(Method::DELETE, path, None)).await {
                        Err(error) if error.kind != ErrorKind::NotFound => return Err(error),
                        _ => {}
                    }
                }
                return Ok(!held.is_empty());
            }
        }
        Ok(true)
    }
}

/// What the service asks of every new user.
fn complete_user(resource: &mut Map<String, Json>, new: &NewObject) -> Result<(), ConnectorError> {
    let Some((nickname, _)) = new.name.split_once('@') else {
        let reason = format!("`{}` is no userPrincipalName: NAME@DOMAIN, with a verified domain", new.name);
        return Err(ConnectorError::invalid(reason));
    };
    let password = new.password.as_ref();
    let password =
        password.ok_or_else(|| ConnectorError::invalid("the service makes no account without a first password"))?;
    resource.insert("userPrincipalName".to_owned(), json!(new.name));
    resource.insert("accountEnabled".to_owned(), json!(new.enabled.unwrap_or(true)));
    resource.entry("displayName").or_insert_with(|| json!(nickname));
    resource.entry("mailNickname").or_insert_with(|| json!(nickname));
    let profile = json!({ "password": password.reveal(), "forceChangePasswordNextSignIn": true });
    resource.insert("passwordProfile".to_owned(), profile);
    Ok(())
}

/// A security group, unless the attributes say otherwise.
fn complete_group(resource: &mut Map<String, Json>, name: &str) {
    resource.insert("displayName".to_owned(), json!(name));
    resource.entry("mailEnabled").or_insert(json!(false));
    resource.entry("securityEnabled").or_insert(json!(true));
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
    let nickname = if plain.is_empty() { "group".to_owned() } else { plain };
    resource.entry("mailNickname").or_insert_with(|| json!(nickname));
}

/// Everything that is to be written to an object, as one request.
fn patch(object: &Object, writes: &Writes<'_>) -> Result<Ask, ConnectorError> {
    if writes.expires.is_some() || writes.container.is_some() {
        return Err(ConnectorError::unsupported("hold containers or ends of accounts"));
    }
    let mut all: Vec<(&str, Vec<AttributeValue>)> = Vec::new();
    for modification in &writes.modifications {
        let name = modification.attribute.as_str();
        all.push((
            name,
            match &modification.change {
                ValueChange::Replace(values) => values.clone(),
                ValueChange::AddRemove { add, remove } => {
                    let kept = object.attributes.values(name).iter().filter(|value| !remove.contains(value));
                    kept.chain(add).cloned().collect()
                }
            },
        ));
    }
    let mut resource = body(all.iter().map(|(name, values)| (*name, values.as_slice())))?;
    match (writes.enabled, object.class) {
        (None, _) => {}
        (Some(enabled), ObjectClass::ConditionalAccessPolicy) => {
            resource.insert("state".to_owned(), json!(if enabled { "enabled" } else { "disabled" }));
        }
        (Some(enabled), _) => drop(resource.insert("accountEnabled".to_owned(), json!(enabled))),
    }
    if let Some(name) = writes.name {
        let field = if object.class == ObjectClass::Account { "userPrincipalName" } else { "displayName" };
        resource.insert(field.to_owned(), json!(name));
    }
    if let Some((password, must_change)) = writes.password {
        let profile = json!({ "password": password.reveal(), "forceChangePasswordNextSignIn": must_change });
        resource.insert("passwordProfile".to_owned(), profile);
    }
    let path = format!("{}/{}", place(object.class)?, encode(object.id.as_str()));
    let mut ask = Ask::send(Method::PATCH, path, Some(Json::Object(resource)));
    ask.if_match = writes.if_version.map(str::to_owned);
    Ok(ask)
}

fn outcome(object: &Object, effect: Effect) -> Outcome {
    let (id, name, version) = (object.id.clone(), object.name.clone(), object.version.clone());
    Outcome { id, name, effect, changed: Vec::new(), version }
}
