//! All users of somebody else's SCIM service (RFC 7644, section 3.4.2), by cursor where it has them (RFC 9865).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Taken;
use super::download::path;
use super::pages::taken;
use super::reader::{Reader, Seen};
use crate::error::{ConnectorError, ErrorKind};
use crate::http::encode;
use crate::secret::Secret;
use crate::trust::Trust;

const ACCEPT: &str = "application/scim+json, application/json";
/// A list that changes while it is read is read so often.
const TRIES: usize = 3;
/// Pages of one list, at most.
const MOST_PAGES: usize = 100_000;

/// What a service is asked.
pub struct ScimList<'a> {
    /// `https://HOST/scim/v2`
    pub url: &'a str,
    pub trust: &'a Trust,
    /// `Authorization` with `Bearer …`.
    pub header: Option<(&'a str, &'a Secret)>,
    /// `userType eq "Employee"`
    pub filter: Option<&'a str>,
    /// Users that are asked for at once; the service may give fewer.
    pub page_users: usize,
    /// Of all pages together.
    pub largest_bytes: usize,
}

/// Every user, by id, without groups. A list that changes meanwhile is read again from its beginning, so that nobody is
/// passed over and nobody is there twice.
///
/// # Errors
/// As [`super::download`]; [`Transient`](ErrorKind::Transient) when it changed each time; [`Garbled`](ErrorKind::Garbled) when the
/// service gives fewer than it says that there are.
pub async fn scim_users(list: &ScimList<'_>) -> Result<Taken, ConnectorError> {
    let mut reader = Reader::new(list.url, list.trust, list.header, ACCEPT, list.largest_bytes)?;
    let (by_cursor, page_users) = capabilities(&mut reader, list).await?;
    let list = ScimList { page_users, ..*list };
    for _ in 0..TRIES {
        reader.begin_again();
        let read = match by_cursor {
            true => read_by_cursor(&mut reader, &list).await,
            false => read_by_index(&mut reader, &list).await,
        };
        if let Some(users) = read? {
            return Ok(taken(&users.into_values().collect::<Vec<_>>()));
        }
    }
    Err(ConnectorError::transient(format!("the list changed while it was read, {TRIES} times")))
}

/// Whether it has cursors, and how many users it gives at once. A service that does not say so has none.
async fn capabilities(reader: &mut Reader<'_>, list: &ScimList<'_>) -> Result<(bool, usize), ConnectorError> {
    let base = path(list.url).trim_end_matches('/');
    let said = match reader.get(&format!("{base}/ServiceProviderConfig"), Seen::default()).await {
        Ok(Some(got)) => serde_json::from_slice(&got.body).unwrap_or(Json::Null),
        Ok(None) => Json::Null,
        Err(error) if matches!(error.kind, ErrorKind::Transient) => return Err(error),
        // What matters is whether users can be read.
        Err(_) => Json::Null,
    };
    let most = |value: &Json| value.as_u64().and_then(|most| usize::try_from(most).ok()).filter(|most| *most > 0);
    let limits = [most(&said["pagination"]["maxPageSize"]), most(&said["filter"]["maxResults"])];
    let page_users = limits.into_iter().flatten().fold(list.page_users.max(1), usize::min);
    Ok((said["pagination"]["cursor"] == Json::Bool(true), page_users))
}

type Users = BTreeMap<String, Json>;

/// Pages count places; a page begins with the last user of the one before, so that whoever moved up is not passed over.
/// `None`: it changed meanwhile.
async fn read_by_index(reader: &mut Reader<'_>, list: &ScimList<'_>) -> Result<Option<Users>, ConnectorError> {
    let (mut users, mut total, mut last) = (Users::new(), None, None);
    for _ in 0..MOST_PAGES {
        let start = users.len().max(1);
        let mut page = page(reader, list, &format!("startIndex={start}&count={}", list.page_users.max(2))).await?;
        let said = page.total.ok_or_else(|| ConnectorError::garbled("a list without `totalResults`"))?;
        let id = |user: &Json| user["id"].as_str().map(str::to_owned);
        let joins = last.is_none() || (last == page.users.first().and_then(id));
        if *total.get_or_insert(said) != said || !joins {
            return Ok(None);
        }
        if last.is_some() {
            page.users.remove(0);
        }
        if page.users.is_empty() && users.len() < said {
            let text = format!("it gives {} users and says that there are {said}", users.len());
            return Err(ConnectorError::garbled(text));
        }
        last = page.users.last().and_then(id).or(last);
        if !add(&mut users, page.users)? {
            return Ok(None);
        }
        if users.len() >= said {
            return Ok((users.len() == said).then_some(users));
        }
    }
    Err(ConnectorError::garbled(format!("it has more than {MOST_PAGES} pages")))
}

/// `None`: the cursor did not hold.
async fn read_by_cursor(reader: &mut Reader<'_>, list: &ScimList<'_>) -> Result<Option<Users>, ConnectorError> {
    let (mut users, mut cursor) = (Users::new(), String::new());
    for _ in 0..MOST_PAGES {
        let asked = format!("cursor={}&count={}", encode(&cursor), list.page_users);
        let page = match page(reader, list, &asked).await {
            Err(error) if !cursor.is_empty() && error.raw.as_ref().is_some_and(|raw| raw.code == "400") => {
                return Ok(None);
            }
            other => other?,
        };
        if !add(&mut users, page.users)? {
            return Ok(None);
        }
        match page.next {
            Some(next) if next == cursor => return Err(ConnectorError::garbled("a cursor that leads to itself")),
            Some(next) => cursor = next,
            None => {
                let whole = page.total.is_none_or(|total| total == users.len());
                return Ok(whole.then_some(users));
            }
        }
    }
    Err(ConnectorError::garbled(format!("it has more than {MOST_PAGES} pages")))
}

/// Whether nobody was there before.
fn add(users: &mut Users, more: Vec<Json>) -> Result<bool, ConnectorError> {
    for mut user in more {
        let Some(id) = user["id"].as_str().map(str::to_owned) else {
            return Err(ConnectorError::garbled("a user without `id`"));
        };
        if let Json::Object(fields) = &mut user {
            fields.remove("groups");
        }
        if users.insert(id, user).is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Page {
    users: Vec<Json>,
    total: Option<usize>,
    next: Option<String>,
}

async fn page(reader: &mut Reader<'_>, list: &ScimList<'_>, asked: &str) -> Result<Page, ConnectorError> {
    let base = path(list.url).trim_end_matches('/');
    let filter = list.filter.map_or_else(String::new, |filter| format!("&filter={}", encode(filter)));
    let got = reader.get(&format!("{base}/Users?{asked}{filter}"), Seen::default()).await?;
    let body = got.map(|got| got.body).unwrap_or_default();
    let mut page: Json = serde_json::from_slice(&body)
        .map_err(|error| ConnectorError::garbled(format!("a page that cannot be read as JSON: {error}")))?;
    let users = match page["Resources"].take() {
        Json::Array(users) => users,
        // What is empty may be left out.
        Json::Null if page["totalResults"].is_u64() => Vec::new(),
        _ => {
            return Err(ConnectorError::garbled(
                "an answer that is no list of SCIM: check that the address ends before /Users",
            ));
        }
    };
    let total = page["totalResults"].as_u64().and_then(|total| usize::try_from(total).ok());
    let next = page["nextCursor"].as_str().filter(|next| !next.is_empty()).map(str::to_owned);
    Ok(Page { users, total, next })
}
