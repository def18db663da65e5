//! A headcount in numbers. Whatever happens, they add up to what was settled when it began.

use std::collections::BTreeMap;

use kernel::id::HeadcountId;
use store::{Read, params};

use super::Counted;
use crate::error::Error;
use crate::line::Safety;
use crate::speech::{Sentence, say};
use crate::sql;

/// People who are named in the words.
const NAMED: usize = 10;

/// A headcount in numbers. They add up to `total`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Settled when the count began.
    pub total: usize,
    pub by_safety: BTreeMap<Safety, usize>,
    /// Came later; not in the total.
    pub joined: usize,
}

impl Tally {
    /// The numbers of a list.
    pub fn of(people: &[Counted]) -> Tally {
        let mut tally = Tally::default();
        for one in people {
            if one.joined {
                tally.joined += 1;
            } else {
                tally.total += 1;
                *tally.by_safety.entry(one.safety).or_default() += 1;
            }
        }
        tally
    }

    fn count(&self, safety: Safety) -> usize {
        self.by_safety.get(&safety).copied().unwrap_or(0)
    }

    /// Those of whom it is known that they are well, or that they are not expected.
    pub fn accounted(&self) -> usize {
        [Safety::Safe, Safety::SafeByProxy, Safety::Excused].into_iter().map(|safety| self.count(safety)).sum()
    }

    /// `61 of 63, 2 unknown: call P-7, P-9`. Boards show it to whoever stands in the room: of duress it says nothing,
    /// whoever reads it.
    pub fn words(&self, people: &[Counted]) -> Sentence {
        let open: Vec<&str> =
            people.iter().filter(|one| is_open(one.safety)).map(|one| one.person.as_str()).take(NAMED + 1).collect();
        self.words_with(&open)
    }

    /// The same, naming those who are to be called: one more than is named says that there are more.
    fn words_with(&self, open: &[&str]) -> Sentence {
        let mut tally = say!("{accounted} of {total}", accounted = self.accounted(), total = self.total);
        for safety in [Safety::NeedsHelp, Safety::Unreachable, Safety::Unknown] {
            let count = self.count(safety);
            if count > 0 {
                tally = match safety {
                    Safety::NeedsHelp => say!("{tally}, {count} in need of help", tally, count),
                    Safety::Unreachable => say!("{tally}, {count} unreachable", tally, count),
                    _ => say!("{tally}, {count} unknown", tally, count),
                };
            }
        }
        if !open.is_empty() {
            let people = named(open, NAMED);
            tally = say!("{tally}: call {people}", tally, people);
        }
        if self.joined > 0 {
            tally = say!("{tally}; {count} came later", tally, count = self.joined);
        }
        tally
    }
}

/// As many as are named; the rest is an ellipsis.
pub(super) fn named<T: AsRef<str>>(people: &[T], most: usize) -> Vec<&str> {
    let more = (people.len() > most).then_some("…");
    people.iter().take(most).map(AsRef::as_ref).chain(more).collect()
}

const fn is_open(safety: Safety) -> bool {
    matches!(safety, Safety::Unknown | Safety::Unreachable | Safety::NeedsHelp)
}

/// A headcount in words, counted by the database: two questions, however many people there are.
pub(super) async fn in_words(read: &mut impl Read, id: HeadcountId) -> Result<Sentence, Error> {
    let mut tally = Tally::default();
    for row in read.rows(&sql::TALLY, params![id]).await? {
        let count = usize::try_from(row.int("people")?).unwrap_or(0);
        if row.flag("joined")? {
            tally.joined += count;
        } else {
            tally.total += count;
            *tally.by_safety.entry(row.parse("safety")?).or_default() += count;
        }
    }
    let rows = read.rows(&sql::TO_CALL, params![id, NAMED + 1]).await?;
    let open = rows.iter().map(|row| row.text("person")).collect::<Result<Vec<_>, _>>()?;
    Ok(tally.words_with(&open))
}
