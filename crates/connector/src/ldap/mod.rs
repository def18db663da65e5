//! Directories that speak LDAP (RFC 4511): OpenLDAP, 389 Directory Server and their kind. Changes come by content
//! synchronisation (RFC 4533). Active Directory has a connector of its own, because most of it is different.

pub mod ber;
mod config;
pub mod control;
pub mod entry;
pub mod frame;
pub mod name;
mod read;
mod relay;
mod schema_text;
pub mod session;
mod sync;
mod write;

use std::collections::HashMap;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::capability::{Capabilities, Capability};
use crate::connector::{Connector, TargetIdentity};
use crate::error::ConnectorError;
use crate::object::{Object, ObjectClass};
use crate::operation::{ObjectKey, Operation, Outcome};
use crate::protection::ProtectionRules;
use crate::reading::{Cursor, Delta, MemberPage, Page, PageToken, Search};
use crate::schema::{ClassSchema, Schema};

pub use config::{ClassMapping, EnabledAttribute, GroupMapping, LdapConfig, ServerConfig};
pub(crate) use read::{checked, equals, generalized_time};
use session::Session;
pub(crate) use write::{modify_of, replace};

/// The attribute that never changes (RFC 4530).
const ID: &str = "entryUUID";

/// A directory.
pub struct Ldap {
    session: Session,
    config: LdapConfig,
    rules: ProtectionRules,
    capabilities: Capabilities,
    schema: tokio::sync::OnceCell<Schema>,
    /// Cookies of pages by the token that was given out for them; a token that is not here is found again by reading on.
    cookies: Mutex<HashMap<PageToken, Vec<u8>>>,
}

impl Ldap {
    /// Nothing is asked before the first call; [`Connector::identity`] tests the configuration.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when the address is none.
    pub fn new(config: LdapConfig, rules: ProtectionRules) -> Result<Ldap, ConnectorError> {
        let server = &config.server;
        let session = Session::new(server.place()?, &server.bind_name, server.password.clone());
        let mut can = vec![
            Capability::Create,
            Capability::Update,
            Capability::Delete,
            Capability::Rename,
            Capability::Move,
            Capability::Passwords,
            Capability::Delta,
            Capability::Attribution,
        ];
        let mut classes = vec![ObjectClass::Account];
        if config.accounts.enabled.is_some() {
            can.push(Capability::Disable);
        }
        if config.groups.is_some() {
            classes.push(ObjectClass::Group);
            can.extend([Capability::Groups, Capability::NestedGroups]);
        }
        let capabilities = Capabilities::of(&classes, &can);
        let (schema, cookies) = (tokio::sync::OnceCell::new(), Mutex::default());
        Ok(Ldap { session, config, rules, capabilities, schema, cookies })
    }

    fn mapping(&self, class: ObjectClass) -> Result<&ClassMapping, ConnectorError> {
        match (class, &self.config.groups) {
            (ObjectClass::Account, _) => Ok(&self.config.accounts),
            (ObjectClass::Group, Some(groups)) => Ok(&groups.class),
            _ => Err(ConnectorError::unsupported(format!("hold objects of class {class}"))),
        }
    }

    fn groups(&self) -> Result<&GroupMapping, ConnectorError> {
        self.config.groups.as_ref().ok_or_else(|| ConnectorError::unsupported("hold groups: none are configured"))
    }

    async fn class_schema(&self, class: ObjectClass) -> Result<ClassSchema, ConnectorError> {
        Ok(self.schema.get_or_try_init(|| self.read_schema()).await?.class(class))
    }

    async fn read_schema(&self) -> Result<Schema, ConnectorError> {
        let root = self.session.entry("", &["subschemaSubentry"]).await?.unwrap_or_default();
        let place = root.text("subschemaSubentry").unwrap_or("cn=subschema").to_owned();
        let subschema = self.session.entry(&place, &["attributeTypes"]).await?.unwrap_or_default();
        let types = schema_text::attribute_types(subschema.texts("attributeTypes"));
        let class = |mapping: &ClassMapping| {
            let wanted =
                |name: &crate::AttributeName| mapping.attributes.is_empty() || mapping.attributes.contains(name);
            ClassSchema {
                attributes: types
                    .iter()
                    .filter(|(name, _)| wanted(name))
                    .map(|(n, a)| (n.clone(), a.clone()))
                    .collect(),
            }
        };
        let mut schema = Schema::default();
        schema.classes.insert(ObjectClass::Account, class(&self.config.accounts));
        if let Some(groups) = &self.config.groups {
            schema.classes.insert(ObjectClass::Group, class(&groups.class));
        }
        Ok(schema)
    }
}

#[async_trait]
impl Connector for Ldap {
    fn kind(&self) -> &'static str {
        "ldap"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn identity(&self) -> Result<TargetIdentity, ConnectorError> {
        let root =
            self.session.entry("", &["vendorName", "vendorVersion", "namingContexts", "structuralObjectClass"]).await?;
        let root = root.unwrap_or_default();
        let product = match (root.text("vendorName"), root.text("structuralObjectClass")) {
            (Some(vendor), _) => {
                format!("{vendor} {}", root.text("vendorVersion").unwrap_or_default()).trim().to_owned()
            }
            (None, Some("OpenLDAProotDSE")) => "OpenLDAP".to_owned(),
            (None, _) => "LDAP".to_owned(),
        };
        let base = &self.config.accounts.base;
        if self.session.entry(base, &["1.1"]).await?.is_none() {
            return Err(ConnectorError::invalid(format!("there is no entry `{base}`, or our account may not see it")));
        }
        Ok(TargetIdentity { product, directory: base.clone(), incarnation: None })
    }

    async fn schema(&self) -> Result<Schema, ConnectorError> {
        self.schema.get_or_try_init(|| self.read_schema()).await.cloned()
    }

    async fn read(&self, object: &ObjectKey) -> Result<Option<Object>, ConnectorError> {
        Ok(self.find(object).await?.map(|(object, _)| object))
    }

    async fn search(&self, search: &Search, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        self.search_page(search, from).await
    }

    async fn members(
        &self,
        group: &ObjectKey,
        from: Option<&PageToken>,
        limit: usize,
    ) -> Result<MemberPage, ConnectorError> {
        self.member_page(group, from, limit).await
    }

    async fn cursor(&self) -> Result<Cursor, ConnectorError> {
        self.cursor_now().await
    }

    async fn delta(&self, since: &Cursor) -> Result<Delta, ConnectorError> {
        self.changes(since).await
    }

    async fn write(&self, operation: &Operation) -> Result<Outcome, ConnectorError> {
        self.write_one(operation).await
    }
}
