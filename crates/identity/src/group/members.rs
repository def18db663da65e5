//! Groups and their members for those who look.

use kernel::id::{AccountId, EntitlementId};
use store::Read;

use super::life;
use super::nesting::Nesting;
use super::{GroupMember, GroupMembers, GroupView};
use crate::entitlement::EntitlementKind;
use crate::error::Error;
use crate::room::Identity;

const MOST: usize = 10_000;

impl Identity {
    /// Groups and distribution lists of a system, or of all, by system and name.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn groups(&self, system: Option<&str>) -> Result<Vec<GroupView>, Error> {
        let mut read = self.store.clone();
        let nesting = Nesting::load(&mut read).await?;
        views(&mut read, &nesting, system).await
    }

    /// Who is in a group, by whatever way, each with a shortest way; `limit` at a time, by the id of the account.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such group.
    pub async fn group_members(
        &self,
        id: EntitlementId,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<GroupMembers, Error> {
        let nesting = Nesting::load(&mut self.store.clone()).await?;
        let number = nesting.number(id)?;
        let total = nesting.closure.members(number).len();
        let limit = limit.clamp(1, MOST);
        let mut left = nesting.members(number).filter(|(_, account)| after.is_none_or(|after| account.id > after));
        let members: Vec<GroupMember> = left
            .by_ref()
            .take(limit)
            .map(|(user, account)| GroupMember {
                account: account.id,
                system: account.system.clone(),
                login: account.login.clone(),
                person: account.person,
                path: nesting.path(user, number),
                last_use: account.last_use,
            })
            .collect();
        let next = left.next().and(members.last()).map(|last| last.account);
        Ok(GroupMembers { members, total, next })
    }
}

/// Groups as they are seen.
pub(super) async fn views(
    read: &mut impl Read,
    nesting: &Nesting,
    system: Option<&str>,
) -> Result<Vec<GroupView>, Error> {
    let mut lives = life::all(read).await?;
    let is_group = |kind| matches!(kind, EntitlementKind::Group | EntitlementKind::DistributionList);
    let chosen = nesting.groups.iter().filter(|one| is_group(one.kind) && system.is_none_or(|key| key == one.system));
    let view = |one: &crate::entitlement::Entitlement| {
        let number = nesting.number(one.id)?;
        let holdings = nesting.closure.holdings();
        let groups = |all: &[u32]| nesting.labels(all.iter().copied().map(entitlements::Group));
        Ok(GroupView {
            id: one.id,
            system: one.system.clone(),
            name: one.name.clone(),
            title: one.title.clone(),
            kind: one.kind,
            native_id: one.native_id.clone(),
            owner: one.owner.clone(),
            privileged: one.privileged,
            direct: nesting.direct.get(&one.id).copied().unwrap_or(0),
            effective: nesting.closure.members(number).len(),
            parents: groups(holdings.parents_of(number.0)),
            children: groups(holdings.children_of(number.0)),
            cycle: nesting.cycle(number),
            last_use: nesting.members(number).filter_map(|(_, account)| account.last_use).max(),
            life: lives.remove(&one.id),
            gone: one.gone,
        })
    };
    chosen.map(view).collect()
}
