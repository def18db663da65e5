//! Who is heard: from which vehicle of a convoy, and for whom they speak there. Pure.

use kernel::Timestamp;

use crate::mission::{Mission, Reporter};
use crate::register::{Directory, Holder};

/// Who reports, from which vehicle, and for whom they speak there.
pub(crate) fn of(
    mission: &Mission,
    sign: &str,
    holder: Option<&Holder>,
    directory: &Directory,
    at: Timestamp,
) -> Reporter {
    let vehicle = vehicle_of(mission, sign, holder, at);
    let with = |lead: &&String| {
        let holder = directory.holder(lead, at);
        vehicle.is_some() && vehicle_of(mission, lead, holder.as_ref(), at) == vehicle
    };
    let beside = [&mission.leader, &mission.deputy].into_iter().flatten().find(with).cloned();
    Reporter { sign: sign.to_owned(), vehicle, beside }
}

pub(crate) fn vehicle_of(mission: &Mission, sign: &str, holder: Option<&Holder>, at: Timestamp) -> Option<String> {
    let told = mission.told_sign(sign).map(|told| (told.kind.as_str(), told.key.as_str()));
    let (kind, key) = told.or_else(|| holder.map(|holder| (holder.kind.as_str(), holder.key.as_str())))?;
    match kind {
        "vehicle" => Some(key.to_owned()),
        "person" => mission.vehicle_of(key, at).map(str::to_owned),
        _ => None,
    }
}
