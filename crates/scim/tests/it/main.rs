//! The room on both databases, and the language as the specifications write it.

#![allow(clippy::unwrap_used, reason = "a test fails where something is not there")]

mod bulk;
mod hostile;
mod resources;
mod specs;

testkit::on_both_databases! {
    scim:
    resources::every_statement_prepares,
    resources::a_user_from_first_to_last,
    resources::groups_hold_who_is_there,
    resources::lists_in_all_ways,
    resources::what_a_client_provisions_is_one_set,
    bulk::each_operation_has_its_result,
    bulk::what_is_made_is_named_by_others,
    bulk::limits_are_what_is_advertised,
}
