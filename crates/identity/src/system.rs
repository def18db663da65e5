//! Systems in which accounts live, duty stations, and what holds for the whole house.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engagement::Standing;
use crate::entitlement::EntitlementKind;

kernel::words! {
    /// How much harm wrong access can do.
    Risk {
        Low = "low",
        Medium = "medium",
        High = "high",
        Critical = "critical",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that declares the words derives no default")]
impl Default for Risk {
    fn default() -> Risk {
        Risk::Low
    }
}

/// A duty station document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Station {
    pub title: String,
    /// IANA zone in which its days begin and end.
    pub time_zone: String,
    #[serde(default)]
    pub country: Option<String>,
}

/// A system document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    pub title: String,
    /// The number of the person who answers for it.
    pub owner: String,
    /// Kind and settings of the connector; without it people provision by hand.
    #[serde(default)]
    pub connector: Option<ConnectorSettings>,
    /// The attribute of an account that holds the person's anchor.
    pub anchor: String,
    /// The name people sign in with.
    pub login: Naming,
    /// Which of the names is the object's own at the system, where that is not the login: the common name of a directory.
    #[serde(default)]
    pub object_name: Option<String>,
    /// Other names that must be unlike those of others: user principal name, mail.
    #[serde(default)]
    pub names: BTreeMap<String, Naming>,
    /// Templates of attributes.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Template of the container (organisational unit).
    #[serde(default)]
    pub container: Option<String>,
    /// Where the system has no groups: the attribute of an account whose values are its entitlements.
    #[serde(default)]
    pub entitlement_attribute: Option<String>,
    /// What is known of its entitlements, by name.
    #[serde(default)]
    pub entitlements: BTreeMap<String, EntitlementNote>,
    /// What an account is in each standing of the contract.
    #[serde(default)]
    pub standing: StandingPolicy,
    /// What somebody changed at the system itself is put back, or taken over as an assignment to be reviewed.
    #[serde(default)]
    pub drift: DriftPolicy,
    /// Logins that no rule may touch: `krbtgt`, `svc-sync*`.
    #[serde(default)]
    pub protected: Vec<String>,
    /// Logins for the day when everything else fails. No rule touches them; each use alerts.
    #[serde(default)]
    pub break_glass: Vec<String>,
    /// Days before the first day on which an account is made, disabled.
    #[serde(default = "a_week")]
    pub lead_days: i64,
    /// Days after the end in which an account only sleeps; then memberships go.
    #[serde(default = "a_month")]
    pub grace_days: i64,
    /// Days after the end until the account is deleted; `None`: never.
    #[serde(default)]
    pub delete_days: Option<i64>,
    /// Days for which the name of a leaver is not given to anybody else.
    #[serde(default = "two_years")]
    pub hold_days: i64,
    /// Hours between full readings.
    #[serde(default = "a_day")]
    pub reconcile_hours: i64,
    /// Minutes between readings of what changed.
    #[serde(default = "a_quarter")]
    pub delta_minutes: i64,
    /// When a full reading shows fewer objects than this share of the last, in percent, nothing is believed of it.
    #[serde(default = "most")]
    pub scope_floor_percent: i64,
}

impl System {
    /// Whether it is a tenant of Entra ID: what has consents, directory roles and policies on sign-ins.
    pub fn is_tenant(&self) -> bool {
        self.connector.as_ref().is_some_and(|connector| connector.kind == "entra")
    }
}

/// What people know of an entitlement and a system does not tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntitlementNote {
    #[serde(default = "group")]
    pub kind: EntitlementKind,
    #[serde(default)]
    pub title: Option<String>,
    /// The number of the person who answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub risk: Risk,
    /// It goes when somebody does not work: on leave, between contracts.
    #[serde(default)]
    pub privileged: bool,
    /// What one account with it costs in a year.
    #[serde(default)]
    pub cost_yearly: Option<f64>,
}

/// A connector of a kind with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectorSettings {
    /// `ldap`, `active-directory`, `scim`, `entra`, `sql-table`, `csv`.
    pub kind: String,
    /// As the connector documents them. Secrets are named, never written here.
    #[serde(default)]
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// A name that must be unlike those of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Naming {
    /// A template over `person`, `engagement` and `n`, which is 1, then 2, 3, … until the name is free.
    pub template: String,
    /// Names of one scope are unlike each other, also across systems.
    pub scope: String,
    #[serde(default = "longest_name")]
    pub max_length: usize,
    /// Whether a name changes with the person's; the old one stays as an alias.
    #[serde(default = "yes")]
    pub follows: bool,
    /// The attribute that keeps former names.
    #[serde(default)]
    pub alias_attribute: Option<String>,
    /// How a former name is written there: `smtp:{{ name }}`.
    #[serde(default)]
    pub alias_template: Option<String>,
}

kernel::words! {
    /// What an account is while its contract rests.
    Resting {
        /// As ever, but nothing privileged.
        Enabled = "enabled",
        Disabled = "disabled",
    }
}

/// What an account is in each standing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StandingPolicy {
    pub suspended: Resting,
    pub leave: Resting,
    pub secondment: Resting,
}

impl Default for StandingPolicy {
    fn default() -> StandingPolicy {
        StandingPolicy { suspended: Resting::Disabled, leave: Resting::Enabled, secondment: Resting::Enabled }
    }
}

impl StandingPolicy {
    /// What an account is in a standing.
    pub const fn of(&self, standing: Standing) -> Resting {
        match standing {
            Standing::Active => Resting::Enabled,
            Standing::Suspended => self.suspended,
            Standing::Leave => self.leave,
            Standing::Secondment => self.secondment,
            Standing::Cancelled => Resting::Disabled,
        }
    }
}

kernel::words! {
    /// What is done about a change that was made at the system itself.
    DriftPolicy {
        /// Say so and leave it.
        Report = "report",
        /// Put it back.
        Revert = "revert",
        /// Take it over as an assignment that names who made it.
        Adopt = "adopt",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that declares the words derives no default")]
impl Default for DriftPolicy {
    fn default() -> DriftPolicy {
        DriftPolicy::Report
    }
}

/// What holds for the whole house; the one settings document, `house`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub title: String,
    /// The zone of contracts whose duty station is not known.
    pub time_zone: String,
    /// The language of messages to people of whom none is known (`person.extra.language` of a feed).
    pub language: String,
    /// What licences cost is in this currency: three letters of ISO 4217.
    pub currency: Option<String>,
    /// Days without use from which on a licence is idle.
    pub licence_idle_days: i64,
    /// Days until an idle licence that nobody kept is taken back; absent: people decide.
    pub licence_answer_days: Option<i64>,
    /// Days for which a mover keeps the access of before.
    pub mover_overlap_days: i64,
    /// A gap between two contracts that is shorter is a pause, not an end.
    pub gap_days: i64,
    /// The longest term of people without a human-resources record.
    pub sponsored_days: i64,
    /// Days in which a service account whose owner left must have another.
    pub owner_days: i64,
    /// Accounts that no rule touches, over all systems, at most.
    pub break_glass_max: usize,
    /// A plan that disables or deletes more accounts must be begun by a person.
    pub plan_disables_max: usize,
    /// So does one that takes more memberships and licences.
    pub plan_revokes_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            title: "House".to_owned(),
            time_zone: "UTC".to_owned(),
            language: "en".to_owned(),
            currency: None,
            licence_idle_days: 90,
            licence_answer_days: None,
            mover_overlap_days: 5,
            gap_days: 30,
            sponsored_days: 365,
            owner_days: 14,
            break_glass_max: 4,
            plan_disables_max: 50,
            plan_revokes_max: 50,
        }
    }
}

const fn group() -> EntitlementKind {
    EntitlementKind::Group
}
const fn yes() -> bool {
    true
}
const fn a_week() -> i64 {
    7
}
const fn a_month() -> i64 {
    30
}
const fn two_years() -> i64 {
    730
}
const fn a_day() -> i64 {
    24
}
const fn a_quarter() -> i64 {
    15
}
const fn most() -> i64 {
    70
}
const fn longest_name() -> usize {
    64
}
