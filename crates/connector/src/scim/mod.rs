//! Systems that are provisioned by SCIM 2.0 (RFC 7644).
//!
//! Attributes have the names of SCIM's own paths: `userName`, `name.givenName`, `emails[type eq "work"].value`,
//! `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`.

mod attributes;
mod write;

use async_trait::async_trait;
use hyper::{Method, StatusCode};
use serde_json::Value as Json;

use crate::capability::{Capabilities, Capability};
use crate::connector::{Connector, TargetIdentity};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Answer, Http, Origin, encode};
use crate::object::{Object, ObjectClass, ObjectId};
use crate::operation::{ObjectKey, Operation, Outcome};
use crate::protection::ProtectionRules;
use crate::reading::{Key, Member, MemberPage, Page, PageToken, Search};
use crate::schema::{AttributeSchema, ClassSchema, Schema};
use crate::secret::Secret;
use crate::trust::Trust;
use crate::value::AttributeValue;

const MEDIA_TYPE: &str = "application/scim+json";

/// How a service is reached.
#[derive(Debug, Clone)]
pub struct ScimConfig {
    /// `https://HOST/scim/v2`
    pub url: String,
    pub token: Secret,
    pub trust: Trust,
}

/// A service.
pub struct ScimClient {
    http: Http,
    /// The path of the service at its host.
    path: String,
    url: String,
    rules: ProtectionRules,
    capabilities: Capabilities,
}

impl ScimClient {
    /// Nothing is asked before the first call; [`Connector::identity`] tests the configuration.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when the address is none.
    pub fn new(config: ScimConfig, rules: ProtectionRules) -> Result<ScimClient, ConnectorError> {
        let (origin, path) = Origin::parse(&config.url)?;
        let can = [
            Capability::Create,
            Capability::Update,
            Capability::Delete,
            Capability::Disable,
            Capability::Rename,
            Capability::Groups,
            Capability::NestedGroups,
        ];
        let capabilities = Capabilities::of(&[ObjectClass::Account, ObjectClass::Group], &can);
        let http = Http::new(origin, config.trust, config.token);
        Ok(ScimClient { http, path, url: config.url, rules, capabilities })
    }

    fn endpoint(&self, class: ObjectClass) -> Result<String, ConnectorError> {
        match class {
            ObjectClass::Account => Ok(format!("{}/Users", self.path)),
            ObjectClass::Group => Ok(format!("{}/Groups", self.path)),
            other => Err(ConnectorError::unsupported(format!("hold objects of class {other}"))),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Json>) -> Result<Json, ConnectorError> {
        let answer = self.http.send(method, path, MEDIA_TYPE, body).await?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(refusal(&answer)) }
    }

    fn object(&self, class: ObjectClass, resource: &Json) -> Result<Object, String> {
        let id = resource["id"].as_str().ok_or("a resource without `id`")?;
        let name = match class {
            ObjectClass::Group => &resource["displayName"],
            _ => &resource["userName"],
        };
        let mut object = Object::new(class, id, name.as_str().unwrap_or_default());
        object.attributes = attributes::flatten(resource);
        object.version = resource["meta"]["version"].as_str().map(str::to_owned);
        if class == ObjectClass::Account {
            object.enabled = Some(resource["active"].as_bool().unwrap_or(true));
            let groups = resource["groups"].as_array();
            let ids =
                groups.map(|groups| groups.iter().filter_map(|one| one["value"].as_str()).map(ObjectId::new).collect());
            object.memberships = ids;
        }
        object.protection = self.rules.of(&object);
        Ok(object)
    }

    async fn resource(&self, key: &ObjectKey) -> Result<Option<Json>, ConnectorError> {
        let endpoint = self.endpoint(key.class)?;
        match &key.key {
            Key::Id(id) => match self.call(Method::GET, &format!("{endpoint}/{}", encode(id.as_str())), None).await {
                Ok(resource) => Ok(Some(resource)),
                Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
            Key::Attribute { name, value } => {
                let filter = encode(&condition(name.as_str(), value));
                let list = self.call(Method::GET, &format!("{endpoint}?filter={filter}"), None).await?;
                match list["Resources"].as_array().map(Vec::as_slice).unwrap_or_default() {
                    [] => Ok(None),
                    [one] => Ok(Some(one.clone())),
                    [first, ..] => {
                        let existing = first["id"].as_str().map(ObjectId::new);
                        Err(ConnectorError::conflict(format!("{key} is more than one resource"), existing))
                    }
                }
            }
        }
    }
}

/// `userName eq "amina"`
fn condition(name: &str, value: &AttributeValue) -> String {
    format!("{name} eq {}", value.to_json())
}

/// What a status of the service means.
fn refusal(answer: &Answer) -> ConnectorError {
    let detail = answer.body["detail"].as_str().or(answer.body.as_str()).unwrap_or_default();
    let uniqueness = answer.body["scimType"] == "uniqueness";
    let (kind, reason) = match answer.status {
        StatusCode::UNAUTHORIZED => (ErrorKind::Auth, "the service does not accept our token"),
        StatusCode::NOT_FOUND => (ErrorKind::NotFound, "there is no such resource"),
        StatusCode::CONFLICT => (ErrorKind::Conflict, "a value that must be unique is taken"),
        StatusCode::BAD_REQUEST if uniqueness => (ErrorKind::Conflict, "a value that must be unique is taken"),
        StatusCode::PRECONDITION_FAILED => (ErrorKind::Conflict, "the resource was changed meanwhile"),
        StatusCode::NOT_IMPLEMENTED => (ErrorKind::Unsupported, "the service cannot do this"),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => (ErrorKind::Transient, "the service is busy"),
        status if status.is_server_error() => (ErrorKind::Transient, "the service has a fault"),
        _ => (ErrorKind::Refused, "the service refused"),
    };
    let mut error = ConnectorError::new(kind, reason).with_raw(answer.status.as_u16(), detail);
    error.retry_after_ms = answer.retry_after_s.map(|seconds| seconds.saturating_mul(1_000));
    error
}

#[async_trait]
impl Connector for ScimClient {
    fn kind(&self) -> &'static str {
        "scim"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn identity(&self) -> Result<TargetIdentity, ConnectorError> {
        let config = self.call(Method::GET, &format!("{}/ServiceProviderConfig", self.path), None).await?;
        if config["patch"]["supported"] != Json::Bool(true) {
            return Err(ConnectorError::unsupported("change a part of a resource (PATCH)"));
        }
        // What a service can do it may tell anybody (RFC 7644 §4): only a resource shows that the token is good.
        self.call(Method::GET, &format!("{}?startIndex=1&count=1", self.endpoint(ObjectClass::Account)?), None).await?;
        Ok(TargetIdentity { product: "SCIM 2.0".to_owned(), directory: self.url.clone(), incarnation: None })
    }

    async fn schema(&self) -> Result<Schema, ConnectorError> {
        let read_only = |name: &str| AttributeSchema { read_only: true, ..AttributeSchema::text(name) };
        let class = ClassSchema::of(["id", "meta.version", "meta.created", "meta.lastModified"].map(read_only));
        let classes = [ObjectClass::Account, ObjectClass::Group];
        Ok(Schema { classes: classes.into_iter().map(|one| (one, class.clone())).collect() })
    }

    async fn read(&self, object: &ObjectKey) -> Result<Option<Object>, ConnectorError> {
        let resource = self.resource(object).await?;
        resource.map(|one| self.object(object.class, &one)).transpose().map_err(ConnectorError::garbled)
    }

    /// Pages count places; a page overlaps the one before by one place, so that whoever moved up is not passed over.
    async fn search(&self, search: &Search, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        let start: usize = match from {
            None => 1,
            Some(token) => {
                token.0.parse().map_err(|_| ConnectorError::invalid("the token is not one of this connector"))?
            }
        };
        let limit = search.limit.clamp(2, self.capabilities.page_objects);
        let mut path = format!("{}?startIndex={start}&count={limit}", self.endpoint(search.class)?);
        let conditions: Vec<String> =
            search.equals.iter().map(|(name, value)| condition(name.as_str(), value)).collect();
        if !conditions.is_empty() {
            path.push_str(&format!("&filter={}", encode(&conditions.join(" and "))));
        }
        let list = self.call(Method::GET, &path, None).await?;
        let resources = list["Resources"].as_array().map(Vec::as_slice).unwrap_or_default();
        let total = list["totalResults"].as_u64().and_then(|total| usize::try_from(total).ok()).unwrap_or(0);
        let mut page = Page::default();
        for resource in resources {
            match self.object(search.class, resource) {
                Ok(object) => page.objects.push(object),
                Err(fault) => page.faults.push(fault),
            }
        }
        let last = start + resources.len().saturating_sub(1);
        if resources.len() > 1 && last < total {
            page.next = Some(PageToken(last.to_string()));
        }
        Ok(page)
    }

    async fn members(
        &self,
        group: &ObjectKey,
        from: Option<&PageToken>,
        limit: usize,
    ) -> Result<MemberPage, ConnectorError> {
        let resource = self.resource(group).await?.ok_or_else(|| ConnectorError::not_found(group))?;
        // A list may leave members out; the resource itself has them.
        let id = resource["id"].as_str().unwrap_or_default();
        let whole = self.call(Method::GET, &format!("{}/{}", self.endpoint(group.class)?, encode(id)), None).await?;
        let member = |one: &Json| {
            let class = match one["type"].as_str() {
                Some("Group") => Some(ObjectClass::Group),
                Some("User") => Some(ObjectClass::Account),
                _ => None,
            };
            let name = one["display"].as_str().unwrap_or_default().to_owned();
            Some(Member { id: ObjectId::new(one["value"].as_str()?), name, class })
        };
        let mut members: Vec<Member> = whole["members"].as_array().into_iter().flatten().filter_map(member).collect();
        members.sort();
        members.retain(|member| from.is_none_or(|token| member.id.0 > token.0));
        let more = members.len() > limit.max(1);
        members.truncate(limit.max(1));
        let next = members.last().filter(|_| more).map(|last| PageToken(last.id.0.clone()));
        Ok(MemberPage { members, next })
    }

    async fn write(&self, operation: &Operation) -> Result<Outcome, ConnectorError> {
        self.write_one(operation).await
    }
}
