//! After everybody agreed: whether the access is there, as its systems show it. Only then is it told that it is.

use std::collections::BTreeSet;

use kernel::Timestamp;
use kernel::id::RequestId;
use store::{Deadline, Due};

use super::Value;
use super::tell::tell_both;
use super::words::Sentence;
use crate::account::{self, Status};
use crate::assignment::{self, Mode, Target};
use crate::error::Error;
use crate::request::{self, Request, RequestState};
use crate::role::Grant;
use crate::room::Turn;

/// When it is looked whether what was granted is there.
pub(crate) const FULFILMENT: &str = "identity.fulfilment";
const FIRST_US: i64 = 60_000_000;
/// After so long it is told that it is not there yet, and by whose fault.
const PATIENCE_US: i64 = 86_400_000_000;

pub(super) async fn begin(turn: &mut Turn, request: &Request) -> Result<(), Error> {
    let begins = request.parts.iter().map(|part| part.from).max().unwrap_or(turn.now());
    let at = turn.now().max(begins).plus_micros(FIRST_US);
    promise(turn, request.id, at).await
}

async fn promise(turn: &mut Turn, id: RequestId, at: Timestamp) -> Result<(), Error> {
    let deadline = Deadline {
        kind: FULFILMENT.to_owned(),
        subject: id.to_string(),
        owes: "system:identity".to_owned(),
        due: Due::At(at),
        otherwise: "it is looked whether what was granted is there".to_owned(),
    };
    turn.tx.deadline(deadline).await?;
    Ok(())
}

pub(super) async fn look(turn: &mut Turn, id: RequestId) -> Result<(), Error> {
    let request = request::find(&mut turn.tx, id).await?;
    if request.state != RequestState::Granted {
        return Ok(());
    }
    let missing = missing(turn, &request).await?;
    let systems = Value::Text(missing.iter().cloned().collect::<Vec<_>>().join(", "));
    if missing.is_empty() {
        return tell_both(turn, &request, Sentence::RequestFulfilled, ("systems", systems)).await;
    }
    let begins = request.parts.iter().map(|part| part.from).max().unwrap_or(request.updated).max(request.updated);
    let waited = turn.now().micros() - begins.micros();
    if waited >= PATIENCE_US {
        tell_both(turn, &request, Sentence::RequestLate, ("systems", systems)).await?;
    }
    // Twice as long each time, and then once a day, for as long as it takes.
    let at = turn.now().plus_micros(waited.clamp(FIRST_US, PATIENCE_US));
    promise(turn, id, at).await
}

/// Systems that do not show what was given.
async fn missing(turn: &mut Turn, request: &Request) -> Result<BTreeSet<String>, Error> {
    let mut wanted: BTreeSet<Grant> = BTreeSet::new();
    let known = turn.known.clone();
    for id in request.parts.iter().flat_map(|part| &part.assignments) {
        let Some(given) = assignment::find(&mut turn.tx, *id).await? else { continue };
        if given.mode == Mode::Eligible || !given.holds_at(turn.now()) {
            continue;
        }
        match &given.target {
            Target::Role(role) => wanted.extend(known.policy.reached(role).iter().map(|one| one.grant.clone())),
            Target::Entitlement(id) => wanted.extend(known.catalog.entitlement(*id).map(|one| one.grant())),
        }
    }
    let mut shown = BTreeSet::new();
    for account in account::of_person(&mut turn.tx, request.person).await? {
        if account.status != Status::Enabled {
            continue;
        }
        let held = account::holdings(&mut turn.tx, account.id).await?;
        for grant in wanted.iter().filter(|grant| grant.system == account.system) {
            let holds =
                grant.entitlement.as_ref().is_none_or(|name| held.contains(&known.catalog.id(&grant.system, name)));
            if holds {
                shown.insert(grant.clone());
            }
        }
    }
    Ok(wanted.difference(&shown).map(|grant| grant.system.clone()).collect())
}
