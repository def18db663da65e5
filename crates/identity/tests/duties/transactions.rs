//! Dynamic separation of duties: who did alone in one transaction what two must do.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use identity::document::DocumentKind;
use identity::finding::{FindingKind, FindingState};
use identity::sod::{NewSodException, Violation, ViolationState};
use kernel::port::{Answer, AnswerStream, DeliveryError, EventLake, QueryError, QueryRequest};
use kernel::{ColumnSchema, ScalarType, TableSchema, Value};
use serde_json::{Value as Json, json};

use crate::house::{DAY_US, House, by, refused};

const QUERY: &str = "Payments | summarize Creator = take_anyif(User, Act == 'create') by Transaction";

/// Transaction, number of a person, amount.
type Payment = (&'static str, String, i64);

/// A lake that holds payments.
#[derive(Default)]
struct Payments(Mutex<Option<Vec<Payment>>>);

#[async_trait]
impl EventLake for Payments {
    async fn append(&self, _: &str, _: Vec<serde_json::Map<String, Json>>) -> Result<(), DeliveryError> {
        Err(DeliveryError::Unavailable("nothing is appended here".to_owned()))
    }

    async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError> {
        assert_eq!(request.text, QUERY);
        let rows = self.0.lock().unwrap().clone().ok_or_else(|| QueryError::Engine("the lake is away".to_owned()))?;
        let column = |name: &str, scalar| ColumnSchema { name: name.to_owned(), scalar };
        let columns = [
            column("Transaction", ScalarType::String),
            column("Number", ScalarType::String),
            column("Amount", ScalarType::Long),
        ];
        let row = |(transaction, number, amount): (&str, String, i64)| {
            vec![Value::String(transaction.to_owned()), Value::String(number), Value::Long(amount)]
        };
        Ok(Answer::of(columns.into(), rows.into_iter().map(row).collect()))
    }

    async fn stream(&self, _: QueryRequest) -> Result<AnswerStream, QueryError> {
        Err(QueryError::Engine("nothing streams here".to_owned()))
    }

    fn tables(&self) -> Vec<TableSchema> {
        Vec::new()
    }
}

fn rule(transactions: Json) -> Json {
    json!({ "title": "Pays what they entered", "owner": "guard", "risk": "high", "transactions": transactions })
}

struct Desk {
    house: House,
    lake: Arc<Payments>,
}

impl Desk {
    async fn open(url: &str) -> Desk {
        let house = House::open(url).await;
        house.duty(DocumentKind::SodRule, "own-payment", rule(json!({ "kql": QUERY }))).await.unwrap();
        Desk { house, lake: Arc::default() }
    }

    async fn look(&self, rows: Option<&[(&'static str, &str, i64)]>) -> (usize, usize, usize) {
        let rows = rows.map(|rows| rows.iter().map(|(id, who, sum)| (*id, (*who).to_owned(), *sum)).collect());
        *self.lake.0.lock().unwrap() = rows;
        let summary = self.house.identity.analyse_transactions(self.lake.as_ref(), &by("guard")).await.unwrap();
        (summary.new, summary.unknown, summary.failed.len())
    }

    async fn found(&self) -> Vec<Violation> {
        let mut found = self.house.identity.violations(None, None, 10).await.unwrap();
        found.sort_by(|left, right| left.scope.cmp(&right.scope));
        found
    }

    async fn troubles(&self) -> Vec<String> {
        let open = self.house.identity.findings(Some(FindingKind::Sod), Some(FindingState::Open)).await.unwrap();
        open.into_iter().map(|one| one.title).collect()
    }
}

pub async fn a_deed_is_found_once_and_stays_until_somebody_looked(url: String) {
    let desk = Desk::open(&url).await;
    assert_eq!(
        desk.look(Some(&[("4711", "amina", 900), ("4711", "amina", 100), ("4712", "guard", 5)])).await,
        (2, 0, 0)
    );
    let found = desk.found().await;
    assert_eq!(
        (found[0].scope.as_deref(), found[0].state, found[0].person),
        (Some("4711"), ViolationState::Open, desk.house.person("amina"))
    );
    assert_eq!(found[0].sides[0].ways[0], ["Transaction: 4711", "Number: amina", "Amount: 900"]);
    assert_eq!(found[0].sides[0].ways.len(), 2, "each row is evidence");
    // It is not found again, and goes neither when the lake forgets nor when keys are looked at.
    assert_eq!(desk.look(Some(&[("4711", "amina", 900)])).await, (0, 0, 0));
    assert_eq!(desk.look(Some(&[])).await, (0, 0, 0));
    desk.house.identity.analyse_duties(&by("guard")).await.unwrap();
    let states = async || desk.found().await.iter().map(|one| one.state).collect::<Vec<_>>();
    assert_eq!(states().await, [ViolationState::Open, ViolationState::Open]);
    let resolve = async |at: usize, who: &str| {
        desk.house.identity.resolve_transaction(desk.found().await[at].id, "paid back", &by(who)).await
    };
    assert!(refused(resolve(0, "owner").await).contains("only the owner of the risk, number guard"));
    assert!(refused(resolve(1, "guard").await).contains("nobody resolves what they did themselves"));
    assert_eq!(resolve(0, "guard").await.unwrap().state, ViolationState::Resolved);
    assert!(refused(resolve(0, "guard").await).contains("it is resolved"));
    assert_eq!(desk.look(Some(&[("4711", "amina", 900)])).await, (0, 0, 0), "what is resolved stays so");
    assert_eq!(states().await, [ViolationState::Resolved, ViolationState::Open]);
    // Excepted for a time: what is done meanwhile is excused.
    let exception = NewSodException {
        rule: "own-payment".to_owned(),
        person: desk.house.person("amina"),
        risk_owner: desk.house.person("guard"),
        mitigation: "the auditor looks weekly".to_owned(),
        reason: "nobody else is at the office".to_owned(),
        until: desk.house.store.now().plus_micros(DAY_US),
    };
    desk.house.identity.except(exception, &by("guard")).await.unwrap();
    assert_eq!(desk.look(Some(&[("4713", "amina", 1)])).await, (0, 0, 0));
    assert_eq!(desk.found().await[2].state, ViolationState::Excused);
}

pub async fn a_rule_that_sees_not_everything_says_so(url: String) {
    let desk = Desk::open(&url).await;
    assert_eq!(desk.look(None).await, (0, 0, 1));
    assert!(desk.troubles().await[0].contains("the lake is away"), "{:?}", desk.troubles().await);
    assert_eq!(
        desk.look(Some(&[("4711", "nobody-known", 1), ("", "amina", 2), ("4714", "amina", 3)])).await,
        (1, 2, 0)
    );
    assert!(desk.troubles().await[0].contains("2 rows name no transaction or nobody who is known"));
    assert_eq!(desk.look(Some(&[])).await, (0, 0, 0));
    assert_eq!(desk.troubles().await, Vec::<String>::new());
    for (body, word) in [
        (json!({ "title": "t", "owner": "guard" }), "say either which `sides`"),
        (rule(json!({ "kql": " " })), "a query of at most"),
        (
            json!({ "title": "t", "owner": "guard", "sides": [["pay"]], "transactions": { "kql": "x" } }),
            "neither sides",
        ),
    ] {
        let problem = refused(desk.house.duty(DocumentKind::SodRule, "x", body).await);
        assert!(problem.contains(word), "{problem}");
    }
}
