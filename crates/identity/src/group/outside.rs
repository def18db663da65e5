//! Members of groups that lie outside of what is read of their system: what they are called is all that is known, and that
//! they are in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use connector::{Member, ObjectClass};
use kernel::id::EntitlementId;
use serde::Serialize;
use serde_json::json;
use store::{Read, params};

use super::sql;
use crate::entitlement::Entitlement;
use crate::error::Error;
use crate::finding::{FindingKind, NewFinding};
use crate::room::Turn;
use crate::saying::saying;

/// A member of which the desk knows no more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OutsideMember {
    pub id: String,
    /// As the system calls it.
    pub name: String,
    pub class: Option<ObjectClass>,
}

/// By group.
pub(super) async fn all(read: &mut impl Read) -> Result<HashMap<EntitlementId, BTreeSet<OutsideMember>>, Error> {
    let mut by_group: HashMap<EntitlementId, BTreeSet<OutsideMember>> = HashMap::new();
    for row in read.rows(&sql::OUTSIDE_MEMBERS, params![]).await? {
        let class = row.text_opt("class")?.and_then(|word| word.parse().ok());
        let one = OutsideMember { id: row.text("native_id")?.to_owned(), name: row.text("name")?.to_owned(), class };
        by_group.entry(row.id("entitlement_id")?).or_default().insert(one);
    }
    Ok(by_group)
}

/// Keeps who was seen in the groups of a system and lies outside; those in something privileged are findings, until a
/// person has said that it is right.
pub(crate) async fn keep(
    turn: &mut Turn,
    groups: &[&Entitlement],
    seen: &BTreeMap<EntitlementId, Vec<Member>>,
) -> Result<(), Error> {
    let mut known = all(&mut turn.tx).await?;
    let now = turn.now();
    for group in groups {
        let before = known.remove(&group.id).unwrap_or_default();
        let one = |member: &Member| OutsideMember {
            id: member.id.as_str().to_owned(),
            name: member.name.clone(),
            class: member.class,
        };
        let after: BTreeSet<OutsideMember> = seen.get(&group.id).into_iter().flatten().map(one).collect();
        for gone in before.iter().filter(|gone| !after.iter().any(|one| one.id == gone.id)) {
            turn.tx.execute(&sql::FORGET_OUTSIDE_MEMBER, params![group.id, &gone.id]).await?;
            let subject = format!("{}/{}", group.id, gone.id);
            turn.settle_finding(FindingKind::OutsideMember, &subject, "it is in the group no longer").await?;
        }
        for new in after.difference(&before) {
            let class = new.class.map(ObjectClass::as_str);
            let row = params![group.id, &new.id, &new.name, class, now];
            turn.tx.execute(&sql::SAVE_OUTSIDE_MEMBER, row).await?;
        }
        for one in after.iter().filter(|_| group.privileged) {
            let is_new = !before.iter().any(|known| known.id == one.id);
            if is_new || !is_told(turn, group, one).await? {
                report(turn, group, one).await?;
            }
        }
    }
    Ok(())
}

/// Whether it was told since the member came, decided or not.
async fn is_told(turn: &mut Turn, group: &Entitlement, member: &OutsideMember) -> Result<bool, Error> {
    let subject = format!("{}/{}", group.id, member.id);
    let row = params![FindingKind::OutsideMember.as_str(), subject];
    Ok(turn.tx.fetch_optional(&sql::TOLD_OF_MEMBER, row).await?.is_some())
}

async fn report(turn: &mut Turn, group: &Entitlement, member: &OutsideMember) -> Result<(), Error> {
    let title = saying!(
        "{member}, of whom nothing is known here, is in {group}, which is privileged",
        member = member.name,
        group = group.grant()
    );
    let finding = NewFinding {
        system: Some(group.system.clone()),
        detail: json!({ "member": member, "group": group.grant().to_string() }),
        ..NewFinding::new(FindingKind::OutsideMember, format!("{}/{}", group.id, member.id), title)
    };
    turn.find(finding).await.map(drop)
}
