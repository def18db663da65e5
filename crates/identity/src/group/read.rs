//! Reading the members of a group at its system, page by page: each page is kept with where the next begins, so that a group
//! of a quarter of a million members is read by whoever goes on, and never begins anew because somebody stopped.

use connector::{Connector, ErrorKind, ObjectClass, ObjectKey, PageToken};
use kernel::id::EntitlementId;
use kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::{Read, params};

use super::sql;
use crate::entitlement::Entitlement;
use crate::error::{Error, Refusal};
use crate::provision::Targets;
use crate::room::Identity;

/// Members of a page.
const PAGE: usize = 1_000;

/// How far a reading has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupReading {
    pub pages: i64,
    /// Different ones: pages may overlap.
    pub members: i64,
    pub begun: Timestamp,
    pub at: Timestamp,
    /// `None`: more are there, ask again.
    pub done: Option<Timestamp>,
    #[serde(skip)]
    token: Option<String>,
    #[serde(skip)]
    pub(super) reading: i64,
}

impl Identity {
    /// Reads on where the last reading stopped, `pages` pages at most; begins anew when that one was done.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such group; [`Error::Refused`] when the system does not answer: what was read stays.
    pub async fn read_group(
        &self,
        id: EntitlementId,
        pages: usize,
        targets: &dyn Targets,
    ) -> Result<GroupReading, Error> {
        let (group, target) = self.group_target(id, targets).await?;
        let key = native(&group)?;
        let found = find(&mut self.store.clone(), id).await?;
        let mut reading = match found {
            Some(reading) if reading.done.is_none() => reading,
            last => {
                let (now, reading) = (self.now(), last.map_or(1, |last| last.reading + 1));
                GroupReading { pages: 0, members: 0, begun: now, at: now, done: None, token: None, reading }
            }
        };
        for _ in 0..pages.max(1) {
            let from = reading.token.clone().map(PageToken);
            let page = match target.members(&key, from.as_ref(), PAGE).await {
                Ok(page) => page,
                // The place is not known any more (another server): from the beginning, in the same reading.
                Err(error) if error.kind == ErrorKind::Invalid && from.is_some() => {
                    reading.token = None;
                    continue;
                }
                Err(error) => return Err(Refusal::rule(format!("{}: {error}", group.system)).into()),
            };
            let mut turn = self.turn(&Actor::system("identity"), "members of a group were read").await?;
            for member in &page.members {
                let class = member.class.map(ObjectClass::as_str).map(str::to_owned);
                let row = params![id, member.id.as_str(), &member.name, class, reading.reading];
                turn.tx.execute(&sql::SAVE_GROUP_MEMBER, row).await?;
            }
            reading.token = page.next.map(|token| token.0);
            reading.pages += 1;
            reading.at = turn.now();
            if reading.token.is_none() {
                reading.done = Some(reading.at);
                turn.tx.execute(&sql::FORGET_GROUP_MEMBERS, params![id, reading.reading]).await?;
            }
            let counted = turn.tx.fetch_all(&sql::COUNT_GROUP_MEMBERS, params![id, reading.reading]).await?;
            reading.members = counted.first().map(|row| row.int("members")).transpose()?.unwrap_or(0);
            let row = params![
                id,
                reading.token.clone(),
                reading.reading,
                reading.pages,
                reading.members,
                reading.begun,
                reading.at,
                reading.done,
            ];
            turn.tx.execute(&sql::SAVE_GROUP_READ, row).await?;
            turn.record("group.read", id, Json::Null, json!({ "pages": reading.pages, "members": reading.members }));
            turn.finish().await?;
            if reading.done.is_some() {
                break;
            }
        }
        Ok(reading)
    }

    pub(super) async fn group_target(
        &self,
        id: EntitlementId,
        targets: &dyn Targets,
    ) -> Result<(Entitlement, std::sync::Arc<dyn Connector>), Error> {
        let known = self.known().await?;
        let group = known.catalog.entitlement(id).cloned().ok_or_else(|| Error::missing("group", id))?;
        let system = known.policy.systems.get(&group.system).ok_or_else(|| Error::missing("system", &group.system))?;
        let target = targets.target(&group.system, system).await;
        let target = target.map_err(|error| Refusal::rule(format!("{}: {error}", group.system)))?;
        Ok((group, target))
    }
}

/// The group at its system.
pub(super) fn native(group: &Entitlement) -> Result<ObjectKey, Error> {
    let id = group.native_id.clone();
    let id = id.ok_or_else(|| Refusal::rule(format!("{} was not seen at its system yet", group.grant())))?;
    Ok(ObjectKey::id(ObjectClass::Group, id))
}

pub(super) async fn find(read: &mut impl Read, id: EntitlementId) -> Result<Option<GroupReading>, Error> {
    let rows = read.rows(&sql::GROUP_READ, params![id]).await?;
    let one = |row: &store::Row| {
        Ok(GroupReading {
            pages: row.int("pages")?,
            members: row.int("members")?,
            begun: row.time("begun_us")?,
            at: row.time("page_us")?,
            done: row.time_opt("done_us")?,
            token: row.text_opt("token")?.map(str::to_owned),
            reading: row.int("reading")?,
        })
    };
    rows.first().map(one).transpose()
}
