// A payment service in miniature: 120 payments in a row under a policy file.
//
//     c++ -std=c++17 embed.cpp -I../../include -L../../target/release -lslidegate -o embed
//     LD_LIBRARY_PATH=../../target/release ./embed ../../policies/endpoint-limits.toml
#include <slidegate.hpp>

#include <iostream>

namespace {

void run(const char *policy_path) {
    const slidegate::Limiter limiter{slidegate::Policy::from_file(policy_path)};
    slidegate::Decision last_denial;
    int admitted = 0;
    int denied = 0;

    for (int payment = 0; payment < 120; payment++) {
        const auto decision = limiter.check("m_42", "POST /v1/payment");
        if (decision) {
            admitted++;
        } else {
            denied++;
            last_denial = decision;
        }
    }
    const auto wait = last_denial.retry_after().value_or(std::chrono::nanoseconds::zero());
    const auto retry_after_s = std::chrono::ceil<std::chrono::seconds>(wait).count();
    const bool other_merchant = limiter.allow("m_43", "POST /v1/payment");
    const bool other_endpoint = limiter.allow("m_42", "GET /v1/payment/17");

    std::cout << std::boolalpha;
    std::cout << "m_42 sent 120 payments: " << admitted << " admitted, " << denied << " denied\n";
    if (const auto rule = last_denial.rule()) {
        std::cout << "the last one met rule \"" << limiter.rule_name(*rule) << "\" and got HTTP "
                  << last_denial.http_status() << " with\n"
                  << last_denial.headers();
    }
    std::cout << "m_43 may pay: " << other_merchant << "; m_42 may read: " << other_endpoint << '\n';
    std::cout << "{\"language\":\"C++\",\"admitted\":" << admitted << ",\"denied\":" << denied
              << ",\"retry_after_s\":" << retry_after_s << ",\"other_merchant\":" << other_merchant
              << ",\"other_endpoint\":" << other_endpoint << "}\n";
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: embed POLICY.toml\n";
        return 2;
    }
    try {
        run(argv[1]);
    } catch (const slidegate::Error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
