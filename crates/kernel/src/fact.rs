//! What rooms tell each other. A fact is emitted in the transaction that made it true and delivered at least once.

use serde::{Deserialize, Serialize};

use crate::entity::Entity;
use crate::id::{
    AccountId, ActivationId, AlarmId, AlertGroupId, AlertId, CampaignId, IncidentId, LogEntryId, MessageId, MissionId,
    PersonId, PlanId, RequestId, ViolationId,
};
use crate::message::{
    Dispatch, DistressCancelled, DistressSignalled, MessageDelivery, MessageReceived, PositionReported,
};
use crate::severity::Severity;
use crate::time::Timestamp;

/// Something that became true, for other rooms to act on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// A rule matched and the alert was put into a group. Emitted by `detect`.
    AlertRaised(AlertRaised),
    /// An event that came late undid an alert of a correlation. Emitted by `detect`.
    AlertWithdrawn { alert: AlertId, group: AlertGroupId, title: String, at: Timestamp },
    /// An incident was opened, or anything of it changed. Emitted by `respond`.
    IncidentChanged { incident: IncidentId, version: i64, at: Timestamp },
    /// An incident was closed. Emitted by `respond`.
    IncidentClosed { incident: IncidentId, classification: String, at: Timestamp },
    /// A promise was not kept in time. Emitted by `store` when a deadline fires.
    DeadlineExpired { deadline: String, kind: String, subject: String, due: Timestamp, expired_while_down: bool },
    /// A source that used to talk has fallen silent. Emitted by the intake wiring.
    SourceSilent { source: String, last_seen: Timestamp },
    /// Something was written into the duty log. Emitted by `field`.
    DutyLogged { entry: LogEntryId, number: i64, at: Timestamp },
    /// A mission was requested, or anything of it changed. Emitted by `field`.
    MissionChanged { mission: MissionId, version: i64, at: Timestamp },
    /// An alarm of the radio room was raised, or anything of it changed. Silent alarms emit nothing. Emitted by `field`.
    AlarmChanged { alarm: AlarmId, version: i64, at: Timestamp },
    /// A silent alarm of the radio room was raised or changed: for those who are told, and nobody else. Emitted by `field`.
    SilentAlarmChanged { alarm: AlarmId, tell: Vec<String>, version: i64, at: Timestamp },
    /// Somebody reported an incident to the radio room. Emitted by `field`.
    IncidentReported(IncidentReported),
    /// A case was opened for what was reported to the radio room. Emitted by `respond`.
    ReportTaken { entry: LogEntryId, incident: IncidentId, label: String, at: Timestamp },
    /// A desk wants messages sent; each is sent once however often it is asked for. Emitted by the desks.
    MessagesRequested { desk: String, dispatches: Vec<Dispatch> },
    /// What has not been sent of these keys is not to be sent any more. Emitted by the desk that asked.
    MessagesWithdrawn { desk: String, keys: Vec<String>, reason: String },
    /// What became of a message that a desk wanted sent. Emitted by `courier`.
    MessageDelivery(MessageDelivery),
    /// A message reached us. Emitted by `courier`.
    MessageReceived(Box<MessageReceived>),
    /// A message has words that are for nobody's eyes: this is what may be shown of it. Emitted by `field`.
    MessageConcealed {
        message: MessageId,
        text: String,
        #[serde(default)]
        subject: Option<String>,
        at: Timestamp,
    },
    /// Devices said where they are or were: in the order in which they came, each report once. Emitted by `courier`.
    PositionsReported { positions: Vec<PositionReported> },
    /// A device calls for help, however late the call arrives. Emitted by `courier`.
    DistressSignalled(Box<DistressSignalled>),
    /// A device takes back a call for help, perhaps before the call arrived. Emitted by `courier`.
    DistressCancelled(Box<DistressCancelled>),
    /// Somebody used a word of duress, and more is to follow than a silent alarm. Emitted by `field`.
    DuressUsed(Box<DuressUsed>),
    /// Another node said something new of a mission, an alarm or an incident. Emitted by `replica`.
    NodeRecordChanged { node: String, kind: String, subject: String, at: Timestamp },
    /// Somebody's first contract of a stay began. Emitted by `identity`.
    PersonJoined { person: PersonId, at: Timestamp },
    /// Duty station, unit, job or manager of somebody changed. Emitted by `identity`.
    PersonMoved { person: PersonId, at: Timestamp },
    /// Somebody's last contract ended, or they were locked out at once. Emitted by `identity`.
    PersonLeft { person: PersonId, at: Timestamp, emergency: bool },
    /// Accounts are to be changed in their systems. Emitted by `identity`, for itself.
    ProvisioningDue { plan: PlanId, at: Timestamp },
    /// Somebody holds keys that must stay apart, and no exception covers it. Emitted by `identity`.
    SodViolationFound { violation: ViolationId, person: PersonId, rule: String, at: Timestamp },
    /// A request for access was made, or anything of it changed. Emitted by `identity`.
    RequestChanged { request: RequestId, version: i64, at: Timestamp },
    /// Borrowed access was asked for, begun or ended. Emitted by `identity`.
    ActivationChanged { activation: ActivationId, version: i64, at: Timestamp },
    /// A round of reviews began, ended, or anything of it changed. Emitted by `identity`.
    CampaignChanged { campaign: CampaignId, version: i64, at: Timestamp },
    /// A system confirmed that an account is disabled. Emitted by `identity`.
    AccountDisabled { account: AccountId, system: String, login: String, person: Option<PersonId>, at: Timestamp },
    /// A user or group was provisioned to us, changed or deleted by SCIM. Emitted by `scim`.
    ScimChanged { kind: String, resource: String, version: i64, at: Timestamp },
}

impl Fact {
    /// The name under which rooms subscribe.
    pub const fn topic(&self) -> &'static str {
        match self {
            Fact::AlertRaised(_) => "alert-raised",
            Fact::AlertWithdrawn { .. } => "alert-withdrawn",
            Fact::IncidentChanged { .. } => "incident-changed",
            Fact::IncidentClosed { .. } => "incident-closed",
            Fact::DeadlineExpired { .. } => "deadline-expired",
            Fact::SourceSilent { .. } => "source-silent",
            Fact::DutyLogged { .. } => "duty-logged",
            Fact::MissionChanged { .. } => "mission-changed",
            Fact::DuressUsed(_) => "duress-used",
            Fact::AlarmChanged { .. } => "alarm-changed",
            Fact::SilentAlarmChanged { .. } => "silent-alarm-changed",
            Fact::IncidentReported(_) => "incident-reported",
            Fact::ReportTaken { .. } => "report-taken",
            Fact::MessagesRequested { .. } => "messages-requested",
            Fact::MessagesWithdrawn { .. } => "messages-withdrawn",
            Fact::MessageDelivery(_) => "message-delivery",
            Fact::MessageReceived(_) => "message-received",
            Fact::MessageConcealed { .. } => "message-concealed",
            Fact::PositionsReported { .. } => "positions-reported",
            Fact::DistressSignalled(_) => "distress-signalled",
            Fact::DistressCancelled(_) => "distress-cancelled",
            Fact::NodeRecordChanged { .. } => "node-record-changed",
            Fact::PersonJoined { .. } => "person-joined",
            Fact::PersonMoved { .. } => "person-moved",
            Fact::PersonLeft { .. } => "person-left",
            Fact::ProvisioningDue { .. } => "provisioning-due",
            Fact::SodViolationFound { .. } => "sod-violation-found",
            Fact::RequestChanged { .. } => "request-changed",
            Fact::ActivationChanged { .. } => "activation-changed",
            Fact::CampaignChanged { .. } => "campaign-changed",
            Fact::AccountDisabled { .. } => "account-disabled",
            Fact::ScimChanged { .. } => "scim-changed",
        }
    }
}

/// What another room needs to know of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRaised {
    pub alert: AlertId,
    /// Alerts of one group belong into one incident.
    pub group: AlertGroupId,
    pub rule_id: String,
    pub title: String,
    pub severity: Severity,
    /// Time of the first event that matched.
    pub event_time: Timestamp,
    pub entities: Vec<Entity>,
    /// ATT&CK technique ids such as `T1003.001`.
    pub techniques: Vec<String>,
}

/// Who, where, what: the first words of an incident in the field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentReported {
    /// The entry of the duty log; one entry opens one incident.
    pub entry: LogEntryId,
    /// The call sign or name of who it happened to.
    pub who: String,
    pub place: Option<String>,
    pub what: String,
    pub severity: Severity,
    pub at: Timestamp,
}

/// Somebody is forced to do what they do. Whoever acts on it says nothing that would show it to those who force them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuressUsed {
    pub alarm: AlarmId,
    /// `A-0042`.
    pub label: String,
    /// Who used it, when that is known.
    pub person: Option<PersonUnderDuress>,
    /// Their accounts are to be locked everywhere.
    pub lock_accounts: bool,
    /// The incident desk is to see to what they have access to.
    pub open_incident: bool,
    pub at: Timestamp,
}

/// Somebody of the radio room's register, as other desks may know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonUnderDuress {
    /// In the register; often the number that the organisation gives its people.
    pub key: String,
    pub name: String,
    pub email: Option<String>,
}
