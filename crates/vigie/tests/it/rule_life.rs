//! Rules of a running server: correlated over a kill, excused, loaded again.

use std::time::Duration;

use serde_json::Value as Json;

use crate::rig::Rig;
use crate::running::{Running, Session};

const FAILED: &str = "title: Failed logon
id: failed
logsource: { product: windows, service: security }
detection: { selection: { EventID: 4625 }, condition: selection }
";
const GUESSING: &str = "title: Guessing in this house
id: guessing
level: high
correlation:
    type: event_count
    rules: [failed]
    group-by: [TargetUserName]
    timespan: 10m
    condition: { gte: 4 }
";
const SHELL: &str = "title: Shell in this house
id: shell
level: high
logsource: { product: windows, category: process_creation }
detection: { selection: { NewProcessName|endswith: '\\cmd.exe' }, condition: selection }
";

fn event(id: u32, second: u32, host: &str, fields: &str) -> String {
    format!(
        r#"{{"Channel":"Security","EventID":{id},"SourceName":"Microsoft-Windows-Security-Auditing","Hostname":"{host}","@timestamp":"2026-11-21T08:00:{second:02}Z",{fields}}}"#
    )
}

fn failed(second: u32) -> String {
    event(4625, second, "dc-1", r#""TargetUserName":"amina.diallo","TargetDomainName":"IRCO""#)
}

fn shell(second: u32, user: &str) -> String {
    let host = format!("ws-{second}");
    event(4688, second, &host, &format!(r#""NewProcessName":"C:\\Windows\\cmd.exe","SubjectUserName":"{user}""#))
}

/// A server whose events come by one source.
struct House {
    running: Running,
    session: Session,
    token: String,
}

impl House {
    fn deliver(&self, body: &str) {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
        let reply = self.running.send("POST", "ingest/collector", &headers, body.as_bytes());
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    fn get(&self, path: &str) -> Json {
        let (status, body) = self.running.ask(&self.session, "GET", path, "");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn post(&self, path: &str, body: &str, expected: u16) -> Json {
        let (status, answer) = self.running.ask(&self.session, "POST", path, body);
        assert_eq!(status, expected, "{path}: {answer}");
        answer
    }

    fn alerts(&self, rule: &str) -> Vec<Json> {
        self.get(&format!("alerts?rule={rule}"))["alerts"].as_array().unwrap().clone()
    }
}

/// Asks until there is an answer; what runs beside the request takes its time.
fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..300 {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("waited in vain for {what}");
}

fn pack(rig: &Rig) -> [(&'static str, String); 1] {
    for (name, text) in [("failed", FAILED), ("guessing", GUESSING), ("shell", SHELL)] {
        rig.file(&format!("pack/rules/{name}.yml"), text);
    }
    rig.file("pack/.git/HEAD", "0123456789abcdef0123456789abcdef01234567\n");
    [("VIGIE_DETECT_SIGMA_RULES", rig.path().join("pack/rules").display().to_string())]
}

#[test]
fn what_is_correlated_survives_a_kill() {
    let rig = Rig::new();
    let settings = pack(&rig);
    let running = Running::start_with(&rig, &settings);
    let session = running.administrator();
    let token = running.connect_source(&session, "collector", "windows-json");
    let house = House { running, session, token };
    house.deliver(&[failed(1), failed(2), failed(3)].join("\n"));
    // One hit feeds the rule of this house and two that come with Vigie.
    wait("three hits", || house.get("rules?limit=1")["correlations"]["hits"].as_u64().filter(|hits| *hits >= 3));
    let House { running, token, .. } = house;
    running.kill();
    let running = Running::start_with(&rig, &settings);
    let session = running.sign_in();
    let house = House { running, session, token };
    house.deliver(&failed(4));
    let alert = wait("the alert", || house.alerts("guessing").pop());
    assert_eq!(alert["event_count"], 4, "{alert}");
    let detail = house.get(&format!("alerts/{}", alert["id"].as_str().unwrap()));
    assert_eq!(detail["rule_revision"], "0123456789ab", "{detail}");
    let events = detail["events"].as_array().unwrap();
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event["raw"].as_str().unwrap().contains("amina.diallo")), "{detail}");
    assert!(house.alerts("failed").is_empty(), "a rule that is only counted raises nothing");
}

#[test]
fn an_exception_excuses_and_a_new_file_comes_into_force() {
    let rig = Rig::new();
    let running = Running::start_with(&rig, &pack(&rig));
    let session = running.administrator();
    let token = running.connect_source(&session, "collector", "windows-json");
    let house = House { running, session, token };
    house.deliver(&[shell(1, "svc-backup"), shell(2, "amina.diallo")].join("\n"));
    wait("two alerts", || (house.alerts("shell").len() == 2).then_some(()));
    let detection = r#""rule_id": "shell", "detection": "selection:\n  SubjectUserName: svc-backup\n""#;
    let trial = house.post("exceptions/trial", &format!("{{{detection}}}"), 200);
    assert_eq!((&trial["alerted"], &trial["alerted_silenced"]), (&2.into(), &1.into()), "{trial}");
    let bad =
        house.post("exceptions/trial", r#"{"rule_id": "shell", "detection": "selection:\n  A|nonsense: b\n"}"#, 422);
    assert!(bad["detail"].as_str().unwrap().contains("nonsense"), "{bad}");
    let now: kernel::Timestamp = house.alerts("shell")[0]["raised"].as_str().unwrap().parse().unwrap();
    let expires = now.plus_micros(30 * 86_400_000_000);
    let request = format!(
        r#"{{{detection}, "title": "Backup", "owner": "storage", "expires": "{expires}", "reason": "agreed"}}"#
    );
    let made = house.post("exceptions", &request, 201);
    assert_eq!(house.get("exceptions?rule=shell")["exceptions"][0]["id"], made["id"]);
    // It counts when the rules are compiled: each round has a host of its own, and the marker says that it is through.
    let mut second = 3;
    wait("the exception", || {
        house.deliver(&[shell(second, "svc-backup"), shell(second + 1, "amina.diallo")].join("\n"));
        let hosts = |number: u32| {
            house.alerts("shell").iter().any(|alert| alert["entities"].to_string().contains(&format!("ws-{number}\"")))
        };
        wait("the marker", || hosts(second + 1).then_some(()));
        let excused = !hosts(second);
        second += 2;
        (excused || second > 55).then_some(excused)
    });
    sides_of_a_rule(&house);
    rig.file("pack/rules/new.yml", SHELL.replace("shell", "new").replace("Shell", "New shell"));
    house.post("rules/reload", "{}", 202);
    wait("the new rule", || house.get("rules?search=new%20shell")["rules"].as_array().unwrap().first().cloned());
    house.post("rules/new/state", r#"{"enabled": false, "version": 1, "reason": "noise"}"#, 200);
    house.running.kill();
    hunted_as_in_force(&rig);
}

/// History, put to the rules as the server had them: the exception holds, and what is switched off is.
fn hunted_as_in_force(rig: &Rig) {
    let folder = format!("detect.sigma_rules={}", rig.path().join("pack/rules").display());
    let hunt = |more: &[&str]| {
        let fixed =
            ["--set", &folder, "hunt", "--format", "jsonl", "--summary", "none", "--from", "2026-11-01T00:00:00Z"];
        let ran = rig.run(&[&fixed[..], more].concat());
        assert!(ran.code < 2, "{ran:?}");
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Json>>()
    };
    let by_shell = |alerts: &[Json], user: &str| {
        alerts.iter().filter(|alert| alert["rule_id"] == "shell" && alert["record"].to_string().contains(user)).count()
    };
    let (in_force, bare) = (hunt(&["--rules", "in-force"]), hunt(&["--rules", "pack/rules"]));
    assert_eq!(by_shell(&in_force, "svc-backup"), 0, "{in_force:#?}");
    assert_eq!(by_shell(&in_force, "amina.diallo"), by_shell(&bare, "amina.diallo"));
    assert!(by_shell(&bare, "svc-backup") > 0 && by_shell(&in_force, "amina.diallo") > 0);
    assert!(
        in_force.iter().all(|alert| alert["rule_id"] != "new") && bare.iter().any(|alert| alert["rule_id"] == "new")
    );
    // Without the exception there would be as many alerts more as it excuses.
    let differences = hunt(&["--rules", "pack/rules", "--compare", "in-force"]);
    let shell = differences.iter().find(|rule| rule["rule_id"] == "shell").unwrap();
    assert_eq!(
        (&shell["change"], &shell["gained"], &shell["lost"]),
        (&"changed".into(), &by_shell(&bare, "svc-backup").into(), &0.into()),
        "{shell}"
    );
}

/// As KQL, on stored events, and in the matrix.
fn sides_of_a_rule(house: &House) {
    let kql = house.get("rules/shell/kql");
    assert!(kql["text"].as_str().unwrap().contains("endswith"), "{kql}");
    let range = "from=2026-11-21T07:59:00Z&to=2026-11-21T08:02:00Z";
    let why = house.get(&format!("rules/shell/why?{range}"));
    assert!(why["fired"].as_u64().unwrap() >= 2 && why["complete"] == true, "{why}");
    let failed = house.get(&format!("rules/failed/why?{range}"));
    assert_eq!(
        (failed["fired"].as_u64(), failed["gates"][0]["passed"].as_u64()),
        (Some(0), failed["events"].as_u64()),
        "{failed}"
    );
    assert_eq!(failed["nearest"]["changes"][0]["field"], "EventID", "{failed}");
    let (status, refused) = house.running.ask(&house.session, "GET", "rules/guessing/why", "");
    assert!(status == 422 && refused["detail"].as_str().unwrap().contains("other rules"), "{refused}");
    let covered = house.get("coverage");
    let brute = covered["techniques"].as_array().unwrap().iter().find(|one| one["technique"] == "T1059.001").unwrap();
    assert_eq!((&brute["standing"], &brute["tactics"][0]), (&"some-fields".into(), &"execution".into()), "{brute}");
    assert!(covered["event_kinds"].as_u64().unwrap() >= 1, "{covered}");
    let layer = house.get("coverage/layer");
    assert_eq!(layer["versions"]["layer"], "4.5", "{layer}");
}
