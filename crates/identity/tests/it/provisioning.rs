//! Systems: what fails, what others change, and what nobody may touch.

use connector::memory::Fault;
use connector::{
    Attributes, Change, Connector, ConnectorError, ErrorKind, NewObject, ObjectClass, ObjectId, ObjectKey, Operation,
};
use identity::account::{AccountKind, Progress, Protection, Status};
use identity::document::{DocumentKind, Draft, drafts_from_toml};
use identity::finding::{FindingKind, FindingState};
use identity::plan::{PlanState, Proposal};
use identity::provision::Mode;
use identity::{Error, ServiceAccount};

use crate::rig::{self, Rig, officer, record};

fn amina(fields: &[(&str, &str)]) -> String {
    record(&[&[("person", "P-10"), ("contract", "C-10")], fields].concat())
}

/// The office with eight systems that everybody has an account in.
async fn eight(url: &str) -> Rig {
    let rig = rig::open(url).await;
    let mut more = rig::POLICY.to_owned();
    let mut grants = vec!["\"ad\"".to_owned(), "\"ad/All-Staff\"".to_owned()];
    for n in 2..=8 {
        more.push_str(&format!(
            "\n[system.s{n}]\ntitle = \"S{n}\"\nowner = \"P-1\"\nconnector = {{ kind = \"memory\" }}\ndelta_minutes = 14400\nreconcile_hours = 2400\nanchor = \"externalId\"\nentitlement_attribute = \"roles\"\n\
             [system.s{n}.login]\ntemplate = \"{{{{ person.number }}}}\"\nscope = \"s{n}\"\n"
        ));
        grants.push(format!("\"s{n}/user\""));
    }
    more = more.replace("grants = [\"ad\", \"ad/All-Staff\"]", &format!("grants = [{}]", grants.join(", ")));
    rig.save(&more).await.unwrap();
    rig
}

async fn open_findings(rig: &Rig, kind: FindingKind) -> Vec<identity::finding::Finding> {
    rig.identity.findings(Some(kind), Some(FindingState::Open)).await.unwrap()
}

pub async fn three_of_eight_systems_fail_and_the_others_are_done(url: String) {
    let mut rig = eight(&url).await;
    for n in [3, 5] {
        for _ in 0..3 {
            rig.targets.get(&format!("s{n}")).next(Fault::Fail(ConnectorError::transient("busy")));
        }
    }
    let refused = ConnectorError::new(ErrorKind::Refused, "the quota is used up").with_raw(53, "unwilling to perform");
    rig.targets.get("s7").next(Fault::Pass);
    rig.targets.get("s7").next(Fault::Fail(refused));
    let batch = rig.deliver(&[amina(&[])]).await;
    let plan = batch.plan.unwrap();
    rig.work().await;
    let detail = rig.identity.plan(plan).await.unwrap();
    assert_eq!(detail.plan.state, PlanState::Partial);
    let in_state = |word: &str| detail.progress.iter().filter(|one| one.progress == word).count();
    assert_eq!((in_state("settled"), in_state("retrying"), in_state("refused")), (5, 2, 1), "{:?}", detail.progress);
    let finding = open_findings(&rig, FindingKind::Refused).await.remove(0);
    assert!(finding.title.contains("unwilling to perform"), "the raw reason: {}", finding.title);
    rig.pass_days(1).await;
    let refused = rig.account("Diallo", "s7").await.unwrap();
    assert_eq!(refused.progress, Progress::Refused, "it is not tried for ever");
    rig.identity.retry_account(refused.id, "the quota was raised", &officer()).await.unwrap();
    rig.work().await;
    assert_eq!(rig.identity.plan(plan).await.unwrap().plan.state, PlanState::Done);
    for n in 2..=8 {
        assert_eq!(rig.targets.get(&format!("s{n}")).counters().creates, 1, "s{n} has one account");
    }
    assert_eq!(open_findings(&rig, FindingKind::Refused).await.len(), 0);
}

fn with_drift(policy: &str) -> String {
    let cycle = rig::POLICY.replace(
        "delta_minutes = 14400\nreconcile_hours = 2400\n[system.ad.login]",
        "delta_minutes = 15\n[system.ad.login]",
    );
    cycle.replace("protected = [", &format!("drift = \"{policy}\"\nprotected = ["))
}

async fn native_member(rig: &Rig, login: &str, group: &str, joins: bool) {
    let member = rig.at("ad", login).await.unwrap().object.id;
    let target = rig.targets.get("ad");
    let change = if joins { Change::AddMember { member, until: None } } else { Change::RemoveMember { member } };
    let key = ObjectKey::correlation(ObjectClass::Group, "name", group);
    target.write(&Operation::new("native", key, change)).await.unwrap();
}

pub async fn a_change_at_the_directory_is_put_back_or_taken_over(url: String) {
    for policy in ["report", "revert", "adopt"] {
        let database = testkit::sqlite();
        let url = if policy == "report" { url.clone() } else { database.url.clone() };
        let mut rig = rig::open(&url).await;
        rig.save(&with_drift(policy)).await.unwrap();
        rig.deliver(&[amina(&[])]).await;
        rig.work().await;
        rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
        native_member(&rig, "adiallo", "FIN-Read", true).await;
        let id = rig.at("ad", "adiallo").await.unwrap().object.id;
        rig.targets.get("ad").native_edit(&id, "CORP\\admin7", rig.store.now(), |object| {
            object.attributes.set("department", vec!["Private".into()]);
        });
        // Within one cycle.
        rig.pass_until(rig.store.now().plus_micros(15 * 60_000_000)).await;
        let now = rig.at("ad", "adiallo").await.unwrap();
        let department = now.object.attributes.text("department").unwrap().to_owned();
        let findings = open_findings(&rig, FindingKind::Drift).await;
        match policy {
            "report" => {
                assert_eq!((now.groups.contains("FIN-Read"), department.as_str()), (true, "Private"));
                assert!(findings[0].title.contains("CORP\\admin7"), "who did it: {}", findings[0].title);
            }
            "revert" => {
                assert_eq!((now.groups.contains("FIN-Read"), department.as_str(), findings.len()), (false, "OPS", 0))
            }
            _ => {
                assert!(now.groups.contains("FIN-Read"));
                let person = rig.person("Diallo").await;
                let view = rig.identity.person_view(person.id).await.unwrap();
                assert!(
                    view.access.iter().any(|line| line.grant.to_string() == "ad/FIN-Read"),
                    "it is somebody's to answer for"
                );
            }
        }
    }
}

/// A group that gives power and that no role gives: who puts somebody into it at the directory is seen, whatever the policy.
pub async fn power_that_nobody_gave_is_told_and_never_taken_over(url: String) {
    for policy in ["report", "revert", "adopt"] {
        let database = testkit::sqlite();
        let url = if policy == "report" { url.clone() } else { database.url.clone() };
        let mut rig = rig::open(&url).await;
        let vault = "[system.ad.entitlements.Vault]\nprivileged = true\nrisk = \"critical\"\nowner = \"P-1\"\n";
        let named = with_drift(policy).replacen("[system.erp]", &format!("{vault}\n[system.erp]"), 1);
        rig.make_group("ad", "Vault").await;
        rig.save(&named).await.unwrap();
        rig.deliver(&[amina(&[])]).await;
        rig.work().await;
        rig.stand_in("Vault").await;
        native_member(&rig, "adiallo", "Vault", true).await;
        rig.pass_until(rig.store.now().plus_micros(15 * 60_000_000)).await;
        let holds = rig.at("ad", "adiallo").await.unwrap().groups.contains("Vault");
        let findings = open_findings(&rig, FindingKind::Drift).await;
        let person = rig.person("Diallo").await;
        let view = rig.identity.person_view(person.id).await.unwrap();
        assert!(view.assignments.is_empty(), "{policy}: nobody answers for it");
        assert_eq!(holds, policy != "revert", "{policy}");
        if policy != "revert" {
            assert!(findings[0].title.contains("gained Vault, which is privileged"), "{policy}: {}", findings[0].title);
        }
    }
}

/// Who deletes an account at the directory does not make another one of it: it is brought back as itself.
pub async fn a_deleted_account_comes_back_as_itself(url: String) {
    let mut rig = rig::open(&url).await;
    rig.save(&with_drift("report")).await.unwrap();
    rig.deliver(&[amina(&[])]).await;
    rig.work().await;
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    let target = rig.targets.get("ad");
    let before = rig.at("ad", "adiallo").await.unwrap();
    target.native_delete(&before.object.id);
    rig.pass_until(rig.store.now().plus_micros(15 * 60_000_000)).await;
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    rig.work().await;
    assert!(rig.at("ad", "adiallo").await.is_none(), "it is told, and left");
    // What is only told is put right as soon as the document says so.
    rig.save(&with_drift("revert")).await.unwrap();
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    let passwords = target.counters().passwords;
    rig.identity.provision(rig.targets.as_ref()).await.unwrap();
    let back = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!((&back.object.id, back.enabled), (&before.object.id, Some(true)));
    assert_eq!((&back.groups, &back.object.attributes), (&before.groups, &before.object.attributes));
    assert_eq!(target.counters().passwords, passwords + 1, "what was deleted has no password");
    assert_eq!(open_findings(&rig, FindingKind::MadeAnew).await.len(), 0);
    target.native_delete(&before.object.id);
    target.forget_deleted();
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    rig.identity.provision(rig.targets.as_ref()).await.unwrap();
    let anew = rig.at("ad", "adiallo").await.unwrap();
    assert_ne!(anew.object.id, before.object.id);
    assert_eq!(open_findings(&rig, FindingKind::MadeAnew).await.len(), 1, "rights of the old one are gone");
}

async fn native_account(rig: &Rig, name: &str, attributes: Attributes) -> ObjectId {
    let new = NewObject { name: name.to_owned(), attributes, ..NewObject::default() };
    let key = ObjectKey::correlation(ObjectClass::Account, "uid", name);
    rig.targets.get("ad").write(&Operation::new("native", key, Change::Create(new))).await.unwrap().id
}

pub async fn what_nobody_knows_is_never_deleted_and_never_joined_by_itself(url: String) {
    let mut rig = rig::open(&url).await;
    // Somebody made an account under the login and the address that she would get.
    let mail = Attributes::new().with("mail", "amina@office.example");
    native_account(&rig, "adiallo", mail).await;
    rig.deliver(&[amina(&[("mail", "amina@office.example")])]).await;
    rig.work().await;
    let account = rig.account("Diallo", "ad").await.unwrap();
    assert_eq!(account.progress, Progress::Quarantined, "{:?}", account.problem);
    assert_eq!(open_findings(&rig, FindingKind::JoinRefused).await.len(), 1);
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    let orphan = open_findings(&rig, FindingKind::Orphan).await.remove(0);
    let person = rig.person("Diallo").await;
    assert_eq!(orphan.detail["candidates"][0], person.id.to_string(), "an owner is proposed");
    rig.pass_days(3).await;
    assert_eq!(rig.targets.get("ad").count(ObjectClass::Account), 1, "it is still there, and there is no second");
    // A person says that it is hers.
    rig.identity.join_account(orphan.account.unwrap(), person.id, "she confirmed it", &officer()).await.unwrap();
    rig.work().await;
    let joined = rig.at("ad", "adiallo").await.unwrap();
    assert!(joined.groups.contains("All-Staff"));
    assert_eq!(joined.object.attributes.text("employeeNumber"), Some(person.id.uuid().to_string().as_str()));
}

pub async fn protected_accounts_are_left_alone(url: String) {
    let mut rig = rig::open(&url).await;
    for name in ["krbtgt", "svc-sync7", "glass-1"] {
        native_account(&rig, name, Attributes::new()).await;
    }
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    assert_eq!(open_findings(&rig, FindingKind::Orphan).await.len(), 0);
    let accounts = rig.identity.accounts(Some("ad")).await.unwrap();
    let protection = |login: &str| accounts.iter().find(|account| account.login == login).unwrap().protection;
    assert_eq!((protection("krbtgt"), protection("glass-1")), (Protection::Protected, Protection::BreakGlass));
    let person =
        record(&[("person", "P-5"), ("contract", "P-5"), ("given", "K"), ("family", "Rbtgt"), ("born", "1970-01-01")]);
    rig.deliver(&[person, amina(&[])]).await;
    rig.work().await;
    assert_eq!(rig.account("Rbtgt", "ad").await.unwrap().login, "krbtgt2", "nobody is given the name of one");
    let krbtgt = accounts.iter().find(|account| account.login == "krbtgt").unwrap().id;
    let who = rig.person("Diallo").await.id;
    assert!(rig.identity.join_account(krbtgt, who, "no", &officer()).await.is_err());
    assert!(rig.identity.close_account(krbtgt, true, "no", &officer()).await.is_err());
    assert_eq!(rig.at("ad", "krbtgt").await.unwrap().enabled, Some(true));
    let wide = rig::POLICY.replace("break_glass = [\"glass-1\"]", "break_glass = [\"glass*\"]");
    assert!(matches!(rig.save(&wide).await, Err(Error::Refused(_))), "an account of the last resort is named in full");
}

/// An account that is known and is named later is left alone from then on, whoever leaves; and is not when it is named no more.
pub async fn who_is_protected_is_what_documents_say_now(url: String) {
    let mut rig = rig::open(&url).await;
    let bo = |ends: &str| {
        record(&[
            ("person", "P-2"),
            ("contract", "C-2"),
            ("given", "Bo"),
            ("family", "Lind"),
            ("born", "1970-01-01"),
            ("ends", ends),
        ])
    };
    rig.deliver(&[amina(&[]), bo("")]).await;
    rig.work().await;
    let named = rig::POLICY
        .replace("protected = [\"krbtgt\"", "protected = [\"adiallo\", \"krbtgt\"")
        .replace("break_glass = [\"glass-1\"", "break_glass = [\"blind\", \"glass-1\"");
    rig.save(&named).await.unwrap();
    let protection = async |rig: &Rig, family: &str| rig.account(family, "ad").await.unwrap().protection;
    assert_eq!(protection(&rig, "Diallo").await, Protection::Protected);
    assert_eq!(protection(&rig, "Lind").await, Protection::BreakGlass);
    rig.deliver(&[amina(&[]), bo("2026-11-18")]).await;
    rig.work().await;
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    rig.work().await;
    assert_eq!(rig.at("ad", "blind").await.unwrap().enabled, Some(true), "no rule touches it");
    rig.save(rig::POLICY).await.unwrap();
    rig.work().await;
    assert_eq!(protection(&rig, "Diallo").await, Protection::None);
    assert_eq!(rig.at("ad", "blind").await.unwrap().enabled, Some(false));
}

pub async fn a_directory_that_was_restored_is_looked_at_first(url: String) {
    let mut rig = rig::open(&url).await;
    rig.save(&with_drift("revert")).await.unwrap();
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    let empty = rig.targets.get("ad").backup();
    let people: Vec<String> = (0..12)
        .map(|n| {
            record(&[
                ("person", &format!("P-{n}")),
                ("contract", &format!("P-{n}")),
                ("family", &format!("F{n}")),
                ("born", &format!("19{}-01-01", 50 + n)),
            ])
        })
        .collect();
    rig.deliver(&people).await;
    rig.work().await;
    assert_eq!(rig.targets.get("ad").count(ObjectClass::Account), 12);
    let creates = rig.targets.get("ad").counters().creates;
    rig.targets.get("ad").restore(empty);
    rig.pass_days(2).await;
    let finding = open_findings(&rig, FindingKind::ScopeLost).await;
    assert_eq!(finding.len(), 1, "it is told");
    assert!(rig.targets.get("ad").counters().creates <= creates, "nothing is made or deleted by itself");
    let health = rig.identity.health().await.unwrap();
    assert_eq!(health.iter().find(|one| one.system == "ad").unwrap().state, "lost");
    // A person has looked: it is read anew, and the accounts are made again.
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    rig.identity.provision(rig.targets.as_ref()).await.unwrap();
    assert_eq!(rig.targets.get("ad").count(ObjectClass::Account), 12);
}

pub async fn a_scope_that_was_lost_is_a_fault(url: String) {
    let mut rig = rig::open(&url).await;
    let people: Vec<String> = (0..30)
        .map(|n| {
            record(&[
                ("person", &format!("P-{n}")),
                ("contract", &format!("P-{n}")),
                ("family", &format!("F{n}")),
                ("born", &format!("19{}-01-01", 50 + n)),
            ])
        })
        .collect();
    rig.deliver(&people).await;
    rig.work().await;
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    for person in rig.people().await.iter().skip(4) {
        let view = rig.identity.person_view(person.id).await.unwrap();
        let native = view.accounts.iter().find(|account| account.system == "ad").unwrap().native_id.clone().unwrap();
        rig.targets.get("ad").native_delete(&ObjectId::new(native));
    }
    let found = rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    assert!(found.fault.is_some() && found.missing == 0, "{found:?}");
    let health = rig.identity.health().await.unwrap();
    assert_eq!(health.iter().find(|one| one.system == "ad").unwrap().state, "scope-lost");
    let statuses: Vec<Status> =
        rig.identity.accounts(Some("ad")).await.unwrap().into_iter().map(|one| one.status).collect();
    assert!(statuses.iter().all(|status| *status == Status::Enabled), "nothing of it is believed");
    assert_eq!(open_findings(&rig, FindingKind::ScopeLost).await.len(), 1);
    // Once a reading can be believed again the fault is over.
    rig.save(&rig::POLICY.replace("[system.ad]\n", "[system.ad]\nscope_floor_percent = 1\n")).await.unwrap();
    let found = rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    assert_eq!(found.fault, None);
    assert_eq!(open_findings(&rig, FindingKind::ScopeLost).await.len(), 0);
}

pub async fn a_service_account_has_an_owner_and_a_term(url: String) {
    let mut rig = rig::open(&url).await;
    native_account(&rig, "svc-print", Attributes::new()).await;
    let owner = record(&[
        ("person", "P-1"),
        ("contract", "P-1"),
        ("family", "Boss"),
        ("born", "1960-01-01"),
        ("ends", "2026-12-31"),
    ]);
    rig.deliver(&[owner]).await;
    rig.work().await;
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    let id = open_findings(&rig, FindingKind::Orphan).await[0].account.unwrap();
    let service = ServiceAccount {
        kind: AccountKind::Service,
        owner: "P-1".to_owned(),
        purpose: "prints badges".to_owned(),
        expires: "2027-06-01T00:00:00Z".parse().unwrap(),
        rotate_days: Some(30),
    };
    let nobody = ServiceAccount { owner: "P-404".to_owned(), ..service.clone() };
    assert!(rig.identity.describe_account(id, &nobody, "listed", &officer()).await.is_err());
    rig.identity.describe_account(id, &service, "listed", &officer()).await.unwrap();
    assert_eq!(open_findings(&rig, FindingKind::Orphan).await.len(), 0);
    rig.pass_days(31).await;
    assert!(open_findings(&rig, FindingKind::ServiceAccount).await[0].title.contains("secret"));
    rig.identity.note_rotation(id, "changed", &officer()).await.unwrap();
    // The owner leaves; nobody takes over.
    rig.pass_until("2027-01-02T00:00:00Z".parse().unwrap()).await;
    assert!(open_findings(&rig, FindingKind::ServiceAccount).await[0].title.contains("has left"));
    rig.pass_days(15).await;
    assert_eq!(rig.at("ad", "svc-print").await.unwrap().enabled, Some(false));
}

pub async fn a_plan_is_carried_out_as_it_was_looked_at(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[amina(&[])]).await;
    rig.work().await;
    let changed = rig::POLICY.replace("engagement.org_unit == 'FIN'", "engagement.org_unit in ['FIN', 'OPS']");
    let rule = drafts_from_toml(&changed).unwrap().into_iter().find(|draft| draft.key == "finance").unwrap();
    let proposal = Proposal::Documents { drafts: vec![rule] };
    let ledger = rig.identity.plans(100).await.unwrap().len();
    let plan = rig.identity.simulate("finance for operations", &proposal, &officer()).await.unwrap();
    assert_eq!((plan.plan.state, plan.plan.counts.create, plan.plan.counts.access), (PlanState::Simulated, 1, 1));
    assert_eq!(plan.items[0].person_name.as_deref(), Some("Amina Diallo"));
    rig.work().await;
    assert!(rig.at("erp", "P-10.diallo").await.is_none(), "a simulation does nothing");
    assert_eq!(rig.identity.plans(100).await.unwrap().len(), ledger + 1);
    // Another like it, to compare.
    let second = rig.identity.simulate("the same", &proposal, &officer()).await.unwrap();
    let difference = rig.identity.compare_plans(plan.plan.id, second.plan.id).await.unwrap();
    assert_eq!((difference.alike, difference.only_first.len()), (2, 0));
    // Meanwhile somebody joins: the first plan is no longer what would happen.
    let other = record(&[("person", "P-11"), ("contract", "C-11"), ("family", "Sow"), ("born", "1990-01-01")]);
    rig.deliver(&[amina(&[]), other]).await;
    let stale = rig.identity.execute(plan.plan.id, "go", &officer()).await;
    assert!(matches!(stale, Err(Error::Refused(_))), "{stale:?}");
    assert_eq!(rig.identity.plan(plan.plan.id).await.unwrap().plan.state, PlanState::Stale);
    let fresh = rig.identity.simulate("again", &proposal, &officer()).await.unwrap();
    rig.identity.execute(fresh.plan.id, "go", &officer()).await.unwrap();
    rig.work().await;
    assert!(rig.at("erp", "P-10.diallo").await.is_some());
    let document = rig.identity.document(DocumentKind::Rule, "finance").await.unwrap();
    assert_eq!(document.version, 2, "the rule is in force");
    assert!(rig.identity.execute(fresh.plan.id, "again", &officer()).await.is_err(), "once");
    // Of several at once one has it, also when it changes no account.
    let nothing = rig.identity.simulate("nothing new", &Proposal::Everybody, &officer()).await.unwrap().plan.id;
    let by = officer();
    let at_once = (0..4).map(|_| rig.identity.execute(nothing, "go", &by));
    let done = futures::future::join_all(at_once).await;
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1, "{done:?}");
    assert_eq!(rig.identity.plan(nothing).await.unwrap().plan.state, PlanState::Done);
}

pub async fn a_rule_that_would_close_many_is_looked_at_first(url: String) {
    let mut rig = rig::open(&url).await;
    let people: Vec<String> = (0..6)
        .map(|n| {
            record(&[
                ("person", &format!("P-{n}")),
                ("contract", &format!("P-{n}")),
                ("family", &format!("F{n}")),
                ("born", &format!("19{}-01-01", 50 + n)),
            ])
        })
        .collect();
    rig.deliver(&people).await;
    rig.work().await;
    let drafts = drafts_from_toml(
        &rig::POLICY
            .replace("when = \"true\"", "when = \"engagement.org_unit == 'NONE'\"")
            .replace("when = \"engagement.station == 'nbo'\"", "when = \"false\""),
    )
    .unwrap();
    let rules: Vec<Draft> = drafts.into_iter().filter(|draft| draft.kind == DocumentKind::Rule).collect();
    let refused = rig.identity.save_documents(&rules, "a typing mistake", None, &officer()).await;
    assert!(matches!(&refused, Err(Error::Refused(why)) if why.to_string().contains("6 accounts")), "{refused:?}");
    rig.work().await;
    assert_eq!(rig.at("ad", "af0").await.unwrap().enabled, Some(true));
    // So is what takes a group from many and closes nothing.
    let few = rig::POLICY.replace("plan_disables_max = 3", "plan_disables_max = 3\nplan_revokes_max = 3");
    rig.save(&few).await.unwrap();
    let bare = few.replace("grants = [\"ad\", \"ad/All-Staff\"]", "grants = [\"ad\"]");
    let refused = rig.save(&bare).await;
    assert!(matches!(&refused, Err(Error::Refused(why)) if why.to_string().contains("6 memberships")), "{refused:?}");
    rig.work().await;
    assert!(rig.at("ad", "af0").await.unwrap().groups.contains("All-Staff"));
    for (bad, word) in [
        ("engagment.org_unit == 'FIN'", "engagment"),
        ("engagement.org_unit ==", "syntax"),
        ("engagement.colour == 'red'", "colour"),
    ] {
        let body = serde_json::json!({ "title": "Bad", "owner": "P-1", "when": bad, "roles": ["staff"] });
        let draft = Draft { kind: DocumentKind::Rule, key: "bad".to_owned(), body: Some(body) };
        let refused = rig.identity.save_documents(&[draft], "try", None, &officer()).await.unwrap_err().to_string();
        assert!(refused.contains("rule bad") && refused.contains(word), "{refused}");
    }
}
