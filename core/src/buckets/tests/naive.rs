//! What a bucketed log should answer, by looking at every admission for every
//! question. It shares no arithmetic with the law.

use crate::law::Standing;
use crate::window::Window;

/// The most that a refund may raise a limit to.
const MOST: u32 = 1 << 24;

/// The tick at which a unit stamped `stamp` leaves a window of `ticks`.
pub fn leaves_at(ticks: u64, stamp: u64) -> u64 {
    let mut width = 1_024;
    while width * 2 * 256 <= ticks {
        width *= 2;
    }
    let begins = stamp - stamp % width;
    let mut lasts = 0;
    while lasts < ticks - 1 {
        lasts += width;
    }
    begins + width + lasts
}

#[derive(Debug, Clone, Default)]
pub struct Naive {
    /// Stamp and units of each admission.
    pub admitted: Vec<(u64, u32)>,
    /// Units lent, and the stamp of the oldest of them.
    pub lent: (u32, u64),
}

impl Naive {
    pub fn live(&self, window: &Window, at: u64) -> u32 {
        let counts = |(stamp, _): &&(u64, u32)| leaves_at(window.ticks(), *stamp) > at;
        self.admitted.iter().filter(counts).map(|(_, n)| n).sum()
    }

    /// Units that count, less those lent back.
    pub fn used(&self, window: &Window, at: u64) -> u32 {
        let lent = self.limit(window, at) - window.limit;
        self.live(window, at).saturating_sub(lent)
    }

    pub fn limit(&self, window: &Window, at: u64) -> u32 {
        match self.lent {
            (units, oldest) if units > 0 && leaves_at(window.ticks(), oldest) > at => {
                window.limit.max((window.limit + units).min(MOST))
            }
            _ => window.limit,
        }
    }

    pub fn fits(&self, window: &Window, cost: u32, at: u64) -> bool {
        self.live(window, at) + cost <= self.limit(window, at)
    }

    /// The earliest tick from `at` on at which `cost` units pass all windows.
    pub fn earliest(&self, windows: &[Window], cost: u32, at: u64) -> u64 {
        let stamps = self.admitted.iter().map(|&(stamp, _)| stamp);
        let stamps = stamps.chain([self.lent.1]);
        let leave = |stamp| windows.iter().map(move |w| leaves_at(w.ticks(), stamp));
        let mut instants: Vec<u64> = stamps.flat_map(leave).filter(|&t| t > at).collect();
        instants.push(at);
        instants.sort_unstable();
        let fit = |t: &u64| windows.iter().all(|w| self.fits(w, cost, *t));
        instants
            .into_iter()
            .find(fit)
            .expect("all leaves in the end")
    }

    /// The window with the least remaining.
    pub fn tightest(&self, windows: &[Window], at: u64) -> Standing {
        let of = |(index, window): (usize, &Window)| {
            let live = |(stamp, _): &(u64, u32)| leaves_at(window.ticks(), *stamp);
            let leaves = self.admitted.iter().map(live).filter(|&t| t > at);
            Standing {
                window: index,
                live: self.used(window, at),
                remaining: self.limit(window, at).saturating_sub(self.live(window, at)),
                resets_at: leaves.min().unwrap_or(at),
            }
        };
        let key = |s: &Standing| (s.remaining, u64::MAX - windows[s.window].ticks(), s.window);
        windows
            .iter()
            .enumerate()
            .map(of)
            .min_by_key(key)
            .expect("a window")
    }

    pub fn refund(&mut self, units: u32, stamp: u64, horizon: u64, now: u64) -> bool {
        if leaves_at(horizon, stamp) <= now {
            return false;
        }
        self.lent = match self.lent {
            (lent, oldest) if lent > 0 && leaves_at(horizon, oldest) > now => {
                (lent + units, oldest.min(stamp))
            }
            _ => (units, stamp),
        };
        true
    }
}
