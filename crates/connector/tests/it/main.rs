//! Connectors against what they connect to.
#![allow(clippy::unwrap_used, reason = "a test fails where something is not there")]

mod active_directory;
mod csv_file;
mod emergency;
mod entra;
mod memory;
mod openldap;
mod scim_client;
mod servers;
mod sql_table;

testkit::on_both_databases! {
    sql:
    sql_table::a_joiner_moves_and_leaves,
    sql_table::members_come_go_and_end,
    sql_table::many_as_one_by_one,
    sql_table::changes_beside_us_are_seen,
}

/// What fuzzing of a directory server's bytes begins with, and what it found.
#[test]
fn the_corpus_replays() {
    use connector::active_directory::value;
    use connector::ldap::{control, frame, name};
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/connector_directory");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        let _ = (frame::message_length(&bytes), frame::inspect(&bytes));
        let _ = (control::paged_cookie(&bytes), control::dir_sync_done(&bytes), control::sync_state(&bytes));
        let _ = (control::sync_done(&bytes), control::sync_info(&bytes), value::sid_text(&bytes));
        if let Ok(text) = std::str::from_utf8(&bytes) {
            name::value(name::split(text).0);
            value::extended_name(text);
        }
        count += 1;
    }
    assert!(count > 2, "{count}");
}

/// What fuzzing of a tenant's objects begins with, and what it found.
#[test]
fn the_corpus_of_a_tenant_replays() {
    use connector::entra::resource::{member, object};
    use connector::{ObjectClass, ProtectionRules};
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/connector_entra");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        let Ok(resource) = serde_json::from_slice(&bytes) else { continue };
        member(&resource);
        for class in [ObjectClass::Account, ObjectClass::Group, ObjectClass::ConditionalAccessPolicy] {
            read += usize::from(object(class, &resource, &ProtectionRules::default()).is_ok());
        }
    }
    assert!(read >= 9, "{read}");
}
