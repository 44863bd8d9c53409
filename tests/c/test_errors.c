/* Policies, options, texts and endpoints that slidegate.h refuses; requests are in
 * test_refused.c. */
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
    slg_options options = {sizeof options, SLG_ON_FULL_DENY, 8, NULL, 0, 0};

    expect_options(policy, NULL, SLG_OK);
    expect_options(policy, &options, SLG_OK);
    options.struct_size = 0;
    expect_options(policy, &options, SLG_STATUS_INVALID_ARGUMENT);
    options.struct_size = sizeof options - 1;
    expect_options(policy, &options, SLG_STATUS_INVALID_ARGUMENT);
    options.struct_size = sizeof options;
    options.on_full = SLG_ON_FULL_OVERFLOW + 1;
    expect_options(policy, &options, SLG_STATUS_INVALID_ARGUMENT);
    options.on_full = SLG_ON_FULL_OVERFLOW;
    expect_options(policy, &options, SLG_OK);
    options.reserved = 1;
    expect_options(policy, &options, SLG_STATUS_INVALID_ARGUMENT);
    options.reserved = 0;
    options.max_limit = 3;
    expect_options(policy, &options, SLG_STATUS_LIMIT_TOO_LARGE);
    options.max_limit = UINT32_MAX;
    expect_options(policy, &options, SLG_OK);
    options.max_limit = 0;
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

/* slg_options as it was before it had a max_limit. */
struct first_options {
    uint32_t struct_size;
    uint32_t on_full;
    uint64_t max_keys;
    const slg_manual_clock *clock;
};

static void test_options_of_the_first_version(void)
{
    slg_manual_clock *clock = make_clock();
    slg_policy *policy = make_policy(MERCHANTS);
    /* On the heap, so that a look beyond its end is found. */
    struct first_options *first = (struct first_options *)calloc(1, sizeof *first);
    slg_options later = {0};
    slg_limiter *limiter = NULL;
    first->struct_size = sizeof *first;
    first->max_keys = 8;
    first->clock = clock;
    EXPECT_EQ(slg_limiter_new(policy, (const slg_options *)(const void *)first, &limiter,
                              NO_MESSAGE),
              SLG_OK);
    EXPECT_EQ(check_path(limiter, "m", "", 1).reset_at_ns, UNIX_NS + 60 * SECOND_NS);
    slg_limiter_free(limiter);

    /* Beyond a struct's own size nothing counts. */
    memcpy(&later, first, sizeof *first);
    later.max_limit = 1;
    later.reserved = 1;
    expect_options(policy, &later, SLG_OK);
    /* No version had a size in between. */
    later.reserved = 0;
    for (uint32_t size = sizeof *first + 1; size < sizeof later; size++) {
        later.struct_size = size;
        expect_options(policy, &later, SLG_STATUS_INVALID_ARGUMENT);
    }
    later.struct_size = sizeof later;
    expect_options(policy, &later, SLG_STATUS_LIMIT_TOO_LARGE);
    later.struct_size = sizeof *first - 1;
    expect_options(policy, &later, SLG_STATUS_INVALID_ARGUMENT);
    free(first);
    slg_policy_free(policy);
    slg_manual_clock_free(clock);
}

static void test_a_swap_beyond_max_limit(void)
{
    slg_options options = {sizeof options, SLG_ON_FULL_DENY, 8, NULL, 4, 0};
    slg_policy *policy = make_policy(MERCHANTS), *larger = make_policy(ENDPOINTS);
    slg_limiter *limiter = NULL;
    uint64_t version = 7;
    char why[256];
    EXPECT_EQ(slg_limiter_new(policy, &options, &limiter, NO_MESSAGE), SLG_OK);
    EXPECT_EQ(slg_limiter_swap(limiter, larger, &version, why, sizeof why, NULL),
              SLG_STATUS_LIMIT_TOO_LARGE);
    EXPECT(version == 0 && strstr(why, "create-payment") != NULL);
    EXPECT_EQ(check_path(limiter, "m", "", 1).policy_version, 1);
    slg_limiter_free(limiter);
    slg_policy_free(policy);
    slg_policy_free(larger);
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
    test_a_failed_decision_refuses();
    test_policies_with_mistakes();
    test_messages_are_cut_and_terminated();
    test_texts_are_whole_or_not_there();
    test_options();
    test_options_of_the_first_version();
    test_a_swap_beyond_max_limit();
    test_endpoints_that_get_no_id();
    test_too_many_rule_names();
    return expect_report("tests/c/test_errors.c");
}
