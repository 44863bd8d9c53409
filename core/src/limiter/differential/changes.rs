//! Steps that change what is counted or by which policy: refunds, resets, swaps,
//! and a key that takes another's place.

use proptest::prelude::*;

use super::clock::begin_ns;
use super::compare::Checked;
use super::pair::{Asked, Held, Pair};
use super::policies::{PLACES, QUANTUM_TICKS, RULES};
use super::steps::{How, MERCHANTS};
use crate::window::Precision;
use crate::{Error, Policy};

impl Pair {
    pub fn refund(&mut self, pick: u16) -> Checked {
        if self.receipts.is_empty() {
            return Ok(());
        }
        let held = usize::from(pick) % self.receipts.len();
        let Held {
            engine,
            reference,
            charged,
        } = self.receipts.swap_remove(held);
        let tick = self.clock.tick();
        let mut any = false;
        for charge in &charged {
            let counts = self.keys.counts(charge, tick);
            let kind = self.tally.of(charge.precision);
            kind.refunds += u64::from(counts);
            kind.late_refunds += u64::from(!counts);
            any |= counts;
        }
        let lent = self.engine.refund(engine).expect("a receipt of its own");
        self.reference.refund(self.clock.now_ns(), reference);
        prop_assert_eq!(lent, any, "whether a refund of {:?} lends", charged);
        self.refunded |= lent;
        Ok(())
    }

    /// Resets and lets the clock pass every stamp, as the reference asks for.
    pub fn reset(&mut self, merchant: u8, rule: Option<usize>) -> Checked {
        let latest = self.clock.latest_tick();
        let begin = self.keys.begin_after_reset(merchant, rule, latest);
        if !self.clock.reaches(begin_ns(begin)) {
            return Ok(());
        }
        let name = one_unit(merchant, 0).name();
        let rule_name = rule.map(|rule| RULES[rule].0);
        self.see_changes();
        let answer = self.engine.reset(name, rule_name);
        if rule.is_some_and(|rule| !self.keys.has_had(rule)) {
            let refused = matches!(answer, Err(Error::UnknownRule { .. }));
            prop_assert!(refused, "{:?}", answer);
            return Ok(());
        }
        let had_one = answer.expect("a known rule");
        self.reference.reset(&name, rule_name);
        let [least, most] = self.keys.reset(merchant, rule, latest);
        prop_assert!((least..=most).contains(&had_one), "{had_one} keys reset");
        self.count_resets(had_one)?;
        self.clock.set(begin_ns(begin));
        self.keys.raise_floor(begin);
        Ok(())
    }

    /// Counts the keys that a reset made anew, which lost their slots by it.
    fn count_resets(&mut self, had_one: usize) -> Checked {
        let changes = self.watch.look(&self.engine);
        for precision in [Precision::Exact, Precision::Bucketed] {
            self.tally.of(precision).resets += changes[precision as usize].gone;
        }
        let gone: u64 = changes.iter().map(|changes| changes.gone).sum();
        prop_assert_eq!(gone, had_one as u64, "keys that lost their slots");
        Ok(())
    }

    /// Puts another policy of the family into force, if it may be. Before one that
    /// asks for units which were let go of, the clock moves on until no unit counts
    /// in it.
    pub fn swap(&mut self, index: usize) -> Checked {
        let index = index % self.family.policies.len();
        let policy = &self.family.policies[index];
        let parsed = Policy::from_toml(&policy.toml()).expect("a valid policy");
        if let Some(rule) = self.keys.refuses(policy) {
            let answer = self.engine.swap(&parsed);
            let named =
                matches!(&answer, Err(Error::Precision { rule: r, .. }) if r == RULES[rule].0);
            prop_assert!(named, "{:?}", answer);
            self.tally.refused += 1;
            return Ok(());
        }
        let former = &self.family.policies[self.policy];
        let latest = self.clock.latest_tick();
        let from = self.keys.asks_from(policy, former, latest);
        if from > latest {
            if !self.clock.set(begin_ns(from)) {
                return Ok(());
            }
            self.keys.raise_floor(from);
        }
        self.keys.settle_floor(self.clock.latest_tick());
        self.tally.taken_back += self.keys.taken_back(policy, former, self.clock.tick());
        let version = self.reference.swap(&policy.toml()) - self.aside;
        let swapped = self.engine.swap(&parsed);
        prop_assert_eq!(swapped.expect("a policy of few rules"), version);
        self.keys.take_policy(policy);
        self.policy = index;
        self.tally.swaps += 1;
        Ok(())
    }

    /// Brings a merchant's keys in at the moment when another key becomes idle, or
    /// a tick before or after, and asks that other.
    pub fn displace(&mut self, pick: u16, nudge: i8) -> Checked {
        let Some((idle, from)) = self.keys.idle_later(pick) else {
            return Ok(());
        };
        let at = from.saturating_add_signed(nudge.into());
        let visitor = MERCHANTS - 1;
        // The visitor's keys are made anew, which moves the clock.
        let latest = self.clock.latest_tick();
        let pause = match self.keys.begin_after_reset(visitor, None, latest) > latest + 1 {
            true => QUANTUM_TICKS,
            false => 1,
        };
        if at < latest + pause + 1 || !self.clock.set(begin_ns(at - pause)) {
            return Ok(());
        }
        self.reset(visitor, None)?;
        self.clock.set(begin_ns(at));
        for place in [0, 1, 3] {
            self.ask(How::Check, one_unit(visitor, place))?;
        }
        let place = PLACES
            .iter()
            .position(|place| place.rule == Some(idle.rule));
        let place = place.unwrap_or(PLACES.len() - 1);
        let merchant = idle.merchant.unwrap_or(0);
        self.ask(How::Peek, one_unit(merchant, place))?;
        self.ask(How::CheckPrepared, one_unit(merchant, place))
    }
}

fn one_unit(merchant: u8, place: usize) -> Asked {
    Asked {
        merchant,
        place,
        cost: 1,
    }
}
