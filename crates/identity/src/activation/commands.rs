//! Borrow, agree, end, look: load, decide, write in one transaction.

use std::collections::BTreeSet;

use kernel::id::{ActivationId, AssignmentId, PersonId};
use kernel::{Actor, Fact, Timestamp};
use serde_json::{Value as Json, json};
use store::{Deadline, Due, Read};

use super::decide::{Command, Facts, decide, first};
use super::place::{self, OnMission};
use super::policy::{self, TicketState, Tickets};
use super::record::{self, Activation, ActivationState, EndCause};
use crate::account;
use crate::approver::{self, Directory};
use crate::assignment::{self, Mode, NewAssignment, Source};
use crate::error::{Error, Refusal};
use crate::finding::{FindingKind, NewFinding};
use crate::inventory::{Inventory, Node, Scope};
use crate::room::{Identity, Turn};
use crate::saying::saying;
use crate::sod;

/// When its time is over.
pub(crate) const END: &str = "identity.activation-end";
/// Until when an approval counts.
pub(crate) const WINDOW: &str = "identity.activation-window";
/// When it is looked for at the target.
pub(crate) const VERIFY: &str = "identity.activation-verify";

/// Somebody wants to use what they are eligible for.
#[derive(Debug, Clone, PartialEq)]
pub struct Activating {
    /// The eligible assignment.
    pub eligible: AssignmentId,
    pub reason: String,
    /// `incident-…` or `mission-…`.
    pub ticket: Option<String>,
    pub hours: i64,
    /// Whether the session was opened with a second factor.
    pub second_factor: bool,
}

impl Identity {
    /// Activates eligible access, or asks who has to agree.
    ///
    /// # Errors
    /// [`Error::Refused`] when the access is not the person's own, is not eligible now, is active already, is toxic to
    /// what they hold, or lacks what its policy wants.
    pub async fn activate(
        &self,
        asked: &Activating,
        tickets: &dyn Tickets,
        actor: &Actor,
    ) -> Result<Activation, Error> {
        let (ticket, mission) = match &asked.ticket {
            Some(reference) => (Some(look_up(tickets, reference).await?), on_mission(tickets, reference).await?),
            None => (None, None),
        };
        let mut turn = self.turn(actor, &asked.reason).await?;
        let now = turn.now();
        let person = approver::person_of(&mut turn.tx, actor).await?;
        let eligible = assignment::find(&mut turn.tx, asked.eligible).await?;
        let eligible = eligible.ok_or_else(|| Error::missing("assignment", asked.eligible))?;
        if eligible.person != person {
            return Err(Refusal::rule("it is somebody else's to activate").into());
        }
        if eligible.mode != Mode::Eligible || !eligible.holds_at(now) {
            return Err(Refusal::rule("it is not eligible now: it has ended, has not begun, or is held anyway").into());
        }
        let open = record::list(&mut turn.tx, Some(person), true, 10_000).await?;
        if open.iter().any(|one| one.eligible == eligible.id && one.state != ActivationState::NotRevoked) {
            return Err(Refusal::rule("it is being activated, or is active, already").into());
        }
        let inventory = Inventory::load(&mut turn.tx, Scope::One(person), now).await?;
        let policy = policy::of(&inventory.documents, &eligible.target)?;
        let candidates = match &policy.approver {
            Some(function) => {
                let directory = Directory::load(&mut turn.tx, now).await?;
                let matter = approver::matter(&inventory, std::slice::from_ref(&eligible.target));
                directory.candidates(function, person, &matter, &BTreeSet::from([person]))
            }
            None => Vec::new(),
        };
        let has_candidates = !candidates.is_empty();
        let new = Activation {
            id: turn.tx.id(),
            person,
            eligible: eligible.id,
            target_kind: eligible.target.kind().to_owned(),
            target: eligible.target.name(),
            reason: asked.reason.clone(),
            ticket: asked.ticket.clone(),
            hours: asked.hours,
            second_factor: asked.second_factor,
            state: ActivationState::Waiting,
            candidates,
            decided_by: None,
            comment: None,
            asked: now,
            window: None,
            assignment: None,
            began: None,
            until: None,
            ended: None,
            end_cause: None,
            exposure_us: 0,
            verified: None,
            looked: 0,
            verify_minutes: policy.verify_minutes,
            sessions: Vec::new(),
            version: 0,
        };
        let facts = Facts { ticket, second_factor: asked.second_factor, has_candidates, now };
        let mut activation = first(&policy, new, facts)?;
        place::check(&policy, mission.as_ref(), &place::sheet_of(&mut turn.tx, person).await?)?;
        write(&mut turn, None, &mut activation, "ask").await?;
        turn.finish().await?;
        Ok(activation)
    }

    /// Carries out a person's command on an activation.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was changed after the version that was read, [`Error::Refused`] by the state machine.
    pub async fn order_activation(
        &self,
        id: ActivationId,
        version: i64,
        command: &Command,
        actor: &Actor,
    ) -> Result<Activation, Error> {
        let mut turn = self.turn(actor, "").await?;
        let by = approver::person_of(&mut turn.tx, actor).await?;
        let before = record::find(&mut turn.tx, id).await?;
        if version != before.version {
            return Err(Error::conflict(json!(command), json!(before), before.version));
        }
        if let Command::WindowOver | Command::Looked { .. } = command {
            return Err(Refusal::rule("the clock and the target say so, nobody else").into());
        }
        let after = carry_out(&mut turn, &before, command, Some(by)).await?;
        turn.finish().await?;
        Ok(after)
    }

    /// One activation.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn activation(&self, id: ActivationId) -> Result<Activation, Error> {
        record::find(&mut self.store.clone(), id).await
    }

    /// Activations, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn activations(&self, person: Option<PersonId>, open: bool) -> Result<Vec<Activation>, Error> {
        record::list(&mut self.store.clone(), person, open, 10_000).await
    }
}

async fn on_mission(tickets: &dyn Tickets, reference: &str) -> Result<Option<OnMission>, Refusal> {
    let found = tickets.mission(reference).await;
    found.map_err(|problem| Refusal::bad("ticket", format!("it could not be looked up: {problem}")))
}

async fn look_up(tickets: &dyn Tickets, reference: &str) -> Result<TicketState, Refusal> {
    let found = tickets.ticket(reference).await;
    found.map_err(|problem| Refusal::bad("ticket", format!("it could not be looked up: {problem}")))
}

/// Decides, begins or ends the access, and writes.
pub(super) async fn carry_out(
    turn: &mut Turn,
    before: &Activation,
    command: &Command,
    by: Option<PersonId>,
) -> Result<Activation, Error> {
    let now = turn.now();
    let mut after = decide(before, command, by, now)?;
    if before.state == ActivationState::Waiting && after.state == ActivationState::Active {
        let eligible = assignment::find(&mut turn.tx, before.eligible).await?;
        if !eligible.is_some_and(|one| one.holds_at(now)) {
            (after.state, after.end_cause) = (ActivationState::Void, Some(EndCause::Eligibility));
            (after.began, after.until) = (None, None);
        }
    }
    write(turn, Some(before), &mut after, command.name()).await?;
    Ok(after)
}

async fn write(turn: &mut Turn, before: Option<&Activation>, after: &mut Activation, verb: &str) -> Result<(), Error> {
    let subject = after.id.to_string();
    let was = before.map(|before| before.state);
    if was == Some(ActivationState::Waiting) && after.state != ActivationState::Waiting {
        turn.tx.keep_deadline(WINDOW, &subject).await?;
    }
    match after.state {
        ActivationState::Waiting => {
            let owes: Vec<String> = after.candidates.iter().map(|one| one.person.to_string()).collect();
            let due = after.window.unwrap_or(turn.now());
            promise(turn, WINDOW, &subject, owes.join(" "), due, "the activation is void").await?;
        }
        ActivationState::Active if was != Some(ActivationState::Active) => begin(turn, after).await?,
        ActivationState::Ending if was == Some(ActivationState::Active) => end(turn, after).await?,
        ActivationState::Ending | ActivationState::NotRevoked => again(turn, after).await?,
        ActivationState::Ended => {
            turn.settle_finding(FindingKind::Exposure, &subject, "the target no longer shows it").await?;
        }
        ActivationState::Active | ActivationState::Refused | ActivationState::Void => {}
    }
    record::save(turn, after).await?;
    let (activation, version, at) = (after.id, after.version, turn.now());
    turn.tx.emit(Fact::ActivationChanged { activation, version, at });
    let was = before.map_or(Json::Null, |before| json!(before));
    turn.record(&format!("activation.{verb}"), after.id, was, json!(after));
    Ok(())
}

async fn promise(
    turn: &mut Turn,
    kind: &str,
    subject: &str,
    owes: String,
    due: Timestamp,
    otherwise: &str,
) -> Result<(), Error> {
    let (kind, subject, otherwise) = (kind.to_owned(), subject.to_owned(), otherwise.to_owned());
    turn.tx.deadline(Deadline { kind, subject, owes, due: Due::At(due), otherwise }).await?;
    Ok(())
}

/// Gives the access, with an end that the target can keep by itself where it knows ends.
async fn begin(turn: &mut Turn, activation: &mut Activation) -> Result<(), Error> {
    let (now, target) = (turn.now(), activation.target()?);
    let inventory = Inventory::load(&mut turn.tx, Scope::One(activation.person), now).await?;
    check_duties(turn, &inventory, activation).await?;
    let given = turn
        .assign(NewAssignment {
            person: activation.person,
            target,
            mode: Mode::Active,
            source: Source::Activation,
            source_ref: Some(activation.id.to_string()),
            reason: activation.reason.clone(),
            approver: activation.decided_by.map(|by| by.to_string()),
            from: None,
            until: activation.until,
        })
        .await?;
    activation.assignment = Some(given.id);
    let due = activation.until.unwrap_or(now);
    let subject = activation.id.to_string();
    promise(turn, END, &subject, activation.person.to_string(), due, "the access ends").await
}

/// Borrowed keys count as held.
async fn check_duties(turn: &mut Turn, inventory: &Inventory, activation: &Activation) -> Result<(), Error> {
    use entitlements::Window;
    use entitlements::sod::{Asked, Part, check_request};
    let now = turn.now();
    let rules = sod::Rules::of(inventory)?;
    let exceptions = sod::in_force(&mut turn.tx, now).await?;
    let (Some(user), Some(group)) =
        (inventory.user(activation.person), inventory.group(&Node::from(&activation.target()?)))
    else {
        return Ok(());
    };
    let until_us = activation.until.map_or(i64::MAX, Timestamp::micros);
    let part = Part { asked: vec![Asked::Group(group)], window: Window { from_us: i64::MIN, until_us } };
    let toxic = check_request(&inventory.closure, &rules.book, user, &[part], now.micros());
    for one in toxic.iter().filter(|one| one.is_new) {
        let Some((key, rule)) = rules.rules.get(one.conflict.rule) else { continue };
        if !exceptions.contains_key(&(key.clone(), activation.person)) {
            let problem = format!("with what is held it violates `{key}` ({}): no exception covers it", rule.title);
            return Err(Refusal::rule(problem).into());
        }
    }
    Ok(())
}

/// Takes the access away and sets the time at which it is looked for.
async fn end(turn: &mut Turn, activation: &mut Activation) -> Result<(), Error> {
    let subject = activation.id.to_string();
    turn.tx.keep_deadline(END, &subject).await?;
    if let Some(assignment) = activation.assignment {
        let cause = activation.end_cause.map_or("end", EndCause::as_str);
        turn.end_assignment(assignment, &format!("the activation ended: {cause}")).await?;
    }
    if activation.exposure_us > 0 {
        let minutes = activation.exposure_us / 60_000_000;
        let title = saying!("borrowed access lasted {minutes} minutes beyond its time", minutes = minutes);
        let detail = json!({
            "activation": activation.id, "until": activation.until.map(|at| at.to_string()),
            "ended": activation.ended.map(|at| at.to_string()), "exposure_us": activation.exposure_us,
        });
        let new = NewFinding::new(FindingKind::Exposure, format!("late:{subject}"), title);
        turn.find(NewFinding { person: Some(activation.person), detail, ..new }).await?;
    }
    again(turn, activation).await
}

async fn again(turn: &mut Turn, activation: &Activation) -> Result<(), Error> {
    let subject = activation.id.to_string();
    let patience = 1_i64 << activation.looked.min(6);
    let due = turn.now().plus_micros(activation.verify_minutes * 60_000_000 * patience);
    promise(turn, VERIFY, &subject, "system:identity".to_owned(), due, "the target is looked at").await?;
    if activation.state == ActivationState::NotRevoked {
        let title = format!("the target still shows borrowed access of {} after its end", activation.person);
        let new = NewFinding::new(FindingKind::Exposure, &subject, title);
        let detail = json!({ "activation": activation.id, "looked": activation.looked });
        turn.find(NewFinding { person: Some(activation.person), detail, ..new }).await?;
    }
    Ok(())
}

/// Its time is over.
pub(crate) async fn time_over(turn: &mut Turn, id: ActivationId) -> Result<(), Error> {
    by_itself(turn, id, ActivationState::Active, &Command::End { cause: EndCause::Time }).await
}

/// Nobody agreed within the window.
pub(crate) async fn approval_window_over(turn: &mut Turn, id: ActivationId) -> Result<(), Error> {
    by_itself(turn, id, ActivationState::Waiting, &Command::WindowOver).await
}

async fn by_itself(turn: &mut Turn, id: ActivationId, state: ActivationState, command: &Command) -> Result<(), Error> {
    let before = record::find(&mut turn.tx, id).await?;
    if before.state == state {
        carry_out(turn, &before, command, None).await?;
    }
    Ok(())
}

/// Looks whether every account of the person was read since the end and shows nothing that came by the activation alone.
pub(crate) async fn verify(turn: &mut Turn, id: ActivationId) -> Result<(), Error> {
    let before = record::find(&mut turn.tx, id).await?;
    if !matches!(before.state, ActivationState::Ending | ActivationState::NotRevoked) {
        return Ok(());
    }
    let shows = shown_at_target(&mut turn.tx, &before).await?;
    carry_out(turn, &before, &Command::Looked { shows }, None).await.map(drop)
}

/// `None`: an account that held it was not read since the end.
async fn shown_at_target(read: &mut impl Read, activation: &Activation) -> Result<Option<bool>, Error> {
    let ended = activation.ended.unwrap_or(activation.asked);
    let inventory = Inventory::load(read, Scope::One(activation.person), ended).await?;
    let given = inventory.given_by(&activation.target()?);
    let still_wanted: BTreeSet<_> = inventory
        .accounts
        .values()
        .flat_map(|account| {
            account.wanted.iter().flat_map(move |wanted| {
                wanted.entitlements.iter().map(move |name| (account.system.clone(), name.clone()))
            })
        })
        .collect();
    let mut all_read = true;
    for account in inventory.accounts.values() {
        let here: Vec<_> = given.iter().filter(|one| one.system == account.system).collect();
        if here.is_empty() {
            continue;
        }
        let held = account::holdings(read, account.id).await?;
        let left = here
            .iter()
            .any(|one| held.contains(&one.id) && !still_wanted.contains(&(one.system.clone(), one.name.clone())));
        let is_fresh = account.seen_at.is_some_and(|seen| seen >= ended);
        match (is_fresh, left) {
            (true, true) => return Ok(Some(true)),
            (true, false) => {}
            (false, _) => all_read = false,
        }
    }
    Ok(all_read.then_some(false))
}

/// The incident or mission is closed: what it justified ends.
pub(crate) async fn end_of_ticket(turn: &mut Turn, ticket: &str) -> Result<(), Error> {
    for before in record::of_ticket(&mut turn.tx, ticket).await? {
        if matches!(before.state, ActivationState::Active | ActivationState::Waiting) {
            carry_out(turn, &before, &Command::End { cause: EndCause::Ticket }, None).await?;
        }
    }
    Ok(())
}

/// Whether anything borrowed stands on a ticket.
pub(crate) async fn missions_ticket(read: &mut impl Read, ticket: &str) -> Result<bool, Error> {
    Ok(!record::of_ticket(read, ticket).await?.is_empty())
}

/// Borrowed access whose ground is gone ends.
pub(crate) async fn end_ineligible(turn: &mut Turn) -> Result<(), Error> {
    let now = turn.now();
    for before in record::list(&mut turn.tx, None, true, 100_000).await? {
        let eligible = assignment::find(&mut turn.tx, before.eligible).await?;
        let is_gone = !eligible.is_some_and(|one| one.holds_at(now));
        if is_gone && matches!(before.state, ActivationState::Active | ActivationState::Waiting) {
            carry_out(turn, &before, &Command::End { cause: EndCause::Eligibility }, None).await?;
        }
    }
    Ok(())
}
