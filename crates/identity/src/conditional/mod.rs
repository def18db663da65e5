//! Conditional access as the desk keeps it: policies as documents with every version, people as policies see them, sign-ins as
//! the lake recorded them. The judgement itself is of the crate `conditional_access`.

mod directory;
mod recorded;
pub mod sql;

use conditional_access::entra::{Exported, Names};
use conditional_access::{Policies, PolicyState, PolicyText, break_glass};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use store::params;

use crate::document::{Document, DocumentKind};
use crate::error::{Error, Refusal};
use crate::room::{Identity, Turn};

pub use directory::Directory;
pub use recorded::{recorded, sign_ins};

const MOST: u32 = 1_000;

/// The document `conditional-access.KEY`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionalAccess {
    pub title: String,
    /// The number of the person who answers for it.
    pub owner: String,
    pub state: PolicyState,
    /// `forbid` statements of Cedar over the schema of `conditional_access`.
    pub cedar: String,
}

/// A policy as it was saved once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyVersion {
    pub key: String,
    pub version: i64,
    pub title: String,
    pub state: PolicyState,
    pub cedar: String,
    pub saved: Timestamp,
    pub saved_by: String,
    pub reason: String,
}

impl ConditionalAccess {
    /// As it is judged by.
    pub fn text(&self, key: &str) -> PolicyText {
        PolicyText { key: key.to_owned(), title: self.title.clone(), state: self.state, cedar: self.cedar.clone() }
    }

    /// Whether it can be used; one that is on must let accounts of the last resort through, in whatever circumstances.
    ///
    /// # Errors
    /// What is wrong, with the place.
    pub fn check(&self, key: &str) -> Result<(), Refusal> {
        let place = format!("conditional-access {key}");
        let text = self.text(key);
        let policies = Policies::compile([&text]).map_err(|faults| {
            let all: Vec<String> = faults.iter().map(|fault| fault.problem.clone()).collect();
            Refusal::bad(place.clone(), all.join("; "))
        })?;
        if self.state != PolicyState::On {
            return Ok(());
        }
        let look = break_glass::look(&policies, &[], &[]);
        let Some(held_up) = look.held_up.first() else { return Ok(()) };
        let sign_in = serde_json::to_string(&held_up.sign_in).unwrap_or_default();
        Err(Refusal::bad(
            place,
            format!(
                "it holds up an account of the last resort: write `unless {{ principal.break_glass }}` into each statement. \
                 Found with {sign_in}"
            ),
        ))
    }
}

/// Keeps a version of a policy that was saved.
pub(crate) async fn keep_version(turn: &mut Turn, document: &Document) -> Result<(), Error> {
    let policy: ConditionalAccess = document.read()?;
    policy.check(&document.key)?;
    let row = params![
        &document.key,
        document.version,
        &policy.title,
        policy.state.as_str(),
        &policy.cedar,
        document.updated,
        &document.updated_by,
        &turn.reason,
    ];
    turn.tx.execute_one(&sql::INSERT_CONDITIONAL_VERSION, row).await?;
    Ok(())
}

impl Identity {
    /// The policies of the house, whatever their state, with the documents that they are in.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; [`Error::Refused`] when a document cannot be read.
    pub async fn conditional_policies(&self) -> Result<Vec<(Document, ConditionalAccess)>, Error> {
        let documents = self.documents(DocumentKind::ConditionalAccess).await?;
        documents.into_iter().map(|one| one.read().map(|policy| (one, policy)).map_err(Error::from)).collect()
    }

    /// Every version of a policy, the latest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there never was one of that key.
    pub async fn conditional_versions(&self, key: &str) -> Result<Vec<PolicyVersion>, Error> {
        let rows = self.store.fetch_all(&sql::CONDITIONAL_VERSIONS, params![key, MOST]).await?;
        if rows.is_empty() {
            return Err(Error::missing("policy", key));
        }
        let one = |row: &store::Row| {
            Ok(PolicyVersion {
                key: row.text("policy")?.to_owned(),
                version: row.int("version")?,
                title: row.text("title")?.to_owned(),
                state: row.parse("state")?,
                cedar: row.text("cedar")?.to_owned(),
                saved: row.time("saved_us")?,
                saved_by: row.text("saved_by")?.to_owned(),
                reason: row.text("reason")?.to_owned(),
            })
        };
        rows.iter().map(one).collect()
    }

    /// A policy as Entra would have it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] when it cannot be used.
    pub async fn export_conditional(&self, key: &str, names: &Names) -> Result<Vec<Exported>, Error> {
        let document = self.document(DocumentKind::ConditionalAccess, key).await?;
        let policy: ConditionalAccess = document.read()?;
        let exported = conditional_access::entra::export(&policy.text(key), names);
        exported.map_err(|fault| Refusal::bad(format!("conditional-access {key}"), fault.problem).into())
    }
}
