//! A request as it is stored.

use kernel::Timestamp;
use kernel::id::{AssignmentId, ExceptionId, PersonId, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Read, Row, params};

use super::package::Need;
use crate::approver::{Candidate, Via};
use crate::assignment::Mode;
use crate::duty_sql as sql;
use crate::error::Error;
use crate::room::Turn;
use crate::sod::SideShown;
use crate::system::Risk;

kernel::words! {
    /// Where a request is in its life.
    RequestState {
        /// People are asked.
        Pending = "pending",
        /// Everybody agreed and the access was given.
        Granted = "granted",
        /// Somebody refused.
        Refused = "refused",
        Withdrawn = "withdrawn",
        /// Nobody answered, and nobody was left to ask.
        Lapsed = "lapsed",
        /// Everybody agreed, but it has become toxic meanwhile.
        Blocked = "blocked",
    }
}

impl RequestState {
    /// Whether anything can still happen to it.
    pub const fn is_open(self) -> bool {
        matches!(self, RequestState::Pending)
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: RequestId,
    /// Who asks.
    pub requester: PersonId,
    /// Whom it is for.
    pub person: PersonId,
    pub reason: String,
    /// The tag of the requester's language.
    pub language: String,
    pub state: RequestState,
    pub risk: Risk,
    pub parts: Vec<Part>,
    /// What it would violate, as it was when it was made.
    pub toxic: Vec<ToxicShown>,
    #[serde(default)]
    pub exception: Option<ExceptionAsked>,
    pub stages: Vec<StageRun>,
    pub created: Timestamp,
    pub updated: Timestamp,
    #[serde(default)]
    pub closed_because: Option<String>,
    #[serde(default)]
    pub version: i64,
}

/// One thing that is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The key of a package of the catalogue.
    pub package: String,
    /// As the package was called in the requester's language.
    pub title: String,
    /// (kind, name) of each target, as assignments have them.
    pub targets: Vec<(String, String)>,
    pub mode: Mode,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
    /// What came of it.
    #[serde(default)]
    pub assignments: Vec<AssignmentId>,
}

/// A rule that the request would violate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToxicShown {
    pub rule: String,
    pub title: String,
    pub scope: Option<String>,
    pub risk: Risk,
    pub sides: Vec<SideShown>,
    /// False: it is violated already.
    pub is_new: bool,
    /// Parts of the request are toxic to each other.
    pub is_within_request: bool,
    /// An exception in force covers it.
    #[serde(default)]
    pub excused: Option<ExceptionId>,
}

/// An exception that comes with the request; the owner of the risk decides on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExceptionAsked {
    pub mitigation: String,
    pub until: Timestamp,
}

kernel::words! {
    /// Where a stage is.
    StageState {
        Waiting = "waiting",
        Open = "open",
        Agreed = "agreed",
        Refused = "refused",
    }
}

/// A stage with who is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRun {
    pub title: String,
    pub need: Need,
    pub state: StageState,
    pub seats: Vec<Seat>,
    /// Rules for whose exception this stage decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excepts: Vec<String>,
    #[serde(default)]
    pub opened: Option<Timestamp>,
    #[serde(default)]
    pub due: Option<Timestamp>,
}

/// One who is asked, and who is asked instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    /// In the order in which they are asked.
    pub candidates: Vec<Candidate>,
    /// Who is asked now, by place among the candidates.
    #[serde(alias = "asked")]
    pub turn: usize,
    #[serde(default)]
    pub decision: Option<Decision>,
}

impl Seat {
    /// Who is asked now. `None`: nobody is left.
    pub fn holder(&self) -> Option<&Candidate> {
        self.candidates.get(self.turn)
    }
}

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub by: PersonId,
    pub via: Via,
    pub agrees: bool,
    pub comment: String,
    pub at: Timestamp,
}

impl Request {
    /// The stage that is open.
    pub fn open_stage(&self) -> Option<usize> {
        self.stages.iter().position(|stage| stage.state == StageState::Open)
    }
}

fn request(row: &Row) -> Result<Request, Error> {
    let mut request: Request = row.json("sheet")?;
    request.version = row.int("version")?;
    Ok(request)
}

pub(crate) async fn find(read: &mut impl Read, id: RequestId) -> Result<Request, Error> {
    let rows = read.rows(&sql::REQUEST, params![id]).await?;
    rows.first().map(request).transpose()?.ok_or_else(|| Error::missing("request", id))
}

pub(crate) async fn list(
    read: &mut impl Read,
    person: Option<PersonId>,
    asked: Option<PersonId>,
    open: bool,
    limit: u32,
) -> Result<Vec<Request>, Error> {
    read.rows(&sql::REQUESTS, params![person, asked, open, limit]).await?.iter().map(request).collect()
}

/// Writes a request over the version that was read: of two at once, one wins.
pub(super) async fn save(turn: &mut Turn, request: &mut Request) -> Result<(), Error> {
    request.version += 1;
    request.updated = turn.now();
    let row = params![
        request.id,
        request.requester,
        request.person,
        request.state.as_str(),
        request.state.is_open(),
        request.risk.as_str(),
        &json!(request),
        request.version,
        request.created,
        request.updated,
    ];
    turn.tx.execute_one(&sql::SAVE_REQUEST, row).await?;
    turn.tx.execute(&sql::CLEAR_SEATS, params![request.id]).await?;
    let Some(place) = request.open_stage().filter(|_| request.state.is_open()) else { return Ok(()) };
    for (number, seat) in request.stages[place].seats.iter().enumerate() {
        if let (Some(holder), None) = (seat.holder(), &seat.decision) {
            turn.tx.execute_one(&sql::SAVE_SEAT, params![request.id, place, number, holder.person]).await?;
        }
    }
    Ok(())
}
