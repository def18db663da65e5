//! Writing what was computed: the end of every turn that touched people.

use kernel::id::{PersonId, PlanId};
use kernel::{Fact, Timestamp};
use serde_json::{Value as Json, json};
use store::{Deadline, Due};

use super::propose::account_id;
use super::records::{self, NewPlan};
use super::{ChangeKind, PersonPlan, PlanItem, PlanState, Proposer};
use crate::account::{self, Account, Progress, Status, WantedState};
use crate::compute::{self, Subject};
use crate::engagement::{self, EngagementState};
use crate::error::{Error, Refusal};
use crate::finding::{FindingKind, NewFinding};
use crate::last_holder;
use crate::names::{self, NameBook};
use crate::room::Turn;
use crate::saying::saying;

/// When what somebody should have may change by the clock alone.
pub(crate) const PERSON: &str = "identity.person";
/// From so many people on everything is read at once.
const MANY: usize = 40;
/// An end that is known later than this is exposure.
const EXPOSURE_US: i64 = 3_600_000_000;

/// Computes everybody anew who was touched, and writes what changes.
pub(crate) async fn settle(turn: &mut Turn) -> Result<Option<PlanId>, Error> {
    let touched = std::mem::take(&mut turn.touched);
    if touched.is_empty() {
        return Ok(None);
    }
    let now = turn.now();
    let known = turn.known.clone();
    let many = touched.len() >= MANY;
    let book = if many { NameBook::load(&mut turn.tx).await? } else { NameBook::default() };
    let mut everybody = if many { compute::load_all(&mut turn.tx, now).await? } else { Default::default() };
    let mut proposer = Proposer::new(&known.policy, &known.catalog, now, book);
    let mut items = Vec::new();
    for id in touched {
        let subject = match everybody.remove(&id) {
            Some(subject) => subject,
            None => compute::load(&mut turn.tx, id).await?,
        };
        let plan = proposer.person(&mut turn.tx, &subject).await?;
        must_decide(turn, &subject, &plan).await?;
        names::write(&mut turn.tx, proposer.book.given()).await?;
        last_holder::report(turn, id, &subject.person.sheet.display_name(), &plan.judged).await?;
        write_person(turn, &subject, plan, &mut items).await?;
    }
    if let Some(expected) = turn.expected.take()
        && expected != super::fingerprint(&items)
    {
        let text =
            "people, policy or accounts have changed since the plan was computed: simulate again, and look again";
        return Err(Refusal::rule(text).into());
    }
    if items.is_empty() {
        return Ok(None);
    }
    let counts = super::Counts::of(&items);
    if let Some(limit) = turn.limit.filter(|limit| counts.closed() > *limit as u64) {
        let text = format!(
            "{} accounts would be disabled or deleted, more than {limit}: simulate it, look at it, and carry that plan out",
            counts.closed()
        );
        return Err(Refusal::rule(text).into());
    }
    let most = known.policy.settings.plan_revokes_max;
    if turn.limit.is_some() && counts.revoked > most as u64 {
        let text = format!(
            "{} memberships and licences would be taken, more than {most}: simulate it, look at it, and carry that plan out",
            counts.revoked
        );
        return Err(Refusal::rule(text).into());
    }
    let title = if turn.reason.is_empty() { "access computed anew".to_owned() } else { turn.reason.clone() };
    let (cause, cause_ref) = turn.cause.clone();
    let new = NewPlan {
        title: &title,
        cause: &cause,
        cause_ref: cause_ref.as_deref(),
        state: PlanState::Running,
        proposal: None,
        revision: known.policy.revision,
        created_by: turn.actor.to_string(),
    };
    let id = records::insert(&mut turn.tx, &new, &items).await?;
    for item in &items {
        if let Some(account) = item.account {
            turn.tx.execute(&crate::sql::SET_ACCOUNT_PLAN, store::params![account, id]).await?;
        }
    }
    turn.record("plan.begin", id, Json::Null, json!({ "title": title, "counts": counts }));
    turn.tx.emit(Fact::ProvisioningDue { plan: id, at: now });
    Ok(Some(id))
}

/// A rule that cannot decide for somebody who is known is refused when its document is saved, and not told of afterwards.
async fn must_decide(turn: &mut Turn, subject: &Subject, plan: &PersonPlan) -> Result<(), Error> {
    let Some(fault) = plan.access.faults.first().filter(|_| turn.limit.is_some()) else { return Ok(()) };
    // It was so before: another document is not to blame.
    if turn.open_finding(FindingKind::BadRow, &format!("{}/plan", subject.person.id)).await? {
        return Ok(());
    }
    let text = format!("{fault}; it cannot decide for {}", subject.person.sheet.display_name());
    Err(Refusal::rule(text).into())
}

async fn write_person(
    turn: &mut Turn,
    subject: &Subject,
    plan: PersonPlan,
    items: &mut Vec<PlanItem>,
) -> Result<(), Error> {
    let person = subject.person.id;
    write_states(turn, subject, &plan.states).await?;
    for (assignment, why) in &plan.access.lapsed {
        turn.end_assignment(*assignment, why).await?;
        turn.touched.remove(&person);
    }
    report_faults(turn, subject, &plan.faults).await?;
    report_seconds(turn, subject).await?;
    for mut item in plan.items {
        write_account(turn, subject, &mut item).await?;
        items.push(item);
    }
    let subject_name = person.to_string();
    match plan.access.next.filter(|next| *next < Timestamp::MAX) {
        Some(next) => {
            let deadline = Deadline {
                kind: PERSON.to_owned(),
                subject: subject_name,
                owes: "system:identity".to_owned(),
                due: Due::At(next),
                otherwise: "what the person should have is computed anew".to_owned(),
            };
            turn.tx.deadline(deadline).await?;
        }
        None => drop(turn.tx.cancel_deadline(PERSON, &subject_name).await?),
    }
    Ok(())
}

async fn write_states(turn: &mut Turn, subject: &Subject, states: &[(usize, EngagementState)]) -> Result<(), Error> {
    if states.is_empty() {
        return Ok(());
    }
    let (person, now) = (subject.person.id, turn.now());
    let policy = turn.known.policy.clone();
    let was_here = subject.contracts.iter().any(|contract| contract.engagement.state.is_live());
    let mut after: Vec<EngagementState> = subject.contracts.iter().map(|contract| contract.engagement.state).collect();
    for (at, state) in states {
        let Some(contract) = subject.contracts.get(*at) else { continue };
        let before = contract.engagement.state;
        after[*at] = *state;
        let (begins, ends) = compute::span_of(&policy, subject, contract, now);
        let mut engagement = contract.engagement.clone();
        engagement.state = *state;
        engagement.begins = begins;
        engagement.ends = ends;
        engagement::save(&mut turn.tx, &mut engagement).await?;
        turn.record("engagement.step", engagement.id, json!({ "state": before }), json!({ "state": state }));
        let late = ends.filter(|ends| now.micros() - ends.micros() > EXPOSURE_US);
        if let (EngagementState::Ended, true, Some(since)) = (*state, before.is_live(), late) {
            let finding = NewFinding {
                person: Some(person),
                detail: json!({ "from": since.to_string(), "until": now.to_string(), "engagement": engagement.id }),
                ..NewFinding::new(
                    FindingKind::Exposure,
                    engagement.id,
                    saying!(
                        "{name} had access after the end of the contract",
                        name = subject.person.sheet.display_name()
                    ),
                )
            };
            turn.find(finding).await?;
        }
    }
    let is_here = after.iter().any(|state| state.is_live());
    match (was_here, is_here) {
        (false, true) => {
            turn.tx.emit(Fact::PersonJoined { person, at: now });
            let was_known = subject.contracts.iter().any(|one| one.engagement.state != EngagementState::Future);
            if let Some(number) = subject.person.sheet.number.as_deref().filter(|_| was_known) {
                crate::owner::back(turn, number).await?;
            }
        }
        (true, false) => turn.tx.emit(Fact::PersonLeft { person, at: now, emergency: false }),
        (true, true) | (false, false) => {}
    }
    Ok(())
}

/// A second account in a system is proposed for closing, once, as long as it is open.
async fn report_seconds(turn: &mut Turn, subject: &Subject) -> Result<(), Error> {
    let name = subject.person.sheet.display_name();
    for second in compute::seconds(&subject.accounts, subject.person.id) {
        let closed = second.wanted.as_ref().is_some_and(|wanted| wanted.state != WantedState::Enabled);
        if closed && second.status != Status::Enabled {
            continue;
        }
        let title = saying!(
            "{login} in {system} is a second account of {name}: close it, or take the records apart",
            login = second.login,
            system = second.system,
            name = name
        );
        let finding = NewFinding {
            person: Some(subject.person.id),
            account: Some(second.id),
            system: Some(second.system.clone()),
            detail: json!({ "login": second.login, "name": name }),
            ..NewFinding::new(FindingKind::SecondAccount, second.id, title)
        };
        turn.find(finding).await?;
    }
    Ok(())
}

async fn report_faults(turn: &mut Turn, subject: &Subject, faults: &[(String, Refusal)]) -> Result<(), Error> {
    let key = format!("{}/plan", subject.person.id);
    if faults.is_empty() {
        turn.settle_finding(FindingKind::BadRow, &key, "it can be planned again").await?;
        return Ok(());
    }
    let name = subject.person.sheet.display_name();
    let problems: Vec<String> = faults.iter().map(|(_, fault)| fault.to_string()).collect();
    let finding = NewFinding {
        person: Some(subject.person.id),
        detail: json!({ "problems": problems }),
        ..NewFinding::new(
            FindingKind::BadRow,
            key,
            saying!("access of {name} cannot be planned: {problems}", name = name, problems = problems.join("; ")),
        )
    };
    turn.find(finding).await.map(drop)
}

/// Puts a new wish in place of the old. The engine does the rest.
async fn write_account(turn: &mut Turn, subject: &Subject, item: &mut PlanItem) -> Result<(), Error> {
    let Some(wanted) = item.after.clone() else { return Ok(()) };
    let person: PersonId = subject.person.id;
    let connected = turn.known.policy.systems.get(&item.system).is_some_and(|system| system.connector.is_some());
    let mut account = match item.account.and_then(|id| subject.accounts.iter().find(|account| account.id == id)) {
        Some(account) => account.clone(),
        None => {
            let count = subject.accounts.iter().filter(|account| account.system == item.system).count();
            let id = account_id(&item.system, person, &wanted, count);
            Account::of_person(id, &item.system, person, &wanted.login, turn.now())
        }
    };
    item.account = Some(account.id);
    let never_there = account.native_id.is_none() && account.status != Status::Enabled;
    account.progress = match (wanted.state, never_there, connected) {
        (WantedState::Absent, true, _) => Progress::Settled,
        (_, _, true) => Progress::Queued,
        (_, _, false) => Progress::Manual,
    };
    if account.progress == Progress::Settled && item.change == ChangeKind::Delete {
        account.status = Status::Absent;
    }
    account.login.clone_from(&wanted.login);
    account.wanted = Some(wanted);
    account.attempts = 0;
    account.retry = None;
    account.problem = None;
    let after = json!({ "wanted": account.wanted, "why": item.why });
    let entity = account.id;
    account::save(&mut turn.tx, &mut account).await?;
    turn.record("account.want", entity, json!({ "wanted": item.before }), after);
    Ok(())
}
