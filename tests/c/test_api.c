/* Every function of slidegate.h and what it answers; the errors of single calls
 * are in test_errors.c and test_refused.c. */
#include "fixture.h"

int test_errors(void);
int test_refused(void);
int test_sharing(void);

static void test_versions_and_texts(void)
{
    EXPECT_EQ(slg_abi_version(), SLG_ABI_VERSION);
    EXPECT(strchr(slg_version(), '.') != NULL);
    EXPECT(strcmp(slg_status_text(SLG_OK), "ok") == 0);
    for (slg_status status = 0; status <= SLG_STATUS_LIMIT_TOO_LARGE; status++)
        EXPECT(strcmp(slg_status_text(status), slg_status_text(UINT32_MAX)) != 0);
    static const char *const names[] = {"none",      "allowed",   "denied", "exempt",
                                        "unmatched", "untracked", "never",  "unknown"};
    for (uint32_t outcome = 0; outcome < 8; outcome++)
        EXPECT(strcmp(slg_outcome_text(outcome), names[outcome]) == 0);
    EXPECT(strcmp(slg_outcome_text(UINT32_MAX), "unknown") == 0);
}

static void test_allowed_then_denied(void)
{
    slg_manual_clock *clock = make_clock();
    slg_limiter *limiter = make_limiter(ENDPOINTS, 16, SLG_ON_FULL_DENY, clock);
    slg_decision d = check_path(limiter, "m", "POST /v1/payment", 2);
    EXPECT_EQ(d.outcome, SLG_OUTCOME_ALLOWED);
    EXPECT_EQ(d.allowed, 1);
    EXPECT_EQ(d.limit, 3);
    EXPECT_EQ(d.remaining, 1);
    EXPECT_EQ(d.window_ns, SECOND_NS);
    EXPECT_EQ(d.retry_after_ns, 0);
    EXPECT_EQ(d.reset_at_ns, UNIX_NS + SECOND_NS);
    EXPECT_EQ(d.policy_version, 1);
    EXPECT_EQ(d.flags, 0);
    EXPECT_EQ(d.reserved, 0);

    EXPECT_EQ(slg_manual_clock_advance_ns(clock, 1000), SLG_OK);
    d = check_path(limiter, "m", "POST /v1/payment", 2);
    EXPECT_EQ(d.outcome, SLG_OUTCOME_DENIED);
    EXPECT_EQ(d.allowed, 0);
    EXPECT_EQ(d.remaining, 1);
    EXPECT_EQ(d.retry_after_ns, SECOND_NS - 1000);
    EXPECT_EQ(d.reset_at_ns, UNIX_NS + SECOND_NS);

    /* Denied one tick before the instant it named, admitted at it. */
    EXPECT_EQ(slg_manual_clock_set_elapsed_ns(clock, SECOND_NS - 1), SLG_OK);
    EXPECT_EQ(check_path(limiter, "m", "POST /v1/payment", 2).allowed, 0);
    EXPECT_EQ(slg_manual_clock_advance_ns(clock, 1), SLG_OK);
    EXPECT_EQ(check_path(limiter, "m", "POST /v1/payment", 2).allowed, 1);
    slg_limiter_free(limiter);
    slg_manual_clock_free(clock);
}

static void test_other_outcomes(void)
{
    slg_limiter *limiter = make_limiter(ENDPOINTS, 16, SLG_ON_FULL_DENY, NULL);
    slg_decision d = check_path(limiter, "m", "GET /healthz", 1);
    EXPECT_EQ(d.outcome, SLG_OUTCOME_EXEMPT);
    EXPECT_EQ(d.allowed, 1);
    EXPECT_EQ(d.rule, SLG_RULE_NONE);
    EXPECT_EQ(d.limit, 0);
    d = check_path(limiter, "m", "GET /else", 1);
    EXPECT_EQ(d.outcome, SLG_OUTCOME_UNMATCHED);
    EXPECT_EQ(d.allowed, 0);
    EXPECT_EQ(d.rule, SLG_RULE_NONE);
    EXPECT_EQ(slg_http_status(&d), 403);
    d = check_path(limiter, "m", "POST /v1/payment", 4);
    EXPECT_EQ(d.outcome, SLG_OUTCOME_NEVER);
    EXPECT_EQ(d.allowed, 0);
    EXPECT_EQ(d.limit, 3);
    EXPECT_EQ(d.retry_after_ns, 0);
    EXPECT_EQ(slg_http_status(&d), 429);
    slg_limiter_free(limiter);
}

static void test_peek_charges_nothing(void)
{
    slg_limiter *limiter = make_limiter(ENDPOINTS, 16, SLG_ON_FULL_DENY, NULL);
    uint32_t id = 0;
    slg_decision d;
    EXPECT_EQ(slg_endpoint(limiter, TEXT("POST /v1/payment"), &id, NO_MESSAGE), SLG_OK);
    for (int i = 0; i < 5; i++) {
        EXPECT_EQ(slg_peek(limiter, "m", 1, id, 1, &d), SLG_OK);
        EXPECT_EQ(d.remaining, 3);
        EXPECT_EQ(slg_peek_path(limiter, "m", 1, TEXT("POST /v1/payment"), 1, &d), SLG_OK);
        EXPECT_EQ(d.remaining, 3);
    }
    EXPECT_EQ(slg_check(limiter, "m", 1, id, 3, &d), SLG_OK);
    EXPECT_EQ(d.remaining, 0);
    EXPECT_EQ(slg_peek(limiter, "m", 1, id, 1, &d), SLG_OK);
    EXPECT_EQ(d.outcome, SLG_OUTCOME_DENIED);
    slg_limiter_free(limiter);
}

static void test_endpoint_ids(void)
{
    slg_limiter *limiter = make_limiter(ENDPOINTS, 16, SLG_ON_FULL_DENY, NULL);
    uint32_t pay = 0, get = 0, again = 0;
    slg_decision d;
    EXPECT_EQ(slg_endpoint(limiter, TEXT("POST /v1/payment"), &pay, NO_MESSAGE), SLG_OK);
    EXPECT_EQ(slg_endpoint(limiter, TEXT("GET /v1/payment/:id"), &get, NO_MESSAGE), SLG_OK);
    EXPECT_EQ(slg_endpoint(limiter, TEXT("POST /v1/payment"), &again, NO_MESSAGE), SLG_OK);
    EXPECT(pay != 0 && get != 0 && pay != get && pay == again);
    EXPECT_EQ(slg_check(limiter, "m", 1, get, 1, &d), SLG_OK);
    EXPECT_EQ(d.limit, 2);
    /* An id and a concrete path of its route share one count. */
    EXPECT_EQ(check_path(limiter, "m", "GET /v1/payment/17", 1).remaining, 0);
    EXPECT_EQ(slg_check(limiter, "m", 1, get, 1, &d), SLG_OK);
    EXPECT_EQ(d.allowed, 0);
    slg_limiter *other = make_limiter(ENDPOINTS, 16, SLG_ON_FULL_DENY, NULL);
    EXPECT(endpoint_id(other, "POST /v1/payment") != pay);
    EXPECT_EQ(slg_check(other, "m", 1, pay, 1, &d), SLG_STATUS_INVALID_ENDPOINT);
    slg_limiter_free(other);
    slg_limiter_free(limiter);
}

static void test_the_merchant_alone(void)
{
    slg_limiter *limiter = make_limiter(MERCHANTS, 16, SLG_ON_FULL_DENY, NULL);
    slg_decision d;
    /* Not UTF-8, with a NUL inside, and as long as allowed. */
    unsigned char merchant[SLG_MAX_MERCHANT_BYTES];
    memset(merchant, 0xff, sizeof merchant);
    merchant[1] = 0;
    EXPECT_EQ(slg_check(limiter, merchant, sizeof merchant, SLG_ENDPOINT_NONE, 1, &d), SLG_OK);
    EXPECT_EQ(d.remaining, 3);
    EXPECT_EQ(slg_check_path(limiter, merchant, sizeof merchant, "", 0, 1, &d), SLG_OK);
    EXPECT_EQ(d.remaining, 2);
    merchant[2] = 0;
    EXPECT_EQ(slg_check(limiter, merchant, sizeof merchant, SLG_ENDPOINT_NONE, 1, &d), SLG_OK);
    EXPECT_EQ(d.remaining, 3);
    slg_limiter_free(limiter);
}

static void test_swap_keeps_history(void)
{
    static const char raised[] = "version = 1\n[[rule]]\nname = \"merchant-total\"\n"
                                 "match = \"*\"\nwindows = [\"6/min\"]\n";
    slg_limiter *limiter = make_limiter(MERCHANTS, 16, SLG_ON_FULL_DENY, NULL);
    slg_policy *policy = make_policy(raised);
    uint64_t version = 0;
    EXPECT_EQ(check_path(limiter, "m", "", 4).remaining, 0);
    EXPECT_EQ(slg_limiter_swap(limiter, policy, &version, NO_MESSAGE), SLG_OK);
    EXPECT_EQ(version, 2);
    slg_decision d = check_path(limiter, "m", "", 1);
    EXPECT_EQ(d.allowed, 1);
    EXPECT_EQ(d.remaining, 1);
    EXPECT_EQ(d.policy_version, 2);
    EXPECT_EQ(slg_limiter_swap(limiter, policy, NULL, NO_MESSAGE), SLG_OK);
    slg_policy_free(policy);
    EXPECT_EQ(check_path(limiter, "m", "", 1).policy_version, 3);
    slg_limiter_free(limiter);
}

static void test_full_table(uint32_t on_full)
{
    slg_limiter *limiter = make_limiter(MERCHANTS, 4, on_full, NULL);
    slg_decision d = {0};
    char merchant[16];
    int tracked = 0;
    for (int i = 0; i < 1000 && d.outcome != SLG_OUTCOME_UNTRACKED; i++, tracked++) {
        snprintf(merchant, sizeof merchant, "m%d", i);
        d = check_path(limiter, merchant, "", 1);
    }
    EXPECT(tracked > 4);
    EXPECT_EQ(d.outcome, SLG_OUTCOME_UNTRACKED);
    EXPECT_EQ(d.allowed, on_full == SLG_ON_FULL_ADMIT);
    EXPECT_EQ(d.flags, SLG_FLAG_UNTRACKED);
    EXPECT_EQ(d.rule, SLG_RULE_NONE);
    EXPECT_EQ(slg_http_status(&d), on_full == SLG_ON_FULL_ADMIT ? 200 : 503);
    /* Nobody who was there was evicted. */
    EXPECT_EQ(check_path(limiter, "m0", "", 1).remaining, 2);
    slg_limiter_free(limiter);
}

/* What finds no room shares one pool of the rule's limit. */
static void test_overflow(void)
{
    slg_limiter *limiter = make_limiter(MERCHANTS, 4, SLG_ON_FULL_OVERFLOW, NULL);
    char merchant[16];
    int pooled = 0, refused = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(merchant, sizeof merchant, "m%d", i);
        slg_decision d = check_path(limiter, merchant, "", 1);
        EXPECT(d.outcome == SLG_OUTCOME_ALLOWED || d.outcome == SLG_OUTCOME_DENIED);
        EXPECT_EQ(d.limit, 4);
        pooled += d.flags == SLG_FLAG_UNTRACKED && d.allowed;
        refused += d.flags == SLG_FLAG_UNTRACKED && !d.allowed;
    }
    EXPECT_EQ(pooled, 4);
    EXPECT(refused > 900);
    slg_limiter_free(limiter);
}

static void test_receipts_are_refunded_once(void)
{
    slg_manual_clock *clock = make_clock();
    slg_limiter *limiter = make_limiter(ENDPOINTS, 16, SLG_ON_FULL_DENY, clock);
    const uint32_t pay = endpoint_id(limiter, "POST /v1/payment");
    slg_decision d;
    slg_receipt *receipt = NULL;
    uint32_t lent = 7;
    EXPECT_EQ(slg_check_receipt(limiter, "m", 1, pay, 3, &d, &receipt), SLG_OK);
    EXPECT(d.allowed == 1 && d.remaining == 0 && receipt != NULL);
    EXPECT(check_receipt(limiter, "m", "POST /v1/payment", 1) == NULL); /* denied */
    EXPECT_EQ(slg_refund(limiter, receipt, &lent), SLG_OK);
    EXPECT_EQ(lent, 1);
    EXPECT_EQ(left(limiter, "m", "POST /v1/payment"), 3);

    /* Without a refund the units stay; after their windows there is none. */
    slg_receipt_free(check_receipt(limiter, "m", "POST /v1/payment", 1));
    EXPECT_EQ(left(limiter, "m", "POST /v1/payment"), 2);
    receipt = check_receipt(limiter, "m", "POST /v1/payment", 1);
    slg_manual_clock_advance_ns(clock, 61 * SECOND_NS);
    EXPECT_EQ(slg_refund(limiter, receipt, &lent), SLG_OK);
    EXPECT_EQ(lent, 0);
    EXPECT_EQ(left(limiter, "m", "POST /v1/payment"), 3);

    /* No rule counted it, so there is nothing to give back, which is no error. */
    lent = 7;
    EXPECT(check_receipt(limiter, "m", "GET /healthz", 1) == NULL);
    EXPECT_EQ(slg_refund(limiter, NULL, &lent), SLG_OK);
    EXPECT_EQ(lent, 0);
    EXPECT_EQ(slg_refund(limiter, check_receipt(limiter, "m", "POST /v1/payment", 3), NULL),
              SLG_OK);
    EXPECT_EQ(left(limiter, "m", "POST /v1/payment"), 3);

    receipt = check_receipt(limiter, "m", "GET /v1/payment/17", 1);
    EXPECT(receipt != NULL);
    slg_limiter_free(limiter);
    slg_receipt_free(receipt);
    slg_receipt_free(NULL);
    slg_manual_clock_free(clock);
}

static void test_reset(void)
{
    slg_manual_clock *clock = make_clock();
    slg_limiter *limiter = make_limiter(ENDPOINTS, 16, SLG_ON_FULL_DENY, clock);
    size_t keys = 7;
    slg_receipt *receipt = check_receipt(limiter, "m", "POST /v1/payment", 3);
    check_path(limiter, "m", "GET /v1/payment/17", 1);
    check_path(limiter, "n", "POST /v1/payment", 1);
    EXPECT_EQ(slg_reset(limiter, "m", 1, TEXT("create-payment"), &keys), SLG_OK);
    EXPECT_EQ(keys, 1);
    slg_manual_clock_advance_ns(clock, 1000);
    EXPECT_EQ(left(limiter, "m", "POST /v1/payment"), 3);
    EXPECT_EQ(left(limiter, "m", "GET /v1/payment/17"), 1);
    EXPECT_EQ(left(limiter, "n", "POST /v1/payment"), 2);

    /* What the receipt stood for is gone. */
    uint32_t lent = 7;
    check_path(limiter, "m", "POST /v1/payment", 3);
    EXPECT_EQ(slg_refund(limiter, receipt, &lent), SLG_OK);
    EXPECT_EQ(lent, 0);
    EXPECT_EQ(left(limiter, "m", "POST /v1/payment"), 0);

    EXPECT_EQ(slg_reset(limiter, "m", 1, NULL, 0, &keys), SLG_OK);
    EXPECT_EQ(keys, 2);
    EXPECT_EQ(slg_reset(limiter, "nobody", 6, NULL, 0, &keys), SLG_OK);
    EXPECT_EQ(keys, 0);
    EXPECT_EQ(slg_reset(limiter, "n", 1, NULL, 0, NULL), SLG_OK);
    slg_manual_clock_advance_ns(clock, 1000);
    EXPECT_EQ(left(limiter, "m", "GET /v1/payment/17"), 2);
    EXPECT_EQ(left(limiter, "n", "POST /v1/payment"), 3);
    slg_limiter_free(limiter);
    slg_manual_clock_free(clock);
}

/* A batch of several chunks answers as one check after the other would, those that
 * cannot be judged included. */
static void test_a_batch_answers_as_one_by_one(void)
{
    enum { COUNT = 100 };
    static const char names[COUNT + 1] = "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"
                                         "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij";
    slg_manual_clock *clock = make_clock();
    slg_limiter *many = make_limiter(ENDPOINTS, 64, SLG_ON_FULL_DENY, clock);
    slg_limiter *single = make_limiter(ENDPOINTS, 64, SLG_ON_FULL_DENY, clock);
    const uint32_t pay = endpoint_id(many, "POST /v1/payment");
    /* Each limiter has ids of its own, and knows no other's. */
    const uint32_t pay_alone = endpoint_id(single, "POST /v1/payment");
    slg_request requests[COUNT];
    slg_decision decisions[COUNT];
    slg_status statuses[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        slg_request request = {&names[i], i % 11 != 0, i % 13 == 0 ? 99 : pay, i % 4, 0};
        if (i % 17 == 0)
            request.merchant = NULL;
        requests[i] = request;
        decisions[i] = full_decision();
        statuses[i] = 99;
    }
    EXPECT_EQ(slg_check_many(many, requests, COUNT, decisions, statuses), SLG_OK);
    unsigned seen[32] = {0}, denied = 0;
    for (int i = 0; i < COUNT; i++) {
        const slg_request *r = &requests[i];
        slg_decision d;
        const uint32_t endpoint = r->endpoint == pay ? pay_alone : r->endpoint;
        slg_status status =
            slg_check(single, r->merchant, r->merchant_len, endpoint, r->cost, &d);
        EXPECT_EQ(statuses[i], status);
        EXPECT(memcmp(&decisions[i], &d, sizeof d) == 0);
        seen[statuses[i] & 31]++;
        denied += d.outcome == SLG_OUTCOME_DENIED;
    }
    EXPECT(seen[SLG_OK] > 0 && seen[SLG_STATUS_NULL_POINTER] > 0 && denied > 0);
    EXPECT(seen[SLG_STATUS_INVALID_MERCHANT] > 0 && seen[SLG_STATUS_INVALID_COST] > 0);
    EXPECT(seen[SLG_STATUS_INVALID_ENDPOINT] > 0);
    EXPECT_EQ(slg_check_many(many, NULL, 0, NULL, NULL), SLG_OK);
    slg_limiter_free(many);
    slg_limiter_free(single);
    slg_manual_clock_free(clock);
}

static void test_keys_follow_the_policy_in_force(void)
{
    static const char raised[] = "version = 1\n[[rule]]\nname = \"create-payment\"\n"
                                 "match = \"POST /v1/payment\"\nwindows = [\"9/min\"]\n";
    slg_manual_clock *clock = make_clock();
    slg_limiter *limiter = make_limiter(ENDPOINTS, 16, SLG_ON_FULL_DENY, clock);
    slg_key *key = NULL;
    slg_decision d;
    const uint32_t pay = endpoint_id(limiter, "POST /v1/payment");
    EXPECT_EQ(slg_prepare(limiter, "m", 1, pay, &key), SLG_OK);
    EXPECT(key != NULL);
    EXPECT_EQ(slg_peek_key(limiter, key, 1, &d), SLG_OK);
    EXPECT_EQ(d.remaining, 3);
    EXPECT_EQ(slg_check_key(limiter, key, 2, &d), SLG_OK);
    EXPECT(d.allowed == 1 && d.remaining == 1 && d.limit == 3);
    EXPECT_EQ(left(limiter, "m", "POST /v1/payment"), 1);
    EXPECT_EQ(slg_check_key(limiter, key, 2, &d), SLG_OK);
    EXPECT(d.allowed == 0 && d.retry_after_ns == (uint64_t)SECOND_NS);

    slg_policy *policy = make_policy(raised);
    EXPECT_EQ(slg_limiter_swap(limiter, policy, NULL, NO_MESSAGE), SLG_OK);
    slg_policy_free(policy);
    EXPECT_EQ(slg_check_key(limiter, key, 1, &d), SLG_OK);
    EXPECT(d.limit == 9 && d.remaining == 6 && d.policy_version == 2);
    EXPECT_EQ(slg_reset(limiter, "m", 1, NULL, 0, NULL), SLG_OK);
    slg_manual_clock_advance_ns(clock, 1000);
    EXPECT_EQ(slg_check_key(limiter, key, 1, &d), SLG_OK);
    EXPECT_EQ(d.remaining, 8);
    slg_limiter_free(limiter);
    slg_key_free(key);
    slg_key_free(NULL);
    slg_manual_clock_free(clock);
}

static const char SEVERAL[] =
    "version = 1\n"
    "[[rule]]\nname = \"total\"\nmatch = \"*\"\nwindows = [\"4/s\", \"9/min\"]\n"
    "[[rule]]\nname = \"pay\"\nmatch = \"POST /pay\"\nwindows = [\"3/h\"]\n";

static void test_every_window_is_described(void)
{
    slg_manual_clock *clock = make_clock();
    slg_limiter *limiter = make_limiter(SEVERAL, 16, SLG_ON_FULL_DENY, clock);
    const uint32_t pay = endpoint_id(limiter, "POST /pay");
    slg_window w[4];
    slg_decision d;
    char rule[65];
    size_t count = 0;
    memset(w, 0xff, sizeof w);
    EXPECT_EQ(slg_check_windows(limiter, "m", 1, pay, 3, &d, w, 4, &count), SLG_OK);
    EXPECT(d.allowed == 1 && count == 3);
    EXPECT(w[0].limit == 4 && w[1].limit == 9 && w[2].limit == 3);
    EXPECT(w[0].remaining == 1 && w[1].remaining == 6 && w[2].remaining == 0);
    EXPECT(w[0].flags == 0 && w[1].flags == 0 && w[2].flags == 0);
    EXPECT_EQ(w[2].window_ns, 3600 * SECOND_NS);
    EXPECT_EQ(w[2].retry_after_ns, 0);
    EXPECT_EQ(w[1].reset_at_ns, UNIX_NS + 60 * SECOND_NS);
    EXPECT(w[0].reserved[0] == 0 && w[0].reserved[1] == 0 && w[0].reserved[2] == 0);
    EXPECT_EQ(slg_rule_name(limiter, w[2].rule, rule, sizeof rule, NULL), SLG_OK);
    EXPECT(strcmp(rule, "pay") == 0);
    EXPECT_EQ(w[3].limit, UINT32_MAX); /* beyond the count: as it was */

    EXPECT_EQ(slg_peek_windows_path(limiter, "m", 1, TEXT("POST /pay"), 2, &d, w, 4, &count),
              SLG_OK);
    EXPECT(d.outcome == SLG_OUTCOME_DENIED && count == 3);
    EXPECT_EQ(w[0].flags, SLG_FLAG_BLOCKS);
    EXPECT_EQ(w[0].retry_after_ns, SECOND_NS);
    EXPECT_EQ(w[1].flags, 0);
    EXPECT_EQ(w[2].flags, SLG_FLAG_BLOCKS);
    EXPECT_EQ(w[2].retry_after_ns, d.retry_after_ns);
    EXPECT_EQ(w[2].reset_at_ns, UNIX_NS + 3600 * SECOND_NS);
    EXPECT_EQ(slg_peek_windows(limiter, "m", 1, SLG_ENDPOINT_NONE, 1, &d, w, 4, &count), SLG_OK);
    EXPECT(d.allowed == 1 && count == 2 && w[0].remaining == 1);
    slg_limiter_free(limiter);

    /* The window that a cost exceeds, and none where none was consulted. */
    limiter = make_limiter(ENDPOINTS, 16, SLG_ON_FULL_DENY, clock);
    EXPECT_EQ(slg_check_windows_path(limiter, "m", 1, TEXT("POST /v1/payment"), 4, &d, w, 4,
                                     &count),
              SLG_OK);
    EXPECT(d.outcome == SLG_OUTCOME_NEVER && count == 1 && w[0].limit == 3);
    EXPECT_EQ(slg_check_windows_path(limiter, "m", 1, TEXT("GET /healthz"), 1, &d, w, 4, &count),
              SLG_OK);
    EXPECT(d.outcome == SLG_OUTCOME_EXEMPT && count == 0);
    slg_limiter_free(limiter);
    slg_manual_clock_free(clock);
}

/* The request is charged all the same, and the count says what was missing. */
static void test_too_small_an_array_of_windows(void)
{
    slg_limiter *limiter = make_limiter(SEVERAL, 16, SLG_ON_FULL_DENY, NULL);
    slg_window w[3];
    slg_decision d;
    for (uint32_t cap = 0; cap < 3; cap++) {
        size_t count = 0;
        memset(w, 0xff, sizeof w);
        EXPECT_EQ(slg_check_windows_path(limiter, "m", 1, TEXT("POST /pay"), 1, &d,
                                         cap == 0 ? NULL : w, cap, &count),
                  SLG_OK);
        EXPECT(d.allowed == 1 && count == 3);
        EXPECT_EQ(d.remaining, 2 - cap);
        EXPECT(cap == 0 || w[cap - 1].limit != UINT32_MAX);
        EXPECT_EQ(w[cap].limit, UINT32_MAX);
    }
    EXPECT_EQ(left(limiter, "m", "POST /pay"), 0);
    slg_limiter_free(limiter);
}

static void test_rule_names_and_headers(void)
{
    slg_manual_clock *clock = make_clock();
    slg_limiter *limiter = make_limiter(ENDPOINTS, 16, SLG_ON_FULL_DENY, clock);
    char buf[256];
    size_t len = 0;
    slg_decision d = check_path(limiter, "m", "POST /v1/payment", 3);
    EXPECT_EQ(slg_rule_name(limiter, d.rule, buf, sizeof buf, &len), SLG_OK);
    EXPECT(strcmp(buf, "create-payment") == 0 && len == strlen("create-payment"));
    EXPECT_EQ(slg_headers(&d, buf, sizeof buf, &len), SLG_OK);
    EXPECT(strcmp(buf, "X-RateLimit-Limit: 3\r\nX-RateLimit-Remaining: 0\r\n"
                       "X-RateLimit-Reset: 1767225602\r\n") == 0);
    EXPECT_EQ(len, strlen(buf));
    EXPECT_EQ(slg_http_status(&d), 200);

    slg_manual_clock_advance_ns(clock, SECOND_NS - 1);
    d = check_path(limiter, "m", "POST /v1/payment", 1);
    EXPECT_EQ(slg_headers(&d, buf, sizeof buf, NULL), SLG_OK);
    EXPECT(strstr(buf, "\r\nRetry-After: 1\r\n") != NULL);
    EXPECT_EQ(slg_http_status(&d), 429);

    d = check_path(limiter, "m", "GET /healthz", 1);
    EXPECT_EQ(slg_headers(&d, buf, sizeof buf, &len), SLG_OK);
    EXPECT(buf[0] == '\0' && len == 0);
    slg_limiter_free(limiter);
    slg_manual_clock_free(clock);
}

/* Under a leak and use-after-free checker this says that no handle borrows from
 * another. */
static void test_handles_are_freed_in_any_order(void)
{
    for (int order = 0; order < 2; order++) {
        slg_policy *policy = make_policy(MERCHANTS);
        slg_manual_clock *clock = make_clock();
        slg_options options = {sizeof options, SLG_ON_FULL_DENY, 8, clock, 0, 0};
        slg_limiter *limiter = NULL;
        EXPECT_EQ(slg_limiter_new(policy, &options, &limiter, NO_MESSAGE), SLG_OK);
        if (order == 0) {
            slg_policy_free(policy);
            slg_manual_clock_free(clock);
            EXPECT_EQ(check_path(limiter, "m", "", 1).reset_at_ns, UNIX_NS + 60 * SECOND_NS);
            slg_limiter_free(limiter);
        } else {
            slg_limiter_free(limiter);
            EXPECT_EQ(slg_manual_clock_advance_ns(clock, 1), SLG_OK);
            slg_manual_clock_free(clock);
            slg_policy_free(policy);
        }
    }
    slg_policy_free(NULL);
    slg_manual_clock_free(NULL);
    slg_limiter_free(NULL);
}

int main(void)
{
    test_versions_and_texts();
    test_allowed_then_denied();
    test_other_outcomes();
    test_peek_charges_nothing();
    test_endpoint_ids();
    test_the_merchant_alone();
    test_swap_keeps_history();
    test_full_table(SLG_ON_FULL_DENY);
    test_full_table(SLG_ON_FULL_ADMIT);
    test_overflow();
    test_receipts_are_refunded_once();
    test_reset();
    test_a_batch_answers_as_one_by_one();
    test_keys_follow_the_policy_in_force();
    test_every_window_is_described();
    test_too_small_an_array_of_windows();
    test_rule_names_and_headers();
    test_handles_are_freed_in_any_order();
    int failed = expect_report("tests/c/test_api.c");
    failed |= test_errors();
    failed |= test_refused();
    failed |= test_sharing();
    return failed;
}
