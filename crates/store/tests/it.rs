//! The store as its callers use it: on SQLite and on PostgreSQL, across restarts, kills and full disks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: one that cannot go on ends"
)]

mod it {
    pub(crate) mod backup;
    pub(crate) mod break_glass;
    pub(crate) mod conversations;
    pub(crate) mod damage;
    pub(crate) mod decisions;
    pub(crate) mod faults;
    pub(crate) mod history;
    pub(crate) mod identity;
    pub(crate) mod kept;
    pub(crate) mod knowledge;
    pub(crate) mod known;
    pub(crate) mod lake;
    pub(crate) mod postgres;
    pub(crate) mod retention;
    pub(crate) mod traces;
    pub(crate) mod world;
}

use it::world::Place;

/// Scenarios that hold on both databases: a test for each on SQLite, one test for all of them on PostgreSQL, whose
/// server takes seconds to start.
macro_rules! scenarios {
    ($($module:ident::$name:ident,)*) => {
        mod on_sqlite {
            use super::Place;

            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::it::$module::$name(Place::on_sqlite()).await;
            })*
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn all_of_it_holds_on_postgresql() {
            let server = it::postgres::Server::start();
            $({
                let place = Place::on_postgres(server.new_database(stringify!($name)));
                eprintln!("{}", stringify!($name));
                it::$module::$name(place).await;
            })*
            let place = Place::on_postgres(server.new_database("lost_connections_come_back"));
            it::postgres::lost_connections_come_back(place).await;
        }
    };
}

scenarios! {
    identity::an_empty_state_gets_the_person_admin_with_all_roles_and_no_group,
    identity::a_refused_plan_and_a_broken_rule_leave_nothing,
    identity::a_caller_who_leaves_in_the_middle_does_not_part_memory_from_disk,
    identity::revoked_keys_and_ended_sessions_stay_so_after_a_restart,
    identity::a_key_made_for_another_person_is_shown_to_that_person,
    identity::many_writers_at_once_take_one_epoch_each,
    identity::a_second_server_is_refused_and_the_first_goes_on,
    history::memory_disk_and_replay_agree,
    history::altered_rows_are_found,
    traces::an_exchange_is_read_back_by_its_owner_as_it_was_written,
    traces::a_list_is_cut_and_narrowed,
    traces::others_cannot_open_it,
    traces::one_bad_row_fails_alone,
    traces::what_an_exchange_leaves_is_kept_with_it_or_not_at_all,
    traces::what_a_capture_mode_does_not_keep_is_not_there,
    traces::numbers_and_texts_at_the_edge_are_kept,
    traces::spending_adds_up_by_key_and_month_under_concurrency,
    traces::feedback_is_read_with_its_trace,
    conversations::items_keep_their_order_and_their_owner,
    conversations::responses_expire_and_are_their_owners,
    conversations::what_people_were_shown_is_kept_within_its_count_and_goes_with_them,
    kept::a_sign_in_link_works_once,
    known::what_is_known_is_copied_once_and_goes_with_its_document,
    kept::a_sign_in_link_ends_with_the_person_and_does_not_come_back,
    kept::settings_have_versions_and_acts,
    kept::upstreams_come_and_go,
    kept::jobs_that_are_over_stay_so,
    kept::notices_and_acts_are_paged,
    retention::what_is_old_enough_goes_and_the_rest_stays,
    retention::a_conversation_goes_when_nothing_was_said_for_long_enough,
}
