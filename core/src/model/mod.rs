//! Models: loom runs the shipped ring and table code, with a bucket of one slot
//! and rings of two or four units, through every interleaving within the bounds
//! that each model states.
//!
//! A model prints how many executions it took and asserts that the rare events
//! it is about really happened. [`mutants`] plants one fault at a time and
//! demands that a model fails on the assertion that names the promise broken.
//!
//! `SLIDEGATE_MODEL_PREEMPTIONS` raises the preemption bound of the bounded
//! models (`make deep`). `SLIDEGATE_MODEL_THOROUGH` makes all models thorough:
//! loom by itself does not try every order of accesses to one word.

mod buckets;
mod growth;
mod harness;
mod mutants;
mod ring;
mod table;
