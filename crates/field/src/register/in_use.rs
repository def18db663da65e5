//! What is out, counted or looked after now is not taken out of the register.

use store::Tx;

use super::noun::Noun;
use super::{call_signs, nouns, records};
use crate::alarm::{self, Alarm};
use crate::error::{Error, Refusal};
use crate::mission::Mission;
use crate::speech::{Sentence, say};
use crate::{headcount, mission, report};

/// # Errors
/// [`Error::Refused`] with what it is in use for.
pub(crate) async fn check_free(tx: &mut Tx, noun: &Noun, key: &str) -> Result<(), Error> {
    let busy = match noun.name {
        "person" | "vehicle" | "area" | "fence" => on_mission(tx, noun.name, key).await?,
        "device" => device_called(tx, key).await?,
        "organisation" | "zone" => people_of(tx, noun.name, key).await?,
        _ => None,
    };
    let busy = match busy {
        None if noun.name == "person" => looked_after(tx, key).await?,
        busy => busy,
    };
    match busy {
        Some(why) => {
            Err(Refusal::rule(say!("{noun} {key} is in use: {why}", noun = Sentence::word(noun.name), key, why)).into())
        }
        None => Ok(()),
    }
}

async fn on_mission(tx: &mut Tx, noun: &str, key: &str) -> Result<Option<Sentence>, Error> {
    let names = |mission: &Mission| match noun {
        "person" => mission.aboard().contains(&key),
        "vehicle" => mission.present().any(|one| one.vehicle == key),
        "area" => mission.area == key || mission.legs.iter().skip(mission.leg).any(|leg| leg.area == key),
        _ => mission.legs.iter().skip(mission.leg).any(|leg| leg.corridor.as_deref() == Some(key)),
    };
    let missions = mission::open_in(tx).await?;
    Ok(missions.iter().find(|mission| names(mission)).map(|mission| {
        let (label, state) = (mission.label(), mission.state);
        say!("{label} is {state}; close it, or take {key} off it first", label, state, key)
    }))
}

/// Somebody is counted or in an incident that is not over.
async fn looked_after(tx: &mut Tx, person: &str) -> Result<Option<Sentence>, Error> {
    if let Some(count) = headcount::open(tx).await?
        && headcount::one(tx, count.id, person).await?.is_some()
    {
        return Ok(Some(say!("they are counted in {label}, which is not over", label = count.label())));
    }
    let reports = report::open_in(tx).await?;
    let about = reports.into_iter().find(|report| report.people.iter().any(|one| one == person));
    if let Some(report) = about {
        return Ok(Some(say!("{label} is about them and not over", label = report.label())));
    }
    let alarm = alarm_about(tx, person).await?;
    Ok(alarm.map(|label| say!("{label} is about them and open", label)))
}

/// The open alarm that is about somebody: by their key, sign, number, address, device or name.
async fn alarm_about(tx: &mut Tx, person: &str) -> Result<Option<String>, Error> {
    let Some(record) = records::find(tx, &nouns::PERSON, person).await? else { return Ok(None) };
    let mut names = vec![person.to_owned(), record.text("phone").to_owned(), record.text("email").to_owned()];
    let held = call_signs::all_in(tx).await?.into_iter().filter(|held| held.until.is_none());
    names.extend(
        held.filter(|held| (held.holder_kind.as_str(), held.holder.as_str()) == ("person", person))
            .map(|held| held.sign),
    );
    let devices = records::all_in(tx, &nouns::DEVICE).await?;
    names.extend(devices.into_iter().filter(|device| device.text("person") == person).map(|device| device.key));
    names.retain(|name| !name.is_empty());
    let called = record.text("name").to_owned();
    let about = |alarm: &Alarm| {
        let of_subject = alarm.subject.split(':').any(|part| names.iter().any(|name| name == part));
        let of_title = called.chars().count() > 2 && alarm.title.to_string().contains(&called);
        of_subject || of_title || alarm.course.people.iter().any(|one| one == person)
    };
    let open = alarm::open_in(tx).await?;
    // A silent alarm is nobody's to learn of in this way.
    Ok(open.iter().filter(|alarm| !alarm.silent).find(|alarm| about(alarm)).map(Alarm::label))
}

/// The device that called for help keeps the people who carry it.
async fn device_called(tx: &mut Tx, device: &str) -> Result<Option<Sentence>, Error> {
    let open = alarm::open_in(tx).await?;
    let about = open.iter().find(|alarm| alarm.subject.split(':').any(|part| part.eq_ignore_ascii_case(device)));
    Ok(about.map(|alarm| say!("{label} is about it and open", label = alarm.label())))
}

/// People of an organisation or a zone are out or counted.
async fn people_of(tx: &mut Tx, noun: &str, key: &str) -> Result<Option<Sentence>, Error> {
    let people = records::all_in(tx, &nouns::PERSON).await?;
    let theirs: Vec<String> = people.into_iter().filter(|one| one.text(noun) == key).map(|one| one.key).collect();
    let missions = mission::open_in(tx).await?;
    let out = missions.iter().find(|mission| mission.aboard().iter().any(|one| theirs.iter().any(|key| key == one)));
    if let Some(out) = out {
        return Ok(Some(say!("{label} is {state}, with their people aboard", label = out.label(), state = out.state)));
    }
    let Some(count) = headcount::open(tx).await? else { return Ok(None) };
    for person in &theirs {
        if headcount::one(tx, count.id, person).await?.is_some() {
            return Ok(Some(say!("their people are counted in {label}, which is not over", label = count.label())));
        }
    }
    Ok(None)
}
