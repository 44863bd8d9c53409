/* Replays steps from stdin through slidegate.h and prints one line for each.
 *
 * In, fields separated by tabs, texts in hexadecimal:
 *     policy  unix_ns  max_keys                        (the first line)
 *     check|peek  now_ns  merchant  endpoint  cost  receipt
 *     refund  now_ns  receipt
 *     reset  now_ns  merchant  rule
 *     swap  now_ns  policy
 * where a receipt is a number that a later refund names, or "-", and a rule "-" for
 * all.
 * Out:
 *     status outcome allowed rule limit window_ns precision remaining
 *     retry_after_ns reset_at_ns policy_version
 * with "-" for what the answer does not have; the outcome of a refund, reset or
 * swap is its name. tests/conformance/replay.py writes the one and reads the other.
 */
#include <slidegate.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = 6 };

static void die(const char *why)
{
    fprintf(stderr, "replay: %s\n", why);
    exit(2);
}

/* The next line without its newline, or NULL; valid until the next call. */
static char *read_line(void)
{
    static char *line;
    static size_t cap;
    size_t len = 0;
    int c;
    while ((c = getchar()) != EOF && c != '\n') {
        if (len + 2 > cap) {
            cap = cap * 2 + 256;
            line = (char *)realloc(line, cap);
            if (line == NULL)
                die("out of memory");
        }
        line[len++] = (char)c;
    }
    if (len == 0)
        return NULL;
    line[len] = '\0';
    return line;
}

static int split(char *line, char **fields)
{
    int count = 0;
    while (line != NULL && count < MAX_FIELDS) {
        char *tab = strchr(line, '\t');
        fields[count++] = line;
        if (tab != NULL)
            *tab++ = '\0';
        line = tab;
    }
    return count;
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end != '\0')
        die("not a number");
    return value;
}

/* Decodes hexadecimal in place and returns the number of bytes. */
static size_t decode(char *text)
{
    size_t len = strlen(text) / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            die("not hexadecimal");
        text[i] = (char)byte;
    }
    return len;
}

static slg_policy *read_policy(char *hex)
{
    char why[4096];
    slg_policy *policy;
    size_t len = decode(hex);
    if (slg_policy_from_toml(hex, len, &policy, why, sizeof why, NULL) != SLG_OK)
        die(why);
    return policy;
}

/* A value that ought to be 0 where it is absent is shown if it is not. */
static void print_field(int present, uint64_t value)
{
    if (present || value != 0)
        printf("\t%" PRIu64, value);
    else
        printf("\t-");
}

static void print_decision(const slg_limiter *limiter, slg_status status, const slg_decision *d)
{
    int window = status == SLG_OK && d->rule != SLG_RULE_NONE;
    char rule[65] = "-";
    if (window && slg_rule_name(limiter, d->rule, rule, sizeof rule, NULL) != SLG_OK)
        die("a decision names an unknown rule");
    printf("%" PRIu32 "\t%s\t%" PRIu32 "\t%s", status, slg_outcome_text(d->outcome), d->allowed,
           rule);
    print_field(window, d->limit);
    print_field(window, d->window_ns);
    printf("\t%s", !window ? "-" : d->flags & SLG_FLAG_BUCKETED ? "bucketed" : "exact");
    print_field(window, d->remaining);
    print_field(d->outcome == SLG_OUTCOME_DENIED, d->retry_after_ns);
    print_field(window, d->reset_at_ns);
    print_field(status == SLG_OK, d->policy_version);
    printf("\n");
}

/* Receipts by the numbers that the steps give them. */
static struct {
    uint64_t number;
    slg_receipt *receipt;
} *kept;
static size_t kept_count, kept_cap;

static void keep(uint64_t number, slg_receipt *receipt)
{
    if (kept_count == kept_cap) {
        kept_cap = kept_cap * 2 + 64;
        kept = realloc(kept, kept_cap * sizeof *kept);
        if (kept == NULL)
            die("out of memory");
    }
    kept[kept_count].number = number;
    kept[kept_count++].receipt = receipt;
}

/* Hands a kept receipt out, once. */
static slg_receipt *take(uint64_t number)
{
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i].number == number) {
            slg_receipt *receipt = kept[i].receipt;
            kept[i] = kept[--kept_count];
            return receipt;
        }
    }
    die("a refund of an unknown receipt");
    return NULL;
}

static void swap(const slg_limiter *limiter, char **fields)
{
    slg_policy *policy = read_policy(fields[2]);
    uint64_t version;
    slg_status status = slg_limiter_swap(limiter, policy, &version, NULL, 0, NULL);
    printf("%" PRIu32 "\tswap\t-\t-\t-\t-\t-\t-\t-\t-\t%" PRIu64 "\n", status, version);
    slg_policy_free(policy);
}

static void refund(const slg_limiter *limiter, char **fields)
{
    slg_status status = slg_refund(limiter, take(number(fields[2])), NULL);
    printf("%" PRIu32 "\trefund\t-\t-\t-\t-\t-\t-\t-\t-\t-\n", status);
}

static void reset(const slg_limiter *limiter, char **fields)
{
    size_t merchant_len = decode(fields[2]);
    char *rule = strcmp(fields[3], "-") == 0 ? NULL : fields[3];
    size_t rule_len = rule == NULL ? 0 : decode(rule);
    slg_status status = slg_reset(limiter, fields[2], merchant_len, rule, rule_len, NULL);
    printf("%" PRIu32 "\treset\t-\t-\t-\t-\t-\t-\t-\t-\t-\n", status);
}

static void check(const slg_limiter *limiter, char **fields)
{
    size_t merchant_len = decode(fields[2]), endpoint_len = decode(fields[3]);
    uint32_t cost = (uint32_t)number(fields[4]);
    slg_decision d;
    slg_status status;
    if (strcmp(fields[5], "-") == 0) {
        status = slg_check_path(limiter, fields[2], merchant_len, fields[3], endpoint_len, cost, &d);
    } else {
        slg_receipt *receipt;
        status = slg_check_receipt_path(limiter, fields[2], merchant_len, fields[3], endpoint_len,
                                        cost, &d, &receipt);
        keep(number(fields[5]), receipt);
    }
    print_decision(limiter, status, &d);
}

static void peek(const slg_limiter *limiter, char **fields)
{
    size_t merchant_len = decode(fields[2]), endpoint_len = decode(fields[3]);
    uint32_t cost = (uint32_t)number(fields[4]);
    slg_decision d;
    slg_status status =
        slg_peek_path(limiter, fields[2], merchant_len, fields[3], endpoint_len, cost, &d);
    print_decision(limiter, status, &d);
}

static void step(const slg_limiter *limiter, char **fields, int count)
{
    static const struct {
        const char *name;
        int fields;
        void (*run)(const slg_limiter *, char **);
    } steps[] = {
        {"check", 6, check}, {"peek", 6, peek}, {"refund", 3, refund},
        {"reset", 4, reset}, {"swap", 3, swap},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (strcmp(fields[0], steps[i].name) == 0 && count == steps[i].fields) {
            steps[i].run(limiter, fields);
            return;
        }
    }
    die("an unknown step, or one with a wrong number of fields");
}

int main(void)
{
    char *fields[MAX_FIELDS];
    char *line = read_line();
    if (line == NULL || split(line, fields) != 3)
        die("the first line is not policy, unix_ns, max_keys");
    slg_policy *policy = read_policy(fields[0]);
    slg_manual_clock *clock = NULL;
    slg_manual_clock_new(number(fields[1]), &clock);
    slg_options options = {sizeof options, SLG_ON_FULL_DENY, number(fields[2]), clock, 0, 0};
    slg_limiter *limiter;
    char why[512];
    if (slg_limiter_new(policy, &options, &limiter, why, sizeof why, NULL) != SLG_OK)
        die(why);
    slg_policy_free(policy);
    while ((line = read_line()) != NULL) {
        int count = split(line, fields);
        if (count < 3)
            die("a step has too few fields");
        slg_manual_clock_set_elapsed_ns(clock, number(fields[1]));
        step(limiter, fields, count);
    }
    while (kept_count > 0)
        slg_receipt_free(kept[--kept_count].receipt);
    free(kept);
    slg_limiter_free(limiter);
    slg_manual_clock_free(clock);
    return 0;
}
