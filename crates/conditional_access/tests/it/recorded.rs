//! What-if, gaps and accounts of the last resort over sign-ins that were recorded.

use conditional_access::{
    Client, Control, GapKind, Outcome, Policies, Recorded, SignIn, Strength, break_glass, gaps, what_if,
};
use kernel::Timestamp;

use crate::{application, compiled, office, subject, text};

fn recorded(name: &str, at: &str, count: u64, change: impl Fn(&mut SignIn)) -> Recorded {
    let mut sign_in = SignIn::plain(subject(name), application(at));
    sign_in.strength = Strength::SecondFactor;
    change(&mut sign_in);
    Recorded { sign_in, count, last: Timestamp(i64::try_from(count).unwrap()) }
}

fn week() -> Vec<Recorded> {
    vec![
        recorded("amina", "mail", 40, |_| {}),
        recorded("amina", "mail", 3, |one| one.strength = Strength::Password),
        recorded("bram", "mail", 7, |one| one.client = Client::Other),
        recorded("bram", "files", 5, |one| one.strength = Strength::Password),
        recorded("admin", "mail", 2, |_| {}),
        recorded("glass", "mail", 1, |one| one.strength = Strength::Password),
    ]
}

#[test]
fn a_what_if_counts_sign_ins_and_people_and_names_whom_it_changes() {
    let (before, after) = (compiled(&office()[..1]), compiled(&office()[..3]));
    let answer = what_if(&before, &after, &week());
    assert_eq!((answer.considered.sign_ins, answer.considered.people), (58, 4));
    assert_eq!((answer.allowed.sign_ins, answer.allowed.people), (41, 2), "amina's with a second factor, and glass");
    let asked = |control: Control| answer.asked[control.as_str()];
    assert_eq!((asked(Control::SecondFactor).sign_ins, asked(Control::SecondFactor).people), (8, 2));
    assert_eq!((asked(Control::PhishingResistant).sign_ins, answer.blocked.sign_ins), (2, 7));
    let sum =
        answer.allowed.sign_ins + answer.blocked.sign_ins + answer.asked.values().map(|one| one.sign_ins).sum::<u64>();
    assert_eq!(sum, answer.considered.sign_ins, "each sign-in is counted once");
    let lines: Vec<_> =
        answer.affected.iter().map(|one| (one.name.as_str(), one.before, one.after, one.sign_ins)).collect();
    assert_eq!(
        lines,
        [
            ("bram@relief.example", Outcome::Allowed, Outcome::Blocked, 7),
            ("admin@relief.example", Outcome::Allowed, Outcome::Asked(Control::PhishingResistant), 2),
        ],
        "whom the policies before held up already is not among them"
    );
    assert_eq!(answer.policies["no-old-protocols"].blocked, 7);
    assert!(answer.break_glass.is_empty());
}

#[test]
fn gaps_are_named_by_user_and_application() {
    let none = Policies::none().unwrap();
    let open = gaps(&none, &[subject("nobody-signed-in")], &week());
    let of = |kind: GapKind| {
        open.gaps.iter().filter(|gap| gap.kind == kind).map(|gap| gap.subject.clone()).collect::<Vec<_>>()
    };
    assert_eq!((open.users, open.applications), (4, 2), "accounts of the last resort are not among them");
    assert_eq!(of(GapKind::UserUncovered).len(), 4, "no policy reaches anybody");
    assert_eq!(of(GapKind::UserUncovered)[0], "admin@relief.example", "privileged ones first");
    assert_eq!(of(GapKind::ApplicationUncovered), ["mail", "files"]);

    let mail_only = text(
        "mail",
        r#"forbid(principal, action == Action::"sign-in", resource == Application::"app-mail")
           unless { context.authentication_strength >= 2 };"#,
    );
    let some = gaps(&compiled(&[mail_only]), &[], &week());
    let bram: Vec<_> = some.gaps.iter().filter(|gap| gap.subject.starts_with("bram")).collect();
    assert!(
        bram.iter().any(|gap| gap.kind == GapKind::NoSecondFactor && gap.sign_ins == 5 && gap.at.contains("files"))
    );
    assert!(!bram.iter().any(|gap| gap.kind == GapKind::UserUncovered));
    let files: Vec<_> = some.gaps.iter().filter(|gap| gap.kind == GapKind::ApplicationUncovered).collect();
    assert_eq!((files.len(), files[0].subject.as_str(), files[0].sign_ins), (1, "files", 5));

    assert_eq!(gaps(&compiled(&office()), &[], &week()).gaps, [], "the whole office leaves nothing open");
}

#[test]
fn an_account_of_the_last_resort_that_is_held_up_is_shown_with_the_circumstances() {
    let all = compiled(&office());
    let sound = break_glass::look(&all, &[subject("glass"), subject("amina")], &week());
    assert_eq!((sound.held_up, sound.recorded), (vec![], 1));
    assert_eq!(sound.accounts.into_iter().collect::<Vec<_>>(), ["glass@relief.example"]);
    assert!(sound.generated > 5_000, "{}", sound.generated);

    // A corner: only from one country, on one application, with a high risk of the user.
    let corner = text(
        "corner",
        r#"forbid(principal in Group::"group-x", action == Action::"sign-in", resource == Application::"app-erp")
           when { context.location has country && context.location.country == "ML" }
           when { context has user_risk && context.user_risk >= 2 };"#,
    );
    let with_corner = compiled(&[corner]);
    let found = break_glass::look(&with_corner, &[], &[]);
    assert_eq!(found.held_up.len(), 1, "one that is made up is in every group that is named");
    assert_eq!(found.held_up[0].sign_in.place.country.as_deref(), Some("ML"));
    let theirs = break_glass::look(&with_corner, &[subject("glass")], &week());
    assert_eq!(theirs.held_up, [], "who is known is looked at as they are");
    let naked = text(
        "naked",
        r#"forbid(principal, action == Action::"sign-in", resource) when { context.authentication_strength < 2 };"#,
    );
    let held = break_glass::look(&compiled(&[naked]), &[subject("glass")], &week());
    assert!(held.held_up[0].recorded && held.held_up[0].policies.contains("naked"));
}
