//! Correlations against rsigma-eval, on events in order: the same firings with the same values. What the two do
//! differently on purpose is left out of the events: events without the value that is asked for, events of several
//! rules, and `temporal` without a condition. Of `value_percentile` rsigma-eval does not ask the condition at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::Timestamp;
use proptest::prelude::*;
use rsigma_eval::{CorrelationConfig, CorrelationEngine, JsonEvent, ResultBody};
use serde_json::{Value, json};
use sigma::correlation::{Correlations, Correlator, Observation};

use crate::correlations::{InForce, PATIENT, rule_texts, rules};

/// When, for whom, and with which value.
type Firing = (i64, Vec<(String, String)>, String);

fn event() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["a", "b", "c"]);
    let user = prop::option::weighted(0.9, prop::sample::select(vec!["x", "y"]));
    let host = prop::sample::select(vec!["h", "i", "j"]);
    (kind, user, host, -3..9_i64).prop_map(|(kind, user, host, bytes)| match user {
        Some(user) => json!({ "Kind": kind, "User": user, "Host": host, "Bytes": bytes }),
        None => json!({ "Kind": kind, "Host": host, "Bytes": bytes }),
    })
}

fn correlation() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec![
        ("event_count", ""),
        ("value_count", ", field: Host"),
        ("value_sum", ", field: Bytes"),
        ("value_avg", ", field: Bytes"),
        ("value_median", ", field: Bytes"),
        ("temporal", ""),
        ("temporal_ordered", ""),
    ]);
    let rules = prop::sample::select(vec!["a, b", "b, c, a"]);
    let group = prop::sample::select(vec!["", "User", "User, Host"]);
    let range = prop::sample::select(vec!["gte: 2", "gt: 1, lt: 4", "lte: 2", "eq: 2"]);
    (kind, rules, group, range, 1..12_u32).prop_map(|((kind, field), rules, group, range, span)| {
        // To rsigma-eval, events out of order are a count of none, which `lte` lets pass.
        let range = if kind == "temporal_ordered" { "gte: 2" } else { range };
        format!(
            "title: t\nid: t\ncorrelation:\n  type: {kind}\n  rules: [{rules}]\n  group-by: [{group}]\n  timespan: {span}s\n  condition: {{ {range}{field} }}\n"
        )
    })
}

fn ours(text: &str, events: &[(i64, Value)]) -> Vec<Firing> {
    let set = rules(text);
    assert!(set.problems.is_empty(), "{text}\n{:?}", set.problems);
    let (compiled, _) = Correlations::compile(&set.correlations, &set.rules);
    let mut correlator = Correlator::new(Arc::new(compiled), PATIENT);
    let mut in_force = InForce::default();
    for (time, event) in events {
        let rule = ["a", "b", "c"].iter().position(|kind| event["Kind"] == **kind).expect("a kind") as u32;
        let Some(fields) = correlator.rules().fields(rule) else { continue };
        let value = |field: &String| match &event[field.as_str()] {
            Value::Null => None,
            Value::String(text) => Some(Arc::from(text.as_str())),
            other => Some(Arc::from(other.to_string())),
        };
        let values = fields.iter().map(value).collect();
        let time = Timestamp(time * 1_000_000);
        in_force.take(correlator.push(vec![Observation { rule, time, event: "e".into(), values }]));
    }
    let firing = |alert: &sigma::correlation::Alert| {
        let group = alert.group.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        (alert.key.time.0 / 1_000_000, group.collect(), format!("{:.6}", alert.value))
    };
    in_force.0.values().map(firing).collect()
}

fn theirs(text: &str, events: &[(i64, Value)]) -> Vec<Firing> {
    let collection = rsigma_parser::parse_sigma_yaml(&(rule_texts() + text)).expect("YAML");
    let mut engine = CorrelationEngine::new(CorrelationConfig::default());
    engine.add_collection(&collection).expect("rules");
    let mut firings = Vec::new();
    for (time, event) in events {
        for result in engine.process_event_at(&JsonEvent::borrow(event), *time) {
            if let ResultBody::Correlation(body) = result.body {
                let group: BTreeMap<String, String> = body.group_key.into_iter().collect();
                firings.push((*time, group.into_iter().collect(), format!("{:.6}", body.aggregated_value)));
            }
        }
    }
    firings
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn in_order_both_fire_alike(text in correlation(), steps in prop::collection::vec((1..4_i64, event()), 1..40)) {
        let mut now = 1_000;
        let events: Vec<(i64, Value)> = steps
            .into_iter()
            .map(|(step, event)| {
                now += step;
                (now, event)
            })
            .collect();
        let mut ours = ours(&text, &events);
        ours.iter_mut().for_each(|firing| firing.1.sort());
        prop_assert_eq!(ours, theirs(&text, &events), "{}", text);
    }
}
