//! The register: saving, importing, assigning.

use field::{Error, Refusal};

use crate::rig;

pub async fn records_are_saved_checked_and_retired(url: String) {
    let rig = rig::open(&url).await;
    let person = [("name", "Gaia Pinto"), ("category", "staff"), ("organisation", "una"), ("presence", "present")];
    let saved = rig.save("person", "p-7", 0, &person).await.unwrap();
    assert_eq!((saved.key.as_str(), saved.version, saved.text("organisation")), ("P-7", 1, "UNA"));
    assert_eq!(rig.field.directory().await.unwrap().name("person", "p-7"), "Gaia Pinto", "the picture is fresh");

    let with = |change: (&'static str, &'static str)| {
        let mut fields = person.to_vec();
        fields.retain(|(name, _)| *name != change.0);
        fields.push(change);
        fields
    };
    for (change, problem) in [
        (("organisation", "NOBODY"), "organisation: there is no organisation `NOBODY`"),
        (("category", "king"), "category: `king` is none of"),
        (("name", " "), "name: it must be filled"),
        (("shoe", "42"), "shoe: there is no such column; there are name,"),
        (("relies_on", "p-7"), "relies_on: it names the record itself"),
    ] {
        let refused = rig.save("person", "P-7", 1, &with(change)).await.unwrap_err();
        assert!(matches!(refused, Error::Refused(Refusal::Bad { .. })), "{refused}");
        assert!(refused.to_string().starts_with(problem), "{refused}");
    }
    let stale = rig.save("person", "P-7", 0, &person).await.unwrap_err();
    assert!(matches!(stale, Error::Conflict(ref conflict) if conflict.version == 1), "{stale}");
    assert!(matches!(rig.save("spoon", "1", 0, &[]).await, Err(Error::NotFound { .. })));
    let second = [("name", "Second"), ("kind", "duty-station"), ("time_zone", "UTC")];
    let second = rig.save("premises", "B2", 0, &second).await.unwrap_err();
    assert_eq!(second.to_string(), "kind: BASE is the duty station; there is one");

    let retired = rig.field.retire_record("person", "P-7", 1, &rig::operator(), "left").await.unwrap();
    assert_eq!((retired.version, retired.retired), (2, Some(rig.store.now())));
    let refused = rig.assign("77", None, Some(("person", "P-7"))).await.unwrap_err();
    assert_eq!(refused.to_string(), "holder: there is no person `P-7` in the register");
    assert!(rig.field.retire_record("person", "P-7", 2, &rig::operator(), "again").await.is_err());
}

pub async fn contacts_that_are_doubtful_are_marked(url: String) {
    let rig = rig::open(&url).await;
    let verified = [("role", "focal-point"), ("name", "Hana Brito"), ("organisation", "UNA"), ("means", "phone")];
    let save = async |version, day: &'static str| {
        let rest = [("address", "555-0102"), ("priority", "1"), ("verified", day)];
        let fields: Vec<_> = verified.into_iter().chain(rest).collect();
        rig.save("contact", "2", version, &fields).await.unwrap();
    };
    let of = async |noun: &'static str, key: &str| {
        let directory = rig.field.directory().await.unwrap();
        directory.doubts(noun, rig.store.now()).about(directory.record(noun, key).unwrap())
    };
    let doubts = async |key: &str| of("contact", key).await;
    assert_eq!(doubts("2").await, ["never verified"]);
    save(1, "2026-08-22").await;
    assert_eq!(doubts("2").await, ["not verified for 91 days"]);
    save(2, "2026-08-23").await;
    assert_eq!(doubts("2").await, [""; 0], "by phone and by satellite, and tried not too long ago");
    let one = "reachable by one means only; two are required";
    assert_eq!(doubts("4").await, ["never verified", one]);
    assert_eq!(doubts("6").await, ["never verified"]);
    let csv = "key;phone\nP-1;+670 7700 0001\nP-2;00670 7700-0001\nP-3;7700 0003\n";
    assert!(rig.import("person", csv, false).await.written, "as a spreadsheet in French writes it");
    assert_eq!(of("person", "P-1").await, ["the same number as P-2: whose answer it is cannot be known"]);
    let no_country = "`7700 0003` has no country: write +670… so that messages reach it and answers are known";
    assert_eq!(of("person", "P-3").await, [no_country]);
    assert_eq!(of("area", "LOW").await, [""; 0], "the ladder that holds when it has none of its own calls people");
    let team = rig.field.directory().await.unwrap().record("contact", "7").unwrap().version;
    rig.field.retire_record("contact", "7", team, &rig::operator(), "gone home").await.unwrap();
    assert_eq!(of("area", "LOW").await, ["nobody is a contact as response-team: its step +60 calls others"]);
}

pub async fn a_sign_can_be_given_from_before(url: String) {
    let rig = rig::open(&url).await;
    let at = |minutes: i64| rig.store.now().plus_micros(minutes * 60_000_000);
    let give = async |sign: &str, seen: Option<&str>, holder: &str, since| {
        rig.assign_since(sign, seen, Some(("vehicle", holder)), since).await.map_err(|error| error.to_string())
    };
    assert_eq!(give("77", None, "UN-1", Some(at(-90))).await.unwrap().unwrap().from, at(-90));
    rig.enter("77 ok 1 hour ago").await.unwrap();
    let held = async |minutes| {
        let directory = rig.field.directory().await.unwrap();
        directory.holder("77", at(minutes)).map(|holder| holder.key)
    };
    assert_eq!((held(-91).await, held(-89).await.as_deref()), (None, Some("UN-1")));
    let ahead = give("77", Some("UN-1"), "UN-2", Some(at(1))).await.unwrap_err();
    assert_eq!(ahead, "since: it lies in the future");
    let before = give("77", Some("UN-1"), "UN-2", Some(at(-90))).await.unwrap_err();
    assert!(before.starts_with("since: 77 was somebody's until"), "{before}");
    give("77", Some("UN-1"), "UN-2", Some(at(-30))).await.unwrap();
    assert_eq!((held(-31).await.as_deref(), held(-29).await.as_deref()), (Some("UN-1"), Some("UN-2")));
    for word in ["rc", "ok", "Misuse"] {
        let refused = give(word, None, "UN-1", None).await.unwrap_err();
        assert!(refused.contains("is a word of the duty log"), "{refused}");
    }
}

pub async fn a_file_is_imported_whole_or_not_at_all(url: String) {
    let rig = rig::open(&url).await;
    let check = async |noun: &str, csv: &str, expected: &[&str]| {
        let before = rig.field.records(noun).await.unwrap().1;
        let done = rig.import(noun, csv, false).await;
        let findings: Vec<String> = done
            .findings
            .iter()
            .map(|finding| {
                let at = csv.get(finding.span.start as usize..finding.span.end as usize).unwrap();
                format!("{} {}: {at}: {}", finding.code, finding.span.line_column(csv).0, finding.message)
            })
            .collect();
        assert_eq!(findings, expected, "{csv}");
        assert!(!done.written);
        assert_eq!(rig.field.records(noun).await.unwrap().1, before, "nothing was written");
    };
    check("organisation", "", &["FLD0201 1: : the file is empty"]).await;
    check(
        "organisation",
        "key,name,colour\n",
        &["FLD0202 1: key,name,colour: `colour` is no column of a organisation"],
    )
    .await;
    check(
        "organisation",
        "name\nX\n",
        &[
            "FLD0202 1: name: there is no column `key`",
            "FLD0205 2: X: key: `` is not a key: 1 to 40 letters, digits, `-`, `_`, `.` or `/`, without blanks",
        ],
    )
    .await;
    check(
        "organisation",
        "key,name,kind\r\nNEW,New,un\r\nTWO,Two,moon\r\nNEW,Again,un\r\nA,B,un,C\r\n",
        &[
            "FLD0203 5: A,B,un,C: the row has 4 cells, the first line 3",
            "FLD0205 3: TWO,Two,moon: kind: `moon` is none of un, ngo, government, private, other",
            "FLD0205 4: NEW,Again,un: key: `NEW` is in the file twice",
        ],
    )
    .await;
    let trial = rig.import("organisation", "key,name,kind\nNEW,New,un\nUNA,Agency for Almanacs,un\n", true).await;
    assert_eq!((trial.created, trial.unchanged, trial.written), (1, 1, false));
    let done =
        rig.import("organisation", "\u{feff}Key,Name\nuna,\"Almanacs, Agency for\"\nREL,Relief by Lamplight\n", false);
    let done = done.await;
    assert_eq!((done.changed, done.unchanged, done.written, done.findings.len()), (1, 1, true, 0));
    let una = rig.field.records("organisation").await.unwrap().1.pop().unwrap();
    assert_eq!((una.text("name"), una.text("kind")), ("Almanacs, Agency for", "un"), "columns not in the file stay");
    assert_eq!(rig.store.verify_ledger().await.unwrap().fault, None);
}

pub async fn a_call_sign_stays_with_who_held_it(url: String) {
    let rig = rig::open(&url).await;
    rig.clock.advance_s(3_600);
    let conflict = rig.assign("3621", Some("P-2"), Some(("person", "P-6"))).await.unwrap_err();
    assert!(matches!(conflict, Error::Conflict(ref conflict) if conflict.theirs == "P-1"), "{conflict}");
    rig.assign("3621", Some("P-1"), Some(("person", "P-6"))).await.unwrap();
    let directory = rig.field.directory().await.unwrap();
    let now = rig.now();
    let holder = |at| directory.holder("3621", at).map(|holder| holder.name);
    assert_eq!(holder(now.plus_micros(-1)).as_deref(), Some("Ana Soares"));
    assert_eq!(holder(now).as_deref(), Some("Fio Melo"));
    assert_eq!(holder(now.plus_micros(-7_200_000_000)), None, "nobody had it before");
    rig.clock.advance_s(60);
    rig.assign("3621", Some("P-6"), None).await.unwrap();
    assert_eq!(rig.field.directory().await.unwrap().holder("3621", rig.now()), None);
    assert!(rig.assign("3621", None, None).await.is_err(), "nobody holds it");
    assert!(rig.assign("3621", None, Some(("spoon", "P-6"))).await.is_err());
    let all = rig.field.call_signs().await.unwrap();
    assert_eq!(all.iter().filter(|held| held.sign == "3621").count(), 2);
}
