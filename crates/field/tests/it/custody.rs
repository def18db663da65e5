//! Custody between two rooms that are nodes of each other: never without one that follows, and exactly one once news has gone
//! both ways.

use field::LogFilter;
use field::alarm::{Alarm, AlarmCommand, AlarmKind, AlarmOrder};
use field::custody::{AcceptCustody, CustodyState};
use field::mission::{Command, ContactState, Leg, Mission, MissionOrder, RequestMission};
use kernel::{Actor, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use replica::frame::Frame;
use replica::{Exchanged, Replica};
use testkit::{TestDatabase, sqlite};

use crate::rig::{self, Rig, operator};

pub const MINUTE: i64 = 60_000_000;
pub const PIECE: usize = 8 << 10;
const DAYS: u64 = 12;

/// An office with its register, and headquarters that knows nobody of it. The office dials.
struct Rooms {
    office: Rig,
    hq: Rig,
    heard: Option<Exchanged>,
    _databases: [TestDatabase; 2],
}

pub fn node(mut rig: Rig, name: &str) -> Rig {
    let replica = Replica::new(rig.store.clone(), name).unwrap();
    rig.field = rig.field.among_nodes(Some(replica.clone()));
    rig.replica = Some(replica);
    rig
}

async fn rooms() -> Rooms {
    let databases = [sqlite(), sqlite()];
    let office = node(rig::open(&databases[0].url).await, "DILI");
    let hq = node(rig::empty(&databases[1].url).await, "HQ");
    Rooms { office, hq, heard: None, _databases: databases }
}

impl Rooms {
    fn of(&mut self, room: &str) -> &mut Rig {
        if room == "DILI" { &mut self.office } else { &mut self.hq }
    }

    /// One exchange; the answer may be lost.
    async fn exchange(&mut self, answered: bool) {
        for rig in [&mut self.office, &mut self.hq] {
            rig.work().await;
        }
        let (here, there) = (self.office.replica.clone().unwrap(), self.hq.replica.clone().unwrap());
        let frame = here.frame("HQ", self.heard.as_ref(), PIECE).await.unwrap().write();
        let answer = there.answer("DILI", &frame, PIECE).await.unwrap();
        self.heard = None;
        if answered {
            self.heard = Some(here.take("HQ", &Frame::read(&answer).unwrap()).await.unwrap());
        }
    }

    /// Until neither has anything to tell.
    async fn agree(&mut self) {
        for _ in 0..60 {
            self.exchange(true).await;
            let quiet = self.heard.as_ref().is_some_and(|heard| heard.behind == 0 && heard.owed == 0);
            let before = self.told().await;
            self.office.work().await;
            self.hq.work().await;
            if quiet && self.told().await == before {
                return;
            }
        }
        panic!("the rooms do not come to an end");
    }

    async fn told(&self) -> [[i64; 4]; 2] {
        let lanes = async |rig: &Rig, name: &str| rig.replica.as_ref().unwrap().lanes(name).await.unwrap().0;
        [lanes(&self.office, "DILI").await, lanes(&self.hq, "HQ").await]
    }

    async fn pass(&mut self, minutes: i64) {
        let until = self.office.now().plus_micros(minutes * MINUTE);
        self.office.pass_until(until).await;
        self.hq.pass_until(until).await;
    }
}

pub async fn mission(rig: &Rig) -> Option<Mission> {
    rig.field.missions(true).await.unwrap().into_iter().next()
}

pub async fn command(rig: &Rig, command: Command) -> Result<Mission, field::Error> {
    let Some(mission) = mission(rig).await else { return Err(field::Refusal::rule("there is none").into()) };
    let (actor, reason) = (operator(), "as agreed".to_owned());
    let order = MissionOrder { mission: mission.id, version: mission.version, at: None, actor, reason, command };
    rig.field.command_mission(&order).await.map(|moved| moved.mission)
}

pub async fn depart(rig: &Rig) {
    let leg = Leg {
        from: "BASE".to_owned(),
        to: "COMORO".to_owned(),
        area: "MED".to_owned(),
        corridor: None,
        began: None,
        planned: None,
    };
    let order = RequestMission {
        title: "Supplies".to_owned(),
        legs: vec![leg],
        vehicles: vec!["UN-1".to_owned()],
        people: vec![("P-1".to_owned(), Some("UN-1".to_owned()))],
        leader: Some("BF11".to_owned()),
        deputy: None,
        planned_departure: None,
        exercise: false,
        actor: operator(),
        reason: "asked for".to_owned(),
    };
    rig.field.request_mission(&order).await.unwrap();
    for step in [Command::Clear, Command::Brief, Command::Depart] {
        command(rig, step).await.unwrap();
    }
}

pub async fn accept(rig: &Rig, proof: i64) -> Result<Mission, field::Error> {
    let custody = rig.field.custody().await.unwrap();
    let Some(offer) = custody.offers.first() else {
        return Err(field::Refusal::rule("nothing is offered").into());
    };
    let (node, mission) = (offer.node.clone(), offer.mission.id.to_string());
    let order = AcceptCustody { node, mission, proof, actor: operator(), reason: "we hear them".to_owned() };
    rig.field.accept_custody(&order).await.map(|moved| moved.mission)
}

pub async fn state(rig: &Rig) -> Option<CustodyState> {
    rig.field.custody().await.unwrap().missions.first().map(|line| line.state)
}

pub async fn follows(rig: &Rig) -> bool {
    mission(rig).await.is_some_and(|mission| mission.is_ours() && !mission.state.is_final())
}

pub async fn overdue(rig: &Rig) -> usize {
    let alarms = rig.field.alarms(false, &Actor::system("test")).await.unwrap();
    alarms.iter().filter(|alarm| alarm.kind == AlarmKind::ContactOverdue).count()
}

pub fn refused<T: std::fmt::Debug>(result: Result<T, field::Error>, why: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

#[tokio::test]
async fn a_mission_passes_with_contact_and_comes_home() {
    let mut rooms = rooms().await;
    depart(&rooms.office).await;
    rooms.agree().await;
    refused(command(&rooms.office, Command::OfferCustody { room: "dili".to_owned() }).await, "this room itself");
    command(&rooms.office, Command::OfferCustody { room: "hq".to_owned() }).await.unwrap();
    rooms.agree().await;
    let offers = rooms.hq.field.custody().await.unwrap().offers;
    assert_eq!((offers.len(), offers[0].label.as_str(), offers[0].proofs.len()), (1, "M-0001", 0));
    assert_eq!(offers[0].names.get("P-1").map(String::as_str), Some("Ana Soares"));
    // Without contact nobody takes anything over, and whose contact it is matters.
    refused(command(&rooms.office, Command::ConfirmCustody).await, "accepts by itself");
    rooms.hq.enter("all quiet").await.unwrap();
    refused(accept(&rooms.hq, 1).await, "BF11");
    let heard = rooms.hq.enter("3621 ok").await.unwrap();
    refused(accept(&rooms.hq, heard.number).await, "BF11 reports for all");
    let heard = rooms.hq.enter("bf11 at bridge").await.unwrap();
    rooms.pass(31).await;
    rooms.office.enter("bf11 ok").await.unwrap();
    rooms.agree().await;
    refused(accept(&rooms.hq, heard.number).await, "older than the 30 min");
    let heard = rooms.hq.enter("bf11 at bridge").await.unwrap();
    assert_eq!(rooms.hq.field.custody().await.unwrap().offers[0].proofs[0].number, heard.number);
    let taken = accept(&rooms.hq, heard.number).await.unwrap();
    assert_eq!(taken.manifest[0].person, "DILI/P-1", "whose register it is");
    assert_eq!(taken.last_place.as_deref(), Some("bridge"), "where they said that they are");
    refused(accept(&rooms.hq, heard.number).await, "nothing is offered");
    // Until the news is there both follow.
    assert_eq!(
        (state(&rooms.office).await, state(&rooms.hq).await),
        (Some(CustodyState::Offered), Some(CustodyState::TakenOver))
    );
    rooms.agree().await;
    assert_eq!(
        (state(&rooms.office).await, state(&rooms.hq).await),
        (Some(CustodyState::HandedOver), Some(CustodyState::Held))
    );
    // A contact that does not come is an alarm where they are followed, and shown at the other end.
    rooms.pass(40).await;
    rooms.agree().await;
    assert_eq!((overdue(&rooms.office).await, overdue(&rooms.hq).await), (0, 1));
    assert_eq!(mission(&rooms.office).await.unwrap().contact, ContactState::Overdue);
    refused(command(&rooms.office, Command::TakeBack).await, "take it over with a contact");
    // Heard under a sign that only the other register knows.
    rooms.hq.enter("bf11 ok").await.unwrap();
    assert_eq!(overdue(&rooms.hq).await, 0);
    command(&rooms.hq, Command::OfferCustody { room: "DILI".to_owned() }).await.unwrap();
    rooms.agree().await;
    let heard = rooms.office.enter("bf11 at gate").await.unwrap();
    let home = accept(&rooms.office, heard.number).await.unwrap();
    assert_eq!((home.number, home.manifest[0].person.as_str()), (1, "P-1"));
    rooms.agree().await;
    assert_eq!(
        (state(&rooms.office).await, state(&rooms.hq).await),
        (Some(CustodyState::Held), Some(CustodyState::HandedOver))
    );
    rooms.office.enter("bf11 arr").await.unwrap();
    command(&rooms.office, Command::Close).await.unwrap();
    rooms.agree().await;
    assert!(mission(&rooms.hq).await.unwrap().state.is_final(), "who closed it closed it for both");
    assert_eq!((overdue(&rooms.office).await, overdue(&rooms.hq).await), (0, 0));
    let log = rooms.office.field.duty_log(&LogFilter::default(), 100).await.unwrap();
    assert!(log.iter().flat_map(|entry| &entry.outcome).any(|told| told.contains("HQ heard BF11")), "the log says so");
}

#[tokio::test]
async fn an_offer_that_is_taken_back_too_late_leaves_both_following() {
    let mut rooms = rooms().await;
    depart(&rooms.office).await;
    command(&rooms.office, Command::OfferCustody { room: "HQ".to_owned() }).await.unwrap();
    rooms.agree().await;
    // The link is down: each acts on what it knows.
    let heard = rooms.hq.enter("bf11 ok").await.unwrap();
    accept(&rooms.hq, heard.number).await.unwrap();
    command(&rooms.office, Command::TakeBack).await.unwrap();
    rooms.agree().await;
    assert_eq!(
        (state(&rooms.office).await, state(&rooms.hq).await),
        (Some(CustodyState::Disputed), Some(CustodyState::Disputed))
    );
    rooms.pass(40).await;
    assert_eq!((overdue(&rooms.office).await, overdue(&rooms.hq).await), (1, 1), "both watch");
    // Heard at one end only: the worse of the two is what both show.
    rooms.office.enter("bf11 ok").await.unwrap();
    rooms.agree().await;
    let lines = rooms.office.field.custody().await.unwrap().missions;
    assert_eq!((lines[0].mission.contact, lines[0].worst), (ContactState::Regained, ContactState::Overdue));
    // People settle it: one offers, the other proves contact.
    command(&rooms.hq, Command::OfferCustody { room: "DILI".to_owned() }).await.unwrap();
    rooms.agree().await;
    let heard = rooms.office.enter("bf11 ok").await.unwrap();
    accept(&rooms.office, heard.number).await.unwrap();
    rooms.agree().await;
    assert_eq!(
        (state(&rooms.office).await, state(&rooms.hq).await),
        (Some(CustodyState::Held), Some(CustodyState::HandedOver))
    );
    assert_eq!(overdue(&rooms.hq).await, 0, "heard where they are followed");
}

/// Random days over a link that loses answers and is down for hours. `VIGIE_CUSTODY_DAYS=n` runs as many.
#[tokio::test]
async fn somebody_always_follows() {
    let days = std::env::var("VIGIE_CUSTODY_DAYS").ok().and_then(|days| days.parse().ok()).unwrap_or(DAYS);
    let (mut passed, mut disputed, mut alarms) = (0, 0, 0);
    for seed in 0..days {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |end: u32| random.next_u32() % end;
        let mut rooms = rooms().await;
        depart(&rooms.office).await;
        rooms.agree().await;
        for _ in 0..40 {
            let room = ["DILI", "HQ"][below(2) as usize];
            let other = if room == "DILI" { "HQ" } else { "DILI" };
            // What is not possible now is refused and leaves everything as it was.
            match below(9) {
                0 | 1 => drop(command(rooms.of(room), Command::OfferCustody { room: other.to_owned() }).await),
                2 | 3 => {
                    let heard = rooms.of(room).enter("bf11 ok").await.unwrap();
                    passed += usize::from(accept(rooms.of(room), heard.number).await.is_ok());
                }
                4 => drop(command(rooms.of(room), Command::TakeBack).await),
                5 => rooms.pass(i64::from(below(50))).await,
                6 => rooms.exchange(false).await,
                _ => rooms.exchange(true).await,
            }
            check(&rooms, seed).await;
        }
        rooms.agree().await;
        let (here, there) = (follows(&rooms.office).await, follows(&rooms.hq).await);
        let states = [state(&rooms.office).await, state(&rooms.hq).await];
        if here && there {
            assert_eq!(states, [Some(CustodyState::Disputed); 2], "seed {seed}: both follow, and both know");
            disputed += 1;
        }
        rooms.pass(60).await;
        let raised = [overdue(&rooms.office).await, overdue(&rooms.hq).await];
        assert_eq!(raised, [usize::from(here), usize::from(there)], "seed {seed}: who follows hears the silence");
        alarms += raised.iter().sum::<usize>();
    }
    assert!(passed > 0 && alarms > 0, "too tame: {passed} passed, {disputed} disputed, {alarms} alarms");
    println!("{days} days: {passed} passed, {disputed} disputed, {alarms} silences heard");
}

/// Somebody follows it, and promises are with who does.
async fn check(rooms: &Rooms, seed: u64) {
    let (here, there) = (follows(&rooms.office).await, follows(&rooms.hq).await);
    assert!(here || there, "seed {seed}: nobody follows the mission");
    for (rig, follows) in [(&rooms.office, here), (&rooms.hq, there)] {
        let Some(mission) = mission(rig).await else { continue };
        let pending = rig.store.pending_deadlines("field.contact").await.unwrap().len();
        let heard = matches!(mission.contact, ContactState::Ok | ContactState::Regained);
        assert_eq!(pending, usize::from(follows && heard), "seed {seed}: {mission:?}");
        let due: Option<Timestamp> = mission.due;
        assert!(!follows || due.is_some(), "seed {seed}: nothing is owed");
    }
}

/// Who is erased here is erased there; both chains verify, and what is left is told anew.
#[tokio::test]
async fn what_is_erased_here_is_erased_there() {
    let mut rooms = rooms().await;
    rooms.office.reach().await;
    depart(&rooms.office).await;
    command(&rooms.office, Command::OfferCustody { room: "HQ".to_owned() }).await.unwrap();
    rooms.office.enter("3621 ok Ana Soares is well").await.unwrap();
    rooms.office.enter("inc 3621 where:comoro what:Ana Soares was robbed sev:high").await.unwrap();
    rooms.office.enter("sit 1 Ana Soares is safe").await.unwrap();
    rooms.office.enter("all quiet").await.unwrap();
    rooms.office.fix("300434030000001", (-8.55, 125.57), 0, Some(10.0)).await;
    rooms.agree().await;
    let knows = async |rooms: &Rooms| {
        let replica = rooms.hq.replica.clone().unwrap();
        let mut bodies = Vec::new();
        for lane in replica::Lane::ALL {
            let entries = replica.entries("DILI", *lane, 0, i64::MAX).await.unwrap();
            bodies.extend(entries.into_iter().map(|entry| entry.body));
        }
        for kind in ["log", "mission", "position", "alarm", "incident"] {
            let filter = replica::RecordFilter { kind: kind.to_owned(), node: None, before: None };
            let records = replica.records(&filter, 100).await.unwrap();
            bodies.extend(records.iter().map(|one| one.body.to_string()));
        }
        bodies.retain(|body| body.contains("Ana Soares") || body.contains("125.57"));
        bodies
    };
    assert!(knows(&rooms).await.len() > 2, "it was told");
    command(&rooms.office, Command::TakeBack).await.unwrap();
    rooms.office.enter("bf11 arr").await.unwrap();
    command(&rooms.office, Command::Close).await.unwrap();
    let record = rooms.office.field.directory().await.unwrap().record("person", "P-1").cloned().unwrap();
    let by = operator();
    let retire = || rooms.office.field.retire_record("person", "P-1", record.version, &by, "left");
    let refused = retire().await.unwrap_err().to_string();
    assert!(refused.contains("IR-0001 is about them and not over"), "{refused}");
    let report = rooms.office.field.reports().await.unwrap()[0].id;
    let close = field::report::ReportCommand::Close { outcome: "both are home".to_owned() };
    let order = field::report::ReportOrder { report, actor: operator(), command: close };
    rooms.office.field.command_report(&order).await.unwrap();
    rooms.office.field.retire_record("person", "P-1", record.version, &operator(), "left").await.unwrap();
    rooms.office.field.erase_person("P-1", &operator(), "as they asked").await.unwrap();
    let reports = rooms.office.field.reports().await.unwrap();
    let field::report::WholeReport { report, lines, .. } = rooms.office.field.report(reports[0].id).await.unwrap();
    assert_eq!(report.what, "[erased] was robbed");
    assert!(!format!("{report:?}{lines:?}").contains("Ana Soares"), "{lines:?}");
    let ledger = rooms.office.store.ledger(&store::LedgerFilter::default(), 1_000).await.unwrap();
    let named: Vec<&str> = ledger
        .iter()
        .filter(|entry| format!("{entry:?}").contains("Ana Soares"))
        .map(|entry| entry.verb.as_str())
        .collect();
    assert_eq!(named, Vec::<&str>::new(), "the ledger names them no more");
    assert_eq!(rooms.office.store.verify_ledger().await.unwrap().fault, None);
    rooms.agree().await;
    assert_eq!(knows(&rooms).await, Vec::<String>::new(), "nothing names them there");
    let filter = replica::RecordFilter { kind: "incident".to_owned(), node: None, before: None };
    let incidents = rooms.hq.replica.as_ref().unwrap().records(&filter, 10).await.unwrap();
    assert_eq!(incidents[0].body["what"], "[erased] was robbed", "what is left is told anew");
    let (here, there) = (rooms.office.replica.clone().unwrap(), rooms.hq.replica.clone().unwrap());
    for lane in replica::Lane::ALL {
        for replica in [&here, &there] {
            assert_eq!(replica.first_fault("DILI", *lane).await.unwrap(), None);
        }
    }
    assert_eq!(here.hashes("DILI").await.unwrap(), there.hashes("DILI").await.unwrap());
    let filter = replica::RecordFilter { kind: "log".to_owned(), node: None, before: None };
    let log = there.records(&filter, 100).await.unwrap();
    assert!(log.iter().any(|one| one.body["line"] == "3621 ok [erased] is well"), "{log:?}");
    assert!(log.iter().any(|one| one.body["line"] == "all quiet"), "what names nobody stays");
}

/// Who calls for help by voice in one room is heard in the other, too, once; what is raised because of another room is told
/// to nobody; it is settled where it was made.
#[tokio::test]
async fn a_call_by_voice_is_an_alarm_in_both_rooms() {
    let mut rooms = rooms().await;
    rooms.office.enter("3621 sos").await.unwrap();
    for _ in 0..3 {
        rooms.agree().await;
    }
    let calls = async |rig: &Rig| -> Vec<String> {
        let alarms = rig.field.alarms(false, &Actor::system("test")).await.unwrap();
        alarms.into_iter().map(|alarm| format!("{} {}", alarm.state, alarm.title)).collect()
    };
    assert_eq!(calls(&rooms.office).await, ["open 3621 (Ana Soares) calls for help"]);
    assert_eq!(calls(&rooms.hq).await, ["open 3621 (Ana Soares) calls for help (A-0001) in DILI"]);
    let order = |alarm: &Alarm, command: AlarmCommand| AlarmOrder {
        alarm: alarm.id,
        version: alarm.version,
        actor: operator(),
        reason: "spoke to her".to_owned(),
        command,
    };
    let here = rooms.hq.field.alarms(false, &operator()).await.unwrap().remove(0);
    let taken = AlarmCommand::Acknowledge { attempt: None, name: "Hanna".to_owned() };
    rooms.hq.field.command_alarm(&order(&here, taken)).await.unwrap();
    rooms.pass(1).await;
    rooms.office.enter("3621 sos").await.unwrap();
    rooms.agree().await;
    assert!(calls(&rooms.hq).await[0].starts_with("open "), "she calls again");
    let there = rooms.office.field.alarms(false, &operator()).await.unwrap().remove(0);
    rooms.office.field.command_alarm(&order(&there, AlarmCommand::Close)).await.unwrap();
    rooms.agree().await;
    assert_eq!(calls(&rooms.hq).await, Vec::<String>::new());
}
