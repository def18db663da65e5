//! Mail in: a mailbox is watched, and what is new in it is taken. RFC 3501, RFC 2177 (IDLE).
//!
//! The place in the mailbox is kept after its mails are; a crash in between reads them again, which their ids make harmless.
//! Nothing is deleted: what was taken is marked as seen.

use std::sync::Arc;
use std::time::Duration;

use async_imap::types::UnsolicitedResponse;
use async_imap::{Client, Session};
use futures::TryStreamExt;
use rustls::ClientConfig;
use store::{Housekeeping, params};

use super::read::{OwnAddress, read};
use super::smtp::MAIL;
use super::{Encryption, Place, place};
use crate::error::Error;
use crate::retry::Backoff;
use crate::room::Courier;
use crate::{sql, tls};

/// Servers may end a longer IDLE: RFC 2177.
const LONGEST_IDLE: Duration = Duration::from_secs(25 * 60);
const ANSWER: Duration = Duration::from_secs(120);
/// Mails of before the first start that are taken at most.
const MOST_AT_FIRST: usize = 500;
/// The channel's state and its place, apart from that of mail out.
const NAME: &str = "mail-in";

/// Where and as whom.
#[derive(Clone)]
pub struct ImapSettings {
    /// `imaps://host/INBOX`, or `imap://host/INBOX?tls=none` on this machine.
    pub url: String,
    pub user: String,
    pub password: String,
    /// Our own address, to tell a loop.
    pub own: OwnAddress,
    /// How often to look when the server cannot say that something is new.
    pub poll_s: u64,
    pub tls: Arc<ClientConfig>,
}

/// A watched mailbox.
pub struct Imap {
    settings: ImapSettings,
    place: Place,
}

type Open = Session<Box<dyn tls::Stream>>;

impl Imap {
    /// Reads the settings; connects when it is [run](Imap::run).
    ///
    /// # Errors
    /// [`Error::Configuration`] names what cannot be used.
    pub fn new(settings: ImapSettings) -> Result<Imap, Error> {
        let refuse = |problem: String| Error::configuration("mail_imap_url", problem);
        let place = place(&settings.url, "imap", 993, 143).map_err(refuse)?;
        if place.encryption == Encryption::Upgraded {
            return Err(refuse(
                "STARTTLS is not possible; write imaps://host/INBOX, or imap://host/INBOX?tls=none".to_owned(),
            ));
        }
        Ok(Imap { settings, place })
    }

    /// Watches until it is dropped, which is safe at any moment.
    pub async fn run(self, courier: Courier) {
        courier.expect_channel(NAME, "mail in by IMAP");
        let mut backoff = Backoff::new();
        loop {
            let problem = match self.watch(&courier, &mut backoff).await {
                Ok(never) => match never {},
                Err(problem) => problem,
            };
            tracing::warn!(channel = NAME, problem, "the mailbox cannot be watched; trying again");
            courier.note_connection(NAME, Err(problem));
            let chance = courier.store.random::<1>()[0];
            tokio::time::sleep(backoff.pause(chance)).await;
        }
    }

    async fn watch(&self, courier: &Courier, backoff: &mut Backoff) -> Result<std::convert::Infallible, String> {
        let mut session = self.open().await?;
        let idles = timed(session.capabilities()).await?.has_str("IDLE");
        courier.note_connection(NAME, Ok(()));
        backoff.reset();
        let told = session.unsolicited_responses.clone();
        loop {
            self.take_new(courier, &mut session).await?;
            if idles {
                let mut idle = session.idle();
                timed(idle.init()).await?;
                if !a_mail_came(std::iter::from_fn(|| told.try_recv().ok())) {
                    let (wait, _stop) = idle.wait_with_timeout(LONGEST_IDLE);
                    wait.await.map_err(|error| error.to_string())?;
                }
                session = timed(idle.done()).await?;
            } else {
                tokio::time::sleep(Duration::from_secs(self.settings.poll_s.max(1))).await;
            }
        }
    }

    async fn open(&self) -> Result<Open, String> {
        let encrypted = (self.place.encryption == Encryption::Wrapped).then_some(&self.settings.tls);
        let stream = tls::connect(&self.place.host, self.place.port, encrypted).await?;
        let mut client = Client::new(stream);
        let greeting = tokio::time::timeout(ANSWER, client.read_response()).await;
        greeting
            .map_err(|_| "the server does not greet".to_owned())?
            .map_err(|error| format!("the greeting cannot be read: {error}"))?;
        let login = client.login(&self.settings.user, &self.settings.password);
        let login = tokio::time::timeout(ANSWER, login).await.map_err(|_| "the login is not answered".to_owned())?;
        login.map_err(|(error, _)| format!("login: {error}"))
    }

    /// Takes what is new since the place that is kept.
    async fn take_new(&self, courier: &Courier, session: &mut Open) -> Result<(), String> {
        let name = if self.place.path.is_empty() { "INBOX" } else { self.place.path.as_str() };
        let mailbox = timed(session.select(name)).await?;
        // What was told until now, the search that follows finds.
        a_mail_came(std::iter::from_fn(|| session.unsolicited_responses.try_recv().ok()));
        let validity = mailbox.uid_validity.unwrap_or_default();
        let last = self.last(courier, validity).await?;
        let query = last.map_or("UNSEEN".to_owned(), |last| format!("UID {}:*", last.saturating_add(1)));
        let mut found: Vec<u32> = timed(session.uid_search(&query)).await?.into_iter().collect();
        found.sort_unstable();
        // `n:*` names the last mail even when its number is below n.
        found.retain(|uid| last.is_none_or(|last| *uid > last));
        let left = if last.is_none() { found.len().saturating_sub(MOST_AT_FIRST) } else { 0 };
        if left > 0 {
            tracing::warn!(left, "older unseen mails are left in the mailbox, untouched");
        }
        for uid in found.into_iter().skip(left) {
            self.take_one(courier, session, uid).await?;
            self.keep(courier, validity, uid).await?;
        }
        if last.is_none() {
            let next = mailbox.uid_next.unwrap_or(1);
            self.keep(courier, validity, next.saturating_sub(1)).await?;
        }
        Ok(())
    }

    async fn take_one(&self, courier: &Courier, session: &mut Open, uid: u32) -> Result<(), String> {
        let fetched = timed(session.uid_fetch(uid.to_string(), "(UID BODY.PEEK[])")).await?;
        let fetched: Vec<_> = timed(fetched.try_collect::<Vec<_>>()).await?;
        for mail in &fetched {
            let Some(bytes) = mail.body() else { continue };
            let taken = courier.take(MAIL, bytes, read(&self.settings.own, bytes)).await;
            taken.map_err(|error| format!("a mail could not be kept: {error}"))?;
        }
        let flagged = timed(session.uid_store(uid.to_string(), "+FLAGS (\\Seen)")).await?;
        timed(flagged.try_collect::<Vec<_>>()).await.map(drop)
    }

    /// The last mail that was taken, if the mailbox is still the same.
    async fn last(&self, courier: &Courier, validity: u32) -> Result<Option<u32>, String> {
        let row = courier.store.fetch_optional(&sql::CURSOR, params![NAME]).await.map_err(|error| error.to_string())?;
        let Some(row) = row else { return Ok(None) };
        let place = row.text("place").map_err(|error| error.to_string())?;
        let kept = place.split_once(' ').and_then(|(kept, uid)| Some((kept.parse::<u32>().ok()?, uid.parse().ok()?)));
        Ok(kept.filter(|(kept, _)| *kept == validity).map(|(_, uid)| uid))
    }

    async fn keep(&self, courier: &Courier, validity: u32, uid: u32) -> Result<(), String> {
        let kept = async {
            let mut tx = courier.store.housekeeping(Housekeeping::Courier).await?;
            tx.execute(&sql::SET_CURSOR, params![NAME, format!("{validity} {uid}")]).await?;
            tx.commit().await
        };
        kept.await.map_err(|error| error.to_string())
    }
}

/// Whether the server told of a mail beside its answers; it tells once, and IDLE would wait for the next one.
fn a_mail_came(told: impl Iterator<Item = UnsolicitedResponse>) -> bool {
    told.fold(false, |came, response| came | matches!(response, UnsolicitedResponse::Exists(_)))
}

/// An answer of the server within two minutes.
async fn timed<T>(answer: impl Future<Output = async_imap::error::Result<T>>) -> Result<T, String> {
    let answer = tokio::time::timeout(ANSWER, answer).await.map_err(|_| "the server does not answer".to_owned())?;
    answer.map_err(|error| error.to_string())
}
