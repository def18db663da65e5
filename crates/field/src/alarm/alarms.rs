//! An alarm and the attempts to reach somebody about it.

use kernel::id::{AlarmId, MissionId};
use kernel::{Timestamp, words};
use serde::{Deserialize, Serialize};

use super::ladder::{Means, Role, Step};
use crate::speech::{Sentence, say};

words! {
    /// What an alarm is about.
    AlarmKind {
        ContactOverdue = "contact-overdue",
        NotDeparted = "not-departed",
        /// Who is in has not gone on, or nobody has closed the mission.
        Waiting = "waiting",
        Sos = "sos",
        /// Somebody on the net whose mission is over.
        UnexpectedTraffic = "unexpected-traffic",
        RoundOpen = "round-open",
        HeadcountOpen = "headcount-open",
        /// Somebody answered a headcount or wrote that they need help.
        NeedsHelp = "needs-help",
        /// A vehicle or person is in an area where nobody is to be.
        NoGo = "no-go",
        /// It stands still there, and nobody said why.
        NoGoStop = "no-go-stop",
        /// A vehicle has left its corridor.
        OffRoute = "off-route",
        /// Power, a channel or a repeater fails.
        Equipment = "equipment",
        /// Somebody reported an incident: every organisation concerned has to know.
        Incident = "incident",
        /// Silent: only those who are to be told see it.
        Duress = "duress",
    }
}

words! {
    /// Where an alarm stands.
    AlarmState {
        /// Nobody has answered.
        Open = "open",
        /// Somebody sees to it; the ladder goes on until it is settled.
        Acknowledged = "acknowledged",
        Closed = "closed",
    }
}

words! {
    /// What became of an attempt.
    AttemptState {
        Pending = "pending",
        Acknowledged = "acknowledged",
        /// No answer in time, or the means failed.
        Unanswered = "unanswered",
        /// The alarm was settled before.
        Withdrawn = "withdrawn",
    }
}

/// Somebody is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counts from 1.
    pub number: i64,
    /// Which step of the ladder, from 0.
    pub step: usize,
    pub role: Role,
    /// For whose people, of a focal point.
    pub organisation: Option<String>,
    /// The user who is told of a silent alarm.
    #[serde(default)]
    pub user: Option<String>,
    /// Key of the contact; none: whoever sits at the desk.
    pub contact: Option<String>,
    pub name: String,
    pub means: Means,
    pub address: String,
    pub state: AttemptState,
    pub begun: Timestamp,
    pub answer_by: Timestamp,
    pub ended: Option<Timestamp>,
    /// Who answered, by name.
    pub answered_by: Option<String>,
    /// It was about an earlier call, before the ladder began anew.
    #[serde(default)]
    pub earlier: bool,
}

/// Who is called where nobody is named.
pub(crate) const THE_DESK: &str = "the desk";

impl Attempt {
    /// Who is called, by name; the desk in the reader's words.
    pub fn called(&self) -> Sentence {
        if self.contact.is_none() && self.name == THE_DESK { say!("the desk") } else { self.name.as_str().into() }
    }
}

/// The ladder as it was when the alarm was raised, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    pub steps: Vec<Step>,
    /// The next step, from 0.
    pub next: usize,
    pub answer_us: i64,
    /// Of an exercise: nobody but the desk is told.
    pub drill: bool,
    /// Whose people are concerned: each focal point is told.
    pub organisations: Vec<String>,
    /// Whom it is about, by key: nobody is called about themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    pub attempts: Vec<Attempt>,
    /// Of a silent alarm: the users who see it.
    pub tell: Vec<String>,
    /// How often it was brought back to mind after its last step.
    #[serde(default)]
    pub reminders: usize,
    /// When it was brought back to mind last.
    #[serde(default)]
    pub reminded: Option<Timestamp>,
    /// When they called of whom it tells: the latest call that rang.
    #[serde(default)]
    pub called: Option<Timestamp>,
}

/// An alarm as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub id: AlarmId,
    /// Counts up from 1. See [`Alarm::label`].
    pub number: i64,
    pub kind: AlarmKind,
    pub silent: bool,
    /// What settles it: the subject of the promise, or its own.
    pub subject: String,
    pub mission: Option<MissionId>,
    pub title: Sentence,
    pub state: AlarmState,
    /// The time from which the ladder counts.
    pub missed: Timestamp,
    pub raised: Timestamp,
    /// The promise expired while the program was down.
    pub while_down: bool,
    /// Who sees to it, by name.
    pub owner: Option<String>,
    /// Nobody is left to call: send a runner.
    pub all_failed: bool,
    pub closed: Option<Timestamp>,
    pub outcome: Option<Sentence>,
    pub course: Course,
    pub version: i64,
}

impl Alarm {
    /// `A-0042`.
    pub fn label(&self) -> String {
        format!("A-{:04}", self.number)
    }

    /// It needs attention.
    pub fn is_open(&self) -> bool {
        self.state != AlarmState::Closed
    }

    /// Somebody may die of waiting.
    pub fn is_about_lives(&self) -> bool {
        matches!(self.kind, AlarmKind::Sos | AlarmKind::ContactOverdue | AlarmKind::NeedsHelp | AlarmKind::Duress)
    }

    /// The ladder has come to the step from which people count as lost.
    pub fn is_at_lost(&self) -> bool {
        self.course.steps.iter().take(self.course.next).any(|step| step.lost)
    }
}
