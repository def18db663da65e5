//! What becomes of records, format by format.

use intake::{DecodeLimits, Format, decode};

use crate::support::{cell, decoded, describe, event, request, values};

fn check(format: Format, payload: &str) -> String {
    describe(&decoded(format, payload.as_bytes()))
}

#[test]
fn a_sysmon_process_creation() {
    let record = r#"{"SourceName":"Microsoft-Windows-Sysmon","Level":"4","Keywords":"0x8000000000000000","Channel":"Microsoft-Windows-Sysmon/Operational","Hostname":"WS01.example.org","TimeCreated":"2026-11-20T09:51:53.490Z","@timestamp":"2026-11-20T09:51:54.000Z","EventID":1,"Message":"Process Create","Task":"1","UtcTime":"2026-11-20 09:51:52.951","ProcessId":"6948","Image":"C:\\Windows\\System32\\cmd.exe","CommandLine":"cmd.exe /c \"whoami\"","User":"EXAMPLE\\ana","LogonId":"0x78E40","Hashes":"SHA1=FA9E,MD5=AD85,SHA256=73D8","ParentProcessId":"3660","ParentImage":"C:\\Windows\\explorer.exe","CurrentDirectory":"C:\\"}"#;
    insta::assert_snapshot!(check(Format::WindowsJson, record));
}

#[test]
fn a_logon_in_the_layout_of_evtx_dump() {
    let record = r##"{"Event":{"#attributes":{"xmlns":"x"},"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing","Guid":"54849625"}},"EventID":{"#text":4624,"#attributes":{"Qualifiers":0}},"Version":2,"Level":0,"Task":12544,"Opcode":0,"Keywords":"0x8020000000000000","TimeCreated":{"#attributes":{"SystemTime":"2026-11-20T10:00:00.123456Z"}},"EventRecordID":77,"Correlation":null,"Execution":{"#attributes":{"ProcessID":700,"ThreadID":8}},"Channel":"Security","Computer":"DC01","Security":{"#attributes":{"UserID":"S-1-5-18"}}},"EventData":{"SubjectUserName":"-","TargetUserName":"ana","TargetDomainName":"EXAMPLE","LogonType":3,"IpAddress":"10.1.2.3","IpPort":"50123","Threat Name":"x & <y>","TargetLogonId":"0x3e7"}}}"##;
    insta::assert_snapshot!(check(Format::WindowsJson, record));
}

#[test]
fn elastic_and_unnamed_data() {
    let records = r##"{"@timestamp":"2026-11-20T10:00:00Z","event":{"code":"4104"},"winlog":{"channel":"Microsoft-Windows-PowerShell/Operational","event_id":"4104","computer_name":"WS02","provider_name":"Microsoft-Windows-PowerShell","record_id":5,"process":{"pid":12,"thread":{"id":13}},"event_data":{"ScriptBlockText":"Get-Process"}},"message":"Creating"}
{"Event":{"System":{"Channel":"Windows PowerShell","EventID":400,"Computer":"WS02","TimeCreated":{"#attributes":{"SystemTime":"2026-11-20T10:00:01Z"}}},"EventData":{"Data":["Available","None","HostApplication=powershell"]}}}"##;
    insta::assert_snapshot!(check(Format::WindowsJson, records));
}

#[test]
fn entra_in_both_forms() {
    let exported = r#"{"records":[{"time":"2026-11-20T10:00:00Z","category":"SignInLogs","resultType":"50126","tenantId":"t-1","properties":{"id":"i-1","createdDateTime":"2026-11-20T09:59:59Z","userPrincipalName":"Ana@example.org","ipAddress":"203.0.113.9","isInteractive":true,"location":{"city":"Paris","countryOrRegion":"FR"},"status":{"errorCode":50126,"failureReason":"bad password"},"appliedConditionalAccessPolicies":[{"id":"p1"},{"id":"p2"}]}}]}"#;
    let graph = r#"{"value":[{"activityDisplayName":"Add member to role","activityDateTime":"2026-11-20T11:00:00Z","category":"RoleManagement","result":"success","initiatedBy":{"user":{"displayName":"Ana"}},"targetResources":[{"displayName":"Bob"}]},{"what":"else"}]}"#;
    insta::assert_snapshot!(check(Format::Entra, exported) + &check(Format::Entra, graph));
}

#[test]
fn cloudtrail_records() {
    let payload = r#"{"Records":[{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"ana","arn":"arn:aws:iam::1:user/ana"},"eventTime":"2026-11-20T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","requestParameters":{"userName":"bob"},"readOnly":false}]}"#;
    insta::assert_snapshot!(check(Format::CloudTrail, payload));
}

#[test]
fn syslog_of_several_makes() {
    let payload = "<34>1 2026-11-20T22:14:15.003Z host.example.org su 77 ID47 [ex@1 a=\"b\"] failed\n\
        <38>Nov 20 22:14:16 web01 sshd[812]: Accepted publickey for ana\n\
        @10.0.0.9 72 <134>CEF:0|Acme|Wall|1.0|100|blocked\\|dropped|7|src=10.0.0.1 msg=a b c=d\n\
        type=EXECVE msg=audit(1795169655.986:84138): argc=2 a0=\"cat\" a1=2F6574632F706173737764\n";
    insta::assert_snapshot!(check(Format::Syslog, payload));
}

#[test]
fn csv_zeek_json_and_text() {
    let csv = "time;user name;n\n2026-11-20 10:00:00;\"ana;b\nc\";1\n2026-11-20 10:00:01;bob\nx;y;z;too many\n";
    let zeek = "#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tservice\n1795169655.5\t10.0.0.1\t-\n";
    let json = r#"[{"timestamp":"2026-11-20T10:00:00Z","door":"A1","granted":true,"badge":{"id":7}},{"timestamp":"2026-11-20T10:00:01Z","door":5,"granted":"maybe"}]"#;
    insta::assert_snapshot!(
        check(Format::Csv, csv)
            + &check(Format::Zeek, zeek)
            + &check(Format::Json, json)
            + &check(Format::Text, "one\n\ntwo\r\n")
    );
}

#[test]
fn a_shipped_table_keeps_its_schema() {
    let mut wanted = request(
        Format::Json,
        br#"{"TimeGenerated":"2026-11-20T10:00:00Z","computer":"h1","EventID":"4624","LogonType":"three","Extra":[1]}"#,
    );
    wanted.table = Some("SecurityEvent");
    insta::assert_snapshot!(describe(&decode(&wanted)));
}

/// Bad records: each becomes a row of `_Unparsed`, its neighbours stay.
#[test]
fn broken_json_is_kept_with_its_reason() {
    let good = r#"{"Channel":"System","EventID":1,"TimeCreated":"2026-11-20T10:00:00Z"}"#;
    let check = |bad: &str, reason: &str| {
        let found = decoded(Format::WindowsJson, format!("{good}\n{bad}\n{good}\n").as_bytes());
        assert_eq!((found.accepted, found.unparsed), (3, 1), "{bad}: {:?}", found.problems);
        let table = found.tables.iter().find(|table| table.table == "_Unparsed").unwrap();
        let text = cell(&table.batch, "Reason", 0).unwrap();
        assert!(text.contains(reason), "{bad}: {text}");
        let kept = cell(&table.batch, "_RawData", 0).unwrap();
        assert_eq!(kept, bad[..bad.len().min(64 << 10)]);
        assert_eq!(found.events.columns.num_rows(), 2);
    };
    check("{\"a\":1", "`,` or `}` was expected");
    check("{\"a\":\"x", "a control character inside a string");
    check("{\"a\":01}", "`,` or `}` was expected");
    check("{\"a\":+1}", "a value was expected");
    check("{\"a\":\"\\x\"}", "an escape that JSON does not know");
    check("{\"a\":\"\\ud800\"}", "half of a surrogate pair");
    check("{\"a\":tru}", "a value was expected");
    check("not json", "must be a JSON object");
    check("{\"a\":1,}", "a string was expected");
    check(&format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200)), "nesting deeper than the limit");
    let wide: Vec<String> = (0..10_001).map(|key| format!("\"k{key}\":1")).collect();
    check(&format!("{{{}}}", wide.join(",")), "more keys than the limit");
}

#[test]
fn a_long_line_is_cut_with_a_note() {
    let payload = format!("{{\"Channel\":\"System\",\"Message\":\"{}\"}}\n", "x".repeat(300));
    let mut wanted = request(Format::WindowsJson, payload.as_bytes());
    wanted.limits = DecodeLimits { record_bytes: 200, kept_bytes: 50, ..DecodeLimits::default() };
    let found = decode(&wanted);
    let reason = cell(&found.tables[0].batch, "Reason", 0).unwrap();
    assert_eq!(reason, "the record has 333 bytes; the limit is 200; the first 50 of 333 bytes are kept");
    assert_eq!(cell(&found.tables[0].batch, "_RawData", 0).unwrap().len(), 50);
}

#[test]
fn bad_utf8_is_replaced_in_rows_and_kept_as_bytes() {
    let payload = b"{\"Channel\":\"System\",\"EventID\":1,\"Note\":\"a\xFFb\",\"TimeCreated\":\"2026-11-20T10:00:00Z\"}\n{\"Channel\":\"System\",\"TimeCreated\":\"2026-11-20T10:00:00Z\"}";
    let found = decoded(Format::WindowsJson, payload);
    assert_eq!((found.accepted, found.unparsed), (2, 0));
    assert!(event(&found, 0).contains("Note=a\u{FFFD}b"));
    let kept = found.tables.iter().find(|table| table.table == "_Unparsed").unwrap();
    assert!(cell(&kept.batch, "RawBytes", 0).unwrap().starts_with("eyJDaGFubmVs"));
}

/// Times that cannot be what happened: noted, and a time that can be stored stands in.
#[test]
fn odd_times_are_noted() {
    let check = |time: &str, stored: &str, problem: &str| {
        let found = decoded(Format::WindowsJson, format!("{{\"Channel\":\"System\",\"EventID\":1{time}}}").as_bytes());
        let table = found.tables.iter().find(|table| table.table == "WindowsEvent").unwrap();
        assert_eq!(cell(&table.batch, "TimeGenerated", 0).as_deref(), Some(stored), "{time}");
        let problems: Vec<String> = found.problems.iter().map(|problem| problem.reason.clone()).collect();
        assert!(problems.join(";").contains(problem), "{time}: {problems:?}");
    };
    check("", "2026-11-21T08:15:00.000000Z", "no event time");
    check(",\"TimeCreated\":\"soon\"", "2026-11-21T08:15:00.000000Z", "`soon` is no time");
    check(",\"TimeCreated\":\"0001-01-01T00:00:00Z\"", "0001-01-01T00:00:00.000000Z", "before 1970");
    check(",\"TimeCreated\":\"9999-12-31T23:59:59.9999999Z\"", "9999-12-31T23:59:59.999999Z", "in the future");
    check(",\"TimeCreated\":\"9999-12-31T23:59:59-05:00\"", "9999-12-31T23:59:59.999999Z", "outside of the years");
    check(",\"TimeCreated\":\"2026-11-20T10:00:00Z\"", "2026-11-20T10:00:00.000000Z", "");
}

#[test]
fn decoding_is_deterministic() {
    let payload = b"{\"Channel\":\"Security\",\"EventID\":4688,\"NewProcessName\":\"C:\\\\a.exe\"}\nrubbish\n";
    let (first, second) = (decoded(Format::WindowsJson, payload), decoded(Format::WindowsJson, payload));
    assert_eq!(describe(&first), describe(&second));
    assert_eq!(first.events.columns, second.events.columns);
}

#[test]
fn rows_posted_to_a_cloud_table_name_their_log_source() {
    let source = |table: &str, record: &str| {
        let mut wanted = request(Format::Json, record.as_bytes());
        wanted.table = Some(table);
        let columns = &decode(&wanted).events.columns;
        (values(columns, "@product", 0), values(columns, "@service", 0))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(source("SigninLogs", r#"{"ResultType":"0"}"#), (some("azure"), some("signinlogs")));
    assert_eq!(source("OfficeActivity", r#"{"OfficeWorkload":"Exchange"}"#), (some("m365"), some("exchange")));
    assert_eq!(source("DoorBadges_CL", r#"{"Door":"1"}"#), (None, None));
}
