//! When accounts were last used, from the sign-ins of the lake: shown in reviews and in proposals of stale groups.

use std::collections::HashMap;

use kernel::port::{EventLake, QueryRequest};
use kernel::{Actor, Timestamp, Value};
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::{Deadline, Due, Statement, params};

use crate::account;
use crate::error::{Error, Refusal};
use crate::room::{Identity, Turn};

/// When the lake is asked.
pub(crate) const LAST_USE: &str = "identity.last-use";
const HOUR_US: i64 = 3_600_000_000;
/// The first question looks back so far; the later ones over what may have arrived late.
const FIRST_DAYS: u32 = 180;
const LATER_DAYS: u32 = 3;

const NOTE_USE: Statement = Statement::new(
    "identity.note_use",
    "UPDATE identity_account SET last_use_us = $2 WHERE id = $1 AND (last_use_us IS NULL OR last_use_us < $2)",
);

/// All of them, for the test that prepares each on both engines.
pub const LAST_USE_STATEMENTS: &[Statement] = &[NOTE_USE];

/// What a question to the lake gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastUse {
    pub days: u32,
    /// Names that signed in.
    pub names: u64,
    /// Accounts whose last use moved.
    pub accounts: u64,
    /// Names that are no account's.
    pub unknown: u64,
}

/// The question: the last successful sign-in of each name, at the cloud and on Windows machines.
pub fn question(days: u32) -> String {
    format!(
        r#"// The last use of accounts
union
    (SigninLogs | where TimeGenerated > ago({days}d) and ResultType == "0"
        | summarize Last = max(TimeGenerated) by Name = tolower(UserPrincipalName)),
    (AADNonInteractiveUserSignInLogs | where TimeGenerated > ago({days}d) and ResultType == "0"
        | summarize Last = max(TimeGenerated) by Name = tolower(UserPrincipalName)),
    (SecurityEvent | where TimeGenerated > ago({days}d) and EventID == 4624
        | summarize Last = max(TimeGenerated) by Name = tolower(TargetUserName))
| where isnotempty(Name)
| summarize Last = max(Last) by Name
"#
    )
}

/// Sets the next question.
pub(crate) async fn begin(turn: &mut Turn, after_us: i64) -> Result<(), Error> {
    let deadline = Deadline {
        kind: LAST_USE.to_owned(),
        subject: "accounts".to_owned(),
        owes: "system:identity".to_owned(),
        due: Due::After(after_us),
        otherwise: "the lake is asked when accounts were last used".to_owned(),
    };
    turn.tx.deadline(deadline).await?;
    Ok(())
}

impl Identity {
    /// Asks the lake and keeps what it says. A name with an `@` is that account's alone; one without is every account's whose
    /// name, or what stands before its `@`, it is.
    ///
    /// # Errors
    /// [`Error::Refused`] when the lake does not answer; it is asked again at the next time.
    pub async fn note_last_use(&self, lake: &dyn EventLake) -> Result<LastUse, Error> {
        let accounts = account::all(&mut self.store.clone()).await?;
        let days = if accounts.iter().any(|one| one.last_use.is_some()) { LATER_DAYS } else { FIRST_DAYS };
        let answer = lake.query(QueryRequest::new(question(days), self.now())).await;
        let mut turn = self.turn(&Actor::system("identity"), "the lake was asked").await?;
        begin(&mut turn, HOUR_US).await?;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                turn.record("accounts.use-unknown", "accounts", Json::Null, json!({ "problem": error.to_string() }));
                turn.finish().await?;
                return Err(Refusal::rule(format!("the lake did not answer: {error}")).into());
            }
        };
        let column = |name: &str| answer.columns.iter().position(|column| column.name == name);
        let mut used: HashMap<String, Timestamp> = HashMap::new();
        for row in &answer.rows {
            let at = |name: &str| column(name).and_then(|at| row.get(at));
            if let (Some(Value::String(name)), Some(Value::DateTime(ticks))) = (at("Name"), at("Last")) {
                used.insert(name.to_lowercase(), Timestamp::from_ticks(*ticks));
            }
        }
        let mut by_local: HashMap<&str, Vec<&str>> = HashMap::new();
        for name in used.keys() {
            by_local.entry(name.split('@').next().unwrap_or_default()).or_default().push(name);
        }
        let mut moved = 0;
        let mut unknown: std::collections::HashSet<&str> = used.keys().map(String::as_str).collect();
        for one in &accounts {
            let login = one.login.to_lowercase();
            let local = login.split('@').next().unwrap_or_default();
            let alike = by_local.get(local).map(Vec::as_slice).unwrap_or_default();
            // A name of the cloud is an account of the cloud's, or of a system whose names have no `@`.
            let fits = |name: &&&str| **name == login || !login.contains('@') || !name.contains('@');
            let mut last = None;
            for name in alike.iter().filter(fits) {
                unknown.remove(name);
                last = last.max(used.get(*name).copied());
            }
            if let Some(last) = last {
                moved += turn.tx.execute(&NOTE_USE, params![one.id, last]).await?;
            }
        }
        let found = LastUse { days, names: used.len() as u64, accounts: moved, unknown: unknown.len() as u64 };
        turn.record("accounts.use", "accounts", Json::Null, json!(found));
        turn.finish().await?;
        Ok(found)
    }
}
