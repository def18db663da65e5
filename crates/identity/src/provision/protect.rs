//! The radio room asks that somebody's accounts be locked: they are forced to use them.

use kernel::Actor;
use kernel::fact::{DuressUsed, PersonUnderDuress};
use kernel::id::PersonId;
use serde_json::{Value as Json, json};
use store::params;

use super::Targets;
use crate::error::Error;
use crate::finding::{FindingKind, NewFinding};
use crate::room::Identity;
use crate::sql;

impl Identity {
    /// Locks out whom the radio room means, when it is certain who that is; otherwise a person is asked, by a finding. Neither
    /// says why: those who are told of the alarm know.
    ///
    /// # Errors
    /// As [`Identity::lock_out`].
    pub async fn protect(&self, used: &DuressUsed, targets: &dyn Targets) -> Result<(), Error> {
        let found = match &used.person {
            Some(person) => self.who_is(person).await?,
            None => Vec::new(),
        };
        let (actor, why) = (Actor::system("field"), format!("asked for by the radio room ({})", used.label));
        if let [person] = found.as_slice() {
            return self.lock_out(*person, false, &why, &actor, targets).await.map(drop);
        }
        let who = used.person.as_ref().map_or("somebody".to_owned(), |one| format!("{} ({})", one.name, one.key));
        let known = if found.is_empty() { "nobody here has their number or mail" } else { "several people fit" };
        let title = format!("the radio room asks that the accounts of {who} be locked ({}): {known}", used.label);
        let mut turn = self.turn(&actor, &why).await?;
        let detail = json!({ "alarm": used.alarm, "people": found });
        let finding =
            NewFinding { detail, ..NewFinding::new(FindingKind::Other, format!("protect:{}", used.alarm), title) };
        turn.find(finding).await?;
        turn.record("person.protect", used.alarm, Json::Null, json!({ "people": found }));
        turn.finish().await.map(drop)
    }

    /// Everybody who is called so: by the number that the organisation gives its people, or by mail.
    async fn who_is(&self, person: &PersonUnderDuress) -> Result<Vec<PersonId>, Error> {
        let mail = person.email.as_deref().unwrap_or_default().trim().to_lowercase();
        let rows = self.store.fetch_all(&sql::CALLED_SO, params![person.key.to_lowercase(), mail]).await?;
        rows.iter().map(|row| Ok(row.id("id")?)).collect()
    }
}
