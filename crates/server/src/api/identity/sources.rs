//! Feeds with how they are doing, and asking the source of one now.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use identity::feed::{FeedView, SourceState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::feeds::{BatchWord, batch_word};
use crate::action::Action;
use crate::api::users::clean_reason;
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;

/// What is known of a source that is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityFeedSource)]
pub struct SourceWord {
    /// `taken`: it gave a delivery; `unchanged`; `waiting`: a push is not over, or has not begun; `failed`. Nothing was written
    /// but by `taken`.
    pub state: String,
    pub tried: Instant,
    /// When it last gave a delivery.
    pub taken: Option<Instant>,
    /// Times that it failed since it last did not.
    pub failures: i64,
    /// Why it failed, or what it waits for.
    pub problem: Option<String>,
    /// Since when it waits.
    pub waiting: Option<Instant>,
}

/// A feed. Its document is read and changed with the other documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityFeed)]
pub struct FeedWord {
    pub feed: String,
    pub title: String,
    /// The number of the person who answers for it.
    pub owner: String,
    /// `csv`, `json`, `ndjson` or `scim`.
    pub format: String,
    /// `full`: who is not in a delivery is gone; `partial`.
    pub scope: String,
    /// The drop folder in which files of it are taken.
    pub folder: Option<String>,
    /// What is wrong with it: it cannot be looked into, or files that could not be taken were put aside.
    pub folder_problems: Vec<String>,
    /// How it is asked: `sql`, `http`, `scim-push` or `scim-pull`. Absent: it is delivered.
    pub asked: Option<String>,
    /// Minutes between two times that it is asked.
    pub every_minutes: Option<i64>,
    /// Absent: it is not asked, or was not yet.
    pub source: Option<SourceWord>,
    /// Its latest delivery, by whichever way.
    pub last: Option<BatchWord>,
}

/// Feeds in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityFeeds)]
pub struct FeedsWord {
    pub feeds: Vec<FeedWord>,
}

/// Why a source is asked now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FetchFeed {
    pub reason: String,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityFetch)]
pub struct FetchWord {
    pub source: SourceWord,
    /// What became of what it gave. Absent: it gave nothing.
    pub batch: Option<BatchWord>,
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_list_feeds, Action::ReadIdentity, list_feeds);
    routes.add(__path_fetch_feed, Action::OperateIdentity, fetch_feed);
}

/// Feeds in use, with how each is doing.
#[utoipa::path(get, path = "/api/v1/identity/feeds", tag = "identity", responses((status = 200, body = FeedsWord)))]
async fn list_feeds(State(app): State<Arc<App>>) -> Result<Json<FeedsWord>, Problem> {
    let mut problems = app.identity.folder_problems().await?;
    let word = |view: FeedView| {
        let folder_problems = problems.remove(&view.key).unwrap_or_default();
        FeedWord { folder_problems, ..feed_word(view) }
    };
    let feeds = app.identity.feeds().await?.into_iter().map(word).collect();
    Ok(Json(FeedsWord { feeds }))
}

/// Asks the source of a feed now. A source that fails is no error: its state says why, and nothing was written.
#[utoipa::path(post, path = "/api/v1/identity/feeds/{id}/fetches", tag = "identity", params(("id" = String, Path)), request_body = FetchFeed, responses((status = 200, body = FetchWord)))]
async fn fetch_feed(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<FetchFeed>,
) -> Result<Json<FetchWord>, Problem> {
    clean_reason(&request.reason)?;
    let (source, batch) = app.identity.fetch_feed(&id, app.targets.as_ref(), &caller.actor()).await?;
    Ok(Json(FetchWord { source: source_word(source), batch: batch.map(batch_word) }))
}

fn source_word(source: SourceState) -> SourceWord {
    SourceWord {
        state: source.state.to_string(),
        tried: source.tried.into(),
        taken: source.taken.map(Into::into),
        failures: source.failures,
        problem: source.problem,
        waiting: source.waiting.map(Into::into),
    }
}

fn feed_word(view: FeedView) -> FeedWord {
    let FeedView { key, feed, source, last } = view;
    FeedWord {
        feed: key,
        title: feed.title,
        owner: feed.owner,
        format: feed.format.to_string(),
        scope: feed.scope.to_string(),
        folder: feed.folder,
        folder_problems: Vec::new(),
        asked: feed.source.as_ref().map(|source| source.kind().to_owned()),
        every_minutes: feed.source.as_ref().map(identity::feed::FeedSource::every_minutes),
        source: source.map(source_word),
        last: last.map(batch_word),
    }
}
