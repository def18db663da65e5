//! What an address on the web gives: whole, unchanged, or an error; as one answer or in pages.

use hyper::header::{self, HeaderName};

use super::Taken;
use super::pages::{Listing, pages};
use super::reader::{Reader, Seen};
use crate::error::ConnectorError;
use crate::http::Origin;
use crate::secret::Secret;
use crate::trust::Trust;

const ACCEPT: &str = "application/json, application/scim+json, text/csv, application/x-ndjson";

/// What is fetched, and what of it is known.
pub struct Address<'a> {
    /// `https://…`, or `http://` on this machine.
    pub url: &'a str,
    pub trust: &'a Trust,
    /// A header with a secret value: `Authorization`, `X-Api-Key`.
    pub header: Option<(&'a str, &'a Secret)>,
    /// From the last time.
    pub etag: Option<&'a str>,
    pub last_modified: Option<&'a str>,
    /// Of all pages together.
    pub largest_bytes: usize,
    /// Where records are in an answer of JSON, and where it says that it goes on; `None`: the answer is the delivery.
    pub listing: Option<&'a Listing>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Download {
    /// It is as it was.
    Unchanged,
    Taken(Taken),
}

/// Fetches it. A redirection is not followed: the secret would go where nobody said.
///
/// # Errors
/// [`Transient`](crate::ErrorKind::Transient) when the server is away, busy or breaks off; [`Auth`](crate::ErrorKind::Auth) for a
/// secret or a certificate that does not hold; [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid)
/// for an address that leads elsewhere or an answer that is too large; [`Garbled`](crate::ErrorKind::Garbled) when a cut answer
/// could not be told from a whole one, or a page is none.
pub async fn download(address: &Address<'_>) -> Result<Download, ConnectorError> {
    let mut reader = Reader::new(address.url, address.trust, address.header, ACCEPT, address.largest_bytes)?;
    if let Some(listing) = address.listing {
        return pages(&mut reader, address.url, listing).await.map(Download::Taken);
    }
    let seen = Seen { etag: address.etag, last_modified: address.last_modified };
    let Some(got) = reader.get(path(address.url), seen).await? else { return Ok(Download::Unchanged) };
    let known = |name: HeaderName| got.text(&name).map(str::to_owned);
    Ok(Download::Taken(Taken {
        etag: known(header::ETAG),
        last_modified: known(header::LAST_MODIFIED),
        body: got.body.to_vec(),
        records: None,
    }))
}

/// Whether an address can be fetched.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid) when it is none, or plain HTTP to another machine.
pub fn check_address(url: &str) -> Result<(), ConnectorError> {
    Origin::parse(url).map(drop)
}

/// Path and query of an address, without the fragment.
pub(super) fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn path_and_query_travel_and_the_fragment_does_not() {
        assert_eq!(super::path("https://hr.vigie.test/people.json?since=1#top"), "/people.json?since=1");
        assert_eq!(super::path("https://hr.vigie.test"), "/");
        assert_eq!(super::path("https://hr.vigie.test/a/"), "/a/");
    }
}
