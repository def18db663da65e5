//! Licences that nobody uses: told to whoever holds them, with what they cost, and taken back when nobody has kept them by
//! the day that was named.

use std::collections::HashMap;

use kernel::id::{AccountId, EntitlementId, PersonId};
use kernel::message::Precedence;
use kernel::{Actor, Timestamp};
use serde_json::{Value as Json, json};
use store::{Statement, params};

use crate::account::{self, Account, AccountKind, Status};
use crate::assignment::Target;
use crate::compute::{self, StepKind};
use crate::entitlement::{Entitlement, EntitlementKind};
use crate::error::{Error, Refusal};
use crate::finding::{self, Finding, FindingKind, FindingState, NewFinding};
use crate::notice::{Message, Sentence, Value};
use crate::policy::Matcher;
use crate::room::{Identity, Turn};
use crate::saying::{Saying, saying};

const DAY_US: i64 = 86_400_000_000;

const KEPT: Statement = Statement::new(
    "identity.licence_kept",
    "SELECT id FROM identity_finding WHERE kind = $1 AND subject = $2 AND state = 'decided' AND closed_us > $3 LIMIT 1",
);

/// All of them, for the test that prepares each on both engines.
pub const LICENCE_STATEMENTS: &[Statement] = &[KEPT];

/// A licence on an account that was not used for long.
struct Idle {
    account: Account,
    licence: Entitlement,
    since: Timestamp,
}

impl Idle {
    fn subject(&self) -> String {
        format!("{}/{}", self.account.id, self.licence.id)
    }
}

/// Looks over all licences: proposes what is idle, withdraws what is used again, takes what nobody kept.
pub(crate) async fn look(turn: &mut Turn) -> Result<(), Error> {
    let settings = turn.known.policy.settings.clone();
    let (now, idle_us) = (turn.now(), settings.licence_idle_days.saturating_mul(DAY_US));
    let idle = idle(turn, now.plus_micros(-idle_us)).await?;
    let open = finding::list(&mut turn.tx, Some(FindingKind::IdleLicence), Some(FindingState::Open)).await?;
    for gone in open.iter().filter(|one| !idle.contains_key(&one.subject)) {
        let why = "it is used again, or is there no more";
        turn.settle_finding(FindingKind::IdleLicence, &gone.subject, why).await?;
        turn.record("licence.used-again", gone.id, Json::Null, json!({ "subject": gone.subject }));
    }
    let mut fresh: HashMap<EntitlementId, (&Entitlement, u32)> = HashMap::new();
    let open: HashMap<String, Finding> = open.into_iter().map(|one| (one.subject.clone(), one)).collect();
    let mut subjects: Vec<&String> = idle.keys().collect();
    subjects.sort_unstable();
    for subject in subjects {
        let one = &idle[subject];
        match (open.get(subject), settings.licence_answer_days) {
            (Some(told), Some(days)) if told.opened.plus_micros(days.saturating_mul(DAY_US)) <= now => {
                take(turn, one, told).await?;
            }
            (Some(_), _) => {}
            (None, days) => {
                if propose(turn, one, days, now.plus_micros(-idle_us)).await? {
                    fresh.entry(one.licence.id).or_insert((&one.licence, 0)).1 += 1;
                }
            }
        }
    }
    for (licence, count) in fresh.into_values() {
        tell_owner(turn, licence, count).await?;
    }
    Ok(())
}

/// Whoever answers for a licence, or for its system, hears how many of it are idle and what they cost: once for each day on
/// which there are new ones.
async fn tell_owner(turn: &mut Turn, licence: &Entitlement, count: u32) -> Result<(), Error> {
    let known = turn.known.clone();
    let of_system = || known.policy.systems.get(&licence.system).map(|system| system.owner.clone());
    let Some(owner) = licence.owner.clone().or_else(of_system) else { return Ok(()) };
    let Some(row) = turn.tx.fetch_optional(&crate::sql::PERSON_HERE, params![&owner]).await? else { return Ok(()) };
    let currency = known.policy.settings.currency.clone().unwrap_or_default();
    let saves = licence.cost_yearly.map(|cost| format!("{} {currency}", cost * f64::from(count)).trim().to_owned());
    let message = Message {
        about: &licence.id.to_string(),
        key: format!("idle-{}", turn.now().date_text()),
        sentence: Sentence::LicencesIdle,
        to: row.id("id")?,
        language: None,
        values: vec![
            ("what", Value::Text(licence.grant().to_string())),
            ("count", Value::Text(count.to_string())),
            ("saves", Value::Text(saves.unwrap_or_else(|| "–".to_owned()))),
        ],
        precedence: Precedence::Routine,
        expires: None,
    };
    turn.send(message).await.map(drop)
}

/// Licences of accounts whose last use, and whose gaining of the licence, lie before an instant. Where nobody knows when an
/// account was used, it is not idle, unless it is disabled.
async fn idle(turn: &mut Turn, before: Timestamp) -> Result<HashMap<String, Idle>, Error> {
    let catalog = turn.known.catalog.clone();
    let accounts: HashMap<AccountId, Account> =
        account::all(&mut turn.tx).await?.into_iter().map(|account| (account.id, account)).collect();
    let mut idle = HashMap::new();
    for (account, held, since) in account::all_holdings(&mut turn.tx).await? {
        let licence = catalog.entitlement(held).filter(|one| one.kind == EntitlementKind::Licence);
        let (Some(licence), Some(account)) = (licence, accounts.get(&account)) else { continue };
        let own = account.kind == AccountKind::Person && account.may_be_changed();
        let used = match account.status {
            Status::Disabled => Some(account.last_use.unwrap_or(since)),
            Status::Enabled => account.last_use,
            Status::Absent | Status::Unknown => None,
        };
        let Some(since) = used.map(|used| used.max(since)).filter(|used| own && *used < before) else { continue };
        let one = Idle { account: account.clone(), licence: licence.clone(), since };
        idle.insert(one.subject(), one);
    }
    Ok(idle)
}

/// Tells of it once: a finding, and a message to whoever holds it. What a person kept is left alone for as long again: false.
async fn propose(turn: &mut Turn, one: &Idle, days: Option<i64>, since: Timestamp) -> Result<bool, Error> {
    let subject = one.subject();
    let row = params![FindingKind::IdleLicence.as_str(), &subject, since];
    if turn.tx.fetch_optional(&KEPT, row).await?.is_some() {
        return Ok(false);
    }
    let due = days.map(|days| turn.now().plus_micros(days.saturating_mul(DAY_US)));
    let saves = saved(turn, &one.licence);
    let title = idle_since(one, &saves, due);
    let detail = json!({
        "login": one.account.login, "licence": one.licence.grant().to_string(), "last_use": one.since.to_string(),
        "cost_yearly": one.licence.cost_yearly, "due": due.map(|due| due.to_string()),
    });
    let finding = NewFinding {
        person: one.account.person,
        account: Some(one.account.id),
        system: Some(one.account.system.clone()),
        detail,
        ..NewFinding::new(FindingKind::IdleLicence, &subject, title)
    };
    let id = turn.find(finding).await?;
    if let (Some(person), Some(due)) = (one.account.person, due) {
        let message = Message {
            about: &id.to_string(),
            key: "idle".to_owned(),
            sentence: Sentence::LicenceIdle,
            to: person,
            language: None,
            values: vec![("what", Value::Text(one.licence.grant().to_string())), ("due", Value::Time(due))],
            precedence: Precedence::Routine,
            expires: Some(due),
        };
        turn.send(message).await?;
    }
    Ok(true)
}

fn idle_since(one: &Idle, saves: &str, due: Option<Timestamp>) -> Saying {
    let (licence, login, since) = (one.licence.grant(), &one.account.login, one.since.date_text());
    match (saves.is_empty(), due.map(Timestamp::date_text)) {
        (true, None) => {
            saying!("{licence} of {login} was not used since {since}", licence = licence, login = login, since = since)
        }
        (false, None) => saying!(
            "{licence} of {login} was not used since {since}: {saves} a year",
            licence = licence,
            login = login,
            since = since,
            saves = saves
        ),
        (true, Some(due)) => saying!(
            "{licence} of {login} was not used since {since}; close this to keep it, or it is taken on {due}",
            licence = licence,
            login = login,
            since = since,
            due = due
        ),
        (false, Some(due)) => saying!(
            "{licence} of {login} was not used since {since}: {saves} a year; close this to keep it, or it is taken on {due}",
            licence = licence,
            login = login,
            since = since,
            saves = saves,
            due = due
        ),
    }
}

/// What one of it costs in a year, with the currency.
fn saved(turn: &Turn, licence: &Entitlement) -> String {
    let currency = turn.known.policy.settings.currency.clone().unwrap_or_default();
    licence.cost_yearly.map(|cost| format!("{cost} {currency}").trim().to_owned()).unwrap_or_default()
}

/// Nobody kept it: it goes as whatever gave it says, and the engine takes it at the system.
async fn take(turn: &mut Turn, one: &Idle, told: &Finding) -> Result<(), Error> {
    let why = format!("the licence was not used since {} and nobody kept it", one.since.date_text());
    let ends = match one.account.person {
        Some(person) => ways_end(turn, person, one.licence.id, &why, told).await?,
        None => false,
    };
    let taken = match ends {
        true => Ok(()),
        false => turn.deny(one.account.id, &one.licence.name, &why).await,
    };
    match taken {
        Ok(()) => {
            let saves = saved(turn, &one.licence);
            turn.decide_finding(told.id, &format!("taken back: {saves} a year").replace(":  a year", "")).await?;
            turn.record(
                "licence.reclaim",
                one.account.id,
                Json::Null,
                json!({ "licence": one.licence.name, "saves": saves }),
            );
            Ok(())
        }
        // A role that was given to the person brings it: who gave the role decides on it.
        Err(Error::Refused(refusal)) => {
            let title = format!("{} of {} is idle and stays: {refusal}", one.licence.grant(), one.account.login);
            let finding = NewFinding {
                person: one.account.person,
                account: Some(one.account.id),
                system: Some(one.account.system.clone()),
                detail: told.detail.clone(),
                ..NewFinding::new(FindingKind::IdleLicence, &told.subject, title)
            };
            turn.find(finding).await.map(drop)
        }
        Err(other) => Err(other),
    }
}

/// Ends what gives it: an assignment of the licence itself ends, what rules give is kept from the person. False: nothing that
/// ends here gives it.
async fn ways_end(
    turn: &mut Turn,
    person: PersonId,
    licence: EntitlementId,
    why: &str,
    told: &Finding,
) -> Result<bool, Error> {
    let subject = compute::load(&mut turn.tx, person).await?;
    let known = turn.known.clone();
    let now = turn.now();
    let access = compute::access(&known.policy, &known.catalog, &subject, now, &mut Matcher::default());
    let of_it = |grant: &crate::role::Grant| known.catalog.named(grant).is_some_and(|one| one.id == licence);
    let (mut by_rule, mut by_role) = (false, false);
    for line in access.lines.iter().filter(|line| of_it(&line.grant)) {
        match line.why.first().map(|step| step.kind) {
            Some(StepKind::Assignment) if line.why.len() > 1 => by_role = true,
            Some(StepKind::Assignment) => {}
            _ => by_rule = true,
        }
    }
    let mut ended = false;
    for assignment in subject.assignments.iter().filter(|one| one.target == Target::Entitlement(licence)) {
        turn.end_assignment(assignment.id, why).await?;
        ended = true;
    }
    if by_rule {
        ended |= turn.exclude(person, licence, why, Some(told.id.to_string())).await?;
    }
    if by_role && !ended {
        return Err(Refusal::rule("a role that was given to the person brings it: end that, or keep it").into());
    }
    if ended {
        turn.touch(person);
    }
    Ok(ended)
}

impl Identity {
    /// Looks over all licences now, as every hour.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn look_at_licences(&self, actor: &Actor) -> Result<(), Error> {
        let mut turn = self.turn(actor, "licences that nobody uses").await?;
        look(&mut turn).await?;
        turn.finish().await.map(drop)
    }
}
