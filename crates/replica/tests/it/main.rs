//! Two nodes and a link between them.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod cut_off;
mod rig;
mod telling;

testkit::on_both_databases! { suite:
    telling::every_statement_prepares,
    telling::what_is_written_here_is_known_there,
    telling::a_call_for_help_is_heard_here,
    telling::a_call_that_cannot_be_read_is_an_error,
    telling::a_changed_log_is_found_and_refused,
}
