//! The Access desk from outside, on both engines.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod borrowed;
mod conditional;
mod consents;
mod deliveries;
mod groups;
mod hybrid;
mod last_holder;
mod licences;
mod lifecycle;
mod merged;
mod provisioning;
mod pushed;
mod reading;
mod rig;
mod simulation;
mod sources;
mod standards;
mod trial;
mod undone;

testkit::on_both_databases! { suite:
    reading::every_statement_prepares,
    reading::who_is_restricted_is_in_no_table,
    borrowed::access_ends_with_its_incident_at_the_target_and_sessions_with_it,
    borrowed::what_a_review_takes_from_a_rule_is_not_given_again,
    borrowed::the_last_use_comes_from_the_lake,
    conditional::a_policy_is_kept_with_every_version_and_a_dangerous_one_is_refused,
    conditional::people_are_seen_with_what_they_hold_by_any_path,
    consents::a_consent_is_scored_accepted_and_scored_anew_when_the_application_changes,
    consents::what_is_taken_away_is_gone_at_the_tenant_or_stays_active,
    consents::the_house_takes_away_what_people_gave_too_freely,
    consents::policies_of_the_tenant_are_kept_with_their_changes,
    groups::members_are_shown_by_any_way_and_circles_are_findings,
    groups::a_renamed_group_is_followed_and_told,
    groups::a_member_from_outside_is_shown_and_counted,
    groups::members_are_found_by_text_way_and_holder,
    groups::an_owner_is_appointed_and_the_last_is_never_taken_away,
    groups::a_large_group_is_read_in_pages_by_whoever_goes_on,
    groups::a_group_that_nobody_needs_is_proposed_emptied_deleted_and_brought_back_with_its_members,
    hybrid::two_sides_are_compared_and_a_conflict_is_resolved_by_a_person,
    last_holder::a_command_that_would_take_the_last_is_refused,
    last_holder::a_leaver_is_closed_and_the_key_stays_until_somebody_has_it,
    last_holder::an_emergency_closes_the_account_and_says_so,
    last_holder::who_may_borrow_it_counts_and_the_last_of_them_stays,
    last_holder::the_system_itself_is_asked_before_a_member_goes,
    last_holder::a_shared_account_that_is_the_last_is_not_closed,
    last_holder::the_last_owner_is_replaced_and_never_removed,
    lifecycle::a_joiner_is_made_ahead_and_let_in_on_the_day,
    lifecycle::a_joiner_who_does_not_come_leaves_nothing,
    lifecycle::what_was_ever_open_is_not_taken_for_made_ahead,
    lifecycle::a_leaver_is_out_on_the_last_second_of_the_duty_station,
    lifecycle::a_rehire_gets_the_same_account_and_not_the_old_access,
    lifecycle::a_gap_is_a_pause,
    lifecycle::two_contracts_are_a_union_and_each_takes_its_own_part,
    lifecycle::an_end_in_the_past_ends_access_now_and_tells_of_the_exposure,
    lifecycle::a_mover_has_the_new_before_the_old_goes,
    lifecycle::a_first_word_put_right_within_a_day_is_no_move,
    lifecycle::leave_keeps_the_account_and_takes_power,
    lifecycle::a_new_name_keeps_the_anchor_and_the_old_address,
    lifecycle::names_that_collide_get_a_number_that_stays,
    lifecycle::an_emergency_closes_everything_and_says_what_it_could_not_reach,
    lifecycle::the_radio_room_has_accounts_locked,
    lifecycle::merged_records_are_one_person_until_they_are_taken_apart,
    lifecycle::a_second_account_keeps_its_name_and_closes_with_the_person,
    licences::a_licence_that_nobody_uses_is_proposed_and_taken_back,
    lifecycle::people_without_a_record_behind_them_need_a_sponsor_and_end,
    deliveries::the_same_file_twice_has_no_effect_and_an_older_one_is_refused,
    deliveries::what_is_damaged_is_rejected_with_the_reason,
    deliveries::too_many_leavers_hold_the_whole_batch_until_one_person_says_yes,
    deliveries::a_slow_bleed_is_held_too,
    deliveries::whoever_works_today_and_would_not_is_a_leaver,
    deliveries::a_record_that_cannot_be_used_makes_nobody_a_leaver,
    deliveries::what_hides_in_a_field_is_a_record_that_cannot_be_used,
    deliveries::a_day_that_has_not_begun_anywhere_is_a_mistake_of_the_source,
    deliveries::what_was_held_never_brings_back_what_is_no_longer_so,
    deliveries::an_old_file_sent_again_is_looked_at_first,
    deliveries::a_person_decides_who_somebody_is,
    deliveries::a_decision_is_on_what_the_source_says_now,
    merged::whoever_is_locked_out_stays_so_under_any_record,
    merged::what_a_review_took_stays_taken,
    trial::a_connector_is_tried_before_its_document_is_in_force,
    trial::an_owner_is_somebody,
    trial::a_system_out_of_use_wants_nobody,
    undone::a_decision_is_taken_back_and_asked_again,
    undone::what_was_built_upon_is_not_taken_back,
    deliveries::the_same_name_alone_never_makes_one_person_of_two,
    deliveries::objects_of_scim_are_read_as_rows,
    provisioning::three_of_eight_systems_fail_and_the_others_are_done,
    provisioning::a_change_at_the_directory_is_put_back_or_taken_over,
    provisioning::a_deleted_account_comes_back_as_itself,
    provisioning::power_that_nobody_gave_is_told_and_never_taken_over,
    provisioning::what_nobody_knows_is_never_deleted_and_never_joined_by_itself,
    provisioning::protected_accounts_are_left_alone,
    provisioning::who_is_protected_is_what_documents_say_now,
    provisioning::a_directory_that_was_restored_is_looked_at_first,
    provisioning::a_scope_that_was_lost_is_a_fault,
    provisioning::a_service_account_has_an_owner_and_a_term,
    provisioning::a_plan_is_carried_out_as_it_was_looked_at,
    provisioning::a_rule_that_would_close_many_is_looked_at_first,
    standards::an_object_off_standard_is_a_finding_with_its_fix,
    standards::a_deleted_row_of_the_audit_is_detected,
    sources::rows_of_a_query_go_through_the_same_guards,
    sources::an_address_is_asked_whether_it_changed,
    sources::what_is_no_whole_answer_writes_nothing,
    sources::sources_that_make_no_sense_are_refused_when_they_are_saved,
    sources::pages_are_one_delivery_or_none,
    sources::users_of_another_service_are_read_whole_or_not_at_all,
    pushed::a_push_is_taken_whole_and_when_it_is_quiet,
    pushed::half_a_push_and_a_wiped_service_are_held,
    pushed::a_push_that_never_rests_is_told_to_people,
    pushed::a_mapping_that_leads_nowhere_is_refused_with_the_remedy,
}

/// What fuzzing of deliveries begins with, and what it found: every record is understood or told, none is lost.
#[test]
fn the_corpus_of_deliveries_replays() {
    use identity::feed::{Feed, FeedFormat, Manifest, Mapper, decode};
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/identity_feed");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        for format in FeedFormat::ALL {
            let feed: Feed = serde_json::from_value(serde_json::json!({
                "title": "HR", "owner": "P-1", "format": format, "trailer": "END",
                "map": { "anchor": "person", "key": "contract", "given_name": "given", "begins": "begins",
                    "family_name": "{{ row.family | upper }}", "ends": "ends", "station": "station" },
            }))
            .expect("a feed");
            let Ok(decoded) = decode(&feed, &bytes, &Manifest::default()) else { continue };
            assert!(
                *format != FeedFormat::Csv || decoded.is_whole,
                "without its last line nothing says that it is whole"
            );
            if let Ok((mapped, bad)) = Mapper::new("hr", &feed).expect("a mapping").map(&decoded) {
                assert_eq!(mapped.len() + bad.len(), decoded.records.len());
                read += mapped.len() + bad.len();
            }
        }
    }
    assert!(read > 5, "{read}");
}
