//! What has to hold before two records become one, or two again, and what of both holds for the one. Whatever each of them was given goes together then, so that
//! it is a way of giving: nobody says it of themselves, nobody gets by it what they gave to the other record, and duties that
//! must stay apart are not put together.

use kernel::Actor;
use kernel::id::{MergeId, PersonId};
use serde_json::json;

use crate::assignment::{self, Assignment, Source, Target};
use crate::error::{Error, Refusal};
use crate::finding::{FindingKind, NewFinding};
use crate::inventory::{Inventory, Scope};
use crate::person::{self, Person};
use crate::request::{AskedFor, toxic};
use crate::room::Turn;
use crate::sod::Rules;
use crate::{activation, approver, exclusion, login, request};

/// Refuses who decides on a record of their own.
pub(crate) async fn must_be_somebody_elses(turn: &mut Turn, records: &[PersonId], actor: &Actor) -> Result<(), Error> {
    let by = approver::person_of(&mut turn.tx, actor).await?;
    for record in records {
        if person::meant(&mut turn.tx, *record).await? == by {
            let text = "nobody says which records are their own: another officer decides on it";
            return Err(Refusal::rule(text).into());
        }
    }
    Ok(())
}

/// Refuses a merge that gives what could not be given.
pub(crate) async fn must_be_permitted(
    turn: &mut Turn,
    survivor: &Person,
    absorbed: &Person,
    actor: &Actor,
) -> Result<(), Error> {
    must_be_somebody_elses(turn, &[survivor.id, absorbed.id], actor).await?;
    for (given, giver) in [(absorbed, survivor), (survivor, absorbed)] {
        let logins = login::of_person(&mut turn.tx, giver.id).await?;
        let logins: Vec<String> = logins.into_iter().map(|user| Actor::User(user).to_string()).collect();
        let open = open_of(turn, given.id).await?;
        if let Some(one) = open.iter().find(|one| logins.contains(&one.recorded_by)) {
            let text = format!(
                "{} gave {} to {}: nobody gives access to themselves; end it first",
                giver.sheet.display_name(),
                one.target.name(),
                given.sheet.display_name()
            );
            return Err(Refusal::rule(text).into());
        }
    }
    must_be_settled(turn, absorbed).await?;
    must_stay_apart(turn, survivor, absorbed).await
}

/// Borrowed access and requests are of the person that they were decided for; they do not move.
async fn must_be_settled(turn: &mut Turn, absorbed: &Person) -> Result<(), Error> {
    let name = absorbed.sheet.display_name();
    if !activation::list(&mut turn.tx, Some(absorbed.id), true, 1).await?.is_empty() {
        return Err(Refusal::rule(format!("{name} has borrowed access that is not over: end it first")).into());
    }
    if !request::list(&mut turn.tx, Some(absorbed.id), None, true, 1).await?.is_empty() {
        return Err(Refusal::rule(format!("a request of {name} waits: have it decided on, or withdrawn, first")).into());
    }
    Ok(())
}

/// What was given to the record by a person's own word is told: somebody looks whether it is right for who has it now.
pub(crate) async fn report_brought(
    turn: &mut Turn,
    id: MergeId,
    survivor: &Person,
    absorbed: PersonId,
) -> Result<(), Error> {
    let brought = open_of(turn, absorbed).await?;
    let brought: Vec<String> =
        brought.into_iter().filter(|one| one.source == Source::Person).map(|one| one.target.name()).collect();
    if brought.is_empty() {
        return Ok(());
    }
    let name = survivor.sheet.display_name();
    let title = format!(
        "{name} has what was given to a record that was merged: {}; see whether it is right",
        brought.join(", ")
    );
    let finding = NewFinding {
        person: Some(survivor.id),
        detail: json!({ "merge": id, "absorbed": absorbed, "brought": brought }),
        ..NewFinding::new(FindingKind::Other, subject(id), title)
    };
    turn.find(finding).await.map(drop)
}

/// Whoever was locked out, or is seen by few, stays so under whatever record they are.
pub(crate) fn carry_locks(turn: &mut Turn, from: &Person, to: &mut Person) {
    let blocked = [from.blocked, to.blocked].into_iter().flatten().min();
    let restricted = from.restricted || to.restricted;
    if (blocked, restricted) != (to.blocked, to.restricted) {
        let was = json!({ "blocked": to.blocked.map(|at| at.to_string()), "restricted": to.restricted });
        (to.blocked, to.restricted) = (blocked, restricted);
        let is = json!({ "blocked": to.blocked.map(|at| at.to_string()), "restricted": to.restricted });
        turn.record("person.stays-locked-out", to.id, was, is);
    }
}

/// What rules are kept from giving to the one, they are kept from giving to the other.
pub(crate) async fn carry_exclusions(turn: &mut Turn, from: PersonId, to: PersonId) -> Result<(), Error> {
    for one in exclusion::of_person(&mut turn.tx, from).await?.into_iter().filter(|one| one.lifted.is_none()) {
        turn.exclude(to, one.entitlement, &one.reason, one.source).await?;
    }
    Ok(())
}

/// What the finding of [`report_brought`] is about.
pub(crate) fn subject(id: MergeId) -> String {
    format!("merge:{id}")
}

async fn open_of(turn: &mut Turn, person: PersonId) -> Result<Vec<Assignment>, Error> {
    let all = assignment::of_person(&mut turn.tx, person).await?;
    Ok(all.into_iter().filter(|one| one.ended.is_none()).collect())
}

/// Looks at what the absorbed record holds as at a request for the same.
async fn must_stay_apart(turn: &mut Turn, survivor: &Person, absorbed: &Person) -> Result<(), Error> {
    let now = turn.now();
    let theirs = Inventory::load(&mut turn.tx, Scope::One(absorbed.id), now).await?;
    let held = theirs.held_by(absorbed.id).into_iter().map(|one| Target::Entitlement(one.id));
    let given = open_of(turn, absorbed.id).await?.into_iter().map(|one| one.target);
    let targets: Vec<Target> = held.chain(given).collect();
    let inventory = Inventory::load(&mut turn.tx, Scope::One(survivor.id), now).await?;
    let rules = Rules::of(&inventory)?;
    let asked = [AskedFor { targets: &targets, from: now, until: None }];
    let found = toxic(turn, &inventory, &rules, &asked, survivor.id).await?;
    // What the other record violates by itself is so before and after.
    match found.into_iter().find(|one| one.is_new && !one.is_within_request && one.excused.is_none()) {
        None => Ok(()),
        Some(one) => Err(Refusal::rule(format!(
            "together they violate `{}` ({}): end one of the keys first, or have the owner of the risk except {}",
            one.rule,
            one.title,
            survivor.sheet.display_name()
        ))
        .into()),
    }
}
