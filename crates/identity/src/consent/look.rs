//! Reading what a tenant decides by itself: consents, applications, policies on sign-ins.

use std::collections::BTreeMap;

use connector::{Connector, ConnectorError, Object, ObjectClass};
use kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::{Deadline, Due, Read, params};

use super::record::{self, Consent, ConsentKind, ConsentState};
use super::score::{Known, score};
use super::{ConsentPolicy, sql};
use crate::document::{self, DocumentKind};
use crate::error::{Error, Refusal};
use crate::finding::{FindingKind, NewFinding};
use crate::hybrid::pages;
use crate::policy::HOUSE;
use crate::provision::Targets;
use crate::room::{Identity, Turn};

/// When a tenant is looked at.
pub(crate) const TENANT: &str = "identity.tenant";
const EVERY_US: i64 = 3_600_000_000;

/// The last look at a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tenant {
    pub system: String,
    pub title: String,
    /// `None`: nobody has looked yet.
    pub at: Option<Timestamp>,
    /// The tenant's own id.
    pub directory: Option<String>,
    /// Why the last attempt to look failed; what is shown is from before.
    pub problem: Option<String>,
}

/// A policy on sign-ins that a tenant has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TenantPolicy {
    pub system: String,
    pub id: String,
    pub title: String,
    /// In the tenant's own word.
    pub state: String,
    /// As the tenant gives it.
    pub body: Json,
    pub changed: Timestamp,
    pub gone: Option<Timestamp>,
}

/// Sets the next look.
pub(crate) async fn begin(turn: &mut Turn, system: &str, after_us: i64) -> Result<(), Error> {
    let deadline = Deadline {
        kind: TENANT.to_owned(),
        subject: system.to_owned(),
        owes: "system:identity".to_owned(),
        due: Due::After(after_us),
        otherwise: format!("consents and policies of {system} are read"),
    };
    turn.tx.deadline(deadline).await?;
    Ok(())
}

/// What one look at a tenant gave.
struct Seen {
    directory: String,
    grants: Vec<Object>,
    applications: Vec<Object>,
    policies: Vec<Object>,
}

impl Identity {
    /// Tenants with the last look at each: systems whose connector shows consents.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        let known = self.known().await?;
        let mut all: BTreeMap<String, Tenant> = BTreeMap::new();
        for (key, system) in known.policy.systems.iter().filter(|(_, system)| system.is_tenant()) {
            let (title, at, directory, problem) = (system.title.clone(), None, None, None);
            all.insert(key.clone(), Tenant { system: key.clone(), title, at, directory, problem });
        }
        for row in self.store.fetch_all(&sql::TENANTS, params![]).await? {
            let key = row.text("system")?;
            let title = known.policy.systems.get(key).map_or(key, |system| system.title.as_str()).to_owned();
            let tenant = Tenant {
                system: key.to_owned(),
                title,
                at: Some(row.time("at_us")?).filter(|at| at.micros() > 0),
                directory: row.text_opt("directory")?.map(str::to_owned),
                problem: row.text_opt("problem")?.map(str::to_owned),
            };
            all.insert(key.to_owned(), tenant);
        }
        Ok(all.into_values().collect())
    }

    /// Policies on sign-ins that a tenant has, or all tenants.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn tenant_policies(&self, system: Option<&str>) -> Result<Vec<TenantPolicy>, Error> {
        policies(&mut self.store.clone(), system).await
    }

    /// Reads consents, applications and policies of a tenant, scores what is new or has changed, and takes away what the
    /// consent policy says.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a system that there is not; [`Error::Refused`] when it could not be read: what was known stays,
    /// with the reason.
    pub async fn look_at_tenant(&self, system: &str, targets: &dyn Targets) -> Result<Vec<Consent>, Error> {
        let known = self.known().await?;
        let described = known.policy.systems.get(system).ok_or_else(|| Error::missing("system", system))?;
        let seen = async {
            let target = targets.target(system, described).await?;
            see(target.as_ref()).await
        };
        let seen = match seen.await {
            Ok(seen) => seen,
            Err(error) => {
                let problem = format!("{system} could not be read: {error}");
                let mut turn = self.turn(&Actor::system("identity"), &problem).await?;
                turn.tx.execute(&sql::SAVE_TENANT_PROBLEM, params![system, &problem]).await?;
                begin(&mut turn, system, EVERY_US).await?;
                turn.record("tenant.unseen", format!("system:{system}"), Json::Null, json!({ "problem": problem }));
                turn.finish().await?;
                return Err(Refusal::rule(problem).into());
            }
        };
        let mut turn = self.turn(&Actor::system("identity"), "a tenant was read").await?;
        let policy = consent_policy(&mut turn.tx).await?;
        let found = take_consents(&mut turn, system, &seen, &policy).await?;
        let changed = take_policies(&mut turn, system, &seen.policies).await?;
        let now = turn.now();
        turn.tx.execute(&sql::SAVE_TENANT, params![system, now, &seen.directory]).await?;
        begin(&mut turn, system, EVERY_US).await?;
        let counts = json!({ "consents": found.len(), "policies": seen.policies.len(), "policies_changed": changed });
        turn.record("tenant.look", format!("system:{system}"), Json::Null, counts);
        turn.finish().await?;
        self.restrict_by_policy(system, &policy, &found, targets).await?;
        self.consents(Some(system)).await
    }

    async fn restrict_by_policy(
        &self,
        system: &str,
        policy: &ConsentPolicy,
        found: &[Consent],
        targets: &dyn Targets,
    ) -> Result<(), Error> {
        let Some(limit) = policy.restrict_at else { return Ok(()) };
        let is_due =
            |one: &&Consent| one.kind == ConsentKind::People && one.state == ConsentState::Active && one.score >= limit;
        for consent in found.iter().filter(is_due) {
            let why = format!("{} points: consent-policy.house takes away from {limit}", consent.score);
            match self.restrict_consent(&consent.id, &why, targets, &Actor::system("identity")).await {
                Ok(_) => {}
                // It is active still, has its finding, and is tried again at the next look.
                Err(Error::Refused(refusal)) => tracing::warn!(%refusal, system, "a consent could not be taken away"),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}

async fn see(target: &dyn Connector) -> Result<Seen, ConnectorError> {
    let classes = &target.capabilities().classes;
    if !classes.contains(&ObjectClass::ConsentGrant) {
        return Err(ConnectorError::unsupported("show consents: it is no tenant"));
    }
    Ok(Seen {
        directory: target.identity().await?.directory,
        grants: pages(target, ObjectClass::ConsentGrant).await?,
        applications: pages(target, ObjectClass::Application).await?,
        policies: pages(target, ObjectClass::ConditionalAccessPolicy).await?,
    })
}

/// The house's policy on consents; where there is none, the default.
pub(super) async fn consent_policy(read: &mut impl Read) -> Result<ConsentPolicy, Error> {
    let found = document::find(read, DocumentKind::ConsentPolicy, HOUSE).await?;
    match found.filter(|one| one.retired.is_none()) {
        Some(document) => Ok(document.read()?),
        None => Ok(ConsentPolicy::default()),
    }
}

async fn take_consents(
    turn: &mut Turn,
    system: &str,
    seen: &Seen,
    policy: &ConsentPolicy,
) -> Result<Vec<Consent>, Error> {
    let now = turn.now();
    let before = record::list(&mut turn.tx, Some(system)).await?;
    let mut before: BTreeMap<String, Consent> = before.into_iter().map(|one| (one.id.clone(), one)).collect();
    let known = Known {
        tenant: Some(&seen.directory),
        publishers: &policy.trusted_publishers,
        applications: &policy.trusted_applications,
    };
    let mut all = Vec::new();
    for mut after in record::gather(system, &seen.grants, &seen.applications, now) {
        let found = score(&after.sheet, after.kind, after.people, &known);
        (after.score, after.risk, after.sheet.features) = (found.points, found.risk, found.features);
        let was = before.remove(&after.id);
        if let Some(was) = &was {
            after.first = was.first;
            after.version = was.version;
            after.sheet.changes = record::changes(was, &after);
            let is_back = matches!(was.state, ConsentState::Restricted | ConsentState::Gone);
            if is_back {
                after.sheet.changes.push(format!("it is back after it was {}", was.state));
            }
            let is_alike = after.sheet.changes.is_empty();
            if is_alike {
                (after.state, after.scored) = (was.state, was.scored);
                after.sheet.changes.clone_from(&was.sheet.changes);
                after.sheet.decided_by.clone_from(&was.sheet.decided_by);
                after.sheet.decision.clone_from(&was.sheet.decision);
            }
            if is_alike && after == *was {
                all.push(after);
                continue;
            }
        }
        record::save(&mut turn.tx, &mut after).await?;
        let shown =
            |one: &Consent| json!({ "score": one.score, "risk": one.risk, "permissions": one.sheet.permissions });
        let verb = if was.is_none() { "consent.found" } else { "consent.rescored" };
        turn.record(verb, &after.id, was.as_ref().map_or(Json::Null, shown), shown(&after));
        judge(turn, &after, policy).await?;
        all.push(after);
    }
    for mut gone in before.into_values().filter(|one| one.gone.is_none()) {
        gone.gone = Some(now);
        gone.state = ConsentState::Gone;
        record::save(&mut turn.tx, &mut gone).await?;
        turn.settle_finding(FindingKind::RiskyConsent, &gone.id, "the tenant no longer shows it").await?;
        turn.record("consent.gone", &gone.id, Json::Null, Json::Null);
    }
    Ok(all)
}

/// A consent of many points is a finding until a person decides on it or it goes.
async fn judge(turn: &mut Turn, consent: &Consent, policy: &ConsentPolicy) -> Result<(), Error> {
    if consent.state != ConsentState::Active || consent.score < policy.finding_at {
        turn.settle_finding(FindingKind::RiskyConsent, &consent.id, "it is below the limit, or was accepted").await?;
        return Ok(());
    }
    let title = format!("{}: {} points for what it was given", consent.application_name, consent.score);
    let detail = json!({
        "consent": consent.id, "application": consent.application_name, "publisher": consent.sheet.publisher,
        "score": consent.score, "risk": consent.risk, "kind": consent.kind, "people": consent.people,
        "permissions": consent.sheet.permissions, "features": consent.sheet.features, "changes": consent.sheet.changes,
    });
    let new = NewFinding::new(FindingKind::RiskyConsent, &consent.id, title);
    turn.find(NewFinding { system: Some(consent.system.clone()), detail, ..new }).await.map(drop)
}

async fn policies(read: &mut impl Read, system: Option<&str>) -> Result<Vec<TenantPolicy>, Error> {
    let rows = read.rows(&sql::TENANT_POLICIES, params![system.map(str::to_owned)]).await?;
    let one = |row: &store::Row| {
        Ok(TenantPolicy {
            system: row.text("system")?.to_owned(),
            id: row.text("policy")?.to_owned(),
            title: row.text("title")?.to_owned(),
            state: row.text("state")?.to_owned(),
            body: row.json("body")?,
            changed: row.time("changed_us")?,
            gone: row.time_opt("gone_us")?,
        })
    };
    rows.iter().map(one).collect()
}

/// Keeps the tenant's policies; says how many are new, changed or gone.
async fn take_policies(turn: &mut Turn, system: &str, seen: &[Object]) -> Result<usize, Error> {
    let now = turn.now();
    let before = policies(&mut turn.tx, Some(system)).await?;
    let mut before: BTreeMap<String, TenantPolicy> = before.into_iter().map(|one| (one.id.clone(), one)).collect();
    let mut changed = 0;
    for object in seen {
        let text = object.attributes.text("policy").unwrap_or("{}");
        let body: Json = serde_json::from_str(text).unwrap_or_else(|_| json!({ "unread": text }));
        let was = before.remove(object.id.as_str());
        if was.as_ref().is_some_and(|was| was.body == body && was.gone.is_none()) {
            continue;
        }
        changed += 1;
        let state = body["state"].as_str().unwrap_or("disabled").to_owned();
        let row = params![system, object.id.as_str(), &object.name, &state, &body, now];
        turn.tx.execute_one(&sql::SAVE_TENANT_POLICY, row).await?;
        let entity = format!("tenant-policy:{system}/{}", object.id);
        turn.record("tenant-policy.changed", entity, was.map_or(Json::Null, |was| was.body), body);
    }
    for gone in before.into_values().filter(|one| one.gone.is_none()) {
        changed += 1;
        turn.tx.execute(&sql::LOSE_TENANT_POLICY, params![system, &gone.id, now]).await?;
        turn.record("tenant-policy.gone", format!("tenant-policy:{system}/{}", gone.id), gone.body, Json::Null);
    }
    Ok(changed)
}
