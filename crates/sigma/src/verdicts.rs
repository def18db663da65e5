//! Where each predicate holds, and Boolean expressions over that.
//!
//! Nothing here is proportional to rows times predicates. A row is noted once for each of its values that passes a
//! test, with all the predicates that hold there together: a [`Group`]. The rows of one predicate are put together
//! from its groups when a rule asks, and nearly every rule is known to hold nowhere before it asks.

use std::borrow::Borrow;
use std::cell::OnceCell;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::matcher::Predicate;
use crate::program::Node;
use crate::rows::{Rows, bits, list_limit};

const UNUSED: u32 = u32::MAX;

/// What is known of a batch.
pub(crate) struct Verdicts {
    rows: usize,
    words: usize,
    groups: Vec<Group>,
    numbers: HashMap<Rc<[Predicate]>, GroupNumber>,
    /// The groups before this one are settled.
    settled: usize,
    /// The place of each predicate in `holding`; [`UNUSED`] for one that holds nowhere.
    places: Vec<u32>,
    holding: Vec<Holding>,
}

/// The number of a group of a batch.
pub(crate) type GroupNumber = u32;

/// Rows with a value for which exactly these predicates hold.
struct Group {
    predicates: Rc<[Predicate]>,
    rows: Rows,
}

/// A predicate that holds somewhere.
#[derive(Default)]
struct Holding {
    groups: Vec<GroupNumber>,
    /// The rows of these groups, where there are several.
    rows: OnceCell<Rows>,
    /// How many rows at most.
    count: usize,
}

impl Verdicts {
    pub(crate) fn new(predicates: usize, rows: usize) -> Verdicts {
        Verdicts {
            rows,
            words: rows.div_ceil(64),
            groups: Vec::new(),
            numbers: HashMap::new(),
            settled: 0,
            places: vec![UNUSED; predicates],
            holding: Vec::new(),
        }
    }

    /// The group of rows with a value for which exactly `predicates` hold, ascending.
    pub(crate) fn group(&mut self, predicates: &[Predicate]) -> GroupNumber {
        if let Some(number) = self.numbers.get(predicates) {
            return *number;
        }
        let number = group_number(self.groups.len());
        let bits_only = list_limit(self.words) == 0;
        let rows = if bits_only { Rows::Many(vec![0; self.words]) } else { Rows::none() };
        let predicates: Rc<[Predicate]> = predicates.into();
        self.numbers.insert(Rc::clone(&predicates), number);
        self.groups.push(Group { predicates, rows });
        number
    }

    /// Adds `row` to a group, in any order, once or more; they are in order when they are settled.
    pub(crate) fn add(&mut self, group: GroupNumber, row: u32) {
        let rows = &mut self.groups[group as usize].rows;
        match rows {
            Rows::Many(words) => words[row as usize / 64] |= 1 << (row % 64),
            Rows::Few(list) => {
                list.push(row);
                if list.len() > list_limit(self.words) {
                    *rows = Rows::Many(bits(list, self.words));
                }
            }
        }
    }

    /// Says that `predicate`, of which nothing was known, holds in `rows`.
    pub(crate) fn put(&mut self, predicate: Predicate, rows: Rows) {
        if !rows.is_empty() {
            let group = self.group(&[predicate]);
            self.groups[group as usize].rows = rows;
        }
    }

    /// The same with an ascending list.
    pub(crate) fn put_list(&mut self, predicate: Predicate, rows: Vec<u32>) {
        self.put(predicate, self.fitting(rows));
    }

    /// Ends the adding of rows to the groups that there are. Expressions are read after that.
    pub(crate) fn settle(&mut self) {
        for (number, group) in self.groups.iter_mut().enumerate().skip(self.settled) {
            if let Rows::Few(rows) = &mut group.rows
                && !rows.is_sorted_by(|one, next| one < next)
            {
                rows.sort_unstable();
                rows.dedup();
            }
            let count = group.rows.len();
            for predicate in &*group.predicates {
                let place = &mut self.places[*predicate as usize];
                if *place == UNUSED {
                    *place = u32::try_from(self.holding.len()).expect("fewer than 2^32 predicates");
                    self.holding.push(Holding::default());
                }
                let holding = &mut self.holding[*place as usize];
                holding.groups.push(group_number(number));
                holding.count += count;
            }
        }
        self.settled = self.groups.len();
    }

    fn holding(&self, predicate: Predicate) -> Option<&Holding> {
        let place = self.places[predicate as usize];
        (place != UNUSED).then(|| &self.holding[place as usize])
    }

    fn get(&self, predicate: Predicate) -> Option<&Rows> {
        let holding = self.holding(predicate)?;
        let rows = |group: GroupNumber| &self.groups[group as usize].rows;
        if let [group] = holding.groups[..] {
            return Some(rows(group));
        }
        Some(holding.rows.get_or_init(|| self.united(holding.groups.iter().map(|group| rows(*group)))))
    }

    fn count(&self, predicate: Predicate) -> usize {
        self.holding(predicate).map_or(0, |holding| holding.count)
    }

    /// No more rows than this can pass `node`. For nearly every rule this is none, which costs no look at any row.
    fn at_most(&self, node: &Node) -> usize {
        match node {
            Node::False => 0,
            Node::True | Node::Not(_) => self.rows,
            Node::Any(predicates) => predicates.iter().map(|predicate| self.count(*predicate)).sum(),
            Node::Every(predicates) => least(predicates.iter().map(|predicate| self.count(*predicate))),
            Node::And(parts) => least(parts.iter().map(|part| self.at_most(part))),
            Node::Or(parts) => parts.iter().map(|part| self.at_most(part)).sum(),
            Node::AtLeast(needed, parts) => {
                let possible = parts.iter().map(|part| self.at_most(part)).filter(|rows| *rows > 0);
                let (parts, rows) = possible.fold((0, 0), |(parts, sum), rows| (parts + 1, sum + rows));
                if parts < *needed { 0 } else { rows }
            }
        }
    }

    /// The rows of `within` where `node` holds; `None`: none.
    pub(crate) fn rows(&self, node: &Node, within: &Rows) -> Option<Rows> {
        if self.at_most(node) == 0 {
            return None;
        }
        let found = match node {
            Node::False => return None,
            Node::True => within.clone(),
            Node::Any(predicates) => self.any(predicates, within),
            Node::Every(predicates) => self.every(predicates, within)?,
            Node::And(parts) => {
                let mut parts: Vec<&Node> = parts.iter().collect();
                // What holds in the fewest rows leaves the fewest to look at.
                parts.sort_by_cached_key(|part| self.at_most(part));
                let (first, others) = parts.split_first()?;
                let first = self.rows(first, within)?;
                return others.iter().try_fold(first, |left, part| self.rows(part, &left));
            }
            Node::Or(parts) => self.united(parts.iter().filter_map(|part| self.rows(part, within))),
            Node::Not(inner) => {
                let mut left = within.clone();
                if let Some(rows) = self.rows(inner, within) {
                    left.remove(&rows);
                }
                left
            }
            Node::AtLeast(least, parts) => {
                let held: Vec<Rows> = parts.iter().filter_map(|part| self.rows(part, within)).collect();
                let mut enough = Vec::new();
                self.united(held.iter()).for_each(|row| {
                    if held.iter().filter(|rows| rows.has(row)).count() >= *least {
                        enough.push(row);
                    }
                });
                self.fitting(enough)
            }
        };
        (!found.is_empty()).then_some(found)
    }

    fn any(&self, predicates: &[Predicate], within: &Rows) -> Rows {
        let sets = predicates.iter().filter_map(|predicate| self.get(*predicate));
        if let Rows::Few(_) = within {
            return self.united(sets.map(|set| set.and(within)));
        }
        let mut found = self.united(sets);
        found.keep(within);
        found
    }

    fn every(&self, predicates: &[Predicate], within: &Rows) -> Option<Rows> {
        let rarest = predicates.iter().min_by_key(|predicate| self.count(**predicate))?;
        let mut left = self.get(*rarest)?.and(within);
        for predicate in predicates.iter().filter(|predicate| *predicate != rarest) {
            left.keep(self.get(*predicate)?);
        }
        Some(left)
    }

    fn united(&self, sets: impl Iterator<Item = impl Borrow<Rows>>) -> Rows {
        let mut found = Rows::none();
        sets.for_each(|set| found.unite(set.borrow(), self.words));
        found
    }

    /// An ascending list in the form that fits its length.
    fn fitting(&self, rows: Vec<u32>) -> Rows {
        if rows.len() > list_limit(self.words) { Rows::Many(bits(&rows, self.words)) } else { Rows::Few(rows) }
    }
}

fn group_number(number: usize) -> GroupNumber {
    // The largest numbers are signs of [`crate::run`].
    GroupNumber::try_from(number).expect("a batch has fewer than 2^32 values")
}

/// The least of `counts`; the first 0 ends the search.
fn least(counts: impl Iterator<Item = usize>) -> usize {
    let mut least = usize::MAX;
    for count in counts {
        least = least.min(count);
        if least == 0 {
            break;
        }
    }
    least
}
