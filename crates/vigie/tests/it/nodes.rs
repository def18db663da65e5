//! Two real servers keep each other up to date.

use std::time::Duration;

use crate::rig::Rig;
use crate::running::Running;

/// Asks again until the answer fits; a link turns every few seconds.
fn until(what: &str, mut fits: impl FnMut() -> bool) {
    for _ in 0..600 {
        if fits() {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("{what} does not come");
}

#[test]
fn an_office_and_its_headquarters() {
    let (hq_rig, office_rig) = (Rig::new(), Rig::new());
    let hq = Running::start_with(&hq_rig, &[("VIGIE_REPLICA_NODE", "HQ".to_owned())]);
    let root = hq.administrator();
    let wanted = r#"{"name": "DILI", "scopes": ["replicate"], "expires_in_days": 30, "reason": "our office"}"#;
    let (status, made) = hq.ask(&root, "POST", "tokens", wanted);
    let token = made["secret"].as_str().unwrap_or_else(|| panic!("{status}: {made}")).to_owned();
    let settings = [
        ("VIGIE_REPLICA_NODE", "DILI".to_owned()),
        ("VIGIE_REPLICA_PEER", "HQ".to_owned()),
        ("VIGIE_REPLICA_URL", format!("http://{}", hq.address)),
        ("VIGIE_REPLICA_TOKEN", token),
    ];
    let office = Running::start_with(&office_rig, &settings);
    let chief = office.administrator();
    let (status, _) = office.ask(&chief, "POST", "field/log", r#"{"line": "all quiet at the gate"}"#);
    assert_eq!(status, 201);
    until("the office's log", || {
        let (_, told) = hq.ask(&root, "GET", "replica/records?kind=log", "");
        told["records"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["body"]["line"] == "all quiet at the gate"))
    });
    hq.ask(&root, "POST", "field/log", r#"{"line": "message for the office"}"#);
    until("the log of headquarters", || {
        let (_, told) = office.ask(&chief, "GET", "replica/records?kind=log&node=HQ", "");
        told["records"].as_array().is_some_and(|all| all.len() == 1)
    });
    let (_, nodes) = office.ask(&chief, "GET", "replica", "");
    assert_eq!((&nodes["node"], &nodes["peers"][0]["state"]), (&"DILI".into(), &"up".into()), "{nodes}");
    // Headquarters is gone; the office goes on alone and says so.
    hq.kill();
    until("the broken link", || office.ask(&chief, "GET", "replica", "").1["peers"][0]["problem"].is_string());
    assert_eq!(office.ask(&chief, "POST", "field/log", r#"{"line": "we go on"}"#).0, 201);
}
