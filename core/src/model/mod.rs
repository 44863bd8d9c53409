//! Models: a checker runs the shipped code.
//!
//! Under loom, with a bucket of one slot and rings of two to eight units, it goes
//! through every interleaving within the bounds that each model states. A model
//! prints how many executions it took and asserts that the rare events it is
//! about really happened in its race. [`mutants`] plants one fault at a time and
//! demands that a model fails on the assertion that names the promise broken.
//! `SLIDEGATE_MODEL_PREEMPTIONS` raises the preemption bound of the bounded
//! models (`make deep`).
//!
//! Under shuttle, with buckets of two slots, [`schedules`] runs the whole limiter
//! with many threads through random schedules.

#[cfg(slidegate_loom)]
mod at_once;
#[cfg(slidegate_loom)]
mod buckets;
#[cfg(slidegate_loom)]
mod document;
#[cfg(slidegate_loom)]
mod growth;
#[cfg(slidegate_loom)]
mod harness;
#[cfg(slidegate_loom)]
mod keys;
#[cfg(slidegate_loom)]
mod limiter;
#[cfg(slidegate_loom)]
mod mutants;
#[cfg(slidegate_loom)]
mod refund;
#[cfg(slidegate_loom)]
mod reset;
#[cfg(slidegate_loom)]
mod ring;
#[cfg(slidegate_shuttle)]
mod schedules;
#[cfg(slidegate_loom)]
mod table;
#[cfg(slidegate_loom)]
mod tenancy;
