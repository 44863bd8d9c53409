//! Time moved by hand, for the limiter and for its waiters at once.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use slidegate::pacing::{AcquireError, Pacer, Sleep, Timer};
use slidegate::{Clock, Decision, Limiter, ManualClock, Policy};

pub const MS: u64 = 1_000_000;
pub const SEC: u64 = 1_000 * MS;
pub const HOUR: Option<Duration> = Some(Duration::from_secs(3_600));

/// Far longer than anything takes; a test that gets here has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub type Answer = Result<Decision, AcquireError>;

/// The clock of a limiter and the timer of its pacer. It stands still until it
/// is moved, and knows who sleeps until when.
pub struct ManualTime {
    clock: Arc<ManualClock>,
    reads: AtomicU64,
    sleepers: Arc<Mutex<Sleepers>>,
}

#[derive(Default)]
struct Sleepers {
    asleep: BTreeMap<usize, (u64, Option<Waker>)>,
    /// Every instant that anyone ever slept until.
    begun: Vec<u64>,
}

impl ManualTime {
    pub fn now(&self) -> u64 {
        self.clock.monotonic_ns()
    }

    /// How often the limiter looked at the clock: it does so whenever it is asked.
    pub fn reads(&self) -> u64 {
        self.reads.load(SeqCst)
    }

    pub fn begun(&self) -> Vec<u64> {
        self.sleepers.lock().unwrap().begun.clone()
    }

    pub fn asleep(&self) -> usize {
        self.sleepers.lock().unwrap().asleep.len()
    }

    pub fn next_wake(&self) -> Option<u64> {
        let sleepers = self.sleepers.lock().unwrap();
        sleepers.asleep.values().map(|(at, _)| *at).min()
    }

    /// Moves time and wakes whoever has slept enough.
    pub fn advance_to(&self, at_ns: u64) {
        self.clock.set_elapsed_ns(at_ns);
        let mut due = Vec::new();
        for (at, waker) in self.sleepers.lock().unwrap().asleep.values_mut() {
            if *at <= at_ns {
                due.extend(waker.take());
            }
        }
        due.into_iter().for_each(Waker::wake);
    }

    /// Waits until `count` are asleep.
    pub fn await_asleep(&self, count: usize) {
        wait_for(|| self.asleep() == count);
    }

    /// Waits until the next to wake will do so at `at_ns`.
    pub fn await_next_wake(&self, at_ns: u64) {
        wait_for(|| self.next_wake() == Some(at_ns));
    }
}

/// Other threads need a moment to get where a test wants them.
pub fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "it never came to pass");
        thread::sleep(Duration::from_micros(200));
    }
}

/// Fails the test if `body`, which may block, does not end.
pub fn within_patience(body: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel();
    let body = thread::spawn(move || {
        body();
        done.send(()).unwrap();
    });
    let ended = ended.recv_timeout(PATIENCE);
    assert!(ended != Err(RecvTimeoutError::Timeout), "it waits for ever");
    body.join().unwrap();
}

impl Clock for ManualTime {
    fn monotonic_ns(&self) -> u64 {
        self.reads.fetch_add(1, SeqCst);
        self.now()
    }

    fn unix_ns(&self) -> u64 {
        self.clock.unix_ns()
    }
}

impl Timer for ManualTime {
    fn now_ns(&self) -> u64 {
        self.now()
    }

    fn sleep_until_ns(&self, at_ns: u64) -> Sleep {
        let mut sleepers = self.sleepers.lock().unwrap();
        let id = sleepers.begun.len();
        assert!(id < 100_000, "it spins");
        sleepers.begun.push(at_ns);
        sleepers.asleep.insert(id, (at_ns, None));
        Box::pin(ManualSleep {
            clock: self.clock.clone(),
            sleepers: self.sleepers.clone(),
            id,
        })
    }
}

struct ManualSleep {
    clock: Arc<ManualClock>,
    sleepers: Arc<Mutex<Sleepers>>,
    id: usize,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut sleepers = self.sleepers.lock().unwrap();
        let (at_ns, waker) = sleepers.asleep.get_mut(&self.id).unwrap();
        if self.clock.monotonic_ns() >= *at_ns {
            return Poll::Ready(());
        }
        *waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        self.sleepers.lock().unwrap().asleep.remove(&self.id);
    }
}

/// A pacer on manual time.
pub struct Paced {
    pub pacer: Pacer,
    pub time: Arc<ManualTime>,
}

pub fn policy(windows: &str) -> Policy {
    let rule = format!("[[rule]]\nname = \"total\"\nmatch = \"*\"\nwindows = [{windows}]\n");
    Policy::from_toml(&format!("version = 1\n{rule}")).unwrap()
}

/// A pacer over one rule for everything, as its `windows` say.
pub fn paced(windows: &str) -> Paced {
    paced_by(&policy(windows), 1_024)
}

pub fn paced_by(policy: &Policy, max_keys: u64) -> Paced {
    let time = Arc::new(ManualTime {
        clock: Arc::new(ManualClock::new(0)),
        reads: AtomicU64::new(0),
        sleepers: Arc::default(),
    });
    let builder = Limiter::builder().max_keys(max_keys).clock(time.clone());
    let limiter = Arc::new(builder.build(policy).unwrap());
    Paced {
        pacer: Pacer::with_timer(limiter, time.clone()),
        time,
    }
}

impl Paced {
    /// Charges `cost` units of merchant `m` past the pacer.
    pub fn charge(&self, cost: u32) {
        let decision = self.pacer.limiter().check("m", "GET /", cost).unwrap();
        assert!(decision.allowed);
    }

    pub fn remaining(&self) -> u32 {
        let decision = self.pacer.limiter().peek("m", "GET /", 1).unwrap();
        decision.remaining().unwrap()
    }

    /// An answer that needs no waiting.
    pub fn ask<'a>(&'a self, merchant: &str, endpoint: &'a str, cost: u32) -> Answer {
        let ready = self.pacer.until_ready(merchant, endpoint, cost, None);
        Waiting(Box::pin(ready)).answer()
    }

    /// An async wait for merchant `m`.
    pub fn wait(&self, cost: u32, timeout: Option<Duration>) -> Waiting<'_> {
        Waiting(Box::pin(
            self.pacer.until_ready("m", "GET /", cost, timeout),
        ))
    }
}

/// A wait that is polled by hand.
pub struct Waiting<'a>(pub Pin<Box<dyn Future<Output = Answer> + Send + 'a>>);

impl Waiting<'_> {
    /// Polls once.
    pub fn poll(&mut self) -> Poll<Answer> {
        self.0
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    }

    pub fn assert_waits(&mut self) {
        let poll = self.poll();
        assert!(poll.is_pending(), "{poll:?}");
    }

    pub fn answer(&mut self) -> Answer {
        match self.poll() {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("it still waits"),
        }
    }

    pub fn assert_admitted(&mut self) {
        assert!(self.answer().unwrap().allowed);
    }
}

pub fn too_late(answer: Answer) -> Decision {
    match answer {
        Err(AcquireError::TooLate(denial)) => denial,
        other => panic!("{other:?}"),
    }
}

/// All of the futures at once: polled first from the front, so that they come in
/// order, and from then on from the back, so that it is not this order in which
/// they get on.
pub async fn all<F: Future>(futures: impl IntoIterator<Item = F>) {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut first = true;
    std::future::poll_fn(|cx| {
        if std::mem::take(&mut first) {
            futures.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        }
        for index in (0..futures.len()).rev() {
            if futures[index].as_mut().poll(cx).is_ready() {
                drop(futures.remove(index));
            }
        }
        match futures.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}
