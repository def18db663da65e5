//! Licences that nobody uses.

use identity::finding::{FindingKind, FindingState};

use crate::rig::{self, Rig, officer, record};

/// A licence that nobody uses is told with what it saves, kept by a person's word, and else taken back on the day that was named.
pub async fn a_licence_that_nobody_uses_is_proposed_and_taken_back(url: String) {
    let mut rig = rig::open(&url).await;
    let costs = rig::POLICY
        .replace(
            "[system.ad.login]",
            "[system.ad.entitlements.FIN-Read]\nkind = \"licence\"\ncost_yearly = 120.0\nowner = \"P-1\"\n[system.ad.login]",
        )
        .replace("gap_days = 30", "gap_days = 30\ncurrency = \"EUR\"\nlicence_answer_days = 14");
    rig.save(&costs).await.unwrap();
    let owner =
        record(&[("person", "P-1"), ("contract", "C-1"), ("given", "Bo"), ("family", "Lind"), ("born", "1970-01-01")]);
    rig.deliver(&[record(&[("person", "P-10"), ("contract", "C-10"), ("unit", "FIN")]), owner]).await;
    rig.work().await;
    let holds = async |rig: &Rig| rig.at("ad", "adiallo").await.unwrap().groups.contains("FIN-Read");
    let used = async |rig: &Rig, days_ago: i64| {
        let at = rig.store.now().micros() - days_ago * rig::DAY_US;
        rig.tamper(&format!("UPDATE identity_account SET last_use_us = {at} WHERE system = 'ad'")).await;
    };
    let told = async |rig: &Rig| {
        rig.identity.look_at_licences(&officer()).await.unwrap();
        rig.identity.findings(Some(FindingKind::IdleLicence), Some(FindingState::Open)).await.unwrap()
    };
    rig.pass_days(100).await;
    assert_eq!(told(&rig).await.len(), 0, "nobody knows whether it was used");
    used(&rig, 91).await;
    let found = told(&rig).await;
    assert!(
        found[0].title.contains("ad/FIN-Read of adiallo") && found[0].title.contains("120 EUR a year"),
        "{found:?}"
    );
    // Whoever answers for the licence hears of it, once a day.
    let catalog = rig.identity.catalog().await.unwrap();
    let licence = catalog.all().find(|one| one.name == "FIN-Read").unwrap().id.to_string();
    let heard = rig.identity.notices(&licence).await.unwrap();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(
        (heard[0].person, heard[0].subject.as_str()),
        (rig.person("Lind").await.id, "Unused licences: ad/FIN-Read")
    );
    used(&rig, 1).await;
    assert_eq!(told(&rig).await.len(), 0, "it is used again");
    used(&rig, 91).await;
    let found = told(&rig).await;
    rig.identity.close_finding(found[0].id, "needed for the closing of the year", &officer()).await.unwrap();
    rig.pass_days(20).await;
    assert_eq!((told(&rig).await.len(), holds(&rig).await), (0, true), "a person kept it");
    rig.pass_days(80).await;
    assert_eq!(told(&rig).await.len(), 1, "and is asked again after as long");
    rig.pass_days(13).await;
    assert_eq!((told(&rig).await.len(), holds(&rig).await), (1, true));
    rig.pass_days(2).await;
    assert_eq!(told(&rig).await.len(), 0);
    rig.work().await;
    assert!(!holds(&rig).await, "it is taken back");
    let all = rig.identity.findings(Some(FindingKind::IdleLicence), None).await.unwrap();
    assert!(all.iter().any(|one| one.decision.as_deref() == Some("taken back: 120 EUR a year")), "{all:?}");
    let person = rig.person("Diallo").await.id;
    assert_eq!(rig.identity.exclusions(person).await.unwrap().len(), 1, "the rule does not give it again");
}
