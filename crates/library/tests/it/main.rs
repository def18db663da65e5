//! What is kept, from outside, on both engines.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod keeping;

testkit::on_both_databases! { suite:
    keeping::every_statement_prepares,
    keeping::functions_are_kept_changed_and_dropped,
    keeping::functions_that_would_not_work_are_refused,
    keeping::items_keep_what_does_not_change,
    keeping::lists_that_are_none_are_refused,
    keeping::addresses_have_one_text,
    keeping::a_change_names_what_it_was_decided_on,
}
