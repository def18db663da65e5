//! A room over an empty database, and hits to feed it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use detect::{AlertEvent, Detect, Hit, Loaded, MatchReason, RuleKind, SigmaPack};
use kernel::{Entity, EntityKind, Severity, Timestamp};
use sigma::correlation::Settings;
use sigma::{Lists, Mappings};
use store::Store;
use testkit::{CountingRandomness, TestClock};

pub const HOUR_US: i64 = 3_600_000_000;

pub struct Rig {
    pub store: Store,
    pub detect: Detect,
    pub clock: Arc<TestClock>,
}

pub async fn rig(url: &str) -> Rig {
    let clock = TestClock::noon();
    let store = Store::open(url, clock.clone(), CountingRandomness::seeded(7)).await.unwrap();
    Rig { detect: Detect::new(store.clone()), store, clock }
}

/// Puts the rules of `text` in force.
pub async fn load(rig: &Rig, text: &str) -> Loaded {
    load_with(&rig.detect, text, &[], Settings::default()).await
}

/// Puts the rules of `text` in force, with filters.
pub async fn load_with(detect: &Detect, text: &str, filters: &[(PathBuf, String)], correlation: Settings) -> Loaded {
    let lists = Lists::default();
    let loader = sigma::Loader::new(&lists).text(Path::new("pack/rule.yml"), text);
    let set = filters.iter().fold(loader, |loader, (name, text)| loader.text(name, text)).finish();
    let revision = |_: &Path| Some("1a2b3c4".to_owned());
    detect.load_sigma(SigmaPack { set, mappings: Mappings::shipped(), revision: &revision, correlation }).await.unwrap()
}

/// A hit of `rule` on item `item`, `hours` after noon, about these hosts and accounts (accounts contain `@`).
pub fn hit(rule: &str, item: &str, hours: i64, things: &[&str]) -> Hit {
    let time = Timestamp(TestClock::NOON.micros() + hours * HOUR_US);
    let entity =
        |name: &&str| Entity::new(if name.contains('@') { EntityKind::Account } else { EntityKind::Host }, name);
    Hit {
        rule_id: rule.to_owned(),
        rule_kind: RuleKind::Sigma,
        rule_digest: "digest".to_owned(),
        rule_revision: None,
        title: format!("rule {rule}"),
        severity: Severity::High,
        techniques: vec!["T1003.001".to_owned()],
        entities: things.iter().map(entity).collect(),
        event: AlertEvent {
            item_id: item.to_owned(),
            time,
            raw: format!("{{\"item\":\"{item}\"}}"),
            reasons: vec![MatchReason {
                field: "Image".into(),
                predicate: "ends with x".into(),
                value: Some("x".into()),
            }],
        },
        further: 0,
        until: time,
        quiet_us: HOUR_US,
    }
}
