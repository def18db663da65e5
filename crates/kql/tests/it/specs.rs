//! Runs `specs/*.md`: each block ```kql is bound; the block after it says what must come of it.
//!
//! ```schema lists the columns as `name: type, …`; ```diagnostics lists `CODE text-at-the-place | message | help`,
//! one a line. `UPDATE_SPECS=1` rewrites the answers.

use kernel::library::Kept;
use kernel::schema::{ColumnSchema, TableSchema};
use kernel::value::ScalarType;
use kql::catalog::{Catalog, StoredFunction};

/// Tables that the specifications speak of.
pub fn catalog() -> Catalog {
    use ScalarType::*;
    let table = |name: &str, columns: &[(&str, ScalarType)]| TableSchema {
        name: name.to_owned(),
        columns: columns
            .iter()
            .map(|(name, scalar)| ColumnSchema { name: (*name).to_owned(), scalar: *scalar })
            .collect(),
    };
    let all = [
        ("s", String),
        ("l", Long),
        ("i", Int),
        ("r", Real),
        ("m", Decimal),
        ("b", Bool),
        ("t", DateTime),
        ("ts", TimeSpan),
        ("g", Guid),
        ("d", Dynamic),
        ("s2", String),
        ("l2", Long),
    ];
    Catalog::new([
        table("T", &all),
        table("U", &[("s", String), ("u", Long), ("l", String)]),
        table("Logins", &[("TimeGenerated", DateTime), ("Computer", String), ("Account", String), ("Result", Int)]),
    ])
    .with_kept(&kept())
}

/// What is kept beside the tables; `specs/kept.md` lists it.
fn kept() -> Kept {
    use ScalarType::*;
    let function = |name: &str, parameters: &str, body: &str| StoredFunction {
        name: name.to_owned(),
        parameters: parameters.to_owned(),
        body: body.to_owned(),
        description: format!("What `{name}` is for."),
    };
    let column = |(name, scalar): (&str, ScalarType)| ColumnSchema { name: name.to_owned(), scalar };
    let vips = [
        ("_DTItemId", String),
        ("LastUpdatedTimeUTC", DateTime),
        ("SearchKey", String),
        ("Account", String),
        ("Level", String),
    ];
    Kept {
        revision: 1,
        functions: vec![
            function("Recent", "(span: timespan = 1d)", "Logins | where TimeGenerated > ago(span)"),
            function("Failed", "(T: (Result: int), least: int = 1)", "T | where Result >= least"),
            function("Domain", "(account: string)", "tostring(split(account, \"@\")[1])"),
            function(
                "vimLogins",
                "(who: string = \"*\", disabled: bool = false)",
                "Recent | where not(disabled) and (who == \"*\" or Account == who)",
            ),
            function("vimOld", "()", "\nOldLogins | where TimeGenerated > ago(1d)"),
            function("imLogins", "(who: string = \"*\")", "union isfuzzy=true vimLogins(who=who), vimOld()"),
            function("Round", "(n: long)", "Trip(n)"),
            function("Trip", "(n: long)", "Round(n)"),
            function("Broken", "()", "Logins\n| where"),
        ],
        watchlists: vec![TableSchema { name: "vips".to_owned(), columns: vips.map(column).to_vec() }],
        addresses: ["https://lists.irco.example/bad.csv".to_owned()].into(),
        any_address: false,
    }
}

fn answer(query: &str) -> (&'static str, String) {
    let bound = kql::compile(query, &catalog());
    let lines: Vec<String> = bound
        .diagnostics
        .iter()
        .map(|d| {
            let at = query.get(d.span.start as usize..d.span.end as usize).unwrap_or("?").lines().next().unwrap_or("");
            let help = d.help.as_deref().map(|help| format!(" | {help}")).unwrap_or_default();
            format!("{} {at} | {}{help}", d.code, d.message)
        })
        .collect();
    match bound.query {
        Some(query) if lines.is_empty() => {
            let columns = query.plan.schema.iter().map(|column| format!("{}: {}", column.name, column.scalar));
            ("schema", columns.collect::<Vec<_>>().join(", "))
        }
        _ => ("diagnostics", lines.join("\n")),
    }
}

/// Checks (or rewrites) every query of one document; gives how many there were.
fn check(path: &std::path::Path) -> usize {
    let text = std::fs::read_to_string(path).expect("the document can be read");
    let (mut out, mut count, mut wrong) = (String::new(), 0, Vec::new());
    let mut rest = text.as_str();
    while let Some(start) = rest.find("```kql\n") {
        let body = &rest[start + 7..];
        let end = body.find("\n```").expect("every block is closed");
        let query = &body[..end];
        out.push_str(&rest[..start + 7 + end + 5]);
        rest = body[end + 4..].trim_start_matches('\n');
        let (kind, got) = answer(query);
        kql::compile(query, &catalog()).query.iter().for_each(|bound| super::prune::check(bound, query));
        let expected = rest
            .strip_prefix("```schema\n")
            .map(|rest| ("schema", rest))
            .or(rest.strip_prefix("```diagnostics\n").map(|rest| ("diagnostics", rest)));
        if let Some((expected_kind, body)) = expected {
            let end = body.find("\n```").expect("every block is closed");
            if (expected_kind, body[..end].trim_end()) != (kind, got.as_str()) {
                wrong.push(format!(
                    "{query}\n  expected {expected_kind}: {}\n  got {kind}: {got}",
                    body[..end].trim_end()
                ));
            }
            rest = &body[end + 4..];
        } else {
            wrong.push(format!("{query}\n  has no answer; got {kind}: {got}"));
            out.push('\n');
        }
        out.push_str(&format!("```{kind}\n{got}\n```"));
        if !rest.starts_with('\n') {
            out.push_str("\n\n");
        }
        count += 1;
    }
    out.push_str(rest);
    if std::env::var_os("UPDATE_SPECS").is_some() {
        std::fs::write(path, out).expect("the document can be written");
    } else {
        assert!(wrong.is_empty(), "{}:\n{}", path.display(), wrong.join("\n\n"));
    }
    count
}

#[test]
fn every_specification_holds() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        count += check(&entry.unwrap().path());
    }
    assert!(count > 100, "only {count} queries were found");
}
