//! Policies on sign-ins as documents, and people as they see them.

use conditional_access::PolicyState;
use identity::Error;
use identity::document::{DocumentKind, Draft};
use serde_json::{Value as Json, json};

use crate::rig::{self, Rig, officer, record};

const SECOND_FACTOR: &str = r#"forbid(principal, action == Action::"sign-in", resource)
unless { context.authentication_strength >= 2 }
unless { principal.break_glass };"#;

fn body(state: &str, cedar: &str) -> Json {
    json!({ "title": "A second factor for everybody", "owner": "P-1", "state": state, "cedar": cedar })
}

async fn save(rig: &Rig, body: Json, seen: Option<i64>, reason: &str) -> Result<i64, Error> {
    let draft = Draft { kind: DocumentKind::ConditionalAccess, key: "mfa".to_owned(), body: Some(body) };
    rig.identity.save_duty(&draft, seen, reason, &officer()).await.map(|saved| saved.version)
}

pub async fn a_policy_is_kept_with_every_version_and_a_dangerous_one_is_refused(url: String) {
    let rig = rig::open(&url).await;
    assert_eq!(save(&rig, body("report-only", SECOND_FACTOR), None, "to see whom it meets").await.unwrap(), 1);
    assert_eq!(save(&rig, body("on", SECOND_FACTOR), Some(1), "nobody is in the way").await.unwrap(), 2);
    let stale = save(&rig, body("off", SECOND_FACTOR), Some(1), "late").await.unwrap_err();
    assert!(matches!(stale, Error::Conflict(_)), "{stale:?}");
    let versions = rig.identity.conditional_versions("mfa").await.unwrap();
    let told: Vec<_> = versions.iter().map(|one| (one.version, one.state, one.reason.as_str())).collect();
    assert_eq!(
        told,
        [(2, PolicyState::On, "nobody is in the way"), (1, PolicyState::ReportOnly, "to see whom it meets")]
    );

    let naked = SECOND_FACTOR.replace("unless { principal.break_glass }", "");
    assert!(save(&rig, body("report-only", &naked), Some(2), "it only reports").await.is_ok());
    for (bad, words) in [
        (body("on", &naked), "break_glass"),
        (body("on", "permit(principal, action, resource);"), "only `forbid`"),
        (body("on", "forbid(principal"), "line 1"),
        (body("sometimes", SECOND_FACTOR), "sometimes"),
    ] {
        let refused = save(&rig, bad, None, "no").await.unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
    }
    // The other door to documents checks the same.
    let toml =
        format!("[conditional-access.mfa]\ntitle = \"x\"\nowner = \"P-1\"\nstate = \"on\"\ncedar = '''{naked}'''\n");
    assert!(rig.save(&toml).await.unwrap_err().to_string().contains("break_glass"));
    assert_eq!(rig.identity.conditional_versions("mfa").await.unwrap().len(), 3, "what is refused leaves nothing");
    let (document, policy) = rig.identity.conditional_policies().await.unwrap().remove(0);
    assert_eq!((document.version, policy.state), (3, PolicyState::ReportOnly));
    let missing = rig.identity.conditional_versions("nothing").await.unwrap_err();
    assert!(matches!(missing, Error::NotFound { .. }));
}

pub async fn people_are_seen_with_what_they_hold_by_any_path(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[record(&[("person", "P-7"), ("contract", "C-7"), ("unit", "FIN")])]).await;
    rig.work().await;
    let directory = rig.identity.sign_in_directory().await.unwrap();
    let login = rig.account("Diallo", "ad").await.unwrap().login;
    let amina = directory.find(&format!("{}@relief.example", login.to_uppercase())).unwrap();
    assert!(amina.groups.contains("ad/All-Staff"), "{amina:?}");
    assert!(!amina.break_glass);
    assert!(directory.find("nobody@relief.example").is_none());
}
