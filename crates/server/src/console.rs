//! The console's files, embedded in the program; a notice where it was built without them.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

#[derive(RustEmbed)]
#[folder = "../../console/dist"]
#[allow_missing = true]
struct Dist;

const INDEX: &str = "index.html";
/// What a browser gets from a program that was built without the console.
const NOTICE: &str = include_str!("console_missing.html");
/// Smaller files are not worth compressing.
const WORTH_COMPRESSING: usize = 1_024;

/// The files of the console, in memory, each also compressed.
#[derive(Debug, Clone)]
pub struct Console {
    files: Arc<HashMap<String, File>>,
}

#[derive(Debug)]
struct File {
    plain: Bytes,
    gzip: Option<Bytes>,
    content_type: HeaderValue,
    etag: HeaderValue,
}

impl Console {
    /// What was in `console/dist` when the program was built; in a development build, what is there now.
    pub fn embedded() -> Console {
        let mut files = HashMap::new();
        for path in Dist::iter() {
            if let Some(file) = Dist::get(&path) {
                files.insert(path.to_string(), File::new(file.data.into_owned(), file.metadata.mimetype()));
            }
        }
        Console::of(files)
    }

    /// Files by path, with their media types.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>, String)>) -> Console {
        Console::of(files.into_iter().map(|(path, bytes, kind)| (path, File::new(bytes, &kind))).collect())
    }

    fn of(mut files: HashMap<String, File>) -> Console {
        files.entry(INDEX.to_owned()).or_insert_with(|| File::new(NOTICE.as_bytes().to_vec(), "text/html"));
        Console { files: Arc::new(files) }
    }

    /// Answers anything that is not the API: a file, or the page that draws itself by its address.
    pub fn answer(&self, request: &Request<Body>) -> Response<Body> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return crate::problem::Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "wrong-method",
                "Wrong method",
                "pages and their files can only be read",
            )
            .header(header::ALLOW, "GET,HEAD")
            .into_response();
        }
        let path = request.uri().path().trim_start_matches('/');
        if let Some(file) = self.files.get(path).filter(|_| path != INDEX) {
            // Names under `assets/` carry a digest of their content: they never change.
            let rule = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
            return file.answer(request.headers(), rule);
        }
        let looks_like_a_file = path.rsplit('/').next().is_some_and(|name| name.contains('.')) && path != INDEX;
        match self.files.get(INDEX) {
            Some(index) if !looks_like_a_file => index.answer(request.headers(), "no-cache"),
            _ => Problem::not_found("page", request.uri().path()).into_response(),
        }
    }
}

impl File {
    fn new(bytes: Vec<u8>, kind: &str) -> File {
        let is_text = kind.starts_with("text/")
            || ["javascript", "json", "svg", "wasm", "manifest"].iter().any(|word| kind.contains(word));
        let gzip = (is_text && bytes.len() >= WORTH_COMPRESSING).then(|| compress(&bytes)).flatten();
        let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind.to_owned() };
        let etag = format!("\"{}\"", &hex::encode(Sha256::digest(&bytes))[..32]);
        let value = |text: &str| HeaderValue::from_str(text);
        File {
            plain: bytes.into(),
            gzip,
            content_type: value(&kind).unwrap_or(HeaderValue::from_static("application/octet-stream")),
            etag: value(&etag).expect("hexadecimal digits in quotes are a header value"),
        }
    }

    fn answer(&self, headers: &HeaderMap, cache_rule: &'static str) -> Response<Body> {
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let etag = self.etag.to_str().unwrap_or_default();
        let is_known = known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag || tag.trim() == "*");
        let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let gzip = self.gzip.as_ref().filter(|_| accepts_gzip(accepts));
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Body::from(gzip.unwrap_or(&self.plain).clone()).into_response()
        };
        let out = response.headers_mut();
        out.insert(header::ETAG, self.etag.clone());
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_rule));
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        out.insert(header::CONTENT_TYPE, self.content_type.clone());
        if gzip.is_some() && !is_known {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

fn accepts_gzip(accept: &str) -> bool {
    accept.split(',').any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn compress(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).ok()?;
    let compressed = encoder.finish().ok()?;
    (compressed.len() < bytes.len()).then(|| compressed.into())
}
