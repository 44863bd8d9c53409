//! The slice of words that holds the engine's state.
//!
//! It is an anonymous mapping: zeroed, reserved without swap accounting, and
//! committed page by page on first touch, so an idle key's ring costs nothing.
//! Beside it only `prefetch` has `unsafe` code.

#![allow(unsafe_code)]

/// Words of a page of memory.
#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
pub(crate) const PAGE_WORDS: usize = 512;
/// A checker pays for every word in every execution.
#[cfg(any(slidegate_loom, slidegate_shuttle))]
pub(crate) const PAGE_WORDS: usize = 8;

#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
pub(crate) use mapped::Words;
#[cfg(any(slidegate_loom, slidegate_shuttle))]
pub(crate) use modelled::Words;

#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
mod mapped {
    use std::io;
    use std::ops::Deref;

    use memmap2::{MmapOptions, MmapRaw};

    use crate::sync::Word;

    /// Bytes from which on words that are filled densely are worth huge pages: eight of
    /// them, on x86-64.
    #[cfg(target_os = "linux")]
    const LARGE: usize = 16 << 20;

    /// Zeroed words in lazily committed memory.
    pub(crate) struct Words {
        /// Raw, because no reference to its plain bytes may be made.
        map: MmapRaw,
    }

    impl Words {
        /// Reserves `count` words. The first `sparse_from` are asked for on huge pages
        /// if they are many: keys fill them densely, and a look-up waits less for its
        /// address than in small pages. The words after them are kept off huge pages,
        /// because there each key touches a few words of its own and a huge page would
        /// commit its neighbours' too.
        pub fn zeroed(count: usize, sparse_from: usize) -> io::Result<Self> {
            let word = size_of::<Word>();
            let len = count
                .checked_mul(word)
                .ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
            let map = MmapOptions::new().len(len).no_reserve_swap().map_anon()?;
            #[cfg(target_os = "linux")]
            {
                use memmap2::Advice;
                // Hints: where they are refused, memory is larger or slower and nothing
                // else.
                let dense = sparse_from.min(count) * word;
                if dense >= LARGE {
                    let _ = map.advise_range(Advice::HugePage, 0, dense);
                }
                if dense < len {
                    let _ = map.advise_range(Advice::NoHugePage, dense, len - dense);
                }
            }
            #[cfg(not(target_os = "linux"))]
            let _ = sparse_from;
            Ok(Self { map: map.into() })
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

    use crate::sync::Word;

    /// The same slice made of the checker's atomics.
    pub(crate) struct Words(Vec<Word>);

    impl Words {
        pub fn zeroed(count: usize, _sparse_from: usize) -> io::Result<Self> {
            Ok(Self((0..count).map(|_| Word::new()).collect()))
        }
    }

    impl Deref for Words {
        type Target = [Word];

        fn deref(&self) -> &[Word] {
            &self.0
        }
    }
}
