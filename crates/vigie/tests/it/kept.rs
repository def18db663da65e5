//! Functions, watchlists and reference tables: from files, into queries, and back to files.

use crate::rig::Rig;

const PARSERS: &str =
    ".create-or-alter function with (docstring=\"Doors of both makers.\") imDoors(who: string = '*') {
union isfuzzy=true vimDoors(who=who), vimOldDoors(who)
}
.create function vimDoors(who: string = '*', disabled: bool = false) {
DoorBadges_CL
| where not(disabled) and (who == '*' or Person == who)
}
.create function vimOldDoors(who: string = '*') { OldDoors_CL | where Person == who }
.create function Area(door: string) { substring(door, 0, 1) }
";

#[test]
fn what_is_kept_is_used_by_queries() {
    let rig = Rig::new();
    rig.file(
        "badges.ndjson",
        "{\"Door\":\"D1\",\"Person\":\"amina\"}\n{\"Door\":\"E2\",\"Person\":\"zoe\"}\n{\"Door\":\"D3\",\"Person\":\"li\"}\n",
    );
    rig.ok(&["ingest", "badges.ndjson", "--source", "doors", "--table", "DoorBadges_CL"]);
    rig.file("git/parsers.kql", PARSERS);
    let put = rig.ok(&["functions", "put", "git"]).out;
    assert_eq!(put, "made imDoors\nmade vimDoors\nmade vimOldDoors\nmade Area\n");
    assert!(rig.ok(&["functions", "put", "git"]).out.starts_with("unchanged imDoors\n"));
    rig.file("vips.csv", "Person,Level\namina,1\nzoe,2\n");
    assert_eq!(rig.ok(&["watchlists", "put", "vips", "vips.csv", "--key", "Person"]).out, "made vips: 2 items\n");
    rig.file("bad.csv", "door,reason\nE2,\"alarm, fire\"\n");
    let address = "https://lists.irco.example/bad.csv";
    rig.ok(&["references", "put", "bad-doors", "bad.csv", "--address", address]);

    let check = |query: &str, expected: &str| {
        let ran = rig.ok(&["query", query, "--format", "csv"]);
        assert_eq!(ran.out, expected, "{query}\n{}", ran.err);
    };
    check("imDoors('zoe') | project Door, Person", "Door,Person\nE2,zoe\n");
    check("imDoors | summarize N = count() by Area = Area(Door) | sort by Area asc", "Area,N\nD,2\nE,1\n");
    check(
        "DoorBadges_CL | where Person in ((_GetWatchlist('vips') | project SearchKey)) | sort by Person asc | project Person",
        "Person\namina\nzoe\n",
    );
    check(
        "_GetWatchlist('vips') | where Level == '2' | extend Whole = strlen(_DTItemId) == 32 and isnotnull(LastUpdatedTimeUTC) | project SearchKey, Person, Whole",
        "SearchKey,Person,Whole\nzoe,zoe,true\n",
    );
    let bad = format!("externaldata(door: string, reason: string)['{address}'] with (ignoreFirstRecord=true)");
    check(
        &format!(
            "let bad = {bad}; DoorBadges_CL | join kind=inner bad on $left.Door == $right.door | project Person, reason"
        ),
        "Person,reason\nzoe,\"alarm, fire\"\n",
    );
    check("Functions | where Name == 'imDoors' | project Description", "Description\nDoors of both makers.\n");
    check("Watchlists | project Name, Items, SearchKey", "Name,Items,SearchKey\nvips,2,Person\n");
    check("ReferenceTables | project Name, Bytes", "Name,Bytes\nbad-doors,29\n");

    let refuse = |query: &str, expected: &str| {
        let ran = rig.run(&["query", query]);
        assert!(ran.code == 2 && ran.err.contains(expected), "{query}: {ran:?}");
    };
    refuse("vimOldDoors('x')", "line 1 of the stored function `vimOldDoors`: there is no table called `OldDoors_CL`");
    refuse("_GetWatchlist('vip')", "did you mean `vips`?");
    refuse("externaldata(a: string)['https://lists.irco.example/other.csv']", "upload it: `vigie references put");
    rig.file("batch.jsonl", "{\"id\": 1, \"query\": \"imDoors | count\"}");
    assert!(rig.ok(&["query", "--batch", "batch.jsonl"]).out.contains("[[3]]"));
    rig.file("rule.kql", "imDoors | where Persn == 'x'");
    let checked = rig.run(&["kql", "check", "rule.kql"]);
    // A part of the fuzzy union is not there and could have had it, so it is no error.
    assert!(
        checked.code == 0 && checked.out.contains("a column `Persn`, so it is null; did you mean `Person`?"),
        "{checked:?}"
    );
}

#[test]
fn functions_go_to_files_and_back() {
    let rig = Rig::new();
    rig.file("git/parsers.kql", PARSERS);
    rig.ok(&["functions", "put", "git"]);
    assert!(rig.ok(&["functions", "export", "out"]).out.contains("4 functions written"));
    let again = rig.ok(&["functions", "put", "out"]).out;
    assert_eq!(again.matches("unchanged").count(), 4, "{again}");
    assert_eq!(
        rig.ok(&["functions", "show", "Area"]).out,
        std::fs::read_to_string(rig.path().join("out/Area.kql")).unwrap()
    );
    let called = rig.run(&["functions", "delete", "vimDoors"]);
    assert!(called.code == 2 && called.err.contains("called by `imDoors`"), "{called:?}");
    rig.ok(&["functions", "delete", "imDoors"]);
    rig.ok(&["functions", "delete", "vimDoors"]);
    assert!(rig.ok(&["functions", "list"]).out.contains("vimOldDoors"));

    rig.file("bad/a.kql", ".create function Fine() { print 1 }");
    rig.file("bad/b.kql", ".create function Round() { print 1 | where Trip() }\n.create function Trip() { Round() }");
    let refused = rig.run(&["functions", "put", "bad"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("calls itself") && refused.err.ends_with("nothing was kept\n"), "{}", refused.err);
    assert!(!rig.ok(&["functions", "list"]).out.contains("Fine"));
    rig.file("none.kql", "print 1");
    let none = rig.run(&["functions", "put", "none.kql"]);
    assert!(none.code == 2 && none.err.contains("no function is defined there"), "{none:?}");
    rig.file("vips.csv", "Person,Level\namina,1\n");
    rig.ok(&["watchlists", "put", "vips", "vips.csv"]);
    assert_eq!(rig.ok(&["watchlists", "show", "vips"]).out, "Person,Level\namina,1\n");
    assert!(rig.ok(&["watchlists", "list"]).out.contains("Person, Level"));
    rig.ok(&["watchlists", "delete", "vips"]);
    rig.ok(&["references", "put", "r", "vips.csv", "--address", "https://lists.irco.example/r.csv"]);
    assert!(rig.ok(&["references", "list"]).out.contains("https://lists.irco.example/r.csv"));
    assert_eq!(rig.ok(&["references", "show", "r"]).out, "Person,Level\namina,1\n");
    rig.ok(&["references", "delete", "r"]);
    assert!(rig.ok(&["ledger", "verify"]).out.contains("the ledger is whole"));
}
