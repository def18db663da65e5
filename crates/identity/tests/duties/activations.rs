//! Borrowed access.

use identity::activation::{Activating, Activation, ActivationState, Command, EndCause, TicketState};
use identity::assignment::{Assignment, Mode, Target};
use identity::document::DocumentKind;
use identity::{Error, finding::FindingKind};
use kernel::Fact;
use kernel::id::IncidentId;
use serde_json::json;
use store::params;

use crate::house::{HOUR_S, House, by, refused};

async fn eligible(house: &House, role: &str) -> Assignment {
    house.give("amina", Target::Role(role.to_owned()), Mode::Eligible).await
}

fn activating(eligible: &Assignment) -> Activating {
    Activating {
        eligible: eligible.id,
        reason: "restore the mail server".to_owned(),
        ticket: Some("incident-1".to_owned()),
        hours: 2,
        second_factor: true,
    }
}

async fn activate(house: &House, asked: &Activating) -> Result<Activation, Error> {
    house.identity.activate(asked, house.board.as_ref(), &by("amina")).await
}

async fn order(house: &House, activation: &Activation, command: Command, name: &str) -> Result<Activation, Error> {
    house.identity.order_activation(activation.id, activation.version, &command, &by(name)).await
}

fn agree() -> Command {
    Command::Agree { comment: String::new() }
}

async fn active(house: &House) -> Activation {
    let asked = activating(&eligible(house, "admin").await);
    let activation = activate(house, &asked).await.unwrap();
    order(house, &activation, agree(), "owner").await.unwrap()
}

/// Who has no authenticator enrols one; its codes count once, and an officer alone takes it away.
pub async fn a_second_factor_counts_once(url: String) {
    let house = House::open(&url).await;
    let (identity, amina) = (&house.identity, by("amina"));
    assert!(refused(identity.prove_second_factor("123456", &amina).await).contains("enrol"));
    let first = identity.enrol_second_factor(&amina).await.unwrap();
    let new = identity.enrol_second_factor(&amina).await.unwrap();
    assert_ne!(first.secret, new.secret, "what was not confirmed can be begun anew");
    let generator =
        totp_rs::Builder::new().with_secret(totp_rs::Secret::try_from_base32(&new.secret).unwrap()).build().unwrap();
    let code = || generator.generate((identity.now().micros() / 1_000_000).unsigned_abs()).to_string();
    assert!(refused(identity.prove_second_factor(&code(), &amina).await).contains("confirm"));
    identity.confirm_second_factor(&code(), &amina).await.unwrap();
    assert!(refused(identity.enrol_second_factor(&amina).await).contains("you have a second factor"));
    assert!(refused(identity.prove_second_factor(&code(), &amina).await).contains("used before"));
    house.clock.advance_s(60);
    identity.prove_second_factor(&code(), &amina).await.unwrap();
    for _ in 0..4 {
        refused(identity.prove_second_factor("000000", &amina).await);
    }
    assert!(refused(identity.prove_second_factor("000000", &amina).await).contains("too many"));
    house.clock.advance_s(60);
    assert!(refused(identity.prove_second_factor(&code(), &amina).await).contains("too many"), "a right one as well");
    house.clock.advance_s(900);
    identity.prove_second_factor(&code(), &amina).await.unwrap();
    let person = house.person("amina");
    assert!(refused(identity.remove_second_factor(person, "lost", &amina).await).contains("their own"));
    identity.remove_second_factor(person, "lost in the field", &by("guard")).await.unwrap();
    assert_eq!(identity.second_factor(&amina).await.unwrap().confirmed, None);
}

pub async fn what_the_policy_wants(url: String) {
    let house = House::open(&url).await;
    let right = activating(&eligible(&house, "admin").await);
    let without = |change: &dyn Fn(&mut Activating)| {
        let mut asked = right.clone();
        change(&mut asked);
        asked
    };
    let check = async |asked: Activating, word: &str| {
        let problem = refused(activate(&house, &asked).await);
        assert!(problem.contains(word), "{problem}");
    };
    check(without(&|asked| asked.ticket = None), "name the incident").await;
    check(without(&|asked| asked.ticket = Some("incident-9".to_owned())), "no such incident").await;
    check(without(&|asked| asked.second_factor = false), "second factor").await;
    check(without(&|asked| asked.hours = 9), "between 1 and 8").await;
    check(without(&|asked| asked.reason = " ".to_owned()), "reason").await;
    house.board.set("incident-1", TicketState::Closed);
    check(right.clone(), "it is closed").await;
    house.board.set("incident-1", TicketState::Open);
    let other = house.identity.activate(&right, house.board.as_ref(), &by("bram")).await;
    assert!(refused(other).contains("somebody else's"));
    let activation = activate(&house, &right).await.unwrap();
    assert_eq!(activation.state, ActivationState::Waiting);
    check(right, "already").await;
    assert!(refused(order(&house, &activation, agree(), "amina").await).contains("nobody agrees to their own"));
    assert!(refused(order(&house, &activation, agree(), "bram").await).contains("not asked"));
    let refuse = Command::Refuse { comment: "not now".to_owned() };
    let refused = order(&house, &activation, refuse, "owner").await.unwrap();
    assert_eq!(refused.state, ActivationState::Refused);
    assert_eq!(house.assigned("amina").await, ["eligible admin"]);
}

pub async fn ends_by_the_clock_although_the_server_was_down(url: String) {
    let mut house = House::open(&url).await;
    house.seen("amina", &[]).await;
    let activation = active(&house).await;
    assert_eq!(house.assigned("amina").await, ["active admin", "eligible admin"]);
    house.clock.advance_s(5 * HOUR_S);
    house.reopen().await;
    house.turn_the_clock(1).await;
    let ended = house.identity.activation(activation.id).await.unwrap();
    assert_eq!((ended.state, ended.end_cause), (ActivationState::Ending, Some(EndCause::Time)));
    assert_eq!(ended.exposure_us / 1_000_000, 3 * 3_600 + 1, "three hours beyond two");
    assert_eq!(house.assigned("amina").await, ["eligible admin"]);
    let found = house
        .store
        .fetch_all(&identity::sql::FINDINGS, store::params![Some("exposure"), Some("open"), 10])
        .await
        .unwrap();
    assert_eq!(found.len(), 1, "{:?}", FindingKind::Exposure);
}

pub async fn an_approval_after_the_window_is_void(url: String) {
    let house = House::open(&url).await;
    let asked = activating(&eligible(&house, "admin").await);
    let late = activate(&house, &asked).await.unwrap();
    // The clock has passed the window, and its deadline has not fired yet.
    house.clock.advance_s(HOUR_S + 1);
    let void = order(&house, &late, agree(), "owner").await.unwrap();
    assert_eq!(void.state, ActivationState::Void);
    let silent = activate(&house, &asked).await.unwrap();
    house.turn_the_clock(HOUR_S + 1).await;
    assert_eq!(house.identity.activation(silent.id).await.unwrap().state, ActivationState::Void);
    assert_eq!(house.assigned("amina").await, ["eligible admin"]);
}

pub async fn ends_with_the_incident(url: String) {
    let house = House::open(&url).await;
    let incident = IncidentId::derived([5; 16]);
    house.board.set(&incident.to_string(), TicketState::Open);
    let eligible = eligible(&house, "admin").await;
    let asked = Activating { ticket: Some(incident.to_string()), ..activating(&eligible) };
    let activation = activate(&house, &asked).await.unwrap();
    order(&house, &activation, agree(), "owner").await.unwrap();
    let at = house.store.now();
    house.tell(Fact::IncidentClosed { incident, classification: "true-positive".to_owned(), at }).await;
    let ended = house.identity.activation(activation.id).await.unwrap();
    assert_eq!((ended.state, ended.end_cause), (ActivationState::Ending, Some(EndCause::Ticket)));
    let mission = kernel::id::MissionId::derived([6; 16]);
    house.board.set(&mission.to_string(), TicketState::Open);
    let asked = Activating { ticket: Some(mission.to_string()), ..activating(&eligible) };
    house.seen("amina", &[]).await;
    house.turn_the_clock(700).await;
    let second = activate(&house, &asked).await.unwrap();
    order(&house, &second, agree(), "owner").await.unwrap();
    house.tell(Fact::MissionChanged { mission, version: 2, at }).await;
    assert_eq!(house.identity.activation(second.id).await.unwrap().state, ActivationState::Active, "it goes on");
    house.board.set(&mission.to_string(), TicketState::Closed);
    house.tell(Fact::MissionChanged { mission, version: 3, at }).await;
    assert_eq!(house.identity.activation(second.id).await.unwrap().end_cause, Some(EndCause::Ticket));
}

/// For a mission's duration and place only, and for whoever is aboard.
pub async fn is_for_a_mission_where_it_is(url: String) {
    let house = House::open(&url).await;
    let policy = json!({ "title": "At the hilltop", "places": ["Hilltop"], "needs_second_factor": false });
    house.duty(DocumentKind::ActivationPolicy, "admin", policy).await.unwrap();
    let mission = kernel::id::MissionId::derived([6; 16]);
    let ticket = mission.to_string();
    let here = activating(&eligible(&house, "admin").await);
    let asked = Activating { ticket: Some(ticket.clone()), ..here.clone() };
    let check = async |asked: &Activating, word: &str| {
        let problem = refused(activate(&house, asked).await);
        assert!(problem.contains(word), "{problem}");
    };
    check(&here, "name the mission").await;
    house.board.set(&ticket, TicketState::NotBegun);
    check(&asked, "has not departed").await;
    house.board.set(&ticket, TicketState::Open);
    house.board.is_at(&ticket, &["LOW", "BASE"], &["amina"]);
    check(&asked, "M-0001 is not there").await;
    house.board.is_at(&ticket, &["LOW", "HILLTOP"], &["bram"]);
    check(&asked, "amina X is not aboard M-0001").await;
    house.board.is_at(&ticket, &["LOW", "HILLTOP"], &["bram", "Amina@relief.example"]);
    let waiting = activate(&house, &asked).await.unwrap();
    order(&house, &waiting, agree(), "owner").await.unwrap();
    let now = async || house.identity.activation(waiting.id).await.unwrap();
    let at = house.store.now();
    house.tell(Fact::MissionChanged { mission, version: 2, at }).await;
    assert_eq!(now().await.state, ActivationState::Active, "they are there");
    house.board.is_at(&ticket, &["LOW", "BASE"], &["amina"]);
    house.tell(Fact::MissionChanged { mission, version: 3, at }).await;
    assert_eq!((now().await.state, now().await.end_cause), (ActivationState::Ending, Some(EndCause::Place)));
}

pub async fn is_not_over_before_the_target_shows_it(url: String) {
    let house = House::open(&url).await;
    let activation = active(&house).await;
    house.seen("amina", &["admins"]).await;
    let ended = {
        let now = house.identity.activation(activation.id).await.unwrap();
        order(&house, &now, Command::End { cause: EndCause::Person }, "amina").await.unwrap()
    };
    assert_eq!(ended.state, ActivationState::Ending);
    let state = async || house.identity.activation(activation.id).await.unwrap().state;
    house.turn_the_clock(6 * 60).await;
    assert_eq!(state().await, ActivationState::Ending, "the account was not read since");
    house.clock.advance_s(1);
    house.seen("amina", &["admins"]).await;
    for _ in 0..8 {
        house.turn_the_clock(6 * HOUR_S).await;
    }
    assert_eq!(state().await, ActivationState::NotRevoked, "the target shows it still");
    house.seen("amina", &[]).await;
    house.turn_the_clock(12 * HOUR_S).await;
    assert_eq!(state().await, ActivationState::Ended);
    assert!(house.identity.activation(activation.id).await.unwrap().verified.is_some());
}

pub async fn borrowed_keys_count_as_held(url: String) {
    let house = House::open(&url).await;
    let free = json!({ "approver": null, "needs_ticket": false, "needs_second_factor": false });
    house.duty(DocumentKind::ActivationPolicy, "buyer", free).await.unwrap();
    house.give("amina", Target::Role("payer".to_owned()), Mode::Active).await;
    let asked = activating(&eligible(&house, "buyer").await);
    let problem = refused(activate(&house, &asked).await);
    assert!(problem.contains("pay-vendor"), "{problem}");
}

pub async fn ends_when_eligibility_does(url: String) {
    let house = House::open(&url).await;
    house.identity.analyse_duties(&by("guard")).await.unwrap();
    let activation = active(&house).await;
    house.give("bram", Target::Role("admin".to_owned()), Mode::Eligible).await;
    house.identity.end(activation.eligible, "moved on", &by("guard")).await.unwrap();
    house.turn_the_clock(HOUR_S + 1).await;
    let ended = house.identity.activation(activation.id).await.unwrap();
    assert_eq!(ended.end_cause, Some(EndCause::Eligibility));
    assert!(house.assigned("amina").await.is_empty());
}

/// What lies in the database is no secret without the key; what lay in the open is sealed at the next start.
pub async fn secrets_of_second_factors_are_sealed_at_rest(url: String) {
    let house = House::open(&url).await;
    let amina = by("amina");
    let open = house.identity.enrol_second_factor(&amina).await.unwrap();
    let kept = async || -> String {
        let row = params![house.person("amina")];
        let row = house.store.fetch_optional(&identity::duty_sql::SECOND_FACTOR, row).await.unwrap().unwrap();
        row.text("secret").unwrap().to_owned()
    };
    assert!(!kept().await.starts_with("sealed1:"), "without a key");
    let sealing = |byte: u8| house.identity.clone().with_seal(identity::second_factor::Seal::new(&[byte; 32]).unwrap());
    let identity = sealing(7);
    assert_eq!(identity.seal_second_factors().await.unwrap(), 1);
    assert_eq!(identity.seal_second_factors().await.unwrap(), 0, "once");
    assert!(kept().await.starts_with("sealed1:"));
    let generator =
        totp_rs::Builder::new().with_secret(totp_rs::Secret::try_from_base32(&open.secret).unwrap()).build().unwrap();
    let code = generator.generate((identity.now().micros() / 1_000_000).unsigned_abs()).to_string();
    for wrong in [sealing(8), house.identity.clone()] {
        assert!(refused(wrong.confirm_second_factor(&code, &amina).await).contains("put that one back"));
    }
    identity.confirm_second_factor(&code, &amina).await.unwrap();
    let bram = by("bram");
    let new = identity.enrol_second_factor(&bram).await.unwrap();
    assert!(!new.secret.is_empty());
    assert!(refused(house.identity.prove_second_factor("123456", &bram).await).contains("put that one back"));
}
