//! How many hits a second a correlation takes, by type and by the number of hits in its window: the cost of one must
//! not follow the size of the window. `cargo run -p sigma --example correlate`

use std::path::Path;
use std::sync::Arc;

use kernel::time::SystemClock;
use kernel::{Clock, Timestamp};
use sigma::correlation::{Correlations, Correlator, Observation, Settings};
use sigma::{Lists, load_text};

const HITS: i64 = 60_000;
/// Hits that come at once.
const BATCH: usize = 100;

fn main() {
    let fields = [
        ("event_count", ""),
        ("value_count", ", field: Host"),
        ("value_sum", ", field: Bytes"),
        ("value_median", ", field: Bytes"),
    ];
    for (kind, field) in fields {
        let rates = [100, 1_800, 20_000].map(|window| format!("{:>9.0} at {window}", rate(kind, field, window)));
        println!("{kind:13} hits/s: {}", rates.join(", "));
    }
}

/// One group, a hit each second, each with a value of its own, and a threshold out of reach.
fn rate(kind: &str, field: &str, window_s: i64) -> f64 {
    let text = format!(
        "title: a\nid: a\nlogsource: {{ category: x }}\ndetection: {{ s: {{ A: a }}, condition: s }}\n---\ntitle: t\nid: t\ncorrelation:\n  type: {kind}\n  rules: [a]\n  group-by: [User]\n  timespan: {window_s}s\n  condition: {{ gte: 999999999999{field} }}\n"
    );
    let set = load_text(Path::new("example.yml"), &text, &Lists::new());
    let (rules, problems) = Correlations::compile(&set.correlations, &set.rules);
    assert!(set.problems.is_empty() && problems.is_empty(), "{:?}", set.problems);
    let mut correlator = Correlator::new(Arc::new(rules), Settings::default());
    let names = correlator.rules().fields(0).unwrap_or_default().to_vec();
    let observation = |second: i64| {
        let value = |name: &String| if name == "User" { "x".into() } else { Arc::from(second.to_string()) };
        Observation {
            rule: 0,
            time: Timestamp(second * 1_000_000),
            event: format!("event {second}").into(),
            values: names.iter().map(|name| Some(value(name))).collect(),
        }
    };
    let hits: Vec<Observation> = (0..HITS).map(observation).collect();
    let clock = SystemClock::new();
    let started_us = clock.monotonic_us();
    for batch in hits.chunks(BATCH) {
        let changes = correlator.push(batch.to_vec());
        assert!(changes.raised.is_empty() && changes.evicted_hits == 0);
        correlator.advance(batch[batch.len() - 1].time);
    }
    HITS as f64 * 1e6 / (clock.monotonic_us() - started_us).max(1) as f64
}
