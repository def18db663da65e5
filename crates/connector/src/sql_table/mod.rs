//! Accounts in tables of a database: SQLite or PostgreSQL.
//!
//! Everything travels as text and is cast by the database to the type of its column, so that one code serves every type
//! of column. Many operations are one transaction: read by key together, inserted together; when anything of it fails, it is
//! rolled back and done one by one, so that each operation has its own answer.

mod batch;
mod config;
mod connection;
mod delta;
mod read;
mod statement;

use async_trait::async_trait;

use crate::capability::{Capabilities, Capability};
use crate::connector::{Connector, TargetIdentity};
use crate::error::ConnectorError;
use crate::object::{Object, ObjectClass};
use crate::operation::{ObjectKey, Operation, Outcome};
use crate::protection::ProtectionRules;
use crate::reading::{Cursor, Delta, MemberPage, Page, PageToken, Search};
use crate::schema::Schema;

pub use config::{ColumnMapping, ColumnType, EnabledColumn, LinkMapping, SqlTableConfig, TableMapping};
use connection::Database;
pub(crate) use connection::failure;
use statement::Table;

/// A database with tables of accounts, groups and who is in them.
pub struct SqlTable {
    database: Database,
    config: SqlTableConfig,
    accounts: Table,
    groups: Option<Table>,
    rules: ProtectionRules,
    capabilities: Capabilities,
}

impl SqlTable {
    /// Connects, and compares the configuration with the tables that are there.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names the table or column that does not fit.
    pub async fn connect(config: SqlTableConfig, rules: ProtectionRules) -> Result<SqlTable, ConnectorError> {
        let database = Database::open(config.url.reveal()).await?;
        let accounts = Table::describe(&database, ObjectClass::Account, &config.accounts).await?;
        let groups = match &config.groups {
            Some(mapping) => Some(Table::describe(&database, ObjectClass::Group, mapping).await?),
            None => None,
        };
        if let Some(link) = &config.members {
            statement::check_link(&database, link).await?;
        }
        let capabilities = capabilities(&config);
        Ok(SqlTable { database, config, accounts, groups, rules, capabilities })
    }

    fn table(&self, class: ObjectClass) -> Result<&Table, ConnectorError> {
        match (class, &self.groups) {
            (ObjectClass::Account, _) => Ok(&self.accounts),
            (ObjectClass::Group, Some(groups)) => Ok(groups),
            _ => Err(ConnectorError::unsupported(format!("hold objects of class {class}"))),
        }
    }

    fn link(&self) -> Result<&LinkMapping, ConnectorError> {
        self.config.members.as_ref().ok_or_else(|| ConnectorError::unsupported("hold members of groups"))
    }
}

fn capabilities(config: &SqlTableConfig) -> Capabilities {
    let mut capabilities = Capabilities::of(
        &[ObjectClass::Account],
        &[Capability::Create, Capability::Update, Capability::Delete, Capability::Rename, Capability::Bulk],
    );
    capabilities.bulk_operations = 1_000;
    let mut add = |condition: bool, capability| {
        if condition {
            capabilities.can.insert(capability);
        }
    };
    add(config.accounts.enabled.is_some(), Capability::Disable);
    add(config.accounts.expires.is_some(), Capability::AccountExpiry);
    add(config.accounts.container.is_some(), Capability::Move);
    add(config.accounts.version.is_some(), Capability::Delta);
    add(config.accounts.version.is_some(), Capability::ConditionalWrite);
    add(config.accounts.deleted.is_some(), Capability::Tombstones);
    add(config.accounts.deleted.is_some(), Capability::Restore);
    add(config.accounts.changed_by.is_some(), Capability::Attribution);
    add(config.members.is_some(), Capability::Groups);
    add(config.members.as_ref().is_some_and(|link| link.until.is_some()), Capability::MembershipExpiry);
    if config.groups.is_some() {
        capabilities.classes.insert(ObjectClass::Group);
    }
    capabilities
}

#[async_trait]
impl Connector for SqlTable {
    fn kind(&self) -> &'static str {
        "sql-table"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn identity(&self) -> Result<TargetIdentity, ConnectorError> {
        let (product, directory) = self.database.identity().await?;
        let directory = format!("{directory}/{}", self.config.accounts.table);
        Ok(TargetIdentity { product, directory, incarnation: None })
    }

    async fn schema(&self) -> Result<Schema, ConnectorError> {
        let tables = std::iter::once(&self.accounts).chain(&self.groups);
        Ok(Schema { classes: tables.map(|table| (table.class, table.schema.clone())).collect() })
    }

    async fn read(&self, object: &ObjectKey) -> Result<Option<Object>, ConnectorError> {
        self.read_one(object).await
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

    async fn tombstones(&self, class: ObjectClass, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        self.deleted_page(class, from).await
    }

    async fn write(&self, operation: &Operation) -> Result<Outcome, ConnectorError> {
        self.write_run(std::slice::from_ref(operation)).await?.pop().unwrap_or_else(|| {
            Err(ConnectorError::garbled("the operation has no answer; read the object to see whether it was done"))
        })
    }

    async fn write_all(&self, operations: &[Operation]) -> Vec<Result<Outcome, ConnectorError>> {
        self.write_batch(operations).await
    }
}
