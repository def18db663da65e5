//! Wardens: who looks after a zone has its list. When they are away or missing themselves, the alternate has it at once.

use std::collections::BTreeMap;

use kernel::id::HeadcountId;
use kernel::message::{Address, Dispatch, Means as Travel, Precedence};
use store::{Deadline, Due, Read, params};

use super::{Counted, Headcount, WARDEN, WardenList, counted, one, open};
use crate::error::Error;
use crate::line::Safety;
use crate::log::NewEntry;
use crate::message;
use crate::register::{Directory, Record};
use crate::room::Turn;
use crate::speech::{Language, Sentence, say};
use crate::sql;

/// A warden who has not answered for themselves by then is missing.
const PATIENCE_US: i64 = 10 * 60_000_000;
/// People who are named in a message to a warden.
const NAMED: usize = 30;

/// Gives the list of each zone to its warden, or to the alternate when the warden is away.
pub(super) async fn begin(turn: &mut Turn, open: &Headcount, people: &[&Record]) -> Result<Vec<Sentence>, Error> {
    let mut zones: BTreeMap<String, usize> = BTreeMap::new();
    for zone in people.iter().filter_map(|person| person.text_opt("zone")) {
        *zones.entry(zone).or_default() += 1;
    }
    let directory = turn.directory.clone();
    let mut notes = Vec::new();
    for (zone, count) in zones {
        let [warden, alternate] = keepers(&directory, &zone);
        let present = |key: &Option<String>| {
            let record = key.as_ref().and_then(|key| directory.record("person", key));
            record.is_some_and(|record| record.retired.is_none() && record.text("presence") == "present")
        };
        let (keeper, why) = match (present(&warden), present(&alternate)) {
            (true, _) => (warden, None),
            (false, true) => (alternate, Some(say!("the warden is away"))),
            (false, false) => {
                if warden.is_some() || alternate.is_some() {
                    notes.push(say!(
                        "zone {zone}: neither warden nor alternate is here; {count} to be called",
                        zone,
                        count
                    ));
                }
                continue;
            }
        };
        let Some(keeper) = keeper else { continue };
        let is_warden = why.is_none();
        notes.extend(give(turn, open, &zone, &keeper, why).await?);
        if is_warden {
            let deadline = Deadline {
                kind: WARDEN.to_owned(),
                subject: format!("{}/{zone}", open.id),
                owes: format!("person:{keeper}"),
                due: Due::After(PATIENCE_US),
                otherwise: format!(
                    "{}: the warden of zone {zone} is missing; the alternate has the list",
                    open.label()
                ),
            };
            turn.tx.deadline(deadline).await?;
        }
    }
    Ok(notes)
}

fn keepers(directory: &Directory, zone: &str) -> [Option<String>; 2] {
    let record = directory.record("zone", zone);
    ["warden", "alternate"].map(|column| record.and_then(|record| record.text_opt(column)))
}

/// Gives a list to somebody, once.
async fn give(
    turn: &mut Turn,
    open: &Headcount,
    zone: &str,
    keeper: &str,
    why: Option<Sentence>,
) -> Result<Option<Sentence>, Error> {
    let now = turn.now();
    let row = params![open.id, zone, keeper, now, why.as_ref().map_or("warden", Sentence::english)];
    if turn.tx.execute(&sql::INSERT_WARDEN_LIST, row).await? == 0 {
        return Ok(None);
    }
    let directory = turn.directory.clone();
    let rows = turn.tx.fetch_all(&sql::COUNTED_IN_ZONE, params![open.id, zone]).await?;
    let people = rows.iter().map(counted).collect::<Result<Vec<Counted>, _>>()?;
    let missing: Vec<&Counted> = people.iter().filter(|one| one.safety == Safety::Unknown).collect();
    let name = directory.name("person", keeper);
    if let Some(record) = directory.record("person", keeper) {
        let language = turn.language_of(record).await?;
        message::send(turn, dispatch(open, zone, record, &missing, language)).await?;
    }
    let count = missing.len();
    Ok(Some(match why {
        Some(why) => {
            say!("zone {zone}: list of {count} to {name} ({keeper}), because {why}", zone, count, name, keeper, why)
        }
        None => say!("zone {zone}: list of {count} to {name} ({keeper})", zone, count, name, keeper),
    }))
}

fn dispatch(open: &Headcount, zone: &str, keeper: &Record, missing: &[&Counted], language: Language) -> Vec<Dispatch> {
    let of = |column: &str, means| keeper.text_opt(column).map(|address| Address::new(means, address));
    let addresses: Vec<Address> = of("phone", Travel::Sms).into_iter().chain(of("email", Travel::Email)).collect();
    if addresses.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = missing.iter().take(NAMED).map(|one| format!("{} {}", one.person, one.name)).collect();
    let more = missing.len().saturating_sub(NAMED);
    let names = if more == 0 { say!("{names}", names) } else { say!("{names} and {more} more", names, more) };
    let example = missing.first().map_or("P-1", |one| one.person.as_str());
    let (label, count) = (open.number_label(), missing.len());
    let text = say!(
        "{label}: you look after zone {zone}.\n{count} to find: {names}. Answer for each: {example} SAFE or {example} HELP.",
        label,
        zone,
        count,
        names,
        example
    );
    vec![Dispatch {
        key: format!("{}/zone/{zone}/{}", open.id, keeper.key),
        about: open.id.to_string(),
        recipient: keeper.text("name").to_owned(),
        addresses,
        subject: None,
        text: text.in_message(language),
        precedence: Precedence::Immediate,
        exercise: open.exercise,
        secret: false,
        patience_s: None,
        expires: None,
    }]
}

/// Somebody was heard of: a warden who is well keeps the list; one who is missing or in need loses it to the alternate.
pub(super) async fn after_answer(
    turn: &mut Turn,
    open: &Headcount,
    person: &str,
    safety: Safety,
) -> Result<Vec<Sentence>, Error> {
    let mut notes = Vec::new();
    for list in lists(&mut turn.tx, open.id).await?.into_iter().filter(|list| list.warden == person) {
        match safety {
            Safety::Safe | Safety::SafeByProxy => {
                turn.tx.keep_deadline(WARDEN, &format!("{}/{}", open.id, list.zone)).await?;
            }
            Safety::NeedsHelp | Safety::Unreachable | Safety::Excused => {
                turn.tx.cancel_deadline(WARDEN, &format!("{}/{}", open.id, list.zone)).await?;
                notes.extend(pass_on(turn, open, &list.zone, say!("the warden is missing")).await?);
            }
            Safety::Unknown => {}
        }
    }
    Ok(notes)
}

async fn pass_on(turn: &mut Turn, open: &Headcount, zone: &str, why: Sentence) -> Result<Option<Sentence>, Error> {
    let [_, alternate] = keepers(&turn.directory, zone);
    match alternate {
        Some(alternate) => give(turn, open, zone, &alternate, Some(why)).await,
        None => Ok(Some(say!("zone {zone}: {why} and there is no alternate: call its people", zone, why))),
    }
}

/// A warden has not answered for themselves in time.
pub(crate) async fn silent_warden(turn: &mut Turn, id: HeadcountId, zone: &str) -> Result<(), Error> {
    let Some(open) = open(&mut turn.tx).await?.filter(|open| open.id == id) else { return Ok(()) };
    let [warden, _] = keepers(&turn.directory, zone);
    let Some(warden) = warden else { return Ok(()) };
    let well = one(&mut turn.tx, id, &warden).await?.is_some_and(|one| one.safety != Safety::Unknown);
    if well {
        return Ok(());
    }
    if let Some(note) = pass_on(turn, &open, zone, say!("the warden has not answered")).await? {
        let text = say!("{label}: {note}", label = open.label(), note);
        turn.log(NewEntry::words("headcount", text)).await?;
        turn.record("headcount.pass-on", open.id, serde_json::Value::Null, serde_json::json!({ "zone": zone }));
    }
    Ok(())
}

/// The headcount is over: no warden is waited for.
pub(super) async fn end(turn: &mut Turn, open: &Headcount) -> Result<(), Error> {
    for list in lists(&mut turn.tx, open.id).await? {
        turn.tx.cancel_deadline(WARDEN, &format!("{}/{}", open.id, list.zone)).await?;
    }
    Ok(())
}

pub(super) async fn lists(read: &mut impl Read, id: HeadcountId) -> Result<Vec<WardenList>, Error> {
    let list = |row: &store::Row| {
        Ok(WardenList {
            zone: row.text("zone")?.to_owned(),
            warden: row.text("warden")?.to_owned(),
            given: row.time("given_us")?,
            why: Sentence::word(row.text("why")?),
        })
    };
    read.rows(&sql::WARDEN_LISTS, params![id]).await?.iter().map(list).collect()
}
