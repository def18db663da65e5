//! Active Directory, by LDAP over TLS: what [MS-ADTS] adds to the standard. Tested against a Samba domain controller.
//!
//! Objects are known by objectGUID. Changes come by DirSync. Pages of a search are windows of `uSNCreated`, which never
//! changes, so that a page can be asked for again by another process at any time.

mod config;
mod delta;
mod object;
pub mod range;
mod read;
pub mod value;
mod write;

use async_trait::async_trait;

use crate::capability::{Capabilities, Capability};
use crate::connector::{Connector, Revocation, TargetIdentity};
use crate::error::ConnectorError;
use crate::ldap::name;
use crate::ldap::session::Session;
use crate::object::{Object, ObjectClass};
use crate::operation::{ObjectKey, Operation, Outcome};
use crate::protection::ProtectionRules;
use crate::reading::{Cursor, Delta, Member, MemberPage, Page, PageToken, Search};
use crate::schema::Schema;

pub use config::ActiveDirectoryConfig;

/// The longest that a ticket of Kerberos is good for after its account was disabled (the domain's default policy).
const TICKET_S: u64 = 36_000;

/// A domain.
pub struct ActiveDirectory {
    session: Session,
    config: ActiveDirectoryConfig,
    rules: ProtectionRules,
    capabilities: Capabilities,
    domain: tokio::sync::OnceCell<Domain>,
}

/// What the server says of itself.
#[derive(Debug, Clone)]
struct Domain {
    product: String,
    /// `DC=vigie,DC=test`
    base: String,
    guid: String,
    /// The object that holds the invocation id.
    settings: String,
}

impl ActiveDirectory {
    /// Nothing is asked before the first call; [`Connector::identity`] tests the configuration.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when the address is none.
    pub fn new(config: ActiveDirectoryConfig, rules: ProtectionRules) -> Result<ActiveDirectory, ConnectorError> {
        let server = &config.server;
        let session = Session::new(server.place()?, &server.bind_name, server.password.clone());
        let classes = [ObjectClass::Account, ObjectClass::Group, ObjectClass::OrganizationalUnit];
        let can = [
            Capability::Create,
            Capability::Update,
            Capability::Delete,
            Capability::Restore,
            Capability::Disable,
            Capability::Rename,
            Capability::Move,
            Capability::Groups,
            Capability::NestedGroups,
            Capability::EffectiveMembers,
            Capability::Passwords,
            Capability::Delta,
            Capability::Tombstones,
            Capability::AccountExpiry,
            Capability::Attribution,
        ];
        let capabilities = Capabilities::of(&classes, &can);
        let mut rules = rules;
        for name in ["sAMAccountName", "userPrincipalName"] {
            if !rules.name_attributes.contains(&name.into()) {
                rules.name_attributes.push(name.into());
            }
        }
        Ok(ActiveDirectory { session, config, rules, capabilities, domain: tokio::sync::OnceCell::new() })
    }

    async fn domain(&self) -> Result<&Domain, ConnectorError> {
        self.domain.get_or_try_init(|| self.ask_domain()).await
    }

    async fn ask_domain(&self) -> Result<Domain, ConnectorError> {
        let wanted = ["defaultNamingContext", "dsServiceName", "vendorName", "domainFunctionality"];
        let root = self.session.entry("", &wanted).await?.unwrap_or_default();
        let missing = || ConnectorError::invalid("the server is no domain controller of Active Directory");
        let base = root.text("defaultNamingContext").ok_or_else(missing)?.to_owned();
        let settings = root.text("dsServiceName").ok_or_else(missing)?.to_owned();
        let level = root.text("domainFunctionality").unwrap_or("?");
        let vendor = root.text("vendorName").unwrap_or("Active Directory");
        let top = self.session.entry(&base, &["objectGUID"]).await?.unwrap_or_default();
        let guid = top.bytes("objectGUID").first().and_then(|bytes| value::guid_text(bytes)).unwrap_or_default();
        Ok(Domain { product: format!("{vendor}, functional level {level}"), base, guid, settings })
    }

    /// The invocation id of the server that we talk to and the newest change that it has.
    async fn incarnation(&self) -> Result<(String, i64), ConnectorError> {
        let domain = self.domain().await?;
        let settings = self.session.entry(&domain.settings, &["invocationId"]).await?.unwrap_or_default();
        let id = settings.bytes("invocationId").first().and_then(|bytes| value::guid_text(bytes));
        let id = id.ok_or_else(|| ConnectorError::invalid("our account may not read the server's invocationId"))?;
        let root = self.session.entry("", &["highestCommittedUSN"]).await?.unwrap_or_default();
        let usn = root.integer("highestCommittedUSN");
        Ok((id, usn.ok_or_else(|| ConnectorError::garbled("the server has no highestCommittedUSN"))?))
    }

    /// What is managed.
    async fn base(&self) -> Result<&str, ConnectorError> {
        let domain = &self.domain().await?.base;
        let base = self.config.base.as_deref().unwrap_or(domain);
        if name::is_under(base, domain) {
            return Ok(base);
        }
        Err(ConnectorError::invalid(format!("`{base}` is not in the domain `{domain}`")))
    }
}

#[async_trait]
impl Connector for ActiveDirectory {
    fn kind(&self) -> &'static str {
        "active-directory"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn identity(&self) -> Result<TargetIdentity, ConnectorError> {
        let (incarnation, _) = self.incarnation().await?;
        let base = self.base().await?.to_owned();
        if self.session.entry(&base, &["1.1"]).await?.is_none() {
            return Err(ConnectorError::invalid(format!("there is no `{base}`, or our account may not see it")));
        }
        let domain = self.domain().await?;
        let directory = format!("{} {}", domain.base, domain.guid);
        Ok(TargetIdentity { product: domain.product.clone(), directory, incarnation: Some(incarnation) })
    }

    async fn schema(&self) -> Result<Schema, ConnectorError> {
        Ok(self.known_schema())
    }

    async fn read(&self, object: &ObjectKey) -> Result<Option<Object>, ConnectorError> {
        Ok(self.find(object).await?.map(|found| found.object))
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
        self.in_chain(group).await
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

    async fn revoke_sessions(&self, account: &ObjectKey) -> Result<Revocation, ConnectorError> {
        let found = self.find(account).await?.ok_or_else(|| ConnectorError::not_found(account))?;
        let reason = if found.object.enabled == Some(false) {
            "Kerberos tickets cannot be called back; the account is disabled, so none is renewed, and what was issued ends by itself"
        } else {
            "Kerberos tickets cannot be called back: what was issued carries the groups of its time until it ends"
        };
        Ok(Revocation::Impossible { reason: reason.to_owned(), residual_s: Some(TICKET_S) })
    }
}
