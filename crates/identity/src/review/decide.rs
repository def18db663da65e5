//! What a decision comes to: pure.

use kernel::Timestamp;
use kernel::id::PersonId;

use super::item::{ItemState, ReviewItem, SourceShown};
use crate::error::Refusal;

kernel::words! {
    /// What a reviewer says.
    Verdict {
        Keep = "keep",
        Revoke = "revoke",
    }
}

/// Decides on an item. `sources`: where the access comes from now, with its digest; empty: it is held no longer.
/// `whole_source`: the reviewer knows that taking the source away takes more than this access.
///
/// When the access changed since the item was made, the item is put up again with what there is now and no decision.
///
/// # Errors
/// Why it is not possible.
#[expect(clippy::too_many_arguments, reason = "everything that a decision depends on, and nothing read inside")]
pub fn decide(
    before: &ReviewItem,
    verdict: Verdict,
    by: Option<PersonId>,
    whole_source: bool,
    sources: &[SourceShown],
    base: &str,
    is_last: bool,
    now: Timestamp,
) -> Result<ReviewItem, Refusal> {
    if !matches!(before.state, ItemState::Open) {
        let (what, state) = ("item", before.state.to_string());
        return Err(Refusal::NotNow { what, command: "decide", state, allowed: Vec::new() });
    }
    if by == Some(before.person) {
        return Err(Refusal::rule("nobody reviews their own access"));
    }
    if by.is_some() && by != before.reviewer {
        return Err(Refusal::rule("another reviewer is asked about this"));
    }
    let mut after = before.clone();
    if !before.is_canary {
        if sources.is_empty() {
            after.state = ItemState::Gone;
            return Ok(after);
        }
        if base != before.base {
            (after.sources, after.base) = (sources.to_vec(), base.to_owned());
            (after.changed, after.shown) = (Some(now), None);
            return Ok(after);
        }
    }
    (after.decision, after.decided) = (Some(verdict), Some(now));
    after.state = match verdict {
        Verdict::Keep => ItemState::Kept,
        Verdict::Revoke => {
            // A canary behaves as what it looks like.
            let sources = if before.is_canary { &before.sources } else { sources };
            if is_last && !before.is_canary {
                let problem =
                    format!("{} would have nobody left who holds it: appoint somebody else first", before.name);
                return Err(Refusal::rule(problem));
            }
            let wider: Vec<String> = sources.iter().filter(|one| !one.also_loses.is_empty()).map(describe).collect();
            if !wider.is_empty() && !whole_source {
                let problem =
                    format!("it comes from {}: confirm that the source is to go as a whole", wider.join("; "));
                return Err(Refusal::rule(problem));
            }
            ItemState::Removing
        }
    };
    Ok(after)
}

/// A source in words, with what hangs on it.
fn describe(source: &SourceShown) -> String {
    let kinds: Vec<&str> = source.origins.iter().map(|origin| origin.kind.as_str()).collect();
    let reach = source.nesting_reaches.map(|people| format!("; cutting the nesting would reach {people} people"));
    let way = source.way.join(" → ");
    format!(
        "{way} ({}), with which goes {}{}",
        kinds.join(", "),
        source.also_loses.join(", "),
        reach.unwrap_or_default()
    )
}

/// After looking at the target. `shows`: whether it still shows the access; `None`: it was not read since the decision.
pub fn looked(before: &ReviewItem, shows: Option<bool>) -> ReviewItem {
    const MOST_LOOKS: i64 = 6;
    let mut after = ReviewItem { looked: before.looked + 1, ..before.clone() };
    if !matches!(before.state, ItemState::Removing | ItemState::Remains) {
        return before.clone();
    }
    match shows {
        Some(false) => after.state = ItemState::Removed,
        Some(true) | None if after.looked >= MOST_LOOKS => after.state = ItemState::Remains,
        Some(true) | None => {}
    }
    after
}
