//! All tests of one field, compiled so that one pass over a value answers every one of them.
//!
//! Exact texts are found by hash, and so are digests by their label. Every other text test puts one literal into a
//! shared Aho-Corasick automaton over folded text; where the literal alone does not decide, it calls for a check of the value.

use hashbrown::HashMap;
use ipnet::IpNet;
use regex::{Regex, RegexSet};

use crate::automaton;
use crate::detection::{Expression, Number, Order, Test, TimePart, address};
use crate::labelled::Labelled;
use crate::literal::{self, Form};
use crate::pattern::{Pattern, Shape, fold, fold_into};

/// The id of a predicate in the program.
pub(crate) type Predicate = u32;

/// The compiled tests of one field.
#[derive(Default)]
pub(crate) struct Matcher {
    exact: HashMap<String, Vec<Predicate>>,
    automaton: Option<automaton::Literals>,
    labelled: Labelled,
    /// For each literal of the automaton, what its occurrence means.
    meanings: Vec<Box<[Meaning]>>,
    checks: Vec<Check>,
    /// Checks without a literal to wait for.
    always: Vec<u32>,
    /// Expressions without a literal, in one automaton; and whose they are.
    expressions: Option<(RegexSet, Vec<Predicate>)>,
    anything: Vec<Predicate>,
    numbers: HashMap<u64, Vec<(Number, Predicate)>>,
    ordered: Vec<(Order, Number, Predicate)>,
    booleans: [Vec<Predicate>; 2],
    networks: Vec<(IpNet, Predicate)>,
    times: Vec<(TimePart, Order, Number, Predicate)>,
}

/// What it means that a literal occurs.
#[derive(Clone, Copy)]
enum Meaning {
    Anywhere(Predicate),
    AtStart(Predicate),
    AtEnd(Predicate),
    /// Run this check.
    Perhaps(u32),
}

/// A test that needs the whole value.
struct Check {
    predicate: Predicate,
    how: How,
}

enum How {
    Folded(Pattern),
    Cased(Pattern),
    Regex(Regex),
    LongLine(usize),
}

/// Buffers that a scan reuses.
#[derive(Default)]
pub(crate) struct Scratch {
    folded: String,
    /// For each check the last scan that ran it.
    ran: Vec<u64>,
    scan: u64,
}

/// Collects literals before the automaton is built.
#[derive(Default)]
struct Literals {
    numbers: HashMap<String, usize>,
    meanings: Vec<Vec<Meaning>>,
    /// Those that may be looked for by their label, until it is known how many there are.
    labelled: Vec<(String, Predicate)>,
}

impl Literals {
    fn add(&mut self, literal: &str, meaning: Meaning) {
        let next = self.meanings.len();
        let number = *self.numbers.entry_ref(literal).or_insert(next);
        if number == next {
            self.meanings.push(Vec::new());
        }
        self.meanings[number].push(meaning);
    }

    fn build(self) -> (Option<automaton::Literals>, Vec<Box<[Meaning]>>) {
        let mut texts = vec![String::new(); self.meanings.len()];
        for (text, number) in self.numbers {
            texts[number] = text;
        }
        (automaton::Literals::build(&texts), self.meanings.into_iter().map(Vec::into_boxed_slice).collect())
    }
}

impl Matcher {
    /// Compiles tests of values. Tests of the row (`exists`, `null`, `fieldref`) are no concern of a matcher.
    pub(crate) fn build<'a>(tests: impl IntoIterator<Item = (&'a Test, Predicate)>) -> Matcher {
        let (mut matcher, literals) = Matcher::collect(tests);
        (matcher.automaton, matcher.meanings) = literals.build();
        matcher
    }

    /// The same, and the folded texts of which every value holds one that passes a test; `None`: there is no such set.
    pub(crate) fn build_with_literals<'a>(
        tests: impl IntoIterator<Item = (&'a Test, Predicate)>,
    ) -> (Matcher, Option<Vec<String>>) {
        let (mut matcher, literals) = Matcher::collect(tests);
        let texts = matcher.waits_for_literals().then(|| literals.numbers.keys().cloned().collect());
        (matcher.automaton, matcher.meanings) = literals.build();
        (matcher, texts)
    }

    fn collect<'a>(tests: impl IntoIterator<Item = (&'a Test, Predicate)>) -> (Matcher, Literals) {
        let mut matcher = Matcher::default();
        let mut literals = Literals::default();
        let mut loose: Vec<(&Expression, Predicate)> = Vec::new();
        for (test, predicate) in tests {
            match test {
                Test::Text { pattern, cased: false } => matcher.folded(&pattern.folded(), predicate, &mut literals),
                Test::Text { pattern, cased: true } => {
                    let gate = pattern.longest_text().map(|text| vec![fold(text).into_owned()]);
                    matcher.check(predicate, How::Cased(pattern.clone()), gate, &mut literals);
                }
                Test::Regex(expression) => match literal::required(&expression.source) {
                    Some(gate) => {
                        matcher.check(predicate, How::Regex(expression.regex.clone()), Some(gate), &mut literals);
                    }
                    None => match Form::of(&expression.source) {
                        Form::LongLine(characters) => {
                            matcher.check(predicate, How::LongLine(characters), None, &mut literals);
                        }
                        Form::Counting => {
                            matcher.check(predicate, How::Regex(expression.regex.clone()), None, &mut literals);
                        }
                        Form::Plain => loose.push((expression, predicate)),
                    },
                },
                Test::Number(number) => {
                    matcher.numbers.entry(key(*number)).or_default().push((*number, predicate));
                }
                Test::Bool(wanted) => matcher.booleans[usize::from(*wanted)].push(predicate),
                Test::Compare { by, number } => matcher.ordered.push((*by, *number, predicate)),
                Test::Network(network) => matcher.networks.push((*network, predicate)),
                Test::TimePart { part, by, number } => matcher.times.push((*part, *by, *number, predicate)),
                Test::Null | Test::Exists(_) | Test::Field { .. } => {}
            }
        }
        matcher.loose(&loose, &mut literals);
        let (labelled, rest) = Labelled::build(std::mem::take(&mut literals.labelled));
        matcher.labelled = labelled;
        rest.iter().for_each(|(literal, predicate)| literals.add(literal, Meaning::Anywhere(*predicate)));
        (matcher, literals)
    }

    fn folded(&mut self, pattern: &Pattern, predicate: Predicate, literals: &mut Literals) {
        match pattern.shape() {
            Shape::Exact(text) => self.exact.entry_ref(text).or_default().push(predicate),
            Shape::Anything => self.anything.push(predicate),
            Shape::Contains(text) if Labelled::accepts(text) => literals.labelled.push((text.to_owned(), predicate)),
            Shape::Contains(text) => literals.add(text, Meaning::Anywhere(predicate)),
            Shape::StartsWith(text) => literals.add(text, Meaning::AtStart(predicate)),
            Shape::EndsWith(text) => literals.add(text, Meaning::AtEnd(predicate)),
            Shape::General(_) => {
                let gate = pattern.longest_text().map(|text| vec![text.to_owned()]);
                self.check(predicate, How::Folded(pattern.clone()), gate, literals);
            }
        }
    }

    fn check(&mut self, predicate: Predicate, how: How, gate: Option<Vec<String>>, literals: &mut Literals) {
        let number = u32::try_from(self.checks.len()).expect("fewer than 2^32 tests");
        self.checks.push(Check { predicate, how });
        match gate {
            Some(gate) => gate.iter().for_each(|literal| literals.add(literal, Meaning::Perhaps(number))),
            None => self.always.push(number),
        }
    }

    /// Expressions that nothing announces run together, or one by one should they be too large together.
    fn loose(&mut self, loose: &[(&Expression, Predicate)], literals: &mut Literals) {
        if loose.is_empty() {
            return;
        }
        let set = regex::RegexSetBuilder::new(loose.iter().map(|(expression, _)| &expression.source))
            .size_limit(16 << 20)
            .dfa_size_limit(4 << 20)
            .build();
        match set {
            Ok(set) => self.expressions = Some((set, loose.iter().map(|(_, predicate)| *predicate).collect())),
            Err(_) => {
                for (expression, predicate) in loose {
                    self.check(*predicate, How::Regex(expression.regex.clone()), None, literals);
                }
            }
        }
    }

    /// Whether there is nothing to test.
    pub(crate) fn is_empty(&self) -> bool {
        self.automaton.is_none() && self.checks.is_empty() && self.waits_for_literals()
    }

    /// Whether nothing can hold for a value in which no literal occurs.
    fn waits_for_literals(&self) -> bool {
        self.exact.is_empty()
            && self.labelled.is_empty()
            && self.always.is_empty()
            && self.expressions.is_none()
            && self.anything.is_empty()
            && self.numbers.is_empty()
            && self.ordered.is_empty()
            && self.booleans.iter().all(Vec::is_empty)
            && self.networks.is_empty()
            && self.times.is_empty()
    }

    /// Appends to `hits` every predicate that holds for `value`, each once.
    pub(crate) fn scan(&self, value: &str, scratch: &mut Scratch, hits: &mut Vec<Predicate>) {
        let before = hits.len();
        hits.extend_from_slice(&self.anything);
        fold_into(value, &mut scratch.folded);
        if let Some(predicates) = self.exact.get(scratch.folded.as_str()) {
            hits.extend_from_slice(predicates);
        }
        self.labelled.scan(&scratch.folded, hits);
        self.scan_literals(value, scratch, hits);
        for number in &self.always {
            self.run(*number, value, &scratch.folded, hits);
        }
        if let Some((set, predicates)) = &self.expressions {
            hits.extend(set.matches(value).iter().map(|number| predicates[number]));
        }
        self.scan_typed(value, &scratch.folded, hits);
        if hits.len() - before > 1 {
            let mut fresh = hits.split_off(before);
            fresh.sort_unstable();
            fresh.dedup();
            hits.append(&mut fresh);
        }
    }

    fn scan_literals(&self, value: &str, scratch: &mut Scratch, hits: &mut Vec<Predicate>) {
        let Some(automaton) = &self.automaton else { return };
        scratch.scan += 1;
        if scratch.ran.len() < self.checks.len() {
            scratch.ran.resize(self.checks.len(), 0);
        }
        let Scratch { folded, ran, scan } = scratch;
        automaton.for_each(folded, &mut |literal, start, end| {
            for meaning in &*self.meanings[literal] {
                match *meaning {
                    Meaning::Anywhere(predicate) => hits.push(predicate),
                    Meaning::AtStart(predicate) if start == 0 => hits.push(predicate),
                    Meaning::AtEnd(predicate) if end == folded.len() => hits.push(predicate),
                    Meaning::AtStart(_) | Meaning::AtEnd(_) => {}
                    Meaning::Perhaps(number) => {
                        if ran[number as usize] != *scan {
                            ran[number as usize] = *scan;
                            self.run(number, value, folded, hits);
                        }
                    }
                }
            }
        });
    }

    fn run(&self, number: u32, value: &str, folded: &str, hits: &mut Vec<Predicate>) {
        let check = &self.checks[number as usize];
        let holds = match &check.how {
            How::Folded(pattern) => pattern.matches(folded),
            How::Cased(pattern) => pattern.matches(value),
            How::Regex(regex) => regex.is_match(value),
            How::LongLine(characters) => has_long_line(value, *characters),
        };
        if holds {
            hits.push(check.predicate);
        }
    }

    fn scan_typed(&self, value: &str, folded: &str, hits: &mut Vec<Predicate>) {
        let numeric = !self.numbers.is_empty() || !self.ordered.is_empty();
        if let Some(number) = numeric.then(|| Number::parse(value)).flatten() {
            let equal = self.numbers.get(&key(number)).into_iter().flatten();
            hits.extend(equal.filter(|(one, _)| Order::Equal.holds(number, *one)).map(|(_, predicate)| *predicate));
            let ordered = self.ordered.iter().filter(|(by, bound, _)| by.holds(number, *bound));
            hits.extend(ordered.map(|(_, _, predicate)| *predicate));
        }
        match folded {
            "true" => hits.extend_from_slice(&self.booleans[1]),
            "false" => hits.extend_from_slice(&self.booleans[0]),
            _ => {}
        }
        if !self.networks.is_empty()
            && let Some(address) = address(value)
        {
            let inside = self.networks.iter().filter(|(network, _)| network.contains(&address));
            hits.extend(inside.map(|(_, predicate)| *predicate));
        }
        for (part, by, bound, predicate) in &self.times {
            if part.of(value).is_some_and(|number| by.holds(number, *bound)) {
                hits.push(*predicate);
            }
        }
    }

    /// An estimate of the memory held, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let automaton = self.automaton.as_ref().map_or(0, automaton::Literals::memory_bytes);
        let meanings: usize = self.meanings.iter().map(|each| 16 + std::mem::size_of_val(&**each)).sum();
        let exact: usize = self.exact.iter().map(|(text, predicates)| text.len() + 48 + predicates.len() * 4).sum();
        automaton + self.labelled.memory_bytes() + meanings + exact + self.checks.len() * std::mem::size_of::<Check>()
    }
}

/// Whether a line of `value` has that many characters.
fn has_long_line(value: &str, characters: usize) -> bool {
    value.len() >= characters
        && value.split('\n').any(|line| line.len() >= characters && line.chars().count() >= characters)
}

fn key(number: Number) -> u64 {
    // Adding zero makes -0.0 and 0.0 one.
    (number.as_f64() + 0.0).to_bits()
}
