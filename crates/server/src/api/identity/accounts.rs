//! Accounts and the systems that they are in.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use identity::ServiceAccount;
use identity::account::{Account, AccountKind, AccountQuestion};
use identity::provision::Mode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{parse_id, sees_restricted};
use crate::action::Action;
use crate::api::users::clean_reason;
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

/// Accounts of one answer, where it is not said, and at most.
const PAGE: u32 = 200;
const MOST: u32 = 1_000;

/// An account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityAccount)]
pub struct AccountWord {
    pub id: String,
    pub system: String,
    pub person: Option<String>,
    /// `person`, `service`, `shared` or `unknown`.
    pub kind: String,
    /// `none`, `protected` or `break-glass`.
    pub protection: String,
    pub login: String,
    pub native_id: Option<String>,
    /// What it was last seen to be: `unknown`, `enabled`, `disabled` or `absent`.
    pub status: String,
    /// How far it is from what is wanted: `settled`, `queued`, `retrying`, `refused`, `quarantined` or `manual`.
    pub progress: String,
    #[schema(value_type = Option<Object>)]
    pub wanted: Option<Value>,
    #[schema(value_type = Option<Object>)]
    pub seen: Option<Value>,
    pub seen_at: Option<Instant>,
    pub attempts: i64,
    pub retry: Option<Instant>,
    /// The last thing that went wrong, in the system's own words.
    pub problem: Option<String>,
    pub owner: Option<String>,
    pub purpose: Option<String>,
    pub expires: Option<Instant>,
    pub rotated: Option<Instant>,
    pub last_use: Option<Instant>,
    pub plan: Option<String>,
}

/// Accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityAccounts)]
pub struct AccountsWord {
    pub accounts: Vec<AccountWord>,
    pub truncated: bool,
    /// Those that were asked for, on whatever page.
    pub total: i64,
    /// Ask with this as `after` for those that follow; absent: these were the last.
    pub next: Option<String>,
}

/// Which accounts.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AccountFilter {
    pub system: Option<String>,
    /// `queued`, `retrying`, `refused`, `quarantined`, `manual` or `settled`.
    pub progress: Option<String>,
    /// `person`, `service`, `shared` or `unknown`.
    pub kind: Option<String>,
    /// In the login, or in the name or number of the person.
    pub search: Option<String>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// At most so many: 200, and never more than 1,000.
    pub limit: Option<u32>,
}

/// What is decided about an account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "kebab-case")]
#[schema(as = IdentityAccountCommand)]
pub enum AccountCommand {
    /// It belongs to somebody.
    Join { person: String, reason: String },
    /// It is nobody's own: a program or several people use it.
    Describe {
        /// `service` or `shared`.
        kind: String,
        /// The number of the person who answers for it.
        owner: String,
        purpose: String,
        expires: Instant,
        rotate_days: Option<i64>,
        reason: String,
    },
    /// Its secret was changed.
    NoteRotation { reason: String },
    /// It is nobody's: disable it.
    Close { reason: String },
    /// Enable it again.
    Reopen { reason: String },
    /// Try again what the system refused.
    Retry { reason: String },
    /// What was wanted was done by hand.
    DoneByHand { reason: String },
}

/// A system and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentitySystem)]
pub struct SystemWord {
    pub system: String,
    pub title: String,
    /// Absent: people provision it by hand.
    pub connector: Option<String>,
    /// `new`, `healthy`, `away`, `lost` or `scope-lost`.
    pub state: String,
    pub problem: Option<String>,
    pub read: Option<Instant>,
    pub objects: i64,
    /// Accounts by how far they are from what is wanted.
    pub progress: BTreeMap<String, i64>,
}

/// Every system, by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentitySystems)]
pub struct SystemsWord {
    pub systems: Vec<SystemWord>,
}

/// How a system is read.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSystem {
    /// Say what would be found and done, and do nothing.
    #[serde(default)]
    pub trial: bool,
}

/// What a reading found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityReading)]
pub struct ReadingWord {
    pub objects: u64,
    pub groups: u64,
    pub matched: u64,
    pub orphans: u64,
    pub drifted: u64,
    pub missing: u64,
    pub reverted: u64,
    pub adopted: u64,
    /// Why nothing of it was believed.
    pub fault: Option<String>,
    pub differences: Vec<ReadingDifference>,
}

/// One thing that is another at the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadingDifference {
    pub login: String,
    pub what: String,
    pub ours: String,
    pub theirs: String,
}

/// What a licence costs in a year.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LicenceCost {
    pub system: String,
    pub licence: String,
    pub accounts: u64,
    pub idle: u64,
    pub cost_yearly: f64,
    pub idle_cost_yearly: f64,
}

/// A licence on an account that is disabled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IdleLicence {
    pub account: String,
    pub system: String,
    pub login: String,
    pub licence: String,
    pub cost_yearly: f64,
}

/// Licences by cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Licences {
    pub licences: Vec<LicenceCost>,
    pub idle: Vec<IdleLicence>,
    /// Of all costs, three letters of ISO 4217; absent: the settings of the house do not say.
    pub currency: Option<String>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_accounts, Action::ReadIdentity, list_accounts);
    routes.add(__path_command_account, Action::OperateIdentity, command_account);
    routes.add(__path_list_systems, Action::ReadIdentity, list_systems);
    routes.add(__path_read_system, Action::OperateIdentity, read_system);
    routes.add(__path_list_licences, Action::ReadIdentity, list_licences);
}

/// Accounts of a system or of all, by login.
#[utoipa::path(get, path = "/api/v1/identity/accounts", tag = "identity", params(AccountFilter), responses((status = 200, body = AccountsWord)))]
async fn list_accounts(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<AccountFilter>,
) -> Result<Json<AccountsWord>, Problem> {
    let question = AccountQuestion {
        system: filter.system,
        progress: filter.progress,
        kind: filter.kind,
        text: filter.search,
        restricted: sees_restricted(&app, &caller),
        after: filter.after.map(|after| parse_id("account", &after)).transpose()?,
        limit: filter.limit.unwrap_or(PAGE).clamp(1, MOST),
    };
    let page = app.identity.account_page(&question).await?;
    Ok(Json(AccountsWord {
        accounts: page.accounts.iter().map(account_word).collect(),
        truncated: page.next.is_some(),
        total: page.total,
        next: page.next.map(|id| id.to_string()),
    }))
}

/// Decides about an account.
#[utoipa::path(post, path = "/api/v1/identity/accounts/{id}/commands", tag = "identity", params(("id" = String, Path)), request_body = AccountCommand, responses((status = 200, body = AccountWord)))]
async fn command_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(command): Body<AccountCommand>,
) -> Result<Json<AccountWord>, Problem> {
    let (id, actor, identity) = (parse_id("account", &id)?, caller.actor(), &app.identity);
    let account = match command {
        AccountCommand::Join { person, reason } => {
            identity.join_account(id, parse_id("person", &person)?, &clean_reason(&reason)?, &actor).await?
        }
        AccountCommand::Describe { kind, owner, purpose, expires, rotate_days, reason } => {
            let kind: AccountKind =
                kind.parse().map_err(|error: String| Problem::invalid(error).with("field", "kind"))?;
            let service = ServiceAccount { kind, owner, purpose, expires: expires.0, rotate_days };
            identity.describe_account(id, &service, &clean_reason(&reason)?, &actor).await?
        }
        AccountCommand::NoteRotation { reason } => identity.note_rotation(id, &clean_reason(&reason)?, &actor).await?,
        AccountCommand::Close { reason } => identity.close_account(id, true, &clean_reason(&reason)?, &actor).await?,
        AccountCommand::Reopen { reason } => identity.close_account(id, false, &clean_reason(&reason)?, &actor).await?,
        AccountCommand::Retry { reason } => identity.retry_account(id, &clean_reason(&reason)?, &actor).await?,
        AccountCommand::DoneByHand { reason } => identity.done_by_hand(id, &clean_reason(&reason)?, &actor).await?,
    };
    Ok(Json(account_word(&account)))
}

/// Every system, and how it is.
#[utoipa::path(get, path = "/api/v1/identity/systems", tag = "identity", responses((status = 200, body = SystemsWord)))]
async fn list_systems(State(app): State<Arc<App>>) -> Result<Json<SystemsWord>, Problem> {
    let policy = app.identity.policy().await?;
    let word = |one: identity::provision::SystemHealth| {
        let document = policy.systems.get(&one.system);
        SystemWord {
            title: document.map_or_else(|| one.system.clone(), |system| system.title.clone()),
            connector: document.and_then(|system| system.connector.as_ref()).map(|settings| settings.kind.clone()),
            system: one.system,
            state: one.state,
            problem: one.problem,
            read: one.read.map(Into::into),
            objects: one.objects,
            progress: one.progress,
        }
    };
    Ok(Json(SystemsWord { systems: app.identity.health().await?.into_iter().map(word).collect() }))
}

/// Reads everything that a system holds. After a directory was restored, this is how a person says that they have looked.
#[utoipa::path(post, path = "/api/v1/identity/systems/{id}/read", tag = "identity", params(("id" = String, Path)), request_body = ReadSystem, responses((status = 200, body = ReadingWord)))]
async fn read_system(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(request): Body<ReadSystem>,
) -> Result<Json<ReadingWord>, Problem> {
    let mode = if request.trial { Mode::Simulation } else { Mode::Ordinary };
    let found = app.identity.reconcile(&id, mode, app.targets.as_ref()).await?;
    let difference = |(login, one): (String, identity::provision::Difference)| ReadingDifference {
        login,
        what: one.what,
        ours: one.ours,
        theirs: one.theirs,
    };
    Ok(Json(ReadingWord {
        objects: found.objects,
        groups: found.groups,
        matched: found.matched,
        orphans: found.orphans,
        drifted: found.drifted,
        missing: found.missing,
        reverted: found.reverted,
        adopted: found.adopted,
        fault: found.fault,
        differences: found.differences.into_iter().map(difference).collect(),
    }))
}

/// What licences cost in a year, and which of them lie on accounts that are disabled.
#[utoipa::path(get, path = "/api/v1/identity/licences", tag = "identity", responses((status = 200, body = Licences)))]
async fn list_licences(State(app): State<Arc<App>>) -> Result<Json<Licences>, Problem> {
    let (costs, idle) = app.identity.licences().await?;
    let cost = |one: identity::LicenceCost| LicenceCost {
        system: one.system,
        licence: one.licence,
        accounts: one.accounts,
        idle: one.idle,
        cost_yearly: one.cost_yearly,
        idle_cost_yearly: one.idle_cost_yearly,
    };
    let idle_one = |one: identity::IdleLicence| IdleLicence {
        account: one.account.to_string(),
        system: one.system,
        login: one.login,
        licence: one.licence,
        cost_yearly: one.cost_yearly,
    };
    Ok(Json(Licences {
        currency: app.identity.policy().await?.settings.currency.clone(),
        licences: costs.into_iter().map(cost).collect(),
        idle: idle.into_iter().map(idle_one).collect(),
    }))
}

pub(super) fn account_word(account: &Account) -> AccountWord {
    AccountWord {
        id: account.id.to_string(),
        system: account.system.clone(),
        person: account.person.map(|id| id.to_string()),
        kind: account.kind.to_string(),
        protection: account.protection.to_string(),
        login: account.login.clone(),
        native_id: account.native_id.clone(),
        status: account.status.to_string(),
        progress: account.progress.to_string(),
        wanted: account.wanted.as_ref().map(|wanted| json!(wanted)),
        seen: account.seen.as_ref().map(|seen| json!(seen)),
        seen_at: account.seen_at.map(Into::into),
        attempts: account.attempts,
        retry: account.retry.map(Into::into),
        problem: account.problem.clone(),
        owner: account.owner.clone(),
        purpose: account.purpose.clone(),
        expires: account.expires.map(Into::into),
        rotated: account.rotated.map(Into::into),
        last_use: account.last_use.map(Into::into),
        plan: account.plan.map(|id| id.to_string()),
    }
}
