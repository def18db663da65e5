//! Who is asked, and who instead when they are not here. Silence is never a yes: when nobody is left, nobody is asked,
//! and a finding says so.

use std::collections::{BTreeSet, HashMap};

use kernel::id::PersonId;
use kernel::{Actor, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Read, params};

use crate::document::{self, DocumentKind};
use crate::duty_sql;
use crate::engagement::{self, Engagement, EngagementState};
use crate::error::{Error, Refusal};
use crate::person::{self, Person, PersonState};
use crate::role::Role;
use crate::room::Identity;
use crate::system::{Risk, System};

/// A function in which somebody decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approver {
    Manager,
    ManagersManager,
    /// Who answers for somebody without a human-resources record.
    Sponsor,
    /// The owner of the role or entitlement that is asked for.
    Owner,
    /// The owner of the system.
    SystemOwner,
    /// A person by number.
    Person(String),
    /// Whoever is first in the policy's list of security officers.
    Security,
}

/// How it is decided in general: the document `approval-policy.house`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalPolicy {
    pub title: String,
    /// Numbers of the security officers, in the order in which they are asked.
    pub security: Vec<String>,
    /// Who is asked when the one who should be is not here, in this order.
    pub fallback: Vec<Approver>,
    /// Hours until somebody else is asked.
    pub stage_hours: i64,
    /// The longest exception of separation of duties.
    pub exception_days: i64,
    /// The longest time for which access is given by request.
    pub request_days: i64,
}

impl Default for ApprovalPolicy {
    fn default() -> ApprovalPolicy {
        ApprovalPolicy {
            title: "Approvals".to_owned(),
            security: Vec::new(),
            fallback: vec![Approver::ManagersManager, Approver::Owner, Approver::Security],
            stage_hours: 72,
            exception_days: 180,
            request_days: 365,
        }
    }
}

/// How somebody came to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// It is theirs to decide.
    Function,
    /// For somebody who is away.
    Delegation,
    /// In place of somebody who is not here or did not answer.
    Fallback,
    /// Somebody put them there.
    Appointment,
}

/// One who can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub person: PersonId,
    pub via: Via,
    /// In whose place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<PersonId>,
    /// Why they were appointed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What is asked for and about whom: who its owners are depends on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matter {
    /// Numbers of owners of roles and entitlements.
    pub(crate) owners: Vec<String>,
    pub(crate) systems: BTreeSet<String>,
}

/// People as far as decisions need them.
pub(crate) struct Directory {
    people: HashMap<PersonId, Person>,
    by_number: HashMap<String, PersonId>,
    engagements: HashMap<PersonId, Vec<Engagement>>,
    delegates: HashMap<PersonId, PersonId>,
    system_owners: HashMap<String, String>,
    rule_owners: HashMap<String, String>,
    pub(crate) policy: ApprovalPolicy,
}

impl Directory {
    pub(crate) async fn load(read: &mut impl Read, now: Timestamp) -> Result<Directory, Error> {
        let people: HashMap<PersonId, Person> =
            person::all(read).await?.into_iter().map(|person| (person.id, person)).collect();
        let numbered = people.values().filter(|one| one.state == PersonState::Active);
        let by_number = numbered.filter_map(|one| Some((one.sheet.number.clone()?, one.id))).collect();
        let mut engagements: HashMap<PersonId, Vec<Engagement>> = HashMap::new();
        for engagement in engagement::all(read).await? {
            engagements.entry(engagement.person).or_default().push(engagement);
        }
        let rows = read.rows(&duty_sql::DELEGATIONS, params![now]).await?;
        let mut delegates = HashMap::new();
        for row in &rows {
            delegates.entry(row.id("person_id")?).or_insert(row.id("delegate_id")?);
        }
        let (mut system_owners, mut rule_owners) = (HashMap::new(), HashMap::new());
        for document in document::all(read).await? {
            match document.kind {
                DocumentKind::System => {
                    system_owners.insert(document.key.clone(), document.read::<System>()?.owner);
                }
                DocumentKind::SodRule => {
                    rule_owners.insert(document.key.clone(), document.read::<crate::sod::SodRule>()?.owner);
                }
                _ => {}
            }
        }
        let policy = policy(read).await?;
        Ok(Directory { people, by_number, engagements, delegates, system_owners, rule_owners, policy })
    }

    pub(crate) fn numbered(&self, number: &str) -> Option<PersonId> {
        self.by_number.get(number).copied()
    }

    /// The number of who owns the risk of a rule.
    pub(crate) fn rule_owner(&self, rule: &str) -> Option<String> {
        self.rule_owners.get(rule).cloned()
    }

    pub(crate) fn name(&self, person: PersonId) -> String {
        self.people.get(&person).map_or_else(|| person.to_string(), |one| one.sheet.display_name())
    }

    /// Here, not on leave, not locked out. Somebody without a contract on record is here as long as nobody blocked them.
    pub(crate) fn is_here(&self, person: PersonId) -> bool {
        let Some(one) = self.people.get(&person) else { return false };
        let contracts = self.engagements.get(&person);
        let works = contracts.is_none_or(|all| all.iter().any(|one| one.state == EngagementState::Active));
        one.state == PersonState::Active && one.blocked.is_none() && works
    }

    fn manager(&self, person: PersonId) -> Option<PersonId> {
        let contracts = self.engagements.get(&person)?;
        let is_theirs = |one: &&Engagement| one.state.is_live() || one.state == EngagementState::Future;
        // Of somebody who left, the last contract still tells whose people their people are.
        let named = contracts.iter().filter(is_theirs).chain(contracts.last());
        named.filter_map(|one| one.sheet.manager.as_deref()).find_map(|number| self.numbered(number))
    }

    /// Duty station, unit and job of a person now.
    pub(crate) fn post(&self, person: PersonId) -> Option<&Engagement> {
        let contracts = self.engagements.get(&person)?;
        contracts.iter().find(|one| one.state.is_live()).or_else(|| contracts.last())
    }

    fn holders(&self, approver: &Approver, subject: PersonId, matter: &Matter) -> Vec<PersonId> {
        let numbers = |numbers: &[String]| numbers.iter().filter_map(|number| self.numbered(number)).collect();
        match approver {
            Approver::Manager => self.manager(subject).into_iter().collect(),
            Approver::ManagersManager => {
                self.manager(subject).and_then(|manager| self.manager(manager)).into_iter().collect()
            }
            Approver::Sponsor => {
                let number = self.people.get(&subject).and_then(|one| one.sheet.sponsor.clone());
                number.and_then(|number| self.numbered(&number)).into_iter().collect()
            }
            Approver::Owner => numbers(&matter.owners),
            Approver::SystemOwner => {
                let owners = matter.systems.iter().filter_map(|system| self.system_owners.get(system).cloned());
                numbers(&owners.collect::<Vec<_>>())
            }
            Approver::Person(number) => self.numbered(number).into_iter().collect(),
            Approver::Security => numbers(&self.policy.security),
        }
    }

    /// Everybody who can be asked in this function, in the order in which they are: who holds it, their delegates, then
    /// the policy's fallback. Nobody of `excluded` (who asks, whom it is for) is among them, be it as a delegate.
    pub(crate) fn candidates(
        &self,
        approver: &Approver,
        subject: PersonId,
        matter: &Matter,
        excluded: &BTreeSet<PersonId>,
    ) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        let mut add = |person: PersonId, via: Via, instead_of: Option<PersonId>| {
            let is_new = !found.iter().any(|one| one.person == person);
            if is_new && !excluded.contains(&person) && self.is_here(person) {
                found.push(Candidate { person, via, instead_of, because: None });
            }
        };
        let holders = self.holders(approver, subject, matter);
        for holder in &holders {
            match self.delegates.get(holder) {
                Some(delegate) => {
                    add(*delegate, Via::Delegation, Some(*holder));
                    add(*holder, Via::Function, None);
                }
                None => add(*holder, Via::Function, None),
            }
        }
        for fallback in &self.policy.fallback {
            for holder in self.holders(fallback, subject, matter) {
                let delegate = self.delegates.get(&holder);
                add(holder, Via::Fallback, holders.first().copied());
                if let Some(delegate) = delegate {
                    add(*delegate, Via::Delegation, Some(holder));
                }
            }
        }
        found
    }
}

pub(crate) async fn policy(read: &mut impl Read) -> Result<ApprovalPolicy, Error> {
    match document::find(read, DocumentKind::ApprovalPolicy, "house").await? {
        Some(document) if document.retired.is_none() => Ok(document.read()?),
        _ => Ok(ApprovalPolicy::default()),
    }
}

/// Owners and systems of what is asked for.
pub(crate) fn matter(inventory: &crate::inventory::Inventory, targets: &[crate::assignment::Target]) -> Matter {
    use crate::assignment::Target;
    let mut matter = Matter::default();
    for target in targets {
        match target {
            Target::Role(key) => {
                matter.owners.extend(inventory.roles.get(key).map(|role: &Role| role.owner.clone()));
            }
            Target::Entitlement(id) => {
                matter.owners.extend(inventory.entitlement(*id).and_then(|one| one.owner.clone()));
            }
        }
        matter.systems.extend(inventory.given_by(target).into_iter().map(|given| given.system.clone()));
    }
    matter.owners.dedup();
    matter
}

/// The worst of what is asked for: of roles and entitlements, and of the rules of separation of which they are a side.
pub(crate) fn risk(
    inventory: &crate::inventory::Inventory,
    rules: &crate::sod::Rules,
    targets: &[crate::assignment::Target],
) -> Risk {
    use crate::assignment::Target;
    let side = |grant: &crate::role::Grant| rules.sides_of(grant).first().map_or(Risk::Low, |(_, rule)| rule.risk);
    let given = targets.iter().flat_map(|target| inventory.given_by(target));
    let given = given.map(|given| given.risk.max(side(&given.grant())));
    let roles = targets.iter().filter_map(|target| match target {
        Target::Role(key) => inventory.roles.get(key).map(|role| role.risk),
        Target::Entitlement(_) => None,
    });
    given.chain(roles).max().unwrap_or_default()
}

/// The person behind an actor. Programs and rooms are nobody; whoever is locked out decides and asks for nothing.
pub(crate) async fn person_of(read: &mut impl Read, actor: &Actor) -> Result<PersonId, Error> {
    let Actor::User(user) = actor else {
        return Err(Refusal::rule("only a person can decide or ask; a program cannot").into());
    };
    match linked(read, user).await? {
        Some((person, false)) => Ok(person),
        Some((_, true)) => Err(Refusal::rule("you are locked out: another officer lets you in").into()),
        None => {
            let problem = format!("{user} signs in as nobody on record: have the access officer link it to a person");
            Err(Refusal::rule(problem).into())
        }
    }
}

/// Who a user is, by the record that stayed, and whether they are locked out. `None`: nobody on record.
pub(crate) async fn linked(read: &mut impl Read, user: &str) -> Result<Option<(PersonId, bool)>, Error> {
    let rows = read.rows(&duty_sql::LOGIN, params![user]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let id = crate::person::meant(read, row.id("person_id")?).await?;
    let blocked = crate::person::find(read, id).await?.is_some_and(|person| person.blocked.is_some());
    Ok(Some((id, blocked)))
}

/// Days for which somebody may decide in another's place at the longest.
pub const MOST_DELEGATION_DAYS: i64 = 90;

/// Somebody decides in another's place for a time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Delegation {
    /// In whose place.
    pub person: PersonId,
    pub delegate: PersonId,
    pub from: Timestamp,
    pub until: Timestamp,
    pub set_by: String,
}

async fn delegations(read: &mut impl Read, person: PersonId, now: Timestamp) -> Result<Vec<Delegation>, Error> {
    let rows = read.rows(&duty_sql::DELEGATIONS_OF, params![person, now]).await?;
    let one = |row: &store::Row| {
        Ok(Delegation {
            person: row.id("person_id")?,
            delegate: row.id("delegate_id")?,
            from: row.time("from_us")?,
            until: row.time("until_us")?,
            set_by: row.text("set_by")?.to_owned(),
        })
    };
    rows.iter().map(one).collect()
}

impl Identity {
    /// The person who signs in as a user.
    ///
    /// # Errors
    /// [`Error::Refused`] when nobody on record does.
    pub async fn person_behind(&self, actor: &Actor) -> Result<PersonId, Error> {
        person_of(&mut self.store.clone(), actor).await
    }

    /// Whether the person who signs in as a user is locked out: of Vigie as of everything else.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn is_locked_out(&self, user: &str) -> Result<bool, Error> {
        Ok(linked(&mut self.store.clone(), user).await?.is_some_and(|(_, blocked)| blocked))
    }

    /// Lets somebody decide for somebody else while they are away, in place of whoever was to before.
    ///
    /// # Errors
    /// [`Error::Refused`] for times that cross, that are over or that last for more than [`MOST_DELEGATION_DAYS`], or a
    /// delegation to oneself; [`Error::NotFound`] for unknown people.
    pub async fn delegate(
        &self,
        person: PersonId,
        delegate: PersonId,
        (from, until): (Timestamp, Timestamp),
        actor: &Actor,
    ) -> Result<(), Error> {
        if person == delegate {
            return Err(Refusal::bad("delegate", "it is the same person").into());
        }
        if until <= from {
            return Err(Refusal::bad("until", "it ends before it begins").into());
        }
        if until <= self.now() {
            return Err(Refusal::bad("until", "it is over already").into());
        }
        let latest = from.max(self.now()).plus_micros(MOST_DELEGATION_DAYS * 86_400_000_000);
        if until > latest {
            let problem = format!("{MOST_DELEGATION_DAYS} days at most, until {latest}: set it again then");
            return Err(Refusal::bad("until", problem).into());
        }
        let mut turn = self.turn(actor, "").await?;
        person::must(&mut turn.tx, person).await?;
        person::must(&mut turn.tx, delegate).await?;
        let by = actor.to_string();
        turn.tx.execute(&duty_sql::END_DELEGATIONS, params![person]).await?;
        turn.tx.execute_one(&duty_sql::SAVE_DELEGATION, params![person, delegate, from, until, by]).await?;
        let after = json!({ "delegate": delegate, "from": from.to_string(), "until": until.to_string() });
        turn.record("delegation.set", person, serde_json::Value::Null, after);
        turn.finish().await.map(drop)
    }

    /// Nobody decides in their place any more.
    ///
    /// # Errors
    /// [`Error::Refused`] when nobody did.
    pub async fn end_delegation(&self, person: PersonId, actor: &Actor) -> Result<(), Error> {
        let mut turn = self.turn(actor, "").await?;
        let now = turn.now();
        let before = delegations(&mut turn.tx, person, now).await?;
        if turn.tx.execute(&duty_sql::END_DELEGATIONS, params![person]).await? == 0 {
            return Err(Refusal::rule("nobody decides in their place").into());
        }
        let before: Vec<&Delegation> = before.iter().filter(|one| one.person == person).collect();
        turn.record("delegation.end", person, json!(before), serde_json::Value::Null);
        turn.finish().await.map(drop)
    }

    /// Who decides in whose place, now or later: of one who is away, and of one who stands in.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn delegations_of(&self, person: PersonId) -> Result<Vec<Delegation>, Error> {
        delegations(&mut self.store.clone(), person, self.now()).await
    }
}
