//! What the room works with: channels, repeaters, satellite terminals, power. Readings and tests, what is wrong until it is
//! repaired and who was told, how the net is used, and how each sign is heard.

use kernel::id::RecordId;
use kernel::message::{Address, Dispatch, Means as Travel, Precedence};
use kernel::{Actor, Timestamp, words};
use serde_json::{Value as Json, json};
use store::{Read, Row, params};

use crate::alarm::{self, AlarmKind, Cause};
use crate::error::{Error, Refusal};
use crate::log::{LogEntry, NewEntry};
use crate::message;
use crate::register::Record;
use crate::room::{Field, Turn, next_number};
use crate::speech::{Sentence, say};
use crate::sql;

const DAY_US: i64 = 86_400_000_000;
/// Power at or below so much is low: the board is printed.
pub const LOW_PERCENT: i64 = 10;
const MOST: u32 = 1_000;

words! {
    /// How something works.
    EquipmentState {
        Ok = "ok",
        Degraded = "degraded",
        Failed = "failed",
    }
}

/// Something that the room works with, as it was last found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EquipmentView {
    /// Key.
    pub equipment: String,
    pub name: String,
    pub kind: String,
    pub network: Option<String>,
    /// `None`: nobody has ever looked.
    pub state: Option<EquipmentState>,
    pub level_percent: Option<i64>,
    pub words: String,
    pub read: Option<Timestamp>,
    /// What should be known: a test is overdue, nobody is named who repairs it.
    pub doubts: Vec<Sentence>,
    /// Its power is so low that the board is to be printed.
    pub power_low: bool,
}

/// Something that is wrong until it is repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    pub id: RecordId,
    /// Counts up from 1.
    pub number: i64,
    pub equipment: String,
    pub title: Sentence,
    /// Who repairs it and was told.
    pub told: Option<String>,
    pub opened: Timestamp,
    pub closed: Option<Timestamp>,
    pub outcome: Option<Sentence>,
}

impl Anomaly {
    /// `AN-0042`.
    pub fn label(&self) -> String {
        format!("AN-{:04}", self.number)
    }
}

/// The net was used against its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misuse {
    /// Its entry in the log.
    pub entry: i64,
    pub sign: String,
    pub holder_name: Option<String>,
    pub organisation: Option<String>,
    pub network: Option<String>,
    pub what: String,
    pub at: Timestamp,
}

/// How a sign was heard in radio checks whose base worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignTrend {
    pub sign: String,
    pub network: Option<String>,
    pub holder_name: String,
    pub organisation: Option<String>,
    pub called: i64,
    pub not_heard: i64,
    pub by_phone: i64,
    pub last_heard: Option<Timestamp>,
}

/// Notes how something works, by a line of the log. What followed, in words.
pub(crate) async fn note(
    turn: &mut Turn,
    key: &str,
    state: EquipmentState,
    level: Option<i64>,
    words: &str,
    at: Timestamp,
) -> Result<Vec<Sentence>, Error> {
    let directory = turn.directory.clone();
    let known = directory.record("equipment", key).filter(|record| record.retired.is_none());
    let record = known.ok_or_else(|| Error::missing("equipment", key.to_uppercase()))?;
    let (id, author): (RecordId, String) = (turn.tx.id(), turn.actor.to_string());
    let row = params![id, &record.key, state.as_str(), level, words, author, at];
    turn.tx.execute(&sql::INSERT_READING, row).await?;
    turn.record("equipment.read", &record.key, Json::Null, json!({ "state": state, "level_percent": level }));
    let mut outcome = Vec::new();
    let low = level.is_some_and(|level| level <= LOW_PERCENT);
    let name = record.text("name");
    if state == EquipmentState::Ok && !low {
        outcome.extend(repaired(turn, &record.key, say!("works again")).await?);
        return Ok(outcome);
    }
    let (key, how) =
        (&record.key, if state == EquipmentState::Ok { say!("is low") } else { Sentence::word(state.as_str()) });
    let title = match level {
        Some(level) => say!("{name} ({key}) {how}, {level} %", name, key, how, level),
        None => say!("{name} ({key}) {how}", name, key, how),
    };
    let title = if words.is_empty() { title } else { say!("{title}: {words}", title, words = words_of(words)) };
    outcome.extend(anomaly(turn, record, &title).await?);
    if state == EquipmentState::Failed || low {
        let title = if low { say!("{title}; print board, promises and contacts now", title) } else { title };
        outcome.extend(raise(turn, &record.key, title).await?);
    }
    Ok(outcome)
}

/// Opens an anomaly, unless one is open, and tells whoever repairs it.
async fn anomaly(turn: &mut Turn, record: &Record, title: &Sentence) -> Result<Option<Sentence>, Error> {
    let repairer = record.text_opt("repairer").and_then(|key| turn.directory.callee_of(&key));
    open_anomaly(turn, &record.key, title, repairer).await
}

/// The same about something that is not in the register of equipment: a tracker, the base.
pub(crate) async fn fault(turn: &mut Turn, what: &str, title: &Sentence) -> Result<Option<Sentence>, Error> {
    let directory = turn.directory.clone();
    let found = directory
        .records("equipment")
        .find(|record| record.key.eq_ignore_ascii_case(what) || record.text("name").eq_ignore_ascii_case(what));
    match found {
        Some(record) => anomaly(turn, record, title).await,
        None => open_anomaly(turn, &what.to_uppercase(), title, None).await,
    }
}

async fn open_anomaly(
    turn: &mut Turn,
    key: &str,
    title: &Sentence,
    repairer: Option<crate::register::Callee>,
) -> Result<Option<Sentence>, Error> {
    if turn.tx.fetch_optional(&sql::OPEN_ANOMALY, params![key]).await?.is_some() {
        return Ok(None);
    }
    let (id, number): (RecordId, i64) = (turn.tx.id(), next_number(&mut turn.tx, "anomaly").await?);
    let label = format!("AN-{number:04}");
    let told = repairer.as_ref().map(|callee| callee.name.clone());
    let now = turn.now();
    turn.tx
        .execute(&sql::INSERT_ANOMALY, params![id, number, key, title.english(), told.clone(), now, &json!(title)])
        .await?;
    turn.record("anomaly.open", id, Json::Null, json!({ "label": label, "equipment": key }));
    let means = repairer.as_ref().and_then(|callee| match callee.means.as_str() {
        "sms" => Some(Travel::Sms),
        "email" => Some(Travel::Email),
        _ => None,
    });
    if let (Some(callee), Some(means)) = (&repairer, means) {
        let language = match turn.directory.language_of_contact(&callee.contact) {
            Some(language) => language,
            None => turn.office_language().await?,
        };
        let text = say!("{label}: {title}.\nPlease repair it and tell the radio room.", label, title);
        let dispatch = Dispatch {
            key: format!("{id}/repair"),
            about: id.to_string(),
            recipient: callee.name.clone(),
            addresses: vec![Address::new(means, callee.address.clone())],
            subject: None,
            text: text.in_message(language),
            precedence: Precedence::Routine,
            exercise: false,
            secret: false,
            patience_s: None,
            expires: None,
        };
        message::send(turn, vec![dispatch]).await?;
    }
    let to = match (&told, means) {
        (Some(name), Some(_)) => say!("{name} is told", name),
        (Some(name), None) => say!("tell {name}", name),
        (None, _) => say!("nobody is named who repairs it"),
    };
    Ok(Some(say!("{label} opened: {title}; {to}", label, title, to)))
}

/// A UPS that the register does not name, or not alone.
async fn unregistered(
    turn: &mut Turn,
    power: Power,
    level: Option<i64>,
    printed: &str,
) -> Result<Vec<Sentence>, Error> {
    let mut title = match power {
        Power::Low => say!("the power of the server is low"),
        Power::Mains | Power::Battery => say!("the server runs on its battery"),
    };
    if let Some(level) = level {
        title = say!("{title}, {level} %", title, level);
    }
    if !printed.is_empty() {
        title = say!("{title}: {words}", title, words = words_of(printed));
    }
    if power == Power::Low {
        title = say!("{title}; print board, promises and contacts now", title);
    }
    let mut outcome: Vec<Sentence> = open_anomaly(turn, &UPS.to_uppercase(), &title, None).await?.into_iter().collect();
    if power == Power::Low {
        outcome.extend(raise(turn, &UPS.to_uppercase(), title).await?);
    }
    Ok(outcome)
}

/// What is said besides: what became of the print is the room's own words.
fn words_of(said: &str) -> Sentence {
    match said {
        "the board was printed" => say!("the board was printed"),
        "the board could not be printed" => say!("the board could not be printed"),
        typed => typed.into(),
    }
}

/// Something fails that the room cannot do without.
async fn raise(turn: &mut Turn, key: &str, title: Sentence) -> Result<Option<Sentence>, Error> {
    let (kind, subject) = (AlarmKind::Equipment, format!("equipment:{key}"));
    let cause = Cause { kind, subject, title, missed: turn.now(), while_down: false, tell: Vec::new() };
    let raised = alarm::raise(turn, cause, None).await?;
    Ok(raised.map(|alarm| say!("{label} raised: {title}", label = alarm.label(), title = alarm.title)))
}

/// Something works again: its anomaly is over.
pub(crate) async fn repaired(turn: &mut Turn, key: &str, outcome: Sentence) -> Result<Option<Sentence>, Error> {
    let key = key.to_uppercase();
    let Some(row) = turn.tx.fetch_optional(&sql::OPEN_ANOMALY, params![&key]).await? else { return Ok(None) };
    let found = read_anomaly(&row)?;
    let now = turn.now();
    turn.tx.execute_one(&sql::CLOSE_ANOMALY, params![found.id, now, outcome.english()]).await?;
    turn.record("anomaly.close", found.id, Json::Null, json!({ "outcome": outcome.english() }));
    alarm::close_about(turn, &format!("equipment:{key}"), outcome.clone()).await?;
    Ok(Some(say!("{label} closed: {outcome}", label = found.label(), outcome)))
}

/// The net was used against its rules, by an entry of the log.
pub(crate) async fn misuse(turn: &mut Turn, entry: &LogEntry, sign: &str, what: &str) -> Result<(), Error> {
    let sign = sign.to_uppercase();
    let directory = turn.directory.clone();
    let holder = directory.holder(&sign, entry.happened);
    let network = directory.network_of(&sign, entry.happened);
    let (kind, key, name) =
        entry.holder.clone().map_or((None, None, None), |(kind, key, name)| (Some(kind), Some(key), Some(name)));
    let organisation = holder.and_then(|holder| holder.organisation);
    let row = params![entry.number, sign, kind, key, name, organisation, network, what, entry.happened];
    turn.tx.execute(&sql::INSERT_MISUSE, row).await.map(drop).map_err(Into::into)
}

/// How the power is, as a UPS says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    Mains,
    /// The mains are gone.
    Battery,
    /// Little is left.
    Low,
}

/// The key under which a UPS goes that is not in the register, or of which there are several.
const UPS: &str = "ups";

impl Field {
    /// Notes what a UPS says that the server asks itself, as the desk would: anomaly, alarm and entry. `printed` says what became
    /// of the board that is printed when little is left.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; nothing is written then.
    pub async fn note_power(
        &self,
        power: Power,
        level_percent: Option<i64>,
        printed: &str,
        actor: &Actor,
    ) -> Result<(), Error> {
        let mut turn = self.turn(actor, "the UPS says so").await?;
        let state = if power == Power::Mains { EquipmentState::Ok } else { EquipmentState::Degraded };
        // A battery that says itself that it is low is low at any level.
        let level = match power {
            Power::Mains => None,
            Power::Battery => level_percent,
            Power::Low => Some(level_percent.unwrap_or(0).min(LOW_PERCENT)),
        };
        let registered: Vec<String> = {
            let all = turn.directory.records("equipment").filter(|record| record.text("kind") == UPS);
            all.filter(|record| record.retired.is_none()).map(|record| record.key.clone()).collect()
        };
        let now = turn.now();
        let outcome = match (registered.as_slice(), power) {
            ([key], _) => note(&mut turn, key, state, level, printed, now).await?,
            (_, Power::Mains) => repaired(&mut turn, UPS, say!("the mains are back")).await?.into_iter().collect(),
            (_, _) => unregistered(&mut turn, power, level, printed).await?,
        };
        if outcome.is_empty() {
            return turn.finish().await.map(drop);
        }
        let says = match power {
            Power::Mains => say!("the UPS says: the mains are there"),
            Power::Battery => say!("the UPS says: the mains are gone, it runs on its battery"),
            Power::Low => say!("the UPS says: its battery is low"),
        };
        let says = match level_percent {
            Some(level) => say!("{says} ({level} %)", says, level),
            None => says,
        };
        let entry = NewEntry { outcome, ..NewEntry::words("equipment", says) };
        turn.log(entry).await?;
        turn.finish().await.map(drop)
    }

    /// Everything that the room works with, what does not work first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn equipment(&self) -> Result<Vec<EquipmentView>, Error> {
        let (directory, now) = (self.directory().await?, self.now());
        let rows = self.store.fetch_all(&sql::LATEST_READINGS, params![]).await?;
        let mut all = Vec::new();
        for record in directory.records("equipment") {
            let row = rows.iter().find(|row| row.text("equipment").is_ok_and(|key| key == record.key));
            all.push(view(record, row, now)?);
        }
        let rank = |state: Option<EquipmentState>| match state {
            Some(EquipmentState::Failed) => 0,
            Some(EquipmentState::Degraded) => 1,
            None => 2,
            Some(EquipmentState::Ok) => 3,
        };
        all.sort_by_key(|one| (!one.power_low, rank(one.state)));
        Ok(all)
    }

    /// What is wrong, open ones first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn anomalies(&self) -> Result<Vec<Anomaly>, Error> {
        self.store.fetch_all(&sql::ANOMALIES, params![MOST]).await?.iter().map(read_anomaly).collect()
    }

    /// Uses of the net against its rules, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn misuses(&self) -> Result<Vec<Misuse>, Error> {
        let text = |row: &Row, column| -> Result<Option<String>, store::Error> {
            Ok(row.text_opt(column)?.map(str::to_owned))
        };
        let misuse = |row: &Row| {
            Ok(Misuse {
                entry: row.int("entry_number")?,
                sign: row.text("sign")?.to_owned(),
                holder_name: text(row, "holder_name")?,
                organisation: text(row, "organisation")?,
                network: text(row, "network")?,
                what: row.text("what")?.to_owned(),
                at: row.time("at_us")?,
            })
        };
        self.store.fetch_all(&sql::MISUSES, params![MOST]).await?.iter().map(misuse).collect()
    }

    /// How each sign was heard in the radio checks of the last days, the worst first. Rounds whose base failed blame nobody.
    ///
    /// # Errors
    /// [`Error::Refused`] for more days than a year.
    pub async fn radio_trends(&self, days: i64) -> Result<Vec<SignTrend>, Error> {
        if !(1..=366).contains(&days) {
            return Err(Refusal::bad("days", say!("1 to {most}", most = 366_i64)).into());
        }
        let since = self.now().plus_micros(-days * DAY_US);
        let trend = |row: &Row| {
            Ok(SignTrend {
                sign: row.text("sign")?.to_owned(),
                network: row.text_opt("network")?.map(str::to_owned),
                holder_name: row.text("holder_name")?.to_owned(),
                organisation: row.text_opt("organisation")?.map(str::to_owned),
                called: row.int("called")?,
                not_heard: row.int("not_heard")?,
                by_phone: row.int("by_phone")?,
                last_heard: row.time_opt("last_heard_us")?,
            })
        };
        let rows = self.store.fetch_all(&sql::RADIO_TRENDS, params![since, MOST]).await?;
        let mut trends = rows.iter().map(trend).collect::<Result<Vec<_>, Error>>()?;
        trends.sort_by_key(|one| std::cmp::Reverse(one.not_heard * 1_000 / one.called.max(1)));
        Ok(trends)
    }
}

/// What is wrong now.
pub(crate) async fn open_in(read: &mut impl Read) -> Result<Vec<Anomaly>, Error> {
    let rows = read.rows(&sql::ANOMALIES, params![MOST]).await?;
    let all = rows.iter().map(read_anomaly).collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().filter(|one| one.closed.is_none()).collect())
}

fn view(record: &Record, row: Option<&Row>, now: Timestamp) -> Result<EquipmentView, Error> {
    let read = row.map(|row| row.time("at_us")).transpose()?;
    let level_percent = row.map(|row| row.int_opt("level_percent")).transpose()?.flatten();
    let mut doubts = Vec::new();
    let days = read.map(|read| (now.micros() - read.micros()) / DAY_US);
    match (record.whole("test_days"), days) {
        (Some(every), Some(days)) if days > every => doubts.push(say!("not tested for {days} days", days)),
        (Some(_), None) => doubts.push(say!("never tested")),
        _ => {}
    }
    if record.text_opt("repairer").is_none() {
        doubts.push(say!("nobody is named who repairs it"));
    }
    Ok(EquipmentView {
        equipment: record.key.clone(),
        name: record.text("name").to_owned(),
        kind: record.text("kind").to_owned(),
        network: record.text_opt("network"),
        state: row.map(|row| row.parse("state")).transpose()?,
        words: row.map(|row| row.text("words").map(str::to_owned)).transpose()?.unwrap_or_default(),
        power_low: level_percent.is_some_and(|level| level <= LOW_PERCENT),
        level_percent,
        read,
        doubts,
    })
}

fn read_anomaly(row: &Row) -> Result<Anomaly, Error> {
    Ok(Anomaly {
        id: row.id("id")?,
        number: row.int("number")?,
        equipment: row.text("equipment")?.to_owned(),
        title: Sentence::kept(row.text("title")?, row.json_opt("said")?),
        told: row.text_opt("told")?.map(str::to_owned),
        opened: row.time("opened_us")?,
        closed: row.time_opt("closed_us")?,
        outcome: row.text_opt("outcome")?.map(Sentence::word),
    })
}
