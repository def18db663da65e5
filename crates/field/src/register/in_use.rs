//! What is out, counted or looked after now is not taken out of the register.

use store::Tx;

use super::noun::Noun;
use crate::error::{Error, Refusal};
use crate::mission::Mission;
use crate::{headcount, mission, report};

/// # Errors
/// [`Error::Refused`] with what it is in use for.
pub(crate) async fn check_free(tx: &mut Tx, noun: &Noun, key: &str) -> Result<(), Error> {
    let busy = match noun.name {
        "person" | "vehicle" | "area" | "fence" => on_mission(tx, noun.name, key).await?,
        _ => None,
    };
    let busy = match busy {
        None if noun.name == "person" => looked_after(tx, key).await?,
        busy => busy,
    };
    match busy {
        Some(why) => Err(Refusal::rule(format!("{} {key} is in use: {why}", noun.name)).into()),
        None => Ok(()),
    }
}

async fn on_mission(tx: &mut Tx, noun: &str, key: &str) -> Result<Option<String>, Error> {
    let names = |mission: &Mission| match noun {
        "person" => mission.aboard().contains(&key),
        "vehicle" => mission.present().any(|one| one.vehicle == key),
        "area" => mission.area == key || mission.legs.iter().skip(mission.leg).any(|leg| leg.area == key),
        _ => mission.legs.iter().skip(mission.leg).any(|leg| leg.corridor.as_deref() == Some(key)),
    };
    let missions = mission::open_in(tx).await?;
    Ok(missions.iter().find(|mission| names(mission)).map(|mission| {
        let label = mission.label();
        format!("{label} is {}; close it, or take {key} off it first", mission.state)
    }))
}

/// Somebody is counted or in an incident that is not over.
async fn looked_after(tx: &mut Tx, person: &str) -> Result<Option<String>, Error> {
    if let Some(count) = headcount::open(tx).await?
        && headcount::one(tx, count.id, person).await?.is_some()
    {
        return Ok(Some(format!("they are counted in {}, which is not over", count.label())));
    }
    let reports = report::open_in(tx).await?;
    let about = reports.into_iter().find(|report| report.people.iter().any(|one| one == person));
    Ok(about.map(|report| format!("{} is about them and not over", report.label())))
}
