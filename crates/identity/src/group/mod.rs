//! Groups as their desk sees them: what lies in what and in circles, who is in them by which way, which nobody needs any more,
//! and how such a one is emptied, deleted and brought back.
//!
//! Members are accounts. A group that lies in another gives the other to its members, too; groups in a circle have the same
//! members.

mod life;
mod members;
mod nesting;
mod outside;
mod owner;
mod read;
pub mod sql;
mod stale;

use kernel::Timestamp;
use kernel::id::{AccountId, EntitlementId, PersonId};
use serde::Serialize;

pub use life::{GroupCommand, GroupLife, Kept, LifeState, RestoredGroup, Taken};
pub(crate) use nesting::report_cycles;
pub use outside::OutsideMember;
pub(crate) use outside::keep as keep_outside;
pub use owner::Appointment;
pub use read::GroupReading;
pub use stale::StaleGroups;

use crate::entitlement::EntitlementKind;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupView {
    pub id: EntitlementId,
    pub system: String,
    pub name: String,
    pub title: Option<String>,
    pub kind: EntitlementKind,
    pub native_id: Option<String>,
    /// The number of the person who answers for it.
    pub owner: Option<String>,
    pub privileged: bool,
    /// Accounts that are in it themselves.
    pub direct: u64,
    /// Accounts that are in it by whatever way.
    pub effective: u64,
    /// Members, among these counts, that lie outside of what is read of the system, by whatever way.
    pub outside: u64,
    /// What it lies in, and what lies in it, as `system/name`.
    pub parents: Vec<String>,
    pub children: Vec<String>,
    /// The groups with which it lies in a circle, one way round; empty: in none.
    pub cycle: Vec<String>,
    /// When an account that is in it was last used; `None`: nobody knows.
    pub last_use: Option<Timestamp>,
    pub life: Option<GroupLife>,
    pub gone: Option<Timestamp>,
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupMember {
    pub account: AccountId,
    pub system: String,
    pub login: String,
    pub person: Option<PersonId>,
    /// From the group that the account is in itself to this one, as `system/name`; one: a member itself.
    pub path: Vec<String>,
    pub last_use: Option<Timestamp>,
}

kernel::words! {
    /// How somebody is in a group.
    MemberWay {
        /// The account itself is.
        Direct = "direct",
        /// Only by a group that lies in it.
        Nested = "nested",
    }
}

kernel::words! {
    /// Who holds an account that is in a group.
    MemberHolder {
        Person = "person",
        /// Nobody on record: a service account, or an orphan.
        Account = "account",
    }
}

/// Which members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberQuestion {
    /// In the login, or in the name, number or address of the person.
    pub text: Option<String>,
    pub way: Option<MemberWay>,
    pub holder: Option<MemberHolder>,
    /// `next` of the page before.
    pub after: Option<AccountId>,
    /// At most so many, and never more than 10,000.
    pub limit: usize,
}

/// Some members, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupMembers {
    pub members: Vec<GroupMember>,
    /// Who is in it by whatever way and lies outside of what is read of the system; on the first page, and where neither way
    /// nor holder is asked for.
    pub outside: Vec<OutsideMember>,
    /// All that are in it.
    pub total: u64,
    /// Those among them that were asked for, and may be seen.
    pub found: u64,
    /// Ask with this for those that follow; `None`: these were the last.
    pub next: Option<AccountId>,
}
