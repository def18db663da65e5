//! Incidents from alerts, and from what people report to the radio room.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::fact::{AlertRaised, DuressUsed, IncidentReported};
use kernel::id::AlertId;
use kernel::{Actor, Fact, Severity};
use store::{Delivery, Entry, HandlerError, Subscriber, Tx};

use crate::alerts::{self, Course};
use crate::commands::{Change, Respond, commit};
use crate::decide;
use crate::error::Error;
use crate::happening::Happening;
use crate::incident::Incident;
use crate::records;

impl Respond {
    /// Hears of alerts and puts them into incidents. To be given to `Store::run_outbox`.
    pub fn subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::new(AlertsToIncidents { respond: self.clone() })
    }
}

struct AlertsToIncidents {
    respond: Respond,
}

#[async_trait]
impl Subscriber for AlertsToIncidents {
    fn name(&self) -> &'static str {
        "respond.alerts"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["alert-raised", "alert-withdrawn", "incident-reported", "duress-used"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        match &delivery.fact {
            Fact::AlertRaised(alert) => Ok(self.take(delivery, alert).await?),
            Fact::AlertWithdrawn { alert, title, .. } => Ok(self.withdraw(delivery, *alert, title).await?),
            Fact::IncidentReported(report) => Ok(self.open_reported(delivery, report).await?),
            Fact::DuressUsed(used) if used.open_incident => Ok(self.open_protection(delivery, used).await?),
            _ => Ok(()),
        }
    }
}

impl AlertsToIncidents {
    async fn take(&self, delivery: &Delivery, alert: &AlertRaised) -> Result<(), Error> {
        let mut tx = self.respond.store.begin().await?;
        if !tx.acknowledge(delivery).await? {
            return Ok(());
        }
        tx.lock(records::GROUPS).await?;
        if records::incident_of_alert(&mut tx, alert.alert).await?.is_some() {
            // Somebody was faster and added it by hand.
            return Ok(());
        }
        let incident = records::of_group(&mut tx, alert.group).await?;
        let status = incident.as_ref().map(|incident| incident.status);
        match (alerts::course(status, alert.severity, self.respond.policy), incident) {
            (Course::Join, Some(incident)) => join(tx, incident, alert).await,
            (Course::Join | Course::Open, incident) => open(tx, incident, alert).await,
            (Course::Wait, _) => wait(tx, alert).await,
        }
    }
}

impl AlertsToIncidents {
    /// The incident keeps the alert and says that it was withdrawn; one that waited for a worse one is forgotten.
    async fn withdraw(&self, delivery: &Delivery, alert: AlertId, title: &str) -> Result<(), Error> {
        let mut tx = self.respond.store.begin().await?;
        if !tx.acknowledge(delivery).await? {
            return Ok(());
        }
        tx.lock(records::GROUPS).await?;
        let incident = match records::incident_of_alert(&mut tx, alert).await? {
            Some(id) => records::hold(&mut tx, id).await?,
            None => None,
        };
        let Some(incident) = incident else {
            records::forget_waiting(&mut tx, alert).await?;
            tx.commit(Entry::new(&respond(), "alert.withdraw", alert)).await?;
            return Ok(());
        };
        let happenings = vec![Happening::AlertWithdrawn { alert, title: title.to_owned() }];
        let change = Change { actor: &respond(), reason: None, happenings };
        commit(tx, Some(&incident), incident.clone(), change).await.map(drop)
    }
}

impl AlertsToIncidents {
    /// What is reported is an incident, whoever reports it and however little is known.
    async fn open_reported(&self, delivery: &Delivery, report: &IncidentReported) -> Result<(), Error> {
        let mut tx = self.respond.store.begin().await?;
        if !tx.acknowledge(delivery).await? {
            return Ok(());
        }
        let mut incident = records::create(&mut tx, reported_title(report), report.severity).await?;
        incident.description = reported_words(report);
        let (id, label, at) = (incident.id, incident.label(), tx.now());
        tx.emit(Fact::ReportTaken { entry: report.entry, incident: id, label, at });
        let happenings = vec![Happening::Opened { previous: None }];
        let reason = format!("reported to the radio room: {}", report.entry);
        let change = Change { actor: &respond(), reason: Some(&reason), happenings };
        commit(tx, None, incident, change).await.map(drop)
    }
}

impl AlertsToIncidents {
    /// What somebody has access to is to be protected. Of duress it says nothing: many read incidents, few are told.
    async fn open_protection(&self, delivery: &Delivery, used: &DuressUsed) -> Result<(), Error> {
        let mut tx = self.respond.store.begin().await?;
        if !tx.acknowledge(delivery).await? {
            return Ok(());
        }
        let who = match &used.person {
            Some(person) => format!("{} ({})", person.name, person.key),
            None => "somebody in the field".to_owned(),
        };
        let title = format!("Protect what {who} has access to").chars().take(decide::LONGEST_TITLE).collect();
        let mut incident = records::create(&mut tx, title, Severity::High).await?;
        let accounts = if used.lock_accounts { "Their accounts are being locked. " } else { "" };
        incident.description = format!(
            "{accounts}Asked for by the radio room ({}). Do not call or write to them: speak to the security adviser \
             first, who knows why.\nLook at sign-ins, forwarding rules, shared files and what was approved since {}.",
            used.label, used.at
        );
        let happenings = vec![Happening::Opened { previous: None }];
        let reason = format!("asked for by the radio room: {}", used.label);
        let change = Change { actor: &respond(), reason: Some(&reason), happenings };
        commit(tx, None, incident, change).await.map(drop)
    }
}

/// `carjack at comoro: BF12 (White van)`, as far as it is known.
fn reported_title(report: &IncidentReported) -> String {
    let what = if report.what.is_empty() { "Incident" } else { &report.what };
    let place = report.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
    let who = if report.who.is_empty() { String::new() } else { format!(": {}", report.who) };
    format!("{what}{place}{who}").chars().take(decide::LONGEST_TITLE).collect()
}

fn reported_words(report: &IncidentReported) -> String {
    let said = |text: &str| if text.is_empty() { "not said".to_owned() } else { text.to_owned() };
    let place = report.place.as_deref().unwrap_or_default();
    format!("Who: {}\nWhere: {}\nWhat: {}\nWhen: {}", said(&report.who), said(place), said(&report.what), report.at)
}

fn respond() -> Actor {
    Actor::system("respond")
}

async fn join(tx: Tx, incident: Incident, alert: &AlertRaised) -> Result<(), Error> {
    let happenings = alerts::join(&incident, alert);
    let change = Change { actor: &respond(), reason: None, happenings };
    commit(tx, Some(&incident), incident.clone(), change).await.map(drop)
}

/// Opens an incident with the alert and the milder ones that were waiting.
async fn open(mut tx: Tx, closed: Option<Incident>, alert: &AlertRaised) -> Result<(), Error> {
    let title: String = alerts::title(alert).chars().take(decide::LONGEST_TITLE).collect();
    let mut incident = records::create(&mut tx, title, alert.severity).await?;
    incident.previous = closed.map(|closed| closed.id);
    let mut all = records::waiting(&mut tx, alert.group).await?;
    all.push(alert.clone());
    let mut happenings = vec![Happening::Opened { previous: incident.previous }];
    happenings.extend(alerts::join_all(&incident, &all));
    let change = Change { actor: &respond(), reason: None, happenings };
    commit(tx, None, incident, change).await.map(drop)
}

async fn wait(mut tx: Tx, alert: &AlertRaised) -> Result<(), Error> {
    records::insert_waiting(&mut tx, alert).await?;
    let entry = Entry::new(&respond(), "alert.wait", alert.alert);
    tx.commit(entry.reason("too mild to open an incident; it joins the one of its group")).await?;
    Ok(())
}
