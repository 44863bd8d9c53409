//! What timelines reached, and how much of it they must have reached to mean
//! anything.

use crate::window::Precision;

/// What happened to keys of one kind, exact or bucketed.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct OfKind {
    /// Keys that lost their slots because they were idle, and slots of former keys
    /// that others got.
    pub evictions: u64,
    pub rebirths: u64,
    /// Charges refunded that lent something, and that were refunded too late.
    pub refunds: u64,
    pub late_refunds: u64,
    /// Keys reset that had a slot.
    pub resets: u64,
    /// Denials by a window of the kind.
    pub denials: u64,
    /// Denials asked again: denied one tick before the retry instant, and
    /// admitted at it.
    pub denied_before: u64,
    pub admitted_at: u64,
    /// Wraps of a log's count, at the least.
    pub wraps: u64,
}

impl OfKind {
    fn add(&mut self, other: &Self) {
        self.evictions += other.evictions;
        self.rebirths += other.rebirths;
        self.refunds += other.refunds;
        self.late_refunds += other.late_refunds;
        self.resets += other.resets;
        self.denials += other.denials;
        self.denied_before += other.denied_before;
        self.admitted_at += other.admitted_at;
        self.wraps += other.wraps;
    }
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    /// Questions to engine and reference.
    pub steps: u64,
    pub swaps: u64,
    /// Policies refused, because a rule would have counted in another way.
    pub refused: u64,
    /// Windows of bucketed keys that were left out and came back with units.
    pub taken_back: u64,
    pub back_steps: u64,
    /// Requests charged to keys of both kinds; prepared ones and batches that ask
    /// keys of both kinds.
    pub mixed: u64,
    pub mixed_prepared: u64,
    pub mixed_batches: u64,
    /// Batches of which each request has the id of an endpoint with one exact rule.
    pub straight_batches: u64,
    /// Cells of a bucketed log that were used for a later lap.
    pub bucketed_laps: u64,
    pub untracked: u64,
    kinds: [OfKind; 2],
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.swaps += other.swaps;
        self.refused += other.refused;
        self.taken_back += other.taken_back;
        self.back_steps += other.back_steps;
        self.mixed += other.mixed;
        self.mixed_prepared += other.mixed_prepared;
        self.mixed_batches += other.mixed_batches;
        self.straight_batches += other.straight_batches;
        self.bucketed_laps += other.bucketed_laps;
        self.untracked += other.untracked;
        for (kind, other) in self.kinds.iter_mut().zip(&other.kinds) {
            kind.add(other);
        }
    }

    pub fn of(&mut self, precision: Precision) -> &mut OfKind {
        &mut self.kinds[precision as usize]
    }
}

/// Fewer timelines may miss the rarer things.
const CASES_THAT_COUNT: u32 = 256;

/// Demands that something was reached `least` times in every thousand cases.
pub(super) fn reached(what: &str, count: u64, cases: u32, least: u64) {
    println!("  {what}: {count}");
    let wanted = match cases >= CASES_THAT_COUNT {
        true => u64::from(cases) * least / 1_000,
        false => 0,
    };
    assert!(count >= wanted, "{what}: {count} of at least {wanted}");
}

/// As [`reached`], of exact keys and of bucketed ones.
pub(super) fn reached_by_kind(
    what: &str,
    tally: &Tally,
    count: impl Fn(&OfKind) -> u64,
    cases: u32,
    least: [u64; 2],
) {
    for (precision, least) in [Precision::Exact, Precision::Bucketed]
        .into_iter()
        .zip(least)
    {
        let count = count(&tally.kinds[precision as usize]);
        reached(
            &format!("{what}, {}", precision.as_str()),
            count,
            cases,
            least,
        );
    }
}
