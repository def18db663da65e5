//! The way in for live sources over HTTP.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
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
async fn ingest() -> Problem {
    Problem::unavailable("being built", 60)
}
