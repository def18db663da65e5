//! Call signs: assigned for a time. What was logged under a sign stays with who held it then.

use kernel::id::RecordId;
use kernel::{Actor, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Entry, Read, Row, Tx, params};

use super::commands::not_in_register;
use super::{nouns, records, value};
use crate::error::{Error, Refusal};
use crate::line;
use crate::mission::{self, MissionState};
use crate::room::Field;
use crate::speech::say;
use crate::sql;

/// Who may hold a call sign.
pub(crate) const HOLDERS: &[&str] = &["person", "vehicle", "premises"];
/// The lock under which signs are assigned.
const SIGNS: &str = "field.call-signs";

/// A call sign and who held it from when until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub id: RecordId,
    /// In capitals.
    pub sign: String,
    /// `person`, `vehicle` or `premises`.
    pub holder_kind: String,
    pub holder: String,
    /// The net on which it calls: `VHF-1`.
    pub network: Option<String>,
    pub from: Timestamp,
    /// The end is not included; `None`: until further notice.
    pub until: Option<Timestamp>,
}

/// Gives a call sign to somebody, or takes it back.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignSign {
    pub sign: String,
    /// The holder whom the caller saw; another one is a conflict.
    pub seen: Option<String>,
    /// Kind and key of the new holder; `None`: the sign is free from then on.
    pub holder: Option<(String, String)>,
    pub network: Option<String>,
    /// From when on, if not from now: for what was given out before the register was filled, or while the power was down.
    pub since: Option<Timestamp>,
    pub actor: Actor,
    pub reason: String,
}

impl Field {
    /// Assigns a call sign from now on, or from `since`; whoever held it holds it until then.
    ///
    /// # Errors
    /// [`Error::Refused`] when the holder is not in the register, when somebody held the sign at `since` only after it, and
    /// when a convoy that is out is led by it; [`Error::Conflict`] when somebody else assigned it.
    pub async fn assign_sign(&self, order: &AssignSign) -> Result<Option<Assignment>, Error> {
        let sign = value::key(&order.sign).map_err(|problem| Refusal::bad("sign", problem))?;
        if order.holder.is_some() && line::is_word_of_the_line(&sign) {
            let problem = say!("`{sign}` is a word of the duty log: a line could never mean it", sign);
            return Err(Refusal::bad("sign", problem).into());
        }
        let mut tx = self.store.begin().await?;
        tx.lock(SIGNS).await?;
        let current = current(&mut tx, &sign).await?;
        let held_by = current.as_ref().map(|held| held.holder.clone());
        if held_by != order.seen {
            let version = i64::from(held_by.is_some());
            return Err(Error::conflict(json!(order.holder), json!(held_by), version));
        }
        if current.is_none() && order.holder.is_none() {
            return Err(Refusal::rule(say!("nobody holds {sign}", sign)).into());
        }
        let new = match &order.holder {
            Some(holder) => Some(assignment(&mut tx, &sign, holder, order.network.clone()).await?),
            None => None,
        };
        let from = begins(&mut tx, &sign, order.since).await?;
        let new = new.map(|new| Assignment { from, ..new });
        let moves = |held: &Assignment| {
            new.as_ref().is_none_or(|new| (&new.holder_kind, &new.holder) != (&held.holder_kind, &held.holder))
        };
        if current.as_ref().is_some_and(moves) {
            leads_nobody(&mut tx, &sign).await?;
        }
        if let Some(held) = &current {
            tx.execute_one(&sql::END_SIGN, params![held.id, from]).await?;
        }
        if let Some(new) = &new {
            let row = params![new.id, &new.sign, &new.holder_kind, &new.holder, new.network.clone(), new.from];
            tx.execute(&sql::INSERT_SIGN, row).await?;
        }
        crate::register::records::touch(&mut tx).await?;
        let entity = new.as_ref().or(current.as_ref()).map_or_else(|| tx.id(), |held| held.id);
        let entry = Entry::new(&order.actor, "call-sign.assign", entity).reason(&order.reason);
        tx.commit(entry.before(json!(current)).after(json!(new))).await?;
        Ok(new)
    }

    /// All assignments of all signs, by sign and time.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn call_signs(&self) -> Result<Vec<Assignment>, Error> {
        self.store.fetch_all(&sql::SIGNS, params![records::MOST_RECORDS]).await?.iter().map(assignment_of).collect()
    }
}

async fn assignment(
    tx: &mut Tx,
    sign: &str,
    (kind, key): &(String, String),
    network: Option<String>,
) -> Result<Assignment, Error> {
    let kind = kind.trim().to_lowercase();
    let known = HOLDERS.contains(&kind.as_str()).then(|| nouns::noun_named(&kind)).flatten();
    let held_by = || say!("a call sign is held by one of {kinds}", kinds = HOLDERS.to_vec());
    let noun = known.ok_or_else(|| Refusal::bad("holder_kind", held_by()))?;
    let key = value::key(key).map_err(|problem| Refusal::bad("holder", problem))?;
    let holder = records::find(tx, noun, &key).await?.filter(|record| record.retired.is_none());
    if holder.is_none() {
        return Err(Refusal::bad("holder", not_in_register(&kind, &key)).into());
    }
    let network = network.map(|network| network.trim().to_uppercase()).filter(|network| !network.is_empty());
    let sign = sign.to_owned();
    Ok(Assignment { id: tx.id(), sign, holder_kind: kind, holder: key, network, from: tx.now(), until: None })
}

/// From when the sign is given: not from a time at which it was somebody else's.
async fn begins(tx: &mut Tx, sign: &str, since: Option<Timestamp>) -> Result<Timestamp, Error> {
    let now = tx.now();
    let Some(since) = since.filter(|since| *since != now) else { return Ok(now) };
    if since > now {
        return Err(Refusal::bad("since", say!("it lies in the future")).into());
    }
    let of_sign = all_in(tx).await?.into_iter().filter(|held| held.sign == sign);
    let last = of_sign.map(|held| held.until.unwrap_or(held.from)).max();
    match last.filter(|last| since <= *last) {
        Some(last) => {
            let problem =
                say!("{sign} was somebody's until {when}: name a time after that", sign, when = last.to_string());
            Err(Refusal::bad("since", problem).into())
        }
        None => Ok(since),
    }
}

/// A convoy that is out and reports by this sign would be led by whoever has it then.
async fn leads_nobody(tx: &mut Tx, sign: &str) -> Result<(), Error> {
    for out in mission::open_in(tx).await? {
        let is_out = out.state.is_on_the_road() || (out.state == MissionState::Arrived && out.overnight);
        if is_out && out.is_ours() && [&out.leader, &out.deputy].into_iter().flatten().any(|one| one == sign) {
            let label = out.label();
            return Err(Refusal::rule(say!(
                "{sign} reports for {label}, which is out: name another leader or deputy of it first",
                sign,
                label
            ))
            .into());
        }
    }
    Ok(())
}

async fn current(tx: &mut Tx, sign: &str) -> Result<Option<Assignment>, Error> {
    let row = tx.fetch_optional(&sql::CURRENT_SIGN, params![sign]).await?;
    row.map(|row| assignment_of(&row)).transpose()
}

pub(crate) async fn all_in(read: &mut impl Read) -> Result<Vec<Assignment>, Error> {
    read.rows(&sql::SIGNS, params![records::MOST_RECORDS]).await?.iter().map(assignment_of).collect()
}

fn assignment_of(row: &Row) -> Result<Assignment, Error> {
    Ok(Assignment {
        id: row.id("id")?,
        sign: row.text("sign")?.to_owned(),
        holder_kind: row.text("holder_kind")?.to_owned(),
        holder: row.text("holder")?.to_owned(),
        network: row.text_opt("network")?.map(str::to_owned),
        from: row.time("from_us")?,
        until: row.time_opt("until_us")?,
    })
}
