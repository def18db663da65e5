//! `measure sod | roles FILE… | outliers FILE…`: the figures of `cargo xtask bench`, one JSON object a line.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::time::Instant;

use entitlements::outliers::{Evidence, outliers};
use entitlements::roles::{Access, Budget, Goal, mine};
use entitlements::sod::{
    Asked, Function, Needs, Part, Rule, RuleBook, Side, TimeOverlap, analyse, check_request, explain,
};
use entitlements::{Closure, Edge, Entitlement, Group, Holdings, User, Window};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::{Value, json};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((what, [])) if what == "sod" => println!("{}", sod()),
        Some((what, files)) if what == "roles" => files.iter().for_each(|file| println!("{}", roles(file))),
        Some((what, files)) if what == "outliers" => files.iter().for_each(|file| println!("{}", strange(file))),
        _ => println!("measure sod | roles FILE… | outliers FILE…"),
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn stopwatch() -> Instant {
    Instant::now()
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Time of this thread on a processor.
fn processor_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e6
}

/// Time of all threads, ended ones too, on a processor, to 10 ms.
fn process_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(") ").next().unwrap_or_default();
    // Fields 14 and 15 of proc(5), in hundredths of a second; the name was the second.
    let ticks = after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() * 10.0
}

fn workers() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn below(rng: &mut ChaCha8Rng, limit: u32) -> u32 {
    (rng.next_u64() % u64::from(limit)) as u32
}

const USERS: u32 = 100_000;
const GROUPS: u32 = 20_000;
const ENTITLEMENTS: u32 = 20_000;
const RULES: usize = 1_000;

/// Ten groups a user, a nesting of about 1.7 parents a group that mostly leads to a few large groups, some circles, an
/// entitlement given by two groups and by hand to three people.
fn holdings(rng: &mut ChaCha8Rng) -> Holdings {
    let mut holdings = Holdings::new(USERS as usize, GROUPS as usize, ENTITLEMENTS as usize);
    for user in 0..USERS {
        for _ in 0..10 {
            holdings.insert(Edge::Member(User(user), Group(below(rng, GROUPS))));
        }
    }
    for group in 1..GROUPS {
        for _ in 0..1 + usize::from(below(rng, 10) < 7) {
            // Parents have lower numbers: near the top everybody is a member.
            let parent = below(rng, group);
            holdings.insert(Edge::Nested(Group(group), Group(parent)));
        }
    }
    for _ in 0..40 {
        let low = below(rng, GROUPS / 2);
        holdings.insert(Edge::Nested(Group(low), Group(low + below(rng, GROUPS / 2))));
    }
    for entitlement in 0..ENTITLEMENTS {
        for _ in 0..2 {
            holdings.insert(Edge::Grants(Group(below(rng, GROUPS)), Entitlement(entitlement)));
        }
        for _ in 0..3 {
            holdings.insert(Edge::Direct(User(below(rng, USERS)), Entitlement(entitlement)));
        }
    }
    holdings
}

/// Two sides of one function each with five entitlements.
fn book(rng: &mut ChaCha8Rng) -> RuleBook {
    let function = |rng: &mut ChaCha8Rng| Function {
        entitlements: (0..5).map(|_| Entitlement(below(rng, ENTITLEMENTS))).collect(),
        needs: Needs::Any,
    };
    let functions: Vec<Function> = (0..RULES * 2).map(|_| function(rng)).collect();
    let rule = |number: usize| Rule {
        sides: vec![Side { functions: vec![number * 2] }, Side { functions: vec![number * 2 + 1] }],
        at_least: 2,
        scope: None,
        overlap: TimeOverlap::Simultaneous,
    };
    let rules = (0..RULES).map(rule).collect();
    RuleBook::new(rules, &functions, &[]).unwrap_or_else(|faults| panic!("the generator made a bad rule: {faults:?}"))
}

fn sod() -> Value {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (holdings, book) = (holdings(&mut rng), book(&mut rng));
    let (start, start_cpu_ms) = (stopwatch(), process_ms());
    let closure = Closure::of(holdings, workers());
    let closure_ms = milliseconds(start);
    let start_rules = stopwatch();
    let found = analyse(&closure, &book, 0, workers());
    let rules_ms = milliseconds(start_rules);
    let (full_ms, full_cpu_ms) = (milliseconds(start), process_ms() - start_cpu_ms);
    let violations: u64 = found.iter().map(|one| one.users.len()).sum();
    let mut checks: Vec<f64> = Vec::new();
    let mut checks_cpu: Vec<f64> = Vec::new();
    let mut explained: Vec<f64> = Vec::new();
    let mut stopped = 0;
    for _ in 0..500 {
        let user = User(below(&mut rng, USERS));
        let asked = (0..2).map(|_| Asked::Group(Group(below(&mut rng, GROUPS)))).collect();
        let parts = [
            Part { asked, window: Window::ALWAYS },
            Part {
                asked: vec![Asked::Entitlement(Entitlement(below(&mut rng, ENTITLEMENTS)))],
                window: Window::ALWAYS,
            },
        ];
        let (start, start_cpu_ms) = (stopwatch(), processor_ms());
        let toxic = check_request(&closure, &book, user, &parts, 0);
        checks.push(milliseconds(start));
        checks_cpu.push(processor_ms() - start_cpu_ms);
        stopped += usize::from(toxic.iter().any(|one| one.is_new));
        let start_cpu_ms = processor_ms();
        let conflicts = explain(&closure, &book, user, 0);
        explained.push(processor_ms() - start_cpu_ms);
        assert!(conflicts.iter().all(|one| one.held.iter().all(|held| !held.ways.is_empty())));
    }
    checks.sort_by(f64::total_cmp);
    json!({
        "memberships": closure.membership_count(), "cycles": closure.cycles().len(), "violations": violations,
        "closure_ms": closure_ms, "rules_ms": rules_ms, "full_ms": full_ms, "full_cpu_ms": full_cpu_ms,
        "check_median_ms": checks[250], "check_p99_ms": checks[495], "check_worst_ms": checks[499], "stopped": stopped,
        "check_cpu_worst_ms": worst(&checks_cpu), "explain_cpu_worst_ms": worst(&explained),
    })
}

fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

fn read(file: &str) -> Access {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut rows: Vec<Vec<u32>> = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut words = line.split_whitespace().map(|word| word.parse::<u32>());
        let (Some(Ok(user)), Some(Ok(permission)), None) = (words.next(), words.next(), words.next()) else {
            panic!("{file}:{}: expected `user permission`, two numbers", number + 1);
        };
        if rows.len() <= user as usize {
            rows.resize_with(user as usize + 1, Vec::new);
        }
        rows[user as usize].push(permission);
    }
    Access::new(rows)
}

fn name(file: &str) -> String {
    std::path::Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn roles(file: &str) -> Value {
    let access = read(file);
    let start = stopwatch();
    let few = mine(&access, Goal::FewestRoles, Budget::default()).unwrap_or_else(|error| panic!("{file}: {error}"));
    let few_ms = milliseconds(start);
    let start = stopwatch();
    let light = mine(&access, Goal::LeastWeight, Budget::default()).unwrap_or_else(|error| panic!("{file}: {error}"));
    let light_ms = milliseconds(start);
    assert_eq!(few.expand(&access), access, "not exact");
    assert_eq!(light.expand(&access), access, "not exact");
    json!({
        "set": name(file), "grants": access.grants(),
        "roles": few.roles.len(), "at_least": few.at_least, "weight": few.weight().total(), "ms": few_ms,
        "light_roles": light.roles.len(), "light_weight": light.weight().total(), "light_ms": light_ms,
    })
}

/// One random grant in a hundred, five times over; what the first twentieth of the list finds of them.
fn strange(file: &str) -> Value {
    let access = read(file);
    let permissions: Vec<u32> = {
        let all: HashSet<u32> = (0..access.users()).flat_map(|user| access.of(user).to_vec()).collect();
        let mut all: Vec<u32> = all.into_iter().collect();
        all.sort_unstable();
        all
    };
    let holders: Vec<u32> = (0..access.users() as u32).filter(|user| !access.of(*user as usize).is_empty()).collect();
    let mut recalls: Vec<f64> = Vec::new();
    let mut precisions: Vec<f64> = Vec::new();
    let mut ms: f64 = 0.0;
    let rounds = if access.grants() < 10_000 { 25 } else { 5 };
    for seed in 0..rounds {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let wanted = (access.grants() / 100).max(1);
        let mut injected: HashSet<(u32, u32)> = HashSet::new();
        while injected.len() < wanted {
            let user = holders[below(&mut rng, holders.len() as u32) as usize];
            let permission = permissions[below(&mut rng, permissions.len() as u32) as usize];
            if !access.has(user as usize, permission) {
                injected.insert((user, permission));
            }
        }
        let mut rows: Vec<Vec<u32>> = (0..access.users()).map(|user| access.of(user).to_vec()).collect();
        for (user, permission) in &injected {
            rows[*user as usize].push(*permission);
        }
        let start = stopwatch();
        let found = outliers(&Access::new(rows), &Evidence::default(), workers());
        ms = ms.max(milliseconds(start));
        let looked_at = found.len() / 20;
        let hits = found.iter().take(looked_at).filter(|one| injected.contains(&(one.user, one.permission))).count();
        recalls.push(hits as f64 / wanted as f64);
        precisions.push(hits as f64 / looked_at.max(1) as f64);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let worst = recalls.iter().copied().fold(1.0, f64::min);
    json!({ "set": name(file), "grants": access.grants(), "rounds": rounds, "recall": mean(&recalls), "worst_recall": worst,
        "precision": mean(&precisions), "ms": ms })
}
