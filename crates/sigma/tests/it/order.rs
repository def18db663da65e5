//! Correlations against a slow twin that sees all events, sorted: any order of arrival, any cut, any replay.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kernel::Timestamp;
use proptest::prelude::*;
use sigma::correlation::{
    Alert, AlertKey, Changes, Comparison, Correlation, Correlations, Correlator, Expression, Metric, Observation,
    Occurrence, Range, Settings, State, Target, Together,
};

use crate::correlations::{InForce, PATIENT, rules};

const SECOND_US: i64 = 1_000_000;

/// An event as tests make it: time in half seconds, rule, user, host, number.
#[derive(Debug, Clone)]
struct Made {
    time_us: i64,
    event: String,
    rules: BTreeSet<usize>,
    fields: BTreeMap<&'static str, String>,
}

fn made() -> impl Strategy<Value = Vec<Made>> {
    let rules = prop::collection::btree_set(0..3_usize, 1..3);
    let user = prop::option::weighted(0.9, prop::sample::select(vec!["x", "y"]));
    let host = prop::option::weighted(0.9, prop::sample::select(vec!["h", "i", "j"]));
    let bytes = prop::option::weighted(0.9, prop::sample::select(vec!["0", "1", "2.5", "-3", "7", "much"]));
    let one = (0..80_i64, rules, user, host, bytes);
    prop::collection::vec(one, 1..40).prop_map(|all| {
        let events = all.into_iter().enumerate().map(|(number, (time, rules, user, host, bytes))| {
            let fields = [("User", user), ("Host", host), ("Bytes", bytes)];
            let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
            // Names that do not follow the time: an order of their own for one instant.
            Made { time_us: time * SECOND_US / 2, event: format!("e{:02}", number * 37 % 41), rules, fields }
        });
        events.collect()
    })
}

/// A correlation of each type, over rules `a`, `b`, `c` or over the one before.
fn correlations() -> impl Strategy<Value = String> {
    let range = prop::sample::select(vec!["gte: 2", "gte: 3", "gt: 1, lt: 4", "lte: 1", "eq: 2", "neq: 2"]);
    let rules = prop::sample::select(vec!["a", "a, b", "b, c, a", "c, a"]);
    let group = prop::sample::select(vec!["", "User", "User, Host", "who"]);
    let kind = prop::sample::select(vec![
        "event_count",
        "value_count",
        "temporal",
        "temporal_ordered",
        "value_sum",
        "value_avg",
        "value_median",
        "value_percentile",
    ]);
    let words = prop::option::of(prop::sample::select(vec!["1 of them", "all of them", "not a or 2 of them"]));
    let one = (kind, rules, group, range, words, 1..9_i64, any::<bool>(), any::<bool>());
    prop::collection::vec(one, 1..4).prop_map(|all| {
        let texts = all.into_iter().enumerate().map(|(number, (kind, rules, group, range, words, span, chain, generate))| {
            let temporal = kind.starts_with("temporal");
            let below = if chain && number > 0 { format!(", r{}", number - 1) } else { String::new() };
            let condition = match (kind, words) {
                ("temporal" | "temporal_ordered", Some(words)) if rules.contains('a') => format!("condition: {words}"),
                _ if temporal && rules.len() > 1 && generate => "condition: { gte: 2 }".to_owned(),
                _ if temporal => String::new(),
                ("event_count", _) => format!("condition: {{ {range} }}"),
                ("value_count", _) => format!("condition: {{ {range}, field: Host }}"),
                _ => format!("condition: {{ {range}, field: Bytes }}"),
            };
            let who = rules.split(", ").map(|rule| format!("{rule}: {}", if rule == "b" { "Host" } else { "User" }));
            let aliases = match group {
                "who" => format!("\n  aliases: {{ who: {{ {} }} }}", who.collect::<Vec<_>>().join(", ")),
                _ => String::new(),
            };
            format!(
                "title: r{number}\nid: r{number}\ngenerate: {generate}\ncorrelation:\n  type: {kind}\n  rules: [{rules}{below}]\n  group-by: [{group}]\n  timespan: {span}s\n  {condition}{aliases}\n"
            )
        });
        texts.collect::<Vec<_>>().join("---\n")
    })
}

fn compiled(text: &str) -> Arc<Correlations> {
    let set = rules(text);
    assert!(set.problems.is_empty(), "{text}\n{:?}", set.problems);
    let (compiled, problems) = Correlations::compile(&set.correlations, &set.rules);
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(compiled)
}

fn observations(compiled: &Correlations, made: &Made) -> Vec<Observation> {
    let of = |rule: &usize| {
        let number = *rule as u32;
        let value = |field: &String| made.fields.get(field.as_str()).map(|value| Arc::from(value.as_str()));
        let values = compiled.fields(number)?.iter().map(value).collect();
        let event = Arc::from(made.event.as_str());
        Some(Observation { rule: number, time: Timestamp(made.time_us), event, values })
    };
    made.rules.iter().filter_map(of).collect()
}

/// An event of a correlation, as the twin sees it.
#[derive(Debug, Clone)]
struct Seen {
    time_us: i64,
    event: String,
    slot: usize,
    /// The group that fired, for an event of a correlation below.
    via: Option<Vec<Option<String>>>,
    fields: BTreeMap<String, String>,
}

/// What fires, by key: value and whether it continues; with the events of the correlations above, for chains.
type Fires = BTreeMap<AlertKey, (f64, bool)>;

fn twin(all: &[Arc<Correlation>], events: &[Made]) -> Fires {
    let mut fires = Fires::new();
    let mut results: BTreeMap<&str, Vec<Seen>> = BTreeMap::new();
    for rule in all {
        let mut seen: Vec<Seen> = Vec::new();
        for (slot, reference) in rule.rules.iter().enumerate() {
            match &reference.target {
                Target::Rule(id) => {
                    let number = ["id-a", "id-b", "id-c"].iter().position(|one| one == id).expect("a base rule");
                    seen.extend(events.iter().filter(|event| event.rules.contains(&number)).map(|event| Seen {
                        time_us: event.time_us,
                        event: event.event.clone(),
                        slot,
                        via: None,
                        fields: event.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
                    }));
                }
                Target::Correlation(id) => {
                    seen.extend(results[id.as_str()].iter().map(|below| Seen { slot, ..below.clone() }));
                }
            }
        }
        let mut mine = Vec::new();
        for (group, members) in groups(rule, seen) {
            for (moment, value, continues, last) in fire(rule, &members) {
                let key = AlertKey {
                    time: Timestamp(moment.0),
                    event: moment.1.clone(),
                    correlation: rule.id.clone(),
                    group: group.clone(),
                };
                let mut fields = last.fields.clone();
                for (name, value) in rule.group_by.iter().zip(&group) {
                    match value {
                        Some(value) => drop(fields.insert(name.clone(), value.clone())),
                        None => drop(fields.remove(name)),
                    }
                }
                mine.push(Seen { time_us: moment.0, event: moment.1, slot: 0, via: Some(group.clone()), fields });
                if alerts(rule, all) {
                    fires.insert(key, (value, continues));
                }
            }
        }
        results.insert(&rule.id, mine);
    }
    fires
}

fn alerts(rule: &Correlation, all: &[Arc<Correlation>]) -> bool {
    let names =
        |one: &&Arc<Correlation>| one.rules.iter().any(|named| named.target == Target::Correlation(rule.id.clone()));
    let above: Vec<&Arc<Correlation>> = all.iter().filter(names).collect();
    above.is_empty() || above.iter().any(|one| one.generate)
}

fn field<'a>(rule: &Correlation, name: &str, seen: &'a Seen) -> Option<&'a String> {
    let alias = rule.aliases.get(name).and_then(|alias| alias.get(&rule.rules[seen.slot].name));
    seen.fields.get(alias.map_or(name, String::as_str))
}

fn groups(rule: &Correlation, seen: Vec<Seen>) -> BTreeMap<Vec<Option<String>>, Vec<Seen>> {
    let mut groups: BTreeMap<_, Vec<Seen>> = BTreeMap::new();
    for one in seen {
        let counts = rule.value_fields().iter().all(|name| field(rule, name, &one).is_some())
            && (!matches!(rule.test, Together::Metric { .. }) || number(rule, &one).is_some());
        if counts {
            let group = rule.group_by.iter().map(|name| field(rule, name, &one).cloned()).collect();
            groups.entry(group).or_default().push(one);
        }
    }
    for members in groups.values_mut() {
        members.sort_by(|a, b| (a.time_us, &a.event, a.slot, &a.via).cmp(&(b.time_us, &b.event, b.slot, &b.via)));
    }
    groups
}

fn number(rule: &Correlation, seen: &Seen) -> Option<f64> {
    field(rule, &rule.value_fields()[0], seen)?.parse().ok()
}

type Firing = ((i64, String), f64, bool, Seen);

/// At each event the whole window again.
fn fire(rule: &Correlation, members: &[Seen]) -> Vec<Firing> {
    let mut moments: Vec<(i64, String)> = members.iter().map(|one| (one.time_us, one.event.clone())).collect();
    moments.dedup();
    let mut firings: Vec<Firing> = Vec::new();
    for (place, moment) in moments.iter().enumerate() {
        let window: Vec<&Seen> = members
            .iter()
            .filter(|one| one.time_us >= moment.0 - rule.timespan_us && (one.time_us, one.event.clone()) <= *moment)
            .collect();
        let Some(value) = holds(rule, &window) else { continue };
        let before = place.checked_sub(1).map(|before| &moments[before]);
        let continues = before.is_some_and(|before| {
            before.0 >= moment.0 - rule.timespan_us && firings.last().is_some_and(|last| last.0 == *before)
        });
        let last = (*window.last().expect("the event itself")).clone();
        firings.push((moment.clone(), value, continues, last));
    }
    firings
}

fn within(range: &Range, value: f64) -> Option<f64> {
    let holds = range.bounds.iter().all(|(comparison, bound)| match comparison {
        Comparison::Less => value < *bound,
        Comparison::AtMost => value <= *bound,
        Comparison::More => value > *bound,
        Comparison::AtLeast => value >= *bound,
        Comparison::Exactly => value == *bound,
        Comparison::Not => value != *bound,
    });
    holds.then_some(value)
}

fn holds(rule: &Correlation, window: &[&Seen]) -> Option<f64> {
    // One event of several rules is one event; each firing of a correlation is one.
    let mut known = BTreeSet::new();
    let distinct: Vec<&&Seen> =
        window.iter().filter(|one| one.via.is_some() || known.insert((one.time_us, one.event.clone()))).collect();
    match &rule.test {
        Together::EventCount(range) => within(range, distinct.len() as f64),
        Together::ValueCount { fields, range } => {
            let values: BTreeSet<Vec<_>> =
                window.iter().map(|one| fields.iter().map(|name| field(rule, name, one)).collect()).collect();
            within(range, values.len() as f64)
        }
        Together::Temporal { ordered, condition } => {
            let slots: BTreeSet<usize> = window.iter().map(|one| one.slot).collect();
            let held = match condition {
                Occurrence::Count(range) => within(range, slots.len() as f64).is_some(),
                Occurrence::Expression(expression) => expressed(expression, &slots),
            };
            (held && (!ordered || in_order(window, 0, i64::MIN, rule.rules.len()))).then_some(slots.len() as f64)
        }
        Together::Metric { metric, range, .. } => {
            let mut numbers: Vec<f64> = distinct.iter().filter_map(|one| number(rule, one)).collect();
            numbers.sort_by(f64::total_cmp);
            let sum: f64 = numbers.iter().sum();
            let rank = |rank: f64| {
                let place = rank / 100.0 * (numbers.len() - 1) as f64;
                let (low, high) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
                low + place.fract() * (high - low)
            };
            within(
                range,
                match metric {
                    Metric::Sum => sum,
                    Metric::Average => sum / numbers.len() as f64,
                    Metric::Median => rank(50.0),
                    Metric::Percentile(percent) => rank(f64::from(*percent)),
                },
            )
        }
    }
}

fn expressed(expression: &Expression, slots: &BTreeSet<usize>) -> bool {
    match expression {
        Expression::Rule(slot) => slots.contains(slot),
        Expression::And(parts) => parts.iter().all(|part| expressed(part, slots)),
        Expression::Or(parts) => parts.iter().any(|part| expressed(part, slots)),
        Expression::Not(inner) => !expressed(inner, slots),
        Expression::AtLeast(least, parts) => {
            parts.iter().filter(|part| expressed(part, slots)).count() as u64 >= *least
        }
    }
}

/// Tries every event for every rule.
fn in_order(window: &[&Seen], slot: usize, after: i64, slots: usize) -> bool {
    slot == slots
        || window
            .iter()
            .any(|one| one.slot == slot && one.time_us >= after && in_order(window, slot + 1, one.time_us, slots))
}

/// Events in the order in which they are to arrive: by time, each delayed by its own share of `lateness_us`.
fn delayed(events: &[Made], delays: &[i64]) -> Vec<Made> {
    let mut arriving: Vec<(i64, &Made)> =
        events.iter().zip(delays.iter().cycle()).map(|(event, delay)| (event.time_us + delay, event)).collect();
    arriving.sort_by_key(|(arrival, event)| (*arrival, std::cmp::Reverse(&event.event)));
    arriving.into_iter().map(|(_, event)| event.clone()).collect()
}

fn summary(alerts: &BTreeMap<AlertKey, Alert>) -> Fires {
    alerts.values().map(|alert| (alert.key.clone(), (alert.value, alert.continues))).collect()
}

/// Pushes events in deliveries of these sizes; the watermark follows each.
fn deliver(correlator: &mut Correlator, events: &[Made], sizes: &[usize], in_force: &mut InForce) {
    let mut rest = events;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            return;
        }
        let (now, later) = rest.split_at((*size).min(rest.len()));
        let rules = Arc::clone(correlator.rules());
        let changes = correlator.push(now.iter().flat_map(|event| observations(&rules, event)).collect());
        assert_eq!((changes.late, changes.evicted_hits), (0, 0));
        in_force.take(changes);
        correlator.advance(Timestamp(now.iter().map(|event| event.time_us).max().expect("a delivery")));
        rest = later;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn any_order_within_the_bound_comes_to_what_the_twin_sees(
        text in correlations(),
        events in made(),
        delays in prop::collection::vec(0..5 * SECOND_US, 40),
        sizes in prop::collection::vec(1..6_usize, 1..5),
        cut in 0..40_usize,
    ) {
        let rules = compiled(&text);
        let all: Vec<Arc<Correlation>> = rules.rules().cloned().collect();
        let settings = Settings { lateness_us: 5 * SECOND_US, ..PATIENT };
        let expected = twin(&all, &events);

        let mut sorted = InForce::default();
        let mut in_order = events.clone();
        in_order.sort_by_key(|event| event.time_us);
        deliver(&mut Correlator::new(Arc::clone(&rules), settings), &in_order, &[in_order.len()], &mut sorted);
        prop_assert_eq!(&summary(&sorted.0), &expected, "{}", text);

        // Late, in pieces, and with a restart on the way.
        let arriving = delayed(&events, &delays);
        let (before, after) = arriving.split_at(cut.min(arriving.len()));
        let mut late = InForce::default();
        let mut correlator = Correlator::new(Arc::clone(&rules), settings);
        deliver(&mut correlator, before, &sizes, &mut late);
        let kept = serde_json::to_string(&correlator.state()).expect("a state is JSON");
        let state: State = serde_json::from_str(&kept).expect("what was written");
        prop_assert_eq!(&state, &correlator.state());
        let (mut resumed, lost) = Correlator::resume(Arc::clone(&rules), settings, state);
        prop_assert_eq!((lost.len(), resumed.stored()), (0, correlator.stored()));
        deliver(&mut resumed, after, &sizes, &mut late);
        // Words and events included.
        prop_assert_eq!(&late.0, &sorted.0, "{}", text);

        // What comes again changes nothing.
        let again: Vec<Observation> = arriving
            .iter()
            .filter(|event| resumed.watermark().is_some_and(|watermark| event.time_us >= watermark.0))
            .flat_map(|event| observations(&rules, event))
            .collect();
        let changes = resumed.push(again);
        prop_assert!(changes.raised.is_empty() && changes.withdrawn.is_empty(), "{:?}", changes);
    }
}

const MANY: &str = "title: many\nid: many\ncorrelation: { type: event_count, rules: [a], group-by: [User], timespan: 1h, condition: { gte: 3 } }\n";

fn event(second: i64, name: &str, user: &'static str) -> Made {
    let fields = BTreeMap::from([("User", user.to_owned())]);
    Made { time_us: second * SECOND_US, event: name.to_owned(), rules: BTreeSet::from([0]), fields }
}

#[test]
fn what_goes_for_want_of_room_is_counted() {
    let rules = compiled(MANY);
    let push = |correlator: &mut Correlator, made: &[Made]| -> Changes {
        correlator.push(made.iter().flat_map(|one| observations(&rules, one)).collect())
    };
    let small = Settings { max_hits: 4, ..PATIENT };
    let mut correlator = Correlator::new(Arc::clone(&rules), small);
    let first =
        push(&mut correlator, &[event(1, "1", "x"), event(2, "2", "x"), event(3, "3", "y"), event(4, "4", "y")]);
    assert_eq!((first.evicted_groups, correlator.stored().groups), (0, 2));
    let full = push(&mut correlator, &[event(5, "5", "y")]);
    assert_eq!((full.evicted_groups, full.evicted_hits, full.raised.len()), (1, 2, 1), "the quiet group goes");
    assert_eq!(correlator.stored().hits, 3);

    let narrow = Settings { max_group_hits: 3, ..PATIENT };
    let mut correlator = Correlator::new(Arc::clone(&rules), narrow);
    let hot: Vec<Made> =
        ["1", "2", "3", "4", "5"].into_iter().zip(1..).map(|(name, at)| event(at, name, "x")).collect();
    let changes = push(&mut correlator, &hot);
    assert_eq!((changes.raised.len(), changes.evicted_hits, correlator.stored().hits), (3, 2, 3));
    let next = push(&mut correlator, &[event(6, "6", "x")]);
    assert_eq!(next.raised[0].value, 4.0, "three that were kept, and the new one");
}

#[test]
fn what_is_too_late_or_no_longer_fits_is_counted() {
    let rules = compiled(MANY);
    let strict = Settings { lateness_us: 10 * SECOND_US, ..PATIENT };
    let mut correlator = Correlator::new(Arc::clone(&rules), strict);
    correlator.push(observations(&rules, &event(100, "1", "x")));
    correlator.advance(Timestamp(100 * SECOND_US));
    let at_bound = correlator.push(observations(&rules, &event(90, "2", "x")));
    let beyond = correlator.push(observations(&rules, &event(89, "3", "x")));
    assert_eq!((at_bound.late, beyond.late, correlator.stored().hits), (0, 1, 2));
    correlator.advance(Timestamp(10_000 * SECOND_US));
    assert_eq!(correlator.stored().hits, 0, "what no event can concern any more is forgotten");

    correlator.push(observations(&rules, &event(10_000, "4", "x")));
    let changed = compiled(&MANY.replace("gte: 3", "gte: 4"));
    let (fresh, lost) = Correlator::resume(changed, strict, correlator.state());
    assert_eq!((lost.len(), lost[0].hits, fresh.stored().hits), (1, 1, 0));
    assert_eq!(lost[0].reason, "the rule was changed");
    assert_eq!(fresh.watermark(), correlator.watermark());
}

#[test]
fn a_late_event_raises_and_withdraws() {
    let text =
        "title: alone\nid: alone\ncorrelation: { type: event_count, rules: [a], timespan: 1h, condition: { eq: 1 } }\n";
    let rules = compiled(text);
    let mut correlator = Correlator::new(Arc::clone(&rules), PATIENT);
    let first = correlator.push(observations(&rules, &event(5, "later", "x")));
    assert_eq!((first.raised.len(), first.withdrawn.len()), (1, 0));
    let second = correlator.push(observations(&rules, &event(1, "earlier", "x")));
    assert_eq!(second.raised[0].key.event, "earlier");
    assert_eq!(second.withdrawn, [first.raised[0].key.clone()]);
}
