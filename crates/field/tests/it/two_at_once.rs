//! Several people, and deliveries that come again.

use field::alarm::{AlarmCommand, AlarmOrder};
use field::mission::{Command, Mission, MissionOrder};
use field::{DeskCommand, Error, LogFilter};
use kernel::Actor;
use store::OutboxPort;

use crate::rig::{self, Rig, operator};

async fn command_on(rig: &Rig, mission: &Mission, command: Command) -> Result<Mission, Error> {
    let (version, actor, reason) = (mission.version, operator(), "as asked".to_owned());
    let order = MissionOrder { mission: mission.id, version, at: None, actor, reason, command };
    rig.field.command_mission(&order).await.map(|moved| moved.mission)
}

pub async fn the_second_sees_what_the_first_did(url: String) {
    let mut rig = rig::open(&url).await;
    let mission = rig.depart("UN-1", Some("P-1"), "HIGH").await;
    let reroute = |area: &str| Command::Reroute { area: Some(area.to_owned()), to: None, corridor: None };
    let (one, two) =
        tokio::join!(command_on(&rig, &mission, reroute("LOW")), command_on(&rig, &mission, reroute("MED")));
    let (winner, loser) = match (one, two) {
        (Ok(winner), Err(loser)) | (Err(loser), Ok(winner)) => (winner, loser),
        both => panic!("exactly one wins: {both:?}"),
    };
    let Error::Conflict(conflict) = loser else { panic!("{loser}") };
    assert_eq!((conflict.version, conflict.theirs["area"].as_str()), (winner.version, Some(winner.area.as_str())));

    rig.pass_until(rig.now().plus_micros(3_600_000_000)).await;
    let alarm = rig.field.alarms(false, &operator()).await.unwrap().remove(0);
    let answer = async |name: &str| {
        let command = AlarmCommand::Acknowledge { attempt: Some(1), name: name.to_owned() };
        let (actor, reason) = (Actor::User(format!("user-{name}")), "on it".to_owned());
        let order = AlarmOrder { alarm: alarm.id, version: alarm.version, actor, reason, command };
        rig.field.command_alarm(&order).await
    };
    // The first step was not answered in time; take the attempt that waits.
    let waiting = alarm.course.attempts.iter().any(|attempt| attempt.number == 1 && attempt.answered_by.is_some());
    assert!(!waiting);
    let (one, two) = tokio::join!(answer("ana"), answer("beto"));
    assert!(one.is_err() && two.is_err(), "it is not waiting any more: {one:?} {two:?}");

    let (ana, beto) = (Actor::User("user-ana".to_owned()), Actor::User("user-beto".to_owned()));
    let (one, two) =
        tokio::join!(rig.field.at_desk(&DeskCommand::Take, &ana), rig.field.at_desk(&DeskCommand::Take, &beto));
    assert!(one.is_ok() != two.is_ok(), "one has the desk: {one:?} {two:?}");
    assert_eq!(rig.store.verify_ledger().await.unwrap().fault, None);
}

/// Two consoles answer the same attempt: one owns the alarm, the other is told by whom it was taken.
pub async fn two_consoles_acknowledge_at_once(url: String) {
    let mut rig = rig::open(&url).await;
    rig.depart("UN-1", Some("P-1"), "HIGH").await;
    rig.pass_until(rig.now().plus_micros(901_000_000)).await;
    let alarm = rig.field.alarms(false, &operator()).await.unwrap().remove(0);
    let answer = async |name: &str, attempt: Option<i64>, version: i64| {
        let command = AlarmCommand::Acknowledge { attempt, name: name.to_owned() };
        let (actor, reason) = (Actor::User(format!("user-{name}")), "on it".to_owned());
        rig.field.command_alarm(&AlarmOrder { alarm: alarm.id, version, actor, reason, command }).await
    };
    let (ana, beto) = tokio::join!(answer("ana", Some(1), alarm.version), answer("beto", Some(1), alarm.version));
    let (winner, loser) = match (ana, beto) {
        (Ok(winner), Err(loser)) | (Err(loser), Ok(winner)) => (winner, loser),
        both => panic!("exactly one owns it: {both:?}"),
    };
    let Error::Conflict(conflict) = loser else { panic!("{loser}") };
    assert_eq!(conflict.theirs["owner"].as_str(), winner.owner.as_deref(), "the other is told by whom");
    let late = answer("carla", None, winner.version).await.unwrap_err().to_string();
    assert_eq!(late, format!("taken by {} already", winner.owner.unwrap()));
}

pub async fn a_delivery_that_comes_again_has_no_effect(url: String) {
    let mut rig = rig::open(&url).await;
    rig.depart("UN-1", Some("P-1"), "HIGH").await;
    rig.pass_until(rig.now().plus_micros(7_200_000_000)).await;
    let before = rig.field.duty_log(&LogFilter::default(), 500).await.unwrap();
    assert!(before.iter().filter(|entry| entry.kind == "alarm").count() > 4, "the ladder climbed");
    let subscriber = rig.who_hears("deadline-expired");
    let facts = rig.store.facts_after(0, 10_000).await.unwrap();
    let mut again = 0;
    for stored in facts.into_iter().filter(|stored| stored.topic == "deadline-expired") {
        let (fact, time) = (stored.fact.unwrap(), stored.time);
        let delivery = store::Delivery { subscriber: subscriber.name(), seq: stored.seq, fact, time };
        subscriber.handle(&delivery).await.unwrap();
        again += 1;
    }
    assert!(again > 4);
    assert_eq!(rig.field.duty_log(&LogFilter::default(), 500).await.unwrap(), before);
}
