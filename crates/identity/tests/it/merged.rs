//! What holds of both records when they become one, and when they become two again.

use identity::account::Status;
use kernel::id::PersonId;

use crate::rig::{self, Rig, officer, record};

async fn two(rig: &mut Rig) -> (PersonId, PersonId) {
    let bo = [("person", "P-11"), ("contract", "C-11"), ("given", "Bo"), ("family", "Lind"), ("born", "1970-01-01")];
    let bo = record(&[&bo[..], &[("unit", "FIN")]].concat());
    rig.deliver(&[record(&[("person", "P-10"), ("contract", "C-10")]), bo]).await;
    rig.work().await;
    (rig.person("Diallo").await.id, rig.person("Lind").await.id)
}

async fn open_accounts(rig: &mut Rig, people: &[PersonId]) -> Vec<String> {
    rig.work().await;
    let mut open = Vec::new();
    for id in people {
        let accounts = rig.identity.person_view(*id).await.unwrap().accounts;
        let enabled = accounts.into_iter().filter(|one| one.status == Status::Enabled);
        open.extend(enabled.map(|one| format!("{}/{}", one.system, one.login)));
    }
    open
}

pub async fn whoever_is_locked_out_stays_so_under_any_record(url: String) {
    let mut rig = rig::open(&url).await;
    let (amina, bo) = two(&mut rig).await;
    let targets = rig.targets.clone();
    let lock = async |rig: &Rig, id| {
        rig.identity.lock_out(id, true, "investigation", &officer(), targets.as_ref()).await.unwrap();
    };
    // The record that is absorbed was locked out: so is the one that stays, with the accounts of both.
    lock(&rig, bo).await;
    let merge = rig.identity.merge(amina, bo, "one and the same", &officer()).await.unwrap();
    assert_eq!(open_accounts(&mut rig, &[amina]).await, Vec::<String>::new());
    let kept = rig.identity.person_view(amina).await.unwrap().person;
    assert!(kept.blocked.is_some() && kept.restricted, "{kept:?}");
    // Two again: both are, until each is let in.
    rig.identity.unmerge(merge, "they are two", &officer()).await.unwrap();
    assert_eq!(open_accounts(&mut rig, &[amina, bo]).await, Vec::<String>::new());
    rig.identity.let_in(amina, "it was not her", &officer()).await.unwrap();
    let open = open_accounts(&mut rig, &[amina, bo]).await;
    assert_eq!(open, ["ad/adiallo"]);
    rig.identity.let_in(bo, "nor him", &officer()).await.unwrap();
    assert_eq!(open_accounts(&mut rig, &[bo]).await.len(), 2);

    // Locked out while they are one: no taking apart opens anything.
    let merge = rig.identity.merge(amina, bo, "one and the same", &officer()).await.unwrap();
    rig.work().await;
    lock(&rig, bo).await;
    rig.identity.unmerge(merge, "they are two", &officer()).await.unwrap();
    assert_eq!(open_accounts(&mut rig, &[amina, bo]).await, Vec::<String>::new());
}

pub async fn what_a_review_took_stays_taken(url: String) {
    let mut rig = rig::open(&url).await;
    let (amina, bo) = two(&mut rig).await;
    let catalog = rig.identity.catalog().await.unwrap();
    let taken = catalog.all().find(|one| one.system == "ad" && one.name == "FIN-Read").unwrap().id;
    let now = rig.store.now().micros();
    rig.tamper(&format!(
        "INSERT INTO identity_exclusion (person_id, entitlement_id, made_us, made_by, reason) VALUES ('{bo}', '{taken}', {now}, 'user:x', 'a review')"
    ))
    .await;
    let merge = rig.identity.merge(amina, bo, "one and the same", &officer()).await.unwrap();
    rig.work().await;
    let groups = |at: Option<rig::At>| at.map(|at| at.groups.contains("FIN-Read")).unwrap_or_default();
    assert!(!groups(rig.at("ad", "adiallo").await), "it does not come back by the other record");
    assert_eq!(rig.identity.exclusions(amina).await.unwrap().len(), 1);
    rig.identity.unmerge(merge, "they are two", &officer()).await.unwrap();
    rig.work().await;
    assert!(!groups(rig.at("ad", "blind").await));
}
