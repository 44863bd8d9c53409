//! What C sees: handles, plain structs, numbers.
//!
//! Sizes, offsets and values here are pinned by `tests/layout.rs`, which also
//! holds the committed header against them.
#![allow(non_camel_case_types)] // C's spelling.

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
/// A number or a struct_size is out of range.
pub const SLG_STATUS_INVALID_ARGUMENT: u32 = 8;
/// The system refused address space for the table of keys.
pub const SLG_STATUS_OUT_OF_MEMORY: u32 = 9;
/// The limiter has given out all its endpoint ids.
pub const SLG_STATUS_TOO_MANY_ENDPOINTS: u32 = 10;
/// The policies of this limiter's life had too many different rule names.
pub const SLG_STATUS_TOO_MANY_RULES: u32 = 11;
/// The caller's buffer is too small; *len says what is needed, without the NUL.
pub const SLG_STATUS_BUFFER_TOO_SMALL: u32 = 12;
/// The limiter's memory was overwritten by something else.
pub const SLG_STATUS_CORRUPT: u32 = 13;
/// A defect in Slidegate, caught at the boundary; its text went to stderr.
pub const SLG_STATUS_PANIC: u32 = 14;

/// No decision: the call failed. A decision full of zeros has this outcome.
pub const SLG_OUTCOME_NONE: u32 = 0;
/// Every governing window had room; a check has charged them all.
pub const SLG_OUTCOME_ALLOWED: u32 = 1;
/// At least one window was full; nothing was charged.
pub const SLG_OUTCOME_DENIED: u32 = 2;
/// The policy exempts this route; nothing was counted.
pub const SLG_OUTCOME_EXEMPT: u32 = 3;
/// No rule governs this endpoint; `allowed` says what the policy's `unmatched`
/// makes of it.
pub const SLG_OUTCOME_UNMATCHED: u32 = 4;
/// The table had no room for the key; `allowed` says what `on_full` makes of it.
pub const SLG_OUTCOME_UNTRACKED: u32 = 5;
/// The cost exceeds a limit, so this request can never be admitted.
pub const SLG_OUTCOME_NEVER: u32 = 6;

/// slg_options.on_full: a request whose key finds no room is refused.
pub const SLG_ON_FULL_DENY: u32 = 0;
/// slg_options.on_full: a request whose key finds no room passes uncounted.
pub const SLG_ON_FULL_ADMIT: u32 = 1;

/// Instead of an endpoint id: the merchant alone, governed by the "*" rules.
pub const SLG_ENDPOINT_NONE: u32 = u32::MAX;
/// slg_decision.rule where no window was consulted.
pub const SLG_RULE_NONE: u32 = u32::MAX;
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

/// Options of a limiter. Zero the struct, set struct_size to
/// sizeof(slg_options), then set what you need.
#[repr(C)]
pub struct slg_options {
    /// sizeof(slg_options): lets the struct grow. More than this library knows
    /// (and at most 4096) is accepted where the rest is zero.
    pub struct_size: u32,
    /// SLG_ON_FULL_DENY or SLG_ON_FULL_ADMIT.
    pub on_full: u32,
    /// How many keys (a rule and a merchant each) must find room at once; the
    /// table may hold somewhat more. 0 is the default, 262144. Each key reserves
    /// 33 KiB of address space and uses memory from its first admission on.
    pub max_keys: u64,
    /// NULL for the system's clock. Only borrowed for the call: the limiter keeps
    /// a reference of its own, so clock and limiter are freed in any order.
    pub clock: *const slg_manual_clock,
}

/// The answer to one check or peek: plain data, 64 bytes, nothing to free.
///
/// It describes one window, the binding one: when denied, the window with the
/// latest retry instant; when allowed, the window with the least remaining. Where
/// no window was consulted (exempt, unmatched, untracked) `rule` is SLG_RULE_NONE
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
    /// Reserved, 0.
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
    /// moment when the window's oldest live unit expires.
    pub reset_at_ns: u64,
    /// The version of the policy that decided; the first is 1.
    pub policy_version: u64,
    /// Reserved, 0.
    pub reserved: u64,
}

// Handles are shared between C's threads.
const _: fn() = || {
    fn shareable<T: Send + Sync>() {}
    shareable::<slg_policy>();
    shareable::<slg_limiter>();
    shareable::<slg_manual_clock>();
};
const _: () = assert!(SLG_MAX_MERCHANT_BYTES as usize == engine::MAX_MERCHANT_BYTES);
