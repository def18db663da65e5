//! A bound connection that is made when it is needed and made again when it was lost.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, SearchOptions, StdStream};

use super::entry::{Entry, Item, item};
use super::relay::{self, Place};
use crate::error::{ConnectorError, ErrorKind};
use crate::secret::Secret;

/// How long one operation may take.
const OPERATION: Duration = Duration::from_secs(30);
/// How long one page of a search may take.
const SEARCH: Duration = Duration::from_secs(120);
/// Entries that one search may bring before it is stopped: a server that ignores our page size does not fill our memory.
const MOST_ENTRIES: usize = 200_000;

/// Where, and as whom.
pub struct Session {
    place: Place,
    bind_name: String,
    password: Secret,
    live: tokio::sync::Mutex<Option<Ldap>>,
}

/// A question.
#[derive(Clone)]
pub struct Query<'a> {
    pub base: &'a str,
    pub scope: Scope,
    pub filter: &'a str,
    /// Empty: all user attributes.
    pub attributes: Vec<&'a str>,
    pub controls: Vec<RawControl>,
}

/// Its answer.
#[derive(Debug, Default)]
pub struct Found {
    pub entries: Vec<Entry>,
    /// Intermediate responses, by OID.
    pub intermediates: Vec<(String, Vec<u8>)>,
    /// Controls at the end, by OID.
    pub controls: Vec<(String, Vec<u8>)>,
    /// What could not be understood.
    pub faults: Vec<String>,
}

impl Found {
    /// The value of a control at the end.
    pub fn control(&self, oid: &str) -> Option<&[u8]> {
        self.controls.iter().find(|(name, _)| name == oid).map(|(_, value)| value.as_slice())
    }
}

impl Session {
    /// Nothing happens before the first operation.
    pub fn new(place: Place, bind_name: &str, password: Secret) -> Session {
        Session { place, bind_name: bind_name.to_owned(), password, live: tokio::sync::Mutex::new(None) }
    }

    /// The name that we sign in with.
    pub fn bind_name(&self) -> &str {
        &self.bind_name
    }

    async fn ldap(&self) -> Result<(Ldap, bool), ConnectorError> {
        let mut live = self.live.lock().await;
        if let Some(ldap) = live.as_mut()
            && !ldap.is_closed()
        {
            return Ok((ldap.clone(), true));
        }
        let ldap = self.connect().await?;
        *live = Some(ldap.clone());
        Ok((ldap, false))
    }

    async fn connect(&self) -> Result<Ldap, ConnectorError> {
        let stream = relay::connect(&self.place).await?;
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(stream));
        // The address is not used: the stream is there already.
        let (connection, mut ldap) = guard(LdapConnAsync::with_settings(settings, "ldapi://connected"))
            .await?
            .map_err(|error| failure(&error))?;
        tokio::spawn(async move {
            let _ = connection.drive().await;
        });
        ldap.with_timeout(OPERATION);
        let bound = guard(ldap.simple_bind(&self.bind_name, self.password.reveal())).await?;
        let result = bound.map_err(|error| failure(&error))?;
        if result.rc != 0 {
            let error = refusal(&result);
            let kind = if error.kind == ErrorKind::Transient { ErrorKind::Transient } else { ErrorKind::Auth };
            return Err(ConnectorError { kind, reason: format!("signing in as `{}` failed", self.bind_name), ..error });
        }
        Ok(ldap)
    }

    /// Forgets the connection: cookies of pages die with it.
    pub async fn drop_connection(&self) {
        *self.live.lock().await = None;
    }

    /// Searches; once more on a new connection when an idle one turns out to be closed.
    pub async fn search(&self, query: &Query<'_>) -> Result<Found, ConnectorError> {
        let (ldap, reused) = self.ldap().await?;
        match search_on(ldap, query).await {
            Err(error) if reused && error.kind == ErrorKind::Transient && error.raw.is_none() => {
                self.drop_connection().await;
                let (ldap, _) = self.ldap().await?;
                search_on(ldap, query).await
            }
            other => other,
        }
    }

    /// The one entry with this name.
    pub async fn entry(&self, name: &str, attributes: &[&str]) -> Result<Option<Entry>, ConnectorError> {
        let query = Query {
            base: name,
            scope: Scope::Base,
            filter: "(objectClass=*)",
            attributes: attributes.to_vec(),
            controls: Vec::new(),
        };
        match self.search(&query).await {
            Ok(found) => Ok(found.entries.into_iter().next()),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn add(&self, name: &str, attributes: Vec<(Vec<u8>, HashSet<Vec<u8>>)>) -> Result<(), ConnectorError> {
        let (mut ldap, _) = self.ldap().await?;
        ldap.with_timeout(OPERATION);
        done(guard(ldap.add(name, attributes)).await?)
    }

    pub async fn modify(&self, name: &str, changes: Vec<Mod<Vec<u8>>>) -> Result<(), ConnectorError> {
        self.modify_with(name, changes, Vec::new()).await
    }

    pub async fn modify_with(
        &self,
        name: &str,
        changes: Vec<Mod<Vec<u8>>>,
        controls: Vec<RawControl>,
    ) -> Result<(), ConnectorError> {
        let (mut ldap, _) = self.ldap().await?;
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        ldap.with_timeout(OPERATION);
        done(guard(ldap.modify(name, changes)).await?)
    }

    /// Gives the entry another relative name, another parent, or both.
    pub async fn rename(&self, name: &str, relative: &str, parent: Option<&str>) -> Result<(), ConnectorError> {
        let (mut ldap, _) = self.ldap().await?;
        ldap.with_timeout(OPERATION);
        done(guard(ldap.modifydn(name, relative, true, parent)).await?)
    }

    pub async fn delete(&self, name: &str) -> Result<(), ConnectorError> {
        let (mut ldap, _) = self.ldap().await?;
        ldap.with_timeout(OPERATION);
        done(guard(ldap.delete(name)).await?)
    }

    /// Password Modify, RFC 3062.
    pub async fn set_password(&self, name: &str, password: &Secret) -> Result<(), ConnectorError> {
        let (mut ldap, _) = self.ldap().await?;
        ldap.with_timeout(OPERATION);
        let request =
            ldap3::exop::PasswordModify { user_id: Some(name), old_pass: None, new_pass: Some(password.reveal()) };
        let answer = guard(ldap.extended(request)).await?;
        done(answer.map(|answer| answer.1))
    }
}

async fn search_on(mut ldap: Ldap, query: &Query<'_>) -> Result<Found, ConnectorError> {
    let searching = async {
        if !query.controls.is_empty() {
            ldap.with_controls(query.controls.clone());
        }
        ldap.with_search_options(SearchOptions::new());
        ldap.with_timeout(OPERATION);
        let stream = ldap.streaming_search(query.base, query.scope, query.filter, query.attributes.clone());
        let mut stream = stream.await.map_err(|error| failure(&error))?;
        let mut found = Found::default();
        while let Some(raw) = stream.next().await.map_err(|error| failure(&error))? {
            match item(raw) {
                Ok(Item::Entry(entry)) => found.entries.push(entry),
                Ok(Item::Intermediate(oid, value)) => found.intermediates.push((oid, value)),
                // Another server holds that part; following would sign in there with our password.
                Ok(Item::Referral) => {}
                Err(fault) => found.faults.push(fault),
            }
            if found.entries.len() > MOST_ENTRIES {
                return Err(ConnectorError::garbled(format!(
                    "the server sends more than {MOST_ENTRIES} entries at once"
                )));
            }
        }
        let result = stream.finish().await;
        found.controls = result
            .ctrls
            .iter()
            .map(|control| (control.1.ctype.clone(), control.1.val.clone().unwrap_or_default()))
            .collect();
        if result.rc == 0 { Ok(found) } else { Err(refusal(&result)) }
    };
    let timed = tokio::time::timeout(SEARCH, guard(searching)).await;
    timed.map_err(|_| ConnectorError::transient("the directory does not finish its answer"))??
}

/// The library panics on some malformed answers; that is the server's fault and must stay its own.
async fn guard<T>(work: impl Future<Output = T>) -> Result<T, ConnectorError> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .map_err(|_| ConnectorError::garbled("the server sent an answer that is no LDAP"))
}

fn done(result: Result<LdapResult, LdapError>) -> Result<(), ConnectorError> {
    let result = result.map_err(|error| failure(&error))?;
    if result.rc == 0 { Ok(()) } else { Err(refusal(&result)) }
}

fn failure(error: &LdapError) -> ConnectorError {
    match error {
        LdapError::LdapResult { result } => refusal(result),
        LdapError::FilterParsing => ConnectorError::invalid("the filter cannot be read (RFC 4515)"),
        LdapError::Timeout { .. } => ConnectorError::transient("the directory does not answer in time"),
        LdapError::Io { .. } | LdapError::EndOfStream | LdapError::OpSend { .. } | LdapError::ResultRecv { .. } => {
            ConnectorError::transient("the connection to the directory broke")
        }
        _ => ConnectorError::garbled("the directory's answer cannot be used").with_raw("library", &error.to_string()),
    }
}

/// What a result code (RFC 4511 §4.1.9) means for us.
pub fn refusal(result: &LdapResult) -> ConnectorError {
    let unbound = result.rc == 1 && result.text.contains("bind");
    let (kind, reason) = match result.rc {
        32 => (ErrorKind::NotFound, "there is no such entry"),
        68 => (ErrorKind::Conflict, "an entry of this name is there already"),
        20 => (ErrorKind::Conflict, "the value is there already"),
        16 => (ErrorKind::Conflict, "the value is not there"),
        122 => (ErrorKind::Conflict, "the entry was changed meanwhile"),
        51 | 52 | 3 => (ErrorKind::Transient, "the directory is busy"),
        8 | 13 => (ErrorKind::Auth, "the directory wants a protected connection"),
        48 | 49 => (ErrorKind::Auth, "the directory does not accept our credentials"),
        1 if unbound => (ErrorKind::Auth, "the directory wants us to sign in"),
        12 => (ErrorKind::Unsupported, "the directory does not know a control that is needed"),
        50 => (ErrorKind::Refused, "the directory does not let our account do this"),
        4 | 11 => (ErrorKind::Refused, "the directory stops at a limit: raise it for our account"),
        53 => (ErrorKind::Refused, "the directory is not willing"),
        19 | 21 | 17 | 65 => (ErrorKind::Refused, "a value does not fit the directory's rules"),
        _ => (ErrorKind::Refused, "the directory refused"),
    };
    ConnectorError::new(kind, reason).with_raw(result.rc, &result.text)
}
