//! Reading incidents.

use kernel::id::{AlertId, IncidentId};
use kernel::{EntityKind, Severity};
use serde::{Deserialize, Serialize};
use store::params;

use crate::commands::Respond;
use crate::error::Error;
use crate::incident::{Incident, Status};
use crate::records::{self, Comment, IncidentAlert, IncidentEntity, TimelineItem};
use crate::sql;
use crate::task::Task;

/// Whose incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    Nobody,
    /// The text of a user id.
    User(String),
}

/// Which incidents. Empty: all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    pub status: Option<Status>,
    /// `Some(true)`: all that are not closed.
    pub open: Option<bool>,
    /// At least this severity.
    pub severity: Option<Severity>,
    pub owner: Option<Owner>,
    /// Kind and comparison key.
    pub entity: Option<(EntityKind, String)>,
}

/// Where a page of the queue ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    closed: bool,
    severity: Severity,
    number: i64,
}

/// Text of a cursor, for a URL: `open.high.42`.
impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", if self.closed { "closed" } else { "open" }, self.severity, self.number)
    }
}

impl std::str::FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Cursor, String> {
        let parts: Vec<&str> = text.split('.').collect();
        let cursor = match parts[..] {
            [closed @ ("open" | "closed"), severity, number] => Severity::parse(severity)
                .zip(number.parse().ok())
                .map(|(severity, number)| Cursor { closed: closed == "closed", severity, number }),
            _ => None,
        };
        cursor.ok_or_else(|| format!("`{text}` is not a cursor; send the `next` of the page before"))
    }
}

/// A page of the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Open ones first, worst first, newest first.
    pub incidents: Vec<Incident>,
    /// `None`: that was the last page.
    pub next: Option<Cursor>,
}

/// Open incidents of one severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCount {
    pub severity: Severity,
    pub incidents: u64,
    /// Of these, without an owner.
    pub unowned: u64,
}

impl Respond {
    /// A page of the queue of at most `limit` incidents.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; so for all queries below.
    pub async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: u32) -> Result<Page, Error> {
        let (closed, severity, number) =
            after.map_or((-1, 0, 0), |after| (i64::from(after.closed), -records::rank(after.severity), -after.number));
        let owner = match &filter.owner {
            Some(Owner::User(owner)) => Some(owner),
            Some(Owner::Nobody) | None => None,
        };
        let (kind, key) = filter.entity.as_ref().map(|(kind, key)| (kind.as_str(), key)).unzip();
        let wanted = params![
            closed,
            severity,
            number,
            filter.status.map(|status| status.as_str()),
            filter.open.map(|open| !open),
            filter.severity.map_or(0, records::rank),
            filter.owner == Some(Owner::Nobody),
            owner,
            kind,
            key,
            u64::from(limit) + 1,
        ];
        let rows = self.store.fetch_all(&sql::QUEUE, wanted).await?;
        let more = rows.len() > limit as usize;
        let rows = rows.iter().take(limit as usize);
        let incidents = rows.map(records::incident).collect::<Result<Vec<_>, _>>()?;
        let next = incidents.last().filter(|_| more).map(|last| Cursor {
            closed: last.status == Status::Closed,
            severity: last.severity,
            number: last.number,
        });
        Ok(Page { incidents, next })
    }

    /// One incident.
    ///
    /// # Errors
    /// [`Error::NotFound`], besides.
    pub async fn incident(&self, id: IncidentId) -> Result<Incident, Error> {
        let row = self.store.fetch_optional(&sql::INCIDENT, params![id]).await?;
        records::incident(&row.ok_or(Error::NotFound(id))?)
    }

    /// Lines of the timeline after line `after`, oldest first.
    pub async fn timeline(&self, id: IncidentId, after: i64, limit: u32) -> Result<Vec<TimelineItem>, Error> {
        self.store.fetch_all(&sql::TIMELINE, params![id, after, limit]).await?.iter().map(records::line).collect()
    }

    /// Comments, oldest first.
    pub async fn comments(&self, id: IncidentId) -> Result<Vec<Comment>, Error> {
        self.store.fetch_all(&sql::COMMENTS, params![id]).await?.iter().map(records::comment).collect()
    }

    /// Tasks, oldest first.
    pub async fn tasks(&self, id: IncidentId) -> Result<Vec<Task>, Error> {
        self.store.fetch_all(&sql::TASKS, params![id]).await?.iter().map(records::task).collect()
    }

    /// Alerts by event time, at most `limit`.
    pub async fn alerts(&self, id: IncidentId, limit: u32) -> Result<Vec<IncidentAlert>, Error> {
        self.store.fetch_all(&sql::ALERTS, params![id, limit]).await?.iter().map(records::alert).collect()
    }

    /// Entities, those that most alerts name first, at most `limit`.
    pub async fn entities(&self, id: IncidentId, limit: u32) -> Result<Vec<IncidentEntity>, Error> {
        self.store.fetch_all(&sql::ENTITIES, params![id, limit]).await?.iter().map(records::entity).collect()
    }

    /// The incident that an alert belongs to.
    pub async fn incident_of_alert(&self, alert: AlertId) -> Result<Option<IncidentId>, Error> {
        let row = self.store.fetch_optional(&sql::INCIDENT_OF_ALERT, params![alert]).await?;
        Ok(row.map(|row| row.id("incident_id")).transpose()?)
    }

    /// How many incidents are open, by severity, worst first; every severity is there.
    pub async fn open_counts(&self) -> Result<Vec<OpenCount>, Error> {
        let rows = self.store.fetch_all(&sql::OPEN_COUNTS, params![]).await?;
        let mut counts = Vec::new();
        for severity in Severity::ALL.into_iter().rev() {
            let row = rows.iter().find(|row| row.text("severity").is_ok_and(|word| word == severity.as_str()));
            let count = |column| row.map_or(Ok(0), |row| row.count(column));
            counts.push(OpenCount { severity, incidents: count("incidents")?, unowned: count("unowned")? });
        }
        Ok(counts)
    }
}
