//! How a group goes: proposed → emptied (it stays, with its address) → deleted; and comes back with whoever was in it.
//!
//! Who was in it is kept before anybody is taken out, so that a stop halfway loses nobody: the same command goes on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use connector::{
    AttributeName, AttributeValue, Attributes, Capability, Change, ClassSchema, Connector, ConnectorError, ErrorKind,
    NewObject, Object, ObjectClass, ObjectId, ObjectKey, Operation,
};
use kernel::id::EntitlementId;
use kernel::{Actor, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{Read, Row, params};

use super::read::{self, native};
use super::sql;
use crate::entitlement::{self, Entitlement};
use crate::error::{Error, Refusal, said};
use crate::finding::FindingKind;
use crate::provision::Targets;
use crate::room::{Identity, Turn};

const DAY_US: i64 = 86_400_000_000;
/// Days in which a group can be brought back.
const RESTORE_DAYS: i64 = 30;

kernel::words! {
    /// Where a group is on its way.
    LifeState {
        Proposed = "proposed",
        /// It is in use again: the proposal was withdrawn.
        Withdrawn = "withdrawn",
        /// A person decided that it stays.
        Kept = "kept",
        /// Members are being taken out.
        Disabling = "disabling",
        /// Nobody is in it; it stays, with its address.
        Disabled = "disabled",
        /// Deleted at its system.
        Removed = "removed",
        /// Back, with whoever was in it.
        Restored = "restored",
    }
}

kernel::words! {
    /// What a person orders.
    GroupCommand {
        Propose = "propose",
        Keep = "keep",
        Disable = "disable",
        Remove = "remove",
        Restore = "restore",
    }
}

/// Somebody who was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub id: String,
    pub name: String,
    pub class: Option<ObjectClass>,
}

/// What a group was before it was emptied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Groups that it lay in: id and name at the system.
    pub parents: Vec<(String, String)>,
}

/// A group's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupLife {
    pub state: LifeState,
    pub reason: String,
    /// Who was in it before it was emptied.
    pub members: u64,
    pub changed: Timestamp,
    pub changed_by: String,
    /// It can be brought back until then.
    pub restore_until: Option<Timestamp>,
    pub version: i64,
    #[serde(skip)]
    pub(super) taken: Vec<Taken>,
    #[serde(skip)]
    pub(super) kept: Option<Kept>,
    #[serde(skip)]
    pub(super) id: EntitlementId,
}

/// What came of bringing a group back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoredGroup {
    pub life: GroupLife,
    /// Who could not be put back, and why.
    pub lost: Vec<(String, String)>,
}

/// Where a command leads; `None`: nowhere from here.
const fn next(state: Option<LifeState>, command: GroupCommand) -> Option<LifeState> {
    use GroupCommand as C;
    use LifeState as S;
    match (state, command) {
        (None | Some(S::Withdrawn | S::Kept | S::Restored), C::Propose) => Some(S::Proposed),
        (Some(S::Proposed), C::Keep) => Some(S::Kept),
        (Some(S::Proposed | S::Disabling), C::Disable) => Some(S::Disabling),
        (Some(S::Disabled), C::Remove) => Some(S::Removed),
        (Some(S::Disabling | S::Disabled | S::Removed), C::Restore) => Some(S::Restored),
        _ => None,
    }
}

/// Whether a command is possible now. Pure.
pub(super) fn decide(
    state: Option<LifeState>,
    command: GroupCommand,
    restore_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<LifeState, Refusal> {
    let Some(to) = next(state, command) else {
        let shown = state.map_or("in use", LifeState::as_str).to_owned();
        let possible = GroupCommand::ALL.iter().filter(|one| next(state, **one).is_some());
        let allowed = possible.map(|one| one.as_str()).collect();
        return Err(Refusal::NotNow { what: "group", command: command.as_str(), state: shown, allowed });
    };
    if to == LifeState::Restored && restore_until.is_some_and(|until| until < now) {
        return Err(Refusal::rule(format!("it could be brought back for {RESTORE_DAYS} days; they are over")));
    }
    Ok(to)
}

impl Identity {
    /// Carries out what a person decided on a group.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was decided on meanwhile; [`Error::Refused`] when it is not possible now, when it is
    /// privileged and in use, or when its system says no: the command can be given again and goes on.
    pub async fn order_group(
        &self,
        id: EntitlementId,
        command: GroupCommand,
        seen: i64,
        why: &str,
        targets: &dyn Targets,
        actor: &Actor,
    ) -> Result<RestoredGroup, Error> {
        let why = said("reason", why, 2_000)?;
        let (group, target) = self.group_target(id, targets).await?;
        let before = find(&mut self.store.clone(), id).await?;
        let version = before.as_ref().map_or(0, |life| life.version);
        if version != seen {
            return Err(Error::conflict(json!(command), json!(before), version));
        }
        let state = before.as_ref().map(|life| life.state);
        decide(state, command, before.as_ref().and_then(|life| life.restore_until), self.now())?;
        let order = Order { identity: self, group: &group, target: target.as_ref(), why: &why, actor };
        let life = before.unwrap_or_else(|| empty(id, self.now()));
        let (life, lost) = match command {
            GroupCommand::Propose => (order.moved(life, LifeState::Proposed).await?, Vec::new()),
            GroupCommand::Keep => (order.moved(life, LifeState::Kept).await?, Vec::new()),
            GroupCommand::Disable => (order.disable(life, targets).await?, Vec::new()),
            GroupCommand::Remove => (order.remove(life).await?, Vec::new()),
            GroupCommand::Restore => order.restore(life).await?,
        };
        Ok(RestoredGroup { life, lost })
    }
}

struct Order<'a> {
    identity: &'a Identity,
    group: &'a Entitlement,
    target: &'a dyn Connector,
    why: &'a str,
    actor: &'a Actor,
}

impl Order<'_> {
    fn refused(&self, error: &ConnectorError) -> Error {
        Refusal::rule(format!("{}: {error}", self.group.system)).into()
    }

    async fn moved(&self, life: GroupLife, state: LifeState) -> Result<GroupLife, Error> {
        let mut turn = self.identity.turn(self.actor, self.why).await?;
        let after = save(&mut turn, life, state, self.why).await?;
        let subject = self.group.id.to_string();
        if matches!(state, LifeState::Kept | LifeState::Removed | LifeState::Restored) {
            turn.settle_finding(FindingKind::StaleGroup, &subject, self.why).await?;
        }
        turn.finish().await?;
        Ok(after)
    }

    /// Keeps who is in it, then takes everybody out, then looks.
    async fn disable(&self, mut life: GroupLife, targets: &dyn Targets) -> Result<GroupLife, Error> {
        if self.group.privileged {
            let text =
                format!("{} is privileged: take its members out by a review, so that one is left", self.group.grant());
            return Err(Refusal::rule(text).into());
        }
        if life.state != LifeState::Disabling {
            loop {
                let reading = self.identity.read_group(self.group.id, 50, targets).await?;
                if reading.done.is_some() {
                    break;
                }
            }
            life.taken = last_read(&mut self.identity.store.clone(), self.group.id).await?;
            life.members = life.taken.len() as u64;
            life.kept = self.look().await?;
            life.restore_until = Some(self.identity.now().plus_micros(RESTORE_DAYS * DAY_US));
            life = self.moved(life, LifeState::Disabling).await?;
        }
        let key = native(self.group)?;
        for one in &life.taken {
            let change = Change::RemoveMember { member: ObjectId::new(one.id.clone()) };
            self.write(&key, change, "empty").await?;
        }
        let left = self.target.members(&key, None, 10).await.map_err(|error| self.refused(&error))?;
        if let Some(member) = left.members.first() {
            let text =
                format!("{} is still in it: somebody put them there meanwhile; give the order again", member.name);
            // Who came meanwhile belongs to those who are brought back, too.
            self.add_late(&mut life, &left.members).await?;
            return Err(Refusal::rule(text).into());
        }
        self.moved(life, LifeState::Disabled).await
    }

    async fn add_late(&self, life: &mut GroupLife, late: &[connector::Member]) -> Result<(), Error> {
        for one in late {
            if !life.taken.iter().any(|known| known.id == one.id.as_str()) {
                life.taken.push(Taken { id: one.id.as_str().to_owned(), name: one.name.clone(), class: one.class });
            }
        }
        life.members = life.taken.len() as u64;
        *life = self.moved(life.clone(), LifeState::Disabling).await?;
        Ok(())
    }

    async fn write(&self, key: &ObjectKey, change: Change, verb: &str) -> Result<ObjectId, Error> {
        let operation = Operation::new(format!("group-{verb}-{}", self.group.id), key.clone(), change);
        let outcome = self.target.write(&operation).await.map_err(|error| self.refused(&error))?;
        Ok(outcome.id)
    }

    async fn remove(&self, mut life: GroupLife) -> Result<GroupLife, Error> {
        let key = native(self.group)?;
        let left = self.target.members(&key, None, 10).await.map_err(|error| self.refused(&error))?;
        if let Some(member) = left.members.first() {
            return Err(Refusal::rule(format!("{} is in it again: it is not deleted", member.name)).into());
        }
        if life.kept.is_none() {
            life.kept = self.look().await?;
        }
        self.write(&key, Change::Delete, "remove").await?;
        if self.target.read(&key).await.map_err(|error| self.refused(&error))?.is_some() {
            return Err(Refusal::rule(format!("{} took the order and still shows it", self.group.system)).into());
        }
        life.restore_until = Some(self.identity.now().plus_micros(RESTORE_DAYS * DAY_US));
        self.moved(life, LifeState::Removed).await
    }

    async fn schema(&self) -> Result<ClassSchema, Error> {
        Ok(self.target.schema().await.map_err(|error| self.refused(&error))?.class(ObjectClass::Group))
    }

    /// What it is called and lies in now.
    async fn look(&self) -> Result<Option<Kept>, Error> {
        let found = self.target.read(&native(self.group)?).await.map_err(|error| self.refused(&error))?;
        let Some(object) = found else { return Ok(None) };
        let mut read = self.identity.store.clone();
        let known = entitlement::all(&mut read).await?;
        let above: BTreeSet<EntitlementId> = entitlement::nesting(&mut read)
            .await?
            .into_iter()
            .filter_map(|(parent, child)| (child == self.group.id).then_some(parent))
            .collect();
        let by_desk = known.iter().filter(|one| above.contains(&one.id)).filter_map(|one| one.native_id.clone());
        let told = object.memberships.iter().flatten().map(|id| id.as_str().to_owned());
        let name_of = |id: String| {
            let name =
                known.iter().find(|one| one.native_id.as_deref() == Some(id.as_str())).map(|one| one.name.clone());
            (id.clone(), name.unwrap_or(id))
        };
        let parents: BTreeMap<String, String> = by_desk.chain(told).map(name_of).collect();
        let attributes = writable(&self.schema().await?, &object);
        Ok(Some(Kept { attributes, parents: parents.into_iter().collect() }))
    }

    /// Writes what it was and lay in where that is not so any more; what cannot be is told.
    async fn as_it_was(&self, kept: &Kept, key: &ObjectKey, lost: &mut Vec<(String, String)>) -> Result<(), Error> {
        let now = self.target.read(key).await.map_err(|error| self.refused(&error))?;
        let schema = self.schema().await?;
        let held = now.as_ref().map(|object| writable(&schema, object)).unwrap_or_default();
        for (name, values) in kept.attributes.iter().filter(|(name, values)| held.get(*name) != Some(*values)) {
            let texts = values.iter().map(|value| AttributeValue::from(value.as_str())).collect();
            let mut attributes = Attributes::new();
            attributes.set(name.as_str(), texts);
            self.put_back(name, key, Change::Assign { attributes, if_version: None }, lost).await?;
        }
        let member = match &now {
            Some(object) => object.id.clone(),
            None => return Ok(()),
        };
        for (id, name) in &kept.parents {
            let parent = ObjectKey::id(ObjectClass::Group, id.as_str());
            let change = Change::AddMember { member: member.clone(), until: None };
            self.put_back(&format!("in {name}"), &parent, change, lost).await?;
        }
        Ok(())
    }

    /// One thing that was; a system that is away stops the order, so that it can be given again.
    async fn put_back(
        &self,
        what: &str,
        on: &ObjectKey,
        change: Change,
        lost: &mut Vec<(String, String)>,
    ) -> Result<(), Error> {
        let operation = Operation::new(format!("group-restore-{}", self.group.id), on.clone(), change);
        match self.target.write(&operation).await {
            Ok(_) => {}
            Err(error) if matches!(error.kind, ErrorKind::Transient) => return Err(self.refused(&error)),
            Err(error) => lost.push((what.to_owned(), error.to_string())),
        }
        Ok(())
    }

    /// Brings it back where it is gone, as it was, and puts everybody back who still is there.
    async fn restore(&self, life: GroupLife) -> Result<(GroupLife, Vec<(String, String)>), Error> {
        let mut key = native(self.group)?;
        if self.target.read(&key).await.map_err(|error| self.refused(&error))?.is_none() {
            key = ObjectKey::id(ObjectClass::Group, self.make_again(&key).await?.0);
        }
        let mut lost = Vec::new();
        if let Some(kept) = &life.kept {
            self.as_it_was(kept, &key, &mut lost).await?;
        }
        for one in &life.taken {
            let change = Change::AddMember { member: ObjectId::new(one.id.clone()), until: None };
            self.put_back(&one.name, &key, change, &mut lost).await?;
        }
        Ok((self.moved(life, LifeState::Restored).await?, lost))
    }

    /// By the system's own means where it has them; else a new one of the same name, which the desk then knows as the same.
    async fn make_again(&self, key: &ObjectKey) -> Result<ObjectId, Error> {
        if self.target.capabilities().has(Capability::Restore) {
            match self.target.write(&Operation::new("group-restore", key.clone(), Change::Restore)).await {
                Ok(outcome) => return Ok(outcome.id),
                Err(error) if matches!(error.kind, ErrorKind::Transient | ErrorKind::Auth) => {
                    return Err(self.refused(&error));
                }
                // It is not among the deleted any more, or groups cannot be brought back there.
                Err(_) => {}
            }
        }
        let new = NewObject { name: self.group.name.clone(), ..NewObject::default() };
        let by_name = ObjectKey::correlation(ObjectClass::Group, "name", &self.group.name);
        let id = self.write(&by_name, Change::Create(new), "restore").await?;
        let mut turn = self.identity.turn(self.actor, self.why).await?;
        let mut group = self.group.clone();
        (group.native_id, group.gone) = (Some(id.0.clone()), None);
        entitlement::save(&mut turn.tx, &mut group).await?;
        turn.tx.execute(&crate::sql::TOUCH_REVISION, params![]).await?;
        turn.record("group.made-again", self.group.id, Json::Null, json!({ "native_id": id.0 }));
        turn.finish().await?;
        Ok(id)
    }
}

/// What a desk may write of a group, as texts.
fn writable(schema: &ClassSchema, object: &Object) -> BTreeMap<String, Vec<String>> {
    let may = |name: &AttributeName| schema.attribute(name).is_none_or(|one| !one.read_only);
    let named = object.attributes.iter().filter(|(name, values)| may(name) && !values.is_empty());
    let texts = |values: &[AttributeValue]| values.iter().map(ToString::to_string).collect();
    named.map(|(name, values)| (name.as_str().to_owned(), texts(values))).collect()
}

fn empty(id: EntitlementId, now: Timestamp) -> GroupLife {
    GroupLife {
        state: LifeState::Withdrawn,
        reason: String::new(),
        members: 0,
        changed: now,
        changed_by: String::new(),
        restore_until: None,
        version: 0,
        taken: Vec::new(),
        kept: None,
        id,
    }
}

pub(super) async fn propose(turn: &mut Turn, id: EntitlementId, version: i64, reason: &str) -> Result<(), Error> {
    let life = GroupLife { version, ..empty(id, turn.now()) };
    save(turn, life, LifeState::Proposed, reason).await.map(drop)
}

pub(super) async fn withdraw(turn: &mut Turn, life: &GroupLife) -> Result<(), Error> {
    save(turn, life.clone(), LifeState::Withdrawn, "it is in use again").await.map(drop)
}

async fn save(turn: &mut Turn, before: GroupLife, state: LifeState, reason: &str) -> Result<GroupLife, Error> {
    let was = before.state;
    let after = GroupLife {
        state,
        reason: reason.to_owned(),
        changed: turn.now(),
        changed_by: turn.actor.to_string(),
        version: before.version + 1,
        ..before
    };
    let row = params![
        after.id,
        state.as_str(),
        &after.reason,
        &json!(after.taken),
        i64::try_from(after.taken.len()).unwrap_or(i64::MAX),
        None::<String>,
        after.changed,
        &after.changed_by,
        after.restore_until,
        after.version,
        after.kept.as_ref().map(|kept| json!(kept).to_string()),
    ];
    if turn.tx.execute(&sql::SAVE_GROUP_LIFE, row).await? == 0 {
        return Err(Error::conflict(json!(state), Json::Null, after.version));
    }
    let shown = json!({ "state": state, "members": after.members });
    turn.record(&format!("group.{state}"), after.id, json!({ "state": was }), shown);
    Ok(after)
}

fn life(row: &Row) -> Result<GroupLife, Error> {
    let taken = serde_json::from_value(row.json("members")?).unwrap_or_default();
    Ok(GroupLife {
        id: row.id("entitlement_id")?,
        state: row.parse("state")?,
        reason: row.text("reason")?.to_owned(),
        members: u64::try_from(row.int("member_count")?).unwrap_or(0),
        changed: row.time("changed_us")?,
        changed_by: row.text("changed_by")?.to_owned(),
        restore_until: row.time_opt("restore_until_us")?,
        version: row.int("version")?,
        taken,
        kept: row.json_opt("kept")?,
    })
}

pub(super) async fn all(read: &mut impl Read) -> Result<HashMap<EntitlementId, GroupLife>, Error> {
    let rows = read.rows(&sql::GROUP_LIVES, params![]).await?;
    rows.iter().map(|row| life(row).map(|one| (one.id, one))).collect()
}

async fn find(read: &mut impl Read, id: EntitlementId) -> Result<Option<GroupLife>, Error> {
    read.rows(&sql::GROUP_LIFE, params![id]).await?.first().map(life).transpose()
}

/// Members as the last whole reading gave them.
async fn last_read(read: &mut impl Read, id: EntitlementId) -> Result<Vec<Taken>, Error> {
    let reading = read::find(read, id).await?.map_or(0, |reading| reading.reading);
    let rows = read.rows(&sql::GROUP_MEMBERS_READ, params![id, reading]).await?;
    let one = |row: &Row| {
        let class = row.text_opt("class")?.and_then(|word| word.parse().ok());
        Ok(Taken { id: row.text("native_id")?.to_owned(), name: row.text("name")?.to_owned(), class })
    };
    rows.iter().map(one).collect()
}
