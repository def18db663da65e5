//! What the duties of the desk hear: promises that come due, tickets that are closed.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::port::EventLake;
use kernel::{Actor, Fact};
use store::{Delivery, HandlerError, Subscriber};

use crate::activation::{self, OnMission, TicketState, Tickets};
use crate::error::Error;
use crate::last_use::{self, LAST_USE};
use crate::room::{Identity, Turn};
use crate::{consent, last_holder, licence, owner, request, review, sod};

impl Identity {
    /// Hears what concerns duties, requests, activations and reviews. To be given to `Store::run_outbox`.
    pub fn duties_subscriber(&self, tickets: Arc<dyn Tickets>, lake: Arc<dyn EventLake>) -> Arc<dyn Subscriber> {
        Arc::new(Duties { identity: self.clone(), tickets, lake })
    }
}

const HALF_HOUR_US: i64 = 1_800_000_000;

struct Duties {
    identity: Identity,
    tickets: Arc<dyn Tickets>,
    lake: Arc<dyn EventLake>,
}

#[async_trait]
impl Subscriber for Duties {
    fn name(&self) -> &'static str {
        "identity.duties"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["deadline-expired", "incident-closed", "mission-changed", "person-left"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        match &delivery.fact {
            // Safe to repeat: what was used last does not become earlier.
            Fact::DeadlineExpired { kind, .. } if kind == LAST_USE => {
                match self.identity.note_last_use(self.lake.as_ref()).await {
                    // It is asked again at the next time.
                    Ok(_) | Err(Error::Refused(_)) => {}
                    Err(other) => return Err(other.into()),
                }
            }
            // Safe to repeat: what was found is not found again.
            Fact::DeadlineExpired { kind, .. } if kind == sod::TRANSACTIONS => {
                self.identity.analyse_transactions(self.lake.as_ref(), &Actor::system("identity")).await?;
            }
            Fact::DeadlineExpired { kind, subject, .. } if is_ours(kind) => {
                let mut turn = self.identity.turn(&Actor::system("identity"), "the time has come").await?;
                if turn.tx.acknowledge(delivery).await? {
                    due(&mut turn, kind, subject).await?;
                    // Also where nothing came of it: what was promised next is kept with this entry.
                    turn.record("promise.due", subject, serde_json::Value::Null, serde_json::json!({ "kind": kind }));
                    turn.finish().await?;
                }
            }
            // Whoever they were to decide for does not wait for the hour.
            Fact::PersonLeft { .. } => {
                let mut turn = self.identity.turn(&Actor::system("identity"), "an approver or reviewer left").await?;
                if turn.tx.acknowledge(delivery).await? {
                    request::pass_over_absent(&mut turn).await?;
                    review::reroute_all(&mut turn).await?;
                    turn.record("person.left.duties", "duties", serde_json::Value::Null, serde_json::Value::Null);
                    turn.finish().await?;
                }
            }
            Fact::IncidentClosed { incident, .. } => self.closed(delivery, &incident.to_string()).await?,
            Fact::MissionChanged { mission, .. } => {
                let ticket = mission.to_string();
                let concerns = activation::missions_ticket(&mut self.identity.store.clone(), &ticket).await?;
                if concerns && self.tickets.ticket(&ticket).await? == TicketState::Closed {
                    self.closed(delivery, &ticket).await?;
                } else if concerns && let Some(on) = self.tickets.mission(&ticket).await? {
                    self.moved(delivery, &ticket, &on).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Duties {
    async fn moved(&self, delivery: &Delivery, ticket: &str, on: &OnMission) -> Result<(), Error> {
        let reason = format!("{} goes on", on.label);
        let mut turn = self.identity.turn(&Actor::system("identity"), &reason).await?;
        if turn.tx.acknowledge(delivery).await? {
            activation::end_elsewhere(&mut turn, ticket, on).await?;
            turn.finish().await?;
        }
        Ok(())
    }

    async fn closed(&self, delivery: &Delivery, ticket: &str) -> Result<(), Error> {
        let reason = format!("{ticket} is closed");
        let mut turn = self.identity.turn(&Actor::system("identity"), &reason).await?;
        if turn.tx.acknowledge(delivery).await? {
            activation::end_of_ticket(&mut turn, ticket).await?;
            turn.finish().await?;
        }
        Ok(())
    }
}

const OURS: [&str; 8] = [
    request::APPROVAL,
    activation::END,
    activation::WINDOW,
    activation::VERIFY,
    sod::EXCEPTION,
    sod::ANALYSIS,
    review::CAMPAIGN_DUE,
    review::VERIFY,
];

fn is_ours(kind: &str) -> bool {
    OURS.contains(&kind)
}

async fn due(turn: &mut Turn, kind: &str, subject: &str) -> Result<(), Error> {
    let unknown = |_| Error::missing("record", subject);
    match kind {
        request::APPROVAL => request::overdue(turn, subject.parse().map_err(unknown)?).await,
        activation::END => activation::time_over(turn, subject.parse().map_err(unknown)?).await,
        activation::WINDOW => activation::approval_window_over(turn, subject.parse().map_err(unknown)?).await,
        activation::VERIFY => activation::verify(turn, subject.parse().map_err(unknown)?).await,
        sod::EXCEPTION => sod::expired(turn, subject.parse().map_err(unknown)?).await,
        sod::ANALYSIS => {
            activation::end_ineligible(turn).await?;
            look_outside(turn).await?;
            request::pass_over_absent(turn).await?;
            review::reroute_all(turn).await?;
            last_holder::look_again(turn, None).await?;
            licence::look(turn).await?;
            owner::settle_retired(turn).await?;
            sod::analyse_all(turn).await.map(drop)
        }
        review::CAMPAIGN_DUE => review::close_due(turn, subject.parse().map_err(unknown)?).await,
        review::VERIFY => review::verify(turn, subject.parse().map_err(unknown)?).await,
        _ => Ok(()),
    }
}

/// Has the lake and the tenants asked within the half hour, also in a house that knew nothing of them when it began.
async fn look_outside(turn: &mut Turn) -> Result<(), Error> {
    last_use::begin(turn, HALF_HOUR_US).await?;
    let known = turn.known.clone();
    for (key, _) in known.policy.systems.iter().filter(|(_, system)| system.is_tenant()) {
        consent::begin(turn, key, HALF_HOUR_US).await?;
    }
    Ok(())
}
