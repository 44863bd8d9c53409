//! What the counted operations are given: limiters under a clock that stands
//! still, with many merchants.
//!
//! A limiter hashes with a random secret, so where a key lies, and with it how many
//! instructions finding it takes, differs from run to run. Over so many merchants
//! the differences even out.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use slidegate::{EndpointId, Limiter, ManualClock, Policy, Prepared, Receipt};
use slidegate_benches::{merchants, policy};

/// Requests that each bench makes, every one of another merchant. The script that
/// compares the counts divides by it.
pub const REQUESTS: usize = 4_096;

/// What a bench gives back: what it worked on, which is then dropped uncounted, and
/// how many of its requests were admitted.
pub type Decided<T = Workload> = (T, usize);

const ENDPOINT: &str = "POST /v1/payment";
const ROUTES: usize = 200;
const MAX_KEYS: u64 = 4 * REQUESTS as u64;

/// A fill, in units: two of them leave room in all windows here, four fill 100.
const FILL: u32 = 25;

/// A limiter, and requests to it.
pub struct Workload {
    pub limiter: Limiter,
    merchants: Vec<String>,
    texts: Vec<String>,
    ids: Vec<EndpointId>,
    clock: Arc<ManualClock>,
}

impl Workload {
    /// `endpoints` are routes and a text that each governs; requests take them in turn.
    fn new(policy: &Policy, endpoints: &[(String, String)]) -> Self {
        let clock = Arc::new(ManualClock::new(0));
        let builder = Limiter::builder().max_keys(MAX_KEYS);
        let limiter = builder.clock(clock.clone()).build(policy);
        let limiter = limiter.expect("a limiter");
        let turns = || endpoints.iter().cycle().take(REQUESTS);
        let id = |(route, _): &(String, String)| limiter.endpoint(route).expect("an endpoint");
        let ids = turns().map(id).collect();
        let texts = turns().map(|(_, text)| text.clone()).collect();
        // A thread's first call sets up thread-locals.
        let first = limiter.allow("another merchant", endpoints[0].1.as_str(), 1);
        assert!(first.expect("a decision"), "an empty window has room");
        Self {
            limiter,
            merchants: merchants(REQUESTS),
            texts,
            ids,
            clock,
        }
    }

    fn of_windows(windows: &str) -> Self {
        Self::new(&policy(windows), &[(ENDPOINT.into(), ENDPOINT.into())])
    }

    /// Charges every merchant so many times, two milliseconds apart.
    fn filled(self, times: usize) -> Self {
        for _ in 0..times {
            for (merchant, id) in self.by_id() {
                let admitted = self.limiter.allow(merchant, id, FILL);
                assert!(admitted.expect("a decision"), "too little room");
            }
            self.clock.advance(Duration::from_millis(2));
        }
        self
    }

    /// The requests, with their endpoints looked up.
    pub fn by_id(&self) -> impl Iterator<Item = (&str, EndpointId)> {
        let merchants = self.merchants.iter().map(String::as_str);
        merchants.zip(self.ids.iter().copied())
    }

    /// The requests, with their endpoints as text.
    pub fn by_text(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.texts.iter().map(String::as_str);
        self.merchants.iter().map(String::as_str).zip(texts)
    }
}

/// Full windows.
pub fn denied() -> Workload {
    Workload::of_windows("\"100/min\"").filled(4)
}

/// Half full windows.
pub fn admitted() -> Workload {
    Workload::of_windows("\"100/min\"").filled(2)
}

/// Half full windows of keys to which a refund lent something that has long ended.
pub fn refunded() -> Workload {
    let work = Workload::of_windows("\"100/min\"");
    for (merchant, id) in work.by_id() {
        let checked = work.limiter.check_with_receipt(merchant, id, 1);
        let (_, receipt) = checked.expect("a decision");
        let lent = work.limiter.refund(receipt.expect("an admission"));
        assert!(lent.expect("its own receipt"), "it counts no more");
    }
    work.clock.advance(Duration::from_secs(60));
    work.filled(2)
}

/// Merchants that the table does not know.
pub fn fresh() -> Workload {
    Workload::of_windows("\"100/min\"")
}

/// Merchants that the table does not know, in one that is full of idle keys.
pub fn idle() -> Workload {
    let work = fresh();
    let id = work.ids[0];
    for number in 0..MAX_KEYS {
        let stands = work.limiter.allow(format!("idle{number}"), id, 1);
        assert!(stands.expect("a decision"), "no room");
    }
    work.clock.advance(Duration::from_secs(61));
    work
}

/// Keys with so many units, which fill the cells that they have.
pub fn units(count: u32) -> Workload {
    let work = fresh();
    for (merchant, id) in work.by_id() {
        for _ in 0..count {
            let admitted = work.limiter.allow(merchant, id, 1);
            assert!(admitted.expect("a decision"), "too little room");
        }
    }
    work
}

/// Two windows in one rule.
pub fn two_windows() -> Workload {
    Workload::of_windows("\"100/s\", \"400/min\"").filled(2)
}

/// A rule for the merchant as a whole, and one for the endpoint.
pub fn two_rules() -> Workload {
    let text = "version = 1\n\
        [[rule]]\nname = \"merchant\"\nmatch = \"*\"\nwindows = [\"400/min\"]\n\
        [[rule]]\nname = \"endpoint\"\nmatch = \"POST /v1/payment\"\nwindows = [\"100/min\"]\n";
    let policy = Policy::from_toml(text).expect("a policy");
    Workload::new(&policy, &[(ENDPOINT.into(), ENDPOINT.into())]).filled(2)
}

/// A window that is too large to be exact.
pub fn bucketed() -> Workload {
    Workload::of_windows("\"10000/s\"").filled(2)
}

/// Many rules, all of which are used.
pub fn routes() -> Workload {
    let mut text = String::from("version = 1\n");
    let mut endpoints = Vec::with_capacity(ROUTES);
    for n in 0..ROUTES {
        let route = format!("GET /v1/resource{n:03}/:id");
        writeln!(
            text,
            "[[rule]]\nname = \"r{n}\"\nmatch = \"{route}\"\nwindows = [\"100/min\"]"
        )
        .expect("a string takes all");
        endpoints.push((route, format!("GET /v1/resource{n:03}/8f3a21c4")));
    }
    Workload::new(&Policy::from_toml(&text).expect("a policy"), &endpoints).filled(2)
}

/// Full windows, with prepared keys that were used once.
pub fn prepared() -> (Workload, Vec<Prepared>) {
    let work = denied();
    let prepare = |(merchant, id)| {
        let key = work.limiter.prepare(merchant, id).expect("a key");
        let allowed = work.limiter.allow_prepared(&key, 1).expect("a decision");
        assert!(!allowed, "a full window admits");
        key
    };
    let keys = work.by_id().map(prepare).collect();
    (work, keys)
}

/// Half full windows, and a receipt of a unit in each.
pub fn receipts() -> (Workload, Vec<Receipt>) {
    let work = admitted();
    let charge = |(merchant, id)| {
        let charged = work.limiter.check_with_receipt(merchant, id, 1);
        charged.expect("a decision").1.expect("an admission")
    };
    let receipts = work.by_id().map(charge).collect();
    (work, receipts)
}

/// A limiter in use, and a policy of one rule to swap to.
pub fn swap() -> (Workload, Policy) {
    (admitted(), policy("\"200/min\""))
}
