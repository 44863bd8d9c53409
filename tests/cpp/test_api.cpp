// slidegate.hpp: ownership, moves, exceptions, and each method once. What the
// decisions say is tested by the vectors and in tests/c.
#include <slidegate.hpp>

#include <type_traits>
#include <utility>

#include "../c/expect.h"

namespace {

using namespace std::chrono_literals;
using slidegate::Decision;
using slidegate::Endpoint;
using slidegate::Error;
using slidegate::Limiter;
using slidegate::ManualClock;
using slidegate::Options;
using slidegate::OnFull;
using slidegate::Outcome;
using slidegate::Policy;

constexpr std::uint64_t kUnixNs = 1767225600123456789;

constexpr std::string_view kPolicy = R"(
version = 1
unmatched = "deny"
exempt = ["GET /healthz"]
[[rule]]
name = "pay"
match = "POST /pay"
windows = ["2/s"]
)";

constexpr std::string_view kMerchants = R"(
version = 1
[[rule]]
name = "total"
match = "*"
windows = ["3/min"]
)";

template <class T> constexpr bool move_only =
    std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
    !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;

static_assert(move_only<Policy> && move_only<Limiter> && move_only<ManualClock>);
static_assert(std::is_trivially_copyable_v<Decision> && sizeof(Decision) == sizeof(slg_decision));
static_assert(sizeof(Limiter) == sizeof(void *) && sizeof(Policy) == sizeof(void *));
static_assert(!std::is_convertible_v<Decision, bool>, "only if (decision), never int n = decision");
static_assert(!std::is_convertible_v<std::uint32_t, Endpoint>);
static_assert(!Decision().allowed() && !Decision().limit() && !Decision().retry_after());

/// The status of the Error that `call` throws; SLG_OK if it throws none.
template <class Call> slg_status thrown(const Call &call) {
    try {
        call();
    } catch (const Error &error) {
        EXPECT(error.what()[0] != '\0');
        return error.status();
    }
    return SLG_OK;
}

Limiter make_limiter(const ManualClock *clock = nullptr) {
    Options options;
    options.max_keys = 8;
    options.clock = clock;
    return Limiter(Policy::from_toml(kPolicy), options);
}

void test_decisions() {
    const ManualClock clock(kUnixNs);
    const Limiter limiter = make_limiter(&clock);
    const Decision allowed = limiter.check("m", "POST /pay");
    EXPECT(allowed && allowed.allowed() && allowed.outcome() == Outcome::Allowed);
    EXPECT(allowed.limit() == 2u && allowed.remaining() == 1u && allowed.window() == 1s);
    EXPECT(!allowed.retry_after());
    EXPECT(allowed.reset_at_ns() == kUnixNs + 1000000000);
    EXPECT(allowed.policy_version() == 1 && allowed.http_status() == 200);
    EXPECT(allowed.outcome_text() == "allowed");

    clock.advance(400ms);
    const Decision denied = limiter.check("m", "POST /pay", 2);
    EXPECT(!denied && denied.outcome() == Outcome::Denied && denied.http_status() == 429);
    EXPECT(denied.retry_after() == 600ms);
    EXPECT(limiter.rule_name(denied.rule().value()) == "pay");
    EXPECT(denied.headers() == "X-RateLimit-Limit: 2\r\nX-RateLimit-Remaining: 1\r\n"
                               "X-RateLimit-Reset: 1767225602\r\nRetry-After: 1\r\n");
    EXPECT_EQ(denied.raw().outcome, SLG_OUTCOME_DENIED);

    const Decision exempt = limiter.peek("m", "GET /healthz");
    EXPECT(exempt && exempt.outcome() == Outcome::Exempt && exempt.headers().empty());
    EXPECT(!exempt.rule() && !exempt.limit() && !exempt.remaining() && !exempt.window());
    EXPECT(!exempt.reset_at_ns() && !exempt.retry_after());
    EXPECT(limiter.check("m", "POST /pay", 3).outcome() == Outcome::Never);
    EXPECT(limiter.check("m", "GET /else").outcome() == Outcome::Unmatched);
}

void test_every_way_to_name_an_endpoint() {
    const Limiter limiter = make_limiter();
    const Endpoint pay = limiter.endpoint("POST /pay");
    EXPECT(limiter.peek("m", pay).remaining() == 2u);
    EXPECT(limiter.check("m", pay).remaining() == 1u);
    EXPECT(limiter.allow("m", pay));
    EXPECT(!limiter.allow("m", "POST /pay"));
    EXPECT(limiter.allow("n", "POST /pay", 2));
    EXPECT(!limiter.peek("n", "POST /pay"));

    const Limiter merchants(Policy::from_toml(kMerchants));
    EXPECT(merchants.check("m", slidegate::merchant_alone).remaining() == 2u);
    EXPECT(merchants.check("m", std::string_view()).remaining() == 1u);
    EXPECT(merchants.check(std::string_view("m\0n", 3), "").remaining() == 2u);
}

void test_swap() {
    const Limiter limiter = make_limiter();
    EXPECT(limiter.allow("m", "POST /pay", 2));
    const std::string raised =
        "version = 1\n[[rule]]\nname = \"pay\"\nmatch = \"POST /pay\"\nwindows = [\"5/min\"]\n";
    EXPECT(limiter.swap(Policy::from_toml(raised)) == 2);
    EXPECT(limiter.check("m", "POST /pay").remaining() == 2u);
}

void test_errors_are_thrown() {
    const Limiter limiter = make_limiter();
    EXPECT_EQ(thrown([&] { (void)limiter.check("", "POST /pay"); }), SLG_STATUS_INVALID_MERCHANT);
    EXPECT_EQ(thrown([&] { (void)limiter.peek({}, "POST /pay"); }), SLG_STATUS_INVALID_MERCHANT);
    EXPECT_EQ(thrown([&] { (void)limiter.check("m", "POST /pay", 0); }), SLG_STATUS_INVALID_COST);
    EXPECT_EQ(thrown([&] { (void)limiter.allow("m", "pay"); }), SLG_STATUS_INVALID_ENDPOINT);
    EXPECT_EQ(thrown([&] { (void)limiter.check("m", ""); }), SLG_STATUS_INVALID_ENDPOINT);
    EXPECT_EQ(thrown([&] { (void)limiter.peek("m", Endpoint(0)); }), SLG_STATUS_INVALID_ENDPOINT);
    EXPECT_EQ(thrown([&] { (void)limiter.endpoint("pay"); }), SLG_STATUS_INVALID_ENDPOINT);
    EXPECT_EQ(thrown([&] { (void)limiter.rule_name(99); }), SLG_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(thrown([] { (void)Policy::from_toml({}); }), SLG_STATUS_INVALID_POLICY);
    EXPECT_EQ(thrown([] { (void)Policy::from_file("/no/such/file"); }), SLG_STATUS_IO);
    const std::string_view with_nul("a\0b", 3);
    EXPECT_EQ(thrown([&] { (void)Policy::from_file(with_nul); }), SLG_STATUS_INVALID_ARGUMENT);
    Options options;
    options.max_keys = UINT64_MAX;
    const Policy policy = Policy::from_toml(kPolicy);
    EXPECT_EQ(thrown([&] { Limiter(policy, options); }), SLG_STATUS_OUT_OF_MEMORY);
}

void test_a_long_message_is_whole() {
    std::string text = "version = 1\n";
    for (int rule = 0; rule < 40; rule++) {
        text += "[[rule]]\nname = \"r" + std::to_string(rule) + "\"\nmatch = \"*\"\nwindows = []\n";
    }
    try {
        (void)Policy::from_toml(text);
        EXPECT(!"no Error was thrown");
    } catch (const Error &error) {
        const std::string_view what = error.what();
        EXPECT(what.size() > 1024);
        EXPECT(what.find("line 5,") != what.npos && what.find("line 161,") != what.npos);
    }
}

void test_moved_from_handles_throw() {
    ManualClock clock(kUnixNs);
    Limiter limiter = make_limiter(&clock);
    Policy policy = Policy::from_toml(kPolicy);
    (void)limiter.check("m", "POST /pay");

    const Limiter taken = std::move(limiter);
    EXPECT(taken.check("m", "POST /pay").remaining() == 0u);
    EXPECT_EQ(thrown([&] { (void)limiter.check("m", "POST /pay"); }), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(thrown([&] { (void)limiter.peek("m", Endpoint(1)); }), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(thrown([&] { (void)limiter.endpoint("GET /"); }), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(thrown([&] { (void)limiter.rule_name(0); }), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(thrown([&] { limiter.swap(policy); }), SLG_STATUS_NULL_POINTER);

    const Policy other = std::move(policy);
    EXPECT_EQ(thrown([&] { Limiter{policy}; }), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(thrown([&] { taken.swap(policy); }), SLG_STATUS_NULL_POINTER);

    const ManualClock running = std::move(clock);
    Options options;
    options.clock = &clock;
    EXPECT_EQ(thrown([&] { clock.advance(1s); }), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(thrown([&] { clock.set_elapsed_ns(1); }), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(thrown([&] { Limiter(other, options); }), SLG_STATUS_NULL_POINTER);
    running.advance(1s);
    EXPECT(taken.check("m", "POST /pay").remaining() == 1u);
}

void test_move_assignment_frees_what_was_there() {
    Limiter limiter = make_limiter();
    EXPECT(limiter.allow("m", "POST /pay", 2));
    limiter = make_limiter();
    EXPECT(limiter.allow("m", "POST /pay", 2));
    Policy policy = Policy::from_toml(kPolicy);
    policy = Policy::from_toml(kMerchants);
    limiter.swap(policy);
    EXPECT(limiter.check("m", "").limit() == 3u);
}

void test_on_full() {
    for (const OnFull on_full : {OnFull::Deny, OnFull::Admit}) {
        Options options;
        options.max_keys = 1;
        options.on_full = on_full;
        const Limiter limiter(Policy::from_toml(kMerchants), options);
        Decision decision;
        for (int i = 0; i < 1000 && decision.outcome() != Outcome::Untracked; i++) {
            decision = limiter.check("m" + std::to_string(i), "");
        }
        EXPECT(decision.outcome() == Outcome::Untracked);
        EXPECT(decision.allowed() == (on_full == OnFull::Admit));
    }
}

} // namespace

int main() {
    test_decisions();
    test_every_way_to_name_an_endpoint();
    test_swap();
    test_errors_are_thrown();
    test_a_long_message_is_whole();
    test_moved_from_handles_throw();
    test_move_assignment_frees_what_was_there();
    test_on_full();
    return expect_report("tests/cpp/test_api.cpp");
}
