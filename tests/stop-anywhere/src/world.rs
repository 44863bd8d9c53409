//! The limiter under audit, its clock, and the histories that may explain it.

use std::ffi::CStr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use slidegate::{Decision, Limiter, ManualClock, Outcome, Policy};

use crate::cases::Case;
use crate::history::{History, Returned, raised};
use crate::ledger::{Answer, Merchant, Request, Rule, UNTRACKED};

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
    clock: Arc<ManualClock>,
    now_ns: u64,
    histories: Vec<History>,
    newcomers: Merchant,
    /// Merchants that fill the table: nobody else finds room.
    crowd: Vec<Merchant>,
    answers: u64,
}

/// The text of a policy with these rules.
pub fn policy(rules: &[Rule]) -> Policy {
    let mut text = String::from("version = 1\n");
    for (number, Rule { route, limit }) in rules.iter().enumerate() {
        text += &format!(
            "[[rule]]\nname = \"rule-{number}\"\nmatch = \"{route}\"\nwindows = [\"{limit}/min\"]\n"
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
            clock,
            now_ns: 0,
            histories: vec![History::new(case.rules)],
            newcomers: NEWCOMERS_FROM,
            crowd: Vec::new(),
            answers: 0,
        };
        (case.prepare)(&mut world)?;
        world.advance(Duration::from_secs(10));
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

    /// The victim is stopped: nothing, everything or the first charge of several
    /// may have happened.
    pub fn stopped(&mut self) {
        let (op, now_ns) = (self.case.op, self.now_ns);
        let stopped = self.histories.iter().flat_map(|h| h.stopped(op, now_ns));
        self.histories = stopped.collect();
    }

    /// The victim has been woken and its call has returned.
    pub fn woken(&mut self, returned: Returned) -> Result<(), Broken> {
        let (op, now_ns, crowded) = (self.case.op, self.now_ns, !self.crowd.is_empty());
        let woken = self.histories.iter();
        let woken: Vec<_> = woken
            .flat_map(|h| h.woken(op, returned, crowded, now_ns))
            .collect();
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

    fn compare(
        &mut self,
        name: &CStr,
        request: Request,
        said: Result<Decision, slidegate::Error>,
        mut expect: impl FnMut(&mut History, u64) -> Answer,
    ) -> Result<Answer, Broken> {
        let name = name.to_string_lossy();
        let said = said.map_err(|e| format!("{name}: {request:?} failed: {e}"))?;
        let said = answer(&said);
        let now_ns = self.now_ns;
        let mut expected = Vec::new();
        self.histories.retain_mut(|history| {
            let answer = expect(history, now_ns);
            expected.push(answer);
            answer == said
        });
        self.answers += 1;
        match self.histories.is_empty() {
            false => Ok(said),
            true => Err(format!(
                "{name}: {request:?} got {said:?}, true would be {expected:?}"
            )),
        }
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
        self.advance(crate::ledger::WINDOW);
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
