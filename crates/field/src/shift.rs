//! Shifts and the hand-over: the sheet is made from what is open, the relief reads back what is overdue, both sign.

use kernel::id::ShiftId;
use kernel::{Actor, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{Read, Row, params};

use crate::error::{Error, Refusal, said};
use crate::log::NewEntry;
use crate::mission::ContactState;
use crate::register::Directory;
use crate::room::{Field, Turn, next_number};
use crate::speech::{Sentence, say};
use crate::{alarm, equipment, headcount, line, message, mission, report, round, sql};

const LONGEST_REASON: usize = 500;

/// Somebody's turn at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    pub id: ShiftId,
    /// Counts up from 1.
    pub number: i64,
    /// The text of an actor.
    pub officer: String,
    pub began: Timestamp,
    /// When the officer signed the sheet; the relief has not yet.
    pub signed: Option<Timestamp>,
    /// The sheet as it was signed.
    pub sheet: Option<Vec<SheetItem>>,
    /// The relief is responsible from then on.
    pub ended: Option<Timestamp>,
    pub relief: Option<String>,
}

/// One open matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetItem {
    /// `M-0007`, `A-0003`, `RC-0001`, `HC-0002`.
    pub label: String,
    /// The id of what it is about; deadlines name it.
    pub subject: String,
    pub text: Sentence,
    pub due: Option<Timestamp>,
    /// It is overdue: the relief reads it back.
    pub read_back: bool,
}

/// What is done at the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum DeskCommand {
    /// Takes the desk while nobody has it.
    Take,
    /// Signs the sheet as it is now.
    Sign,
    /// The relief signs, having read back what is overdue.
    Relieve { read_back: Vec<String> },
    /// Takes the desk from an officer who cannot sign: ill, away, out of reach. What is overdue is read back all the same.
    Replace { reason: String, read_back: Vec<String> },
}

impl Field {
    /// The shift that has the desk.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn shift(&self) -> Result<Option<Shift>, Error> {
        let row = self.store.fetch_optional(&sql::CURRENT_SHIFT, params![]).await?;
        row.map(|row| read(&row)).transpose()
    }

    /// Everything that is open, the most urgent first: what a relief has to know.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn hand_over_sheet(&self) -> Result<Vec<SheetItem>, Error> {
        let directory = self.directory().await?;
        sheet(&mut self.store.clone(), &directory, self.now()).await
    }

    /// Takes the desk, signs it over, relieves or replaces.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is not theirs to do, or something overdue was not read back.
    pub async fn at_desk(&self, command: &DeskCommand, actor: &Actor) -> Result<Shift, Error> {
        let mut turn = self.turn(actor, "").await?;
        let row = turn.tx.fetch_optional(&sql::CURRENT_SHIFT, params![]).await?;
        let current = row.map(|row| read(&row)).transpose()?;
        let shift = match (command, current) {
            (DeskCommand::Take, Some(current)) => {
                return Err(Refusal::rule(say!(
                    "shift {number} has the desk: its officer signs it over",
                    number = current.number
                ))
                .into());
            }
            (DeskCommand::Take, None) => begin(&mut turn, say!("takes the desk")).await?,
            (_, None) => return Err(Refusal::rule(say!("nobody has the desk: take it")).into()),
            (DeskCommand::Sign, Some(current)) => sign(&mut turn, current).await?,
            (DeskCommand::Relieve { read_back }, Some(current)) => relieve(&mut turn, &current, read_back).await?,
            (DeskCommand::Replace { reason, read_back }, Some(current)) => {
                turn.reason = said("reason", reason, LONGEST_REASON)?;
                replace(&mut turn, &current, read_back).await?
            }
        };
        turn.finish().await?;
        Ok(shift)
    }
}

async fn begin(turn: &mut Turn, how: Sentence) -> Result<Shift, Error> {
    let shift = Shift {
        id: turn.tx.id(),
        number: next_number(&mut turn.tx, "shift").await?,
        officer: turn.actor.to_string(),
        began: turn.now(),
        signed: None,
        sheet: None,
        ended: None,
        relief: None,
    };
    turn.tx.execute(&sql::INSERT_SHIFT, params![shift.id, shift.number, &shift.officer, shift.began]).await?;
    turn.record("shift.begin", shift.id, Json::Null, json!({ "number": shift.number, "officer": shift.officer }));
    turn.log(NewEntry::words("shift", say!("shift {number}: {how}", number = shift.number, how))).await?;
    Ok(shift)
}

async fn sign(turn: &mut Turn, mut shift: Shift) -> Result<Shift, Error> {
    if shift.officer != turn.actor.to_string() {
        return Err(
            Refusal::rule(say!("only the officer of shift {number} signs it over", number = shift.number)).into()
        );
    }
    let sheet = sheet_in(turn).await?;
    let now = turn.now();
    turn.tx.execute_one(&sql::SIGN_SHIFT, params![shift.id, now, &json!(sheet)]).await?;
    turn.record("shift.sign", shift.id, Json::Null, json!({ "items": sheet.len() }));
    turn.log(NewEntry::words(
        "shift",
        say!("shift {number}: sheet of {count} signed", number = shift.number, count = sheet.len()),
    ))
    .await?;
    (shift.signed, shift.sheet) = (Some(now), Some(sheet));
    Ok(shift)
}

async fn relieve(turn: &mut Turn, shift: &Shift, read_back: &[String]) -> Result<Shift, Error> {
    let relief = turn.actor.to_string();
    if shift.officer == relief {
        return Err(Refusal::rule(say!("nobody relieves themselves: two people sign")).into());
    }
    let Some(signed) = &shift.sheet else {
        return Err(Refusal::rule(say!(
            "the officer of shift {number} has not signed the sheet",
            number = shift.number
        ))
        .into());
    };
    let open = sheet_in(turn).await?;
    if matters(&open) != matters(signed) {
        return Err(Refusal::rule(say!(
            "something was opened, closed or missed since the sheet was signed: sign it again"
        ))
        .into());
    }
    must_be_read_back(&open, read_back)?;
    let how = say!("relieves shift {number} and is responsible from now on", number = shift.number);
    succeed(turn, shift, "shift.end", read_back, how).await
}

/// The officer cannot sign, and somebody must have the desk: with a reason, by name.
async fn replace(turn: &mut Turn, shift: &Shift, read_back: &[String]) -> Result<Shift, Error> {
    if shift.officer == turn.actor.to_string() {
        return Err(Refusal::rule(say!("the desk is yours: sign it over")).into());
    }
    must_be_read_back(&sheet_in(turn).await?, read_back)?;
    let how = say!(
        "takes the desk over from shift {number}, whose officer cannot sign: {reason}",
        number = shift.number,
        reason = turn.reason
    );
    succeed(turn, shift, "shift.replace", read_back, how).await
}

async fn succeed(
    turn: &mut Turn,
    shift: &Shift,
    verb: &str,
    read_back: &[String],
    how: Sentence,
) -> Result<Shift, Error> {
    let (relief, now) = (turn.actor.to_string(), turn.now());
    turn.tx.execute_one(&sql::END_SHIFT, params![shift.id, now, &relief]).await?;
    turn.record(verb, shift.id, Json::Null, json!({ "relief": relief, "read_back": read_back }));
    begin(turn, how).await
}

fn must_be_read_back(open: &[SheetItem], read_back: &[String]) -> Result<(), Refusal> {
    let was_read = |label: &str| read_back.iter().any(|said| said.trim().eq_ignore_ascii_case(label));
    let unread: Vec<&str> =
        open.iter().filter(|item| item.read_back && !was_read(&item.label)).map(|item| item.label.as_str()).collect();
    if unread.is_empty() {
        return Ok(());
    }
    Err(Refusal::bad("read_back", say!("overdue and not read back: {labels}", labels = unread)))
}

/// What must not have changed between two signatures: what is open, and what of it is overdue.
fn matters(sheet: &[SheetItem]) -> Vec<(&str, bool)> {
    let mut matters: Vec<(&str, bool)> = sheet.iter().map(|item| (item.label.as_str(), item.read_back)).collect();
    matters.sort_unstable();
    matters
}

async fn sheet_in(turn: &mut Turn) -> Result<Vec<SheetItem>, Error> {
    let (directory, now) = (turn.directory.clone(), turn.now());
    sheet(&mut turn.tx, &directory, now).await
}

async fn sheet(read: &mut impl Read, directory: &Directory, now: Timestamp) -> Result<Vec<SheetItem>, Error> {
    let by = |due: Timestamp| line::both(due, now, directory.zone());
    let mut items = Vec::new();
    for alarm in alarm::open_in(read).await?.into_iter().filter(|alarm| !alarm.silent) {
        let text = of_alarm(&alarm);
        let (label, subject) = (alarm.label(), alarm.id.to_string());
        items.push(SheetItem { label, subject, text, due: Some(alarm.missed), read_back: true });
    }
    for one in mission::open_in(read).await? {
        let late = matches!(one.contact, ContactState::Overdue | ContactState::Lost);
        let text = of_mission(&one, &by);
        items.push(SheetItem {
            label: one.label(),
            subject: one.id.to_string(),
            text,
            due: one.due.or(one.planned_departure),
            read_back: late,
        });
    }
    if let Some(open) = round::open(read).await? {
        let text =
            say!("radio check ({kind}) since {since}", kind = Sentence::word(&open.kind), since = by(open.started));
        let (label, subject) = (open.label(), open.id.to_string());
        items.push(SheetItem { label, subject, text, due: None, read_back: false });
    }
    if let Some(open) = headcount::open(read).await? {
        let since = by(open.started);
        let text = match &open.scope_key {
            Some(whom) => say!("headcount of {whom} since {since}", whom, since),
            None => say!("headcount of all since {since}", since),
        };
        let (label, subject) = (open.label(), open.id.to_string());
        items.push(SheetItem { label, subject, text, due: None, read_back: false });
    }
    for one in report::open_in(read).await? {
        let what = if one.what.is_empty() { say!("incident") } else { one.what.as_str().into() };
        let text = match &one.place {
            Some(place) => say!("{what} at {place}, {count} situation reports", what, place, count = one.situations),
            None => say!("{what}, {count} situation reports", what, count = one.situations),
        };
        items.push(SheetItem {
            label: one.label(),
            subject: one.id.to_string(),
            text,
            due: Some(one.opened),
            read_back: false,
        });
    }
    for one in equipment::open_in(read).await? {
        let told = match &one.told {
            Some(name) => say!("{name} was told", name),
            None => say!("nobody was told"),
        };
        let (label, subject, text) =
            (one.label(), one.id.to_string(), say!("{title}; {told}", title = one.title, told));
        items.push(SheetItem { label, subject, text, due: Some(one.opened), read_back: false });
    }
    for one in message::unread_in(read).await? {
        let text = say!(
            "{means} from {name}, unread: {text}",
            means = Sentence::word(&one.means),
            name = one.name,
            text = one.text
        );
        let (label, subject) = (format!("MSG-{:04}", one.entry), one.id.to_string());
        items.push(SheetItem { label, subject, text, due: Some(one.received), read_back: false });
    }
    items.sort_by_key(|item| (!item.read_back, item.due.unwrap_or(Timestamp::MAX)));
    Ok(items)
}

fn of_alarm(alarm: &alarm::Alarm) -> Sentence {
    let title = &alarm.title;
    let owner = match &alarm.owner {
        Some(name) => say!("{name} sees to it", name),
        None => say!("nobody has answered"),
    };
    if alarm.all_failed {
        say!("{title}: {owner}; all means failed", title, owner)
    } else {
        say!("{title}: {owner}", title, owner)
    }
}

fn of_mission(one: &mission::Mission, by: &impl Fn(Timestamp) -> String) -> Sentence {
    let mut text =
        say!("{title}: {state}, contact {contact}", title = one.title, state = one.state, contact = one.contact);
    if let Some(due) = one.due {
        text = say!("{text}, next contact by {due}", text, due = by(due));
    }
    if let Some(place) = &one.last_place {
        text = say!("{text}, last at {place}", text, place);
    }
    if let Some(room) = &one.custody {
        text = say!("{text}, followed by {room}", text, room);
    }
    say!("{text}, {count} aboard", text, count = one.aboard().len())
}

fn read(row: &Row) -> Result<Shift, Error> {
    Ok(Shift {
        id: row.id("id")?,
        number: row.int("number")?,
        officer: row.text("officer")?.to_owned(),
        began: row.time("began_us")?,
        signed: row.time_opt("signed_us")?,
        sheet: row.json_opt("sheet")?,
        ended: row.time_opt("ended_us")?,
        relief: row.text_opt("relief")?.map(str::to_owned),
    })
}
