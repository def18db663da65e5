//! Which tables KQL gives to whom: a table of facts needs the action that its desk's own pages need, so that asking is no
//! way around them. Tables of events need [`Action::Query`] alone.

use std::collections::HashSet;
use std::sync::Arc;

use field::sight::Sight;
use kernel::port::{EventLake, FactTables, RowScope, TableGrant};
use kernel::{TableSchema, Value};
use store::Store;

use crate::action::Action;
use crate::api::field::sight::sight_of;
use crate::api::users::Role;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::authorise::{Asker, Authority};
use crate::problem::Problem;

/// What it takes to read a table of facts.
#[derive(Debug, Clone, Copy)]
pub struct TableRight {
    /// Its name in KQL.
    pub table: &'static str,
    /// Who may do this reads all its rows.
    pub action: Action,
    /// Who may do less reads some of them.
    pub own: Option<OwnRows>,
}

/// The rows that are an asker's own.
#[derive(Debug, Clone, Copy)]
pub struct OwnRows {
    /// Who may do this reads them.
    pub action: Action,
    /// The column (a string) that says whose a row is.
    pub column: &'static str,
}

/// All rows for who may do the action, none for others.
const fn all(table: &'static str, action: Action) -> TableRight {
    TableRight { table, action, own: None }
}

/// All rows for who sees the radio room, those of their organisation for its focal point.
const fn own(table: &'static str, column: &'static str) -> TableRight {
    let own = OwnRows { action: Action::ReadOwnField, column };
    TableRight { table, action: Action::ReadField, own: Some(own) }
}

/// Every table of facts. One that is missing is read by nobody.
pub const TABLE_RIGHTS: &[TableRight] = &[
    all("Ledger", Action::ReadLedger),
    // Promises of every desk, each about one of its records.
    all("Deadlines", Action::ReadIncidents),
    all("Users", Action::ReadUsers),
    all("Tokens", Action::ManageTokens),
    all("Rules", Action::ReadRules),
    all("RuleExceptions", Action::ReadRules),
    all("Alerts", Action::ReadAlerts),
    all("AlertGroups", Action::ReadAlerts),
    all("Incidents", Action::ReadIncidents),
    all("IncidentTimeline", Action::ReadIncidents),
    all("Functions", Action::Query),
    all("Watchlists", Action::Query),
    all("ReferenceTables", Action::Query),
    all("Organisations", Action::ReadField),
    all("Zones", Action::ReadField),
    own("Persons", "Organisation"),
    own("Vehicles", "Organisation"),
    own("Premises", "Organisation"),
    all("SrmAreas", Action::ReadField),
    own("Contacts", "Organisation"),
    all("CallSigns", Action::ReadField),
    all("DutyLog", Action::ReadField),
    all("Missions", Action::ReadField),
    all("MissionManifest", Action::ReadField),
    all("FieldAlarms", Action::ReadField),
    all("RadioChecks", Action::ReadField),
    all("RadioCheckCalls", Action::ReadField),
    own("Headcounts", "Organisation"),
    all("Shifts", Action::ReadField),
    own("FieldPositions", "Organisation"),
    all("FieldTrackers", Action::ReadField),
    all("FenceCrossings", Action::ReadField),
    all("DistressSignals", Action::ReadField),
    all("FieldMessages", Action::ReadField),
    all("FieldMessagesSent", Action::ReadField),
    all("SightsOpened", Action::ReadField),
    all("Devices", Action::ReadField),
    all("Fences", Action::ReadField),
    all("Facilities", Action::ReadField),
    all("Roads", Action::ReadField),
    all("Equipment", Action::ReadField),
    all("FieldReports", Action::ReadField),
    all("FieldReportLines", Action::ReadField),
    all("EquipmentReadings", Action::ReadField),
    all("FieldAnomalies", Action::ReadField),
    all("RadioMisuse", Action::ReadField),
    all("Messages", Action::ReadField),
    all("MessageDispatches", Action::ReadField),
    all("MessageDeliveries", Action::ReadField),
    all("ChannelDeliveries", Action::ReadField),
    all("Identities", Action::ReadIdentity),
    all("Engagements", Action::ReadIdentity),
    all("RestrictedLeavers", Action::ManageIdentity),
    all("Systems", Action::ReadIdentity),
    all("Accounts", Action::ReadIdentity),
    all("Entitlements", Action::ReadIdentity),
    all("EntitlementNesting", Action::ReadIdentity),
    all("AccountEntitlements", Action::ReadIdentity),
    all("Roles", Action::ReadIdentity),
    all("RoleAssignments", Action::ReadIdentity),
    all("IdentityFindings", Action::ReadIdentity),
    all("SodViolations", Action::ReadIdentity),
    all("SodExceptions", Action::ReadIdentity),
    all("AccessRequests", Action::ReadIdentity),
    all("Activations", Action::ReadIdentity),
    all("ReviewCampaigns", Action::ReadIdentity),
    all("ReviewItems", Action::ReadIdentity),
    all("ConditionalAccessPolicies", Action::ReadIdentity),
    all("ConsentGrants", Action::ReadIdentity),
    all("StaleGroups", Action::ReadIdentity),
    all("AccessExclusions", Action::ReadIdentity),
    all("ScimResources", Action::ReadIdentity),
    all("ScimMembers", Action::ReadIdentity),
];

/// How much of a table an asker reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    Nothing,
    /// Rows that this column says are theirs.
    Own(&'static str),
    Everything,
}

/// How much of a table of facts the policies let the asker read.
pub fn reading(authority: &Authority, asker: Asker<'_>, table: &str) -> Reading {
    let Some(right) = TABLE_RIGHTS.iter().find(|right| right.table == table) else { return Reading::Nothing };
    if authority.permits(asker, right.action, None) {
        return Reading::Everything;
    }
    match right.own {
        Some(own) if authority.permits(asker, own.action, None) => Reading::Own(own.column),
        _ => Reading::Nothing,
    }
}

/// The tables that somebody may read.
#[derive(Debug, Clone)]
pub(crate) struct Readable {
    pub tables: Vec<TableSchema>,
    /// As a question carries them: one for each of `tables`.
    pub grants: Arc<[TableGrant]>,
}

impl Readable {
    /// Of all tables, those that the asker may read, and which of their rows.
    fn of(authority: &Authority, asker: Asker<'_>, store: &Store, all: Vec<TableSchema>, own: &[Value]) -> Readable {
        let facts: HashSet<String> = FactTables::tables(store).into_iter().map(|table| table.name).collect();
        let (mut tables, mut grants) = (Vec::new(), Vec::new());
        for table in all {
            let reading = match facts.contains(&table.name) {
                true => reading(authority, asker, &table.name),
                false => Reading::Everything,
            };
            let rows = match reading {
                Reading::Nothing => continue,
                Reading::Everything => None,
                Reading::Own(column) => Some(RowScope { column: column.to_owned(), values: own.to_vec() }),
            };
            grants.push(TableGrant { name: table.name.clone(), rows });
            tables.push(table);
        }
        Readable { tables, grants: grants.into() }
    }
}

/// The tables that the caller may read: for questions, completion and functions alike.
///
/// # Errors
/// When it cannot be found out what is the caller's own.
pub(crate) async fn readable(app: &App, caller: &Caller) -> Result<Readable, Problem> {
    let own = own_values(app, caller).await?;
    Ok(Readable::of(&app.authority, caller.asker(), &app.store, app.lake.tables(), &own))
}

/// Who may write rules, and whose rights a rule has when it runs: everybody who reads alerts sees what it found.
const RULES_RUN_AS: Asker<'static> = Asker::User { roles: &[Role::Engineer] };

/// What rules read beyond their writers: sign-in names alone, so that whoever is hidden from readers is not hidden from the
/// house's watch.
const OF_RULES: [&str; 1] = ["RestrictedLeavers"];

/// The tables that scheduled rules may read, whoever wrote them.
pub(crate) fn readable_by_rules(authority: &Authority, store: &Store, lake: &dyn EventLake) -> Readable {
    let all = lake.tables();
    let own: Vec<TableSchema> = all.iter().filter(|table| OF_RULES.contains(&table.name.as_str())).cloned().collect();
    let mut readable = Readable::of(authority, RULES_RUN_AS, store, all, &[]);
    let grants = own.iter().map(|table| TableGrant::whole(table.name.clone()));
    readable.grants = readable.grants.iter().cloned().chain(grants).collect();
    readable.tables.extend(own);
    readable
}

/// What [`OwnRows::column`] holds in rows that are the caller's own: their organisation. Sight of others that was opened
/// for a time is for the pages that count each look.
async fn own_values(app: &App, caller: &Caller) -> Result<Vec<Value>, Problem> {
    if !app.authority.permits(caller.asker(), Action::ReadOwnField, None) {
        return Ok(Vec::new());
    }
    let own = match sight_of(app, caller).await? {
        Sight::Partial { own, .. } => own,
        Sight::Whole => None,
    };
    Ok(own.into_iter().map(Value::String).collect())
}
