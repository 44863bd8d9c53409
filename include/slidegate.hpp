// slidegate.hpp: Slidegate for C++17 and later. Header-only, over slidegate.h,
// whose contract (threads, fork, memory, caveats) holds here too. It includes
// slidegate_values.hpp, which has what its calls take and answer.
//
// - Policy, Limiter, ManualClock, Key and Receipt own a handle: they free it, can be
//   moved and not copied. A call on a moved-from object throws Error with
//   SLG_STATUS_NULL_POINTER, except that a moved-from Receipt is an empty one.
//   Decision and Window are plain values.
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
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slidegate.h"
#include "slidegate_values.hpp"

namespace slidegate {

namespace detail {

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

struct Free {
    void operator()(slg_policy *handle) const noexcept { slg_policy_free(handle); }
    void operator()(slg_limiter *handle) const noexcept { slg_limiter_free(handle); }
    void operator()(slg_manual_clock *handle) const noexcept { slg_manual_clock_free(handle); }
    void operator()(slg_receipt *handle) const noexcept { slg_receipt_free(handle); }
    void operator()(slg_key *handle) const noexcept { slg_key_free(handle); }
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

/// What one admission charged: the right to give it back, once, with
/// Limiter::refund. Empty where nothing was charged. Its destructor gives nothing
/// back.
class Receipt {
  public:
    Receipt() noexcept = default;
    /// Takes a receipt of the C interface over; NULL makes an empty one.
    explicit Receipt(slg_receipt *handle) noexcept : handle_(handle) {}

    /// Whether there is anything to give back.
    [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The handle, which the caller owns from now on; leaves an empty receipt.
    [[nodiscard]] slg_receipt *release() noexcept { return handle_.release(); }

  private:
    detail::Owned<slg_receipt> handle_;
};

/// A decision with the receipt of what it charged.
struct Admission {
    Decision decision;
    Receipt receipt;
};

/// A merchant and an endpoint that were resolved once; see Limiter::prepare. Any
/// number of threads may use it at once.
class Key {
  public:
    /// Takes a key of the C interface over.
    explicit Key(slg_key *handle) noexcept : handle_(handle) {}

    /// The handle for calls of the C interface; NULL once moved from.
    [[nodiscard]] const slg_key *get() const noexcept { return handle_.get(); }

  private:
    detail::Owned<slg_key> handle_;
};

struct Options {
    /// How many keys (a rule and a merchant each) must find room; 0 is the default.
    std::uint64_t max_keys = 0;
    OnFull on_full = OnFull::Deny;
    /// nullptr for the system's clock. Only borrowed for the call.
    const ManualClock *clock = nullptr;
    /// The largest limit of an exact window in any policy of the limiter's life; 0
    /// is the default and the most, 2048.
    std::uint32_t max_limit = 0;
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
        raw.max_limit = options.max_limit;
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
        return decided(slg_check, merchant, cost, endpoint.id());
    }
    /// `method_path` is "METHOD /path" as the request has it; empty for the
    /// merchant alone.
    [[nodiscard]] Decision check(std::string_view merchant, std::string_view method_path,
                                 std::uint32_t cost = 1) const {
        return decided(slg_check_path, merchant, cost, detail::address(method_path),
                       method_path.size());
    }

    /// Decides as check would, and charges nothing.
    [[nodiscard]] Decision peek(std::string_view merchant, Endpoint endpoint,
                                std::uint32_t cost = 1) const {
        return decided(slg_peek, merchant, cost, endpoint.id());
    }
    [[nodiscard]] Decision peek(std::string_view merchant, std::string_view method_path,
                                std::uint32_t cost = 1) const {
        return decided(slg_peek_path, merchant, cost, detail::address(method_path),
                       method_path.size());
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

    /// As check, with a receipt if anything was charged.
    [[nodiscard]] Admission check_with_receipt(std::string_view merchant, Endpoint endpoint,
                                               std::uint32_t cost = 1) const {
        return admitted(slg_check_receipt, merchant, cost, endpoint.id());
    }
    [[nodiscard]] Admission check_with_receipt(std::string_view merchant,
                                               std::string_view method_path,
                                               std::uint32_t cost = 1) const {
        return admitted(slg_check_receipt_path, merchant, cost, detail::address(method_path),
                        method_path.size());
    }

    /// Gives back what an admission charged; whether any of it still counted. The
    /// capacity is lent until the oldest refunded unit leaves its window. The receipt
    /// is used up, even if this throws; an empty one gives nothing back.
    bool refund(Receipt receipt) const {
        std::uint32_t lent = 0;
        detail::check(slg_refund(get(), receipt.release(), &lent));
        return lent == 1;
    }

    /// Makes a merchant's history under all rules, or under the one of this name, as
    /// if it had never been. Returns how many of its keys had one.
    std::size_t reset(std::string_view merchant) const {
        std::size_t keys = 0;
        detail::check(
            slg_reset(get(), detail::address(merchant), merchant.size(), nullptr, 0, &keys));
        return keys;
    }
    std::size_t reset(std::string_view merchant, std::string_view rule) const {
        std::size_t keys = 0;
        detail::check(slg_reset(get(), detail::address(merchant), merchant.size(),
                                detail::address(rule), rule.size(), &keys));
        return keys;
    }

    /// Decides `count` requests in their order, as check would one after the other.
    /// A request that cannot be judged spoils no other: see Batch::status.
    [[nodiscard]] Batch check_many(const slg_request *requests, std::size_t count) const {
        Batch batch(count);
        detail::check(slg_check_many(get(), requests, count, batch.decisions_.data(),
                                     batch.statuses_.data()));
        return batch;
    }
    /// `requests` is an array, a std::vector or whatever has data() and size().
    template <class Requests> [[nodiscard]] Batch check_many(const Requests &requests) const {
        return check_many(std::data(requests), std::size(requests));
    }

    /// Resolves a merchant and an endpoint once, for those who are checked often.
    /// The key stays valid for the limiter's life, across swaps and resets.
    [[nodiscard]] Key prepare(std::string_view merchant, Endpoint endpoint) const {
        slg_key *key = nullptr;
        detail::check(slg_prepare(get(), detail::address(merchant), merchant.size(),
                                  endpoint.id(), &key));
        return Key(key);
    }
    [[nodiscard]] Decision check(const Key &key, std::uint32_t cost = 1) const {
        slg_decision out;
        detail::check(slg_check_key(get(), key.get(), cost, &out));
        return Decision(out);
    }
    [[nodiscard]] Decision peek(const Key &key, std::uint32_t cost = 1) const {
        slg_decision out;
        detail::check(slg_peek_key(get(), key.get(), cost, &out));
        return Decision(out);
    }
    [[nodiscard]] bool allow(const Key &key, std::uint32_t cost = 1) const {
        return check(key, cost).allowed();
    }

    /// As check, with how every governing window stands and which of them block.
    [[nodiscard]] Standing check_windows(std::string_view merchant, Endpoint endpoint,
                                         std::uint32_t cost = 1) const {
        return standing(slg_check_windows, merchant, cost, endpoint.id());
    }
    [[nodiscard]] Standing check_windows(std::string_view merchant, std::string_view method_path,
                                         std::uint32_t cost = 1) const {
        return standing(slg_check_windows_path, merchant, cost, detail::address(method_path),
                        method_path.size());
    }
    /// Decides as check_windows would, and charges nothing.
    [[nodiscard]] Standing peek_windows(std::string_view merchant, Endpoint endpoint,
                                        std::uint32_t cost = 1) const {
        return standing(slg_peek_windows, merchant, cost, endpoint.id());
    }
    [[nodiscard]] Standing peek_windows(std::string_view merchant, std::string_view method_path,
                                        std::uint32_t cost = 1) const {
        return standing(slg_peek_windows_path, merchant, cost, detail::address(method_path),
                        method_path.size());
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
    // In these, `where` is the endpoint: its id, or the address and size of a text.

    template <class Call, class... Where>
    [[nodiscard]] Decision decided(const Call &call, std::string_view merchant,
                                   std::uint32_t cost, Where... where) const {
        slg_decision out;
        detail::check(
            call(get(), detail::address(merchant), merchant.size(), where..., cost, &out));
        return Decision(out);
    }

    template <class Call, class... Where>
    [[nodiscard]] Admission admitted(const Call &call, std::string_view merchant,
                                     std::uint32_t cost, Where... where) const {
        slg_decision out;
        slg_receipt *receipt = nullptr;
        detail::check(call(get(), detail::address(merchant), merchant.size(), where..., cost,
                           &out, &receipt));
        return Admission{Decision(out), Receipt(receipt)};
    }

    template <class Call, class... Where>
    [[nodiscard]] Standing standing(const Call &call, std::string_view merchant,
                                    std::uint32_t cost, Where... where) const {
        // Room for all there can be, because a check cannot be asked twice; left
        // uninitialised, because few are written.
        const std::unique_ptr<slg_window[]> room(new slg_window[SLG_MAX_WINDOWS]);
        slg_decision out;
        std::size_t count = 0;
        detail::check(call(get(), detail::address(merchant), merchant.size(), where..., cost,
                           &out, room.get(), SLG_MAX_WINDOWS, &count));
        return Standing{Decision(out), std::vector<Window>(room.get(), room.get() + count)};
    }

    detail::Owned<slg_limiter> handle_;
};

} // namespace slidegate

#endif // SLIDEGATE_HPP
