//! Groups and their members for those who look.

use std::collections::{BTreeSet, HashSet};

use kernel::id::{EntitlementId, PersonId};
use store::Read;

use super::life;
use super::nesting::Nesting;
use super::{GroupMember, GroupMembers, GroupView, MemberHolder, MemberQuestion, MemberWay, OutsideMember};
use crate::account::Account;
use crate::entitlement::EntitlementKind;
use crate::error::Error;
use crate::room::Identity;

const MOST: usize = 10_000;
const MOST_PEOPLE: u32 = 1_000_000;

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

    /// Who is in a group, by whatever way, each with a shortest way; some at a time, by the id of the account. `hidden`: people
    /// whose accounts are neither shown nor found.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such group.
    pub async fn group_members(
        &self,
        id: EntitlementId,
        question: &MemberQuestion,
        hidden: &BTreeSet<PersonId>,
    ) -> Result<GroupMembers, Error> {
        let nesting = Nesting::load(&mut self.store.clone()).await?;
        let number = nesting.number(id)?;
        let direct = nesting.closure.holdings().direct_members(number).iter().collect();
        let wanted = Wanted::new(self, question, direct).await?;
        let limit = question.limit.clamp(1, MOST);
        let (mut members, mut found, mut more): (Vec<GroupMember>, u64, bool) = (Vec::new(), 0, false);
        for (user, account) in nesting.members(number).filter(|(user, account)| wanted.fits(*user, account)) {
            if account.person.is_some_and(|person| hidden.contains(&person)) {
                continue;
            }
            found += 1;
            if question.after.is_some_and(|after| account.id <= after) {
                continue;
            }
            if members.len() == limit {
                more = true;
                continue;
            }
            members.push(GroupMember {
                account: account.id,
                system: account.system.clone(),
                login: account.login.clone(),
                person: account.person,
                path: nesting.path(user, number),
                last_use: account.last_use,
            });
        }
        let next = members.last().filter(|_| more).map(|last| last.account);
        let beyond = nesting.outside(number);
        let total = nesting.closure.members(number).len() + beyond.len() as u64;
        let fits = |one: &&OutsideMember| wanted.text.is_empty() || one.name.to_lowercase().contains(&wanted.text);
        let outside: Vec<OutsideMember> = match (question.way, question.holder) {
            (None, None | Some(MemberHolder::Account)) => beyond.iter().filter(fits).cloned().collect(),
            _ => Vec::new(),
        };
        found += outside.len() as u64;
        let outside = if question.after.is_none() { outside } else { Vec::new() };
        Ok(GroupMembers { members, outside, total, found, next })
    }
}

/// A question, ready.
struct Wanted<'a> {
    question: &'a MemberQuestion,
    /// In lower case.
    text: String,
    /// Whom the text finds by name, number or address.
    people: HashSet<PersonId>,
    direct: HashSet<u32>,
}

impl<'a> Wanted<'a> {
    async fn new(room: &Identity, question: &'a MemberQuestion, direct: HashSet<u32>) -> Result<Wanted<'a>, Error> {
        let text = question.text.as_deref().map(str::trim).unwrap_or_default().to_lowercase();
        let people = match text.is_empty() {
            true => HashSet::new(),
            false => room.search_people(&text, MOST_PEOPLE).await?.into_iter().map(|person| person.id).collect(),
        };
        Ok(Wanted { question, text, people, direct })
    }

    fn fits(&self, user: u32, account: &Account) -> bool {
        let by_way = match self.question.way {
            None => true,
            Some(MemberWay::Direct) => self.direct.contains(&user),
            Some(MemberWay::Nested) => !self.direct.contains(&user),
        };
        let by_holder = match self.question.holder {
            None => true,
            Some(MemberHolder::Person) => account.person.is_some(),
            Some(MemberHolder::Account) => account.person.is_none(),
        };
        let named = || account.person.is_some_and(|person| self.people.contains(&person));
        by_way && by_holder && (self.text.is_empty() || account.login.to_lowercase().contains(&self.text) || named())
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
            direct: nesting.direct.get(&one.id).copied().unwrap_or(0) + nesting.outside_itself(one.id),
            effective: nesting.closure.members(number).len() + nesting.outside(number).len() as u64,
            outside: nesting.outside(number).len() as u64,
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
