//! Typed ids: `incident-0197c2f0-…`. The prefix is the kind, the rest a UUID version 7.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::Uuid;

use crate::time::Timestamp;

/// A kind of thing that has ids.
pub trait Kind: 'static {
    /// The prefix of the text form, lower case, no hyphen: `incident`.
    const NAME: &'static str;
}

/// The id of one `K`. Sorts by creation time.
pub struct Id<K: Kind> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Id<K> {
    /// An id for something created at `now`; `random` fills the 74 free bits.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Id<K> {
        let millis = u64::try_from(now.micros().max(0) / 1_000).unwrap_or(0);
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        Id { uuid, kind: PhantomData }
    }

    /// An id derived from bytes that name the thing for ever (a digest), for acts that may be repeated.
    pub fn derived(digest: [u8; 16]) -> Id<K> {
        Id { uuid: uuid::Builder::from_custom_bytes(digest).into_uuid(), kind: PhantomData }
    }

    /// The id that was stored as this UUID.
    pub fn from_uuid(uuid: Uuid) -> Id<K> {
        Id { uuid, kind: PhantomData }
    }

    /// The bare UUID.
    pub fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl<K: Kind> Clone for Id<K> {
    fn clone(&self) -> Id<K> {
        *self
    }
}
impl<K: Kind> Copy for Id<K> {}
impl<K: Kind> PartialEq for Id<K> {
    fn eq(&self, other: &Id<K>) -> bool {
        self.uuid == other.uuid
    }
}
impl<K: Kind> Eq for Id<K> {}
impl<K: Kind> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Id<K>) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K: Kind> Ord for Id<K> {
    fn cmp(&self, other: &Id<K>) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<K: Kind> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}
impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", K::NAME, self.uuid)
    }
}
impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of kind {kind}; it looks like {kind}-0197c2f0-0000-7000-8000-000000000000")]
pub struct NotAnId {
    /// What was given, cut to 80 characters.
    pub text: String,
    /// The kind that was expected.
    pub kind: &'static str,
}

impl<K: Kind> FromStr for Id<K> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Id<K>, NotAnId> {
        let refuse = || NotAnId { text: text.chars().take(80).collect(), kind: K::NAME };
        let rest = text.strip_prefix(K::NAME).and_then(|rest| rest.strip_prefix('-')).ok_or_else(refuse)?;
        let uuid = Uuid::try_parse(rest).map_err(|_| refuse())?;
        Ok(Id { uuid, kind: PhantomData })
    }
}

impl<K: Kind> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> serde::Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Id<K>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Declares kinds and their id types.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $id:ident = $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $kind {}
        impl Kind for $kind {
            const NAME: &'static str = $name;
        }
        #[doc = concat!("Id of kind `", $name, "`.")]
        pub type $id = Id<$kind>;
    )*};
}

kinds! {
    /// A person who may log in.
    UserKind, UserId = "user";
    /// A rule hit.
    AlertKind, AlertId = "alert";
    /// Alerts that belong together.
    AlertGroupKind, AlertGroupId = "group";
    /// A case that somebody owns until it is closed.
    IncidentKind, IncidentId = "incident";
    /// A step of work in an incident.
    TaskKind, TaskId = "task";
    /// A promise with a time.
    DeadlineKind, DeadlineId = "deadline";
    /// A fact on its way to other rooms.
    FactKind, FactId = "fact";
    /// A connected source of records.
    SourceKind, SourceId = "source";
    /// A delivery of records, as it arrived.
    EntryKind, EntryId = "entry";
    /// A query that somebody kept.
    SavedQueryKind, SavedQueryId = "query";
    /// A token for programs.
    TokenKind, TokenId = "token";
    /// A login.
    SessionKind, SessionId = "session";
    /// A comment on a record.
    CommentKind, CommentId = "comment";
    /// An exception of a rule.
    ExceptionKind, ExceptionId = "exception";
    /// An entry of the Field desk's register: a person, a vehicle, a call sign, …
    RecordKind, RecordId = "record";
    /// An entry of the duty log.
    LogEntryKind, LogEntryId = "log";
    /// A journey of people that the radio room follows.
    MissionKind, MissionId = "mission";
    /// A missed promise, until somebody has seen to it.
    AlarmKind, AlarmId = "alarm";
    /// A radio check of a roster.
    RoundKind, RoundId = "round";
    /// A count of people by name.
    HeadcountKind, HeadcountId = "headcount";
    /// A turn of duty at the desk.
    ShiftKind, ShiftId = "shift";
    /// A message that reached us, or that goes out.
    MessageKind, MessageId = "message";
    /// A report of where a device is or was.
    PositionKind, PositionId = "position";
    /// A call for help by a device, or its cancellation.
    SignalKind, SignalId = "signal";
    /// Bytes as a network delivered them.
    RawKind, RawId = "raw";
    /// A human being, whatever sources call them.
    PersonKind, PersonId = "person";
    /// A contract of a person with a duty station, a unit and a job.
    EngagementKind, EngagementId = "engagement";
    /// An account in a system.
    AccountKind, AccountId = "account";
    /// Something that a system can give to an account: a group, an application role, a licence.
    EntitlementKind, EntitlementId = "entitlement";
    /// Access that somebody gave to a person, for a time and a reason.
    AssignmentKind, AssignmentId = "assignment";
    /// Changes to accounts, computed before they are carried out.
    PlanKind, PlanId = "plan";
    /// A delivery of a feed of people.
    BatchKind, BatchId = "batch";
    /// Something about identities that a person has to decide.
    FindingKind, FindingId = "finding";
    /// Two records of one human being, put together.
    MergeKind, MergeId = "merge";
    /// What was known of a contract or a person, and for which time.
    SliceKind, SliceId = "slice";
    /// A request for access.
    RequestKind, RequestId = "request";
    /// Eligible access that is borrowed for a time.
    ActivationKind, ActivationId = "activation";
    /// Duties that must stay apart and do not.
    ViolationKind, ViolationId = "violation";
    /// A round of reviews.
    CampaignKind, CampaignId = "campaign";
    /// One access of one person under review.
    ReviewItemKind, ReviewItemId = "item";
}

/// Where random bits come from. Production asks the machine; tests count.
pub trait Randomness: Send + Sync {
    /// Fills `bytes` entirely.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Randomness + '_ {
    /// A fresh id for something created at `now`.
    pub fn id<K: Kind>(&self, now: Timestamp) -> Id<K> {
        let mut random = [0; 10];
        self.fill(&mut random);
        Id::new(now, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_the_kind_and_round_trips() {
        let id = IncidentId::new(Timestamp(1_795_248_000_000_000), [7; 10]);
        assert!(id.to_string().starts_with("incident-01"));
        assert_eq!(id.to_string().parse::<IncidentId>(), Ok(id));
        assert!(id.to_string().parse::<AlertId>().is_err());
    }

    #[test]
    fn ids_sort_by_creation() {
        let early = AlertId::new(Timestamp(1_000_000), [255; 10]);
        let late = AlertId::new(Timestamp(2_000_000), [0; 10]);
        assert!(early < late);
    }
}
