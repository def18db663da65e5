//! What comes from outside, in any order; a headcount of two thousand; who can help.

use field::alarm::ladder::Role;
use field::headcount::Tally;
use field::line::Safety;
use field::message::MessageFilter;
use field::position::{CrossingFilter, PositionFilter, Side, Standing, Trust, crossings};
use field::road::{Need, Season};
use field::{Follows, LogFilter};
use kernel::message::{DistressSignalled, Means, MessageReceived, Precedence};
use kernel::{Actor, Fact};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use store::OutboxPort;

use crate::rig::{self, Rig, operator};

const MINUTE: i64 = 60_000_000;

fn below(random: &mut ChaCha8Rng, end: u32) -> u32 {
    random.next_u32() % end
}

/// Fixes in any order, one by one and in heaps, doubled: judgements and crossings are those of the track in order.
pub async fn the_order_of_arrival_changes_nothing(url: String) {
    let rig = rig::open(&url).await;
    rig.reach().await;
    let mut random = ChaCha8Rng::seed_from_u64(5);
    rig.clock.advance_s(7_200);
    let mut longitude = 125.58;
    let mut reports = Vec::new();
    for minute in 0..40 {
        longitude += f64::from(below(&mut random, 1_600)) / 100_000.0 - 0.006;
        let jump = below(&mut random, 12) == 0;
        let place = (-8.55, if jump { longitude + 3.0 } else { longitude });
        let accuracy = if below(&mut random, 6) == 0 { 5_000.0 } else { 20.0 };
        reports.push(rig.report("T-1", place, (40 - minute) * MINUTE, Some(accuracy)));
    }
    for at in (1..reports.len()).rev() {
        reports.swap(at, below(&mut random, u32::try_from(at + 1).unwrap()) as usize);
    }
    let mut rest = reports.as_slice();
    while !rest.is_empty() {
        let (heap, after) = rest.split_at(rest.len().min(1 + below(&mut random, 4) as usize));
        let mut positions = heap.to_vec();
        positions.push(heap[0].clone());
        rig.tell(Fact::PositionsReported { positions }).await;
        rest = after;
    }

    let mut stored = rig.field.positions(&PositionFilter::default(), 500).await.unwrap();
    stored.reverse();
    assert_eq!(stored.len(), 40, "each report is kept once");
    let fixes: Vec<_> = stored.iter().map(|one| one.fix.clone()).collect();
    let judged = field::position::judge_all(None, &fixes, 60.0);
    let kept: Vec<_> = stored.iter().map(|one| (one.trust, one.doubts.clone())).collect();
    assert_eq!(kept, judged.iter().map(|one| (one.trust, one.doubts.clone())).collect::<Vec<_>>());
    let trusted: Vec<_> =
        fixes.into_iter().zip(&judged).filter(|(_, one)| one.trust == Trust::Good).map(|(fix, _)| fix).collect();
    let directory = rig.field.directory().await.unwrap();
    let fence = directory.fences().iter().find(|fence| fence.key == "RIVER").unwrap();
    let (_, expected) = crossings(fence, Standing::on(Side::Outside), &trusted);
    let found = rig.field.crossings("vehicle", "UN-1").await.unwrap();
    assert_eq!(found.into_iter().filter(|one| one.0 == "RIVER").map(|one| one.1).collect::<Vec<_>>(), expected);
    assert!(!expected.is_empty() && kept.iter().any(|(trust, _)| *trust == Trust::Low), "too tame");
}

/// Two thousand people of twenty organisations: all are asked in one breath, whatever they answer adds up.
#[tokio::test]
async fn a_headcount_of_two_thousand_always_adds_up() {
    let database = testkit::sqlite();
    let rig = rig::open(&database.url).await;
    let organisations: String = (0..20).map(|at| format!("O{at},Organisation {at},ngo\n")).collect();
    assert!(rig.import("organisation", &format!("key,name,kind\n{organisations}"), false).await.written);
    let people: String =
        (0..2_000).map(|at| format!("Q-{at},Person {at},staff,O{},present,+6707{at:07}\n", at % 20)).collect();
    let people = format!("key,name,category,organisation,presence,phone\n{people}");
    assert!(rig.import("person", &people, false).await.written);
    rig.enter("hc start all").await.unwrap();
    let facts = rig.store.facts_after(0, 100_000).await.unwrap();
    let asked: usize = facts
        .iter()
        .map(|stored| match stored.fact.as_ref().unwrap() {
            Fact::MessagesRequested { dispatches, .. } => dispatches.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(asked, 2_000, "in one fact, at once");
    let count = rig.field.headcounts(1).await.unwrap().remove(0);
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for turn in 0..60 {
        let who = below(&mut random, 2_000);
        match below(&mut random, 5) {
            0 => rig.sms(&format!("+6707{who:07}"), "SAFE", 0, None).await,
            1 => rig.sms(&format!("+6707{who:07}"), "help", 0, None).await,
            2 => rig.sms(&format!("+6707{who:07}"), &format!("Q-{} safe", (who + 1) % 2_000), 0, None).await,
            3 => drop(rig.enter(&format!("hc q-{who} unreachable")).await.unwrap()),
            _ => drop(rig.enter(&format!("hc q-{who} safe")).await.unwrap()),
        }
        if turn % 10 == 0 {
            let (_, people) = rig.field.counted(count.id, &operator()).await.unwrap();
            let tally = Tally::of(&people);
            assert_eq!(tally.total, 2_006);
            assert_eq!(tally.by_safety.values().sum::<usize>(), tally.total);
            let by_organisation: usize =
                (0..20).map(|at| people.iter().filter(|one| one.organisation == Some(format!("O{at}"))).count()).sum();
            assert_eq!(by_organisation, 2_000);
        }
    }
    let (_, people) = rig.field.counted(count.id, &operator()).await.unwrap();
    assert!(people.iter().any(|one| one.safety == Safety::NeedsHelp));
    let ended = rig.enter("hc end").await.unwrap();
    assert!(ended.outcome[0].contains(" of 2006"), "{:?}", ended.outcome);
}

const FACILITIES: &str = "key,name,kind,capability,hours,phone,latitude,longitude,verified,excluded\n\
    NEAR,Clinic across the bridge,hospital,surgery,24/7,555-1,-8.55,125.62,2026-11-01,\n\
    FAR,Regional hospital,hospital,surgery trauma,,555-2,-8.55,125.50,2026-01-01,\n\
    SHUT,Day clinic,hospital,trauma,Mo-Fr 08:00-12:00,555-3,-8.551,125.571,2026-11-01,\n\
    FRONT,Other side,hospital,surgery trauma,,555-4,-8.552,125.572,2026-11-01,across the front line\n\
    FIRE,Fire brigade,fire,,24/7,555-5,-8.55,125.56,2026-11-01,\n";

const ROADS: &str = r#"{"type":"FeatureCollection","features":[
    {"type":"Feature","properties":{"key":"B-1","name":"Comoro bridge","surface":"paved"},
     "geometry":{"type":"LineString","coordinates":[[125.57,-8.55],[125.62,-8.55]]}},
    {"type":"Feature","properties":{"name":"Coast road","surface":"gravel","speed_kmh":30},
     "geometry":{"type":"LineString","coordinates":[[125.57,-8.55],[125.50,-8.55]]}}]}"#;

/// By crow while no road is known; by road after; a closed bridge is excluded, and the reason told.
pub async fn who_can_help_soonest(url: String) {
    let rig = rig::open(&url).await;
    assert!(rig.import("facility", FACILITIES, false).await.written);
    let need = |capability: &[&str], season| Need {
        latitude: -8.55,
        longitude: 125.57,
        kind: Some("hospital".to_owned()),
        capability: capability.iter().map(|word| (*word).to_owned()).collect(),
        season,
    };
    let found = async |need: &Need| {
        let found = rig.field.nearest_facilities(need).await.unwrap();
        found
            .into_iter()
            .map(|one| (one.facility.clone(), one.crow_flies, one.excluded.clone(), one))
            .collect::<Vec<_>>()
    };
    let crow = found(&need(&["surgery"], Season::Dry)).await;
    assert_eq!((crow[0].0.as_str(), crow[0].1, crow[1].0.as_str()), ("NEAR", true, "FAR"));
    assert_eq!(crow[0].3.phone, "555-1");
    assert!(crow[1].3.notes[0].starts_with("not verified for"), "{:?}", crow[1].3.notes);
    let excluded: Vec<_> = crow[2..].iter().map(|one| (one.0.as_str(), one.2.clone().unwrap())).collect();
    assert_eq!(excluded[0].1, "it has no surgery");
    assert_eq!(excluded[1], ("FRONT", "across the front line".into()));

    let done = rig.field.import_roads(ROADS, false, &operator(), "from the survey").await.unwrap();
    assert!(done.written, "{:?}", done.findings);
    let road = found(&need(&["surgery"], Season::Dry)).await;
    assert_eq!((road[0].0.as_str(), road[0].1), ("NEAR", false));
    let wet = found(&need(&["surgery"], Season::Wet)).await;
    assert!(wet[0].3.minutes > road[0].3.minutes, "rains cost time");
    rig.save(
        "road",
        "B-1",
        1,
        &[
            ("name", "Comoro bridge"),
            ("surface", "paved"),
            ("one_way", "no"),
            ("shape", "LINESTRING (125.57 -8.55, 125.62 -8.55)"),
            ("closed", "bridge down"),
        ],
    )
    .await
    .unwrap();
    let cut = found(&need(&["surgery"], Season::Dry)).await;
    assert_eq!(cut[0].0, "FAR");
    let near = cut.iter().find(|one| one.0 == "NEAR").unwrap();
    assert_eq!(near.2.as_deref(), Some("the only way is closed: Comoro bridge: bridge down"));
    let shut = found(&need(&["trauma"], Season::Dry)).await;
    let shut = shut.iter().find(|one| one.0 == "SHUT").unwrap();
    assert_eq!(shut.2.as_deref(), Some("closed now: Mo-Fr 08:00-12:00"));
    let point = "{\"features\":[{\"geometry\":{\"type\":\"Point\"}}]}";
    let broken = rig.field.import_roads(point, false, &operator(), "x").await.unwrap();
    assert!(broken.findings[0].message.contains("feature 1 is no LineString"));
}

/// The question about somebody's last traces is one that the language understands, over whatever tables there are.
#[test]
fn the_question_about_traces_is_understood() {
    use field::traces::{Sought, question};
    use kernel::{ColumnSchema, ScalarType, TableSchema};

    let sought = Sought {
        person: "P-1\"'".to_owned(),
        name: "Ana".to_owned(),
        address: "ana@una.example".to_owned(),
        signs: vec!["3621".to_owned()],
        vehicles: Vec::new(),
    };
    let field: Vec<TableSchema> = field::FACT_TABLES
        .iter()
        .map(|table| TableSchema {
            name: table.name.to_owned(),
            columns: table
                .columns
                .iter()
                .map(|column| ColumnSchema { name: column.name.to_owned(), scalar: column.scalar })
                .collect(),
        })
        .collect();
    let column = |name: &str, scalar| ColumnSchema { name: name.to_owned(), scalar };
    let strings = |names: &[&str]| {
        let mut columns: Vec<ColumnSchema> = names.iter().map(|name| column(name, ScalarType::String)).collect();
        columns.push(column("TimeGenerated", ScalarType::DateTime));
        columns
    };
    let mut all = field.clone();
    all.push(TableSchema {
        name: "SigninLogs".to_owned(),
        columns: strings(&["UserPrincipalName", "AppDisplayName", "IPAddress", "ResultType"]),
    });
    all.push(TableSchema { name: "BadgeReads".to_owned(), columns: strings(&["Person", "Door"]) });
    for (tables, legs) in [(&field, 4), (&all, 6)] {
        let text = question(&sought, tables);
        assert_eq!(text.matches("| project TimeGenerated").count(), legs, "{text}");
        let bound = kql::compile(&text, &kql::catalog::Catalog::new(tables.clone()));
        assert!(bound.query.is_some(), "{text}: {:?}", bound.diagnostics);
    }
}

/// A phrase agreed on is shown as agreed, also where the message is kept as it came.
pub async fn a_duress_word_in_a_message_is_concealed(url: String) {
    let rig = rig::open(&url).await;
    rig.reach().await;
    let tell = vec!["user-adviser".to_owned()];
    rig.field.set_duress("blue heron", "thanks", tell, Follows::default(), &operator(), "agreed on").await.unwrap();
    rig.sms("+67077000001", "OK blue heron", 0, None).await;
    let subject = Some("Re: Blue-Heron".to_owned());
    let mail = MessageReceived { means: Means::Email, subject, ..rig.text("ana@una.example", "All is well", 0, None) };
    rig.tell(Fact::MessageReceived(Box::new(mail))).await;
    let facts = rig.store.facts_after(0, 10_000).await.unwrap();
    let kept = format!("{facts:?}").to_lowercase();
    assert!(kept.contains("ok thanks") && kept.contains("re: thanks"), "{kept}");
    assert!(!kept.contains("heron"), "on its way through the house it is kept no longer");
    let concealed = facts.iter().filter(|stored| matches!(stored.fact, Ok(Fact::MessageConcealed { .. }))).count();
    assert_eq!(concealed, 2);
    let adviser = Actor::User("user-adviser".to_owned());
    assert_eq!(rig.field.alarms(true, &adviser).await.unwrap().len(), 2);
    let log = rig.field.duty_log(&LogFilter::default(), 10).await.unwrap();
    assert!(!format!("{log:?}").to_lowercase().contains("heron"));
}

/// Where vehicles were is where people were: it goes when its time is over, by a promise that is kept across restarts.
pub async fn old_positions_go_and_crossings_are_listed(url: String) {
    let mut rig = rig::open(&url).await;
    rig.reach().await;
    for longitude in [125.50, 125.50, 125.65, 125.65] {
        rig.fix("T-1", (-8.55, longitude), 0, Some(20.0)).await;
        rig.clock.advance_s(600);
    }
    let filter = CrossingFilter { fence: Some("RIVER".to_owned()), ..CrossingFilter::default() };
    let crossings = rig.field.fence_crossings(&filter, 10).await.unwrap();
    assert_eq!((crossings.len(), crossings[0].holder.as_str()), (1, "UN-1"));
    rig.field.keep_positions(2, &operator(), "as the data protection officer asks").await.unwrap();
    assert!(rig.field.keep_positions(-1, &operator(), "no").await.is_err());
    let all = async |rig: &Rig| rig.field.positions(&PositionFilter::default(), 100).await.unwrap().len();
    assert_eq!(all(&rig).await, 4);
    rig.restart(0).await;
    let until = rig.now().plus_micros(2 * 86_400_000_000);
    rig.pass_until(until).await;
    assert_eq!(all(&rig).await, 4, "not before their time");
    let until = rig.now().plus_micros(2 * 86_400_000_000);
    rig.pass_until(until).await;
    assert_eq!(all(&rig).await, 0);
    assert!(rig.field.fence_crossings(&filter, 10).await.unwrap().is_empty());
}

/// What the room cannot take in is an alarm, or at least a line of the log; nothing is put aside unsaid.
pub async fn what_cannot_be_taken_in_is_told(url: String) {
    let rig = rig::open(&url).await;
    let call = Fact::DistressSignalled(Box::new(DistressSignalled {
        signal: rig.store.id(),
        device: "D\u{0}2".to_owned(),
        label: None,
        source: "webhook".to_owned(),
        code: "sos".to_owned(),
        confirms: false,
        signalled: rig.now(),
        received: rig.now(),
        position: None,
        latitude: None,
        longitude: None,
        text: None,
        exercise: false,
        raw: rig.store.id(),
    }));
    let message = Fact::MessageReceived(Box::new(rig.text("+67077000001", "help", 0, None)));
    let positions = Fact::PositionsReported { positions: Vec::new() };
    for (seq, fact) in (1..).zip([call, message, positions]) {
        let subscriber = rig.who_hears(fact.topic());
        let delivery = store::Delivery { subscriber: subscriber.name(), seq, fact, time: rig.now() };
        subscriber.parked(&delivery, "invalid byte sequence\n").await.unwrap();
    }
    let alarms = rig.field.alarms(false, &operator()).await.unwrap();
    let told: Vec<(&str, &str)> = alarms.iter().map(|alarm| (alarm.kind.as_str(), alarm.title.english())).collect();
    assert_eq!(
        told,
        [
            ("sos", "a call for help of D2 by webhook could not be taken in: invalid byte sequence"),
            ("needs-help", "a message from +67077000001 by sms could not be taken in: invalid byte sequence"),
        ]
    );
    let log = rig.field.duty_log(&LogFilter::default(), 1).await.unwrap();
    assert_eq!(log[0].meaning, "a fact (positions-reported) could not be taken in: invalid byte sequence");
}

/// The clock was three days ahead, and was believed; it is set right while somebody is on the road.
pub async fn whoever_is_on_the_road_is_held_to_the_clock(url: String) {
    let mut rig = rig::open(&url).await;
    let right = rig.now();
    rig.clock.set_wall(right.plus_micros(3 * 1_440 * MINUTE));
    rig.restart(0).await;
    rig.clock.advance_s(1);
    let departed = rig.now();
    assert!(departed > right.plus_micros(1_440 * MINUTE));
    let mission = rig.depart("UN-1", None, "LOW").await;
    assert_eq!(mission.due, Some(departed.plus_micros(60 * MINUTE)));
    rig.clock.set_wall(right);
    rig.store.trust_wall_clock(store::Entry::new(&operator(), "clock.trust", "house")).await.unwrap();
    rig.field.hold_to_the_clock(&operator(), "the GPS clock was wrong").await.unwrap();
    let held = rig.field.mission(mission.id).await.unwrap();
    assert_eq!((held.due, held.last_contact), (Some(rig.now().plus_micros(60 * MINUTE)), Some(rig.now())));
    let until = rig.now().plus_micros(61 * MINUTE);
    rig.pass_until(until).await;
    assert_eq!(rig.field.alarms(false, &operator()).await.unwrap().len(), 1, "nobody was heard: it is an alarm");
}

/// What is agreed on with the phrase is asked of the other desks, of the person when it is known who it is.
pub async fn a_duress_word_asks_the_other_desks(url: String) {
    let rig = rig::open(&url).await;
    rig.reach().await;
    let tell = vec!["user-adviser".to_owned()];
    let (phrases, follows) = (["blue heron", "grey goose"], [(true, true), (false, false)]);
    for (phrase, (lock_accounts, open_incident)) in phrases.into_iter().zip(follows) {
        let follows = Follows { lock_accounts, open_incident };
        rig.field.set_duress(phrase, "thanks", tell.clone(), follows, &operator(), "agreed on").await.unwrap();
    }
    rig.sms("+67077000001", "OK grey goose", 0, None).await;
    rig.sms("+67077000001", "OK blue heron", 0, None).await;
    rig.enter("bf11 ok blue heron").await.unwrap();
    let facts = rig.store.facts_after(0, 10_000).await.unwrap();
    let asked: Vec<_> = facts
        .into_iter()
        .filter_map(|stored| match stored.fact.unwrap() {
            Fact::DuressUsed(used) => Some((used.person.map(|one| (one.key, one.name)), used.lock_accounts)),
            _ => None,
        })
        .collect();
    let ana = ("P-1".to_owned(), "Ana Soares".to_owned());
    assert_eq!(asked, [(Some(ana), true), (None, true)], "who speaks for a vehicle is not known");
}

/// A machine's warning does nothing by itself; one that cannot wait has to be read, and a drill is one here, too.
pub async fn a_warning_that_cannot_wait_is_an_alarm(url: String) {
    let rig = rig::open(&url).await;
    rig.reach().await;
    for (headline, precedence, exercise) in [
        ("Light rain", None, false),
        ("Tsunami", Some(Precedence::Immediate), false),
        ("Tsunami drill", Some(Precedence::Immediate), true),
        ("Tsunami is over", Some(Precedence::Routine), false),
    ] {
        let warning = MessageReceived {
            means: Means::Webhook,
            subject: Some(headline.to_owned()),
            automatic: true,
            precedence,
            exercise,
            ..rig.text("warnings@weather.example", "Leave the coast. Help others.", 0, None)
        };
        rig.tell(Fact::MessageReceived(Box::new(warning))).await;
    }
    let alarms = rig.field.alarms(false, &operator()).await.unwrap();
    let told: Vec<_> = alarms.iter().map(|alarm| (alarm.title.english(), alarm.course.drill)).collect();
    assert_eq!(
        told,
        [
            ("Tsunami, from warnings@weather.example: it has to be read", false),
            ("EXERCISE: Tsunami drill, from warnings@weather.example: it has to be read", true),
        ]
    );
    let unread = rig.field.received(&MessageFilter { unread: true }, 10).await.unwrap();
    let mut subjects: Vec<_> = unread.iter().filter_map(|one| one.subject.as_deref()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["Tsunami", "Tsunami drill", "Tsunami is over"], "what is called off, somebody reads");
}

/// Who is robbed is not the focal point who is told of it: it is the next one.
pub async fn nobody_is_called_about_themselves(url: String) {
    let rig = rig::open(&url).await;
    let csv = "key,role,person,organisation,means,address,priority\n1A,focal-point,P-1,UNA,phone,555-0160,1\n";
    assert!(rig.import("contact", csv, false).await.written);
    let called = async |line: &str| {
        rig.enter(line).await.unwrap();
        let alarms = rig.field.alarms(false, &operator()).await.unwrap();
        let newest = alarms.into_iter().max_by_key(|alarm| alarm.number).unwrap();
        let focal = newest.course.attempts.into_iter().find(|attempt| attempt.role == Role::FocalPoint);
        focal.map(|attempt| attempt.name)
    };
    assert_eq!(called("inc p-2 where:comoro what:robbed").await.as_deref(), Some("Ana Soares"));
    assert_eq!(called("inc p-1 where:comoro what:robbed").await.as_deref(), Some("Hana Brito"));
}
