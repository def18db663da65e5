//! What the desk decides by, as data that is reviewed like code: stations, systems, roles, rules, feeds.
//!
//! A document has a kind, a key and a version; a change names the version it was made from. Every change makes a new
//! revision of the whole, which plans name.

use std::collections::BTreeMap;

use kernel::{Actor, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{Read, Row, params};

use crate::entitlement;
use crate::error::{Error, Refusal, said};
use crate::feed::{self, Feed};
use crate::room::{Identity, Turn};
use crate::system::System;
use crate::{conditional, consent, hybrid, last_use, owner, provision, sod, sql};

/// Most documents of one house.
const MOST: u32 = 100_000;
const LONGEST_KEY: usize = 120;

kernel::words! {
    /// What a document is about.
    DocumentKind {
        Station = "station",
        System = "system",
        Role = "role",
        Rule = "rule",
        Feed = "feed",
        Settings = "settings",
        /// Something that a person can do, for separation of duties.
        SodFunction = "sod-function",
        /// Keys that must stay apart.
        SodRule = "sod-rule",
        /// Access that is asked for together.
        Package = "package",
        /// Who approves when, in general.
        ApprovalPolicy = "approval-policy",
        /// How privileged access is borrowed.
        ActivationPolicy = "activation-policy",
        /// A system on the premises and one in the cloud that hold the same people.
        Hybrid = "hybrid",
        /// A policy on sign-ins.
        ConditionalAccess = "conditional-access",
        /// Which consents to applications are dangerous.
        ConsentPolicy = "consent-policy",
    }
}

/// One document as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    pub kind: DocumentKind,
    pub key: String,
    pub body: Json,
    pub version: i64,
    pub retired: Option<Timestamp>,
    pub updated: Timestamp,
    pub updated_by: String,
}

/// A document as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub kind: DocumentKind,
    pub key: String,
    /// `None`: take it out of use.
    pub body: Option<Json>,
}

impl Document {
    /// The body as the type of its kind.
    ///
    /// # Errors
    /// The field that cannot be read.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        read_body(self.kind, &self.key, &self.body)
    }

    /// Its title, for lists.
    pub fn title(&self) -> &str {
        self.body.get("title").and_then(Json::as_str).unwrap_or(&self.key)
    }
}

pub(crate) fn read_body<T: DeserializeOwned>(kind: DocumentKind, key: &str, body: &Json) -> Result<T, Refusal> {
    T::deserialize(body).map_err(|error| Refusal::bad(format!("{kind} {key}"), error.to_string()))
}

/// A key: what people write to name a document.
pub(crate) fn key(text: &str) -> Result<String, Refusal> {
    let text = said("key", text, LONGEST_KEY)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if text.chars().all(fits) {
        return Ok(text);
    }
    Err(Refusal::bad("key", format!("`{text}` has other characters than a–z, 0–9, `-`, `_` and `.`")))
}

fn document(row: &Row) -> Result<Document, Error> {
    Ok(Document {
        kind: row.parse("kind")?,
        key: row.text("doc_key")?.to_owned(),
        body: row.json("body")?,
        version: row.int("version")?,
        retired: row.time_opt("retired_us")?,
        updated: row.time("updated_us")?,
        updated_by: row.text("updated_by")?.to_owned(),
    })
}

/// Counts every change of any document.
pub(crate) async fn revision(read: &mut impl Read) -> Result<i64, Error> {
    let row = read.rows(&sql::REVISION, params![]).await?;
    let row = row
        .first()
        .ok_or_else(|| store::Error::NotFound("the revision is missing: the database is damaged".to_owned()))?;
    Ok(row.int("revision")?)
}

/// Every document, retired ones too.
pub(crate) async fn all(read: &mut impl Read) -> Result<Vec<Document>, Error> {
    read.rows(&sql::DOCUMENTS, params![MOST]).await?.iter().map(document).collect()
}

pub(crate) async fn find(read: &mut impl Read, kind: DocumentKind, key: &str) -> Result<Option<Document>, Error> {
    read.rows(&sql::DOCUMENT, params![kind.as_str(), key]).await?.first().map(document).transpose()
}

/// Writes a draft over the version that was seen; the caller has checked the whole that it makes.
pub(crate) async fn write(turn: &mut Turn, draft: &Draft, seen: Option<i64>) -> Result<Document, Error> {
    let key = key(&draft.key)?;
    let before = find(&mut turn.tx, draft.kind, &key).await?;
    let version = before.as_ref().map_or(0, |before| before.version);
    if let Some(seen) = seen.filter(|seen| *seen != version) {
        tracing::debug!(seen, version, "a document was changed meanwhile");
        let theirs = before.map_or(Json::Null, |before| before.body);
        return Err(Error::conflict(json!(draft.body), theirs, version));
    }
    let retired = draft.body.is_none().then_some(turn.now());
    let kept = before.as_ref().map(|before| before.body.clone());
    let body = draft.body.clone().or(kept).ok_or_else(|| Error::missing("document", &key))?;
    let actor = turn.actor.to_string();
    let after =
        Document { kind: draft.kind, key, body, version: version + 1, retired, updated: turn.now(), updated_by: actor };
    owner::must_stay(before.as_ref(), &after)?;
    owner::must_be_known(turn, before.as_ref(), &after).await?;
    owner::settle(turn, before.as_ref(), &after).await?;
    let owner = after.body.get("owner").and_then(Json::as_str).map(str::to_owned);
    let row = params![
        after.kind.as_str(),
        &after.key,
        after.title(),
        owner,
        &after.body,
        after.version,
        after.retired,
        after.updated,
        &after.updated_by,
    ];
    turn.tx.execute_one(&sql::SAVE_DOCUMENT, row).await?;
    turn.tx.execute(&sql::TOUCH_REVISION, params![]).await?;
    if let (DocumentKind::Hybrid, true, true) = (after.kind, draft.body.is_some(), before.is_none()) {
        hybrid::begin(turn, &after.key, &after.read()?, 1).await?;
    }
    if let (DocumentKind::ConditionalAccess, true) = (after.kind, draft.body.is_some()) {
        conditional::keep_version(turn, &after).await?;
    }
    if let (DocumentKind::System, true) = (after.kind, draft.body.is_some()) {
        let system: System = after.read()?;
        entitlement::note_all(&mut turn.tx, &after.key, &system).await?;
        if before.is_none() && system.connector.is_some() {
            provision::read_again(turn, &after.key, &system).await?;
            last_use::begin(turn, 300_000_000).await?;
            if system.is_tenant() {
                consent::begin(turn, &after.key, 60_000_000).await?;
            }
        }
    }
    if after.kind == DocumentKind::System && after.retired.is_some() {
        owner::settle_retired(turn).await?;
    }
    let is_duty = matches!(
        after.kind,
        DocumentKind::SodRule | DocumentKind::Package | DocumentKind::ApprovalPolicy | DocumentKind::ActivationPolicy
    );
    if is_duty && before.is_none() {
        sod::begin(turn).await?;
    }
    if after.kind == DocumentKind::Feed {
        let feed: Option<Feed> = draft.body.as_ref().map(|_| after.read()).transpose()?;
        feed::begin_asking(turn, &after.key, feed.as_ref()).await?;
    }
    let verb = if draft.body.is_none() { "retire" } else { "save" };
    let shown = |document: &Document| json!({ "version": document.version, "body": document.body });
    let entity = format!("{}:{}", after.kind, after.key);
    let was = before.as_ref().map_or(Json::Null, shown);
    turn.record(&format!("{}.{verb}", after.kind), entity, was, shown(&after));
    Ok(after)
}

impl Identity {
    /// Documents of a kind that are in use, by key.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, Error> {
        let all = all(&mut self.store.clone()).await?;
        Ok(all.into_iter().filter(|one| one.kind == kind && one.retired.is_none()).collect())
    }

    /// One document.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn document(&self, kind: DocumentKind, key: &str) -> Result<Document, Error> {
        let found = find(&mut self.store.clone(), kind, key).await?;
        found.ok_or_else(|| Error::missing("document", format!("{kind} {key}")))
    }
}

/// Documents as one file: `[role.finance-officer]` tables in TOML.
///
/// # Errors
/// The line that cannot be read, or the kind that there is not.
pub fn drafts_from_toml(text: &str) -> Result<Vec<Draft>, Refusal> {
    let bad = |error: String| Refusal::bad("file", error);
    let table: BTreeMap<String, BTreeMap<String, Json>> =
        toml::from_str(text).map_err(|error| bad(error.to_string()))?;
    let mut drafts = Vec::new();
    for (kind, documents) in table {
        let kind: DocumentKind = kind.parse().map_err(bad)?;
        for (key, body) in documents {
            drafts.push(Draft { kind, key, body: Some(body) });
        }
    }
    Ok(drafts)
}

/// Whoever is to blame for a change of documents, with the reason.
#[derive(Debug, Clone)]
pub struct Author {
    pub actor: Actor,
    pub reason: String,
}
