//! A person's decision on a record that waited, taken back.

use identity::account::Status;
use identity::feed::{BatchState, RecordDecision};
use identity::finding::{FindingKind, FindingState};

use crate::rig::{self, Rig, file, officer, record};

async fn open_match(rig: &Rig) -> identity::finding::Finding {
    let found = rig.identity.findings(Some(FindingKind::Match), Some(FindingState::Open)).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

/// She works under one contract; a second line may be hers, or another's.
async fn asked(rig: &mut Rig) -> String {
    let hers = record(&[("person", "P-10"), ("contract", "C-10")]);
    rig.deliver(std::slice::from_ref(&hers)).await;
    rig.work().await;
    let other =
        record(&[("person", "P-77"), ("contract", "C-77"), ("family", "Ndiaye"), ("unit", "FIN"), ("station", "par")]);
    rig.clock.advance_s(1);
    let text = file(&[hers, other], &rig.store.now().to_string());
    assert_eq!(rig.deliver_text(&text).await.quarantined, 1);
    text
}

pub async fn a_decision_is_taken_back_and_asked_again(url: String) {
    let mut rig = rig::open(&url).await;
    let text = asked(&mut rig).await;
    let hers = rig.person("Diallo").await;
    let before = rig.identity.person_view(hers.id).await.unwrap();
    // Her other name is kept as any former name is; what she may do is what counts.
    let wanted = |view: &identity::PersonView| {
        let open = view.accounts.iter().filter(|one| one.status == Status::Enabled);
        let what = open.filter_map(|one| Some((one.login.clone(), one.wanted.as_ref()?.entitlements.clone())));
        what.collect::<Vec<_>>()
    };

    // The same person, it was said; her name and contracts followed, and everything that they give.
    let finding = open_match(&rig).await;
    let same = RecordDecision::Same(hers.id);
    rig.identity.decide_record(finding.id, &same, "same passport", &officer()).await.unwrap();
    rig.work().await;
    let merged = rig.identity.person_view(hers.id).await.unwrap();
    assert_eq!((merged.engagements.len(), merged.person.sheet.family_name.as_str()), (2, "Ndiaye"));
    rig.clock.advance_s(60);

    let nothing = rig.identity.undo_record_decision(finding.id, " ", &officer()).await.unwrap_err().to_string();
    assert!(nothing.contains("reason"), "{nothing}");
    let undone = rig.identity.undo_record_decision(finding.id, "another passport", &officer()).await.unwrap();
    assert_eq!((undone.person, undone.contracts.as_slice()), (Some(hers.id), &["C-77".to_owned()][..]));
    rig.pass_days(8).await;
    let after = rig.identity.person_view(hers.id).await.unwrap();
    assert_eq!((after.engagements.len(), &after.person.sheet), (1, &before.person.sheet));
    assert_eq!(wanted(&after), wanted(&before));
    assert_eq!(rig.ledger("finding.undo").await, 1);
    let again = rig.identity.undo_record_decision(finding.id, "again", &officer()).await.unwrap_err().to_string();
    assert!(again.contains("taken back already"), "{again}");

    // The question is open again; the other answer makes another person.
    let asked = open_match(&rig).await;
    assert_eq!(undone.asked_again, Some(asked.id));
    rig.identity.decide_record(asked.id, &RecordDecision::New, "somebody else", &officer()).await.unwrap();
    rig.work().await;
    let other = rig.person("Ndiaye").await;
    assert_ne!(other.id, hers.id);
    assert!(!rig.identity.person_view(other.id).await.unwrap().accounts.is_empty());
    rig.clock.advance_s(60);

    // Taken back as well: whatever was made for somebody who is not is closed.
    rig.identity.undo_record_decision(asked.id, "a typing error after all", &officer()).await.unwrap();
    rig.pass_days(1).await;
    let nobody = rig.identity.person_view(other.id).await.unwrap();
    assert_eq!(nobody.engagements.len(), 0);
    assert!(nobody.accounts.iter().all(|one| one.status != Status::Enabled), "{:?}", nobody.accounts);

    // The same file says something again, and asks.
    let batch = rig.deliver_text(&text).await;
    assert_eq!((batch.state, batch.quarantined), (BatchState::Applied, 1), "{:?}", batch.findings);
    let last = open_match(&rig).await;
    rig.identity.decide_record(last.id, &RecordDecision::Nobody, "not yet", &officer()).await.unwrap();
    rig.clock.advance_s(60);
    let undone = rig.identity.undo_record_decision(last.id, "it is known now", &officer()).await.unwrap();
    assert_eq!((undone.person, undone.asked_again), (None, Some(open_match(&rig).await.id)));
}

pub async fn what_was_built_upon_is_not_taken_back(url: String) {
    let mut rig = rig::open(&url).await;
    asked(&mut rig).await;
    let hers = rig.person("Diallo").await;
    let finding = open_match(&rig).await;
    rig.identity.decide_record(finding.id, &RecordDecision::New, "somebody else", &officer()).await.unwrap();
    rig.work().await;
    rig.clock.advance_s(60);
    let other = rig.person("Ndiaye").await;
    let merge = rig.identity.merge(hers.id, other.id, "the same after all", &officer()).await.unwrap();
    let refused = rig.identity.undo_record_decision(finding.id, "wrong", &officer()).await.unwrap_err().to_string();
    assert!(refused.contains("undo that first"), "{refused}");
    rig.identity.unmerge(merge, "not the same", &officer()).await.unwrap();
    let undone = rig.identity.undo_record_decision(finding.id, "wrong", &officer()).await.unwrap();
    assert_eq!(undone.contracts, ["C-77"]);
    // A question of another kind has no such answer.
    let missing = finding.id;
    assert!(rig.identity.undo_record_decision(missing, "wrong", &officer()).await.is_err());
}
