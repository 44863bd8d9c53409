/* A payment service in miniature: 120 payments in a row under a policy file.
 *
 *     cc embed.c -I../../include -L../../target/release -lslidegate -o embed
 *     LD_LIBRARY_PATH=../../target/release ./embed ../../policies/endpoint-limits.toml
 */
#include <slidegate.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static slg_limiter *open_limiter(const char *path)
{
    char why[4096];
    slg_policy *policy;
    slg_limiter *limiter;

    if (slg_policy_from_file(path, &policy, why, sizeof why, NULL) != SLG_OK) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    if (slg_limiter_new(policy, NULL, &limiter, why, sizeof why, NULL) != SLG_OK) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    slg_policy_free(policy); /* the limiter has what it needs */
    return limiter;
}

static slg_decision check(const slg_limiter *limiter, const char *merchant, const char *endpoint)
{
    slg_decision decision;
    slg_status status = slg_check_path(limiter, merchant, strlen(merchant), endpoint,
                                       strlen(endpoint), 1, &decision);
    if (status != SLG_OK) {
        fprintf(stderr, "%s %s: %s\n", merchant, endpoint, slg_status_text(status));
        exit(1);
    }
    return decision;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: embed POLICY.toml\n");
        return 2;
    }
    slg_limiter *limiter = open_limiter(argv[1]);
    slg_decision last_denial = {0};
    unsigned admitted = 0, denied = 0;

    for (int payment = 0; payment < 120; payment++) {
        slg_decision decision = check(limiter, "m_42", "POST /v1/payment");
        if (decision.allowed) {
            admitted++;
        } else {
            denied++;
            last_denial = decision;
        }
    }
    unsigned long long retry_after_s = (last_denial.retry_after_ns + 999999999) / 1000000000;
    bool other_merchant = check(limiter, "m_43", "POST /v1/payment").allowed;
    bool other_endpoint = check(limiter, "m_42", "GET /v1/payment/17").allowed;

    printf("m_42 sent 120 payments: %u admitted, %u denied\n", admitted, denied);
    if (denied > 0) {
        char rule[65], headers[256];
        slg_rule_name(limiter, last_denial.rule, rule, sizeof rule, NULL);
        slg_headers(&last_denial, headers, sizeof headers, NULL);
        printf("the last one met rule \"%s\" and got HTTP %u with\n%s", rule,
               (unsigned)slg_http_status(&last_denial), headers);
    }
    printf("m_43 may pay: %s; m_42 may read: %s\n", other_merchant ? "yes" : "no",
           other_endpoint ? "yes" : "no");
    printf("{\"language\":\"C\",\"admitted\":%u,\"denied\":%u,\"retry_after_s\":%llu,"
           "\"other_merchant\":%s,\"other_endpoint\":%s}\n",
           admitted, denied, retry_after_s, other_merchant ? "true" : "false",
           other_endpoint ? "true" : "false");

    slg_limiter_free(limiter);
    return 0;
}
