// slidegate.hpp: ownership, moves, exceptions, and each method once. What the
// decisions say is tested by the vectors and in tests/c.
#include <slidegate.hpp>

#include <array>
#include <type_traits>
#include <utility>

#include "../c/expect.h"

namespace {

using namespace std::chrono_literals;
using slidegate::Decision;
using slidegate::Endpoint;
using slidegate::Error;
using slidegate::Key;
using slidegate::Limiter;
using slidegate::ManualClock;
using slidegate::Options;
using slidegate::OnFull;
using slidegate::Outcome;
using slidegate::Policy;
using slidegate::Precision;
using slidegate::Receipt;
using slidegate::Window;

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
static_assert(move_only<Key> && move_only<Receipt> && move_only<slidegate::Admission>);
static_assert(sizeof(Key) == sizeof(void *) && sizeof(Receipt) == sizeof(void *));
static_assert(std::is_trivially_copyable_v<Window> && sizeof(Window) == sizeof(slg_window));
static_assert(!std::is_convertible_v<Receipt, bool> && !std::is_default_constructible_v<Key>);
static_assert(std::is_trivially_copyable_v<Decision> && sizeof(Decision) == sizeof(slg_decision));
static_assert(sizeof(Limiter) == sizeof(void *) && sizeof(Policy) == sizeof(void *));
static_assert(!std::is_convertible_v<Decision, bool>, "only if (decision), never int n = decision");
static_assert(!std::is_convertible_v<std::uint32_t, Endpoint>);
static_assert(!Decision().precision() && !Decision().untracked());
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
    EXPECT(allowed.precision() == Precision::Exact && !allowed.untracked());
    slg_decision bucketed = allowed.raw();
    bucketed.flags = SLG_FLAG_BUCKETED | SLG_FLAG_UNTRACKED;
    EXPECT(Decision(bucketed).precision() == Precision::Bucketed);
    EXPECT(Decision(bucketed).untracked());

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
    EXPECT(!exempt.precision());
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

void test_receipts() {
    const ManualClock clock(kUnixNs);
    const Limiter limiter = make_limiter(&clock);
    const Limiter other = make_limiter();
    const Endpoint pay = limiter.endpoint("POST /pay");
    slidegate::Admission both = limiter.check_with_receipt("m", pay, 2);
    EXPECT(both.decision && both.receipt);
    EXPECT(!limiter.check_with_receipt("m", "POST /pay").receipt);
    EXPECT(limiter.refund(std::move(both.receipt)));
    EXPECT(!both.receipt && !limiter.refund(std::move(both.receipt)));
    EXPECT(limiter.peek("m", pay).remaining() == 2u);

    // Dropped, moved, assigned over: nothing comes back, and nothing leaks.
    { const auto dropped = limiter.check_with_receipt("m", "POST /pay"); }
    EXPECT(limiter.peek("m", pay).remaining() == 1u);
    auto [decision, receipt] = limiter.check_with_receipt("m", pay);
    EXPECT(decision.remaining() == 0u);
    Receipt moved = std::move(receipt);
    EXPECT(moved && !receipt);
    moved = Receipt();
    EXPECT(!moved && !limiter.allow("m", pay));

    // A failing refund uses the receipt up too.
    Receipt foreign = limiter.check_with_receipt("n", pay).receipt;
    EXPECT_EQ(thrown([&] { other.refund(std::move(foreign)); }), SLG_STATUS_FOREIGN_RECEIPT);
    EXPECT(!foreign && limiter.peek("n", pay).remaining() == 1u);
    Receipt late(limiter.check_with_receipt("n", pay).receipt.release());
    clock.advance(1s);
    EXPECT(late && !limiter.refund(std::move(late)));
    EXPECT(!limiter.check_with_receipt("m", "GET /healthz").receipt);
}

void test_reset() {
    const ManualClock clock(kUnixNs);
    const Limiter limiter = make_limiter(&clock);
    EXPECT(limiter.allow("m", "POST /pay", 2) && limiter.allow("n", "POST /pay", 2));
    EXPECT(limiter.reset("m") == 1);
    EXPECT(limiter.reset("m", "pay") == 0);
    EXPECT(limiter.reset("n", "pay") == 1);
    clock.advance(1us);
    EXPECT(limiter.allow("m", "POST /pay", 2) && limiter.allow("n", "POST /pay", 2));
    EXPECT_EQ(thrown([&] { limiter.reset("m", "else"); }), SLG_STATUS_UNKNOWN_RULE);
    EXPECT_EQ(thrown([&] { limiter.reset("m", {}); }), SLG_STATUS_UNKNOWN_RULE);
    EXPECT_EQ(thrown([&] { limiter.reset(""); }), SLG_STATUS_INVALID_MERCHANT);
}

void test_batches() {
    const Limiter limiter = make_limiter();
    const Endpoint pay = limiter.endpoint("POST /pay");
    const std::vector<slg_request> requests{
        slidegate::request("m", pay), slidegate::request("m", pay, 2),
        slidegate::request("", pay), slidegate::request("m", pay)};
    const slidegate::Batch batch = limiter.check_many(requests);
    EXPECT(batch.size() == 4 && batch.allowed(0) && batch.at(0).remaining() == 1u);
    EXPECT(!batch.allowed(1) && batch.at(1).outcome() == Outcome::Denied);
    EXPECT_EQ(batch.status(2), SLG_STATUS_INVALID_MERCHANT);
    EXPECT(!batch.allowed(2));
    EXPECT_EQ(thrown([&] { (void)batch.at(2); }), SLG_STATUS_INVALID_MERCHANT);
    EXPECT(batch.at(3).remaining() == 0u);
    bool out_of_range = false;
    try {
        (void)batch.at(4);
    } catch (const std::out_of_range &) {
        out_of_range = true;
    }
    EXPECT(out_of_range);

    const std::array<slg_request, 1> one{slidegate::request("n", pay)};
    EXPECT(limiter.check_many(one).allowed(0));
    EXPECT(limiter.check_many(one.data(), one.size()).at(0).remaining() == 0u);
    EXPECT(limiter.check_many(std::vector<slg_request>()).size() == 0);
}

void test_keys() {
    const Limiter limiter = make_limiter();
    const Key key = limiter.prepare("m", limiter.endpoint("POST /pay"));
    EXPECT(limiter.peek(key).remaining() == 2u);
    EXPECT(limiter.check(key).remaining() == 1u);
    EXPECT(!limiter.allow(key, 2) && limiter.allow(key));
    EXPECT(!limiter.allow("m", "POST /pay"));
    EXPECT_EQ(thrown([&] { (void)limiter.check(key, 0); }), SLG_STATUS_INVALID_COST);
    EXPECT_EQ(thrown([&] { (void)make_limiter().check(key); }), SLG_STATUS_FOREIGN_KEY);
    EXPECT_EQ(thrown([&] { (void)limiter.prepare("m", slidegate::merchant_alone); }),
              SLG_STATUS_INVALID_ENDPOINT);
}

void test_windows() {
    const ManualClock clock(kUnixNs);
    Options options;
    options.max_keys = 8;
    options.clock = &clock;
    const std::string policy =
        "version = 1\n[[rule]]\nname = \"all\"\nmatch = \"*\"\nwindows = [\"4/s\", \"9/min\"]\n"
        "[[rule]]\nname = \"pay\"\nmatch = \"POST /pay\"\nwindows = [\"3/h\"]\n";
    const Limiter limiter(Policy::from_toml(policy), options);
    const Endpoint pay = limiter.endpoint("POST /pay");
    const auto [decision, windows] = limiter.check_windows("m", pay, 3);
    EXPECT(decision.allowed() && windows.size() == 3);
    EXPECT(windows.at(0).remaining() == 1 && windows.at(1).limit() == 9);
    EXPECT(windows.at(2).length() == 1h && !windows.at(2).blocks());
    EXPECT(!windows.at(2).retry_after());
    EXPECT(limiter.rule_name(windows.at(2).rule()) == "pay");

    const slidegate::Standing denied = limiter.peek_windows("m", "POST /pay");
    EXPECT(!denied.decision && denied.windows.size() == 3);
    EXPECT(!denied.windows.at(0).blocks() && denied.windows.at(2).blocks());
    EXPECT(denied.windows.at(2).retry_after() == 1h);
    EXPECT(denied.windows.at(2).reset_at_ns() == kUnixNs + 3600000000000);
    EXPECT_EQ(denied.windows.at(2).raw().flags, SLG_FLAG_BLOCKS);
    EXPECT(limiter.check_windows("m", "").windows.size() == 2);
    EXPECT(limiter.peek_windows("m", slidegate::merchant_alone).windows.at(1).remaining() == 5);
    EXPECT_EQ(thrown([&] { (void)limiter.check_windows("", pay); }), SLG_STATUS_INVALID_MERCHANT);
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
    EXPECT_EQ(thrown([&] { limiter.reset("m"); }), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(thrown([&] { limiter.refund(Receipt()); }), SLG_STATUS_NULL_POINTER);
    Key key = taken.prepare("m", taken.endpoint("POST /pay"));
    EXPECT_EQ(thrown([&] { (void)limiter.check(key); }), SLG_STATUS_NULL_POINTER);
    const Key kept = std::move(key);
    EXPECT(!taken.allow(kept));
    EXPECT_EQ(thrown([&] { (void)taken.check(key); }), SLG_STATUS_NULL_POINTER);

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
        EXPECT(decision.allowed() == (on_full == OnFull::Admit) && decision.untracked());
    }
    Options options;
    options.max_keys = 1;
    options.on_full = OnFull::Overflow;
    const Limiter limiter(Policy::from_toml(kMerchants), options);
    int pooled = 0;
    for (int i = 0; i < 1000; i++) {
        const Decision decision = limiter.check("m" + std::to_string(i), "");
        pooled += decision.untracked() && decision ? 1 : 0;
    }
    EXPECT_EQ(pooled, 3);
}

void test_max_limit() {
    Options options;
    options.max_keys = 8;
    options.max_limit = 2;
    const Limiter limiter(Policy::from_toml(kPolicy), options);
    const Policy larger = Policy::from_toml(kMerchants);
    EXPECT_EQ(thrown([&] { limiter.swap(larger); }), SLG_STATUS_LIMIT_TOO_LARGE);
    EXPECT_EQ(thrown([&] { Limiter(larger, options); }), SLG_STATUS_LIMIT_TOO_LARGE);
}

} // namespace

int main() {
    test_decisions();
    test_every_way_to_name_an_endpoint();
    test_receipts();
    test_reset();
    test_batches();
    test_keys();
    test_windows();
    test_swap();
    test_errors_are_thrown();
    test_a_long_message_is_whole();
    test_moved_from_handles_throw();
    test_move_assignment_frees_what_was_there();
    test_on_full();
    test_max_limit();
    return expect_report("tests/cpp/test_api.cpp");
}
