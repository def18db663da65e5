//! What people ask: who is there, what they have and why, what it costs.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;
use kernel::id::{AccountId, PersonId};
use serde::Serialize;
use store::{DeadlineRecord, params};

use crate::account::{self, Account};
use crate::assignment::{self, Assignment};
use crate::compute::{self, Access, Line, Phase};
use crate::engagement::{Engagement, EngagementSheet};
use crate::entitlement::{Entitlement, EntitlementKind};
use crate::error::Error;
use crate::names::NameBook;
use crate::person::{self, Person};
use crate::plan::{PlanItem, Proposer};
use crate::policy::Matcher;
use crate::room::Identity;
use crate::slice::{self, Slice};
use crate::sql;

/// One person with everything.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonView {
    pub person: Person,
    /// What sources call them: source, anchor.
    pub anchors: Vec<(String, String)>,
    pub phase: Phase,
    pub engagements: Vec<Engagement>,
    /// Access as it is computed now, with its reasons.
    pub access: Vec<Line>,
    /// Every assignment there ever was, the latest first.
    pub assignments: Vec<Assignment>,
    pub accounts: Vec<Account>,
    /// What plans did, the latest first.
    pub changes: Vec<PlanItem>,
    /// When access may change by the clock alone.
    pub next: Option<Timestamp>,
}

/// What somebody had on a day, as it was known on another.
#[derive(Debug, Clone, PartialEq)]
pub struct PastView {
    pub person: Person,
    pub engagements: Vec<EngagementSheet>,
    pub access: Vec<Line>,
}

/// A licence on an account that nobody uses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IdleLicence {
    pub account: AccountId,
    pub person: Option<PersonId>,
    pub system: String,
    pub login: String,
    pub status: String,
    pub licence: String,
    pub cost_yearly: f64,
}

/// What a licence costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LicenceCost {
    pub system: String,
    pub licence: String,
    pub accounts: u64,
    pub idle: u64,
    pub cost_yearly: f64,
    pub idle_cost_yearly: f64,
}

/// Somebody whose record is restricted, and what tells of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestrictedRecord {
    pub person: PersonId,
    pub name: String,
    pub accounts: Vec<kernel::id::AccountId>,
    pub logins: BTreeSet<String>,
}

impl Identity {
    /// People whose name, number or mail contains a text, by name.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn search_people(&self, text: &str, limit: u32) -> Result<Vec<Person>, Error> {
        person::search(&mut self.store.clone(), text, limit).await
    }

    /// People whose record is seen by few.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn restricted_people(&self) -> Result<BTreeSet<PersonId>, Error> {
        let rows = self.store.fetch_all(&sql::RESTRICTED_PEOPLE, params![]).await?;
        rows.iter().map(|row| Ok(row.id("id")?)).collect()
    }

    /// People whose record is seen by few, with all by which answers could tell of them.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn restricted_records(&self) -> Result<Vec<RestrictedRecord>, Error> {
        let mut records = Vec::new();
        for id in self.restricted_people().await? {
            let mut read = self.store.clone();
            let name = person::must(&mut read, id).await?.sheet.display_name();
            let accounts = account::of_person(&mut read, id).await?;
            let logins = accounts.iter().map(|account| account.login.clone()).collect();
            records.push(RestrictedRecord {
                person: id,
                name,
                accounts: accounts.iter().map(|account| account.id).collect(),
                logins,
            });
        }
        Ok(records)
    }

    /// One person with everything.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id.
    pub async fn person_view(&self, id: PersonId) -> Result<PersonView, Error> {
        let mut read = self.store.clone();
        let known = self.known().await?;
        let subject = compute::load(&mut read, id).await?;
        let now = self.now();
        let access = compute::access(&known.policy, &known.catalog, &subject, now, &mut Matcher::default());
        let anchors = self.store.fetch_all(&sql::ANCHORS_OF, params![id]).await?;
        let anchors = anchors
            .iter()
            .map(|row| Ok((row.text("source")?.to_owned(), row.text("anchor")?.to_owned())))
            .collect::<Result<_, Error>>()?;
        Ok(PersonView {
            anchors,
            phase: access.phase,
            next: access.next.filter(|next| *next < Timestamp::MAX),
            access: access.lines,
            engagements: subject.contracts.into_iter().map(|contract| contract.engagement).collect(),
            assignments: assignment::history(&mut read, id).await?,
            accounts: subject.accounts,
            changes: self.plan_items_of(id).await?,
            person: subject.person,
        })
    }

    /// What somebody should have had at `at`, from what was known at `known_at`, by today's rules.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id.
    pub async fn past_view(&self, id: PersonId, at: Timestamp, known_at: Timestamp) -> Result<PastView, Error> {
        let mut read = self.store.clone();
        let known = self.known().await?;
        let mut subject = compute::load(&mut read, id).await?;
        let history: Vec<Slice<crate::person::PersonSheet>> = slice::history(&mut read, &id.to_string()).await?;
        if let Some(sheet) = slice::as_of(&history, at, known_at) {
            subject.person.sheet = sheet.sheet.clone();
        }
        for contract in &mut subject.contracts {
            let all: Vec<Slice<EngagementSheet>> =
                slice::history(&mut read, &contract.engagement.id.to_string()).await?;
            let believed = |slice: &Slice<EngagementSheet>| {
                slice.recorded <= known_at && slice.superseded.is_none_or(|superseded| known_at < superseded)
            };
            contract.slices = all.into_iter().filter(believed).collect();
            contract.slices.sort_by_key(|slice| slice.from);
        }
        subject.contracts.retain(|contract| !contract.slices.is_empty());
        subject.assignments = assignment::history(&mut read, id).await?;
        let then = |assignment: &Assignment| {
            assignment.recorded <= known_at
                && assignment.from <= at
                && assignment.until.is_none_or(|until| at < until)
                && assignment.ended.is_none_or(|ended| at < ended)
        };
        subject.assignments.retain(then);
        for assignment in &mut subject.assignments {
            assignment.ended = None;
        }
        subject.person.blocked = subject.person.blocked.filter(|blocked| *blocked <= at);
        let Access { lines, .. } =
            compute::access(&known.policy, &known.catalog, &subject, at, &mut Matcher::default());
        let engagements = subject.contracts.iter().map(|contract| contract.sheet_at(at).clone()).collect();
        Ok(PastView { person: subject.person, engagements, access: lines })
    }

    /// What would change for one person now: nothing, unless policy or the clock moved on.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id.
    pub async fn pending_changes(&self, id: PersonId) -> Result<Vec<PlanItem>, Error> {
        let mut read = self.store.clone();
        let known = self.known().await?;
        let subject = compute::load(&mut read, id).await?;
        let mut proposer = Proposer::new(&known.policy, &known.catalog, self.now(), NameBook::default());
        Ok(proposer.person(&mut read, &subject).await?.items)
    }

    /// Accounts, of a system or of all, in the order of their systems.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn accounts(&self, system: Option<&str>) -> Result<Vec<Account>, Error> {
        let mut read = self.store.clone();
        match system {
            Some(system) => account::of_system(&mut read, system).await,
            None => account::all(&mut read).await,
        }
    }

    /// Some accounts by login.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn account_page(&self, question: &account::AccountQuestion) -> Result<account::AccountPage, Error> {
        account::page(&mut self.store.clone(), question).await
    }

    /// One account.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id.
    pub async fn account(&self, id: AccountId) -> Result<Account, Error> {
        account::must(&mut self.store.clone(), id).await
    }

    /// Promises of this room that are open, the earliest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn promises(&self) -> Result<Vec<DeadlineRecord>, Error> {
        Ok(self.store.pending_deadlines("identity.").await?)
    }

    /// What licences cost in a year, and which of them lie on accounts that are disabled.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn licences(&self) -> Result<(Vec<LicenceCost>, Vec<IdleLicence>), Error> {
        let mut read = self.store.clone();
        let known = self.known().await?;
        let accounts: BTreeMap<AccountId, Account> =
            account::all(&mut read).await?.into_iter().map(|account| (account.id, account)).collect();
        let mut costs: BTreeMap<(String, String), LicenceCost> = BTreeMap::new();
        let mut idle = Vec::new();
        for (account, entitlement, _) in account::all_holdings(&mut read).await? {
            let licence = known.catalog.entitlement(entitlement).filter(|one| one.kind == EntitlementKind::Licence);
            let (Some(licence), Some(account)) = (licence, accounts.get(&account)) else { continue };
            let cost = licence.cost_yearly.unwrap_or(0.0);
            let is_idle = account.status != account::Status::Enabled;
            let total = costs.entry((licence.system.clone(), licence.name.clone())).or_insert_with(|| LicenceCost {
                system: licence.system.clone(),
                licence: licence.name.clone(),
                accounts: 0,
                idle: 0,
                cost_yearly: 0.0,
                idle_cost_yearly: 0.0,
            });
            total.accounts += 1;
            total.cost_yearly += cost;
            if is_idle {
                total.idle += 1;
                total.idle_cost_yearly += cost;
                idle.push(idle_licence(account, licence, cost));
            }
        }
        Ok((costs.into_values().collect(), idle))
    }
}

fn idle_licence(account: &Account, licence: &Entitlement, cost: f64) -> IdleLicence {
    IdleLicence {
        account: account.id,
        person: account.person,
        system: account.system.clone(),
        login: account.login.clone(),
        status: account.status.to_string(),
        licence: licence.name.clone(),
        cost_yearly: cost,
    }
}
