//! Lists: filtered, sorted, page by page by index (RFC 7644 §3.4.2.4) or by cursor (RFC 9865).

use std::cmp::Ordering;

use serde_json::{Map, Value as Json};
use store::{Row, params};

use crate::error::{Error, ScimType};
use crate::filter::{Comparison, Filter};
use crate::path::AttributePath;
use crate::resource;
use crate::room::{Kind, Scim, Stored};
use crate::sql;

/// Resources of one page, at most.
pub const MOST_RESULTS: usize = 1_000;
/// Resources of one page when nothing is asked.
const USUAL_RESULTS: usize = 100;
/// Resources read at once while a filter is looked for.
const PIECE: usize = 1_000;

kernel::words! {
    /// Which end comes first.
    SortOrder {
        Ascending = "ascending",
        Descending = "descending",
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListRequest {
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    pub sort_order: Option<SortOrder>,
    /// From 1; less is 1.
    pub start_index: Option<i64>,
    pub count: Option<i64>,
    /// Empty: the first page by cursor.
    pub cursor: Option<String>,
}

/// What there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub resources: Vec<Stored>,
    /// `None`: not counted, because a page by cursor does not read everything.
    pub total: Option<usize>,
    pub start_index: usize,
    pub next_cursor: Option<String>,
}

impl Scim {
    /// A page of resources of a kind.
    ///
    /// # Errors
    /// `invalidFilter`, `invalidPath` for what to sort by, `invalidValue` for a cursor that is none.
    pub async fn list(&self, kind: Kind, request: &ListRequest) -> Result<Listed, Error> {
        let filter = request.filter.as_deref().filter(|text| !text.trim().is_empty()).map(Filter::parse).transpose()?;
        let sort = request.sort_by.as_deref().map(AttributePath::parse).transpose()?;
        let count = request.count.map_or(USUAL_RESULTS, |count| usize::try_from(count).unwrap_or(0)).min(MOST_RESULTS);
        if let Some(cursor) = &request.cursor {
            if sort.is_some() {
                let detail = "a list by cursor is in the order of creation; leave sortBy out".to_owned();
                return Err(Error::Bad { kind: ScimType::InvalidValue, detail });
            }
            return self.by_cursor(kind, filter.as_ref(), cursor, count.max(1)).await;
        }
        let start = request.start_index.map_or(1, |start| usize::try_from(start).unwrap_or(1).max(1));
        if filter.is_none() && sort.is_none() {
            return self.plain(kind, start, count).await;
        }
        let mut found = match filter.as_ref().and_then(|filter| indexed(kind, filter)) {
            Some((column, value)) => self.by_index(kind, column, &value).await?,
            None => self.everything(kind).await?,
        };
        if let Some(filter) = &filter {
            found = self.fitting(found, filter).await?;
        }
        if let Some(path) = &sort {
            let descending = request.sort_order == Some(SortOrder::Descending);
            found.sort_by(|left, right| {
                let order = by_attribute(&left.body, &right.body, path);
                if descending { order.reverse() } else { order }
            });
        }
        let total = found.len();
        let page: Vec<Stored> = found.into_iter().skip(start - 1).take(count).collect();
        self.linked(page, Some(total), start, None).await
    }

    async fn plain(&self, kind: Kind, start: usize, count: usize) -> Result<Listed, Error> {
        let total = self.count(kind).await?;
        let rows = self.store.fetch_all(&sql::SKIPPING, params![kind.as_str(), count, start - 1]).await?;
        self.linked(stored(&rows)?, Some(total), start, None).await
    }

    async fn by_cursor(
        &self,
        kind: Kind,
        filter: Option<&Filter>,
        cursor: &str,
        count: usize,
    ) -> Result<Listed, Error> {
        let sound = cursor.len() <= 64 && cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !sound {
            return Err(Error::value("the cursor is none of ours"));
        }
        let (mut after, mut page) = (cursor.to_owned(), Vec::new());
        let mut more = true;
        while more && page.len() <= count {
            let rows = self.store.fetch_all(&sql::AFTER, params![kind.as_str(), after.as_str(), PIECE]).await?;
            more = rows.len() == PIECE;
            let piece = stored(&rows)?;
            if let Some(last) = piece.last() {
                after.clone_from(&last.id);
            }
            page.extend(match filter {
                Some(filter) => self.fitting(piece, filter).await?,
                None => piece,
            });
        }
        let next = (page.len() > count).then(|| page[count - 1].id.clone());
        page.truncate(count);
        let total = if filter.is_none() { Some(self.count(kind).await?) } else { None };
        self.linked(page, total, 1, next).await
    }

    async fn count(&self, kind: Kind) -> Result<usize, Error> {
        let row = self.store.fetch_optional(&sql::COUNT, params![kind.as_str()]).await?;
        let count = row.map(|row| row.int("count")).transpose()?.unwrap_or(0);
        Ok(usize::try_from(count).unwrap_or(0))
    }

    async fn by_index(&self, kind: Kind, column: Column, value: &str) -> Result<Vec<Stored>, Error> {
        let statement = match column {
            Column::Id => &sql::RESOURCE,
            Column::Name => &sql::BY_NAME,
            Column::ExternalId => &sql::BY_EXTERNAL_ID,
        };
        stored(&self.store.fetch_all(statement, params![kind.as_str(), value]).await?)
    }

    async fn everything(&self, kind: Kind) -> Result<Vec<Stored>, Error> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let rows = self.store.fetch_all(&sql::AFTER, params![kind.as_str(), after.as_str(), PIECE]).await?;
            let piece = stored(&rows)?;
            let Some(last) = piece.last() else { return Ok(all) };
            after.clone_from(&last.id);
            let whole = piece.len() < PIECE;
            all.extend(piece);
            if whole {
                return Ok(all);
            }
        }
    }

    async fn fitting(&self, all: Vec<Stored>, filter: &Filter) -> Result<Vec<Stored>, Error> {
        let text = filter.to_string().to_ascii_lowercase();
        let links = text.contains("members") || text.contains("groups");
        let mut fitting = Vec::new();
        for stored in all {
            let stored = if links { self.with_links(stored).await? } else { stored };
            // Our own attributes (`id`, `meta.lastModified`) are compared as well.
            if filter.fits(&stored.to_json("")) {
                fitting.push(stored);
            }
        }
        Ok(fitting)
    }

    async fn linked(
        &self,
        page: Vec<Stored>,
        total: Option<usize>,
        start_index: usize,
        next_cursor: Option<String>,
    ) -> Result<Listed, Error> {
        let mut resources = Vec::with_capacity(page.len());
        for stored in page {
            resources.push(self.with_links(stored).await?);
        }
        Ok(Listed { resources, total, start_index, next_cursor })
    }
}

fn stored(rows: &[Row]) -> Result<Vec<Stored>, Error> {
    Ok(rows.iter().map(Stored::from_row).collect::<Result<_, _>>()?)
}

/// A column that finds resources without reading all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Id,
    Name,
    ExternalId,
}

/// The question that every client asks before it creates: `userName eq "…"`. What is found is still put to the filter.
fn indexed(kind: Kind, filter: &Filter) -> Option<(Column, String)> {
    match filter {
        Filter::Compare(path, Comparison::Eq, Json::String(value)) if path.sub.is_none() && path.schema.is_none() => {
            let is = |name: &str| path.name.eq_ignore_ascii_case(name);
            match kind {
                _ if is("id") => Some((Column::Id, value.clone())),
                _ if is("externalId") => Some((Column::ExternalId, value.clone())),
                Kind::User if is("userName") => Some((Column::Name, value.to_lowercase())),
                Kind::Group if is("displayName") => Some((Column::Name, value.to_lowercase())),
                Kind::User | Kind::Group => None,
            }
        }
        Filter::And(left, right) => indexed(kind, left).or_else(|| indexed(kind, right)),
        _ => None,
    }
}

/// Texts without case unless it matters; of several values the primary one, or the first; what is missing comes last.
fn by_attribute(left: &Map<String, Json>, right: &Map<String, Json>, path: &AttributePath) -> Ordering {
    let exact = resource::is_exact(path);
    let key = |fields: &Map<String, Json>| {
        let whole = Json::Object(fields.clone());
        let found = resource::at(&whole, path);
        let values: Vec<&Json> = found.into_iter().flat_map(resource::each).collect();
        let chosen = values.iter().find(|one| one["primary"] == Json::Bool(true)).or(values.first())?;
        let simple = if chosen.is_object() { &chosen["value"] } else { chosen };
        Some(match simple {
            Json::String(text) if exact => text.clone(),
            Json::String(text) => text.to_lowercase(),
            other => other.to_string(),
        })
    };
    match (key(left), key(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (left, right) => right.is_some().cmp(&left.is_some()),
    }
}
