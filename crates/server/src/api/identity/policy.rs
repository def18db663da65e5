//! What the desk decides by: stations, systems, roles, rules, feeds.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use identity::document::{Document, DocumentKind, Draft, drafts_from_toml};
use identity::provision::Tried;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;

/// How long a connector is tried before its document is saved.
const TRIAL: Duration = Duration::from_secs(20);

/// A document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityDocument)]
pub struct DocumentWord {
    /// `station`, `system`, `role`, `rule`, `feed` or `settings`.
    pub kind: String,
    pub key: String,
    pub title: String,
    #[schema(value_type = Object)]
    pub body: Value,
    pub version: i64,
    pub updated: Instant,
    pub updated_by: String,
}

/// Documents of one kind, by key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityDocuments)]
pub struct DocumentsWord {
    pub documents: Vec<DocumentWord>,
}

/// A document as somebody wrote it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IdentityDraft)]
pub struct DraftWord {
    pub kind: String,
    pub key: String,
    /// Absent: take it out of use.
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
}

/// Documents to be put in force.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveDocuments {
    #[serde(default)]
    pub drafts: Vec<DraftWord>,
    /// Documents as TOML: tables such as `[role.finance-officer]`.
    pub toml: Option<String>,
    /// The version that was read, when there is one draft; 0 for a new document.
    pub version: Option<i64>,
    /// Save it though a system does not answer as its connector is set: the answer says so, and it is read when it does.
    #[serde(default)]
    pub anyway: bool,
    pub reason: String,
}

/// What came of trying the connector of a system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityTried)]
pub struct TriedWord {
    pub system: String,
    /// What answered: product and directory.
    pub found: Option<String>,
    /// Why it does not work, with the field that is to blame.
    pub problem: Option<String>,
}

/// Documents as they were saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentitySavedDocuments)]
pub struct SavedWord {
    pub documents: Vec<DocumentWord>,
    /// Connectors whose settings are new or other than before.
    pub tried: Vec<TriedWord>,
}

/// An entitlement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityEntitlement)]
pub struct EntitlementWord {
    pub id: String,
    pub system: String,
    pub name: String,
    pub kind: String,
    pub title: Option<String>,
    pub owner: Option<String>,
    pub risk: String,
    pub privileged: bool,
    pub cost_yearly: Option<f64>,
    pub seen: Option<Instant>,
    pub gone: Option<Instant>,
}

/// What systems can give, by system and name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityEntitlements)]
pub struct EntitlementsWord {
    pub entitlements: Vec<EntitlementWord>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_identity_documents, Action::ReadIdentity, list_identity_documents);
    routes.add(__path_save_identity_documents, Action::ManageIdentity, save_identity_documents);
    routes.add(__path_list_entitlements, Action::ReadIdentity, list_entitlements);
}

/// Documents of a kind that are in use.
#[utoipa::path(get, path = "/api/v1/identity/documents/{id}", tag = "identity", params(("id" = String, Path, description = "The kind: `station`, `system`, `role`, `rule`, `feed`, `settings`.")), responses((status = 200, body = DocumentsWord)))]
async fn list_identity_documents(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<DocumentsWord>, Problem> {
    let kind: DocumentKind = id.parse().map_err(|_| Problem::not_found("kind of document", &id))?;
    let documents = app.identity.documents(kind).await?;
    Ok(Json(DocumentsWord { documents: documents.into_iter().map(document_word).collect() }))
}

/// Puts documents in force at once, with what they change; refused when that would close more accounts than the house allows
/// without a look. The connector of a system is tried first: signed in with, and asked who it is.
#[utoipa::path(put, path = "/api/v1/identity/documents", tag = "identity", request_body = SaveDocuments, responses((status = 200, body = SavedWord)))]
async fn save_identity_documents(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<SaveDocuments>,
) -> Result<Json<SavedWord>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let drafts = drafts(request.drafts, request.toml.as_deref())?;
    let seen = request.version.filter(|_| drafts.len() == 1);
    let tried = tried(&app, &drafts, request.anyway).await?;
    let saved = app.identity.save_documents(&drafts, &reason, seen, &caller.actor()).await?;
    let tried = tried.into_iter().map(|Tried { system, found, problem }| TriedWord { system, found, problem });
    Ok(Json(SavedWord { documents: saved.into_iter().map(document_word).collect(), tried: tried.collect() }))
}

/// Tries the connectors that drafts bring or change. A target that hangs is one that does not answer.
async fn tried(app: &App, drafts: &[Draft], anyway: bool) -> Result<Vec<Tried>, Problem> {
    let trying = app.identity.try_connectors(drafts, app.targets.as_ref(), anyway);
    if let Ok(tried) = tokio::time::timeout(TRIAL, trying).await {
        return Ok(tried?);
    }
    let problem = format!("no answer within {} s", TRIAL.as_secs());
    let systems = drafts.iter().filter(|draft| draft.kind == DocumentKind::System && draft.body.is_some());
    let hanging: Vec<Tried> =
        systems.map(|draft| Tried { system: draft.key.clone(), found: None, problem: Some(problem.clone()) }).collect();
    if anyway {
        return Ok(hanging);
    }
    let names: Vec<&str> = hanging.iter().map(|one| one.system.as_str()).collect();
    let text =
        format!("system {}: {problem}; mend it, or save it anyway (`anyway`) and mend the target", names.join(", "));
    Err(Problem::invalid(text).with("field", "connector.settings"))
}

/// Everything that systems can give, as it was seen or named.
#[utoipa::path(get, path = "/api/v1/identity/entitlements", tag = "identity", responses((status = 200, body = EntitlementsWord)))]
async fn list_entitlements(State(app): State<Arc<App>>) -> Result<Json<EntitlementsWord>, Problem> {
    let catalog = app.identity.catalog().await?;
    let mut entitlements: Vec<EntitlementWord> = catalog
        .all()
        .map(|one| EntitlementWord {
            id: one.id.to_string(),
            system: one.system.clone(),
            name: one.name.clone(),
            kind: one.kind.to_string(),
            title: one.title.clone(),
            owner: one.owner.clone(),
            risk: one.risk.to_string(),
            privileged: one.privileged,
            cost_yearly: one.cost_yearly,
            seen: one.seen.map(Into::into),
            gone: one.gone.map(Into::into),
        })
        .collect();
    entitlements.sort_by(|left, right| (&left.system, &left.name).cmp(&(&right.system, &right.name)));
    Ok(Json(EntitlementsWord { entitlements }))
}

/// Drafts of a request, those of its TOML among them.
pub(super) fn drafts(words: Vec<DraftWord>, toml: Option<&str>) -> Result<Vec<Draft>, Problem> {
    let mut drafts = match toml {
        Some(text) => drafts_from_toml(text).map_err(identity::Error::from)?,
        None => Vec::new(),
    };
    for word in words {
        let kind = word.kind.parse().map_err(|error: String| Problem::invalid(error).with("field", "kind"))?;
        drafts.push(Draft { kind, key: word.key, body: word.body });
    }
    if drafts.is_empty() {
        return Err(Problem::invalid("there is no document in it").with("field", "drafts"));
    }
    Ok(drafts)
}

fn document_word(document: Document) -> DocumentWord {
    DocumentWord {
        title: document.title().to_owned(),
        kind: document.kind.to_string(),
        key: document.key,
        body: document.body,
        version: document.version,
        updated: document.updated.into(),
        updated_by: document.updated_by,
    }
}
