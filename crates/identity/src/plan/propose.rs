//! Computing plans: from people and policy to what changes, without writing anything.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;
use kernel::id::{AccountId, PersonId};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use store::Read;

use super::{PlanItem, change, reasons, summary};
use crate::account::{Account, Wanted};
use crate::compute::{self, Access, Catalog, Draft, Subject};
use crate::engagement::{EngagementSheet, EngagementState};
use crate::error::{Error, Refusal};
use crate::last_holder::{Kept, LastHolders, Losing};
use crate::names::{self, NameBook, Namesake};
use crate::policy::{Facts, Matcher, Policy};

/// Works through people with one policy at one instant.
pub(crate) struct Proposer<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) catalog: &'a Catalog,
    pub(crate) now: Timestamp,
    pub(crate) book: NameBook,
    matcher: Matcher,
    last: LastHolders,
}

/// What changes for one person.
#[derive(Debug)]
pub(crate) struct PersonPlan {
    pub(crate) access: Access,
    pub(crate) items: Vec<PlanItem>,
    /// Contracts whose state is another than the one that is stored: place in the subject, state now.
    pub(crate) states: Vec<(usize, EngagementState)>,
    /// Accounts that cannot be planned, with the reason.
    pub(crate) faults: Vec<(String, Refusal)>,
    /// What was judged because it is privileged: it goes, or stays because nobody else holds it.
    pub(crate) judged: Vec<Kept>,
}

impl<'a> Proposer<'a> {
    /// With an empty book that asks for what it does not know.
    pub(crate) fn new(policy: &'a Policy, catalog: &'a Catalog, now: Timestamp, book: NameBook) -> Proposer<'a> {
        Proposer { policy, catalog, now, book, matcher: Matcher::default(), last: LastHolders::default() }
    }

    /// What changes for one person.
    pub(crate) async fn person(&mut self, read: &mut impl Read, subject: &Subject) -> Result<PersonPlan, Error> {
        let access = compute::access(self.policy, self.catalog, subject, self.now, &mut self.matcher);
        let mut plan = PersonPlan {
            items: Vec::new(),
            states: self.states(subject),
            faults: Vec::new(),
            judged: Vec::new(),
            access,
        };
        for fault in &plan.access.faults {
            plan.faults.push((String::new(), fault.clone()));
        }
        for draft in compute::drafts(self.policy, subject, &plan.access, self.now) {
            match self.account(read, subject, &plan.access, &draft, &mut plan.judged).await {
                Ok(item) => plan.items.extend(item),
                Err(Error::Refused(fault)) => plan.faults.push((draft.system.clone(), fault)),
                Err(other) => return Err(other),
            }
        }
        Ok(plan)
    }

    fn states(&self, subject: &Subject) -> Vec<(usize, EngagementState)> {
        let now = |(at, contract): (usize, &compute::Contract)| {
            let state = compute::state_of(self.policy, subject, contract, self.now);
            (state != contract.engagement.state).then_some((at, state))
        };
        subject.contracts.iter().enumerate().filter_map(now).collect()
    }

    async fn account(
        &mut self,
        read: &mut impl Read,
        subject: &Subject,
        access: &Access,
        draft: &Draft,
        judged: &mut Vec<Kept>,
    ) -> Result<Option<PlanItem>, Error> {
        let account = draft.account.and_then(|id| subject.accounts.iter().find(|account| account.id == id));
        let before = account.and_then(|account| account.wanted.as_ref());
        let nowhere = empty_sheet(self.now);
        let (key, sheet) = match access.primary.and_then(|at| subject.contracts.get(at)) {
            Some(contract) => (contract.engagement.source_key.as_str(), contract.sheet_at(self.now)),
            None => ("", &nowhere),
        };
        let facts = Facts::new(self.policy, &subject.person, key, sheet).value();
        let person = subject.person.id;
        let mut wanted = match account.filter(|_| draft.second) {
            Some(account) => compute::wanted_of_second(draft, account),
            None => {
                let beside = names_beside(subject, draft);
                let whose = Namesake { system: &draft.system, person, facts: &facts, before, beside, now: self.now };
                let named = names::settle(&mut self.book, read, self.policy, &whose).await?;
                compute::wanted(self.policy, draft, &person.uuid().to_string(), &facts, &named)?
            }
        };
        if let Some(account) = account {
            let losing = Losing { account, person, phase: access.phase, now: self.now };
            judged.extend(self.last.keep(read, (self.policy, self.catalog), &losing, &mut wanted).await?);
        }
        let Some(kind) = change(before, &wanted) else { return Ok(None) };
        Ok(Some(PlanItem {
            position: 0,
            person: Some(person),
            person_name: Some(subject.person.sheet.display_name()),
            account: draft.account,
            system: draft.system.clone(),
            change: kind,
            summary: summary(before, &wanted, kind),
            base_version: account.map_or(0, |account| account.version),
            before: before.cloned(),
            after: Some(wanted),
            why: reasons(&access.lines, &draft.system),
        }))
    }
}

/// Names of the other accounts of the person in the system.
fn names_beside(subject: &Subject, draft: &Draft) -> BTreeSet<String> {
    let beside = subject.accounts.iter().filter(|one| one.system == draft.system && Some(one.id) != draft.account);
    let names = |account: &Account| {
        let named = account.wanted.iter().flat_map(|wanted| wanted.names.values().cloned());
        named.chain([account.login.clone()]).map(|name| name.to_lowercase()).collect::<Vec<_>>()
    };
    beside.flat_map(names).collect()
}

/// For people who have no contract at all: the words of templates are empty.
fn empty_sheet(now: Timestamp) -> EngagementSheet {
    let begins = now.date_text().parse().unwrap_or(jiff::civil::Date::constant(1970, 1, 1));
    EngagementSheet {
        begins,
        ends: None,
        standing: crate::engagement::Standing::Cancelled,
        station: None,
        org_unit: None,
        job: None,
        grade: None,
        manager: None,
        extra: BTreeMap::new(),
    }
}

/// The id of the account of a person in a system; the same whenever it is computed.
pub(crate) fn account_id(system: &str, person: PersonId, wanted: &Wanted, count: usize) -> AccountId {
    let digest = Sha256::digest(format!("account\n{system}\n{person}\n{}\n{count}", wanted.login));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    AccountId::derived(bytes)
}

/// What two computations of the same plan have in common: everything but the ids of what is to be created.
pub(crate) fn fingerprint(items: &[PlanItem]) -> String {
    let mut lines: Vec<String> = items
        .iter()
        .map(|item| {
            let after = item.after.as_ref().map_or(Json::Null, |after| serde_json::json!(after));
            format!("{:?}\n{}\n{}\n{after}", item.person, item.system, item.change)
        })
        .collect();
    lines.sort();
    hex::encode(Sha256::digest(lines.join("\u{1e}")))
}
