//! Promises about one resource, kept one after the other: what each of them makes is counted.

use super::altering::Altered;
use super::{Fixture, altering, building, looking_in};

/// Says by its end in a panic which promise of a story was broken.
struct Promised(&'static str);

impl Drop for Promised {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("broken: {}", self.0);
        }
    }
}

/// Keeps promises in turn, and tells which was broken.
macro_rules! kept {
    ($($module:ident :: $promise:ident ( $($of:expr),* )),+ $(,)?) => {$(
        let promised = Promised(stringify!($promise));
        Box::pin($module::$promise($($of),*)).await;
        drop(promised);
    )+};
}

pub async fn what_stands_can_be_looked_into_acted_on_replaced_and_removed(f: &dyn Fixture) {
    let it = building::a_created_resource_is_listed_up_and_its_outputs_answer(f);
    let it = &Box::pin(it).await;
    kept! {
        building::creating_twice_adopts_and_makes_no_doubles(f, it),
        looking_in::a_generation_that_does_not_stand_is_refused(f, it),
        looking_in::a_command_inside_gives_code_and_bounded_output(f, it),
        looking_in::a_command_that_hangs_ends_at_its_deadline(f, it),
        looking_in::logs_show_what_a_service_wrote(f, it),
        looking_in::files_are_put_and_got_and_bounded(f, it),
        looking_in::a_reset_without_steps_is_refused_by_name(f, it),
        looking_in::a_reset_brings_a_service_back_to_its_beginning(f, it),
        looking_in::power_stops_starts_pauses_and_unpauses(f, it),
        looking_in::a_create_thaws_and_starts_what_stands(f, it),
        building::a_newer_generation_replaces_the_older_one(f, it),
        building::a_late_create_of_an_older_generation_is_refused(f, it),
        building::deleting_up_to_a_generation_leaves_newer_ones(f, it),
        building::a_delete_is_safe_to_repeat(f, it),
    }
}

pub async fn what_was_cut_off_is_finished_in_order_and_a_killed_member_is_named(f: &dyn Fixture) {
    let it = building::a_bring_up_that_was_cut_off_is_partial_and_is_finished_by_the_next(f);
    let it = &Box::pin(it).await;
    kept! { building::a_killed_member_is_seen_down_and_named(f, it) }
}

/// Where a driver alters at all.
pub async fn what_is_altered_is_made_anew_only_where_it_differs_and_can_be_undone(f: &dyn Fixture) {
    let it = &mut Altered::new(f).await;
    if !it.can().await {
        return;
    }
    kept! {
        altering::an_alteration_that_fails_leaves_what_stood_and_is_undone(it),
        altering::what_differs_is_made_what_stays_is_not_touched_and_what_goes_goes(it),
        altering::what_only_comes_or_only_goes_touches_nothing_else(it),
        altering::what_is_torn_between_several_becomes_any_of_them(it),
        altering::what_died_is_made_again_though_nothing_about_it_differs(it),
        altering::what_was_altered_is_deleted_whole(it),
    }
}
