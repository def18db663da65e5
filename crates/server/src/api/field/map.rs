//! The base map of the desk: one PMTiles archive of the server, read by ranges, so that there is a map without internet and
//! nobody has to carry the file to each console.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::action::Action;
use crate::app::App;
use crate::problem::Problem;
use crate::routes::Routes;

const PMTILES: &str = "application/vnd.pmtiles";
const MAGIC: &[u8; 7] = b"PMTiles";

/// Registers the operation of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_read_base_map, Action::ReadField, read_base_map);
}

/// Which bytes of a file somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    Whole,
    /// From, and how many.
    Part(u64, u64),
    Nothing,
}

/// The base map, whole or one range of it (RFC 9110, 14): a PMTiles archive, version 3.
#[utoipa::path(get, path = "/api/v1/field/map/base.pmtiles", tag = "field", responses((status = 200, body = String, content_type = "application/vnd.pmtiles"), (status = 206, body = String, content_type = "application/vnd.pmtiles")))]
async fn read_base_map(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let missing = |problem: String| Problem::not_found("map", "base.pmtiles").help(problem);
    let Some(path) = &app.config.map_file else {
        return Err(missing("name a PMTiles file in the configuration: field.map_file".to_owned()));
    };
    let (mut file, size, tag) =
        open(path).await.map_err(|error| missing(format!("{} cannot be read: {error}", path.display())))?;
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if said(header::IF_NONE_MATCH) == Some(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    // Of another file than the one that was read from before, a range is worth nothing.
    let same = said(header::IF_RANGE).is_none_or(|known| known == tag);
    let span = said(header::RANGE).filter(|_| same).map_or(Span::Whole, |range| span_of(range, size));
    let (status, from, length) = match span {
        Span::Whole => (StatusCode::OK, 0, size),
        Span::Part(from, length) => (StatusCode::PARTIAL_CONTENT, from, length),
        Span::Nothing => {
            let all = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, all).into_response());
        }
    };
    file.seek(io::SeekFrom::Start(from)).await.map_err(|error| Problem::internal(&error))?;
    let body = Body::from_stream(ReaderStream::new(file.take(length)));
    let mut response = (
        status,
        [
            (header::CONTENT_TYPE, PMTILES.to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (header::ETAG, tag),
            (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        ],
        body,
    )
        .into_response();
    if let (Span::Part(..), Ok(range)) = (span, format!("bytes {from}-{}/{size}", from + length - 1).parse()) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

/// The file, its size, and a tag that changes with it.
async fn open(path: &Path) -> io::Result<(File, u64, String)> {
    let mut file = File::open(path).await?;
    let known = file.metadata().await?;
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic).await?;
    if &magic != MAGIC {
        return Err(io::Error::other("it is no PMTiles archive"));
    }
    let since = known.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((file, known.len(), format!("\"{:x}-{:x}\"", known.len(), since.as_nanos())))
}

/// Reads a `Range`. What is not one range of bytes is ignored, as the standard allows, and the whole is the answer.
fn span_of(range: &str, size: u64) -> Span {
    let Some((from, until)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Span::Whole;
    };
    let number = |text: &str| text.parse::<u64>().ok();
    match (number(from), number(until)) {
        (Some(from), _) if from >= size && (until.is_empty() || number(until).is_some()) => Span::Nothing,
        (Some(from), None) if until.is_empty() => Span::Part(from, size - from),
        (Some(from), Some(until)) if until >= from => Span::Part(from, until.min(size - 1) - from + 1),
        (None, Some(0)) if from.is_empty() => Span::Nothing,
        (None, Some(last)) if from.is_empty() && size > 0 => Span::Part(size - last.min(size), last.min(size)),
        _ => Span::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (range, span) in [
            ("bytes=0-9", Span::Part(0, 10)),
            ("bytes=90-200", Span::Part(90, 10)),
            ("bytes=99-", Span::Part(99, 1)),
            ("bytes=-10", Span::Part(90, 10)),
            ("bytes=-200", Span::Part(0, 100)),
            ("bytes=100-", Span::Nothing),
            ("bytes=100-200", Span::Nothing),
            ("bytes=-0", Span::Nothing),
            ("bytes=9-0", Span::Whole),
            ("bytes=0-1,5-6", Span::Whole),
            ("bytes=x-", Span::Whole),
            ("items=0-1", Span::Whole),
            ("bytes=-", Span::Whole),
        ] {
            assert_eq!(span_of(range, 100), span, "{range}");
        }
    }
}
