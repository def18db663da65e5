//! The courier from outside: on both engines, under simulation, and with other people's programs at the other end.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod certificates;
mod corpus;
mod door;
mod judges;
mod mail;
mod peer;
mod queue;
mod rig;
mod simulation;
mod sms;

testkit::on_both_databases! { suite:
    queue::every_statement_prepares,
    queue::asked_for_twice_it_is_sent_once,
    queue::a_secret_is_kept_no_longer_than_it_is_needed,
    queue::the_next_means_has_its_turn,
    queue::a_receipt_may_overtake_its_answer,
    queue::what_is_taken_back_is_not_sent,
    queue::what_nobody_can_send_is_a_dead_letter,
    queue::a_long_queue_leaves_the_writer_to_others,
    queue::a_crash_between_try_and_record_sends_again_under_the_same_id,
    door::the_same_message_twice_is_one_act_and_two_receipts,
    door::only_those_on_the_list_are_believed,
    door::what_a_desk_conceals_is_shown_no_more,
    door::two_messages_in_one_second_are_both_kept,
    door::segments_in_any_order_make_one_message,
    door::positions_are_told_once_with_what_is_odd_about_them,
    door::a_call_for_help_is_told_whatever_its_age_and_order,
    door::an_answer_names_what_it_answers,
}
