//! Reading a tenant: objects, pages, members, and who holds which role.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::Value as Json;

use super::Entra;
use super::config::{OF_GROUPS, OF_USERS};
use super::grants;
use super::resource::{literal, mark_roles, member, object};
use super::session::Ask;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::encode;
use crate::object::{Object, ObjectClass, ObjectId};
use crate::operation::ObjectKey;
use crate::reading::{Key, Member, MemberPage, Page, PageToken, Search};
use crate::value::AttributeName;

/// Pages that are followed where an answer has to be whole, at most: a million objects.
const PAGES: usize = 1_000;

/// Where objects of a class are.
pub(super) fn place(class: ObjectClass) -> Result<&'static str, ConnectorError> {
    Ok(match class {
        ObjectClass::Account => "/users",
        ObjectClass::Group => "/groups",
        ObjectClass::Role => "/roleManagement/directory/roleDefinitions",
        ObjectClass::AdministrativeUnit => "/directory/administrativeUnits",
        ObjectClass::Licence => "/subscribedSkus",
        ObjectClass::Application => "/servicePrincipals",
        ObjectClass::ConsentGrant => "/oauth2PermissionGrants",
        ObjectClass::ConditionalAccessPolicy => "/identity/conditionalAccess/policies",
        other @ ObjectClass::OrganizationalUnit => {
            return Err(ConnectorError::unsupported(format!("hold objects of class {other}")));
        }
    })
}

/// A path with one more part of the query.
fn with(path: &str, part: &str) -> String {
    format!("{path}{}{part}", if path.contains('?') { '&' } else { '?' })
}

impl Entra {
    fn selected(&self, class: ObjectClass) -> Option<String> {
        let own: Vec<&str> = match class {
            ObjectClass::Account => {
                let more = self.attributes.iter().map(AttributeName::as_str);
                // Of a structure the whole is asked for.
                OF_USERS.iter().copied().chain(more.map(|name| name.split('.').next().unwrap_or(name))).collect()
            }
            ObjectClass::Group => OF_GROUPS.to_vec(),
            _ => return None,
        };
        Some(format!("$select={}", own.join(",")))
    }

    fn one(&self, class: ObjectClass, id: &str) -> Result<String, ConnectorError> {
        let path = format!("{}/{}", place(class)?, encode(id));
        Ok(self.selected(class).map_or(path.clone(), |select| with(&path, &select)))
    }

    fn object(&self, class: ObjectClass, resource: &Json) -> Result<Object, String> {
        object(class, resource, &self.rules)
    }

    /// The object with what it is in, as it is now.
    pub(super) async fn find(&self, key: &ObjectKey) -> Result<Option<Object>, ConnectorError> {
        let id = match &key.key {
            Key::Id(id) => id.clone(),
            Key::Attribute { .. } => match self.lookup(key).await? {
                Some(found) if key.class != ObjectClass::Account => return Ok(Some(found)),
                Some(found) => found.id,
                None => return Ok(None),
            },
        };
        match key.class {
            ObjectClass::Account => self.account(&id).await,
            // Not to be asked for alone.
            ObjectClass::Licence => Ok(self.all(key.class).await?.into_iter().find(|one| one.id == id)),
            ObjectClass::ConsentGrant => self.grant(&id).await,
            class => {
                let id = id.as_str().split('/').next().unwrap_or_default();
                match self.session.get(&self.one(class, id)?).await {
                    Ok(resource) => self.object(class, &resource).map(Some).map_err(ConnectorError::garbled),
                    Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// By a value that only one has.
    async fn lookup(&self, key: &ObjectKey) -> Result<Option<Object>, ConnectorError> {
        let Key::Attribute { name, value } = &key.key else { return Ok(None) };
        if key.class == ObjectClass::Licence {
            let all = self.all(key.class).await?;
            return Ok(all.into_iter().find(|one| one.name.eq_ignore_ascii_case(&value.to_string())));
        }
        let condition = encode(&format!("{name} eq {}", literal(value)));
        let mut path = with(place(key.class)?, &format!("$filter={condition}"));
        if let Some(select) = self.selected(key.class) {
            path = with(&path, &select);
        }
        let list = self.session.get(&path).await?;
        match list["value"].as_array().map(Vec::as_slice).unwrap_or_default() {
            [] => Ok(None),
            [one] => self.object(key.class, one).map(Some).map_err(ConnectorError::garbled),
            [first, ..] => {
                let existing = first["id"].as_str().map(ObjectId::new);
                Err(ConnectorError::conflict(format!("{key} is more than one object"), existing))
            }
        }
    }

    /// A user with groups, units and licences, and roles of the directory.
    pub(super) async fn account(&self, id: &ObjectId) -> Result<Option<Object>, ConnectorError> {
        let user = encode(id.as_str());
        let asks = [
            Ask::get(self.one(ObjectClass::Account, id.as_str())?),
            Ask::get(format!("/users/{user}/memberOf?$select=id&$top=999")),
            Ask::get(roles_of(id.as_str())),
        ];
        let answers: [Result<Json, ConnectorError>; 3] = match <[_; 3]>::try_from(self.session.ask_all(&asks).await) {
            Ok(answers) => answers,
            Err(_) => return Err(ConnectorError::garbled("three questions were answered otherwise than by three")),
        };
        let [resource, memberships, roles] = answers;
        let resource = match resource {
            Ok(resource) => resource,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut object = self.object(ObjectClass::Account, &resource).map_err(ConnectorError::garbled)?;
        let mut held = Vec::new();
        self.follow(memberships?, |one| held.extend(one["id"].as_str().map(ObjectId::new))).await?;
        let mut role_ids = Vec::new();
        self.follow(roles?, |one| role_ids.extend(one["roleDefinitionId"].as_str().map(str::to_owned))).await?;
        held.extend(role_ids.iter().map(ObjectId::new));
        let licences = object.attributes.values("assignedLicenses").iter();
        held.extend(licences.map(|id| ObjectId::new(id.to_string())));
        object.memberships = Some(held);
        mark_roles(&mut object, &role_ids);
        Ok(Some(object))
    }

    /// Every object on this page and on all that follow.
    async fn follow(&self, first: Json, mut take: impl FnMut(&Json)) -> Result<(), ConnectorError> {
        let mut page = first;
        for _ in 0..PAGES {
            page["value"].as_array().into_iter().flatten().for_each(&mut take);
            let Some(next) = page["@odata.nextLink"].as_str() else { return Ok(()) };
            let path = self.session.below(next)?;
            page = self.session.get(&path).await?;
        }
        Err(ConnectorError::garbled("the service's pages do not end"))
    }

    /// All objects of a class that has few.
    async fn all(&self, class: ObjectClass) -> Result<Vec<Object>, ConnectorError> {
        let first = self.session.get(place(class)?).await?;
        let mut found = Vec::new();
        self.follow(first, |one| found.push(self.object(class, one))).await?;
        found.into_iter().collect::<Result<_, _>>().map_err(ConnectorError::garbled)
    }

    /// Roles of the directory by the principal that holds them, through no group.
    async fn role_holders(&self) -> Result<BTreeMap<String, Vec<String>>, ConnectorError> {
        let first = self.session.get("/roleManagement/directory/roleAssignments").await?;
        let mut holders: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut take = |one: &Json| {
            if let (Some(who), Some(role)) = (one["principalId"].as_str(), one["roleDefinitionId"].as_str()) {
                holders.entry(who.to_owned()).or_default().push(role.to_owned());
            }
        };
        self.follow(first, &mut take).await?;
        Ok(holders)
    }

    pub(super) async fn search_page(&self, search: &Search, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        if search.class == ObjectClass::ConsentGrant {
            return self.grant_page(from).await;
        }
        let path = match from {
            Some(token) => self.session.below(&token.0).map_err(|_| not_ours())?,
            None => self.first_page(search)?,
        };
        let list = self.session.get(&path).await?;
        let mut page = Page::default();
        for resource in list["value"].as_array().into_iter().flatten() {
            match self.object(search.class, resource) {
                Ok(object) => page.objects.push(object),
                Err(fault) => page.faults.push(fault),
            }
        }
        page.next = list["@odata.nextLink"].as_str().map(|link| PageToken(link.to_owned()));
        if search.class == ObjectClass::Account && !page.objects.is_empty() {
            match self.role_holders().await {
                Ok(holders) => {
                    for one in &mut page.objects {
                        mark_roles(one, holders.get(one.id.as_str()).map(Vec::as_slice).unwrap_or_default());
                    }
                }
                // Without it nobody would be seen as privileged: that is not shown as health.
                Err(error) if error.kind == ErrorKind::Auth => {
                    page.faults.push(format!("who holds roles of the directory cannot be read: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(page)
    }

    fn first_page(&self, search: &Search) -> Result<String, ConnectorError> {
        let mut path = place(search.class)?.to_owned();
        if let Some(select) = self.selected(search.class) {
            path = with(&path, &select);
        }
        let paged = matches!(search.class, ObjectClass::Account | ObjectClass::Group | ObjectClass::Application);
        if paged {
            path = with(&path, &format!("$top={}", search.limit.clamp(1, self.capabilities.page_objects)));
        }
        let conditions: Vec<String> =
            search.equals.iter().map(|(name, value)| format!("{name} eq {}", literal(value))).collect();
        if !conditions.is_empty() {
            path = with(&path, &format!("$filter={}", encode(&conditions.join(" and "))));
        }
        Ok(path)
    }

    pub(super) async fn member_page(
        &self,
        group: &ObjectKey,
        from: Option<&PageToken>,
        limit: usize,
    ) -> Result<MemberPage, ConnectorError> {
        let path = match from {
            Some(token) => self.session.below(&token.0).map_err(|_| not_ours())?,
            None => self.first_members(group, limit).await?,
        };
        let list = self.session.get(&path).await?;
        let all = list["value"].as_array().into_iter().flatten();
        let shown = |one: &Json| match group.class {
            ObjectClass::Role => role_holder(one),
            ObjectClass::Application => grants::assigned(one),
            ObjectClass::Licence => {
                let name = one["displayName"].as_str().unwrap_or_default().to_owned();
                Some(Member { id: ObjectId::new(one["id"].as_str()?), name, class: Some(ObjectClass::Account) })
            }
            _ => member(one),
        };
        let mut members: Vec<Member> = all.filter_map(shown).collect();
        members.dedup_by(|left, right| left.id == right.id);
        Ok(MemberPage { members, next: list["@odata.nextLink"].as_str().map(|link| PageToken(link.to_owned())) })
    }

    async fn first_members(&self, group: &ObjectKey, limit: usize) -> Result<String, ConnectorError> {
        let id = match &group.key {
            Key::Id(id) => id.clone(),
            Key::Attribute { .. } => self.find(group).await?.ok_or_else(|| ConnectorError::not_found(group))?.id,
        };
        let (top, at) = (limit.clamp(1, self.capabilities.page_objects), encode(id.as_str()));
        Ok(match group.class {
            ObjectClass::Group | ObjectClass::AdministrativeUnit => {
                format!("{}/{at}/members?$select=id,displayName&$top={top}", place(group.class)?)
            }
            ObjectClass::Role => {
                let condition = encode(&format!("roleDefinitionId eq '{id}'"));
                format!("/roleManagement/directory/roleAssignments?$filter={condition}&$expand=principal")
            }
            ObjectClass::Licence => {
                let condition = encode(&format!("assignedLicenses/any(x:x/skuId eq {id})"));
                format!("/users?$filter={condition}&$select=id,displayName&$top={top}")
            }
            ObjectClass::Application => {
                let app = encode(id.as_str().split('/').next().unwrap_or_default());
                format!("/servicePrincipals/{app}/appRoleAssignedTo?$top={top}")
            }
            other => return Err(ConnectorError::unsupported(format!("name members of a {other}"))),
        })
    }

    /// Everybody in a group by any path, as the service answers.
    pub(super) async fn transitive(&self, group: &ObjectKey) -> Result<Vec<Member>, ConnectorError> {
        if group.class != ObjectClass::Group {
            return Err(ConnectorError::unsupported(format!("close the members of a {}", group.class)));
        }
        let found = self.find(group).await?.ok_or_else(|| ConnectorError::not_found(group))?;
        let path = format!("/groups/{}/transitiveMembers?$select=id,displayName&$top=999", encode(found.id.as_str()));
        let first = self.session.get(&path).await?;
        let mut members = Vec::new();
        self.follow(first, |one| members.extend(member(one))).await?;
        members.sort();
        members.dedup();
        Ok(members)
    }

    /// Who answers for a group or an application.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for other classes; [`NotFound`](ErrorKind::NotFound).
    pub async fn owners(&self, of: &ObjectKey) -> Result<Vec<Member>, ConnectorError> {
        if !matches!(of.class, ObjectClass::Group | ObjectClass::Application) {
            return Err(ConnectorError::unsupported(format!("name owners of a {}", of.class)));
        }
        let found = self.find(of).await?.ok_or_else(|| ConnectorError::not_found(of))?;
        let path = format!("{}/{}/owners?$select=id,displayName", place(of.class)?, encode(found.id.as_str()));
        let first = self.session.get(&path).await?;
        let mut owners = Vec::new();
        self.follow(first, |one| owners.extend(member(one))).await?;
        Ok(owners)
    }

    /// Deleted users and groups, which can be brought back for 30 days.
    pub(super) async fn deleted_page(
        &self,
        class: ObjectClass,
        from: Option<&PageToken>,
    ) -> Result<Page, ConnectorError> {
        let kind = match class {
            ObjectClass::Account => "user",
            ObjectClass::Group => "group",
            other => return Err(ConnectorError::unsupported(format!("show deleted objects of class {other}"))),
        };
        let path = match from {
            Some(token) => self.session.below(&token.0).map_err(|_| not_ours())?,
            None => format!("/directory/deletedItems/microsoft.graph.{kind}?$top=999"),
        };
        let list = self.session.ask(&Ask::send(Method::GET, path, None)).await?;
        let mut page = Page::default();
        for resource in list["value"].as_array().into_iter().flatten() {
            match self.object(class, resource) {
                Ok(object) => page.objects.push(object),
                Err(fault) => page.faults.push(fault),
            }
        }
        page.next = list["@odata.nextLink"].as_str().map(|link| PageToken(link.to_owned()));
        Ok(page)
    }
}

/// What asks for the roles of one principal.
pub(super) fn roles_of(principal: &str) -> String {
    let condition = encode(&format!("principalId eq {}", literal(&principal.into())));
    format!("/roleManagement/directory/roleAssignments?$filter={condition}")
}

/// The principal of a role assignment; where it holds only in a part of the tenant, its name says so.
fn role_holder(assignment: &Json) -> Option<Member> {
    let principal = &assignment["principal"];
    let scope = assignment["directoryScopeId"].as_str().unwrap_or("/");
    let name = principal["displayName"].as_str().unwrap_or_default();
    let name = if scope == "/" { name.to_owned() } else { format!("{name} (in {scope})") };
    let class = member(principal).and_then(|known| known.class);
    Some(Member { id: ObjectId::new(assignment["principalId"].as_str()?), name, class })
}

fn not_ours() -> ConnectorError {
    ConnectorError::invalid("the token is not one of this connector")
}
