//! Joiners, movers and leavers, with the cases that go wrong elsewhere.

use identity::account::{Status, WantedState};
use identity::assignment::{Mode, NewAssignment, Source, Target};
use identity::compute::Phase;
use identity::finding::{FindingKind, FindingState};
use kernel::Timestamp;
use kernel::fact::{DuressUsed, PersonUnderDuress};

use crate::rig::{self, Rig, officer, record};

fn set(groups: &[&str]) -> std::collections::BTreeSet<String> {
    groups.iter().map(|group| (*group).to_owned()).collect()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn amina(fields: &[(&str, &str)]) -> String {
    record(&[&[("person", "P-10"), ("contract", "C-10")], fields].concat())
}

async fn findings(rig: &Rig, kind: FindingKind) -> usize {
    rig.identity.findings(Some(kind), Some(FindingState::Open)).await.unwrap().len()
}

pub async fn a_joiner_is_made_ahead_and_let_in_on_the_day(url: String) {
    let mut rig = rig::open(&url).await;
    let future = |begins: &str| amina(&[("begins", begins), ("unit", "FIN"), ("manager", "P-1")]);
    rig.deliver(&[future("2026-12-10")]).await;
    rig.work().await;
    assert!(rig.at("ad", "adiallo").await.is_none(), "a week ahead is early enough");

    rig.deliver(&[future("2026-12-05")]).await;
    rig.pass_until(at("2026-11-28T00:00:00Z")).await;
    let made = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!((made.enabled, made.groups), (Some(false), set(&[])), "made, asleep, in no group");

    // The day begins in Nairobi.
    rig.pass_until(at("2026-12-04T20:59:00Z")).await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(false));
    rig.pass_until(at("2026-12-04T21:00:00Z")).await;
    let here = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!((here.enabled, here.container.as_str()), (Some(true), "OU=NBO,DC=office"));
    assert_eq!(here.groups, set(&["All-Staff", "FIN-Read", "NBO-Site"]));
    let erp = rig.at("erp", "P-10.diallo").await.unwrap();
    assert_eq!(erp.object.attributes.text("roles"), Some("AP-Clerk"));

    let person = rig.person("Diallo").await;
    let view = rig.identity.person_view(person.id).await.unwrap();
    let line = view.access.iter().find(|line| line.grant.to_string() == "ad/FIN-Read").unwrap();
    let steps: Vec<&str> = line.why.iter().map(|step| step.key.as_str()).skip(1).collect();
    assert_eq!(steps, ["finance", "finance-officer", "finance-reader"], "the way to it is known");
}

pub async fn a_joiner_who_does_not_come_leaves_nothing(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[
        amina(&[("begins", "2026-11-25")]),
        record(&[("person", "P-11"), ("contract", "C-11"), ("family", "Okoye"), ("born", "1990-01-01")]),
    ])
    .await;
    rig.work().await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(false));
    // Postponed: the account waits; cancelled: it goes, and its name is held.
    rig.deliver(&[
        amina(&[("begins", "2026-11-27")]),
        record(&[("person", "P-11"), ("contract", "C-11"), ("family", "Okoye"), ("born", "1990-01-01")]),
    ])
    .await;
    rig.pass_until(at("2026-11-25T12:00:00Z")).await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(false));
    rig.deliver(&[
        amina(&[("begins", "2026-11-27"), ("standing", "cancelled")]),
        record(&[("person", "P-11"), ("contract", "C-11"), ("family", "Okoye"), ("born", "1990-01-01")]),
    ])
    .await;
    rig.work().await;
    assert!(rig.at("ad", "adiallo").await.is_none());
    assert_eq!(rig.account("Diallo", "ad").await.unwrap().status, Status::Absent);
}

/// A contract that is cancelled after years of work closes the account, and never deletes it, however often it is looked at.
pub async fn what_was_ever_open_is_not_taken_for_made_ahead(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[amina(&[])]).await;
    rig.work().await;
    for job in ["Officer", "Clerk", "Chief"] {
        rig.deliver(&[amina(&[("standing", "cancelled"), ("job", job)])]).await;
        rig.work().await;
        let there = rig.at("ad", "adiallo").await.expect(job);
        assert_eq!(there.enabled, Some(false), "{job}");
        // Memberships have the grace of everybody who leaves: a wrong word is put right without loss.
        assert!(there.groups.contains("All-Staff"), "{job}");
    }
    rig.pass_days(21).await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().groups, set(&[]));
    // And it opens again.
    rig.deliver(&[amina(&[])]).await;
    rig.work().await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(true));
}

pub async fn a_leaver_is_out_on_the_last_second_of_the_duty_station(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[amina(&[("ends", "2026-11-30"), ("unit", "FIN")])]).await;
    rig.pass_until(at("2026-11-30T20:59:59Z")).await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(true));
    rig.pass_until(at("2026-11-30T21:00:00Z")).await;
    let out = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!(out.enabled, Some(false));
    assert_eq!(out.groups, set(&["All-Staff", "FIN-Read", "NBO-Site"]), "asleep until the grace is over");
    rig.pass_days(21).await;
    let out = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!((out.enabled, out.groups), (Some(false), set(&[])), "disabled, and nothing left in it");
}

pub async fn a_rehire_gets_the_same_account_and_not_the_old_access(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[amina(&[("ends", "2026-11-30")])]).await;
    rig.work().await;
    let person = rig.person("Diallo").await;
    let extra = NewAssignment {
        person: person.id,
        target: Target::Role("old-team".to_owned()),
        mode: Mode::Active,
        source: Source::Person,
        source_ref: None,
        reason: "helps the old team".to_owned(),
        approver: Some("P-1".to_owned()),
        from: None,
        until: None,
    };
    rig.identity.give(extra, &officer()).await.unwrap();
    rig.work().await;
    assert!(rig.at("ad", "adiallo").await.unwrap().groups.contains("Old-Team"));
    rig.pass_days(60).await;
    let before = rig.account("Diallo", "ad").await.unwrap();
    assert_eq!(before.status, Status::Disabled);

    // A new contract under the same number.
    let again = record(&[("person", "P-10"), ("contract", "C-20"), ("begins", "2027-02-01")]);
    rig.deliver(&[amina(&[("ends", "2026-11-30")]), again]).await;
    rig.pass_until(at("2027-02-01T06:00:00Z")).await;
    let back = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!(
        (back.enabled, back.groups),
        (Some(true), set(&["All-Staff", "NBO-Site"])),
        "old access is not restored"
    );
    assert_eq!(rig.account("Diallo", "ad").await.unwrap().id, before.id, "the same account");
    assert_eq!(rig.people().await.len(), 1);
}

pub async fn a_gap_is_a_pause(url: String) {
    let mut rig = rig::open(&url).await;
    let contracts = [
        amina(&[("ends", "2026-11-30")]),
        record(&[("person", "P-10"), ("contract", "C-20"), ("begins", "2026-12-15")]),
    ];
    rig.deliver(&contracts).await;
    rig.work().await;
    let person = rig.person("Diallo").await;
    let extra = NewAssignment {
        person: person.id,
        target: Target::Role("old-team".to_owned()),
        mode: Mode::Active,
        source: Source::Person,
        source_ref: None,
        reason: "helps".to_owned(),
        approver: None,
        from: None,
        until: None,
    };
    rig.identity.give(extra, &officer()).await.unwrap();
    rig.pass_until(at("2026-12-05T00:00:00Z")).await;
    let view = rig.identity.person_view(person.id).await.unwrap();
    assert!(matches!(view.phase, Phase::Between { .. }), "{:?}", view.phase);
    let paused = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!(paused.enabled, Some(false));
    rig.pass_until(at("2026-12-15T00:00:00Z")).await;
    let back = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!((back.enabled, back.groups), (Some(true), set(&["All-Staff", "NBO-Site", "Old-Team"])));
}

pub async fn two_contracts_are_a_union_and_each_takes_its_own_part(url: String) {
    let mut rig = rig::open(&url).await;
    let second = |ends: &str| {
        record(&[
            ("person", "P-10"),
            ("contract", "C-11"),
            ("unit", "FIN"),
            ("station", "par"),
            ("begins", "2026-06-01"),
            ("ends", ends),
        ])
    };
    rig.deliver(&[amina(&[]), second("2026-12-31")]).await;
    rig.work().await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().groups, set(&["All-Staff", "FIN-Read", "NBO-Site", "PAR-Site"]));
    rig.pass_until(at("2027-01-25T00:00:00Z")).await;
    let one = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!(
        (one.enabled, one.groups),
        (Some(true), set(&["All-Staff", "NBO-Site"])),
        "only the part of the one that ended goes"
    );
}

pub async fn an_end_in_the_past_ends_access_now_and_tells_of_the_exposure(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[amina(&[])]).await;
    rig.work().await;
    let known_before = rig.store.now();
    rig.pass_days(3).await;
    rig.deliver(&[amina(&[("ends", "2026-11-15")])]).await;
    rig.work().await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(false));
    let exposure = rig.identity.findings(Some(FindingKind::Exposure), None).await.unwrap().remove(0);
    assert_eq!(exposure.detail["from"], "2026-11-15T21:00:00.000000Z");
    // What was believed then can still be asked for.
    let person = rig.person("Diallo").await;
    let then = rig.identity.past_view(person.id, known_before, known_before).await.unwrap();
    assert_eq!(then.access.iter().filter(|line| !line.asleep).count(), 3);
    let now_known = rig.identity.past_view(person.id, known_before, rig.store.now()).await.unwrap();
    assert!(now_known.engagements.iter().all(|sheet| sheet.ends.is_none() || sheet.ends.is_some()));
    // The end is taken back: the same account wakes up.
    let before = rig.account("Diallo", "ad").await.unwrap().id;
    rig.deliver(&[amina(&[("ends", "2027-12-31")])]).await;
    rig.work().await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(true));
    assert_eq!(rig.account("Diallo", "ad").await.unwrap().id, before);
}

pub async fn a_mover_has_the_new_before_the_old_goes(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[amina(&[("unit", "FIN")])]).await;
    rig.work().await;
    rig.deliver(&[amina(&[("unit", "OPS"), ("station", "par"), ("effective", "2026-11-21")])]).await;
    rig.work().await;
    let moving = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!(moving.groups, set(&["All-Staff", "FIN-Read", "NBO-Site", "PAR-Site"]), "the union, for a while");
    assert_eq!(moving.container, "OU=PAR,DC=office");
    rig.pass_days(6).await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().groups, set(&["All-Staff", "PAR-Site"]));
}

/// The unit was wrong in the very first delivery, for a contract that began long ago: put right within a day, nothing of it
/// stays; later it is a move.
pub async fn a_first_word_put_right_within_a_day_is_no_move(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[amina(&[("unit", "FIN")])]).await;
    rig.work().await;
    assert!(rig.at("ad", "adiallo").await.unwrap().groups.contains("FIN-Read"));
    rig.clock.advance_s(4 * 3_600);
    rig.deliver(&[amina(&[("unit", "OPS")])]).await;
    rig.work().await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().groups, set(&["All-Staff", "NBO-Site"]), "at once");
    rig.pass_days(2).await;
    rig.deliver(&[amina(&[("unit", "FIN")])]).await;
    rig.pass_days(2).await;
    rig.deliver(&[amina(&[("unit", "OPS")])]).await;
    rig.work().await;
    assert!(
        rig.at("ad", "adiallo").await.unwrap().groups.contains("FIN-Read"),
        "what held for two days goes as a move"
    );
}

pub async fn leave_keeps_the_account_and_takes_power(url: String) {
    let mut rig = rig::open(&url).await;
    let noted = rig::POLICY.replace(
        "[system.ad.login]",
        "[system.ad.entitlements.Old-Team]\nprivileged = true\n[system.ad.entitlements.FIN-Read]\nkind = \"licence\"\ncost_yearly = 120.0\n[system.ad.login]",
    );
    rig.save(&noted).await.unwrap();
    rig.deliver(&[amina(&[("unit", "FIN")])]).await;
    let person = rig.person("Diallo").await;
    let extra = NewAssignment {
        person: person.id,
        target: Target::Role("old-team".to_owned()),
        mode: Mode::Active,
        source: Source::Adopted,
        source_ref: None,
        reason: "runs it".to_owned(),
        approver: None,
        from: None,
        until: None,
    };
    rig.identity.give(extra, &officer()).await.unwrap();
    rig.work().await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().groups, set(&["All-Staff", "FIN-Read", "NBO-Site", "Old-Team"]));
    rig.stand_in("Old-Team").await;
    rig.deliver(&[amina(&[("unit", "FIN"), ("standing", "leave")])]).await;
    rig.work().await;
    let away = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!((away.enabled, away.groups), (Some(true), set(&["All-Staff", "FIN-Read", "NBO-Site"])));
    rig.deliver(&[amina(&[("unit", "FIN"), ("standing", "suspended")])]).await;
    rig.work().await;
    let out = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!((out.enabled, out.groups), (Some(false), set(&["All-Staff", "NBO-Site"])), "a licence sleeps nowhere");
    rig.deliver(&[amina(&[("unit", "FIN")])]).await;
    rig.work().await;
    assert!(rig.at("ad", "adiallo").await.unwrap().groups.contains("Old-Team"), "back at work");
    let (costs, idle) = rig.identity.licences().await.unwrap();
    assert_eq!((costs[0].accounts, costs[0].cost_yearly, idle.len()), (1, 120.0, 0));
}

pub async fn a_new_name_keeps_the_anchor_and_the_old_address(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[amina(&[])]).await;
    rig.work().await;
    let before = rig.account("Diallo", "ad").await.unwrap();
    rig.deliver(&[amina(&[("family", "Diallo-Ndiaye")])]).await;
    rig.work().await;
    let after = rig.account("Diallo-Ndiaye", "ad").await.unwrap();
    assert_eq!((after.id, after.native_id.clone()), (before.id, before.native_id));
    assert_eq!(after.login, "adiallondiay", "cut to what the system takes");
    let object = rig.at("ad", "adiallondiay").await.unwrap().object;
    assert_eq!(object.attributes.text("mail"), Some("amina.diallondiaye@office.example"));
    assert_eq!(object.attributes.text("proxyAddresses"), Some("smtp:amina.diallo@office.example"));
    // The old names are still hers.
    let namesake = record(&[("person", "P-11"), ("contract", "C-11"), ("given", "Adam"), ("born", "1991-03-03")]);
    rig.deliver(&[amina(&[("family", "Diallo-Ndiaye")]), namesake]).await;
    rig.work().await;
    assert!(rig.at("ad", "adiallo2").await.is_some());
}

pub async fn names_that_collide_get_a_number_that_stays(url: String) {
    let mut rig = rig::open(&url).await;
    let one = |number: &str, given: &str, born: &str| {
        record(&[("person", number), ("contract", number), ("given", given), ("born", born)])
    };
    let people = [one("P-1", "Amina", "1985-04-12"), one("P-2", "Awa", "1986-04-12"), one("P-3", "Ali", "1987-04-12")];
    rig.deliver(&people).await;
    rig.work().await;
    for login in ["adiallo", "adiallo2", "adiallo3"] {
        assert!(rig.at("ad", login).await.is_some(), "{login}");
    }
    let mut logins = Vec::new();
    for person in rig.people().await {
        let view = rig.identity.person_view(person.id).await.unwrap();
        let ad = view.accounts.into_iter().find(|account| account.system == "ad").unwrap();
        logins.push((person.sheet.given_name, ad.login));
        assert_eq!(rig.identity.pending_changes(person.id).await.unwrap(), [], "computing again changes nothing");
    }
    logins.sort();
    rig.deliver(&people).await;
    rig.work().await;
    assert_eq!(rig.people().await.len(), 3);
    // Names in other scripts become names all the same.
    let script = record(&[
        ("person", "P-4"),
        ("contract", "P-4"),
        ("given", "فاطمة"),
        ("family", "الزهراء"),
        ("born", "1988-01-01"),
    ]);
    rig.deliver(&[people.to_vec(), vec![script]].concat()).await;
    rig.work().await;
    let login = rig.account("الزهراء", "ad").await.unwrap().login;
    assert!(login.is_ascii() && login.len() > 2, "{login}");
}

pub async fn an_emergency_closes_everything_and_says_what_it_could_not_reach(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[amina(&[("unit", "FIN")])]).await;
    rig.work().await;
    let person = rig.person("Diallo").await;
    let away = connector::ConnectorError::transient("the link is down");
    rig.targets.get("erp").next(connector::memory::Fault::Fail(away));
    let targets = rig.targets.clone();
    let outcome = rig.identity.lock_out(person.id, true, "dismissed", &officer(), targets.as_ref()).await.unwrap();
    assert_eq!((outcome.closed, outcome.unreachable.as_slice()), (1, ["erp".to_owned()].as_slice()));
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(false));
    assert_eq!(rig.at("erp", "P-10.diallo").await.unwrap().enabled, Some(true), "that link is down");
    rig.work().await;
    assert_eq!(rig.at("erp", "P-10.diallo").await.unwrap().enabled, Some(false), "tried until it was done");
    let account = rig.account("Diallo", "ad").await.unwrap();
    assert_eq!(account.wanted.unwrap().state, WantedState::Disabled);
    // The feed does not let them in again.
    rig.deliver(&[amina(&[("unit", "OPS")])]).await;
    rig.work().await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(false));
    rig.identity.let_in(person.id, "reinstated", &officer()).await.unwrap();
    rig.work().await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(true));
}

pub async fn merged_records_are_one_person_until_they_are_taken_apart(url: String) {
    let mut rig = rig::open(&url).await;
    let twin = record(&[
        ("person", "P-99"),
        ("contract", "C-99"),
        ("family", "Sow"),
        ("born", "1970-01-01"),
        ("unit", "FIN"),
        ("station", "par"),
    ]);
    rig.deliver(&[amina(&[]), twin]).await;
    rig.work().await;
    let (kept, gone) = (rig.person("Diallo").await, rig.person("Sow").await);
    let merge = rig.identity.merge(kept.id, gone.id, "one and the same", &officer()).await.unwrap();
    rig.work().await;
    let view = rig.identity.person_view(kept.id).await.unwrap();
    assert_eq!((view.engagements.len(), view.anchors.len()), (2, 2));
    assert!(rig.at("ad", "adiallo").await.unwrap().groups.contains("FIN-Read"));
    // Whichever record is named, the human being is out, and in again.
    let targets = rig.targets.clone();
    let out = rig.identity.lock_out(gone.id, false, "stolen laptop", &officer(), targets.as_ref()).await.unwrap();
    assert_eq!(out.person, kept.id);
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(false));
    rig.identity.let_in(gone.id, "it was found", &officer()).await.unwrap();
    rig.work().await;
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(true));
    rig.identity.unmerge(merge, "they are two", &officer()).await.unwrap();
    rig.work().await;
    let view = rig.identity.person_view(gone.id).await.unwrap();
    assert_eq!((view.engagements.len(), view.accounts.len()), (1, 2));
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().groups, set(&["All-Staff", "NBO-Site"]));
}

/// Two records that were put together bring two accounts in one system: the second keeps its name, is given nothing new, is
/// proposed for closing, and never stays open when the person does not.
pub async fn a_second_account_keeps_its_name_and_closes_with_the_person(url: String) {
    let mut rig = rig::open(&url).await;
    let twin = |fields: &[(&str, &str)]| {
        let own =
            [("person", "P-99"), ("contract", "C-99"), ("born", "1970-01-01"), ("unit", "FIN"), ("station", "par")];
        record(&own.into_iter().chain(fields.iter().copied()).collect::<Vec<_>>())
    };
    rig.deliver(&[amina(&[])]).await;
    let first = rig.people().await.remove(0).id;
    rig.deliver(&[amina(&[]), twin(&[])]).await;
    rig.work().await;
    let other = rig.people().await.into_iter().map(|one| one.id).find(|id| *id != first).unwrap();
    let enabled = async |rig: &Rig, login: &str| rig.at("ad", login).await.expect(login).enabled == Some(true);
    assert!(enabled(&rig, "adiallo").await && enabled(&rig, "adiallo2").await);
    // Whichever of them stays, it is their own account that leads.
    let second =
        async |rig: &Rig| rig.identity.findings(Some(FindingKind::SecondAccount), Some(FindingState::Open)).await;
    for (kept, gone, leads, follows) in [(first, other, "adiallo", "adiallo2"), (other, first, "adiallo2", "adiallo")] {
        let merge = rig.identity.merge(kept, gone, "one and the same", &officer()).await.unwrap();
        rig.work().await;
        let found = second(&rig).await.unwrap();
        let logins: Vec<&str> = found.iter().filter_map(|one| one.detail["login"].as_str()).collect();
        assert!(logins.contains(&follows) && !logins.contains(&leads), "{logins:?}");
        assert!(enabled(&rig, leads).await && enabled(&rig, follows).await);
        assert!(rig.at("ad", leads).await.unwrap().groups.contains("FIN-Read"));
        // Locked out is locked out everywhere, and stays so whatever is computed meanwhile.
        let targets = rig.targets.clone();
        rig.identity.lock_out(kept, false, "stolen laptop", &officer(), targets.as_ref()).await.unwrap();
        rig.work().await;
        assert!(!enabled(&rig, leads).await && !enabled(&rig, follows).await);
        rig.identity.let_in(kept, "it was found", &officer()).await.unwrap();
        rig.work().await;
        // It is not opened again by itself: one account is enough.
        assert!(enabled(&rig, leads).await && !enabled(&rig, follows).await);
        rig.identity.unmerge(merge, "they are two", &officer()).await.unwrap();
        rig.work().await;
        assert!(enabled(&rig, leads).await && enabled(&rig, follows).await);
        assert_eq!(second(&rig).await.unwrap().len(), 0);
    }
    // A new name of the person is not the one of the second account; the second is closed by a person.
    let merge = rig.identity.merge(first, other, "one and the same", &officer()).await.unwrap();
    rig.work().await;
    rig.deliver(&[amina(&[("given", "Awa")]), twin(&[("given", "Awa")])]).await;
    rig.work().await;
    let found = second(&rig).await.unwrap();
    let of_ad = found.iter().find(|one| one.system.as_deref() == Some("ad")).unwrap();
    let closed = rig.identity.close_account(of_ad.account.unwrap(), true, "one is enough", &officer()).await.unwrap();
    rig.work().await;
    assert_eq!(closed.login, "adiallo2");
    assert!(!enabled(&rig, "adiallo2").await && enabled(&rig, "adiallo").await);
    assert!(second(&rig).await.unwrap().iter().all(|one| one.system.as_deref() != Some("ad")));
    let leads = rig.identity.person_view(first).await.unwrap().accounts;
    let leads = leads.iter().find(|one| one.login == "adiallo").unwrap().id;
    rig.identity.close_account(leads, true, "no", &officer()).await.unwrap_err();
    rig.identity.unmerge(merge, "they are two", &officer()).await.unwrap();
    rig.work().await;
    assert!(enabled(&rig, "adiallo2").await);
    // Who leaves leaves with both.
    rig.identity.merge(first, other, "one and the same", &officer()).await.unwrap();
    rig.work().await;
    let ended = [("ends", "2026-11-19"), ("given", "Awa")];
    rig.deliver(&[amina(&ended), twin(&ended)]).await;
    rig.work().await;
    assert!(!enabled(&rig, "adiallo").await && !enabled(&rig, "adiallo2").await);
}

pub async fn people_without_a_record_behind_them_need_a_sponsor_and_end(url: String) {
    let mut rig = rig::open(&url).await;
    let sponsor = record(&[
        ("person", "P-1"),
        ("contract", "P-1"),
        ("family", "Boss"),
        ("born", "1960-01-01"),
        ("ends", "2026-12-01"),
    ]);
    let guest = record(&[
        ("person", "V-1"),
        ("contract", "V-1"),
        ("family", "Guest"),
        ("born", "1990-09-09"),
        ("kind", "consultant"),
        ("sponsor", "P-1"),
        ("begins", "2026-11-01"),
    ]);
    let orphaned = record(&[
        ("person", "V-2"),
        ("contract", "V-2"),
        ("family", "Nobody"),
        ("kind", "vendor"),
        ("born", "1991-09-09"),
    ]);
    let own = record(&[
        ("person", "V-3"),
        ("contract", "V-3"),
        ("family", "Selv"),
        ("kind", "vendor"),
        ("sponsor", "V-3"),
        ("born", "1992-09-09"),
    ]);
    let unknown = record(&[
        ("person", "V-4"),
        ("contract", "V-4"),
        ("family", "Stray"),
        ("kind", "vendor"),
        ("sponsor", "P-99"),
        ("born", "1993-09-09"),
    ]);
    let fill: Vec<String> = (0..120)
        .map(|n| {
            record(&[
                ("person", &format!("F-{n}")),
                ("contract", &format!("F-{n}")),
                ("family", &format!("Fill{n}")),
                ("given", &format!("G{n}")),
                ("born", &format!("19{:02}-{:02}-02", 30 + n % 60, 1 + n / 60)),
            ])
        })
        .collect();
    let batch = rig.deliver(&[vec![sponsor, guest, orphaned, own, unknown], fill].concat()).await;
    assert_eq!(batch.quarantined, 2, "a vendor without a sponsor waits, and one who is their own");
    rig.work().await;
    assert_eq!(findings(&rig, FindingKind::Sponsorship).await, 1, "nobody knows P-99");
    assert!(rig.at("ad", "aguest").await.unwrap().enabled.unwrap());
    rig.pass_until(at("2026-12-02T00:00:00Z")).await;
    assert_eq!(findings(&rig, FindingKind::Sponsorship).await, 2, "the sponsor left");
    rig.pass_days(15).await;
    for login in ["aguest", "astray"] {
        assert_eq!(rig.at("ad", login).await.unwrap().enabled, Some(false), "{login}");
    }
}

/// The radio room asks: whom it means is locked out when that is certain, and a person is asked when it is not.
pub async fn the_radio_room_has_accounts_locked(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[amina(&[])]).await;
    rig.work().await;
    let used = |key: &str, label: &str| DuressUsed {
        alarm: kernel::id::AlarmId::derived([7; 16]),
        label: label.to_owned(),
        person: Some(PersonUnderDuress { key: key.to_owned(), name: "Amina Diallo".to_owned(), email: None }),
        lock_accounts: true,
        open_incident: false,
        at: rig.store.now(),
    };
    let (unknown, known) = (used("P-77", "A-0001"), used("p-10", "A-0002"));
    let targets = rig.targets.clone();
    rig.identity.protect(&unknown, targets.as_ref()).await.unwrap();
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(true));
    let open = rig.identity.findings(Some(FindingKind::Other), None).await.unwrap();
    assert!(open.iter().any(|one| one.title.contains("(A-0001): nobody here has their number or mail")), "{open:?}");
    rig.identity.protect(&known, targets.as_ref()).await.unwrap();
    assert_eq!(rig.at("ad", "adiallo").await.unwrap().enabled, Some(false));
    assert!(!format!("{open:?}").to_lowercase().contains("duress"));
}
