//! The store from outside, on both engines.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod deadlines;
mod fact_tables;
mod ledger;
mod outbox;
mod restart;
mod rig;
mod simulation;
mod statements;
mod transactions;

testkit::on_both_databases! { suite:
    statements::every_statement_prepares,
    statements::values_come_back_as_they_went,
    transactions::nothing_is_written_without_commit,
    transactions::a_stale_update_is_refused,
    transactions::housekeeping_writes_listed_tables_only,
    transactions::a_database_of_a_newer_program_is_refused,
    ledger::a_chain_verifies_and_reads_back,
    ledger::every_tampering_is_named,
    ledger::erasure_keeps_the_chain_valid,
    ledger::writers_at_once_make_one_chain,
    ledger::acts_end_once_or_are_swept_up,
    deadlines::fire_once_in_order,
    deadlines::move_keep_and_cancel,
    deadlines::expire_while_down,
    deadlines::a_wrong_wall_clock_fires_nothing,
    deadlines::two_engines_fire_once,
    outbox::the_loops_fire_and_deliver,
    outbox::facts_arrive_in_order_once,
    outbox::failures_are_retried_then_parked,
    outbox::who_is_in_a_hurry_says_what_it_could_not_handle,
    outbox::a_nul_is_kept_as_a_sign_for_it,
    fact_tables::scan_columns_and_ranges,
    restart::crash_at_every_await_point,
}
