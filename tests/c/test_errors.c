/* Every way to call slidegate.h wrongly that it promises to notice. */
#include "fixture.h"

int test_errors(void);

static void test_null_handles_and_outs(void)
{
    slg_policy *policy = make_policy(MERCHANTS);
    slg_limiter *limiter = make_limiter(MERCHANTS, 8, SLG_ON_FULL_DENY, NULL);
    slg_policy *no_policy = policy;
    slg_limiter *no_limiter = limiter;
    uint32_t id = 7;
    uint64_t version = 7;
    char buf[8] = "x";

    EXPECT_EQ(slg_policy_from_toml(NULL, 0, &no_policy, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT(no_policy == NULL);
    EXPECT_EQ(slg_policy_from_toml(TEXT("x"), NULL, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_policy_from_file(NULL, &no_policy, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_policy_from_file("x", NULL, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_manual_clock_new(0, NULL), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_manual_clock_advance_ns(NULL, 1), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_manual_clock_set_elapsed_ns(NULL, 1), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_limiter_new(NULL, NULL, &no_limiter, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT(no_limiter == NULL);
    EXPECT_EQ(slg_limiter_new(policy, NULL, NULL, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_limiter_swap(NULL, policy, &version, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(version, 0);
    EXPECT_EQ(slg_limiter_swap(limiter, NULL, &version, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_endpoint(NULL, TEXT("GET /"), &id, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(id, 0);
    EXPECT_EQ(slg_endpoint(limiter, NULL, 5, &id, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_endpoint(limiter, TEXT("GET /"), NULL, NO_MESSAGE), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_rule_name(NULL, 0, buf, sizeof buf, NULL), SLG_STATUS_NULL_POINTER);
    EXPECT(buf[0] == '\0');
    EXPECT_EQ(slg_headers(NULL, buf, sizeof buf, NULL), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_http_status(NULL), 500);
    slg_limiter_free(limiter);
    slg_policy_free(policy);
}

/* A call of each of the four that decide must answer `status` and leave zeros. */
static void expect_refused(const slg_limiter *limiter, const void *merchant, size_t merchant_len,
                           uint32_t id, const char *path, size_t len, uint32_t cost,
                           slg_status status)
{
    for (int which = 0; which < 4; which++) {
        slg_decision d = full_decision();
        slg_status found = SLG_OK;
        switch (which) {
        case 0: found = slg_check(limiter, merchant, merchant_len, id, cost, &d); break;
        case 1: found = slg_peek(limiter, merchant, merchant_len, id, cost, &d); break;
        case 2: found = slg_check_path(limiter, merchant, merchant_len, path, len, cost, &d); break;
        case 3: found = slg_peek_path(limiter, merchant, merchant_len, path, len, cost, &d); break;
        }
        EXPECT_EQ(found, status);
        EXPECT(is_zero(&d));
    }
}

static void test_checks_that_cannot_be_judged(void)
{
    static char long_text[8200];
    memset(long_text, 'm', sizeof long_text);
    slg_limiter *limiter = make_limiter(ENDPOINTS, 8, SLG_ON_FULL_DENY, NULL);
    slg_decision d = full_decision();
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

    EXPECT_EQ(slg_check_path(limiter, "m", 1, NULL, 0, 1, &d), SLG_STATUS_NULL_POINTER);
    EXPECT(is_zero(&d));
    d = full_decision();
    EXPECT_EQ(slg_check_path(limiter, "m", 1, TEXT("GET /\xff"), 1, &d), SLG_STATUS_NOT_UTF8);
    EXPECT(is_zero(&d));
    EXPECT_EQ(slg_check(limiter, "m", 1, 1, 1, NULL), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_peek(limiter, "m", 1, 1, 1, NULL), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_check_path(limiter, "m", 1, TEXT("GET /"), 1, NULL), SLG_STATUS_NULL_POINTER);
    EXPECT_EQ(slg_peek_path(limiter, "m", 1, TEXT("GET /"), 1, NULL), SLG_STATUS_NULL_POINTER);
    slg_limiter_free(limiter);
}

static void test_a_failed_decision_refuses(void)
{
    slg_decision zeros;
    char buf[8] = "x";
    size_t len = 9;
    memset(&zeros, 0, sizeof zeros);
    EXPECT_EQ(zeros.allowed, 0);
    EXPECT_EQ(zeros.outcome, SLG_OUTCOME_NONE);
    EXPECT_EQ(slg_http_status(&zeros), 500);
    EXPECT_EQ(slg_headers(&zeros, buf, sizeof buf, &len), SLG_OK);
    EXPECT(buf[0] == '\0' && len == 0);
}

static void test_policies_with_mistakes(void)
{
    static const char bad[] = "version = 1\n[[rule]]\nname = \"a\"\nmatch = \"GET\"\n"
                              "windows = [\"0/s\"]\n";
    slg_policy *policy = NULL;
    char why[1024];
    size_t len = 0;
    EXPECT_EQ(slg_policy_from_toml(TEXT(bad), &policy, why, sizeof why, &len),
              SLG_STATUS_INVALID_POLICY);
    EXPECT(policy == NULL);
    EXPECT(strstr(why, "line 4") != NULL && strstr(why, "line 5") != NULL);
    EXPECT_EQ(len, strlen(why));

    EXPECT_EQ(slg_policy_from_toml(TEXT("a = \xff"), &policy, why, sizeof why, NULL),
              SLG_STATUS_NOT_UTF8);
    EXPECT(strstr(why, "byte 4") != NULL);
    EXPECT_EQ(slg_policy_from_toml("", SIZE_MAX, &policy, NO_MESSAGE),
              SLG_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(slg_policy_from_file("/no/such/file", &policy, why, sizeof why, NULL),
              SLG_STATUS_IO);
    EXPECT(strstr(why, "/no/such/file") != NULL);

    slg_policy *good = NULL;
    EXPECT_EQ(slg_policy_from_toml(TEXT(MERCHANTS), &good, why, sizeof why, &len), SLG_OK);
    EXPECT(why[0] == '\0' && len == 0);
    slg_policy_free(good);
}

static void test_messages_are_cut_and_terminated(void)
{
    /* The message quotes the window, so it has a two-byte character. */
    static const char bad[] = "version = 1\n[[rule]]\nname = \"a\"\nmatch = \"*\"\n"
                              "windows = [\"\xc3\xa9\"]\n";
    slg_policy *policy = NULL;
    char whole[512], cut[512];
    size_t len = 0;
    EXPECT_EQ(slg_policy_from_toml(TEXT(bad), &policy, whole, sizeof whole, &len),
              SLG_STATUS_INVALID_POLICY);
    const char *accent = strstr(whole, "\xc3\xa9");
    EXPECT(accent != NULL && len == strlen(whole));
    const size_t before = accent == NULL ? 0 : (size_t)(accent - whole);
    for (size_t cap = 0; cap <= len + 1; cap++) {
        size_t cut_len = 0;
        memset(cut, 'x', sizeof cut);
        EXPECT_EQ(slg_policy_from_toml(TEXT(bad), &policy, cut, cap, &cut_len),
                  SLG_STATUS_INVALID_POLICY);
        EXPECT_EQ(cut_len, len);
        EXPECT_EQ(cut[cap], 'x');
        if (cap > 0) {
            const size_t shown = cap - 1 == before + 1 ? before : cap - 1;
            EXPECT_EQ(strlen(cut), shown);
            EXPECT(memcmp(cut, whole, shown) == 0);
        }
    }
    EXPECT_EQ(slg_policy_from_toml(TEXT(bad), &policy, NULL, 99, &len), SLG_STATUS_INVALID_POLICY);
    EXPECT_EQ(len, strlen(whole));
}

static void test_texts_are_whole_or_not_there(void)
{
    slg_limiter *limiter = make_limiter(MERCHANTS, 8, SLG_ON_FULL_DENY, NULL);
    slg_decision d = check_path(limiter, "m", "", 1);
    const size_t name_len = strlen("merchant-total");
    char buf[64];
    size_t len = 0;
    EXPECT_EQ(slg_rule_name(limiter, d.rule, buf, name_len, &len), SLG_STATUS_BUFFER_TOO_SMALL);
    EXPECT(len == name_len && buf[0] == '\0');
    EXPECT_EQ(slg_rule_name(limiter, d.rule, NULL, 0, &len), SLG_STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(len, name_len);
    EXPECT_EQ(slg_rule_name(limiter, d.rule, buf, name_len + 1, NULL), SLG_OK);
    EXPECT(strcmp(buf, "merchant-total") == 0);
    EXPECT_EQ(slg_rule_name(limiter, 1000, buf, sizeof buf, &len), SLG_STATUS_INVALID_ARGUMENT);
    EXPECT(buf[0] == '\0' && len == 0);
    EXPECT_EQ(slg_rule_name(limiter, SLG_RULE_NONE, buf, sizeof buf, NULL),
              SLG_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(slg_headers(&d, buf, 10, &len), SLG_STATUS_BUFFER_TOO_SMALL);
    EXPECT(len > 10 && buf[0] == '\0');
    EXPECT_EQ(slg_headers(&d, NULL, 0, &len), SLG_STATUS_BUFFER_TOO_SMALL);
    slg_limiter_free(limiter);
}

static void expect_options(const slg_policy *policy, const slg_options *options, slg_status status)
{
    slg_limiter *limiter = NULL;
    char why[256];
    EXPECT_EQ(slg_limiter_new(policy, options, &limiter, why, sizeof why, NULL), status);
    EXPECT((status == SLG_OK) == (limiter != NULL));
    EXPECT((status == SLG_OK) == (why[0] == '\0'));
    slg_limiter_free(limiter);
}

static void test_options(void)
{
    /* A struct of a later version: longer by a field that this one cannot know. */
    struct {
        slg_options known;
        uint64_t later[600];
    } longer = {{0}, {0}};
    slg_policy *policy = make_policy(MERCHANTS);
    slg_options options = {sizeof options, SLG_ON_FULL_DENY, 8, NULL};

    expect_options(policy, NULL, SLG_OK);
    expect_options(policy, &options, SLG_OK);
    options.struct_size = 0;
    expect_options(policy, &options, SLG_STATUS_INVALID_ARGUMENT);
    options.struct_size = sizeof options - 1;
    expect_options(policy, &options, SLG_STATUS_INVALID_ARGUMENT);
    options.struct_size = sizeof options;
    options.on_full = 2;
    expect_options(policy, &options, SLG_STATUS_INVALID_ARGUMENT);
    options.on_full = SLG_ON_FULL_ADMIT;
    options.max_keys = UINT64_MAX;
    expect_options(policy, &options, SLG_STATUS_OUT_OF_MEMORY);
    options.max_keys = 0;
    expect_options(policy, &options, SLG_OK);

    longer.known = options;
    longer.known.struct_size = sizeof options + 8;
    expect_options(policy, &longer.known, SLG_OK);
    longer.later[1] = 1; /* beyond what struct_size covers */
    expect_options(policy, &longer.known, SLG_OK);
    longer.later[0] = 1;
    expect_options(policy, &longer.known, SLG_STATUS_INVALID_ARGUMENT);
    memset(longer.later, 0, sizeof longer.later);
    longer.known.struct_size = 4096;
    expect_options(policy, &longer.known, SLG_OK);
    longer.known.struct_size = 4097;
    expect_options(policy, &longer.known, SLG_STATUS_INVALID_ARGUMENT);
    slg_policy_free(policy);
}

static void test_endpoints_that_get_no_id(void)
{
    slg_limiter *limiter = make_limiter(MERCHANTS, 8, SLG_ON_FULL_DENY, NULL);
    static char long_text[9000];
    char why[256], route[32];
    uint32_t id = 7;
    memset(long_text, '/', sizeof long_text);
    EXPECT_EQ(slg_endpoint(limiter, TEXT("payment"), &id, why, sizeof why, NULL),
              SLG_STATUS_INVALID_ENDPOINT);
    EXPECT(strstr(why, "payment") != NULL);
    EXPECT_EQ(id, 0);
    EXPECT_EQ(slg_endpoint(limiter, TEXT("GET /\xff"), &id, NO_MESSAGE), SLG_STATUS_NOT_UTF8);
    EXPECT_EQ(slg_endpoint(limiter, long_text, sizeof long_text, &id, NO_MESSAGE),
              SLG_STATUS_INVALID_ENDPOINT);
    slg_status status = SLG_OK;
    int given = 0;
    for (; given < 5000 && status == SLG_OK; given++) {
        int len = snprintf(route, sizeof route, "GET /%d", given);
        status = slg_endpoint(limiter, route, (size_t)len, &id, NO_MESSAGE);
        EXPECT((status == SLG_OK) == (id != 0));
    }
    EXPECT_EQ(status, SLG_STATUS_TOO_MANY_ENDPOINTS);
    EXPECT_EQ(given, 4097);
    slg_limiter_free(limiter);
}

/* A policy of `rules` rules, all named anew; the caller frees it. */
static char *policy_with_new_names(int rules, int round)
{
    const size_t cap = 64 + (size_t)rules * 96;
    char *text = (char *)malloc(cap);
    size_t len = (size_t)snprintf(text, cap, "version = 1\n");
    for (int rule = 0; rule < rules; rule++)
        len += (size_t)snprintf(text + len, cap - len,
                                "[[rule]]\nname = \"r%d-%d\"\nmatch = \"GET /%d\"\n"
                                "windows = [\"1/s\"]\n",
                                round, rule, rule);
    return text;
}

static void test_too_many_rule_names(void)
{
    slg_limiter *limiter = make_limiter(MERCHANTS, 8, SLG_ON_FULL_DENY, NULL);
    char why[256];
    uint64_t version = 0, last = 1;
    slg_status status = SLG_OK;
    /* 65536 names in all, 4096 a policy; the first policy's name is one too many. */
    for (int round = 0; round < 17 && status == SLG_OK; round++) {
        char *text = policy_with_new_names(4096, round);
        slg_policy *policy = make_policy(text);
        free(text);
        status = slg_limiter_swap(limiter, policy, &version, why, sizeof why, NULL);
        last = status == SLG_OK ? version : last;
        slg_policy_free(policy);
    }
    EXPECT_EQ(status, SLG_STATUS_TOO_MANY_RULES);
    EXPECT_EQ(last, 16);
    EXPECT_EQ(version, 0);
    EXPECT(why[0] != '\0');
    /* The old policy stays. */
    EXPECT_EQ(check_path(limiter, "m", "GET /1", 1).policy_version, last);
    slg_limiter_free(limiter);
}

int test_errors(void)
{
    expect_passed = expect_failed = 0;
    test_null_handles_and_outs();
    test_checks_that_cannot_be_judged();
    test_a_failed_decision_refuses();
    test_policies_with_mistakes();
    test_messages_are_cut_and_terminated();
    test_texts_are_whole_or_not_there();
    test_options();
    test_endpoints_that_get_no_id();
    test_too_many_rule_names();
    return expect_report("tests/c/test_errors.c");
}
