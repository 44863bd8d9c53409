//! Where the cells of a bucketed log lie, and which plane is which window's.
//!
//! Windows whose buckets are of one width share a plane: a cell says how many
//! units there were when its bucket began, whatever window looks at it. A rule's
//! planes are those of the windows that it has or had ([`Shifts`]): every rotation
//! enters buckets in all of them, so that a window which was left out for a while
//! still has its history.

use std::ops::Range;

use super::span::{CELLS, Span};
use crate::sync::PAGE_WORDS;
use crate::window::Window;

/// Planes of a rule at most: as many as it may have windows.
pub(crate) const MAX_PLANES: usize = 8;

/// The widths of a rule's buckets, one for each plane. The order is that of the
/// planes: a rule keeps one `Shifts` for as long as its log is to be understood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shifts {
    widths: [u8; MAX_PLANES],
    planes: usize,
}

impl Shifts {
    /// The planes that `windows` need; `None` if they are more than
    /// [`MAX_PLANES`].
    pub fn of<'w>(windows: impl IntoIterator<Item = &'w Window>) -> Option<Self> {
        let mut shifts = Self::default();
        for window in windows {
            let shift = Span::of(window.ticks()).shift();
            if shifts.plane(shift).is_none() {
                *shifts.widths.get_mut(shifts.planes)? = shift as u8;
                shifts.planes += 1;
            }
        }
        Some(shifts)
    }

    /// The width of each plane's buckets, as a logarithm: what a query says.
    #[inline]
    pub fn widths(&self) -> &[u8] {
        &self.widths[..self.planes]
    }

    /// The plane of buckets that are `2^shift` quanta wide.
    #[inline]
    pub fn plane(&self, shift: u32) -> Option<usize> {
        self.iter().position(|width| width == shift)
    }

    /// The shifts, plane by plane.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.widths().iter().map(|&w| u32::from(w))
    }
}

impl From<&[u8]> for Shifts {
    /// Of what [`widths`](Self::widths) said.
    #[inline]
    fn from(widths: &[u8]) -> Self {
        let mut shifts = Self::default();
        for (to, from) in shifts.widths.iter_mut().zip(widths) {
            *to = *from;
        }
        shifts.planes = widths.len().min(MAX_PLANES);
        shifts
    }
}

/// The places of all slots' cells in the slice of words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes {
    from: usize,
    slots: usize,
    planes: usize,
}

impl Planes {
    /// Lays `planes` planes of `slots` slots out from the word `from` on, beginning
    /// with a page of their own. Returns
    /// where they end, or `None` where that is past all address space.
    pub fn layout(from: usize, slots: usize, planes: usize) -> Option<(Self, usize)> {
        let from = from.checked_next_multiple_of(PAGE_WORDS)?;
        let cells = slots.checked_mul(planes)?.checked_mul(CELLS)?;
        let end = from.checked_add(cells)?;
        let planes = Self {
            from,
            slots,
            planes,
        };
        Some((planes, end))
    }

    /// The cells of a slot in a plane.
    #[inline]
    pub fn block(&self, plane: usize, slot: usize) -> Range<usize> {
        debug_assert!(plane < self.planes && slot < self.slots);
        let from = self.from + (plane * self.slots + slot) * CELLS;
        from..from + CELLS
    }
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn windows_of_one_width_share_a_plane() {
        let windows = ["5/300s", "5/day", "5/400s", "5/s"].map(|w| w.parse().unwrap());
        let shifts = Shifts::of(&windows).unwrap();
        assert_eq!(shifts.iter().collect::<Vec<_>>(), [10, 18, 1]);
        assert_eq!(shifts.plane(18), Some(1));
        assert_eq!(shifts.plane(0), None);
    }

    #[test]
    fn there_are_no_more_planes_than_windows() {
        let windows: Vec<Window> = (18..27)
            .map(|log2| Window::from_ticks(1, 1 << log2))
            .collect();
        assert!(Shifts::of(&windows[..8]).is_some());
        assert!(Shifts::of(&windows).is_none());
    }

    #[test]
    fn blocks_do_not_overlap() {
        let (planes, end) = Planes::layout(100, 3, 2).unwrap();
        let mut blocks: Vec<_> = (0..2)
            .flat_map(|plane| (0..3).map(move |slot| (plane, slot)))
            .map(|(plane, slot)| planes.block(plane, slot))
            .collect();
        blocks.sort_by_key(|block| block.start);
        assert!(blocks[0].start >= 100 && blocks.last().unwrap().end == end);
        assert!(blocks.windows(2).all(|pair| pair[0].end <= pair[1].start));
        assert!(Planes::layout(0, usize::MAX / 8, 2).is_none());
    }
}
