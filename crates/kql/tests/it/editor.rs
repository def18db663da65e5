//! Completion, hover and highlighting at a marked place (`^`).

use crate::specs::catalog;

/// Cuts the mark out; gives the text and the place.
fn marked(text: &str) -> (String, usize) {
    let at = text.find('^').expect("the place is marked");
    (text.replacen('^', "", 1), at)
}

fn check_complete(text: &str, wanted: &[&str], unwanted: &[&str]) {
    let (query, at) = marked(text);
    let found = kql::complete(&query, at, &catalog());
    let labels: Vec<&str> = found.iter().map(|completion| completion.label.as_str()).collect();
    for label in wanted {
        assert!(labels.contains(label), "{text}: no `{label}` in {labels:?}");
    }
    for label in unwanted {
        assert!(!labels.contains(label), "{text}: `{label}` has no place here");
    }
    for completion in &found {
        assert!(query.get(completion.replace.start as usize..completion.replace.end as usize).is_some(), "{text}");
    }
}

#[test]
fn completion_knows_the_place() {
    check_complete("^", &["T", "Logins", "let", "Recent"], &["where", "TimeGenerated"]);
    check_complete("Log^", &["Logins"], &["U"]);
    check_complete("T | ^", &["where", "summarize", "mv-expand"], &["T", "s"]);
    check_complete("T | mv-e^", &["mv-expand"], &["where"]);
    check_complete("T | where ^", &["s", "l", "isnotempty"], &["Computer", "count"]);
    check_complete("T | project a = l, s | where ^", &["a", "s"], &["l2", "t"]);
    check_complete("T | summarize ^ by s", &["count", "dcount", "l"], &["Computer"]);
    check_complete("T | summarize n = count() by s | where ^", &["n", "s"], &["l"]);
    check_complete("T | join kind=^", &["leftouter", "innerunique"], &["s"]);
    check_complete("T | join (^", &["U", "Logins"], &["summarize"]);
    check_complete("T | join kind=inner (U | where ^) on s", &["u", "s"], &["l2"]);
    check_complete("T | join kind=inner (U) on s | where ^", &["u", "l2", "s1"], &["Computer"]);
    check_complete("let since = 1d; Logins | where TimeGenerated > ago(^", &["since", "TimeGenerated"], &[]);
    check_complete("T | where s == \"^", &[], &["s", "l"]);
    check_complete("T | top-n^", &["top-nested"], &["where"]);
    check_complete("T | graph^", &["graph-match", "graph-shortest-paths", "graph-to-table"], &[]);
    check_complete("T | scan with (step a: ^", &["s", "l"], &["u"]);
    check_complete("T | partition by s (where ^", &["l"], &["u"]);
    check_complete("declare query_parameters(least: long = 1); T | where l > ^", &["least"], &[]);
    check_complete("_Get^", &["_GetWatchlist"], &[]);
    check_complete("_GetWatchlist('^", &["vips"], &["T", "Recent"]);
    check_complete("T | where s in (_GetWatchlist(\"v^", &["vips"], &["s"]);
    check_complete("Logins | extend d = Dom^", &["Domain"], &["T"]);
    check_complete("T | where broken( | extend x = ^", &["s"], &[]);
}

fn check_hover(text: &str, expected: Option<&str>) {
    let (query, at) = marked(text);
    let found = kql::hover(&query, at, &catalog()).map(|hover| hover.text);
    assert_eq!(found.as_deref(), expected, "{text}");
}

#[test]
fn hover_explains() {
    check_hover("T | where ^l > 1", Some("column `l`: long"));
    check_hover("T | extend l = tostring(l) | where ^l == ''", Some("column `l`: string"));
    check_hover("^U", Some("table `U`\n\n`s`: string, `u`: long, `l`: string"));
    check_hover("T | extend x = ^toupper(s)", Some("`toupper(text: any): string`\n\nThe text in upper case."));
    check_hover(
        "T | extend x = ^iif(b, 1, 2)",
        Some(
            "`iff(if: bool, then: common, else: common): type of common`\n\nOne of two values by a condition; null counts as false.\n\n`iif` is another spelling of `iff`.",
        ),
    );
    check_hover("T | partition by s (where ^l > 1)", Some("column `l`: long"));
    check_hover("T | where ^unknown > 1", None);
    let recent = "stored function `Recent(span: timespan = 1d)`\n\nWhat `Recent` is for.\n\n```kql\nLogins | where TimeGenerated > ago(span)\n```";
    check_hover("^Recent(2h)", Some(recent));
    check_hover("Rec^ent | count", Some(recent));
}

fn check_format(text: &str, expected: &str) {
    assert_eq!(kql::format(text), expected);
}

#[test]
fn formatting() {
    check_format("T|where s=='a'|take 5", "T\n| where s == 'a'\n| take 5\n");
    check_format("let x=1;T|project s,l // why\n|count", "let x=1;\nT\n| project s, l // why\n| count\n");
    check_format("T|join kind=inner (U|project s) on s", "T\n| join kind=inner (U\n    | project s) on s\n");
    check_format(
        "T|make-graph s-->s2 with_node_id=n|graph-match (a)-[e*1..3]->(b)<-[f]-(c)--(d) project a.n",
        "T\n| make-graph s-->s2 with_node_id=n\n| graph-match (a)-[e*1..3]->(b)<-[f]-(c)--(d) project a.n\n",
    );
    check_format("T | where 'open", "T | where 'open");
}

#[test]
fn highlighting() {
    let text = "T | mv-expand d | where s has 'x' and tolower(s) == 1d // end";
    let classes: Vec<String> = kql::classify(text, &catalog())
        .iter()
        .map(|one| format!("{}={:?}", &text[one.span.start as usize..one.span.end as usize], one.class))
        .collect();
    let expected = "T=Table |=Punctuation mv=Operator -=Operator expand=Operator d=Name |=Punctuation where=Operator s=Name has=Keyword \
                    'x'=String and=Keyword tolower=Function (=Punctuation s=Name )=Punctuation ===Punctuation 1d=Number // end=Comment";
    assert_eq!(classes.join(" "), expected);
}
