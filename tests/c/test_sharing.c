/* One limiter, many threads; and a fork. */
#define _POSIX_C_SOURCE 200809L
#include "fixture.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

int test_sharing(void);

/* Each round is another merchant, for whom all threads set out at once with twice
 * as many checks as the limit admits. */
enum { THREADS = 4, ROUNDS = 40, LIMIT = 1000, CHECKS = 2 * LIMIT / THREADS };

static const char THOUSAND[] = "version = 1\n[[rule]]\nname = \"all\"\nmatch = \"*\"\n"
                               "windows = [\"1000/h\"]\n";

struct worker {
    const slg_limiter *limiter;
    slg_key *const *keys; /* one for each round, shared by all */
    pthread_barrier_t *start;
    pthread_t thread;
    int admitted[ROUNDS];
    int failed;
};

/* Checks in every way that charges: by id, by the shared key, in a batch. */
static slg_status check_somehow(const struct worker *worker, int round, int way, slg_decision *d)
{
    const slg_limiter *limiter = worker->limiter;
    const slg_request request = {&round, sizeof round, SLG_ENDPOINT_NONE, 1, 0};
    slg_status status = SLG_STATUS_PANIC;
    switch (way) {
    case 0: return slg_check(limiter, &round, sizeof round, SLG_ENDPOINT_NONE, 1, d);
    case 1: return slg_check_key(limiter, worker->keys[round], 1, d);
    default: return slg_check_many(limiter, &request, 1, d, &status) | status;
    }
}

/* Checks, with a swap and a look-up now and then, all on one handle. */
static void *work(void *argument)
{
    struct worker *worker = (struct worker *)argument;
    const slg_limiter *limiter = worker->limiter;
    slg_policy *policy = make_policy(THOUSAND);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(worker->start);
        for (int i = 0; i < CHECKS; i++) {
            slg_decision d;
            worker->failed += check_somehow(worker, round, i % 3, &d) != SLG_OK;
            worker->admitted[round] += (int)d.allowed;
        }
        uint32_t id;
        worker->failed += slg_limiter_swap(limiter, policy, NULL, NO_MESSAGE) != SLG_OK;
        worker->failed += slg_endpoint(limiter, TEXT("GET /"), &id, NO_MESSAGE) != SLG_OK;
    }
    slg_policy_free(policy);
    return NULL;
}

static void test_threads_share_one_limit(void)
{
    static struct worker workers[THREADS];
    slg_limiter *limiter = make_limiter(THOUSAND, 64, SLG_ON_FULL_DENY, NULL);
    const uint32_t id = endpoint_id(limiter, "GET /");
    slg_key *keys[ROUNDS] = {NULL};
    for (int round = 0; round < ROUNDS; round++)
        EXPECT_EQ(slg_prepare(limiter, &round, sizeof round, id, &keys[round]), SLG_OK);
    pthread_barrier_t start;
    EXPECT_EQ(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        workers[i].limiter = limiter;
        workers[i].keys = keys;
        workers[i].start = &start;
        EXPECT_EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        EXPECT_EQ(pthread_join(workers[i].thread, NULL), 0);
        EXPECT_EQ(workers[i].failed, 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        int admitted = 0;
        for (int i = 0; i < THREADS; i++)
            admitted += workers[i].admitted[round];
        EXPECT_EQ(admitted, LIMIT);
        slg_key_free(keys[round]);
    }
    pthread_barrier_destroy(&start);
    slg_limiter_free(limiter);
}

static void test_each_child_counts_for_itself(void)
{
    slg_limiter *limiter = make_limiter(MERCHANTS, 8, SLG_ON_FULL_DENY, NULL);
    EXPECT_EQ(check_path(limiter, "m", "", 1).remaining, 3);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        /* The child inherits the one admission and adds two of its own. */
        int right = check_path(limiter, "m", "", 2).remaining == 1;
        _exit(right ? 0 : 1);
    }
    int status = -1;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_EQ(check_path(limiter, "m", "", 1).remaining, 2);
    slg_limiter_free(limiter);
}

int test_sharing(void)
{
    expect_passed = expect_failed = 0;
    test_threads_share_one_limit();
    test_each_child_counts_for_itself();
    return expect_report("tests/c/test_sharing.c");
}
