//! The slice of words that holds the engine's state.
//!
//! It is an anonymous mapping: zeroed, reserved without swap accounting, and
//! committed page by page on first touch, so an idle key's ring costs nothing; where a
//! table that fills is dense, by huge pages.
//! Beside it only `prefetch` has `unsafe` code.

#![allow(unsafe_code)]

use std::ops::Range;

/// Words of a page of memory.
#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
pub(crate) const PAGE_WORDS: usize = 512;
/// A checker pays for every word in every execution.
#[cfg(any(slidegate_loom, slidegate_shuttle))]
pub(crate) const PAGE_WORDS: usize = 8;

/// Which of the words are touched how densely, in a table that fills.
#[derive(Default, Clone)]
#[cfg_attr(any(slidegate_loom, slidegate_shuttle), allow(dead_code))]
pub(crate) struct Density {
    /// Nearly all words of these ranges are in use once the table is full.
    pub dense: [Range<usize>; 2],
    /// From here on each key touches a few words of its own, and few keys do.
    pub sparse_from: usize,
}

#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
pub(crate) use mapped::Words;
#[cfg(any(slidegate_loom, slidegate_shuttle))]
pub(crate) use modelled::Words;

#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
mod mapped {
    use std::io;
    use std::ops::{Deref, Range};

    #[cfg(target_os = "linux")]
    use memmap2::Advice;
    use memmap2::{MmapOptions, MmapRaw};

    use super::Density;
    use crate::sync::Word;

    /// So many dense words are worth huge pages: four of them, on x86-64.
    #[cfg(target_os = "linux")]
    const LARGE: usize = (8 << 20) / size_of::<Word>();

    /// Zeroed words in lazily committed memory.
    pub(crate) struct Words {
        /// Raw, because no reference to its plain bytes may be made.
        map: MmapRaw,
        dense: [Range<usize>; 2],
    }

    impl Words {
        /// Reserves `count` words. The sparse ones are kept off huge pages, where a key
        /// would commit its neighbours' words too.
        pub fn zeroed(count: usize, density: Density) -> io::Result<Self> {
            let word = size_of::<Word>();
            let len = count
                .checked_mul(word)
                .ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
            let map = MmapOptions::new().len(len).no_reserve_swap().map_anon()?;
            let words = Self {
                map: map.into(),
                dense: density.dense,
            };
            #[cfg(target_os = "linux")]
            words.advise(Advice::NoHugePage, density.sparse_from.min(count)..count);
            #[cfg(not(target_os = "linux"))]
            let _ = density.sparse_from;
            Ok(words)
        }

        /// Asks for huge pages for the dense words, if they are many: a look-up then
        /// waits less for its address, and a first touch less for the kernel. In a table
        /// with few keys each key would commit a huge page for itself.
        #[cold]
        pub fn condense(&self) {
            #[cfg(target_os = "linux")]
            for range in self.dense.iter().filter(|range| range.len() >= LARGE) {
                self.advise(Advice::HugePage, range.clone());
            }
        }

        /// A hint: where it is refused, memory is larger or slower and nothing else.
        #[cfg(target_os = "linux")]
        fn advise(&self, advice: Advice, words: Range<usize>) {
            let word = size_of::<Word>();
            let _ = self
                .map
                .advise_range(advice, words.start * word, words.len() * word);
        }
    }

    impl Deref for Words {
        type Target = [Word];

        #[inline]
        fn deref(&self) -> &[Word] {
            let count = self.map.len() / size_of::<Word>();
            // SAFETY: the mapping is readable and writable, page-aligned and
            // `map.len()` bytes long, at most `isize::MAX`, and lives as long as `self`.
            // `Word` is a transparent AtomicU64, for which every bit pattern is valid. `MmapRaw`
            // hands out a pointer that may be written through and makes no reference
            // to the bytes, and this is the only place that asks for it: all access
            // is atomic.
            unsafe { std::slice::from_raw_parts(self.map.as_mut_ptr().cast::<Word>(), count) }
        }
    }
}

#[cfg(any(slidegate_loom, slidegate_shuttle))]
mod modelled {
    use std::io;
    use std::ops::Deref;

    use super::Density;
    use crate::sync::Word;

    /// The same slice made of the checker's atomics.
    pub(crate) struct Words(Vec<Word>);

    impl Words {
        pub fn zeroed(count: usize, _density: Density) -> io::Result<Self> {
            Ok(Self((0..count).map(|_| Word::new()).collect()))
        }

        pub fn condense(&self) {}
    }

    impl Deref for Words {
        type Target = [Word];

        fn deref(&self) -> &[Word] {
            &self.0
        }
    }
}
