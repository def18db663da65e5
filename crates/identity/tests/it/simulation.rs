//! A joiner with eight systems, and a program that dies at every step: exactly once in effect.
//!
//! The room, the deadlines and the outbox are the real ones; the systems are in memory and outlive the program. A crash is
//! a future that is dropped after so many polls: somewhere between a write at a system and its record here. Seeded days with
//! faults of systems follow. `VIGIE_SIMULATION_SEED=n` runs one day.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use connector::memory::Fault;
use connector::{ConnectorError, ObjectClass};
use identity::account::Progress;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use testkit::sqlite;

use crate::rig::{self, Rig, record};

const SYSTEMS: [&str; 8] = ["ad", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];
const RUNS: u64 = 12;

async fn office(url: &str) -> Rig {
    let rig = rig::open(url).await;
    let mut policy = rig::POLICY.to_owned();
    let mut grants = vec!["\"ad\"".to_owned(), "\"ad/All-Staff\"".to_owned()];
    for system in &SYSTEMS[1..] {
        policy.push_str(&format!(
            "\n[system.{system}]\ntitle = \"{system}\"\nowner = \"P-1\"\nconnector = {{ kind = \"memory\" }}\ndelta_minutes = 14400\nreconcile_hours = 2400\nanchor = \"externalId\"\n\
             [system.{system}.login]\ntemplate = \"{{{{ person.number }}}}\"\nscope = \"{system}\"\n[system.{system}.attributes]\nname = \"{{{{ person.display_name }}}}\"\n"
        ));
        grants.push(format!("\"{system}/Users\""));
        rig.make_group(system, "Users").await;
    }
    policy = policy.replace("grants = [\"ad\", \"ad/All-Staff\"]", &format!("grants = [{}]", grants.join(", ")));
    rig.save(&policy).await.unwrap();
    rig
}

/// Runs a future for so many polls of it and drops it. `true`: it came to its end.
async fn dies_after<T>(polls: u64, future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |context: &mut Context<'_>| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn check(rig: &mut Rig, what: &str) {
    let person = rig.person("Diallo").await;
    let view = rig.identity.person_view(person.id).await.unwrap();
    assert_eq!(view.accounts.len(), 8, "{what}: no account is lost, none is there twice");
    for account in &view.accounts {
        assert_eq!(account.progress, Progress::Settled, "{what}: {} {:?}", account.system, account.problem);
        let target = rig.targets.get(&account.system);
        assert_eq!(target.count(ObjectClass::Account), 1, "{what}: one account in {}", account.system);
        let object = rig.at(&account.system, &account.login).await.unwrap();
        assert_eq!(object.enabled, Some(true), "{what}: {}", account.system);
        let groups = if account.system == "ad" { 2 } else { 1 };
        assert_eq!(object.groups.len(), groups, "{what}: {} {:?}", account.system, object.groups);
        assert_eq!(account.native_id.as_deref(), Some(object.object.id.as_str()), "{what}");
    }
    assert_eq!(rig.store.verify_ledger().await.unwrap().fault, None, "{what}");
}

#[tokio::test]
async fn a_crash_at_every_step_of_a_joiner() {
    let mut crashes = 0;
    for polls in (1_u64..).step_by(3) {
        let database = sqlite();
        let mut rig = office(&database.url).await;
        rig.deliver(&[record(&[("person", "P-10"), ("contract", "C-10")])]).await;
        let targets = rig.targets.clone();
        let identity = rig.identity.clone();
        let ended = dies_after(polls, identity.provision(targets.as_ref())).await;
        crashes += usize::from(!ended);
        drop(identity);
        rig.restart().await;
        rig.work().await;
        check(&mut rig, &format!("after {polls} polls")).await;
        if ended {
            break;
        }
    }
    println!("{crashes} crashes");
    assert!(crashes > 8, "too tame: {crashes}");
}

#[tokio::test]
async fn days_with_faults_and_crashes() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let only: Option<u64> = number("VIGIE_SIMULATION_SEED");
    let mut faults = 0_u64;
    for seed in only.map_or(0..RUNS, |seed| seed..seed + 1) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let database = sqlite();
        let mut rig = office(&database.url).await;
        rig.deliver(&[record(&[("person", "P-10"), ("contract", "C-10")])]).await;
        for _ in 0..4 {
            for system in SYSTEMS {
                let target = rig.targets.get(system);
                for _ in 0..random.next_u64() % 4 {
                    let error = ConnectorError::transient("the line broke");
                    faults += 1;
                    target.next(match random.next_u64() % 3 {
                        0 => Fault::Pass,
                        1 => Fault::Fail(error),
                        _ => Fault::ApplyThenFail(error),
                    });
                }
            }
            let targets = rig.targets.clone();
            let identity = rig.identity.clone();
            dies_after(random.next_u64() % 200, identity.provision(targets.as_ref())).await;
            drop(identity);
            rig.restart().await;
            rig.pass_until(rig.store.now().plus_micros(600_000_000)).await;
        }
        for system in SYSTEMS {
            rig.targets.get(system).mend();
        }
        rig.pass_days(1).await;
        check(&mut rig, &format!("seed {seed}")).await;
    }
    println!("{faults} faults");
}
