//! Reading entries: by key, by page, members.

use std::collections::BTreeMap;

use futures::StreamExt;
use ldap3::{Scope, ldap_escape};

use super::config::ClassMapping;
use super::entry::{Entry, attribute_value, value_bytes};
use super::session::Query;
use super::{ID, Ldap, control, name};
use crate::error::ConnectorError;
use crate::object::{Attribution, Object, ObjectClass};
use crate::operation::ObjectKey;
use crate::reading::{Key, Member, MemberPage, Page, PageToken, Search};
use crate::value::{AttributeName, AttributeValue, Attributes};

/// Operational attributes that are read with every entry.
const OPERATIONAL: [&str; 5] = [ID, "entryCSN", "modifyTimestamp", "modifiersName", "memberOf"];
/// Pages of one search that wait to be continued on the connection.
const WAITING_COOKIES: usize = 64;
/// Members whose entries are read at the same time.
const PARALLEL: usize = 8;

/// `(attribute=value)` with the value escaped (RFC 4515 §3).
pub(crate) fn equals(name: &AttributeName, value: &AttributeValue) -> String {
    match value {
        AttributeValue::Binary(bytes) => {
            let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
            format!("({name}={escaped})")
        }
        other => format!("({name}={})", ldap_escape(String::from_utf8_lossy(&value_bytes(other)).into_owned())),
    }
}

/// An attribute's name as it may stand in a filter.
pub(crate) fn checked(name: &AttributeName) -> Result<&AttributeName, ConnectorError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !name.as_str().is_empty() && name.as_str().bytes().all(plain) {
        return Ok(name);
    }
    Err(ConnectorError::invalid(format!("`{}` is no name of an attribute", name.as_str().escape_debug())))
}

impl Ldap {
    /// The object and its distinguished name.
    pub(super) async fn find(&self, key: &ObjectKey) -> Result<Option<(Object, String)>, ConnectorError> {
        let mapping = self.mapping(key.class)?;
        let condition = match &key.key {
            Key::Id(id) => equals(&ID.into(), &id.as_str().into()),
            Key::Attribute { name, value } => equals(checked(name)?, value),
        };
        let filter = format!("(&{}{condition})", mapping.filter);
        let found = self.session.search(&self.query(mapping, &filter, Vec::new())).await?;
        if found.entries.len() > 1 {
            let first = found.entries.first().and_then(|entry| entry.text(ID)).map(crate::ObjectId::new);
            return Err(ConnectorError::conflict(format!("{key} is {} entries", found.entries.len()), first));
        }
        if let Some(fault) = found.faults.into_iter().next() {
            return Err(ConnectorError::garbled(fault));
        }
        let Some(entry) = found.entries.into_iter().next() else { return Ok(None) };
        let object = self.object(key.class, mapping, &entry).map_err(ConnectorError::garbled)?;
        Ok(Some((object, entry.name)))
    }

    pub(super) fn query<'a>(
        &self,
        mapping: &'a ClassMapping,
        filter: &'a str,
        controls: Vec<ldap3::controls::RawControl>,
    ) -> Query<'a> {
        let mut attributes: Vec<&str> = OPERATIONAL.to_vec();
        if mapping.attributes.is_empty() {
            attributes.push("*");
        } else {
            attributes.push(mapping.naming.as_str());
            attributes.extend(mapping.attributes.iter().map(AttributeName::as_str));
            attributes.extend(mapping.enabled.as_ref().map(|enabled| enabled.attribute.as_str()));
        }
        Query { base: &mapping.base, scope: Scope::Subtree, filter, attributes, controls }
    }

    pub(super) fn object(&self, class: ObjectClass, mapping: &ClassMapping, entry: &Entry) -> Result<Object, String> {
        let id = entry.text(ID).ok_or_else(|| format!("`{}` has no {ID}", entry.name))?;
        let (first, parent) = name::split(&entry.name);
        let mut object = Object::new(class, id, name::value(first));
        object.container = Some(parent.to_owned());
        object.version = entry.text("entryCSN").map(str::to_owned);
        let mut attributes = Attributes::new().with("entryDN", entry.name.as_str());
        for (name, values) in &entry.attributes {
            let hidden = OPERATIONAL.iter().any(|known| name.as_str().eq_ignore_ascii_case(known));
            // Password hashes are nobody's business.
            if !hidden && !name.as_str().eq_ignore_ascii_case("userPassword") {
                attributes.set(name.clone(), values.iter().map(|bytes| attribute_value(bytes)).collect());
            }
        }
        if let Some(enabled) = &mapping.enabled {
            let value = entry.text(enabled.attribute.as_str());
            object.enabled = Some(value.is_none_or(|value| !value.eq_ignore_ascii_case(&enabled.disabled)));
        }
        object.attributes = attributes;
        object.protection = self.rules.of(&object);
        let ourselves = name::is_under(&entry.name, self.session.bind_name());
        if object.protection.is_none() && ourselves {
            object.protection = Some(crate::Protection::SyncAccount);
        }
        Ok(object)
    }

    /// A page; a token whose cookie is gone is found again by reading names up to the last object that was given.
    pub(super) async fn search_page(&self, search: &Search, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        let mapping = self.mapping(search.class)?;
        let mut filter = format!("(&{}", mapping.filter);
        for (name, value) in &search.equals {
            filter.push_str(&equals(checked(name)?, value));
        }
        filter.push(')');
        let size = i64::try_from(search.limit.clamp(1, self.capabilities.page_objects)).unwrap_or(1_000);
        let known = from.and_then(|token| self.cookies.lock().remove(token));
        let (cookie, mut skip_to) = match (from, known) {
            (None, _) => (Vec::new(), None),
            (Some(_), Some(cookie)) => (cookie, None),
            (Some(token), None) => (Vec::new(), Some(token.0.clone())),
        };
        let mut query = self.query(mapping, &filter, vec![control::paged(size, &cookie)]);
        let mut page = Page::default();
        loop {
            let found = match self.session.search(&query).await {
                // The connection that the cookie belonged to is gone: from the start, up to the last one given.
                Err(error) if !cookie.is_empty() && skip_to.is_none() && from.is_some() => {
                    tracing::debug!(%error, "a page is looked for again");
                    skip_to = from.map(|token| token.0.clone());
                    query.controls = vec![control::paged(size, &[])];
                    continue;
                }
                other => other?,
            };
            page.faults.extend(found.faults.iter().cloned());
            let value = found.control(control::PAGED).unwrap_or_default();
            let next = control::paged_cookie(value).unwrap_or_default();
            self.take_page(search.class, mapping, found.entries, &mut skip_to, &mut page);
            let last = page.objects.last().map(|object| PageToken(object.id.0.clone()));
            match (next.is_empty(), last) {
                (true, _) => return Ok(page),
                (false, Some(token)) => {
                    self.keep(&token, next);
                    page.next = Some(token);
                    return Ok(page);
                }
                // Everything on this page was skipped.
                (false, None) => query.controls = vec![control::paged(size, &next)],
            }
        }
    }

    fn take_page(
        &self,
        class: ObjectClass,
        mapping: &ClassMapping,
        entries: Vec<Entry>,
        skip_to: &mut Option<String>,
        page: &mut Page,
    ) {
        for entry in entries {
            if let Some(wanted) = skip_to {
                if entry.text(ID) == Some(wanted.as_str()) {
                    *skip_to = None;
                }
                continue;
            }
            match self.object(class, mapping, &entry) {
                Ok(object) => page.objects.push(object),
                Err(fault) => page.faults.push(fault),
            }
        }
    }

    fn keep(&self, token: &PageToken, cookie: Vec<u8>) {
        let mut cookies = self.cookies.lock();
        if cookies.len() >= WAITING_COOKIES {
            cookies.clear();
        }
        cookies.insert(token.clone(), cookie);
    }

    pub(super) async fn member_page(
        &self,
        key: &ObjectKey,
        from: Option<&PageToken>,
        limit: usize,
    ) -> Result<MemberPage, ConnectorError> {
        let groups = self.groups()?;
        let (_, name) = self.find(key).await?.ok_or_else(|| ConnectorError::not_found(key))?;
        let entry = self.session.entry(&name, &[groups.member.as_str()]).await?.unwrap_or_default();
        let key_of = |text: &str| crate::Matching::DistinguishedName.key(&text.into());
        let placeholder = groups.placeholder.as_deref().map(key_of);
        let names: BTreeMap<String, &str> = entry
            .texts(groups.member.as_str())
            .map(|name| (key_of(name), name))
            .filter(|(key, _)| Some(key) != placeholder.as_ref() && from.is_none_or(|token| *key > token.0))
            .collect();
        let limit = limit.clamp(1, self.capabilities.page_objects);
        let next = names.keys().nth(limit - 1).filter(|_| names.len() > limit).map(|key| PageToken(key.clone()));
        let chosen: Vec<String> = names.into_values().take(limit).map(str::to_owned).collect();
        let looked: Vec<_> = futures::stream::iter(chosen)
            .map(|name| async move {
                let entry = self.session.entry(&name, &[ID, "objectClass"]).await;
                (name, entry)
            })
            .buffered(PARALLEL)
            .collect()
            .await;
        let mut members = Vec::with_capacity(looked.len());
        for (name, entry) in looked {
            // A member that is not there any more is known by its name alone.
            let entry = entry?.unwrap_or_default();
            let is_group = entry.texts("objectClass").any(|class| {
                groups.class.object_classes.iter().any(|known| known.eq_ignore_ascii_case(class) && known != "top")
            });
            let class = entry.text(ID).map(|_| if is_group { ObjectClass::Group } else { ObjectClass::Account });
            members.push(Member { id: crate::ObjectId::new(entry.text(ID).unwrap_or(&name)), name, class });
        }
        Ok(MemberPage { members, next })
    }
}

/// Who changed an entry last.
pub(super) fn attribution(entry: &Entry) -> Option<Attribution> {
    let actor = entry.text("modifiersName").map(str::to_owned);
    let at = entry.text("modifyTimestamp").and_then(generalized_time);
    actor.as_ref()?;
    Some(Attribution { actor, at, evidence: "modifiersName".to_owned() })
}

/// `20261130081500Z` or `20261130081500.0Z` (RFC 4517 §3.3.13, in the form that servers write).
pub(crate) fn generalized_time(text: &str) -> Option<kernel::Timestamp> {
    let digits = text.get(..14).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    if !text.ends_with('Z') {
        return None;
    }
    let part = |from: usize, to: usize| &digits[from..to];
    let iso =
        format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14));
    iso.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_filter() {
        assert_eq!(equals(&"uid".into(), &"a)(uid=*".into()), "(uid=a\\29\\28uid=\\2a)");
        assert_eq!(equals(&"objectGUID".into(), &AttributeValue::Binary(vec![0, 255])), "(objectGUID=\\00\\ff)");
        assert!(checked(&"uid)(x".into()).is_err());
    }

    #[test]
    fn times_of_directories() {
        let at = generalized_time("20261130081500.0Z").unwrap();
        assert_eq!(at.to_string(), "2026-11-30T08:15:00.000000Z");
        assert_eq!(generalized_time("2026113008150é"), None);
    }
}
