//! The emergency stop with targets that hang, refuse and lie. Time is the runtime's own and stands still.

use std::sync::Arc;
use std::time::Duration;

use connector::emergency::{EmergencyAccount, EmergencyResult, LONGEST, Stage, disable_everywhere};
use connector::memory::{Fault, Memory};
use connector::{
    Attributes, Change, Connector, ConnectorError, Effect, ErrorKind, NewObject, ObjectClass, ObjectKey, Operation,
    ProtectionRules, Schema,
};

fn key() -> ObjectKey {
    ObjectKey::correlation(ObjectClass::Account, "employeeID", "1001")
}

async fn target(name: &str, rules: ProtectionRules) -> Arc<Memory> {
    let capabilities = Memory::new("x").capabilities().clone();
    let target = Memory::with(name, capabilities, Schema::default(), rules);
    let new = NewObject { name: "amina".into(), attributes: Attributes::new(), ..NewObject::default() };
    target.write(&Operation::new("op", key(), Change::Create(new))).await.unwrap();
    Arc::new(target)
}

#[tokio::test(start_paused = true)]
async fn everybody_reachable_is_out_and_the_rest_is_named() {
    let listed = ProtectionRules { listed: vec!["amina".into()], ..ProtectionRules::default() };
    let mut targets = vec![];
    for (name, rules) in [
        ("fine", ProtectionRules::default()),
        ("hangs", ProtectionRules::default()),
        ("hangs-late", ProtectionRules::default()),
        ("away", ProtectionRules::default()),
        ("protected", listed),
        ("answer-lost", ProtectionRules::default()),
    ] {
        targets.push((name, target(name, rules).await));
    }
    targets[1].1.next(Fault::Hang);
    // The order goes through, the look after it hangs.
    targets[2].1.next(Fault::Pass);
    targets[2].1.next(Fault::Hang);
    targets[3].1.next(Fault::Fail(ConnectorError::transient("connection refused")));
    targets[5].1.next(Fault::ApplyThenFail(ConnectorError::transient("cut")));
    let accounts: Vec<EmergencyAccount> = targets
        .iter()
        .map(|(name, target)| EmergencyAccount {
            system: (*name).to_owned(),
            connector: target.clone(),
            account: key(),
            privileged: true,
        })
        .collect();
    let before = tokio::time::Instant::now();
    let outcomes = disable_everywhere("stop-1", &accounts, Duration::from_secs(300)).await;
    assert_eq!(before.elapsed(), LONGEST, "no longer than a minute, whatever was asked");
    let results: Vec<_> = outcomes.iter().map(|outcome| &outcome.result).collect();
    assert!(matches!(results[0], EmergencyResult::Disabled { effect: Effect::Applied, .. }));
    assert!(matches!(results[1], EmergencyResult::Unreachable { stage: Stage::Disabling, .. }));
    assert!(matches!(results[2], EmergencyResult::Unreachable { stage: Stage::Verifying, .. }));
    assert!(matches!(results[3], EmergencyResult::Unreachable { .. }));
    assert!(matches!(results[4], EmergencyResult::Refused { error } if error.kind == ErrorKind::Protected));
    let again: Vec<EmergencyAccount> = accounts
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| outcome.result.to_be_retried())
        .map(|(account, _)| account.clone())
        .collect();
    assert_eq!(
        again.iter().map(|one| one.system.as_str()).collect::<Vec<_>>(),
        ["hangs", "hangs-late", "away", "answer-lost"]
    );
    for outcome in disable_everywhere("stop-1", &again, LONGEST).await {
        assert!(matches!(outcome.result, EmergencyResult::Disabled { .. }), "{outcome:?}");
    }
}
