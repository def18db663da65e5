//! What systems can give to an account: groups, application roles, licences; and what lies in what.

use kernel::Timestamp;
use kernel::id::EntitlementId;
use sha2::{Digest, Sha256};
use store::{Read, Row, Tx, params};

use crate::error::Error;
use crate::role::Grant;
use crate::sql;
use crate::system::{EntitlementNote, Risk, System};

/// Most entitlements, or nestings, of one house.
const MOST: u32 = 1_000_000;

kernel::words! {
    /// What an entitlement is in its system.
    EntitlementKind {
        Group = "group",
        DistributionList = "distribution-list",
        ApplicationRole = "application-role",
        DirectoryRole = "directory-role",
        Licence = "licence",
    }
}

/// Something that an account can hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Entitlement {
    pub id: EntitlementId,
    pub system: String,
    /// What people call it; unique in its system.
    pub name: String,
    /// The system's own id, which does not change when it is renamed. `None`: not seen there yet.
    pub native_id: Option<String>,
    pub kind: EntitlementKind,
    pub title: Option<String>,
    /// The number of the person who answers for it.
    pub owner: Option<String>,
    pub risk: Risk,
    pub privileged: bool,
    /// What one account with it costs in a year.
    pub cost_yearly: Option<f64>,
    pub seen: Option<Timestamp>,
    /// It is no longer there since.
    pub gone: Option<Timestamp>,
    pub version: i64,
    pub updated: Timestamp,
}

impl Entitlement {
    /// One that policy names and that nobody has seen yet.
    pub fn named(grant: &Grant, now: Timestamp) -> Option<Entitlement> {
        let name = grant.entitlement.clone()?;
        Some(Entitlement {
            id: id_of(&grant.system, &name),
            system: grant.system.clone(),
            name,
            native_id: None,
            kind: EntitlementKind::Group,
            title: None,
            owner: None,
            risk: Risk::Low,
            privileged: false,
            cost_yearly: None,
            seen: None,
            gone: None,
            version: 0,
            updated: now,
        })
    }

    /// With what people know of it.
    pub fn noted(mut self, note: &EntitlementNote) -> Entitlement {
        self.kind = note.kind;
        self.title = note.title.clone().or(self.title);
        self.owner.clone_from(&note.owner);
        self.risk = note.risk;
        self.privileged = note.privileged;
        self.cost_yearly = note.cost_yearly;
        self
    }

    /// How roles name it.
    pub fn grant(&self) -> Grant {
        Grant::entitlement(&self.system, &self.name)
    }
}

/// The id of what was first known under a name. A renamed one keeps the id that it has.
pub fn id_of(system: &str, name: &str) -> EntitlementId {
    let digest = Sha256::digest(format!("entitlement\n{system}\n{name}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    EntitlementId::derived(bytes)
}

fn entitlement(row: &Row) -> Result<Entitlement, Error> {
    Ok(Entitlement {
        id: row.id("id")?,
        system: row.text("system")?.to_owned(),
        name: row.text("name")?.to_owned(),
        native_id: row.text_opt("native_id")?.map(str::to_owned),
        kind: row.parse("kind")?,
        title: row.text_opt("title")?.map(str::to_owned),
        owner: row.text_opt("owner")?.map(str::to_owned),
        risk: row.parse("risk")?,
        privileged: row.flag("privileged")?,
        cost_yearly: row.real_opt("cost_yearly")?,
        seen: row.time_opt("seen_us")?,
        gone: row.time_opt("gone_us")?,
        version: row.int("version")?,
        updated: row.time("updated_us")?,
    })
}

/// Writes an entitlement whose `version` is the one that is stored (0: new), and counts it up.
pub(crate) async fn save(tx: &mut Tx, entitlement: &mut Entitlement) -> Result<(), Error> {
    entitlement.version += 1;
    entitlement.updated = tx.now();
    let row = params![
        entitlement.id,
        &entitlement.system,
        &entitlement.name,
        entitlement.native_id.clone(),
        entitlement.kind.as_str(),
        entitlement.title.clone(),
        entitlement.owner.clone(),
        entitlement.risk.as_str(),
        entitlement.privileged,
        entitlement.cost_yearly,
        entitlement.seen,
        entitlement.gone,
        entitlement.version,
        entitlement.updated,
    ];
    Ok(tx.execute_one(&sql::SAVE_ENTITLEMENT, row).await?)
}

/// Every entitlement, by system and name.
pub(crate) async fn all(read: &mut impl Read) -> Result<Vec<Entitlement>, Error> {
    read.rows(&sql::ENTITLEMENTS, params![MOST]).await?.iter().map(entitlement).collect()
}

/// One entitlement.
pub(crate) async fn find(read: &mut impl Read, id: EntitlementId) -> Result<Option<Entitlement>, Error> {
    read.rows(&sql::ENTITLEMENT, params![id]).await?.first().map(entitlement).transpose()
}

/// What lies in what: parent, child.
pub(crate) async fn nesting(read: &mut impl Read) -> Result<Vec<(EntitlementId, EntitlementId)>, Error> {
    let rows = read.rows(&sql::NESTING, params![MOST]).await?;
    rows.iter().map(|row| Ok((row.id("parent_id")?, row.id("child_id")?))).collect()
}

/// Lets a child lie in a parent, or no longer.
pub(crate) async fn nest(tx: &mut Tx, parent: EntitlementId, child: EntitlementId, lies: bool) -> Result<(), Error> {
    let now = tx.now();
    if lies {
        tx.execute(&sql::NEST, params![parent, child, now]).await?;
    } else {
        tx.execute(&sql::UNNEST, params![parent, child]).await?;
    }
    Ok(())
}

/// Writes what a system's document knows of its entitlements.
pub(crate) async fn note_all(tx: &mut Tx, key: &str, system: &System) -> Result<(), Error> {
    if system.entitlements.is_empty() {
        return Ok(());
    }
    let known = all(tx).await?;
    let now = tx.now();
    for (name, note) in &system.entitlements {
        let before = known.iter().find(|one| one.system == key && one.name == *name).cloned();
        let one = before.clone().or_else(|| Entitlement::named(&Grant::entitlement(key, name), now));
        let Some(mut noted) = one.map(|one| one.noted(note)) else { continue };
        if before.as_ref() != Some(&noted) {
            save(tx, &mut noted).await?;
        }
    }
    Ok(())
}
