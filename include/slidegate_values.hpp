// slidegate_values.hpp: the plain values of slidegate.hpp, which includes this file:
// errors, decisions, windows, endpoints, batches. They own no handle and may be
// used from any thread as other values are.

#ifndef SLIDEGATE_VALUES_HPP
#define SLIDEGATE_VALUES_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "slidegate.h"

namespace slidegate {

class Limiter;

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
    /// It is counted in a pool that all such keys of its rule share.
    Overflow = SLG_ON_FULL_OVERFLOW,
};

/// How a rule counts its units.
enum class Precision : std::uint32_t {
    /// A unit counts for the length of the window to the microsecond.
    Exact = 0,
    /// Never more than the limit, and a unit's capacity returns at most 1/128 of the
    /// window's length late.
    Bucketed = SLG_FLAG_BUCKETED,
};

namespace detail {

inline void check(slg_status status) {
    if (status != SLG_OK) {
        throw Error(status, slg_status_text(status));
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

constexpr std::chrono::nanoseconds nanoseconds(std::uint64_t count) noexcept {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(count));
}

} // namespace detail

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
        return of_window(detail::nanoseconds(raw_.window_ns));
    }
    /// How exactly the binding window's rule counts.
    [[nodiscard]] constexpr std::optional<Precision> precision() const noexcept {
        return of_window(static_cast<Precision>(raw_.flags & SLG_FLAG_BUCKETED));
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
        return detail::nanoseconds(raw_.retry_after_ns);
    }
    /// Whether the table had no room for a key of this request, so that it was
    /// counted in its rule's overflow pool or not at all.
    [[nodiscard]] constexpr bool untracked() const noexcept {
        return (raw_.flags & SLG_FLAG_UNTRACKED) != 0;
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

    slg_decision raw_{};
};

/// How one window stands.
class Window {
  public:
    constexpr explicit Window(const slg_window &raw) noexcept : raw_(raw) {}

    /// The id of the window's rule; Limiter::rule_name has its text.
    [[nodiscard]] constexpr std::uint32_t rule() const noexcept { return raw_.rule; }
    /// Whether it holds the request back.
    [[nodiscard]] constexpr bool blocks() const noexcept {
        return (raw_.flags & SLG_FLAG_BLOCKS) != 0;
    }
    [[nodiscard]] constexpr std::chrono::nanoseconds length() const noexcept {
        return detail::nanoseconds(raw_.window_ns);
    }
    [[nodiscard]] constexpr std::uint32_t limit() const noexcept { return raw_.limit; }
    /// Units left: after the charge when a check admitted, as they stand otherwise.
    [[nodiscard]] constexpr std::uint32_t remaining() const noexcept { return raw_.remaining; }
    /// How long until it blocks no more, if nothing else comes. Empty unless it
    /// blocks.
    [[nodiscard]] constexpr std::optional<std::chrono::nanoseconds> retry_after() const noexcept {
        if (!blocks()) {
            return std::nullopt;
        }
        return detail::nanoseconds(raw_.retry_after_ns);
    }
    /// Unix time of that instant for a window that blocks, else of the moment when
    /// its oldest live unit expires.
    [[nodiscard]] constexpr std::uint64_t reset_at_ns() const noexcept { return raw_.reset_at_ns; }

    [[nodiscard]] constexpr const slg_window &raw() const noexcept { return raw_; }

  private:
    slg_window raw_;
};

/// A decision with how every governing window stands, in the order of the rules.
struct Standing {
    Decision decision;
    std::vector<Window> windows;
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

/// One request of Limiter::check_many. It refers to the merchant's bytes, which
/// must live until the call.
[[nodiscard]] inline slg_request request(std::string_view merchant, Endpoint endpoint,
                                         std::uint32_t cost = 1) noexcept {
    slg_request raw{};
    raw.merchant = detail::address(merchant);
    raw.merchant_len = merchant.size();
    raw.endpoint = endpoint.id();
    raw.cost = cost;
    return raw;
}

/// The answers to many requests, in their order.
class Batch {
  public:
    [[nodiscard]] std::size_t size() const noexcept { return decisions_.size(); }

    /// SLG_OK, or why the request at `index` could not be judged.
    [[nodiscard]] slg_status status(std::size_t index) const { return statuses_.at(index); }

    /// The decision about the request at `index`. Throws Error where it could not be
    /// judged, and std::out_of_range where there is none.
    [[nodiscard]] Decision at(std::size_t index) const {
        detail::check(statuses_.at(index));
        return Decision(decisions_.at(index));
    }

    /// Whether the request at `index` may proceed; false where it could not be
    /// judged.
    [[nodiscard]] bool allowed(std::size_t index) const {
        return Decision(decisions_.at(index)).allowed();
    }

  private:
    friend class Limiter;

    explicit Batch(std::size_t count) : decisions_(count), statuses_(count) {}

    std::vector<slg_decision> decisions_;
    std::vector<slg_status> statuses_;
};

} // namespace slidegate

#endif // SLIDEGATE_VALUES_HPP
