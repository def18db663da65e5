//! Ask, answer, give: load, decide, write in one transaction.

use std::collections::BTreeSet;

use entitlements::Window;
use entitlements::sod::{Asked, Part as AskedPart, check_request};
use kernel::id::{PersonId, RequestId};
use kernel::{Actor, Fact, Timestamp};
use serde_json::{Value as Json, json};
use store::{Deadline, Due};

use super::decide::{Command, decide};
use super::package::{self, Need, Offer, Package, Stage};
use super::record::{self, ExceptionAsked, Part, Request, RequestState, Seat, StageRun, StageState, ToxicShown};
use crate::approver::{self, Approver, Directory, Matter};
use crate::assignment::{NewAssignment, Source, Target};
use crate::document::DocumentKind;
use crate::error::{Error, Refusal, said};
use crate::finding::{FindingKind, NewFinding};
use crate::inventory::{Inventory, Node, Scope};
use crate::person;
use crate::room::{Identity, Turn};
use crate::saying::saying;
use crate::sod::{self, NewSodException, Rules};

/// Packages of one request.
const MOST_PARTS: usize = 20;
/// Open requests of one person that are looked through.
const MOST_OPEN: u32 = 1_000;
/// The deadline of an open stage.
pub(crate) const APPROVAL: &str = "identity.approval";
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// Open requests that are looked through.
const MOST: u32 = 100_000;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asking {
    /// Whom it is for; `None`: whoever asks.
    pub person: Option<PersonId>,
    /// Key of a package, from when (now) until when (as long as the package allows).
    pub packages: Vec<(String, Option<Timestamp>, Option<Timestamp>)>,
    pub reason: String,
    pub language: String,
    /// What is done in place of keeping duties apart, and until when, where the request violates a rule.
    pub exception: Option<ExceptionAsked>,
}

/// A command with the version that it is based on.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub request: RequestId,
    pub version: i64,
    pub command: Command,
}

/// Which requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// By or for this person.
    pub person: Option<PersonId>,
    /// That this person is asked about now.
    pub asked: Option<PersonId>,
    pub open: bool,
}

/// A request on its way, with what is needed to check it.
struct Draft {
    parts: Vec<Part>,
    targets: Vec<Vec<Target>>,
    stages: Vec<Stage>,
    inventory: Inventory,
    rules: Rules,
}

impl Identity {
    /// Packages that can be asked for, in a language.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn catalogue(&self, language: &str) -> Result<Vec<Offer>, Error> {
        let nobody = PersonId::derived([0; 16]);
        let inventory = Inventory::load(&mut self.store.clone(), Scope::One(nobody), self.now()).await?;
        let mut offers = Vec::new();
        let packages = inventory.documents.iter().filter(|one| one.kind == DocumentKind::Package);
        for document in packages.filter(|one| one.retired.is_none()) {
            let package: Package = document.read()?;
            let targets = package.targets(&document.key, &inventory)?;
            let given = targets.iter().flat_map(|target| inventory.given_by(target));
            let gives: BTreeSet<String> = given.map(|one| one.grant().to_string()).collect();
            let (title, description) = package.text(language);
            offers.push(Offer {
                key: document.key.clone(),
                title: title.to_owned(),
                description: description.to_owned(),
                mode: package.mode,
                max_days: package.max_days,
                gives: gives.into_iter().collect(),
            });
        }
        Ok(offers)
    }

    /// What a request would violate, without making it.
    ///
    /// # Errors
    /// As [`Identity::ask`].
    pub async fn preview(&self, asking: &Asking, actor: &Actor) -> Result<Vec<ToxicShown>, Error> {
        let mut turn = self.turn(actor, "").await?;
        let requester = approver::person_of(&mut turn.tx, actor).await?;
        let person = person::meant(&mut turn.tx, asking.person.unwrap_or(requester)).await?;
        must_be_askable(asking, turn.now())?;
        must_not_wait(&mut turn, asking, person).await?;
        let draft = draft(&mut turn, asking, person).await?;
        toxic(&mut turn, &draft.inventory, &draft.rules, &draft.asked(), person).await
    }

    /// Makes a request.
    ///
    /// # Errors
    /// [`Error::Refused`] when parts of it are toxic to each other, when it is toxic to what is held and no exception is
    /// asked for with it, when nobody can decide on it, or when words or times are missing.
    pub async fn ask(&self, asking: &Asking, actor: &Actor) -> Result<Request, Error> {
        let reason = said("reason", &asking.reason, 2_000)?;
        let mut turn = self.turn(actor, &reason).await?;
        let requester = approver::person_of(&mut turn.tx, actor).await?;
        let person = person::meant(&mut turn.tx, asking.person.unwrap_or(requester)).await?;
        must_be_askable(asking, turn.now())?;
        must_not_wait(&mut turn, asking, person).await?;
        person::must(&mut turn.tx, person).await?;
        let draft = draft(&mut turn, asking, person).await?;
        let toxic = toxic(&mut turn, &draft.inventory, &draft.rules, &draft.asked(), person).await?;
        let now = turn.now();
        let directory = Directory::load(&mut turn.tx, now).await?;
        let excepted = must_be_excepted(&toxic, asking, &directory, now)?;
        let excluded = BTreeSet::from([requester, person]);
        let targets: Vec<Target> = draft.targets.concat();
        let matter = approver::matter(&draft.inventory, &targets);
        let mut stages = Vec::new();
        for stage in &draft.stages {
            stages.push(seated(stage, Vec::new(), person, &matter, &directory, &excluded)?);
        }
        for (owner, rules) in excepted {
            let stage =
                Stage { title: "risk owner".to_owned(), approvers: vec![Approver::Person(owner)], need: Need::All };
            stages.push(risk_seated(&stage, rules, person, &directory, &excluded)?);
        }
        let mut request = Request {
            id: turn.tx.id(),
            requester,
            person,
            reason,
            language: asking.language.clone(),
            state: RequestState::Pending,
            risk: approver::risk(&draft.inventory, &draft.rules, &targets),
            parts: draft.parts,
            toxic,
            exception: asking.exception.clone(),
            stages,
            created: now,
            updated: now,
            closed_because: None,
            version: 0,
        };
        let stage_us = directory.policy.stage_hours * HOUR_US;
        if let Some(first) = request.stages.first_mut() {
            first.state = StageState::Open;
            first.opened = Some(now);
            first.due = Some(now.plus_micros(stage_us));
        }
        write(&mut turn, None, &mut request, "ask").await?;
        turn.finish().await?;
        Ok(request)
    }

    /// Carries out a command on a request.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the request was changed after the version that was read, [`Error::Refused`] by the state
    /// machine.
    pub async fn order(&self, order: &Order, actor: &Actor) -> Result<Request, Error> {
        let mut turn = self.turn(actor, "").await?;
        let by = approver::person_of(&mut turn.tx, actor).await?;
        let before = record::find(&mut turn.tx, order.request).await?;
        if order.version != before.version {
            return Err(Error::conflict(json!(order.command), json!(before), before.version));
        }
        let after = carry_out(&mut turn, &before, &order.command, Some(by)).await?;
        turn.finish().await?;
        Ok(after)
    }

    /// One request.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn request(&self, id: RequestId) -> Result<Request, Error> {
        record::find(&mut self.store.clone(), id).await
    }

    /// Requests, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn requests(&self, filter: &RequestFilter, limit: u32) -> Result<Vec<Request>, Error> {
        record::list(&mut self.store.clone(), filter.person, filter.asked, filter.open, limit).await
    }
}

async fn draft(turn: &mut Turn, asking: &Asking, person: PersonId) -> Result<Draft, Error> {
    let now = turn.now();
    let policy = approver::policy(&mut turn.tx).await?;
    let inventory = Inventory::load(&mut turn.tx, Scope::One(person), now).await?;
    let rules = Rules::of(&inventory)?;
    let (mut parts, mut all, mut stages) = (Vec::new(), Vec::new(), Vec::new());
    for (key, from, until) in &asking.packages {
        let package = package::find(&inventory.documents, key)?;
        let targets = package.targets(key, &inventory)?;
        let from = from.unwrap_or(now).max(now);
        let latest = from.plus_micros(package.max_days.unwrap_or(policy.request_days) * DAY_US);
        let until = until.unwrap_or(latest);
        if until <= from || until > latest {
            let problem = format!("`{key}` can be had from {from} until {latest} at the longest");
            return Err(Refusal::bad("until", problem).into());
        }
        let named = targets.iter().map(|target| (target.kind().to_owned(), target.name())).collect();
        let title = package.text(&asking.language).0.to_owned();
        let package_key = key.clone();
        parts.push(Part {
            package: package_key,
            title,
            targets: named,
            mode: package.mode,
            from,
            until: Some(until),
            assignments: Vec::new(),
        });
        all.push(targets);
        for stage in package.stages {
            if !stages.contains(&stage) {
                stages.push(stage);
            }
        }
    }
    Ok(Draft { parts, targets: all, stages, inventory, rules })
}

/// Something, each once, few enough to be decided on, and none of it from long ago.
fn must_be_askable(asking: &Asking, now: Timestamp) -> Result<(), Refusal> {
    let many = asking.packages.len();
    if many == 0 || many > MOST_PARTS {
        return Err(Refusal::bad("packages", format!("ask for one to {MOST_PARTS} packages, not for {many}")));
    }
    let mut seen = BTreeSet::new();
    for (key, from, _) in &asking.packages {
        if !seen.insert(key) {
            return Err(Refusal::bad("packages", format!("`{key}` is asked for twice")));
        }
        // A day that is chosen begins at midnight.
        if from.is_some_and(|from| from.plus_micros(DAY_US) <= now) {
            return Err(Refusal::bad("from", format!("`{key}`: nothing is given for a time that is over")));
        }
    }
    Ok(())
}

/// What is waiting for a decision is not asked for once more.
async fn must_not_wait(turn: &mut Turn, asking: &Asking, person: PersonId) -> Result<(), Error> {
    let open = record::list(&mut turn.tx, Some(person), None, true, MOST_OPEN).await?;
    let waiting = open.iter().filter(|one| one.person == person).find_map(|one| {
        let part = one.parts.iter().find(|part| asking.packages.iter().any(|(key, _, _)| *key == part.package))?;
        Some((part, one))
    });
    match waiting {
        Some((part, request)) => {
            let text = format!(
                "`{}` was asked for on {} ({}) and waits for an answer: withdraw that request first, or remind who decides",
                part.package,
                request.created.date_text(),
                request.id
            );
            Err(Refusal::rule(text).into())
        }
        None => Ok(()),
    }
}

impl Draft {
    fn asked(&self) -> Vec<AskedFor<'_>> {
        let parts = self.parts.iter().zip(&self.targets);
        parts.map(|(part, targets)| AskedFor { targets, from: part.from, until: part.until }).collect()
    }
}

/// Access that would be given, and for which time.
pub(crate) struct AskedFor<'a> {
    pub(crate) targets: &'a [Target],
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

/// What it would violate. Eligible access counts as if it were active; activating it is looked at once more.
pub(crate) async fn toxic(
    turn: &mut Turn,
    inventory: &Inventory,
    rules: &Rules,
    asked: &[AskedFor<'_>],
    person: PersonId,
) -> Result<Vec<ToxicShown>, Error> {
    let now = turn.now();
    let exceptions = sod::in_force(&mut turn.tx, now).await?;
    let Some(user) = inventory.user(person) else { return Ok(Vec::new()) };
    let part = |part: &AskedFor| {
        let groups = part.targets.iter().filter_map(|target| inventory.group(&Node::from(target)));
        let from_us = if part.from <= now { i64::MIN } else { part.from.micros() };
        let window = Window { from_us, until_us: part.until.map_or(i64::MAX, Timestamp::micros) };
        AskedPart { asked: groups.map(Asked::Group).collect(), window }
    };
    let parts: Vec<AskedPart> = asked.iter().map(part).collect();
    let found = check_request(&inventory.closure, &rules.book, user, &parts, now.micros());
    let named = found.iter().filter_map(|toxic| {
        let (key, rule) = rules.rules.get(toxic.conflict.rule)?;
        Some(ToxicShown {
            rule: key.clone(),
            title: rule.title.clone(),
            scope: rules.value(toxic.conflict.scope_value),
            risk: rule.risk,
            sides: sod::shown(inventory, rules, &toxic.conflict),
            is_new: toxic.is_new,
            is_within_request: toxic.is_within_request,
            excused: exceptions.get(&(key.clone(), person)).map(|one| one.id),
        })
    });
    Ok(named.collect())
}

/// Owners of risks who have to agree, with the rules of each.
fn must_be_excepted(
    toxic: &[ToxicShown],
    asking: &Asking,
    directory: &Directory,
    now: Timestamp,
) -> Result<Vec<(String, Vec<String>)>, Error> {
    let open: Vec<&ToxicShown> = toxic.iter().filter(|one| one.is_new && one.excused.is_none()).collect();
    if let Some(within) = open.iter().find(|one| one.is_within_request) {
        let problem =
            format!("what is asked for violates `{}` ({}) in itself: ask for one of both", within.rule, within.title);
        return Err(Refusal::rule(problem).into());
    }
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let rules: Vec<String> = open.iter().map(|one| format!("`{}` ({})", one.rule, one.title)).collect();
    let Some(exception) = &asking.exception else {
        let problem = format!(
            "with what is held it violates {}: give back the other key first, or ask for an exception with a mitigating \
             control and an end",
            rules.join(", ")
        );
        return Err(Refusal::rule(problem).into());
    };
    said("exception.mitigation", &exception.mitigation, 2_000)?;
    let latest = now.plus_micros(directory.policy.exception_days * DAY_US);
    if exception.until <= now || exception.until > latest {
        return Err(Refusal::bad("exception.until", format!("it must end after now and by {latest}")).into());
    }
    let mut owners: Vec<(String, Vec<String>)> = Vec::new();
    for one in open {
        let owner = directory.rule_owner(&one.rule).ok_or_else(|| Error::missing("sod-rule", &one.rule))?;
        match owners.iter_mut().find(|(known, _)| *known == owner) {
            Some((_, rules)) => rules.push(one.rule.clone()),
            None => owners.push((owner, vec![one.rule.clone()])),
        }
    }
    Ok(owners)
}

fn seated(
    stage: &Stage,
    excepts: Vec<String>,
    person: PersonId,
    matter: &Matter,
    directory: &Directory,
    excluded: &BTreeSet<PersonId>,
) -> Result<StageRun, Error> {
    let seat = |approver| Seat {
        candidates: directory.candidates(approver, person, matter, excluded),
        turn: 0,
        decision: None,
    };
    let seats: Vec<Seat> = stage.approvers.iter().map(seat).collect();
    let is_lost = match stage.need {
        Need::All => seats.iter().any(|seat| seat.candidates.is_empty()),
        Need::Any => seats.iter().all(|seat| seat.candidates.is_empty()),
    };
    if is_lost {
        let problem = format!(
            "nobody can decide in stage `{}`: who should is missing, away, or gains by it; name security officers in \
             approval-policy.house",
            stage.title
        );
        return Err(Refusal::rule(problem).into());
    }
    let (title, need) = (stage.title.clone(), stage.need);
    Ok(StageRun { title, need, state: StageState::Waiting, seats, excepts, opened: None, due: None })
}

/// A risk has one owner: nobody stands in for them but their delegate.
fn risk_seated(
    stage: &Stage,
    rules: Vec<String>,
    person: PersonId,
    directory: &Directory,
    excluded: &BTreeSet<PersonId>,
) -> Result<StageRun, Error> {
    let mut run = seated(stage, rules, person, &Matter::default(), directory, excluded)?;
    for seat in &mut run.seats {
        seat.candidates.retain(|one| one.via != approver::Via::Fallback);
        if seat.candidates.is_empty() {
            return Err(Refusal::rule(
                "the owner of the risk is away or gains by the exception: no one else can give it",
            )
            .into());
        }
    }
    Ok(run)
}

/// Decides, gives the access when everybody agreed, and writes.
async fn carry_out(
    turn: &mut Turn,
    before: &Request,
    command: &Command,
    by: Option<PersonId>,
) -> Result<Request, Error> {
    let stage_us = approver::policy(&mut turn.tx).await?.stage_hours * HOUR_US;
    if let Command::Appoint { person, reason, .. } = command {
        turn.reason = said("reason", reason, 2_000)?;
        person::must(&mut turn.tx, *person).await?;
        let now = turn.now();
        let directory = Directory::load(&mut turn.tx, now).await?;
        if !directory.is_here(*person) {
            return Err(Refusal::bad("person", "they are not here: away, left or locked out").into());
        }
    }
    let mut after = decide(before, command, by, turn.now(), stage_us)?;
    if after.state == RequestState::Granted {
        grant(turn, &mut after).await?;
    }
    if after.state == RequestState::Lapsed {
        let title = saying!("nobody is left to decide on a request of {person}", person = after.person);
        let detail = json!({ "request": after.id, "because": after.closed_because });
        let finding =
            NewFinding { person: Some(after.person), detail, ..NewFinding::new(FindingKind::Other, after.id, title) };
        turn.find(finding).await?;
    }
    write(turn, Some(before), &mut after, command.name()).await?;
    Ok(after)
}

/// Gives what was asked for, unless it has become toxic since.
async fn grant(turn: &mut Turn, request: &mut Request) -> Result<(), Error> {
    let now = turn.now();
    let asking = Asking {
        person: Some(request.person),
        packages: request.parts.iter().map(|part| (part.package.clone(), None, part.until)).collect(),
        reason: request.reason.clone(),
        language: request.language.clone(),
        exception: request.exception.clone(),
    };
    let agreed: BTreeSet<String> = request.stages.iter().flat_map(|stage| stage.excepts.iter().cloned()).collect();
    let fresh = match draft(turn, &asking, request.person).await {
        Ok(draft) => toxic(turn, &draft.inventory, &draft.rules, &draft.asked(), request.person).await?,
        Err(Error::Refused(refusal)) => {
            block(request, refusal.to_string());
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let uncovered = fresh.iter().find(|one| one.is_new && one.excused.is_none() && !agreed.contains(&one.rule));
    if let Some(one) = uncovered {
        block(request, format!("it has come to violate `{}` ({}) since it was made", one.rule, one.title));
        return Ok(());
    }
    if let Some(exception) = &request.exception {
        for stage in request.stages.iter().filter(|stage| !stage.excepts.is_empty()) {
            let Some(decision) = stage.seats.iter().filter_map(|seat| seat.decision.as_ref()).next() else { continue };
            for rule in &stage.excepts {
                let new = NewSodException {
                    rule: rule.clone(),
                    person: request.person,
                    risk_owner: decision.by,
                    mitigation: exception.mitigation.clone(),
                    reason: request.reason.clone(),
                    until: exception.until,
                };
                sod::give(turn, new).await?;
            }
        }
    }
    let deciders = request.stages.iter().flat_map(|stage| &stage.seats).filter_map(|seat| seat.decision.as_ref());
    let approver: Vec<String> = deciders.map(|decision| decision.by.to_string()).collect();
    for part in &mut request.parts {
        for (kind, name) in &part.targets {
            let new = NewAssignment {
                person: request.person,
                target: Target::parse(kind, name)?,
                mode: part.mode,
                source: Source::Request,
                source_ref: Some(request.id.to_string()),
                reason: request.reason.clone(),
                approver: Some(approver.join(" ")),
                from: Some(part.from.max(now)),
                until: part.until,
            };
            part.assignments.push(turn.assign(new).await?.id);
        }
    }
    sod::analyse_person(turn, request.person).await.map(drop)
}

fn block(request: &mut Request, because: String) {
    request.state = RequestState::Blocked;
    request.closed_because = Some(because);
}

async fn write(turn: &mut Turn, before: Option<&Request>, after: &mut Request, verb: &str) -> Result<(), Error> {
    record::save(turn, after).await?;
    let subject = after.id.to_string();
    match after.open_stage().filter(|_| after.state.is_open()).map(|place| &after.stages[place]) {
        Some(stage) => {
            let asked = stage.seats.iter().filter(|seat| seat.decision.is_none()).filter_map(Seat::holder);
            let owes: Vec<String> = asked.map(|holder| holder.person.to_string()).collect();
            let due = stage.due.unwrap_or(turn.now());
            let otherwise = "the next are asked; when nobody is left the request lapses".to_owned();
            let deadline =
                Deadline { kind: APPROVAL.to_owned(), subject, owes: owes.join(" "), due: Due::At(due), otherwise };
            turn.tx.deadline(deadline).await?;
        }
        None => {
            turn.tx.keep_deadline(APPROVAL, &subject).await?;
        }
    }
    let (request, version, at) = (after.id, after.version, turn.now());
    turn.tx.emit(Fact::RequestChanged { request, version, at });
    turn.record(&format!("request.{verb}"), after.id, before.map_or(Json::Null, |before| json!(before)), json!(after));
    Ok(())
}

/// Requests whose approver left, or is away, do not wait for the end of the stage: who is asked in their place is asked now.
pub(crate) async fn pass_over_absent(turn: &mut Turn) -> Result<usize, Error> {
    let open = record::list(&mut turn.tx, None, None, true, MOST).await?;
    if open.is_empty() {
        return Ok(0);
    }
    let now = turn.now();
    let directory = Directory::load(&mut turn.tx, now).await?;
    let mut moved = 0;
    for before in open {
        let Some(place) = before.open_stage() else { continue };
        let waiting = before.stages[place].seats.iter().filter(|seat| seat.decision.is_none());
        let absent = waiting.flat_map(|seat| seat.candidates[seat.turn.min(seat.candidates.len())..].iter());
        let absent: Vec<PersonId> = absent.map(|one| one.person).filter(|person| !directory.is_here(*person)).collect();
        let is_held_up = before.stages[place]
            .seats
            .iter()
            .any(|seat| seat.decision.is_none() && seat.holder().is_some_and(|holder| absent.contains(&holder.person)));
        if is_held_up {
            carry_out(turn, &before, &Command::PassOver { absent }, None).await?;
            moved += 1;
        }
    }
    Ok(moved)
}

/// Nobody answered in time.
pub(crate) async fn overdue(turn: &mut Turn, id: RequestId) -> Result<(), Error> {
    let before = record::find(&mut turn.tx, id).await?;
    if before.state.is_open() {
        carry_out(turn, &before, &Command::AskNext, None).await?;
    }
    Ok(())
}
