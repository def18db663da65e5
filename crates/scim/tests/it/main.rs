//! The room on both databases, and the language as the specifications write it.

mod hostile;
mod resources;
mod specs;

testkit::on_both_databases! {
    scim:
    resources::every_statement_prepares,
    resources::a_user_from_first_to_last,
    resources::groups_hold_who_is_there,
    resources::lists_in_all_ways,
}
