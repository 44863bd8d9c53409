//! Asking: every way to put a request to the engine, beside the reference.

use std::rc::Rc;

use proptest::prelude::*;
use slidegate_reference::{Decision as Expected, Outcome, Precision as Counted, Refusal};

use super::compare::{Checked, agree, agree_whether};
use super::keys::{Charged, KeyId};
use super::pair::{Asked, Denied, Held, Pair};
use super::policies::PLACES;
use super::steps::{Cost, How, Request};
use crate::limiter::{Check, Endpoint, Prepared, Receipt};
use crate::sync::trace::{Event, seen};
use crate::time::TICK_NS;
use crate::window::Precision;
use crate::{Decision, Error, WindowStatus};

/// What the reference answers.
struct Expectation {
    decision: Result<Expected, Refusal>,
    /// Where something was charged.
    receipt: Option<slidegate_reference::Receipt>,
    charged: Vec<Charged>,
}

/// What the engine answers to one of the ways to ask.
enum Answer {
    Whether(Result<bool, Error>),
    Decision(Result<Decision, Error>),
    Receipt(Result<Decision, Error>, Option<Receipt>),
    Windows(Result<Decision, Error>, Vec<WindowStatus>),
}

impl Answer {
    fn windows(answer: Result<(Decision, Vec<WindowStatus>), Error>) -> Self {
        match answer {
            Ok((decision, windows)) => Self::Windows(Ok(decision), windows),
            Err(error) => Self::Windows(Err(error), Vec::new()),
        }
    }
}

impl Pair {
    /// Asks a request of both and compares.
    pub fn ask(&mut self, how: How, asked: Asked) -> Checked {
        let charge = !matches!(how, How::Peek | How::PeekWindows | How::PeekPrepared);
        let answer = self.answer_and_count(how, asked);
        let expected = self.expect(asked, charge);
        match &answer {
            Answer::Whether(allowed) => agree_whether(allowed, &expected.decision)?,
            Answer::Decision(decision)
            | Answer::Receipt(decision, _)
            | Answer::Windows(decision, _) => self.agree(decision, &expected.decision)?,
        }
        if let (true, Ok(decision)) = (self.probes, &expected.decision) {
            self.probe(asked, decision)?;
        }
        match answer {
            Answer::Receipt(_, engine) => self.hold(engine, expected),
            Answer::Windows(Ok(decision), windows) => {
                let charged = expected.receipt.is_some();
                self.agree_on_windows(asked, charged, &decision, &windows)
            }
            _ => Ok(()),
        }
    }

    /// What the reference answers. The keys take note of what it charges.
    fn expect(&mut self, asked: Asked, charge: bool) -> Expectation {
        let (now_ns, name, cost) = (self.clock.now_ns(), asked.name(), asked.cost.into());
        let answer = match charge {
            true => self
                .reference
                .check_with_receipt(now_ns, &name, asked.text(), cost),
            false => {
                let peeked = self.reference.peek(now_ns, &name, asked.text(), cost);
                peeked.map(|decision| (decision, None))
            }
        };
        let (decision, receipt) = match answer {
            Ok((decision, receipt)) => (Ok(decision), receipt),
            Err(refusal) => (Err(refusal), None),
        };
        self.tally.steps += 1;
        if let Ok(decision) = &decision {
            self.note(asked, decision);
        }
        let charged = receipt.as_ref().map(|_| self.charged(asked));
        Expectation {
            decision,
            receipt,
            charged: charged.unwrap_or_default(),
        }
    }

    fn note(&mut self, asked: Asked, expected: &Expected) {
        self.reset_at_ns = expected.reset_at_ns.or(self.reset_at_ns);
        if let (Outcome::Denied, Some(wait_ns)) = (expected.outcome, expected.retry_after_ns) {
            let precision = precision(expected);
            self.tally.of(precision).denials += 1;
            self.denied = Some(Denied {
                asked,
                at_ns: self.clock.now_ns() + wait_ns,
                precision,
            });
        }
    }

    /// Notes what an admission charged.
    fn charged(&mut self, asked: Asked) -> Vec<Charged> {
        let tick = self.clock.tick();
        let mut charged = Vec::new();
        for rule in self.spec().governing(asked.place) {
            let cost = self.spec().rules[rule].as_ref().map_or(1, |r| r.cost);
            let units = u64::from(asked.cost) * u64::from(cost);
            let key = KeyId::new(self.spec(), rule, asked.merchant);
            charged.push(self.keys.charge(key, units, tick));
        }
        self.tally.mixed += u64::from(self.spec().is_mixed(asked.place));
        charged
    }

    /// Keeps the receipts of both, which give one or none alike.
    fn hold(&mut self, engine: Option<Receipt>, expected: Expectation) -> Checked {
        prop_assert_eq!(engine.is_some(), expected.receipt.is_some());
        if let (Some(engine), Some(reference)) = (engine, expected.receipt) {
            self.receipts.push(Held {
                engine,
                reference,
                charged: expected.charged,
            });
        }
        Ok(())
    }

    fn agree(
        &self,
        answer: &Result<Decision, Error>,
        expected: &Result<Expected, Refusal>,
    ) -> Checked {
        let mut expected = expected.clone();
        // It alone asks for the oldest unit of all, and not for the newest as many as
        // a limit says.
        if let (Ok(decision), Ok(expected)) = (answer, &mut expected)
            && expected.outcome == Outcome::Never
            && self.keys.may_forget_the_oldest(self.clock.tick())
        {
            prop_assert!(decision.reset_at_ns() >= expected.reset_at_ns);
            expected.reset_at_ns = decision.reset_at_ns();
        }
        agree(&self.engine, answer, &expected, self.aside, false)
    }

    /// Counts the laps of a request that is charged to bucketed logs alone.
    fn answer_and_count(&mut self, how: How, asked: Asked) -> Answer {
        let laps = seen(Event::Lap);
        let answer = self.answer(how, asked);
        if !self.spec().governs(asked.place, Precision::Exact) {
            self.tally.bucketed_laps += seen(Event::Lap) - laps;
        }
        answer
    }

    fn answer(&mut self, how: How, asked: Asked) -> Answer {
        let key = match how {
            How::CheckPrepared | How::PeekPrepared | How::AllowPrepared => self.prepare(asked),
            _ => None,
        };
        let Some(key) = key else {
            return self.answer_unprepared(how, asked);
        };
        self.tally.mixed_prepared += u64::from(self.spec().is_mixed(asked.place));
        match how {
            How::PeekPrepared => Answer::Decision(self.engine.peek_prepared(&key, asked.cost)),
            How::AllowPrepared => Answer::Whether(self.engine.allow_prepared(&key, asked.cost)),
            _ => Answer::Decision(self.engine.check_prepared(&key, asked.cost)),
        }
    }

    fn answer_unprepared(&self, how: How, asked: Asked) -> Answer {
        let engine = &self.engine;
        let (name, cost) = (asked.name(), asked.cost);
        let place = self.endpoint(asked, asked.merchant.is_multiple_of(2));
        match how {
            How::Check | How::CheckPrepared => Answer::Decision(engine.check(name, place, cost)),
            How::Peek | How::PeekPrepared => Answer::Decision(engine.peek(name, place, cost)),
            How::Allow | How::AllowPrepared => Answer::Whether(engine.allow(name, place, cost)),
            How::Receipt => match engine.check_with_receipt(name, place, cost) {
                Ok((decision, receipt)) => Answer::Receipt(Ok(decision), receipt),
                Err(error) => Answer::Receipt(Err(error), None),
            },
            How::CheckWindows => Answer::windows(engine.check_windows(name, place, cost)),
            How::PeekWindows => Answer::windows(engine.peek_windows(name, place, cost)),
        }
    }

    /// A request's endpoint, by its id if it is wanted and there is one.
    fn endpoint(&self, asked: Asked, by_id: bool) -> Endpoint<'static> {
        match PLACES[asked.place].template.filter(|_| by_id) {
            Some(template) => self.engine.endpoint(template).expect("a template").into(),
            None => asked.text().into(),
        }
    }

    /// The prepared key of a merchant and a place: the same one for the whole
    /// timeline.
    fn prepare(&mut self, asked: Asked) -> Option<Rc<Prepared>> {
        let template = PLACES[asked.place].template?;
        let engine = &self.engine;
        let key = self.prepared.entry((asked.merchant, asked.place));
        let key = key.or_insert_with(|| {
            let endpoint = engine.endpoint(template).expect("a template");
            Rc::new(engine.prepare(asked.name(), endpoint).expect("a key"))
        });
        Some(key.clone())
    }

    pub fn burst(&mut self, request: Request, times: u8, apart_ns: u64) -> Checked {
        let cost = Cost::Units(1);
        let asked = self.asked(Request { cost, ..request });
        for _ in 0..times {
            self.ask(How::Check, asked)?;
            self.clock.set(self.clock.now_ns() + apart_ns);
        }
        Ok(())
    }

    pub fn flood(&mut self, request: Request, times: u8, refund: bool) -> Checked {
        let most = self.spec().largest_cost(request.place);
        let cost = Cost::Units(most - most / 4);
        let asked = self.asked(Request { cost, ..request });
        for _ in 0..times {
            let held = self.receipts.len();
            self.denied = None;
            self.ask(How::Receipt, asked)?;
            if refund && self.receipts.len() > held {
                self.refund(held as u16)?;
            }
            self.retry(false, true)?;
        }
        Ok(())
    }

    /// Asks many at once while the clock moves with every reading: not after a
    /// step back, because then it may pass an eviction, and the batch goes on there.
    pub fn batch(&mut self, requests: &[Request], allow: bool, alike: bool) -> Checked {
        let place = |r: &Request| if alike { requests[0].place } else { r.place };
        let asked = requests.iter().map(|r| Request {
            place: place(r),
            ..*r
        });
        let asked: Vec<Asked> = asked.map(|r| self.asked(r)).collect();
        self.count_batch(&asked, allow && alike);
        let names: Vec<[u8; 3]> = asked.iter().map(|asked| asked.name()).collect();
        let checks = asked.iter().zip(&names);
        let checks: Vec<Check> = checks
            .map(|(asked, name)| {
                let by_id = alike || asked.merchant.is_multiple_of(2);
                Check::new(name, self.endpoint(*asked, by_id), asked.cost)
            })
            .collect();
        let mut allowed = Vec::new();
        let mut decisions = Vec::new();
        let is_latest = self.clock.tick() == self.clock.latest_tick();
        self.clock.drift(if is_latest { 700 } else { 0 });
        match allow {
            true => self
                .engine
                .allow_each(&checks, |answer| allowed.push(answer)),
            false => decisions = self.engine.check_many(&checks),
        }
        self.clock.drift(0);
        prop_assert_eq!(allowed.len() + decisions.len(), requests.len());
        for (index, asked) in asked.into_iter().enumerate() {
            let expected = self.expect(asked, true).decision;
            match allow {
                true => agree_whether(&allowed[index], &expected)?,
                false => self.agree(&decisions[index], &expected)?,
            }
        }
        Ok(())
    }

    fn count_batch(&mut self, asked: &[Asked], may_go_straight: bool) {
        let asks = |precision| {
            asked
                .iter()
                .any(|a| self.spec().governs(a.place, precision))
        };
        let mixed = asks(Precision::Exact) && asks(Precision::Bucketed);
        let is_straight = |a: &Asked| {
            PLACES[a.place].template.is_some()
                && self.spec().governs(a.place, Precision::Exact)
                && self.spec().governing(a.place).len() == 1
        };
        let straight = may_go_straight && asked.iter().all(is_straight);
        self.tally.mixed_batches += u64::from(mixed);
        self.tally.straight_batches += u64::from(straight);
    }

    pub fn retry(&mut self, early: bool, charge: bool) -> Checked {
        let Some(denied) = self.denied.take() else {
            return Ok(());
        };
        let Denied {
            asked,
            at_ns,
            precision,
        } = denied;
        let early_ns = if early { TICK_NS } else { 0 };
        let now_ns = self.clock.now_ns();
        if at_ns - early_ns < now_ns || !self.clock.set(at_ns - early_ns) {
            return Ok(());
        }
        let how = if charge { How::Check } else { How::Peek };
        self.ask(how, asked)?;
        let kind = self.tally.of(precision);
        match (early, self.denied.is_some()) {
            (true, true) => kind.denied_before += 1,
            (false, false) => kind.admitted_at += 1,
            _ => {}
        }
        Ok(())
    }

    /// After a denial: the same request, looked at one tick before the retry
    /// instant and at it, as if nothing else came.
    fn probe(&mut self, asked: Asked, expected: &Expected) -> Checked {
        let Some(wait_ns) = expected.retry_after_ns else {
            return Ok(());
        };
        let now_ns = self.clock.now_ns();
        let at_ns = now_ns + wait_ns;
        for (instant_ns, admitted) in [
            (at_ns.saturating_sub(TICK_NS).max(now_ns), false),
            (at_ns, true),
        ] {
            self.clock.look_at(instant_ns);
            let decision = self.engine.peek(asked.name(), asked.text(), asked.cost);
            let expected = self.expect(asked, false).decision;
            self.agree(&decision, &expected)?;
            prop_assert_eq!(decision.map(|d| d.allowed).ok(), Some(admitted));
        }
        self.clock.look_at(now_ns);
        let kind = self.tally.of(precision(expected));
        kind.denied_before += 1;
        kind.admitted_at += 1;
        Ok(())
    }
}

/// How the window counts that a decision describes.
fn precision(expected: &Expected) -> Precision {
    match expected.precision {
        Some(Counted::Bucketed) => Precision::Bucketed,
        Some(Counted::Exact) | None => Precision::Exact,
    }
}
