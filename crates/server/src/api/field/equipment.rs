//! What the radio room works with, what is wrong with it, how the net is used, and how each sign is heard.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::body::Filter;
use crate::problem::Problem;
use crate::reader::told;
use crate::routes::Routes;
use axum::Json;
use axum::extract::State;
use field::equipment::{Anomaly, EquipmentView, Misuse, SignTrend};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::words::Instant;

/// Days of a trend, when nobody says how many.
const USUAL_DAYS: i64 = 30;

/// Something that the room works with, as it was last found. It is noted by lines: `sys vhf-1 failed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldEquipment {
    /// Key.
    pub equipment: String,
    pub name: String,
    /// `channel`, `repeater`, `satellite-terminal`, `ups`, …
    pub kind: String,
    pub network: Option<String>,
    /// `ok`, `degraded`, `failed`; absent: nobody has ever looked.
    pub state: Option<String>,
    pub level_percent: Option<i64>,
    pub words: String,
    pub read: Option<Instant>,
    /// A test is overdue, nobody is named who repairs it.
    pub doubts: Vec<String>,
    /// Its power is so low that board, promises and contacts are to be printed.
    pub power_low: bool,
}

/// Something that is wrong until it is repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldAnomaly {
    pub id: String,
    /// `AN-0042`.
    pub label: String,
    pub equipment: String,
    pub title: String,
    /// Who repairs it and was told.
    pub told: Option<String>,
    pub opened: Instant,
    pub closed: Option<Instant>,
    pub outcome: Option<String>,
}

/// The state of the room's systems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemStatus {
    pub now: Instant,
    /// Some power is so low that the board is to be printed.
    pub power_low: bool,
    /// What does not work first.
    pub equipment: Vec<FieldEquipment>,
    /// Open ones first.
    pub anomalies: Vec<FieldAnomaly>,
}

/// The net was used against its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetMisuse {
    /// Its entry in the duty log.
    pub entry: i64,
    pub sign: String,
    pub holder_name: Option<String>,
    pub organisation: Option<String>,
    pub network: Option<String>,
    pub what: String,
    pub at: Instant,
}

/// How a sign was heard in radio checks whose base worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RadioTrend {
    pub sign: String,
    /// Of the round; absent: of all nets.
    pub network: Option<String>,
    pub holder_name: String,
    pub organisation: Option<String>,
    pub called: i64,
    pub not_heard: i64,
    pub by_phone: i64,
    pub last_heard: Option<Instant>,
}

/// Signs, the worst heard first; and what was said against the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RadioTrends {
    pub days: i64,
    pub signs: Vec<RadioTrend>,
    pub misuse: Vec<NetMisuse>,
}

/// Over how many days.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RadioTrendFilter {
    /// 1 to 366; 30 when absent.
    pub days: Option<i64>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_get_system_status, Action::ReadField, get_system_status);
    routes.add(__path_get_radio_trends, Action::ReadField, get_radio_trends);
}

/// Channels, repeaters, terminals, power: as they were last found, and what is wrong.
#[utoipa::path(get, path = "/api/v1/field/systems", tag = "field", responses((status = 200, body = SystemStatus)))]
async fn get_system_status(State(app): State<Arc<App>>) -> Result<Json<SystemStatus>, Problem> {
    let equipment = app.field.equipment().await?;
    let anomalies = app.field.anomalies().await?;
    Ok(Json(SystemStatus {
        now: app.field.now().into(),
        power_low: equipment.iter().any(|one| one.power_low),
        equipment: equipment.into_iter().map(equipment_word).collect(),
        anomalies: anomalies.into_iter().map(anomaly_word).collect(),
    }))
}

/// How each sign was heard, and how the net was used.
#[utoipa::path(get, path = "/api/v1/field/rounds/trends", tag = "field", params(RadioTrendFilter), responses((status = 200, body = RadioTrends)))]
async fn get_radio_trends(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<RadioTrendFilter>,
) -> Result<Json<RadioTrends>, Problem> {
    let days = filter.days.unwrap_or(USUAL_DAYS);
    let signs = app.field.radio_trends(days).await?;
    let misuse = app.field.misuses().await?;
    Ok(Json(RadioTrends {
        days,
        signs: signs.into_iter().map(trend_word).collect(),
        misuse: misuse.into_iter().map(misuse_word).collect(),
    }))
}

fn equipment_word(one: EquipmentView) -> FieldEquipment {
    FieldEquipment {
        equipment: one.equipment,
        name: one.name,
        kind: one.kind,
        network: one.network,
        state: one.state.map(|state| state.to_string()),
        level_percent: one.level_percent,
        words: one.words,
        read: one.read.map(Into::into),
        doubts: one.doubts.iter().map(told).collect(),
        power_low: one.power_low,
    }
}

fn anomaly_word(one: Anomaly) -> FieldAnomaly {
    FieldAnomaly {
        id: one.id.to_string(),
        label: one.label(),
        equipment: one.equipment,
        title: told(&one.title),
        told: one.told,
        opened: one.opened.into(),
        closed: one.closed.map(Into::into),
        outcome: one.outcome.as_ref().map(told),
    }
}

fn misuse_word(one: Misuse) -> NetMisuse {
    NetMisuse {
        entry: one.entry,
        sign: one.sign,
        holder_name: one.holder_name,
        organisation: one.organisation,
        network: one.network,
        what: one.what,
        at: one.at.into(),
    }
}

fn trend_word(one: SignTrend) -> RadioTrend {
    RadioTrend {
        sign: one.sign,
        network: one.network,
        holder_name: one.holder_name,
        organisation: one.organisation,
        called: one.called,
        not_heard: one.not_heard,
        by_phone: one.by_phone,
        last_heard: one.last_heard.map(Into::into),
    }
}
