//! Operators that search or divide their input, against queries that say the same with joins and groups.

use kernel::port::QueryRequest;
use lake::query::QueryEngine;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{FixedTables, NOW, cell, engine_over};

/// The rows of an answer, sorted.
fn rows(engine: &QueryEngine, runtime: &tokio::runtime::Runtime, query: &str) -> Vec<String> {
    let answer = runtime.block_on(engine.query(QueryRequest::new(query, NOW)));
    let answer = answer.unwrap_or_else(|error| panic!("{error}\n{query}"));
    let mut rows: Vec<String> =
        answer.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" | ")).collect();
    rows.sort();
    rows
}

/// Asks both questions about many small tables of three numbers: the number of the row, and two from 0 to 4.
fn check(question: &str, twin: &str) {
    let engine = engine_over(FixedTables::default(), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let edges = proptest::collection::vec((0_u8..5, 0_u8..5), 1..9);
    let outcome = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
    .run(&edges, |edges| {
        let cells: Vec<String> = edges.iter().enumerate().map(|(id, (a, b))| format!("{id},{a},{b}")).collect();
        let table = format!("let E = datatable(id: long, a: long, b: long) [{}];", cells.join(","));
        let ask = |query: &str| rows(&engine, &runtime, &format!("{table} {query}"));
        prop_assert_eq!(ask(question), ask(twin), "{}", table);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{question}\n{twin}\n{failure}"));
}

#[test]
fn two_edges_are_a_join() {
    check(
        "E | make-graph a --> b with_node_id=n | graph-match (x)-[e]->(y)-[f]->(z) where y.n > 0 project e.id, f.id",
        "E | join kind=inner (E | project id1=id, a1=a) on $left.b == $right.a1 | where id != id1 and b > 0 | project id, id1",
    );
}

#[test]
fn a_triangle_of_any_direction_is_three_joins() {
    let either = "(union (E | project id, p=a, q=b), (E | where a != b | project id, p=b, q=a))";
    check(
        "E | make-graph a --> b with_node_id=n | graph-match (x)-[e]-(y)-[f]-(z), (z)-[g]->(x) project e.id, f.id, g.id",
        &format!(
            "let B = {either}; B | project e=id, x=p, y=q | join kind=inner (B | project f=id, y=p, z=q) on y \
             | join kind=inner (E | project g=id, z=a, x=b) on z, x | where e != f and f != g and e != g | project e, f, g"
        ),
    );
}

#[test]
fn a_path_is_as_many_joins() {
    check(
        "E | make-graph a --> b with_node_id=n | graph-match (x)-[p*2..2]->(y) project x.n, y.n, e=tolong(p.id[0]), f=tolong(p.id[1])",
        "E | make-graph a --> b with_node_id=n | graph-match (x)-[e]->()-[f]->(y) project x.n, y.n, e.id, f.id",
    );
}

#[test]
fn the_shortest_paths_are_the_shortest_of_all() {
    let all = "let M = E | make-graph a --> b with_node_id=n | graph-match (x)-[p*1..4]->(y) \
               project s=x.n, t=y.n, w=tostring(map(p, id)), k=array_length(map(p, id));";
    let least = "M | join kind=inner (M | summarize least=min(k) by s, t) on s, t | where k == least";
    let graph = "E | make-graph a --> b with_node_id=n | graph-shortest-paths";
    check(
        &format!("{graph} output=all (x)-[p*1..4]->(y) project x.n, y.n, tostring(map(p, id))"),
        &format!("{all} {least} | project s, t, w"),
    );
    check(
        &format!("{graph} (x)-[p*1..4]->(y) project x.n, y.n, array_length(map(p, id))"),
        &format!("{all} {least} | distinct s, t, k"),
    );
    check(
        &format!("{graph} output=all (x)-[p*2..4]->(y) project x.n, y.n, array_length(map(p, id))"),
        &format!("{all} {} | project s, t, k", least.replace("M |", "M | where k > 1 |")),
    );
}

#[test]
fn a_body_over_all_parts_at_once_is_the_body_of_each() {
    // `distinct` has every part run on its own.
    check(
        "E | partition by a (where b > 0 | top 2 by b, id | project id, a, c=b * 2)",
        "E | partition by a (where b > 0 | top 2 by b, id | project id, a, c=b * 2 | distinct id, a, c)",
    );
    check(
        "E | partition by a (summarize n=count(), s=sum(tolong(exp2(id))) by b | sort by s asc | take 1 | project a=s, n)",
        "E | partition by a (summarize n=count(), s=sum(tolong(exp2(id))) by b | sort by s asc | take 1 | project a=s, n | serialize m=row_number() | project a, n)",
    );
}

#[test]
fn nested_tops_are_partitions() {
    check(
        "E | top-nested 2 of a by s=sum(tolong(exp2(id))), top-nested 1 of b by m=max(id)",
        "E | join kind=inner (E | summarize s=sum(tolong(exp2(id))) by a | top 2 by s) on a | summarize s=take_any(s), m=max(id) by a, b \
         | partition by a (top 1 by m) | project a, s, b, m",
    );
}
