//! Reading both sides, comparing them, keeping what was found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use connector::hybrid::{FindingKind as Kind, History, HybridReport, Observation, Side, Snapshot, examine};
use connector::{
    AttributeName, Capability, Connector, ConnectorError, Object, ObjectClass, ObjectId, ObjectKey, PageToken, Search,
};
use kernel::{Actor, Timestamp};
use serde_json::{Value as Json, json};
use store::{Read, params};

use super::{Hybrid, HybridHealth, begin, sql};
use crate::document::{self, DocumentKind};
use crate::error::{Error, Refusal};
use crate::finding::{FindingKind, NewFinding};
use crate::provision::Targets;
use crate::room::{Identity, Turn};

/// Days for which values are remembered.
const REMEMBERED_US: i64 = 7 * 86_400_000_000;
/// Findings of this rank and graver ones are said by name.
const GRAVE: u8 = 4;

/// The pairs of systems that documents speak of.
pub(super) async fn all(read: &mut impl Read) -> Result<BTreeMap<String, Hybrid>, Error> {
    let documents = document::all(read).await?;
    let ours = documents.iter().filter(|one| one.kind == DocumentKind::Hybrid && one.retired.is_none());
    ours.map(|one| Ok((one.key.clone(), one.read()?))).collect()
}

impl Identity {
    /// Pairs of systems with the last look at each.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn hybrid_health(&self) -> Result<Vec<HybridHealth>, Error> {
        let mut read = self.store.clone();
        let mut all: BTreeMap<String, HybridHealth> = all(&mut read)
            .await?
            .into_iter()
            .map(|(key, Hybrid { title, directory, cloud, .. })| {
                let (at, problem, report) = (None, None, None);
                (key.clone(), HybridHealth { hybrid: key, title, directory, cloud, at, problem, report })
            })
            .collect();
        for row in self.store.fetch_all(&sql::HYBRIDS, params![]).await? {
            let Some(one) = all.get_mut(row.text("hybrid")?) else { continue };
            one.at = Some(row.time("at_us")?).filter(|at| at.micros() > 0);
            one.problem = row.text_opt("problem")?.map(str::to_owned);
            one.report = serde_json::from_str(row.text("report")?).ok();
        }
        Ok(all.into_values().collect())
    }

    /// Reads both systems whole, compares them, and keeps what was found.
    ///
    /// # Errors
    /// [`Error::NotFound`] when no document has that key; [`Error::Refused`] when a system could not be read: what was
    /// found before stays, with the reason.
    pub async fn look_at_hybrid(&self, key: &str, targets: &dyn Targets) -> Result<HybridReport, Error> {
        let hybrid = all(&mut self.store.clone()).await?.remove(key).ok_or_else(|| Error::missing("hybrid", key))?;
        let sides = futures::try_join!(
            self.snapshot(&hybrid.directory, targets, true),
            self.snapshot(&hybrid.cloud, targets, false),
        );
        let (directory, cloud) = match sides {
            Ok(sides) => sides,
            Err(problem) => {
                self.note_unseen(key, &hybrid, &problem).await?;
                return Err(Refusal::rule(problem).into());
            }
        };
        let mut turn = self.turn(&Actor::system("identity"), "the two sides were compared").await?;
        let now = turn.now();
        let rules = hybrid.rules();
        let history = observe(&mut turn, key, &hybrid, &directory, &cloud).await?;
        let report = examine(&directory, &cloud, &rules, &history);
        let text = serde_json::to_string(&report).unwrap_or_default();
        turn.tx.execute(&sql::SAVE_HYBRID, params![key, now, &text]).await?;
        say(&mut turn, key, &hybrid, &report).await?;
        begin(&mut turn, key, &hybrid, hybrid.every_minutes).await?;
        let counts =
            json!({ "pairs": report.pairs.len(), "findings": report.findings.len(), "sound": report.scopes_sound });
        turn.record("hybrid.look", format!("hybrid:{key}"), Json::Null, counts);
        turn.finish().await?;
        Ok(report)
    }

    async fn snapshot(&self, key: &str, targets: &dyn Targets, units: bool) -> Result<Snapshot, String> {
        let known = self.known().await.map_err(|error| error.to_string())?;
        let system = known.policy.systems.get(key).ok_or_else(|| format!("there is no system `{key}`"))?;
        let read = async {
            let target = targets.target(key, system).await?;
            read_whole(target.as_ref(), units).await
        };
        let objects = read.await.map_err(|error: ConnectorError| format!("{key} could not be read: {error}"))?;
        Ok(Snapshot { at: self.now(), objects })
    }

    async fn note_unseen(&self, key: &str, hybrid: &Hybrid, problem: &str) -> Result<(), Error> {
        let mut turn = self.turn(&Actor::system("identity"), problem).await?;
        turn.tx.execute(&sql::SAVE_HYBRID_PROBLEM, params![key, problem]).await?;
        begin(&mut turn, key, hybrid, hybrid.every_minutes).await?;
        turn.record("hybrid.unseen", format!("hybrid:{key}"), Json::Null, json!({ "problem": problem }));
        turn.finish().await.map(drop)
    }
}

/// Accounts with the groups that they are in, groups, and units.
async fn read_whole(target: &dyn Connector, units: bool) -> Result<Vec<Object>, ConnectorError> {
    let mut accounts = pages(target, ObjectClass::Account).await?;
    let groups = if target.capabilities().has(Capability::Groups) && units {
        pages(target, ObjectClass::Group).await?
    } else {
        Vec::new()
    };
    if accounts.iter().any(|account| account.memberships.is_none()) && !groups.is_empty() {
        let mut held: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
        for group in &groups {
            let key = ObjectKey::id(ObjectClass::Group, group.id.0.clone());
            let mut from: Option<PageToken> = None;
            loop {
                let page = target.members(&key, from.as_ref(), 1_000).await?;
                for member in page.members {
                    held.entry(member.id).or_default().push(group.id.clone());
                }
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
        }
        for account in &mut accounts {
            account.memberships.get_or_insert_with(|| held.remove(&account.id).unwrap_or_default());
        }
    }
    accounts.extend(groups);
    if units && target.capabilities().classes.contains(&ObjectClass::OrganizationalUnit) {
        accounts.extend(pages(target, ObjectClass::OrganizationalUnit).await?);
    }
    Ok(accounts)
}

/// Every object of a class; one that could not be understood is an error: absence would look like leaving.
pub(crate) async fn pages(target: &dyn Connector, class: ObjectClass) -> Result<Vec<Object>, ConnectorError> {
    let (mut objects, mut from) = (Vec::new(), None);
    loop {
        let page = target.search(&Search::all(class), from.as_ref()).await?;
        if let Some(fault) = page.faults.first() {
            // A side of which a part could not be understood is not compared: absence would look like leaving.
            return Err(ConnectorError::garbled(fault.clone()));
        }
        objects.extend(page.objects);
        from = page.next;
        if from.is_none() {
            return Ok(objects);
        }
    }
}

/// Remembers values that the two sides do not agree on, or did not lately, and gives back what is remembered.
async fn observe(
    turn: &mut Turn,
    key: &str,
    hybrid: &Hybrid,
    directory: &Snapshot,
    cloud: &Snapshot,
) -> Result<History, Error> {
    let now = turn.now();
    turn.tx.execute(&sql::FORGET_HYBRID_VALUES, params![key, now.plus_micros(-REMEMBERED_US)]).await?;
    let mut history = remembered(turn, key).await?;
    let rules = hybrid.rules();
    let looked = examine(directory, cloud, &rules, &History::default());
    let mut watched: BTreeSet<(Side, ObjectId, AttributeName)> =
        history.observations.iter().map(|one| (one.side, one.object.clone(), one.attribute.clone())).collect();
    for finding in &looked.findings {
        if let Kind::Conflict(conflict) = &finding.kind {
            let pair = hybrid.attributes.iter().find(|pair| pair.directory == conflict.attribute);
            watched.insert((Side::Directory, conflict.directory.clone(), conflict.attribute.clone()));
            watched.extend(pair.map(|pair| (Side::Cloud, conflict.cloud.clone(), pair.cloud.clone())));
        }
    }
    let (in_directory, in_cloud) = (by_id(directory), by_id(cloud));
    // What is remembered comes in order of time: the last of each is its latest.
    let last: HashMap<_, (Timestamp, String)> = history
        .observations
        .iter()
        .map(|one| ((one.side, one.object.clone(), one.attribute.clone()), (one.at, one.value.clone())))
        .collect();
    for watching in watched {
        let (side, object, attribute) = &watching;
        let objects = if *side == Side::Directory { &in_directory } else { &in_cloud };
        let Some(found) = objects.get(object) else { continue };
        let values: Vec<String> = found.attributes.values(attribute.as_str()).iter().map(ToString::to_string).collect();
        let value = values.join("; ");
        if last.get(&watching).is_some_and(|(at, last)| *last == value || *at == now) {
            continue;
        }
        let row = params![key, side.as_str(), object.as_str(), attribute.as_str(), now, &value];
        turn.tx.execute(&sql::INSERT_HYBRID_VALUE, row).await?;
        let (side, object, attribute) = watching;
        history.observations.push(Observation { at: now, side, object, attribute, value });
    }
    Ok(history)
}

fn by_id(side: &Snapshot) -> HashMap<&ObjectId, &Object> {
    side.objects.iter().map(|object| (&object.id, object)).collect()
}

async fn remembered(turn: &mut Turn, key: &str) -> Result<History, Error> {
    let mut history = History::default();
    for row in turn.tx.fetch_all(&sql::HYBRID_VALUES, params![key]).await? {
        let at: Timestamp = row.time("at_us")?;
        let side = if row.text("side")? == Side::Cloud.as_str() { Side::Cloud } else { Side::Directory };
        let (object, attribute) = (ObjectId::new(row.text("object")?), AttributeName::from(row.text("attribute")?));
        history.observations.push(Observation { at, side, object, attribute, value: row.text("value")?.to_owned() });
    }
    Ok(history)
}

/// One finding of the desk for the pair; what is grave is in it by name.
async fn say(turn: &mut Turn, key: &str, hybrid: &Hybrid, report: &HybridReport) -> Result<(), Error> {
    let subject = format!("hybrid:{key}");
    if report.findings.is_empty() {
        turn.settle_finding(FindingKind::Hybrid, &subject, "both sides agree").await?;
        return Ok(());
    }
    let grave: Vec<_> = report.findings.iter().filter(|one| one.rank() <= GRAVE).take(50).collect();
    let title = if report.scopes_sound {
        format!("{}: {} findings, {} of them grave", hybrid.title, report.findings.len(), grave.len())
    } else {
        format!(
            "{}: what is synchronised was renamed, is gone or shrank; nothing is concluded from absence",
            hybrid.title
        )
    };
    let detail = json!({ "findings": report.findings.len(), "grave": grave, "scopes_sound": report.scopes_sound });
    let finding = NewFinding {
        system: Some(hybrid.cloud.clone()),
        detail,
        ..NewFinding::new(FindingKind::Hybrid, subject, title)
    };
    turn.find(finding).await?;
    Ok(())
}
