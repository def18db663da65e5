//! A target in memory, for simulations: everything that a real one does to us, on demand.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use kernel::Timestamp;
use parking_lot::Mutex;

use crate::capability::{Capabilities, Capability};
use crate::connector::{Connector, Revocation, TargetIdentity};
use crate::error::ConnectorError;
use crate::object::{Attribution, Object, ObjectClass, ObjectId};
use crate::operation::{Change, Effect, NewObject, ObjectKey, Operation, Outcome};
use crate::plan::apply;
use crate::protection::ProtectionRules;
use crate::reading::{
    Cursor, Delta, DeltaPage, Key, Member, MemberPage, NativeChange, Page, PageToken, Search, WhatChanged,
};
use crate::schema::{ClassSchema, Schema};
use crate::settle::{Step, Writes, settle};

const EVERYTHING: [Capability; 16] = [
    Capability::Create,
    Capability::Update,
    Capability::Delete,
    Capability::Restore,
    Capability::Disable,
    Capability::Rename,
    Capability::Move,
    Capability::Groups,
    Capability::NestedGroups,
    Capability::EffectiveMembers,
    Capability::Passwords,
    Capability::Delta,
    Capability::AccountExpiry,
    Capability::MembershipExpiry,
    Capability::RevokeSessions,
    Capability::Attribution,
];

/// What goes wrong with the next call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The call goes well; for faults of a later one.
    Pass,
    /// The call fails and nothing happens.
    Fail(ConnectorError),
    /// The call happens and fails all the same: the connection broke before the answer.
    ApplyThenFail(ConnectorError),
    /// The call never answers.
    Hang,
}

/// How often the target was really written to, by change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    pub reads: u64,
    pub creates: u64,
    pub writes: u64,
    pub deletes: u64,
    pub memberships: u64,
    pub passwords: u64,
}

/// A target in memory.
pub struct Memory {
    name: String,
    capabilities: Capabilities,
    schema: Schema,
    rules: ProtectionRules,
    world: Mutex<World>,
}

#[derive(Debug, Clone, Default)]
struct World {
    objects: BTreeMap<ObjectId, Object>,
    deleted: BTreeMap<ObjectId, Object>,
    members: BTreeMap<ObjectId, BTreeMap<ObjectId, Option<Timestamp>>>,
    log: Vec<NativeChange>,
    incarnation: u64,
    last_id: u64,
    sessions_revoked: BTreeMap<ObjectId, u64>,
    counters: Counters,
    faults: VecDeque<Fault>,
}

/// A copy of what a target held.
#[derive(Debug, Clone)]
pub struct Backup(World);

impl Memory {
    /// An empty target called `name` that can do everything but bulk.
    pub fn new(name: &str) -> Memory {
        let classes = [ObjectClass::Account, ObjectClass::Group];
        Memory::with(name, Capabilities::of(&classes, &EVERYTHING), Schema::default(), ProtectionRules::default())
    }

    /// An empty target.
    pub fn with(name: &str, capabilities: Capabilities, schema: Schema, rules: ProtectionRules) -> Memory {
        Memory { name: name.to_owned(), capabilities, schema, rules, world: Mutex::default() }
    }

    /// Lets the next call that is not spoken for go wrong.
    pub fn next(&self, fault: Fault) {
        self.world.lock().faults.push_back(fault);
    }

    /// Takes back the faults that nothing has met yet.
    pub fn mend(&self) {
        self.world.lock().faults.clear();
    }

    /// How often it was written to.
    pub fn counters(&self) -> Counters {
        self.world.lock().counters
    }

    /// How many objects of a class it holds.
    pub fn count(&self, class: ObjectClass) -> usize {
        self.world.lock().objects.values().filter(|object| object.class == class).count()
    }

    /// Somebody edits an object beside us.
    pub fn native_edit(&self, id: &ObjectId, actor: &str, at: Timestamp, edit: impl FnOnce(&mut Object)) {
        let mut world = self.world.lock();
        let Some(object) = world.objects.get_mut(id) else { return };
        edit(object);
        let attribution = Attribution { actor: Some(actor.to_owned()), at: Some(at), evidence: "memory".to_owned() };
        world.log_upsert(id, Some(attribution));
    }

    /// Somebody deletes an object beside us.
    pub fn native_delete(&self, id: &ObjectId) {
        self.world.lock().delete(id);
    }

    /// What was deleted cannot be brought back any more.
    pub fn forget_deleted(&self) {
        self.world.lock().deleted.clear();
    }

    /// What it holds now.
    pub fn backup(&self) -> Backup {
        Backup(self.world.lock().clone())
    }

    /// Goes back to what it held then: cursors from before are lost.
    pub fn restore(&self, backup: Backup) {
        let mut world = self.world.lock();
        let incarnation = world.incarnation + 1;
        *world = World { incarnation, faults: VecDeque::new(), ..backup.0 };
    }

    /// `Some`: the call shall be made and then fail with this.
    async fn meet_fault(&self) -> Result<Option<ConnectorError>, ConnectorError> {
        let fault = self.world.lock().faults.pop_front();
        match fault {
            None | Some(Fault::Pass) => Ok(None),
            Some(Fault::Fail(error)) => Err(error),
            Some(Fault::ApplyThenFail(error)) => Ok(Some(error)),
            Some(Fault::Hang) => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Connector for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn identity(&self) -> Result<TargetIdentity, ConnectorError> {
        self.meet_fault().await?;
        let incarnation = Some(self.world.lock().incarnation.to_string());
        Ok(TargetIdentity { product: "memory".to_owned(), directory: self.name.clone(), incarnation })
    }

    async fn schema(&self) -> Result<Schema, ConnectorError> {
        Ok(self.schema.clone())
    }

    async fn read(&self, object: &ObjectKey) -> Result<Option<Object>, ConnectorError> {
        self.meet_fault().await?;
        let mut world = self.world.lock();
        world.counters.reads += 1;
        world.find(object, &self.rules)
    }

    async fn search(&self, search: &Search, from: Option<&PageToken>) -> Result<Page, ConnectorError> {
        self.meet_fault().await?;
        let world = self.world.lock();
        let after = from.map(|token| ObjectId::new(token.0.as_str()));
        let fits = |object: &&Object| {
            object.class == search.class
                && after.as_ref().is_none_or(|after| object.id > *after)
                && search.equals.iter().all(|(name, value)| object.attributes.values(name.as_str()).contains(value))
        };
        let mut objects: Vec<Object> = world.objects.values().filter(fits).take(search.limit + 1).cloned().collect();
        let more = objects.len() > search.limit;
        objects.truncate(search.limit);
        let next = objects.last().filter(|_| more).map(|last| PageToken(last.id.0.clone()));
        let objects = objects.into_iter().map(|object| world.shown(object, &self.rules)).collect();
        Ok(Page { objects, next, faults: Vec::new() })
    }

    async fn members(
        &self,
        group: &ObjectKey,
        from: Option<&PageToken>,
        limit: usize,
    ) -> Result<MemberPage, ConnectorError> {
        self.meet_fault().await?;
        let world = self.world.lock();
        let group = world.find(group, &self.rules)?.ok_or_else(|| ConnectorError::not_found(group))?;
        let after = from.map(|token| ObjectId::new(token.0.as_str()));
        let ids = world.members.get(&group.id).into_iter().flat_map(BTreeMap::keys);
        let mut members: Vec<Member> = ids
            .filter(|id| after.as_ref().is_none_or(|after| **id > *after))
            .take(limit + 1)
            .map(|id| world.member(id))
            .collect();
        let more = members.len() > limit;
        members.truncate(limit);
        let next = members.last().filter(|_| more).map(|last| PageToken(last.id.0.clone()));
        Ok(MemberPage { members, next })
    }

    async fn effective_members(&self, group: &ObjectKey) -> Result<Vec<Member>, ConnectorError> {
        self.meet_fault().await?;
        let world = self.world.lock();
        let group = world.find(group, &self.rules)?.ok_or_else(|| ConnectorError::not_found(group))?;
        let mut seen = BTreeMap::new();
        let mut open = vec![group.id];
        while let Some(next) = open.pop() {
            for id in world.members.get(&next).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(id.clone(), world.member(id)).is_none() {
                    open.push(id.clone());
                }
            }
        }
        Ok(seen.into_values().collect())
    }

    async fn cursor(&self) -> Result<Cursor, ConnectorError> {
        self.meet_fault().await?;
        Ok(self.world.lock().cursor())
    }

    async fn delta(&self, since: &Cursor) -> Result<Delta, ConnectorError> {
        self.meet_fault().await?;
        let world = self.world.lock();
        let parts = since.0.split_once(':');
        let parsed = parts.and_then(|(epoch, at)| Some((epoch.parse::<u64>().ok()?, at.parse::<usize>().ok()?)));
        let Some((incarnation, at)) = parsed else {
            return Err(ConnectorError::invalid("the cursor is not one of this target"));
        };
        if incarnation != world.incarnation || at > world.log.len() {
            return Ok(Delta::CursorLost { reason: "the directory was restored from a backup".to_owned() });
        }
        let changes = world.log[at..].to_vec();
        Ok(Delta::Changes(DeltaPage {
            changes,
            next: world.cursor(),
            more: false,
            still_there: Vec::new(),
            faults: Vec::new(),
        }))
    }

    async fn write(&self, operation: &Operation) -> Result<Outcome, ConnectorError> {
        let after = self.meet_fault().await?;
        let outcome = self.world.lock().write(operation, &self.schema, &self.rules)?;
        after.map_or(Ok(outcome), Err)
    }

    async fn revoke_sessions(&self, account: &ObjectKey) -> Result<Revocation, ConnectorError> {
        let after = self.meet_fault().await?;
        let mut world = self.world.lock();
        let object = world.find(account, &self.rules)?.ok_or_else(|| ConnectorError::not_found(account))?;
        *world.sessions_revoked.entry(object.id).or_default() += 1;
        after.map_or(Ok(Revocation::Verified { evidence: "memory".to_owned() }), Err)
    }
}

impl World {
    fn find(&self, key: &ObjectKey, rules: &ProtectionRules) -> Result<Option<Object>, ConnectorError> {
        let found: Vec<&Object> = match &key.key {
            Key::Id(id) => self.objects.get(id).into_iter().collect(),
            Key::Attribute { name, value } => {
                let has = |object: &&Object| object.attributes.values(name.as_str()).contains(value);
                self.objects.values().filter(has).collect()
            }
        };
        match found.as_slice() {
            [] => Ok(None),
            [one] if one.class != key.class => Ok(None),
            [one] => Ok(Some(self.shown((*one).clone(), rules))),
            [first, ..] => {
                let reason = format!("{key} is not one object but {}", found.len());
                Err(ConnectorError::conflict(reason, Some(first.id.clone())))
            }
        }
    }

    fn shown(&self, mut object: Object, rules: &ProtectionRules) -> Object {
        if object.protection.is_none() {
            object.protection = rules.of(&object);
        }
        let holds =
            |(_, members): &(&ObjectId, &BTreeMap<ObjectId, Option<Timestamp>>)| members.contains_key(&object.id);
        object.memberships = Some(self.members.iter().filter(holds).map(|(group, _)| group.clone()).collect());
        object
    }

    fn member(&self, id: &ObjectId) -> Member {
        let object = self.objects.get(id);
        Member {
            id: id.clone(),
            name: object.map(|object| object.name.clone()).unwrap_or_default(),
            class: object.map(|object| object.class),
        }
    }

    fn cursor(&self) -> Cursor {
        Cursor(format!("{}:{}", self.incarnation, self.log.len()))
    }

    fn write(
        &mut self,
        operation: &Operation,
        schema: &Schema,
        rules: &ProtectionRules,
    ) -> Result<Outcome, ConnectorError> {
        let existing = self.find(&operation.object, rules)?;
        let class = schema.class(operation.object.class);
        match settle(operation, existing.as_ref(), &class)? {
            Step::Done(outcome) => Ok(outcome),
            Step::Create(new) => self.create(&operation.object, new),
            Step::Write(writes) => self.change(existing, &writes, &class),
            Step::Membership => self.membership(operation, existing),
            Step::Delete => {
                let object = existing.ok_or_else(|| ConnectorError::not_found(&operation.object))?;
                self.delete(&object.id);
                Ok(outcome(&object, Effect::Applied))
            }
            Step::Restore => self.undelete(&operation.object),
        }
    }

    fn create(&mut self, key: &ObjectKey, new: &NewObject) -> Result<Outcome, ConnectorError> {
        let same = |object: &&Object| object.class == key.class && object.name.eq_ignore_ascii_case(&new.name);
        if let Some(taken) = self.objects.values().find(same) {
            let reason = format!("the name `{}` is taken by another {}", new.name, key.class);
            return Err(ConnectorError::conflict(reason, Some(taken.id.clone())));
        }
        self.last_id += 1;
        let id = ObjectId::new(format!("m{:08}", self.last_id));
        let mut object = Object::new(key.class, id.0.clone(), new.name.clone());
        object.attributes = new.attributes.clone();
        if let Key::Attribute { name, value } = &key.key {
            object.attributes.set(name.clone(), vec![value.clone()]);
        }
        object.container.clone_from(&new.container);
        object.enabled = (key.class == ObjectClass::Account).then(|| new.enabled.unwrap_or(true));
        object.expires = new.expires;
        self.counters.creates += 1;
        self.counters.passwords += u64::from(new.password.is_some());
        self.objects.insert(id.clone(), object.clone());
        self.log_upsert(&id, None);
        Ok(outcome(&object, Effect::Applied))
    }

    fn change(
        &mut self,
        existing: Option<Object>,
        writes: &Writes<'_>,
        schema: &ClassSchema,
    ) -> Result<Outcome, ConnectorError> {
        let read = existing.ok_or_else(|| ConnectorError::garbled("nothing to write to"))?;
        let Some(object) = self.objects.get_mut(&read.id) else { return Err(ConnectorError::not_found(&read.id)) };
        object.attributes = apply(&object.attributes, &writes.modifications, schema);
        object.enabled = writes.enabled.or(object.enabled);
        object.expires = writes.expires.unwrap_or(object.expires);
        if let Some(name) = writes.name {
            name.clone_into(&mut object.name);
        }
        if let Some(container) = writes.container {
            object.container = Some(container.to_owned());
        }
        self.counters.writes += 1;
        self.counters.passwords += u64::from(writes.password.is_some());
        self.log_upsert(&read.id, None);
        let version = self.objects.get(&read.id).and_then(|object| object.version.clone());
        Ok(writes.outcome(&read, version))
    }

    fn membership(&mut self, operation: &Operation, group: Option<Object>) -> Result<Outcome, ConnectorError> {
        let group = group.ok_or_else(|| ConnectorError::not_found(&operation.object))?;
        let members = self.members.entry(group.id.clone()).or_default();
        let (effect, what) = match &operation.change {
            Change::AddMember { member, until } => {
                if !self.objects.contains_key(member) {
                    return Err(ConnectorError::not_found(member));
                }
                let before = members.insert(member.clone(), *until);
                let same = before.is_some_and(|before| before == *until);
                (!same, WhatChanged::Members { added: vec![member.clone()], removed: vec![] })
            }
            Change::RemoveMember { member } => (
                members.remove(member).is_some(),
                WhatChanged::Members { added: vec![], removed: vec![member.clone()] },
            ),
            _ => return Err(ConnectorError::invalid("not a membership")),
        };
        if !effect {
            return Ok(outcome(&group, Effect::AlreadyDone));
        }
        self.counters.memberships += 1;
        self.log.push(NativeChange { class: group.class, id: group.id.clone(), what, attribution: None });
        self.stamp(&group.id);
        Ok(outcome(&group, Effect::Applied))
    }

    fn delete(&mut self, id: &ObjectId) {
        let Some(object) = self.objects.remove(id) else { return };
        self.members.remove(id);
        for members in self.members.values_mut() {
            members.remove(id);
        }
        self.counters.deletes += 1;
        let what = WhatChanged::Deleted { name: Some(object.name.clone()) };
        self.log.push(NativeChange { class: object.class, id: id.clone(), what, attribution: None });
        self.deleted.insert(id.clone(), object);
    }

    fn undelete(&mut self, key: &ObjectKey) -> Result<Outcome, ConnectorError> {
        let Key::Id(id) = &key.key else {
            return Err(ConnectorError::invalid("name a deleted object by its id"));
        };
        let mut object = self.deleted.remove(id).ok_or_else(|| ConnectorError::not_found(key))?;
        // As a directory's tombstone: it is itself, and has lost what it was told.
        object.attributes = crate::Attributes::new();
        object.enabled = object.enabled.map(|_| false);
        self.objects.insert(id.clone(), object.clone());
        self.log_upsert(id, None);
        Ok(outcome(&object, Effect::Applied))
    }

    fn stamp(&mut self, id: &ObjectId) {
        let version = self.log.len().to_string();
        if let Some(object) = self.objects.get_mut(id) {
            object.version = Some(version);
        }
    }

    fn log_upsert(&mut self, id: &ObjectId, attribution: Option<Attribution>) {
        let Some(object) = self.objects.get_mut(id) else { return };
        object.version = Some((self.log.len() + 1).to_string());
        let (class, what) = (object.class, WhatChanged::Upserted(object.clone()));
        self.log.push(NativeChange { class, id: id.clone(), what, attribution });
    }
}

fn outcome(object: &Object, effect: Effect) -> Outcome {
    let changed = Vec::new();
    Outcome { id: object.id.clone(), name: object.name.clone(), effect, changed, version: object.version.clone() }
}
