//! The instructions that Slidegate's operations take, counted by callgrind: other
//! load on the machine changes nothing about them, so CI can compare them with a
//! baseline (`make instructions`).
//!
//! Every bench does its operation `REQUESTS` times. Set-up is not counted, and a
//! teardown sees to it that the requests were decided as the bench's name says.

#![allow(missing_docs)] // The macros make public items without docs.

mod workload;

use std::hint::black_box;

use gungraun::prelude::*;
use gungraun::{Callgrind, main};
use slidegate::{Check, Decision, Error, Policy, Prepared, Receipt};

use workload::{Decided, REQUESTS, Workload};

/// Requests of one batch.
const BATCH: usize = 16;

fn all_done<T>((_, admitted): Decided<T>) {
    assert_eq!(admitted, REQUESTS, "admitted");
}

fn all_denied<T>((_, admitted): Decided<T>) {
    assert_eq!(admitted, 0, "admitted");
}

/// An error would pass for a denial.
fn admits(decision: &Result<Decision, Error>) -> bool {
    decision.as_ref().expect("a decision").allowed
}

#[library_benchmark]
#[bench::denied(args = (workload::denied()), teardown = all_denied)]
#[bench::admitted(args = (workload::admitted()), teardown = all_done)]
#[bench::refunded_once(args = (workload::refunded()), teardown = all_done)]
#[bench::fresh_key(args = (workload::fresh()), teardown = all_done)]
#[bench::fresh_key_for_an_idle_one(args = (workload::idle()), teardown = all_done)]
#[bench::fifth_unit(args = (workload::units(4)), teardown = all_done)]
#[bench::seventeenth_unit(args = (workload::units(16)), teardown = all_done)]
#[bench::two_windows(args = (workload::two_windows()), teardown = all_done)]
#[bench::two_rules(args = (workload::two_rules()), teardown = all_done)]
#[bench::bucketed(args = (workload::bucketed()), teardown = all_done)]
#[bench::routes_200(args = (workload::routes()), teardown = all_done)]
fn allow_by_id(work: Workload) -> Decided {
    let allow = |&(merchant, id): &_| {
        let allowed = work.limiter.allow(black_box(merchant), black_box(id), 1);
        allowed.expect("a decision")
    };
    let admitted = work.by_id().filter(allow).count();
    (work, admitted)
}

#[library_benchmark]
#[bench::denied(args = (workload::denied()), teardown = all_denied)]
#[bench::routes_200(args = (workload::routes()), teardown = all_done)]
fn allow_by_text(work: Workload) -> Decided {
    let allow = |&(merchant, text): &(_, &str)| {
        let allowed = work.limiter.allow(black_box(merchant), black_box(text), 1);
        allowed.expect("a decision")
    };
    let admitted = work.by_text().filter(allow).count();
    (work, admitted)
}

#[library_benchmark]
#[bench::denied(args = (workload::prepared()), teardown = all_denied)]
fn allow_prepared((work, keys): (Workload, Vec<Prepared>)) -> Decided<(Workload, Vec<Prepared>)> {
    let allow = |key: &&_| {
        let allowed = work.limiter.allow_prepared(black_box(key), 1);
        allowed.expect("a decision")
    };
    let admitted = keys.iter().filter(allow).count();
    ((work, keys), admitted)
}

#[library_benchmark]
#[bench::denied(args = (workload::denied()), teardown = all_denied)]
#[bench::admitted(args = (workload::admitted()), teardown = all_done)]
#[bench::two_rules(args = (workload::two_rules()), teardown = all_done)]
fn check(work: Workload) -> Decided {
    let check = |&(merchant, id): &_| {
        let decision = work.limiter.check(black_box(merchant), black_box(id), 1);
        admits(&black_box(decision))
    };
    let admitted = work.by_id().filter(check).count();
    (work, admitted)
}

#[library_benchmark]
#[bench::denied(args = (workload::prepared()), teardown = all_denied)]
fn check_prepared((work, keys): (Workload, Vec<Prepared>)) -> Decided<(Workload, Vec<Prepared>)> {
    let check = |key: &&_| {
        let decision = work.limiter.check_prepared(black_box(key), 1);
        admits(&black_box(decision))
    };
    let admitted = keys.iter().filter(check).count();
    ((work, keys), admitted)
}

#[library_benchmark]
#[bench::denied(args = (workload::denied()), teardown = all_denied)]
fn check_and_headers(work: Workload) -> Decided {
    let check = |&(merchant, id): &_| {
        let decision = work.limiter.check(black_box(merchant), black_box(id), 1);
        black_box(decision.as_ref().ok().map(Decision::headers));
        admits(&decision)
    };
    let admitted = work.by_id().filter(check).count();
    (work, admitted)
}

#[library_benchmark]
#[bench::denied(args = (workload::denied()), teardown = all_denied)]
fn peek(work: Workload) -> Decided {
    let peek = |&(merchant, id): &_| {
        let decision = work.limiter.peek(black_box(merchant), black_box(id), 1);
        admits(&black_box(decision))
    };
    let admitted = work.by_id().filter(peek).count();
    (work, admitted)
}

#[library_benchmark]
#[bench::batches_of_16(args = (workload::admitted()), teardown = all_done)]
fn check_many(work: Workload) -> Decided {
    let mut requests = work
        .by_id()
        .map(|(merchant, id)| Check::new(merchant, id, 1));
    let mut admitted = 0;
    for _ in 0..REQUESTS / BATCH {
        let batch: [_; BATCH] = std::array::from_fn(|_| requests.next().expect("a request"));
        let decisions = work.limiter.check_many(black_box(&batch));
        admitted += decisions.iter().filter(|d| admits(d)).count();
    }
    drop(requests);
    (work, admitted)
}

#[library_benchmark]
#[bench::batches_of_16(args = (workload::admitted()), teardown = all_done)]
fn allow_each(work: Workload) -> Decided {
    let mut requests = work
        .by_id()
        .map(|(merchant, id)| Check::new(merchant, id, 1));
    let mut admitted = 0;
    for _ in 0..REQUESTS / BATCH {
        let batch: [_; BATCH] = std::array::from_fn(|_| requests.next().expect("a request"));
        work.limiter.allow_each(black_box(&batch), |allowed| {
            admitted += usize::from(allowed.expect("a decision"));
        });
    }
    drop(requests);
    (work, admitted)
}

#[library_benchmark]
#[bench::receipt(args = (workload::receipts()), teardown = all_done)]
fn refund((work, receipts): (Workload, Vec<Receipt>)) -> Decided {
    let refund = |receipt| work.limiter.refund(receipt).expect("its own receipt");
    let lent = receipts
        .into_iter()
        .map(refund)
        .filter(|lent| *lent)
        .count();
    (work, lent)
}

#[library_benchmark]
#[bench::one_rule(args = (workload::swap()), teardown = all_done)]
fn swap((work, policy): (Workload, Policy)) -> Decided<(Workload, Policy)> {
    let swap = |_: &_| work.limiter.swap(black_box(&policy)).is_ok();
    let swapped = (0..REQUESTS).filter(swap).count();
    ((work, policy), swapped)
}

library_benchmark_group!(
    name = operations,
    benchmarks = [
        allow_by_id,
        allow_by_text,
        allow_prepared,
        check,
        check_prepared,
        check_and_headers,
        peek,
        check_many,
        allow_each,
        refund,
        swap
    ]
);

main!(
    // Caches are not simulated: that takes longer, and nothing compares it.
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = operations
);
