//! Keys: from a rule and a merchant to a fingerprint and a probe set, and the
//! key word `fingerprint:50 | version:12 | state:2`.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::sync::fault::{Fault, planted};

const FINGERPRINT_BITS: u32 = 50;
const FINGERPRINT_SHIFT: u32 = 14;
const VERSION_SHIFT: u32 = 2;
const VERSION_MASK: u64 = (1 << 12) - 1;
const STATE_MASK: u64 = 0b11;

const EMPTY: u64 = 0;
const TENTATIVE: u64 = 1;
const COMMITTED: u64 = 2;

/// Hashes names with a secret of its own, so that nobody outside can choose
/// names that collide.
#[derive(Clone)]
pub(crate) struct Hashing {
    secret: (u64, u64),
}

/// 128 bits that stand for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameHash(u64, u64);

impl Hashing {
    /// A checker runs one schedule many times, so its secret is always the same.
    #[cfg(any(slidegate_loom, slidegate_shuttle))]
    pub fn with_random_secret() -> std::io::Result<Self> {
        Ok(Self { secret: (1, 2) })
    }

    #[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
    pub fn with_random_secret() -> std::io::Result<Self> {
        let word = || getrandom::u64().map_err(std::io::Error::other);
        Ok(Self {
            secret: (word()?, word()?),
        })
    }

    #[inline]
    pub fn merchant(&self, name: &[u8]) -> NameHash {
        self.hash(self.secret.0, name)
    }

    /// Rules are hashed under another key than merchants, so that a merchant
    /// named like a rule cancels nothing out.
    pub fn rule(&self, name: &str) -> NameHash {
        self.hash(!self.secret.0, name.as_bytes())
    }

    #[inline]
    fn hash(&self, key: u64, bytes: &[u8]) -> NameHash {
        let mut hasher = SipHasher13::new_with_keys(key, self.secret.1);
        hasher.write(bytes);
        let hash = hasher.finish128();
        NameHash(hash.h1, hash.h2)
    }
}

/// What identifies one log: a rule and a merchant.
///
/// The two hashes are joined by exclusive or, so a request of several rules
/// hashes its merchant once. Two keys share 50 bits *and* a bucket with a chance
/// of about 2^-50 for each pair in one probe set: 10^-8 among a million keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub fingerprint: u64,
    placement: u64,
    /// The rule's number, which stands for its hash.
    pub rule: u32,
}

impl Key {
    #[inline]
    pub fn new(number: u32, rule: NameHash, merchant: NameHash) -> Self {
        Self {
            rule: number,
            fingerprint: (rule.0 ^ merchant.0) >> (64 - FINGERPRINT_BITS),
            placement: rule.1 ^ merchant.1,
        }
    }

    /// Two different buckets of `buckets` (at least 2).
    #[inline]
    pub fn buckets(self, buckets: u32) -> [u32; 2] {
        let scale = |bits: u32, range: u32| ((u64::from(bits) * u64::from(range)) >> 32) as u32;
        let first = scale(self.placement as u32, buckets);
        let further = 1 + scale((self.placement >> 32) as u32, buckets - 1);
        // Around the end: both are less than `buckets` beyond it.
        let second = match first.checked_sub(buckets - further) {
            Some(around) => around,
            None => first + further,
        };
        [first, second]
    }

    #[cfg(all(test, slidegate_loom))]
    pub fn from_parts(fingerprint: u64, placement: u64) -> Self {
        Self {
            fingerprint,
            placement,
            rule: 0,
        }
    }
}

/// What a key word says of its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Empty,
    Tentative,
    Committed,
}

/// The value of a key word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyWord(pub u64);

impl KeyWord {
    #[inline]
    pub fn state(self) -> State {
        match self.0 & STATE_MASK {
            EMPTY => State::Empty,
            TENTATIVE => State::Tentative,
            _ => State::Committed,
        }
    }

    pub fn is_tentative(self) -> bool {
        self.state() == State::Tentative
    }

    pub fn is_committed(self) -> bool {
        self.state() == State::Committed
    }

    pub fn names(self, fingerprint: u64) -> bool {
        self.0 >> FINGERPRINT_SHIFT == fingerprint
    }

    /// Whether the slot is this key's, or about to be.
    #[inline]
    pub fn claims(self, fingerprint: u64) -> bool {
        // One comparison for both states.
        let state = self.unversioned().0 ^ (fingerprint << FINGERPRINT_SHIFT);
        state.wrapping_sub(TENTATIVE) <= COMMITTED - TENTATIVE
    }

    /// The word of a key that stands, without its version.
    #[inline]
    pub fn committed_for(fingerprint: u64) -> Self {
        Self((fingerprint << FINGERPRINT_SHIFT) | COMMITTED)
    }

    /// The word without its version.
    #[inline]
    pub fn unversioned(self) -> Self {
        Self(self.0 & !(VERSION_MASK << VERSION_SHIFT))
    }

    /// This empty word claimed for a key.
    pub fn claimed(self, fingerprint: u64) -> Self {
        Self((fingerprint << FINGERPRINT_SHIFT) | self.version_bits() | TENTATIVE)
    }

    pub fn committed(self) -> Self {
        Self((self.0 & !STATE_MASK) | COMMITTED)
    }

    /// The empty word that follows. The new version tells a sleeper who claimed
    /// the slot before from the one who claims it next, under the same name too.
    pub fn freed(self) -> Self {
        let step = u64::from(!planted(Fault::FreedKeepsVersion));
        let version = (self.version_bits() >> VERSION_SHIFT).wrapping_add(step) & VERSION_MASK;
        Self((version << VERSION_SHIFT) | EMPTY)
    }

    fn version_bits(self) -> u64 {
        self.0 & (VERSION_MASK << VERSION_SHIFT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_word_goes_round() {
        let fingerprint = (1 << FINGERPRINT_BITS) - 3;
        let claimed = KeyWord(0).claimed(fingerprint);
        assert!(claimed.is_tentative() && claimed.names(fingerprint));
        let committed = claimed.committed();
        assert!(committed.is_committed() && committed.names(fingerprint));
        let freed = committed.freed();
        assert!(freed.state() == State::Empty && freed != KeyWord(0));
        assert_eq!(claimed.freed(), freed);
    }

    #[test]
    fn the_version_wraps_within_its_bits() {
        let mut word = KeyWord(0);
        for _ in 0..1 << 12 {
            word = word.claimed(5).committed().freed();
        }
        assert_eq!(word, KeyWord(0));
    }

    #[test]
    fn the_two_buckets_differ_and_lie_in_range() {
        let hashing = Hashing::with_random_secret().unwrap();
        let rule = hashing.rule("r");
        for buckets in [2, 3, 7, 1_000] {
            for name in 0..1_000u32 {
                let key = Key::new(0, rule, hashing.merchant(&name.to_le_bytes()));
                let [first, second] = key.buckets(buckets);
                assert!(first != second && first < buckets && second < buckets);
            }
        }
    }

    #[test]
    fn rules_and_merchants_of_one_name_have_different_hashes() {
        let hashing = Hashing::with_random_secret().unwrap();
        assert_ne!(hashing.rule("a"), hashing.merchant(b"a"));
        assert_ne!(hashing.merchant(b"a"), hashing.merchant(b"b"));
    }
}
