//! Access that is for a mission where it is, and for whoever is on it.

use store::Read;

use super::commands::carry_out;
use super::decide::Command;
use super::policy::{self, ActivationPolicy};
use super::record::{self, Activation, ActivationState, EndCause};
use crate::assignment;
use crate::document;
use crate::error::{Error, Refusal};
use crate::person::{self, PersonSheet};
use crate::room::Turn;

/// A mission as the radio room has it now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnMission {
    /// `M-0042`.
    pub label: String,
    /// The area whose rules hold now, where it goes and where it was heard last: keys and names.
    pub places: Vec<String>,
    /// Who is aboard: keys of the radio room's register and mail addresses.
    pub people: Vec<String>,
}

/// Why an activation by this policy is not for somebody now. `None`: it is.
pub(super) fn elsewhere(policy: &ActivationPolicy, on: Option<&OnMission>, sheet: &PersonSheet) -> Option<String> {
    if policy.places.is_empty() {
        return None;
    }
    let wanted = policy.places.join(", ");
    let Some(on) = on else { return Some(format!("this access is for missions to {wanted}: name the mission")) };
    let same = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
    if !policy.places.iter().any(|place| on.places.iter().any(|there| same(place, there))) {
        return Some(format!("this access is for missions to {wanted}, and {} is not there", on.label));
    }
    let known = [sheet.number.as_deref(), sheet.mail.as_deref()];
    let aboard = known.into_iter().flatten().any(|known| on.people.iter().any(|one| same(known, one)));
    let name = sheet.display_name();
    (!aboard).then(|| format!("{name} is not aboard {} by the radio room's sheet (number or mail address)", on.label))
}

/// The sheet of whoever borrows.
pub(super) async fn sheet_of(read: &mut impl Read, id: kernel::id::PersonId) -> Result<PersonSheet, Error> {
    Ok(person::find(read, id).await?.ok_or_else(|| Error::missing("person", id))?.sheet)
}

/// The mission moved, or people got in or out: what is not for there, or not for them any more, ends.
pub(crate) async fn end_elsewhere(turn: &mut Turn, ticket: &str, on: &OnMission) -> Result<(), Error> {
    for before in record::of_ticket(&mut turn.tx, ticket).await? {
        let open = matches!(before.state, ActivationState::Active | ActivationState::Waiting);
        if open && let Some(why) = left(turn, &before, on).await? {
            turn.reason = why;
            carry_out(turn, &before, &Command::End { cause: EndCause::Place }, None).await?;
        }
    }
    Ok(())
}

async fn left(turn: &mut Turn, before: &Activation, on: &OnMission) -> Result<Option<String>, Error> {
    let Some(eligible) = assignment::find(&mut turn.tx, before.eligible).await? else { return Ok(None) };
    let documents = document::all(&mut turn.tx).await?;
    let policy = policy::of(&documents, &eligible.target)?;
    let sheet = sheet_of(&mut turn.tx, before.person).await?;
    Ok(elsewhere(&policy, Some(on), &sheet))
}

/// # Errors
/// [`Refusal`] of the ticket, with why.
pub(super) fn check(policy: &ActivationPolicy, on: Option<&OnMission>, sheet: &PersonSheet) -> Result<(), Refusal> {
    elsewhere(policy, on, sheet).map_or(Ok(()), |why| Err(Refusal::bad("ticket", why)))
}
