//! The state machine of missions against its rules, on random commands.

use field::mission::{
    CONTACT, Command, ContactState, ConvoyVehicle, Leg, Mission, MissionState, Moment, Reporter, Seat,
    allowed_commands, decide, promises,
};
use kernel::Timestamp;
use kernel::id::MissionId;
use proptest::prelude::*;

const MINUTE: i64 = 60_000_000;
const VEHICLES: [&str; 3] = ["UN-1", "UN-2", "RL-1"];
const PEOPLE: [&str; 3] = ["P-1", "P-2", "P-3"];

fn mission(vehicles: usize) -> Mission {
    let leg = |to: &str| Leg {
        from: "BASE".to_owned(),
        to: to.to_owned(),
        area: "LOW".to_owned(),
        corridor: None,
        began: None,
        planned: None,
    };
    let vehicle = |plate: &&str| ConvoyVehicle::new(plate);
    let seat = |(person, vehicle): (&&str, Option<&&str>)| Seat {
        person: (*person).to_owned(),
        vehicle: vehicle.map(|plate| (*plate).to_owned()),
        from: Timestamp(0),
        until: None,
    };
    let seats = PEOPLE.iter().enumerate().map(|(at, person)| (person, VEHICLES[..vehicles].get(at % vehicles.max(1))));
    Mission {
        id: MissionId::derived([9; 16]),
        number: 1,
        title: "t".to_owned(),
        state: MissionState::Draft,
        contact: ContactState::Ok,
        area: "LOW".to_owned(),
        legs: vec![leg("COMORO"), leg("Hilltop")],
        leg: 0,
        convoy: VEHICLES[..vehicles].iter().map(vehicle).collect(),
        manifest: seats.map(seat).collect(),
        leader: None,
        deputy: None,
        planned_departure: Some(Timestamp(60 * MINUTE)),
        departed: None,
        due: None,
        last_contact: None,
        heard_before: None,
        last_place: None,
        place_before: None,
        overnight: false,
        custody: None,
        custody_offered: None,
        offer: None,
        origin: None,
        claimed: None,
        exercise: false,
        created: Timestamp(0),
        updated: Timestamp(0),
        ended: None,
        version: 1,
    }
}

fn commands() -> impl Strategy<Value = Command> {
    let vehicle = prop::sample::select(&VEHICLES[..]).prop_map(str::to_owned);
    let reporter = (prop::sample::select(vec!["A", "B", "C"]), prop::option::of(vehicle.clone()))
        .prop_map(|(sign, vehicle)| Reporter { sign: sign.to_owned(), vehicle, beside: None });
    let by = prop::option::of(reporter);
    prop_oneof![
        Just(Command::Clear),
        Just(Command::Brief),
        Just(Command::Depart),
        by.clone().prop_map(|by| Command::Report { by, place: None }),
        by.clone().prop_map(|by| Command::Halt { by, place: Some("gate".to_owned()) }),
        by.prop_map(|by| Command::Resume { by }),
        (prop::option::of(vehicle.clone()), any::<bool>()).prop_map(|(vehicle, overnight)| Command::Arrive {
            vehicle,
            place: None,
            overnight
        }),
        prop::option::of(vehicle.clone()).prop_map(|vehicle| Command::NotArrived { vehicle }),
        prop::option::of(vehicle.clone()).prop_map(|vehicle| Command::NotHeard { vehicle }),
        Just(Command::Close),
        Just(Command::Cancel),
        Just(Command::Abort),
        prop::option::of(Just("Gate".to_owned())).prop_map(|to| Command::Reroute {
            area: Some("HIGH".to_owned()),
            to,
            corridor: None
        }),
        vehicle.clone().prop_map(|vehicle| Command::LeaveVehicle { vehicle, place: None }),
        vehicle.clone().prop_map(|vehicle| Command::AddVehicle { vehicle }),
        (prop::sample::select(&PEOPLE[..]), prop::option::of(vehicle))
            .prop_map(|(person, vehicle)| Command::Seat { person: person.to_owned(), vehicle }),
        prop::sample::select(vec![Some("A"), None])
            .prop_map(|leader| Command::Lead { leader: leader.map(str::to_owned), deputy: Some("B".to_owned()) }),
        Just(Command::OfferCustody { room: "Hilltop".to_owned() }),
        Just(Command::ConfirmCustody),
        Just(Command::TakeBack),
    ]
}

/// The arrows of the state machine, written down a second time.
fn is_arrow(from: MissionState, to: MissionState) -> bool {
    use MissionState::{Aborted, Arrived, Briefed, Cancelled, Cleared, Closed, Departed, Draft, EnRoute, Halted};
    match from {
        Draft => matches!(to, Cleared | Cancelled),
        Cleared => matches!(to, Briefed | Cancelled),
        Briefed => matches!(to, Departed | Cancelled),
        Departed => matches!(to, EnRoute | Halted | Arrived | Aborted | Cancelled),
        EnRoute => matches!(to, Halted | Arrived | Aborted),
        Halted => matches!(to, EnRoute | Arrived | Aborted),
        Arrived => matches!(to, EnRoute | Departed | Closed),
        Aborted => matches!(to, Closed),
        Closed | Cancelled => false,
    }
}

fn check(before: &Mission, after: &Mission) {
    assert!(before.state == after.state || is_arrow(before.state, after.state), "{} to {}", before.state, after.state);
    let owed = promises(after);
    let contacts: Vec<_> = owed.iter().filter(|promise| promise.kind == CONTACT).collect();
    if after.state.is_final() {
        assert!(owed.is_empty() && after.due.is_none(), "a mission that is over owes {owed:?}");
        assert!(after.aboard().is_empty());
    }
    let watched = after.state.is_on_the_road() && after.state != MissionState::Aborted && after.is_ours();
    if watched && after.contact == ContactState::Ok {
        let expected = if after.is_part_arrived() { after.on_the_way().count() } else { 1 };
        assert_eq!(contacts.len(), expected, "somebody on the road is not watched: {after:?}");
    }
    if after.on_the_way().next().is_some() {
        assert_ne!(after.state, MissionState::Arrived, "not everybody is in");
    }
    if after.departed.is_some() && !after.state.is_final() && after.is_ours() {
        assert!(!owed.is_empty() || after.contact.weight() >= 2, "nothing is owed of a mission that is out: {after:?}");
    }
    let gone = |plate: &str| after.convoy.iter().any(|one| one.vehicle == plate && one.left.is_some());
    let sits = |seat: &&Seat| seat.until.is_none() && seat.vehicle.as_deref().is_some_and(gone);
    assert!(after.manifest.iter().find(sits).is_none(), "somebody sits in a vehicle that was left behind");
    let mut seated = after.aboard();
    seated.dedup();
    let open = after.manifest.iter().filter(|seat| seat.until.is_none()).count();
    assert_eq!(seated.len(), open, "somebody sits in two vehicles");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_path_keeps_the_rules(
        vehicles in 0_usize..4,
        path in prop::collection::vec((commands(), 0_i64..40), 1..60),
    ) {
        let mut mission = mission(vehicles);
        let mut now = 0;
        for (command, minutes) in &path {
            now += minutes * MINUTE;
            let moment = Moment { at: Timestamp(now), now: Timestamp(now), interval_us: 60 * MINUTE };
            let allowed = allowed_commands(&mission).contains(&command.name());
            match decide(&mission, command, moment) {
                Ok(acted) => {
                    prop_assert!(allowed);
                    check(&mission, &acted.mission);
                    prop_assert_eq!(acted.mission.version, mission.version + 1);
                    mission = acted.mission;
                }
                Err(refusal) => {
                    let not_now = matches!(refusal, field::Refusal::NotNow { .. });
                    prop_assert_eq!(not_now, !allowed, "{:?}: {}", command, refusal);
                }
            }
        }
    }
}
