//! Access that somebody gave to a person, beside what rules compute from contracts.

use kernel::Timestamp;
use kernel::id::{AssignmentId, EntitlementId, PersonId};
use serde_json::{Value as Json, json};
use store::{Read, Row, params};

use crate::error::{Error, Refusal, said};
use crate::room::Turn;
use crate::sql;

const MOST: u32 = 2_000_000;
const LONGEST_REASON: usize = 2_000;

/// What is given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The key of a role.
    Role(String),
    Entitlement(EntitlementId),
}

impl Target {
    /// The word of its kind in storage and API.
    pub const fn kind(&self) -> &'static str {
        match self {
            Target::Role(_) => "role",
            Target::Entitlement(_) => "entitlement",
        }
    }

    /// The key or id.
    pub fn name(&self) -> String {
        match self {
            Target::Role(key) => key.clone(),
            Target::Entitlement(id) => id.to_string(),
        }
    }

    /// From kind and name.
    ///
    /// # Errors
    /// A kind that there is not, or an id that is none.
    pub fn parse(kind: &str, name: &str) -> Result<Target, Refusal> {
        match kind {
            "role" => Ok(Target::Role(name.to_owned())),
            "entitlement" => {
                let id = name.parse().map_err(|error| Refusal::bad("target", format!("{error}")))?;
                Ok(Target::Entitlement(id))
            }
            other => Err(Refusal::bad("target_kind", format!("`{other}` is neither `role` nor `entitlement`"))),
        }
    }
}

kernel::words! {
    /// Whether access is held, or may be activated for a time.
    Mode {
        Active = "active",
        Eligible = "eligible",
    }
}

kernel::words! {
    /// On what ground access was given.
    Source {
        /// A request that was approved; the reference names it.
        Request = "request",
        /// An activation of eligible access; the reference names it.
        Activation = "activation",
        /// A person's own decision.
        Person = "person",
        /// The source of people said so.
        Feed = "feed",
        /// It was there before Vigie, or was given at the system itself.
        Adopted = "adopted",
    }
}

/// Access that was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    pub id: AssignmentId,
    pub person: PersonId,
    pub target: Target,
    pub mode: Mode,
    pub source: Source,
    pub source_ref: Option<String>,
    pub reason: String,
    pub approver: Option<String>,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
    pub recorded: Timestamp,
    pub recorded_by: String,
    pub ended: Option<Timestamp>,
    pub ended_by: Option<String>,
    pub end_reason: Option<String>,
}

impl Assignment {
    /// Whether it holds at an instant.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.from <= now && self.until.is_none_or(|until| now < until)
    }

    fn shown(&self) -> Json {
        json!({
            "person": self.person, "target": self.target.name(), "mode": self.mode, "source": self.source,
            "source_ref": self.source_ref, "reason": self.reason, "approver": self.approver,
            "from": self.from.to_string(), "until": self.until.map(|until| until.to_string()),
            "end_reason": self.end_reason,
        })
    }
}

/// Access to be given.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAssignment {
    pub person: PersonId,
    pub target: Target,
    pub mode: Mode,
    pub source: Source,
    pub source_ref: Option<String>,
    pub reason: String,
    pub approver: Option<String>,
    /// `None`: now.
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

impl Turn {
    /// Gives access. What follows from it is computed when the turn is finished.
    pub(crate) async fn assign(&mut self, mut new: NewAssignment) -> Result<Assignment, Error> {
        // What is decided on a record that was merged since is for the one that stayed.
        new.person = crate::person::meant(&mut self.tx, new.person).await?;
        let from = new.from.unwrap_or(self.now());
        if new.until.is_some_and(|until| until <= from) {
            return Err(Refusal::bad("until", "it ends before it begins").into());
        }
        let assignment = Assignment {
            id: self.tx.id(),
            person: new.person,
            target: new.target,
            mode: new.mode,
            source: new.source,
            source_ref: new.source_ref,
            reason: said("reason", &new.reason, LONGEST_REASON)?,
            approver: new.approver,
            from,
            until: new.until,
            recorded: self.now(),
            recorded_by: self.actor.to_string(),
            ended: None,
            ended_by: None,
            end_reason: None,
        };
        let row = params![
            assignment.id,
            assignment.person,
            assignment.target.kind(),
            assignment.target.name(),
            assignment.mode.as_str(),
            assignment.source.as_str(),
            assignment.source_ref.clone(),
            &assignment.reason,
            assignment.approver.clone(),
            assignment.from,
            assignment.until,
            assignment.recorded,
            &assignment.recorded_by,
        ];
        self.tx.execute_one(&sql::INSERT_ASSIGNMENT, row).await?;
        self.record("assignment.give", assignment.id, Json::Null, assignment.shown());
        self.touch(assignment.person);
        Ok(assignment)
    }

    /// Ends access. False: it had ended before.
    pub(crate) async fn end_assignment(&mut self, id: AssignmentId, why: &str) -> Result<bool, Error> {
        let why = said("reason", why, LONGEST_REASON)?;
        let before = find(&mut self.tx, id).await?.ok_or_else(|| Error::missing("assignment", id))?;
        let (now, actor) = (self.now(), self.actor.to_string());
        if self.tx.execute(&sql::END_ASSIGNMENT, params![id, now, &actor, &why]).await? == 0 {
            return Ok(false);
        }
        let after = Assignment { ended: Some(now), ended_by: Some(actor), end_reason: Some(why), ..before.clone() };
        self.record("assignment.end", id, before.shown(), after.shown());
        self.touch(before.person);
        Ok(true)
    }

    /// Moves the end of access. It must not have ended.
    pub(crate) async fn prolong_assignment(
        &mut self,
        id: AssignmentId,
        until: Option<Timestamp>,
    ) -> Result<Assignment, Error> {
        let before = find(&mut self.tx, id).await?.ok_or_else(|| Error::missing("assignment", id))?;
        if before.ended.is_some() {
            return Err(Refusal::rule("the access has ended; give it anew").into());
        }
        self.tx.execute_one(&sql::PROLONG_ASSIGNMENT, params![id, until]).await?;
        let after = Assignment { until, ..before.clone() };
        self.record("assignment.prolong", id, before.shown(), after.shown());
        self.touch(before.person);
        Ok(after)
    }
}

fn assignment(row: &Row) -> Result<Assignment, Error> {
    let target = Target::parse(row.text("target_kind")?, row.text("target")?)?;
    let text = |column: &str| Ok::<_, Error>(row.text_opt(column)?.map(str::to_owned));
    Ok(Assignment {
        id: row.id("id")?,
        person: row.id("person_id")?,
        target,
        mode: row.parse("mode")?,
        source: row.parse("source")?,
        source_ref: text("source_ref")?,
        reason: row.text("reason")?.to_owned(),
        approver: text("approver")?,
        from: row.time("valid_from_us")?,
        until: row.time_opt("valid_until_us")?,
        recorded: row.time("recorded_us")?,
        recorded_by: row.text("recorded_by")?.to_owned(),
        ended: row.time_opt("ended_us")?,
        ended_by: text("ended_by")?,
        end_reason: text("end_reason")?,
    })
}

/// One assignment.
pub(crate) async fn find(read: &mut impl Read, id: AssignmentId) -> Result<Option<Assignment>, Error> {
    read.rows(&sql::ASSIGNMENT, params![id]).await?.first().map(assignment).transpose()
}

/// Assignments of a person that have not ended.
pub(crate) async fn of_person(read: &mut impl Read, person: PersonId) -> Result<Vec<Assignment>, Error> {
    read.rows(&sql::ASSIGNMENTS_OF, params![person]).await?.iter().map(assignment).collect()
}

/// Every assignment that has not ended.
pub(crate) async fn all_open(read: &mut impl Read) -> Result<Vec<Assignment>, Error> {
    read.rows(&sql::OPEN_ASSIGNMENTS, params![MOST]).await?.iter().map(assignment).collect()
}

/// Everything that a person was ever given, the latest first.
pub(crate) async fn history(read: &mut impl Read, person: PersonId) -> Result<Vec<Assignment>, Error> {
    read.rows(&sql::ASSIGNMENT_HISTORY, params![person]).await?.iter().map(assignment).collect()
}
