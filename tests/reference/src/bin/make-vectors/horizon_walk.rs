//! A random walk of refunds and swaps while a rule's windows become longer.

use slidegate_reference::{Decision, Outcome};

use crate::policies::{PAY, pay};
use crate::splitmix::SplitMix64;
use crate::timeline::{MS_NS, Timeline, US_NS};

/// The horizons of the rule, one after the other, in milliseconds.
const LENGTHS_MS: [u64; 5] = [20, 45, 130, 300, 900];

/// Turns before the window becomes longer, and after it.
const TURNS_BEFORE: u64 = 14;
const TURNS_AFTER: u64 = 24;

pub fn walk() -> Timeline {
    let about = "A random walk of receipts, refunds and swaps; the rule becomes longer four times, always while the units of the merchants of the time count.";
    let mut walk = Walk {
        line: Timeline::new(about, &windows(LENGTHS_MS[0], None)),
        random: SplitMix64(0x5ca1_ab1e),
        merchants: [String::new(), String::new()],
        longest: 0,
        held: Vec::new(),
        refunded: 0,
    };
    for longest in 1..LENGTHS_MS.len() {
        walk.era(longest);
    }
    assert!(walk.refunded > 40, "{} refunds", walk.refunded);
    walk.line
}

/// Six units in the longer time and, where there is a shorter, four in that.
fn windows(long_ms: u64, short_ms: Option<u64>) -> String {
    let short = short_ms.map_or(String::new(), |ms| format!("\"4/{ms}ms\", "));
    pay(&format!("{short}\"6/{long_ms}ms\""))
}

struct Walk {
    line: Timeline,
    random: SplitMix64,
    merchants: [String; 2],
    /// The place of the rule's longest window so far.
    longest: usize,
    /// Receipts of these merchants not yet given back.
    held: Vec<u64>,
    refunded: usize,
}

impl Walk {
    /// Merchants that are new, since older ones have units that died before the
    /// window becomes longer, so that an engine may have forgotten them.
    fn era(&mut self, longest: usize) {
        self.merchants = ["a", "b"].map(|letter| format!("m_{longest}_{letter}"));
        self.held.clear();
        let before_ns = LENGTHS_MS[self.longest] * MS_NS;
        for _ in 0..TURNS_BEFORE {
            self.turn(before_ns / TURNS_BEFORE);
        }
        self.longest = longest;
        self.line.swap(&windows(LENGTHS_MS[longest], None));
        for _ in 0..TURNS_AFTER {
            if self.random.below(7) == 0 {
                self.swap();
            }
            let decision = self.turn(LENGTHS_MS[longest] * MS_NS / 10);
            if decision.is_some_and(|d| d.outcome == Outcome::Denied) {
                self.retry();
            }
        }
    }

    /// Any two lengths that there have been, or one.
    fn swap(&mut self) {
        let lengths = &LENGTHS_MS[..=self.longest];
        let (one, other) = (*self.random.pick(lengths), *self.random.pick(lengths));
        let short = (one != other).then_some(one.min(other));
        self.line.swap(&windows(one.max(other), short));
    }

    /// A refund or a request, within `below_ns`.
    fn turn(&mut self, below_ns: u64) -> Option<Decision> {
        let ns = self.random.below(below_ns);
        self.line.wait(ns);
        if self.random.below(5) < 2 && !self.held.is_empty() {
            self.refund();
            return None;
        }
        let merchant = self.random.pick(&self.merchants).clone();
        let cost = 1 + self.random.below(3);
        let (decision, receipt) = self.line.check_with_receipt(&merchant, PAY, cost);
        self.held.extend(receipt);
        Some(decision)
    }

    fn refund(&mut self) {
        let index = self.random.below(self.held.len() as u64);
        let index = usize::try_from(index).expect("an index fits");
        self.line.refund(self.held.swap_remove(index));
        self.refunded += 1;
        let merchant = self.random.pick(&self.merchants);
        self.line.peek(merchant, PAY, 4);
    }

    /// Where four units fit not yet, just before they do and as they do.
    fn retry(&mut self) {
        let merchant = self.random.pick(&self.merchants).clone();
        let decision = self.line.peek(&merchant, PAY, 4);
        if let Some(retry_after_ns) = decision.retry_after_ns {
            let retry_ns = self.line.now_ns() + retry_after_ns;
            let early = self.line.at(retry_ns - US_NS).peek(&merchant, PAY, 4);
            assert!(!early.allowed, "{early:?}");
            self.line.at(retry_ns).admit(&merchant, PAY, 4);
        }
    }
}
