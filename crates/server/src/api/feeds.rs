//! The way in for trackers, satellite messengers and bridges, each in its own format.
//!
//! A device authenticates with a token of scope `ingest`, best one whose target is the feed: as `Authorization: Bearer`, as the
//! password of Basic, in `X-Outbound-Auth-Token` (Garmin), or as the parameter `token` of the address.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::body::{self, Limits};
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use courier::feed::{Feed, FeedRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where feeds are.
pub const PATH: &str = "/api/v1/feeds/";
/// The parameter that holds a token.
const TOKEN: &str = "token";

/// What became of a delivery. It is durable when this is returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedReceipt {
    pub messages: u32,
    pub positions: u32,
    pub distress: u32,
    pub receipts: u32,
    /// Items that had been delivered before.
    pub duplicates: u32,
    /// What could not be read, each with its place and the remedy. The bytes are kept.
    pub findings: Vec<String>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_deliver_by_query, Action::Ingest, deliver_by_query);
    routes.add(__path_deliver_to_feed, Action::Ingest, deliver_to_feed);
}

/// Delivers by parameters alone, as OsmAnd and Traccar Client do.
#[utoipa::path(get, path = "/api/v1/feeds/{target}", tag = "feeds", params(("target" = String, Path, description = "osmand"), ("device" = Option<String>, Query, description = "the device, for formats that do not name it"), ("token" = Option<String>, Query, description = "for devices that can authenticate in no other way")), responses((status = 200, body = FeedReceipt)))]
async fn deliver_by_query(app: State<Arc<App>>, target: Path<String>, request: Request) -> Result<Response, Problem> {
    take(app, target, request).await
}

/// Delivers in the format of the feed: osmand, inreach, owntracks, meshtastic, webhook, cap, gpx, kml, geojson.
#[utoipa::path(post, path = "/api/v1/feeds/{target}", tag = "feeds", request_body(content = String, content_type = "application/octet-stream"), params(("target" = String, Path, description = "the format: osmand, inreach, owntracks, meshtastic, webhook, cap, gpx, kml, geojson"), ("device" = Option<String>, Query, description = "the device, for formats that do not name it"), ("token" = Option<String>, Query, description = "for devices that can authenticate in no other way")), responses((status = 200, body = FeedReceipt)))]
async fn deliver_to_feed(app: State<Arc<App>>, target: Path<String>, request: Request) -> Result<Response, Problem> {
    take(app, target, request).await
}

async fn take(State(app): State<Arc<App>>, Path(target): Path<String>, request: Request) -> Result<Response, Problem> {
    let feed = Feed::named(&target).ok_or_else(|| {
        let names: Vec<&str> = Feed::ALL.iter().map(|feed| feed.as_str()).collect();
        Problem::not_found("feed", &target).help(format!("feeds are: {}", names.join(", ")))
    })?;
    let (parts, body) = request.into_parts();
    let limits = Limits { travelling: app.config.ingest_bytes, decoded: app.config.ingest_decoded_bytes };
    let read = body::read(&parts.headers, body, limits, &app.ingest_memory, &app.config, app.clock.as_ref()).await?;
    let query = without_token(parts.uri.query().unwrap_or_default());
    let device = device_of(&query, &parts.headers);
    let reading = feed.read(FeedRequest { query: &query, device: device.as_deref(), body: &read.bytes });
    // A request without a body is its query.
    let raw = if read.bytes.is_empty() { query.as_bytes() } else { &read.bytes[..] };
    let taken = app.courier.take(feed.as_str(), raw, reading).await?;
    app.courier.note_connection(feed.as_str(), Ok(()));
    if feed == Feed::OwnTracks {
        // The client wants a list of commands, and there are none.
        return Ok(Json(serde_json::json!([])).into_response());
    }
    let courier::Taken { messages, positions, distress, receipts, duplicates, findings } = taken;
    Ok(Json(FeedReceipt { messages, positions, distress, receipts, duplicates, findings }).into_response())
}

/// The token in a query, if there is one.
pub fn query_token(query: &str) -> Option<String> {
    pairs(query).find(|(name, _)| name == TOKEN).map(|(_, value)| value)
}

/// A query as it is read and kept.
fn without_token(query: &str) -> String {
    let kept = query.split('&').filter(|part| part.split('=').next() != Some(TOKEN));
    kept.collect::<Vec<_>>().join("&")
}

/// `device=…`, or user and device as OwnTracks sends them.
fn device_of(query: &str, headers: &HeaderMap) -> Option<String> {
    let parameter = |wanted: &str| pairs(query).find(|(name, _)| name == wanted).map(|(_, value)| value);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let user = header("x-limit-u").or_else(|| parameter("u"));
    let device = header("x-limit-d").or_else(|| parameter("d"));
    let both = user.zip(device).map(|(user, device)| format!("{user}/{device}"));
    parameter("device").or(both).filter(|name| !name.trim().is_empty())
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let query: axum::extract::Query<Vec<(String, String)>> =
        axum::extract::Query::try_from_uri(&format!("/?{query}").parse().unwrap_or_default()).unwrap_or_default();
    query.0.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_and_never_kept() {
        let query = "id=bf12&token=vgt_x%2Dy&lat=1";
        assert_eq!(query_token(query).as_deref(), Some("vgt_x-y"));
        assert_eq!(without_token(query), "id=bf12&lat=1");
        assert_eq!(query_token("id=1"), None);
        assert_eq!(device_of("u=ana&d=phone", &HeaderMap::new()).as_deref(), Some("ana/phone"));
    }
}
