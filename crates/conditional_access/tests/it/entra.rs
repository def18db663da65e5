//! To Entra and back.

use conditional_access::entra::{Names, Relation, compare, export, import};
use conditional_access::{Client, Device, Place, Policies, PolicyState, PolicyText, SignIn, Strength};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{OFFICE, application, compiled, office, subject, text};

fn names() -> Names {
    Names {
        groups: [("entra/Finance".to_owned(), "group-finance".to_owned())].into(),
        break_glass: ["id-glass".to_owned()].into(),
        networks: [("HQ".to_owned(), "network-1".to_owned())].into(),
    }
}

/// What Entra would make of our policies, read back.
fn there_and_back(texts: &[PolicyText]) -> Policies {
    let mut back = Vec::new();
    for text in texts {
        for (at, one) in export(text, &names()).unwrap().into_iter().enumerate() {
            assert_eq!(one.left_out, [], "{}", text.key);
            let mut policy = one.policy;
            policy["id"] = json!(format!("{}-{at}", text.key));
            let read = import(&policy);
            assert_eq!(read.left_out, Vec::<String>::new(), "{policy}");
            back.push(read.policy.unwrap());
        }
    }
    compiled(&back)
}

fn any_sign_in() -> impl Strategy<Value = SignIn> {
    let whom = prop::sample::select(vec!["amina", "finance", "admin", "guest", "partner", "kiosk", "glass"]);
    let at = prop::sample::select(vec!["mail", "erp"]);
    let risk = prop::sample::select(vec![None, Some(0), Some(1), Some(2), Some(3)]);
    let platform = prop::sample::select(vec!["", "iOS", "android", "windows"]);
    let protocol = prop::sample::select(vec!["none", "deviceCode"]);
    let how = (prop::sample::select(Strength::ALL), prop::sample::select(Client::ALL));
    (whom, at, risk, platform, protocol, how, any::<[bool; 3]>()).prop_map(
        |(whom, at, risk, platform, protocol, (strength, client), [managed, compliant, trusted])| SignIn {
            sign_in_risk: risk,
            strength,
            client,
            protocol: protocol.to_owned(),
            device: Device { managed, compliant, platform: platform.to_owned() },
            place: Place { trusted, ..Place::default() },
            ..SignIn::plain(subject(whom), application(at))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// The slow twin of the translation: what was sent to Entra and read again judges every sign-in alike.
    #[test]
    fn what_goes_to_entra_and_comes_back_judges_alike(sign_ins in prop::collection::vec(any_sign_in(), 60)) {
        for (key, cedar) in OFFICE {
            let ours = [text(key, cedar)];
            let (here, there) = (compiled(&ours), there_and_back(&ours));
            for one in &sign_ins {
                prop_assert_eq!(here.judge(one).outcome, there.judge(one).outcome, "{} {:?}", key, one);
            }
        }
    }
}

#[test]
fn what_entra_cannot_say_is_named_and_the_policy_only_reports() {
    let check = |cedar: &str, part: &str, why: &str| {
        let one = export(&text("p", cedar), &names()).unwrap().remove(0);
        assert!(
            one.left_out.iter().any(|left| left.part.contains(part) && left.why.contains(why)),
            "{:?}",
            one.left_out
        );
        assert_eq!(one.policy["state"], "enabledForReportingButNotEnforced");
    };
    let forbid = |when: &str| format!("forbid(principal, action == Action::\"sign-in\", resource) when {{ {when} }};");
    check(&forbid("principal.sensitivity >= 2"), "principal.sensitivity", "no condition");
    check(&forbid("principal in Group::\"ad/Nowhere\""), "ad/Nowhere", "no group of that name");
    check(&forbid("context.location has country && context.location.country == \"ML\""), "ML", "named network");
    check(&forbid("principal.guest || context.location.trusted"), "or", "alternatives");
    check(&forbid("context.device.compliant"), "compliant", "no condition on it");
    check(
        &forbid("context.location has address && context.location.address.isInRange(ip(\"10.0.0.0/8\"))"),
        "isInRange",
        "no condition",
    );
    check(&forbid("context.protocol == \"ropc\""), "protocol", "deviceCode");
    check(&forbid("principal in Group::\"a\" && principal in Group::\"b\""), "principal", "one list of users");
}

#[test]
fn a_policy_of_entra_is_read_with_what_we_cannot_judge_by_name() {
    let policy = json!({
        "id": "7", "displayName": "Admins", "state": "enabled",
        "conditions": {
            "users": { "includeRoles": ["62e90394"], "excludeGroups": ["g\"1"], "includeGuestsOrExternalUsers": null },
            "applications": { "includeApplications": ["All"], "excludeApplications": ["a-1"] },
            "clientAppTypes": ["browser", "mobileAppsAndDesktopClients"],
            "locations": { "includeLocations": ["All"], "excludeLocations": ["AllTrusted", "n-1"] },
            "devices": { "deviceFilter": { "mode": "exclude", "rule": "device.model -eq \"x\"" } },
            "insiderRiskLevels": null,
        },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa", "approvedApplication"], "termsOfUse": [] },
        "sessionControls": { "signInFrequency": { "value": 4, "type": "hours", "isEnabled": true } },
    });
    let read = import(&policy);
    assert_eq!((read.state, read.title.as_str()), (PolicyState::On, "Admins"));
    assert_eq!(
        read.left_out,
        ["conditions.devices", "grantControls.builtInControls: approvedApplication", "sessionControls"]
    );
    let cedar = read.policy.unwrap().cedar;
    for part in ["principal in Role::\"62e90394\"", "Group::\"g\\\"1\"", "networks.contains(\"n-1\")", ">= 2"] {
        assert!(cedar.contains(part), "{cedar}");
    }
    let session_only = json!({ "id": "8", "displayName": "S", "state": "enabled", "grantControls": null,
        "conditions": { "users": { "includeUsers": ["All"] } }, "sessionControls": { "persistentBrowser": { "mode": "never" } } });
    assert_eq!(import(&session_only).policy, None, "it decides on no sign-in");
    assert!(import(&Json::Null).policy.is_none(), "what is no policy is none");
}

/// What fuzzing of a tenant's policies begins with, and what it found.
#[test]
fn the_corpus_replays() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/connector_entra");
    let mut policies = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let Ok(resource) = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()) else { continue };
        if let Some(policy) = import(&resource).policy {
            policy.check().unwrap();
            policies += 1;
        }
    }
    assert!(policies > 0, "{policies}");
}

#[test]
fn ours_and_the_tenants_are_compared_by_title() {
    let ours = &office()[..3];
    let sent: Vec<Json> = ours.iter().map(|text| export(text, &names()).unwrap().remove(0).policy).collect();
    let mut same = sent[0].clone();
    same["id"] = json!("1");
    same["createdDateTime"] = json!("2026-11-30T00:00:00Z");
    same["conditions"]["users"]["excludeGroups"] = json!([]);
    same["conditions"]["userRiskLevels"] = json!([]);
    same["grantControls"]["customAuthenticationFactors"] = json!([]);
    let mut other = sent[1].clone();
    other["id"] = json!("2");
    other["state"] = json!("disabled");
    other["conditions"]["clientAppTypes"] = json!(["other"]);
    let theirs = [same, other, json!({ "id": "3", "displayName": "Somebody's own", "state": "enabled" })];
    let pairs = compare(ours, &theirs, &names()).unwrap().pairs;
    let relations: Vec<_> = pairs.iter().map(|pair| (pair.relation, pair.id.as_deref())).collect();
    assert_eq!(
        relations,
        [
            (Relation::Same, Some("1")),
            (Relation::Different, Some("2")),
            (Relation::Missing, None),
            (Relation::Unmanaged, Some("3"))
        ]
    );
    let paths: Vec<&str> = pairs[1].differences.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(paths, ["state", "conditions.clientAppTypes"]);
}
