//! Judging an answer: by the reference where the keys are exact, by the ledger
//! always.

use slidegate::{OnFull, Outcome, Precision};
use slidegate_reference::Receipt as Expected;

use super::asking::{Answer, Verdict};
use super::changes::Held;
use super::ledger::KeyId;
use super::request::{Asked, Call};
use super::world::World;
use crate::compare::{assert_coherent, assert_same};

/// Slots that one key may stand in: with fewer keys no request finds no room.
pub const PROBES: usize = 16;

impl World {
    /// Compares an answer that the engine gave at the present instant, and keeps
    /// what it charged.
    pub fn judge(&mut self, call: Call, asked: Asked, answer: Answer) {
        let (t, keys) = (self.clock.tick(), self.keys(asked));
        if call.charges() && !answer.verdict.is_error() {
            self.ledger.charged_at(t, &keys);
        }
        let is_exact = keys.iter().all(|key| self.ledger.is_exact(*key, t));
        let untracked = answer.verdict.is_untracked() || answer.counted > 0;
        assert_eq!(answer.counted, u64::from(untracked && call.charges()));
        let expected = if untracked {
            if is_exact {
                self.assert_admitted(asked);
            }
            self.untracked(call, &answer, &keys);
            None
        } else if is_exact {
            self.compare(call, asked, &answer)
        } else {
            self.follow(call, asked, &answer, &keys)
        };
        self.note(asked, &answer);
        let admitted = call.charges() && !untracked && answer.verdict.allowed();
        self.keep(admitted, asked, answer, expected);
    }

    fn compare(&mut self, call: Call, asked: Asked, answer: &Answer) -> Option<Expected> {
        self.count_exact(asked);
        let (expected, receipt) = self.expected(call.charges(), asked);
        match &answer.verdict {
            Verdict::Full(answer) => assert_same(&self.engine, answer, &expected),
            Verdict::Bare(answer) => {
                let allowed = expected.as_ref().map(|decision| decision.allowed);
                assert_eq!(answer.as_ref().ok(), allowed.as_ref().ok());
            }
        }
        if call == Call::Receipt {
            assert_eq!(answer.receipt.is_some(), receipt.is_some());
        }
        if let (Some(windows), Some(decision)) = (&answer.windows, answer.verdict.decision()) {
            self.compare_windows(asked, receipt.is_some(), decision, windows);
        }
        receipt
    }

    fn count_exact(&mut self, asked: Asked) {
        self.reach.exact += 1;
        let mut rules = self.governing(asked);
        let bucketed = rules
            .clone()
            .any(|rule| rule.precision == Precision::Bucketed);
        self.reach.bucketed += usize::from(bucketed);
        self.reach.shared += usize::from(rules.any(|rule| rule.is_shared));
    }

    /// The engine may differ: the reference is charged where both admit.
    fn follow(
        &mut self,
        call: Call,
        asked: Asked,
        answer: &Answer,
        keys: &[KeyId],
    ) -> Option<Expected> {
        self.reach.doubted += 1;
        let (expected, _) = self.expected(false, asked);
        assert_eq!(answer.verdict.is_error(), expected.is_err());
        if let Some(decision) = answer.verdict.decision() {
            assert_coherent(&self.engine, decision);
        }
        if !call.charges() || !answer.verdict.allowed() {
            return None;
        }
        let both = expected.is_ok_and(|decision| decision.allowed);
        if !both || self.ledger.is_behind(keys, self.clock.tick()) {
            self.doubt(keys);
        }
        match both {
            true => self.expected(true, asked).1,
            false => None,
        }
    }

    /// Only what every rule admits is turned away for want of room.
    fn assert_admitted(&self, asked: Asked) {
        let (expected, _) = self.expected(false, asked);
        let allowed = expected.is_ok_and(|decision| decision.allowed);
        assert!(allowed, "the reference denies it");
    }

    /// The table said that it was full.
    fn untracked(&mut self, call: Call, answer: &Answer, keys: &[KeyId]) {
        self.reach.untracked += 1;
        let admits = self.setup.on_full == OnFull::Admit;
        assert_eq!(answer.verdict.allowed(), admits);
        assert!(admits || answer.receipt.is_none());
        assert!(self.ledger.may_be_full(keys, PROBES, self.clock.tick()));
        // What a peek found full is refused before anything is charged.
        let untouched = answer.foreseen && !admits;
        if call.charges() && keys.len() > 1 && !untouched {
            self.doubt(keys);
        }
    }

    pub fn doubt(&mut self, keys: &[KeyId]) {
        let t = self.clock.tick();
        for key in keys {
            self.ledger.doubt(*key, t);
        }
    }

    /// Remembers a denial, and when the window described is free again.
    fn note(&mut self, asked: Asked, answer: &Answer) {
        let Some(decision) = answer.verdict.decision() else {
            return;
        };
        assert_eq!(decision.untracked, decision.outcome == Outcome::Untracked);
        self.reach.never += usize::from(decision.outcome == Outcome::Never);
        self.reset_at_ns = decision.reset_at_ns().or(self.reset_at_ns);
        if let Some(retry_ns) = decision.retry_after_ns() {
            self.reach.denied += 1;
            self.denied = Some((asked, self.clock.now_ns() + retry_ns));
        }
    }

    /// Notes what was admitted, and keeps the receipts of it.
    fn keep(&mut self, admitted: bool, asked: Asked, answer: Answer, expected: Option<Expected>) {
        let (t, merchant) = (self.clock.tick(), asked.merchant);
        let rules = self.governing(asked).filter(|_| admitted);
        let charged = rules.map(|rule| {
            let units = u64::from(asked.cost) * u64::from(rule.cost);
            let key = KeyId::new(rule, merchant);
            self.ledger.admit(t, key, rule, units)
        });
        let charged = charged.collect();
        if let Some(engine) = answer.receipt {
            self.receipts.push(Held {
                engine,
                reference: expected,
                charged,
                keys: self.keys(asked),
            });
        }
    }
}
