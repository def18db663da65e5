//! Several people and the alerts at once.

use kernel::Severity;
use respond::{Command, Error};

use crate::rig;

pub async fn the_second_editor_sees_both_values(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(1, 1, Severity::High)]).await;
    let read = rig.queue().await.remove(0);
    let assign = |owner: &str| Command::Assign { owner: Some(owner.into()) };
    let (one, two) = tokio::join!(rig.order(&read, assign("user-1")), rig.order(&read, assign("user-2")));
    let (winner, loser) = match (one, two) {
        (Ok(winner), Err(loser)) | (Err(loser), Ok(winner)) => (winner, loser),
        both => panic!("exactly one wins: {both:?}"),
    };
    let Error::Conflict(conflict) = loser else { panic!("{loser:?}") };
    assert_eq!(conflict.yours["command"], "assign");
    assert_ne!(conflict.yours["owner"], conflict.theirs["owner"]);
    assert_eq!(conflict.theirs["owner"].as_str(), winner.owner.as_deref());
    assert_eq!(conflict.version, winner.version);
    assert_eq!(rig.lines(&read).await.len(), 3, "the loser left no line");

    let commented = rig.order(&read, Command::Comment { text: "adds and replaces nothing".into() }).await;
    assert!(commented.is_ok(), "{commented:?}");
    let mut future = winner.clone();
    future.version = 99;
    assert!(matches!(rig.order(&future, Command::Activate).await, Err(Error::Conflict(_))));
}

pub async fn alerts_do_not_disturb_editors(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(1, 1, Severity::High)]).await;
    let read = rig.queue().await.remove(0);
    rig.raise(&[rig::alert(2, 1, Severity::Low), rig::alert(3, 1, Severity::High)]).await;
    let incident = rig.order(&read, Command::Activate).await.unwrap();
    assert_eq!(incident.alert_count, 3);
    rig.raise(&[rig::alert(4, 1, Severity::Critical)]).await;
    let conflict = rig.order(&incident, Command::SetSeverity { severity: Severity::Low }).await;
    assert!(matches!(conflict, Err(Error::Conflict(_))), "the severity rose meanwhile: {conflict:?}");
}

/// Forty alerts arrive while twenty comments are written and a hand opens further incidents.
pub async fn everybody_at_once(url: String) {
    let rig = rig::open(&url).await;
    rig.raise(&[rig::alert(0, 1, Severity::High)]).await;
    let incident = rig.queue().await.remove(0);
    let alerts: Vec<_> = (1..=40).map(|number| rig::alert(number, 1, Severity::High)).collect();
    let comments = async {
        for number in 0..20 {
            rig.order(&incident, Command::Comment { text: format!("comment {number}") }).await.unwrap();
        }
    };
    let by_hand = async {
        for number in 0..5 {
            let open = respond::OpenIncident {
                title: format!("by hand {number}"),
                severity: Severity::Low,
                description: String::new(),
                alerts: vec![rig::alert(100 + number, 1, Severity::High)],
                actor: rig::analyst(),
                reason: "test".into(),
            };
            rig.respond.open(open).await.unwrap();
        }
    };
    tokio::join!(rig.raise(&alerts), comments, by_hand);
    let incident = rig.respond.incident(incident.id).await.unwrap();
    assert_eq!(incident.alert_count, 41);
    assert_eq!(rig.lines(&incident).await.len(), 2 + 40 + 20);
    assert_eq!(rig.respond.comments(incident.id).await.unwrap().len(), 20);
    assert_eq!(rig.queue().await.len(), 6);
    assert_eq!(rig.store.verify_ledger().await.unwrap().fault, None);
}
