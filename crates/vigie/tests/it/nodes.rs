//! Two real servers keep each other up to date.

use std::time::Duration;

use crate::rig::Rig;
use crate::running::{Running, Session};

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

/// The secret of a token by which the office speaks for itself at headquarters.
fn node_token(hq: &Running, root: &Session) -> String {
    let wanted = r#"{"name": "DILI", "scopes": ["replicate"], "expires_in_days": 30, "reason": "our office"}"#;
    let (status, made) = hq.ask(root, "POST", "tokens", wanted);
    made["secret"].as_str().unwrap_or_else(|| panic!("{status}: {made}")).to_owned()
}

fn dials(url: String, token: String) -> [(&'static str, String); 4] {
    [
        ("VIGIE_REPLICA_NODE", "DILI".to_owned()),
        ("VIGIE_REPLICA_PEER", "HQ".to_owned()),
        ("VIGIE_REPLICA_URL", url),
        ("VIGIE_REPLICA_TOKEN", token),
    ]
}

/// A mission of the office on the road, and its id.
fn on_the_road(office: &Running, chief: &Session) -> String {
    let done = |method: &str, path: &str, body: &str| {
        let (status, answer) = office.ask(chief, method, path, body);
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    };
    for (noun, csv) in [
        ("area", "key,name,risk,ladder\\nMED,Midlands,medium,\\n"),
        ("organisation", "key,name,kind\\nUNA,Agency for Almanacs,un\\n"),
        ("vehicle", "key,name,organisation,seats,armoured\\nUN-1,White pickup,UNA,5,no\\n"),
    ] {
        let body = format!(r#"{{"csv": "{csv}", "trial": false, "reason": "first list"}}"#);
        done("POST", &format!("field/register/{noun}/import"), &body);
    }
    let sign = r#"{"sign": "BF11", "holder_kind": "vehicle", "holder": "UN-1", "reason": "list of the month"}"#;
    done("POST", "field/call-signs", sign);
    let wanted = r#"{"title": "Supplies", "legs": [{"from": "Dili", "to": "Baucau", "area": "MED"}], "vehicles": ["UN-1"],
        "reason": "asked for"}"#;
    let mut mission = done("POST", "field/missions", wanted)["mission"].clone();
    let id = mission["id"].as_str().unwrap().to_owned();
    for command in ["\"clear\"", "\"brief\"", "\"depart\"", "\"offer-custody\", \"room\": \"HQ\""] {
        let body = format!(r#"{{"version": {}, "reason": "as asked", "command": {command}}}"#, mission["version"]);
        mission = done("POST", &format!("field/missions/{id}/commands"), &body)["mission"].clone();
    }
    id
}

/// Headquarters takes the mission over once it has heard it, and both ends show who follows.
fn custody_passes(office: &Running, chief: &Session, hq: &Running, root: &Session) {
    let mission = on_the_road(office, chief);
    let custody = |server: &Running, who: &Session| server.ask(who, "GET", "field/custody", "").1;
    until("the offer", || custody(hq, root)["offers"][0]["label"] == "M-0001");
    let (_, heard) = hq.ask(root, "POST", "field/log", r#"{"line": "bf11 at bridge"}"#);
    let body = format!(
        r#"{{"node": "DILI", "mission": "{mission}", "proof": {}, "reason": "we hear them"}}"#,
        heard["number"]
    );
    let (status, taken) = hq.ask(root, "POST", "field/custody", &body);
    assert_eq!(status, 200, "{taken}");
    until("that the office gives it up", || custody(office, chief)["missions"][0]["state"] == "handed-over");
    until("that headquarters knows it", || custody(hq, root)["missions"][0]["state"] == "held");
    assert_eq!(custody(office, chief)["missions"][0]["room"], "HQ");
}

#[test]
fn an_office_and_its_headquarters() {
    let (hq_rig, office_rig) = (Rig::new(), Rig::new());
    let hq = Running::start_with(&hq_rig, &[("VIGIE_REPLICA_NODE", "HQ".to_owned())]);
    let root = hq.administrator();
    let settings = dials(format!("http://{}", hq.address), node_token(&hq, &root));
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
    custody_passes(&office, &chief, &hq, &root);
    // Headquarters is gone; the office goes on alone and says so.
    hq.kill();
    until("the broken link", || office.ask(&chief, "GET", "replica", "").1["peers"][0]["problem"].is_string());
    assert_eq!(office.ask(&chief, "POST", "field/log", r#"{"line": "we go on"}"#).0, 201);
}

/// Over TLS with a certificate that nobody else has signed: the office is told whom to believe, and believes nobody else.
#[test]
fn the_link_is_encrypted() {
    let (hq_rig, office_rig) = (Rig::new(), Rig::new());
    let node = ("VIGIE_REPLICA_NODE", "HQ".to_owned());
    let hq = Running::start_with(&hq_rig, std::slice::from_ref(&node));
    let token = node_token(&hq, &hq.administrator());
    hq.kill();
    let hq = Running::start_with(&hq_rig, &[node, ("VIGIE_SERVER_TLS_SELF_SIGNED", "true".to_owned())]);
    let url = format!("https://localhost:{}", hq.address.port());
    let link = |office: &Running, who: &Session| office.ask(who, "GET", "replica", "").1["peers"][0].clone();
    let stranger = Running::start_with(&office_rig, &dials(url.clone(), token.clone()));
    let chief = stranger.administrator();
    until("a refusal", || link(&stranger, &chief)["problem"].is_string());
    assert_eq!(link(&stranger, &chief)["state"], "unheard", "nothing is told to a server that nobody vouches for");
    stranger.kill();
    let known = ("VIGIE_COURIER_CA_FILE", hq_rig.path().join("data/tls/certificate.pem").display().to_string());
    let settings: Vec<_> = dials(url, token).into_iter().chain([known]).collect();
    let office = Running::start_with(&office_rig, &settings);
    let chief = office.sign_in();
    until("the link", || link(&office, &chief)["state"] == "up");
}
