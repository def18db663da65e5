//! Rules come and go: packs are loaded, rules switched, scheduled rules written.

use std::collections::BTreeMap;

use kernel::{Actor, Severity};
use serde_json::json;
use store::{Entry, Tx, params};

use crate::error::Error;
use crate::rule::{NewRule, Rule, RuleKind, RuleState};
use crate::scheduled::ScheduledRule;
use crate::{Detect, sql};

/// What is known of a rule that is stored already.
struct Known {
    digest: String,
    revision: Option<String>,
    problems: Vec<String>,
    state: RuleState,
    severity_override: Option<Severity>,
    version: i64,
}

impl Detect {
    /// Brings the stored rules of a kind to what was loaded: new ones are switched on, changed ones keep their switch,
    /// those that are gone are switched off. Returns the state of each loaded rule by id, and the severity that somebody
    /// gave it.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; nothing was changed.
    pub async fn sync_rules(
        &self,
        kind: RuleKind,
        loaded: &[NewRule],
    ) -> Result<BTreeMap<String, (RuleState, Option<Severity>)>, Error> {
        let mut tx = self.store.begin().await?;
        let mut known = BTreeMap::new();
        for row in tx.fetch_all(&sql::RULE_DIGESTS, params![kind.as_str()]).await? {
            let stored = Known {
                digest: row.text("digest")?.to_owned(),
                revision: row.text_opt("revision")?.map(str::to_owned),
                problems: row.json("problems")?,
                state: RuleState::parse(row.text("state")?),
                severity_override: row.text_opt("severity_override")?.and_then(Severity::parse),
                version: row.int("version")?,
            };
            known.insert(row.text("id")?.to_owned(), stored);
        }
        let (mut added, mut changed, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        let mut states = BTreeMap::new();
        for rule in loaded {
            let stored = known.remove(&rule.id);
            let severity = stored.as_ref().and_then(|stored| stored.severity_override);
            let state = match stored {
                None => {
                    let state = if rule.broken { RuleState::Broken } else { RuleState::Enabled };
                    insert(&mut tx, rule, state).await?;
                    added.push(rule.id.as_str());
                    state
                }
                Some(stored) if stored.is(rule) => stored.state,
                Some(stored) => {
                    let state = state_after_change(stored.state, rule.broken);
                    replace(&mut tx, rule, state, severity, stored.version).await?;
                    changed.push(rule.id.as_str());
                    state
                }
            };
            states.insert(rule.id.clone(), (state, severity));
        }
        // Scheduled rules that people wrote are in no pack: only Sigma rules disappear with theirs.
        if kind == RuleKind::Sigma {
            for (id, stored) in known.iter().filter(|(_, stored)| stored.state != RuleState::Disabled) {
                let now = tx.now();
                tx.execute(&sql::SWITCH_RULE, params![id, RuleState::Disabled.as_str(), now, stored.version]).await?;
                gone.push(id.as_str());
            }
        }
        if added.is_empty() && changed.is_empty() && gone.is_empty() {
            return Ok(states);
        }
        let after = json!({"added": added, "changed": changed, "gone": gone});
        let entry = Entry::new(&Actor::system("detect"), "rules.load", format!("rules/{}", kind.as_str()));
        tx.commit(entry.after(after)).await?;
        Ok(states)
    }

    /// Switches a rule on or off. It counts from the next batch on.
    ///
    /// # Errors
    /// [`Error::Refused`] without a reason or for a broken rule; [`store::Error::Conflict`] when `version` is old.
    pub async fn switch_rule(
        &self,
        id: &str,
        enabled: bool,
        version: i64,
        actor: &Actor,
        reason: &str,
    ) -> Result<Rule, Error> {
        let reason = reason_of(reason)?;
        let mut tx = self.store.begin().await?;
        let before = load(&mut tx, id).await?;
        let state = before.state.switched(enabled).map_err(|refusal| Error::Refused(refusal.to_owned()))?;
        expect_version(&before, version, json!({"state": state.as_str()}))?;
        let now = tx.now();
        tx.execute_one(&sql::SWITCH_RULE, params![id, state.as_str(), now, version]).await?;
        let after = load(&mut tx, id).await?;
        let entry = Entry::new(actor, "rule.switch", format!("rule/{id}")).reason(reason);
        tx.commit(entry.before(before.summary()).after(after.summary())).await?;
        self.take_switch(&after);
        Ok(after)
    }

    /// Gives the alerts of a rule another severity than the rule says; `None` takes that back. It counts from the next
    /// batch on.
    ///
    /// # Errors
    /// [`Error::Refused`] without a reason or for a scheduled rule, which is changed itself; [`store::Error::Conflict`]
    /// when `version` is old.
    pub async fn override_severity(
        &self,
        id: &str,
        severity: Option<Severity>,
        version: i64,
        actor: &Actor,
        reason: &str,
    ) -> Result<Rule, Error> {
        let reason = reason_of(reason)?;
        let mut tx = self.store.begin().await?;
        let before = load(&mut tx, id).await?;
        if before.kind != RuleKind::Sigma {
            return Err(Error::Refused("a scheduled rule has its severity in itself; change the rule".to_owned()));
        }
        expect_version(&before, version, json!({"severity_override": severity.map(Severity::as_str)}))?;
        let now = tx.now();
        let rank = severity.unwrap_or(before.severity) as i64;
        let word = severity.map(Severity::as_str);
        tx.execute_one(&sql::OVERRIDE_SEVERITY, params![id, word, rank, now, version]).await?;
        let after = load(&mut tx, id).await?;
        let entry = Entry::new(actor, "rule.severity", format!("rule/{id}")).reason(reason);
        tx.commit(entry.before(before.summary()).after(after.summary())).await?;
        self.take_switch(&after);
        Ok(after)
    }

    /// Makes a scheduled rule.
    ///
    /// # Errors
    /// [`Error::BadRule`] naming the setting; [`Error::Refused`] without a reason.
    pub async fn create_scheduled(&self, rule: &ScheduledRule, actor: &Actor, reason: &str) -> Result<Rule, Error> {
        let reason = reason_of(reason)?;
        let problems = check(rule)?;
        let mut tx = self.store.begin().await?;
        let id = format!("kql-{}", tx.id::<kernel::id::SavedQueryKind>().uuid());
        let state = if rule.enabled { RuleState::Enabled } else { RuleState::Disabled };
        insert(&mut tx, &rule.new_rule(&id, &actor.to_string(), &rule.query, problems), state).await?;
        let after = load(&mut tx, &id).await?;
        let entry = Entry::new(actor, "rule.create", format!("rule/{id}")).reason(reason);
        tx.commit(entry.after(after.summary())).await?;
        Ok(after)
    }

    /// Replaces a scheduled rule.
    ///
    /// # Errors
    /// As [`Detect::create_scheduled`]; [`store::Error::Conflict`] when `version` is old.
    pub async fn replace_scheduled(
        &self,
        id: &str,
        rule: &ScheduledRule,
        version: i64,
        actor: &Actor,
        reason: &str,
    ) -> Result<Rule, Error> {
        let reason = reason_of(reason)?;
        let problems = check(rule)?;
        let mut tx = self.store.begin().await?;
        let before = load(&mut tx, id).await?;
        if before.kind != RuleKind::Kql {
            return Err(Error::Refused("a Sigma rule is changed in its file, not here".to_owned()));
        }
        expect_version(&before, version, json!(rule))?;
        let state = if rule.enabled { RuleState::Enabled } else { RuleState::Disabled };
        let written = rule.new_rule(id, &before.origin, &rule.query, problems);
        replace(&mut tx, &written, state, before.severity_override, version).await?;
        let after = load(&mut tx, id).await?;
        let entry = Entry::new(actor, "rule.replace", format!("rule/{id}")).reason(reason);
        tx.commit(entry.before(before.summary()).after(after.summary())).await?;
        Ok(after)
    }

    /// Drops a scheduled rule; its alerts stay.
    ///
    /// # Errors
    /// As [`Detect::replace_scheduled`].
    pub async fn delete_scheduled(&self, id: &str, version: i64, actor: &Actor, reason: &str) -> Result<(), Error> {
        let reason = reason_of(reason)?;
        let mut tx = self.store.begin().await?;
        let before = load(&mut tx, id).await?;
        if before.kind != RuleKind::Kql {
            return Err(Error::Refused(
                "a Sigma rule is removed from its folder, not here; switch it off instead".to_owned(),
            ));
        }
        expect_version(&before, version, json!({"deleted": true}))?;
        tx.execute_one(&sql::DELETE_RULE, params![id, version]).await?;
        let entry = Entry::new(actor, "rule.delete", format!("rule/{id}")).reason(reason);
        tx.commit(entry.before(before.summary())).await?;
        Ok(())
    }
}

impl Known {
    fn is(&self, rule: &NewRule) -> bool {
        // A rule that is off may be broken or not; nobody looks.
        let as_whole = self.state == RuleState::Disabled || (self.state == RuleState::Broken) == rule.broken;
        self.digest == rule.digest && self.revision == rule.revision && self.problems == rule.problems && as_whole
    }
}

/// A change of text may mend a broken rule or break one; a switch that somebody turned stays turned.
fn state_after_change(stored: RuleState, broken: bool) -> RuleState {
    match (stored, broken) {
        (RuleState::Disabled, _) => RuleState::Disabled,
        (RuleState::Enabled | RuleState::Broken, true) => RuleState::Broken,
        (RuleState::Enabled | RuleState::Broken, false) => RuleState::Enabled,
    }
}

fn check(rule: &ScheduledRule) -> Result<Vec<String>, Error> {
    rule.check().map_err(|problem| Error::BadRule { place: "rule".to_owned(), problem })?;
    Ok(Vec::new())
}

pub(super) fn reason_of(reason: &str) -> Result<&str, Error> {
    match reason.trim() {
        "" => Err(Error::Refused("give the reason: it becomes the ledger entry".to_owned())),
        reason => Ok(reason),
    }
}

fn expect_version(stored: &Rule, version: i64, yours: serde_json::Value) -> Result<(), Error> {
    if stored.version == version {
        return Ok(());
    }
    Err(store::Error::conflict(yours, stored.summary(), stored.version).into())
}

async fn load(tx: &mut Tx, id: &str) -> Result<Rule, Error> {
    let row = tx.fetch_optional(&sql::GET_RULE, params![id]).await?;
    Ok(Rule::of(&row.ok_or_else(|| Error::not_found("rule", id))?)?)
}

async fn insert(tx: &mut Tx, rule: &NewRule, state: RuleState) -> Result<(), Error> {
    let now = tx.now();
    let mut values = params![&rule.id, rule.kind.as_str()];
    values.extend(columns(rule, state, None));
    values.extend(params![now]);
    tx.execute(&sql::INSERT_RULE, values).await?;
    Ok(())
}

async fn replace(
    tx: &mut Tx,
    rule: &NewRule,
    state: RuleState,
    severity: Option<Severity>,
    version: i64,
) -> Result<(), Error> {
    let now = tx.now();
    let mut values = params![&rule.id];
    values.extend(columns(rule, state, severity));
    values.extend(params![now, version]);
    tx.execute_one(&sql::REPLACE_RULE, values).await?;
    Ok(())
}

/// From title to schedule, in the order in which both statements have them.
fn columns(rule: &NewRule, state: RuleState, severity: Option<Severity>) -> Vec<store::Param> {
    let list = |items: &[String]| json!(items).to_string();
    params![
        &rule.title,
        rule.severity,
        severity.unwrap_or(rule.severity) as i64,
        state.as_str(),
        rule.status.as_deref(),
        rule.log_source.as_deref(),
        list(&rule.techniques),
        list(&rule.tags),
        &rule.origin,
        &rule.description,
        rule.author.as_deref(),
        list(&rule.references),
        list(&rule.false_positives),
        &rule.text,
        &rule.digest,
        list(&rule.problems),
        rule.schedule.as_ref().map(|schedule| json!(schedule).to_string()),
        rule.revision.as_deref(),
    ]
}
