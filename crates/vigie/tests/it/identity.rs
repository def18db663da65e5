//! `vigie identity`, as an officer and an auditor run it.

use serde_json::Value as Json;

use crate::rig::{Ran, Rig};

const POLICY: &str = r#"
[settings.house]
title = "Office"
time_zone = "Africa/Nairobi"
[system.ad]
title = "Directory"
owner = "P-1"
anchor = "employeeNumber"
[system.ad.login]
template = "{{ person.number | lower }}"
scope = "login"
[role.staff]
title = "Everybody"
kind = "business"
owner = "P-1"
grants = ["ad", "ad/All-Staff"]
[rule.everybody]
title = "Everybody has an account"
owner = "P-1"
when = "true"
roles = ["staff"]
[feed.hr]
title = "Personnel"
owner = "P-1"
format = "csv"
trailer = "END"
[feed.hr.map]
anchor = "person"
number = "person"
key = "person"
given_name = "given"
family_name = "family"
begins = "begins"
ends = "ends"
"#;

/// A house with three people, written by the room itself.
fn house() -> Rig {
    let rig = Rig::new();
    std::fs::create_dir_all(rig.path().join("data")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", rig.path().join("data/state.db").display());
        let clock = std::sync::Arc::new(kernel::time::SystemClock::new());
        let store = store::Store::open(&url, clock, testkit::CountingRandomness::seeded(7)).await.unwrap();
        let identity = identity::Identity::new(store.clone());
        let officer = kernel::Actor::User("user-officer".to_owned());
        let drafts = identity::document::drafts_from_toml(POLICY).unwrap();
        identity.save_documents(&drafts, "set up", None, &officer).await.unwrap();
        let body = file(&["P-1,Amina,Diallo,2020-01-01,", "P-2,Bram,Osei,2020-01-01,", "P-3,Cyril,Lind,2020-01-01,"]);
        let manifest = identity::feed::Manifest::default();
        let delivery = identity::feed::Delivery { feed: "hr".to_owned(), body: body.into_bytes(), manifest };
        let batch = identity.receive(&delivery, &officer).await.unwrap();
        assert_eq!(batch.state, identity::feed::BatchState::Applied, "{:?}", batch.findings);
        store.close().await;
    });
    rig
}

fn file(records: &[&str]) -> String {
    format!("person,given,family,begins,ends\n{}\nEND,{}\n", records.join("\n"), records.len())
}

fn run(rig: &Rig, arguments: &[&str]) -> Ran {
    rig.run(&[&["identity"], arguments].concat())
}

#[test]
fn a_file_is_tried_with_counts_names_and_a_threshold() {
    let rig = house();
    rig.file(
        "next.csv",
        file(&["P-1,Amina,Diallo,2020-01-01,", "P-2,Bram,Osei,2020-01-01,", "P-4,Dina,Sow,2020-01-01,"]),
    );
    let ran = run(&rig, &["simulate", "--feed", "hr", "next.csv"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for line in [
        "applied: 3 records",
        "     1 join",
        "     1 leave",
        "Cyril Lind",
        "Dina Sow",
        "1 created",
        "1 disabled",
        "kept as plan-",
    ] {
        assert!(ran.out.contains(line), "`{line}` is not in\n{}", ran.out);
    }
    let ran = run(&rig, &["simulate", "--feed", "hr", "next.csv", "--max-leavers", "0", "--format", "json"]);
    let told: Json = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, told["above"][0].as_str()), (1, Some("1 people leave; 0 are allowed here")));
    rig.file("cut.csv", "person,given,family,begins,ends\nP-1,Amina,Diallo,2020-01-01,\n");
    let ran = run(&rig, &["simulate", "--feed", "hr", "cut.csv"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.out.contains("rejected") && ran.out.contains("the file was cut"), "{}", ran.out);
    // Nothing of it happened.
    let ran = run(&rig, &["explain", "P-3"]);
    assert!(ran.out.contains("Cyril Lind (P-3)"), "{ran:?}");
}

#[test]
fn access_is_explained_and_told_for_a_day() {
    let rig = house();
    let ran = run(&rig, &["explain", "amina diallo"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("ad/All-Staff\n    hr P-1 → Everybody has an account → Everybody\n"), "{}", ran.out);
    assert_eq!(run(&rig, &["explain", "P-1", "--grant", "ad/Nothing"]).code, 1);
    let nobody = run(&rig, &["explain", "P-99"]);
    assert_eq!(nobody.code, 2);
    assert!(nobody.err.contains("nobody has the number"), "{}", nobody.err);
    let several = run(&rig, &["explain", "i"]);
    assert!(several.err.contains("give the number") && several.err.contains("P-2 Bram Osei"), "{}", several.err);

    let ran = run(&rig, &["access", "--system", "ad"]);
    let mut rows = csv::Reader::from_reader(ran.out.as_bytes());
    let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 6, "an account and a group for each of three\n{}", ran.out);
    assert!(rows.iter().all(|row| &row[9] == "engagement" && row[8].contains("Everybody has an account")));
    // Before anybody had begun, and before anything was known of them.
    let before = run(&rig, &["access", "--on", "2019-12-31", "--format", "json"]);
    assert_eq!((before.code, before.out.as_str()), (0, ""));
    let unknown = run(&rig, &["access", "--known", "2020-06-01"]);
    assert_eq!(unknown.out.lines().count(), 1, "the header alone: {}", unknown.out);
    let ran = run(&rig, &["access", "--on", "next week"]);
    assert!(ran.code == 2 && ran.err.contains("neither a day"), "{ran:?}");
}
