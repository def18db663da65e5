//! Changes by content synchronisation (RFC 4533), one synchronisation for accounts and one for groups.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::control::{self, EntryState, SyncInfo};
use super::entry::Entry;
use super::read::attribution;
use super::session::Found;
use super::{ID, Ldap};
use crate::error::ConnectorError;
use crate::object::{ObjectClass, ObjectId};
use crate::reading::{Cursor, Delta, DeltaPage, NativeChange, WhatChanged};

/// e-syncRefreshRequired of RFC 4533 §2.6.
const REFRESH_REQUIRED: &str = "4096";

/// The cookies of both, as base64.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cookies {
    accounts: String,
    groups: Option<String>,
}

/// What one synchronisation told.
struct Told {
    cookie: Vec<u8>,
    changes: Vec<NativeChange>,
    /// Everything that is there, when the server could not say what is gone.
    still_there: Option<Vec<ObjectId>>,
    faults: Vec<String>,
}

impl Ldap {
    pub(super) async fn cursor_now(&self) -> Result<Cursor, ConnectorError> {
        let mut cookies = Cookies { accounts: self.cookie_now(ObjectClass::Account).await?, groups: None };
        if self.config.groups.is_some() {
            cookies.groups = Some(self.cookie_now(ObjectClass::Group).await?);
        }
        text(&cookies)
    }

    /// A synchronisation of ids alone ends with the cookie of now.
    async fn cookie_now(&self, class: ObjectClass) -> Result<String, ConnectorError> {
        let mapping = self.mapping(class)?;
        let mut query = self.query(mapping, &mapping.filter, vec![control::sync_request(None)]);
        query.attributes = vec!["1.1"];
        let found = self.session.search(&query).await?;
        let cookie = last_cookie(&found)?;
        let cookie = cookie.ok_or_else(|| {
            ConnectorError::unsupported("tell changes: the server gave no cookie (OpenLDAP: load the overlay syncprov)")
        })?;
        Ok(STANDARD.encode(cookie))
    }

    pub(super) async fn changes(&self, since: &Cursor) -> Result<Delta, ConnectorError> {
        let cookies: Cookies = serde_json::from_str(&since.0).map_err(|_| not_ours())?;
        let mut page = DeltaPage {
            changes: Vec::new(),
            next: since.clone(),
            more: false,
            still_there: Vec::new(),
            faults: Vec::new(),
        };
        let mut next = Cookies::default();
        let classes = [(ObjectClass::Account, Some(cookies.accounts)), (ObjectClass::Group, cookies.groups)];
        for (class, cookie) in classes {
            let Some(cookie) = cookie else { continue };
            let told = match self.synchronise(class, &STANDARD.decode(&cookie).map_err(|_| not_ours())?).await? {
                Ok(told) => told,
                Err(reason) => return Ok(Delta::CursorLost { reason }),
            };
            let cookie = STANDARD.encode(&told.cookie);
            match class {
                ObjectClass::Group => next.groups = Some(cookie),
                _ => next.accounts = cookie,
            }
            page.changes.extend(told.changes);
            page.faults.extend(told.faults);
            page.still_there.extend(told.still_there.map(|ids| (class, ids)));
        }
        page.next = text(&next)?;
        Ok(Delta::Changes(page))
    }

    /// `Err`: why the cookie does not hold any more.
    async fn synchronise(&self, class: ObjectClass, cookie: &[u8]) -> Result<Result<Told, String>, ConnectorError> {
        let mapping = self.mapping(class)?;
        let query = self.query(mapping, &mapping.filter, vec![control::sync_request(Some(cookie))]);
        let found = match self.session.search(&query).await {
            Err(error) => {
                let raw = error.raw.as_deref();
                let newer = raw.is_some_and(|raw| raw.text.contains("newer than provider"));
                if newer || raw.is_some_and(|raw| raw.code == REFRESH_REQUIRED) {
                    return Ok(Err(format!("the directory was restored or does not go back so far ({error})")));
                }
                return Err(error);
            }
            Ok(found) => found,
        };
        let next = last_cookie(&found)?.unwrap_or_else(|| cookie.to_vec());
        if next.is_empty() && !cookie.is_empty() {
            return Ok(Err(
                "the directory does not know where we were, and told everything without a cookie".to_owned()
            ));
        }
        let mut told = Told { cookie: next, changes: Vec::new(), still_there: None, faults: found.faults.clone() };
        let mut present = Vec::new();
        for entry in &found.entries {
            self.tell(class, entry, &mut told, &mut present);
        }
        let deletes_named = self.phases(class, &found, &mut told, &mut present)?;
        if !deletes_named && (!told.changes.is_empty() || !present.is_empty()) {
            let changed = told.changes.iter().filter(|change| !matches!(change.what, WhatChanged::Deleted { .. }));
            present.extend(changed.map(|change| change.id.clone()));
            present.sort();
            present.dedup();
            told.still_there = Some(present);
        }
        Ok(Ok(told))
    }

    fn tell(&self, class: ObjectClass, entry: &Entry, told: &mut Told, present: &mut Vec<ObjectId>) {
        let state = entry.controls.iter().find(|(oid, _)| oid == control::SYNC_STATE).map(|(_, value)| value);
        let parsed = state.ok_or("an entry without its state".to_owned());
        let (state, id, _) = match parsed.and_then(|value| control::sync_state(value).map_err(|bad| bad.to_string())) {
            Ok(parsed) => parsed,
            Err(fault) => return told.faults.push(format!("`{}`: {fault}", entry.name)),
        };
        let Some(id) = uuid_text(&id) else { return told.faults.push(format!("`{}`: no entryUUID", entry.name)) };
        let what = match state {
            EntryState::Present => return present.push(id),
            EntryState::Delete => {
                WhatChanged::Deleted { name: Some(entry.name.clone()).filter(|name| !name.is_empty()) }
            }
            EntryState::Add | EntryState::Modify => {
                let mut entry = entry.clone();
                // Some servers leave the id to the control.
                entry.attributes.entry(ID.into()).or_insert_with(|| vec![id.0.clone().into_bytes()]);
                let mapping = self.mapping(class);
                let object = mapping.map_err(|error| error.to_string());
                match object.and_then(|mapping| self.object(class, mapping, &entry)) {
                    Ok(object) => WhatChanged::Upserted(object),
                    Err(fault) => return told.faults.push(fault),
                }
            }
        };
        told.changes.push(NativeChange { class, id, what, attribution: attribution(entry) });
    }

    /// Reads what came between the entries; whether what is gone was named.
    fn phases(
        &self,
        class: ObjectClass,
        found: &Found,
        told: &mut Told,
        present: &mut Vec<ObjectId>,
    ) -> Result<bool, ConnectorError> {
        let mut deletes_named = sync_done(found)?.refresh_deletes;
        for (oid, value) in found.intermediates.iter().filter(|(oid, _)| oid == control::SYNC_INFO) {
            let info = control::sync_info(value).map_err(|bad| ConnectorError::garbled(format!("{oid}: {bad}")))?;
            match info {
                SyncInfo::NewCookie(_) => {}
                SyncInfo::Phase { deletes, .. } => deletes_named |= deletes,
                SyncInfo::Ids { deletes, ids, .. } => {
                    let ids = ids.iter().filter_map(|id| uuid_text(id));
                    if deletes {
                        let gone = |id| NativeChange {
                            class,
                            id,
                            what: WhatChanged::Deleted { name: None },
                            attribution: None,
                        };
                        told.changes.extend(ids.map(gone));
                    } else {
                        present.extend(ids);
                    }
                }
            }
        }
        Ok(deletes_named)
    }
}

fn sync_done(found: &Found) -> Result<control::SyncDone, ConnectorError> {
    match found.control(control::SYNC_DONE) {
        None => Ok(control::SyncDone::default()),
        Some(value) => control::sync_done(value).map_err(|bad| ConnectorError::garbled(format!("syncDone: {bad}"))),
    }
}

/// The newest cookie: that of the end, else that of a message before.
fn last_cookie(found: &Found) -> Result<Option<Vec<u8>>, ConnectorError> {
    if let Some(cookie) = sync_done(found)?.cookie {
        return Ok(Some(cookie));
    }
    let infos = found.intermediates.iter().rev().filter(|(oid, _)| oid == control::SYNC_INFO);
    Ok(infos.filter_map(|(_, value)| control::sync_info(value).ok()).find_map(|info| match info {
        SyncInfo::NewCookie(cookie) => Some(cookie),
        SyncInfo::Phase { cookie, .. } | SyncInfo::Ids { cookie, .. } => cookie,
    }))
}

fn uuid_text(bytes: &[u8]) -> Option<ObjectId> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    Some(ObjectId::new(uuid::Uuid::from_bytes(bytes).to_string()))
}

fn text(cookies: &Cookies) -> Result<Cursor, ConnectorError> {
    let text = serde_json::to_string(cookies);
    text.map(Cursor).map_err(|error| ConnectorError::invalid(error.to_string()))
}

fn not_ours() -> ConnectorError {
    ConnectorError::invalid("the cursor is not one of this connector")
}
