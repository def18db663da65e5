//! Facts in two times: what was true in the world, and what was known here.
//!
//! Slices of one subject that are not superseded tile a stretch of the world's time without overlap. New knowledge cuts
//! and replaces them; what was known before stays readable.

use kernel::Timestamp;
use kernel::id::{PersonId, SliceId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use store::{Read, Row, params};

use crate::error::Error;
use crate::room::Turn;
use crate::sql;

/// Something that held for a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice<T> {
    pub id: SliceId,
    pub from: Timestamp,
    /// Exclusive; `None`: for good.
    pub until: Option<Timestamp>,
    pub recorded: Timestamp,
    /// Since when it is known that this held from then on; before `recorded` where a later word only cut its end.
    pub known: Timestamp,
    pub superseded: Option<Timestamp>,
    /// What brought this knowledge: a batch, a person's decision.
    pub cause: String,
    pub sheet: T,
}

/// What new knowledge does to the slices that hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded<T> {
    /// No longer believed.
    pub superseded: Vec<SliceId>,
    /// Believed from now on: from, until, what.
    pub added: Vec<(Timestamp, Option<Timestamp>, T)>,
}

/// "From `from` on it is `sheet`", told to slices that hold, in order of time.
pub fn record<T: Clone + PartialEq>(held: &[Slice<T>], from: Timestamp, sheet: &T) -> Recorded<T> {
    let last = held.iter().rfind(|slice| slice.from <= from && slice.until.is_none_or(|until| from < until));
    if last.is_some_and(|last| last.sheet == *sheet && last.until.is_none()) {
        return Recorded { superseded: Vec::new(), added: Vec::new() };
    }
    let mut recorded = Recorded { superseded: Vec::new(), added: Vec::new() };
    let mut begin = from;
    for slice in held.iter().filter(|slice| slice.until.is_none_or(|until| from < until)) {
        recorded.superseded.push(slice.id);
        if slice.from < from {
            if slice.sheet == *sheet {
                begin = slice.from;
            } else {
                recorded.added.push((slice.from, Some(from), slice.sheet.clone()));
            }
        }
    }
    recorded.added.push((begin, None, sheet.clone()));
    recorded
}

/// What was believed at `known` to hold at `at`.
pub fn as_of<T>(slices: &[Slice<T>], at: Timestamp, known: Timestamp) -> Option<&Slice<T>> {
    slices.iter().find(|slice| {
        let held = slice.from <= at && slice.until.is_none_or(|until| at < until);
        held && slice.recorded <= known && slice.superseded.is_none_or(|superseded| known < superseded)
    })
}

pub(crate) fn slice<T: DeserializeOwned>(row: &Row) -> Result<Slice<T>, Error> {
    Ok(Slice {
        id: row.id("id")?,
        from: row.time("valid_from_us")?,
        until: row.time_opt("valid_until_us")?,
        recorded: row.time("recorded_us")?,
        known: row.time("known_us")?,
        superseded: row.time_opt("superseded_us")?,
        cause: row.text("cause")?.to_owned(),
        sheet: row.json("sheet")?,
    })
}

/// Writes what [`record`] decided.
pub(crate) async fn write<T: Serialize>(
    turn: &mut Turn,
    subject: &str,
    person: PersonId,
    cause: &str,
    recorded: Recorded<T>,
) -> Result<(), Error> {
    let now = turn.now();
    for id in recorded.superseded {
        turn.tx.execute(&sql::SUPERSEDE_SLICE, params![id, now]).await?;
    }
    for (from, until, sheet) in recorded.added {
        let id: SliceId = turn.tx.id();
        let row = params![id, subject, person, from, until, now, cause, &json!(sheet)];
        turn.tx.execute(&sql::INSERT_SLICE, row).await?;
    }
    Ok(())
}

/// Everything ever known of a subject, as it was recorded.
pub(crate) async fn history<T: DeserializeOwned>(read: &mut impl Read, subject: &str) -> Result<Vec<Slice<T>>, Error> {
    read.rows(&sql::SLICES_OF_SUBJECT, params![subject]).await?.iter().map(slice).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn add(held: &mut Vec<Slice<u8>>, from: i64, sheet: u8, now: i64) {
        let recorded = record(held, Timestamp(from), &sheet);
        for slice in held.iter_mut().filter(|slice| recorded.superseded.contains(&slice.id)) {
            slice.superseded = Some(Timestamp(now));
        }
        for (at, (from, until, sheet)) in recorded.added.into_iter().enumerate() {
            let digest =
                [u8::try_from(now).unwrap(), u8::try_from(at).unwrap(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            held.push(Slice {
                id: SliceId::derived(digest),
                from,
                until,
                recorded: Timestamp(now),
                known: Timestamp(now),
                superseded: None,
                cause: String::new(),
                sheet,
            });
        }
    }

    fn current(slices: &[Slice<u8>]) -> Vec<Slice<u8>> {
        let mut held: Vec<_> = slices.iter().filter(|slice| slice.superseded.is_none()).cloned().collect();
        held.sort_by_key(|slice| slice.from);
        held
    }

    proptest! {
        /// The slow twin keeps a value for each instant and each moment of knowing.
        #[test]
        fn knowledge_in_two_times_is_what_a_table_of_all_instants_says(
            told in proptest::collection::vec((0_i64..20, 0_u8..3), 1..12)
        ) {
            let mut slices: Vec<Slice<u8>> = Vec::new();
            let mut table: Vec<[Option<u8>; 20]> = vec![[None; 20]];
            for (now, (from, sheet)) in told.iter().enumerate() {
                let now = i64::try_from(now).unwrap() + 1;
                let mut held = current(&slices);
                add(&mut held, *from, *sheet, now);
                for slice in held {
                    match slices.iter_mut().find(|known| known.id == slice.id) {
                        Some(known) => *known = slice,
                        None => slices.push(slice),
                    }
                }
                let mut row = *table.last().unwrap();
                for cell in row.iter_mut().skip(usize::try_from(*from).unwrap()) {
                    *cell = Some(*sheet);
                }
                table.push(row);
            }
            for (known, row) in table.iter().enumerate() {
                for (at, cell) in row.iter().enumerate() {
                    let (at, known) = (i64::try_from(at).unwrap(), i64::try_from(known).unwrap());
                    let found = as_of(&slices, Timestamp(at), Timestamp(known)).map(|slice| slice.sheet);
                    prop_assert_eq!(found, *cell, "at {} as known at {}", at, known);
                }
            }
        }
    }
}
