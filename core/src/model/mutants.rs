//! Mutants: each plants one fault and demands that a model fails, on the
//! assertion that names the promise broken and not on a bound.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::harness::*;
use super::{at_once, growth, limiter, refund, reset, ring, table, tenancy};
use crate::sync::fault::{Fault, plant};

/// Runs a model with the fault planted and at most two preemptions; it must fail
/// on one of `promises`.
pub(super) fn dies(fault: Fault, promises: &[&str], model: impl FnOnce(Model)) {
    plant(Some(fault));
    let bounded = Model::of_mutant(format!("with {fault:?}"), 2);
    let outcome = catch_unwind(AssertUnwindSafe(|| model(bounded)));
    plant(None);
    let cause = outcome.expect_err("the mutant lives: no model noticed the fault");
    let message = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("");
    assert!(
        promises.iter().any(|promise| message.contains(promise)),
        "the mutant died of something else: {message}"
    );
    println!(
        "mutant {fault:?} died: {}",
        message.lines().next().unwrap_or("")
    );
}

#[test]
fn a_fill_by_one_plain_cas_loses_a_unit() {
    dies(
        Fault::FillOnce,
        &[NEVER_OVER, NOT_LOST],
        ring::sleeper_is_lapped,
    );
}

#[test]
fn a_denial_without_a_second_look_mixes_laps() {
    dies(
        Fault::AnswerUnchecked,
        &[ADMITS_WHAT_FITS],
        ring::lap_is_read_whole,
    );
}

#[test]
fn a_check_that_does_not_read_the_key_again_charges_another_merchant() {
    dies(
        Fault::KeyUnchecked,
        &[CHARGED_AS_ANSWERED, ADMITS_WHAT_FITS],
        table::check_meets_eviction,
    );
}

#[test]
fn an_insertion_without_rescan_doubles_a_key() {
    dies(
        Fault::InsertWithoutRescan,
        &[NEVER_OVER],
        table::insert_twice,
    );
}

#[test]
fn a_rescan_by_loads_doubles_a_key() {
    dies(Fault::RescanUnfenced, &[NEVER_OVER], table::insert_twice);
    dies(Fault::RescanUnfenced, &[NEVER_OVER], at_once::insert_twice);
}

#[test]
fn a_later_insertion_ignored_doubles_a_key() {
    dies(
        Fault::IgnoreLaterInsertion,
        &[NEVER_OVER],
        table::insert_from_both_ends,
    );
}

#[test]
fn a_birth_not_raised_gives_a_tenant_anothers_stamps() {
    dies(
        Fault::BirthNotRaised,
        &[CHARGED_AS_ANSWERED],
        table::rebirth,
    );
}

#[test]
fn a_frozen_unfilled_head_charges_the_next_tenant() {
    dies(
        Fault::FreezeUnfilled,
        &[ADMITS_WHAT_FITS, CHARGED_AS_ANSWERED],
        table::sleeper_is_evicted,
    );
}

#[test]
fn a_retention_read_before_the_head_evicts_a_key_that_counts() {
    dies(Fault::RetentionReadEarly, &[NOT_LOST], table::window_grows);
}

#[test]
fn a_batch_that_looks_past_an_eviction_admits_twice() {
    dies(
        Fault::EvictionForgotten,
        &[NEVER_OVER],
        table::batch_meets_eviction,
    );
}

#[test]
fn an_eviction_by_a_clock_ahead_admits_twice_by_one_behind() {
    dies(
        Fault::SkewIgnored,
        &[NEVER_OVER],
        table::clock_behind_needs_key,
    );
}

#[test]
fn a_copy_without_a_second_look_mixes_laps() {
    dies(
        Fault::CopyUnchecked,
        &[ADMITS_WHAT_FITS, CHARGED_AS_ANSWERED],
        growth::copier_sleeps,
    );
}

#[test]
fn a_copy_without_the_oldest_unit_loses_it() {
    dies(Fault::CopyStopsEarly, &[NOT_LOST], growth::grow_together);
}

#[test]
fn a_copy_from_the_oldest_on_loses_what_counts() {
    dies(
        Fault::CopyOldestFirst,
        &[CHARGED_AS_ANSWERED, NEVER_OVER],
        growth::clock_steps_back,
    );
}

#[test]
fn growth_that_keeps_the_stamp_forgets_under_a_clock_behind() {
    dies(
        Fault::GrowthKeepsStamp,
        &[NEVER_OVER],
        growth::clock_steps_back,
    );
}

#[test]
fn a_horizon_read_before_the_head_overwrites_a_unit_that_counts() {
    dies(Fault::HorizonReadEarly, &[NOT_LOST], growth::horizon_grows);
}

#[test]
fn a_key_committed_before_its_rebirth_is_freed_while_it_counts() {
    dies(
        Fault::CommitBeforeRebirth,
        &[NOT_LOST],
        reset::peek_meets_rebirth,
    );
}

#[test]
fn a_birth_raised_after_the_head_shows_what_was_forgotten() {
    dies(
        Fault::BirthAfterHead,
        &[ADMITS_WHAT_FITS],
        reset::reset_then_two,
    );
}

#[test]
fn a_rebirth_that_keeps_the_stamp_charges_another_merchant() {
    dies(
        Fault::RebirthKeepsStamp,
        &[CHARGED_AS_ANSWERED, ADMITS_WHAT_FITS],
        table::check_meets_eviction,
    );
}

#[test]
fn a_revival_that_does_not_read_the_key_opens_a_ring_being_freed() {
    dies(
        Fault::ReviveKeyUnchecked,
        &[CHARGED_AS_ANSWERED, ADMITS_WHAT_FITS],
        tenancy::stale_finisher,
    );
}

#[test]
fn a_revival_that_reads_the_key_before_the_head_does_too() {
    dies(
        Fault::ReviveKeyEarly,
        &[CHARGED_AS_ANSWERED, ADMITS_WHAT_FITS],
        tenancy::stale_finisher,
    );
}

#[test]
fn a_freeze_that_does_not_read_the_key_closes_another_keys_ring() {
    dies(
        Fault::FreezeKeyUnchecked,
        &[NOT_LOST],
        reset::reset_meets_eviction,
    );
}

#[test]
fn a_free_of_the_word_that_stands_there_loses_a_newcomer() {
    dies(
        Fault::FreeWordReadLate,
        &[NOT_LOST, CHARGED_AS_ANSWERED],
        reset::reset_meets_check,
    );
}

#[test]
fn a_freed_word_of_the_same_version_loses_a_namesake() {
    dies(
        Fault::FreedKeepsVersion,
        &[NOT_LOST, CHARGED_AS_ANSWERED, ADMITS_WHAT_FITS],
        reset::reset_meets_check,
    );
}

#[test]
fn a_refund_to_whatever_tenant_destroys_its_credit() {
    dies(
        Fault::RefundIgnoresBirth,
        &[ADMITS_WHAT_FITS],
        refund::refund_meets_reset,
    );
}

#[test]
fn a_refund_that_reads_the_birth_first_destroys_a_later_credit() {
    dies(
        Fault::RefundReadsBirthEarly,
        &[ADMITS_WHAT_FITS],
        refund::refund_meets_reset,
    );
}

#[test]
fn a_refund_that_gives_up_loses_a_credit() {
    dies(
        Fault::RefundOnce,
        &[ADMITS_WHAT_FITS],
        refund::refund_meets_refund,
    );
}

#[test]
fn a_credit_of_a_former_tenant_admits_too_much() {
    dies(
        Fault::CreditIgnoresBirth,
        &[NEVER_OVER],
        refund::refund_meets_reset,
    );
}

#[test]
fn a_retention_raised_after_the_swap_evicts_a_key_that_counts() {
    dies(
        Fault::RaisedAfterSwap,
        &[NOT_LOST],
        limiter::swap_meets_check,
    );
}

#[test]
fn a_policy_read_without_its_edge_evicts_a_key_that_counts() {
    dies(
        Fault::PolicyReadUnordered,
        &[NOT_LOST],
        limiter::swap_meets_charge,
    );
}

#[test]
fn loads_that_acquire_nothing_mix_laps() {
    dies(
        Fault::LoadsOrderNothing,
        &[NEVER_OVER, ADMITS_WHAT_FITS, NOT_LOST, CHARGED_AS_ANSWERED],
        ring::lap_is_read_whole,
    );
}

#[test]
fn writes_that_release_nothing_mix_laps() {
    dies(
        Fault::WritesReleaseNothing,
        &[NEVER_OVER, ADMITS_WHAT_FITS, NOT_LOST, CHARGED_AS_ANSWERED],
        ring::lap_is_read_whole,
    );
}

#[test]
fn a_policy_announced_after_the_swap_is_overlooked() {
    dies(
        Fault::AnnouncedAfterSwap,
        &[NONE_OLDER],
        limiter::swap_meets_kept,
    );
}

#[test]
fn a_credit_that_outlives_its_units_admits_too_much() {
    dies(
        Fault::CreditOutlivesLog,
        &[NEVER_OVER],
        limiter::swap_meets_credit,
    );
}

#[test]
fn a_refund_by_a_later_era_admits_too_much() {
    dies(
        Fault::RefundOfNewestEra,
        &[NEVER_OVER],
        limiter::swap_meets_refund,
    );
}

#[test]
fn a_charge_kept_leaves_a_trace_of_a_denied_request() {
    dies(Fault::ChargeKept, &[ALL_OR_NOTHING], limiter::two_rules);
}

#[test]
fn at_once_a_denial_without_a_second_look_mixes_laps() {
    dies(
        Fault::AnswerUnchecked,
        &[ADMITS_WHAT_FITS],
        at_once::lap_is_read_whole,
    );
}

#[test]
fn at_once_a_check_that_does_not_read_the_key_again_charges_another() {
    dies(
        Fault::KeyUnchecked,
        &[CHARGED_AS_ANSWERED, ADMITS_WHAT_FITS],
        at_once::check_meets_eviction,
    );
}

#[test]
fn at_once_a_prepared_key_that_is_not_read_again_charges_another() {
    dies(
        Fault::KeyUnchecked,
        &[CHARGED_AS_ANSWERED, ADMITS_WHAT_FITS],
        at_once::prepared_meets_eviction,
    );
}

#[test]
fn at_once_a_horizon_read_before_the_head_overwrites_what_counts() {
    dies(
        Fault::HorizonReadEarly,
        &[NOT_LOST, ADMITS_WHAT_FITS],
        at_once::horizon_grows,
    );
}

#[test]
fn at_once_an_eviction_forgotten_is_admitted_once_more() {
    dies(
        Fault::EvictionForgotten,
        &[NEVER_OVER],
        at_once::old_readings,
    );
}

#[test]
fn at_once_a_charge_kept_leaves_a_trace_of_a_denied_request() {
    dies(
        Fault::ChargeKept,
        &[ALL_OR_NOTHING],
        limiter::two_rules_at_once,
    );
}
