//! What C sees: handles, plain structs, numbers.
//!
//! Sizes, offsets and values here are pinned by `tests/layout.rs`, which also
//! holds the committed header against them.
#![allow(non_camel_case_types)] // C's spelling.

use std::ffi::c_void;
use std::sync::Arc;

// Plain u32, not slg_status: the header keeps constants of one kind together.

/// The call succeeded.
pub const SLG_OK: u32 = 0;
/// A pointer that must not be NULL is NULL.
pub const SLG_STATUS_NULL_POINTER: u32 = 1;
/// The merchant is empty or longer than SLG_MAX_MERCHANT_BYTES.
pub const SLG_STATUS_INVALID_MERCHANT: u32 = 2;
/// The cost is 0.
pub const SLG_STATUS_INVALID_COST: u32 = 3;
/// The text is not "METHOD /path", the id is not one that this limiter gave out,
/// or the merchant alone was asked for under a policy without "*" rules.
pub const SLG_STATUS_INVALID_ENDPOINT: u32 = 4;
/// The policy text has mistakes; the message lists them, each with its line.
pub const SLG_STATUS_INVALID_POLICY: u32 = 5;
/// The file cannot be read.
pub const SLG_STATUS_IO: u32 = 6;
/// A text is not UTF-8.
pub const SLG_STATUS_NOT_UTF8: u32 = 7;
/// A number or a struct_size is out of range, a reserved field is not 0, or a
/// receipt was used before.
pub const SLG_STATUS_INVALID_ARGUMENT: u32 = 8;
/// The system refused address space for a table of keys.
pub const SLG_STATUS_OUT_OF_MEMORY: u32 = 9;
/// The limiter has given out all its endpoint ids, 4096 in its life.
pub const SLG_STATUS_TOO_MANY_ENDPOINTS: u32 = 10;
/// The policies of this limiter's life had more than 65536 different rule names.
pub const SLG_STATUS_TOO_MANY_RULES: u32 = 11;
/// The caller's buffer for text is too small; *len says what is needed, without
/// the NUL. Not for arrays of windows, see slg_check_windows.
pub const SLG_STATUS_BUFFER_TOO_SMALL: u32 = 12;
/// The limiter's memory was overwritten by something else in the process, or other
/// threads were faster a million times in a row. What was charged before was lent
/// back. One alone may be such a race: repeat the request, or refuse it. If it comes
/// again for one key, make a new limiter, which begins without history, and look for
/// what writes to its memory.
pub const SLG_STATUS_CORRUPT: u32 = 13;
/// A defect in Slidegate, caught at the boundary; its text went to stderr.
pub const SLG_STATUS_PANIC: u32 = 14;
/// No policy of this limiter had a rule of this name.
pub const SLG_STATUS_UNKNOWN_RULE: u32 = 15;
/// Another limiter gave this receipt.
pub const SLG_STATUS_FOREIGN_RECEIPT: u32 = 16;
/// Another limiter prepared this key.
pub const SLG_STATUS_FOREIGN_KEY: u32 = 17;
/// A rule would change its precision, or as a bucketed rule the lengths of its
/// windows, which it keeps for the life of a limiter.
pub const SLG_STATUS_PRECISION: u32 = 18;
/// An exact limit of the policy is above the limiter's max_limit.
pub const SLG_STATUS_LIMIT_TOO_LARGE: u32 = 19;

/// No decision: the call failed. A decision full of zeros has this outcome.
pub const SLG_OUTCOME_NONE: u32 = 0;
/// Every governing window had room; a check has charged them all.
pub const SLG_OUTCOME_ALLOWED: u32 = 1;
/// At least one window was full; nothing was charged, or, where a race showed it
/// only after another rule was charged, that was lent back.
pub const SLG_OUTCOME_DENIED: u32 = 2;
/// The policy exempts this route; nothing was counted.
pub const SLG_OUTCOME_EXEMPT: u32 = 3;
/// No rule governs this endpoint; `allowed` says what the policy's `unmatched`
/// makes of it.
pub const SLG_OUTCOME_UNMATCHED: u32 = 4;
/// The table had no room for the key; `allowed` says what `on_full` makes of it. A
/// request that an overflow pool counts is ALLOWED or DENIED instead, with
/// SLG_FLAG_UNTRACKED.
pub const SLG_OUTCOME_UNTRACKED: u32 = 5;
/// The cost exceeds a limit, so this request can never be admitted.
pub const SLG_OUTCOME_NEVER: u32 = 6;

/// slg_options.on_full: a request whose key finds no room is refused.
pub const SLG_ON_FULL_DENY: u32 = 0;
/// slg_options.on_full: a request whose key finds no room passes uncounted.
pub const SLG_ON_FULL_ADMIT: u32 = 1;
/// slg_options.on_full: a request whose key finds no room is counted in a pool
/// that all such keys of its rule share, and admitted as far as one key would be.
/// The limiter's first 4096 rule names have a pool; others refuse. No reset touches
/// a pool.
pub const SLG_ON_FULL_OVERFLOW: u32 = 2;

/// slg_decision.flags: the table had no room for a key of this request, so that
/// it was counted in its rule's overflow pool or not at all.
pub const SLG_FLAG_UNTRACKED: u32 = 1;
/// slg_decision.flags: the binding window's rule is bucketed, so its capacity
/// returns at most 1/128 of the window's length late. Else it is exact.
pub const SLG_FLAG_BUCKETED: u32 = 2;
/// slg_window.flags: this window holds the request back.
pub const SLG_FLAG_BLOCKS: u32 = 4;

/// Instead of an endpoint id: the merchant alone, governed by the "*" rules.
pub const SLG_ENDPOINT_NONE: u32 = u32::MAX;
/// slg_decision.rule where no window was consulted.
pub const SLG_RULE_NONE: u32 = u32::MAX;
/// No request is governed by more windows: 8 of each rule, of which there are 16
/// with "*" and one for each reading of a path in an unusual spelling.
pub const SLG_MAX_WINDOWS: u32 = 1024;
/// The longest merchant, in bytes.
pub const SLG_MAX_MERCHANT_BYTES: u32 = 1024;
/// The number that slg_abi_version answers for this header.
pub const SLG_ABI_VERSION: u32 = 1;

/// What a call answers: SLG_OK or one of SLG_STATUS_... A refused request is not
/// an error: slg_check answers SLG_OK for it.
pub type slg_status = u32;

/// A validated policy. Immutable: any thread may use it at any time. A limiter
/// copies what it needs, so the policy may be freed right after the call.
pub struct slg_policy(pub(crate) engine::Policy);

/// A rate limiter. Every function but slg_limiter_free may be called from any
/// number of threads at once.
pub struct slg_limiter(pub(crate) engine::Limiter);

/// A clock that stands still until it is told to move: for tests, simulations
/// and replays. Every function but slg_manual_clock_free may be called from any
/// number of threads at once.
pub struct slg_manual_clock(pub(crate) Arc<engine::ManualClock>);

/// The right to give back what one admission charged, once. slg_refund and
/// slg_receipt_free both end it: call one of them, once. It belongs to one thread
/// at a time, and may outlive its limiter.
pub struct slg_receipt {
    pub(crate) receipt: engine::Receipt,
    /// `receipt::LIVE` until the receipt is used.
    pub(crate) live: u64,
}

/// A merchant and an endpoint resolved once, for those who are checked often:
/// nothing is hashed or looked up again while its counts stay where they were.
/// It is valid across swaps, resets and evictions. Every function but
/// slg_key_free may be called from any number of threads at once. It may outlive
/// its limiter.
pub struct slg_key(pub(crate) engine::Prepared);

/// Options of a limiter. Zero the struct, set struct_size to
/// sizeof(slg_options), then set what you need.
#[repr(C)]
pub struct slg_options {
    /// sizeof(slg_options): lets the struct grow. The size of an earlier version
    /// is accepted, and fields beyond it have their defaults; more than this
    /// library knows (and at most 4096) is accepted where the rest is zero.
    pub struct_size: u32,
    /// SLG_ON_FULL_DENY, SLG_ON_FULL_ADMIT or SLG_ON_FULL_OVERFLOW.
    pub on_full: u32,
    /// How many keys (a rule and a merchant each, with an admission in the longest
    /// window of any rule of the same precision) find room at once, all but one
    /// newcomer in about ten millions; the table may hold somewhat more. 0 is the default, 262144.
    /// Bucketed rules have a table of their own, of the same number. Each key
    /// reserves 99 KiB of address space (less with a smaller max_limit), and 117
    /// KiB more from the first policy with a bucketed rule on; it uses memory from
    /// its first admission on.
    pub max_keys: u64,
    /// NULL for the system's clock. Only borrowed for the call: the limiter keeps
    /// a reference of its own, so clock and limiter are freed in any order.
    pub clock: *const slg_manual_clock,
    /// The largest limit of an exact window in any policy of the limiter's life.
    /// 0 is the default and the most, 2048; more is as 2048. Less reserves less
    /// address space for the keys of exact rules, and lowers the ceiling of
    /// slg_refund, to twice this limit or somewhat more. Absent in a struct of 24 bytes, the first version.
    pub max_limit: u32,
    /// Reserved, 0.
    pub reserved: u32,
}

/// The answer to one check or peek: plain data, 64 bytes, nothing to free.
///
/// It describes one window, the binding one: when denied, the window with the
/// latest retry instant; when allowed, the window with the least remaining. Ties go
/// to the longer window, then to the earlier rule: the "*" rules come first, then
/// the endpoint's, each in the order of the policy. Where no window was consulted (exempt, unmatched, untracked) `rule` is SLG_RULE_NONE
/// and the window's fields are 0.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct slg_decision {
    /// SLG_OUTCOME_...
    pub outcome: u32,
    /// 1: the request may proceed. 0: it may not.
    pub allowed: u32,
    /// The rule of the binding window; slg_rule_name has its text.
    pub rule: u32,
    /// SLG_FLAG_UNTRACKED and SLG_FLAG_BUCKETED; ignore others.
    pub flags: u32,
    /// The binding window's length in nanoseconds.
    pub window_ns: u64,
    /// Units that the window admits per length.
    pub limit: u32,
    /// Units left in it: after the charge when a check admitted, as they stand
    /// otherwise.
    pub remaining: u32,
    /// Nanoseconds until this same request would be admitted if nothing else
    /// came; 0 unless denied.
    pub retry_after_ns: u64,
    /// Unix time in nanoseconds: of the retry instant when denied, else of the
    /// moment when the window's oldest live unit expires; now if it is empty.
    pub reset_at_ns: u64,
    /// The version of the policy that decided; the first is 1.
    pub policy_version: u64,
    /// Reserved, 0.
    pub reserved: u64,
}

/// How one window stands: plain data, 64 bytes, nothing to free. See
/// slg_check_windows.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct slg_window {
    /// The rule that the window belongs to; slg_rule_name has its text.
    pub rule: u32,
    /// SLG_FLAG_BLOCKS; ignore others.
    pub flags: u32,
    /// Its length in nanoseconds.
    pub window_ns: u64,
    /// Units that it admits per length.
    pub limit: u32,
    /// Units left in it: after the charge when a check admitted, as they stand
    /// otherwise.
    pub remaining: u32,
    /// Nanoseconds until it blocks no more, if nothing else comes; 0 unless it
    /// blocks.
    pub retry_after_ns: u64,
    /// Unix time in nanoseconds: of that instant for a window that blocks, else of
    /// the moment when its oldest live unit expires; now if it is empty. The wall
    /// clock is read for each window by itself.
    pub reset_at_ns: u64,
    /// Reserved, 0.
    pub reserved: [u64; 3],
}

/// One request of slg_check_many. Zero the struct, then set what you need.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct slg_request {
    /// 1 to SLG_MAX_MERCHANT_BYTES opaque bytes.
    pub merchant: *const c_void,
    /// Their number.
    pub merchant_len: usize,
    /// An id from slg_endpoint, or SLG_ENDPOINT_NONE.
    pub endpoint: u32,
    /// Units, at least 1.
    pub cost: u32,
    /// Reserved, 0.
    pub reserved: u64,
}

// Handles are shared between C's threads.
const _: fn() = || {
    fn shareable<T: Send + Sync>() {}
    shareable::<slg_policy>();
    shareable::<slg_limiter>();
    shareable::<slg_manual_clock>();
    shareable::<slg_key>();
    fn movable<T: Send>() {}
    movable::<slg_receipt>();
};
/// The most readings of one path: with its fragment and without, decoded in five
/// ways, and each of these cleared in seven. See `docs/policy.md`.
const MOST_READINGS: usize = 2 * 5 * 7;
const _: () = assert!(
    SLG_MAX_WINDOWS as usize >= (engine::MAX_STAR_RULES + MOST_READINGS) * engine::MAX_WINDOWS
);
const _: () = assert!(SLG_MAX_MERCHANT_BYTES as usize == engine::MAX_MERCHANT_BYTES);
