//! The way in for live sources over HTTP.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{self, Limits, expect_type};
use crate::error::delivery_problem;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use kernel::port::{Delivery, DeliveryError, Receipt};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a delivery. It is durable when this is returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Receipt)]
pub struct ReceiptWord {
    /// Records accepted, those in `_Unparsed` included.
    pub accepted: u64,
    /// Of these, how many lie in `_Unparsed` with the reason.
    pub unparsed: u64,
    /// The delivery was seen before; nothing was stored again.
    pub duplicate: bool,
    /// Up to ten things that were wrong, with their place.
    pub problems: Vec<String>,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_ingest, Action::Ingest, ingest);
}

/// Delivers records: NDJSON, also gzip. The answer comes when they are durable.
#[utoipa::path(post, path = "/api/v1/ingest/{target}", tag = "ingest", request_body(content = String, content_type = "application/x-ndjson"), params(("target" = String, Path, description = "a source, or a table"), ("Vigie-Delivery" = Option<String>, Header, description = "the sender's own name for this delivery: one with the same name is taken once")), responses((status = 200, body = ReceiptWord)))]
async fn ingest(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(target): Path<String>,
    request: Request,
) -> Result<Json<ReceiptWord>, Problem> {
    let (parts, body) = request.into_parts();
    expect_type(&parts.headers, TYPES)?;
    let (source, table) = resolve(&app, &caller, &target)?;
    let key = delivery_key(&parts.headers)?;
    let limits = Limits { travelling: app.config.ingest_bytes, decoded: app.config.ingest_decoded_bytes };
    let read = body::read(&parts.headers, body, limits, &app.ingest_memory, &app.config, app.clock.as_ref()).await?;
    let delivery = Delivery { source, table, body: read.bytes.clone(), key };
    let receipt = app.intake.accept(delivery).await.map_err(|error| delivery_problem(&error))?;
    drop(read);
    let Receipt { accepted, unparsed, duplicate, problems } = receipt;
    Ok(Json(ReceiptWord { accepted, unparsed, duplicate, problems }))
}

/// Media types of deliveries. Senders do not agree on the one for NDJSON; text is for sources that send lines.
const TYPES: &[&str] =
    &["application/x-ndjson", "application/ndjson", "application/jsonl", "application/json", "text/plain"];
/// The sender's own name for a delivery.
const KEY_HEADER: &str = "vigie-delivery";

/// A source under its name, else a table to which the token delivers under its own name.
fn resolve(app: &App, caller: &Caller, target: &str) -> Result<(String, Option<String>), Problem> {
    if app.intake.sources().iter().any(|source| source.name == target) {
        return Ok((target.to_owned(), None));
    }
    if app.lake.tables().iter().any(|table| table.name == target) {
        let sender = match caller {
            Caller::Token(token) => token.name.clone(),
            Caller::User(_) | Caller::Anonymous => "http".to_owned(),
        };
        return Ok((sender, Some(target.to_owned())));
    }
    Err(delivery_problem(&DeliveryError::UnknownTarget(target.to_owned())))
}

fn delivery_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(KEY_HEADER) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > 200 {
        return Err(Problem::invalid("Vigie-Delivery has 1 to 200 visible ASCII characters"));
    }
    Ok(Some(text.to_owned()))
}
