//! Messages to people: something waits for you, it still does, it was decided, it is there now. In the receiver's language,
//! through the outbox and the courier; each once, however often its reason is looked at; what became of it is kept beside it.
//!
//! A message says what to do and where, never a reason or a secret. Silence of the courier is no answer: who could not be
//! reached is a finding, and whoever is next is asked at the time that they would be.

mod fulfilment;
mod tell;
mod words;

use std::collections::BTreeMap;

use kernel::id::PersonId;
use kernel::message::{Address, DeliveryState, Dispatch, Means, MessageDelivery, Precedence};
use kernel::{Fact, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use store::{Read, Row, Statement, params};

pub(crate) use fulfilment::FULFILMENT;
pub use words::LANGUAGES;
pub(crate) use words::Sentence;

use crate::account::{self, WantedState};
use crate::engagement;
use crate::error::Error;
use crate::finding::{FindingKind, NewFinding};
use crate::person::{self, Person};
use crate::room::{Identity, Turn};
use crate::saying::saying;

/// The room's name with the courier.
const DESK: &str = "identity";
/// When those who have not answered are told once more.
pub(crate) const REMINDER: &str = "identity.reminder";

const INSERT: Statement = Statement::new(
    "identity.insert_notice",
    "INSERT INTO identity_notice (dispatch, about, kind, person_id, language, subject, asked_us, state, state_us, problem) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7, $9) ON CONFLICT (dispatch) DO NOTHING",
);
const NOTE: Statement = Statement::new(
    "identity.note_notice",
    "UPDATE identity_notice SET state = $2, state_us = $3, problem = $4 WHERE dispatch = $1",
);
const ABOUT: Statement = Statement::new(
    "identity.notices_about",
    "SELECT dispatch, about, kind, person_id, language, subject, asked_us, state, state_us, problem FROM identity_notice WHERE \
     about = $1 ORDER BY asked_us, dispatch",
);
const ONE: Statement = Statement::new(
    "identity.notice",
    "SELECT dispatch, about, kind, person_id, language, subject, asked_us, state, state_us, problem FROM identity_notice WHERE \
     dispatch = $1",
);

/// All of them, for the test that prepares each on both engines.
pub const NOTICE_STATEMENTS: &[Statement] = &[INSERT, NOTE, ABOUT, ONE];

/// A message to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Names it for ever.
    pub dispatch: String,
    /// The id of the request, activation or campaign.
    pub about: String,
    /// `request-ask`, `request-remind`, `request-fulfilled`, `activation-ask`, `review-ask`, …
    pub kind: String,
    pub person: PersonId,
    /// The tag of its language.
    pub language: String,
    pub subject: String,
    pub asked: Timestamp,
    /// A word of [`DeliveryState`], or `no-address`.
    pub state: String,
    pub state_at: Timestamp,
    pub problem: Option<String>,
}

fn notice(row: &Row) -> Result<Notice, Error> {
    let text = |column: &str| Ok::<_, Error>(row.text(column)?.to_owned());
    Ok(Notice {
        dispatch: text("dispatch")?,
        about: text("about")?,
        kind: text("kind")?,
        person: row.id("person_id")?,
        language: text("language")?,
        subject: text("subject")?,
        asked: row.time("asked_us")?,
        state: text("state")?,
        state_at: row.time("state_us")?,
        problem: row.text_opt("problem")?.map(str::to_owned),
    })
}

/// One message on its way.
pub(crate) struct Message<'a> {
    /// What it is about, and what names it there.
    pub(crate) about: &'a str,
    pub(crate) key: String,
    pub(crate) sentence: Sentence,
    pub(crate) to: PersonId,
    /// Instead of what is known of the person.
    pub(crate) language: Option<&'a str>,
    pub(crate) values: Vec<(&'static str, Value)>,
    pub(crate) precedence: Precedence,
    /// It matters no longer from then on.
    pub(crate) expires: Option<Timestamp>,
}

/// What is put into a sentence.
pub(crate) enum Value {
    Text(String),
    /// Written in the receiver's zone.
    Time(Timestamp),
}

impl Turn {
    /// Has a message sent, once. False: it was before.
    pub(crate) async fn send(&mut self, message: Message<'_>) -> Result<bool, Error> {
        let person = person::must(&mut self.tx, message.to).await?;
        let language = words::language(message.language, &person, &self.known.policy.settings.language);
        let zone = self.zone_of(message.to).await?;
        let values = message.values.into_iter().map(|(name, value)| match value {
            Value::Text(text) => (name, text),
            Value::Time(at) => (name, words::time(at, &zone)),
        });
        let (subject, text) = message.sentence.say(language, &values.collect::<Vec<_>>());
        let addresses = self.addresses(&person).await?;
        let (now, kind) = (self.now(), message.sentence.as_str());
        let (state, problem) = match addresses.is_empty() {
            true => ("no-address", Some("no mail address and no mobile number is known")),
            false => (DeliveryState::Queued.as_str(), None),
        };
        let dispatch = format!("{}/{}", message.about, message.key);
        let row = params![&dispatch, message.about, kind, message.to, language, &subject, now, state, problem];
        if self.tx.execute(&INSERT, row).await? == 0 {
            return Ok(false);
        }
        self.record("notice.send", &dispatch, Json::Null, json!({ "to": message.to, "kind": kind, "state": state }));
        if addresses.is_empty() {
            self.not_reached(&dispatch, message.to, "no address is known").await?;
            return Ok(true);
        }
        let dispatch = Dispatch {
            key: dispatch,
            about: message.about.to_owned(),
            recipient: person.sheet.display_name(),
            addresses,
            subject: Some(subject),
            text,
            precedence: message.precedence,
            exercise: false,
            secret: false,
            patience_s: None,
            expires: message.expires,
        };
        self.tx.emit(Fact::MessagesRequested { desk: DESK.to_owned(), dispatches: vec![dispatch] });
        Ok(true)
    }

    /// What asks for something that is decided, and was not sent yet, is not sent any more.
    pub(crate) async fn unsend(&mut self, about: &str, keep: impl Fn(&Notice) -> bool) -> Result<(), Error> {
        let known = about_in(&mut self.tx, about).await?;
        let waits = |one: &&Notice| {
            let asks = one.kind.ends_with("-ask") || one.kind.ends_with("-remind");
            asks && matches!(one.state.as_str(), "queued" | "failed")
        };
        let keys: Vec<String> =
            known.iter().filter(waits).filter(|one| !keep(one)).map(|one| one.dispatch.clone()).collect();
        if !keys.is_empty() {
            let reason = "it is decided, or somebody else is asked".to_owned();
            self.tx.emit(Fact::MessagesWithdrawn { desk: DESK.to_owned(), keys, reason });
        }
        Ok(())
    }

    async fn zone_of(&mut self, id: PersonId) -> Result<jiff::tz::TimeZone, Error> {
        let contracts = engagement::of_person(&mut self.tx, id).await?;
        let live = contracts.iter().find(|one| one.state.is_live()).or_else(|| contracts.last());
        let station = live.and_then(|one| one.sheet.station.clone());
        Ok(self.known.policy.zone(station.as_deref()).clone())
    }

    /// Mail first, of the source of people or of an account that is open; then the mobile number that a feed may give.
    async fn addresses(&mut self, person: &Person) -> Result<Vec<Address>, Error> {
        let mut mail = person.sheet.mail.clone();
        if mail.is_none() {
            let accounts = account::of_person(&mut self.tx, person.id).await?;
            let open =
                accounts.into_iter().filter_map(|one| one.wanted).filter(|one| one.state == WantedState::Enabled);
            mail = open.filter_map(|mut one| one.names.remove("mail")).next();
        }
        let mobile = person.sheet.extra.get("mobile").filter(|number| number.starts_with('+'));
        let mail = mail.filter(|mail| mail.contains('@')).map(|mail| Address::new(Means::Email, mail));
        Ok(mail.into_iter().chain(mobile.map(|number| Address::new(Means::Sms, number.as_str()))).collect())
    }

    /// One finding for one cause, with everybody who could not be told because of it: a hundred of them would be read by nobody.
    async fn not_reached(&mut self, dispatch: &str, to: PersonId, why: &str) -> Result<(), Error> {
        let name = person::must(&mut self.tx, to).await?.sheet.display_name();
        let digest = hex::encode(&Sha256::digest(why)[..8]);
        let subject = format!("cause:{digest}");
        let row = params![FindingKind::NotReached.as_str(), &subject];
        let open = self.tx.fetch_optional(&crate::sql::OPEN_FINDING, row).await?;
        let before: Json = open.map(|row| row.json("detail")).transpose()?.unwrap_or(Json::Null);
        let mut people: BTreeMap<String, String> = serde_json::from_value(before["people"].clone()).unwrap_or_default();
        people.insert(to.to_string(), name.clone());
        let messages = before["messages"].as_u64().unwrap_or(0) + 1;
        let title = match people.len() {
            1 => saying!("{name} could not be told: {why}", name = name, why = why),
            many => saying!("{count} people could not be told: {why}", count = many, why = why),
        };
        let detail = json!({ "people": people, "messages": messages, "last": dispatch, "why": why });
        let finding = NewFinding::new(FindingKind::NotReached, subject, title);
        let person = Some(to).filter(|_| people.len() == 1);
        self.find(NewFinding { person, detail, ..finding }).await.map(drop)
    }
}

/// The courier tells what became of a message.
pub(crate) async fn delivered(turn: &mut Turn, news: &MessageDelivery) -> Result<(), Error> {
    let row = params![&news.key, news.state.as_str(), news.at, news.problem.clone()];
    if turn.tx.execute(&NOTE, row).await? == 0 {
        return Ok(());
    }
    turn.record("notice.delivery", &news.key, Json::Null, json!({ "state": news.state }));
    if matches!(news.state, DeliveryState::Undeliverable | DeliveryState::Expired) {
        let rows = turn.tx.fetch_all(&ONE, params![&news.key]).await?;
        if let Some(one) = rows.first().map(notice).transpose()? {
            let why = news.problem.clone().unwrap_or_else(|| news.state.as_str().to_owned());
            turn.not_reached(&news.key, one.person, &why).await?;
        }
    }
    Ok(())
}

async fn about_in(read: &mut impl Read, about: &str) -> Result<Vec<Notice>, Error> {
    read.rows(&ABOUT, params![about]).await?.iter().map(notice).collect()
}

impl Identity {
    /// Messages about a request, an activation or a campaign, the earliest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn notices(&self, about: &str) -> Result<Vec<Notice>, Error> {
        about_in(&mut self.store.clone(), about).await
    }

    /// Hears what people have to be told. To be given to `Store::run_outbox`.
    pub fn notice_subscriber(&self) -> std::sync::Arc<dyn store::Subscriber> {
        std::sync::Arc::new(tell::Notices { identity: self.clone() })
    }
}
