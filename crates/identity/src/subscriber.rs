//! What the room hears: promises whose time has come, and accounts that are to be changed.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::id::{AccountId, PersonId};
use kernel::{Actor, Fact};
use store::{Delivery, HandlerError, Subscriber};

use crate::activation::VERIFY;
use crate::consent::TENANT;
use crate::desk::{self, ACCOUNT, SPONSOR};
use crate::error::Error;
use crate::feed::FETCH;
use crate::hybrid::LOOK;
use crate::plan::PERSON;
use crate::provision::{READ, READ_ALL, RETRY, Targets};
use crate::room::Identity;

impl Identity {
    /// Hears that the clock changed what somebody should have. To be given to `Store::run_outbox`.
    pub fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::new(Moments { identity: self.clone() })
    }

    /// Hears that systems are to be written or read, and does it. It has a place of its own in the outbox, because systems
    /// take their time.
    pub fn engine(&self, targets: Arc<dyn Targets>) -> Arc<dyn Subscriber> {
        Arc::new(Engine { identity: self.clone(), targets })
    }

    /// Hears that the source of a feed is to be asked, and asks it. It has a place of its own in the outbox as well: a slow
    /// source holds up nothing else.
    pub fn feed_subscriber(&self, targets: Arc<dyn Targets>) -> Arc<dyn Subscriber> {
        Arc::new(Feeds { identity: self.clone(), targets })
    }
}

impl Identity {
    /// Hears that the radio room wants somebody's accounts locked, and locks them. It has a place of its own in the outbox:
    /// it waits for nothing.
    pub fn protection_subscriber(&self, targets: Arc<dyn Targets>) -> Arc<dyn Subscriber> {
        Arc::new(Protection { identity: self.clone(), targets })
    }
}

struct Protection {
    identity: Identity,
    targets: Arc<dyn Targets>,
}

#[async_trait]
impl Subscriber for Protection {
    fn name(&self) -> &'static str {
        "identity.protection"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["duress-used"]
    }

    /// Safe to repeat: who is locked out already stays so.
    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        match &delivery.fact {
            Fact::DuressUsed(used) if used.lock_accounts => {
                Ok(self.identity.protect(used, self.targets.as_ref()).await?)
            }
            _ => Ok(()),
        }
    }
}

struct Moments {
    identity: Identity,
}

#[async_trait]
impl Subscriber for Moments {
    fn name(&self) -> &'static str {
        "identity.moments"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["deadline-expired", "person-left"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        match &delivery.fact {
            Fact::DeadlineExpired { kind, subject, .. } if [PERSON, ACCOUNT, SPONSOR].contains(&kind.as_str()) => {
                Ok(self.due(delivery, kind, subject).await?)
            }
            Fact::PersonLeft { person, .. } => Ok(self.left(delivery, *person).await?),
            _ => Ok(()),
        }
    }
}

impl Moments {
    async fn due(&self, delivery: &Delivery, kind: &str, subject: &str) -> Result<(), Error> {
        let mut turn = self.identity.turn(&Actor::system("identity"), "the time had come").await?;
        if !turn.tx.acknowledge(delivery).await? {
            return Ok(());
        }
        turn.cause = ("clock".to_owned(), None);
        match (kind, subject.parse::<PersonId>(), subject.parse::<AccountId>()) {
            (PERSON, Ok(person), _) => turn.touch(person),
            (SPONSOR, Ok(person), _) => desk::sponsor_due(&mut turn, person).await?,
            (ACCOUNT, _, Ok(account)) => desk::account_due(&mut turn, account).await?,
            _ => tracing::warn!(kind, subject, "a promise expired about nobody"),
        }
        turn.record("promise.due", subject, serde_json::Value::Null, serde_json::json!({ "kind": kind }));
        turn.finish().await.map(drop)
    }

    async fn left(&self, delivery: &Delivery, person: PersonId) -> Result<(), Error> {
        let mut turn = self.identity.turn(&Actor::system("identity"), "an owner or sponsor left").await?;
        if !turn.tx.acknowledge(delivery).await? {
            return Ok(());
        }
        desk::owner_left(&mut turn, person).await?;
        turn.record("person.left", person, serde_json::Value::Null, serde_json::Value::Null);
        turn.finish().await.map(drop)
    }
}

struct Feeds {
    identity: Identity,
    targets: Arc<dyn Targets>,
}

#[async_trait]
impl Subscriber for Feeds {
    fn name(&self) -> &'static str {
        "identity.feeds"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["deadline-expired"]
    }

    /// Safe to repeat: the same delivery twice has no effect.
    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let Fact::DeadlineExpired { kind, subject, .. } = &delivery.fact else { return Ok(()) };
        if kind != FETCH {
            return Ok(());
        }
        match self.identity.fetch_feed(subject, self.targets.as_ref(), &Actor::system("feed-source")).await {
            // It is not asked any more.
            Ok(_) | Err(Error::NotFound { .. } | Error::Unknown { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}

struct Engine {
    identity: Identity,
    targets: Arc<dyn Targets>,
}

#[async_trait]
impl Subscriber for Engine {
    fn name(&self) -> &'static str {
        "identity.engine"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["deadline-expired", "provisioning-due", "activation-changed"]
    }

    /// Safe to repeat: it works on what is due now, whatever the delivery said.
    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        match &delivery.fact {
            Fact::ProvisioningDue { .. } => {
                self.identity.provision(self.targets.as_ref()).await?;
            }
            Fact::DeadlineExpired { kind, .. } if kind == RETRY => {
                self.identity.provision(self.targets.as_ref()).await?;
            }
            Fact::DeadlineExpired { kind, subject, .. } if kind == READ || kind == READ_ALL => {
                self.read(subject, kind == READ_ALL).await?;
                self.identity.provision(self.targets.as_ref()).await?;
            }
            Fact::DeadlineExpired { kind, subject, .. } if kind == LOOK => {
                match self.identity.look_at_hybrid(subject, self.targets.as_ref()).await {
                    // Kept with the pair, and tried again at its next time; or there is no such pair any more.
                    Ok(_) | Err(Error::Refused(_) | Error::NotFound { .. }) => {}
                    Err(other) => return Err(other.into()),
                }
            }
            Fact::ActivationChanged { activation, .. } => {
                self.identity.end_sessions(*activation, self.targets.as_ref()).await?;
            }
            // A system that was away when the activation ended is asked again when the target is looked at.
            Fact::DeadlineExpired { kind, subject, .. } if kind == VERIFY => {
                if let Ok(activation) = subject.parse() {
                    self.identity.end_sessions(activation, self.targets.as_ref()).await?;
                }
            }
            Fact::DeadlineExpired { kind, subject, .. } if kind == TENANT => {
                match self.identity.look_at_tenant(subject, self.targets.as_ref()).await {
                    // Kept with the tenant, and tried again at its next time; or there is no such system any more.
                    Ok(_) | Err(Error::Refused(_) | Error::NotFound { .. }) => {}
                    Err(other) => return Err(other.into()),
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Engine {
    /// A system that does not answer is read at its next time; that is said where its health is shown.
    async fn read(&self, system: &str, everything: bool) -> Result<(), Error> {
        let targets = self.targets.as_ref();
        let read = match everything {
            true => self.identity.read_all(system, targets).await,
            false => self.identity.read_changes(system, targets).await,
        };
        match read {
            Ok(_) => Ok(()),
            Err(Error::Refused(refusal)) => self.identity.note_away(system, &refusal.to_string()).await,
            Err(Error::NotFound { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }
}
