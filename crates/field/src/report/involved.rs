//! Who is involved in an incident: the people aboard, and the owner of what carries them.

use kernel::Timestamp;

use crate::enter;
use crate::error::Error;
use crate::mission::Mission;
use crate::room::Turn;

/// Who is involved.
#[derive(Debug, Clone, Default)]
pub(super) struct Involved {
    pub(super) people: Vec<String>,
    pub(super) vehicles: Vec<String>,
    pub(super) organisations: Vec<String>,
    pub(super) mission: Option<Mission>,
}

/// Looks up the call signs and keys that the words of an incident name.
pub(super) async fn of(turn: &mut Turn, who: &str, at: Timestamp) -> Result<Involved, Error> {
    let directory = turn.directory.clone();
    let mut found = Involved::default();
    for word in who.split([' ', ',', ';']).filter(|word| !word.is_empty()) {
        let holder = directory.holder(word, at).map(|holder| (holder.kind, holder.key));
        let named = holder.or_else(|| {
            let noun = ["person", "vehicle"].into_iter().find(|noun| directory.record(noun, word).is_some())?;
            Some((noun.to_owned(), word.to_uppercase()))
        });
        let Some((kind, key)) = named else { continue };
        let holder = enter::holder_by(&directory, &kind, &key, at);
        let mission = enter::mission_of(turn, &holder, at).await?;
        match kind.as_str() {
            "person" => {
                if let Some(vehicle) = mission.as_ref().and_then(|mission| mission.vehicle_of(&key, at)) {
                    found.vehicles.push(vehicle.to_owned());
                }
                found.people.push(key);
            }
            "vehicle" => {
                if let Some(mission) = &mission {
                    let aboard = mission.aboard().into_iter().filter(|one| mission.vehicle_of(one, at) == Some(&key));
                    found.people.extend(aboard.map(str::to_owned));
                }
                found.vehicles.push(key);
            }
            _ => {}
        }
        found.mission = found.mission.or(mission);
    }
    let of = |noun: &str, keys: &[String]| -> Vec<String> {
        keys.iter().filter_map(|key| directory.record(noun, key)?.text_opt("organisation")).collect()
    };
    found.organisations = of("person", &found.people);
    found.organisations.extend(of("vehicle", &found.vehicles));
    for list in [&mut found.people, &mut found.vehicles, &mut found.organisations] {
        list.sort_unstable();
        list.dedup();
    }
    Ok(found)
}
