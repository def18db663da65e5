//! A list in pages: where records are in an answer of JSON, and where it says that it goes on. All pages are one delivery, or
//! there is none.

use std::collections::HashSet;

use hyper::header;
use serde_json::Value as Json;
use url::Url;

use super::Taken;
use super::link;
use super::reader::{Got, Reader, Seen};
use crate::error::ConnectorError;

/// Pages of one delivery, at most.
const MOST_PAGES: usize = 100_000;

/// How a service lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Where the records are: a JSON pointer (RFC 6901). Absent: the answer is a list, or has one as `Resources` or `records`.
    pub records: Option<String>,
    /// Absent: there is one page.
    pub next: Option<Next>,
}

/// Where an answer says that it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// In a header `Link` with `rel="next"` (RFC 8288).
    Link,
    /// In the answer, at a JSON pointer (RFC 6901); the last page has nothing there.
    At(String),
}

impl Next {
    /// `link`, or a JSON pointer.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for another word.
    pub fn parse(text: &str) -> Result<Next, ConnectorError> {
        match text {
            "link" => Ok(Next::Link),
            pointer if pointer.starts_with('/') => Ok(Next::At(pointer.to_owned())),
            other => Err(ConnectorError::invalid(format!(
                "`{other}` is neither `link` nor a JSON pointer to the address of the next page, like `/paging/next`"
            ))),
        }
    }
}

/// Reads page after page, at the same origin alone: the secret travels with each question.
pub(super) async fn pages(reader: &mut Reader<'_>, url: &str, listing: &Listing) -> Result<Taken, ConnectorError> {
    let first = Url::parse(url).map_err(|error| ConnectorError::invalid(format!("`{url}` is no address: {error}")))?;
    let (mut seen, mut records, mut here) = (HashSet::new(), Vec::new(), first.clone());
    loop {
        if !seen.insert(here.to_string()) {
            let text = format!("page {} leads back to {}: its pages have no end", seen.len(), place(&here));
            return Err(ConnectorError::garbled(text));
        }
        if seen.len() > MOST_PAGES {
            return Err(ConnectorError::garbled(format!("it has more than {MOST_PAGES} pages")));
        }
        let number = seen.len();
        let got = reader.get(&place(&here), Seen::default()).await.map_err(|error| on_page(number, error))?;
        let Some(got) = got else { return Err(ConnectorError::garbled("a page that is unchanged")) };
        let mut page: Json = serde_json::from_slice(&got.body)
            .map_err(|error| ConnectorError::garbled(format!("page {number} cannot be read as JSON: {error}")))?;
        let next = next(&got, &page, listing.next.as_ref(), number)?;
        records.append(&mut list(&mut page, listing.records.as_deref(), number)?);
        let Some(next) = next else { break };
        here = follow(&first, &here, &next, number)?;
    }
    Ok(taken(&records))
}

fn on_page(number: usize, error: ConnectorError) -> ConnectorError {
    match number {
        1 => error,
        _ => ConnectorError { reason: format!("page {number}: {}", error.reason), ..error },
    }
}

/// Records as one delivery.
pub(super) fn taken(records: &[Json]) -> Taken {
    let mut body = String::from("[");
    for (at, record) in records.iter().enumerate() {
        body.push_str(if at == 0 { "" } else { ",\n" });
        body.push_str(&record.to_string());
    }
    body.push(']');
    Taken { body: body.into_bytes(), records: Some(records.len() as u64), etag: None, last_modified: None }
}

/// Path and query.
fn place(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

fn list(page: &mut Json, pointer: Option<&str>, number: usize) -> Result<Vec<Json>, ConnectorError> {
    let found = match pointer {
        Some(pointer) => page.pointer_mut(pointer),
        None if page.is_array() => Some(page),
        None => {
            let name = ["Resources", "records"].into_iter().find(|name| page.get(*name).is_some());
            name.and_then(|name| page.get_mut(name))
        }
    };
    match found {
        Some(Json::Array(records)) => Ok(std::mem::take(records)),
        _ => {
            let place = pointer.map_or_else(|| "as a whole, or at `/Resources`".to_owned(), |at| format!("at `{at}`"));
            Err(ConnectorError::garbled(format!("page {number} has no list {place}: say with `records` where it is")))
        }
    }
}

fn next(got: &Got, page: &Json, next: Option<&Next>, number: usize) -> Result<Option<String>, ConnectorError> {
    match next {
        None => Ok(None),
        Some(Next::Link) => {
            let fields = got.headers.get_all(header::LINK).iter().filter_map(|field| field.to_str().ok());
            Ok(link::target(fields, "next"))
        }
        Some(Next::At(pointer)) => match page.pointer(pointer) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Some(other) => {
                let text = format!("page {number} has {other} at `{pointer}`, and not the address of the next page");
                Err(ConnectorError::garbled(text))
            }
        },
    }
}

fn follow(first: &Url, here: &Url, next: &str, number: usize) -> Result<Url, ConnectorError> {
    let bad =
        |error| ConnectorError::garbled(format!("page {number} goes on at `{next}`, which is no address: {error}"));
    let mut to = here.join(next).map_err(bad)?;
    to.set_fragment(None);
    if to.origin() != first.origin() || !to.username().is_empty() || to.password().is_some() {
        let (to, from) = (to.origin().ascii_serialization(), first.origin().ascii_serialization());
        return Err(ConnectorError::invalid(format!(
            "page {number} goes on at {to}, and not at {from}: the secret would go where nobody said"
        )));
    }
    Ok(to)
}
