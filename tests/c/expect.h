/* The smallest possible test harness, for C and C++. */
#ifndef SLIDEGATE_TESTS_EXPECT_H
#define SLIDEGATE_TESTS_EXPECT_H

#include <stdio.h>

static int expect_failed;
static int expect_passed;

/* A failure is counted and shown; the test goes on. */
#define EXPECT(condition)                                                       \
    ((condition) ? (void)expect_passed++                                        \
                 : (void)(expect_failed++, fprintf(stderr, "%s:%d: expected %s\n", \
                                                   __FILE__, __LINE__, #condition)))

/* Two numbers, both shown when they differ. */
#define EXPECT_EQ(found, wanted)                                                \
    expect_equal((unsigned long long)(found), (unsigned long long)(wanted), #found, __FILE__, \
                 __LINE__)

static inline void expect_equal(unsigned long long found, unsigned long long wanted,
                                const char *what, const char *file, int line)
{
    if (found == wanted) {
        expect_passed++;
        return;
    }
    expect_failed++;
    fprintf(stderr, "%s:%d: %s is %llu, expected %llu\n", file, line, what, found, wanted);
}

static inline int expect_report(const char *name)
{
    printf("%s: %d passed, %d failed\n", name, expect_passed, expect_failed);
    return expect_failed == 0 ? 0 : 1;
}

#endif
