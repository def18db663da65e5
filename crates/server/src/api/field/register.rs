//! The register: who and what the radio room knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::reader::told;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use field::register::{AssignSign, Import, NOUNS, Need, Noun, Record, SaveRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::{DiagnosticWord, Instant};

/// A column of a kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisterColumn {
    pub name: String,
    /// `text`, `word`, `whole`, `real`, `day`, `flag`, `time-zone`, `key` or `ladder`.
    pub form: String,
    /// The words that may stand there, when they are few.
    pub words: Vec<String>,
    /// Of a key: the kind of record that it names.
    pub of: Option<String>,
    pub needed: bool,
    /// What it is, in words.
    pub says: String,
}

/// A kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisterNoun {
    pub name: String,
    pub key_says: String,
    pub columns: Vec<RegisterColumn>,
}

/// Every kind of record, in an order in which they can be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisterNouns {
    pub nouns: Vec<RegisterNoun>,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisterRecord {
    /// It never changes.
    pub key: String,
    pub version: i64,
    /// Out of use from then on.
    pub retired: Option<Instant>,
    pub updated: Instant,
    /// Every column as it is written in CSV; empty where it is not filled.
    pub fields: BTreeMap<String, String>,
    /// What should be looked into: not verified for long, one means only.
    pub doubts: Vec<String>,
}

/// Records of one kind, by key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisterRecords {
    pub records: Vec<RegisterRecord>,
}

/// A record to be added or replaced.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveRegisterRecord {
    pub key: String,
    /// The version that was read; 0 for a new one.
    pub version: i64,
    /// Columns as they are written in CSV; what is missing is empty.
    pub fields: BTreeMap<String, String>,
    pub reason: String,
}

/// A record to be taken out of use.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetireRegisterRecord {
    pub key: String,
    pub version: i64,
    pub reason: String,
}

/// A file of records.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRecords {
    /// The first line names the columns; `key` is one of them.
    pub csv: String,
    /// Say what would happen and write nothing.
    #[serde(default)]
    pub trial: bool,
    pub reason: String,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportedRecords {
    pub created: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// It was written: all of it, or with findings nothing.
    pub written: bool,
    pub findings: Vec<DiagnosticWord>,
}

/// Who held a call sign from when until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallSign {
    pub id: String,
    pub sign: String,
    /// `person`, `vehicle` or `premises`.
    pub holder_kind: String,
    /// Key.
    pub holder: String,
    pub holder_name: String,
    pub network: Option<String>,
    pub from: Instant,
    /// `None`: until further notice.
    pub until: Option<Instant>,
}

/// All assignments, by sign and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallSigns {
    pub call_signs: Vec<CallSign>,
}

/// A call sign goes to somebody, or is free again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignCallSign {
    pub sign: String,
    /// The key of the holder that was read; another one is a conflict.
    pub seen: Option<String>,
    /// `person`, `vehicle` or `premises`; absent: it is free from now on.
    pub holder_kind: Option<String>,
    pub holder: Option<String>,
    pub network: Option<String>,
    /// From when on, if not from now: for what was given out before it was typed in. Not before somebody else's time ended.
    pub since: Option<Instant>,
    pub reason: String,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_register_nouns, Action::ReadField, list_register_nouns);
    routes.add(__path_list_register, Action::ReadField, list_register);
    routes.add(__path_save_register_record, Action::ManageField, save_register_record);
    routes.add(__path_retire_register_record, Action::ManageField, retire_register_record);
    routes.add(__path_import_register, Action::ManageField, import_register);
    routes.add(__path_list_call_signs, Action::ReadField, list_call_signs);
    routes.add(__path_assign_call_sign, Action::ManageField, assign_call_sign);
}

/// What kinds of records there are, and their columns.
#[utoipa::path(get, path = "/api/v1/field/register", tag = "field", responses((status = 200, body = RegisterNouns)))]
async fn list_register_nouns() -> Json<RegisterNouns> {
    Json(RegisterNouns { nouns: NOUNS.iter().map(noun_word).collect() })
}

/// Records of one kind.
#[utoipa::path(get, path = "/api/v1/field/register/{id}", tag = "field", params(("id" = String, Path)), responses((status = 200, body = RegisterRecords)))]
async fn list_register(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<RegisterRecords>, Problem> {
    let (noun, records) = app.field.records(&id).await?;
    let directory = app.field.directory().await?;
    let now = app.field.now();
    let doubts = directory.doubts(noun.name, now);
    let word = |record: &Record| record_word(noun, record, &doubts.about(record));
    Ok(Json(RegisterRecords { records: records.iter().map(word).collect() }))
}

/// Adds or replaces a record.
#[utoipa::path(put, path = "/api/v1/field/register/{id}", tag = "field", params(("id" = String, Path)), request_body = SaveRegisterRecord, responses((status = 200, body = RegisterRecord)))]
async fn save_register_record(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<SaveRegisterRecord>,
) -> Result<Json<RegisterRecord>, Problem> {
    let SaveRegisterRecord { key, version, fields, reason } = request;
    let reason = clean_reason(&reason)?;
    let order = SaveRecord { noun: id.clone(), key, version, fields, actor: caller.actor(), reason };
    let record = app.field.save_record(&order).await?;
    one(&app, &id, &record).await
}

/// Takes a record out of use; what names it stays readable.
#[utoipa::path(post, path = "/api/v1/field/register/{id}/retire", tag = "field", params(("id" = String, Path)), request_body = RetireRegisterRecord, responses((status = 200, body = RegisterRecord)))]
async fn retire_register_record(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<RetireRegisterRecord>,
) -> Result<Json<RegisterRecord>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let (actor, key) = (caller.actor(), &request.key);
    let retired = app.field.retire_record(&id, key, request.version, &actor, &reason).await?;
    one(&app, &id, &retired).await
}

/// Imports records from CSV: all rows or none.
#[utoipa::path(post, path = "/api/v1/field/register/{id}/import", tag = "field", params(("id" = String, Path)), request_body = ImportRecords, responses((status = 200, body = ImportedRecords)))]
async fn import_register(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<ImportRecords>,
) -> Result<Json<ImportedRecords>, Problem> {
    let ImportRecords { csv, trial, reason } = request;
    let reason = clean_reason(&reason)?;
    let done = app.field.import(&Import { noun: id, csv: csv.clone(), trial, actor: caller.actor(), reason }).await?;
    Ok(Json(imported_word(done, &csv)))
}

pub(super) fn imported_word(done: field::register::Imported, text: &str) -> ImportedRecords {
    ImportedRecords {
        created: done.created,
        changed: done.changed,
        unchanged: done.unchanged,
        written: done.written,
        findings: done.findings.iter().map(|finding| DiagnosticWord::of(finding, text)).collect(),
    }
}

/// Who holds which call sign, and who held it.
#[utoipa::path(get, path = "/api/v1/field/call-signs", tag = "field", responses((status = 200, body = CallSigns)))]
async fn list_call_signs(State(app): State<Arc<App>>) -> Result<Json<CallSigns>, Problem> {
    let directory = app.field.directory().await?;
    let word = |held: field::register::Assignment| CallSign {
        id: held.id.to_string(),
        sign: held.sign,
        holder_name: directory.name(&held.holder_kind, &held.holder),
        holder_kind: held.holder_kind,
        holder: held.holder,
        network: held.network,
        from: held.from.into(),
        until: held.until.map(Into::into),
    };
    let call_signs = app.field.call_signs().await?.into_iter().map(word).collect();
    Ok(Json(CallSigns { call_signs }))
}

/// Gives a call sign to somebody from now on.
#[utoipa::path(post, path = "/api/v1/field/call-signs", tag = "field", request_body = AssignCallSign, responses((status = 200, body = CallSigns)))]
async fn assign_call_sign(
    state: State<Arc<App>>,
    caller: Caller,
    Body(request): Body<AssignCallSign>,
) -> Result<Json<CallSigns>, Problem> {
    let holder = match (request.holder_kind, request.holder) {
        (Some(kind), Some(holder)) => Some((kind, holder)),
        (None, None) => None,
        _ => return Err(Problem::invalid("`holder_kind` and `holder` go together").with("field", "holder")),
    };
    let order = AssignSign {
        sign: request.sign,
        seen: request.seen,
        holder,
        network: request.network,
        since: request.since.map(|at| at.0),
        actor: caller.actor(),
        reason: clean_reason(&request.reason)?,
    };
    state.field.assign_sign(&order).await?;
    list_call_signs(state).await
}

async fn one(app: &App, noun: &str, record: &Record) -> Result<Json<RegisterRecord>, Problem> {
    let noun = NOUNS.iter().find(|known| known.name == noun).ok_or_else(|| Problem::not_found("noun", noun))?;
    let directory = app.field.directory().await?;
    Ok(Json(record_word(noun, record, &directory.doubts(noun.name, app.field.now()).about(record))))
}

fn record_word(noun: &Noun, record: &Record, doubts: &[field::speech::Sentence]) -> RegisterRecord {
    RegisterRecord {
        key: record.key.clone(),
        version: record.version,
        retired: record.retired.map(Into::into),
        updated: record.updated.into(),
        fields: record.shown(noun).into_iter().map(|(name, shown)| (name.to_owned(), shown)).collect(),
        doubts: doubts.iter().map(told).collect(),
    }
}

fn noun_word(noun: &Noun) -> RegisterNoun {
    let column = |column: &field::register::Column| RegisterColumn {
        name: column.name.to_owned(),
        form: column.form.as_str().to_owned(),
        words: column.form.words().iter().map(|word| (*word).to_owned()).collect(),
        of: match column.form {
            field::register::Form::Key(of) => Some(of.to_owned()),
            _ => None,
        },
        needed: column.need == Need::Needed,
        says: column.says.to_owned(),
    };
    RegisterNoun {
        name: noun.name.to_owned(),
        key_says: noun.key_says.to_owned(),
        columns: noun.columns.iter().map(column).collect(),
    }
}
