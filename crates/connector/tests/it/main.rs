//! Connectors against what they connect to.

mod active_directory;
mod csv_file;
mod emergency;
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
