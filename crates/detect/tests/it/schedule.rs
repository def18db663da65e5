//! Scheduled rules run when they are due.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use detect::{AlertFilter, ScheduledRule};
use kernel::port::{Answer, AnswerStream, DeliveryError, EventLake, QueryError, QueryRequest, TimeRange};
use kernel::{Actor, ColumnSchema, EntityKind, ScalarType, Severity, TableSchema, Value};

use crate::rig::{Rig, rig};

/// A lake that answers every query with what it was told to, and remembers the windows.
struct FakeLake {
    accounts: Mutex<Result<Vec<&'static str>, &'static str>>,
    windows: Mutex<Vec<TimeRange>>,
}

impl FakeLake {
    fn answering(accounts: Result<Vec<&'static str>, &'static str>) -> FakeLake {
        FakeLake { accounts: Mutex::new(accounts), windows: Mutex::default() }
    }
}

#[async_trait]
impl EventLake for FakeLake {
    async fn append(&self, _: &str, _: Vec<serde_json::Map<String, serde_json::Value>>) -> Result<(), DeliveryError> {
        Err(DeliveryError::Unavailable("not in this test".into()))
    }

    async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError> {
        self.windows.lock().unwrap().push(request.range.unwrap());
        let accounts = self.accounts.lock().unwrap().clone().map_err(|error| QueryError::Engine(error.into()))?;
        let column = ColumnSchema { name: "Account".into(), scalar: ScalarType::String };
        let rows = accounts.into_iter().map(|account| vec![Value::String(account.into())]).collect();
        Ok(Answer { elapsed_us: 1_000, rows_scanned: 10, ..Answer::of(Arc::from([column]), rows) })
    }

    async fn stream(&self, _: QueryRequest) -> Result<AnswerStream, QueryError> {
        Err(QueryError::Cancelled)
    }

    fn tables(&self) -> Vec<TableSchema> {
        Vec::new()
    }
}

async fn add_rule(rig: &Rig) -> String {
    let rule = ScheduledRule {
        title: "Accounts".into(),
        description: String::new(),
        severity: Severity::High,
        query: "SigninLogs | distinct Account".into(),
        frequency_s: 300,
        period_s: 600,
        operator: detect::scheduled::TriggerOperator::GreaterThan,
        threshold: 0,
        entities: vec![detect::scheduled::EntityMapping { kind: EntityKind::Account, column: "Account".into() }],
        techniques: vec!["T1539".into()],
        suppression_s: Some(3_600),
        enabled: true,
    };
    rig.detect.create_scheduled(&rule, &Actor::system("test"), "test").await.unwrap().id
}

pub async fn runs_once_per_window_and_catches_up(url: String) {
    let rig = rig(&url).await;
    add_rule(&rig).await;
    let lake = FakeLake::answering(Ok(vec!["amina@irco.example", "bashir@irco.example"]));
    let first = rig.detect.run_due(rig.store.now(), &lake, None).await.unwrap();
    assert_eq!((first.ran, first.raised), (1, 2), "one alert for each account");
    let again = rig.detect.run_due(rig.store.now(), &lake, None).await.unwrap();
    assert_eq!(again.ran, 0, "not due yet");
    rig.clock.advance_s(300);
    let second = rig.detect.run_due(rig.store.now(), &lake, None).await.unwrap();
    assert_eq!((second.ran, second.raised), (1, 0), "the same accounts within the suppression are the same alerts");
    rig.clock.advance_s(5_000);
    rig.detect.run_due(rig.store.now(), &lake, None).await.unwrap();
    let windows = lake.windows.lock().unwrap().clone();
    assert_eq!(windows.len(), 3);
    assert!(windows[2].from <= windows[1].to, "the time in which the server was down is looked at");
    let alerts = rig.detect.alerts(&AlertFilter { limit: 10, ..AlertFilter::default() }).await.unwrap();
    assert!(alerts.iter().any(|alert| alert.entities[0].key == "amina@irco"));
}

pub async fn a_failed_query_is_shown_and_its_window_is_run_again(url: String) {
    let rig = rig(&url).await;
    let id = add_rule(&rig).await;
    let lake = FakeLake::answering(Ok(vec![]));
    assert_eq!(rig.detect.run_due(rig.store.now(), &lake, None).await.unwrap().raised, 0, "no row, no alert");
    *lake.accounts.lock().unwrap() = Err("the disk is slow");
    rig.clock.advance_s(300);
    let failed = rig.detect.run_due(rig.store.now(), &lake, None).await.unwrap();
    assert_eq!((failed.ran, failed.failed), (1, 1));
    let run = rig.detect.last_run(&id).await.unwrap().unwrap();
    assert!(run.error.unwrap().contains("the disk is slow"));
    *lake.accounts.lock().unwrap() = Ok(vec!["amina@irco.example"]);
    rig.clock.advance_s(300);
    assert_eq!(rig.detect.run_due(rig.store.now(), &lake, None).await.unwrap().raised, 1);
    let windows = lake.windows.lock().unwrap().clone();
    assert!(windows[2].from <= windows[0].to, "what the failed run missed is in the next one");
}
