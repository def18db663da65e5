//! The room from outside, on both databases.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod alerts;
mod correlations;
mod exceptions;
mod rig;
mod rules;
mod schedule;
mod statements;

testkit::on_both_databases! { suite:
    statements::every_statement_prepares,
    alerts::the_same_batch_again_changes_nothing,
    alerts::likeness_makes_one_alert_grow,
    alerts::strong_things_tie_groups_across_batches,
    alerts::the_order_within_a_batch_does_not_matter,
    alerts::filters_and_pages,
    rules::packs_come_change_and_go,
    rules::a_switch_counts_from_the_next_batch,
    rules::a_severity_of_ones_own,
    rules::two_editors_meet,
    correlations::any_order_and_any_restart_give_the_same_alerts,
    correlations::what_is_undone_is_withdrawn,
    correlations::rules_change_and_what_is_remembered_goes_on,
    exceptions::from_trial_to_expiry,
    exceptions::a_new_text_that_an_exception_blinds_says_so,
    exceptions::what_cannot_be_an_exception,
    schedule::runs_once_per_window_and_catches_up,
    schedule::a_failed_query_is_shown_and_its_window_is_run_again,
}
