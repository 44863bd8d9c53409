// tests/c/replay.c over slidegate.hpp: the same lines in and out.
#include <slidegate.hpp>

#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

std::vector<std::string> split(const std::string &line) {
    std::vector<std::string> fields(1);
    for (const char c : line) {
        if (c == '\t') {
            fields.emplace_back();
        } else {
            fields.back().push_back(c);
        }
    }
    return fields;
}

std::string decode(const std::string &hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

template <class T> std::string shown(const std::optional<T> &value) {
    return value ? std::to_string(*value) : "-";
}

std::optional<std::int64_t> count(const std::optional<std::chrono::nanoseconds> &span) {
    return span ? std::optional(span->count()) : std::nullopt;
}

std::string shown(const std::optional<slidegate::Precision> &precision) {
    if (!precision) {
        return "-";
    }
    return *precision == slidegate::Precision::Bucketed ? "bucketed" : "exact";
}

void print(const slidegate::Limiter &limiter, const slidegate::Decision &d) {
    const auto rule = d.rule();
    std::cout << SLG_OK << '\t' << d.outcome_text() << '\t' << d.allowed() << '\t'
              << (rule ? limiter.rule_name(*rule) : "-") << '\t' << shown(d.limit()) << '\t'
              << shown(count(d.window())) << '\t' << shown(d.precision()) << '\t'
              << shown(d.remaining()) << '\t' << shown(count(d.retry_after())) << '\t'
              << shown(d.reset_at_ns()) << '\t' << d.policy_version() << '\n';
}

using Receipts = std::map<std::string, slidegate::Receipt>;

slidegate::Decision decide(const slidegate::Limiter &limiter, Receipts &receipts,
                           const std::vector<std::string> &fields) {
    const std::string merchant = decode(fields.at(2));
    const std::string endpoint = decode(fields.at(3));
    const auto cost = static_cast<std::uint32_t>(std::stoul(fields.at(4)));
    const std::string &number = fields.at(5);
    if (fields.at(0) == "peek") {
        return limiter.peek(merchant, endpoint, cost);
    }
    if (number == "-") {
        return limiter.check(merchant, endpoint, cost);
    }
    auto admission = limiter.check_with_receipt(merchant, endpoint, cost);
    receipts[number] = std::move(admission.receipt);
    return admission.decision;
}

void reset(const slidegate::Limiter &limiter, const std::vector<std::string> &fields) {
    const std::string merchant = decode(fields.at(2));
    if (fields.at(3) == "-") {
        limiter.reset(merchant);
    } else {
        limiter.reset(merchant, decode(fields.at(3)));
    }
}

void step(const slidegate::Limiter &limiter, Receipts &receipts,
          const std::vector<std::string> &fields) {
    const std::string &op = fields.at(0);
    const std::string nothing = "\t-\t-\t-\t-\t-\t-\t-\t-\t";
    try {
        if (op == "check" || op == "peek") {
            print(limiter, decide(limiter, receipts, fields));
        } else if (op == "refund") {
            limiter.refund(std::move(receipts.at(fields.at(2))));
            std::cout << SLG_OK << "\trefund" << nothing << "-\n";
        } else if (op == "reset") {
            reset(limiter, fields);
            std::cout << SLG_OK << "\treset" << nothing << "-\n";
        } else if (op == "swap") {
            const auto version = limiter.swap(slidegate::Policy::from_toml(decode(fields.at(2))));
            std::cout << SLG_OK << "\tswap" << nothing << version << '\n';
        } else {
            throw std::invalid_argument("an unknown step: " + op);
        }
    } catch (const slidegate::Error &error) {
        std::cout << error.status() << "\tnone\t0\t-\t-\t-\t-\t-\t-\t-\t-\n";
    }
}

void replay() {
    std::string line;
    std::getline(std::cin, line);
    const auto first = split(line);
    const slidegate::ManualClock clock(std::stoull(first.at(1)));
    slidegate::Options options;
    options.max_keys = std::stoull(first.at(2));
    options.clock = &clock;
    const slidegate::Limiter limiter(slidegate::Policy::from_toml(decode(first.at(0))), options);
    Receipts receipts;
    while (std::getline(std::cin, line)) {
        const auto fields = split(line);
        clock.set_elapsed_ns(std::stoull(fields.at(1)));
        step(limiter, receipts, fields);
    }
}

} // namespace

int main() {
    try {
        replay();
    } catch (const std::exception &error) {
        std::cerr << "replay: " << error.what() << '\n';
        return 2;
    }
    return 0;
}
