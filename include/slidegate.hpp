// slidegate.hpp: Slidegate for C++17 and later. Header-only, over slidegate.h,
// whose contract (threads, fork, memory, caveats) holds here too.
//
// - Policy, Limiter and ManualClock own a handle: they free it, can be moved and
//   not copied. A call on a moved-from object throws Error with
//   SLG_STATUS_NULL_POINTER. Decision is a plain value.
// - `const` methods may be called from any number of threads at once.
// - Whatever is not SLG_OK is thrown as Error. A denied request is not an error.
// - Texts and merchants are std::string_view, need no NUL and are not kept. A
//   merchant is any 1 to SLG_MAX_MERCHANT_BYTES bytes.
//
//     #include <slidegate.hpp>
//
//     const slidegate::Limiter limiter{slidegate::Policy::from_file("limits.toml")};
//     const auto decision = limiter.check("m_42", "POST /v1/payment");
//     if (!decision) {
//         respond(decision.http_status(), decision.headers());
//     }

#ifndef SLIDEGATE_HPP
#define SLIDEGATE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "slidegate.h"

namespace slidegate {

/// A call that could not be answered. Nothing was charged.
class Error : public std::runtime_error {
  public:
    Error(slg_status status, const std::string &message)
        : std::runtime_error(message), status_(status) {}

    /// SLG_STATUS_...
    [[nodiscard]] slg_status status() const noexcept { return status_; }

  private:
    slg_status status_;
};

enum class Outcome : std::uint32_t {
    None = SLG_OUTCOME_NONE,
    Allowed = SLG_OUTCOME_ALLOWED,
    Denied = SLG_OUTCOME_DENIED,
    Exempt = SLG_OUTCOME_EXEMPT,
    Unmatched = SLG_OUTCOME_UNMATCHED,
    Untracked = SLG_OUTCOME_UNTRACKED,
    Never = SLG_OUTCOME_NEVER,
};

/// What becomes of a request whose key finds no room in the table.
enum class OnFull : std::uint32_t {
    Deny = SLG_ON_FULL_DENY,
    Admit = SLG_ON_FULL_ADMIT,
};

namespace detail {

inline void check(slg_status status) {
    if (status != SLG_OK) {
        throw Error(status, slg_status_text(status));
    }
}

/// Runs `call(message, cap, len)` and throws its message, however long it is.
template <class Call> void explained(const Call &call) {
    char brief[512];
    std::size_t len = 0;
    slg_status status = call(brief, sizeof brief, &len);
    if (status == SLG_OK) {
        return;
    }
    if (len < sizeof brief) {
        throw Error(status, std::string(brief, len));
    }
    std::string whole(len + 1, '\0');
    status = call(whole.data(), whole.size(), &len);
    if (status != SLG_OK) {
        whole.resize(len < whole.size() ? len : whole.size() - 1);
        throw Error(status, whole);
    }
}

/// The text that `call(buf, cap, len)` writes.
template <class Call> std::string text(const Call &call) {
    char buf[256];
    std::size_t len = 0;
    const slg_status status = call(buf, sizeof buf, &len);
    if (status != SLG_STATUS_BUFFER_TOO_SMALL) {
        check(status);
        return std::string(buf, len);
    }
    std::string whole(len + 1, '\0');
    check(call(whole.data(), whole.size(), &len));
    whole.resize(len);
    return whole;
}

/// An empty view may have no address, which C would refuse as NULL.
inline const char *address(std::string_view text) noexcept {
    return text.data() == nullptr ? "" : text.data();
}

struct Free {
    void operator()(slg_policy *handle) const noexcept { slg_policy_free(handle); }
    void operator()(slg_limiter *handle) const noexcept { slg_limiter_free(handle); }
    void operator()(slg_manual_clock *handle) const noexcept { slg_manual_clock_free(handle); }
};

template <class Handle> using Owned = std::unique_ptr<Handle, Free>;

} // namespace detail

/// A validated, immutable policy. Limiters copy what they need of it.
class Policy {
  public:
    /// Throws Error with every mistake in the text, a line each.
    [[nodiscard]] static Policy from_toml(std::string_view text) {
        slg_policy *policy = nullptr;
        detail::explained([&](char *message, std::size_t cap, std::size_t *len) {
            return slg_policy_from_toml(detail::address(text), text.size(), &policy, message, cap,
                                        len);
        });
        return Policy(policy);
    }

    [[nodiscard]] static Policy from_file(std::string_view path) {
        if (path.find('\0') != std::string_view::npos) {
            throw Error(SLG_STATUS_INVALID_ARGUMENT, "the path contains a NUL");
        }
        const std::string terminated(path);
        slg_policy *policy = nullptr;
        detail::explained([&](char *message, std::size_t cap, std::size_t *len) {
            return slg_policy_from_file(terminated.c_str(), &policy, message, cap, len);
        });
        return Policy(policy);
    }

    /// The handle for calls of the C interface; NULL once moved from.
    [[nodiscard]] const slg_policy *get() const noexcept { return handle_.get(); }

  private:
    explicit Policy(slg_policy *handle) noexcept : handle_(handle) {}

    detail::Owned<slg_policy> handle_;
};

/// A clock that stands still until it is told to move, for tests and replays. A
/// limiter keeps its own reference.
class ManualClock {
  public:
    explicit ManualClock(std::uint64_t unix_ns) {
        slg_manual_clock *clock = nullptr;
        detail::check(slg_manual_clock_new(unix_ns, &clock));
        handle_.reset(clock);
    }

    /// Negative steps back, at most to the clock's origin.
    void advance(std::chrono::nanoseconds by) const {
        detail::check(slg_manual_clock_advance_ns(handle_.get(), by.count()));
    }

    void set_elapsed_ns(std::uint64_t elapsed_ns) const {
        detail::check(slg_manual_clock_set_elapsed_ns(handle_.get(), elapsed_ns));
    }

    /// The handle for calls of the C interface; NULL once moved from.
    [[nodiscard]] const slg_manual_clock *get() const noexcept { return handle_.get(); }

  private:
    detail::Owned<slg_manual_clock> handle_;
};

/// The answer to one check or peek. It describes one window, the binding one; what
/// belongs to the window is empty where none was consulted.
class Decision {
  public:
    constexpr Decision() noexcept = default;
    constexpr explicit Decision(const slg_decision &raw) noexcept : raw_(raw) {}

    /// Whether the request may proceed.
    [[nodiscard]] constexpr bool allowed() const noexcept { return raw_.allowed == 1; }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return allowed(); }

    [[nodiscard]] constexpr Outcome outcome() const noexcept {
        return static_cast<Outcome>(raw_.outcome);
    }
    [[nodiscard]] std::string_view outcome_text() const { return slg_outcome_text(raw_.outcome); }

    /// The id of the binding window's rule; Limiter::rule_name has its text.
    [[nodiscard]] constexpr std::optional<std::uint32_t> rule() const noexcept {
        return of_window(raw_.rule);
    }
    [[nodiscard]] constexpr std::optional<std::uint32_t> limit() const noexcept {
        return of_window(raw_.limit);
    }
    /// Units left: after the charge when a check admitted, as they stand otherwise.
    [[nodiscard]] constexpr std::optional<std::uint32_t> remaining() const noexcept {
        return of_window(raw_.remaining);
    }
    [[nodiscard]] constexpr std::optional<std::chrono::nanoseconds> window() const noexcept {
        return of_window(nanoseconds(raw_.window_ns));
    }
    /// Unix time of the retry instant when denied, else of the moment when the
    /// window's oldest live unit expires.
    [[nodiscard]] constexpr std::optional<std::uint64_t> reset_at_ns() const noexcept {
        return of_window(raw_.reset_at_ns);
    }
    /// How long until this same request would be admitted if nothing else came.
    /// Empty unless denied.
    [[nodiscard]] constexpr std::optional<std::chrono::nanoseconds> retry_after() const noexcept {
        if (outcome() != Outcome::Denied) {
            return std::nullopt;
        }
        return nanoseconds(raw_.retry_after_ns);
    }
    /// The version of the policy that decided; the first is 1.
    [[nodiscard]] constexpr std::uint64_t policy_version() const noexcept {
        return raw_.policy_version;
    }

    /// "Name: value\r\n" for each header; empty where no window was consulted.
    [[nodiscard]] std::string headers() const {
        return detail::text([this](char *buf, std::size_t cap, std::size_t *len) {
            return slg_headers(&raw_, buf, cap, len);
        });
    }
    /// 200, 403, 429 or 503; 500 for a Decision that no call made.
    [[nodiscard]] int http_status() const { return static_cast<int>(slg_http_status(&raw_)); }

    [[nodiscard]] constexpr const slg_decision &raw() const noexcept { return raw_; }

  private:
    template <class T> [[nodiscard]] constexpr std::optional<T> of_window(T value) const noexcept {
        if (raw_.rule == SLG_RULE_NONE || outcome() == Outcome::None) {
            return std::nullopt;
        }
        return value;
    }

    static constexpr std::chrono::nanoseconds nanoseconds(std::uint64_t count) noexcept {
        return std::chrono::nanoseconds(static_cast<std::int64_t>(count));
    }

    slg_decision raw_{};
};

/// An endpoint that was looked up once; see Limiter::endpoint.
class Endpoint {
  public:
    constexpr explicit Endpoint(std::uint32_t id) noexcept : id_(id) {}

    [[nodiscard]] constexpr std::uint32_t id() const noexcept { return id_; }

  private:
    std::uint32_t id_;
};

/// The merchant alone: only "*" rules govern.
inline constexpr Endpoint merchant_alone{SLG_ENDPOINT_NONE};

struct Options {
    /// How many keys (a rule and a merchant each) must find room; 0 is the default.
    std::uint64_t max_keys = 0;
    OnFull on_full = OnFull::Deny;
    /// nullptr for the system's clock. Only borrowed for the call.
    const ManualClock *clock = nullptr;
};

/// An exact sliding-window rate limiter.
class Limiter {
  public:
    explicit Limiter(const Policy &policy, const Options &options = {}) {
        if (options.clock != nullptr && options.clock->get() == nullptr) {
            throw Error(SLG_STATUS_NULL_POINTER, "the clock was moved from");
        }
        slg_options raw{};
        raw.struct_size = sizeof raw;
        raw.on_full = static_cast<std::uint32_t>(options.on_full);
        raw.max_keys = options.max_keys;
        raw.clock = options.clock != nullptr ? options.clock->get() : nullptr;
        slg_limiter *limiter = nullptr;
        detail::explained([&](char *message, std::size_t cap, std::size_t *len) {
            return slg_limiter_new(policy.get(), &raw, &limiter, message, cap, len);
        });
        handle_.reset(limiter);
    }

    /// Decides a request and, if it is admitted, charges `cost` units to every rule
    /// that governs it: all or none.
    [[nodiscard]] Decision check(std::string_view merchant, Endpoint endpoint,
                                 std::uint32_t cost = 1) const {
        slg_decision out;
        detail::check(slg_check(get(), detail::address(merchant), merchant.size(), endpoint.id(),
                                cost, &out));
        return Decision(out);
    }
    /// `method_path` is "METHOD /path" as the request has it; empty for the
    /// merchant alone.
    [[nodiscard]] Decision check(std::string_view merchant, std::string_view method_path,
                                 std::uint32_t cost = 1) const {
        slg_decision out;
        detail::check(slg_check_path(get(), detail::address(merchant), merchant.size(),
                                     detail::address(method_path), method_path.size(), cost, &out));
        return Decision(out);
    }

    /// Decides as check would, and charges nothing.
    [[nodiscard]] Decision peek(std::string_view merchant, Endpoint endpoint,
                                std::uint32_t cost = 1) const {
        slg_decision out;
        detail::check(slg_peek(get(), detail::address(merchant), merchant.size(), endpoint.id(),
                               cost, &out));
        return Decision(out);
    }
    [[nodiscard]] Decision peek(std::string_view merchant, std::string_view method_path,
                                std::uint32_t cost = 1) const {
        slg_decision out;
        detail::check(slg_peek_path(get(), detail::address(merchant), merchant.size(),
                                    detail::address(method_path), method_path.size(), cost, &out));
        return Decision(out);
    }

    /// check(...).allowed().
    [[nodiscard]] bool allow(std::string_view merchant, Endpoint endpoint,
                             std::uint32_t cost = 1) const {
        return check(merchant, endpoint, cost).allowed();
    }
    [[nodiscard]] bool allow(std::string_view merchant, std::string_view method_path,
                             std::uint32_t cost = 1) const {
        return check(merchant, method_path, cost).allowed();
    }

    /// The id of a route template such as "GET /v1/payment/:id", never a concrete
    /// path. It stays valid for the limiter's life, across swaps.
    [[nodiscard]] Endpoint endpoint(std::string_view route) const {
        std::uint32_t id = 0;
        detail::explained([&](char *message, std::size_t cap, std::size_t *len) {
            return slg_endpoint(get(), detail::address(route), route.size(), &id, message, cap,
                                len);
        });
        return Endpoint(id);
    }

    /// Puts another policy into force while checks go on, and returns its version.
    /// Histories carry over by rule name.
    std::uint64_t swap(const Policy &policy) const {
        std::uint64_t version = 0;
        detail::explained([&](char *message, std::size_t cap, std::size_t *len) {
            return slg_limiter_swap(get(), policy.get(), &version, message, cap, len);
        });
        return version;
    }

    [[nodiscard]] std::string rule_name(std::uint32_t rule) const {
        return detail::text([&](char *buf, std::size_t cap, std::size_t *len) {
            return slg_rule_name(get(), rule, buf, cap, len);
        });
    }

    /// The handle for calls of the C interface; NULL once moved from.
    [[nodiscard]] const slg_limiter *get() const noexcept { return handle_.get(); }

  private:
    detail::Owned<slg_limiter> handle_;
};

} // namespace slidegate

#endif // SLIDEGATE_HPP
