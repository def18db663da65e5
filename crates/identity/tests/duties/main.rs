//! Duties, requests, borrowed access and reviews.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod activations;
mod giving;
mod house;
mod notices;
mod requests;
mod reviews;
mod separation;
mod transactions;

testkit::on_both_databases! { suite:
    separation::found_excused_and_open_again,
    separation::documents_that_make_no_sense_are_refused,
    separation::a_function_that_names_nothing_is_told,
    separation::a_membership_at_the_system_counts,
    giving::who_gives_alone_is_bound_as_who_asks,
    giving::nobody_says_who_they_are_themselves,
    giving::a_merge_gives_nothing_that_could_not_be_given,
    giving::what_is_given_to_a_merged_record_is_given_to_who_it_is,
    transactions::a_deed_is_found_once_and_stays_until_somebody_looked,
    transactions::a_rule_that_sees_not_everything_says_so,
    requests::two_stages_and_the_access_is_given,
    requests::nobody_decides_on_their_own,
    requests::two_decisions_at_once,
    requests::silence_is_never_a_yes,
    requests::the_same_is_not_asked_for_twice,
    requests::a_new_delegate_takes_the_place_of_the_old,
    requests::a_delegate_stands_in,
    requests::an_approver_who_left_is_passed_over_and_nothing_is_granted,
    requests::toxic_parts_are_refused_at_once,
    requests::toxic_with_what_is_held_needs_the_risk_owner,
    requests::what_became_toxic_is_blocked,
    requests::the_catalogue_speaks_languages,
    activations::what_the_policy_wants,
    activations::a_second_factor_counts_once,
    activations::secrets_of_second_factors_are_sealed_at_rest,
    activations::ends_by_the_clock_although_the_server_was_down,
    activations::an_approval_after_the_window_is_void,
    activations::ends_with_the_incident,
    activations::is_for_a_mission_where_it_is,
    activations::is_not_over_before_the_target_shows_it,
    activations::borrowed_keys_count_as_held,
    activations::ends_when_eligibility_does,
    notices::whoever_is_replaced_is_told,
    notices::an_approver_hears_at_once_again_at_half_the_time_and_the_next_at_the_deadline,
    notices::how_it_ended_is_told_and_what_waits_no_more_is_taken_back,
    notices::who_cannot_be_reached_is_a_finding,
    notices::reviewers_hear_once_for_all_their_items_and_before_the_end,
    reviews::nobody_reviews_their_own,
    reviews::a_change_puts_the_item_up_again,
    reviews::a_role_goes_only_when_that_is_confirmed,
    reviews::removed_is_what_the_target_shows,
    reviews::access_from_elsewhere_remains_until_it_is_gone,
    reviews::silence_goes_by_risk,
    reviews::canaries_and_nodding_show,
    reviews::a_canary_shows_itself_by_nothing,
    reviews::a_reviewer_who_left,
    reviews::the_last_holder_stays,
}
