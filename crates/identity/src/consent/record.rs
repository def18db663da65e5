//! Consents as they are kept: one record for an application, a resource and a kind of consent.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Object, ObjectClass, ObjectId};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{Read, Row, Tx, params};

use super::score::Feature;
use super::sql;
use crate::error::Error;
use crate::system::Risk;

const MOST: u32 = 100_000;

kernel::words! {
    /// On whose behalf an application acts.
    ConsentKind {
        /// Of each person who consented.
        People = "people",
        /// Of everybody: an administrator consented.
        Everybody = "everybody",
        /// Its own, without anybody signed in.
        Application = "application",
    }
}

kernel::words! {
    /// What becomes of a consent.
    ConsentState {
        Active = "active",
        /// A person looked at it and lets it be, until it changes.
        Accepted = "accepted",
        /// Taken away, and the tenant no longer shows it.
        Restricted = "restricted",
        /// The tenant no longer shows it, by somebody else's doing.
        Gone = "gone",
    }
}

/// What is known of application and grants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConsentSheet {
    /// The application's id, the same in every tenant.
    pub application_id: String,
    /// What it may act on: the id of the resource's service principal.
    pub resource: String,
    pub permissions: BTreeSet<String>,
    pub publisher: Option<String>,
    pub verified: bool,
    pub home_tenant: Option<String>,
    pub reply_addresses: BTreeSet<String>,
    pub enabled: Option<bool>,
    /// Ids of the grants at the tenant.
    pub grants: BTreeSet<String>,
    pub features: Vec<Feature>,
    /// What changed when it was last scored anew, in words.
    pub changes: Vec<String>,
    pub decided_by: Option<String>,
    pub decision: Option<String>,
}

/// A consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consent {
    pub id: String,
    pub system: String,
    /// The service principal at the tenant.
    pub application: String,
    pub application_name: String,
    pub kind: ConsentKind,
    pub risk: Risk,
    /// 0–100.
    pub score: i64,
    pub state: ConsentState,
    /// People who consented; 0 where an administrator did.
    pub people: i64,
    #[serde(flatten)]
    pub sheet: ConsentSheet,
    pub first: Timestamp,
    pub scored: Timestamp,
    pub gone: Option<Timestamp>,
    pub version: i64,
}

/// Grants and applications as the tenant shows them, as records that are not scored yet.
pub(crate) fn gather(system: &str, grants: &[Object], applications: &[Object], now: Timestamp) -> Vec<Consent> {
    let known: BTreeMap<&ObjectId, &Object> = applications.iter().map(|one| (&one.id, one)).collect();
    let mut found: BTreeMap<String, (Consent, BTreeSet<String>)> = BTreeMap::new();
    for grant in grants.iter().filter(|one| one.class == ObjectClass::ConsentGrant) {
        let text = |name: &str| grant.attributes.text(name).unwrap_or_default().to_owned();
        let kind = match grant.attributes.text("consentType") {
            Some("AllPrincipals") => ConsentKind::Everybody,
            Some("Application") => ConsentKind::Application,
            _ => ConsentKind::People,
        };
        let (client, resource) = (text("clientId"), text("resourceId"));
        let id = id_of(system, &client, &resource, kind);
        let application = known.get(&ObjectId::new(client.clone())).copied();
        let (consent, people) = found.entry(id.clone()).or_insert_with(|| {
            let name = application.map_or_else(|| text("clientDisplayName"), |one| one.name.clone());
            (empty(id, system, &client, name, kind, now), BTreeSet::new())
        });
        consent.sheet.resource = resource;
        consent.sheet.grants.insert(grant.id.as_str().to_owned());
        consent.sheet.permissions.extend(grant.attributes.values("scope").iter().map(ToString::to_string));
        people.extend(grant.attributes.text("principalId").map(str::to_owned));
        if let Some(application) = application {
            describe(&mut consent.sheet, application);
        }
    }
    let finish = |(mut consent, people): (Consent, BTreeSet<String>)| {
        consent.people = i64::try_from(people.len()).unwrap_or(i64::MAX);
        consent
    };
    found.into_values().map(finish).collect()
}

fn describe(sheet: &mut ConsentSheet, application: &Object) {
    let text = |name: &str| application.attributes.text(name).map(str::to_owned);
    sheet.application_id = text("appId").unwrap_or_default();
    sheet.publisher = text("verifiedPublisher.displayName").or_else(|| text("publisherName"));
    sheet.verified = text("verifiedPublisher.verifiedPublisherId").is_some();
    sheet.home_tenant = text("appOwnerOrganizationId");
    sheet.reply_addresses = application.attributes.values("replyUrls").iter().map(ToString::to_string).collect();
    sheet.enabled = application.enabled;
}

fn empty(id: String, system: &str, client: &str, name: String, kind: ConsentKind, now: Timestamp) -> Consent {
    Consent {
        id,
        system: system.to_owned(),
        application: client.to_owned(),
        application_name: if name.is_empty() { client.to_owned() } else { name },
        kind,
        risk: Risk::Low,
        score: 0,
        state: ConsentState::Active,
        people: 0,
        sheet: ConsentSheet::default(),
        first: now,
        scored: now,
        gone: None,
        version: 0,
    }
}

fn id_of(system: &str, client: &str, resource: &str, kind: ConsentKind) -> String {
    let digest = Sha256::digest(format!("consent\n{system}\n{client}\n{resource}\n{kind}"));
    format!("consent-{}", hex::encode(&digest[..12]))
}

/// What is different between two looks, in words; nothing: they are alike for a score.
pub(crate) fn changes(before: &Consent, after: &Consent) -> Vec<String> {
    let (was, is) = (&before.sheet, &after.sheet);
    let mut found = Vec::new();
    let sets = [
        ("permissions", &was.permissions, &is.permissions),
        ("reply addresses", &was.reply_addresses, &is.reply_addresses),
    ];
    for (what, was, is) in sets {
        let more: Vec<&str> = is.difference(was).map(String::as_str).collect();
        let less: Vec<&str> = was.difference(is).map(String::as_str).collect();
        if !more.is_empty() {
            found.push(format!("{what} added: {}", more.join(", ")));
        }
        if !less.is_empty() {
            found.push(format!("{what} taken away: {}", less.join(", ")));
        }
    }
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "nobody".to_owned());
    if was.publisher != is.publisher {
        found.push(format!("publisher: {} → {}", shown(&was.publisher), shown(&is.publisher)));
    }
    if was.verified != is.verified {
        found.push(format!("publisher {}", if is.verified { "verified" } else { "no longer verified" }));
    }
    if was.home_tenant != is.home_tenant {
        found.push(format!("home: {} → {}", shown(&was.home_tenant), shown(&is.home_tenant)));
    }
    if before.application_name != after.application_name {
        found.push(format!("name: {} → {}", before.application_name, after.application_name));
    }
    if was.enabled != is.enabled {
        found.push(format!("the application is {}", if is.enabled == Some(false) { "disabled" } else { "enabled" }));
    }
    if before.people.max(9) != after.people.max(9) && (before.people < 10) != (after.people < 10) {
        found.push(format!("people: {} → {}", before.people, after.people));
    }
    found
}

fn consent(row: &Row) -> Result<Consent, Error> {
    let sheet = serde_json::from_value(row.json("sheet")?)
        .map_err(|error| store::Error::NotFound(format!("a consent cannot be read: {error}")))?;
    Ok(Consent {
        id: row.text("id")?.to_owned(),
        system: row.text("system")?.to_owned(),
        application: row.text("application")?.to_owned(),
        application_name: row.text("application_name")?.to_owned(),
        kind: row.parse("kind")?,
        risk: row.parse("risk")?,
        score: row.int("score")?,
        state: row.parse("state")?,
        people: row.int("people")?,
        sheet,
        first: row.time("first_us")?,
        scored: row.time("scored_us")?,
        gone: row.time_opt("gone_us")?,
        version: row.int("version")?,
    })
}

/// Consents of a system, or of all, the most dangerous first.
pub(crate) async fn list(read: &mut impl Read, system: Option<&str>) -> Result<Vec<Consent>, Error> {
    read.rows(&sql::CONSENTS, params![system.map(str::to_owned), MOST]).await?.iter().map(consent).collect()
}

pub(crate) async fn must(read: &mut impl Read, id: &str) -> Result<Consent, Error> {
    let found = read.rows(&sql::CONSENT, params![id]).await?;
    found.first().map(consent).transpose()?.ok_or_else(|| Error::missing("consent", id))
}

/// Writes a consent over the version that was read.
pub(crate) async fn save(tx: &mut Tx, consent: &mut Consent) -> Result<(), Error> {
    let seen = consent.version;
    consent.version += 1;
    let row = params![
        &consent.id,
        &consent.system,
        &consent.application,
        &consent.application_name,
        consent.sheet.publisher.clone(),
        consent.kind.as_str(),
        consent.risk.as_str(),
        consent.score,
        consent.state.as_str(),
        consent.people,
        &json!(consent.sheet),
        consent.first,
        consent.scored,
        consent.gone,
        consent.version,
    ];
    if tx.execute(&sql::SAVE_CONSENT, row).await? == 0 {
        return Err(Error::conflict(json!(consent.state), serde_json::Value::Null, seen));
    }
    Ok(())
}
