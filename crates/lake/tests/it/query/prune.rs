//! The engine that plans only what is read answers as the one that plans everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use kernel::port::QueryRequest;
use kernel::schema::parse_tables;
use lake::TableSnapshot;
use object_store::memory::InMemory;
use proptest::prelude::*;

use super::{FixedTables, NOW, engine, printed};

/// Three tables that share some columns; `Empty` has no row.
fn tables() -> FixedTables {
    let schemas = parse_tables(
        r#"{
            "Logons": {"TimeGenerated": "datetime", "User": "string", "Host": "string", "Count": "long", "Bag": "dynamic"},
            "Flows": {"TimeGenerated": "datetime", "Host": "string", "Port": "long", "Text": "string"},
            "Empty": {"TimeGenerated": "datetime", "User": "string", "Extra": "string"}
        }"#,
    )
    .unwrap();
    let mut snapshots = BTreeMap::new();
    for schema in schemas {
        let rows: i64 = if schema.name == "Empty" { 0 } else { 12 };
        let arrow = schema.arrow();
        let columns = schema.columns.iter().enumerate().map(|(at, column)| {
            let text = |row: i64| match (column.name.as_str(), row % 5) {
                (_, 4) => None,
                ("Bag", n) => Some(format!("[{{\"k\":{n}}},{row}]")),
                ("Text", n) => Some(format!("user{n} from host{} port {row}", row % 3)),
                (name, _) => Some(format!("{name}{}", row % (at as i64 + 2))),
            };
            let array: arrow_array::ArrayRef = match column.scalar {
                kernel::ScalarType::DateTime => Arc::new(
                    arrow_array::TimestampMicrosecondArray::from_iter_values((0..rows).map(|n| NOW.0 - n * 60_000_000))
                        .with_timezone("UTC"),
                ),
                kernel::ScalarType::Long => {
                    Arc::new((0..rows).map(|n| (n % 7 != 6).then_some(n * 10)).collect::<arrow_array::Int64Array>())
                }
                _ => Arc::new((0..rows).map(text).collect::<arrow_array::StringArray>()),
            };
            array
        });
        let batch = RecordBatch::try_new(Arc::clone(&arrow), columns.collect()).unwrap();
        let hot = if rows == 0 { Vec::new() } else { vec![batch] };
        let snapshot = TableSnapshot {
            arrow,
            store: Arc::new(InMemory::new()),
            hot,
            files: Vec::new(),
            schema: Arc::new(schema.clone()),
        };
        snapshots.insert(schema.name, snapshot);
    }
    FixedTables { snapshots }
}

/// What both engines say, rows in no order.
fn check(text: &str) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answers = [true, false].map(|prune| {
        match runtime.block_on(engine(tables(), 1, prune).query(QueryRequest::new(text, NOW))) {
            Ok(answer) => {
                let mut lines: Vec<String> = printed(&answer).lines().map(str::to_owned).collect();
                lines[1..].sort();
                lines.join("\n")
            }
            Err(error) => panic!("{text}: {error}"),
        }
    });
    prop_assert_eq!(&answers[0], &answers[1], "{}", text);
    Ok(())
}

fn sources() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Logons",
        "Flows",
        "Empty",
        "union Logons, Flows, Empty",
        "union withsource=From Logons, Empty, Flows",
        "union kind=inner Logons, Flows",
        "let F = materialize(Flows | where Port > 10); union F, (F | extend Port = Port + 1)",
        "Logons | join kind=inner Flows on Host",
        "Logons | join kind=leftouter (Flows | project Host, Port, Text) on Host",
        "Logons | join kind=rightanti Flows on Host | extend Count = 1",
        "Logons | lookup kind=leftouter (Flows | summarize Port = max(Port) by Host) on Host",
        "union Logons, Flows | top 7 by TimeGenerated, User, Port",
        "Logons | sort by TimeGenerated asc | extend Row = row_number(), Before = prev(Host)",
    ])
}

/// Operators that any table with `TimeGenerated` and `Host` takes (`column_ifexists` for the rest). Which of
/// equal rows comes first is nobody's promise, so no step lets it be seen.
fn steps() -> impl Strategy<Value = Vec<&'static str>> {
    let step = prop::sample::select(vec![
        "where isnotempty(column_ifexists('Host', ''))",
        "where column_ifexists('Port', 0) > 20 or column_ifexists('Count', 0) > 20",
        "extend A = strcat(column_ifexists('User', '?'), column_ifexists('Host', '?'))",
        "extend B = bin(TimeGenerated, 2m), C = 1",
        "project-away TimeGenerated | extend TimeGenerated = now()",
        "mv-expand K = todynamic(column_ifexists('Bag', dynamic(null)))",
        "parse column_ifexists('Text', '') with P: string ' from ' Q ' port ' R: long",
        "sort by TimeGenerated asc | project TimeGenerated, Host = 'any', Row = row_number()",
        "extend Host = column_ifexists('Host', '') | distinct TimeGenerated, Host",
        "top 7 by TimeGenerated | project TimeGenerated, Host = 'any'",
        "join kind=leftsemi (Logons | where Count > 30) on TimeGenerated",
        "where TimeGenerated in ((Flows | project TimeGenerated, Text))",
        "extend M = toscalar(Flows | summarize max(Port), min(Port))",
    ]);
    prop::collection::vec(step, 0..4)
}

fn ends() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "count",
        "project TimeGenerated",
        "project X = column_ifexists('A', ''), Y = column_ifexists('Port', 0)",
        "summarize count(), dcount(column_ifexists('Host', '')) by bin(TimeGenerated, 5m)",
        "summarize N = count(), M = max(TimeGenerated) | project M",
        "summarize arg_max(TimeGenerated, *) by H = column_ifexists('Host', '') | project H, TimeGenerated",
        "make-series count() on TimeGenerated step 3m by column_ifexists('User', '')",
        "where 1 == 1",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn planning_less_changes_no_answer(source in sources(), steps in steps(), end in ends()) {
        let mut text = source.to_owned();
        for step in steps {
            text.push_str(" | ");
            text.push_str(step);
        }
        check(&format!("{text} | {end}"))?;
    }
}
