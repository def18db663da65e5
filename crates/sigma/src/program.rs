//! All rules as one program: each distinct predicate once, each rule a Boolean expression over predicates.

use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashMap;

use crate::detection::{Condition, Detection, Item, Number, Order, Test, TextOrder, TimePart};
use crate::mapping::Gate;
use crate::matcher::{Matcher, Predicate};
use crate::pattern::Pattern;

/// The number of a source field in the program.
pub(crate) type FieldNumber = u32;

/// A Boolean expression over predicates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    False,
    True,
    /// Any of these predicates.
    Any(Box<[Predicate]>),
    /// All of these predicates.
    Every(Box<[Predicate]>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    AtLeast(usize, Vec<Node>),
}

/// A test that looks at two fields of the row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Link {
    pub left: FieldNumber,
    pub right: FieldNumber,
    pub by: TextOrder,
    pub cased: bool,
}

/// One source field.
pub(crate) struct Field {
    pub name: String,
    pub matcher: Matcher,
    /// The predicate "has a value", where a rule asks.
    pub present: Option<Predicate>,
}

/// Gathers predicates while rules are compiled.
#[derive(Default)]
pub(crate) struct Builder {
    numbers: HashMap<String, FieldNumber>,
    fields: Vec<FieldTests>,
    keywords: FieldTests,
    links: HashMap<Link, Predicate>,
    /// What each predicate looks at.
    owners: Vec<Owner>,
}

/// What a predicate looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Field(FieldNumber),
    Fields(FieldNumber, FieldNumber),
    Keywords,
}

#[derive(Default)]
struct FieldTests {
    name: String,
    known: HashMap<Key, Predicate>,
    tests: Vec<(Test, Predicate)>,
    present: Option<Predicate>,
}

/// What makes two tests of one field the same.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Text(Pattern, bool),
    Regex(String),
    Number(NumberKey),
    Bool(bool),
    Compare(Order, NumberKey),
    Network(ipnet::IpNet),
    TimePart(TimePart, Order, NumberKey),
}

#[derive(PartialEq, Eq, Hash)]
enum NumberKey {
    Whole(i64),
    Real(u64),
}

impl From<Number> for NumberKey {
    fn from(number: Number) -> NumberKey {
        match number {
            Number::Whole(whole) => NumberKey::Whole(whole),
            Number::Real(real) => NumberKey::Real(real.to_bits()),
        }
    }
}

impl Key {
    fn of(test: &Test) -> Option<Key> {
        Some(match test {
            Test::Text { pattern, cased: false } => Key::Text(pattern.folded(), false),
            Test::Text { pattern, cased: true } => Key::Text(pattern.clone(), true),
            Test::Regex(expression) => Key::Regex(expression.source.clone()),
            Test::Number(number) => Key::Number((*number).into()),
            Test::Bool(wanted) => Key::Bool(*wanted),
            Test::Compare { by, number } => Key::Compare(*by, (*number).into()),
            Test::Network(network) => Key::Network(*network),
            Test::TimePart { part, by, number } => Key::TimePart(*part, *by, (*number).into()),
            Test::Null | Test::Exists(_) | Test::Field { .. } => return None,
        })
    }
}

/// The finished parts of a program.
pub(crate) struct Parts {
    pub fields: Vec<Field>,
    /// All tests of keywords; each gate compiles its own.
    pub keywords: Vec<(Test, Predicate)>,
    pub links: Vec<(Link, Predicate)>,
    /// What each predicate looks at, by its number.
    pub owners: Vec<Owner>,
}

impl Builder {
    /// Compiles a condition as it reads behind `gate`.
    pub(crate) fn condition(&mut self, condition: &Condition, gate: &Gate) -> Node {
        match condition {
            Condition::And(parts) => and(parts.iter().map(|part| self.condition(part, gate)).collect()),
            Condition::Or(parts) => or(parts.iter().map(|part| self.condition(part, gate)).collect()),
            Condition::Not(inner) => not(self.condition(inner, gate)),
            Condition::AtLeast(least, parts) => {
                let parts = parts.iter().map(|part| self.condition(part, gate)).collect();
                at_least(usize::try_from(*least).unwrap_or(usize::MAX), parts)
            }
            Condition::Detection(named) => self.detection(&named.detection, gate),
        }
    }

    fn detection(&mut self, detection: &Detection, gate: &Gate) -> Node {
        match detection {
            Detection::All(parts) => and(parts.iter().map(|part| self.detection(part, gate)).collect()),
            Detection::Any(parts) => or(parts.iter().map(|part| self.detection(part, gate)).collect()),
            Detection::Item(item) => self.item(item, gate),
        }
    }

    fn item(&mut self, item: &Item, gate: &Gate) -> Node {
        let Some(field) = &item.field else {
            let tests: Vec<Node> = item.tests.iter().map(|test| self.keyword(test)).collect();
            return if item.all { and(tests) } else { or(tests) };
        };
        let Some(column) = gate.column(field) else {
            // Such events never have the field.
            let never = |test: &Test| matches!(test, Test::Null | Test::Exists(false));
            let holds = if item.all { item.tests.iter().all(never) } else { item.tests.iter().any(never) };
            return if holds && !item.negated { Node::True } else { Node::False };
        };
        let number = self.field(column);
        let tests: Vec<Node> = item.tests.iter().map(|test| self.test(test, number, gate)).collect();
        let node = if item.all { and(tests) } else { or(tests) };
        if item.negated {
            return and(vec![self.present(number), not(node)]);
        }
        node
    }

    fn keyword(&mut self, test: &Test) -> Node {
        let predicate = self.keywords.intern(test, &mut self.owners, Owner::Keywords);
        single(predicate)
    }

    fn test(&mut self, test: &Test, number: FieldNumber, gate: &Gate) -> Node {
        match test {
            Test::Null | Test::Exists(false) => not(self.present(number)),
            Test::Exists(true) => self.present(number),
            Test::Field { other, by, cased } => {
                let Some(other) = gate.column(other) else { return Node::False };
                let link = Link { left: number, right: self.field(other), by: *by, cased: *cased };
                let owner = Owner::Fields(link.left, link.right);
                single(*self.links.entry(link).or_insert_with(|| allot(&mut self.owners, owner)))
            }
            test => single(self.fields[number as usize].intern(test, &mut self.owners, Owner::Field(number))),
        }
    }

    fn field(&mut self, name: &str) -> FieldNumber {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = FieldNumber::try_from(self.fields.len()).expect("fewer than 2^32 fields");
        self.numbers.insert(name.to_owned(), number);
        self.fields.push(FieldTests { name: name.to_owned(), ..FieldTests::default() });
        number
    }

    fn present(&mut self, number: FieldNumber) -> Node {
        let field = &mut self.fields[number as usize];
        single(*field.present.get_or_insert_with(|| allot(&mut self.owners, Owner::Field(number))))
    }

    /// Builds the matchers, on all cores.
    pub(crate) fn finish(self) -> Parts {
        let tests: Vec<&Vec<(Test, Predicate)>> = self.fields.iter().map(|field| &field.tests).collect();
        let matchers = matchers(&tests);
        let fields = self.fields.into_iter().zip(matchers);
        let fields = fields.map(|(field, matcher)| Field { matcher, name: field.name, present: field.present });
        let keywords = self.keywords.tests;
        Parts { fields: fields.collect(), keywords, links: self.links.into_iter().collect(), owners: self.owners }
    }
}

/// A matcher for each list of tests, in order.
fn matchers(tests: &[&Vec<(Test, Predicate)>]) -> Vec<Matcher> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(tests.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut built = Vec::new();
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(tests) = tests.get(at)
        {
            built.push((at, Matcher::build(tests.iter().map(|(test, predicate)| (test, *predicate)))));
        }
        built
    };
    let mut built: Vec<(usize, Matcher)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("building a matcher never fails")).collect()
    });
    built.sort_by_key(|(at, _)| *at);
    built.into_iter().map(|(_, matcher)| matcher).collect()
}

impl FieldTests {
    /// The predicate of a test, made if the test is new.
    fn intern(&mut self, test: &Test, owners: &mut Vec<Owner>, owner: Owner) -> Predicate {
        let key = Key::of(test).expect("tests of the row are compiled apart");
        let tests = &mut self.tests;
        *self.known.entry(key).or_insert_with(|| {
            let predicate = allot(owners, owner);
            tests.push((test.clone(), predicate));
            predicate
        })
    }
}

fn allot(owners: &mut Vec<Owner>, owner: Owner) -> Predicate {
    owners.push(owner);
    Predicate::try_from(owners.len() - 1).expect("fewer than 2^32 predicates")
}

fn single(predicate: Predicate) -> Node {
    Node::Any(Box::new([predicate]))
}

/// `and` with constants folded, nests flattened and single predicates gathered.
pub(crate) fn and(parts: Vec<Node>) -> Node {
    let mut every = Vec::new();
    let mut rest = Vec::new();
    for part in flatten(parts, |part| match part {
        Node::And(inner) => Ok(inner),
        other => Err(other),
    }) {
        match part {
            Node::False => return Node::False,
            Node::True => {}
            Node::Any(predicates) if predicates.len() == 1 => every.push(predicates[0]),
            Node::Every(predicates) => every.extend(predicates),
            other => rest.push(other),
        }
    }
    every.sort_unstable();
    every.dedup();
    if !every.is_empty() {
        let first = if let [predicate] = every[..] { single(predicate) } else { Node::Every(every.into()) };
        rest.insert(0, first);
    }
    match rest.len() {
        0 => Node::True,
        1 => rest.swap_remove(0),
        _ => Node::And(rest),
    }
}

/// `or` with constants folded, nests flattened and single predicates gathered.
pub(crate) fn or(parts: Vec<Node>) -> Node {
    let mut any = Vec::new();
    let mut rest = Vec::new();
    for part in flatten(parts, |part| match part {
        Node::Or(inner) => Ok(inner),
        other => Err(other),
    }) {
        match part {
            Node::True => return Node::True,
            Node::False => {}
            Node::Any(predicates) => any.extend(predicates),
            other => rest.push(other),
        }
    }
    any.sort_unstable();
    any.dedup();
    if !any.is_empty() {
        rest.insert(0, Node::Any(any.into()));
    }
    match rest.len() {
        0 => Node::False,
        1 => rest.swap_remove(0),
        _ => Node::Or(rest),
    }
}

fn flatten(parts: Vec<Node>, open: impl Fn(Node) -> Result<Vec<Node>, Node>) -> Vec<Node> {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match open(part) {
            Ok(inner) => flat.extend(inner),
            Err(other) => flat.push(other),
        }
    }
    flat
}

fn not(node: Node) -> Node {
    match node {
        Node::False => Node::True,
        Node::True => Node::False,
        Node::Not(inner) => *inner,
        other => Node::Not(Box::new(other)),
    }
}

fn at_least(least: usize, parts: Vec<Node>) -> Node {
    let sure = parts.iter().filter(|part| **part == Node::True).count();
    let open: Vec<Node> = parts.into_iter().filter(|part| !matches!(part, Node::True | Node::False)).collect();
    match least.saturating_sub(sure) {
        0 => Node::True,
        1 => or(open),
        least if least > open.len() => Node::False,
        least if least == open.len() => and(open),
        least => Node::AtLeast(least, open),
    }
}

impl Node {
    /// Every predicate that occurs.
    pub(crate) fn for_each(&self, visit: &mut dyn FnMut(Predicate)) {
        match self {
            Node::False | Node::True => {}
            Node::Any(all) | Node::Every(all) => all.iter().for_each(|predicate| visit(*predicate)),
            Node::And(parts) | Node::Or(parts) | Node::AtLeast(_, parts) => {
                parts.iter().for_each(|part| part.for_each(visit));
            }
            Node::Not(inner) => inner.for_each(visit),
        }
    }
}
