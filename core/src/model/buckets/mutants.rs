//! Mutants of the bucketed log: see [`crate::model::mutants`].

use super::tenancy::*;
use super::*;
use crate::model::mutants::dies;
use crate::sync::fault::Fault;

#[test]
fn a_bucket_entered_after_the_commit_is_missed() {
    dies(
        Fault::EnterLate,
        &[CONSISTENT, CHARGED_AS_ANSWERED],
        last_unit,
    );
}

#[test]
fn an_entry_without_a_look_at_the_head_replaces_the_true_one() {
    dies(
        Fault::EnterUnchecked,
        &[CHARGED_AS_ANSWERED],
        sleeper_enters_late,
    );
}

#[test]
fn a_bucket_not_marked_as_left_is_forgotten() {
    dies(Fault::LeaveUnmarked, &[NEVER_OVER], left_buckets_count);
}

#[test]
fn an_abandoned_entry_believed_holds_units_too_long() {
    dies(
        Fault::EntryTrusted,
        &[CHARGED_AS_ANSWERED],
        bucket_is_skipped,
    );
}

#[test]
fn a_later_lap_ignored_loses_a_bucket() {
    dies(
        Fault::LapIgnored,
        &[CONSISTENT, CHARGED_AS_ANSWERED],
        clock_is_a_lap_ahead,
    );
}

#[test]
fn a_denial_without_a_second_look_takes_anothers_birth() {
    dies(
        Fault::AnswerUnchecked,
        &[ADMITS_WHAT_FITS],
        late_check_meets_eviction,
    );
}

#[test]
fn a_check_that_does_not_read_the_key_again_charges_another_merchant() {
    dies(
        Fault::KeyUnchecked,
        &[CHARGED_AS_ANSWERED, NOT_LOST],
        check_meets_eviction,
    );
}

#[test]
fn a_freeze_that_does_not_read_the_key_closes_another_keys_log() {
    dies(Fault::FreezeKeyUnchecked, &[NOT_LOST], reset_meets_eviction);
}

#[test]
fn a_birth_not_raised_gives_a_tenant_anothers_units() {
    dies(
        Fault::BirthNotRaised,
        &[CHARGED_AS_ANSWERED, ADMITS_WHAT_FITS, CONSISTENT],
        former_tenant_sleeps,
    );
}

#[test]
fn a_retention_read_before_the_head_evicts_a_key_that_counts() {
    dies(Fault::RetentionReadEarly, &[NOT_LOST], window_grows);
}
