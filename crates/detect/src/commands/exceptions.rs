//! Exceptions are made, prolonged, ended; their time ends.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::id::ExceptionId;
use kernel::{Actor, Fact, Timestamp};
use serde_json::json;
use sigma::Mappings;
use store::{Deadline, Delivery, Due, Entry, HandlerError, Subscriber, Tx, params};

use crate::commands::rules::reason_of;
use crate::error::Error;
use crate::exception::{self, DEADLINE, ExceptionState, NewException, RuleException, Trial};
use crate::rule::{NewRule, RuleKind};
use crate::{Detect, sql};

/// Latest alerts of the rule whose events an exception is tried on.
const ALERTS_TRIED: u32 = 50;

impl Detect {
    /// What an exception would silence, without making it.
    ///
    /// # Errors
    /// [`Error::BadRule`] when its detection is wrong; [`Error::NotFound`] when there is no such rule.
    pub async fn try_exception(&self, rule_id: &str, title: &str, detection: &str) -> Result<Trial, Error> {
        let rule = self.rule(rule_id).await?;
        if rule.kind != RuleKind::Sigma || rule.is_correlation() {
            return Err(Error::Refused(
                "exceptions are for Sigma rules over events; change the query of a scheduled rule, \
                 or make the exception for the rules that a correlation names"
                    .to_owned(),
            ));
        }
        let filter = exception::filter_text(rule_id, title, detection)?;
        let alerted = self.alerted_records(rule_id).await?;
        self.trial(&rule.id, &rule.origin, &rule.text, filter, alerted).await
    }

    /// Rules, by place, that an exception has come to blind since it was made, with what to say of it: a new text of the
    /// rule, or new tests.
    pub(crate) async fn blinded(&self, rules: &[NewRule]) -> Result<Vec<(usize, String)>, Error> {
        let mut found = Vec::new();
        for one in self.exceptions(None, false).await?.into_iter().filter(|one| !one.trial.blinds()) {
            let Some(place) = rules.iter().position(|rule| rule.id == one.rule_id && !rule.broken) else { continue };
            let (_, filter) = one.filter()?;
            let trial =
                self.trial(&rules[place].id, &rules[place].origin, &rules[place].text, filter, Vec::new()).await;
            match trial {
                Ok(trial) if trial.blinds() => found.push((
                    place,
                    format!(
                        "the exception `{}` of {} silences all {} events that the rule's tests know it by; narrow it or end it",
                        one.title, one.owner, trial.samples
                    ),
                )),
                Ok(_) => {}
                Err(error) => found.push((place, format!("the exception `{}` no longer fits: {error}", one.title))),
            }
        }
        Ok(found)
    }

    async fn trial(
        &self,
        id: &str,
        origin: &str,
        text: &str,
        filter: String,
        alerted: Vec<String>,
    ) -> Result<Trial, Error> {
        let samples = Arc::clone(&self.samples);
        let (id, origin, text) = (id.to_owned(), origin.to_owned(), text.to_owned());
        let tried = tokio::task::spawn_blocking(move || {
            let alerted: Vec<_> = alerted.iter().filter_map(|raw| samples.record(raw)).collect();
            let positives = samples.positives(&id, &origin);
            exception::try_out((&origin, &text), &filter, &Mappings::shipped(), &positives, &alerted)
        });
        tried.await.map_err(|error| Error::Refused(format!("trying the exception was stopped: {error}")))?
    }

    /// Records of the latest alerts of a rule, as they arrived.
    async fn alerted_records(&self, rule_id: &str) -> Result<Vec<String>, Error> {
        let rows = self.store.fetch_all(&sql::EVENTS_OF_RULE, params![rule_id, ALERTS_TRIED]).await?;
        let mut raws = Vec::new();
        for row in rows {
            let events: Vec<crate::AlertEvent> = row.json("events")?;
            raws.extend(events.into_iter().map(|event| event.raw));
        }
        Ok(raws)
    }

    /// Makes an exception. It counts when the rules have been loaded again, which begins at once.
    ///
    /// # Errors
    /// As [`Detect::try_exception`]; [`Error::Refused`] without a reason, an owner or a sensible end, and when it would
    /// blind the rule and that is not accepted.
    pub async fn create_exception(
        &self,
        new: &NewException,
        actor: &Actor,
        reason: &str,
    ) -> Result<RuleException, Error> {
        let reason = reason_of(reason)?;
        check_words(new)?;
        check_end(new.expires, self.store.now())?;
        let trial = self.try_exception(&new.rule_id, &new.title, &new.detection).await?;
        if trial.blinds() && !new.accept_blind {
            return Err(Error::Refused(format!(
                "with this exception the rule fires on none of the {} events that its tests know it by; narrow the \
                 exception, or switch the rule off, which says what is meant",
                trial.samples
            )));
        }
        let mut tx = self.store.begin().await?;
        let id: ExceptionId = tx.id();
        let now = tx.now();
        tx.execute(
            &sql::INSERT_EXCEPTION,
            params![
                id,
                &new.rule_id,
                &new.title,
                &new.detection,
                &new.owner,
                reason,
                ExceptionState::Active.as_str(),
                json!(trial).to_string(),
                now,
                new.expires
            ],
        )
        .await?;
        tx.deadline(deadline(id, &new.owner, new.expires)).await?;
        let after = load(&mut tx, id).await?;
        let entry = Entry::new(actor, "exception.create", format!("rule/{}", new.rule_id)).reason(reason);
        tx.commit(entry.after(after.summary())).await?;
        self.want_reload();
        Ok(after)
    }

    /// Moves the end of an exception.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is over, or without a reason or a sensible end; a conflict when `version` is old.
    pub async fn prolong_exception(
        &self,
        id: ExceptionId,
        expires: Timestamp,
        version: i64,
        actor: &Actor,
        reason: &str,
    ) -> Result<RuleException, Error> {
        let reason = reason_of(reason)?;
        check_end(expires, self.store.now())?;
        let mut tx = self.store.begin().await?;
        let before = load_active(&mut tx, id, version, json!({"expires": expires})).await?;
        tx.execute_one(&sql::PROLONG_EXCEPTION, params![id, expires, version]).await?;
        tx.deadline(deadline(id, &before.owner, expires)).await?;
        let after = load(&mut tx, id).await?;
        let entry = Entry::new(actor, "exception.prolong", format!("rule/{}", before.rule_id)).reason(reason);
        tx.commit(entry.before(before.summary()).after(after.summary())).await?;
        Ok(after)
    }

    /// Ends an exception before its time.
    ///
    /// # Errors
    /// As [`Detect::prolong_exception`].
    pub async fn end_exception(
        &self,
        id: ExceptionId,
        version: i64,
        actor: &Actor,
        reason: &str,
    ) -> Result<RuleException, Error> {
        let reason = reason_of(reason)?;
        let mut tx = self.store.begin().await?;
        let before = load_active(&mut tx, id, version, json!({"state": "ended"})).await?;
        tx.execute_one(&sql::CLOSE_EXCEPTION, params![id, ExceptionState::Ended.as_str(), version]).await?;
        tx.cancel_deadline(DEADLINE, &id.to_string()).await?;
        let after = load(&mut tx, id).await?;
        let entry = Entry::new(actor, "exception.end", format!("rule/{}", before.rule_id)).reason(reason);
        tx.commit(entry.before(before.summary()).after(after.summary())).await?;
        self.want_reload();
        Ok(after)
    }

    /// Exceptions, the latest first; of one rule, or of all; also those that are over, if asked for.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn exceptions(&self, rule: Option<&str>, also_over: bool) -> Result<Vec<RuleException>, Error> {
        let state = if also_over { "" } else { ExceptionState::Active.as_str() };
        let rows = self.store.fetch_all(&sql::LIST_EXCEPTIONS, params![rule.unwrap_or_default(), state]).await?;
        Ok(rows.iter().map(RuleException::of).collect::<Result<_, _>>()?)
    }

    /// The exceptions in force as Sigma filters, each with a name of a file; to be loaded with the rules.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn exception_filters(&self) -> Result<Vec<(PathBuf, String)>, Error> {
        self.exceptions(None, false).await?.iter().map(RuleException::filter).collect()
    }

    /// Hears when the time of an exception is over. To be given to `Store::run_outbox`.
    pub fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::new(Expiries { detect: self.clone() })
    }

    async fn expire(&self, delivery: &Delivery, subject: &str) -> Result<(), Error> {
        let mut tx = self.store.begin().await?;
        if !tx.acknowledge(delivery).await? {
            return Ok(());
        }
        let id: ExceptionId = subject.parse().map_err(|_| Error::not_found("exception", subject))?;
        let before = load(&mut tx, id).await?;
        if before.state != ExceptionState::Active || before.expires > tx.now() {
            // It was ended or prolonged in the meantime.
            let entry = Entry::new(&Actor::system("detect"), "exception.keep", format!("rule/{}", before.rule_id));
            tx.commit(entry).await?;
            return Ok(());
        }
        let state = ExceptionState::Expired.as_str();
        tx.execute_one(&sql::CLOSE_EXCEPTION, params![id, state, before.version]).await?;
        let after = load(&mut tx, id).await?;
        let entry = Entry::new(&Actor::system("detect"), "exception.expire", format!("rule/{}", before.rule_id));
        tx.commit(entry.before(before.summary()).after(after.summary())).await?;
        self.want_reload();
        Ok(())
    }
}

struct Expiries {
    detect: Detect,
}

#[async_trait]
impl Subscriber for Expiries {
    fn name(&self) -> &'static str {
        "detect.exceptions"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["deadline-expired"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        match &delivery.fact {
            Fact::DeadlineExpired { kind, subject, .. } if kind == DEADLINE => {
                Ok(self.detect.expire(delivery, subject).await?)
            }
            _ => Ok(()),
        }
    }
}

fn deadline(id: ExceptionId, owner: &str, expires: Timestamp) -> Deadline {
    Deadline {
        kind: DEADLINE.to_owned(),
        subject: id.to_string(),
        owes: owner.to_owned(),
        due: Due::At(expires),
        otherwise: "the exception ends and the rule fires again".to_owned(),
    }
}

fn check_words(new: &NewException) -> Result<(), Error> {
    for (place, text, longest) in
        [("title", &new.title, 200), ("owner", &new.owner, 200), ("detection", &new.detection, 20_000)]
    {
        let problem = match text.trim().chars().count() {
            0 => format!("give the {place}"),
            length if length > longest => format!("the {place} has {length} characters; {longest} are allowed"),
            _ => continue,
        };
        return Err(Error::BadRule { place: place.to_owned(), problem });
    }
    Ok(())
}

fn check_end(expires: Timestamp, now: Timestamp) -> Result<(), Error> {
    let problem = if expires <= now {
        "the end lies in the past"
    } else if expires > now.plus_micros(exception::LONGEST_US) {
        "an exception lasts 366 days at most; it can be prolonged"
    } else {
        return Ok(());
    };
    Err(Error::BadRule { place: "expires".to_owned(), problem: problem.to_owned() })
}

async fn load(tx: &mut Tx, id: ExceptionId) -> Result<RuleException, Error> {
    let row = tx.fetch_optional(&sql::GET_EXCEPTION, params![id]).await?;
    Ok(RuleException::of(&row.ok_or_else(|| Error::not_found("exception", id))?)?)
}

async fn load_active(
    tx: &mut Tx,
    id: ExceptionId,
    version: i64,
    yours: serde_json::Value,
) -> Result<RuleException, Error> {
    let stored = load(tx, id).await?;
    if stored.version != version {
        return Err(store::Error::conflict(yours, stored.summary(), stored.version).into());
    }
    match stored.state {
        ExceptionState::Active => Ok(stored),
        ExceptionState::Expired => Err(Error::Refused("the exception has expired; make a new one".to_owned())),
        ExceptionState::Ended => Err(Error::Refused("the exception was ended; make a new one".to_owned())),
    }
}
