//! The resources: created, replaced, patched, deleted, each change with its entry in the ledger.

use std::collections::BTreeSet;

use kernel::{Actor, Fact, Timestamp};
use serde_json::{Map, Value as Json, json};
use store::{Entry, Row, Store, Tx, params};

use crate::error::{Error, ScimType};
use crate::schema::{GROUP, Schema, USER};
use crate::{patch, resource, sql};

kernel::words! {
    /// What a resource is.
    Kind {
        User = "User",
        Group = "Group",
    }
}

impl Kind {
    /// Its core schema.
    pub fn schema(self) -> &'static Schema {
        match self {
            Kind::User => &USER,
            Kind::Group => &GROUP,
        }
    }

    /// Where its resources are, under the base address.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Kind::User => "Users",
            Kind::Group => "Groups",
        }
    }

    /// The attribute that a person knows it by.
    const fn name_attribute(self) -> &'static str {
        match self {
            Kind::User => "userName",
            Kind::Group => "displayName",
        }
    }
}

/// Bytes of the longest id of a member.
const LONGEST_ID: usize = 256;

/// Who provisions: several tokens of one name are one client, so that a token can be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub name: String,
    /// Who is to blame, as the ledger names them.
    pub actor: Actor,
}

impl From<Actor> for Client {
    fn from(actor: Actor) -> Client {
        Client { name: actor.to_string(), actor }
    }
}

/// The version that a request was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    None,
    /// One of these (`If-Match`).
    Versions(Vec<i64>),
}

/// A resource with what we know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub id: String,
    pub kind: Kind,
    /// Without id and meta; members of a group and groups of a user are there when they were asked for.
    pub body: Map<String, Json>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub version: i64,
    /// The name of the client that made it.
    pub client: String,
}

impl Stored {
    /// As it is sent; `base` is the address of the service: `https://vigie.example/scim/v2`.
    pub fn to_json(&self, base: &str) -> Json {
        let mut schemas = vec![json!(self.kind.schema().id)];
        schemas.extend(self.body.keys().filter(|key| key.starts_with("urn:")).map(|key| json!(key)));
        let mut out = Map::new();
        out.insert("schemas".to_owned(), Json::Array(schemas));
        out.insert("id".to_owned(), json!(self.id));
        out.extend(self.body.clone());
        for (name, endpoint) in [("members", None), ("groups", Some("Groups"))] {
            for one in out.get_mut(name).and_then(Json::as_array_mut).into_iter().flatten() {
                if one["type"].is_null() {
                    continue;
                }
                let endpoint = endpoint.unwrap_or(if one["type"] == "Group" { "Groups" } else { "Users" });
                one["$ref"] = json!(format!("{base}/{endpoint}/{}", one["value"].as_str().unwrap_or_default()));
            }
        }
        out.insert(
            "meta".to_owned(),
            json!({
                "resourceType": self.kind.as_str(),
                "created": self.created,
                "lastModified": self.updated,
                "location": format!("{base}/{}/{}", self.kind.endpoint(), self.id),
                "version": self.entity_tag(),
            }),
        );
        if let Some(meta) = out.get_mut("meta") {
            meta["created"] = json!(self.created.to_string());
            meta["lastModified"] = json!(self.updated.to_string());
        }
        Json::Object(out)
    }

    /// The weak entity tag of its version.
    pub fn entity_tag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    pub(crate) fn from_row(row: &Row) -> Result<Stored, store::Error> {
        let kind = if row.text("kind")? == "Group" { Kind::Group } else { Kind::User };
        Ok(Stored {
            id: row.text("id")?.to_owned(),
            kind,
            body: row.json("body")?,
            created: row.time("created_us")?,
            updated: row.time("updated_us")?,
            version: row.int("version")?,
            client: row.text("client")?.to_owned(),
        })
    }
}

/// The room.
#[derive(Clone)]
pub struct Scim {
    pub(crate) store: Store,
}

impl Scim {
    /// Over the state database, whose queries see its tables from now on.
    pub fn new(store: Store) -> Scim {
        store.register_fact_tables(crate::FACT_TABLES);
        Scim { store }
    }

    /// One resource.
    ///
    /// # Errors
    /// [`Error::NotFound`]
    pub async fn get(&self, kind: Kind, id: &str) -> Result<Stored, Error> {
        let row = self.store.fetch_optional(&sql::RESOURCE, params![kind.as_str(), id]).await?;
        let stored = Stored::from_row(&row.ok_or_else(|| not_found(kind, id))?)?;
        self.with_links(stored).await
    }

    /// Makes a resource of a body.
    ///
    /// # Errors
    /// 400 for what is wrong with the body, 409 for a user name that is taken.
    pub async fn create(&self, by: &Client, kind: Kind, body: &Json) -> Result<Stored, Error> {
        let body = resource::canonical(kind.schema(), body)?;
        let mut tx = self.store.begin().await?;
        let (id, now) = (new_id(&self.store), tx.now());
        let (fields, members) = apart(kind, body);
        let columns = Columns::of(kind, &fields);
        free_name(&mut tx, kind, &columns.key, None).await?;
        let row = params![
            id.as_str(),
            kind.as_str(),
            columns.name.as_str(),
            columns.key.as_str(),
            columns.external_id.as_deref(),
            columns.active,
            &Json::Object(fields.clone()),
            &by.actor,
            now,
            by.name.as_str()
        ];
        tx.execute(&sql::INSERT, row).await?;
        let added = set_members(&mut tx, &id, &BTreeSet::new(), &members).await?;
        let entry = Entry::new(&by.actor, "scim.create", format!("scim:{id}"));
        let entry = entry.after(json!({ "body": fields, "members_added": added.0 }));
        self.commit(tx, entry, &by.name, kind, &id, 1).await?;
        self.get(kind, &id).await
    }

    /// Puts a body in the place of what was there.
    ///
    /// # Errors
    /// As [`Scim::create`], [`Error::NotFound`], [`Error::Moved`].
    pub async fn replace(
        &self,
        by: &Client,
        kind: Kind,
        id: &str,
        body: &Json,
        precondition: &Precondition,
    ) -> Result<Stored, Error> {
        let new = resource::canonical(kind.schema(), body)?;
        self.change(by, kind, id, precondition, "scim.replace", |_| Ok(new)).await
    }

    /// Carries out a PATCH.
    ///
    /// # Errors
    /// As [`Scim::replace`] and [`patch::apply`].
    pub async fn patch(
        &self,
        by: &Client,
        kind: Kind,
        id: &str,
        request: &Json,
        precondition: &Precondition,
    ) -> Result<Stored, Error> {
        let decide = |before: &Map<String, Json>| {
            let mut patched = patch::apply(kind.schema(), before, request)?;
            let mut schemas = vec![json!(kind.schema().id)];
            schemas.extend(patched.keys().filter(|key| key.starts_with("urn:")).map(|key| json!(key)));
            patched.insert("schemas".to_owned(), Json::Array(schemas));
            resource::canonical(kind.schema(), &Json::Object(patched))
        };
        self.change(by, kind, id, precondition, "scim.patch", decide).await
    }

    async fn change(
        &self,
        by: &Client,
        kind: Kind,
        id: &str,
        precondition: &Precondition,
        verb: &str,
        decide: impl FnOnce(&Map<String, Json>) -> Result<Map<String, Json>, Error>,
    ) -> Result<Stored, Error> {
        let mut tx = self.store.begin().await?;
        let row = tx.fetch_optional(&sql::RESOURCE, params![kind.as_str(), id]).await?;
        let before = Stored::from_row(&row.ok_or_else(|| not_found(kind, id))?)?;
        own(by, &before)?;
        hold(precondition, before.version)?;
        let had = if kind == Kind::Group { members_in(&mut tx, id).await? } else { BTreeSet::new() };
        let mut whole = before.body.clone();
        if !had.is_empty() {
            whole.insert("members".to_owned(), had.iter().map(|id| json!({ "value": id })).collect());
        }
        let (fields, members) = apart(kind, decide(&whole)?);
        if fields == before.body && members == had {
            return self.get(kind, id).await;
        }
        let columns = Columns::of(kind, &fields);
        free_name(&mut tx, kind, &columns.key, Some(id)).await?;
        let now = tx.now();
        let row = params![
            id,
            before.version,
            columns.name.as_str(),
            columns.key.as_str(),
            columns.external_id.as_deref(),
            columns.active,
            &Json::Object(fields.clone()),
            &by.actor,
            now
        ];
        if tx.execute(&sql::UPDATE, row).await? == 0 {
            return Err(Error::Moved { version: before.version + 1 });
        }
        let (added, removed) = set_members(&mut tx, id, &had, &members).await?;
        let entry =
            Entry::new(&by.actor, verb, format!("scim:{id}")).before(json!({ "body": before.body })).after(json!({
                "body": fields, "members_added": added, "members_removed": removed
            }));
        self.commit(tx, entry, &before.client, kind, id, before.version + 1).await?;
        self.get(kind, id).await
    }

    /// Deletes a resource; it leaves its groups.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Moved`].
    pub async fn delete(&self, by: &Client, kind: Kind, id: &str, precondition: &Precondition) -> Result<(), Error> {
        let mut tx = self.store.begin().await?;
        let row = tx.fetch_optional(&sql::RESOURCE, params![kind.as_str(), id]).await?;
        let before = Stored::from_row(&row.ok_or_else(|| not_found(kind, id))?)?;
        own(by, &before)?;
        hold(precondition, before.version)?;
        tx.execute(&sql::LEAVE_GROUPS, params![id]).await?;
        tx.execute(&sql::DELETE, params![id]).await?;
        let entry = Entry::new(&by.actor, "scim.delete", format!("scim:{id}")).before(json!({ "body": before.body }));
        self.commit(tx, entry, &before.client, kind, id, before.version + 1).await
    }

    /// `client`: whose resource it is; what it provisions has changed.
    async fn commit(
        &self,
        mut tx: Tx,
        entry: Entry,
        client: &str,
        kind: Kind,
        id: &str,
        version: i64,
    ) -> Result<(), Error> {
        let at = tx.now();
        tx.execute(&sql::TOUCH_CLIENT, params![client, at]).await?;
        tx.emit(Fact::ScimChanged { kind: kind.as_str().to_owned(), resource: id.to_owned(), version, at });
        tx.commit(entry).await?;
        Ok(())
    }

    /// Adds the members of a group, the groups of a user.
    pub(crate) async fn with_links(&self, mut stored: Stored) -> Result<Stored, Error> {
        let (statement, name) = match stored.kind {
            Kind::Group => (&sql::MEMBERS, "members"),
            Kind::User => (&sql::GROUPS, "groups"),
        };
        let rows = self.store.fetch_all(statement, params![stored.id.as_str()]).await?;
        let mut links = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut link = json!({ "value": row.text("id")? });
            // A member that is not provisioned yet has neither name nor kind.
            if let Some(kind) = row.text_opt("kind")? {
                link["display"] = json!(row.text("name")?);
                link["type"] = json!(if stored.kind == Kind::Group { kind } else { "direct" });
            }
            links.push(link);
        }
        if !links.is_empty() {
            stored.body.insert(name.to_owned(), Json::Array(links));
        }
        Ok(stored)
    }
}

/// What is kept in columns beside the body.
struct Columns {
    name: String,
    key: String,
    external_id: Option<String>,
    active: bool,
}

impl Columns {
    fn of(kind: Kind, fields: &Map<String, Json>) -> Columns {
        let text = |name: &str| fields.get(name).and_then(Json::as_str).map(str::to_owned);
        let name = text(kind.name_attribute()).unwrap_or_default();
        let active = fields.get("active").and_then(Json::as_bool).unwrap_or(true);
        Columns { key: name.to_lowercase(), name, external_id: text("externalId"), active }
    }
}

fn not_found(kind: Kind, id: &str) -> Error {
    Error::NotFound { kind: kind.as_str(), id: id.to_owned() }
}

fn hold(precondition: &Precondition, version: i64) -> Result<(), Error> {
    match precondition {
        Precondition::Versions(versions) if !versions.contains(&version) => Err(Error::Moved { version }),
        Precondition::Versions(_) | Precondition::None => Ok(()),
    }
}

/// The body without members, and their ids.
fn apart(kind: Kind, mut body: Map<String, Json>) -> (Map<String, Json>, BTreeSet<String>) {
    if kind != Kind::Group {
        return (body, BTreeSet::new());
    }
    let members = body.remove("members");
    let id = |one: &Json| one["value"].as_str().map(str::to_owned);
    let ids = members.as_ref().and_then(Json::as_array).into_iter().flatten().filter_map(id).collect();
    (body, ids)
}

async fn members_in(tx: &mut Tx, group: &str) -> Result<BTreeSet<String>, Error> {
    let rows = tx.fetch_all(&sql::MEMBERS, params![group]).await?;
    Ok(rows.iter().map(|row| row.text("id").map(str::to_owned)).collect::<Result<_, _>>()?)
}

/// Members that came and went.
async fn set_members(
    tx: &mut Tx,
    group: &str,
    had: &BTreeSet<String>,
    wanted: &BTreeSet<String>,
) -> Result<(Vec<String>, Vec<String>), Error> {
    let added: Vec<String> = wanted.difference(had).cloned().collect();
    let removed: Vec<String> = had.difference(wanted).cloned().collect();
    for member in &added {
        if member == group {
            return Err(Error::value("a group cannot be a member of itself"));
        }
        if member.is_empty() || member.len() > LONGEST_ID {
            return Err(Error::value(format!("a member's `value` has 1 to {LONGEST_ID} bytes")));
        }
        tx.execute(&sql::ADD_MEMBER, params![group, member.as_str()]).await?;
    }
    for member in &removed {
        tx.execute(&sql::REMOVE_MEMBER, params![group, member.as_str()]).await?;
    }
    Ok((added, removed))
}

async fn free_name(tx: &mut Tx, kind: Kind, key: &str, own: Option<&str>) -> Result<(), Error> {
    if kind != Kind::User {
        return Ok(());
    }
    for row in tx.fetch_all(&sql::BY_NAME, params![kind.as_str(), key]).await? {
        if Some(row.text("id")?) != own {
            let detail = format!("the user name `{}` is taken", row.text("name")?);
            return Err(Error::Bad { kind: ScimType::Uniqueness, detail });
        }
    }
    Ok(())
}

/// A program changes what it provisions, and nothing of another's: a token that was lost reaches no further. People who may
/// administer do.
fn own(by: &Client, before: &Stored) -> Result<(), Error> {
    let is_program = matches!(by.actor, kernel::Actor::Token(_));
    if is_program && !before.client.is_empty() && before.client != by.name {
        return Err(Error::Anothers { client: before.client.clone() });
    }
    Ok(())
}

/// A bare UUID, as SCIM clients expect.
fn new_id(store: &Store) -> String {
    store.id::<kernel::id::RecordKind>().uuid().to_string()
}
