//! The thirteen questions, each in KQL and in SQL with the same meaning.

/// One question.
pub struct Question {
    pub name: &'static str,
    /// How many times faster than the peer it should be.
    pub target: f64,
    pub kql: String,
    pub sql: String,
    /// SQL for the comparison of answers, where the timed one only estimates.
    pub exact: Option<String>,
    /// Rows have an order of their own; otherwise they are compared sorted.
    pub ordered: bool,
}

fn question(name: &'static str, target: f64, kql: &str, sql: &str) -> Question {
    Question { name, target, kql: kql.to_owned(), sql: sql.to_owned(), exact: None, ordered: false }
}

/// `text ~ any of words, as whole terms` for ASCII texts.
fn any_term(column: &str, words: &[&str]) -> String {
    format!("regexp_matches({column}, '(^|[^a-z0-9])({})($|[^a-z0-9])', 'i')", words.join("|"))
}

const TERMS: [&str; 5] = ["mimikatz", "rubeus", "sekurlsa", "lazagne", "procdump64"];
const DAY: &str =
    "TimeGenerated >= TIMESTAMPTZ '2026-10-15 00:00:00+00' AND TimeGenerated < TIMESTAMPTZ '2026-10-16 00:00:00+00'";
const THREE_DAYS: &str =
    "TimeGenerated >= TIMESTAMPTZ '2026-10-15 00:00:00+00' AND TimeGenerated < TIMESTAMPTZ '2026-10-18 00:00:00+00'";

/// All of them, in the order of the document.
pub fn questions() -> Vec<Question> {
    let mut all = text_questions();
    all.extend(group_questions());
    all.extend(shape_questions());
    all
}

fn text_questions() -> Vec<Question> {
    let terms = TERMS.map(|term| format!("'{term}'")).join(", ");
    vec![
        question(
            "`has` a rare term, all columns",
            10.0,
            "ProcessEvents_CL | where CommandLine has 'mimikatz'",
            &format!("SELECT {PROCESS} FROM process WHERE {}", any_term("CommandLine", &["mimikatz"])),
        ),
        question(
            "`has_any` of 5 terms, one day of 30",
            10.0,
            &format!(
                "ProcessEvents_CL | where TimeGenerated >= datetime(2026-10-15) and TimeGenerated < datetime(2026-10-16) \
                 | where CommandLine has_any ({terms}) | project TimeGenerated, Host, User, CommandLine"
            ),
            &format!(
                "SELECT TimeGenerated, Host, \"User\", CommandLine FROM process WHERE {DAY} AND {}",
                any_term("CommandLine", &TERMS)
            ),
        ),
        question(
            "`contains`, count",
            1.0,
            "ProcessEvents_CL | where CommandLine contains 'mimikatzd' | count",
            "SELECT count(*) FROM process WHERE CommandLine ILIKE '%mimikatzd%'",
        ),
        question(
            "`search` a rare term in every column",
            10.0,
            "search in (ProcessEvents_CL) 'mimikatz' | project TimeGenerated, Host, CommandLine",
            &format!(
                "SELECT TimeGenerated, Host, CommandLine FROM process WHERE {}",
                ["Host", "\"User\"", "Image", "CommandLine", "AdditionalFields", "_ItemId", "_SourceName"]
                    .map(|column| any_term(column, &["mimikatz"]))
                    .join(" OR ")
            ),
        ),
    ]
}

/// The columns of a process event, in the table's order.
const PROCESS: &str = "Host, \"User\", Image, CommandLine, AdditionalFields, Bytes, TimeGenerated, _TimeReceived, \
                       _ItemId, _SourceName, coalesce(_RawData, '') AS _RawData";
/// The columns of a sign-in without its user, in the table's order.
const SIGNIN_REST: [&str; 9] = [
    "Address",
    "Country",
    "Application",
    "ResultCode",
    "_TimeReceived",
    "_ItemId",
    "_SourceName",
    "_RawData",
    "TimeGenerated",
];

fn group_questions() -> Vec<Question> {
    let packed = SIGNIN_REST.map(|name| format!("{name} := {name}")).join(", ");
    let row = format!(
        "SELECT \"User\", r.TimeGenerated, r.Address, r.Country, r.Application, r.ResultCode, r._TimeReceived, r._ItemId, \
         r._SourceName, coalesce(r._RawData, '') AS _RawData FROM (SELECT \"User\", arg_max(struct_pack({packed}), \
         TimeGenerated) AS r FROM signins GROUP BY 1)"
    );
    let bins = "SELECT count(*), sum(n)::BIGINT FROM (SELECT";
    let by = "(\"User\") AS n FROM process GROUP BY time_bucket(INTERVAL 1 HOUR, TimeGenerated), Image)";
    vec![
        question(
            "count by `bin(…, 1h)`",
            1.0,
            "ProcessEvents_CL | summarize count() by bin(TimeGenerated, 1h)",
            "SELECT time_bucket(INTERVAL 1 HOUR, TimeGenerated), count(*) FROM process GROUP BY 1",
        ),
        question(
            "top 10 hosts by sum",
            1.0,
            "ProcessEvents_CL | summarize Total=sum(Bytes) by Host | top 10 by Total",
            "SELECT Host, sum(Bytes)::BIGINT AS Total FROM process GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
        ),
        Question {
            exact: Some(format!("{bins} count(DISTINCT \"User\"){}", by.trim_start_matches("(\"User\")"))),
            ..question(
                "dcount of users by hour and image",
                1.0,
                "ProcessEvents_CL | summarize Users=dcount(User) by bin(TimeGenerated, 1h), Image \
                 | summarize count(), sum(Users)",
                &format!("{bins} approx_count_distinct{by}"),
            )
        },
        question(
            "sign-ins join identities, case-folded",
            1.0,
            "SignIns_CL | extend Upn=tolower(User) | join kind=inner (Identities_CL | where Privileged \
             | project Upn=tolower(Upn), Department) on Upn | summarize count() by Department",
            "SELECT Department, count(*) FROM signins s JOIN (SELECT lower(Upn) AS Upn, Department FROM identities WHERE \
             Privileged) i ON lower(s.\"User\") = i.Upn GROUP BY 1",
        ),
        question(
            "`arg_max(TimeGenerated, *)` by user",
            1.0,
            "SignIns_CL | summarize arg_max(TimeGenerated, *) by User",
            &row,
        ),
        Question {
            ordered: true,
            ..question(
                "host out of URLs, top 20",
                1.0,
                r"ProcessEvents_CL | extend Site=extract(@'https?://([^/:\s]+)', 1, CommandLine) | where isnotempty(Site) | summarize Count=count() by Site | sort by Count desc, Site asc | take 20",
                r"SELECT regexp_extract(CommandLine, 'https?://([^/:\s]+)', 1) AS Site, count(*) AS n FROM process GROUP BY 1 HAVING Site <> '' ORDER BY n DESC, Site LIMIT 20",
            )
        },
    ]
}

fn shape_questions() -> Vec<Question> {
    vec![
        question(
            "dynamic path, filter and group",
            5.0,
            "ProcessEvents_CL | where tostring(AdditionalFields.process.integrity) == 'System' \
             | summarize count() by Signer=tostring(AdditionalFields.process.signer)",
            "SELECT json_extract_string(AdditionalFields, '$.process.signer'), count(*) FROM process \
             WHERE json_extract_string(AdditionalFields, '$.process.integrity') = 'System' GROUP BY 1",
        ),
        question(
            "`mv-expand` tags, count, 3 days",
            1.0,
            "ProcessEvents_CL | where TimeGenerated >= datetime(2026-10-15) and TimeGenerated < datetime(2026-10-18) \
             | mv-expand Tag=AdditionalFields.tags to typeof(string) | summarize count() by Tag",
            &format!(
                "SELECT Tag, count(*) FROM (SELECT unnest(from_json(json_extract(AdditionalFields, '$.tags'), '[\"VARCHAR\"]')) \
                 AS Tag FROM process WHERE {THREE_DAYS}) GROUP BY 1"
            ),
        ),
        question(
            "failed, then successful (leftsemi)",
            1.0,
            "SignIns_CL | where ResultCode == '50126' | distinct User | join kind=leftsemi (SignIns_CL | where ResultCode == '0' \
             | distinct User) on User | count",
            "SELECT count(*) FROM (SELECT DISTINCT \"User\" FROM signins WHERE ResultCode = '50126') f WHERE \"User\" IN \
             (SELECT DISTINCT \"User\" FROM signins WHERE ResultCode = '0')",
        ),
        question(
            "`make-series` by country, zero filled",
            1.0,
            "SignIns_CL | make-series Count=count() default=0 on TimeGenerated from datetime(2026-10-01) to \
             datetime(2026-10-31) step 1h by Country | project Country, Count",
            "SELECT c.Country, list(coalesce(n.n, 0) ORDER BY h.h) FROM (SELECT DISTINCT Country FROM signins) c CROSS JOIN \
             (SELECT unnest(generate_series(TIMESTAMPTZ '2026-10-01 00:00:00+00', TIMESTAMPTZ '2026-10-30 23:00:00+00', \
             INTERVAL 1 HOUR)) AS h) h LEFT JOIN (SELECT Country, time_bucket(INTERVAL 1 HOUR, TimeGenerated) AS h, count(*) \
             AS n FROM signins GROUP BY 1, 2) n ON n.Country = c.Country AND n.h = h.h GROUP BY 1",
        ),
    ]
}
