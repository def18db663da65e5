//! An incident from opening to closing.

use kernel::Severity;
use respond::{Classification, Command, Error, OpenIncident, Refusal, Status, TaskState};
use store::LedgerFilter;

use crate::rig;

const CLOSE: Command = Command::Close { classification: Classification::TruePositive };

pub async fn from_new_to_closed_and_back(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(3, 1, Severity::High)]).await;
    let incident = rig.queue().await.remove(0);
    assert_eq!((incident.label().as_str(), incident.status), ("INC-0001", Status::New));
    assert_eq!(incident.title, "Credential dump on WS-041");

    let incident = rig.order(&incident, Command::Assign { owner: Some("user-analyst".into()) }).await.unwrap();
    let incident = rig.order(&incident, Command::Activate).await.unwrap();
    let incident = rig.order(&incident, Command::Contain).await.unwrap();
    rig.clock.advance_s(60);
    let incident = rig.order(&incident, CLOSE).await.unwrap();
    assert_eq!((incident.status, incident.classification), (Status::Closed, Some(Classification::TruePositive)));
    assert_eq!(incident.closed, Some(rig.store.now()));
    let incident = rig.order(&incident, Command::Reopen).await.unwrap();
    assert_eq!((incident.status, incident.classification, incident.closed), (Status::Active, None, None));
    assert_eq!(rig.respond.incident(incident.id).await.unwrap(), incident, "what is returned is what is stored");
    assert_eq!(
        rig.lines(&incident).await,
        [
            "opened: Incident opened",
            "alert: Alert added: Credential dump",
            "assigned: Assigned to user-analyst",
            "status: Status changed from new to active",
            "status: Status changed from active to contained",
            "closed: Closed as true-positive",
            "reopened: Reopened",
        ]
    );
    let about = LedgerFilter { entity: Some(incident.id.to_string()), ..LedgerFilter::default() };
    let verbs: Vec<String> = rig.store.ledger(&about, 20).await.unwrap().into_iter().map(|entry| entry.verb).collect();
    let expected = ["reopened", "closed", "status", "status", "assigned", "alert", "opened"];
    assert_eq!(verbs, expected.map(|kind| format!("incident.{kind}")), "everything is in the ledger");
    let topics = rig.topics().await;
    assert_eq!(topics.iter().filter(|topic| *topic == "incident-closed").count(), 1);
    assert_eq!(topics.iter().filter(|topic| *topic == "incident-changed").count(), 6);
}

pub async fn refusals_write_nothing(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(1, 1, Severity::High)]).await;
    let incident = rig.queue().await.remove(0);
    let before = (rig.lines(&incident).await, rig.store.verify_ledger().await.unwrap().entries);
    let task = rig.store.id();
    for (command, expected) in [
        (Command::Contain, "`contain` is not possible while the incident is new"),
        (Command::Reopen, "`reopen` is not possible"),
        (Command::SetSeverity { severity: Severity::High }, "would change nothing"),
        (Command::Assign { owner: None }, "would change nothing"),
        (Command::Rename { title: "  ".into() }, "title is empty"),
        (Command::Rename { title: "x".repeat(301) }, "title has 301 characters; the limit is 300"),
        (Command::Comment { text: String::new() }, "text is empty"),
        (Command::SetTask { task, state: TaskState::Done }, "no task"),
        (Command::AddAlerts { alerts: Vec::new() }, "alerts is empty"),
        (Command::AddAlerts { alerts: vec![rig::alert(1, 1, Severity::High)] }, "would change nothing"),
    ] {
        let refused = rig.order(&incident, command.clone()).await.unwrap_err();
        assert!(matches!(refused, Error::Refused(_)), "{command:?}: {refused}");
        assert!(refused.to_string().contains(expected), "{command:?}: {refused}");
    }
    let mut unknown = incident.clone();
    unknown.id = rig.store.id();
    assert!(matches!(rig.order(&unknown, Command::Activate).await, Err(Error::NotFound(_))));
    assert_eq!((rig.lines(&incident).await, rig.store.verify_ledger().await.unwrap().entries), before);
}

pub async fn tasks_and_comments(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(1, 1, Severity::High)]).await;
    let incident = rig.queue().await.remove(0);
    let add = |title: &str| Command::AddTask { title: title.into(), assignee: Some("user-2".into()) };
    let incident = rig.order(&incident, add("isolate the host")).await.unwrap();
    rig.clock.advance_s(1);
    let incident = rig.order(&incident, add("call the owner")).await.unwrap();
    let tasks = rig.respond.tasks(incident.id).await.unwrap();
    assert_eq!(
        tasks.iter().map(|task| task.title.as_str()).collect::<Vec<_>>(),
        ["isolate the host", "call the owner"]
    );
    let done = Command::SetTask { task: tasks[0].id, state: TaskState::Done };
    let incident = rig.order(&incident, done.clone()).await.unwrap();
    assert!(rig.order(&incident, done).await.is_err(), "it is done already");
    let tasks = rig.respond.tasks(incident.id).await.unwrap();
    assert_eq!((tasks[0].state, tasks[0].ended), (TaskState::Done, Some(rig.store.now())));

    let incident =
        rig.order(&incident, Command::Comment { text: " Seen on the \"share\" too. ".into() }).await.unwrap();
    let incident = rig.order(&incident, CLOSE).await.unwrap();
    let incident = rig.order(&incident, Command::Comment { text: "Post-mortem on Friday".into() }).await.unwrap();
    let comments = rig.respond.comments(incident.id).await.unwrap();
    let texts: Vec<&str> = comments.iter().map(|comment| comment.text.as_str()).collect();
    assert_eq!(texts, ["Seen on the \"share\" too.", "Post-mortem on Friday"]);
    assert_eq!(comments[0].author, "user:user-analyst");
    let refused = rig.order(&incident, Command::AddTask { title: "late".into(), assignee: None }).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::NotNow { .. }))), "{refused:?}");
}

pub async fn opened_by_hand(url: String) {
    let rig = rig::open(&url).await;
    let order = |title: &str, alerts| OpenIncident {
        title: title.into(),
        severity: Severity::Low,
        description: "as told on the phone".into(),
        alerts,
        actor: rig::analyst(),
        reason: "reported by a colleague".into(),
    };
    let twice = vec![rig::alert(1, 1, Severity::High), rig::alert(1, 1, Severity::High)];
    let incident = rig.respond.open(order("Phone call", twice)).await.unwrap();
    assert_eq!((incident.severity, incident.alert_count), (Severity::High, 1), "an alert counts once");
    assert_eq!(rig.respond.incident(incident.id).await.unwrap(), incident);

    rig.raise(&[rig::alert(1, 1, Severity::High), rig::alert(2, 1, Severity::Low)]).await;
    let queue = rig.queue().await;
    assert_eq!((queue.len(), queue[0].alert_count), (1, 2), "it takes the alerts of its group from now on");

    let stolen = rig.respond.open(order("Another", vec![rig::alert(2, 1, Severity::Low)])).await.unwrap_err();
    assert!(stolen.to_string().contains(&incident.id.to_string()), "{stolen}");
    assert!(rig.respond.open(order(" ", Vec::new())).await.is_err());
    let next = rig.respond.open(order("Next", Vec::new())).await.unwrap();
    assert_eq!(next.number, 2, "refused ones use no number");
}
