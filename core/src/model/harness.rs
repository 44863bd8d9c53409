//! What the models share: how to run one, how to race, clocks that stand still,
//! a ring to run on, and what to demand of the answers.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::model::Builder;
use loom::thread;

use crate::log::{Answer, Ask, Attempt, Charged, Env, Horizons, Places, Query, Tenant};
use crate::ring::{LINE_WORDS, Planes, Ring};
use crate::sync::racers::{self, Died};
use crate::sync::trace::{self, Event};
use crate::sync::{Density, Register, Words};
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
pub(super) const ALL_OR_NOTHING: &str = "a request charges all of its rules or none";
pub(super) const ONE_SLOT: &str = "one key stands in one slot";
pub(super) const NONE_OLDER: &str = "no request decides under an older policy than is known";
pub(super) const FREE_AGAIN: &str = "one window later all is free again";

std::thread_local! {
    /// Whether races start their bodies from the last to the first.
    static REVERSED: Cell<bool> = const { Cell::new(false) };
}

/// A model: a body that loom runs once for every interleaving. A bounded one is
/// explored twice, the second time with the bodies of its race started in reverse:
/// whoever comes first costs no preemption.
pub(super) struct Model {
    name: String,
    /// `None` explores everything.
    preemptions: Option<usize>,
    /// As far as a second search goes, which the clock may stop.
    wider: Option<usize>,
    expected: Vec<Event>,
}

impl Model {
    pub fn unbounded(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            preemptions: None,
            wider: None,
            expected: Vec::new(),
        }
    }

    /// At most `preemptions` forced switches, whatever the environment says: a mutant
    /// is found within them.
    pub fn of_mutant(name: impl Into<String>, preemptions: usize) -> Self {
        Self {
            preemptions: Some(preemptions),
            ..Self::unbounded(name)
        }
    }

    /// At most `preemptions` forced switches in one execution; then once more with as
    /// many as `SLIDEGATE_MODEL_PREEMPTIONS` says, if that is more.
    pub fn bounded(name: impl Into<String>, preemptions: usize) -> Self {
        let asked = std::env::var("SLIDEGATE_MODEL_PREEMPTIONS").ok();
        let asked = asked.and_then(|text| text.parse().ok());
        Self {
            wider: asked.filter(|asked| *asked > preemptions),
            ..Self::of_mutant(name, preemptions)
        }
    }

    /// Events that must happen during the race of at least one execution.
    pub fn reaches(mut self, events: &[Event]) -> Self {
        self.expected.extend(events);
        self
    }

    /// Runs a model that may take hours, under `make deep` only and as long as the clock
    /// lets it.
    pub fn run_if_deep(self, body: impl Fn() + Send + Sync + 'static) {
        match std::env::var_os("SLIDEGATE_MODEL_DEEP") {
            Some(_) => self.explore(body, longest()),
            None => println!("model {}: skipped, for make deep", self.name),
        }
    }

    pub fn run(self, body: impl Fn() + Send + Sync + 'static) {
        self.explore(body, None);
    }

    fn explore(self, body: impl Fn() + Send + Sync + 'static, time: Option<Duration>) {
        let body: Arc<dyn Fn() + Send + Sync> = Arc::new(body);
        let was_stopped = self.search(&body, self.preemptions, time);
        for event in &self.expected {
            assert!(
                was_stopped || trace::seen(*event) > 0,
                "model {} never reached {event:?}",
                self.name
            );
        }
        if let Some(wider) = self.wider {
            self.search(&body, Some(wider), longest());
        }
    }

    /// Searches the model, each order of its bodies for `time` at most; whether that
    /// stopped it.
    fn search(
        &self,
        body: &Arc<dyn Fn() + Send + Sync>,
        preemptions: Option<usize>,
        time: Option<Duration>,
    ) -> bool {
        trace::start();
        let began = Instant::now();
        let executions = Arc::new(Register::default());
        let orders = if preemptions.is_some() { 2 } else { 1 };
        let mut was_stopped = false;
        for reversed in [false, true].into_iter().take(orders) {
            REVERSED.set(reversed);
            let started = Instant::now();
            let mut builder = Builder::new();
            builder.max_branches = 20_000;
            builder.preemption_bound = preemptions;
            builder.max_duration = time;
            // It looks at the time as often as it would write a checkpoint.
            builder.checkpoint_interval = 1_000;
            let (count, body) = (executions.clone(), body.clone());
            builder.check(move || {
                racers::begin();
                count.count();
                body();
            });
            was_stopped |= time.is_some_and(|time| started.elapsed() >= time);
        }
        self.report(executions.get(), preemptions, began, was_stopped);
        was_stopped
    }

    fn report(
        &self,
        executions: u64,
        preemptions: Option<usize>,
        began: Instant,
        was_stopped: bool,
    ) {
        let bound = preemptions.map_or("all interleavings".to_owned(), |n| {
            format!("at most {n} preemptions")
        });
        let reached: Vec<String> = ALL_EVENTS
            .iter()
            .filter(|e| trace::seen(**e) > 0)
            .map(|e| format!("{e:?} {}", trace::seen(*e)))
            .collect();
        println!(
            "model {}: {executions} executions ({bound}{}, {:.1} s); {}",
            self.name,
            match was_stopped {
                true => ", stopped by the clock",
                false => "",
            },
            began.elapsed().as_secs_f64(),
            reached.join(", ")
        );
    }
}

/// How long a search may take that need not come to an end: as `LOOM_MAX_DURATION`
/// says, in seconds.
fn longest() -> Option<Duration> {
    Builder::new().max_duration
}

const ALL_EVENTS: [Event; 18] = [
    Event::Grow,
    Event::CopyLost,
    Event::Help,
    Event::Lap,
    Event::Rotate,
    Event::Abandoned,
    Event::Ahead,
    Event::Takeover,
    Event::DuplicateLost,
    Event::Evict,
    Event::Reset,
    Event::Rebirth,
    Event::NotItsOwn,
    Event::Gone,
    Event::ForeignFreed,
    Event::Refund,
    Event::RefundLate,
    Event::Death,
];

/// Runs the bodies at once, the last on the thread that calls, and returns what
/// they return. (A thread more would cost every execution a stack more.)
pub(super) fn race<S, R, const N: usize>(shared: &Arc<S>, bodies: [fn(&S) -> R; N]) -> [R; N]
where
    S: Send + Sync + 'static,
    R: Send + 'static,
{
    let boxed = bodies.map(|body| Box::new(body) as Boxed<S, R>);
    race_boxed(shared, boxed)
}

/// A body that holds something.
pub(super) type Boxed<S, R> = Box<dyn FnOnce(&S) -> R + Send>;

/// As [`race`], for bodies that hold something.
pub(super) fn race_boxed<S, R, const N: usize>(shared: &Arc<S>, bodies: [Boxed<S, R>; N]) -> [R; N]
where
    S: Send + Sync + 'static,
    R: Send + 'static,
{
    let mut bodies = Vec::from(bodies);
    if REVERSED.get() {
        bodies.reverse();
    }
    let last = bodies.pop().expect("a race has bodies");
    trace::counting(true);
    let start = |body: Boxed<S, R>| {
        let shared = shared.clone();
        thread::spawn(move || body(&shared))
    };
    let threads: Vec<_> = bodies.into_iter().map(start).collect();
    let on_main = last(shared);
    let joined = threads.into_iter().map(|t| t.join().expect("a thread"));
    let mut results: Vec<R> = joined.collect();
    results.push(on_main);
    if REVERSED.get() {
        results.reverse();
    }
    trace::counting(false);
    results.try_into().ok().expect("one result for each body")
}

/// Runs `body` as a thread that dies after `accesses` accesses to shared words;
/// `None` if it died.
pub(super) fn dying<T>(accesses: usize, body: impl FnOnce() -> T) -> Option<T> {
    racers::light_fuse(accesses);
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => {
            racers::put_out_fuse();
            Some(value)
        }
        Err(cause) if cause.is::<Died>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

/// Runs a model for each access after which its victim may die, until it
/// survives. The victim must have died after more than `least` of them, and all
/// models together must have reached the events.
pub(super) fn dies_after_every_step(least: usize, events: &[Event], model: impl Fn(usize)) {
    let mut reached = vec![0; events.len()];
    let mut survives = |accesses: &usize| {
        model(*accesses);
        for (sum, event) in reached.iter_mut().zip(events) {
            *sum += trace::seen(*event);
        }
        trace::seen(Event::Death) == 0
    };
    let steps = (0..120).find(|n| survives(n)).expect("an end of accesses");
    assert!(steps > least, "the victim has {steps} accesses only");
    assert!(!reached.contains(&0), "of {events:?} came {reached:?}");
}

/// A clock that stands at `tick`.
pub(super) fn clock_at(tick: u64) -> Timeline {
    let clock = Arc::new(ManualClock::new(0));
    let line = Timeline::new(Some(clock.clone()));
    clock.set_elapsed_ns((tick - 1) * crate::time::TICK_NS);
    line
}

pub(super) const fn window(limit: u32, ticks: u64) -> Window {
    Window::from_ticks(limit, ticks)
}

/// A charge without a description of the window that binds, which costs accesses.
pub(super) fn charge(windows: &[Window], cost: u32) -> Query<'_> {
    Query {
        name: b"",
        windows,
        widths: &[],
        horizons: &Horizons::FOREVER,
        cost,
        ask: Ask::Charge,
        detail: false,
        standings: None,
    }
}

/// A question of how one window stands.
pub(super) fn survey(window: &Window) -> Query<'_> {
    Query {
        ask: Ask::Survey,
        detail: true,
        ..charge(std::slice::from_ref(window), 1)
    }
}

/// Units that count in the surveyed window.
pub(super) fn surveyed(window: Window, answer: &Answer) -> u32 {
    let standing = answer.standing.expect("a survey has detail");
    window.limit - standing.remaining
}

/// One ring with a key word and a horizon of its own.
pub(super) struct Lone {
    words: Words,
    planes: Planes,
}

const KEY: u64 = 0;
/// The words before are the key's and the horizon.
const PLACES: Places = Places {
    head: 2,
    line: 3,
    block: 0,
};

impl Lone {
    /// A ring for windows of 10 ticks.
    pub fn new(max_limit: u32) -> Arc<Self> {
        Self::remembering(max_limit, 10)
    }

    /// A ring that may grow until a window of `max_limit` finds room twice, and
    /// remembers units for `horizon` ticks.
    pub fn remembering(max_limit: u32, horizon: u64) -> Arc<Self> {
        let layout = Planes::layout(PLACES.line + LINE_WORDS, 1, max_limit);
        let (planes, words) = layout.expect("a small ring");
        let words = Words::zeroed(words, Density::default()).expect("loom's memory");
        words[1].raise(horizon);
        Arc::new(Self { words, planes })
    }

    /// A ring for windows of 10 ticks that has grown to four units, all of them
    /// of tick 1.
    pub fn grown() -> Arc<Self> {
        let ring = Self::new(2);
        assert!(ring.ask(&[window(4, 10)], 4, 1).admitted);
        ring
    }

    pub fn ring(&self) -> Ring<'_> {
        Ring::new(&self.words, PLACES, &self.planes)
    }

    /// Makes the ring remember units for `ticks` from now on.
    pub fn raise_horizon(&self, ticks: u64) {
        self.words[1].raise(ticks);
    }

    fn tenant(&self) -> Tenant<'_> {
        Tenant {
            key: &self.words[0],
            word: KEY,
        }
    }

    pub fn query(&self, query: &Query<'_>, tick: u64) -> Answer {
        let clock = clock_at(tick);
        let env = Env {
            now: Now::Live(&clock),
            horizon: &self.words[1],
        };
        match self.ring().ask(self.tenant(), query, env) {
            Attempt::Answered(answer) => answer,
            other => panic!("a lone ring answers, not {other:?}"),
        }
    }

    pub fn ask(&self, windows: &[Window], cost: u32, tick: u64) -> Answer {
        self.query(&charge(windows, cost), tick)
    }

    /// Charges one request and notes what was admitted.
    pub fn note(&self, windows: &[Window], cost: u32, tick: u64) -> Admitted {
        let mut admitted = Admitted::default();
        admitted.note(&self.ask(windows, cost, tick), cost);
        admitted
    }

    /// As [`note`](Self::note), in the straight way if it comes to an end.
    pub fn note_at_once(&self, windows: &[Window], cost: u32, tick: u64) -> Admitted {
        let clock = clock_at(tick);
        let query = charge(windows, cost);
        let terms = query.terms();
        let observed = self.ring().observe(self.tenant(), &terms, &self.words[1]);
        let at_once = observed.and_then(|log| {
            // After the head, as the engine reads it.
            let now = Now::Live(&clock).reading().tick();
            let judged = log.judge(&terms, now)?;
            let charged = !judged.admits || log.commit(judged, cost);
            charged.then_some(judged)
        });
        match at_once {
            Some(judged) if judged.admits => Admitted(vec![judged.at; cost as usize]),
            Some(_) => Admitted::default(),
            None => self.note(windows, cost, tick),
        }
    }

    /// Refunds units that windows of 10 ticks admitted.
    pub fn refund(&self, units: u32, at: u64, tick: u64) -> bool {
        let charged = Charged::at_first(units, at);
        self.ring().refund(charged, &Horizons::new(10), tick)
    }

    /// Units that count in `window` at `tick`, by asking the ring.
    pub fn live(&self, window: Window, tick: u64) -> u32 {
        surveyed(window, &self.query(&survey(&window), tick))
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

    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(parts.into_iter().flat_map(|part| part.0).collect())
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
        self.live_by(|v| v + window.ticks(), at)
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
