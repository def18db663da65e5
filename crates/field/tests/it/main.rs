//! The radio room from outside, on both engines.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod custody;
mod custody_of_three;
mod drafts;
mod figures;
mod full_disk;
mod hostile;
mod languages;
mod machine;
mod reach;
mod reading;
mod register;
mod rig;
mod simulation;
mod transcripts;
mod two_at_once;
mod words;

testkit::on_both_databases! { suite:
    reading::every_statement_prepares,
    reading::kql_sees_the_room_but_not_what_is_silent,
    reading::the_log_pages_and_its_chain_verifies,
    reading::a_log_that_was_altered_on_disk_is_told,
    reach::the_order_of_arrival_changes_nothing,
    reach::who_can_help_soonest,
    reach::a_duress_word_in_a_message_is_concealed,
    reach::a_duress_word_asks_the_other_desks,
    reach::old_positions_go_and_crossings_are_listed,
    reach::what_cannot_be_taken_in_is_told,
    reach::a_warning_that_cannot_wait_is_an_alarm,
    reach::whoever_is_on_the_road_is_held_to_the_clock,
    reach::nobody_is_called_about_themselves,
    drafts::a_line_is_taken_over_by_one,
    drafts::a_line_that_is_entered_is_no_draft,
    drafts::a_duress_word_is_kept_for_who_enters_it_alone,
    register::records_are_saved_checked_and_retired,
    register::contacts_that_are_doubtful_are_marked,
    register::a_sign_can_be_given_from_before,
    register::a_file_is_imported_whole_or_not_at_all,
    register::a_call_sign_stays_with_who_held_it,
    two_at_once::two_consoles_acknowledge_at_once,
    two_at_once::the_second_sees_what_the_first_did,
    two_at_once::a_delivery_that_comes_again_has_no_effect,
    transcripts::missions_on_this_engine,
}
