/*
 * slidegate.h: the C interface of Slidegate, an exact sliding-window rate limiter.
 *
 *
 * CAVEATS
 *
 * - Before version 1.0 there is no ABI promise: link only against the library
 *   that this header came with. slg_abi_version() == SLG_ABI_VERSION says so.
 * - A limiter counts in its own process. After fork() the child has a copy of the
 *   counts and both go their own ways: N workers admit up to N times the limit.
 * - A status is not a verdict. slg_check answers SLG_OK for a denied request too;
 *   the verdict is slg_decision.allowed. After any other status the decision is
 *   all zero, so code that looks at `allowed` alone refuses.
 * - Retry times and windows follow the machine's monotonic clock; only
 *   reset_at_ns depends on the wall clock.
 *
 *
 * CONTRACT
 *
 * Threads. `const slg_X *` means: any number of threads may call this at once with
 * the same handle, together with every other such function. `slg_X *` occurs only
 * in slg_X_free, and `slg_receipt *` also in slg_refund: that must be the last call
 * with that handle. Nothing is bound to the thread that made it, and there is no
 * "last error".
 *
 * Fork. Safe at any moment, whatever other threads do: the library has no lock that
 * could stay locked in the child.
 *
 * Signals. Not for signal handlers.
 *
 * Language. C99 or newer, or C++.
 *
 * Waiting. No function waits for another thread, but for the C library's own locks,
 * which calls that load the policy anew, and whatever allocates, may take for a
 * moment. A call loads the policy if it is its thread's first on the limiter, its
 * first after a swap, its first with an endpoint id that is newer than what it
 * loaded, or its first after others on other limiters; or if a swap is just under
 * way. There is no background thread. slg_policy_from_file reads a file; nothing else
 * does input or output.
 *
 * Memory. slg_check, slg_check_path, slg_peek, slg_peek_path, slg_check_many,
 * slg_check_key, slg_peek_key, slg_refund, slg_headers and slg_http_status do not
 * allocate, with these exceptions: a call that loads the policy anew, which may free
 * the one before it; a call that fails; a request that more than four rules govern,
 * in slg_check_many more than two; a route with more than three parameters; a path in
 * an unusual spelling (a '%', a '//', a segment that begins with a dot, a slash at the
 * end); a method that is not in capitals or that no route of the policy has. Where
 * the heap is exhausted the process ends, as is usual in Rust;
 * SLG_STATUS_OUT_OF_MEMORY is about the table of keys.
 *
 * Pointers. Every pointer is borrowed for the call; none is kept. No function
 * calls back. Pointers must not be NULL unless the function says so; a NULL is
 * answered with SLG_STATUS_NULL_POINTER, except that free functions accept it.
 * Texts have a length and need no NUL, except `path` of slg_policy_from_file.
 *
 * Ownership. What a function stores in an `slg_X **` belongs to the caller, who
 * passes it to slg_X_free once. A receipt goes to slg_refund instead, if it is to
 * be given back: that uses it up, even where it fails. Handles may be freed in any
 * order. Static strings are never freed.
 *
 * Out-parameters are cleared first, whatever happens then: numbers and decisions
 * to 0, handles to NULL, texts to "". For arrays, see slg_check_many and
 * slg_check_windows.
 *
 * Messages. Functions that can explain themselves take `message`, `message_cap`
 * and `message_len`. On failure they write English UTF-8 text, cut between two
 * characters where it does not fit, and a NUL (if message_cap > 0); *message_len
 * is the length of the whole text without the NUL. On success the text is empty.
 * message and message_len may be NULL.
 *
 * Statuses. Each function lists those that it answers, without SLG_STATUS_; SLG_OK
 * and PANIC go without saying. After PANIC, a handle may still be used.
 *
 *
 * EXAMPLE
 *
 *     #include <slidegate.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         char why[512];
 *         slg_policy *policy;
 *         slg_limiter *limiter;
 *         slg_decision d;
 *
 *         if (slg_policy_from_file("limits.toml", &policy, why, sizeof why, NULL) != SLG_OK) {
 *             fprintf(stderr, "%s\n", why);
 *             return 1;
 *         }
 *         if (slg_limiter_new(policy, NULL, &limiter, why, sizeof why, NULL) != SLG_OK) {
 *             fprintf(stderr, "%s\n", why);
 *             slg_policy_free(policy);
 *             return 1;
 *         }
 *         slg_policy_free(policy);
 *
 *         slg_status status = slg_check_path(limiter, "m_42", 4, "POST /v1/payment", 16, 1, &d);
 *         if (status != SLG_OK)
 *             fprintf(stderr, "%s\n", slg_status_text(status));
 *         else if (d.allowed)
 *             printf("go ahead, %u left\n", (unsigned)d.remaining);
 *         else if (d.outcome == SLG_OUTCOME_DENIED)
 *             printf("HTTP 429, retry in %.3f s\n", (double)d.retry_after_ns / 1e9);
 *         else
 *             printf("HTTP %u, no time to retry at\n", (unsigned)slg_http_status(&d));
 *
 *         slg_limiter_free(limiter);
 *         return 0;
 *     }
 *
 * This file is generated: edit the comments in ffi-c/src, then run
 * `cargo run -p slidegate-headers`.
 */


#ifndef SLIDEGATE_H
#define SLIDEGATE_H

#include <stddef.h>
#include <stdint.h>

// The call succeeded.
#define SLG_OK 0

// A pointer that must not be NULL is NULL.
#define SLG_STATUS_NULL_POINTER 1

// The merchant is empty or longer than SLG_MAX_MERCHANT_BYTES.
#define SLG_STATUS_INVALID_MERCHANT 2

// The cost is 0.
#define SLG_STATUS_INVALID_COST 3

// The text is not "METHOD /path", the id is not one that this limiter gave out,
// or the merchant alone was asked for under a policy without "*" rules.
#define SLG_STATUS_INVALID_ENDPOINT 4

// The policy text has mistakes; the message lists them, each with its line.
#define SLG_STATUS_INVALID_POLICY 5

// The file cannot be read.
#define SLG_STATUS_IO 6

// A text is not UTF-8.
#define SLG_STATUS_NOT_UTF8 7

// A number or a struct_size is out of range, a reserved field is not 0, or a
// receipt was used before.
#define SLG_STATUS_INVALID_ARGUMENT 8

// The system refused address space for a table of keys.
#define SLG_STATUS_OUT_OF_MEMORY 9

// The limiter has given out all its endpoint ids, 4096 in its life.
#define SLG_STATUS_TOO_MANY_ENDPOINTS 10

// The policies of this limiter's life had more than 65536 different rule names.
#define SLG_STATUS_TOO_MANY_RULES 11

// The caller's buffer for text is too small; *len says what is needed, without
// the NUL. Not for arrays of windows, see slg_check_windows.
#define SLG_STATUS_BUFFER_TOO_SMALL 12

// The limiter's memory was overwritten by something else in the process, or other
// threads were faster a million times in a row. What was charged before was lent
// back. One alone may be such a race: repeat the request, or refuse it. If it comes
// again for one key, make a new limiter, which begins without history, and look for
// what writes to its memory.
#define SLG_STATUS_CORRUPT 13

// A defect in Slidegate, caught at the boundary; its text went to stderr.
#define SLG_STATUS_PANIC 14

// No policy of this limiter had a rule of this name.
#define SLG_STATUS_UNKNOWN_RULE 15

// Another limiter gave this receipt.
#define SLG_STATUS_FOREIGN_RECEIPT 16

// Another limiter prepared this key.
#define SLG_STATUS_FOREIGN_KEY 17

// A rule would change its precision, or as a bucketed rule the lengths of its
// windows, which it keeps for the life of a limiter.
#define SLG_STATUS_PRECISION 18

// An exact limit of the policy is above the limiter's max_limit.
#define SLG_STATUS_LIMIT_TOO_LARGE 19

// No decision: the call failed. A decision full of zeros has this outcome.
#define SLG_OUTCOME_NONE 0

// Every governing window had room; a check has charged them all.
#define SLG_OUTCOME_ALLOWED 1

// At least one window was full; nothing was charged, or, where a race showed it
// only after another rule was charged, that was lent back.
#define SLG_OUTCOME_DENIED 2

// The policy exempts this route; nothing was counted.
#define SLG_OUTCOME_EXEMPT 3

// No rule governs this endpoint; `allowed` says what the policy's `unmatched`
// makes of it.
#define SLG_OUTCOME_UNMATCHED 4

// The table had no room for the key; `allowed` says what `on_full` makes of it. A
// request that an overflow pool counts is ALLOWED or DENIED instead, with
// SLG_FLAG_UNTRACKED.
#define SLG_OUTCOME_UNTRACKED 5

// The cost exceeds a limit, so this request can never be admitted.
#define SLG_OUTCOME_NEVER 6

// slg_options.on_full: a request whose key finds no room is refused.
#define SLG_ON_FULL_DENY 0

// slg_options.on_full: a request whose key finds no room passes uncounted.
#define SLG_ON_FULL_ADMIT 1

// slg_options.on_full: a request whose key finds no room is counted in a pool
// that all such keys of its rule share, and admitted as far as one key would be.
// The limiter's first 4096 rule names have a pool; others refuse. No reset touches
// a pool.
#define SLG_ON_FULL_OVERFLOW 2

// slg_decision.flags: the table had no room for a key of this request, so that
// it was counted in its rule's overflow pool or not at all.
#define SLG_FLAG_UNTRACKED 1

// slg_decision.flags: the binding window's rule is bucketed, so its capacity
// returns at most 1/128 of the window's length late. Else it is exact.
#define SLG_FLAG_BUCKETED 2

// slg_window.flags: this window holds the request back.
#define SLG_FLAG_BLOCKS 4

// Instead of an endpoint id: the merchant alone, governed by the "*" rules.
#define SLG_ENDPOINT_NONE UINT32_MAX

// slg_decision.rule where no window was consulted.
#define SLG_RULE_NONE UINT32_MAX

// No request is governed by more windows: 8 of each rule, of which there are 16
// with "*" and one for each reading of a path in an unusual spelling.
#define SLG_MAX_WINDOWS 1024

// The longest merchant, in bytes.
#define SLG_MAX_MERCHANT_BYTES 1024

// The number that slg_abi_version answers for this header.
#define SLG_ABI_VERSION 1

// A merchant and an endpoint resolved once, for those who are checked often:
// nothing is hashed or looked up again while its counts stay where they were.
// It is valid across swaps, resets and evictions. Every function but
// slg_key_free may be called from any number of threads at once. It may outlive
// its limiter.
typedef struct slg_key slg_key;

// A rate limiter. Every function but slg_limiter_free may be called from any
// number of threads at once.
typedef struct slg_limiter slg_limiter;

// A clock that stands still until it is told to move: for tests, simulations
// and replays. Every function but slg_manual_clock_free may be called from any
// number of threads at once.
typedef struct slg_manual_clock slg_manual_clock;

// A validated policy. Immutable: any thread may use it at any time. A limiter
// copies what it needs, so the policy may be freed right after the call.
typedef struct slg_policy slg_policy;

// The right to give back what one admission charged, once. slg_refund and
// slg_receipt_free both end it: call one of them, once. It belongs to one thread
// at a time, and may outlive its limiter.
typedef struct slg_receipt slg_receipt;

// What a call answers: SLG_OK or one of SLG_STATUS_... A refused request is not
// an error: slg_check answers SLG_OK for it.
typedef uint32_t slg_status;

// Options of a limiter. Zero the struct, set struct_size to
// sizeof(slg_options), then set what you need.
typedef struct slg_options {
    // sizeof(slg_options): lets the struct grow. The size of an earlier version
    // is accepted, and fields beyond it have their defaults; more than this
    // library knows (and at most 4096) is accepted where the rest is zero.
    uint32_t struct_size;
    // SLG_ON_FULL_DENY, SLG_ON_FULL_ADMIT or SLG_ON_FULL_OVERFLOW.
    uint32_t on_full;
    // How many keys (a rule and a merchant each, with an admission in the longest
    // window of any rule of the same precision) find room at once, all but one
    // newcomer in about ten millions; the table may hold somewhat more. 0 is the default, 262144.
    // Bucketed rules have a table of their own, of the same number. Each key
    // reserves 99 KiB of address space (less with a smaller max_limit), and 117
    // KiB more from the first policy with a bucketed rule on; it uses memory from
    // its first admission on.
    uint64_t max_keys;
    // NULL for the system's clock. Only borrowed for the call: the limiter keeps
    // a reference of its own, so clock and limiter are freed in any order.
    const struct slg_manual_clock *clock;
    // The largest limit of an exact window in any policy of the limiter's life.
    // 0 is the default and the most, 2048; more is as 2048. Less reserves less
    // address space for the keys of exact rules, and lowers the ceiling of
    // slg_refund, to twice this limit or somewhat more. Absent in a struct of 24 bytes, the first version.
    uint32_t max_limit;
    // Reserved, 0.
    uint32_t reserved;
} slg_options;

// The answer to one check or peek: plain data, 64 bytes, nothing to free.
//
// It describes one window, the binding one: when denied, the window with the
// latest retry instant; when allowed, the window with the least remaining. Ties go
// to the longer window, then to the earlier rule: the "*" rules come first, then
// the endpoint's, each in the order of the policy. Where no window was consulted (exempt, unmatched, untracked) `rule` is SLG_RULE_NONE
// and the window's fields are 0.
typedef struct slg_decision {
    // SLG_OUTCOME_...
    uint32_t outcome;
    // 1: the request may proceed. 0: it may not.
    uint32_t allowed;
    // The rule of the binding window; slg_rule_name has its text.
    uint32_t rule;
    // SLG_FLAG_UNTRACKED and SLG_FLAG_BUCKETED; ignore others.
    uint32_t flags;
    // The binding window's length in nanoseconds.
    uint64_t window_ns;
    // Units that the window admits per length.
    uint32_t limit;
    // Units left in it: after the charge when a check admitted, as they stand
    // otherwise.
    uint32_t remaining;
    // Nanoseconds until this same request would be admitted if nothing else
    // came; 0 unless denied.
    uint64_t retry_after_ns;
    // Unix time in nanoseconds: of the retry instant when denied, else of the
    // moment when the window's oldest live unit expires; now if it is empty.
    uint64_t reset_at_ns;
    // The version of the policy that decided; the first is 1.
    uint64_t policy_version;
    // Reserved, 0.
    uint64_t reserved;
} slg_decision;

// One request of slg_check_many. Zero the struct, then set what you need.
typedef struct slg_request {
    // 1 to SLG_MAX_MERCHANT_BYTES opaque bytes.
    const void *merchant;
    // Their number.
    size_t merchant_len;
    // An id from slg_endpoint, or SLG_ENDPOINT_NONE.
    uint32_t endpoint;
    // Units, at least 1.
    uint32_t cost;
    // Reserved, 0.
    uint64_t reserved;
} slg_request;

// How one window stands: plain data, 64 bytes, nothing to free. See
// slg_check_windows.
typedef struct slg_window {
    // The rule that the window belongs to; slg_rule_name has its text.
    uint32_t rule;
    // SLG_FLAG_BLOCKS; ignore others.
    uint32_t flags;
    // Its length in nanoseconds.
    uint64_t window_ns;
    // Units that it admits per length.
    uint32_t limit;
    // Units left in it: after the charge when a check admitted, as they stand
    // otherwise.
    uint32_t remaining;
    // Nanoseconds until it blocks no more, if nothing else comes; 0 unless it
    // blocks.
    uint64_t retry_after_ns;
    // Unix time in nanoseconds: of that instant for a window that blocks, else of
    // the moment when its oldest live unit expires; now if it is empty. The wall
    // clock is read for each window by itself.
    uint64_t reset_at_ns;
    // Reserved, 0.
    uint64_t reserved[3];
} slg_window;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Reads a policy from `len` bytes of TOML text at `text`.
//
// On success *out is a policy that the caller owns and passes to slg_policy_free
// once; else it is NULL and the message lists every mistake, a line each.
//
// NULL_POINTER (text, out), INVALID_ARGUMENT (len above 8 MiB), NOT_UTF8,
// INVALID_POLICY.
slg_status slg_policy_from_toml(const char *text,
                                size_t len,
                                struct slg_policy **out,
                                char *message,
                                size_t message_cap,
                                size_t *message_len);

// Reads a policy from the TOML file at `path`, a NUL-terminated string.
//
// As slg_policy_from_toml, and IO. The only function that reads a file.
slg_status slg_policy_from_file(const char *path,
                                struct slg_policy **out,
                                char *message,
                                size_t message_cap,
                                size_t *message_len);

// Frees a policy; NULL is allowed. Limiters that use it are not affected.
void slg_policy_free(struct slg_policy *policy);

// Makes a limiter with `policy` in force as version 1. `options` may be NULL for
// the defaults. Neither is kept: both may be freed right after the call.
//
// On success *out is a limiter that the caller owns and passes to
// slg_limiter_free once; else it is NULL and the message says why.
//
// NULL_POINTER (policy, out), INVALID_ARGUMENT (struct_size, on_full, reserved),
// LIMIT_TOO_LARGE, OUT_OF_MEMORY (also where the system gives no random secret).
slg_status slg_limiter_new(const struct slg_policy *policy,
                           const struct slg_options *options,
                           struct slg_limiter **out,
                           char *message,
                           size_t message_cap,
                           size_t *message_len);

// Frees a limiter; NULL is allowed. No other thread may be inside a call with it.
void slg_limiter_free(struct slg_limiter *limiter);

// Puts another policy into force while checks go on; *version, unless `version`
// is NULL, becomes its number. Histories carry over by rule name; a window that is
// longer than all before it knows of older units only those that still counted.
// The policy is not kept: it may be freed right after the call. On failure the old
// policy stays in force.
//
// NULL_POINTER (limiter, policy), TOO_MANY_RULES, PRECISION, LIMIT_TOO_LARGE,
// OUT_OF_MEMORY (the first policy with a bucketed rule needs a table of its own).
slg_status slg_limiter_swap(const struct slg_limiter *limiter,
                            const struct slg_policy *policy,
                            uint64_t *version,
                            char *message,
                            size_t message_cap,
                            size_t *message_len);

// Looks up the id of an endpoint for callers who check it often. `route` is a
// route template of `len` bytes such as "GET /v1/payment/:id", never a concrete
// path: each new text uses up one of the 4096 ids of a limiter's life. An id stays
// valid for that long, across swaps; the same text has the same id. 0 is never an
// id.
//
// On failure *endpoint is 0 and the message says why.
//
// NULL_POINTER (limiter, route, endpoint), NOT_UTF8, INVALID_ENDPOINT,
// TOO_MANY_ENDPOINTS.
slg_status slg_endpoint(const struct slg_limiter *limiter,
                        const char *route,
                        size_t len,
                        uint32_t *endpoint,
                        char *message,
                        size_t message_cap,
                        size_t *message_len);

// Decides a request and, if it is admitted, charges `cost` units to every rule
// that governs it: all or none.
//
// `merchant` is 1 to SLG_MAX_MERCHANT_BYTES opaque bytes; they need not be UTF-8.
// `endpoint` is an id from slg_endpoint, or SLG_ENDPOINT_NONE for the merchant
// alone. The answer is SLG_OK whether the request is admitted or denied: look at
// out->allowed. On any other status *out is all zero, which does not read as
// allowed, and nothing was charged; before CORRUPT, what was charged was lent back.
//
// NULL_POINTER (limiter, merchant, out), INVALID_MERCHANT, INVALID_COST,
// INVALID_ENDPOINT, CORRUPT; the first of them that applies.
slg_status slg_check(const struct slg_limiter *limiter,
                     const void *merchant,
                     size_t merchant_len,
                     uint32_t endpoint,
                     uint32_t cost,
                     struct slg_decision *out);

// As slg_check, with the endpoint as `len` bytes of text: "METHOD /path" as the
// request has it, such as "GET /v1/payment/17"; a query is ignored. len 0 is the
// merchant alone.
//
// As slg_check; NULL_POINTER also for method_path, and NOT_UTF8.
slg_status slg_check_path(const struct slg_limiter *limiter,
                          const void *merchant,
                          size_t merchant_len,
                          const char *method_path,
                          size_t len,
                          uint32_t cost,
                          struct slg_decision *out);

// Decides as slg_check would, and charges nothing.
slg_status slg_peek(const struct slg_limiter *limiter,
                    const void *merchant,
                    size_t merchant_len,
                    uint32_t endpoint,
                    uint32_t cost,
                    struct slg_decision *out);

// Decides as slg_check_path would, and charges nothing.
slg_status slg_peek_path(const struct slg_limiter *limiter,
                         const void *merchant,
                         size_t merchant_len,
                         const char *method_path,
                         size_t len,
                         uint32_t cost,
                         struct slg_decision *out);

// As slg_check, and hands out a receipt if anything was charged: the right to give
// the capacity back with slg_refund.
//
// On SLG_OK *receipt is a receipt that the caller owns and passes to slg_refund or
// to slg_receipt_free, to one of them and once; or it is NULL, because nothing was
// charged: the request was refused, or no rule counted it. On any other status it
// is NULL.
//
// As slg_check; NULL_POINTER also for receipt.
slg_status slg_check_receipt(const struct slg_limiter *limiter,
                             const void *merchant,
                             size_t merchant_len,
                             uint32_t endpoint,
                             uint32_t cost,
                             struct slg_decision *out,
                             struct slg_receipt **receipt);

// As slg_check_receipt, with the endpoint as text; see slg_check_path.
//
// As slg_check_path; NULL_POINTER also for receipt.
slg_status slg_check_receipt_path(const struct slg_limiter *limiter,
                                  const void *merchant,
                                  size_t merchant_len,
                                  const char *method_path,
                                  size_t len,
                                  uint32_t cost,
                                  struct slg_decision *out,
                                  struct slg_receipt **receipt);

// Gives back what an admission charged. *lent, unless `lent` is NULL, becomes 1 if
// any of it still counted, else 0; it does not say how much is lent.
//
// The units stay in the log, and as many more are lent until the oldest refunded
// unit of the key leaves its window: so capacity may return for a shorter time than
// the admission took it, never for longer, and never to a later window. A key
// charges at most 4096 units, refunded ones included, in its longest window (2^24
// under a bucketed rule, fewer with a smaller max_limit); beyond that refunds lend
// in part.
//
// The receipt is used up by every call, also by one that fails: do not pass it to
// anything again. NULL stands for "nothing was charged": there is nothing to give
// back, and the answer is SLG_OK. Using a receipt twice is a mistake that is
// noticed only while its memory is not in use for something else; it is undefined
// behaviour, as with any freed pointer.
//
// NULL_POINTER (limiter), FOREIGN_RECEIPT, INVALID_ARGUMENT (the receipt was used
// before, and that was noticed).
slg_status slg_refund(const struct slg_limiter *limiter,
                      struct slg_receipt *receipt,
                      uint32_t *lent);

// Drops a receipt without giving anything back: what was charged stays counted.
// NULL is allowed.
void slg_receipt_free(struct slg_receipt *receipt);

// Makes a merchant's history under one rule, or under all rules that this limiter
// ever had, as if it had never been; *keys, unless `keys` is NULL, becomes the
// number of its keys that had one. Capacity is free at once, and earlier receipts
// lend nothing.
//
// `rule` is the rule's name, `rule_len` bytes of it; NULL with rule_len 0 means all
// rules. Each rule's key is reset by one atomic step: a check that commits before
// it is forgotten, one that commits after it counts. Several rules are reset one
// after the other. A rule with per = "all" is reset, for everybody, only if it is
// named. Units in an overflow pool stay counted.
//
// The first charge after it is stamped a tick (1 us; under a bucketed rule 1024 us)
// after the key's last unit at the earliest; resets and charges that repeat faster
// add up.
//
// NULL_POINTER (limiter, merchant, rule with a rule_len), INVALID_MERCHANT,
// NOT_UTF8, UNKNOWN_RULE; nothing was reset.
slg_status slg_reset(const struct slg_limiter *limiter,
                     const void *merchant,
                     size_t merchant_len,
                     const char *rule,
                     size_t rule_len,
                     size_t *keys);

// Decides `count` requests in their order, as slg_check would one after the other;
// waiting for memory is shared among them. decisions[i] and statuses[i] are what
// slg_check answers for requests[i]: one that cannot be judged spoils no other.
//
// The clock is read, and the policy in force looked up, once for every 32
// requests; all of these have one stamp, or their key's newest if that is later.
// The three arrays have `count` elements each and do not overlap. They may be NULL
// where count is 0.
//
// The answer is about the call as a whole. If it is not SLG_OK, every decision is
// zero and every status is the call's, where the arrays are there; nothing was
// charged. After PANIC, requests whose status is not PANIC were decided.
//
// NULL_POINTER (limiter, requests, decisions, statuses), INVALID_ARGUMENT (count is
// more than memory can hold; nothing was written). A status of a request is one that slg_check
// answers, or INVALID_ARGUMENT (its reserved field is not 0).
slg_status slg_check_many(const struct slg_limiter *limiter,
                          const struct slg_request *requests,
                          size_t count,
                          struct slg_decision *decisions,
                          slg_status *statuses);

// Resolves a merchant and an endpoint once, for those who are checked often.
// `endpoint` is an id from slg_endpoint; SLG_ENDPOINT_NONE is none.
//
// On success *out is a key that the caller owns and passes to slg_key_free once;
// else it is NULL. The policy in force at each check decides, so a key is never out
// of date.
//
// NULL_POINTER (limiter, merchant, out), INVALID_MERCHANT, INVALID_ENDPOINT.
slg_status slg_prepare(const struct slg_limiter *limiter,
                       const void *merchant,
                       size_t merchant_len,
                       uint32_t endpoint,
                       struct slg_key **out);

// As slg_check, for a prepared key.
//
// NULL_POINTER (limiter, key, out), FOREIGN_KEY, INVALID_COST, CORRUPT; the first of
// them that applies. *out is then all zero, and nothing was charged, as with
// slg_check.
slg_status slg_check_key(const struct slg_limiter *limiter,
                         const struct slg_key *key,
                         uint32_t cost,
                         struct slg_decision *out);

// Decides as slg_check_key would, and charges nothing.
slg_status slg_peek_key(const struct slg_limiter *limiter,
                        const struct slg_key *key,
                        uint32_t cost,
                        struct slg_decision *out);

// Frees a key; NULL is allowed. No other thread may be inside a call with it.
void slg_key_free(struct slg_key *key);

// As slg_check, with how every governing window stands: those of the "*" rules
// first, then those of the endpoint's, each in the order of the policy. *count
// becomes their number, and the first `cap` of them are written to `windows`. A
// rule whose key finds no room leaves its windows out.
//
// An array that is too small is no error, because the request was decided, and
// charged if it was admitted: what fits is written, and *count is more than `cap`.
// SLG_MAX_WINDOWS are always enough; 136 are for an endpoint id and for a path in
// its usual spelling (16 rules with "*" and one more, 8 windows each). `windows` may
// be NULL where cap is 0.
//
// Where no window was consulted, *count is 0; for SLG_OUTCOME_NEVER the one window
// is described that the cost exceeds. On any status but SLG_OK *count is 0 and the
// array is as it was.
//
// As slg_check; NULL_POINTER also for windows and count. It uses the heap.
slg_status slg_check_windows(const struct slg_limiter *limiter,
                             const void *merchant,
                             size_t merchant_len,
                             uint32_t endpoint,
                             uint32_t cost,
                             struct slg_decision *out,
                             struct slg_window *windows,
                             size_t cap,
                             size_t *count);

// As slg_check_windows, with the endpoint as text; see slg_check_path.
//
// As slg_check_path; NULL_POINTER also for windows and count.
slg_status slg_check_windows_path(const struct slg_limiter *limiter,
                                  const void *merchant,
                                  size_t merchant_len,
                                  const char *method_path,
                                  size_t len,
                                  uint32_t cost,
                                  struct slg_decision *out,
                                  struct slg_window *windows,
                                  size_t cap,
                                  size_t *count);

// Decides as slg_check_windows would, and charges nothing.
slg_status slg_peek_windows(const struct slg_limiter *limiter,
                            const void *merchant,
                            size_t merchant_len,
                            uint32_t endpoint,
                            uint32_t cost,
                            struct slg_decision *out,
                            struct slg_window *windows,
                            size_t cap,
                            size_t *count);

// Decides as slg_check_windows_path would, and charges nothing.
slg_status slg_peek_windows_path(const struct slg_limiter *limiter,
                                 const void *merchant,
                                 size_t merchant_len,
                                 const char *method_path,
                                 size_t len,
                                 uint32_t cost,
                                 struct slg_decision *out,
                                 struct slg_window *windows,
                                 size_t cap,
                                 size_t *count);

// The version of this binary interface: SLG_ABI_VERSION of the header that the
// library was built with. It changes with every incompatible change.
uint32_t slg_abi_version(void);

// The version of the library, such as "0.1.0". Static: do not free it.
const char *slg_version(void);

// What a status means, in English. Static: do not free it. Never NULL.
const char *slg_status_text(slg_status status);

// The name of an outcome, the same in every language: "allowed", "denied",
// "exempt", "unmatched", "untracked", "never"; "none" for SLG_OUTCOME_NONE,
// "unknown" for any other number. Static: do not free it. Never NULL.
const char *slg_outcome_text(uint32_t outcome);

// Writes the name of a rule of this limiter, NUL-terminated, into `cap` bytes at
// `buf`. *len, unless `len` is NULL, becomes its length without the NUL; a name
// has at most 64 bytes.
//
// NULL_POINTER (limiter), INVALID_ARGUMENT (no such rule, or SLG_RULE_NONE),
// BUFFER_TOO_SMALL (also for buf NULL, to ask for the length).
slg_status slg_rule_name(const struct slg_limiter *limiter,
                         uint32_t rule,
                         char *buf,
                         size_t cap,
                         size_t *len);

// Writes the rate limit headers of a decision, "Name: value\r\n" each and a NUL,
// into `cap` bytes at `buf`: X-RateLimit-Limit, X-RateLimit-Remaining,
// X-RateLimit-Reset (Unix seconds, rounded up), and Retry-After (seconds, rounded
// up, at least 1) when denied. Nothing but the NUL where no window was consulted.
// *len, unless `len` is NULL, becomes the length without the NUL; 256 bytes are
// always enough.
//
// NULL_POINTER (decision), BUFFER_TOO_SMALL (also for buf NULL, to ask for the
// length).
slg_status slg_headers(const struct slg_decision *decision,
                       char *buf,
                       size_t cap,
                       size_t *len);

// The HTTP status that suits a decision: 200 when allowed; 429 when denied or
// never to be admitted; 503 when the table is full; 403 where the policy admits
// only endpoints that it names; 500 for NULL and for a decision full of zeros.
uint32_t slg_http_status(const struct slg_decision *decision);

// Makes a clock at elapsed time 0 whose wall time is `unix_ns` nanoseconds since
// the Unix epoch; both move in step.
//
// On success *out is a clock that the caller owns and passes to
// slg_manual_clock_free once.
//
// NULL_POINTER (out).
slg_status slg_manual_clock_new(uint64_t unix_ns, struct slg_manual_clock **out);

// Moves the clock by `ns` nanoseconds; a negative number steps it back, at most
// to its origin.
//
// NULL_POINTER (clock).
slg_status slg_manual_clock_advance_ns(const struct slg_manual_clock *clock,
                                       int64_t ns);

// Sets the time elapsed since the clock was made, in nanoseconds.
//
// NULL_POINTER (clock).
slg_status slg_manual_clock_set_elapsed_ns(const struct slg_manual_clock *clock,
                                           uint64_t elapsed_ns);

// Frees a clock; NULL is allowed. A limiter that uses it keeps it alive, standing
// still.
void slg_manual_clock_free(struct slg_manual_clock *clock);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SLIDEGATE_H */
