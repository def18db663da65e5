//! Answers compressed as they leave: whole JSON documents only.

use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};

/// Streams leave piece by piece as they are made, and files of the console are compressed already.
#[derive(Debug, Clone, Copy)]
pub struct WholeJson;

impl Predicate for WholeJson {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        let kind = response.headers().get(axum::http::header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind == "application/json")
    }
}

/// Answers of more than 1 KiB; what tells a session's secrets is smaller.
pub fn layer() -> CompressionLayer<And<WholeJson, SizeAbove>> {
    CompressionLayer::new().compress_when(WholeJson.and(SizeAbove::new(1_024)))
}
