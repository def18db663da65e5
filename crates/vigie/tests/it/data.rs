//! Files into the lake, questions to it, proof from it.

use crate::rig::Rig;

fn badges(rows: usize) -> String {
    (0..rows)
        .map(|row| {
            format!(
                "{{\"TimeGenerated\":\"2026-11-21T08:00:{:02}Z\",\"Door\":\"D{}\",\"Granted\":{}}}\n",
                row % 60,
                row % 3,
                row % 5 != 0
            )
        })
        .collect()
}

#[test]
fn what_was_read_before_is_recognised() {
    let rig = Rig::new();
    rig.file("badges.ndjson", badges(100));
    let ingest = ["ingest", "badges.ndjson", "--source", "doors", "--table", "DoorBadges_CL"];
    assert!(rig.ok(&ingest).out.contains("100 records"));
    let again = rig.ok(&ingest).out;
    assert!(again.contains("0 records") && again.contains("1 parts were there already"), "{again}");
    let counted = rig
        .ok(&["query", "DoorBadges_CL | summarize Rows = count() by Door | sort by Door asc", "--format", "csv"])
        .out;
    assert_eq!(counted, "Door,Rows\nD0,34\nD1,33\nD2,33\n");
    let granted = rig.ok(&["query", "DoorBadges_CL | where Granted | count", "--format", "json"]).out;
    assert_eq!(granted, "{\"Count\":80}\n");
    let sources = rig.ok(&["sources"]).out;
    assert!(sources.contains("doors") && sources.contains("100"), "{sources}");
    let status = rig.ok(&["lake", "status"]).out;
    assert!(status.contains("DoorBadges_CL"), "{status}");
    assert!(rig.ok(&["ledger", "verify"]).out.contains("the ledger is whole"));
}

#[test]
fn a_query_at_fault_is_told_with_its_place() {
    let rig = Rig::new();
    let ran = rig.run(&["query", "SecurityEvent\n| where Acount == 'x'"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.starts_with("2:9:") && ran.err.contains("Account"), "{}", ran.err);
}

#[test]
fn lines_that_do_not_parse_are_kept_with_the_reason() {
    let rig = Rig::new();
    rig.file("mixed.ndjson", "{\"Door\":\"D1\"}\nthis is no JSON\n{\"Door\":\"D2\"}\n");
    let ran = rig.ok(&["ingest", "mixed.ndjson", "--as-format", "json", "--table", "DoorBadges_CL"]);
    assert!(ran.out.contains("3 records") && ran.out.contains("1 not parsed"), "{}", ran.out);
    let kept = rig.ok(&["query", "_Unparsed | project Reason, RawBytes", "--format", "json"]).out;
    assert!(kept.contains("no JSON") || kept.contains("dGhpcyBpcyBubyBKU09O"), "{kept}");
}
