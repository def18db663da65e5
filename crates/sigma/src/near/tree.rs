//! A condition as it reads behind one gate, and how far an event is from making it true or false.

use std::iter::Sum;
use std::ops::Add;

use super::{Outcome, Part};
use crate::detection::{Condition, Detection, Item, Test};
use crate::mapping::Gate;
use crate::naive::{Event, holds, related, words};
use crate::pattern::{Pattern, fold};

/// Tests of one part that are shown; of a list of thousands nobody reads on.
const SHOWN_TESTS: usize = 40;

/// A number of tests that would have to come out otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Distance(u32);

impl Distance {
    pub(super) const ZERO: Distance = Distance(0);
    /// No number of tests would do.
    pub(super) const NEVER: Distance = Distance(u32::MAX);

    pub(super) fn count(self) -> Option<u32> {
        (self != Distance::NEVER).then_some(self.0)
    }

    fn one_if(needed: bool) -> Distance {
        Distance(u32::from(needed))
    }

    fn of(tests: usize) -> Distance {
        Distance(u32::try_from(tests).unwrap_or(u32::MAX))
    }
}

impl Add for Distance {
    type Output = Distance;

    fn add(self, other: Distance) -> Distance {
        Distance(self.0.saturating_add(other.0))
    }
}

impl Sum for Distance {
    fn sum<I: Iterator<Item = Distance>>(all: I) -> Distance {
        all.fold(Distance::ZERO, Add::add)
    }
}

/// How far an event is from both outcomes; one of the two is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Distances {
    pub to_true: Distance,
    pub to_false: Distance,
}

impl Distances {
    fn to(self, wanted: bool) -> Distance {
        if wanted { self.to_true } else { self.to_false }
    }
}

/// A condition behind a gate.
pub(super) enum Tree<'a> {
    /// So many of these at least: all of them for `and`, one for `or`.
    AtLeast(usize, Vec<Tree<'a>>),
    Not(Box<Tree<'a>>),
    Named(&'a str, Box<Tree<'a>>),
    Line(Line<'a>),
}

/// One line of a detection.
pub(super) struct Line<'a> {
    detection: &'a str,
    item: &'a Item,
    /// Where the field is; `None`: nowhere, or a keyword.
    column: Option<&'a str>,
    tests: Vec<Prepared<'a>>,
}

/// A test with what can be made ready before any event is seen.
struct Prepared<'a> {
    test: &'a Test,
    /// The pattern of a test that ignores case.
    folded: Option<Pattern>,
    /// The column of the other field of `fieldref`.
    other: Option<&'a str>,
    /// Whether it can come out otherwise: it looks at what such events carry.
    open: bool,
}

impl<'a> Tree<'a> {
    /// The conditions of a rule, any of which fires it.
    pub(super) fn of_rule(conditions: &'a [Condition], gate: &'a Gate) -> Tree<'a> {
        match conditions {
            [one] => Tree::condition(one, Some(gate)),
            several => Tree::any(several.iter().map(|one| Tree::condition(one, Some(gate)))),
        }
    }

    /// The condition of a gate, which tests source fields.
    pub(super) fn of_gate(gate: &'a Gate) -> Tree<'a> {
        Tree::condition(&gate.condition, None)
    }

    /// Each line of a gate.
    pub(super) fn lines_of_gate(gate: &'a Gate) -> Vec<Tree<'a>> {
        let mut lines = Vec::new();
        gate.condition.for_each_item(&mut |name, item| lines.push(Tree::Line(Line::new(name, item, None))));
        lines
    }

    fn condition(condition: &'a Condition, gate: Option<&'a Gate>) -> Tree<'a> {
        match condition {
            Condition::And(parts) => Tree::all(parts.iter().map(|part| Tree::condition(part, gate))),
            Condition::Or(parts) => Tree::any(parts.iter().map(|part| Tree::condition(part, gate))),
            Condition::Not(inner) => Tree::Not(Box::new(Tree::condition(inner, gate))),
            Condition::AtLeast(least, parts) => {
                let parts = parts.iter().map(|part| Tree::condition(part, gate)).collect();
                Tree::AtLeast(usize::try_from(*least).unwrap_or(usize::MAX), parts)
            }
            Condition::Detection(named) => {
                Tree::Named(&named.name, Box::new(Tree::detection(&named.name, &named.detection, gate)))
            }
        }
    }

    fn detection(name: &'a str, detection: &'a Detection, gate: Option<&'a Gate>) -> Tree<'a> {
        match detection {
            Detection::All(parts) => Tree::all(parts.iter().map(|part| Tree::detection(name, part, gate))),
            Detection::Any(parts) => Tree::any(parts.iter().map(|part| Tree::detection(name, part, gate))),
            Detection::Item(item) => Tree::Line(Line::new(name, item, gate)),
        }
    }

    fn all(parts: impl Iterator<Item = Tree<'a>>) -> Tree<'a> {
        let parts: Vec<_> = parts.collect();
        Tree::AtLeast(parts.len(), parts)
    }

    fn any(parts: impl Iterator<Item = Tree<'a>>) -> Tree<'a> {
        Tree::AtLeast(1, parts.collect())
    }

    /// How far `event` is from making it true, and false.
    pub(super) fn distances(&self, event: &dyn Event) -> Distances {
        match self {
            Tree::AtLeast(least, parts) => {
                let parts: Vec<Distances> = parts.iter().map(|part| part.distances(event)).collect();
                let (to_true, to_false) = (needed(*least, parts.len(), true), needed(*least, parts.len(), false));
                Distances {
                    to_true: cheapest(parts.iter().map(|part| part.to_true), to_true),
                    to_false: cheapest(parts.iter().map(|part| part.to_false), to_false),
                }
            }
            Tree::Not(inner) => {
                let inner = inner.distances(event);
                Distances { to_true: inner.to_false, to_false: inner.to_true }
            }
            Tree::Named(_, inner) => inner.distances(event),
            Tree::Line(line) => line.distances(event),
        }
    }

    /// The tests that would have to come out otherwise to make it true, as few as there can be. Empty when that is
    /// out of reach.
    pub(super) fn changes(&self, event: &dyn Event) -> Vec<Outcome> {
        let mut changes = Vec::new();
        self.change(event, true, &mut changes);
        changes
    }

    fn change(&self, event: &dyn Event, wanted: bool, changes: &mut Vec<Outcome>) {
        match self {
            Tree::AtLeast(least, parts) => {
                let mut by_distance: Vec<(Distance, &Tree<'_>)> =
                    parts.iter().map(|part| (part.distances(event).to(wanted), part)).collect();
                by_distance.sort_by_key(|(distance, _)| *distance);
                for (_, part) in by_distance.iter().take(needed(*least, parts.len(), wanted)) {
                    part.change(event, wanted, changes);
                }
            }
            Tree::Not(inner) => inner.change(event, !wanted, changes),
            Tree::Named(_, inner) => inner.change(event, wanted, changes),
            Tree::Line(line) => line.change(event, wanted, changes),
        }
    }

    /// The parts that stand side by side under `and`, each with its tests.
    pub(super) fn parts(&self, event: &dyn Event) -> Vec<Part> {
        match self {
            Tree::AtLeast(least, parts) if *least == parts.len() => {
                parts.iter().map(|part| part.as_part(event)).collect()
            }
            whole => vec![whole.as_part(event)],
        }
    }

    fn as_part(&self, event: &dyn Event) -> Part {
        let mut tests = Vec::new();
        self.outcomes(event, &mut tests);
        // Of a long list, what held is what matters; the order of the rule otherwise.
        let mut further = 0;
        if tests.len() > SHOWN_TESTS {
            further = tests.len() - SHOWN_TESTS;
            tests.sort_by_key(|test| !test.held);
            tests.truncate(SHOWN_TESTS);
        }
        Part { condition: self.words(false), held: self.distances(event).to_true == Distance::ZERO, tests, further }
    }

    fn outcomes(&self, event: &dyn Event, outcomes: &mut Vec<Outcome>) {
        match self {
            Tree::AtLeast(_, parts) => parts.iter().for_each(|part| part.outcomes(event, outcomes)),
            Tree::Not(inner) | Tree::Named(_, inner) => inner.outcomes(event, outcomes),
            Tree::Line(line) => {
                let held = line.held(event);
                outcomes.extend(line.presence(event));
                outcomes.extend(line.tests.iter().zip(held).map(|(test, held)| line.outcome(test, held, event)));
            }
        }
    }

    /// The names of the detections, combined; in parentheses where `inner` and several.
    fn words(&self, inner: bool) -> String {
        let joined = |parts: &[Tree<'_>], by: &str| {
            let parts: Vec<String> = parts.iter().map(|part| part.words(true)).collect();
            if inner && parts.len() > 1 { format!("({})", parts.join(by)) } else { parts.join(by) }
        };
        match self {
            Tree::AtLeast(least, parts) if *least == parts.len() => joined(parts, " and "),
            Tree::AtLeast(1, parts) => joined(parts, " or "),
            Tree::AtLeast(least, parts) => {
                let parts: Vec<String> = parts.iter().map(|part| part.words(true)).collect();
                format!("{least} of ({})", parts.join(", "))
            }
            Tree::Not(negated) => format!("not {}", negated.words(true)),
            Tree::Named(name, _) => (*name).to_owned(),
            Tree::Line(line) => line.item.field.clone().unwrap_or_else(|| "keywords".to_owned()),
        }
    }
}

/// How many of `parts` must have the outcome `wanted`, so that "at least `least` of them" has it.
fn needed(least: usize, parts: usize, wanted: bool) -> usize {
    if wanted { least } else { (parts + 1).saturating_sub(least) }
}

/// The sum of the `count` least; out of reach when there are not so many.
fn cheapest(distances: impl Iterator<Item = Distance>, count: usize) -> Distance {
    let mut distances: Vec<Distance> = distances.collect();
    if count > distances.len() {
        return Distance::NEVER;
    }
    distances.sort_unstable();
    distances.into_iter().take(count).sum()
}

impl<'a> Line<'a> {
    /// Without a gate, fields are source fields.
    fn new(detection: &'a str, item: &'a Item, gate: Option<&'a Gate>) -> Line<'a> {
        let place = |name: &'a str| gate.map_or(Some(name), |gate| gate.column(name));
        let column = item.field.as_deref().and_then(place);
        let carried = item.field.is_none() || column.is_some();
        let tests = item.tests.iter().map(|test| {
            let folded = match test {
                Test::Text { pattern, cased: false } => Some(pattern.folded()),
                _ => None,
            };
            let other = if let Test::Field { other, .. } = test { place(other) } else { None };
            let open = carried && (other.is_some() || !matches!(test, Test::Field { .. }));
            Prepared { test, folded, other, open }
        });
        Line { detection, item, column, tests: tests.collect() }
    }

    /// Whether the line asks that the field be there, apart from its tests.
    fn asks_presence(&self) -> bool {
        self.item.negated
    }

    fn values<'e>(&self, event: &'e dyn Event) -> Vec<&'e str> {
        match (&self.item.field, self.column) {
            (None, _) => event.all().into_iter().map(|(_, value)| value).collect(),
            (Some(_), Some(column)) => event.values(column),
            (Some(_), None) => Vec::new(),
        }
    }

    /// For each test, whether it holds (before `neq` turns it round).
    fn held(&self, event: &dyn Event) -> Vec<bool> {
        let values = self.values(event);
        let folded: Vec<_> = if self.tests.iter().any(|test| test.folded.is_some()) {
            values.iter().map(|value| fold(value)).collect()
        } else {
            Vec::new()
        };
        let one = |prepared: &Prepared<'_>| match prepared.test {
            Test::Null | Test::Exists(false) => values.is_empty(),
            Test::Exists(true) => !values.is_empty(),
            Test::Field { by, cased, .. } => {
                let others = prepared.other.map(|other| event.values(other)).unwrap_or_default();
                values.iter().any(|value| others.iter().any(|other| related(value, other, *by, *cased)))
            }
            test => match &prepared.folded {
                Some(pattern) => folded.iter().any(|value| pattern.matches(value)),
                None => values.iter().any(|value| holds(test, value)),
            },
        };
        self.tests.iter().map(one).collect()
    }

    fn distances(&self, event: &dyn Event) -> Distances {
        let held = self.held(event);
        let least = self.least();
        let plain = |wanted: bool| {
            let each = self.tests.iter().zip(&held).map(|(test, held)| test.distance(*held, wanted));
            cheapest(each, needed(least, held.len(), wanted))
        };
        if !self.item.negated {
            return Distances { to_true: plain(true), to_false: plain(false) };
        }
        let presence = self.presence_distances(event);
        Distances { to_true: presence.to_true + plain(false), to_false: presence.to_false.min(plain(true)) }
    }

    fn presence_distances(&self, event: &dyn Event) -> Distances {
        let present = !self.values(event).is_empty();
        let flip = if self.column.is_some() { Distance::of(1) } else { Distance::NEVER };
        if present {
            Distances { to_true: Distance::ZERO, to_false: flip }
        } else {
            Distances { to_true: flip, to_false: Distance::ZERO }
        }
    }

    fn least(&self) -> usize {
        if self.item.all { self.tests.len() } else { 1 }
    }

    fn change(&self, event: &dyn Event, wanted: bool, changes: &mut Vec<Outcome>) {
        let held = self.held(event);
        if self.item.negated && wanted {
            changes.extend(self.presence(event));
        }
        let plain = if self.item.negated { !wanted } else { wanted };
        if self.item.negated && !wanted {
            let presence = self.presence_distances(event).to_false;
            let each = self.tests.iter().zip(&held).map(|(test, held)| test.distance(*held, plain));
            if presence <= cheapest(each, needed(self.least(), held.len(), plain)) {
                if presence != Distance::ZERO {
                    changes.push(self.presence_outcome(event));
                }
                return;
            }
        }
        let mut tests: Vec<(&Prepared<'_>, bool)> = self.tests.iter().zip(held.iter().copied()).collect();
        tests.sort_by_key(|(test, held)| test.distance(*held, plain));
        let needed = needed(self.least(), tests.len(), plain);
        let turned = tests.into_iter().take(needed).filter(|(_, held)| *held != plain);
        changes.extend(turned.map(|(test, held)| self.outcome(test, held, event)));
    }

    /// The outcome of "is present", where the line asks it and it fails.
    fn presence(&self, event: &dyn Event) -> Option<Outcome> {
        (self.asks_presence() && self.values(event).is_empty()).then(|| self.presence_outcome(event))
    }

    fn presence_outcome(&self, event: &dyn Event) -> Outcome {
        let held = !self.values(event).is_empty();
        Outcome { asked: words(&Test::Exists(true)), held, ..self.blank(event) }
    }

    fn outcome(&self, prepared: &Prepared<'_>, held: bool, event: &dyn Event) -> Outcome {
        let words = words(prepared.test);
        if self.item.negated {
            return Outcome { asked: format!("not: {words}"), held: !held, ..self.blank(event) };
        }
        Outcome { asked: words, held, ..self.blank(event) }
    }

    fn blank(&self, event: &dyn Event) -> Outcome {
        let values = if self.item.field.is_some() { self.values(event) } else { Vec::new() };
        Outcome {
            detection: self.detection.to_owned(),
            field: self.item.field.clone(),
            column: self.column.map(str::to_owned),
            asked: String::new(),
            values: values.into_iter().map(str::to_owned).collect(),
            held: false,
        }
    }
}

impl Prepared<'_> {
    fn distance(&self, held: bool, wanted: bool) -> Distance {
        if held != wanted && !self.open { Distance::NEVER } else { Distance::one_if(held != wanted) }
    }
}

/// What a line asks, in words.
pub(super) fn item_words(item: &Item) -> String {
    let each: Vec<String> = item.tests.iter().map(words).collect();
    let joined = each.join(if item.all { " and " } else { " or " });
    if item.negated { format!("not: {joined}") } else { joined }
}
