//! Accounts: what is wanted of them, what was seen, and how far the one is from the other.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;
use kernel::id::{AccountId, EntitlementId, PersonId, PlanId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Read, Row, Tx, params};

use crate::error::Error;
use crate::{account_sql, sql};

/// Most accounts of one house.
const MOST: u32 = 2_000_000;

kernel::words! {
    /// Whose an account is.
    AccountKind {
        Person = "person",
        /// A program signs in with it. It has an owner, a purpose and a term.
        Service = "service",
        /// Several people use it.
        Shared = "shared",
        /// Seen at the system, and nobody's yet.
        Unknown = "unknown",
    }
}

kernel::words! {
    /// Whether rules may touch an account.
    Protection {
        None = "none",
        /// The system cannot do without it.
        Protected = "protected",
        /// For the day when everything else fails. Each use alerts.
        BreakGlass = "break-glass",
    }
}

kernel::words! {
    /// What an account was last seen to be.
    Status {
        /// Not seen yet.
        Unknown = "unknown",
        Enabled = "enabled",
        Disabled = "disabled",
        Absent = "absent",
    }
}

kernel::words! {
    /// How far an account is from what is wanted of it.
    Progress {
        /// What was last seen is what is wanted, or nothing is wanted.
        Settled = "settled",
        /// To be changed.
        Queued = "queued",
        /// The system was away; it is tried again.
        Retrying = "retrying",
        /// The system refused for good: a person has to look.
        Refused = "refused",
        /// Something stands in the way that only a person can judge.
        Quarantined = "quarantined",
        /// Nobody connects the system: a person does what is wanted and says so.
        Manual = "manual",
    }
}

impl Progress {
    /// Whether the engine works on it.
    pub const fn is_due(self) -> bool {
        match self {
            Progress::Queued | Progress::Retrying => true,
            Progress::Settled | Progress::Refused | Progress::Quarantined | Progress::Manual => false,
        }
    }
}

/// An account in a system.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    pub id: AccountId,
    pub system: String,
    pub person: Option<PersonId>,
    pub kind: AccountKind,
    pub protection: Protection,
    /// The name people sign in with, as wanted, or as seen when nothing is wanted.
    pub login: String,
    pub native_id: Option<String>,
    pub status: Status,
    pub progress: Progress,
    pub wanted: Option<Wanted>,
    pub seen: Option<Seen>,
    pub seen_at: Option<Timestamp>,
    /// The plan that last changed what is wanted.
    pub plan: Option<PlanId>,
    pub attempts: i64,
    /// When it is tried again.
    pub retry: Option<Timestamp>,
    /// The last thing that went wrong, in the system's own words.
    pub problem: Option<String>,
    /// The number of the person who answers for it, when it is nobody's own.
    pub owner: Option<String>,
    pub purpose: Option<String>,
    pub expires: Option<Timestamp>,
    pub rotated: Option<Timestamp>,
    pub rotate_days: Option<i64>,
    pub last_use: Option<Timestamp>,
    pub version: i64,
    pub created: Timestamp,
    pub updated: Timestamp,
}

kernel::words! {
    /// What an account should be.
    WantedState {
        Enabled = "enabled",
        Disabled = "disabled",
        Absent = "absent",
    }
}

/// What is wanted of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub state: WantedState,
    pub login: String,
    /// The value of the system's anchor attribute.
    pub anchor: String,
    /// Names by what policy calls them, the login among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Names that it had before, by what policy calls them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub former: BTreeMap<String, Vec<String>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Names of entitlements of the system.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub entitlements: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// It is made ahead of a first day and was never opened: when that day is not to be, it goes again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ahead: bool,
}

impl Wanted {
    /// A state alone: name, place and attributes stay as the system has them.
    pub fn unnamed(state: WantedState, login: &str) -> Wanted {
        Wanted {
            state,
            login: login.to_owned(),
            anchor: String::new(),
            names: BTreeMap::new(),
            former: BTreeMap::new(),
            attributes: BTreeMap::new(),
            container: None,
            entitlements: BTreeSet::new(),
            expires: None,
            ahead: false,
        }
    }
}

/// What an account was seen to be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// What the system calls it: distinguished name, user name.
    pub name: String,
    pub enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Vec<String>>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub entitlements: BTreeSet<String>,
    /// Of these, what this desk gave: it takes back nothing else.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ours: BTreeSet<String>,
}

impl Account {
    /// An account of a person that is wanted for the first time.
    pub fn of_person(id: AccountId, system: &str, person: PersonId, login: &str, now: Timestamp) -> Account {
        Account {
            id,
            system: system.to_owned(),
            person: Some(person),
            kind: AccountKind::Person,
            protection: Protection::None,
            login: login.to_owned(),
            native_id: None,
            status: Status::Unknown,
            progress: Progress::Settled,
            wanted: None,
            seen: None,
            seen_at: None,
            plan: None,
            attempts: 0,
            retry: None,
            problem: None,
            owner: None,
            purpose: None,
            expires: None,
            rotated: None,
            rotate_days: None,
            last_use: None,
            version: 0,
            created: now,
            updated: now,
        }
    }

    /// Whether a rule, a plan or a review may change it.
    pub fn may_be_changed(&self) -> bool {
        self.protection == Protection::None
    }
}

fn account(row: &Row) -> Result<Account, Error> {
    let text = |column: &str| Ok::<_, Error>(row.text_opt(column)?.map(str::to_owned));
    Ok(Account {
        id: row.id("id")?,
        system: row.text("system")?.to_owned(),
        person: row.id_opt("person_id")?,
        kind: row.parse("kind")?,
        protection: row.parse("protection")?,
        login: row.text("login")?.to_owned(),
        native_id: text("native_id")?,
        status: row.parse("status")?,
        progress: row.parse("progress")?,
        wanted: row.json_opt("wanted")?,
        seen: row.json_opt("seen")?,
        seen_at: row.time_opt("seen_us")?,
        plan: row.id_opt("plan_id")?,
        attempts: row.int("attempts")?,
        retry: row.time_opt("retry_us")?,
        problem: text("problem")?,
        owner: text("owner")?,
        purpose: text("purpose")?,
        expires: row.time_opt("expires_us")?,
        rotated: row.time_opt("rotated_us")?,
        rotate_days: row.int_opt("rotate_days")?,
        last_use: row.time_opt("last_use_us")?,
        version: row.int("version")?,
        created: row.time("created_us")?,
        updated: row.time("updated_us")?,
    })
}

/// Writes an account whose `version` is the one that is stored (0: new), and counts it up.
pub(crate) async fn save(tx: &mut Tx, account: &mut Account) -> Result<(), Error> {
    account.version += 1;
    account.updated = tx.now();
    let row = params![
        account.id,
        &account.system,
        account.person,
        account.kind.as_str(),
        account.protection.as_str(),
        &account.login,
        account.native_id.clone(),
        account.status.as_str(),
        account.progress.as_str(),
        account.wanted.as_ref().map(|wanted| json!(wanted).to_string()),
        account.seen.as_ref().map(|seen| json!(seen).to_string()),
        account.seen_at,
        account.plan,
        account.attempts,
        account.retry,
        account.problem.clone(),
        account.owner.clone(),
        account.purpose.clone(),
        account.expires,
        account.rotated,
        account.rotate_days,
        account.last_use,
        account.version,
        account.created,
        account.updated,
    ];
    Ok(tx.execute_one(&sql::SAVE_ACCOUNT, row).await?)
}

/// One account.
pub(crate) async fn find(read: &mut impl Read, id: AccountId) -> Result<Option<Account>, Error> {
    read.rows(&sql::ACCOUNT, params![id]).await?.first().map(account).transpose()
}

/// One account, which must be there.
pub(crate) async fn must(read: &mut impl Read, id: AccountId) -> Result<Account, Error> {
    find(read, id).await?.ok_or_else(|| Error::missing("account", id))
}

/// Accounts of a person, by system.
pub(crate) async fn of_person(read: &mut impl Read, person: PersonId) -> Result<Vec<Account>, Error> {
    read.rows(&sql::ACCOUNTS_OF, params![person]).await?.iter().map(account).collect()
}

/// Every account.
pub(crate) async fn all(read: &mut impl Read) -> Result<Vec<Account>, Error> {
    read.rows(&sql::ACCOUNTS, params![MOST]).await?.iter().map(account).collect()
}

/// Accounts of a system.
pub(crate) async fn of_system(read: &mut impl Read, system: &str) -> Result<Vec<Account>, Error> {
    read.rows(&sql::ACCOUNTS_OF_SYSTEM, params![system, MOST]).await?.iter().map(account).collect()
}

/// Which accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountQuestion {
    pub system: Option<String>,
    pub progress: Option<String>,
    pub kind: Option<String>,
    /// In the login, or in the name or number of whose it is.
    pub text: Option<String>,
    /// Those of people whose record is restricted as well.
    pub restricted: bool,
    /// The last account of the page before.
    pub after: Option<AccountId>,
    pub limit: u32,
}

/// Some accounts by login, and how many there are in all.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountPage {
    pub accounts: Vec<Account>,
    pub total: i64,
    /// Ask with this for those that follow.
    pub next: Option<AccountId>,
}

pub(crate) async fn page(read: &mut impl Read, question: &AccountQuestion) -> Result<AccountPage, Error> {
    let text = question.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let escaped = |text: &str| text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let pattern = text.map(|text| format!("%{}%", escaped(text)));
    let asked = || {
        params![
            question.system.clone(),
            question.progress.clone(),
            question.kind.clone(),
            pattern.clone(),
            question.restricted
        ]
    };
    let total =
        read.rows(&account_sql::COUNT_ACCOUNTS, asked()).await?.first().map_or(Ok(0), |row| row.int("found"))?;
    let mut row = asked();
    row.extend(params![question.after, i64::from(question.limit) + 1]);
    let mut accounts =
        read.rows(&account_sql::ACCOUNT_PAGE, row).await?.iter().map(account).collect::<Result<Vec<_>, _>>()?;
    let more = accounts.len() > question.limit as usize;
    accounts.truncate(question.limit as usize);
    let next = accounts.last().filter(|_| more).map(|last| last.id);
    Ok(AccountPage { accounts, total, next })
}

/// Accounts of a system on which the engine has to work now, the longest waiting first.
pub(crate) async fn due(
    read: &mut impl Read,
    system: &str,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Account>, Error> {
    read.rows(&sql::ACCOUNTS_DUE, params![system, now, limit]).await?.iter().map(account).collect()
}

/// Puts what an account was seen to hold in place of what was known.
pub(crate) async fn save_holdings(
    tx: &mut Tx,
    account: AccountId,
    before: &BTreeSet<EntitlementId>,
    after: &BTreeSet<EntitlementId>,
) -> Result<(), Error> {
    let now = tx.now();
    for gone in before.difference(after) {
        tx.execute(&sql::DELETE_HOLDING, params![account, *gone]).await?;
    }
    for new in after.difference(before) {
        tx.execute(&sql::INSERT_HOLDING, params![account, *new, now]).await?;
    }
    Ok(())
}

/// What an account was seen to hold.
pub(crate) async fn holdings(read: &mut impl Read, account: AccountId) -> Result<BTreeSet<EntitlementId>, Error> {
    let rows = read.rows(&sql::HOLDINGS_OF, params![account]).await?;
    rows.iter().map(|row| Ok(row.id("entitlement_id")?)).collect()
}

/// What every account was seen to hold.
pub(crate) async fn all_holdings(read: &mut impl Read) -> Result<Vec<(AccountId, EntitlementId, Timestamp)>, Error> {
    let rows = read.rows(&sql::HOLDINGS, params![MOST * 10]).await?;
    rows.iter().map(|row| Ok((row.id("account_id")?, row.id("entitlement_id")?, row.time("since_us")?))).collect()
}
