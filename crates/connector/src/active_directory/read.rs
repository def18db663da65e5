//! Reading: by id, by attribute, by page, members, everybody in the chain, what was deleted.

use async_trait::async_trait;
use ldap3::controls::RawControl;
use ldap3::{Scope, ldap_escape};
use serde::{Deserialize, Serialize};

use super::ActiveDirectory;
use super::object::{Located, class_filter, class_of};
use super::range::{self, RangeAnswer, RangeSource};
use super::value;
use crate::error::{ConnectorError, ErrorKind};
use crate::ldap::control;
use crate::ldap::entry::Entry;
use crate::ldap::session::{Found, Query};
use crate::ldap::{checked, equals};
use crate::object::{ObjectClass, ObjectId};
use crate::operation::ObjectKey;
use crate::reading::{Key, Member, MemberPage, Page, PageToken, Search};
use crate::value::AttributeName;

/// Entries of one message of the server; its own limit is 1,000.
const SERVER_PAGE: i64 = 1_000;
/// Creations looked at in the first window of a search.
const FIRST_WINDOW: i64 = 1_000;

/// Where a search stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// The server whose numbers these are.
    invocation: String,
    /// The next number of a creation to look at.
    from: i64,
    window: i64,
}

impl ActiveDirectory {
    pub(super) async fn find(&self, key: &ObjectKey) -> Result<Option<Located>, ConnectorError> {
        let condition = class_condition(key.class)?;
        let base = match &key.key {
            Key::Id(id) => guid_base(id)?,
            Key::Attribute { .. } => self.base().await?.to_owned(),
        };
        let (scope, filter) = match &key.key {
            Key::Id(_) => (Scope::Base, condition.to_owned()),
            Key::Attribute { name, value } => {
                (Scope::Subtree, format!("(&{condition}{})", equals(checked(name)?, value)))
            }
        };
        let query = Query { base: &base, scope, filter: &filter, attributes: self.wanted(), controls: Vec::new() };
        let found = match self.session.search(&query).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        if let Some(fault) = found.faults.first() {
            return Err(ConnectorError::garbled(fault.as_str()));
        }
        let mut objects = Vec::new();
        for entry in &found.entries {
            objects.push(self.located(key.class, entry).map_err(ConnectorError::garbled)?);
        }
        match objects.as_slice() {
            [_, _, ..] => {
                let first = objects.first().map(|located| located.object.id.clone());
                Err(ConnectorError::conflict(format!("{key} is {} objects", objects.len()), first))
            }
            _ => match objects.pop() {
                None => Ok(None),
                Some(located) => self.with_memberships(located, &found).await.map(Some),
            },
        }
    }

    /// The names that `memberOf` holds as ids.
    async fn with_memberships(&self, mut located: Located, found: &Found) -> Result<Located, ConnectorError> {
        let names: Vec<&str> = found.entries.first().map(|entry| entry.texts("memberOf").collect()).unwrap_or_default();
        let mut ids = Vec::with_capacity(names.len());
        for name in names {
            ids.extend(self.id_of(name).await?);
        }
        located.object.memberships = Some(ids);
        Ok(located)
    }

    /// The id behind a distinguished name.
    pub(super) async fn id_of(&self, name: &str) -> Result<Option<ObjectId>, ConnectorError> {
        let entry = self.session.entry(name, &["objectGUID"]).await?.unwrap_or_default();
        Ok(entry.bytes("objectGUID").first().and_then(|bytes| value::guid_text(bytes)).map(ObjectId))
    }

    /// The distinguished name behind an id.
    pub(super) async fn name_of(&self, id: &ObjectId) -> Result<Option<String>, ConnectorError> {
        Ok(self.session.entry(&guid_base(id)?, &["1.1"]).await?.map(|entry| entry.name))
    }

    /// A window of creations. Windows grow while they are empty and shrink while they are full.
    pub(super) async fn search_page(&self, search: &Search, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        let mut condition = format!("(&{}", class_condition(search.class)?);
        for (name, value) in &search.equals {
            condition.push_str(&equals(checked(name)?, value));
        }
        let (invocation, newest) = self.incarnation().await?;
        let mut place = place_of(from, invocation)?;
        let base = self.base().await?;
        let limit = search.limit.clamp(1, self.capabilities.page_objects);
        let mut page = Page::default();
        while page.objects.len() < limit && place.from <= newest {
            let to = place.from.saturating_add(place.window - 1).min(newest);
            let filter = format!("{condition}(uSNCreated>={})(uSNCreated<={to}))", place.from);
            let query =
                Query { base, scope: Scope::Subtree, filter: &filter, attributes: self.wanted(), controls: Vec::new() };
            let found = self.all_pages(query, None).await?;
            page.faults.extend(found.faults);
            let count = found.entries.len();
            for entry in &found.entries {
                match self.located(search.class, entry) {
                    Ok(located) => page.objects.push(located.object),
                    Err(fault) => page.faults.push(fault),
                }
            }
            place.from = to + 1;
            place.window =
                if count * 4 < limit { place.window.saturating_mul(4) } else { place.window.min(FIRST_WINDOW) };
        }
        if place.from <= newest {
            page.next = Some(token(&place)?);
        }
        Ok(page)
    }

    /// All entries of a question, message by message.
    pub(super) async fn all_pages(
        &self,
        mut query: Query<'_>,
        extra: Option<RawControl>,
    ) -> Result<Found, ConnectorError> {
        let mut all = Found::default();
        let mut cookie = Vec::new();
        loop {
            query.controls = vec![control::paged(SERVER_PAGE, &cookie)];
            query.controls.extend(extra.clone());
            let found = self.session.search(&query).await?;
            all.entries.extend(found.entries.iter().cloned());
            all.faults.extend(found.faults.iter().cloned());
            let paged = found.control(control::PAGED).unwrap_or_default();
            cookie = control::paged_cookie(paged).unwrap_or_default();
            if cookie.is_empty() {
                return Ok(all);
            }
        }
    }

    pub(super) async fn member_page(
        &self,
        key: &ObjectKey,
        from: Option<&PageToken>,
        limit: usize,
    ) -> Result<MemberPage, ConnectorError> {
        let Key::Id(id) = &key.key else {
            let group = self.find(key).await?.ok_or_else(|| ConnectorError::not_found(key))?;
            return range::page(&Ranges { directory: self, base: guid_base(&group.object.id)? }, from, limit).await;
        };
        range::page(&Ranges { directory: self, base: guid_base(id)? }, from, limit).await
    }

    /// LDAP_MATCHING_RULE_IN_CHAIN over `memberOf`.
    pub(super) async fn in_chain(&self, key: &ObjectKey) -> Result<Vec<Member>, ConnectorError> {
        let group = self.find(key).await?.ok_or_else(|| ConnectorError::not_found(key))?;
        let filter = format!("(memberOf:1.2.840.113556.1.4.1941:={})", ldap_escape(group.name.as_str()));
        let base = &self.domain().await?.base;
        let attributes = vec!["objectGUID", "objectClass"];
        let query = Query { base, scope: Scope::Subtree, filter: &filter, attributes, controls: Vec::new() };
        let found = self.all_pages(query, None).await?;
        let member = |entry: &Entry| {
            let id = entry.bytes("objectGUID").first().and_then(|bytes| value::guid_text(bytes))?;
            Some(Member { id: ObjectId(id), name: entry.name.clone(), class: class_of(entry) })
        };
        Ok(found.entries.iter().filter_map(member).collect())
    }

    pub(super) async fn deleted_page(
        &self,
        class: ObjectClass,
        from: Option<&PageToken>,
    ) -> Result<Page, ConnectorError> {
        let (invocation, newest) = self.incarnation().await?;
        let mut place = place_of(from, invocation)?;
        let word = match class {
            ObjectClass::Account => "user",
            ObjectClass::Group => "group",
            ObjectClass::OrganizationalUnit => "organizationalUnit",
            other => return Err(ConnectorError::unsupported(format!("hold objects of class {other}"))),
        };
        let base = format!("CN=Deleted Objects,{}", self.domain().await?.base);
        let mut page = Page::default();
        while page.objects.len() < self.capabilities.page_objects && place.from <= newest {
            let to = place.from.saturating_add(place.window - 1).min(newest);
            let filter =
                format!("(&(isDeleted=TRUE)(objectClass={word})(uSNCreated>={})(uSNCreated<={to}))", place.from);
            let mut attributes = self.wanted();
            attributes.extend(["lastKnownParent", "isDeleted"]);
            let query =
                Query { base: &base, scope: Scope::OneLevel, filter: &filter, attributes, controls: Vec::new() };
            let found = self.all_pages(query, Some(control::show_deleted())).await?;
            for entry in found.entries.iter().filter(|entry| class_of(entry) == Some(class)) {
                match self.located(class, entry) {
                    Ok(located) => page.objects.push(located.object),
                    Err(fault) => page.faults.push(fault),
                }
            }
            place.from = to + 1;
            place.window = place.window.saturating_mul(4);
        }
        if place.from <= newest {
            page.next = Some(token(&place)?);
        }
        Ok(page)
    }
}

fn class_condition(class: ObjectClass) -> Result<&'static str, ConnectorError> {
    class_filter(class).ok_or_else(|| ConnectorError::unsupported(format!("hold objects of class {class}")))
}

/// `<GUID=…>`: an entry wherever it was moved to.
pub(super) fn guid_base(id: &ObjectId) -> Result<String, ConnectorError> {
    let guid = uuid::Uuid::try_parse(id.as_str());
    let guid = guid.map_err(|_| ConnectorError::invalid(format!("`{id}` is no objectGUID")))?;
    Ok(format!("<GUID={guid}>"))
}

/// Numbers of another server, or of a restored one, mean nothing: from the start.
fn place_of(from: Option<&PageToken>, invocation: String) -> Result<Place, ConnectorError> {
    let start = Place { invocation, from: 1, window: FIRST_WINDOW };
    let Some(token) = from else { return Ok(start) };
    let place: Place = serde_json::from_str(&token.0)
        .map_err(|_| ConnectorError::invalid("the token is not one of this connector"))?;
    let sound = place.invocation == start.invocation && place.from >= 1 && place.window >= 1;
    Ok(if sound { place } else { start })
}

fn token(place: &Place) -> Result<PageToken, ConnectorError> {
    serde_json::to_string(place).map(PageToken).map_err(|error| ConnectorError::invalid(error.to_string()))
}

/// Ranges of `member`, each value with its ids (extended names, [MS-ADTS] 3.1.1.3.4.1.5).
struct Ranges<'a> {
    directory: &'a ActiveDirectory,
    base: String,
}

#[async_trait]
impl RangeSource for Ranges<'_> {
    async fn range(&self, from: u64, to: u64) -> Result<RangeAnswer, ConnectorError> {
        let wanted = format!("member;range={from}-{to}");
        let query = Query {
            base: &self.base,
            scope: Scope::Base,
            filter: "(objectClass=group)",
            attributes: vec![&wanted, "uSNChanged"],
            controls: vec![control::extended_names()],
        };
        let found = self.directory.session.search(&query).await?;
        let entry = found.entries.first().ok_or_else(|| ConnectorError::not_found("the group"))?;
        let version = entry.text("uSNChanged").unwrap_or_default().to_owned();
        let member = AttributeName::from("member");
        let part = entry.ranges.iter().find(|range| range.attribute == member);
        let (values, to) = match part {
            Some(range) if range.from != from => {
                return Err(ConnectorError::garbled(format!(
                    "asked from place {from}, the server gave from {}",
                    range.from
                )));
            }
            Some(range) => (range.values.as_slice(), range.to),
            None => (entry.bytes("member"), None),
        };
        let mut members = Vec::with_capacity(values.len());
        for bytes in values {
            let text = String::from_utf8_lossy(bytes);
            let (guid, name) = value::extended_name(&text);
            let guid =
                guid.ok_or_else(|| ConnectorError::garbled(format!("the member `{name}` came without its GUID")))?;
            members.push(Member { id: ObjectId(guid), name: name.to_owned(), class: None });
        }
        Ok(RangeAnswer { members, to, version })
    }
}
