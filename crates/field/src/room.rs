//! The room: a handle to the state database, the register as last read, and one turn of work in a transaction.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kernel::{Actor, Timestamp};
use parking_lot::RwLock;
use replica::Replica;
use serde_json::Value as Json;
use store::{Committed, Entry, Read, Store, Tx, params};

use crate::error::{Error, Refusal};
use crate::fact_tables::FACT_TABLES;
use crate::log::{self, LogEntry, NewEntry};
use crate::register::{Directory, Record, directory};
use crate::road::RoadsRead;
use crate::speech::{LANGUAGES, Language, say};
use crate::sql;

/// Decisions of the desk are taken one after the other.
const DESK: &str = "field.desk";
/// A wall clock that differs from house time by more makes entries suspect.
const SUSPECT_US: i64 = 5_000_000;

/// The room.
#[derive(Clone)]
pub struct Field {
    pub(crate) store: Store,
    directory: Arc<RwLock<Option<Arc<Directory>>>>,
    pub(crate) roads: Arc<RwLock<RoadsRead>>,
    /// This node among others; `None`: it has no name, and talks to no other.
    pub(crate) replica: Option<Replica>,
    positions_watched: Arc<AtomicBool>,
}

/// One turn of work: all of it is written, or nothing.
pub(crate) struct Turn {
    pub(crate) tx: Tx,
    store: Store,
    pub(crate) directory: Arc<Directory>,
    pub(crate) actor: Actor,
    pub(crate) reason: String,
    /// The age of positions is looked after.
    pub(crate) positions_watched: Arc<AtomicBool>,
    pub(crate) replica: Option<Replica>,
    /// By how much the wall clock is ahead of house time.
    wall_error_us: i64,
    entries: Vec<Entry>,
}

impl Field {
    /// The room on a state database. Makes its tables known to KQL.
    pub fn new(store: Store) -> Field {
        store.register_fact_tables(&FACT_TABLES);
        Field {
            store,
            directory: Arc::default(),
            roads: Arc::default(),
            replica: None,
            positions_watched: Arc::default(),
        }
    }

    /// The room as one of several that are nodes of each other.
    pub fn among_nodes(self, replica: Option<Replica>) -> Field {
        Field { replica, ..self }
    }

    /// Begins a turn of work.
    pub(crate) async fn turn(&self, actor: &Actor, reason: &str) -> Result<Turn, Error> {
        self.turn_in(self.store.begin().await?, actor, reason).await
    }

    /// Begins a turn that lives depend on: it may use the last room on the disk.
    pub(crate) async fn urgent_turn(&self, actor: &Actor, reason: &str) -> Result<Turn, Error> {
        self.turn_in(self.store.begin_urgent().await?, actor, reason).await
    }

    async fn turn_in(&self, mut tx: Tx, actor: &Actor, reason: &str) -> Result<Turn, Error> {
        tx.lock(DESK).await?;
        let directory = self.directory_in(&mut tx).await?;
        Ok(Turn {
            tx,
            store: self.store.clone(),
            directory,
            actor: actor.clone(),
            reason: reason.to_owned(),
            positions_watched: self.positions_watched.clone(),
            replica: self.replica.clone(),
            wall_error_us: self.store.wall_clock_error_us(),
            entries: Vec::new(),
        })
    }

    /// The register as it stands; read anew only after it was changed, by whichever process.
    async fn directory_in(&self, read: &mut impl Read) -> Result<Arc<Directory>, Error> {
        let revision = directory::revision(read).await?;
        let known = self.directory.read().clone();
        if let Some(known) = known.filter(|known| known.revision == revision) {
            return Ok(known);
        }
        let fresh = Arc::new(Directory::load(read, revision).await?);
        *self.directory.write() = Some(fresh.clone());
        Ok(fresh)
    }

    /// The register as it stands.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn directory(&self) -> Result<Arc<Directory>, Error> {
        self.directory_in(&mut self.store.clone()).await
    }

    /// House time.
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// The address under which people reach the server, for the links of headcounts.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn public_url(&self) -> Result<Option<String>, Error> {
        setting(&mut self.store.clone(), PUBLIC_URL).await
    }

    /// The language of the office, in which people are written to of whom the register says none.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn language(&self) -> Result<Language, Error> {
        let tag = setting(&mut self.store.clone(), LANGUAGE).await?;
        Ok(tag.and_then(|tag| Language::of_tag(&tag)).unwrap_or(Language::English))
    }

    /// Says which language is the office's.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is none of [`LANGUAGES`].
    pub async fn set_language(&self, tag: &str, actor: &Actor, reason: &str) -> Result<(), Error> {
        if !LANGUAGES.contains(&tag) {
            return Err(Refusal::bad("language", say!("one of {languages}", languages = LANGUAGES)).into());
        }
        let mut turn = self.turn(actor, reason).await?;
        turn.tx.execute(&sql::SAVE_SETTING, params![LANGUAGE, tag]).await?;
        turn.record("setting.save", LANGUAGE, Json::Null, Json::from(tag));
        turn.finish().await.map(drop)
    }

    /// Says under which address people reach the server; an empty one takes it back.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is no address of a server.
    pub async fn set_public_url(&self, url: &str, actor: &Actor, reason: &str) -> Result<(), Error> {
        let url = url.trim().trim_end_matches('/');
        let is_server = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let fits = is_server.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace));
        if !url.is_empty() && (!fits || url.len() > 200) {
            let problem = "write it as https://vigie.example.org";
            return Err(Refusal::bad("public_url", problem).into());
        }
        let mut turn = self.turn(actor, reason).await?;
        turn.tx.execute(&sql::SAVE_SETTING, params![PUBLIC_URL, url]).await?;
        turn.record("setting.save", PUBLIC_URL, Json::Null, Json::from(url));
        turn.finish().await.map(drop)
    }
}

const PUBLIC_URL: &str = "public_url";
const LANGUAGE: &str = "language";

impl Turn {
    /// The one instant of this turn.
    pub(crate) fn now(&self) -> Timestamp {
        self.tx.now()
    }

    /// What the wall clock says, and whether that can be believed.
    pub(crate) fn wall(&self) -> (Timestamp, bool) {
        (self.now().plus_micros(self.wall_error_us), self.wall_error_us.abs() > SUSPECT_US)
    }

    /// Random bytes, for secrets.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        self.store.random()
    }

    /// Whether a promise of this kind is pending, by what was committed last.
    pub(crate) async fn is_pending(&self, kind: &str) -> Result<bool, Error> {
        Ok(!self.store.pending_deadlines(kind).await?.is_empty())
    }

    /// The language of the office; English while nobody has said it.
    pub(crate) async fn office_language(&mut self) -> Result<Language, Error> {
        let tag = setting(&mut self.tx, LANGUAGE).await?;
        Ok(tag.and_then(|tag| Language::of_tag(&tag)).unwrap_or(Language::English))
    }

    /// The language in which somebody is written to: their own by the register, else the office's.
    pub(crate) async fn language_of(&mut self, record: &Record) -> Result<Language, Error> {
        match record.text_opt("language").and_then(|tag| Language::of_tag(&tag)) {
            Some(language) => Ok(language),
            None => self.office_language().await,
        }
    }

    /// Writes an entry into the duty log.
    pub(crate) async fn log(&mut self, entry: NewEntry) -> Result<LogEntry, Error> {
        log::append(self, entry).await
    }

    /// Keeps an entry for the ledger, by whoever takes this turn.
    pub(crate) fn record(&mut self, verb: &str, entity: impl std::fmt::Display, before: Json, after: Json) {
        let mut entry = Entry::new(&self.actor, verb, entity);
        if !self.reason.is_empty() {
            entry = entry.reason(&self.reason);
        }
        if !before.is_null() {
            entry = entry.before(before);
        }
        if !after.is_null() {
            entry = entry.after(after);
        }
        self.entries.push(entry);
    }

    /// Writes everything. A turn that did nothing writes nothing.
    pub(crate) async fn finish(mut self) -> Result<Option<Committed>, Error> {
        let Some(last) = self.entries.pop() else { return Ok(None) };
        for entry in self.entries {
            self.tx.record(entry);
        }
        Ok(Some(self.tx.commit(last).await?))
    }
}

/// What the room was told once, such as `public_url`; `None`: nobody has said it.
pub(crate) async fn setting(read: &mut impl Read, name: &str) -> Result<Option<String>, Error> {
    let rows = read.rows(&sql::SETTING, params![name]).await?;
    let value = rows.first().map(|row| row.text("value").map(str::to_owned)).transpose()?;
    Ok(value.filter(|value| !value.is_empty()))
}

/// The next number of a kind of thing, for people to say.
pub(crate) async fn next_number(tx: &mut Tx, name: &str) -> Result<i64, Error> {
    let row = tx.fetch_optional(&sql::NEXT_NUMBER, params![name]).await?;
    let missing = || store::Error::NotFound(format!("the counter `{name}` is missing: the database is damaged"));
    Ok(row.ok_or_else(missing)?.int("last")?)
}
