//! Feeds: what stands between a file and a write.

use identity::feed::{BatchState, Delivery, Manifest, RecordDecision};
use identity::finding::{FindingKind, FindingState};
use identity::plan::Proposal;
use proptest::prelude::*;

use crate::rig::{self, Rig, file, officer, record};

fn people(count: usize) -> Vec<String> {
    people_with(count, |_| Vec::new())
}

/// So many people, each under one contract of the same number; some columns say otherwise.
fn people_with<'a>(count: usize, otherwise: impl Fn(usize) -> Vec<(&'a str, &'a str)>) -> Vec<String> {
    let one = |n: usize| {
        let (number, family, given) = (format!("P-{n}"), format!("Family{n}"), format!("Given{n}"));
        let born = format!("{}-{:02}-01", 1940 + n % 60, 1 + n % 12);
        let unit = if n.is_multiple_of(4) { "FIN" } else { "OPS" };
        let mut fields = otherwise(n);
        fields.extend([("person", number.as_str()), ("contract", &number), ("family", &family), ("given", &given)]);
        fields.extend([("born", born.as_str()), ("unit", unit)]);
        record(&fields)
    };
    (0..count).map(one).collect()
}

/// Everything of the room that a delivery could have written.
async fn written(rig: &Rig) -> Vec<String> {
    use kernel::port::{FactScan, FactTables};
    let mut rows = Vec::new();
    for table in identity::FACT_TABLES.iter().filter(|table| table.name != "IdentityFindings") {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        for row in rig.store.scan(&FactScan::of(table.name, &columns)).await.unwrap() {
            rows.push(format!("{} {row:?}", table.name));
        }
    }
    rows
}

pub async fn the_same_file_twice_has_no_effect_and_an_older_one_is_refused(url: String) {
    let rig = rig::open(&url).await;
    let monday = file(&people(5), "2026-11-16");
    let first = rig.deliver_text(&monday).await;
    assert_eq!((first.state, first.joiners), (BatchState::Applied, 5));
    let again = rig.deliver_text(&monday).await;
    assert_eq!(again.id, first.id, "the answer is the first batch");
    let tuesday = rig.deliver_text(&file(&people(6), "2026-11-17")).await;
    assert_eq!((tuesday.state, tuesday.joiners, tuesday.unchanged), (BatchState::Applied, 1, 5));
    let before = written(&rig).await;
    let sunday = rig.deliver_text(&file(&people(4), "2026-11-15")).await;
    assert_eq!(sunday.state, BatchState::Rejected, "{:?}", sunday.findings);
    assert_eq!(written(&rig).await, before);
}

pub async fn what_is_damaged_is_rejected_with_the_reason(url: String) {
    let rig = rig::open(&url).await;
    let good = file(&people(3), "2026-11-16");
    let latin = good.replace("Given1", "Andr\u{e9}");
    let latin: Vec<u8> = latin.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let swapped = good.replacen("person,contract,given,family", "person,contract,family,given", 1);
    let twice = format!("{},person\n{},P-9\nEND,1\n", rig::HEADER, people(1)[0]);
    let cases: [(Vec<u8>, &str); 7] = [
        (twice.into_bytes(), "`person` is there twice"),
        (Vec::new(), "empty"),
        (latin, "not UTF-8"),
        (swapped.into_bytes(), "SHA-256"),
        (good.replace("END,3", "END,4").into_bytes(), "its last line says 4"),
        (good.replace("born", "birthday").into_bytes(), "SHA-256"),
        (b"\xff\xfea\0".to_vec(), "UTF-16"),
    ];
    let before = written(&rig).await;
    for (body, word) in cases {
        let delivery = Delivery { feed: "hr".to_owned(), body, manifest: Manifest::default() };
        let batch = rig.identity.receive(&delivery, &officer()).await.unwrap();
        assert_eq!(batch.state, BatchState::Rejected);
        assert!(batch.findings.iter().any(|finding| finding.contains(word)), "{word} not in {:?}", batch.findings);
    }
    assert_eq!(written(&rig).await, before);
}

pub async fn too_many_leavers_hold_the_whole_batch_until_one_person_says_yes(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver_text(&file(&people(100), "2026-11-16")).await;
    rig.work().await;
    let before = written(&rig).await;
    let held = rig.deliver_text(&file(&people(90), "2026-11-17")).await;
    assert_eq!((held.state, held.leavers), (BatchState::Held, 10), "{:?}", held.findings);
    assert_eq!(written(&rig).await, before, "it writes nothing");
    let refused = rig.identity.decide_batch(held.id, false, "a mistake of payroll", &officer()).await.unwrap();
    assert_eq!(refused.state, BatchState::Refused);
    assert!(rig.identity.decide_batch(held.id, true, "after all", &officer()).await.is_err(), "it was decided");
    let held = rig.deliver_text(&file(&people(90), "2026-11-18")).await;
    let released = rig.identity.decide_batch(held.id, true, "a project closed", &officer()).await.unwrap();
    assert_eq!(released.state, BatchState::Applied);
    rig.work().await;
    assert_eq!(rig.at("ad", "gfamily95").await.unwrap().enabled, Some(false));
    assert_eq!(rig.at("ad", "gfamily5").await.unwrap().enabled, Some(true));
}

pub async fn a_slow_bleed_is_held_too(url: String) {
    let mut rig = rig::open(&url).await;
    let small = rig::POLICY.replace("trailer = \"END\"", "trailer = \"END\"\nguards = { window_leavers_max = 6 }");
    rig.save(&small).await.unwrap();
    rig.deliver_text(&file(&people(200), "2026-11-10")).await;
    rig.work().await;
    let states = [(197, BatchState::Applied), (194, BatchState::Applied), (191, BatchState::Held)];
    for (day, (left, expected)) in states.into_iter().enumerate() {
        let batch = rig.deliver_text(&file(&people(left), &format!("2026-11-{}", 11 + day))).await;
        assert_eq!(batch.state, expected, "{left}: {:?}", batch.findings);
        rig.pass_days(1).await;
    }
}

/// What everybody's line of a second delivery says, and whether it is held because so many would leave.
pub async fn whoever_works_today_and_would_not_is_a_leaver(url: String) {
    let rig = rig::open(&url).await;
    rig.deliver_text(&file(&people(40), "2026-11-16")).await;
    let trial = async |lines: &[String]| {
        let body = file(lines, "2026-11-17").into_bytes();
        let delivery = Delivery { feed: "hr".to_owned(), body, manifest: Manifest::default() };
        rig.identity.try_delivery(&delivery, &officer()).await.unwrap().0
    };
    let check = async |what: &str, lines: Vec<String>, held_because: Option<&str>| {
        let batch = trial(&lines).await;
        let expected = held_because.map_or(BatchState::Applied, |_| BatchState::Held);
        assert_eq!(batch.state, expected, "{what}: {:?}", batch.findings);
        assert_eq!(batch.leavers, held_because.map_or(0, |_| 40), "{what}");
        let named = batch.changes.as_array().unwrap().iter().filter(|change| change["leaver"] == true).count();
        assert_eq!(i64::try_from(named).unwrap(), batch.leavers, "{what}: leavers are named");
        let word = held_because.unwrap_or_default();
        assert!(word.is_empty() || batch.findings.iter().any(|one| one.contains(word)), "{what}: {:?}", batch.findings);
    };
    let all = |fields: &[(&'static str, &'static str)]| people_with(40, |_| fields.to_vec());
    check("suspended", all(&[("standing", "suspended")]), Some("suspend 40")).await;
    check("on leave", all(&[("standing", "leave")]), Some("suspend 40")).await;
    check("lent", all(&[("standing", "secondment")]), Some("suspend 40")).await;
    check("cancelled", all(&[("standing", "cancelled")]), Some("leave 40")).await;
    check("over", all(&[("ends", "2026-11-20")]), Some("leave 40")).await;
    check("put off", all(&[("begins", "2028-01-01")]), Some("postpone 40")).await;
    check("over tonight", all(&[("ends", "2026-11-21")]), Some("shorten 40")).await;
    check("over at the year's end", all(&[("ends", "2026-12-31")]), Some("shorten 40")).await;
    let later = [("standing", "suspended"), ("effective", "2026-12-10")];
    check("suspended from a day on", all(&later), Some("suspend 40")).await;
    // Without a record behind them a year is the longest term: it is over in January.
    check("consultants", all(&[("kind", "consultant"), ("sponsor", "B-1")]), Some("shorten 40")).await;
    check("over in a year", all(&[("ends", "2027-11-30")]), None).await;
    check("ten moved", people_with(40, |n| if n < 10 { vec![("station", "par")] } else { Vec::new() }), None).await;
    let moved = trial(&all(&[("station", "par")])).await;
    assert_eq!((moved.state, moved.leavers, moved.movers), (BatchState::Held, 0, 40), "{:?}", moved.findings);
    assert!(moved.findings[0].contains("40 of 40 people would move at once"), "{:?}", moved.findings);
    // The old contracts end and new ones follow after a week: a pause.
    let mut renewed = all(&[("ends", "2026-11-30")]);
    renewed.extend(all(&[("begins", "2026-12-07")]).into_iter().map(|line| line.replacen(",P-", ",N-", 1)));
    check("renewed", renewed, None).await;
    // What was known before is no news.
    let held = rig.deliver_text(&file(&all(&[("ends", "2026-11-21")]), "2026-11-17")).await;
    rig.identity.decide_batch(held.id, true, "the office closes", &officer()).await.unwrap();
    check("an end that is known", all(&[("ends", "2026-11-21"), ("mail", "desk@office.example")]), None).await;
}

/// One line of a delivery is broken: nobody is missing because of it.
pub async fn a_record_that_cannot_be_used_makes_nobody_a_leaver(url: String) {
    let mut rig = rig::open(&url).await;
    let lines = people(120);
    rig.deliver_text(&file(&lines, "2026-11-16")).await;
    rig.work().await;
    let broken = |from: &str, to: &str| {
        let mut lines = lines.clone();
        lines[7] = lines[7].replace(from, to);
        file(&lines, "2026-11-17")
    };
    let check = async |what: &str, text: String, expected: BatchState, waiting: i64, leavers: i64, word: &str| {
        let delivery = Delivery { feed: "hr".to_owned(), body: text.into_bytes(), manifest: Manifest::default() };
        let (batch, _) = rig.identity.try_delivery(&delivery, &officer()).await.unwrap();
        assert_eq!(
            (batch.state, batch.quarantined, batch.leavers),
            (expected, waiting, leavers),
            "{what}: {:?}",
            batch.findings
        );
        assert!(word.is_empty() || batch.findings[0].contains(word), "{what}: {:?}", batch.findings);
    };
    let applied = BatchState::Applied;
    check("no such day", broken("2026-01-01", "2026-02-30"), applied, 1, 0, "").await;
    check("a word that there is not", broken("active", "resting"), applied, 1, 0, "").await;
    check("another way to write the number", broken("P-7,P-7", "p-7,p-7"), applied, 1, 0, "").await;
    check("another's contract", broken("P-7,P-7", "P-7,P-8"), applied, 2, 0, "").await;
    check("only the person", broken("P-7,P-7", "P-7,"), applied, 1, 0, "").await;
    check("only the contract", broken("P-7,P-7", ",P-7"), applied, 1, 0, "").await;
    check("no number", broken("P-7,P-7", ","), BatchState::Held, 1, 1, "1 records do not say whose they are").await;
    rig.deliver_text(&broken("2026-01-01", "2026-02-30")).await;
    rig.work().await;
    assert_eq!(rig.at("ad", "gfamily7").await.unwrap().enabled, Some(true));
    let finding = rig.identity.findings(Some(FindingKind::BadRow), None).await.unwrap().remove(0);
    assert!(finding.title.ends_with("the contract P-7 stays as it was"), "{}", finding.title);
}

pub async fn what_hides_in_a_field_is_a_record_that_cannot_be_used(url: String) {
    let rig = rig::open(&url).await;
    let lines = people(60);
    let long = "a".repeat(1_001);
    let check = async |column: &str, value: &str, word: &str| {
        let mut lines = lines.clone();
        lines.push(record(&[(column, value), ("person", "X-1"), ("contract", "X-1"), ("family", "Newman")]));
        let batch = rig.deliver_text(&file(&lines, "2026-11-16")).await;
        let mut findings = rig.identity.findings(Some(FindingKind::BadRow), Some(FindingState::Open)).await.unwrap();
        if word.is_empty() {
            assert_eq!((batch.state, batch.quarantined), (BatchState::Applied, 0), "{column}: {:?}", batch.findings);
            return;
        }
        assert_eq!((batch.state, batch.quarantined), (BatchState::Applied, 1), "{column}: {:?}", batch.findings);
        let title = findings.remove(0).title;
        let shows_it = title.chars().any(|letter| letter.is_control() || ('\u{202a}'..='\u{2069}').contains(&letter));
        assert!(title.starts_with(word) && !shows_it, "{column}: {title:?}");
        for finding in findings {
            assert!(finding.title.len() < 500, "{}", finding.title.len());
        }
    };
    check("given", "Ma\0rta", "given_name: character 3 is U+0000").await;
    check("job", "Officer\u{1b}[31m", "job: character 8 is U+001B").await;
    check("family", "New\u{202e}nam", "family_name: character 4 is U+202E").await;
    check("unit", "O\u{2067}PS", "org_unit: character 2 is U+2067").await;
    check("given", &long, "given_name has 1001 characters").await;
    check("begins", "0000-01-01", "begins: 0000-01-01 lies before 1900").await;
    check("born", "0001-01-01", "birth_date: 0001-01-01 lies before 1900").await;
    // Marks of direction, joiners and an end that is none belong to what people write.
    check("given", "\u{645}\u{631}\u{200c}\u{62a}\u{200f}", "").await;
    check("ends", "9999-12-31", "").await;
}

pub async fn a_day_that_has_not_begun_anywhere_is_a_mistake_of_the_source(url: String) {
    let rig = rig::open(&url).await;
    let future = rig.deliver_text(&file(&people(3), "2036-11-30")).await;
    assert_eq!(future.state, BatchState::Rejected);
    assert!(future.findings[0].contains("yet to come"), "{:?}", future.findings);
    // At noon tomorrow has begun at the date line.
    let tomorrow = rig.deliver_text(&file(&people(3), "2026-11-22")).await;
    assert_eq!(tomorrow.state, BatchState::Applied, "{:?}", tomorrow.findings);
    // One that was taken before this was looked at closes the feed no longer.
    rig.tamper("UPDATE identity_batch SET snapshot_us = snapshot_us + 300000000000000").await;
    let next = rig.deliver_text(&file(&people(4), "2026-11-21")).await;
    assert_eq!((next.state, next.joiners), (BatchState::Applied, 1), "{:?}", next.findings);
}

pub async fn what_was_held_never_brings_back_what_is_no_longer_so(url: String) {
    let rig = rig::open(&url).await;
    let lines = people(40);
    rig.deliver_text(&file(&lines, "")).await;
    rig.clock.advance_s(1);
    let held = rig.deliver_text(&file(&lines[..30], "")).await;
    assert_eq!(held.state, BatchState::Held);
    rig.clock.advance_s(1);
    let mut promoted = lines.clone();
    promoted[4] = promoted[4].replace("Officer", "Senior officer");
    assert_eq!(rig.deliver_text(&file(&promoted, "")).await.state, BatchState::Applied);
    let before = written(&rig).await;
    let refused = rig.identity.decide_batch(held.id, true, "ok", &officer()).await.unwrap_err().to_string();
    assert!(refused.contains("was applied on"), "{refused}");
    assert_eq!(written(&rig).await, before);
    assert_eq!(rig.identity.batch(held.id).await.unwrap().state, BatchState::Held, "it may still be refused");
    // What is released says what it did when it was, not when it was held.
    rig.clock.advance_s(1);
    let held = rig.deliver_text(&file(&promoted[..30], "")).await;
    rig.tamper("UPDATE identity_batch SET unchanged = 0, movers = 9 WHERE state = 'held'").await;
    let released = rig.identity.decide_batch(held.id, true, "a project closed", &officer()).await.unwrap();
    assert_eq!(
        (released.state, released.unchanged, released.movers, released.leavers),
        (BatchState::Applied, 30, 0, 10)
    );
    assert_eq!(rig.identity.batch(held.id).await.unwrap(), released);
    // Nor does what was simulated, though it would change no account.
    rig.clock.advance_s(1);
    let mut newer = promoted[..30].to_vec();
    let body = file(&newer, "");
    let proposal = Proposal::Delivery { feed: "hr".to_owned(), body, manifest: Manifest::default() };
    let plan = rig.identity.simulate("as it was", &proposal, &officer()).await.unwrap();
    rig.clock.advance_s(1);
    newer[5] = newer[5].replace("Officer", "Clerk");
    assert_eq!(rig.deliver_text(&file(&newer, "")).await.state, BatchState::Applied);
    let before = written(&rig).await;
    let stale = rig.identity.execute(plan.plan.id, "go", &officer()).await.unwrap_err().to_string();
    assert!(stale.contains("delivered since"), "{stale}");
    assert_eq!(written(&rig).await, before);
}

pub async fn an_old_file_sent_again_is_looked_at_first(url: String) {
    let rig = rig::open(&url).await;
    let (monday, mut lines) = (file(&people(40), ""), people(40));
    rig.deliver_text(&monday).await;
    rig.clock.advance_s(1);
    lines[5] = lines[5].replace("2026-01-01,", "2026-01-01,2026-11-18");
    let tuesday = rig.deliver_text(&file(&lines, "")).await;
    assert_eq!((tuesday.state, tuesday.leavers), (BatchState::Applied, 1), "{:?}", tuesday.findings);
    rig.clock.advance_s(1);
    let before = written(&rig).await;
    let again = rig.deliver_text(&monday).await;
    assert_eq!(again.state, BatchState::Held);
    assert!(again.findings[0].contains("byte for byte"), "{:?}", again.findings);
    assert_eq!(written(&rig).await, before);
    // Everything was taken back: a person may say so.
    let released = rig.identity.decide_batch(again.id, true, "the end was a mistake", &officer()).await.unwrap();
    assert_eq!((released.state, released.joiners), (BatchState::Applied, 1));
}

pub async fn a_person_decides_who_somebody_is(url: String) {
    let mut rig = rig::open(&url).await;
    let amina = record(&[("person", "P-10"), ("contract", "C-10"), ("ends", "2026-11-19")]);
    rig.deliver_text(&file(std::slice::from_ref(&amina), "2026-11-16")).await;
    rig.work().await;
    // The same human being under a new number, with another family name.
    let again = record(&[("person", "P-77"), ("contract", "C-77"), ("family", "Ndiaye")]);
    let batch = rig.deliver_text(&file(&[amina.clone(), again], "2026-11-20")).await;
    assert_eq!((batch.quarantined, rig.people().await.len()), (1, 1));
    let finding = rig.identity.findings(Some(FindingKind::Match), None).await.unwrap().remove(0);
    let person = rig.person("Diallo").await;
    rig.identity
        .decide_record(finding.id, &RecordDecision::Same(person.id), "same passport", &officer())
        .await
        .unwrap();
    rig.work().await;
    let view = rig.identity.person_view(person.id).await.unwrap();
    assert_eq!((view.engagements.len(), view.person.sheet.family_name.as_str()), (2, "Ndiaye"));
    // Her old number, given to somebody else.
    let stranger = record(&[
        ("person", "P-10"),
        ("contract", "C-90"),
        ("given", "Bo"),
        ("family", "Lind"),
        ("born", "1999-09-09"),
    ]);
    let again = record(&[("person", "P-77"), ("contract", "C-77"), ("family", "Ndiaye")]);
    let batch = rig.deliver_text(&file(&[amina, again, stranger], "2026-11-21")).await;
    assert_eq!(batch.quarantined, 1, "{:?}", batch.findings);
    assert_eq!(
        rig.identity.person_view(person.id).await.unwrap().person.sheet.given_name,
        "Amina",
        "nothing was overwritten"
    );
    let finding =
        rig.identity.findings(Some(FindingKind::NumberReused), Some(FindingState::Open)).await.unwrap().remove(0);
    rig.identity.decide_record(finding.id, &RecordDecision::New, "a new colleague", &officer()).await.unwrap();
    assert_eq!(rig.people().await.len(), 2);
    assert!(rig.identity.decide_record(finding.id, &RecordDecision::New, "again", &officer()).await.is_err());
}

pub async fn a_decision_is_on_what_the_source_says_now(url: String) {
    let rig = rig::open(&url).await;
    let amina = record(&[("person", "P-10"), ("contract", "C-10")]);
    let bo = record(&[
        ("person", "P-11"),
        ("contract", "C-11"),
        ("given", "Bo"),
        ("family", "Lind"),
        ("born", "1970-01-01"),
    ]);
    let odd = |contract: &str| record(&[("person", "p-10"), ("contract", contract)]);
    let deliver = async |lines: &[String]| rig.deliver(lines).await;
    let open = async || rig.identity.findings(Some(FindingKind::Match), Some(FindingState::Open)).await.unwrap();
    let decide = async |id, decision: RecordDecision| {
        let decided = rig.identity.decide_record(id, &decision, "said on the telephone", &officer()).await;
        decided.map_err(|error| error.to_string())
    };
    deliver(&[amina.clone(), bo.clone()]).await;
    let (amina_id, bo_id) = (rig.person("Diallo").await.id, rig.person("Lind").await.id);
    // Her contract with another way to write her number; and for somebody whom it cannot be.
    deliver(&[odd("C-10"), bo.clone()]).await;
    let finding = open().await.remove(0);
    let refused = decide(finding.id, RecordDecision::Same(bo_id)).await.unwrap_err();
    assert!(refused.contains("none of those who it may be"), "{refused}");
    let refused = decide(finding.id, RecordDecision::New).await.unwrap_err();
    assert!(refused.contains("the contract C-10 is that of Amina Diallo"), "{refused}");
    let before = written(&rig).await;
    // The source has it right again: the question is gone.
    deliver(&[amina.clone(), bo.clone()]).await;
    assert_eq!(open().await, Vec::new());
    let refused = decide(finding.id, RecordDecision::Same(amina_id)).await.unwrap_err();
    assert!(refused.contains("gone"), "{refused}");
    assert_eq!(written(&rig).await, before);
    // And one that was opened before such questions went away by themselves.
    deliver(&[odd("C-12"), amina.clone(), bo.clone()]).await;
    let finding = open().await.remove(0);
    rig.tamper("UPDATE identity_finding SET detail = REPLACE(detail, '\"batch\":\"batch-', '\"batch\":\"was-') WHERE kind = 'match'")
        .await;
    let refused = decide(finding.id, RecordDecision::Same(amina_id)).await.unwrap_err();
    assert!(refused.contains("delivered since"), "{refused}");
}

pub async fn the_same_name_alone_never_makes_one_person_of_two(url: String) {
    let rig = rig::open(&url).await;
    let one = record(&[("person", "P-10"), ("contract", "C-10")]);
    let other = record(&[("person", "P-11"), ("contract", "C-11"), ("born", "1991-01-01")]);
    rig.deliver_text(&file(std::slice::from_ref(&one), "2026-11-16")).await;
    let batch = rig.deliver_text(&file(&[one, other], "2026-11-17")).await;
    assert_eq!((batch.joiners, batch.quarantined, rig.people().await.len()), (1, 0, 2));
}

pub async fn objects_of_scim_are_read_as_rows(url: String) {
    let rig = rig::open(&url).await;
    let feed = r#"
[feed.cloud]
title = "Cloud HR"
owner = "P-1"
format = "json"
scope = "partial"
values = { standing = { true = "active", false = "suspended" } }
[feed.cloud.map]
anchor = "id"
key = "id"
number = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.employeeNumber"
given_name = "name.givenName"
family_name = "name.familyName"
mail = "emails.0.value"
standing = "active"
begins = "{{ row['meta.created'][:10] }}"
job = "title"
"#;
    rig.save(feed).await.unwrap();
    let body = r#"{"totalResults":2,"Resources":[
      {"id":"s1","name":{"givenName":"Bo","familyName":"Lind"},"active":true,"emails":[{"value":"Bo@Office.example"}],"meta":{"created":"2026-01-02T00:00:00Z"},
       "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701"}},
      {"id":"s2","name":{"givenName":"Cy","familyName":"Moss"},"active":false,"meta":{"created":"2026-01-02T00:00:00Z"}}]}"#;
    let deliver = async |body: &str| {
        let delivery =
            Delivery { feed: "cloud".to_owned(), body: body.as_bytes().to_vec(), manifest: Manifest::default() };
        rig.identity.receive(&delivery, &officer()).await.unwrap()
    };
    let batch = deliver(body).await;
    assert_eq!((batch.state, batch.joiners), (BatchState::Applied, 2), "{:?}", batch.findings);
    let bo = rig.person("Lind").await;
    assert_eq!((bo.sheet.number.as_deref(), bo.sheet.mail.as_deref()), (Some("701"), Some("bo@office.example")));
    let page = deliver(&body.replace("\"totalResults\":2", "\"totalResults\":9")).await;
    assert!(page.findings[0].contains("one page of several"), "{:?}", page.findings);
}

/// Whatever is missing at the end of a file, nothing is written: with a last line that counts, and without.
#[test]
fn a_file_that_was_cut_writes_nothing_wherever_it_was_cut() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for trailer in [true, false] {
        let database = testkit::sqlite();
        let url = database.url.clone();
        let (rig, next) = runtime.block_on(async {
            let rig = rig::open(&url).await;
            let mut next = people(40);
            next[3] = next[3].replace("OPS", "FIN");
            next.push(record(&[
                ("person", "P-900"),
                ("contract", "P-900"),
                ("family", "Newman"),
                ("born", "2001-01-01"),
            ]));
            let mut next = file(&next, "2026-11-17");
            let mut first = file(&people(40), "2026-11-16");
            if !trailer {
                rig.save(&rig::POLICY.replace("trailer = \"END\"", "")).await.unwrap();
                for text in [&mut first, &mut next] {
                    let cut = text.rfind("END,").unwrap();
                    text.truncate(cut);
                }
            }
            let batch = rig.deliver_text(&first).await;
            if !trailer {
                assert_eq!(batch.state, BatchState::Held, "nothing says that it is whole");
                rig.identity.decide_batch(batch.id, true, "the first file", &officer()).await.unwrap();
            }
            (rig, next)
        });
        let before = runtime.block_on(written(&rig));
        let check = |cut: usize| {
            let batch = runtime.block_on(rig.deliver_text(&next[..cut]));
            assert_ne!(batch.state, BatchState::Applied, "cut at {cut} of {}, last line {trailer}", next.len());
        };
        let bytes = next.len();
        // Every line's end and its neighbours, where a cut is hardest to see; the others by chance.
        for (at, _) in next.match_indices('\n').filter(|(at, _)| *at + 1 < bytes) {
            (at.saturating_sub(1)..=at + 1).filter(|cut| *cut < bytes).for_each(check);
        }
        proptest!(ProptestConfig::with_cases(60), |(cut in 0..bytes)| check(cut));
        assert_eq!(runtime.block_on(written(&rig)), before, "last line {trailer}");
        let whole = runtime.block_on(rig.deliver_text(&next));
        assert_eq!(whole.state, if trailer { BatchState::Applied } else { BatchState::Held }, "the whole file is fine");
    }
}
