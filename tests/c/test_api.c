/* Every function of slidegate.h and what it answers; the errors of single calls
 * are in test_errors.c. */
#include "fixture.h"

int test_errors(void);
int test_sharing(void);

static void test_versions_and_texts(void)
{
    EXPECT_EQ(slg_abi_version(), SLG_ABI_VERSION);
    EXPECT(strchr(slg_version(), '.') != NULL);
    EXPECT(strcmp(slg_status_text(SLG_OK), "ok") == 0);
    for (slg_status status = 0; status <= SLG_STATUS_PANIC; status++)
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
    EXPECT_EQ(d.rule, SLG_RULE_NONE);
    EXPECT_EQ(slg_http_status(&d), on_full == SLG_ON_FULL_ADMIT ? 200 : 503);
    /* Nobody who was there was evicted. */
    EXPECT_EQ(check_path(limiter, "m0", "", 1).remaining, 2);
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
        slg_options options = {sizeof options, SLG_ON_FULL_DENY, 8, clock};
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
    test_rule_names_and_headers();
    test_handles_are_freed_in_any_order();
    int failed = expect_report("tests/c/test_api.c");
    failed |= test_errors();
    failed |= test_sharing();
    return failed;
}
