/* Requests, receipts, resets, batches and keys that slidegate.h refuses, each wrong
 * argument in turn. Nothing may be charged by them. */
#include "fixture.h"

int test_refused(void);

/* What a failing call must clear, and an array that it must leave alone. */
struct outs {
    slg_decision decision;
    slg_receipt *receipt;
    slg_window windows[2];
    size_t count;
};

static struct outs full_outs(void)
{
    struct outs outs;
    memset(&outs, 0xff, sizeof outs);
    outs.decision = full_decision();
    return outs;
}

/* The calls by which a request is decided, with one set of arguments. */
struct request {
    const slg_limiter *limiter;
    const void *merchant;
    size_t merchant_len;
    uint32_t id;
    const char *path;
    size_t len;
    uint32_t cost;
};

enum { WAYS = 10 };

static slg_status decide(int way, const struct request *r, struct outs *o)
{
    const slg_limiter *l = r->limiter;
    const void *m = r->merchant;
    const size_t n = r->merchant_len;
    slg_decision *d = &o->decision;
    slg_window *w = o->windows;
    switch (way) {
    case 0: return slg_check(l, m, n, r->id, r->cost, d);
    case 1: return slg_peek(l, m, n, r->id, r->cost, d);
    case 2: return slg_check_receipt(l, m, n, r->id, r->cost, d, &o->receipt);
    case 3: return slg_check_windows(l, m, n, r->id, r->cost, d, w, 2, &o->count);
    case 4: return slg_peek_windows(l, m, n, r->id, r->cost, d, w, 2, &o->count);
    case 5: return slg_check_path(l, m, n, r->path, r->len, r->cost, d);
    case 6: return slg_peek_path(l, m, n, r->path, r->len, r->cost, d);
    case 7: return slg_check_receipt_path(l, m, n, r->path, r->len, r->cost, d, &o->receipt);
    case 8:
        return slg_check_windows_path(l, m, n, r->path, r->len, r->cost, d, w, 2, &o->count);
    default:
        return slg_peek_windows_path(l, m, n, r->path, r->len, r->cost, d, w, 2, &o->count);
    }
}

static void expect_cleared(int way, const struct outs *outs)
{
    const struct outs full = full_outs();
    EXPECT(is_zero(&outs->decision));
    if (way == 2 || way == 7)
        EXPECT(outs->receipt == NULL);
    if (way == 3 || way == 4 || way == 8 || way == 9)
        EXPECT_EQ(outs->count, 0);
    EXPECT(memcmp(outs->windows, full.windows, sizeof full.windows) == 0);
}

/* Each way to decide must answer `status` and leave nothing in the decision. */
static void expect_refused(const slg_limiter *limiter, const void *merchant, size_t merchant_len,
                           uint32_t id, const char *path, size_t len, uint32_t cost,
                           slg_status status)
{
    const struct request request = {limiter, merchant, merchant_len, id, path, len, cost};
    for (int way = 0; way < WAYS; way++) {
        struct outs outs = full_outs();
        EXPECT_EQ(decide(way, &request, &outs), status);
        expect_cleared(way, &outs);
    }
}

static void test_checks_that_cannot_be_judged(void)
{
    static char long_text[8200];
    memset(long_text, 'm', sizeof long_text);
    slg_limiter *limiter = make_limiter(ENDPOINTS, 8, SLG_ON_FULL_DENY, NULL);
    const size_t wild = SIZE_MAX;

    expect_refused(NULL, "m", 1, 1, TEXT("GET /"), 1, SLG_STATUS_NULL_POINTER);
    expect_refused(limiter, NULL, 1, 1, TEXT("GET /"), 1, SLG_STATUS_NULL_POINTER);
    expect_refused(limiter, NULL, 0, 1, TEXT("GET /"), 1, SLG_STATUS_NULL_POINTER);
    expect_refused(limiter, "", 0, 1, TEXT("GET /"), 1, SLG_STATUS_INVALID_MERCHANT);
    expect_refused(limiter, long_text, 1025, 1, TEXT("GET /"), 1, SLG_STATUS_INVALID_MERCHANT);
    expect_refused(limiter, "m", wild, 1, TEXT("GET /"), 1, SLG_STATUS_INVALID_MERCHANT);
    expect_refused(limiter, "m", 1, 1, TEXT("GET /"), 0, SLG_STATUS_INVALID_COST);
    /* No such id: 0, one never given out, and the merchant alone without "*". */
    expect_refused(limiter, "m", 1, 0, TEXT("GET"), 1, SLG_STATUS_INVALID_ENDPOINT);
    expect_refused(limiter, "m", 1, 4000, TEXT("GET x"), 1, SLG_STATUS_INVALID_ENDPOINT);
    expect_refused(limiter, "m", 1, SLG_ENDPOINT_NONE, "", 0, 1, SLG_STATUS_INVALID_ENDPOINT);
    expect_refused(limiter, "m", 1, SLG_ENDPOINT_NONE - 1, long_text, sizeof long_text, 1,
                   SLG_STATUS_INVALID_ENDPOINT);
    expect_refused(limiter, "m", 1, 0, "GET /", wild, 1, SLG_STATUS_INVALID_ENDPOINT);
    /* The merchant is judged first, then the cost, then the endpoint. */
    expect_refused(limiter, "", 0, 0, TEXT("GET"), 0, SLG_STATUS_INVALID_MERCHANT);
    expect_refused(limiter, "m", 1, 0, TEXT("\xff"), 0, SLG_STATUS_INVALID_COST);

    for (int way = 5; way < WAYS; way++) {
        const struct request none = {limiter, "m", 1, 1, NULL, 0, 1};
        const struct request no_text = {limiter, "m", 1, 1, TEXT("GET /\xff"), 1};
        struct outs outs = full_outs();
        EXPECT_EQ(decide(way, &none, &outs), SLG_STATUS_NULL_POINTER);
        expect_cleared(way, &outs);
        outs = full_outs();
        EXPECT_EQ(decide(way, &no_text, &outs), SLG_STATUS_NOT_UTF8);
        expect_cleared(way, &outs);
    }
    slg_limiter_free(limiter);
}

/* Nothing is charged where the answer could not be stored. */
static void test_requests_without_an_out(void)
{
    slg_limiter *l = make_limiter(ENDPOINTS, 8, SLG_ON_FULL_DENY, NULL);
    const uint32_t id = endpoint_id(l, "POST /v1/payment");
    const slg_status null = SLG_STATUS_NULL_POINTER;
    struct outs o = full_outs();
    slg_decision *d = &o.decision;
    slg_receipt **r = &o.receipt;
    slg_window *w = o.windows;
    size_t *c = &o.count;

    EXPECT_EQ(slg_check(l, "m", 1, id, 1, NULL), null);
    EXPECT_EQ(slg_peek(l, "m", 1, id, 1, NULL), null);
    EXPECT_EQ(slg_check_path(l, "m", 1, TEXT("POST /v1/payment"), 1, NULL), null);
    EXPECT_EQ(slg_peek_path(l, "m", 1, TEXT("POST /v1/payment"), 1, NULL), null);

    /* The other out-parameters are cleared all the same. */
    EXPECT_EQ(slg_check_receipt(l, "m", 1, id, 1, NULL, r), null);
    EXPECT(*r == NULL);
    o = full_outs();
    EXPECT_EQ(slg_check_receipt(l, "m", 1, id, 1, d, NULL), null);
    EXPECT(is_zero(d));
    o = full_outs();
    EXPECT_EQ(slg_check_receipt_path(l, "m", 1, TEXT("POST /v1/payment"), 1, NULL, r), null);
    EXPECT(*r == NULL);
    EXPECT_EQ(slg_check_receipt_path(l, "m", 1, TEXT("POST /v1/payment"), 1, d, NULL), null);
    EXPECT(is_zero(d));

    for (int way = 0; way < 4; way++) {
        for (int missing = 0; missing < 3; missing++) {
            o = full_outs();
            slg_decision *out = missing == 0 ? NULL : d;
            slg_window *windows = missing == 1 ? NULL : w;
            size_t *count = missing == 2 ? NULL : c;
            slg_status found = SLG_OK;
            switch (way) {
            case 0: found = slg_check_windows(l, "m", 1, id, 1, out, windows, 2, count); break;
            case 1: found = slg_peek_windows(l, "m", 1, id, 1, out, windows, 2, count); break;
            case 2:
                found = slg_check_windows_path(l, "m", 1, TEXT("POST /v1/payment"), 1, out,
                                               windows, 2, count);
                break;
            case 3:
                found = slg_peek_windows_path(l, "m", 1, TEXT("POST /v1/payment"), 1, out,
                                              windows, 2, count);
                break;
            }
            EXPECT_EQ(found, null);
            EXPECT(missing == 0 || is_zero(d));
            EXPECT(missing == 2 || *c == 0);
        }
    }
    EXPECT_EQ(left(l, "m", "POST /v1/payment"), 3);
    slg_limiter_free(l);
}

static void test_receipts_are_used_up(void)
{
    slg_manual_clock *clock = make_clock();
    slg_limiter *limiter = make_limiter(MERCHANTS, 8, SLG_ON_FULL_DENY, clock);
    slg_limiter *other = make_limiter(MERCHANTS, 8, SLG_ON_FULL_DENY, clock);
    uint32_t lent = 7;
    /* Leaks are found where the tests run under a leak checker. */
    EXPECT_EQ(slg_refund(NULL, check_receipt(limiter, "m", "", 1), &lent),
              SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(lent, 0);
    lent = 7;
    EXPECT_EQ(slg_refund(other, check_receipt(limiter, "m", "", 1), &lent),
              SLG_STATUS_FOREIGN_RECEIPT);
    EXPECT_EQ(lent, 0);
    EXPECT_EQ(slg_refund(NULL, NULL, &lent), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(left(limiter, "m", ""), 2);

    slg_limiter_free(limiter);
    slg_limiter_free(other);
    slg_manual_clock_free(clock);
}

/* Wrong, and noticed as long as nothing else took the memory: no call that could
 * stands between the two uses. */
static void test_receipts_that_are_used_twice(void)
{
    slg_limiter *limiter = make_limiter(MERCHANTS, 8, SLG_ON_FULL_DENY, NULL);
    uint32_t lent = 7;
    slg_receipt *receipt = check_receipt(limiter, "m", "", 1);
    slg_status first = slg_refund(limiter, receipt, &lent);
    slg_status second = slg_refund(limiter, receipt, &lent);
    slg_receipt_free(receipt);
    EXPECT_EQ(first, SLG_OK);
    EXPECT_EQ(second, SLG_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(lent, 0);
    receipt = check_receipt(limiter, "m", "", 1);
    slg_receipt_free(receipt);
    slg_receipt_free(receipt);
    EXPECT_EQ(slg_refund(limiter, receipt, NULL), SLG_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(left(limiter, "m", ""), 3);
    slg_limiter_free(limiter);
}

static void test_resets_that_name_nothing(void)
{
    static char long_text[2000];
    memset(long_text, 'm', sizeof long_text);
    slg_limiter *limiter = make_limiter(MERCHANTS, 8, SLG_ON_FULL_DENY, NULL);
    const struct {
        const slg_limiter *limiter;
        const char *merchant;
        size_t merchant_len;
        const char *rule;
        size_t rule_len;
        slg_status status;
    } cases[] = {
        {NULL, "m", 1, NULL, 0, SLG_STATUS_NULL_POINTER},
        {limiter, NULL, 1, NULL, 0, SLG_STATUS_NULL_POINTER},
        {limiter, "m", 1, NULL, 5, SLG_STATUS_NULL_POINTER},
        {limiter, "", 0, NULL, 0, SLG_STATUS_INVALID_MERCHANT},
        {limiter, long_text, 1025, NULL, 0, SLG_STATUS_INVALID_MERCHANT},
        {limiter, "m", SIZE_MAX, NULL, 0, SLG_STATUS_INVALID_MERCHANT},
        {limiter, "m", 1, "", 0, SLG_STATUS_UNKNOWN_RULE},
        {limiter, "m", 1, TEXT("merchant-tota"), SLG_STATUS_UNKNOWN_RULE},
        {limiter, "m", 1, long_text, 65, SLG_STATUS_UNKNOWN_RULE},
        {limiter, "m", 1, "m", SIZE_MAX, SLG_STATUS_UNKNOWN_RULE},
        {limiter, "m", 1, TEXT("\xff"), SLG_STATUS_NOT_UTF8},
    };
    check_path(limiter, "m", "", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t keys = 7;
        EXPECT_EQ(slg_reset(cases[i].limiter, cases[i].merchant, cases[i].merchant_len,
                            cases[i].rule, cases[i].rule_len, &keys),
                  cases[i].status);
        EXPECT_EQ(keys, 0);
    }
    EXPECT_EQ(left(limiter, "m", ""), 3);
    slg_limiter_free(limiter);
}

static void expect_batch(slg_status found, slg_status status, const slg_decision *decisions,
                         const slg_status *statuses)
{
    EXPECT_EQ(found, status);
    for (int i = 0; i < 2; i++) {
        EXPECT(decisions == NULL || is_zero(&decisions[i]));
        EXPECT(statuses == NULL || statuses[i] == status);
    }
}

static void test_batches_that_cannot_be_judged(void)
{
    slg_limiter *limiter = make_limiter(MERCHANTS, 8, SLG_ON_FULL_DENY, NULL);
    const slg_request one = {"m", 1, SLG_ENDPOINT_NONE, 1, 0};
    const slg_request requests[2] = {one, one};
    slg_decision d[2];
    slg_status s[2];
    for (int missing = 0; missing < 4; missing++) {
        d[0] = d[1] = full_decision();
        s[0] = s[1] = SLG_OK;
        slg_decision *decisions = missing == 2 ? NULL : d;
        slg_status *statuses = missing == 3 ? NULL : s;
        expect_batch(slg_check_many(missing == 0 ? NULL : limiter, missing == 1 ? NULL : requests,
                                    2, decisions, statuses),
                     SLG_STATUS_NULL_POINTER, decisions, statuses);
    }
    EXPECT_EQ(slg_check_many(limiter, requests, SIZE_MAX, d, s), SLG_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(slg_check_many(limiter, requests, SIZE_MAX / 64, d, s),
              SLG_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(slg_check_many(NULL, NULL, 0, NULL, NULL), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(left(limiter, "m", ""), 4);

    /* A field of a later version, and a merchant of a wild length. */
    slg_request odd[2] = {one, one};
    odd[0].reserved = 1;
    odd[1].merchant_len = SIZE_MAX;
    EXPECT_EQ(slg_check_many(limiter, odd, 2, d, s), SLG_OK);
    EXPECT_EQ(s[0], SLG_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(s[1], SLG_STATUS_INVALID_MERCHANT);
    EXPECT(is_zero(&d[0]) && is_zero(&d[1]));
    EXPECT_EQ(left(limiter, "m", ""), 4);
    slg_limiter_free(limiter);
}

static void test_keys_that_do_not_fit(void)
{
    static char long_text[1025];
    memset(long_text, 'm', sizeof long_text);
    slg_limiter *limiter = make_limiter(ENDPOINTS, 8, SLG_ON_FULL_DENY, NULL);
    slg_limiter *other = make_limiter(ENDPOINTS, 8, SLG_ON_FULL_DENY, NULL);
    const uint32_t id = endpoint_id(limiter, "POST /v1/payment");
    const struct {
        const slg_limiter *limiter;
        const char *merchant;
        size_t merchant_len;
        uint32_t id;
        slg_status status;
    } cases[] = {
        {NULL, "m", 1, id, SLG_STATUS_NULL_POINTER},
        {limiter, NULL, 1, id, SLG_STATUS_NULL_POINTER},
        {limiter, "", 0, id, SLG_STATUS_INVALID_MERCHANT},
        {limiter, long_text, 1025, id, SLG_STATUS_INVALID_MERCHANT},
        {limiter, "m", SIZE_MAX, id, SLG_STATUS_INVALID_MERCHANT},
        {limiter, "m", 1, 0, SLG_STATUS_INVALID_ENDPOINT},
        {limiter, "m", 1, id + 1, SLG_STATUS_INVALID_ENDPOINT},
        {limiter, "m", 1, SLG_ENDPOINT_NONE, SLG_STATUS_INVALID_ENDPOINT},
    };
    slg_key *key = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&key, 0xff, sizeof key);
        EXPECT_EQ(slg_prepare(cases[i].limiter, cases[i].merchant, cases[i].merchant_len,
                              cases[i].id, &key),
                  cases[i].status);
        EXPECT(key == NULL);
    }
    EXPECT_EQ(slg_prepare(limiter, "m", 1, id, NULL), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_prepare(limiter, "m", 1, id, &key), SLG_OK);
    for (int peek = 0; peek < 2; peek++) {
        slg_status (*call)(const slg_limiter *, const slg_key *, uint32_t, slg_decision *) =
            peek ? slg_peek_key : slg_check_key;
        slg_decision d[4] = {full_decision(), full_decision(), full_decision(), full_decision()};
        EXPECT_EQ(call(NULL, key, 1, &d[0]), SLG_STATUS_NULL_POINTER);
        EXPECT_EQ(call(limiter, NULL, 1, &d[1]), SLG_STATUS_NULL_POINTER);
        EXPECT_EQ(call(other, key, 0, &d[2]), SLG_STATUS_FOREIGN_KEY);
        EXPECT_EQ(call(limiter, key, 0, &d[3]), SLG_STATUS_INVALID_COST);
        EXPECT_EQ(call(limiter, key, 1, NULL), SLG_STATUS_NULL_POINTER);
        for (int i = 0; i < 4; i++)
            EXPECT(is_zero(&d[i]));
    }
    EXPECT_EQ(left(limiter, "m", "POST /v1/payment"), 3);
    slg_key_free(key);
    slg_limiter_free(limiter);
    slg_limiter_free(other);
}

int test_refused(void)
{
    expect_passed = expect_failed = 0;
    test_checks_that_cannot_be_judged();
    test_requests_without_an_out();
    test_receipts_are_used_up();
    test_receipts_that_are_used_twice();
    test_resets_that_name_nothing();
    test_batches_that_cannot_be_judged();
    test_keys_that_do_not_fit();
    return expect_report("tests/c/test_refused.c");
}
