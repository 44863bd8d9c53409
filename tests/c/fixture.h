/* Policies and handles that the C tests share. */
#ifndef SLIDEGATE_TESTS_FIXTURE_H
#define SLIDEGATE_TESTS_FIXTURE_H

#include <slidegate.h>

#include <stdlib.h>
#include <string.h>

#include "expect.h"

#define UNIX_NS 1767225600123456789u
#define SECOND_NS 1000000000ll

/* No "*" rule, so the merchant alone is governed by nothing. */
static const char ENDPOINTS[] =
    "version = 1\n"
    "unmatched = \"deny\"\n"
    "exempt = [\"GET /healthz\"]\n"
    "[[rule]]\n"
    "name = \"create-payment\"\n"
    "match = \"POST /v1/payment\"\n"
    "windows = [\"3/s\", \"5/min\"]\n"
    "[[rule]]\n"
    "name = \"get-payment\"\n"
    "match = \"GET /v1/payment/:id\"\n"
    "windows = [\"2/min\"]\n";

static const char MERCHANTS[] =
    "version = 1\n"
    "[[rule]]\n"
    "name = \"merchant-total\"\n"
    "match = \"*\"\n"
    "windows = [\"4/min\"]\n";

/* A literal or array with its length. */
#define TEXT(literal) (literal), (sizeof(literal) - 1)
#define NO_MESSAGE NULL, 0, NULL

static inline slg_policy *make_policy(const char *text)
{
    slg_policy *policy = NULL;
    char why[512];
    if (slg_policy_from_toml(text, strlen(text), &policy, why, sizeof why, NULL) != SLG_OK) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    return policy;
}

static inline slg_manual_clock *make_clock(void)
{
    slg_manual_clock *clock = NULL;
    if (slg_manual_clock_new(UNIX_NS, &clock) != SLG_OK)
        abort();
    return clock;
}

/* `clock` NULL for the system's. */
static inline slg_limiter *make_limiter(const char *text, uint64_t max_keys, uint32_t on_full,
                                        const slg_manual_clock *clock)
{
    slg_options options = {sizeof options, on_full, max_keys, clock, 0, 0};
    slg_policy *policy = make_policy(text);
    slg_limiter *limiter = NULL;
    if (slg_limiter_new(policy, &options, &limiter, NO_MESSAGE) != SLG_OK)
        abort();
    slg_policy_free(policy);
    return limiter;
}

static inline uint32_t endpoint_id(const slg_limiter *limiter, const char *route)
{
    uint32_t id = 0;
    EXPECT_EQ(slg_endpoint(limiter, route, strlen(route), &id, NO_MESSAGE), SLG_OK);
    return id;
}

static inline slg_decision check_path(const slg_limiter *limiter, const char *merchant,
                                      const char *method_path, uint32_t cost)
{
    slg_decision decision;
    EXPECT_EQ(slg_check_path(limiter, merchant, strlen(merchant), method_path,
                             strlen(method_path), cost, &decision),
              SLG_OK);
    return decision;
}

/* The receipt of a check, NULL if there is none. */
static inline slg_receipt *check_receipt(const slg_limiter *limiter, const char *merchant,
                                         const char *method_path, uint32_t cost)
{
    slg_decision decision;
    slg_receipt *receipt = NULL;
    EXPECT_EQ(slg_check_receipt_path(limiter, merchant, strlen(merchant), method_path,
                                     strlen(method_path), cost, &decision, &receipt),
              SLG_OK);
    return receipt;
}

/* Units left to a merchant, without charging any. */
static inline uint32_t left(const slg_limiter *limiter, const char *merchant,
                            const char *method_path)
{
    slg_decision decision;
    EXPECT_EQ(slg_peek_path(limiter, merchant, strlen(merchant), method_path,
                            strlen(method_path), 1, &decision),
              SLG_OK);
    return decision.remaining;
}

/* A decision that reads as allowed, to see that a failing call clears it. */
static inline slg_decision full_decision(void)
{
    slg_decision decision;
    memset(&decision, 0xff, sizeof decision);
    decision.allowed = 1;
    decision.outcome = SLG_OUTCOME_ALLOWED;
    return decision;
}

static inline int is_zero(const slg_decision *decision)
{
    static const slg_decision zeros;
    return memcmp(decision, &zeros, sizeof zeros) == 0;
}

#endif
