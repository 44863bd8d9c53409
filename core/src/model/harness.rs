//! What the models share: how to run one, clocks that stand still, rings and
//! tables to run on, and what to demand of the answers.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Instant;

use loom::model::Builder;

use crate::buckets::Shifts;
use crate::ring::{
    Answer, Ask, Attempt, Charged, Env, Horizons, LINE_WORDS, Planes, Query, Ring, Tenant,
};
use crate::sync::trace::{self, Died, Event};
use crate::sync::{Register, Words};
use crate::time::{ManualClock, Now, Timeline};
use crate::window::Window;

/// The promises, as the assertions name them.
pub(super) const NEVER_OVER: &str = "a window never holds more than its limit";
pub(super) const ADMITS_WHAT_FITS: &str = "what fits is admitted";
pub(super) const EXACT_RETRY: &str = "a denial names the exact instant";
pub(super) const CHARGED_AS_ANSWERED: &str =
    "a key is charged what was answered, no more and no less";
pub(super) const NOT_LOST: &str = "no unit that counts is lost";
pub(super) const CONSISTENT: &str = "the words never contradict each other";

/// A model: a body that loom runs once for every interleaving.
pub(super) struct Model {
    name: String,
    /// `None` explores everything.
    preemptions: Option<usize>,
    expected: Vec<Event>,
    thorough: bool,
}

impl Model {
    pub fn unbounded(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            preemptions: None,
            expected: Vec::new(),
            thorough: false,
        }
    }

    /// At most `preemptions` forced switches in one execution, or as many as
    /// `SLIDEGATE_MODEL_PREEMPTIONS` says if that is more.
    pub fn bounded(name: impl Into<String>, preemptions: usize) -> Self {
        let asked = std::env::var("SLIDEGATE_MODEL_PREEMPTIONS").ok();
        let asked = asked.and_then(|text| text.parse().ok()).unwrap_or(0);
        Self {
            preemptions: Some(preemptions.max(asked)),
            ..Self::unbounded(name)
        }
    }

    /// Events that must happen in at least one execution.
    pub fn reaches(mut self, events: &[Event]) -> Self {
        self.expected.extend(events);
        self
    }

    /// Tries both orders of any two accesses to one word. Without it loom leaves
    /// out those that a thread's own load hides (tokio-rs/loom#166, #392).
    pub fn thorough(mut self) -> Self {
        self.thorough = true;
        self
    }

    /// Runs a model that takes minutes, under `make deep` only.
    pub fn run_if_deep(self, body: impl Fn() + Send + Sync + 'static) {
        match std::env::var_os("SLIDEGATE_MODEL_DEEP") {
            Some(_) => self.run(body),
            None => println!("model {}: skipped, for make deep", self.name),
        }
    }

    pub fn run(self, body: impl Fn() + Send + Sync + 'static) {
        trace::start();
        let all = std::env::var_os("SLIDEGATE_MODEL_THOROUGH").is_some();
        trace::thorough(self.thorough || all);
        let began = Instant::now();
        let executions = Arc::new(Register::default());
        let count = executions.clone();
        let mut builder = Builder::new();
        builder.max_branches = 20_000;
        builder.preemption_bound = self.preemptions;
        builder.check(move || {
            count.count();
            body();
        });
        let bound = self
            .preemptions
            .map_or("all interleavings".to_owned(), |n| {
                format!("at most {n} preemptions")
            });
        let reached: Vec<String> = ALL_EVENTS
            .iter()
            .filter(|e| trace::seen(**e) > 0)
            .map(|e| format!("{e:?} {}", trace::seen(*e)))
            .collect();
        let (name, executions) = (&self.name, executions.get());
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "model {name}: {executions} executions ({bound}, {seconds:.1} s); {}",
            reached.join(", ")
        );
        for event in self.expected {
            assert!(
                trace::seen(event) > 0,
                "model {name} never reached {event:?}"
            );
        }
    }
}

const ALL_EVENTS: [Event; 13] = [
    Event::Grow,
    Event::Help,
    Event::Lap,
    Event::Rotate,
    Event::Abandoned,
    Event::Ahead,
    Event::Takeover,
    Event::DuplicateLost,
    Event::Evict,
    Event::Rebirth,
    Event::Gone,
    Event::ForeignFreed,
    Event::Death,
];

/// Runs `body` as a thread that dies after `accesses` accesses to shared words;
/// `None` if it died.
pub(super) fn dying<T>(accesses: usize, body: impl FnOnce() -> T) -> Option<T> {
    trace::light_fuse(accesses);
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => Some(value),
        Err(cause) if cause.is::<Died>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

/// A clock that stands at `tick`.
pub(super) fn clock_at(tick: u64) -> Timeline {
    let clock = Arc::new(ManualClock::new(0));
    let line = Timeline::new(Some(clock.clone()));
    clock.set_elapsed_ns((tick - 1) * crate::time::TICK_NS);
    line
}

pub(super) fn window(limit: u32, ticks: u64) -> Window {
    Window::from_ticks(limit, ticks)
}

pub(super) fn charge(windows: &[Window], cost: u32) -> Query<'_> {
    Query {
        name: b"",
        windows,
        shifts: Shifts::NONE,
        horizons: &Horizons::FOREVER,
        cost,
        ask: Ask::Charge,
        detail: true,
        standings: None,
    }
}

/// One ring with a key word and a horizon of its own.
pub(super) struct Lone {
    words: Words,
    planes: Planes,
}

const KEY: u64 = 0;
const LINE_FROM: usize = 2;

impl Lone {
    /// A ring for windows of 10 ticks.
    pub fn new(max_limit: u32) -> Self {
        Self::remembering(max_limit, 10)
    }

    /// A ring that may grow until a window of `max_limit` finds room twice, and
    /// remembers units for `horizon` ticks.
    pub fn remembering(max_limit: u32, horizon: u64) -> Self {
        let layout = Planes::layout(LINE_FROM + LINE_WORDS, 1, max_limit);
        let (planes, words) = layout.expect("a small ring");
        let words = Words::zeroed(words, 0).expect("loom's memory");
        words[1].raise(horizon);
        Self { words, planes }
    }

    pub fn ring(&self) -> Ring<'_> {
        Ring::new(&self.words, LINE_FROM, &self.planes, 0)
    }

    pub fn tenant(&self) -> Tenant<'_> {
        Tenant {
            key: &self.words[0],
            word: KEY,
        }
    }

    fn attempt(&self, query: &Query<'_>, tick: u64) -> Answer {
        let clock = clock_at(tick);
        let env = Env {
            clock: Now::Live(&clock),
            horizon: &self.words[1],
        };
        match self.ring().ask(self.tenant(), query, env) {
            Attempt::Answered(answer) => answer,
            other => panic!("a lone ring answers, not {other:?}"),
        }
    }

    pub fn ask(&self, windows: &[Window], cost: u32, tick: u64) -> Answer {
        self.attempt(&charge(windows, cost), tick)
    }

    /// Refunds units that windows of 10 ticks admitted.
    pub fn refund(&self, units: u32, at: u64, tick: u64) -> bool {
        let charged = Charged::at_first(units, at);
        self.ring().refund(charged, &Horizons::new(10), tick)
    }

    /// Units that count in `window` at `tick`, by asking the ring.
    pub fn live(&self, window: Window, tick: u64) -> u32 {
        let query = Query {
            ask: Ask::Survey,
            ..charge(std::slice::from_ref(&window), 1)
        };
        let standing = self.attempt(&query, tick).standing;
        window.limit - standing.expect("a survey has detail").remaining
    }
}

/// The stamps of the units that some answers admitted.
#[derive(Default, Clone)]
pub(super) struct Admitted(Vec<u64>);

impl Admitted {
    pub fn at(stamps: &[u64]) -> Self {
        Self(stamps.to_vec())
    }

    pub fn note(&mut self, answer: &Answer, cost: u32) {
        if answer.admitted {
            self.0.extend((0..cost).map(|_| answer.at));
        }
    }

    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn units(&self) -> usize {
        self.0.len()
    }

    /// The newest stamp; 0 if there is none.
    pub fn newest(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// Units that count at `at`, if one stamped `v` leaves at `leaves_at(v)`.
    pub fn live_by(&self, leaves_at: impl Fn(u64) -> u64, at: u64) -> u32 {
        let counts = |v: &&u64| **v <= at && leaves_at(**v) > at;
        self.0.iter().filter(counts).count() as u32
    }

    /// Units that count in `window` at `at`.
    pub fn live(&self, window: Window, at: u64) -> u32 {
        let counts = |v: &&u64| **v <= at && **v + window.ticks() > at;
        self.0.iter().filter(counts).count() as u32
    }

    /// No half-open span of any window's length holds more than its limit.
    pub fn audit(&self, windows: &[Window]) {
        for window in windows {
            for &end in &self.0 {
                let held = self.live(*window, end);
                assert!(
                    held <= window.limit,
                    "{NEVER_OVER}: {held} units in {window:?}, stamps {:?}",
                    self.0
                );
            }
        }
    }
}
