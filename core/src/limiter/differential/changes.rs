//! Steps that change what is counted or by which policy: refunds, resets, swaps,
//! and a key that takes another's place.

use proptest::prelude::*;

use super::clock::begin_ns;
use super::compare::Checked;
use super::pair::{Asked, Held, Pair};
use super::policies::{BULK, RULES};
use super::steps::{How, MERCHANTS};
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
        let counts = charged.iter().any(|c| self.keys.counts(c, tick));
        let lent = self.engine.refund(engine).expect("a receipt of its own");
        self.reference.refund(self.clock.now_ns(), reference);
        // Until when exactly a unit counts in buckets, only the reference knows.
        if charged.iter().all(|c| c.key.rule != BULK) {
            prop_assert_eq!(lent, counts, "whether a refund of {:?} lends", charged);
        }
        self.refunded |= lent;
        match lent {
            true => self.tally.refunds += 1,
            false => self.tally.late_refunds += 1,
        }
        Ok(())
    }

    /// Resets and lets the clock pass every stamp, as the reference asks for.
    pub fn reset(&mut self, merchant: u8, rule: Option<usize>) -> Checked {
        let latest = self.clock.latest_tick();
        if !self.clock.reaches(begin_ns(latest + 1)) {
            return Ok(());
        }
        let name = one_unit(merchant, 0).name();
        let rule_name = rule.map(|rule| RULES[rule].0);
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
        self.tally.resets += had_one as u64;
        self.clock.set(begin_ns(latest + 1));
        self.keys.raise_floor(latest + 1);
        Ok(())
    }

    /// Puts another policy of the family into force. Before one that asks for
    /// units which were let go of, the clock moves on until no unit counts in it.
    pub fn swap(&mut self, index: usize) -> Checked {
        let index = index % self.family.policies.len();
        let policy = &self.family.policies[index];
        let latest = self.clock.latest_tick();
        if self.keys.is_lengthened_by(policy) {
            let lengths = (0..RULES.len()).map(|rule| policy.horizon(rule));
            let longest = lengths.chain([self.keys.retention()]).max().unwrap_or(0);
            if !self.clock.set(begin_ns(latest + longest)) {
                return Ok(());
            }
            self.keys.raise_floor(latest + longest);
        }
        self.keys.settle_floor(latest);
        let toml = policy.toml();
        let version = self.reference.swap(&toml) - self.aside;
        let parsed = Policy::from_toml(&toml).expect("a valid policy");
        let swapped = self.engine.swap(&parsed);
        prop_assert_eq!(swapped.expect("a policy of few rules"), version);
        self.keys.take_policy(policy);
        self.policy = index;
        self.tally.swaps += 1;
        Ok(())
    }

    /// Brings a merchant's key in at the moment when another key becomes idle, or
    /// a tick before or after, and asks that other.
    pub fn displace(&mut self, pick: u16, nudge: i8) -> Checked {
        let Some((idle, newest)) = self.keys.newest(pick) else {
            return Ok(());
        };
        let at = (newest + self.keys.retention()).saturating_add_signed(nudge.into());
        let visitor = MERCHANTS - 1;
        // The reset moves the clock by a tick.
        if at < self.clock.latest_tick() + 2 || !self.clock.set(begin_ns(at - 1)) {
            return Ok(());
        }
        self.reset(visitor, None)?;
        for place in [0, 1] {
            self.ask(How::Check, one_unit(visitor, place))?;
        }
        let place = match idle.rule {
            0 | 1 => 6,
            rule => rule - 2,
        };
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
