//! Access on one person's own decision. Nobody else is asked on this way, so what asking stands for holds here without it:
//! nobody gives to themselves, duties that must stay apart are not put together, and power is borrowed, never given.

use kernel::Actor;
use kernel::id::AssignmentId;

use crate::approver;
use crate::assignment::{Assignment, Mode, NewAssignment, Source, Target, find};
use crate::error::{Error, Refusal};
use crate::inventory::{Inventory, Scope};
use crate::request::{AskedFor, toxic};
use crate::room::{Identity, Turn};
use crate::sod::Rules;

impl Identity {
    /// Gives access on a person's own decision. What was there before Vigie ([`Source::Adopted`]) is taken over as it is. What
    /// is given to a record that was merged is given to the one that stayed; the answer says which.
    ///
    /// # Errors
    /// [`Error::Refused`] when somebody gives to themselves, or signs in as nobody on record; when it would put duties
    /// together that must stay apart and no exception is in force; when it is privileged and not only eligible; for a reason
    /// that is empty or times that cross. [`Error::NotFound`] for an unknown person or role.
    pub async fn give(&self, mut new: NewAssignment, actor: &Actor) -> Result<Assignment, Error> {
        let mut turn = self.turn(actor, &new.reason).await?;
        new.person = crate::person::survivor(&mut turn.tx, new.person).await?.id;
        if new.source == Source::Person {
            must_be_permitted(&mut turn, &new, actor).await?;
        }
        let assignment = turn.assign(new).await?;
        turn.finish().await?;
        Ok(assignment)
    }

    /// Ends access.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id; [`Error::Refused`] when nobody else would hold what it gives, and that is
    /// privileged.
    pub async fn end(&self, id: AssignmentId, why: &str, actor: &Actor) -> Result<bool, Error> {
        let mut turn = self.turn(actor, why).await?;
        if let Some(given) = find(&mut turn.tx, id).await? {
            turn.must_not_be_last_eligible(&given).await?;
        }
        let ended = turn.end_assignment(id, why).await?;
        turn.finish().await?;
        Ok(ended)
    }
}

async fn must_be_permitted(turn: &mut Turn, new: &NewAssignment, actor: &Actor) -> Result<(), Error> {
    let giver = approver::person_of(&mut turn.tx, actor).await?;
    if giver == new.person {
        return Err(Refusal::rule("nobody gives access to themselves: ask for it, and others decide").into());
    }
    let now = turn.now();
    let inventory = Inventory::load(&mut turn.tx, Scope::One(new.person), now).await?;
    if !inventory.knows(&new.target) {
        return Err(Error::missing(new.target.kind(), new.target.name()));
    }
    if new.mode == Mode::Active && is_privileged(&inventory, &new.target) {
        let text = format!(
            "{} is privileged, and borrowed for a time: give it as `eligible`, and it is activated with a reason when it is needed",
            new.target.name()
        );
        return Err(Refusal::rule(text).into());
    }
    must_stay_apart(turn, &inventory, new).await
}

fn is_privileged(inventory: &Inventory, target: &Target) -> bool {
    let by_role = match target {
        Target::Role(key) => inventory.roles.get(key).is_some_and(|role| role.privileged),
        Target::Entitlement(_) => false,
    };
    by_role || inventory.given_by(target).into_iter().any(|given| given.privileged)
}

/// Looks at it as at a request for the same: eligible access counts as if it were active.
async fn must_stay_apart(turn: &mut Turn, inventory: &Inventory, new: &NewAssignment) -> Result<(), Error> {
    let rules = Rules::of(inventory)?;
    let from = new.from.unwrap_or(turn.now());
    let asked = [AskedFor { targets: std::slice::from_ref(&new.target), from, until: new.until }];
    let found = toxic(turn, inventory, &rules, &asked, new.person).await?;
    match found.into_iter().find(|one| one.is_new && one.excused.is_none()) {
        None => Ok(()),
        Some(one) => Err(Refusal::rule(format!(
            "with what is held it violates `{}` ({}): give back the other key first, or ask for it with an exception, which \
             the owner of the risk decides on",
            one.rule, one.title
        ))
        .into()),
    }
}
