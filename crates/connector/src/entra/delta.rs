//! Changes by delta queries (Graph, "Use delta query to track changes"). They tell which objects changed; what they are now is
//! read again, because an answer need not hold more than the properties that changed.

use std::collections::BTreeSet;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Entra;
use super::session::{Ask, code, refusal};
use crate::error::{ConnectorError, ErrorKind};
use crate::object::{ObjectClass, ObjectId};
use crate::operation::ObjectKey;
use crate::reading::{Cursor, Delta, DeltaPage, NativeChange, WhatChanged};

/// Up to where, for each class: links as the service gave them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    users: String,
    groups: String,
}

/// What one page of changes said.
#[derive(Default)]
struct Told {
    changed: BTreeSet<String>,
    removed: Vec<String>,
    /// Members of groups: group, who came, who went.
    members: Vec<(String, Vec<ObjectId>, Vec<ObjectId>)>,
    link: String,
    more: bool,
}

impl Entra {
    pub(super) async fn cursor_now(&self) -> Result<Cursor, ConnectorError> {
        let users = self.latest("/users/delta?$deltatoken=latest").await?;
        let groups = self.latest("/groups/delta?$deltatoken=latest&$select=displayName,members").await?;
        text(&Place { users, groups })
    }

    async fn latest(&self, path: &str) -> Result<String, ConnectorError> {
        let list = self.session.get(path).await?;
        let link = list["@odata.deltaLink"].as_str();
        Ok(link.ok_or_else(|| ConnectorError::garbled("the service gives no link to later changes"))?.to_owned())
    }

    pub(super) async fn changes(&self, since: &Cursor) -> Result<Delta, ConnectorError> {
        let place: Place = serde_json::from_str(&since.0)
            .map_err(|_| ConnectorError::invalid("the cursor is not one of this connector"))?;
        let (users, groups) = match (self.told(&place.users).await?, self.told(&place.groups).await?) {
            (Ok(users), Ok(groups)) => (users, groups),
            (Err(reason), _) | (_, Err(reason)) => return Ok(Delta::CursorLost { reason }),
        };
        let mut page = DeltaPage {
            changes: Vec::new(),
            next: text(&Place { users: users.link.clone(), groups: groups.link.clone() })?,
            more: users.more || groups.more,
            still_there: Vec::new(),
            faults: Vec::new(),
        };
        self.tell(ObjectClass::Account, users, &mut page).await?;
        self.tell(ObjectClass::Group, groups, &mut page).await?;
        Ok(Delta::Changes(page))
    }

    /// One page behind a link; `Err`: the service does not know the link any more.
    async fn told(&self, link: &str) -> Result<Result<Told, String>, ConnectorError> {
        let path = self.session.below(link)?;
        let answer = self.session.answer(&Ask::get(path)).await?;
        if is_lost(answer.status, code(&answer.body)) {
            let message = answer.body["error"]["message"].as_str().unwrap_or_default();
            return Ok(Err(format!("the service asks to begin anew ({} {message})", answer.status.as_u16())));
        }
        if !answer.status.is_success() {
            return Err(refusal(&answer));
        }
        let mut told = Told::default();
        for one in answer.body["value"].as_array().into_iter().flatten() {
            let Some(id) = one["id"].as_str() else { continue };
            // `changed`: deleted and to be brought back; `deleted`: for good.
            if one.get("@removed").is_some() {
                told.removed.push(id.to_owned());
                continue;
            }
            let (added, removed) = members(one);
            if !added.is_empty() || !removed.is_empty() {
                told.members.push((id.to_owned(), added, removed));
            }
            told.changed.insert(id.to_owned());
        }
        let (next, done) = (answer.body["@odata.nextLink"].as_str(), answer.body["@odata.deltaLink"].as_str());
        told.more = next.is_some();
        let link = next.or(done).ok_or_else(|| ConnectorError::garbled("a page of changes without a link"))?;
        link.clone_into(&mut told.link);
        Ok(Ok(told))
    }

    async fn tell(&self, class: ObjectClass, told: Told, page: &mut DeltaPage) -> Result<(), ConnectorError> {
        let change = |id: String, what| NativeChange { class, id: ObjectId(id), what, attribution: None };
        for id in told.changed {
            let what = match self.find(&ObjectKey::id(class, id.clone())).await? {
                Some(object) => WhatChanged::Upserted(object),
                None => WhatChanged::Deleted { name: None },
            };
            page.changes.push(change(id, what));
        }
        for (group, added, removed) in told.members {
            page.changes.push(change(group, WhatChanged::Members { added, removed }));
        }
        for id in told.removed {
            page.changes.push(change(id, WhatChanged::Deleted { name: None }));
        }
        Ok(())
    }
}

fn members(group: &Json) -> (Vec<ObjectId>, Vec<ObjectId>) {
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for one in group["members@delta"].as_array().into_iter().flatten() {
        let Some(id) = one["id"].as_str().map(ObjectId::new) else { continue };
        if one.get("@removed").is_some() { removed.push(id) } else { added.push(id) }
    }
    (added, removed)
}

fn is_lost(status: StatusCode, code: &str) -> bool {
    status == StatusCode::GONE
        || (status.is_client_error()
            && ["syncStateNotFound", "syncStateInvalid", "resyncRequired", "Directory_ResyncRequired"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(code)))
}

fn text(place: &Place) -> Result<Cursor, ConnectorError> {
    let text = serde_json::to_string(place);
    text.map(Cursor).map_err(|error| ConnectorError::new(ErrorKind::Garbled, format!("the cursor: {error}")))
}
