//! Incidents from outside, on both engines.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod concurrency;
mod from_alerts;
mod life;
mod machine;
mod order;
mod reading;
mod rig;

testkit::on_both_databases! { suite:
    reading::every_statement_prepares,
    reading::the_queue_pages_and_filters,
    reading::kql_sees_incidents,
    life::from_new_to_closed_and_back,
    life::refusals_write_nothing,
    life::tasks_and_comments,
    life::opened_by_hand,
    from_alerts::one_incident_per_group,
    from_alerts::mild_alerts_wait,
    from_alerts::a_closed_incident_swallows_nothing,
    from_alerts::severity_rises_to_the_worst,
    from_alerts::a_repeated_delivery_has_no_effect,
    from_alerts::what_the_radio_room_hears_is_an_incident,
    from_alerts::what_duress_asks_for_is_an_incident_that_does_not_say_so,
    concurrency::the_second_editor_sees_both_values,
    concurrency::alerts_do_not_disturb_editors,
    concurrency::everybody_at_once,
}
