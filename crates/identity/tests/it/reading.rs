//! Statements and KQL.

use identity::assignment::{Mode, NewAssignment, Source, Target};
use kernel::port::{FactScan, FactTables};

use crate::rig::{self, Rig, officer, record};

pub async fn every_statement_prepares(url: String) {
    let rig = rig::empty(&url).await;
    for statement in identity::sql::STATEMENTS
        .iter()
        .chain(identity::DUTY_STATEMENTS)
        .chain(identity::conditional::sql::CONDITIONAL_STATEMENTS)
        .chain(identity::consent::sql::CONSENT_STATEMENTS)
        .chain(identity::group::sql::GROUP_STATEMENTS)
        .chain(identity::exclusion::EXCLUSION_STATEMENTS)
        .chain(identity::feed::FEED_SOURCE_STATEMENTS)
        .chain(identity::feed::UNDO_STATEMENTS)
        .chain(identity::notice::NOTICE_STATEMENTS)
        .chain(identity::LAST_HOLDER_STATEMENTS)
        .chain(identity::LICENCE_STATEMENTS)
        .chain(identity::OWNER_STATEMENTS)
        .chain(identity::last_use::LAST_USE_STATEMENTS)
    {
        rig.store.prepare(statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
    }
    for table in identity::FACT_TABLES.iter().chain(&identity::DUTY_TABLES) {
        rig.store.prepare_fact_table(table).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
}

/// Tables in which a row tells of somebody by a text.
async fn tables_that_tell(rig: &Rig, needles: &[String]) -> Vec<&'static str> {
    let mut found = Vec::new();
    for table in identity::FACT_TABLES.iter().chain(&identity::DUTY_TABLES) {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let rows = rig.store.scan(&FactScan::of(table.name, &columns)).await.unwrap();
        let tells = |row: &String| needles.iter().any(|needle| row.contains(needle.as_str()));
        if rows.iter().map(|row| format!("{row:?}")).any(|row| tells(&row)) {
            found.push(table.name);
        }
    }
    found
}

pub async fn who_is_restricted_is_in_no_table(url: String) {
    let mut rig = rig::open(&url).await;
    let zora = [("person", "P-77"), ("contract", "C-77"), ("given", "Zora"), ("family", "Quennell"), ("unit", "FIN")];
    let other = record(&[("person", "P-10"), ("contract", "C-10")]);
    rig.deliver(&[record(&zora), other.clone()]).await;
    rig.work().await;
    let id = rig.person("Quennell").await.id;
    let eligible = NewAssignment {
        person: id,
        target: Target::Role("administrator".to_owned()),
        mode: Mode::Eligible,
        source: Source::Person,
        source_ref: None,
        reason: "on call".to_owned(),
        approver: None,
        from: None,
        until: None,
    };
    rig.identity.give(eligible, &officer()).await.unwrap();
    // A number that somebody else uses, and access after the end: findings that name her in their words alone.
    let same = record(&[&zora[2..4], &[("person", "P-78"), ("contract", "C-78")]].concat());
    let late = [&zora[..], &[("ends", "2026-11-18")]].concat();
    rig.deliver(&[record(&late), same, other]).await;
    rig.work().await;
    let accounts = rig.identity.person_view(id).await.unwrap().accounts;
    let mut needles: Vec<String> = accounts.iter().flat_map(|one| [one.id.to_string(), one.login.clone()]).collect();
    needles.extend([id.to_string(), "Quennell".to_owned()]);
    let before = tables_that_tell(&rig, &needles).await;
    for table in ["Identities", "Accounts", "AccountEntitlements", "RoleAssignments", "IdentityFindings"] {
        assert!(before.contains(&table), "{table}: {before:?}");
    }
    let targets = rig.targets.clone();
    rig.identity.lock_out(id, true, "investigation", &officer(), targets.as_ref()).await.unwrap();
    rig.work().await;
    // Rules look for her sign-in names; nothing else of her is there.
    assert_eq!(tables_that_tell(&rig, &needles).await, ["RestrictedLeavers"]);
    let scan = FactScan::of("RestrictedLeavers", &["System", "Login"]);
    let mut told: Vec<String> = rig.store.scan(&scan).await.unwrap().iter().map(|row| format!("{row:?}")).collect();
    let mut logins: Vec<String> =
        accounts.iter().map(|one| format!("[String({:?}), String({:?})]", one.system, one.login)).collect();
    told.sort();
    logins.sort();
    assert_eq!(told, logins);
}
