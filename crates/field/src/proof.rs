//! The duty log against the ledger: whether anything of it was changed, taken out or put in on the disk.
//!
//! The ledger has a copy of each entry under a chain of hashes. What was erased for somebody's sake has no copy any more; its
//! entry must still be there.

use serde_json::Value as Json;
use store::{Row, params};

use crate::alarm::{self, AlarmKind, Cause};
use crate::error::Error;
use crate::room::Field;
use crate::speech::say;
use crate::sql;

/// Entries read at a time.
const PAGE: i64 = 1_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// Entries of the duty log that are as the ledger says.
    pub entries: u64,
    pub fault: Option<LogFault>,
}

/// The first entry that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFault {
    /// Of the ledger, when it knows of the entry.
    pub sequence: Option<i64>,
    pub problem: String,
}

impl Field {
    /// Compares every entry of the duty log with the ledger. That the ledger itself is whole, [`store::Store::verify_ledger`]
    /// says.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails. A wrong entry is no error but a [`LogFault`].
    pub async fn verify_log(&self) -> Result<LogProof, Error> {
        let (mut entries, mut after) = (0, 0);
        loop {
            let page = self.store.fetch_all(&sql::LOG_IN_LEDGER, params![after, PAGE]).await?;
            let Some(last) = page.last() else { break };
            after = last.int("seq")?;
            for row in &page {
                if let Some(problem) = difference(row)? {
                    let fault = LogFault { sequence: Some(row.int("seq")?), problem };
                    return Ok(LogProof { entries, fault: Some(fault) });
                }
                entries += 1;
            }
        }
        let stranger = self.store.fetch_optional(&sql::LOG_BESIDE_LEDGER, params![]).await?;
        let fault = match stranger {
            Some(row) => {
                let number = row.int("number")?;
                let problem = format!("entry {number} of the duty log was put in: the ledger does not know it");
                Some(LogFault { sequence: None, problem })
            }
            None => None,
        };
        Ok(LogProof { entries, fault })
    }

    /// Looks at the duty log and tells the desk when it was altered: at the start of the program.
    ///
    /// # Errors
    /// As [`Field::verify_log`].
    pub async fn watch_log(&self) -> Result<LogProof, Error> {
        let proof = self.verify_log().await?;
        if let Some(fault) = &proof.fault {
            tracing::error!(problem = fault.problem, "the duty log is not as the ledger says");
            let mut turn = self.urgent_turn(&kernel::Actor::system("field"), "the duty log was altered").await?;
            let (kind, missed) = (AlarmKind::Equipment, turn.now());
            let (subject, title) =
                ("duty-log".to_owned(), say!("the duty log was altered: {problem}", problem = fault.problem));
            let cause = Cause { kind, subject, title, missed, while_down: false, tell: Vec::new() };
            alarm::raise(&mut turn, cause, None).await?;
            turn.finish().await?;
        }
        Ok(proof)
    }
}

/// How an entry differs from what the ledger says of it.
fn difference(row: &Row) -> Result<Option<String>, Error> {
    let payload: Option<Json> = row.json_opt("payload")?;
    let told = payload.as_ref().map(|payload| &payload["after"]);
    let Some(number) = row.int_opt("number")? else {
        let which = told.map_or_else(|| "an entry".to_owned(), |told| format!("entry {}", told["number"]));
        return Ok(Some(format!("{which} of the duty log was taken out")));
    };
    let Some(told) = told else { return Ok(None) };
    let stands = serde_json::json!({
        "number": number,
        "kind": row.text("kind")?,
        "happened": row.time("happened_us")?.to_string(),
        "line": row.text("line")?,
        "meaning": row.text("meaning")?,
        "corrects": row.int_opt("corrects")?,
    });
    let fields = ["number", "kind", "happened", "line", "meaning", "corrects"];
    let changed: Vec<&str> = fields.into_iter().filter(|field| !is_same(&told[field], &stands[field])).collect();
    Ok((!changed.is_empty())
        .then(|| format!("entry {} of the duty log was changed: {}", told["number"], changed.join(", "))))
}

/// A NUL that was said is kept as a sign for it.
fn is_same(told: &Json, stands: &Json) -> bool {
    match (told, stands) {
        (Json::String(told), Json::String(stands)) => told == stands || told.replace('\0', "\u{fffd}") == *stands,
        _ => told == stands,
    }
}
