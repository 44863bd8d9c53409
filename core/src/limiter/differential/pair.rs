//! Engine and reference under one clock, and the steps that both take.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use proptest::prelude::*;
use slidegate_reference::Reference;

use super::clock::{TestClock, UNIX_NS, begin_ns};
use super::compare::Checked;
use super::families::Family;
use super::keys::{Charged, Keys};
use super::policies::{PLACES, PolicySpec, QUANTUM_TICKS, leaves_at};
use super::steps::{Cost, Request, Step, Wait, part};
use super::tally::Tally;
use super::watch::Watch;
use crate::Policy;
use crate::limiter::{Limiter, Prepared, Receipt};
use crate::time::TICK_NS;
use crate::window::Precision;

/// A request with its cost in units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub merchant: u8,
    pub place: usize,
    pub cost: u32,
}

impl Asked {
    pub fn name(self) -> [u8; 3] {
        [b'm', self.merchant, 0xFF]
    }

    pub fn text(self) -> &'static str {
        PLACES[self.place].text
    }
}

/// The receipts of one admission.
pub(super) struct Held {
    pub engine: Receipt,
    pub reference: slidegate_reference::Receipt,
    pub charged: Vec<Charged>,
}

pub(super) struct Denied {
    pub asked: Asked,
    /// The retry instant.
    pub at_ns: u64,
    /// How the window counts that binds.
    pub precision: Precision,
}

pub(super) struct Pair {
    pub clock: Arc<TestClock>,
    pub engine: Limiter,
    pub reference: Reference,
    pub family: Family,
    /// The policy in force.
    pub policy: usize,
    /// How many policies the reference saw and the engine did not.
    pub aside: u64,
    pub keys: Keys,
    pub watch: Watch,
    pub prepared: HashMap<(u8, usize), Rc<Prepared>>,
    pub receipts: Vec<Held>,
    pub denied: Option<Denied>,
    pub reset_at_ns: Option<u64>,
    /// Whether anything was ever lent.
    pub refunded: bool,
    /// Whether every denial's retry instant is looked at.
    pub probes: bool,
    pub tally: Tally,
}

impl Pair {
    pub fn new(family: &Family, max_keys: u64, probes: bool) -> Self {
        let clock = Arc::new(TestClock::default());
        let toml = family.policies[0].toml();
        let policy = Policy::from_toml(&toml).expect("a valid policy");
        let builder = Limiter::builder().max_keys(max_keys).clock(clock.clone());
        let mut keys = Keys::default();
        keys.take_policy(&family.policies[0]);
        Self {
            clock,
            engine: builder.build(&policy).expect("a limiter"),
            reference: Reference::new(&toml, UNIX_NS),
            family: family.clone(),
            policy: 0,
            aside: 0,
            keys,
            watch: Watch::default(),
            prepared: HashMap::new(),
            receipts: Vec::new(),
            denied: None,
            reset_at_ns: None,
            refunded: false,
            probes,
            tally: Tally::default(),
        }
    }

    /// Takes all steps; what was reached, if engine and reference agree.
    pub fn run(mut self, steps: &[Step]) -> Result<Tally, TestCaseError> {
        for step in steps {
            self.take(step)?;
            self.see_changes();
        }
        for precision in [Precision::Exact, Precision::Bucketed] {
            self.tally.of(precision).wraps = self.keys.wraps[precision as usize];
        }
        Ok(self.tally)
    }

    /// Counts the keys that were evicted since the last look, and those that got
    /// their slots.
    pub fn see_changes(&mut self) {
        let changes = self.watch.look(&self.engine);
        for precision in [Precision::Exact, Precision::Bucketed] {
            let kind = self.tally.of(precision);
            kind.evictions += changes[precision as usize].gone;
            kind.rebirths += changes[precision as usize].reborn;
        }
    }

    pub fn spec(&self) -> &PolicySpec {
        &self.family.policies[self.policy]
    }

    fn take(&mut self, step: &Step) -> Checked {
        match *step {
            Step::Ask(how, request) => self.ask(how, self.asked(request)),
            Step::Burst {
                request,
                times,
                apart_ns,
            } => self.burst(request, times, apart_ns),
            Step::Flood {
                request,
                times,
                refund,
            } => self.flood(request, times, refund),
            Step::Batch {
                ref requests,
                allow,
                alike,
            } => self.batch(requests, allow, alike),
            Step::Retry { early, charge } => self.retry(early, charge),
            Step::Refund { pick } => self.refund(pick),
            Step::Reset { merchant, rule } => self.reset(merchant, rule),
            Step::Swap { policy } => self.swap(policy),
            Step::Wait(wait) => {
                self.wait(wait);
                Ok(())
            }
            Step::Displace { pick, nudge } => self.displace(pick, nudge),
        }
    }

    pub fn asked(&self, request: Request) -> Asked {
        let Request {
            merchant, place, ..
        } = request;
        let most = self.spec().largest_cost(place);
        let cost = match request.cost {
            Cost::Zero => 0,
            Cost::Units(units) => units,
            Cost::Share(share) => 1 + part(share, most.into()) as u32,
            Cost::Most => most,
            Cost::Over => most + 1,
        };
        Asked {
            merchant,
            place,
            cost,
        }
    }

    fn wait(&mut self, wait: Wait) {
        if let Wait::Back { share, near } = wait {
            return self.step_back(share, near);
        }
        let now_ns = self.clock.now_ns();
        if let Some(to_ns) = self.end_of(wait).filter(|to_ns| *to_ns > now_ns) {
            self.clock.set(to_ns);
        }
    }

    /// Until when to wait.
    fn end_of(&self, wait: Wait) -> Option<u64> {
        let now_ns = self.clock.now_ns();
        match wait {
            Wait::Ns(ns) => Some(now_ns + ns),
            Wait::Edge {
                stamp,
                window,
                nudge,
            } => {
                let (precision, ticks) = self.window(window)?;
                let edge = leaves_at(precision, ticks, self.keys.stamp(stamp)?);
                Some(begin_ns(edge.saturating_add_signed(nudge.into())))
            }
            Wait::Reset { nudge } => {
                let at_ns = self.reset_at_ns?.saturating_sub(UNIX_NS);
                Some(at_ns.saturating_add_signed(i64::from(nudge) * TICK_NS as i64))
            }
            Wait::Share { window, share } => {
                let (_, ticks) = self.window(window)?;
                Some(now_ns + part(share, ticks * TICK_NS))
            }
            Wait::Idle => Some(begin_ns(self.keys.all_idle_from(self.clock.latest_tick()))),
            Wait::Back { .. } => None,
        }
    }

    /// How one of the policy's windows counts, and its length in ticks.
    fn window(&self, pick: u16) -> Option<(Precision, u64)> {
        let windows = self.spec().windows().map(|(kind, w)| (kind, w.ticks()));
        let windows: Vec<(Precision, u64)> = windows.collect();
        windows
            .get(usize::from(pick) % windows.len().max(1))
            .copied()
    }

    fn step_back(&mut self, share: u16, near: bool) {
        let floor_ns = begin_ns(self.keys.settle_floor(self.clock.latest_tick()));
        let now_ns = self.clock.now_ns();
        let most_ns = if near {
            2 * QUANTUM_TICKS * TICK_NS
        } else {
            now_ns
        };
        if let Some(above_ns) = now_ns.checked_sub(floor_ns) {
            self.clock.set(now_ns - part(share, above_ns.min(most_ns)));
            self.tally.back_steps += 1;
        }
    }
}
