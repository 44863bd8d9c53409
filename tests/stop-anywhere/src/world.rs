//! The limiter under audit, its clock, and the histories that may explain it.

use std::ffi::CStr;
use std::fmt::Debug;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use slidegate::{Decision, Limiter, ManualClock, Outcome, Policy, Prepared, Receipt};

use crate::cases::Case;
use crate::history::{History, Wake, raised};
use crate::ledger::{Answer, Merchant, Request, Rule, Tag, UNTRACKED};
use crate::op::Returned;

/// A table for few keys: two buckets, so that all keys share a probe set.
pub const MAX_KEYS: u64 = 8;

/// The merchant whose request is stopped.
pub const VICTIM: Merchant = 1;
/// One that the preparation may have charged.
pub const NEIGHBOUR: Merchant = 2;
/// One that nobody charges.
pub const BYSTANDER: Merchant = 3;
const NEWCOMERS_FROM: Merchant = 10;

/// What broke a promise.
pub type Broken = String;

/// See the module.
pub struct World {
    pub case: &'static Case,
    pub limiter: Arc<Limiter>,
    /// A key that the preparation has prepared for the victim.
    pub prepared: Option<Prepared>,
    clock: Arc<ManualClock>,
    now_ns: u64,
    /// When the victim's call began.
    began_ns: u64,
    histories: Vec<History>,
    /// What may still be refunded.
    receipts: Vec<(Tag, Receipt)>,
    newcomers: Merchant,
    /// Merchants that fill the table: nobody else finds room.
    crowd: Vec<Merchant>,
    was_crowded: bool,
    answers: u64,
}

/// The name of the rule of this number.
pub fn rule_name(number: usize) -> String {
    format!("rule-{number}")
}

/// The text of a policy with these rules.
pub fn policy(rules: &[Rule]) -> Policy {
    let mut text = String::from("version = 1\n");
    for (number, Rule { route, limit }) in rules.iter().enumerate() {
        let name = rule_name(number);
        text += &format!(
            "[[rule]]\nname = \"{name}\"\nmatch = \"{route}\"\nwindows = [\"{limit}/min\"]\n"
        );
    }
    Policy::from_toml(&text).expect("the case's rules make a policy")
}

/// What is compared of a decision.
pub fn answer(decision: &Decision) -> Answer {
    match decision.outcome {
        Outcome::Untracked => UNTRACKED,
        _ => Answer {
            allowed: decision.allowed,
            remaining: decision.remaining(),
            retry_after_ns: decision.retry_after_ns().unwrap_or(0),
        },
    }
}

/// Names what the auditor is about to do: it stands as the thread's name, where
/// it can be read from outside even if the auditor never comes back.
fn step(name: &CStr) {
    // A name that is refused costs a clue in a report and nothing else.
    let _ = nix::sys::prctl::set_name(name);
}

impl World {
    /// A limiter as the case prepares it, ten seconds after the last charge.
    pub fn new(case: &'static Case) -> Result<Self, Broken> {
        let clock = Arc::new(ManualClock::new(0));
        let builder = Limiter::builder().max_keys(MAX_KEYS).clock(clock.clone());
        let limiter = builder
            .build(&policy(case.rules))
            .map_err(|e| e.to_string())?;
        let mut world = Self {
            case,
            limiter: Arc::new(limiter),
            prepared: None,
            clock,
            now_ns: 0,
            began_ns: 0,
            histories: vec![History::new(case.rules)],
            receipts: Vec::new(),
            newcomers: NEWCOMERS_FROM,
            crowd: Vec::new(),
            was_crowded: false,
            answers: 0,
        };
        (case.prepare)(&mut world)?;
        world.advance(Duration::from_secs(10));
        world.began_ns = world.now_ns;
        world.was_crowded = false;
        Ok(world)
    }

    /// How many answers of the limiter were compared.
    pub fn answers(&self) -> u64 {
        self.answers
    }

    pub fn advance(&mut self, by: Duration) {
        self.now_ns += by.as_nanos() as u64;
        self.clock.set_elapsed_ns(self.now_ns);
    }

    /// The victim is stopped: nothing, everything, or a first part of it may have
    /// happened.
    pub fn stopped(&mut self) {
        let (op, now_ns) = (self.case.op, self.now_ns);
        let stopped = self.histories.iter().flat_map(|h| h.stopped(op, now_ns));
        self.histories = stopped.collect();
    }

    /// Whether the victim is known to stand between its charges.
    pub fn is_between_charges(&self) -> bool {
        self.histories.iter().all(History::is_first_alone)
    }

    /// The victim has been woken and its call has returned.
    pub fn woken(&mut self, returned: Returned) -> Result<(), Broken> {
        let wake = Wake {
            began_ns: self.began_ns,
            now_ns: self.now_ns,
            crowded: self.is_crowded(),
            was_crowded: self.was_crowded,
        };
        let op = self.case.op;
        let woken = self.histories.iter();
        let woken: Vec<_> = woken.flat_map(|h| h.woken(op, returned, wake)).collect();
        if woken.is_empty() {
            return Err(format!(
                "the sleeper returned {returned:?}, which is not true"
            ));
        }
        self.histories = woken;
        Ok(())
    }

    /// Peeks; the answer must be that of a history.
    pub fn peek(&mut self, name: &CStr, request: Request) -> Result<Answer, Broken> {
        step(name);
        let limiter = &self.limiter;
        let said = limiter.peek([request.merchant], request.endpoint, request.cost);
        self.compare(name, request, said, |h, now_ns| h.peek(request, now_ns))
    }

    /// Peeks on a thread that never called the limiter before.
    pub fn peek_on_fresh_thread(&mut self, name: &CStr, request: Request) -> Result<(), Broken> {
        step(name);
        let limiter = &self.limiter;
        let peek = || limiter.peek([request.merchant], request.endpoint, request.cost);
        let said = thread::scope(|scope| scope.spawn(peek).join());
        let said = said.map_err(|_| "a fresh thread panicked".to_owned())?;
        self.compare(name, request, said, |h, now_ns| h.peek(request, now_ns))
            .map(drop)
    }

    /// Checks; the answer must be that of a history.
    pub fn check(&mut self, name: &CStr, request: Request) -> Result<Answer, Broken> {
        step(name);
        let limiter = &self.limiter;
        let said = limiter.check([request.merchant], request.endpoint, request.cost);
        self.compare(name, request, said, |h, now_ns| h.check(request, now_ns))
    }

    /// Checks with a receipt, which is kept under a tag.
    pub fn check_with_receipt(
        &mut self,
        name: &CStr,
        tag: Tag,
        request: Request,
    ) -> Result<(), Broken> {
        step(name);
        let Request {
            merchant,
            endpoint,
            cost,
        } = request;
        let said = self.limiter.check_with_receipt([merchant], endpoint, cost);
        let (said, receipt) = said.map_err(|e| e.to_string())?;
        self.receipts.extend(receipt.map(|receipt| (tag, receipt)));
        self.compare(name, request, Ok(said), |h, now_ns| {
            h.check_with_receipt(request, now_ns, tag)
        })
        .map(drop)
    }

    /// Prepares the key of a request for the victim, and checks it once.
    pub fn prepare(&mut self, name: &CStr, request: Request) -> Result<(), Broken> {
        step(name);
        let limiter = &self.limiter;
        let endpoint = limiter.endpoint(request.endpoint);
        let key = endpoint.and_then(|endpoint| limiter.prepare([request.merchant], endpoint));
        let key = key.map_err(|e| e.to_string())?;
        let said = limiter.check_prepared(&key, request.cost);
        self.prepared = Some(key);
        self.compare(name, request, said, |h, now_ns| h.check(request, now_ns))
            .map(drop)
    }

    fn compare(
        &mut self,
        name: &CStr,
        request: Request,
        said: Result<Decision, slidegate::Error>,
        expect: impl FnMut(&mut History, u64) -> Answer,
    ) -> Result<Answer, Broken> {
        let failed = |e| format!("{}: {request:?} failed: {e}", name.to_string_lossy());
        let said = answer(&said.map_err(failed)?);
        self.retain(name, &request, said, expect, |said, is| said == is)?;
        Ok(said)
    }

    /// Keeps the histories that agree with what the limiter said.
    fn retain<Said: Copy + Debug, Expected: Copy + Debug>(
        &mut self,
        name: &CStr,
        about: &dyn Debug,
        said: Said,
        mut expect: impl FnMut(&mut History, u64) -> Expected,
        agrees: impl Fn(Said, Expected) -> bool,
    ) -> Result<(), Broken> {
        let now_ns = self.now_ns;
        let mut expected = Vec::new();
        self.histories.retain_mut(|history| {
            let answer = expect(history, now_ns);
            expected.push(answer);
            agrees(said, answer)
        });
        self.answers += 1;
        match self.histories.is_empty() {
            false => Ok(()),
            true => Err(format!(
                "{}: {about:?} got {said:?}, true would be {expected:?}",
                name.to_string_lossy()
            )),
        }
    }

    /// Takes a receipt out, if there is one under this tag.
    pub fn take_receipt(&mut self, tag: Tag) -> Option<Receipt> {
        let place = self.receipts.iter().position(|(other, _)| *other == tag)?;
        Some(self.receipts.swap_remove(place).1)
    }

    /// Keeps a receipt, to be refunded later.
    pub fn keep_receipt(&mut self, tag: Tag, receipt: Receipt) {
        self.receipts.push((tag, receipt));
    }

    /// Refunds what there are receipts for.
    pub fn refund(&mut self, name: &CStr) -> Result<(), Broken> {
        step(name);
        for (tag, receipt) in std::mem::take(&mut self.receipts) {
            let said = self.limiter.refund(receipt);
            let said = said.map_err(|e| format!("a refund failed: {e}"))?;
            let expect = |h: &mut History, now_ns| h.refund(tag, now_ns);
            self.retain(name, &tag, said, expect, |said, (lends, may_say)| {
                (lends..=may_say).contains(&said)
            })?;
        }
        Ok(())
    }

    /// Resets the victim's merchant under all rules. There may be more keys than
    /// those that count.
    pub fn reset(&mut self, name: &CStr) -> Result<(), Broken> {
        step(name);
        let said = self.limiter.reset([VICTIM], None);
        let said = said.map_err(|e| format!("a reset failed: {e}"))?;
        let keys = self.case.rules.len();
        self.retain(
            name,
            &VICTIM,
            said,
            |h, now_ns| h.reset(VICTIM, now_ns),
            |said, least| (least..=keys).contains(&said),
        )
    }

    /// Puts twice the limits into force.
    pub fn swap(&mut self) -> Result<(), Broken> {
        step(c"swap");
        let rules = raised(self.case.rules, 2);
        let said = self.limiter.swap(&policy(&rules));
        let said = said.map_err(|e| format!("a swap failed: {e}"))?;
        self.histories
            .retain_mut(|history| history.swap(&rules) == said);
        match self.histories.is_empty() {
            false => Ok(()),
            true => Err(format!("swap: no history makes version {said}")),
        }
    }

    /// Charges one unit to a merchant that was never seen before.
    pub fn newcomer(&mut self, name: &CStr) -> Result<Merchant, Broken> {
        let merchant = self.newcomers;
        self.newcomers += 1;
        let request = Request {
            merchant,
            endpoint: "",
            cost: 1,
        };
        self.check(name, request)?;
        Ok(merchant)
    }

    /// Fills the table with newcomers: as many must find room as in an
    /// undisturbed table, and no more.
    pub fn crowd(&mut self, name: &CStr) -> Result<(), Broken> {
        self.was_crowded = true;
        for _ in 0..table_room() {
            let merchant = self.newcomer(name)?;
            self.crowd.push(merchant);
        }
        step(c"one too many");
        let said = self.limiter.check([BYSTANDER], "", 1);
        let said = said.map_err(|e| e.to_string())?;
        match answer(&said) == UNTRACKED {
            true => Ok(()),
            false => Err(format!("a full table admitted one more key: {said:?}")),
        }
    }

    /// Looks at everyone who fills the table, lets a window pass, and with it
    /// the crowd.
    pub fn disperse(&mut self, name: &CStr) -> Result<(), Broken> {
        for merchant in std::mem::take(&mut self.crowd) {
            let request = Request {
                merchant,
                endpoint: "",
                cost: 1,
            };
            self.peek(name, request)?;
        }
        self.advance(crate::ledger::IDLE);
        Ok(())
    }

    /// Whether the table is full of newcomers.
    pub fn is_crowded(&self) -> bool {
        !self.crowd.is_empty()
    }
}

/// How many keys find room in an undisturbed table.
fn table_room() -> usize {
    static ROOM: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *ROOM.get_or_init(|| {
        let rules = [Rule {
            route: "*",
            limit: 1,
        }];
        let limiter = Limiter::builder().max_keys(MAX_KEYS);
        let limiter = limiter.build(&policy(&rules)).expect("memory for a table");
        let fits = |merchant: &u8| limiter.allow([*merchant], "", 1).unwrap_or(false);
        (1..=u8::MAX).take_while(fits).count()
    })
}
