//! What others changed at a system: told with its fix, put back, or taken over as somebody's decision.

use connector::Attribution;
use serde_json::{Value as Json, json};
use store::params;

use super::engine::Working;
use super::observe::Difference;
use super::reconcile::{Mode, Reconciled};
use crate::account::{Account, Progress};
use crate::assignment::{NewAssignment, Source, Target};
use crate::error::Error;
use crate::finding::{FindingKind, NewFinding};
use crate::room::Turn;
use crate::saying::{Saying, Title, saying};
use crate::sql;
use crate::system::DriftPolicy;

/// Putting the same account back more often than this is a quarrel, not a repair.
const MOST_REVERTS: u64 = 3;

/// What is done about an account that somebody changed at its system: told, put back, or taken over.
pub(super) async fn drifted(
    turn: &mut Turn,
    working: &Working<'_>,
    account: &mut Account,
    drift: &mut Vec<Difference>,
    attribution: Option<&Attribution>,
    mode: Mode,
    found: &mut Reconciled,
) -> Result<(), Error> {
    let subject = account.id.to_string();
    let mut reverts = account.attempts.unsigned_abs();
    for kind in [FindingKind::Drift, FindingKind::OffStandard] {
        let open = turn.tx.fetch_optional(&sql::OPEN_FINDING, params![kind.as_str(), &subject]).await?;
        let detail: Json = open.map(|row| row.json("detail")).transpose()?.unwrap_or(Json::Null);
        reverts = reverts.max(self::number(&detail, "reverts"));
    }
    let gained: Vec<&str> =
        drift.iter().filter_map(Difference::given).filter(|name| working.privileged.contains_key(*name)).collect();
    let actor = attribution.and_then(|one| one.actor.as_deref());
    let mut title = Title::from(changed(account, working.key, actor, &gained.join(", ")));
    match working.system.drift {
        DriftPolicy::Revert if mode == Mode::Ordinary && reverts < MOST_REVERTS => {
            reverts += 1;
            account.progress = Progress::Queued;
            account.retry = None;
            found.reverted += 1;
        }
        DriftPolicy::Revert if mode == Mode::Ordinary => {
            title = format!("{}, again and again: it is no longer put back", title.text).into();
        }
        DriftPolicy::Adopt if mode == Mode::Ordinary => {
            adopt(turn, working, account, drift, attribution, found).await?
        }
        DriftPolicy::Report | DriftPolicy::Revert | DriftPolicy::Adopt => {}
    }
    let (standard, other): (Vec<&Difference>, Vec<&Difference>) = drift.iter().partition(|one| one.is_of_standard());
    if !standard.is_empty() {
        let what =
            |one: &&Difference| format!("{} is `{}`, by the standard it is `{}`", one.what, one.theirs, one.ours);
        let fixes: Vec<String> = standard.iter().map(what).collect();
        let title = saying!(
            "{login} in {system} is off standard: {fixes}",
            login = account.login,
            system = working.key,
            fixes = fixes.join("; ")
        )
        .into();
        let detail = json!({ "differences": standard, "attribution": attribution, "reverts": reverts });
        seen_otherwise(turn, working, account, (FindingKind::OffStandard, title, detail)).await?;
    }
    if !other.is_empty() {
        let detail = json!({ "differences": other, "attribution": attribution, "reverts": reverts });
        seen_otherwise(turn, working, account, (FindingKind::Drift, title, detail)).await?;
    }
    Ok(())
}

fn changed(account: &Account, system: &str, actor: Option<&str>, gained: &str) -> Saying {
    let login = &account.login;
    match (actor, gained.is_empty()) {
        (None, true) => {
            saying!("{login} in {system} was changed at the system itself", login = login, system = system)
        }
        (Some(actor), true) => saying!(
            "{login} in {system} was changed at the system itself by {actor}",
            login = login,
            system = system,
            actor = actor
        ),
        (None, false) => saying!(
            "{login} in {system} was changed at the system itself: it gained {gained}, which is privileged and which nobody gave here",
            login = login,
            system = system,
            gained = gained
        ),
        (Some(actor), false) => saying!(
            "{login} in {system} was changed at the system itself by {actor}: it gained {gained}, which is privileged and which nobody gave here",
            login = login,
            system = system,
            actor = actor,
            gained = gained
        ),
    }
}

async fn seen_otherwise(
    turn: &mut Turn,
    working: &Working<'_>,
    account: &Account,
    (kind, title, detail): (FindingKind, Title, Json),
) -> Result<(), Error> {
    let finding = NewFinding {
        person: account.person,
        account: Some(account.id),
        system: Some(working.key.to_owned()),
        detail,
        ..NewFinding::new(kind, account.id, title)
    };
    turn.find(finding).await.map(drop)
}

fn number(detail: &Json, name: &str) -> u64 {
    detail.get(name).and_then(Json::as_u64).unwrap_or(0)
}

/// Takes over what was given at the system itself, as access that somebody has to answer for.
async fn adopt(
    turn: &mut Turn,
    working: &Working<'_>,
    account: &Account,
    drift: &mut Vec<Difference>,
    attribution: Option<&Attribution>,
    found: &mut Reconciled,
) -> Result<(), Error> {
    let Some(person) = account.person else { return Ok(()) };
    let by = attribution.and_then(|one| one.actor.clone()).unwrap_or_else(|| "somebody".to_owned());
    // Power is given by people who answer for it, never taken over.
    let is_powerful = |name: &&str| working.privileged.contains_key(*name);
    let given = drift.iter().filter_map(Difference::given).filter(|name| !is_powerful(name));
    let given: Vec<String> = given.map(str::to_owned).collect();
    for name in &given {
        let target = Target::Entitlement(turn.known.catalog.id(working.key, name));
        let new = NewAssignment {
            person,
            target,
            mode: crate::assignment::Mode::Active,
            source: Source::Adopted,
            source_ref: Some(account.id.to_string()),
            reason: format!("given at {} by {by}", working.key),
            approver: None,
            from: None,
            until: None,
        };
        turn.assign(new).await?;
        found.adopted += 1;
    }
    drift.retain(|one| one.given().is_none_or(|name| !given.iter().any(|one| one == name)));
    Ok(())
}
