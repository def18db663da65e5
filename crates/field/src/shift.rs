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
    pub text: String,
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
                return Err(
                    Refusal::rule(format!("shift {} has the desk: its officer signs it over", current.number)).into()
                );
            }
            (DeskCommand::Take, None) => begin(&mut turn, "takes the desk").await?,
            (_, None) => return Err(Refusal::rule("nobody has the desk: take it").into()),
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

async fn begin(turn: &mut Turn, how: &str) -> Result<Shift, Error> {
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
    turn.log(NewEntry::words("shift", format!("shift {}: {how}", shift.number))).await?;
    Ok(shift)
}

async fn sign(turn: &mut Turn, mut shift: Shift) -> Result<Shift, Error> {
    if shift.officer != turn.actor.to_string() {
        return Err(Refusal::rule(format!("only the officer of shift {} signs it over", shift.number)).into());
    }
    let sheet = sheet_in(turn).await?;
    let now = turn.now();
    turn.tx.execute_one(&sql::SIGN_SHIFT, params![shift.id, now, &json!(sheet)]).await?;
    turn.record("shift.sign", shift.id, Json::Null, json!({ "items": sheet.len() }));
    turn.log(NewEntry::words("shift", format!("shift {}: sheet of {} signed", shift.number, sheet.len()))).await?;
    (shift.signed, shift.sheet) = (Some(now), Some(sheet));
    Ok(shift)
}

async fn relieve(turn: &mut Turn, shift: &Shift, read_back: &[String]) -> Result<Shift, Error> {
    let relief = turn.actor.to_string();
    if shift.officer == relief {
        return Err(Refusal::rule("nobody relieves themselves: two people sign").into());
    }
    let Some(signed) = &shift.sheet else {
        return Err(Refusal::rule(format!("the officer of shift {} has not signed the sheet", shift.number)).into());
    };
    let open = sheet_in(turn).await?;
    if matters(&open) != matters(signed) {
        return Err(
            Refusal::rule("something was opened, closed or missed since the sheet was signed: sign it again").into()
        );
    }
    must_be_read_back(&open, read_back)?;
    let how = format!("relieves shift {} and is responsible from now on", shift.number);
    succeed(turn, shift, "shift.end", read_back, &how).await
}

/// The officer cannot sign, and somebody must have the desk: with a reason, by name.
async fn replace(turn: &mut Turn, shift: &Shift, read_back: &[String]) -> Result<Shift, Error> {
    if shift.officer == turn.actor.to_string() {
        return Err(Refusal::rule("the desk is yours: sign it over").into());
    }
    must_be_read_back(&sheet_in(turn).await?, read_back)?;
    let how = format!("takes the desk over from shift {}, whose officer cannot sign: {}", shift.number, turn.reason);
    succeed(turn, shift, "shift.replace", read_back, &how).await
}

async fn succeed(turn: &mut Turn, shift: &Shift, verb: &str, read_back: &[String], how: &str) -> Result<Shift, Error> {
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
    Err(Refusal::bad("read_back", format!("overdue and not read back: {}", unread.join(", "))))
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
        let owner = alarm.owner.as_ref().map_or("nobody has answered".to_owned(), |name| format!("{name} sees to it"));
        let failed = if alarm.all_failed { "; all means failed" } else { "" };
        let text = format!("{}: {owner}{failed}", alarm.title);
        let (label, subject) = (alarm.label(), alarm.id.to_string());
        items.push(SheetItem { label, subject, text, due: Some(alarm.missed), read_back: true });
    }
    for one in mission::open_in(read).await? {
        let late = matches!(one.contact, ContactState::Overdue | ContactState::Lost);
        let due = one.due.map_or(String::new(), |due| format!(", next contact by {}", by(due)));
        let place = one.last_place.as_ref().map_or(String::new(), |place| format!(", last at {place}"));
        let held = one.custody.as_ref().map_or(String::new(), |room| format!(", followed by {room}"));
        let text = format!(
            "{}: {}, contact {}{due}{place}{held}, {} aboard",
            one.title,
            one.state,
            one.contact,
            one.aboard().len()
        );
        items.push(SheetItem {
            label: one.label(),
            subject: one.id.to_string(),
            text,
            due: one.due.or(one.planned_departure),
            read_back: late,
        });
    }
    if let Some(open) = round::open(read).await? {
        let text = format!("radio check ({}) since {}", open.kind, by(open.started));
        let (label, subject) = (open.label(), open.id.to_string());
        items.push(SheetItem { label, subject, text, due: None, read_back: false });
    }
    if let Some(open) = headcount::open(read).await? {
        let text = format!("headcount of {} since {}", open.scope_key.as_deref().unwrap_or("all"), by(open.started));
        let (label, subject) = (open.label(), open.id.to_string());
        items.push(SheetItem { label, subject, text, due: None, read_back: false });
    }
    for one in report::open_in(read).await? {
        let what = if one.what.is_empty() { "incident" } else { &one.what };
        let place = one.place.as_ref().map_or(String::new(), |place| format!(" at {place}"));
        let text = format!("{what}{place}, {} situation reports", one.situations);
        items.push(SheetItem {
            label: one.label(),
            subject: one.id.to_string(),
            text,
            due: Some(one.opened),
            read_back: false,
        });
    }
    for one in equipment::open_in(read).await? {
        let told = one.told.as_ref().map_or("nobody was told".to_owned(), |name| format!("{name} was told"));
        let (label, subject, text) = (one.label(), one.id.to_string(), format!("{}; {told}", one.title));
        items.push(SheetItem { label, subject, text, due: Some(one.opened), read_back: false });
    }
    for one in message::unread_in(read).await? {
        let text = format!("{} from {}, unread: {}", one.means, one.name, one.text);
        let (label, subject) = (format!("MSG-{:04}", one.entry), one.id.to_string());
        items.push(SheetItem { label, subject, text, due: Some(one.received), read_back: false });
    }
    items.sort_by_key(|item| (!item.read_back, item.due.unwrap_or(Timestamp::MAX)));
    Ok(items)
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
