//! What applications may do: consents on behalf of people (`oauth2PermissionGrants`), and permissions that applications have
//! for themselves over the service (application roles of Microsoft Graph).
//!
//! Permissions over other resources than Graph are not listed: the service has no list of all of them.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::{Value as Json, json};

use super::Entra;
use super::session::Ask;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::encode;
use crate::object::{Object, ObjectClass, ObjectId};
use crate::reading::{Member, Page, PageToken};
use crate::value::AttributeValue;

/// The application id of Microsoft Graph, the same in every tenant.
const GRAPH: &str = "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";
/// Ids of permissions that an application has for itself begin so: an assignment has no address without its resource.
const OF_APPLICATION: &str = "application/";

/// Whoever is assigned to an application.
pub(super) fn assigned(assignment: &Json) -> Option<Member> {
    let class = match assignment["principalType"].as_str()? {
        "User" => Some(ObjectClass::Account),
        "Group" => Some(ObjectClass::Group),
        "ServicePrincipal" => Some(ObjectClass::Application),
        _ => None,
    };
    let name = assignment["principalDisplayName"].as_str().unwrap_or_default().to_owned();
    Some(Member { id: ObjectId::new(assignment["principalId"].as_str()?), name, class })
}

/// A consent on behalf of people.
fn delegated(grant: &Json) -> Result<Object, String> {
    let id = grant["id"].as_str().ok_or("a consent without an id")?;
    let client = grant["clientId"].as_str().unwrap_or_default();
    let mut object = Object::new(ObjectClass::ConsentGrant, id, client);
    for name in ["clientId", "resourceId", "consentType", "principalId"] {
        if let Some(text) = grant[name].as_str() {
            object.attributes.set(name, vec![text.into()]);
        }
    }
    let scopes = grant["scope"].as_str().unwrap_or_default().split_whitespace();
    object.attributes.set("scope", scopes.map(AttributeValue::from).collect());
    Ok(object)
}

/// A permission that an application has for itself.
fn own(assignment: &Json, names: &BTreeMap<String, String>) -> Result<Object, String> {
    let field = |name: &str| assignment[name].as_str().ok_or_else(|| format!("a permission without `{name}`"));
    let (id, client, resource, role) = (field("id")?, field("principalId")?, field("resourceId")?, field("appRoleId")?);
    let mut object = Object::new(ObjectClass::ConsentGrant, format!("{OF_APPLICATION}{resource}/{id}"), client);
    for (name, text) in [("clientId", client), ("resourceId", resource), ("consentType", "Application")] {
        object.attributes.set(name, vec![text.into()]);
    }
    let scope = names.get(role).map_or(role, String::as_str);
    object.attributes.set("scope", vec![scope.into()]);
    if let Some(name) = assignment["principalDisplayName"].as_str() {
        object.attributes.set("clientDisplayName", vec![name.into()]);
    }
    Ok(object)
}

impl Entra {
    /// First what people consented to, then what applications have for themselves.
    pub(super) async fn grant_page(&self, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        let first_of_applications = format!("{GRAPH}/appRoleAssignedTo?$top=999");
        let (path, of_applications) = match from.map(|token| token.0.as_str()) {
            None => ("/oauth2PermissionGrants?$top=999".to_owned(), false),
            Some("application") => (first_of_applications, true),
            Some(link) => match link.strip_prefix(OF_APPLICATION) {
                Some(link) => (self.session.below(link)?, true),
                None => (self.session.below(link)?, false),
            },
        };
        let list = self.session.get(&path).await?;
        let names = if of_applications { self.permission_names().await? } else { BTreeMap::new() };
        let mut page = Page::default();
        for one in list["value"].as_array().into_iter().flatten() {
            if of_applications && one["principalType"] != "ServicePrincipal" {
                continue;
            }
            match if of_applications { own(one, &names) } else { delegated(one) } {
                Ok(object) => page.objects.push(object),
                Err(fault) => page.faults.push(fault),
            }
        }
        let next = list["@odata.nextLink"].as_str();
        page.next = match (next, of_applications) {
            (Some(link), true) => Some(PageToken(format!("{OF_APPLICATION}{link}"))),
            (Some(link), false) => Some(PageToken(link.to_owned())),
            (None, false) => Some(PageToken("application".to_owned())),
            (None, true) => None,
        };
        Ok(page)
    }

    /// What the application roles of Graph are called: `Mail.ReadWrite`.
    async fn permission_names(&self) -> Result<BTreeMap<String, String>, ConnectorError> {
        let graph = self.session.get(&format!("{GRAPH}?$select=id,appRoles")).await?;
        let roles = graph["appRoles"].as_array().into_iter().flatten();
        let pair = |role: &Json| Some((role["id"].as_str()?.to_owned(), role["value"].as_str()?.to_owned()));
        Ok(roles.filter_map(pair).collect())
    }

    pub(super) async fn grant(&self, id: &ObjectId) -> Result<Option<Object>, ConnectorError> {
        let found = self.session.get(&address(id)).await;
        let object = match (found, id.as_str().starts_with(OF_APPLICATION)) {
            (Err(error), _) if error.kind == ErrorKind::NotFound => return Ok(None),
            (Err(error), _) => return Err(error),
            (Ok(one), true) => own(&one, &self.permission_names().await?),
            (Ok(one), false) => delegated(&one),
        };
        object.map(Some).map_err(ConnectorError::garbled)
    }

    /// Takes a consent or a permission away.
    pub(super) async fn revoke_grant(&self, id: &ObjectId) -> Result<(), ConnectorError> {
        self.session.ask(&Ask::send(Method::DELETE, address(id), None)).await.map(drop)
    }

    /// Assigns somebody to an application, or takes the assignment away. `application` is `ID` or `ID/ROLE`.
    pub(super) async fn assign_application(
        &self,
        application: &ObjectId,
        member: &ObjectId,
        joins: bool,
    ) -> Result<bool, ConnectorError> {
        // Whoever names no role gets what applications without roles have.
        const PLAIN: &str = "00000000-0000-0000-0000-000000000000";
        let (id, role) = application.as_str().split_once('/').unwrap_or((application.as_str(), PLAIN));
        let place = format!("/servicePrincipals/{}/appRoleAssignedTo", encode(id));
        let assignment = self.assignment(&place, role, member).await?;
        match (assignment, joins) {
            (Some(_), true) | (None, false) => Ok(false),
            (None, true) => {
                let body = json!({ "principalId": member.as_str(), "resourceId": id, "appRoleId": role });
                self.session.ask(&Ask::send(Method::POST, place, Some(body))).await?;
                Ok(true)
            }
            (Some(assignment), false) => {
                let path = format!("{place}/{}", encode(&assignment));
                self.session.ask(&Ask::send(Method::DELETE, path, None)).await?;
                Ok(true)
            }
        }
    }

    async fn assignment(&self, place: &str, role: &str, member: &ObjectId) -> Result<Option<String>, ConnectorError> {
        let mut path = format!("{place}?$top=999");
        loop {
            let list = self.session.get(&path).await?;
            let mut all = list["value"].as_array().into_iter().flatten();
            let found = all.find(|one| one["principalId"] == member.as_str() && one["appRoleId"] == role);
            if let Some(id) = found.and_then(|one| one["id"].as_str()) {
                return Ok(Some(id.to_owned()));
            }
            match list["@odata.nextLink"].as_str() {
                Some(next) => path = self.session.below(next)?,
                None => return Ok(None),
            }
        }
    }
}

fn address(id: &ObjectId) -> String {
    match id.as_str().strip_prefix(OF_APPLICATION).and_then(|rest| rest.split_once('/')) {
        Some((resource, assignment)) => {
            format!("/servicePrincipals/{}/appRoleAssignedTo/{}", encode(resource), encode(assignment))
        }
        None => format!("/oauth2PermissionGrants/{}", encode(id.as_str())),
    }
}
