//! Mutants: each plants one fault and demands that a model fails, on the
//! assertion that names the promise broken and not on a bound.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::harness::*;
use super::{growth, ring, table};
use crate::sync::fault::{Fault, plant};

/// Runs a model with the fault planted; it must fail on one of `promises`.
pub(super) fn dies(fault: Fault, promises: &[&str], model: impl FnOnce(Model)) {
    plant(Some(fault));
    let bounded = Model::bounded(format!("with {fault:?}"), 2);
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
    dies(Fault::RescanByLoads, &[NEVER_OVER], table::insert_twice);
}

#[test]
fn a_later_insertion_ignored_doubles_a_key() {
    dies(
        Fault::IgnoreLaterInsertion,
        &[NEVER_OVER],
        table::insert_twice,
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
fn a_copy_without_a_second_look_mixes_laps() {
    dies(
        Fault::CopyUnchecked,
        &[ADMITS_WHAT_FITS, CHARGED_AS_ANSWERED],
        growth::copier_sleeps,
    );
}
