//! How a rule reads as KQL, and what is refused.

use std::path::Path;

use sigma::kql_text::{KqlText, NotInKql, Tables, kql_text};
use sigma::{Lists, Mappings, load_text};

fn written(logsource: &str, detection: &str) -> Result<KqlText, NotInKql> {
    let text = format!("title: Test\nid: r-1\nlevel: high\nlogsource: {logsource}\ndetection:\n{detection}");
    let set = load_text(Path::new("test.yml"), &text, &Lists::new());
    assert!(set.problems.is_empty(), "{:?}", set.problems);
    kql_text(&set.rules[0], &Mappings::shipped(), &Tables::shipped())
}

fn check(logsource: &str, detection: &str, expected: &str) {
    let written = written(logsource, detection).expect("it can be said");
    assert_eq!(written.text, expected);
}

#[test]
fn each_part_has_its_line_and_each_gate_its_query() {
    check(
        "{ product: windows, category: process_creation }",
        r"
  image:
    Image|endswith: ['\cmd.exe', '\pwsh.exe']
    OriginalFileName: [Cmd.Exe, pwsh.dll]
  tone: { CommandLine|contains|all: [a, b] }
  two: { CommandLine|re: '^.{500}' }
  three: { ParentImage|contains: ' c*d' }
  filter: { User|contains: SYSTEM }
  condition: (image or 2 of t*) and not filter
",
        r#"// Test
// Sigma rule r-1, level high, windows / process_creation
union
(
    // Sysmon 1
    WindowsEvent
    | where Channel =~ "Microsoft-Windows-Sysmon/Operational" and EventID == 1
    | extend
        Image = tostring(EventData.Image),
        OriginalFileName = tostring(EventData.OriginalFileName),
        ParentImage = tostring(EventData.ParentImage),
        CommandLine = tostring(EventData.CommandLine),
        User = tostring(EventData.User)
    // image, three, tone, two
    | where (
            (Image endswith @"\cmd.exe" or Image endswith @"\pwsh.exe")
            and OriginalFileName in~ ("Cmd.Exe", "pwsh.dll")
        )
        or toint(ParentImage matches regex "(?is) c.*d")
        + toint(CommandLine contains "a" and CommandLine contains "b")
        + toint(CommandLine matches regex "^.{500}") >= 2
    // filter
    | where not(User contains "SYSTEM")
),
(
    // Security 4688
    WindowsEvent
    | where Channel =~ "Security" and EventID == 4688
    | extend
        ParentProcessName = tostring(EventData.ParentProcessName),
        CommandLine = tostring(EventData.CommandLine),
        SubjectUserName = tostring(EventData.SubjectUserName)
    // three, tone, two
    | where toint(ParentProcessName matches regex "(?is) c.*d")
        + toint(CommandLine contains "a" and CommandLine contains "b")
        + toint(CommandLine matches regex "^.{500}") >= 2
    // filter
    | where not(SubjectUserName contains "SYSTEM")
)
"#,
    );
}

#[test]
fn absent_and_empty_are_told_apart() {
    check(
        "{ product: windows, service: system }",
        "
  empty: { A: '' }
  absent: { B: null }
  there: { C|exists: true }
  other: { D|neq: x }
  number: { E|gte: 7 }
  condition: all of them
",
        r#"// Test
// Sigma rule r-1, level high, windows / system
// System
WindowsEvent
| where Channel =~ "System"
| extend
    B = tostring(EventData.B),
    A = tostring(EventData.A),
    E = tostring(EventData.E),
    D = tostring(EventData.D),
    C = tostring(EventData.C)
// absent
| where not(isnotnull(EventData.B))
// empty
| where isnotnull(EventData.A)
| where isempty(A)
// number
| where coalesce(todouble(E) >= 7, false)
| where coalesce(isfinite(todouble(E)), false)
| where E matches regex @"^[-+.\deE]+$"
// other
| where isnotnull(EventData.D)
| where not(D =~ "x")
// there
| where isnotnull(EventData.C)
"#,
    );
}

#[test]
fn cloud_records_are_read_from_the_record_itself() {
    check(
        "{ product: aws, service: cloudtrail }",
        "
  event: { eventSource: iam.amazonaws.com, eventName: [CreateUser, AddUserToGroup] }
  cidr: { sourceIPAddress|cidr: [10.0.0.0/8, 'fe80::/10'] }
  condition: event and not cidr
",
        r#"// Test
// Sigma rule r-1, level high, aws / cloudtrail
// aws cloudtrail
AWSCloudTrail
| extend
    eventSource = tostring(parse_json(_RawData).eventSource),
    eventName = tostring(parse_json(_RawData).eventName),
    sourceIPAddress = tostring(parse_json(_RawData).sourceIPAddress)
// event
| where eventSource =~ "iam.amazonaws.com"
| where eventName in~ ("CreateUser", "AddUserToGroup")
// cidr
| where not(
        (
            coalesce(ipv4_is_in_range(sourceIPAddress, "10.0.0.0/8"), false)
            or coalesce(ipv6_is_in_any_range(sourceIPAddress, "::ffff:10.0.0.0/104", "fe80::/10"), false)
        )
        and sourceIPAddress matches regex @"^[\dA-Fa-f:.]+$"
    )
"#,
    );
}

#[test]
fn what_kql_cannot_say_is_refused_with_the_reason() {
    let refused = |logsource: &str, detection: &str, expected: &str| {
        let error = written(logsource, detection).expect_err("it cannot be said").to_string();
        assert!(error.contains(expected), "{error}");
    };
    let windows = "{ product: windows, service: system }";
    refused(windows, "  k: [mimikatz]\n  condition: k\n", "keywords are looked for in every field");
    refused(windows, "  k: { Message: a }\n  condition: k\n", "does not keep the field `Message`");
    refused(windows, "  k: { Data: a }\n  condition: k\n", "only `contains` is the same");
    refused(windows, "  k: { A: İx }\n  condition: k\n", "the letter İ");
    refused(windows, "  k: { A|gt: 9007199254740993 }\n  condition: k\n", "too large to be compared exactly");
    refused("{ category: webserver }", "  k: { A: b }\n  condition: k\n", "no table is known for such events");
    refused("{ product: nowhere }", "  k: { A: b }\n  condition: k\n", "no mapping knows the log source nowhere");
    let part = written("{ category: antivirus }", "  k: { Signature: Eicar }\n  condition: k\n").expect("in part");
    assert_eq!(part.left_out.len(), 1);
    assert!(part.text.contains("// Left out: antivirus logs, because no table"), "{}", part.text);
    assert!(part.text.contains("ThreatName =~ \"Eicar\""), "{}", part.text);
}
