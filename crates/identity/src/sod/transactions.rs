//! Dynamic separation of duties: the same person did in one transaction what must be done by two. The lake is asked by the
//! rule's own query; what was done stays until the owner of the risk has looked at it, also when the lake has forgotten it.

use std::collections::{BTreeMap, HashMap};

use kernel::id::{PersonId, ViolationId};
use kernel::port::{Answer, EventLake, QueryRequest};
use kernel::{Actor, Fact, Timestamp, Value};
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::{Deadline, Due, params};

use super::exception::{self, SodException};
use super::rules::{SodRule, TransactionQuery};
use super::violation::{SideShown, Violation, ViolationState, id_of, known, save, violation};
use crate::document::{self, Document, DocumentKind};
use crate::duty_sql as sql;
use crate::error::{Error, Refusal, said};
use crate::finding::{FindingKind, NewFinding};
use crate::room::{Identity, Turn};
use crate::{account, approver, person};

/// When the lake is asked.
pub(crate) const TRANSACTIONS: &str = "identity.sod-transactions";
const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
/// Rows of one violation that are kept.
const MOST_ROWS: usize = 20;

/// What the lake was asked, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TransactionSummary {
    pub rules: usize,
    /// Rows that the queries gave.
    pub rows: usize,
    /// Found for the first time.
    pub new: usize,
    /// Rows that name nobody who is known, or no transaction.
    pub unknown: usize,
    /// Rules whose query failed, with why.
    pub failed: BTreeMap<String, String>,
}

/// A rule in force.
struct Asked {
    key: String,
    rule: SodRule,
    answer: Result<Answer, String>,
}

/// The lake is asked within the minute for a rule that was saved.
pub(super) async fn begin_soon(turn: &mut Turn, saved: &Document) -> Result<(), Error> {
    let is_rule = saved.kind == DocumentKind::SodRule && saved.retired.is_none();
    if is_rule && saved.read::<SodRule>()?.transactions.is_some() {
        return promise(turn, MINUTE_US).await;
    }
    Ok(())
}

async fn promise(turn: &mut Turn, after_us: i64) -> Result<(), Error> {
    let deadline = Deadline {
        kind: TRANSACTIONS.to_owned(),
        subject: "everybody".to_owned(),
        owes: "system:identity".to_owned(),
        due: Due::After(after_us),
        otherwise: "the lake is asked who did alone what must be done by two".to_owned(),
    };
    turn.tx.deadline(deadline).await?;
    Ok(())
}

impl Identity {
    /// Asks the lake by every rule over transactions, writes what is new, and sets the time at which it is asked again. A query
    /// that fails is a finding, and no rule stops another.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn analyse_transactions(&self, lake: &dyn EventLake, actor: &Actor) -> Result<TransactionSummary, Error> {
        let mut asked = Vec::new();
        for (key, rule, query) in rules(&document::all(&mut self.store.clone()).await?)? {
            let answer = lake.query(QueryRequest::new(query.kql, self.now())).await.map_err(|error| error.to_string());
            asked.push(Asked { key, rule, answer });
        }
        let mut turn = self.turn(actor, "the lake was asked").await?;
        let people = Names::load(&mut turn).await?;
        let now = turn.now();
        let exceptions = exception::in_force(&mut turn.tx, now).await?;
        let mut known = known(&mut turn.tx, None).await?;
        let mut summary = TransactionSummary { rules: asked.len(), ..TransactionSummary::default() };
        for one in &asked {
            let trouble = match &one.answer {
                Err(problem) => {
                    summary.failed.insert(one.key.clone(), problem.clone());
                    Some(problem.clone())
                }
                Ok(answer) => {
                    let read = read(one, answer, &people, now);
                    summary.rows += answer.rows.len();
                    summary.unknown += read.unknown.len();
                    for found in read.found {
                        summary.new += usize::from(note(&mut turn, found, &exceptions, &mut known).await?);
                    }
                    trouble(answer, &read.unknown)
                }
            };
            report(&mut turn, one, trouble).await?;
        }
        if !asked.is_empty() {
            promise(&mut turn, HOUR_US).await?;
        }
        turn.record("sod.transactions", "everybody", Json::Null, json!(summary));
        turn.finish().await?;
        Ok(summary)
    }

    /// The owner of the risk has looked at a transaction and says what became of it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such violation; [`Error::Refused`] for one of keys, which only ends when they are
    /// apart, for one that is not open, for anybody but the rule's owner, and for one's own.
    pub async fn resolve_transaction(&self, id: ViolationId, why: &str, actor: &Actor) -> Result<Violation, Error> {
        let why = said("reason", why, 2_000)?;
        let mut turn = self.turn(actor, &why).await?;
        let row = turn.tx.fetch_optional(&sql::VIOLATION, params![id]).await?;
        let before = violation(&row.ok_or_else(|| Error::missing("violation", id))?)?;
        if !before.is_of_a_transaction() {
            return Err(Refusal::rule("keys that are held together are resolved by taking one of them away").into());
        }
        if before.state != ViolationState::Open {
            return Err(Refusal::rule(format!("it is {}", before.state)).into());
        }
        let by = approver::person_of(&mut turn.tx, actor).await?;
        let rule = document::find(&mut turn.tx, DocumentKind::SodRule, &before.rule).await?;
        let rule: SodRule = rule.ok_or_else(|| Error::missing("sod-rule", &before.rule))?.read()?;
        let number = person::must(&mut turn.tx, by).await?.sheet.number;
        if number.as_deref() != Some(rule.owner.as_str()) {
            let problem = format!("only the owner of the risk, number {}, can resolve it", rule.owner);
            return Err(Refusal::rule(problem).into());
        }
        if by == before.person {
            return Err(Refusal::rule("nobody resolves what they did themselves").into());
        }
        let mut after = Violation { state: ViolationState::Resolved, gone: Some(turn.now()), ..before.clone() };
        save(&mut turn, &mut after).await?;
        turn.record("violation.resolve", id, json!(before), json!(after));
        turn.finish().await?;
        Ok(after)
    }
}

/// Rules over transactions that are in force.
fn rules(documents: &[Document]) -> Result<Vec<(String, SodRule, TransactionQuery)>, Error> {
    let mut found = Vec::new();
    for document in documents.iter().filter(|one| one.kind == DocumentKind::SodRule && one.retired.is_none()) {
        let rule: SodRule = document.read()?;
        if let Some(query) = rule.transactions.clone().filter(|_| rule.enabled) {
            found.push((document.key.clone(), rule, query));
        }
    }
    Ok(found)
}

/// People by what a row may call them.
struct Names {
    people: std::collections::HashSet<PersonId>,
    by_number: HashMap<String, PersonId>,
    /// System and login; the login alone under an empty system, where it is one person's.
    by_login: HashMap<(String, String), Option<PersonId>>,
}

impl Names {
    async fn load(turn: &mut Turn) -> Result<Names, Error> {
        let all = person::all(&mut turn.tx).await?;
        let numbered = all.iter().filter_map(|one| Some((one.sheet.number.clone()?, one.id)));
        let mut names = Names {
            people: all.iter().map(|one| one.id).collect(),
            by_number: numbered.collect(),
            by_login: HashMap::new(),
        };
        for account in account::all(&mut turn.tx).await? {
            let Some(person) = account.person else { continue };
            let login = account.login.to_lowercase();
            names.by_login.insert((account.system, login.clone()), Some(person));
            let anywhere = names.by_login.entry((String::new(), login)).or_insert(Some(person));
            if *anywhere != Some(person) {
                *anywhere = None;
            }
        }
        Ok(names)
    }

    fn person(&self, row: &HashMap<&str, String>) -> Option<PersonId> {
        let text = |name: &str| row.get(name).filter(|text| !text.is_empty());
        if let Some(id) = text("PersonId") {
            return id.parse().ok().filter(|id| self.people.contains(id));
        }
        if let Some(number) = text("Number") {
            return self.by_number.get(number).copied();
        }
        let system = text("System").cloned().unwrap_or_default();
        self.by_login.get(&(system, text("Login")?.to_lowercase())).copied().flatten()
    }
}

/// What an answer says.
struct Read {
    found: Vec<Violation>,
    /// Rows that cannot be used, as text.
    unknown: Vec<String>,
}

/// Pure: rows of one transaction and one person are one violation.
fn read(asked: &Asked, answer: &Answer, people: &Names, now: Timestamp) -> Read {
    let mut found: BTreeMap<(String, PersonId), Vec<Vec<String>>> = BTreeMap::new();
    let mut unknown = Vec::new();
    for row in &answer.rows {
        let named: HashMap<&str, String> =
            answer.columns.iter().zip(row).map(|(column, value)| (column.name.as_str(), text(value))).collect();
        let evidence: Vec<String> = answer
            .columns
            .iter()
            .map(|column| (column, &named[column.name.as_str()]))
            .filter(|(_, value)| !value.is_empty())
            .map(|(column, value)| format!("{}: {value}", column.name))
            .collect();
        let transaction = named.get("Transaction").filter(|text| !text.is_empty());
        match (transaction, people.person(&named)) {
            (Some(transaction), Some(person)) => {
                let rows = found.entry((transaction.clone(), person)).or_default();
                if rows.len() < MOST_ROWS && !rows.contains(&evidence) {
                    rows.push(evidence);
                }
            }
            _ => unknown.push(evidence.join(", ")),
        }
    }
    let violation = |((transaction, person), ways): ((String, PersonId), Vec<Vec<String>>)| {
        let side = SideShown {
            function: String::new(),
            title: format!("{}: {transaction}", asked.rule.title),
            ways,
            part: None,
            transaction: Some(transaction.clone()),
        };
        Violation {
            id: id_of(&asked.key, Some(&transaction), person),
            rule: asked.key.clone(),
            scope: Some(transaction),
            person,
            risk: asked.rule.risk,
            state: ViolationState::Open,
            sides: vec![side],
            exception: None,
            found: now,
            gone: None,
            version: 0,
        }
    };
    Read { found: found.into_iter().map(violation).collect(), unknown }
}

fn text(value: &Value) -> String {
    match value.to_json() {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    }
}

/// Writes what is new. What was excepted when it was found, or resolved, stays so. Returns whether it is new and open.
async fn note(
    turn: &mut Turn,
    mut found: Violation,
    exceptions: &BTreeMap<(String, PersonId), SodException>,
    known: &mut BTreeMap<ViolationId, Violation>,
) -> Result<bool, Error> {
    let exception = exceptions.get(&(found.rule.clone(), found.person)).map(|one| one.id);
    let before = known.remove(&found.id);
    let is_settled = before.as_ref().is_some_and(|before| before.state != ViolationState::Open);
    if is_settled || (before.is_some() && exception.is_none()) {
        return Ok(false);
    }
    if exception.is_some() {
        (found.state, found.exception) = (ViolationState::Excused, exception);
    }
    if let Some(before) = &before {
        (found.found, found.version) = (before.found, before.version);
    }
    save(turn, &mut found).await?;
    let is_new = before.is_none() && found.state == ViolationState::Open;
    if is_new {
        let at = turn.now();
        turn.tx.emit(Fact::SodViolationFound {
            violation: found.id,
            person: found.person,
            rule: found.rule.clone(),
            at,
        });
    }
    turn.record("violation.find", found.id, before.map_or(Json::Null, |before| json!(before)), json!(found));
    Ok(is_new)
}

/// What of an answer could not be used.
fn trouble(answer: &Answer, unknown: &[String]) -> Option<String> {
    let lacks = |name: &str| !answer.columns.iter().any(|column| column.name == name);
    if lacks("Transaction") || ["PersonId", "Number", "Login"].into_iter().all(lacks) {
        return Some("its answer needs the columns Transaction and one of PersonId, Number, Login".to_owned());
    }
    if answer.truncated {
        return Some("its answer is longer than is read: narrow it, or look back less far".to_owned());
    }
    let first = unknown.first()?;
    Some(format!("{} rows name no transaction or nobody who is known; the first: {first}", unknown.len()))
}

async fn report(turn: &mut Turn, asked: &Asked, trouble: Option<String>) -> Result<(), Error> {
    let subject = format!("sod-rule:{}", asked.key);
    match trouble {
        Some(trouble) => {
            let title = format!("{} does not see everything: {trouble}", asked.rule.title);
            let detail = json!({ "rule": asked.key });
            turn.find(NewFinding { detail, ..NewFinding::new(FindingKind::Sod, subject, title) }).await?;
        }
        None => drop(turn.settle_finding(FindingKind::Sod, &subject, "its query answers again").await?),
    }
    Ok(())
}
