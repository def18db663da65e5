//! `vigie query --batch` and `vigie kql check`: files of queries, with and without a data folder.

use serde_json::Value as Json;

use crate::rig::{Ran, Rig};

const SCHEMAS: &str = r#"{
  "Logins": {"TimeGenerated": "datetime", "Account": "string", "Result": "Int32", "Details": "dynamic", "Odd": "..."},
  "_GetWatchlist('vips')": {"Account": "string"}
}"#;

fn lines(ran: &Ran) -> Vec<Json> {
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_line_of_a_batch_has_an_answer() {
    let rig = Rig::new();
    rig.file("schemas.json", SCHEMAS);
    let batch = concat!(
        r#"{"id": "rows", "query": "print a = 1, b = 'x', c = 1.5h, d = dynamic([1]), e = real(nan)"}"#,
        "\n",
        r#"{"id": "empty", "query": "Logins | summarize Count = count(), any(Result) by Account"}"#,
        "\n\n",
        r#"{"id": "own", "query": "Badges | project Door, At", "tables": {"Badges": "(Door: string, At: datetime)"}}"#,
        "\n",
        r#"{"id": 7, "query": "Logins | where Acount == 'x'"}"#,
        "\nno JSON\n",
        r#"{"id": "none"}"#,
        "\n",
        r#"{"id": "bad", "query": "B", "tables": {"B": {"a": "colour"}}}"#,
        "\n",
        r#"{"id": "kept", "query": "externaldata(ip: string)['https://lists.irco.example/a.csv'] | union (_GetWatchlist('vips') | project ip = SearchKey)"}"#,
        "\n",
        r#"{"id": "open", "query": "Logins | evaluate bag_unpack(Details) | where Color == 'red' | project Account, Color"}"#,
        "\n",
        r#"{"id": "time", "tables": [], "query": "Logins | extend At = ingestion_time() | project At"}"#,
        "\n",
        r#"{"id": "wrong", "query": "print x = 1 | where x matches regex"}"#,
    );
    rig.file("batch.jsonl", [batch.as_bytes(), b"\n\xff\n"].concat());
    let ran = rig.ok(&["query", "--batch", "batch.jsonl", "--schemas", "schemas.json"]);
    assert!(ran.err.contains("Logins.Odd is left out"), "{}", ran.err);
    let mut shown = String::new();
    for line in lines(&ran) {
        match line.get("error") {
            Some(error) => {
                let error = error.as_str().unwrap();
                let error: String = error.chars().take(60).collect();
                shown.push_str(&format!("{} {} {error}\n", line["id"], line["span"]));
            }
            None => shown.push_str(&format!("{} {} {}\n", line["id"], line["columns"], line["rows"])),
        }
    }
    let expected = r#"
"rows" [{"name":"a","type":"long"},{"name":"b","type":"string"},{"name":"c","type":"timespan"},{"name":"d","type":"dynamic"},{"name":"e","type":"real"}] [[1,"x","01:30:00",[1],"NaN"]]
"empty" [{"name":"Account","type":"string"},{"name":"Count","type":"long"},{"name":"any_Result","type":"int"}] []
null null not a line of JSON: EOF while parsing a value at line 1 colu
"own" [{"name":"Door","type":"string"},{"name":"At","type":"datetime"}] []
7 [15,21] there is no column or variable called `Acount`
null null not a line of JSON: expected ident at line 1 column 2
"none" null the line has no text called `query`
"bad" null `tables`: B.a is left out: `colour` is no type of KQL (bool,
"kept" [{"name":"ip","type":"string"}] []
"open" [{"name":"Account","type":"string"},{"name":"Color","type":"dynamic"}] []
"time" [{"name":"At","type":"datetime"}] []
"wrong" [35,35] the query ends here, but an expression is missing
null null the line is not UTF-8: invalid utf-8 sequence of 1 bytes fro
"#;
    assert_eq!(shown.trim(), expected.trim());
    assert!(!rig.path().join("data").exists(), "declared tables need no data folder");
}

#[test]
fn a_query_of_a_batch_has_the_limits_of_the_settings() {
    let rig = Rig::new();
    rig.file("schemas.json", "{}");
    let slow = "range a from 1 to 3000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 3000 step 1 | extend k = 1) on k \
                | join kind=inner (range c from 1 to 3000 step 1 | extend k = 1) on k | summarize sum(a * b * c)";
    let line = |id: &str, query: &str| format!("{}\n", serde_json::json!({ "id": id, "query": query }));
    let rows = line("rows", "range x from 1 to 10 step 1");
    rig.file("batch.jsonl", line("slow", slow) + &rows);
    let limits = ["--set", "query.time_ms=1500", "--set", "query.rows=3"];
    let ran = rig.ok(&[&["query", "--batch", "batch.jsonl", "--schemas", "schemas.json"][..], &limits[..]].concat());
    let lines = lines(&ran);
    assert!(lines[0]["error"].as_str().unwrap().contains("stopped after 1 seconds"), "{}", lines[0]);
    assert_eq!((lines[1]["rows"].as_array().unwrap().len(), &lines[1]["truncated"]), (3, &Json::Bool(true)));
}

#[test]
fn several_tables_are_written_one_after_another() {
    let rig = Rig::new();
    rig.file("schemas.json", "{}");
    let query = "range n from 1 to 2 step 1 | fork Numbers = (extend m = n * 2) (count)";
    let line = serde_json::json!({ "id": "a", "query": query });
    rig.file("batch.jsonl", format!("{line}\n"));
    let answered = &lines(&rig.ok(&["query", "--batch", "batch.jsonl", "--schemas", "schemas.json"]))[0];
    assert_eq!(answered["rows"], serde_json::json!([[1, 2], [2, 4]]));
    assert_eq!(
        (&answered["tables"][0]["name"], &answered["tables"][1]["name"]),
        (&"Numbers".into(), &"Table_2".into())
    );
    assert_eq!(answered["tables"][1]["rows"], serde_json::json!([[2]]));
    let as_text = |format: &str| rig.ok(&["query", query, "--schemas", "schemas.json", "--format", format]).out;
    assert_eq!(as_text("csv"), "n,m\n1,2\n2,4\n\nCount\n2\n");
    assert_eq!(
        as_text("json"),
        "{\"$table\":\"Numbers\"}\n{\"n\":1,\"m\":2}\n{\"n\":2,\"m\":4}\n{\"$table\":\"Table_2\"}\n{\"Count\":2}\n"
    );
    assert!(as_text("table").contains("Table_2"));
}

#[test]
fn a_batch_asks_the_lake_where_no_tables_are_declared() {
    let rig = Rig::new();
    rig.file("badges.ndjson", "{\"Door\":\"D1\"}\n{\"Door\":\"D2\"}\n");
    rig.ok(&["ingest", "badges.ndjson", "--source", "doors", "--table", "DoorBadges_CL"]);
    rig.file("batch.jsonl", r#"{"id": 1, "query": "DoorBadges_CL | count"}"#);
    assert_eq!(lines(&rig.ok(&["query", "--batch", "batch.jsonl"]))[0]["rows"], serde_json::json!([[2]]));
}

const RULE: &str = "id: 5f6d8a2c-0000-4000-8000-000000000001
name: Odd logins
query: |
    imLogins(who='amina')
    | where Acount == 'x'
severity: High
";
const PARSER: &str = "Parser:
  Title: Logins
ParserName: vimLogins
EquivalentBuiltInParser: imLogins
ParserParams:
  - { Name: who, Type: string, Default: '*' }
  - { Name: disabled, Type: bool, Default: false }
ParserQuery: |
  let wanted = who;
  Logins
  | where not(disabled) and (wanted == '*' or Account == wanted)
";
const PAGE: &str = "# A page

1. First

   ```kusto
   Logins
   | where Reslt > 1
   ```

```kql no-check
Logins | whre
```
~~~ python
Logins | where Nothing
~~~
";

#[test]
fn findings_have_their_place_in_the_file() {
    let rig = Rig::new();
    rig.file("schemas.json", SCHEMAS);
    rig.file("repo/rules/odd.yaml", RULE);
    rig.file("repo/parsers/vimLogins.yaml", PARSER);
    rig.file("repo/functions.kql", ".create function Failed(least: int = 1) {\nLogins | where Result >= leest\n}\n");
    rig.file("repo/page.md", PAGE);
    rig.file("repo/good.kql", "Failed(2)\n| take 1\n");
    rig.file("repo/LICENSE.txt", "No query.");
    rig.file("repo/.git/config.kql", "nothing");
    rig.file("repo/pipeline.yml", "on: push\n");
    let ran = rig.run(&["kql", "check", "repo", "--schemas", "schemas.json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let expected = "\
repo/functions.kql:2:26: error KQL0011: there is no column or variable called `leest`
  Logins | where Result >= leest
                           ^^^^^
  help: columns here: TimeGenerated, Account, Result, Details
repo/good.kql:1:1: error KQL0011: line 2 of the stored function `Failed`: there is no column or variable called `leest`
  Failed(2)
  ^^^^^^^^^
  help: columns here: TimeGenerated, Account, Result, Details
repo/page.md:7:12: error KQL0011: there is no column or variable called `Reslt`
  | where Reslt > 1
          ^^^^^
  help: did you mean `Result`?
repo/rules/odd.yaml:5:13: error KQL0011: there is no column or variable called `Acount`
  | where Acount == 'x'
          ^^^^^^
  help: did you mean `Account`?
5 queries in 5 files (2 other files left alone): 4 errors, 0 warnings
";
    let shown = ran.out.replace('\\', "/");
    let shown: String =
        shown.lines().filter(|line| !line.starts_with("Logins.Odd")).map(|line| format!("{line}\n")).collect();
    assert_eq!(shown, expected);

    let ran = rig.run(&["kql", "check", "repo/rules", "repo/parsers", "--schemas", "schemas.json", "--format", "json"]);
    let found = lines(&ran);
    assert_eq!(found.len(), 1, "{ran:?}");
    assert_eq!(
        (&found[0]["line"], &found[0]["column"], &found[0]["end_column"], &found[0]["code"], &found[0]["name"]),
        (&5.into(), &13.into(), &19.into(), &"KQL0011".into(), &"Odd logins".into())
    );
    let ran = rig.run(&["kql", "check", "repo", "--schemas", "schemas.json", "--format", "sarif"]);
    let sarif: Json = serde_json::from_str(&ran.out).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    let place = &results[3]["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&"repo/rules/odd.yaml".into(), &5.into())
    );
}

#[test]
fn a_check_ends_with_a_code_for_scripts() {
    let rig = Rig::new();
    rig.file("schemas.json", SCHEMAS);
    let check = |name: &str, content: &[u8], arguments: &[&str], code: i32, expected: &str| {
        rig.file(name, content);
        let ran = rig.run(&[&["kql", "check", name, "--schemas", "schemas.json"], arguments].concat());
        assert_eq!(ran.code, code, "{name}: {ran:?}");
        let shown = ran.out.replace('\\', "/");
        assert!(shown.contains(expected), "{name}: `{expected}` is not in\n{shown}");
    };
    check("good.csl", b"Logins | count", &[], 0, "1 query in 1 file (0 other files left alone): 0 errors, 0 warnings");
    check("crlf.txt", b"Logins\r\n| where Acount == 1\r\n", &[], 1, "crlf.txt:2:9: error KQL0011");
    check("warned.kql", b"set a = 1; Logins", &[], 0, "1 warning");
    check("warned.kql", b"set a = 1; Logins", &["--deny-warnings"], 1, "warned.kql:1:1: warning KQL0040");
    check("empty.kql", b" \n", &[], 1, "there is no query in this file");
    check("binary.kql", b"\xff\xfe", &[], 2, "cannot be read");
    check("broken.yaml", b"a: [", &[], 1, "broken.yaml:2:1: error: this is no YAML");
    check(
        "folded.yaml",
        b"query: >\n  Logins\n  | where Acount == 1\n",
        &[],
        1,
        "folded.yaml:1:1: error KQL0011: there is no column or variable called `Acount` (line 1 of the query)",
    );
    check("plain.yaml", b"name: x\nquery: 'Logins | where Acount == 1'\n", &[], 1, "plain.yaml:2:24: error KQL0011");
    check(
        "two.yaml",
        b"query: |2\n    Logins\n   | where Acount == 1\n---\nquery: |\n  Logins\n  | where Reslt > 1\n",
        &[],
        1,
        "two.yaml:7:11: error KQL0011",
    );
    check("bad.kql", b".create function f(x) { 1 }", &[], 1, "bad.kql:1:24: error KQL0004: parameters: ");
    check(
        "worse.kql",
        b".create function { 1 }",
        &[],
        1,
        "worse.kql:1:18: error KQL0004: expected the name of the function",
    );
    check(
        "cycle.kql",
        b".create function f() { g() }\n.create function g() { f() }",
        &[],
        1,
        "the stored function `f` calls itself: f → g → f",
    );
    let gone = rig.run(&["kql", "check", "gone.kql"]);
    assert_eq!(gone.code, 2, "{gone:?}");
    assert!(gone.err.contains("gone.kql does not exist"), "{}", gone.err);
    // Without a file of schemas: the tables that come with Vigie.
    rig.file("own.kql", "SecurityEvent | where Acount == 'x'");
    let own = rig.run(&["kql", "check", "own.kql"]);
    assert!(own.code == 1 && own.out.contains("did you mean `Account`?"), "{own:?}");
}
