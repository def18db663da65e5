//! Who answers for a group: somebody always does once somebody did.

use kernel::Actor;
use kernel::id::EntitlementId;
use serde_json::{Value as Json, json};
use store::params;

use super::GroupView;
use crate::document::{self, DocumentKind, Draft};
use crate::entitlement;
use crate::error::{Error, Refusal, said};
use crate::room::Identity;
use crate::sql;

/// Whom a command appoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// The number of a person.
    pub owner: String,
    /// Who answers for it as far as the caller knows; another by now is a conflict.
    pub instead_of: Option<String>,
}

impl Identity {
    /// Appoints who answers for a group, in the document of its system.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such group or document; [`Error::Conflict`] when somebody else answers for it by now;
    /// [`Error::Refused`] when nobody, or somebody who is not here, would.
    pub async fn appoint_owner(
        &self,
        id: EntitlementId,
        appointment: &Appointment,
        why: &str,
        actor: &Actor,
    ) -> Result<GroupView, Error> {
        let why = said("reason", why, 2_000)?;
        let mut turn = self.turn(actor, &why).await?;
        let group = entitlement::find(&mut turn.tx, id).await?.ok_or_else(|| Error::missing("group", id))?;
        if group.owner != appointment.instead_of {
            return Err(Error::conflict(json!(appointment.owner), json!(group.owner), group.version));
        }
        let owner = appointment.owner.trim();
        if owner.is_empty() {
            let last = group
                .owner
                .as_deref()
                .map_or_else(String::new, |last| format!("{last} is its last owner and cannot be taken away: "));
            return Err(Refusal::bad("owner", format!("{last}name a person who answers for it")).into());
        }
        if turn.tx.fetch_optional(&sql::PERSON_HERE, params![owner]).await?.is_none() {
            let problem = format!("nobody who works here has the number `{owner}`");
            return Err(Refusal::bad("owner", problem).into());
        }
        let known = document::find(&mut turn.tx, DocumentKind::System, &group.system).await?;
        let known = known.filter(|known| known.retired.is_none());
        let known = known.ok_or_else(|| Error::missing("document of the system", &group.system))?;
        let mut body = known.body;
        let noted = body.get("entitlements").and_then(|notes| notes.get(&group.name)).cloned();
        let mut note = noted.unwrap_or_else(|| json!({ "kind": group.kind, "title": group.title }));
        note["owner"] = json!(owner);
        let Json::Object(fields) = &mut body else {
            return Err(Refusal::rule(format!("the document of {} is no object", group.system)).into());
        };
        let notes = fields.entry("entitlements").or_insert_with(|| json!({}));
        notes[&group.name] = note;
        let draft = Draft { kind: DocumentKind::System, key: group.system.clone(), body: Some(body) };
        self.write_documents(&mut turn, &[draft], Some(known.version)).await?;
        turn.record("group.owner", id, json!({ "owner": group.owner }), json!({ "owner": owner }));
        turn.finish().await?;
        let all = self.groups(Some(&group.system)).await?;
        all.into_iter().find(|one| one.id == id).ok_or_else(|| Error::missing("group", id))
    }
}
