//! Sequences of operations on one limiter, step by step beside the naive
//! reference: every way to ask, batches, prepared keys, refunds, resets, swaps,
//! exact and bucketed rules, pools of one merchant and of all, clocks that run and
//! step back, tables so small that keys are evicted and turned away.
//!
//! A new operation is a variant of [`op::Op`], a range of its first byte, and
//! an arm in [`world::World::take`].

mod asking;
mod changes;
mod clock;
mod judging;
mod ledger;
mod op;
mod policies;
mod request;
mod span;
mod windows;
mod world;

use arbitrary::{Result, Unstructured};
use slidegate::OnFull;

use op::Op;
use world::World;

/// Operations of one input; requests are bounded further in [`world`].
const MAX_OPS: usize = 256;

/// What the limiter is built with.
struct Setup {
    max_keys: u64,
    on_full: OnFull,
    /// Whether a peek precedes every request that charges alone.
    peek_first: bool,
    merchants: u8,
}

/// How often what a sequence is for came about.
#[derive(Debug, Default, Clone, Copy)]
pub struct Reach {
    /// Answers compared field by field.
    pub exact: usize,
    /// Those in which a bucketed rule took part.
    pub bucketed: usize,
    /// Those in which a pool of all merchants took part.
    pub shared: usize,
    /// Answers of keys in doubt.
    pub doubted: usize,
    /// Requests that the table had no room for.
    pub untracked: usize,
    /// Requests denied.
    pub denied: usize,
    /// Requests that cost more than a limit.
    pub never: usize,
    /// Keys that made room for others, at the least.
    pub evictions: usize,
    /// Times that the clock stepped back.
    pub steps_back: usize,
    /// Refunds that lent something, and those that came too late.
    pub refunds: usize,
    /// See `refunds`.
    pub late_refunds: usize,
    /// Keys reset that had a slot.
    pub resets: usize,
    /// Requests in batches.
    pub batched: usize,
    /// Requests by prepared keys.
    pub prepared: usize,
    /// Windows compared one by one.
    pub windows: usize,
}

impl Reach {
    /// Every count with its name.
    pub fn all(&self) -> [(&'static str, usize); 15] {
        [
            ("exact", self.exact),
            ("bucketed", self.bucketed),
            ("shared", self.shared),
            ("doubted", self.doubted),
            ("untracked", self.untracked),
            ("denied", self.denied),
            ("never", self.never),
            ("evictions", self.evictions),
            ("steps back", self.steps_back),
            ("refunds", self.refunds),
            ("late refunds", self.late_refunds),
            ("resets", self.resets),
            ("batched", self.batched),
            ("prepared", self.prepared),
            ("windows", self.windows),
        ]
    }
}

/// The target.
pub fn run(data: &[u8]) {
    reach(data);
}

/// The target, saying what the input reached.
pub fn reach(data: &[u8]) -> Reach {
    let mut input = Unstructured::new(data);
    // An input that ends early builds no limiter.
    let Ok(setup) = Setup::read(&mut input) else {
        return Reach::default();
    };
    let mut world = World::new(setup);
    for _ in 0..MAX_OPS {
        match input.is_empty() {
            true => break,
            false => step(&mut world, &mut input),
        }
    }
    world.reach()
}

fn step(world: &mut World, input: &mut Unstructured<'_>) {
    // An operation that is cut off does nothing.
    if let Ok(Some(op)) = Op::read(input) {
        world.take(op);
    }
}

impl Setup {
    fn read(input: &mut Unstructured<'_>) -> Result<Self> {
        let [max_keys, flags] = input.arbitrary::<[u8; 2]>()?;
        Ok(Self {
            max_keys: 4 + u64::from(max_keys % 61),
            on_full: match flags & 1 {
                0 => OnFull::Deny,
                _ => OnFull::Admit,
            },
            peek_first: flags & 2 != 0,
            merchants: [255, 2, 5, 24][usize::from(flags >> 2) % 4],
        })
    }
}
