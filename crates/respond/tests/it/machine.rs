//! The state machine against its rules, on random commands.

use kernel::id::{CommentId, TaskId};
use kernel::{Severity, Timestamp};
use proptest::prelude::*;
use respond::{Classification, Command, Happening, Incident, Refusal, Status, allowed_commands, decide};

use crate::rig;

fn fresh() -> (CommentId, TaskId) {
    (CommentId::derived([1; 16]), TaskId::derived([2; 16]))
}

fn incident() -> Incident {
    serde_json::from_value(serde_json::json!({
        "id": kernel::id::IncidentId::derived([9; 16]), "number": 1, "title": "t", "description": "",
        "severity": "medium", "worst_alert": null, "status": "new", "classification": null, "owner": null,
        "created": 0, "updated": 0, "closed": null, "first_event": null, "last_event": null, "alert_count": 0,
        "techniques": [], "previous": null, "timeline_length": 0, "version": 1, "edited_version": 1,
    }))
    .unwrap()
}

fn commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        prop_oneof![Just(None), Just(Some("user-1".to_owned())), Just(Some("user-2".to_owned()))]
            .prop_map(|owner| Command::Assign { owner }),
        Just(Command::Activate),
        Just(Command::Contain),
        prop::sample::select(Classification::ALL).prop_map(|classification| Command::Close { classification }),
        Just(Command::Reopen),
        prop::sample::select(&Severity::ALL[..]).prop_map(|severity| Command::SetSeverity { severity }),
        Just(Command::Rename { title: "another".to_owned() }),
        Just(Command::Describe { description: "more".to_owned() }),
        Just(Command::Comment { text: "said".to_owned() }),
        Just(Command::AddTask { title: "do".to_owned(), assignee: None }),
        (0..50_u8).prop_map(|number| Command::AddAlerts { alerts: vec![rig::alert(number, 1, Severity::High)] }),
    ]
}

/// The arrows of the state machine, written down a second time.
fn is_arrow(from: Status, to: Status) -> bool {
    use Status::{Active, Closed, Contained, New};
    matches!((from, to), (New | Contained | Closed, Active) | (Active, Contained) | (New | Active | Contained, Closed))
}

proptest! {
    #[test]
    fn every_path_keeps_the_rules(path in prop::collection::vec(commands(), 1..40)) {
        let mut incident = incident();
        for (command, now) in path.iter().zip(1..) {
            let before = incident.clone();
            let allowed = allowed_commands(before.status).contains(&command.name());
            let happenings = match decide(&before, &[], command, fresh()) {
                Ok(happenings) => happenings,
                Err(refusal) => {
                    prop_assert_eq!(matches!(refusal, Refusal::NotNow { .. }), !allowed, "{:?}: {}", command, refusal);
                    continue;
                }
            };
            prop_assert!(allowed, "{command:?} was carried out while {}", before.status);
            for happening in &happenings {
                incident.apply(happening, Timestamp(now));
            }
            prop_assert_eq!(incident.timeline_length, before.timeline_length + happenings.len() as i64);
            prop_assert!(incident.status == before.status || is_arrow(before.status, incident.status));
            let closed = incident.status == Status::Closed;
            prop_assert_eq!((incident.classification.is_some(), incident.closed.is_some()), (closed, closed));
            prop_assert!(before.status != Status::Closed || incident.alert_count == before.alert_count);
            let edited = |of: &Incident| {
                (of.status, of.classification, of.owner.clone(), of.severity, of.title.clone(), of.description.clone())
            };
            let is_edit = happenings.iter().any(Happening::is_edit);
            prop_assert_eq!(edited(&incident) != edited(&before), is_edit, "{:?}", command);
        }
    }
}

#[test]
fn commands_of_each_state() {
    let of = |status| allowed_commands(status).join(" ");
    let work = "close set-severity rename describe comment add-task set-task add-alerts";
    assert_eq!(of(Status::New), format!("assign activate {work}"));
    assert_eq!(of(Status::Active), format!("assign contain {work}"));
    assert_eq!(of(Status::Contained), format!("assign activate {work}"));
    assert_eq!(of(Status::Closed), "reopen rename describe comment");
}
