//! Entra ID, by Microsoft Graph 1.0. Written from what the documentation of the service says; no tenant was at hand, so
//! it is tested against a service of our own making that answers as those say.
//!
//! Attributes have the names of Graph's properties; a part of a structure is `outer.inner`
//! (`onPremisesExtensionAttributes.extensionAttribute1`). Objects are known by `id`, licences by `skuId`; an application's role
//! is `ID/ROLE`, a permission that an application has for itself `application/RESOURCE/ASSIGNMENT`.
//!
//! What our application needs: `User.ReadWrite.All`, `Group.ReadWrite.All`, `RoleManagement.ReadWrite.Directory`,
//! `AdministrativeUnit.ReadWrite.All`, `Organization.Read.All`, `Application.Read.All`, `AppRoleAssignment.ReadWrite.All`,
//! `DelegatedPermissionGrant.ReadWrite.All`, `Policy.Read.All`; less for reading alone. What is missing is said by name.

mod config;
mod delta;
mod grants;
mod read;
pub mod resource;
mod session;
mod write;

use async_trait::async_trait;
use hyper::Method;

use crate::capability::{Capabilities, Capability};
use crate::connector::{Connector, Revocation, TargetIdentity};
use crate::error::ConnectorError;
use crate::http::encode;
use crate::object::ObjectClass;
use crate::operation::{ObjectKey, Operation, Outcome};
use crate::protection::ProtectionRules;
use crate::reading::{Cursor, Delta, Member, MemberPage, Page, PageToken, Search};
use crate::schema::{AttributeSchema, ClassSchema, Matching, Schema};
use crate::value::AttributeName;
use session::{Ask, Session};

pub use config::EntraConfig;

const CLASSES: [ObjectClass; 8] = [
    ObjectClass::Account,
    ObjectClass::Group,
    ObjectClass::Role,
    ObjectClass::AdministrativeUnit,
    ObjectClass::Licence,
    ObjectClass::Application,
    ObjectClass::ConsentGrant,
    ObjectClass::ConditionalAccessPolicy,
];

/// A tenant.
pub struct Entra {
    session: Session,
    attributes: Vec<AttributeName>,
    rules: ProtectionRules,
    capabilities: Capabilities,
}

impl Entra {
    /// Nothing is asked before the first call; [`Connector::identity`] tests the configuration.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when an address is none.
    pub fn new(config: EntraConfig, mut rules: ProtectionRules) -> Result<Entra, ConnectorError> {
        let session = Session::new(&config)?;
        if !rules.name_attributes.contains(&"displayName".into()) {
            // Entra Connect's own account is known by what it is called.
            rules.name_attributes.push("displayName".into());
        }
        let can = [
            Capability::Create,
            Capability::Update,
            Capability::Delete,
            Capability::Restore,
            Capability::Disable,
            Capability::Rename,
            Capability::Groups,
            Capability::NestedGroups,
            Capability::EffectiveMembers,
            Capability::Passwords,
            Capability::Delta,
            Capability::Tombstones,
            Capability::Bulk,
            Capability::RevokeSessions,
        ];
        let mut capabilities = Capabilities::of(&CLASSES, &can);
        capabilities.bulk_operations = session::BATCH;
        capabilities.page_objects = 999;
        Ok(Entra { session, attributes: config.attributes, rules, capabilities })
    }

    fn known_schema(&self) -> Schema {
        let read_only = config::READ_ONLY.iter().map(|name| AttributeSchema {
            read_only: true,
            multi_valued: true,
            ..AttributeSchema::text(name)
        });
        let loose = ["userPrincipalName", "mailNickname"]
            .iter()
            .map(|name| AttributeSchema { matching: Matching::IgnoreCase, ..AttributeSchema::text(name) });
        let lists = ["businessPhones", "otherMails"]
            .iter()
            .map(|name| AttributeSchema { multi_valued: true, ..AttributeSchema::text(name) });
        let accounts = ClassSchema::of(read_only.chain(loose).chain(lists));
        let made = |name: &&str| AttributeSchema { read_only: true, ..AttributeSchema::text(name) };
        let groups = ClassSchema::of(["id", "isAssignableToRole", "onPremisesSyncEnabled", "mail"].iter().map(made));
        let others = ClassSchema::of(["id"].iter().map(made));
        let class = |class: &ObjectClass| match class {
            ObjectClass::Account => (*class, accounts.clone()),
            ObjectClass::Group => (*class, groups.clone()),
            other => (*other, others.clone()),
        };
        Schema { classes: CLASSES.iter().map(class).collect() }
    }
}

#[async_trait]
impl Connector for Entra {
    fn kind(&self) -> &'static str {
        "entra"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn identity(&self) -> Result<TargetIdentity, ConnectorError> {
        let tenants = self.session.get("/organization?$select=id,displayName").await?;
        let tenant = &tenants["value"][0];
        let id = tenant["id"].as_str().ok_or_else(|| ConnectorError::garbled("the service names no tenant"))?;
        let product = format!("Entra ID, {}", tenant["displayName"].as_str().unwrap_or_default());
        Ok(TargetIdentity { product, directory: id.to_owned(), incarnation: None })
    }

    async fn schema(&self) -> Result<Schema, ConnectorError> {
        Ok(self.known_schema())
    }

    async fn read(&self, object: &ObjectKey) -> Result<Option<crate::Object>, ConnectorError> {
        self.find(object).await
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

    async fn effective_members(&self, group: &ObjectKey) -> Result<Vec<Member>, ConnectorError> {
        self.transitive(group).await
    }

    async fn cursor(&self) -> Result<Cursor, ConnectorError> {
        self.cursor_now().await
    }

    async fn delta(&self, since: &Cursor) -> Result<Delta, ConnectorError> {
        self.changes(since).await
    }

    async fn tombstones(&self, class: ObjectClass, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        self.deleted_page(class, from).await
    }

    async fn write(&self, operation: &Operation) -> Result<Outcome, ConnectorError> {
        self.write_one(operation).await
    }

    async fn write_all(&self, operations: &[Operation]) -> Vec<Result<Outcome, ConnectorError>> {
        self.write_many(operations).await
    }

    async fn revoke_sessions(&self, account: &ObjectKey) -> Result<Revocation, ConnectorError> {
        let since = "signInSessionsValidFromDateTime";
        let before = self.find(account).await?.ok_or_else(|| ConnectorError::not_found(account))?;
        let path = format!("/users/{}/revokeSignInSessions", encode(before.id.as_str()));
        self.session.ask(&Ask::send(Method::POST, path, None)).await?;
        let after = self.account(&before.id).await?.ok_or_else(|| ConnectorError::not_found(account))?;
        let (was, now) = (before.attributes.text(since), after.attributes.text(since));
        Ok(match now {
            Some(now) if was != Some(now) => {
                // What was issued before is not taken for new tokens; a token of an hour may still be in use until it ends.
                crate::Revocation::Verified { evidence: format!("{since} moved to {now}") }
            }
            _ => Revocation::Unverified { reason: format!("the service took the order; {since} has not moved yet") },
        })
    }
}
