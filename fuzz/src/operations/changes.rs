//! Operations that change what is counted, or by which policy: refunds, resets,
//! swaps.

use slidegate::{Error, Receipt};

use super::ledger::{Charged, KeyId};
use super::policies::{NAMES, PARSED, POLICIES};
use super::request::name_of;
use super::span::QUANTUM;
use super::world::World;

/// The receipts of one admission.
pub struct Held {
    pub engine: Receipt,
    /// None where only the engine charged something.
    pub reference: Option<slidegate_reference::Receipt>,
    pub charged: Vec<Charged>,
    /// What the request was to charge.
    pub keys: Vec<KeyId>,
}

impl World {
    pub fn refund(&mut self, pick: u8) {
        if self.receipts.is_empty() {
            return;
        }
        let held = usize::from(pick) % self.receipts.len();
        let Held {
            engine,
            reference,
            charged,
            keys,
        } = self.receipts.swap_remove(held);
        let t = self.clock.tick();
        let is_exact = reference.is_some()
            && keys.iter().all(|key| self.ledger.is_exact(*key, t))
            && !charged.iter().any(|c| self.ledger.is_perhaps_evicted(c));
        let lends = |which: usize| charged.iter().any(|c| self.ledger.lends(c, t)[which]);
        let [must, may] = [lends(0), lends(1)];
        let lent = self.engine.refund(engine).expect("a receipt of its own");
        if let Some(reference) = reference {
            self.reference.refund(self.clock.now_ns(), reference);
        }
        for charged in &charged {
            self.ledger.refund(charged);
        }
        if is_exact {
            assert!((must..=may).contains(&lent), "lent {lent}: {charged:?}");
        } else if lent || may {
            self.doubt(&keys);
        }
        self.lent |= lent;
        self.reach.refunds += usize::from(lent);
        self.reach.late_refunds += usize::from(!lent);
    }

    /// Resets a merchant; without one, that of the last request.
    pub fn reset(&mut self, merchant: Option<u8>, name: Option<usize>) {
        let merchant = merchant.map(|merchant| merchant % self.setup.merchants);
        let merchant = merchant.unwrap_or(self.last_merchant);
        let rule = name.map(|name| NAMES[name]);
        let answer = self.engine.reset(name_of(merchant), rule);
        if rule.is_some_and(|rule| !self.ledger.has_had(rule)) {
            assert!(
                matches!(answer, Err(Error::UnknownRule { .. })),
                "{answer:?}"
            );
            return;
        }
        let had_slots = answer.expect("a known rule");
        self.reference.reset(&name_of(merchant), rule);
        let ([least, most], bucketed) = self.ledger.reset(merchant, rule);
        assert!(
            (least..=most).contains(&had_slots),
            "{had_slots} keys reset"
        );
        self.reach.resets += had_slots;
        let next = self.clock.latest_tick() + 1;
        self.clock.pass(match bucketed {
            true => next.next_multiple_of(QUANTUM),
            false => next,
        });
    }

    /// Puts another policy into force, or sees it refused.
    pub fn swap(&mut self, index: usize) {
        let (policy, (text, parsed)) = (&POLICIES[index], &PARSED[index]);
        if !self.ledger.admits(policy) {
            let refused = self.engine.swap(parsed);
            assert!(matches!(refused, Err(Error::Precision { .. })));
            return;
        }
        if let Some(longest) = self.ledger.lengthened_by(policy) {
            self.clock.pass(self.clock.latest_tick() + longest);
            self.ledger.pass_all();
        }
        self.ledger.take_policy(policy);
        let version = self.reference.swap(text) - self.aside;
        assert_eq!(self.engine.swap(parsed).expect("few rules"), version);
        self.policy = index;
    }
}
