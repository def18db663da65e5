//! Access with its reasons: which contract, through which rule and roles, or whose decision.

use std::collections::BTreeSet;

use kernel::Timestamp;
use kernel::id::AssignmentId;
use minijinja::Value;
use serde::Serialize;

use super::subject::{Catalog, Contract, Subject};
use crate::assignment::{Assignment, Mode, Source, Target};
use crate::engagement::{EngagementSheet, EngagementState, Standing, day_after, day_begins};
use crate::error::Refusal;
use crate::person::PersonKind;
use crate::policy::{Facts, Matcher, Policy, Reached};
use crate::role::Grant;
use crate::slice::Slice;
use crate::system::Resting;

pub(super) const DAY_US: i64 = 86_400_000_000;

/// Where a person is in their time with the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// No contract that counts.
    Nobody,
    /// The first contract has not begun.
    Coming {
        begins: Timestamp,
    },
    Here {
        standing: Standing,
    },
    /// Between two contracts, and not for long.
    Between {
        since: Timestamp,
        resumes: Timestamp,
    },
    Gone {
        since: Timestamp,
    },
    /// Locked out.
    Blocked {
        since: Timestamp,
    },
}

kernel::words! {
    /// What a step of a reason is.
    StepKind {
        Engagement = "engagement",
        Rule = "rule",
        Assignment = "assignment",
        Role = "role",
    }
}

/// One step of a reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Step {
    pub kind: StepKind,
    pub key: String,
    pub title: String,
}

/// One piece of access with one reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    #[serde(serialize_with = "as_text")]
    pub grant: Grant,
    pub why: Vec<Step>,
    /// It ends then by itself, as far as is known now.
    pub until: Option<Timestamp>,
    /// What the account is while this is its reason.
    pub account: Resting,
    /// Held, but asleep: the contract has ended and the grace has not.
    pub asleep: bool,
}

fn as_text<S: serde::Serializer>(grant: &Grant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(grant)
}

/// Everything that somebody should have now.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    pub phase: Phase,
    pub lines: Vec<Line>,
    /// Systems in which an account is made ahead of the first day.
    pub ahead: BTreeSet<String>,
    /// The contract whose words templates use: its place in the subject.
    pub primary: Option<usize>,
    /// Assignments that are over.
    pub lapsed: Vec<(AssignmentId, &'static str)>,
    /// When this may change by the clock alone.
    pub next: Option<Timestamp>,
    /// What a rule could not decide.
    pub faults: Vec<Refusal>,
}

/// What is gathered on the way.
struct Gathering<'a> {
    policy: &'a Policy,
    catalog: &'a Catalog,
    now: Timestamp,
    matcher: &'a mut Matcher,
    access: Access,
}

/// Computes what somebody should have at `now`.
pub fn access(policy: &Policy, catalog: &Catalog, subject: &Subject, now: Timestamp, matcher: &mut Matcher) -> Access {
    let access = Access {
        phase: phase(policy, subject, now),
        lines: Vec::new(),
        ahead: BTreeSet::new(),
        primary: primary(policy, subject, now),
        lapsed: Vec::new(),
        next: None,
        faults: Vec::new(),
    };
    let mut gathering = Gathering { policy, catalog, now, matcher, access };
    for contract in &subject.contracts {
        gathering.contract(subject, contract);
    }
    for assignment in &subject.assignments {
        gathering.assignment(assignment);
    }
    for account in subject.accounts.iter().filter_map(|account| account.expires) {
        gathering.again_at(account);
    }
    let mut access = gathering.access;
    restrict(&mut access, catalog);
    fold(&mut access);
    access
}

/// The first instant and the first instant after a contract, with the longest term of those who have no record behind them.
pub(super) fn span(
    policy: &Policy,
    subject: &Subject,
    contract: &Contract,
    now: Timestamp,
) -> (Timestamp, Option<Timestamp>) {
    term(policy, subject.person.sheet.kind, contract.sheet_at(now))
}

/// The first instant and the first instant after what a source says of a contract of such a person.
pub(crate) fn term(policy: &Policy, kind: PersonKind, sheet: &EngagementSheet) -> (Timestamp, Option<Timestamp>) {
    let zone = policy.zone(sheet.station.as_deref());
    let begins = day_begins(sheet.begins, zone);
    let ends = sheet.ends.map(|last| day_after(last, zone));
    if !kind.needs_sponsor() {
        return (begins, ends);
    }
    let longest = begins.plus_micros(policy.settings.sponsored_days.saturating_mul(DAY_US));
    (begins, Some(ends.map_or(longest, |ends| ends.min(longest))))
}

/// The state of a contract at `now`, with the longest term.
pub(super) fn state(policy: &Policy, subject: &Subject, contract: &Contract, now: Timestamp) -> EngagementState {
    state_in_term(policy, subject.person.sheet.kind, contract.sheet_at(now), now)
}

/// The state, at an instant, of what a source says of a contract of such a person, with the longest term.
pub(crate) fn state_in_term(
    policy: &Policy,
    kind: PersonKind,
    sheet: &EngagementSheet,
    at: Timestamp,
) -> EngagementState {
    let (_, ends) = term(policy, kind, sheet);
    if sheet.standing != Standing::Cancelled && ends.is_some_and(|ends| ends <= at) {
        return EngagementState::Ended;
    }
    sheet.state_at(policy.zone(sheet.station.as_deref()), at)
}

/// When a contract under which somebody worked was cancelled: that is its end. `None`: it was never to be.
fn broken_off(policy: &Policy, subject: &Subject, contract: &Contract, now: Timestamp) -> Option<Timestamp> {
    let past = contract.slices.iter().take_while(|slice| slice.from <= now).count();
    let before = contract.slices[..past].iter().rposition(|slice| slice.sheet.standing != Standing::Cancelled)?;
    let since = contract.slices.get(before + 1).filter(|slice| slice.from <= now)?.from;
    let sheet = &contract.slices[before].sheet;
    state_in_term(policy, subject.person.sheet.kind, sheet, since.plus_micros(-1)).is_live().then_some(since)
}

fn phase(policy: &Policy, subject: &Subject, now: Timestamp) -> Phase {
    if let Some(since) = subject.person.blocked {
        return Phase::Blocked { since };
    }
    let mut best: Option<Standing> = None;
    let mut last_end: Option<Timestamp> = None;
    let mut next_begin: Option<Timestamp> = None;
    for contract in &subject.contracts {
        let (begins, ends) = span(policy, subject, contract, now);
        match state(policy, subject, contract, now) {
            EngagementState::Future => next_begin = Some(next_begin.map_or(begins, |known| known.min(begins))),
            EngagementState::Ended => last_end = last_end.max(ends),
            EngagementState::Cancelled => last_end = last_end.max(broken_off(policy, subject, contract, now)),
            EngagementState::Active
            | EngagementState::Suspended
            | EngagementState::Leave
            | EngagementState::Secondment => {
                let standing = contract.sheet_at(now).standing;
                best = Some(best.map_or(standing, |known| busier(known, standing)));
            }
        }
    }
    if let Some(standing) = best {
        return Phase::Here { standing };
    }
    let gap_us = policy.settings.gap_days.saturating_mul(DAY_US);
    match (last_end, next_begin) {
        (Some(since), Some(resumes)) if resumes.micros() - since.micros() <= gap_us => {
            Phase::Between { since, resumes }
        }
        (Some(since), None) => Phase::Gone { since },
        (_, Some(begins)) => Phase::Coming { begins },
        (None, None) => Phase::Nobody,
    }
}

/// Of two contracts, the one under which somebody works more.
const fn busier(left: Standing, right: Standing) -> Standing {
    const fn rank(standing: Standing) -> u8 {
        match standing {
            Standing::Active => 4,
            Standing::Secondment => 3,
            Standing::Leave => 2,
            Standing::Suspended => 1,
            Standing::Cancelled => 0,
        }
    }
    if rank(left) >= rank(right) { left } else { right }
}

/// The contract whose words templates use: a live one before one to come before one that ended; the earliest of those.
fn primary(policy: &Policy, subject: &Subject, now: Timestamp) -> Option<usize> {
    let rank = |contract: &Contract| {
        let (begins, ends) = span(policy, subject, contract, now);
        match state(policy, subject, contract, now) {
            state if state.is_live() => (0, begins.micros()),
            EngagementState::Future => (1, begins.micros()),
            EngagementState::Ended => (2, -ends.unwrap_or(begins).micros()),
            _ => (3, begins.micros()),
        }
    };
    let ranked =
        subject.contracts.iter().enumerate().map(|(at, contract)| (rank(contract), contract.engagement.id, at));
    ranked.min().map(|(_, _, at)| at)
}

/// What held for less than a day was a mistake that was put right, and no move; so was what was believed for less than a
/// day, however long ago it began, unless the source said from which day on it is otherwise.
fn is_corrected(slice: &Slice<EngagementSheet>, until: Timestamp) -> bool {
    let cut_when_heard = slice.recorded == until;
    let since = if cut_when_heard { slice.from.max(slice.known) } else { slice.from };
    until.micros() - since.micros() < DAY_US
}

impl Gathering<'_> {
    fn again_at(&mut self, at: Timestamp) {
        if at > self.now {
            self.access.next = Some(self.access.next.map_or(at, |known| known.min(at)));
        }
    }

    fn contract(&mut self, subject: &Subject, contract: &Contract) {
        let (begins, ends) = span(self.policy, subject, contract, self.now);
        self.again_at(begins);
        self.again_at(ends.unwrap_or(Timestamp::MAX));
        for slice in &contract.slices {
            self.again_at(slice.from);
        }
        match state(self.policy, subject, contract, self.now) {
            EngagementState::Future => self.ahead(subject, contract, begins),
            EngagementState::Ended => self.asleep(subject, contract, ends.unwrap_or(begins)),
            EngagementState::Cancelled => {
                if let Some(since) = broken_off(self.policy, subject, contract, self.now) {
                    self.asleep(subject, contract, since);
                }
            }
            EngagementState::Active
            | EngagementState::Suspended
            | EngagementState::Leave
            | EngagementState::Secondment => self.live(subject, contract, ends),
        }
    }

    fn live(&mut self, subject: &Subject, contract: &Contract, ends: Option<Timestamp>) {
        let standing = contract.sheet_at(self.now).standing;
        let lines = self.birthright(subject, contract, self.now);
        let mut given: BTreeSet<Grant> = BTreeSet::new();
        for (reached, why) in lines {
            let account = self.resting(&reached.grant, standing);
            given.insert(reached.grant.clone());
            self.access.lines.push(Line { grant: reached.grant, why, until: ends, account, asleep: false });
        }
        let overlap_us = self.policy.settings.mover_overlap_days.saturating_mul(DAY_US);
        for slice in &contract.slices {
            let Some(until) = slice.until.filter(|until| *until <= self.now) else { continue };
            let corrected = is_corrected(slice, until);
            let until = until.plus_micros(overlap_us);
            if corrected || until <= self.now {
                continue;
            }
            self.again_at(until);
            let before = slice.until.map_or(slice.from, |end| end.plus_micros(-1));
            for (reached, why) in self.birthright(subject, contract, before) {
                // What goes on being given has its reason already. What is paid for, or gives power, goes on the day of the move.
                if given.contains(&reached.grant)
                    || self.catalog.is_licence(&reached.grant)
                    || self.catalog.is_privileged(&reached.grant)
                {
                    continue;
                }
                let account = self.resting(&reached.grant, standing);
                self.access.lines.push(Line { grant: reached.grant, why, until: Some(until), account, asleep: false });
            }
        }
    }

    fn asleep(&mut self, subject: &Subject, contract: &Contract, ended: Timestamp) {
        let lines = self.birthright(subject, contract, ended.plus_micros(-1));
        for (reached, why) in lines {
            let Some(system) = self.policy.systems.get(&reached.grant.system) else { continue };
            let until = ended.plus_micros(system.grace_days.saturating_mul(DAY_US));
            if let Some(days) = system.delete_days {
                self.again_at(ended.plus_micros(days.saturating_mul(DAY_US)));
            }
            if until > self.now {
                self.again_at(until);
                let line =
                    Line { grant: reached.grant, why, until: Some(until), account: Resting::Disabled, asleep: true };
                self.access.lines.push(line);
            }
        }
        self.again_at(ended.plus_micros(self.policy.settings.gap_days.saturating_mul(DAY_US)));
    }

    fn ahead(&mut self, subject: &Subject, contract: &Contract, begins: Timestamp) {
        for (reached, _) in self.birthright(subject, contract, begins) {
            let Some(system) = self.policy.systems.get(&reached.grant.system) else { continue };
            let from = begins.plus_micros(-system.lead_days.saturating_mul(DAY_US));
            if from <= self.now {
                self.access.ahead.insert(reached.grant.system.clone());
            }
            self.again_at(from);
        }
    }

    /// What the rules give to a contract as it was at an instant.
    fn birthright(&mut self, subject: &Subject, contract: &Contract, at: Timestamp) -> Vec<(Reached, Vec<Step>)> {
        let policy = self.policy;
        let key = &contract.engagement.source_key;
        let facts = Facts::new(policy, &subject.person, key, contract.sheet_at(at)).value();
        let engagement = Step {
            kind: StepKind::Engagement,
            key: contract.engagement.id.to_string(),
            title: format!("{} {key}", contract.engagement.source),
        };
        let mut lines = Vec::new();
        for (key, rule) in policy.rules.iter().filter(|(_, rule)| rule.enabled) {
            if self.holds(key, &facts) {
                let step = Step { kind: StepKind::Rule, key: key.clone(), title: rule.title.clone() };
                for role in &rule.roles {
                    let given = through_role(policy, role, &[engagement.clone(), step.clone()]);
                    lines.extend(given.into_iter().filter(|(reached, _)| !self.is_excluded(subject, &reached.grant)));
                }
            }
        }
        lines
    }

    /// A person decided that rules do not give it.
    fn is_excluded(&self, subject: &Subject, grant: &Grant) -> bool {
        let named = grant.entitlement.as_ref().map(|name| self.catalog.id(&grant.system, name));
        named.is_some_and(|id| subject.excluded.contains(&id))
    }

    /// A rule that cannot decide gives nothing and says so.
    fn holds(&mut self, rule: &str, facts: &Value) -> bool {
        self.matcher.holds(&self.policy.templates, rule, facts).unwrap_or_else(|fault| {
            self.access.faults.push(fault);
            false
        })
    }

    fn resting(&self, grant: &Grant, standing: Standing) -> Resting {
        self.policy.systems.get(&grant.system).map_or(Resting::Disabled, |system| system.standing.of(standing))
    }

    fn assignment(&mut self, assignment: &Assignment) {
        self.again_at(assignment.from);
        if let Some(until) = assignment.until {
            self.again_at(until);
            if until <= self.now {
                // What was borrowed is taken back, and verified, by whoever lent it.
                if assignment.source != Source::Activation {
                    self.access.lapsed.push((assignment.id, "its time is over"));
                }
                return;
            }
        }
        let account = match self.access.phase {
            Phase::Here { standing } => standing,
            Phase::Between { .. } => Standing::Suspended,
            // What was given for a stay ends with it; it does not come back with a later one.
            Phase::Gone { since } => {
                let over = since.plus_micros(self.policy.settings.gap_days.saturating_mul(DAY_US));
                if over <= self.now {
                    self.access.lapsed.push((assignment.id, "the person has left"));
                    return;
                }
                Standing::Suspended
            }
            Phase::Coming { .. } | Phase::Nobody | Phase::Blocked { .. } => return,
        };
        if assignment.mode == Mode::Eligible || assignment.from > self.now {
            return;
        }
        let step = Step {
            kind: StepKind::Assignment,
            key: assignment.id.to_string(),
            title: format!("{}: {}", assignment.source, assignment.reason),
        };
        let lines = match &assignment.target {
            Target::Role(role) => through_role(self.policy, role, &[step]),
            Target::Entitlement(id) => {
                let grant = self.catalog.entitlement(*id).map(super::super::entitlement::Entitlement::grant);
                let reached = |grant| (Reached { grant, path: Vec::new(), privileged: false }, vec![step]);
                grant.map(reached).into_iter().collect()
            }
        };
        let asleep = !matches!(self.access.phase, Phase::Here { .. });
        for (reached, why) in lines {
            let account = if asleep { Resting::Disabled } else { self.resting(&reached.grant, account) };
            self.access.lines.push(Line { grant: reached.grant, why, until: assignment.until, account, asleep });
        }
    }
}

fn through_role(policy: &Policy, role: &str, before: &[Step]) -> Vec<(Reached, Vec<Step>)> {
    let title = |key: &str| policy.roles.get(key).map_or_else(|| key.to_owned(), |role| role.title.clone());
    let line = |reached: &Reached| {
        let roles = reached.path.iter().map(|key| Step { kind: StepKind::Role, key: key.clone(), title: title(key) });
        (reached.clone(), before.iter().cloned().chain(roles).collect())
    };
    policy.reached(role).iter().map(line).collect()
}

/// One line for a grant by one way: that which lasts longest.
fn fold(access: &mut Access) {
    let lasts = |line: &Line| line.until.unwrap_or(Timestamp::MAX);
    access.lines.sort_by(|left, right| {
        let of = |line: &Line| (line.grant.clone(), line.asleep, line.why.clone());
        of(left).cmp(&of(right)).then(lasts(right).cmp(&lasts(left)))
    });
    access.lines.dedup_by(|later, first| {
        (&later.grant, later.asleep, &later.why) == (&first.grant, first.asleep, &first.why)
            && later.account == first.account
    });
}

/// Nothing that gives power or costs money to those who do not work: on leave, asleep, locked out.
fn restrict(access: &mut Access, catalog: &Catalog) {
    let works = matches!(access.phase, Phase::Here { standing: Standing::Active });
    let here = matches!(access.phase, Phase::Here { .. });
    access.lines.retain(|line| {
        let powerful = catalog.is_privileged(&line.grant);
        let costs = catalog.is_licence(&line.grant);
        !(powerful && (!works || line.asleep) || costs && (!here || line.asleep || line.account == Resting::Disabled))
    });
}
