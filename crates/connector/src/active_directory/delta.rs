//! Changes by DirSync ([MS-ADTS] 3.1.1.3.4.1.3). It tells which objects changed; what they are now is read again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ldap3::Scope;
use serde::{Deserialize, Serialize};

use super::ActiveDirectory;
use super::object::{attribution, class_of};
use super::value;
use crate::error::{ConnectorError, ErrorKind};
use crate::ldap::control;
use crate::ldap::entry::Entry;
use crate::ldap::session::Query;
use crate::object::{ObjectClass, ObjectId};
use crate::reading::{Cursor, Delta, DeltaPage, NativeChange, WhatChanged};
use crate::value::AttributeName;

/// Bytes of one answer, as far as the server keeps to it.
const ANSWER_BYTES: i64 = 4 << 20;
/// Objects that are read again in one question.
const TOGETHER: usize = 50;
/// What DirSync looks at: changes of other classes are not told.
const WATCHED: &str = "(|(objectClass=user)(objectClass=group)(objectClass=organizationalUnit))";

/// Up to where, and of which server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    invocation: String,
    /// The newest change that the server had then.
    usn: i64,
    /// DirSync's own, as base64.
    cookie: String,
}

/// What DirSync said of one object.
struct Touched {
    guid: String,
    added: Vec<String>,
    removed: Vec<String>,
}

impl ActiveDirectory {
    pub(super) async fn cursor_now(&self) -> Result<Cursor, ConnectorError> {
        let (invocation, usn) = self.incarnation().await?;
        let mut cookie = Vec::new();
        // Everything once, ids alone: the server gives a cookie of now at the end.
        loop {
            let found = self.dir_sync(&cookie, &["objectGUID"]).await?;
            let done = done_of(&found)?;
            cookie = done.cookie;
            if !done.more {
                return text(&Place { invocation, usn, cookie: STANDARD.encode(&cookie) });
            }
        }
    }

    pub(super) async fn changes(&self, since: &Cursor) -> Result<Delta, ConnectorError> {
        let not_ours = || ConnectorError::invalid("the cursor is not one of this connector");
        let place: Place = serde_json::from_str(&since.0).map_err(|_| not_ours())?;
        let cookie = STANDARD.decode(&place.cookie).map_err(|_| not_ours())?;
        let (invocation, usn) = self.incarnation().await?;
        if invocation != place.invocation {
            let reason = format!(
                "the server was restored or is another one (invocation {invocation}, was {})",
                place.invocation
            );
            return Ok(Delta::CursorLost { reason });
        }
        if usn < place.usn {
            let reason = format!("the directory went back from change {} to {usn}: it was restored", place.usn);
            return Ok(Delta::CursorLost { reason });
        }
        // An object is told when one of these changed.
        let mut watched = self.wanted();
        watched.extend(["isDeleted", "member", "name"]);
        let found = match self.dir_sync(&cookie, &watched).await {
            // The server does not know the cookie any more, or cannot read it.
            Err(error) if error.kind == ErrorKind::Refused || error.kind == ErrorKind::Unsupported => {
                return Ok(Delta::CursorLost { reason: format!("the server does not take the cursor ({error})") });
            }
            other => other?,
        };
        let done = done_of(&found)?;
        let mut page = DeltaPage {
            changes: Vec::new(),
            next: text(&Place { invocation, usn, cookie: STANDARD.encode(&done.cookie) })?,
            more: done.more,
            still_there: Vec::new(),
            faults: found.faults.clone(),
        };
        let touched: Vec<Touched> = found.entries.iter().filter_map(touched).collect();
        for some in touched.chunks(TOGETHER) {
            self.tell(some, &mut page).await?;
        }
        Ok(Delta::Changes(page))
    }

    async fn dir_sync(
        &self,
        cookie: &[u8],
        attributes: &[&str],
    ) -> Result<crate::ldap::session::Found, ConnectorError> {
        let query = Query {
            base: &self.domain().await?.base,
            scope: Scope::Subtree,
            filter: WATCHED,
            attributes: attributes.to_vec(),
            controls: vec![control::dir_sync(cookie, true, ANSWER_BYTES)],
        };
        self.session.search(&query).await
    }

    /// Reads the objects again, deleted ones as well, and tells what they are.
    async fn tell(&self, touched: &[Touched], page: &mut DeltaPage) -> Result<(), ConnectorError> {
        let condition = |one: &Touched| -> String {
            let bytes = value::guid_bytes(&one.guid).unwrap_or_default();
            let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
            format!("(objectGUID={escaped})")
        };
        let filter = format!("(|{})", touched.iter().map(condition).collect::<String>());
        let mut attributes = self.wanted();
        attributes.extend(["isDeleted", "lastKnownParent"]);
        let base = &self.domain().await?.base;
        let query = Query { base, scope: Scope::Subtree, filter: &filter, attributes, controls: Vec::new() };
        let found = self.all_pages(query, Some(control::show_deleted())).await?;
        page.faults.extend(found.faults);
        for one in touched {
            let entry = found.entries.iter().find(|entry| guid_of(entry).as_deref() == Some(one.guid.as_str()));
            self.tell_one(one, entry, page).await?;
        }
        Ok(())
    }

    async fn tell_one(
        &self,
        touched: &Touched,
        entry: Option<&Entry>,
        page: &mut DeltaPage,
    ) -> Result<(), ConnectorError> {
        let id = ObjectId(touched.guid.clone());
        let deleted = |class, name| NativeChange {
            class,
            id: id.clone(),
            what: WhatChanged::Deleted { name },
            attribution: entry.and_then(attribution),
        };
        let Some(entry) = entry else {
            // Even its tombstone is gone; whatever it was, it is not there.
            page.changes.push(deleted(ObjectClass::Account, None));
            return Ok(());
        };
        let Some(class) = class_of(entry) else { return Ok(()) };
        if entry.text("isDeleted") == Some("TRUE") {
            page.changes.push(deleted(class, entry.text("sAMAccountName").map(str::to_owned)));
            return Ok(());
        }
        match self.located(class, entry) {
            Err(fault) => page.faults.push(fault),
            Ok(located) => {
                let (what, attribution) = (WhatChanged::Upserted(located.object), attribution(entry));
                page.changes.push(NativeChange { class, id: id.clone(), what, attribution });
            }
        }
        if !touched.added.is_empty() || !touched.removed.is_empty() {
            let what = WhatChanged::Members {
                added: self.ids_of(&touched.added).await?,
                removed: self.ids_of(&touched.removed).await?,
            };
            page.changes.push(NativeChange { class, id, what, attribution: attribution(entry) });
        }
        Ok(())
    }

    async fn ids_of(&self, names: &[String]) -> Result<Vec<ObjectId>, ConnectorError> {
        let mut ids = Vec::with_capacity(names.len());
        for name in names {
            ids.extend(self.id_of(name).await?);
        }
        Ok(ids)
    }
}

fn guid_of(entry: &Entry) -> Option<String> {
    value::guid_text(entry.bytes("objectGUID").first()?)
}

/// An object that DirSync named. Of members that came it says `range=1-1`, of those that went `range=0-0`.
fn touched(entry: &Entry) -> Option<Touched> {
    let member = AttributeName::from("member");
    let texts = |from: u64| -> Vec<String> {
        let ranges = entry.ranges.iter().filter(|range| range.attribute == member && range.from == from);
        ranges.flat_map(|range| &range.values).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    };
    Some(Touched { guid: guid_of(entry)?, added: texts(1), removed: texts(0) })
}

fn done_of(found: &crate::ldap::session::Found) -> Result<control::DirSyncDone, ConnectorError> {
    let value = found.control(control::DIR_SYNC).ok_or_else(|| {
        ConnectorError::new(
            ErrorKind::Auth,
            "the server gave no changes: our account needs the right `Replicating Directory Changes`",
        )
    })?;
    control::dir_sync_done(value).map_err(|bad| ConnectorError::garbled(format!("DirSync: {bad}")))
}

fn text(place: &Place) -> Result<Cursor, ConnectorError> {
    serde_json::to_string(place).map(Cursor).map_err(|error| ConnectorError::invalid(error.to_string()))
}
