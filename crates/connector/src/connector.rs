//! The trait that every target is reached through.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::capability::Capabilities;
use crate::error::ConnectorError;
use crate::object::{Object, ObjectClass};
use crate::operation::{ObjectKey, Operation, Outcome};
use crate::reading::{Cursor, Delta, Member, MemberPage, Page, PageToken, Search};
use crate::schema::Schema;

/// Which server answered, so that another one behind the same address is noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetIdentity {
    /// The vendor's name and version where it tells.
    pub product: String,
    /// What stays the same while the directory is the same: domain GUID, tenant id, suffix, database and table.
    pub directory: String,
    /// What changes when the server was restored or replaced: invocation id. `None`: it has no such thing.
    pub incarnation: Option<String>,
}

/// What came of ending somebody's sessions at a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "revocation")]
pub enum Revocation {
    /// The target was asked again and shows that no earlier session holds; `evidence` says by what.
    Verified { evidence: String },
    /// The target took the order and has no way to show that it is done.
    Unverified { reason: String },
    /// The target keeps no sessions, or cannot end them; what was issued holds on for at most so long, where known.
    Impossible { reason: String, residual_s: Option<u64> },
}

/// A system in which accounts live.
///
/// Every future may be dropped at any time; a write whose future was dropped has happened or has not, and doing it again
/// finds out. Errors are classified ([`ConnectorError::retry`]); a connector never retries by itself, except to reconnect
/// once when a connection that had been idle turns out to be closed.
#[async_trait]
pub trait Connector: Send + Sync {
    /// The kind of connector: `ldap`, `active-directory`, `scim`, `entra`, `sql-table`, `csv`.
    fn kind(&self) -> &'static str;

    /// What this target can do.
    fn capabilities(&self) -> &Capabilities;

    /// Signs in and asks the target who it is: the test of a configuration.
    async fn identity(&self) -> Result<TargetIdentity, ConnectorError>;

    /// What attributes objects have there.
    async fn schema(&self) -> Result<Schema, ConnectorError>;

    /// One object. `None`: it is not there.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when the key finds more than one.
    async fn read(&self, object: &ObjectKey) -> Result<Option<Object>, ConnectorError>;

    /// Objects page by page. A token can be used after a restart; an object that is there from the first to the last page is
    /// in one of them, and may be in two.
    async fn search(&self, search: &Search, from: Option<&PageToken>) -> Result<Page, ConnectorError>;

    /// Direct members of a group, page by page.
    async fn members(
        &self,
        group: &ObjectKey,
        from: Option<&PageToken>,
        limit: usize,
    ) -> Result<MemberPage, ConnectorError>;

    /// Everybody who is in a group by any path, as the target itself answers.
    async fn effective_members(&self, _group: &ObjectKey) -> Result<Vec<Member>, ConnectorError> {
        Err(ConnectorError::unsupported("say who is in a group through other groups"))
    }

    /// Where changes begin that have not happened yet. Take it before reading everything.
    async fn cursor(&self) -> Result<Cursor, ConnectorError> {
        Err(ConnectorError::unsupported("tell changes since a cursor"))
    }

    /// What changed since.
    async fn delta(&self, _since: &Cursor) -> Result<Delta, ConnectorError> {
        Err(ConnectorError::unsupported("tell changes since a cursor"))
    }

    /// Deleted objects of a class that the target still knows, page by page.
    async fn tombstones(&self, _class: ObjectClass, _from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        Err(ConnectorError::unsupported("show what was deleted"))
    }

    /// Does what of the operation has not been done yet.
    async fn write(&self, operation: &Operation) -> Result<Outcome, ConnectorError>;

    /// Does many operations, each for itself: one that fails does not stop the others. The answers are in the order of the
    /// operations.
    async fn write_all(&self, operations: &[Operation]) -> Vec<Result<Outcome, ConnectorError>> {
        let mut outcomes = Vec::with_capacity(operations.len());
        for operation in operations {
            outcomes.push(self.write(operation).await);
        }
        outcomes
    }

    /// Ends what the account is signed in with, and looks whether it worked.
    async fn revoke_sessions(&self, _account: &ObjectKey) -> Result<Revocation, ConnectorError> {
        Ok(Revocation::Impossible { reason: "this kind of target keeps no sessions".to_owned(), residual_s: None })
    }
}
