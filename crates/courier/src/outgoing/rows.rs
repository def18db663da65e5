//! Dispatches as rows.

use kernel::id::MessageId;
use kernel::message::{Dispatch, MessageDelivery, Precedence};
use kernel::{Actor, Fact};
use serde_json::json;
use store::{Entry, Param, Row, Tx, params};

use super::decide::After;
use super::record::{Outgoing, lane};
use crate::error::Error;
use crate::sql;

/// Reads a row.
pub(crate) fn outgoing(row: &Row) -> Result<Outgoing, store::Error> {
    let number = |name: &str| row.count(name).map(|value| u32::try_from(value).unwrap_or(u32::MAX));
    Ok(Outgoing {
        id: row.id("id")?,
        key: row.text("dispatch_key")?.to_owned(),
        desk: row.text("desk")?.to_owned(),
        about: row.text("about")?.to_owned(),
        recipient: row.text("recipient")?.to_owned(),
        addresses: row.json("addresses")?,
        place: usize::try_from(row.count("place")?).unwrap_or(usize::MAX),
        subject: row.text_opt("subject")?.map(str::to_owned),
        text: row.text("body")?.to_owned(),
        precedence: precedence(row.int("lane")?),
        exercise: row.flag("exercise")?,
        secret: row.flag("secret")?,
        patience_s: number("patience_s")?,
        requested: row.time("requested_us")?,
        expires: row.time("expires_us")?,
        state: row.parse("state")?,
        open: row.flag("is_open")?,
        tries: number("tries")?,
        since: row.time("since_us")?,
        due: row.time("due_us")?,
        problem: row.text_opt("problem")?.map(str::to_owned),
        updated: row.time("updated_us")?,
        version: row.int("version")?,
    })
}

fn precedence(number: i64) -> Precedence {
    Precedence::ALL.into_iter().find(|known| lane(*known) == number).unwrap_or(Precedence::Bulk)
}

/// Adds a dispatch. False: its key is known, and nothing was written.
pub(crate) async fn insert(tx: &mut Tx, record: &Outgoing) -> Result<bool, Error> {
    let at = record.addresses.get(record.place);
    let row: Vec<Param> = params![
        record.id,
        &record.key,
        &record.desk,
        &record.about,
        &record.recipient,
        &json!(record.addresses),
        record.place,
        at.map_or("none", |at| at.means.as_str()),
        at.map_or("", |at| at.address.as_str()),
        record.subject.clone(),
        &record.text,
        lane(record.precedence),
        record.exercise,
        record.secret,
        record.patience_s,
        record.requested,
        record.expires,
        record.state.as_str(),
        record.open,
        record.tries,
        record.since,
        record.due,
        record.problem.clone(),
        record.updated,
        record.version,
    ];
    Ok(tx.execute(&sql::INSERT_DISPATCH, row).await? > 0)
}

/// Writes a decision and tells the desk. Returns the ledger entry, or `None` when nothing changed.
pub(crate) async fn save(tx: &mut Tx, before: &Outgoing, after: After) -> Result<Option<Entry>, Error> {
    let After { record, news } = after;
    if record == *before {
        return Ok(None);
    }
    let at = record.address().clone();
    let row: Vec<Param> = params![
        record.id,
        before.version,
        record.place,
        at.means.as_str(),
        &at.address,
        record.state.as_str(),
        record.open,
        record.tries,
        record.since,
        record.due,
        record.problem.clone(),
        record.updated,
        record.version,
        // Nothing is to be done about it any more, so nobody needs to know what it said.
        record.secret && !record.open,
    ];
    tx.execute_one(&sql::SAVE_DISPATCH, row).await?;
    for one in news {
        tx.emit(Fact::MessageDelivery(MessageDelivery {
            key: record.key.clone(),
            about: record.about.clone(),
            state: one.state,
            address: one.address,
            problem: one.problem,
            at: record.updated,
        }));
    }
    let entry = Entry::new(&courier(), &format!("message.{}", record.state.as_str()), record.id);
    Ok(Some(entry.after(json!({ "key": record.key, "means": at.means, "problem": record.problem }))))
}

pub(crate) async fn find(tx: &mut Tx, id: MessageId) -> Result<Option<Outgoing>, Error> {
    let row = tx.fetch_optional(&sql::DISPATCH, params![id]).await?;
    Ok(row.map(|row| outgoing(&row)).transpose()?)
}

pub(crate) async fn find_by_key(tx: &mut Tx, key: &str) -> Result<Option<Outgoing>, Error> {
    let row = tx.fetch_optional(&sql::DISPATCH_BY_KEY, params![key]).await?;
    Ok(row.map(|row| outgoing(&row)).transpose()?)
}

/// This room acting on its own.
pub(crate) fn courier() -> Actor {
    Actor::system("courier")
}

/// What is wrong with a dispatch as a desk asks for it, if anything.
pub(crate) fn fault(dispatch: &Dispatch) -> Option<String> {
    let length = dispatch.key.chars().count();
    if length == 0 || length > 200 {
        return Some(format!("its key has {length} characters; 1 to 200 are possible"));
    }
    if dispatch.addresses.is_empty() {
        return Some("no address is known by which messages travel".to_owned());
    }
    if dispatch.text.trim().is_empty() {
        return Some("it says nothing".to_owned());
    }
    None
}
