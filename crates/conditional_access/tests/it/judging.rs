//! What policies say to single sign-ins, and which texts are refused.

use conditional_access::{Client, Control, Device, Outcome, Place, Policies, SignIn, Strength};

use crate::{application, compiled, office, subject, text};

fn sign_in(name: &str, at: &str) -> SignIn {
    SignIn::plain(subject(name), application(at))
}

/// The least that lets somebody in, or that nothing does; and which policies say so.
#[test]
fn each_policy_holds_up_whom_it_means_and_asks_for_the_least_that_suffices() {
    let policies = compiled(&office());
    let check = |sign_in: SignIn, wanted: Outcome, by: &[&str]| {
        let judged = policies.judge(&sign_in);
        let keys: Vec<&str> = judged.policies.iter().map(String::as_str).collect();
        assert_eq!((judged.outcome, keys.as_slice()), (wanted, by), "{sign_in:?}");
    };
    let second = |name, at| SignIn { strength: Strength::SecondFactor, ..sign_in(name, at) };
    let phone = |device| SignIn { device, ..second("amina", "mail") };
    let platform = || "android".to_owned();
    check(sign_in("amina", "mail"), Outcome::Asked(Control::SecondFactor), &["second-factor"]);
    check(second("amina", "mail"), Outcome::Allowed, &[]);
    check(
        SignIn { client: Client::Other, ..sign_in("amina", "mail") },
        Outcome::Blocked,
        &["no-old-protocols", "second-factor"],
    );
    check(second("admin", "mail"), Outcome::Asked(Control::PhishingResistant), &["admins-cannot-be-phished"]);
    check(SignIn { sign_in_risk: Some(3), ..second("amina", "mail") }, Outcome::Blocked, &["risky"]);
    check(SignIn { sign_in_risk: None, ..second("amina", "mail") }, Outcome::Allowed, &[]);
    check(second("finance", "erp"), Outcome::Asked(Control::CompliantDevice), &["finance-from-good-devices"]);
    check(second("finance", "mail"), Outcome::Allowed, &[]);
    check(
        sign_in("finance", "erp"),
        Outcome::Asked(Control::SecondFactorAndDevice),
        &["finance-from-good-devices", "second-factor"],
    );
    check(
        phone(Device { platform: platform(), ..Device::default() }),
        Outcome::Asked(Control::CompliantDevice),
        &["phones-from-outside"],
    );
    let inside = Place { trusted: true, ..Place::default() };
    check(
        SignIn { place: inside, ..phone(Device { platform: platform(), ..Device::default() }) },
        Outcome::Allowed,
        &[],
    );
    check(second("guest", "mail"), Outcome::Blocked, &["guests"]);
    check(second("partner", "mail"), Outcome::Allowed, &[]);
    let code = |name| SignIn { protocol: "deviceCode".to_owned(), ..second(name, "mail") };
    check(code("amina"), Outcome::Blocked, &["device-code"]);
    check(code("kiosk"), Outcome::Allowed, &[]);
    check(sign_in("glass", "erp"), Outcome::Allowed, &[]);
}

#[test]
fn a_text_that_cannot_be_used_is_refused_with_the_place() {
    let check = |cedar: &str, words: &str| {
        let faults = Policies::compile(&[text("p", cedar)]).unwrap_err();
        let said = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(said.starts_with("p: ") && said.contains(words), "{said}");
    };
    let forbid = |when: &str| format!("forbid(principal, action == Action::\"sign-in\", resource)\nwhen {{ {when} }};");
    check("forbid(principal, action,\nresource) when { context.client = 1 };", "line 2");
    check("permit(principal, action, resource);", "only `forbid`");
    check("forbid(principal == ?principal, action, resource);", "templates");
    check("// nothing", "no statement");
    check(&forbid("context.moon == \"full\""), "moon");
    check(&forbid("context.client == 3"), "types");
    check(&forbid("context.sign_in_risk >= 2"), "sign_in_risk");
    check("forbid(principal == Robot::\"x\", action == Action::\"sign-in\", resource);", "Robot");
}
